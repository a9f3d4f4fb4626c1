"""A fleet's problem as numpy arrays of int64, with the limits of `alliance.fleetplan` checked on whole arrays.

Large fleets are made here directly: 50,000 stations of 96 periods are too many Python integers. Signs and units are
those of `FleetProblem`: Wh a period, cents per MWh, discharge and export positive, and a station takes
g = net load + curtailed + charge − discharge from its region.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from alliance.fleetplan import (
    CUT_LIMITS,
    MILLION,
    MOST_ENERGY_WH,
    MOST_PRICE,
    MOST_STEPS,
    REGION_SERIES_LIMITS,
    STATION_LIMITS,
    STATION_ORDER,
    STATION_SERIES_LIMITS,
    Direction,
    FieldWrong,
    FleetLease,
    FleetProblem,
    FleetStation,
    HoldingStep,
    Region,
    Reserve,
    Risk,
    Scenario,
    Tie,
    TieStep,
    require_steps,
    require_within,
)

Ints = Any
"""A numpy array of int64."""


def _nothing() -> Ints:
    return np.zeros((1, 1), dtype=np.int64)


def _no_steps() -> Ints:
    return np.zeros((1, 0, 3), dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FleetArrays:
    """A `FleetProblem` in arrays: n stations, T periods, R regions, L ties, Q reserves, W cases (1: the forecast)."""

    periods: int
    period_s: int
    buy_price: Ints
    """R × T, as all that begins a region's."""
    sell_price: Ints
    import_limit_wh: Ints
    export_limit_wh: Ints
    base_load_wh: Ints
    tie_from: Ints
    """L, as all that begins a tie's."""
    tie_to: Ints
    tie_limit_wh: Ints
    tie_loss_ppm: Ints
    region: Ints
    """n, as each of a station's single numbers."""
    charge_wh: Ints
    discharge_wh: Ints
    eta_c_ppm: Ints
    eta_d_ppm: Ints
    keep_ppm: Ints
    energy_min_wh: Ints
    energy_max_wh: Ints
    start_wh: Ints
    end_min_wh: Ints
    wear_price: Ints
    pcc_import_wh: Ints
    pcc_export_wh: Ints
    net_load_wh: Ints
    """n × T, as each of a station's series; the forecast."""
    own_need_floor_wh: Ints
    """n × T; a row or column of 1 is broadcast (as `content_most_wh`, `curtailable_wh`)."""
    content_most_wh: Ints
    curtailable_wh: Ints
    reserves: tuple[Reserve, ...]
    scenario_ppm: Ints
    """W probabilities; empty without scenarios."""
    scenario_net_load_wh: Ints
    """W × n × T; W = 0 without scenarios."""
    risk: Risk
    leases: tuple[FleetLease, ...] = ()
    cut_most_wh: Ints = field(default_factory=_nothing)
    """R × T; a row and column of 1 is broadcast, as `cut_price`."""
    cut_price: Ints = field(default_factory=_nothing)
    tie_steps: Ints = field(default_factory=partial(np.zeros, (0, 3), np.int64))
    """A row a step, in order of tie and step: tie, `above_wh`, `loss_ppm`."""
    holding: Ints = field(default_factory=_no_steps)
    """n × steps × 3: content_wh, below_price, above_price, ascending; a first side of 1 is broadcast. Stations with
    fewer steps than others begin with some that cost nothing."""

    def __post_init__(self) -> None:
        _validate(self)

    @property
    def stations(self) -> int:
        """Number of stations."""
        return len(self.region)

    @property
    def regions(self) -> int:
        """Number of regions."""
        return len(self.buy_price)

    @property
    def ties(self) -> int:
        """Number of ties."""
        return len(self.tie_from)

    @property
    def shape(self) -> tuple[int, int]:
        """(stations, periods)."""
        return self.stations, self.periods

    @property
    def low_wh(self) -> Ints:
        """Least content at each period's end, n × T: window, own need, end rule."""
        low = np.broadcast_to(np.maximum(self.own_need_floor_wh, self.energy_min_wh[:, None]), self.shape).copy()
        low[:, -1] = np.maximum(low[:, -1], self.end_min_wh)
        return low

    @property
    def high_wh(self) -> Ints:
        """Most content at each period's end, n × T."""
        return np.broadcast_to(np.minimum(self.content_most_wh, self.energy_max_wh[:, None]), self.shape)

    @property
    def cuts(self) -> bool:
        """Whether any region has load that may be cut."""
        return bool(self.cut_most_wh.any())

    @property
    def most_taken_wh(self) -> Ints:
        """Import limit and all that may be cut, R × T."""
        return self.import_limit_wh + self.cut_most_wh

    @property
    def case_ppm(self) -> Ints:
        """Probability of each case."""
        return self.scenario_ppm if len(self.scenario_ppm) else np.array([MILLION])

    @property
    def case_net_load_wh(self) -> Ints:
        """Cases × n × T."""
        return self.scenario_net_load_wh if len(self.scenario_ppm) else self.net_load_wh[None]


