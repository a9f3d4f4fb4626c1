"""Step 5 (protocol 11.2, 4.5, 8.3, 9): what of the log binds a day: rule packs, groupings, certified schedules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from alliance import certificate as certificates
from alliance.calendar import Day
from alliance.certificate import Certificate, certificate_from_plain
from alliance.day import (
    Grouping,
    Place,
    RulesMissing,
    binding_groups,
    binding_pack,
    day_ahead,
    effective_schedules,
    rule_document,
)
from alliance.errors import Malformed
from alliance.fleet import BillingGroup, Station
from alliance.identity import Digest, LeaseId, StationId
from alliance.lease import Lease
from alliance.rulepack import RulePack
from alliance.schedule import GroupTariff, Problem, Schedule, schedule_from_plain
from alliance.settlement import group_tariff
from audit.blocks import Blocks
from audit.facts import Facts, Progress
from audit.finding import Unread, Where, diverged, expect, judged, shown
from audit.manifests import Logged
from oracle.document import open_block
from oracle.log import EntryType

_DOCUMENT = "protocol 4.5: the document that the entry names"
_RULES = "protocol 8.3: a rule pack or grouping"
_SCHEDULE = "protocol 8.3.2: a schedule"
_CERTIFICATE = "protocol 9: the certificate proves the schedule"
_UNCERTIFIED = "protocol 8.3.2: without a certificate there are no prices and no gains"
_TARIFF = "protocol 8.3: a plan is priced by the pack that binds its day"
_RATING = "protocol 7: a plan counts on the stations as registered"
_LEASE = "protocol 7: a plan uses the leases as accepted"


@dataclass(kw_only=True, eq=False)
class ScheduleDocumentMalformed(Malformed):
    """A schedule entry's document does not hold exactly a schedule and its certificate."""

    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """The documents that may bind a day, each with its place in the log."""

    schedules: tuple[tuple[Place, Schedule], ...]
    packs: tuple[tuple[Place, RulePack], ...]
    groupings: tuple[tuple[Place, Grouping], ...]
    certificates: Mapping[Digest, Certificate]

    def seen_at(self, size: int) -> "Documents":
        """Those that stood in the log when it had so many entries."""
        return replace(
            self,
            schedules=tuple(item for item in self.schedules if item[0].entry < size),
            packs=tuple(item for item in self.packs if item[0].entry < size),
            groupings=tuple(item for item in self.groupings if item[0].entry < size),
        )


def read(logged: Sequence[Logged], blocks: Blocks, *, day: Day, progress: Progress) -> Documents:
    """Open every rule document, and the schedules of the day. Raises Diverged or Unread."""
    schedules: list[tuple[Place, Schedule]] = []
    rules: list[tuple[Place, RulePack | Grouping]] = []
    proofs: dict[Digest, Certificate] = {}
    wanted = [item for item in logged if item.entry.type is not EntryType.STATEMENT]
    for done, item in enumerate(wanted, start=1):
        content, place = _content(item, blocks), _place(item)
        where = Where(epoch=item.checkpoint.epoch)
        if item.entry.type is EntryType.RULE_PACK:
            with judged(_RULES, where=where):
                rules.append((place, rule_document(content)))
        elif _is_of(content, day):
            with judged(_SCHEDULE, where=where):
                schedule, proof = _schedule_of(content)
            schedules.append((place, schedule))
            proofs |= {place.digest: proof} if proof else {}
        progress("documents", done, len(wanted))
    return Documents(
        schedules=tuple(schedules),
        packs=tuple((place, rule) for place, rule in rules if isinstance(rule, RulePack)),
        groupings=tuple((place, rule) for place, rule in rules if isinstance(rule, Grouping)),
        certificates=proofs,
    )


def binding_rules(documents: Documents, day: Day, *, settled: bool) -> tuple[RulePack, tuple[BillingGroup, ...]]:
    """The rule pack and billing groups of a day; without any in time a settled day diverges, another is not read."""
    try:
        return binding_pack(documents.packs, day)[1], binding_groups(documents.groupings, day)
    except RulesMissing as missing:
        if settled:
            raise diverged(_RULES, f"a {missing.what} anchored before {day}", "none", where=Where()) from missing
        raise Unread(what="rules", why=f"no {missing.what} was anchored for {day}: nothing binds it") from missing


