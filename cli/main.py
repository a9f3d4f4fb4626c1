"""The command `alliance`: each subcommand is imported only when it is called."""

import importlib
import sys
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

_COMMANDS = {
    "demo": ("cli.demo", "Play one day of an alliance of six stations in Lianyungang, from meter to money."),
    "audit": ("cli.audit", "Recompute a day from a chain and an archive; trust nobody."),
    "dispute": ("cli.dispute", "Bring one leaf of a posted statement to court; with a wallet, set it right."),
    "archive": ("cli.archive", "Check, export, import and repair archives of evidence."),
    "reader": ("cli.reader", "Make a reader's key for encrypted evidence, or tell its public half."),
    "verify": ("cli.verify", "Verify the receipt of one reading against the chain."),
    "plan": ("cli.plan", "Solve a day or a fleet from files and certify the plan; check a certificate."),
    "replan": ("cli.replan", "Roll a fleet's plan on from measured states, never dearer than keeping it."),
    "security": ("cli.security", "Hold the reserve that bears the largest loss; check the nadir a plan really keeps."),
    "chance": ("cli.chance", "Draw limits in for errors of the forecast: broken on a share of days at most; judge it."),
    "split": ("cli.split", "Split the gain of planning together by several rules; name who would leave; check it."),
    "explain": ("cli.explain", "Tell why a certified plan is as it is: what each station earns, what limits it."),
    "decompose": ("cli.decompose", "Split a regional target over stations, to the watt; check such a record."),
    "blackstart": ("cli.blackstart", "Plan how a storage station restarts a dead network; check such a plan."),
    "directive": ("cli.directive", "Sign orders to station boxes as a dispatcher; tell what boxes answered, and why."),
    "forecast": ("cli.forecast", "Forecast load, PV, wind or prices with intervals; judge it against the past."),
    "verify-plan": ("cli.verify_plan", "Check a plan's certificate or a re-plan's record without a solver."),
    "deploy": ("cli.deploy", "Deploy the contracts and write the pinned deployment."),
    "configure": ("cli.configure", "Sign what shall be set on a station's box from afar, on trial first."),
    "bench": ("cli.bench", "Measure speed, memory and gas as ratios in one run."),
}


class _Lazy(TyperGroup):
    """Knows the names of the subcommands and imports one when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the table."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the module of a subcommand and return its command, or None."""
        if cmd_name not in _COMMANDS:
            return None
        module, _ = _COMMANDS[cmd_name]
        command = get_command(importlib.import_module(module).app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


app = typer.Typer(cls=_Lazy, add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _root() -> None:
    """The storage alliance: stations share capacity and are paid to the cent from readings their devices signed."""


def main() -> None:
    """Entry point of the console script."""
    sys.exit(app())
