"""The log as static tiles (protocol 4.11; C2SP tlog-tiles): 256 hashes a tile, level by level, and bundles of entries.

A tile of level L holds the roots of 256 subtrees of 256^L leaves each. A reader fetches a checkpoint and the tiles
that it needs, and computes every root and proof itself: the server only hands out files.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from alliance.errors import Malformed, Missing
from oracle.log import Entry, parse
from oracle.merkle import HashTree, leaf_hash

WIDTH = 256
_HEIGHT = 8
_LEVEL_LIMIT = 5
_PATH = re.compile(r"(entries|[0-5])/((?:x[0-9]{3}/){0,4}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(kw_only=True, eq=False)
class TilePathMalformed(Malformed):
    """A path does not name a tile."""

    path: str


@dataclass(kw_only=True, eq=False)
class TileMissing(Missing):
    """The log is not that long, or the tile is full and is asked for as a part."""

    path: str
    size: int


@dataclass(kw_only=True, eq=False)
class TileMalformed(Malformed):
    """A tile's bytes are not what its name says."""

    path: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile's name: its level (None: a bundle of entries), its number there, and how many items it holds, 1…256."""

    level: int | None
    number: int
    width: int

    @property
    def path(self) -> str:
        """`<level>/<number>[.p/<width>]`, the number in groups of three digits."""
        kind = "entries" if self.level is None else str(self.level)
        part = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{kind}/{_numbered(self.number)}{part}"

    @property
    def first(self) -> int:
        """Number of its first item among the items of its level."""
        return self.number * WIDTH


def parse_path(path: str) -> Tile:
    """Read what stands behind `tile/`. Raises TilePathMalformed."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise TilePathMalformed(path=path[:80])
    kind, groups, width = found.groups()
    number = int(groups.replace("x", "").replace("/", ""))
    tile = Tile(level=None if kind == "entries" else int(kind), number=number, width=int(width or WIDTH))
    if tile.width > WIDTH or tile.path != path:
        raise TilePathMalformed(path=path[:80])
    return tile


def require_within(tile: Tile, *, size: int) -> None:
    """Refuse a tile that a log of `size` entries does not fill. Raises TileMissing."""
    items = size >> (_HEIGHT * (tile.level or 0))
    if tile.first + tile.width > items:
        raise TileMissing(path=tile.path, size=size)


def hashes_of(tree: HashTree, tile: Tile) -> bytes:
    """A hash tile of a tree that is long enough: its nodes, 32 bytes each."""
    assert tile.level is not None, "entry bundles hold no hashes"
    height = _HEIGHT * tile.level
    return b"".join(tree.node(height, tile.first + at) for at in range(tile.width))


def bundle_of(entries: Sequence[Entry]) -> bytes:
    """An entry bundle: each entry behind its length, u16."""
    return b"".join(len(entry.raw).to_bytes(2, "big") + entry.raw for entry in entries)


def parse_bundle(raw: bytes, tile: Tile) -> list[Entry]:
    """Read an entry bundle. Raises TileMalformed or EntryMalformed."""
    entries, at = [], 0
    while at < len(raw):
        end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
        if end > len(raw):
            raise TileMalformed(path=tile.path, why="an entry is cut short")
        entries.append(parse(raw[at + 2 : end]))
        at = end
    if len(entries) != tile.width:
        raise TileMalformed(path=tile.path, why=f"{len(entries)} entries, want {tile.width}")
    return entries


def tiles_of(size: int, *, level: int | None = 0) -> Iterator[Tile]:
    """The tiles of one level of a log of `size` entries, the last one partial."""
    items = size >> (_HEIGHT * (level or 0))
    for number in range(-(-items // WIDTH)):
        yield Tile(level=level, number=number, width=min(WIDTH, items - number * WIDTH))


def tree_of_tiles(fetch: Callable[[Tile], bytes], size: int) -> HashTree:
    """A log's tree, from its lowest tiles; the caller compares its root with a checkpoint. Raises TileMalformed."""
    tree = HashTree()
    for tile in tiles_of(size):
        raw = fetch(tile)
        if len(raw) != 32 * tile.width:
            raise TileMalformed(path=tile.path, why=f"{len(raw)} bytes, want {32 * tile.width}")
        for at in range(0, len(raw), 32):
            tree.append(raw[at : at + 32])
    return tree


def tree_of_entries(fetch: Callable[[Tile], bytes], size: int) -> HashTree:
    """The tree of a log, from its entries themselves. Raises TileMalformed or EntryMalformed."""
    tree = HashTree()
    for tile in tiles_of(size, level=None):
        for entry in parse_bundle(fetch(tile), tile):
            tree.append(leaf_hash(entry.raw))
    return tree


def _numbered(number: int) -> str:
    groups = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        groups.append(f"x{number % 1000:03}")
    return "/".join(reversed(groups))
