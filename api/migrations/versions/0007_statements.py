"""Posted statements and recorded payments."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "statements_posted",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("leaf_count", sa.Integer(), nullable=False),
        sa.Column("statement", sa.LargeBinary(length=32), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.Column("balances", sa.LargeBinary(), nullable=False),
        sa.Column("time_s", sa.BigInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_statements_posted_day"), "statements_posted", ["day"], unique=False)
    op.create_table(
        "payments",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(length=32), nullable=False),
        sa.Column("by", sa.LargeBinary(length=20), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_payments_day"), "payments", ["day"], unique=False)


def downgrade() -> None:
    op.drop_table("payments")
    op.drop_table("statements_posted")
