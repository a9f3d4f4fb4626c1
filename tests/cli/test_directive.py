"""`alliance directive`: the dispatcher's key, what is refused before anything is signed, and marks of a recorded trace."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.desk import PASSPHRASE_VARIABLE, envelope_of
from cli.directive import app
from edge.control.agc_score import Score, Standard, score, scored
from edge.control.response import Response
from oracle.directive import Envelope

RUNNER = CliRunner()
KW = 1_000


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "words")


def test_key_is_born_encrypted_and_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    first, again = RUNNER.invoke(app, ["key", str(file)]), RUNNER.invoke(app, ["key", str(file)])
    assert (first.exit_code, first.stdout) == (0, again.stdout)
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["address"] == first.stdout.strip()
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "other words")
    refused = RUNNER.invoke(app, ["key", str(file)])
    assert (refused.exit_code, "passphrase_wrong" in refused.stderr) == (1, True)
    monkeypatch.delenv(PASSPHRASE_VARIABLE)
    assert "passphrase_missing" in RUNNER.invoke(app, ["key", str(tmp_path / "none")]).stderr
    assert not (tmp_path / "none").exists(), "no key without a passphrase"


def test_envelope_is_read_from_json_and_strictly(tmp_path: Path) -> None:
    plain = {"droop": None, "reserveUpW": 5, "reserveDownW": 6, "reserveMs": 900_000, "safeWh": []}
    assert envelope_of(json.dumps(plain)) == Envelope(
        droop=None, reserve_up_w=5, reserve_down_w=6, reserve_ms=900_000, safe_wh=()
    )
    common = ["--key", "k", "--service", "http://127.0.0.1:1", "--deployment", "d", "--station", "1"]
    assert RUNNER.invoke(app, ["send", *common]).exit_code == 2, "neither a power nor an envelope"
    for wrong in ("{", "[]", json.dumps({**plain, "more": 1}), json.dumps({**plain, "reserveUpW": -1})):
        with pytest.raises(Exception, match=r"envelope_no_json|plain_malformed"):
            envelope_of(wrong)


def test_marks_are_the_formulas_of_the_rules() -> None:
    """1 MW rated: 480 kW/s·0.8… by hand: v = 0.8·300 kW in 2 s = 7,200 kW/min, K1 = 2 − 1,000/7,200."""
    answer = Response(
        before_w=0, lag_ms=3_000, rise_ms=5_000, settle_ms=6_000, deviation_w=2_000, wrong_way_w=0, contribution_ppm=0
    )
    found = score(answer, 300 * KW, rated_w=1_000 * KW, standard=Standard())
    k1, k2, k3 = 1_861_111, 1_800_000, 1_950_000
    assert found == Score(k1=k1, k2=k2, k3=k3, kp=6_532_500)
    slow = Response(
        before_w=0,
        lag_ms=200_000,
        rise_ms=900_000,
        settle_ms=None,
        deviation_w=90_000,
        wrong_way_w=0,
        contribution_ppm=0,
    )
    assert score(slow, 300 * KW, rated_w=1_000 * KW, standard=Standard()) == Score(
        k1=100_000, k2=100_000, k3=100_000, kp=1_000
    )


def test_each_change_of_the_set_point_is_measured_and_the_dead_zone_is_none(tmp_path: Path) -> None:
    trace = [(t, 0 if t < 11_000 else 300 * KW if t < 21_000 else 310 * KW) for t in range(0, 40_000, 100)]
    commands = [(10_000, 300 * KW), (12_000, 300 * KW), (20_000, 310 * KW)]
    ((_, asked_w, answer, marks),) = scored(trace, commands, rated_w=1_000 * KW, standard=Standard())
    assert (asked_w, answer.lag_ms, answer.settle_ms, answer.deviation_w) == (300 * KW, 1_000, 1_000, 0)
    assert marks is not None
    for name, pairs in (("trace", trace), ("commands", commands)):
        (tmp_path / f"{name}.csv").write_text("t_ms,power_w\n" + "".join(f"{t},{w}\n" for t, w in pairs))
    done = RUNNER.invoke(
        app, ["score", str(tmp_path / "trace.csv"), str(tmp_path / "commands.csv"), "--rated-w", "1000000", "--json"]
    )
    assert json.loads(done.stdout)[0]["k3Ppm"] == marks.k3 == 2_000_000 - 16_667
    (tmp_path / "commands.csv").write_text("t_ms,power_w\n1,x\n")
    done = RUNNER.invoke(
        app, ["score", str(tmp_path / "trace.csv"), str(tmp_path / "commands.csv"), "--rated-w", "1000000"]
    )
    assert (done.exit_code, "line_unread" in done.stderr) == (2, True)
