"""One follower (protocol 5.4): every event once, in order; a reorganisation up to F deep is undone, a deeper one halts.

A block is final when F blocks stand upon it. Blocks that may still be replaced are read one by one, each tied to its
parent and asked for its events by its own hash, so that no answer can mix two histories.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from alliance.errors import Conflicting
from alliance.identity import Address, Digest
from chain import events
from chain.events import Event
from chain.rpc import Block, Log, Rpc, RpcMalformed, RpcRefused

_RANGE_BLOCKS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRef:
    """A block that was applied."""

    number: int
    hash: Digest
    timestamp_s: int


class FollowerStore(Protocol):
    """Where events are applied, durably; each method is one transaction."""

    def blocks(self) -> Sequence[BlockRef]:
        """The applied blocks that are remembered, oldest first: at least the last F + 1 that were applied."""
        ...

    def apply(self, block: BlockRef, found: Sequence[Event]) -> None:
        """Apply all events after the last applied block, up to and including `block`, and remember `block`."""
        ...

    def undo(self, to_block: int) -> None:
        """Take back everything that blocks above `to_block` did, and forget those blocks."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What one round did."""

    head: BlockRef
    """The newest block of the node."""
    final: int
    """Number of the newest applied block that F applied blocks stand upon; negative on a young chain.

    It may be lower than before right after a reorganisation; what was final stays so.
    """
    applied: int
    """Events applied in this round."""
    undone_to: int | None
    """The last common block, when a reorganisation was undone."""


@dataclass(kw_only=True, eq=False)
class ReorganisedTooDeep(Conflicting):
    """The node's chain left ours more than F blocks ago: what was final has changed, and people must decide."""

    applied_block: int
    applied_hash: Digest
    finality_blocks: int


@dataclass(kw_only=True, eq=False)
class ChainUnsettled(Conflicting):
    """The node's answers of one round do not belong to one chain; the next round looks again."""

    block: int


class Follower:
    """Applies the events of some contracts from `start_block` on."""

    def __init__(
        self,
        rpc: Rpc,
        store: FollowerStore,
        *,
        contracts: Sequence[Address],
        start_block: int,
        finality_blocks: int,
    ) -> None:
        self._rpc, self._store, self._contracts = rpc, store, tuple(contracts)
        self._start_block, self._finality_blocks = start_block, finality_blocks

    def follow(self) -> Progress:
        """Catch up with the node. Raises ReorganisedTooDeep, ChainUnsettled, EventMalformed or the errors of `Rpc`.

        Whatever it raises, blocks applied before stay applied, and the next call goes on from there.
        """
        head = self._rpc.head()
        undone_to = self._undo_replaced(head)
        applied = self._catch_up(head) + self._walk(head)
        return Progress(
            head=_ref(head), final=self._next() - 1 - self._finality_blocks, applied=applied, undone_to=undone_to
        )

    def _undo_replaced(self, head: Block) -> int | None:
        """Go back to the last block that the node has too. A node that is merely behind replaces nothing."""
        applied = self._store.blocks()
        known = [block for block in applied if block.number <= head.number]
        if not known or self._canonical(known[-1]):
            return None
        common = self._common(known[:-1])
        if common is None or applied[-1].number - common > self._finality_blocks:
            raise ReorganisedTooDeep(
                applied_block=applied[-1].number, applied_hash=applied[-1].hash, finality_blocks=self._finality_blocks
            )
        self._store.undo(common)
        return common

    def _common(self, known: Sequence[BlockRef]) -> int | None:
        """Number of the newest remembered block that the node has too; the block before our first needs no memory."""
        for block in reversed(known):
            if self._canonical(block):
                return block.number
        return self._start_block - 1 if not known or known[0].number == self._start_block else None

    def _canonical(self, ref: BlockRef) -> bool:
        block = self._rpc.block(ref.number)
        return block is not None and block.hash == ref.hash

    def _next(self) -> int:
        applied = self._store.blocks()
        return applied[-1].number + 1 if applied else self._start_block

    def _catch_up(self, head: Block) -> int:
        """Apply what is final already, by ranges."""
        applied, first = 0, self._next()
        while first <= head.number - self._finality_blocks - 1:
            last = min(first + _RANGE_BLOCKS - 1, head.number - self._finality_blocks - 1)
            end = self._block(last)
            logs = self._rpc.logs(self._contracts, first=first, last=last)
            times = {number: self._block(number) for number in {log.block_number for log in logs}}
            found = self._decoded(logs, times)
            self._store.apply(_ref(end), found)
            applied, first = applied + len(found), last + 1
        return applied

    def _walk(self, head: Block) -> int:
        """Apply, one by one, the blocks that may still be replaced."""
        applied, before = 0, self._store.blocks()
        parent = before[-1].hash if before else None
        for number in range(self._next(), head.number + 1):
            block = head if number == head.number else self._block(number)
            if parent not in (None, block.parent):
                raise ChainUnsettled(block=number)
            found = self._decoded(self._logs_of(block), {number: block})
            self._store.apply(_ref(block), found)
            applied, parent = applied + len(found), block.hash
        return applied

    def _logs_of(self, block: Block) -> list[Log]:
        try:
            return self._rpc.logs_of_block(self._contracts, block.hash)
        except RpcRefused as refused:
            if self._canonical(_ref(block)):
                raise
            raise ChainUnsettled(block=block.number) from refused

    def _decoded(self, logs: Sequence[Log], blocks: dict[int, Block]) -> list[Event]:
        found = []
        for log in logs:
            block = blocks.get(log.block_number)
            if block is None or block.hash != log.block_hash or log.address not in self._contracts:
                raise ChainUnsettled(block=log.block_number)
            event = events.decode(log, timestamp_s=block.timestamp_s)
            if event is not None:
                found.append(event)
        return found

    def _block(self, number: int) -> Block:
        block = self._rpc.block(number)
        if block is None:
            raise ChainUnsettled(block=number)
        if block.number != number:
            raise RpcMalformed(what="block", field="number", value=str(block.number))
        return block


def _ref(block: Block) -> BlockRef:
    return BlockRef(number=block.number, hash=block.hash, timestamp_s=block.timestamp_s)
