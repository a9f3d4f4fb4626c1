"""Protocol 8.7.7: whoever ends a lease alone pays the price on chain, and both verifiers find a cent that is not it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from alliance.capacity import term_rent_cents
from alliance.identity import LeaseId
from alliance.lease import EarlyEnd
from alliance.statement import LineKind, Statement, assemble
from audit.verdict import Outcome
from chain import leases
from chain.leases import CapacityLease
from oracle.deployment import Deployment
from simulation.anvil import AnvilMissing, binary
from tests.audit.test_second_verifier import Second, both
from tests.audit.world import DAY, OWNERS, Lies, World

LESSEE, LESSOR = 1, 3


class EndedWorld(World):
    """The lessee ends the lease alone, an hour and a half before it begins: at the first slot of its term and of the day."""

    def _found(self) -> Deployment:
        deployment = super()._found()
        self.send(OWNERS[LESSEE - 1], "CapacityLease", leases.end_alone(LeaseId(1), end_slot=DAY.first_slot))
        return deployment

    @property
    def early_ends(self) -> dict[LeaseId, EarlyEnd]:
        book = CapacityLease(self.rpc, self.deployment["CapacityLease"].address)
        end = book.end_of(LeaseId(1))
        return {LeaseId(1): EarlyEnd(end_slot=end.end_slot, by=end.by, price_cents=end.price_cents)}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")
    made = EndedWorld(tmp_path_factory.mktemp("ended"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def second() -> Iterator[Second]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    made = Second(node)
    yield made
    made.stop()


def a_quarter_of_the_rent() -> int:
    whole = term_rent_cents(power_w=200_000, rent_cents_per_kw_year=20_000, held_slots=35_040)
    assert whole % 4 == 0
    return whole // 4


def bent(statement: Statement, **changed: object) -> Statement:
    lines = [replace(x, **changed) if x.kind is LineKind.LEASE_END else x for x in statement.lines]
    return assemble(
        statement.heading, quantities=statement.quantities, slot_totals=statement.slot_totals, lines=lines,
        weights=statement.weights,
    )  # fmt: skip


def test_both_pass_a_day_on_which_the_lessee_pays_for_its_early_end(ended: World, second: Second) -> None:
    ended.play(Lies())
    assert both(ended, second).outcome is Outcome.PASS
    (statement,) = ended.memory.statements
    (line,) = (x for x in statement.lines if x.kind is LineKind.LEASE_END)
    assert (line.slot, line.account, line.counterparty) == (96, LESSEE, LESSOR)
    assert line.amount_cents == -a_quarter_of_the_rent()
    assert not any(x.kind is LineKind.LEASE_RENT for x in statement.lines), "it never ran"


@pytest.mark.parametrize(
    "changed",
    [{"amount_cents": -1}, {"account": LESSOR, "counterparty": LESSEE}],
    ids=["another price", "the other party"],
)
def test_both_name_the_line_when_it_is_not_what_the_chain_says(
    ended: World, second: Second, changed: dict[str, object]
) -> None:
    ended.play(Lies(statement=lambda s: bent(s, **changed)))
    verdict = both(ended, second)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.divergence is not None
    assert "lease_end" in verdict.divergence.rule
    assert (verdict.divergence.where.station, verdict.divergence.where.slot) == (3, 96)


def test_both_miss_the_line_when_it_is_left_out(ended: World, second: Second) -> None:
    def without(s: Statement) -> Statement:
        kept = [x for x in s.lines if x.kind is not LineKind.LEASE_END]
        return assemble(
            s.heading, quantities=s.quantities, slot_totals=s.slot_totals, lines=kept, weights=s.weights
        )  # fmt: skip

    ended.play(Lies(statement=without))
    verdict = both(ended, second)
    assert verdict.divergence is not None
    assert "lease_end" in verdict.divergence.rule
