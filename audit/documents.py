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
    binding_grouping,
    binding_groups,
    binding_pack,
    day_ahead,
    effective_schedules,
    groups_document,
    rule_document,
    tariff_document,
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
from audit.finding import Findings, Unread, Where, diverged, expect, judged, shown
from audit.manifests import Logged
from audit.opening import Opening
from chain.charter import rule_hash
from chain.events import Checkpoint
from chain.rulings import agreed
from oracle import rows
from oracle.document import Opened, open_salted
from oracle.log import Entry, EntryType

_DOCUMENT = "protocol 4.5: the document that the entry names"
_ROWS = "protocol 4.2: the rows entry of a document"
_RULES = "protocol 8.3: a rule pack or grouping"
_AGREED_PACK = "protocol 7.6: the rule pack that members agreed"
_AGREED_VALUE = "protocol 7.6: the value that members agreed"
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
    unread: bool = False
    """Whether a document that may bind the day stayed unread."""

    def seen_at(self, size: int) -> "Documents":
        """Those that stood in the log when it had so many entries."""
        return replace(
            self,
            schedules=tuple(item for item in self.schedules if item[0].entry < size),
            packs=tuple(item for item in self.packs if item[0].entry < size),
            groupings=tuple(item for item in self.groupings if item[0].entry < size),
        )


class Shelf:
    """The log's documents as they are asked for, day by day: each opened once, schedules kept while days need them."""

    def __init__(self, blocks: Blocks, findings: Findings, opening: Opening, progress: Progress) -> None:
        self._blocks, self._findings, self._opening, self._progress = blocks, findings, opening, progress
        self._read = 0
        self._packs: list[tuple[Place, RulePack]] = []
        self._groupings: list[tuple[Place, Grouping]] = []
        self._days: dict[int, list[tuple[Place, Schedule, Certificate | None]]] = {}
        self._dropped = -1
        self._unread = False

    def read(self, logged: Sequence[Logged], *, first: Day) -> None:
        """Open what the log brought since the last call; schedules of days before `first` are not kept."""
        self._drop(first)
        fresh = logged[self._read :]
        self._read = len(logged)
        beside = {(i.checkpoint.epoch, i.entry.document): i.entry for i in fresh if i.entry.type is EntryType.ROWS}
        wanted = [item for item in fresh if item.entry.type not in (EntryType.STATEMENT, EntryType.ROWS)]
        for done, item in enumerate(wanted, start=1):
            with self._findings.tried():
                self._take(item, beside.pop((item.checkpoint.epoch, item.entry.document), None))
            self._progress("documents", done, len(wanted))
        for (epoch, named), _ in beside.items():
            with self._findings.tried():
                raise diverged(
                    _ROWS, "none", f"rows of {shown(named)}, which is not logged here", where=Where(epoch=epoch)
                )

    def of(self, day: Day) -> Documents:
        """What may bind a day, of what was read."""
        own = self._days.get(day.number, [])
        return Documents(
            schedules=tuple((place, schedule) for place, schedule, _ in own),
            packs=tuple(self._packs),
            groupings=tuple(self._groupings),
            certificates={place.digest: proof for place, _, proof in own if proof is not None},
            unread=self._unread,
        )

    def _drop(self, first: Day) -> None:
        self._dropped = first.number - 1
        for number in [number for number in self._days if number <= self._dropped]:
            del self._days[number]

    def _take(self, item: Logged, beside: Entry | None) -> None:
        where = Where(epoch=item.checkpoint.epoch)
        if beside is None and rows.has_rows(item.entry.type):
            raise diverged(_ROWS, "an entry of its rows in the same epoch", "none", where=where)
        opened, place = self._opened(item), _place(item)
        if opened is None:
            self._unread = True
            return
        salt, content = opened
        with judged(_ROWS, where=where):
            want = rows.entry_of(item.entry.type, item.entry.document, content, salt=salt)
        if want != beside:
            raise diverged(_ROWS, _root(want), _root(beside), where=where)
        if item.entry.type is EntryType.RULE_PACK:
            with judged(_RULES, where=where):
                rule = rule_document(content)
            if isinstance(rule, RulePack):
                self._packs.append((place, rule))
            else:
                self._groupings.append((place, rule))
        elif item.entry.type is EntryType.SCHEDULE and _day_number(content) > self._dropped:
            with judged(_SCHEDULE, where=where):
                schedule, proof = _schedule_of(content)
            self._days.setdefault(schedule.day.number, []).append((place, schedule, proof))

    def _opened(self, item: Logged) -> tuple[bytes, object] | None:
        """What a document holds, checked against its entry; None when it stays unread."""
        where = Where(epoch=item.checkpoint.epoch)
        rule = f"{_DOCUMENT} ({item.entry.type.name.lower()})"
        raw = self._blocks.get(item.entry.document, rule=rule, where=where)
        with judged(rule, where=where):
            return self._opening.tried(
                lambda key: _salted(open_salted(raw, commitment=item.entry.commitment, content_key=key)),
                item.entry.document,
                [item.checkpoint.epoch],
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
    documents: Documents, facts: Facts, *, day: Day, settled: bool, stations: Iterable[Station],
    leases: Iterable[Lease], findings: Findings,
) -> None:  # fmt: skip
    """Check each schedule of the day: certified; those that bind, by the day's rules. Raises Diverged or Unread."""
    rated, leased = {s.number: s for s in stations}, {x.number: x for x in leases}
    pack, groups = binding_rules(documents, day, settled=settled)
    _check_agreed(documents, facts, pack, day, findings)
    bound = {anchored.digest for anchored in effective_schedules(documents.schedules, day).values()}
    fee_base = day_ahead(documents.schedules, day)
    bound |= {fee_base.digest} if fee_base else set()
    for place, schedule in documents.schedules:
        where = Where(slot=schedule.first_slot)
        proof = documents.certificates.get(place.digest)
        with findings.tried():
            expect(f"{_SCHEDULE} (alliance)", facts.deployment.domain.alliance, schedule.alliance, where=where)
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


