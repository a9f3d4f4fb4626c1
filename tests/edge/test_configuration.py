"""Configuration from afar (protocol 9.20): on trial first, by itself back when the devices or the rounds stop."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from alliance.identity import Digest, to_hex
from edge import configurable
from edge.configurable import KeyNotRemote, LimitLoosened, ValueRefused, configured
from edge.configuring import INBOX, Configuring, bring
from edge.evidence.recorder import Recording
from edge.evidence.store import Store
from edge.health.alarms import Alarms
from edge.health.event_log import FOLDER, EventLog, lines_of
from edge.health.events import read_line
from edge.link.configurations import ConfigurationForeign, shown
from edge.link.trial import Course, Verdict, judged
from edge.main import app
from edge.settings import load
from oracle import configuration as configurations
from oracle import deployment as deployments
from oracle.configuration import Configuration, Ending, Value, ValueMalformed
from tests.edge.configuration_process import FINE, T_MS, anything, signed, store_at, taken_up
from tests.edge.peer import CONFIGURER, DOMAIN, STRANGER, Peer
from tests.edge.program import ROOT, settings_at, started
from tests.edge.rig import folder_at, seeded
from tests.edge.standing import scheduled_now, standing


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_at(tmp_path / "db")


def test_configuration_goes_on_trial_and_stands_once_confirmed(store: Store) -> None:
    told = taken_up(store)
    assert told.take(signed(3), t_ms=T_MS, fits=anything, answering=True) is None
    assert (told.number, dict(told.values), told.on_trial is not None) == (3, dict(FINE), True)
    answer = told.confirm(t_ms=T_MS + 1)
    assert answer is not None
    assert (answer.outcome, answer.number, told.number, told.on_trial) == (Ending.CONFIRMED, 3, 3, None)
    again = taken_up(store)
    assert (again.number, dict(again.values), again.highest) == (3, dict(FINE), 3)
    assert shown(store) == {"number": 3, "onTrial": False, "highest": 3, "set": dict(FINE), "unanswered": 1}


def test_rolled_back_configuration_leaves_the_one_before_and_never_comes_again(store: Store) -> None:
    told = taken_up(store)
    told.take(signed(1), t_ms=T_MS, fits=anything, answering=True)
    told.confirm(t_ms=T_MS)
    told.take(signed(2, {"tick_s": 9}), t_ms=T_MS, fits=anything, answering=True)
    told.roll_back(t_ms=T_MS, reason="device_silent")
    assert (told.number, dict(told.values), told.highest) == (1, dict(FINE), 2)
    assert told.take(signed(2, {"tick_s": 9}), t_ms=T_MS, fits=anything, answering=True) is None
    assert told.on_trial is None, "a number counts once"


@pytest.mark.parametrize("changed", ["number", "station", "values", "signer"])
def test_foreign_or_altered_configuration_changes_nothing_and_has_no_answer(changed: str, store: Store) -> None:
    told, raw = taken_up(store), signed(5)
    match changed:
        case "signer":
            raw = signed(5, signer=STRANGER)
        case "station":
            raw = signed(5, station=5)
        case _:
            given = configurations.read(raw)
            other = configurations.read(signed(6 if changed == "number" else 5, {"live_ticks": 4}))
            bent = other.configuration
            raw = configurations.cbor.encode(
                {
                    "v": 1, "station": bent.station, "number": bent.number, "issued": bent.issued_ms,
                    "until": bent.until_ms, "body": bent.body, "alg": 1, "signature": given.signature,
                }
            )  # fmt: skip
    with pytest.raises(ConfigurationForeign):
        told.take(raw, t_ms=T_MS, fits=anything, answering=True)
    assert (told.highest, told.unsent(), told.number) == (0, (), 0)


@pytest.mark.parametrize(
    ("raw", "answering", "reason"),
    [
        (signed(1, t_ms=T_MS + 60_001), True, "issued_later"),
        (signed(1, until_ms=T_MS), True, "expired"),
        (signed(1), False, "device_silent"),
    ],
)
def test_configuration_is_refused_by_name(raw: bytes, answering: bool, reason: str, store: Store) -> None:
    told = taken_up(store)
    refused = told.take(raw, t_ms=T_MS, fits=anything, answering=answering)
    assert refused is not None
    assert (refused.outcome, refused.reason, told.number) == (Ending.REFUSED, reason, 0)
    assert told.unsent() == (refused,)


def test_one_is_tried_at_a_time(store: Store) -> None:
    told = taken_up(store)
    told.take(signed(1), t_ms=T_MS, fits=anything, answering=True)
    refused = told.take(signed(2), t_ms=T_MS, fits=anything, answering=True)
    assert refused is not None
    assert (refused.reason, told.number) == ("trial_under_way", 1)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"acknowledgers": "0x" + "00" * 20}, KeyNotRemote),
        ({"configurers": "0x" + "00" * 20}, KeyNotRemote),
        ({"dispatchers": "0x" + "00" * 20}, KeyNotRemote),
        ({"passphrase_file": "x"}, KeyNotRemote),
        ({"plain_key_allowed": True}, KeyNotRemote),
        ({"service_url": "https://elsewhere.example"}, KeyNotRemote),
        ({"device.host": "10.0.0.1"}, KeyNotRemote),
        ({"device.revert_s": 0}, KeyNotRemote),
        ({"limits.may_miss": "demand"}, KeyNotRemote),
        ({"limits.capacity_wh": 1}, KeyNotRemote),
        ({"page_host": "0.0.0.0"}, KeyNotRemote),
        ({"limits.charge_power_w": 1_000_001}, LimitLoosened),
        ({"limits.ramp_w_per_s": 100_001}, LimitLoosened),
        ({"limits.soc_min_bp": 499}, LimitLoosened),
        ({"limits.soc_max_bp": 9_801}, LimitLoosened),
        ({"limits.silence_ms": 1}, LimitLoosened),
        ({"limits.demand_w": 5}, ValueRefused),
        ({"limits.charge_power_w": True}, ValueRefused),
        ({"tick_s": 0}, ValueRefused),
        ({"tick_s": 7}, ValueRefused),
        ({"log_level": "loud"}, ValueRefused),
    ],
)
def test_settings_that_guard_the_station_are_not_loosened_from_afar(
    values: dict[str, Value], error: type[Exception], tmp_path: Path
) -> None:
    path = settings_at(tmp_path, tick_s=1)
    with pytest.raises(error):
        configured(path, values)


def test_values_stand_over_the_settings_file(tmp_path: Path) -> None:
    path = settings_at(tmp_path, tick_s=1)
    settings = configured(
        path, {"tick_s": 2, "limits.charge_power_w": 5, "limits.soc_min_bp": 600, "device.timeout_ms": 700}
    )
    assert (settings.tick_s, settings.limits.charge_power_w, settings.limits.soc_min_bp) == (2, 5, 600)
    assert (settings.device.timeout_ms, settings.device.port, settings.limits.capacity_wh) == (700, 5020, 2_000_000)
    assert all(hasattr(settings, key.partition(".")[0]) for key in configurable.SCOPES)


@pytest.mark.parametrize(
    "body",
    [
        {"v": 1, "trialS": 4, "patienceS": 3, "set": {}},
        {"v": 1, "trialS": 60, "patienceS": 61, "set": {}},
        {"v": 1, "trialS": 60, "patienceS": 2, "set": {}},
        {"v": 2, "trialS": 60, "patienceS": 5, "set": {}},
        {"v": 1, "trialS": 60, "patienceS": 5, "set": {}, "more": 1},
    ],
)
def test_body_that_is_none_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(configurations.Malformed):
        configurations.body_of(configurations.cbor.encode(body))
    with pytest.raises(ValueMalformed):
        configurations.body_of(configurations.cbor.encode({"v": 1, "trialS": 60, "patienceS": 5, "set": {"a": [1]}}))


def course(**changes: Any) -> Course:
    fine: dict[str, Any] = {
        "elapsed_ms": 60_000, "rounds": 50, "round_age_ms": 900, "answer_age_ms": 900, "platform_before": True,
        "platform_since": True,
    }  # fmt: skip
    return Course(**{**fine, **changes})


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (course(), Verdict.STAYS),
        (course(elapsed_ms=59_999), Verdict.GOES_ON),
        (course(round_age_ms=10_000), Verdict.ROUNDS_STOPPED),
        (course(elapsed_ms=20_000, answer_age_ms=10_000), Verdict.DEVICE_SILENT),
        (course(answer_age_ms=9_999), Verdict.STAYS),
        (course(rounds=2), Verdict.ROUNDS_STOPPED),
        (course(platform_since=False), Verdict.PLATFORM_UNREACHED),
        (course(platform_since=False, platform_before=False), Verdict.STAYS),
        (course(elapsed_ms=100, platform_since=False), Verdict.GOES_ON),
    ],
)
def test_trial_is_judged_by_rounds_answers_and_platform(seen: Course, verdict: Verdict) -> None:
    assert judged(seen, trial_ms=60_000, patience_ms=10_000) is verdict


def test_power_cut_leaves_the_old_or_the_new_configuration(tmp_path: Path) -> None:
    """Killed at random moments of taking, confirming and rolling back, a box finds a whole state each time."""
    path = tmp_path / "db"
    for pause in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.edge.configuration_process", str(path)], cwd=ROOT, stdout=subprocess.PIPE
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05 + 0.037 * pause)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        store = store_at(path)
        told = taken_up(store)
        confirmed = told.values if told.on_trial is None else None
        if told.on_trial is not None:
            assert told.number == told.highest
            told.roll_back(t_ms=T_MS, reason="restarted")
            confirmed = told.values
        assert confirmed in ({}, {"live_ticks": told.number}), "whole, of one number"
        assert told.number % 2 or not told.number, "what was rolled back never stands"
        store.close()


@dataclass
class Box:
    """The real program on a folder, before a real simulated device and a platform."""

    config: Path
    state: Path
    process: subprocess.Popen[str]

    def kinds(self) -> list[str]:
        return [read_line(line)[0].kind for line in lines_of(self.state / FOLDER)]

    def told(self, kind: str) -> dict[str, Any]:
        found = [read_line(line)[0].facts for line in lines_of(self.state / FOLDER)]
        kinds = self.kinds()
        return dict([facts for facts, one in zip(found, kinds, strict=True) if one == kind][-1])

    async def until(self, seen: Callable[[], bool], *, seconds: float = 90) -> None:
        ends = time.monotonic() + seconds
        while not seen():
            assert time.monotonic() < ends, self.kinds()
            assert self.process.poll() is None, self.process.communicate()
            await asyncio.sleep(0.1)

    def answering(self) -> bool:
        return "alarm.raised" in self.kinds() or "control.mode" in self.kinds()


@asynccontextmanager
async def running(folder: Path, peer: Peer, port: int, **changes: Any) -> AsyncIterator[Box]:
    config = settings_at(
        folder, service_url=peer.url, tick_s=1, sample_s=60, log_level="error", configurers=[to_hex(CONFIGURER.address)],
        device={"kind": "table", "port": port, "timeout_ms": 500}, **changes,
    )  # fmt: skip
    box = Box(config, folder / "state", started(config))
    try:
        await box.until(lambda: (folder / "state" / FOLDER).exists() and "control.mode" in box.kinds())
        yield box
    finally:
        box.process.send_signal(signal.SIGTERM)
        _, errors = box.process.communicate(timeout=30)
        assert (box.process.returncode, errors) == (0, "")


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_box_takes_a_configuration_from_the_platform_and_confirms_it(
    tmp_path: Path, peer: Peer, free_port: int
) -> None:
    async def work() -> None:
        scheduled_now(peer)
        peer.configurations[1] = signed(
            1, {"limits.discharge_power_w": 120_000}, t_ms=now_ms(), trial_s=10, patience_s=8
        )
        async with standing(free_port) as station, running(tmp_path, peer, free_port) as box:
            await box.until(lambda: "configuration.confirmed" in box.kinds())
            await box.until(lambda: bool(peer.configuration_answers))
            assert station.device is not None
            assert station.plant.snapshot().battery_power_w <= 120_000 * 1.05
            assert box.told("configuration.applied")["set"] == {"limits.discharge_power_w": 120_000}
        [answer] = peer.configuration_answers
        assert (answer["number"], answer["outcome"], answer["reason"]) == (1, Ending.CONFIRMED, "")
        status = json.loads(CliRunner().invoke(app, ["status", "--config", str(box.config)]).stdout)
        assert status["configuration"] == {
            "number": 1, "onTrial": False, "highest": 1, "set": {"limits.discharge_power_w": 120_000}, "unanswered": 0,
        }  # fmt: skip
        verified = CliRunner().invoke(app, ["events", "--config", str(box.config), "--verify", "--json"])
        assert json.loads(verified.stdout)["whole"] is True, verified.stdout

    asyncio.run(work())


def test_box_goes_back_by_itself_when_the_device_stops_answering(tmp_path: Path, peer: Peer, free_port: int) -> None:
    """Beside it: what is brought by hand is taken by the same rules, and a restart in a trial rolls it back."""

    async def work() -> None:
        async with standing(free_port) as station, running(tmp_path, peer, free_port) as box:
            bring(box.state, signed(1, {"backoff_ticks": 9}, t_ms=now_ms(), trial_s=60, patience_s=3))
            await box.until(lambda: "configuration.applied" in box.kinds())
            await station.stop()
            await box.until(lambda: "configuration.rolled_back" in box.kinds())
            assert box.told("configuration.rolled_back") == {"number": 1, "reason": "device_silent"}
            await station.start()
            await box.until(lambda: len(peer.configuration_answers) == 1)
            assert peer.configuration_answers[0]["outcome"] == Ending.ROLLED_BACK
            assert not (box.state / INBOX).exists()
            bring(box.state, signed(2, {"device.host": "10.0.0.1"}, t_ms=now_ms()))
            await box.until(lambda: "configuration.refused" in box.kinds())
            assert "key_not_remote" in box.told("configuration.refused")["reason"]
            bring(box.state, signed(3, signer=STRANGER, t_ms=now_ms()))
            await box.until(lambda: "configuration.foreign" in box.kinds())
            await box.until(lambda: box.kinds()[-1] != "alarm.raised")
            bring(box.state, signed(4, {"backoff_ticks": 9}, t_ms=now_ms(), trial_s=600, patience_s=60))
            await box.until(lambda: box.kinds().count("configuration.applied") == 2)
            os.kill(box.process.pid, signal.SIGKILL)
            box.process.communicate()
            box.process = started(box.config)
            await box.until(lambda: box.kinds().count("configuration.rolled_back") == 2)
            assert box.told("configuration.rolled_back") == {"number": 4, "reason": "restarted"}
            assert box.told("started")["clean"] is False

    asyncio.run(work())


def test_digest_pins_every_field() -> None:
    base = Configuration(station=4, number=1, issued_ms=1, until_ms=2, body=b"x")
    digests: set[Digest] = {configurations.digest(base, DOMAIN)}
    for field, value in (("station", 5), ("number", 2), ("issued_ms", 3), ("until_ms", 4), ("body", b"y")):
        changed = {name: getattr(base, name) for name in base.__slots__} | {field: value}
        digests.add(configurations.digest(Configuration(**changed), DOMAIN))
    assert len(digests) == 6


def test_rollback_holds_at_once_and_over_a_restart_though_the_disk_takes_nothing(store: Store) -> None:
    told = taken_up(store)
    told.take(signed(1), t_ms=T_MS, fits=anything, answering=True)
    store._db.execute("PRAGMA query_only = ON")
    answer = told.roll_back(t_ms=T_MS, reason="device_silent")
    assert answer is not None
    assert (answer.outcome, told.on_trial, dict(told.values)) == (Ending.ROLLED_BACK, None, {})
    store._db.execute("PRAGMA query_only = OFF")
    again = taken_up(store)
    assert again.on_trial is not None, "what a box finds on trial when it starts, it takes back"
    again.roll_back(t_ms=T_MS, reason="restarted")
    assert taken_up(store).on_trial is None


def test_trial_goes_on_until_the_disk_takes_its_confirmation(tmp_path: Path) -> None:
    folder, config = folder_at(tmp_path / "state"), settings_at(tmp_path)
    told, alarms = taken_up(folder.store), Alarms(folder.store)
    told.take(signed(1, trial_s=5, patience_s=5), t_ms=T_MS, fits=anything, answering=True)
    configuring = Configuring(
        config, told, deployment=deployments.load(load(config).deployment), state=folder.path, station=4, alarms=alarms,
        recording=Recording(
            domain=DOMAIN, device=folder.device, signer=folder.signer, epoch_seconds=900, chance=seeded
        ),
        events=EventLog(
            folder.path / FOLDER, folder.store, device=folder.device, domain=DOMAIN, signer=lambda: folder.signer
        ),
    )  # fmt: skip
    configuring.begin()
    trial = configuring._trial
    assert trial is not None
    trial.began_s, trial.rounds = trial.began_s - 60, 5
    folder.store._db.execute("PRAGMA query_only = ON")
    assert not configuring.judge(t_ms=T_MS)
    assert configuring.on_trial
    folder.store._db.execute("PRAGMA query_only = OFF")
    assert not configuring.judge(t_ms=T_MS)
    assert (configuring.on_trial, dict(told.values)) == (False, dict(FINE))
    folder.close()
