"""The log over HTTP (protocol 4.11; C2SP tlog-tiles): `/log/checkpoint`, `/log/tile/…`, proofs; public, read-only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response

from alliance.errors import Missing, Refused
from api.epochs import queries as epochs
from api.platform import PlatformDep
from api.tlog import queries
from api.tlog.schemas import ConsistencyAnswer, InclusionAnswer
from oracle import note, tiles
from oracle.merkle import HashTree

router = APIRouter(tags=["log"])
_TEXT = "text/plain; charset=utf-8"
_FOREVER = {"Cache-Control": "public, max-age=29030400, immutable"}
_NOW = {"Cache-Control": "no-cache"}


@dataclass(kw_only=True, eq=False)
class EntryBeyondLog(Missing):
    """The log of that size has no entry of that number."""

    index: int
    size: int


@dataclass(kw_only=True, eq=False)
class LogShrinks(Refused):
    """A consistency proof leads from a smaller log to a larger one."""

    old_size: int
    new_size: int


@router.get("/log/checkpoint", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def checkpoint(platform: PlatformDep) -> Response:
    """The newest head of the log that stands on chain: a signed note, with the cosignatures of witnesses."""
    with platform.database.reading() as connection:
        made = queries.note_of(connection, platform, queries.anchored(connection, platform))
    return Response(made.raw, media_type=_TEXT, headers=_NOW)


@router.get("/log/vkey", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def vkey(platform: PlatformDep) -> Response:
    """The key with which this service signs the log's heads; a verifier should have it from elsewhere."""
    return Response(f"{platform.note.verifier}\n", media_type=_TEXT, headers=_NOW)


@router.get(
    "/log/tile/{path:path}", response_class=Response, responses={200: {"content": {"application/octet-stream": {}}}}
)
def tile(path: str, platform: PlatformDep) -> Response:
    """A tile of hashes (`<level>/<number>`) or a bundle of entries (`entries/<number>`), whole or `.p/<width>`."""
    wanted = tiles.parse_path(path)
    with platform.database.reading() as connection:
        size = queries.anchored(connection, platform).size
        tiles.require_within(wanted, size=size)
        if wanted.level is None:
            found = epochs.entries_between(connection, wanted.first, wanted.first + wanted.width)
            raw = tiles.bundle_of(found)
        else:
            raw = tiles.hashes_of(_tree(platform, size), wanted)
    return Response(raw, media_type="application/octet-stream", headers=_FOREVER)


@router.get("/log/proof/{index}", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def proof(index: int, platform: PlatformDep) -> Response:
    """An entry's inclusion with the newest checkpoint, one text that verifies offline (C2SP tlog-proof)."""
    with platform.database.reading() as connection:
        row = queries.anchored(connection, platform)
        made = queries.note_of(connection, platform, row)
    tree = _holding(platform, index, row.size)
    text = note.proof_text(index=index, path=tree.inclusion_proof(index, row.size), note=made)
    return Response(text, media_type=_TEXT, headers=_NOW)


@router.get("/v1/log/inclusion")
def inclusion(
    platform: PlatformDep, index: Annotated[int, Query(ge=0)], size: Annotated[int | None, Query(ge=1)] = None
) -> InclusionAnswer:
    """That an entry stands in the log of an anchored size, the newest by default."""
    with platform.database.reading() as connection:
        row = queries.anchored(connection, platform, size=size)
    tree = _holding(platform, index, row.size)
    return InclusionAnswer(
        index=index, size=row.size, root=row.root, leaf=tree.leaf(index),
        proof=tuple(tree.inclusion_proof(index, row.size)),
    )  # fmt: skip


@router.get("/v1/log/consistency")
def consistency(
    platform: PlatformDep, old: Annotated[int, Query(ge=1)], new: Annotated[int | None, Query(ge=1)] = None
) -> ConsistencyAnswer:
    """That the log of one anchored size begins that of another, the newest by default."""
    with platform.database.reading() as connection:
        before = queries.anchored(connection, platform, size=old)
        after = queries.anchored(connection, platform, size=new)
    if before.size > after.size:
        raise LogShrinks(old_size=before.size, new_size=after.size)
    path: Sequence[bytes] = _tree(platform, after.size).consistency_proof(before.size, after.size)
    return ConsistencyAnswer(
        old_size=before.size, new_size=after.size, old_root=before.root, new_root=after.root, proof=tuple(path)
    )


def _holding(platform: PlatformDep, index: int, size: int) -> HashTree:
    """The tree, if its first `size` entries hold number `index`. Raises EntryBeyondLog."""
    if not 0 <= index < size:
        raise EntryBeyondLog(index=index, size=size)
    return _tree(platform, size)


def _tree(platform: PlatformDep, size: int) -> HashTree:
    """The log's tree, which holds every anchored entry. Raises EntryBeyondLog on a database older than its chain."""
    tree = platform.log.tree
    if tree.size < size:
        raise EntryBeyondLog(index=size - 1, size=tree.size)
    return tree
