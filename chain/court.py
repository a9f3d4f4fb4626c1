"""The one-line court (protocol 8.9.4): call data that disputes a leaf, from a day's leaves, the log and its documents.

Which bench hears a leaf, and which inputs it wants, hangs on the leaf's kind. The inputs are those that the leaf itself
names; what they make of it is computed by the contract alone, so that nothing here can be mistaken for a judgement.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from alliance.calendar import DAY_SLOT, Day
from alliance.errors import Missing, Refused
from alliance.identity import ZERO_DIGEST, Address, Digest
from alliance.statement import POOL, InputKind, LeafKind, LineKind, QuantityStatus, evidence_of, input_id
from chain.abi import Function
from chain.anchors import SIGNED_SEGMENT
from chain.contract import DeployedContract
from chain.rpc import BlockTag
from oracle import rows
from oracle.log import Entry, EntryType
from oracle.merkle import HashTree, leaf_hash
from oracle.segment import SealedSegment, split_readings
from oracle.settlement_tree import Leaf, SettlementTree

LEAF = "(uint16,uint8,uint32,bytes,bytes32[])"
ROW = "(bytes32,bytes,uint32,uint32,bytes32[],uint48,bytes32[])"
METERED = f"({LEAF}[],{LEAF}[],{ROW},{ROW},{ROW})"
POOL_EDGE = f"({LEAF}[],{LEAF}[],{LEAF}[],{LEAF}[])"
READING_PROOF = f"(bytes,bytes32[],{SIGNED_SEGMENT},uint48,bytes32[])"

METER_COURT, PLAN_COURT, MARKET_COURT, BOOK_COURT = "MeterCourt", "PlanCourt", "MarketCourt", "BookCourt"

_HEAD = f"(uint32,uint256,{LEAF}[]"
_ANSWER = "(int256)"
_QUANTITY = Function("disputeQuantity", f"{_HEAD},{READING_PROOF},{READING_PROOF})", _ANSWER)
_SLOT_TOTAL = Function("disputeSlotTotal", f"{_HEAD},{LEAF}[],{LEAF}[])", _ANSWER)
_PLAN = Function("disputePlan", f"{_HEAD},{ROW},{ROW})", _ANSWER)
_METERED = Function("disputeMetered", f"{_HEAD},{METERED})", _ANSWER)
_RENT = Function("disputeRent", f"{_HEAD})", _ANSWER)
_END = Function("disputeEnd", f"{_HEAD})", _ANSWER)
_WEAR = Function("disputeWear", f"{_HEAD},{ROW})", _ANSWER)
_GRID = Function("disputeGrid", f"{_HEAD},{LEAF}[],{ROW})", _ANSWER)
_FEE = Function("disputeFee", f"{_HEAD},{ROW},{ROW})", _ANSWER)
_SHARE = Function("disputeShare", f"{_HEAD},{LEAF}[],{POOL_EDGE}[])", _ANSWER)
_STRAY = Function("disputeStray", f"{_HEAD})", _ANSWER)
_VOID_DOUBLED = Function("voidDoubled", f"(uint32,{LEAF},{LEAF})")
_VOID_NEIGHBOURS = Function("voidNeighbours", f"(uint32,{LEAF}[])")
_VOID_ENTRY = Function("voidEntry", f"(uint32,{LEAF},{LEAF}[])")
_VOID_UNBOOKED = Function("voidUnbooked", f"(uint32,uint32,{LEAF},{LEAF}[])")
_VOID_BALANCE = Function("voidBalance", f"(uint32,uint32,int64[],{LEAF}[])")
_KEEP_ROWS = Function("keepRows", f"({ROW})")
_DEMAND = Function("demand", "(uint32,uint16,uint32)")
_PRODUCE = Function("produce", f"(uint32,uint32,{LEAF})")
_VOID_UNPRODUCED = Function("voidUnproduced", "(uint32,uint32)")
_DEMAND_OF = Function("demandOf", "(uint32,uint32)", "(uint16,uint32,uint48)")

_NO_ROW = (ZERO_DIGEST, b"", 0, 0, (), 0, ())
_WORD = 32
_PLANS = {LineKind.ENERGY_PLAN, LineKind.NETWORK_PLAN, LineKind.LEASE_ENERGY, LineKind.LEASE_NETWORK}
_DEVIATIONS = {LineKind.ENERGY_DEVIATION, LineKind.NETWORK_DEVIATION}
_OF_LEASE = {LineKind.LEASE_ENERGY, LineKind.LEASE_NETWORK, LineKind.LEASE_RENT, LineKind.LEASE_WEAR}
_NOT_JUDGED = "the court does not judge it"


@dataclass(kw_only=True, eq=False)
class LeafNotJudged(Refused):
    """A leaf that the court cannot recompute (protocol 8.9.6)."""

    index: int
    kind: str
    why: str


@dataclass(kw_only=True, eq=False)
class InputNotFound(Missing):
    """An input that a leaf names is not among the documents, readings or entries that were given."""

    index: int
    input: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledDocument:
    """A schedule or rule pack as logged: its entry's type, its rows."""

    kind: EntryType
    rows: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call to one of the court's benches: the contract's name, its call data, and whether it answers with a value."""

    contract: str
    data: bytes
    function: Function

    def send_to(self, addresses: Mapping[str, Address]) -> Address:
        """The bench's address in a deployment's."""
        return addresses[self.contract]


class LogView:
    """The log's entries and its tree, as they stand on chain when a dispute is brought."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        self._tree = HashTree(leaf_hash(entry.raw) for entry in self.entries)
        self._rows = {e.document: at for at, e in enumerate(self.entries) if e.type is EntryType.ROWS}
        self._segments = {e.segment_digest: at for at, e in enumerate(self.entries) if e.type is EntryType.SEGMENT}

    @property
    def root(self) -> Digest:
        """The live root."""
        return self._tree.root()

    def rows_entry(self, document: Digest) -> int | None:
        """The number of a document's rows entry."""
        return self._rows.get(document)

    def segment_entry(self, digest: Digest) -> int | None:
        """The number of a segment's entry."""
        return self._segments.get(digest)

    def proof(self, index: int) -> tuple[Digest, ...]:
        """An entry's siblings up to the live root."""
        return tuple(self._tree.inclusion_proof(index))


