"""Protocol 3.6 and 6.4 at ingest: keys of other curves, segments of lapsed keys, and continuations by two keys."""

from dataclasses import replace

import pytest

from alliance.segment import Head
from chain import devices
from oracle.eip712 import rotate_key_digest
from oracle.signature import Ed25519Signer, P256Signer, SecpSigner

T0 = 1_767_204_000_000
STEP_MS = 300_000
DAY_S = 86_400
SIGNERS = [P256Signer(b"\x51" * 32), Ed25519Signer(b"\x52" * 32)]


def codes(answer: dict) -> list[object]:
    return [refused["code"] for refused in answer["refused"]]


def confirm(service, key) -> None:
    device = service.world.device_keys[0].address
    call = devices.confirm_key(device, alg=key.alg, public_key=key.public_key, validity_s=DAY_S)
    service.world.send(service.world.attestor, "DeviceRegistry", call)
    service.tick(service.world.now_s + 60)


def revoke(service, key) -> None:
    device = service.world.device_keys[0].address
    service.world.send(service.world.members[0], "DeviceRegistry", devices.revoke_delegate(device, key.address))
    service.tick(service.world.now_s + 60)


@pytest.mark.parametrize("key", SIGNERS, ids=lambda key: f"alg {key.alg}")
def test_stream_goes_on_with_a_key_of_another_curve_once_an_attestor_confirmed_it(service, key) -> None:
    box = service.box()
    device = box.device
    assert len(service.upload(box.seal(T0))["acks"]) == 1
    box.key, box.device = key, device
    assert codes(service.upload(box.seal(T0 + STEP_MS, advance=False))) == ["signer_unknown"]
    confirm(service, key)
    good = box.seal(T0 + STEP_MS)
    bent = replace(
        good, signed=replace(good.signed, signature=good.signed.signature[:31] + b"\0" + good.signed.signature[32:])
    )
    assert codes(service.upload(bent)) == ["signer_unknown"]
    first = service.upload(good)
    assert len(first["acks"]) == 1
    assert service.upload(good) == first, "a retry is acknowledged again"
    (shown,) = [
        one for one in service.client.get("/v1/devices").json()["items"] if one["device"] == "0x" + device.hex()
    ]
    assert "0x" + key.address.hex() in {one["key"] for one in shown["keys"]}
    revoke(service, key)
    assert codes(service.upload(box.seal(T0 + 2 * STEP_MS))) == ["signer_lapsed"]


def test_sm2_is_refused_by_name(service) -> None:
    sealed = service.box().seal(T0)
    (refused,) = service.upload(replace(sealed, signed=replace(sealed.signed, alg=4)))["refused"]
    assert (refused["code"], "SM2" in str(refused["detail"])) == ("algorithm_unknown", True)


def test_outgoing_key_hands_over_to_a_key_of_another_curve(service) -> None:
    world, box, key = service.world, service.box(), SIGNERS[0]
    named = rotate_key_digest(
        world.deployment.domain, device=box.device, alg=2, public_key=key.public_key, validity_s=DAY_S, nonce=1
    )
    call = devices.rotate_key(
        box.device, alg=2, public_key=key.public_key, validity_s=DAY_S, signature=box.key.sign(named)
    )
    service.upload(box.seal(T0))
    world.send(world.members[2], "DeviceRegistry", call)
    service.tick(world.now_s + 60)
    old = box.seal(T0 + STEP_MS)
    box.key = key
    new = box.seal(T0 + 2 * STEP_MS)
    assert codes(service.upload(old)) == ["signer_lapsed"]
    answer = service.upload(old, new)
    assert (len(answer["acks"]), answer["refused"]) == (2, []), "the valid key's segment reaches the lapsed one's"


def test_lapsed_segments_are_taken_when_a_valid_one_reaches_them_and_not_by_another_streams_word(service) -> None:
    world, box, new = service.world, service.box(), SecpSigner(b"\x61" * 32)
    service.upload(box.seal(T0))
    confirm_call = devices.confirm_delegate(box.device, new.address, validity_s=DAY_S)
    world.send(world.attestor, "DeviceRegistry", confirm_call)
    revoke(service, box.key)
    device, lapsed = box.device, [box.seal(T0 + STEP_MS), box.seal(T0 + 2 * STEP_MS)]
    box.key, box.device = new, device
    reaching = box.seal(T0 + 3 * STEP_MS)
    liar = service.box(2)
    liar.head = Head(next_seq=0, digest=lapsed[1].signed.digest)
    answer = service.upload(*lapsed, liar.seal(T0))
    assert codes(answer) == ["signer_lapsed", "signer_lapsed", "stream_broken"]
    assert codes(service.upload(*lapsed)) == ["signer_lapsed", "signer_lapsed"]
    assert len(service.upload(*lapsed, reaching)["acks"]) == 3


def test_second_continuation_is_superseded_when_another_key_continued_first(service) -> None:
    world, box, new = service.world, service.box(), SecpSigner(b"\x62" * 32)
    service.upload(box.seal(T0))
    world.send(world.attestor, "DeviceRegistry", devices.confirm_delegate(box.device, new.address, validity_s=DAY_S))
    service.tick(world.now_s + 60)
    old = box.seal(T0 + STEP_MS, advance=False)
    box.key = new
    kept = box.seal(T0 + STEP_MS, 6)
    assert len(service.upload(kept)["acks"]) == 1
    (refused,) = service.upload(old)["refused"]
    assert (refused["code"], refused["facts"]["kept"]) == ("segment_superseded", "0x" + kept.signed.digest.hex())


def test_heads_say_where_a_box_that_lost_its_head_goes_on(service) -> None:
    box = service.box()
    sealed = box.seal(T0)
    service.upload(sealed)
    path = f"/v1/segments/heads/0x{box.device.hex()}"
    (head,) = service.client.get(path).json()["items"]
    want = {"channel": 1, "nextSeq": 5, "digest": "0x" + sealed.signed.digest.hex()}
    assert head == want | {"anchored": False}
    service.run_until(T0 // 1000 + 900 + 300)
    assert service.client.get(path).json()["items"] == [want | {"anchored": True}]
    assert service.client.get("/v1/segments/heads/0x" + "11" * 20).json() == {"items": []}
