"""Which evidence settles a day (protocol 8.3): what of the log binds it, gathered the same way by service and auditor.

The log is read at one size. Of the documents in it, the last one anchored in time binds; of the meters, the segments
logged from one day before the day on, and the last with readings before those.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from alliance.calendar import SLOTS_A_DAY, Day
from alliance.capacity import concerns
from alliance.closing import DayUse, closing
from alliance.errors import Malformed, Missing
from alliance.fleet import BillingGroup, Channel, Station
from alliance.identity import Digest, GroupId, LeaseId, MemberId, StationId
from alliance.lease import EarlyEnd, Lease
from alliance.quantity import Bracket, Stream, station_quantities, timed
from alliance.reading import ChannelKind, Reading
from alliance.rulepack import RulePack, parse
from alliance.rulepack import to_plain as pack_to_plain
from alliance.schedule import Schedule, ScheduleKind, from_plain, to_plain
from alliance.settlement import AnchoredSchedule, AnchoredTariff, EffectivePlan, SettlementInputs
from alliance.statement import Quantity, QuantityStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """The billing groups from a day on, until a later grouping takes their place (protocol 8.2.3)."""

    from_day: Day
    groups: tuple[BillingGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a document stands: its digest, its number in the log, and when its first checkpoint was mined, UTC ms."""

    digest: Digest
    entry: int
    anchored_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One billing meter's binding to a station and its readings as the log holds them, each with its bracket."""

    channel: Channel
    readings: Sequence[tuple[Reading, Bracket]]
    disputed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFacts:
    """Everything that a day's settlement may rest on, out of the log at `log_size` and the chain."""

    alliance: bytes
    day: Day
    roster: tuple[MemberId, ...]
    stations: tuple[Station, ...]
    leases: tuple[Lease, ...]
    early_ends: Mapping[LeaseId, EarlyEnd]
    schedules: tuple[tuple[Place, Schedule], ...]
    packs: tuple[tuple[Place, RulePack], ...]
    groupings: tuple[tuple[Place, Grouping], ...]
    meters: tuple[Meter, ...]
    log_size: int
    uses: Mapping[Day, DayUse] = field(default_factory=dict)
    """The use of each of `alliance.closing.closing_days`; empty on a day that closes nothing."""
    given: Mapping[StationId, tuple[Quantity, ...]] = field(default_factory=dict)
    """The 96 quantities, as stated, of stations whose meters the reader may not see; a service gives none."""


@dataclass(kw_only=True, eq=False)
class RulesMissing(Missing):
    """No rule pack, or no grouping, was anchored in time for a day."""

    day: str
    what: str


@dataclass(kw_only=True, eq=False)
class GroupingMalformed(Malformed):
    """A billing group is empty, or the groups' numbers do not ascend within 32 bits."""

    group: int
    stations: int


@dataclass(kw_only=True, eq=False)
class RuleDocumentUnknown(Malformed):
    """A rule pack entry holds neither a tariff nor a grouping."""

    kind: str


def settlement_inputs(facts: DayFacts) -> SettlementInputs:
    """What `alliance.settlement.settle` is given for the day. Raises RulesMissing and what the quantities raise."""
    groups = binding_groups(facts.groupings, facts.day)
    pack_place, pack = binding_pack(facts.packs, facts.day)
    effective = effective_schedules(facts.schedules, facts.day)
    plan = EffectivePlan(effective)
    grouped = {station for group in groups for station in group.stations}
    stations = tuple(s for s in facts.stations if s.number in grouped)
    anchored = AnchoredTariff(tariff=pack.tariff_for(facts.day), pack=pack_place.digest)
    documents = (*facts.schedules, *facts.packs, *facts.groupings)
    leases = tuple(lease for lease in facts.leases if lease.station in grouped)
    closed = closing(leases, facts.early_ends, facts.day, facts.uses)
    return SettlementInputs(
        alliance=facts.alliance,
        day=facts.day,
        roster=facts.roster,
        stations=stations,
        groups=groups,
        tariffs={group.number: anchored for group in groups},
        leases=tuple(x for x in leases if concerns(x, facts.day, facts.early_ends.get(x.number))),
        effective=effective,
        quantities=_quantities(facts, stations, plan),
        day_ahead=day_ahead(facts.schedules, facts.day),
        fee_bp=pack.fee_bp.value,
        fee_pack=pack_place.digest,
        log_size=facts.log_size,
        logged=frozenset(place.digest for place, _ in documents),
        early_ends=facts.early_ends,
        availability=closed.availability,
        closing_account_wh=closed.account_wh,
    )


