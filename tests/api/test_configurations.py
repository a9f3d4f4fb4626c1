"""Protocol 9.20.7: the service relays what configurers signed and boxes answered, and can make neither."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from alliance.errors import AllianceError
from alliance.identity import Digest
from api.app import create_app
from api.build import platform_of_settings
from api.jobs.follow import Follow
from api.settings import Settings
from edge.link.configurations import Answer, Configurations
from edge.link.question import asked
from oracle import cbor
from oracle import configuration as configuration_bytes
from oracle.configuration import Body, Configuration, Ending, Value
from oracle.signature import SecpSigner
from tests.api.conftest import START_S, ManualClock, Service, TestClient, World
from tests.edge.configuration_process import store_at

CONFIGURER, STRANGER = SecpSigner(b"\x51" * 32), SecpSigner(b"\x52" * 32)
CBOR = {"content-type": "application/vnd.ipld.dag-cbor", "accept-language": "en"}


@pytest.fixture
def service(world: World, settings_of: Callable[[Path], Settings], tmp_path: Path) -> Iterator[Service]:
    """A service that knows one configurer."""
    clock = ManualClock()
    settings = settings_of(tmp_path / "service").model_copy(update={"configurers": ("0x" + CONFIGURER.address.hex(),)})
    platform = replace(platform_of_settings(settings), clock=clock)
    with TestClient(create_app(platform), raise_server_exceptions=False) as client:
        made = Service(world=world, clock=clock, platform=platform, client=client)
        Follow(platform).run(START_S * 1000)
        yield made
    platform.close()


@pytest.fixture
def operator(admin_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {admin_token}", "Accept-Language": "en"}


class Office:
    """A configurer at a service, and what its boxes say."""

    def __init__(self, service: Service) -> None:
        self.service, self.domain = service, service.world.deployment.domain

    def signed(
        self, number: int, values: dict[str, Value] | bytes | None = None, *, station: int = 1,
        signer: SecpSigner = CONFIGURER, for_ms: int = 3_600_000, **changes,
    ) -> bytes:  # fmt: skip
        now_ms = self.service.clock.t_ms
        body = (
            values
            if isinstance(values, bytes)
            else configuration_bytes.body_bytes(Body(trial_s=60, patience_s=10, values=values or {"live_ticks": 3}))
        )
        given = Configuration(station=station, number=number, issued_ms=now_ms, until_ms=now_ms + for_ms, body=body)
        return configuration_bytes.signed(replace(given, **changes), domain=self.domain, signer=signer)

    def post(self, *messages: object) -> httpx.Response:
        body = cbor.encode({"v": 1, "configurations": list(messages)})
        return self.service.client.post("/v1/configurations", content=body, headers=CBOR)

    def sent(self, number: int, values: dict[str, Value] | None = None, **changes) -> dict:
        reply = self.post(self.signed(number, values, **changes))
        assert reply.status_code == 200, reply.text
        return reply.json()["items"][0]

    def fetch(self, station: int = 1, *, after: int = 0, by: int | None = None, late_ms: int = 0) -> httpx.Response:
        box, path = self.service.box(by or station), f"/v1/stations/{station}/configuration?after={after}"
        t_ms = self.service.clock.t_ms - late_ms
        headers = asked(path, device=box.device, t_ms=t_ms, signer=box.key, domain=self.domain)
        return self.service.client.get(path, headers=headers)

    def handed(self, station: int = 1, *, after: int = 0) -> bytes | None:
        reply = self.fetch(station, after=after)
        assert reply.status_code == 200, reply.text
        found = cbor.decode(reply.content)
        assert isinstance(found, dict)
        return found["configuration"]

    def hand(self, file: Path, station: int = 1) -> Configurations:
        """The box's own side, on its own disk."""
        return Configurations(
            store_at(file), station=station, domain=self.domain, configurers=frozenset({CONFIGURER.address})
        )

    def answer(self, hand: Configurations, *answers: Answer, station: int = 1, signer=None, device=None):
        box = self.service.box(station)
        told = [hand.signed(one, signer or box.key) for one in answers]
        body = {"device": "0x" + (device or box.device).hex(), "answers": told}
        return self.service.client.post("/v1/configurations/answers", json=body)

    def listed(self, headers: dict[str, str], query: str = "") -> list[dict]:
        reply = self.service.client.get(f"/v1/configurations{query}", headers=headers)
        assert reply.status_code == 200, reply.text
        return reply.json()["items"]


