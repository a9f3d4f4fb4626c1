"""Uploads of signed segments (protocol 10.2): `POST /v1/segments`; committed first, acknowledged after."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from alliance.identity import address
from alliance.segment import SignedSegment
from api import problems
from api.devices import queries as devices
from api.epochs import queries as epochs
from api.paging import PagingDep
from api.platform import Platform, PlatformDep
from api.segments import repository, service
from api.segments.schemas import (
    AckAnswer,
    ConflictAnswer,
    HeadAnswer,
    HeadsAnswer,
    RefusalAnswer,
    SignedSegmentAnswer,
    UploadAnswer,
)
from api.segments.service import Accepted, Rejected
from api.upload import DAG_CBOR, cbor_body
from api.wire import Page
from oracle import cbor
from oracle.eip712 import ack_digest
from oracle.segment import sealed_from_plain

router = APIRouter(prefix="/v1/segments", tags=["segments"])
_UPLOAD = {"requestBody": {"required": True, "content": {DAG_CBOR: {"schema": {"type": "string", "format": "binary"}}}}}


@router.post("", openapi_extra=_UPLOAD)
def upload(request: Request, body: Annotated[bytes, Depends(cbor_body)], platform: PlatformDep) -> UploadAnswer:
    """Take segments. A repeated one is acknowledged again with the same content; a refused one disturbs no other."""
    items = service.read_upload(body, limit=platform.settings.max_segments)
    with platform.database.reading() as connection:
        found = service.read(platform, connection, items)
    with platform.database.writing() as connection:
        outcome = service.ingest(platform, connection, found)
    language = problems.language_of(request.headers.get("accept-language"))
    return UploadAnswer(
        acks=tuple(_ack(platform, accepted) for accepted in outcome.accepted),
        refused=tuple(_refusal(rejected, language) for rejected in outcome.rejected),
    )


@router.get("/heads/{device}")
def heads(device: str, platform: PlatformDep) -> HeadsAnswer:
    """Where a device's streams end, for a box that lost its head; public as the manifests are."""
    named = address(device, field="device")
    with platform.database.reading() as connection:
        return HeadsAnswer(
            items=tuple(
                HeadAnswer(
                    channel=channel,
                    next_seq=tail.head.next_seq,
                    digest=tail.head.digest,
                    anchored=epochs.checkpoint_of(connection, epoch) is not None,
                )
                for channel, tail, epoch in repository.tails(connection, named)
            )
        )


@router.get("/conflicts")
def conflicts(platform: PlatformDep, paging: PagingDep) -> Page[ConflictAnswer]:
    """Equivocations seen so far: anyone may take one to `AnchorLog.equivocate`."""
    after = paging.after(int)
    with platform.database.reading() as connection:
        found = repository.conflicts_after(connection, int(after[0]) if after else 0, limit=paging.limit + 1)
        page, following = paging.cut(found, lambda row: (row[0],))
        kept = repository.by_digests(connection, [row[1] for row in page])
        keys = devices.public_keys_of(connection)
        refused = [sealed_from_plain(cbor.decode(raw), platform.deployment.domain, keys).signed for _, _, raw in page]
    return Page(
        items=tuple(
            ConflictAnswer(kept=_signed(kept[digest].sealed.signed), refused=_signed(one))
            for (_, digest, _), one in zip(page, refused, strict=True)
        ),
        next=following,
    )


def _ack(platform: Platform, accepted: Accepted) -> AckAnswer:
    digest = ack_digest(platform.deployment.domain, segment=accepted.segment, epoch=accepted.epoch)
    return AckAnswer(segment=accepted.segment, epoch=accepted.epoch, signature=platform.acknowledger.sign(digest))


def _refusal(rejected: Rejected, language: problems.Language) -> RefusalAnswer:
    error = rejected.error
    _, detail = problems.explain(error.code, error.facts, language, otherwise=str(error))
    return RefusalAnswer(segment=rejected.segment, code=error.code, detail=detail, facts=problems.plain(error.facts))


def _signed(signed: SignedSegment) -> SignedSegmentAnswer:
    s = signed.segment
    return SignedSegmentAnswer(
        device=s.device, channel=s.channel, first_seq=s.first_seq, count=s.count, t_first=s.t_first_ms,
        t_last=s.t_last_ms, root=s.root, prev=s.prev, beacon_block=s.beacon_block, beacon_hash=s.beacon_hash,
        alg=signed.alg, signature=signed.signature, digest=signed.digest, signer=signed.signer,
    )  # fmt: skip
