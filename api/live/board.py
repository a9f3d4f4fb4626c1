"""The last live values of each station, in memory: shown on screens, settling nothing, gone with a restart."""

from dataclasses import dataclass
from threading import Lock

from alliance.identity import Address, StationId


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveValues:
    """What a station's box said last; powers in W, positive out of the station and discharging."""

    station: StationId
    device: Address
    t_ms: int
    power_w: int | None
    battery_power_w: int | None
    soc_bp: int | None
    set_power_w: int | None
    status: str
    alarms: tuple[str, ...]


class LiveBoard:
    """One row a station; newer values replace older ones, never the other way round."""

    def __init__(self) -> None:
        self._values: dict[StationId, LiveValues] = {}
        self._lock = Lock()

    def put(self, values: LiveValues) -> None:
        """Keep values unless newer ones are there."""
        with self._lock:
            held = self._values.get(values.station)
            if held is None or held.t_ms <= values.t_ms:
                self._values[values.station] = values

    def all(self) -> tuple[LiveValues, ...]:
        """The last values of every station, by number."""
        with self._lock:
            return tuple(self._values[number] for number in sorted(self._values))
