"""A small alliance to tell stories in: a real chain, the real service, boxes that sign, and one day that is settled.

Time before the branch is played once; each story goes on from there, on a copy of the service's files and on the chain
taken back to that block. A story ends with the day settled, audited from chain and archive alone, and paid.
"""

import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from alliance.calendar import SLOT_MS, Day, day_of, epoch_at
from alliance.identity import Address
from alliance.statement import LineKind, Quantity, Statement
from api.app import create_app
from api.build import platform_of_settings
from api.jobs.anchor import CloseEpochs
from api.jobs.follow import Follow
from api.jobs.loop import run_tick
from api.jobs.send import Send
from api.jobs.settle import SettleDays
from api.platform import Platform
from api.settings import Settings
from api.settlements import queries as settlements
from audit.auditor import audit_day
from audit.blocks import FolderSource
from audit.verdict import Verdict
from chain import charter, devices
from oracle.hashing import sha256
from oracle.segment import SealedSegment
from oracle.signature import SecpSigner
from simulation.anvil import Anvil
from tests.api.conftest import (
    ADMIN_TOKEN,
    GENESIS_S,
    START_S,
    Box,
    ManualClock,
    Service,
    TestClient,
    World,
    _founded,
    upload_body,
    write_state,
)

DAY: Day = day_of("2026-01-02")
PACK = Path(__file__).resolve().parents[2] / "simulation" / "packs" / "jiangsu-2025-06.json"
BEGIN_S = DAY.start_ms // 1000 - 3600
"""An hour before the day the boxes begin to measure."""
BRANCH_S = DAY.end_ms // 1000 - 3 * 3600
"""Stories begin three hours before midnight."""
METER, BATTERY = 1, 2
STEP_WH = 1_000
"""What a station exports between two readings, of which a slot has three."""
SLOT_WH = 3 * STEP_WH
VALIDITY_S = 30 * 86_400


@dataclass
class Site:
    """A station's box: its device, the key that signs now, and its two channels."""

    device: Address
    meter: Box
    battery: Box
    unsent: list[SealedSegment] = field(default_factory=list)
    """Segments that were signed while the box could not reach the platform."""
    latest: list[SealedSegment] = field(default_factory=list)
    """What the box signed last: the meter's segment, then the battery's."""
    silent: bool = False
    offline: bool = False

    def sign_with(self, key: SecpSigner) -> None:
        """Sign with another key from now on; the device keeps its name and its streams."""
        for box in (self.meter, self.battery):
            box.key, box.device = key, self.device

    def seal(self, epoch: int) -> list[SealedSegment]:
        """What the box signs of an epoch: three readings of each channel in its last minutes."""
        return [
            box.seal_slot(epoch * SLOT_MS + SLOT_MS, step_wh=STEP_WH if box.channel == METER else 0)
            for box in (self.meter, self.battery)
        ]


class SlotBox(Box):
    """A box of one channel that seals a slot's three readings."""

    def seal_slot(self, end_ms: int, *, step_wh: int) -> SealedSegment:
        return self.seal(end_ms - 2 * 60_000, 3, export_step_wh=step_wh)


