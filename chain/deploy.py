"""Deploying an alliance's contracts (protocol 7): all at addresses known beforehand; the deployer ends powerless."""

from dataclasses import dataclass

from alliance.calendar import Day
from alliance.errors import Conflicting
from alliance.identity import ZERO_ADDRESS, Address
from alliance.voting import VotingRules
from chain import abi, artifacts, charter, pinned, transaction
from chain.artifacts import Artifact
from chain.rpc import Receipt, Rpc, RpcMalformed
from chain.wallet import Wallet
from oracle.deployment import CONTRACTS, Contract, Deployment
from oracle.hashing import keccak256

_TOGETHER = 4
"""So many creations wait together: more would not fit into one block, and a node may drop what does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleHolders:
    """Who holds which role from the first block on; admitter, attestor and settler must be three accounts."""

    admitter: Address
    attestor: Address
    settler: Address
    guardian: Address
    writer: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the contracts are deployed with and never change."""

    roles: RoleHolders
    start_epoch: int
    """The last epoch before the log's first."""
    first_day: Day
    """The first day that is settled."""
    epoch_seconds: int = 900
    voting_seconds: int = 604_800
    approval_delay_seconds: int = 172_800
    """From a proposal's acceptance to its execution."""
    grace_seconds: int = 1_209_600
    """How long after that it may be executed."""
    quorum_bp: int = 5_000
    majority_bp: int = 5_000
    settlement_window_seconds: int = 604_800
    """From a day's first statement to its finality."""

    @property
    def voting_rules(self) -> VotingRules:
        """How the charter decides. Raises VotingRulesRefused."""
        return VotingRules(
            voting_seconds=self.voting_seconds, delay_seconds=self.approval_delay_seconds,
            grace_seconds=self.grace_seconds, quorum_bp=self.quorum_bp, majority_bp=self.majority_bp,
        )  # fmt: skip


@dataclass(kw_only=True, eq=False)
class AddressDisturbed(Conflicting):
    """A contract came to another address than was foreseen: the deployer's account sent something else meanwhile."""

    contract: str
    want: Address
    got: Address


@dataclass(kw_only=True, eq=False)
class CodeUnexpected(Conflicting):
    """A contract's runtime code is not what was compiled, its immutable values aside."""

    contract: str
    address: Address


def deploy(rpc: Rpc, wallet: Wallet, terms: Terms) -> Deployment:
    """Create the contracts, check them, and return what a verifier pins.

    Raises Reverted, NotMined, AddressDisturbed, CodeUnexpected, PinnedDiffers or RoleHeld.
    """
    places = _places(wallet.address, rpc.nonce(wallet.address, "pending"))
    arguments = _arguments(terms, places)
    contracts: dict[str, Contract] = {}
    rest = [CONTRACTS[at : at + _TOGETHER] for at in range(1, len(CONTRACTS), _TOGETHER)]
    for names in (CONTRACTS[:1], *rest):  # the others ask the registry while they are created
        sent = [(name, wallet.broadcast(None, _creation(name, arguments[name]))) for name in names]
        contracts |= {name: _created(rpc, name, wallet.wait(tx_hash), places[name]) for name, tx_hash in sent}
    genesis = rpc.block(0)
    if genesis is None:
        raise RpcMalformed(what="block", field="0", value="null")
    deployment = Deployment(
        chain_id=rpc.chain_id(), genesis_hash=genesis.hash, contracts=contracts, epoch_seconds=terms.epoch_seconds,
        start_epoch=terms.start_epoch,
    )  # fmt: skip
    pinned.check(rpc, deployment)
    pinned.check_powerless(rpc, deployment, wallet.address)
    return deployment


def is_compiled_from(code: bytes, artifact: Artifact) -> bool:
    """Whether runtime code is a contract's, wherever it was deployed: its immutable values do not count."""
    blank = bytearray(code)
    for start, length in artifact.immutables:
        blank[start : start + length] = bytes(length)
    return bytes(blank) == artifact.runtime_code


def _places(deployer: Address, nonce: int) -> dict[str, Address]:
    return {name: transaction.created_address(deployer, nonce + at) for at, name in enumerate(CONTRACTS)}


def _arguments(terms: Terms, places: dict[str, Address]) -> dict[str, tuple[object, ...]]:
    """Constructor arguments of each contract, in the contract's order."""
    registry, devices, roles = places["AllianceRegistry"], places["DeviceRegistry"], terms.roles
    holders = (places["Charter"], roles.admitter, roles.attestor, roles.settler, roles.guardian)
    listed = [(keccak256(name.encode()), places[name]) for name in CONTRACTS[1:]]
    return {
        "AllianceRegistry": (holders, listed),
        "Charter": (registry, charter.voting_words(terms.voting_rules)),
        "DeviceRegistry": (registry, terms.epoch_seconds),
        "CapacityLease": (registry,),
        "AnchorLog": (registry, devices, roles.writer, terms.epoch_seconds, terms.start_epoch, ZERO_ADDRESS),
        "SettlementLedger": (registry, terms.settlement_window_seconds, terms.first_day.number),
        "MeterCourt": (registry,),
        "PlanCourt": (registry,),
        "MarketCourt": (registry,),
        "BookCourt": (registry,),
    }


def _creation(name: str, arguments: tuple[object, ...]) -> bytes:
    artifact = artifacts.load(name)
    return artifact.creation_code + abi.encode(artifact.constructor, arguments)


def _created(rpc: Rpc, name: str, receipt: Receipt, want: Address) -> Contract:
    if receipt.contract != want:
        raise AddressDisturbed(contract=name, want=want, got=receipt.contract or ZERO_ADDRESS)
    code = rpc.code(want)
    if not is_compiled_from(code, artifacts.load(name)):
        raise CodeUnexpected(contract=name, address=want)
    return Contract(address=want, block=receipt.block_number, code_hash=keccak256(code))
