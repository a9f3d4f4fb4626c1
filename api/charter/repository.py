"""Rows of the charter (protocol 7.5, 7.6): proposals, what members did about them, and what holds from which day."""

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, String, Table, insert

from api.projection import projected
from chain import abi, events
from chain.charter import MECHANISM
from chain.events import Event

charters = projected(
    "charters",
    Column("voting_seconds", BigInteger, nullable=False),
    Column("delay_seconds", BigInteger, nullable=False),
    Column("grace_seconds", BigInteger, nullable=False),
    Column("quorum_bp", Integer, nullable=False),
    Column("majority_bp", Integer, nullable=False),
)
proposals = projected(
    "proposals",
    Column("proposal", BigInteger, nullable=False, unique=True),
    Column("proposer", Integer, nullable=False),
    Column("target", LargeBinary(20), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("description", LargeBinary(32), nullable=False),
    Column("electorate", Integer, nullable=False),
    Column("voting_ends_s", BigInteger, nullable=False),
    Column("time_s", BigInteger, nullable=False),
)
ballots = projected(
    "ballots",
    Column("proposal", BigInteger, nullable=False, index=True),
    Column("member", Integer, nullable=False),
    Column("ballot", String(12), nullable=False),
    Column("votes_for", Integer, nullable=False),
    Column("votes_against", Integer, nullable=False),
)
outcomes = projected(
    "proposal_outcomes",
    Column("proposal", BigInteger, nullable=False, index=True),
    Column("what", String(12), nullable=False),
    Column("executable_from_s", BigInteger, nullable=True),
)
rulings = projected(
    "rulings",
    Column("kind", String(12), nullable=False),
    Column("name", LargeBinary(32), nullable=False),
    Column("from_day", BigInteger, nullable=False),
    Column("value", LargeBinary, nullable=False),
)
revocations = projected(
    "revocations",
    Column("role", LargeBinary(32), nullable=False),
    Column("account", LargeBinary(20), nullable=False),
    Column("guardian", LargeBinary(20), nullable=False),
    Column("member", Integer, nullable=True),
    Column("until_s", BigInteger, nullable=True),
)


def apply(connection: Connection, place: dict[str, int], event: Event) -> None:
    """Record what an event of the charter says; any other one is passed over."""
    found = _row(event)
    if found is not None:
        table, row = found
        connection.execute(insert(table), place | row)


def _row(event: Event) -> tuple[Table, dict[str, object]] | None:
    match event:
        case events.CharterFounded():
            return charters, {c.name: getattr(event.rules, c.name) for c in charters.c if hasattr(event.rules, c.name)}
        case events.ProposalMade():
            row = {c.name: getattr(event, c.name) for c in proposals.c if hasattr(event, c.name)}
            return proposals, row | {"time_s": event.at.timestamp_s}
        case events.VoteCast():
            return _ballot(event, "for" if event.in_favour else "against")
        case events.ProposalObjected():
            return _ballot(event, "objected")
        case events.ProposalAccepted():
            return _outcome(event.proposal, "accepted", event.executable_from_s)
        case events.ProposalCancelled():
            return _outcome(event.proposal, "cancelled", None)
        case events.ProposalExecuted():
            return _outcome(event.proposal, "executed", None)
        case _:
            return _ruling(event)


def _ruling(event: Event) -> tuple[Table, dict[str, object]] | None:
    match event:
        case events.ValueSet():
            return _holds("value", event.name, event.from_day, event.value.to_bytes(32, "big"))
        case events.PackSet():
            return _holds("pack", event.kind, event.from_day, event.pack_hash)
        case events.SuccessorSet():
            return _holds("successor", event.role, event.from_day, event.successor)
        case events.MechanismSet():
            name = bytes([event.station_type])
            return _holds("mechanism", name, event.from_day, abi.encode(MECHANISM, event.mechanism.words))
        case events.RevocationAsked():
            return _revocation(event, member=None, until_s=event.until_s)
        case events.RevokedByTwo():
            return _revocation(event, member=event.member, until_s=None)
        case _:
            return None


def _ballot(event: events.VoteCast | events.ProposalObjected, ballot: str) -> tuple[Table, dict[str, object]]:
    return ballots, {
        "proposal": event.proposal, "member": event.member, "ballot": ballot, "votes_for": event.votes_for,
        "votes_against": event.votes_against,
    }  # fmt: skip


def _outcome(proposal: int, what: str, executable_from_s: int | None) -> tuple[Table, dict[str, object]]:
    return outcomes, {"proposal": proposal, "what": what, "executable_from_s": executable_from_s}


def _holds(kind: str, name: bytes, from_day: int, value: bytes) -> tuple[Table, dict[str, object]]:
    return rulings, {"kind": kind, "name": name, "from_day": from_day, "value": value}


def _revocation(
    event: events.RevocationAsked | events.RevokedByTwo, *, member: int | None, until_s: int | None
) -> tuple[Table, dict[str, object]]:
    return revocations, {
        "role": event.role, "account": event.account, "guardian": event.guardian, "member": member, "until_s": until_s,
    }  # fmt: skip
