"""The battery management system of a plant behind its shipped table: clusters, packs, cells; permissions; heartbeat.

Cells follow `simulation.cells`: an LFP curve of open-circuit voltage, resistance, relaxation, and each its own seeded
capacity, resistance and content; probes follow the plant's hottest cell. A cell or probe can be made faulty by command:
extremes, alarm words and permissions follow.
"""

from collections.abc import Mapping

from edge.devices.tables import read_points
from edge.tables import shipped
from simulation.cells import CELLS_IN_SERIES, Cells
from simulation.devices.registers import Registers
from simulation.noise import ONE, Noise
from simulation.plant import Plant, Snapshot, State

CLUSTERS, PACKS, CELLS, PROBES = 2, 4, 16, 4
_OVERVOLTAGE_MV, _UNDERVOLTAGE_MV, _SPREAD_MV = 3_650, 2_600, 500
_HOT_DC, _COLD_DC, _UNEVEN_DC = 600, 0, 150
_OVERVOLTAGE, _UNDERVOLTAGE, _HOT, _COLD, _SPREAD, _UNEVEN, _CONTACTOR = 1, 2, 4, 8, 16, 32, 1 << 11


class BmsDevice:
    """Registers of one plant's battery."""

    def __init__(self, plant: Plant, *, seed: str) -> None:
        self._plant = plant
        self.registers = Registers(read_points(shipped()["bms"]), obey=self._obey)
        self.registers.put({"bms.contactor_order": 1})
        self._keys = _keys("cell", CELLS, "voltage")
        self._jitter = Noise(seed=seed, series="sensors")
        self.cells = Cells(plant.parameters.battery, seed=seed, count=len(self._keys))
        self._forced: dict[str, int] = {}
        self._beats = 0
        self.beating = True
        """Whether the heartbeat advances."""
        self.welded = False
        """Whether the contactor stays closed whatever is ordered."""
        self.noise_mv = 0
        """Standard deviation of each cell's measured voltage; probes have half of it in tenths of °C."""

    def force(self, key: str, value: int) -> None:
        """Show a cell's mV, a probe's tenths of °C, or any other point as given until `release`."""
        self._forced[key] = value

    def release(self, key: str | None = None) -> None:
        """End a point's fault, or every one."""
        if key is None:
            self._forced.clear()
        else:
            self._forced.pop(key, None)

    def publish(self, now: Snapshot) -> None:
        """Show an instant."""
        self.cells.live(now)
        cells, probes = self._cells(now), self._probes(now)
        words = {k: _word(_of(cells, k), _of(probes, k)) for k in range(1, CLUSTERS + 1)}
        closed = self.welded or now.state is not State.OFF
        stuck = closed and self.registers.seen("bms.contactor_order") == 0
        word = words[1] | words[2] | (_CONTACTOR if stuck else 0)
        self._beats = (self._beats + self.beating) % 0x10000
        shown = {
            **cells,
            **probes,
            **self._stack(now, cells, probes),
            **self._clusters(now, closed=closed),
            **{f"cluster.{k}.alarm_word": words[k] for k in words},
            "bms.heartbeat": self._beats,
            "bms.alarm_word": word,
            "contactor_closed": int(closed),
            "charge_permitted": int(closed and not word & (_OVERVOLTAGE | _HOT | _COLD) and now.charge_limit_w > 0),
            "discharge_permitted": int(closed and not word & (_UNDERVOLTAGE | _HOT) and now.discharge_limit_w > 0),
        }
        self.registers.put({**shown, **self._forced})

    def _stack(self, now: Snapshot, cells: Mapping[str, int], probes: Mapping[str, int]) -> dict[str, int]:
        keys = list(cells)
        highest, lowest = max(keys, key=cells.__getitem__), min(keys, key=cells.__getitem__)
        millivolts = sum(cells.values()) * CELLS_IN_SERIES // len(cells)
        return {
            "battery_soc": now.soc_bp,
            "battery_soh": now.soh_bp,
            "bms.voltage": millivolts,
            "bms.current": self.cells.current_ma,
            "charge_limit": now.charge_limit_w,
            "discharge_limit": now.discharge_limit_w,
            "cell_voltage_max": cells[highest],
            "cell_voltage_min": cells[lowest],
            "bms.cell_voltage_max_at": keys.index(highest) + 1,
            "bms.cell_voltage_min_at": keys.index(lowest) + 1,
            "cell_temperature_max": max(probes.values()),
            "cell_temperature_min": min(probes.values()),
            "bms.insulation": 5_000_000_000,
            "bms.supply_voltage": 24_000,
            "bms.cycles": now.discharge_wh // max(1, self._plant.parameters.battery.capacity_wh),
        }

    def _clusters(self, now: Snapshot, *, closed: bool) -> dict[str, int]:
        each = {
            "voltage": self.cells.mean_mv * CELLS_IN_SERIES,
            "current": self.cells.current_ma // CLUSTERS,
            "soc": now.soc_bp,
            "soh": now.soh_bp,
            "contactor_closed": int(closed),
        }
        return {f"cluster.{k}.{name}": value for k in range(1, CLUSTERS + 1) for name, value in each.items()}

    def _cells(self, now: Snapshot) -> dict[str, int]:
        cells = dict(zip(self._keys, self.cells.millivolts, strict=True))
        if self.noise_mv:
            cells = {key: mv + self._noise(now, n) * self.noise_mv // ONE for n, (key, mv) in enumerate(cells.items())}
        return cells | {key: value for key, value in self._forced.items() if key in cells}

    def _probes(self, now: Snapshot) -> dict[str, int]:
        probes = {key: now.cell_temperature_dc - n % 7 for n, key in enumerate(_keys("probe", PROBES, "temperature"))}
        if self.noise_mv:
            half = 2 * ONE
            probes = {k: dc + self._noise(now, ~n) * self.noise_mv // half for n, (k, dc) in enumerate(probes.items())}
        return probes | {key: value for key, value in self._forced.items() if key in probes}

    def _noise(self, now: Snapshot, number: int) -> int:
        """A sensor's noise at an instant."""
        return self._jitter.at(now.t_ms // 1_000 * 1_000 + number)

    def _obey(self, values: Mapping[str, int], hit: frozenset[str]) -> None:
        if "bms.contactor_order" in hit and not self.welded:
            self._plant.set_contactor(closed=values["bms.contactor_order"] == 1)


def _keys(part: str, count: int, what: str) -> list[str]:
    return [
        f"cluster.{cluster}.pack.{pack}.{part}.{n}.{what}"
        for cluster in range(1, CLUSTERS + 1)
        for pack in range(1, PACKS + 1)
        for n in range(1, count + 1)
    ]


def _of(values: Mapping[str, int], cluster: int) -> list[int]:
    return [value for key, value in values.items() if key.startswith(f"cluster.{cluster}.")]


def _word(cells_mv: list[int], probes_dc: list[int]) -> int:
    word = _OVERVOLTAGE * (max(cells_mv) >= _OVERVOLTAGE_MV) | _UNDERVOLTAGE * (min(cells_mv) <= _UNDERVOLTAGE_MV)
    word |= _HOT * (max(probes_dc) >= _HOT_DC) | _COLD * (min(probes_dc) <= _COLD_DC)
    word |= _SPREAD * (max(cells_mv) - min(cells_mv) >= _SPREAD_MV)
    return word | _UNEVEN * (max(probes_dc) - min(probes_dc) >= _UNEVEN_DC)