@pytest.fixture
def office(service: Service) -> Office:
    return Office(service)


def fine(values: object) -> None:
    """Every value fits."""


def said(digest: str, outcome: Ending, reason: str = "", *, t_ms: int, number: int = 1) -> Answer:
    named = Digest(bytes.fromhex(digest[2:]))
    return Answer(configuration=named, number=number, outcome=outcome, t_ms=t_ms, reason=reason)


def test_configuration_goes_out_as_it_was_signed_and_stands_as_its_box_says(office, operator, tmp_path) -> None:
    """The box's own code takes what the service hands out and the service takes what that code says."""
    message, hand, t_ms = office.signed(1, {"live_ticks": 3}), office.hand(tmp_path / "box"), office.service.clock.t_ms
    told = office.post(message).json()["items"][0]
    assert (told["values"], told["trialS"], told["outcome"], told["fetchedAt"]) == ({"live_ticks": 3}, 60, None, None)
    handed = office.handed()
    assert handed == message
    assert hand.take(handed, t_ms=t_ms, fits=fine, answering=True) is None
    assert office.handed(after=hand.highest) is None
    hand.confirm(t_ms=t_ms + 1)
    assert office.answer(hand, *hand.unsent()).json() == {"taken": 1, "unknown": []}
    [seen] = office.listed(operator)
    assert (seen["outcome"], seen["answeredAt"], seen["fetchedAt"]) == (Ending.CONFIRMED, t_ms + 1, t_ms)
    assert seen["message"] == "0x" + message.hex()
    hand.drop(t_ms=t_ms + 2, reason="limit_loosened")
    assert office.answer(hand, *hand.unsent()).json() == {"taken": 2, "unknown": []}, "a repeated one counts once"
    [seen] = office.listed(operator)
    assert (seen["outcome"], seen["reason"]) == (Ending.ROLLED_BACK, "limit_loosened")


def test_repeated_configuration_is_told_again_to_who_signed_it_and_kept_once(office, operator) -> None:
    message = office.signed(1)
    assert office.post(message).json() == office.post(message).json()
    assert office.post(office.signed(1, signer=STRANGER)).json()["code"] == "configuration_signer_unknown"
    assert len(office.listed(operator)) == 1


def test_configuration_that_no_box_would_take_is_refused_at_once(office) -> None:
    t_ms = office.service.clock.t_ms
    for message, status, code in (
        (office.signed(3, signer=STRANGER), 422, "configuration_signer_unknown"),
        (office.signed(3, station=9), 404, "station_unknown"),
        (office.signed(3, issued_ms=t_ms + 60_001), 422, "configuration_refused"),
        (office.signed(3, for_ms=0), 422, "configuration_refused"),
        (office.signed(1 << 53), 409, "configuration_number_taken"),
        (office.signed(3, b"\xa0"), 400, "plain_malformed"),
        (office.signed(3, {"tick_s": "x" * 16_384}), 400, "configuration_too_long"),
        (b"\xff", 400, "not_canonical"),
        ("text", 400, "plain_malformed"),
    ):
        reply = office.post(message)
        assert (reply.status_code, reply.json()["code"]) == (status, code)
        assert office.post(office.signed(2), message).status_code == status, "all of a request is taken or none"
    assert office.post(*[b""] * 101).json()["code"] == "too_many_configurations"
    assert office.handed() is None


