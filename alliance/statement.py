"""A day's statement: its leaves, their identities and their order (protocol 8.9.1, 8.9.2).

A line is one transfer between two accounts, so a statement cannot fail to sum to zero. Leaves stand in the order
quantities, slot totals, lines, entries, weights; each by its identity. Nothing here depends on the order of arrival.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from itertools import pairwise
from operator import attrgetter
from typing import NewType

from alliance.calendar import Day
from alliance.errors import Conflicting, Malformed, Refused
from alliance.fleet import BillingGroup
from alliance.identity import ZERO_DIGEST, Address, Digest, GroupId, MemberId, StationId

AccountId = NewType("AccountId", int)
"""A member's number, or PLATFORM, GRID, POOL: ascending codes are the order in which balances are posted."""

PLATFORM = AccountId(0xFFFFFFFD)
"""Receives the fee, nothing else."""
GRID = AccountId(0xFFFFFFFE)
"""The retailer and network company, paid what its tariff says."""
POOL = AccountId(0xFFFFFFFF)
"""The alliance's clearing account; of each billing group's part nothing is left after slot 96."""

_NAMES = {PLATFORM: "platform", GRID: "grid", POOL: "pool"}
_CODES = {name: code for code, name in _NAMES.items()}


@dataclass(kw_only=True, eq=False)
class BadAccount(Malformed):
    """An account is not written `member:<n>`, `platform`, `grid` or `pool`."""

    value: str


def member_account(member: MemberId) -> AccountId:
    """The account of a member."""
    return AccountId(member)


def account_name(account: AccountId) -> str:
    """`member:<n>`, `platform`, `grid` or `pool`."""
    return _NAMES.get(account) or f"member:{account}"


def account_named(text: str) -> AccountId:
    """The account of such a name. Raises BadAccount."""
    if text in _CODES:
        return _CODES[text]
    kind, _, number = text.partition(":")
    if kind != "member" or not number.isascii() or not number.isdigit() or str(int(number)) != number:
        raise BadAccount(value=text)
    if not 0 < int(number) < PLATFORM:
        raise BadAccount(value=text)
    return AccountId(int(number))


class LeafKind(IntEnum):
    """What a leaf of the statement's tree is; leaves stand in this order."""

    QUANTITY = 1
    SLOT_TOTAL = 2
    LINE = 3
    ENTRY = 4
    WEIGHTS = 5


class QuantityStatus(IntEnum):
    """How a slot's energy is known (protocol 8.8)."""

    METERED = 1
    """Between two edges of the meter, one slot apart."""
    ESTIMATED = 2
    """An equal part of what the registers advanced over a gap."""
    ASSUMED = 3
    """The plan, because an edge is missing on one side."""
    FILED = 4
    """The grid's own meter data, filed with its document, in place of an estimate."""


class LineKind(IntEnum):
    """What a line pays for (protocol 8.6); part of its identity and of its order."""

    ENERGY_PLAN = 1
    ENERGY_DEVIATION = 2
    NETWORK_PLAN = 3
    NETWORK_DEVIATION = 4
    LEASE_ENERGY = 5
    LEASE_NETWORK = 6
    LEASE_RENT = 7
    LEASE_WEAR = 8
    GRID_ENERGY = 9
    GRID_NETWORK = 10
    POOL_SHARE = 11
    PLATFORM_FEE = 12
    LEASE_SLA = 13
    LEASE_HANDOVER = 14
    LEASE_END = 15

    @property
    def label(self) -> str:
        """The name in the protocol, e.g. `energy_plan`."""
        return self.name.lower()


LEASE_KINDS = frozenset(
    {LineKind.LEASE_RENT, LineKind.LEASE_WEAR, LineKind.LEASE_SLA, LineKind.LEASE_HANDOVER, LineKind.LEASE_END}
)
"""The lines between a lessee and an owner."""


class InputKind(IntEnum):
    """What kind of leaf or fact a line was computed from (protocol 8.3, 8.9.4)."""

    SCHEDULE_ROW = 1
    """digest of the schedule, station, slot."""
    PRICE_ROW = 2
    """digest of the schedule, group, slot."""
    GAIN = 3
    """digest of the day-ahead schedule, member, 0."""
    TARIFF_ROW = 4
    """digest of the rule pack, 0, slot."""
    LEASE = 5
    """zero, lease, version."""
    FEE = 6
    """digest of the rule pack, 0, 0."""
    QUANTITY = 7
    """zero, station, slot: a leaf of the same statement."""
    SLOT_TOTAL = 8
    """zero, group, slot: the last such leaf of the same statement."""
    WEIGHTS = 9
    """zero, group, 0: a leaf of the same statement."""
    POOL_BALANCE = 10
    """zero, group, 0: the pool's last entry before slot 96 in the same statement."""
    AVAILABILITY = 11
    """digest of the month's slots (`alliance.closing`), lease, available_bp."""
    LEASE_ACCOUNT = 12
    """zero, lease, absolute slot at which it is closed."""
    EARLY_END = 13
    """zero, lease, absolute slot at which a party ended it alone: `LeaseEnded` names both once."""


