"""Leases in a fleet: virtual storages inside a station, of which it executes the net (protocol 9.7.1).

A lessee charges and discharges an account within its share of powers and content, at the station's efficiencies and
without self-discharge. The owner has the rest: its flow is the battery's less all lessees', its content the battery's
less all accounts. Opposite orders meet inside the battery, so its losses are at most the sum of those of the accounts;
what that saves stays with the owner and is told as the netting gain.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from alliance.fleetplan import MILLION, FleetLease, FleetPlan, FleetProblem, FleetStation


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """What the lessees of a station have together."""

    numbers: tuple[int, ...]
    """Places of the leases in the problem."""
    charge_wh: int = 0
    discharge_wh: int = 0
    energy_wh: int = 0
    start_wh: int = 0


NOTHING = Leased(numbers=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Netted:
    """What meeting inside the battery did over a horizon, Wh, rounded down."""

    met_wh: int
    """Orders to charge that orders to discharge met."""
    gain_wh: int
    """Content that a battery for each holder would have lost more."""


def leased(problem: FleetProblem, i: int) -> Leased:
    """The leases of a station together."""
    if not problem.leases:
        return NOTHING
    numbers = tuple(k for k, lease in enumerate(problem.leases) if lease.station == i)
    chosen = [problem.leases[k] for k in numbers]
    return Leased(
        numbers=numbers,
        charge_wh=sum(lease.charge_wh for lease in chosen),
        discharge_wh=sum(lease.discharge_wh for lease in chosen),
        energy_wh=sum(lease.energy_wh for lease in chosen),
        start_wh=sum(lease.start_wh for lease in chosen),
    )


def account_unit(station: FleetStation) -> int:
    """Parts of a Wh in which accounts are exact."""
    return MILLION * station.eta_d_ppm


def account_step(station: FleetStation, flow: int) -> int:
    """What a flow adds to an account, in parts of 1 / `account_unit` Wh."""
    return -flow * station.eta_c_ppm * station.eta_d_ppm if flow < 0 else -flow * MILLION**2


def account_path(station: FleetStation, lease: FleetLease, flows: Sequence[int]) -> list[int]:
    """An account at each period's end, in parts of 1 / `account_unit` Wh."""
    content, found = lease.start_wh * account_unit(station), []
    for flow in flows:
        content += account_step(station, flow)
        found.append(content)
    return found


def account_window(lease: FleetLease, periods: int) -> tuple[tuple[int, ...], int]:
    """Least at each period's end, and most."""
    return (0,) * (periods - 1) + (lease.end_min_wh,), lease.energy_wh


def netted(problem: FleetProblem, plan: FleetPlan, i: int) -> Netted:
    """What netting did at a station: the owner's order is the battery's flow less the lessees'."""
    station, met, gain = problem.stations[i], 0, 0
    lessees = [plan.lease_wh[k] for k in leased(problem, i).numbers]
    for flow, *orders in zip(plan.battery_wh[i], *lessees, strict=True):
        each = [flow - sum(orders), *orders]
        met += min(sum(x for x in each if x > 0), -sum(x for x in each if x < 0))
        gain += account_step(station, flow) - sum(account_step(station, x) for x in each)
    return Netted(met_wh=met, gain_wh=int(Fraction(gain, account_unit(station))))
