"""Protocol 9.8.8: a dispatcher's target is split by what boxes measured last, kept, shown with reasons, and checked by anybody."""

import json

import pytest

from alliance.instruction_check import RecordWrong, check, check_state
from api.privacy.erasure import confirmation
from oracle.eip712 import live_digest
from oracle.signature import SecpSigner

REGION, CITY, ELSEWHERE = 320722, 320700, 330100
PROFILE = {
    "nameZh": "站", "nameEn": "Station", "longitudeE5": 11_900_000, "latitudeE5": 3_460_000, "etaCPpm": 950_000,
    "etaDPpm": 950_000, "socMinBp": 1000, "socMaxBp": 9000, "ownNeedBp": 500, "wearPrice": 30_000,
}  # fmt: skip


@pytest.fixture
def operator(admin_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {admin_token}", "Accept-Language": "en"}


@pytest.fixture
def ready(service, operator):
    """Both stations profiled and heard a moment ago: 12 % is worth 76 kW for 15 minutes, 50 % the whole rating."""
    for station in (1, 2):
        assert service.client.put(f"/v1/stations/{station}/profile", json=PROFILE, headers=operator).status_code == 200
    say(service, 1, soc_bp=1200)
    say(service, 2, soc_bp=5000)
    return service


def say(service, station: int, *, soc_bp: int | None, power_w: int = 0, battery_w: int = 0) -> None:
    """A box's live values, signed by its key, at the service's time."""
    box, t_ms = service.box(station), service.clock.t_ms
    body = json.dumps(
        {
            "device": "0x" + box.device.hex(), "t": t_ms, "stationId": station, "powerW": power_w, "socBp": soc_bp,
            "batteryPowerW": battery_w, "status": "following",
        }
    ).encode()  # fmt: skip
    named = live_digest(service.world.deployment.domain, device=box.device, t_ms=t_ms, body=body)
    headers = {"Alliance-Signature": f"{box.key.alg}:{box.key.sign(named).hex()}", "Content-Type": "application/json"}
    reply = service.client.post("/v1/live", content=body, headers=headers)
    assert reply.status_code == 204, reply.text


def instruct(service, headers: dict[str, str], target_w: int, *, key: str | None = None, **more):
    key = key or f"{target_w}/{sorted(more.items())!s}/{service.clock.t_ms}"[:200]
    body = {"targetW": target_w} | more
    return service.client.post("/v1/instructions", json=body, headers=headers | {"Idempotency-Key": key})


def made(service, headers: dict[str, str], target_w: int, **more) -> dict:
    reply = instruct(service, headers, target_w, **more)
    assert reply.status_code == 201, reply.text
    check(reply.json()["record"])
    return reply.json()


def rows(answer: dict, *names: str) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in answer["record"]["stations"]]


