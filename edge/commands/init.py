"""`alliance-edge init`: a commented settings file and a passphrase for a new box; what stands is kept."""

import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from alliance.errors import Refused
from alliance.identity import address, to_hex
from oracle.adapters import SystemRandomness

_NAME = "box.toml"
_PASSPHRASE = "passphrase"


@dataclass(kw_only=True, eq=False)
class SettingsExist(Refused):
    """There is a settings file already."""

    path: str


def init(
    config: Annotated[Path, typer.Option("--config", help="Settings file to write, ending in .toml.")],
    station: Annotated[int, typer.Option(help="The station's number.", min=1)] = 1,
    service_url: Annotated[str, typer.Option(help="Where the platform listens.")] = "https://alliance.example",
    acknowledger: Annotated[list[str] | None, typer.Option(help="Platform's acknowledging key, 0x….")] = None,
    state: Annotated[str, typer.Option(help="State folder.")] = "/var/lib/alliance-edge",
) -> None:
    """生成设置文件 write a commented settings file, and beside it a passphrase for the device's key."""
    if config.exists():
        raise SettingsExist(path=str(config))
    keys = ", ".join(f'"{to_hex(address(one, field="acknowledger"))}"' for one in acknowledger or ())
    text = resources.files("edge.commands").joinpath(_NAME).read_text(encoding="utf-8")
    for name, value in (
        ("STATION", str(station)), ("SERVICE_URL", service_url), ("ACKNOWLEDGERS", keys), ("STATE", state),
    ):  # fmt: skip
        text = text.replace(f"@{name}@", value)
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(text, encoding="utf-8")
    typer.echo(f"已写入设置 settings written: {config}")
    passphrase = config.parent / _PASSPHRASE
    if not passphrase.exists():
        with open(passphrase, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(SystemRandomness().token(24).hex() + "\n")
        typer.echo(f"已生成密钥口令，仅属主可读 passphrase made, readable by its owner alone: {passphrase}")
    typer.echo("下一步 next: 填写限值、设备与 deployment.json，然后 fill in limits, devices and deployment.json, then")
    typer.echo(f"  alliance-edge check --config {config}")
