"""What the chain says, read at one block (protocol 11.1): every event of the pinned contracts up to it, in order.

State is proved at that block (`chain.proofs`): the code of the contracts, the log's root, size and epoch, and each
device's latest change. Events are the node's word; the log's are tied to the proved root, the registry's to `changed`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from alliance.calendar import Day
from alliance.errors import AllianceError
from alliance.identity import Address, Digest, to_hex
from audit import second, state
from audit.finding import Diverged, Unread, Where, diverged, expect
from audit.second import Instant as Instant
from chain import events, proofs
from chain.anchors import AnchorLog, LogState
from chain.devices import DeviceRegistry
from chain.events import Event
from chain.proofs import ProvedAccount
from chain.registry import AllianceRegistry
from chain.reverts import Reverted
from chain.rpc import Block, Header, Log, Rpc, RpcRefused
from oracle.deployment import Deployment

_RANGE_BLOCKS = 2_000
_SLOTS_AT_ONCE = 256
_CHANGED_AT = 2
"""Where `DeviceRegistry` keeps `changed`: slots 0 and 1 are ERC-1056's owners and delegates."""

_PROVED = "protocol 11.4: the state is proved to the block's header"
_CODE = "protocol 5.6: the chain is the pinned deployment (proved code of {name})"

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much there is."""

E = TypeVar("E")


class Headers:
    """Blocks by number, each asked for once; one whose header does not hash to it was not read."""

    def __init__(self, rpc: Rpc, second: Rpc | None = None) -> None:
        self._rpc, self._second = rpc, second
        self._known: dict[int, Instant | None] = {}

    def __call__(self, number: int) -> Instant | None:
        """The canonical block of that number; None if the chain is not so long.

        Raises Unread, and Diverged where a second node shows another one.
        """
        if number not in self._known:
            found = self._asked(self._rpc, number)
            if self._second is not None:
                second.same_instant(number, found, self._asked(self._second, number))
            self._known[number] = found
        return self._known[number]

    def _asked(self, rpc: Rpc, number: int) -> Instant | None:
        with reading_chain():
            header = rpc.header(number)
            if header is None:
                return None
            proofs.check_header(header)
        return Instant(header.hash, header.timestamp_s)


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
    roster_hashes: Mapping[int, Digest] = field(default_factory=dict)
    """Number of an audited day → what the registry froze; without those that had not begun."""
    changed: Mapping[bytes, int] = field(default_factory=dict)
    """Enrolled device → block of its latest change."""
    slots: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """Proved storage that `audit.state` compares with events: (contract, slot) → value; empty if nothing was proved."""
    proved: bool = False
    """Whether `log` and `changed` were proved to the header of `head`, or are the node's word."""

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


def gather(
    rpc: Rpc, deployment: Deployment, days: Sequence[Day], *, depth: int, progress: Progress, prove: bool = True,
    other: Rpc | None = None,
) -> Facts:  # fmt: skip
    """Read the chain up to the block `depth` below its newest; with `prove`, what is state there is proved.

    What an `other` node shows is compared.

    Raises Unread when the chain is shorter, contradicts itself, was reorganised meanwhile, or proves nothing; Diverged
    for a proof that leads elsewhere or a node that shows something else; and the nodes' errors.
    """
    newest = rpc.head()
    head = rpc.block(max(0, newest.number - depth))
    if head is None:
        raise Unread(what="chain", why=f"no block {newest.number - depth}")
    if other is not None:
        second.check(other, deployment, head)
    headers = Headers(rpc, other)
    found = tuple(_events(rpc, other, deployment, head, headers, progress))
    enrolled = sorted({event.device for event in found if isinstance(event, events.DeviceEnrolled)})
    compared = state.wanted(found, days)
    if prove:
        log, changed, slots = _proved_state(rpc, deployment, head, enrolled, compared)
    else:
        (log, changed), slots = _told_state(rpc, deployment, head, enrolled), {}
    hashes = {day.number: _roster_hash(rpc, deployment, day, head.number) for day in days}
    facts = Facts(
        deployment=deployment,
        head=head,
        log=log,
        events=found,
        headers=headers,
        roster_hashes={number: named for number, named in hashes.items() if named is not None},
        changed=changed,
        slots=slots,
        proved=prove,
    )
    require_standing(rpc, head)
    return facts


_State = tuple[LogState, dict[bytes, int]]


def _told_state(rpc: Rpc, deployment: Deployment, head: Block, enrolled: Iterable[Address]) -> _State:
    """The log's state and the devices' latest changes by the node's word alone."""
    tag = head.number
    devices = DeviceRegistry(rpc, deployment["DeviceRegistry"].address)
    log = AnchorLog(rpc, deployment["AnchorLog"].address).state(tag=tag)
    return log, {device: devices.changed(device, tag=tag) for device in enrolled}


