"""Rule packs, billing groups and tariffs: filed by the operator as log entries, public to read (protocol 8.3)."""

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import Connection

from alliance.calendar import Day, day_at, day_of
from alliance.day import Grouping, groups_document, tariff_document
from alliance.fleet import BillingGroup
from alliance.identity import Digest, GroupId, StationId
from alliance.rulepack import RulePack, parse
from api.documents import queries as documents
from api.idempotency import OnceDep
from api.platform import Platform, PlatformDep
from api.rules import agreement, queries
from api.rules.schemas import FiledAnswer, GroupingBody, PackAnswer, RulePackBody, TariffAnswer, TariffSlotAnswer
from api.session.access import Operator
from chain.charter import rule_hash
from oracle.log import EntryType

router = APIRouter(prefix="/v1", tags=["rules"])


@router.post("/rule-packs", status_code=201, response_model=FiledAnswer)
def file_pack(body: RulePackBody, platform: PlatformDep, _operator: Operator, once: OnceDep) -> Response:
    """File a rule pack; it is logged with the open epoch and binds days that begin after its checkpoint.

    Refused (`rules_not_agreed`) when members agreed on another one for the first day that it can bind.
    """
    pack = parse(body.pack)

    def work(connection: Connection) -> FiledAnswer:
        agreement.check_pack(connection, pack, _first_day(platform, pack.effective_from))
        return _file(platform, connection, f"pack/{pack.name}/{pack.effective_from}", tariff_document(pack))

    return once.run(work)


@router.post("/groupings", status_code=201, response_model=FiledAnswer)
def file_grouping(body: GroupingBody, platform: PlatformDep, _operator: Operator, once: OnceDep) -> Response:
    """File the billing groups from a day on; refused (`rules_not_agreed`) when members agreed on others for it."""
    grouping = Grouping(
        from_day=day_of(body.from_day, field="fromDay"),
        groups=tuple(
            BillingGroup(number=GroupId(g.group), stations=tuple(map(StationId, sorted(g.stations))))
            for g in sorted(body.groups, key=lambda g: g.group)
        ),
    )

    def work(connection: Connection) -> FiledAnswer:
        agreement.check_grouping(connection, grouping, _first_day(platform, grouping.from_day))
        return _file(platform, connection, f"groups/{grouping.from_day}", groups_document(grouping))

    return once.run(work)


@router.get("/rule-packs")
def rule_packs(platform: PlatformDep) -> tuple[PackAnswer, ...]:
    """All rule packs."""
    with platform.database.reading() as connection:
        return tuple(_pack(row.document.digest, pack) for row, pack in queries.packs(connection))


@router.get("/tariff")
def tariff(platform: PlatformDep, day: str | None = None) -> TariffAnswer:
    """The tariff of a day, today's by default."""
    wanted = day_of(day) if day else day_at(platform.clock.now_ms())
    with platform.database.reading() as connection:
        digest, pack = queries.pack_of(connection, wanted)
    slots = pack.tariff_for(wanted).slots
    return TariffAnswer(
        day=str(wanted),
        pack=_pack(digest, pack),
        slots=tuple(
            TariffSlotAnswer(slot=at, buy_price=t.buy_price, sell_price=t.sell_price, network_price=t.network_price)
            for at, t in enumerate(slots)
        ),
    )


def _first_day(platform: Platform, from_day: Day) -> Day:
    """The first day that rules filed now can bind: none that has begun."""
    return max(from_day, day_at(platform.clock.now_ms()).plus(1))


def _file(platform: Platform, connection: Connection, name: str, content: object) -> FiledAnswer:
    row = documents.queue(platform, connection, kind=EntryType.RULE_PACK, name=name, content=content)
    return FiledAnswer(name=name, digest=row.document.digest, epoch=row.epoch)


def _pack(digest: Digest, pack: RulePack) -> PackAnswer:
    return PackAnswer(
        name=pack.name,
        jurisdiction=pack.jurisdiction,
        tariff_class=pack.tariff_class,
        doc_no=pack.doc_no,
        source=pack.source,
        effective_from=str(pack.effective_from),
        effective_to=str(pack.effective_to) if pack.effective_to else None,
        verified=pack.verified,
        unverified=pack.unverified,
        fee_bp=pack.fee_bp.value,
        digest=digest,
        content=rule_hash(tariff_document(pack)),
    )