@dataclass(frozen=True, kw_only=True)
class Docket:
    """All that a dispute of a day can draw on."""

    day: Day
    statements: Mapping[int, SettlementTree]
    """The versions that stand, each with its leaves as posted."""
    log: LogView
    documents: Mapping[Digest, RuledDocument] = field(default_factory=dict)
    segments: Mapping[tuple[Address, int], Sequence[SealedSegment]] = field(default_factory=dict)
    """Each channel's segments in chain order, opened."""
    lease_stations: Mapping[int, int] = field(default_factory=dict)
    """Lease → its station."""
    lease_versions: Mapping[int, int] = field(default_factory=dict)
    kept: frozenset[Digest] = frozenset()
    """Documents whose rows are known on chain to stand in the log (`keep_rows`): cheaper to dispute by."""

    def leaf(self, version: int, index: int) -> Leaf:
        """A leaf of a standing version. Raises InputNotFound."""
        tree = self.statements.get(version)
        if tree is None or not 0 <= index < len(tree.leaves):
            raise InputNotFound(index=index, input=f"leaf {index} of version {version}")
        return tree.leaves[index]

    @cached_property
    def places(self) -> dict[int, list[int]]:
        """Version → the places of its leaves, in their order."""
        return {v: [place_of(leaf) for leaf in tree.leaves] for v, tree in self.statements.items()}

    def schedules(self) -> list[Digest]:
        """The schedules that a line may name; zero: none binds."""
        return [d for d, document in self.documents.items() if document.kind is EntryType.SCHEDULE] + [ZERO_DIGEST]

    def packs(self) -> list[Digest]:
        """The rule packs that a line may name."""
        return [d for d, document in self.documents.items() if document.kind is EntryType.RULE_PACK]


