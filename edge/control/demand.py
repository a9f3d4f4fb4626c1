"""The running quarter's import against the month's demand (需量, protocol 9.13.4): a fold over samples; no clock.

Import power is held from one sample to the next; where the billing register says more, it counts. A quarter of which
the beginning was not seen counts as run at the limit until then. The month is the local calendar's.
"""

from dataclasses import dataclass, replace

from alliance.calendar import SLOT_MS, day_at
from edge.control.guard import Demand
from edge.devices.station import StationSample

_WH_W_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """What is known of the import of the running quarter and of the month before it."""

    declared_w: int
    t_ms: int
    import_w: int
    spent_w_ms: int
    start_import_wh: int
    """The register where this quarter's own count began."""
    unseen_w_ms: int
    """What stands for the quarter's part before that."""
    whole: bool
    """Whether the quarter was seen from its beginning; else its mean raises nothing."""
    month: int
    reached_w: int
    """The month's highest quarter mean so far, rounded up."""

    def spent_by(self, t_ms: int) -> int:
        """Imported in the quarter until an instant in it, the last import power held. W·ms."""
        return self.spent_w_ms + self.import_w * max(0, t_ms - self.t_ms)


def first(sample: StationSample, *, t_ms: int, declared_w: int, month: int = 0, reached_w: int = 0) -> Quarter:
    """Begin to count, on top of what a month is known to have reached."""
    reached_w = reached_w if month == month_of(t_ms) else 0
    unseen = max(declared_w, reached_w) * (t_ms % SLOT_MS)
    return Quarter(
        declared_w=declared_w, t_ms=t_ms, import_w=max(0, -sample.meter_power_w), spent_w_ms=unseen,
        start_import_wh=sample.import_wh, unseen_w_ms=unseen, whole=t_ms % SLOT_MS == 0, month=month_of(t_ms),
        reached_w=reached_w,
    )  # fmt: skip


def after(quarter: Quarter, sample: StationSample, *, t_ms: int) -> Quarter:
    """The count after a further sample; where time goes backwards, the count begins again."""
    if t_ms < quarter.t_ms:
        return first(sample, t_ms=t_ms, declared_w=quarter.declared_w, month=quarter.month, reached_w=quarter.reached_w)
    if t_ms // SLOT_MS == quarter.t_ms // SLOT_MS:
        metered = max(0, sample.import_wh - quarter.start_import_wh) * _WH_W_MS
        spent = max(quarter.spent_by(t_ms), quarter.unseen_w_ms + metered)
        return replace(quarter, t_ms=t_ms, import_w=max(0, -sample.meter_power_w), spent_w_ms=spent)
    return _next(quarter, sample, t_ms)


def standing(quarter: Quarter, *, t_ms: int) -> Demand:
    """Where the quarter stands at an instant; a new one without a sample yet counts by the power held."""
    limit_w = max(quarter.declared_w, quarter.reached_w if month_of(t_ms) == quarter.month else 0)
    start_ms = t_ms - t_ms % SLOT_MS
    spent = quarter.spent_by(t_ms) if quarter.t_ms >= start_ms else quarter.import_w * (t_ms - start_ms)
    return Demand(limit_w=limit_w, spent_w_ms=spent, left_ms=start_ms + SLOT_MS - t_ms)


def shaving_w(demand: Demand, *, net_load_w: int, hold_ms: int) -> int | None:
    """The least power, discharge positive, that keeps the demand beside the load; None while the load alone does."""
    need_w = net_load_w - demand.rest_w(hold_ms)
    return need_w if need_w > 0 else None


def month_of(t_ms: int) -> int:
    """The local calendar month of an instant, counted from year 0."""
    date = day_at(t_ms).date
    return date.year * 12 + date.month - 1


def _next(quarter: Quarter, sample: StationSample, t_ms: int) -> Quarter:
    """Close the quarter at its end; the new one has run since its beginning at the power that was held."""
    end_ms = quarter.t_ms - quarter.t_ms % SLOT_MS + SLOT_MS
    mean_w = -(-quarter.spent_by(end_ms) // SLOT_MS) if quarter.whole else 0
    held = quarter.import_w * (t_ms % SLOT_MS)
    same_month = month_of(t_ms) == quarter.month
    return Quarter(
        declared_w=quarter.declared_w, t_ms=t_ms, import_w=max(0, -sample.meter_power_w), spent_w_ms=held,
        start_import_wh=sample.import_wh, unseen_w_ms=held, whole=t_ms - t_ms % SLOT_MS == end_ms,
        month=month_of(t_ms), reached_w=max(quarter.reached_w, mean_w) if same_month else 0,
    )  # fmt: skip
