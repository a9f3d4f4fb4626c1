"""Epochs of the log (protocol 4): `/v1/epochs`, public."""

from fastapi import APIRouter

from alliance.identity import Digest
from api import projection
from api.epochs import queries
from api.epochs.queries import EpochRow
from api.epochs.schemas import EpochAnswer
from api.paging import PagingDep
from api.platform import Platform, PlatformDep
from api.wire import Page
from oracle.cbor import Cid

router = APIRouter(prefix="/v1/epochs", tags=["epochs"])


@router.get("")
def epochs(platform: PlatformDep, paging: PagingDep) -> Page[EpochAnswer]:
    """Epochs, newest first."""
    after = paging.after(int)
    with platform.database.reading() as connection:
        found = queries.listed(connection, before=int(after[0]) if after else None, limit=paging.limit + 1)
        head = projection.head_number(connection)
    page, following = paging.cut(found, lambda row: (row.number,))
    return Page(items=tuple(_answer(platform, row, head) for row in page), next=following)


def _answer(platform: Platform, row: EpochRow, head: int) -> EpochAnswer:
    at = row.checkpoint
    return EpochAnswer(
        epoch=row.number,
        size=row.size,
        root=row.root,
        manifest=row.manifest,
        manifest_cid=_cid(row.manifest),
        entries_cid=_cid(row.entries),
        block=at.block if at else None,
        block_hash=at.block_hash if at else None,
        block_time=at.time_s if at else None,
        log_index=at.log_index if at else None,
        chain_status=projection.status_of(
            at.block if at else None, head_block=head, finality_blocks=platform.settings.finality_blocks
        ),
    )


def _cid(digest: Digest | None) -> str | None:
    return None if digest is None else str(Cid(digest))
