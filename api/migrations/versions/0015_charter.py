"""The charter, applications, changed stations and safety agreements, amended leases and lease windows."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_RATING = ("charge_power_w", "discharge_power_w", "capacity_wh", "pcc_import_w", "pcc_export_w")
_ALWAYS = {"weekday_mask": "127", "day_first_slot": "0", "day_slots": "96"}


def _projected(name: str, *columns: "sa.Column[object]") -> None:
    op.create_table(
        name,
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        *columns,
        sa.Column("alliance", sa.LargeBinary(length=32), nullable=False),
        sa.Column("v", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", "log_index"),
    )


def _index(table: str, column: str) -> None:
    op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)


def _bytes(name: str, length: int | None = None) -> "sa.Column[object]":
    return sa.Column(name, sa.LargeBinary(length=length), nullable=False)


def _int(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _big(name: str, *, nullable: bool = False, unique: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.BigInteger(), nullable=nullable, unique=unique)


def _text(name: str) -> "sa.Column[object]":
    return sa.Column(name, sa.String(length=12), nullable=False)


def upgrade() -> None:
    _members_and_stations()
    _charter()
    _leases()


def _members_and_stations() -> None:
    _projected("application_events", _bytes("address", 20), _text("what"), _bytes("hash", 32))
    _index("application_events", "address")
    _projected(
        "station_changes",
        _int("station"),
        _int("from_day"),
        sa.Column("station_type", sa.SmallInteger(), nullable=False),
        _int("region"),
        *map(_big, _RATING),
    )
    _index("station_changes", "station")
    _projected("station_requests", _int("station"))
    _index("station_requests", "station")
    _projected("safety_agreements", _int("station"), _bytes("owner", 20), _bytes("agreement", 32))
    _index("safety_agreements", "station")


def _charter() -> None:
    times = map(_big, ("voting_seconds", "delay_seconds", "grace_seconds"))
    _projected("charters", *times, _int("quorum_bp"), _int("majority_bp"))
    _projected(
        "proposals",
        _big("proposal", unique=True),
        _int("proposer"),
        _bytes("target", 20),
        _bytes("data"),
        _bytes("description", 32),
        _int("electorate"),
        _big("voting_ends_s"),
        _big("time_s"),
    )
    _projected("ballots", _big("proposal"), _int("member"), _text("ballot"), _int("votes_for"), _int("votes_against"))
    _index("ballots", "proposal")
    _projected("proposal_outcomes", _big("proposal"), _text("what"), _big("executable_from_s", nullable=True))
    _index("proposal_outcomes", "proposal")
    _projected("rulings", _text("kind"), _bytes("name", 32), _big("from_day"), _bytes("value"))
    _projected(
        "revocations",
        _bytes("role", 32),
        _bytes("account", 20),
        _bytes("guardian", 20),
        _int("member", nullable=True),
        _big("until_s", nullable=True),
    )


def _leases() -> None:
    for name, default in _ALWAYS.items():
        op.add_column("leases", sa.Column(name, sa.SmallInteger(), nullable=False, server_default=default))
    op.add_column("offers", sa.Column("end_notice_slots", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("offers", sa.Column("end_fee_bp", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("lease_ends", sa.Column("by_member", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("lease_ends", sa.Column("price_cents", sa.BigInteger(), nullable=False, server_default="0"))
    _projected("lease_amendments", _int("lease"), _int("following"))
    _index("lease_amendments", "lease")


def downgrade() -> None:
    op.drop_table("lease_amendments")
    for table, names in {
        "lease_ends": ("price_cents", "by_member"),
        "offers": ("end_fee_bp", "end_notice_slots"),
        "leases": tuple(_ALWAYS),
    }.items():
        with op.batch_alter_table(table) as batch:
            for name in names:
                batch.drop_column(name)
    for table in (
        "revocations", "rulings", "proposal_outcomes", "ballots", "proposals", "charters", "safety_agreements",
        "station_requests", "station_changes", "application_events",
    ):  # fmt: skip
        op.drop_table(table)
