"""What the log's HTTP interface is made of (protocol 4.11): the newest anchored head, signed, with its cosignatures."""

from dataclasses import dataclass

from sqlalchemy import Connection

from alliance.errors import Missing
from api.epochs import queries as epochs
from api.epochs.queries import CheckpointRow
from api.platform import Platform
from api.tlog import repository
from oracle.note import Checkpoint, SignedNote, origin_of, parse_signatures, signed_checkpoint


@dataclass(kw_only=True, eq=False)
class NothingAnchored(Missing):
    """No epoch of the log stands on chain yet, so there is no checkpoint to sign."""

    origin: str


@dataclass(kw_only=True, eq=False)
class SizeNotAnchored(Missing):
    """No checkpoint on chain has this size; notes and proofs are given for anchored sizes alone."""

    size: int


def origin(platform: Platform) -> str:
    """The log's name in checkpoints."""
    return origin_of(platform.deployment.chain_id, platform.deployment["AnchorLog"].address)


def anchored(connection: Connection, platform: Platform, *, size: int | None = None) -> CheckpointRow:
    """The newest checkpoint on chain, or the one of a size. Raises NothingAnchored or SizeNotAnchored."""
    if size is None:
        found = epochs.last_checkpoint(connection)
        if found is None:
            raise NothingAnchored(origin=origin(platform))
        return found
    found = epochs.checkpoint_of_size(connection, size)
    if found is None:
        raise SizeNotAnchored(size=size)
    return found


def note_of(connection: Connection, platform: Platform, row: CheckpointRow) -> SignedNote:
    """A checkpoint on chain as the log signs it, with every cosignature that witnesses gave for it."""
    head = Checkpoint(origin=origin(platform), size=row.size, root=row.root)
    note = signed_checkpoint(head, platform.note)
    given = repository.cosignatures_of(connection, size=row.size, root=row.root)
    return note.with_signatures(line for text in given for line in parse_signatures(text))
