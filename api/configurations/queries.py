"""What the slice asks of configurations: the newest for a box, and lists for those whose they are (protocol 9.20.7)."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Row, select

from alliance.identity import Address, Digest, StationId
from api.configurations.repository import configurations
from oracle import configuration as configuration_bytes
from oracle.configuration import Body, Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRow:
    """A configuration as it was taken, and its box's last word. Times in UTC milliseconds."""

    row: int
    digest: Digest
    station: StationId
    number: int
    issued_ms: int
    until_ms: int
    configurer: Address
    message: bytes
    taken_ms: int
    fetched_ms: int | None
    """When its box was first told it."""
    outcome: Ending | None
    answered_ms: int | None
    """By the box's clock, as it signed it."""
    reason: str

    @property
    def body(self) -> Body:
        """What it sets."""
        return configuration_bytes.body_of(configuration_bytes.read(self.message).configuration.body)


def by_digest(connection: Connection, digest: Digest) -> ConfigurationRow | None:
    """A configuration, None where it was never taken."""
    row = connection.execute(select(configurations).where(configurations.c.digest == digest)).one_or_none()
    return None if row is None else _row(row)


def for_box(connection: Connection, station: int, *, after: int, now_ms: int) -> ConfigurationRow | None:
    """The newest of a station, if it is numbered above `after` and may still be taken."""
    c = configurations.c
    newest = select(configurations).where(c.station == station).order_by(c.number.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return None if row is None or row.number <= after or row.until_ms <= now_ms else _row(row)


def listed(
    connection: Connection, *, stations: Collection[int] | None = None, before: int | None = None, limit: int
) -> list[ConfigurationRow]:
    """Configurations, the newest first: of some stations (None: of all), before a row."""
    query = select(configurations).order_by(configurations.c.row.desc()).limit(limit)
    if stations is not None:
        query = query.where(configurations.c.station.in_(stations))
    if before is not None:
        query = query.where(configurations.c.row < before)
    return [_row(row) for row in connection.execute(query)]


def _row(row: Row[tuple[object, ...]]) -> ConfigurationRow:
    return ConfigurationRow(
        row=row.row, digest=Digest(row.digest), station=StationId(row.station), number=row.number,
        issued_ms=row.issued_ms, until_ms=row.until_ms, configurer=Address(row.configurer), message=row.message,
        taken_ms=row.taken_ms, fetched_ms=row.fetched_ms,
        outcome=None if row.outcome is None else Ending(row.outcome), answered_ms=row.answered_ms, reason=row.reason,
    )  # fmt: skip
