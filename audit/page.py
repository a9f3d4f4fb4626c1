"""An audit's report as one HTML page that needs nothing else (protocol 11.8): Chinese with English beside it."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

from alliance.calendar import iso_utc
from alliance.identity import to_hex
from audit.finding import Divergence
from audit.report import KINDS, STEPS
from audit.verdict import DayResult, MoneyRow, Outcome, Report

_SHELL = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))

_SAID = {
    Outcome.PASS: ("通过：全部由证据重新算出", "Pass: all of it recomputed from evidence"),
    Outcome.FAIL: ("不符：证据、链与规则不一致", "Fail: evidence, chain and rules do not agree"),
    Outcome.UNREAD: ("未能全部读取：既未通过，也不指控任何人", "Not all read: neither a pass nor an accusation"),
}
_WORDS = {Outcome.PASS: "通过 pass", Outcome.FAIL: "不符 fail", Outcome.UNREAD: "未读 not read"}


def page(report: Report, *, version: str, rerun: Sequence[str], made_at_ms: int) -> str:
    """The whole page."""
    zh, en = _SAID[report.outcome]
    title = f"审计报告 Audit report · {report.span}" + (f" · {report.focus}" if report.focus else "")
    parts = [
        f'<p class="verdict {report.outcome.value}"><strong>{zh}</strong><br><span class="en">{en}</span></p>',
        _facts(report, version=version, made_at_ms=made_at_ms),
        _divergences(report),
        _unread(report),
        _days(report.results),
        _money(report),
        _checked(),
        _notes(report.notes),
        _rerun(rerun),
    ]
    return _SHELL.substitute(title=escape(title), body="\n".join(part for part in parts if part))


def _facts(report: Report, *, version: str, made_at_ms: int) -> str:
    c = report.counts
    block = "–" if report.head_block is None else f"{report.head_block} · {_hex(report.head_hash)}"
    time = "–" if report.head_s is None else iso_utc(report.head_s * 1000)
    state = "已由区块头证明 proved to the header" if report.proved else "节点所述 the node's word"
    rows = [
        ("链 chain", str(report.deployment.chain_id)),
        ("登记合约 AllianceRegistry", _hex(report.deployment["AllianceRegistry"].address)),
        ("截至区块 up to block", block),
        ("区块时间 its time", time),
        ("链上状态 state", state),
        ("第二节点 second node", escape(report.second) or "未比较 not compared"),
        ("时段 epochs", f"{c.epochs:,}"),
        ("数据段 segments", f"{c.segments:,}（空段 gap records {c.gaps:,}）"),
        ("读数 readings", f"{c.readings:,}（时间越界 outside their bracket {c.outside:,}）"),
        ("结算书 / 行 statements / lines", f"{c.statements:,} / {c.lines:,}"),
        ("读取块 blocks read", f"{c.blocks:,}（{c.block_bytes:,} bytes）"),
        ("程序版本 version", escape(version)),
        ("生成于 made at", iso_utc(made_at_ms)),
    ]
    return _section("核对了什么 What was checked", _table((), ((name, value) for name, value in rows)))


def _divergences(report: Report) -> str:
    if not report.found:
        return ""
    rows = (
        (
            escape(str(day) if day else "–"), escape(_place(one)), escape(one.rule),
            f"<code>{escape(one.expected)}</code>", f"<code>{escape(one.got)}</code>",
        )
        for day, one in report.found
    )  # fmt: skip
    head = ("日 day", "位置 place", "规则 rule", "应为 expected", "实为 got")
    return _section(f"不符之处 Divergences ({len(report.found):,})", _table(head, rows))


def _unread(report: Report) -> str:
    if not report.unread:
        return ""
    rows = ((escape(one.what), escape(one.why)) for one in report.unread)
    return _section("未能读取 Not read", _table(("内容 what", "原因 why"), rows))


def _days(results: Sequence[DayResult]) -> str:
    if not results:
        return ""
    rows = (
        (
            str(one.day), _WORDS[one.outcome], f"{one.versions}", f"{one.lines:,}", f"{one.unmetered:,}",
            escape(one.why) + _taken(one),
        )
        for one in results
    )  # fmt: skip
    head = ("日 day", "结论 verdict", "#版本 versions", "#行 lines", "#未计量时段 unmetered slots", "说明 remark")
    return _section("逐日 Day by day", _table(head, rows))


def _taken(one: DayResult) -> str:
    if not one.taken:
        return ""
    named = ", ".join(map(str, one.taken))
    return f"电站 {named} 的电量按结算书所述 <small>quantities of stations {named} taken as stated</small>"


def _money(report: Report) -> str:
    rows = [row for one in report.results for row in _money_rows(one)]
    if not rows:
        return ""
    total = sum(row.amount_cents for one in report.results for row in one.money)
    head = ("日 day", "项目 line", "对方 counterparty", "#行 lines", "#电量 Wh", "#分 cents", "如何得出 why")
    last = ("合计 total", "", "", "", "", f"<strong>{total:,}</strong>", "正数为收入 positive: received")
    return _section(f"{escape(report.focus)} 的账目 Money", _table(head, [*rows, last]))


def _money_rows(one: DayResult) -> Iterable[tuple[str, ...]]:
    for row in one.money:
        zh, en = KINDS[row.kind]
        yield (
            str(one.day), escape(f"{row.kind.label} {_subject(row)}"), escape(row.counterparty), f"{row.lines:,}",
            f"{row.quantity_wh:,}", f"{row.amount_cents:,}", f"{zh} <small>{en}</small>",
        )  # fmt: skip


def _subject(row: MoneyRow) -> str:
    return f"#{row.subject}" if row.subject else ""


def _checked() -> str:
    rows = ((escape(clause), f"{zh}<br><small>{en}</small>") for clause, zh, en in STEPS)
    return _section("规则 Rules", _table(("条款 clause", "内容 what"), rows))


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    return _section("备注（不违反规则）Notes (no rule broken)", _table((), ((escape(note),) for note in notes)))


def _rerun(rerun: Sequence[str]) -> str:
    return _section("重新核对 Run it again", f"<pre><code>{escape(' '.join(rerun))}</code></pre>")


def _place(found: Divergence) -> str:
    w = found.where
    named = (
        ("电站 station", w.station), ("设备 device", None if w.device is None else to_hex(w.device)),
        ("通道 channel", w.channel), ("批次 epoch", w.epoch), ("时段 slot", w.slot), ("序号 seq", w.seq),
    )  # fmt: skip
    return "；".join(f"{name} {value}" for name, value in named if value is not None) or "–"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a heading that begins with # stands over numbers."""
    numbers = [name.startswith("#") for name in head]
    top = "".join(f"<th{_class(n)}>{name.removeprefix('#')}</th>" for name, n in zip(head, numbers, strict=True))
    body = "".join(f"<tr>{''.join(_cells(row, numbers))}</tr>" for row in rows)
    return f'<div class="scroll"><table>{f"<tr>{top}</tr>" if top else ""}{body}</table></div>'


def _cells(row: Sequence[str], numbers: Sequence[bool]) -> Iterable[str]:
    for at, value in enumerate(row):
        yield f"<td{_class(at < len(numbers) and numbers[at])}>{value}</td>"


def _class(number: bool) -> str:
    return ' class="n"' if number else ""


def _hex(raw: bytes | None) -> str:
    return "–" if raw is None else f"<code>{to_hex(raw)}</code>"
