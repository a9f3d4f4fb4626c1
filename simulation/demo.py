"""The demo: a chain, the service, six stations and their boxes live through a day in lock-step (protocol 10.9).

Everything runs in processes of its own, on loopback, under one simulated clock: a tick of one minute is granted to the
plants, then to the boxes side by side, then to the service; then the chain's block of that minute is mined.
"""

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from alliance.calendar import SLOTS_A_DAY, Day, day_of
from alliance.errors import Missing, Refused
from alliance.identity import StationId, address, to_hex
from alliance.rulepack import parse_json
from oracle import deployment as deployments
from oracle import keyfile
from oracle.adapters import SystemRandomness
from oracle.keyfile import Lock
from oracle.signature import SecpSigner
from simulation import readers
from simulation.anvil import Anvil, AnvilFailed, free_port, require_free
from simulation.cast import LEASES, STATIONS, CastStation
from simulation.founding import DeviceConsent, Founder, Keyring, first_tick_ms, funded, genesis_s
from simulation.measured import cast_profiles
from simulation.membership import ServiceSession
from simulation.processes import Processes, program
from simulation.profiles import DayProfile, profile_for, read_profiles, write_profile
from simulation.supervisor import Supervisor

TICK_MS = 60_000
GRACE_MINUTES = 30
PLAN_LEAD_MINUTES = 28
FINALITY_BLOCKS = 2
STATE_INTERVAL_S = 60
LIVE_TICKS = 5
"""Live values are shown, and directives asked for, every so many simulated minutes."""
DISPATCHER = "dispatcher"
AFTERMATH_MS = (GRACE_MINUTES + 25) * 60_000
"""How long after midnight the demo plays on: the grace, the statement, and the epoch that logs it."""
WINDOW_MINUTES = 7 * 1440
DAYS_BACK = 8
DEFAULT_DAY = "2026-07-15"
_PACK = Path(__file__).parent / "packs" / "jiangsu-2025-06.json"
_EDGE = "edge-{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the demo is asked to do."""

    day: Day
    seed: str
    state: Path
    resume: bool = False
    speed: float = 0.0
    """Simulated seconds a real second, at most; 0 is as fast as it goes."""
    profiles: Path | None = None
    port: int = 0
    """The service's port; 0 takes a free one."""
    page: Path | None = None


@dataclass(kw_only=True, eq=False)
class NothingToResume(Missing):
    """There is no earlier day of the demo to go on from."""

    state: str


@dataclass(kw_only=True, eq=False)
class ProfileOfOtherStation(Refused):
    """A profile folder has a file for a station that the demo does not have."""

    station: int


@dataclass(kw_only=True, eq=False)
class ServiceSilent(Missing):
    """The service did not answer in time; its log says why."""

    url: str
    log: str


@dataclass(kw_only=True, eq=False)
class CommandFailed(Refused):
    """A command line of ours ended with an error."""

    command: str
    exit_code: int
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A day that was played: where its traces are, and what it took."""

    day: Day
    state: Path
    deployment: Path
    archive: Path
    key: Path
    """The auditor's key, to which every owner granted its evidence."""
    rpc_url: str
    service_url: str
    wall_s: float


