"""Names of things: addresses, digests and the numbers that the chain gives (protocol 1.2)."""

from dataclasses import dataclass
from typing import NewType

from alliance.errors import Malformed

Address = NewType("Address", bytes)
"""20 bytes: an account, a contract, or a device (its first key's address)."""

Digest = NewType("Digest", bytes)
"""32 bytes: a hash."""

MemberId = NewType("MemberId", int)
"""1, 2, …: a member, in order of admission (`AllianceRegistry`)."""

StationId = NewType("StationId", int)
"""1, 2, …: a station, in order of registration (`AllianceRegistry`)."""

LeaseId = NewType("LeaseId", int)
"""1, 2, …: a lease, in order of acceptance (`CapacityLease`). 0 means the owner's own part."""

GroupId = NewType("GroupId", int)
"""1, 2, …: a billing group."""

ZERO_DIGEST = Digest(bytes(32))
ZERO_ADDRESS = Address(bytes(20))


@dataclass(kw_only=True, eq=False)
class BadHex(Malformed):
    """A field that should be 0x-prefixed hex of a fixed length is not."""

    field: str
    value: str
    want_bytes: int


def to_hex(raw: bytes) -> str:
    """Lower-case hex with the prefix 0x."""
    return "0x" + raw.hex()


def address(text: str, *, field: str = "address") -> Address:
    """Read 20 bytes from 0x-prefixed hex of either case. Raises BadHex."""
    return Address(_fixed(text, field=field, size=20))


def digest(text: str, *, field: str = "digest") -> Digest:
    """Read 32 bytes from 0x-prefixed hex of either case. Raises BadHex."""
    return Digest(_fixed(text, field=field, size=32))


def _fixed(text: str, *, field: str, size: int) -> bytes:
    try:
        raw = bytes.fromhex(text[2:]) if text[:2] == "0x" else b""
    except ValueError:
        raw = b""
    if len(raw) != size or len(text) != 2 + 2 * size:
        raise BadHex(field=field, value=text, want_bytes=size)
    return raw
