"""A settled day on a real chain, with every input of every line logged: what the court is tried on (protocol 8.9.4)."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from alliance.calendar import SLOT_MS, SLOTS_A_DAY, Day, day_at
from alliance.capacity import rent_between
from alliance.day import tariff_document
from alliance.fleet import BillingGroup, Station, StationType
from alliance.identity import Address, Digest, GroupId, LeaseId, MemberId, StationId
from alliance.lease import EarlyEnd, Lease
from alliance.money import mul_div
from alliance.quantity import Bracket, Stream, station_quantities, timed
from alliance.reading import ChannelKind, Reading
from alliance.rulepack import RulePack, parse_json
from alliance.schedule import (
    GainRow,
    LeaseRow,
    PriceRow,
    Schedule,
    ScheduleKind,
    ScheduleRow,
    schedule_to_plain,
)
from alliance.segment import START, Head
from alliance.settlement import AnchoredSchedule, AnchoredTariff, Availability, SettlementInputs, group_tariff, settle
from alliance.statement import PLATFORM, POOL, Line, LineKind, Statement, assemble
from chain import abi, anchors, artifacts, devices, leases, registry, settlements
from chain.anchors import Advance, AnchorLog
from chain.court import Call, Docket, LogView, RuledDocument, keep_rows
from chain.events import DisputeUpheld, Event, decode
from chain.leases import CapacityLease, OfferTerms
from chain.settlements import Posting, SettlementLedger
from oracle import document, eip712, log, rows, segment
from oracle import reading as reading_bytes
from oracle.hashing import keccak256, sha256
from oracle.log import Entry, EntryType
from oracle.segment import SealedSegment
from oracle.settlement_tree import Leaf, SettlementTree, leaves_of, settlement_tree
from oracle.signature import SecpSigner
from tests.chain.conftest import GENESIS_S, World

SECRET = sha256(b"segment secret")
PACK = Path(__file__).resolve().parents[2] / "simulation" / "packs" / "jiangsu-2025-06.json"
SALT = sha256(b"document salt")
GROUPS = (
    BillingGroup(number=GroupId(1), stations=(StationId(1), StationId(2), StationId(3))),
    BillingGroup(number=GroupId(2), stations=(StationId(4),)),
)
MEMBERS = 3
MORE_ENTRIES = 200
GAP = range(40, 44)
"""Boundaries of station 3 for which there is no reading: its slots 39 to 43 are estimated."""
UNPRICED = {7, 50}
BALANCED = {9, 51}
"""Slots in which group 1's meters come to exactly 0, one priced and one not."""
MOST_GAS: dict[str, int] = {}
"""The most gas that each of the court's calls used so far, by "Bench.call": what `make gas` records."""
BENCHES = ("MeterCourt", "PlanCourt", "MarketCourt", "BookCourt")
_NAMES = {
    bench: {abi.selector(name + types): name for name, types in artifacts.load(bench).signatures("function").items()}
    for bench in BENCHES
}
TERMS = OfferTerms(
    station=StationId(1), power_w=2_000_000, energy_wh=8_000_000, first_slot=0, term_slots=960, eta_c_ppm=950_000,
    eta_d_ppm=940_000, rent_cents_per_kw_year=30_000, wear_price=7_919, handover_wh=1_000_000, handover_price=40_000,
    sla_bp=9_500, sla_factor_bp=20_000, price_version=1,
)  # fmt: skip
SPEC = registry.StationSpec(
    station_type=StationType.THIRD_PARTY, region=320_703, charge_power_w=5_000_000,
    discharge_power_w=5_000_000, capacity_wh=20_000_000, pcc_import_w=8_000_000, pcc_export_w=8_000_000,
)  # fmt: skip


