"""Registering readers and giving them subjects (protocol 4.8.3): who may do it, and what becomes of old grants.

A station's evidence is its owner's to give, the alliance's documents are the operator's; neither gives the other's. A
regulator's key is registered by the operator. Nothing here changes an address: grants are files beside the archive.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from alliance.errors import Conflicting, Malformed
from alliance.identity import Address, MemberId
from api.platform import Platform
from api.privacy import queries, repository
from api.privacy.queries import Act, ReaderKind
from api.privacy.repository import ReaderRow
from api.privacy.subjects import ALLIANCE
from api.session.principal import NotOperator, NotYours, Principal
from api.stations import queries as stations
from oracle import grant


@dataclass(kw_only=True, eq=False)
class ReaderKnown(Conflicting):
    """A key is registered already."""

    fingerprint: str


@dataclass(kw_only=True, eq=False)
class ReaderNotGiven(Malformed):
    """A member's reader needs its member; an auditor or regulator has none. A wallet is a regulator's alone."""

    kind: str
    field: str


@dataclass(kw_only=True, eq=False)
class ScopeFixed(Conflicting):
    """What a member or a regulator may read follows from what it is; only an auditor is given subjects."""

    fingerprint: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReader:
    """A reader as it is asked for; `member` is None for auditors and regulators."""

    public_key: bytes
    kind: ReaderKind
    name: str
    member: MemberId | None = None
    account: Address | None = None


def register(platform: Platform, connection: Connection, new: NewReader, *, by: Principal) -> ReaderRow:
    """Register a reader; past epochs in its scope are granted by the next rounds of the job.

    Raises NotYours, NotOperator, ReaderKeyUnusable, ReaderNotGiven or ReaderKnown.
    """
    _check_new(new, by)
    grant.check_public(new.public_key)
    named = grant.fingerprint(new.public_key)
    if repository.active_reader(connection, named) is not None:
        raise ReaderKnown(fingerprint=named)
    now_ms = platform.clock.now_ms()
    row = repository.add_reader(
        connection,
        {
            "public_key": new.public_key, "fingerprint": named, "kind": new.kind.value, "name": new.name,
            "member": new.member, "account": new.account, "added_by": by.name, "added_ms": now_ms,
        },
    )  # fmt: skip
    repository.note(
        connection, t_ms=now_ms, what=Act.ADDED.value, by=by.name, fingerprint=named, kind=new.kind.value
    )  # fmt: skip
    return row


def remove(platform: Platform, connection: Connection, fingerprint: str, *, by: Principal) -> ReaderRow:
    """Stop granting to a reader: the operator, or who registered it. Raises ReaderUnknown or NotYours."""
    row = queries.reader(connection, fingerprint)
    if not by.operator and row.added_by != by.name and (row.member is None or row.member != by.member):
        raise NotYours(what=f"reader {fingerprint}")
    now_ms = platform.clock.now_ms()
    repository.remove_reader(connection, row.number, t_ms=now_ms)
    repository.note(
        connection, t_ms=now_ms, what=Act.REMOVED.value, by=by.name, fingerprint=fingerprint, kind=row.kind
    )  # fmt: skip
    return row


def give(platform: Platform, connection: Connection, fingerprint: str, subject: int, *, by: Principal) -> ReaderRow:
    """Give an auditor a subject. Raises ReaderUnknown, ScopeFixed, StationUnknown, NotYours or NotOperator."""
    row = _auditor(connection, fingerprint, subject, by)
    if subject not in repository.given_to(connection, row.number):
        repository.give(connection, row.number, subject)
        _changed(platform, connection, row, subject, Act.GIVEN, by)
    return row


def take_back(
    platform: Platform, connection: Connection, fingerprint: str, subject: int, *, by: Principal
) -> ReaderRow:
    """Take a subject from an auditor. Raises as `give`."""
    row = _auditor(connection, fingerprint, subject, by)
    if subject in repository.given_to(connection, row.number):
        repository.take_back(connection, row.number, subject)
        _changed(platform, connection, row, subject, Act.TAKEN_BACK, by)
    return row


def drop_files(platform: Platform, fingerprint: str, epochs: list[int] | None = None) -> None:
    """Delete a reader's grants (of some epochs). After the commit: what is deleted in vain is written again."""
    for epoch in platform.grants.epochs(fingerprint) if epochs is None else epochs:
        platform.grants.drop(fingerprint, epoch)


def check_gives(connection: Connection, subject: int, by: Principal) -> None:
    """Refuse who may not dispose of a subject. Raises StationUnknown, NotYours or NotOperator."""
    if subject == ALLIANCE:
        if not by.operator:
            raise NotOperator(what="the alliance's documents")
        return
    owner = stations.owner_of(connection, subject)
    if by.member is None or by.member != owner:
        raise NotYours(what=f"the evidence of station {subject}")


def _check_new(new: NewReader, by: Principal) -> None:
    match new.kind:
        case ReaderKind.MEMBER:
            if new.member is None:
                raise ReaderNotGiven(kind=new.kind.value, field="member")
            by.check_owns(new.member, what=f"member {new.member}")
        case ReaderKind.AUDITOR:
            if not by.operator and by.member is None:
                raise NotYours(what="the alliance's readers")
        case ReaderKind.REGULATOR:
            if not by.operator:
                raise NotOperator(what="a regulator's key")
    if new.member is not None and new.kind is not ReaderKind.MEMBER:
        raise ReaderNotGiven(kind=new.kind.value, field="member")
    if new.account is not None and new.kind is not ReaderKind.REGULATOR:
        raise ReaderNotGiven(kind=new.kind.value, field="account")


def _auditor(connection: Connection, fingerprint: str, subject: int, by: Principal) -> ReaderRow:
    check_gives(connection, subject, by)
    row = queries.reader(connection, fingerprint)
    if row.kind != ReaderKind.AUDITOR.value:
        raise ScopeFixed(fingerprint=fingerprint, kind=row.kind)
    return row


def _changed(platform: Platform, connection: Connection, row: ReaderRow, subject: int, act: Act, by: Principal) -> None:
    """Note the act; the job writes all of the reader's grants anew."""
    repository.start_afresh(connection, row.number)
    repository.note(
        connection, t_ms=platform.clock.now_ms(), what=act.value, by=by.name, fingerprint=row.fingerprint,
        kind=row.kind, subject=subject,
    )  # fmt: skip
