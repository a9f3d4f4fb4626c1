"""A generated alliance over many days, without a chain, for benches and tests: log, evidence, plans, statements.

An operator that keeps to the protocol, its chain replaced by the events that it would have emitted. Blocks stand in one
SQLite file, so that neither making nor auditing a month holds it in memory. One certified plan serves all days: their
forecasts and tariffs are equal.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alliance.calendar import SLOT_MS, SLOTS_A_DAY, Day, epoch_start_ms
from alliance.certificate import Certificate, certificate_to_plain
from alliance.closing import DayUse, closing_days
from alliance.day import (
    DayFacts,
    Grouping,
    Meter,
    Place,
    day_use,
    groups_document,
    one_group,
    settlement_inputs,
    tariff_document,
)
from alliance.fleet import Channel, Station, StationType
from alliance.identity import ZERO_DIGEST, Address, Digest, LeaseId, MemberId, StationId
from alliance.lease import Lease
from alliance.quantity import Bracket, bracket
from alliance.reading import ChannelKind, Reading, battery_word
from alliance.rulepack import RulePack, parse_json
from alliance.schedule import GroupTariff, Problem, Schedule, ScheduleKind, Share, Site, schedule_to_plain
from alliance.segment import START, Head
from alliance.settlement import settle
from alliance.statement import Statement
from audit.facts import Facts
from audit.second import Instant
from chain import registry
from chain.anchors import LogState
from chain.devices import VERI_KEY
from chain.events import (
    ChannelBound,
    Checkpoint,
    DelegateConfirmed,
    DeviceEnrolled,
    DIDAttributeChanged,
    DIDDelegateChanged,
    DIDOwnerChanged,
    Event,
    Leased,
    MemberAdmitted,
    RosterChanged,
    StatementPosted,
    StationRegistered,
)
from chain.events import Place as ChainPlace
from chain.registry import StationSpec
from chain.rpc import Block
from optimizer.planning import plan_day
from oracle import block, cbor, document, log, manifest, rows, segment, statement_document
from oracle import reading as reading_bytes
from oracle.archive import BlockMissing
from oracle.cbor import Cid
from oracle.deployment import CONTRACTS, Contract, Deployment
from oracle.document import Document
from oracle.hashing import sha256
from oracle.log import Entry, EntryType
from oracle.manifest import Manifest
from oracle.merkle import Frontier, leaf_hash
from oracle.segment import SealedSegment
from oracle.settlement_tree import settlement_tree
from oracle.signature import SecpSigner

PACK = Path(__file__).resolve().parent / "packs" / "jiangsu-2025-06.json"
_KINDS = {1: ChannelKind.METER, 2: ChannelKind.BATTERY}
_GENESIS = 1
_YEAR_S = 400 * 86_400

_KEPT = 3 * SLOTS_A_DAY
"""So many segments of a stream are remembered: a day's, the day's before, and a few."""

Stream = tuple[Address, int]
Paper = tuple[Document, Entry | None, object]
"""A document, the entry of its rows, and what it holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is generated."""

    first: Day
    days: int
    stations: int
    readings: int = 1
    """Of each channel in each epoch."""
    lease_slots: int = 0
    """Term of the one lease, from the first day's start; 0: none."""


