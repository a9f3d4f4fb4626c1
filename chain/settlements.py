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
_STATEMENT_OF = Function("statementOf", "(uint32,uint16)", "((bytes32,bytes32,uint32,uint48))")
_VERSION_OF = Function("versionOf", "(uint32)", "(uint16)")
_FINAL_AT = Function("finalAt", "(uint32)", "(uint256)")
_PAYMENT_AT = Function("paymentAt", "(uint32,uint32,bytes32)", "(uint48)")
_NEXT_DAY = Function("nextDay", "()", "(uint32)")
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
    leaf_count: int
    posted_at_s: int


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
        root, statement, leaf_count, posted_at = self.ask(_STATEMENT_OF, day.number, version, tag=tag)[0]
        return PostedStatement(
            root=Digest(root), statement=Digest(statement), leaf_count=leaf_count, posted_at_s=posted_at
        )

    def version_of(self, day: Day, *, tag: BlockTag = "latest") -> int:
        """A day's latest version, 0 if none was posted."""
        return int(self.ask(_VERSION_OF, day.number, tag=tag)[0])

    def final_at_s(self, day: Day, *, tag: BlockTag = "latest") -> int | None:
        """Unix seconds from which a day is final; None without a statement."""
        return int(self.ask(_FINAL_AT, day.number, tag=tag)[0]) or None

    def payment_at_s(self, day: Day, member: MemberId, receipt: Digest, *, tag: BlockTag = "latest") -> int | None:
        """When a receipt was recorded, unix seconds; None if it was not."""
        return int(self.ask(_PAYMENT_AT, day.number, member, receipt, tag=tag)[0]) or None

    def next_day(self, *, tag: BlockTag = "latest") -> Day:
        """The next day whose first statement is due."""
        return Day(int(self.ask(_NEXT_DAY, tag=tag)[0]))

    def window_seconds(self, *, tag: BlockTag = "latest") -> int:
        """Seconds between a first statement and its finality."""
        return int(self.ask(_WINDOW_SECONDS, tag=tag)[0])