def test_number_that_does_not_ascend_is_refused_and_the_newest_alone_goes_out(office) -> None:
    office.sent(7)
    office.sent(7, station=2)
    newest = office.signed(8, {"tick_s": 2})
    office.post(newest)
    reply = office.post(office.signed(8, {"tick_s": 4}))
    assert (reply.status_code, reply.json()["facts"]["highest"]) == (409, 8)
    assert office.handed() == newest
    office.service.clock.t_ms += 3_600_000
    assert office.handed() is None, "expired; the one before does not come back"


def test_box_alone_is_told_how_its_station_is_to_be_set(office) -> None:
    office.sent(1)
    assert office.service.client.get("/v1/stations/1/configuration?after=0").status_code == 401
    assert office.fetch(1, by=2).json()["code"] == "not_by_device"
    assert office.fetch(1, late_ms=300_001).json()["code"] == "not_by_device"
    headers = {"alliance-ask": "x"}
    reply = office.service.client.get("/v1/stations/1/configuration?after=0", headers=headers)
    assert reply.json()["code"] == "ask_malformed"


def test_answer_counts_only_under_a_key_of_the_stations_device(office, operator, tmp_path) -> None:
    told, hand, t_ms = office.sent(1), office.hand(tmp_path / "box"), office.service.clock.t_ms
    word = said(told["digest"], Ending.CONFIRMED, t_ms=t_ms)
    for wrong in ({"signer": STRANGER}, {"station": 2, "device": office.service.box(1).device}):
        assert office.answer(hand, word, **wrong).json()["code"] == "not_by_device"
    assert office.answer(hand, word, station=2).json() == {"taken": 0, "unknown": [told["digest"]]}
    assert office.listed(operator)[0]["outcome"] is None
    office.answer(hand, said(told["digest"], Ending.ROLLED_BACK, "device_silent", t_ms=t_ms + 5), word)
    assert office.listed(operator)[0]["outcome"] == Ending.ROLLED_BACK, "the last word by the box's clock stands"
    more = [said(told["digest"], Ending.REFUSED, f"{n}", t_ms=t_ms) for n in range(31)]
    assert office.answer(hand, *more).json()["code"] == "too_many_configuration_answers"
    assert office.answer(hand, *more[:30]).status_code == 200


def test_members_see_their_own_stations_configurations_alone(office, operator) -> None:
    office.sent(1)
    office.sent(1, station=2)
    client, world = office.service.client, office.service.world
    owner = {"Authorization": f"Bearer {office.service.sign_in(world.members[0])}"}
    assert [one["station"] for one in office.listed(owner)] == [1]
    assert [one["station"] for one in office.listed(operator)] == [2, 1]
    assert [one["station"] for one in office.listed(operator, "?station=2")] == [2]
    assert client.get("/v1/configurations?station=2", headers=owner).status_code == 403
    stranger = {"Authorization": f"Bearer {office.service.sign_in(STRANGER)}"}
    assert client.get("/v1/configurations", headers=stranger).status_code == 403


def test_what_a_service_makes_up_changes_no_box(office, tmp_path) -> None:
    """A broken-in service has no configurer's key: forged, foreign and replayed messages set nothing."""
    hand, t_ms = office.hand(tmp_path / "box"), office.service.clock.t_ms
    for lie in (office.signed(9, signer=office.service.world.writer), office.signed(9, station=2)):
        with pytest.raises(AllianceError, match="configuration_foreign"):
            hand.take(lie, t_ms=t_ms, fits=fine, answering=True)
    good = office.signed(5)
    hand.take(good, t_ms=t_ms, fits=fine, answering=True)
    hand.roll_back(t_ms=t_ms, reason="device_silent")
    assert hand.take(good, t_ms=t_ms, fits=fine, answering=True) is None
    assert (hand.on_trial, json.dumps(dict(hand.values))) == (None, "{}")
