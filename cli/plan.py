"""`alliance plan`: solve a settled day or a fleet from files, certified; check a certificate without a solver (9).

Files are JSON of the canonical plain forms {"v":1,"problem":…}, {"v":1,"fleet":…} and {"v":1,"certificate":…}: bytes as
0x-hex, integers beyond 2^53 as decimal texts; a fleet may come as a folder of CSV tables. `solve` ends with 0, 1 (no
such plan, with the reason) or 2 (file not read), `check` too.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from alliance.certificate import (
    MICRO,
    Certificate,
    Proof,
    certificate_from_plain,
    certificate_to_plain,
)
from alliance.certificate import check as check_certificate
from alliance.errors import AllianceError, Malformed, Missing
from alliance.fleetplan import FleetProblem
from alliance.fleetplan import problem_from_plain as fleet_from_plain
from alliance.plain_json import parsed, plain_of, to_json
from alliance.schedule import ScheduleRow
from cli.fleet_plan import solve_fleet
from cli.fleet_tables import fleet_in
from cli.plain_json import read_plain
from cli.tables import empty_table
from optimizer.fleet.plan import FleetPath, FleetSettings
from optimizer.planning import plan_day
from optimizer.problem import problem_from_plain
from optimizer.solver import Backend, SolverSettings

_JSON = typer.Option("--json", help="One JSON object instead of the tables.")
_READABLE = typer.Argument(exists=True, dir_okay=False, readable=True)

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _plan() -> None:
    """Solve a day-ahead problem from a file and certify the plan; check a certificate without a solver."""


@app.command()
def solve(
    problem: Annotated[Path, typer.Argument(exists=True, readable=True, help="JSON, or a folder of CSV tables.")],
    out: Annotated[Path, typer.Option(help="Where the certificate goes: problem, plan and dual prices.")],
    solver: Annotated[
        FleetPath | None, typer.Option(help="fast and stamped are for fleets alone; by default the quickest.")
    ] = None,
    time_limit_s: Annotated[float, typer.Option("--time-limit", min=0.01, help="Of the solving, seconds.")] = 60.0,
    gap_ppm: Annotated[int, typer.Option("--gap", min=1, help="Fleets: a proved gap to be content with, ppm.")] = 10,
    most_gap_ppm: Annotated[
        int | None, typer.Option(min=0, help="A wider certified gap is refused; 10,000 for a day, none for fleets.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Fleets: processes that solve regions together.")] = 1,
    period_s: Annotated[int, typer.Option(min=1, max=86_400, help="CSV tables: length of a period.")] = 900,
    chart: Annotated[Path | None, typer.Option(help="Fleets: a chart, .svg.")] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Plan PROBLEM, a settled day or a fleet, and certify the plan. Exit 1 with the reason if there is none.

    A fleet's folder holds stations.csv, prices.csv, loads.csv and, where there are such: ties.csv and tie_steps.csv;
    leases.csv and nominations.csv; holding.csv; reserves.csv, reserve_prices.csv and requirements.csv; scenarios.csv,
    scenario_loads.csv and risk.csv (`cli.fleet_tables`).
    """
    try:
        if problem.is_dir():
            fleet: FleetProblem | None = fleet_in(problem, period_s=period_s)
        else:
            raw = parsed(problem.read_bytes(), source=str(problem))
            fleet = fleet_from_plain(raw) if isinstance(raw, dict) and "fleet" in raw else None
        if fleet is None:
            _solve_day(plain_of(raw, source=str(problem)), out, solver, time_limit_s, most_gap_ppm, as_json=as_json)
            return
        chosen = solver or FleetPath.FAST
        settings = FleetSettings(path=chosen, time_limit_s=time_limit_s, gap=gap_ppm / 1e6, workers=workers)
        solve_fleet(fleet, out, settings=settings, most_gap_ppm=most_gap_ppm, chart=chart, as_json=as_json)
    except (AllianceError, OSError) as error:
        _refuse("solve", error)


def _solve_day(
    plain: object, out: Path, solver: FleetPath | None, time_limit_s: float, most_gap_ppm: int | None, *, as_json: bool
) -> None:
    if solver in (FleetPath.FAST, FleetPath.STAMPED):
        raise typer.BadParameter(f"--solver {solver} is for fleets; a settled day takes highs or glpk")
    most = 10_000 if most_gap_ppm is None else most_gap_ppm
    backend = Backend.GLPK if solver is FleetPath.GLPK else Backend.HIGHS
    settings = SolverSettings(backend=backend, time_limit_s=time_limit_s, most_gap_ppm=most)
    found = plan_day(problem_from_plain(plain), settings=settings).certificate
    proof = check_certificate(found)
    out.write_text(json.dumps(to_json(certificate_to_plain(found))) + "\n")
    _show(found, proof, as_json=as_json)


