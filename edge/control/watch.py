"""What the box knows of its station when it makes an order (protocol 9.13): last sample, its age, heartbeat, demand."""

from edge.control import demand
from edge.control.demand import Quarter
from edge.control.guard import Situation
from edge.control.limits import Limits
from edge.devices.station import StationSample


class Watch:
    """Remembers of the samples what the guard asks for. Knows no clock: every call brings its instant."""

    def __init__(self, limits: Limits, *, month: int = 0, reached_w: int = 0) -> None:
        self._limits = limits
        self._sample: StationSample | None = None
        self._seen_ms = self._beat_ms = 0
        self._quarter: Quarter | None = None
        self._month, self._reached_w = month, reached_w

    @property
    def reached(self) -> tuple[int, int]:
        """The month (`demand.month_of`) and the highest quarter mean that it reached, W."""
        return self._month, self._reached_w

    def see(self, sample: StationSample, *, t_ms: int) -> None:
        """A station's answer."""
        if self._sample is None or sample.heartbeat != self._sample.heartbeat or t_ms < self._beat_ms:
            self._beat_ms = t_ms
        self._sample, self._seen_ms = sample, t_ms
        declared_w = self._limits.demand_w
        if declared_w is None:
            return
        if self._quarter is None:
            self._quarter = demand.first(
                sample, t_ms=t_ms, declared_w=declared_w, month=self._month, reached_w=self._reached_w
            )
        else:
            self._quarter = demand.after(self._quarter, sample, t_ms=t_ms)
        self._month, self._reached_w = self._quarter.month, self._quarter.reached_w

    def situation(self, *, t_ms: int, hold_ms: int) -> Situation | None:
        """What is known for an order that stands from an instant on; None before the first answer."""
        if self._sample is None:
            return None
        return Situation(
            sample=self._sample,
            hold_ms=hold_ms,
            age_ms=abs(t_ms - self._seen_ms),
            heartbeat_still_ms=t_ms - self._beat_ms,
            demand=None if self._quarter is None else demand.standing(self._quarter, t_ms=t_ms),
        )
