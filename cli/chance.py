"""`alliance chance`: limits drawn in so that forecast errors break the real ones on a share of days at most (9.19).

`tighten` reads a fleet (as `alliance plan solve` does) and days of errors (`cli.chance_days`), and writes the fleet
with its limits drawn in, which `alliance plan solve` plans and certifies as any other, and the record. `check` makes
both again. `judge` holds a certified plan against other days. All end with 0, 1 (refused, with the number; `judge`:
more broken days than ε, beyond what chance explains) or 2 (a file that cannot be read).
"""

import json
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from alliance.chance.adapt import Adapted
from alliance.chance.judge import Judged, judged
from alliance.chance.record import (
    ChanceRecord,
    ChanceTerms,
    MarginLeavesNoRoom,
    ScenariosBesideMargins,
    check_chance,
    record_from_plain,
    record_to_plain,
    require_planned,
    tightened,
)
from alliance.chance.scale import TooFewDays
from alliance.errors import AllianceError, Malformed, Missing
from alliance.fleetplan import problem_to_plain
from alliance.fleetproof import certificate_from_plain
from alliance.fleetproof import check as check_certificate
from cli.chance_days import days_in
from cli.plain_json import read_json
from cli.security import read_fleet

_FLEET = typer.Argument(exists=True, readable=True, help="JSON, or a folder of CSV tables.")
_FILE = typer.Argument(exists=True, dir_okay=False, readable=True)
_DAYS = typer.Argument(exists=True, readable=True, help="CSV of errors, or a folder of forecasts.")
_PERIOD = typer.Option(min=1, max=86_400, help="CSV tables: length of a period.")
_JSON = typer.Option("--json", help="One JSON object instead of the lines.")
_MOST_NAMED = 20
_PCT_PPM = 10_000
_IN_CHINESE: dict[type[Exception], str] = {
    TooFewDays: "样本天数太少，无论裕度多大都不足以保证该 ε",
    MarginLeavesNoRoom: "裕度过大，限值内容不下必须流过的电量",
    ScenariosBesideMargins: "裕度只保护预测，不与场景并用",
}

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _chance() -> None:
    """Keep a fleet's limits on all but a share ε of days, whatever law the forecast's errors follow."""


@app.command()
def tighten(
    fleet: Annotated[Path, _FLEET],
    days: Annotated[Path, _DAYS],
    out: Annotated[Path, typer.Option(help="Where the fleet with drawn-in limits goes, JSON.")],
    record: Annotated[Path, typer.Option(help="Where the record goes, JSON.")],
    epsilon_pct: Annotated[float, typer.Option(min=0.0001, max=99.9999, help="Share of days, per cent.")] = 5.0,
    radius_pct: Annotated[float, typer.Option(min=0, max=100_000, help="Wasserstein radius, % of the shape.")] = 0.0,
    shape_days: Annotated[int | None, typer.Option(min=1, help="Oldest days for the shape; a quarter.")] = None,
    window_days: Annotated[int, typer.Option(min=0, help="Use so many of the newest days; 0: all.")] = 0,
    pace_pct: Annotated[
        float, typer.Option(min=0, max=100, help="Where days drift: pace at which ε is followed; wants a window.")
    ] = 0.0,
    period_s: Annotated[int, _PERIOD] = 900,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Draw FLEET's limits in by what DAYS say. Exit 1 if days are too few, or the margins leave no room.

    DAYS 历史误差: CSV day,station,period,error_kw (measured less forecast 实测减预测, oldest day first 由旧到新;
    optional column region for base loads), or a folder 0.json, 1.json, … of what `alliance forecast --scenarios` wrote.
    """
    try:
        problem = read_fleet(fleet, period_s=period_s)
        errors = days_in(days, problem)
        terms = ChanceTerms(
            epsilon_ppm=round(epsilon_pct * _PCT_PPM), radius_ppm=round(radius_pct * _PCT_PPM),
            shape_days=max(1, (window_days or len(errors)) // 4) if shape_days is None else shape_days,
            window_days=window_days, pace_ppm=round(pace_pct * _PCT_PPM),
        )  # fmt: skip
        made, found = tightened(problem, errors, terms)
        out.write_text(json.dumps(problem_to_plain(made)) + "\n", encoding="utf-8")
        record.write_text(json.dumps(record_to_plain(found)) + "\n", encoding="utf-8")
    except (AllianceError, OSError) as error:
        _refuse("tighten", error)
    _show(found, as_json=as_json)


@app.command()
def check(
    record: Annotated[Path, _FILE],
    fleet: Annotated[Path, _FLEET],
    days: Annotated[Path, _DAYS],
    plan: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A certificate to check.")] = None,
    period_s: Annotated[int, _PERIOD] = 900,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Make RECORD again from the real limits of FLEET and from DAYS; PLAN must be for the limits drawn in."""
    try:
        problem = read_fleet(fleet, period_s=period_s)
        found = record_from_plain(read_json(record))
        check_chance(found, problem, days_in(days, problem))
        if plan is not None:
            require_planned(found, certificate_from_plain(read_json(plan)), problem)
    except (AllianceError, OSError) as error:
        _refuse("check", error)
    _show(found, as_json=as_json)


@app.command()
def judge(
    plan: Annotated[Path, _FILE],
    fleet: Annotated[Path, _FLEET],
    days: Annotated[Path, _DAYS],
    record: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="ε, and the plan's problem.")] = None,
    period_s: Annotated[int, _PERIOD] = 900,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """On what share of other DAYS the certified PLAN would have broken the real limits of FLEET, with an interval."""
    try:
        problem = read_fleet(fleet, period_s=period_s)
        made = certificate_from_plain(read_json(plan))
        check_certificate(made)
        found = None if record is None else record_from_plain(read_json(record))
        if found is not None:
            require_planned(found, made, problem)
        result = judged(made, problem, days_in(days, problem))
    except (AllianceError, OSError) as error:
        _refuse("judge", error)
    epsilon_ppm = None if found is None else found.terms.epsilon_ppm
    _show_judged(result, epsilon_ppm, as_json=as_json)
    if epsilon_ppm is not None and result.lowest_ppm > epsilon_ppm:
        raise typer.Exit(1)


