"""Who pays whom for a day: a pure function of evidence (protocol 8.2 to 8.9).

Planned energy is paid at the plan's price, the difference to the meter at the price that the meter itself reveals; a
lessee is paid for its schedule whatever the battery did; what is left in the pool goes back to the members.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from alliance.calendar import DAY_SLOT, SLOTS_A_DAY, Day
from alliance.capacity import end_due, ends_in, month_start, ran_in, rent_between, sla_cents, sla_due, term_end
from alliance.closing import Availability
from alliance.errors import Conflicting, Missing, Refused
from alliance.fleet import BillingGroup, Station
from alliance.identity import ZERO_DIGEST, Digest, GroupId, LeaseId, MemberId, StationId
from alliance.lease import EarlyEnd, Lease
from alliance.money import energy_cents, largest_remainder, mul_div
from alliance.schedule import GainRow, PriceRow, Schedule, ScheduleRow
from alliance.statement import (
    GRID,
    LEASE_KINDS,
    PLATFORM,
    POOL,
    AccountId,
    Heading,
    InputKind,
    Line,
    LineKind,
    Quantity,
    SlotTotal,
    Statement,
    Weights,
    accounts_of,
    assemble,
    evidence_of,
    input_id,
    member_account,
)
from alliance.tariff import Tariff, TariffSlot, check_fit_for_groups

BALANCED_WH = 1_000
"""A planned flow of no more than this, either way, counts as balanced (protocol 8.5.1)."""
FULL_BP = 10_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchoredSchedule:
    """A schedule and the digest under which it stands in the log."""

    digest: Digest
    schedule: Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchoredTariff:
    """A group's tariff of the day and the digest of the rule pack that it comes from."""

    tariff: Tariff
    pack: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementInputs:
    """Everything that may enter a line of a day, and nothing else (protocol 8.3)."""

    alliance: bytes
    """allianceId, 32 bytes."""
    day: Day
    roster: tuple[MemberId, ...]
    """The members as the registry stood at 00:00, ascending."""
    stations: tuple[Station, ...]
    groups: tuple[BillingGroup, ...]
    """Each station in exactly one."""
    tariffs: Mapping[GroupId, AnchoredTariff]
    leases: tuple[Lease, ...]
    """At least those in force during the day."""
    effective: Mapping[int, AnchoredSchedule]
    """Slot 0…95 → the schedule that binds it (protocol 8.3.2); a slot without one has planned quantities of 0."""
    quantities: tuple[Quantity, ...]
    """All 96 of each station."""
    day_ahead: AnchoredSchedule | None
    """The schedule whose gain rows are the fee's base; None if no plan was anchored before the day."""
    fee_bp: int
    fee_pack: Digest
    log_size: int
    logged: frozenset[Digest]
    """Documents that stand in the log at `log_size`: no other may be evidence."""
    accepted: Mapping[tuple[StationId, int], AnchoredSchedule] = field(default_factory=dict)
    """What a station's own key bound it to instead, per slot."""
    early_ends: Mapping[LeaseId, EarlyEnd] = field(default_factory=dict)
    """How the leases ended that did so before their term."""
    availability: Mapping[LeaseId, Availability] = field(default_factory=dict)
    """For each lease whose month or term ends with this day."""
    closing_account_wh: Mapping[LeaseId, int] = field(default_factory=dict)
    """Energy account at the end of each lease that ends in this day (`alliance.capacity.account_course`)."""
    pool_opening_cents: Mapping[GroupId, int] = field(default_factory=dict)
    """What a later decision left in a group's pool before this day."""


@dataclass(kw_only=True, eq=False)
class AccountNotOnRoster(Refused):
    """A station's owner, or a lease's party, is not a member of the day's frozen roster."""

    member: MemberId
    station: StationId
    lease: LeaseId


@dataclass(kw_only=True, eq=False)
class RosterOutOfOrder(Refused):
    """The roster does not ascend in order of admission."""

    position: int
    member: MemberId


@dataclass(kw_only=True, eq=False)
class StationNotInOneGroup(Refused):
    """A station, or one of which a part is leased, is in no billing group, or in more than one."""

    station: StationId
    groups: int


@dataclass(kw_only=True, eq=False)
class QuantityMissing(Missing):
    """A station has no quantity, or more than one, in a slot."""

    station: StationId
    slot: int
    found: int


@dataclass(kw_only=True, eq=False)
class EvidenceNotLogged(Missing):
    """A document that a line would rest on does not stand in the log."""

    document: Digest
    log_size: int


