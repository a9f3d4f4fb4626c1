"""Steps 6 and 7 (protocol 11.2, 8): settle the day again from evidence alone, and compare every leaf and cent.

Where the auditor may not see a station's meters, its quantities are taken as the statement says and everything else is
recomputed from them; where the day's documents stay unread, the statement must at least follow from its own leaves.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from itertools import zip_longest
from typing import TypeVar

from alliance.calendar import DAY_SLOT, Day
from alliance.closing import DayUse
from alliance.day import DayFacts, Meter, settlement_inputs
from alliance.errors import AllianceError
from alliance.fleet import Channel
from alliance.identity import Digest, LeaseId, StationId
from alliance.reading import ChannelKind
from alliance.settlement import apply_correction, correct, restated, settle
from alliance.statement import (
    LEASE_KINDS,
    Line,
    LineKind,
    Quantity,
    SlotTotal,
    Statement,
    account_name,
    check_consistent,
)
from audit import decisions, members
from audit.blocks import Blocks
from audit.checkpoints import at_size
from audit.documents import Documents
from audit.evidence import Evidence, Measured, counted
from audit.facts import Facts, Progress
from audit.finding import Diverged, Findings, Where, diverged, expect, judged, judgement, shown
from audit.keys import Keyring
from audit.manifests import Logged
from audit.opening import Opening
from chain.events import Checkpoint, StatementPosted
from oracle import cbor, statement_document
from oracle.document import Opened, open_salted
from oracle.log import EntryType
from oracle.settlement_tree import statement_root

_POSTED = "protocol 8.9: the day has a statement"
_VERSIONS = "protocol 8.9.3: versions follow each other"
_DOCUMENT = "protocol 4.5: the statement's document that the ledger names"
_VIEW = "protocol 8.9: a statement sees the log at an anchored size that holds the whole day"
_RULES = "protocol 8: the day can be settled by the rules"
_OWN = "protocol 8.9.1: the statement follows from its own leaves"
_ROOT = "protocol 8.9.1: the posted root is that of the statement's leaves"
_COUNT = "protocol 8.9.1: the posted number of leaves"
_MEMBERS = "protocol 8.2.1: the posted roster"
_LOGGED = "protocol 4.2: a statement is an entry of the log"

T = TypeVar("T")

_LEASE_LINES = LEASE_KINDS | {LineKind.LEASE_ENERGY, LineKind.LEASE_NETWORK}
_NO_STATION = frozenset({LineKind.GRID_ENERGY, LineKind.GRID_NETWORK, LineKind.POOL_SHARE, LineKind.PLATFORM_FEE})
LOGGED_WITHIN = 2
"""A statement's entry stands in the log at the latest in so many epochs that begin after it was posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A posted statement as the archive has it; `refused` when its bytes are not those that were posted."""

    posted: StatementPosted
    raw: bytes | None
    """The statement's own bytes; None when it stays unread."""
    refused: Diverged | None
    check: Callable[[Digest], None]
    """Opens the block against its entry's commitment; a block that stays unread is not checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """All that the statements of a day are recomputed from."""

    facts: Facts
    keyring: Keyring
    checkpoints: Sequence[Checkpoint]
    logged: Sequence[Logged]
    """The documents' entries, in the order of the log."""
    evidence: Evidence
    documents: Documents
    uses_at: Callable[[Checkpoint], Mapping[Day, DayUse]]
    """What the days showed with whose use this one closes, as seen at a checkpoint."""
    uses_unread: bool
    """Whether a battery that a closing rests on stayed unread."""
    day: Day
    last_epoch: int
    """The day's last epoch: no statement may see less."""
    stations: frozenset[StationId] | None
    """Whose meters are read; None: everybody's."""
    blocks: Blocks
    opening: Opening
    findings: Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a day: the whole day as it stands, as it was recomputed, and how much of it was."""

    versions: int
    lines: int
    whole: Statement | None
    """None when no statement could be read."""
    taken: frozenset[StationId]
    """The stations whose quantities were taken as stated."""
    recomputed: bool
    """Whether every line was computed again, or the statement only checked against itself."""


def posted(facts: Facts, day: Day) -> list[StatementPosted]:
    """The day's statements as posted, in order."""
    return [event for event in facts.of(StatementPosted) if event.day == day.number]


def last_view(statements: Sequence[StatementPosted], checkpoints: Sequence[Checkpoint], *, least: int) -> int:
    """The last epoch that any of the statements can have seen when it was posted, `least` at least."""
    seen = [c.epoch for event in statements for c in checkpoints if _precedes(c, event)]
    return max([least, *seen])


