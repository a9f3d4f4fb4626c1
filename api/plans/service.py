"""Taking planning jobs (protocol 10.14): read strictly, within the service's sizes, then queued."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from alliance.errors import Conflicting, Malformed, Refused
from alliance.fleetplan import problem_from_plain as fleet_from_plain
from alliance.plain_json import plain_of
from alliance.replan.record import MeasuredState
from alliance.replan.task import terms_of
from alliance.schedule import to_plain
from api.plans import queries, repository
from api.plans.queries import PlanKind, PlanRow, PlanState
from api.plans.schemas import PlanBody, ReplanBody, StateBody
from api.platform import Platform
from optimizer.fleet.plan import FleetPath
from optimizer.problem import problem_from_plain as day_from_plain


@dataclass(kw_only=True, eq=False)
class PlanBodyWrong(Malformed):
    """A body holds no problem, or two, or a solver that its problem has no use for."""

    got: str
    want: str


@dataclass(kw_only=True, eq=False)
class PlanTooLarge(Refused):
    """A problem has more stations times periods than this service plans."""

    station_periods: int
    limit: int


@dataclass(kw_only=True, eq=False)
class TimeLimitTooLong(Refused):
    """A job asks for more solving time than this service gives."""

    time_limit_s: int
    limit_s: int


@dataclass(kw_only=True, eq=False)
class PlansWaiting(Conflicting):
    """Too many jobs are queued or running; ask again later."""

    waiting: int
    limit: int


@dataclass(kw_only=True, eq=False)
class PlanNotReady(Conflicting):
    """A plan that is not done cannot be rolled on."""

    plan: int
    state: str


@dataclass(kw_only=True, eq=False)
class PlanNotRolled(Refused):
    """A settled day's plan is not rolled on; only fleets' are."""

    plan: int


def ask_plan(platform: Platform, connection: Connection, body: PlanBody, *, by: str) -> int:
    """Queue a plan; its number.

    Raises PlanBodyWrong, PlainWrong, FieldWrong, BadInput, PlanTooLarge, TimeLimitTooLong or PlansWaiting.
    """
    if (body.fleet is None) == (body.problem is None):
        got = "neither" if body.fleet is None else "both"
        raise PlanBodyWrong(got=got, want="fleet or problem, one of them")
    if body.fleet is not None:
        fleet = fleet_from_plain({"v": 1, "fleet": body.fleet})
        _check_size(platform, len(fleet.stations) * fleet.periods)
        asked: dict[str, Any] = {"kind": "fleet", "fleet": body.fleet, "solver": body.solver or FleetPath.FAST}
        return _queue(platform, connection, PlanKind.FLEET, asked, body.time_limit_s, parent=None, by=by)
    if body.solver in (FleetPath.FAST, FleetPath.STAMPED):
        raise PlanBodyWrong(got=str(body.solver), want="highs or glpk for a settled day")
    day = day_from_plain(plain_of({"v": 1, "problem": body.problem}, source="problem"))
    _check_size(platform, len(day.sites) * day.slots)
    asked = {"kind": "day", "problem": body.problem, "solver": body.solver or FleetPath.HIGHS}
    return _queue(platform, connection, PlanKind.DAY, asked, body.time_limit_s, parent=None, by=by)


def ask_replan(platform: Platform, connection: Connection, plan: int, body: ReplanBody, *, by: str) -> int:
    """Queue a cycle that rolls a plan, or the cycle before, on; its number.

    Raises PlanUnknown, PlanNotReady, PlanNotRolled, TimeLimitTooLong or PlansWaiting.
    """
    base, after = _rolled(connection, plan)
    names = ("most_age_ms", "stale", "periods", "deviation_price", "end_slack_ppm", "unserved_price")
    now_ms = platform.clock.now_ms() if body.issued_ms is None else body.issued_ms
    terms = terms_of(body.begins_ms, now_ms, **{name: getattr(body, name) for name in names})
    asked = {
        "kind": "replan",
        "base": base,
        "after": after,
        "terms": to_plain(terms),
        "states": [_state(state) for state in body.states],
        "solver": body.solver or FleetPath.FAST,
    }
    return _queue(platform, connection, PlanKind.REPLAN, asked, body.time_limit_s, parent=plan, by=by)


def _rolled(connection: Connection, plan: int) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """The day-ahead certificate under a plan, and the plan's own record if it is a cycle."""
    row = queries.one(connection, plan)
    if row.heading.kind is PlanKind.DAY:
        raise PlanNotRolled(plan=plan)
    if row.heading.state is not PlanState.DONE:
        raise PlanNotReady(plan=plan, state=str(row.heading.state))
    if row.heading.kind is PlanKind.FLEET:
        return _bare(row), None
    return row.request["base"], _bare(row)


def _state(state: StateBody) -> object:
    """A state in the record's plain form."""
    values = state.model_dump(by_alias=False) | {"net_load_wh": tuple(state.net_load_wh or ())}
    return to_plain(MeasuredState(**values))


def _bare(row: PlanRow) -> dict[str, Any]:
    """A result without its summary: the plain form."""
    assert row.result is not None
    return {name: value for name, value in row.result.items() if name != "summary"}


def _queue(
    platform: Platform, connection: Connection, kind: PlanKind, asked: dict[str, Any], time_limit_s: int | None, *,
    parent: int | None, by: str,
) -> int:  # fmt: skip
    settings = platform.settings
    if time_limit_s is not None and time_limit_s > settings.plan_time_limit_s:
        raise TimeLimitTooLong(time_limit_s=time_limit_s, limit_s=settings.plan_time_limit_s)
    waiting = repository.waiting(connection)
    if waiting >= settings.plans_waiting:
        raise PlansWaiting(waiting=waiting, limit=settings.plans_waiting)
    asked |= {"timeLimitS": time_limit_s or settings.plan_time_limit_s}
    row = {
        "kind": str(kind), "parent": parent, "state": str(PlanState.QUEUED), "asked_ms": platform.clock.now_ms(),
        "asked_by": by, "request": json.dumps(asked),
    }  # fmt: skip
    return repository.add(connection, row)


def _check_size(platform: Platform, station_periods: int) -> None:
    limit = platform.settings.plan_station_periods
    if station_periods > limit:
        raise PlanTooLarge(station_periods=station_periods, limit=limit)
