"""What settlement refuses, and how it treats what is missing (protocol 8.2, 8.3.2, 8.6.1, 8.7, 8.9.3)."""

from contextlib import nullcontext
from dataclasses import replace

import pytest

from alliance.capacity import concerns, ends_in
from alliance.fleet import BillingGroup
from alliance.identity import Digest, GroupId, MemberId, StationId
from alliance.lease import EarlyEnd
from alliance.schedule import PriceRow, ScheduleKind
from alliance.settlement import (
    AccountNotOnRoster,
    AnchoredSchedule,
    ClosingFactMissing,
    CorrectionOfAnother,
    EffectivePlan,
    GainMiscomputed,
    JointGainNegative,
    NothingToCorrect,
    PriceRowInvalid,
    QuantityMissing,
    RosterOutOfOrder,
    SettlementInputs,
    StationNotInOneGroup,
    actual_price,
    check_joint_gain,
    check_price_row,
    correct,
    group_tariff,
    network_price,
    settle,
)
from alliance.statement import (
    GRID,
    PLATFORM,
    POOL,
    AccountUnknown,
    BadAccount,
    DirectInvoice,
    InputKind,
    LeafContradicts,
    Line,
    LineKind,
    Standing,
    StatementFinal,
    account_name,
    account_named,
    check_consistent,
    check_open,
    evidence_of,
    input_id,
    member_account,
    payment_list,
    standing,
)
from alliance.tariff import PackUnfitForGroups, Tariff, TariffSlot
from tests.settlement import worked_example as ex

A, B, C = ex.A, ex.B, ex.C
ZERO = Digest(bytes(32))


@pytest.fixture
def inputs() -> SettlementInputs:
    return ex.inputs(complete=True)


def lines(inputs: SettlementInputs, kind: LineKind) -> list[Line]:
    return [x for x in settle(inputs).lines if x.kind is kind]


# The frozen roster, the groups, the quantities


def test_day_is_refused_when_an_owner_is_not_on_the_roster(inputs: SettlementInputs) -> None:
    with pytest.raises(AccountNotOnRoster) as caught:
        settle(replace(inputs, roster=(A, B)))
    assert (caught.value.member, caught.value.station) == (C, ex.STATION[C])


def test_day_is_refused_when_a_lessee_is_not_on_the_roster(inputs: SettlementInputs) -> None:
    stranger = replace(ex.LEASE_TERMS, lessee=MemberId(9))
    with pytest.raises(AccountNotOnRoster) as caught:
        settle(replace(inputs, leases=(stranger,)))
    assert (caught.value.member, caught.value.lease) == (9, ex.LEASE)


def test_day_is_refused_when_the_roster_is_out_of_order(inputs: SettlementInputs) -> None:
    with pytest.raises(RosterOutOfOrder):
        settle(replace(inputs, roster=(A, C, B)))


@pytest.mark.parametrize(("stations", "found"), [((1, 2), 0), ((1, 2, 3, 3), 2), ((1, 2, 3, 4), 3)])
def test_day_is_refused_when_a_station_is_not_in_one_group(
    inputs: SettlementInputs, stations: tuple[int, ...], found: int
) -> None:
    group = BillingGroup(number=ex.GROUP, stations=tuple(map(StationId, stations)))
    with pytest.raises(StationNotInOneGroup) as caught:
        settle(replace(inputs, groups=(group,)))
    assert caught.value.groups == found


def test_day_is_refused_when_a_part_of_a_stranger_s_station_is_leased(inputs: SettlementInputs) -> None:
    """Its month's end would ask for the group of a station that has none."""
    with pytest.raises(StationNotInOneGroup) as caught:
        settle(replace(inputs, leases=(replace(ex.LEASE_TERMS, station=StationId(9)),)))
    assert (caught.value.station, caught.value.groups) == (9, 0)


def test_price_row_is_refused_without_an_adder_though_the_network_pays(inputs: SettlementInputs) -> None:
    """An adder that is not there is no price of −1: where passing energy on earns, −1 could be one."""
    row = PriceRow(group=ex.GROUP, slot=0, pool_price=50, adders=())
    group = BillingGroup(number=ex.GROUP, stations=(StationId(1), StationId(2)))
    tariff = TariffSlot(buy_price=49, sell_price=50, network_price=-1)
    with pytest.raises(PriceRowInvalid) as caught:
        check_price_row(row, group=group, tariff=tariff, planned_net_wh={StationId(1): -2_000, StationId(2): -2_000})
    assert (caught.value.station, caught.value.price) == (1, None)


