"""A small alliance on a real chain: three stations, a lease, a certified plan, signed readings, a log, a statement.

`World` is an operator that keeps to the protocol; `Lies` are the places where a test makes it do otherwise before
anything is anchored or posted. It gathers its settlement from its own memory, never with the auditor's code.
"""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from alliance.calendar import SLOT_MS, Day, day_of, epoch_at, epoch_start_ms
from alliance.certificate import certificate_to_plain
from alliance.day import DayFacts, Meter, Place, groups_document, one_group, settlement_inputs, tariff_document
from alliance.fleet import Channel, Station, StationType
from alliance.identity import ZERO_DIGEST, Address, Digest, LeaseId, MemberId, StationId
from alliance.lease import EarlyEnd
from alliance.quantity import Bracket, bracket
from alliance.reading import ChannelKind, Reading, battery_word
from alliance.rulepack import RulePack, parse_json
from alliance.schedule import GroupTariff, Problem, ScheduleKind, Share, Site, schedule_to_plain
from alliance.segment import START, Head
from alliance.settlement import correct, settle
from alliance.statement import Statement
from chain import anchors, deploy, devices, leases, registry, settlements
from chain.deploy import RoleHolders, Terms
from chain.leases import CapacityLease, OfferTerms
from chain.registry import AllianceRegistry, StationSpec
from chain.rpc import Rpc
from chain.settlements import Posting
from chain.wallet import Wallet
from optimizer.planning import PlannedDay, plan_day
from oracle import block, document, encryption, grant, log, manifest, segment, statement_document
from oracle import deployment as deployments
from oracle import reading as reading_bytes
from oracle import rows as rows_
from oracle.adapters import SystemRandomness
from oracle.archive import FolderArchive
from oracle.deployment import Deployment
from oracle.document import Document
from oracle.eip712 import enrol_digest
from oracle.grant import FolderGrants, Opener, ReaderKey
from oracle.hashing import sha256
from oracle.log import Entry, EntryType
from oracle.manifest import Manifest
from oracle.merkle import HashTree, leaf_hash
from oracle.segment import SealedSegment
from oracle.settlement_tree import settlement_tree
from oracle.signature import SecpSigner
from simulation.anvil import Anvil

DAY: Day = day_of("2026-03-10")
FIRST_EPOCH = epoch_at(DAY.start_ms) - 3
LAST_EPOCH = epoch_at(DAY.end_ms - 1)
BRANCH_EPOCH = LAST_EPOCH - 2
"""Worlds part here: everything before is honest and built once."""
PACK = Path(__file__).resolve().parents[2] / "simulation" / "packs" / "jiangsu-2025-06.json"
STEP_MS = 300_000
METER, BATTERY = 1, 2
VALIDITY_S = 365 * 86_400

Stream = tuple[Address, int]
Segments = dict[Stream, list[SealedSegment]]


def key(name: str) -> SecpSigner:
    """A test key of that name."""
    return SecpSigner(sha256(b"audit world", name.encode()))


OWNERS = [key(f"member {n}") for n in (1, 2, 3)]
BOXES = [key(f"device {n}") for n in (1, 2, 3)]
ROLES = {name: key(name) for name in ("admitter", "attestor", "settler", "guardian", "writer", "deployer")}
STRANGER = key("stranger")


def same(value):
    """What an honest operator does to anything."""
    return value


@dataclass
class Lies:
    """What an operator does differently, from the branch on."""

    segments: Callable[[int, Segments], Segments] = lambda _, found: found
    """Changes what an epoch logs and archives."""
    evidence: Callable[[int, Segments], Segments] = lambda _, found: found
    """Changes what is archived as evidence alone."""
    entries: Callable[[int, list[Entry]], list[Entry]] = lambda _, found: found
    manifest: Callable[[int, Manifest], Manifest] = lambda _, found: found
    statement: Callable[[Statement], Statement] = same
    """Changes what is archived and posted."""
    archived: Callable[[Statement], Statement] = same
    """Changes what is archived under a posting of the right one."""
    posting: Callable[[Posting], Posting] = same
    size: Callable[[int], int] = same
    """Changes how much of the log the statement sees."""
    before_posting: Callable[["World"], None] = lambda world: None
    post: bool = True
    correction: bool = False
    """Whether the day is settled once more, from what was logged after it."""


