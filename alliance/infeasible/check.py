"""Checks an infeasibility's record against its problem, whoever made it (protocol 9.10).

A holder's conflict is a sum that anyone can add up. None of its limits is needless, because each stands alone in its
slot: without it nothing bounds the content there on the side that matters. A shared conflict is proved by a bound above
0 of a plan that costs nothing, each of its limits by a plan that keeps all others. A relaxation is proved by a plan.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

from alliance.fleetplan import FleetProblem
from alliance.fleetproof import lower_bound_microcents, objective_microcents
from alliance.infeasible.holder import Bound, Holder, holders
from alliance.infeasible.record import ConflictWrong, HolderConflict, Infeasibility, Kind, SharedConflict
from alliance.infeasible.relax import costless, lifted, relaxed, relaxed_fleet
from alliance.schedule import Problem
from alliance.schedule import check as check_schedule
from alliance.why.record import What

_SHARED = (What.IMPORT_LIMIT, What.EXPORT_LIMIT, What.REQUIREMENT, What.TIE_LIMIT)


def check_infeasible(record: Infeasibility, problem: Problem | FleetProblem) -> None:
    """Check a record whole.

    Raises ConflictWrong; for a relaxed plan that breaks a limit, what `alliance.schedule.check` or
    `alliance.fleetproof.objective_microcents` raises; for a change out of range, ChangeUnknown, BadInput or FieldWrong.
    """
    if not record.holders and record.shared is None:
        raise ConflictWrong(what="conflicts", expected="at least one", got="none")
    known = {(h.station, h.lease): h for h in holders(problem)}
    for conflict in record.holders:
        holder = known.get((conflict.station, conflict.lease))
        if holder is None:
            raise ConflictWrong(what="holder", expected="one of the problem", got=f"{conflict.station}")
        check_holder(conflict, holder)
    if record.shared is not None:
        _check_shared(record.shared, problem)
    _check_relaxation(record, problem)


def check_holder(conflict: HolderConflict, holder: Holder) -> None:
    """Check that a holder's limits contradict each other by what is claimed, and are the right ones, one a slot.

    Raises ConflictWrong.
    """
    limits = [(m.what, m.case, k) for m in conflict.members for k in range(m.first, m.last + 1)]
    slots = [k for _, _, k in limits]
    anchored = conflict.anchor >= 0 and holder.keep_ppm > 0
    wanted = [conflict.last] * 2
    if conflict.kind in (Kind.SHORT, Kind.OVER):
        wanted = [conflict.anchor] * anchored + [*range(conflict.anchor + 1, conflict.last + 1), conflict.last]
    if slots != wanted or not -1 <= conflict.anchor <= conflict.last < len(holder.transfer_wh):
        raise ConflictWrong(what="slots of the limits", expected=str(wanted), got=str(slots))
    if holder.keep_ppm == 0 and conflict.kind in (Kind.SHORT, Kind.OVER) and conflict.anchor != conflict.last - 1:
        raise ConflictWrong(what="anchor", expected=str(conflict.last - 1), got=str(conflict.anchor))
    missing = math.ceil(_missing(conflict.kind, holder, limits, anchored=anchored))
    if missing != conflict.missing_wh or missing < 1:
        raise ConflictWrong(what="missing_wh", expected=str(missing), got=str(conflict.missing_wh))


def _missing(kind: Kind, holder: Holder, limits: list[tuple[What, int, int]], *, anchored: bool) -> Fraction:
    flows, others, sign = holder.least_flow, holder.most_flow, 1
    lows, highs = holder.least_content, holder.most_content
    if kind is Kind.FLOW:
        return Fraction(_bound(flows, limits[0]) - _bound(others, limits[1]))
    if kind is Kind.WINDOW:
        return Fraction(_bound(lows, limits[0]) - _bound(highs, limits[1]))
    if kind is Kind.OVER:
        flows, lows, highs, sign = others, highs, lows, -1
    content = Fraction(_bound(highs, limits[0]) if anchored else holder.start_wh)
    for limit in limits[anchored:-1]:
        content = holder.after(content, limit[2], _bound(flows, limit))
    return sign * (_bound(lows, limits[-1]) - content)


def _bound(bounds: Sequence[Sequence[Bound]], limit: tuple[What, int, int]) -> int:
    """The value of a limit among those of its slot."""
    what, case, k = limit
    for name, of_case, value in bounds[k]:
        if (name, of_case) == (what, case):
            return value
    raise ConflictWrong(what=f"limit in slot {k}", expected=", ".join(b[0] for b in bounds[k]), got=what)


def _check_shared(shared: SharedConflict, problem: Problem | FleetProblem) -> None:
    if not isinstance(problem, FleetProblem):
        raise ConflictWrong(what="shared", expected="none in a settled problem", got="one")
    for member in shared.members:
        fits = member.what in _SHARED and member.periods and max(member.periods) < problem.periods
        if not fits or (member.what is What.TIE_LIMIT and len(member.periods) < problem.periods):
            raise ConflictWrong(what="shared limit", expected="one of the problem", got=str(member))
    bound = lower_bound_microcents(costless(lifted(problem, shared.members)), shared.proof)
    if bound <= 0:
        raise ConflictWrong(what="proof", expected="a bound above 0", got=str(bound))
    if len(shared.witnesses) != len(shared.members):
        raise ConflictWrong(what="witnesses", expected=str(len(shared.members)), got=str(len(shared.witnesses)))
    for member, witness in zip(shared.members, shared.witnesses, strict=True):
        objective_microcents(witness, lifted(problem, [m for m in shared.members if m != member]))


def _check_relaxation(record: Infeasibility, problem: Problem | FleetProblem) -> None:
    plan = record.plan if isinstance(problem, FleetProblem) else record.schedule
    other = record.schedule if isinstance(problem, FleetProblem) else record.plan
    if (plan is None) == bool(record.relaxation) or other is not None or any(x.by_wh < 1 for x in record.relaxation):
        raise ConflictWrong(what="relaxation", expected="changes above 0 with their plan, or neither", got="other")
    if isinstance(problem, FleetProblem) and record.plan is not None:
        objective_microcents(record.plan, relaxed_fleet(problem, record.relaxation))
    elif not isinstance(problem, FleetProblem) and record.schedule is not None:
        check_schedule(record.schedule, relaxed(problem, record.relaxation))
