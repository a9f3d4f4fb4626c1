"""A plan's why as SVG: the certified price, and what one station's (or all stations') batteries do at it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from alliance.certificate import Certificate
from alliance.errors import Missing
from alliance.fleetproof import FleetCertificate
from alliance.identity import StationId
from alliance.why.text import Language, fine_yuan, mwh

_WIDTH, _LEFT, _RIGHT, _TOP, _PANEL, _BETWEEN = 960, 90, 20, 50, 170, 50
_HEIGHT = _TOP + 2 * _PANEL + 2 * _BETWEEN
_WORDS = {
    Language.ZH: ("全部储能站", "储能站", "认证价 元/kWh", "电池 MWh（上：放电，下：充电）"),
    Language.EN: ("All stations", "Station", "certified price, yuan/kWh", "battery, MWh (up: discharge, down: charge)"),
}


@dataclass(kw_only=True, eq=False)
class StationUnknown(Missing):
    """The plan has no such station; `known` are those that it has."""

    station: int
    known: str


def stations_of(certificate: Certificate | FleetCertificate, station: int | None) -> list[int]:
    """All stations, or the one asked for: numbers of a settled plan's, places of a fleet's. Raises StationUnknown."""
    if isinstance(certificate, Certificate):
        known = [int(site.station.number) for site in certificate.problem.sites]
    else:
        known = list(range(len(certificate.problem.stations)))
    if station is None or station in known:
        return known if station is None else [station]
    several = f"{min(known)} to {max(known)}" if known else "none"
    raise StationUnknown(station=station, known=several)


def chart(certificate: Certificate | FleetCertificate, station: int | None, language: Language) -> str:
    """The price that applies to a station (the mean over all) and its battery's flow. Raises StationUnknown."""
    if isinstance(certificate, Certificate):
        prices, flows, first_s, slot_s = _settled(certificate, station)
    else:
        prices, flows, first_s, slot_s = _fleet(certificate, station)
    every, one, price, battery = _WORDS[language]
    body = [
        _text(_LEFT, 24, every if station is None else f"{one} {station}", size=16),
        *_panel(_TOP, price, prices, fine_yuan),
        *_panel(_TOP + _PANEL + _BETWEEN, battery, flows, mwh, bars=True),
        *_hours(len(prices), first_s, slot_s),
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
    return "\n".join([head, f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>', *body, "</svg>", ""])


Course = tuple[list[int], list[int], int, int]
"""Microcents a kWh and Wh slot by slot, second of the day of the first, seconds a slot."""


def _settled(certificate: Certificate, station: int | None) -> Course:
    problem, schedule = certificate.problem, certificate.schedule
    wanted = stations_of(certificate, station)
    slots = range(problem.first_slot, problem.first_slot + problem.slots)
    priced = {(s, p.slot): p.pool_price + adder for p in schedule.prices for s, adder in p.adders}
    prices = [sum(priced[StationId(s), slot] for s in wanted) * 1000 // len(wanted) for slot in slots]
    flows = [sum(r.battery_wh for r in schedule.rows if r.slot == slot and r.station in wanted) for slot in slots]
    return prices, flows, problem.first_slot * 900, 900


def _fleet(certificate: FleetCertificate, station: int | None) -> Course:
    problem, duals = certificate.problem, certificate.duals
    wanted = stations_of(certificate, station)
    regions = [problem.stations[i].region for i in wanted]
    prices = [
        sum(of_case[r][t] for of_case in duals.balance for r in regions) * 1000 // (len(wanted) * duals.denominator)
        for t in range(problem.periods)
    ]
    flows = [sum(certificate.plan.battery_wh[i][t] for i in wanted) for t in range(problem.periods)]
    return prices, flows, 0, problem.period_s


def _panel(top: int, name: str, values: Sequence[int], unit: Callable[[int], str], *, bars: bool = False) -> list[str]:
    low, high = min(0, *values), max(1, *values)
    step = (_WIDTH - _LEFT - _RIGHT) / len(values)

    def y(value: float) -> float:
        return top + _PANEL * (high - value) / (high - low)

    found = [_text(_LEFT, top - 6, name, size=12)]
    for value in sorted({low, 0, high}):
        found.append(f'<path d="M{_LEFT} {y(value):.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>')
        found.append(_text(_LEFT - 8, y(value) + 4, unit(value), size=12, anchor="end"))
    for k, value in enumerate(values):
        x = _LEFT + k * step
        if bars:
            colour = "#0050b3" if value > 0 else "#d46b08"
            up, height = min(y(0), y(value)), abs(y(0) - y(value))
            found.append(f'<rect x="{x:.1f}" y="{up:.1f}" width="{step:.1f}" height="{height:.1f}" fill="{colour}"/>')
        else:
            found.append(f'<path d="M{x:.1f} {y(value):.1f}h{step:.1f}" stroke="#0050b3" stroke-width="2"/>')
    return found


def _hours(count: int, first_s: int, slot_s: int) -> list[str]:
    """A time under each sixth hour, or under the first slot alone where there is none."""
    step, found = (_WIDTH - _LEFT - _RIGHT) / count, []
    for k in range(count + 1):
        second = first_s + k * slot_s
        if second % 21_600 == 0 or k == 0:
            shown = f"{second // 3600 % 24:02d}:{second // 60 % 60:02d}"
            found.append(_text(_LEFT + k * step, _HEIGHT - 20, shown, size=11, anchor="middle"))
    return found


def _text(x: float, y: float, text: str, *, size: int, anchor: str = "start") -> str:
    style = f'font-family="sans-serif" font-size="{size}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
