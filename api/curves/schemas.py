"""Bodies about a day's course; energies in Wh a slot, positive out of the station or battery."""

from api.wire import Hex32, Wire


class CurveSlot(Wire):
    """A slot as planned and as measured; null where there is no plan, or no measurement yet."""

    slot: int
    planned_net_wh: int | None
    planned_battery_wh: int | None
    net_load_wh: int | None
    net_wh: int | None
    battery_wh: int | None
    soc_bp: int | None


class CurveAnswer(Wire):
    """A day's course of a station, or of all stations together (station null)."""

    day: str
    station: int | None
    schedule: Hex32 | None
    slots: tuple[CurveSlot, ...]
