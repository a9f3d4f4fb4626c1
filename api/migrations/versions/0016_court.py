"""What the court decided: leaves set right, void statements, and when days become final."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create(
        "decisions",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=False),
        sa.Column("got", sa.BigInteger(), nullable=False),
        sa.Column("moved_cents", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.LargeBinary(length=20), nullable=False),
    )
    _create("voided_statements", sa.Column("up_to", sa.Integer(), nullable=False))
    _create("finalities", sa.Column("final_at_s", sa.BigInteger(), nullable=False))


def downgrade() -> None:
    for name in ("finalities", "voided_statements", "decisions"):
        op.drop_table(name)


def _create(name: str, *columns: "sa.Column[object]") -> None:
    """A table of what events of a day said."""
    op.create_table(
        name,
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        *columns,
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f(f"ix_{name}_day"), name, ["day"], unique=False)