class BlockFile:
    """Blocks in one SQLite file: an archive to write, and a source that an audit reads."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path)
        self._file.execute("PRAGMA synchronous=OFF")
        self._file.execute("PRAGMA journal_mode=MEMORY")
        self._file.execute("CREATE TABLE IF NOT EXISTS blocks (digest BLOB PRIMARY KEY, raw BLOB)")
        self._reader = self._file.cursor()

    def put(self, raw: bytes) -> Digest:
        """Store a block."""
        named = sha256(raw)
        self._file.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?)", (named, raw))
        return named

    def get(self, digest: Digest) -> bytes:
        """The block, hashed again. Raises BlockMissing."""
        raw = self.unchecked(digest)
        if raw is None or sha256(raw) != digest:
            raise BlockMissing(cid=Cid(digest), where="blocks")
        return raw

    def unchecked(self, digest: Digest) -> bytes | None:
        """The stored bytes, None if there are none."""
        row = self._reader.execute("SELECT raw FROM blocks WHERE digest = ?", (digest,)).fetchone()
        return None if row is None else row[0]

    def all(self) -> Iterator[bytes]:
        """Every block."""
        for row in self._file.execute("SELECT raw FROM blocks"):
            yield bytes(row[0])

    def commit(self) -> None:
        """Make it durable."""
        self._file.commit()

    def close(self) -> None:
        """Close the file."""
        self._file.commit()
        self._file.close()


@dataclass(frozen=True, slots=True)
class Chain:
    """The generated chain's blocks: two an epoch, one minute and two behind its end."""

    start_epoch: int

    def __call__(self, number: int) -> Instant | None:
        """The block of a number."""
        return Instant(_hash_of(number), self.time_s(number))

    def time_s(self, number: int) -> int:
        """A block's time, unix seconds."""
        epoch, after = divmod(number - 2, 2)
        return (epoch + self.start_epoch - 1) * 900 + 60 + 60 * after


@dataclass(slots=True)
class _Logged:
    """A segment and where it was logged."""

    epoch: int
    sealed: SealedSegment


