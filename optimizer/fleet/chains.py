"""What the interior-point method is given of a fleet with reserves: stations as chains, regions as columns (9.7).

A station's charge follows from its contents by (S1), so that its rows are inequalities over one period's columns and
the content before it; `optimizer.fleet.model` has the same rows to read, in the same units.
"""

from dataclasses import dataclass

import numpy as np

from alliance.fleetplan import MILLION, Direction
from optimizer.fleet.arrays import FleetArrays, Ints
from optimizer.fleet.model import Shape
from optimizer.fleet.newton import Floats
from optimizer.fleet.scaled import Scaled

LEAST_WIDTH = 1e-6
"""Units of energy (kWh): a narrower range is made as wide, for the method goes through the inside."""


# The stations


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chains:
    """What `newton` is given of the stations, in units of energy and price."""

    kinds: tuple[str, ...]
    """Of the rows."""
    rows: Floats
    """n × K × (m + 2): over discharge, curtailment where there is any, reserves, content now and before."""
    limits: Floats
    """n × T × K."""
    coupling: Floats
    """n × (1 + Q) × (m + 2): what a station gives to its region's balance and to what it must hold."""
    costs: Floats
    """n × T × m."""
    charge: Floats
    """n × (m + 2): the charge that follows."""
    start: Floats
    region: Ints

    def applied(self, w: Floats, e: Floats) -> Floats:
        """G x, n × T × K."""
        before = np.hstack([self.start[:, None], e[:, :-1]])
        return np.einsum("ika,ita->itk", self.rows, np.concatenate([w, e[:, :, None], before[:, :, None]], axis=2))

    def charged(self, w: Floats, e: Floats) -> Floats:
        """Charge, n × T."""
        before = np.hstack([self.start[:, None], e[:, :-1]])
        found: Floats = np.einsum("ia,ita->it", self.charge[:, :-2], w)
        return found + self.charge[:, -2:-1] * e + self.charge[:, -1:] * before


def chains_of(data: Scaled, region: Ints) -> Chains:
    """The stations of a fleet with reserves."""
    columns = _columns(data)
    every = _battery_rows(data, columns) | _pcc_rows(data, columns)
    up, down = (data.shape.of(direction) for direction in Direction)
    every |= _up_rows(data, columns) if up else {"content_least": (-columns.content, -columns.low)}
    every |= _down_rows(data, columns) if down else {"content_most": (columns.content, columns.high)}
    every |= {f"reserve_least {q}": (-unit, _NOTHING) for q, unit in enumerate(columns.reserves)}
    n, periods, wide = len(region), data.shape.periods, len(columns.content)
    limits = {kind: np.broadcast_to(most, (n, periods)) for kind, (_, most) in every.items()}
    kinds = tuple(kind for kind, most in limits.items() if np.isfinite(most).any())
    costs = np.zeros((n, periods, wide - 2))
    costs[:, :, 0] = data.station["wear"][:, None]
    costs[:, :, 1 + data.shape.curtails :] = -data.reserve_price.T
    held = np.broadcast_to(columns.reserves, (n, *columns.reserves.shape))
    return Chains(
        kinds=kinds,
        rows=np.ascontiguousarray(np.stack([np.broadcast_to(every[k][0], (n, wide)) for k in kinds], axis=1)),
        limits=np.ascontiguousarray(np.stack([limits[k] for k in kinds], axis=2)),
        coupling=np.ascontiguousarray(np.concatenate([(columns.flow - columns.curtailed)[:, None], held], axis=1)),
        costs=costs,
        charge=columns.charge,
        start=data.station["start"],
        region=region,
    )