def check(settling: Settling, statements: Sequence[StatementPosted], *, progress: Progress) -> Settled:
    """Recompute each version and compare it with what is archived and posted. Raises Diverged or Unread."""
    void = decisions.void_up_to(settling.facts, settling.day)
    standing = [event for event in statements if event.version > void]
    if not standing:
        got = f"void up to version {void}" if void else "none"
        raise diverged(_POSTED, "a posted statement", got, where=Where(slot=DAY_SLOT))
    course = _Course(settling)
    for number, event in enumerate(standing, start=1):
        course.add(void + number, event)
        progress("settlement", number, len(standing))
    return course.settled(len(standing))


class _Course:
    """The versions of a day's statement, one after the other."""

    def __init__(self, settling: Settling) -> None:
        self._settling = settling
        self._decided = decisions.decided(settling.facts, settling.day)
        self._archived: dict[int, Statement] = {}
        self._stands: Statement | None = None
        self._lines = 0
        self._whole: Statement | None = None
        self._root: Digest | None = None
        self._blind = False
        self._taken: frozenset[StationId] = frozenset()

    def add(self, version: int, event: StatementPosted) -> None:
        """Check the next version. Raises Diverged or Unread."""
        s, where = self._settling, Where(slot=DAY_SLOT)
        archived = _read(event, s)
        expected = self._agreed(archived, version)
        if expected is not None:
            self._end(archived, expected, expected)
            return
        statement = _statement(archived)
        expect(_VERSIONS, version, event.version, where=where)
        if statement is None or self._is_blind:
            self._blind = True
            self._unseen(archived, statement)
            return
        if self._decided:
            self._add_judged(version, event, archived, statement)
            return
        whole, expected, self._taken = _recomputed(s, archived, statement, self._whole, self._root, version=version)
        _compare(s, archived, statement, expected)
        self._end(archived, whole, expected)

    @property
    def _is_blind(self) -> bool:
        return self._settling.documents.unread or self._settling.uses_unread or self._blind

    def _agreed(self, archived: Archived, version: int) -> Statement | None:
        """The day as recomputed, where the archived bytes are exactly its statement's: there is nothing to compare.

        Only of the day's first version that stands, and where nothing has to be taken as stated. What it saw of the log
        is guessed from its bytes: a wrong guess makes other bytes. None: the statement is read and compared.
        """
        first = self._whole is None and archived.posted.version == version
        if not first or archived.raw is None or archived.refused is not None or self._is_blind or self._decided:
            return None
        try:
            expected = _expected(self._settling, archived, archived.raw, version)
            return expected if expected and statement_document.encode(expected) == archived.raw else None
        except AllianceError:
            return None

    def _end(self, archived: Archived, whole: Statement, expected: Statement) -> None:
        """A version's root and entry, and what stands after it."""
        s, event = self._settling, archived.posted
        self._root = statement_root(expected)
        with s.findings.tried():
            _check_posted(event, expected, self._root)
        with s.findings.tried():
            _check_logged(s, archived)
        self._whole = whole
        self._lines += len(expected.lines)

    def _add_judged(self, version: int, event: StatementPosted, archived: Archived, stated: Statement) -> None:
        """A version of a day that the court touched: sound in itself; what it adds to the day is judged at the end."""
        s = self._settling
        with s.findings.tried():
            _check_posted(event, stated, statement_root(stated))
        with s.findings.tried():
            _check_logged(s, archived)
        self._archived[version] = stated
        before = self._stands
        self._stands = stated if before is None else apply_correction(before, stated)
        self._whole, _, self._taken = _recomputed(s, archived, stated, None, None, version=version)
        self._lines += len(stated.lines)

    def _judge(self) -> None:
        """The day as it stands against the day as the newest version's evidence makes it."""
        if self._stands is None or self._whole is None or self._blind:
            return
        s, got = self._settling, decisions.as_judged(self._stands, self._decided, self._archived)
        places = _Places(s, self._whole)
        stands = {line.identity: line for line in got.lines}
        for want in self._whole.lines:
            line = stands.pop(want.identity, None)
            found = None if line is None else replace(want, amount_cents=line.amount_cents)
            if want != found:
                rule, where = places.line(want)
                s.findings.note(diverged(rule, *_difference(want, found), where=where))
        for line in stands.values():
            if line.amount_cents:
                rule, where = places.line(line)
                s.findings.note(diverged(rule, *_difference(None, line), where=where))
        with s.findings.tried():
            _compare_balances(self._whole, got.balances, "the standing")

    def settled(self, versions: int) -> Settled:
        """What became of the day."""
        if self._decided:
            self._judge()
        return Settled(
            versions=versions, lines=self._lines, whole=self._whole, taken=self._taken, recomputed=not self._blind
        )

    def _unseen(self, archived: Archived, statement: Statement | None) -> None:
        """What can be said without the inputs: it follows from its own leaves and is what was posted and logged."""
        s = self._settling
        if archived.refused is not None:
            raise archived.refused
        if statement is not None:
            where = Where(slot=DAY_SLOT)
            with s.findings.tried():
                with judged(_OWN, where=where):
                    check_consistent(statement)
                _check_posted(archived.posted, statement, statement_root(statement))
            if not statement.heading.deltas:
                self._whole = statement
            self._lines += len(statement.lines)
        with s.findings.tried():
            _check_logged(s, archived)


