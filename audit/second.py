"""A second node's word beside the first one's (protocol 11.5): the same chain, the same final block, the same events.

Events are no state: a node can leave one out. Two nodes of different hands must leave out the same one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from alliance.identity import Digest, to_hex
from audit import identity
from audit.finding import Diverged, Unread, Where, diverged
from chain import proofs
from chain.proofs import HeaderForged
from chain.rpc import Block, Log, Rpc
from oracle.deployment import Deployment

_SAME = "protocol 11.5: both nodes show the same"


@dataclass(frozen=True, slots=True)
class Instant:
    """A block as far as an audit needs it: its hash and its time, unix seconds."""

    hash: Digest
    timestamp_s: int


def check(second: Rpc, deployment: Deployment, head: Block) -> None:
    """Refuse a second node of another chain, or with another block at the height that counts.

    Raises Diverged or Unread.
    """
    try:
        identity.check(second, deployment)
    except Diverged as other:
        found = other.found
        raise diverged(f"{_SAME} deployment ({found.rule})", found.expected, found.got, where=Where()) from other
    header = second.header(head.number)
    if header is None:
        raise Unread(what="second node", why=f"it has no block {head.number} yet")
    if header.hash != head.hash:
        raise diverged(f"{_SAME} block {head.number}", to_hex(head.hash), to_hex(header.hash), where=Where())
    try:
        proofs.check_header(header)
    except HeaderForged as forged:
        rule = f"{_SAME} block {head.number} ({forged.code})"
        raise diverged(rule, to_hex(head.hash), str(forged), where=Where()) from forged


def same_instant(number: int, first: Instant | None, second: Instant | None) -> None:
    """Refuse a block that the nodes show differently. Raises Diverged."""
    if first != second:
        raise diverged(f"{_SAME} block {number}", _shown(first), _shown(second), where=Where())


def same_logs(first: Sequence[Log], second: Sequence[Log]) -> None:
    """Refuse the first event that one node shows and the other does not, or shows otherwise. Raises Diverged."""
    for mine, other in zip_longest(first, second):
        if mine != other:
            there = [log for log in (mine, other) if log is not None]
            place = min(there, key=lambda log: (log.block_number, log.log_index))
            name = f"{_SAME} event {place.log_index} of block {place.block_number}"
            raise diverged(name, _told(mine, place), _told(other, place), where=Where())


def _shown(instant: Instant | None) -> str:
    return "no such block" if instant is None else f"{to_hex(instant.hash)} at {instant.timestamp_s} s"


def _told(log: Log | None, place: Log) -> str:
    """An event as one node shows it at a place."""
    if log is None or (log.block_number, log.log_index) != (place.block_number, place.log_index):
        return "no such event"
    return " ".join(_parts(log))


def _parts(log: Log) -> Iterator[str]:
    yield f"{to_hex(log.address)} in {to_hex(log.block_hash)}:"
    yield from map(to_hex, log.topics)
    yield to_hex(log.data)
