"""Documents, epochs, the log's entries and checkpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_documents_epoch"), "documents", ["epoch"], unique=False)
    op.create_table(
        "epochs",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("as_of_block", sa.BigInteger(), nullable=False),
        sa.Column("as_of_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_ms", sa.BigInteger(), nullable=False),
        sa.Column("old_size", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("root", sa.LargeBinary(length=32), nullable=True),
        sa.Column("manifest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("entries", sa.LargeBinary(length=32), nullable=True),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=False,
    )
    op.create_table(
        "entries",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("raw"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_entries_epoch"), "entries", ["epoch"], unique=False)
    op.create_table(
        "checkpoints",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("manifest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("time_s", sa.BigInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sa.UniqueConstraint("epoch"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_checkpoints_size"), "checkpoints", ["size"], unique=False)


def downgrade() -> None:
    op.drop_table("checkpoints")
    op.drop_table("entries")
    op.drop_table("epochs")
    op.drop_table("documents")
