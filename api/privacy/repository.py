"""Rows of subjects' keys, encrypted blocks, readers, what they were granted, erasures, and the trail of all of it."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    and_,
    insert,
    select,
    update,
)

from alliance.identity import Address, Digest, MemberId
from api.database import stamped

subject_keys = stamped(
    "subject_keys",
    Column("subject", BigInteger, primary_key=True, autoincrement=False),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=True),
    Column("made_ms", BigInteger, nullable=False),
    Column("destroyed_ms", BigInteger, nullable=True),
)
sealed_blocks = stamped(
    "sealed_blocks",
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("subject", BigInteger, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("epoch", BigInteger, nullable=False, index=True),
    Column("info", LargeBinary, nullable=False),
    Index("sealed_blocks_of_subject", "subject", "generation", "epoch"),
    sqlite_autoincrement=True,
)
readers = stamped(
    "readers",
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("fingerprint", String(20), nullable=False, index=True),
    Column("kind", String(10), nullable=False),
    Column("name", String(100), nullable=False),
    Column("member", Integer, nullable=True),
    Column("account", LargeBinary(20), nullable=True, index=True),
    Column("added_by", String(42), nullable=False),
    Column("added_ms", BigInteger, nullable=False),
    Column("removed_ms", BigInteger, nullable=True),
    Column("cursor", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    sqlite_autoincrement=True,
)
reader_subjects = stamped(
    "reader_subjects",
    Column("reader", Integer, primary_key=True, autoincrement=False),
    Column("subject", BigInteger, primary_key=True, autoincrement=False),
)
erasures = stamped(
    "erasures",
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("subject", BigInteger, nullable=False, index=True),
    Column("through_epoch", BigInteger, nullable=False),
    Column("asked_by", String(42), nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("done_ms", BigInteger, nullable=True),
    sqlite_autoincrement=True,
)
privacy_trail = stamped(
    "privacy_trail",
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("t_ms", BigInteger, nullable=False),
    Column("what", String(20), nullable=False),
    Column("by", String(42), nullable=False),
    Column("fingerprint", String(20), nullable=True),
    Column("kind", String(10), nullable=True),
    Column("subject", BigInteger, nullable=True, index=True),
    sqlite_autoincrement=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderRow:
    """A registered reader; `cursor` is the last block that it was granted, `revision` counts fresh starts."""

    number: int
    public_key: bytes
    fingerprint: str
    kind: str
    name: str
    member: MemberId | None
    account: Address | None
    added_by: str
    added_ms: int
    removed_ms: int | None
    cursor: int
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow:
    """An encrypted block: whose key it hangs on, and what its content key is derived for."""

    digest: Digest
    subject: int
    generation: int
    epoch: int
    info: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailRow:
    """One act of the trail; `number` counts them."""

    number: int
    t_ms: int
    what: str
    by: str
    fingerprint: str | None
    kind: str | None
    subject: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRow:
    """An erasure: everything of a subject up to an epoch; `done_ms` once that epoch is closed and gone too."""

    number: int
    subject: int
    through_epoch: int
    asked_by: str
    asked_ms: int
    done_ms: int | None


def live_key(connection: Connection, subject: int) -> tuple[int, bytes] | None:
    """Generation and stored bytes of a subject's present key, None when it has none (yet, or any more)."""
    query = select(subject_keys).where(subject_keys.c.subject == subject, subject_keys.c.wrapped.is_not(None))
    row = connection.execute(query.order_by(subject_keys.c.generation.desc()).limit(1)).one_or_none()
    return None if row is None else (row.generation, row.wrapped)


def key_of(connection: Connection, subject: int, generation: int) -> bytes | None:
    """The stored bytes of one of a subject's keys, None once it was destroyed."""
    mine = and_(subject_keys.c.subject == subject, subject_keys.c.generation == generation)
    return connection.execute(select(subject_keys.c.wrapped).where(mine)).scalar_one_or_none()


def next_generation(connection: Connection, subject: int) -> int:
    """The number of a subject's next key."""
    query = select(subject_keys.c.generation).where(subject_keys.c.subject == subject)
    return len(connection.execute(query).all()) + 1


def add_key(connection: Connection, *, subject: int, generation: int, wrapped: bytes, t_ms: int) -> None:
    """Keep a new key of a subject."""
    row = {"subject": subject, "generation": generation, "wrapped": wrapped, "made_ms": t_ms}
    connection.execute(insert(subject_keys), row)


def destroy_keys(connection: Connection, subject: int, *, t_ms: int) -> int:
    """Overwrite a subject's keys with nothing; how many there were."""
    mine = (subject_keys.c.subject == subject, subject_keys.c.wrapped.is_not(None))
    return connection.execute(update(subject_keys).where(*mine).values(wrapped=None, destroyed_ms=t_ms)).rowcount


def add_sealed(connection: Connection, rows: list[SealedRow]) -> None:
    """Remember what encrypted blocks hang on; one that is known already stays as it is."""
    known = select(sealed_blocks.c.digest).where(sealed_blocks.c.digest.in_([row.digest for row in rows]))
    have = set(connection.execute(known).scalars())
    new = [{name: getattr(row, name) for name in SealedRow.__slots__} for row in rows if row.digest not in have]
    if new:
        connection.execute(insert(sealed_blocks), new)