@dataclass
class Memory:
    """What the operator knows; copied when worlds part."""

    tree: HashTree = field(default_factory=HashTree)
    prev: Digest = ZERO_DIGEST
    heads: dict[Stream, Head] = field(default_factory=dict)
    last: dict[Stream, Reading] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    anchored_ms: dict[int, int] = field(default_factory=dict)
    logged: list[tuple[int, SealedSegment, int | None]] = field(default_factory=list)
    """Epoch, segment, beacon's time."""
    documents: list[tuple[int, int, Document, object]] = field(default_factory=list)
    """Epoch, entry number, document, what it holds."""
    statements: list[Statement] = field(default_factory=list)
    papers: list[Document] = field(default_factory=list)
    """Encrypted statements that were archived since the last epoch was closed."""
    now_s: int = 0


SCOPES: dict[str, frozenset[int] | None] = {
    "regulator": None, "member 1": frozenset({0, 1}), "evidence alone": frozenset({1, 2, 3}),
    "documents alone": frozenset({0}), "meterless": frozenset({0, 1, 2}),
}  # fmt: skip
"""The readers of an encrypted world and what each is granted: 0 is the alliance's documents, None everything."""


def reader(name: str) -> ReaderKey:
    """A reader's key of that name."""
    return ReaderKey(sha256(b"audit world reader", name.encode()))


