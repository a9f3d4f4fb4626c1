"""Protocol 11.2, 6: what a node leaves out or makes up is seen, and keys are judged by place and time."""

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from alliance.identity import Address
from audit.auditor import audit_day, audit_evidence, read_chain
from audit.blocks import FolderSource
from audit.facts import Facts
from audit.keys import Keyring, Standing
from audit.verdict import Outcome, Verdict
from chain.devices import VERI_KEY
from chain.events import (
    ChannelBound,
    Checkpoint,
    DelegateConfirmed,
    DIDDelegateChanged,
    DIDOwnerChanged,
    MemberAdmitted,
    Place,
    RosterChanged,
    SignerFrozen,
)
from chain.rpc import Rpc
from oracle.hashing import sha256
from tests.audit.world import BOXES, DAY, METER, OWNERS, STRANGER, World

BOX = BOXES[0].address
OTHER = STRANGER.address


@pytest.fixture
def facts(honest: World) -> Facts:
    return read_chain(honest.rpc, honest.deployment, DAY)


@pytest.fixture
def audit(honest: World) -> Callable[[Facts], Verdict]:
    return lambda facts: audit_evidence(facts, lambda: FolderSource(honest.archive.folder), DAY)


def without(facts: Facts, kind: type, nth: int) -> Facts:
    dropped = facts.of(kind)[nth]
    return replace(facts, events=tuple(e for e in facts.events if e is not dropped))


@pytest.mark.parametrize("nth", [0, 50, -1])
def test_checkpoint_that_a_node_leaves_out_is_missed(facts, audit, nth: int) -> None:
    verdict = audit(without(facts, Checkpoint, nth))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.divergence.rule.startswith("protocol 5:")


@pytest.mark.parametrize(
    "bend",
    [lambda c: replace(c, root=sha256(b"x")), lambda c: replace(c, size=c.size + 1), lambda c: replace(c, size=0)],
)
def test_checkpoint_that_a_node_makes_up_is_found(facts, audit, bend: Callable) -> None:
    real = facts.of(Checkpoint)[40]
    bent = replace(facts, events=tuple(bend(e) if e is real else e for e in facts.events))
    assert audit(bent).outcome is Outcome.FAIL


@pytest.mark.parametrize("kind", [ChannelBound, DelegateConfirmed])
def test_registry_event_that_a_node_leaves_out_is_missed(facts, audit, kind: type) -> None:
    dropped = facts.of(kind)[1]
    bent = replace(facts, events=tuple(e for e in facts.events if e.at.tx_hash != dropped.at.tx_hash))
    verdict = audit(bent)
    assert verdict.outcome is Outcome.FAIL
    assert "previousChange" in verdict.divergence.rule
    assert verdict.divergence.where.device == dropped.device


def test_roster_that_a_node_makes_up_is_found(facts, audit) -> None:
    last = facts.of(RosterChanged)[-1]
    bent = replace(facts, events=tuple(replace(e, members=e.members[:-1]) if e is last else e for e in facts.events))
    verdict = audit(bent)
    assert verdict.outcome is Outcome.FAIL
    assert "8.2.1" in verdict.divergence.rule


def test_member_that_a_node_leaves_out_is_missed(facts, audit) -> None:
    verdict = audit(without(facts, MemberAdmitted, 0))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.divergence.where.station == 1


