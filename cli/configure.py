"""`alliance configure`: sign a configuration for a box (protocol 9.20), left at the service or brought by hand."""

import json
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer

from alliance.errors import AllianceError
from alliance.identity import to_hex
from cli.desk import DAG_CBOR
from oracle import cbor, keys
from oracle import configuration as configurations
from oracle import deployment as deployments
from oracle.adapters import SystemRandomness
from oracle.configuration import Body, Configuration, Value
from simulation.membership import ServiceSession

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def configure(
    values: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE…", help="As tick_s=2 limits.charge_power_w=400000.")
    ],
    station: Annotated[int, typer.Option(help="The station's number.", min=1)],
    number: Annotated[int, typer.Option(help="Above every number that the box has decided on.", min=1)],
    deployment: Annotated[Path, typer.Option(envvar="ALLIANCE_DEPLOYMENT", help="The pinned deployment.")],
    key: Annotated[Path, typer.Option(help="The configurer's key file; made when absent.")],
    out: Annotated[
        Path | None, typer.Option(help="The signed configuration, to be brought to the box by hand.")
    ] = None,
    service: Annotated[
        str | None, typer.Option(envvar="ALLIANCE_SERVICE_URL", help="Leave it at the service of this address.")
    ] = None,
    trial_s: Annotated[int, typer.Option(help="On trial for so long.")] = 120,
    patience_s: Annotated[int, typer.Option(help="Back when devices or rounds are silent for so long.")] = 15,
    valid_s: Annotated[int, typer.Option(help="May be taken for so long.", min=60)] = 86_400,
) -> None:
    """Sign values that shall stand over a settings file, whole: what is not named is as the file says."""
    if out is None and service is None:
        raise typer.BadParameter("give --service or --out")
    try:
        read = dict(map(_read, values))
        body = configurations.body_bytes(Body(trial_s=trial_s, patience_s=patience_s, values=read))
        configurations.body_of(body)
        domain = deployments.load(deployment).domain
        signer = keys.load_or_create(key, randomness=SystemRandomness())
        now_ms = time.time_ns() // 1_000_000
        given = Configuration(
            station=station, number=number, issued_ms=now_ms, until_ms=now_ms + valid_s * 1_000, body=body
        )  # fmt: skip
        message = configurations.signed(given, domain=domain, signer=signer)
        if out is not None:
            out.write_bytes(message)
        if service is not None:
            posted = cbor.encode({"v": 1, "configurations": [message]})
            ServiceSession(service).post_bytes("/v1/configurations", posted, kind=DAG_CBOR)
    except (AllianceError, OSError, httpx.HTTPError) as error:
        typer.echo(f"alliance configure: {error}", err=True)
        raise typer.Exit(1) from None
    named = to_hex(configurations.digest(given, domain))
    told = {"configuration": named, "number": number, "configurer": to_hex(signer.address), "set": read}
    print(json.dumps(told, ensure_ascii=False))


def _read(text: str) -> tuple[str, Value]:
    name, equals, raw = text.partition("=")
    if not name or not equals:
        raise typer.BadParameter(f"{text!r} is no KEY=VALUE")
    if raw in ("true", "false"):
        return name, raw == "true"
    return name, int(raw) if raw.removeprefix("-").isdecimal() else raw
