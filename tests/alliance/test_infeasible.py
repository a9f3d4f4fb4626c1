"""Infeasible is never bare (protocol 9.10): conflicts agree with trying everything, none of their limits is needless."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations_with_replacement

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alliance.errors import AllianceError
from alliance.fleetplan import MILLION, RISK_NEUTRAL, FleetProblem, FleetStation, Region, Tie, TieStep
from alliance.fleetproof import LimitBroken
from alliance.infeasible.chain import conflict, conflicts
from alliance.infeasible.check import check_holder, check_infeasible
from alliance.infeasible.holder import Holder, holders
from alliance.infeasible.record import (
    Change,
    ConflictWrong,
    HolderConflict,
    Infeasibility,
    Kind,
    Member,
    infeasibility_from_plain,
    infeasibility_to_plain,
)
from alliance.infeasible.relax import ChangeUnknown, relaxed, relaxed_fleet
from alliance.infeasible.text import told
from alliance.schedule import ContentOutside
from alliance.why.record import What
from alliance.why.text import Language
from optimizer.fleet.arrays import arrays_of
from optimizer.fleet.plan import FleetInfeasible, FleetPath, FleetSettings, plan_fleet
from optimizer.fleet.rounding import RoundingFailed
from optimizer.infeasible import PlanInfeasible
from optimizer.planning import plan_day
from optimizer.solver import SolverProcess
from tests.optimizer import cases
from tests.optimizer.fleet.brute import best_microcents

WIDE = 10**6


def region(periods: int, import_wh: int = WIDE, export_wh: int = WIDE, base: tuple[int, ...] | None = None) -> Region:
    return Region(
        buy_price=(50_000,) * periods,
        sell_price=(20_000,) * periods,
        import_limit_wh=(import_wh,) * periods,
        export_limit_wh=(export_wh,) * periods,
        base_load_wh=base or (0,) * periods,
    )


def station(**changes: object) -> FleetStation:
    return replace(
        FleetStation(
            region=0, charge_wh=2, discharge_wh=2, eta_c_ppm=MILLION, eta_d_ppm=MILLION, keep_ppm=MILLION,
            energy_min_wh=0, energy_max_wh=6, start_wh=3, end_min_wh=3, wear_price=0, pcc_import_wh=9, pcc_export_wh=9,
            net_load_wh=(0, 0, 0), own_need_floor_wh=(0, 0, 0), content_most_wh=(), curtailable_wh=(0, 0, 0),
        ),
        **changes,
    )  # fmt: skip


def fleet(
    *stations: FleetStation, regions: tuple[Region, ...] | None = None, ties: tuple[Tie, ...] = ()
) -> FleetProblem:
    periods = len(stations[0].net_load_wh)
    return FleetProblem(
        periods=periods, period_s=900, regions=regions or (region(periods),), ties=ties, stations=stations, reserves=(),
        scenarios=(), risk=RISK_NEUTRAL,
    )  # fmt: skip


@st.composite
def lonely(draw: st.DrawFn, *, lossless: bool = True) -> FleetProblem:
    """One small station with narrow limits, so that about half have no plan."""
    some = st.integers(0, 3)
    eta = st.just(MILLION) if lossless else st.sampled_from([MILLION, 900_000, 500_000])
    most = draw(st.integers(0, 6))
    floors = tuple(draw(st.integers(0, most)) for _ in range(3))
    return fleet(
        station(
            charge_wh=draw(some), discharge_wh=draw(some), eta_c_ppm=draw(eta), eta_d_ppm=draw(eta),
            keep_ppm=MILLION if lossless else draw(st.sampled_from([MILLION, 800_000, 0])),
            energy_max_wh=most, start_wh=draw(st.integers(0, most)), end_min_wh=draw(st.integers(0, most)),
            pcc_import_wh=draw(some), pcc_export_wh=draw(some),
            net_load_wh=tuple(draw(st.integers(-5, 5)) for _ in range(3)),
            own_need_floor_wh=floors,
            curtailable_wh=tuple(draw(st.integers(0, 1)) for _ in range(3)),
        )
    )  # fmt: skip


# A holder's conflict


@settings(max_examples=60, deadline=None)
@given(problem=lonely())
def test_a_conflict_is_found_exactly_when_trying_everything_finds_no_plan(problem: FleetProblem) -> None:
    assert (best_microcents(problem) is None) == bool(conflicts(problem))


@settings(max_examples=40, deadline=None)
@given(problem=lonely(lossless=False))
def test_a_conflict_is_never_claimed_where_a_plan_exists_when_batteries_lose_energy(problem: FleetProblem) -> None:
    if conflicts(problem):
        assert best_microcents(problem) is None


def only(holder: Holder, members: list[tuple[str, What, int, int]]) -> Holder:
    """The holder with no limits but some, by field, kind, case and slot."""

    def kept(field: str) -> tuple[tuple[tuple[What, int, int], ...], ...]:
        free = (What.RATING, 0, -WIDE if field.startswith("least") else WIDE)
        return tuple(
            tuple(b for b in bounds if (field, b[0], b[1], k) in members) or (free,)
            for k, bounds in enumerate(getattr(holder, field))
        )

    fields = ("least_flow", "most_flow", "least_content", "most_content")
    return replace(holder, **{field: kept(field) for field in fields})


def placed(found: HolderConflict) -> list[tuple[str, What, int, int]]:
    """A conflict's limits one by one, each with the field of the holder in which it stands."""
    limits = [(m.what, m.case, k) for m in found.members for k in range(m.first, m.last + 1)]
    flow, need, at = {
        Kind.FLOW: ("least_flow", "most_flow", ""),
        Kind.WINDOW: ("least_content", "most_content", ""),
        Kind.SHORT: ("least_flow", "least_content", "most_content"),
        Kind.OVER: ("most_flow", "most_content", "least_content"),
    }[found.kind]
    fields = [flow] * (len(limits) - 1) + [need]
    if at and limits[0][0] not in (What.RATING, What.PCC_IMPORT, What.PCC_EXPORT):
        fields[0] = at
    return [(field, *limit) for field, limit in zip(fields, limits, strict=True)]