def test_day_is_refused_when_a_quantity_is_missing_or_double(inputs: SettlementInputs) -> None:
    with pytest.raises(QuantityMissing) as caught:
        settle(replace(inputs, quantities=inputs.quantities[1:]))
    assert (caught.value.station, caught.value.slot, caught.value.found) == (1, 0, 0)
    with pytest.raises(QuantityMissing) as caught:
        settle(replace(inputs, quantities=(*inputs.quantities, inputs.quantities[5])))
    assert (caught.value.slot, caught.value.found) == (5, 2)


def test_pack_is_refused_for_groups_when_passing_energy_costs_more_than_the_grid(inputs: SettlementInputs) -> None:
    slots = (TariffSlot(buy_price=100, sell_price=60, network_price=41),) * 96
    tariffs = {ex.GROUP: replace(inputs.tariffs[ex.GROUP], tariff=Tariff(pack="dear", slots=slots))}
    with pytest.raises(PackUnfitForGroups):
        settle(replace(inputs, tariffs=tariffs))


def test_network_costs_nothing_when_a_group_has_one_pcc() -> None:
    slot = TariffSlot(buy_price=100, sell_price=60, network_price=30)
    one = BillingGroup(number=GroupId(1), stations=(StationId(1),))
    assert network_price(one, slot) == 0
    assert network_price(replace(one, stations=(StationId(1), StationId(2))), slot) == 30


def test_line_set_is_complete_when_a_day_is_settled(inputs: SettlementInputs) -> None:
    whole = settle(replace(inputs, early_ends={}, availability={}, closing_account_wh={}))
    assert len(whole.lines) == 96 * (3 * 4 + 4 + 2) + 3 + 3


# Prices


def test_planned_flows_are_paid_at_actual_prices_when_no_price_row_stands(inputs: SettlementInputs) -> None:
    bare = AnchoredSchedule(digest=ex.SCHEDULE, schedule=replace(ex.schedule(), prices=()))
    found = settle(replace(inputs, effective=dict.fromkeys(range(96), bare)))
    actual = {x.slot: x.price_cents_per_mwh for x in found.lines if x.kind is LineKind.ENERGY_DEVIATION}
    plans = [x for x in found.lines if x.kind in {LineKind.ENERGY_PLAN, LineKind.LEASE_ENERGY}]
    assert plans
    assert all(x.price_cents_per_mwh == actual[x.slot] for x in plans)


def test_planned_quantities_are_zero_when_no_schedule_stands(inputs: SettlementInputs) -> None:
    found = settle(replace(inputs, effective={}, day_ahead=None))
    assert not any(x.quantity_wh for x in found.lines if x.kind in {LineKind.ENERGY_PLAN, LineKind.LEASE_ENERGY})
    assert not any(x.amount_cents for x in found.lines if x.kind is LineKind.PLATFORM_FEE)


def test_price_is_the_plans_or_the_middle_when_the_pool_is_balanced() -> None:
    market = {"buy_price": 100, "sell_price": 40, "network": 20}
    assert actual_price(pool_net_wh=1, pool_price=55, **market) == 80
    assert actual_price(pool_net_wh=-1, pool_price=55, **market) == 40
    assert actual_price(pool_net_wh=0, pool_price=55, **market) == 55
    assert actual_price(pool_net_wh=0, pool_price=None, **market) == 60


def test_no_plan_price_holds_when_stations_are_bound_by_different_schedules() -> None:
    day_ahead = AnchoredSchedule(digest=ex.SCHEDULE, schedule=ex.schedule())
    revised = replace(ex.schedule(), kind=ScheduleKind.INTRADAY, revision=1, gains=())
    accepted = AnchoredSchedule(digest=Digest(bytes([8]) * 32), schedule=revised)
    group = BillingGroup(number=ex.GROUP, stations=tuple(ex.STATION.values()))
    base = dict.fromkeys(range(96), day_ahead)
    one = EffectivePlan(base, {(ex.STATION[A], 1): accepted})
    every = EffectivePlan(base, {(s, 1): accepted for s in ex.STATION.values()})
    assert one.prices(group, 1) is None
    assert one.binding(ex.STATION[A], 1) == accepted.digest
    assert one.binding(ex.STATION[B], 1) == ex.SCHEDULE
    found = every.prices(group, 1)
    assert found is not None
    assert found[0] == accepted.digest
    assert one.digests == {ex.SCHEDULE, accepted.digest}


