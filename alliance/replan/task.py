"""Re-planning a fleet within the day: from a plan in force and measured states to the new problem (protocol 9.12).

No solver and no clock: `task` says what is to be planned and what keeping the old plan would do; whoever plans it makes
a `Replan`, and `alliance.replan.check` makes the same task again. A market position with a price on deviation, and
what cannot be served, enter as regions of their own behind lossless ties ("valves"), and reserves that nobody can hold
get a price at which they give way, so that the problem stays one of 9.7 with its certificate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alliance.errors import Refused
from alliance.fleetlease import account_path, leased
from alliance.fleetplan import (
    MILLION,
    MOST_ENERGY_WH,
    MOST_PRICE,
    RISK_NEUTRAL,
    FleetLease,
    FleetPlan,
    FleetProblem,
    FleetStation,
    Region,
    Reserve,
    Tie,
    content_window,
    require_within,
    unheld_wh,
)
from alliance.fleetproof import FleetCertificate, LimitBroken, exchange_microwh, grid_microwh, objective_microcents
from alliance.replan.leased import (
    Course,
    Part,
    Theirs,
    able_leases,
    idle_lease,
    lease_lowered,
    parts,
    require_leases,
    used_lease,
)
from alliance.replan.record import (
    Cycle,
    LeaseLowered,
    Lowered,
    MeasuredState,
    Replan,
    ReplanTerms,
    Series,
    Shortage,
    Stale,
    Table,
    Use,
    UsedLease,
    UsedState,
    plan_digest,
    replan_digest,
)
from alliance.replan.site import Reached, carried_wh, kept_flows, kept_reserves, reached

MOST_MS = 1 << 52


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be planned, and what from."""

    problem: FleetProblem
    cycle: Cycle


@dataclass(kw_only=True, eq=False)
class StateStale(Refused):
    """A station's measurement is older than the limit (or from the future), or there is none (age −1)."""

    station: int
    age_ms: int
    most_age_ms: int


@dataclass(kw_only=True, eq=False)
class NothingLeft(Refused):
    """No period of the plan in force begins after this moment, or its horizon has not been reached."""

    issued_ms: int
    begins_ms: int
    periods: int


@dataclass(kw_only=True, eq=False)
class ScenariosFixed(Refused):
    """A plan with scenarios is not rolled on: its exchange is none that one measured course could be held against."""

    scenarios: int


@dataclass(kw_only=True, eq=False)
class NotThePlan(Refused):
    """The cycle before belongs to another day-ahead plan."""

    expected: str
    got: str


def terms_of(begins_ms: int, issued_ms: int, **chosen: object) -> ReplanTerms:
    """Terms with the usual figures: 5 minutes, refuse, all that remains, no deviation price, 1 %, 100 yuan a kWh."""
    usual: dict[str, object] = {
        "most_age_ms": 300_000, "stale": Stale.REFUSE, "periods": 0, "deviation_price": None, "end_slack_ppm": 10_000,
        "unserved_price": 10_000_000, "relieved": False,
    }  # fmt: skip
    return ReplanTerms(begins_ms=begins_ms, issued_ms=issued_ms, **(usual | chosen))  # type: ignore[arg-type]  # checked by `task`


