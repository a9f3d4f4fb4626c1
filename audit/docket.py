"""What a challenger brings to court (protocol 8.9.4): out of a chain, an archive and a reader's key, nothing else.

Nothing is judged here. What the archive or the key does not give is left out; the contract refuses what does not prove.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from alliance.calendar import Day
from alliance.errors import AllianceError
from alliance.identity import Address, Digest
from alliance.statement import LeafKind, Statement
from audit.blocks import Source
from audit.finding import Unread
from chain import events
from chain.court import Docket, LogView, RuledDocument
from chain.events import Checkpoint, Event, Leased, RowsKept, StatementPosted, StatementVoided
from chain.rpc import Rpc
from oracle import block, log, manifest, rows, statement_document
from oracle.deployment import Deployment
from oracle.document import Opened, open_salted
from oracle.grant import Opener
from oracle.log import Entry, EntryType
from oracle.manifest import Manifest
from oracle.segment import SealedSegment
from oracle.settlement_tree import settlement_tree

_RANGE_BLOCKS = 5_000
_LOGGED_LATER = 3
"""A statement's block is granted in the epoch that logs it, at the latest so many after its posting."""
_DAY_EPOCHS = 97


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A day's docket with its newest statement."""

    docket: Docket
    version: int
    statement: Statement


@dataclass(frozen=True, slots=True)
class _Logged:
    entry: Entry
    epoch: int


def gather(
    rpc: Rpc,
    archive: Source,
    deployment: Deployment,
    day: Day,
    *,
    opener: Opener | None = None,
    leaf: int | None = None,
) -> Case:
    """Everything that a dispute of a day's newest statement can draw on; with `leaf`, that leaf's readings too.

    Raises Unread when the day has no standing statement, or its document, a manifest or the node cannot be read.
    """
    found = list(_events(rpc, deployment))
    manifests = [(c, manifest.decode(archive.get(c.manifest))) for c in found if isinstance(c, Checkpoint)]
    logged = [
        _Logged(entry, made.epoch) for _, made in manifests for entry in log.decode_entries(archive.get(made.entries))
    ]
    statements = dict(_statements(found, archive, deployment, day, opener))
    if not statements:
        raise Unread(what="statement", why=f"no statement of {day} stands that can be read")
    leases = {event.lease.number: event.lease for event in found if isinstance(event, Leased)}
    docket = Docket(
        day=day,
        statements={version: settlement_tree(statement) for version, statement in statements.items()},
        log=LogView([item.entry for item in logged]),
        documents=dict(_documents(logged, archive, day, opener)),
        lease_stations={number: lease.station for number, lease in leases.items()},
        lease_versions={number: lease.version for number, lease in leases.items()},
        kept=frozenset(event.document for event in found if isinstance(event, RowsKept)),
    )
    newest = max(statements)
    if leaf is not None:
        docket = _with_readings(docket, newest, leaf, [made for _, made in manifests], archive, deployment, opener)
    return Case(docket=docket, version=newest, statement=statements[newest])


def _events(rpc: Rpc, deployment: Deployment) -> Iterator[Event]:
    addresses = [contract.address for contract in deployment.contracts.values()]
    first, last = min(contract.block for contract in deployment.contracts.values()), rpc.block_number()
    for low in range(first, last + 1, _RANGE_BLOCKS):
        for one in rpc.logs(addresses, first=low, last=min(low + _RANGE_BLOCKS - 1, last)):
            event = events.decode(one, timestamp_s=0)
            if event is not None:
                yield event


def _statements(
    found: Sequence[Event], archive: Source, deployment: Deployment, day: Day, opener: Opener | None
) -> Iterator[tuple[int, Statement]]:
    """The standing versions as archived; one that cannot be read leaves its day without a docket."""
    mine = [e for e in found if isinstance(e, StatementPosted) and e.day == day.number]
    void = max((e.up_to for e in found if isinstance(e, StatementVoided) and e.day == day.number), default=0)
    first = day.end_ms // 1000 // deployment.epoch_seconds
    for event in (e for e in mine if e.version > void):
        epochs = range(first + 4 * _DAY_EPOCHS + _LOGGED_LATER, first - 1, -1)
        opened = _open(archive, event.statement, None, opener, epochs)
        if opened is None:
            raise Unread(what="statement", why=f"version {event.version} of {day} is not readable with this key")
        yield event.version, statement_document.from_plain(opened.content)


def _documents(
    logged: Sequence[_Logged], archive: Source, day: Day, opener: Opener | None
) -> Iterator[tuple[Digest, RuledDocument]]:
    """Every readable rule pack, and the readable schedules of the day."""
    for item in logged:
        if not rows.has_rows(item.entry.type):
            continue
        opened = _open(archive, item.entry.document, item.entry.commitment, opener, [item.epoch])
        if opened is None or not _is_of(item.entry, opened.content, day):
            continue
        made = rows.rows_of(item.entry.type, opened.content, salt=opened.salt)
        yield item.entry.document, RuledDocument(kind=item.entry.type, rows=made)


def _is_of(entry: Entry, content: object, day: Day) -> bool:
    match content:
        case {"schedule": {"schedule": {"day": int(number)}}}:
            return number == day.number
    return entry.type is EntryType.RULE_PACK


def _open(
    archive: Source, digest: Digest, commitment: Digest | None, opener: Opener | None, epochs: Iterable[int]
) -> Opened | None:
    """A document's content and salt, None when it is not there or stays locked."""
    return _tried(
        lambda key: open_salted(archive.get(digest), commitment=commitment, content_key=key), digest, opener, epochs
    )


def _tried(
    open_with: Callable[[bytes | None], Opened], digest: Digest, opener: Opener | None, epochs: Iterable[int]
) -> Opened | None:
    try:
        return open_with(None)
    except AllianceError:
        if opener is None:
            return None
    try:
        return open_with(opener.key_in(digest, epochs))
    except AllianceError:
        return None


def _with_readings(
    docket: Docket,
    version: int,
    index: int,
    manifests: Sequence[Manifest],
    archive: Source,
    deployment: Deployment,
    opener: Opener | None,
) -> Docket:
    """The docket with the segments that hold a quantity's two readings."""
    leaf = docket.leaf(version, index)
    if leaf.kind is not LeafKind.QUANTITY:
        return docket
    words = [leaf.body[at : at + 32] for at in range(0, len(leaf.body), 32)]
    stream = (Address(words[5][12:]), int.from_bytes(words[6], "big"))
    seqs = [int.from_bytes(words[at], "big") for at in (7, 8)]
    found: list[SealedSegment] = []
    for made in manifests:
        for row in made.rows:
            if (row.device, row.channel) != stream or row.evidence is None or row.first_seq is None:
                continue
            if any(row.first_seq <= seq <= (row.last_seq or row.first_seq) for seq in seqs):
                key = None if opener is None else opener.key_of(row.evidence, made.epoch)
                found += block.decode(archive.get(row.evidence), deployment.domain, content_key=key)
    return replace(docket, segments={stream: found})
