"""The invariants of protocol 8.10: each a law that random days keep, and a control that breaks it without its guard."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alliance import capacity, settlement
from alliance import statement as leaves
from alliance.calendar import Day
from alliance.identity import Digest, LeaseId
from alliance.lease import EarlyEnd, Lease
from alliance.money import mul_div
from alliance.schedule import PriceRow
from alliance.settlement import EffectivePlan, SettlementInputs, correct, settle
from alliance.statement import GRID, POOL, LineKind, Statement, check_consistent
from alliance.tariff import TariffSlot
from oracle.settlement_tree import settlement_tree
from tests.settlement.days import Recipe, breaks, random_day, recipes, sampled, shuffled, with_net

FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LEASE_LINES = {LineKind.LEASE_ENERGY, LineKind.LEASE_NETWORK, LineKind.LEASE_RENT, LineKind.LEASE_WEAR}


# 1. The sum of balances is 0 per slot, day, statement, correction


def sums_to_zero(inputs: SettlementInputs) -> None:
    whole = settle(inputs)
    moved = with_net(inputs, {(q.station, q.slot): q.net_wh + 17 for q in inputs.quantities if q.slot % 7 == 0})
    for statement in (whole, correct(whole, settle(moved), previous_root=Digest(bytes(32)))):
        assert sum(statement.balances) == 0
        by_slot: defaultdict[int, int] = defaultdict(int)
        last: dict[int, int] = defaultdict(int)
        for entry in statement.entries:
            by_slot[statement.lines[entry.line].slot] += entry.amount_cents
            last[entry.account] += entry.amount_cents
        assert not any(by_slot.values())
        assert tuple(last[a] for a in statement.accounts) == statement.balances


@given(recipes(priced=False))
@FEW
def test_balances_sum_to_zero_when_any_day_is_settled(recipe: Recipe) -> None:
    sums_to_zero(recipe.day())


def test_sum_is_not_zero_when_one_side_of_a_line_is_not_booked(monkeypatch: pytest.MonkeyPatch) -> None:
    book = leaves._book
    monkeypatch.setattr(leaves, "_book", lambda books, account, *a: account != GRID and book(books, account, *a))
    assert breaks(sums_to_zero)


# 2. The pool is 0 after slot 96


def pool_is_empty(inputs: SettlementInputs) -> None:
    statement = settle(inputs)
    assert statement.balance(POOL) == 0
    last = {e.group: e.balance_cents for e in statement.entries if e.account == POOL}
    assert set(last) == {g.number for g in inputs.groups}
    assert not any(last.values())


@given(recipes(priced=False))
@FEW
def test_pool_is_empty_when_the_day_is_over(recipe: Recipe) -> None:
    pool_is_empty(recipe.day())


def _floors(total: int, weights: Mapping[int, int]) -> dict[int, int]:
    whole = sum(weights.values()) or 1
    return {key: total * weight // whole for key, weight in weights.items()}


def test_pool_is_not_empty_when_remainders_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "largest_remainder", _floors)
    assert breaks(pool_is_empty)


# 3. The pool is never short by more than rounding (8.6.2)


def pool_is_never_short(inputs: SettlementInputs) -> None:
    statement = settle(inputs)
    plan = EffectivePlan(inputs.effective)
    pool: defaultdict[tuple[int, int], int] = defaultdict(int)
    count: defaultdict[tuple[int, int], int] = defaultdict(int)
    for line in statement.lines:
        if line.counterparty == POOL and line.slot < 96:
            pool[line.slot, line.group] -= line.amount_cents
            count[line.slot, line.group] += 1
    for group, slot in product(inputs.groups, range(96)):
        t = inputs.tariffs[group.number].tariff.slots[slot]
        network = settlement.network_price(group, t)
        flows = [plan.planned_net_wh(s)[slot] for s in group.stations] if plan.prices(group, slot) else []
        slack = _balanced(sum(flows)) * (t.buy_price - network - t.sell_price) + sum(map(_balanced, flows)) * network
        assert pool[slot, group.number] >= -count[slot, group.number] / 2 - slack / 10**6


def _balanced(planned_wh: int) -> int:
    """A planned flow that counts as balanced, and so may be paid at a price that is not quite its dual."""
    return abs(planned_wh) if abs(planned_wh) <= settlement.BALANCED_WH else 0


@given(recipes(active=96, priced=False))
@FEW
def test_pool_is_never_short_when_periods_are_random(recipe: Recipe) -> None:
    pool_is_never_short(recipe.day())


def _off_the_dual(inputs: SettlementInputs) -> SettlementInputs:
    """The same day with planned prices that no plan's duals can be."""
    anchored = inputs.effective[0]
    prices = tuple(replace(p, pool_price=p.pool_price + 90_000) for p in anchored.schedule.prices)
    wrong = replace(anchored, schedule=replace(anchored.schedule, prices=prices))
    return replace(inputs, effective=dict.fromkeys(range(96), wrong), day_ahead=wrong)


