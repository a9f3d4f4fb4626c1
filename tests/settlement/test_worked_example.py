"""The worked example of protocol 8.12: every number of both tables, the day's results, and the correction."""

import pytest

from alliance.capacity import account_course
from alliance.quantity import QuantityStatus
from alliance.settlement import apply_correction, correct, figures, settle
from alliance.statement import (
    GRID,
    PLATFORM,
    POOL,
    LineKind,
    Standing,
    Statement,
    account_name,
    check_consistent,
    member_account,
    standing,
)
from oracle.settlement_tree import settlement_tree
from tests.settlement import worked_example as ex

K = LineKind
A, B, C = ex.A, ex.B, ex.C

LINES = {
    (K.ENERGY_PLAN, A, POOL): (-2933, -2102, 1764, 6741),
    (K.ENERGY_PLAN, B, POOL): (-3128, -6338, -13483, -14381),
    (K.ENERGY_PLAN, C, POOL): (9189, 8803, 7640, 3607),
    (K.ENERGY_DEVIATION, A, POOL): (-4, -4, -1037, -7),
    (K.ENERGY_DEVIATION, B, POOL): (-52, 88, -1275, 180),
    (K.ENERGY_DEVIATION, C, POOL): (-2822, -1444, 2021, 46),
    (K.NETWORK_PLAN, A, POOL): (-220, -104, 0, 0),
    (K.NETWORK_PLAN, B, POOL): (-234, -313, -623, -665),
    (K.NETWORK_DEVIATION, B, POOL): (-4, 4, -51, 19),
    (K.LEASE_ENERGY, B, POOL): (-1955, -3521, 4078, 4033),
    (K.LEASE_NETWORK, B, POOL): (-146, -174, 0, 0),
    (K.LEASE_RENT, B, A): (-114, -115, -114, -114),
    (K.LEASE_WEAR, B, A): (0, 0, -363, -359),
    (K.GRID_ENERGY, GRID, POOL): (1682, 4741, 302, -219),
    (K.GRID_NETWORK, GRID, POOL): (498, 363, 663, 646),
}


@pytest.fixture(scope="module")
def statement() -> Statement:
    return settle(ex.inputs(complete=False))


@pytest.fixture(scope="module")
def recomputed() -> Statement:
    return settle(ex.inputs(complete=True))


def test_lease_account_ends_where_it_began_when_example_is_played() -> None:
    rows = {ex.DAY.first_slot + slot: wh for slot, wh in enumerate(ex.LEASED)}
    course = account_course(ex.LEASE_TERMS, rows, account_wh=20_000)
    assert tuple(course.values()) == ex.ACCOUNT


def test_quantities_are_split_when_an_edge_is_missing(statement: Statement) -> None:
    found = {(q.station, q.slot): q for q in statement.quantities}
    c = ex.STATION[C]
    assert [found[c, slot].net_wh for slot in range(4)] == [170000, 104501, 104500, 41300]
    assert statement.provisional_slots == ((c, 1), (c, 2))
    assert found[c, 1].status is QuantityStatus.ESTIMATED
    for member in (A, B):
        assert tuple(found[ex.STATION[member], slot].net_wh for slot in range(4)) == ex.NET[member]


def test_slot_totals_equal_table_when_settled(statement: Statement) -> None:
    last = [t for t in statement.slot_totals if t.position == t.count - 1][:4]
    assert [t.imports_wh - t.exports_wh for t in last] == [36300, 64149, 2800, -5600]
    assert [min(t.imports_wh, t.exports_wh) for t in last] == [170000, 104501, 159500, 155400]


def test_actual_prices_equal_table_when_settled(statement: Statement) -> None:
    prices = [x.price_cents_per_mwh for x in statement.lines if x.kind is K.ENERGY_DEVIATION and x.account == A]
    assert prices[:4] == [43413, 70422, 103664, 39100]