_INPUT = struct.Struct(">B32sII")


def input_id(kind: InputKind, *, digest: Digest = ZERO_DIGEST, a: int = 0, b: int = 0) -> bytes:
    """The identifier of one input: kind u8 ‖ digest 32 B ‖ a u32 ‖ b u32 (`abi.encodePacked`)."""
    return _INPUT.pack(kind, digest, a, b)


def evidence_of(*inputs: bytes) -> Digest:
    """SHA-256 over the ordered inputs' identifiers (protocol 8.9.1)."""
    return Digest(hashlib.sha256(b"".join(inputs)).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The reading that stands for a slot boundary (protocol 8.4.1); `boundary` = number of the slot that begins there.

    Boundaries count 15-minute slots since 1970 UTC.
    """

    device: Address
    channel: int
    seq: int
    boundary: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A station's energy at its PCC in one slot, Wh, export positive.

    Between the two edges lie the slots over which an estimate was split. Both edges or neither.
    """

    station: StationId
    slot: int
    net_wh: int
    status: QuantityStatus
    edge_from: Edge | None = None
    edge_to: Edge | None = None
    disputed: bool = False
    """An edge was signed by a key that its owner has declared compromised; it stands until a vote corrects it."""
    document: Digest = ZERO_DIGEST
    """The grid's document, of a filed quantity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotTotal:
    """Running sums of a group's slot after one more station, Wh, both positive (protocol 8.4.6).

    `position` counts from 0 in roster order; the last of `count` is the slot's total.
    """

    slot: int
    group: GroupId
    position: int
    count: int
    station: StationId
    imports_wh: int
    exports_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One transfer: `account` receives `amount_cents` from `counterparty`; negative: it pays (protocol 8.1.5).

    `subject` is the station of energy and network lines, the lease of lease lines, the group of grid lines and pool
    shares, 0 of the fee. `slot` 96 is the day. In a correction the amount is the difference, all else the new value.
    """

    slot: int
    kind: LineKind
    account: AccountId
    counterparty: AccountId
    subject: int
    group: GroupId
    """The billing group whose pool the line moves or its station belongs to; 0 of the fee."""
    quantity_wh: int
    price_cents_per_mwh: int
    amount_cents: int
    evidence: Digest

    @property
    def identity(self) -> tuple[int, int, int, int, int]:
        """(slot, kind, account, counterparty, subject): unique in a day, and the order of lines."""
        return (self.slot, self.kind, self.account, self.counterparty, self.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One side of a line in an account's book, with the balance after it, cents received.

    The pool keeps a book per billing group; `group` is 0 in all other accounts. `line` is the line's position.
    """

    account: AccountId
    group: GroupId
    index: int
    line: int
    amount_cents: int
    balance_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """By what the pool of a group is shared: each member's Σ|net_wh| at its PCCs over the day (protocol 8.6.3)."""

    group: GroupId
    weights_wh: tuple[tuple[MemberId, int], ...]
    """In order of admission."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What a statement is about and what it was computed from."""

    alliance: bytes
    """allianceId, 32 bytes."""
    day: Day
    version: int
    """1, then one more with each correction."""
    previous: Digest
    """Root of the statement that this one corrects; zero for version 1."""
    deltas: bool
    """Whether it holds only what changed since the previous version."""
    roster: tuple[MemberId, ...]
    """The members of the day, in order of admission."""
    groups: tuple[BillingGroup, ...]
    schedules: tuple[Digest, ...]
    """Digests of the schedules in effect during the day, ascending."""
    packs: tuple[Digest, ...]
    """Digests of the rule packs, ascending."""
    log_size: int
    """Number of log entries that were known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """All leaves of a day, in order, and each account's last balance."""

    heading: Heading
    quantities: tuple[Quantity, ...]
    """Ascending (slot, station)."""
    slot_totals: tuple[SlotTotal, ...]
    """Ascending (slot, group, position)."""
    lines: tuple[Line, ...]
    """Ascending identity."""
    entries: tuple[Entry, ...]
    """Ascending (account, group, index)."""
    weights: tuple[Weights, ...]
    """Ascending group."""
    balances: tuple[int, ...]
    """Cents received by each member in roster order, then platform, grid, pool; their sum is 0."""

    @property
    def accounts(self) -> tuple[AccountId, ...]:
        """The accounts in the order of `balances`."""
        return accounts_of(self.heading.roster)

    @property
    def leaf_count(self) -> int:
        """How many leaves the statement's tree has."""
        return sum(map(len, (self.quantities, self.slot_totals, self.lines, self.entries, self.weights)))

    def line_at_leaf(self, index: int) -> Line | None:
        """The line that is the leaf of an index; None if that leaf is no line."""
        at = index - len(self.quantities) - len(self.slot_totals)
        return self.lines[at] if 0 <= at < len(self.lines) else None

    @property
    def provisional_slots(self) -> tuple[tuple[StationId, int], ...]:
        """The stations and slots that are not metered (protocol 8.8.3)."""
        return tuple((q.station, q.slot) for q in self.quantities if q.status is not QuantityStatus.METERED)

    @property
    def disputed_lines(self) -> tuple[Line, ...]:
        """The owners' lines whose energy rests on a reading of a disputed key."""
        disputed = {(q.slot, q.station) for q in self.quantities if q.disputed}
        return tuple(x for x in self.lines if x.kind in _METERED_KINDS and (x.slot, x.subject) in disputed)

    def balance(self, account: AccountId) -> int:
        """Cents that an account receives in the whole statement; 0 for an account that is not in it."""
        return dict(zip(self.accounts, self.balances, strict=True)).get(account, 0)


_METERED_KINDS = frozenset({LineKind.ENERGY_DEVIATION, LineKind.NETWORK_DEVIATION})


@dataclass(kw_only=True, eq=False)
class LeafContradicts(Conflicting):
    """A statement's leaf is out of order, or is not what the other leaves make it."""

    kind: str
    index: int
    want: str
    got: str


@dataclass(kw_only=True, eq=False)
class StatementFinal(Refused):
    """A day's window is over: only a decision, as an entry of the current day, can still move money; UTC ms."""

    now_ms: int
    final_at_ms: int


@dataclass(kw_only=True, eq=False)
class AccountUnknown(Refused):
    """A line or a payment names an account that is not on the roster."""

    account: str


class Standing(StrEnum):
    """How far a day's statement can still change (protocol 8.8.3, 8.9.3)."""

    PROVISIONAL = "provisional"
    """Some slot is not metered."""
    COMPLETE = "complete"
    """Every slot is metered; the window is open."""
    CORRECTED = "corrected"
    """As COMPLETE, after at least one correction."""
    FINAL = "final"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectInvoice:
    """What a member has paid the grid itself (negative: was paid), by the hash of its invoice (protocol 8.2.5)."""

    member: MemberId
    paid_cents: int
    invoice: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What is still to be moved by bank: the account receives `amount_cents`; negative: it pays."""

    account: AccountId
    amount_cents: int
    invoices: tuple[Digest, ...] = ()


def accounts_of(roster: Sequence[MemberId]) -> tuple[AccountId, ...]:
    """A roster's accounts in the order in which their balances are posted."""
    return (*map(member_account, roster), PLATFORM, GRID, POOL)


def assemble(
    heading: Heading,
    *,
    quantities: Iterable[Quantity],
    slot_totals: Iterable[SlotTotal],
    lines: Iterable[Line],
    weights: Iterable[Weights],
) -> Statement:
    """Put leaves into their order and book the lines: the same statement whatever order they come in."""
    ordered = sorted_lines(lines)
    entries = entries_of(ordered)
    return Statement(
        heading=heading,
        quantities=tuple(sorted(quantities, key=attrgetter("slot", "station"))),
        slot_totals=tuple(sorted(slot_totals, key=attrgetter("slot", "group", "position"))),
        lines=ordered,
        entries=entries,
        weights=tuple(sorted(weights, key=attrgetter("group"))),
        balances=balances_of(ordered, heading.roster),
    )


def sorted_lines(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Lines in the order of their identities. Raises LeafContradicts if two have the same."""
    ordered = tuple(sorted(lines, key=_identity))
    for index, (before, after) in enumerate(pairwise(map(_identity, ordered)), start=1):
        if before == after:
            raise LeafContradicts(kind="line", index=index, want="another identity", got=str(after))
    return ordered


def entries_of(lines: Sequence[Line]) -> tuple[Entry, ...]:
    """Two entries a line, with a running balance per account (and, in the pool, per billing group)."""
    books: dict[tuple[AccountId, GroupId], list[Entry]] = {}
    none = GroupId(0)
    for position, line in enumerate(lines):
        amount, account = line.amount_cents, line.account
        _book(books, account, line.group if account == POOL else none, position, amount)
        account = line.counterparty
        _book(books, account, line.group if account == POOL else none, position, -amount)
    return tuple([entry for _, book in sorted(books.items()) for entry in book])


def balances_of(lines: Iterable[Line], roster: Sequence[MemberId]) -> tuple[int, ...]:
    """What each account receives over all lines, cents. Raises AccountUnknown for one that is not on the roster."""
    sums = dict.fromkeys(accounts_of(roster), 0)
    for line in lines:
        for account, cents in ((line.account, line.amount_cents), (line.counterparty, -line.amount_cents)):
            if account not in sums:
                raise AccountUnknown(account=account_name(account))
            sums[account] += cents
    return tuple(sums.values())


_identity = attrgetter("slot", "kind", "account", "counterparty", "subject")
"""`Line.identity`, without a call for each line."""


def check_consistent(statement: Statement) -> None:
    """Refuse a statement whose order, bookings, running sums or balances do not follow from its own leaves.

    Raises AccountUnknown, or LeafContradicts with the first leaf that is wrong. Says nothing about whether the lines
    themselves are right.
    """
    again = assemble(
        statement.heading,
        quantities=statement.quantities,
        slot_totals=statement.slot_totals,
        lines=statement.lines,
        weights=statement.weights,
    )
    for kind in ("quantities", "slot_totals", "lines", "entries", "weights", "balances"):
        _same(kind, getattr(again, kind), getattr(statement, kind))
    if not statement.heading.deltas:
        _check_running_totals(statement)


def check_open(*, now_ms: int, final_at_ms: int) -> None:
    """Refuse a correction once the window since the first statement is over. Raises StatementFinal."""
    if now_ms >= final_at_ms:
        raise StatementFinal(now_ms=now_ms, final_at_ms=final_at_ms)


def standing(whole: Statement, *, now_ms: int, final_at_ms: int) -> Standing:
    """How far a whole day's statement can still change at an instant, UTC milliseconds."""
    if now_ms >= final_at_ms:
        return Standing.FINAL
    if whole.provisional_slots:
        return Standing.PROVISIONAL
    return Standing.CORRECTED if whole.heading.version > 1 else Standing.COMPLETE


def payment_list(statement: Statement, invoices: Iterable[DirectInvoice] = ()) -> tuple[Payment, ...]:
    """The payments of a statement in the order of its accounts, less what went directly to the grid; their sum is 0.

    Raises AccountUnknown.
    """
    due = dict(zip(statement.accounts, statement.balances, strict=True))
    hashes: dict[AccountId, list[Digest]] = {}
    for invoice in sorted(invoices, key=lambda i: (i.member, i.invoice)):
        account = member_account(invoice.member)
        if account not in due:
            raise AccountUnknown(account=account_name(account))
        for party, paid in ((account, invoice.paid_cents), (GRID, -invoice.paid_cents)):
            due[party] += paid
            hashes.setdefault(party, []).append(invoice.invoice)
    return tuple(Payment(account=a, amount_cents=c, invoices=tuple(hashes.get(a, ()))) for a, c in due.items())


def _book(
    books: dict[tuple[AccountId, GroupId], list[Entry]], account: AccountId, group: GroupId, line: int, amount: int
) -> None:
    book = books.get((account, group))
    if book is None:
        book = books[account, group] = []
    balance = book[-1].balance_cents + amount if book else amount
    book.append(
        Entry(
            account=account, group=group, index=len(book), line=line, amount_cents=amount, balance_cents=balance
        )
    )  # fmt: skip


def _same(kind: str, want: Sequence[object], got: Sequence[object]) -> None:
    for index, (a, b) in enumerate(zip(want, got, strict=False)):
        if a != b:
            raise LeafContradicts(kind=kind, index=index, want=str(a), got=str(b))
    if len(want) != len(got):
        raise LeafContradicts(kind=kind, index=min(len(want), len(got)), want=str(len(want)), got=str(len(got)))


def _check_running_totals(statement: Statement) -> None:
    net = {(q.slot, q.station): q.net_wh for q in statement.quantities}
    before = (0, 0)
    for index, total in enumerate(statement.slot_totals):
        imports, exports = before if total.position else (0, 0)
        energy = net.get((total.slot, total.station), 0)
        want = (imports + max(0, -energy), exports + max(0, energy))
        before = (total.imports_wh, total.exports_wh)
        if before != want:
            raise LeafContradicts(kind="slot_totals", index=index, want=str(want), got=str(before))
