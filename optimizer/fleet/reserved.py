"""The fast path of fleets with reserves: the interior-point method, in the solver's process (protocol 9.7).

Each part whose regions are tied is planned by itself. A part that has not met its gap, or whose dense matrix would be
dearer than its stations, is solved by HiGHS on its stamped programme; the answers are joined.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np

from optimizer.fleet.arrays import FleetArrays, Ints, steps_of
from optimizer.fleet.interior import Inside, can_enter, from_inside, part_with_reserves
from optimizer.fleet.prices import tied_parts
from optimizer.fleet.relaxed import Prices, Relaxed, relaxed_stamped, row_kinds
from optimizer.fleet.scaled import scaled
from optimizer.fleet.sending import named, received, sent, value_of
from optimizer.linear import SolverTimedOut
from optimizer.solver import SolverProcess, SolverSettings

LEAST_STATION_PERIODS = 500
"""Fleets that are smaller HiGHS solves at once, and to a corner, which survives rounding best."""
INSIDE_SHARE = 0.6
"""Of the time limit that the method may take; the rest is the stamped programme's."""
_Part = tuple[Ints, Ints, Ints]
"""Numbers of its stations, regions and ties in the fleet."""


def can_enter_any(arrays: FleetArrays) -> bool:
    """Whether any part of a fleet with reserves may be entered, and is large enough for it."""
    small = arrays.stations * arrays.periods < LEAST_STATION_PERIODS
    stepped = any(steps_of(arrays)) or len(arrays.tie_steps) > 0
    if small or not arrays.reserves or arrays.leases or len(arrays.scenario_ppm) or stepped or arrays.cuts:
        return False
    return any(can_enter(part_with_reserves(arrays, part)) for part in _parts(arrays))


def relaxed_inside(
    arrays: FleetArrays,
    *,
    process: SolverProcess,
    settings: SolverSettings,
    gap: float,
    others: Sequence[SolverProcess] = (),
) -> Relaxed | None:
    """Solve by the interior-point method what it may enter; None if infeasible. Raises what `relaxed_stamped` raises.

    `others` are further processes among which the parts are shared out; a part is solved alone in any case, so the
    answer is the same however many there are.
    """
    end = time.monotonic() + settings.time_limit_s
    parts = _parts(arrays)
    processes = (process, *others)
    shares = [range(k, len(parts), len(processes)) for k in range(min(len(processes), len(parts)))]
    work = partial(_solved, arrays, parts, gap=gap, settings=settings, end=end)
    if len(shares) == 1:
        found = [work(shares[0], process)]
    else:
        with ThreadPoolExecutor(max_workers=len(shares)) as pool:
            found = list(pool.map(work, shares, processes))
    answers = [answer for share in found for answer in share]
    return None if any(answer is None for _, answer in answers) else _joined(arrays, answers)


_Answers = list[tuple[_Part, Inside | Relaxed | None]]


def _solved(
    arrays: FleetArrays,
    parts: Sequence[_Part],
    share: range,
    process: SolverProcess,
    *,
    gap: float,
    settings: SolverSettings,
    end: float,
) -> _Answers:
    """Some parts, one after the other, in one process."""
    found: _Answers = []
    for k in share:
        part = part_with_reserves(arrays, parts[k])
        left = (end - time.monotonic()) / len(range(k, share.stop, share.step))
        found.append((parts[k], _one(part, process, gap=gap, settings=replace(settings, time_limit_s=left))))
    return found


def _one(part: FleetArrays, process: SolverProcess, *, gap: float, settings: SolverSettings) -> Inside | Relaxed | None:
    """A part: inside where it may be entered, by the stamped programme where that does not meet the gap."""
    end, inside = time.monotonic() + settings.time_limit_s, None
    if can_enter(part):
        seconds = INSIDE_SHARE * settings.time_limit_s
        asked = {**sent(part), "gap": np.array(gap), "seconds": np.array(seconds)}
        inside = _inside(process.from_inside(asked, settings=settings))
        if inside.met:
            return inside
    left, alone = replace(settings, time_limit_s=end - time.monotonic()), None
    try:
        alone = relaxed_stamped(part, process=process, settings=left)
    except SolverTimedOut:
        if inside is None:
            raise
        return inside
    return inside if inside is not None and alone is not None and not alone.optimal else alone


def answered(request: Mapping[str, Any]) -> dict[str, Any]:
    """What the solver's process does with a request: one part as named arrays."""
    found = from_inside(received(request), gap=float(request["gap"]), seconds=float(request["seconds"]))
    return named(found, but=("rows",)) | {f"row {kind}": values for kind, values in found.rows.items()}


def _inside(reply: Mapping[str, Any]) -> Inside:
    values: dict[str, Any] = {f.name: value_of(reply[f.name]) for f in fields(Inside) if f.name != "rows"}
    rows = {name.removeprefix("row "): array for name, array in reply.items() if name.startswith("row ")}
    return Inside(**values, rows=rows)


def _parts(arrays: FleetArrays) -> list[_Part]:
    return [(np.flatnonzero(np.isin(arrays.region, r)), r, ties) for r, ties in tied_parts(arrays)]


def _joined(arrays: FleetArrays, answers: _Answers) -> Relaxed:
    """A fleet's relaxation, put together from its parts'."""
    station, q = arrays.shape, len(arrays.reserves)
    region, tie = (arrays.regions, arrays.periods), (1, arrays.ties, arrays.periods)
    flows: dict[str, Any] = {name: np.zeros(station) for name in ("charge", "discharge")}
    reserve, curtailed = np.zeros((q, *station)), np.zeros((1, *station))
    ties: dict[str, Any] = {name: np.zeros(tie) for name in ("forward", "backward")}
    balance, held = np.zeros((1, *region)), np.zeros((q, *region))
    rows = {kind: np.zeros(station) for kind in row_kinds(scaled(arrays).shape)}
    for (stations, regions, own_ties), answer in answers:
        assert answer is not None
        prices = answer.prices if isinstance(answer, Relaxed) else answer
        for name, values in flows.items():
            values[stations] = getattr(answer, name)
        reserve[:, stations], curtailed[:, stations] = answer.reserve, answer.curtailed
        for name, values in ties.items():
            values[:, own_ties] = getattr(answer, name)
        balance[:, regions], held[:, regions] = prices.balance, prices.held
        for kind, values in rows.items():
            values[stations] = prices.rows[kind]
    nothing = np.zeros((0, arrays.periods))
    return Relaxed(
        cost_cents=sum(answer.cost_cents for _, answer in answers if answer is not None),
        optimal=all(a.optimal if isinstance(a, Relaxed) else a.met for _, a in answers if a is not None),
        reserve=reserve,
        curtailed=curtailed,
        prices=Prices(case_weights=np.ones(1), balance=balance, held=held, rows=rows),
        lease_charge=nothing,
        lease_discharge=nothing,
        skipped=np.zeros(tie),
        **flows,
        **ties,
    )
