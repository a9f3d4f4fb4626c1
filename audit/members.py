"""Members, stations and leases as the registries' events tell them (protocol 7)."""

from alliance.calendar import Day
from alliance.fleet import Station
from alliance.identity import Address, LeaseId, MemberId
from alliance.lease import EarlyEnd, Lease
from audit.facts import Facts
from audit.finding import Where, diverged, expect, shown
from chain.events import (
    Leased,
    LeaseEnded,
    MemberAdmitted,
    MemberMoved,
    RosterChanged,
    StationChanged,
    StationRegistered,
)
from chain.registry import roster_hash

_ROSTER = "protocol 8.2.1: the roster of the day as frozen at its 00:00"
_OWNER = "protocol 7.1: a station's owner was admitted"


def roster(facts: Facts, day: Day) -> tuple[MemberId, ...]:
    """The members whose accounts a day settles, checked against the hash that the registry froze. Raises Diverged."""
    members: tuple[MemberId, ...] = ()
    latest = -1
    for change in facts.of(RosterChanged):
        if latest <= change.from_day <= day.number:
            members, latest = change.members, change.from_day
    frozen = facts.roster_hashes.get(day.number)
    if frozen is not None:
        expect(_ROSTER, frozen, roster_hash(members), where=Where())
    return members


def rosters(facts: Facts) -> list[tuple[MemberId, ...]]:
    """Every roster that ever held."""
    return [change.members for change in facts.of(RosterChanged)]


def stations(facts: Facts, day: Day | None = None) -> tuple[Station, ...]:
    """All stations with their owners' numbers, in order of registration; rated as on a day, else as rated last.

    Raises Diverged for an unknown owner.
    """
    numbers: dict[Address, MemberId] = {e.account: e.member for e in facts.of(MemberAdmitted)}
    numbers |= {e.after: e.member for e in facts.of(MemberMoved)}
    for event in facts.of(StationRegistered):
        if event.owner not in numbers:
            raise diverged(_OWNER, "a member", shown(event.owner), where=Where(station=event.station))
    changed = {e.station: e.spec for e in facts.of(StationChanged) if day is None or e.from_day <= day.number}
    return tuple(
        changed.get(e.station, e.spec).station(e.station, numbers[e.owner]) for e in facts.of(StationRegistered)
    )


def leases(facts: Facts) -> tuple[Lease, ...]:
    """All leases, in order of acceptance."""
    return tuple(event.lease for event in facts.of(Leased))


def early_ends(facts: Facts) -> dict[LeaseId, EarlyEnd]:
    """How each lease ended that did so before its term; the last end counts (protocol 7.2.2)."""
    return {
        event.number: EarlyEnd(end_slot=event.end_slot, by=event.by or None, price_cents=event.price_cents)
        for event in facts.of(LeaseEnded)
    }
