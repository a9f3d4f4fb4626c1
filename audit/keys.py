"""Which keys may sign which devices' segments, and where channels are bound (protocol 6), from registry events alone.

A key is judged by the place of the segment's first checkpoint: revocation, freezing and ownership by (block, log
index), expiry by the block's time. A key that lapsed before does not make a segment worthless: it counts once a validly
signed segment of the same stream reaches it through `prev`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from alliance.fleet import Channel
from alliance.identity import Address, StationId
from audit.facts import Facts
from audit.finding import Where, expect
from chain.devices import VERI_KEY
from chain.events import (
    ChannelBound,
    Compromised,
    DelegateConfirmed,
    DeviceAttested,
    DeviceEnrolled,
    DIDAttributeChanged,
    DIDDelegateChanged,
    DIDOwnerChanged,
    Place,
    SignerFrozen,
)

_WALK = "protocol 6: registry events follow each other through previousChange"

_Change = (
    DeviceEnrolled | DeviceAttested | ChannelBound | DelegateConfirmed | Compromised | DIDOwnerChanged
    | DIDDelegateChanged | DIDAttributeChanged
)  # fmt: skip


class Standing(Enum):
    """What a key is worth at a place on the chain."""

    VALID = "valid"
    LAPSED = "lapsed"
    """Confirmed once; expired, revoked or frozen since."""
    OWNER = "owner"
    """The device's owner signed for its own meter."""
    STRANGER = "stranger"
    """Never confirmed for the device before that place."""


@dataclass(frozen=True, slots=True)
class _Term:
    """From where on a key is confirmed, and until when (unix seconds, exclusive)."""

    at: tuple[int, int]
    valid_to_s: int


class Keyring:
    """All keys, owners, bindings and freezes of a chain's devices."""

    def __init__(self, facts: Facts) -> None:
        self._terms: dict[tuple[Address, Address], list[_Term]] = {}
        self._revoked: dict[tuple[Address, Address], list[tuple[int, int]]] = {}
        self._frozen: dict[tuple[Address, Address], tuple[int, int]] = {}
        self._owners: dict[Address, list[tuple[tuple[int, int], Address]]] = {}
        self._disputed: dict[tuple[Address, Address], list[tuple[tuple[int, int], int]]] = {}
        self._bound: list[ChannelBound] = []
        self._stations: dict[Address, StationId] = {}
        self._measured: dict[tuple[Address, int | None], StationId] = {}
        for event in facts.events:
            self._apply(event)

    @property
    def channels(self) -> list[Channel]:
        """All bindings, in the order of the chain."""
        return [_channel(event) for event in self._bound]

    def registered(self, *, as_of_block: int) -> set[tuple[Address, int]]:
        """Every (device, channel) that was bound up to a block: what a manifest must name (protocol 4.3)."""
        return {(e.device, e.channel) for e in self._bound if e.at.block_number <= as_of_block}

    def station(self, device: Address, channel: int | None = None) -> StationId | None:
        """The station that a channel was last bound to, or at which its device was enrolled."""
        return self._measured.get((device, channel)) or self._stations.get(device)

    def frozen(self, device: Address, *, as_of_block: int) -> set[Address]:
        """The keys of a device that stand frozen as of a block."""
        return {key for (of, key), (block, _) in self._frozen.items() if of == device and block <= as_of_block}

    def standing(self, device: Address, key: Address, at: Place) -> Standing:
        """What a key is worth for a segment whose first checkpoint stands at `at`."""
        here, pair = (at.block_number, at.log_index), (device, key)
        term = next((t for t in reversed(self._terms.get(pair, [])) if t.at < here), None)
        if term is None:
            return Standing.STRANGER
        if self._owner(device, here) == key:
            return Standing.OWNER
        revoked = any(term.at < place < here for place in self._revoked.get(pair, []))
        frozen = self._frozen.get(pair, here) < here
        return Standing.LAPSED if revoked or frozen or term.valid_to_s <= at.timestamp_s else Standing.VALID

    def disputed_since(self, device: Address, key: Address, *, as_of_block: int) -> int | None:
        """The epoch from which a key's readings are disputed, as reported up to a block; None if nothing was."""
        reports = self._disputed.get((device, key), [])
        return min((epoch for place, epoch in reports if place[0] <= as_of_block), default=None)

    def _owner(self, device: Address, here: tuple[int, int]) -> Address:
        held = [owner for place, owner in self._owners.get(device, []) if place < here]
        return held[-1] if held else device

    def _apply(self, event: object) -> None:
        match event:
            case DeviceEnrolled():
                self._stations[event.device] = event.station
            case ChannelBound():
                self._bound.append(event)
                self._measured[event.device, event.channel] = event.station
            case DIDOwnerChanged():
                self._owners.setdefault(event.identity, []).append((_order(event.at), event.owner))
            case DelegateConfirmed():
                term = _Term(_order(event.at), event.valid_to_s)
                self._terms.setdefault((event.device, event.delegate), []).append(term)
            case DIDDelegateChanged() if _revokes(event):
                self._revoked.setdefault((event.identity, event.delegate), []).append(_order(event.at))
            case Compromised():
                self._disputed.setdefault((event.device, event.signer), []).append((_order(event.at), event.epoch))
            case SignerFrozen():
                self._frozen.setdefault((event.device, event.signer), _order(event.at))


def check_walk(facts: Facts) -> None:
    """Walk each device's events through `previousChange` to what the registry says now. Raises Diverged."""
    courses: dict[Address, list[_Change]] = {}
    for event in facts.events:
        if isinstance(event, _Change):
            courses.setdefault(_subject(event), []).append(event)
    for device, head in facts.changed.items():
        _check_course(Address(device), courses.get(Address(device), []), head)


def _check_course(device: Address, course: Iterable[_Change], head: int) -> None:
    """Events of one change share what they name; the next change names the block of this one."""
    where, changed, named = Where(device=device), 0, -1
    for event in course:
        same = event.at.block_number == changed and event.previous_change == named
        if not same:
            expect(_WALK, f"change after block {changed}", f"change after block {event.previous_change}", where=where)
        changed, named = event.at.block_number, event.previous_change
    expect(_WALK, f"last change in block {head}", f"last change in block {changed}", where=where)


def _subject(event: _Change) -> Address:
    match event:
        case DIDOwnerChanged() | DIDDelegateChanged() | DIDAttributeChanged():
            return event.identity
        case _:
            return event.device


def _revokes(event: DIDDelegateChanged) -> bool:
    return event.delegate_type == VERI_KEY and event.valid_to_s < event.at.timestamp_s


def _order(at: Place) -> tuple[int, int]:
    return (at.block_number, at.log_index)


def _channel(event: ChannelBound) -> Channel:
    return Channel(
        device=event.device, channel=event.channel, kind=event.kind, station=event.station,
        from_ms=event.from_s * 1000, to_ms=event.to_s * 1000,
    )  # fmt: skip
