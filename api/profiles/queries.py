"""What other slices may ask about profiles."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from alliance.errors import Missing
from alliance.identity import MemberId, StationId
from api.profiles.repository import member_profiles, station_profiles


@dataclass(kw_only=True, eq=False)
class StationProfileMissing(Missing):
    """A station's owner has not said yet how it may be planned."""

    station: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberProfile:
    """What a member is called."""

    member: MemberId
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StationProfile:
    """What a station is called, where it stands, and how its owner lets it be planned."""

    station: StationId
    name_zh: str
    name_en: str
    longitude_e5: int
    """Degrees east, times 100,000; schematic."""
    latitude_e5: int
    eta_c_ppm: int
    eta_d_ppm: int
    soc_min_bp: int
    soc_max_bp: int
    own_need_bp: int
    """Content that the owner keeps for its own need, share of the capacity."""
    wear_price: int
    """Wear of each MWh discharged, cents."""


def members(connection: Connection) -> list[MemberProfile]:
    """All members' profiles, by number."""
    rows = connection.execute(select(member_profiles).order_by(member_profiles.c.member))
    return [MemberProfile(member=MemberId(r.member), name_zh=r.name_zh, name_en=r.name_en) for r in rows]


def stations(connection: Connection) -> list[StationProfile]:
    """All stations' profiles, by number."""
    rows = connection.execute(select(station_profiles).order_by(station_profiles.c.station))
    return [StationProfile(**{name: getattr(r, name) for name in StationProfile.__slots__}) for r in rows]


def station(connection: Connection, number: int) -> StationProfile:
    """A station's profile. Raises StationProfileMissing."""
    found = [profile for profile in stations(connection) if profile.station == number]
    if not found:
        raise StationProfileMissing(station=number)
    return found[0]
