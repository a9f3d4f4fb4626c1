"""Stories of a device's key: revoked, rotated, lost, stolen. Each ends with the day audited, and what is paid for it."""

import pytest

from alliance.calendar import SLOT_MS
from alliance.statement import QuantityStatus
from audit.verdict import Outcome, Verdict
from chain import anchors, devices
from chain.reverts import Reverted
from oracle.eip712 import rotate_digest
from oracle.segment import SealedSegment
from oracle.signature import Ed25519Signer, P256Signer, SecpSigner
from tests.stories.tale import BRANCH_S, SLOT_WH, VALIDITY_S, Tale

METERED, ESTIMATED, ASSUMED = QuantityStatus.METERED, QuantityStatus.ESTIMATED, QuantityStatus.ASSUMED
NEXT = SecpSigner(b"\x71" * 32)
HOUR_S = 3600
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stories")]


def passed(verdict: Verdict) -> bool:
    assert verdict.outcome is Outcome.PASS, verdict.line
    return True


def statuses(tale: Tale, station: int) -> list[QuantityStatus]:
    return [quantity.status for quantity in tale.quantities(station)]


def neighbour_is_paid_in_full(tale: Tale) -> bool:
    """Whatever happens to the first station's key, the second station's day is an ordinary one."""
    return [(q.status, q.net_wh) for q in tale.quantities(2)] == [(METERED, SLOT_WH)] * 96


def test_an_ordinary_day_is_paid_to_the_meter(tale: Tale) -> None:
    assert passed(tale.play_to_the_end())
    assert [(q.status, q.net_wh) for q in tale.quantities(1)] == [(METERED, SLOT_WH)] * 96
    assert neighbour_is_paid_in_full(tale)
    assert tale.paid_cents(1) == tale.paid_cents(2) > 0


def test_revoked_key_signs_no_more_and_nothing_that_it_signed_too_late_is_paid(tale: Tale) -> None:
    """At half past ten the owner revokes the key of his box. The platform has acknowledged the slot before, but the log
    has not: that segment stands in the log and does not count. Nobody puts another key in its place."""
    half_past_ten = BRANCH_S + HOUR_S + HOUR_S // 2
    tale.play_until(half_past_ten - 900)
    tale.measure(half_past_ten)
    assert tale.refusals == []
    tale.revoke(1, tale.key(1))  # between the acknowledgement and the checkpoint
    tale.close_epoch(half_past_ten)

    verdict = tale.play_to_the_end()
    assert set(tale.refusals) == {"signer_lapsed"}
    assert passed(verdict)
    assert statuses(tale, 1) == [METERED] * 89 + [ASSUMED] * 7
    assert sum(q.net_wh for q in tale.quantities(1)) == 89 * SLOT_WH
    assert neighbour_is_paid_in_full(tale)
    assert tale.paid_cents(1) < tale.paid_cents(2)


def test_readings_of_a_revoked_key_are_paid_once_the_next_key_reaches_them(tale: Tale) -> None:
    """The same evening; but after the first statement an attestor confirms a new key on the box, which kept its readings.
    Its first segment reaches back through all that waited, and a correction pays what was read."""
    half_past_ten = BRANCH_S + HOUR_S + HOUR_S // 2
    tale.play_until(half_past_ten - 900)
    tale.measure(half_past_ten)
    tale.revoke(1, tale.key(1))
    tale.close_epoch(half_past_ten)
    tale.play_until_settled()
    assert len(tale.statements()) == 1
    assert statuses(tale, 1) == [METERED] * 89 + [ASSUMED] * 7
    short = tale.paid_cents(1)

    tale.confirm(1, NEXT)
    tale.sites[1].sign_with(NEXT)
    assert passed(tale.play_to_the_end())
    assert len(tale.statements()) == 2, "a linked correction"
    assert statuses(tale, 1) == [METERED] * 96
    assert short < tale.paid_cents(1) == tale.paid_cents(2)


