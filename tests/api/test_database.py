"""Protocol 10.1: settings on which durability rests are checked, migrations go both ways, each as its tables say."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select

import api.app  # noqa: F401  # every slice's tables
from api import database as module
from api.database import Database, DatabaseForeign, DatabaseUnsafe, alembic_config, alliances, metadata
from api.projection import blocks

ALLIANCE = b"\x0a" * 32


@pytest.fixture
def database(tmp_path: Path):
    made = Database(tmp_path / "x.sqlite", alliance=ALLIANCE)
    yield made
    made.close()


def tables(database: Database) -> set[str]:
    with sqlite3.connect(database.path) as plain:
        found = {row[0] for row in plain.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    plain.close()
    return {name for name in found if not name.startswith("sqlite_")}


def test_every_connection_is_durable_when_it_is_opened(database: Database) -> None:
    with database.reading() as connection:
        got = {
            p: connection.exec_driver_sql(f"PRAGMA {p}").scalar()
            for p in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert got == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_database_is_refused_when_sqlite_does_not_take_a_setting(monkeypatch, tmp_path: Path) -> None:
    pragmas = [(p, "DELETE" if p == "journal_mode" else value, want) for p, value, want in module._PRAGMAS]
    monkeypatch.setattr(module, "_PRAGMAS", tuple(pragmas))
    database = Database(tmp_path / "x.sqlite", alliance=ALLIANCE)
    with pytest.raises(DatabaseUnsafe), database.reading():
        pass
    database.close()


def test_tables_are_those_of_the_program_when_migrated(database: Database) -> None:
    database.upgrade()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []


def test_every_migration_goes_down_and_up_again_when_taken_one_by_one(database: Database) -> None:
    database.upgrade()
    whole = tables(database)
    with database.engine.connect() as connection:
        steps = list(ScriptDirectory.from_config(alembic_config(connection)).walk_revisions())
    for step in steps:
        with database.engine.connect() as connection:
            command.downgrade(alembic_config(connection), f"{step.revision}@-1" if step.is_branch_point else "-1")
    assert tables(database) == {"alembic_version"}
    database.upgrade()
    assert tables(database) == whole


def test_rows_carry_alliance_and_version_when_stored(database: Database) -> None:
    database.upgrade()
    with database.writing() as connection:
        connection.execute(insert(blocks), [{"number": n, "hash": bytes(32), "time_s": n} for n in range(3)])
    with database.reading() as connection:
        stamps = set(map(tuple, connection.execute(select(blocks.c.alliance, blocks.c.v))))
    assert stamps == {(ALLIANCE, 1)}
    assert all({"alliance", "v"} <= set(table.c.keys()) for table in metadata.tables.values())


def test_nothing_is_kept_when_a_transaction_raises(database: Database) -> None:
    database.upgrade()
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        connection.execute(insert(blocks), {"number": 1, "hash": bytes(32), "time_s": 1})
        _ = 1 // 0
    with database.reading() as connection:
        assert connection.execute(select(blocks)).all() == []


def test_database_is_refused_when_it_holds_another_alliance_or_version(database: Database) -> None:
    database.upgrade()
    database.claim(alliance=ALLIANCE, chain_id=31337, registry=b"\x11" * 20)
    database.claim(alliance=ALLIANCE, chain_id=31337, registry=b"\x11" * 20)
    with pytest.raises(DatabaseForeign):
        database.claim(alliance=b"\x0b" * 32, chain_id=31337, registry=b"\x11" * 20)
    with database.writing() as connection:
        connection.execute(alliances.update().values(v=2))
    with pytest.raises(DatabaseForeign):
        database.claim(alliance=ALLIANCE, chain_id=31337, registry=b"\x11" * 20)
