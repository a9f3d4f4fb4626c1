"""Who asks (protocol 10.6): a signed-in wallet, the operator by token, or nobody."""

from dataclasses import dataclass

from alliance.errors import Refused
from alliance.identity import Address, MemberId


@dataclass(kw_only=True, eq=False)
class NotSignedIn(Refused):
    """The request carries no valid session."""

    path: str


@dataclass(kw_only=True, eq=False)
class NotYours(Refused):
    """What is asked for belongs to another member."""

    what: str


@dataclass(kw_only=True, eq=False)
class NotOperator(Refused):
    """Only the operator may do this."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: `address` is the wallet's (None for the operator), `member` its number once admitted."""

    address: Address | None
    member: MemberId | None
    operator: bool = False
    regulator: bool = False
    """A wallet that the operator registered as a regulator's: reads everything, changes nothing (protocol 4.8.3)."""

    dispatcher: bool = False
    """A wallet whose key is a dispatcher's: instructs, and reads what became of it (protocol 9.15.6)."""

    @property
    def sees_everything(self) -> bool:
        """Whether the principal may read what belongs to any member."""
        return self.operator or self.regulator

    def check_reads(self, owner: MemberId | None, *, what: str) -> None:
        """Refuse anyone but the member that owns it, the operator and a regulator. Raises NotYours."""
        if not self.regulator:
            self.check_owns(owner, what=what)

    @property
    def name(self) -> str:
        """How the principal is written in records."""
        return "operator" if self.address is None else "0x" + self.address.hex()

    def check_owns(self, owner: MemberId | None, *, what: str) -> None:
        """Refuse anyone but the member that owns it and the operator. Raises NotYours."""
        if not self.operator and (owner is None or self.member != owner):
            raise NotYours(what=what)