def test_nothing_is_judged_when_the_chain_is_reorganised_during_the_audit(honest: World) -> None:
    asked = {"count": 0}

    class Fickle(httpx.HTTPTransport):
        """A node whose head becomes another block once the events were read."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            reply = super().handle_request(request)
            if b'"eth_getLogs"' in request.content:
                asked["count"] += 1
            if asked["count"] and b'"eth_getBlockByNumber"' in request.content:
                head = hex(honest.rpc.block_number()).encode()
                if b'["' + head + b'"' in request.content.replace(b" ", b""):
                    body = reply.read().replace(b'"hash":"0x', b'"hash":"0xdead', 1)
                    cut = body.index(b"0xdead") + 2 + 64
                    return httpx.Response(200, content=body[:cut] + body[cut + 4 :])
            return reply

    with Rpc(honest.anvil.url, transport=Fickle()) as node:
        verdict = audit_day(node, lambda: FolderSource(honest.archive.folder), honest.deployment, DAY)
    assert verdict.outcome is Outcome.UNREAD
    assert verdict.unread.what == "chain"


# Keys


def place(facts: Facts, *, block: int, index: int = 0, time_s: int = 2_000_000_000) -> Place:
    return replace(facts.events[0].at, block_number=block, log_index=index, timestamp_s=time_s)


def confirmed(at: Place, key: Address, *, valid_to_s: int) -> DelegateConfirmed:
    return DelegateConfirmed(at=at, device=BOX, delegate=key, valid_to_s=valid_to_s, by=BOX, previous_change=0)


def revoked(at: Place, key: Address) -> DIDDelegateChanged:
    return DIDDelegateChanged(
        at=at, identity=BOX, delegate_type=VERI_KEY, delegate=key, valid_to_s=at.timestamp_s - 1, previous_change=0
    )


def keyring(facts: Facts, *events: object) -> Keyring:
    return Keyring(replace(facts, events=events))


def test_key_is_a_stranger_before_it_is_confirmed_and_valid_after(facts: Facts) -> None:
    ring = keyring(facts, confirmed(place(facts, block=10, index=3), OTHER, valid_to_s=3_000_000_000))
    assert ring.standing(BOX, OTHER, place(facts, block=10, index=2)) is Standing.STRANGER
    assert ring.standing(BOX, OTHER, place(facts, block=10, index=4)) is Standing.VALID
    assert ring.standing(BOX, BOX, place(facts, block=11)) is Standing.STRANGER
    assert ring.standing(OWNERS[0].address, OTHER, place(facts, block=11)) is Standing.STRANGER


def test_key_lapses_at_its_expiry_by_the_blocks_time(facts: Facts) -> None:
    ring = keyring(facts, confirmed(place(facts, block=10), OTHER, valid_to_s=2_000_000_100))
    assert ring.standing(BOX, OTHER, place(facts, block=20, time_s=2_000_000_099)) is Standing.VALID
    assert ring.standing(BOX, OTHER, place(facts, block=20, time_s=2_000_000_100)) is Standing.LAPSED


def test_key_lapses_when_it_is_revoked_or_frozen_and_not_before_in_the_same_block(facts: Facts) -> None:
    given = confirmed(place(facts, block=10), OTHER, valid_to_s=3_000_000_000)
    frozen = SignerFrozen(
        at=place(facts, block=20, index=5), device=BOX, signer=OTHER, channel=METER, first=sha256(b"a"),
        second=sha256(b"b"), size=9,
    )  # fmt: skip
    for end in (revoked(place(facts, block=20, index=5), OTHER), frozen):
        ring = keyring(facts, given, end)
        assert ring.standing(BOX, OTHER, place(facts, block=20, index=4)) is Standing.VALID
        assert ring.standing(BOX, OTHER, place(facts, block=20, index=6)) is Standing.LAPSED
    assert keyring(facts, given, frozen).frozen(BOX, as_of_block=20) == {OTHER}
    assert keyring(facts, given, frozen).frozen(BOX, as_of_block=19) == set()


def test_key_is_valid_again_when_it_is_confirmed_again(facts: Facts) -> None:
    ring = keyring(
        facts, confirmed(place(facts, block=10), OTHER, valid_to_s=3_000_000_000), revoked(place(facts, block=20), OTHER),
        confirmed(place(facts, block=30), OTHER, valid_to_s=3_000_000_000),
    )  # fmt: skip
    assert ring.standing(BOX, OTHER, place(facts, block=25)) is Standing.LAPSED
    assert ring.standing(BOX, OTHER, place(facts, block=35)) is Standing.VALID


def test_plain_delegate_proves_no_reading(facts: Facts) -> None:
    added = replace(revoked(place(facts, block=10), OTHER), valid_to_s=3_000_000_000)
    assert keyring(facts, added).standing(BOX, OTHER, place(facts, block=20)) is Standing.STRANGER


def test_owner_never_signs_for_its_own_meter(facts: Facts) -> None:
    given = confirmed(place(facts, block=10), OTHER, valid_to_s=3_000_000_000)
    changed = DIDOwnerChanged(at=place(facts, block=20), identity=BOX, owner=OTHER, previous_change=0)
    ring = keyring(facts, given, changed)
    assert ring.standing(BOX, OTHER, place(facts, block=15)) is Standing.VALID
    assert ring.standing(BOX, OTHER, place(facts, block=25)) is Standing.OWNER