def arrays_of(problem: FleetProblem) -> FleetArrays:
    """The arrays of a problem."""
    n, periods = len(problem.stations), problem.periods
    singles = {name: _ints([getattr(s, name) for s in problem.stations], (n,)) for name in ("region", *STATION_LIMITS)}
    series = {
        name: _ints([getattr(s, name) for s in problem.stations], (n, periods))
        for name in STATION_SERIES_LIMITS
        if name != "content_most_wh"
    }
    most = [s.content_most_wh or (s.energy_max_wh,) * periods for s in problem.stations]
    of_regions = {name: _ints([getattr(r, name) for r in problem.regions], (-1, periods)) for name in _REGION_SERIES}
    return FleetArrays(
        periods=periods,
        period_s=problem.period_s,
        tie_from=_ints([t.from_region for t in problem.ties], (-1,)),
        tie_to=_ints([t.to_region for t in problem.ties], (-1,)),
        tie_limit_wh=_ints([t.limit_wh for t in problem.ties], (-1,)),
        tie_loss_ppm=_ints([t.loss_ppm for t in problem.ties], (-1,)),
        tie_steps=_ints([(k, s.above_wh, s.loss_ppm) for k, t in enumerate(problem.ties) for s in t.steps], (-1, 3)),
        content_most_wh=_ints(most, (n, periods)),
        reserves=problem.reserves,
        scenario_ppm=_ints([s.probability_ppm for s in problem.scenarios], (-1,)),
        scenario_net_load_wh=_ints([s.net_load_wh for s in problem.scenarios], (len(problem.scenarios), n, periods)),
        risk=problem.risk,
        leases=problem.leases,
        holding=_holding([s.holding for s in problem.stations]),
        **singles,
        **series,
        **of_regions,
        **_cuts(problem),
    )


def _cuts(problem: FleetProblem) -> dict[str, Ints]:
    """What may be cut and its prices; nothing where no region has any."""
    if not any(region.cut_most_wh for region in problem.regions):
        return {}
    zeros = (0,) * problem.periods
    return {name: _ints([getattr(r, name) or zeros for r in problem.regions], (-1, len(zeros))) for name in CUT_LIMITS}


def problem_of(arrays: FleetArrays) -> FleetProblem:
    """The problem of arrays: what a certificate carries."""
    return FleetProblem(
        periods=arrays.periods,
        period_s=arrays.period_s,
        regions=tuple(
            Region(**{name: _tuple(getattr(arrays, name)[r]) for name in _REGION_SERIES}, **cut)
            for r, cut in enumerate(_cut_of(arrays))
        ),
        ties=ties_of(arrays),
        stations=_stations(arrays),
        reserves=arrays.reserves,
        scenarios=tuple(
            Scenario(probability_ppm=int(ppm), net_load_wh=tuple(map(_tuple, loads)))
            for ppm, loads in zip(arrays.scenario_ppm, arrays.scenario_net_load_wh, strict=True)
        ),
        risk=arrays.risk,
        leases=arrays.leases,
    )


_REGION_SERIES = tuple(REGION_SERIES_LIMITS)


def ties_of(arrays: FleetArrays) -> tuple[Tie, ...]:
    """The ties with their steps."""
    steps: list[list[TieStep]] = [[] for _ in range(arrays.ties)]
    for k, above, loss in arrays.tie_steps.tolist():
        steps[k].append(TieStep(above_wh=above, loss_ppm=loss))
    columns = (_tuple(x) for x in (arrays.tie_from, arrays.tie_to, arrays.tie_limit_wh, arrays.tie_loss_ppm))
    return tuple(
        Tie(from_region=a, to_region=b, limit_wh=limit, loss_ppm=loss, steps=tuple(of_tie))
        for a, b, limit, loss, of_tie in zip(*columns, steps, strict=True)
    )


def step_counts(arrays: FleetArrays) -> Ints:
    """How many steps each tie has."""
    return np.bincount(arrays.tie_steps[:, 0], minlength=arrays.ties)


