"""The archive as a trustless gateway (protocol 4.6): `GET /ipfs/{cid}?format=raw`; whoever asks hashes what comes."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from alliance.errors import AllianceError, Malformed, Missing
from alliance.ports import Archive
from api.platform import PlatformDep
from oracle.archive import RAW_BLOCK, BlockAltered, BlockMissing
from oracle.cbor import Cid, parse_cid

router = APIRouter(tags=["archive"])


@dataclass(kw_only=True, eq=False)
class FormatNotServed(Malformed):
    """The gateway serves raw blocks alone: `?format=raw`, or Accept application/vnd.ipld.raw."""

    got: str


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
    cid: str, request: Request, platform: PlatformDep, form: Annotated[str | None, Query(alias="format")] = None
) -> Response:
    """One block by its CID, raw."""
    wanted = parse_cid(cid)
    accepted = request.headers.get("accept", "")
    if form != "raw" and not (form is None and RAW_BLOCK in accepted):
        raise FormatNotServed(got=(form or accepted)[:80])
    headers = {
        "ETag": f'"{cid}.raw"',
        "Cache-Control": "public, max-age=29030400, immutable",
        "Content-Disposition": f'attachment; filename="{cid}.bin"',
        "X-Ipfs-Path": f"/ipfs/{cid}",
        "Vary": "Accept",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(_get(platform.archive, wanted), media_type=RAW_BLOCK, headers=headers)


def _get(archive: Archive, cid: Cid) -> bytes:
    """The block, with errors that tell the address and not where the archive stands."""
    try:
        return archive.get(cid.digest)
    except BlockMissing:
        raise BlockUnknown(cid=str(cid)) from None
    except BlockAltered:
        raise BlockCorrupt(cid=str(cid)) from None
