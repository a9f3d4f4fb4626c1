"""`alliance bench`: speed, memory and gas as ratios measured in one run; nothing passes or fails on time.

Prints a table, writes it with machine and versions to docs/benchmarks.md, and ends with one line of JSON.
"""

import importlib
import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from alliance.errors import AllianceError
from alliance.fleetplan import MOST_STATIONS
from cli.benches import fleet
from cli.benches.document import FIGURES, TEXTS, TIMES, document, figure_rows, time_rows
from cli.benches.fleet_cases import CASES as FLEETS
from cli.benches.ground import Ground
from cli.benches.measure import Comparison, Figure, Figures, Finding

CASES = {
    "segments": "cli.benches.segments",
    "ingest": "cli.benches.ingest",
    "tree": "cli.benches.tree",
    "gas": "cli.benches.gas",
    "edge": "cli.benches.edge",
    "edge-poll": "cli.benches.polling",
    "edge-outbox": "cli.benches.outbox",
    "edge-frequency": "cli.benches.frequency",
    "split": "cli.benches.splitting",
    "fleet": "cli.benches.fleet",
    "plan": "cli.benches.planning",
    "coop": "cli.benches.coop",
    "blackstart": "cli.benches.blackstart",
    "audit": "cli.benches.auditing",
    "audit-month": "cli.benches.month",
}
"""In the order in which they are cheapest: the demo's day is played on from case to case."""
_PACKAGES = ("coincurve", "safe-pysha3", "sqlalchemy", "pyomo", "highspy", "numpy", "httpx", "pydantic")
_DEMO = Path(".alliance/demo")
_DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def bench(
    case: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(CASES)}; may be repeated.")] = None,
    demo: Annotated[Path, typer.Option(help="A demo's folder: its day is audited if it was played.")] = _DEMO,
    size: Annotated[
        list[int] | None,
        typer.Option(min=1, max=MOST_STATIONS, help="Stations of the fleets (case fleet); may be repeated."),
    ] = None,
    fleet_case: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(FLEETS)} (case fleet); may be repeated.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many fleets of each case and size (case fleet).")] = 1,
    peers: Annotated[
        bool, typer.Option("--peers", help="Ask PyPSA and FlexMeasures too (case fleet; make bench-peers).")
    ] = False,
    limit_s: Annotated[
        float, typer.Option(min=1, help="Wall time after which a backend is ended and left out (case fleet).")
    ] = fleet.MOST_SECONDS,
    out: Annotated[
        Path | None, typer.Option(help="Where the tables go; docs/benchmarks.md after a run of all cases.")
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Put a run of some cases into docs/benchmarks.md (or --out) beside its others."),
    ] = False,
) -> None:
    """Measure each case against the least that its work could cost, in one run on this machine."""
    chosen = case or list(CASES)
    for name in chosen:
        if name not in CASES:
            raise typer.BadParameter(f"{name}: there is no such case; choose from {', '.join(CASES)}")
    for name in fleet_case or ():
        if name not in FLEETS:
            raise typer.BadParameter(f"{name}: there is no such fleet; choose from {', '.join(FLEETS)}")
    console = Console(stderr=True)
    found: dict[str, list[Finding]] = {}
    try:
        with Ground(say=lambda text: console.print(f"  · {text}", highlight=False), played=demo) as shared:
            for name in (name for name in CASES if name in chosen):
                console.print(f"case {name}", highlight=False)
                if name == "fleet":
                    found[name] = fleet.measure(
                        cases=fleet_case or FLEETS,
                        sizes=size or fleet.SIZES,
                        seeds=seeds,
                        peers=peers,
                        limit_s=limit_s,
                    )
                    continue
                work: Callable[[Ground], list[Finding]] = importlib.import_module(CASES[name]).run
                found[name] = work(shared)
    except (AllianceError, OSError) as error:
        typer.echo(f"alliance bench: {error}", err=True)
        raise typer.Exit(1) from None
    _print(found)
    place = out or (_DOCUMENT if keep or len(found) == len(CASES) else None)
    if place is not None:
        before = place.read_text() if keep and place.exists() else ""
        today = datetime.now(UTC).date()
        place.write_text(document(found, ground=ground(), day=today, order=list(CASES), before=before))
    typer.echo(json.dumps({"machine": machine(), "versions": versions(), "cases": _plain(found)}, ensure_ascii=False))


# ---- where it ran ----


def machine() -> dict[str, Figure]:
    """What the figures were measured on."""
    return {"system": platform.system(), "architecture": platform.machine(), "processor": _processor(),
            "processors": os.cpu_count() or 1, "memory_gb": _memory_gb()}  # fmt: skip


def versions() -> dict[str, str]:
    """Python, the platform and the packages that do the work."""
    return {"python": platform.python_version(), "storage-alliance": version("storage-alliance")} | {
        name: version(name) for name in _PACKAGES
    }


def _processor() -> str:
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _memory_gb() -> float:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemTotal"):
            return round(int(line.split()[1]) * 1024 / 1e9, 1)
    return 0.0


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


# ---- what is shown ----


def ground() -> str:
    """Machine and versions, in a line."""
    on = machine()
    return (
        f"{on['processor']}, {on['processors']} processors, {on['memory_gb']} GB, {on['system']} {on['architecture']}; "
        + ", ".join(f"{name} {number}" for name, number in versions().items())
        + "."
    )


def _print(found: Mapping[str, Sequence[Finding]]) -> None:
    console = Console(width=None if Console().is_terminal else 150)
    for heads, rows in ((TIMES, time_rows(found)), (FIGURES, figure_rows(found))):
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
        for head in heads:
            table.add_column(head, justify="left" if head in TEXTS else "right")
        for row in rows:
            table.add_row(*row)
        if rows:
            console.print(table)


def _plain(found: Mapping[str, Sequence[Finding]]) -> dict[str, list[dict[str, object]]]:
    return {name: [_finding(one) for one in findings] for name, findings in found.items()}


def _finding(one: Finding) -> dict[str, object]:
    match one:
        case Figures():
            return {"name": one.name, **one.facts}
        case Comparison():
            return {
                "name": one.name, "wall_s": round(one.ours.wall_s, 6), "cpu_s": round(one.ours.cpu_s, 6),
                "against": one.against, "against_wall_s": round(one.theirs.wall_s, 6),
                "against_cpu_s": round(one.theirs.cpu_s, 6), "ratio": round(one.ratio, 3),
                "ratio_cpu": round(one.ratio_cpu, 3), **one.facts,
            }  # fmt: skip