def day_facts(settling: Settling, view: Checkpoint, given: Mapping[StationId, tuple[Quantity, ...]]) -> DayFacts:
    """Everything that may enter the day's settlement as the log stands at a checkpoint."""
    facts, day = settling.facts, settling.day
    documents = settling.documents.seen_at(view.size)
    return DayFacts(
        alliance=facts.deployment.domain.alliance,
        day=day,
        roster=members.roster(facts, day),
        stations=members.stations(facts, day),
        leases=members.leases(facts),
        early_ends=members.early_ends(facts),
        schedules=documents.schedules,
        packs=documents.packs,
        groupings=documents.groupings,
        meters=tuple(channel_meters(settling.keyring, settling.evidence, day, view, kind=ChannelKind.METER)),
        log_size=view.size,
        uses=settling.uses_at(view),
        given=given,
    )


def channel_meters(
    keyring: Keyring, evidence: Evidence, day: Day, view: Checkpoint, *, kind: ChannelKind
) -> Iterator[Meter]:
    """The channels of a kind that measured in a day, with their readings as seen at a checkpoint."""
    for channel in keyring.channels:
        ended = channel.to_ms and channel.to_ms <= day.start_ms
        if channel.kind is kind and channel.from_ms < day.end_ms and not ended:
            yield _meter(keyring, evidence, channel, day, view)


def _meter(keyring: Keyring, evidence: Evidence, channel: Channel, day: Day, view: Checkpoint) -> Meter:
    """A meter's readings as seen at a checkpoint; those of a lapsed key count once a valid one continued them."""
    stream = (channel.device, channel.channel)
    found = list(counted(evidence.seen(stream, day=day, last_epoch=view.epoch)))
    return Meter(
        channel=channel,
        readings=tuple((reading, m.limits) for m in found for reading in m.readings),
        disputed=frozenset(r.seq for m in found if _is_disputed(keyring, channel, m, view) for r in m.readings),
    )


def _is_disputed(keyring: Keyring, channel: Channel, measured: Measured, view: Checkpoint) -> bool:
    since = keyring.disputed_since(channel.device, measured.signer, as_of_block=view.at.block_number)
    return since is not None and measured.checkpoint.epoch >= since


def _read(event: StatementPosted, settling: Settling) -> Archived:
    """A posted statement's document. Altered bytes that still read as a statement are kept to find what was changed."""
    where, refused = Where(slot=DAY_SLOT), None
    try:
        raw = settling.blocks.get(event.statement, rule=_DOCUMENT, where=where)
    except Diverged as error:
        bent = settling.blocks.altered(event.statement)
        if bent is None:
            raise
        raw, refused = bent, error

    def opened(commitment: Digest | None = None) -> Opened | None:
        return settling.opening.tried(
            lambda key: open_salted(raw, commitment=commitment, content_key=key),
            event.statement,
            _granted_in(settling, event),
        )

    def check(commitment: Digest) -> None:
        if found is not None:
            opened(commitment)

    try:
        with judged(_DOCUMENT, where=where):
            found = opened()
    except Diverged as error:
        raise refused or error from error
    return Archived(posted=event, raw=None if found is None else found.raw, refused=refused, check=check)


def _statement(archived: Archived) -> Statement | None:
    """What an archived statement says; None when it stays unread. Raises Diverged."""
    if archived.raw is None:
        return None
    try:
        return statement_document.from_plain(cbor.decode(archived.raw))
    except AllianceError as error:
        raise archived.refused or judgement(error, _DOCUMENT, Where(slot=DAY_SLOT)) from error


