"""Protocol 4.11: the log as tiles; whoever fetches them computes the same root, and cannot be told another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.log import Entry, EntryType
from oracle.merkle import HashTree, leaf_hash, root_of
from oracle.tiles import (
    WIDTH,
    Tile,
    TileMalformed,
    TileMissing,
    TilePathMalformed,
    bundle_of,
    hashes_of,
    parse_bundle,
    parse_path,
    require_within,
    tiles_of,
    tree_of_entries,
    tree_of_tiles,
)


def entries_of(count: int) -> list[Entry]:
    return [Entry(EntryType.EPOCH, number.to_bytes(8, "big")) for number in range(count)]


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(level=0, number=0, width=256), "0/000"),
        (Tile(level=1, number=5, width=3), "1/005.p/3"),
        (Tile(level=None, number=1234067, width=256), "entries/x001/x234/067"),
        (Tile(level=0, number=1000, width=1), "0/x001/000.p/1"),
    ],
)
def test_name_is_the_published_path_when_a_tile_is_written(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/0",
        "0/0000",
        "6/000",
        "0/x001",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/257",
        "0/x000/001",
        "entries/1",
        "0/000/",
        "-1/000",
    ],
)
def test_path_is_refused_when_it_names_no_tile(path: str) -> None:
    with pytest.raises(TilePathMalformed):
        parse_path(path)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 1000, 65_536, 65_793])
def test_root_is_the_logs_when_it_is_computed_from_tiles(size: int) -> None:
    entries = entries_of(size)
    leaves = [leaf_hash(entry.raw) for entry in entries]
    tree = HashTree(leaves)
    assert tree_of_tiles(lambda tile: hashes_of(tree, tile), size).root() == root_of(leaves)
    assert (
        tree_of_entries(lambda t: bundle_of(entries[t.first : t.first + t.width]), size).root() == root_of(leaves)
    )  # fmt: skip


def test_upper_tile_holds_the_roots_of_the_tiles_below_when_they_are_full() -> None:
    tree = HashTree(leaf_hash(entry.raw) for entry in entries_of(3 * WIDTH + 7))
    upper = hashes_of(tree, Tile(level=1, number=0, width=3))
    for number in range(3):
        below = hashes_of(tree, Tile(level=0, number=number, width=WIDTH))
        assert upper[32 * number : 32 * number + 32] == root_of([below[at : at + 32] for at in range(0, 8192, 32)])
    assert [tile.path for tile in tiles_of(tree.size)] == ["0/000", "0/001", "0/002", "0/003.p/7"]


@given(
    size=st.integers(0, 70_000),
    level=st.sampled_from([None, 0, 1, 2]),
    number=st.integers(0, 300),
    width=st.integers(1, 256),
)
def test_tile_is_there_exactly_when_the_log_fills_it(size: int, level: int | None, number: int, width: int) -> None:
    tile = Tile(level=level, number=number, width=width)
    filled = (number * WIDTH + width) << (8 * (level or 0)) <= size
    if filled:
        require_within(tile, size=size)
    else:
        with pytest.raises(TileMissing):
            require_within(tile, size=size)


def test_bundle_is_refused_when_it_is_cut_or_too_short() -> None:
    raw = bundle_of(entries_of(3))
    assert parse_bundle(raw, Tile(level=None, number=0, width=3)) == entries_of(3)
    with pytest.raises(TileMalformed):
        parse_bundle(raw[:-1], Tile(level=None, number=0, width=3))
    with pytest.raises(TileMalformed):
        parse_bundle(raw, Tile(level=None, number=0, width=4))
