"""Leases of a station re-planned within the day: accounts carried, shares and orders that give way (protocol 9.12.8).

An account is what the lessee's orders in force made of it; that the battery holds more or less than planned is the
owner's. Only what the battery does not hold above its least content is missing in accounts, only powers that it does
not have are missing in shares, and only what PCC and content cannot bear is taken from orders.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from alliance.fleetlease import account_step, account_unit
from alliance.fleetplan import MILLION, FleetLease, FleetPlan, FleetProblem, FleetStation
from alliance.fleetproof import FleetCertificate, ShapeWrong
from alliance.replan.record import LeaseLowered, Replan, Series, Table, UsedLease

PARTS = MILLION**2
"""A Wh in parts of a millionth of a ppm: d Wh discharged take d·PARTS/eta_d_ppm millionths of a Wh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """What lessees' orders come to at a station."""

    flow: Series
    """Wh a period, discharge positive; all lessees together, as all below."""
    least: Series
    """In their accounts at each period's end, millionths of a Wh, rounded up to whole Wh."""
    most: Series
    """Likewise, rounded down."""
    charge_wh: int
    discharge_wh: int
    energy_wh: int
    start_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A lease as a cycle found it: its account, its orders, its terms in the day-ahead plan."""

    number: int
    """Its place in the problem."""
    lease: FleetLease
    account: int
    """At the new horizon's beginning, in parts of 1 / `account_unit` Wh."""
    wanted: Series
    """Firm: as nominated; pooled: as the plan in force orders."""
    end_min_wh: int
    """What its account must hold when the new horizon ends: the lease's rule, or what the day-ahead plan has there."""


def parts(base: FleetCertificate, after: Replan | None, old: FleetPlan, first: int, last: int) -> tuple[Part, ...]:
    """All leases of a plan, from the period `first` to `last` of the plan in force. Raises ShapeWrong."""
    problem, found = base.problem, []
    carried = _carried(base, after, old.lease_wh, first)
    for k, lease in enumerate(problem.leases):
        end = lease.end_min_wh
        if last != problem.periods:
            begun, orders = lease.start_wh * _unit(problem, lease), base.plan.lease_wh[k][:last]
            end = 0 if lease.nomination_wh else _account(problem, lease, begun, orders) // _unit(problem, lease)
        wanted = (lease.nomination_wh or old.lease_wh[k])[first:last]
        found.append(Part(number=k, lease=lease, account=carried[k], wanted=wanted, end_min_wh=end))
    return tuple(found)


def require_leases(problem: FleetProblem, after: Replan) -> None:
    """The cycle before tells an account and orders of each lease. Raises ShapeWrong."""
    count = len(problem.leases)
    for name, rows in (("cycle.leases", after.cycle.leases), ("plan.lease_wh", after.certificate.plan.lease_wh)):
        if len(rows) != count:
            raise ShapeWrong(field=name, expected=count, got=len(rows))


def _carried(base: FleetCertificate, after: Replan | None, orders: Table, first: int) -> list[int]:
    """Each account by the orders in force, from the day's beginning or from the cycle before."""
    found = []
    for k, lease in enumerate(base.problem.leases):
        unit, begun = _unit(base.problem, lease), 0
        content = lease.start_wh * unit
        if after is not None and after.cycle.first <= first:
            told, begun = after.cycle.leases[k], after.cycle.first
            content = told.account_wh * unit + told.account_parts
        found.append(_account(base.problem, lease, content, orders[k][begun:first]))
    return found


def _account(problem: FleetProblem, lease: FleetLease, content: int, orders: Series) -> int:
    """After orders; in whole Wh from 0 to `energy_wh`, of which a cycle's whole Wh may be a part of one short."""
    station, most = problem.stations[lease.station], (lease.energy_wh + 1) * _unit(problem, lease) - 1
    for flow in orders:
        content = min(max(0, content + account_step(station, flow)), most)
    return content


def _unit(problem: FleetProblem, lease: FleetLease) -> int:
    return account_unit(problem.stations[lease.station])


# What a station has for its lessees