def test_real_capacity_is_split_and_reasons_are_said_when_boxes_were_heard(ready, operator) -> None:
    answer = made(ready, operator, 200_000)
    assert rows(answer, "station", "capUpW", "capUpBy", "givenW", "boundBy") == [
        (1, 76_000, "soc", 76_000, "soc"), (2, 500_000, "power", 124_000, "share"),
    ]  # fmt: skip
    assert answer["record"]["shortfallW"] == 0
    assert answer["record"]["stations"][0]["weight"] == 500  # 1 a kW of rating
    assert answer["costCentsPerHour"] == str(200_000 * 30_000 // 10**6)
    assert answer["record"]["parent"] is None


def test_shortfall_is_in_the_answer_when_stations_cannot_give_enough(ready, operator) -> None:
    up, down = made(ready, operator, 900_000), made(ready, operator, -1_100_000)
    assert (up["record"]["shortfallW"], down["record"]["shortfallW"]) == (324_000, -100_000)
    assert rows(down, "givenW", "boundBy") == [(-500_000, "power"), (-500_000, "power")]


def test_station_is_named_and_given_nothing_when_its_telemetry_is_stale(ready, operator) -> None:
    ready.clock.t_ms += 300_000
    assert rows(made(ready, operator, 1000), "capUpBy") == [("soc",), ("power",)]
    ready.clock.t_ms += 1
    say(ready, 2, soc_bp=5000)
    answer = made(ready, operator, 1000)
    assert rows(answer, "givenW", "boundBy") == [(0, "stale"), (1000, "share")]
    heading = ready.client.get("/v1/instructions", headers=operator).json()["items"][0]
    assert (heading["stations"], heading["excluded"]) == (2, 1)


def test_station_is_unavailable_when_nothing_is_known_of_it(service, operator) -> None:
    say(service, 1, soc_bp=5000)  # heard, but its owner has not said how it may be used
    answer = made(service, operator, 1000)
    assert rows(answer, "givenW", "boundBy") == [(0, "unavailable"), (0, "unavailable")]
    assert answer["record"]["shortfallW"] == 1000
    service.client.put("/v1/stations/1/profile", json=PROFILE, headers=operator)
    assert rows(made(service, operator, 1001), "givenW") == [(1001,), (0,)]
    service.clock.t_ms += 1000
    say(service, 1, soc_bp=None)
    assert rows(made(service, operator, 1002), "boundBy") == [("unavailable",), ("unavailable",)]


def test_pcc_limit_binds_when_the_station_exports_already(ready, operator) -> None:
    ready.clock.t_ms += 1000
    say(ready, 2, soc_bp=5000, power_w=900_000)
    say(ready, 1, soc_bp=5000)
    assert rows(made(ready, operator, 10_000_000), "givenW", "boundBy") == [(500_000, "power"), (100_000, "pcc")]


def test_own_need_is_never_given_away_when_it_is_above_the_window(ready, operator) -> None:
    ready.client.put("/v1/stations/2/profile", json=PROFILE | {"ownNeedBp": 4900}, headers=operator)
    assert rows(made(ready, operator, 10_000_000), "capUpW", "capUpBy")[1] == (38_000, "soc")


def test_members_check_every_record_and_see_their_own_states_when_they_look(ready, operator) -> None:
    answer = made(ready, operator, 200_000)
    owner = {"Authorization": f"Bearer {ready.sign_in(ready.world.members[0])}"}
    url = f"/v1/instructions/{answer['call']}"
    all_of_it, mine = (ready.client.get(url, headers=h).json() for h in (operator, owner))
    assert mine["record"] == all_of_it["record"] == answer["record"]
    assert check(mine["record"]).given_w == 200_000
    assert [state["station"] for state in mine["states"]] == [1]
    assert [state["station"] for state in all_of_it["states"]] == [1, 2]
    for row, state in zip(answer["record"]["stations"], all_of_it["states"], strict=True):
        check_state(row, state, record=answer["record"])
    with pytest.raises(RecordWrong):
        check_state(answer["record"]["stations"][0], all_of_it["states"][0] | {"socBp": 1300}, record=answer["record"])


def test_stranger_with_a_wallet_sees_nothing_when_it_is_no_members(ready, operator) -> None:
    made(ready, operator, 1000)
    wallet = {"Authorization": f"Bearer {ready.sign_in(SecpSigner(bytes([0x44]) * 32))}"}
    for path in ("/v1/instructions", "/v1/instructions/1", "/v1/instructions/fairness"):
        assert ready.client.get(path, headers=wallet).json()["code"] == "not_yours", path


def test_retry_gets_the_first_answer_when_the_key_is_the_same(ready, operator) -> None:
    first = instruct(ready, operator, 1000, key="once")
    again = instruct(ready, operator, 1000, key="once")
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    assert instruct(ready, operator, 1001, key="once").json()["code"] == "idempotency_key_reused"
    assert len(ready.client.get("/v1/instructions", headers=operator).json()["items"]) == 1


def test_stations_are_those_of_the_region_when_it_is_a_county_a_city_or_a_province(ready, operator) -> None:
    for region in (REGION, CITY, 320000, None):
        assert rows(made(ready, operator, 1000, region=region), "station") == [(1,), (2,)], region


def test_stations_are_those_named_when_a_group_is_asked(ready, operator) -> None:
    assert rows(made(ready, operator, 1000, stations=[2]), "station", "givenW") == [(2, 1000)]


REFUSED = [
    ({"region": ELSEWHERE}, 404, "nobody_to_instruct"), ({"region": 320723}, 404, "nobody_to_instruct"),
    ({"stations": [9]}, 404, "station_unknown"), ({"parent": "0x" + "ab" * 32}, 404, "parent_unknown"),
    ({"terms": [{"station": 9, "weight": 1}]}, 400, "terms_of_stranger"),
    ({"terms": [{"station": 1}, {"station": 1}]}, 400, "terms_of_stranger"),
    ({"terms": [{"station": 1, "weight": 0}]}, 400, "request_malformed"),
    ({"durationS": 0}, 400, "request_malformed"), ({"method": "luck"}, 400, "request_malformed"),
    ({"stations": []}, 400, "request_malformed"), ({"parent": "0x12"}, 400, "bad_hex"),
    ({"region": 7}, 400, "request_malformed"), ({"note": 1}, 400, "request_malformed"),
    ({"targetW": 1.5}, 400, "request_malformed"), ({"targetW": "1000"}, 400, "request_malformed"),
    ({"targetW": 10**15 + 1}, 400, "request_malformed"), ({"targetW": None}, 400, "request_malformed"),
]  # fmt: skip


def test_instruction_is_refused_by_name_and_not_kept_when_it_cannot_be_made(ready, operator) -> None:
    for at, (more, status, code) in enumerate(REFUSED):
        body, headers = {"targetW": 1000} | more, operator | {"Idempotency-Key": f"refused {at}"}
        reply = ready.client.post("/v1/instructions", json=body, headers=headers)
        assert (reply.status_code, reply.json()["code"]) == (status, code), more
    assert ready.client.get("/v1/instructions", headers=operator).json()["items"] == []


def test_child_names_its_parent_when_an_instruction_carries_one_out(ready, operator) -> None:
    whole = made(ready, operator, 150_000)
    child = made(ready, operator, 74_000, stations=[1], parent=whole["record"]["digest"])
    assert child["record"]["parent"] == whole["record"]["digest"]


def test_equals_take_turns_when_they_are_called_by_merit_again_and_again(ready, operator) -> None:
    ready.clock.t_ms += 1000
    for station in (1, 2):
        say(ready, station, soc_bp=5000)
    first = []
    for at in range(6):
        answer = made(ready, operator, 500_000, method="merit", key=f"turn {at}")
        first += [row["station"] for row in answer["record"]["stations"] if row["givenW"]]
    assert sorted(first[:2]) == [1, 2]
    assert first == first[:2] * 3
    report = ready.client.get("/v1/instructions/fairness", headers=operator).json()
    assert report["spreadBp"] == 0
    assert [(r["station"], r["asked"], r["called"], r["turns"]) for r in report["rows"]] == [(1, 6, 3, 3), (2, 6, 3, 3)]
    assert report["rows"][0]["millicallsPerMw"] == 3 * 1000 * 2  # three calls, half a megawatt each time


def test_terms_outrank_rating_and_profile_when_the_dispatcher_gives_them(ready, operator) -> None:
    ready.clock.t_ms += 1000
    say(ready, 1, soc_bp=5000)
    terms = [{"station": 1, "weight": 3, "price": 100}, {"station": 2, "weight": 1, "price": 50}]
    assert rows(made(ready, operator, 40_000, terms=terms), "givenW") == [(30_000,), (10_000,)]
    assert rows(made(ready, operator, 40_000, terms=terms, method="merit"), "givenW") == [(0,), (40_000,)]


def test_report_covers_the_span_when_one_is_asked(ready, operator) -> None:
    made(ready, operator, 1000)
    ready.clock.t_ms += 60_000
    made(ready, operator, 1000)
    url = f"/v1/instructions/fairness?from={ready.clock.t_ms}"
    assert [row["asked"] for row in ready.client.get(url, headers=operator).json()["rows"]] == [1, 1]
    empty = ready.client.get(url + f"&to={ready.clock.t_ms}", headers=operator)
    assert empty.json()["code"] == "window_empty"


def test_all_come_once_and_newest_first_when_pages_are_walked(ready, operator) -> None:
    for at in range(5):
        made(ready, operator, 1000 + at)
    seen, cursor = [], ""
    while True:
        page = ready.client.get(f"/v1/instructions?limit=2{cursor}", headers=operator).json()
        seen += [(row["call"], row["targetW"]) for row in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [(5, 1004), (4, 1003), (3, 1002), (2, 1001), (1, 1000)]
    assert ready.client.get("/v1/instructions/6", headers=operator).json()["code"] == "instruction_unknown"


def test_states_go_and_records_stay_when_a_station_is_erased(ready, operator) -> None:
    answer = made(ready, operator, 200_000)
    body = {"confirm": confirmation(1), "force": True}
    headers = operator | {"Idempotency-Key": "erase"}
    assert ready.client.post("/v1/stations/1/erasure", json=body, headers=headers).status_code == 201
    shown = ready.client.get(f"/v1/instructions/{answer['call']}", headers=operator).json()
    assert [state["station"] for state in shown["states"]] == [2]
    assert check(shown["record"]).stations == 2