@settings(max_examples=120, deadline=None)
@given(problem=lonely(lossless=False))
def test_a_conflict_stands_alone_and_falls_when_any_of_its_limits_is_dropped(problem: FleetProblem) -> None:
    (holder,) = holders(problem)
    found = conflict(holder)
    assume(found is not None)
    assert found is not None
    check_holder(found, holder)
    members = placed(found)
    assert conflict(only(holder, members)) is not None
    for member in members:
        assert conflict(only(holder, [m for m in members if m != member])) is None, member


def test_each_kind_of_conflict_is_told_in_plain_words() -> None:
    cases_ = {
        Kind.FLOW: station(net_load_wh=(0, 9, 0), pcc_import_wh=5),
        Kind.SHORT: station(charge_wh=1, start_wh=0, end_min_wh=6),
        Kind.OVER: station(start_wh=6, net_load_wh=(-9, 0, 0), pcc_export_wh=8),
    }
    for kind, one in cases_.items():
        problem = fleet(one)
        (found,) = conflicts(problem)
        assert found.kind is kind
        record = Infeasibility(holders=(found,), shared=None, relaxation=(), schedule=None, plan=None)
        check_infeasible(record, problem)
        english, chinese = (told(record, problem, language)[0] for language in (Language.EN, Language.ZH))
        assert english.startswith("Station 0: ")
        assert chinese.startswith("储能站 0：")


def test_a_window_is_told_when_leases_leave_the_owner_no_room_for_its_own_need() -> None:
    host = cases.site(1, [0, 0], power_w=400_000, capacity_wh=100_000, energy_wh=60_000, floor=[90_000, 0], end_wh=0)
    lease = cases.share(1, 1, 2, power_w=100_000, energy_wh=50_000, account_wh=0)
    problem = cases.problem([host, cases.site(2, [0, 0])], [(60_000, 30_000, 0)] * 2, shares=[lease])
    (found,) = conflicts(problem)
    assert (found.kind, [m.what for m in found.members]) == (Kind.WINDOW, [What.OWN_NEED_FLOOR, What.MOST_CONTENT])
    with pytest.raises(PlanInfeasible) as refused:
        plan_day(problem)
    check_infeasible(refused.value.record, problem)
    assert refused.value.record.relaxation[0].what is What.OWN_NEED_FLOOR


# What stations share


@pytest.fixture(scope="module")
def process() -> object:
    with SolverProcess() as running:
        yield running


def reason(problem: FleetProblem, process: SolverProcess) -> Infeasibility | None:
    """Why a fleet has no plan; None if it has one."""
    try:
        plan_fleet(arrays_of(problem), settings=FleetSettings(path=FleetPath.STAMPED), process=process)
    except FleetInfeasible as refused:
        found = refused
    except RoundingFailed:
        return None
    else:
        return None
    assert found.record is not None
    return found.record