class Tale:
    """One course of events."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.anvil = Anvil(genesis_s=GENESIS_S)
        self.anvil.start()
        self.world: World = _founded(self.anvil, first_day=DAY, delay_s=3_600)
        self.clock = ManualClock(START_S * 1000)
        self.sites = {number: self._site(number) for number in (1, 2)}
        self.state = folder / "service"
        write_state(self.state, self.world)
        self.platform: Platform = self._platform()
        self._branch: tuple[object, int, dict[int, Site]] | None = None
        self._tell_until_branch()

    # ---- time ----

    def play_until(self, end_s: int) -> None:
        """Let time pass slot by slot: boxes measure, the service works, the chain mines."""
        t_s = self.world.now_s - self.world.now_s % 900 + 900
        while t_s <= end_s:
            if t_s > BEGIN_S:
                self.measure(t_s)
            self.close_epoch(t_s)
            t_s += 900

    def measure(self, t_s: int) -> None:
        """The boxes seal the slot that ends now, and send what they have."""
        self.clock.t_ms = t_s * 1000
        epoch = epoch_at(t_s * 1000) - 1
        for site in self.sites.values():
            if site.silent:
                continue
            site.latest = site.seal(epoch)
            site.unsent += site.latest
            if site.offline:
                continue
            answer = self.upload(*site.unsent)
            self.refusals += [str(refusal["code"]) for refusal in answer["refused"]]
            refused = {refusal["segment"] for refusal in answer["refused"]}
            site.unsent = [one for one in site.unsent if "0x" + one.signed.digest.hex() in refused]

    def close_epoch(self, t_s: int) -> None:
        """The minute after a slot's end, in which its epoch is closed and anchored."""
        for second in (t_s + 70, t_s + 130):
            self.tick(max(second, self.world.now_s + 1))

    def tick(self, t_s: int) -> None:
        """The service's jobs, then a block."""
        self.clock.t_ms = t_s * 1000
        jobs = (Follow(self.platform), Send(self.platform), CloseEpochs(self.platform), SettleDays(self.platform))
        run_tick(jobs, t_s * 1000, self.platform.health)
        failed = {name: state.error for name, state in self.platform.health.all().items() if state.error}
        assert not failed, failed
        self.world.mine_at(t_s)

    def play_to_the_end(self) -> Verdict:
        """Midnight, the hour after, the statement on chain and in the log, and the audit."""
        self.play_until(DAY.end_ms // 1000 + 9000)
        return self.audit()

    def play_until_settled(self) -> None:
        """As far as the first statement, while the day is not final."""
        self.play_until(DAY.end_ms // 1000 + 3600)

    def vote(self, contract: str, data: bytes) -> None:
        """The members decide through the charter: proposed, accepted by two, executed an hour later."""
        to = self.world.deployment[contract].address
        self.send(self.owner(2), "Charter", charter.propose(to, data, description=sha256(b"why")))
        for member in (self.owner(2), self.world.members[2]):
            self.send(member, "Charter", charter.vote(1, in_favour=True))
        self._voted = data

    def execute_vote(self) -> None:
        """Anyone executes what was accepted an hour ago."""
        self.send(self.world.admitter, "Charter", charter.execute(1, self._voted))

    # ---- what people do ----

    def send(self, key: SecpSigner, contract: str, data: bytes) -> None:
        """A transaction, mined in the next seconds."""
        self.world.send(key, contract, data)

    def owner(self, station: int) -> SecpSigner:
        """The member that owns a station."""
        return self.world.members[station - 1]

    def device(self, station: int) -> Address:
        """A station's device."""
        return self.sites[station].device

    def key(self, station: int) -> SecpSigner:
        """The key with which a station's box was born."""
        return self.world.device_keys[station - 1]

    def confirm(self, station: int, key: SecpSigner) -> None:
        """The attestor has seen a key on a device."""
        call = devices.confirm_delegate(self.device(station), key.address, validity_s=VALIDITY_S)
        self.send(self.world.attestor, "DeviceRegistry", call)

    def revoke(self, station: int, key: SecpSigner) -> None:
        """The owner withdraws a key."""
        call = devices.revoke_delegate(self.device(station), key.address)
        self.send(self.owner(station), "DeviceRegistry", call)

    def upload(self, *sealed: SealedSegment) -> dict[str, list[dict[str, object]]]:
        """What the platform says to segments."""
        headers = {"content-type": "application/vnd.ipld.dag-cbor", "accept-language": "en"}
        reply = self.client.post("/v1/segments", content=upload_body(*sealed), headers=headers)
        assert reply.status_code == 200, reply.text
        answer: dict[str, list[dict[str, object]]] = reply.json()
        return answer

    def sign_in(self, key: SecpSigner) -> str:
        """A bearer token of a wallet."""
        service = Service(world=self.world, clock=self.clock, platform=self.platform, client=self.client)
        return service.sign_in(key, idempotency_key=f"{key.address.hex()} {self.clock.t_ms}")

    # ---- what came of it ----

    def audit(self) -> Verdict:
        """The day from the chain and the archive alone."""
        return audit_day(self.world.rpc, lambda: FolderSource(self.state / "archive"), self.world.deployment, DAY)

    def statements(self) -> list[Statement]:
        """The day's statements as filed, first to last."""
        with self.platform.database.reading() as connection:
            return [settlements.statement(connection, version) for version in settlements.versions(connection, DAY)]

    def standing(self) -> Statement:
        """The day as it stands after all versions."""
        with self.platform.database.reading() as connection:
            return settlements.whole(connection, DAY)

    def quantities(self, station: int) -> list[Quantity]:
        """What passed a station's connection, slot by slot."""
        return sorted((q for q in self.standing().quantities if q.station == station), key=lambda q: q.slot)

    def paid_cents(self, station: int) -> int:
        """What a station's owner is paid for the energy that its meter showed."""
        return sum(
            line.amount_cents
            for line in self.standing().lines
            if line.kind is LineKind.ENERGY_DEVIATION and line.subject == station
        )

    # ---- beginnings ----

    def begin(self) -> "Tale":
        """Back to the branch: the chain, the service's files, and the boxes as they were."""
        assert self._branch is not None
        snapshot, now_s, sites = self._branch
        self.platform.close()
        assert self.anvil.rpc.call("evm_revert", [snapshot]) is True
        self.world.now_s = now_s
        shutil.rmtree(self.state)
        shutil.copytree(self._folder / "branch", self.state)
        self.platform = self._platform()
        self._branch = (self.anvil.rpc.call("evm_snapshot"), now_s, sites)
        self.sites, self.refusals = _copied(sites), []
        return self

    def stop(self) -> None:
        """Let everything go."""
        self.platform.close()
        self.anvil.stop()

    def _tell_until_branch(self) -> None:
        """The service follows from the first epoch on; rules stand before the day; boxes measure from an hour before."""
        self.refusals: list[str] = []
        self._file_rules()
        t_s = START_S + 970
        while t_s < BEGIN_S:
            self.tick(max(t_s, self.world.now_s + 1))
            t_s += 900
        self.play_until(BRANCH_S)
        self.platform.close()
        shutil.copytree(self.state, self._folder / "branch")
        self._branch = (self.anvil.rpc.call("evm_snapshot"), self.world.now_s, _copied(self.sites))
        self.platform = self._platform()

    def _file_rules(self) -> None:
        operator = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        pack = json.loads(PACK.read_text())
        groups = {"fromDay": str(DAY), "groups": [{"group": 1, "stations": [1, 2]}]}
        for path, body in (("rule-packs", {"pack": pack}), ("groupings", groups)):
            reply = self.client.post(f"/v1/{path}", json=body, headers={**operator, "Idempotency-Key": path})
            assert reply.status_code == 201, reply.text

    def _site(self, number: int) -> Site:
        key, deployment = self.world.device_keys[number - 1], self.world.deployment
        meter, battery = (SlotBox(key, deployment, channel=channel) for channel in (METER, BATTERY))
        return Site(device=key.address, meter=meter, battery=battery)

    def _platform(self) -> Platform:
        settings = Settings(
            state=self.state, rpc_url=self.anvil.url, finality_blocks=2, randomness_seed="5e" * 32,
            admin_token=ADMIN_TOKEN, hosts=("testserver",), public_url="http://testserver",
            page=self.state / "no-page", encrypt=False, correction_window_minutes=600, settlement_grace_minutes=30,
        )  # fmt: skip
        platform = replace(platform_of_settings(settings), clock=self.clock)
        self.client = TestClient(create_app(platform), raise_server_exceptions=False)
        return platform


def _copied(sites: dict[int, Site]) -> dict[int, Site]:
    return {
        number: replace(site, meter=replace(site.meter), battery=replace(site.battery), unsent=list(site.unsent))
        for number, site in sites.items()
    }
