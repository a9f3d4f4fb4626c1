"""Protocol 8.9.4, 8.9.5, 11: what an outsider brings to court out of chain and archive, and what the audit makes of it."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from alliance.statement import LineKind, Statement
from audit.auditor import audit_day
from audit.blocks import FolderSource
from audit.docket import Case, gather
from audit.verdict import Outcome, Verdict
from chain import court
from cli.main import app
from oracle import deployment as deployments
from tests.audit.test_lies import moved
from tests.audit.world import DAY, Lies, World, key

RUNNER = CliRunner()


def judged(world: World) -> Verdict:
    return audit_day(world.rpc, lambda: FolderSource(world.archive.folder), world.deployment, DAY)


def case_of(world: World, leaf: int | None = None) -> Case:
    return gather(world.rpc, FolderSource(world.archive.folder), world.deployment, DAY, leaf=leaf)


def leaf_of(statement: Statement, kind: LineKind, slot: int = 40) -> int:
    at = next(i for i, x in enumerate(statement.lines) if (x.slot, x.kind) == (slot, kind))
    return len(statement.quantities) + len(statement.slot_totals) + at


def asked(world: World, tmp_path, leaf: int, *more: str) -> tuple[int, dict]:
    place = tmp_path / "deployment.json"
    place.write_text(json.dumps(deployments.to_plain(world.deployment)))
    command = [
        "dispute", str(DAY), "--leaf", str(leaf), "--rpc", world.anvil.url, "--archive", str(world.archive.folder),
        "--deployment", str(place), "--json", *more,
    ]  # fmt: skip
    done = RUNNER.invoke(app, command)
    return done.exit_code, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("kind", [LineKind.LEASE_RENT, LineKind.LEASE_WEAR])
def test_day_passes_again_when_an_outsider_had_a_wrong_cent_set_right(world: World, tmp_path, kind: LineKind) -> None:
    world.play(Lies(statement=lambda s: moved(s, kind, 700)[0]))
    assert judged(world).outcome is Outcome.FAIL
    statement = case_of(world).statement
    leaf = leaf_of(statement, kind)
    code, answer = asked(world, tmp_path, leaf)
    line = statement.line_at_leaf(leaf)
    assert line is not None
    assert (code, answer["verdict"], answer["expected"]) == (0, "wrong", line.amount_cents - 700)
    assert answer["posted"] == {
        "kind": kind.label,
        "slot": 40,
        "subject": line.subject,
        "amountCents": line.amount_cents,
    }
    case = case_of(world, leaf)
    call = court.dispute(case.docket, case.version, leaf)
    world.send(key("member 1"), call.contract, call.data)
    assert judged(world).outcome is Outcome.PASS
    assert asked(world, tmp_path, leaf)[1]["verdict"] == "right"


def test_right_leaf_is_told_to_be_right_when_it_is_disputed(honest: World, tmp_path) -> None:
    statement = case_of(honest).statement
    for kind in (LineKind.ENERGY_PLAN, LineKind.ENERGY_DEVIATION, LineKind.GRID_ENERGY, LineKind.LEASE_RENT):
        code, answer = asked(honest, tmp_path, leaf_of(statement, kind), "--dry-run")
        assert (code, answer["verdict"]) == (1, "right"), answer
    metered = next(i for i, q in enumerate(statement.quantities) if q.edge_from is not None)
    code, answer = asked(honest, tmp_path, metered)
    assert (code, answer["verdict"], answer["posted"]) == (1, "right", {"kind": "quantity"}), answer


def test_nothing_is_brought_when_the_leaf_or_the_node_is_not_there(honest: World, tmp_path) -> None:
    assert asked(honest, tmp_path, 10**6) == (
        2, {"verdict": "not brought", "why": asked(honest, tmp_path, 10**6)[1]["why"]}
    )  # fmt: skip
    done = RUNNER.invoke(
        app, ["dispute", str(DAY), "--leaf", "0", "--rpc", "http://127.0.0.1:9", "--archive", str(tmp_path)]
    )
    assert done.exit_code == 2


def test_statement_with_broken_books_is_no_statement_once_it_was_made_void(world: World) -> None:
    def broken(s: Statement) -> Statement:
        entries = [*s.entries]
        entries[5] = replace(entries[5], balance_cents=entries[5].balance_cents + 1)
        return replace(s, entries=tuple(entries))

    world.play(Lies(statement=broken))
    assert judged(world).outcome is Outcome.FAIL
    case = case_of(world)
    first = len(case.statement.quantities) + len(case.statement.slot_totals) + len(case.statement.lines)
    call = court.dispute(case.docket, case.version, first + 5)
    world.send(key("member 1"), call.contract, call.data)
    verdict = judged(world)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.divergence is not None
    assert (verdict.divergence.rule, verdict.divergence.got) == (
        "protocol 8.9: the day has a statement", "void up to version 1"
    )  # fmt: skip
