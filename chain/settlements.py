"""`SettlementLedger` (protocol 7 and 8.9): call data that posts statements, and what its views say. Amounts: cents."""

from collections.abc import Sequence
from dataclasses import dataclass

from alliance.calendar import Day
from alliance.identity import Digest, MemberId
from chain.abi import Function
from chain.contract import DeployedContract
from chain.rpc import BlockTag

PLATFORM = 0xFFFFFFFD
GRID = 0xFFFFFFFE
POOL = 0xFFFFFFFF
"""Accounts that are no members, in the order in which balances list them after the roster."""

_POST = Function("post", "(uint32,uint16,uint32[],int64[],bytes32,uint32,bytes32)")
_RECORD_PAYMENT = Function("recordPayment", "(uint32,uint32,bytes32)")
_BALANCE = Function("balance", "(uint32,uint32)", "(int64)")
_TOTAL = Function("total", "(uint32)", "(int256)")
_BALANCES = Function("balances", "(uint32)", "(int64[])")
_ROSTER_OF = Function("rosterOf", "(uint32)", "(uint32[])")
_STATEMENT_OF = Function("statementOf", "(uint32,uint16)", "((bytes32,bytes32,bytes32,uint32,uint48,uint48))")
_VERSION_OF = Function("versionOf", "(uint32)", "(uint16)")
_FINAL_AT = Function("finalAt", "(uint32)", "(uint256)")
_PAYMENT_AT = Function("paymentAt", "(uint32,uint32,bytes32)", "(uint48)")
_NEXT_DAY = Function("nextDay", "()", "(uint32)")
_OPEN_DAY = Function("openDay", "(uint32)", "(uint16,uint16)")
_VOIDED_UP_TO = Function("voidedUpTo", "(uint32)", "(uint16)")
_JUDGEMENT = Function("judgement", "(uint32,uint256)", "(uint16,int64,int64)")
_ANSWER_SECONDS = Function("answerSeconds", "()", "(uint48)")
_WINDOW_SECONDS = Function("windowSeconds", "()", "(uint48)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A statement as it is posted: version 1 carries the day's balances, each later one differences; all sum to 0."""

    day: Day
    version: int
    members: tuple[MemberId, ...]
    """The day's frozen roster, ascending."""
    balances_cents: tuple[int, ...]
    """Members in that order, then platform, grid, pool; positive: the account receives."""
    root: Digest
    """Of the leaves' tree (protocol 8.9)."""
    leaf_count: int
    statement: Digest
    """SHA-256 of the statement's document block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedStatement:
    """What the ledger keeps of a posted statement."""

    root: Digest
    statement: Digest
    balances_hash: Digest
    """keccak256 of the ABI-encoded balances as posted."""
    leaf_count: int
    posted_at_s: int
    log_size: int
    """Entries of the log when it was posted: no later one may be its evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the court made of the leaf at a place (protocol 8.9.4)."""

    version: int
    """The newest version whose leaf was judged."""
    value: int
    """Of a line: the cents moved so far; of a quantity: its energy, Wh; of a slot total: its imports, Wh."""
    exports_wh: int


def post(posting: Posting) -> bytes:
    """Post a day's first statement or a correction (SETTLER)."""
    p = posting
    return _POST.encode(p.day.number, p.version, p.members, p.balances_cents, p.root, p.leaf_count, p.statement)


def posting(data: bytes) -> Posting:
    """Read the call data of `post` again. Raises AbiMalformed."""
    day, version, members, balances, root, leaf_count, statement = _POST.decode_call(data)
    return Posting(
        day=Day(day), version=version, members=tuple(map(MemberId, members)), balances_cents=balances,
        root=Digest(root), leaf_count=leaf_count, statement=Digest(statement),
    )  # fmt: skip


def record_payment(day: Day, member: MemberId, receipt: Digest) -> bytes:
    """Record, once, the hash of a bank's receipt for a member's final balance (SETTLER or that member)."""
    return _RECORD_PAYMENT.encode(day.number, member, receipt)


def balances_in_order(members: Sequence[MemberId], cents: dict[int, int]) -> tuple[int, ...]:
    """Balances by account as the contract lists them; an account that is not named has 0."""
    return tuple(cents.get(account, 0) for account in (*members, PLATFORM, GRID, POOL))


class SettlementLedger(DeployedContract):
    """The ledger's views, each at a block; they raise as `DeployedContract.ask`."""

    def balance_cents(self, day: Day, account: int, *, tag: BlockTag = "latest") -> int:
        """An account's balance of a day over all its versions. Raises Reverted (AccountUnknown)."""
        return int(self.ask(_BALANCE, day.number, account, tag=tag)[0])

    def total_cents(self, account: int, *, tag: BlockTag = "latest") -> int:
        """An account's balance over all days."""
        return int(self.ask(_TOTAL, account, tag=tag)[0])

    def balances_cents(self, day: Day, *, tag: BlockTag = "latest") -> tuple[int, ...]:
        """A day's balances over all its versions: roster, then platform, grid, pool."""
        return tuple(self.ask(_BALANCES, day.number, tag=tag)[0])

    def roster_of(self, day: Day, *, tag: BlockTag = "latest") -> tuple[MemberId, ...]:
        """The roster that a day was posted with."""
        return tuple(map(MemberId, self.ask(_ROSTER_OF, day.number, tag=tag)[0]))

    def statement_of(self, day: Day, version: int, *, tag: BlockTag = "latest") -> PostedStatement:
        """A posted statement. Raises Reverted (StatementUnknown)."""
        root, statement, balances, leaf_count, posted_at, log_size = self.ask(
            _STATEMENT_OF, day.number, version, tag=tag
        )[0]
        return PostedStatement(
            root=Digest(root), statement=Digest(statement), balances_hash=Digest(balances), leaf_count=leaf_count,
            posted_at_s=posted_at, log_size=log_size,
        )  # fmt: skip

    def version_of(self, day: Day, *, tag: BlockTag = "latest") -> int:
        """A day's latest version, 0 if none was posted."""
        return int(self.ask(_VERSION_OF, day.number, tag=tag)[0])

    def final_at_s(self, day: Day, *, tag: BlockTag = "latest") -> int | None:
        """Unix seconds from which a day is final; None without a statement."""
        return int(self.ask(_FINAL_AT, day.number, tag=tag)[0]) or None

    def open_versions(self, day: Day, *, tag: BlockTag = "latest") -> tuple[int, int]:
        """The first and last version that stand and may be disputed.

        Raises Reverted (StatementUnknown, StatementVoid, StatementFinal).
        """
        first, last = self.ask(_OPEN_DAY, day.number, tag=tag)
        return int(first), int(last)

    def voided_up_to(self, day: Day, *, tag: BlockTag = "latest") -> int:
        """The last of a day's void versions, 0 if none is."""
        return int(self.ask(_VOIDED_UP_TO, day.number, tag=tag)[0])

    def judgement(self, day: Day, place: int, *, tag: BlockTag = "latest") -> Judgement | None:
        """What the court made of the leaf at a place (`chain.court.place_of`); None if it judged none there."""
        version, value, exports = self.ask(_JUDGEMENT, day.number, place, tag=tag)
        return Judgement(version=version, value=value, exports_wh=exports) if version else None

    def answer_seconds(self, *, tag: BlockTag = "latest") -> int:
        """For how long a day stays open at least after a correction or decision, or a demanded leaf unshown."""
        return int(self.ask(_ANSWER_SECONDS, tag=tag)[0])

    def payment_at_s(self, day: Day, member: MemberId, receipt: Digest, *, tag: BlockTag = "latest") -> int | None:
        """When a receipt was recorded, unix seconds; None if it was not."""
        return int(self.ask(_PAYMENT_AT, day.number, member, receipt, tag=tag)[0]) or None

    def next_day(self, *, tag: BlockTag = "latest") -> Day:
        """The next day whose first statement is due."""
        return Day(int(self.ask(_NEXT_DAY, tag=tag)[0]))

    def window_seconds(self, *, tag: BlockTag = "latest") -> int:
        """Seconds between a first statement and its finality."""
        return int(self.ask(_WINDOW_SECONDS, tag=tag)[0])
