"""`alliance-edge events`: the event log as a table, as JSON lines, or walked from end to end (protocol 10.20)."""

import json
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Literal

import typer

from alliance.calendar import ZONE_OFFSET_MS
from alliance.errors import Missing
from alliance.identity import Address, address
from edge.evidence.store import open_to_look
from edge.folder import DATABASE
from edge.health import event_log
from edge.health import events as chain
from edge.health.events import Checked, Entry, EntryUnreadable, SignedHead
from edge.health.texts import Language, word
from edge.settings import load
from oracle import deployment as deployments

_LOCAL = timezone(timedelta(milliseconds=ZONE_OFFSET_MS))


class EventsMissing(Missing):
    """There is no event log: the box never ran with this state folder."""


def events(
    config: Annotated[Path, typer.Option("--config", help="Settings, TOML or JSON.")],
    last: Annotated[int, typer.Option("--last", help="So many of the newest; 0 all.", min=0)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Entries as JSON lines; of --verify one object.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Walk the chain; name the first broken entry.")] = False,
    head: Annotated[bool, typer.Option("--head", help="Print the newest signed head, to be kept elsewhere.")] = False,
    against: Annotated[
        list[Path] | None, typer.Option("--against", help="A head kept elsewhere, for --verify.")
    ] = None,
    key: Annotated[list[str] | None, typer.Option("--key", help="Key whose heads count, 0x…, for --verify.")] = None,
    folder: Annotated[Path | None, typer.Option("--folder", help="A copy of the log's folder.")] = None,
    language: Annotated[Literal["zh", "en"], typer.Option("--lang", help="zh or en.")] = "zh",
) -> None:
    """事件日志 the event log: what happened, when; --verify finds what was changed, deleted, inserted or reordered.

    Exit 0: whole. 3: broken, the first broken entry is named. Entries after the newest signed head are only chained: a
    tail cut off there is not found.
    """
    settings = load(config)
    where = folder or settings.state / event_log.FOLDER
    if not event_log.files_of(where):
        raise EventsMissing
    if head:
        typer.echo(json.dumps(_kept(settings.state)[0].to_plain()))
    elif verify:
        checked = _checked(config, where, [*(against or ())], [address(one, field="key") for one in key or ()])
        typer.echo(json.dumps(_plain(checked)) if as_json else _told(checked, language))
        if checked.broken is not None:
            raise typer.Exit(3)
    else:
        for line in _shown(event_log.lines_of(where), last=last, as_json=as_json, language=language):
            typer.echo(line)


def _checked(config: Path, where: Path, against: list[Path], keys: list[Address]) -> Checked:
    settings = load(config)
    domain = deployments.load(settings.deployment).domain
    head, known, device = _kept(settings.state)
    heads = [head, *(chain.read_head(json.loads(path.read_text(encoding="utf-8"))) for path in against)]
    return chain.check(
        event_log.lines_of(where), device=device, domain=domain, keys=frozenset(keys) or known, heads=heads,
        may_begin_late=event_log.begins_late(where),
    )  # fmt: skip


def _kept(state: Path) -> tuple[SignedHead, frozenset[Address], Address]:
    """The newest head, the box's keys and its name, from the database."""
    store = open_to_look(state / DATABASE)
    try:
        head, device = event_log.kept_head(store), store.meta("device")
        names = [store.meta(name) for name in ("device", "signer", "before")]
        keys = event_log.kept_keys(store) | {Address(name) for name in names if name}
    finally:
        store.close()
    if head is None or device is None:
        raise EventsMissing
    return head, keys, Address(device)


def _shown(lines: Iterable[bytes], *, last: int, as_json: bool, language: Language) -> Iterator[str]:
    kept = deque(lines, maxlen=last or None)
    if not as_json:
        yield "  编号  时间                     事件" if language == "zh" else "number  time                     event"
    for line in kept:
        try:
            entry, _ = chain.read_line(line)
        except EntryUnreadable as error:
            yield json.dumps({"error": str(error)}) if as_json else f"     ?  {word('unreadable', language)}: {error}"
            continue
        yield line[65:].decode().rstrip("\n") if as_json else _row(entry, language)


def _row(entry: Entry, language: Language) -> str:
    at = datetime.fromtimestamp(entry.t_ms / 1_000, UTC).astimezone(_LOCAL)
    shown = "" if entry.kind == chain.HEAD else _facts(entry, language)
    when = f"{at:%Y-%m-%d %H:%M:%S}.{entry.t_ms % 1_000:03d}"
    return f"{entry.number:6}  {when}  {word(entry.kind, language)}  {shown}".rstrip()


def _facts(entry: Entry, language: Language) -> str:
    facts = dict(entry.facts)
    if set(facts) == {"before", "after"}:
        return f"{word(str(facts['before']), language) or '—'} → {word(str(facts['after']), language) or '—'}"
    named = word(str(facts.pop("alarm")), language) if "alarm" in facts else ""
    told = "，".join(f"{name} {word(str(value), language)}" for name, value in facts.items() if value not in ("", None))
    return "  ".join(filter(None, (named, told)))


def _told(checked: Checked, language: Language) -> str:
    broken = checked.broken
    if broken is None:
        zh = f"完整：第 {checked.first}–{checked.last} 条，共 {checked.entries} 条；签名覆盖至第 {checked.signed_to} 条"
        en = f"whole: entries {checked.first}–{checked.last}, {checked.entries} in all; signed to {checked.signed_to}"
        return zh if language == "zh" else en
    how = word(broken.how, language)
    more = "".join(f"; {name} {value}" for name, value in (("want", broken.want), ("got", broken.got)) if value)
    if language == "zh":
        return f"损坏：第 {broken.number} 条（日志第 {broken.line} 行）{how}{more}；此前 {checked.entries} 条衔接完好"
    return f"broken: entry {broken.number} (line {broken.line}) {how}{more}; {checked.entries} before it hold together"


def _plain(checked: Checked) -> dict[str, object]:
    broken = checked.broken
    return {
        "whole": broken is None, "entries": checked.entries, "first": checked.first, "last": checked.last,
        "signedTo": checked.signed_to,
        "broken": None if broken is None else {
            "number": broken.number, "line": broken.line, "how": broken.how.value, "want": broken.want,
            "got": broken.got,
        },
    }  # fmt: skip