def _cut_of(arrays: FleetArrays) -> list[dict[str, tuple[int, ...]]]:
    """What each region may cut and its price; nothing where it has no such load."""
    shape = arrays.regions, arrays.periods
    rows = {name: np.broadcast_to(getattr(arrays, name), shape) for name in CUT_LIMITS}
    return [
        {name: _tuple(series[r]) for name, series in rows.items()} if rows["cut_most_wh"][r].any() else {}
        for r in range(arrays.regions)
    ]


def _holding(steps: list[tuple[HoldingStep, ...]]) -> Ints:
    most = max(map(len, steps), default=0)
    if not most:
        return _no_steps()
    filled = [((0, 0, 0),) * (most - len(of)) + tuple(map(_figures, of)) for of in steps]
    return _ints(filled, (len(steps), most, 3))


def _figures(step: HoldingStep) -> tuple[int, int, int]:
    return step.content_wh, step.below_price, step.above_price


def _steps(rows: list[list[int]]) -> tuple[HoldingStep, ...]:
    priced = [row for row in rows if row[1] or row[2]]
    return tuple(HoldingStep(content_wh=wh, below_price=below, above_price=above) for wh, below, above in priced)


def _stations(arrays: FleetArrays) -> tuple[FleetStation, ...]:
    names = ("region", *STATION_LIMITS)
    singles = [getattr(arrays, name).tolist() for name in names]
    series = {name: np.broadcast_to(getattr(arrays, name), arrays.shape) for name in STATION_SERIES_LIMITS}
    bounded = (series["content_most_wh"] < arrays.energy_max_wh[:, None]).any(axis=1)
    holding = [_steps(rows) for rows in arrays.holding.tolist()]
    found = []
    for i, values in enumerate(zip(*singles, strict=True)):
        fields: dict[str, Any] = dict(zip(names, values, strict=True))
        fields |= {name: _tuple(rows[i]) for name, rows in series.items()}
        fields["holding"] = holding[i % len(holding)]
        found.append(FleetStation(**fields | ({} if bounded[i] else {"content_most_wh": ()})))
    return tuple(found)


def _tuple(row: Ints) -> tuple[int, ...]:
    return tuple(row.tolist())


def _ints(values: Any, shape: tuple[int, ...]) -> Ints:
    return np.array(values, dtype=np.int64).reshape(shape)


# Validation


def _validate(arrays: FleetArrays) -> None:
    require_within("periods", arrays.periods, 1, 10_000)
    require_within("period_s", arrays.period_s, 1, 86_400)
    n, periods, regions = arrays.stations, arrays.periods, arrays.regions
    require_within("regions", regions, 1, 1_000)
    for name, (low, high) in REGION_SERIES_LIMITS.items():
        _require(arrays, name, (regions, periods), low, high)
    for name, (low, high) in CUT_LIMITS.items():
        _require(arrays, name, (regions, periods), low, high)
    _require_order(arrays, "sell_price", arrays.buy_price, "buy_price")
    for name, (low, high) in {"region": (0, regions - 1), **STATION_LIMITS}.items():
        _require(arrays, name, (n,), low, high)
    for lesser, greater in STATION_ORDER:
        _require_order(arrays, lesser, getattr(arrays, greater), greater)
    for name, (low, high) in STATION_SERIES_LIMITS.items():
        _require(arrays, name, (n, periods), low, high)
    _require_window(arrays)
    _require_holding(arrays)
    for name, most in (("tie_from", regions - 1), ("tie_to", regions - 1), ("tie_loss_ppm", MILLION)):
        _require(arrays, name, (arrays.ties,), 0, most)
    _require(arrays, "tie_limit_wh", (arrays.ties,), 0, 10**12)
    _require(arrays, "tie_steps", (len(arrays.tie_steps), 3), 0, 10**12)
    least = 0
    for row, k in enumerate(arrays.tie_steps[:, 0].tolist()):
        require_within(f"tie_steps[{row}, 0]", k, least, arrays.ties - 1)
        least = k
    for k, tie in enumerate(ties_of(arrays) if len(arrays.tie_steps) else ()):
        require_steps(f"ties[{k}]", tie)
    cases = len(arrays.scenario_ppm)
    _require(arrays, "scenario_ppm", (cases,), 0, MILLION)
    _require(arrays, "scenario_net_load_wh", (cases, n, periods), *STATION_SERIES_LIMITS["net_load_wh"])