def last_seen(checkpoints: Sequence[Checkpoint], epoch: int) -> Checkpoint | None:
    """The last checkpoint of an epoch or an earlier one."""
    return next((c for c in reversed(checkpoints) if c.epoch <= epoch), None)


def _root(entry: Entry | None) -> str:
    return "none" if entry is None else f"root {shown(entry.rows_root)}"


def _salted(opened: Opened) -> tuple[bytes, object]:
    return opened.salt, opened.content


def _place(item: Logged) -> Place:
    anchored_ms = item.checkpoint.at.timestamp_s * 1000
    return Place(digest=item.entry.document, entry=item.number, anchored_ms=anchored_ms)


def _day_number(content: object) -> int:
    """The day of a schedule's document; one that does not say is read, so that it is refused by name."""
    match content:
        case {"schedule": {"schedule": {"day": int(number)}}}:
            return number
    return 1 << 62


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


def _check_agreed(documents: Documents, facts: Facts, pack: RulePack, day: Day, findings: Findings) -> None:
    """A day is settled by what members agreed for it; where they agreed on nothing, nothing is compared."""
    found = agreed(facts.events, day)
    compared: list[tuple[str, object, object]] = [
        (_AGREED_PACK, found.tariff, rule_hash(tariff_document(pack))),
        (f"{_AGREED_VALUE} (fee_bp)", found.fee_bp, pack.fee_bp.value),
        (f"{_AGREED_VALUE} (loss_ppm)", found.loss_ppm, pack.loss_ppm.value),
    ]
    if found.groups is not None:
        filed = rule_hash(groups_document(binding_grouping(documents.groupings, day)))
        compared.append((_AGREED_PACK, found.groups, filed))
    for rule, want, got in compared:
        with findings.tried():
            expect(rule, got if want is None else want, got, where=Where())


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
