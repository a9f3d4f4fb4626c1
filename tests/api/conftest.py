"""A deployed alliance on a real chain, a service on real files, and boxes that sign: all under one clock of ours."""

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from starlette.exceptions import StarletteDeprecationWarning

from alliance.calendar import Day, day_at
from alliance.fleet import StationType
from alliance.identity import Address, Digest, StationId
from alliance.reading import ChannelKind, Reading, battery_word
from alliance.segment import START, Head
from api.app import create_app
from api.build import platform_of_settings
from api.jobs.anchor import CloseEpochs
from api.jobs.follow import Follow
from api.jobs.grant import GrantReaders
from api.jobs.loop import run_tick
from api.jobs.send import Send
from api.platform import Platform
from api.privacy import repository, subjects
from api.privacy.repository import sealed_blocks
from api.session import siwe
from api.settings import Settings
from chain import deploy, devices, registry
from chain.client import from_phrase
from chain.deploy import RoleHolders, Terms
from chain.registry import StationSpec
from chain.rpc import Block, Receipt, Rpc
from chain.wallet import Wallet
from oracle import cbor, segment
from oracle import deployment as deployments
from oracle import reading as reading_bytes
from oracle.deployment import Deployment
from oracle.eip712 import enrol_digest
from oracle.hashing import keccak256, sha256
from oracle.segment import SealedSegment
from oracle.signature import SecpSigner, expand
from simulation.anvil import CHAIN_ID, TEST_MNEMONIC, Anvil, AnvilMissing, binary

with warnings.catch_warnings():  # its client wants a successor of httpx that no other part needs
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from fastapi.testclient import TestClient

GENESIS_S = 1_767_196_800  # 2026-01-01 00:00 in Shanghai
START_S = GENESIS_S + 7200
"""The log's first epoch begins here; members and devices are all registered before."""
FIRST_EPOCH = START_S // 900
YEAR_S = 365 * 86_400
DAG_CBOR = "application/vnd.ipld.dag-cbor"
ADMIN_TOKEN = "operator-token-of-the-tests"


@dataclass
class ManualClock:
    """Shows the time that a test sets."""

    t_ms: int = START_S * 1000

    def now_ms(self) -> int:
        return self.t_ms


@dataclass
class World:
    """The chain with all that was registered before the first epoch."""

    anvil: Anvil
    members: list[SecpSigner]
    admitter: SecpSigner
    attestor: SecpSigner
    settler: SecpSigner
    writer: SecpSigner
    device_keys: list[SecpSigner]
    now_s: int = GENESIS_S
    deployment: Deployment = field(init=False)

    @property
    def rpc(self) -> Rpc:
        return self.anvil.rpc

    def mine(self, count: int = 1, *, seconds: int = 60) -> Block:
        for _ in range(count):
            self.now_s += seconds
            block = self.anvil.mine_at(self.now_s)
        return block

    def mine_at(self, time_s: int) -> Block:
        self.now_s = time_s
        return self.anvil.mine_at(time_s)

    def wallet(self, key: SecpSigner) -> Wallet:
        return Wallet(self.rpc, key, chain_id=CHAIN_ID, between_polls=lambda: self.mine(seconds=1) and None)

    def send(self, key: SecpSigner, contract: str, data: bytes) -> Receipt:
        return self.wallet(key).send(self.deployment[contract].address, data)


@dataclass
class Box:
    """A station's box: readings of one channel, sealed and signed."""

    key: SecpSigner
    deployment: Deployment
    channel: int = 1
    device: Address = field(default=Address(b""))
    head: Head = START
    export_wh: int = 0

    def __post_init__(self) -> None:
        self.device = self.device or self.key.address

    def seal(
        self, t_first_ms: int, count: int = 5, *, export_step_wh: int = 10, advance: bool = True, b: int = 0
    ) -> SealedSegment:
        """The next segment: a reading a minute from `t_first_ms`; 0 readings make a gap record."""
        named = f"{self.device.hex()}/{self.channel}/{self.head.next_seq}/{self.head.digest.hex()}"
        secret = sha256(named.encode()) if count else Digest(bytes(32))
        covered, export_wh = [], self.export_wh
        for at in range(count):
            export_wh += export_step_wh
            covered.append(
                segment.salted(
                    Reading(
                        channel=self.channel, seq=self.head.next_seq + at, t_ms=t_first_ms + 60_000 * at, a=600, b=b,
                        c=0, d=export_wh, salt=b"",
                    ),
                    secret,
                )
            )  # fmt: skip
        closed = segment.close(
            covered, device=self.device, channel=self.channel, head=self.head, closed_at_ms=t_first_ms
        )
        raw = b"".join(map(reading_bytes.encode, covered))
        signed = segment.sign(closed, domain=self.deployment.domain, signer=self.key)
        if advance:
            self.head, self.export_wh = Head(next_seq=closed.next_seq, digest=signed.digest), export_wh
        return SealedSegment(signed=signed, secret=secret, readings=raw)


