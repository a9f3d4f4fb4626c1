"""The pinned deployment (protocol 5.6): which chain and which contracts a verifier trusts, and nothing else."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from alliance.errors import Missing
from alliance.identity import Address, Digest, address, digest, to_hex
from oracle.eip712 import Domain, word
from oracle.hashing import keccak256
from oracle.plain import Fields, PlainMalformed

VERSION = 1
CONTRACTS = (
    "AllianceRegistry", "Charter", "DeviceRegistry", "CapacityLease", "AnchorLog", "SettlementLedger",
    "MeterCourt", "PlanCourt", "MarketCourt", "BookCourt",
)  # fmt: skip


@dataclass(kw_only=True, eq=False)
class DeploymentMissing(Missing):
    """There is no deployment file at a path."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One deployed contract: its address, first block, and Keccak-256 of its runtime code."""

    address: Address
    block: int
    code_hash: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A chain and the platform's contracts on it."""

    chain_id: int
    genesis_hash: Digest
    contracts: dict[str, Contract]
    epoch_seconds: int
    start_epoch: int
    """The last epoch before the log's first."""

    def __getitem__(self, name: str) -> Contract:
        return self.contracts[name]

    @property
    def domain(self) -> Domain:
        """Where this deployment's signatures are valid."""
        return _domain(self.chain_id, self["AllianceRegistry"].address)

    @property
    def log(self) -> Digest:
        """Identity of the log in manifests: keccak256(allianceId ‖ AnchorLog address as a word)."""
        return keccak256(self.domain.alliance, word(self["AnchorLog"].address))


@lru_cache(maxsize=64)
def _domain(chain_id: int, registry: Address) -> Domain:
    return Domain(chain_id, registry)


def load(path: Path) -> Deployment:
    """Read a deployment file. Raises DeploymentMissing or PlainMalformed."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise DeploymentMissing(path=str(path)) from None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise PlainMalformed(where=str(path), field="", want="JSON", got=str(error)) from error
    return from_plain(value)


def to_plain(deployment: Deployment) -> dict[str, object]:
    """The deployment as the JSON of its file."""
    d = deployment
    contracts = {
        name: {"address": to_hex(c.address), "block": c.block, "codeHash": to_hex(c.code_hash)}
        for name, c in d.contracts.items()
    }
    return {
        "v": VERSION, "chainId": d.chain_id, "genesisHash": to_hex(d.genesis_hash), "contracts": contracts,
        "epochSeconds": d.epoch_seconds, "startEpoch": d.start_epoch,
    }  # fmt: skip


def from_plain(value: object) -> Deployment:
    """Read a deployment strictly. Raises PlainMalformed or BadHex."""
    fields = Fields(value, where="deployment")
    fields.int("v", low=VERSION, high=VERSION)
    listed = fields.map("contracts")
    deployment = Deployment(
        chain_id=fields.int("chainId"),
        genesis_hash=digest(fields.str("genesisHash"), field="genesisHash"),
        contracts={name: _contract(listed.map(name)) for name in CONTRACTS},
        epoch_seconds=fields.int("epochSeconds", low=1),
        start_epoch=fields.int("startEpoch"),
    )
    listed.finish()
    fields.finish()
    return deployment


def _contract(fields: Fields) -> Contract:
    contract = Contract(
        address=address(fields.str("address")),
        block=fields.int("block"),
        code_hash=digest(fields.str("codeHash"), field="codeHash"),
    )
    fields.finish()
    return contract
