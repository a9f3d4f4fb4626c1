"""Closing epochs (protocol 4.3): seal, archive, fix, advance; each step durable before the next, none done twice.

1 seal    nothing more enters the epoch (what arrives later goes into the next);
2 archive evidence blocks (encrypted, protocol 4.8), documents, entries, manifest: synced to disk;
3 fix     root, manifest, entries, and under whose key a block is, in the database;
4 advance the sender keeps the call under the key `advance:<epoch>` and sees it mined.
What dies in between is done again with the same inputs, hence the same bytes.
"""

from collections import defaultdict
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from alliance.calendar import epoch_start_ms
from alliance.errors import Conflicting
from alliance.identity import ZERO_DIGEST, Address, Digest, to_hex
from alliance.segment import SignedSegment
from api.devices import queries as devices
from api.documents import queries as documents
from api.epochs import queries, repository
from api.epochs.repository import Closed, Sealed
from api.jobs.blocks import last_block_before
from api.jobs.loop import Halted
from api.jobs.sending import advance_key
from api.platform import Platform
from api.privacy import repository as privacy
from api.privacy import subjects
from api.privacy.repository import SealedRow
from api.segments import repository as segments
from chain import anchors
from oracle import block, log, manifest
from oracle.document import Document
from oracle.manifest import Manifest, Row
from oracle.segment import SealedSegment

_LOG = structlog.get_logger()
_Stream = tuple[Address, int]


@dataclass(kw_only=True, eq=False)
class CheckpointDiffers(Halted, Conflicting):
    """The chain holds another checkpoint of an epoch than this service made: another writer has the key."""

    epoch: int
    want_root: Digest
    got_root: Digest
    want_manifest: Digest
    got_manifest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All that an epoch holds, as the database had it when the epoch was sealed."""

    sealed: Sealed
    streams: dict[_Stream, list[SealedSegment]]
    documents: list[Document]
    rows: list[log.Entry]
    """The entries of the documents' rows."""
    registered: set[_Stream]
    heads: dict[_Stream, Digest]
    frozen: dict[Address, set[Address]]
    stations: dict[_Stream, int]
    """Under whose key a channel's evidence is encrypted."""
    prev_manifest: Digest
    old_size: int


class CloseEpochs:
    """The job that closes and anchors every epoch that is due, in order."""

    name = "close epochs"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def run(self, t_ms: int) -> None:
        """Close what is due at a tick; hand the sender what it does not have yet."""
        self._finish_unfinished()
        while self._seal_next(t_ms):
            self._finish_unfinished()
        self._advance(t_ms)
        self._platform.writer.poll(t_ms)

    def _seal_next(self, t_ms: int) -> bool:
        """Seal the next epoch if it is due and the block that it counts from is settled."""
        p, deployment = self._platform, self._platform.deployment
        with p.database.reading() as connection:
            last = repository.last_sealed(connection)
            epoch = (deployment.start_epoch if last is None else last) + 1
            if t_ms < queries.epoch_due_ms(deployment, epoch):
                return False
            start = epoch_start_ms(epoch, epoch_seconds=deployment.epoch_seconds)
            as_of = last_block_before(connection, p.rpc, start, finality_blocks=p.settings.finality_blocks)
        if as_of is None:
            _LOG.warning("epochs.waiting_for_chain", epoch=epoch)
            return False
        with p.database.writing() as connection:
            sealed = Sealed(number=epoch, as_of_block=as_of.number, as_of_hash=as_of.hash)
            repository.seal(connection, sealed, t_ms=t_ms)
        return True

    def _finish_unfinished(self) -> None:
        """Archive and fix the epoch that is sealed, if there is one."""
        p = self._platform
        with p.database.reading() as connection:
            sealed = repository.unfinished(connection)
            if sealed is None:
                return
            p.log.load(connection)
            contents = gather(connection, sealed)
        closed, entries, sealed_rows = self._archive(contents)
        with p.database.writing() as connection:
            repository.close(connection, closed, entries)
            privacy.add_sealed(connection, sealed_rows)
        _LOG.info("epochs.closed", epoch=closed.number, size=closed.size, manifest=to_hex(closed.manifest))

    def _archive(self, contents: Contents) -> tuple[Closed, list[log.Entry], list[SealedRow]]:
        """Put everything of an epoch into the archive; the log's tree grows by its entries."""
        p = self._platform
        evidence, sealed_rows = self._archive_evidence(contents)
        for document in contents.documents:
            p.archive.put(document.block)
        entries = entries_of(contents)
        entries_block = p.archive.put(log.encode_entries(entries))
        tree = p.log.extend(entries)
        made = manifest_of(
            contents,
            evidence,
            log_id=p.deployment.log,
            size=tree.size,
            root=tree.root(),
            entries=entries_block,
            epoch_seconds=p.deployment.epoch_seconds,
        )
        closed = Closed(
            number=made.epoch,
            old_size=contents.old_size,
            size=made.size,
            root=made.root,
            manifest=p.archive.put(manifest.encode(made)),
            entries=entries_block,
        )
        return closed, entries, sealed_rows

    def _archive_evidence(self, contents: Contents) -> tuple[dict[_Stream, Digest], list[SealedRow]]:
        """Each channel's block in the archive, under its station's key, and what is remembered of that."""
        p, epoch = self._platform, contents.sealed.number
        if not p.vault.encrypts:
            return {s: p.archive.put(block.encode(found)) for s, found in sorted(contents.streams.items())}, []
        keys = subjects.keys_for(p, contents.stations.values())
        evidence: dict[_Stream, Digest] = {}
        rows = []
        for stream, found in sorted(contents.streams.items()):
            subject = keys[contents.stations[stream]]
            made = block.encode_encrypted(found, subject_key=subject.key, epoch=epoch)
            evidence[stream] = p.archive.put(made.block)
            rows.append(subject.sealed(evidence[stream], epoch=epoch, info=made.info))
        return evidence, rows

    def _advance(self, t_ms: int) -> None:
        """Submit every closed epoch that the chain does not have; a checkpoint that differs from ours halts the job."""
        p = self._platform
        with p.database.reading() as connection:
            p.log.load(connection)
            done = self._checked_checkpoint(connection)
            waiting = repository.closed_after(connection, done)
        for closed in waiting:
            step = anchors.Advance(
                epoch=closed.number,
                old_size=closed.old_size,
                new_size=closed.size,
                root=closed.root,
                proof=tuple(p.log.tree.consistency_proof(closed.old_size, closed.size)),
                manifest=closed.manifest,
            )
            to = p.deployment["AnchorLog"].address
            p.writer.submit(advance_key(closed.number), to=to, data=anchors.advance(step), now_ms=t_ms)

    def _checked_checkpoint(self, connection: Connection) -> int:
        """The last epoch on chain, checked against ours."""
        last = queries.last_checkpoint(connection)
        if last is None:
            return self._platform.deployment.start_epoch
        ours = repository.closed_after(connection, last.epoch - 1, limit=1)
        root, named = (ours[0].root, ours[0].manifest) if ours else (ZERO_DIGEST, ZERO_DIGEST)
        if (root, named) != (last.root, last.manifest):
            raise CheckpointDiffers(
                epoch=last.epoch, want_root=root, got_root=last.root, want_manifest=named, got_manifest=last.manifest
            )
        return last.epoch


