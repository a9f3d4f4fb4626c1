"""Evidence blocks (protocol 4.4, 4.8): a channel's segments of one epoch, signed in clear, readings in the payload."""

from collections.abc import Sequence
from dataclasses import dataclass

from alliance.errors import Malformed, Refused
from alliance.identity import Digest
from alliance.segment import SignedSegment
from oracle import cbor, encryption
from oracle.eip712 import Domain
from oracle.encryption import KeyMissing
from oracle.plain import Fields
from oracle.segment import SealedSegment, signed_from_fields, signed_to_plain
from oracle.signature import PublicKeys, no_keys

VERSION = 1
PLAIN = 0
ENCRYPTED = 1


@dataclass(kw_only=True, eq=False)
class BlockVersionUnknown(Refused):
    """A block of a version or encryption that this program does not read."""

    what: str
    version: int
    alg: int


@dataclass(kw_only=True, eq=False)
class PayloadCountWrong(Malformed):
    """An evidence block's payload does not hold one item a segment."""

    segments: int
    payload_items: int


@dataclass(kw_only=True, eq=False)
class NothingToSeal(Malformed):
    """An evidence block holds at least one segment."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Encrypted:
    """An encrypted block; the subject's key and `info` give its content key again."""

    block: bytes
    info: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceBlock:
    """What stands in clear in an evidence block: who signed what; `payload` is readable when `alg` is 0."""

    alg: int
    signed: tuple[SignedSegment, ...]
    payload: bytes


def encode(sealed: Sequence[SealedSegment]) -> bytes:
    """The block of these segments, in chain order, readings not encrypted (alg 0)."""
    return _block(PLAIN, sealed, _payload(sealed))


def encode_encrypted(sealed: Sequence[SealedSegment], *, subject_key: bytes, epoch: int) -> Encrypted:
    """The block of one channel's segments, in chain order, readings encrypted (alg 1). Raises NothingToSeal."""
    if not sealed:
        raise NothingToSeal(epoch=epoch)
    plaintext, first = _payload(sealed), sealed[0].signed.segment
    info = encryption.evidence_info(plaintext, device=first.device, channel=first.channel, epoch=epoch)
    key = encryption.content_key(subject_key, info)
    return Encrypted(block=_block(ENCRYPTED, sealed, encryption.seal(plaintext, key)), info=info)


def read(block: bytes, domain: Domain, *, keys: PublicKeys = no_keys) -> EvidenceBlock:
    """Read what stands in clear and find out each signer; no secret is needed.

    Raises NotCanonical, PlainMalformed, BlockVersionUnknown and what `check_signature` raises.
    """
    fields = Fields(cbor.decode(block), where="evidence")
    version, alg = fields.int("v"), fields.int("alg")
    if version != VERSION or alg not in (PLAIN, ENCRYPTED):
        raise BlockVersionUnknown(what="evidence", version=version, alg=alg)
    clear, payload = fields.list("segments"), fields.bytes("payload")
    fields.finish()
    return EvidenceBlock(alg=alg, signed=tuple(_signed(one, domain, keys) for one in clear), payload=payload)


def unlock(evidence: EvidenceBlock, *, content_key: bytes | None = None) -> tuple[SealedSegment, ...]:
    """The segments with what they cover. Contents and order are judged by `oracle.segment` and `alliance.segment`.

    Raises KeyMissing, ContentKeyWrong, NotCanonical, PlainMalformed or PayloadCountWrong.
    """
    payload = evidence.payload
    if evidence.alg == ENCRYPTED:
        if content_key is None:
            raise KeyMissing(what="evidence block")
        payload = encryption.unseal(payload, content_key, what="evidence block")
    items = cbor.decode(payload)
    if not isinstance(items, list) or len(items) != len(evidence.signed):
        got = len(items) if isinstance(items, list) else 0
        raise PayloadCountWrong(segments=len(evidence.signed), payload_items=got)
    return tuple(_sealed(signed, hidden) for signed, hidden in zip(evidence.signed, items, strict=True))


def decode(
    block: bytes, domain: Domain, *, content_key: bytes | None = None, keys: PublicKeys = no_keys
) -> tuple[SealedSegment, ...]:
    """`read` and `unlock` in one. Raises what they raise."""
    return unlock(read(block, domain, keys=keys), content_key=content_key)


def _payload(sealed: Sequence[SealedSegment]) -> bytes:
    return cbor.encode([{"readings": s.readings, "secret": s.secret} for s in sealed])


def _block(alg: int, sealed: Sequence[SealedSegment], payload: bytes) -> bytes:
    segments = [signed_to_plain(s.signed) for s in sealed]
    return cbor.encode({"v": VERSION, "alg": alg, "segments": segments, "payload": payload})


def _signed(clear: object, domain: Domain, keys: PublicKeys) -> SignedSegment:
    fields = Fields(clear, where="evidence.segment")
    signed = signed_from_fields(fields, domain, keys)
    fields.finish()
    return signed


def _sealed(signed: SignedSegment, hidden: object) -> SealedSegment:
    fields = Fields(hidden, where="evidence.payload")
    secret, readings = Digest(fields.bytes("secret", size=32)), fields.bytes("readings")
    fields.finish()
    return SealedSegment(signed=signed, secret=secret, readings=readings)
