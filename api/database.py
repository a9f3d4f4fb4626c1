"""The service's database (protocol 10.1): SQLite in WAL mode, synchronous=FULL, one commit at each boundary.

Every row carries the alliance's id and the protocol's version; the engine stamps them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from alembic import command
from alembic.config import Config
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    create_engine,
    event,
    insert,
    select,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.schema import SchemaItem

from alliance.errors import Conflicting, Refused

PROTOCOL_VERSION = 1
_PRAGMAS: tuple[tuple[str, str, object], ...] = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("foreign_keys", "ON", 1),
    ("busy_timeout", "30000", 30000),
    ("secure_delete", "ON", 1),
)

metadata = MetaData()


@dataclass(kw_only=True, eq=False)
class DatabaseUnsafe(Refused):
    """SQLite did not take a setting on which durability rests."""

    pragma: str
    want: str
    got: str


@dataclass(kw_only=True, eq=False)
class DatabaseForeign(Conflicting):
    """The database holds another alliance, or a protocol version that this program does not know."""

    want_alliance: bytes
    got_alliance: bytes
    want_version: int
    got_version: int


class _Context(Protocol):
    execution_options: dict[str, Any]


def _stamp(context: _Context) -> bytes:
    alliance: bytes = context.execution_options["alliance"]
    return alliance


def stamped(name: str, *items: SchemaItem, sqlite_autoincrement: bool = False) -> Table:
    """A table whose rows carry the alliance's id and the protocol's version, filled in by the engine."""
    return Table(
        name,
        metadata,
        *items,
        Column("alliance", LargeBinary(32), nullable=False, default=_stamp),
        Column("v", SmallInteger, nullable=False, default=PROTOCOL_VERSION),
        sqlite_autoincrement=sqlite_autoincrement,
    )


alliances = Table(
    "alliances",
    metadata,
    Column("alliance", LargeBinary(32), primary_key=True),
    Column("v", SmallInteger, nullable=False),
    Column("chain_id", Integer, nullable=False),
    Column("registry", LargeBinary(20), nullable=False),
)


class Database:
    """One SQLite file of one alliance."""

    def __init__(self, path: Path, *, alliance: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        self.engine: Engine = engine.execution_options(alliance=alliance)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view; nothing is kept."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction of the only writer: committed, and on disk, when the block ends; undone if it raises."""
        with self.engine.connect().execution_options(immediate=True) as connection, connection.begin():
            yield connection

    def upgrade(self) -> None:
        """Bring the tables to this program's version."""
        with self.engine.connect() as connection:
            command.upgrade(alembic_config(connection), "heads")

    def claim(self, *, alliance: bytes, chain_id: int, registry: bytes) -> None:
        """Bind a fresh database to an alliance; refuse one that holds another. Raises DatabaseForeign."""
        row = {"alliance": alliance, "v": PROTOCOL_VERSION, "chain_id": chain_id, "registry": registry}
        with self.writing() as connection:
            held = connection.execute(select(alliances.c.alliance, alliances.c.v)).one_or_none()
            if held is None:
                connection.execute(insert(alliances), row)
            elif tuple(held) != (alliance, PROTOCOL_VERSION):
                raise DatabaseForeign(
                    want_alliance=alliance, got_alliance=held[0], want_version=PROTOCOL_VERSION, got_version=held[1]
                )

    def scrub(self) -> None:
        """Let nothing of what was deleted stay in the write-ahead log; in the file it is overwritten when deleted."""
        with self.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration without a file: migrations beside this module, on an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _configure(connection: DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins; the driver never does so by itself
    cursor = connection.cursor()
    for pragma, value, want in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}={value}")
        got = cursor.execute(f"PRAGMA {pragma}").fetchone()[0]
        if got != want:
            raise DatabaseUnsafe(pragma=pragma, want=str(want), got=str(got))
    cursor.close()


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
