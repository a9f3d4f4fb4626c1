"""Air conditioning of a battery container behind its shipped table: a thermostat with hysteresis and a thermal mass."""

from collections.abc import Mapping

from edge.devices.tables import read_points
from edge.tables import shipped
from simulation.devices.registers import Registers
from simulation.plant import Snapshot

_HYSTERESIS_DC = 15
_FAN_W, _COMPRESSOR_W, _HEATER_W = 400, 6_000, 5_000
_COOLS_DC_PER_MIN, _HEATS_DC_PER_MIN, _LEAKS_PER_MIN = 20, 15, 40
"""The compressor cools the air by 2 K a minute; each minute a fortieth of the difference to the cells comes back."""
_HOT_DC = 350


class HvacDevice:
    """Registers and air of one container."""

    def __init__(self) -> None:
        self.registers = Registers(read_points(shipped()["hvac"]), obey=self._obey)
        self.registers.put({"hvac.set_temperature": 250, "hvac.enable": 1})
        self._set_dc, self._enabled = 250, True
        self._air_dc, self._mode, self._t_ms = 250, 0, -1
        self.faults = 0
        """Bits of the alarm word that are forced: a compressor with a fault (bit 2) cools no more."""

    def publish(self, now: Snapshot) -> None:
        """Live until an instant and show it."""
        minutes = 0 if self._t_ms < 0 else (now.t_ms - self._t_ms) // 60_000
        if self._t_ms < 0 or minutes:
            self._t_ms = now.t_ms if self._t_ms < 0 else self._t_ms + minutes * 60_000
        for _ in range(minutes):
            self._minute(now.cell_temperature_dc)
        cooling, heating = self._mode == 1 and not self.faults & 4, self._mode == 2
        power_w = (_FAN_W if self._enabled else 0) + _COMPRESSOR_W * cooling + _HEATER_W * heating
        self.registers.put(
            {
                "hvac.running": int(self._enabled),
                "hvac.compressor": int(cooling),
                "hvac.heater": int(heating),
                "hvac.mode": self._mode,
                "hvac.supply_temperature": self._air_dc - 80 * cooling + 60 * heating,
                "hvac.return_temperature": self._air_dc,
                "hvac.humidity": 5_500 - 500 * cooling,
                "hvac.power": power_w,
                "hvac.alarm_word": self.faults | (self._air_dc >= _HOT_DC),
            }
        )

    def _minute(self, cells_dc: int) -> None:
        above_dc = self._air_dc - self._set_dc
        if not self._enabled:
            self._mode = 0
        elif abs(above_dc) > _HYSTERESIS_DC:
            self._mode = 1 if above_dc > 0 else 2
        elif self._mode == 0 or (self._mode == 1 and above_dc <= 0) or (self._mode == 2 and above_dc >= 0):
            self._mode = 3
        works_dc = {1: -_COOLS_DC_PER_MIN * (not self.faults & 4), 2: _HEATS_DC_PER_MIN}.get(self._mode, 0)
        self._air_dc += works_dc + round((cells_dc - self._air_dc) / _LEAKS_PER_MIN)

    def _obey(self, values: Mapping[str, int], hit: frozenset[str]) -> None:
        self._set_dc, self._enabled = values["hvac.set_temperature"], values["hvac.enable"] == 1
