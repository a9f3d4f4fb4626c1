"""Devices, channels and keys."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "devices",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("device", sa.LargeBinary(length=20), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=20), nullable=False),
        sa.Column("station", sa.Integer(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_devices_device"), "devices", ["device"], unique=False)
    op.create_table(
        "device_owners",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("device", sa.LargeBinary(length=20), nullable=False),
        sa.Column("owner", sa.LargeBinary(length=20), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_device_owners_device"), "device_owners", ["device"], unique=False)
    op.create_table(
        "attestations",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("device", sa.LargeBinary(length=20), nullable=False),
        sa.Column("attestor", sa.LargeBinary(length=20), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_attestations_device"), "attestations", ["device"], unique=False)
    op.create_table(
        "channels",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("device", sa.LargeBinary(length=20), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("station", sa.Integer(), nullable=False),
        sa.Column("from_s", sa.BigInteger(), nullable=False),
        sa.Column("to_s", sa.BigInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_channels_device"), "channels", ["device"], unique=False)
    op.create_index(op.f("ix_channels_station"), "channels", ["station"], unique=False)
    op.create_table(
        "delegates",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("device", sa.LargeBinary(length=20), nullable=False),
        sa.Column("delegate", sa.LargeBinary(length=20), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("valid_to_s", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=True),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_delegates_device"), "delegates", ["device"], unique=False)
    op.create_table(
        "frozen_signers",
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("device", sa.LargeBinary(length=20), nullable=False),
        sa.Column("signer", sa.LargeBinary(length=20), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
        sqlite_autoincrement=False,
    )
    op.create_index(op.f("ix_frozen_signers_device"), "frozen_signers", ["device"], unique=False)


def downgrade() -> None:
    op.drop_table("frozen_signers")
    op.drop_table("delegates")
    op.drop_table("channels")
    op.drop_table("attestations")
    op.drop_table("device_owners")
    op.drop_table("devices")