# Leases


def test_rows_are_the_owners_when_the_lease_is_no_longer_in_force(inputs: SettlementInputs) -> None:
    ended = replace(inputs, early_ends={ex.LEASE: EarlyEnd(end_slot=ex.DAY.first_slot + 2)})
    assert [x.slot for x in lines(ended, LineKind.LEASE_ENERGY)] == [0, 1]
    own = [x.quantity_wh for x in lines(ended, LineKind.ENERGY_PLAN) if x.account == A]
    assert own[:4] == [-75_000, -29_849, 65_000, 119_874]


def test_closing_lines_are_paid_when_the_term_ends(inputs: SettlementInputs) -> None:
    richer = replace(
        inputs,
        closing_account_wh={ex.LEASE: 120_000},
        availability={ex.LEASE: replace(inputs.availability[ex.LEASE], available_bp=9_000)},
    )
    (handover,) = lines(richer, LineKind.LEASE_HANDOVER)
    assert (handover.account, handover.counterparty, handover.slot) == (B, A, 96)
    assert (handover.quantity_wh, handover.amount_cents) == (100_000, 3_000)
    (sla,) = lines(richer, LineKind.LEASE_SLA)
    rent = -sum(x.amount_cents for x in lines(richer, LineKind.LEASE_RENT))
    assert rent == 457
    assert sla.amount_cents == 55  # (457 and the 0 before July) · 8 % · 1.5 = 54.84


def test_party_that_ends_a_lease_alone_pays_the_other_on_that_day(inputs: SettlementInputs) -> None:
    slot = ex.DAY.first_slot + 4
    for by, other in ((A, B), (B, A)):
        ended = replace(inputs, early_ends={ex.LEASE: EarlyEnd(end_slot=slot, by=by, price_cents=1_234)})
        (end,) = lines(ended, LineKind.LEASE_END)
        assert (end.slot, end.account, end.counterparty, end.amount_cents) == (96, by, other, -1_234)
        assert (end.subject, end.group, end.quantity_wh) == (ex.LEASE, ex.GROUP, 0)
        named = input_id(InputKind.LEASE, a=ex.LEASE, b=1), input_id(InputKind.EARLY_END, a=ex.LEASE, b=slot)
        assert end.evidence == evidence_of(*named)
        assert settle(ended).balance(member_account(by)) == settle(inputs).balance(member_account(by)) - 1_234


def test_nothing_is_paid_for_an_end_that_both_agreed_on(inputs: SettlementInputs) -> None:
    assert lines(inputs, LineKind.LEASE_END) == []


def test_line_of_nothing_stands_when_the_agreed_price_is_zero(inputs: SettlementInputs) -> None:
    ended = replace(inputs, early_ends={ex.LEASE: EarlyEnd(end_slot=ex.DAY.first_slot + 4, by=A)})
    assert [x.amount_cents for x in lines(ended, LineKind.LEASE_END)] == [0]


def test_lease_that_ended_early_concerns_no_later_day_so_that_its_parties_may_leave() -> None:
    ended = EarlyEnd(end_slot=ex.DAY.first_slot, by=B, price_cents=1)
    assert [concerns(ex.LEASE_TERMS, ex.DAY.plus(n), ended) for n in (-2, -1, 0, 1)] == [False, True, True, False]
    together = replace(ended, by=None)
    assert [concerns(ex.LEASE_TERMS, ex.DAY.plus(n), together) for n in (-1, 0)] == [True, False]


def test_price_is_due_on_a_day_of_the_term_when_a_lease_ends_before_it_began() -> None:
    begun = replace(ex.LEASE_TERMS, first_slot=ex.DAY.first_slot)
    ended = EarlyEnd(end_slot=begun.first_slot, by=A, price_cents=9)
    assert [concerns(begun, ex.DAY.plus(n), ended) for n in (-1, 0, 1)] == [False, True, False]
    assert not ends_in(begun, ex.DAY, ended.end_slot)


@pytest.mark.parametrize("fact", ["availability", "closing_account_wh"])
def test_day_is_refused_when_a_closing_fact_is_missing(inputs: SettlementInputs, fact: str) -> None:
    with pytest.raises(ClosingFactMissing) as caught:
        settle(replace(inputs, **{fact: {}}))
    assert (caught.value.lease, caught.value.fact) == (ex.LEASE, fact)


