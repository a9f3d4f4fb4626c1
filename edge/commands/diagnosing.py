"""`alliance-edge diagnose` and `soh-test` (protocol 9.22): shows the diagnosis; asks a running box for a test."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from alliance import identity
from alliance.identity import to_hex
from edge.evidence.store import open_to_look
from edge.folder import DATABASE
from edge.health.diagnosis import cycle, keeper, report
from edge.health.diagnosis.cycle import CycleMissing, CycleRunning, Job
from edge.health.diagnosis.summary import diagnosed
from edge.health.diagnosis.texts import PARTS, REASONS, STAGES, WHY, Text, finding_text
from edge.settings import Settings, load
from oracle import deployment as deployments

app = typer.Typer(no_args_is_help=True, help="A test of the battery's health 健康度测试, as a job of the running box.")

Config = Annotated[Path, typer.Option("--config", help="Settings, TOML or JSON.")]
Language = Annotated[Literal["zh", "en"], typer.Option("--lang", help="zh or en.")]
Plain = Annotated[bool, typer.Option("--json", help="JSON values.")]


def diagnose(
    config: Config,
    language: Language = "zh",
    plain: Plain = False,
    power_w: Annotated[int | None, typer.Option(help="Of the believable energy; rated by default.", min=1)] = None,
) -> None:
    """Health, cell spread, believable energy, findings and work orders of the battery; also while the box runs."""
    settings = load(config)
    store = open_to_look(settings.state / DATABASE)
    try:
        gathered, job = keeper.saved(store), keeper.job(store)
    finally:
        store.close()
    told = diagnosed(
        gathered, [_report(path) for path in keeper.reports(settings.state)], limits=settings.limits,
        cells=settings.cells, power_w=power_w,
    )  # fmt: skip
    told = {"station": settings.station, **told, "test": None if job is None else _job(job)}
    if plain:
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for line in lines(told, Words(language)):
        typer.echo(line)


@app.command()
def start(
    config: Config,
    power_w: Annotated[int | None, typer.Option(help="Charging and discharging; half the rating by default.")] = None,
    rest_s: Annotated[int, typer.Option(help="Each rest.")] = 1_800,
    over_schedule: Annotated[bool, typer.Option("--over-schedule", help="Go before the schedule.")] = False,
) -> None:
    """Ask the running box to begin a test; it begins with the box's next round, or is refused there by name."""
    settings = load(config)
    limits = settings.limits
    most_w = min(limits.charge_power_w, limits.discharge_power_w)
    terms = cycle.Terms(
        power_w=most_w // 2 if power_w is None else power_w, rest_ms=1_000 * rest_s, over_schedule=over_schedule
    )
    terms.check(limits, cells=settings.cells)
    job = _stored_job(settings)
    if job is not None and not job.stage.over:
        raise CycleRunning(started_ms=job.started_ms, stage=str(job.stage))
    keeper.ask(settings.state, {"terms": terms.to_plain()})
    typer.echo(json.dumps({"asked": terms.to_plain()}))


@app.command()
def abort(config: Config) -> None:
    """Ask the running box to end its test."""
    settings = load(config)
    job = _stored_job(settings)
    if job is None or job.stage.over:
        raise CycleMissing(station=settings.station)
    keeper.ask(settings.state, {"abort": True})
    typer.echo(json.dumps({"asked": "abort"}))


@app.command("status")
def job_status(config: Config) -> None:
    """Print where the newest test stands, as JSON."""
    settings = load(config)
    job = _stored_job(settings)
    waiting = (settings.state / keeper.REQUEST).exists()
    typer.echo(json.dumps({"test": None if job is None else _job(job), "requestWaiting": waiting}, ensure_ascii=False))


@app.command("report")
def print_report(
    config: Config,
    out: Annotated[Path | None, typer.Option("--out", help="File; else standard output.")] = None,
) -> None:
    """Hand out the newest test's signed report."""
    settings = load(config)
    found = keeper.reports(settings.state)
    if not found:
        raise CycleMissing(station=settings.station)
    text = found[-1].read_text(encoding="utf-8")
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A signed report.")],
    deployment: Annotated[Path, typer.Option(help="The pinned deployment.")],
    device: Annotated[str | None, typer.Option(help="Whose it must be, 0x….")] = None,
    key: Annotated[str | None, typer.Option(help="The key that must have signed, 0x….")] = None,
) -> None:
    """Check a report's signature and make every figure again from its rows; any difference is named."""
    found = report.check(
        file.read_bytes(), domain=deployments.load(deployment).domain,
        device=None if device is None else identity.address(device, field="device"),
        key=None if key is None else identity.address(key, field="key"),
    )  # fmt: skip
    typer.echo(
        json.dumps(
            {
                "signature": "good", "figures": "good", "device": to_hex(found.device), "key": to_hex(found.key),
                "outcome": found.report["outcome"], "rows": len(found.report["rows"]),
                **{name: found.report["figures"][name] for name in ("sohCapacityBp", "sohResistanceBp", "scoreCenti")},
            }
        )
    )  # fmt: skip


class Words:
    """Texts in one language."""

    def __init__(self, language: Literal["zh", "en"]) -> None:
        self._at = 0 if language == "zh" else 1

    def one(self, zh: str, en: str) -> str:
        """The text in this language."""
        return (zh, en)[self._at]

    def of(self, texts: Mapping[str, Text], name: str) -> str:
        """A catalogue's text; the name itself where it has none."""
        return texts[name][self._at] if name in texts else name

    def pick(self, text: Text) -> str:
        """A text of a catalogue in this language."""
        return text[self._at]