@app.command()
def check(
    certificate: Annotated[Path, _READABLE],
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Check CERTIFICATE (JSON, as `solve` writes it) in exact integers. Exit 1 with the first thing that is wrong."""
    try:
        found = certificate_from_plain(read_plain(certificate))
        proof = check_certificate(found)
    except (AllianceError, OSError) as error:
        _refuse("check", error)
    _show(found, proof, as_json=as_json)


def _refuse(command: str, error: Exception) -> NoReturn:
    typer.echo(f"alliance plan {command}: {error}", err=True)
    raise typer.Exit(2 if isinstance(error, Malformed | Missing | OSError) else 1)


# ---- what is shown ----


def _show(certificate: Certificate, proof: Proof, *, as_json: bool) -> None:
    figures = {
        "day": str(certificate.problem.day),
        "stations": len(certificate.problem.sites),
        "slots": certificate.problem.slots,
        "objective_microcents": str(proof.objective_microcents),
        "lower_bound_microcents": str(proof.lower_bound_microcents),
        "gap_ppm": proof.gap_ppm,
        "rows": proof.rows,
        "columns": proof.columns,
    }
    if as_json:
        typer.echo(json.dumps(figures))
        return
    console = Console(width=None if Console().is_terminal else 110)
    console.print(_stations(certificate))
    if certificate.schedule.gains:
        console.print(_gains(certificate))
    console.print(
        f"objective 目标 {proof.objective_microcents / MICRO / 100:,.4f} yuan   "
        f"lower bound 下界 {proof.lower_bound_microcents / MICRO / 100:,.4f} yuan   "
        f"certified gap 证明间隙 {proof.gap_ppm} ppm   rows × columns {proof.rows} × {proof.columns}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _stations(certificate: Certificate) -> Table:
    """Energy of each station over the horizon, and of each lease in it, kWh."""
    headings = ("station 储能站", "net load 净负荷", "charged 充电", "discharged 放电", "import 受电", "export 上网")
    table = empty_table(f"{certificate.problem.day}  kWh", headings)
    total = [0] * 5
    for site in certificate.problem.sites:
        rows = [r for r in certificate.schedule.rows if r.station == site.station.number]
        figures = _energies(rows)
        total = [a + b for a, b in zip(total, figures, strict=True)]
        table.add_row(str(site.station.number), *map(_kwh, figures))
        for share in certificate.problem.shares:
            if share.lease.station == site.station.number:
                flows = [x.planned_wh for r in rows for x in r.lessees if x.lease == share.lease.number]
                name = f"lease {share.lease.number} → member {share.lease.lessee}"
                table.add_row(name, "", _kwh(_taken(flows)), _kwh(_given(flows)), "", "", style="dim")
    table.add_section()
    table.add_row("Σ", *map(_kwh, total), style="bold")
    return table


def _energies(rows: list[ScheduleRow]) -> list[int]:
    """Net load, charged, discharged, imported and exported energy, Wh."""
    battery, net = [r.battery_wh for r in rows], [r.planned_net_wh for r in rows]
    return [sum(r.net_load_wh for r in rows), _taken(battery), _given(battery), _taken(net), _given(net)]


def _gains(certificate: Certificate) -> Table:
    """What each member would pay apart, pays as planned, and gains, yuan."""
    table = empty_table("yuan 元", ("member 成员", "apart 单独", "planned 联合", "gain 增益"))
    for gain in certificate.schedule.gains:
        cents = (gain.apart_cost_cents, gain.planned_cost_cents, gain.gain_cents)
        table.add_row(str(gain.member), *(f"{c / 100:,.2f}" for c in cents))
    return table


def _taken(flows_wh: Iterable[int]) -> int:
    return -sum(min(0, flow) for flow in flows_wh)


def _given(flows_wh: Iterable[int]) -> int:
    return sum(max(0, flow) for flow in flows_wh)


def _kwh(energy_wh: int) -> str:
    return f"{energy_wh / 1000:,.1f}"