@dataclass(slots=True)
class Span:
    """The alliance while it lives; `facts` is what its chain would show at the end."""

    shape: Shape
    blocks: BlockFile
    deployment: Deployment = field(init=False)
    statements: dict[Day, Statement] = field(default_factory=dict)
    _boxes: list[SecpSigner] = field(init=False)
    _plan_rows: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    _events: list[Event] = field(default_factory=list)
    _tree: Frontier = field(default_factory=Frontier)
    _prev: Digest = ZERO_DIGEST
    _heads: dict[Stream, Head] = field(default_factory=dict)
    _registers: dict[Stream, tuple[int, int]] = field(default_factory=dict)
    _logged: dict[Stream, list[_Logged]] = field(default_factory=dict)
    _papers: list[tuple[int, int, Digest, object]] = field(default_factory=list)
    _sizes: dict[int, int] = field(default_factory=dict)
    _changed: dict[bytes, int] = field(default_factory=dict)
    _indices: dict[int, int] = field(default_factory=dict)
    _uses: dict[Day, DayUse] = field(default_factory=dict)

    def __post_init__(self) -> None:
        s = self.shape
        self._boxes = [SecpSigner(sha256(b"span box", n.to_bytes(4, "big"))) for n in range(1, s.stations + 1)]
        contracts = {
            name: Contract(
                address=Address(sha256(b"contract", name.encode())[:20]), block=_GENESIS, code_hash=sha256(b"code")
            )
            for name in CONTRACTS
        }  # fmt: skip
        self.deployment = Deployment(
            chain_id=31337, genesis_hash=sha256(b"genesis"), contracts=contracts, epoch_seconds=900,
            start_epoch=s.first.first_slot - 3,
        )  # fmt: skip

    # ---- who there is ----

    @property
    def stations(self) -> tuple[Station, ...]:
        """The stations, each its member's own."""
        return tuple(_SPEC.station(StationId(n), MemberId(n)) for n in range(1, self.shape.stations + 1))

    @property
    def lease(self) -> Lease | None:
        """Member 1 leases a part of station 2."""
        if not self.shape.lease_slots:
            return None
        return Lease(
            number=LeaseId(1), version=1, owner=MemberId(2), lessee=MemberId(1), station=StationId(2), power_w=40_000,
            energy_wh=80_000, eta_c_ppm=950_000, eta_d_ppm=950_000, rent_cents=1_000_000,
            first_slot=self.shape.first.first_slot, term_slots=self.shape.lease_slots, wear_price=8_000,
            handover_wh=20_000, handover_price=30_000, sla_bp=9_900, sla_factor_bp=15_000,
        )  # fmt: skip

    # ---- its life ----

    def run(self, *, progress: Callable[[int, int], None] | None = None) -> Facts:
        """Live through all days, settle each, and go on for three epochs; the chain at the end."""
        first, days = self.shape.first, self.shape.days
        self._found()
        schedule, proof = self._planned()
        self._plan_rows = {(r.station, r.slot): (r.planned_net_wh, r.battery_wh) for r in schedule.rows}
        papers = self._rules()
        for epoch in range(self.deployment.start_epoch + 1, first.plus(days).first_slot + 3):
            day, slot = divmod(epoch - first.first_slot + 2, SLOTS_A_DAY)
            if slot == 0 and day < days:
                papers.append(self._plan_of(schedule, proof, first.plus(day)))
            self._close(epoch, papers)
            papers = []
            over, rest = divmod(epoch + 1 - first.first_slot, SLOTS_A_DAY)
            if rest == 0 and 0 < over <= days:
                papers.append(self._settle(first.plus(over - 1), epoch))
                self._forget(first.plus(over - 1))
                if progress is not None:
                    progress(over, days)
        self.blocks.commit()
        return self._facts(first.plus(days).first_slot + 2)

    def _forget(self, day: Day) -> None:
        """A day's schedule and what was measured are asked for no more, but its use may be."""
        if self.lease is not None:
            self._use(day)
        self._papers = [one for one in self._papers if not isinstance(one[3], Schedule) or one[3].day > day]

    def _found(self) -> None:
        s = self.shape
        members = tuple(MemberId(n) for n in range(1, s.stations + 1))
        for number in members:
            account = Address(sha256(b"span member", number.to_bytes(4, "big"))[:20])
            self._emit(MemberAdmitted, account=account, member=number)
            self._emit(StationRegistered, station=StationId(number), owner=account, spec=_SPEC)
        self._emit(RosterChanged, from_day=0, members=members)
        for station, box in enumerate(self._boxes, start=1):
            owner = Address(sha256(b"span member", station.to_bytes(4, "big"))[:20])
            device = box.address
            self._emit(DeviceEnrolled, device=device, owner=owner, station=StationId(station), previous_change=0)
            self._emit(DIDOwnerChanged, identity=device, owner=owner, previous_change=0)
            self._changed[device] = _GENESIS
            valid_to = epoch_start_ms(self.deployment.start_epoch) // 1000 + _YEAR_S
            self._emit(
                DIDDelegateChanged, identity=device, delegate_type=VERI_KEY, delegate=device, valid_to_s=valid_to,
                previous_change=0,
            )  # fmt: skip
            self._emit(
                DelegateConfirmed, device=device, delegate=device, valid_to_s=valid_to, by=owner, previous_change=0
            )
            for channel, kind in _KINDS.items():
                words = (channel, int(kind), station, 0, 0)
                self._emit(
                    DIDAttributeChanged, identity=device, name=b"alliance/channel".ljust(32, b"\0"),
                    value=b"".join(word.to_bytes(32, "big") for word in words), valid_to_s=0, previous_change=0,
                )  # fmt: skip
                self._emit(
                    ChannelBound, device=device, channel=channel, kind=kind, station=StationId(station), from_s=0,
                    to_s=0, previous_change=0,
                )  # fmt: skip
        if self.lease is not None:
            self._emit(Leased, number=LeaseId(1), offer=1, lease=self.lease)

    def _rules(self) -> list[Paper]:
        pack = parse_json(PACK.read_text())
        grouping = one_group(self.stations, from_day=self.shape.first)
        held = ((tariff_document(pack), pack), (groups_document(grouping), grouping))
        return [(*_sealed(EntryType.RULE_PACK, plain), value) for plain, value in held]

    def _planned(self) -> tuple[Schedule, Certificate]:
        pack = parse_json(PACK.read_text())
        sites = tuple(
            Site(
                station=s, eta_c_ppm=960_000, eta_d_ppm=960_000, energy_min_wh=s.capacity_wh // 10,
                energy_max_wh=s.capacity_wh, energy_wh=s.capacity_wh // 2, end_min_wh=s.capacity_wh // 2,
                wear_price=6_000, net_load_wh=tuple(_load(s.number, slot) for slot in range(SLOTS_A_DAY)),
                own_need_floor_wh=(0,) * SLOTS_A_DAY, curtailable_wh=(0,) * SLOTS_A_DAY,
            )
            for s in self.stations
        )  # fmt: skip
        lease = self.lease
        shares = (
            () if lease is None
            else (Share(lease=lease, account_wh=lease.handover_wh, end_min_wh=lease.handover_wh, nomination_wh=None),)
        )  # fmt: skip
        groups = one_group(self.stations, from_day=self.shape.first).groups
        day = self.shape.first
        problem = Problem(
            alliance=self.deployment.domain.alliance, day=day, kind=ScheduleKind.DAY_AHEAD, revision=1, first_slot=0,
            sites=sites, shares=shares, groups=tuple(GroupTariff(group=g, tariff=pack.tariff_for(day)) for g in groups),
        )  # fmt: skip
        made = plan_day(problem)
        return made.schedule, made.certificate

    def _plan_of(self, schedule: Schedule, proof: Certificate, day: Day) -> Paper:
        """The plan as that of another day: forecasts and tariffs are equal, so its proof holds."""
        schedule = replace(schedule, day=day)
        proof = replace(proof, schedule=schedule, problem=replace(proof.problem, day=day))
        content = {"schedule": schedule_to_plain(schedule), "certificate": certificate_to_plain(proof)}
        return (*_sealed(EntryType.SCHEDULE, content), schedule)

    # ---- one epoch ----

    def _close(self, epoch: int, papers: Sequence[Paper]) -> None:
        made: dict[Stream, SealedSegment] = {}
        before = dict(self._heads)
        for number, box in enumerate(self._boxes, start=1):
            for channel in _KINDS:
                made[box.address, channel] = self._segment(epoch, number, box, channel)
        entries = [entry for paper, beside, _ in papers for entry in (paper.entry, beside) if entry is not None]
        arranged = log.arrange(epoch, [made[stream].signed for stream in sorted(made)], entries)
        for paper, _, held in papers:
            self.blocks.put(paper.block)
            number = self._tree.size + arranged.index(paper.entry)
            self._papers.append((epoch, number, paper.digest, held))
        for one in arranged:
            self._tree.append(leaf_hash(one.raw))
        found = tuple(
            manifest.row_of(
                *stream, segments=[made[stream].signed], head=before.get(stream, START).digest,
                evidence=self.blocks.put(block.encode([made[stream]])), epoch_start_ms=epoch_start_ms(epoch),
                frozen=False,
            )
            for stream in sorted(made)
        )  # fmt: skip
        as_of = self._block_of(epoch - 2) + 1
        named = self.blocks.put(
            manifest.encode(
                Manifest(
                    log=self.deployment.log, epoch=epoch, prev=self._prev, size=self._tree.size,
                    root=self._tree.root(), as_of_block=as_of, as_of_hash=_hash_of(as_of),
                    entries=self.blocks.put(log.encode_entries(arranged)), rows=found,
                )
            )
        )  # fmt: skip
        self._prev, self._sizes[epoch] = named, self._tree.size
        at = self._place(self._block_of(epoch))
        self._events.append(
            Checkpoint(at=at, epoch=epoch, size=self._tree.size, root=self._tree.root(), manifest=named)
        )
        for stream, sealed in made.items():
            self._heads[stream] = Head(next_seq=sealed.signed.segment.next_seq, digest=sealed.signed.digest)
            kept = self._logged.setdefault(stream, [])
            kept.append(_Logged(epoch, sealed))
            if len(kept) > _KEPT:
                del kept[0]

    def _segment(self, epoch: int, number: int, box: SecpSigner, channel: int) -> SealedSegment:
        stream = (box.address, channel)
        head = self._heads.get(stream, START)
        secret = sha256(b"span secret", box.address, bytes([channel]), head.next_seq.to_bytes(8, "big"))
        readings = [segment.salted(one, secret) for one in self._readings(epoch, number, stream, head)]
        block_number = self._block_of(epoch - 2)
        closed = segment.close(
            readings, device=box.address, channel=channel, head=head, closed_at_ms=0, beacon_block=block_number,
            beacon_hash=_hash_of(block_number),
        )  # fmt: skip
        signed = segment.sign(closed, domain=self.deployment.domain, signer=box)
        return SealedSegment(signed=signed, secret=secret, readings=b"".join(map(reading_bytes.encode, readings)))

    def _readings(self, epoch: int, number: int, stream: Stream, head: Head) -> Iterator[Reading]:
        """Registers that follow the plan, with a little noise; before the first day nothing flows."""
        c, d = self._registers.get(stream, (1_000_000, 2_000_000))
        day, slot = divmod(epoch - self.shape.first.first_slot, SLOTS_A_DAY)
        energy = 0
        if 0 <= day < self.shape.days:
            row = self._plan_rows[number, slot]
            energy = row[0] if stream[1] == 1 else row[1]
            energy += (number * 7919 + epoch * 104_729) % 41 - 20
        steps = self.shape.readings
        for step in range(1, steps + 1):
            part = energy * step // steps - energy * (step - 1) // steps
            c, d = c + max(0, -part), d + max(0, part)
            yield Reading(
                channel=stream[1], seq=head.next_seq + step - 1, t_ms=epoch_start_ms(epoch) + step * SLOT_MS // steps,
                a=part * 4, b=0 if stream[1] == 1 else battery_word(soc_bp=5_000, soh_bp=10_000), c=c, d=d, salt=b"",
            )  # fmt: skip
        self._registers[stream] = (c, d)

    # ---- one day ----

    def _settle(self, day: Day, epoch: int) -> Paper:
        """Settle a day from memory and post it in the block behind its last epoch's; its document for the log."""
        made = settle(settlement_inputs(self._day_facts(day, epoch)))
        paper, _ = _sealed(EntryType.STATEMENT, statement_document.to_plain(made))
        self.blocks.put(paper.block)
        self._events.append(
            StatementPosted(
                at=self._place(self._block_of(epoch) + 1), day=day.number, version=1,
                root=settlement_tree(made).root, leaf_count=made.leaf_count, statement=paper.digest,
                members=made.heading.roster, balances_cents=made.balances,
            )
        )  # fmt: skip
        self.statements[day] = made
        return paper, None, made

    def _day_facts(self, day: Day, view: int) -> DayFacts:
        found = [(Place(digest=d, entry=n, anchored_ms=self._anchored_ms(e)), held) for e, n, d, held in self._papers]
        leases = () if self.lease is None else (self.lease,)
        return DayFacts(
            alliance=self.deployment.domain.alliance, day=day, roster=tuple(s.owner for s in self.stations),
            stations=self.stations, leases=leases, early_ends={},
            schedules=tuple((place, held) for place, held in found if isinstance(held, Schedule)),
            packs=tuple((place, held) for place, held in found if isinstance(held, RulePack)),
            groupings=tuple((place, held) for place, held in found if isinstance(held, Grouping)),
            meters=tuple(self._meters(day, ChannelKind.METER)), log_size=self._sizes[view],
            uses={one: self._use(one) for one in closing_days(leases, {}, day)},
        )  # fmt: skip

    def _use(self, day: Day) -> DayUse:
        """A day's use as it was gathered when the day was over; nothing here comes late."""
        if day not in self._uses:
            found = self._day_schedules(day)
            batteries = tuple(self._meters(day, ChannelKind.BATTERY))
            leases = () if self.lease is None else (self.lease,)
            self._uses[day] = day_use(day, schedules=found, leases=leases, batteries=batteries)
        return self._uses[day]

    def _day_schedules(self, day: Day) -> list[tuple[Place, Schedule]]:
        return [
            (Place(digest=d, entry=n, anchored_ms=self._anchored_ms(e)), held)
            for e, n, d, held in self._papers
            if isinstance(held, Schedule) and held.day == day
        ]

    def _meters(self, day: Day, kind: ChannelKind) -> Iterator[Meter]:
        first = day.first_slot - SLOTS_A_DAY
        for number, box in enumerate(self._boxes, start=1):
            channel = Channel(device=box.address, channel=int(kind), kind=kind, station=StationId(number), from_ms=0)
            logged = [one for one in self._logged[box.address, int(kind)] if one.epoch >= first]
            yield Meter(channel=channel, readings=tuple(self._timed(logged)))

    def _timed(self, logged: Sequence[_Logged]) -> Iterator[tuple[Reading, Bracket]]:
        for one in logged:
            beacon_ms = self._time_of(one.sealed.signed.segment.beacon_block) * 1000
            limits = bracket(beacon_ms=beacon_ms, checkpoint_ms=self._anchored_ms(one.epoch))
            yield from ((reading, limits) for reading in one.sealed.decoded())

    # ---- its chain ----

    def _emit(self, event: type[Any], **fields: object) -> None:
        """Record a founding event; all of them stand in one block."""
        self._events.append(event(at=self._place(_GENESIS), **fields))

    def _place(self, number: int) -> ChainPlace:
        index = self._indices[number] = self._indices.get(number, -1) + 1
        return ChainPlace(
            contract=self.deployment["AnchorLog"].address, block_number=number, block_hash=_hash_of(number),
            log_index=index, tx_hash=sha256(b"tx", number.to_bytes(8, "big")),
            timestamp_s=self._time_of(number),
        )  # fmt: skip

    def _block_of(self, epoch: int) -> int:
        """The block in which an epoch is anchored; the statement of a day that ends with it stands in the next."""
        return 2 + 2 * (epoch - self.deployment.start_epoch + 2)

    def _time_of(self, number: int) -> int:
        return Chain(self.deployment.start_epoch).time_s(number)

    def _anchored_ms(self, epoch: int) -> int:
        return self._time_of(self._block_of(epoch)) * 1000

    def _facts(self, last: int) -> Facts:
        """What a node would show of it, two blocks behind the last checkpoint."""
        number = self._block_of(last) + 1
        head = Block(
            number=number, hash=_hash_of(number), parent=_hash_of(number - 1), timestamp_s=self._time_of(number),
            base_fee_wei=0, gas_used=0, state_root=ZERO_DIGEST, transactions=(),
        )  # fmt: skip
        roster = registry.roster_hash([s.owner for s in self.stations])
        return Facts(
            deployment=self.deployment, head=head,
            log=LogState(root=self._tree.root(), writer=Address(bytes(20)), size=self._tree.size, epoch=last),
            events=tuple(sorted(self._events, key=lambda e: (e.at.block_number, e.at.log_index))),
            headers=Chain(self.deployment.start_epoch), changed=dict(self._changed),
            roster_hashes={self.shape.first.plus(n).number: roster for n in range(self.shape.days)},
        )  # fmt: skip


_SPEC = StationSpec(
    station_type=StationType.USER_SIDE, region=320_703, charge_power_w=100_000, discharge_power_w=100_000,
    capacity_wh=200_000, pcc_import_w=2_000_000, pcc_export_w=2_000_000,
)  # fmt: skip


def _sealed(kind: EntryType, content: object) -> tuple[Document, Entry | None]:
    """A plain document and the entry of its rows."""
    salt = sha256(b"span salt", bytes([kind]), cbor.encode(content))
    made = document.seal(kind, content, salt=salt)
    return made, rows.entry_of(kind, made.digest, content, salt=salt)


def _load(station: int, slot: int) -> int:
    """Forecast of a station's net load, Wh: some consume, every third makes more by day than it uses."""
    if station % 3:
        return 8_000 + 40 * ((slot * 7 + station * 11) % 90)
    return 6_000 - max(0, 24 - abs(slot - 48)) * 900


def _hash_of(number: int) -> Digest:
    return sha256(b"span block", number.to_bytes(8, "big", signed=True))
