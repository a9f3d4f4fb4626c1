"""Receipts of readings (protocol 4.7): given once the checkpoint that holds the segment is final."""

from dataclasses import dataclass

from sqlalchemy import Connection

from alliance.errors import Conflicting
from api import projection
from api.epochs import queries as epochs
from api.platform import Platform
from api.readings import queries
from api.readings.queries import ReadingName
from oracle import log, receipt
from oracle.receipt import CheckpointClaim, Receipt


@dataclass(kw_only=True, eq=False)
class ReadingNotAnchored(Conflicting):
    """The reading is stored; the checkpoint of its epoch is not on chain yet."""

    epoch: int
    due_ms: int


@dataclass(kw_only=True, eq=False)
class ReadingNotFinal(Conflicting):
    """The reading's checkpoint is on chain, but not deep enough to count."""

    epoch: int
    depth_blocks: int
    want_blocks: int


def receipt_of(platform: Platform, connection: Connection, name: ReadingName) -> Receipt:
    """A reading's receipt. Raises ReadingUnknown, ReadingNotAnchored or ReadingNotFinal."""
    stored = queries.one(connection, name)
    entry = epochs.epoch_of_entry(connection, log.segment_entry(stored.sealed.signed).raw)
    checkpoint = epochs.checkpoint_of(connection, stored.epoch)
    tree = platform.log.tree
    if entry is None or checkpoint is None or tree.size < checkpoint.size:
        raise ReadingNotAnchored(epoch=stored.epoch, due_ms=epochs.epoch_due_ms(platform.deployment, stored.epoch))
    depth = projection.head_number(connection) - checkpoint.block
    if depth < platform.settings.finality_blocks:
        raise ReadingNotFinal(epoch=stored.epoch, depth_blocks=depth, want_blocks=platform.settings.finality_blocks)
    number, _ = entry
    return receipt.make(
        stored.sealed,
        name.seq,
        deployment=platform.deployment,
        entry_index=number,
        tree_size=checkpoint.size,
        log_proof=tree.inclusion_proof(number, checkpoint.size),
        checkpoint=CheckpointClaim(
            epoch=checkpoint.epoch,
            root=checkpoint.root,
            manifest=checkpoint.manifest,
            block_number=checkpoint.block,
            block_hash=checkpoint.block_hash,
            log_index=checkpoint.log_index,
        ),
    )
