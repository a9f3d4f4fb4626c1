"""`alliance verify`: one reading's receipt against the chain (protocol 4.7); exit 0 pass, 1 refused, 2 not read."""

import json
from pathlib import Path
from typing import Annotated

import typer

from alliance.errors import AllianceError
from audit.pinned import pinned_deployment
from audit.receipt import FINALITY_BLOCKS, ReceiptVerdict, verify_receipt
from chain.rpc import Rpc

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def verify(
    receipt: Annotated[Path, typer.Argument(help="The receipt, a JSON file.", exists=True, dir_okay=False)],
    rpc: Annotated[str, typer.Option(help="An Ethereum node's JSON-RPC address.")],
    deployment: Annotated[
        Path | None, typer.Option(help="The pinned deployment; by default the one shipped for the node's chain.")
    ] = None,
    depth: Annotated[int, typer.Option(min=0, help="Blocks that must stand above the checkpoint.")] = FINALITY_BLOCKS,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """Verify the receipt of one reading against the chain. Exit 0 pass, 1 refused with its reason, 2 not read."""
    try:
        plain: object = json.loads(receipt.read_text())
    except ValueError:
        plain = None
    try:
        with Rpc(rpc) as node:
            verdict = verify_receipt(plain, node, pinned_deployment(node, deployment), depth=depth)
    except AllianceError as error:
        verdict = ReceiptVerdict.unread(error)
    print(json.dumps(verdict.to_plain(), ensure_ascii=False) if as_json else verdict.line)
    raise typer.Exit(verdict.outcome.exit_code)
