"""Protocol 11.8: a report that a person hands on says what was checked, against what, and what was found."""

import json
import re
from html import unescape
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alliance.statement import LineKind
from audit import report as reports
from audit.page import page
from audit.report import KINDS
from cli.audit import app
from tests.audit.world import DAY, Lies, World


@pytest.fixture
def audit(world: World, tmp_path: Path):
    def run(*more: str) -> Result:
        given = ["--rpc", world.anvil.url, "--archive", str(world.archive.folder)]
        return CliRunner().invoke(app, [*given, "--deployment", str(world.deployment_file), *more])

    return run


def files(folder: Path) -> tuple[str, ...]:
    return ("--report", str(folder / "out.html"), "--json-report", str(folder / "out.json"))


def text_of(folder: Path) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", (folder / "out.html").read_text(encoding="utf-8")))


def test_reports_name_block_version_and_counts_when_a_day_passes(honest: World, audit, tmp_path: Path) -> None:
    result = audit("--day", str(DAY), *files(tmp_path))
    assert result.exit_code == 0, result.output
    plain = json.loads((tmp_path / "out.json").read_text())
    head = honest.rpc.head()
    assert (plain["verdict"], plain["block"], plain["blockHash"]) == ("pass", head.number, "0x" + head.hash.hex())
    assert plain["stateProved"] is True
    assert plain["version"].startswith("storage-alliance ")
    assert plain["counts"]["readings"] > 1_000
    assert [one["verdict"] for one in plain["perDay"]] == ["pass"]
    text = text_of(tmp_path)
    for said in (plain["blockHash"], plain["version"], "通过", "Pass", f"{plain['counts']['readings']:,}", str(DAY)):
        assert said in text


def test_page_needs_nothing_else(honest: World, audit, tmp_path: Path) -> None:
    audit("--day", str(DAY), *files(tmp_path))
    html = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert not re.search(r"(?:src|href)\s*=|@import|url\(|<script|https?://(?!127\.0\.0\.1)", html)


def test_reports_hold_place_rule_and_both_sides_when_a_day_fails(world: World, audit, tmp_path: Path) -> None:
    world.play(Lies(post=False))
    result = audit("--day", str(DAY), "--all", *files(tmp_path))
    assert result.exit_code == 1
    (found,) = json.loads((tmp_path / "out.json").read_text())["divergences"]
    assert (found["day"], found["slot"], found["got"]) == (str(DAY), 96, "none")
    text = text_of(tmp_path)
    for said in (found["rule"], found["expected"], "不符", "slot 96"):
        assert said in text


def test_reports_list_a_members_money_that_sums_to_its_balance(honest: World, audit, tmp_path: Path) -> None:
    result = audit("--day", str(DAY), "--member", "1", *files(tmp_path))
    assert result.exit_code == 0, result.output
    (day,) = json.loads((tmp_path / "out.json").read_text())["perDay"]
    total = sum(row["amountCents"] for row in day["money"])
    assert total == day["balances"]["member:1"]
    assert f"{total:,}" in text_of(tmp_path)
    assert f"{total:,}" in result.output
    assert "energy_plan" in result.output


def test_every_kind_of_line_says_why_it_exists() -> None:
    assert set(KINDS) == set(LineKind)


def test_html_of_a_hostile_archive_is_text(honest: World, audit, tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>"
    result = audit("--day", str(DAY), "--deployment", str(tmp_path / bad.replace("/", "")), *files(tmp_path))
    assert result.exit_code == 2
    assert not (tmp_path / "out.html").exists()


@pytest.mark.parametrize(
    "more",
    [
        (), ("--day", str(DAY), "--month", "2026-03"), ("--from", str(DAY)), ("--month", "2026-13"), ("--month", "03"),
        ("--from", "2026-03-11", "--to", "2026-03-10"), ("--day", str(DAY), "--member", "1", "--lease", "1"),
    ],
)  # fmt: skip
def test_audit_is_refused_when_it_is_not_clear_what_is_asked(honest: World, audit, more: tuple[str, ...]) -> None:
    result = audit(*more)
    assert result.exit_code == 2
    assert "Usage" in result.output or "Invalid value" in result.output


def test_month_that_is_not_over_tells_which_days_pass(honest: World, audit, tmp_path: Path) -> None:
    result = audit("--month", "2026-03", "--cache", str(tmp_path / "cache"), *files(tmp_path))
    assert result.exit_code == 2, result.output
    plain = json.loads((tmp_path / "out.json").read_text())
    assert plain["days"] == ["2026-03-01", "2026-03-31"]
    assert [one["day"] for one in plain["perDay"] if one["verdict"] == "pass"] == [str(DAY)]
    assert "NOT READ 未能读取" in result.output.strip().splitlines()[-1]


def test_report_of_both_forms_is_made_by_the_same_facts(honest: World) -> None:
    from audit.auditor import audit_days
    from audit.blocks import FolderSource

    found = audit_days(honest.rpc, lambda: FolderSource(honest.archive.folder), honest.deployment, [DAY])
    named = {"version": "v <1>", "rerun": ["alliance", "audit", "<b>"], "made_at_ms": 0}
    assert reports.to_plain(found, **named)["madeAt"] == "1970-01-01T00:00:00.000Z"
    html = page(found, **named)
    assert "v &lt;1&gt;" in html
    assert "<b>" not in html
