"""`alliance-edge alarms` (protocol 10.16.7): what stands, causes first; what a person asks; and the fault table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alliance.errors import Refused
from edge.evidence.store import open_to_look
from edge.folder import DATABASE
from edge.health.faults import engine
from edge.health.faults.asks import Ask, Verb, ask
from edge.health.faults.board import kept, rows
from edge.health.faults.engine import State
from edge.health.faults.kinds import kinds
from edge.health.faults.stated import Basis, Way, ways
from edge.health.faults.thresholds import Threshold
from edge.health.faults.words import action_en, action_zh, level_en, level_zh, shown

Row = Mapping[str, object]
_TOLD = {
    "zh": {
        "none": "无告警", "ack": "已请求确认", "reset": "已请求复位", "acked": "已确认",
        "latched": "已锁存，须手动复位", "gone": "原因已消除，可复位", "do": "处理", "since": "始于", "limit": "限值",
    },
    "en": {
        "none": "no alarms", "ack": "asked to acknowledge", "reset": "asked to reset", "acked": "acknowledged",
        "latched": "latched, reset by hand", "gone": "cause gone, may be reset", "do": "do", "since": "since",
        "limit": "limit",
    },
}  # fmt: skip
HEADER = (
    "| 代码 code | 故障 fault | kind | 级别 level | 限值 limit | 检出时限 stated delay | 恢复 clear | 动作 action |",
    "|---|---|---|---|---|---|---|---|",
)
_VARIANTS = {"charge": "（充电、静置 charging, resting）", "discharge": "（放电 discharging）"}


@dataclass(kw_only=True, eq=False)
class ByUnnamed(Refused):
    """Who acknowledges or resets an alarm must be said."""

    verb: str


def standing_at(state: Path) -> list[dict[str, object]]:
    """The alarms that stand in a state folder. Raises StoreMissing, StoreCorrupt or StoreVersionUnknown."""
    return rows(_kept(state))


def asked(state: Path, wanted: Ask, *, language: str) -> str:
    """Put a request down, unless it would be refused anyway; what to tell the person.

    Raises ByUnnamed, AlarmAbsent, AlarmNotLatched or CauseStands.
    """
    if not wanted.by.strip():
        raise ByUnnamed(verb=wanted.verb)
    does = engine.acknowledged if wanted.verb is Verb.ACK else engine.reset
    does(_kept(state), wanted.number, by=wanted.by, t_ms=0)
    ask(state, wanted)
    return f"{_TOLD[language][wanted.verb]} {wanted.number}"


def as_text(found: Sequence[Row], language: str) -> str:
    """The list for a person: a cause a paragraph, what follows from it beneath."""
    words = _TOLD[language]
    if not found:
        return words["none"]
    first = [row for row in found if row["cause"] is None]
    causes = sorted(first, key=lambda row: (-_int(row, "level"), _int(row, "number")))
    lines = []
    for cause in causes:
        lines.append(_line(cause, language))
        lines.append(f"      {words['do']}: {cause['do' + language.capitalize()]}")
        lines += [f"    └ {_line(row, language)}" for row in found if row["cause"] == cause["number"]]
    return "\n".join(lines)


def fault_table(thresholds: Mapping[str, Threshold]) -> str:
    """Every kind at every level that it can have: code, limit, stated delay, action; Markdown."""
    lines = [_fault(way) for kind in kinds() for way in ways(kind, thresholds)]
    return "\n".join([*HEADER, *lines]) + "\n"


def _fault(way: Way) -> str:
    kind, level = kinds()[way.kind], way.level
    variant = way.threshold.name.partition(".")[2] if way.threshold else ""
    limit = (
        f"{'≤' if way.threshold.low else '≥'} {shown(way.threshold.limits[level], way.threshold.unit)}"
        if way.threshold
        else "–"
    )
    cells = (
        f"0x{kind.code(level):04X}", f"{kind.zh} {kind.en}{_VARIANTS.get(variant, '')}", f"`{kind.name}`",
        f"{level_zh(kind, level)} {level_en(kind, level)}", limit, _stated(way), _seconds(way.delays.clear_ms),
        f"{action_zh(kind, level)} {action_en(kind, level)}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _stated(way: Way) -> str:
    lasting = _seconds(way.delays.of(way.level))
    return {
        Basis.VALUE: f"{lasting} + 2 轮 rounds", Basis.AT_ONCE: f"{lasting} + 2 轮 rounds",
        Basis.BEATS: "4 轮 rounds" if way.delays.of(way.level) == 0 else f"{lasting} + 2 轮 rounds, ≥ 4 轮",
        Basis.READING: "1 采样周期 period + 2 轮 rounds", Basis.FROZEN: "`frozen_wh` + 1 采样周期 period + 2 轮 rounds",
    }[way.basis]  # fmt: skip


def _seconds(ms: int) -> str:
    return f"{ms // 1000} s" if ms % 1000 == 0 else f"{ms / 1000:g} s"


def _line(row: Row, language: str) -> str:
    words, tall = _TOLD[language], language.capitalize()
    marks = [words["acked"]] if row["acknowledged"] else []
    if row["latched"]:
        marks.append(words["gone"] if row["causeGone"] else words["latched"])
    value = f" {row['value']}" + (f" ({words['limit']} {row['limit']})" if row["limit"] else "") if row["value"] else ""
    told = f"{row['number']:>4} [{row['level' + tall]}] {row[language]}{value if row['limit'] else ''}  {row['code']}"
    return told + f"  {words['since']} {row['raised']}" + (f"  ({', '.join(marks)})" if marks else "")


def _kept(state: Path) -> State:
    store = open_to_look(state / DATABASE)
    try:
        return kept(store)
    finally:
        store.close()


def _int(row: Row, name: str) -> int:
    value = row[name]
    assert isinstance(value, int)
    return value
