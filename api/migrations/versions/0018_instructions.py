"""Instructions, and a row of each for every station that it named."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "instructions",
        sa.Column("call", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("issued_ms", sa.BigInteger(), nullable=False),
        sa.Column("issued_by", sa.String(length=42), nullable=False),
        sa.Column("region", sa.Integer(), nullable=True),
        sa.Column("method", sa.String(length=12), nullable=False),
        sa.Column("target_w", sa.BigInteger(), nullable=False),
        sa.Column("shortfall_w", sa.BigInteger(), nullable=False),
        sa.Column("stations", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.Column("parent", sa.LargeBinary(length=32), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        *_stamp(),
        sa.PrimaryKeyConstraint("call"),
        sa.UniqueConstraint("digest"),
    )
    op.create_table(
        "instruction_rows",
        sa.Column("call", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("station", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("issued_ms", sa.BigInteger(), nullable=False),
        sa.Column("available_w", sa.BigInteger(), nullable=False),
        sa.Column("given_w", sa.BigInteger(), nullable=False),
        sa.Column("duration_s", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=True),
        *_stamp(),
        sa.PrimaryKeyConstraint("call", "station"),
    )
    for column in ("station", "issued_ms"):
        op.create_index(op.f(f"ix_instruction_rows_{column}"), "instruction_rows", [column], unique=False)


def downgrade() -> None:
    op.drop_table("instruction_rows")
    op.drop_table("instructions")


def _stamp() -> tuple["sa.Column[object]", ...]:
    return (
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
    )