@dataclass(kw_only=True, eq=False)
class PriceRowInvalid(Refused):
    """A planned price is not a dual of the group's tariff at the planned flows (protocol 8.5.1), cents/MWh."""

    group: GroupId
    slot: int
    station: StationId
    """0: the pool's price; else the station's network adder."""
    price: int | None
    """None: the station has no adder."""
    lowest: int
    highest: int


@dataclass(kw_only=True, eq=False)
class GainMiscomputed(Refused):
    """A gain row is not the difference of its two costs, cents."""

    member: MemberId
    apart_cost_cents: int
    planned_cost_cents: int
    gain_cents: int


@dataclass(kw_only=True, eq=False)
class JointGainNegative(Refused):
    """Together would be dearer than apart by more than the gap: members run their own plans (protocol 8.7.3), cents."""

    gain_cents: int
    allowed_loss_cents: int


@dataclass(kw_only=True, eq=False)
class ClosingFactMissing(Missing):
    """A lease's month or term ends with the day, and its availability or energy account was not given."""

    lease: LeaseId
    fact: str


@dataclass(kw_only=True, eq=False)
class CorrectionOfAnother(Conflicting):
    """Two statements to be compared are not of the same day, roster and lines."""

    field: str
    previous: str
    recomputed: str


@dataclass(kw_only=True, eq=False)
class NothingToCorrect(Refused):
    """A recomputed statement equals the one that stands."""

    version: int


class EffectivePlan:
    """Which row and which prices bind each slot: what was anchored, or what a station accepted (protocol 8.3.2)."""

    def __init__(
        self,
        effective: Mapping[int, AnchoredSchedule],
        accepted: Mapping[tuple[StationId, int], AnchoredSchedule] | None = None,
    ) -> None:
        self._effective = effective
        self._accepted = accepted or {}
        used = {s.digest: s.schedule for s in (*effective.values(), *self._accepted.values())}
        self._rows = {d: {(r.station, r.slot): r for r in s.rows} for d, s in used.items()}
        self._prices = {d: {(p.group, p.slot): p for p in s.prices} for d, s in used.items()}

    @property
    def digests(self) -> frozenset[Digest]:
        """The schedules that bind any slot."""
        return frozenset(self._rows)

    def binding(self, station: StationId, slot: int) -> Digest:
        """The schedule that binds a station in a slot; zero if none does."""
        anchored = self._accepted.get((station, slot)) or self._effective.get(slot)
        return anchored.digest if anchored else ZERO_DIGEST

    def row(self, station: StationId, slot: int) -> ScheduleRow | None:
        """The row of a station in a slot."""
        return self._rows.get(self.binding(station, slot), {}).get((station, slot))

    def prices(self, group: BillingGroup, slot: int) -> tuple[Digest, PriceRow] | None:
        """The price row of a group's slot, with its schedule.

        None without one, and where the group's stations are bound by different schedules: no plan's prices fit a
        mixture, so that the actual price is paid.
        """
        bound = {self.binding(station, slot) for station in group.stations}
        if len(bound) != 1:
            return None
        (digest,) = bound
        found = self._prices.get(digest, {}).get((group.number, slot))
        return (digest, found) if found else None

    def planned_net_wh(self, station: StationId) -> tuple[int, ...]:
        """The 96 planned energies of a station's PCC, export positive; 0 where no row stands."""
        rows = (self.row(station, slot) for slot in range(SLOTS_A_DAY))
        return tuple(row.planned_net_wh if row else 0 for row in rows)


def settle(inputs: SettlementInputs) -> Statement:
    """The complete statement of a day, version 1.

    Raises AccountNotOnRoster, RosterOutOfOrder, StationNotInOneGroup, QuantityMissing, EvidenceNotLogged,
    PriceRowInvalid, GainMiscomputed, ClosingFactMissing and PackUnfitForGroups.
    """
    check_inputs(inputs)
    frame = _Frame(inputs)
    totals: list[SlotTotal] = []
    lines: list[Line] = []
    for group in inputs.groups:
        for slot in range(SLOTS_A_DAY):
            market = _market(frame, group, slot)
            totals += market.totals
            lines += _slot_lines(frame, market)
    weights = tuple(_weights(frame, group) for group in inputs.groups)
    lines += _pool_shares(frame, weights, lines)
    lines += _fees(inputs)
    lines += _closing_lines(frame)
    return assemble(
        _heading(inputs, frame.plan), quantities=inputs.quantities, slot_totals=totals, lines=lines, weights=weights
    )


def network_price(group: BillingGroup, slot: TariffSlot) -> int:
    """The network price w of a group's slot, cents/MWh; 0 in a group of one PCC, where nothing can pass (8.2.3)."""
    return slot.network_price if len(group.stations) > 1 else 0


