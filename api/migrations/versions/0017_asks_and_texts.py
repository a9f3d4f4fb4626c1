"""What parties of a lease asked for, and the texts whose hashes stand on chain."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lease_asks",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("from_slot", sa.BigInteger(), nullable=False),
        sa.Column("power_w", sa.BigInteger(), nullable=True),
        sa.Column("energy_wh", sa.BigInteger(), nullable=True),
        sa.Column("term_slots", sa.BigInteger(), nullable=True),
        *_stamp(),
        sa.PrimaryKeyConstraint("block", "log_index"),
    )
    op.create_index(op.f("ix_lease_asks_lease"), "lease_asks", ["lease"], unique=False)
    op.create_table(
        "texts",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=42), nullable=False),
        sa.Column("filed_ms", sa.BigInteger(), nullable=False),
        *_stamp(),
        sa.PrimaryKeyConstraint("hash"),
    )


def downgrade() -> None:
    op.drop_table("texts")
    op.drop_index(op.f("ix_lease_asks_lease"), table_name="lease_asks")
    op.drop_table("lease_asks")


def _stamp() -> tuple["sa.Column[object]", ...]:
    return (
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
    )
