"""A recorded day as its operator could have told it otherwise: log, manifests, statements and chain, all of one piece.

`retell` makes what the contracts would have recorded had the operator archived and anchored something else: they take
any log that only grows. Lies of its own are played on a real chain by tests/audit/test_lies.py, apart from these.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from alliance.calendar import epoch_start_ms
from alliance.errors import AllianceError
from alliance.identity import ZERO_DIGEST, Address, Digest, to_hex
from alliance.segment import START, Head
from alliance.statement import Statement
from chain import abi, events
from chain.events import Checkpoint, StatementPosted
from chain.rpc import Log
from oracle import block, document, log, manifest, rows, statement_document
from oracle.archive import FolderArchive
from oracle.deployment import Deployment
from oracle.document import Document, Opened, open_salted
from oracle.hashing import sha256
from oracle.log import DOCUMENT_TYPES, Entry, EntryType
from oracle.manifest import Manifest, Row, RowStatus
from oracle.merkle import HashTree, leaf_hash
from oracle.segment import SealedSegment
from oracle.settlement_tree import statement_root
from tests.campaigns.evidence_chain import ChainView, Json
from tests.campaigns.evidence_world import Scene

Stream = tuple[Address, int]
Segments = Mapping[Stream, tuple[SealedSegment, ...]]
Blocks = Mapping[Digest, bytes | None]
"""What an archive has instead of a world's; None: withheld."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """One epoch: what is logged, what is archived, and how its manifest is bent."""

    epoch: int
    as_of_block: int
    as_of_hash: Digest
    segments: Segments
    others: tuple[Entry, ...]
    frozen: frozenset[Stream]
    streams: frozenset[Stream]
    archived: Segments | None = None
    """What the evidence blocks hold, when it is not what is logged."""
    encode: Callable[[Sequence[SealedSegment]], bytes] | None = None
    """How evidence blocks are written; None: the world's own where nothing changed, else in clear."""
    entries: Callable[[list[Entry]], list[Entry]] = lambda entries: entries
    rows: Callable[[tuple[Row, ...]], tuple[Row, ...]] = lambda rows: rows
    manifest: Callable[[Manifest], Manifest] = lambda made: made
    raw_entries: Callable[[bytes], bytes] = lambda raw: raw
    raw_manifest: Callable[[bytes], bytes] = lambda raw: raw


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A statement as archived and as posted."""

    statement: Statement
    document: Document
    event: StatementPosted


@dataclass(frozen=True, kw_only=True)
class Tale:
    """A chain and an archive that go together."""

    view: ChainView
    blocks: Blocks = field(default_factory=dict)
    grants: Mapping[int, bytes | None] = field(default_factory=dict)
    """The reader's grants of some epochs instead of the world's; None: there is none."""


class Story:
    """The honest day, taken apart."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.deployment: Deployment = scene.deployment
        self.view = scene.view
        self.archive = FolderArchive(scene.archive)
        self.events = [decoded(log_, self.view) for log_ in self.view.logs]
        self.checkpoints = [event for event in self.events if isinstance(event, Checkpoint)]
        self.first_epoch = self.checkpoints[0].epoch
        self.opener = scene.opener()
        self.manifests = {c.epoch: manifest.decode(self.archive.get(c.manifest)) for c in self.checkpoints}
        self.told = {c.epoch: self._told(self.manifests[c.epoch]) for c in self.checkpoints}
        self.heads = self._heads()

    def opened(self, digest: Digest, epoch: int) -> Opened:
        """The salt and content of a logged document."""
        raw = self.archive.get(digest)
        return open_salted(raw, content_key=self.key_of(digest, epoch))

    def content(self, digest: Digest, epoch: int) -> Any:
        """A logged document's plain content, to be changed at will: what is remembered of it is not touched."""
        return copy.deepcopy(self.opened(digest, epoch).content)

    def key_of(self, digest: Digest, epoch: int) -> bytes | None:
        """The content key that the reader is granted for a block of an epoch."""
        return None if self.opener is None else self.opener.key_of(digest, epoch)

    @cached_property
    def blocks(self) -> dict[Digest, bytes]:
        """The whole archive."""
        return {digest: self.archive.get(digest) for digest in self.archive.digests()}

    def of(self, kind: type) -> list:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @cached_property
    def postings(self) -> list[Posted]:
        """The statements, in order."""
        return [self._posted(event) for event in self.of(StatementPosted)]

    def checkpoint(self, epoch: int) -> Checkpoint:
        """The checkpoint of an epoch."""
        return self.checkpoints[epoch - self.first_epoch]

    def epoch_of_entry(self, digest: Digest) -> int:
        """The epoch that logs a document."""
        return next(e for e, told in self.told.items() for o in told.others if o.document == digest)

    def _posted(self, event: StatementPosted) -> Posted:
        raw = self.archive.get(event.statement)
        epoch = self.epoch_of_entry(event.statement)
        entry = next(o for o in self.told[epoch].others if o.document == event.statement)
        statement = statement_document.from_plain(self.opened(event.statement, epoch).content)
        return Posted(
            statement=statement, document=Document(kind=EntryType.STATEMENT, block=raw, entry=entry), event=event
        )

    def _told(self, made: Manifest) -> Told:
        entries = log.decode_entries(self.archive.get(made.entries))
        segments = {
            (row.device, row.channel): block.decode(
                self.archive.get(row.evidence),
                self.deployment.domain,
                content_key=self.key_of(row.evidence, made.epoch),
            )
            for row in made.rows
            if row.evidence is not None
        }
        return Told(
            epoch=made.epoch, as_of_block=made.as_of_block, as_of_hash=made.as_of_hash, segments=segments,
            others=tuple(e for e in entries if e.type not in (EntryType.EPOCH, EntryType.SEGMENT)),
            frozen=frozenset((r.device, r.channel) for r in made.rows if r.status is RowStatus.FROZEN),
            streams=frozenset((r.device, r.channel) for r in made.rows),
        )  # fmt: skip

    def _heads(self) -> dict[int, dict[Stream, Head]]:
        """The streams' heads before each epoch."""
        heads: dict[Stream, Head] = {}
        found = {}
        for epoch, told in self.told.items():
            found[epoch] = dict(heads)
            heads |= moved(told.segments)
        return found | {epoch + 1: dict(heads)}

    @cached_property
    def leaves(self) -> dict[int, list[Digest]]:
        """Each epoch's leaf hashes."""
        entries = {e: log.decode_entries(self.archive.get(m.entries)) for e, m in self.manifests.items()}
        return {e: [leaf_hash(entry.raw) for entry in listed] for e, listed in entries.items()}

    # ---- telling it again ----

    def retell(
        self,
        changes: Mapping[int, Callable[[Told], Told]],
        *,
        postings: Mapping[int, Posted] | None = None,
        documents: Mapping[Digest, Document] | None = None,
    ) -> Tale:
        """The log with some epochs told otherwise, and statements posted otherwise (version → posting).

        `documents` take the place of logged ones (digest → document); a posting's document does so by itself.
        """
        postings = postings or {}
        swapped = dict(documents or {}) | {
            self.postings[v - 1].event.statement: made.document for v, made in postings.items()
        }
        first = min([*changes, *(self.epoch_of_entry(digest) for digest in swapped)])
        blocks: dict[Digest, bytes | None] = {made.digest: made.block for made in swapped.values()}
        tree = HashTree(leaf for epoch in range(self.first_epoch, first) for leaf in self.leaves[epoch])
        prev = self.checkpoint(first - 1).manifest if first > self.first_epoch else ZERO_DIGEST
        heads, told_checkpoints = dict(self.heads[first]), {}
        for epoch in range(first, self.checkpoints[-1].epoch + 1):
            told = self._swapped(self.told[epoch], swapped)
            told = changes[epoch](told) if epoch in changes else told
            prev = self._anchor(told, tree, prev, heads, blocks, told_checkpoints)
        view = self._told_view(told_checkpoints, {v: made.event for v, made in postings.items()})
        return Tale(view=view, blocks={d: b for d, b in blocks.items() if b is None or d not in self.blocks})

    def _swapped(self, told: Told, documents: Mapping[Digest, Document]) -> Told:
        others = []
        for other in told.others:
            made = documents.get(other.document)
            if made is None or other.type not in (*DOCUMENT_TYPES, EntryType.ROWS):
                others.append(other)
            else:
                others.append(made.entry if other.type in DOCUMENT_TYPES else rows_of(made, other))
        return replace(told, others=tuple(others))

    def _anchor(
        self, told: Told, tree: HashTree, prev: Digest, heads: dict[Stream, Head],
        blocks: dict[Digest, bytes | None], checkpoints: dict[int, tuple[int, Digest, Digest]],
    ) -> Digest:  # fmt: skip
        archived = told.segments if told.archived is None else told.archived
        evidence = {}
        for stream, sealed in archived.items():
            if told.encode is None and sealed is self._honest(told.epoch).get(stream):
                evidence[stream] = self._evidence(told.epoch, stream)
            elif sealed:
                raw = (told.encode or block.encode)(sealed)
                evidence[stream] = sha256(raw)
                blocks[evidence[stream]] = raw
        signed = [one.signed for stream in sorted(told.segments) for one in told.segments[stream]]
        entries = told.entries(log.arrange(told.epoch, signed, told.others))
        for entry in entries:
            tree.append(leaf_hash(entry.raw))
        listed_rows = tuple(
            manifest.row_of(
                *stream, segments=[one.signed for one in told.segments.get(stream, ())],
                head=heads.get(stream, START).digest, evidence=evidence.get(stream),
                epoch_start_ms=epoch_start_ms(told.epoch), frozen=stream in told.frozen,
            )
            for stream in sorted({*told.streams, *told.segments})
        )  # fmt: skip
        listed = told.raw_entries(log.encode_entries(entries))
        made = Manifest(
            log=self.deployment.log, epoch=told.epoch, prev=prev, size=tree.size, root=tree.root(),
            as_of_block=told.as_of_block, as_of_hash=told.as_of_hash, entries=sha256(listed), rows=told.rows(listed_rows),
        )  # fmt: skip
        raw = told.raw_manifest(manifest.encode(told.manifest(made)))
        named = sha256(raw)
        blocks |= {made.entries: listed, named: raw}
        checkpoints[told.epoch] = (tree.size, tree.root(), named)
        heads |= moved(told.segments)
        return named

    def _honest(self, epoch: int) -> Segments:
        return self.told[epoch].segments if epoch in self.told else {}

    def _evidence(self, epoch: int, stream: Stream) -> Digest:
        row = self.manifests[epoch].row(*stream)
        assert row is not None
        assert row.evidence is not None
        return row.evidence

    def _told_view(
        self, checkpoints: Mapping[int, tuple[int, Digest, Digest]], posted: Mapping[int, StatementPosted]
    ) -> ChainView:
        def told(raw: Json, event: object) -> Json:
            if isinstance(event, Checkpoint) and event.epoch in checkpoints:
                size, root, named = checkpoints[event.epoch]
                return encoded(replace(event, size=size, root=root, manifest=named), raw)
            if isinstance(event, StatementPosted) and event.version in posted:
                return encoded(posted[event.version], raw)
            return raw

        logs = tuple(told(raw, event) for raw, event in zip(self.view.logs, self.events, strict=True))
        return self.anchored(replace(self.view, logs=logs), checkpoints, posted)

    def anchored(
        self, view: ChainView, checkpoints: Mapping[int, tuple[int, Digest, Digest]],
        posted: Mapping[int, StatementPosted],
    ) -> ChainView:  # fmt: skip
        """The view with the state that these checkpoints and postings leave."""
        last, contract = self.checkpoints[-1], self.deployment["AnchorLog"].address
        size, root, _ = checkpoints.get(last.epoch, (last.size, last.root, last.manifest))
        state = view.state.stored(contract, self.log_slots(root=root, size=size, epoch=last.epoch))
        calls = dict(self._state_calls(root=root, size=size, epoch=last.epoch))
        ledger = self.deployment["SettlementLedger"].address
        for version, event in posted.items():
            before = self.postings[version - 1].event
            state = state.stored(ledger, _exchanged(state.accounts[ledger].storage, before, event))
        return view.with_state(state, calls)

    def log_slots(self, *, root: Digest, size: int, epoch: int) -> dict[int, int]:
        """The log's two slots with other content; the writer stays."""
        contract, last = self.deployment["AnchorLog"].address, self.checkpoints[-1]
        storage = self.view.state.accounts[contract].storage
        at = next(slot for slot, value in storage.items() if value == int.from_bytes(last.root, "big"))
        writer = storage[at + 1] & ((1 << 160) - 1)
        packed = epoch << 208 | size << 160 | writer
        assert storage[at + 1] == last.epoch << 208 | last.size << 160 | writer, (
            "the log's slots are laid out otherwise"
        )
        return {at: int.from_bytes(root, "big"), at + 1: packed}

    def _state_calls(self, *, root: Digest, size: int, epoch: int) -> dict[tuple[str, str], Json]:
        key = (to_hex(self.deployment["AnchorLog"].address), _STATE_CALL)
        if key not in self.view.calls:
            return {}
        writer = self.view.calls[key]["result"][66:130]
        return {key: {"result": f"0x{root.hex()}{writer}{size:064x}{epoch:064x}"}}


