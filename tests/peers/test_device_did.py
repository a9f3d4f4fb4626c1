"""Protocol 6.1: a device is did:ethr, and npm's ethr-did-resolver sees the keys that our registry lets sign, second by second."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from alliance.calendar import day_at
from alliance.identity import Digest, to_hex
from chain import devices
from chain.devices import DeviceRegistry
from chain.rpc import Receipt
from chain.wallet import Wallet
from oracle.deployment import Deployment
from oracle.eip712 import enrol_digest
from oracle.signature import SecpSigner
from simulation.anvil import CHAIN_ID, Anvil, AnvilMissing, binary
from simulation.cast import STATIONS
from simulation.founding import DeviceConsent, Founder, Keyring, funded
from tests.peers.node import ask

STATION = STATIONS[0]
BOX, SPARE = SecpSigner(b"\x31" * 32), SecpSigner(b"\x32" * 32)
VALIDITY_S = 86_400


@dataclass
class World:
    """A chain on the machine's own time with one enrolled device; `send` mines at most a second before now."""

    anvil: Anvil
    keyring: Keyring
    deployment: Deployment

    @property
    def did(self) -> str:
        return f"did:ethr:0x7a69:{to_hex(BOX.address)}"

    @property
    def registry(self) -> DeviceRegistry:
        return DeviceRegistry(self.anvil.rpc, self.deployment["DeviceRegistry"].address)

    def send(self, signer: SecpSigner, data: bytes) -> Receipt:
        def mine() -> None:
            self.anvil.mine_at(self.anvil.rpc.head().timestamp_s + 1)

        wallet = Wallet(self.anvil.rpc, signer, chain_id=CHAIN_ID, between_polls=mine)
        return wallet.send(self.deployment["DeviceRegistry"].address, data)

    def resolve(self, *blocks: int | None) -> list[list[str]]:
        """The accounts of the DID's verification methods, controller first, at some blocks (None: now)."""
        dids = [self.did if block is None else f"{self.did}?versionId={block}" for block in blocks]
        asked = {
            "rpcUrl": self.anvil.url, "registry": to_hex(self.deployment["DeviceRegistry"].address),
            "chainId": CHAIN_ID, "dids": dids,
        }  # fmt: skip
        found = ask("ethr_did.mjs", asked, needs=("ethr-did-resolver", "did-resolver"))
        return [_accounts(one) for one in found]


def _accounts(result: dict[str, Any]) -> list[str]:
    document = result["didDocument"]
    assert document is not None, result["didResolutionMetadata"]
    accounts = []
    for method in document["verificationMethod"]:
        chain, number, account = method["blockchainAccountId"].split(":")
        assert (chain, int(number)) == ("eip155", CHAIN_ID)
        accounts.append(account.lower())
    return accounts


@pytest.fixture
def world() -> Iterator[World]:
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")
    keyring, genesis_s = Keyring(b"peers"), int(time.time()) - 600
    with Anvil(genesis_s=genesis_s, funded=funded(keyring, (STATION,))) as anvil:
        founder = Founder(anvil, keyring)
        now_ms = genesis_s * 1000
        deployment = founder.deploy(first_day=day_at(now_ms), first_tick_ms=now_ms, window_s=86_400)
        founder.admit(deployment, (STATION,))
        founder.enrol(deployment, (STATION,), {STATION.number: _consent(keyring, deployment, genesis_s + 3600)})
        yield World(anvil, keyring, deployment)


def _consent(keyring: Keyring, deployment: Deployment, deadline_s: int) -> DeviceConsent:
    named = enrol_digest(
        deployment.domain, device=BOX.address, owner=keyring.member(STATION.owner).address, station=STATION.number,
        nonce=0, deadline_s=deadline_s,
    )  # fmt: skip
    return DeviceConsent(
        station=STATION.number, device=BOX.address, deadline_s=deadline_s, signature=BOX.sign(Digest(named))
    )


def test_attested_key_is_a_verification_method_when_the_did_is_resolved(world: World) -> None:
    owner = to_hex(world.keyring.member(STATION.owner).address)
    assert world.resolve(None) == [[owner, to_hex(BOX.address)]]
    assert world.registry.is_signer(BOX.address, BOX.address)


def test_key_is_gone_in_the_same_second_when_it_is_revoked(world: World) -> None:
    owner, attestor = world.keyring.member(STATION.owner), world.keyring.signer("attestor")
    added = world.send(
        attestor, devices.confirm_delegate(BOX.address, SPARE.address, validity_s=VALIDITY_S)
    ).block_number
    revoked = world.send(owner, devices.revoke_delegate(BOX.address, BOX.address)).block_number
    both = [to_hex(owner.address), to_hex(BOX.address), to_hex(SPARE.address)]
    spare_alone = [both[0], both[2]]
    assert world.resolve(added - 1, added, revoked - 1, revoked, None) == [
        both[:2], both, both, spare_alone, spare_alone,
    ]  # fmt: skip
    for block, held in ((revoked - 1, True), (revoked, False)):
        assert world.registry.is_signer(BOX.address, BOX.address, tag=block) is held
    assert world.registry.is_signer(BOX.address, SPARE.address)


def test_key_is_gone_in_the_same_second_when_it_is_reported_compromised(world: World) -> None:
    owner = world.keyring.member(STATION.owner)
    epoch = world.anvil.rpc.head().timestamp_s // 900
    reported = world.send(owner, devices.compromised_since(BOX.address, BOX.address, epoch=epoch)).block_number
    mine = to_hex(owner.address)
    assert world.resolve(reported - 1, reported) == [[mine, to_hex(BOX.address)], [mine]]
