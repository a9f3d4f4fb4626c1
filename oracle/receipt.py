"""Receipts (protocol 4.7): one reading in clear and all that ties it to a checkpoint on chain; no other reading."""

from collections.abc import Sequence
from dataclasses import dataclass

from alliance.errors import Refused
from alliance.identity import Address, Digest, address, digest, to_hex
from alliance.reading import Reading
from alliance.segment import Segment, SegmentShapeWrong, SignedSegment
from oracle import log, merkle
from oracle import reading as reading_bytes
from oracle.deployment import Deployment
from oracle.plain import Fields, PlainMalformed
from oracle.segment import SealedSegment, check_signature, split_readings
from oracle.signature import PublicKeys, no_keys

VERSION = 1


@dataclass(kw_only=True, eq=False)
class ReceiptForeign(Refused):
    """A receipt was made for another chain or another contract than the pinned ones."""

    field: str
    want: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointClaim:
    """Where the receipt says that its checkpoint stands on chain; the verifier looks there itself."""

    epoch: int
    root: Digest
    manifest: Digest
    block_number: int
    block_hash: Digest
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A reading's proof, as `GET /v1/readings/{id}/receipt` hands it out."""

    chain_id: int
    anchor_log: Address
    reading: bytes
    reading_proof: tuple[Digest, ...]
    segment: Segment
    alg: int
    signature: bytes
    entry_index: int
    tree_size: int
    log_proof: tuple[Digest, ...]
    checkpoint: CheckpointClaim


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenReading:
    """What a receipt proves short of the chain: the reading, who signed it, and the checkpoint still to be found."""

    reading: Reading
    signed: SignedSegment
    checkpoint: CheckpointClaim
    tree_size: int


def make(
    sealed: SealedSegment, seq: int, *, deployment: Deployment, entry_index: int, tree_size: int,
    log_proof: Sequence[Digest], checkpoint: CheckpointClaim,
) -> Receipt:  # fmt: skip
    """The receipt of the reading `seq` of a sealed segment."""
    leaves = split_readings(sealed.readings)
    index = seq - sealed.signed.segment.first_seq
    tree = merkle.HashTree(map(merkle.leaf_hash, leaves))
    return Receipt(
        chain_id=deployment.chain_id,
        anchor_log=deployment["AnchorLog"].address,
        reading=leaves[index],
        reading_proof=tuple(tree.inclusion_proof(index)),
        segment=sealed.signed.segment,
        alg=sealed.signed.alg,
        signature=sealed.signed.signature,
        entry_index=entry_index,
        tree_size=tree_size,
        log_proof=tuple(log_proof),
        checkpoint=checkpoint,
    )


def verify(receipt: Receipt, *, deployment: Deployment, keys: PublicKeys = no_keys) -> ProvenReading:
    """Check all of a receipt that needs no chain: place, reading, segment root, signature, entry, log root.

    Raises ReceiptForeign, ReadingMalformed, SegmentShapeWrong, InclusionFails, ProofShapeWrong, SignatureMalformed.
    `keys` are the public keys confirmed on chain. The caller then looks up the checkpoint there and judges the key
    (protocol 4.7.3 and 4.7.4).
    """
    _check_place(receipt, deployment)
    segment, reading = receipt.segment, reading_bytes.decode(receipt.reading)
    index = reading.seq - segment.first_seq
    if reading.channel != segment.channel or not 0 <= index < segment.count:
        raise SegmentShapeWrong(
            device=segment.device, channel=segment.channel, field="seq", want=segment.first_seq, got=reading.seq
        )
    merkle.verify_inclusion(
        merkle.leaf_hash(receipt.reading), index=index, size=segment.count,
        proof=receipt.reading_proof, root=segment.root,
    )  # fmt: skip
    signed = check_signature(
        segment, alg=receipt.alg, signature_bytes=receipt.signature, domain=deployment.domain, keys=keys
    )
    merkle.verify_inclusion(
        merkle.leaf_hash(log.segment_entry(signed).raw), index=receipt.entry_index, size=receipt.tree_size,
        proof=receipt.log_proof, root=receipt.checkpoint.root,
    )  # fmt: skip
    return ProvenReading(reading=reading, signed=signed, checkpoint=receipt.checkpoint, tree_size=receipt.tree_size)


