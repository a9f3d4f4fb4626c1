"""What a segment covers, checked at nearly the speed of hashing it (protocol 2, 3.2).

The same rules as `oracle.segment.check_contents`, a column of all readings at a time. What they do not pass at once,
flagged readings included, is given to that function, which accepts it or says what is wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct

from alliance.reading import Reading
from alliance.segment import MAX_READINGS
from oracle.merkle import root_of
from oracle.reading import SIZE, VERSION
from oracle.segment import SealedSegment, check_contents

_FORMAT = Struct(">4sBBHQQiiQQ16s")
_BLOCK = 64
"""SHA-256 works on blocks of so many bytes; HMAC pads its key to one (RFC 2104)."""
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


@dataclass(frozen=True, slots=True)
class Contents:
    """The readings of a checked segment, as columns; single ones become values only where they are needed."""

    rows: Sequence[tuple[bytes, int, int, int, int, int, int, int, int, int, bytes]]
    """magic, version, flags, channel, seq, t_ms, a, b, c, d, salt."""
    times_ms: Sequence[int]
    plain: bool
    """Whether no reading carries a flag."""

    def reading(self, at: int) -> Reading:
        """One reading by its place in the segment."""
        _, _, flags, channel, seq, t_ms, a, b, c, d, salt = self.rows[at]
        return Reading(flags=flags, channel=channel, seq=seq, t_ms=t_ms, a=a, b=b, c=c, d=d, salt=salt)

    def readings(self, places: Iterable[int]) -> tuple[Reading, ...]:
        """Some readings by their places."""
        return tuple(map(self.reading, places))


EMPTY = Contents((), (), plain=True)


def checked(sealed: SealedSegment) -> Contents:
    """Check that the readings are those that the segment covers. Raises as `oracle.segment.check_contents`."""
    segment, raw = sealed.signed.segment, sealed.readings
    if 0 < segment.count <= MAX_READINGS and len(raw) == segment.count * SIZE:
        found = _columns(sealed)
        if found is not None:
            return found
    readings = check_contents(sealed)
    if not readings:
        return EMPTY
    rows = tuple(_FORMAT.iter_unpack(raw))
    return Contents(rows, tuple(r.t_ms for r in readings), plain=not any(r.flags for r in readings))


def _columns(sealed: SealedSegment) -> Contents | None:
    """All columns at once, None when any is not what a segment without flags must have."""
    segment, raw = sealed.signed.segment, sealed.readings
    count, first = segment.count, segment.first_seq
    rows = tuple(_FORMAT.iter_unpack(raw))
    magic, version, flags, channel, seq, times, _, _, c, d, salts = zip(*rows, strict=True)
    if any(flags) or magic.count(b"SAR1") != count or version.count(VERSION) != count:
        return None
    if channel.count(segment.channel) != count or seq != tuple(range(first, first + count)):
        return None
    if (times[0], times[-1]) != (segment.t_first_ms, segment.t_last_ms):
        return None
    if count > 1 and (list(c) != sorted(c) or list(d) != sorted(d)):
        return None
    pieces = [raw[at : at + SIZE] for at in range(0, len(raw), SIZE)]
    if root_of([sha256(b"\0" + piece).digest() for piece in pieces]) != segment.root:
        return None
    inner = sealed.secret.translate(_INNER) + b"\x36" * (_BLOCK - len(sealed.secret))
    outer = sealed.secret.translate(_OUTER) + b"\x5c" * (_BLOCK - len(sealed.secret))
    made = [sha256(outer + sha256(inner + piece[6:16]).digest()).digest()[:16] for piece in pieces]
    return Contents(rows, times, plain=True) if made == list(salts) else None