@dataclass
class Courtroom:
    """The chain, the true statement of its first day, and what a challenger holds."""

    world: World
    day: Day
    rng: random.Random

    def __post_init__(self) -> None:
        self.entries: list[Entry] = []
        self.segments: dict[tuple[Address, int], list[SealedSegment]] = {}
        self.documents: dict[Digest, RuledDocument] = {}
        self.ledger = SettlementLedger(self.world.chain.rpc, self.at("SettlementLedger"))
        self.log = AnchorLog(self.world.chain.rpc, self.at("AnchorLog"))
        self._join()
        self.lease = self._lease()
        self.ended, self.early_end = self._ended_lease()
        self.pack: RulePack = parse_json(PACK.read_text())
        self.pack_digest = self._paper(EntryType.RULE_PACK, tariff_document(self.pack), rows.pack_rows(self.pack))
        self.schedule = _schedule(self.world.deployment.domain.alliance, self.day, self.lease, self.pack, self.rng)
        plain = {"schedule": schedule_to_plain(self.schedule), "certificate": None}
        self.schedule_digest = self._paper(EntryType.SCHEDULE, plain, rows.schedule_rows(self.schedule, SALT))
        self._measure()
        self._anchor()
        self.world.chain.mine_until(self.day.end_ms // 1000 + 60)

    def at(self, name: str) -> Address:
        return self.world.deployment[name].address

    @cached_property
    def truth(self) -> Statement:
        """What `alliance.settlement` makes of the day."""
        return settle(self.inputs)

    @cached_property
    def inputs(self) -> SettlementInputs:
        anchored = AnchoredSchedule(digest=self.schedule_digest, schedule=self.schedule)
        tariff = AnchoredTariff(tariff=self.pack.tariff_for(self.day), pack=self.pack_digest)
        return SettlementInputs(
            alliance=self.world.deployment.domain.alliance,
            day=self.day,
            roster=tuple(MemberId(n) for n in range(1, MEMBERS + 1)),
            stations=tuple(self._station(n) for n in range(1, 5)),
            groups=GROUPS,
            tariffs={group.number: tariff for group in GROUPS},
            leases=(self.lease, self.ended),
            effective=dict.fromkeys(range(SLOTS_A_DAY), anchored),
            quantities=tuple(q for n in range(1, 5) for q in self._quantities(StationId(n))),
            day_ahead=anchored,
            fee_bp=self.pack.fee_bp.value,
            fee_pack=self.pack_digest,
            log_size=len(self.entries),
            logged=frozenset({self.schedule_digest, self.pack_digest}),
            early_ends={self.ended.number: self.early_end},
            availability={self.ended.number: Availability(available_bp=9_000, slots=sha256(b"slots"))},
            closing_account_wh={self.ended.number: self.ended.handover_wh},
        )

    # ---- posting and disputing ----

    def post(self, statement: Statement, tree: SettlementTree | None = None) -> SettlementTree:
        """Post a statement (its own tree, or another one under its balances)."""
        tree = tree or settlement_tree(statement)
        posting = Posting(
            day=self.day, version=statement.heading.version, members=statement.heading.roster,
            balances_cents=statement.balances, root=tree.root, leaf_count=len(tree.leaves),
            statement=sha256(b"statement", bytes([statement.heading.version])),
        )  # fmt: skip
        self.world.send(self.world.settler, "SettlementLedger", settlements.post(posting))
        return tree

    def keep(self, docket: Docket) -> Docket:
        """Prove the documents' rows once, as a challenger of many leaves does."""
        for paper in docket.documents:
            self.bring(keep_rows(docket, paper))
        return replace(docket, kept=frozenset(docket.documents))

    def docket(self, *trees: SettlementTree, first: int = 1) -> Docket:
        return Docket(
            day=self.day,
            statements=dict(enumerate(trees, start=first)),
            log=LogView(self.entries),
            documents=self.documents,
            segments=self.segments,
            lease_stations={x.number: x.station for x in (self.lease, self.ended)},
            lease_versions={x.number: x.version for x in (self.lease, self.ended)},
        )

    def bring(self, call: Call, key: SecpSigner | None = None) -> tuple[int, list[Event]]:
        """Send a call to the court; the gas that it used and what was said."""
        receipt = self.world.chain.wallet(key or self.world.deployer).send(self.at(call.contract), call.data)
        name = f"{call.contract}.{_NAMES[call.contract][call.data[:4]]}"
        MOST_GAS[name] = max(receipt.gas_used, MOST_GAS.get(name, 0))
        told = [decode(one, timestamp_s=self.world.chain.now_s) for one in receipt.logs]
        return receipt.gas_used, [event for event in told if event is not None]

    def upheld(self, call: Call) -> tuple[int, DisputeUpheld]:
        gas, told = self.bring(call)
        (found,) = [event for event in told if isinstance(event, DisputeUpheld)]
        return gas, found

    # ---- what the day consists of ----

    def _join(self) -> None:
        world, name = self.world, "AllianceRegistry"
        members = world.members[:MEMBERS]
        world.send_all([(k, name, registry.apply_for_membership(sha256(b"papers", k.address))) for k in members])
        world.send_all([(world.admitter, name, registry.admit(k.address)) for k in members])
        owners = [*members, members[0]]
        for number, key in enumerate(owners, start=1):
            world.send(key, name, registry.register_station(SPEC))
            safe = registry.sign_safety_agreement(StationId(number), sha256(b"safety"))
            world.send(key, name, safe)
            self._enrol(StationId(number), key)

    def _enrol(self, station: StationId, owner: SecpSigner) -> None:
        device, world = self.device(station), self.world
        deadline = world.chain.now_s + 3600
        named = eip712.enrol_digest(
            world.deployment.domain, device=device.address, owner=owner.address, station=station, nonce=0,
            deadline_s=deadline,
        )  # fmt: skip
        consent = devices.enrol(device.address, station, deadline_s=deadline, signature=device.sign(named))
        world.send(owner, "DeviceRegistry", consent)
        world.send(world.attestor, "DeviceRegistry", devices.attest(device.address, validity_s=365 * 86_400))
        bind = devices.bind_channel(
            device.address, 1, kind=ChannelKind.METER, station=station, from_s=world.chain.now_s
        )
        world.send(world.attestor, "DeviceRegistry", bind)

    def _lease(self) -> Lease:
        """Station 1's owner leases a part to member 2, from slot 5 of the day on, in hours 06:00 to 22:00."""
        return self._agreed(1, replace(TERMS, first_slot=self.day.first_slot + 5))

    def _ended_lease(self) -> tuple[Lease, EarlyEnd]:
        """Station 2's owner leases a part to member 3, who alone ends it in slot 60 of the day."""
        terms = replace(
            TERMS, station=StationId(2), first_slot=self.day.first_slot + 1, end_notice_slots=4, end_fee_bp=5_000
        )
        made, end_slot = self._agreed(2, terms), self.day.first_slot + 60
        self.world.send(self.world.members[2], "CapacityLease", leases.end_alone(made.number, end_slot=end_slot))
        price = mul_div(made.rent_cents - rent_between(made, 0, end_slot), terms.end_fee_bp, 10_000)
        return made, EarlyEnd(end_slot=end_slot, by=made.lessee, price_cents=price)

    def _agreed(self, number: int, terms: OfferTerms) -> Lease:
        """The lease that the next member takes of what a station's owner offers."""
        self.world.send(self.world.members[number - 1], "CapacityLease", leases.offer(terms))
        accept = leases.accept(
            number, power_w=1_500_000, energy_wh=6_000_000, first_slot=terms.first_slot, term_slots=terms.term_slots
        )
        self.world.send(self.world.members[number], "CapacityLease", accept)
        return CapacityLease(self.world.chain.rpc, self.at("CapacityLease")).lease(LeaseId(number))

    def device(self, station: int) -> SecpSigner:
        return SecpSigner(Digest(bytes([0x40 + station]) * 32))

    def _station(self, number: int) -> Station:
        owner = MemberId(number if number <= MEMBERS else 1)
        fields = {f: getattr(SPEC, f) for f in SPEC.__dataclass_fields__ if f != "station_type"}
        return Station(number=StationId(number), owner=owner, station_type=SPEC.station_type, **fields)

    def _paper(self, kind: EntryType, content: object, made: tuple[bytes, ...]) -> Digest:
        sealed = document.seal(kind, content, salt=SALT)
        self.entries += [sealed.entry, rows.rows_entry(sealed.digest, rows.rows_root(made))]
        assert rows.entry_of(kind, sealed.digest, content, salt=SALT) == self.entries[-1]
        self.documents[sealed.digest] = RuledDocument(kind=kind, rows=made)
        return sealed.digest

    def _measure(self) -> None:
        """Each station's readings on the boundaries of its slots, signed in segments of 33."""
        for station in range(1, 5):
            boundaries = [b for b in range(SLOTS_A_DAY + 1) if station != 3 or b not in GAP]
            readings = self._readings(station, boundaries)
            device, head, sealed = self.device(station), START, []
            for at in range(0, len(readings), 33):
                sealed.append(self._sealed(readings[at : at + 33], device, head))
                head = Head(next_seq=at + len(readings[at : at + 33]), digest=sealed[-1].signed.digest)
            self.segments[device.address, 1] = sealed
            self.entries += [log.segment_entry(one.signed) for one in sealed]

    def _readings(self, station: int, boundaries: Sequence[int]) -> list[Reading]:
        flows = [self._flow(station, slot) for slot in range(SLOTS_A_DAY)]
        made = []
        for seq, boundary in enumerate(boundaries):
            done = flows[:boundary]
            registers = (10**7 - sum(min(0, x) for x in done), 10**6 + sum(max(0, x) for x in done))
            t_ms = (self.day.first_slot + boundary) * SLOT_MS
            made.append(Reading(channel=1, seq=seq, t_ms=t_ms, a=0, b=0, c=registers[0], d=registers[1], salt=b""))
        return [segment.salted(reading, SECRET) for reading in made]

    def _flow(self, station: int, slot: int) -> int:
        """What passed the meter: near the plan, and in the balanced slots exactly 0 in sum over group 1."""
        row = self.schedule.row(StationId(station), slot)
        assert row is not None
        noise = random.Random(1_000 * station + slot).randrange(-30_000, 30_001)
        if slot in BALANCED and station == 3:
            return -(self._flow(1, slot) + self._flow(2, slot))
        return row.planned_net_wh + noise

    def _sealed(self, readings: Sequence[Reading], device: SecpSigner, head: Head) -> SealedSegment:
        made = segment.close(readings, device=device.address, channel=1, head=head, closed_at_ms=readings[-1].t_ms)
        signed = segment.sign(made, domain=self.world.deployment.domain, signer=device)
        return SealedSegment(signed=signed, secret=SECRET, readings=b"".join(map(reading_bytes.encode, readings)))

    def _quantities(self, station: StationId) -> Iterable:
        readings = [r for sealed in self.segments[self.device(station).address, 1] for r in sealed.decoded()]
        wide = Bracket(0, 2**62)
        stream = Stream(
            device=self.device(station).address, channel=1, readings=timed([(reading, wide) for reading in readings])
        )
        planned = [row.planned_net_wh for row in self.schedule.rows if row.station == station]
        return station_quantities(station, day=self.day, streams=[stream], planned_net_wh=planned)

    def _anchor(self) -> None:
        """One epoch holds it all, between entries that have nothing to do with the day."""
        epoch = GENESIS_S // 900
        others = [
            Entry(EntryType.SEGMENT, bytes([1]) + keccak256(n.to_bytes(4, "big")) + bytes(64))
            for n in range(MORE_ENTRIES)
        ]
        self.entries = [log.epoch_entry(epoch), *others[:90], *self.entries, *others[90:]]
        view = LogView(self.entries)
        step = Advance(
            epoch=epoch, old_size=0, new_size=len(self.entries), root=view.root, proof=(), manifest=sha256(b"m")
        )
        self.world.chain.mine_until(max((epoch + 1) * 900, self.world.chain.now_s + 1))
        self.world.send(self.world.writer, "AnchorLog", anchors.advance(step))


def courtroom(world: World, *, seed: int = 5) -> Courtroom:
    return Courtroom(world, day_at(GENESIS_S * 1000).plus(1), random.Random(seed))


def with_lines(whole: Statement, changed: dict[tuple[int, ...], int]) -> Statement:
    """The statement with other amounts, its books and balances following; the pool's gap goes to the shares of member 1."""
    lines = [replace(x, amount_cents=changed.get(x.identity, x.amount_cents)) for x in whole.lines]
    left = {g.number: 0 for g in whole.heading.groups}
    for line in lines:
        if line.counterparty == POOL:
            left[line.group] -= line.amount_cents
    balanced = [_absorbing(line, left) for line in lines]
    return assemble(
        whole.heading, quantities=whole.quantities, slot_totals=whole.slot_totals, lines=balanced, weights=whole.weights
    )


def _absorbing(line: Line, left: dict[GroupId, int]) -> Line:
    if line.kind is not LineKind.POOL_SHARE or line.account != 1:
        return line
    return replace(line, amount_cents=line.amount_cents + left[line.group])


def bent_tree(whole: Statement, changed: dict[int, bytes]) -> SettlementTree:
    """A statement's tree with other bodies at some leaves."""
    return SettlementTree(tuple(Leaf(x.kind, x.index, changed.get(x.index, x.body)) for x in leaves_of(whole)))


def index_of(whole: Statement, line: Line) -> int:
    """A line's leaf."""
    return len(whole.quantities) + len(whole.slot_totals) + whole.lines.index(line)


def _schedule(alliance: bytes, day: Day, lease: Lease, pack: RulePack, rng: random.Random) -> Schedule:
    tariff = pack.tariff_for(day)
    found = [_row(station, slot, day, lease, rng) for station in range(1, 5) for slot in range(SLOTS_A_DAY)]
    prices = [
        _price(group, slot, group_tariff(group, tariff).slots[slot], found, rng)
        for group in GROUPS
        for slot in range(SLOTS_A_DAY)
        if slot not in UNPRICED
    ]
    gains = [(rng.randrange(10**6), rng.randrange(10**6)) for _ in range(MEMBERS)]
    return Schedule(
        alliance=alliance,
        day=day,
        kind=ScheduleKind.DAY_AHEAD,
        revision=1,
        first_slot=0,
        groups=tuple((g.number, g.stations) for g in GROUPS),
        rows=tuple(found),
        prices=tuple(prices),
        gains=tuple(
            GainRow(
                member=MemberId(n), apart_cost_cents=a, planned_cost_cents=b, gain_cents=a - b,
                without_storage_cost_cents=a,
            )
            for n, (a, b) in enumerate(gains, start=1)
        ),
        certified_gap_ppm=0,
    )  # fmt: skip


def _row(station: int, slot: int, day: Day, lease: Lease, rng: random.Random) -> ScheduleRow:
    """A plan; the lessee has a part of station 1, and a part in a slot before its lease begins, which is the owner's."""
    planned = rng.randrange(-200_000, 200_001)
    part = LeaseRow(lease=lease.number, holder=lease.lessee, planned_wh=rng.randrange(-90_000, 90_001))
    lessees = (part,) if station == lease.station and slot % 3 != 1 else ()
    return ScheduleRow(
        station=StationId(station),
        slot=slot,
        planned_net_wh=planned,
        battery_wh=planned,
        net_load_wh=0,
        lessees=lessees,
    )


def _price(group: BillingGroup, slot: int, tariff, found: Sequence[ScheduleRow], rng: random.Random) -> PriceRow:
    planned = {row.station: row.planned_net_wh for row in found if row.slot == slot}
    low, high = tariff.sell_price, tariff.buy_price - tariff.network_price
    pool = -sum(planned[s] for s in group.stations)
    price = rng.randint(low, high) if abs(pool) <= 1_000 else (high if pool > 0 else low)
    adders = tuple(
        (s, rng.randint(0, tariff.network_price) if abs(planned[s]) <= 1_000 else tariff.network_price if planned[s] < 0 else 0)
        for s in group.stations
    )  # fmt: skip
    return PriceRow(group=group.number, slot=slot, pool_price=price, adders=adders)


def accounts(whole: Statement) -> list[int]:
    """The accounts in the order of balances."""
    return [*whole.heading.roster, PLATFORM, PLATFORM + 1, POOL]
