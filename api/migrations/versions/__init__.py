"""Migrations, one reversible step a file."""
