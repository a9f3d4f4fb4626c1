"""Bodies about plans; problems, certificates and records are the plain forms of 9.3, 9.7 and 9.12, as JSON."""

from typing import Annotated, Any, Literal

from pydantic import Field

from alliance.fleetplan import MILLION, MOST_ENERGY_WH, MOST_PERIODS, MOST_PRICE, MOST_STATIONS
from alliance.replan.record import Stale
from api.plans.queries import PlanKind, PlanState
from api.wire import Milliseconds, Wire
from optimizer.fleet.plan import FleetPath

Energy = Annotated[int, Field(ge=-MOST_ENERGY_WH, le=MOST_ENERGY_WH)]
Power = Annotated[int, Field(ge=0, le=86_400 * MOST_ENERGY_WH)]
Solver = Annotated[FleetPath, Field(strict=False)]


class PlanBody(Wire):
    """A fleet's problem (9.7) or a settled day's (9.3), exactly one of them."""

    v: Literal[1]
    fleet: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None
    solver: Solver | None = None
    """`fast` and `stamped` are for fleets alone; by default the quickest."""
    time_limit_s: Annotated[int, Field(ge=1, le=86_400)] | None = None
    """Of the solving; the service's limit by default and at most."""


class StateBody(Wire):
    """What was measured at a station of the fleet."""

    station: Annotated[int, Field(ge=0, lt=MOST_STATIONS)]
    """Its place in the problem, from 0."""
    measured_ms: Milliseconds
    energy_wh: Annotated[int, Field(ge=0, le=MOST_ENERGY_WH)]
    charge_w: Power | None = None
    """What it can charge with now; null as rated, 0 if it tripped."""
    discharge_w: Power | None = None
    net_load_wh: Annotated[list[Energy], Field(max_length=MOST_PERIODS)] | None = None
    """A new forecast for the periods of the new horizon; null: as planned."""


class ReplanBody(Wire):
    """One cycle (9.12) from measured states."""

    v: Literal[1]
    begins_ms: Milliseconds
    """When the day-ahead plan's horizon begins."""
    issued_ms: Milliseconds | None = None
    """The service's time by default."""
    most_age_ms: Annotated[int, Field(ge=0, le=86_400_000)] = 300_000
    stale: Annotated[Stale, Field(strict=False)] = Stale.REFUSE
    periods: Annotated[int, Field(ge=0, le=MOST_PERIODS)] = 0
    deviation_price: Annotated[int, Field(ge=0, le=MOST_PRICE)] | None = None
    """Cents per MWh."""
    end_slack_ppm: Annotated[int, Field(ge=0, le=MILLION)] = 10_000
    unserved_price: Annotated[int, Field(ge=1, le=MOST_PRICE)] = 10_000_000
    states: Annotated[list[StateBody], Field(max_length=MOST_STATIONS)]
    solver: Solver | None = None
    time_limit_s: Annotated[int, Field(ge=1, le=86_400)] | None = None


class PlanAsked(Wire):
    """A job that was taken; its address is in `Location`."""

    id: int
    state: PlanState


class PlanHeadingAnswer(Wire):
    """A job in a list."""

    id: int
    kind: PlanKind
    parent: int | None
    state: PlanState
    stage: str | None
    """What a running job is at: relaxation, one_way, rounding, certificate."""
    asked_at: Milliseconds
    started_at: Milliseconds | None
    done_at: Milliseconds | None


class ProblemAnswer(Wire):
    """Why a job failed, as problem+json says it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    facts: dict[str, Any]


class PlanAnswer(PlanHeadingAnswer):
    """A job with what came of it."""

    result: dict[str, Any] | None
    """`{v, fleetCertificate | certificate | replan, summary}`: without `summary` what `alliance verify-plan` reads."""
    problem: ProblemAnswer | None