def _require(arrays: FleetArrays, name: str, shape: tuple[int, ...], low: int, high: int) -> None:
    """Raises FieldWrong unless an array is whole numbers of its shape within limits; a side of 1 is broadcast."""
    array = getattr(arrays, name)
    if array.dtype.kind not in "iu":
        raise FieldWrong(field=name, value=str(array.dtype), limit="whole numbers")
    fits = array.ndim == len(shape) and all(a in (b, 1) for a, b in zip(array.shape, shape, strict=True))
    if not fits or (array.shape != shape and name not in _BROADCAST):
        raise FieldWrong(field=name, value=f"shape {array.shape}", limit=f"shape {shape}")
    if array.size and (array.min() < low or array.max() > high):
        where = np.unravel_index(int(np.argmax((array < low) | (array > high))), array.shape)
        require_within(f"{name}[{', '.join(str(int(k)) for k in where)}]", int(array[where]), low, high)


_BROADCAST = frozenset({"own_need_floor_wh", "content_most_wh", "curtailable_wh", *CUT_LIMITS})


def _require_order(arrays: FleetArrays, lesser: str, most: Ints, greater: str) -> None:
    wrong = getattr(arrays, lesser) > most
    if wrong.any():
        where = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        at = ", ".join(str(int(k)) for k in where)
        value = int(getattr(arrays, lesser)[where])
        raise FieldWrong(field=f"{lesser}[{at}]", value=str(value), limit=f"at most {greater} {int(most[where])}")


def _require_window(arrays: FleetArrays) -> None:
    """Raises FieldWrong where no content is allowed; whole series are made only to say where."""
    floor = np.maximum(arrays.own_need_floor_wh, arrays.energy_min_wh[:, None])
    most = np.minimum(arrays.content_most_wh, arrays.energy_max_wh[:, None])
    last = np.maximum(floor[:, -1], arrays.end_min_wh)
    if (floor > most).any() or (last > most[:, -1]).any():
        low, high = arrays.low_wh, arrays.high_wh
        i, t = (int(k) for k in np.unravel_index(int(np.argmax(low > high)), arrays.shape))
        limit = f"at most {high[i, t]}, the content's limit"
        raise FieldWrong(field=f"content floor[{i}, {t}]", value=str(low[i, t]), limit=limit)


def _require_holding(arrays: FleetArrays) -> None:
    """Raises FieldWrong unless steps are whole, few, ascending inside the capacity, at prices within limits."""
    holding, most = arrays.holding, np.array([MOST_ENERGY_WH, MOST_PRICE, MOST_PRICE])
    whole = holding.dtype.kind in "iu" and holding.ndim == 3 and holding.shape[2] == 3
    if not whole or holding.shape[0] not in (1, arrays.stations) or holding.shape[1] > MOST_STEPS:
        limit = f"whole numbers of shape (1 or {arrays.stations}, at most {MOST_STEPS}, 3)"
        raise FieldWrong(field="holding", value=f"{holding.dtype} of shape {holding.shape}", limit=limit)
    if ((holding < 0) | (holding > most)).any():
        where = np.unravel_index(int(np.argmax((holding < 0) | (holding > most))), holding.shape)
        at = ", ".join(str(int(k)) for k in where)
        require_within(f"holding[{at}]", int(holding[where]), 0, int(most[where[2]]))
    contents = holding[:, :, 0]
    wrong = np.diff(contents, axis=1) < 0 if contents.size else contents[:, :0] < 0
    if wrong.any() or (contents > arrays.energy_max_wh[:, None]).any():
        raise FieldWrong(field="holding", value="content_wh", limit="ascending, at most energy_max_wh")


def leases_of(arrays: FleetArrays) -> list[list[int]]:
    """The leases of each station, in order."""
    found: list[list[int]] = [[] for _ in range(arrays.stations)]
    for k, lease in enumerate(arrays.leases):
        found[lease.station].append(k)
    return found


def steps_of(arrays: FleetArrays) -> list[int]:
    """How many holding steps each station is modelled with: as many as any has, or none."""
    most = arrays.holding.shape[1]
    priced = np.broadcast_to((arrays.holding[:, :, 1:] > 0).any(axis=(1, 2)), arrays.stations)
    return [most if held else 0 for held in priced.tolist()]


def leased_of(arrays: FleetArrays, name: str) -> Ints:
    """What the lessees of each station have together of a figure (n)."""
    found = np.zeros(arrays.stations, dtype=np.int64)
    for lease in arrays.leases:
        found[lease.station] += getattr(lease, name)
    return found


def directions(arrays: FleetArrays) -> tuple[tuple[Reserve, ...], tuple[Reserve, ...]]:
    """The reserves up and down."""
    up = tuple(q for q in arrays.reserves if q.direction is Direction.UP)
    return up, tuple(q for q in arrays.reserves if q.direction is Direction.DOWN)
