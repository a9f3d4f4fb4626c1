"""`alliance-edge unit`: the systemd unit of a box, printed: a user without rights, a watchdog, a read-only system."""

import sys
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from edge.health.watchdog import stale_ms
from edge.settings import load

_NAME = "alliance-edge.service"
_LEAST_WATCHDOG_S = 30


def unit(
    config: Annotated[Path, typer.Option("--config", help="Settings that the unit will run with.")],
    user: Annotated[str, typer.Option(help="Who runs it; no rights are needed.")] = "alliance-edge",
    state: Annotated[str, typer.Option(help="Folder under /var/lib; the settings' `state`.")] = "alliance-edge",
    passphrase: Annotated[Path, typer.Option(help="File of the passphrase, root's alone.")] = Path(
        "/etc/alliance-edge/passphrase"
    ),
    program: Annotated[Path | None, typer.Option(help="alliance-edge; this one by default.")] = None,
) -> None:
    """打印 systemd 单元 print the systemd unit; the watchdog's time follows from the settings' rhythm."""
    settings = load(config)
    stale_s = -(-stale_ms(tick_ms=settings.tick_s * 1_000, device_ms=2 * settings.device.timeout_ms) // 1_000)
    places = {
        "PROGRAM": str(program or Path(sys.prefix) / "bin" / "alliance-edge"), "CONFIG": str(config.resolve()),
        "USER": user, "STATE": state, "PASSPHRASE": str(passphrase),
        "WATCHDOG_S": str(max(_LEAST_WATCHDOG_S, 2 * stale_s)),
    }  # fmt: skip
    text = resources.files("edge.commands").joinpath(_NAME).read_text(encoding="utf-8")
    for name, value in places.items():
        text = text.replace(f"@{name}@", value)
    typer.echo(text, nl=False)
