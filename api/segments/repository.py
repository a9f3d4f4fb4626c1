"""Rows of segments: the signed bytes and what they cover, each in its epoch; refused ones beside them as evidence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    SmallInteger,
    String,
    UniqueConstraint,
    and_,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from alliance.identity import Address, Digest
from alliance.segment import Head, Segment, SignedSegment
from api.database import stamped
from oracle.segment import SealedSegment

MAX_STRANGERS = 10_000
"""How many refused segments of unknown signers are kept; the oldest go first."""

segments = stamped(
    "segments",
    Column("digest", LargeBinary(32), primary_key=True),
    Column("device", LargeBinary(20), nullable=False),
    Column("channel", Integer, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("t_first_ms", BigInteger, nullable=False),
    Column("t_last_ms", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("prev", LargeBinary(32), nullable=False),
    Column("beacon_block", BigInteger, nullable=False),
    Column("beacon_hash", LargeBinary(32), nullable=False),
    Column("alg", SmallInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("signer", LargeBinary(20), nullable=False),
    Column("secret", LargeBinary(32), nullable=False),
    Column("readings", LargeBinary, nullable=False),
    Column("epoch", BigInteger, nullable=False, index=True),
    Column("received_ms", BigInteger, nullable=False),
    UniqueConstraint("device", "channel", "position"),
    UniqueConstraint("device", "channel", "prev"),
    Index("segments_by_seq", "device", "channel", "first_seq"),
    Index("segments_by_time", "device", "channel", "t_last_ms"),
)
refused_segments = stamped(
    "refused_segments",
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("raw_hash", LargeBinary(32), nullable=False),
    Column("code", String(60), nullable=False),
    Column("facts", String, nullable=False),
    Column("segment", LargeBinary(32), nullable=True, index=True),
    Column("device", LargeBinary(20), nullable=True, index=True),
    Column("channel", Integer, nullable=True),
    Column("signer", LargeBinary(20), nullable=True),
    Column("stranger", SmallInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    UniqueConstraint("raw_hash", "code"),
    sqlite_autoincrement=True,
)
conflicts = stamped(
    "conflicts",
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("kept", LargeBinary(32), nullable=False),
    Column("refused", LargeBinary(32), nullable=False, unique=True),
    Column("raw", LargeBinary, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A stored segment; `position` counts a stream's segments from 0, `epoch` is the one that logs it."""

    sealed: SealedSegment
    position: int
    epoch: int
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The end of a stream: where it continues, and the last reading's 64 bytes (empty before the first)."""

    head: Head
    position: int
    last_reading: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """A refused segment as evidence: the uploaded bytes, and why."""

    raw_hash: Digest
    code: str
    facts: str
    segment: Digest | None
    device: Address | None
    channel: int | None
    signer: Address | None
    stranger: bool
    raw: bytes
    received_ms: int


def by_digests(connection: Connection, digests: Sequence[Digest]) -> dict[Digest, Stored]:
    """The stored ones among some segments."""
    rows = connection.execute(select(segments).where(segments.c.digest.in_(digests)))
    return {Digest(row.digest): _stored(row) for row in rows}


def tail(connection: Connection, device: Address, channel: int) -> Tail | None:
    """The end of a stream, None before its first segment."""
    mine = (segments.c.device == device, segments.c.channel == channel)
    last = connection.execute(select(segments).where(*mine).order_by(segments.c.position.desc()).limit(1)).one_or_none()
    if last is None:
        return None
    full: Row[tuple[object, ...]] | None = last
    if not last._mapping["count"]:
        query = select(segments).where(*mine, segments.c.count > 0).order_by(segments.c.position.desc()).limit(1)
        full = connection.execute(query).one_or_none()
    return Tail(
        head=Head(next_seq=last.first_seq + last._mapping["count"], digest=Digest(last.digest)),
        position=last.position + 1,
        last_reading=b"" if full is None else full.readings[-64:],
    )


