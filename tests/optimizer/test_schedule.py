"""No schedule passes that breaks a limit (protocol 8.2.4, 8.4.4): each limit, broken by one watt-hour or one row."""

from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance.schedule import (
    BadInput,
    ContentOutside,
    HeaderDiffers,
    LeaseRow,
    LesseesDiffer,
    LoadDiffers,
    NetDiffers,
    NominationChanged,
    NominationRefused,
    PccExceeded,
    PlainWrong,
    PowerExceeded,
    RowsIncomplete,
    account_after,
    check,
    content_step,
    parts,
)
from optimizer.planning import plan_day
from optimizer.problem import problem_from_plain, problem_to_plain
from tests.optimizer.cases import problem, random_problem, share, site, six_stations, worked_example

FLAT = [(60_000, 30_000, 1_000)]


@cache
def planned():
    return plan_day(worked_example()).schedule


def with_row(schedule, station, slot, *, battery=0, leased=None, load=0):
    """The schedule with one row changed by so much, its sums kept."""
    rows = []
    for row in schedule.rows:
        if (row.station, row.slot) == (station, slot):
            lessees = row.lessees
            if leased is not None:
                lessees = (replace(row.lessees[0], planned_wh=row.lessees[0].planned_wh + leased),)
            row = replace(
                row,
                battery_wh=row.battery_wh + battery,
                net_load_wh=row.net_load_wh + load,
                planned_net_wh=row.planned_net_wh + battery - load,
                lessees=lessees,
            )
        rows.append(row)
    return replace(schedule, rows=tuple(rows))


def test_a_planned_schedule_passes():
    check(planned(), worked_example())


@pytest.mark.parametrize(
    ("field", "value"),
    [("alliance", bytes(32)), ("revision", 2), ("first_slot", 1), ("groups", ((1, (1, 2)),))],
)
def test_a_schedule_is_refused_when_its_header_is_another_problems(field, value):
    with pytest.raises(HeaderDiffers) as refused:
        check(replace(planned(), **{field: value}), worked_example())
    assert refused.value.field == field


@pytest.mark.parametrize("rows", [lambda r: r[:-1], lambda r: (*r, r[-1]), lambda r: (r[1], r[0], *r[2:])])
def test_a_schedule_is_refused_when_a_row_is_missing_doubled_or_misplaced(rows):
    with pytest.raises(RowsIncomplete):
        check(replace(planned(), rows=rows(planned().rows)), worked_example())


def test_a_schedule_is_refused_when_a_price_row_or_adder_is_missing():
    with pytest.raises(RowsIncomplete):
        check(replace(planned(), prices=planned().prices[:-1]), worked_example())
    bare = replace(planned().prices[0], adders=planned().prices[0].adders[:-1])
    with pytest.raises(RowsIncomplete):
        check(replace(planned(), prices=(bare, *planned().prices[1:])), worked_example())


def test_a_schedule_is_refused_when_net_is_not_battery_less_load():
    row = planned().rows[0]
    bad = replace(planned(), rows=(replace(row, planned_net_wh=row.planned_net_wh + 1), *planned().rows[1:]))
    with pytest.raises(NetDiffers) as refused:
        check(bad, worked_example())
    assert refused.value.expected_wh + 1 == refused.value.got_wh


def test_a_schedule_is_refused_when_its_load_is_not_the_forecast():
    with pytest.raises(LoadDiffers):
        check(with_row(planned(), 2, 1, load=1), worked_example())


def test_a_schedule_is_refused_when_a_lessee_is_missing_or_another():
    row = planned().rows[0]
    for lessees in (
        (),
        (replace(row.lessees[0], holder=3),),
        (*row.lessees, LeaseRow(lease=9, holder=3, planned_wh=0)),
    ):
        with pytest.raises(LesseesDiffer):
            check(replace(planned(), rows=(replace(row, lessees=lessees), *planned().rows[1:])), worked_example())


def test_a_schedule_is_refused_when_a_lessee_exceeds_its_power():
    with pytest.raises(PowerExceeded) as refused:
        check(with_row(planned(), 1, 0, leased=-1), worked_example())
    assert (refused.value.lease, refused.value.planned_wh) == (1, -50_001)