@dataclass
class Service:
    """The service under test: its platform, its jobs, its HTTP side."""

    world: World
    clock: ManualClock
    platform: Platform
    client: TestClient

    def box(self, station: int = 1, channel: int = 1) -> Box:
        return Box(self.world.device_keys[station - 1], self.world.deployment, channel=channel)

    def upload(self, *sealed: SealedSegment, language: str = "en") -> dict[str, list[dict[str, object]]]:
        reply = self.post_raw(upload_body(*sealed), language=language)
        assert reply.status_code == 200, reply.text
        answer: dict[str, list[dict[str, object]]] = reply.json()
        return answer

    def post_raw(self, body: bytes, *, language: str = "en", content_type: str = DAG_CBOR):
        headers = {"content-type": content_type, "accept-language": language}
        return self.client.post("/v1/segments", content=body, headers=headers)

    def tick(self, t_s: int, *, mine: bool = True) -> None:
        """One tick: the jobs, then a block at its time."""
        self.clock.t_ms = t_s * 1000
        run_tick(jobs_of_tests(self.platform), t_s * 1000, self.platform.health)
        if mine:
            self.world.mine_at(t_s)

    def run_until(self, end_s: int, *, step_s: int = 60) -> None:
        """Ticks up to and including `end_s`."""
        t_s = self.world.now_s + step_s
        while t_s <= end_s:
            self.tick(t_s)
            t_s += step_s

    def content_key(self, digest: Digest) -> bytes | None:
        """An encrypted block's key, as the service itself finds it."""
        with self.platform.database.reading() as connection:
            rows = connection.execute(sealed_blocks.select().where(sealed_blocks.c.digest == digest)).all()
            sealed = [row for one in rows for row in repository.sealed_of_epoch(connection, one.epoch)]
            return subjects.content_keys(self.platform, connection, sealed).get(digest)

    def errors(self) -> dict[str, str]:
        return {name: state.error for name, state in self.platform.health.all().items() if state.error is not None}

    def sign_in(self, key: SecpSigner, *, idempotency_key: str = "sign-in") -> str:
        """A bearer token of a wallet."""
        nonce = self.client.get("/v1/session/nonce").json()
        text = siwe.compose(
            siwe.Message(
                scheme=None, domain=nonce["domain"], address=key.address, statement=nonce["statement"],
                uri=nonce["uri"], version=1, chain_id=nonce["chainId"], nonce=nonce["nonce"], issued_at_ms=0,
            ),
            issued_at=nonce["issuedAt"],
        )  # fmt: skip
        reply = self.client.post(
            "/v1/session",
            json={"message": text, "signature": personal_signature(key, text)},
            headers={"Idempotency-Key": idempotency_key},
        )
        assert reply.status_code == 201, reply.text
        self.client.cookies.clear()
        return str(reply.json()["token"])


def jobs_of_tests(platform: Platform):
    """The jobs of evidence alone: following, sending, closing epochs, granting readers."""
    return (Follow(platform), Send(platform), CloseEpochs(platform), GrantReaders(platform))


def upload_body(*sealed: SealedSegment) -> bytes:
    return cbor.encode({"v": 1, "segments": [segment.sealed_to_plain(one) for one in sealed]})


def personal_signature(key: SecpSigner, text: str) -> str:
    raw = text.encode()
    digest = keccak256(b"\x19Ethereum Signed Message:\n" + str(len(raw)).encode() + raw)
    return "0x" + expand(key.sign(digest)).hex()


@pytest.fixture(scope="session")
def _anvil() -> Iterator[Anvil]:
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")
    with Anvil(genesis_s=GENESIS_S) as anvil:
        yield anvil


@pytest.fixture(scope="session")
def _world(_anvil: Anvil) -> World:
    return _founded(_anvil)


@pytest.fixture
def fresh_chain() -> None:
    """Ask for it to get a chain of one's own: anvil forgets old states, so that it cannot reorganise a long-used chain."""


def _founded(anvil: Anvil, *, first_day: Day = day_at(GENESIS_S * 1000), delay_s: int = 172_800) -> World:
    """An alliance of three members, two with a station and an attested device."""
    keys = [from_phrase(TEST_MNEMONIC, index) for index in range(10)]
    attestor, writer = SecpSigner(b"\x07" * 32), SecpSigner(b"\x08" * 32)
    world = World(
        anvil=anvil, members=keys[:3], admitter=keys[8], attestor=attestor, settler=keys[7], writer=writer,
        device_keys=[SecpSigner(bytes([0x21 + at]) * 32) for at in range(3)],
    )  # fmt: skip
    for key in (attestor, writer):
        anvil.set_balance(key.address, 10**20)
    roles = RoleHolders(
        admitter=keys[8].address, attestor=attestor.address, settler=keys[7].address, guardian=keys[6].address,
        writer=writer.address,
    )  # fmt: skip
    terms = Terms(roles=roles, start_epoch=FIRST_EPOCH - 1, first_day=first_day, approval_delay_seconds=delay_s)
    world.deployment = deploy.deploy(world.rpc, world.wallet(keys[9]), terms)
    for station, member in enumerate(world.members[:2], start=1):
        _settle_in(world, member, StationId(station), world.device_keys[station - 1])
    world.send(world.members[2], "AllianceRegistry", registry.apply_for_membership(Digest(b"\x03" * 32)))
    world.send(world.admitter, "AllianceRegistry", registry.admit(world.members[2].address))
    assert world.now_s < START_S
    world.mine_at(START_S - 60)
    return world