_Rows = dict[str, tuple[Floats, Floats]]
"""Kind → coefficients (n or 1 × (m + 2)) and limit (n or 1 × T or 1)."""
_NOTHING = np.zeros((1, 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Columns:
    """What stands for each quantity, as coefficients over a period's columns: m + 2, or n × (m + 2)."""

    content: Floats
    before: Floats
    discharge: Floats
    curtailed: Floats
    reserves: Floats
    """Q × (m + 2)."""
    charge: Floats
    flow: Floats
    """Discharge less charge."""
    low: Floats
    """n × T: the window of content, as `high`."""
    high: Floats
    most_charge: Floats
    """n × 1, as `most_discharge`."""
    most_discharge: Floats


def _columns(data: Scaled) -> _Columns:
    """By (S1) the charge is what takes the content from one period's end to the next."""
    given, shape = data.station, data.shape
    first = 1 + shape.curtails
    unit = np.eye(first + len(shape.reserves) + 2)
    reserves = unit[first:-2]
    called_up, called_down = (_weighed(shape, d, reserves, "activation_ppm", MILLION) for d in Direction)
    eta_c, eta_d, keep = (given[name][:, None] for name in ("eta_c", "eta_d", "keep"))
    charge = (unit[-2] - keep * unit[-1] + (unit[0] + called_up) / eta_d) / eta_c - called_down
    low = given["low"].T
    return _Columns(
        content=unit[-2],
        before=unit[-1],
        discharge=unit[0],
        curtailed=unit[1] if shape.curtails else np.zeros(len(unit)),
        reserves=reserves,
        charge=charge,
        flow=unit[0] - charge,
        low=low,
        high=np.maximum(given["high"].T, low + LEAST_WIDTH),
        most_charge=np.maximum(given["charge"], LEAST_WIDTH)[:, None],
        most_discharge=np.maximum(given["discharge"], LEAST_WIDTH)[:, None],
    )


def _battery_rows(data: Scaled, of: _Columns) -> _Rows:
    """(S2) charge, discharge, and the hull of "not both at once", which bounds either."""
    larger = np.maximum(of.most_charge, of.most_discharge)
    hull = (of.charge * of.most_discharge + of.discharge * of.most_charge) / larger
    found: _Rows = {
        "charge_least": (-of.charge, _NOTHING),
        "discharge_least": (-of.discharge, _NOTHING),
        "hull": (hull, of.most_charge * of.most_discharge / larger),
    }
    if data.shape.curtails:
        found["curtailed_least"] = -of.curtailed, _NOTHING
        found["curtailed_most"] = of.curtailed, np.maximum(data.station["curtailable"].T, LEAST_WIDTH)
    return found


def _pcc_rows(data: Scaled, of: _Columns) -> _Rows:
    """The PCC's rights, where flows inside the battery's limits, reserves included, can use them up."""
    up, down = (_weighed(data.shape, d, of.reserves) for d in Direction)
    rooms = (data.station[name][0].T for name in ("import_room", "export_room"))
    most = of.most_charge + data.station["curtailable"].T, of.most_discharge
    limits = [np.where(reached > room, room, np.inf) for room, reached in zip(rooms, most, strict=True)]
    drawn = of.curtailed - of.flow
    return {"import_right": (drawn + down, limits[0]), "export_right": (up - drawn, limits[1])}


def _up_rows(data: Scaled, of: _Columns) -> _Rows:
    """(S3, S4) what reserves up ask of power, and of content at both ends of the period."""
    up = _weighed(data.shape, Direction.UP, of.reserves)
    borne = _weighed(data.shape, Direction.UP, of.reserves, "duration_s", data.shape.period_s)
    given = borne / data.station["eta_d"][:, None]
    first = (data.station["start_spare"] - data.station["start"])[:, None]
    return {
        "reserve_up": (of.flow + up, of.most_discharge),
        "bear_up": (given - of.content, -of.low),
        "bear_up_before": (given - of.before, np.hstack([first, -of.low[:, :-1]])),
    }


def _down_rows(data: Scaled, of: _Columns) -> _Rows:
    """(S3, S4) what reserves down ask of power, and of room at both ends of the period."""
    down = _weighed(data.shape, Direction.DOWN, of.reserves)
    borne = _weighed(data.shape, Direction.DOWN, of.reserves, "duration_s", data.shape.period_s)
    taken = borne * data.station["eta_c"][:, None]
    first = (data.station["start_room"] + data.station["start"])[:, None]
    return {
        "reserve_down": (down - of.flow, of.most_charge),
        "bear_down": (of.content + taken, of.high),
        "bear_down_before": (of.before + taken, np.hstack([first, of.high[:, :-1]])),
    }


def _weighed(shape: Shape, direction: Direction, units: Floats, name: str | None = None, whole: int = 1) -> Floats:
    """Reserves of a direction, each weighed with a figure of its own if one is named."""
    found = np.zeros(units.shape[1])
    for q in shape.of(direction):
        found = found + (1.0 if name is None else getattr(shape.reserves[q], name) / whole) * units[q]
    return found


# The regions

_OF_REGIONS = ("buy", "sell", "import_limit", "export_limit", "base_load")


class Exchange:
    """Columns of the regions, each of one row: import, export, what is short and what is held beyond; and the ties."""

    def __init__(self, arrays: FleetArrays, data: Scaled) -> None:
        q, shape = len(data.shape.reserves), (arrays.regions, arrays.periods)
        given: dict[str, Floats] = {name: data.region[name].T for name in _OF_REGIONS}
        self.link = np.array([0, 0, *range(1, q + 1), *range(1, q + 1)])
        self.sign = np.array([1.0, -1.0, *[1.0] * q, *[-1.0] * q])[:, None, None]
        short = data.region["short_price"]
        nothing = np.zeros((q, *shape))
        self.costs = np.stack([given["buy"], -given["sell"], *(nothing + short[:, :, None]), *nothing])
        short_most = data.region["short_most"].transpose(0, 2, 1)
        gives_way = np.array([r.short_price is not None for r in data.shape.reserves], dtype=bool)
        self.most = np.stack(
            [
                np.maximum(given["import_limit"], LEAST_WIDTH),
                np.maximum(given["export_limit"], LEAST_WIDTH),
                *np.maximum(short_most, LEAST_WIDTH),
                *np.full((q, *shape), np.inf),
            ]
        )
        self.there = np.array([True, True, *gives_way, *[True] * q])[:, None, None] & np.ones((1, *shape), dtype=bool)
        self.bounded = np.isfinite(self.most) & self.there
        self.tie_from, self.tie_to = arrays.tie_from, arrays.tie_to
        self.tie_most = np.maximum(data.tie["limit"], LEAST_WIDTH)[:, None]
        self.passed = data.tie["passed"][:, None]
        load = given["base_load"].copy()
        np.add.at(load, arrays.region, data.station["net_load"][0].T)
        self.wanted = np.concatenate([load[:, :, None], data.requirement.transpose(1, 2, 0)], axis=2)
        self.given = given

    def sums(self, y: Floats, ties: Floats) -> Floats:
        """What columns and ties give to each row, regions × T × J."""
        found = np.zeros(self.wanted.shape)
        for c, j in enumerate(self.link):
            found[:, :, j] += self.sign[c] * (y[c] * self.there[c])
        forward, backward = ties
        np.add.at(found[:, :, 0], self.tie_from, self.passed * backward - forward)
        np.add.at(found[:, :, 0], self.tie_to, self.passed * forward - backward)
        return found

    def worth(self, prices: Floats) -> Floats:
        """What rows' prices say of each column."""
        found: Floats = self.sign * np.moveaxis(prices, 2, 0)[self.link]
        return found

    def tie_worth(self, prices: Floats) -> Floats:
        """… and of each tie's two ways."""
        here, there = prices[self.tie_from, :, 0], prices[self.tie_to, :, 0]
        return np.stack([self.passed * there - here, self.passed * here - there])
