"""A station's point tables as one document: every point a row, columns named in Chinese or English."""

import csv
import io
from collections.abc import Iterable, Sequence
from fractions import Fraction

from edge.devices.open import Device
from edge.devices.points import Point
from edge.devices.vocabulary import IDENTITY

_COLUMNS = {
    "device": ("设备", "Device"),
    "key": ("标识", "Key"),
    "name_zh": ("名称", "Name (zh)"),
    "name_en": ("英文名称", "Name (en)"),
    "protocol": ("规约", "Protocol"),
    "unit_id": ("站号", "Unit"),
    "function": ("功能码", "Function"),
    "address": ("地址", "Address"),
    "type": ("数据类型", "Type"),
    "byte_word_order": ("字节序", "Byte and word order"),
    "scale": ("系数", "Scale"),
    "offset": ("偏移", "Offset"),
    "sign": ("方向", "Sign"),
    "unit": ("单位", "Unit of measure"),
    "min": ("下限", "Min"),
    "max": ("上限", "Max"),
    "access": ("读写", "Access"),
    "class": ("类别", "Class"),
    "poll_ms": ("采集周期 ms", "Poll ms"),
    "deadband": ("死区", "Deadband"),
    "alarm_level": ("告警级别", "Alarm level"),
    "enumeration": ("枚举", "Enumeration"),
}
_CLASSES = {
    "YC": ("遥测", "measured"),
    "YM": ("电度", "energy"),
    "YX": ("遥信", "status"),
    "YT": ("遥调", "set point"),
    "YK": ("遥控", "switch"),
}
LANGUAGES = ("zh", "en")


def as_csv(devices: Sequence[Device], *, language: str) -> str:
    """The document as CSV that spreadsheets open as it is: with a byte-order mark."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_header(language))
    writer.writerows(_rows(devices, language))
    return "\ufeff" + text.getvalue()


def as_markdown(devices: Sequence[Device], *, language: str) -> str:
    """The document as a Markdown table."""
    header = _header(language)
    lines = [header, ["---"] * len(header), *_rows(devices, language)]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def decimal(number: Fraction) -> str:
    """An exact number as a person writes it: a decimal where that ends within twelve places, else a fraction."""
    tens = 10**12
    if (number * tens).denominator != 1:
        return str(number)
    whole, part = divmod(abs(int(number * tens)), tens)
    return f"{'-' if number < 0 else ''}{whole}" + (f".{part:012d}".rstrip("0") if part else "")


def _header(language: str) -> list[str]:
    return [names[LANGUAGES.index(language)] for names in _COLUMNS.values()]


def _rows(devices: Sequence[Device], language: str) -> Iterable[list[str]]:
    for device in devices:
        for point in device.points.values():
            if point.key != IDENTITY:
                yield [device.part.name or device.file.removesuffix(".csv"), *_cells(point, language)]


def _cells(point: Point, language: str) -> list[str]:
    modbus = point.protocol == "modbus"
    return [
        point.key,
        point.name_zh,
        point.name_en,
        point.protocol,
        str(point.unit_id) if modbus else "",
        str(point.function) if modbus else "",
        str(point.address) if modbus else point.field,
        point.type,
        point.order if modbus else "",
        decimal(point.scale),
        decimal(point.offset),
        f"{point.sign:+d}",
        point.unit,
        decimal(point.lowest),
        decimal(point.highest),
        "RW" if point.writable else "R",
        f"{point.kind} {_CLASSES[point.kind][LANGUAGES.index(language)]}",
        str(point.poll_ms),
        decimal(point.deadband),
        str(point.alarm_level),
        "; ".join(f"{number}={name}" for number, name in point.enumeration),
    ]
