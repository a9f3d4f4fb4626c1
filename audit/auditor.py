"""Days audited from a chain and an archive alone (protocol 11): seven steps, one walk along the log for all days.

The log is rebuilt epoch by epoch; each day is settled again as soon as the walk has passed what its statements may have
seen, and what no later day needs is forgotten. The first divergence ends it, or all are gathered.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from alliance.calendar import DAY_SLOT, SLOTS_A_DAY, Day
from alliance.closing import SEEN_EPOCHS, DayUse, closing_days
from alliance.day import day_use
from alliance.reading import ChannelKind
from alliance.segment import SignedSegment
from alliance.statement import account_name
from audit import checkpoints as anchored
from audit import completeness, documents, evidence, identity, keys, members, settlement, state
from audit.blocks import Blocks, Source
from audit.completeness import Held
from audit.documents import Shelf
from audit.evidence import EPOCHS_BESIDE, Evidence, EvidenceCheck, Scope
from audit.facts import Facts, Progress, gather, reading_chain
from audit.finding import Diverged, Findings, Unread, Where, judged
from audit.focus import EVERYTHING, Focus
from audit.keys import Keyring
from audit.manifests import LogWalk, WalkState, slot_of
from audit.opening import Opening
from audit.resume import Kept, ResumeFile
from audit.settlement import Settled, Settling, channel_meters
from audit.verdict import Counts, DayResult, Outcome, Report, Verdict
from chain.events import Checkpoint, DigestClaimed, EpochOverdue
from chain.rpc import Rpc
from oracle.deployment import Deployment
from oracle.grant import Opener
from oracle.signers import Signers, Unproved

_FORGET_SLOT = 8
"""A few epochs into a day, when the day before is judged."""
_USE = "protocol 8.7.4: the use of leased capacity follows from schedules and batteries"


def silent(step: str, done: int, total: int) -> None:
    """A progress callback that says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How an audit is asked for."""

    depth: int = 0
    """Blocks that must stand above what counts; 0 audits the chain as it is."""
    focus: Focus = EVERYTHING
    every: bool = False
    """Whether all divergences are wanted, not the first alone."""
    opener: Opener | None = None
    """Opens encrypted blocks."""
    second: Rpc | None = None
    """Another node, whose word is compared."""
    resume: ResumeFile | None = None
    """Where an interrupted audit goes on, and keeps what it has found."""
    held: tuple[Held, ...] = ()
    """What members kept of their own segments and acknowledgements: held against the log."""


DEFAULT = Asked()


def audit_day(
    rpc: Rpc,
    archive: Callable[[], Source],
    deployment: Deployment,
    day: Day,
    *,
    depth: int = 0,
    opener: Opener | None = None,
    held: tuple[Held, ...] = (),
    progress: Progress = silent,
) -> Verdict:
    """Audit a day; whatever is found, or cannot be read, is in the verdict.

    `archive` opens the archive. `depth` is how many blocks must stand above what counts; 0 audits the chain as it is.
    """
    asked = Asked(depth=depth, opener=opener, held=held)
    return audit_days(rpc, archive, deployment, [day], asked=asked, progress=progress).verdict()


def audit_evidence(
    facts: Facts,
    archive: Callable[[], Source],
    day: Day,
    *,
    opener: Opener | None = None,
    progress: Progress = silent,
) -> Verdict:
    """Audit a day against a chain that was read before (steps 2 to 7)."""
    return audit_facts(facts, archive, [day], asked=Asked(opener=opener), progress=progress).verdict()


def audit_days(
    rpc: Rpc,
    archive: Callable[[], Source],
    deployment: Deployment,
    days: Sequence[Day],
    *,
    asked: Asked = DEFAULT,
    progress: Progress = silent,
) -> Report:
    """Audit days that follow each other; whatever is found, or cannot be read, is in the report."""
    audit = _Audit(deployment, tuple(days), asked, progress)
    return audit.reported(lambda: audit.from_chain(rpc, archive))


def audit_facts(
    facts: Facts, archive: Callable[[], Source], days: Sequence[Day], *, asked: Asked = DEFAULT,
    progress: Progress = silent,
) -> Report:  # fmt: skip
    """Audit days against a chain that was read before."""
    audit = _Audit(facts.deployment, tuple(days), asked, progress)
    return audit.reported(lambda: audit.from_facts(facts, archive))


def read_chain(
    rpc: Rpc, deployment: Deployment, *days: Day, depth: int = 0, second: Rpc | None = None,
    progress: Progress = silent,
) -> Facts:  # fmt: skip
    """Step 1, and everything that the later ones need of the chain. Raises Diverged or Unread."""
    with reading_chain():
        identity.check(rpc, deployment)
        progress("identity", 1, 1)
        return gather(rpc, deployment, days, depth=depth, progress=progress, other=second)


class _Audit:
    """One audit under way: what was read and checked so far."""

    def __init__(self, deployment: Deployment, days: tuple[Day, ...], asked: Asked, progress: Progress) -> None:
        self._deployment, self._days, self._asked, self._progress = deployment, days, asked, progress
        self._facts: Facts | None = None
        self._not_closed: list[Unread] = []
        self._blocks: Blocks | None = None
        self._begin()

    def _begin(self) -> None:
        """Nothing was found yet."""
        self._findings = Findings(every=self._asked.every)
        self._opening = Opening(self._asked.opener)
        self._evidence = Evidence()
        self._epochs = 0
        self._unread = list(self._not_closed)
        self._results: list[DayResult] = []

    def reported(self, run: Callable[[], None]) -> Report:
        """The report on what running the steps raises."""
        found = []
        try:
            run()
        except Diverged as error:
            found.append((self._findings.day, error.found))
        except Unread as error:
            self._unread.append(error)
        found = [*self._findings.found, *found]
        left = self._opening.unread_blocks()
        unread = (*self._unread, *([left] if left else []))
        outcome = Outcome.FAIL if found else Outcome.UNREAD if unread else Outcome.PASS
        facts = self._facts
        return Report(
            outcome=outcome,
            days=self._days,
            focus=self._asked.focus.name,
            deployment=self._deployment,
            head_block=facts.head.number if facts else None,
            head_hash=facts.head.hash if facts else None,
            head_s=facts.head.timestamp_s if facts else None,
            proved=facts.proved if facts else False,
            second=self._asked.second.url if self._asked.second else "",
            counts=self._counts(),
            found=tuple(found),
            unread=unread,
            results=tuple(self._results),
            notes=tuple(_notes(facts, self._days)) if facts else (),
        )

    def from_chain(self, rpc: Rpc, archive: Callable[[], Source]) -> None:
        """All steps."""
        asked = self._asked
        facts = read_chain(
            rpc, self._deployment, *self._days, depth=asked.depth, second=asked.second, progress=self._progress
        )
        self.from_facts(facts, archive)

    def from_facts(self, facts: Facts, archive: Callable[[], Source]) -> None:
        """The steps that need no more than the facts of the chain and an archive."""
        self._facts = facts
        found = anchored.check(facts)
        keys.check_walk(facts)
        state.check(facts.events, facts.slots, self._days)
        days = self._closed(facts)
        source = archive()
        Blocks(source).require_any(checkpoint.manifest for checkpoint in found)
        try:
            self._walk(facts, found, source, days, Signers(Keyring(facts).has_one_key))
        except Unproved:
            self._walk(facts, found, source, days, None)

    def _walk(
        self, facts: Facts, found: Sequence[Checkpoint], source: Source, days: Sequence[Day], signers: Signers | None
    ) -> None:
        """Walk the log from its beginning. Whatever is found, raises Unproved unless every assumed signer is proved."""
        self._begin()
        self._blocks = Blocks(source)
        course = _Course(
            self._asked, facts, found, self._blocks, days, self._findings, self._opening, self._progress, signers
        )
        self._evidence = course.evidence
        try:
            course.run(self._unread, self._results)
        except (Diverged, Unread):
            course.prove()
            raise
        finally:
            self._epochs = course.epochs
            self._evidence = course.evidence

    def _closed(self, facts: Facts) -> list[Day]:
        """The days that are over and anchored; those that are not are unread. Raises Diverged, or Unread for all."""
        closed: list[Day] = []
        for day in self._days:
            try:
                anchored.require_day_closed(facts, day)
                closed.append(day)
            except Unread as error:
                if not closed and day == self._days[-1]:
                    raise
                self._not_closed.append(error)
                self._unread.append(error)
        return closed

    def _counts(self) -> Counts:
        return Counts(
            epochs=self._epochs,
            segments=self._evidence.segments,
            readings=self._evidence.readings,
            lines=sum(result.lines for result in self._results),
            blocks=self._blocks.count if self._blocks else 0,
            block_bytes=self._blocks.bytes if self._blocks else 0,
            statements=sum(result.versions for result in self._results),
            gaps=self._evidence.gaps,
            outside=self._evidence.outside,
            unread_blocks=self._opening.unread,
        )


@dataclass(slots=True)
class _Need:
    """A day whose use of leased capacity a closing asks for, and what was found once it was final."""

    deliveries: bool
    use: DayUse | None = None


class _Course:
    """The walk along the log, and the days that it judges on its way."""

    def __init__(
        self, asked: Asked, facts: Facts, found: Sequence[Checkpoint], blocks: Blocks, days: Sequence[Day],
        findings: Findings, opening: Opening, progress: Progress, signers: Signers | None,
    ) -> None:  # fmt: skip
        self._signers = signers
        self._asked, self._facts, self._found, self._blocks, self._days = asked, facts, found, blocks, list(days)
        self._findings, self._opening, self._progress = findings, opening, progress
        self._keyring = Keyring(facts)
        self._posted = {day: settlement.posted(facts, day) for day in days}
        self._ready = {day: self._ready_at(day) for day in days}
        with reading_chain():
            self._stations = asked.focus.stations(facts)
        self._needs = self._needed()
        self._waiting = list(days)
        self._scope = self._scoped()
        self._walk = LogWalk(
            facts, self._keyring, blocks, findings, days=days, watched=completeness.digests(asked.held)
        )
        self._shelf = Shelf(blocks, findings, opening, progress)
        self._check: EvidenceCheck | None = None
        self._states: dict[int, tuple[WalkState, Counts]] = {}
        """The walk before the evidence of a day that may be taken up again, and what was read up to there."""
        self._before = Counts()
        self.evidence = Evidence()
        self.epochs = 0

    def run(self, unread: list[Unread], results: list[DayResult]) -> None:
        """Walk the whole log; a day that cannot be read is left, the others are judged. Raises Diverged or Unread."""
        begin = self._take_up(results)
        for checkpoint in self._found[begin:]:
            self._remember(checkpoint)
            self._step(checkpoint)
            judged_before = len(results)
            while len(self._waiting) > 1 and self._ready[self._waiting[0]] <= checkpoint.epoch:
                self._next(unread, results)
            self._forget(checkpoint.epoch)
            if len(results) > judged_before:
                self._keep(results)
        self._hold_against()
        while self._waiting:
            self._next(unread, results)
        self.prove()
        if self._asked.resume is not None:
            self._asked.resume.done()

    def prove(self) -> None:
        """Prove the signers that were assumed so far. Raises Unproved."""
        if self._signers is not None:
            self._signers.prove()

    def _forget(self, epoch: int) -> None:
        """Once a day, drop the evidence that no day asks for any more."""
        if self._check is not None and (epoch - self._days[0].first_slot) % SLOTS_A_DAY == _FORGET_SLOT:
            self.evidence.forget(self._oldest_evidence().first_slot - EPOCHS_BESIDE)

    def _hold_against(self) -> None:
        """Hold what members kept against the whole log."""
        found = completeness.check(
            self._facts, self._keyring, self._asked.held, seen=self._walk.seen, history=self.evidence.history,
            place=self._place,
        )  # fmt: skip
        for error in found:
            self._findings.note(error)

    def _place(self, signed: SignedSegment, epoch: int) -> Where:
        s = signed.segment
        return Where(
            epoch=epoch, slot=slot_of(epoch, self._days), station=self._keyring.station(s.device, s.channel),
            device=s.device, channel=s.channel, seq=s.first_seq,
        )  # fmt: skip

    # ---- going on after an interruption ----

    def _take_up(self, results: list[DayResult]) -> int:
        """Go on where an earlier audit of the same question stood; how many checkpoints it had passed."""
        kept = self._asked.resume.load(self._facts, self._found) if self._asked.resume is not None else None
        if kept is None:
            return 0
        judged_days = {result.day for result in kept.results}
        for day, use in kept.uses.items():
            if day in self._needs:
                self._needs[day].use = use
        results += kept.results
        self._waiting = [day for day in self._days if day not in judged_days]
        first = kept.walk.epoch + 1
        self._scope = replace(
            self._scope, first_epoch=max(self._scope.first_epoch, first),
            first_whole=max(self._scope.first_whole, first),
        )  # fmt: skip
        self._walk.resume(kept.walk)
        begin = next(at for at, c in enumerate(self._found, start=1) if c.epoch == kept.walk.epoch)
        self.epochs, self._before = begin, kept.counts
        self._blocks.count, self._blocks.bytes = kept.counts.blocks, kept.counts.block_bytes
        return begin

    def _remember(self, checkpoint: Checkpoint) -> None:
        """Keep the walk's state where a day's evidence begins: the day can be taken up from there."""
        slot = (checkpoint.epoch - self._days[0].first_slot) % SLOTS_A_DAY
        if self._asked.resume is not None and slot == 0 and self.epochs:
            self._states[checkpoint.epoch] = (self._walk.state(checkpoint.epoch - 1), self._counts())

    def _counts(self) -> Counts:
        """What was read so far, an earlier audit's part included."""
        found = self.evidence
        return Counts(
            segments=found.segments, readings=found.readings, gaps=found.gaps, outside=found.outside,
            blocks=self._blocks.count, block_bytes=self._blocks.bytes,
        )  # fmt: skip

    def _keep(self, results: Sequence[DayResult]) -> None:
        """Write down what is known up to the evidence of the next day."""
        resume = self._asked.resume
        if resume is None or self._findings.found or self._opening.unread:
            return
        begin = self._oldest_evidence().first_slot - EPOCHS_BESIDE
        at = max((epoch for epoch in self._states if epoch <= begin), default=None)
        self._states = {epoch: state for epoch, state in self._states.items() if at is None or epoch >= at}
        if at is not None:
            uses = {day: need.use for day, need in self._needs.items() if need.use is not None}
            self.prove()
            walk, counts = self._states[at]
            resume.save(Kept(walk=walk, results=tuple(results), uses=uses, counts=counts), self._facts)

    # ---- the log ----

    def _step(self, checkpoint: Checkpoint) -> None:
        """Rebuild the next epoch and check its evidence, if it is behind the days."""
        self._begin(checkpoint.epoch)
        try:
            made, entries = self._walk.add(checkpoint)
        except Diverged as error:
            self._findings.note(error)
            self._walk.lose(checkpoint)
            if self._check is not None:
                self._check.lose()
        else:
            if self._check is not None and checkpoint.epoch <= self._scope.last_epoch:
                self._check.add(checkpoint, made, entries)
        self.epochs += 1
        self._progress("log", self.epochs, len(self._found))
        for day, need in self._needs.items():
            if need.use is None and _last_epoch(day) + SEEN_EPOCHS == checkpoint.epoch:
                need.use = self._use(day, checkpoint, need.deliveries)

    def _begin(self, epoch: int) -> None:
        """Begin to read evidence where the scope begins, batteries first."""
        start = self._facts.deployment.start_epoch + 1
        if epoch == max(start, self._scope.first_epoch):
            self._check = EvidenceCheck(
                self._facts, self._keyring, self._blocks, scope=self._scope, course=self._walk.course(),
                findings=self._findings, opening=self._opening, history=completeness.streams(self._asked.held),
                signers=self._signers,
            )  # fmt: skip
            self.evidence, before = self._check.found, self._before
            self.evidence.segments, self.evidence.readings = before.segments, before.readings
            self.evidence.gaps, self.evidence.outside = before.gaps, before.outside
            self._check.begin(self._walk.course(), self._scope.batteries)
        if self._check is not None and epoch == max(start, self._scope.first_whole):
            self._check.begin(self._walk.course(), self._scope.meters)

    def _scoped(self) -> Scope:
        last = [settlement.last_view(self._posted[day], self._found, least=_last_epoch(day)) for day in self._days]
        battery_from = next((day for day, need in self._needs.items() if need.deliveries), None)
        return evidence.scope_of(
            self._keyring, self._days, last_seen=max(last), battery_from=battery_from, only=self._stations,
            leased=frozenset(lease.station for lease in members.leases(self._facts)),
        )  # fmt: skip

    # ---- the days ----

    def _ready_at(self, day: Day) -> int:
        """The epoch behind which nothing can come any more that a day's statements may rest on or must show."""
        seconds = self._facts.deployment.epoch_seconds
        logged = [e.at.timestamp_s // seconds + settlement.LOGGED_WITHIN for e in self._posted[day]]
        seen = settlement.last_view(self._posted[day], self._found, least=_last_epoch(day))
        return max([seen, *logged])

    def _oldest_evidence(self) -> Day:
        """The first day whose evidence is still asked for."""
        unused = [day for day, need in self._needs.items() if need.use is None and need.deliveries]
        return min([*self._waiting, *unused], default=self._days[-1])

    def _oldest_document(self) -> Day:
        """The first day whose schedules are still asked for."""
        unused = [day for day, need in self._needs.items() if need.use is None]
        return min([*self._waiting, *unused], default=self._days[-1])

    def _next(self, unread: list[Unread], results: list[DayResult]) -> None:
        """Judge the next day. Raises Diverged."""
        day = self._waiting[0]
        self._findings.day = day
        before, settled, why = len(self._findings.found), None, ""
        try:
            settled = self._judge(day)
        except Diverged as error:
            self._findings.note(error)
        except Unread as error:
            unread.append(error)
            why = f"{error.what}: {error.why}"
        self._findings.day = None
        self._waiting.pop(0)
        results.append(self._result(day, settled, failed=len(self._findings.found) > before, why=why))

    def _judge(self, day: Day) -> Settled:
        facts, posted = self._facts, self._posted[day]
        self._shelf.read(self._walk.documents, first=self._oldest_document())
        binding = self._shelf.of(day)
        documents.check(
            binding, facts, day=day, settled=bool(posted), stations=members.stations(facts, day),
            leases=members.leases(facts), findings=self._findings,
        )  # fmt: skip
        settling = Settling(
            facts=facts, keyring=self._keyring, checkpoints=self._found, logged=self._walk.documents,
            evidence=self.evidence, documents=binding, uses_at=lambda view: self._uses(day, view), day=day,
            uses_unread=self._uses_unread(day),
            last_epoch=_last_epoch(day), stations=self._stations, blocks=self._blocks, opening=self._opening,
            findings=self._findings,
        )  # fmt: skip
        return settlement.check(settling, posted, progress=self._progress)

    def _result(self, day: Day, settled: Settled | None, *, failed: bool, why: str) -> DayResult:
        if settled is None:
            return DayResult(day=day, outcome=Outcome.UNREAD if why else Outcome.FAIL, why=why)
        whole = settled.whole
        partly = bool(settled.taken) and self._stations is None
        outcome = Outcome.FAIL if failed else Outcome.UNREAD if partly or not settled.recomputed else Outcome.PASS
        return DayResult(
            day=day,
            outcome=outcome,
            versions=settled.versions,
            lines=settled.lines,
            unmetered=len(whole.provisional_slots) if whole else 0,
            recomputed=settled.recomputed,
            taken=tuple(sorted(settled.taken)),
            balances=tuple((account_name(a), c) for a, c in zip(whole.accounts, whole.balances, strict=True))
            if whole
            else (),
            money=self._asked.focus.money(whole.lines) if whole else (),
        )

    # ---- what closes a month or a term ----

    def _needed(self) -> dict[Day, _Need]:
        """The days whose use of leased capacity any of the days closes with."""
        leases, ends = members.leases(self._facts), members.early_ends(self._facts)
        needs: dict[Day, bool] = {}
        for day in self._days:
            for one, deliveries in closing_days(leases, ends, day).items():
                needs[one] = needs.get(one, False) or deliveries
        return {day: _Need(deliveries) for day, deliveries in sorted(needs.items())}

    def _uses(self, day: Day, view: Checkpoint) -> Mapping[Day, DayUse]:
        """The use of each day that a day closes with, as seen at a view or a day after the day (protocol 8.7.4)."""
        leases, ends = members.leases(self._facts), members.early_ends(self._facts)
        found: dict[Day, DayUse] = {}
        for one in closing_days(leases, ends, day):
            need = self._needs[one]
            final = _last_epoch(one) + SEEN_EPOCHS <= view.epoch
            use = need.use if final else self._use(one, view, need.deliveries)
            found |= {} if use is None else {one: use}
        return found

    def _uses_unread(self, day: Day) -> bool:
        """Whether a battery behind what closes with a day stayed unread."""
        leases, ends = members.leases(self._facts), members.early_ends(self._facts)
        last = _last_epoch(day) + SEEN_EPOCHS
        return any(
            self.evidence.is_unread(stream, day=one, last_epoch=last)
            for one, deliveries in closing_days(leases, ends, day).items()
            if deliveries
            for stream in self._scope.batteries
        )

    def _use(self, day: Day, view: Checkpoint, deliveries: bool) -> DayUse:
        self._shelf.read(self._walk.documents, first=self._oldest_document())
        with judged(_USE, where=Where(slot=DAY_SLOT)):
            return day_use(
                day,
                schedules=self._shelf.of(day).seen_at(view.size).schedules,
                leases=members.leases(self._facts),
                batteries=tuple(channel_meters(self._keyring, self.evidence, day, view, kind=ChannelKind.BATTERY)),
                deliveries=deliveries,
            )


def _last_epoch(day: Day) -> int:
    return day.first_slot + SLOTS_A_DAY - 1


def _notes(facts: Facts, days: Sequence[Day]) -> Iterator[str]:
    """What the chain tells of the days that breaks no rule."""
    first, last = days[0].first_slot, _last_epoch(days[-1])
    for flagged in facts.of(EpochOverdue):
        if first <= flagged.epoch <= last:
            yield f"epoch {flagged.epoch} was flagged as overdue in block {flagged.at.block_number}"
    for claim in facts.of(DigestClaimed):
        if first <= claim.epoch <= last:
            block = claim.at.block_number
            yield f"segment 0x{claim.segment.hex()} was claimed in block {block}, after epoch {claim.epoch}"
