"""How an alarm is told (protocol 10.16.6): part, what, how much, what to do; Chinese first, English beside it."""

from collections.abc import Mapping
from fractions import Fraction

from edge.health.faults.engine import Alarm, Key
from edge.health.faults.kinds import LEVEL_EN, LEVEL_ZH, Kind, Level, Way, kinds

_SCALES: Mapping[str, tuple[int, str]] = {
    "mV": (1_000, "V"), "dC": (10, "°C"), "bp": (100, "%"), "‰": (10, "%"),
}  # fmt: skip
_TELLS_ZH: Mapping[Level, str] = {Level.WARN: "一般", Level.DERATE: "重要", Level.TRIP: "紧急"}
_TELLS_EN: Mapping[Level, str] = {Level.WARN: "minor", Level.DERATE: "major", Level.TRIP: "critical"}


def code_of(alarm: Alarm) -> str:
    """The alarm's code: 0x1033."""
    return f"0x{kinds()[alarm.key.kind].code(Level(alarm.level)):04X}"


def title_zh(key: Key) -> str:
    """Part and kind: 5号集装箱/2簇/3包/7号电芯过压."""
    kind = kinds()[key.kind]
    what = kind.zh
    if key.place.innermost in ("cell", "probe"):
        what = what.removeprefix("单体")
    elif key.place.innermost == "pack":
        what = what.removeprefix("电池包")
    where = key.place.zh()
    return f"{where}{_gap(where, what)}{what}{_detail(key, '：')}"


def title_en(key: Key) -> str:
    """Part and kind: container 5/cluster 2/pack 3/cell 7: over-voltage."""
    kind = kinds()[key.kind]
    what = kind.en.removeprefix("cell ") if key.place.innermost in ("cell", "probe") else kind.en
    where = key.place.en()
    return f"{where}: {what}{_detail(key, ', ')}" if where else f"{what}{_detail(key, ', ')}"


def level_zh(kind: Kind, level: Level) -> str:
    """告警, 降额, 跳闸 where the box acts on the battery; 一般, 重要, 紧急 where it only tells."""
    return (LEVEL_ZH if kind.cuts else _TELLS_ZH)[level]


def level_en(kind: Kind, level: Level) -> str:
    """Warning, derate, trip where the box acts; minor, major, critical where it only tells."""
    return (LEVEL_EN if kind.cuts else _TELLS_EN)[level]


def action_zh(kind: Kind, level: Level) -> str:
    """What the box itself does."""
    way = {Way.CHARGE: "充电", Way.DISCHARGE: "放电", Way.BOTH: "充放电"}.get(kind.cuts, "")
    if level is Level.WARN or not way:
        return "通知"
    if level is Level.DERATE:
        return f"{way}降额 50 %"
    told = "停止充放电并分闸" if kind.opens else f"停止{way}"
    return told + ("，手动复位" if kind.latches else "")


def action_en(kind: Kind, level: Level) -> str:
    """What the box itself does."""
    way = {Way.CHARGE: "charging", Way.DISCHARGE: "discharging", Way.BOTH: "both ways"}.get(kind.cuts, "")
    if level is Level.WARN or not way:
        return "tell"
    if level is Level.DERATE:
        return f"50 % of {way}" if way != "both ways" else "50 % both ways"
    told = "0 W, contactors open" if kind.opens else f"0 W {way}"
    return told + (", reset by hand" if kind.latches else "")


def shown(value: int | None, unit: str) -> str:
    """A value as a person reads it: 3650 mV is 3.65 V; "" where there is none."""
    if value is None:
        return ""
    scale, told = _SCALES.get(unit, (1, unit))
    exact = Fraction(value, scale)
    return f"{int(exact)} {told}".strip() if exact.denominator == 1 else f"{float(exact):g} {told}"


def _detail(key: Key, before: str) -> str:
    return before + key.detail if key.detail else ""


def _gap(where: str, what: str) -> str:
    """A device's whole name needs a break before what ails it; a part's does not."""
    if not where or what.startswith(where.rpartition("/")[2]):
        return ""
    return "" if where[-1] in "芯包簇点区相串道箱" else " "
