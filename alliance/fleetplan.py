"""A fleet's planning problem and its plan: many stations in regions, in integers; what a plan must keep (protocol 9.7).

Energy is in Wh a period, prices in cents per MWh, so that 1 Wh at 1 cent per MWh is a microcent. Discharge and export
are positive; net load is positive where it consumes. A station takes from its region g = net load + curtailed PV +
charge − discharge. What a region then lacks is imported from the grid, what it has left exported, ties and their losses
counted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from alliance.errors import Malformed
from alliance.schedule import from_plain, later, to_plain, unwrap

MOST_ENERGY_WH = 10**12
"""Limit of any energy of a station, region or tie, Wh a period: 4 TW for a quarter of an hour."""
MOST_PRICE = 10**9
"""Limit of the size of any price, cents per MWh."""
MOST_PERIODS = 10_000
MOST_STATIONS = 100_000
MOST_REGIONS = 1_000
MOST_TIES = 10_000
MOST_TIE_STEPS = 16
MOST_RESERVES = 16
MOST_SCENARIOS = 1_000
MOST_LEASES = 10_000
MOST_LEASES_A_STATION = 16
MOST_STEPS = 4
"""Holding steps of a station."""
MOST_PERIOD_S = 86_400
MILLION = 1_000_000


class Direction(StrEnum):
    """Whether a reserve gives to the grid when it is called (up) or takes from it (down)."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A part of the network with one exchange with the grid. One entry a period in each tuple."""

    buy_price: tuple[int, ...]
    sell_price: tuple[int, ...]
    """Never above the buy price."""
    import_limit_wh: tuple[int, ...]
    export_limit_wh: tuple[int, ...]
    base_load_wh: tuple[int, ...]
    """Load less renewables of the region outside its stations; negative where renewables prevail."""
    cut_most_wh: tuple[int, ...] = later(())
    """Load outside its stations that may be cut at `cut_price`, a further source beside import; empty: none."""
    cut_price: tuple[int, ...] = later(())
    """0 or more; empty where `cut_most_wh` is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TieStep:
    """From where on a tie loses more, as losses grow with the square of its flow."""

    above_wh: int
    """What is sent above this in a period, either way, …"""
    loss_ppm: int
    """… loses so much, up to the next step; more than below it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """A line between two regions, used one way at a time; of what is sent, `loss_ppm` is lost, or more above steps."""

    from_region: int
    to_region: int
    limit_wh: int
    """Most that may be sent in a period, either way."""
    loss_ppm: int
    steps: tuple[TieStep, ...] = later(())
    """Rising; within the limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingStep:
    """A content from which it costs to keep away, by how far and how long (9.7.3): at least one price is above 0."""

    content_wh: int
    below_price: int
    """For each MWh that the content lies below at a period's end and each hour of the period, cents."""
    above_price: int
    """Likewise above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetStation:
    """A station; a flexible load is one that cannot discharge, its content window saying what is needed when."""

    region: int
    """Index of its region."""
    charge_wh: int
    """Most that it may charge in a period, at the AC side."""
    discharge_wh: int
    eta_c_ppm: int
    eta_d_ppm: int
    keep_ppm: int
    """Share of the content that is still there a period later."""
    energy_min_wh: int
    energy_max_wh: int
    start_wh: int
    """Content when the horizon begins."""
    end_min_wh: int
    """Content when the horizon ends, at least."""
    wear_price: int
    """Wear of each MWh discharged, cents."""
    pcc_import_wh: int
    pcc_export_wh: int
    net_load_wh: tuple[int, ...]
    """Forecast of load − PV behind the PCC; positive consumes."""
    own_need_floor_wh: tuple[int, ...]
    """Content at each period's end, at least, for the station's own need."""
    content_most_wh: tuple[int, ...]
    """Content at each period's end, at most; empty if `energy_max_wh` is the only limit."""
    curtailable_wh: tuple[int, ...]
    """PV that may be curtailed."""
    holding: tuple[HoldingStep, ...] = later(())
    """What the battery's content costs beside its throughput, by content, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetLease:
    """A lessee's part of a station's battery: a virtual storage, of which the station executes the net (9.7.1)."""

    station: int
    """Index of its station."""
    charge_wh: int
    """Most that it may charge in a period, a share of the station's."""
    discharge_wh: int
    energy_wh: int
    """Most that its account may hold."""
    start_wh: int
    """In its account when the horizon begins."""
    end_min_wh: int
    """In its account when the horizon ends, at least."""
    nomination_wh: tuple[int, ...]
    """Firm: what the lessee orders in each period, discharge positive. Empty: pooled, ordered with the optimum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """A reserve product. A reserve of r Wh is the power that gives r Wh in a period if called throughout."""

    direction: Direction
    duration_s: int
    """How long a call must be borne: content (up) or room (down) for it stands at both ends of the period."""
    activation_ppm: int
    """Share of the reserve that is expected to be called."""
    price: tuple[int, ...]
    """Paid for each MW and hour held, cents; 0 or more."""
    requirement_wh: tuple[tuple[int, ...], ...]
    """For each region and period, what its stations must hold together, at least."""
    short_price: int | None = later(None)
    """What each MW and hour that is not held costs, cents; None: the requirement never gives way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way the net loads may turn out."""

    probability_ppm: int
    net_load_wh: tuple[tuple[int, ...], ...]
    """For each station and period, in place of the forecast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """The objective is (1 − weight) · mean + weight · mean of the dearest (1 − alpha) of the scenarios (CVaR)."""

    cvar_alpha_ppm: int
    cvar_weight_ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetProblem:
    """All that a fleet's plan is made from. Raises FieldWrong when made from values outside their limits."""

    periods: int
    period_s: int
    regions: tuple[Region, ...]
    ties: tuple[Tie, ...]
    stations: tuple[FleetStation, ...]
    reserves: tuple[Reserve, ...]
    scenarios: tuple[Scenario, ...]
    """Batteries and reserves are planned once for all; curtailment, ties and exchange follow each scenario."""
    risk: Risk
    leases: tuple[FleetLease, ...] = later(())

    def __post_init__(self) -> None:
        _validate(self)

    @property
    def case_ppm(self) -> tuple[int, ...]:
        """Probability of each case: of the scenarios, or of the forecast as the only one."""
        return tuple(s.probability_ppm for s in self.scenarios) or (MILLION,)

    def net_loads(self, i: int) -> tuple[tuple[int, ...], ...]:
        """A station's net load in each case."""
        return tuple(s.net_load_wh[i] for s in self.scenarios) or (self.stations[i].net_load_wh,)


