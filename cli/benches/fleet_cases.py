"""Seeded fleets for the bench: one generator, a case for each thing that makes planning hard.

Each case can be kept by standing still: limits are set from what the fleet takes without its batteries, and content
may only be asked for that a battery has when the day begins.
"""

from typing import Any

import numpy as np

from alliance.fleetplan import RISK_NEUTRAL, Direction, Reserve, Risk
from optimizer.fleet.arrays import FleetArrays, Ints

CASES = ("base", "tight", "negative", "spiky", "one-region", "full", "site", "mpc", "cvar", "reserve")
STATIONS_A_REGION = 250
SCENARIOS = 8
CVAR = Risk(cvar_alpha_ppm=750_000, cvar_weight_ppm=300_000)
"""Three tenths of what counts are the dearest two of eight scenarios."""
PRODUCTS = (
    (Direction.UP, 900, 0, 6_000, 0.10),
    (Direction.UP, 1_800, 150_000, 3_000, 0.15),
    (Direction.DOWN, 1_800, 150_000, 2_000, 0.15),
)
"""Primary response, and automatic generation control up and down: direction, how long a call is borne, share that is
called (ppm), paid for each MW and hour (cents), and the share of a region's power that must be held."""
SHORT_PRICE = 200_000
"""What each MW and hour that is not held costs, cents."""
BLOCK = 2000
QUARTER_S, FIVE_MINUTES_S = 900, 300
MILLION = 1_000_000

Floats = Any


def fleet(case: str, *, stations: int, seed: int) -> FleetArrays:
    """A fleet of a case; the same for the same seed."""
    return _Maker(case, stations, np.random.default_rng([CASES.index(case), stations, seed])).arrays()


def rolled(arrays: FleetArrays, start_wh: Ints) -> FleetArrays:
    """The same fleet a period later, its horizon as long: the first period comes again at the end."""
    series = ("net_load_wh", "buy_price", "sell_price", "import_limit_wh", "export_limit_wh", "base_load_wh")
    moved = {name: np.roll(getattr(arrays, name), -1, axis=1) for name in series}
    named = {name: getattr(arrays, name) for name in FleetArrays.__dataclass_fields__}
    return FleetArrays(**(named | moved | {"start_wh": start_wh}))


