"""Segments, refused ones and equivocations."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "segments",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("device", sa.LargeBinary(length=20), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("t_first_ms", sa.BigInteger(), nullable=False),
        sa.Column("t_last_ms", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("prev", sa.LargeBinary(length=32), nullable=False),
        sa.Column("beacon_block", sa.BigInteger(), nullable=False),
        sa.Column("beacon_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("alg", sa.SmallInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("secret", sa.LargeBinary(length=32), nullable=False),
        sa.Column("readings", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sa.UniqueConstraint("device", "channel", "position"),
        sa.UniqueConstraint("device", "channel", "prev"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_segments_epoch"), "segments", ["epoch"], unique=False)
    op.create_index("segments_by_seq", "segments", ["device", "channel", "first_seq"], unique=False)
    op.create_index("segments_by_time", "segments", ["device", "channel", "t_last_ms"], unique=False)
    op.create_table(
        "refused_segments",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("raw_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.Column("segment", sa.LargeBinary(length=32), nullable=True),
        sa.Column("device", sa.LargeBinary(length=20), nullable=True),
        sa.Column("channel", sa.Integer(), nullable=True),
        sa.Column("signer", sa.LargeBinary(length=20), nullable=True),
        sa.Column("stranger", sa.SmallInteger(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("raw_hash", "code"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_refused_segments_device"), "refused_segments", ["device"], unique=False)
    op.create_index(op.f("ix_refused_segments_segment"), "refused_segments", ["segment"], unique=False)
    op.create_table(
        "conflicts",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kept", sa.LargeBinary(length=32), nullable=False),
        sa.Column("refused", sa.LargeBinary(length=32), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("refused"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("conflicts")
    op.drop_table("refused_segments")
    op.drop_table("segments")
