"""Whether a node serves the pinned deployment (protocol 5.6): chain, genesis, code and the registry's own list."""

from dataclasses import dataclass

from alliance.errors import Conflicting
from alliance.identity import Address, to_hex
from chain.anchors import AnchorLog
from chain.registry import ROLES, AllianceRegistry
from chain.rpc import Rpc
from oracle.deployment import CONTRACTS, Deployment
from oracle.hashing import keccak256


@dataclass(kw_only=True, eq=False)
class PinnedDiffers(Conflicting):
    """The node shows something else than the pinned deployment says."""

    what: str
    want: str
    got: str


@dataclass(kw_only=True, eq=False)
class RoleHeld(Conflicting):
    """An account that must hold no role holds one."""

    account: Address
    role: str


def check(rpc: Rpc, deployment: Deployment) -> None:
    """Refuse a node that is not on the pinned chain or lacks the pinned contracts. Raises PinnedDiffers."""
    _same("chain id", deployment.chain_id, rpc.chain_id())
    genesis = rpc.block(0)
    _same("genesis", to_hex(deployment.genesis_hash), to_hex(genesis.hash) if genesis else "none")
    for name, contract in deployment.contracts.items():
        _same(f"code of {name}", to_hex(contract.code_hash), to_hex(keccak256(rpc.code(contract.address))))
    registry = AllianceRegistry(rpc, deployment["AllianceRegistry"].address)
    _same("domain", to_hex(deployment.domain.separator), to_hex(registry.domain_separator()))
    _same("alliance", to_hex(deployment.domain.alliance), to_hex(registry.alliance_id()))
    for name in CONTRACTS[1:]:
        listed, _ = registry.contract_at(keccak256(name.encode()), 1)
        _same(f"listed {name}", to_hex(deployment[name].address), to_hex(listed))
    log = AnchorLog(rpc, deployment["AnchorLog"].address)
    _same("epoch seconds", deployment.epoch_seconds, log.epoch_seconds())
    _same("start epoch", deployment.start_epoch, log.start_epoch())


def check_powerless(rpc: Rpc, deployment: Deployment, account: Address) -> None:
    """Refuse an account that holds any role or writes the log: the deployer must end without any. Raises RoleHeld."""
    registry = AllianceRegistry(rpc, deployment["AllianceRegistry"].address)
    for name, role in ROLES.items():
        if registry.has_role(role, account):
            raise RoleHeld(account=account, role=name)
    if AnchorLog(rpc, deployment["AnchorLog"].address).state().writer == account:
        raise RoleHeld(account=account, role="WRITER")


def _same(what: str, want: object, got: object) -> None:
    if want != got:
        raise PinnedDiffers(what=what, want=str(want), got=str(got))
