"""`alliance dispute`: bring one leaf of a posted statement to court (protocol 8.9.4).

Exit 0: it was wrong, and the court says or (with a key) has set what it is. 1: it is right. 2: it could not be brought.
"""

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from alliance.calendar import day_of
from alliance.errors import AllianceError
from alliance.identity import to_hex
from audit.blocks import open_archive
from audit.docket import Case, gather
from audit.pinned import pinned_deployment
from chain import court
from chain.client import from_keystore
from chain.contract import DeployedContract
from chain.reverts import Reverted
from chain.rpc import Rpc
from chain.wallet import Wallet
from oracle.deployment import Deployment
from oracle.grant import Opener, load_reader, open_grants

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_RIGHT = {"LeafIsRight", "StatementHolds"}


@app.command()
def dispute(
    day: Annotated[str, typer.Argument(help="The local day of the statement, YYYY-MM-DD.")],
    leaf: Annotated[int, typer.Option(min=0, help="The leaf's index in the newest statement of the day.")],
    rpc: Annotated[str, typer.Option(help="An Ethereum node's JSON-RPC address.")],
    archive: Annotated[str, typer.Option(help="The archive: a folder, or the http(s) address of a trustless gateway.")],
    deployment: Annotated[
        Path | None, typer.Option(help="The pinned deployment; by default the one shipped for the node's chain.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="A reader's key file: opens encrypted evidence.")] = None,
    wallet: Annotated[
        Path | None, typer.Option(help="An encrypted keystore file: send the dispute. Without it, only ask the court.")
    ] = None,
    password_file: Annotated[Path | None, typer.Option(help="Holds the keystore's password; else it is asked.")] = None,
    stray: Annotated[
        bool, typer.Option("--stray", help="The line joins accounts that its kind, station or lease does not.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only ask the court, whatever else is given.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """Make the court recompute one leaf of a posted statement; with a wallet, set it right. Exit 0 wrong, 1 right."""
    try:
        with Rpc(rpc) as node:
            pinned = pinned_deployment(node, deployment)
            opener = None if key is None else Opener(load_reader(key), open_grants(archive))
            case = gather(node, open_archive(archive), pinned, day_of(day), opener=opener, leaf=leaf)
            made = court.stray if stray else court.dispute
            call = made(case.docket, case.version, leaf)
            answer = _asked(node, pinned, call)
            if answer["verdict"] == "wrong" and wallet is not None and not dry_run:
                answer |= _sent(node, pinned, call, wallet, password_file)
    except (AllianceError, OSError) as error:
        answer = {"verdict": "not brought", "why": str(error)}
    else:
        answer |= {"day": day, "version": case.version, "leaf": leaf, "posted": _posted(case, leaf)}
    print(json.dumps(answer, ensure_ascii=False) if as_json else _line(answer))
    raise typer.Exit({"wrong": 0, "right": 1}.get(str(answer["verdict"]), 2))


def _asked(node: Rpc, deployment: Deployment, call: court.Call) -> dict[str, object]:
    """What the court makes of the call, without a transaction."""
    bench = DeployedContract(node, deployment[call.contract].address)
    try:
        values = bench.answer(call.function, call.data)
    except Reverted as reverted:
        if reverted.error in _RIGHT:
            return {"verdict": "right", "court": str(reverted), "bench": call.contract}
        raise
    return {"verdict": "wrong", "expected": values[0] if values else None, "bench": call.contract}


def _sent(
    node: Rpc, deployment: Deployment, call: court.Call, keystore: Path, password_file: Path | None
) -> dict[str, object]:
    password = password_file.read_text().rstrip("\r\n") if password_file else typer.prompt("Password", hide_input=True)
    signer = from_keystore(keystore, password)
    sender = Wallet(node, signer, chain_id=deployment.chain_id, between_polls=lambda: time.sleep(1))
    receipt = sender.send(deployment[call.contract].address, call.data)
    return {"transaction": to_hex(receipt.tx_hash), "gas": receipt.gas_used}


def _posted(case: Case, index: int) -> dict[str, object]:
    """The leaf as posted, for people."""
    line = case.statement.line_at_leaf(index)
    kind = case.docket.leaf(case.version, index).kind
    if line is None:
        return {"kind": kind.name.lower()}
    return {"kind": line.kind.label, "slot": line.slot, "subject": line.subject, "amountCents": line.amount_cents}


def _line(answer: dict[str, object]) -> str:
    match answer:
        case {"verdict": "wrong", "expected": expected, "posted": posted}:
            sent = f"; set right in {answer['transaction']}" if "transaction" in answer else ""
            return (
                f"WRONG  leaf {answer['leaf']} of version {answer['version']} {posted}: the court says {expected}{sent}"
            )
        case {"verdict": "right"}:
            return f"RIGHT  leaf {answer['leaf']} of version {answer['version']} {answer['posted']}: {answer['court']}"
    print("not brought to court", file=sys.stderr)
    return f"UNREAD  {answer['why']}"


def _named(answer: dict[str, object]) -> str:
    return f"leaf {answer['leaf']} of version {answer['version']}"