def tails(connection: Connection, device: Address) -> list[tuple[int, Tail, int]]:
    """The end of each stream of a device, by channel, and the epoch that logs it."""
    query = select(segments.c.channel, func.max(segments.c.epoch)).where(segments.c.device == device)
    found = connection.execute(query.group_by(segments.c.channel).order_by(segments.c.channel)).all()
    ends = [(channel, tail(connection, device, channel), epoch) for channel, epoch in found]
    return [(channel, end, epoch) for channel, end, epoch in ends if end is not None]


def rivals(connection: Connection, signed: SignedSegment) -> list[SignedSegment]:
    """Stored segments of the same signer and stream that may conflict with one: same prev, or overlapping ranges."""
    s = signed.segment
    overlap = and_(segments.c.first_seq < s.next_seq, segments.c.first_seq + segments.c.count > s.first_seq)
    query = select(segments).where(
        segments.c.device == s.device,
        segments.c.channel == s.channel,
        segments.c.signer == signed.signer,
        or_(segments.c.prev == s.prev, and_(segments.c.count > 0, overlap)),
    )
    return [_stored(row).sealed.signed for row in connection.execute(query.order_by(segments.c.position).limit(4))]


def behind(connection: Connection, device: Address, channel: int, prev: Digest) -> SignedSegment | None:
    """The stored segment of a stream that continues one; None when none does."""
    query = select(segments).where(
        segments.c.device == device, segments.c.channel == channel, segments.c.prev == prev
    )  # fmt: skip
    row = connection.execute(query).one_or_none()
    return None if row is None else _stored(row).sealed.signed


def add(connection: Connection, stored: Iterable[Stored]) -> None:
    """Store accepted segments."""
    rows = [_to_row(one) for one in stored]
    if rows:
        connection.execute(insert(segments), rows)


def refuse(connection: Connection, rows: Sequence[RefusedRow]) -> None:
    """Keep refused segments as evidence, each (bytes, reason) once."""
    if not rows:
        return
    values = [{name: getattr(row, name) for name in RefusedRow.__slots__} for row in rows]
    connection.execute(sqlite_insert(refused_segments).on_conflict_do_nothing(), values)
    if any(row.stranger for row in rows):
        _forget_old_strangers(connection)


def add_conflict(connection: Connection, *, kept: Digest, refused: Digest, raw: bytes, t_ms: int) -> bool:
    """Keep the proof of an equivocation; whether it is new."""
    row = {"kept": kept, "refused": refused, "raw": raw, "received_ms": t_ms}
    return bool(connection.execute(sqlite_insert(conflicts).on_conflict_do_nothing(), row).rowcount)


def conflicts_after(connection: Connection, number: int, *, limit: int) -> list[tuple[int, Digest, bytes]]:
    """Equivocations behind a number: number, digest of the kept segment, raw bytes of the refused one."""
    query = select(conflicts).where(conflicts.c.number > number).order_by(conflicts.c.number).limit(limit)
    return [(row.number, Digest(row.kept), row.raw) for row in connection.execute(query)]


def of_epoch(connection: Connection, epoch: int) -> list[SealedSegment]:
    """The segments that an epoch logs, by (device, channel, chain order)."""
    order = (segments.c.device, segments.c.channel, segments.c.position)
    rows = connection.execute(select(segments).where(segments.c.epoch == epoch).order_by(*order))
    return [_stored(row).sealed for row in rows]


def heads_before(connection: Connection, epoch: int) -> dict[tuple[Address, int], Digest]:
    """Digest of each stream's last segment that was logged before an epoch."""
    last = (
        select(segments.c.device, segments.c.channel, func.max(segments.c.position).label("position"))
        .where(segments.c.epoch < epoch)
        .group_by(segments.c.device, segments.c.channel)
        .subquery()
    )
    joined = and_(
        segments.c.device == last.c.device,
        segments.c.channel == last.c.channel,
        segments.c.position == last.c.position,
    )
    query = select(segments.c.device, segments.c.channel, segments.c.digest).join(last, joined)
    return {(Address(row.device), row.channel): Digest(row.digest) for row in connection.execute(query)}