def task(base: FleetCertificate, after: Replan | None, *, terms: ReplanTerms, states: Sequence[MeasuredState]) -> Task:
    """What a cycle plans. Raises FieldWrong, StateStale, NothingLeft, ScenariosFixed, NotThePlan or ShapeWrong."""
    _check_terms(base.problem, terms, states)
    if base.problem.scenarios:
        raise ScenariosFixed(scenarios=len(base.problem.scenarios))
    old = in_force(base, after)
    first, last = _window(base.problem, terms)
    promised = _exchange(base.problem, old, first, last)
    position = _exchange(base.problem, base.plan, first, last)
    measured = {state.station: state for state in states}
    used = tuple(_used(base, old, i, measured.get(i), first, last, terms) for i in range(len(base.problem.stations)))
    by_station: dict[int, list[Part]] = {}
    for part in parts(base, after, old, first, last):
        by_station.setdefault(part.lease.station, []).append(part)
    sites = [
        _site(base, old, used[i], measured.get(i), first, last, terms, by_station.get(i, [])) for i in range(len(used))
    ]
    leases = _leases(by_station, sites)
    problem = _sliced(base.problem, tuple(site.station for site in sites), first, last, tuple(x.lease for x in leases))
    problem = with_valves(problem, position if terms.deviation_price is not None else None, terms)
    regions = len(base.problem.regions)
    curtailed = tuple(_least(row[first:last], sites[i]) for i, row in enumerate(old.curtailed_wh[0]))
    kept = FleetPlan(
        battery_wh=tuple(site.kept for site in sites),
        reserve_wh=_kept_reserves(base.problem, old, sites, curtailed, first, last),
        curtailed_wh=(curtailed,),
        tie_wh=(tuple(row[first:last] for row in old.tie_wh[0]),),
        lease_wh=tuple(x.kept for x in leases),
    )
    cycle = Cycle(
        base_digest=plan_digest(base),
        after_digest=None if after is None else replan_digest(after),
        terms=terms,
        states=tuple(states),
        first=first,
        regions=regions,
        used=used,
        lowered=tuple(site.lowered for site in sites if site.lowered is not None),
        position_wh=_zeros(regions, last - first) if terms.deviation_price is None else position,
        promised_wh=promised,
        site_unserved_wh=_by_region(base.problem, [s.unserved for s in sites], last - first),
        site_spilled_wh=_by_region(base.problem, [s.spilled for s in sites], last - first),
        kept=relieved(kept, problem, regions),
        leases=tuple(x.used for x in leases),
        leases_lowered=tuple(x.lowered for x in leases if x.lowered is not None),
    )
    return Task(problem=problem, cycle=cycle)


def in_force(base: FleetCertificate, after: Replan | None) -> FleetPlan:
    """The day-ahead plan, the last cycle's in place of it where that reaches. Raises NotThePlan or ShapeWrong."""
    plan = base.plan
    if after is None:
        return plan
    if after.cycle.base_digest != plan_digest(base):
        raise NotThePlan(expected=plan_digest(base), got=after.cycle.base_digest)
    require_leases(base.problem, after)
    new, first = after.certificate.plan, after.cycle.first
    held = {state.station: state.held_wh for state in after.cycle.used if state.use is Use.HELD}

    def put(rows: Table, into: Table) -> Table:
        return tuple(old[:first] + row + old[first + len(row) :] for old, row in zip(into, rows, strict=False))

    orders = tuple(held.get(i, row) for i, row in enumerate(new.battery_wh))
    theirs = tuple(told.held_wh or row for told, row in zip(after.cycle.leases, new.lease_wh, strict=True))
    return FleetPlan(
        battery_wh=put(orders, plan.battery_wh),
        reserve_wh=tuple(put(rows, into) for rows, into in zip(new.reserve_wh, plan.reserve_wh, strict=True)),
        curtailed_wh=(put(new.curtailed_wh[0], plan.curtailed_wh[0]),),
        tie_wh=(put(new.tie_wh[0], plan.tie_wh[0]),),
        lease_wh=put(theirs, plan.lease_wh),
    )


