"""Protocol 8.9.4 and 8.9.5 on a real chain: a wrong cent is set right by whoever shows it, a right one by nobody."""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from alliance.settlement import correct, settle
from alliance.statement import LeafKind, Line, LineKind, QuantityStatus, Statement, evidence_of
from chain import court
from chain.court import dispute
from chain.events import BalanceMoved, RowsKept, StatementBroken, StatementVoided
from chain.reverts import Reverted
from oracle.settlement_tree import Leaf, SettlementTree, leaves_of, settlement_tree
from simulation.anvil import Anvil
from tests.chain.conftest import GENESIS_S, Chain, make_world
from tests.chain.courtroom import (
    BALANCED,
    UNPRICED,
    Courtroom,
    accounts,
    bent_tree,
    courtroom,
    index_of,
    with_lines,
)

GAS_LIMIT = 300_000
JUDGED = [
    LineKind.ENERGY_PLAN, LineKind.ENERGY_DEVIATION, LineKind.NETWORK_PLAN, LineKind.NETWORK_DEVIATION,
    LineKind.LEASE_ENERGY, LineKind.LEASE_NETWORK, LineKind.LEASE_RENT, LineKind.LEASE_WEAR, LineKind.GRID_ENERGY,
    LineKind.GRID_NETWORK, LineKind.PLATFORM_FEE, LineKind.LEASE_END,
]  # fmt: skip


@pytest.fixture(scope="module")
def tried(keys, need_anvil: None) -> Iterator[Courtroom]:
    with Anvil(genesis_s=GENESIS_S) as anvil:
        yield courtroom(make_world(Chain(anvil), keys))


@pytest.fixture
def room(tried: Courtroom) -> Iterator[Courtroom]:
    """The same day for each test: what a test did to the chain is taken back."""
    chain = tried.world.chain
    taken, now_s = chain.rpc.call("evm_snapshot"), chain.now_s
    yield tried
    assert chain.rpc.call("evm_revert", [taken])
    chain.now_s = now_s


def leaf_of(statement: Statement, line: Line) -> int:
    """The leaf of a statement's line with the identity of another's."""
    return index_of(statement, next(x for x in statement.lines if x.identity == line.identity))


def some_lines(whole: Statement, kind: LineKind, rng: random.Random) -> list[Line]:
    """A few lines of a kind, those of the odd slots among them."""
    found = [line for line in whole.lines if line.kind is kind]
    odd = [line for line in found if line.slot in UNPRICED | BALANCED]
    return list(
        {x.identity: x for x in (*rng.sample(found, min(2, len(found))), *rng.sample(odd, min(4, len(odd))))}.values()
    )


def test_every_wrong_cent_is_overturned_to_what_the_rules_say_when_it_is_disputed(room: Courtroom) -> None:
    rng = random.Random(3)
    wrong = [line for kind in JUDGED for line in some_lines(room.truth, kind, rng)]
    bent = with_lines(room.truth, {x.identity: x.amount_cents + rng.choice((-1, 1, 70_000, -(9**9))) for x in wrong})
    docket = room.keep(room.docket(room.post(bent)))
    most: dict[str, int] = {}
    by_identity = {line.identity: line for line in bent.lines}
    for line in wrong:
        posted = by_identity[line.identity]
        gas, found = room.upheld(dispute(docket, 1, index_of(bent, posted)))
        assert (found.expected, found.got) == (line.amount_cents, posted.amount_cents)
        most[line.kind.label] = max(gas, most.get(line.kind.label, 0))
        with pytest.raises(Reverted, match="LeafIsRight"):
            room.bring(dispute(docket, 1, index_of(bent, posted)))
    for line in (x for x in bent.lines if x.kind is LineKind.POOL_SHARE):
        if line.amount_cents != next(x for x in room.truth.lines if x.identity == line.identity).amount_cents:
            gas, _ = room.upheld(dispute(docket, 1, index_of(bent, line)))
            most["pool_share"] = max(gas, most.get("pool_share", 0))
    assert room.ledger.balances_cents(room.day) == room.truth.balances, "every account, the pool at 0 among them"
    print("gas of a dispute:", most)  # shown with -s, and when the limit is missed
    assert max(most.values()) < GAS_LIMIT