def test_day_is_refused_when_planned_prices_are_not_duals() -> None:
    with pytest.raises(settlement.PriceRowInvalid) as caught:
        settle(_off_the_dual(next(sampled(1))))
    assert caught.value.price > caught.value.highest


def test_pool_is_short_when_planned_prices_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "check_price_row", lambda *_, **__: None)
    assert breaks(pool_is_never_short, cases=map(_off_the_dual, sampled()))


# 4. Same inputs in any order: same root


def order_changes_nothing(inputs: SettlementInputs) -> None:
    for seed in range(2):
        again = settle(shuffled(inputs, random.Random(seed)))
        assert again == settle(inputs)
        assert settlement_tree(again).root == settlement_tree(settle(inputs)).root


@given(recipes())
@settings(FEW, max_examples=8)
def test_root_is_the_same_when_inputs_arrive_in_another_order(recipe: Recipe) -> None:
    order_changes_nothing(recipe.day())


def test_root_differs_when_lines_are_not_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaves, "sorted_lines", tuple)
    assert breaks(order_changes_nothing)


# 6. No line without evidence; no evidence outside the log


def evidence_stands_in_the_log(inputs: SettlementInputs) -> None:
    statement = settle(inputs)
    nothing = leaves.evidence_of()
    assert all(line.evidence != nothing and len(line.evidence) == 32 for line in statement.lines)
    assert {*statement.heading.schedules, *statement.heading.packs} <= inputs.logged


@given(recipes(priced=False))
@FEW
def test_all_evidence_is_logged_when_a_day_is_settled(recipe: Recipe) -> None:
    evidence_stands_in_the_log(recipe.day())


@pytest.mark.parametrize("number", [1, 2])
def test_day_is_refused_when_a_document_is_not_in_the_log(number: int) -> None:
    inputs = next(x for x in sampled() if x.leases)
    missing = Digest(bytes([number]) * 32)
    with pytest.raises(settlement.EvidenceNotLogged) as caught:
        settle(replace(inputs, logged=inputs.logged - {missing}))
    assert caught.value.document == missing


def test_evidence_is_outside_the_log_when_it_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "_check_logged", lambda _: None)
    assert breaks(evidence_stands_in_the_log, cases=(replace(x, logged=frozenset()) for x in sampled(3)))


# 7. Lessees' lines do not change when any meter reading changes


def lessees_are_firm(inputs: SettlementInputs) -> None:
    other = with_net(inputs, {(q.station, q.slot): -2 * q.net_wh + q.slot for q in inputs.quantities})
    priced = {(p.group, p.slot) for p in inputs.effective[0].schedule.prices}
    before, after = (
        [x for x in settle(day).lines if x.kind in LEASE_LINES and (x.group, x.slot) in priced]
        for day in (inputs, other)
    )
    assert before == after


@given(recipes())
@FEW
def test_lessees_lines_stand_when_meters_change(recipe: Recipe) -> None:
    lessees_are_firm(recipe.day())


def test_lessees_lines_move_when_they_are_paid_at_actual_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EffectivePlan, "prices", lambda *_: None)
    assert breaks(lessees_are_firm)


# 8. The grid receives exactly the tariff on the meters


def grid_gets_its_tariff(inputs: SettlementInputs) -> None:
    statement = settle(inputs)
    net = {(q.station, q.slot): q.net_wh for q in inputs.quantities}
    due = 0
    for group, slot in product(inputs.groups, range(96)):
        t = inputs.tariffs[group.number].tariff.slots[slot]
        flows = [net[s, slot] for s in group.stations]
        taken, given = -sum(min(0, f) for f in flows), sum(max(0, f) for f in flows)
        due += mul_div(taken - given, t.buy_price if taken > given else t.sell_price, 10**6)
        due += mul_div(min(taken, given), t.network_price, 10**6)
    assert statement.balance(GRID) == due


@given(recipes(priced=False))
@FEW
def test_grid_receives_the_tariff_when_meters_are_summed(recipe: Recipe) -> None:
    grid_gets_its_tariff(recipe.day())


def test_grid_is_short_when_the_network_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "network_price", lambda *_: 0)
    assert breaks(grid_gets_its_tariff)


# 9. The sum of rent over a term is rent_cents