@st.composite
def crowded(draw: st.DrawFn) -> FleetProblem:
    """Two small stations in two regions with a tie, each with a plan of its own, and little exchange with the grid."""
    stations = tuple(
        station(
            region=r, charge_wh=draw(st.integers(0, 2)), discharge_wh=draw(st.integers(0, 2)), end_min_wh=0,
            net_load_wh=tuple(draw(st.integers(-2, 4)) for _ in range(2)), own_need_floor_wh=(0, 0),
            curtailable_wh=(0, 0), energy_max_wh=4, start_wh=draw(st.integers(0, 4)),
        )
        for r in range(2)
    )  # fmt: skip
    regions = tuple(
        replace(
            region(2, draw(st.integers(0, 3)), draw(st.integers(0, 2)), base=(1, 1)),
            **draw(st.sampled_from([{}, {"cut_most_wh": (1, 0), "cut_price": (30_000, 0)}])),
        )
        for _ in range(2)
    )
    return fleet(*stations, regions=regions, ties=(Tie(from_region=0, to_region=1, limit_wh=1, loss_ppm=0),))


def steps(problem: FleetProblem) -> list[Change]:
    """Every way in which one shared limit gives way by 1 Wh."""
    whats, last = (What.IMPORT_LIMIT, What.EXPORT_LIMIT), problem.periods - 1
    found = [
        Change(what=what, place=r, lease=0, first=t, last=t, by_wh=1)
        for what in whats
        for r in range(len(problem.regions))
        for t in range(problem.periods)
    ]
    return [*found, Change(what=What.TIE_LIMIT, place=0, lease=0, first=0, last=last, by_wh=1)]


@settings(max_examples=20, deadline=None)
@given(problem=crowded())
def test_shared_limits_are_named_with_proof_and_a_way_out_when_trying_everything_finds_no_plan(
    process, problem: FleetProblem
) -> None:
    record = reason(problem, process)
    if record is None:
        return
    assert best_microcents(problem) is None
    check_infeasible(record, problem)
    assert record.relaxation
    least = sum(change.by_wh for change in record.relaxation)
    if least <= 2:
        for fewer in combinations_with_replacement(steps(problem), least - 1):
            assert best_microcents(relaxed_fleet(problem, fewer)) is None
    assert infeasibility_from_plain(json.loads(json.dumps(infeasibility_to_plain(record)))) == record


def short_region() -> FleetProblem:
    """Region 0 may import 1 Wh, its tie brings 1; it needs 5 in the second period, and its battery gives 2."""
    return fleet(
        station(net_load_wh=(0, 5, 0), end_min_wh=0),
        regions=(region(3, import_wh=1), region(3)),
        ties=(Tie(from_region=1, to_region=0, limit_wh=1, loss_ppm=0),),
    )


def test_a_region_that_is_short_is_named_with_its_tie_and_the_watt_hour_that_is_missing(process) -> None:
    problem = short_region()
    record = reason(problem, process)
    assert record is not None
    assert record.shared is not None
    named = [(m.what, m.place, m.periods) for m in record.shared.members]
    assert named == [(What.IMPORT_LIMIT, 0, (1,)), (What.TIE_LIMIT, 0, (0, 1, 2))]
    assert sum(change.by_wh for change in record.relaxation) == 1
    english = told(record, problem, Language.EN)
    assert "Region 0 00:15–00:30 “import limit of the region”" in english[0]
    assert "储能站" not in english[0]
    with pytest.raises(FleetInfeasible) as refused:
        plan_fleet(arrays_of(problem), settings=FleetSettings(), process=process)
    assert english[0] in str(refused.value)
    assert "区域受电上限" in str(refused.value)


def test_a_short_region_has_a_plan_when_as_much_may_be_cut_and_is_named_when_it_is_a_watt_hour_less(process) -> None:
    problem = short_region()
    first, second = problem.regions
    cut = replace(first, cut_most_wh=(0, 1, 0), cut_price=(200_000,) * 3)
    enough = replace(problem, regions=(cut, second))
    assert reason(enough, process) is None
    larger = replace(enough, stations=(replace(problem.stations[0], net_load_wh=(0, 6, 0)),))
    record = reason(larger, process)
    assert record is not None
    assert record.shared is not None
    assert [(m.what, m.place) for m in record.shared.members] == [(What.IMPORT_LIMIT, 0), (What.TIE_LIMIT, 0)]
    assert sum(change.by_wh for change in record.relaxation) == 1
    check_infeasible(record, larger)


def test_a_tie_that_loses_all_above_a_step_brings_no_more_when_a_region_is_short(process) -> None:
    problem = short_region()
    tie = replace(problem.ties[0], limit_wh=3, steps=(TieStep(above_wh=1, loss_ppm=MILLION),))
    record = reason(replace(problem, ties=(tie,)), process)
    assert record is not None
    assert record.shared is not None
    assert [(m.what, m.place) for m in record.shared.members] == [(What.IMPORT_LIMIT, 0)]
    assert [(change.what, change.by_wh) for change in record.relaxation] == [(What.IMPORT_LIMIT, 1)]
    check_infeasible(record, replace(problem, ties=(tie,)))


