"""Bodies about live values."""

from typing import Annotated

from pydantic import Field

from api.wire import Hex20, Milliseconds, Wire

Watt = Annotated[int, Field(ge=-(1 << 40), le=1 << 40)]


class LiveBody(Wire):
    """What a station's box says of itself; powers in W, positive out of the station and discharging."""

    device: Hex20
    t: Milliseconds
    station_id: Annotated[int, Field(ge=1)]
    power_w: Watt | None
    soc_bp: Annotated[int, Field(ge=0, le=10_000)] | None
    battery_power_w: Watt | None
    status: Annotated[str, Field(max_length=300)]
    set_power_w: Watt | None = None
    alarms: Annotated[tuple[str, ...], Field(max_length=50)] = ()


class LiveStation(Wire):
    """A station's last live values."""

    station: int
    device: Hex20
    t: Milliseconds
    power_w: int | None
    battery_power_w: int | None
    soc_bp: int | None
    set_power_w: int | None
    status: str
    alarms: tuple[str, ...]


class LiveAnswer(Wire):
    """The last live values of every station, and the service's own time."""

    t: Milliseconds
    stations: tuple[LiveStation, ...]
