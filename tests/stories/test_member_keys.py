"""Stories of a member's key: lost, stolen. The alliance moves the member; devices follow; the day is paid as it was read."""

import pytest

from alliance.identity import MemberId
from alliance.statement import QuantityStatus
from audit.verdict import Outcome
from chain import devices, registry
from chain.devices import DeviceRegistry
from chain.registry import AllianceRegistry
from chain.reverts import Reverted
from oracle.signature import SecpSigner
from tests.stories.tale import BRANCH_S, SLOT_WH, VALIDITY_S, Tale

METERED = QuantityStatus.METERED
RESCUED = SecpSigner(b"\x73" * 32)
"""The account by which the first member goes afterwards."""
HOUR_S = 3600
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stories")]


def move_first_member(tale: Tale) -> bytes:
    """What the alliance decides: member 1 goes by another account."""
    return registry.move_member(MemberId(1), RESCUED.address)


def owner_of_device(tale: Tale) -> bytes:
    view = DeviceRegistry(tale.world.rpc, tale.world.deployment["DeviceRegistry"].address)
    return view.identity_owner(tale.device(1))


def signed_in_as(tale: Tale, key: SecpSigner) -> int | None:
    """The member that a wallet is, by the service."""
    tale.tick(tale.world.now_s + 60)
    token = tale.sign_in(key)
    known = tale.client.get("/v1/session", headers={"Authorization": f"Bearer {token}"}).json()["member"]
    return None if known is None else int(known)


def paid_in_full(tale: Tale) -> bool:
    for station in (1, 2):
        assert [(q.status, q.net_wh) for q in tale.quantities(station)] == [(METERED, SLOT_WH)] * 96
    return tale.paid_cents(1) == tale.paid_cents(2) > 0


def test_lost_wallet_is_replaced_by_vote_and_not_a_cent_goes_astray(tale: Tale) -> None:
    """The first member's phone lies in the sea. Two others vote; an hour later the member goes by a new account: station,
    device and the day's pay are the member's as before, for they hang on its number and not on its key."""
    lost = tale.owner(1)
    assert signed_in_as(tale, lost) == 1
    tale.vote("AllianceRegistry", move_first_member(tale))
    tale.play_until(BRANCH_S + HOUR_S + 1800)
    tale.execute_vote()
    tale.send(tale.world.members[2], "DeviceRegistry", devices.follow_owner(tale.device(1)))
    assert owner_of_device(tale) == RESCUED.address
    assert signed_in_as(tale, RESCUED) == 1
    assert signed_in_as(tale, lost) is None

    verdict = tale.play_to_the_end()
    assert verdict.outcome is Outcome.PASS, verdict.line
    assert paid_in_full(tale)
    assert tale.standing().heading.roster == (1, 2, 3)


def test_thief_of_a_wallet_can_silence_a_box_for_an_hour_and_own_nothing(tale: Tale) -> None:
    """The thief revokes the box's key out of spite: its readings wait. The alliance moves the member; from then on the
    stolen account owns nothing, and what it still tries is refused by name. The attestor confirms the box's key again, its
    next segment reaches all that waited, and the day is paid in full."""
    thief, device, key = tale.owner(1), tale.device(1), tale.key(1)
    tale.vote("AllianceRegistry", move_first_member(tale))
    tale.revoke(1, key)
    tale.play_until(BRANCH_S + HOUR_S + 1800)
    assert set(tale.refusals) == {"signer_lapsed"}
    tale.execute_vote()

    elsewhere = devices.change_owner(device, tale.owner(2).address)
    report = devices.compromised_since(device, key.address, epoch=1)
    for attempt in (elsewhere, report, devices.revoke_delegate(device, key.address)):
        with pytest.raises(Reverted, match="OwnerMoved"):
            tale.send(thief, "DeviceRegistry", attempt)
    tale.send(tale.world.members[2], "DeviceRegistry", devices.follow_owner(device))
    again = devices.confirm_delegate(device, key.address, validity_s=VALIDITY_S)
    tale.send(tale.world.attestor, "DeviceRegistry", again)

    verdict = tale.play_to_the_end()
    assert verdict.outcome is Outcome.PASS, verdict.line
    assert tale.sites[1].unsent == []
    assert paid_in_full(tale)
    book = AllianceRegistry(tale.world.rpc, tale.world.deployment["AllianceRegistry"].address)
    assert book.member_number(thief.address) is None
