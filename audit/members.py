"""Members, stations and leases as the registries' events tell them (protocol 7)."""

from alliance.calendar import Day
from alliance.fleet import Station
from alliance.identity import Address, LeaseId, MemberId
from alliance.lease import Lease
from audit.facts import Facts
from audit.finding import Where, diverged, expect, shown
from chain.events import Leased, LeaseEnded, MemberAdmitted, RosterChanged, StationRegistered
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
    if facts.roster_hash is not None:
        expect(_ROSTER, facts.roster_hash, roster_hash(members), where=Where())
    return members


def stations(facts: Facts) -> tuple[Station, ...]:
    """All stations with their owners' numbers, in order of registration. Raises Diverged for an unknown owner."""
    numbers: dict[Address, MemberId] = {e.account: e.member for e in facts.of(MemberAdmitted)}
    for event in facts.of(StationRegistered):
        if event.owner not in numbers:
            raise diverged(_OWNER, "a member", shown(event.owner), where=Where(station=event.station))
    return tuple(e.spec.station(e.station, numbers[e.owner]) for e in facts.of(StationRegistered))


def leases(facts: Facts) -> tuple[Lease, ...]:
    """All leases, in order of acceptance."""
    return tuple(event.lease for event in facts.of(Leased))


def early_ends(facts: Facts) -> dict[LeaseId, int]:
    """First absolute slot in which a lease that was ended early no longer runs."""
    return {event.number: event.end_slot for event in facts.of(LeaseEnded)}