class _Maker:
    def __init__(self, case: str, stations: int, rng: np.random.Generator) -> None:
        self.case, self.n, self.rng = case, 1 if case == "site" else stations, rng
        self.periods, self.period_s = (288, FIVE_MINUTES_S) if case == "mpc" else (96, QUARTER_S)
        self.regions = 1 if case in ("one-region", "site") else max(1, self.n // STATIONS_A_REGION)
        self.hour = (np.arange(self.periods) + 0.5) * self.period_s / 3600
        self.bell = np.clip(np.cos((self.hour - 12.5) / 14 * np.pi), 0, None) ** 1.5

    def arrays(self) -> FleetArrays:
        region = np.arange(self.n) % self.regions
        battery = self._battery()
        net, curtailable = self._net_load(battery["charge_wh"])
        rights = self._rights(battery, net)
        buy, sell = self._prices()
        base, limits = self._exchange(region, net)
        tied = self.case == "full" and self.regions > 1
        ends = np.arange(self.regions - 1 if tied else 0)
        column = (self.n, 1)
        floor = np.zeros(column, dtype=np.int64)
        if self.case in ("tight", "full"):
            floor = _whole(battery["start_wh"] * self.rng.choice([0, 0.8], self.n))[:, None]
        return FleetArrays(
            periods=self.periods,
            period_s=self.period_s,
            buy_price=buy,
            sell_price=sell,
            base_load_wh=base,
            tie_from=ends,
            tie_to=ends + 1,
            tie_limit_wh=_whole(np.full(len(ends), np.abs(base).mean() * 0.2)),
            tie_loss_ppm=np.full(len(ends), 20_000),
            region=region,
            net_load_wh=net,
            own_need_floor_wh=floor,
            content_most_wh=battery["energy_max_wh"][:, None],
            curtailable_wh=curtailable,
            reserves=self._reserves(region, battery) if self.case == "reserve" else (),
            **self._scenarios(net),
            **battery,
            **rights,
            **limits,
        )

    def _battery(self) -> dict[str, Ints]:
        rng, n = self.rng, self.n
        power_w = np.exp(rng.normal(np.log(150e3), 0.6, n))
        energy = power_w * rng.choice([1, 2, 2, 4], n) * rng.uniform(0.9, 1.1, n)
        start = energy * rng.uniform(0.3, 0.6, n)
        discharge = power_w * rng.uniform(0.8, 1.2, n)
        if self.case == "full":
            discharge = np.where(rng.random(n) < 0.1, 0.0, discharge)
        return {
            "charge_wh": _whole(power_w * self.period_s / 3600),
            "discharge_wh": _whole(discharge * self.period_s / 3600),
            "eta_c_ppm": rng.integers(930_000, 980_000, n),
            "eta_d_ppm": rng.integers(930_000, 980_000, n),
            "keep_ppm": MILLION - rng.choice([0, 0, 10, 30], n),
            "energy_min_wh": _whole(energy * 0.05),
            "energy_max_wh": _whole(energy),
            "start_wh": _whole(start),
            "end_min_wh": _whole(start * 0.9),
            "wear_price": rng.integers(2000, 8000, n),
        }

    def _net_load(self, power_wh: Ints) -> tuple[Ints, Ints]:
        """Net load and, where PV may be curtailed, that; a block of stations at a time, to be sparing of memory."""
        curtails = self.case in ("negative", "full")
        net = np.empty((self.n, self.periods), dtype=np.int32)
        curtailable = np.zeros((self.n, self.periods if curtails else 1), dtype=np.int32)
        for first in range(0, self.n, BLOCK):
            block = slice(first, first + BLOCK)
            load, pv = self._load_and_pv(power_wh[block, None])
            net[block] = np.rint(load - pv)
            if curtails:
                curtailable[block] = np.rint(pv * self.rng.choice([0, 1], (len(pv), 1)))
        return net, curtailable

    def _scenarios(self, net: Ints) -> dict[str, Any]:
        """Scenarios in which a station takes or gives less than forecast, so that its rights still suffice."""
        count = SCENARIOS if self.case == "cvar" else 0
        share = self.rng.uniform(0.5, 1, (count, 1, self.periods)) * self.rng.uniform(0.8, 1, (count, self.n, 1))
        return {
            "scenario_ppm": np.full(count, MILLION // SCENARIOS),
            "scenario_net_load_wh": _whole(net * share),
            "risk": CVAR if count else RISK_NEUTRAL,
        }

    def _reserves(self, region: Ints, battery: dict[str, Ints]) -> tuple[Reserve, ...]:
        """What must be held moves through the day about a share of each region's power; so does what is paid for it."""
        power = np.zeros(self.regions)
        np.add.at(power, region, np.minimum(battery["charge_wh"], battery["discharge_wh"]))
        found = []
        for direction, duration_s, activation_ppm, price, share in PRODUCTS:
            moves = 1 + 0.3 * np.sin((self.hour - self.rng.uniform(0, 24)) / 12 * np.pi)
            wanted = share * power[:, None] * moves * self.rng.uniform(0.9, 1.1, (self.regions, self.periods))
            paid = _whole(price * moves * self.rng.uniform(0.8, 1.2, self.periods))
            found.append(
                Reserve(
                    direction=direction,
                    duration_s=duration_s,
                    activation_ppm=activation_ppm,
                    price=tuple(paid.tolist()),
                    requirement_wh=tuple(map(tuple, _whole(wanted).tolist())),
                    short_price=SHORT_PRICE,
                )
            )
        return tuple(found)

    def _load_and_pv(self, power: Ints) -> tuple[Floats, Floats]:
        rng, n = self.rng, len(power)
        shape = 0.5 + 0.25 * np.exp(-(((self.hour - 10) / 2.5) ** 2)) + 0.5 * np.exp(-(((self.hour - 19) / 2.5) ** 2))
        load = power * rng.uniform(0.5, 2, (n, 1)) * shape * np.exp(rng.normal(0, 0.1, (n, self.periods)))
        clouds = np.clip(rng.normal(0.8, 0.1, (n, self.periods)), 0, 1)
        return load, power * rng.choice([0, 0.5, 1, 2, 3], (n, 1)) * self.bell * clouds

    def _rights(self, battery: dict[str, Ints], net: Ints) -> dict[str, Ints]:
        share = 0.3 if self.case in ("tight", "full") else 1.1
        most, least = np.maximum(net.max(axis=1), 0), np.maximum(-net.min(axis=1), 0)
        return {
            "pcc_import_wh": _whole(most + share * battery["charge_wh"]),
            "pcc_export_wh": _whole(least + share * battery["discharge_wh"]),
        }

    def _prices(self) -> tuple[Ints, Ints]:
        rng, size = self.rng, (self.regions, self.periods)
        peak = ((self.hour >= 10) & (self.hour < 12)) | ((self.hour >= 17) & (self.hour < 21))
        buy = np.where(self.hour < 7, 30_000.0, np.where(peak, 100_000.0, 60_000.0))
        buy = buy * rng.uniform(0.9, 1.1, (self.regions, 1)) + rng.normal(0, 1500, size)
        if self.case == "spiky":
            spikes = np.where(rng.random(size) < 0.06, rng.uniform(4, 12, size), 1)
            buy = np.exp(rng.normal(np.log(50_000), 0.5, size)) * spikes
        if self.case in ("negative", "full"):
            buy = buy - 90_000 * self.bell**2 * rng.uniform(0.8, 1.2, size)
        sell = buy - np.abs(buy) * rng.uniform(0.2, 0.5, (self.regions, 1)) - 1000
        return _whole(buy), _whole(sell)

    def _exchange(self, region: Ints, net: Ints) -> tuple[Ints, dict[str, Ints]]:
        """What else the region takes, so that it exports by day and imports by night; and its limits."""
        rng, size = self.rng, (self.regions, self.periods)
        if self.case == "site":
            wide = np.full(size, 10**9)
            return np.zeros(size, dtype=np.int64), {"import_limit_wh": wide, "export_limit_wh": wide}
        together = np.zeros(size)
        np.add.at(together, region, net)
        scale = np.abs(together).max(axis=1, keepdims=True)
        sun = 0.9 * self.bell * rng.uniform(0.5, 1, (self.regions, 1))
        base = _whole(scale * (0.4 - sun + rng.normal(0, 0.03, size)))
        share = 1.03 if self.case in ("tight", "full") else 3.0
        need = together + base
        most = {"import_limit_wh": need.max(axis=1), "export_limit_wh": (-need).max(axis=1)}
        limits = {name: _whole(np.maximum(x, 0) * share + 1) for name, x in most.items()}
        return base, {name: np.repeat(x[:, None], self.periods, axis=1) for name, x in limits.items()}


def _whole(values: Floats) -> Ints:
    return np.rint(values).astype(np.int64)
