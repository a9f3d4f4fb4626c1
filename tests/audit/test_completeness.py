"""Protocol 11.12: what a member kept is written and read strictly, and accuses only where it proves something."""

from dataclasses import replace
from pathlib import Path

import pytest

from alliance.identity import Address, Digest
from alliance.segment import START
from audit.auditor import audit_day, audit_evidence, read_chain
from audit.blocks import FolderSource
from audit.completeness import Ack, Held, HeldMalformed, decode, digests, encode, load, streams
from audit.verdict import Outcome
from oracle import cbor, segment
from oracle.eip712 import Domain, ack_digest
from oracle.hashing import sha256
from oracle.plain import PlainMalformed
from tests.audit.world import BATTERY, BOXES, DAY, LAST_EPOCH, ROLES, STRANGER, Lies, World

DOMAIN = Domain(31337, Address(b"\x11" * 20))
STREAM = (BOXES[2].address, BATTERY)


def held(*, closed_at_ms: int = 1) -> Held:
    closed = segment.close([], device=BOXES[0].address, channel=BATTERY, head=START, closed_at_ms=closed_at_ms)
    signed = segment.sign(closed, domain=DOMAIN, signer=BOXES[0])
    named = ack_digest(DOMAIN, segment=signed.digest, epoch=7)
    return Held(signed=signed, ack=Ack(epoch=7, signature=ROLES["writer"].sign(named)))


def test_kept_segments_are_the_same_when_they_are_read_again(tmp_path: Path) -> None:
    kept = (held(), replace(held(closed_at_ms=2), ack=None))
    path = tmp_path / "kept.cbor"
    path.write_bytes(encode(kept))
    assert load(path, DOMAIN) == kept
    assert digests(kept) == {one.signed.digest for one in kept}
    assert streams(kept) == {(BOXES[0].address, BATTERY)}


def test_kept_segments_are_refused_when_the_file_is_none() -> None:
    plain = cbor.decode(encode([held()]))
    assert isinstance(plain, dict)
    with pytest.raises(HeldMalformed):
        decode(cbor.encode(plain | {"v": 2}), DOMAIN)
    for bent in (plain | {"note": 1}, plain | {"held": [{"segment": {}, "ack": None}]}):
        with pytest.raises(PlainMalformed):
            decode(cbor.encode(bent), DOMAIN)


def test_withheld_tail_is_named_when_the_box_kept_its_acknowledgement(world: World) -> None:
    spoken: list = []

    def cut(at: int, found):
        if at == LAST_EPOCH:
            spoken[:] = found[STREAM]
        return {s: f for s, f in found.items() if s != STREAM or at < LAST_EPOCH}

    world.play(Lies(segments=cut))
    signed = spoken[0].signed
    facts = read_chain(world.rpc, world.deployment, DAY)

    def audited(*kept: Held):
        return audit_day(world.rpc, lambda: FolderSource(world.archive.folder), world.deployment, DAY, held=kept)

    def acked(epoch: int, signer) -> Held:
        named = ack_digest(world.deployment.domain, segment=signed.digest, epoch=epoch)
        return Held(signed=signed, ack=Ack(epoch=epoch, signature=signer.sign(named)))

    assert audit_evidence(facts, lambda: FolderSource(world.archive.folder), DAY).outcome is Outcome.PASS
    verdict = audited(acked(LAST_EPOCH, ROLES["writer"]))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.divergence.rule.startswith("protocol 4.1:")
    where = verdict.divergence.where
    assert (where.station, where.device, where.channel, where.epoch) == (3, *STREAM, LAST_EPOCH)
    assert where.seq == signed.segment.first_seq
    assert audited(acked(LAST_EPOCH, STRANGER)).outcome is Outcome.PASS
    assert audited(acked(LAST_EPOCH + 99, ROLES["writer"])).outcome is Outcome.PASS
    assert audited(Held(signed=signed)).outcome is Outcome.PASS


def test_second_history_is_named_when_somebody_kept_it(honest: World) -> None:
    epoch, one, _ = next(
        item for item in honest.memory.logged
        if item[0] > LAST_EPOCH - 9 and (item[1].signed.segment.device, item[1].signed.segment.channel) == STREAM
    )  # fmt: skip
    other = replace(one.signed.segment, root=Digest(sha256(b"another history")))
    kept = Held(signed=segment.sign(other, domain=honest.deployment.domain, signer=BOXES[2]))
    verdict = audit_day(honest.rpc, lambda: FolderSource(honest.archive.folder), honest.deployment, DAY, held=(kept,))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.divergence.rule.startswith("protocol 3.5:")
    assert (verdict.divergence.where.epoch, verdict.divergence.where.device) == (epoch, STREAM[0])
