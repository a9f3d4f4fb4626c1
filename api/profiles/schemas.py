"""Bodies about profiles."""

from typing import Annotated

from pydantic import Field

from api.wire import Wire

Name = Annotated[str, Field(min_length=1, max_length=100)]


class MemberNames(Wire):
    """What a member is called."""

    name_zh: Name
    name_en: Name


class MemberProfileAnswer(MemberNames):
    """A member's profile."""

    member: int


class StationProfileBody(Wire):
    """What a station is called, where it stands, and how it may be planned; efficiencies are one-way."""

    name_zh: Name
    name_en: Name
    longitude_e5: Annotated[int, Field(ge=-18_000_000, le=18_000_000)]
    latitude_e5: Annotated[int, Field(ge=-9_000_000, le=9_000_000)]
    eta_c_ppm: Annotated[int, Field(ge=500_000, le=1_000_000)]
    eta_d_ppm: Annotated[int, Field(ge=500_000, le=1_000_000)]
    soc_min_bp: Annotated[int, Field(ge=0, le=10_000)]
    soc_max_bp: Annotated[int, Field(ge=0, le=10_000)]
    own_need_bp: Annotated[int, Field(ge=0, le=10_000)]
    wear_price: Annotated[int, Field(ge=0, le=100_000_000)]


class StationProfileAnswer(StationProfileBody):
    """A station's profile."""

    station: int


class ProfilesAnswer(Wire):
    """All profiles."""

    members: tuple[MemberProfileAnswer, ...]
    stations: tuple[StationProfileAnswer, ...]