def day_use(
    day: Day,
    *,
    schedules: Iterable[tuple[Place, Schedule]],
    leases: Iterable[Lease],
    batteries: Iterable[Meter],
    deliveries: bool = True,
) -> DayUse:
    """What a day showed of the leased stations (protocol 8.7.4), from the log as it stood a day later.

    Without `deliveries` the leases' orders alone: then `batteries` are not looked at. Raises what the quantities raise.
    """
    touching = [lease for lease in leases if concerns(lease, day)]
    stations = {lease.station for lease in touching}
    rows: dict[tuple[StationId, int], int] = {}
    orders: dict[tuple[LeaseId, int], int] = {}
    excused: set[tuple[StationId, int]] = set()
    for slot, anchored in effective_schedules(schedules, day).items():
        for row in anchored.schedule.rows:
            if row.slot != slot or row.station not in stations:
                continue
            rows[row.station, slot] = row.battery_wh
            here = [lease.number for lease in touching if lease.station == row.station]
            orders |= {(n, slot): sum(part.planned_wh for part in row.lessees if part.lease == n) for n in here}
            if anchored.schedule.kind is ScheduleKind.GRID_ORDER:
                excused.add((row.station, slot))
    delivered = _delivered(day, stations, tuple(batteries)) if deliveries else {}
    return DayUse(scheduled_wh=rows, excused=frozenset(excused), delivered_wh=delivered, orders_wh=orders)


def _delivered(day: Day, stations: Iterable[StationId], batteries: Sequence[Meter]) -> dict[tuple[StationId, int], int]:
    """The slots that a battery's meter measured; discharging is its export."""
    found: dict[tuple[StationId, int], int] = {}
    for station in sorted(stations):
        streams = [_stream(m) for m in batteries if m.channel.station == station]
        measured = station_quantities(station, day=day, streams=streams, planned_net_wh=(0,) * SLOTS_A_DAY)
        found |= {(station, q.slot): q.net_wh for q in measured if q.status is QuantityStatus.METERED}
    return found


def effective_schedules(schedules: Iterable[tuple[Place, Schedule]], day: Day) -> dict[int, AnchoredSchedule]:
    """Slot → the schedule that binds it (protocol 8.3.2).

    The last one anchored before the slot began; a grid order, though anchored later, takes its slots' place.
    """
    ordered = sorted((s for s in schedules if s[1].day == day), key=lambda pair: pair[0].entry)
    binding: dict[int, AnchoredSchedule] = {}
    for orders in (False, True):
        for place, schedule in ordered:
            is_order = schedule.kind is ScheduleKind.GRID_ORDER
            if is_order is orders:
                for slot in _bound_slots(place, schedule, in_time=not is_order):
                    binding[slot] = AnchoredSchedule(digest=place.digest, schedule=schedule)
    return binding


