"""CAR files (protocol 4.12; CARv1): many blocks in one file, each behind its CID, for handing an archive on.

The header names the roots. Whoever reads one hashes every block; a file cut short or with a foreign block is refused.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from alliance.errors import Malformed
from alliance.identity import Digest
from oracle import cbor
from oracle.archive import BlockAltered, BlockMissing
from oracle.cbor import Cid, cid_of
from oracle.plain import Fields

MEDIA_TYPE = "application/vnd.ipld.car"
_CID_BYTES = 36
_CID_PREFIX = Cid(Digest(bytes(32))).raw[:4]
_SECTION_LIMIT = 1 << 26


@dataclass(kw_only=True, eq=False)
class CarMalformed(Malformed):
    """Bytes are not a CARv1 file of DAG-CBOR blocks."""

    offset: int
    why: str


def header(roots: Iterable[Digest]) -> bytes:
    """A file's first section."""
    raw = cbor.encode({"roots": [Cid(root) for root in roots], "version": 1})
    return _varint(len(raw)) + raw


def section(block: bytes) -> bytes:
    """A block as it stands in a file."""
    return _varint(_CID_BYTES + len(block)) + cid_of(block).raw + block


def read(file: BinaryIO) -> tuple[tuple[Digest, ...], Iterator[tuple[Digest, bytes]]]:
    """A file's roots, and its blocks one by one, each hashed.

    Raises CarMalformed; the blocks raise CarMalformed or BlockAltered as they are read.
    """
    sections = _sections(file)
    return _roots(sections), _blocks(sections)


def walk(root: Digest, get: Callable[[Digest], bytes], *, into: Callable[[bytes], Iterable[Digest]]) -> Iterator[bytes]:
    """Blocks depth first from a root, each once; `into` says where a block leads. Raises what `get` raises."""
    seen, waiting = set[Digest](), [root]
    while waiting:
        digest = waiting.pop()
        if digest in seen:
            continue
        seen.add(digest)
        block = get(digest)
        yield block
        waiting.extend(reversed(list(into(block))))


class CarArchive:
    """A CAR file as an archive to read from: indexed once, its blocks read and hashed when they are asked for."""

    def __init__(self, file: BinaryIO, *, name: str) -> None:
        self._file, self._name = file, name
        self._index: dict[Digest, tuple[int, int]] = {}
        sections = _sections(file)
        self.roots = _roots(sections)
        for offset, raw in sections:
            digest, size = _named(offset, raw), len(raw) - _CID_BYTES
            self._index.setdefault(digest, (file.tell() - size, size))

    def get(self, digest: Digest) -> bytes:
        """The block. Raises BlockMissing or BlockAltered."""
        block = self.unchecked(digest)
        if block is None:
            raise BlockMissing(cid=Cid(digest), where=self._name)
        got = cid_of(block)
        if got.digest != digest:
            raise BlockAltered(cid=Cid(digest), got=got, where=self._name)
        return block

    def unchecked(self, digest: Digest) -> bytes | None:
        """The bytes that stand behind a CID, whatever they hash to; None if nothing does."""
        found = self._index.get(digest)
        if found is None:
            return None
        self._file.seek(found[0])
        return self._file.read(found[1])

    def has(self, digest: Digest) -> bool:
        """Whether the file names the block."""
        return digest in self._index

    def digests(self) -> Iterator[Digest]:
        """All blocks' digests, in ascending order."""
        yield from sorted(self._index)


def _roots(sections: Iterator[tuple[int, bytes]]) -> tuple[Digest, ...]:
    """What the header names. Raises CarMalformed or PlainMalformed."""
    first = next(sections, None)
    if first is None:
        raise CarMalformed(offset=0, why="empty file")
    fields = Fields(cbor.decode(first[1]), where="car")
    if (version := fields.int("version")) != 1:
        raise CarMalformed(offset=0, why=f"version {version}, want 1")
    roots = fields.list("roots")
    fields.finish()
    if not all(isinstance(root, Cid) for root in roots):
        raise CarMalformed(offset=0, why="a root is not a link")
    return tuple(root.digest for root in roots if isinstance(root, Cid))


def _blocks(sections: Iterator[tuple[int, bytes]]) -> Iterator[tuple[Digest, bytes]]:
    for offset, raw in sections:
        digest, block = _named(offset, raw), raw[_CID_BYTES:]
        got = cid_of(block)
        if digest != got.digest:
            raise BlockAltered(cid=Cid(digest), got=got, where=f"CAR at byte {offset}")
        yield digest, block


def _named(offset: int, raw: bytes) -> Digest:
    """The digest in a section's CID. Raises CarMalformed."""
    if len(raw) < _CID_BYTES or raw[:4] != _CID_PREFIX:
        raise CarMalformed(offset=offset, why="a block's CID is not version 1, dag-cbor, SHA-256")
    return Digest(raw[4:_CID_BYTES])


def _sections(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while True:
        length, size = _read_varint(file, offset)
        if size == 0:
            return
        if not 0 < length <= _SECTION_LIMIT:
            raise CarMalformed(offset=offset, why=f"a section of {length} bytes")
        raw = file.read(length)
        if len(raw) != length:
            raise CarMalformed(offset=offset, why="cut short")
        yield offset, raw
        offset += size + length


def _read_varint(file: BinaryIO, offset: int) -> tuple[int, int]:
    """An unsigned LEB128 number in its shortest form, and its size; (0, 0) at the file's end."""
    value = size = 0
    while True:
        byte = file.read(1)
        if not byte:
            if size:
                raise CarMalformed(offset=offset, why="cut short")
            return 0, 0
        value |= (byte[0] & 0x7F) << (7 * size)
        size += 1
        if byte[0] < 0x80:
            break
        if size == 9:
            raise CarMalformed(offset=offset, why="a length of more than 63 bits")
    if size > 1 and byte[0] == 0:
        raise CarMalformed(offset=offset, why="a length that is not in its shortest form")
    return value, size


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