def sealed_after(connection: Connection, number: int, *, limit: int) -> list[tuple[int, int, int]]:
    """(number, epoch, subject) of encrypted blocks behind a number."""
    columns = (sealed_blocks.c.number, sealed_blocks.c.epoch, sealed_blocks.c.subject)
    query = select(*columns).where(sealed_blocks.c.number > number).order_by(sealed_blocks.c.number).limit(limit)
    return [(row.number, row.epoch, row.subject) for row in connection.execute(query)]


def sealed_of_epoch(connection: Connection, epoch: int) -> list[SealedRow]:
    """The encrypted blocks of an epoch."""
    query = select(sealed_blocks).where(sealed_blocks.c.epoch == epoch).order_by(sealed_blocks.c.digest)
    return [
        SealedRow(
            digest=Digest(r.digest), subject=r.subject, generation=r.generation, epoch=r.epoch, info=r.info
        )
        for r in connection.execute(query)
    ]  # fmt: skip


def epochs_of_subject(connection: Connection, subject: int) -> list[int]:
    """The epochs that hold encrypted blocks of a subject."""
    query = select(sealed_blocks.c.epoch).where(sealed_blocks.c.subject == subject).distinct()
    return sorted(connection.execute(query).scalars())


def add_reader(connection: Connection, values: dict[str, object]) -> ReaderRow:
    """Register a reader."""
    number = connection.execute(insert(readers).values(**values, cursor=0, revision=0).returning(readers.c.number))
    return _one_reader(connection, readers.c.number == number.scalar_one())


def active_readers(connection: Connection) -> list[ReaderRow]:
    """Readers that were not removed, in the order of their registration."""
    query = select(readers).where(readers.c.removed_ms.is_(None)).order_by(readers.c.number)
    return [_reader(row) for row in connection.execute(query)]


def active_reader(connection: Connection, fingerprint: str) -> ReaderRow | None:
    """The reader of a fingerprint that was not removed."""
    query = select(readers).where(readers.c.fingerprint == fingerprint, readers.c.removed_ms.is_(None))
    row = connection.execute(query).one_or_none()
    return None if row is None else _reader(row)


def remove_reader(connection: Connection, number: int, *, t_ms: int) -> None:
    """A reader was removed."""
    connection.execute(update(readers).where(readers.c.number == number).values(removed_ms=t_ms))


def start_afresh(connection: Connection, number: int) -> None:
    """All grants of a reader are to be written anew."""
    values = {"cursor": 0, "revision": readers.c.revision + 1}
    connection.execute(update(readers).where(readers.c.number == number).values(values))


def granted(connection: Connection, reader: ReaderRow, *, cursor: int) -> bool:
    """A reader was granted the blocks up to a number; False when it has to start afresh meanwhile."""
    mine = (readers.c.number == reader.number, readers.c.revision == reader.revision, readers.c.removed_ms.is_(None))
    return bool(connection.execute(update(readers).where(*mine).values(cursor=cursor)).rowcount)


def given_to(connection: Connection, reader: int) -> set[int]:
    """The subjects that a reader was given one by one."""
    query = select(reader_subjects.c.subject).where(reader_subjects.c.reader == reader)
    return set(connection.execute(query).scalars())


def give(connection: Connection, reader: int, subject: int) -> None:
    """Give a reader a subject."""
    connection.execute(insert(reader_subjects), {"reader": reader, "subject": subject})


def take_back(connection: Connection, reader: int, subject: int) -> None:
    """Take a subject from a reader."""
    mine = (reader_subjects.c.reader == reader, reader_subjects.c.subject == subject)
    connection.execute(reader_subjects.delete().where(*mine))


def add_erasure(connection: Connection, values: dict[str, object]) -> None:
    """Keep that an erasure was asked for."""
    connection.execute(insert(erasures), values)


def erasures_of(connection: Connection, *, open_only: bool) -> list[ErasureRow]:
    """Erasures in order; those alone that are not finished when asked."""
    query = select(erasures).order_by(erasures.c.number)
    if open_only:
        query = query.where(erasures.c.done_ms.is_(None))
    return [
        ErasureRow(**{name: getattr(row, name) for name in ErasureRow.__slots__}) for row in connection.execute(query)
    ]


def finish_erasure(connection: Connection, number: int, *, t_ms: int) -> None:
    """An erasure is finished."""
    connection.execute(update(erasures).where(erasures.c.number == number).values(done_ms=t_ms))


def note(
    connection: Connection, *, t_ms: int, what: str, by: str, fingerprint: str | None = None, kind: str | None = None,
    subject: int | None = None,
) -> None:  # fmt: skip
    """Add an act to the trail."""
    row = {"t_ms": t_ms, "what": what, "by": by, "fingerprint": fingerprint, "kind": kind, "subject": subject}
    connection.execute(insert(privacy_trail), row)


def trail_after(connection: Connection, number: int) -> list[TrailRow]:
    """The trail behind a number, in order."""
    query = select(privacy_trail).where(privacy_trail.c.number > number).order_by(privacy_trail.c.number)
    return [TrailRow(**{n: getattr(row, n) for n in TrailRow.__slots__}) for row in connection.execute(query)]


def _one_reader(connection: Connection, condition: object) -> ReaderRow:
    return _reader(connection.execute(select(readers).where(condition)).one())  # type: ignore[arg-type]  # a column comparison


def _reader(row: Row[tuple[object, ...]]) -> ReaderRow:
    return ReaderRow(**{name: getattr(row, name) for name in ReaderRow.__slots__})