def day_ahead(schedules: Iterable[tuple[Place, Schedule]], day: Day) -> AnchoredSchedule | None:
    """The day-ahead schedule whose gains are the fee's base: the last one anchored before the day (protocol 8.7.1)."""
    found = [
        (place.entry, AnchoredSchedule(digest=place.digest, schedule=schedule))
        for place, schedule in schedules
        if schedule.day == day and schedule.kind is ScheduleKind.DAY_AHEAD and place.anchored_ms < day.start_ms
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def binding_groups(groupings: Iterable[tuple[Place, Grouping]], day: Day) -> tuple[BillingGroup, ...]:
    """The billing groups of a day: those of its grouping. Raises RulesMissing."""
    return binding_grouping(groupings, day).groups


def binding_grouping(groupings: Iterable[tuple[Place, Grouping]], day: Day) -> Grouping:
    """The grouping of a day: the last one anchored before it for it. Raises RulesMissing."""
    found = [
        (grouping.from_day, place.entry, grouping)
        for place, grouping in groupings
        if place.anchored_ms < day.start_ms and grouping.from_day <= day
    ]
    if not found:
        raise RulesMissing(day=str(day), what="groups")
    return max(found, key=lambda item: item[:2])[2]


def binding_pack(packs: Iterable[tuple[Place, RulePack]], day: Day) -> tuple[Place, RulePack]:
    """The rule pack of a day: the last one in force and anchored before it. Raises RulesMissing."""
    found = [(place, pack) for place, pack in packs if place.anchored_ms < day.start_ms and pack.in_force(day)]
    if not found:
        raise RulesMissing(day=str(day), what="tariff")
    return max(found, key=lambda item: (item[1].effective_from, item[0].entry))


def rule_document(content: object) -> RulePack | Grouping:
    """Read what a rule pack entry's document holds.

    Raises RuleDocumentUnknown, PackMalformed, PlainWrong or GroupingMalformed.
    """
    match content:
        case {"kind": "tariff", "pack": pack, **rest} if not rest:
            return parse(pack)
        case {"kind": "groups", "grouping": grouping, **rest} if not rest:
            return _checked(from_plain(Grouping, grouping, where="grouping"))
    kind = content.get("kind") if isinstance(content, dict) else type(content).__name__
    raise RuleDocumentUnknown(kind=str(kind))


def tariff_document(pack: RulePack) -> dict[str, object]:
    """The plain content of a rule pack's document."""
    return {"kind": "tariff", "pack": pack_to_plain(pack)}


def groups_document(grouping: Grouping) -> dict[str, object]:
    """The plain content of a grouping's document."""
    return {"kind": "groups", "grouping": to_plain(grouping)}


def one_group(stations: Iterable[Station], *, from_day: Day) -> Grouping:
    """The grouping that puts all stations behind one customer."""
    numbers = tuple(sorted(s.number for s in stations))
    return Grouping(from_day=from_day, groups=(BillingGroup(number=GroupId(1), stations=numbers),))


def _checked(grouping: Grouping) -> Grouping:
    """The grouping, if its groups can be numbered in a leaf and none is empty."""
    last = 0
    for group in grouping.groups:
        if not last < group.number < 1 << 32 or not group.stations:
            raise GroupingMalformed(group=group.number, stations=len(group.stations))
        last = group.number
    return grouping


def _bound_slots(place: Place, schedule: Schedule, *, in_time: bool) -> Iterable[int]:
    if not in_time:
        return sorted({row.slot for row in schedule.rows if 0 <= row.slot < SLOTS_A_DAY})
    return [
        slot
        for slot in range(max(0, schedule.first_slot), SLOTS_A_DAY)
        if place.anchored_ms < schedule.day.slot_start_ms(slot)
    ]


def _quantities(facts: DayFacts, stations: Iterable[Station], plan: EffectivePlan) -> tuple[Quantity, ...]:
    found: list[Quantity] = []
    for station in stations:
        if station.number in facts.given:
            found += facts.given[station.number]
            continue
        streams = [_stream(m) for m in facts.meters if _measures(m.channel, station.number)]
        found += station_quantities(
            station.number, day=facts.day, streams=streams, planned_net_wh=plan.planned_net_wh(station.number)
        )
    return tuple(sorted(found, key=lambda q: (q.slot, q.station)))


def _measures(channel: Channel, station: StationId) -> bool:
    return channel.kind is ChannelKind.METER and channel.station == station


def _stream(meter: Meter) -> Stream:
    """The meter's readings with effective times; those outside its binding to the station are no edges."""
    channel = meter.channel
    outside = frozenset(
        reading.seq
        for reading, _ in meter.readings
        if reading.t_ms < channel.from_ms or (channel.to_ms and reading.t_ms > channel.to_ms)
    )
    readings = timed(meter.readings, invalid=outside, disputed=meter.disputed)
    return Stream(device=channel.device, channel=channel.channel, readings=readings)
