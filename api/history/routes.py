"""Past net load that an owner files, so that the first plan has a like day to go by (protocol 9.4)."""

from dataclasses import dataclass

from fastapi import APIRouter
from fastapi.responses import Response
from sqlalchemy import Connection

from alliance.calendar import day_at, day_of
from alliance.errors import Refused
from api.history import repository
from api.history.schemas import NetLoadAnswer, NetLoadBody
from api.idempotency import OnceDep
from api.platform import PlatformDep
from api.session.access import SignedIn
from api.stations import queries as stations
from api.wire import StationNumber

router = APIRouter(prefix="/v1/stations", tags=["history"])


@dataclass(kw_only=True, eq=False)
class HistoryNotPast(Refused):
    """A day of history must be over: nobody files the day that a plan will be judged on."""

    day: str
    today: str


@router.post("/{station}/history", status_code=201, response_model=NetLoadAnswer)
def file_history(
    station: StationNumber, body: NetLoadBody, platform: PlatformDep, principal: SignedIn, once: OnceDep
) -> Response:
    """File a past day's net load; the station's owner or the operator."""
    day, today = day_of(body.day), day_at(platform.clock.now_ms())
    if day >= today:
        raise HistoryNotPast(day=str(day), today=str(today))

    def work(connection: Connection) -> NetLoadAnswer:
        principal.check_owns(stations.owner_of(connection, station), what=f"station {station}")
        repository.put(connection, station=station, day=day.number, source="imported", net_load_wh=body.net_load_wh)
        return NetLoadAnswer(station=station, day=str(day))

    return once.run(work)
