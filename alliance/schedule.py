"""A schedule: what each station and each lessee will do in each slot, and at which prices it is paid (protocol 8.3)."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum, StrEnum
from fractions import Fraction
from functools import cache
from itertools import pairwise, zip_longest
from types import NoneType, UnionType
from typing import Any, NewType, TypeVar, get_args, get_origin, get_type_hints

from alliance.calendar import LAST_DAY, SLOTS_A_DAY, Day
from alliance.errors import Malformed, Refused
from alliance.fleet import BillingGroup, Station
from alliance.identity import Address, GroupId, LeaseId, MemberId, StationId
from alliance.lease import Lease
from alliance.tariff import Tariff, TariffSlot

MOST_ENERGY_WH = 10**12
"""Limit of any energy or power that a plan is made from (Wh, W): floats of the solver hold it to the watt-hour."""
MOST_PRICE = 10**9
"""Limit of any price that a plan is made from, cents per MWh."""

_T = TypeVar("_T")


class ScheduleKind(StrEnum):
    """Why a schedule was made."""

    DAY_AHEAD = "day_ahead"
    INTRADAY = "intraday"
    GRID_ORDER = "grid_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRow:
    """A lessee's part of a station's slot; energy out of the lessee's account is positive."""

    lease: LeaseId
    holder: MemberId
    planned_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """A station's slot. `planned_net_wh` = −net_load_wh + battery_wh at the PCC; export and discharge positive."""

    station: StationId
    slot: int
    planned_net_wh: int
    battery_wh: int
    """Net of all holders at the battery's AC side, discharge positive: what the edge follows."""
    net_load_wh: int
    """Forecast of load − PV + curtailment behind the PCC; positive consumes."""
    lessees: tuple[LeaseRow, ...] = ()

    @property
    def own_plan_wh(self) -> int:
        """The owner's part of the PCC's flow: what the lessees did not schedule (protocol 8.4.3)."""
        return self.planned_net_wh - sum(row.planned_wh for row in self.lessees)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """The group's certified prices in a slot, cents per MWh; `adders` maps each station of the group to its ν."""

    group: GroupId
    slot: int
    pool_price: int
    adders: tuple[tuple[StationId, int], ...]

    def adder(self, station: StationId) -> int:
        """The network adder ν of a station's PCC. Raises KeyError for a station outside the group."""
        return dict(self.adders)[station]