def group_tariff(group: BillingGroup, tariff: Tariff) -> Tariff:
    """The tariff by which a group is planned and settled: of one PCC, with a network price of 0 (protocol 8.2.3)."""
    slots = tuple(replace(slot, network_price=network_price(group, slot)) for slot in tariff.slots)
    return replace(tariff, slots=slots)


def actual_price(*, pool_net_wh: int, buy_price: int, sell_price: int, network: int, pool_price: int | None) -> int:
    """What the last Wh cost the group, cents/MWh (protocol 8.5.2); `pool_net_wh` > 0 buys from the grid.

    At exactly 0 it is the planned price, or the middle of what is possible where none stands.
    """
    if pool_net_wh > 0:
        return buy_price - network
    if pool_net_wh < 0:
        return sell_price
    return mul_div(sell_price + buy_price - network, 1, 2) if pool_price is None else pool_price


def actual_adder(*, net_wh: int, network: int) -> int:
    """What the network takes for a PCC's last Wh, cents/MWh: w if it imports, else 0 (protocol 8.5.2)."""
    return network if net_wh < 0 else 0


def check_price_row(
    row: PriceRow, *, group: BillingGroup, tariff: TariffSlot, planned_net_wh: Mapping[StationId, int]
) -> None:
    """Refuse planned prices that are not duals at the planned flows (protocol 8.5.1). Raises PriceRowInvalid.

    Planned pool import: λ = buy − w; export: λ = sell; balanced: between. ν is w of an importing PCC, 0 of an exporting
    one, between of a balanced one. Rounding a plan moves flows by a few Wh: up to 1,000 Wh count as balanced.
    """
    network = network_price(group, tariff)
    pool_wh = sum(planned_net_wh[station] for station in group.stations)
    span = _open_prices(pool_wh, at_export=tariff.sell_price, at_import=tariff.buy_price - network)
    _check_price(row, StationId(0), row.pool_price, *span)
    adders = dict(row.adders)
    for station in group.stations:
        span = _open_prices(planned_net_wh[station], at_export=0, at_import=network)
        _check_price(row, station, adders.get(station), *span)


def check_joint_gain(gains: Iterable[GainRow], *, allowed_loss_cents: int) -> None:
    """Refuse a plan that is dearer than going apart by more than its certified gap. Raises JointGainNegative."""
    gain_cents = sum(row.gain_cents for row in gains)
    if gain_cents < -allowed_loss_cents:
        raise JointGainNegative(gain_cents=gain_cents, allowed_loss_cents=allowed_loss_cents)


def check_inputs(inputs: SettlementInputs) -> None:
    """Refuse inputs that name strangers, leave holes, or rest on documents outside the log; see `settle`."""
    _check_roster(inputs)
    _check_groups(inputs)
    _check_quantities(inputs)
    _check_logged(inputs)
    for row in inputs.day_ahead.schedule.gains if inputs.day_ahead else ():
        _check_gain(row)


def correct(previous: Statement, recomputed: Statement, *, previous_root: Digest) -> Statement:
    """The linked statement v + 1 that holds only what differs (protocol 8.9.3).

    `previous` is the whole day as it stands (version 1, or the result of `apply_correction`), `recomputed` the whole
    day from more evidence, `previous_root` the root of the previous version's statement. Amounts are differences; all
    else is the new value. Raises CorrectionOfAnother and NothingToCorrect.
    """
    _check_same_day(previous, recomputed)
    lines = tuple(_line_deltas(previous.lines, recomputed.lines))
    quantities = _changed(previous.quantities, recomputed.quantities)
    totals = _changed(previous.slot_totals, recomputed.slot_totals)
    weights = _changed(previous.weights, recomputed.weights)
    if not (lines or quantities or totals or weights):
        raise NothingToCorrect(version=previous.heading.version)
    heading = replace(recomputed.heading, version=previous.heading.version + 1, previous=previous_root, deltas=True)
    return assemble(heading, quantities=quantities, slot_totals=totals, lines=lines, weights=weights)


def apply_correction(previous: Statement, correction: Statement) -> Statement:
    """The whole day after a correction: what `correct` was computed from, out of the posted parts alone."""
    before = {line.identity: line.amount_cents for line in previous.lines}
    lines = {line.identity: line for line in previous.lines} | {
        line.identity: replace(line, amount_cents=before[line.identity] + line.amount_cents)
        for line in correction.lines
    }
    quantities = {(q.slot, q.station): q for q in (*previous.quantities, *correction.quantities)}
    totals = {(t.slot, t.group, t.position): t for t in (*previous.slot_totals, *correction.slot_totals)}
    weights = {w.group: w for w in (*previous.weights, *correction.weights)}
    return assemble(
        replace(correction.heading, deltas=False),
        quantities=quantities.values(),
        slot_totals=totals.values(),
        lines=lines.values(),
        weights=weights.values(),
    )


