"""The archive as a trustless gateway (protocol 4.6, 4.12): raw blocks and CAR files; whoever asks hashes what comes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from alliance.errors import AllianceError, Malformed, Missing
from alliance.ports import Archive
from api.platform import PlatformDep
from api.wire import SAFE_INTEGER
from oracle import car, replica
from oracle.archive import RAW_BLOCK, BlockAltered, BlockMissing
from oracle.cbor import Cid, parse_cid
from oracle.grant import MEDIA_TYPE as GRANT_TYPE

router = APIRouter(tags=["archive"])
_SCOPES = ("block", "entity", "all")
_CAR_TYPE = f"{car.MEDIA_TYPE}; version=1; order=dfs; dups=n"


@dataclass(kw_only=True, eq=False)
class FormatNotServed(Malformed):
    """The gateway serves raw blocks and CAR files alone: `?format=raw|car`, or the media type in Accept."""

    got: str


@dataclass(kw_only=True, eq=False)
class ScopeNotServed(Malformed):
    """A CAR file holds one block (`dag-scope=block` or `entity`) or all that it leads to (`all`)."""

    got: str


@dataclass(kw_only=True, eq=False)
class GrantUnknown(Missing):
    """There is no grant of this epoch for this reader."""

    fingerprint: str
    epoch: int


@dataclass(kw_only=True, eq=False)
class BlockUnknown(Missing):
    """The archive has no such block."""

    cid: str


@dataclass(kw_only=True, eq=False)
class BlockCorrupt(AllianceError):
    """The archive's bytes do not hash to the block's address: the service's own fault."""

    cid: str


@router.head("/ipfs/{cid}", include_in_schema=False)
@router.get("/ipfs/{cid}", response_class=Response, responses={200: {"content": {RAW_BLOCK: {}}}})
def block(
    cid: str,
    request: Request,
    platform: PlatformDep,
    form: Annotated[str | None, Query(alias="format")] = None,
    scope: Annotated[str, Query(alias="dag-scope")] = "all",
) -> Response:
    """One block by its CID, raw; or as a CAR file, with all blocks that it leads to."""
    wanted = parse_cid(cid)
    served = _format(form, request.headers.get("accept", ""))
    suffix = "raw" if served == "raw" else f"car.{scope}"
    headers = {
        "ETag": f'"{cid}.{suffix}"',
        "Cache-Control": "public, max-age=29030400, immutable",
        "Content-Disposition": f'attachment; filename="{cid}.{"bin" if served == "raw" else "car"}"',
        "X-Ipfs-Path": f"/ipfs/{cid}",
        "Vary": "Accept",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if served == "raw":
        return Response(_get(platform.archive, wanted), media_type=RAW_BLOCK, headers=headers)
    if scope not in _SCOPES:
        raise ScopeNotServed(got=scope[:40])
    _get(platform.archive, wanted)
    blocks = _car(platform.archive, wanted, whole=scope == "all")
    return StreamingResponse(blocks, media_type=_CAR_TYPE, headers=headers)


@router.get("/grants/{fingerprint}/{epoch}", response_class=Response, responses={200: {"content": {GRANT_TYPE: {}}}})
def grant(
    platform: PlatformDep,
    fingerprint: Annotated[str, Path(pattern="^[0-9a-f]{20}$")],
    epoch: Annotated[int, Path(ge=0, le=SAFE_INTEGER)],
) -> Response:
    """A reader's grant of an epoch (protocol 4.8.2): content keys that the reader alone unwraps. It may change."""
    found = platform.grants.get(fingerprint, epoch)
    if found is None:
        raise GrantUnknown(fingerprint=fingerprint, epoch=epoch)
    return Response(found, media_type=GRANT_TYPE, headers={"Cache-Control": "no-store"})


def _format(form: str | None, accepted: str) -> str:
    """`raw` or `car`, by the query or the Accept header. Raises FormatNotServed."""
    if form is None:
        form = "raw" if RAW_BLOCK in accepted else "car" if car.MEDIA_TYPE in accepted else None
    if form not in ("raw", "car"):
        raise FormatNotServed(got=(form or accepted)[:80])
    return form


def _car(archive: Archive, cid: Cid, *, whole: bool) -> Iterator[bytes]:
    """A CAR file's sections, depth first; it ends early where the archive lacks a block, and its reader sees that."""
    yield car.header([cid.digest])
    if not whole:
        yield car.section(archive.get(cid.digest))
        return
    for found in car.walk(cid.digest, archive.get, into=replica.linked):
        yield car.section(found)


def _get(archive: Archive, cid: Cid) -> bytes:
    """The block, with errors that tell the address and not where the archive stands."""
    try:
        return archive.get(cid.digest)
    except BlockMissing:
        raise BlockUnknown(cid=str(cid)) from None
    except BlockAltered:
        raise BlockCorrupt(cid=str(cid)) from None
