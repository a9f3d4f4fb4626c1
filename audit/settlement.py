"""Steps 6 and 7 (protocol 11.2, 8): settle the day again from evidence alone, and compare every leaf and cent."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import zip_longest
from typing import TypeVar

from alliance.calendar import DAY_SLOT, Day
from alliance.day import DayFacts, Meter, settlement_inputs
from alliance.errors import AllianceError
from alliance.fleet import Channel
from alliance.identity import Digest, LeaseId, StationId
from alliance.reading import ChannelKind
from alliance.settlement import apply_correction, correct, settle
from alliance.statement import LEASE_KINDS, Line, LineKind, Quantity, SlotTotal, Statement, account_name
from audit import members
from audit.blocks import Blocks
from audit.checkpoints import at_size
from audit.documents import Documents
from audit.evidence import Evidence, Measured
from audit.facts import Facts, Progress
from audit.finding import Diverged, Where, diverged, expect, judged, shown
from audit.keys import Keyring, Standing
from audit.manifests import Logged
from chain.events import Checkpoint, StatementPosted
from oracle import statement_document
from oracle.document import open_block
from oracle.log import EntryType
from oracle.settlement_tree import settlement_tree

_POSTED = "protocol 8.9: the day has a statement"
_VERSIONS = "protocol 8.9.3: versions follow each other"
_DOCUMENT = "protocol 4.5: the statement's document that the ledger names"
_VIEW = "protocol 8.9: a statement sees the log at an anchored size that holds the whole day"
_RULES = "protocol 8: the day can be settled by the rules"
_ROOT = "protocol 8.9.1: the posted root is that of the statement's leaves"
_COUNT = "protocol 8.9.1: the posted number of leaves"
_MEMBERS = "protocol 8.2.1: the posted roster"
_LOGGED = "protocol 4.2: a statement is an entry of the log"

T = TypeVar("T")

_LEASE_LINES = LEASE_KINDS | {LineKind.LEASE_ENERGY, LineKind.LEASE_NETWORK}
_NO_STATION = frozenset({LineKind.GRID_ENERGY, LineKind.GRID_NETWORK, LineKind.POOL_SHARE, LineKind.PLATFORM_FEE})
_LOGGED_WITHIN = 2
"""A statement's entry stands in the log at the latest in so many epochs that begin after it was posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A posted statement as the archive has it; `refused` when its bytes are not those that were posted."""

    posted: StatementPosted
    block: bytes
    statement: Statement
    refused: Diverged | None


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
    day: Day
    last_epoch: int
    """The day's last epoch: no statement may see less."""


def posted(facts: Facts, day: Day) -> list[StatementPosted]:
    """The day's statements as posted, in order."""
    return [event for event in facts.of(StatementPosted) if event.day == day.number]


def read(statements: Sequence[StatementPosted], blocks: Blocks) -> list[Archived | Diverged]:
    """The posted statements as archived; one that cannot be had is judged in its turn. Raises Unread."""
    found: list[Archived | Diverged] = []
    for event in statements:
        try:
            found.append(_read(event, blocks))
        except Diverged as refused:
            found.append(refused)
    return found


def last_view(statements: Sequence[Archived | Diverged], checkpoints: Sequence[Checkpoint], *, least: int) -> int:
    """The last epoch that any of the statements says it sees, `least` at least."""
    sizes = [s.statement.heading.log_size for s in statements if isinstance(s, Archived)]
    seen = [found.epoch for size in sizes if (found := at_size(checkpoints, size)) is not None]
    return max([least, *seen])


def check(settling: Settling, statements: Sequence[Archived | Diverged], *, progress: Progress) -> int:
    """Recompute each version and compare it with what is archived and posted; how many lines there are.

    Raises Diverged.
    """
    if not statements:
        raise diverged(_POSTED, "a posted statement", "none", where=Where(slot=DAY_SLOT))
    lines = 0
    whole: Statement | None = None
    root: Digest | None = None
    for version, archived in enumerate(statements, start=1):
        if isinstance(archived, Diverged):
            raise archived
        event = archived.posted
        expect(_VERSIONS, version, event.version, where=Where(slot=DAY_SLOT))
        whole, expected = _recomputed(settling, archived, whole, root)
        _compare(settling, archived, expected)
        root = settlement_tree(expected).root
        _check_posted(event, expected, root)
        _check_logged(settling, archived)
        lines += len(expected.lines)
        progress("settlement", version, len(statements))
    return lines


def day_facts(settling: Settling, view: Checkpoint) -> DayFacts:
    """Everything that may enter the day's settlement as the log stands at a checkpoint."""
    facts, day = settling.facts, settling.day
    documents = settling.documents.seen_at(view.size)
    return DayFacts(
        alliance=facts.deployment.domain.alliance,
        day=day,
        roster=members.roster(facts, day),
        stations=members.stations(facts),
        leases=members.leases(facts),
        early_ends=members.early_ends(facts),
        schedules=documents.schedules,
        packs=documents.packs,
        groupings=documents.groupings,
        meters=tuple(_meters(settling, view)),
        log_size=view.size,
    )


