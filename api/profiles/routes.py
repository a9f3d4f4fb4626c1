"""Profiles of members and stations: names, places, how a station may be planned. All read, its owner writes."""

from dataclasses import dataclass

from fastapi import APIRouter

from alliance.errors import Malformed
from api.platform import PlatformDep
from api.profiles import queries, repository
from api.profiles.queries import StationProfile
from api.profiles.schemas import (
    MemberNames,
    MemberProfileAnswer,
    ProfilesAnswer,
    StationProfileAnswer,
    StationProfileBody,
)
from api.session.access import SignedIn
from api.stations import queries as stations
from api.wire import StationNumber

router = APIRouter(prefix="/v1", tags=["profiles"])


@dataclass(kw_only=True, eq=False)
class SocWindowEmpty(Malformed):
    """A station's least state of charge is not below its greatest, or its own need lies above that."""

    soc_min_bp: int
    soc_max_bp: int
    own_need_bp: int


@router.get("/profiles")
def profiles(platform: PlatformDep) -> ProfilesAnswer:
    """What members and stations are called, and where stations stand."""
    with platform.database.reading() as connection:
        members, all_stations = queries.members(connection), queries.stations(connection)
    return ProfilesAnswer(
        members=tuple(MemberProfileAnswer(member=m.member, name_zh=m.name_zh, name_en=m.name_en) for m in members),
        stations=tuple(map(_answer, all_stations)),
    )


@router.get("/stations/{station}/profile")
def station_profile(station: StationNumber, platform: PlatformDep) -> StationProfileAnswer:
    """One station's profile."""
    with platform.database.reading() as connection:
        return _answer(queries.station(connection, station))


@router.put("/members/{member}/profile")
def put_member(member: int, body: MemberNames, platform: PlatformDep, principal: SignedIn) -> MemberProfileAnswer:
    """Say what a member is called; the member's own wallet or the operator."""
    if not principal.operator and principal.member != member:
        principal.check_owns(None, what=f"member {member}")
    with platform.database.writing() as connection:
        repository.put_member(connection, {"member": member, "name_zh": body.name_zh, "name_en": body.name_en})
    return MemberProfileAnswer(member=member, name_zh=body.name_zh, name_en=body.name_en)


@router.put("/stations/{station}/profile")
def put_station(
    station: StationNumber, body: StationProfileBody, platform: PlatformDep, principal: SignedIn
) -> StationProfileAnswer:
    """Say what a station is called, where it stands and how it may be planned; its owner or the operator."""
    if not body.own_need_bp <= body.soc_max_bp or body.soc_min_bp >= body.soc_max_bp:
        raise SocWindowEmpty(soc_min_bp=body.soc_min_bp, soc_max_bp=body.soc_max_bp, own_need_bp=body.own_need_bp)
    with platform.database.writing() as connection:
        principal.check_owns(stations.owner_of(connection, station), what=f"station {station}")
        repository.put_station(connection, {"station": station, **body.model_dump(by_alias=False)})
        return _answer(queries.station(connection, station))


def _answer(profile: StationProfile) -> StationProfileAnswer:
    return StationProfileAnswer(**{name: getattr(profile, name) for name in StationProfile.__slots__})
