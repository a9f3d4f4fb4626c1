"""Closing, signing and checking segments (protocol 3): bytes and keys; rules of order stand in `alliance.segment`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alliance.errors import Malformed
from alliance.identity import ZERO_DIGEST, Address, Digest
from alliance.ports import Signer
from alliance.reading import Reading, check_follows
from alliance.segment import MAX_READINGS, Head, Segment, SegmentShapeWrong, SignedSegment
from oracle import eip712, merkle, signature
from oracle import reading as reading_bytes
from oracle.eip712 import Domain
from oracle.plain import Fields
from oracle.signature import LOOKED_UP, PublicKeys, no_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSegment:
    """A signed segment with what it covers: its secret (zero for a gap record) and its readings' bytes in order."""

    signed: SignedSegment
    secret: Digest
    readings: bytes
    """`count` readings of 64 bytes each."""

    def decoded(self) -> tuple[Reading, ...]:
        """The readings, decoded. Raises ReadingMalformed."""
        return tuple(map(reading_bytes.decode, split_readings(self.readings)))


@dataclass(kw_only=True, eq=False)
class SaltWrong(Malformed):
    """A reading's salt does not come from its segment's secret."""

    channel: int
    seq: int


@dataclass(kw_only=True, eq=False)
class RootWrong(Malformed):
    """The readings do not hash to the root that the device signed."""

    device: Address
    channel: int
    first_seq: int
    want_root: Digest
    got_root: Digest


@dataclass(kw_only=True, eq=False)
class DigestWrong(Malformed):
    """A segment is named by a digest that is not its own."""

    want: Digest
    got: Digest


def digest(segment: Segment, domain: Domain) -> Digest:
    """The EIP-712 digest that the device signs and by which the segment is known."""
    s = segment
    return domain.digest(
        eip712.SEGMENT, s.device, s.channel, s.first_seq, s.count, s.t_first_ms, s.t_last_ms, s.root, s.prev,
        s.beacon_block, s.beacon_hash,
    )  # fmt: skip


def readings_root(raw: bytes) -> Digest:
    """Merkle root over the readings' bytes."""
    return merkle.root_of([merkle.leaf_hash(leaf) for leaf in split_readings(raw)])


def split_readings(raw: bytes) -> list[bytes]:
    """Cut joined readings into their 64-byte pieces; a rest stays as a short last piece, which decoding refuses."""
    return [raw[at : at + reading_bytes.SIZE] for at in range(0, len(raw), reading_bytes.SIZE)]


def salted(reading: Reading, secret: Digest) -> Reading:
    """The reading with the salt that its segment's secret gives."""
    return replace(reading, salt=reading_bytes.salt(secret, channel=reading.channel, seq=reading.seq))


def close(
    readings: Sequence[Reading],
    *,
    device: Address,
    channel: int,
    head: Head,
    closed_at_ms: int,
    beacon_block: int = 0,
    beacon_hash: Digest = Digest(bytes(32)),
) -> Segment:
    """The segment over these readings (already salted), continuing `head`; empty readings make a signed gap record."""
    raw = b"".join(map(reading_bytes.encode, readings))
    return Segment(
        device=device,
        channel=channel,
        first_seq=head.next_seq,
        count=len(readings),
        t_first_ms=readings[0].t_ms if readings else closed_at_ms,
        t_last_ms=readings[-1].t_ms if readings else closed_at_ms,
        root=readings_root(raw),
        prev=head.digest,
        beacon_block=beacon_block,
        beacon_hash=beacon_hash,
    )


def sign(segment: Segment, *, domain: Domain, signer: Signer) -> SignedSegment:
    """Sign a segment with a device's key."""
    named = digest(segment, domain)
    return SignedSegment(
        segment=segment, digest=named, alg=signer.alg, signature=signer.sign(named), signer=signer.address
    )


def check_signature(
    segment: Segment, *, alg: int, signature_bytes: bytes, domain: Domain, keys: PublicKeys = no_keys
) -> SignedSegment:
    """Find out who signed; the signer is the zero address when no key of the device did.

    Raises AlgorithmUnknown or SignatureMalformed; the key's right is judged elsewhere.
    """
    named = digest(segment, domain)
    known = keys(segment.device, alg) if alg in LOOKED_UP else ()
    signer = signature.recover(named, alg=alg, signature=signature_bytes, public_keys=known)
    return SignedSegment(segment=segment, digest=named, alg=alg, signature=signature_bytes, signer=signer)


