"""Random fleets for tests: seeded, small to tiny, with every feature and every corner that the planner must survive."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from alliance.fleetplan import (
    MILLION,
    RISK_NEUTRAL,
    Direction,
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
    content_window,
)

KINDS = (
    "base",
    "negative",
    "lossless",
    "tight_pcc",
    "one_period",
    "no_stations",
    "curtailment",
    "flexible",
    "ties",
    "tight_exchange",
    "cuts",
    "steps",
    "reserves",
    "short_reserves",
    "leases",
    "scenarios",
    "cvar",
    "several_days",
    "extremes",
    "everything",
    "holding",
)


def instance(kind: str, seed: int) -> FleetProblem:
    """A random fleet of a kind."""
    rng = random.Random(f"{kind} {seed}")
    made = _Maker(kind, rng, later=random.Random(f"later {kind} {seed}"))
    problem = with_cuts(made.problem(), random.Random(f"cuts {kind} {seed}"), most=made.cut_share())
    problem = with_steps(problem, random.Random(f"steps {kind} {seed}"), most=made.step_share())
    if kind in ("holding", "everything"):
        return with_holding(problem, random.Random(f"holding {kind} {seed}"))
    return problem


def with_holding(problem: FleetProblem, rng: random.Random) -> FleetProblem:
    """The fleet with holding steps in most stations: at window's ends and between, cheap, dear, one-sided."""
    dear = max((abs(p) for region in problem.regions for p in region.buy_price), default=0) * 2 * 3600
    stations = tuple(replace(s, holding=_steps(s, rng, dear // problem.period_s)) for s in problem.stations)
    return replace(problem, stations=stations)


def _steps(station: FleetStation, rng: random.Random, dear: int) -> tuple[HoldingStep, ...]:
    most = station.energy_max_wh
    chosen = {rng.choice([0, most, station.energy_min_wh, station.start_wh, rng.randint(0, most)]) for _ in range(4)}
    found = []
    for content in sorted(chosen)[: rng.choice([0, 1, 2, 4])]:
        prices = [rng.choice([0, rng.randint(1, 2000), rng.randint(1, 20_000), dear]) for _ in range(2)]
        below, above = (min(10**9, p) for p in prices)
        found.append(HoldingStep(content_wh=content, below_price=below, above_price=above + (below == above == 0)))
    return tuple(found)


def instances(count: int, *, first: int = 0) -> Iterator[tuple[str, int]]:
    """(kind, seed), every kind in turn."""
    for k in range(first, first + count):
        yield KINDS[k % len(KINDS)], k // len(KINDS)


class _Maker:
    def __init__(self, kind: str, rng: random.Random, *, later: random.Random) -> None:
        self.kind, self.rng, self.later = kind, rng, later
        self.periods = {"one_period": 1, "several_days": 36}.get(kind, rng.randint(2, 8))
        self.regions = rng.randint(1, 3) if kind not in ("ties", "steps") else rng.randint(2, 3)
        self.stations = 0 if kind == "no_stations" else rng.randint(1, 6)
        self.scale = rng.choice([1, 1, 1, 40, 2000]) if kind != "extremes" else rng.choice([1, 10**6])

    def has(self, *kinds: str) -> bool:
        return self.kind in kinds or self.kind == "everything"

    def problem(self) -> FleetProblem:
        stations = tuple(self.station(i) for i in range(self.stations))
        regions = tuple(self.region(stations, r) for r in range(self.regions))
        scenarios = self.scenarios(stations) if self.has("scenarios", "cvar") else ()
        return FleetProblem(
            periods=self.periods,
            period_s=self.rng.choice([300, 900, 3600]),
            regions=regions,
            ties=self.ties() if self.regions > 1 else (),
            stations=stations,
            reserves=self.reserves(stations) if self.has("reserves", "short_reserves") else (),
            scenarios=scenarios,
            leases=self.leases(stations) if self.has("leases") else (),
            risk=Risk(cvar_alpha_ppm=self.rng.randint(0, 950_000), cvar_weight_ppm=self.rng.randint(1, MILLION))
            if self.has("cvar")
            else RISK_NEUTRAL,
        )

    def station(self, i: int) -> FleetStation:
        rng, periods = self.rng, self.periods
        capacity = self.scale * rng.randint(20, 5000)
        if self.kind == "extremes" and rng.random() < 0.5:
            capacity = rng.choice([1, 2, 10**10])
        charge, discharge = (max(1, capacity // rng.randint(2, 12)) for _ in range(2))
        flexible = self.has("flexible") and rng.random() < 0.6
        lossless = self.has("lossless") and rng.random() < 0.8
        low = 0 if flexible else capacity // rng.choice([10, 20, 10**12])
        start = 0 if flexible else rng.randint(low, capacity)
        load = self.series(-capacity // 4, capacity // 4)
        pcc = capacity + charge + discharge
        tight = self.has("tight_pcc")
        return FleetStation(
            region=rng.randrange(self.regions),
            charge_wh=charge,
            discharge_wh=0 if flexible else discharge,
            eta_c_ppm=MILLION if lossless else rng.randint(700_000, 1_000_000),
            eta_d_ppm=MILLION if lossless else rng.randint(700_000, 1_000_000),
            keep_ppm=rng.choice([MILLION, MILLION, 999_900, rng.randint(900_000, MILLION)])
            if not lossless
            else MILLION,
            energy_min_wh=low,
            energy_max_wh=capacity,
            start_wh=start,
            end_min_wh=rng.randint(low, max(low, start * 7 // 10)),
            wear_price=rng.choice([0, rng.randint(0, 8000)]),
            pcc_import_wh=max(load) + charge // rng.randint(2, 8) + 8 if tight and max(load) > 0 else pcc,
            pcc_export_wh=-min(load) + discharge // rng.randint(2, 8) + 8 if tight and min(load) < 0 else pcc,
            net_load_wh=load,
            own_need_floor_wh=self.rising(charge, capacity) if flexible else (0,) * periods,
            content_most_wh=()
            if rng.random() < 0.7 or flexible or capacity < 99
            else tuple(capacity - rng.randint(0, 9) for _ in range(periods)),
            curtailable_wh=tuple(max(0, -x) for x in load) if self.has("curtailment", "negative") else (0,) * periods,
        )

    def rising(self, charge: int, capacity: int) -> tuple[int, ...]:
        """What a flexible load must have by when; 3 Wh of room, for whole Wh cannot meet a single content."""
        total, found = 0, []
        for _ in range(self.periods):
            total = min(max(0, capacity - 3), total + self.rng.randint(0, charge // 2))
            found.append(total)
        return tuple(found)

    def region(self, stations: tuple[FleetStation, ...], r: int) -> Region:
        rng = self.rng
        here = [s for s in stations if s.region == r]
        size = sum(s.energy_max_wh for s in here) + self.scale * 1000
        base = self.series(-size // 4, size // 2)
        low = -120_000 if self.has("negative") else 5_000
        buy = [rng.randint(low, 150_000) for _ in range(self.periods)]
        if self.kind == "extremes" and rng.random() < 0.3:
            buy = [rng.choice([-(10**9), 10**9, 50_000]) for _ in range(self.periods)]
        sell = [max(-(10**9), p - rng.choice([0, rng.randint(0, 40_000)])) for p in buy]
        need = [base[t] + sum(s.net_load_wh[t] for s in here) for t in range(self.periods)]
        room = sum(s.charge_wh + s.discharge_wh for s in here)
        tight = self.has("tight_exchange") and room > 0
        wide = 4 * (size + room)
        return Region(
            buy_price=tuple(buy),
            sell_price=tuple(sell),
            import_limit_wh=tuple(max(0, n) + room // rng.randint(3, 9) + 9 if tight else wide for n in need),
            export_limit_wh=tuple(max(0, -n) + room // rng.randint(3, 9) + 9 if tight else wide for n in need),
            base_load_wh=base,
        )

    def ties(self) -> tuple[Tie, ...]:
        pairs = [(a, z) for a in range(self.regions) for z in range(self.regions) if a < z]
        chosen = [pair for pair in pairs if self.rng.random() < 0.8]
        return tuple(
            Tie(from_region=a, to_region=z, limit_wh=self.scale * self.rng.randint(0, 4000), loss_ppm=self.loss())
            for a, z in chosen
        )

    def loss(self) -> int:
        return self.rng.choice([0, 20_000, self.rng.randint(0, 200_000)])

    def reserves(self, stations: tuple[FleetStation, ...]) -> tuple[Reserve, ...]:
        return tuple(self.reserve(stations, direction) for direction in self.rng.sample(list(Direction) * 2, 2))

    def reserve(self, stations: tuple[FleetStation, ...], direction: Direction) -> Reserve:
        able = [sum(min(s.charge_wh, s.discharge_wh) for s in stations if s.region == r) for r in range(self.regions)]
        gives_way = self.kind == "short_reserves" or (self.kind == "everything" and self.later.random() < 0.5)
        if self.kind == "short_reserves":
            able = [40 * power + self.scale * 100 for power in able]
        return Reserve(
            direction=direction,
            duration_s=self.rng.choice([0, 300, 900, 1800]),
            activation_ppm=self.rng.choice([0, self.rng.randint(0, 200_000)]),
            price=tuple(self.rng.choice([0, self.rng.randint(0, 30_000)]) for _ in range(self.periods)),
            requirement_wh=tuple(
                tuple(self.rng.randint(0, power // 20) for _ in range(self.periods)) for power in able
            ),
            short_price=self.later.choice([0, self.later.randint(0, 200_000)]) if gives_way else None,
        )

    def scenarios(self, stations: tuple[FleetStation, ...]) -> tuple[Scenario, ...]:
        count = self.rng.randint(1, 4)
        cuts = sorted(self.rng.randint(0, MILLION) for _ in range(count - 1))
        likely = [b - a for a, b in zip([0, *cuts], [*cuts, MILLION], strict=True)]
        return tuple(
            Scenario(
                probability_ppm=ppm,
                net_load_wh=tuple(
                    tuple(min(x, max(-x, x * self.rng.randint(50, 100) // 100)) for x in s.net_load_wh)
                    for s in stations
                ),
            )
            for ppm in likely
        )

    def leases(self, stations: tuple[FleetStation, ...]) -> tuple[FleetLease, ...]:
        """Up to three a station, firm and pooled, of what the station's window leaves."""
        found = []
        for i, station in enumerate(stations):
            low, high = content_window(station)
            room = min(most - least for least, most in zip(low, high, strict=True))
            room = max(0, min(room, min(high) - station.start_wh))
            spare = max(0, station.start_wh - max(low)) // 3
            for part in range(self.later.randint(0, 3)):
                share = self.later.randint(3, 6)
                energy = room // share if part < 3 else 0
                lease = FleetLease(
                    station=i,
                    charge_wh=station.charge_wh // share,
                    discharge_wh=station.discharge_wh // share,
                    energy_wh=energy,
                    start_wh=self.later.randint(0, min(energy, spare)),
                    end_min_wh=0,
                    nomination_wh=(),
                )
                found.append(self.firm(lease, station) if self.later.random() < 0.4 else self.pooled(lease, station))
        return tuple(found)

    def pooled(self, lease: FleetLease, station: FleetStation) -> FleetLease:
        reach = lease.start_wh + self.periods * lease.charge_wh * station.eta_c_ppm // MILLION // 2
        return replace(lease, end_min_wh=self.later.randint(0, min(lease.energy_wh, reach)))

    def firm(self, lease: FleetLease, station: FleetStation) -> FleetLease:
        """Orders that the account can bear."""
        content, orders = float(lease.start_wh), []
        eta_c, eta_d = station.eta_c_ppm / MILLION, station.eta_d_ppm / MILLION
        for _ in range(self.periods):
            most = max(0, min(lease.discharge_wh, int((content - 1) * eta_d)))
            least = max(0, min(lease.charge_wh, int((lease.energy_wh - content - 1) / eta_c)))
            flow = self.later.randint(-least, most)
            content += -flow * eta_c if flow < 0 else -flow / eta_d
            orders.append(flow)
        return replace(lease, nomination_wh=tuple(orders))

    def cut_share(self) -> float:
        """Share of regions that may cut load."""
        return {"cuts": 1.0, "everything": 0.5}.get(self.kind, 0.0)

    def step_share(self) -> float:
        """Share of ties whose losses grow with their flow."""
        return {"steps": 0.8, "everything": 0.5}.get(self.kind, 0.0)

    def series(self, low: int, high: int) -> tuple[int, ...]:
        return tuple(self.rng.randint(low, high) for _ in range(self.periods))


def with_cuts(problem: FleetProblem, rng: random.Random, *, most: float) -> FleetProblem:
    """Load of a share of the regions may be cut, dearer than import or cheaper; some imports then fall short."""
    regions = list(problem.regions)
    for r, region in enumerate(regions):
        if rng.random() >= most:
            continue
        load = sum(max(0, wh) for s in problem.stations if s.region == r for wh in s.net_load_wh)
        short = rng.random() < 0.5
        limits = tuple(max(0, wh) * rng.randint(80, 120) // 100 for wh in region.base_load_wh)
        regions[r] = replace(
            region,
            import_limit_wh=limits if short else region.import_limit_wh,
            cut_most_wh=tuple(
                max(0, wh) + 2 * load + 20 if short else rng.randint(0, 4000) for wh in region.base_load_wh
            ),
            cut_price=tuple(
                max(0, rng.choice([buy, sell, buy + rng.randint(0, 200_000), rng.randint(0, max(1, abs(buy)))]))
                for buy, sell in zip(region.buy_price, region.sell_price, strict=True)
            ),
        )
    return replace(problem, regions=tuple(regions))


def with_steps(problem: FleetProblem, rng: random.Random, *, most: float) -> FleetProblem:
    """A share of the ties lose more of what is sent above up to three steps."""
    ties = list(problem.ties)
    for k, tie in enumerate(ties):
        if rng.random() >= most or tie.limit_wh < 4:
            continue
        begins = sorted(rng.sample(range(1, tie.limit_wh + 1), rng.randint(1, 3)))
        losses = [tie.loss_ppm + x for x in sorted(rng.sample(range(1, 200_000), len(begins)))]
        steps = tuple(TieStep(above_wh=a, loss_ppm=p) for a, p in zip(begins, losses, strict=True))
        ties[k] = replace(tie, steps=steps)
    return replace(problem, ties=tuple(ties))


def tiny(
    seed: int, *, lossless: bool, leased: bool = False, cut: bool = False, stepped: bool = False, held: bool = False
) -> FleetProblem:
    """A fleet of which every plan can be tried: two stations of a few Wh, two periods, prices of either sign.

    `leased`: a lessee has a pooled part of the first. `cut`: little import and export, load that may be cut.
    `stepped`: a tie of 2 Wh, of which the second loses a fifth. `held`: holding content costs.
    """
    problem = _tiny(seed, lossless=lossless, leased=leased)
    if stepped:
        step = TieStep(above_wh=1, loss_ppm=200_000)
        problem = replace(problem, ties=(replace(problem.ties[0], limit_wh=2, steps=(step,)),))
    if held:
        chance = random.Random(f"tiny holding {seed}")
        problem = replace(
            problem, stations=tuple(replace(s, holding=_steps(s, chance, 40_000)) for s in problem.stations)
        )
    if not cut:
        return problem
    rng = random.Random(f"tiny cuts {seed}")
    regions = tuple(
        replace(
            region,
            import_limit_wh=tuple(rng.randint(0, 6) for _ in range(2)),
            export_limit_wh=tuple(rng.randint(12, 14) for _ in range(2)),
            cut_most_wh=tuple(rng.randint(18, 22) for _ in range(2)),
            cut_price=tuple(rng.randint(0, 200_000) for _ in range(2)),
        )
        for region in problem.regions
    )
    return replace(problem, regions=regions)


def _tiny(seed: int, *, lossless: bool, leased: bool) -> FleetProblem:
    rng = random.Random(f"tiny {seed}")
    eta = MILLION if lossless else rng.choice([800_000, 900_000, 950_000])
    power = rng.randint(1, 2)
    stations = tuple(_tiny_station(rng, r=k % 2, power=power, eta=eta) for k in range(2))
    buy = [[rng.randint(-30_000, 150_000) for _ in range(2)] for _ in range(2)]
    return FleetProblem(
        periods=2,
        period_s=3600,
        regions=tuple(
            Region(
                buy_price=tuple(prices),
                sell_price=tuple(p - rng.randint(0, 20_000) for p in prices),
                import_limit_wh=(30,) * 2,
                export_limit_wh=(30,) * 2,
                base_load_wh=tuple(rng.randint(-5, 10) for _ in range(2)),
            )
            for prices in buy
        ),
        ties=(Tie(from_region=0, to_region=1, limit_wh=1, loss_ppm=0 if lossless else 50_000),),
        stations=stations,
        reserves=(),
        scenarios=(),
        risk=RISK_NEUTRAL,
        leases=(_tiny_lease(rng, stations[0]),) if leased else (),
    )


def _tiny_lease(rng: random.Random, station: FleetStation) -> FleetLease:
    energy = min(2, station.energy_max_wh - station.start_wh)
    return FleetLease(
        station=0,
        charge_wh=1,
        discharge_wh=1,
        energy_wh=energy,
        start_wh=rng.randint(0, min(energy, station.start_wh - station.end_min_wh)),
        end_min_wh=0,
        nomination_wh=(),
    )


def _tiny_station(rng: random.Random, *, r: int, power: int, eta: int) -> FleetStation:
    capacity = rng.randint(2, 6)
    return FleetStation(
        region=r,
        charge_wh=power,
        discharge_wh=power,
        eta_c_ppm=eta,
        eta_d_ppm=eta,
        keep_ppm=MILLION,
        energy_min_wh=0,
        energy_max_wh=capacity,
        start_wh=capacity // 2,
        end_min_wh=rng.randint(0, capacity // 2),
        wear_price=rng.choice([0, 3000]),
        pcc_import_wh=9,
        pcc_export_wh=9,
        net_load_wh=tuple(rng.randint(-2, 4) for _ in range(2)),
        own_need_floor_wh=(0, 0),
        content_most_wh=(),
        curtailable_wh=(1, 0),
    )
