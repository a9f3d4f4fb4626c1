"""`alliance deploy`: create the contracts, write what a verifier pins (protocol 5.6, 7); the deployer ends powerless.

Everything that can be checked without sending is checked first. Exit 0, 1 (a check or the chain refused), 2 (a file, a
key or the node was not read).
"""

import json
import os
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from alliance.calendar import Day, day_at, day_of, epoch_at
from alliance.errors import AllianceError, Conflicting, Malformed, Missing, Refused
from alliance.identity import ZERO_ADDRESS, Address, address, to_hex
from audit.pinned import SHIPPED
from chain import artifacts
from chain import deploy as contracts
from chain.client import from_keystore
from chain.deploy import RoleHolders, Terms
from chain.fees import GWEI, FeePolicy
from chain.rpc import Block, Rpc
from chain.wallet import Wallet
from oracle import deployment as deployments
from oracle.deployment import CONTRACTS, Deployment
from oracle.keys import KeyFileExposed
from oracle.signature import SecpSigner

_POLL_S = 1.0
_POLLS = 600
_STORAGE_GAS = 2_000_000
"""What the constructors write, more than enough for all six."""
_SEPARATE = ("admitter", "attestor", "settler")
_ETHER_WEI = 10**18

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(kw_only=True, eq=False)
class RolesNotSeparate(Refused):
    """Two roles that must be two accounts are one."""

    first: str
    second: str
    account: Address


@dataclass(kw_only=True, eq=False)
class DeployerHoldsRole(Refused):
    """The deployer was named for a role; it must end without any."""

    role: str
    account: Address


@dataclass(kw_only=True, eq=False)
class RoleHolderMissing(Refused):
    """A role was given to the zero address, which nobody holds."""

    role: str


@dataclass(kw_only=True, eq=False)
class BalanceTooLow(Refused):
    """The deployer cannot pay for the creations at the price it would bid."""

    account: Address
    balance_wei: int
    want_wei: int


@dataclass(kw_only=True, eq=False)
class AlreadyDeployed(Conflicting):
    """A deployment file stands where the new one should go; it is never overwritten."""

    path: str


@dataclass(kw_only=True, eq=False)
class DayTooEarly(Refused):
    """The first settled day has already begun by the chain's clock."""

    first_day: Day
    earliest: Day


