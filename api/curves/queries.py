"""A station's measured course of a day, slot by slot, from its stored readings: for screens, not for settlement."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from alliance.calendar import SLOT_MS, SLOTS_A_DAY, Day
from alliance.identity import StationId
from alliance.reading import ChannelKind, Reading
from api.devices import queries as devices
from api.segments import repository as segments

_BATCH = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a slot's meters showed; None where a boundary has no reading. Positive out of the station or battery."""

    net_wh: int | None
    battery_wh: int | None
    soc_bp: int | None
    """At the slot's end."""


def course(connection: Connection, station: StationId, day: Day) -> tuple[Measured, ...]:
    """The 96 slots of a station's day."""
    meter = _at_boundaries(connection, station, ChannelKind.METER, day)
    battery = _at_boundaries(connection, station, ChannelKind.BATTERY, day)
    return tuple(
        Measured(
            net_wh=_advance(meter, slot),
            battery_wh=_advance(battery, slot),
            soc_bp=battery[slot + 1].soc_bp if slot + 1 in battery else None,
        )
        for slot in range(SLOTS_A_DAY)
    )


def last_soc_bp(connection: Connection, station: StationId, *, before_ms: int, not_before_ms: int) -> int | None:
    """The last state of charge that a station's battery meter showed in a span, basis points."""
    last: Reading | None = None
    for reading in _readings(connection, station, ChannelKind.BATTERY, from_ms=not_before_ms, to_ms=before_ms):
        last = reading if last is None or reading.t_ms >= last.t_ms else last
    return None if last is None else last.soc_bp


def _at_boundaries(connection: Connection, station: StationId, kind: ChannelKind, day: Day) -> dict[int, Reading]:
    """Boundary 0…96 → the reading on it; a boundary that no reading hits is left out."""
    found: dict[int, Reading] = {}
    for reading in _readings(connection, station, kind, from_ms=day.start_ms, to_ms=day.end_ms + 1):
        boundary, off = divmod(reading.t_ms - day.start_ms, SLOT_MS)
        if off == 0:
            found[boundary] = reading
    return found


def _readings(
    connection: Connection, station: StationId, kind: ChannelKind, *, from_ms: int, to_ms: int
) -> Iterable[Reading]:
    for bound in devices.channels_at(connection, station):
        if bound.kind is not kind:
            continue
        stored = segments.between(
            connection, bound.device, bound.channel, from_ms=from_ms, to_ms=to_ms, from_seq=0, limit=_BATCH
        )
        for one in stored:
            yield from (r for r in one.sealed.decoded() if from_ms <= r.t_ms < to_ms)


def _advance(registers: dict[int, Reading], slot: int) -> int | None:
    if slot not in registers or slot + 1 not in registers:
        return None
    before, after = registers[slot], registers[slot + 1]
    return (after.export_wh - before.export_wh) - (after.import_wh - before.import_wh)
