"""The frequency's cycle (protocol 9.16.4): each tenth of a second a sample, a wish and a guarded order of its own.

The box's main cycle says what is wanted apart from the frequency, and until when that holds; what it says stands for
`HOLDS_MS`. Without its word nothing is wanted but the answer to the frequency, as long as the envelope counts.
"""

from dataclasses import dataclass, replace

from alliance.errors import AllianceError
from edge.control import wish
from edge.control.guard import Before, Order, Situation, battery_bound_w, guard
from edge.control.limits import FULL_BP, Limits
from edge.control.watch import Watch
from edge.control.wish import Base, Source
from edge.devices.station import StationSample
from oracle.directive import Envelope, body_bytes, body_of
from oracle.plain import Fields

HOLDS_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the main cycle says at an instant."""

    t_ms: int
    base_w: int | None
    source: Source
    envelope: Envelope | None
    """The one that counts, and until when."""
    until_ms: int
    least_w: int | None
    charge_share_bp: int = FULL_BP
    """What the standing alarms leave of the rated powers; it stands until the next word, however late."""
    discharge_share_bp: int = FULL_BP

    def to_plain(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "t": self.t_ms, "baseW": self.base_w, "source": self.source, "until": self.until_ms, "leastW": self.least_w,
            "envelope": None if self.envelope is None else body_bytes(self.envelope).hex(),
            "chargeShareBp": self.charge_share_bp, "dischargeShareBp": self.discharge_share_bp,
        }  # fmt: skip


def told_of(value: object) -> Told:
    """Read what `to_plain` made. Raises PlainMalformed and what a body's reading raises."""
    f = Fields(value, where="told")
    envelope = None
    if f.optional("envelope"):
        body = body_of(bytes.fromhex(f.str("envelope")))
        envelope = body if isinstance(body, Envelope) else None
    return Told(
        t_ms=f.int("t"), source=Source(f.choice("source", list(Source))), envelope=envelope, until_ms=f.int("until"),
        base_w=f.int("baseW", low=-(10**12), high=10**12) if f.optional("baseW") else None,
        least_w=f.int("leastW", low=-(10**12), high=10**12) if f.optional("leastW") else None,
        charge_share_bp=f.int("chargeShareBp", low=0, high=FULL_BP),
        discharge_share_bp=f.int("dischargeShareBp", low=0, high=FULL_BP),
    )  # fmt: skip


class FrequencyCycle:
    """Decides on orders; the caller reads, writes, and brings the time."""

    def __init__(self, limits: Limits, *, period_ms: int, month: int = 0, reached_w: int = 0) -> None:
        self._limits, self._period_ms = limits, period_ms
        self._watch = Watch(limits, month=month, reached_w=reached_w)
        self._told: Told | None = None
        self._before: Before | None = None
        self._ordered_ms = 0

    def tell(self, told: Told) -> None:
        """The main cycle's newest word."""
        self._told = told

    def decide(self, sample: StationSample | None, *, t_ms: int) -> tuple[Order, int]:
        """The order for the next period, and how much of the wish is for the frequency; `sample` None: no answer."""
        if sample is not None:
            self._watch.see(sample, t_ms=t_ms)
        now = self._within_alarms(self._watch.situation(t_ms=t_ms, hold_ms=self._period_ms))
        made = wish.wish(self._base(t_ms), now=now, limits=self._limits, least_w=self._least_w(t_ms))
        before = self._before
        if before is None:
            before = Before(power_w=now.sample.battery_power_w if now else 0, elapsed_ms=self._period_ms)
        else:
            before = replace(before, elapsed_ms=t_ms - self._ordered_ms)
        return guard(made.power_w, limits=self._limits, now=now, before=before), made.answer_w

    def bound_w(self, *, t_ms: int) -> tuple[int, int]:
        """Charging and discharging power, magnitudes, that the battery's own limits leave it now. W."""
        now = self._within_alarms(self._watch.situation(t_ms=t_ms, hold_ms=self._period_ms))
        return battery_bound_w(self._limits, now)

    def ordered(self, order: Order, *, t_ms: int) -> None:
        """The device took an order; or none may be given (`silent`), and the next begins at what the battery does."""
        self._before = None if order.silent else Before(power_w=order.power_w, elapsed_ms=0)
        self._ordered_ms = t_ms

    def _within_alarms(self, now: Situation | None) -> Situation | None:
        if now is None or self._told is None:
            return now
        told = self._told
        return replace(now, charge_share_bp=told.charge_share_bp, discharge_share_bp=told.discharge_share_bp)

    def _base(self, t_ms: int) -> Base:
        told = self._told
        if told is None:
            return Base(power_w=None, source=Source.NOTHING)
        envelope = told.envelope if t_ms < told.until_ms else None
        if not self._holds(t_ms):
            return Base(power_w=None, source=Source.NOTHING, envelope=envelope)
        return Base(power_w=told.base_w, source=told.source, envelope=envelope)

    def _least_w(self, t_ms: int) -> int | None:
        return self._told.least_w if self._told is not None and self._holds(t_ms) else None

    def _holds(self, t_ms: int) -> bool:
        return self._told is not None and abs(t_ms - self._told.t_ms) <= HOLDS_MS


WRONG_WORDS = (AllianceError, ValueError)
"""What reading a word may raise."""