def _settle_in(world: World, member: SecpSigner, station: StationId, device: SecpSigner) -> None:
    """A member with a station and an attested device of two channels."""
    spec = StationSpec(
        station_type=StationType.USER_SIDE, region=320722, charge_power_w=500_000, discharge_power_w=500_000,
        capacity_wh=1_000_000, pcc_import_w=2_000_000, pcc_export_w=1_000_000,
    )  # fmt: skip
    world.send(member, "AllianceRegistry", registry.apply_for_membership(Digest(bytes([station]) * 32)))
    world.send(world.admitter, "AllianceRegistry", registry.admit(member.address))
    world.send(member, "AllianceRegistry", registry.register_station(spec))
    world.send(member, "AllianceRegistry", registry.sign_safety_agreement(station, sha256(b"safety")))
    deadline_s = world.now_s + 3600
    consent = device.sign(
        enrol_digest(
            world.deployment.domain, device=device.address, owner=member.address, station=station, nonce=0,
            deadline_s=deadline_s,
        )
    )  # fmt: skip
    enrol = devices.enrol(device.address, station, deadline_s=deadline_s, signature=consent)
    world.send(member, "DeviceRegistry", enrol)
    world.send(world.attestor, "DeviceRegistry", devices.attest(device.address, validity_s=YEAR_S))
    for channel, kind in ((1, ChannelKind.METER), (2, ChannelKind.BATTERY)):
        bind = devices.bind_channel(device.address, channel, kind=kind, station=station, from_s=GENESIS_S)
        world.send(world.attestor, "DeviceRegistry", bind)


@pytest.fixture
def world(request: pytest.FixtureRequest, _world: World) -> Iterator[World]:
    """The world as it stood before the first epoch; whatever a test does to the chain is taken back."""
    if "fresh_chain" in request.fixturenames:
        with Anvil(genesis_s=GENESIS_S) as anvil:
            yield _founded(anvil)
        return
    snapshot, now_s = _world.rpc.call("evm_snapshot"), _world.now_s
    yield _world
    _world.rpc.call("evm_revert", [snapshot])
    _world.now_s = now_s


@pytest.fixture
def settings_of(world: World) -> Callable[[Path], Settings]:
    """Settings of a service whose state stands in a folder, with the world's keys and deployment."""

    def make(folder: Path) -> Settings:
        write_state(folder, world)
        return Settings(
            state=folder, rpc_url=world.anvil.url, finality_blocks=2, randomness_seed="5e" * 32,
            admin_token=ADMIN_TOKEN, hosts=("testserver",), public_url="http://testserver", page=folder / "no-page",
        )  # fmt: skip

    return make


def write_state(folder: Path, world: World) -> None:
    """The files that a deployer leaves: the deployment and the service's keys."""
    (folder / "keys").mkdir(parents=True, exist_ok=True)
    (folder / "deployment.json").write_text(json.dumps(deployments.to_plain(world.deployment)))
    for name, key in (("writer", world.writer), ("settler", world.settler)):
        path = folder / "keys" / name
        path.write_text(key._key.secret.hex())
        path.chmod(0o600)


@pytest.fixture
def service(world: World, settings_of: Callable[[Path], Settings], tmp_path: Path) -> Iterator[Service]:
    """A running service that has followed the chain up to the first epoch."""
    clock = ManualClock()
    platform = replace(platform_of_settings(settings_of(tmp_path / "service")), clock=clock)
    with TestClient(create_app(platform), raise_server_exceptions=False) as client:
        made = Service(world=world, clock=clock, platform=platform, client=client)
        Follow(platform).run(START_S * 1000)
        yield made
    platform.close()


@pytest.fixture
def battery_b() -> int:
    return battery_word(soc_bp=5000, soh_bp=9800)


@pytest.fixture(name="upload_body")
def _upload_body() -> Callable[..., bytes]:
    return upload_body


@pytest.fixture(name="personal_signature")
def _personal_signature() -> Callable[[SecpSigner, str], str]:
    return personal_signature


@pytest.fixture
def admin_token() -> str:
    return ADMIN_TOKEN
