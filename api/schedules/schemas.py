"""Bodies about schedules; energies in Wh, positive out of the station, prices in cents per MWh."""

from api.wire import Cents, Hex32, Milliseconds, Wire


class AnchoredAnswer(Wire):
    """The first checkpoint on chain that holds a document."""

    epoch: int
    block: int
    time_s: int


class ScheduleAnswer(Wire):
    """A schedule's heading."""

    day: str
    revision: int
    kind: str
    digest: Hex32
    certified: bool
    certified_gap_ppm: int
    objective_cents: Cents | None
    bound_cents: Cents | None
    epoch: int
    anchored: AnchoredAnswer | None


class PriceAnswer(Wire):
    """A group's certified price in a slot."""

    group: int
    slot: int
    pool_price: int


class GainAnswer(Wire):
    """What a member would pay apart, pays as planned, and gains: estimates from the certified plan."""

    member: int
    apart_cost_cents: Cents
    planned_cost_cents: Cents
    without_storage_cost_cents: Cents
    gain_cents: Cents


class ScheduleDetail(Wire):
    """A schedule's heading, prices, and the gains that the asker may see."""

    heading: ScheduleAnswer
    prices: tuple[PriceAnswer, ...]
    gains: tuple[GainAnswer, ...]


class RunAnswer(Wire):
    """A run of the planner: what came of it, and why."""

    day: str
    revision: int
    t: Milliseconds
    outcome: str
    code: str
    detail: str
    schedule: Hex32 | None


class EdgeRow(Wire):
    """What a station's box follows in a slot."""

    slot: int
    battery_wh: int
    planned_net_wh: int
    net_load_wh: int


class EdgeSchedule(Wire):
    """A station's rows of the schedule in force."""

    schedule: Hex32
    revision: int
    rows: tuple[EdgeRow, ...]
