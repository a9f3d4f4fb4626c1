"""Rows of members, as `AllianceRegistry` told them: one row an event, the latest one counts."""

from sqlalchemy import Column, Connection, Integer, LargeBinary, String, insert

from alliance.identity import Address, Digest, MemberId
from api.projection import projected

member_events = projected(
    "member_events",
    Column("address", LargeBinary(20), nullable=False, index=True),
    Column("member", Integer, nullable=True, index=True),
    Column("status", String(12), nullable=False),
)
application_events = projected(
    "application_events",
    Column("address", LargeBinary(20), nullable=False, index=True),
    Column("what", String(12), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)
rosters = projected(
    "rosters",
    Column("from_day", Integer, nullable=False, index=True),
    Column("members", LargeBinary, nullable=False),
)


def add_event(
    connection: Connection, *, block: int, log_index: int, address: Address, member: MemberId | None, status: str
) -> None:
    """An account's standing changed."""
    row = {"block": block, "log_index": log_index, "address": address, "member": member, "status": status}
    connection.execute(insert(member_events), row)


def add_application(
    connection: Connection, *, block: int, log_index: int, address: Address, what: str, hash: Digest
) -> None:
    """An account applied, took its application back or was refused; `hash` is the papers' or the reason's."""
    row = {"block": block, "log_index": log_index, "address": address, "what": what, "hash": hash}
    connection.execute(insert(application_events), row)


def add_roster(connection: Connection, *, block: int, log_index: int, from_day: int, members: bytes) -> None:
    """The roster from a local day on; `members` is its numbers, 4 bytes each."""
    row = {"block": block, "log_index": log_index, "from_day": from_day, "members": members}
    connection.execute(insert(rosters), row)
