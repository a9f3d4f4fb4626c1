"""Erasing a station's evidence (protocol 4.8.4): its keys, segment secrets, stored readings and grants are destroyed.

What was logged, signed and posted stays and still verifies; nobody reads the readings again. Copies that readers made
cannot be recalled. Two steps: what is in closed epochs goes at once, the epoch that was open when it was asked for goes
when it is closed. Money stays: statements are the books of all members.
"""

from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from alliance.calendar import Day, day_at
from alliance.errors import Conflicting, Refused
from alliance.identity import ZERO_DIGEST, Address
from api.devices import queries as devices
from api.epochs import queries as epochs
from api.epochs import repository as epoch_rows
from api.history.repository import net_loads
from api.instructions.repository import instruction_rows
from api.platform import Platform
from api.privacy import queries, repository, service
from api.privacy.queries import Act
from api.privacy.repository import ErasureRow
from api.privacy.subjects import ALLIANCE, terms_of
from api.segments.repository import conflicts, refused_segments, segments
from api.session.principal import NotYours, Principal
from api.statements import queries as statements
from api.stations import queries as stations
from oracle import cbor

_LOG = structlog.get_logger()


@dataclass(kw_only=True, eq=False)
class AllianceNotErasable(Refused):
    """The alliance's documents are the books of all members: they are not erased."""

    subject: int


@dataclass(kw_only=True, eq=False)
class ErasureNotConfirmed(Refused):
    """An erasure cannot be undone: the request must say so in words."""

    want: str
    got: str


@dataclass(kw_only=True, eq=False)
class EvidenceStillNeeded(Conflicting):
    """A day that rests on the station's readings is not final; only the operator may erase before, with force."""

    station: int
    day: str


def confirmation(subject: int) -> str:
    """The words that an erasure's request carries."""
    return f"erase the evidence of station {subject}"


def ask(
    platform: Platform, connection: Connection, subject: int, *, by: Principal, confirm: str, force: bool
) -> None:  # fmt: skip
    """Erase what is in closed epochs, and keep that the rest is to follow. After the commit call `finish_files`.

    Raises AllianceNotErasable, StationUnknown, NotYours, ErasureNotConfirmed or EvidenceStillNeeded.
    """
    if subject == ALLIANCE:
        raise AllianceNotErasable(subject=subject)
    by.check_owns(stations.owner_of(connection, subject), what=f"the evidence of station {subject}")
    if force and not by.operator:
        raise NotYours(what="an erasure before the days are final")
    if confirm != confirmation(subject):
        raise ErasureNotConfirmed(want=confirmation(subject), got=confirm[:80])
    now_ms = platform.clock.now_ms()
    needed = _day_still_needed(platform, connection, subject, now_ms=now_ms)
    if needed is not None and not force:
        raise EvidenceStillNeeded(station=subject, day=str(needed))
    through = epochs.open_epoch(connection, platform.deployment, now_ms=now_ms)
    repository.add_erasure(
        connection, {"subject": subject, "through_epoch": through, "asked_by": by.name, "asked_ms": now_ms}
    )
    repository.note(connection, t_ms=now_ms, what=Act.ERASURE_ASKED.value, by=by.name, subject=subject)
    _destroy(connection, subject, now_ms=now_ms)


def finish(connection: Connection, *, now_ms: int) -> list[int]:
    """Carry out what was asked for, as far as epochs are closed; the subjects that were finished."""
    last = epoch_rows.last_closed(connection)
    done = []
    for asked in repository.erasures_of(connection, open_only=True):
        if last is not None and last.number >= asked.through_epoch:
            _finish(connection, asked, now_ms=now_ms)
            done.append(asked.subject)
    return done


def finish_files(platform: Platform, subjects: list[int]) -> None:
    """Delete the grants that may hold a subject's keys, and what the database left on disk.

    The job writes anew what these readers may still read; those of other subjects keep theirs.
    """
    if not subjects:
        return
    with platform.database.reading() as connection:
        held = {epoch for subject in subjects for epoch in repository.epochs_of_subject(connection, subject)}
        scopes = {r.fingerprint: queries.scope_of(connection, r) for r in repository.active_readers(connection)}
    for fingerprint in platform.grants.readers():
        scope = scopes.get(fingerprint)
        if scope is None or any(subject in scope for subject in subjects):
            service.drop_files(platform, fingerprint, sorted(held & set(platform.grants.epochs(fingerprint))))
    platform.database.scrub()
    _LOG.info("privacy.erased", subjects=subjects)


