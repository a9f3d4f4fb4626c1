"""What may be asked about planning jobs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select

from alliance.errors import Missing
from api.plans.repository import plans


class PlanState(StrEnum):
    """Where a planning job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class PlanKind(StrEnum):
    """What a planning job makes."""

    FLEET = "fleet"
    DAY = "day"
    REPLAN = "replan"


@dataclass(kw_only=True, eq=False)
class PlanUnknown(Missing):
    """There is no planning job of this number."""

    plan: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHeading:
    """A planning job without what was asked and what came of it."""

    plan: int
    kind: PlanKind
    parent: int | None
    state: PlanState
    stage: str | None
    asked_ms: int
    started_ms: int | None
    done_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """A planning job."""

    heading: PlanHeading
    request: Mapping[str, Any]
    result: Mapping[str, Any] | None
    code: str | None
    facts: Mapping[str, Any]
    text: str


def one(connection: Connection, plan: int) -> PlanRow:
    """A planning job. Raises PlanUnknown."""
    row = connection.execute(select(plans).where(plans.c.plan == plan)).one_or_none()
    if row is None:
        raise PlanUnknown(plan=plan)
    return PlanRow(
        heading=_heading(row),
        request=json.loads(row.request),
        result=None if row.result is None else json.loads(row.result),
        code=row.code,
        facts=json.loads(row.facts or "{}"),
        text=row.text or "",
    )


def listed(connection: Connection, *, before: int | None, limit: int) -> list[PlanHeading]:
    """Planning jobs, the newest first, those before `before`, `limit` at most."""
    columns = [plans.c[name] for name in PlanHeading.__slots__]
    query = select(*columns).order_by(plans.c.plan.desc()).limit(limit)
    return [_heading(r) for r in connection.execute(query if before is None else query.where(plans.c.plan < before))]


def _heading(row: Any) -> PlanHeading:
    values = {name: getattr(row, name) for name in PlanHeading.__slots__}
    return PlanHeading(**(values | {"kind": PlanKind(row.kind), "state": PlanState(row.state)}))