# Gains and fee


def test_day_is_refused_when_a_gain_is_not_the_difference(inputs: SettlementInputs) -> None:
    schedule = ex.schedule()
    wrong = replace(schedule, gains=(replace(schedule.gains[0], gain_cents=10**6), *schedule.gains[1:]))
    with pytest.raises(GainMiscomputed):
        settle(replace(inputs, day_ahead=AnchoredSchedule(digest=ex.SCHEDULE, schedule=wrong)))


def test_fee_is_never_below_zero_when_a_member_gains_nothing(inputs: SettlementInputs) -> None:
    schedule = ex.schedule()
    loser = replace(schedule.gains[0], gain_cents=-500, apart_cost_cents=schedule.gains[0].planned_cost_cents - 500)
    anchored = AnchoredSchedule(digest=ex.SCHEDULE, schedule=replace(schedule, gains=(loser, *schedule.gains[1:])))
    fees = [x.amount_cents for x in lines(replace(inputs, day_ahead=anchored), LineKind.PLATFORM_FEE)]
    assert fees == [0, -179, -486]


def test_plan_is_refused_when_together_is_dearer_than_the_gap_allows() -> None:
    gains = tuple(replace(g, gain_cents=-3) for g in ex.schedule().gains)
    check_joint_gain(gains, allowed_loss_cents=9)
    with pytest.raises(JointGainNegative) as caught:
        check_joint_gain(gains, allowed_loss_cents=8)
    assert caught.value.gain_cents == -9


# The pool's opening, several groups


def test_opening_balance_is_shared_when_a_decision_left_one(inputs: SettlementInputs) -> None:
    before = sum(x.amount_cents for x in lines(inputs, LineKind.POOL_SHARE))
    opened = settle(replace(inputs, pool_opening_cents={ex.GROUP: 1_000}))
    assert sum(x.amount_cents for x in opened.lines if x.kind is LineKind.POOL_SHARE) == before + 1_000
    assert opened.balance(POOL) == -1_000
    assert sum(opened.balances) == 0


# Corrections, finality


def test_correction_is_refused_when_nothing_changed(inputs: SettlementInputs) -> None:
    with pytest.raises(NothingToCorrect):
        correct(settle(inputs), settle(inputs), previous_root=ZERO)


def test_correction_is_refused_when_the_day_or_the_lines_differ(inputs: SettlementInputs) -> None:
    first = settle(inputs)
    with pytest.raises(CorrectionOfAnother) as caught:
        correct(first, replace(first, heading=replace(first.heading, day=ex.DAY.plus(1))), previous_root=ZERO)
    assert caught.value.field == "day"
    with pytest.raises(CorrectionOfAnother) as caught:
        correct(first, settle(replace(inputs, leases=())), previous_root=ZERO)
    assert caught.value.field == "lines"
    delta = correct(settle(ex.inputs(complete=False)), first, previous_root=ZERO)
    with pytest.raises(CorrectionOfAnother) as caught:
        correct(delta, first, previous_root=ZERO)
    assert caught.value.field == "deltas"


def test_correction_is_refused_when_the_window_is_over() -> None:
    check_open(now_ms=9, final_at_ms=10)
    with pytest.raises(StatementFinal):
        check_open(now_ms=10, final_at_ms=10)


def test_standing_is_complete_when_every_slot_is_metered(inputs: SettlementInputs) -> None:
    assert standing(settle(inputs), now_ms=0, final_at_ms=1) is Standing.COMPLETE


def test_disputed_lines_are_named_when_a_key_is_disputed(inputs: SettlementInputs) -> None:
    marked = tuple(replace(q, disputed=(q.station, q.slot) == (2, 1)) for q in inputs.quantities)
    found = settle(replace(inputs, quantities=marked)).disputed_lines
    assert {(x.kind, x.account, x.slot) for x in found} == {
        (LineKind.ENERGY_DEVIATION, B, 1),
        (LineKind.NETWORK_DEVIATION, B, 1),
    }


# Consistency of a statement that somebody else wrote


def test_statement_is_refused_when_a_balance_was_changed(inputs: SettlementInputs) -> None:
    whole = settle(inputs)
    shifted = (whole.balances[0] + 1, whole.balances[1] - 1, *whole.balances[2:])
    with pytest.raises(LeafContradicts) as caught:
        check_consistent(replace(whole, balances=shifted))
    assert (caught.value.kind, caught.value.index) == ("balances", 0)


