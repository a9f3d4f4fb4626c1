"""Offers and leases."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "offers",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("offer", sa.Integer(), nullable=False),
        sa.Column("station", sa.Integer(), nullable=False),
        sa.Column("power_w", sa.BigInteger(), nullable=False),
        sa.Column("energy_wh", sa.BigInteger(), nullable=False),
        sa.Column("first_slot", sa.BigInteger(), nullable=False),
        sa.Column("term_slots", sa.BigInteger(), nullable=False),
        sa.Column("eta_c_ppm", sa.Integer(), nullable=False),
        sa.Column("eta_d_ppm", sa.Integer(), nullable=False),
        sa.Column("rent_cents_per_kw_year", sa.BigInteger(), nullable=False),
        sa.Column("wear_price", sa.BigInteger(), nullable=False),
        sa.Column("handover_wh", sa.BigInteger(), nullable=False),
        sa.Column("handover_price", sa.BigInteger(), nullable=False),
        sa.Column("sla_bp", sa.Integer(), nullable=False),
        sa.Column("sla_factor_bp", sa.Integer(), nullable=False),
        sa.Column("price_version", sa.BigInteger(), nullable=False),
        sa.Column("weekday_mask", sa.SmallInteger(), nullable=False),
        sa.Column("day_first_slot", sa.SmallInteger(), nullable=False),
        sa.Column("day_slots", sa.SmallInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sa.UniqueConstraint("offer"),
        sqlite_autoincrement=False,
    )
    op.create_table(
        "offer_withdrawals",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("offer", sa.Integer(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_offer_withdrawals_offer"), "offer_withdrawals", ["offer"], unique=False)
    op.create_table(
        "leases",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("offer", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("lessee", sa.Integer(), nullable=False),
        sa.Column("station", sa.Integer(), nullable=False),
        sa.Column("power_w", sa.BigInteger(), nullable=False),
        sa.Column("energy_wh", sa.BigInteger(), nullable=False),
        sa.Column("eta_c_ppm", sa.Integer(), nullable=False),
        sa.Column("eta_d_ppm", sa.Integer(), nullable=False),
        sa.Column("rent_cents", sa.BigInteger(), nullable=False),
        sa.Column("first_slot", sa.BigInteger(), nullable=False),
        sa.Column("term_slots", sa.BigInteger(), nullable=False),
        sa.Column("wear_price", sa.BigInteger(), nullable=False),
        sa.Column("handover_wh", sa.BigInteger(), nullable=False),
        sa.Column("handover_price", sa.BigInteger(), nullable=False),
        sa.Column("sla_bp", sa.Integer(), nullable=False),
        sa.Column("sla_factor_bp", sa.Integer(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sa.UniqueConstraint("lease"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_leases_lessee"), "leases", ["lessee"], unique=False)
    op.create_index(op.f("ix_leases_owner"), "leases", ["owner"], unique=False)
    op.create_index(op.f("ix_leases_station"), "leases", ["station"], unique=False)
    op.create_table(
        "lease_ends",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("end_slot", sa.BigInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_lease_ends_lease"), "lease_ends", ["lease"], unique=False)


def downgrade() -> None:
    op.drop_table("lease_ends")
    op.drop_table("leases")
    op.drop_table("offer_withdrawals")
    op.drop_table("offers")
