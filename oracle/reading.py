"""The 64 bytes of a reading (protocol 2.1): "SAR1" · version · flags · channel · seq · t_ms · a · b · c · d · salt."""

import hmac
from dataclasses import dataclass
from struct import Struct
from struct import error as struct_error

from alliance.errors import Malformed
from alliance.identity import Digest
from alliance.reading import Flag, Reading

SIZE = 64
VERSION = 1
_FORMAT = Struct(">4sBBHQQiiQQ16s")
_KNOWN_FLAGS = int(Flag.CLOCK_UNSYNCHRONISED | Flag.REGISTER_RESET | Flag.SUBSTITUTED)


@dataclass(kw_only=True, eq=False)
class ReadingMalformed(Malformed):
    """Bytes are not a reading of a known version."""

    field: str
    want: str
    got: str


def encode(reading: Reading) -> bytes:
    """The reading's 64 bytes. Raises ReadingMalformed when a number does not fit its field."""
    r = reading
    try:
        return _FORMAT.pack(b"SAR1", VERSION, r.flags, r.channel, r.seq, r.t_ms, r.a, r.b, r.c, r.d, r.salt)
    except struct_error as error:
        raise ReadingMalformed(field="reading", want="numbers inside their fields", got=str(error)) from error


def decode(raw: bytes) -> Reading:
    """Read exactly 64 bytes. Raises ReadingMalformed for another size, magic, version or unknown flag."""
    if len(raw) != SIZE:
        raise ReadingMalformed(field="size", want=str(SIZE), got=str(len(raw)))
    magic, version, flags, channel, seq, t_ms, a, b, c, d, salt = _FORMAT.unpack(raw)
    if magic != b"SAR1":
        raise ReadingMalformed(field="magic", want="SAR1", got=magic.hex())
    if version != VERSION:
        raise ReadingMalformed(field="version", want=str(VERSION), got=str(version))
    if flags & ~_KNOWN_FLAGS:
        raise ReadingMalformed(field="flags", want=f"bits of {_KNOWN_FLAGS:#x}", got=f"{flags:#x}")
    return Reading(flags=flags, channel=channel, seq=seq, t_ms=t_ms, a=a, b=b, c=c, d=d, salt=salt)


def salt(secret: Digest, *, channel: int, seq: int) -> bytes:
    """First 16 bytes of HMAC-SHA-256(segment secret, channel u16 ‖ seq u64) (protocol 2.5)."""
    return hmac.digest(secret, channel.to_bytes(2, "big") + seq.to_bytes(8, "big"), "sha256")[:16]
