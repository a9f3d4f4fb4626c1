"""A dated rule pack: the prices that a region's rules set for a day, as data and never as code (protocol 8.3).

Each number says where it comes from and whether that was verified; an unverified number is shown as such everywhere.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from alliance.calendar import SLOTS_A_DAY, BadDay, Day, day_of
from alliance.errors import Malformed, Missing, Refused
from alliance.money import mul_div
from alliance.tariff import Tariff, TariffSlot

VERSION = 1
PPM = 1_000_000
MOST_PRICE = 10**9
"""Limit of any price, cents/MWh (10,000 yuan/kWh)."""
HOUR_CLASSES = ("critical", "peak", "flat", "valley", "deep_valley")
"""尖峰, 高峰, 平段, 低谷, 深谷."""

_SLOT_MINUTES = 15


@dataclass(kw_only=True, eq=False)
class PackMalformed(Malformed):
    """A field of a rule pack is missing, unknown, or outside its limit."""

    field: str
    value: str
    limit: str


@dataclass(kw_only=True, eq=False)
class PackVersionUnknown(Malformed):
    """A rule pack is written in a version of the format that this program does not know."""

    version: str
    known: int


@dataclass(kw_only=True, eq=False)
class PackNotInForce(Refused):
    """A rule pack is asked for a day outside its dates."""

    pack: str
    day: str
    effective_from: str
    effective_to: str


@dataclass(kw_only=True, eq=False)
class NoPackInForce(Missing):
    """No rule pack given covers a day."""

    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A number of a rule pack, where it comes from, and whether somebody checked it against the document."""

    value: int
    verified: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """The months in which an allocation of the day's hours holds, and that allocation."""

    name: str
    months: tuple[int, ...]
    classes: tuple[str, ...]
    """The hour class of each of the 96 slots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePack:
    """A region's rules for one tariff class. Prices are cents/MWh (1 yuan/kWh = 100,000)."""

    name: str
    jurisdiction: str
    tariff_class: str
    doc_no: str
    source: str
    effective_from: Day
    effective_to: Day | None
    """Last day in force; None while no end is known."""
    base_price: Parameter
    """Purchase price: the only part that the hour classes float."""
    adder_price: Parameter
    """Transmission, losses, funds and whatever else stands on top of it in every hour."""
    floats_ppm: Mapping[str, Parameter]
    """Hour class → change of the base price, parts per million; 0 for `flat`."""
    sell_price: Parameter
    wheeling_price: Parameter
    """What the network takes for energy that passes between two PCCs of a group, without losses."""
    loss_ppm: Parameter
    fee_bp: Parameter
    """The platform's part of a member's certified gain, basis points."""
    seasons: tuple[Season, ...]

    @property
    def unverified(self) -> tuple[str, ...]:
        """The names of the parameters that nobody has checked against their document."""
        return tuple(name for name, parameter in self.parameters.items() if not parameter.verified)

    @property
    def verified(self) -> bool:
        """Whether every parameter was checked."""
        return not self.unverified

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Every number of the pack by its name."""
        named = {name: getattr(self, name) for name in _PARAMETERS}
        return named | {f"floats_ppm.{name}": p for name, p in self.floats_ppm.items()}

    def in_force(self, day: Day) -> bool:
        """Whether the pack covers a day."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)

    def tariff_for(self, day: Day) -> Tariff:
        """The 96 slots of a day. Raises PackNotInForce."""
        if not self.in_force(day):
            raise PackNotInForce(
                pack=self.name,
                day=str(day),
                effective_from=str(self.effective_from),
                effective_to=str(self.effective_to or "open"),
            )
        return Tariff(pack=self.name, slots=self.month_slots(day.date.month))

    def month_slots(self, month: int) -> tuple[TariffSlot, ...]:
        """The 96 slots of every day in a month, 1…12: a season never ends inside one."""
        season = next(s for s in self.seasons if month in s.months)
        prices = {name: self._slot(name) for name in set(season.classes)}
        return tuple(prices[name] for name in season.classes)

    def _slot(self, hour_class: str) -> TariffSlot:
        floated = mul_div(self.base_price.value, PPM + self.floats_ppm[hour_class].value, PPM)
        buy = floated + self.adder_price.value
        return TariffSlot(
            buy_price=buy,
            sell_price=self.sell_price.value,
            network_price=self.wheeling_price.value + mul_div(buy, self.loss_ppm.value, PPM),
        )


def pack_for(packs: tuple[RulePack, ...], day: Day) -> RulePack:
    """The pack in force on a day: of several the one that came into force last. Raises NoPackInForce."""
    covering = [pack for pack in packs if pack.in_force(day)]
    if not covering:
        raise NoPackInForce(day=str(day))
    return max(covering, key=lambda pack: (pack.effective_from, pack.name))