def able_leases(
    station: FleetStation, chosen: Sequence[Part], *, short_wh: int, over_wh: int
) -> tuple[FleetLease, ...]:
    """Leases with the shares of power that the station has now, and with what of their accounts it holds.

    `short_wh`: by how much more accounts give way than what the battery holds above its least content asks; `over_wh`:
    of the room in their accounts, what the owner's content takes. Orders are not in yet: pooled, without an end rule.
    """
    unit = account_unit(station)
    accounts = [part.account // unit for part in chosen]
    held = max(0, min(sum(accounts), station.start_wh - station.energy_min_wh) - short_wh)
    powers = {
        name: _cut([getattr(part.lease, name) for part in chosen], getattr(station, name))
        for name in ("charge_wh", "discharge_wh")
    }
    room = [part.lease.energy_wh - account for part, account in zip(chosen, accounts, strict=True)]
    left, found = _cut(room, max(0, sum(room) - over_wh)), []
    for k, (part, start) in enumerate(zip(chosen, _cut(accounts, held), strict=True)):
        more = {name: rows[k] for name, rows in powers.items()}
        lease = replace(
            part.lease, nomination_wh=(), end_min_wh=0, start_wh=start, energy_wh=start + left[k], **more
        )  # fmt: skip
        found.append(_rounded_up(station, lease, part) if part.lease.nomination_wh else lease)
    return tuple(found)


def _cut(wanted: Sequence[int], most: int) -> list[int]:
    """Parts of what there is, in proportion, rounded down; all of them where there is enough."""
    together = sum(wanted)
    return list(wanted) if together <= most else [x * most // together for x in wanted]


def _rounded_up(station: FleetStation, lease: FleetLease, part: Part) -> FleetLease:
    """A firm lease's account is whole upwards where only so its orders stand."""
    if part.account % account_unit(station) == 0 or lease.start_wh >= lease.energy_wh:
        return lease
    up = replace(lease, start_wh=lease.start_wh + 1)
    stands = [_stands(station, each, part) for each in (lease, up)]
    return up if stands == [False, True] and lease.start_wh == part.account // account_unit(station) else lease


def _stands(station: FleetStation, lease: FleetLease, part: Part) -> bool:
    """Whether orders keep the lease's own shares and end rule."""
    content = lease.start_wh * account_unit(station)
    for order in part.wanted:
        if _bounded(station, lease, content, order, 0) != order:
            return False
        content += account_step(station, order)
    return content >= part.end_min_wh * account_unit(station)


def _bounded(station: FleetStation, lease: FleetLease, content: int, order: int, least: int) -> int:
    """An order within the shares, `least` what the account should keep, if it can."""
    charged = station.eta_c_ppm * station.eta_d_ppm
    given = content - least
    most = given // PARTS if given >= 0 else given // charged
    flow = max(min(order, most, lease.discharge_wh), -lease.charge_wh)
    return min(max(flow, -((lease.energy_wh * account_unit(station) - content) // charged)), content // PARTS)


class Course:
    """Lessees' orders, period by period: as wanted, and no further from it than their station makes them."""

    def __init__(self, station: FleetStation, leases: Sequence[FleetLease], chosen: Sequence[Part]) -> None:
        self._station, self._leases, self._parts = station, leases, chosen
        self._accounts = [lease.start_wh * account_unit(station) for lease in leases]
        self._orders: list[list[int]] = []
        self._least: list[int] = []
        self._most: list[int] = []
        self.start_wh = sum(lease.start_wh for lease in leases)
        self.energy_wh = sum(lease.energy_wh for lease in leases)
        self.charge_wh = station.charge_wh - sum(lease.charge_wh for lease in leases)
        """What is left to the owner, as `discharge_wh`."""
        self.discharge_wh = station.discharge_wh - sum(lease.discharge_wh for lease in leases)

    def passed(self, t: int, *, need: int, cap: int, spare: int, room: int) -> tuple[int, int, int]:
        """Let a period pass: (flow, accounts after it rounded up, and down), Wh and millionths of a Wh.

        The PCC asks for a flow of the battery from `need` to `cap`; it holds at most `spare` above the owner's least
        and has at most `room`, each before the flow, accounts not counted. Orders to charge give way before load does,
        orders to discharge before surplus is lost.
        """
        rows = zip(self._leases, self._parts, self._accounts, strict=True)
        orders = [
            _bounded(self._station, lease, account, part.wanted[t], self._end_rest(k, t))
            for k, (lease, part, account) in enumerate(rows)
        ]
        orders = _given_up(orders, -1, lambda chosen: self._most_flow(chosen, spare) >= need)
        orders = _given_up(orders, 1, lambda chosen: self._least_flow(chosen, room) <= cap)
        self._accounts = self._after(orders)
        self._orders.append(orders)
        least, most = self._together(self._accounts)
        self._least.append(least)
        self._most.append(most)
        return sum(orders), least, most

    @property
    def orders(self) -> Table:
        """[lease][period], so far."""
        return tuple(zip(*self._orders, strict=True))

    @property
    def theirs(self) -> Theirs:
        """All of them together."""
        return Theirs(
            flow=tuple(map(sum, self._orders)),
            least=tuple(self._least),
            most=tuple(self._most),
            charge_wh=self._station.charge_wh - self.charge_wh,
            discharge_wh=self._station.discharge_wh - self.discharge_wh,
            energy_wh=self.energy_wh,
            start_wh=self.start_wh,
        )

    def ended(self) -> tuple[FleetLease, ...]:
        """The leases of the new problem: firm orders as they came out, end rules as far as orders reach them."""
        unit, found = account_unit(self._station), []
        for lease, part, account, orders in zip(self._leases, self._parts, self._accounts, self.orders, strict=True):
            end = min(part.end_min_wh, account // unit, lease.energy_wh)
            found.append(replace(lease, end_min_wh=end, nomination_wh=orders if part.lease.nomination_wh else ()))
        return tuple(found)

    def _end_rest(self, k: int, t: int) -> int:
        """What an account must hold after a period so that its end rule can still be reached; firm ones need not."""
        lease, part, station = self._leases[k], self._parts[k], self._station
        if part.lease.nomination_wh:
            return 0
        left = len(part.wanted) - 1 - t
        end = min(part.end_min_wh, lease.energy_wh) * account_unit(station)
        return max(0, end - left * lease.charge_wh * station.eta_c_ppm * station.eta_d_ppm)

    def _after(self, orders: Sequence[int]) -> list[int]:
        return [a + account_step(self._station, x) for a, x in zip(self._accounts, orders, strict=True)]

    def _together(self, accounts: Sequence[int]) -> tuple[int, int]:
        together, unit = sum(accounts), account_unit(self._station)
        return -(-together // unit) * MILLION, together // unit * MILLION

    def _most_flow(self, orders: Sequence[int], spare: int) -> int:
        least, _ = self._together(self._after(orders))
        return most_flow(self._station, sum(orders), self.discharge_wh, spare - least)

    def _least_flow(self, orders: Sequence[int], room: int) -> int:
        _, most = self._together(self._after(orders))
        return least_flow(self._station, sum(orders), self.charge_wh, room - self.energy_wh * MILLION + most)


def most_flow(station: FleetStation, theirs: int, discharge_wh: int, spare: int) -> int:
    """The most that a battery gives in a period, with what the owner has above its least after it (millionths)."""
    given = spare * station.eta_d_ppm // PARTS if spare >= 0 else spare // station.eta_c_ppm
    return min(theirs + discharge_wh, max(theirs, given))


def least_flow(station: FleetStation, theirs: int, charge_wh: int, room: int) -> int:
    """The least (below 0: it takes), with the room that the owner has after it."""
    taken = room // station.eta_c_ppm if room >= 0 else room * station.eta_d_ppm // PARTS
    return max(theirs - charge_wh, min(theirs, -taken))


def _given_up(orders: list[int], way: int, fits: Callable[[list[int]], bool]) -> list[int]:
    """Orders of one way less as little as makes them fit, in proportion; none of that way where nothing does."""
    together = sum(max(0, way * x) for x in orders)
    if not together or fits(orders):
        return orders

    def less(left: int) -> list[int]:
        return [way * (way * x * left // together) if way * x > 0 else x for x in orders]

    return less(together - bisect_left(range(together), True, key=lambda given: fits(less(together - given))))


# What is told


def used_lease(station: FleetStation, part: Part, held_wh: Series) -> UsedLease:
    """How a lease entered."""
    whole, rest = divmod(part.account, account_unit(station))
    return UsedLease(lease=part.number, account_wh=whole, account_parts=rest, held_wh=held_wh)


def lease_lowered(station: FleetStation, part: Part, made: FleetLease) -> LeaseLowered | None:
    """By how much a lease gave way, if it did."""
    gone = [abs(a - b) for a, b in zip(part.wanted, made.nomination_wh, strict=False)]
    worst = max(range(len(gone)), key=lambda t: (gone[t], -t), default=0)
    account = part.account // account_unit(station)
    found = LeaseLowered(
        lease=part.number,
        account_wh=max(0, account - made.start_wh),
        room_wh=part.lease.energy_wh - account - (made.energy_wh - made.start_wh),
        charge_wh=part.lease.charge_wh - made.charge_wh,
        discharge_wh=part.lease.discharge_wh - made.discharge_wh,
        end_min_wh=part.end_min_wh - made.end_min_wh,
        period=worst,
        order_wh=max(gone, default=0),
    )
    told = (found.account_wh, found.room_wh, found.charge_wh, found.discharge_wh, found.end_min_wh, found.order_wh)
    return found if any(told) else None


def idle_lease(lease: FleetLease, periods: int) -> FleetLease:
    """A lease of a station that is held or at zero: nothing of it is planned."""
    nothing = (0,) * periods if lease.nomination_wh else ()
    return replace(lease, charge_wh=0, discharge_wh=0, energy_wh=0, start_wh=0, end_min_wh=0, nomination_wh=nothing)
