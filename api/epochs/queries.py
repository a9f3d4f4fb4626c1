"""What other slices may ask about epochs and the log."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from alliance.calendar import epoch_at, epoch_start_ms
from alliance.identity import Digest
from api.epochs import repository
from api.epochs.repository import checkpoints, entries, epochs
from oracle.deployment import Deployment
from oracle.log import Entry, parse

CLOSE_AFTER_MS = 60_000
"""An epoch closes so long after its end (protocol 4.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointRow:
    """A checkpoint as the chain told it; `time_s` is its block's timestamp."""

    epoch: int
    size: int
    root: Digest
    manifest: Digest
    block: int
    block_hash: Digest
    log_index: int
    time_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    """An epoch as this service closed it, and its checkpoint once the chain has it."""

    number: int
    size: int | None
    root: Digest | None
    manifest: Digest | None
    entries: Digest | None
    checkpoint: CheckpointRow | None


def open_epoch(connection: Connection, deployment: Deployment, *, now_ms: int) -> int:
    """The epoch into which what arrives now goes: the running one, or the last until a minute after its end."""
    sealed = repository.last_sealed(connection)
    first = (deployment.start_epoch if sealed is None else sealed) + 1
    return max(first, epoch_at(now_ms - CLOSE_AFTER_MS, epoch_seconds=deployment.epoch_seconds))


def epoch_due_ms(deployment: Deployment, epoch: int) -> int:
    """When an epoch closes, UTC ms."""
    return epoch_start_ms(epoch + 1, epoch_seconds=deployment.epoch_seconds) + CLOSE_AFTER_MS


def listed(connection: Connection, *, before: int | None = None, limit: int | None = None) -> list[EpochRow]:
    """Epochs, newest first, those before a number, `limit` at most."""
    query = select(epochs).order_by(epochs.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(epochs.c.number < before)
    return [
        EpochRow(
            number=row.number,
            size=row.size,
            root=row.root,
            manifest=row.manifest,
            entries=row.entries,
            checkpoint=checkpoint_of(connection, row.number),
        )
        for row in connection.execute(query).all()
    ]


def checkpoint_of(connection: Connection, epoch: int) -> CheckpointRow | None:
    """An epoch's checkpoint on chain, None while there is none."""
    row = connection.execute(select(checkpoints).where(checkpoints.c.epoch == epoch)).one_or_none()
    if row is None:
        return None
    return CheckpointRow(
        epoch=row.epoch,
        size=row.size,
        root=Digest(row.root),
        manifest=Digest(row.manifest),
        block=row.block,
        block_hash=Digest(row.block_hash),
        log_index=row.log_index,
        time_s=row.time_s,
    )


def checkpoint_of_size(connection: Connection, size: int) -> CheckpointRow | None:
    """The checkpoint on chain of a size of the log, None if no epoch ended with it."""
    found = connection.execute(select(checkpoints.c.epoch).where(checkpoints.c.size == size)).scalar_one_or_none()
    return None if found is None else checkpoint_of(connection, found)


def entries_between(connection: Connection, first: int, end: int) -> list[Entry]:
    """The log's entries with numbers in [first, end), in order."""
    query = select(entries.c.raw).where(entries.c.number >= first, entries.c.number < end)
    return [parse(raw) for raw in connection.execute(query.order_by(entries.c.number)).scalars()]


def last_checkpoint(connection: Connection) -> CheckpointRow | None:
    """The newest checkpoint on chain."""
    number = connection.execute(select(func.max(checkpoints.c.epoch))).scalar_one()
    return None if number is None else checkpoint_of(connection, number)


def epoch_of_entry(connection: Connection, raw: bytes) -> tuple[int, int] | None:
    """The number and the epoch of an entry of the log, None while it has none."""
    row = connection.execute(select(entries.c.number, entries.c.epoch).where(entries.c.raw == raw)).one_or_none()
    return None if row is None else (row.number, row.epoch)