def test_a_schedule_is_refused_when_the_owner_uses_the_lessees_power():
    with pytest.raises(PccExceeded):
        check(with_row(planned(), 1, 0, battery=-1), worked_example())
    with pytest.raises(PowerExceeded) as refused:
        check(with_row(planned(), 3, 0, battery=-1), worked_example())
    assert refused.value.lease == 0


def test_a_schedule_is_refused_when_an_account_falls_short_at_the_end():
    with pytest.raises(ContentOutside) as refused:
        check(with_row(planned(), 1, 1, leased=10, battery=10), worked_example())
    assert (refused.value.what, refused.value.slot) == ("lease", 3)
    assert refused.value.low_wh == 20_000


def test_a_schedule_is_refused_when_the_owners_content_falls_short_at_the_end():
    with pytest.raises(ContentOutside) as refused:
        check(with_row(planned(), 1, 1, battery=10), worked_example())
    assert (refused.value.what, refused.value.slot) == ("own", 3)
    assert isinstance(refused.value.content_wh, Fraction)


def test_a_schedule_is_refused_when_a_nomination_was_changed():
    case = worked_example()
    nomination = tuple(r.lessees[0].planned_wh for r in planned().rows if r.station == 1)
    firm = replace(case, shares=(replace(case.shares[0], nomination_wh=nomination),))
    check(planned(), firm)
    with pytest.raises(NominationChanged):
        check(with_row(planned(), 1, 1, leased=1, battery=1), firm)


def test_a_schedule_is_refused_when_the_real_battery_overfills_although_the_accounts_do_not():
    host = site(1, [0, 0], power_w=400_000, capacity_wh=100_000, energy_wh=90_000, end_wh=0)
    lease = share(1, 1, 2, power_w=200_000, energy_wh=50_000, account_wh=50_000, nomination=(10_000, -11_080))
    case = problem([host, site(2, [0, 0])], FLAT * 2, shares=[lease])
    flows = {1: (10_000 - 10_526, -11_080), 2: (0, 0)}
    schedule = plan_day(case).schedule
    rows = tuple(
        replace(r, battery_wh=flows[r.station][r.slot], planned_net_wh=flows[r.station][r.slot] - r.net_load_wh)
        for r in schedule.rows
    )
    with pytest.raises(ContentOutside) as refused:
        check(replace(schedule, rows=rows), case)
    assert (refused.value.what, refused.value.slot) == ("battery", 1)


def test_a_lessees_account_moves_as_in_the_worked_example():
    account, seen = 20_000, []
    for flow in (-50_000, -50_000, 45_375, 44_874):
        account = account_after(account, flow, eta_c_ppm=950_000, eta_d_ppm=950_000)
        seen.append(account)
    assert seen == [67_500, 115_000, 67_236, 20_000]


@given(flow=st.integers(-(10**9), 10**9), eta_c=st.integers(1, 10**6), eta_d=st.integers(1, 10**6))
def test_an_account_never_holds_more_than_the_exact_content(flow, eta_c, eta_d):
    exact = Fraction(content_step(flow, eta_c_ppm=eta_c, eta_d_ppm=eta_d), 10**6 * eta_d)
    booked = account_after(0, flow, eta_c_ppm=eta_c, eta_d_ppm=eta_d)
    assert exact - 1 < booked <= exact


def test_holders_rights_add_up_to_the_station_in_every_slot():
    for case in (six_stations(8), worked_example(), *(random_problem(n) for n in range(20))):
        for s in case.sites:
            here = [p for p in parts(case) if p.station == s.station.number]
            for k in range(case.slots):
                assert sum(p.charge_wh[k] for p in here) == s.station.charge_power_w // 4
                assert sum(p.discharge_wh[k] for p in here) == s.station.discharge_power_w // 4
                assert sum(p.import_wh[k] for p in here) == s.station.pcc_import_w // 4
                assert sum(p.high_wh[k] for p in here) <= max(s.energy_max_wh, s.energy_wh)


