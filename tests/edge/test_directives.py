"""Directives (protocol 9.15, 9.16): taken once or refused by name, answered under a signature, obeyed until they expire."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from alliance.calendar import DAY_MS, SLOT_MS
from alliance.droop import Droop
from alliance.errors import Malformed
from alliance.identity import ZERO_DIGEST, Digest
from alliance.obedience import Outcome
from edge.control.directives import Answer, DirectiveForeign, Directives
from edge.control.guard import Situation
from edge.control.wish import Base, Source, Wish, base, beside_reserve_w, wish
from edge.folder import StateFolder
from edge.health.status import status
from oracle import directive as directives
from oracle.directive import Body, Directive, Envelope, Instruction, SafeScheduleMalformed
from oracle.hashing import sha256
from oracle.signature import expand
from tests.edge.peer import DISPATCHER, DOMAIN, STRANGER, Peer
from tests.edge.rig import DAY, LIMITS, MINUTE_MS, SAMPLE, START_MS, ScriptedStation, folder_at, rig

KW = 1_000
HOUR_MS = 3_600_000
PLAN = Digest(b"\x51" * 32)
DROOP = Droop(rated_w=500 * KW, deadband_mhz=33, droop_bp=200, cap_w=200 * KW, sustain_ms=900_000)
SAFE = tuple(-5_000 if slot < 48 else 2_500 for slot in range(96))
ENVELOPE = Envelope(droop=DROOP, reserve_up_w=100 * KW, reserve_down_w=50 * KW, reserve_ms=900_000, safe_wh=SAFE)
NOW = Situation(sample=SAMPLE, hold_ms=MINUTE_MS)


def message(
    number: int, says: Body, *, at_ms: int = START_MS, for_ms: int = HOUR_MS, signer: object = DISPATCHER, **changes: object
) -> bytes:  # fmt: skip
    told = Directive(
        station=4, number=number, issued_ms=at_ms, from_ms=at_ms, until_ms=at_ms + for_ms, plan=PLAN,
        body=directives.body_bytes(says),
    )  # fmt: skip
    return directives.signed(replace(told, **changes), domain=DOMAIN, signer=signer)  # type: ignore[arg-type]


def power(power_w: int) -> Instruction:
    return Instruction(service="agc", power_w=power_w)


def in_hand(folder: StateFolder) -> Directives:
    return Directives(
        folder.store, station=4, domain=DOMAIN, dispatchers=frozenset({DISPATCHER.address}), limits=LIMITS
    )


@pytest.fixture
def hand(tmp_path: Path) -> "Hand":
    return Hand(tmp_path)


class Hand:
    """Directives in hand, and their folder, which can be opened again."""

    def __init__(self, path: Path) -> None:
        self._path, self.folder = path, folder_at(path)
        self.all = in_hand(self.folder)

    def again(self) -> None:
        self.folder.close()
        self.folder = folder_at(self._path)
        self.all = in_hand(self.folder)

    def take(self, raw: bytes, *, t_ms: int = START_MS, now: Situation | None = NOW) -> Answer | None:
        return self.all.take(raw, t_ms=t_ms, now=now)

    def power_w(self, t_ms: int) -> int | None:
        found = self.all.instruction(t_ms)
        return None if found is None else found[1].power_w


@pytest.mark.parametrize("body", [ENVELOPE, replace(ENVELOPE, droop=None, safe_wh=()), power(-400 * KW)])
def test_bodies_come_back_from_their_bytes(body: Body) -> None:
    assert directives.body_of(directives.body_bytes(body)) == body


def test_digest_is_what_a_wallet_signs() -> None:
    raw = message(7, power(1))
    given = directives.read(raw)
    d = given.directive
    types = {
        "Directive": [
            {"name": name, "type": kind}
            for name, kind in (
                ("station", "uint32"), ("number", "uint64"), ("issued", "uint64"), ("from", "uint64"), ("until", "uint64"),
                ("plan", "bytes32"), ("body", "bytes32"),
            )
        ]
    }  # fmt: skip
    signable = encode_typed_data(
        {"name": "StorageAlliance", "version": "1", "chainId": DOMAIN.chain_id, "verifyingContract": DOMAIN.registry},
        types,
        {
            "station": d.station, "number": d.number, "issued": d.issued_ms, "from": d.from_ms, "until": d.until_ms,
            "plan": d.plan, "body": sha256(d.body),
        },
    )  # fmt: skip
    assert (
        Account.recover_message(signable, signature=expand(given.signature)).lower() == "0x" + DISPATCHER.address.hex()
    )


def test_every_altered_byte_is_refused_or_foreign(hand: Hand) -> None:
    raw = message(1, power(100 * KW))
    for at in range(len(raw)):
        with pytest.raises((DirectiveForeign, Malformed)):
            hand.take(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
    assert hand.all.highest == 0
    assert hand.take(raw) is not None, "and unaltered it is taken"


def test_strangers_and_other_stations_directives_change_nothing(hand: Hand) -> None:
    for raw in (message(9, power(1), signer=STRANGER), message(9, power(1), station=5)):
        with pytest.raises(DirectiveForeign):
            hand.take(raw)
    assert hand.all.highest == 0
    assert hand.all.unsent() == []


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (message(1, power(100 * KW), plan=ZERO_DIGEST), "plan_missing"),
        (message(1, power(100 * KW), for_ms=0), "span_empty"),
        (message(1, power(100 * KW), for_ms=DAY_MS + 1), "span_too_long"),
        (message(1, power(100 * KW), at_ms=START_MS + 60_001), "issued_later"),
        (message(1, power(100 * KW), at_ms=START_MS - HOUR_MS), "expired"),
        (message(1, power(501 * KW)), "over_rating"),
        (message(1, replace(ENVELOPE, reserve_up_w=501 * KW)), "over_rating"),
        (message(1, replace(ENVELOPE, safe_wh=(125_001,) * 96)), "over_rating"),
        (message(1, power(0), body=b"\xa0"), "plain_malformed"),
        (message(1, power(0), body=b"\xff"), "not_canonical"),
    ],
)
def test_directive_that_cannot_be_obeyed_is_refused_with_its_reason(hand: Hand, raw: bytes, reason: str) -> None:
    answer = hand.take(raw)
    assert answer is not None
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, reason)
    assert hand.power_w(START_MS) is None
    assert hand.all.envelope(START_MS) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"contactor_closed": False}, "contactor_open"), ({"bms_allows_discharge": False}, "bms_forbids"),
        ({"manual": True}, "manual"), ({"remote": False}, "local"), ({"soc_bp": 1_000}, "soc_low"),
    ],
)  # fmt: skip
def test_instruction_that_the_station_cannot_begin_is_refused_with_what_forbids_it(
    hand: Hand, changes: dict[str, object], reason: str
) -> None:
    now = replace(NOW, sample=replace(SAMPLE, **changes))  # type: ignore[arg-type]
    answer = hand.take(message(1, power(100 * KW)), now=now)
    assert answer is not None
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, reason)


def test_repeated_and_reordered_directives_do_nothing(hand: Hand) -> None:
    assert hand.take(message(2, power(100 * KW))) is not None
    for raw in (message(2, power(100 * KW)), message(2, power(7)), message(1, power(-100 * KW))):
        assert hand.take(raw) is None
        assert hand.power_w(START_MS) == 100 * KW
    hand.again()
    assert hand.take(message(1, power(-100 * KW))) is None
    assert hand.power_w(START_MS) == 100 * KW


def test_instruction_counts_from_its_beginning_until_it_expires_and_is_then_done(hand: Hand) -> None:
    hand.take(message(1, power(100 * KW), from_ms=START_MS + MINUTE_MS))
    assert [hand.power_w(START_MS + m * MINUTE_MS) for m in (0, 1, 59)] == [None, 100 * KW, 100 * KW]
    hand.again()
    assert hand.power_w(START_MS + HOUR_MS - 1) == 100 * KW
    assert hand.power_w(START_MS + HOUR_MS) is None
    hand.all.close(t_ms=START_MS + HOUR_MS)
    assert [(a.outcome, a.reason) for a in hand.all.unsent()] == [(Outcome.ACCEPTED, ""), (Outcome.DONE, "")]


def test_clock_that_steps_back_makes_nothing_count_again(hand: Hand) -> None:
    hand.take(message(1, power(100 * KW)))
    assert hand.power_w(START_MS + HOUR_MS) is None
    assert hand.power_w(START_MS) is None


def test_newer_instruction_replaces_the_older_for_good(hand: Hand) -> None:
    hand.take(message(1, power(100 * KW)))
    hand.take(message(2, power(50 * KW), for_ms=MINUTE_MS))
    assert hand.power_w(START_MS) == 50 * KW
    hand.all.close(t_ms=START_MS)
    assert hand.power_w(START_MS + MINUTE_MS) is None
    hand.again()
    hand.all.close(t_ms=START_MS + MINUTE_MS)
    assert hand.power_w(START_MS + MINUTE_MS) is None
    assert {(a.number, a.outcome, a.reason) for a in hand.all.unsent() if a.outcome is Outcome.DONE} == {
        (1, Outcome.DONE, "superseded"), (2, Outcome.DONE, "")
    }  # fmt: skip


def test_past_directives_are_let_go_once_answered_but_the_highest_number_stays(hand: Hand) -> None:
    late_ms = START_MS + 40 * DAY_MS
    hand.take(message(1, power(1)))
    hand.take(message(2, power(2)))
    hand.all.close(t_ms=START_MS + HOUR_MS)
    hand.all.sent(hand.all.unsent())
    hand.take(message(3, power(3), at_ms=late_ms), t_ms=late_ms)
    hand.all.close(t_ms=late_ms + HOUR_MS)
    assert [number for (number,) in hand.folder.store.rows("SELECT number FROM directive")] == [3]
    assert hand.take(message(2, power(2), at_ms=late_ms), t_ms=late_ms) is None


@pytest.mark.parametrize("safe", [(1,) * 95, (10**13,) * 96, (True,) * 96])
def test_safe_schedule_that_is_none_is_refused(safe: tuple[int, ...]) -> None:
    with pytest.raises(SafeScheduleMalformed):
        directives.body_of(directives.body_bytes(replace(ENVELOPE, safe_wh=safe)))


T_MS = START_MS + 50 * SLOT_MS


@pytest.mark.parametrize(
    ("instructed_w", "scheduled_w", "envelope", "want"),
    [
        (None, None, None, (None, Source.NOTHING)),
        (None, 7, None, (7, Source.SCHEDULE)),
        (9, 7, None, (9, Source.INSTRUCTION)),
        (9, 7, (ENVELOPE, True), (9, Source.INSTRUCTION)),
        (None, 7, (ENVELOPE, True), (7, Source.SCHEDULE)),
        (None, None, (ENVELOPE, True), (10_000, Source.SAFE)),
        (9, 7, (ENVELOPE, False), (10_000, Source.SAFE)),
        (None, 7, (replace(ENVELOPE, safe_wh=()), False), (0, Source.SAFE)),
    ],
)
def test_instruction_goes_before_schedule_before_the_safe_one(
    instructed_w: int | None,
    scheduled_w: int | None,
    envelope: tuple[Envelope, bool] | None,
    want: tuple[object, object],
) -> None:
    got = base(T_MS, instructed_w=instructed_w, scheduled_w=scheduled_w, envelope=envelope)
    assert (got.power_w, got.source) == want
    assert got.envelope == (envelope[0] if envelope and envelope[1] else None)


def wanted(power_w: int | None, *, frequency_mhz: int, soc_bp: int = 5_000, least_w: int | None = None) -> Wish:
    now = replace(NOW, sample=replace(SAMPLE, frequency_mhz=frequency_mhz, soc_bp=soc_bp))
    return wish(
        Base(power_w=power_w, source=Source.SCHEDULE, envelope=ENVELOPE), now=now, limits=LIMITS, least_w=least_w
    )


@pytest.mark.parametrize(
    ("made", "power_w", "answer_w"),
    [
        (wanted(100 * KW, frequency_mhz=50_000), 100 * KW, 0),
        (wanted(100 * KW, frequency_mhz=49_900), 133_500, 33_500),
        (wanted(100 * KW, frequency_mhz=50_100), 66_500, -33_500),
        (wanted(100 * KW, frequency_mhz=48_000), 300 * KW, 200 * KW),  # the cap
        (wanted(500 * KW, frequency_mhz=50_000), 400 * KW, 0),  # the reserve stays free
        (wanted(-500 * KW, frequency_mhz=50_000), -450 * KW, 0),
        (wanted(None, frequency_mhz=49_900), 33_500, 33_500),
        (wanted(100 * KW, frequency_mhz=50_000, least_w=250 * KW), 250 * KW, 0),
        (wanted(400 * KW, frequency_mhz=50_000, soc_bp=1_260), 60_000, 0),  # 26 kWh, of which 25 are the reserve's
        (wanted(400 * KW, frequency_mhz=50_000, soc_bp=1_100), 0, 0),
    ],
)
def test_reserve_stays_free_and_the_droop_comes_on_top(made: Wish, power_w: int, answer_w: int) -> None:
    assert (made.power_w, made.answer_w) == (power_w, answer_w)


def test_frequency_that_is_not_measured_is_not_answered_and_told() -> None:
    made = wanted(100 * KW, frequency_mhz=0)
    assert (made.power_w, made.answer_w, made.frequency_missing) == (100 * KW, 0, True)
    assert not wanted(100 * KW, frequency_mhz=49_900).frequency_missing


def test_reserve_is_cut_towards_zero_alone() -> None:
    empty = replace(NOW, sample=replace(SAMPLE, soc_bp=1_000))
    assert beside_reserve_w(300 * KW, ENVELOPE, now=empty, limits=LIMITS) == 0
    assert beside_reserve_w(-300 * KW, ENVELOPE, now=empty, limits=LIMITS) == -300 * KW


def test_box_fetches_obeys_and_answers_under_its_signature(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        async with rig(tmp_path, peer) as r:
            await r.play(1)
            peer.directives = {
                1: message(1, power(100 * KW), for_ms=5 * MINUTE_MS, at_ms=START_MS + MINUTE_MS),
                2: message(2, power(900 * KW)),
            }
            await r.play(2)
            assert r.station.orders[-1] == 100 * KW
            assert [(a["outcome"], a["reason"]) for a in peer.answers] == [(1, ""), (2, "over_rating")]
            await r.play(5)
            assert r.station.orders[-1] == 0
            assert [(a["outcome"], a["reason"]) for a in peer.answers[2:]] == [(3, "")]
            await r.play(2)
            assert len(peer.answers) == 3
        shown = status(tmp_path, station=4)["directives"]
        assert isinstance(shown, list)
        assert [(one["number"], [a["outcome"] for a in one["answers"]]) for one in shown] == [
            (2, ["refused"]), (1, ["accepted", "done"])
        ]  # fmt: skip

    asyncio.run(work())


def test_answers_wait_for_the_platform(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        peer.directives = {1: message(1, power(100 * KW), for_ms=4 * MINUTE_MS)}
        async with rig(tmp_path, peer) as r:
            await r.play(1)
            assert len(peer.answers) == 1
            peer.stop()
            await r.play(6)
            assert r.station.orders[1:3] == [100 * KW] * 2
        peer.start()
        async with rig(tmp_path, peer, t_ms=START_MS + 7 * MINUTE_MS) as r:
            await r.play(2)
            assert [a["outcome"] for a in peer.answers] == [1, 3]

    asyncio.run(work())


def test_directive_is_judged_by_the_newest_look_when_the_platform_answers_slowly(tmp_path: Path, peer: Peer) -> None:
    """Rounds go on while the platform is asked: what it says then is no older than the last one."""

    async def work() -> None:
        peer.directives = {1: message(1, power(100 * KW))}
        peer.faults.directives_after_s = 0.5
        async with rig(tmp_path, peer) as r:
            r.box._rhythm = replace(r.box._rhythm, apart=True)
            await r.play(2)
            while not peer.answers:
                await asyncio.sleep(0.05)
            assert [(a["outcome"], a["reason"]) for a in peer.answers] == [(1, "")]

    asyncio.run(work())


def test_platform_that_refuses_to_tell_directives_holds_no_evidence_up(tmp_path: Path, peer: Peer) -> None:
    async def work() -> None:
        peer.faults.refuse_directives = 422
        async with rig(tmp_path, peer) as r:
            await r.play(40)
            assert "directive.exchange_refused" in r.alarms.names
            assert len(peer.readings(1)) >= 15
            peer.faults.refuse_directives, peer.directives = 0, {1: message(1, power(100 * KW))}
            await r.play(1)
            assert len(peer.answers) == 1
            assert "directive.exchange_refused" not in r.alarms.names

    asyncio.run(work())


class Grid(ScriptedStation):
    """A station whose frequency swings, and whose charge moves with its orders."""

    def swing(self, t_ms: int) -> None:
        minute = t_ms // MINUTE_MS
        power_w = self.orders[-1] if self.orders else 0
        moved_bp = -power_w * 10_000 // (60 * LIMITS.capacity_wh)
        self.sample = replace(
            self.sample, frequency_mhz=50_000 + (minute * 37 % 301) - 150, battery_power_w=power_w,
            meter_power_w=power_w - 300_000, soc_bp=self.sample.soc_bp + moved_bp,
        )  # fmt: skip


@pytest.mark.parametrize("hours", [4, pytest.param(24, marks=pytest.mark.campaign)])
def test_station_follows_its_envelope_with_everything_else_dead(tmp_path: Path, peer: Peer, hours: int) -> None:
    """Dark drill: until an hour before the end the envelope rules, then the safe schedule alone."""
    station, expected, ends_ms = Grid(), list[int | None](), START_MS + (hours - 1) * HOUR_MS

    def between(t_ms: int) -> None:
        station.swing(t_ms)
        made = wish(
            Base(
                power_w=SAFE[(t_ms - DAY.start_ms) // SLOT_MS % 96] * 4, source=Source.SAFE,
                envelope=ENVELOPE if t_ms < ends_ms else None,
            ),
            now=Situation(sample=station.sample, hold_ms=MINUTE_MS), limits=LIMITS,
        )  # fmt: skip
        expected.append(made.power_w)

    async def work() -> None:
        peer.directives = {1: message(1, ENVELOPE, for_ms=ends_ms - START_MS)}
        async with rig(tmp_path, peer, station=station) as r:
            await r.play(1)
            peer.stop()
            station.orders.clear()
            await r.play(hours * 30, between=between)
        async with rig(tmp_path, peer, station=station, t_ms=START_MS + (hours * 30 + 1) * MINUTE_MS) as r:
            await r.play(hours * 30 - 2, between=between)
            assert "envelope.expired" in r.alarms.names
            assert station.orders == expected
            assert len(set(expected[: hours * 60 - 60])) > 50, "the frequency is answered"
            assert len(set(expected[hours * 60 - 60 :])) == 1, "and no more after the envelope's end"
            assert r.waiting() >= 7 * hours
        peer.start()
        async with rig(tmp_path, peer, station=station, t_ms=START_MS + hours * HOUR_MS) as r:
            await r.play(20)
            assert r.waiting() == 0
            assert not peer.conflicts
            assert [reading.seq for reading in peer.readings(1)] == list(range(len(peer.readings(1))))

    asyncio.run(work())
