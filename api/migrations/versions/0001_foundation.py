"""The alliance that the database belongs to, and answers kept for retries."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alliances",
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.Column("chain_id", sa.Integer(), nullable=False),
        sa.Column("registry", sa.LargeBinary(length=20), nullable=False),
        sa.PrimaryKeyConstraint("alliance"),
    )
    op.create_table(
        "answers",
        sa.Column("principal", sa.String(length=42), nullable=False),
        sa.Column("route", sa.String(length=300), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("principal", "route", "key"),
        sqlite_autoincrement=False,
    )


def downgrade() -> None:
    op.drop_table("answers")
    op.drop_table("alliances")
