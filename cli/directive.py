"""`alliance directive`: a dispatcher's signed orders to station boxes, and what boxes answered (protocol 9.15).

Where the key, the service and the deployment are comes from options or from ALLIANCE_DISPATCHER_KEY,
ALLIANCE_SERVICE_URL and ALLIANCE_DEPLOYMENT; the key's passphrase from --passphrase-file or
ALLIANCE_DISPATCHER_PASSPHRASE. Ends with 0, 1 (refused) or 2 (something given cannot be read).
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import httpx
import typer
from rich.console import Console

from alliance.errors import AllianceError, Malformed
from alliance.identity import Digest, digest, to_hex
from cli.desk import Desk, Task, envelope_of, lock_of, open_desk
from cli.tables import empty_table
from edge.control.agc_score import Score, Standard, scored
from edge.control.response import Response
from oracle import keyfile
from oracle.adapters import SystemRandomness
from oracle.directive import Instruction
from oracle.signature import SECP256K1

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)

Key = Annotated[Path, typer.Option("--key", envvar="ALLIANCE_DISPATCHER_KEY", help="The dispatcher's key file.")]
Pass = Annotated[
    Path | None, typer.Option("--passphrase-file", help="Its passphrase; else ALLIANCE_DISPATCHER_PASSPHRASE.")
]
Url = Annotated[str, typer.Option("--service", envvar="ALLIANCE_SERVICE_URL", help="Where the service listens.")]
Pinned = Annotated[
    Path, typer.Option("--deployment", envvar="ALLIANCE_DEPLOYMENT", help="Your own copy of the pinned deployment.")
]
Simulated = Annotated[bool, typer.Option("--service-clock", help="Sign by the service's clock: simulated days alone.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of a table.")]
Station = Annotated[int, typer.Option("--station", min=1, help="The station.")]
Plan = Annotated[
    str | None, typer.Option("--plan", help="Digest (0x…) of the plan or instruction; today's schedule by default.")
]

_STANDINGS = {
    "waiting": "待答复 waiting", "accepted": "已接受 accepted", "refused": "已拒绝 refused", "done": "已完成 done",
    "superseded": "已被取代 superseded", "unanswered": "逾期未答 unanswered",
}  # fmt: skip
_HOUR_MS = 3_600_000


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="The key file; made when absent, encrypted.")],
    passphrase_file: Pass = None,
) -> None:
    """Make a dispatcher's key, or tell the address of one: boxes and service pin it (`dispatchers`)."""
    try:
        lock = lock_of(passphrase_file)
        if file.exists():
            signer = keyfile.load(file, lock)
        else:
            signer = keyfile.create(file, alg=SECP256K1, lock=lock, randomness=SystemRandomness())
    except (AllianceError, OSError) as error:
        _refuse(error)
    print(to_hex(signer.address))


@app.command()
def send(
    station: Station,
    key: Key,
    url: Url,
    deployment: Pinned,
    power_w: Annotated[int | None, typer.Option(help="At the battery's AC side, discharge positive.")] = None,
    envelope: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="JSON: droop, reserves, safe schedule.")
    ] = None,
    minutes: Annotated[int, typer.Option(min=1, max=20_160, help="So long it counts.")] = 15,
    kind: Annotated[Literal["dispatch", "agc"], typer.Option(help="The service that the power is for.")] = "dispatch",
    plan: Plan = None,
    passphrase_file: Pass = None,
    service_clock: Simulated = False,
    as_json: AsJson = False,
) -> None:
    """Order a power, or hand an envelope, to one station."""
    if (power_w is None) == (envelope is None):
        raise typer.BadParameter("give --power-w or --envelope")
    try:
        desk = _desk(url, deployment, key, passphrase_file, service_clock)
        body = (
            envelope_of(envelope.read_text(encoding="utf-8"))
            if envelope is not None
            else Instruction(service=kind, power_w=power_w or 0)
        )
        now_ms = desk.now_ms()
        task = Task(
            station=station, body=body, from_ms=now_ms, until_ms=now_ms + 60_000 * minutes,
            plan=_plan(desk, station, plan),
        )  # fmt: skip
        found = desk.send([task])
    except (AllianceError, OSError, httpx.HTTPError) as error:
        _refuse(error)
    _show(found, as_json=as_json)