def test_every_line_equals_table_when_settled(statement: Statement) -> None:
    slots = [x for x in statement.lines if x.slot < 4]
    for (kind, account, counterparty), want in LINES.items():
        found = [x for x in slots if (x.kind, x.account, x.counterparty) == (kind, account, counterparty)]
        assert tuple(x.amount_cents for x in found) == want, (kind, account)
    shown = set(LINES)
    assert all(x.amount_cents == 0 for x in slots if (x.kind, x.account, x.counterparty) not in shown)
    assert all(x.amount_cents == 0 for x in statement.lines if 4 <= x.slot < 96)


def test_pool_balance_equals_table_when_each_slot_is_summed(statement: Statement) -> None:
    pool = [-sum(x.amount_cents for x in statement.lines if x.slot == s and x.counterparty == POOL) for s in range(4)]
    assert pool == [129, 1, 1, 0]


def test_day_lines_equal_table_when_settled(statement: Statement) -> None:
    day = {(x.kind, x.account): x.amount_cents for x in statement.lines if x.slot == 96}
    assert day == {
        (K.POOL_SHARE, A): 39,
        (K.POOL_SHARE, B): 49,
        (K.POOL_SHARE, C): 43,
        (K.PLATFORM_FEE, A): -120,
        (K.PLATFORM_FEE, B): -179,
        (K.PLATFORM_FEE, C): -486,
        (K.LEASE_SLA, B): 0,
        (K.LEASE_HANDOVER, B): 0,
    }
    assert statement.weights[0].weights_wh == ((A, 379_700), (B, 487_650), (C, 420_301))


def test_balances_equal_table_when_settled(statement: Statement) -> None:
    assert statement.balances == (3192, -39250, 26597, 785, 8676, 0)
    assert [account_name(a) for a in statement.accounts] == [
        "member:1", "member:2", "member:3", "platform", "grid", "pool",
    ]  # fmt: skip
    assert sum(statement.balances) == 0
    assert statement.balance(member_account(B)) == -39250
    assert statement.balance(PLATFORM) == 785
    check_consistent(statement)


def test_correction_holds_the_differences_when_the_missing_edge_arrives(
    statement: Statement, recomputed: Statement
) -> None:
    root = settlement_tree(statement).root
    correction = correct(statement, recomputed, previous_root=root)
    deltas = {(x.slot, x.kind, x.account): x.amount_cents for x in correction.lines if x.amount_cents}
    assert deltas == {
        (1, K.ENERGY_DEVIATION, C): 134,
        (1, K.GRID_ENERGY, GRID): -141,
        (1, K.GRID_NETWORK, GRID): 7,
        (2, K.ENERGY_DEVIATION, C): -196,
        (2, K.GRID_ENERGY, GRID): 205,
        (2, K.GRID_NETWORK, GRID): -8,
        (96, K.POOL_SHARE, A): -1,
    }
    assert sum(correction.balances) == 0
    assert correction.balance(POOL) == 0
    assert (correction.heading.version, correction.heading.previous, correction.heading.deltas) == (2, root, True)
    assert [(q.station, q.slot, q.net_wh) for q in correction.quantities] == [(3, 1, 106_400), (3, 2, 102_601)]
    check_consistent(correction)


def test_whole_day_is_rebuilt_when_the_correction_is_applied(statement: Statement, recomputed: Statement) -> None:
    correction = correct(statement, recomputed, previous_root=settlement_tree(statement).root)
    whole = apply_correction(statement, correction)
    for part in ("quantities", "slot_totals", "lines", "entries", "weights", "balances"):
        assert getattr(whole, part) == getattr(recomputed, part), part
    assert standing(statement, now_ms=1, final_at_ms=9) is Standing.PROVISIONAL
    assert standing(whole, now_ms=1, final_at_ms=9) is Standing.CORRECTED
    assert standing(whole, now_ms=9, final_at_ms=9) is Standing.FINAL


def test_figures_are_estimates_beside_the_balance_when_shown(statement: Statement) -> None:
    shown = figures(statement, ex.schedule().gains)
    assert [f.saving_together_cents for f in shown] == [3_000, 6_000, 11_000]
    assert [f.saving_alone_cents for f in shown] == [610, 2_412, 1_282]
    assert [f.lease_cents for f in shown] == [1_179, -1_179, 0]
    assert [f.fee_cents for f in shown] == [-120, -179, -486]
    assert [f.net_cents for f in shown] == list(statement.balances[:3])
