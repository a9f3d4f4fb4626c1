"""Protocol 10.2: every reason to refuse a segment, each kept as evidence; nothing else is disturbed."""

import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from alliance.identity import ZERO_DIGEST, Digest, digest
from api.segments.repository import conflicts, refused_segments, segments
from chain import devices
from oracle import cbor
from oracle import segment as oracle_segment
from oracle.eip712 import ack_digest
from oracle.segment import SealedSegment
from oracle.signature import HALF_ORDER, ORDER, SecpSigner, expand, recover

T0 = 1_767_204_000_000
"""The first epoch's start, UTC ms."""
MINUTE = 60_000


def rows(service, table) -> list:
    with service.platform.database.reading() as connection:
        return list(connection.execute(select(table)))


def stored(service) -> int:
    with service.platform.database.reading() as connection:
        return connection.execute(select(func.count()).select_from(segments)).scalar_one()


def refusal(service, *sealed: SealedSegment) -> dict:
    answer = service.upload(*sealed)
    assert answer["acks"] == []
    (only,) = answer["refused"]
    return only


def test_ack_is_signed_by_the_writer_and_names_the_open_epoch_when_a_segment_is_stored(service) -> None:
    service.clock.t_ms = T0 + 5 * MINUTE
    sealed = service.box().seal(T0 + MINUTE)
    answer = service.upload(sealed)
    (ack,) = answer["acks"]
    assert ack["segment"] == "0x" + sealed.signed.digest.hex()
    assert ack["epoch"] == T0 // 900_000
    signed = ack_digest(service.world.deployment.domain, segment=sealed.signed.digest, epoch=ack["epoch"])
    signature = bytes.fromhex(ack["signature"][2:])
    assert recover(signed, alg=1, signature=signature) == service.world.writer.address
    assert stored(service) == 1


def test_ack_is_identical_when_a_segment_is_replayed(service) -> None:
    sealed = service.box().seal(T0)
    first = service.upload(sealed)
    service.clock.t_ms += 3 * 3_600_000
    assert service.upload(sealed, sealed) == {"acks": first["acks"] * 2, "refused": []}
    assert stored(service) == 1
    assert rows(service, refused_segments) == []


def test_all_segments_are_stored_when_a_batch_continues_several_streams(service) -> None:
    meter, battery, other = service.box(), service.box(channel=2), service.box(2)
    batch = [meter.seal(T0), battery.seal(T0), meter.seal(T0 + 300_000), other.seal(T0), battery.seal(T0 + 300_000, 0)]
    answer = service.upload(*batch)
    assert len(answer["acks"]) == 5
    assert answer["refused"] == []


def altered_reading(service) -> SealedSegment:
    sealed = service.box().seal(T0)
    raw = bytearray(sealed.readings)
    raw[30] ^= 1
    return replace(sealed, readings=bytes(raw))


def altered_field(service) -> SealedSegment:
    sealed = service.box().seal(T0)
    signed = sealed.signed
    return replace(sealed, signed=replace(signed, segment=replace(signed.segment, t_last_ms=T0 + 1)))


def unknown_key(service) -> SealedSegment:
    box = service.box()
    box.key, box.device = SecpSigner(b"\x55" * 32), box.device
    return box.seal(T0)


def unknown_device(service) -> SealedSegment:
    box = service.box()
    box.key = SecpSigner(b"\x56" * 32)
    box.device = box.key.address
    return box.seal(T0)


def unknown_channel(service) -> SealedSegment:
    return service.box(channel=9).seal(T0)


def skipped_sequence(service) -> SealedSegment:
    box = service.box()
    box.seal(T0)
    return box.seal(T0 + 300_000)


def wrong_prev(service) -> SealedSegment:
    box = service.box()
    box.head = replace(box.head, digest=Digest(b"\x09" * 32))
    return box.seal(T0)


def backwards_inside(service) -> SealedSegment:
    box = service.box()
    box.export_wh = 1000
    return box.seal(T0, export_step_wh=-1)


def wrong_secret(service) -> SealedSegment:
    return replace(service.box().seal(T0), secret=Digest(b"\x01" * 32))


def high_s(service) -> SealedSegment:
    """The lowest s above half the order: larger ones have no place beside the parity bit of the 64 bytes."""
    sealed = service.box().seal(T0)
    signature = sealed.signed.signature[:32] + (HALF_ORDER + 1).to_bytes(32, "big")
    return replace(sealed, signed=replace(sealed.signed, signature=signature))


def high_s_of_65_bytes(service) -> SealedSegment:
    """The mirrored signature as other libraries write it: r, n - s, v."""
    sealed = service.box().seal(T0)
    wide = expand(sealed.signed.signature)
    mirrored = wide[:32] + (ORDER - int.from_bytes(wide[32:64], "big")).to_bytes(32, "big") + bytes([55 - wide[64]])
    return replace(sealed, signed=replace(sealed.signed, signature=mirrored))


