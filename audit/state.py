"""Are events the whole truth (protocol 11.4): what keys, channels, freezes and statements came to is proved.

`previousChange` shows that no change of a device is left out, not that each of its events is told, and as it was. So
what the events make of every key and channel that they name is compared with the contracts' slots.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from alliance.calendar import DAY_SLOT, Day
from alliance.identity import Address
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
    Event,
    KeyConfirmed,
    SignerFrozen,
    StatementPosted,
)
from chain.proofs import mapping_slot

_RECORDS = "protocol 11.4: the registry's state is what its events make of it"
_TWINS = "protocol 6: an event of the registry and its ERC-1056 twin say the same"
_FROZEN = "protocol 11.4: the log's state is what its events make of it (frozen keys)"
_VERSIONS = "protocol 8.9.3: versions follow each other up to the ledger's"

_OWNERS, _DEVICES, _SIGNERS, _CHANNELS = 0, 4, 5, 6
"""Where `DeviceRegistry` keeps owners, devices, keys and channels; slots 0 to 3 are ERC-1056's."""
_FREEZES = 2
_DAYS = 1
"""Where `AnchorLog` keeps freezes (behind its state), and `SettlementLedger` its days (behind `nextDay`)."""
_CHANNEL_ATTRIBUTE = b"alliance/channel".ljust(32, b"\0")
_U16, _U64 = (1 << 16) - 1, (1 << 64) - 1