def _refuse(command: str, error: Exception) -> NoReturn:
    said = _IN_CHINESE.get(type(error))
    typer.echo(f"alliance chance {command}: {f'{said} ' if said else ''}{error}", err=True)
    raise typer.Exit(2 if isinstance(error, Malformed | Missing | OSError) else 1) from None


# ---- what is shown ----


def _show(record: ChanceRecord, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(record_to_plain(record)["chance"]))
        return
    terms, margins = record.terms, record.margins
    kept = f"{100 - terms.epsilon_ppm / _PCT_PPM:g} %"
    scored = (terms.window_days or record.days) - terms.shape_days
    largest = max((max(row, default=0) for row in (*margins.region_import, *margins.region_export)), default=0)
    at_pcc = max((*margins.station_import, *margins.station_export), default=0)
    for line in (
        f"全部限值同时守住的概率不低于 all limits kept together with probability {kept} at least"
        if record.adapted is None
        else f"全部限值同时守住的日子长期趋于 all limits kept together, in the long run, on {kept} of days",
        f"{'可交换 exchangeable' if record.adapted is None else '可漂移 drifting'} days: {scored} 天评分 scored, "
        f"{terms.shape_days} 天定形状 for the shape",
        f"Wasserstein 半径 radius {terms.radius_ppm / _PCT_PPM:g} %：该半径内任何分布 any law within it",
        *_told_of(record.adapted),
        f"尺度 scale {max(record.conformal_ppm, record.robust_ppm) / 1e6:.4f}（保形 conformal "
        f"{record.conformal_ppm / 1e6:.4f}, 鲁棒 robust {record.robust_ppm / 1e6:.4f}）",
        f"最大裕度 largest margin: 并网点 PCC {at_pcc:,} Wh, 区域 region {largest:,} Wh",
        f"样本 days {record.days_digest}",
        f"problem {record.problem_digest}",
    ):
        typer.echo(line)


def _told_of(replayed: Adapted | None) -> list[str]:
    if replayed is None:
        return []
    return [
        f"回放 replayed {replayed.replayed_days} 天 days: 越限 broken {replayed.broken_days}, "
        f"封顶 clipped {replayed.clipped_days}; 次日水平 level for the next {replayed.level_ppm / _PCT_PPM:.2f} %"
    ]


def _show_judged(result: Judged, epsilon_ppm: int | None, *, as_json: bool) -> None:
    if as_json:
        named = [{"day": b.day, "limit": b.limit, "place": b.place, "period": b.period, "over_wh": b.over_microwh / 1e6}
                 for b in result.broken]  # fmt: skip
        figures = {"days": result.days, "broken_days": len(result.broken), "frequency_ppm": result.frequency_ppm,
                   "lowest_ppm": result.lowest_ppm, "highest_ppm": result.highest_ppm}  # fmt: skip
        print(json.dumps(figures | {"epsilon_ppm": epsilon_ppm, "broken": named}))
        return
    frequency, lowest, highest = (
        f"{ppm / _PCT_PPM:.2f} %" for ppm in (result.frequency_ppm, result.lowest_ppm, result.highest_ppm)
    )
    aim = "" if epsilon_ppm is None else f"   ε {epsilon_ppm / _PCT_PPM:g} %"
    typer.echo(
        f"越限频率 violation frequency {frequency} ({len(result.broken)} / {result.days} 天 days)   "
        f"95 % 区间 interval {lowest} – {highest}{aim}"
    )
    for b in result.broken[:_MOST_NAMED]:
        typer.echo(f"  天 day {b.day}: {b.limit} {b.place}, 时段 period {b.period}, +{b.over_microwh / 1e9:,.3f} kWh")
