"""`alliance blackstart`: restart a dead network from a storage station, or say what forbids it (protocol 9.23).

FILE is JSON, {"v":1,"blackStart":{…}} with the fields of `alliance.blackstart.record.BlackStartProblem` in camel case:
W, Wh, var, seconds, all whole; docs/examples/blackstart.json is one. With `--check` it is a plan that `--out` wrote.
Ends with 0, 1 (no such plan, with the reasons, or a plan that does not hold) or 2 (a file that cannot be read).
"""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from alliance.blackstart.check import BlackStartProof, check
from alliance.blackstart.paths import buses_to, path_cost, reached
from alliance.blackstart.reasons import NoBlackStart, amount
from alliance.blackstart.record import (
    MILLION,
    BlackStart,
    Weight,
    plan_from_plain,
    plan_to_plain,
    problem_from_plain,
)
from alliance.errors import AllianceError, Malformed, Missing
from alliance.schedule import to_plain
from cli.plain_json import read_json
from cli.tables import empty_table
from optimizer.blackstart.plan import plan_black_start
from optimizer.solver import Backend, SolverSettings

_WS_PER_MWH = 3600 * MILLION

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def blackstart(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    out: Annotated[Path | None, typer.Option(help="Where problem and plan go (JSON).")] = None,
    check_only: Annotated[bool, typer.Option("--check", help="FILE is a plan: recompute every limit of it.")] = False,
    solver: Annotated[Backend, typer.Option(help="GLPK for small networks only.")] = Backend.HIGHS,
    time_limit_s: Annotated[float, typer.Option("--time-limit", min=0.1, help="Of one solver run, seconds.")] = 60.0,
    gap_ppm: Annotated[int, typer.Option("--gap", min=1, help="A gap at which the solver may stop, ppm.")] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of the tables.")] = False,
) -> None:
    """Plan how the storage station of FILE restarts its network: lines, units, loads, period by period."""
    try:
        plain = read_json(file)
        if check_only:
            found = plan_from_plain(plain)
        else:
            settings = SolverSettings(backend=solver, time_limit_s=time_limit_s)
            found = plan_black_start(problem_from_plain(plain), settings=settings, gap=gap_ppm / 1e6)
        proof = check(found)
        if out is not None:
            out.write_text(json.dumps(plan_to_plain(found), ensure_ascii=False) + "\n", encoding="utf-8")
    except NoBlackStart as error:
        _refuse_plan(error, as_json=as_json)
    except (AllianceError, OSError) as error:
        typer.echo(f"alliance blackstart: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, Malformed | Missing | OSError) else 1) from None
    if as_json:
        typer.echo(json.dumps(plan_to_plain(found) | {"proof": _figures(proof)}, ensure_ascii=False))
        return
    _show(found, proof)


def _refuse_plan(error: NoBlackStart, *, as_json: bool) -> NoReturn:
    """The reasons, Chinese first."""
    if as_json:
        typer.echo(json.dumps({"reasons": to_plain(error.reasons)}, ensure_ascii=False))
    middle = len(error.told) // 2
    for line in (*error.told[middle:], *error.told[:middle]):
        typer.echo(line, err=True)
    raise typer.Exit(1)


def _figures(proof: BlackStartProof) -> dict[str, object]:
    """In JSON: contents rounded down to whole Wh."""
    return {
        "netWs": proof.net_ws, "claimedMostWs": proof.claimed_most_ws, "provedMostWs": proof.proved_most_ws,
        "pickedUpW": proof.picked_up_w, "livePeriod": list(proof.live_period),
        "contentWh": [wh.numerator // wh.denominator for wh in proof.content_wh],
    }  # fmt: skip


# ---- what is shown ----


def _show(found: BlackStart, proof: BlackStartProof) -> None:
    console = Console(width=None if Console().is_terminal else 150)
    console.print(_paths(found, proof))
    console.print(_periods(found, proof))
    source = found.problem.source
    never = [load.name for load, t in zip(found.problem.loads, found.plan.pick_up_period, strict=True) if t < 0]
    usable = source.start_wh - source.reserve_wh
    lines = [
        f"净发电量 net energy {_mwh(proof.net_ws)} MWh   求解器称至多 the solver claims at most "
        f"{_mwh(proof.claimed_most_ws)}   已证明至多 proved at most {_mwh(proof.proved_most_ws)}",
        f"电源可用 usable {amount(usable, 'Wh')}   备用 reserve {amount(source.reserve_wh, 'Wh')} "
        f"({_soc(found, source.reserve_wh)})   "
        f"最低电量 least content {amount(proof.least_content_wh // 1, 'Wh')} ({_soc(found, proof.least_content_wh)})",
        f"恢复负荷 load supplied {amount(proof.picked_up_w, 'W')} / "
        f"{amount(sum(load.power_w for load in found.problem.loads), 'W')}",
    ]
    if never:
        lines.append(f"未恢复 not picked up: {', '.join(never)}")
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _paths(found: BlackStart, proof: BlackStartProof) -> Table:
    """Each unit's restoration path and times."""
    problem, plan = found.problem, found.plan
    switching = problem.weight is Weight.SWITCHING
    headings = ("机组 unit", "路径 path", "权重 weight", "带电 live", "起动 cranks", "并网 on")
    table = empty_table("恢复路径 restoration paths", headings)
    reach = reached(problem, path_cost(problem))
    live = dict(zip(problem.buses, proof.live_period, strict=True))
    for unit, begin in zip(problem.units, plan.crank_period, strict=True):
        on = begin + problem.crank_periods(unit)
        weight = amount(reach[unit.bus].cost, "s" if switching else "var")
        path = "–".join(buses_to(reach, unit.bus))
        table.add_row(unit.name, path, weight, *(_minute(found, t) for t in (live[unit.bus], begin, on)))
    return table


def _periods(found: BlackStart, proof: BlackStartProof) -> Table:
    """What happens in each period, and the powers."""
    problem, plan = found.problem, found.plan
    headings = (
        "时刻 min", "开始操作 lines begun", "起动 cranks", "投入 picks up", "机组 units", "负荷 load", "储能 source",
        "电量 content", "SOC",
    )  # fmt: skip
    table = empty_table(f"MW, MWh   每时段 periods of {amount(problem.period_s, 's')}", headings)
    for t in range(problem.periods):
        lines = _at(plan.switch_period, t, lambda k: f"{problem.lines[k].from_bus}–{problem.lines[k].to_bus}")
        units = _at(plan.crank_period, t, lambda k: problem.units[k].name)
        loads = _at(plan.pick_up_period, t, lambda k: problem.loads[k].name)
        given = sum(row[t] for row in plan.unit_w)
        supplied = sum(one.power_w for one, s in zip(problem.loads, plan.pick_up_period, strict=True) if 0 <= s <= t)
        powers = (f"{watts / MILLION:,.3f}" for watts in (given, supplied, plan.battery_w[t]))
        content = proof.content_wh[t + 1]
        table.add_row(
            _minute(found, t), lines, units, loads, *powers, f"{float(content / MILLION):,.3f}", _soc(found, content)
        )
    return table


def _at(periods: tuple[int, ...], t: int, name: Callable[[int], str]) -> str:
    return ", ".join(name(k) for k, s in enumerate(periods) if s == t)


def _minute(found: BlackStart, t: int) -> str:
    return f"{t * found.problem.period_s / 60:,.10g}"


def _soc(found: BlackStart, content_wh: Fraction | int) -> str:
    return f"{100 * float(content_wh) / max(1, found.problem.source.energy_max_wh):.1f} %"


def _mwh(energy_ws: int) -> str:
    return f"{energy_ws / _WS_PER_MWH:,.3f}"
