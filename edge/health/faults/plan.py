"""Which points of a station feed which alarms (protocol 10.16.3): read once from its point tables.

Cells and probes are found by their keys; single values by the last words of theirs; bits and statuses by what the
table's enumeration says behind `#` (`0=单体过压#cell_overvoltage.3`), the maker's severity included.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from edge.devices.open import Device
from edge.devices.points import Point
from edge.devices.vocabulary import IDENTITY
from edge.health.faults.kinds import Level, kind_of
from edge.health.faults.places import Place, place_of

_SINGLES: Mapping[str, tuple[str, ...]] = {
    "battery_soc": ("soc_low", "soc_high"),
    "battery_soh": ("soh_low",),
    "bms.supply_voltage": ("supply_undervoltage", "supply_overvoltage"),
    "pcs.igbt_temperature": ("pcs_module_hot",),
    "pcs.cabinet_temperature": ("cabinet_hot",),
    "fire.temperature": ("heat",),
    "fire.hydrogen": ("hydrogen",),
    "fire.carbon_monoxide": ("carbon_monoxide",),
}
"""Ends of keys, without the number of a zone, and the thresholds that their values are held against."""
_OF_CELL = ("cell_overvoltage", "cell_undervoltage")
_OF_PROBE = ("cell_temperature_high", "cell_temperature_low")
_WAYS = ("over", "under")
_OF_WHOLE = (
    ("cell_voltage_max", "cell_overvoltage", "clusters"), ("cell_voltage_min", "cell_undervoltage", "clusters"),
    ("cell_temperature_max", "cell_temperature_high", "probes"),
    ("cell_temperature_min", "cell_temperature_low", "probes"),
    ("battery_power", "charge_overcurrent", "stacks"), ("battery_power", "discharge_overcurrent", "stacks"),
)  # fmt: skip
"""(key, kind, what it stands in for): a battery that gives no single values is judged as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The cells, or the probes, of one cluster."""

    place: Place
    keys: tuple[str, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The values of one battery system that only mean something together; "" where it has none."""

    place: Place
    voltage: str = ""
    current: str = ""
    insulation: str = ""
    contactor_order: str = ""
    contactor_closed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A point whose bits or values are alarms themselves."""

    key: str
    place: Place
    word: bool
    kinds: Mapping[int, tuple[str, Level]]
    """By bit of a word, or by value."""
    names: Mapping[int, str]
    others: int
    """Level of a bit that the table does not map; 0: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A device's connection, so that its silence can be named."""

    place: Place
    host: str
    port: int
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of a station's points that can raise an alarm."""

    clusters: tuple[Cells, ...] = ()
    packs: tuple[Cells, ...] = ()
    probes: tuple[Cells, ...] = ()
    singles: tuple[tuple[str, str, Place], ...] = ()
    """(threshold, key, part)."""
    stacks: tuple[Stack, ...] = ()
    told: tuple[Told, ...] = ()
    heartbeats: tuple[tuple[str, Place], ...] = ()
    wires: tuple[Wire, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    feeds: Mapping[str, frozenset[tuple[str, Place]]] = field(default_factory=dict)
    """By key the alarms, kind and part, that cannot be judged without it."""


def plan_of(devices: Iterable[Device]) -> Plan:
    """The plan of a station's devices; of none (SunSpec), an empty one. Raises KindUnknown."""
    held = list(devices)
    points = {key: point for device in held for key, point in device.points.items()}
    places = {key: place_of(key) for key in points}
    for device in held:
        if any("." in key for key in device.points):
            own = _place_of_device(device, places)
            places.update({key: own for key in device.points if "." not in key})
    cells = {key: place for key, place in places.items() if key.endswith(".voltage") and place.innermost == "cell"}
    probes = {
        key: place for key, place in places.items() if key.endswith(".temperature") and place.innermost == "probe"
    }  # fmt: skip
    plan = Plan(
        clusters=_gathered(cells, "cluster"),
        packs=_gathered(cells, "pack"),
        probes=_gathered(probes, "cluster"),
        singles=tuple(
            (name, key, places[key]) for key in points for end, names in _SINGLES.items() if _ends(key, end)
            for name in names
        ),
        stacks=_stacks(points, places),
        told=tuple(told for key, point in points.items() if (told := _told(point, places[key], _file(held, key)))),
        heartbeats=tuple(
            (key, places[key]) for key, point in points.items() if key.endswith(".heartbeat") and not point.writable
        ),
        wires=tuple(
            Wire(
                place=_place_of_device(device, places), host=device.part.host, port=device.part.port,
                keys=tuple(key for key in device.points if key != IDENTITY),
            )
            for device in held
        ),
        places=places,
    )  # fmt: skip
    return replace(plan, feeds=_feeds(plan))


def _feeds(plan: Plan) -> dict[str, frozenset[tuple[str, Place]]]:
    found: list[tuple[str, str, Place]] = []
    for kinds, groups in ((_OF_CELL, plan.clusters), (_OF_PROBE, plan.probes)):
        found += [
            (key, kind, place) for cells in groups for key, place in zip(cells.keys, cells.places, strict=True)
            for kind in kinds
        ]  # fmt: skip
    found += [(key, f"pack_{way}voltage", pack.place) for pack in plan.packs for key in pack.keys for way in _WAYS]
    found += [(key, name, place) for name, key, place in plan.singles]
    found += [(told.key, kind, told.place) for told in plan.told for kind in (*dict(told.kinds.values()), "vendor")]
    found += [(key, "heartbeat_stopped", place) for key, place in plan.heartbeats]
    for stack in plan.stacks:
        found += [(stack.current, kind, stack.place) for kind in ("charge_overcurrent", "discharge_overcurrent")]
        found += [(key, "insulation_low", stack.place) for key in (stack.insulation, stack.voltage)]
        found.append((stack.contactor_closed, "contactor_fault", stack.place))
    for key, kind, absent in _OF_WHOLE:
        if key in plan.places and not getattr(plan, absent):
            found.append((key, kind, Place("bms")))
    held: dict[str, set[tuple[str, Place]]] = {}
    for key, kind, place in found:
        if key:
            held.setdefault(key, set()).add((kind, place))
    return {key: frozenset(pairs) for key, pairs in held.items()}


def _ends(key: str, end: str) -> bool:
    base = key.rstrip("0123456789").removesuffix(".") if end.startswith("fire.") else key
    return base == end or base.endswith(f".{end}")


def _gathered(places: Mapping[str, Place], word: str) -> tuple[Cells, ...]:
    groups: dict[Place, list[str]] = {}
    for key, place in places.items():
        names = [part for part, _ in place.parts]
        if word in names:
            whole = Place(place.device, place.parts[: names.index(word) + 1], place.name)
            groups.setdefault(whole, []).append(key)
    return tuple(
        Cells(place=whole, keys=tuple(keys), places=tuple(places[key] for key in keys))
        for whole, keys in groups.items()
    )


def _stacks(points: Mapping[str, Point], places: Mapping[str, Place]) -> tuple[Stack, ...]:
    """One a battery system; its contactor may stand under the bare key."""
    found = []
    for key in points:
        if key != "bms.voltage" and not key.endswith(".bms.voltage"):
            continue
        base = key.removesuffix("voltage")
        named = {name: base + name for name in ("current", "insulation", "contactor_order") if base + name in points}
        closed = next((k for k in (f"{base}contactor_closed", "contactor_closed") if k in points), "")
        found.append(Stack(place=places[key], voltage=key, contactor_closed=closed, **named))
    return tuple(found)


def _told(point: Point, place: Place, file: str) -> Told | None:
    if not point.alarm_kinds and not (point.is_word and point.alarm_level):
        return None
    for _, kind, _ in point.alarm_kinds:
        kind_of(kind, where=f"{file} {point.key}")
    worst = min(Level.TRIP, point.alarm_level)
    return Told(
        key=point.key, place=place, word=point.is_word, names=dict(point.enumeration), others=worst,
        kinds={number: (kind, Level(level or worst or 1)) for number, kind, level in point.alarm_kinds},
    )  # fmt: skip


def _file(devices: Sequence[Device], key: str) -> str:
    return next(device.file for device in devices if key in device.points)


def _place_of_device(device: Device, places: Mapping[str, Place]) -> Place:
    """The device that most of a table's dotted keys speak of, without the numbers inside it."""
    outer = [
        Place(p.device, tuple(part for part in p.parts if part[0] == "container"), p.name)
        for key in device.points if "." in key and (p := places[key]).device
    ]  # fmt: skip
    if not outer:
        return Place("ems", (), device.part.name)
    return max(dict.fromkeys(outer), key=outer.count)
