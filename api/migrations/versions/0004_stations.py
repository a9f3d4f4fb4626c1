"""Stations."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stations",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("station", sa.Integer(), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=20), nullable=False),
        sa.Column("station_type", sa.SmallInteger(), nullable=False),
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("charge_power_w", sa.BigInteger(), nullable=False),
        sa.Column("discharge_power_w", sa.BigInteger(), nullable=False),
        sa.Column("capacity_wh", sa.BigInteger(), nullable=False),
        sa.Column("pcc_import_w", sa.BigInteger(), nullable=False),
        sa.Column("pcc_export_w", sa.BigInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sa.UniqueConstraint("station"),
        sqlite_autoincrement=False,
    )


def downgrade() -> None:
    op.drop_table("stations")
