"""Protocol 8.9.3 to 8.9.5: what the court decided counts in the day that the service shows, and in its next correction."""

from dataclasses import replace
from pathlib import Path

import pytest

import api.app  # noqa: F401  # every slice's tables
from alliance.identity import Address, Digest, MemberId
from alliance.settlement import correct, restated, settle
from alliance.statement import POOL, LeafKind, Line, LineKind, Statement, assemble
from api.database import Database
from api.documents import repository as documents
from api.documents.repository import DocumentRow
from api.jobs.follow import apply_event
from api.settlements import queries, repository
from api.statements import queries as statements
from chain.events import DisputeUpheld, Event, FinalityMoved, Place, StatementPosted, StatementVoided
from oracle import cbor, statement_document
from oracle.document import Opened, seal
from oracle.log import EntryType
from oracle.settlement_tree import settlement_tree
from tests.settlement.days import DAY, sampled

SALT = bytes(32)


@pytest.fixture
def database(tmp_path: Path):
    made = Database(tmp_path / "x.sqlite", alliance=b"\x0a" * 32)
    made.upgrade()
    yield made
    made.close()


@pytest.fixture(scope="module")
def truth() -> Statement:
    return settle(next(sampled(1)))


def place(block: int) -> Place:
    return Place(
        contract=Address(bytes(20)), block_number=block, block_hash=Digest(bytes(32)), log_index=0,
        tx_hash=Digest(bytes(32)), timestamp_s=1_000 + block,
    )  # fmt: skip


def filed(database: Database, made: Statement, *, block: int) -> None:
    """A version that the service filed, posted on chain."""
    content, version = statement_document.to_plain(made), made.heading.version
    sealed = seal(EntryType.STATEMENT, content, salt=SALT)
    row = DocumentRow(
        name=queries.statement_name(DAY, version), content=Digest(bytes(32)), document=sealed, epoch=1,
        opened=Opened(salt=SALT, raw=cbor.encode(content)),
    )  # fmt: skip
    root = settlement_tree(made).root
    with database.writing() as connection:
        documents.add(connection, row)
        kept = {
            "day": DAY.number, "version": version, "document": sealed.digest, "root": root,
            "leaf_count": made.leaf_count, "provisional": 0, "log_epoch": 1, "made_ms": 1,
        }  # fmt: skip
        repository.add(connection, kept)
    tell(
        database,
        StatementPosted(
            at=place(block), day=DAY.number, version=version, root=root, leaf_count=made.leaf_count,
            statement=sealed.digest, members=tuple(map(MemberId, made.heading.roster)), balances_cents=made.balances,
        ),
        FinalityMoved(at=replace(place(block), log_index=1), day=DAY.number, final_at_s=90_000 + block),
    )  # fmt: skip


def tell(database: Database, *told: Event) -> None:
    with database.writing() as connection:
        for event in told:
            apply_event(connection, event)


def upheld(made: Statement, line: Line, cents: int, *, block: int) -> DisputeUpheld:
    index = len(made.quantities) + len(made.slot_totals) + made.lines.index(line)
    return DisputeUpheld(
        at=place(block), day=DAY.number, version=made.heading.version, index=index, kind=int(LeafKind.LINE),
        expected=line.amount_cents + cents, got=line.amount_cents, expected_exports=0, got_exports=0,
        moved_cents=cents, by=Address(bytes(20)),
    )  # fmt: skip


def lied(truth: Statement) -> tuple[Statement, Line]:
    """A statement with 900 cents too much for an owner, out of the pool's shares."""
    lines = [*truth.lines]
    at = next(i for i, x in enumerate(lines) if x.kind is LineKind.ENERGY_PLAN)
    share = next(i for i, x in enumerate(lines) if x.kind is LineKind.POOL_SHARE and x.group == lines[at].group)
    lines[at] = replace(lines[at], amount_cents=lines[at].amount_cents + 900)
    lines[share] = replace(lines[share], amount_cents=lines[share].amount_cents - 900)
    made = assemble(
        truth.heading, quantities=truth.quantities, slot_totals=truth.slot_totals, lines=lines, weights=truth.weights
    )
    return made, lines[at]


def test_day_stands_as_the_court_left_it_and_the_correction_hands_out_the_pool(
    database: Database, truth: Statement
) -> None:
    posted, line = lied(truth)
    filed(database, posted, block=5)
    with database.reading() as connection:
        assert queries.whole(connection, DAY) == posted
        assert queries.judged_lines(connection, DAY) == frozenset()
        assert statements.final_at_s(connection, DAY) == 90_005
    tell(database, upheld(posted, line, -900, block=6))
    tell(database, FinalityMoved(at=place(7), day=DAY.number, final_at_s=95_000))
    with database.reading() as connection:
        standing = queries.whole(connection, DAY)
        assert standing.balance(POOL) == 900
        assert queries.judged_lines(connection, DAY) == {line.identity}
        assert statements.final_at_s(connection, DAY) == 95_000
        (decision,) = statements.decisions_of(connection, DAY)
        assert (decision.got, decision.expected, decision.moved_cents) == (
            line.amount_cents,
            line.amount_cents - 900,
            -900,
        )
    correction = correct(standing, truth, previous_root=settlement_tree(posted).root)
    assert correction.balance(POOL) == -900
    filed(database, correction, block=8)
    with database.reading() as connection:
        assert queries.whole(connection, DAY).balances == truth.balances
    assert line.identity not in {x.identity for x in correction.lines}, (
        "what the court set right is not set right again"
    )


def test_line_names_its_leaf_in_each_version_and_what_the_court_moved(database: Database, truth: Statement) -> None:
    posted, line = lied(truth)
    filed(database, posted, block=5)
    tell(database, upheld(posted, line, -400, block=6))
    with database.reading() as connection:
        standing = queries.whole(connection, DAY)
    correction = correct(standing, truth, previous_root=settlement_tree(posted).root)
    filed(database, correction, block=8)
    with database.reading() as connection:
        found = queries.posted_lines(connection, DAY, queries.standing_statements(connection, DAY))
    first, second = found.lines[line.identity]
    assert (first.version, posted.line_at_leaf(first.leaf), first.amount_cents) == (1, line, line.amount_cents)
    change = correction.line_at_leaf(second.leaf)
    assert change is not None
    assert (second.version, change.identity, second.amount_cents) == (2, line.identity, -500)
    assert found.moved_cents == {line.identity: -400}


def test_void_statements_count_nothing_and_a_whole_one_takes_their_place(database: Database, truth: Statement) -> None:
    posted, line = lied(truth)
    filed(database, posted, block=5)
    tell(database, upheld(posted, line, -900, block=6))
    tell(database, StatementVoided(at=place(7), day=DAY.number, up_to=1))
    with database.reading() as connection:
        assert statements.voided_up_to(connection, DAY) == 1
        assert statements.final_at_s(connection, DAY) is None
        assert statements.decisions_of(connection, DAY) == []
        assert queries.standing_versions(connection, DAY) == []
        with pytest.raises(queries.SettlementUnknown):
            queries.whole(connection, DAY)
    again = restated(truth, 2)
    filed(database, again, block=9)
    with database.reading() as connection:
        assert queries.whole(connection, DAY) == again
        assert statements.final_at_s(connection, DAY) == 90_009
