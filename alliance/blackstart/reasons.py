"""Why a black start cannot be: the thing, what it needs, what there is (protocol 9.23.6), in Chinese and English.

What is found here is exact and needs no solver: each reason alone forbids every plan along the restoration paths. A
`MORE_…` reason is what a solver found instead: how much more of one limit alone would do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from alliance.blackstart.paths import Reached, live_first, path_cost, path_to, reached
from alliance.blackstart.record import MILLION, BlackStartProblem, Unit
from alliance.errors import Refused
from alliance.why.text import Language


class Kind(StrEnum):
    """What stands in the way."""

    UNREACHABLE = "unreachable"
    LATE = "late"
    HORIZON = "horizon"
    LINE = "line"
    CHARGING = "charging"
    CRANK_POWER = "crank_power"
    CRANK_STEP = "crank_step"
    FIRST_POWER = "first_power"
    FIRST_ENERGY = "first_energy"
    MORE_CREWS = "more_crews"
    MORE_ABSORB = "more_absorb"
    MORE_POWER = "more_power"
    MORE_ENERGY = "more_energy"
    MORE_STEP = "more_step"
    MORE_LOAD = "more_load"
    NOTHING_ALONE = "nothing_alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why there is no plan. `needs` is above `has` by what is missing; W, Wh, var, s or crews by its kind."""

    kind: Kind
    name: str
    """Of the unit (and, of LINE, the line); empty where it is about the source or the crews."""
    needs: int
    has: int


@dataclass(kw_only=True, eq=False)
class NoBlackStart(Refused):
    """There is no plan: in sentences, English first, and as values."""

    told: tuple[str, ...]
    reasons: tuple[Reason, ...]


def refusal(problem: BlackStartProblem, reasons: tuple[Reason, ...]) -> NoBlackStart:
    """The error that carries reasons."""
    sentences = tuple(told(one, problem, language) for language in (Language.EN, Language.ZH) for one in reasons)
    return NoBlackStart(told=sentences, reasons=reasons)


def impossible(problem: BlackStartProblem) -> tuple[Reason, ...]:
    """Everything that forbids a plan and that can be told without a solver."""
    found = reached(problem, path_cost(problem))
    return (*(reason for unit in problem.units for reason in _of(problem, unit, found)), *_first(problem))


def told(reason: Reason, problem: BlackStartProblem, language: Language) -> str:
    """A reason in a sentence."""
    unit, of = _UNITS[reason.kind], _TEXTS[language]
    amounts = {"needs": reason.needs, "has": reason.has, "missing": reason.needs - reason.has}
    shown = {name: amount(value, unit) for name, value in amounts.items()}
    return of[reason.kind].format(name=reason.name, source=problem.source.bus, **shown)


def amount(value: int, unit: str) -> str:
    """A whole number of W, Wh, var as M… from a million on, else k…; seconds as minutes; a count as it is."""
    if unit == "s":
        return f"{value / 60:,.10g} min"
    if not unit:
        return str(value)
    factor, prefix = (MILLION, "M") if abs(value) >= MILLION else (1000, "k")
    return f"{value / factor:,.10g} {prefix}{unit}"


def _of(problem: BlackStartProblem, unit: Unit, found: dict[str, Reached]) -> Iterator[Reason]:
    """What forbids one unit."""
    if unit.bus not in found:
        yield Reason(kind=Kind.UNREACHABLE, name=unit.name, needs=0, has=0)
        return
    first = live_first(problem)[unit.bus]
    cranking = max(first, problem.rounded_up(unit.start_least_s))
    path = [problem.lines[k] for k in path_to(found, unit.bus)]
    others = [other for other in problem.units if other is not unit]
    power = problem.source.discharge_w + sum(other.max_w for other in others)
    step = problem.source.step_w + problem.step_bp * sum(other.max_w for other in others) // 10_000
    absorb = problem.source.absorb_var + sum(other.absorb_var for other in others)
    on_s, horizon_s = (cranking + problem.crank_periods(unit)) * problem.period_s, problem.periods * problem.period_s
    figures = [
        (Kind.LATE, unit.name, cranking * problem.period_s, unit.start_most_s),
        (Kind.HORIZON, unit.name, on_s, horizon_s),
        (Kind.CHARGING, unit.name, sum(line.charging_var for line in path), absorb),
        (Kind.CRANK_POWER, unit.name, unit.crank_w, power),
        (Kind.CRANK_STEP, unit.name, unit.crank_w, step),
        *((Kind.LINE, f"{unit.name} / {line.from_bus}–{line.to_bus}", unit.crank_w, line.limit_w) for line in path),
    ]
    for kind, name, needs, has in figures:
        if needs > has:
            yield Reason(kind=kind, name=name, needs=needs, has=has)


