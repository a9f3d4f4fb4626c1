"""Settlements: nets of the parties for all (they stand on chain), lines and figures for the member whose they are."""

from fastapi import APIRouter
from sqlalchemy import Connection

from alliance.calendar import Day, day_of
from alliance.identity import MemberId, StationId
from alliance.settlement import figures
from alliance.statement import GRID, PLATFORM, POOL, AccountId, Line, Statement, account_name, member_account, standing
from api.curves import queries as curves
from api.paging import PagingDep
from api.platform import Platform, PlatformDep
from api.schedules import queries as schedules
from api.session.access import SignedIn
from api.settlements import queries
from api.settlements.queries import PostedLines, SettlementUnknown
from api.settlements.schemas import (
    DecisionAnswer,
    FiguresAnswer,
    LeafProofAnswer,
    LineAnswer,
    PartyAnswer,
    PostedLineAnswer,
    SettlementAnswer,
    VersionAnswer,
)
from api.statements import queries as statements
from api.stations import queries as stations
from api.wire import Page
from oracle.settlement_tree import settlement_tree

router = APIRouter(prefix="/v1/settlements", tags=["settlements"])
_KINDS = {PLATFORM: "platform", GRID: "grid", POOL: "pool"}


@router.get("")
def settlements(platform: PlatformDep, paging: PagingDep) -> Page[SettlementAnswer]:
    """Settled days, the newest first; one whose statements are void waits for its new one."""
    after = paging.after(int)
    with platform.database.reading() as connection:
        found = queries.days(connection, before=int(after[0]) if after else None, limit=paging.limit + 1)
        page, following = paging.cut(found, lambda day: (day.number,))
        standing_days = [day for day in page if queries.standing_versions(connection, day)]
        return Page(items=tuple(_answer(platform, connection, day) for day in standing_days), next=following)


@router.get("/{day}")
def settlement(day: str, platform: PlatformDep) -> SettlementAnswer:
    """One settled day."""
    with platform.database.reading() as connection:
        return _answer(platform, connection, day_of(day))


@router.get("/{day}/lines")
def lines(day: str, platform: PlatformDep, principal: SignedIn, paging: PagingDep) -> Page[LineAnswer]:
    """The asker's own lines of the whole day as it stands (the operator: all), in order of identity."""
    with platform.database.reading() as connection:
        made = queries.standing_statements(connection, day_of(day))
        whole = queries.composed(connection, day_of(day), made)
        posted = queries.posted_lines(connection, day_of(day), made)
    disputed = {line.identity for line in whole.disputed_lines}
    after = paging.after(int)
    first = int(after[0]) + 1 if after else 0
    mine = None if principal.sees_everything else member_account(principal.member or MemberId(0))
    found = [
        (at, line)
        for at, line in enumerate(whole.lines)
        if at >= first and (mine is None or mine in (line.account, line.counterparty))
    ]
    page, following = paging.cut(found[: paging.limit + 1], lambda pair: (pair[0],))
    return Page(items=tuple(_line(at, line, posted, line.identity in disputed) for at, line in page), next=following)


@router.get("/{day}/figures")
def day_figures(day: str, platform: PlatformDep, principal: SignedIn) -> tuple[FiguresAnswer, ...]:
    """What is shown beside the asker's balance (the operator: everyone's)."""
    wanted = day_of(day)
    with platform.database.reading() as connection:
        whole = queries.whole(connection, wanted)
        gains = [g for r in schedules.of_day(connection, wanted) for g in r.schedule.gains]
        energy = {s.number: (s.owner, _energy(connection, s.number, wanted)) for s in stations.all_stations(connection)}
    shown = [f for f in figures(whole, gains) if principal.sees_everything or f.member == principal.member]
    return tuple(
        FiguresAnswer(
            member=f.member, saving_alone_cents=f.saving_alone_cents, saving_together_cents=f.saving_together_cents,
            lease_cents=f.lease_cents, fee_cents=f.fee_cents, net_cents=f.net_cents,
            charged_wh=sum(wh[0] for owner, wh in energy.values() if owner == f.member),
            discharged_wh=sum(wh[1] for owner, wh in energy.values() if owner == f.member),
        )
        for f in shown
    )  # fmt: skip


