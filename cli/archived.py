"""Certificates of day-ahead plans out of an archive, or a service, for a reader who holds a key (protocol 4.8, 9.3)."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

from alliance.calendar import Day
from alliance.certificate import Certificate, certificate_from_plain
from alliance.errors import AllianceError, Missing
from alliance.identity import digest
from alliance.schedule import ScheduleKind
from oracle.archive import FolderArchive, GatewayArchive
from oracle.document import open_block
from oracle.grant import FolderGrants, GatewayGrants, Opener, load_reader


class NoPlanArchived(Missing):
    """There is no certified day-ahead plan that this key opens; the service's plan runs say why."""


def archived_plans(archive: Path, key: Path) -> Iterator[Certificate]:
    """All certificates in an archive's folder that a reader may open, in order of their blocks' addresses."""
    kept, grants, reader = FolderArchive(archive), FolderGrants(archive), load_reader(key)
    opener, epochs = Opener(reader, grants), grants.epochs(reader.fingerprint)
    for block in sorted(kept.digests()):
        try:
            content = open_block(kept.get(block), content_key=opener.key_in(block, epochs))
        except AllianceError:
            continue  # another reader's block, or one of another kind
        found = _certificate(content)
        if found is not None:
            yield found


def archived_plan(archive: Path, key: Path, day: Day) -> Certificate:
    """A day's day-ahead plan from an archive's folder, the newest revision. Raises NoPlanArchived."""
    return _newest([c for c in archived_plans(archive, key) if c.problem.day == day])


def served_plan(url: str, key: Path, day: Day) -> Certificate:
    """A day's day-ahead plan from a service. Raises NoPlanArchived, and what reading block or grant raises."""
    found = []
    with httpx.Client(timeout=30) as client:
        reply = client.get(f"{url.rstrip('/')}/v1/schedules", params={"day": str(day)})
        if reply.status_code != httpx.codes.OK:
            raise NoPlanArchived
        opener = Opener(load_reader(key), GatewayGrants(url, client=client))
        kept = GatewayArchive(url, client=client)
        for listed in reply.json():
            block = digest(listed["digest"], field="digest")
            content = open_block(kept.get(block), content_key=opener.key_of(block, int(listed["epoch"])))
            found.append(_certificate(content))
    return _newest([c for c in found if c is not None])


def _certificate(content: object) -> Certificate | None:
    if not isinstance(content, Mapping) or content.get("certificate") is None:
        return None
    return certificate_from_plain(content["certificate"])


def _newest(found: list[Certificate]) -> Certificate:
    ahead = [c for c in found if c.problem.kind is ScheduleKind.DAY_AHEAD]
    if not ahead:
        raise NoPlanArchived
    return max(ahead, key=lambda c: c.problem.revision)