class Demo:
    """One run of the demo. `play` lives the day, `go_on` stays at real speed, `stop` ends every child."""

    def __init__(self, options: DemoOptions, *, say: Callable[[str], None]) -> None:
        self._options, self._say = options, say
        self._state = options.state
        self._keyring = Keyring(options.seed.encode())
        self._processes = Processes(self._state / "logs")
        self._supervisor = Supervisor()
        self._memory = _Memory(self._state / "demo.json")
        self._day = options.day
        self._anvil: Anvil | None = None
        self._service_port = options.port or free_port()
        self._modbus = {station.number: free_port() for station in STATIONS}
        self._pacer_port = 0
        self._next_ms = 0

    @property
    def service_url(self) -> str:
        """Where the page and the API are."""
        return f"http://127.0.0.1:{self._service_port}"

    @property
    def anvil(self) -> Anvil:
        """The running chain. Raises AnvilFailed before it runs."""
        if self._anvil is None:
            raise AnvilFailed(why="not started")
        return self._anvil

    @property
    def processes(self) -> Processes:
        """The children: tests kill and start them."""
        return self._processes

    @property
    def supervisor(self) -> Supervisor:
        """The clock's supervisor."""
        return self._supervisor

    async def play(self, *, between: Callable[[int], None] | None = None) -> Played:
        """Found the alliance, or resume it, and live one day and its settlement; `between` runs before each tick."""
        begun = time.monotonic()
        await self.begin()
        await self.run_until(self._day.end_ms + AFTERMATH_MS, between=between)
        self._memory.keep({"day": str(self._day), "next_ms": self._next_ms, "seed": self._options.seed})
        return Played(
            day=self._day,
            state=self._state,
            deployment=self._state / "deployment.json",
            archive=self._state / "service" / "archive",
            key=readers.key_file(self._state, readers.AUDITOR),
            rpc_url=self.anvil.url,
            service_url=self.service_url,
            wall_s=time.monotonic() - begun,
        )

    async def begin(self) -> None:
        """Start everything, up to the first tick."""
        self._check_given()
        resumed = self._prepare()
        self._start_chain()
        self._say(f"chain 链 {self.anvil.url}")
        profiles = self._write_profiles()
        self._pacer_port = await self._supervisor.start()
        if not resumed:
            self._found()
        for station in STATIONS:
            self._write_edge(station)
        self._write_service()
        self._start_children(resumed=resumed)
        names = ["stations", "service", *(_EDGE.format(s.number) for s in STATIONS)]
        await self._supervisor.expect(names, alive=self._processes.check)
        await self.tick()
        await self._await_service()
        if not resumed:
            await asyncio.to_thread(self._introduce, profiles)

    async def run_until(self, end_ms: int, *, between: Callable[[int], None] | None = None) -> None:
        """Grant ticks up to and including an instant; says how far it is each simulated hour."""
        pace = _Pace(self._options.speed)
        while self._next_ms <= end_ms:
            if between is not None:
                between(self._next_ms)
            await self.tick()
            await pace.wait()
            hour, rest = divmod(self._next_ms - self._day.start_ms, 3_600_000)
            if rest == 0 and 0 <= hour <= 24 and hour % 3 == 0:
                self._say(f"{self._day} {hour:02d}:00")

    async def tick(self) -> None:
        """One minute: plants, then boxes, then the service, then the chain's block."""
        edges = [name for s in STATIONS if self._supervisor.joined(name := _EDGE.format(s.number))]
        service = ["service"] if self._supervisor.joined("service") else []
        await self._supervisor.round(self._next_ms, [["stations"], edges, service, self._mine])
        self._next_ms += TICK_MS

    async def go_on(self) -> None:
        """Stay up at real speed until cancelled."""
        while True:
            begun = time.monotonic()
            await self.tick()
            await asyncio.sleep(max(0.0, TICK_MS / 1000 - (time.monotonic() - begun)))

    async def stop(self) -> None:
        """End all children, then the chain, whose state is kept."""
        await self._supervisor.stop()
        self._processes.stop_all()
        if self._anvil is not None:
            self._anvil.stop()

    async def restart(self, name: str) -> None:
        """Start a child again after it was killed, and wait until it has joined."""
        self._start_child(name)
        await self._supervisor.expect([name], alive=self._processes.check)

    def stop_chain(self) -> None:
        """Take the chain away; its state stays."""
        self.anvil.stop()

    def start_chain_again(self) -> None:
        """Bring the chain back at the same address."""
        self.anvil.start()

    async def _mine(self, tick_ms: int) -> None:
        with contextlib.suppress(AnvilFailed):
            await asyncio.to_thread(self.anvil.mine_at, tick_ms // 1000)

    def _check_given(self) -> None:
        """Refuse what cannot be played before an earlier day is emptied. Raises PortTaken and what profiles raise."""
        if self._options.port:
            require_free(self._options.port)
        if self._options.profiles is not None:
            read_profiles(self._options.profiles)

    def _prepare(self) -> bool:
        """Whether an earlier day is resumed; otherwise the state folder is begun afresh."""
        kept = self._memory.read() if self._options.resume else None
        if self._options.resume and kept is None:
            raise NothingToResume(state=str(self._state))
        if kept is not None:
            self._day = day_of(str(kept["day"])).plus(1)
            self._next_ms = int(str(kept["next_ms"]))
            self._keyring = Keyring(str(kept["seed"]).encode())
        parse_json(_PACK.read_text()).tariff_for(self._day)
        if kept is not None:
            return True
        _empty(self._state)
        self._next_ms = first_tick_ms(self._day)
        return False

    def _start_chain(self) -> None:
        self._anvil = Anvil(
            genesis_s=genesis_s(self._day),
            state=self._state / "chain.json",
            state_interval_s=STATE_INTERVAL_S,
            funded=funded(self._keyring, STATIONS),
            log=self._state / "logs" / "chain.log",
        )
        (self._state / "logs").mkdir(parents=True, exist_ok=True)
        self._anvil.start()

    def _found(self) -> None:
        """Deploy, admit, enrol, lease: all that stands on chain before the first tick."""
        founder = Founder(self.anvil, self._keyring)
        deployment = founder.deploy(first_day=self._day, first_tick_ms=self._next_ms, window_s=WINDOW_MINUTES * 60)
        (self._state / "deployment.json").write_text(json.dumps(deployments.to_plain(deployment), indent=1) + "\n")
        self._say("contracts deployed 合约已部署")
        founder.admit(deployment, STATIONS)
        self._say("six members admitted, six stations registered 六个成员、六座储能站")
        consents = {station.number: self._consent(station) for station in STATIONS}
        founder.enrol(deployment, STATIONS, consents)
        self._say("six devices enrolled and attested 六台设备已登记并见证")
        founder.lease(deployment, STATIONS, LEASES, first_day=self._day)
        self._say("two leases offered and accepted 两份租约已成交")

    def _consent(self, station: CastStation) -> DeviceConsent:
        """Let a box make its key and sign its consent, by its own command line."""
        config = self._write_edge(station)
        deadline_s = first_tick_ms(self._day) // 1000
        owner = to_hex(self._keyring.member(station.owner).address)
        printed = _output([program("alliance-edge"), "enrol", "--config", str(config), "--owner", owner,
                           "--deadline", str(deadline_s)])  # fmt: skip
        given = json.loads(printed)
        return DeviceConsent(
            station=station.number,
            device=address(given["device"], field="device"),
            deadline_s=given["deadline"],
            signature=bytes.fromhex(given["signature"][2:]),
        )

    def _write_profiles(self) -> dict[StationId, dict[Day, DayProfile]]:
        """Each station's profile file, from measurement-based series or the user's own, for days before and after."""
        days = [self._day.plus(offset) for offset in range(-DAYS_BACK, 3)]
        given = self._options.profiles
        if given is None:
            found = cast_profiles(STATIONS, days, seed=self._options.seed, cache=self._state.parent / "profiles")
        else:
            found = _given_profiles(read_profiles(given), days)
        folder = self._state / "profiles"
        folder.mkdir(parents=True, exist_ok=True)
        for number, by_day in found.items():
            write_profile(folder / f"station-{number}.csv", by_day.values())
        return found

    def _write_service(self) -> None:
        """The service's settings, keys and the demo's wallets."""
        folder = self._state / "service"
        for role in ("writer", "settler", "acknowledger"):
            _write_key(folder / "keys" / role, self._keyring.secret(role))
        wallets = [
            {
                "member": s.owner, "nameZh": s.member_zh, "nameEn": s.member_en,
                "address": to_hex(self._keyring.member(s.owner).address),
                "privateKey": to_hex(self._keyring.secret(f"member {s.owner}")),
            }
            for s in STATIONS
        ]  # fmt: skip
        (folder / "wallets.json").write_text(json.dumps(wallets, ensure_ascii=False))
        self._write_dispatcher()
        settings: dict[str, object] = {
            "state": str(folder), "deployment": str(self._state / "deployment.json"), "rpc_url": self.anvil.url,
            "public_rpc_url": self.anvil.url,
            "acknowledger_key": str(folder / "keys" / "acknowledger"), "port": self._service_port,
            "pacer": "lockstep", "pacer_address": f"127.0.0.1:{self._pacer_port}",
            "finality_blocks": FINALITY_BLOCKS, "settlement_grace_minutes": GRACE_MINUTES,
            "correction_window_minutes": WINDOW_MINUTES, "plan_lead_minutes": PLAN_LEAD_MINUTES,
            "randomness_seed": self._options.seed.encode().hex(), "admin_token": self.token,
            "demo_wallets": str(folder / "wallets.json"), "public_readings": True,
            "dispatchers": [to_hex(self._keyring.address(DISPATCHER))],
            "directive_answer_seconds": 2 * LIVE_TICKS * TICK_MS // 1000,
        }  # fmt: skip
        if self._options.page is not None:
            settings["page"] = str(self._options.page)
        text = "\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())
        (folder / "service.toml").write_text(text + "\n")

    def _write_dispatcher(self) -> None:
        """The dispatcher's key, encrypted, apart from the service, which never has it (`alliance directive`)."""
        folder, secret = self._state / DISPATCHER, self._keyring.secret(DISPATCHER)
        folder.mkdir(exist_ok=True)
        words = _passphrase(folder, self._keyring.secret(f"passphrase {DISPATCHER}"))
        lock = Lock(passphrase=words.read_bytes().strip())
        keyfile.save(folder / "key", SecpSigner(secret), secret, lock=lock, randomness=SystemRandomness())

    def _write_edge(self, station: CastStation) -> Path:
        """A box's settings."""
        rated, folder = station.plant, self._state / _EDGE.format(station.number)
        folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "state": "state",
            "service_url": self.service_url,
            "deployment": str((self._state / "deployment.json").resolve()),
            "station": station.number,
            "acknowledgers": [to_hex(self._keyring.address("acknowledger"))],
            "passphrase_file": str(_passphrase(folder, self._keyring.secret(f"passphrase {station.number}"))),
            "device": {"kind": station.speaks, "port": self._modbus[station.number]},
            "limits": {
                "charge_power_w": rated.battery.charge_power_w, "discharge_power_w": rated.battery.discharge_power_w,
                "capacity_wh": rated.battery.capacity_wh, "soc_min_bp": 500, "soc_max_bp": 9_800,
                "pcc_import_w": rated.pcc_import_w, "pcc_export_w": rated.pcc_export_w,
                "ramp_w_per_s": rated.ramp_w_per_s, "eta_charge_ppm": station.eta_c_ppm,
                "eta_discharge_ppm": station.eta_d_ppm,
            },
            "pacer": "lockstep",
            "pacer_address": f"127.0.0.1:{self._pacer_port}",
            "tick_s": TICK_MS // 1000,
            "live_ticks": LIVE_TICKS,
            "dispatchers": [to_hex(self._keyring.address(DISPATCHER))],
            "directive_ticks": LIVE_TICKS,
            "seed": self._options.seed.encode().hex(),
            "log_level": "warning",
        }  # fmt: skip
        path = folder / "edge.json"
        path.write_text(json.dumps(settings, indent=1) + "\n")
        return path

    def _write_stations(self) -> Path:
        """The stations' process's configuration."""
        path = self._state / "stations.json"
        stations = [
            {
                "number": s.number, "kind": s.speaks, "port": self._modbus[s.number],
                "seed": f"{self._options.seed}/{s.number}", "name": s.key,
                "profile": str(self._state / "profiles" / f"station-{s.number}.csv"),
                "state": str(self._state / "plants" / f"station-{s.number}.json"),
            }
            for s in STATIONS
        ]  # fmt: skip
        (self._state / "plants").mkdir(exist_ok=True)
        pacer = {"host": "127.0.0.1", "port": self._pacer_port, "name": "stations"}
        path.write_text(json.dumps({"v": 1, "start_ms": self._next_ms - TICK_MS, "pacer": pacer, "stations": stations}))
        return path

    def _start_children(self, *, resumed: bool) -> None:
        config = self._write_stations()
        command = [sys.executable, "-m", "simulation.stations", "--config", str(config)]
        self._processes.start("stations", [*command, "--resume"] if resumed else command)
        for name in ["service", *(_EDGE.format(s.number) for s in STATIONS)]:
            self._start_child(name)

    def _start_child(self, name: str) -> None:
        """Start the service, or a box, by its console script."""
        if name == "service":
            settings = self._state / "service" / "service.toml"
            self._processes.start(name, [program("alliance-service"), "run", "--settings", str(settings)])
        else:
            settings = self._state / name / "edge.json"
            self._processes.start(name, [program("alliance-edge"), "run", "--config", str(settings)])

    async def _await_service(self) -> None:
        """Wait until the service answers over HTTP. Raises ServiceSilent."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            for _ in range(200):
                self._processes.check()
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"{self.service_url}/healthz")).status_code == httpx.codes.OK:
                        return
                await asyncio.sleep(0.05)
        raise ServiceSilent(url=self.service_url, log=str(self._processes.log("service")))

    def _introduce(self, profiles: dict[StationId, dict[Day, DayProfile]]) -> None:
        """The operator files pack and groups; each member signs in, describes its station and files past net load."""
        with ServiceSession(self.service_url, token=self.token) as operator:
            operator.post("/v1/rule-packs", {"pack": json.loads(_PACK.read_text())})
            groups = one_group_of(STATIONS, self._day)
            operator.post("/v1/groupings", groups)
        for station in STATIONS:
            with ServiceSession(self.service_url) as member:
                member.sign_in(self._keyring.member(station.owner))
                member.put(
                    f"/v1/members/{station.owner}/profile",
                    {"nameZh": station.member_zh, "nameEn": station.member_en},
                )
                member.put(f"/v1/stations/{station.number}/profile", _profile(station))
                for offset in range(-DAYS_BACK, -1):
                    day = self._day.plus(offset)
                    past = profiles[station.number][day]
                    standby = station.plant.standby_w
                    loads = tuple(past.net_load_wh(slot, standby_w=standby) for slot in range(SLOTS_A_DAY))
                    member.file_net_load(station.number, day, loads)
        readers.register(self.service_url, self._state, self._keyring, token=self.token)
        self._say("readers registered: members, an auditor, a regulator 已登记读者：成员、审计、监管")
        self._say("rule pack, billing group, profiles and past net load filed 规则包、结算组、历史负荷已备案")

    @property
    def token(self) -> str:
        """The operator's bearer token of this demo."""
        return self._keyring.secret("operator").hex()


