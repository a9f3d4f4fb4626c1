"""Rows of offers and leases, as `CapacityLease` told them."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Connection, Integer, SmallInteger, Table, insert

from api.projection import projected

offers = projected(
    "offers",
    Column("offer", Integer, nullable=False, unique=True),
    Column("station", Integer, nullable=False),
    Column("power_w", BigInteger, nullable=False),
    Column("energy_wh", BigInteger, nullable=False),
    Column("first_slot", BigInteger, nullable=False),
    Column("term_slots", BigInteger, nullable=False),
    Column("eta_c_ppm", Integer, nullable=False),
    Column("eta_d_ppm", Integer, nullable=False),
    Column("rent_cents_per_kw_year", BigInteger, nullable=False),
    Column("wear_price", BigInteger, nullable=False),
    Column("handover_wh", BigInteger, nullable=False),
    Column("handover_price", BigInteger, nullable=False),
    Column("sla_bp", Integer, nullable=False),
    Column("sla_factor_bp", Integer, nullable=False),
    Column("price_version", BigInteger, nullable=False),
    Column("weekday_mask", SmallInteger, nullable=False),
    Column("day_first_slot", SmallInteger, nullable=False),
    Column("day_slots", SmallInteger, nullable=False),
    Column("end_notice_slots", BigInteger, nullable=False),
    Column("end_fee_bp", Integer, nullable=False),
)
withdrawals = projected("offer_withdrawals", Column("offer", Integer, nullable=False, index=True))
leases = projected(
    "leases",
    Column("lease", Integer, nullable=False, unique=True),
    Column("offer", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("owner", Integer, nullable=False, index=True),
    Column("lessee", Integer, nullable=False, index=True),
    Column("station", Integer, nullable=False, index=True),
    Column("power_w", BigInteger, nullable=False),
    Column("energy_wh", BigInteger, nullable=False),
    Column("eta_c_ppm", Integer, nullable=False),
    Column("eta_d_ppm", Integer, nullable=False),
    Column("rent_cents", BigInteger, nullable=False),
    Column("first_slot", BigInteger, nullable=False),
    Column("term_slots", BigInteger, nullable=False),
    Column("wear_price", BigInteger, nullable=False),
    Column("handover_wh", BigInteger, nullable=False),
    Column("handover_price", BigInteger, nullable=False),
    Column("sla_bp", Integer, nullable=False),
    Column("sla_factor_bp", Integer, nullable=False),
    Column("weekday_mask", SmallInteger, nullable=False),
    Column("day_first_slot", SmallInteger, nullable=False),
    Column("day_slots", SmallInteger, nullable=False),
)
amendments = projected(
    "lease_amendments",
    Column("lease", Integer, nullable=False, index=True),
    Column("following", Integer, nullable=False),
)
lease_ends = projected(
    "lease_ends",
    Column("lease", Integer, nullable=False, index=True),
    Column("end_slot", BigInteger, nullable=False),
    Column("by_member", Integer, nullable=False),
    Column("price_cents", BigInteger, nullable=False),
)

lease_asks = projected(
    "lease_asks",
    Column("lease", Integer, nullable=False, index=True),
    Column("member", Integer, nullable=False),
    Column("from_slot", BigInteger, nullable=False),
    Column("power_w", BigInteger, nullable=True),
    Column("energy_wh", BigInteger, nullable=True),
    Column("term_slots", BigInteger, nullable=True),
)


def add(connection: Connection, table: Table, row: Mapping[str, object]) -> None:
    """An event told something; `row` carries its block and log index."""
    connection.execute(insert(table), dict(row))
