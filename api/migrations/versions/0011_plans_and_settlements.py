"""Profiles, past net load, the planner's runs and settlements."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "member_profiles",
        sa.Column("member", sa.Integer(), nullable=False),
        sa.Column("name_zh", sa.String(length=100), nullable=False),
        sa.Column("name_en", sa.String(length=100), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member"),
        sqlite_autoincrement=False,
    )
    op.create_table(
        "station_profiles",
        sa.Column("station", sa.Integer(), nullable=False),
        sa.Column("name_zh", sa.String(length=100), nullable=False),
        sa.Column("name_en", sa.String(length=100), nullable=False),
        sa.Column("longitude_e5", sa.Integer(), nullable=False),
        sa.Column("latitude_e5", sa.Integer(), nullable=False),
        sa.Column("eta_c_ppm", sa.Integer(), nullable=False),
        sa.Column("eta_d_ppm", sa.Integer(), nullable=False),
        sa.Column("soc_min_bp", sa.Integer(), nullable=False),
        sa.Column("soc_max_bp", sa.Integer(), nullable=False),
        sa.Column("own_need_bp", sa.Integer(), nullable=False),
        sa.Column("wear_price", sa.Integer(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("station"),
        sqlite_autoincrement=False,
    )
    op.create_table(
        "net_loads",
        sa.Column("station", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("net_load_wh", sa.LargeBinary(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("station", "day"),
        sqlite_autoincrement=False,
    )
    op.create_table(
        "plan_runs",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("t_ms", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("schedule", sa.LargeBinary(length=32), nullable=True),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("day", "revision", "t_ms"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_plan_runs_day", "plan_runs", ["day"])
    op.create_table(
        "settlements",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.LargeBinary(length=32), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("leaf_count", sa.Integer(), nullable=False),
        sa.Column("provisional", sa.SmallInteger(), nullable=False),
        sa.Column("log_epoch", sa.BigInteger(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "version"),
        sqlite_autoincrement=False,
    )


def downgrade() -> None:
    op.drop_index("ix_plan_runs_day", "plan_runs")
    op.drop_table("settlements")
    op.drop_table("plan_runs")
    op.drop_table("net_loads")
    op.drop_table("station_profiles")
    op.drop_table("member_profiles")
