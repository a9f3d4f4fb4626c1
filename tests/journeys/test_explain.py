"""A demo day's plan is told to its owners: its parts sum to its cost to the cent, from the archive and from the service."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from alliance.certificate import certificate_from_plain
from alliance.why.check import check_why
from alliance.why.record import in_cents, why_from_plain
from cli.explain import app
from cli.plain_json import read_plain
from tests.demo_day import DAY, LiveDemo

PLANNED_MS = DAY.start_ms + 5 * 60_000
"""By now the epoch in which the day's plan was made is archived."""


def explain(*arguments: object) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.mark.slow
def test_the_demos_day_is_told_to_the_cent_from_archive_and_service(
    live_demo: Callable[..., LiveDemo], tmp_path: Path
) -> None:
    live = live_demo()
    live.begin()
    live.run_until(PLANNED_MS)
    place = live.played
    kept, record = tmp_path / "plan.json", tmp_path / "why.json"
    asked = ("--day", DAY, "--key", place.key)
    told = explain("--archive", place.archive, *asked, "--certificate", kept, "--out", record)
    assert told.exit_code == 0, told.output
    certificate = certificate_from_plain(read_plain(kept))
    why = why_from_plain(json.loads(record.read_text()))
    check_why(why, certificate)
    cost = f"{certificate.objective_microcents / 1e8:,.2f}"
    for lines in (why.flows, why.limits):
        assert sum(in_cents(lines, why.objective_microcents)) == round(certificate.objective_microcents / 1e6)
    assert told.stdout.count(cost) == 2
    for station in range(1, 7):
        assert f"储能站 {station}" in told.stdout
    assert explain("--url", place.service_url, *asked).stdout == told.stdout
    assert explain("--archive", place.archive, "--day", DAY.plus(5), "--key", place.key).exit_code == 2
