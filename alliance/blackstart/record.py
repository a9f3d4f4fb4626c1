"""A black start's problem and plan: a dead network, a storage station that starts it, units, loads, crews (9.23).

All integers. Times are seconds after the blackout in the problem and periods in the plan, counted from 0. Power leaves
the station positively; a unit's output and a load's demand are magnitudes. 1 W over a second is 1 Ws.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum

from alliance.errors import Malformed
from alliance.schedule import from_plain, to_plain, unwrap

MILLION = 1_000_000
MOST_PERIODS = 288
MOST_PERIOD_S = 3_600
MOST_BUSES = 500
MOST_LINES = 1_000
MOST_UNITS = 100
MOST_LOADS = 200
MOST_CREWS = 1_000
MOST_SECONDS = 10**7
MOST_POWER_W = 10**10
"""Limit of any power, and of reactive power in var and energy in Wh."""
MOST_NAME = 40
"""Characters of a name."""
NEVER = -1
"""In place of a period: not within the horizon."""


class Weight(StrEnum):
    """What a restoration path has least of."""

    SWITCHING = "switching"
    """Time of its lines' switching."""
    CHARGING = "charging"
    """Charging power of its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line or transformer between two buses, dead and open at first."""

    from_bus: str
    to_bus: str
    switch_s: int
    """How long a crew needs to switch it; its far bus is live afterwards."""
    charging_var: int
    """Reactive power that it generates when it is live."""
    limit_w: int
    """Most active power over it, either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The storage station that forms the grid: the one bus that is live at first."""

    bus: str
    discharge_w: int
    """Most that it gives, at the AC side."""
    charge_w: int
    energy_max_wh: int
    start_wh: int
    """Content at the blackout."""
    reserve_wh: int
    """Content that the restart never touches."""
    eta_c_ppm: int
    eta_d_ppm: int
    absorb_var: int
    """Charging power of lines that it can absorb."""
    step_w: int
    """Most that may be added to a period's load at once without leaving the band of frequency and voltage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A generating unit without black-start ability: it draws cranking power first, then ramps up."""

    name: str
    bus: str
    crank_w: int
    crank_s: int
    """How long it draws `crank_w` before it comes on."""
    min_w: int
    """Least output once its ramp got there."""
    max_w: int
    ramp_w_per_min: int
    start_least_s: int
    """Cranking begins no earlier."""
    start_most_s: int
    """Cranking begins no later, or the unit is lost (a hot start's limit)."""
    absorb_var: int
    """Charging power of lines that it can absorb once it is on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A load that is picked up whole, at once, and then stays."""

    name: str
    bus: str
    priority: int
    """1 comes first."""
    power_w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlackStartProblem:
    """All that a black-start plan is made from. Raises BlackStartFieldWrong for values outside their limits."""

    periods: int
    period_s: int
    crews: int
    """Lines that may be switched at the same time."""
    weight: Weight
    step_bp: int
    """Share of the most output of the units that are on, which may be added to a period's load beside `step_w`."""
    buses: tuple[str, ...]
    lines: tuple[Line, ...]
    source: Source
    units: tuple[Unit, ...]
    loads: tuple[Load, ...]

    def __post_init__(self) -> None:
        _validate(self)

    def switch_periods(self, line: Line) -> int:
        """Periods of a line's switching, rounded up, one at least."""
        return max(1, self.rounded_up(line.switch_s))

    def crank_periods(self, unit: Unit) -> int:
        """Periods of a unit's cranking, rounded up, one at least."""
        return max(1, self.rounded_up(unit.crank_s))

    def ramp_w(self, unit: Unit) -> int:
        """Most change of a unit's output from one period to the next, rounded down."""
        return unit.ramp_w_per_min * self.period_s // 60

    def rounded_up(self, seconds: int) -> int:
        """The first period that begins so many seconds after the blackout, or later."""
        return -(-seconds // self.period_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlackStartPlan:
    """What is done when: periods from 0, `NEVER` for not within the horizon."""

    switch_period: tuple[int, ...]
    """For each line, when a crew begins with it."""
    crank_period: tuple[int, ...]
    """For each unit, when cranking begins."""
    pick_up_period: tuple[int, ...]
    """For each load."""
    unit_w: tuple[tuple[int, ...], ...]
    """[unit][period]: output, cranking not deducted."""
    battery_w: tuple[int, ...]
    """[period]: of the source, discharge positive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlackStart:
    """A plan with its problem, and what the solver said of it."""

    problem: BlackStartProblem
    plan: BlackStartPlan
    solver: str
    claimed_most_ws: int
    """The solver's word, unproved: with these switchings no plan's net energy is above this."""


@dataclass(kw_only=True, eq=False)
class BlackStartFieldWrong(Malformed):
    """A field of a black start's problem lies outside its limit."""

    field: str
    value: str
    limit: str


def problem_to_plain(problem: BlackStartProblem) -> dict[str, object]:
    """The plain form {"v": 1, "blackStart": …}: maps, lists, integers and texts only, names in camel case."""
    return {"v": 1, "blackStart": to_plain(problem)}


def problem_from_plain(plain: object) -> BlackStartProblem:
    """Read `problem_to_plain`'s form, strictly. Raises PlainWrong or BlackStartFieldWrong."""
    return from_plain(BlackStartProblem, unwrap(plain, name="blackStart"), where="blackStart")


def plan_to_plain(found: BlackStart) -> dict[str, object]:
    """The plain form {"v": 1, "blackStartPlan": …}."""
    return {"v": 1, "blackStartPlan": to_plain(found)}


def plan_from_plain(plain: object) -> BlackStart:
    """Read `plan_to_plain`'s form, strictly. Raises PlainWrong or BlackStartFieldWrong."""
    return from_plain(BlackStart, unwrap(plain, name="blackStartPlan"), where="blackStartPlan")


# Validation

_TIMES = ("switch_s", "crank_s", "start_least_s", "start_most_s")
_LIMITS: dict[str, tuple[int, int]] = {
    "priority": (1, 1_000),
    "eta_c_ppm": (1, MILLION),
    "eta_d_ppm": (1, MILLION),
    **dict.fromkeys(_TIMES, (0, MOST_SECONDS)),
}
"""Least and most of each integer field; every other is a power or an energy."""


def _validate(problem: BlackStartProblem) -> None:
    _within("periods", problem.periods, 1, MOST_PERIODS)
    _within("period_s", problem.period_s, 1, MOST_PERIOD_S)
    _within("crews", problem.crews, 1, MOST_CREWS)
    _within("step_bp", problem.step_bp, 0, 10_000)
    for field, most in (("buses", MOST_BUSES), ("lines", MOST_LINES), ("units", MOST_UNITS), ("loads", MOST_LOADS)):
        _within(f"{field} (their number)", len(getattr(problem, field)), 0, most)
    _names("buses", problem.buses)
    _names("units", [unit.name for unit in problem.units])
    _names("loads", [load.name for load in problem.loads])
    known = frozenset(problem.buses)
    _record("source", problem.source, known)
    for field in ("lines", "units", "loads"):
        for k, one in enumerate(getattr(problem, field)):
            _record(f"{field}[{k}]", one, known)
    for k, line in enumerate(problem.lines):
        if line.from_bus == line.to_bus:
            raise _wrong(f"lines[{k}].to_bus", line.to_bus, "another bus than from_bus")
    _within("source.start_wh", problem.source.start_wh, problem.source.reserve_wh, problem.source.energy_max_wh)
    for k, unit in enumerate(problem.units):
        _within(f"units[{k}].min_w", unit.min_w, 0, unit.max_w)
        _within(f"units[{k}].start_least_s", unit.start_least_s, 0, unit.start_most_s)


def _record(where: str, one: Line | Source | Unit | Load, known: frozenset[str]) -> None:
    for field in (f.name for f in fields(one)):
        value, place = getattr(one, field), f"{where}.{field}"
        if field.endswith("bus"):
            if value not in known:
                raise _wrong(place, value, "one of the buses")
        elif field != "name":
            _within(place, value, *_LIMITS.get(field, (0, MOST_POWER_W)))


def _names(field: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for k, name in enumerate(names):
        if type(name) is not str or not 1 <= len(name) <= MOST_NAME or not name.isprintable() or name in seen:
            raise _wrong(f"{field}[{k}]", name, f"a name of its own, 1…{MOST_NAME} printable characters")
        seen.add(name)


def _within(field: str, value: int, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise _wrong(field, value, f"a whole number from {low} to {high}")


def _wrong(field: str, value: object, limit: str) -> BlackStartFieldWrong:
    return BlackStartFieldWrong(field=field, value=repr(value)[:80], limit=limit)