def rent_is_whole(inputs: SettlementInputs) -> None:
    """Settles the day with leases that begin and end inside it, and hold in some of its hours alone."""
    first = inputs.day.first_slot
    leased = tuple(
        replace(
            x,
            first_slot=first + x.number,
            term_slots=max(3, x.term_slots % 90),
            day_first_slot=x.number + 1,
            day_slots=1 + x.term_slots % 70,
        )
        for x in inputs.leases
    )
    paid: defaultdict[int, int] = defaultdict(int)
    for line in settle(replace(inputs, leases=leased)).lines:
        if line.kind is LineKind.LEASE_RENT:
            paid[line.subject] -= line.amount_cents
            lease = next(x for x in leased if x.number == line.subject)
            assert 0 <= line.slot - lease.day_first_slot < lease.day_slots
    assert dict(paid) == {x.number: x.rent_cents for x in leased}


@given(recipes(priced=False))
@FEW
def test_rent_of_a_term_is_exact_when_it_is_paid_slot_by_slot(recipe: Recipe) -> None:
    rent_is_whole(recipe.day())


def test_rent_is_not_whole_when_each_slot_is_rounded_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "rent_between", lambda x, *_: mul_div(x.rent_cents, 1, x.held_slots))
    assert breaks(rent_is_whole)


def test_rent_is_not_whole_when_the_hours_of_a_lease_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lease, "_on_time", lambda *_: True)
    assert breaks(rent_is_whole)


# 10. account_wh within its bounds


def account_stays_inside(lease: Lease, rows: list[int], start_wh: int) -> bool:
    """True if the rows stood, False if they were refused; fails if what stood leaves the bounds."""
    by_slot = {lease.first_slot + i: wh for i, wh in enumerate(rows)}
    try:
        course = capacity.account_course(lease, by_slot, account_wh=start_wh)
    except (capacity.AccountOutOfBounds, capacity.LeaseRowOverPower):
        return False
    assert all(0 <= account <= lease.energy_wh for account in course.values())
    return True


def _lease(eta: int = 950_000) -> Lease:
    return replace(
        random_day(random.Random(1), members=2, stations=2, groups=1, leases=1, active=1).leases[0],
        number=LeaseId(1),
        power_w=400_000,
        energy_wh=300_000,
        term_slots=96,
        eta_c_ppm=eta,
        eta_d_ppm=eta,
    )


@given(
    rows=st.lists(st.integers(-100_001, 100_001), max_size=20),
    start=st.integers(0, 300_000),
    eta=st.integers(800_000, 1_000_000),
)
@settings(max_examples=200, deadline=None)
def test_account_stays_inside_when_rows_are_accepted(rows: list[int], start: int, eta: int) -> None:
    account_stays_inside(_lease(eta), rows, start)


def test_account_leaves_its_bounds_when_they_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "_check_bounds", lambda *_: None)
    with pytest.raises(AssertionError):
        account_stays_inside(_lease(), [100_000, 100_000], 0)


# 12. One Wh in one reading changes only what it may


def change_stays_local(inputs: SettlementInputs) -> None:
    """One Wh more in a register moves a Wh from one slot to the one before it; prices of nothing do not count."""
    rng = random.Random(inputs.log_size)
    station, slot = rng.choice(inputs.stations).number, rng.randrange(1, 96)
    net = {(q.station, q.slot): q.net_wh for q in inputs.quantities}
    moved = {(station, slot - 1): net[station, slot - 1] + 1, (station, slot): net[station, slot] - 1}
    before, after = settle(inputs), settle(with_net(inputs, moved))
    group = next(g for g in inputs.groups if station in g.stations)
    flipped = {s for s in (slot - 1, slot) if _pool(before, s, group.number) != _pool(after, s, group.number)}
    for old, new in zip(before.lines, after.lines, strict=True):
        if replace(old, price_cents_per_mwh=0) != replace(new, price_cents_per_mwh=0) or old.quantity_wh:
            assert old == new or _may_change(new, station, {slot - 1, slot}, group.number, flipped), new


def _pool(statement: Statement, slot: int, group: int) -> int:
    last = [t for t in statement.slot_totals if (t.slot, t.group) == (slot, group)][-1]
    return (last.imports_wh > last.exports_wh) - (last.imports_wh < last.exports_wh)


def _may_change(line: leaves.Line, station: int, slots: set[int], group: int, flipped: set[int]) -> bool:
    if line.group != group:
        return False
    deviation = line.kind in {LineKind.ENERGY_DEVIATION, LineKind.NETWORK_DEVIATION}
    own = deviation and line.slot in slots and line.subject == station
    grid = line.account == GRID and line.slot in slots
    return own or grid or (deviation and line.slot in flipped) or line.kind is LineKind.POOL_SHARE


@given(recipes())
@settings(FEW, max_examples=40)
def test_change_stays_local_when_one_watt_hour_moves(recipe: Recipe) -> None:
    change_stays_local(recipe.day())


