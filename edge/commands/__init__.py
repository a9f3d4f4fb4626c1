"""Commands of `alliance-edge` for who installs and runs a box: settings, checks, events, alarms, diagnosis."""

from typing import Annotated, Literal

import typer

from edge.commands import check, configuration, diagnosing, events, init, unit

Language = Annotated[Literal["zh", "en"], typer.Option("--lang", help="zh or en.")]


def register(app: typer.Typer) -> None:
    """Give the program these commands."""
    for command in (init.init, check.check, unit.unit, events.events, configuration.configure, diagnosing.diagnose):
        app.command()(command)
    app.add_typer(diagnosing.app, name="soh-test")