def place_of(leaf: Leaf) -> int:
    """Where a leaf belongs, as the contracts pack it: leaves ascend by this number."""
    w = [_word(leaf, at) for at in range(min(7, len(leaf.body) // _WORD))]
    match leaf.kind:
        case LeafKind.QUANTITY:
            return quantity_place(slot=w[1], station=w[0])
        case LeafKind.SLOT_TOTAL:
            return total_place(slot=w[1], group=w[0], position=w[2])
        case LeafKind.LINE:
            return LeafKind.LINE << 248 | w[1] << 104 | w[2] << 96 | w[3] << 64 | w[4] << 32 | w[5]
        case LeafKind.ENTRY:
            return entry_place(account=w[0], group=w[1], index=w[2])
        case LeafKind.WEIGHTS:
            return weights_place(w[0])


def quantity_place(*, slot: int, station: int) -> int:
    """Place of a station's quantity."""
    return LeafKind.QUANTITY << 248 | slot << 32 | station


def total_place(*, slot: int, group: int, position: int) -> int:
    """Place of a running sum."""
    return LeafKind.SLOT_TOTAL << 248 | slot << 64 | group << 32 | position


def entry_place(*, account: int, group: int, index: int) -> int:
    """Place of an entry in an account's book."""
    return LeafKind.ENTRY << 248 | account << 64 | group << 32 | index


def weights_place(group: int) -> int:
    """Place of a pool's weights."""
    return LeafKind.WEIGHTS << 248 | group


def dispute(docket: Docket, version: int, index: int) -> Call:
    """The call that makes the court recompute a leaf; of an entry, the one that shows how the books break.

    Raises LeafNotJudged and InputNotFound.
    """
    leaf = docket.leaf(version, index)
    match leaf.kind:
        case LeafKind.QUANTITY:
            return _quantity(docket, leaf)
        case LeafKind.SLOT_TOTAL:
            return _slot_total(docket, leaf)
        case LeafKind.LINE:
            return _line(docket, leaf)
        case LeafKind.ENTRY:
            return entry_fault(docket, version, index)
        case LeafKind.WEIGHTS:
            raise LeafNotJudged(index=index, kind="weights", why=_NOT_JUDGED)


def stray(docket: Docket, version: int, index: int) -> Call:
    """The call against a line that joins accounts which its kind, station or lease does not."""
    return _call(PLAN_COURT, _STRAY, docket, docket.leaf(version, index))


def entry_fault(docket: Docket, version: int, index: int) -> Call:
    """The call against an entry: that it does not follow its neighbour if so, else that it does not book its line."""
    leaf = docket.leaf(version, index)
    before = docket.leaf(version, index - 1) if index else None
    if not _follows(before, leaf):
        return void_neighbours(docket, version, index)
    line = _word(leaf, 3)
    booked = [_proved(docket, version, line)] if line < len(docket.statements[version].leaves) else []
    return _made(BOOK_COURT, _VOID_ENTRY, docket.day.number, _proved(docket, version, index), booked)


def void_neighbours(docket: Docket, version: int, index: int) -> Call:
    """The call that shows a leaf and the one before it out of order, or a balance that does not run on."""
    shown = [_proved(docket, version, at) for at in range(max(0, index - 1), index + 1)]
    return _made(BOOK_COURT, _VOID_NEIGHBOURS, docket.day.number, shown)


def void_doubled(docket: Docket, version: int, one: int, other: int) -> Call:
    """The call that shows two leaves with one index: those at two positions of a version's tree."""
    shown = [_proved(docket, version, at) for at in (one, other)]
    return _made(BOOK_COURT, _VOID_DOUBLED, docket.day.number, *shown)


def void_unbooked(docket: Docket, version: int, line: int, account: int) -> Call:
    """The call that shows a line which an account's book leaves out."""
    leaf = docket.leaf(version, line)
    book = (account, _word(leaf, 6) if account == POOL else 0)
    leaves = docket.statements[version].leaves
    left = max(at for at, x in enumerate(leaves) if _before(x, book, line))
    return _made(
        BOOK_COURT, _VOID_UNBOOKED, docket.day.number, account, _proved(docket, version, line),
        _pair(docket, version, left),
    )  # fmt: skip


def void_balance(docket: Docket, version: int, account: int, balances_cents: Sequence[int]) -> Call:
    """The call that shows an account's last balance to be another than the posted one."""
    place = entry_place(account=account, group=0, index=0xFFFFFFFF)
    left = max(at for at, x in enumerate(docket.places[version]) if x <= place)
    shown = _pair(docket, version, left)
    return _made(BOOK_COURT, _VOID_BALANCE, docket.day.number, account, tuple(balances_cents), shown)


def demand(day: Day, version: int, index: int) -> Call:
    """The call by which a member of the day's roster demands to see a leaf."""
    return _made(BOOK_COURT, _DEMAND, day.number, version, index)


def produce(docket: Docket, member: int, version: int, index: int) -> Call:
    """The call that answers a member's demand."""
    return _made(BOOK_COURT, _PRODUCE, docket.day.number, member, _proved(docket, version, index))


def void_unproduced(day: Day, member: int) -> Call:
    """The call that voids a day whose demanded leaf was not produced in time."""
    return _made(BOOK_COURT, _VOID_UNPRODUCED, day.number, member)


def keep_rows(docket: Docket, document: Digest) -> Call:
    """The call that proves, once for all disputes, that a document's rows stand in the log. Raises InputNotFound."""
    entry = docket.log.rows_entry(document)
    if entry is None or document not in docket.documents:
        raise InputNotFound(index=0, input=f"the rows entry of 0x{document.hex()}")
    made = rows.prove(docket.documents[document].rows, 0)
    shown = (document, made.row, made.index, made.size, made.proof, entry, docket.log.proof(entry))
    return _made(BOOK_COURT, _KEEP_ROWS, shown)


class BookCourt(DeployedContract):
    """What the bench for the books knows of demands."""

    def demand_of(self, day: Day, member: int, *, tag: BlockTag = "latest") -> tuple[int, int, int] | None:
        """A member's open demand: version, index, and until when it must be met, unix seconds; None without one."""
        version, index, until = self.ask(_DEMAND_OF, day.number, member, tag=tag)
        return (version, index, until) if version else None


# ---- energies ----


def _quantity(docket: Docket, leaf: Leaf) -> Call:
    status = QuantityStatus(_word(leaf, 3))
    if status not in (QuantityStatus.METERED, QuantityStatus.ESTIMATED):
        raise LeafNotJudged(index=leaf.index, kind="quantity", why=f"it is {status.name.lower()}: no reading says more")
    stream = (Address(leaf.body[5 * _WORD + 12 : 6 * _WORD]), _word(leaf, 6))
    edges = [_reading(docket, leaf, stream, _word(leaf, at)) for at in (7, 8)]
    return _call(METER_COURT, _QUANTITY, docket, leaf, *edges)


def _reading(docket: Docket, leaf: Leaf, stream: tuple[Address, int], seq: int) -> tuple[object, ...]:
    """A reading with its segment and the segment's place in the log."""
    for sealed in docket.segments.get(stream, ()):
        s = sealed.signed.segment
        if not s.first_seq <= seq < s.first_seq + s.count:
            continue
        entry = docket.log.segment_entry(sealed.signed.digest)
        if entry is None:
            break
        readings = split_readings(sealed.readings)
        tree = HashTree(map(leaf_hash, readings))
        at = seq - s.first_seq
        fields = (
            s.device, s.channel, s.first_seq, s.count, s.t_first_ms, s.t_last_ms, s.root, s.prev, s.beacon_block,
            s.beacon_hash,
        )  # fmt: skip
        signed = (fields, sealed.signed.signature)
        return (readings[at], tuple(tree.inclusion_proof(at)), signed, entry, docket.log.proof(entry))
    raise InputNotFound(index=leaf.index, input=f"reading {seq} of 0x{stream[0].hex()}/{stream[1]}")


def _slot_total(docket: Docket, leaf: Leaf) -> Call:
    group, slot, position, station = (_word(leaf, at) for at in (0, 1, 2, 4))
    before = _standing(docket, total_place(slot=slot, group=group, position=position - 1)) if position else []
    quantity = _standing(docket, quantity_place(slot=slot, station=station))
    return _call(METER_COURT, _SLOT_TOTAL, docket, leaf, before, quantity)


# ---- lines ----


@dataclass(frozen=True, slots=True)
class _LineFields:
    leaf: Leaf
    slot: int
    kind: LineKind
    account: int
    subject: int
    group: int
    evidence: Digest


def _fields(leaf: Leaf) -> _LineFields:
    slot, kind, account, subject, group = (_word(leaf, at) for at in (1, 2, 3, 5, 6))
    return _LineFields(leaf, slot, LineKind(kind), account, subject, group, Digest(leaf.body[10 * _WORD :]))


def _line(docket: Docket, leaf: Leaf) -> Call:
    line = _fields(leaf)
    if line.kind in _PLANS:
        return _plan(docket, line) or _metered(docket, line)
    if line.kind in _DEVIATIONS:
        return _metered(docket, line)
    match line.kind:
        case LineKind.LEASE_RENT:
            return _call(PLAN_COURT, _RENT, docket, leaf)
        case LineKind.LEASE_END:
            return _call(PLAN_COURT, _END, docket, leaf)
        case LineKind.LEASE_WEAR:
            return _wear(docket, line)
        case LineKind.GRID_ENERGY | LineKind.GRID_NETWORK:
            return _grid(docket, line)
        case LineKind.PLATFORM_FEE:
            return _fee(docket, line)
        case LineKind.POOL_SHARE:
            weights = _standing(docket, weights_place(line.group))
            edges = [_pool_edge(docket, version, line.group) for version in sorted(docket.statements)]
            return _call(MARKET_COURT, _SHARE, docket, leaf, weights, edges)
    raise LeafNotJudged(index=leaf.index, kind=line.kind.label, why=_NOT_JUDGED)


def _plan(docket: Docket, line: _LineFields) -> Call | None:
    """At the planned price, if the line names one."""
    station = _station(docket, line)
    for schedule in docket.schedules():
        row = input_id(InputKind.SCHEDULE_ROW, digest=schedule, a=station, b=line.slot)
        if evidence_of(row, input_id(InputKind.PRICE_ROW, digest=schedule, a=line.group, b=line.slot)) == line.evidence:
            inputs = (_plan_row(docket, line, schedule), _price_row(docket, line, schedule, station))
            return _call(PLAN_COURT, _PLAN, docket, line.leaf, *inputs)
    return None


def _metered(docket: Docket, line: _LineFields) -> Call:
    schedule, pack, priced = _named_metered(docket, line)
    station = _station(docket, line)
    price = _price_row(docket, line, schedule, station) if priced or _has_price(docket, line, schedule) else _NO_ROW
    if not priced and _balanced(docket, line):
        price = _NO_ROW
    inputs = (
        _standing(docket, quantity_place(slot=line.slot, station=station)),
        _last_total(docket, line),
        _plan_row(docket, line, schedule),
        _tariff_row(docket, line, pack),
        price,
    )
    return _call(MARKET_COURT, _METERED, docket, line.leaf, inputs)


def _named_metered(docket: Docket, line: _LineFields) -> tuple[Digest, Digest, bool]:
    """The schedule and pack that a line names, and whether it names a price row too."""
    station = _station(docket, line)
    quantity = input_id(InputKind.QUANTITY, a=station, b=line.slot)
    total = input_id(InputKind.SLOT_TOTAL, a=line.group, b=line.slot)
    for schedule in docket.schedules():
        row = input_id(InputKind.SCHEDULE_ROW, digest=schedule, a=station, b=line.slot)
        head = (quantity, row) if line.kind in _DEVIATIONS else (row, quantity)
        price = input_id(InputKind.PRICE_ROW, digest=schedule, a=line.group, b=line.slot)
        for pack in docket.packs():
            inputs = (*head, total, input_id(InputKind.TARIFF_ROW, digest=pack, b=line.slot))
            for priced, named in ((False, inputs), (True, (*inputs, price))):
                if evidence_of(*named) == line.evidence:
                    return schedule, pack, priced
    raise InputNotFound(index=line.leaf.index, input="the schedule, tariff and sums that the line names")


def _wear(docket: Docket, line: _LineFields) -> Call:
    station = _station(docket, line)
    lease = input_id(InputKind.LEASE, a=line.subject, b=docket.lease_versions.get(line.subject, 0))
    for schedule in docket.schedules():
        if (
            evidence_of(lease, input_id(InputKind.SCHEDULE_ROW, digest=schedule, a=station, b=line.slot))
            == line.evidence
        ):
            return _call(PLAN_COURT, _WEAR, docket, line.leaf, _plan_row(docket, line, schedule))
    raise InputNotFound(index=line.leaf.index, input="the schedule that the line names")


def _grid(docket: Docket, line: _LineFields) -> Call:
    total = input_id(InputKind.SLOT_TOTAL, a=line.group, b=line.slot)
    for pack in docket.packs():
        if evidence_of(total, input_id(InputKind.TARIFF_ROW, digest=pack, b=line.slot)) == line.evidence:
            inputs = (_last_total(docket, line), _tariff_row(docket, line, pack))
            return _call(MARKET_COURT, _GRID, docket, line.leaf, *inputs)
    raise InputNotFound(index=line.leaf.index, input="the tariff that the line names")


def _fee(docket: Docket, line: _LineFields) -> Call:
    for schedule in docket.schedules():
        gain = input_id(InputKind.GAIN, digest=schedule, a=line.account)
        for pack in docket.packs():
            if evidence_of(gain, input_id(InputKind.FEE, digest=pack)) != line.evidence:
                continue
            fee = _row(docket, line, pack, rows.find_fee(docket.documents[pack].rows))
            if schedule == ZERO_DIGEST:
                return _call(PLAN_COURT, _FEE, docket, line.leaf, _NO_ROW, fee)
            found = rows.find_gain(docket.documents[schedule].rows, member=line.account)
            return _call(PLAN_COURT, _FEE, docket, line.leaf, _row(docket, line, schedule, found), fee)
    raise InputNotFound(index=line.leaf.index, input="the gain and fee that the line names")


def _station(docket: Docket, line: _LineFields) -> int:
    if line.kind not in _OF_LEASE:
        return line.subject
    found = docket.lease_stations.get(line.subject)
    if found is None:
        raise InputNotFound(index=line.leaf.index, input=f"lease {line.subject}")
    return found


def _plan_row(docket: Docket, line: _LineFields, schedule: Digest) -> tuple[object, ...]:
    if schedule == ZERO_DIGEST:
        return _NO_ROW
    found = rows.find_plan(docket.documents[schedule].rows, slot=line.slot, station=_station(docket, line))
    return _row(docket, line, schedule, found)


def _price_row(docket: Docket, line: _LineFields, schedule: Digest, station: int) -> tuple[object, ...]:
    found = rows.find_price(docket.documents[schedule].rows, slot=line.slot, group=line.group, station=station)
    return _row(docket, line, schedule, found)


def _has_price(docket: Docket, line: _LineFields, schedule: Digest) -> bool:
    try:
        _price_row(docket, line, schedule, _station(docket, line))
    except (rows.NoSuchRow, KeyError):
        return False
    return True


def _tariff_row(docket: Docket, line: _LineFields, pack: Digest) -> tuple[object, ...]:
    found = rows.find_tariff(docket.documents[pack].rows, month=rows.month_of(docket.day), slot=line.slot)
    return _row(docket, line, pack, found)


def _row(docket: Docket, line: _LineFields, document: Digest, index: int) -> tuple[object, ...]:
    """A row with its siblings, and its rows entry's place in the log."""
    entry = docket.log.rows_entry(document)
    if entry is None:
        raise InputNotFound(index=line.leaf.index, input=f"the rows entry of 0x{document.hex()}")
    made = rows.prove(docket.documents[document].rows, index)
    known = document in docket.kept
    return (document, made.row, made.index, made.size, made.proof, entry, () if known else docket.log.proof(entry))


def _balanced(docket: Docket, line: _LineFields) -> bool:
    """Whether the statement's own sums of a line's slot are balanced."""
    leaf = docket.leaf(*_newest(docket, _total_place(docket, line)))
    return leaf.body[5 * _WORD : 6 * _WORD] == leaf.body[6 * _WORD : 7 * _WORD]


def _last_total(docket: Docket, line: _LineFields) -> list[object]:
    return _standing(docket, _total_place(docket, line))


def _total_place(docket: Docket, line: _LineFields) -> int:
    first = docket.leaf(*_newest(docket, total_place(slot=line.slot, group=line.group, position=0)))
    return total_place(slot=line.slot, group=line.group, position=_word(first, 3) - 1)


def _pool_edge(docket: Docket, version: int, group: int) -> tuple[object, ...]:
    """The neighbours between which a group's pool passes from slots to shares, each with the line that it books."""
    leaves, places = docket.statements[version].leaves, docket.places[version]
    low = entry_place(account=POOL, group=group, index=0)
    high = entry_place(account=POOL, group=group, index=0xFFFFFFFF)
    left = bisect_left(places, low) - 1
    while left + 1 < len(leaves) and places[left + 1] <= high:
        if _word(leaves[_word(leaves[left + 1], 3)], 1) == DAY_SLOT:
            break
        left += 1
    sides: list[object] = []
    for at in (left, left + 1):
        inside = at < len(leaves) and low <= places[at] <= high
        sides.append([_proved(docket, version, at)] if at < len(leaves) else [])
        sides.append([_proved(docket, version, _word(leaves[at], 3))] if inside else [])
    return tuple(sides)


# ---- leaves ----


def _call(contract: str, function: Function, docket: Docket, leaf: Leaf, *inputs: object) -> Call:
    place = place_of(leaf)
    return _made(contract, function, docket.day.number, place, _standing(docket, place), *inputs)


def _made(contract: str, function: Function, *values: object) -> Call:
    return Call(contract=contract, data=function.encode(*values), function=function)


def _standing(docket: Docket, place: int) -> list[object]:
    """For each standing version the leaf at a place, or the neighbours between which it would stand."""
    found: list[object] = []
    for version in sorted(docket.statements):
        found += [_proved(docket, version, at) for at in _around(docket.places[version], place)]
    return found


def _around(places: Sequence[int], place: int) -> Iterator[int]:
    at = bisect_left(places, place)
    if at < len(places) and places[at] == place:
        yield at
        return
    if at:
        yield at - 1
    if at < len(places):
        yield at


def _newest(docket: Docket, place: int) -> tuple[int, int]:
    for version in sorted(docket.statements, reverse=True):
        places = docket.places[version]
        at = bisect_left(places, place)
        if at < len(places) and places[at] == place:
            return version, at
    raise InputNotFound(index=0, input=f"a leaf at place {place:#x}")


def _pair(docket: Docket, version: int, left: int) -> list[object]:
    last = len(docket.statements[version].leaves) - 1
    return [_proved(docket, version, at) for at in (left, left + 1) if at <= last]


def _proved(docket: Docket, version: int, index: int) -> tuple[object, ...]:
    leaf = docket.leaf(version, index)
    return _shown(version, leaf, docket.statements[version].proof(index))


def _shown(version: int, leaf: Leaf, proof: Sequence[Digest]) -> tuple[object, ...]:
    return (version, int(leaf.kind), leaf.index, leaf.body, tuple(proof))


def _before(leaf: Leaf, book: tuple[int, int], line: int) -> bool:
    """Whether a leaf stands before the place in a book where a line would be entered."""
    if leaf.kind is not LeafKind.ENTRY:
        return leaf.kind < LeafKind.ENTRY
    mine = (_word(leaf, 0), _word(leaf, 1))
    return mine < book or (mine == book and _word(leaf, 3) < line)


def _follows(before: Leaf | None, leaf: Leaf) -> bool:
    """Whether an entry may stand after a leaf: order ascends and the balance runs on."""
    amount, balance = (_signed(leaf, at) for at in (4, 5))
    book = (_word(leaf, 0), _word(leaf, 1))
    if before is not None and place_of(before) >= place_of(leaf):
        return False
    if before is None or before.kind is not LeafKind.ENTRY or (_word(before, 0), _word(before, 1)) != book:
        return _word(leaf, 2) == 0 and balance == amount
    runs_on = balance == _signed(before, 5) + amount
    return runs_on and _word(leaf, 2) == _word(before, 2) + 1 and _word(leaf, 3) > _word(before, 3)


def _word(leaf: Leaf, at: int) -> int:
    return int.from_bytes(leaf.body[at * _WORD : (at + 1) * _WORD], "big")


def _signed(leaf: Leaf, at: int) -> int:
    return int.from_bytes(leaf.body[at * _WORD : (at + 1) * _WORD], "big", signed=True)
