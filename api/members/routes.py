"""Members of the alliance and who applied: `/v1/members` and `/v1/applications`, public as on the chain."""

from fastapi import APIRouter

from api import projection
from api.members import queries
from api.members.schemas import ApplicationAnswer, MemberAnswer
from api.paging import Key, PagingDep
from api.platform import PlatformDep
from api.wire import Page

router = APIRouter(prefix="/v1", tags=["members"])


@router.get("/members")
def members(platform: PlatformDep, paging: PagingDep) -> Page[MemberAnswer]:
    """Members by number."""
    after = paging.after(int)
    with platform.database.reading() as connection:
        found = queries.listed(connection, after=int(after[0]) if after else 0, limit=paging.limit + 1)
        head = projection.head_number(connection)
    page, following = paging.cut(found, lambda row: (row.member.number,))
    depth = platform.settings.finality_blocks
    return Page(
        items=tuple(
            MemberAnswer(
                member=row.member.number,
                address=row.member.address,
                status=row.status,
                chain_status=projection.status_of(row.block, head_block=head, finality_blocks=depth),
            )
            for row in page
        ),
        next=following,
    )


@router.get("/applications")
def applications(platform: PlatformDep, paging: PagingDep) -> Page[ApplicationAnswer]:
    """The latest application of each account, by account."""
    after = paging.after(bytes)
    with platform.database.reading() as connection:
        found = queries.applications(connection, after=_bytes(after), limit=paging.limit + 1)
        head = projection.head_number(connection)
    page, following = paging.cut(found, lambda row: (bytes(row.applicant),))
    depth = platform.settings.finality_blocks
    return Page(
        items=tuple(
            ApplicationAnswer(
                applicant=row.applicant,
                status=row.status,
                hash=row.hash,
                chain_status=projection.status_of(row.block, head_block=head, finality_blocks=depth),
            )
            for row in page
        ),
        next=following,
    )


def _bytes(after: Key | None) -> bytes:
    return after[0] if after and isinstance(after[0], bytes) else b""
