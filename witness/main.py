"""The console script `alliance-witness` (protocol 4.11): made by whoever wants the log watched, run apart from it."""

import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn

from alliance.errors import AllianceError
from oracle import keys
from oracle.adapters import SystemClock, SystemRandomness
from oracle.note import NoteAlgorithm, NoteSigner, NoteVerifier
from witness.app import Witness, create_app
from witness.store import Heads

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Cosign the heads of logs that only ever grow.")
Name = Annotated[str, typer.Option("--name", help="The witness's name, as it stands in its signatures")]
State = Annotated[Path, typer.Option("--state", help="Folder of its key and of the heads that it signed")]


@cli.command()
def run(
    name: Name,
    log: Annotated[list[str], typer.Option("--log", help="Verifier key of a log to watch (GET /log/vkey); repeatable")],
    state: State = Path(".alliance/witness"),
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on", min=0, max=65535)] = 8090,
) -> None:
    """Serve until interrupted. A lost state folder ends this witness: start another one, under another name."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer(ensure_ascii=False)],
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
    logs = {verifier.name: verifier for verifier in map(NoteVerifier.parse, log)}
    signer, heads = _signer(name, state), Heads(state / "heads.sqlite")
    typer.echo(f"{signer.verifier}")
    try:
        app = create_app(Witness(signer, logs, heads, SystemClock()))
        uvicorn.run(app, host=host, port=port, log_config=None, access_log=False, server_header=False)
    finally:
        heads.close()


@cli.command()
def vkey(name: Name, state: State = Path(".alliance/witness")) -> None:
    """Print the witness's verifier key, made when there is none yet: what a log's operator is told."""
    typer.echo(f"{_signer(name, state).verifier}")


def main() -> None:
    """Run the command line; an error that has a name is one line, not a traceback."""
    try:
        cli()
    except (AllianceError, OSError) as error:
        typer.echo(f"alliance-witness: {' '.join(str(error).split())}", err=True)
        sys.exit(1)


def _signer(name: str, state: Path) -> NoteSigner:
    secret = keys.secret_of(state / "witness.key", randomness=SystemRandomness())
    return NoteSigner(name, secret, algorithm=NoteAlgorithm.COSIGNATURE_V1)


if __name__ == "__main__":
    main()