def apply_decisions(whole: Statement, moved_cents: Mapping[tuple[int, int, int, int, int], int]) -> Statement:
    """The day as it stands once the court has moved cents on lines, by the lines' identities (protocol 8.9.4).

    A later correction is computed from this: what the court has set right is not set right again. The pool of the
    result may hold what a decision left in it, which the next correction hands out.
    """
    lines = [replace(x, amount_cents=x.amount_cents + moved_cents.get(x.identity, 0)) for x in whole.lines]
    return assemble(
        whole.heading, quantities=whole.quantities, slot_totals=whole.slot_totals, lines=lines, weights=whole.weights
    )


def restated(whole: Statement, version: int) -> Statement:
    """A whole day under a version that follows void ones (protocol 8.9.5): it takes their place."""
    return replace(whole, heading=replace(whole.heading, version=version))


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFigures:
    """What is shown beside a member's statement and moves no money (protocol 8.7.6), cents."""

    member: MemberId
    saving_alone_cents: int
    """Estimate: planned cost without any storage, less the cost apart."""
    saving_together_cents: int
    """Estimate: planned cost without any storage, less the planned cost in the alliance."""
    lease_cents: int
    """Received for rent, wear, availability, hand-over and early ends; negative: paid."""
    fee_cents: int
    """Received from the platform, so never above 0."""
    net_cents: int
    """The account's balance: what was realised."""


def figures(whole: Statement, gains: Iterable[GainRow]) -> tuple[MemberFigures, ...]:
    """The shown figures of each member, in roster order; savings are 0 without a gain row."""
    by_member = {row.member: row for row in gains}
    lease = _received(whole, LEASE_KINDS)
    fee = _received(whole, {LineKind.PLATFORM_FEE})
    return tuple(
        MemberFigures(
            member=member,
            saving_alone_cents=row.without_storage_cost_cents - row.apart_cost_cents if row else 0,
            saving_together_cents=row.without_storage_cost_cents - row.planned_cost_cents if row else 0,
            lease_cents=lease.get(member_account(member), 0),
            fee_cents=fee.get(member_account(member), 0),
            net_cents=net,
        )
        for member, net in zip(whole.heading.roster, whole.balances, strict=False)
        for row in (by_member.get(member),)
    )


class _Frame:
    """The inputs of a day, indexed once so that each line is a few look-ups."""

    def __init__(self, inputs: SettlementInputs) -> None:
        self.inputs = inputs
        self.plan = EffectivePlan(inputs.effective, inputs.accepted)
        self.owners = {s.number: s.owner for s in inputs.stations}
        self.group_of = {station: g.number for g in inputs.groups for station in g.stations}
        self.quantities = {(q.station, q.slot): q for q in inputs.quantities}
        self.leases = {x.number: x for x in inputs.leases}
        self.leases_of: dict[StationId, list[Lease]] = {}
        for lease in inputs.leases:
            self.leases_of.setdefault(lease.station, []).append(lease)

    def in_roster_order(self, group: BillingGroup) -> list[StationId]:
        return sorted(group.stations, key=lambda station: (self.owners[station], station))

    def in_force(self, lease: Lease, slot: int) -> bool:
        absolute = self.inputs.day.first_slot + slot
        return lease.active_in(self.inputs.day, slot) and absolute < term_end(lease, self.early_end(lease))

    def early_end(self, lease: Lease) -> int | None:
        ended = self.inputs.early_ends.get(lease.number)
        return ended.end_slot if ended else None

    def lease_plans(self, station: StationId, slot: int) -> dict[LeaseId, int]:
        """planned_wh of each lease in force; rows of any other lease are the owner's."""
        leases = self.leases_of.get(station)
        if not leases:
            return {}
        plans = {lease.number: 0 for lease in leases if self.in_force(lease, slot)}
        row = self.plan.row(station, slot)
        for part in row.lessees if row else ():
            if part.lease in plans:
                plans[part.lease] += part.planned_wh
        return plans


@dataclass(frozen=True, slots=True, kw_only=True)
class _Market:
    """A group's slot: its meters' sums and its prices."""

    group: BillingGroup
    slot: int
    totals: tuple[SlotTotal, ...]
    tariff: TariffSlot
    network: int
    pool_net_wh: int
    matched_wh: int
    actual_price: int
    pool_price: int | None
    """λ; None where no price row stands."""
    adders: Mapping[StationId, int]
    price_id: tuple[bytes, ...]
    actual_ids: tuple[bytes, ...]


