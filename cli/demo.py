"""`alliance demo`: six stations of Lianyungang live one day, from meter to money; an auditor recomputes it."""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from alliance.calendar import day_of
from alliance.errors import AllianceError
from simulation.demo import DEFAULT_DAY, Demo, DemoOptions, Played
from simulation.report import audited, gas_spent, result

_T = TypeVar("_T")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_STATE = Path(".alliance/demo")
_WIDTH = 106
"""The table needs so many columns; a narrower terminal wraps its lines rather than losing digits."""
_COLUMNS = (
    "充电\ncharged\nkWh",
    "放电\ndischarged\nkWh",
    "单独省*\nalone*",
    "联合省*\ntogether*",
    "租赁\nlease",
    "平台费\nfee",
    "净额\nnet",
)


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the day instead of staying up.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as one JSON object, the last line.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Play the day after the last one played.")] = False,
    day: Annotated[str, typer.Option(help="The day to play, YYYY-MM-DD.")] = DEFAULT_DAY,
    seed: Annotated[str, typer.Option(help="Same seed, same bytes.")] = "lianyungang",
    speed: Annotated[float, typer.Option(help="Simulated seconds a real second, at most; 0: no ceiling.", min=0)] = 0,
    profiles: Annotated[
        Path | None, typer.Option(help="Folder of your own load and PV: station-1.csv … (see the README).")
    ] = None,
    port: Annotated[int, typer.Option(help="The page's port; 0 takes a free one.", min=0, max=65_535)] = 0,
    state: Annotated[Path, typer.Option(help="Where the demo keeps everything.")] = _STATE,
) -> None:
    """Play one day of an alliance of six storage stations, settle it on chain, and audit it.

    Chain, service, six boxes and six simulated stations run in processes of their own, on loopback, in lock-step.
    """
    try:
        options = DemoOptions(
            day=day_of(day), seed=seed, state=state.resolve(), resume=resume, speed=speed, profiles=profiles, port=port
        )
        code = asyncio.run(_play(options, once=once, as_json=as_json))
    except (AllianceError, OSError, httpx.HTTPError) as error:
        typer.echo(f"alliance demo: {error}", err=True)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


async def _play(options: DemoOptions, *, once: bool, as_json: bool) -> int:
    console = Console(stderr=True)
    console.width = max(console.width, _WIDTH)
    show = Demo(options, say=lambda text: console.print(f"  · {text}", highlight=False))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        work = asyncio.create_task(_day(show, console, as_json=as_json))
        code = await _unless(stopped, work)
        if code is None:
            return 130
        if not once:
            place = show.service_url
            console.print(f"\n  页面 page: {place}/   API: {place}/docs   Ctrl-C 结束 ends", highlight=False)
            await _unless(stopped, asyncio.create_task(show.go_on()))
        return code
    finally:
        await show.stop()


async def _unless(stopped: asyncio.Event, work: "asyncio.Task[_T]") -> _T | None:
    """What the work returns, or None when it was told to stop first."""
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if work.done():
        return work.result()
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    return None


async def _day(show: Demo, console: Console, *, as_json: bool) -> int:
    played = await show.play()
    verdict = await asyncio.to_thread(audited, played)
    gas = await asyncio.to_thread(gas_spent, played)
    found = await asyncio.to_thread(result, played, token=show.token, verdict=verdict, gas=gas)
    _print(console, played, found)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    return 0 if verdict.passed and found["net_sum_cents"] == 0 else 1


def _print(console: Console, played: Played, found: Mapping[str, Any]) -> None:
    title = f"{found['day']}  结算 settlement, 元 yuan (* 估算 estimates, 不结算 not settled)"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("成员\nmember", no_wrap=True)
    for heading in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    for m in found["members"]:
        table.add_row(
            m["name"], _kwh(m["charged_wh"]), _kwh(m["discharged_wh"]), _yuan(m["saving_alone_cents"]),
            _yuan(m["saving_together_cents"]), _yuan(m["lease_cents"]), _yuan(m["fee_cents"]), _yuan(m["net_cents"]),
        )  # fmt: skip
    table.add_section()
    for party in found["parties"]:
        if party["kind"] != "member":
            table.add_row(party["id"], "", "", "", "", "", "", _yuan(party["net_cents"]))
    table.add_row("Σ", "", "", "", "", "", "", _yuan(found["net_sum_cents"]), style="bold")
    console.print(table)
    gap = found["certified_gap"]
    console.print(
        f"  计划证明间隙 certified gap {'–' if gap is None else f'{gap:.6f}'}   "
        f"读数 readings {found['readings']:,}   数据段 segments {found['segments']:,}   纪元 epochs {found['epochs']}\n"
        f"  gas {found['gas_total']:,}, 每条读数存证 anchoring a reading {found['gas_per_reading']}   "
        f"用时 wall {found['wall_s']} s",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"  审计 audit: {_verdict(found['audit'])}", highlight=False)
    console.print(
        f"  再审一次 audit again: alliance audit --rpc {played.rpc_url} --archive {played.archive} --day {played.day} "
        f"--deployment {played.deployment} --key {played.key}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _verdict(audit: object) -> str:
    if audit == "pass":
        return "[green]pass 通过[/green]"
    return f"[red]{json.dumps(audit, ensure_ascii=False)}[/red]"


def _kwh(energy_wh: int) -> str:
    return f"{energy_wh / 1000:,.0f}"


def _yuan(cents: int) -> str:
    return f"{cents / 100:,.2f}"
