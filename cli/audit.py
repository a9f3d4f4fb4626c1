"""`alliance audit`: recompute days from a chain and an archive (protocol 11); exit 0 pass, 1 divergence, 2 unread."""

import json
import shlex
import sys
import time
from calendar import monthrange
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from alliance.calendar import BadDay, Day, day_of
from alliance.errors import AllianceError
from alliance.identity import LeaseId, MemberId
from audit import completeness
from audit import report as reports
from audit.auditor import Asked, audit_days, silent
from audit.blocks import open_archive
from audit.facts import Progress as Report
from audit.focus import Focus
from audit.page import page
from audit.pinned import pinned_deployment
from audit.report import KINDS
from audit.resume import ResumeFile, question
from audit.verdict import Outcome, Verdict, told
from audit.verdict import Report as Found
from chain.rpc import Rpc
from oracle.deployment import Deployment
from oracle.grant import Opener, load_reader, open_grants

_STEPS = {
    "identity": "chain identity 链身份",
    "chain": "chain events 链上事件",
    "log": "log and signed readings 日志与签名读数",
    "documents": "rules and schedules 规则与计划",
    "settlement": "settlement 结算",
}
_SHOWN = 20
"""So many divergences are printed; the reports hold all."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """The command line, read."""

    days: tuple[Day, ...]
    focus: Focus
    rpc: str
    rpc2: str | None
    archive: str
    deployment: Path | None
    depth: int
    every: bool
    key: Path | None
    cache: Path | None
    held: tuple[Path, ...]


@app.command()
def audit(
    rpc: Annotated[str, typer.Option(help="An Ethereum node's JSON-RPC address.")],
    archive: Annotated[str, typer.Option(help="The archive: a folder, or the http(s) address of a trustless gateway.")],
    day: Annotated[str | None, typer.Option(help="The local day to audit, YYYY-MM-DD.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first of several days.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="The last of several days, itself included.")] = None,
    month: Annotated[str | None, typer.Option(help="A whole month, YYYY-MM.")] = None,
    member: Annotated[int | None, typer.Option(min=1, help="Only this member's readings, and its money.")] = None,
    lease: Annotated[int | None, typer.Option(min=1, help="Only this lease's station, and its money.")] = None,
    deployment: Annotated[
        Path | None, typer.Option(help="The pinned deployment; by default the one shipped for the node's chain.")
    ] = None,
    depth: Annotated[int, typer.Option(min=0, help="Blocks that must stand above what counts.")] = 0,
    key: Annotated[Path | None, typer.Option(help="A reader's key file: opens encrypted evidence.")] = None,
    held: Annotated[
        list[Path] | None, typer.Option(help="A file of kept segments and acknowledgements, held against the log.")
    ] = None,
    rpc2: Annotated[str | None, typer.Option(help="Another node, whose blocks and events are compared.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All divergences, not the first alone.")] = False,
    cache: Annotated[
        Path | None, typer.Option(help="A folder in which an interrupted audit of several days goes on.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report as one HTML page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json-report", help="Write the report as JSON.")] = None,
) -> None:
    """Recompute days from a chain and an archive; trust nobody. Exit 0 pass, 1 divergence, 2 not read."""
    if member is not None and lease is not None:
        raise typer.BadParameter("a member or a lease, not both", param_hint="--lease")
    focus = Focus(member=None if member is None else MemberId(member), lease=None if lease is None else LeaseId(lease))
    ask = _Ask(
        days=_days(day, first, last, month), focus=focus, rpc=rpc, rpc2=rpc2, archive=archive, deployment=deployment,
        depth=depth, every=every, key=key, cache=cache, held=tuple(held or ()),
    )  # fmt: skip
    try:
        found = _run(ask, quiet=as_json)
    except (AllianceError, FileNotFoundError) as error:
        _say_not_begun(error, ask, as_json=as_json)
        raise typer.Exit(Outcome.UNREAD.exit_code) from error
    for place, text in ((report, page), (json_file, _json)):
        if place is not None:
            made = text(found, version=_version(), rerun=_rerun(), made_at_ms=time.time_ns() // 1_000_000)
            place.write_text(made, encoding="utf-8")
    _say(found, as_json=as_json)
    raise typer.Exit(found.outcome.exit_code)


def _run(ask: _Ask, *, quiet: bool) -> Found:
    """Audit as asked. Raises the errors of a node, deployment or key file that cannot be used at all."""
    with ExitStack() as open_, Rpc(ask.rpc) as node:
        opener = None if ask.key is None else Opener(load_reader(ask.key), open_grants(ask.archive))
        pinned = pinned_deployment(node, ask.deployment)
        second = None if ask.rpc2 is None else open_.enter_context(Rpc(ask.rpc2))
        asked = Asked(
            depth=ask.depth, focus=ask.focus, every=ask.every, opener=opener, second=second,
            resume=_resume(ask, pinned, opener),
            held=tuple(one for path in ask.held for one in completeness.load(path, pinned.domain)),
        )  # fmt: skip
        progress = open_.enter_context(_bar(Console(stderr=True), quiet=quiet))
        return audit_days(node, lambda: open_archive(ask.archive), pinned, ask.days, asked=asked, progress=progress)


def _resume(ask: _Ask, pinned: Deployment, opener: Opener | None) -> ResumeFile | None:
    if ask.cache is None or len(ask.days) == 1 or ask.held:
        return None
    named = question(
        pinned, ask.days, ask.focus, archive=ask.archive, reader=opener.fingerprint if opener else "",
        version=_version(),
    )  # fmt: skip
    return ResumeFile(ask.cache, named)


def _days(day: str | None, first: str | None, last: str | None, month: str | None) -> tuple[Day, ...]:
    """The days that are asked for, in exactly one way."""
    ways = [day is not None, first is not None or last is not None, month is not None]
    if sum(ways) != 1 or (first is None) != (last is None):
        raise typer.BadParameter("give --day, or --from and --to, or --month", param_hint="--day")
    try:
        if month is not None:
            begin = day_of(f"{month}-01", field="month")
            return tuple(begin.plus(n) for n in range(monthrange(begin.date.year, begin.date.month)[1]))
        begin = day_of(day or first or "", field="day" if day else "from")
        end = begin if day else day_of(last or "", field="to")
    except BadDay as error:
        raise typer.BadParameter(str(error), param_hint=f"--{error.field}") from error
    if end < begin:
        raise typer.BadParameter(f"{end} is before {begin}", param_hint="--to")
    return tuple(map(Day, range(begin.number, end.number + 1)))


def _version() -> str:
    return f"storage-alliance {version_of('storage-alliance')}"


def _rerun() -> list[str]:
    """The command as it was given; the reports tell how to run it again."""
    return ["alliance", "audit", *map(shlex.quote, sys.argv[2:] if sys.argv[1:2] == ["audit"] else sys.argv[1:])]


def _json(found: Found, *, version: str, rerun: list[str], made_at_ms: int) -> str:
    plain = reports.to_plain(found, version=version, rerun=rerun, made_at_ms=made_at_ms)
    return json.dumps(plain, ensure_ascii=False, indent=1) + "\n"


# ---- what is said ----


def _say(found: Found, *, as_json: bool) -> None:
    verdict = found.verdict()
    if as_json:
        print(json.dumps(_plain(found, verdict), ensure_ascii=False))
        return
    for line in (*verdict.table, *_money(found), *_several(found)):
        print(line)
    print(_line(found, verdict))


def _plain(found: Found, verdict: Verdict) -> dict[str, object]:
    """A day's verdict as ever; of several days also each day's, and all that was found."""
    plain = verdict.to_plain()
    if len(found.days) > 1 or found.focus:
        plain |= {
            "days": [str(found.days[0]), str(found.days[-1])],
            "focus": found.focus or None,
            "perDay": [one.to_plain() for one in found.results],
        }
    if len(found.found) > 1:
        plain["divergences"] = [one.to_plain() for _, one in found.found]
    return plain


def _line(found: Found, verdict: Verdict) -> str:
    """The last line: a day's verdict, or the days' with how many of them."""
    if len(found.days) == 1 and len(found.found) <= 1:
        return verdict.line
    words = {Outcome.PASS: "PASS 通过", Outcome.FAIL: "FAIL 不符", Outcome.UNREAD: "NOT READ 未能读取"}
    passed = sum(one.outcome is Outcome.PASS for one in found.results)
    told_ = [f"{words[found.outcome]}  {found.span}: {passed} of {len(found.days)} days pass 天通过"]
    if found.found:
        told_.append(f"{len(found.found)} divergences 处不符, the first 首处: {told(found.found[0][1])}")
    elif found.unread:
        told_.append(f"{found.unread[0].what}: {found.unread[0].why}")
    return "; ".join(told_)


def _several(found: Found) -> list[str]:
    """Each further divergence and each day that did not pass, a line each."""
    days = [
        f"  {one.day} {one.outcome.value} {one.why}".rstrip()
        for one in found.results
        if len(found.days) > 1 and one.outcome is not Outcome.PASS
    ]
    listed = (
        [f"  {day or ''} {told(one)}".rstrip() for day, one in found.found[:_SHOWN]] if len(found.found) > 1 else []
    )
    more = [f"  … {len(found.found) - _SHOWN} more 更多"] if len(found.found) > _SHOWN else []
    return [*days, *listed, *more]


def _money(found: Found) -> list[str]:
    """What the asked member or lease received and paid, by kind, over all days."""
    sums: dict[str, list[int]] = {}
    why: dict[str, str] = {}
    for row in (row for one in found.results for row in one.money):
        name = f"{row.kind.label:<18} {row.counterparty:<11} #{row.subject:<4}"
        why[name] = f"{KINDS[row.kind][1]} {KINDS[row.kind][0]}"
        kept = sums.setdefault(name, [0, 0, 0])
        for at, value in enumerate((row.lines, row.quantity_wh, row.amount_cents)):
            kept[at] += value
    if not sums:
        return []
    head = f"{found.focus}: lines 行, Wh, cents 分 (positive: received 正数为收入)"
    rows = [f"  {name} {n:>6} {wh:>14,} {cents:>14,}  {why[name]}" for name, (n, wh, cents) in sums.items()]
    total = sum(cents for _, _, cents in sums.values())
    return [head, *rows, f"  {'total 合计':<34} {'':>6} {'':>14} {total:>14,}"]


def _say_not_begun(error: Exception, ask: _Ask, *, as_json: bool) -> None:
    told_ = error if isinstance(error, AllianceError) else _FileMissing(str(error))
    verdict = Verdict.not_begun(told_, ask.days[0])
    print(json.dumps(verdict.to_plain(), ensure_ascii=False) if as_json else verdict.line)


class _FileMissing(AllianceError):
    """A file that was named is not there."""


class _Bar:
    """One progress bar, which shows the step under way."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Report:
        self._progress.start()
        return self._show

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def _show(self, step: str, done: int, total: int) -> None:
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(_STEPS.get(step, step))
        self._progress.update(self._tasks[step], completed=done, total=total)


class _Quiet:
    def __enter__(self) -> Report:
        return silent

    def __exit__(self, *error: object) -> None:
        pass


def _bar(console: Console, *, quiet: bool) -> _Bar | _Quiet:
    return _Quiet() if quiet else _Bar(console)
