"""A day audited from a chain and an archive alone (protocol 11): seven steps, the first divergence ends it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from alliance.calendar import Day
from audit import checkpoints as anchored
from audit import documents, evidence, identity, keys, members, settlement
from audit.blocks import Blocks, Source
from audit.evidence import Evidence, EvidenceCheck, Scope
from audit.facts import Facts, Progress, gather, reading_chain
from audit.finding import Diverged, Unread
from audit.keys import Keyring
from audit.manifests import Logged, LogWalk
from audit.settlement import Settling
from audit.verdict import Counts, Outcome, Verdict
from chain.events import Checkpoint
from chain.rpc import Rpc
from oracle.deployment import Deployment


def silent(step: str, done: int, total: int) -> None:
    """A progress callback that says nothing."""


def audit_day(
    rpc: Rpc,
    archive: Callable[[], Source],
    deployment: Deployment,
    day: Day,
    *,
    depth: int = 0,
    progress: Progress = silent,
) -> Verdict:
    """Audit a day; whatever is found, or cannot be read, is in the verdict.

    `archive` opens the archive. `depth` is how many blocks must stand above what counts; 0 audits the chain as it is.
    """
    audit = _Audit(deployment, day, progress)
    return audit.judged(lambda: audit.from_chain(rpc, archive, depth=depth))


def audit_evidence(facts: Facts, archive: Callable[[], Source], day: Day, *, progress: Progress = silent) -> Verdict:
    """Audit a day against a chain that was read before (steps 2 to 7)."""
    audit = _Audit(facts.deployment, day, progress)
    return audit.judged(lambda: audit.from_facts(facts, archive))


def read_chain(rpc: Rpc, deployment: Deployment, day: Day, *, depth: int = 0, progress: Progress = silent) -> Facts:
    """Step 1, and everything that the later ones need of the chain. Raises Diverged or Unread."""
    with reading_chain():
        identity.check(rpc, deployment)
        progress("identity", 1, 1)
        return gather(rpc, deployment, day, depth=depth, progress=progress)


@dataclass(slots=True)
class _Audit:
    """One audit under way: what was read and checked so far."""

    deployment: Deployment
    day: Day
    progress: Progress
    facts: Facts | None = None
    blocks: Blocks | None = None
    evidence: Evidence = field(default_factory=Evidence)
    epochs: int = 0
    lines: int = 0

    def judged(self, run: Callable[[], None]) -> Verdict:
        """The verdict on what running the steps raises."""
        try:
            run()
        except Diverged as error:
            return self._verdict(Outcome.FAIL, error)
        except Unread as error:
            return self._verdict(Outcome.UNREAD, error)
        return self._verdict(Outcome.PASS, None)

    def from_chain(self, rpc: Rpc, archive: Callable[[], Source], *, depth: int) -> None:
        """All steps."""
        self.from_facts(read_chain(rpc, self.deployment, self.day, depth=depth, progress=self.progress), archive)

    def from_facts(self, facts: Facts, archive: Callable[[], Source]) -> None:
        """The steps that need no more than the facts of the chain and an archive."""
        self.facts = facts
        found = anchored.check(facts)
        keys.check_walk(facts)
        anchored.require_day_closed(facts, self.day)
        self.blocks = Blocks(archive())
        self.blocks.require_any(checkpoint.manifest for checkpoint in found)
        keyring = Keyring(facts)
        statements = settlement.read(settlement.posted(facts, self.day), self.blocks)
        within = anchored.day_epochs(facts, self.day)
        last = settlement.last_view(statements, found, least=within[-1])
        scope = evidence.scope_of(keyring, day=self.day, last_seen=last)
        logged = self._walk(facts, keyring, self.blocks, found, scope)
        binding = documents.read(logged, self.blocks, day=self.day, progress=self.progress)
        documents.check(
            binding, facts, day=self.day, settled=bool(statements), stations=members.stations(facts),
            leases=members.leases(facts),
        )  # fmt: skip
        settling = Settling(
            facts=facts, keyring=keyring, checkpoints=found, logged=logged, evidence=self.evidence,
            documents=binding, day=self.day, last_epoch=within[-1],
        )  # fmt: skip
        self.lines = settlement.check(settling, statements, progress=self.progress)

    def _walk(
        self, facts: Facts, keyring: Keyring, blocks: Blocks, found: Sequence[Checkpoint], scope: Scope
    ) -> tuple[Logged, ...]:
        """Rebuild the log epoch by epoch, and check the evidence of those behind the day; the documents on the way."""
        walk, check = LogWalk(facts, keyring, blocks, self.day), None
        first = max(self.deployment.start_epoch + 1, scope.first_epoch)
        for checkpoint in found:
            if checkpoint.epoch == first:
                check = EvidenceCheck(facts, keyring, blocks, scope=scope, course=walk.course())
                self.evidence = check.found
            made, entries = walk.add(checkpoint)
            if check is not None and checkpoint.epoch <= scope.last_epoch:
                check.add(checkpoint, made, entries)
            self.epochs += 1
            self.progress("log", self.epochs, len(found))
        return tuple(walk.documents)

    def _verdict(self, outcome: Outcome, error: Diverged | Unread | None) -> Verdict:
        head = self.facts.head if self.facts else None
        return Verdict(
            outcome=outcome,
            day=self.day,
            chain_id=self.deployment.chain_id,
            head_block=head.number if head else None,
            head_hash=head.hash if head else None,
            counts=self._counts(),
            divergence=error.found if isinstance(error, Diverged) else None,
            unread=error if isinstance(error, Unread) else None,
        )

    def _counts(self) -> Counts:
        return Counts(
            epochs=self.epochs,
            segments=self.evidence.segments,
            readings=self.evidence.readings,
            lines=self.lines,
            blocks=self.blocks.count if self.blocks else 0,
            block_bytes=self.blocks.bytes if self.blocks else 0,
        )