@dataclass(frozen=True, slots=True, kw_only=True)
class GainRow:
    """What a member was certain to pay apart, pays as planned, and gains, for the day, cents."""

    member: MemberId
    apart_cost_cents: int
    planned_cost_cents: int
    gain_cents: int
    without_storage_cost_cents: int
    """Planned cost at the tariff if the member had no storage at all; shown, never paid (protocol 8.7.6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A complete schedule of one day (or of the slots from `first_slot` on), for all stations of all groups."""

    alliance: bytes
    """allianceId, 32 bytes."""
    day: Day
    kind: ScheduleKind
    revision: int
    first_slot: int
    groups: tuple[tuple[GroupId, tuple[StationId, ...]], ...]
    rows: tuple[ScheduleRow, ...]
    """Sorted by (station, slot)."""
    prices: tuple[PriceRow, ...]
    """Sorted by (group, slot); empty when the plan was refused and nominations alone stand (protocol 8.3.2)."""
    gains: tuple[GainRow, ...]
    """Sorted by member; only in the day-ahead schedule."""
    certified_gap_ppm: int
    """Upper bound of (objective − best possible) / max(1, |objective|), parts per million, rounded up."""

    def row(self, station: StationId, slot: int) -> ScheduleRow | None:
        """The row of a station's slot, or None."""
        return next((r for r in self.rows if (r.station, r.slot) == (station, slot)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A station key's signature that binds a schedule from a slot on while the chain is down (protocol 6.9)."""

    schedule: bytes
    station: StationId
    signer: Address
    first_period: int
    beacon_block: int
    beacon_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a plan may count on at one station, from the horizon's first slot on. One entry a slot in each tuple."""

    station: Station
    eta_c_ppm: int
    eta_d_ppm: int
    energy_min_wh: int
    energy_max_wh: int
    energy_wh: int
    """Content of the whole battery when the horizon begins, all holders' parts together."""
    end_min_wh: int
    """Content when the horizon ends, at least, all holders' accounts together; the owner sees to its part of it."""
    wear_price: int
    """Wear of each MWh that the owner discharges, cents."""
    net_load_wh: tuple[int, ...]
    """Forecast of load − PV behind the PCC; positive consumes."""
    own_need_floor_wh: tuple[int, ...]
    """Content that the owner keeps at the end of each slot for its own need."""
    curtailable_wh: tuple[int, ...]
    """PV that may be curtailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A lease as it stands when the horizon begins; firm if the lessee nominated, else pooled."""

    lease: Lease
    account_wh: int
    """The lessee's energy account at the horizon's first slot, or at the lease's, if that comes later."""
    end_min_wh: int
    """Pooled: the account at the end of the horizon or of the lease, at least. Firm: not used."""
    nomination_wh: tuple[int, ...] | None
    """Firm: energy out of the account in each slot, positive discharges. Pooled: None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTariff:
    """A billing group and its tariff; the tariff has one slot for each slot of the horizon."""

    group: BillingGroup
    tariff: Tariff


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """All that a plan is made from, in integers; `Site`, `Share` and groups in ascending order of their numbers.

    Raises BadInput or NominationRefused when made from values outside their limits.
    """

    alliance: bytes
    day: Day
    kind: ScheduleKind
    revision: int
    first_slot: int
    sites: tuple[Site, ...]
    shares: tuple[Share, ...]
    groups: tuple[GroupTariff, ...]

    def __post_init__(self) -> None:
        _validate(self)

    @property
    def slots(self) -> int:
        """Number of slots in the horizon, 1…96."""
        return len(self.sites[0].net_load_wh)

    @property
    def members(self) -> tuple[MemberId, ...]:
        """All owners and lessees, ascending."""
        owners = {s.station.owner for s in self.sites}
        return tuple(sorted(owners | {s.lease.lessee for s in self.shares}))

    def active(self, share: Share, k: int) -> bool:
        """Whether a lease runs in the k-th slot of the horizon."""
        return share.lease.active_in(self.day, self.first_slot + k)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One holder's part of a station, slot by slot: its rights are its own and no other holder's (protocol 8.2.4)."""

    station: StationId
    lease: LeaseId
    """0: the owner's part."""
    member: MemberId
    eta_c_ppm: int
    eta_d_ppm: int
    charge_wh: tuple[int, ...]
    """Most that may be charged in a slot, at the PCC."""
    discharge_wh: tuple[int, ...]
    start_wh: int
    low_wh: tuple[int, ...]
    """Least content at the end of a slot: window, own need and end rule together."""
    high_wh: tuple[int, ...]
    transfer_wh: tuple[int, ...]
    """Content that passes to the owner in a slot because a lease begins (negative) or ends."""
    load_wh: tuple[int, ...]
    """Net load that comes first; 0 for a lessee."""
    curtailable_wh: tuple[int, ...]
    import_wh: tuple[int, ...]
    """PCC right: most that the part may take in through the PCC in a slot; may be short of the load."""
    export_wh: tuple[int, ...]
    wear_price: int
    nomination_wh: tuple[int, ...] | None

    @property
    def owned(self) -> bool:
        """Whether this is the owner's part."""
        return self.lease == 0


# Errors


@dataclass(kw_only=True, eq=False)
class BadInput(Malformed):
    """A field of the planner's input lies outside its limit."""

    field: str
    value: int
    limit: str


@dataclass(kw_only=True, eq=False)
class NominationRefused(Refused):
    """A firm nomination leaves the lessee's power, term or energy account."""

    lease: LeaseId
    slot: int
    nominated_wh: int
    account_wh: int
    limit: str


@dataclass(kw_only=True, eq=False)
class PlainWrong(Malformed):
    """A plain value is not what its place calls for."""

    where: str
    want: str
    got: str


@dataclass(kw_only=True, eq=False)
class HeaderDiffers(Refused):
    """A schedule is not for the alliance, day, horizon or groups of its problem."""

    field: str
    expected: str
    got: str


@dataclass(kw_only=True, eq=False)
class RowsIncomplete(Refused):
    """The rows are not exactly one for each station and slot (or group and slot), in order."""

    what: str
    position: int
    expected: tuple[int, int] | None
    got: tuple[int, int] | None


@dataclass(kw_only=True, eq=False)
class NetDiffers(Refused):
    """`planned_net_wh` is not battery − net load."""

    station: StationId
    slot: int
    expected_wh: int
    got_wh: int


@dataclass(kw_only=True, eq=False)
class LoadDiffers(Refused):
    """A row's net load is not the forecast plus what may be curtailed."""

    station: StationId
    slot: int
    got_wh: int
    low_wh: int
    high_wh: int


@dataclass(kw_only=True, eq=False)
class LesseesDiffer(Refused):
    """A row's lessees are not exactly the station's running leases and their holders, in order."""

    station: StationId
    slot: int
    expected: tuple[tuple[int, int], ...]
    got: tuple[tuple[int, int], ...]


@dataclass(kw_only=True, eq=False)
class NominationChanged(Refused):
    """A firm lessee's row is not what it nominated."""

    lease: LeaseId
    slot: int
    nominated_wh: int
    planned_wh: int


@dataclass(kw_only=True, eq=False)
class PowerExceeded(Refused):
    """A holder (lease 0: the owner) charges or discharges more than its part allows."""

    station: StationId
    lease: LeaseId
    slot: int
    planned_wh: int
    charge_wh: int
    discharge_wh: int


@dataclass(kw_only=True, eq=False)
class PccExceeded(Refused):
    """The flow of the owner, or of the whole PCC, is more than the connection allows."""

    station: StationId
    slot: int
    what: str
    net_wh: int
    import_wh: int
    export_wh: int


@dataclass(kw_only=True, eq=False)
class ContentOutside(Refused):
    """Stored energy leaves its window: the `own` part, a `lease`'s account, or the whole `battery`."""

    station: StationId
    lease: LeaseId
    slot: int
    what: str
    content_wh: Fraction
    low_wh: int
    high_wh: int


# Verbs


def parts(problem: Problem) -> tuple[Part, ...]:
    """Each holder's part of each station, by (station, lease): limits are separate, so that no holder needs another."""
    found: list[Part] = []
    for site in problem.sites:
        shares = [s for s in problem.shares if s.lease.station == site.station.number]
        found.append(_own_part(problem, site, shares))
        found.extend(_leased_part(problem, share) for share in shares)
    return tuple(found)


def check(schedule: Schedule, problem: Problem, *, all_parts: Sequence[Part] | None = None) -> None:
    """Check a schedule against its problem exactly, in integers; stored energy is carried as a fraction.

    `all_parts`: `parts(problem)`, where it is known already.
    Raises HeaderDiffers, RowsIncomplete, NetDiffers, LoadDiffers, LesseesDiffer, NominationChanged, PowerExceeded,
    PccExceeded or ContentOutside.
    """
    _check_header(schedule, problem)
    by_station = _rows_by_station(schedule, problem)
    by_site: dict[StationId, list[Part]] = {}
    for part in all_parts or parts(problem):
        by_site.setdefault(part.station, []).append(part)
    for site in problem.sites:
        number = site.station.number
        own, *leased = by_site[number]
        rows = by_station[number]
        for k, row in enumerate(rows):
            _check_row(problem, site, leased, row, k)
        flows = [[_lessee_wh(row, p.lease) for row in rows] for p in leased]
        for part, flow in zip(leased, flows, strict=True):
            _check_leased(problem, part, flow)
        _check_owned(problem, own, rows)
        _check_battery(problem, site, [row.battery_wh for row in rows])
    _check_prices_complete(schedule, problem)


def account_after(account_wh: int, planned_wh: int, *, eta_c_ppm: int, eta_d_ppm: int) -> int:
    """A lessee's energy account after a slot (protocol 8.4.4): charging rounds down, discharging takes rounded up."""
    if planned_wh < 0:
        return account_wh + (-planned_wh * eta_c_ppm) // 1_000_000
    return account_wh - -(-planned_wh * 1_000_000 // eta_d_ppm)


def content_step(planned_wh: int, *, eta_c_ppm: int, eta_d_ppm: int) -> int:
    """What a flow (discharge positive) adds to the content, exactly, in units of 1 / (10⁶·eta_d_ppm) Wh."""
    if planned_wh < 0:
        return -planned_wh * eta_c_ppm * eta_d_ppm
    return -planned_wh * 10**12


def schedule_to_plain(schedule: Schedule) -> dict[str, object]:
    """The canonical plain form: maps, lists, integers, texts and bytes only."""
    return {"v": 1, "schedule": to_plain(schedule)}


def schedule_from_plain(plain: object) -> Schedule:
    """Read `schedule_to_plain`'s form, strictly. Raises PlainWrong."""
    return from_plain(Schedule, unwrap(plain, name="schedule"), where="schedule")


def unwrap(plain: object, *, name: str) -> object:
    """What stands under `name` in {"v": 1, name: …}. Raises PlainWrong for any other version or field."""
    if not isinstance(plain, dict) or set(plain) != {"v", name} or type(plain["v"]) is not int or plain["v"] != 1:
        raise PlainWrong(where=name, want=f"{{v: 1, {name}: …}}", got=str(plain)[:80])
    inner: object = plain[name]
    return inner


def to_plain(value: object) -> object:
    """A value type as plain data: maps with camelCase names, rows as lists of their fields in order."""
    if type(value) is tuple and set(map(type, value)) == {int}:
        return list(value)
    if isinstance(value, Day):
        return value.number
    if is_dataclass(value) and not isinstance(value, type):
        pairs = [(f.name, to_plain(getattr(value, f.name))) for f in fields(value) if not _untold(f, value)]
        if isinstance(value, _POSITIONAL):
            return [v for _, v in pairs]
        return {_camel(name): v for name, v in pairs}
    if isinstance(value, tuple):
        return [to_plain(v) for v in value]
    if isinstance(value, StrEnum):
        return str(value.value)
    if isinstance(value, IntEnum):
        return int(value)
    return value


def later(default: Any) -> Any:
    """A field that came later: the plain form leaves it out where it holds its default, so that older forms stand."""
    return dataclasses.field(default=default, metadata=_LATER)


_LATER = {"later": True}


def _untold(of: dataclasses.Field[Any], value: object) -> bool:
    return "later" in of.metadata and getattr(value, of.name) == of.default


def from_plain(kind: type[_T], plain: object, *, where: str) -> _T:
    """Read `to_plain`'s form of a value type, strictly: nothing missing, nothing left over. Raises PlainWrong."""
    of: Any = kind
    try:
        value: _T = _reader(of)(plain)
    except _Odd:
        value = _read(kind, plain, where)
    return value


# Parts of a station


def _own_part(problem: Problem, site: Site, shares: list[Share]) -> Part:
    def leased(k: int) -> int:
        return sum(s.lease.power_w // 4 for s in shares if problem.active(s, k))

    slots = range(problem.slots)
    station = site.station
    low, high = _own_window(problem, site, shares)
    return Part(
        station=station.number,
        lease=LeaseId(0),
        member=station.owner,
        eta_c_ppm=site.eta_c_ppm,
        eta_d_ppm=site.eta_d_ppm,
        charge_wh=tuple(station.charge_power_w // 4 - leased(k) for k in slots),
        discharge_wh=tuple(station.discharge_power_w // 4 - leased(k) for k in slots),
        start_wh=_own_start(problem, site, shares),
        low_wh=low,
        high_wh=high,
        transfer_wh=tuple(sum(_passed(problem, s, k) for s in shares) for k in slots),
        load_wh=site.net_load_wh,
        curtailable_wh=site.curtailable_wh,
        import_wh=tuple(station.pcc_import_w // 4 - leased(k) for k in slots),
        export_wh=tuple(station.pcc_export_w // 4 - leased(k) for k in slots),
        wear_price=site.wear_price,
        nomination_wh=None,
    )


def _leased_part(problem: Problem, share: Share) -> Part:
    lease, slots = share.lease, range(problem.slots)
    power = tuple(lease.power_w // 4 if problem.active(share, k) else 0 for k in slots)
    last = max(k for k in slots if problem.active(share, k))
    end = 0 if share.nomination_wh is not None else share.end_min_wh
    zeros = (0,) * problem.slots
    return Part(
        station=lease.station,
        lease=lease.number,
        member=lease.lessee,
        eta_c_ppm=lease.eta_c_ppm,
        eta_d_ppm=lease.eta_d_ppm,
        charge_wh=power,
        discharge_wh=power,
        start_wh=share.account_wh,
        low_wh=tuple(end if k == last else 0 for k in slots),
        high_wh=(lease.energy_wh,) * problem.slots,
        transfer_wh=zeros,
        load_wh=zeros,
        curtailable_wh=zeros,
        import_wh=power,
        export_wh=power,
        wear_price=lease.wear_price,
        nomination_wh=share.nomination_wh,
    )


def _own_start(problem: Problem, site: Site, shares: list[Share]) -> int:
    """The owner's content when the horizon begins: what the lessees' accounts do not hold. A debt is negative."""
    return site.energy_wh - sum(s.account_wh for s in shares if problem.active(s, 0))


def _own_window(problem: Problem, site: Site, shares: list[Share]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The owner's window: the battery's less the leased energy.

    Where the owner's content starts outside (a debt to a lessee, or a lease's room still full), the window opens that
    far, but never further than what the lessees can reach by then leaves it.
    """
    bottom, top = battery_window(site)
    start = _own_start(problem, site, shares)
    low, high = [], []
    for k in range(problem.slots):
        running = [s for s in shares if problem.active(s, k)]
        least, most = (sum(_reach(problem, s, k)[side] for s in running) for side in (0, 1))
        low.append(max(min(bottom, max(start, bottom - least)), site.own_need_floor_wh[k]))
        high.append(max(top - sum(s.lease.energy_wh for s in running), min(start, top - most)))
    staying = [s for s in shares if problem.active(s, problem.slots - 1)]
    low[-1] = max(low[-1], site.end_min_wh - sum(_closing_wh(s) for s in staying))
    return tuple(low), tuple(high)


def battery_window(site: Site) -> tuple[int, int]:
    """Least and most content of the whole battery, Wh; a content that starts outside opens the window that far."""
    return min(site.energy_min_wh, site.energy_wh), max(site.energy_max_wh, site.energy_wh)


def _reach(problem: Problem, share: Share, k: int) -> tuple[int, int]:
    """Least and most that a running lease's account can hold at the end of the k-th slot."""
    lease = share.lease
    n = sum(problem.active(share, i) for i in range(k + 1))
    step = lease.power_w // 4
    least = share.account_wh - n * -(-step * 1_000_000 // lease.eta_d_ppm)
    most = share.account_wh + n * -(-step * lease.eta_c_ppm // 1_000_000)
    return max(0, least), min(lease.energy_wh, most)


def _passed(problem: Problem, share: Share, k: int) -> int:
    """Content that passes to the owner as the k-th slot begins."""
    before = k > 0 and problem.active(share, k - 1)
    now = problem.active(share, k)
    if now and not before and k > 0:
        return -share.account_wh
    return _closing_wh(share) if before and not now else 0


def _closing_wh(share: Share) -> int:
    """What a lessee's account holds for certain when its part of the horizon ends."""
    if share.nomination_wh is None:
        return share.end_min_wh
    account = share.account_wh
    for planned in share.nomination_wh:
        account = _after(account, planned, share.lease)
    return account


def _after(account_wh: int, planned_wh: int, lease: Lease) -> int:
    return account_after(account_wh, planned_wh, eta_c_ppm=lease.eta_c_ppm, eta_d_ppm=lease.eta_d_ppm)


# Checks of a schedule


def _check_header(schedule: Schedule, problem: Problem) -> None:
    groups = tuple((g.group.number, g.group.stations) for g in problem.groups)
    for name, expected in (
        ("alliance", problem.alliance),
        ("day", problem.day),
        ("kind", problem.kind),
        ("revision", problem.revision),
        ("first_slot", problem.first_slot),
        ("groups", groups),
    ):
        got = getattr(schedule, name)
        if got != expected:
            raise HeaderDiffers(field=name, expected=str(expected), got=str(got))


def _rows_by_station(schedule: Schedule, problem: Problem) -> dict[StationId, list[ScheduleRow]]:
    span = range(problem.first_slot, problem.first_slot + problem.slots)
    wanted = [(int(site.station.number), slot) for site in problem.sites for slot in span]
    _same_keys("rows", wanted, [(int(row.station), row.slot) for row in schedule.rows])
    by_station: dict[StationId, list[ScheduleRow]] = {site.station.number: [] for site in problem.sites}
    for row in schedule.rows:
        by_station[row.station].append(row)
    return by_station


def _check_prices_complete(schedule: Schedule, problem: Problem) -> None:
    if not schedule.prices:
        return
    span = range(problem.first_slot, problem.first_slot + problem.slots)
    wanted = [(int(g.group.number), slot) for g in problem.groups for slot in span]
    _same_keys("prices", wanted, [(int(p.group), p.slot) for p in schedule.prices])
    stations = {g.group.number: g.group.stations for g in problem.groups}
    for price in schedule.prices:
        _same_keys(
            f"adders of group {price.group} in slot {price.slot}",
            [(int(s), 0) for s in stations[price.group]],
            [(int(s), 0) for s, _ in price.adders],
        )


def _same_keys(what: str, wanted: list[tuple[int, int]], got: list[tuple[int, int]]) -> None:
    for position, (a, b) in enumerate(zip_longest(wanted, got)):
        if a != b:
            raise RowsIncomplete(what=what, position=position, expected=a, got=b)


def _check_row(problem: Problem, site: Site, leased: list[Part], row: ScheduleRow, k: int) -> None:
    net = row.battery_wh - row.net_load_wh
    if row.planned_net_wh != net:
        raise NetDiffers(station=row.station, slot=row.slot, expected_wh=net, got_wh=row.planned_net_wh)
    low = site.net_load_wh[k]
    high = low + site.curtailable_wh[k]
    if not low <= row.net_load_wh <= high:
        raise LoadDiffers(station=row.station, slot=row.slot, got_wh=row.net_load_wh, low_wh=low, high_wh=high)
    running = {s.lease.number for s in problem.shares if problem.active(s, k)}
    wanted = tuple((int(p.lease), int(p.member)) for p in leased if p.lease in running)
    got = tuple((int(r.lease), int(r.holder)) for r in row.lessees)
    if got != wanted:
        raise LesseesDiffer(station=row.station, slot=row.slot, expected=wanted, got=got)
    station = site.station
    _check_pcc(row, "pcc", net, station.pcc_import_w // 4, station.pcc_export_w // 4)


def _check_pcc(row: ScheduleRow, what: str, net: int, import_wh: int, export_wh: int) -> None:
    if not -import_wh <= net <= export_wh:
        raise PccExceeded(
            station=row.station, slot=row.slot, what=what, net_wh=net, import_wh=import_wh, export_wh=export_wh
        )


def _check_power(part: Part, k: int, slot: int, planned: int) -> None:
    if not -part.charge_wh[k] <= planned <= part.discharge_wh[k]:
        raise PowerExceeded(
            station=part.station,
            lease=part.lease,
            slot=slot,
            planned_wh=planned,
            charge_wh=part.charge_wh[k],
            discharge_wh=part.discharge_wh[k],
        )


def _check_leased(problem: Problem, part: Part, flow: list[int]) -> None:
    """A lessee's account by protocol 8.4.4; a pooled one also stays inside its energy without any rounding."""
    account, exact = part.start_wh, part.start_wh * 10**6 * part.eta_d_ppm
    for k, planned in enumerate(flow):
        slot = problem.first_slot + k
        if part.nomination_wh is not None and planned != part.nomination_wh[k]:
            raise NominationChanged(lease=part.lease, slot=slot, nominated_wh=part.nomination_wh[k], planned_wh=planned)
        _check_power(part, k, slot, planned)
        account = account_after(account, planned, eta_c_ppm=part.eta_c_ppm, eta_d_ppm=part.eta_d_ppm)
        _inside(part, slot, "lease", Fraction(account), part.low_wh[k], part.high_wh[k])
        if part.nomination_wh is None:
            exact += content_step(planned, eta_c_ppm=part.eta_c_ppm, eta_d_ppm=part.eta_d_ppm)
            _inside(part, slot, "lease", _wh(exact, part.eta_d_ppm), part.low_wh[k], part.high_wh[k])


def _check_owned(problem: Problem, own: Part, rows: list[ScheduleRow]) -> None:
    exact = own.start_wh * 10**6 * own.eta_d_ppm
    for k, row in enumerate(rows):
        planned = row.battery_wh - sum(r.planned_wh for r in row.lessees)
        _check_power(own, k, row.slot, planned)
        _check_pcc(row, "own", planned - row.net_load_wh, own.import_wh[k], own.export_wh[k])
        exact += own.transfer_wh[k] * 10**6 * own.eta_d_ppm
        exact += content_step(planned, eta_c_ppm=own.eta_c_ppm, eta_d_ppm=own.eta_d_ppm)
        _inside(own, problem.first_slot + k, "own", _wh(exact, own.eta_d_ppm), own.low_wh[k], own.high_wh[k])


def _check_battery(problem: Problem, site: Site, flow: list[int]) -> None:
    """The battery runs the net of all holders: its real content, at its own efficiencies, stays in its window.

    The end rule holds for the accounts: what netting saves or a contract's efficiency costs is the owner's tomorrow.
    """
    bottom, top = battery_window(site)
    exact = site.energy_wh * 10**6 * site.eta_d_ppm
    for k, planned in enumerate(flow):
        exact += content_step(planned, eta_c_ppm=site.eta_c_ppm, eta_d_ppm=site.eta_d_ppm)
        content = _wh(exact, site.eta_d_ppm)
        if not bottom <= content <= top:
            raise ContentOutside(
                station=site.station.number,
                lease=LeaseId(0),
                slot=problem.first_slot + k,
                what="battery",
                content_wh=content,
                low_wh=bottom,
                high_wh=top,
            )


def _inside(part: Part, slot: int, what: str, content: Fraction, low: int, high: int) -> None:
    if not low <= content <= high:
        raise ContentOutside(
            station=part.station, lease=part.lease, slot=slot, what=what, content_wh=content, low_wh=low, high_wh=high
        )


def _wh(exact: int, eta_d_ppm: int) -> Fraction:
    return Fraction(exact, 10**6 * eta_d_ppm)


def _lessee_wh(row: ScheduleRow, lease: LeaseId) -> int:
    return next((r.planned_wh for r in row.lessees if r.lease == lease), 0)


# Limits of a problem


def _validate(problem: Problem) -> None:
    _within("alliance", len(problem.alliance), 32, 32)
    _within("sites", len(problem.sites), 1, 10_000)
    _within("slots", problem.slots, 1, SLOTS_A_DAY)
    _within("first_slot", problem.first_slot, 0, SLOTS_A_DAY - problem.slots)
    _within("revision", problem.revision, 0, MOST_ENERGY_WH)
    _ascending("sites", [int(s.station.number) for s in problem.sites])
    _ascending("groups", [int(g.group.number) for g in problem.groups])
    _ascending("shares", [1_000_000_000 * s.lease.station + s.lease.number for s in problem.shares])
    _ascending("leases", sorted(int(s.lease.number) for s in problem.shares))
    for site in problem.sites:
        _validate_site(site, problem.slots)
    for share in problem.shares:
        _validate_share(problem, share)
    for site in problem.sites:
        _validate_room(problem, site)
    _validate_groups(problem)


def _validate_site(site: Site, slots: int) -> None:
    station = site.station
    name = f"sites[{station.number}]"
    for field in ("charge_power_w", "discharge_power_w", "capacity_wh", "pcc_import_w", "pcc_export_w"):
        _within(f"{name}.{field}", getattr(station, field), 0, MOST_ENERGY_WH)
    _within(f"{name}.eta_c_ppm", site.eta_c_ppm, 1, 1_000_000)
    _within(f"{name}.eta_d_ppm", site.eta_d_ppm, 1, 1_000_000)
    _within(f"{name}.energy_max_wh", site.energy_max_wh, 0, station.capacity_wh)
    _within(f"{name}.energy_min_wh", site.energy_min_wh, 0, site.energy_max_wh)
    _within(f"{name}.energy_wh", site.energy_wh, 0, station.capacity_wh)
    _within(f"{name}.end_min_wh", site.end_min_wh, 0, station.capacity_wh)
    _within(f"{name}.wear_price", site.wear_price, 0, MOST_PRICE)
    _each(f"{name}.net_load_wh", site.net_load_wh, slots, -MOST_ENERGY_WH, MOST_ENERGY_WH)
    _each(f"{name}.own_need_floor_wh", site.own_need_floor_wh, slots, 0, station.capacity_wh)
    _each(f"{name}.curtailable_wh", site.curtailable_wh, slots, 0, MOST_ENERGY_WH)


def _validate_share(problem: Problem, share: Share) -> None:
    lease = share.lease
    name = f"shares[{lease.number}]"
    owners = {s.station.number: s.station.owner for s in problem.sites}
    if owners.get(lease.station) != lease.owner:
        raise BadInput(field=f"{name}.owner", value=lease.owner, limit=f"owner of station {lease.station} in the sites")
    _within(f"{name}.weekday_mask", lease.weekday_mask, 1, 0x7F)
    _within(f"{name}.day_first_slot", lease.day_first_slot, 0, SLOTS_A_DAY - 1)
    _within(f"{name}.day_slots", lease.day_slots, 1, SLOTS_A_DAY - lease.day_first_slot)
    if not any(problem.active(share, k) for k in range(problem.slots)):
        raise BadInput(field=f"{name}.first_slot", value=lease.first_slot, limit="a lease that runs in the horizon")
    _within(f"{name}.lease", lease.number, 1, 999_999_999)
    _within(f"{name}.eta_c_ppm", lease.eta_c_ppm, 1, 1_000_000)
    _within(f"{name}.eta_d_ppm", lease.eta_d_ppm, 1, 1_000_000)
    _within(f"{name}.wear_price", lease.wear_price, 0, MOST_PRICE)
    _within(f"{name}.power_w", lease.power_w, 0, MOST_ENERGY_WH)
    _within(f"{name}.energy_wh", lease.energy_wh, 0, MOST_ENERGY_WH)
    _within(f"{name}.account_wh", share.account_wh, 0, lease.energy_wh)
    _within(f"{name}.end_min_wh", share.end_min_wh, 0, lease.energy_wh)
    if share.nomination_wh is not None:
        _validate_nomination(problem, share, share.nomination_wh)


def _validate_nomination(problem: Problem, share: Share, nomination: tuple[int, ...]) -> None:
    _each(f"shares[{share.lease.number}].nomination_wh", nomination, problem.slots, -MOST_ENERGY_WH, MOST_ENERGY_WH)
    account = share.account_wh
    for k, planned in enumerate(nomination):
        power = share.lease.power_w // 4 if problem.active(share, k) else 0
        account = _after(account, planned, share.lease)
        limits = (
            (abs(planned) <= power, f"{power} Wh a slot"),
            (0 <= account <= share.lease.energy_wh, f"account 0…{share.lease.energy_wh} Wh"),
        )
        for kept, limit in limits:
            if not kept:
                raise NominationRefused(
                    lease=share.lease.number,
                    slot=problem.first_slot + k,
                    nominated_wh=planned,
                    account_wh=account,
                    limit=limit,
                )


def _validate_room(problem: Problem, site: Site) -> None:
    """The leases that run together fit into the station: power, PCC right and energy (protocol 8.2.4)."""
    station = site.station
    shares = [s for s in problem.shares if s.lease.station == station.number]
    power = min(station.charge_power_w, station.discharge_power_w, station.pcc_import_w, station.pcc_export_w)
    for k in range(problem.slots if shares else 0):
        running = [s.lease for s in shares if problem.active(s, k)]
        where = f"sites[{station.number}] slot {problem.first_slot + k}"
        _within(f"{where} leased quarter-hours", sum(x.power_w // 4 for x in running), 0, power // 4)
        room = site.energy_max_wh - site.energy_min_wh
        _within(f"{where} leased energy_wh", sum(x.energy_wh for x in running), 0, room)


def _validate_groups(problem: Problem) -> None:
    grouped = [int(s) for g in problem.groups for s in g.group.stations]
    for g in problem.groups:
        _ascending(f"groups[{g.group.number}].stations", [int(s) for s in g.group.stations])
    for number in (int(s.station.number) for s in problem.sites):
        _within(f"groups that hold station {number}", grouped.count(number), 1, 1)
    _within("stations in groups", len(grouped), len(problem.sites), len(problem.sites))
    for g in problem.groups:
        name = f"groups[{g.group.number}].tariff"
        _within(f"{name} slots", len(g.tariff.slots), problem.slots, problem.slots)
        for k, t in enumerate(g.tariff.slots):
            _within(f"{name}[{k}].buy_price", t.buy_price, -MOST_PRICE, MOST_PRICE)
            _within(f"{name}[{k}].network_price", t.network_price, 0, MOST_PRICE)
            _within(f"{name}[{k}].sell_price", t.sell_price, -MOST_PRICE, t.buy_price - t.network_price)


def _each(field: str, values: tuple[int, ...], slots: int, low: int, high: int) -> None:
    _within(f"{field} slots", len(values), slots, slots)
    for k, value in enumerate(values):
        _within(f"{field}[{k}]", value, low, high)


def _within(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise BadInput(field=field, value=value, limit=f"{low}…{high}")


def _ascending(field: str, numbers: list[int]) -> None:
    for before, after in pairwise(numbers):
        if before >= after:
            raise BadInput(field=field, value=after, limit=f"ascending, after {before}")


# Plain form

_LEAST, _MOST = -(1 << 63), (1 << 63) - 1
_POSITIONAL = (LeaseRow, ScheduleRow, PriceRow, GainRow, TariffSlot)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@cache
def _shape(kind: type) -> tuple[tuple[str, str, Any], ...]:
    """Field name, plain name and type of each field of a value type."""
    hints = get_type_hints(kind)
    return tuple((f.name, _camel(f.name), hints[f.name]) for f in fields(kind))


class _Odd(Exception):
    """Something that the quick readers leave to `_read`, which accepts it or says by name what is wrong."""


_Reader = Callable[[Any], Any]


@cache
def _reader(kind: Any) -> _Reader:
    """A reader of one type: the same values as `_read` gives, or _Odd. Built once, so that no type is asked twice."""
    if isinstance(kind, NewType):
        return _reader(kind.__supertype__)
    if isinstance(kind, UnionType):
        inner = _reader(next(k for k in get_args(kind) if k is not NoneType))
        return lambda plain: None if plain is None else inner(plain)
    if get_origin(kind) is tuple:
        return _tuple_reader(get_args(kind))
    if kind is Day:
        return _day_reader
    if is_dataclass(kind):
        return _fields_reader(kind)
    if issubclass(kind, StrEnum | IntEnum):
        return _choice_reader(kind)
    return _integer if kind is int else lambda plain: plain if type(plain) is kind else _leave()


def _leave() -> Any:
    raise _Odd


def _integer(plain: Any) -> int:
    if type(plain) is not int or not _LEAST <= plain <= _MOST:
        raise _Odd
    return plain


def _choice_reader(kind: Any) -> _Reader:
    options = {option.value: option for option in kind}

    def choice(plain: Any) -> Any:
        return options[plain] if type(plain) in (str, int) and plain in options else _leave()

    return choice


def _day_reader(plain: Any) -> Day:
    return Day(plain) if type(plain) is int and 0 <= plain <= LAST_DAY else _leave()


def _tuple_reader(kinds: tuple[Any, ...]) -> _Reader:
    if kinds[-1] is not Ellipsis:
        readers = tuple(map(_reader, kinds))

        def fixed(plain: Any) -> tuple[Any, ...]:
            if type(plain) is not list or len(plain) != len(readers):
                raise _Odd
            return tuple([read(value) for read, value in zip(readers, plain, strict=True)])

        return fixed
    read = _reader(kinds[0])

    def integers(plain: Any) -> tuple[Any, ...]:
        if type(plain) is not list:
            raise _Odd
        if plain and (set(map(type, plain)) != {int} or min(plain) < _LEAST or max(plain) > _MOST):
            raise _Odd
        return tuple(plain)

    def each(plain: Any) -> tuple[Any, ...]:
        return tuple(map(read, plain)) if type(plain) is list else _leave()

    return integers if read is _integer else each


def _fields_reader(kind: Any) -> _Reader:
    shape = tuple((name, key, _reader(of)) for name, key, of in _shape(kind))
    if kind in _POSITIONAL:
        names, readers = [name for name, _, _ in shape], [read for _, _, read in shape]

        def positional(plain: Any) -> Any:
            if type(plain) is not list or len(plain) != len(readers):
                raise _Odd
            return kind(**dict(zip(names, [read(v) for read, v in zip(readers, plain, strict=True)], strict=True)))

        return positional
    keys, defaults = {key for _, key, _ in shape}, _later_defaults(kind)
    needed = {key for name, key, _ in shape if name not in defaults}

    def keyed(plain: Any) -> Any:
        if type(plain) is not dict or not needed <= plain.keys() <= keys:
            raise _Odd
        values = {name: read(plain[key]) for name, key, read in shape if key in plain}
        if any(name in values and values[name] == default for name, default in defaults.items()):
            raise _Odd
        return kind(**values)

    return keyed


def _later_defaults(kind: Any) -> dict[str, Any]:
    return {f.name: f.default for f in fields(kind) if "later" in f.metadata}


def _read(kind: Any, plain: object, where: str) -> Any:
    if isinstance(kind, NewType):
        return _read(kind.__supertype__, plain, where)
    if isinstance(kind, UnionType):
        inner = next(k for k in get_args(kind) if k is not NoneType)
        return None if plain is None else _read(inner, plain, where)
    if get_origin(kind) is tuple:
        return _read_tuple(get_args(kind), plain, where)
    if kind is Day:
        return _read_day(_read(int, plain, where), where)
    if is_dataclass(kind):
        return _read_fields(kind, plain, where)
    if issubclass(kind, StrEnum | IntEnum):
        return _read_choice(kind, plain, where)
    if type(plain) is not kind or (isinstance(plain, int) and not -(1 << 63) <= plain < 1 << 63):
        raise PlainWrong(where=where, want=f"{kind.__name__} of 64 bits at most", got=repr(plain)[:80])
    return plain


def _read_day(number: int, where: str) -> Day:
    if not 0 <= number <= LAST_DAY:
        raise PlainWrong(where=where, want=f"day 0…{LAST_DAY}", got=str(number))
    return Day(number)


def _read_tuple(kinds: tuple[Any, ...], plain: object, where: str) -> tuple[Any, ...]:
    if not isinstance(plain, list):
        raise PlainWrong(where=where, want="list", got=repr(plain)[:80])
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(plain)
    if len(plain) != len(kinds):
        raise PlainWrong(where=where, want=f"{len(kinds)} values", got=f"{len(plain)} values")
    return tuple(_read(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, plain, strict=True)))


def _read_fields(kind: Any, plain: object, where: str) -> Any:
    shape = _shape(kind)
    if kind in _POSITIONAL:
        values = _read_tuple(tuple(k for _, _, k in shape), plain, where)
        return kind(**{name: v for (name, _, _), v in zip(shape, values, strict=True)})
    defaults = _later_defaults(kind)
    names = {plain_name for _, plain_name, _ in shape}
    needed = {key for name, key, _ in shape if name not in defaults}
    if not isinstance(plain, dict) or not needed <= set(plain) <= names:
        got = ", ".join(sorted(map(str, plain))) if isinstance(plain, dict) else repr(plain)
        raise PlainWrong(where=where, want="fields " + ", ".join(sorted(names)), got=got[:200])
    told = {name: _read(k, plain[key], f"{where}.{key}") for name, key, k in shape if key in plain}
    for name, key, _ in shape:
        if name in defaults and told.get(name, ...) == defaults[name]:
            raise PlainWrong(where=f"{where}.{key}", want="left out where it says nothing", got=str(plain[key])[:80])
    return kind(**told)


def _read_choice(kind: Any, plain: object, where: str) -> Any:
    if type(plain) not in (str, int) or plain not in [option.value for option in kind]:
        raise PlainWrong(where=where, want="one of " + ", ".join(str(o.value) for o in kind), got=repr(plain)[:80])
    return kind(plain)
