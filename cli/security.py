"""`alliance security`: the primary reserve that bears the largest loss; the nadir that a plan really keeps (9.18).

`require` reads a fleet (JSON or a folder of CSV tables, as `alliance plan solve` does) and terms, JSON {"v":1,
"security":{nominalMhz, nadirLimitMhz, rocofLimitMhzPerS, baseW, dampingPpmPerHz, inertiaMs, lossW, loadW, own, others,
durationS, activationPpm, price}}; series are lists of one entry a period, or of one for all; `own` is {deadbandMhz,
droopBp, lagMs, riseMs}, `others` a list of {response, heldW}. It writes the fleet with the requirement, which `alliance
plan solve` plans, and the record. `check` follows the frequency with what a certified plan holds. Both end with 0, 1
(refused, with the number) or 2 (a file that cannot be read).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from alliance.errors import AllianceError, Malformed, Missing
from alliance.fleetplan import FleetProblem, problem_from_plain, problem_to_plain
from alliance.fleetproof import certificate_from_plain
from alliance.frequency.least import LossTooLarge, ResponseUnstable, RocofTooSteep
from alliance.frequency.record import (
    NadirTooLow,
    check_security,
    record_from_plain,
    record_to_plain,
    secured,
    terms_from_plain,
)
from alliance.frequency.swing import Swing
from cli.fleet_tables import fleet_in
from cli.plain_json import read_json
from cli.tables import empty_table

_FILE = typer.Argument(exists=True, dir_okay=False, readable=True)
_JSON = typer.Option("--json", help="One JSON object instead of the table.")
_MOST_ROWS = 96
_IN_CHINESE: dict[type[Exception], str] = {
    RocofTooSteep: "初始频率变化率超限，任何备用都来不及",
    LossTooLarge: "该损失过大，备用再多频率最低点也低于限值；bearable_w 为可承受的最大损失",
    ResponseUnstable: "响应过慢而下垂过陡：首次止跌后频率又摆到限值以下",
    NadirTooLow: "按计划实际持有的备用，频率最低点低于限值",
}

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _security() -> None:
    """Hold so much primary reserve that the frequency stays above its limit after the largest loss."""


@app.command()
def require(
    fleet: Annotated[Path, typer.Argument(exists=True, readable=True, help="JSON, or a folder of CSV tables.")],
    terms: Annotated[Path, _FILE],
    out: Annotated[Path, typer.Option(help="Where the fleet with the requirement goes, JSON.")],
    record: Annotated[Path, typer.Option(help="Where the record goes, JSON.")],
    period_s: Annotated[int, typer.Option(min=1, max=86_400, help="CSV tables: length of a period.")] = 900,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Write FLEET with the least reserve that bears what TERMS call the largest loss. Exit 1 if none does.

    TERMS 电网参数: {"v":1,"security":{"nominalMhz":50000,"nadirLimitMhz":49500,"rocofLimitMhzPerS":null,
    "baseW":5000000,"dampingPpmPerHz":20000,"inertiaMs":[3000],"loadW":[3000000],"lossW":[350000],
    "own":{"deadbandMhz":33,"droopBp":90,"lagMs":150,"riseMs":800},"others":[],"durationS":900,"activationPpm":0,
    "price":[0]}}; each list has one entry for all periods 全部时段一个值, or one for each 或每时段一个值.
    """
    try:
        problem, found = secured(read_fleet(fleet, period_s=period_s), terms_from_plain(read_json(terms)))
        out.write_text(json.dumps(problem_to_plain(problem)) + "\n", encoding="utf-8")
        record.write_text(json.dumps(record_to_plain(found)) + "\n", encoding="utf-8")
    except (AllianceError, OSError) as error:
        _refuse("require", error)
    _show(found.needed_w, found.needed_w, found.needed, found.problem_digest, as_json=as_json)


@app.command()
def check(
    record: Annotated[Path, _FILE],
    plan: Annotated[Path, _FILE],
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Recompute RECORD and follow the frequency with what the certified PLAN holds. Exit 1 with what is wrong."""
    try:
        read = record_from_plain(read_json(record))
        proof = check_security(read, certificate_from_plain(read_json(plan)))
    except (AllianceError, OSError) as error:
        _refuse("check", error)
    _show(proof.needed_w, proof.held_w, proof.swings, read.problem_digest, as_json=as_json)


def read_fleet(path: Path, *, period_s: int) -> FleetProblem:
    """A fleet's problem from JSON or a folder of tables. Raises what reading them raises."""
    return fleet_in(path, period_s=period_s) if path.is_dir() else problem_from_plain(read_json(path))


def _refuse(command: str, error: Exception) -> NoReturn:
    said = _IN_CHINESE.get(type(error))
    typer.echo(f"alliance security {command}: {f'{said} ' if said else ''}{error}", err=True)
    raise typer.Exit(2 if isinstance(error, Malformed | Missing | OSError) else 1) from None


# ---- what is shown ----


def _show(
    needed_w: Sequence[int], held_w: Sequence[int], swings: Sequence[Swing], digest: str, *, as_json: bool
) -> None:
    lowest = min(min(s.nadir_mhz, s.steady_mhz) for s in swings)
    if as_json:
        shown = {name: [getattr(s, name) for s in swings] for name in Swing.__slots__}
        print(json.dumps({"problem_digest": digest, "needed_w": needed_w, "held_w": held_w, "lowest_mhz": lowest}
                         | shown))  # fmt: skip
        return
    headings = ("时段 period", "需要 needed kW", "持有 held kW", "变化率 RoCoF Hz/s", "最低点 nadir Hz", "时刻 at s",
                "准稳态 quasi-steady Hz")  # fmt: skip
    table = empty_table("最大损失后的频率 frequency after the largest loss", headings)
    for t, (needed, held, s) in list(enumerate(zip(needed_w, held_w, swings, strict=True)))[:_MOST_ROWS]:
        cells = (f"{needed / 1000:,.0f}", f"{held / 1000:,.1f}", f"{s.rocof_mhz_per_s / 1000:.3f}",
                 f"{s.nadir_mhz / 1000:.3f}", f"{s.nadir_ms / 1000:.2f}", f"{s.steady_mhz / 1000:.3f}")  # fmt: skip
        table.add_row(str(t), *cells)
    console = Console(width=None if Console().is_terminal else 130)
    console.print(table)
    console.print(
        f"全部时段最低 lowest of all {lowest / 1000:.3f} Hz   problem {digest}", highlight=False, soft_wrap=True
    )