@app.command()
def deploy(
    rpc: Annotated[str, typer.Option(help="An Ethereum node's JSON-RPC address.")],
    keystore: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The deployer's encrypted keystore file.")
    ],
    admitter: Annotated[str, typer.Option(help="Account that admits members.")],
    attestor: Annotated[str, typer.Option(help="Account that confirms devices and their keys.")],
    settler: Annotated[str, typer.Option(help="Account that posts statements.")],
    guardian: Annotated[str, typer.Option(help="Account that may pause in an emergency.")],
    writer: Annotated[str, typer.Option(help="Account that advances the log.")],
    password_file: Annotated[
        Path | None,
        typer.Option(help="Holds the keystore's password, readable by its owner alone; else it is asked for."),
    ] = None,
    first_day: Annotated[
        str, typer.Option(help="First settled day, YYYY-MM-DD; by default the chain's tomorrow.")
    ] = "",
    voting_s: Annotated[int, typer.Option(help="How long a proposal is open for votes, seconds.")] = 604_800,
    approval_delay_s: Annotated[int, typer.Option(help="From acceptance to execution, seconds.")] = 172_800,
    quorum_bp: Annotated[int, typer.Option(help="Members that must have voted, basis points.")] = 5_000,
    majority_bp: Annotated[int, typer.Option(help="Votes cast that those for must exceed, basis points.")] = 5_000,
    window_s: Annotated[int, typer.Option(min=1, help="From a statement to its finality, seconds.")] = 604_800,
    tip_gwei: Annotated[float, typer.Option(min=0, help="Tip for the block's producer, gwei a gas.")] = 1.0,
    out: Annotated[Path | None, typer.Option(help="The deployment file; contracts/deployments/<chainId>.json.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before sending.")] = False,
) -> None:
    """Create the contracts, check them on chain, and write the deployment that verifiers pin."""
    given = {"admitter": admitter, "attestor": attestor, "settler": settler, "guardian": guardian, "writer": writer}
    try:
        roles = RoleHolders(**{name: address(text, field=name) for name, text in given.items()})
        with Rpc(rpc) as node:
            signer = from_keystore(keystore, _password(password_file))
            fees = FeePolicy(tip_wei=int(tip_gwei * GWEI))
            ready = _check(node, signer, roles, fees=fees, first_day=first_day, out=out)
            terms = Terms(
                roles=roles, start_epoch=epoch_at(ready.head.timestamp_s * 1000), first_day=ready.first_day,
                voting_seconds=voting_s, approval_delay_seconds=approval_delay_s, quorum_bp=quorum_bp,
                majority_bp=majority_bp, settlement_window_seconds=window_s,
            )  # fmt: skip
            _announce(ready, terms)
            if dry_run:
                return
            if not yes:
                typer.confirm(f"Send the {len(CONTRACTS)} transactions?", abort=True, err=True)
            wallet = Wallet(node, signer, chain_id=ready.chain_id, between_polls=_wait, polls=_POLLS, fees=fees)
            _keep(contracts.deploy(node, wallet, terms), ready.out)
    except (AllianceError, OSError) as error:
        typer.echo(f"alliance deploy: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, Malformed | Missing | OSError) else 1) from None


# ---- checks that send nothing ----


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """What the checks found."""

    chain_id: int
    head: Block
    deployer: Address
    first_day: Day
    out: Path
    cost_wei: int
    """Most that the creations may cost at today's bid."""


def _check(
    node: Rpc, signer: SecpSigner, roles: RoleHolders, *, fees: FeePolicy, first_day: str, out: Path | None
) -> _Ready:
    """Everything that can be known before the first transaction. Raises the errors of this module."""
    chain_id, head = node.chain_id(), node.head()
    path = out or SHIPPED / f"{chain_id}.json"
    if path.exists():
        raise AlreadyDeployed(path=str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    _check_roles(roles, signer.address)
    cost_wei = gas_bound() * fees.price(head.base_fee_wei).max_fee_wei
    balance_wei = node.balance_wei(signer.address)
    if balance_wei < cost_wei:
        raise BalanceTooLow(account=signer.address, balance_wei=balance_wei, want_wei=cost_wei)
    earliest = day_at(head.timestamp_s * 1000).plus(1)
    chosen = day_of(first_day) if first_day else earliest
    if chosen < earliest:
        raise DayTooEarly(first_day=chosen, earliest=earliest)
    return _Ready(chain_id=chain_id, head=head, deployer=signer.address, first_day=chosen, out=path, cost_wei=cost_wei)


def _check_roles(roles: RoleHolders, deployer: Address) -> None:
    held = {f.name: getattr(roles, f.name) for f in fields(roles)}
    for role, account in held.items():
        if account == ZERO_ADDRESS:
            raise RoleHolderMissing(role=role)
        if account == deployer:
            raise DeployerHoldsRole(role=role, account=account)
    for at, first in enumerate(_SEPARATE):
        for second in _SEPARATE[at + 1 :]:
            if held[first] == held[second]:
                raise RolesNotSeparate(first=first, second=second, account=held[first])


def gas_bound() -> int:
    """More gas than the six creations use: deposit 200 a byte, call data 16 a byte, and what constructors write."""
    found = [artifacts.load(name) for name in CONTRACTS]
    return _STORAGE_GAS + sum(53_000 + 200 * len(a.runtime_code) + 20 * len(a.creation_code) for a in found)


def _password(path: Path | None) -> str:
    """The keystore's password. Raises KeyFileExposed when others may read its file."""
    if path is None:
        entered: str = typer.prompt("Password of the keystore", hide_input=True, err=True)
        return entered
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise KeyFileExposed(path=str(path), mode=oct(mode))
    return path.read_text().rstrip("\r\n")


# ---- what is shown and kept ----


def _announce(ready: _Ready, terms: Terms) -> None:
    voting = terms.voting_rules
    table = Table(title="alliance deploy", title_justify="left", box=box.SIMPLE_HEAD, show_header=False)
    rows = {
        "chain": f"{ready.chain_id}, block {ready.head.number}",
        "deployer": to_hex(ready.deployer),
        **{f.name: to_hex(getattr(terms.roles, f.name)) for f in fields(terms.roles)},
        "first epoch": str(terms.start_epoch + 1),
        "first day": str(terms.first_day),
        "voting": f"{voting.voting_seconds} s, then {voting.delay_seconds} s of delay",
        "acceptance": f"{voting.quorum_bp} bp must vote, more than {voting.majority_bp} bp of them in favour",
        "settlement window": f"{terms.settlement_window_seconds} s",
        "cost at most": f"{ready.cost_wei / _ETHER_WEI:.6f} of the chain's coin",
        "deployment": str(ready.out),
    }
    for name, value in rows.items():
        table.add_row(name, value)
    Console(stderr=True, width=110).print(table)


def _keep(deployment: Deployment, path: Path) -> None:
    """Print the deployment, then put it in place whole; a full disk loses nothing."""
    text = json.dumps(deployments.to_plain(deployment), indent=1) + "\n"
    typer.echo(text, nl=False)
    aside = path.with_suffix(".part")
    with aside.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _wait() -> None:
    time.sleep(_POLL_S)