def _check_place(receipt: Receipt, deployment: Deployment) -> None:
    if receipt.chain_id != deployment.chain_id:
        raise ReceiptForeign(field="chainId", want=str(deployment.chain_id), got=str(receipt.chain_id))
    want, got = deployment["AnchorLog"].address, receipt.anchor_log
    if want != got:
        raise ReceiptForeign(field="anchorLog", want=to_hex(want), got=to_hex(got))


def to_plain(receipt: Receipt) -> dict[str, object]:
    """The receipt as JSON values; integers above 2^53 would be texts, and none here can be."""
    s, c = receipt.segment, receipt.checkpoint
    return {
        "v": VERSION,
        "chainId": receipt.chain_id,
        "anchorLog": to_hex(receipt.anchor_log),
        "reading": to_hex(receipt.reading),
        "readingProof": [to_hex(p) for p in receipt.reading_proof],
        "segment": {
            "device": to_hex(s.device), "channel": s.channel, "firstSeq": s.first_seq, "count": s.count,
            "tFirst": s.t_first_ms, "tLast": s.t_last_ms, "root": to_hex(s.root), "prev": to_hex(s.prev),
            "beaconBlock": s.beacon_block, "beaconHash": to_hex(s.beacon_hash),
        },
        "alg": receipt.alg,
        "signature": to_hex(receipt.signature),
        "entryIndex": receipt.entry_index,
        "treeSize": receipt.tree_size,
        "logProof": [to_hex(p) for p in receipt.log_proof],
        "checkpoint": {
            "epoch": c.epoch, "root": to_hex(c.root), "manifest": to_hex(c.manifest), "blockNumber": c.block_number,
            "blockHash": to_hex(c.block_hash), "logIndex": c.log_index,
        },
    }  # fmt: skip


def from_plain(value: object) -> Receipt:
    """Read a receipt strictly. Raises PlainMalformed or BadHex."""
    fields = Fields(value, where="receipt")
    fields.int("v", low=VERSION, high=VERSION)
    receipt = Receipt(
        chain_id=fields.int("chainId"),
        anchor_log=address(fields.str("anchorLog"), field="anchorLog"),
        reading=_raw(fields, "reading"),
        reading_proof=_proof(fields, "readingProof"),
        segment=_segment(fields.map("segment")),
        alg=fields.int("alg", high=255),
        signature=_raw(fields, "signature"),
        entry_index=fields.int("entryIndex"),
        tree_size=fields.int("treeSize"),
        log_proof=_proof(fields, "logProof"),
        checkpoint=_checkpoint(fields.map("checkpoint")),
    )
    fields.finish()
    return receipt


def _raw(fields: Fields, name: str) -> bytes:
    text = fields.str(name)
    try:
        if text[:2] == "0x":
            return bytes.fromhex(text[2:])
    except ValueError:
        pass
    raise PlainMalformed(where="receipt", field=name, want="0x-prefixed hex", got=text[:80])


def _proof(fields: Fields, name: str) -> tuple[Digest, ...]:
    return tuple(digest(str(item), field=name) for item in fields.list(name))


def _segment(fields: Fields) -> Segment:
    segment = Segment(
        device=address(fields.str("device"), field="segment.device"),
        channel=fields.int("channel", high=0xFFFF),
        first_seq=fields.int("firstSeq"),
        count=fields.int("count", high=(1 << 32) - 1),
        t_first_ms=fields.int("tFirst"),
        t_last_ms=fields.int("tLast"),
        root=digest(fields.str("root"), field="segment.root"),
        prev=digest(fields.str("prev"), field="segment.prev"),
        beacon_block=fields.int("beaconBlock"),
        beacon_hash=digest(fields.str("beaconHash"), field="segment.beaconHash"),
    )
    fields.finish()
    return segment


def _checkpoint(fields: Fields) -> CheckpointClaim:
    claim = CheckpointClaim(
        epoch=fields.int("epoch"),
        root=digest(fields.str("root"), field="checkpoint.root"),
        manifest=digest(fields.str("manifest"), field="checkpoint.manifest"),
        block_number=fields.int("blockNumber"),
        block_hash=digest(fields.str("blockHash"), field="checkpoint.blockHash"),
        log_index=fields.int("logIndex"),
    )
    fields.finish()
    return claim