def parse_json(text: str) -> RulePack:
    """Read a rule pack from JSON. Raises PackMalformed and PackVersionUnknown."""
    try:
        plain = json.loads(text, object_pairs_hook=_no_repeats)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise PackMalformed(field=where, value=error.msg, limit="JSON") from None
    except (RecursionError, ValueError) as error:
        raise PackMalformed(field="pack", value=str(error)[:80], limit="JSON of a rule pack") from None
    return parse(plain)


def parse(plain: object) -> RulePack:
    """Read a rule pack from plain data, strictly. Raises PackMalformed and PackVersionUnknown."""
    top = _Map(plain, "")
    version = top.take("v")
    if version != VERSION or isinstance(version, bool):
        raise PackVersionUnknown(version=str(version), known=VERSION)
    floats = _floats(top.map("floats_ppm"))
    pack = RulePack(
        name=top.text("name"),
        jurisdiction=top.text("jurisdiction"),
        tariff_class=top.text("tariff_class"),
        doc_no=top.text("doc_no"),
        source=top.text("source"),
        effective_from=_day(top, "effective_from"),
        effective_to=_day(top, "effective_to") if top.has_value("effective_to") else None,
        floats_ppm=floats,
        seasons=_seasons(top.list("seasons"), tuple(floats)),
        **{name: _parameter(top.map(name), *limits) for name, limits in _PARAMETERS.items()},
    )
    top.finish()
    if pack.effective_to is not None and pack.effective_to < pack.effective_from:
        raise PackMalformed(
            field="effective_to", value=str(pack.effective_to), limit=f"not before {pack.effective_from}"
        )
    return pack


def to_plain(pack: RulePack) -> dict[str, object]:
    """The plain form that `parse` reads: maps, lists, integers, texts; what is hashed and logged."""
    return {
        "v": VERSION,
        "name": pack.name,
        "jurisdiction": pack.jurisdiction,
        "tariff_class": pack.tariff_class,
        "doc_no": pack.doc_no,
        "source": pack.source,
        "effective_from": str(pack.effective_from),
        "effective_to": str(pack.effective_to) if pack.effective_to else None,
        "floats_ppm": {name: _plain_parameter(p) for name, p in pack.floats_ppm.items()},
        "seasons": [_plain_season(season) for season in pack.seasons],
        **{name: _plain_parameter(getattr(pack, name)) for name in _PARAMETERS},
    }


_PARAMETERS = {
    "base_price": (0, MOST_PRICE),
    "adder_price": (-MOST_PRICE, MOST_PRICE),
    "sell_price": (-MOST_PRICE, MOST_PRICE),
    "wheeling_price": (0, MOST_PRICE),
    "loss_ppm": (0, PPM),
    "fee_bp": (0, 10_000),
}
"""The numbers of a pack besides the floats, and their limits."""