def gather(connection: Connection, sealed: Sealed) -> Contents:
    """Everything that a sealed epoch holds."""
    streams: dict[_Stream, list[SealedSegment]] = defaultdict(list)
    for found in segments.of_epoch(connection, sealed.number):
        streams[(found.signed.segment.device, found.signed.segment.channel)].append(found)
    registered = devices.registered(connection, as_of_block=sealed.as_of_block)
    last = repository.last_closed(connection)
    concerned = {device for device, _ in registered | set(streams)}
    return Contents(
        sealed=sealed,
        streams=dict(streams),
        documents=documents.of_epoch(connection, sealed.number),
        rows=documents.rows_of_epoch(connection, sealed.number),
        registered=registered,
        heads=segments.heads_before(connection, sealed.number),
        frozen={d: devices.frozen_of(connection, d, as_of_block=sealed.as_of_block) for d in concerned},
        stations={s: subjects.station_of(connection, *s, found) for s, found in streams.items()},
        prev_manifest=ZERO_DIGEST if last is None else last.manifest,
        old_size=0 if last is None else last.size,
    )


def entries_of(contents: Contents) -> list[log.Entry]:
    """An epoch's entries in the protocol's order (protocol 4.2)."""
    signed = [found.signed for stream in sorted(contents.streams) for found in contents.streams[stream]]
    return log.arrange(contents.sealed.number, signed, [*(d.entry for d in contents.documents), *contents.rows])


def manifest_of(
    contents: Contents,
    evidence: dict[_Stream, Digest],
    *,
    log_id: Digest,
    size: int,
    root: Digest,
    entries: Digest,
    epoch_seconds: int,
) -> Manifest:
    """The epoch's manifest: a row for every registered channel, and for every one with a segment (protocol 4.3)."""
    start = epoch_start_ms(contents.sealed.number, epoch_seconds=epoch_seconds)
    rows = [
        _row(contents, stream, evidence.get(stream), epoch_start=start)
        for stream in sorted(contents.registered | set(contents.streams))
    ]
    return Manifest(
        log=log_id,
        epoch=contents.sealed.number,
        prev=contents.prev_manifest,
        size=size,
        root=root,
        as_of_block=contents.sealed.as_of_block,
        as_of_hash=contents.sealed.as_of_hash,
        entries=entries,
        rows=tuple(rows),
    )


def _row(contents: Contents, stream: _Stream, evidence: Digest | None, *, epoch_start: int) -> Row:
    signed = [found.signed for found in contents.streams.get(stream, [])]
    return manifest.row_of(
        *stream,
        segments=signed,
        head=contents.heads.get(stream, ZERO_DIGEST),
        evidence=evidence,
        epoch_start_ms=epoch_start,
        frozen=_is_frozen(contents.frozen[stream[0]], signed),
    )


def _is_frozen(frozen: set[Address], signed: list[SignedSegment]) -> bool:
    """Whether the channel's signer stands frozen: of its segments, or, without any, any key of the device."""
    return any(one.signer in frozen for one in signed) if signed else bool(frozen)
