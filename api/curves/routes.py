"""A day's course, planned and measured, of one station or of all together."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from sqlalchemy import Connection

from alliance.calendar import SLOTS_A_DAY, Day, day_at, day_of
from alliance.identity import StationId
from alliance.schedule import ScheduleRow
from api.curves import queries
from api.curves.queries import Measured
from api.curves.schemas import CurveAnswer, CurveSlot
from api.platform import Platform, PlatformDep
from api.schedules import queries as schedules
from api.schedules.queries import ScheduleRecord
from api.session import access
from api.session.access import Anyone
from api.session.principal import NotYours
from api.stations import queries as stations
from api.wire import StationNumber

router = APIRouter(prefix="/v1", tags=["curves"])


@router.get("/stations/{station}/curve")
def station_curve(
    station: StationNumber, request: Request, platform: PlatformDep, principal: Anyone, day: str | None = None
) -> CurveAnswer:
    """A station's day, today by default; its owner's."""
    wanted = _day(platform, day)
    access.check_sees(request, platform, principal)
    with platform.database.reading() as connection:
        if not access.may_see(platform, principal, stations.owner_of(connection, station)):
            raise NotYours(what=f"the curve of station {station}")
        record = _newest(connection, wanted)
        slots = _slots(connection, StationId(station), wanted, record)
    return _answer(wanted, station, record, slots)


@router.get("/curve")
def alliance_curve(platform: PlatformDep, day: str | None = None) -> CurveAnswer:
    """The whole alliance's day, today by default; a slot is measured once every station's is."""
    wanted = _day(platform, day)
    with platform.database.reading() as connection:
        record = _newest(connection, wanted)
        each = [_slots(connection, s.number, wanted, record) for s in stations.all_stations(connection)]
    return _answer(wanted, None, record, [_sum(slot, [one[slot] for one in each]) for slot in range(SLOTS_A_DAY)])


def _day(platform: Platform, text: str | None) -> Day:
    return day_of(text) if text else day_at(platform.clock.now_ms())


def _newest(connection: Connection, day: Day) -> ScheduleRecord | None:
    records = schedules.of_day(connection, day)
    return records[-1] if records else None


def _slots(connection: Connection, station: StationId, day: Day, record: ScheduleRecord | None) -> list[CurveSlot]:
    rows = {} if record is None else {r.slot: r for r in record.schedule.rows if r.station == station}
    measured = queries.course(connection, station, day)
    return [_slot(slot, rows.get(slot), measured[slot]) for slot in range(SLOTS_A_DAY)]


def _slot(slot: int, row: ScheduleRow | None, measured: Measured) -> CurveSlot:
    return CurveSlot(
        slot=slot,
        planned_net_wh=row.planned_net_wh if row else None,
        planned_battery_wh=row.battery_wh if row else None,
        net_load_wh=row.net_load_wh if row else None,
        net_wh=measured.net_wh,
        battery_wh=measured.battery_wh,
        soc_bp=measured.soc_bp,
    )


def _sum(slot: int, parts: Sequence[CurveSlot]) -> CurveSlot:
    def total(name: str) -> int | None:
        values = [getattr(part, name) for part in parts]
        return None if not values or None in values else sum(values)

    return CurveSlot(
        slot=slot,
        planned_net_wh=total("planned_net_wh"),
        planned_battery_wh=total("planned_battery_wh"),
        net_load_wh=total("net_load_wh"),
        net_wh=total("net_wh"),
        battery_wh=total("battery_wh"),
        soc_bp=None,
    )


def _answer(day: Day, station: int | None, record: ScheduleRecord | None, slots: Sequence[CurveSlot]) -> CurveAnswer:
    digest = None if record is None else record.row.document.digest
    return CurveAnswer(day=str(day), station=station, schedule=digest, slots=tuple(slots))