@app.command("from-instruction")
def from_instruction(
    call: Annotated[int, typer.Argument(min=1, help="The instruction's number.")],
    key: Key,
    url: Url,
    deployment: Pinned,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
    passphrase_file: Pass = None,
    service_clock: Simulated = False,
    as_json: AsJson = False,
) -> None:
    """Check an instruction's record and states, then sign what it gives each station, all at once."""
    try:
        desk = _desk(url, deployment, key, passphrase_file, service_clock)
        tasks = desk.tasks_of(call)
        _preview(call, tasks)
        if not yes and not typer.confirm("签发 sign and send?", err=True):
            raise typer.Exit(1)
        found = desk.send(tasks) if tasks else []
    except (AllianceError, OSError, httpx.HTTPError) as error:
        _refuse(error)
    _show(found, as_json=as_json)


@app.command()
def agc(
    station: Station,
    key: Key,
    url: Url,
    deployment: Pinned,
    plan: Plan = None,
    hold_s: Annotated[int, typer.Option(min=1, max=900, help="A set point ends so long after it was signed.")] = 8,
    passphrase_file: Pass = None,
    service_clock: Simulated = False,
) -> None:
    """Read set points from standard input, a whole number of watts a line, and sign each as it comes.

    Each replaces the one before; when the lines stop, the last runs out and the station goes back to its plan. Writes
    `t_ms,power_w` a line: when each was signed.
    """
    try:
        desk = _desk(url, deployment, key, passphrase_file, service_clock)
        named = _plan(desk, station, plan)
        for power_w in _set_points(sys.stdin):
            now_ms = desk.now_ms()
            desk.send(
                [
                    Task(
                        station=station, body=Instruction(service="agc", power_w=power_w), from_ms=now_ms,
                        until_ms=now_ms + 1_000 * hold_s, plan=named,
                    )
                ]
            )  # fmt: skip
            print(f"{now_ms},{power_w}", flush=True)
    except (AllianceError, OSError, httpx.HTTPError) as error:
        _refuse(error)


@app.command("list")
def listed(
    key: Key,
    url: Url,
    deployment: Pinned,
    station: Annotated[int | None, typer.Option("--station", min=1, help="Of this station.")] = None,
    state: Annotated[str | None, typer.Option(help="waiting, accepted, refused, done, superseded, unanswered.")] = None,
    call: Annotated[int | None, typer.Option(min=1, help="Of this instruction; also says what is missing.")] = None,
    passphrase_file: Pass = None,
    service_clock: Simulated = False,
    as_json: AsJson = False,
) -> None:
    """Tell directives, the newest first, with what their boxes answered."""
    wanted = {"station": station, "state": state, "call": call}
    try:
        desk = _desk(url, deployment, key, passphrase_file, service_clock)
        found = desk.told(**{name: str(value) for name, value in wanted.items() if value is not None})
        obeyed = desk.instruction(call) if call is not None else None
    except (AllianceError, OSError, httpx.HTTPError) as error:
        _refuse(error)
    _show(found, as_json=as_json)
    if obeyed is not None and not as_json:
        _missing(obeyed)


@app.command()
def score(
    trace: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV t_ms,power_w: what was measured.")],
    commands: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV t_ms,power_w: what was asked.")],
    rated_w: Annotated[int, typer.Option(min=1, help="The station's rated power.")],
    standard_s: Annotated[int, typer.Option(min=1, help="K3's standard response time.")] = 60,
    band_bp: Annotated[int, typer.Option(min=1, help="K2's standard deviation, of the rated power.")] = 100,
    speed_bp: Annotated[int, typer.Option(min=1, help="K1's standard speed, of the rated power a minute.")] = 10_000,
    as_json: AsJson = False,
) -> None:
    """Measure how set points were followed: lag, rise, settling, and K1, K2, K3 of each change of the set point."""
    standard = Standard(speed_bp_per_min=speed_bp, deviation_bp=band_bp, response_ms=1_000 * standard_s)
    try:
        found = scored(_pairs(trace), _pairs(commands), rated_w=rated_w, standard=standard)
    except (AllianceError, OSError) as error:
        _refuse(error)
    if as_json:
        print(json.dumps([_plain(at_ms, asked_w, answer, marks) for at_ms, asked_w, answer, marks in found]))
        return
    table = empty_table(
        "调节性能 how set points were followed",
        (
            "时刻 t ms",
            "目标 asked W",
            "滞后 lag ms",
            "上升 rise ms",
            "稳定 settle ms",
            "偏差 off W",
            "K1",
            "K2",
            "K3",
            "Kp",
        ),
    )
    for at_ms, asked_w, answer, marks in found:
        ks = ("–",) * 4 if marks is None else tuple(f"{k / 1e6:.3f}" for k in (marks.k1, marks.k2, marks.k3, marks.kp))
        times = (_or_dash(answer.lag_ms), _or_dash(answer.rise_ms), _or_dash(answer.settle_ms))
        table.add_row(str(at_ms), str(asked_w), *times, str(answer.deviation_w), *ks)
    _console().print(table)


