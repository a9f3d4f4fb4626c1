"""A forecast as SVG: the last days measured, the expected course, and the band between each pair of quantiles."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from optimizer.forecasting.record import Forecast
from optimizer.forecasting.tables import local_text

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 960, 420, 90, 20, 50, 50
_LINES = 5


def chart(forecast: Forecast, measured: Sequence[int]) -> str:
    """`measured` are the last values before the cut-off; the forecast begins behind a gap if the data were late."""
    gap = (forecast.first_ms - forecast.cut_off_ms) // forecast.step_ms
    start, count = len(measured) + gap, len(measured) + gap + len(forecast.expected)
    values = [*measured, *forecast.expected, *(v for q in forecast.quantiles for v in q.values)]
    scale = _Scale(count=count, low=min(0, *values), high=max(1, *values))
    first_ms = forecast.first_ms - start * forecast.step_ms
    body = [
        *scale.grid(),
        *scale.ticks(first_ms, forecast.step_ms),
        *_bands(forecast, scale, start),
        scale.line(measured, 0, "#555", "measured"),
        scale.line(forecast.expected, start, "#0050b3", "expected"),
        _text(_LEFT, 24, f"{forecast.series} · 预测 forecast · {local_text(forecast.issued_ms)} 发布 issued", size=16),
        _text(_LEFT, 42, _legend(forecast), size=12),
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
    return "\n".join([head, f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>', *body, "</svg>", ""])


class _Scale:
    """Places of values on the page."""

    def __init__(self, *, count: int, low: int, high: int) -> None:
        self._count, self._low, self._high = count, low, high

    def x(self, place: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * place / max(1, self._count - 1)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (value - self._low) / (self._high - self._low)

    def points(self, values: Sequence[int], start: int) -> list[str]:
        return [f"{self.x(start + i):.1f},{self.y(v):.1f}" for i, v in enumerate(values)]

    def line(self, values: Sequence[int], start: int, colour: str, name: str) -> str:
        drawn = " ".join(self.points(values, start))
        return f'<polyline class="{name}" points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>'

    def grid(self) -> list[str]:
        found = []
        for k in range(_LINES):
            value = self._low + (self._high - self._low) * k // (_LINES - 1)
            y = self.y(value)
            found.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>')
            found.append(_text(_LEFT - 8, y + 4, f"{value:,}", size=12, anchor="end"))
        return found

    def ticks(self, first_ms: int, step_ms: int) -> list[str]:
        found = []
        for place in range(self._count):
            t_ms = first_ms + place * step_ms
            if local_text(t_ms)[11:] in ("00:00", "06:00", "12:00", "18:00"):
                text = local_text(t_ms)[5:] if local_text(t_ms).endswith("00:00") else local_text(t_ms)[11:]
                found.append(_text(self.x(place), _HEIGHT - _BOTTOM + 20, text, size=11, anchor="middle"))
        return found


def _bands(forecast: Forecast, scale: _Scale, start: int) -> list[str]:
    """From the outermost pair of quantiles inwards, each on top of the wider one."""
    found, quantiles = [], forecast.quantiles
    for k in range(len(quantiles) // 2):
        low, high = quantiles[k], quantiles[-1 - k]
        edge = [*scale.points(high.values, start), *reversed(scale.points(low.values, start))]
        found.append(f'<polygon class="band" points="{" ".join(edge)}" fill="#1677ff" fill-opacity="0.2"/>')
    return found


def _legend(forecast: Forecast) -> str:
    pairs = zip(forecast.quantiles, reversed(forecast.quantiles), strict=True)
    bands = [f"{a.level_ppm / 1e4:g}–{b.level_ppm / 1e4:g} %" for a, b in pairs if a.level_ppm < b.level_ppm]
    return f"{forecast.unit} · 灰 grey 实测 measured · 蓝 blue 期望 expected · 带 bands {', '.join(bands)}"


def _text(x: float, y: float, text: str, *, size: int, anchor: str = "start") -> str:
    style = f'font-family="sans-serif" font-size="{size}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(text)}</text>'