def test_no_right_leaf_is_overturned_when_it_is_disputed(room: Courtroom) -> None:
    rng, docket = random.Random(4), room.docket(room.post(room.truth))
    for kind in (*JUDGED, LineKind.POOL_SHARE):
        for line in some_lines(room.truth, kind, rng):
            with pytest.raises(Reverted, match=rf"LeafIsRight\(1, \d+, {line.amount_cents}\)"):
                room.bring(dispute(docket, 1, index_of(room.truth, line)))
            with pytest.raises(Reverted, match="LeafIsRight"):
                room.bring(court.stray(docket, 1, index_of(room.truth, line)))
    first_total = len(room.truth.quantities)
    for index in [*rng.sample(range(first_total), 4), *rng.sample(range(first_total, first_total + 200), 4)]:
        with pytest.raises(Reverted, match="LeafIsRight"):
            room.bring(dispute(docket, 1, index))
    assert room.ledger.balances_cents(room.day) == room.truth.balances


def test_wrong_energy_is_set_right_and_every_line_after_it_when_the_readings_are_shown(room: Courtroom) -> None:
    """One Wh more in a meter, settled as if it were so: the quantity, the sums and each line that follow are overturned."""
    leaves = settlement_tree(room.truth).leaves
    for status in (QuantityStatus.METERED, QuantityStatus.ESTIMATED):
        true = next(q for q in room.truth.quantities if q.status is status and q.slot not in BALANCED)
        bent = with_net(room, true.station, true.slot, true.net_wh + 40_000)
        chain, now_s = room.world.chain, room.world.chain.now_s
        taken = chain.rpc.call("evm_snapshot")
        docket = room.keep(room.docket(room.post(bent)))
        bent_one = next(q for q in bent.quantities if (q.station, q.slot) == (true.station, true.slot))
        gas, found = room.upheld(dispute(docket, 1, bent.quantities.index(bent_one)))
        assert (found.expected, found.got, found.moved_cents) == (true.net_wh, true.net_wh + 40_000, 0)
        assert gas < GAS_LIMIT
        for index, leaf in enumerate(docket.statements[1].leaves):
            if leaf.kind in (LeafKind.SLOT_TOTAL, LeafKind.LINE) and differs(leaf, leaves[index]):
                gas, _ = room.upheld(dispute(docket, 1, index))
                assert gas < GAS_LIMIT
        assert chain.rpc.call("evm_revert", [taken])
        chain.now_s = now_s


def with_net(room: Courtroom, station: int, slot: int, net_wh: int) -> Statement:
    changed = tuple(
        replace(q, net_wh=net_wh) if (q.station, q.slot) == (station, slot) else q for q in room.inputs.quantities
    )
    return settle(replace(room.inputs, quantities=changed))


def differs(leaf: Leaf, true: Leaf) -> bool:
    """Whether a leaf is judged otherwise than posted: sums, and lines by their cents (shares hang on weights, which are not)."""
    if leaf.kind is LeafKind.SLOT_TOTAL:
        return leaf.body != true.body
    amount = slice(9 * 32, 10 * 32)
    return leaf.body[amount] != true.body[amount] and leaf.body[95] != LineKind.POOL_SHARE


def test_correction_counts_in_what_a_line_stands_at_when_it_is_disputed(room: Courtroom) -> None:
    """Version 1 lies in one line, version 2 corrects another reading's lines and lies in two; the court sees the sum."""
    rng = random.Random(8)
    line = next(x for x in room.truth.lines if x.kind is LineKind.ENERGY_PLAN and x.slot == 30)
    first = with_lines(room.truth, {line.identity: line.amount_cents + 500})
    tree = room.post(first)
    other = next(x for x in room.truth.lines if x.kind is LineKind.GRID_ENERGY and x.slot == 60)
    second_whole = with_lines(
        room.truth, {other.identity: other.amount_cents - 7, line.identity: line.amount_cents + 1}
    )
    second = correct(first, second_whole, previous_root=tree.root)
    docket = room.docket(tree, room.post(second))
    for true in (line, other):
        place = court.place_of(docket.statements[1].leaves[leaf_of(first, true)])
        gas, found = room.upheld(dispute(docket, 2, docket.places[2].index(place)))
        assert found.expected == true.amount_cents
        assert gas < GAS_LIMIT
    untouched = rng.choice([x for x in room.truth.lines if x.kind is LineKind.GRID_NETWORK and x.slot > 70])
    with pytest.raises(Reverted, match="LeafIsRight"):
        room.bring(dispute(docket, 1, leaf_of(first, untouched)))
    with pytest.raises(Reverted, match="LeavesWrongCount"):
        room.bring(dispute(room.docket(tree), 1, leaf_of(first, line)))


