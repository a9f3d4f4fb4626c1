"""An infeasibility in sentences, Chinese and English: which limits of what contradict, and the way out (9.10)."""

from collections.abc import Iterator
from fractions import Fraction

from alliance.fleetplan import FleetProblem
from alliance.infeasible.holder import Bound, Holder, holders
from alliance.infeasible.record import Change, HolderConflict, Infeasibility, Kind, SharedMember
from alliance.schedule import Problem
from alliance.why.record import POWERS, What
from alliance.why.text import NAMES, Clock, Language

_LOWERED = frozenset({What.OWN_NEED_FLOOR, What.END_ENERGY, What.LEAST_CONTENT, What.REQUIREMENT})
_TEXTS: dict[Language, dict[str, str]] = {
    Language.ZH: {
        "station": "储能站 {place}",
        "lease": "储能站 {place} 的租约 {lease}",
        "region": "区域 {place}",
        "reserve": "区域 {place} 备用 {lease} ",
        "tie": "联络线 {place}",
        "flow": "{who}：{from_}–{to} “{one}”{least}，而“{other}”{most}，差 {missing}。",
        "must_give": "要求电池至少放电 {energy}",
        "may_take": "只许电池最多充电 {energy}",
        "may_give": "只许电池最多放电 {energy}",
        "must_take": "要求电池至少充电 {energy}",
        "window": "{who}：{to} “{one}”要求至少存 {low}，而“{other}”只许存 {high}，差 {missing}。",
        "short": "{who}：{to} 至少要存 {need}（{one}），但从 {from_} 的 {start} 起，"
        "在“{names}”之内充到最多也只有 {reached}，差 {missing}。",
        "over": "{who}：{to} 至多能存 {need}（{one}），但从 {from_} 的 {start} 起，"
        "在“{names}”之内尽量放、尽量少充，也还有 {reached}，多出 {missing}。",
        "shared": "各站尽其所能，下列限值也不能同时守住（去掉任何一条就能）：{members}。",
        "member": "{who} {when} 的“{name}”",
        "raised": "{who} {when} 的“{name}”提高 {by}",
        "lowered": "{who} {when} 的“{name}”降低 {by}",
        "relaxed": "最省的放宽（有计划为证）：{changes}。",
        "none": "没有找到只放宽并网点、保底电量、期末电量、电量窗口与区域限值的办法。",
        "all_day": "全程",
        "and": "；",
    },
    Language.EN: {
        "station": "Station {place}",
        "lease": "Lease {lease} at station {place}",
        "region": "Region {place}",
        "reserve": "Region {place}, reserve {lease},",
        "tie": "Tie line {place}",
        "flow": "{who}: {from_}–{to} “{one}” {least}, but “{other}” {most}; {missing} are missing.",
        "must_give": "asks the battery to discharge {energy} at least",
        "may_take": "lets the battery charge {energy} at most",
        "may_give": "lets the battery discharge {energy} at most",
        "must_take": "asks the battery to charge {energy} at least",
        "window": "{who}: at {to} “{one}” asks for {low} at least, but “{other}” allows {high}; {missing} are missing.",
        "short": "{who}: at {to} it must hold {need} ({one}), but from {start} at {from_} it reaches {reached} at "
        "most, taking in all that “{names}” allows; {missing} are missing.",
        "over": "{who}: at {to} it may hold {need} ({one}), but from {start} at {from_} it still holds {reached}, "
        "giving out all that “{names}” allows; {missing} are too much.",
        "shared": "Whatever the stations do, these limits cannot all be kept (without any one of them they can): "
        "{members}.",
        "member": "{who} {when} “{name}”",
        "raised": "{who} {when} “{name}” higher by {by}",
        "lowered": "{who} {when} “{name}” lower by {by}",
        "relaxed": "The least way out, with a plan to prove it: {changes}.",
        "none": "No way out was found by PCC, own need, end energy, window and region limits alone.",
        "all_day": "throughout",
        "and": "; ",
    },
}


def told(record: Infeasibility, problem: Problem | FleetProblem, language: Language) -> tuple[str, ...]:
    """The record of a problem in sentences: each conflict, then the way out."""
    clock, texts = _clock(problem), _TEXTS[language]
    known = {(h.station, h.lease): h for h in holders(problem)} if record.holders else {}
    found = [_holder(c, known[c.station, c.lease], language, clock) for c in record.holders]
    if record.shared is not None:
        members = texts["and"].join(_member(m, language, clock) for m in record.shared.members)
        found.append(texts["shared"].format(members=members))
    if not record.relaxation:
        return (*found, texts["none"])
    changes = texts["and"].join(_change(c, problem, language, clock) for c in record.relaxation)
    return (*found, texts["relaxed"].format(changes=changes))


