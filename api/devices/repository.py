"""Rows of devices, their channels and their keys, as `DeviceRegistry` and `AnchorLog` told them."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, SmallInteger, String, Table, insert

from api.projection import projected

devices = projected(
    "devices",
    Column("device", LargeBinary(20), nullable=False, index=True),
    Column("owner", LargeBinary(20), nullable=False),
    Column("station", Integer, nullable=False),
)
owners = projected(
    "device_owners",
    Column("device", LargeBinary(20), nullable=False, index=True),
    Column("owner", LargeBinary(20), nullable=False),
)
attestations = projected(
    "attestations",
    Column("device", LargeBinary(20), nullable=False, index=True),
    Column("attestor", LargeBinary(20), nullable=False),
)
channels = projected(
    "channels",
    Column("device", LargeBinary(20), nullable=False, index=True),
    Column("channel", Integer, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("station", Integer, nullable=False, index=True),
    Column("from_s", BigInteger, nullable=False),
    Column("to_s", BigInteger, nullable=False),
)
delegates = projected(
    "delegates",
    Column("device", LargeBinary(20), nullable=False, index=True),
    Column("delegate", LargeBinary(20), nullable=False),
    Column("what", String(12), nullable=False),
    Column("valid_to_s", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=True),
)
public_keys = projected(
    "public_keys",
    Column("device", LargeBinary(20), nullable=False, index=True),
    Column("signer", LargeBinary(20), nullable=False),
    Column("alg", SmallInteger, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
)
frozen_signers = projected(
    "frozen_signers",
    Column("device", LargeBinary(20), nullable=False, index=True),
    Column("signer", LargeBinary(20), nullable=False),
    Column("size", BigInteger, nullable=False),
)


def add(connection: Connection, table: Table, row: Mapping[str, object]) -> None:
    """An event told something; `row` carries its block and log index."""
    connection.execute(insert(table), dict(row))
