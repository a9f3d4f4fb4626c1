"""Members and rosters."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "member_events",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("address", sa.LargeBinary(length=20), nullable=False),
        sa.Column("member", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_member_events_address"), "member_events", ["address"], unique=False)
    op.create_index(op.f("ix_member_events_member"), "member_events", ["member"], unique=False)
    op.create_table(
        "rosters",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("from_day", sa.Integer(), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_rosters_from_day"), "rosters", ["from_day"], unique=False)


def downgrade() -> None:
    op.drop_table("rosters")
    op.drop_table("member_events")
