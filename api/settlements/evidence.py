"""The facts that settle a day, out of the service's own tables (protocol 8.3); the rules stand in `alliance.day`."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from alliance.calendar import Day, epoch_at
from alliance.closing import SEEN_EPOCHS, DayUse, closing_days
from alliance.day import DayFacts, Grouping, Meter, Place, day_use, rule_document
from alliance.errors import Missing
from alliance.fleet import Channel
from alliance.keys import Moment, Standing, counted, disputed_since
from alliance.lease import Lease
from alliance.quantity import Bracket, bracket
from alliance.reading import ChannelKind, Reading
from alliance.rulepack import RulePack
from alliance.schedule import Schedule
from api import projection
from api.database import alliances
from api.devices import queries as devices
from api.devices.queries import KeyBook
from api.documents import queries as documents
from api.documents.repository import DocumentRow
from api.epochs import queries as epochs
from api.epochs.queries import CheckpointRow
from api.leases import queries as leases
from api.members import queries as members
from api.platform import Platform
from api.projection import BlockRow
from api.schedules import queries as schedules
from api.segments import repository as segments
from api.segments.repository import Stored
from api.stations import queries as stations
from oracle.log import EntryType

EPOCHS_BEFORE = 96
"""Segments logged from so many epochs before the day on are read (protocol 8.4.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The log at one checkpoint: nothing that was logged later is seen."""

    checkpoint: CheckpointRow

    @property
    def epoch(self) -> int:
        """The last epoch that is seen."""
        return self.checkpoint.epoch


@dataclass(kw_only=True, eq=False)
class CheckpointUnknown(Missing):
    """The chain, as followed so far, has no checkpoint of an epoch."""

    epoch: int


def alliance_of(connection: Connection) -> bytes:
    """The allianceId that the database belongs to."""
    found: bytes = connection.execute(select(alliances.c.alliance)).scalar_one()
    return found


def final_view(connection: Connection, *, finality_blocks: int) -> View | None:
    """The log at its newest final checkpoint, None before the first."""
    last, head = epochs.last_checkpoint(connection), projection.head_number(connection)
    while last is not None and head - last.block < finality_blocks:
        last = epochs.checkpoint_of(connection, last.epoch - 1)
    return None if last is None else View(checkpoint=last)


def view_at(connection: Connection, epoch: int) -> View:
    """The log at the checkpoint of an epoch that was anchored. Raises CheckpointUnknown."""
    checkpoint = epochs.checkpoint_of(connection, epoch)
    if checkpoint is None:
        raise CheckpointUnknown(epoch=epoch)
    return View(checkpoint=checkpoint)


def facts(platform: Platform, connection: Connection, day: Day, view: View) -> DayFacts:
    """Everything that may enter the day's settlement as the log stands at `view`."""
    rows = leases.all_leases(connection)
    every, ends = tuple(row.lease for row in rows), leases.early_ends(rows)
    packs, groupings = _rules(connection, view)
    return DayFacts(
        alliance=platform.deployment.domain.alliance,
        day=day,
        roster=members.roster_of(connection, day),
        stations=stations.all_stations(connection, day),
        leases=every,
        early_ends=ends,
        schedules=tuple(anchored_schedules(connection, day, view=view)),
        packs=packs,
        groupings=groupings,
        meters=tuple(_meters(connection, day, view, kind=ChannelKind.METER)),
        log_size=view.checkpoint.size,
        uses={
            one: _use(connection, one, view, every, deliveries=deliveries)
            for one, deliveries in closing_days(every, ends, day).items()
        },
    )


def anchored_schedules(connection: Connection, day: Day, *, view: View | None = None) -> list[tuple[Place, Schedule]]:
    """A day's schedules that stand in the log (as seen at `view`, or as far as it goes)."""
    found = ((_place(connection, r.row, view), r.schedule) for r in schedules.of_day(connection, day))
    return [(place, schedule) for place, schedule in found if place is not None]


def newer_evidence(connection: Connection, day: Day, *, seen: View, view: View) -> bool:
    """Whether anything of a day came to the log or the chain between two views that may change its settlement.

    Readings of the day; a valid segment that reaches earlier ones of a lapsed key; a report of a compromised key.
    """
    return any(
        _newer(connection, channel, day, seen=seen, view=view)
        for channel in devices.all_channels(connection)
        if channel.kind is ChannelKind.METER
    )


def _newer(connection: Connection, channel: Channel, day: Day, *, seen: View, view: View) -> bool:
    late = _segments(connection, channel, from_ms=day.start_ms, to_ms=day.end_ms + 1)
    if any(seen.epoch < stored.epoch <= view.epoch for stored in late):
        return True
    book = KeyBook(connection, channel.device)
    if book.reports_between(seen.checkpoint.block, view.checkpoint.block):
        return True
    if book.all_stand(view.checkpoint.time_s):
        return False
    before, after = (len(_counted(connection, channel, day, at, book)) for at in (seen, view))
    return before != after


def _use(connection: Connection, day: Day, view: View, every: tuple[Lease, ...], *, deliveries: bool) -> DayUse:
    """A day's use of leased capacity as the log stood a day later, or at `view` if that is earlier (protocol 8.7.4)."""
    last = epoch_at(day.end_ms - 1) + SEEN_EPOCHS
    then = view_at(connection, last) if last < view.epoch else view
    return day_use(
        day,
        schedules=anchored_schedules(connection, day, view=then),
        leases=every,
        batteries=_meters(connection, day, then, kind=ChannelKind.BATTERY) if deliveries else (),
        deliveries=deliveries,
    )


def _rules(
    connection: Connection, view: View
) -> tuple[tuple[tuple[Place, RulePack], ...], tuple[tuple[Place, Grouping], ...]]:
    packs, groupings = [], []
    for row in documents.of_kind(connection, EntryType.RULE_PACK):
        place = _place(connection, row, view)
        if place is None:
            continue
        match rule_document(documents.content_of(row)):
            case RulePack() as pack:
                packs.append((place, pack))
            case Grouping() as grouping:
                groupings.append((place, grouping))
    return tuple(packs), tuple(groupings)


def _place(connection: Connection, row: DocumentRow, view: View | None) -> Place | None:
    """Where a document stands in the log, None where `view` does not see it."""
    checkpoint = documents.checkpoint_of(connection, row)
    logged = epochs.epoch_of_entry(connection, row.document.entry.raw)
    if checkpoint is None or logged is None or (view is not None and checkpoint.epoch > view.epoch):
        return None
    return Place(digest=row.document.digest, entry=logged[0], anchored_ms=checkpoint.time_s * 1000)


def _meters(connection: Connection, day: Day, view: View, *, kind: ChannelKind) -> Iterable[Meter]:
    blocks: dict[int, BlockRow | None] = {}
    for channel in devices.all_channels(connection):
        if channel.kind is not kind or channel.from_ms >= day.end_ms:
            continue
        if channel.to_ms and channel.to_ms <= day.start_ms:
            continue
        yield _meter(connection, channel, day, view, blocks)


def _meter(connection: Connection, channel: Channel, day: Day, view: View, blocks: dict[int, BlockRow | None]) -> Meter:
    """A meter's readings that count, with their brackets: logged from a day before the day on, and the last before.

    Disputed are those of a key reported as compromised, logged from the reported epoch on (protocol 6.4).
    """
    book, disputed = KeyBook(connection, channel.device), set[int]()
    found: list[tuple[Reading, Bracket]] = []
    for stored, checkpoint in _counted(connection, channel, day, view, book):
        limits = bracket(beacon_ms=_beacon_ms(connection, stored, blocks), checkpoint_ms=checkpoint.time_s * 1000)
        readings = stored.sealed.decoded()
        found += [(reading, limits) for reading in readings]
        history = book.history(stored.sealed.signed.signer)
        reported = disputed_since(history, up_to_block=view.checkpoint.block)
        if reported is not None and stored.epoch >= reported:
            disputed |= {reading.seq for reading in readings}
    return Meter(channel=channel, readings=found, disputed=frozenset(disputed))


def _counted(
    connection: Connection, channel: Channel, day: Day, view: View, book: KeyBook
) -> list[tuple[Stored, CheckpointRow]]:
    """A meter's segments behind a day that count as seen at `view`, each with its first checkpoint (protocol 6.4)."""
    first_epoch = epoch_at(day.start_ms) - EPOCHS_BEFORE
    found: list[tuple[Stored, CheckpointRow]] = []
    standings: list[Standing] = []
    for stored in segments.logged(
        connection, channel.device, channel.channel, from_epoch=first_epoch, to_epoch=view.epoch
    ):
        checkpoint = epochs.checkpoint_of(connection, stored.epoch)
        if checkpoint is None:
            continue
        at = Moment(checkpoint.block, checkpoint.log_index)
        found.append((stored, checkpoint))
        standings.append(book.standing(stored.sealed.signed.signer, at=at, time_s=checkpoint.time_s))
    return found[: counted(standings)]


def _beacon_ms(connection: Connection, stored: Stored, blocks: dict[int, BlockRow | None]) -> int | None:
    """When the block that a segment names was mined; None if it names none, or one that the chain does not have."""
    segment = stored.sealed.signed.segment
    if segment.beacon_block not in blocks:
        blocks[segment.beacon_block] = projection.block_at(connection, segment.beacon_block)
    block = blocks[segment.beacon_block]
    return block.time_s * 1000 if block is not None and block.hash == segment.beacon_hash else None


def _segments(connection: Connection, channel: Channel, *, from_ms: int, to_ms: int) -> list[Stored]:
    return segments.between(
        connection, channel.device, channel.channel, from_ms=from_ms, to_ms=to_ms, from_seq=0, limit=400
    )
