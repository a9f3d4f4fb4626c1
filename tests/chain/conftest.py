"""A real chain for every test that needs one, with our own clock, keys and a contract that counts what happened."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from alliance.calendar import day_at
from alliance.identity import Address, Digest
from chain import deploy
from chain.client import from_phrase
from chain.deploy import RoleHolders, Terms
from chain.events import Event
from chain.follower import BlockRef
from chain.rpc import Block, Receipt, Rpc
from chain.wallet import Wallet
from oracle.deployment import Deployment
from oracle.signature import SecpSigner
from simulation.anvil import CHAIN_ID, TEST_MNEMONIC, Anvil, AnvilMissing, binary

GENESIS_S = 1_767_196_800  # 2026-01-01 00:00 in Shanghai
# Emits LOG1 with the first word of its call data: one log for each time that a call took effect.
COUNTER_CREATION = bytes.fromhex("655f355f5fa1005f526006601af3")


@dataclass
class Chain:
    """An anvil under a clock of one block a minute."""

    anvil: Anvil
    now_s: int = GENESIS_S

    @property
    def rpc(self) -> Rpc:
        return self.anvil.rpc

    @property
    def now_ms(self) -> int:
        return self.now_s * 1000

    def mine(self, count: int = 1, *, seconds: int = 60) -> Block:
        for _ in range(count):
            self.now_s += seconds
            block = self.anvil.mine_at(self.now_s)
        return block

    def mine_until(self, time_s: int) -> Block:
        self.now_s = time_s
        return self.anvil.mine_at(time_s)

    def wallet(self, key: SecpSigner) -> Wallet:
        return Wallet(self.rpc, key, chain_id=CHAIN_ID, between_polls=self.mine)

    def counter(self, key: SecpSigner) -> Address:
        contract = self.wallet(key).send(None, COUNTER_CREATION).contract
        assert contract is not None
        return contract

    def count(self, counter: Address, topic: bytes) -> int:
        logs = self.rpc.logs([counter], first=0, last=self.rpc.block_number())
        return sum(log.topics == (topic,) for log in logs)


@dataclass
class MemoryStore:
    """A follower's store without a disk: what it applied, block by block."""

    refs: list[BlockRef] = field(default_factory=list)
    applied: list[Event] = field(default_factory=list)
    undone: list[int] = field(default_factory=list)
    remember: int = 64

    def blocks(self) -> Sequence[BlockRef]:
        return self.refs[-self.remember :]

    def apply(self, block: BlockRef, found: Sequence[Event]) -> None:
        self.refs.append(block)
        self.applied.extend(found)

    def undo(self, to_block: int) -> None:
        self.undone.append(to_block)
        self.refs = [ref for ref in self.refs if ref.number <= to_block]
        self.applied = [event for event in self.applied if event.at.block_number <= to_block]


@dataclass
class World:
    """A deployed alliance and the keys of everybody in it."""

    chain: Chain
    deployment: Deployment
    members: list[SecpSigner]
    admitter: SecpSigner
    attestor: SecpSigner
    settler: SecpSigner
    writer: SecpSigner
    deployer: SecpSigner

    def send(self, key: SecpSigner, name: str, data: bytes) -> Receipt:
        return self.chain.wallet(key).send(self.deployment[name].address, data)

    def send_all(self, calls: Sequence[tuple[SecpSigner, str, bytes]]) -> list[Receipt]:
        """Calls that do not depend on each other, in one block."""
        sent = [
            (key, self.chain.wallet(key).broadcast(self.deployment[name].address, data)) for key, name, data in calls
        ]
        return [self.chain.wallet(key).wait(tx_hash) for key, tx_hash in sent]


@pytest.fixture(scope="session")
def keys() -> list[SecpSigner]:
    return [from_phrase(TEST_MNEMONIC, index) for index in range(10)]


@pytest.fixture(scope="session")
def need_anvil() -> None:
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")


@pytest.fixture
def chain(need_anvil: None) -> Iterator[Chain]:
    with Anvil(genesis_s=GENESIS_S) as anvil:
        yield Chain(anvil)


@pytest.fixture
def memory_store() -> Callable[..., MemoryStore]:
    return MemoryStore


@pytest.fixture
def counter_creation() -> bytes:
    return COUNTER_CREATION


@pytest.fixture
def world(chain: Chain, keys: list[SecpSigner]) -> World:
    return make_world(chain, keys)


def make_world(chain: Chain, keys: list[SecpSigner]) -> World:
    attestor = SecpSigner(Digest(b"\x07" * 32))
    writer = SecpSigner(Digest(b"\x08" * 32))
    for key in (attestor, writer):
        chain.anvil.set_balance(key.address, 10**20)
    roles = RoleHolders(
        admitter=keys[8].address, attestor=attestor.address, settler=keys[7].address, guardian=keys[6].address,
        writer=writer.address,
    )  # fmt: skip
    terms = Terms(
        roles=roles, start_epoch=GENESIS_S // 900 - 1, first_day=day_at(GENESIS_S * 1000).plus(1),
        approval_delay_seconds=3600, settlement_window_seconds=86_400,
    )  # fmt: skip
    deployment = deploy.deploy(chain.rpc, chain.wallet(keys[9]), terms)
    return World(
        chain=chain, deployment=deployment, members=keys[:6], admitter=keys[8], attestor=attestor, settler=keys[7],
        writer=writer, deployer=keys[9],
    )  # fmt: skip
