"""`alliance explain`: why a certified plan does what it does, what it costs and what limits it (protocol 9.9).

FILE is a certificate as `alliance plan solve` writes it, or a fleet's ({"v":1,"fleetCertificate":…}); without FILE a
day's is fetched from an archive or a service with a reader's key. Only the rules in `alliance` are used, nothing of the
planner. If FILE is a problem ({"v":1,"problem":…} or {"v":1,"fleet":…}), the planner is asked why it has no plan
(protocol 9.10). Exit 0 told (or the record holds), 1 refused with the first thing that is wrong, 2 not read.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import httpx
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from alliance import certificate as settled
from alliance import fleetplan, fleetproof
from alliance.calendar import day_of
from alliance.certificate import Certificate
from alliance.errors import AllianceError, Malformed, Missing
from alliance.fleetplan import FleetProblem
from alliance.fleetproof import FleetCertificate
from alliance.infeasible.check import check_infeasible
from alliance.infeasible.record import infeasibility_from_plain, infeasibility_to_plain
from alliance.infeasible.text import told as told_infeasible
from alliance.plain_json import plain_of, to_json
from alliance.schedule import Problem, from_plain, unwrap
from alliance.why.check import check_why, why_of
from alliance.why.record import Line, What, Why, in_cents, why_from_plain, why_to_plain
from alliance.why.story import shared_stops, stories
from alliance.why.text import NAMES, Language, title, told, told_shared, yuan
from cli.archived import archived_plan, served_plan
from cli.explain_chart import chart, stations_of
from cli.plain_json import read_json

_MOST_STORIES = 40
_HEADS = {
    Language.ZH: (
        "费用由什么组成",
        "费用由哪些限值决定",
        "负数是收入，或有了这份容量、电量和功率而省下的；正数是花费，或守住这条限值的代价。两个合计都等于计划的费用。",
    ),
    Language.EN: (
        "Cost by what moves",
        "Cost by what limits",
        "Below 0: income, or what having this room saves. Above 0: an expense, or what keeping this limit costs. "
        "Both sums are the plan's cost.",
    ),
}

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class NothingToExplain(Malformed):
    """Neither a certificate's FILE, nor a day with an archive or a service and a reader's key."""


@app.command()
def explain(
    file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, readable=True)] = None,
    day: Annotated[str | None, typer.Option(help="YYYY-MM-DD: without FILE, the day's newest day-ahead plan.")] = None,
    archive: Annotated[Path | None, typer.Option(help="… from this archive's folder …", file_okay=False)] = None,
    url: Annotated[str | None, typer.Option(help="… or from this service …")] = None,
    key: Annotated[Path | None, typer.Option(help="… opened with this reader's key.", dir_okay=False)] = None,
    certificate: Annotated[Path | None, typer.Option(help="Where the certificate goes (JSON).")] = None,
    station: Annotated[int | None, typer.Option(min=0, help="This station alone; of a fleet, its index.")] = None,
    lang: Annotated[Language, typer.Option(help="Language of the sentences.")] = Language.ZH,
    out: Annotated[Path | None, typer.Option(help="Where the record goes (JSON).")] = None,
    check: Annotated[Path | None, typer.Option(help="A record: check it against the certificate instead.")] = None,
    chart_file: Annotated[Path | None, typer.Option("--chart", help="Where the chart goes (SVG).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The record as one JSON object instead of text.")] = False,
) -> None:
    """Tell why a certified plan is as it is: what each station does and earns, what limits it, all to the cent."""
    try:
        problem = _problem(file)
        if problem is not None:
            _reason(problem, lang, out, check, as_json=as_json)
            return
        found = _certificate(file, day, archive, url, key)
        stations_of(found, station)  # before anything is written
        if certificate is not None and isinstance(found, Certificate):
            certificate.write_text(json.dumps(to_json(settled.certificate_to_plain(found))) + "\n", encoding="utf-8")
        if check is not None:
            check_why(why_from_plain(read_json(check)), found)
            typer.echo("记录成立 the record holds: every line and both sums are what the certificate gives")
            return
        record = why_of(found)
        if out is not None:
            out.write_text(json.dumps(why_to_plain(record)) + "\n", encoding="utf-8")
        if chart_file is not None:
            chart_file.write_text(chart(found, station, lang), encoding="utf-8")
    except (AllianceError, OSError, httpx.HTTPError) as error:
        _refuse(error)
    if as_json:
        typer.echo(json.dumps(why_to_plain(record)))
    else:
        _show(found, record, station, lang)


def _problem(file: Path | None) -> Problem | FleetProblem | None:
    """The problem in a file; None if it holds no problem."""
    plain = read_json(file) if file is not None else None
    if file is None or not isinstance(plain, dict):
        return None
    if "fleet" in plain:
        return fleetplan.problem_from_plain(plain)
    return (
        from_plain(Problem, unwrap(plain_of(plain, source=str(file)), name="problem"), where="problem")
        if "problem" in plain
        else None
    )


def _reason(
    problem: Problem | FleetProblem, lang: Language, out: Path | None, check: Path | None, *, as_json: bool
) -> None:
    """Say why a problem has no plan, or check what was said. Raises AllianceError."""
    if check is not None:
        check_infeasible(infeasibility_from_plain(plain_of(read_json(check), source=str(check))), problem)
        typer.echo("记录成立 the record holds: these limits cannot all be kept, none is needless, the way out works")
        return
    from optimizer.reasons import reason_of

    record = reason_of(problem)
    if record is None:
        typer.echo("有计划可守住全部限值 a plan keeps all limits: solve it, then explain its certificate")
        return
    plain = to_json(infeasibility_to_plain(record))
    if out is not None:
        out.write_text(json.dumps(plain) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(plain))
        return
    for sentence in told_infeasible(record, problem, lang):
        typer.echo(sentence)


def _certificate(
    file: Path | None, day: str | None, archive: Path | None, url: str | None, key: Path | None
) -> Certificate | FleetCertificate:
    if file is not None:
        plain = read_json(file)
        if isinstance(plain, dict) and "fleetCertificate" in plain:
            return fleetproof.certificate_from_plain(plain)
        return settled.certificate_from_plain(plain_of(plain, source=str(file)))
    if day is None or key is None or (archive is None) == (url is None):
        raise NothingToExplain
    if archive is not None:
        return archived_plan(archive, key, day_of(day))
    return served_plan(url or "", key, day_of(day))


def _refuse(error: Exception) -> NoReturn:
    typer.echo(f"alliance explain: {error}", err=True)
    unread = isinstance(error, Malformed | Missing | OSError | httpx.HTTPError)
    raise typer.Exit(2 if unread else 1) from None


# ---- what is shown ----


def _show(found: Certificate | FleetCertificate, record: Why, station: int | None, lang: Language) -> None:
    first_slot, slot_s = (
        (found.problem.first_slot, 900) if isinstance(found, Certificate) else (0, found.problem.period_s)
    )
    console = Console(width=None if Console().is_terminal else 110)
    shown = stories(record, station=station)
    for story in shown[:_MOST_STORIES]:
        console.print(title(story, lang), style="bold", highlight=False)
        for sentence in told(story, lang, first_slot=first_slot, slot_s=slot_s):
            console.print("  " + sentence, highlight=False, soft_wrap=True)
    if len(shown) > _MOST_STORIES:
        console.print(f"… {len(shown) - _MOST_STORIES} more 另有 (--station, --out)", highlight=False)
    if station is None:
        for shared in shared_stops(record):
            console.print(
                told_shared(shared, lang, first_slot=first_slot, slot_s=slot_s), highlight=False, soft_wrap=True
            )
        console.print(_money(_HEADS[lang][0], record.flows, record.objective_microcents, lang))
        console.print(_money(_HEADS[lang][1], record.limits, record.objective_microcents, lang))
        console.print(_HEADS[lang][2], highlight=False, soft_wrap=True)


def _money(head: str, lines: Sequence[Line], total: int, lang: Language) -> Table:
    """Yuan by kind, to the cent: the cents of the lines, added up."""
    by_kind: dict[What, int] = {}
    for line, cents in zip(lines, in_cents(lines, total), strict=True):
        by_kind[line.what] = by_kind.get(line.what, 0) + cents
    table = Table(title=head, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for what in What:
        if what in by_kind and (by_kind[what] or what is What.GAP):
            table.add_row(NAMES[lang][what], yuan(by_kind[what] * 10**6))
    table.add_section()
    table.add_row("Σ " + {Language.ZH: "元", Language.EN: "yuan"}[lang], yuan(sum(by_kind.values()) * 10**6))
    return table