def test_rotated_key_hands_over_without_a_gap_even_while_the_box_was_cut_off(tale: Tale) -> None:
    """The line is down at ten; the box is told to change its key, its old one signs for the new one, a stranger brings
    that to the chain. When the line is back, old and new segments go up together."""
    tale.sites[1].offline = True
    tale.play_until(BRANCH_S + HOUR_S)
    device, outgoing = tale.device(1), tale.key(1)
    named = rotate_digest(
        tale.world.deployment.domain, device=device, new_key=NEXT.address, validity_s=VALIDITY_S, nonce=1
    )
    call = devices.rotate(device, NEXT.address, validity_s=VALIDITY_S, signature=outgoing.sign(named))
    tale.send(tale.world.members[2], "DeviceRegistry", call)
    tale.sites[1].sign_with(NEXT)
    tale.play_until(BRANCH_S + 2 * HOUR_S)
    assert len(tale.sites[1].unsent) == 16, "eight slots of two channels, half of them signed by a key that lapsed"
    tale.sites[1].offline = False

    assert passed(tale.play_to_the_end())
    assert tale.refusals == []
    assert [(q.status, q.net_wh) for q in tale.quantities(1)] == [(METERED, SLOT_WH)] * 96
    assert tale.paid_cents(1) == tale.paid_cents(2)


def test_key_of_another_curve_takes_over_and_the_auditor_finds_it_on_the_chain(tale: Tale) -> None:
    """The new box has a secure element that speaks Ed25519: the attestor confirms its public key."""
    key = Ed25519Signer(b"\x72" * 32)
    tale.play_until(BRANCH_S + HOUR_S)
    call = devices.confirm_key(tale.device(1), alg=3, public_key=key.public_key, validity_s=VALIDITY_S)
    tale.send(tale.world.attestor, "DeviceRegistry", call)
    tale.revoke(1, tale.key(1))
    tale.sites[1].sign_with(key)
    assert passed(tale.play_to_the_end())
    assert statuses(tale, 1) == [METERED] * 96
    assert tale.paid_cents(1) == tale.paid_cents(2)


def test_lost_key_costs_the_meters_nothing_because_its_register_ran_on(tale: Tale) -> None:
    """At ten the box dies, its key with it. At eleven a new box stands there under the device's old name: an attestor
    confirmed its key, and it goes on where the log ends. What lies between is estimated from the signed registers."""
    tale.play_until(BRANCH_S + HOUR_S)
    site = tale.sites[1]
    site.silent = True
    tale.play_until(BRANCH_S + 2 * HOUR_S)

    tale.confirm(1, NEXT)
    heads = tale.client.get(f"/v1/segments/heads/0x{site.device.hex()}").json()["items"]
    assert all(head["anchored"] for head in heads)
    assert heads[0]["digest"] == "0x" + site.meter.head.digest.hex()
    site.sign_with(NEXT)
    site.meter.export_wh += 4 * SLOT_WH  # the meter behind the box never stopped
    site.silent = False

    assert passed(tale.play_to_the_end())
    assert statuses(tale, 1) == [METERED] * 88 + [ESTIMATED] * 5 + [METERED] * 3
    assert sum(q.net_wh for q in tale.quantities(1)) == 96 * SLOT_WH
    assert tale.standing().provisional_slots
    assert neighbour_is_paid_in_full(tale)


def test_stolen_key_is_reported_and_what_it_may_have_touched_is_paid_under_dispute(tale: Tale) -> None:
    """At eleven the owner learns that the key was copied at ten. He reports it: it signs no more, and everything since ten
    is disputed. It is paid as it stands; whoever doubts it knows which lines."""
    ten = BRANCH_S + HOUR_S
    tale.play_until(ten + HOUR_S)
    since = ten * 1000 // SLOT_MS
    tale.send(
        tale.owner(1), "DeviceRegistry", devices.compromised_since(tale.device(1), tale.key(1).address, epoch=since)
    )
    assert thief_is_refused(tale) == ["signer_lapsed"]
    tale.confirm(1, NEXT)
    tale.sites[1].sign_with(NEXT)

    assert passed(tale.play_to_the_end())
    quantities = tale.quantities(1)
    assert [q.status for q in quantities] == [METERED] * 96
    disputed = [q.slot for q in quantities if q.disputed]
    assert disputed == list(range(88, 93)), "from ten to eleven, and the slot that begins on the last disputed register"
    assert {line.slot for line in tale.standing().disputed_lines} == set(disputed)
    assert not any(q.disputed for q in tale.quantities(2))
    assert tale.paid_cents(1) == tale.paid_cents(2), "disputed is not unpaid"