@router.get("/{day}/{version}/leaves/{index}/proof")
def leaf_proof(day: str, version: int, index: int, platform: PlatformDep, principal: SignedIn) -> LeafProofAnswer:
    """A line's leaf of a posted statement with its path to the root; a line of the asker's own."""
    with platform.database.reading() as connection:
        found = [v for v in queries.versions(connection, day_of(day)) if v.version == version]
        if not found:
            raise SettlementUnknown(day=f"{day} version {version}")
        made = queries.statement(connection, found[0])
    if not 0 <= index < len(made.lines):
        raise SettlementUnknown(day=f"{day} version {version} line {index}")
    line = made.lines[index]
    account = member_account(principal.member or MemberId(0))
    if not principal.sees_everything and account not in (line.account, line.counterparty):
        principal.check_owns(None, what=f"line {index}")
    tree = settlement_tree(made)
    at = len(made.quantities) + len(made.slot_totals) + index
    leaf = tree.leaves[at]
    return LeafProofAnswer(
        day=day, version=version, index=index, leaf=leaf.encoded, leaf_hash=leaf.digest, proof=tree.proof(at),
        root=tree.root,
    )  # fmt: skip


def _answer(platform: Platform, connection: Connection, day: Day) -> SettlementAnswer:
    found, whole = queries.versions(connection, day), queries.whole(connection, day)
    posted = {row.version: row for row in statements.posted(connection, day)}
    final_at_s = statements.final_at_s(connection, day)
    firmness = standing(
        whole, now_ms=platform.clock.now_ms(), final_at_ms=(1 << 62) if final_at_s is None else final_at_s * 1000
    )
    return SettlementAnswer(
        day=str(day),
        version=found[-1].version,
        standing=firmness.value,
        provisional_slots=len(whole.provisional_slots),
        final_at_s=final_at_s,
        root=found[-1].root,
        parties=tuple(_party(whole, account) for account in whole.accounts),
        versions=tuple(
            VersionAnswer(
                version=v.version, root=v.root, statement=v.document, leaf_count=v.leaf_count, log_epoch=v.log_epoch,
                made=v.made_ms, posted_at_s=posted[v.version].time_s if v.version in posted else None,
                posted_block=posted[v.version].block if v.version in posted else None,
            )
            for v in found
        ),
        voided_up_to=statements.voided_up_to(connection, day),
        decisions=tuple(
            DecisionAnswer(
                version=d.version, leaf=d.leaf, expected=d.expected, got=d.got, moved_cents=d.moved_cents, by=d.by
            )
            for d in statements.decisions_of(connection, day)
        ),
    )  # fmt: skip


def _party(whole: Statement, account: AccountId) -> PartyAnswer:
    return PartyAnswer(
        account=account_name(account), kind=_KINDS.get(account, "member"), net_cents=whole.balance(account)
    )


def _line(at: int, line: Line, posted: PostedLines, disputed: bool) -> LineAnswer:
    return LineAnswer(
        index=at, slot=line.slot, kind=line.kind.label, account=account_name(line.account),
        counterparty=account_name(line.counterparty), subject=line.subject, group=line.group,
        quantity_wh=line.quantity_wh, price_cents_per_mwh=line.price_cents_per_mwh, amount_cents=line.amount_cents,
        evidence=line.evidence, disputed=disputed, judged_cents=posted.moved_cents.get(line.identity, 0),
        posted=tuple(
            PostedLineAnswer(version=one.version, leaf=one.leaf, amount_cents=one.amount_cents)
            for one in posted.lines.get(line.identity, ())
        ),
    )  # fmt: skip


def _energy(connection: Connection, station: StationId, day: Day) -> tuple[int, int]:
    """What a station's battery charged and discharged in a day by its own meter, Wh; slots without readings count 0."""
    measured = [m.battery_wh for m in curves.course(connection, station, day) if m.battery_wh is not None]
    return -sum(min(0, wh) for wh in measured), sum(max(0, wh) for wh in measured)