# Known-bad records


def spoiled(record: Infeasibility) -> list[Infeasibility]:
    shared = record.shared
    assert shared is not None
    first, second = shared.members
    none = tuple(tuple(tuple(0 for _ in series) for series in case) for case in shared.proof.balance)
    return [
        replace(record, shared=None),
        replace(record, shared=replace(shared, members=(second,), witnesses=shared.witnesses[1:])),
        replace(record, shared=replace(shared, members=(replace(first, periods=(0,)), second))),
        replace(record, shared=replace(shared, members=(*shared.members, replace(first, place=1)))),
        replace(record, shared=replace(shared, proof=replace(shared.proof, balance=none))),
        replace(record, shared=replace(shared, witnesses=shared.witnesses[::-1])),
        replace(record, shared=replace(shared, witnesses=shared.witnesses[:1])),
        replace(record, relaxation=()),
        replace(record, plan=None),
        replace(record, relaxation=(replace(record.relaxation[0], by_wh=0),)),
        replace(record, relaxation=(replace(record.relaxation[0], place=1),)),
        replace(record, relaxation=(replace(record.relaxation[0], place=7),)),
    ]


@pytest.mark.parametrize("n", range(12))
def test_a_shared_record_is_refused_when_something_in_it_is_doctored(process, n: int) -> None:
    problem = short_region()
    record = reason(problem, process)
    assert record is not None
    check_infeasible(record, problem)
    with pytest.raises((ConflictWrong, LimitBroken, ChangeUnknown)):
        check_infeasible(spoiled(record)[n], problem)


def test_a_feasible_problem_is_never_proved_infeasible(process) -> None:
    problem = short_region()
    record = reason(problem, process)
    assert record is not None
    roomy = relaxed_fleet(problem, record.relaxation)
    with pytest.raises(AllianceError):
        check_infeasible(record, roomy)


def torn_day() -> tuple[Infeasibility, object]:
    battery = cases.site(1, [0] * 4, power_w=40_000, capacity_wh=100_000, energy_wh=20_000, floor=[0, 0, 80_000, 0])
    problem = cases.problem([battery, cases.site(2, [0] * 4)], [(60_000, 30_000, 0)] * 4)
    with pytest.raises(PlanInfeasible) as refused:
        plan_day(problem)
    return refused.value.record, problem


def test_a_holders_record_is_refused_when_something_in_it_is_doctored() -> None:
    record, problem = torn_day()
    check_infeasible(record, problem)
    (found,) = record.holders
    wrong = [
        replace(found, missing_wh=found.missing_wh - 1),
        replace(found, members=found.members[1:]),
        replace(found, members=(Member(what=What.PCC_IMPORT, case=0, first=0, last=2), found.members[1])),
        replace(found, members=(Member(what=What.TIE_LIMIT, case=0, first=0, last=2), found.members[1])),
        replace(found, anchor=0),
        replace(found, last=1),
        replace(found, kind=Kind.OVER),
        replace(found, station=2),
        replace(found, station=3),
    ]
    for one in wrong:
        with pytest.raises(ConflictWrong):
            check_infeasible(replace(record, holders=(one,)), problem)
    (change,) = record.relaxation
    with pytest.raises(ContentOutside):
        check_infeasible(replace(record, relaxation=(replace(change, by_wh=change.by_wh - 1),)), problem)
    with pytest.raises(ConflictWrong):
        check_infeasible(replace(record, schedule=None), problem)


def test_the_relaxation_is_the_least_when_one_limit_alone_can_give_way() -> None:
    record, problem = torn_day()
    (found,), (change,) = record.holders, record.relaxation
    assert change.by_wh == found.missing_wh == 31_500
    assert (change.what, change.first, change.last) == (What.OWN_NEED_FLOOR, 2, 2)
    assert conflicts(relaxed(problem, [change])) == ()
    assert conflicts(relaxed(problem, [replace(change, by_wh=change.by_wh - 1)])) != ()


def test_a_change_of_no_known_limit_is_refused() -> None:
    _, problem = torn_day()
    for change in (
        Change(what=What.RATING, place=1, lease=0, first=0, last=3, by_wh=1),
        Change(what=What.END_ENERGY, place=9, lease=0, first=0, last=3, by_wh=1),
        Change(what=What.END_ENERGY, place=1, lease=5, first=0, last=3, by_wh=1),
    ):
        with pytest.raises(ChangeUnknown):
            relaxed(problem, [change])