def test_rows_are_kept_once_and_for_rows_that_are_logged_alone(room: Courtroom) -> None:
    line = next(x for x in room.truth.lines if x.kind is LineKind.ENERGY_PLAN and x.slot == 33)
    bent = with_lines(room.truth, {line.identity: line.amount_cents + 3})
    plain = room.docket(room.post(bent))
    index = leaf_of(bent, line)
    unproved = replace(plain, kept=frozenset(plain.documents))
    with pytest.raises(Reverted, match="InputNotLogged"):
        room.bring(dispute(unproved, 1, index))
    foreign = {d: replace(x, rows=x.rows[:-1]) for d, x in plain.documents.items()}
    with pytest.raises(Reverted, match="InputNotLogged"):
        room.bring(court.keep_rows(replace(plain, documents=foreign), room.schedule_digest))
    _, told = room.bring(court.keep_rows(plain, room.schedule_digest))
    assert [type(e) for e in told] == [RowsKept]
    assert room.upheld(dispute(unproved, 1, index))[1].expected == line.amount_cents


def test_line_is_not_judged_by_inputs_that_it_does_not_name(room: Courtroom) -> None:
    line = next(x for x in room.truth.lines if x.kind is LineKind.ENERGY_PLAN and x.slot == 31)
    lied = [replace(x, evidence=evidence_of(b"nothing")) if x is line else x for x in room.truth.lines]
    bent = replace(room.truth, lines=tuple(lied))
    honest = dispute(room.docket(settlement_tree(room.truth)), 1, index_of(room.truth, line))
    docket = room.docket(room.post(bent))
    with pytest.raises(court.InputNotFound):
        dispute(docket, 1, leaf_of(bent, line))
    with pytest.raises(Reverted, match="LeafNotInStatement"):
        room.bring(honest)


def test_line_between_the_wrong_accounts_is_set_to_zero_when_it_is_shown(room: Courtroom) -> None:
    line = next(x for x in room.truth.lines if x.kind is LineKind.ENERGY_PLAN and x.slot == 20 and x.subject == 2)
    thief = replace(line, account=3, amount_cents=1_000_000)
    lines = tuple(sorted((*room.truth.lines, thief), key=lambda x: x.identity))
    bent = with_lines(replace(room.truth, lines=lines), {})
    docket = room.docket(room.post(bent))
    _, found = room.upheld(court.stray(docket, 1, leaf_of(bent, thief)))
    assert (found.expected, found.got, found.moved_cents) == (0, 1_000_000, -1_000_000)


def test_price_of_an_early_end_is_paid_by_nobody_else_and_on_no_other_lease(room: Courtroom) -> None:
    """The lessor in the lessee's place, and the price of a lease that nobody ended: both are set to 0."""
    (line,) = (x for x in room.truth.lines if x.kind is LineKind.LEASE_END)
    turned = replace(line, account=line.counterparty, counterparty=line.account)
    other = replace(line, subject=room.lease.number, account=room.lease.lessee, counterparty=room.lease.owner)
    lines = tuple(sorted((*room.truth.lines, turned, other), key=lambda x: x.identity))
    bent = with_lines(replace(room.truth, lines=lines), {})
    docket = room.docket(room.post(bent))
    for wrong in (turned, other):
        with pytest.raises(Reverted, match="LeafStray"):
            room.bring(dispute(docket, 1, leaf_of(bent, wrong)))
        _, found = room.upheld(court.stray(docket, 1, leaf_of(bent, wrong)))
        assert (found.expected, found.got) == (0, line.amount_cents)
    with pytest.raises(Reverted, match="LeafIsRight"):
        room.bring(court.stray(docket, 1, leaf_of(bent, line)))
    assert room.ledger.balances_cents(room.day) == room.truth.balances


FAULTS = ["doubled", "order", "balance", "booking", "unbooked", "posted"]


