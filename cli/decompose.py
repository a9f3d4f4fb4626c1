"""`alliance decompose`: split a regional target over stations, to the watt, with each one's reason (protocol 9.8).

FILE is a table of stations (CSV or JSON, columns in `cli.offers`); with `--check` it is a record that this command or
the service wrote. Ends with 0, 1 (the record does not hold) or 2 (a file or option that cannot be read). A shortfall is
an answer: it is said, and the end is 0.
"""

import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from alliance.errors import AllianceError, Malformed
from alliance.identity import Digest, digest
from alliance.instruction import (
    MOST_ID,
    Bound,
    Instruction,
    InstructionRecord,
    Method,
    cost_cents_per_hour,
    decompose_by,
    record_to_plain,
)
from alliance.instruction_check import Checked
from alliance.instruction_check import check as check_record
from cli.offers import offers_in
from optimizer.splitting import split

_REASONS = {
    Bound.POWER: "功率上限 power",
    Bound.SOC: "荷电状态 state of charge",
    Bound.PCC: "并网点 PCC",
    Bound.DECLARED: "申报上限 declared cap",
    Bound.STALE: "数据过期 telemetry too old",
    Bound.UNAVAILABLE: "无数据 no telemetry",
    Bound.SHARE: "按份额 its share",
    Bound.MERIT: "靠后 after those before it",
}
_MOST_ROWS = 60

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def decompose(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    target_kw: Annotated[
        str | None, typer.Option(help="More export positive, less negative; up to three decimals.")
    ] = None,
    method: Annotated[
        Method, typer.Option(help="Max–min by weight, cheapest first, or by what each can.")
    ] = Method.FAIR,
    duration_min: Annotated[int, typer.Option(min=1, max=1440, help="How long the target must be held.")] = 15,
    stale_after_s: Annotated[int, typer.Option(min=0, help="An older measured state is not used.")] = 300,
    call: Annotated[int, typer.Option(min=1, help="The how many-th instruction this is: it turns the ties.")] = 1,
    name: Annotated[str | None, typer.Option("--id", help="The instruction's name; the file's by default.")] = None,
    parent: Annotated[str | None, typer.Option(help="Digest (0x…) of the plan or instruction it carries out.")] = None,
    issued_ms: Annotated[int | None, typer.Option(min=0, help="UTC milliseconds; now by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the record goes (JSON).")] = None,
    check: Annotated[bool, typer.Option("--check", help="FILE is a record: recompute every watt of it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of the table.")] = False,
) -> None:
    """Split a target over the stations of FILE and say of each why it gives no more; or check a record."""
    if check:
        _check(file, as_json=as_json)
        return
    try:
        offers = offers_in(file, duration_s=duration_min * 60, stale_after_ms=stale_after_s * 1000)
        order = Instruction(
            id=(name or file.stem)[:MOST_ID], call=call, duration_s=duration_min * 60, method=method,
            issued_ms=time.time_ns() // 1_000_000 if issued_ms is None else issued_ms,
            stale_after_ms=stale_after_s * 1000, target_w=_watts(target_kw), parent=_parent(parent), offers=offers,
        )  # fmt: skip
        record = decompose_by(order, split)
        plain = record_to_plain(record)
        check_record(plain)
        if out is not None:
            out.write_text(json.dumps(plain) + "\n", encoding="utf-8")
    except (AllianceError, OSError) as error:
        _refuse(error)
    if as_json:
        typer.echo(json.dumps(plain))
        return
    _show(record)


def _check(file: Path, *, as_json: bool) -> None:
    try:
        found = check_record(json.loads(file.read_text(encoding="utf-8")))
    except (AllianceError, OSError) as error:
        _refuse(error)
    except (ValueError, RecursionError) as error:
        typer.echo(f"alliance decompose: {file.name} is no JSON: {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps({name: getattr(found, name) for name in Checked.__slots__}))
        return
    typer.echo(
        f"记录成立 the record holds: {found.stations} stations, {found.excluded} excluded, "
        f"target {_kw(found.target_w)} kW, given {_kw(found.given_w)} kW, short {_kw(found.shortfall_w)} kW"
    )


def _refuse(error: Exception) -> NoReturn:
    typer.echo(f"alliance decompose: {error}", err=True)
    raise typer.Exit(2 if isinstance(error, Malformed | OSError) else 1) from None


def _watts(text: str | None) -> int:
    if text is None:
        raise typer.BadParameter("--target-kw is missing")
    try:
        watts = Decimal(text) * 1000
    except ArithmeticError:
        raise typer.BadParameter(f"--target-kw {text}: not a number") from None
    if not watts.is_finite() or watts != watts.to_integral_value():
        raise typer.BadParameter(f"--target-kw {text}: not a whole number of watts")
    return int(watts)


def _parent(text: str | None) -> Digest | None:
    return None if text is None else digest(text, field="parent")


# ---- what is shown ----


def _show(record: InstructionRecord) -> None:
    order, done = record.instruction, record.split
    console = Console(width=None if Console().is_terminal else 110)
    console.print(_table(record))
    if len(order.offers) > _MOST_ROWS:
        console.print(f"… {len(order.offers) - _MOST_ROWS} more stations 另有电站 (--json, --out)", highlight=False)
    given_w = order.target_w - done.shortfall_w
    line = (
        f"目标 target {_kw(order.target_w)} kW   下达 given {_kw(given_w)} kW   缺额 short {_kw(done.shortfall_w)} kW"
    )
    if any(offer.price for offer in order.offers):
        line += f"   费用 cost {cost_cents_per_hour(order.offers, done.given_w) / 100:,.2f} yuan/h"
    console.print(line, highlight=False, soft_wrap=True)
    console.print(f"digest 0x{record.digest.hex()}", highlight=False, soft_wrap=True)
    if done.shortfall_w:
        typer.echo(f"short by {_kw(done.shortfall_w)} kW: every station gives all it can 缺额，各站已满", err=True)


def _table(record: InstructionRecord) -> Table:
    """A row a station: cap, price or weight, what it gives, why no more."""
    order = record.instruction
    merit = order.method is Method.MERIT
    table = Table(title=f"{order.id}  {order.method}", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    heading = "报价 price yuan/kWh" if merit else "权重 weight"
    for text in ("储能站 station", "上限 cap kW", heading, "下达 given kW", "不再多的原因 why no more"):
        table.add_column(text, justify="left" if "why" in text else "right", no_wrap=True)
    rows = zip(order.offers, record.split.given_w, record.bound_by, record.split.turn, strict=True)
    for offer, given_w, bound, turn in list(rows)[:_MOST_ROWS]:
        term_text = f"{offer.price / 100_000:.5f}" if merit else str(offer.weight)
        why = _REASONS[bound] + ("（先于同等者 before an equal）" if turn else "")
        table.add_row(str(offer.station), _kw(offer.cap_w(order.target_w)), term_text, _kw(given_w), why)
    return table


def _kw(power_w: int) -> str:
    return f"{Decimal(power_w) / 1000:,.3f}"
