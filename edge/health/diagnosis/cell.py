"""What a data sheet says of a battery's cells (protocol 9.22.1), and how sure each measurement of them is.

The shipped curve is our own, typical of LFP and of no maker: the maker's belongs in the settings. `u_…` is a standard
uncertainty (GUM, JCGM 100:2008): one standard deviation.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import exp

from alliance.errors import Malformed

FULL_BP = 10_000
PPM = 1_000_000
LFP_OCV = ((0, 2_800), (500, 3_100), (1_000, 3_200), (3_000, 3_270), (7_000, 3_320), (9_500, 3_350), (10_000, 3_450))
"""(SOC bp, mV) of a rested cell."""
_KELVIN, _REFERENCE_K = 273.15, 298.15


@dataclass(kw_only=True, eq=False)
class CellDataMalformed(Malformed):
    """A figure of the cells lies outside what it can be, or the curve does not rise."""

    field: str
    got: int
    want: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CellData:
    """A battery's cells: `series` of them one behind the other; charge and resistance are the whole battery's."""

    series: int
    rated_mah: int
    """Rated charge of all parallel clusters together."""
    resistance_uohm: int
    """Of the whole battery when new, at 25 °C, within 10 s."""
    ocv: tuple[tuple[int, int], ...] = LFP_OCV
    resistance_kelvin: int = 2_000
    """Of the Arrhenius law that brings a resistance to 25 °C."""
    u_ocv_mv: int = 3
    """Of a rested cell's voltage against the curve: the curve itself, hysteresis, what relaxation is left."""
    u_gain_ppm: int = 5_000
    """Of the measured current, in proportion."""
    u_offset_ppm: int = 300
    """Of the measured current, constant, as a share of the rated charge in one hour."""
    u_voltage_mv: int = 100
    """Of one reading of the battery's voltage."""
    u_temperature_dc: int = 10
    end_of_life_bp: int = 7_000
    current_key: str = "bms.current"
    """Point of the battery's current, positive out, mA."""
    voltage_key: str = "bms.voltage"

    def __post_init__(self) -> None:
        """Refuse figures that cannot be. Raises CellDataMalformed."""
        for name in ("series", "rated_mah", "resistance_uohm", "u_ocv_mv"):
            if getattr(self, name) < 1:
                raise CellDataMalformed(field=name, got=getattr(self, name), want="at least 1")
        for name in ("resistance_kelvin", "u_gain_ppm", "u_offset_ppm", "u_voltage_mv", "u_temperature_dc"):
            if getattr(self, name) < 0:
                raise CellDataMalformed(field=name, got=getattr(self, name), want="at least 0")
        if not 0 <= self.end_of_life_bp < FULL_BP:
            raise CellDataMalformed(field="end_of_life_bp", got=self.end_of_life_bp, want=f"0…{FULL_BP - 1}")
        if len(self.ocv) < 2 or any(a[0] >= b[0] or a[1] >= b[1] for a, b in pairwise(self.ocv)):
            raise CellDataMalformed(field="ocv", got=len(self.ocv), want="two points or more, both columns rising")

    @property
    def rated_ma(self) -> int:
        """The current that moves the rated charge in an hour."""
        return self.rated_mah

    def soc_ppm(self, cell_uv: int) -> tuple[int, int]:
        """State of charge of a rested cell by its voltage, and its standard uncertainty, ppm.

        The uncertainty is half of what `u_ocv_mv` either way makes of it: large where the curve is flat.
        """
        u_uv = 1_000 * self.u_ocv_mv
        low, high = self._inverse(cell_uv - u_uv), self._inverse(cell_uv + u_uv)
        return round(min(max(0.0, self._inverse(cell_uv)), FULL_BP) * 100), round((high - low) * 50)

    def at_reference(self, resistance_uohm: float, temperature_ddegc: int) -> float:
        """A resistance measured at a cell temperature, as it would be at 25 °C."""
        kelvin = temperature_ddegc / 10 + _KELVIN
        return resistance_uohm * exp(self.resistance_kelvin * (1 / _REFERENCE_K - 1 / kelvin))

    def _inverse(self, cell_uv: float) -> float:
        """SOC, bp, at a voltage; the curve's first and last line go on beyond its ends."""
        for (low_bp, low_mv), (high_bp, high_mv) in pairwise(self.ocv):
            if cell_uv <= 1_000 * high_mv or high_bp == self.ocv[-1][0]:
                return low_bp + (high_bp - low_bp) * (cell_uv - 1_000 * low_mv) / (1_000 * (high_mv - low_mv))
        raise AssertionError
