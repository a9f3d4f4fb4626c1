"""Checks the record of a re-plan without a solver (protocol 9.12.6).

The record alone shows: the new plan keeps every limit of the new problem and is proved (9.7), what keeping the old plan
would cost there, that the new one is no dearer, that no stale measurement was used, and what is left open. With the
day-ahead plan's certificate (and the cycle before) in hand, problem and old plan are made again from the states.
"""

from dataclasses import dataclass, fields

from alliance.errors import Refused
from alliance.fleetplan import FleetProblem
from alliance.fleetproof import ClaimWrong, FleetCertificate, FleetProof, check
from alliance.replan.record import Cycle, Replan, Stale, Use
from alliance.replan.task import Task, kept_cost, shortage, task


@dataclass(kw_only=True, eq=False)
class DearerThanKept(Refused):
    """A re-plan costs more than keeping the old plan would, which could be kept."""

    new_cost_microcents: int
    kept_cost_microcents: int


@dataclass(kw_only=True, eq=False)
class StaleUsed(Refused):
    """A station was planned from a measurement that is older than the record's own limit, or from none."""

    station: int
    age_ms: int
    most_age_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplanProof:
    """What a checked record proves."""

    proof: FleetProof
    kept_cost_microcents: int | None
    new_cost_microcents: int
    saved_microcents: int | None
    unserved_wh: int
    """All regions and periods together, as the two below."""
    spilled_wh: int
    taken_more_wh: int
    unheld_wh: int
    """Of all reserves."""
    not_measured: int
    """Stations held at their plan or at zero."""
    remade: bool
    """Whether problem and old plan were made again from the day-ahead plan and the states."""


def check_replan(record: Replan, *, base: FleetCertificate | None = None, after: Replan | None = None) -> ReplanProof:
    """Check a record whole; with the plans that it follows, their digests and the whole derivation, too.

    Raises what `fleetproof.check` and `replan.task` raise, ClaimWrong, DearerThanKept or StaleUsed.
    """
    _check_shapes(record.cycle, record.certificate.problem)
    proof = check(record.certificate)
    if base is not None:
        _check_remade(record, task(base, after, terms=record.cycle.terms, states=record.cycle.states))
    _check_ages(record.cycle)
    made = Task(problem=record.certificate.problem, cycle=record.cycle)
    kept, breaks = kept_cost(made)
    new = proof.objective_microcents
    _same("keptCostMicrocents", kept, record.kept_cost_microcents)
    _same("keptBreaks", breaks, record.kept_breaks)
    _same("newCostMicrocents", new, record.new_cost_microcents)
    if kept is not None and new > kept:
        raise DearerThanKept(new_cost_microcents=new, kept_cost_microcents=kept)
    _same("savedMicrocents", None if kept is None else kept - new, record.saved_microcents)
    left = shortage(record.certificate.problem, record.certificate.plan, record.cycle)
    _same("shortage", left, record.shortage)
    return ReplanProof(
        proof=proof,
        kept_cost_microcents=kept,
        new_cost_microcents=new,
        saved_microcents=record.saved_microcents,
        unserved_wh=sum(map(sum, left.unserved_wh)),
        spilled_wh=sum(map(sum, left.spilled_wh)),
        taken_more_wh=sum(map(sum, left.taken_more_wh)),
        unheld_wh=sum(sum(row) for rows in left.unheld_wh for row in rows),
        not_measured=sum(state.use is not Use.MEASURED for state in record.cycle.used),
        remade=base is not None,
    )


def _check_remade(record: Replan, made: Task) -> None:
    for field in fields(Cycle):
        _same(field.name, getattr(made.cycle, field.name), getattr(record.cycle, field.name))
    _same("problem", made.problem, record.certificate.problem)


def _check_shapes(cycle: Cycle, problem: FleetProblem) -> None:
    """Every table has the plan's own regions and the horizon's periods; valves lie behind them, in order."""
    regions, periods = cycle.regions, problem.periods
    kinds = (cycle.terms.deviation_price is not None) + cycle.terms.relieved
    _same("regions", len(problem.regions), regions * (1 + kinds))
    own = sum(tie.from_region < regions for tie in problem.ties)
    wanted = [(regions + k, k % regions) for k in range(regions * kinds)]
    _same("valves", wanted, [(tie.from_region, tie.to_region) for tie in problem.ties[own:]])
    _same("ties", True, all(max(tie.from_region, tie.to_region) < regions for tie in problem.ties[:own]))
    _same("used", len(problem.stations), len(cycle.used))
    _same("leases", list(range(len(problem.leases))), [told.lease for told in cycle.leases])
    for lease, told in zip(problem.leases, cycle.leases, strict=True):
        held = cycle.used[lease.station].use is Use.HELD
        _same(f"leases[{told.lease}].heldWh (its length)", periods * held, len(told.held_wh))
    for name in ("position_wh", "promised_wh", "site_unserved_wh", "site_spilled_wh"):
        _same(name, [periods] * regions, list(map(len, getattr(cycle, name))))


def _check_ages(cycle: Cycle) -> None:
    """Ages are those of the states, and only fresh ones were used."""
    measured = {state.station: state.measured_ms for state in cycle.states}
    for k, used in enumerate(cycle.used):
        at = measured.get(used.station)
        age_ms = None if at is None else cycle.terms.issued_ms - at
        _same(f"used[{k}].station", k, used.station)
        _same(f"used[{k}].ageMs", age_ms, used.age_ms)
        fresh = age_ms is not None and abs(age_ms) <= cycle.terms.most_age_ms
        if used.use is Use.MEASURED and not fresh:
            shown = -1 if age_ms is None else age_ms
            raise StaleUsed(station=used.station, age_ms=shown, most_age_ms=cycle.terms.most_age_ms)
        if not fresh:
            _same(f"used[{k}].use", Use.HELD if cycle.terms.stale is Stale.HOLD else Use.ZERO, used.use)


def _same(figure: str, expected: object, got: object) -> None:
    if expected != got:
        raise ClaimWrong(figure=figure, expected=str(expected)[:200], got=str(got)[:200])
