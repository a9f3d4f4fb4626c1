"""A fleet's plan as SVG: load, battery and exchange of all regions together over the horizon, kW."""

from collections.abc import Callable, Sequence

from alliance.fleetplan import MILLION, FleetPlan, FleetProblem
from alliance.fleetproof import grid_microwh

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 960, 420, 90, 20, 50, 40
_LINES = 5
_HOUR_S = 3600
_LEGEND = "kW · 灰 grey 负荷 load · 绿 green 电池 battery（放电为正 discharge +）· 蓝 blue 受电 import"

Height = Callable[[float], float]


def chart_of(problem: FleetProblem, plan: FleetPlan) -> str:
    """Load without batteries (grey), exchange with the grid (blue, import positive), batteries (green, discharge)."""
    periods = range(problem.periods)
    load = [sum(r.base_load_wh[t] for r in problem.regions) for t in periods]
    load = [x + sum(problem.net_loads(i)[0][t] for i in range(len(problem.stations))) for t, x in enumerate(load)]
    battery = [sum(row[t] for row in plan.battery_wh) for t in periods]
    net = grid_microwh(plan, problem, 0)
    exchange = [sum(row[t] for row in net) // MILLION for t in periods]
    series = [("#888", load), ("#0a7d3c", battery), ("#0050b3", exchange)]
    kw = [(colour, [wh * _HOUR_S / problem.period_s / 1000 for wh in row]) for colour, row in series]
    low, high = min(0.0, *(min(row) for _, row in kw)), max(1.0, *(max(row) for _, row in kw))

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (value - low) / (high - low)

    body = [_grid(low + (high - low) * k / (_LINES - 1), y) for k in range(_LINES)]
    body += [_ticks(problem), *(_steps(row, colour, y) for colour, row in kw)]
    body.append(_text(_LEFT, 24, _LEGEND))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
    return "\n".join([head, f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>', *body, "</svg>", ""])


def _x(place: float, count: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * place / count


def _steps(row: Sequence[float], colour: str, y: Height) -> str:
    """Powers hold for their period: a line of steps."""
    points = [f"{_x(t + k, len(row)):.1f},{y(v):.1f}" for t, v in enumerate(row) for k in (0, 1)]
    return f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _grid(value: float, y: Height) -> str:
    at = y(value)
    line = f'<path d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>'
    return line + _text(_LEFT - 8, at + 4, f"{value:,.0f}", anchor="end")


def _ticks(problem: FleetProblem) -> str:
    """Hours since the horizon's beginning, in quarters of it."""
    places = sorted({problem.periods * k // 4 for k in range(5)})
    hours = [(t, t * problem.period_s / _HOUR_S) for t in places]
    at = _HEIGHT - _BOTTOM + 20
    return "".join(_text(_x(t, problem.periods), at, f"{hour:g} h", anchor="middle") for t, hour in hours)


def _text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    style = f'font-family="sans-serif" font-size="12" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{text}</text>'
