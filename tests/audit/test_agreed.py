"""Protocol 7.6: a day is settled by what members agreed for it; another pack, grouping, fee or loss factor is named."""

from collections.abc import Callable

import pytest

from alliance.day import groups_document, one_group, tariff_document
from alliance.identity import Digest
from audit.verdict import Outcome, Verdict
from chain.charter import rule_hash
from chain.rulings import Agreed
from tests.audit.world import DAY, World, pack

PACK, VALUE = "protocol 7.6: the rule pack that members agreed", "protocol 7.6: the value that members agreed"


def agreement(world: World) -> dict[str, object]:
    """What the honest operator of the world keeps to."""
    return {
        "fee_bp": pack().fee_bp.value, "loss_ppm": pack().loss_ppm.value, "tariff": rule_hash(tariff_document(pack())),
        "groups": rule_hash(groups_document(one_group(world.stations[0], from_day=DAY))),
    }  # fmt: skip


def judged(audited: Callable[..., Verdict], monkeypatch: pytest.MonkeyPatch, found: Agreed) -> Verdict:
    monkeypatch.setattr("audit.documents.agreed", lambda events, day: found)
    return audited()


def test_day_passes_when_it_is_settled_by_what_members_agreed(audited, world: World, monkeypatch) -> None:
    found = Agreed(**agreement(world))  # type: ignore[arg-type]  # its own fields
    assert judged(audited, monkeypatch, found).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("fee_bp", 1, f"{VALUE} (fee_bp)"),
        ("loss_ppm", 1, f"{VALUE} (loss_ppm)"),
        ("tariff", Digest(b"\x01" * 32), PACK),
        ("groups", Digest(b"\x01" * 32), PACK),
    ],
)
def test_day_diverges_when_it_is_settled_by_something_else(
    audited, world: World, monkeypatch, field: str, value: object, rule: str
) -> None:
    found = Agreed(**agreement(world) | {field: value})  # type: ignore[arg-type]  # its own fields
    verdict = judged(audited, monkeypatch, found)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.divergence is not None
    assert verdict.divergence.rule == rule
