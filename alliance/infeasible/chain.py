"""Finds a holder's conflict exactly, without a solver (protocol 9.10).

What a battery may hold after each slot is an interval: its top comes from taking all it may, its bottom from giving all
it may, both cut to the window. Where an interval is empty, the limits that made its end, back to where the window last
cut it, are the conflict.
"""

import math
from collections.abc import Iterator
from fractions import Fraction

from alliance.fleetplan import FleetProblem
from alliance.infeasible.holder import Bound, Holder, holders
from alliance.infeasible.record import HolderConflict, Kind, Member
from alliance.schedule import Problem


def conflicts(problem: Problem | FleetProblem) -> tuple[HolderConflict, ...]:
    """The conflict of each holder whose own limits leave it no plan, flows taken as any numbers, not whole Wh alone."""
    found = (conflict(holder) for holder in holders(problem))
    return tuple(one for one in found if one is not None)


def conflict(holder: Holder) -> HolderConflict | None:
    """The first conflict of a holder, or None: then it has a plan."""
    top = bottom = Fraction(holder.start_wh)
    top_anchor = bottom_anchor = -1
    for k in range(len(holder.transfer_wh)):
        least, most = tightest(holder.least_flow[k], 1), tightest(holder.most_flow[k], -1)
        low, high = tightest(holder.least_content[k], 1), tightest(holder.most_content[k], -1)
        if least[2] > most[2]:
            return _made(holder, Kind.FLOW, k, k, _pair(least, most, k), Fraction(least[2] - most[2]))
        if low[2] > high[2]:
            return _made(holder, Kind.WINDOW, k, k, _pair(low, high, k), Fraction(low[2] - high[2]))
        if holder.keep_ppm == 0:
            top_anchor = bottom_anchor = k - 1
        top, bottom = holder.after(top, k, least[2]), holder.after(bottom, k, most[2])
        if top < low[2]:
            return _made(holder, Kind.SHORT, top_anchor, k, _chain(holder, Kind.SHORT, top_anchor, k), low[2] - top)
        if bottom > high[2]:
            return _made(
                holder, Kind.OVER, bottom_anchor, k, _chain(holder, Kind.OVER, bottom_anchor, k), bottom - high[2]
            )
        if top > high[2]:
            top, top_anchor = Fraction(high[2]), k
        if bottom < low[2]:
            bottom, bottom_anchor = Fraction(low[2]), k
    return None


def tightest(bounds: tuple[Bound, ...], sign: int) -> Bound:
    """Of lower bounds (sign 1) the highest, of upper ones (−1) the lowest; of equal ones the first."""
    return max(bounds, key=lambda bound: sign * bound[2])


def _chain(holder: Holder, kind: Kind, anchor: int, last: int) -> Iterator[tuple[Bound, int]]:
    """The limits of SHORT and OVER with their slots; where nothing of before is kept, the anchor is none."""
    flows, sign, at, need = (
        (holder.least_flow, 1, holder.most_content, holder.least_content)
        if kind is Kind.SHORT
        else (holder.most_flow, -1, holder.least_content, holder.most_content)
    )
    if anchor >= 0 and holder.keep_ppm:
        yield tightest(at[anchor], -sign), anchor
    for k in range(anchor + 1, last + 1):
        yield tightest(flows[k], sign), k
    yield tightest(need[last], sign), last


def _pair(one: Bound, other: Bound, k: int) -> Iterator[tuple[Bound, int]]:
    yield one, k
    yield other, k


def _made(
    holder: Holder, kind: Kind, anchor: int, last: int, limits: Iterator[tuple[Bound, int]], missing: Fraction
) -> HolderConflict:
    return HolderConflict(
        station=holder.station, lease=holder.lease, kind=kind, anchor=anchor, last=last,
        members=tuple(_runs(limits)), missing_wh=math.ceil(missing),
    )  # fmt: skip


def _runs(limits: Iterator[tuple[Bound, int]]) -> Iterator[Member]:
    """Limits of the same kind and case in slots that follow each other, as one."""
    run: Member | None = None
    for (what, case, _), k in limits:
        if run is not None and (run.what, run.case, run.last + 1) == (what, case, k):
            run = Member(what=what, case=case, first=run.first, last=k)
            continue
        if run is not None:
            yield run
        run = Member(what=what, case=case, first=k, last=k)
    if run is not None:
        yield run
