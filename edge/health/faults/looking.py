"""One round's look at a station (protocol 10.16.3): sample, failure and doubts become what the engine judges.

A value that is absent or doubtful is not looked at: what stood on it stays. A station that cannot be read at all shows
which device is silent, and nothing else. Of a cell too high, the round sees the cell; of clusters, their spreads.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from alliance.errors import Malformed
from edge.control.limits import PPM, Limits
from edge.devices.station import (
    DeviceForeign,
    DeviceRefused,
    PointAbsent,
    PointOutOfRange,
    Quality,
    StationSample,
)
from edge.evidence.screening import Doubt
from edge.health.faults.engine import Key, Look, Seen
from edge.health.faults.kinds import SUNSPEC, Level
from edge.health.faults.places import Place
from edge.health.faults.plan import Cells, Plan, Stack, Told
from edge.health.faults.thresholds import Delays, Threshold

_BEATS = 3
_IDLE_SHARE = 100
"""Up to a hundredth of the rating a battery counts as resting."""
_LOWEST_MV = 100_000
"""Below 100 V a stack is off, and ohms a volt say nothing."""
_AT_ONCE = Delays(raise_ms=(0, 0, 0))
_STUCK = Delays(raise_ms=(5_000, 5_000, 5_000))
_TWICE = Delays(raise_ms=(2_000, 2_000, 2_000))
DOUBTS: Mapping[Doubt, tuple[str, Level]] = {
    Doubt.DUPLICATE: ("reading_duplicate", Level.WARN),
    Doubt.JUMP: ("register_jump", Level.DERATE),
    Doubt.SPIKE: ("power_spike", Level.DERATE),
    Doubt.FROZEN: ("register_frozen", Level.DERATE),
    Doubt.GAP: ("reading_gap", Level.WARN),
    Doubt.CLOCK_BACKWARDS: ("clock_backwards", Level.WARN),
}
"""What screening doubts (protocol 2.7), as alarms; they last until the channel's next reading."""
_ERRORS: Mapping[str, tuple[str, Level, int]] = {
    "frame_damaged": ("bad_frames", Level.DERATE, 0),
    "frame_malformed": ("bad_frames", Level.DERATE, 0),
    "device_foreign": ("device_foreign", Level.TRIP, 0),
    "device_refused": ("device_refuses", Level.DERATE, 0),
}
"""The drivers' errors, by code, as alarms: kind, level, delay of a trip."""
_CHANNELS = {1: Place("meter"), 2: Place("pcs")}
_OF_BOX = frozenset({"order_failed", *(kind for kind, _ in DOUBTS.values())})
"""What is seen without any device's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """What over-currents are measured against."""

    charge_w: int
    discharge_w: int
    eta_charge_ppm: int = PPM
    eta_discharge_ppm: int = PPM
    current_ma: int = 0
    """Of one battery system; 0: powers are compared in place of currents."""


def ratings_of(limits: Limits, *, current_ma: int = 0) -> Ratings:
    """The ratings that the station's limits state."""
    return Ratings(
        charge_w=limits.charge_power_w, discharge_w=limits.discharge_power_w, current_ma=current_ma,
        eta_charge_ppm=limits.eta_charge_ppm, eta_discharge_ppm=limits.eta_discharge_ppm,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round brought."""

    sample: StationSample | None
    failure: Exception | None = None
    """Why there is no sample."""
    doubts: Mapping[int, tuple[Doubt, ...]] | None = None
    """Of each channel's reading; None where the round recorded none."""
    order_failed: bool = False
    troubles: Mapping[str, str] = field(default_factory=dict)
    """The last error of each point that could not be had, by key, where the driver tells it."""
    tick_ms: int = 1_000
    heartbeat_ms: int = 3_000
    """For how long a device's counter may stand still; at least three rounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What one look leaves to the next."""

    beats: Mapping[str, int] = field(default_factory=dict)
    doubts: Mapping[int, tuple[Doubt, ...]] = field(default_factory=dict)


def look(
    plan: Plan, now: Round, memory: Memory, *, thresholds: Mapping[str, Threshold], ratings: Ratings
) -> tuple[Look, Memory]:  # fmt: skip
    """What a round sees, and what to remember of it."""
    doubts = memory.doubts if now.doubts is None else now.doubts
    box = dict(_of_box(now, doubts))
    if now.sample is None:
        failed = dict(_failure(plan, now))
        return Look(seen={**box, **failed}, blind=lambda key: key.kind not in _OF_BOX), Memory(
            beats=memory.beats, doubts=doubts
        )
    eyes = _Eyes(plan, now.sample, thresholds, ratings)
    beats = {key: now.sample.points[key] for key, _ in plan.heartbeats if key in now.sample.points}
    still = dict(_still(plan, now, memory.beats, beats))
    seen = {**box, **still, **dict(_silent(plan, now, now.sample)), **eyes.seen()}
    return Look(seen=seen, blind=eyes.blind), Memory(beats=beats, doubts=doubts)


def _of_box(now: Round, doubts: Mapping[int, tuple[Doubt, ...]]) -> Iterator[tuple[Key, Seen]]:
    if now.order_failed:
        lasting = Delays(raise_ms=(0, (_BEATS - 1) * now.tick_ms, 0))
        yield Key("order_failed", Place("pcs")), Seen(level=Level.DERATE, delays=lasting)
    for channel, doubted in doubts.items():
        for doubt in doubted:
            kind, level = DOUBTS[doubt]
            yield Key(kind, _CHANNELS.get(channel, Place())), Seen(level=level, delays=_AT_ONCE)


def _still(
    plan: Plan, now: Round, before: Mapping[str, int], beats: Mapping[str, int]
) -> Iterator[tuple[Key, Seen]]:  # fmt: skip
    lasting = max((_BEATS - 1) * now.tick_ms, now.heartbeat_ms)
    for key, place in plan.heartbeats:
        if key in beats and beats[key] == before.get(key):
            yield Key("heartbeat_stopped", place), Seen(
                level=Level.DERATE, value=beats[key], delays=Delays(raise_ms=(lasting, lasting, lasting))
            )  # fmt: skip


def _failure(plan: Plan, now: Round) -> Iterator[tuple[Key, Seen]]:
    """The device that could not be read. A damaged frame is told at once, three are worse."""
    failure, thrice_ms = now.failure, (_BEATS - 1) * now.tick_ms
    place = _place_at(plan, getattr(failure, "host", None), getattr(failure, "port", None))
    match failure:
        case DeviceForeign():
            yield Key("device_foreign", place), Seen(level=Level.TRIP, value=failure.got, delays=_AT_ONCE)
        case PointAbsent() | PointOutOfRange():
            yield (
                Key("value_out_of_range", plan.places.get(failure.point, Place()), failure.point),
                Seen(level=Level.DERATE, delays=_AT_ONCE),
            )
        case DeviceRefused():
            yield (
                Key("device_refuses", place),
                Seen(level=Level.DERATE, value=failure.exception, delays=Delays(raise_ms=(thrice_ms,) * 3)),
            )
        case Malformed():
            yield Key("bad_frames", place), Seen(level=Level.DERATE, delays=Delays(raise_ms=(0, thrice_ms, thrice_ms)))
        case _:
            yield Key("comms_lost", place), Seen(
                level=Level.DERATE, delays=Delays(raise_ms=(thrice_ms,) * 3)
            )  # fmt: skip


def _silent(plan: Plan, now: Round, sample: StationSample) -> Iterator[tuple[Key, Seen]]:
    """Devices of which no point came, though the station could be read without them; named by the driver's error."""
    thrice_ms = (_BEATS - 1) * now.tick_ms
    for wire in plan.wires:
        if not wire.keys or any(key in sample.points for key in wire.keys):
            continue
        told = next((now.troubles[key] for key in wire.keys if key in now.troubles), "")
        kind, level, first_ms = _ERRORS.get(told.partition(":")[0], ("comms_lost", Level.DERATE, thrice_ms))
        yield Key(kind, wire.place), Seen(
            level=level, delays=Delays(raise_ms=(0 if kind == "bad_frames" else thrice_ms, thrice_ms, first_ms))
        )  # fmt: skip


def _place_at(plan: Plan, host: object, port: object) -> Place:
    """The device behind an address; the station where several share it, or none is named."""
    places = {wire.place for wire in plan.wires if wire.host == host and (wire.port == port or port == 0)}
    return places.pop() if len(places) == 1 else Place()


class _Eyes:
    """Looks at one sample."""

    def __init__(
        self, plan: Plan, sample: StationSample, thresholds: Mapping[str, Threshold], ratings: Ratings
    ) -> None:  # fmt: skip
        self._plan, self._sample, self._ratings = plan, sample, ratings
        self._thresholds = thresholds
        if sample.doubtful:
            self._sure: Mapping[str, int] = {k: v for k, v in sample.points.items() if k not in sample.doubtful}
        else:
            self._sure = sample.points
        self._way = "discharge" if sample.battery_power_w > max(1, ratings.discharge_w // _IDLE_SHARE) else "charge"

    def blind(self, key: Key) -> bool:
        """Whether a value that feeds an alarm was absent or doubtful this time."""
        if len(self._sure) >= len(self._plan.places):
            return False
        return any(
            (key.kind, key.place) in feeds for point, feeds in self._plan.feeds.items() if point not in self._sure
        )

    def seen(self) -> dict[Key, Seen]:
        """Everything that stands at a level, or might hold one."""
        found: dict[Key, Seen] = {}
        for key, seen in self._all():
            if key not in found or found[key].level < seen.level:
                found[key] = seen
        return found

    def _all(self) -> Iterator[tuple[Key, Seen]]:
        for cells in self._plan.clusters:
            yield from self._cells(cells)
        for cells in self._plan.packs:
            yield from self._pack(cells)
        for probes in self._plan.probes:
            yield from self._probes(probes)
        for name, key, place in self._plan.singles:
            yield from self._value(name, place, self._sure.get(key))
        for stack in self._plan.stacks:
            yield from self._stack(stack)
        for told in self._plan.told:
            yield from self._told(told)
        for key in self._sample.doubtful:
            yield (
                Key("value_out_of_range", self._plan.places.get(key, Place()), key),
                Seen(level=Level.WARN, value=self._sample.points.get(key), delays=_TWICE),
            )
        if self._sample.quality & Quality.CLOCK_SKEWED:
            yield Key("clock_skewed", Place("ems")), Seen(level=Level.WARN, delays=_AT_ONCE)
        yield from self._whole()

    def _cells(self, cells: Cells) -> Iterator[tuple[Key, Seen]]:
        values = [(self._sure[k], p) for k, p in zip(cells.keys, cells.places, strict=True) if k in self._sure]
        if not values:
            return
        lowest, highest = min(values)[0], max(values)[0]
        if self._interesting("cell_overvoltage", highest):
            for value, place in values:
                yield from self._value("cell_overvoltage", place, value)
        if self._interesting("cell_undervoltage", lowest):
            for value, place in values:
                yield from self._value("cell_undervoltage", place, value)
        yield from self._value("voltage_spread", cells.place, highest - lowest)

    def _pack(self, cells: Cells) -> Iterator[tuple[Key, Seen]]:
        values = [self._sure[key] for key in cells.keys if key in self._sure]
        if len(values) == len(cells.keys):
            mean = sum(values) // len(values)
            yield from self._value("pack_overvoltage", cells.place, mean)
            yield from self._value("pack_undervoltage", cells.place, mean)

    def _probes(self, probes: Cells) -> Iterator[tuple[Key, Seen]]:
        values = [(self._sure[k], p) for k, p in zip(probes.keys, probes.places, strict=True) if k in self._sure]
        for value, place in values:
            yield from self._value(f"cell_temperature_high.{self._way}", place, value)
            yield from self._value("cell_temperature_low", place, value)
        if values:
            yield from self._value("temperature_spread", probes.place, max(values)[0] - min(values)[0])

    def _stack(self, stack: Stack) -> Iterator[tuple[Key, Seen]]:
        voltage, current = self._sure.get(stack.voltage), self._sure.get(stack.current)
        insulation = self._sure.get(stack.insulation)
        if insulation is not None and voltage is not None and voltage >= _LOWEST_MV:
            yield from self._value("insulation_low", stack.place, insulation // voltage)
        if current is not None and voltage is not None:
            yield from self._current(stack.place, current, voltage)
        order, closed = self._sure.get(stack.contactor_order), self._sure.get(stack.contactor_closed)
        if order == 0 and closed == 1:
            yield Key("contactor_fault", stack.place), Seen(level=Level.TRIP, delays=_STUCK)

    def _current(self, place: Place, current_ma: int, voltage_mv: int) -> Iterator[tuple[Key, Seen]]:
        """Per mille of the rated current, or of the rated power at the AC side."""
        r, discharging = self._ratings, current_ma > 0
        if r.current_ma:
            share = abs(current_ma) * 1_000 // r.current_ma
        else:
            dc_w = abs(current_ma) * voltage_mv // 1_000_000 * len(self._plan.stacks)
            ac_w = dc_w * r.eta_discharge_ppm // PPM if discharging else dc_w * PPM // r.eta_charge_ppm
            share = ac_w * 1_000 // max(1, r.discharge_w if discharging else r.charge_w)
        yield from self._value("discharge_overcurrent" if discharging else "charge_overcurrent", place, share)

    def _told(self, told: Told) -> Iterator[tuple[Key, Seen]]:
        value = self._sure.get(told.key)
        if value is None or (told.word and not value):
            return
        numbers = (bit for bit in range(value.bit_length()) if value >> bit & 1) if told.word else (value,)
        for number in numbers:
            if number in told.kinds:
                kind, level = told.kinds[number]
                yield Key(kind, told.place), Seen(level=level, value=value, delays=_AT_ONCE)
            elif told.word and told.others:
                name = told.names.get(number, f"bit {number}")
                yield Key("vendor", told.place, name), Seen(level=told.others, value=value, delays=_AT_ONCE)

    def _whole(self) -> Iterator[tuple[Key, Seen]]:
        """What stations without single points, or without tables, tell."""
        sample, bms = self._sample, Place("bms")
        if not self._plan.clusters:  # of the whole battery: which cell is the highest changes while it charges
            yield from self._value("cell_overvoltage", bms, sample.cell_highest_mv)
            yield from self._value("cell_undervoltage", bms, sample.cell_lowest_mv)
        if not self._plan.probes:
            yield from self._value(f"cell_temperature_high.{self._way}", bms, sample.cell_hottest_ddegc)
            yield from self._value("cell_temperature_low", bms, sample.cell_coldest_ddegc)
        if not self._plan.stacks and "battery_power" not in sample.doubtful:
            discharging = sample.battery_power_w > 0
            rated_w = self._ratings.discharge_w if discharging else self._ratings.charge_w
            share = abs(sample.battery_power_w) * 1_000 // max(1, rated_w)
            yield from self._value("discharge_overcurrent" if discharging else "charge_overcurrent", bms, share)
        if not self._plan.places:
            yield from self._value("soc_low", bms, sample.soc_bp)
            yield from self._value("soc_high", bms, sample.soc_bp)
            yield from self._value("soh_low", bms, sample.soh_bp or None)
            for name in sample.alarms:
                kind, level = SUNSPEC.get(name, ("vendor", Level.DERATE))
                yield Key(kind, Place("sunspec"), name if kind == "vendor" else ""), Seen(level=level, delays=_AT_ONCE)

    def _interesting(self, name: str, value: int) -> bool:
        threshold = self._thresholds.get(name)
        return threshold is not None and threshold.interesting(value)

    def _value(self, name: str, place: Place, value: int | None) -> Iterator[tuple[Key, Seen]]:
        threshold = self._thresholds.get(name)
        if value is None or threshold is None or not threshold.interesting(value):
            return
        level = threshold.level(value)
        yield Key(threshold.kind, place), Seen(
            level=level, held=lambda standing: threshold.held(value, standing), value=value, unit=threshold.unit,
            limit=threshold.limits.get(Level(level)) if level else None, delays=threshold.delays,
        )  # fmt: skip
