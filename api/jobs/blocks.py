"""Which block was the last before an instant (protocol 4.3): from followed blocks, the gaps between them asked for."""

from collections.abc import Callable

from sqlalchemy import Connection

from alliance.identity import Digest
from api import projection
from api.projection import BlockRow
from chain.rpc import Rpc, RpcMalformed


def last_block_before(connection: Connection, rpc: Rpc, t_ms: int, *, finality_blocks: int) -> BlockRow | None:
    """The last block with a timestamp before an instant, UTC ms; the genesis block if none is so old.

    None while no final block with a later timestamp was followed: then it is not settled yet which block that is.
    """
    final = projection.final_block(connection, finality_blocks)
    if final is None or final.time_s * 1000 < t_ms:
        return None
    low = projection.block_before(connection, t_ms) or _read(rpc, 0)
    high = projection.block_from(connection, t_ms) or final
    return _bisect(low, high, t_ms, read=lambda number: _read(rpc, number))


def _bisect(low: BlockRow, high: BlockRow, t_ms: int, *, read: Callable[[int], BlockRow]) -> BlockRow:
    """The last block before t between one that is (or is the genesis) and one that is not."""
    while high.number - low.number > 1:
        middle = read((low.number + high.number) // 2)
        if middle.time_s * 1000 < t_ms:
            low = middle
        else:
            high = middle
    return low


def _read(rpc: Rpc, number: int) -> BlockRow:
    block = rpc.block(number)
    if block is None:
        raise RpcMalformed(what="block", field=str(number), value="null")
    return BlockRow(number=block.number, hash=Digest(block.hash), time_s=block.timestamp_s)
