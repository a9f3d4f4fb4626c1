"""Alembic's environment (protocol 10.1): each migration in a transaction, on the service's connection."""

from alembic import context
from sqlalchemy import Connection

from api.database import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is None:
    raise SystemExit("migrations run through `alliance-service migrate`")
_run(given)