class World:
    """The chain, the archive, and the operator between them."""

    encrypted = False
    """Whether evidence and documents are encrypted (alg 1), and readers granted."""

    def __init__(self, folder: Path) -> None:
        self.archive = FolderArchive(folder / "archive")
        self.deployment_file = folder / "deployment.json"
        self.anvil = Anvil(
            genesis_s=DAY.start_ms // 1000 - 7200,
            funded=[k.address for k in (*OWNERS, *ROLES.values(), STRANGER)],
        )
        self.anvil.start()
        self.memory = Memory(now_s=DAY.start_ms // 1000 - 7200)
        self.deployment = self._found()
        self.deployment_file.write_text(json.dumps(deployments.to_plain(self.deployment)))
        self.planned: PlannedDay = planned_day(self.deployment.domain.alliance, self.stations[0], self.lease)
        for epoch in range(FIRST_EPOCH, BRANCH_EPOCH):
            self.close(epoch, Lies(), documents=self._documents_of(epoch))
        self._branch = self._snapshot()
        self._shown: Lies | None = None

    @property
    def rpc(self) -> Rpc:
        return self.anvil.rpc

    def play(self, lies: Lies) -> None:
        """The end of the day, the statement, and two epochs more; from the branch, whatever was played before."""
        if lies is self._shown:
            return
        self._restore()
        for epoch in range(BRANCH_EPOCH, LAST_EPOCH + 1):
            self.close(epoch, lies)
        lies.before_posting(self)
        if lies.post:
            self.settle(lies)
        self.close(LAST_EPOCH + 1, lies, documents=self._statements())
        self.close(LAST_EPOCH + 2, lies)
        if lies.correction:
            self.settle(lies)
            self.close(LAST_EPOCH + 3, lies, documents=self._statements()[1:])
        self.mine(60)
        self.mine(60)
        self._shown = lies

    def stop(self) -> None:
        self.anvil.stop()

    # ---- time and chain ----

    def mine(self, seconds: int = 1) -> None:
        self.memory.now_s += seconds
        self.anvil.mine_at(self.memory.now_s)

    def send(self, signer: SecpSigner, contract: str, data: bytes) -> None:
        self.wallet(signer).send(self.deployment[contract].address, data)

    def wallet(self, signer: SecpSigner) -> Wallet:
        return Wallet(self.rpc, signer, chain_id=31337, between_polls=self.mine)

    def _snapshot(self) -> tuple[object, Memory]:
        return self.rpc.call("evm_snapshot"), copy.deepcopy(self.memory)

    def _restore(self) -> None:
        snapshot, memory = self._branch
        assert self.rpc.call("evm_revert", [snapshot]) is True
        self.memory = memory
        self._branch = self._snapshot()

    # ---- founding ----

    @property
    def early_ends(self) -> dict[LeaseId, EarlyEnd]:
        """How the lease ended before its term did; here it did not."""
        return {}

    def _found(self) -> Deployment:
        holders = {name: ROLES[name].address for name in ("admitter", "attestor", "settler", "guardian", "writer")}
        terms = Terms(
            roles=RoleHolders(**holders), start_epoch=FIRST_EPOCH - 1, first_day=DAY,
            settlement_window_seconds=86_400, approval_delay_seconds=3_600,
        )  # fmt: skip
        self.deployment = deploy.deploy(self.rpc, self.wallet(ROLES["deployer"]), terms)
        for number, owner in enumerate(OWNERS, start=1):
            self.send(owner, "AllianceRegistry", registry.apply_for_membership(sha256(b"papers", bytes([number]))))
            self.send(ROLES["admitter"], "AllianceRegistry", registry.admit(owner.address))
            self.send(owner, "AllianceRegistry", registry.register_station(SPECS[number - 1]))
            safe = registry.sign_safety_agreement(StationId(number), sha256(b"safety"))
            self.send(owner, "AllianceRegistry", safe)
        self._enrol()
        offer = OfferTerms(
            station=StationId(3), power_w=200_000, energy_wh=400_000, first_slot=DAY.first_slot, term_slots=35_040,
            eta_c_ppm=950_000, eta_d_ppm=950_000, rent_cents_per_kw_year=20_000, wear_price=8_000,
            handover_wh=100_000, handover_price=30_000, sla_bp=9_800, sla_factor_bp=15_000, price_version=1,
            end_notice_slots=4, end_fee_bp=2_500,
        )  # fmt: skip
        self.send(OWNERS[2], "CapacityLease", leases.offer(offer))
        call = leases.accept(1, power_w=200_000, energy_wh=400_000, first_slot=DAY.first_slot, term_slots=35_040)
        self.send(OWNERS[0], "CapacityLease", call)
        return self.deployment

    def _enrol(self) -> None:
        to, deadline = "DeviceRegistry", self.memory.now_s + 7200
        for number, (owner, box) in enumerate(zip(OWNERS, BOXES, strict=True), start=1):
            named = enrol_digest(
                self.deployment.domain, device=box.address, owner=owner.address, station=number, nonce=0,
                deadline_s=deadline,
            )  # fmt: skip
            call = devices.enrol(box.address, StationId(number), deadline_s=deadline, signature=box.sign(named))
            self.send(owner, to, call)
            self.send(ROLES["attestor"], to, devices.attest(box.address, validity_s=VALIDITY_S))
            for channel, kind in ((METER, ChannelKind.METER), (BATTERY, ChannelKind.BATTERY)):
                call = devices.bind_channel(
                    box.address, channel, kind=kind, station=StationId(number), from_s=self.memory.now_s
                )
                self.send(ROLES["attestor"], to, call)

    @property
    def stations(self) -> tuple[tuple[Station, ...], int]:
        found = tuple(spec.station(StationId(n), MemberId(n)) for n, spec in enumerate(SPECS, start=1))
        return found, len(found)

    @property
    def lease(self):
        book = CapacityLease(self.rpc, self.deployment["CapacityLease"].address)
        return book.lease(LeaseId(1))

    def _documents_of(self, epoch: int) -> list[tuple[Document, object]]:
        stations, _ = self.stations
        if epoch == FIRST_EPOCH:
            grouping = one_group(stations, from_day=DAY)
            contents = [(tariff_document(pack()), pack()), (groups_document(grouping), grouping)]
            return [(self.paper(EntryType.RULE_PACK, plain), held) for plain, held in contents]
        if epoch == FIRST_EPOCH + 1:
            plan = self.planned
            content = {
                "schedule": schedule_to_plain(plan.schedule), "certificate": certificate_to_plain(plan.certificate),
            }  # fmt: skip
            return [(self.paper(EntryType.SCHEDULE, content), plan.schedule)]
        return []

    # ---- metering ----

    def metered(self, epoch: int) -> Segments:
        """What the boxes sign of an epoch: three readings of each channel, the last one at its end."""
        found: Segments = {}
        number, beacon = self._beacon()
        for station, box in enumerate(BOXES, start=1):
            for channel in (METER, BATTERY):
                stream = (box.address, channel)
                made = self.sealed(box, channel, self._readings(station, stream, epoch), beacon=(number, beacon))
                found[stream] = [made]
        return found

    def sealed(
        self, signer: SecpSigner, channel: int, readings: Sequence[Reading], *, beacon: tuple[int, Digest],
        device: Address | None = None, head: Head | None = None,
    ) -> SealedSegment:  # fmt: skip
        """A segment that goes on from its stream's head."""
        device = device or signer.address
        head = head or self.memory.heads.get((device, channel), START)
        secret = sha256(b"secret", device, bytes([channel]), head.next_seq.to_bytes(8, "big"))
        salted = [segment.salted(reading, secret) for reading in readings]
        closed = segment.close(
            salted, device=device, channel=channel, head=head, closed_at_ms=0, beacon_block=beacon[0],
            beacon_hash=beacon[1],
        )  # fmt: skip
        signed = segment.sign(closed, domain=self.deployment.domain, signer=signer)
        return SealedSegment(signed=signed, secret=secret, readings=b"".join(map(reading_bytes.encode, salted)))

    def _beacon(self) -> tuple[int, Digest]:
        head = self.rpc.head()
        return head.number, head.hash

    def _readings(self, station: int, stream: Stream, epoch: int) -> list[Reading]:
        """Registers that follow the plan, with a little noise; before the day nothing flows."""
        head = self.memory.heads.get(stream, START)
        last = self.memory.last.get(stream)
        c, d = (last.c, last.d) if last else (1_000_000, 2_000_000)
        start, slot = epoch_start_ms(epoch), epoch - DAY.first_slot
        row = self.planned.schedule.row(StationId(station), slot) if 0 <= slot < 96 else None
        energy = 0 if row is None else row.planned_net_wh if stream[1] == METER else row.battery_wh
        noise = (station * 7919 + epoch * 104_729) % 401 - 200 if row else 0
        found = []
        for step in range(1, SLOT_MS // STEP_MS + 1):
            part = (energy + noise) * step // 3 - (energy + noise) * (step - 1) // 3
            c, d = c + max(0, -part), d + max(0, part)
            found.append(
                Reading(
                    channel=stream[1], seq=head.next_seq + step - 1, t_ms=start + step * STEP_MS, a=part * 12,
                    b=0 if stream[1] == METER else battery_word(soc_bp=5000, soh_bp=10_000), c=c, d=d, salt=b"",
                )
            )  # fmt: skip
        return found

    # ---- the log ----

    @property
    def streams(self) -> set[Stream]:
        """Every registered channel."""
        return {(box.address, channel) for box in BOXES for channel in (METER, BATTERY)}

    def station_of(self, stream: Stream) -> int:
        """The station that a channel is bound to."""
        return [box.address for box in BOXES].index(stream[0]) + 1

    def frozen(self, stream: Stream, segments: Sequence[SealedSegment], as_of_block: int) -> bool:
        """Whether a row is `frozen` (protocol 4.3); here no key ever is."""
        return False

    def close(self, epoch: int, lies: Lies, documents: Sequence[tuple[Document, object]] = ()) -> None:
        """Close an epoch as the service does, 60 s after its end, and advance the log on chain."""
        found = lies.segments(epoch, self.metered(epoch))
        memory, old = self.memory, self.memory.tree.size
        as_of = self._last_block_before(epoch_start_ms(epoch) // 1000)
        papers = [paper for paper, _ in documents] + memory.papers
        granted = {paper.digest: (0, key_of(0, paper.info)) for paper in papers if paper.info}
        memory.papers = []
        evidence = {
            stream: self.archive.put(self._evidence_block(epoch, stream, s, granted))
            for stream, s in lies.evidence(epoch, found).items()
            if s
        }
        for paper, _ in documents:
            self.archive.put(paper.block)
        self._grant(epoch, granted)
        signed = [one.signed for stream in sorted(found) for one in found[stream]]
        beside = [entry for paper, _ in documents for entry in rows_beside(paper)]
        entries = lies.entries(epoch, log.arrange(epoch, signed, [*(paper.entry for paper, _ in documents), *beside]))
        for entry in entries:
            memory.documents += [
                (epoch, memory.tree.size, paper, held) for paper, held in documents if paper.entry == entry
            ]
            memory.tree.append(leaf_hash(entry.raw))
        rows = [
            manifest.row_of(
                *stream, segments=[s.signed for s in found.get(stream, [])],
                head=memory.heads.get(stream, START).digest, evidence=evidence.get(stream),
                epoch_start_ms=epoch_start_ms(epoch), frozen=self.frozen(stream, found.get(stream, []), as_of[0]),
            )
            for stream in sorted(self.streams)
        ]  # fmt: skip
        made = Manifest(
            log=self.deployment.log, epoch=epoch, prev=memory.prev, size=memory.tree.size, root=memory.tree.root(),
            as_of_block=as_of[0], as_of_hash=as_of[1], entries=self.archive.put(log.encode_entries(entries)),
            rows=tuple(rows),
        )  # fmt: skip
        made = lies.manifest(epoch, made)
        self._advance(epoch, old, self.archive.put(manifest.encode(made)))
        self._remember(epoch, found)

    def _evidence_block(
        self, epoch: int, stream: Stream, found: list[SealedSegment], granted: dict[Digest, tuple[int, bytes]]
    ) -> bytes:
        """A channel's block; of an encrypted one, its subject and content key are added to what is granted."""
        if not self.encrypted:
            return block.encode(found)
        station = self.station_of(stream)
        made = block.encode_encrypted(found, subject_key=subject_key(station), epoch=epoch)
        granted[sha256(made.block)] = (station, key_of(station, made.info))
        return made.block

    def _grant(self, epoch: int, granted: dict[Digest, tuple[int, bytes]]) -> None:
        grants = FolderGrants(self.archive.folder)
        for name, scope in SCOPES.items() if self.encrypted else ():
            keys = {named: key for named, (subject, key) in granted.items() if scope is None or subject in scope}
            if keys:
                public = reader(name).public
                grants.put(grant.make(keys, reader=public, epoch=epoch, randomness=SystemRandomness()))

    def paper(self, kind: EntryType, content: object) -> Document:
        """A sealed document; rule packs are never encrypted."""
        salt = sha256(b"salt", bytes([kind]), repr(content).encode())
        hidden = self.encrypted and kind is not EntryType.RULE_PACK
        made = document.seal(kind, content, salt=salt, subject_key=subject_key(0) if hidden else None)
        _PLAIN[made.digest] = (content, salt)
        return made

    def opener(self, name: str = "regulator") -> Opener:
        """What one of the readers opens the world's blocks with."""
        return Opener(reader(name), FolderGrants(self.archive.folder))

    def _advance(self, epoch: int, old: int, named: Digest) -> None:
        tree = self.memory.tree
        step = anchors.Advance(
            epoch=epoch, old_size=old, new_size=tree.size, root=tree.root(), manifest=named,
            proof=tuple(tree.consistency_proof(old)),
        )  # fmt: skip
        end_s = epoch_start_ms(epoch + 1) // 1000
        if self.memory.now_s < end_s:
            self.memory.now_s = end_s
            self.anvil.mine_at(end_s)
        wallet = self.wallet(ROLES["writer"])
        sent = wallet.broadcast(self.deployment["AnchorLog"].address, anchors.advance(step))
        self.memory.now_s += 60
        mined = self.anvil.mine_at(self.memory.now_s)
        wallet.wait(sent)
        self.memory.prev = named
        self.memory.sizes[epoch] = tree.size
        self.memory.anchored_ms[epoch] = mined.timestamp_s * 1000

    def _remember(self, epoch: int, found: Segments) -> None:
        memory = self.memory
        for stream, sealed in found.items():
            for one in sealed:
                block_ = self.rpc.block(one.signed.segment.beacon_block)
                known = block_ is not None and block_.hash == one.signed.segment.beacon_hash
                memory.logged.append((epoch, one, block_.timestamp_s * 1000 if known else None))
                memory.heads[stream] = Head(next_seq=one.signed.segment.next_seq, digest=one.signed.digest)
                memory.last[stream] = one.decoded()[-1] if one.readings else memory.last[stream]

    def _last_block_before(self, time_s: int) -> tuple[int, Digest]:
        number = self.rpc.block_number()
        while True:
            found = self.rpc.block(number)
            assert found is not None
            if found.timestamp_s < time_s or number == 0:
                return found.number, found.hash
            number -= 1

    # ---- settlement ----

    def settle(self, lies: Lies) -> None:
        """Settle the day from memory, archive the document, and post it."""
        view = LAST_EPOCH if not self.memory.statements else max(self.memory.sizes)
        whole = settle(settlement_inputs(self.facts(view)))
        made = whole
        if self.memory.statements:
            before = self.memory.statements[0]
            made = correct(before, whole, previous_root=settlement_tree(before).root)
        made = replace(made, heading=replace(made.heading, log_size=lies.size(made.heading.log_size)))
        made = lies.statement(made)
        paper = self.paper(EntryType.STATEMENT, statement_document.to_plain(lies.archived(made)))
        self.archive.put(paper.block)
        self.memory.statements.append(made)
        self.memory.papers.append(paper)
        posting = Posting(
            day=DAY, version=made.heading.version, members=made.heading.roster, balances_cents=made.balances,
            root=settlement_tree(made).root, leaf_count=made.leaf_count, statement=paper.digest,
        )  # fmt: skip
        self.send(ROLES["settler"], "SettlementLedger", settlements.post(lies.posting(posting)))

    def facts(self, last_epoch: int) -> DayFacts:
        """What the day may rest on, from what the operator saw itself."""
        memory, (stations, _) = self.memory, self.stations
        papers = [
            (Place(digest=paper.digest, entry=number, anchored_ms=memory.anchored_ms[epoch]), held)
            for epoch, number, paper, held in memory.documents
            if epoch <= last_epoch
        ]
        kinds = {name: tuple(p for p in papers if type(p[1]).__name__ == name) for name in ("RulePack", "Grouping")}
        registry_ = AllianceRegistry(self.rpc, self.deployment["AllianceRegistry"].address)
        return DayFacts(
            alliance=self.deployment.domain.alliance, day=DAY, roster=registry_.roster(), stations=stations,
            leases=(self.lease,), early_ends=self.early_ends,
            schedules=tuple(p for p in papers if type(p[1]).__name__ == "Schedule"), packs=kinds["RulePack"],
            groupings=kinds["Grouping"], meters=tuple(self._meters(last_epoch)), log_size=memory.sizes[last_epoch],
        )  # fmt: skip

    def _meters(self, last_epoch: int) -> Iterator[Meter]:
        for number, box in enumerate(BOXES, start=1):
            readings: list[tuple[Reading, Bracket]] = []
            for epoch, one, beacon_ms in self.memory.logged:
                named = (one.signed.segment.device, one.signed.segment.channel)
                if named == (box.address, METER) and epoch <= last_epoch:
                    limits = bracket(beacon_ms=beacon_ms, checkpoint_ms=self.memory.anchored_ms[epoch])
                    readings += [(reading, limits) for reading in one.decoded()]
            channel = Channel(
                device=box.address, channel=METER, kind=ChannelKind.METER, station=StationId(number), from_ms=0
            )
            yield Meter(channel=channel, readings=tuple(readings))

    def _statements(self) -> list[tuple[Document, object]]:
        return [
            (self.paper(EntryType.STATEMENT, statement_document.to_plain(made)), made)
            for made in self.memory.statements
        ]


class EncryptedWorld(World):
    """The same with encrypted evidence and documents."""

    encrypted = True


def _spec(kind: StationType, power_w: int) -> StationSpec:
    return StationSpec(
        station_type=kind, region=320_703, charge_power_w=power_w, discharge_power_w=power_w,
        capacity_wh=2 * power_w, pcc_import_w=2_000_000, pcc_export_w=2_000_000,
    )  # fmt: skip


SPECS = [
    _spec(StationType.USER_SIDE, 300_000), _spec(StationType.SOURCE_SIDE, 200_000), _spec(StationType.THIRD_PARTY, 500_000)
]  # fmt: skip


@cache
def pack() -> RulePack:
    """The rule pack of the day."""
    return parse_json(PACK.read_text())


def planned_day(alliance: bytes, stations: tuple[Station, ...], lease) -> PlannedDay:
    """A certified plan of the day."""
    loads = {
        1: [60_000 + 300 * (k % 40) for k in range(96)],
        2: [-abs(48 - k) % 48 * -2_000 for k in range(96)],
        3: [800] * 96,
    }
    sites = tuple(
        Site(
            station=station, eta_c_ppm=960_000, eta_d_ppm=960_000, energy_min_wh=station.capacity_wh // 10,
            energy_max_wh=station.capacity_wh, energy_wh=station.capacity_wh // 2,
            end_min_wh=station.capacity_wh // 2, wear_price=6_000, net_load_wh=tuple(loads[station.number]),
            own_need_floor_wh=(0,) * 96, curtailable_wh=(0,) * 96,
        )
        for station in stations
    )  # fmt: skip
    share = Share(lease=lease, account_wh=lease.handover_wh, end_min_wh=lease.handover_wh, nomination_wh=None)
    groups = one_group(stations, from_day=DAY).groups
    problem = Problem(
        alliance=alliance, day=DAY, kind=ScheduleKind.DAY_AHEAD, revision=1, first_slot=0, sites=sites,
        shares=(share,), groups=tuple(GroupTariff(group=g, tariff=pack().tariff_for(DAY)) for g in groups),
    )  # fmt: skip
    return plan_day(problem)


def subject_key(subject: int) -> bytes:
    """The key of a station, or of the alliance's documents (0)."""
    return sha256(b"audit world subject", bytes([subject]))


def key_of(subject: int, info: bytes) -> bytes:
    """A block's content key."""
    return encryption.content_key(subject_key(subject), info)


_PLAIN: dict[Digest, tuple[object, bytes]] = {}
"""What each sealed document holds, and its salt."""


def rows_beside(paper: Document) -> list[Entry]:
    """The entry of rows that stands in the log beside a document's own."""
    content, salt = _PLAIN[paper.digest]
    found = rows_.entry_of(paper.kind, paper.digest, content, salt=salt)
    return [] if found is None else [found]


def _sealed(kind: EntryType, content: object) -> Document:
    salt = sha256(b"salt", bytes([kind]), repr(content).encode())
    made = document.seal(kind, content, salt=salt)
    _PLAIN[made.digest] = (content, salt)
    return made