def _expected(settling: Settling, archived: Archived, raw: bytes, version: int) -> Statement | None:
    """The day as a statement with these bytes should have seen it; None where something would be taken as stated."""
    size = statement_document.log_size_in(raw)
    if size is None:
        return None
    view = _view(settling, archived, size, Where(slot=DAY_SLOT))
    if _hidden(settling, view):
        return None
    return restated(settle(settlement_inputs(day_facts(settling, view, {}))), version)


def _granted_in(settling: Settling, event: StatementPosted) -> Iterable[int]:
    """The epochs whose grants may hold a statement's key: it is granted in the epoch that logs it."""
    return range(_logged_by(settling, event), settling.last_epoch - 1, -1)


def _recomputed(
    settling: Settling,
    archived: Archived,
    statement: Statement,
    before: Statement | None,
    root: Digest | None,
    *,
    version: int,
) -> tuple[Statement, Statement, frozenset[StationId]]:
    """The whole day as the statement must have seen it, and the statement that follows: the day itself, or deltas.

    Also the stations whose quantities were taken as they are stated.
    """
    where = Where(slot=DAY_SLOT)
    view = _view(settling, archived, statement.heading.log_size, where)
    given = _given(settling, statement, before, view)
    with judged(_RULES, where=where):
        whole = restated(settle(settlement_inputs(day_facts(settling, view, given))), version if before is None else 1)
        if before is None or root is None:
            return whole, whole, frozenset(given)
        correction = correct(before, whole, previous_root=root)
        return apply_correction(before, correction), correction, frozenset(given)


def _given(
    settling: Settling, statement: Statement, before: Statement | None, view: Checkpoint
) -> dict[StationId, tuple[Quantity, ...]]:
    """The quantities, as stated, of the stations whose meters are not read; none when all are."""
    hidden = _hidden(settling, view)
    if not hidden:
        return {}
    stated = {(q.station, q.slot): q for q in (*(before.quantities if before else ()), *statement.quantities)}
    return {station: tuple(q for (of, _), q in sorted(stated.items()) if of == station) for station in sorted(hidden)}


def _hidden(settling: Settling, view: Checkpoint) -> set[StationId]:
    """The stations whose meters are not read."""
    return {
        channel.station
        for channel in settling.keyring.channels
        if channel.kind is ChannelKind.METER
        and (
            (settling.stations is not None and channel.station not in settling.stations)
            or settling.evidence.is_unread((channel.device, channel.channel), day=settling.day, last_epoch=view.epoch)
        )
    }


def _view(settling: Settling, archived: Archived, size: int, where: Where) -> Checkpoint:
    """The checkpoint whose log a statement says it saw."""
    found = at_size(settling.checkpoints, size)
    if found is None or found.epoch < settling.last_epoch or not _precedes(found, archived.posted):
        if archived.refused is not None:
            raise archived.refused
        got = f"{size} entries" if found is None else f"{size} entries, epoch {found.epoch}"
        raise diverged(_VIEW, f"epoch {settling.last_epoch} or a later one before the posting", got, where=where)
    return found


def _precedes(checkpoint: Checkpoint, event: StatementPosted) -> bool:
    a, b = checkpoint.at, event.at
    return (a.block_number, a.log_index) < (b.block_number, b.log_index)


def _compare(settling: Settling, archived: Archived, got: Statement, expected: Statement) -> None:
    """Compare an archived statement with the recomputed one, leaf by leaf."""
    note = settling.findings
    names = ("alliance", "day", "version", "previous", "deltas", "roster", "groups", "schedules", "packs", "log_size")
    for name in names:
        want, found = getattr(expected.heading, name), getattr(got.heading, name)
        with note.tried():
            expect(f"protocol 8.9: the statement's {name}", want, found, where=Where(slot=DAY_SLOT))
    places = _Places(settling, expected)
    _same(note, expected.quantities, got.quantities, places.quantity)
    _same(note, expected.slot_totals, got.slot_totals, places.slot_total)
    _same(note, expected.lines, got.lines, places.line)
    _same(note, expected.entries, got.entries, places.entry)
    _same(note, expected.weights, got.weights, places.day)
    with note.tried():
        _compare_balances(expected, got.balances, "the statement's")
    if archived.refused is not None:
        raise archived.refused