def containing(connection: Connection, device: Address, channel: int, seq: int) -> Stored | None:
    """The stored segment that covers a reading."""
    query = (
        select(segments)
        .where(
            segments.c.device == device,
            segments.c.channel == channel,
            segments.c.first_seq <= seq,
            segments.c.count > 0,
        )
        .order_by(segments.c.first_seq.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return _stored(row) if row is not None and seq < row.first_seq + row._mapping["count"] else None


def between(
    connection: Connection, device: Address, channel: int, *, from_ms: int, to_ms: int, from_seq: int, limit: int
) -> list[Stored]:
    """Non-empty segments of a stream that may hold readings in from_ms ≤ t < to_ms and from a seq on, in order."""
    query = (
        select(segments)
        .where(
            segments.c.device == device,
            segments.c.channel == channel,
            segments.c.count > 0,
            segments.c.t_last_ms >= from_ms,
            segments.c.t_first_ms < to_ms,
            segments.c.first_seq + segments.c.count > from_seq,
        )
        .order_by(segments.c.position)
        .limit(limit)
    )
    return [_stored(row) for row in connection.execute(query)]


def logged(connection: Connection, device: Address, channel: int, *, from_epoch: int, to_epoch: int) -> list[Stored]:
    """Segments of a stream logged in from_epoch ≤ epoch ≤ to_epoch, and the last one with readings before those."""
    mine = (segments.c.device == device, segments.c.channel == channel, segments.c.epoch <= to_epoch)
    before = (
        select(segments)
        .where(*mine, segments.c.epoch < from_epoch, segments.c.count > 0)
        .order_by(segments.c.position.desc())
        .limit(1)
    )
    since = select(segments).where(*mine, segments.c.epoch >= from_epoch).order_by(segments.c.position)
    return [_stored(row) for query in (before, since) for row in connection.execute(query)]


def _forget_old_strangers(connection: Connection) -> None:
    table = refused_segments
    newest = select(table.c.number).where(table.c.stranger == 1).order_by(table.c.number.desc())
    oldest_kept = connection.execute(newest.offset(MAX_STRANGERS - 1).limit(1)).scalar_one_or_none()
    if oldest_kept is not None:
        connection.execute(table.delete().where(table.c.stranger == 1, table.c.number < oldest_kept))


def _to_row(stored: Stored) -> dict[str, object]:
    signed, s = stored.sealed.signed, stored.sealed.signed.segment
    return {
        "digest": signed.digest, "device": s.device, "channel": s.channel, "position": stored.position,
        "first_seq": s.first_seq, "count": s.count, "t_first_ms": s.t_first_ms, "t_last_ms": s.t_last_ms,
        "root": s.root, "prev": s.prev, "beacon_block": s.beacon_block, "beacon_hash": s.beacon_hash,
        "alg": signed.alg, "signature": signed.signature, "signer": signed.signer, "secret": stored.sealed.secret,
        "readings": stored.sealed.readings, "epoch": stored.epoch, "received_ms": stored.received_ms,
    }  # fmt: skip


def _stored(row: Row[tuple[object, ...]]) -> Stored:
    segment = Segment(
        device=Address(row.device),
        channel=row.channel,
        first_seq=row.first_seq,
        count=row._mapping["count"],
        t_first_ms=row.t_first_ms,
        t_last_ms=row.t_last_ms,
        root=Digest(row.root),
        prev=Digest(row.prev),
        beacon_block=row.beacon_block,
        beacon_hash=Digest(row.beacon_hash),
    )
    signed = SignedSegment(
        segment=segment, digest=Digest(row.digest), alg=row.alg, signature=row.signature, signer=Address(row.signer)
    )
    sealed = SealedSegment(signed=signed, secret=Digest(row.secret), readings=row.readings)
    return Stored(sealed=sealed, position=row.position, epoch=row.epoch, received_ms=row.received_ms)