def check(
    documents: Documents, facts: Facts, *, day: Day, settled: bool, stations: Iterable[Station], leases: Iterable[Lease]
) -> None:
    """Check each schedule of the day: certified; those that bind, by the day's rules. Raises Diverged or Unread."""
    rated, leased = {s.number: s for s in stations}, {x.number: x for x in leases}
    pack, groups = binding_rules(documents, day, settled=settled)
    bound = {anchored.digest for anchored in effective_schedules(documents.schedules, day).values()}
    fee_base = day_ahead(documents.schedules, day)
    bound |= {fee_base.digest} if fee_base else set()
    for place, schedule in documents.schedules:
        where = Where(slot=schedule.first_slot)
        expect(f"{_SCHEDULE} (alliance)", facts.deployment.domain.alliance, schedule.alliance, where=where)
        proof = documents.certificates.get(place.digest)
        if proof is None:
            _check_uncertified(schedule, where)
            continue
        expect(f"{_CERTIFICATE} (of another schedule)", schedule, proof.schedule, where=where)
        with judged(_CERTIFICATE, where=where):
            certificates.check(proof)
        _check_ratings(proof.problem, rated, where)
        _check_leases(proof.problem, leased, where)
        if place.digest in bound:
            _check_tariffs(proof.problem, pack, groups, where)


def _content(item: Logged, blocks: Blocks) -> object:
    where = Where(epoch=item.checkpoint.epoch)
    rule = f"{_DOCUMENT} ({item.entry.type.name.lower()})"
    raw = blocks.get(item.entry.document, rule=rule, where=where)
    with judged(rule, where=where):
        return open_block(raw, commitment=item.entry.commitment)


def _place(item: Logged) -> Place:
    anchored_ms = item.checkpoint.at.timestamp_s * 1000
    return Place(digest=item.entry.document, entry=item.number, anchored_ms=anchored_ms)


def _is_of(content: object, day: Day) -> bool:
    """Whether a schedule's document is of a day; one that does not say is read, so that it is refused by name."""
    match content:
        case {"schedule": {"schedule": {"day": int(number)}}}:
            return number == day.number
    return True


def _schedule_of(content: object) -> tuple[Schedule, Certificate | None]:
    match content:
        case {"schedule": schedule, "certificate": proof, **rest} if not rest:
            made = schedule_from_plain(schedule)
            return made, None if proof is None else certificate_from_plain(proof)
    raise ScheduleDocumentMalformed(got=str(content)[:80])


def _check_uncertified(schedule: Schedule, where: Where) -> None:
    if schedule.prices or schedule.gains:
        got = f"{len(schedule.prices)} prices, {len(schedule.gains)} gains"
        raise diverged(_UNCERTIFIED, "none", got, where=where)


def _check_ratings(problem: Problem, rated: Mapping[StationId, Station], where: Where) -> None:
    for site in problem.sites:
        number = site.station.number
        expect(_RATING, rated.get(number), site.station, where=replace(where, station=number))


def _check_leases(problem: Problem, leased: Mapping[LeaseId, Lease], where: Where) -> None:
    """A plan may know that a lease ends early; nothing else of it may differ."""
    for share in problem.shares:
        found = leased.get(share.lease.number)
        at = replace(where, station=share.lease.station)
        if found is None or share.lease.term_slots > found.term_slots:
            raise diverged(_LEASE, shown(found), shown(share.lease), where=at)
        expect(_LEASE, replace(found, term_slots=share.lease.term_slots), share.lease, where=at)


def _check_tariffs(problem: Problem, pack: RulePack, groups: Sequence[BillingGroup], where: Where) -> None:
    tariff = pack.tariff_for(problem.day)
    planned = {g.group.number: g for g in problem.groups}
    expect(f"{_TARIFF} (groups)", sorted(g.number for g in groups), sorted(planned), where=where)
    for group in groups:
        _check_tariff(planned[group.number], group, [tariff.slots, group_tariff(group, tariff).slots], problem, where)


def _check_tariff(
    planned: GroupTariff, group: BillingGroup, allowed: Sequence[Sequence[object]], problem: Problem, where: Where
) -> None:
    """A group of one PCC may be planned with the network price or without it: nothing passes inside it."""
    expect(f"{_TARIFF} (stations)", sorted(group.stations), sorted(planned.group.stations), where=where)
    span = slice(problem.first_slot, problem.first_slot + problem.slots)
    used = list(planned.tariff.slots)
    if used not in [list(slots[span]) for slots in allowed]:
        slot = next((k for k, (a, b) in enumerate(zip(allowed[0][span], used, strict=False)) if a != b), 0)
        want, got = shown(allowed[0][problem.first_slot + slot]), shown(used[slot] if slot < len(used) else None)
        raise diverged(_TARIFF, want, got, where=replace(where, slot=problem.first_slot + slot))