def _first(problem: BlackStartProblem) -> Iterator[Reason]:
    """What forbids any unit to be the first: until one is on, the source alone cranks."""
    if not problem.units:
        return
    least = min(problem.units, key=lambda unit: unit.crank_w)
    if least.crank_w > problem.source.discharge_w:
        yield Reason(kind=Kind.FIRST_POWER, name=least.name, needs=least.crank_w, has=problem.source.discharge_w)
    spent = {unit.name: _crank_wh(problem, unit) for unit in problem.units}
    name = min(spent, key=lambda one: spent[one])
    usable = problem.source.start_wh - problem.source.reserve_wh
    if spent[name] > usable:
        yield Reason(kind=Kind.FIRST_ENERGY, name=name, needs=-(-spent[name] // 1), has=usable)


def _crank_wh(problem: BlackStartProblem, unit: Unit) -> Fraction:
    """Content that a unit's cranking costs the source."""
    drawn = Fraction(unit.crank_w * problem.crank_periods(unit) * problem.period_s, 3600)
    return drawn * MILLION / problem.source.eta_d_ppm


_UNITS = {
    Kind.UNREACHABLE: "", Kind.LATE: "s", Kind.HORIZON: "s", Kind.LINE: "W", Kind.CHARGING: "var",
    Kind.CRANK_POWER: "W", Kind.CRANK_STEP: "W", Kind.FIRST_POWER: "W", Kind.FIRST_ENERGY: "Wh",
    Kind.MORE_CREWS: "", Kind.MORE_ABSORB: "var", Kind.MORE_POWER: "W", Kind.MORE_ENERGY: "Wh",
    Kind.MORE_STEP: "W", Kind.MORE_LOAD: "W", Kind.NOTHING_ALONE: "",
}  # fmt: skip

_TEXTS: dict[Language, dict[Kind, str]] = {
    Language.ZH: {
        Kind.UNREACHABLE: "机组 {name}：没有线路从黑启动电源所在母线 {source} 通到它。",
        Kind.LATE: "机组 {name}：最早也要 {needs} 后才能开始起动，而它最迟须在 {has} 时起动，晚 {missing}。",
        Kind.HORIZON: "机组 {name}：最早也要 {needs} 后才能并网，而计划只有 {has}，差 {missing}。",
        Kind.LINE: "机组 {name}：起动功率 {needs} 超过该线路限值 {has}，超 {missing}。",
        Kind.CHARGING: "机组 {name}：恢复路径的充电功率共 {needs}，电源与其余机组最多吸收 {has}，差 {missing}。",
        Kind.CRANK_POWER: "机组 {name}：起动功率 {needs}，电源与其余机组合计最多 {has}，差 {missing}。",
        Kind.CRANK_STEP: "机组 {name}：起动功率 {needs} 超过一次投入的限值（至多 {has}），超 {missing}。",
        Kind.FIRST_POWER: "没有机组能最先起动：起动功率最小的 {name} 也要 {needs}，而电源只有 {has}，差 {missing}。",
        Kind.FIRST_ENERGY: "没有机组能最先起动：起动耗能最少的 {name} 也要 {needs}，"
        "而保留备用电量后电源只有 {has}，差 {missing}。",
        Kind.MORE_CREWS: "操作班组不够：有 {has} 个；单独增加到 {needs} 个即可。",
        Kind.MORE_ABSORB: "充电功率吸收不了：单独把电源的吸收能力由 {has} 提高到 {needs}（多 {missing}）即可。",
        Kind.MORE_POWER: "电源功率不够：单独由 {has} 提高到 {needs}（多 {missing}）即可。",
        Kind.MORE_ENERGY: "电源电量不够：单独把初始电量由 {has} 提高到 {needs}（多 {missing}）即可。",
        Kind.MORE_STEP: "一次投入的限值太小：单独把电源的限值由 {has} 提高到 {needs}（多 {missing}）即可。",
        Kind.MORE_LOAD: "负荷不够承接机组最小出力：最多再有 {missing} 的可调负荷即可。",
        Kind.NOTHING_ALONE: "单独放宽任何一项（班组、吸收能力、功率、电量、一次投入、负荷）都不够。",
    },
    Language.EN: {
        Kind.UNREACHABLE: "Unit {name}: no line leads to it from the source's bus {source}.",
        Kind.LATE: "Unit {name}: it can begin to crank after {needs} at the earliest, but must by {has}; {missing} "
        "too late.",
        Kind.HORIZON: "Unit {name}: it can be on after {needs} at the earliest, but the plan ends at {has}; {missing} "
        "are missing.",
        Kind.LINE: "Unit {name}: its cranking power {needs} exceeds the line's limit {has} by {missing}.",
        Kind.CHARGING: "Unit {name}: its restoration path's charging power is {needs}, source and other units absorb "
        "{has} at most; {missing} are missing.",
        Kind.CRANK_POWER: "Unit {name}: its cranking power is {needs}, source and other units give {has} at most; "
        "{missing} are missing.",
        Kind.CRANK_STEP: "Unit {name}: its cranking power {needs} exceeds what may be added at once ({has} at most) "
        "by {missing}.",
        Kind.FIRST_POWER: "No unit can be first: {name} with the least cranking power needs {needs}, but the source "
        "has {has}; {missing} are missing.",
        Kind.FIRST_ENERGY: "No unit can be first: {name} with the least cranking energy needs {needs}, but the source "
        "has {has} above its reserve; {missing} are missing.",
        Kind.MORE_CREWS: "Too few crews: there are {has}; {needs} alone would do.",
        Kind.MORE_ABSORB: "Charging power cannot be absorbed: {needs} instead of {has} at the source ({missing} more) "
        "alone would do.",
        Kind.MORE_POWER: "The source lacks power: {needs} instead of {has} ({missing} more) alone would do.",
        Kind.MORE_ENERGY: "The source lacks energy: {needs} instead of {has} at first ({missing} more) alone would do.",
        Kind.MORE_STEP: "Too little may be added at once: {needs} instead of {has} at the source ({missing} more) "
        "alone would do.",
        Kind.MORE_LOAD: "Too little load for the units' least output: {missing} more that could be varied would do.",
        Kind.NOTHING_ALONE: "No limit alone (crews, absorption, power, energy, step, load) that gave way would do.",
    },
}
