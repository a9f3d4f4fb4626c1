"""The catalogue of alarm kinds (protocol 10.16.1): code, name, what to do, which way each limits the battery.

A code is the family and the level's digit: 0x1033 is a cell's over-voltage at the level of a trip. Families below
0x200 are those that battery systems in China use; the rest are ours.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from functools import cache
from pathlib import Path

from alliance.errors import Missing

CATALOGUE = Path(__file__).with_name("kinds.csv")


class Level(IntEnum):
    """How bad: told; the battery is held back; the battery is stopped (告警 降额 跳闸)."""

    WARN = 1
    DERATE = 2
    TRIP = 3


LEVEL_ZH: Mapping[Level, str] = {Level.WARN: "告警", Level.DERATE: "降额", Level.TRIP: "跳闸"}
LEVEL_EN: Mapping[Level, str] = {Level.WARN: "warning", Level.DERATE: "derate", Level.TRIP: "trip"}


class Way(IntFlag):
    """Directions of the battery's power."""

    NONE = 0
    CHARGE = 1
    DISCHARGE = 2
    BOTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of alarm."""

    name: str
    family: int
    """All digits of the code but the last, which is the level."""
    zh: str
    en: str
    do_zh: str
    """What a person does about it."""
    do_en: str
    cuts: Way
    """The directions that a derate halves and a trip stops; NONE: it tells only."""
    latches: bool
    """Whether a trip stands until a person resets it, its cause gone."""
    opens: bool
    """Whether a trip opens the battery's contactors."""

    def code(self, level: Level) -> int:
        """The code at a level."""
        return self.family << 4 | level


@dataclass(kw_only=True, eq=False)
class KindUnknown(Missing):
    """A point table or a threshold names a kind of alarm that is not in the catalogue."""

    where: str
    kind: str


@cache
def kinds() -> Mapping[str, Kind]:
    """The catalogue by name, in the order of its codes."""
    with CATALOGUE.open(newline="", encoding="utf-8") as stream:
        read = [_kind(row) for row in csv.DictReader(stream, strict=True)]
    return {kind.name: kind for kind in sorted(read, key=lambda kind: kind.family)}


def kind_of(name: str, *, where: str) -> Kind:
    """A kind by name. Raises KindUnknown."""
    found = kinds().get(name)
    if found is None:
        raise KindUnknown(where=where, kind=name)
    return found


SUNSPEC: Mapping[str, tuple[str, Level]] = {
    "GROUND_FAULT": ("insulation_low", Level.TRIP),
    "DC_OVER_VOLT": ("pcs_dc_overvoltage", Level.TRIP),
    "AC_DISCONNECT": ("grid_lost", Level.DERATE),
    "DC_DISCONNECT": ("contactor_open", Level.DERATE),
    "GRID_DISCONNECT": ("grid_lost", Level.DERATE),
    "CABINET_OPEN": ("cabinet_open", Level.WARN),
    "MANUAL_SHUTDOWN": ("pcs_tripped", Level.TRIP),
    "OVER_TEMP": ("pcs_module_hot", Level.TRIP),
    "OVER_FREQUENCY": ("grid_frequency", Level.DERATE),
    "UNDER_FREQUENCY": ("grid_frequency", Level.DERATE),
    "AC_OVER_VOLT": ("grid_overvoltage", Level.DERATE),
    "AC_UNDER_VOLT": ("grid_undervoltage", Level.DERATE),
    "HW_TEST_FAILURE": ("pcs_tripped", Level.TRIP),
}
"""What SunSpec's model 701 calls its alarm bits (`Alrm`), and what they are here; any other is `vendor`."""


def _kind(row: Mapping[str, str]) -> Kind:
    return Kind(
        name=row["name"], family=int(row["family"], 16), zh=row["zh"], en=row["en"], do_zh=row["do_zh"],
        do_en=row["do_en"], cuts=Way[row["cuts"].upper()], latches=row["latches"] == "1", opens=row["opens"] == "1",
    )  # fmt: skip