def touches(connection: Connection, day: Day) -> bool:
    """Whether readings of a day were erased: what it rests on cannot be computed again."""
    erased = {row.subject for row in repository.erasures_of(connection, open_only=False)}
    for device, channel in {stream for subject in erased for stream in _streams(connection, subject)}:
        gone = (segments.c.count > 0, segments.c.readings == b"")
        inside = (segments.c.t_last_ms >= day.start_ms, segments.c.t_first_ms <= day.end_ms)
        mine = (segments.c.device == device, segments.c.channel == channel)
        if connection.execute(select(segments.c.digest).where(*mine, *inside, *gone).limit(1)).one_or_none():
            return True
    return False


def _finish(connection: Connection, asked: ErasureRow, *, now_ms: int) -> None:
    _destroy(connection, asked.subject, now_ms=now_ms)
    repository.finish_erasure(connection, asked.number, t_ms=now_ms)
    repository.note(connection, t_ms=now_ms, what=Act.ERASED.value, by=asked.asked_by, subject=asked.subject)


def _destroy(connection: Connection, subject: int, *, now_ms: int) -> None:
    """Destroy a subject's keys and what the database holds of its closed epochs; every reader is granted anew."""
    repository.destroy_keys(connection, subject, t_ms=now_ms)
    last = epoch_rows.last_closed(connection)
    if last is not None:
        for device, channel in _streams(connection, subject):
            for from_ms, to_ms in terms_of(connection, device, channel, subject):
                mine = (segments.c.t_first_ms >= from_ms, segments.c.t_first_ms < to_ms)
                _wipe_stream(connection, device, channel, *mine, segments.c.epoch <= last.number)
    for device in {device for device, _ in _streams(connection, subject)}:
        _wipe_uploads(connection, device)
    connection.execute(delete(net_loads).where(net_loads.c.station == subject))
    connection.execute(update(instruction_rows).where(instruction_rows.c.station == subject).values(state=None))
    for reader in repository.active_readers(connection):
        if subject in queries.scope_of(connection, reader):
            repository.start_afresh(connection, reader.number)


def _wipe_stream(connection: Connection, device: Address, channel: int, *which: ColumnElement[bool]) -> None:
    mine = (segments.c.device == device, segments.c.channel == channel, *which)
    nothing = {"readings": b"", "secret": ZERO_DIGEST}
    connection.execute(update(segments).where(*mine, segments.c.count > 0).values(nothing))


def _wipe_uploads(connection: Connection, device: Address) -> None:
    """Refused uploads of a device are deleted; of proofs of equivocation what was signed stays."""
    connection.execute(delete(refused_segments).where(refused_segments.c.device == device))
    for row in connection.execute(select(conflicts.c.number, conflicts.c.raw)).all():
        plain = cbor.decode(row.raw)
        if isinstance(plain, dict) and plain.get("device") == device:
            raw = cbor.encode({**plain, "readings": b"", "secret": ZERO_DIGEST})
            connection.execute(update(conflicts).where(conflicts.c.number == row.number).values(raw=raw))


def _streams(connection: Connection, subject: int) -> set[tuple[Address, int]]:
    return {(bound.device, bound.channel) for bound in devices.channels_at(connection, subject)}


def _day_still_needed(platform: Platform, connection: Connection, subject: int, *, now_ms: int) -> Day | None:
    """The last day with readings of a station, unless it is settled and its window is over."""
    last_ms: int | None = None
    for device, channel in _streams(connection, subject):
        mine = (segments.c.device == device, segments.c.channel == channel, segments.c.count > 0)
        found = connection.execute(select(func.max(segments.c.t_last_ms)).where(*mine)).scalar_one()
        last_ms = found if last_ms is None else max(last_ms, found or 0)
    if last_ms is None:
        return None
    day = day_at(last_ms)
    posted = statements.posted(connection, day)
    window_ms = platform.settings.correction_window_minutes * 60_000
    return None if posted and now_ms >= posted[0].time_s * 1000 + window_ms else day
