"""Stories of the rules (protocol 7.6): a day waits until it can be settled by what members agreed, and is paid then."""

import json

import pytest

from alliance.day import tariff_document
from alliance.identity import Digest
from alliance.rulepack import parse
from api import projection
from api.charter.queries import ruled
from api.jobs.follow import apply_event
from chain import charter
from chain.events import PackSet, Place
from tests.stories.tale import DAY, PACK, Tale

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stories")]


def agree(tale: Tale, pack_hash: Digest) -> None:
    """The service hears that members had agreed on a rule pack for the day."""
    with tale.platform.database.writing() as connection:
        head = projection.head_number(connection)
        at = Place(
            contract=tale.world.deployment["Charter"].address, block_number=head, block_hash=Digest(bytes(32)),
            log_index=1_000 + len(ruled(connection)), tx_hash=Digest(bytes(32)), timestamp_s=tale.world.now_s,
        )  # fmt: skip
        told = PackSet(at=at, kind=charter.TARIFF_PACK, from_day=DAY.number, pack_hash=pack_hash)
        apply_event(connection, told)


def test_day_is_not_settled_by_a_pack_that_members_did_not_agree(tale: Tale) -> None:
    """The operator filed one tariff, the members had voted another. No statement is made, and the operator is told why;
    when it is the filed tariff that they agreed on, the same day is settled."""
    agree(tale, Digest(b"\x01" * 32))
    with pytest.raises(AssertionError, match="rules_not_agreed"):
        tale.play_until_settled()
    assert tale.statements() == []

    agree(tale, charter.rule_hash(tariff_document(parse(json.loads(PACK.read_text())))))
    tale.play_until_settled()
    assert len(tale.statements()) == 1
