"""Bodies about past net load."""

from typing import Annotated

from pydantic import Field

from alliance.calendar import SLOTS_A_DAY
from api.wire import Wire

_Wh = Annotated[int, Field(ge=-10_000_000_000, le=10_000_000_000)]


class NetLoadBody(Wire):
    """A past day's net load (load − PV) of a station by slot, Wh; positive consumes."""

    day: str
    net_load_wh: Annotated[tuple[_Wh, ...], Field(min_length=SLOTS_A_DAY, max_length=SLOTS_A_DAY, strict=False)]


class NetLoadAnswer(Wire):
    """A day that was filed."""

    station: int
    day: str