def _compare_balances(expected: Statement, got: Sequence[int], whose: str) -> None:
    names = [account_name(account) for account in expected.accounts]
    for name, want, found in zip_longest(names, expected.balances, got):
        rule = f"protocol 8.9.1: {whose} balance of {name}"
        expect(rule, _cents(want), _cents(found), where=Where(slot=DAY_SLOT))


def _check_posted(event: StatementPosted, expected: Statement, root: Digest) -> None:
    where = Where(slot=DAY_SLOT)
    expect(_MEMBERS, expected.heading.roster, event.members, where=where)
    _compare_balances(expected, event.balances_cents, "the posted")
    expect(_COUNT, expected.leaf_count, event.leaf_count, where=where)
    expect(_ROOT, root, event.root, where=where)


def _check_logged(settling: Settling, archived: Archived) -> None:
    """The log holds the statement's entry, once it had the time to, and committed to its document."""
    event = archived.posted
    entries = [item.entry for item in settling.logged if item.entry.document == event.statement]
    last = settling.checkpoints[-1].epoch
    due = _logged_by(settling, event)
    where = Where(epoch=due, slot=DAY_SLOT)
    if not entries and last >= due:
        raise diverged(_LOGGED, f"an entry up to epoch {due}", "none", where=where)
    for entry in entries:
        expect(_LOGGED, EntryType.STATEMENT.name, entry.type.name, where=where)
        with judged(_LOGGED, where=where):
            archived.check(entry.commitment)


def _logged_by(settling: Settling, event: StatementPosted) -> int:
    """The epoch up to which a statement's entry must stand in the log."""
    return event.at.timestamp_s // settling.facts.deployment.epoch_seconds + LOGGED_WITHIN


class _Places:
    """Rule and place of each kind of leaf."""

    def __init__(self, settling: Settling, expected: Statement) -> None:
        self._leases = {lease.number: lease.station for lease in members.leases(settling.facts)}
        self._lines = expected.lines

    def quantity(self, leaf: Quantity) -> tuple[str, Where]:
        return "protocol 8.4.1: the energy of a slot", Where(station=leaf.station, slot=leaf.slot)

    def slot_total(self, leaf: SlotTotal) -> tuple[str, Where]:
        return "protocol 8.4.6: the running sum of a slot", Where(station=leaf.station, slot=leaf.slot)

    def line(self, leaf: Line) -> tuple[str, Where]:
        names = f"{account_name(leaf.account)} from {account_name(leaf.counterparty)}"
        rule = f"protocol 8.6: line {leaf.kind.label}, {names}"
        return rule, Where(station=self._station(leaf), slot=leaf.slot)

    def entry(self, leaf: object) -> tuple[str, Where]:
        line = self._lines[min(getattr(leaf, "line", 0), len(self._lines) - 1)]
        account = account_name(getattr(leaf, "account", line.account))
        rule = f"protocol 8.9.1: entry of {account} for line {line.kind.label}"
        return rule, Where(station=self._station(line), slot=line.slot)

    def day(self, leaf: object) -> tuple[str, Where]:
        return "protocol 8.6.3: the weights of the pool's shares", Where(slot=DAY_SLOT)

    def _station(self, line: Line) -> StationId | None:
        if line.kind in _NO_STATION:
            return None
        if line.kind in _LEASE_LINES:
            return self._leases.get(LeaseId(line.subject))
        return StationId(line.subject)


def _same(findings: Findings, expected: Sequence[T], got: Sequence[T], place: Callable[[T], tuple[str, Where]]) -> None:
    if expected == got:
        return
    for want, found in zip_longest(expected, got):
        if want != found:
            known = want if want is not None else found
            assert known is not None
            rule, where = place(known)
            findings.note(diverged(rule, *_difference(want, found), where=where))


def _difference(want: object, found: object) -> tuple[str, str]:
    """The fields in which two leaves differ, as text; a leaf that only one side has, whole."""
    if want is None or found is None or not is_dataclass(want):
        return _leaf_text(want), _leaf_text(found)
    names = [f.name for f in fields(want) if getattr(want, f.name) != getattr(found, f.name)]
    return _fields_text(want, names), _fields_text(found, names)


def _leaf_text(leaf: object) -> str:
    return "no such leaf" if leaf is None else shown(leaf)


def _fields_text(leaf: object, names: Iterable[str]) -> str:
    return " ".join(f"{name}={shown(getattr(leaf, name))}" for name in names)


def _cents(amount: int | None) -> str:
    return "none" if amount is None else f"{amount} cents"