def _plain(at_ms: int, asked_w: int, answer: Response, marks: Score | None) -> dict[str, object]:
    return {
        "t": at_ms, "askedW": asked_w, "lagMs": answer.lag_ms, "riseMs": answer.rise_ms, "settleMs": answer.settle_ms,
        "deviationW": answer.deviation_w, "k1Ppm": marks and marks.k1, "k2Ppm": marks and marks.k2,
        "k3Ppm": marks and marks.k3, "kpPpm": marks and marks.kp,
    }  # fmt: skip


@dataclass(kw_only=True, eq=False)
class LineUnread(Malformed):
    """A line is not whole numbers as it should be."""

    line: int
    text: str


def _desk(url: str, deployment: Path, key: Path, passphrase_file: Path | None, service_clock: bool) -> Desk:
    return open_desk(
        url=url, deployment=deployment, key=key, passphrase_file=passphrase_file, service_clock=service_clock
    )


def _plan(desk: Desk, station: int, text: str | None) -> Digest:
    return desk.plan_of(station) if text is None else digest(text, field="plan")


def _set_points(lines: Iterable[str]) -> Iterator[int]:
    """A number a line; empty lines and lines that begin with # say nothing. Raises LineUnread."""
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            yield int(text.rpartition(",")[2])
        except ValueError:
            raise LineUnread(line=number, text=text[:80]) from None


def _pairs(path: Path) -> list[tuple[int, int]]:
    """`t_ms,power_w` a line; a first line of names is passed over. Raises LineUnread or OSError."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            t_text, power_text = line.split(",")
            found.append((int(t_text), int(power_text)))
        except ValueError:
            if number > 1 and line.strip():
                raise LineUnread(line=number, text=line[:80]) from None
    return found


def _refuse(error: Exception) -> NoReturn:
    typer.echo(f"alliance directive: {error}", err=True)
    raise typer.Exit(2 if isinstance(error, Malformed | OSError) else 1) from None


# ---- what is shown ----


def _preview(call: int, tasks: Sequence[Task]) -> None:
    table = empty_table(f"第 {call} 号调度 instruction {call}", ("储能站 station", "下达 given kW", "设定 order kW"))
    for task in tasks:
        assert isinstance(task.body, Instruction)
        table.add_row(str(task.station), _kw(task.given_w), _kw(task.body.power_w))
    Console(stderr=True, width=110).print(table)


def _show(found: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    table = empty_table(
        "指令 directives", ("编号 number", "站 station", "内容 what", "至 until", "状态 standing", "原因 why")
    )
    for one in found:
        why = "；".join(f"{reason['zh']} {reason['en']}" for reason in one["reasons"])
        late = "（曾逾期 was overdue）" if one["escalatedAt"] and one["standing"] != "unanswered" else ""
        table.add_row(
            str(one["number"]), str(one["station"]), _what(one), _time(one["until"]),
            _STANDINGS[one["standing"]] + late, why,
        )  # fmt: skip
    _console().print(table)


def _missing(found: Mapping[str, Any]) -> None:
    target_w, obeyed = found["record"]["targetW"], found["obeyed"]
    _console().print(
        f"目标 target {_kw(target_w)} kW   已接受 accepted {_kw(obeyed['promisedW'])} kW   "
        f"已完成 done {_kw(obeyed['doneW'])} kW   缺额 missing {_kw(obeyed['missingW'])} kW",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


def _what(one: Mapping[str, Any]) -> str:
    if one["kind"] == "instruction":
        return f"{'AGC ' if one['service'] == 'agc' else '调度 dispatch '}{_kw(one['powerW'])} kW"
    droop = "，下垂 droop" if one["droop"] else ""
    return f"边界 envelope +{_kw(one['reserveUpW'])}/−{_kw(one['reserveDownW'])} kW{droop}"


def _time(t_ms: int) -> str:
    return time.strftime("%m-%d %H:%M:%S", time.gmtime((t_ms + 8 * _HOUR_MS) // 1_000))


def _kw(power_w: int | None) -> str:
    return "–" if power_w is None else f"{Decimal(power_w) / 1000:,.3f}"


def _or_dash(value: int | None) -> str:
    return "–" if value is None else str(value)


def _console() -> Console:
    return Console(width=None if Console().is_terminal else 150)
