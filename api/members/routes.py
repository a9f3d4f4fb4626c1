"""Members of the alliance: `/v1/members`, public as on the chain."""

from fastapi import APIRouter

from api import projection
from api.members import queries
from api.members.schemas import MemberAnswer
from api.paging import PagingDep
from api.platform import PlatformDep
from api.wire import Page

router = APIRouter(prefix="/v1/members", tags=["members"])


@router.get("")
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