Slots = Mapping[tuple[str, int], int]
"""Proved storage: (contract, slot) → value."""
Key = tuple[Address, Address]
Channel = tuple[Address, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """A device's key as the registry keeps it; all 0 for one that was never confirmed."""

    confirmed_s: int = 0
    valid_to_s: int = 0
    compromised: int = 0
    """Epoch + 1 from which it is disputed."""
    alg: int = 0

    @property
    def word(self) -> int:
        """Its slot."""
        return self.confirmed_s | self.valid_to_s << 64 | self.compromised << 128 | self.alg << 176


def wanted(found: Sequence[Event], days: Iterable[Day]) -> dict[str, list[int]]:
    """The slots, by contract, that `check` compares."""
    keys = _keys(found)
    registry = [_key_slot(key) for key in keys] + [_channel_slot(channel) for channel in _channels(found)]
    owners = [mapping_slot(_OWNERS, device) for device in _owners(found)]
    devices = [mapping_slot(_DEVICES, device) for device in _devices(found)]
    return {
        "DeviceRegistry": registry + owners + devices,
        "AnchorLog": [_freeze_slot(key) for key in keys],
        "SettlementLedger": [_day_slot(day) for day in days],
    }


def check(found: Sequence[Event], slots: Slots, days: Iterable[Day]) -> None:
    """Compare what events tell with each other and with the proved slots, if any were proved. Raises Diverged."""
    _check_twins(found)
    if not slots:
        return
    registry = {slot: value for (name, slot), value in slots.items() if name == "DeviceRegistry"}
    for device, owner in _owners(found).items():
        got = registry[mapping_slot(_OWNERS, device)]
        expect(f"{_RECORDS} (owner)", _hex(got), _hex(int.from_bytes(owner, "big")), where=Where(device=device))
    for device, word in _devices(found).items():
        got = registry[mapping_slot(_DEVICES, device)]
        expect(f"{_RECORDS} (device)", _hex(got), _hex(word), where=Where(device=device))
    for key, record in _keys(found).items():
        where = Where(device=key[0])
        expect(f"{_RECORDS} (key)", _hex(registry[_key_slot(key)]), _hex(record.word), where=where)
    for channel, word in _channels(found).items():
        where = Where(device=channel[0], channel=channel[1])
        expect(f"{_RECORDS} (channel)", _hex(registry[_channel_slot(channel)]), _hex(word), where=where)
    _check_freezes(found, slots)
    for day in days:
        posted = [event.version for event in found if isinstance(event, StatementPosted) and event.day == day.number]
        version = slots["SettlementLedger", _day_slot(day)] & _U16
        expect(_VERSIONS, version, max(posted, default=0), where=Where(slot=DAY_SLOT))


def _check_freezes(found: Sequence[Event], slots: Slots) -> None:
    frozen = {(e.device, e.signer): e.at.block_number for e in reversed(found) if isinstance(e, SignerFrozen)}
    for key in _keys(found):
        at_block = slots["AnchorLog", _freeze_slot(key)] & _U64
        expect(
            _FROZEN, f"frozen in block {at_block}", f"frozen in block {frozen.get(key, 0)}", where=Where(device=key[0])
        )


def _check_twins(found: Iterable[Event]) -> None:
    """What later changes overwrote is still told twice: a key's term and a channel's binding stand in a twin too."""
    terms: dict[tuple[bytes, Address, Address], int] = {}
    bound: dict[tuple[bytes, Address], bytes] = {}
    for event in found:
        match event:
            case DIDDelegateChanged():
                terms[event.at.tx_hash, event.identity, event.delegate] = event.valid_to_s
            case DIDAttributeChanged() if event.name == _CHANNEL_ATTRIBUTE:
                bound[event.at.tx_hash, event.identity] = event.value
            case DelegateConfirmed():
                twin = terms.get((event.at.tx_hash, event.device, event.delegate))
                expect(f"{_TWINS} (key)", twin, event.valid_to_s, where=Where(device=event.device))
            case ChannelBound():
                told = (event.channel, event.kind, event.station, event.from_s, event.to_s)
                value = b"".join(number.to_bytes(32, "big") for number in told)
                where = Where(device=event.device, channel=event.channel)
                expect(f"{_TWINS} (channel)", bound.get((event.at.tx_hash, event.device)), value, where=where)


def _devices(found: Iterable[Event]) -> dict[Address, int]:
    """Every device that is enrolled, and the slot of its station and times that the events make."""
    words: dict[Address, int] = {}
    for event in found:
        if isinstance(event, DeviceEnrolled):
            words[event.device] = event.station | event.at.timestamp_s << 32
        elif isinstance(event, DeviceAttested):
            enrolled = words.get(event.device, 0) & (1 << 96) - 1
            words[event.device] = enrolled | event.at.timestamp_s << 96
    return words


def _keys(found: Iterable[Event]) -> dict[Key, _Record]:
    """Every key that an event names and what the events make of it."""
    records: dict[Key, _Record] = {}
    for event in found:
        for key, record in _changes(event, records):
            records[key] = record
    return records


def _changes(event: Event, records: Mapping[Key, _Record]) -> Iterator[tuple[Key, _Record]]:
    """What an event makes of a key's record (protocol 6.3, 6.4)."""
    match event:
        case DelegateConfirmed():
            before = records.get((event.device, event.delegate), _Record())
            made = replace(before, confirmed_s=event.at.timestamp_s, valid_to_s=event.valid_to_s, alg=1)
            yield (event.device, event.delegate), made
        case KeyConfirmed():
            before = records.get((event.device, event.signer), _Record())
            yield (event.device, event.signer), replace(before, alg=event.alg)
        case DIDDelegateChanged() if event.delegate_type == VERI_KEY:
            before, now_s = records.get((event.identity, event.delegate), _Record()), event.at.timestamp_s
            ends = event.valid_to_s < now_s < before.valid_to_s
            yield (event.identity, event.delegate), replace(before, valid_to_s=now_s - 1) if ends else before
        case Compromised():
            before, last_s = records.get((event.device, event.signer), _Record()), event.at.timestamp_s - 1
            made = replace(before, compromised=event.epoch + 1, valid_to_s=min(before.valid_to_s, last_s))
            yield (event.device, event.signer), made
        case SignerFrozen():
            yield (event.device, event.signer), records.get((event.device, event.signer), _Record())


def _channels(found: Iterable[Event]) -> dict[Channel, int]:
    """Every channel that an event names and the slot that the events make of it; 0 if it is only an attribute."""
    words: dict[Channel, int] = {}
    for event in found:
        if isinstance(event, ChannelBound):
            word = event.kind | event.station << 8 | event.from_s << 40 | event.to_s << 104
            words[event.device, event.channel] = word
        elif isinstance(event, DIDAttributeChanged) and event.name == _CHANNEL_ATTRIBUTE:
            words.setdefault((event.identity, int.from_bytes(event.value[:32], "big") & _U16), 0)
    return words


def _owners(found: Iterable[Event]) -> dict[Address, Address]:
    """Each device whose owner an event names, and the last one."""
    return {event.identity: event.owner for event in found if isinstance(event, DIDOwnerChanged)}


def _key_slot(key: Key) -> int:
    return _nested(_SIGNERS, key[0], key[1])


def _channel_slot(channel: Channel) -> int:
    return _nested(_CHANNELS, channel[0], channel[1].to_bytes(2, "big"))


def _freeze_slot(key: Key) -> int:
    return _nested(_FREEZES, key[0], key[1])


def _day_slot(day: Day) -> int:
    return mapping_slot(_DAYS, day.number.to_bytes(4, "big"))


def _nested(position: int, outer: bytes, inner: bytes) -> int:
    """Where Solidity stores `mapping[outer][inner]`."""
    return mapping_slot(mapping_slot(position, outer), inner)


def _hex(value: int) -> str:
    return f"0x{value:064x}"
