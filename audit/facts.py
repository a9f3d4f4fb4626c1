"""What the chain says, read at one block (protocol 11.1): every event of the pinned contracts up to it, in order."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from alliance.calendar import Day
from alliance.errors import AllianceError
from alliance.identity import Digest
from audit.finding import Diverged, Unread
from chain import events
from chain.anchors import AnchorLog, LogState
from chain.devices import DeviceRegistry
from chain.events import Event
from chain.registry import AllianceRegistry
from chain.reverts import Reverted
from chain.rpc import Block, Log, Rpc
from oracle.deployment import Deployment

_RANGE_BLOCKS = 2_000

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much there is."""

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Instant:
    """A block as far as an audit needs it: its hash and its time, unix seconds."""

    hash: Digest
    timestamp_s: int


class Headers:
    """Blocks by number, each asked for once."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._known: dict[int, Instant | None] = {}

    def __call__(self, number: int) -> Instant | None:
        """The canonical block of that number; None if the chain is not so long. Raises Unread."""
        if number not in self._known:
            with reading_chain():
                block = self._rpc.block(number)
            self._known[number] = None if block is None else Instant(block.hash, block.timestamp_s)
        return self._known[number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The chain as an audit sees it."""

    deployment: Deployment
    head: Block
    """The block up to which everything counts."""
    log: LogState
    events: tuple[Event, ...]
    """Of all pinned contracts, by (block, log index)."""
    headers: Callable[[int], Instant | None]
    roster_hash: Digest | None
    """Of the audited day; None without one, or when it has not begun."""
    changed: dict[bytes, int] = field(default_factory=dict)
    """Enrolled device → block of its latest change."""

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


def gather(rpc: Rpc, deployment: Deployment, day: Day | None, *, depth: int, progress: Progress) -> Facts:
    """Read the chain up to the block `depth` below its newest.

    Raises Unread when the chain is shorter, contradicts itself or was reorganised meanwhile, and the node's errors.
    """
    newest = rpc.head()
    head = rpc.block(max(0, newest.number - depth))
    if head is None:
        raise Unread(what="chain", why=f"no block {newest.number - depth}")
    headers = Headers(rpc)
    tag = head.number
    found = tuple(_events(rpc, deployment, head, headers, progress))
    devices = DeviceRegistry(rpc, deployment["DeviceRegistry"].address)
    enrolled = {event.device for event in found if isinstance(event, events.DeviceEnrolled)}
    facts = Facts(
        deployment=deployment,
        head=head,
        log=AnchorLog(rpc, deployment["AnchorLog"].address).state(tag=tag),
        events=found,
        headers=headers,
        roster_hash=None if day is None else _roster_hash(rpc, deployment, day, tag),
        changed={device: devices.changed(device, tag=tag) for device in sorted(enrolled)},
    )
    _require_standing(rpc, head)
    return facts


@contextmanager
def reading_chain() -> Iterator[None]:
    """Whatever goes wrong inside with the node or its answers was not read: it accuses nobody."""
    try:
        yield
    except (Diverged, Unread):
        raise
    except AllianceError as error:
        raise Unread(what="chain", why=str(error)) from error


def _events(rpc: Rpc, deployment: Deployment, head: Block, headers: Headers, progress: Progress) -> Iterable[Event]:
    addresses = [contract.address for contract in deployment.contracts.values()]
    first = min(contract.block for contract in deployment.contracts.values())
    for low in range(first, head.number + 1, _RANGE_BLOCKS):
        high = min(low + _RANGE_BLOCKS - 1, head.number)
        for log in rpc.logs(addresses, first=low, last=high):
            event = _decoded(log, headers)
            if event is not None:
                yield event
        progress("chain", high - first + 1, head.number - first + 1)


def _decoded(log: Log, headers: Headers) -> Event | None:
    block = headers(log.block_number)
    if block is None or block.hash != log.block_hash:
        raise Unread(what="chain", why=f"event of block {log.block_number} belongs to another block than the header")
    return events.decode(log, timestamp_s=block.timestamp_s)


def _roster_hash(rpc: Rpc, deployment: Deployment, day: Day, tag: int) -> Digest | None:
    try:
        return AllianceRegistry(rpc, deployment["AllianceRegistry"].address).roster_hash_at(day, tag=tag)
    except Reverted:
        return None


def _require_standing(rpc: Rpc, head: Block) -> None:
    again = rpc.block(head.number)
    if again is None or again.hash != head.hash:
        raise Unread(what="chain", why=f"block {head.number} was reorganised during the audit")
