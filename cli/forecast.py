"""`alliance forecast`: what to expect of a measured series, how surely, and how well that has worked (protocol 9.6).

Files are CSV as `optimizer.forecasting.tables` documents them. The result is JSON {"v":1,"forecast":…}: whole numbers
in the series' unit. Ends with 0, 1 (no forecast, with the reason) or 2 (a file or an option is wrong).
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from alliance.calendar import day_of
from alliance.errors import AllianceError, Conflicting, Malformed
from cli.forecast_chart import chart as drawn
from optimizer.forecasting.forecast import forecast_of, skill_ahead
from optimizer.forecasting.record import Ask, Forecast, ahead, day_ahead, forecast_to_plain
from optimizer.forecasting.series import Regressor, Series
from optimizer.forecasting.skill import FORECAST, Skill
from optimizer.forecasting.tables import TableWrong, local_ms, local_text, read_history, read_regressors

_MOST_ROWS = 24
_SHOWN_DAYS = 2
_NAMES = {
    FORECAST: "forecast 本预测", "naive day": "naive day 前一日", "naive week": "naive week 前一周",
    "7-day mean": "7-day mean 七日均值", "persistence": "persistence 持续法",
}  # fmt: skip

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(kw_only=True, eq=False)
class OptionWrong(Malformed):
    """An option is not what it should be."""

    option: str
    got: str
    want: str


@app.command()
def forecast(
    history: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="CSV: time,<quantity>_<unit>[,…].")],
    regressors: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="CSV: time,issued,<name>_<unit>[,…].")
    ] = None,
    day: Annotated[str | None, typer.Option(help="The day to forecast, YYYY-MM-DD.")] = None,
    ahead_hours: Annotated[
        int | None, typer.Option("--ahead", min=1, max=4, help="Instead of a day: the next hours.")
    ] = None,
    issued: Annotated[
        str | None,
        typer.Option(help="YYYY-MM-DD HH:MM: use nothing known later. The day's beginning, or the history's end."),
    ] = None,
    series: Annotated[str | None, typer.Option(help="Which column of the history; the first by default.")] = None,
    quantiles: Annotated[str, typer.Option(help="In per cent, ascending, at least two.")] = "10,50,90",
    scenarios: Annotated[int, typer.Option(min=0, help="How many courses to draw.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of the drawing.")] = 0,
    backtest: Annotated[int, typer.Option(min=0, help="Judge it over so many of the last days.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where the forecast goes, JSON.")] = None,
    chart: Annotated[Path | None, typer.Option(help="Where a chart goes, SVG.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The forecast as JSON instead of the tables.")] = False,
) -> None:
    """Forecast load, PV, wind or prices, with intervals that cover what they promise and the errors of a back-test."""
    try:
        measured = read_history(_text(history), file=str(history), column=series)
        outside = read_regressors(_text(regressors), file=str(regressors)) if regressors else ()
        ask = replace(
            _ask(measured, day=day, hours=ahead_hours, issued=issued), quantiles_ppm=_levels(quantiles),
            scenarios=scenarios, seed=seed, backtest_days=backtest,
        )  # fmt: skip
        found = _forecast(measured, ask, outside, rolling=ahead_hours is not None, quiet=as_json)
        plain = json.dumps(forecast_to_plain(found))
        if out:
            out.write_text(plain + "\n", encoding="utf-8")
        if chart:
            chart.write_text(drawn(found, _last(measured, found)), encoding="utf-8")
    except (AllianceError, OSError) as error:
        _refuse(error)
    if as_json:
        typer.echo(plain)
    else:
        _show(found)


def _refuse(error: Exception) -> NoReturn:
    typer.echo(f"alliance forecast: {error}", err=True)
    raise typer.Exit(2 if isinstance(error, Malformed | Conflicting | OSError) else 1)


# ---- what is asked ----


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TableWrong(file=str(path), got=str(error), want="UTF-8") from error


def _ask(series: Series, *, day: str | None, hours: int | None, issued: str | None) -> Ask:
    at = None if issued is None else local_ms(issued)
    if issued is not None and at is None:
        raise OptionWrong(option="--issued", got=issued, want="YYYY-MM-DD HH:MM, local")
    if (day is None) == (hours is None):
        raise OptionWrong(option="--day, --ahead", got="both" if day else "neither", want="one of them")
    if hours is not None:
        return ahead(series.end_ms if at is None else at, step_ms=series.step_ms, hours=hours)
    return day_ahead(day_of(day or "", field="--day"), step_ms=series.step_ms, issued_ms=at)


def _levels(text: str) -> tuple[int, ...]:
    """Per cent, with up to four decimals, as ppm."""
    try:
        return tuple(round(float(part) * 10_000) for part in text.split(","))
    except (ValueError, OverflowError):
        raise OptionWrong(option="--quantiles", got=text, want="such as 10,50,90") from None


def _forecast(
    series: Series, ask: Ask, regressors: Sequence[Regressor], *, rolling: bool, quiet: bool
) -> Forecast:  # fmt: skip
    """A short forecast is made anew at every period of the back-test, that of a day once a day."""
    with _Bar(quiet=quiet) as told:
        if not (rolling and ask.backtest_days):
            return forecast_of(series, ask, regressors=regressors, progress=told)
        found = forecast_of(series, replace(ask, backtest_days=0), regressors=regressors)
        return replace(found, skill=skill_ahead(series, ask, regressors=regressors, progress=told))


class _Bar:
    """A progress bar on the error stream, or none."""

    def __init__(self, *, quiet: bool) -> None:
        columns = (TextColumn("forecasts 预测"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet)
        self._task = self._progress.add_task("")

    def __enter__(self) -> Callable[[int, int], None]:
        self._progress.start()
        return lambda done, total: self._progress.update(self._task, completed=done, total=total)

    def __exit__(self, *error: object) -> None:
        self._progress.stop()


def _last(series: Series, found: Forecast) -> tuple[int, ...]:
    """The last days before the cut-off."""
    end = series.index_of(found.cut_off_ms)
    return series.values[max(0, end - _SHOWN_DAYS * series.periods_a_day) : end]


# ---- what is shown ----


def _show(found: Forecast) -> None:
    console = Console(width=None if Console().is_terminal else 110)
    console.print(_values(found))
    if found.skill:
        console.print(_errors(found.skill, found))
        console.print(_calibration(found.skill))
    vintages = "".join(f"   {r.name} ≤ {local_text(r.newest_issued_ms)}" for r in found.regressors)
    console.print(
        f"issued 发布 {local_text(found.issued_ms)}   data until 数据截止 {local_text(found.cut_off_ms)}{vintages}   "
        f"calibrated on 校准 {found.calibration_days} days 天   scenarios 场景 {len(found.scenarios)}   "
        f"known 已知 0x{found.known_digest.hex()[:16]}…",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _values(found: Forecast) -> Table:
    every = -(-len(found.expected) // _MOST_ROWS)
    shown = "" if every == 1 else f", every 每 {every} periods 时段"
    levels = [f"{q.level_ppm / 1e4:g} %" for q in found.quantiles]
    table = _table(f"{found.series}, {found.unit}{shown}", ("time 时间", "expected 期望", *levels))
    for k in range(0, len(found.expected), every):
        time = local_text(found.first_ms + k * found.step_ms)
        table.add_row(time, f"{found.expected[k]:,}", *(f"{q.values[k]:,}" for q in found.quantiles))
    return table


def _errors(skill: Skill, found: Forecast) -> Table:
    title = f"back-test 回测: {skill.forecasts} forecasts 次预测, {skill.outcomes} outcomes 个实测值"
    table = _table(title, ("", f"mean abs. error 平均绝对误差 {found.unit}", "÷ mean |value| 归一化"))
    for error in skill.errors:
        style = "bold" if error.name == FORECAST else ""
        table.add_row(
            _NAMES[error.name], f"{error.mae_milli / 1000:,.1f}", _per_cent(error.nmae_ppm), style=style
        )  # fmt: skip
    table.add_section()
    table.add_row(f"skill over {skill.best_baseline} 技巧", "", _per_cent(skill.skill_ppm))
    table.add_row("pinball loss 分位损失", "", _per_cent(skill.pinball_ppm))
    return table


def _calibration(skill: Skill) -> Table:
    table = _table("calibration 校准", ("quantile 分位", "outcomes below 实测低于"))
    for one in skill.calibration:
        table.add_row(_per_cent(one.level_ppm), _per_cent(one.below_ppm))
    table.add_section()
    table.add_row(f"interval 区间 {_per_cent(skill.nominal_ppm)}", f"covers 覆盖 {_per_cent(skill.coverage_ppm)}")
    return table


def _table(title: str, headings: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _per_cent(ppm: int | None) -> str:
    return "–" if ppm is None else f"{ppm / 1e4:.1f} %"
