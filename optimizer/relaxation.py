"""The least change of one holder's limits that leaves it a plan: a small elastic programme (protocol 9.10).

Ratings stand, they are the machine's. PCC rights, own need, end rule and window give way at a price of 1 a Wh (of
content, or a slot). What comes out is rounded up and tried exactly; where the problem's rules make another limit of it
that still contradicts, it is asked again.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from alliance.fleetplan import MILLION, FleetProblem
from alliance.infeasible.chain import conflict
from alliance.infeasible.holder import Holder, holders
from alliance.infeasible.record import Change
from alliance.schedule import Problem
from alliance.why.record import What
from optimizer.linear import INFINITY, Job, Linear, Optimum
from optimizer.problem import WH_PER_KWH

Asked = TypeVar("Asked", Problem, FleetProblem)
Solve = Callable[[Job], Optimum | None]

MOST_ROUNDS = 6
_LEAST_KWH = 1e-7
_WHOLE = frozenset({What.PCC_IMPORT, What.PCC_EXPORT, What.END_ENERGY, What.LEAST_CONTENT})
"""Limits with one value for all slots."""


def holder_changes(problem: Asked, apply: Callable[[Asked, Sequence[Change]], Asked], solve: Solve) -> list[Change]:
    """Changes after which no holder's own limits contradict each other; empty where none were found.

    `apply` gives the problem with changes made.
    """
    changes: list[Change] = []
    for _ in range(MOST_ROUNDS):
        now = apply(problem, changes)
        torn = [holder for holder in holders(now) if conflict(holder) is not None]
        if not torn:
            return changes
        for holder in torn:
            more = _changes(holder, solve, one_content=isinstance(problem, Problem))
            if not more:
                return []
            changes += more
    return []


def _changes(holder: Holder, solve: Solve, *, one_content: bool) -> list[Change]:
    """What an elastic programme changes of a holder; empty if it has no solution either."""
    elastic = _Elastic(holder, one_content=one_content)
    found = solve(Job(linear=elastic.linear()))
    if found is None:
        return []
    last = len(holder.transfer_wh) - 1
    changes = []
    for (what, k), j in elastic.slack.items():
        if found.columns[j] > _LEAST_KWH:
            by, whole = math.ceil(found.columns[j] * WH_PER_KWH - 1e-4), k < 0
            first, end = (0, last) if whole else (k, k)
            changes.append(
                Change(what=what, place=holder.station, lease=holder.lease, first=first, last=end, by_wh=max(1, by))
            )
    return _joined(changes)


def _joined(changes: list[Change]) -> list[Change]:
    """Equal changes of one limit in slots that follow each other, as one."""
    found: list[Change] = []
    for change in sorted(changes, key=lambda c: (c.what, c.first)):
        before = found[-1] if found else None
        if before and (before.what, before.last + 1, before.by_wh) == (change.what, change.first, change.by_wh):
            found[-1] = Change(
                what=change.what, place=change.place, lease=change.lease, first=before.first, last=change.last,
                by_wh=change.by_wh,
            )  # fmt: skip
        else:
            found.append(change)
    return found


class _Elastic:
    """Columns c, d, e, z a slot and a slack for each limit that may give way; kWh."""

    def __init__(self, holder: Holder, *, one_content: bool) -> None:
        self.slack: dict[tuple[What, int], int] = {}
        self._low: list[float] = []
        self._high: list[float] = []
        self._costs: list[float] = []
        self._rows: list[tuple[list[tuple[int, float]], float, float]] = []
        self._binaries: list[int] = []
        self._whole = _WHOLE | ({What.MOST_CONTENT} if one_content else set())
        before = -1
        for k in range(len(holder.transfer_wh)):
            before = self._slot(holder, k, before)

    def linear(self) -> Linear:
        """The programme."""
        starts = [0]
        for terms, _, _ in self._rows:
            starts.append(starts[-1] + len(terms))
        return Linear(
            columns=(("elastic", 0, 0, 0),) * len(self._low),
            rows=(("elastic", 0, 0, 0),) * len(self._rows),
            costs=tuple(self._costs),
            low=tuple(self._low),
            high=tuple(self._high),
            row_low=tuple(low for _, low, _ in self._rows),
            row_high=tuple(high for _, _, high in self._rows),
            starts=tuple(starts),
            index=tuple(j for terms, _, _ in self._rows for j, _ in terms),
            values=tuple(a for terms, _, _ in self._rows for _, a in terms),
            binaries=tuple(self._binaries),
        )

    def _column(self, high: float, *, cost: float = 0.0) -> int:
        self._low.append(0.0)
        self._high.append(high)
        self._costs.append(cost)
        return len(self._low) - 1

    def _slot(self, holder: Holder, k: int, before: int) -> int:
        """One slot's columns and rows; the column of its content."""
        rating = {what: wh for what, _, wh in holder.least_flow[k] if what is What.RATING}
        charge = -rating[What.RATING] / WH_PER_KWH
        discharge = next(wh for what, _, wh in holder.most_flow[k] if what is What.RATING) / WH_PER_KWH
        c, d, e, z = self._column(charge), self._column(discharge), self._column(INFINITY), self._column(1.0)
        self._low[e] = -INFINITY
        self._binaries.append(z)
        self._rows.append(([(c, 1.0), (z, -charge)], -INFINITY, 0.0))
        self._rows.append(([(d, 1.0), (z, discharge)], -INFINITY, discharge))
        kept = holder.keep_ppm / MILLION
        terms = [(e, 1.0), (c, -holder.eta_c_ppm / MILLION), (d, MILLION / holder.eta_d_ppm)]
        right = holder.transfer_wh[k] / WH_PER_KWH + (kept * holder.start_wh / WH_PER_KWH if k == 0 else 0.0)
        self._rows.append((terms + ([(before, -kept)] if k else []), right, right))
        for bounds, flow, sign in (
            (holder.least_flow[k], [(d, 1.0), (c, -1.0)], 1),
            (holder.most_flow[k], [(d, 1.0), (c, -1.0)], -1),
            (holder.least_content[k], [(e, 1.0)], 1),
            (holder.most_content[k], [(e, 1.0)], -1),
        ):
            for what, _, wh in bounds:
                if what is not What.RATING:
                    most = {What.PCC_IMPORT: INFINITY, What.PCC_EXPORT: INFINITY, What.MOST_CONTENT: holder.room_wh[k]}
                    self._limit(what, k, flow, wh / WH_PER_KWH, sign, most.get(what, max(0, wh)) / WH_PER_KWH)
        return e

    def _limit(
        self, what: What, k: int, terms: list[tuple[int, float]], bound: float, sign: int, most: float
    ) -> None:  # fmt: skip
        """A limit with its slack, at most `most`: terms + slack ≥ bound, or terms − slack ≤ bound."""
        key = what, -1 if what in self._whole else k
        if key not in self.slack:
            self.slack[key] = self._column(most, cost=1.0)
        j = self.slack[key]
        self._high[j] = max(self._high[j], most)
        row = [*terms, (self.slack[key], float(sign))]
        self._rows.append((row, bound, INFINITY) if sign > 0 else (row, -INFINITY, bound))
