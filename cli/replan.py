"""`alliance replan`: roll a fleet's plan on from measured states, never dearer than keeping it (protocol 9.12).

PLAN is the day-ahead certificate that `alliance plan solve` wrote. States are CSV (station from 0, energy_kwh; and
either age_s or measured_ms; optional charge_kw, discharge_kw: what it can now, 0 if it tripped, empty: as rated) or
JSON, a list of objects of these names, where net_load_wh, a list, may bring a new forecast. Ends with 0, 1 (refused or
impossible, with the reason) or 2 (a file or option that cannot be read). A shortage is an answer: it is said.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from alliance.errors import AllianceError, Malformed, Missing
from alliance.fleetplan import Direction
from alliance.fleetproof import FleetCertificate, certificate_from_plain
from alliance.plain_json import JsonWrong, parsed
from alliance.replan.check import check_replan
from alliance.replan.record import (
    UNHELD_PRICE,
    LeaseLowered,
    MeasuredState,
    Replan,
    Stale,
    Use,
    replan_from_plain,
    replan_to_plain,
)
from alliance.replan.task import terms_of
from cli.fleet_chart import chart_of
from cli.fleet_plan import by_region, figures, progress, require_svg
from cli.offers import Row, csv_rows
from optimizer.fleet.plan import FleetPath, FleetSettings
from optimizer.fleet.rolling import replan as solve

_COLUMNS = ("station", "energy_kwh", "age_s", "measured_ms", "charge_kw", "discharge_kw", "net_load_wh")
_MS = 1000
_MOST_ROWS = 40
_WAYS = {Direction.UP: "向上 up", Direction.DOWN: "向下 down"}

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def replan(
    plan: Annotated[Path, typer.Argument(help="The day-ahead plan's certificate.", exists=True, dir_okay=False)],
    states: Annotated[Path, typer.Option(help="Measured states, CSV or JSON.", exists=True, dir_okay=False)],
    begins_ms: Annotated[int, typer.Option(min=0, help="When the day-ahead plan begins, UTC milliseconds.")],
    out: Annotated[Path, typer.Option(help="Where the record goes (JSON).")],
    after: Annotated[
        Path | None, typer.Option(help="The record of the cycle before.", exists=True, dir_okay=False)
    ] = None,
    issued_ms: Annotated[int | None, typer.Option(min=0, help="UTC milliseconds; now by default.")] = None,
    most_age_s: Annotated[int, typer.Option(min=0, max=86_400, help="An older measurement is stale.")] = 300,
    stale: Annotated[
        Stale, typer.Option(help="A stale station: refuse, hold it at its plan, or at zero.")
    ] = Stale.REFUSE,
    periods: Annotated[int, typer.Option(min=0, help="A receding horizon; 0: all that remains.")] = 0,
    deviation_yuan_per_mwh: Annotated[
        float | None, typer.Option(min=0, help="Price of leaving the day-ahead exchange; none by default.")
    ] = None,
    unheld_yuan_per_kw_h: Annotated[
        float, typer.Option(min=0.00001, help="Price of each kW and hour of reserve that nobody can hold.")
    ] = UNHELD_PRICE / 100_000,
    end_slack_pct: Annotated[float, typer.Option(min=0, max=100, help="How far the end rule may give way.")] = 1.0,
    solver: Annotated[FleetPath, typer.Option(help="How the fleet is solved.")] = FleetPath.FAST,
    time_limit_s: Annotated[float, typer.Option("--time-limit", min=0.0, help="Of the solving, seconds.")] = 60.0,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes that solve regions side by side.")] = 1,
    chart: Annotated[Path | None, typer.Option(help="A chart, .svg.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of the tables.")] = False,
) -> None:
    """Plan what remains of PLAN again from measured states; keep the old orders where that is as good."""
    now_ms = time.time_ns() // 1_000_000 if issued_ms is None else issued_ms
    chosen: dict[str, object] = {"most_age_ms": most_age_s * _MS, "stale": stale, "periods": periods}
    chosen["unheld_price"] = round(unheld_yuan_per_kw_h * 100_000)
    chosen["end_slack_ppm"] = round(end_slack_pct * 10_000)
    chosen["deviation_price"] = None if deviation_yuan_per_mwh is None else round(deviation_yuan_per_mwh * 100)
    settings = FleetSettings(path=solver, time_limit_s=time_limit_s, workers=workers)
    try:
        require_svg(chart)
        base = certificate_from_plain(_read(plan))
        before = None if after is None else replan_from_plain(_read(after))
        terms, measured = terms_of(begins_ms, now_ms, **chosen), tuple(_states(states, now_ms))
        with progress(time_limit_s) as told:
            made = solve(base, before, terms=terms, states=measured, settings=settings, told=told)
        proof = check_replan(made, base=base, after=before)
        out.write_text(json.dumps(replan_to_plain(made)) + "\n", encoding="utf-8")
        if chart is not None:
            chart.write_text(chart_of(made.certificate.problem, made.certificate.plan), encoding="utf-8")
    except (AllianceError, OSError) as error:
        _refuse(error)
    if as_json:
        told_of = {"kept_breaks": made.kept_breaks, "unserved_wh": proof.unserved_wh, "spilled_wh": proof.spilled_wh,
                   "taken_more_wh": proof.taken_more_wh, "unheld_wh": proof.unheld_wh,
                   "not_measured": proof.not_measured}  # fmt: skip
        costs = {"kept_microcents": _text(made.kept_cost_microcents), "saved_microcents": _text(made.saved_microcents)}
        print(json.dumps(figures(made.certificate.problem, proof.proof) | costs | told_of))
        return
    _show(made, base)


def _refuse(error: Exception) -> NoReturn:
    typer.echo(f"alliance replan: {error}", err=True)
    raise typer.Exit(2 if isinstance(error, Malformed | Missing | OSError) else 1) from None


def _read(path: Path) -> object:
    return parsed(path.read_bytes(), source=path.name)


def _text(cost: int | None) -> str | None:
    return None if cost is None else str(cost)


# ---- states ----


def _states(path: Path, now_ms: int) -> Iterator[MeasuredState]:
    """Raises TableWrong, JsonWrong or OSError."""
    for row, load in _rows(path):
        for column in row.cells:
            if column not in _COLUMNS:
                raise row.wrong(column, f"one of the columns {', '.join(_COLUMNS)}")
        for column in ("station", "energy_kwh"):
            if column not in row.cells:
                raise row.wrong(column, "a column of this name")
        if bool(row.cells.get("age_s")) == bool(row.cells.get("measured_ms")):
            raise row.wrong("age_s", "either age_s or measured_ms")
        aged = bool(row.cells.get("age_s"))
        yield MeasuredState(
            station=row.number("station", "station"),
            measured_ms=now_ms - row.number("age_s", "ms") if aged else row.number("measured_ms", "measured"),
            energy_wh=row.number("energy_kwh", "wh"),
            charge_w=row.number("charge_kw", "w") if row.cells.get("charge_kw") else None,
            discharge_w=row.number("discharge_kw", "w") if row.cells.get("discharge_kw") else None,
            net_load_wh=load,
        )


def _rows(path: Path) -> Iterator[tuple[Row, tuple[int, ...]]]:
    if path.suffix.lower() != ".json":
        yield from ((row, ()) for row in csv_rows(path))
        return
    listed = _read(path)
    if not isinstance(listed, list):
        raise JsonWrong(file=path.name, where="$", got=type(listed).__name__, want="a list of objects")
    for at, entry in enumerate(listed, start=1):
        if not isinstance(entry, dict):
            raise JsonWrong(file=path.name, where=f"$[{at - 1}]", got=type(entry).__name__, want="an object")
        load = entry.get("net_load_wh", [])
        if not isinstance(load, list) or any(type(wh) is not int for wh in load):
            raise JsonWrong(file=path.name, where=f"$[{at - 1}].net_load_wh", got=str(load)[:80], want="whole numbers")
        cells = {name: "" if v is None else str(v) for name, v in entry.items() if name != "net_load_wh"}
        yield Row(file=path.name, line=at, cells=cells), tuple(load)


# ---- what is shown ----


def _show(made: Replan, base: FleetCertificate) -> None:
    console, cycle = Console(width=None if Console().is_terminal else 150), made.cycle
    console.print(by_region(made.certificate.problem, made.certificate.plan, cycle.regions))
    for text in _sentences(made):
        console.print(text, highlight=False, soft_wrap=True)
    short = _shortages(made, base.problem.period_s)
    if short.row_count:
        console.print(short)
    unheld = _unheld(made)
    if unheld.row_count:
        console.print(unheld)


def _sentences(made: Replan) -> Iterator[str]:
    cycle, yuan = made.cycle, 1e8
    for used in cycle.used:
        if used.use is not Use.MEASURED:
            age = "无测量 no measurement" if used.age_ms is None else f"{used.age_ms / _MS:g} s"
            how = "按计划 at its plan" if used.use is Use.HELD else "按零 at zero"
            yield f"站 station {used.station}: 数据过期 stale ({age}) → {how}"
    for low in cycle.lowered:
        yield (
            f"站 station {low.station}: 电量达不到 content out of reach, {low.missing_wh / 1000:,.1f} kWh "
            f"(时段 period {cycle.first + low.period})"
        )
    for gone in cycle.leases_lowered:
        yield f"租约 lease {gone.lease}: 让步 gave way, {_gave_way(gone, made.certificate.problem.period_s)}"
    if made.kept_cost_microcents is None or made.saved_microcents is None:
        yield f"旧计划不可保持 the old plan cannot be kept: {made.kept_breaks}"
    else:
        yield (
            f"保持旧计划 keeping the old plan {made.kept_cost_microcents / yuan:,.4f} yuan   "
            f"新计划 new plan {made.new_cost_microcents / yuan:,.4f} yuan   "
            f"节省 saved {made.saved_microcents / yuan:,.4f} yuan"
        )
    if cycle.terms.deviation_price is not None:
        yield "表中负荷与受电自日前计划起算 load and import in the table count from the day-ahead position"
    proof = made.certificate
    yield (
        f"下界 lower bound {proof.lower_bound_microcents / yuan:,.4f} yuan   证明间隙 certified gap {proof.gap_ppm} ppm"
    )


def _gave_way(gone: LeaseLowered, period_s: int) -> str:
    """What of a lease, kWh and kW; of a firm one the order that was moved furthest."""
    kw = 3600 / period_s / 1000
    told = (
        (gone.account_wh / 1000, "账户暂不可用 account out of use", "kWh"),
        (gone.room_wh / 1000, "账户空间 room in the account", "kWh"),
        (gone.charge_wh * kw, "充电份额 share of charge", "kW"),
        (gone.discharge_wh * kw, "放电份额 share of discharge", "kW"),
        (gone.end_min_wh / 1000, "期末最低 end rule", "kWh"),
        (gone.order_wh * kw, f"指令（时段 {gone.period}）order in its period {gone.period}", "kW"),
    )
    return ", ".join(f"{what} {value:,.3f} {unit}" for value, what, unit in told if value)


def _unheld(made: Replan) -> Table:
    """A row for each reserve, region and period with something of the requirement missing."""
    table = Table(title="备用缺额 reserve not held", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in ("reserve 备用", "region 区域", "period 时段", "required 要求 Wh", "missing 缺额 Wh"):
        table.add_column(heading, justify="right", no_wrap=True)
    for q, (reserve, rows) in enumerate(zip(made.certificate.problem.reserves, made.shortage.unheld_wh, strict=True)):
        name = f"{q} {_WAYS[reserve.direction]}"
        for r, row in enumerate(rows):
            for t, wh in enumerate(row):
                if wh and table.row_count < _MOST_ROWS:
                    wanted = f"{reserve.requirement_wh[r][t]:,}"
                    table.add_row(name, str(r), str(made.cycle.first + t), wanted, f"{wh:,}")
    return table


def _shortages(made: Replan, period_s: int) -> Table:
    """A row for each region and period with something open, Wh."""
    table = Table(title="缺口 shortage, Wh", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in (
        "region 区域",
        "period 时段",
        "begins 开始 ms",
        "imbalance 偏差多受",
        "unserved 失供",
        "spilled 弃电",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    cycle, left = made.cycle, made.shortage
    for r in range(cycle.regions):
        rows = zip(left.taken_more_wh[r], left.unserved_wh[r], left.spilled_wh[r], strict=True)
        for t, row in enumerate(rows):
            if any(row) and table.row_count < _MOST_ROWS:
                begins = cycle.terms.begins_ms + (cycle.first + t) * period_s * _MS
                table.add_row(str(r), str(cycle.first + t), str(begins), *(f"{wh:,}" for wh in row))
    return table
