"""What an audit is asked about (protocol 11.6): everything, or one member's or lease's evidence and money.

The whole public log is checked in either case; a focus limits which readings are opened and whose lines are listed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from alliance.errors import Missing
from alliance.identity import LeaseId, MemberId, StationId
from alliance.statement import LEASE_KINDS, Line, LineKind, account_name, member_account
from audit import members
from audit.facts import Facts
from audit.verdict import MoneyRow

_OF_LEASES = LEASE_KINDS | {LineKind.LEASE_ENERGY, LineKind.LEASE_NETWORK}


@dataclass(kw_only=True, eq=False)
class FocusUnknown(Missing):
    """No such member or lease stands on the chain."""

    what: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Focus:
    """One member, one lease, or everything."""

    member: MemberId | None = None
    lease: LeaseId | None = None

    @property
    def name(self) -> str:
        """`member 3`, `lease 2`, or empty."""
        if self.member is not None:
            return f"member {self.member}"
        return "" if self.lease is None else f"lease {self.lease}"

    def stations(self, facts: Facts) -> frozenset[StationId] | None:
        """The stations whose readings are opened, None for all. Raises FocusUnknown."""
        if self.member is not None:
            if self.member not in {number for roster in members.rosters(facts) for number in roster}:
                raise FocusUnknown(what="member", number=self.member)
            return frozenset(s.number for s in members.stations(facts) if s.owner == self.member)
        if self.lease is None:
            return None
        found = frozenset(x.station for x in members.leases(facts) if x.number == self.lease)
        if not found:
            raise FocusUnknown(what="lease", number=self.lease)
        return found

    def money(self, lines: Iterable[Line]) -> tuple[MoneyRow, ...]:
        """The lines that concern the focus, added up by kind, counterparty and subject; none without a focus."""
        sums: dict[tuple[LineKind, str, int], list[int]] = {}
        for line in lines:
            side = self._side(line)
            if not side:
                continue
            other = account_name(line.counterparty if side > 0 else line.account)
            row = sums.setdefault((line.kind, other, line.subject), [0, 0, 0])
            for at, value in enumerate((1, line.quantity_wh, side * line.amount_cents)):
                row[at] += value
        return tuple(
            MoneyRow(kind=kind, counterparty=other, subject=subject, lines=n, quantity_wh=wh, amount_cents=cents)
            for (kind, other, subject), (n, wh, cents) in sorted(sums.items())
        )

    def _side(self, line: Line) -> int:
        """1 where the focus (a lease: its lessee) receives a line's amount, −1 where it pays, 0 for others' lines."""
        if self.lease is not None:
            return 1 if line.kind in _OF_LEASES and line.subject == self.lease else 0
        if self.member is None:
            return 0
        account = member_account(self.member)
        return (line.account == account) - (line.counterparty == account)


EVERYTHING = Focus()
