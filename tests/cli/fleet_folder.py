"""Writes any fleet as the folder of CSV tables that says the same, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from alliance.fleetplan import RISK_NEUTRAL, FleetProblem

Lines = Iterable[tuple[object, ...]]


def written(folder: Path, problem: FleetProblem) -> Path:
    """The folder; names are letters and indices. Tables of what the fleet does not have are left out."""
    folder.mkdir()
    for name, (header, lines) in _tables(problem).items():
        rows = [",".join(map(str, line)) for line in lines]
        if rows:
            (folder / f"{name}.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


def _tables(problem: FleetProblem) -> dict[str, tuple[str, Lines]]:
    stations, periods, regions = problem.stations, range(problem.periods), problem.regions

    def kw(wh: int) -> str:
        return _plain(Decimal(wh) * 3600 / problem.period_s / 1000)

    sites = (
        (
            f"s{i}", f"r{s.region}", kw(s.charge_wh), kw(s.discharge_wh), _kwh(s.energy_min_wh), _kwh(s.energy_max_wh),
            _kwh(s.start_wh), _kwh(s.end_min_wh), _pct(s.eta_c_ppm), _pct(s.eta_d_ppm), _yuan(s.wear_price),
            kw(s.pcc_import_wh), kw(s.pcc_export_wh), _pct(s.keep_ppm),
        )
        for i, s in enumerate(stations)
    )  # fmt: skip
    prices = (
        (
            f"r{r}", t, _yuan(x.buy_price[t]), _yuan(x.sell_price[t]), kw(x.import_limit_wh[t]),
            kw(x.export_limit_wh[t]), kw(x.base_load_wh[t]), kw(x.cut_most_wh[t]) if x.cut_most_wh else "",
            _yuan(x.cut_price[t]) if x.cut_price else "",
        )
        for r, x in enumerate(regions)
        for t in periods
    )  # fmt: skip
    loads = (
        (
            f"s{i}", t, kw(s.net_load_wh[t]), kw(s.curtailable_wh[t]), _kwh(s.own_need_floor_wh[t]),
            _kwh(s.content_most_wh[t]) if s.content_most_wh else "",
        )
        for i, s in enumerate(stations)
        for t in periods
    )  # fmt: skip
    leases = (
        (f"l{k}", f"s{x.station}", kw(x.charge_wh), kw(x.discharge_wh), _kwh(x.energy_wh), _kwh(x.start_wh),
         _kwh(x.end_min_wh))
        for k, x in enumerate(problem.leases)
    )  # fmt: skip
    reserves = (
        (f"q{q}", x.direction, x.duration_s, _pct(x.activation_ppm),
         "" if x.short_price is None else _yuan(x.short_price))
        for q, x in enumerate(problem.reserves)
    )  # fmt: skip
    risk = problem.risk
    return {
        "stations": (
            "station,region,charge_kw,discharge_kw,energy_min_kwh,energy_max_kwh,start_kwh,end_min_kwh,eta_c_pct,"
            "eta_d_pct,wear_yuan_per_kwh,pcc_import_kw,pcc_export_kw,keep_pct",
            sites,
        ),
        "prices": (
            "region,period,buy_yuan_per_kwh,sell_yuan_per_kwh,import_limit_kw,export_limit_kw,base_load_kw,"
            "cut_most_kw,cut_yuan_per_kwh",
            prices,
        ),
        "loads": ("station,period,net_load_kw,curtailable_kw,own_need_kwh,content_most_kwh", loads),
        "ties": (
            "from_region,to_region,limit_kw,loss_pct",
            ((f"r{x.from_region}", f"r{x.to_region}", kw(x.limit_wh), _pct(x.loss_ppm)) for x in problem.ties),
        ),
        "holding": (
            "station,content_kwh,below_yuan_per_kwh_h,above_yuan_per_kwh_h",
            (
                (f"s{i}", _kwh(x.content_wh), _yuan(x.below_price), _yuan(x.above_price))
                for i, s in enumerate(stations)
                for x in s.holding
            ),
        ),
        "tie_steps": (
            "tie,above_kw,loss_pct",
            ((k, kw(s.above_wh), _pct(s.loss_ppm)) for k, x in enumerate(problem.ties) for s in x.steps),
        ),
        "leases": ("lease,station,charge_kw,discharge_kw,energy_kwh,start_kwh,end_min_kwh", leases),
        "nominations": (
            "lease,period,nominated_kw",
            ((f"l{k}", t, kw(wh)) for k, x in enumerate(problem.leases) for t, wh in enumerate(x.nomination_wh)),
        ),
        "reserves": ("reserve,direction,duration_s,activation_pct,short_yuan_per_kw_h", reserves),
        "reserve_prices": (
            "reserve,period,price_yuan_per_kw_h",
            ((f"q{q}", t, _yuan(price)) for q, x in enumerate(problem.reserves) for t, price in enumerate(x.price)),
        ),
        "requirements": (
            "reserve,region,period,required_kw",
            (
                (f"q{q}", f"r{r}", t, kw(wh))
                for q, x in enumerate(problem.reserves)
                for r, row in enumerate(x.requirement_wh)
                for t, wh in enumerate(row)
                if any(row)
            ),
        ),
        "scenarios": (
            "scenario,probability_pct",
            ((f"w{w}", _pct(x.probability_ppm)) for w, x in enumerate(problem.scenarios)),
        ),
        "scenario_loads": (
            "scenario,station,period,net_load_kw",
            (
                (f"w{w}", f"s{i}", t, kw(wh))
                for w, x in enumerate(problem.scenarios)
                for i, row in enumerate(x.net_load_wh)
                for t, wh in enumerate(row)
            ),
        ),
        "risk": (
            "cvar_alpha_pct,cvar_weight_pct",
            [(_pct(risk.cvar_alpha_ppm), _pct(risk.cvar_weight_ppm))] if risk != RISK_NEUTRAL else [],
        ),
    }


def _kwh(wh: int) -> str:
    return _plain(Decimal(wh) / 1000)


def _pct(ppm: int) -> str:
    return _plain(Decimal(ppm) / 10_000)


def _yuan(price: int) -> str:
    return _plain(Decimal(price) / 100_000)


def _plain(value: Decimal) -> str:
    return f"{value:f}"
