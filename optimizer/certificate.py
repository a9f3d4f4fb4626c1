"""Makes certificates; `alliance.certificate` checks them and knows nothing of this package (protocol 9.4).

The solver's duals are restated for the checker's rows (its rows are multiples of the model's), rounded to a stated
denominator and clipped to the sides on which they count. Any rounding leaves the bound valid; a fine one, tight.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

from alliance.certificate import (
    Certificate,
    Program,
    gap_ppm,
    lower_bound_microcents,
    objective_microcents,
    planned_cost_cents,
    pool_span,
    program,
    without_storage_cost_cents,
)
from alliance.identity import MemberId, StationId
from alliance.schedule import GainRow, PriceRow, Problem, Schedule
from optimizer.linear import Linear, Optimum
from optimizer.problem import WH_PER_KWH

DENOMINATOR = 1000
"""Duals are stated in thousandths of a cent per MWh."""
MICRO = 1_000_000

Solved = tuple[Linear, Optimum]
"""A programme and its solution."""


def certificate_of(
    problem: Problem, schedule: Schedule, *, whole: Solved, apart: Iterable[tuple[MemberId, Solved]]
) -> Certificate:
    """The certificate of a rounded schedule, and in it the schedule with prices, gains and gap."""
    programme = program(problem)
    duals = rounded_duals(problem, programme, whole)
    objective = objective_microcents(schedule, problem)
    bound = lower_bound_microcents(programme, duals, denominator=DENOMINATOR)
    gap = gap_ppm(objective, bound)
    priced = replace(schedule, prices=_price_rows(problem, programme, duals), certified_gap_ppm=gap)
    alone, gains = [], []
    for member, solved in apart:
        theirs = program(problem, member=member)
        proof = rounded_duals(problem, theirs, solved)
        alone.append((member, proof))
        cost = lower_bound_microcents(theirs, proof, denominator=DENOMINATOR) // MICRO
        gains.append(_gain_row(problem, priced, member, apart_cost_cents=cost))
    return Certificate(
        problem=problem,
        schedule=replace(priced, gains=tuple(gains)),
        denominator=DENOMINATOR,
        duals=duals,
        apart=tuple(alone),
        objective_microcents=objective,
        lower_bound_microcents=bound,
        gap_ppm=gap,
    )


def rounded_duals(problem: Problem, programme: Program, solved: Solved) -> tuple[int, ...]:
    """The solver's duals, one for each row of the checker's programme, over `DENOMINATOR`.

    Of the roundings to the nearest, down and up of the stored energy's prices, the one with the best bound: where a
    battery rests at its limit of profit, half a thousandth on the wrong side would cost a cent.
    """
    restated = _restated(programme, solved)
    found = (_rounded_by(way, programme, restated) for way in (round, math.floor, math.ceil))
    clipped = [_clipped_prices(problem, programme, duals) for duals in found]
    return max(clipped, key=lambda duals: lower_bound_microcents(programme, duals, denominator=DENOMINATOR))


def _restated(programme: Program, solved: Solved) -> list[float]:
    """The solver's duals for the checker's rows, in thousandths of a cent per MWh.

    A row of the model that is 1/f of the checker's has f times its dual, and cents per kWh are a thousand times as many
    per MWh. A row that the model does not have counts 0.
    """
    linear, optimum = solved
    at = {name: i for i, name in enumerate(linear.rows)}
    column_at = {name: j for j, name in enumerate(linear.columns)}
    restated = []
    for row in programme.rows:
        i = at.get(row.name)
        if i is None:
            restated.append(0.0)
            continue
        column, coefficient = row.terms[0]
        ours = dict(linear.row(i))[column_at[programme.names[column]]]
        restated.append(optimum.duals[i] * WH_PER_KWH * ours * row.scale / coefficient * DENOMINATOR)
    return restated


def _rounded_by(way: Callable[[float], int], programme: Program, restated: list[float]) -> list[int]:
    """Whole numbers, stored energy's prices rounded in one way; a dual of the wrong sign is 0."""
    found = [way(y) if row.name[0] == "store" else round(y) for row, y in zip(programme.rows, restated, strict=True)]
    return [y if y * row.sense >= 0 else 0 for row, y in zip(programme.rows, found, strict=True)]


def _clipped_prices(problem: Problem, programme: Program, duals: list[int]) -> tuple[int, ...]:
    """λ inside sell…buy − w and ν inside 0…w (protocol 8.5.1), which float noise may miss by a thousandth."""
    tariffs = {int(g.group.number): g.tariff.slots for g in problem.groups}
    group_of = {int(s): int(g.group.number) for g in problem.groups for s in g.group.stations}
    clipped = []
    for row, dual in zip(programme.rows, duals, strict=True):
        kind, place, _, k = row.name
        if kind in ("balance", "split"):
            tariff = tariffs[place if kind == "balance" else group_of[place]][k]
            low, high = pool_span(tariff) if kind == "balance" else (0, tariff.network_price)
            dual = min(max(dual, low * DENOMINATOR), high * DENOMINATOR)
        clipped.append(dual)
    return tuple(clipped)


def _price_rows(problem: Problem, programme: Program, duals: tuple[int, ...]) -> tuple[PriceRow, ...]:
    """λ and ν, rounded to whole cents per MWh."""
    prices = {row.name: _rounded(dual) for row, dual in zip(programme.rows, duals, strict=True)}
    return tuple(
        PriceRow(
            group=g.group.number,
            slot=problem.first_slot + k,
            pool_price=prices["balance", int(g.group.number), 0, k],
            adders=tuple((StationId(s), prices["split", int(s), 0, k]) for s in g.group.stations),
        )
        for g in problem.groups
        for k in range(problem.slots)
    )


def _rounded(dual: int) -> int:
    """Half away from zero."""
    size = (2 * abs(dual) + DENOMINATOR) // (2 * DENOMINATOR)
    return size if dual >= 0 else -size


def _gain_row(problem: Problem, schedule: Schedule, member: MemberId, *, apart_cost_cents: int) -> GainRow:
    planned = planned_cost_cents(schedule, problem, member)
    return GainRow(
        member=member,
        apart_cost_cents=apart_cost_cents,
        planned_cost_cents=planned,
        gain_cents=apart_cost_cents - planned,
        without_storage_cost_cents=without_storage_cost_cents(problem, member),
    )
