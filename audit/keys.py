"""Which keys may sign which devices' segments, and where channels are bound (protocol 6), from registry events alone.

The rules stand in `alliance.keys`; here the events become the histories that they judge.
"""

from collections.abc import Iterable, Sequence

from alliance.fleet import Channel
from alliance.identity import Address, StationId
from alliance.keys import KeyHistory, Moment, Report, Term, disputed_since, standing
from alliance.keys import Standing as Standing
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
    KeyConfirmed,
    Place,
    SignerFrozen,
)

_WALK = "protocol 6: registry events follow each other through previousChange"

_Change = (
    DeviceEnrolled | DeviceAttested | ChannelBound | DelegateConfirmed | KeyConfirmed | Compromised
    | DIDOwnerChanged | DIDDelegateChanged | DIDAttributeChanged
)  # fmt: skip


_UNKNOWN = KeyHistory()


class Keyring:
    """All keys, owners, bindings and freezes of a chain's devices."""

    def __init__(self, facts: Facts) -> None:
        self._histories: dict[tuple[Address, Address], KeyHistory] = {}
        self._signers: dict[Address, list[tuple[Address, KeyHistory]]] = {}
        self._public: dict[tuple[Address, int], list[bytes]] = {}
        self._owners: dict[Address, list[tuple[Moment, Address]]] = {}
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
        return {
            key
            for key, history in self._signers.get(device, ())
            if history.frozen is not None and history.frozen.block <= as_of_block
        }

    def has_one_key(self, device: Address) -> bool:
        """Whether one single key was ever confirmed for a device."""
        return sum(1 for _, history in self._signers.get(device, ()) if history.terms) == 1

    def public_keys(self, device: Address, alg: int) -> Sequence[bytes]:
        """The public keys of an algorithm that were ever confirmed for a device, in the order of the chain."""
        return self._public.get((device, alg), ())

    def standing(self, device: Address, key: Address, at: Place) -> Standing:
        """What a key is worth for a segment whose first checkpoint stands at `at`."""
        here = _moment(at)
        return standing(
            self._histories.get((device, key), _UNKNOWN),
            at=here,
            time_s=at.timestamp_s,
            is_owner=self._owner(device, here) == key,
        )

    def disputed_since(self, device: Address, key: Address, *, as_of_block: int) -> int | None:
        """The epoch from which a key's readings are disputed, as reported up to a block; None if nothing was."""
        return disputed_since(self._histories.get((device, key), _UNKNOWN), up_to_block=as_of_block)

    def _owner(self, device: Address, here: Moment) -> Address:
        held = [owner for moment, owner in self._owners.get(device, []) if moment < here]
        return held[-1] if held else device

    def _history(self, device: Address, key: Address) -> KeyHistory:
        known = self._histories.get((device, key))
        if known is None:
            known = self._histories[device, key] = KeyHistory()
            self._signers.setdefault(device, []).append((key, known))
        return known

    def _apply(self, event: object) -> None:
        match event:
            case DeviceEnrolled():
                self._stations[event.device] = event.station
            case ChannelBound():
                self._bound.append(event)
                self._measured[event.device, event.channel] = event.station
            case DIDOwnerChanged():
                self._owners.setdefault(event.identity, []).append((_moment(event.at), event.owner))
            case DelegateConfirmed():
                term = Term(_moment(event.at), event.valid_to_s)
                self._history(event.device, event.delegate).terms.append(term)
            case KeyConfirmed():
                known = self._public.setdefault((event.device, event.alg), [])
                if event.public_key not in known:
                    known.append(event.public_key)
            case DIDDelegateChanged() if _revokes(event):
                self._history(event.identity, event.delegate).revoked.append(_moment(event.at))
            case Compromised():
                report = Report(_moment(event.at), event.epoch)
                self._history(event.device, event.signer).reports.append(report)
            case SignerFrozen():
                history = self._history(event.device, event.signer)
                history.frozen = history.frozen or _moment(event.at)


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


def _moment(at: Place) -> Moment:
    return Moment(at.block_number, at.log_index)


def _channel(event: ChannelBound) -> Channel:
    return Channel(
        device=event.device, channel=event.channel, kind=event.kind, station=event.station,
        from_ms=event.from_s * 1000, to_ms=event.to_s * 1000,
    )  # fmt: skip