@pytest.mark.parametrize("fault", FAULTS)
def test_day_is_void_and_its_totals_are_taken_back_when_its_books_are_broken(room: Courtroom, fault: str) -> None:
    whole = room.truth
    tree, call = broken(room, whole, fault)
    before = [room.ledger.total_cents(a) for a in accounts(whole)]
    assert before == [0] * len(before)
    posted = whole
    if fault == "posted":
        changed = (whole.balances[0] + 5, whole.balances[1] - 5, *whole.balances[2:])
        posted = replace(whole, balances=changed)
    room.post(posted, tree)
    gas, told = room.bring(call)
    assert gas < GAS_LIMIT
    assert [type(e) for e in told] in ([StatementBroken, StatementVoided], [StatementVoided, StatementBroken])
    assert [room.ledger.total_cents(a) for a in accounts(whole)] == before
    assert (room.ledger.voided_up_to(room.day), room.ledger.final_at_s(room.day)) == (1, None)
    with pytest.raises(Reverted, match="StatementVoid"):
        room.ledger.open_versions(room.day)
    again = replace(whole, heading=replace(whole.heading, version=2))
    docket = room.docket(room.post(again), first=2)
    assert room.ledger.balances_cents(room.day) == whole.balances
    assert room.ledger.open_versions(room.day) == (2, 2)
    with pytest.raises(Reverted, match="LeafIsRight"):
        room.bring(dispute(docket, 2, len(whole.quantities) + len(whole.slot_totals) + 5))


def broken(room: Courtroom, whole: Statement, fault: str) -> tuple[SettlementTree, court.Call]:
    """A tree whose books are broken in one way, and the call that shows it."""
    leaves = list(leaves_of(whole))
    first_line = len(whole.quantities) + len(whole.slot_totals)
    first_entry = first_line + len(whole.lines)
    if fault == "doubled":
        leaves[11] = Leaf(leaves[11].kind, 10, leaves[11].body)
        tree = SettlementTree(tuple(leaves))
        return tree, court.void_doubled(room.docket(tree), 1, 10, 11)
    if fault == "order":
        a, b = leaves[first_line + 3].body, leaves[first_line + 4].body
        tree = bent_tree(whole, {first_line + 3: b, first_line + 4: a})
        return tree, court.void_neighbours(room.docket(tree), 1, first_line + 4)
    if fault in ("balance", "booking"):
        at = first_entry + 7
        body = bytearray(leaves[at].body)
        if fault == "balance":
            body[-1] ^= 1
        else:
            body[3 * 32 : 4 * 32] = (first_line + whole.entries[7].line + 1).to_bytes(32, "big")
        tree = bent_tree(whole, {at: bytes(body)})
        return tree, dispute(room.docket(tree), 1, at)
    if fault == "posted":
        tree = settlement_tree(whole)
        balances = (whole.balances[0] + 5, whole.balances[1] - 5, *whole.balances[2:])
        return tree, court.void_balance(room.docket(tree), 1, 1, balances)
    return unbooked(room, whole)


def unbooked(room: Courtroom, whole: Statement) -> tuple[SettlementTree, court.Call]:
    """A book that leaves one line of amount 0 out: no balance shows it."""
    line = next(i for i, x in enumerate(whole.lines) if x.amount_cents == 0 and x.account == 1)
    gone = next(e for e in whole.entries if e.account == 1 and e.line == line)
    entries = [
        replace(e, index=e.index - 1) if e.account == 1 and e.index > gone.index else e
        for e in whole.entries
        if e is not gone
    ]
    tree = settlement_tree(replace(whole, entries=tuple(entries)))
    at = len(whole.quantities) + len(whole.slot_totals) + line
    return tree, court.void_unbooked(room.docket(tree), 1, at, 1)


