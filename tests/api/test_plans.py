"""Protocol 10.14: plans are made in jobs by a process of its own, with results anybody can check and reasons that are named."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from alliance.certificate import certificate_from_plain as day_from_plain
from alliance.certificate import check as check_day
from alliance.fleetplan import FleetProblem, problem_to_plain
from alliance.fleetproof import certificate_from_plain, check
from alliance.plain_json import plain_of
from alliance.replan.check import check_replan
from alliance.replan.record import replan_from_plain
from api.app import create_app
from api.build import platform_of_settings
from optimizer.problem import problem_to_plain as day_to_plain
from tests.api.conftest import TestClient
from tests.optimizer import cases
from tests.optimizer.fleet.instances import instance
from tests.optimizer.fleet.test_rolling import city

BEGINS = 1_800_000_000_000
DEADLINE_S = 300


@pytest.fixture
def operator(admin_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {admin_token}", "Accept-Language": "en"}


def fleet(problem: FleetProblem | None = None) -> dict[str, Any]:
    return dict(problem_to_plain(problem or city(8)))


def day() -> dict[str, Any]:
    plain: Any = day_to_plain(cases.worked_example())
    plain["problem"]["alliance"] = "0x" + plain["problem"]["alliance"].hex()
    return plain


def ask(client, headers: dict[str, str], body: dict[str, Any], *, path: str = "/v1/plans", key: str | None = None):
    key = key or f"{path} {time.monotonic_ns()}"
    return client.post(path, json=body, headers=headers | {"Idempotency-Key": key})


def taken(client, headers: dict[str, str], body: dict[str, Any], **more: Any) -> str:
    reply = ask(client, headers, body, **more)
    assert reply.status_code == 202, reply.text
    assert reply.json()["state"] == "queued"
    assert reply.headers["location"] == f"/v1/plans/{reply.json()['id']}"
    return str(reply.headers["location"])


def ended(client, headers: dict[str, str], location: str) -> dict[str, Any]:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        answer: dict[str, Any] = client.get(location, headers=headers).json()
        if answer["state"] in ("done", "failed"):
            assert answer["doneAt"] is not None
            return answer
        time.sleep(0.05)
    raise AssertionError(answer)


def plain_of_result(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["state"] == "done", answer
    return {name: value for name, value in answer["result"].items() if name != "summary"}


@pytest.fixture
def client_of(world, settings_of, tmp_path) -> Iterator[Callable[..., TestClient]]:
    """A client of a service with some settings; its planner runs inside `with` alone."""
    opened = []

    def make(**changes: Any) -> TestClient:
        settings = settings_of(tmp_path / "service").model_copy(update=changes)
        opened.append(platform_of_settings(settings))
        return TestClient(create_app(opened[-1]), raise_server_exceptions=False)

    yield make
    for platform in opened:
        platform.close()


# ---- plans ----


def test_certificate_checks_when_a_fleet_was_planned(service, operator) -> None:
    answer = ended(service.client, operator, taken(service.client, operator, fleet()))
    proof = check(certificate_from_plain(plain_of_result(answer)))
    assert answer["result"]["summary"] == {
        "objectiveMicrocents": str(proof.objective_microcents), "lowerBoundMicrocents": str(proof.lower_bound_microcents),
        "gapPpm": proof.gap_ppm, "optimal": True,
    }  # fmt: skip
    assert (answer["kind"], answer["problem"], answer["parent"], answer["stage"]) == ("fleet", None, None, None)


def test_certificate_checks_when_a_settled_day_was_planned(service, operator) -> None:
    answer = ended(service.client, operator, taken(service.client, operator, day()))
    check_day(day_from_plain(plain_of(plain_of_result(answer), source="result")))


def test_plan_is_rolled_on_and_on_when_states_come(service, operator) -> None:
    base_at = taken(service.client, operator, fleet())
    base = certificate_from_plain(plain_of_result(ended(service.client, operator, base_at)))
    states = [{"station": i, "measuredMs": BEGINS + 600_000, "energyWh": 25_000} for i in range(3)]
    states[1] |= {"chargeW": 0, "dischargeW": 0}
    cycle = {"v": 1, "beginsMs": BEGINS, "issuedMs": BEGINS + 600_000, "states": states}
    first_at = taken(service.client, operator, cycle, path=f"{base_at}/replans")
    first = ended(service.client, operator, first_at)
    record = replan_from_plain(plain_of_result(first))
    check_replan(record, base=base)
    assert first["parent"] == int(base_at.rsplit("/", 1)[1])
    assert set(record.certificate.plan.battery_wh[1]) == {0}
    assert first["result"]["summary"]["takenMoreWh"] > 0
    second = ended(service.client, operator, taken(service.client, operator, cycle, path=f"{first_at}/replans"))
    check_replan(replan_from_plain(plain_of_result(second)), base=base, after=record)
    listed = service.client.get("/v1/plans", headers=operator).json()["items"]
    assert [row["kind"] for row in listed] == ["replan", "replan", "fleet"]


def test_reason_is_a_problem_when_a_job_fails(service, operator) -> None:
    impossible = city(8)
    station = replace(impossible.stations[0], charge_wh=10, end_min_wh=30_000)
    body = fleet(replace(impossible, stations=(station, *impossible.stations[1:])))
    failed = ended(service.client, operator, taken(service.client, operator, body))
    assert failed["state"] == "failed"
    problem = failed["problem"]
    assert (problem["code"], problem["status"], problem["title"]) == ("fleet_infeasible", 422, "No such plan")
    assert problem["facts"]["sentences"]
    assert problem["facts"]["record"] is not None
    chinese = service.client.get(f"/v1/plans/{failed['id']}", headers=operator | {"Accept-Language": "zh"}).json()
    assert chinese["problem"]["title"] == "站群计划无解"
    stale = {"v": 1, "beginsMs": BEGINS, "issuedMs": BEGINS, "states": []}
    base_at = taken(service.client, operator, fleet())
    ended(service.client, operator, base_at)
    refused = ended(service.client, operator, taken(service.client, operator, stale, path=f"{base_at}/replans"))
    assert refused["problem"]["code"] == "state_stale"
    assert refused["problem"]["facts"] == {"station": 0, "age_ms": -1, "most_age_ms": 300_000}


# ---- what is refused at once ----


def test_body_is_refused_by_name_when_it_is_wrong(service, operator) -> None:
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({"v": 1}, 400, "plan_body_wrong"),
        (fleet() | day(), 400, "plan_body_wrong"),
        (day() | {"solver": "fast"}, 400, "plan_body_wrong"),
        (fleet() | {"solver": "luck"}, 400, "request_malformed"),
        (fleet() | {"timeLimitS": 0}, 400, "request_malformed"),
        (fleet() | {"timeLimitS": 121}, 422, "time_limit_too_long"),
        (fleet() | {"more": 1}, 400, "request_malformed"),
        ({"v": 1, "fleet": {"periods": 1}}, 400, "plain_wrong"),
        ({"v": 1, "problem": {}}, 400, "plain_wrong"),
    ]
    station = fleet()
    station["fleet"]["stations"][2]["etaCPpm"] = 0
    wrong.append((station, 400, "field_wrong"))
    for body, status, code in wrong:
        reply = ask(service.client, operator, body)
        assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
    assert reply.json()["facts"] == {
        "field": "stations[2].eta_c_ppm", "value": "0", "limit": "a whole number from 1 to 1000000",
    }  # fmt: skip
    assert service.client.get("/v1/plans", headers=operator).json()["items"] == []


def test_settled_day_and_unfinished_plan_are_not_rolled_on_when_asked(service, operator) -> None:
    cycle = {"v": 1, "beginsMs": BEGINS, "states": []}
    day_at = taken(service.client, operator, day())
    assert ask(service.client, operator, cycle, path=f"{day_at}/replans").json()["code"] == "plan_not_rolled"
    assert ask(service.client, operator, cycle, path="/v1/plans/99/replans").json()["code"] == "plan_unknown"
    ended(service.client, operator, day_at)


def test_sizes_and_queue_are_limited_when_the_service_is_set_so(client_of, operator) -> None:
    client = client_of(plan_station_periods=23, plans_waiting=1)
    reply = ask(client, operator, fleet())
    assert (reply.status_code, reply.json()["facts"]) == (422, {"station_periods": 24, "limit": 23})
    taken(client, operator, fleet(instance("one_period", 1)))
    full = ask(client, operator, fleet(instance("one_period", 1)))
    assert (full.status_code, full.json()["code"]) == (409, "plans_waiting")


def test_retry_gets_the_same_job_when_the_key_is_the_same(service, operator) -> None:
    first = ask(service.client, operator, fleet(), key="once")
    again = ask(service.client, operator, fleet(), key="once")
    assert (again.json(), again.headers["location"]) == (first.json(), first.headers["location"])
    assert again.headers["idempotency-replayed"] == "true"
    assert ask(service.client, operator, fleet(city(4)), key="once").json()["code"] == "idempotency_key_reused"
    assert len(service.client.get("/v1/plans", headers=operator).json()["items"]) == 1


# ---- the process ----


def heavy() -> dict[str, Any]:
    """Minutes of work for GLPK on an expanded model, whatever the machine."""
    return fleet(city(288)) | {"solver": "glpk"}


def running(client, operator, location: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while client.get(location, headers=operator).json()["state"] != "running":
        assert time.monotonic() < end
        time.sleep(0.02)


def test_job_runs_again_when_the_service_was_stopped_in_the_middle(client_of, operator) -> None:
    with client_of() as client:
        first = taken(client, operator, fleet())
        second = taken(client, operator, fleet(city(4)))
        running(client, operator, first)
    with client_of() as client:
        assert client.get(second, headers=operator).json()["state"] == "queued"
        for location in (first, second):
            answer = ended(client, operator, location)
            check(certificate_from_plain(plain_of_result(answer)))


def test_job_fails_by_name_and_the_next_one_runs_when_it_passes_the_hard_limit(client_of, operator) -> None:
    with client_of(plan_hard_limit_s=1) as client:
        failed, next_one = taken(client, operator, heavy()), taken(client, operator, heavy())
        for location in (failed, next_one):
            assert ended(client, operator, location)["problem"]["code"] in ("plan_timed_out", "plan_process_ended")
        assert client.get("/healthz").status_code == 200


def test_job_fails_by_name_when_it_needs_more_memory_than_it_may_have(client_of, operator) -> None:
    with client_of(plan_memory_mb=256) as client:
        failed = ended(client, operator, taken(client, operator, fleet()))
    assert failed["state"] == "failed"
    assert failed["problem"]["code"] in ("memory_exhausted", "plan_process_ended", "solver_failed", "solver_missing")


def test_process_is_gone_when_its_parent_lets_go() -> None:
    request = {
        "kind": "fleet", "fleet": heavy()["fleet"], "solver": "glpk", "timeLimitS": 60, "memoryMb": 4096, "processorS": 60,
    }  # fmt: skip
    body = json.dumps(request).encode()
    child = subprocess.Popen([sys.executable, "-m", "optimizer.planjob"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"%d\n%s" % (len(body), body))
        child.stdin.flush()
        assert json.loads(child.stdout.readline()) == {"stage": "relaxation"}
        child.stdin.close()
        assert child.wait(DEADLINE_S) != 0
    finally:
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
        child.stdout.close()