def _market(frame: _Frame, group: BillingGroup, slot: int) -> _Market:
    source = frame.inputs.tariffs[group.number]
    tariff = source.tariff.slots[slot]
    network = network_price(group, tariff)
    totals = tuple(_running_totals(frame, group, slot))
    imports, exports = totals[-1].imports_wh, totals[-1].exports_wh
    planned = _planned_prices(frame, group, slot, tariff)
    price_id = (input_id(InputKind.PRICE_ROW, digest=planned[0], a=group.number, b=slot),) if planned else ()
    pool_price = planned[1].pool_price if planned else None
    actual = (
        input_id(InputKind.SLOT_TOTAL, a=group.number, b=slot),
        input_id(InputKind.TARIFF_ROW, digest=source.pack, b=slot),
    )
    return _Market(
        group=group,
        slot=slot,
        totals=totals,
        tariff=tariff,
        network=network,
        pool_net_wh=imports - exports,
        matched_wh=min(imports, exports),
        actual_price=actual_price(
            pool_net_wh=imports - exports,
            buy_price=tariff.buy_price,
            sell_price=tariff.sell_price,
            network=network,
            pool_price=pool_price,
        ),
        pool_price=pool_price,
        adders=dict(planned[1].adders) if planned else {},
        price_id=price_id,
        actual_ids=actual + (price_id if imports == exports else ()),
    )


def _planned_prices(
    frame: _Frame, group: BillingGroup, slot: int, tariff: TariffSlot
) -> tuple[Digest, PriceRow] | None:
    found = frame.plan.prices(group, slot)
    if found:
        rows = {station: frame.plan.row(station, slot) for station in group.stations}
        planned = {station: row.planned_net_wh if row else 0 for station, row in rows.items()}
        check_price_row(found[1], group=group, tariff=tariff, planned_net_wh=planned)
    return found


def _running_totals(frame: _Frame, group: BillingGroup, slot: int) -> Iterator[SlotTotal]:
    imports = exports = 0
    for position, station in enumerate(frame.in_roster_order(group)):
        net_wh = frame.quantities[station, slot].net_wh
        imports += max(0, -net_wh)
        exports += max(0, net_wh)
        yield SlotTotal(
            slot=slot,
            group=group.number,
            position=position,
            count=len(group.stations),
            station=station,
            imports_wh=imports,
            exports_wh=exports,
        )


def _slot_lines(frame: _Frame, market: _Market) -> Iterator[Line]:
    for total in market.totals:
        yield from _pcc_lines(frame, market, total.station)
    yield from _grid_lines(market)


def _pcc_lines(frame: _Frame, market: _Market, station: StationId) -> Iterator[Line]:
    """The owner's and the lessees' lines at one PCC: planned flows at planned prices, the rest at actual ones."""
    slot, plan = market.slot, frame.plan
    row, quantity = plan.row(station, slot), frame.quantities[station, slot]
    planned_net = row.planned_net_wh if row else 0
    lessees = frame.lease_plans(station, slot)
    adder_now = actual_adder(net_wh=quantity.net_wh, network=market.network)
    row_id = input_id(InputKind.SCHEDULE_ROW, digest=plan.binding(station, slot), a=station, b=slot)
    quantity_id = input_id(InputKind.QUANTITY, a=station, b=slot)
    measured = evidence_of(quantity_id, row_id, *market.actual_ids)
    if market.pool_price is None:
        price, adder, scheduled = market.actual_price, adder_now, evidence_of(row_id, quantity_id, *market.actual_ids)
    else:
        price, adder, scheduled = market.pool_price, market.adders[station], evidence_of(row_id, *market.price_id)
    own, deviation = planned_net - sum(lessees.values()), quantity.net_wh - planned_net
    owner = member_account(frame.owners[station])
    for kind, energy, cents, evidence in (
        (LineKind.ENERGY_PLAN, own, price, scheduled),
        (LineKind.ENERGY_DEVIATION, deviation, market.actual_price, measured),
        (LineKind.NETWORK_PLAN, own, adder, scheduled),
        (LineKind.NETWORK_DEVIATION, deviation, adder_now, measured),
    ):
        yield _energy_line(market, kind, owner, station, energy, cents, evidence)
    for number, planned_wh in lessees.items():
        lease = frame.leases[number]
        lessee = member_account(lease.lessee)
        yield _energy_line(market, LineKind.LEASE_ENERGY, lessee, number, planned_wh, price, scheduled)
        yield _energy_line(market, LineKind.LEASE_NETWORK, lessee, number, planned_wh, adder, scheduled)
        yield from _lease_lines(frame, lease, slot, planned_wh, row_id)