def test_statement_stands_when_its_books_are_in_order(room: Courtroom) -> None:
    whole = room.truth
    tree = room.post(whole)
    docket, rng = room.docket(tree), random.Random(5)
    first_entry = len(whole.quantities) + len(whole.slot_totals) + len(whole.lines)
    calls = [court.void_doubled(docket, 1, 10, 10)]
    calls += [
        court.void_neighbours(docket, 1, at) for at in (0, *rng.sample(range(1, len(tree.leaves)), 20), first_entry)
    ]
    calls += [dispute(docket, 1, at) for at in rng.sample(range(first_entry, len(tree.leaves) - 2), 12)]
    calls += [court.void_balance(docket, 1, account, whole.balances) for account in accounts(whole)[:-1]]
    for call in calls:
        with pytest.raises(Reverted, match="StatementHolds"):
            room.bring(call)
    line = rng.randrange(first_entry - 300, first_entry)
    account = int.from_bytes(tree.leaves[line].body[3 * 32 : 4 * 32], "big")
    with pytest.raises(Reverted, match=r"StatementHolds|LeavesNotNeighbours"):
        room.bring(court.void_unbooked(docket, 1, line, account))
    with pytest.raises(Reverted, match="BalancesWrong"):
        room.bring(court.void_balance(docket, 1, 1, (0,) * len(whole.balances)))


def test_day_is_void_when_a_demanded_leaf_is_not_shown_in_time(room: Courtroom) -> None:
    tree = room.post(room.truth)
    docket, member = room.docket(tree), room.world.members[0]
    bench = court.BookCourt(room.world.chain.rpc, room.at(court.BOOK_COURT))
    with pytest.raises(Reverted, match="DemandNotByRoster"):
        room.bring(court.demand(room.day, 1, 40))
    room.bring(court.demand(room.day, 1, 40), key=member)
    with pytest.raises(Reverted, match="DemandOpen"):
        room.bring(court.demand(room.day, 1, 41), key=member)
    with pytest.raises(Reverted, match="DemandStillRunning"):
        room.bring(court.void_unproduced(room.day, 1))
    with pytest.raises(Reverted, match="LeavesNotNeighbours"):
        room.bring(court.produce(docket, 1, 1, 41))
    room.bring(court.produce(docket, 1, 1, 40))
    assert bench.demand_of(room.day, 1) is None
    with pytest.raises(Reverted, match="DemandNotOpen"):
        room.bring(court.void_unproduced(room.day, 1))
    room.bring(court.demand(room.day, 1, 50), key=member)
    assert bench.demand_of(room.day, 1) == (1, 50, room.world.chain.now_s + room.ledger.answer_seconds())
    room.world.chain.mine_until(room.world.chain.now_s + room.ledger.answer_seconds() + 60)
    _, told = room.bring(court.void_unproduced(room.day, 1))
    assert {type(e) for e in told} == {StatementBroken, StatementVoided}
    assert room.ledger.total_cents(1) == 0


def test_demand_and_dispute_are_refused_when_it_is_too_late(room: Courtroom) -> None:
    docket, chain = room.docket(room.post(room.truth)), room.world.chain
    final, answer = room.ledger.final_at_s(room.day), room.ledger.answer_seconds()
    assert final is not None
    chain.mine_until(final - 2 * answer + 1)
    with pytest.raises(Reverted, match="DemandTooLate"):
        room.bring(court.demand(room.day, 1, 40), key=room.world.members[0])
    chain.mine_until(final)
    with pytest.raises(Reverted, match="StatementFinal"):
        room.bring(dispute(docket, 1, len(room.truth.quantities) + len(room.truth.slot_totals)))


def test_nobody_but_the_court_moves_a_balance(room: Courtroom) -> None:
    room.post(room.truth)
    data = court.Function("overturn", "(uint32,uint256,uint16,uint32,int64)").encode(room.day.number, 1 << 64, 1, 0, 5)
    for key in (room.world.settler, room.world.deployer, room.world.members[0], room.world.admitter):
        with pytest.raises(Reverted, match="StatementNotCourt"):
            room.world.send(key, "SettlementLedger", data)


def test_decision_keeps_the_day_open_for_a_correction_when_it_comes_late(room: Courtroom) -> None:
    line = next(x for x in room.truth.lines if x.kind is LineKind.GRID_ENERGY and x.slot == 12)
    bent = with_lines(room.truth, {line.identity: line.amount_cents + 9})
    tree = room.post(bent)
    final = room.ledger.final_at_s(room.day)
    assert final is not None
    room.world.chain.mine_until(final - 200)
    _, told = room.bring(dispute(room.docket(tree), 1, leaf_of(bent, line)))
    assert [e.cents for e in told if isinstance(e, BalanceMoved)] == [-9]
    later = room.ledger.final_at_s(room.day)
    assert later == room.world.chain.now_s + room.ledger.answer_seconds()
    assert later > final
