"""DAG-CBOR in its one canonical form (protocol 1.4): what is read is refused unless it is exactly what we would write.

Values are int (64 bits either way), bool, None, bytes, str, list, dict with str keys, and `Cid`. No floats.
libipld is not used: it writes any bytes that happen to look like a CID as a link (ADR 0002); tests compare with it.
"""

from dataclasses import dataclass

from alliance.errors import Malformed
from alliance.identity import Digest
from oracle.hashing import sha256

_CID_PREFIX = bytes([0x01, 0x71, 0x12, 0x20])
"""CID version 1, codec dag-cbor, SHA-256, 32 bytes."""
_LINK_TAG = bytes([0xD8, 0x2A, 0x58, 0x25, 0x00])
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True, order=True)
class Cid:
    """A link to another DAG-CBOR block by its SHA-256."""

    digest: Digest

    @property
    def raw(self) -> bytes:
        """The 36 bytes of the CID."""
        return _CID_PREFIX + self.digest

    def __str__(self) -> str:
        """The multibase form, base32 lower case: `bafyrei…`."""
        return "b" + _base32(self.raw)


@dataclass(kw_only=True, eq=False)
class NotCanonical(Malformed):
    """Bytes are not canonical DAG-CBOR."""

    offset: int
    why: str


@dataclass(kw_only=True, eq=False)
class BadCid(Malformed):
    """A text is not a version 1 CID of a DAG-CBOR block."""

    value: str


@dataclass(frozen=True, slots=True)
class Encoded:
    """A value that was written before: its bytes stand as they are."""

    raw: bytes


def encode(value: object) -> bytes:
    """Write a value canonically. Raises TypeError for a type and OverflowError for an integer that has no form."""
    out = bytearray()
    _write(value, out)
    return bytes(out)


def decode(raw: bytes) -> object:
    """Read one canonical value that fills `raw`. Raises NotCanonical."""
    value, end = _read(raw, 0, 0)
    if end != len(raw):
        raise NotCanonical(offset=end, why="trailing bytes")
    return value


def list_head(count: int) -> bytes:
    """What a list of so many values begins with."""
    return _head(4, count)


def read_int(raw: bytes, at: int) -> int:
    """The integer of 0 or more at an offset. Raises NotCanonical."""
    major, argument, _ = _read_head(raw, at)
    if major:
        raise NotCanonical(offset=at, why="not an integer of 0 or more")
    return argument


def cid_of(block: bytes) -> Cid:
    """The CID of a block's bytes."""
    return Cid(sha256(block))


def parse_cid(text: str) -> Cid:
    """Read `bafyrei…`. Raises BadCid."""
    try:
        raw = _unbase32(text[1:]) if text[:1] == "b" else b""
    except ValueError:
        raw = b""
    cid = Cid(Digest(raw[4:]))
    if len(raw) != 36 or raw[:4] != _CID_PREFIX or str(cid) != text:
        raise BadCid(value=text)
    return cid


def _write(value: object, out: bytearray) -> None:
    match value:
        case bool():
            out.append(0xF5 if value else 0xF4)
        case None:
            out.append(0xF6)
        case int():
            out += _head(0, value) if value >= 0 else _head(1, -1 - value)
        case bytes():
            out += _head(2, len(value)) + value
        case str():
            text = value.encode()
            out += _head(3, len(text)) + text
        case list() | tuple():
            out += _head(4, len(value))
            for item in value:
                _write(item, out)
        case dict():
            out += _head(5, len(value))
            for key, item in sorted(((k.encode(), v) for k, v in value.items()), key=lambda kv: (len(kv[0]), kv[0])):
                out += _head(3, len(key)) + key
                _write(item, out)
        case Cid():
            out += _LINK_TAG + value.raw
        case Encoded():
            out += value.raw
        case _:
            raise TypeError(f"no DAG-CBOR form for {type(value).__name__}")


def _head(major: int, argument: int) -> bytes:
    lead = major << 5
    if argument < 24:
        return bytes([lead | argument])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * size):
            return bytes([lead | code]) + argument.to_bytes(size, "big")
    raise OverflowError(f"integer {argument} needs more than 64 bits")


