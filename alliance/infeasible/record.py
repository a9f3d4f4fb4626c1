"""The record of an infeasibility: conflicts of limits, none of them needless, and a relaxation with its plan (9.10).

A holder's conflict is about one battery alone; a shared one about what a fleet's stations share, given what each can
do. Places are station numbers in a settled problem and indices in a fleet's.
"""

from dataclasses import dataclass
from enum import StrEnum

from alliance.errors import Refused
from alliance.fleetplan import FleetPlan
from alliance.fleetproof import FleetDuals
from alliance.schedule import Schedule, from_plain, to_plain, unwrap
from alliance.why.record import What


class Kind(StrEnum):
    """How a holder's limits contradict each other."""

    FLOW = "flow"
    """In one slot two limits of its flow leave no flow."""
    WINDOW = "window"
    """At one slot's end the least content is above the most."""
    SHORT = "short"
    """Taking all it may from the anchor on, it has less than it must at the end of the last slot."""
    OVER = "over"
    """Giving all it may from the anchor on, it has more than it can hold at the end of the last slot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A limit in a run of slots; `case` is a fleet's scenario, else 0."""

    what: What
    case: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderConflict:
    """Limits of one holder of a station (lease 0: the owner) that contradict each other.

    FLOW: the two limits of the flow. WINDOW: the two of the content. SHORT, OVER: one limit of the flow in each slot
    from `anchor` + 1 to `last`, the content's at `anchor` unless that is −1, the horizon's start, and at `last`.
    """

    station: int
    lease: int
    kind: Kind
    anchor: int
    last: int
    members: tuple[Member, ...]
    missing_wh: int
    """By how much they contradict each other, Wh (of content in SHORT and OVER), rounded up: at least 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedMember:
    """A limit of a region (`place`), of a reserve in a region, or of a tie, in some periods."""

    what: What
    place: int
    reserve: int
    periods: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedConflict:
    """Limits that a fleet's stations share, with all others of their kind lifted (`relax.lifted`)."""

    members: tuple[SharedMember, ...]
    proof: FleetDuals
    """Bound the cost of the plan from above 0 although nothing costs anything: no plan keeps these limits."""
    witnesses: tuple[FleetPlan, ...]
    """For each member a plan that keeps all others: none is needless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A limit gives way by so many Wh (of content, or a slot) in a run of slots, upwards or downwards as helps.

    `lease` is a fleet's reserve where a requirement gives way. A limit that has one value for all slots (rating of a
    PCC, end rule, battery's window, tie) has the whole horizon as its run.
    """

    what: What
    place: int
    lease: int
    first: int
    last: int
    by_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Infeasibility:
    """Conflicts of a problem; if there are any, a relaxation and a plan that keeps all limits then."""

    holders: tuple[HolderConflict, ...]
    shared: SharedConflict | None
    relaxation: tuple[Change, ...]
    """Empty where no relaxation of this kind was found."""
    schedule: Schedule | None
    """Of a settled problem."""
    plan: FleetPlan | None
    """Of a fleet's."""


@dataclass(kw_only=True, eq=False)
class ConflictWrong(Refused):
    """An infeasibility's record says what its problem does not give."""

    what: str
    expected: str
    got: str


def infeasibility_to_plain(record: Infeasibility) -> dict[str, object]:
    """The plain form {"v": 1, "infeasible": …}."""
    return {"v": 1, "infeasible": to_plain(record)}


def infeasibility_from_plain(plain: object) -> Infeasibility:
    """Read `infeasibility_to_plain`'s form, strictly. Raises PlainWrong."""
    return from_plain(Infeasibility, unwrap(plain, name="infeasible"), where="infeasible")
