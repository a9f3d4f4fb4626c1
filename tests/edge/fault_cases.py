"""Every way to put a fault of the fault table into the simulators, with the alarm that must follow, and how soon."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edge.devices.tables import read_points
from edge.health.faults.kinds import Level
from edge.health.faults.places import Place
from edge.health.faults.stated import Basis, Way, ways
from edge.health.faults.thresholds import Threshold
from edge.tables import shipped
from tests.edge.faulting import BOUNDS, CONTAINER, LOAD_W

BMS = Place("bms", (("container", CONTAINER),))
PCS, METER, HVAC, FIRE = Place("pcs"), Place("meter"), Place("hvac"), Place("fire")
DEVICES = {"bms": BMS, "pcs": PCS, "meter": METER, "hvac": HVAC, "fire": FIRE}
CLUSTER = Place("bms", (*BMS.parts, ("cluster", 2)))
PACK = Place("bms", (*CLUSTER.parts, ("pack", 3)))
CELL = Place("bms", (*PACK.parts, ("cell", 7)))
PROBE = Place("bms", (*PACK.parts, ("probe", 2)))
ZONE = Place("fire", (("zone", 3),))
FROZEN_MS = BOUNDS.frozen_wh * 3_600_000 // LOAD_W
"""So long the load must flow through a frozen register until it is no longer believed."""


@dataclass(frozen=True)
class Case:
    """A fault, and the alarm that it must raise at the part."""

    spec: str
    kind: str
    level: Level
    place: Place
    way: Way
    detail: str = ""
    tick_ms: int = 1_000
    discharging: bool = False
    lasts: int = 0
    """So many rounds the fault is in before the alarm is waited for; 0: it stays in."""
    special: str = ""
    """What is done to the box's own time in place of a device."""

    @property
    def stated_ms(self) -> int:
        return self.way.stated_ms(tick_ms=self.tick_ms, sample_ms=60_000, frozen_ms=FROZEN_MS)

    def __str__(self) -> str:
        return f"{self.spec or self.special} → {self.kind}.{int(self.level)} {self.place.zh()}"


_VALUES: Mapping[str, tuple[str, Place, str]] = {
    "cell_overvoltage": ("bms.cell_overvoltage", CELL, "cluster=2,pack=3,cell=7"),
    "cell_undervoltage": ("bms.cell_undervoltage", CELL, "cluster=2,pack=3,cell=7"),
    "pack_overvoltage": ("bms.pack_overvoltage", PACK, "cluster=2,pack=3"),
    "pack_undervoltage": ("bms.pack_undervoltage", PACK, "cluster=2,pack=3"),
    "voltage_spread": ("bms.voltage_spread", CLUSTER, "cluster=2,pack=3"),
    "cell_temperature_high": ("bms.cell_hot", PROBE, "cluster=2,pack=3,probe=2"),
    "cell_temperature_low": ("bms.cell_cold", PROBE, "cluster=2,pack=3,probe=2"),
    "temperature_spread": ("bms.temperature_spread", CLUSTER, "cluster=2,pack=3"),
    "insulation_low": ("bms.insulation_low", BMS, ""),
    "discharge_overcurrent": ("bms.discharge_overcurrent", BMS, ""),
    "charge_overcurrent": ("bms.charge_overcurrent", BMS, ""),
    "soc_low": ("bms.soc_low", BMS, ""),
    "soc_high": ("bms.soc_high", BMS, ""),
    "soh_low": ("bms.soh_low", BMS, ""),
    "supply_undervoltage": ("bms.supply_low", BMS, ""),
    "supply_overvoltage": ("bms.supply_high", BMS, ""),
    "pcs_module_hot": ("pcs.module_hot", PCS, ""),
    "cabinet_hot": ("pcs.cabinet_hot", PCS, ""),
    "heat": ("fire.heat", ZONE, "zone=3"),
    "hydrogen": ("fire.hydrogen", ZONE, "zone=3"),
    "carbon_monoxide": ("fire.carbon_monoxide", ZONE, "zone=3"),
}
_HOT_DISCHARGING = {Level.WARN: "value=510,around=460", Level.DERATE: "value=560,around=490", Level.TRIP: "value=610"}
"""The other probes are warm too, so that the spread does not trip first and end the discharge."""
_WORDS = {
    "bms.stack_bit": ("bms", "bms.alarm_word", BMS, ""),
    "bms.cluster_bit": ("bms", "cluster.2.alarm_word", CLUSTER, "cluster=2,"),
    "pcs.alarm_bit": ("pcs", "pcs.alarm_word", PCS, ""),
    "hvac.alarm_bit": ("hvac", "hvac.alarm_word", HVAC, ""),
    "fire.alarm_bit": ("fire", "fire.alarm_word", FIRE, ""),
    "meter.status_bit": ("meter", "meter.status", METER, ""),
}
_SINGLE: tuple[tuple[str, str, Level, Place], ...] = (
    ("bms.contactor_open", "contactor_open", Level.DERATE, BMS),
    ("bms.contactor_welded", "contactor_fault", Level.TRIP, BMS),
    ("bms.heartbeat_stopped", "heartbeat_stopped", Level.DERATE, BMS),
    ("pcs.trip", "pcs_tripped", Level.TRIP, PCS),
    ("pcs.grid_lost", "grid_lost", Level.DERATE, PCS),
    ("pcs.emergency_stop", "emergency_stop", Level.TRIP, PCS),
    ("fire.emergency_stop", "emergency_stop", Level.TRIP, FIRE),
    ("fire.smoke:zone=3", "smoke", Level.TRIP, ZONE),
    ("fire.detector:zone=3", "fire_loop", Level.WARN, ZONE),
    ("fire.panel", "fire_panel", Level.WARN, FIRE),
    ("meter.spike", "power_spike", Level.DERATE, METER),
    ("meter.regress", "register_jump", Level.DERATE, METER),
    ("pcs.deaf", "order_failed", Level.WARN, PCS),
    ("pcs.deaf", "order_failed", Level.DERATE, PCS),
)


