"""Rows of planning jobs: what was asked, how far it is, what came of it (protocol 10.14)."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Connection, Integer, String, func, insert, select, update

from api.database import stamped

plans = stamped(
    "plans",
    Column("plan", Integer, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("parent", Integer, nullable=True),
    Column("state", String(8), nullable=False, index=True),
    Column("stage", String(16), nullable=True),
    Column("asked_ms", BigInteger, nullable=False),
    Column("asked_by", String(42), nullable=False),
    Column("started_ms", BigInteger, nullable=True),
    Column("done_ms", BigInteger, nullable=True),
    Column("request", String, nullable=False),
    Column("result", String, nullable=True),
    Column("code", String(80), nullable=True),
    Column("facts", String, nullable=True),
    Column("text", String, nullable=True),
)


def add(connection: Connection, row: Mapping[str, object]) -> int:
    """Keep a job; its number."""
    done = connection.execute(insert(plans), dict(row))
    assert done.inserted_primary_key is not None
    return int(done.inserted_primary_key[0])


def change(connection: Connection, plan: int, values: Mapping[str, object]) -> None:
    """Set columns of a job."""
    connection.execute(update(plans).where(plans.c.plan == plan).values(dict(values)))


def has_running(connection: Connection) -> bool:
    """Whether a job is marked as running."""
    return connection.execute(select(plans.c.plan).where(plans.c.state == "running").limit(1)).first() is not None


def queue_again(connection: Connection) -> None:
    """Jobs that ran when the service ended wait once more."""
    connection.execute(update(plans).where(plans.c.state == "running").values(state="queued", stage=None))


def next_queued(connection: Connection) -> int | None:
    """The job that has waited longest."""
    found: int | None = connection.execute(select(func.min(plans.c.plan)).where(plans.c.state == "queued")).scalar_one()
    return found


def waiting(connection: Connection) -> int:
    """How many jobs are queued or running."""
    query = select(func.count()).select_from(plans).where(plans.c.state.in_(("queued", "running")))
    return int(connection.execute(query).scalar_one())
