"""Two implementations of the settlement rules give the same answers (invariant 8.10.13, promise P12)."""

from collections import Counter

import pytest

from tests.campaigns import settlement as campaign
from tests.settlement import agreement
from tests.settlement.questions import answer
from tests.settlement.second import Second

QUESTIONS, ANSWERS = agreement.read()


def test_vectors_are_what_this_implementation_answers() -> None:
    for question, held in zip(QUESTIONS, ANSWERS, strict=True):
        assert answer(question) == held, "run python -m tests.settlement.agreement"


def test_vectors_cover_days_refusals_and_corrections() -> None:
    found: Counter[str] = Counter()
    for question, held in zip(QUESTIONS, ANSWERS, strict=True):
        for part in held.get("versions", [held]):
            found[f"{question['ask']} {part.get('error', 'passed')}"] += 1
        found["corrections"] += len([part for part in held.get("versions", ()) if "root" in part]) > 1
    assert found["day passed"] > 180
    assert found["corrections"] > 30
    assert found["certificate passed"] > 5
    assert len(found) > 30, found


def test_the_second_implementation_gives_the_same_answers() -> None:
    with Second() as second:
        for question, held in zip(QUESTIONS[::10], ANSWERS[::10], strict=True):
            assert second.ask(question) == held


def test_difference_is_found_when_one_answer_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a rounding of one side alone shows at once."""
    from alliance import settlement

    monkeypatch.setattr(settlement, "energy_cents", lambda energy_wh, price: energy_wh * price // 1_000_000)
    with Second() as second:
        found = campaign.compare(second, agreement.days(range(6)))
    assert found.differences


@pytest.mark.campaign
def test_both_agree_when_a_campaign_asks() -> None:
    assert campaign.main(["--days", "300", "--papers", "60", "--plans", "40", "--sums", "2000"]) == 0
