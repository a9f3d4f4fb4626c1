"""`alliance reader`: a reader's X25519 key (protocol 4.8.2); the public half is what an alliance registers."""

import json
from pathlib import Path
from typing import Annotated

import typer

from alliance.errors import AllianceError
from alliance.identity import to_hex
from oracle import keys
from oracle.adapters import SystemRandomness
from oracle.grant import load_reader

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def reader(
    key: Annotated[Path, typer.Argument(help="The key file; made when absent, readable by its owner alone.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Make a reader's key, or tell the public key and fingerprint of one. The file is what `audit --key` takes."""
    try:
        keys.secret_of(key, randomness=SystemRandomness())
        found = load_reader(key)
    except (AllianceError, OSError) as error:
        typer.echo(f"alliance reader: {error}", err=True)
        raise typer.Exit(1) from None
    told = {"publicKey": to_hex(found.public), "fingerprint": found.fingerprint, "key": str(key)}
    if as_json:
        print(json.dumps(told))
        return
    for name, value in told.items():
        print(f"{name:12} {value}")