def shortage(problem: FleetProblem, plan: FleetPlan, made: Cycle) -> Shortage:
    """What a plan of a cycle's problem leaves open."""
    regions = made.regions
    grid = [list(row) for row in grid_microwh(plan, problem, 0)[:regions]]
    unserved = [list(row) for row in made.site_unserved_wh]
    spilled = [list(row) for row in made.site_spilled_wh]
    for k, tie in enumerate(problem.ties):
        if tie.from_region < regions:
            continue
        r, flows = tie.to_region, plan.tie_wh[0][k]
        if tie.from_region >= made.relief_from:
            unserved[r] = [a + max(0, f) for a, f in zip(unserved[r], flows, strict=True)]
            spilled[r] = [a + max(0, -f) for a, f in zip(spilled[r], flows, strict=True)]
        else:
            grid[r] = [a + MILLION * f for a, f in zip(grid[r], flows, strict=True)]
    more = tuple(
        tuple(max(0, -(-x // MILLION) + p - old) for x, p, old in zip(row, position, promised, strict=True))
        for row, position, promised in zip(grid, made.position_wh, made.promised_wh, strict=True)
    )
    return Shortage(
        taken_more_wh=more,
        unserved_wh=tuple(map(tuple, unserved)),
        spilled_wh=tuple(map(tuple, spilled)),
        unheld_wh=tuple(rows[:regions] for rows in unheld_wh(problem, plan)),
    )


# Valves


def with_valves(problem: FleetProblem, position: Table | None, terms: ReplanTerms) -> FleetProblem:
    """The problem with each region's exchange counted from its position, and with relief, if they are asked for."""
    regions, valves = list(problem.regions), []
    for r, region in enumerate(problem.regions):
        if position is not None:
            assert terms.deviation_price is not None
            regions[r], valve = _from_position(region, position[r], terms.deviation_price)
            valves.append((r, valve))
    if terms.relieved:
        valves += [(r, _relief(problem, r, terms.unserved_price)) for r in range(len(problem.regions))]
    first = len(problem.regions)
    ties = [
        Tie(from_region=first + k, to_region=r, limit_wh=max(v.import_limit_wh + v.export_limit_wh), loss_ppm=0)
        for k, (r, v) in enumerate(valves)
    ]
    nothing = _zeros(len(valves), problem.periods)
    reserves = tuple(
        replace(q, requirement_wh=(*q.requirement_wh, *nothing), short_price=_short_price(q, terms))
        for q in problem.reserves
    )
    return replace(problem, regions=(*regions, *(v for _, v in valves)), ties=(*problem.ties, *ties), reserves=reserves)


def _short_price(reserve: Reserve, terms: ReplanTerms) -> int | None:
    """The reserve's own price, or, where relief is asked for, the cycle's."""
    if reserve.short_price is not None or not terms.relieved:
        return reserve.short_price
    return terms.unheld_price


def relieved(plan: FleetPlan, problem: FleetProblem, regions: int) -> FleetPlan:
    """A plan with no more through the valves than they must carry: the position's valve first, then relief."""
    valves = [(k, tie) for k, tie in enumerate(problem.ties) if tie.from_region >= regions]
    own = plan.tie_wh[0][: len(problem.ties) - len(valves)]
    plan = replace(plan, tie_wh=((*own, *_zeros(len(valves), problem.periods)),))
    flows = [list(row) for row in plan.tie_wh[0]]
    net = exchange_microwh(plan, problem, 0)
    for k, tie in valves:
        region, valve = problem.regions[tie.to_region], problem.regions[tie.from_region]
        for t, micro in enumerate(net[tie.to_region]):
            first, last = _cut_before(region, valve, t)
            over = -(-micro // MILLION) - region.import_limit_wh[t] - first
            under = -(micro // MILLION) - region.export_limit_wh[t] + last
            flow = min(max(0, over), valve.import_limit_wh[t]) - min(max(0, under), valve.export_limit_wh[t])
            flows[k][t] = flow
            net[tie.to_region][t] -= flow * MILLION
    return replace(plan, tie_wh=(tuple(map(tuple, flows)),))


def _cut_before(region: Region, valve: Region, t: int) -> tuple[int, int]:
    """Load that is cut before the valve gives anything, and that is cut before it takes any less: all, or none."""
    if not region.cut_most_wh:
        return 0, 0
    most, price = region.cut_most_wh[t], region.cut_price[t]
    return most * (price <= valve.buy_price[t]), most * (price < valve.sell_price[t])


def _from_position(region: Region, position: Series, price: int) -> tuple[Region, Region]:
    """Exchange beside the position, f(P + y) + price·|y|, as a region and a valve: three slopes, the middle one first.

    The constant f(P) is left out.
    """
    near: list[Series] = []
    far: list[Series] = []
    rows = (region.buy_price, region.sell_price, region.import_limit_wh, region.export_limit_wh)
    for p, buy, sell, most, least in zip(position, *rows, strict=True):
        up, down = (sell if p < 0 else buy) + price, (buy if p > 0 else sell) - price
        near.append((up, down, max(0, -p if p < 0 else most - p), max(0, p if p > 0 else least + p)))
        far.append((buy + price, min(sell - price, buy + price), most if p < 0 else 0, least if p > 0 else 0))
    base = tuple(load - p for load, p in zip(region.base_load_wh, position, strict=True))
    here = replace(_region(near, base), cut_most_wh=region.cut_most_wh, cut_price=region.cut_price)
    return here, _region(far, (0,) * len(position))


def _region(rows: Sequence[Series], base: Series) -> Region:
    buy, sell, most, least = (tuple(column) for column in zip(*rows, strict=True))
    clipped = (tuple(max(-MOST_PRICE, min(MOST_PRICE, p)) for p in side) for side in (buy, sell))
    buy, sell = clipped
    return Region(buy_price=buy, sell_price=sell, import_limit_wh=most, export_limit_wh=least, base_load_wh=base)


def _relief(problem: FleetProblem, r: int, price: int) -> Region:
    """Where load that is not served comes from and surplus that nothing takes goes to; wide enough for both."""
    region = problem.regions[r]
    here = [s for s in problem.stations if s.region == r]
    wide = max(map(abs, region.base_load_wh)) + max(region.import_limit_wh) + max(region.export_limit_wh)
    wide += sum(s.charge_wh + s.discharge_wh + max(map(abs, s.net_load_wh)) + max(s.curtailable_wh) for s in here)
    wide += sum(tie.limit_wh for tie in problem.ties if r in (tie.from_region, tie.to_region))
    limit = (min(MOST_ENERGY_WH, wide),) * problem.periods
    count = problem.periods
    return Region(
        buy_price=(price,) * count, sell_price=(-price,) * count, import_limit_wh=limit, export_limit_wh=limit,
        base_load_wh=(0,) * count,
    )  # fmt: skip


# Stations


@dataclass(frozen=True, slots=True, kw_only=True)
class _Site:
    station: FleetStation
    kept: Series
    lowered: Lowered | None
    unserved: Series
    spilled: Series
    leases: tuple["_Leased", ...] = ()
    theirs: Theirs | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leased:
    """A lease in the new problem, its orders kept, and what is told of it."""

    lease: FleetLease
    kept: Series
    used: UsedLease
    lowered: LeaseLowered | None


def _leases(by_station: dict[int, list[Part]], sites: Sequence[_Site]) -> list[_Leased]:
    """All stations' leases, in the problem's order."""
    found = {
        part.number: made
        for i, chosen in by_station.items()
        for part, made in zip(chosen, sites[i].leases, strict=True)
    }  # fmt: skip
    return [found[k] for k in sorted(found)]


def _used(
    base: FleetCertificate, old: FleetPlan, i: int, state: MeasuredState | None, first: int, last: int,
    terms: ReplanTerms,
) -> UsedState:  # fmt: skip
    """A state as it enters. Raises StateStale."""
    age_ms = None if state is None else terms.issued_ms - state.measured_ms
    if state is not None and age_ms is not None and abs(age_ms) <= terms.most_age_ms:
        start = _start_wh(base.problem, old.battery_wh[i], state, first, terms)
        return UsedState(station=i, use=Use.MEASURED, age_ms=age_ms, start_wh=start, held_wh=())
    if terms.stale is Stale.REFUSE:
        raise StateStale(station=i, age_ms=-1 if age_ms is None else age_ms, most_age_ms=terms.most_age_ms)
    held = old.battery_wh[i][first:last] if terms.stale is Stale.HOLD else ()
    use = Use.HELD if terms.stale is Stale.HOLD else Use.ZERO
    return UsedState(station=i, use=use, age_ms=age_ms, start_wh=0, held_wh=held)


def _start_wh(problem: FleetProblem, orders: Series, state: MeasuredState, first: int, terms: ReplanTerms) -> int:
    period_ms = problem.period_s * 1000
    flows, at = [], state.measured_ms
    for t in range(max(0, (at - terms.begins_ms) // period_ms), first):
        until = terms.begins_ms + (t + 1) * period_ms
        flows.append((orders[t], until - max(at, until - period_ms)))
    station = _able(problem.stations[state.station], state, problem.period_s)
    return min(MOST_ENERGY_WH, carried_wh(station, state.energy_wh, flows, period_ms=period_ms))


def _able(station: FleetStation, state: MeasuredState, period_s: int) -> FleetStation:
    """A station with the powers that it has now."""
    powers = {"charge_wh": state.charge_w, "discharge_wh": state.discharge_w}
    now = {name: min(getattr(station, name), w * period_s // 3600) for name, w in powers.items() if w is not None}
    return replace(station, **now)


def _site(
    base: FleetCertificate, old: FleetPlan, used: UsedState, state: MeasuredState | None, first: int, last: int,
    terms: ReplanTerms, lessees: Sequence[Part],
) -> _Site:  # fmt: skip
    problem, i = base.problem, used.station
    station = _shortened(problem.stations[i], first, last)
    if state is not None and state.net_load_wh:
        station = replace(station, net_load_wh=state.net_load_wh)
    if used.use is not Use.MEASURED:
        held = [old.lease_wh[part.number][first:last] if used.held_wh else () for part in lessees]
        return replace(_without_battery(station, used), leases=_idle(station, lessees, held))
    assert state is not None
    station = replace(_able(station, state, problem.period_s), start_wh=used.start_wh)
    orders = old.battery_wh[i][first:last]
    for part in lessees:
        orders = tuple(flow - x for flow, x in zip(orders, old.lease_wh[part.number][first:last], strict=True))
    free, course, gone = _reached(replace(station, end_min_wh=0), lessees)
    _, left = kept_flows(free.station, orders, None if course is None else course.theirs)
    end = base.problem.stations[i].end_min_wh if last == problem.periods else _planned_wh(base, i, last)
    slack = station.energy_max_wh * terms.end_slack_ppm // MILLION
    end = max(0, min(station.energy_max_wh, max(end - slack, min(end, left))))
    found, course, _ = _reached(replace(station, end_min_wh=end), lessees, gone)
    worst = max(range(last - first), key=lambda t: (found.lowered_wh[t], -t))
    missing = found.lowered_wh[worst]
    theirs = None if course is None else course.theirs
    return _Site(
        station=found.station,
        kept=kept_flows(found.station, orders, theirs)[0],
        lowered=Lowered(station=i, period=worst, missing_wh=missing) if missing else None,
        unserved=found.unserved_wh,
        spilled=found.spilled_wh,
        leases=() if course is None else _ended(found.station, course, lessees),
        theirs=theirs,
    )


def _reached(
    station: FleetStation, lessees: Sequence[Part], gone: tuple[int, int] = (0, 0)
) -> tuple[Reached, Course | None, tuple[int, int]]:
    """What a station can reach, with its lessees' orders.

    Accounts are lowered until the owner's part is not below 0, their room until all fits the battery: by `gone` at
    least, and by how much is told at the end.
    """
    if not lessees:
        return reached(_open(station)), None, gone
    while True:
        leases = able_leases(station, lessees, short_wh=gone[0], over_wh=gone[1])
        course = Course(station, leases, lessees)
        found = reached(_open(station), course)
        more = found.short_wh * (course.start_wh > 0), found.over_wh * (course.energy_wh > course.start_wh)
        if more == (0, 0):
            return found, course, gone
        gone = gone[0] + more[0], gone[1] + more[1]


def _ended(station: FleetStation, course: Course, lessees: Sequence[Part]) -> tuple[_Leased, ...]:
    return tuple(
        _Leased(lease=lease, kept=kept, used=used_lease(station, part, ()), lowered=lease_lowered(station, part, lease))
        for part, lease, kept in zip(lessees, course.ended(), course.orders, strict=True)
    )


def _idle(station: FleetStation, lessees: Sequence[Part], held: Sequence[Series]) -> tuple[_Leased, ...]:
    """Leases of a station that is not planned: they order what is held, or nothing."""
    periods = len(station.net_load_wh)
    return tuple(
        _Leased(
            lease=idle_lease(part.lease, periods), kept=(0,) * periods, used=used_lease(station, part, orders),
            lowered=None,
        )
        for part, orders in zip(lessees, held, strict=True)
    )  # fmt: skip


def _open(station: FleetStation) -> FleetStation:
    """Its window opened to where its content stands."""
    top = max(station.energy_max_wh, station.start_wh)
    low, high = content_window(replace(station, end_min_wh=0))
    return replace(station, energy_max_wh=top, own_need_floor_wh=low, content_most_wh=high)


def _without_battery(station: FleetStation, used: UsedState) -> _Site:
    """A held station's flow is part of its load; one at zero has its load alone."""
    held, count = used.held_wh or (0,) * len(station.net_load_wh), len(station.net_load_wh)
    bare = replace(
        station, charge_wh=0, discharge_wh=0, energy_min_wh=0, start_wh=0, end_min_wh=0, own_need_floor_wh=(0,) * count,
        content_most_wh=(), net_load_wh=tuple(n - f for n, f in zip(station.net_load_wh, held, strict=True)),
        holding=(),
    )  # fmt: skip
    found = reached(bare)
    return _Site(
        station=found.station, kept=(0,) * count, lowered=None, unserved=found.unserved_wh, spilled=found.spilled_wh
    )


def _shortened(station: FleetStation, first: int, last: int) -> FleetStation:
    names = ("net_load_wh", "own_need_floor_wh", "content_most_wh", "curtailable_wh")
    return replace(station, end_min_wh=0, **{name: getattr(station, name)[first:last] for name in names})


def _planned_wh(base: FleetCertificate, i: int, last: int) -> int:
    """The owner's content that the day-ahead plan has at the end of a receding horizon, rounded down."""
    station = base.problem.stations[i]
    content = station.start_wh * MILLION
    for flow in base.plan.battery_wh[i][:last]:
        content = content * station.keep_ppm // MILLION
        content += -flow * station.eta_c_ppm if flow < 0 else -(flow * MILLION**2) // station.eta_d_ppm
    for k in leased(base.problem, i).numbers:
        account = account_path(station, base.problem.leases[k], base.plan.lease_wh[k][:last])[-1]
        content -= -(-account // station.eta_d_ppm)
    return max(0, content // MILLION)


def _kept_reserves(
    problem: FleetProblem, old: FleetPlan, sites: Sequence[_Site], curtailed: Table, first: int, last: int
) -> tuple[Table, ...]:
    """What each station can still hold of its reserves, [reserve][station][period]."""
    if not problem.reserves:
        return ()
    held = [
        kept_reserves(
            site.station, site.kept, curtailed[i], [rows[i][first:last] for rows in old.reserve_wh], problem.reserves,
            period_s=problem.period_s, theirs=site.theirs,
        )
        for i, site in enumerate(sites)
    ]  # fmt: skip
    return tuple(zip(*held, strict=True)) if held else ((),) * len(problem.reserves)


def _least(row: Series, site: _Site) -> Series:
    """Curtailment as planned, or as much more as the PCC's right makes it."""
    station = site.station
    rows = zip(row, site.kept, station.net_load_wh, station.curtailable_wh, strict=True)
    return tuple(min(most, max(u, flow - load - station.pcc_export_wh)) for u, flow, load, most in rows)


# The horizon


def _window(problem: FleetProblem, terms: ReplanTerms) -> tuple[int, int]:
    period_ms = problem.period_s * 1000
    first = -(-(terms.issued_ms - terms.begins_ms) // period_ms)
    if not 0 <= first < problem.periods:
        raise NothingLeft(issued_ms=terms.issued_ms, begins_ms=terms.begins_ms, periods=problem.periods)
    return first, min(problem.periods, first + (terms.periods or problem.periods))


def _sliced(
    problem: FleetProblem, stations: tuple[FleetStation, ...], first: int, last: int, leases: tuple[FleetLease, ...]
) -> FleetProblem:
    def cut(rows: Series) -> Series:
        return rows[first:last]

    return FleetProblem(
        periods=last - first,
        period_s=problem.period_s,
        regions=tuple(
            Region(**{name: cut(getattr(region, name)) for name in Region.__dataclass_fields__})
            for region in problem.regions
        ),
        ties=problem.ties,
        stations=stations,
        reserves=tuple(
            replace(q, price=cut(q.price), requirement_wh=tuple(map(cut, q.requirement_wh))) for q in problem.reserves
        ),
        scenarios=(),
        risk=RISK_NEUTRAL,
        leases=leases,
    )


def _exchange(problem: FleetProblem, plan: FleetPlan, first: int, last: int) -> Table:
    """What each region takes from the grid, Wh, to the nearest."""
    net = grid_microwh(plan, problem, 0)
    return tuple(tuple((2 * x + MILLION) // (2 * MILLION) for x in row[first:last]) for row in net)


def _by_region(problem: FleetProblem, rows: Sequence[Series], count: int) -> Table:
    found = [[0] * count for _ in problem.regions]
    for station, row in zip(problem.stations, rows, strict=True):
        into = found[station.region]
        for t, wh in enumerate(row):
            into[t] += wh
    return tuple(map(tuple, found))


def _zeros(rows: int, count: int) -> Table:
    return ((0,) * count,) * rows


def _check_terms(problem: FleetProblem, terms: ReplanTerms, states: Sequence[MeasuredState]) -> None:
    """Raises FieldWrong."""
    require_within("begins_ms", terms.begins_ms, 0, MOST_MS)
    require_within("issued_ms", terms.issued_ms, 0, MOST_MS)
    require_within("most_age_ms", terms.most_age_ms, 0, 86_400_000)
    require_within("periods", terms.periods, 0, problem.periods)
    require_within("end_slack_ppm", terms.end_slack_ppm, 0, MILLION)
    require_within("unserved_price", terms.unserved_price, 1, MOST_PRICE)
    require_within("unheld_price", terms.unheld_price, 1, MOST_PRICE)
    if terms.deviation_price is not None:
        require_within("deviation_price", terms.deviation_price, 0, MOST_PRICE)
    seen: set[int] = set()
    for k, state in enumerate(states):
        name = f"states[{k}]"
        require_within(f"{name}.station", state.station, 0, len(problem.stations) - 1)
        require_within(f"{name}.station (again)", int(state.station in seen), 0, 0)
        seen.add(state.station)
        require_within(f"{name}.measured_ms", state.measured_ms, 0, MOST_MS)
        require_within(f"{name}.energy_wh", state.energy_wh, 0, MOST_ENERGY_WH)
        for power in ("charge_w", "discharge_w"):
            if getattr(state, power) is not None:
                require_within(f"{name}.{power}", getattr(state, power), 0, 86_400 * MOST_ENERGY_WH)
        first, last = _window(problem, terms)
        if state.net_load_wh:
            require_within(f"{name}.net_load_wh (its length)", len(state.net_load_wh), last - first, last - first)


def kept_cost(made: Task) -> tuple[int | None, str]:
    """What keeping the old plan costs, microcents, or None and the limit that it breaks."""
    try:
        return objective_microcents(made.cycle.kept, made.problem), ""
    except LimitBroken as error:
        return None, f"{error.limit} at {error.place}, period {error.period}"


def record_of(made: Task, certificate: FleetCertificate, kept_and_breaks: tuple[int | None, str]) -> Replan:
    """The record of a cycle that took a certificate's plan, with what `kept_cost` said."""
    kept, breaks = kept_and_breaks
    new = certificate.objective_microcents
    return Replan(
        cycle=made.cycle,
        kept_cost_microcents=kept,
        kept_breaks=breaks,
        new_cost_microcents=new,
        saved_microcents=None if kept is None else kept - new,
        shortage=shortage(certificate.problem, certificate.plan, made.cycle),
        certificate=certificate,
    )
