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
_INNER_PAD, _OUTER_PAD = (bytes([pad]) * (_BLOCK - 32) for pad in (0x36, 0x5C))
"""What pads a secret of 32 bytes."""


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

    def precedes(self, following: "Contents") -> bool:
        """Whether the first reading of another segment surely follows the last one of this (protocol 2.4)."""
        _, _, _, _, before, _, _, _, c_before, d_before, _ = self.rows[-1]
        _, _, _, _, seq, _, _, _, c, d, _ = following.rows[0]
        return seq == before + 1 and c >= c_before and d >= d_before


EMPTY = Contents((), (), plain=True)


def checked(sealed: SealedSegment) -> Contents:
    """Check that the readings are those that the segment covers. Raises as `oracle.segment.check_contents`."""
    segment, raw = sealed.signed.segment, sealed.readings
    if 0 < segment.count <= MAX_READINGS and len(raw) == segment.count * SIZE and len(sealed.secret) == 32:
        found = _single(sealed) if segment.count == 1 else _columns(sealed)
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
    inner = sealed.secret.translate(_INNER) + _INNER_PAD
    outer = sealed.secret.translate(_OUTER) + _OUTER_PAD
    made = [sha256(outer + sha256(inner + piece[6:16]).digest()).digest()[:16] for piece in pieces]
    return Contents(rows, times, plain=True) if made == list(salts) else None


def _single(sealed: SealedSegment) -> Contents | None:
    """A segment of one reading, None when it is not what one without flags must be."""
    segment, raw = sealed.signed.segment, sealed.readings
    if sha256(b"\0" + raw).digest() != segment.root:
        return None
    row = _FORMAT.unpack(raw)
    magic, version, flags, channel, seq, t_ms, _, _, _, _, salt = row
    if (magic, version, flags, channel, seq) != (b"SAR1", VERSION, 0, segment.channel, segment.first_seq):
        return None
    if not t_ms == segment.t_first_ms == segment.t_last_ms:
        return None
    inner = sealed.secret.translate(_INNER) + _INNER_PAD
    outer = sealed.secret.translate(_OUTER) + _OUTER_PAD
    made = sha256(outer + sha256(inner + raw[6:16]).digest()).digest()[:16]
    return Contents((row,), (t_ms,), plain=True) if made == salt else None