def cases(limits: Mapping[str, Threshold]) -> Iterator[Case]:
    """Every fault."""
    yield from values(limits)
    for name, (table, key, place, part) in _WORDS.items():
        point = read_points(shipped()[table])[key]
        for bit, kind, level in point.alarm_kinds:
            yield Case(
                f"{name}:{part}bit={bit}",
                kind,
                Level(level),
                place,
                Way(kind=kind, level=Level(level), basis=Basis.AT_ONCE),
            )
    for spec, kind, level, place in _SINGLE:
        yield Case(spec, kind, level, place, _way(kind, level, limits))
    for table, place in DEVICES.items():
        for fault, kind, level in (
            ("silent", "comms_lost", Level.DERATE), ("noisy", "bad_frames", Level.WARN), ("noisy", "bad_frames", Level.DERATE),
            ("busy", "device_refuses", Level.DERATE), ("foreign", "device_foreign", Level.TRIP),
        ):  # fmt: skip
            yield Case(f"{table}.{fault}", kind, level, place, _way(kind, level, limits))
    cell = "container.5.cluster.2.pack.3.cell.7.voltage"
    yield Case(
        "bms.value_beyond:cluster=2,pack=3,cell=7",
        "value_out_of_range",
        Level.WARN,
        CELL,
        _way("value_out_of_range", Level.WARN, limits),
        cell,
    )
    yield Case(
        "meter.value_beyond",
        "value_out_of_range",
        Level.DERATE,
        METER,
        _way("value_out_of_range", Level.DERATE, limits),
        "meter_import",
    )
    yield Case("bms.stack_bit:bit=30", "vendor", Level.TRIP, BMS, _way("vendor", Level.TRIP, limits), "bit 30")
    yield Case("hvac.alarm_bit:bit=9", "vendor", Level.DERATE, HVAC, _way("vendor", Level.DERATE, limits), "bit 9")
    yield Case(
        "meter.frozen",
        "register_frozen",
        Level.DERATE,
        METER,
        _way("register_frozen", Level.DERATE, limits),
        tick_ms=10_000,
    )
    yield Case(
        "meter.silent",
        "reading_gap",
        Level.WARN,
        METER,
        _way("reading_gap", Level.WARN, limits),
        lasts=14,
        tick_ms=10_000,
    )
    yield Case("", "clock_backwards", Level.WARN, METER, _way("clock_backwards", Level.WARN, limits), special="clock")
    yield Case(
        "", "reading_duplicate", Level.WARN, METER, _way("reading_duplicate", Level.WARN, limits), special="restart"
    )


def values(limits: Mapping[str, Threshold]) -> Iterator[Case]:
    """A value beyond each limit of each threshold."""
    for threshold in limits.values():
        name, place, part = _VALUES[threshold.kind]
        discharging = threshold.name.endswith(".discharge")
        for way in ways(threshold.kind, {threshold.name: threshold}):
            if way.basis is Basis.VALUE:
                told = _HOT_DISCHARGING[way.level] if discharging else f"level={int(way.level)}"
                spec = f"{name}:{part},{told}" if part else f"{name}:{told}"
                yield Case(spec, threshold.kind, way.level, place, way, discharging=discharging)


def _way(kind: str, level: Level, limits: Mapping[str, Threshold]) -> Way:
    return next(way for way in ways(kind, limits) if way.level == level)
