"""A fleet planned at the command line: progress while it is solved, the certificate written, a table by region."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from alliance.errors import Malformed, Refused
from alliance.fleetexchange import exchange_of
from alliance.fleetlease import account_path, account_unit, netted
from alliance.fleetplan import MILLION, FleetPlan, FleetProblem
from alliance.fleetproof import FleetProof, certificate_to_plain, check, exchange_microwh
from cli.fleet_chart import chart_of
from optimizer.fleet.arrays import arrays_of
from optimizer.fleet.plan import FleetSettings, Stage, Told, plan_fleet

_WORDS = {
    Stage.RELAXATION: "求解 solving",
    Stage.ONE_WAY: "核对充放电方向 one way at a time",
    Stage.ROUNDING: "取整 to whole watt-hours",
    Stage.CERTIFICATE: "证书 certificate",
}
_MOST_ROWS = 60


@dataclass(kw_only=True, eq=False)
class FleetGapTooWide(Refused):
    """A fleet's plan is feasible, but not proved as good as was asked."""

    gap_ppm: int
    most_gap_ppm: int


@dataclass(kw_only=True, eq=False)
class ChartKindUnknown(Malformed):
    """Charts are drawn as SVG alone."""

    file: str


def solve_fleet(
    problem: FleetProblem,
    out: Path,
    *,
    settings: FleetSettings,
    most_gap_ppm: int | None,
    chart: Path | None,
    as_json: bool,
) -> None:
    """Plan, certify, write, show. Raises what `plan_fleet` raises, FleetGapTooWide, ChartKindUnknown or OSError."""
    require_svg(chart)
    began = time.monotonic()
    with progress(settings.time_limit_s) as told:
        found = plan_fleet(arrays_of(problem), settings=settings, told=told)
        certificate = found.certificate(problem)
    proof = check(certificate)
    if most_gap_ppm is not None and proof.gap_ppm > most_gap_ppm:
        raise FleetGapTooWide(gap_ppm=proof.gap_ppm, most_gap_ppm=most_gap_ppm)
    out.write_text(json.dumps(certificate_to_plain(certificate)) + "\n", encoding="utf-8")
    if chart is not None:
        chart.write_text(chart_of(problem, certificate.plan), encoding="utf-8")
    seconds = time.monotonic() - began
    if as_json:
        more = {"optimal": found.optimal, "seconds": round(seconds, 3)} | _netting(problem, certificate.plan)
        print(json.dumps(figures(problem, proof) | more))
        return
    console = Console(width=None if Console().is_terminal else 150)
    console.print(by_region(problem, certificate.plan, len(problem.regions)))
    if problem.leases:
        console.print(_by_lease(problem, certificate.plan))
    console.print(said(proof), highlight=False, soft_wrap=True)
    if not found.optimal:
        console.print("时限已到：这是到此为止的最好计划 time is over: the best plan so far", highlight=False)


