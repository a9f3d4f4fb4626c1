"""Rows of sessions: a token is kept by its hash alone, a nonce is used once."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, LargeBinary, String, delete, insert, select

from alliance.identity import Address
from api.database import stamped

sessions = stamped(
    "sessions",
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("nonce", String(100), nullable=False, unique=True),
    Column("idempotency_key", String(200), nullable=False),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("address", LargeBinary(20), nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in wallet until `expires_ms`; `fingerprint` is the SHA-256 of the request that opened it."""

    token_hash: bytes
    nonce: str
    idempotency_key: str
    fingerprint: bytes
    address: Address
    expires_ms: int


def by_token(connection: Connection, token_hash: bytes) -> Session | None:
    """The session of a token's hash."""
    return _one(connection, sessions.c.token_hash == token_hash)


def by_nonce(connection: Connection, nonce: str) -> Session | None:
    """The session that used a nonce."""
    return _one(connection, sessions.c.nonce == nonce)


def add(connection: Connection, session: Session) -> None:
    """Open a session."""
    row = {name: getattr(session, name) for name in Session.__slots__}
    connection.execute(insert(sessions), row)


def end(connection: Connection, token_hash: bytes, *, now_ms: int) -> None:
    """End a session; its row stays until the nonce is too old to be used again."""
    connection.execute(sessions.update().where(sessions.c.token_hash == token_hash).values(expires_ms=now_ms))


def forget_before(connection: Connection, t_ms: int) -> None:
    """Drop sessions that ended before an instant."""
    connection.execute(delete(sessions).where(sessions.c.expires_ms < t_ms))


def _one(connection: Connection, condition: object) -> Session | None:
    columns = [sessions.c[name] for name in Session.__slots__]
    row = connection.execute(select(*columns).where(condition)).mappings().one_or_none()  # type: ignore[arg-type]  # a column comparison
    return None if row is None else Session(**row)