def test_report_after_the_statement_marks_the_day_while_it_is_not_final(tale: Tale) -> None:
    """The theft comes out after midnight, when the day is settled and not final: a correction marks its lines and moves
    not one cent."""
    tale.play_until_settled()
    assert not any(q.disputed for q in tale.quantities(1))
    paid = tale.paid_cents(1)
    since = (BRANCH_S + HOUR_S) * 1000 // SLOT_MS
    tale.send(
        tale.owner(1), "DeviceRegistry", devices.compromised_since(tale.device(1), tale.key(1).address, epoch=since)
    )
    assert passed(tale.play_to_the_end())
    first, correction = tale.statements()
    assert [q.slot for q in tale.quantities(1) if q.disputed] == list(range(88, 96))
    assert (correction.lines, first.heading.version) == ((), 1)
    assert tale.paid_cents(1) == paid


def test_thief_who_signs_a_second_history_freezes_the_stolen_key_with_it(tale: Tale) -> None:
    """The thief is quicker than the owner: he signs another segment for a place that is taken. The platform keeps both,
    a neighbour brings them to the chain, and the key freezes; the owner's new key goes on."""
    ten, site = BRANCH_S + HOUR_S, tale.sites[1]
    tale.play_until(ten - 900)
    forged = forgery(tale)
    tale.measure(ten)
    honest = site.latest[0]
    (refused,) = tale.upload(forged)["refused"]
    assert refused["code"] == "segment_conflicts"
    (found,) = tale.client.get("/v1/segments/conflicts").json()["items"]
    assert found["refused"]["digest"] == "0x" + forged.signed.digest.hex()

    tale.send(tale.owner(2), "AnchorLog", anchors.equivocate(honest.signed, forged.signed))
    tale.confirm(1, NEXT)
    site.sign_with(NEXT)
    tale.close_epoch(ten)
    assert passed(tale.play_to_the_end())
    assert set(tale.refusals) == set(), "the honest box never noticed"
    assert [(q.status, q.net_wh) for q in tale.quantities(1)] == [(METERED, SLOT_WH)] * 96
    assert neighbour_is_paid_in_full(tale)


def test_stolen_key_of_another_curve_is_stopped_by_report_and_replaced_by_the_attestors_word(tale: Tale) -> None:
    """A P-256 key is copied. The chain cannot check what it signs: neither does the key name its own successor, nor do its
    two histories freeze it. The owner's report stops it and disputes what it touched; an attestor confirms the next one."""
    stolen, device, ten = P256Signer(b"\x74" * 32), tale.device(1), BRANCH_S + HOUR_S
    call = devices.confirm_key(device, alg=2, public_key=stolen.public_key, validity_s=VALIDITY_S)
    tale.send(tale.world.attestor, "DeviceRegistry", call)
    tale.revoke(1, tale.key(1))
    tale.sites[1].sign_with(stolen)
    tale.play_until(ten - 900)
    forged = forgery(tale)
    tale.measure(ten)
    assert [refusal["code"] for refusal in tale.upload(forged)["refused"]] == ["segment_conflicts"]
    with pytest.raises(Reverted):
        tale.send(tale.owner(2), "AnchorLog", anchors.equivocate(tale.sites[1].latest[0].signed, forged.signed))
    named = rotate_digest(
        tale.world.deployment.domain, device=device, new_key=NEXT.address, validity_s=VALIDITY_S, nonce=2
    )
    itself = devices.rotate(device, NEXT.address, validity_s=VALIDITY_S, signature=stolen.sign(named))
    with pytest.raises(Reverted):
        tale.send(tale.world.members[2], "DeviceRegistry", itself)

    report = devices.compromised_since(device, stolen.address, epoch=ten * 1000 // SLOT_MS - 1)
    tale.send(tale.owner(1), "DeviceRegistry", report)
    tale.confirm(1, NEXT)
    tale.sites[1].sign_with(NEXT)
    tale.close_epoch(ten)
    assert passed(tale.play_to_the_end())
    assert [(q.status, q.net_wh) for q in tale.quantities(1)] == [(METERED, SLOT_WH)] * 96
    assert neighbour_is_paid_in_full(tale)


def forgery(tale: Tale) -> SealedSegment:
    """What a thief signs with the stolen key for the next place of the meter's stream: ten times the energy."""
    meter = tale.sites[1].meter
    return meter.seal(tale.world.now_s * 1000, 3, export_step_wh=10 * SLOT_WH, advance=False)


def thief_is_refused(tale: Tale) -> list[object]:
    tale.tick(tale.world.now_s + 60)
    return [refusal["code"] for refusal in tale.upload(forgery(tale))["refused"]]