def _meters(settling: Settling, view: Checkpoint) -> Iterator[Meter]:
    day = settling.day
    for channel in settling.keyring.channels:
        ended = channel.to_ms and channel.to_ms <= day.start_ms
        if channel.kind is ChannelKind.METER and channel.from_ms < day.end_ms and not ended:
            yield _meter(settling, channel, view)


def _meter(settling: Settling, channel: Channel, view: Checkpoint) -> Meter:
    """A meter's readings as seen at a checkpoint; those of a lapsed key count once a valid one continued them."""
    stream = settling.evidence.meters.get((channel.device, channel.channel), [])
    counted = list(_counted([m for m in stream if m.checkpoint.epoch <= view.epoch]))
    return Meter(
        channel=channel,
        readings=tuple((reading, m.limits) for m in counted for reading in m.readings),
        disputed=frozenset(r.seq for m in counted if _is_disputed(settling.keyring, m, view) for r in m.readings),
    )


def _counted(segments: Sequence[Measured]) -> Iterator[Measured]:
    last_valid = max((at for at, m in enumerate(segments) if m.standing is Standing.VALID), default=-1)
    return (m for at, m in enumerate(segments) if at <= last_valid)


def _is_disputed(keyring: Keyring, measured: Measured, view: Checkpoint) -> bool:
    signed = measured.sealed.signed
    since = keyring.disputed_since(signed.segment.device, signed.signer, as_of_block=view.at.block_number)
    return since is not None and measured.checkpoint.epoch >= since


def _read(event: StatementPosted, blocks: Blocks) -> Archived:
    """A posted statement's document. Altered bytes that still read as a statement are kept to find what was changed."""
    where = Where(slot=DAY_SLOT)
    try:
        raw = blocks.get(event.statement, rule=_DOCUMENT, where=where)
    except Diverged as refused:
        bent = blocks.altered(event.statement)
        try:
            if bent is not None:
                return Archived(posted=event, block=bent, statement=_statement(bent), refused=refused)
        except AllianceError:
            pass
        raise
    with judged(_DOCUMENT, where=where):
        return Archived(posted=event, block=raw, statement=_statement(raw), refused=None)


def _statement(raw: bytes) -> Statement:
    return statement_document.from_plain(open_block(raw))


def _recomputed(
    settling: Settling, archived: Archived, before: Statement | None, root: Digest | None
) -> tuple[Statement, Statement]:
    """The whole day as the statement must have seen it, and the statement that follows: the day itself, or deltas."""
    where = Where(slot=DAY_SLOT)
    view = _view(settling, archived, where)
    with judged(_RULES, where=where):
        whole = settle(settlement_inputs(day_facts(settling, view)))
        if before is None or root is None:
            return whole, whole
        correction = correct(before, whole, previous_root=root)
        return apply_correction(before, correction), correction


def _view(settling: Settling, archived: Archived, where: Where) -> Checkpoint:
    """The checkpoint whose log a statement says it saw."""
    size = archived.statement.heading.log_size
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


def _compare(settling: Settling, archived: Archived, expected: Statement) -> None:
    """Compare an archived statement with the recomputed one, leaf by leaf."""
    got = archived.statement
    names = ("alliance", "day", "version", "previous", "deltas", "roster", "groups", "schedules", "packs", "log_size")
    for name in names:
        want, found = getattr(expected.heading, name), getattr(got.heading, name)
        expect(f"protocol 8.9: the statement's {name}", want, found, where=Where(slot=DAY_SLOT))
    places = _Places(settling, expected)
    _same(expected.quantities, got.quantities, places.quantity)
    _same(expected.slot_totals, got.slot_totals, places.slot_total)
    _same(expected.lines, got.lines, places.line)
    _same(expected.entries, got.entries, places.entry)
    _same(expected.weights, got.weights, places.day)
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
    due = event.at.timestamp_s // settling.facts.deployment.epoch_seconds + _LOGGED_WITHIN
    where = Where(epoch=due, slot=DAY_SLOT)
    if not entries and last >= due:
        raise diverged(_LOGGED, f"an entry up to epoch {due}", "none", where=where)
    for entry in entries:
        expect(_LOGGED, EntryType.STATEMENT.name, entry.type.name, where=where)
        with judged(_LOGGED, where=where):
            open_block(archived.block, commitment=entry.commitment)


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


def _same(expected: Sequence[T], got: Sequence[T], place: Callable[[T], tuple[str, Where]]) -> None:
    for want, found in zip_longest(expected, got):
        if want != found:
            known = want if want is not None else found
            assert known is not None
            rule, where = place(known)
            raise diverged(rule, *_difference(want, found), where=where)


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
