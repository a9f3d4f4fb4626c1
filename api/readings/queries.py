"""Readings out of stored segments: by station and time, or one by its name (protocol 1.2, 2)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from alliance.errors import Conflicting, Malformed, Missing
from alliance.fleet import Channel
from alliance.identity import Address, MemberId, address, digest, to_hex
from alliance.reading import ChannelKind, Reading
from api.devices import queries as devices
from api.paging import Window
from api.privacy import subjects
from api.segments import repository as segments
from api.segments.repository import Stored
from api.stations import queries as stations

_BATCH = 32


@dataclass(kw_only=True, eq=False)
class ReadingNameMalformed(Malformed):
    """A reading's name is not `{alliance}:{device}:{channel}:{seq}`."""

    name: str


@dataclass(kw_only=True, eq=False)
class ReadingOfAnotherAlliance(Conflicting):
    """A reading's name belongs to another alliance than this service's."""

    want: bytes
    got: bytes


@dataclass(kw_only=True, eq=False)
class ReadingUnknown(Missing):
    """This service holds no such reading."""

    device: Address
    channel: int
    seq: int


@dataclass(kw_only=True, eq=False)
class ReadingErased(Missing):
    """The reading was logged and then erased (protocol 4.8.4): its segment's signature stands, its values are gone."""

    device: Address
    channel: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingName:
    """Which reading: device, channel and number; the alliance is the service's own."""

    device: Address
    channel: int
    seq: int

    def text(self, alliance: bytes) -> str:
        """The public name."""
        return f"{to_hex(alliance)}:{to_hex(self.device)}:{self.channel}:{self.seq}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRow:
    """A reading where it belongs: its device, what its numbers mean, and the epoch that logs it."""

    device: Address
    kind: ChannelKind
    reading: Reading
    epoch: int


def parse_name(text: str, *, alliance: bytes) -> ReadingName:
    """Read a public name. Raises ReadingNameMalformed, BadHex or ReadingOfAnotherAlliance."""
    parts = text.split(":")
    if len(parts) != 4 or not all(part.isascii() and part.isdecimal() and len(part) < 20 for part in parts[2:]):
        raise ReadingNameMalformed(name=text[:200])
    of, device = digest(parts[0], field="alliance"), address(parts[1], field="device")
    if of != alliance:
        raise ReadingOfAnotherAlliance(want=alliance, got=of)
    name = ReadingName(device=device, channel=int(parts[2]), seq=int(parts[3]))
    if name.channel > 0xFFFF or name.seq >= 1 << 63:
        raise ReadingNameMalformed(name=text[:200])
    return name


def one(connection: Connection, name: ReadingName) -> Stored:
    """The segment that covers a reading. Raises ReadingUnknown or ReadingErased."""
    stored = segments.containing(connection, name.device, name.channel, name.seq)
    if stored is None:
        raise ReadingUnknown(device=name.device, channel=name.channel, seq=name.seq)
    if not stored.sealed.readings:
        raise ReadingErased(device=name.device, channel=name.channel, seq=name.seq)
    return stored


def owner_of(connection: Connection, name: ReadingName) -> MemberId:
    """The member for whose station a reading was measured. Raises ReadingUnknown or ReadingErased."""
    stored = one(connection, name)
    station = subjects.station_of(connection, name.device, name.channel, [stored.sealed])
    return stations.owner_of(connection, station)


def at_station(
    connection: Connection, *, station: int, channel: int, window: Window, after: tuple[bytes, int] | None, limit: int
) -> list[ReadingRow]:
    """A station's readings of one channel number inside a window, by (device, seq), at most `limit`."""
    found: list[ReadingRow] = []
    for bound in _bindings(connection, station=station, channel=channel):
        if after is not None and bound.device < after[0]:
            continue
        from_seq = after[1] + 1 if after is not None and bound.device == after[0] else 0
        for row in _of_device(connection, bound, window=window, from_seq=from_seq):
            found.append(row)
            if len(found) == limit:
                return found
    return found


def _bindings(connection: Connection, *, station: int, channel: int) -> list[Channel]:
    """The terms for which channels of this number measured for the station, by (device, time); each ends where the
    channel's next binding begins, be it to another station."""
    terms = []
    for device in sorted({bound.device for bound in devices.channels_at(connection, station)}):
        history = [bound for bound in devices.channels_of(connection, device) if bound.channel == channel]
        for at, bound in enumerate(history):
            ends = [b.from_ms for b in history[at + 1 :]] + ([bound.to_ms] if bound.to_ms else [])
            term = replace(bound, to_ms=min(ends, default=0))
            if bound.station == station and (not ends or bound.from_ms < term.to_ms):
                terms.append(term)
    return sorted(terms, key=lambda term: (term.device, term.from_ms))


def _of_device(connection: Connection, bound: Channel, *, window: Window, from_seq: int) -> Iterator[ReadingRow]:
    low, high = max(window.from_ms, bound.from_ms), window.to_ms if not bound.to_ms else min(window.to_ms, bound.to_ms)
    while True:
        batch = segments.between(
            connection, bound.device, bound.channel, from_ms=low, to_ms=high, from_seq=from_seq, limit=_BATCH
        )
        for stored in batch:
            for reading in stored.sealed.decoded():
                if reading.seq >= from_seq and low <= reading.t_ms < high:
                    yield ReadingRow(device=bound.device, kind=bound.kind, reading=reading, epoch=stored.epoch)
            from_seq = stored.sealed.signed.segment.next_seq
        if len(batch) < _BATCH:
            return
