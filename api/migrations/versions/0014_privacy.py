"""Keys of subjects, encrypted blocks, readers, erasures and their trail; documents keep what they hold in clear."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def _stamp() -> tuple["sa.Column[object]", ...]:
    return (
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
    )


def upgrade() -> None:
    op.create_table(
        "subject_keys",
        sa.Column("subject", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("destroyed_ms", sa.BigInteger(), nullable=True),
        *_stamp(),
        sa.PrimaryKeyConstraint("subject", "generation"),
    )
    op.create_table(
        "sealed_blocks",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("info", sa.LargeBinary(), nullable=False),
        *_stamp(),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sealed_blocks_epoch", "sealed_blocks", ["epoch"])
    op.create_index("sealed_blocks_of_subject", "sealed_blocks", ["subject", "generation", "epoch"])
    op.create_table(
        "readers",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("public_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("member", sa.Integer(), nullable=True),
        sa.Column("account", sa.LargeBinary(length=20), nullable=True),
        sa.Column("added_by", sa.String(length=42), nullable=False),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.Column("removed_ms", sa.BigInteger(), nullable=True),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_stamp(),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_readers_fingerprint", "readers", ["fingerprint"])
    op.create_index("ix_readers_account", "readers", ["account"])
    op.create_table(
        "reader_subjects",
        sa.Column("reader", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.BigInteger(), autoincrement=False, nullable=False),
        *_stamp(),
        sa.PrimaryKeyConstraint("reader", "subject"),
    )
    op.create_table(
        "erasures",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("subject", sa.BigInteger(), nullable=False),
        sa.Column("through_epoch", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.String(length=42), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("done_ms", sa.BigInteger(), nullable=True),
        *_stamp(),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_erasures_subject", "erasures", ["subject"])
    op.create_table(
        "privacy_trail",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("t_ms", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("by", sa.String(length=42), nullable=False),
        sa.Column("fingerprint", sa.String(length=20), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=True),
        sa.Column("subject", sa.BigInteger(), nullable=True),
        *_stamp(),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_privacy_trail_subject", "privacy_trail", ["subject"])
    op.add_column("documents", sa.Column("opened", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("documents", "opened")
    op.drop_index("ix_privacy_trail_subject", "privacy_trail")
    op.drop_table("privacy_trail")
    op.drop_index("ix_erasures_subject", "erasures")
    op.drop_table("erasures")
    op.drop_table("reader_subjects")
    op.drop_index("ix_readers_account", "readers")
    op.drop_index("ix_readers_fingerprint", "readers")
    op.drop_table("readers")
    op.drop_index("sealed_blocks_of_subject", "sealed_blocks")
    op.drop_index("ix_sealed_blocks_epoch", "sealed_blocks")
    op.drop_table("sealed_blocks")
    op.drop_table("subject_keys")
