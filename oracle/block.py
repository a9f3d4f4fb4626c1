"""Evidence blocks (protocol 4.4): a channel's segments of one epoch, signatures in clear, readings in the payload."""

from collections.abc import Sequence
from dataclasses import dataclass

from alliance.errors import Malformed, Refused
from alliance.identity import Digest
from oracle import cbor
from oracle.eip712 import Domain
from oracle.plain import Fields
from oracle.segment import SealedSegment, signed_from_fields, signed_to_plain

VERSION = 1
PLAIN = 0


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


def encode(sealed: Sequence[SealedSegment]) -> bytes:
    """The block of these segments, in chain order, readings not encrypted (alg 0)."""
    payload = cbor.encode([{"readings": s.readings, "secret": s.secret} for s in sealed])
    segments = [signed_to_plain(s.signed) for s in sealed]
    return cbor.encode({"v": VERSION, "alg": PLAIN, "segments": segments, "payload": payload})


def decode(block: bytes, domain: Domain) -> tuple[SealedSegment, ...]:
    """Read a block and recover each signer. Contents and order are judged by `oracle.segment` and `alliance.segment`.

    Raises NotCanonical, PlainMalformed, BlockVersionUnknown, PayloadCountWrong and what `check_signature` raises.
    """
    fields = Fields(cbor.decode(block), where="evidence")
    version, alg = fields.int("v"), fields.int("alg")
    if (version, alg) != (VERSION, PLAIN):
        raise BlockVersionUnknown(what="evidence", version=version, alg=alg)
    clear, payload = fields.list("segments"), cbor.decode(fields.bytes("payload"))
    fields.finish()
    if not isinstance(payload, list) or len(payload) != len(clear):
        raise PayloadCountWrong(segments=len(clear), payload_items=len(payload) if isinstance(payload, list) else 0)
    return tuple(_sealed(signed, hidden, domain) for signed, hidden in zip(clear, payload, strict=True))


def _sealed(clear: object, hidden: object, domain: Domain) -> SealedSegment:
    fields, secret = Fields(clear, where="evidence.segment"), Fields(hidden, where="evidence.payload")
    sealed = SealedSegment(
        signed=signed_from_fields(fields, domain),
        secret=Digest(secret.bytes("secret", size=32)),
        readings=secret.bytes("readings"),
    )
    fields.finish()
    secret.finish()
    return sealed
