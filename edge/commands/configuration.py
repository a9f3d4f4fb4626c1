"""`alliance-edge configure`: a signed configuration that was brought to the box by hand (protocol 9.20.4)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from alliance.errors import Missing
from alliance.identity import to_hex
from edge import configurable
from edge.configuring import bring
from edge.folder import DATABASE
from edge.link.configurations import ConfigurationForeign
from edge.settings import check_fits, load
from oracle import configuration as configurations
from oracle import deployment as deployments


@dataclass(kw_only=True, eq=False)
class BoxMissing(Missing):
    """There is no box with this state folder to bring a configuration to."""

    path: str


def configure(
    file: Annotated[Path, typer.Argument(help="A signed configuration, as `alliance configure` writes it.")],
    config: Annotated[Path, typer.Option("--config", help="Settings, TOML or JSON.")],
) -> None:
    """带入远程参数 bring a signed configuration to the running box, which tries it: watch `alliance-edge events`.

    What the box would refuse by its settings is refused here already.
    """
    settings = load(config)
    if not (settings.state / DATABASE).exists():
        raise BoxMissing(path=str(settings.state))
    deployment = deployments.load(settings.deployment)
    raw = file.read_bytes()
    given = configurations.read(raw)
    signer = configurations.signer_of(given, deployment.domain)
    if signer not in settings.configurers or given.configuration.station != settings.station:
        raise ConfigurationForeign(station=given.configuration.station, signer=signer)
    body = configurations.body_of(given.configuration.body)
    check_fits(configurable.configured(config, body.values), deployment)
    bring(settings.state, raw)
    named = to_hex(configurations.digest(given.configuration, deployment.domain))
    typer.echo(f"已带入 brought: № {given.configuration.number} {named}, 试运行 on trial for {body.trial_s} s")
