"""Protocol 4.7: a receipt is believed for what it proves against the pinned chain, and refused by name otherwise."""

from dataclasses import replace

import pytest

from alliance.identity import Address
from audit.auditor import read_chain
from audit.receipt import ReceiptVerdict, verify_receipt
from audit.verdict import Outcome
from chain import devices
from chain.events import Checkpoint
from oracle import log, receipt
from oracle.deployment import Deployment
from oracle.hashing import sha256
from oracle.merkle import leaf_hash
from oracle.receipt import CheckpointClaim, Receipt
from tests.audit.conftest import HONEST
from tests.audit.world import BOXES, DAY, LAST_EPOCH, METER, OWNERS, Lies, World

NOON = DAY.first_slot + 48


def receipt_of(world: World, *, epoch: int = NOON, nth: int = 1) -> Receipt:
    """The receipt of a reading of station 2's meter, under the newest checkpoint."""
    facts = read_chain(world.rpc, world.deployment, DAY)
    last = facts.of(Checkpoint)[-1]
    wanted = (epoch, BOXES[1].address, METER)
    sealed = next(
        s for e, s, _ in world.memory.logged if (e, s.signed.segment.device, s.signed.segment.channel) == wanted
    )
    tree = world.memory.tree
    leaf = leaf_hash(log.segment_entry(sealed.signed).raw)
    index = next(i for i in range(tree.size) if tree.leaf(i) == leaf)
    claim = CheckpointClaim(
        epoch=last.epoch, root=last.root, manifest=last.manifest, block_number=last.at.block_number,
        block_hash=last.at.block_hash, log_index=last.at.log_index,
    )  # fmt: skip
    return receipt.make(
        sealed, sealed.signed.segment.first_seq + nth, deployment=world.deployment, entry_index=index,
        tree_size=last.size, log_proof=tree.inclusion_proof(index, last.size), checkpoint=claim,
    )  # fmt: skip


def verified(world: World, given: Receipt, deployment: Deployment | None = None, *, depth: int = 2) -> ReceiptVerdict:
    return verify_receipt(receipt.to_plain(given), world.rpc, deployment or world.deployment, depth=depth)


def test_receipt_passes_when_chain_and_key_agree(honest: World) -> None:
    verdict = verified(honest, receipt_of(honest))
    assert verdict.outcome is Outcome.PASS, verdict.line
    assert verdict.reading.station == 2
    assert verdict.reading.first.epoch == NOON
    assert verdict.to_plain()["reading"]["kind"] == "meter"
    assert "station 站 2" in verdict.line


@pytest.mark.parametrize(("field", "value"), [("anchor_log", Address(b"\x22" * 20)), ("chain_id", 1)])
def test_receipt_is_refused_by_name_when_it_was_made_for_another_contract(honest: World, field: str, value) -> None:
    verdict = verified(honest, replace(receipt_of(honest), **{field: value}))
    assert verdict.outcome is Outcome.FAIL
    assert "4.7.1" in verdict.error.found.rule
    assert {"anchor_log": "anchorLog", "chain_id": "chainId"}[field] in verdict.error.found.rule


def test_receipt_is_refused_when_the_reading_or_its_proof_is_altered(honest: World) -> None:
    good = receipt_of(honest)
    raw = bytearray(good.reading)
    raw[40] ^= 1
    for bent in (
        replace(good, reading=bytes(raw)),
        replace(good, reading_proof=good.reading_proof[:-1]),
        replace(good, entry_index=good.entry_index + 1),
        replace(good, segment=replace(good.segment, t_last_ms=good.segment.t_last_ms + 1)),
        replace(good, log_proof=good.log_proof[:-1]),
    ):
        verdict = verified(honest, bent)
        assert verdict.outcome is Outcome.FAIL
        assert "4.7.2" in verdict.error.found.rule


@pytest.mark.parametrize("field", ["block_hash", "manifest", "block_number", "log_index", "epoch"])
def test_receipt_is_refused_when_the_chain_has_no_such_checkpoint(honest: World, field: str) -> None:
    good = receipt_of(honest)
    held = getattr(good.checkpoint, field)
    other = held + 1 if isinstance(held, int) else sha256(b"other")
    verdict = verified(honest, replace(good, checkpoint=replace(good.checkpoint, **{field: other})))
    assert verdict.outcome is Outcome.FAIL
    assert "4.7.3" in verdict.error.found.rule


def test_receipt_is_not_judged_when_its_checkpoint_is_not_deep_enough(honest: World) -> None:
    verdict = verified(honest, receipt_of(honest), depth=50)
    assert verdict.outcome is Outcome.UNREAD


def test_receipt_is_refused_when_it_is_no_receipt(honest: World) -> None:
    for plain in (None, {}, {"v": 2}, {**receipt.to_plain(receipt_of(honest)), "extra": 1}):
        verdict = verify_receipt(plain, honest.rpc, honest.deployment)
        assert verdict.outcome is Outcome.FAIL
        assert "4.7.2" in verdict.error.found.rule


def test_receipt_is_refused_when_the_key_was_revoked_before_its_first_checkpoint(world: World) -> None:
    def revoke(at, found):
        if at == LAST_EPOCH:
            world.send(OWNERS[1], "DeviceRegistry", devices.revoke_delegate(BOXES[1].address, BOXES[1].address))
        return found

    world.play(Lies(segments=revoke, post=False))
    verdict = verified(world, receipt_of(world, epoch=LAST_EPOCH))
    assert verdict.outcome is Outcome.FAIL
    assert "4.7.4" in verdict.error.found.rule
    assert "lapsed" in verdict.error.found.got
    assert verified(world, receipt_of(world)).outcome is Outcome.PASS, "what was logged before stays good"
    world.play(HONEST)
