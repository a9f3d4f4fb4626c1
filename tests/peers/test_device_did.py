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
from oracle.signature import Ed25519Signer, P256Signer, SecpSigner
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
        return [_accounts(document) for document in self.documents(*blocks)]

    def methods(self, block: int | None) -> list[dict[str, Any]]:
        """The DID's verification methods at a block (None: now)."""
        (document,) = self.documents(block)
        methods: list[dict[str, Any]] = document["verificationMethod"]
        return methods

    def documents(self, *blocks: int | None) -> list[dict[str, Any]]:
        """The DID's documents at some blocks (None: now)."""
        dids = [self.did if block is None else f"{self.did}?versionId={block}" for block in blocks]
        asked = {
            "rpcUrl": self.anvil.url, "registry": to_hex(self.deployment["DeviceRegistry"].address),
            "chainId": CHAIN_ID, "dids": dids,
        }  # fmt: skip
        found = ask("ethr_did.mjs", asked, needs=("ethr-did-resolver", "did-resolver"))
        assert all(one["didDocument"] is not None for one in found), found
        return [one["didDocument"] for one in found]


def _accounts(document: dict[str, Any]) -> list[str]:
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


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (P256Signer(b"\x33" * 32), lambda key: {"type": "Secp256r1", "publicKeyHex": "04" + key.public_key.hex()}),
        (Ed25519Signer(b"\x34" * 32), lambda key: {"type": "Ed25519VerificationKey2018", "publicKeyBase58": base58(key.public_key)}),
    ],
    ids=["P-256", "Ed25519"],
)  # fmt: skip
def test_key_of_another_curve_is_shown_until_it_is_revoked_in_the_same_second(world: World, key, shown) -> None:
    owner, attestor = world.keyring.member(STATION.owner), world.keyring.signer("attestor")
    call = devices.confirm_key(BOX.address, alg=key.alg, public_key=key.public_key, validity_s=VALIDITY_S)
    added = world.send(attestor, call).block_number
    revoked = world.send(owner, devices.revoke_delegate(BOX.address, key.address)).block_number
    want = shown(key)
    for block, there in ((added - 1, False), (added, True), (revoked - 1, True), (revoked, False), (None, False)):
        methods = world.methods(block)
        assert any(want.items() <= method.items() for method in methods) is there, (block, methods)
    (document,) = world.documents(added)
    method = next(m for m in document["verificationMethod"] if want.items() <= m.items())
    assert method["id"] in document["assertionMethod"]


def base58(raw: bytes) -> str:
    number, digits = int.from_bytes(raw, "big"), ""
    while number:
        number, at = divmod(number, 58)
        digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[at] + digits
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + digits
