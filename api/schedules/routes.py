"""Schedules: headings and prices for all, gains for the member whose they are, rows for the station's box."""

from fastapi import APIRouter
from sqlalchemy import Connection

from alliance.calendar import day_at, day_of
from alliance.identity import digest
from api.documents import queries as documents
from api.platform import PlatformDep
from api.schedules import queries
from api.schedules.queries import ScheduleRecord, ScheduleUnknown
from api.schedules.schemas import (
    AnchoredAnswer,
    EdgeRow,
    EdgeSchedule,
    GainAnswer,
    PriceAnswer,
    RunAnswer,
    ScheduleAnswer,
    ScheduleDetail,
)
from api.session.access import Anyone
from api.wire import StationNumber

router = APIRouter(prefix="/v1", tags=["schedules"])


@router.get("/schedules")
def schedules(platform: PlatformDep, day: str | None = None) -> tuple[ScheduleAnswer, ...]:
    """A day's schedules, today's by default, in the order in which they were made."""
    wanted = day_of(day) if day else day_at(platform.clock.now_ms())
    with platform.database.reading() as connection:
        return tuple(_heading(connection, record) for record in queries.of_day(connection, wanted))


@router.get("/schedules/{schedule}")
def schedule(schedule: str, platform: PlatformDep, principal: Anyone) -> ScheduleDetail:
    """One schedule; gains are shown to the member whose they are, and to the operator."""
    with platform.database.reading() as connection:
        record = queries.by_digest(connection, digest(schedule, field="schedule"))
        heading = _heading(connection, record)
    asks = principal
    seen = [g for g in record.schedule.gains if asks and (asks.sees_everything or asks.member == g.member)]
    return ScheduleDetail(
        heading=heading,
        prices=tuple(
            PriceAnswer(group=p.group, slot=p.slot, pool_price=p.pool_price) for p in record.schedule.prices
        ),
        gains=tuple(
            GainAnswer(
                member=g.member, apart_cost_cents=g.apart_cost_cents, planned_cost_cents=g.planned_cost_cents,
                without_storage_cost_cents=g.without_storage_cost_cents, gain_cents=g.gain_cents,
            )
            for g in seen
        ),
    )  # fmt: skip


@router.get("/plan-runs")
def plan_runs(platform: PlatformDep, day: str | None = None) -> tuple[RunAnswer, ...]:
    """What came of the planner's runs for a day, tomorrow's by default, and why."""
    wanted = day_of(day) if day else day_at(platform.clock.now_ms()).plus(1)
    with platform.database.reading() as connection:
        runs = queries.runs(connection, wanted)
    return tuple(
        RunAnswer(
            day=str(r.day), revision=r.revision, t=r.t_ms, outcome=r.outcome, code=r.code, detail=r.detail,
            schedule=r.schedule,
        )
        for r in runs
    )  # fmt: skip


@router.get("/stations/{station}/schedule")
def station_schedule(station: StationNumber, platform: PlatformDep, day: str | None = None) -> EdgeSchedule:
    """A station's rows of a day's newest schedule, today's by default: what its box follows."""
    wanted = day_of(day) if day else day_at(platform.clock.now_ms())
    with platform.database.reading() as connection:
        records = queries.of_day(connection, wanted)
    rows = [r for record in records[-1:] for r in record.schedule.rows if r.station == station]
    if not rows:
        raise ScheduleUnknown(what=f"station {station} on {wanted}")
    return EdgeSchedule(
        schedule=records[-1].row.document.digest,
        revision=records[-1].schedule.revision,
        rows=tuple(
            EdgeRow(slot=r.slot, battery_wh=r.battery_wh, planned_net_wh=r.planned_net_wh, net_load_wh=r.net_load_wh)
            for r in rows
        ),
    )


def _heading(connection: Connection, record: ScheduleRecord) -> ScheduleAnswer:
    checkpoint = documents.checkpoint_of(connection, record.row)
    schedule, proof = record.schedule, record.certificate
    return ScheduleAnswer(
        day=str(schedule.day),
        revision=schedule.revision,
        kind=schedule.kind.value,
        digest=record.row.document.digest,
        certified=proof is not None,
        certified_gap_ppm=schedule.certified_gap_ppm,
        objective_cents=None if proof is None else queries.objective_cents(proof),
        bound_cents=None if proof is None else queries.bound_cents(proof),
        epoch=record.row.epoch,
        anchored=None
        if checkpoint is None
        else AnchoredAnswer(epoch=checkpoint.epoch, block=checkpoint.block, time_s=checkpoint.time_s),
    )
