"""Alembic environment of the service's database."""
