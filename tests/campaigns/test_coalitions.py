"""The coalition campaign in short: the promise holds, the control is caught (make campaign-coalitions)."""

import json

import pytest

from tests.campaigns import coalitions
from tests.campaigns.coalitions import Found, judge, main


def test_no_coalition_leaves_a_split_by_prices_and_some_leave_one_by_power(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--instances", "4", "--members", "6", "--slots", "6"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["instances"] == 4
    assert told["members_most"] == 6
    assert told["prices_worst_excess_cents_per_member"] <= 1
    assert told["prices_proved_cents_per_member"] <= 1
    assert told["kw_unstable_instances"] >= 1
    assert told["binary_instances"] >= 1
    assert told["doctored_refused"] > 50


def test_the_campaign_notices_when_the_split_by_prices_is_not_by_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: prices replaced by equal parts of the gain."""
    from alliance import gain

    def equal(certificate, costs, bounds):  # type: ignore[no-untyped-def]
        members = certificate.problem.members
        return {m: gain.gain_microcents(costs, members) // len(members) for m in members}

    monkeypatch.setattr(gain, "by_prices", equal)
    found = Found()
    judge(found, 0, members=3, slots=6, negative=False)
    assert any("by prices" in wrong for wrong in found.wrong)
    assert coalitions.told(found)["wrong"]