def unknown_algorithm(service) -> SealedSegment:
    sealed = service.box().seal(T0)
    return replace(sealed, signed=replace(sealed.signed, alg=4))


def short_signature(service) -> SealedSegment:
    sealed = service.box().seal(T0)
    return replace(sealed, signed=replace(sealed.signed, signature=sealed.signed.signature[:63]))


def huge_number(service) -> SealedSegment:
    sealed = service.box().seal(T0)
    closed = replace(sealed.signed.segment, beacon_block=1 << 60)
    signed = oracle_segment.sign(closed, domain=service.world.deployment.domain, signer=service.world.device_keys[0])
    return replace(sealed, signed=signed)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (altered_reading, "root_wrong"),
        (altered_field, "signer_unknown"),
        (unknown_key, "signer_unknown"),
        (unknown_device, "signer_unknown"),
        (unknown_channel, "channel_unknown"),
        (skipped_sequence, "stream_broken"),
        (wrong_prev, "stream_broken"),
        (backwards_inside, "register_went_backwards"),
        (wrong_secret, "salt_wrong"),
        (high_s, "signature_malformed"),
        (high_s_of_65_bytes, "signature_malformed"),
        (unknown_algorithm, "algorithm_unknown"),
        (short_signature, "signature_malformed"),
        (huge_number, "number_too_large"),
    ],
)
def test_segment_is_refused_and_kept_as_evidence_when_it_is_wrong(
    service, make: Callable[[object], SealedSegment], code: str
) -> None:
    bad, good = make(service), service.box(2).seal(T0)
    answer = service.upload(good, bad)
    assert [refused["code"] for refused in answer["refused"]] == [code]
    assert [ack["segment"] for ack in answer["acks"]] == ["0x" + good.signed.digest.hex()]
    assert stored(service) == 1
    (kept,) = rows(service, refused_segments)
    assert kept.code == code
    assert kept.raw == cbor.encode(oracle_segment.sealed_to_plain(bad))
    assert json.loads(kept.facts)
    service.upload(bad)
    assert len(rows(service, refused_segments)) == 1


def test_refusal_is_kept_when_an_item_is_no_segment_at_all(service) -> None:
    good = service.box().seal(T0)
    body = cbor.encode({"v": 1, "segments": [7, {"device": b""}, oracle_segment.sealed_to_plain(good)]})
    answer = service.post_raw(body).json()
    assert [refused["code"] for refused in answer["refused"]] == ["plain_malformed", "plain_malformed"]
    assert len(answer["acks"]) == 1
    assert len(rows(service, refused_segments)) == 2


def test_register_running_backward_is_refused_when_it_falls_between_two_segments(service) -> None:
    box = service.box()
    service.upload(box.seal(T0))
    box.export_wh = 20
    assert refusal(service, box.seal(T0 + 300_000, advance=False))["code"] == "register_went_backwards"
    box.export_wh = 50
    assert len(service.upload(box.seal(T0 + 300_000))["acks"]) == 1


def test_register_is_compared_across_a_gap_record_when_the_last_segment_is_empty(service) -> None:
    box = service.box()
    service.upload(box.seal(T0), box.seal(T0 + 300_000, 0))
    box.export_wh = 20
    assert refusal(service, box.seal(T0 + 600_000))["code"] == "register_went_backwards"


def test_second_segment_for_one_place_is_a_conflict_when_the_same_key_signed_both(service) -> None:
    box = service.box()
    kept = box.seal(T0, advance=False)
    rival = box.seal(T0, export_step_wh=11)
    service.upload(kept)
    answer = service.upload(rival)
    assert [refused["code"] for refused in answer["refused"]] == ["segment_conflicts"]
    (proof,) = rows(service, conflicts)
    assert (proof.kept, proof.refused) == (kept.signed.digest, rival.signed.digest)
    (shown,) = service.client.get("/v1/segments/conflicts").json()["items"]
    assert shown["kept"]["digest"] == "0x" + kept.signed.digest.hex()
    assert shown["refused"]["signature"] == "0x" + rival.signed.signature.hex()
    assert "readings" not in shown["refused"]
    service.upload(rival)
    assert len(rows(service, conflicts)) == 1


def test_conflict_is_found_when_both_segments_come_in_one_upload(service) -> None:
    box = service.box()
    kept, rival = box.seal(T0, advance=False), box.seal(T0, export_step_wh=11)
    answer = service.upload(kept, rival)
    assert len(answer["acks"]) == 1
    assert [refused["code"] for refused in answer["refused"]] == ["segment_conflicts"]