def test_the_owners_window_opens_only_as_far_as_it_must_when_its_content_starts_outside():
    host = site(1, [0] * 4, power_w=200_000, capacity_wh=400_000, energy_wh=400_000, end_wh=0)
    lease = share(1, 1, 2, power_w=100_000, energy_wh=100_000, account_wh=0, eta=(1_000_000, 1_000_000))
    case = problem([host, site(2, [0] * 4)], FLAT * 4, shares=[lease])
    own, leased, _ = parts(case)
    assert own.start_wh == 400_000
    assert own.high_wh == (375_000, 350_000, 325_000, 300_000)
    assert leased.high_wh == (100_000,) * 4
    check(plan_day(case).schedule, case)


# The problem


def changed_site(**change):
    case = worked_example()
    return replace(case, sites=(replace(case.sites[0], **change), *case.sites[1:]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("eta_c_ppm", 0),
        ("eta_d_ppm", 1_000_001),
        ("energy_max_wh", 1_000_001),
        ("energy_min_wh", -1),
        ("energy_wh", 1_000_001),
        ("end_min_wh", -1),
        ("wear_price", -1),
        ("net_load_wh", (0, 0, 10**13, 0)),
        ("net_load_wh", (0, 0, 0)),
        ("own_need_floor_wh", (0, 0, 0, 1_000_001)),
        ("curtailable_wh", (0, -1, 0, 0)),
    ],
)
def test_a_site_is_refused_by_field_value_and_limit_when_it_is_outside(field, value):
    with pytest.raises(BadInput) as refused:
        changed_site(**{field: value})
    assert refused.value.limit
    assert field in refused.value.field or field == "net_load_wh"


def test_a_tariff_is_refused_when_passing_energy_inside_the_group_is_dearer_than_the_grid():
    with pytest.raises(BadInput) as refused:
        problem([site(1, [0])], [(30_000, 29_500, 1_000)])
    assert refused.value.field == "groups[1].tariff[0].sell_price"


def test_leases_are_refused_when_they_exceed_the_station_together_in_a_slot():
    host = site(1, [0, 0], power_w=200_000, capacity_wh=400_000)
    leases = [share(n, 1, 1 + n, power_w=100_004, energy_wh=10_000, first=n - 1, term=2) for n in (1, 2)]
    with pytest.raises(BadInput) as refused:
        problem([host], FLAT * 2, shares=leases)
    assert "slot 1" in refused.value.field


@pytest.mark.parametrize(
    ("field", "value"),
    [("weekday_mask", 0), ("weekday_mask", 0x80), ("day_first_slot", -1), ("day_first_slot", 96), ("day_slots", 0), ("day_slots", 97)],
)  # fmt: skip
def test_a_lease_is_refused_when_its_hours_are_none(field, value):
    case = worked_example()
    lease = replace(case.shares[0].lease, **{field: value})
    with pytest.raises(BadInput) as refused:
        replace(case, shares=(replace(case.shares[0], lease=lease),))
    assert refused.value.field == f"shares[1].{field}"


@pytest.mark.parametrize("stations", [[(1,)], [(1, 2), (2,)], [(1, 2, 3)]])
def test_groups_are_refused_when_they_do_not_hold_each_station_once(stations):
    with pytest.raises(BadInput):
        problem([site(1, [0]), site(2, [0])], FLAT, groups=stations)


@pytest.mark.parametrize(
    ("nomination", "slot"), [((-50_001, 0, 0, 0), 0), ((19_001, 0, 0, 0), 0), ((0, 10_000, 10_000, 0), 2)]
)
def test_a_nomination_is_refused_when_it_leaves_power_or_account(nomination, slot):
    case = worked_example()
    with pytest.raises(NominationRefused) as refused:
        replace(case, shares=(replace(case.shares[0], nomination_wh=nomination),))
    assert refused.value.slot == slot


def test_a_problem_survives_its_plain_form_and_nothing_else_does():
    plain = problem_to_plain(six_stations(8))
    assert problem_from_plain(plain) == six_stations(8)
    with pytest.raises(PlainWrong):
        problem_from_plain({"v": 1, "problem": {**plain["problem"], "slots": 8}})
    with pytest.raises(BadInput):
        problem_from_plain({"v": 1, "problem": {**plain["problem"], "firstSlot": 95}})