def check_contents(sealed: SealedSegment) -> tuple[Reading, ...]:
    """Check that the readings are those that the segment covers, and return them (protocol 3.2).

    Raises SegmentShapeWrong, RootWrong, SaltWrong, ReadingMalformed, SequenceBroken or RegisterWentBackwards.
    """
    segment = sealed.signed.segment
    _shape(segment, "count", segment.count, len(sealed.readings) // reading_bytes.SIZE)
    _shape(segment, "bytes", segment.count * reading_bytes.SIZE, len(sealed.readings))
    root = readings_root(sealed.readings)
    if root != segment.root:
        raise RootWrong(
            device=segment.device, channel=segment.channel, first_seq=segment.first_seq,
            want_root=segment.root, got_root=root,
        )  # fmt: skip
    readings = sealed.decoded()
    _check_readings(segment, readings, sealed.secret)
    return readings


def _check_readings(segment: Segment, readings: Sequence[Reading], secret: Digest) -> None:
    if segment.count > MAX_READINGS:
        _shape(segment, "count", MAX_READINGS, segment.count)
    for at, reading in enumerate(readings):
        _shape(segment, "channel", segment.channel, reading.channel)
        _shape(segment, "seq", segment.first_seq + at, reading.seq)
        if reading.salt != reading_bytes.salt(secret, channel=reading.channel, seq=reading.seq):
            raise SaltWrong(channel=reading.channel, seq=reading.seq)
        if at:
            check_follows(readings[at - 1], reading)
    if not readings and secret != ZERO_DIGEST:
        raise SaltWrong(channel=segment.channel, seq=segment.first_seq)
    if readings:
        _shape(segment, "t_first_ms", readings[0].t_ms, segment.t_first_ms)
        _shape(segment, "t_last_ms", readings[-1].t_ms, segment.t_last_ms)
    else:
        _shape(segment, "t_first_ms", segment.t_last_ms, segment.t_first_ms)


def _shape(segment: Segment, field: str, want: int, got: int) -> None:
    if want != got:
        raise SegmentShapeWrong(device=segment.device, channel=segment.channel, field=field, want=want, got=got)


def signed_to_plain(signed: SignedSegment) -> dict[str, object]:
    """The fields of a signed segment as they stand in evidence blocks and uploads."""
    s = signed.segment
    return {
        "device": s.device, "channel": s.channel, "firstSeq": s.first_seq, "count": s.count, "tFirst": s.t_first_ms,
        "tLast": s.t_last_ms, "root": s.root, "prev": s.prev, "beaconBlock": s.beacon_block,
        "beaconHash": s.beacon_hash, "alg": signed.alg, "signature": signed.signature,
    }  # fmt: skip


def signed_from_fields(fields: Fields, domain: Domain, keys: PublicKeys = no_keys) -> SignedSegment:
    """Read a signed segment and find out its signer. Raises PlainMalformed and what `check_signature` raises."""
    segment = Segment(
        device=Address(fields.bytes("device", size=20)),
        channel=fields.int("channel", high=0xFFFF),
        first_seq=fields.int("firstSeq", high=(1 << 64) - 1),
        count=fields.int("count", high=(1 << 32) - 1),
        t_first_ms=fields.int("tFirst", high=(1 << 64) - 1),
        t_last_ms=fields.int("tLast", high=(1 << 64) - 1),
        root=Digest(fields.bytes("root", size=32)),
        prev=Digest(fields.bytes("prev", size=32)),
        beacon_block=fields.int("beaconBlock", high=(1 << 64) - 1),
        beacon_hash=Digest(fields.bytes("beaconHash", size=32)),
    )
    alg, raw = fields.int("alg", high=255), fields.bytes("signature")
    return check_signature(segment, alg=alg, signature_bytes=raw, domain=domain, keys=keys)


def sealed_to_plain(sealed: SealedSegment) -> dict[str, object]:
    """A sealed segment as an edge uploads it (protocol 10.2)."""
    return {**signed_to_plain(sealed.signed), "secret": sealed.secret, "readings": sealed.readings}


def sealed_from_plain(value: object, domain: Domain, keys: PublicKeys = no_keys) -> SealedSegment:
    """Read an uploaded segment strictly; contents are not checked yet. Raises as `signed_from_fields`."""
    fields = Fields(value, where="segment")
    sealed = SealedSegment(
        signed=signed_from_fields(fields, domain, keys),
        secret=Digest(fields.bytes("secret", size=32)),
        readings=fields.bytes("readings"),
    )
    fields.finish()
    return sealed