def _energy_line(
    market: _Market, kind: LineKind, account: AccountId, subject: int, energy_wh: int, price: int, evidence: Digest
) -> Line:
    return Line(
        slot=market.slot,
        kind=kind,
        account=account,
        counterparty=POOL,
        subject=subject,
        group=market.group.number,
        quantity_wh=energy_wh,
        price_cents_per_mwh=price,
        amount_cents=energy_cents(energy_wh, price),
        evidence=evidence,
    )


def _lease_lines(frame: _Frame, lease: Lease, slot: int, planned_wh: int, row_id: bytes) -> Iterator[Line]:
    """Rent and wear of one slot, from lessee to owner."""
    absolute = frame.inputs.day.first_slot + slot
    lease_id = _lease_id(lease)
    rent = rent_between(lease, absolute, absolute + 1)
    yield _lease_line(frame, lease, LineKind.LEASE_RENT, slot, amount_cents=-rent, evidence=evidence_of(lease_id))
    worn = -max(0, planned_wh)
    yield _lease_line(
        frame,
        lease,
        LineKind.LEASE_WEAR,
        slot,
        amount_cents=energy_cents(worn, lease.wear_price),
        evidence=evidence_of(lease_id, row_id),
        quantity_wh=worn,
        price=lease.wear_price,
    )


def _lease_line(
    frame: _Frame,
    lease: Lease,
    kind: LineKind,
    slot: int,
    *,
    amount_cents: int,
    evidence: Digest,
    quantity_wh: int = 0,
    price: int = 0,
) -> Line:
    return Line(
        slot=slot,
        kind=kind,
        account=member_account(lease.lessee),
        counterparty=member_account(lease.owner),
        subject=lease.number,
        group=frame.group_of[lease.station],
        quantity_wh=quantity_wh,
        price_cents_per_mwh=price,
        amount_cents=amount_cents,
        evidence=evidence,
    )


def _lease_id(lease: Lease) -> bytes:
    return input_id(InputKind.LEASE, a=lease.number, b=lease.version)


def _grid_lines(market: _Market) -> Iterator[Line]:
    """The tariff on the meters, passed through: what the group takes from outside, and what passes inside it."""
    tariff, evidence = market.tariff, evidence_of(*market.actual_ids[:2])
    price = tariff.buy_price if market.pool_net_wh > 0 else tariff.sell_price
    number = market.group.number
    yield _energy_line(market, LineKind.GRID_ENERGY, GRID, number, market.pool_net_wh, price, evidence)
    yield _energy_line(market, LineKind.GRID_NETWORK, GRID, number, market.matched_wh, market.network, evidence)


def _weights(frame: _Frame, group: BillingGroup) -> Weights:
    sums: dict[MemberId, int] = {}
    for station in group.stations:
        owner = frame.owners[station]
        moved = sum(abs(frame.quantities[station, slot].net_wh) for slot in range(SLOTS_A_DAY))
        sums[owner] = sums.get(owner, 0) + moved
    return Weights(group=group.number, weights_wh=tuple(sorted(sums.items())))


def _pool_shares(frame: _Frame, weights: Sequence[Weights], lines: Iterable[Line]) -> Iterator[Line]:
    """What each group's pool holds after slot 95, back to its members (protocol 8.6.3)."""
    left = {w.group: frame.inputs.pool_opening_cents.get(w.group, 0) for w in weights}
    for line in lines:
        if line.counterparty == POOL:
            left[line.group] -= line.amount_cents
    for item in weights:
        parts = largest_remainder(left[item.group], dict(item.weights_wh))
        evidence = evidence_of(
            input_id(InputKind.POOL_BALANCE, a=item.group), input_id(InputKind.WEIGHTS, a=item.group)
        )
        for member, cents in parts.items():
            yield _day_line(LineKind.POOL_SHARE, member, POOL, item.group, item.group, cents, evidence)


def _fees(inputs: SettlementInputs) -> Iterator[Line]:
    """The platform's part of each member's certified day-ahead gain (protocol 8.7.1)."""
    gains = {row.member: row.gain_cents for row in inputs.day_ahead.schedule.gains} if inputs.day_ahead else {}
    digest = inputs.day_ahead.digest if inputs.day_ahead else ZERO_DIGEST
    for member in inputs.roster:
        fee = mul_div(max(0, gains.get(member, 0)), inputs.fee_bp, FULL_BP)
        evidence = evidence_of(
            input_id(InputKind.GAIN, digest=digest, a=member), input_id(InputKind.FEE, digest=inputs.fee_pack)
        )
        yield _day_line(LineKind.PLATFORM_FEE, member, PLATFORM, 0, GroupId(0), -fee, evidence)


