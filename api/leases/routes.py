"""Offers and leases: `/v1/leases` and `/v1/offers`, public as on the chain."""

from dataclasses import asdict

from fastapi import APIRouter

from api import projection
from api.leases import queries
from api.leases.queries import AskRow, LeaseRow, OfferRow
from api.leases.schemas import AskAnswer, LeaseAnswer, OfferAnswer
from api.paging import PagingDep
from api.platform import PlatformDep
from api.projection import ChainStatus
from api.wire import Page

router = APIRouter(prefix="/v1", tags=["leases"])


@router.get("/leases")
def leases(platform: PlatformDep, paging: PagingDep) -> Page[LeaseAnswer]:
    """Leases by number."""
    after = paging.after(int)
    with platform.database.reading() as connection:
        found = queries.listed(connection, after=int(after[0]) if after else 0, limit=paging.limit + 1)
        asked = queries.asked(connection)
        head = projection.head_number(connection)
    page, following = paging.cut(found, lambda row: (row.lease.number,))
    depth = platform.settings.finality_blocks
    return Page(items=tuple(_lease(row, asked, _status(row.block, head, depth)) for row in page), next=following)


@router.get("/offers")
def offers(platform: PlatformDep, paging: PagingDep) -> Page[OfferAnswer]:
    """Offers by number."""
    after = paging.after(int)
    with platform.database.reading() as connection:
        found = queries.offers_listed(connection, after=int(after[0]) if after else 0, limit=paging.limit + 1)
        head = projection.head_number(connection)
    page, following = paging.cut(found, lambda row: (row.offer,))
    depth = platform.settings.finality_blocks
    return Page(items=tuple(_offer(row, _status(row.block, head, depth)) for row in page), next=following)


def _status(block: int, head: int, depth: int) -> ChainStatus:
    return projection.status_of(block, head_block=head, finality_blocks=depth)


def _lease(row: LeaseRow, asked: list[AskRow], status: ChainStatus) -> LeaseAnswer:
    terms = asdict(row.lease)
    asks = (asdict(ask) for ask in asked if ask.lease == row.lease.number)
    return LeaseAnswer(
        asks=tuple(AskAnswer(**{k: v for k, v in ask.items() if k != "lease"}) for ask in asks),
        lease=terms.pop("number"),
        offer=row.offer,
        end_slot=row.end_slot,
        ended_by=row.ended_by,
        end_price_cents=row.end_price_cents,
        following=row.following,
        chain_status=status,
        **terms,
    )


def _offer(row: OfferRow, status: ChainStatus) -> OfferAnswer:
    terms = asdict(row)
    del terms["block"]
    return OfferAnswer(**terms, chain_status=status)