def test_change_spreads_when_the_price_depends_on_the_amount(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "actual_price", lambda *, pool_net_wh, **_: pool_net_wh)
    assert breaks(change_stays_local, cases=sampled(active=90))


# Whole statements


@given(recipes(priced=False))
@FEW
def test_statement_is_consistent_when_settled(recipe: Recipe) -> None:
    check_consistent(settle(recipe.day()))


@given(recipes(priced=False), st.integers(0, 2**32))
@FEW
def test_correction_rebuilds_the_day_when_applied(recipe: Recipe, seed: int) -> None:
    rng, inputs = random.Random(seed), recipe.day()
    first = settle(inputs)
    some = rng.sample(inputs.quantities, 3)
    second = settle(with_net(inputs, {(q.station, q.slot): q.net_wh + rng.randrange(1, 900) for q in some}))
    correction = correct(first, second, previous_root=settlement_tree(first).root)
    rebuilt = settlement.apply_correction(first, correction)
    assert replace(rebuilt, heading=second.heading) == second
    assert correction.balance(POOL) == 0


# 13. An early end is paid once, by who ended it, whatever the meters show (8.7.7)


def early_end_is_paid_once(inputs: SettlementInputs) -> None:
    """Settles the days before, of and after each lease's end, some at midnight, with two views of the meters."""
    rng = random.Random(inputs.log_size)
    ends = {x.number: _ended(rng, x, inputs) for x in inputs.leases}
    moved = {(q.station, q.slot): -2 * q.net_wh + q.slot for q in inputs.quantities}
    for seen in (inputs, with_net(inputs, moved)):
        paid: defaultdict[tuple[int, int, int], int] = defaultdict(int)
        for day in (inputs.day.plus(-1), inputs.day, inputs.day.plus(1)):
            statement = settle(_on(seen, day, ends))
            assert sum(statement.balances) == 0
            for line in statement.lines:
                if line.kind is LineKind.LEASE_END:
                    assert line.slot == 96
                    paid[line.subject, line.account, line.counterparty] -= line.amount_cents
        assert dict(paid) == {
            (x.number, ended.by, *({x.owner, x.lessee} - {ended.by})): ended.price_cents
            for x in inputs.leases
            for ended in (ends[x.number],)
            if ended.by is not None
        }


def _ended(rng: random.Random, lease: Lease, inputs: SettlementInputs) -> EarlyEnd:
    first = inputs.day.first_slot
    by = rng.choice((None, lease.owner, lease.lessee))
    return EarlyEnd(end_slot=first + rng.choice((0, 0, rng.randrange(96))), by=by, price_cents=rng.randrange(10**6))


def _on(inputs: SettlementInputs, day: Day, ends: Mapping[LeaseId, EarlyEnd]) -> SettlementInputs:
    leases = tuple(x for x in inputs.leases if capacity.concerns(x, day, ends[x.number]))
    return replace(inputs, day=day, leases=leases, early_ends=ends)


@given(recipes(priced=False))
@settings(FEW, max_examples=8)
def test_early_end_is_paid_once_when_any_party_ends_a_lease(recipe: Recipe) -> None:
    early_end_is_paid_once(recipe.day())


@pytest.mark.parametrize(
    "wrong",
    [
        lambda _, ended: ended is not None,  # every day again
        lambda day, ended: day.first_slot < ended.end_slot <= day.first_slot + 96,  # the day of its last slot
        lambda *_: False,
    ],
)
def test_early_end_is_paid_twice_or_never_when_its_day_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[..., bool]
) -> None:
    monkeypatch.setattr(settlement, "end_due", wrong)
    assert breaks(early_end_is_paid_once)


def test_early_end_is_paid_by_the_wrong_party_when_nobody_asks_who_ended_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lease, "other_party", lambda lease, _: lease.owner)
    assert breaks(early_end_is_paid_once)


Rule = Callable[[SettlementInputs], None]


@pytest.mark.parametrize(
    "law",
    [sums_to_zero, pool_is_empty, pool_is_never_short, grid_gets_its_tariff, lessees_are_firm, change_stays_local],
)
def test_controls_days_keep_the_law_when_all_guards_stand(law: Rule) -> None:
    assert not breaks(law, cases=sampled(5, active=10))


def test_price_row_is_refused_when_an_adder_is_missing() -> None:
    inputs = next(sampled(1))
    group = inputs.groups[0]
    row = PriceRow(group=group.number, slot=0, pool_price=5, adders=())
    tariff = TariffSlot(buy_price=10, sell_price=5, network_price=2)
    with pytest.raises(settlement.PriceRowInvalid) as caught:
        settlement.check_price_row(row, group=group, tariff=tariff, planned_net_wh=dict.fromkeys(group.stations, 2_000))
    assert caught.value.station == group.stations[0]
