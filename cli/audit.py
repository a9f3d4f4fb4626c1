"""`alliance audit`: recompute a day from a chain and an archive (protocol 11); exit 0 pass, 1 divergence, 2 unread."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from alliance.calendar import day_of
from alliance.errors import AllianceError
from audit.auditor import audit_day, silent
from audit.blocks import open_archive
from audit.facts import Progress as Report
from audit.pinned import pinned_deployment
from audit.verdict import Verdict
from chain.rpc import Rpc

_STEPS = {
    "identity": "chain identity 链身份",
    "chain": "chain events 链上事件",
    "log": "log and signed readings 日志与签名读数",
    "documents": "rules and schedules 规则与计划",
    "settlement": "settlement 结算",
}

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def audit(
    rpc: Annotated[str, typer.Option(help="An Ethereum node's JSON-RPC address.")],
    archive: Annotated[str, typer.Option(help="The archive: a folder, or the http(s) address of a trustless gateway.")],
    day: Annotated[str, typer.Option(help="The local day to audit, YYYY-MM-DD.")],
    deployment: Annotated[
        Path | None, typer.Option(help="The pinned deployment; by default the one shipped for the node's chain.")
    ] = None,
    depth: Annotated[int, typer.Option(min=0, help="Blocks that must stand above what counts.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
) -> None:
    """Recompute a day from a chain and an archive; trust nobody. Exit 0 pass, 1 first divergence, 2 not read."""
    try:
        asked = day_of(day)
    except AllianceError as error:
        raise typer.BadParameter(str(error), param_hint="--day") from error
    console = Console(stderr=True)
    try:
        with Rpc(rpc) as node:
            pinned = pinned_deployment(node, deployment)
            with _bar(console, quiet=as_json) as report:
                verdict = audit_day(node, lambda: open_archive(archive), pinned, asked, depth=depth, progress=report)
    except AllianceError as error:
        verdict = Verdict.not_begun(error, asked)
    _say(verdict, as_json=as_json)
    raise typer.Exit(verdict.outcome.exit_code)


def _say(verdict: Verdict, *, as_json: bool) -> None:
    if not as_json:
        for line in verdict.table:
            print(line)
    print(json.dumps(verdict.to_plain(), ensure_ascii=False) if as_json else verdict.line)


class _Bar:
    """One progress bar, which shows the step under way."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Report:
        self._progress.start()
        return self._show

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def _show(self, step: str, done: int, total: int) -> None:
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(_STEPS.get(step, step))
        self._progress.update(self._tasks[step], completed=done, total=total)


class _Quiet:
    def __enter__(self) -> Report:
        return silent

    def __exit__(self, *error: object) -> None:
        pass


def _bar(console: Console, *, quiet: bool) -> _Bar | _Quiet:
    return _Quiet() if quiet else _Bar(console)