def lines(told: Mapping[str, Any], say: Words) -> list[str]:
    """The diagnosis for a person."""
    return [
        say.one(f"储能站 {told['station']} 电池诊断", f"Battery diagnosis of station {told['station']}"),
        *_health(told, say),
        *_spread(told["spread"], say),
        *_band(told["believable"], say),
        *_orders(told, say),
        *_test(told["test"], say),
    ]


def _health(told: Mapping[str, Any], say: Words) -> list[str]:
    score = told["scoreCenti"]
    parts = ", ".join(f"{say.of(PARTS, name)} {part / 100:.0f}" for name, part in told["scoreParts"].items())
    missing = ", ".join(say.of(PARTS, name) for name in told["scoreMissing"])
    shown = say.one("未知", "unknown") if score is None else f"{score / 100:.1f}"
    capped = say.one("（跳闸告警，封顶40）", " (capped at 40: trip alarm)") if told["scoreCapped"] else ""
    lacks = say.one(f"；未计入：{missing}", f"; not counted: {missing}") if missing else ""
    life = told["remainingCycles"]
    return [
        say.one("健康评分 ", "Health score ") + f"{shown}{capped}  [{parts}{lacks}]",
        say.one("容量健康度 C/C额定 ", "State of health by capacity C/C_rated ") + _percent(told["sohCapacityBp"], say),
        say.one("内阻健康度 (2R0−R)/R0 ", "State of health by resistance (2R0−R)/R0 ")
        + _percent(told["sohResistanceBp"], say),
        say.one("剩余循环 (SOH−EOL)/每循环衰减 ", "Remaining cycles (SOH−EOL)/fade ")
        + (f"{life['value']} ± {2 * life['u']}" if "value" in life else say.of(WHY, life["why"])),
    ]


def _percent(figure: Mapping[str, Any], say: Words) -> str:
    if "value" not in figure:
        return say.one("尚不能判断：", "cannot tell yet: ") + say.of(WHY, figure["why"])
    source = say.one("测试", "test") if figure["from"] == "test" else say.one("运行", "ordinary work")
    return f"{figure['value'] / 100:.2f} % ± {2 * figure['u'] / 100:.2f} % (95 %; {source}, n={figure['n']})"


def _spread(spread: Mapping[str, Any] | None, say: Words) -> list[str]:
    if spread is None:
        return [say.one("单体压差 尚无单体电压", "Cell spread: no cell voltages")]
    first = say.one(
        f"单体压差 {spread['deltaMv']} mV（最高 {spread['highestCell']} 号，最低 {spread['lowestCell']} 号），"
        f"σ {spread['sigmaUv'] / 1000:.2f} mV",
        f"Cell spread {spread['deltaMv']} mV (highest cell {spread['highestCell']}, lowest {spread['lowestCell']}), "
        f"sigma {spread['sigmaUv'] / 1000:.2f} mV",
    )
    odd = [
        f"#{n} z={spread['zMilli'][n - 1] / 1000:+.1f} z_MAD={spread['robustZMilli'][n - 1] / 1000:+.1f}"
        for n in spread["outstanding"]
    ]
    return [first, *([say.one("离群单体 ", "Outstanding cells ") + "; ".join(odd[:16])] if odd else [])]


def _band(band: Mapping[str, Any] | None, say: Words) -> list[str]:
    if band is None:
        return [say.one("可信电量 尚无样本", "Believable energy: no samples yet")]
    names: dict[str, Text] = {"give": ("可放", "can give"), "take": ("可充", "can take")}
    return [
        f"{say.one('可信电量', 'Believable energy')} {say.pick(names[side])} "
        f"{one['energyWh'] / 1000:.1f} kWh [{one['lowWh'] / 1000:.1f}, {one['highWh'] / 1000:.1f}] "
        f"95 % @ {one['powerW'] / 1000:.0f} kW, n={one['runs']}"
        for side, one in band.items()
    ]


def _orders(told: Mapping[str, Any], say: Words) -> list[str]:
    shown = []
    for order in told["workOrders"]:
        name, cause, action, cell = finding_text(order["name"])
        where = f" #{cell}" if cell else ""
        shown.append(
            say.one("检修单 ", "Work order ") + f"{say.pick(name)}{where} ({_local(order['opened'])}): "
            f"{say.one('原因', 'cause')} {say.pick(cause)}; {say.one('处理', 'to do')} {say.pick(action)}"
        )
    return shown


def _test(test: Mapping[str, Any] | None, say: Words) -> list[str]:
    if test is None:
        return []
    why = f" ({say.of(REASONS, test['reason'])})" if test["reason"] else ""
    return [say.one("健康度测试 ", "Health test ") + f"{_local(test['started'])}: {say.of(STAGES, test['stage'])}{why}"]


def _local(t_ms: int) -> str:
    return (datetime.fromtimestamp(t_ms / 1_000, UTC) + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M")


def _job(job: Job) -> dict[str, object]:
    return {
        "started": job.started_ms, "stage": str(job.stage), "stageSince": job.stage_ms, "seen": job.seen_ms,
        "reason": job.reason, "ended": job.ended_ms, "terms": job.terms.to_plain(),
    }  # fmt: skip


def _stored_job(settings: Settings) -> Job | None:
    store = open_to_look(settings.state / DATABASE)
    try:
        return keeper.job(store)
    finally:
        store.close()


def _report(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["report"]
    return value
