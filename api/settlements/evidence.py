"""The facts that settle a day, out of the service's own tables (protocol 8.3); the rules stand in `alliance.day`."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from alliance.calendar import Day, epoch_at
from alliance.day import DayFacts, Grouping, Meter, Place, rule_document
from alliance.fleet import Channel
from alliance.identity import LeaseId
from alliance.quantity import Bracket, bracket
from alliance.reading import ChannelKind, Reading
from alliance.rulepack import RulePack
from alliance.schedule import Schedule
from api import projection
from api.database import alliances
from api.devices import queries as devices
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


def facts(platform: Platform, connection: Connection, day: Day, view: View) -> DayFacts:
    """Everything that may enter the day's settlement as the log stands at `view`."""
    rows = leases.all_leases(connection)
    packs, groupings = _rules(connection, view)
    return DayFacts(
        alliance=platform.deployment.domain.alliance,
        day=day,
        roster=members.roster_of(connection, day),
        stations=stations.all_stations(connection),
        leases=tuple(row.lease for row in rows),
        early_ends={
            LeaseId(row.lease.number): row.end_slot
            for row in rows
            if row.end_slot < row.lease.first_slot + row.lease.term_slots
        },
        schedules=tuple(anchored_schedules(connection, day, view=view)),
        packs=packs,
        groupings=groupings,
        meters=tuple(_meters(connection, day, view)),
        log_size=view.checkpoint.size,
    )


def anchored_schedules(connection: Connection, day: Day, *, view: View | None = None) -> list[tuple[Place, Schedule]]:
    """A day's schedules that stand in the log (as seen at `view`, or as far as it goes)."""
    found = ((_place(connection, r.row, view), r.schedule) for r in schedules.of_day(connection, day))
    return [(place, schedule) for place, schedule in found if place is not None]


def newer_evidence(connection: Connection, day: Day, *, after_epoch: int, view: View) -> bool:
    """Whether readings of a day were logged in an epoch behind one, as far as `view` sees."""
    return any(
        after_epoch < stored.epoch <= view.epoch
        for channel in devices.all_channels(connection)
        if channel.kind is ChannelKind.METER
        for stored in _segments(connection, channel, from_ms=day.start_ms, to_ms=day.end_ms + 1)
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


def _meters(connection: Connection, day: Day, view: View) -> Iterable[Meter]:
    blocks: dict[int, BlockRow | None] = {}
    for channel in devices.all_channels(connection):
        if channel.kind is not ChannelKind.METER or channel.from_ms >= day.end_ms:
            continue
        if channel.to_ms and channel.to_ms <= day.start_ms:
            continue
        yield _meter(connection, channel, day, view, blocks)


def _meter(connection: Connection, channel: Channel, day: Day, view: View, blocks: dict[int, BlockRow | None]) -> Meter:
    """A meter's readings with their brackets: logged from a day before the day on, and the last before.

    Disputed are those of a key reported as compromised, logged from the reported epoch on (protocol 6.4).
    """
    since = {key.key: key.compromised_since_epoch for key in devices.keys_of(connection, channel.device)}
    disputed: set[int] = set()
    first_epoch = epoch_at(day.start_ms) - EPOCHS_BEFORE
    found: list[tuple[Reading, Bracket]] = []
    for stored in segments.logged(
        connection, channel.device, channel.channel, from_epoch=first_epoch, to_epoch=view.epoch
    ):
        checkpoint = epochs.checkpoint_of(connection, stored.epoch)
        if checkpoint is None:
            continue
        limits = bracket(beacon_ms=_beacon_ms(connection, stored, blocks), checkpoint_ms=checkpoint.time_s * 1000)
        readings = stored.sealed.decoded()
        found += [(reading, limits) for reading in readings]
        reported = since.get(stored.sealed.signed.signer)
        if reported is not None and stored.epoch >= reported:
            disputed |= {reading.seq for reading in readings}
    return Meter(channel=channel, readings=found, disputed=frozenset(disputed))


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