def test_statement_is_refused_when_an_entry_a_total_or_an_order_is_wrong(inputs: SettlementInputs) -> None:
    whole = settle(inputs)
    entry = replace(whole.entries[3], balance_cents=whole.entries[3].balance_cents + 1)
    total = replace(whole.slot_totals[4], exports_wh=whole.slot_totals[4].exports_wh + 1)
    for broken, kind, index in (
        (replace(whole, entries=(*whole.entries[:3], entry, *whole.entries[4:])), "entries", 3),
        (replace(whole, slot_totals=(*whole.slot_totals[:4], total, *whole.slot_totals[5:])), "slot_totals", 4),
        (replace(whole, lines=whole.lines[1::-1] + whole.lines[2:]), "lines", 0),
        (replace(whole, entries=whole.entries[:-1]), "entries", len(whole.entries) - 1),
    ):
        with pytest.raises(LeafContradicts) as caught:
            check_consistent(broken)
        assert (caught.value.kind, caught.value.index) == (kind, index)


def test_statement_is_refused_when_a_line_stands_twice_or_names_a_stranger(inputs: SettlementInputs) -> None:
    whole = settle(inputs)
    with pytest.raises(LeafContradicts):
        check_consistent(replace(whole, lines=(*whole.lines, whole.lines[-1])))
    stranger = replace(whole.lines[0], account=member_account(MemberId(77)))
    with pytest.raises(AccountUnknown):
        check_consistent(replace(whole, lines=(stranger, *whole.lines[1:])))


# Accounts and payments


def test_account_names_read_back_when_written() -> None:
    for account in (member_account(MemberId(12)), PLATFORM, GRID, POOL):
        assert account_named(account_name(account)) == account
    assert account_name(member_account(MemberId(12))) == "member:12"


@pytest.mark.parametrize("text", ["", "member:", "member:0", "member:01", "member:-1", "bank", "member:4294967293"])
def test_account_name_is_refused_when_it_names_none(text: str) -> None:
    with pytest.raises(BadAccount):
        account_named(text)


def test_direct_invoices_leave_the_payment_list_when_a_member_paid_the_grid(inputs: SettlementInputs) -> None:
    whole = settle(inputs)
    invoice = DirectInvoice(member=B, paid_cents=30_000, invoice=Digest(bytes([5]) * 32))
    payments = {p.account: p for p in payment_list(whole, [invoice])}
    assert payments[member_account(B)].amount_cents == whole.balance(member_account(B)) + 30_000
    assert payments[GRID].amount_cents == whole.balance(GRID) - 30_000
    assert payments[GRID].invoices == (invoice.invoice,)
    assert sum(p.amount_cents for p in payments.values()) == 0
    assert [p.amount_cents for p in payment_list(whole)] == list(whole.balances)
    with pytest.raises(AccountUnknown):
        payment_list(whole, [replace(invoice, member=MemberId(44))])


def test_tariff_loses_its_network_price_when_a_group_has_one_pcc(inputs: SettlementInputs) -> None:
    several = inputs.groups[0]
    one = replace(several, stations=several.stations[:1])
    assert group_tariff(several, ex.tariff()) == ex.tariff()
    assert {s.network_price for s in group_tariff(one, ex.tariff()).slots} == {0}
    assert [s.buy_price for s in group_tariff(one, ex.tariff()).slots] == [s.buy_price for s in ex.tariff().slots]


@pytest.mark.parametrize(
    ("planned", "adders"), [(-1_001, {30}), (-1_000, {0, 13, 30}), (0, {0, 30}), (1_000, {0, 30}), (1_001, {0})]
)
def test_adder_is_the_dual_of_the_planned_flow_when_checked(planned: int, adders: set[int]) -> None:
    group = BillingGroup(number=GroupId(1), stations=(StationId(1), StationId(2)))
    tariff = TariffSlot(buy_price=100, sell_price=40, network_price=30)
    for adder in range(-1, 32):
        row = PriceRow(group=GroupId(1), slot=3, pool_price=70, adders=((StationId(1), adder), (StationId(2), 30)))
        flows = {StationId(1): planned, StationId(2): -9_000}
        fits = min(adders) <= adder <= max(adders)
        with nullcontext() if fits else pytest.raises(PriceRowInvalid):
            check_price_row(row, group=group, tariff=tariff, planned_net_wh=flows)