class _Map:
    """One map of a pack, read field by field; names the field, the value and the limit of what is wrong."""

    def __init__(self, value: object, path: str) -> None:
        self.path = path
        if not isinstance(value, dict):
            raise PackMalformed(field=path or "pack", value=_shown(value), limit="a map")
        self._left: dict[str, object] = dict(value)

    def where(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def take(self, name: str) -> object:
        if name not in self._left:
            raise PackMalformed(field=self.where(name), value="nothing", limit="must be given")
        return self._left.pop(name)

    def has_value(self, name: str) -> bool:
        """Whether a nullable field has a value; a null is taken as read."""
        if name in self._left and self._left[name] is None:
            del self._left[name]
            return False
        return True

    def text(self, name: str) -> str:
        value = self.take(name)
        if not isinstance(value, str) or not value.strip():
            raise PackMalformed(field=self.where(name), value=_shown(value), limit="a text that is not empty")
        return value

    def integer(self, name: str, low: int, high: int) -> int:
        return _integer(self.take(name), self.where(name), low, high)

    def flag(self, name: str) -> bool:
        value = self.take(name)
        if not isinstance(value, bool):
            raise PackMalformed(field=self.where(name), value=_shown(value), limit="true or false")
        return value

    def list(self, name: str) -> "list[object]":
        return _list(self.take(name), self.where(name))

    def map(self, name: str) -> "_Map":
        return _Map(self.take(name), self.where(name))

    def names(self) -> tuple[str, ...]:
        return tuple(self._left)

    def finish(self) -> None:
        for name, value in self._left.items():
            raise PackMalformed(field=self.where(name), value=_shown(value), limit="no such field")


def _parameter(found: _Map, low: int, high: int) -> Parameter:
    parameter = Parameter(
        value=found.integer("value", low, high), verified=found.flag("verified"), source=found.text("source")
    )
    found.finish()
    return parameter


def _floats(found: _Map) -> dict[str, Parameter]:
    for name in found.names():
        if name not in HOUR_CLASSES:
            raise PackMalformed(field=found.where(name), value=name, limit="one of " + ", ".join(HOUR_CLASSES))
    return {name: _parameter(found.map(name), -PPM, 10 * PPM) for name in HOUR_CLASSES if name in found.names()}


def _seasons(items: list[object], classes: tuple[str, ...]) -> tuple[Season, ...]:
    seasons = tuple(_season(_Map(item, f"seasons[{i}]"), classes) for i, item in enumerate(items))
    for month in range(1, 13):
        found = sum(month in season.months for season in seasons)
        if found != 1:
            raise PackMalformed(field="seasons", value=f"month {month} in {found} seasons", limit="exactly one")
    return seasons


def _season(found: _Map, classes: tuple[str, ...]) -> Season:
    where = found.where("months")
    months = tuple(_integer(m, f"{where}[{i}]", 1, 12) for i, m in enumerate(found.list("months")))
    season = Season(name=found.text("name"), months=months, classes=_allocation(found.map("hours"), classes))
    if len(set(months)) != len(months):
        raise PackMalformed(field=where, value=str(list(months)), limit="each month once")
    found.finish()
    return season


def _allocation(hours: _Map, classes: tuple[str, ...]) -> tuple[str, ...]:
    """The class of each slot, from ranges such as "22:00-02:00" that together cover the day once."""
    slots: dict[int, str] = {}
    for name in hours.names():
        if name not in classes:
            raise PackMalformed(field=hours.where(name), value=name, limit="one of " + ", ".join(classes))
        for i, item in enumerate(hours.list(name)):
            _allocate(slots, item, name, f"{hours.where(name)}[{i}]")
    for slot in range(SLOTS_A_DAY):
        if slot not in slots:
            raise PackMalformed(field=hours.path, value=f"nothing at {_clock(slot)}", limit="the whole day")
    return tuple(slots[slot] for slot in range(SLOTS_A_DAY))


def _allocate(slots: dict[int, str], item: object, name: str, where: str) -> None:
    first, end = _range(item, where)
    for slot in range(first, end if end > first else end + SLOTS_A_DAY):
        if slot % SLOTS_A_DAY in slots:
            raise PackMalformed(field=where, value=f"{_clock(slot % SLOTS_A_DAY)} twice", limit="each slot once")
        slots[slot % SLOTS_A_DAY] = name


def _range(item: object, where: str) -> tuple[int, int]:
    limit = "HH:MM-HH:MM in steps of 15 minutes, the start below 24:00"
    if not isinstance(item, str) or len(item) != 11 or item[5] != "-":
        raise PackMalformed(field=where, value=_shown(item), limit=limit)
    first, end = _slot_of(item[:5]), _slot_of(item[6:])
    if first is None or end is None or first in (SLOTS_A_DAY, end):
        raise PackMalformed(field=where, value=item, limit=limit)
    return first, end


def _slot_of(text: str) -> int | None:
    hours, colon, minutes = text[:2], text[2], text[3:]
    if colon != ":" or not (hours + minutes).isascii() or not (hours + minutes).isdigit():
        return None
    total = int(hours) * 60 + int(minutes)
    if int(minutes) >= 60 or total % _SLOT_MINUTES or total > 24 * 60:
        return None
    return total // _SLOT_MINUTES


def _clock(slot: int) -> str:
    hours, minutes = divmod(slot * _SLOT_MINUTES, 60)
    return f"{hours:02d}:{minutes:02d}"


def _day(found: _Map, name: str) -> Day:
    text = found.text(name)
    try:
        return day_of(text, field=found.where(name))
    except BadDay:
        limit = f"YYYY-MM-DD up to {date.max}"
        raise PackMalformed(field=found.where(name), value=text, limit=limit) from None


def _integer(value: object, where: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise PackMalformed(field=where, value=_shown(value), limit=f"integer {low}…{high}")
    return value


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list) or not value:
        raise PackMalformed(field=where, value=_shown(value), limit="a list that is not empty")
    return value


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise PackMalformed(field=name, value=_shown(value), limit="given once")
        found[name] = value
    return found


def _plain_parameter(parameter: Parameter) -> dict[str, object]:
    return {"value": parameter.value, "verified": parameter.verified, "source": parameter.source}


def _plain_season(season: Season) -> dict[str, object]:
    hours: dict[str, list[str]] = {}
    first = 0
    for slot in range(1, SLOTS_A_DAY + 1):
        if slot == SLOTS_A_DAY or season.classes[slot] != season.classes[first]:
            hours.setdefault(season.classes[first], []).append(f"{_clock(first)}-{_clock(slot)}")
            first = slot
    return {"name": season.name, "months": list(season.months), "hours": hours}


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:80]