def _day_line(
    kind: LineKind,
    member: MemberId,
    counterparty: AccountId,
    subject: int,
    group: GroupId,
    amount_cents: int,
    evidence: Digest,
) -> Line:
    return Line(
        slot=DAY_SLOT,
        kind=kind,
        account=member_account(member),
        counterparty=counterparty,
        subject=subject,
        group=group,
        quantity_wh=0,
        price_cents_per_mwh=0,
        amount_cents=amount_cents,
        evidence=evidence,
    )


def _closing_lines(frame: _Frame) -> Iterator[Line]:
    """Availability at the end of a month or term, hand-over and price at its end (protocol 8.7.4, 8.7.5, 8.7.7)."""
    day = frame.inputs.day
    for lease in frame.inputs.leases:
        early_end = frame.early_end(lease)
        if sla_due(lease, day, early_end):
            yield _sla_line(frame, lease)
        if ends_in(lease, day, early_end):
            yield _handover_line(frame, lease)
        ended = frame.inputs.early_ends.get(lease.number)
        if ended and ended.by and end_due(day, ended):
            yield _end_line(frame, lease, ended, ended.by)


def _sla_line(frame: _Frame, lease: Lease) -> Line:
    given = frame.inputs.availability.get(lease.number)
    if given is None:
        raise ClosingFactMissing(lease=lease.number, fact="availability")
    day = frame.inputs.day
    ran = ran_in(lease, month_start(day).first_slot, day.first_slot + SLOTS_A_DAY, frame.early_end(lease))
    shown = input_id(InputKind.AVAILABILITY, digest=given.slots, a=lease.number, b=given.available_bp)
    amount = sla_cents(lease, rent_cents=rent_between(lease, *ran), available_bp=given.available_bp)
    evidence = evidence_of(_lease_id(lease), shown)
    return _lease_line(frame, lease, LineKind.LEASE_SLA, DAY_SLOT, amount_cents=amount, evidence=evidence)


def _handover_line(frame: _Frame, lease: Lease) -> Line:
    account_wh = frame.inputs.closing_account_wh.get(lease.number)
    if account_wh is None:
        raise ClosingFactMissing(lease=lease.number, fact="closing_account_wh")
    above = account_wh - lease.handover_wh
    end = term_end(lease, frame.early_end(lease))
    return _lease_line(
        frame,
        lease,
        LineKind.LEASE_HANDOVER,
        DAY_SLOT,
        amount_cents=energy_cents(above, lease.handover_price),
        evidence=evidence_of(_lease_id(lease), input_id(InputKind.LEASE_ACCOUNT, a=lease.number, b=end)),
        quantity_wh=above,
        price=lease.handover_price,
    )


def _end_line(frame: _Frame, lease: Lease, ended: EarlyEnd, by: MemberId) -> Line:
    """What the party that ended a lease alone pays the other: the price that the chain recorded."""
    ended_id = input_id(InputKind.EARLY_END, a=lease.number, b=ended.end_slot)
    return Line(
        slot=DAY_SLOT,
        kind=LineKind.LEASE_END,
        account=member_account(by),
        counterparty=member_account(lease.other_party(by)),
        subject=lease.number,
        group=frame.group_of[lease.station],
        quantity_wh=0,
        price_cents_per_mwh=0,
        amount_cents=-ended.price_cents,
        evidence=evidence_of(_lease_id(lease), ended_id),
    )


def _heading(inputs: SettlementInputs, plan: EffectivePlan) -> Heading:
    schedules = plan.digests | ({inputs.day_ahead.digest} if inputs.day_ahead else set())
    packs = {t.pack for t in inputs.tariffs.values()} | {inputs.fee_pack}
    return Heading(
        alliance=inputs.alliance,
        day=inputs.day,
        version=1,
        previous=ZERO_DIGEST,
        deltas=False,
        roster=inputs.roster,
        groups=tuple(
            BillingGroup(number=g.number, stations=tuple(sorted(g.stations)))
            for g in sorted(inputs.groups, key=lambda g: g.number)
        ),
        schedules=tuple(sorted(schedules)),
        packs=tuple(sorted(packs)),
        log_size=inputs.log_size,
    )


