"""Plans: the operator has a fleet or a settled day planned in a job, and rolls fleets on within the day."""

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import Connection

from api import problems
from api.idempotency import Once, OnceDep
from api.paging import PagingDep
from api.plans import queries, service
from api.plans.queries import PlanHeading, PlanRow, PlanState
from api.plans.schemas import PlanAnswer, PlanAsked, PlanBody, PlanHeadingAnswer, ProblemAnswer, ReplanBody
from api.platform import Platform, PlatformDep
from api.session.access import Operator, SignedIn
from api.session.principal import NotYours, Principal
from api.wire import Page

router = APIRouter(prefix="/v1/plans", tags=["plans"])
PlanNumber = Annotated[int, Path(ge=1, le=(1 << 31) - 1)]


@router.post("", status_code=202, response_model=PlanAsked)
def plan(body: PlanBody, platform: PlatformDep, principal: Operator, once: OnceDep) -> Response:
    """Take a fleet's problem or a settled day's and plan it in a job: `Location` says where to look."""
    return _taken(platform, once, lambda c: service.ask_plan(platform, c, body, by=principal.name))


@router.post("/{plan}/replans", status_code=202, response_model=PlanAsked)
def replan(plan: PlanNumber, body: ReplanBody, platform: PlatformDep, principal: Operator, once: OnceDep) -> Response:
    """Roll a fleet's plan, or the cycle before, on from measured states (9.12), in a job."""
    return _taken(platform, once, lambda c: service.ask_replan(platform, c, plan, body, by=principal.name))


@router.get("")
def plans(platform: PlatformDep, principal: SignedIn, paging: PagingDep) -> Page[PlanHeadingAnswer]:
    """Planning jobs, the newest first."""
    _check_may_look(principal)
    after = paging.after(int)
    with platform.database.reading() as connection:
        found = queries.listed(connection, before=int(after[0]) if after else None, limit=paging.limit + 1)
    page, following = paging.cut(found, lambda heading: (heading.plan,))
    return Page(items=tuple(PlanHeadingAnswer(**_heading(heading)) for heading in page), next=following)


@router.get("/{plan}")
def one_plan(plan: PlanNumber, request: Request, platform: PlatformDep, principal: SignedIn) -> PlanAnswer:
    """How far a job is, and what came of it: a certificate or record that anybody can check, or the reason."""
    _check_may_look(principal)
    with platform.database.reading() as connection:
        row = queries.one(connection, plan)
    language = problems.language_of(request.headers.get("accept-language"))
    problem = _problem(row, language) if row.heading.state is PlanState.FAILED else None
    result = None if row.result is None else dict(row.result)
    return PlanAnswer(**_heading(row.heading), result=result, problem=problem)


def _taken(platform: Platform, once: Once, work: Callable[[Connection], int]) -> Response:
    """The answer to a job that is queued; the planner is woken once it stands in the database."""
    reply = once.run(lambda connection: PlanAsked(id=work(connection), state=PlanState.QUEUED), status=202)
    reply.headers["Location"] = f"/v1/plans/{json.loads(bytes(reply.body))['id']}"
    platform.plan_bell.set()
    return reply


def _check_may_look(principal: Principal) -> None:
    """A fleet's problem holds every station's loads: for the operator and regulators. Raises NotYours."""
    if not principal.sees_everything:
        raise NotYours(what="planning jobs")


def _heading(heading: PlanHeading) -> dict[str, Any]:
    return {
        "id": heading.plan, "kind": heading.kind, "parent": heading.parent, "state": heading.state,
        "stage": heading.stage, "asked_at": heading.asked_ms, "started_at": heading.started_ms,
        "done_at": heading.done_ms,
    }  # fmt: skip


def _problem(row: PlanRow, language: problems.Language) -> ProblemAnswer:
    code = row.code or "internal_error"
    title, detail = problems.explain(code, row.facts, language, otherwise=row.text)
    return ProblemAnswer(
        type=f"urn:storage-alliance:problem:{code}", title=title, status=422, detail=detail, code=code,
        facts=dict(row.facts),
    )  # fmt: skip