class _Pace:
    """Keeps simulated time from running faster than a ceiling."""

    def __init__(self, speed: float) -> None:
        self._speed, self._begun, self._ticks = speed, time.monotonic(), 0

    async def wait(self) -> None:
        """Sleep as long as the ceiling asks for."""
        self._ticks += 1
        if self._speed > 0:
            due = self._begun + self._ticks * TICK_MS / 1000 / self._speed
            await asyncio.sleep(max(0.0, due - time.monotonic()))


class _Memory:
    """What a later run must know: one small file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, object] | None:
        """What was kept, None if nothing was."""
        if not self._path.exists():
            return None
        kept: dict[str, object] = json.loads(self._path.read_text())
        return kept

    def keep(self, values: dict[str, object]) -> None:
        """Keep values in place of those before."""
        self._path.write_text(json.dumps(values) + "\n")


def one_group_of(stations: tuple[CastStation, ...], first_day: Day) -> dict[str, object]:
    """The body that puts all stations into one billing group from a day on."""
    return {"fromDay": str(first_day), "groups": [{"group": 1, "stations": [s.number for s in stations]}]}


def _profile(station: CastStation) -> dict[str, object]:
    return {
        "nameZh": station.name_zh, "nameEn": station.name_en, "longitudeE5": station.longitude_e5,
        "latitudeE5": station.latitude_e5, "etaCPpm": station.eta_c_ppm, "etaDPpm": station.eta_d_ppm,
        "socMinBp": 1_000, "socMaxBp": 9_500, "ownNeedBp": 1_000, "wearPrice": station.wear_price,
    }  # fmt: skip


def _given_profiles(
    given: dict[StationId, dict[Day, DayProfile]], days: list[Day]
) -> dict[StationId, dict[Day, DayProfile]]:
    """The user's profiles on the demo's days; a station without a file has no load of its own."""
    known = {station.number for station in STATIONS}
    for number in given:
        if number not in known:
            raise ProfileOfOtherStation(station=number)
    idle = {day: DayProfile(day=day, load_w=(0,) * SLOTS_A_DAY, pv_w=(0,) * SLOTS_A_DAY) for day in days}
    return {
        s.number: {d: _moved(profile_for(given[s.number], d), d) for d in days} if s.number in given else idle
        for s in STATIONS
    }


def _moved(profile: DayProfile, day: Day) -> DayProfile:
    return DayProfile(day=day, load_w=profile.load_w, pv_w=profile.pv_w)


def _passphrase(folder: Path, secret: bytes) -> Path:
    """The file of the passphrase under which a box's key file is encrypted."""
    path = folder / "passphrase"
    _write_key(path, secret)
    return path.resolve()


def _write_key(path: Path, secret: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(secret.hex() + "\n")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailed(command=command[0], exit_code=done.returncode, said=done.stderr.strip()[-300:])
    return done.stdout