def _check_roster(inputs: SettlementInputs) -> None:
    for position in range(1, len(inputs.roster)):
        if inputs.roster[position] <= inputs.roster[position - 1]:
            raise RosterOutOfOrder(position=position, member=inputs.roster[position])
    members = frozenset(inputs.roster)
    for station in inputs.stations:
        if station.owner not in members:
            raise AccountNotOnRoster(member=station.owner, station=station.number, lease=LeaseId(0))
    for lease in inputs.leases:
        for member in (lease.owner, lease.lessee):
            if member not in members:
                raise AccountNotOnRoster(member=member, station=lease.station, lease=lease.number)


def _check_groups(inputs: SettlementInputs) -> None:
    counts = {station.number: 0 for station in inputs.stations}
    for group in inputs.groups:
        for station in group.stations:
            counts[station] = counts.get(station, 2) + 1
        if len(group.stations) > 1:
            check_fit_for_groups(inputs.tariffs[group.number].tariff)
    for number, found in counts.items():
        if found != 1:
            raise StationNotInOneGroup(station=number, groups=found)
    for lease in inputs.leases:
        if lease.station not in counts:
            raise StationNotInOneGroup(station=lease.station, groups=0)


def _check_quantities(inputs: SettlementInputs) -> None:
    found = {(station.number, slot): 0 for station in inputs.stations for slot in range(SLOTS_A_DAY)}
    for quantity in inputs.quantities:
        key = (quantity.station, quantity.slot)
        found[key] = found.get(key, 1) + 1
    for (station, slot), count in found.items():
        if count != 1:
            raise QuantityMissing(station=station, slot=slot, found=count)


def _check_logged(inputs: SettlementInputs) -> None:
    documents = {a.digest for a in (*inputs.effective.values(), *inputs.accepted.values())}
    documents |= {t.pack for t in inputs.tariffs.values()} | {inputs.fee_pack}
    documents |= {q.document for q in inputs.quantities if q.document != ZERO_DIGEST}
    documents |= {inputs.day_ahead.digest} if inputs.day_ahead else set()
    unknown = sorted(documents - inputs.logged)
    if unknown:
        raise EvidenceNotLogged(document=unknown[0], log_size=inputs.log_size)


def _check_gain(row: GainRow) -> None:
    if row.gain_cents != row.apart_cost_cents - row.planned_cost_cents:
        raise GainMiscomputed(
            member=row.member,
            apart_cost_cents=row.apart_cost_cents,
            planned_cost_cents=row.planned_cost_cents,
            gain_cents=row.gain_cents,
        )


def _open_prices(planned_wh: int, *, at_export: int, at_import: int) -> tuple[int, int]:
    """Lowest and highest price that a planned flow, export positive, leaves open."""
    lowest = at_import if planned_wh < -BALANCED_WH else at_export
    highest = at_export if planned_wh > BALANCED_WH else at_import
    return lowest, highest


def _check_price(row: PriceRow, station: StationId, price: int | None, lowest: int, highest: int) -> None:
    if price is None or not lowest <= price <= highest:
        raise PriceRowInvalid(
            group=row.group, slot=row.slot, station=station, price=price, lowest=lowest, highest=highest
        )


def _check_same_day(previous: Statement, recomputed: Statement) -> None:
    for name in ("alliance", "day", "roster", "groups"):
        before, after = getattr(previous.heading, name), getattr(recomputed.heading, name)
        if before != after:
            raise CorrectionOfAnother(field=name, previous=str(before), recomputed=str(after))
    for statement in (previous, recomputed):
        if statement.heading.deltas:
            raise CorrectionOfAnother(field="deltas", previous="a whole day", recomputed="differences only")
    if len(previous.lines) != len(recomputed.lines):
        counts = (str(len(previous.lines)), str(len(recomputed.lines)))
        raise CorrectionOfAnother(field="lines", previous=counts[0], recomputed=counts[1])


def _line_deltas(previous: Iterable[Line], recomputed: Iterable[Line]) -> Iterator[Line]:
    for before, after in zip(previous, recomputed, strict=True):
        if before.identity != after.identity:
            raise CorrectionOfAnother(field="lines", previous=str(before.identity), recomputed=str(after.identity))
        if before != after:
            yield replace(after, amount_cents=after.amount_cents - before.amount_cents)


def _changed(previous: Sequence[T], recomputed: Sequence[T]) -> tuple[T, ...]:
    return tuple(after for before, after in zip(previous, recomputed, strict=True) if before != after)


def _received(whole: Statement, kinds: Iterable[LineKind]) -> dict[AccountId, int]:
    wanted, sums = frozenset(kinds), dict.fromkeys(accounts_of(whole.heading.roster), 0)
    for line in whole.lines:
        if line.kind in wanted:
            sums[line.account] += line.amount_cents
            sums[line.counterparty] -= line.amount_cents
    return sums