RISK_NEUTRAL = Risk(cvar_alpha_ppm=0, cvar_weight_ppm=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPlan:
    """What a fleet does, in whole Wh; the exchange of each region follows from it exactly."""

    battery_wh: tuple[tuple[int, ...], ...]
    """[station][period], discharge positive."""
    reserve_wh: tuple[tuple[tuple[int, ...], ...], ...]
    """[reserve][station][period]."""
    curtailed_wh: tuple[tuple[tuple[int, ...], ...], ...]
    """[case][station][period]."""
    tie_wh: tuple[tuple[tuple[int, ...], ...], ...]
    """[case][tie][period]; sent from → to is positive, at the sending end."""
    lease_wh: tuple[tuple[int, ...], ...] = later(())
    """[lease][period], discharge positive; part of the station's flow."""


@dataclass(kw_only=True, eq=False)
class FieldWrong(Malformed):
    """A field of a fleet's problem lies outside its limit."""

    field: str
    value: str
    limit: str


STATION_LIMITS: dict[str, tuple[int, int]] = {
    "charge_wh": (0, MOST_ENERGY_WH),
    "discharge_wh": (0, MOST_ENERGY_WH),
    "eta_c_ppm": (1, MILLION),
    "eta_d_ppm": (1, MILLION),
    "keep_ppm": (0, MILLION),
    "energy_min_wh": (0, MOST_ENERGY_WH),
    "energy_max_wh": (0, MOST_ENERGY_WH),
    "start_wh": (0, MOST_ENERGY_WH),
    "end_min_wh": (0, MOST_ENERGY_WH),
    "wear_price": (0, MOST_PRICE),
    "pcc_import_wh": (0, MOST_ENERGY_WH),
    "pcc_export_wh": (0, MOST_ENERGY_WH),
}
"""Least and most of each field of a station that is one number."""
STATION_SERIES_LIMITS: dict[str, tuple[int, int]] = {
    "net_load_wh": (-MOST_ENERGY_WH, MOST_ENERGY_WH),
    "own_need_floor_wh": (0, MOST_ENERGY_WH),
    "content_most_wh": (0, MOST_ENERGY_WH),
    "curtailable_wh": (0, MOST_ENERGY_WH),
}
"""Least and most of each field of a station that has an entry a period."""
STATION_ORDER: tuple[tuple[str, str], ...] = (
    ("energy_min_wh", "energy_max_wh"),
    ("start_wh", "energy_max_wh"),
    ("end_min_wh", "energy_max_wh"),
)
"""The first is never above the second."""
REGION_SERIES_LIMITS: dict[str, tuple[int, int]] = {
    "buy_price": (-MOST_PRICE, MOST_PRICE),
    "sell_price": (-MOST_PRICE, MOST_PRICE),
    "import_limit_wh": (0, MOST_ENERGY_WH),
    "export_limit_wh": (0, MOST_ENERGY_WH),
    "base_load_wh": (-MOST_ENERGY_WH, MOST_ENERGY_WH),
}
CUT_LIMITS: dict[str, tuple[int, int]] = {"cut_most_wh": (0, MOST_ENERGY_WH), "cut_price": (0, MOST_PRICE)}
"""Least and most of what a region's cut load has an entry a period of."""


def problem_to_plain(problem: FleetProblem) -> dict[str, object]:
    """The plain form {"v": 1, "fleet": …}: maps, lists, integers and texts only, names in camel case."""
    return {"v": 1, "fleet": to_plain(problem)}


def problem_from_plain(plain: object) -> FleetProblem:
    """Read `problem_to_plain`'s form, strictly. Raises PlainWrong or FieldWrong."""
    return from_plain(FleetProblem, unwrap(plain, name="fleet"), where="fleet")


def content_window(station: FleetStation) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Least and most content at each period's end: the battery's window, own need, end rule."""
    low = [max(station.energy_min_wh, floor) for floor in station.own_need_floor_wh]
    low[-1] = max(low[-1], station.end_min_wh)
    most = station.content_most_wh or (station.energy_max_wh,) * len(low)
    return tuple(low), tuple(min(station.energy_max_wh, high) for high in most)


def unheld_wh(problem: FleetProblem, plan: FleetPlan) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """What a plan lacks of each reserve's requirement, [reserve][region][period]."""
    return tuple(
        _unheld(problem, reserve, held) for reserve, held in zip(problem.reserves, plan.reserve_wh, strict=True)
    )


def _unheld(
    problem: FleetProblem, reserve: Reserve, held_wh: tuple[tuple[int, ...], ...]
) -> tuple[tuple[int, ...], ...]:
    if not any(map(any, reserve.requirement_wh)):
        return reserve.requirement_wh
    lacking = [list(wanted) for wanted in reserve.requirement_wh]
    for station, held in zip(problem.stations, held_wh, strict=True):
        if any(held):
            row = lacking[station.region]
            for t, wh in enumerate(held):
                row[t] -= wh
    return tuple(tuple(max(0, wh) for wh in row) for row in lacking)


def require_within(field: str, value: object, low: int, high: int) -> None:
    """Raises FieldWrong unless the value is a whole number from low to high."""
    if type(value) is not int or not low <= value <= high:
        raise FieldWrong(field=field, value=repr(value), limit=f"a whole number from {low} to {high}")


def require_steps(name: str, tie: Tie) -> None:
    """Raises FieldWrong unless a tie's steps rise, within its limit, and its losses with them."""
    require_within(f"{name}.steps", len(tie.steps), 0, MOST_TIE_STEPS)
    above, loss = 0, tie.loss_ppm
    for s, step in enumerate(tie.steps):
        require_within(f"{name}.steps[{s}].above_wh", step.above_wh, above + 1, tie.limit_wh)
        require_within(f"{name}.steps[{s}].loss_ppm", step.loss_ppm, loss + 1, MILLION)
        above, loss = step.above_wh, step.loss_ppm


# Validation


def _validate(problem: FleetProblem) -> None:
    require_within("periods", problem.periods, 1, MOST_PERIODS)
    require_within("period_s", problem.period_s, 1, MOST_PERIOD_S)
    require_within("regions", len(problem.regions), 1, MOST_REGIONS)
    require_within("ties", len(problem.ties), 0, MOST_TIES)
    require_within("stations", len(problem.stations), 0, MOST_STATIONS)
    require_within("reserves", len(problem.reserves), 0, MOST_RESERVES)
    require_within("scenarios", len(problem.scenarios), 0, MOST_SCENARIOS)
    for r, region in enumerate(problem.regions):
        _validate_region(f"regions[{r}]", region, problem.periods)
    for k, tie in enumerate(problem.ties):
        _validate_tie(f"ties[{k}]", tie, len(problem.regions))
    for i, station in enumerate(problem.stations):
        _validate_station(f"stations[{i}]", station, problem)
    for q, reserve in enumerate(problem.reserves):
        _validate_reserve(f"reserves[{q}]", reserve, problem)
    _validate_scenarios(problem)
    _validate_leases(problem)


def _validate_region(name: str, region: Region, periods: int) -> None:
    for field, (low, high) in REGION_SERIES_LIMITS.items():
        _require_series(f"{name}.{field}", getattr(region, field), periods, low, high)
    for t, (sell, buy) in enumerate(zip(region.sell_price, region.buy_price, strict=True)):
        if sell > buy:
            raise FieldWrong(field=f"{name}.sell_price[{t}]", value=str(sell), limit=f"at most buy_price {buy}")
    for field, (low, high) in CUT_LIMITS.items() if region.cut_most_wh or region.cut_price else ():
        _require_series(f"{name}.{field}", getattr(region, field), periods, low, high)


def _validate_tie(name: str, tie: Tie, regions: int) -> None:
    require_within(f"{name}.from_region", tie.from_region, 0, regions - 1)
    require_within(f"{name}.to_region", tie.to_region, 0, regions - 1)
    require_within(f"{name}.limit_wh", tie.limit_wh, 0, MOST_ENERGY_WH)
    require_within(f"{name}.loss_ppm", tie.loss_ppm, 0, MILLION)
    if tie.from_region == tie.to_region:
        raise FieldWrong(field=f"{name}.to_region", value=str(tie.to_region), limit="another region than from_region")
    require_steps(name, tie)


def _validate_station(name: str, station: FleetStation, problem: FleetProblem) -> None:
    require_within(f"{name}.region", station.region, 0, len(problem.regions) - 1)
    for field, (low, high) in STATION_LIMITS.items():
        require_within(f"{name}.{field}", getattr(station, field), low, high)
    for lesser, greater in STATION_ORDER:
        require_within(f"{name}.{lesser}", getattr(station, lesser), 0, getattr(station, greater))
    for field, (low, high) in STATION_SERIES_LIMITS.items():
        series = getattr(station, field)
        if not (field == "content_most_wh" and series == ()):
            _require_series(f"{name}.{field}", series, problem.periods, low, high)
    for t, (least, most) in enumerate(zip(*content_window(station), strict=True)):
        if least > most:
            field = "end_min_wh" if station.own_need_floor_wh[t] <= most else f"own_need_floor_wh[{t}]"
            raise FieldWrong(field=f"{name}.{field}", value=str(least), limit=f"at most {most}, the content's limit")
    _validate_holding(f"{name}.holding", station)


def _validate_holding(name: str, station: FleetStation) -> None:
    require_within(name, len(station.holding), 0, MOST_STEPS)
    least = 0
    for k, step in enumerate(station.holding):
        require_within(f"{name}[{k}].content_wh", step.content_wh, least, station.energy_max_wh)
        for field in ("below_price", "above_price"):
            require_within(f"{name}[{k}].{field}", getattr(step, field), 0, MOST_PRICE)
        if step.below_price == step.above_price == 0:
            raise FieldWrong(field=f"{name}[{k}].above_price", value="0", limit="1 or more, as below_price is 0")
        least = step.content_wh + 1


def _validate_reserve(name: str, reserve: Reserve, problem: FleetProblem) -> None:
    if not isinstance(reserve.direction, Direction):
        raise FieldWrong(field=f"{name}.direction", value=repr(reserve.direction), limit="up or down")
    require_within(f"{name}.duration_s", reserve.duration_s, 0, 7 * 86_400)
    require_within(f"{name}.activation_ppm", reserve.activation_ppm, 0, MILLION)
    _require_series(f"{name}.price", reserve.price, problem.periods, 0, MOST_PRICE)
    if reserve.short_price is not None:
        require_within(f"{name}.short_price", reserve.short_price, 0, MOST_PRICE)
    require_within(f"{name}.requirement_wh", len(reserve.requirement_wh), len(problem.regions), len(problem.regions))
    for r, series in enumerate(reserve.requirement_wh):
        _require_series(f"{name}.requirement_wh[{r}]", series, problem.periods, 0, MOST_ENERGY_WH)


def _validate_scenarios(problem: FleetProblem) -> None:
    require_within("risk.cvar_alpha_ppm", problem.risk.cvar_alpha_ppm, 0, MILLION - 1)
    require_within("risk.cvar_weight_ppm", problem.risk.cvar_weight_ppm, 0, MILLION)
    n = len(problem.stations)
    for w, scenario in enumerate(problem.scenarios):
        require_within(f"scenarios[{w}].probability_ppm", scenario.probability_ppm, 0, MILLION)
        require_within(f"scenarios[{w}].net_load_wh", len(scenario.net_load_wh), n, n)
        for i, series in enumerate(scenario.net_load_wh):
            name = f"scenarios[{w}].net_load_wh[{i}]"
            _require_series(name, series, problem.periods, -MOST_ENERGY_WH, MOST_ENERGY_WH)
    together = sum(s.probability_ppm for s in problem.scenarios)
    if problem.scenarios:
        require_within("scenarios.probability_ppm together", together, MILLION, MILLION)


def _validate_leases(problem: FleetProblem) -> None:
    require_within("leases", len(problem.leases), 0, MOST_LEASES)
    taken: dict[int, list[FleetLease]] = {}
    for k, lease in enumerate(problem.leases):
        name = f"leases[{k}]"
        require_within(f"{name}.station", lease.station, 0, len(problem.stations) - 1)
        station, before = problem.stations[lease.station], taken.setdefault(lease.station, [])
        require_within(f"{name}.station (its leases)", len(before) + 1, 1, MOST_LEASES_A_STATION)
        for field in ("charge_wh", "discharge_wh"):
            left = getattr(station, field) - sum(getattr(other, field) for other in before)
            require_within(f"{name}.{field}", getattr(lease, field), 0, left)
        low, high = content_window(station)
        room = min(most - least for least, most in zip(low, high, strict=True))
        require_within(f"{name}.energy_wh", lease.energy_wh, 0, room - sum(other.energy_wh for other in before))
        require_within(f"{name}.start_wh", lease.start_wh, 0, lease.energy_wh)
        reach = lease.start_wh + problem.periods * lease.charge_wh * station.eta_c_ppm // MILLION
        require_within(f"{name}.end_min_wh", lease.end_min_wh, 0, min(lease.energy_wh, reach))
        if lease.nomination_wh:
            _validate_nomination(name, lease, station, problem.periods)
        before.append(lease)


def _validate_nomination(name: str, lease: FleetLease, station: FleetStation, periods: int) -> None:
    """Within the share of powers, and its account within the share of content."""
    _require_series(f"{name}.nomination_wh", lease.nomination_wh, periods, -lease.charge_wh, lease.discharge_wh)
    unit = MILLION * station.eta_d_ppm
    content = lease.start_wh * unit
    for t, flow in enumerate(lease.nomination_wh):
        content += -flow * station.eta_c_ppm * station.eta_d_ppm if flow < 0 else -flow * MILLION**2
        least = lease.end_min_wh if t == periods - 1 else 0
        if not least * unit <= content <= lease.energy_wh * unit:
            raise FieldWrong(
                field=f"{name}.nomination_wh[{t}]", value=f"{flow} (its account {content // unit})",
                limit=f"an account from {least} to {lease.energy_wh}",
            )  # fmt: skip


def _require_series(name: str, series: Sequence[object], periods: int, low: int, high: int) -> None:
    require_within(f"{name} (its length)", len(series), periods, periods)
    if not _all_within(series, low, high):
        for t, value in enumerate(series):
            require_within(f"{name}[{t}]", value, low, high)


def _all_within(series: Iterable[object], low: int, high: int) -> bool:
    return all(type(value) is int and low <= value <= high for value in series)