def in_both(record: Infeasibility, problem: Problem | FleetProblem) -> tuple[str, ...]:
    """The record in sentences, first in English, then in Chinese: what an error carries."""
    return (*told(record, problem, Language.EN), *told(record, problem, Language.ZH))


def energy(wh: Fraction | int) -> str:
    """Energy as MWh from 1 MWh on, else as kWh; three decimals at most, rounded half to even."""
    unit, name = (10**6, "MWh") if not -(10**6) < wh < 10**6 else (1000, "kWh")
    return f"{float(round(Fraction(wh) / unit, 3)):,.10g} {name}"


def _clock(problem: Problem | FleetProblem) -> Clock:
    if isinstance(problem, FleetProblem):
        return Clock(0, problem.period_s)
    return Clock(problem.first_slot, 900)


def _holder(conflict: HolderConflict, holder: Holder, language: Language, clock: Clock) -> str:
    texts, names, kind = _TEXTS[language], NAMES[language], conflict.kind
    limits = [(m.what, m.case, k) for m in conflict.members for k in range(m.first, m.last + 1)]
    who = texts["lease" if conflict.lease else "station"].format(place=conflict.station, lease=conflict.lease)
    ends = {"from_": clock.at(conflict.last), "to": clock.at(conflict.last + 1), "missing": energy(conflict.missing_wh)}
    if kind is Kind.FLOW:
        least, most = _value(holder.least_flow, limits[0]), _value(holder.most_flow, limits[1])
        return texts["flow"].format(
            who=who, one=names[limits[0][0]], other=names[limits[1][0]], **ends,
            least=texts["must_give" if least > 0 else "may_take"].format(energy=energy(abs(least))),
            most=texts["may_give" if most >= 0 else "must_take"].format(energy=energy(abs(most))),
        )  # fmt: skip
    if kind is Kind.WINDOW:
        low, high = _value(holder.least_content, limits[0]), _value(holder.most_content, limits[1])
        one, other = names[limits[0][0]], names[limits[1][0]]
        return texts["window"].format(who=who, one=one, other=other, low=energy(low), high=energy(high), **ends)
    need = _value(holder.least_content if kind is Kind.SHORT else holder.most_content, limits[-1])
    at = holder.most_content if kind is Kind.SHORT else holder.least_content
    anchored = conflict.anchor >= 0 and holder.keep_ppm > 0
    flows = dict.fromkeys(names[what] for what, _, _ in limits[anchored:-1])
    return texts[kind.value].format(
        who=who, need=energy(need), one=names[limits[-1][0]], names=" / ".join(flows),
        start=energy(_value(at, limits[0]) if anchored else holder.start_wh),
        reached=energy(need - conflict.missing_wh if kind is Kind.SHORT else need + conflict.missing_wh),
        **ends | {"from_": clock.at(conflict.anchor + 1)},
    )  # fmt: skip


def _value(bounds: tuple[tuple[Bound, ...], ...], limit: tuple[What, int, int]) -> int:
    what, case, k = limit
    return next(wh for name, of_case, wh in bounds[k] if (name, of_case) == (what, case))


def _who(what: What, place: int, lease: int, texts: dict[str, str]) -> str:
    if what is What.REQUIREMENT:
        return texts["reserve"].format(place=place, lease=lease)
    if what in (What.IMPORT_LIMIT, What.EXPORT_LIMIT):
        return texts["region"].format(place=place)
    if what is What.TIE_LIMIT:
        return texts["tie"].format(place=place)
    return texts["lease" if lease else "station"].format(place=place, lease=lease)


def _member(member: SharedMember, language: Language, clock: Clock) -> str:
    texts = _TEXTS[language]
    who = _who(member.what, member.place, member.reserve, texts)
    spans = ", ".join(f"{clock.at(a)}–{clock.at(b + 1)}" for a, b in _spans(member.periods))
    when = texts["all_day"] if member.what is What.TIE_LIMIT else spans
    return texts["member"].format(who=who, when=when, name=NAMES[language][member.what])


def _spans(periods: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    first = last = periods[0]
    for t in periods[1:]:
        if t != last + 1:
            yield first, last
            first = t
        last = t
    yield first, last


def _change(change: Change, problem: Problem | FleetProblem, language: Language, clock: Clock) -> str:
    texts = _TEXTS[language]
    slots, slot_s = (problem.periods, problem.period_s) if isinstance(problem, FleetProblem) else (problem.slots, 900)
    whole = (change.first, change.last) == (0, slots - 1)
    when = texts["all_day"] if whole else f"{clock.at(change.first)}–{clock.at(change.last + 1)}"
    by = energy(change.by_wh)
    if change.what in POWERS:
        by = f"{float(Fraction(change.by_wh * 3600, 1000 * slot_s)):,.10g} kW"
    who = _who(change.what, change.place, change.lease, texts)
    form = texts["lowered" if change.what in _LOWERED else "raised"]
    return form.format(who=who, when=when, name=NAMES[language][change.what], by=by)