def rows_of(made: Document, before: Entry) -> Entry:
    """The rows entry of a document that took another's place; where it can have no rows, some root."""
    try:
        opened = open_salted(made.block)
        found = rows.entry_of(made.kind, made.digest, opened.content, salt=opened.salt)
    except AllianceError:
        found = None
    return found or Entry(EntryType.ROWS, made.digest + before.body[32:])


_STATE_CALL = to_hex(abi.selector("state()"))


def moved(segments: Segments) -> dict[Stream, Head]:
    """The heads that segments leave."""
    return {
        stream: Head(next_seq=listed[-1].signed.segment.next_seq, digest=listed[-1].signed.digest)
        for stream, listed in segments.items()
        if listed
    }


def _exchanged(storage: Mapping[int, int], before: StatementPosted, after: StatementPosted) -> dict[int, int]:
    """The slots that hold a posting's whole words, with the other posting's."""
    words = {
        int.from_bytes(old, "big"): int.from_bytes(new, "big")
        for old, new in ((before.root, after.root), (before.statement, after.statement))
    }
    return {slot: words[value] for slot, value in storage.items() if value in words}


def posting(
    made: Statement, event: StatementPosted, *, archived: Statement | None = None, salt: bytes | None = None
) -> Posted:
    """A statement posted in the place of another: its document (or another statement's), root, count and balances."""
    plain = statement_document.to_plain(archived or made)
    paper = document.seal(EntryType.STATEMENT, plain, salt=salt or sha256(b"salt", event.root))
    told = replace(
        event, version=event.version, root=statement_root(made), leaf_count=made.leaf_count,
        statement=paper.digest, members=made.heading.roster, balances_cents=made.balances,
    )  # fmt: skip
    return Posted(statement=made, document=paper, event=told)