@contextmanager
def progress(time_limit_s: float) -> Iterator[Told]:
    """On a terminal's stderr a bar, what the planner is at, and its time beside the limit; else nothing."""
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn(f"/ {time_limit_s:g} s"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(_WORDS[Stage.RELAXATION], total=None)
        yield lambda stage: bar.update(task, description=_WORDS[stage])


def require_svg(chart: Path | None) -> None:
    """Raises ChartKindUnknown."""
    if chart is not None and chart.suffix.lower() != ".svg":
        raise ChartKindUnknown(file=chart.name)


def figures(problem: FleetProblem, proof: FleetProof) -> dict[str, object]:
    """What one JSON object says of a plan."""
    return {
        "problem_digest": proof.problem_digest,
        "stations": len(problem.stations),
        "regions": len(problem.regions),
        "periods": problem.periods,
        "objective_microcents": str(proof.objective_microcents),
        "lower_bound_microcents": str(proof.lower_bound_microcents),
        "gap_ppm": proof.gap_ppm,
    }


def said(proof: FleetProof) -> str:
    """Cost, bound and gap in a line."""
    return (
        f"费用 cost {proof.objective_microcents / 1e8:,.4f} yuan   下界 lower bound "
        f"{proof.lower_bound_microcents / 1e8:,.4f} yuan   证明间隙 certified gap {proof.gap_ppm} ppm"
    )


def by_region(problem: FleetProblem, plan: FleetPlan, regions: int) -> Table:
    """Energy of each of the first so many regions over the horizon, in the mean of the cases, kWh."""
    table = Table(title="kWh", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    headings = ["region 区域", "stations 站数", "load 负荷", "charged 充电", "discharged 放电", "curtailed 弃电",
                "import 受电", "export 上网"]  # fmt: skip
    headings += ["cut 切负荷"] if any(region.cut_most_wh for region in problem.regions) else []
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    rows = [_row(problem, plan, r) for r in range(regions)]
    for r, row in enumerate(rows[:_MOST_ROWS]):
        table.add_row(str(r), str(row[0]), *map(_kwh, row[1 : len(headings) - 1]))
    table.add_section()
    total = [sum(column) for column in zip(*rows, strict=True)]
    table.add_row("Σ", str(total[0]), *map(_kwh, total[1 : len(headings) - 1]), style="bold")
    return table


def _netting(problem: FleetProblem, plan: FleetPlan) -> dict[str, int]:
    """What meeting inside batteries did, all stations together; nothing if there are no leases."""
    if not problem.leases:
        return {}
    found = [netted(problem, plan, i) for i in sorted({lease.station for lease in problem.leases})]
    return {"netted_wh": sum(x.met_wh for x in found), "netting_gain_wh": sum(x.gain_wh for x in found)}


def _by_lease(problem: FleetProblem, plan: FleetPlan) -> Table:
    """Orders and account of each lessee; below it what meeting inside batteries did, kWh."""
    table = Table(title="租约 leases, kWh", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in ("lease 租约", "station 储能站", "kind 种类", "charged 充电", "discharged 放电", "account 期末账户"):
        table.add_column(heading, justify="right", no_wrap=True)
    for k, (lease, orders) in enumerate(zip(problem.leases, plan.lease_wh, strict=True)):
        if k == _MOST_ROWS:
            break
        station = problem.stations[lease.station]
        left = account_path(station, lease, orders)[-1] // account_unit(station)
        kind = "固定 firm" if lease.nomination_wh else "联合 pooled"
        flows = (-_sum(orders, -1), _sum(orders, 1), left)
        table.add_row(str(k), str(lease.station), kind, *map(_kwh, flows))
    done = _netting(problem, plan)
    table.caption = (
        f"电池内对冲 met inside batteries {_kwh(done['netted_wh'])} kWh   "
        f"对冲节省 netting gain {_kwh(done['netting_gain_wh'])} kWh"
    )
    return table


def _row(problem: FleetProblem, plan: FleetPlan, r: int) -> list[int]:
    here = [i for i, station in enumerate(problem.stations) if station.region == r]
    flows = [flow for i in here for flow in plan.battery_wh[i]]
    load = curtailed = taken = given = cut = 0
    for w, ppm in enumerate(problem.case_ppm):
        own = sum(problem.regions[r].base_load_wh) + sum(sum(problem.net_loads(i)[w]) for i in here)
        net = exchange_microwh(plan, problem, w)[r]
        load += ppm * own
        curtailed += ppm * sum(sum(plan.curtailed_wh[w][i]) for i in here)
        found = [exchange_of(problem.regions[r], t, x) for t, x in enumerate(net)]
        taken += ppm * sum(x.imported for x in found) // MILLION
        given += ppm * sum(x.exported for x in found) // MILLION
        cut += ppm * sum(x.cut for x in found) // MILLION
    mean = [x // MILLION for x in (load, curtailed, taken, given, cut)]
    return [len(here), mean[0], -_sum(flows, -1), _sum(flows, 1), *mean[1:]]


def _sum(flows: Sequence[int], sign: int) -> int:
    """All flows of a sign together."""
    return sum(flow for flow in flows if flow * sign > 0)


def _kwh(energy_wh: int) -> str:
    return f"{energy_wh / 1000:,.1f}"
