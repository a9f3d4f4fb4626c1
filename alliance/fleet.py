"""Members, stations and devices as the chain's registries record them (protocol 6)."""

from dataclasses import dataclass
from enum import IntEnum

from alliance.identity import Address, GroupId, MemberId, StationId
from alliance.reading import ChannelKind


class StationType(IntEnum):
    """Which side of the grid a station serves; it chooses the tariff pack and never a rule (protocol 8.2)."""

    GRID_SIDE = 1
    SOURCE_SIDE = 2
    USER_SIDE = 3
    THIRD_PARTY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of the alliance; `number` is its order of admission and its account is `member:<number>`."""

    number: MemberId
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A storage station behind one point of common coupling (PCC). All powers are magnitudes, watts."""

    number: StationId
    owner: MemberId
    station_type: StationType
    region: int
    """GB/T 2260 code of the county or district."""
    charge_power_w: int
    discharge_power_w: int
    capacity_wh: int
    """Usable energy of the battery; 0 for a site without storage."""
    pcc_import_w: int
    """Highest power into the site that its connection allows."""
    pcc_export_w: int
    """Highest power out of the site that its connection allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One metered quantity of a device, bound to a station from `from_ms` on, until `to_ms` (0 = open)."""

    device: Address
    channel: int
    kind: ChannelKind
    station: StationId
    from_ms: int
    to_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingGroup:
    """The PCCs that the grid settles as one customer under one tariff class on a day (protocol 8.2)."""

    number: GroupId
    stations: tuple[StationId, ...]