def _proved_state(
    rpc: Rpc, deployment: Deployment, head: Block, enrolled: Sequence[Address], compared: Mapping[str, list[int]]
) -> tuple[LogState, dict[bytes, int], dict[tuple[str, int], int]]:
    """The same and the slots that are compared, proved; and every contract's code."""
    header = rpc.header(head.number)
    if header is None or header.hash != head.hash:
        raise Unread(what="chain", why=f"block {head.number} was reorganised during the audit")
    slots = {device: proofs.mapping_slot(_CHANGED_AT, device) for device in enrolled}
    wanted = {name: [0, 1] if name == "AnchorLog" else [] for name in deployment.contracts}
    wanted["DeviceRegistry"] = list(slots.values())
    wanted = {name: [*listed, *compared.get(name, [])] for name, listed in wanted.items()}
    try:
        proofs.check_header(header)
        held = {name: _proved(rpc, header, deployment[name].address, wanted[name]) for name in deployment.contracts}
    except AllianceError as error:
        if isinstance(error, Unread):
            raise
        raise _not_proved(rpc, head, error) from error
    for name, account in held.items():
        expect(_CODE.format(name=name), deployment[name].code_hash, account.code_hash, where=Where())
    packed = held["AnchorLog"].storage[1]
    log = LogState(
        root=Digest(held["AnchorLog"].storage[0].to_bytes(32, "big")),
        writer=Address((packed & (1 << 160) - 1).to_bytes(20, "big")),
        size=packed >> 160 & (1 << 48) - 1,
        epoch=packed >> 208,
    )
    changed = {bytes(device): held["DeviceRegistry"].storage[slot] for device, slot in slots.items()}
    return (
        log,
        changed,
        {(name, slot): held[name].storage[slot] for name, listed in compared.items() for slot in listed},
    )


def _proved(rpc: Rpc, header: Header, account: Address, slots: Sequence[int]) -> ProvedAccount:
    """An account's code hash and slots, a proof for so many slots at a time."""
    found: dict[int, int] = {}
    for at in range(0, max(1, len(slots)), _SLOTS_AT_ONCE):
        asked = slots[at : at + _SLOTS_AT_ONCE]
        proof = rpc.proof(account, asked, header.number)
        proved = proofs.check_account(proof, account=account, state_root=header.state_root)
        found |= proved.storage
    return ProvedAccount(address=account, code_hash=proved.code_hash, storage=found)


def _not_proved(rpc: Rpc, head: Block, error: AllianceError) -> Diverged | Unread:
    """A proof that fails accuses the node, unless it has no proofs, or its chain moved on meanwhile."""
    require_standing(rpc, head)
    if isinstance(error, RpcRefused):
        return Unread(what="state proof", why=f"the node gives no eth_getProof: {error.message}")
    if type(error).__module__ != proofs.__name__:
        return Unread(what="state proof", why=str(error))
    return diverged(f"{_PROVED} ({error.code})", f"block {head.number}, {to_hex(head.hash)}", str(error), where=Where())


@contextmanager
def reading_chain() -> Iterator[None]:
    """Whatever goes wrong inside with the node or its answers was not read: it accuses nobody."""
    try:
        yield
    except (Diverged, Unread):
        raise
    except AllianceError as error:
        raise Unread(what="chain", why=str(error)) from error


def _events(
    rpc: Rpc, other: Rpc | None, deployment: Deployment, head: Block, headers: Headers, progress: Progress
) -> Iterable[Event]:
    addresses = [contract.address for contract in deployment.contracts.values()]
    first, last = min(contract.block for contract in deployment.contracts.values()), (-1, -1)
    for low in range(first, head.number + 1, _RANGE_BLOCKS):
        high = min(low + _RANGE_BLOCKS - 1, head.number)
        logs = rpc.logs(addresses, first=low, last=high)
        if other is not None:
            second.same_logs(logs, other.logs(addresses, first=low, last=high))
        for log in logs:
            place = (log.block_number, log.log_index)
            if not (last < place and low <= log.block_number <= high):
                raise Unread(
                    what="chain", why=f"event {place[1]} of block {place[0]} is told twice or out of its place"
                )
            last = place
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


def require_standing(rpc: Rpc, head: Block) -> None:
    """Raise Unread unless the block is still the chain's."""
    again = rpc.block(head.number)
    if again is None or again.hash != head.hash:
        raise Unread(what="chain", why=f"block {head.number} was reorganised during the audit")
