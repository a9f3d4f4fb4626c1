"""Protocol 9.15.6 to 9.15.8: the service relays what dispatchers signed and boxes answered, and can make neither."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from alliance.identity import Digest
from alliance.obedience import Heard, Outcome, Share, Standing, standing, tally
from api.app import create_app
from api.build import platform_of_settings
from api.directives import queries
from api.directives.repository import directives as directive_rows
from api.jobs.escalate import Escalate
from api.jobs.follow import Follow
from api.settings import Settings
from edge.control.directives import DirectiveForeign, Directives
from edge.control.guard import Situation
from edge.control.limits import Limits
from edge.link.question import asked
from oracle import cbor, eip712
from oracle import directive as directive_bytes
from oracle.directive import Body, Directive, Envelope, Instruction
from oracle.hashing import sha256
from oracle.signature import SecpSigner
from tests.api.conftest import START_S, ManualClock, Service, TestClient, World
from tests.api.test_instructions import PROFILE, made, say
from tests.edge.rig import SAMPLE, folder_at

DISPATCHER, STRANGER = SecpSigner(b"\x41" * 32), SecpSigner(b"\x42" * 32)
CBOR = {"content-type": "application/vnd.ipld.dag-cbor", "accept-language": "en"}
KW, MINUTE_MS = 1_000, 60_000
LIMITS = Limits(
    charge_power_w=500 * KW, discharge_power_w=500 * KW, capacity_wh=1_000 * KW, soc_min_bp=1_000, soc_max_bp=9_000,
    pcc_import_w=2_000 * KW, pcc_export_w=1_000 * KW, ramp_w_per_s=100 * KW,
)  # fmt: skip
NOW = Situation(sample=SAMPLE, hold_ms=MINUTE_MS)
ENVELOPE = Envelope(droop=None, reserve_up_w=100 * KW, reserve_down_w=0, reserve_ms=900_000, safe_wh=())


@pytest.fixture
def service(world: World, settings_of: Callable[[Path], Settings], tmp_path: Path) -> Iterator[Service]:
    """A service that knows one dispatcher; both stations profiled and heard a moment ago."""
    clock = ManualClock()
    settings = settings_of(tmp_path / "service").model_copy(
        update={"dispatchers": ("0x" + DISPATCHER.address.hex(),), "directive_answer_seconds": 30}
    )
    platform = replace(platform_of_settings(settings), clock=clock)
    with TestClient(create_app(platform), raise_server_exceptions=False) as client:
        made = Service(world=world, clock=clock, platform=platform, client=client)
        Follow(platform).run(START_S * 1000)
        yield made
    platform.close()


@pytest.fixture
def operator(admin_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {admin_token}", "Accept-Language": "en"}


@pytest.fixture
def call(service: Service, operator: dict[str, str]) -> dict:
    """An instruction: 76 kW of station 1, whose battery charges with 10 kW already, and 124 kW of station 2."""
    for station, battery_w in ((1, 0), (2, -10_000)):
        service.client.put(f"/v1/stations/{station}/profile", json=PROFILE, headers=operator)
        say(service, station, soc_bp=1_200 if station == 1 else 5_000, battery_w=battery_w)
    return made(service, operator, 200 * KW)


class Sender:
    """A dispatcher at a service, and what its boxes say."""

    def __init__(self, service: Service, plan: str) -> None:
        self.service, self.plan = service, Digest(bytes.fromhex(plan[2:]))
        self.domain = service.world.deployment.domain

    def signed(
        self, number: int, body: Body | bytes, *, station: int = 1, signer: SecpSigner = DISPATCHER, for_ms: int = 900_000, **changes
    ) -> bytes:  # fmt: skip
        now_ms = self.service.clock.t_ms
        told = Directive(
            station=station, number=number, issued_ms=now_ms, from_ms=now_ms, until_ms=now_ms + for_ms, plan=self.plan,
            body=body if isinstance(body, bytes) else directive_bytes.body_bytes(body),
        )  # fmt: skip
        return directive_bytes.signed(replace(told, **changes), domain=self.domain, signer=signer)

    def post(self, *messages: bytes) -> httpx.Response:
        body = cbor.encode({"v": 1, "directives": list(messages)})
        return self.service.client.post("/v1/directives", content=body, headers=CBOR)

    def sent(self, number: int, body: Body, **changes) -> dict:
        reply = self.post(self.signed(number, body, **changes))
        assert reply.status_code == 200, reply.text
        return reply.json()["items"][0]

    def fetch(self, station: int = 1, *, after: int = 0, by: int | None = None, late_ms: int = 0) -> httpx.Response:
        box = self.service.box(by or station)
        path = f"/v1/stations/{station}/directives?after={after}"
        headers = asked(
            path, device=box.device, t_ms=self.service.clock.t_ms - late_ms, signer=box.key, domain=self.domain
        )
        return self.service.client.get(path, headers=headers)

    def handed(self, station: int = 1, *, after: int = 0) -> list[bytes]:
        reply = self.fetch(station, after=after)
        assert reply.status_code == 200, reply.text
        found = cbor.decode(reply.content)
        assert isinstance(found, dict)
        return found["directives"]

    def answer(self, digest: str, outcome: Outcome, reason: str = "", *, station: int = 1, signer=None, device=None):
        box, t_ms = self.service.box(station), self.service.clock.t_ms
        named = eip712.answer_digest(
            self.domain, directive=Digest(bytes.fromhex(digest[2:])), outcome=outcome, t_ms=t_ms,
            reason=sha256(reason.encode()),
        )  # fmt: skip
        one = {
            "directive": digest, "outcome": int(outcome), "t": t_ms, "reason": reason, "alg": 1,
            "signature": "0x" + (signer or box.key).sign(named).hex(),
        }  # fmt: skip
        body = {"device": "0x" + (device or box.device).hex(), "answers": [one]}
        return self.service.client.post("/v1/directives/answers", json=body)

    def standing(self, digest: str, headers: dict[str, str]) -> dict:
        reply = self.service.client.get(f"/v1/directives/{digest}", headers=headers)
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.fixture
def sender(service: Service, call: dict) -> Sender:
    return Sender(service, call["record"]["digest"])


def agc(power_w: int) -> Instruction:
    return Instruction(service="agc", power_w=power_w)


def dispatch(power_w: int) -> Instruction:
    return Instruction(service="dispatch", power_w=power_w)


# ---- what is taken, and what is not ----


def test_directive_goes_out_as_it_was_signed_and_stands_as_its_box_says(sender: Sender, operator) -> None:
    message = sender.signed(1, agc(50 * KW))
    told = sender.post(message).json()["items"][0]
    assert (told["standing"], told["service"], told["powerW"], told["fetchedAt"]) == ("waiting", "agc", 50 * KW, None)
    assert sender.handed() == [message]
    assert sender.handed(after=1) == []
    assert sender.answer(told["digest"], Outcome.ACCEPTED).json() == {"taken": 1, "unknown": []}
    seen = sender.standing(told["digest"], operator)
    assert (seen["standing"], seen["message"], seen["fetchedAt"]) == (
        "accepted", "0x" + message.hex(), sender.service.clock.t_ms,
    )  # fmt: skip
    sender.answer(told["digest"], Outcome.DONE)
    assert sender.standing(told["digest"], operator)["standing"] == "done"
    sender.answer(told["digest"], Outcome.REFUSED, "expired")
    seen = sender.standing(told["digest"], operator)
    assert (seen["standing"], len(seen["answers"])) == ("done", 3), "a later contradiction is kept and changes nothing"


def test_repeated_directive_is_told_again_and_kept_once(sender: Sender, operator) -> None:
    message = sender.signed(1, agc(50 * KW))
    first, again = sender.post(message), sender.post(message)
    assert first.json() == again.json()
    assert len(sender.service.client.get("/v1/directives", headers=operator).json()["items"]) == 1


def test_directive_that_no_box_would_take_is_refused_at_once(sender: Sender) -> None:
    t_ms, power = sender.service.clock.t_ms, agc(KW)
    refused = [
        (sender.signed(3, power, signer=STRANGER), 422, "directive_signer_unknown", None),
        (sender.signed(3, power, station=9), 404, "station_unknown", None),
        (sender.signed(3, power, plan=Digest(b"\x77" * 32)), 422, "directive_plan_unknown", None),
        (sender.signed(3, power, plan=Digest(bytes(32))), 422, "directive_refused", "plan_missing"),
        (sender.signed(3, power, for_ms=0), 422, "directive_refused", "span_empty"),
        (sender.signed(3, power, for_ms=86_400_001), 422, "directive_refused", "span_too_long"),
        (sender.signed(3, power, issued_ms=t_ms + 60_001), 422, "directive_refused", "issued_later"),
        (sender.signed(3, power, until_ms=t_ms, from_ms=t_ms - 2), 422, "directive_refused", "expired"),
        (sender.signed(3, agc(501 * KW)), 422, "directive_refused", "over_rating"),
        (sender.signed(3, agc(-501 * KW)), 422, "directive_refused", "over_rating"),
        (sender.signed(1 << 53, power), 409, "directive_number_taken", None),
        (sender.signed(3, b"\xa0"), 400, "plain_malformed", None),
        (b"\xff", 400, "not_canonical", None),
    ]
    for message, status, code, why in refused:
        reply = sender.post(message)
        assert (reply.status_code, reply.json()["code"]) == (status, code)
        assert why is None or reply.json()["facts"]["why"] == why
        assert sender.post(sender.signed(2, power), message).status_code == status, "all of a request is taken or none"
    assert sender.handed() == []


def test_number_that_does_not_ascend_is_refused_and_says_the_highest(sender: Sender) -> None:
    sender.sent(7, agc(KW))
    sender.sent(7, agc(KW), station=2)
    reply = sender.post(sender.signed(7, agc(2 * KW)))
    assert (reply.status_code, reply.json()["facts"]["highest"]) == (409, 7)


def test_directive_that_is_kept_is_told_again_only_to_who_signed_it(sender: Sender) -> None:
    """Whoever guesses a heading learns nothing of it: not that it exists, not what its box said (P17)."""
    told = sender.sent(1, agc(KW))
    sender.answer(told["digest"], Outcome.REFUSED, "contactor_open")
    for guess in (sender.signed(1, agc(KW), signer=STRANGER), sender.signed(1, agc(2 * KW), signer=STRANGER)):
        reply = sender.post(guess)
        assert (reply.status_code, reply.json()["code"]) == (422, "directive_signer_unknown")
        assert "contactor_open" not in reply.text


def test_what_is_no_message_is_refused_and_not_passed_over(sender: Sender) -> None:
    good = sender.signed(1, agc(KW))
    for wrong in ("text", 5, None, [good]):
        body = cbor.encode({"v": 1, "directives": [good, wrong]})
        reply = sender.service.client.post("/v1/directives", content=body, headers=CBOR)
        assert (reply.status_code, reply.json()["code"]) == (400, "plain_malformed")
    assert sender.handed() == []


# ---- instructions ----


def test_directive_carries_out_its_instruction_to_the_watt_or_is_refused(sender: Sender, call) -> None:
    assert [row["givenW"] for row in call["record"]["stations"]] == [76 * KW, 124 * KW]
    reply = sender.post(sender.signed(1, dispatch(124 * KW), station=2))
    assert (reply.json()["code"], reply.json()["facts"]["want_w"]) == ("directive_off_plan", 114 * KW)
    told = sender.sent(1, dispatch(114 * KW), station=2)
    assert (told["call"], told["givenW"]) == (call["call"], 124 * KW)


def test_instruction_says_who_obeys_and_what_is_missing_to_the_watt(sender: Sender, call, operator) -> None:
    def obeyed() -> dict:
        return sender.service.client.get(f"/v1/instructions/{call['call']}", headers=operator).json()["obeyed"]

    assert (obeyed()["sent"], obeyed()["missingW"]) == (0, 200 * KW)
    first, second = sender.sent(1, dispatch(76 * KW)), sender.sent(1, dispatch(114 * KW), station=2)
    assert (obeyed()["sent"], obeyed()["waiting"], obeyed()["promisedW"]) == (2, 2, 0)
    sender.answer(first["digest"], Outcome.REFUSED, "contactor_open")
    sender.answer(second["digest"], Outcome.ACCEPTED, station=2)
    assert (obeyed()["accepted"], obeyed()["refused"], obeyed()["promisedW"], obeyed()["missingW"]) == (
        1, 1, 124 * KW, 76 * KW,
    )  # fmt: skip
    sender.sent(2, ENVELOPE, station=2)
    sender.sent(3, agc(KW), station=2)
    assert (obeyed()["sent"], obeyed()["promisedW"]) == (2, 124 * KW), "what only names it as its plan is no part of it"
    sender.answer(second["digest"], Outcome.DONE, station=2)
    assert (obeyed()["done"], obeyed()["doneW"], obeyed()["missingW"]) == (1, 124 * KW, 76 * KW)
    seen = sender.standing(first["digest"], operator)
    assert seen["reasons"] == [{"code": "contactor_open", "zh": "接触器断开", "en": "contactor open"}]


# ---- silence ----


def test_silence_is_said_and_marked_for_good(sender: Sender, operator) -> None:
    told = sender.sent(1, agc(KW))
    job = Escalate(sender.service.platform)
    job.run(sender.service.clock.t_ms)
    assert sender.standing(told["digest"], operator)["escalatedAt"] is None
    sender.service.clock.t_ms += 30_000
    job.run(sender.service.clock.t_ms)
    seen = sender.standing(told["digest"], operator)
    assert (seen["standing"], seen["escalatedAt"]) == ("unanswered", sender.service.clock.t_ms)
    found = sender.service.client.get("/v1/directives?state=unanswered", headers=operator).json()["items"]
    assert [one["digest"] for one in found] == [told["digest"]]
    sender.answer(told["digest"], Outcome.ACCEPTED)
    seen = sender.standing(told["digest"], operator)
    assert (seen["standing"], seen["escalatedAt"]) == ("accepted", sender.service.clock.t_ms)


def test_box_that_accepted_and_never_ended_is_marked_after_the_end(sender: Sender, operator) -> None:
    told = sender.sent(1, agc(KW), for_ms=60_000)
    sender.answer(told["digest"], Outcome.ACCEPTED)
    for later_ms, marked in ((89_999, False), (1, True)):
        sender.service.clock.t_ms += later_ms
        Escalate(sender.service.platform).run(sender.service.clock.t_ms)
        assert (sender.standing(told["digest"], operator)["escalatedAt"] is not None) is marked


def test_overdue_beyond_what_is_marked_at_once_is_marked_next(sender: Sender, monkeypatch) -> None:
    monkeypatch.setattr(queries, "MOST_OVERDUE", 2)
    sender.post(*(sender.signed(number, agc(KW)) for number in (1, 2, 3)))
    sender.service.clock.t_ms += 30_000
    late_ms, database = sender.service.clock.t_ms, sender.service.platform.database
    for left in (1, 0):
        Escalate(sender.service.platform).run(late_ms)
        with database.reading() as connection:
            assert len(queries.overdue(connection, now_ms=late_ms, answer_ms=30_000)) == left


def test_rows_of_a_state_are_those_that_the_rule_puts_in_it(sender: Sender, operator) -> None:
    words: list[tuple[Outcome, str]]
    for number, words in enumerate(
        ([], [(Outcome.ACCEPTED, "")], [(Outcome.REFUSED, "local")], [(Outcome.ACCEPTED, ""), (Outcome.DONE, "")],
         [(Outcome.ACCEPTED, ""), (Outcome.DONE, "superseded")], [(Outcome.DONE, "")],
         [(Outcome.REFUSED, "x"), (Outcome.DONE, "")]), start=1
    ):  # fmt: skip
        told = sender.sent(number, agc(KW))
        for outcome, reason in words:
            sender.answer(told["digest"], outcome, reason)
    sender.service.clock.t_ms += 30_000
    sender.sent(99, agc(KW))
    every = sender.service.client.get("/v1/directives", headers=operator).json()["items"]
    for state in Standing:
        found = sender.service.client.get(f"/v1/directives?state={state}", headers=operator).json()["items"]
        assert found == [one for one in every if one["standing"] == state]
        assert found


# ---- who may ask, who may answer ----


def test_box_alone_is_told_what_its_station_is_to_do(sender: Sender) -> None:
    sender.sent(1, agc(KW))
    assert sender.service.client.get("/v1/stations/1/directives?after=0").status_code == 401
    assert sender.fetch(1, by=2).json()["code"] == "not_by_device"
    assert sender.fetch(1, late_ms=300_001).json()["code"] == "not_by_device"
    path = "/v1/stations/1/directives?after=0"
    box = sender.service.box(1)
    headers = asked(path, device=box.device, t_ms=sender.service.clock.t_ms, signer=box.key, domain=sender.domain)
    assert sender.service.client.get("/v1/stations/1/directives?after=1", headers=headers).status_code == 422
    named, signed = f"0x{box.device.hex()}", "11" * 64
    for nonsense in ("x", "0x12:1:1:00", f"{named}:1:1:zz", f"{named}:-5:1:{signed}", f"{named}:{1 << 53}:1:{signed}"):
        reply = sender.service.client.get(path, headers={"alliance-ask": nonsense})
        assert reply.json()["code"] == "ask_malformed"


def test_answer_counts_only_under_a_key_of_the_stations_device(sender: Sender, operator) -> None:
    told = sender.sent(1, agc(KW))
    for wrong in (
        {"signer": STRANGER},
        {"station": 2, "device": sender.service.box(1).device},
        {"signer": DISPATCHER, "device": DISPATCHER.address},
    ):
        assert sender.answer(told["digest"], Outcome.ACCEPTED, **wrong).json()["code"] == "not_by_device"
    assert sender.standing(told["digest"], operator)["standing"] == "waiting"
    unknown = "0x" + "ab" * 32
    assert sender.answer(unknown, Outcome.ACCEPTED).json() == {"taken": 0, "unknown": [unknown]}
    assert sender.answer(unknown, Outcome.ACCEPTED, signer=STRANGER).json()["code"] == "not_by_device"
    others = sender.answer(told["digest"], Outcome.ACCEPTED, station=2).json()
    assert others == {"taken": 0, "unknown": [told["digest"]]}, "another's is told from none by nobody"
    assert sender.standing(told["digest"], operator)["answers"] == []


def test_answers_to_a_directive_are_bounded(sender: Sender, operator) -> None:
    told = sender.sent(1, agc(KW))
    for number in range(32):
        assert sender.answer(told["digest"], Outcome.REFUSED, f"reason {number}").status_code == 200
    reply = sender.answer(told["digest"], Outcome.REFUSED, "reason 32")
    assert (reply.status_code, reply.json()["code"]) == (422, "too_many_answers")
    assert sender.answer(told["digest"], Outcome.REFUSED, "reason 0").status_code == 200, "a repeated one is no more"
    assert len(sender.standing(told["digest"], operator)["answers"]) == 32


def test_directive_beyond_what_a_box_is_told_at_once_is_not_marked_fetched(sender: Sender, operator) -> None:
    last = sender.post(*(sender.signed(number, agc(KW)) for number in range(1, 102))).json()["items"][-1]
    assert len(sender.handed()) == 100
    assert sender.standing(last["digest"], operator)["fetchedAt"] is None
    assert len(sender.handed(after=100)) == 1
    assert sender.standing(last["digest"], operator)["fetchedAt"] == sender.service.clock.t_ms


def test_members_see_their_own_stations_directives_alone(sender: Sender, operator) -> None:
    mine, theirs = sender.sent(1, agc(KW)), sender.sent(1, agc(KW), station=2)
    client, world = sender.service.client, sender.service.world
    owner = {"Authorization": f"Bearer {sender.service.sign_in(world.members[0])}"}
    assert [one["station"] for one in client.get("/v1/directives", headers=owner).json()["items"]] == [1]
    assert client.get(f"/v1/directives/{mine['digest']}", headers=owner).status_code == 200
    hidden = client.get(f"/v1/directives/{theirs['digest']}", headers=owner).json()
    assert hidden["code"] == "directive_unknown", "another's is told from none by nobody"
    assert client.get("/v1/directives?station=2", headers=owner).status_code == 403
    assert client.get(f"/v1/directives?station={1 << 64}", headers=operator).status_code == 400
    assert client.get("/v1/directives").status_code == 401
    stranger = {"Authorization": f"Bearer {sender.service.sign_in(STRANGER)}"}
    assert client.get("/v1/directives", headers=stranger).status_code == 403


def test_dispatcher_signs_in_with_its_key_instructs_and_sees_all_of_it(sender: Sender, call) -> None:
    client = sender.service.client
    headers = {"Authorization": f"Bearer {sender.service.sign_in(DISPATCHER)}"}
    sender.sent(1, agc(KW))
    assert len(client.get("/v1/directives", headers=headers).json()["items"]) == 1
    seen = client.get(f"/v1/instructions/{call['call']}", headers=headers).json()
    assert [state["station"] for state in seen["states"]] == [1, 2]
    assert made(sender.service, headers, 10 * KW)["call"] == call["call"] + 1
    assert client.get("/v1/plans", headers=headers).status_code == 403, "and nothing beyond it"


# ---- a service that would drive the batteries ----


def test_service_that_alters_what_it_stores_drives_no_battery(sender: Sender, tmp_path: Path) -> None:
    """Expired, foreign, replayed, reordered, forged: each as a broken-in service would hand it out; the box does nothing."""
    t_ms = sender.service.clock.t_ms
    folder = folder_at(tmp_path / "box")
    hand = Directives(
        folder.store, station=1, domain=sender.domain, dispatchers=frozenset({DISPATCHER.address}), limits=LIMITS
    )

    def hand_out(message: bytes, number: int) -> list[bytes]:
        """What the box is handed once a row of the database says so."""
        with sender.service.platform.database.writing() as connection:
            values = {"message": message, "number": number, "until_ms": t_ms + 10**9}
            connection.execute(update(directive_rows).where(directive_rows.c.station == 1).values(values))
        return sender.handed()

    sender.sent(5, agc(100 * KW))
    good = sender.handed()[0]
    foreign = sender.signed(9, agc(KW), station=2)
    forged = sender.signed(9, agc(KW), signer=sender.service.world.writer)
    for lie in (foreign, forged):
        with pytest.raises(DirectiveForeign):
            hand.take(hand_out(lie, 9)[0], t_ms=t_ms, now=NOW)
    assert hand.highest == 0
    assert hand.take(hand_out(good, 5)[0], t_ms=t_ms, now=NOW) is not None
    older = sender.signed(4, agc(-100 * KW))
    assert hand.take(hand_out(older, 10)[0], t_ms=t_ms, now=NOW) is None, "reordered"
    assert hand.take(hand_out(good, 11)[0], t_ms=t_ms, now=NOW) is None, "replayed"
    expired = sender.signed(12, agc(-100 * KW), until_ms=t_ms - 1, from_ms=t_ms - 2)
    answer = hand.take(hand_out(expired, 12)[0], t_ms=t_ms, now=NOW)
    assert answer is not None
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "expired")
    counts = hand.instruction(t_ms)
    assert counts is not None
    assert (counts[0].directive.number, counts[1].power_w) == (5, 100 * KW)
    folder.close()


# ---- the rules ----


def test_target_is_what_is_promised_and_what_is_missing_whatever_boxes_say() -> None:
    for states in [(a, b, c) for a in Standing for b in Standing for c in Standing]:
        shares = [Share(given_w=w, standing=s) for w, s in zip((7, 11, 13), states, strict=True)]
        found = tally(40, shares)
        assert found.promised_w + found.missing_w == 40
        assert sum(found.standings.values()) == found.sent == 3


def test_decision_is_due_by_the_end_at_the_latest() -> None:
    short = Heard(until_ms=5_000, taken_ms=0)
    assert standing(short, now_ms=4_999, answer_ms=30_000) is Standing.WAITING
    assert standing(short, now_ms=5_000, answer_ms=30_000) is Standing.UNANSWERED
    long = Heard(until_ms=900_000, taken_ms=0)
    assert standing(long, now_ms=30_000, answer_ms=30_000) is Standing.UNANSWERED


def test_envelope_is_relayed_and_shown_as_one(sender: Sender, operator) -> None:
    told = sender.sent(3, ENVELOPE)
    assert (told["kind"], told["droop"], told["reserveUpW"], told["powerW"]) == ("envelope", False, 100 * KW, None)
