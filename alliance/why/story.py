"""What a why says to the owner of one station: when, at which price, what it earns, what stops it (protocol 9.9).

Figures alone; `text` makes sentences of them. Nothing here is in the record: all of it follows from its lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from alliance.why.record import Line, What, Why

_OF_STATIONS = frozenset({
    What.RATING, What.PCC_IMPORT, What.PCC_EXPORT, What.LEAST_CONTENT, What.OWN_NEED_FLOOR, What.END_ENERGY,
    What.MOST_CONTENT, What.RESERVE_POWER, What.RESERVE_ENERGY, What.CURTAILABLE,
})  # fmt: skip
_SHARED = frozenset({What.IMPORT_LIMIT, What.EXPORT_LIMIT, What.CUT_MOST, What.REQUIREMENT, What.TIE_LIMIT})
_LEAST_WORTH_MICROCENTS = 10**6
"""A limit that is worth less than a cent a day is not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """Charging or discharging without the other in between."""

    what: What
    first: int
    last: int
    energy_wh: int
    amount_microcents: int
    """Cost; income is negative."""

    @property
    def price_microcents_per_kwh(self) -> int:
        """Mean certified price of the energy, rounded down; the sign is the price's."""
        cost = self.amount_microcents if self.what is What.CHARGE else -self.amount_microcents
        return cost * 1000 // max(1, self.energy_wh)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A limit that holds a part back: when, and what 1 kW or 1 kWh more room all day saves at most."""

    what: What
    spans: tuple[tuple[int, int], ...]
    least_wh: int
    """The limit where it binds, the least of its spans."""
    worth_microcents: int
    """Above 0: what more room would save."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One holder's part of a station."""

    station: int
    lease: int
    spells: tuple[Spell, ...]
    charged_wh: int
    discharged_wh: int
    paid_microcents: int
    """For charging, at the certified prices."""
    received_microcents: int
    wear_microcents: int
    holding_microcents: int
    """What the battery's content costs; the owner's, whoever stored it."""
    reserve_microcents: int
    """Received for reserves held."""
    stops: tuple[Stop, ...]
    """The most valuable first."""

    @property
    def earned_microcents(self) -> int:
        """Against doing nothing, holding aside: received less paid less wear."""
        return self.received_microcents + self.reserve_microcents - self.paid_microcents - self.wear_microcents


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedStop:
    """A limit that stations share: of a region's exchange or reserve, or of a tie line."""

    place: int
    """Index of the region or tie."""
    stop: Stop


def stories(record: Why, *, station: int | None = None) -> tuple[Story, ...]:
    """The story of each holder's part of each station, or of one station."""
    kinds = (What.CHARGE, What.DISCHARGE, What.LOAD)
    keys = {(line.place, line.lease) for line in record.flows if line.what in kinds}
    keys |= {(line.place, line.lease) for line in record.limits if line.what in (What.START, What.MOST_CONTENT)}
    return tuple(_story(record, *key) for key in sorted(keys) if station in (None, key[0]))


def shared_stops(record: Why) -> tuple[SharedStop, ...]:
    """The shared limits that hold the whole plan back, the most valuable first."""
    found = []
    for place in sorted({line.place for line in record.limits if line.what in _SHARED}):
        here = [line for line in record.limits if line.place == place and line.what in _SHARED]
        found += [SharedStop(place=place, stop=stop) for stop in _stops(here, _SHARED)]
    return tuple(sorted(found, key=lambda shared: -shared.stop.worth_microcents))


def _story(record: Why, place: int, lease: int) -> Story:
    flows = [x for x in record.flows if x.place == place and (x.lease == lease or x.what is What.RESERVE_PAID)]
    charged, discharged = (_of(flows, what) for what in (What.CHARGE, What.DISCHARGE))
    return Story(
        station=place,
        lease=lease,
        spells=_spells([*charged, *discharged]),
        charged_wh=sum(x.energy_wh for x in charged),
        discharged_wh=sum(x.energy_wh for x in discharged),
        paid_microcents=_money(charged),
        received_microcents=-_money(discharged),
        wear_microcents=_money(_of(flows, What.WEAR)),
        holding_microcents=_money(_of(flows, What.HOLDING)),
        reserve_microcents=-_money(_of(flows, What.RESERVE_PAID)) if lease == 0 else 0,
        stops=_stops([x for x in record.limits if x.place == place and x.lease == lease]),
    )


def _of(lines: Sequence[Line], what: What) -> list[Line]:
    return [line for line in lines if line.what is what]


def _money(lines: Sequence[Line]) -> int:
    return sum(line.amount_microcents for line in lines)


def _spells(lines: Sequence[Line]) -> tuple[Spell, ...]:
    ordered = sorted(lines, key=lambda line: line.first)
    found = []
    for what, group in groupby(ordered, key=lambda line: line.what):
        here = list(group)
        found.append(
            Spell(
                what=what, first=here[0].first, last=here[-1].last, energy_wh=sum(x.energy_wh for x in here),
                amount_microcents=_money(here),
            )
        )  # fmt: skip
    return tuple(found)


def _stops(lines: Sequence[Line], kinds: frozenset[What] = _OF_STATIONS) -> tuple[Stop, ...]:
    """The limits of a holder by what more room in them is worth; floors and end rules give room when they fall."""
    found = []
    for what in sorted({line.what for line in lines} & kinds):
        here = [line for line in lines if line.what is what and line.worth_microcents]
        worth = abs(sum(line.worth_microcents for line in here))
        empty = what is What.LEAST_CONTENT and all(line.energy_wh == 0 for line in here)
        if worth >= _LEAST_WORTH_MICROCENTS and not empty:
            spans = tuple(sorted((line.first, line.last) for line in here))
            least = min(line.energy_wh for line in here)
            found.append(Stop(what=what, spans=spans, least_wh=least, worth_microcents=worth))
    return tuple(sorted(found, key=lambda stop: -stop.worth_microcents))