def test_segment_is_refused_when_its_key_was_revoked(service) -> None:
    world, key = service.world, service.world.device_keys[0]
    box = service.box()
    service.upload(box.seal(T0))
    world.send(world.members[0], "DeviceRegistry", devices.revoke_delegate(key.address, key.address))
    service.tick(world.now_s + 60)
    refused = refusal(service, box.seal(T0 + 300_000))
    assert refused["code"] == "signer_lapsed"
    assert refused["facts"]["why"] == "revoked"
    assert len(service.upload(service.box(2).seal(T0))["acks"]) == 1


def test_segment_is_refused_when_its_key_has_expired(service) -> None:
    service.clock.t_ms = T0 + 400 * 86_400_000
    refused = refusal(service, service.box().seal(T0))
    assert (refused["code"], refused["facts"]["why"]) == ("signer_lapsed", "expired")


def test_stream_goes_on_when_the_key_was_rotated(service) -> None:
    world, old, new = service.world, service.world.device_keys[0], SecpSigner(b"\x66" * 32)
    box = service.box()
    service.upload(box.seal(T0))
    confirm = devices.confirm_delegate(old.address, new.address, validity_s=86_400)
    world.send(world.attestor, "DeviceRegistry", confirm)
    service.tick(world.now_s + 60)
    box.key, box.device = new, old.address
    assert len(service.upload(box.seal(T0 + 300_000))["acks"]) == 1


def test_key_counts_not_when_the_block_that_confirmed_it_is_undone(fresh_chain, service) -> None:
    world, old, new = service.world, service.world.device_keys[0], SecpSigner(b"\x67" * 32)
    confirm = devices.confirm_delegate(old.address, new.address, validity_s=86_400)
    service.tick(world.now_s + 60)
    world.send(world.attestor, "DeviceRegistry", confirm)
    service.tick(world.now_s + 60, mine=False)
    box = service.box()
    box.key, box.device = new, old.address
    world.anvil.reorganise(1)
    service.tick(world.now_s + 60, mine=False)
    assert service.errors() == {}
    assert refusal(service, box.seal(T0))["code"] == "signer_unknown"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "not_canonical"),
        (b"\xff", 400, "not_canonical"),
        (cbor.encode({"v": 2, "segments": []}), 422, "upload_version_unknown"),
        (cbor.encode({"v": 1, "segments": [0] * 1025}), 422, "upload_too_long"),
        (cbor.encode({"v": 1}), 400, "plain_malformed"),
        (cbor.encode({"v": 1, "segments": [], "x": 1}), 400, "plain_malformed"),
        (b"\x81" * 5000, 400, "not_canonical"),
    ],
)
def test_upload_is_refused_whole_when_it_is_no_upload(service, body: bytes, status: int, code: str) -> None:
    reply = service.post_raw(body)
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/problem+json"


def test_upload_is_refused_when_it_is_too_large_or_of_another_type(service) -> None:
    assert service.post_raw(bytes(9 << 20)).status_code == 413
    assert service.post_raw(b"{}", content_type="application/json").status_code == 415


def test_reason_is_in_the_readers_language_when_it_asks(service) -> None:
    sealed = altered_reading(service)
    assert "读数" in str(service.upload(sealed, language="zh-CN")["refused"][0]["detail"])
    assert "readings" in str(service.upload(sealed, language="en-GB, zh;q=0.3")["refused"][0]["detail"])


def test_gap_record_is_refused_when_it_carries_a_secret(service) -> None:
    gap = service.box().seal(T0, 0)
    assert gap.secret == ZERO_DIGEST
    assert refusal(service, replace(gap, secret=Digest(b"\x01" * 32)))["code"] == "salt_wrong"


def test_segment_goes_into_the_next_epoch_when_its_own_is_sealed(service) -> None:
    end_s = T0 // 1000 + 900
    service.run_until(end_s + 60)
    assert service.errors() == {}
    late = service.box().seal(T0)
    (ack,) = service.upload(late)["acks"]
    assert ack["epoch"] == T0 // 900_000 + 1
    assert digest(str(ack["segment"])) == late.signed.digest


def test_service_stays_up_when_uploads_are_mutated_or_made_of_anything(service) -> None:
    body = service_body(service)
    chance = random.Random(7)
    for _ in range(400):
        raw = bytearray(body)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(raw))
            match chance.randrange(3):
                case 0:
                    raw[at] ^= 1 << chance.randrange(8)
                case 1:
                    del raw[at : at + chance.randint(1, 40)]
                case _:
                    raw[at:at] = chance.randbytes(chance.randint(1, 9))
        reply = service.post_raw(bytes(raw) if chance.random() < 0.9 else chance.randbytes(chance.randint(0, 300)))
        assert reply.status_code in (200, 400, 422), reply.text
        assert "code" in reply.text or reply.json()["acks"]
    assert len(service.upload(service.box().seal(T0))["acks"]) == 1


def service_body(service) -> bytes:
    """A real upload of another station, whose every altered copy must be refused or taken by name."""
    return cbor.encode({"v": 1, "segments": [oracle_segment.sealed_to_plain(service.box(2).seal(T0, 3))]})
