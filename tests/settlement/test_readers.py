"""Protocol 8.3.1, 9: plans and certificates are read quickly exactly as they are read strictly, or left to that reader."""

import random
from typing import Any

import pytest

from alliance import schedule as schedules
from alliance.certificate import Certificate
from alliance.errors import AllianceError
from alliance.schedule import Schedule
from tests.settlement.random_documents import certificates, documents, mutant

MUTANTS = 150


def _outcome(read: Any, kind: type, plain: object) -> tuple[str, object]:
    try:
        return "read", read(kind, plain)
    except AllianceError as refused:
        return type(refused).__name__, refused.facts


def _strict(kind: type, plain: object) -> object:
    return schedules._read(kind, plain, "it")


def _quick(kind: type, plain: object) -> object:
    return schedules.from_plain(kind, plain, where="it")


@pytest.mark.parametrize("seed", range(4))
def test_plan_is_read_alike_when_any_value_of_it_is_changed(seed: int) -> None:
    rng = random.Random(seed)
    asked = [(Certificate, "certificate", q) for q in certificates(range(seed * 3, seed * 3 + 3))]
    asked += [(Schedule, "schedule", q) for q in documents(rng) if q["ask"] == "schedule"]
    assert asked
    outcomes = set[str]()
    for kind, name, question in asked:
        plain = question["document"][name]
        assert schedules._reader(kind)(plain) == _strict(kind, plain)
        for _ in range(MUTANTS // len(asked)):
            inner = mutant(question, rng)["document"]
            if not isinstance(inner, dict) or name not in inner:
                continue
            want = _outcome(_strict, kind, inner[name])
            outcomes.add(want[0])
            assert _outcome(_quick, kind, inner[name]) == want
    assert {"read", "PlainWrong"} <= outcomes