def _read_head(raw: bytes, at: int) -> tuple[int, int, int]:
    """Major type, argument and the offset behind them."""
    if at >= len(raw):
        raise NotCanonical(offset=at, why="ends early")
    major, code = raw[at] >> 5, raw[at] & 31
    if code < 24:
        return major, code, at + 1
    if code > 27:
        raise NotCanonical(offset=at, why="indefinite or reserved length")
    size = 1 << (code - 24)
    end = at + 1 + size
    if end > len(raw):
        raise NotCanonical(offset=at, why="ends early")
    argument = int.from_bytes(raw[at + 1 : end], "big")
    if argument < (24, 1 << 8, 1 << 16, 1 << 32)[code - 24]:
        raise NotCanonical(offset=at, why="integer not in its shortest form")
    return major, argument, end


def _read(raw: bytes, at: int, depth: int) -> tuple[object, int]:
    if depth > _MAX_DEPTH:
        raise NotCanonical(offset=at, why="nested too deep")
    if raw[at : at + 1] in (b"\xf4", b"\xf5", b"\xf6"):
        return {0xF4: False, 0xF5: True, 0xF6: None}[raw[at]], at + 1
    major, argument, body = _read_head(raw, at)
    match major:
        case 0:
            return argument, body
        case 1:
            return -1 - argument, body
        case 2:
            return _take(raw, body, argument), body + argument
        case 3:
            return _text(raw, body, argument), body + argument
        case 4:
            return _read_list(raw, body, argument, depth)
        case 5:
            return _read_map(raw, body, argument, depth)
        case 6:
            return _read_link(raw, at)
    raise NotCanonical(offset=at, why="floats and simple values are not used")


def _take(raw: bytes, at: int, size: int) -> bytes:
    if at + size > len(raw):
        raise NotCanonical(offset=at, why="ends early")
    return raw[at : at + size]


def _text(raw: bytes, at: int, size: int) -> str:
    try:
        return _take(raw, at, size).decode()
    except UnicodeDecodeError:
        raise NotCanonical(offset=at, why="text is not UTF-8") from None


def _read_list(raw: bytes, at: int, count: int, depth: int) -> tuple[object, int]:
    items = []
    for _ in range(count):
        item, at = _read(raw, at, depth + 1)
        items.append(item)
    return items, at


def _read_map(raw: bytes, at: int, count: int, depth: int) -> tuple[object, int]:
    items: dict[str, object] = {}
    last: tuple[int, bytes] | None = None
    for _ in range(count):
        major, size, body = _read_head(raw, at)
        if major != 3:
            raise NotCanonical(offset=at, why="map key is not text")
        rank = (size, _take(raw, body, size))
        if last is not None and rank <= last:
            raise NotCanonical(offset=at, why="map keys out of order or repeated")
        last = rank
        items[_text(raw, body, size)], at = _read(raw, body + size, depth + 1)
    return items, at


def _read_link(raw: bytes, at: int) -> tuple[Cid, int]:
    body = at + len(_LINK_TAG)
    cid = _take(raw, body, 36) if raw[at:body] == _LINK_TAG else b""
    if cid[:4] != _CID_PREFIX:
        raise NotCanonical(offset=at, why="tag is not a DAG-CBOR SHA-256 link")
    return Cid(Digest(cid[4:])), body + 36


_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def _base32(raw: bytes) -> str:
    bits = int.from_bytes(raw, "big") << (-len(raw) * 8 % 5)
    length = -(-len(raw) * 8 // 5)
    return "".join(_ALPHABET[(bits >> (5 * (length - 1 - i))) & 31] for i in range(length))


def _unbase32(text: str) -> bytes:
    bits = 0
    for char in text:
        bits = bits << 5 | _ALPHABET.index(char)
    size = len(text) * 5 // 8
    return (bits >> (len(text) * 5 - size * 8)).to_bytes(size, "big")