# ---- events ----


def decoded(raw: Json, view: ChainView) -> events.Event | None:
    """The event in a recorded log."""
    number = int(raw["blockNumber"], 16)
    read = Log(
        address=Address(bytes.fromhex(raw["address"][2:])),
        topics=tuple(Digest(bytes.fromhex(topic[2:])) for topic in raw["topics"]), data=bytes.fromhex(raw["data"][2:]),
        block_number=number, block_hash=Digest(bytes.fromhex(raw["blockHash"][2:])),
        tx_hash=Digest(bytes.fromhex(raw["transactionHash"][2:])), log_index=int(raw["logIndex"], 16),
    )  # fmt: skip
    return events.decode(read, timestamp_s=int(view.blocks[number]["timestamp"], 16))


def arguments(raw: Json) -> tuple[list[str], list[bool], list[object]]:
    """Types, which are indexed, and the plain values of a recorded log of ours."""
    spec = events._SPECS[Digest(bytes.fromhex(raw["topics"][0][2:]))]
    topics = iter(raw["topics"][1:])
    tail = "(" + ",".join(t for t, hot in zip(spec.types, spec.indexed, strict=True) if not hot) + ")"
    plain = iter(abi.decode(tail, bytes.fromhex(raw["data"][2:])))
    values = [
        abi.decode(f"({kind})", bytes.fromhex(next(topics)[2:]))[0] if hot else next(plain)
        for kind, hot in zip(spec.types, spec.indexed, strict=True)
    ]
    return list(spec.types), list(spec.indexed), values


def with_arguments(raw: Json, values: Sequence[object]) -> Json:
    """A recorded log with other arguments."""
    types, indexed, _ = arguments(raw)
    hot = [abi.encode(f"({t})", [v]) for t, h, v in zip(types, indexed, values, strict=True) if h]
    cold = [(t, v) for t, h, v in zip(types, indexed, values, strict=True) if not h]
    data = abi.encode("(" + ",".join(t for t, _ in cold) + ")", [v for _, v in cold])
    return {**raw, "topics": [raw["topics"][0], *map(to_hex, hot)], "data": to_hex(data)}


def encoded(event: Checkpoint | StatementPosted, raw: Json) -> Json:
    """A recorded log that tells another event of its kind."""
    match event:
        case Checkpoint():
            return with_arguments(raw, [event.epoch, event.size, event.root, event.manifest])
        case StatementPosted():
            values = [
                event.day, event.version, event.root, event.leaf_count, event.statement, list(event.members),
                list(event.balances_cents),
            ]  # fmt: skip
            return with_arguments(raw, values)


def resealed(kind: EntryType, content: object, before: Opened) -> Document:
    """A document sealed again, in clear, under another one's salt."""
    return document.seal(kind, content, salt=before.salt)
