"""Settling days in order (protocol 8): gather the evidence, ask the rules, file the statement, post it on chain.

1 file    the statement's document and the version's row, in one transaction;
2 archive the document, before anyone can see its name on chain;
3 post    the sender keeps the call under the key `statement:<day>:<version>`.
What dies in between is done again: the row is there, and a key is used once.
"""

import structlog
from sqlalchemy import Connection

from alliance.calendar import Day, day_at, epoch_at
from alliance.day import settlement_inputs
from alliance.identity import MemberId, StationId, to_hex
from alliance.settlement import correct, restated, settle
from alliance.statement import POOL, Statement
from api.curves import queries as curves
from api.documents import queries as documents
from api.history import queries as history
from api.jobs.sending import statement_key
from api.platform import Platform
from api.privacy import erasure
from api.rules import agreement
from api.rules import queries as rules
from api.settlements import evidence, queries, repository
from api.settlements.evidence import View
from api.settlements.queries import Version
from api.statements import queries as statements
from api.stations import queries as stations
from chain.settlements import Posting, post
from oracle import statement_document
from oracle.log import EntryType
from oracle.settlement_tree import settlement_tree

_LOG = structlog.get_logger()


class SettleDays:
    """The job that settles every day that is over, its grace past, its evidence final, and corrects until finality."""

    name = "settle"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def run(self, t_ms: int) -> None:
        """Settle what is due, correct what late evidence changed, hand the sender what it does not have yet."""
        p = self._platform
        with p.database.reading() as connection:
            view = evidence.final_view(connection, finality_blocks=p.settings.finality_blocks)
            day = self._next_day(connection)
        if view is not None and day is not None and self._due(day, t_ms, view):
            self._settle(day, view, t_ms)
        elif view is not None and not self._replace_void(view, t_ms):
            self._correct(view, t_ms)
        self._post(t_ms)
        p.settler.poll(t_ms)

    def _next_day(self, connection: Connection) -> Day | None:
        """The day after the last one settled, or the first for which there are rules."""
        last = queries.last_day(connection)
        return rules.first_day(connection) if last is None else last.plus(1)

    def _due(self, day: Day, t_ms: int, view: View) -> bool:
        """Whether a day's grace is past and the epoch that ends with it is final."""
        grace_ms = self._platform.settings.settlement_grace_minutes * 60_000
        last_epoch = epoch_at(day.end_ms - 1, epoch_seconds=self._platform.deployment.epoch_seconds)
        return t_ms >= day.end_ms + grace_ms and view.epoch >= last_epoch

    def _settle(self, day: Day, view: View, t_ms: int) -> None:
        """File a day's first statement, and what its meters showed of each station's net load."""
        p = self._platform
        with p.database.reading() as connection:
            made = self._settled(connection, day, view)
            loads = _measured_loads(connection, day)
        with p.database.writing() as connection:
            self._file(connection, made, whole=made, view=view, t_ms=t_ms)
            history.file_measured(connection, day, loads)
        _LOG.info("settlement.filed", day=str(day), lines=len(made.lines), provisional=bool(made.provisional_slots))

    def _settled(self, connection: Connection, day: Day, view: View) -> Statement:
        """The day's statement, by rules that members agreed. Raises RulesNotAgreed, and what settling refuses."""
        facts = evidence.facts(self._platform, connection, day, view)
        agreement.check_day(connection, facts)
        return settle(settlement_inputs(facts))

    def _replace_void(self, view: View, t_ms: int) -> bool:
        """File a whole statement in place of a day's void ones; whether there was such a day."""
        p = self._platform
        with p.database.reading() as connection:
            for day in queries.days(connection, limit=p.settings.correction_days + 1):
                void = statements.voided_up_to(connection, day)
                if void and queries.versions(connection, day)[-1].version == void:
                    break
            else:
                return False
            made = restated(self._settled(connection, day, view), void + 1)
        with p.database.writing() as connection:
            self._file(connection, made, whole=made, view=view, t_ms=t_ms)
        _LOG.error("settlement.void_replaced", day=str(day), version=made.heading.version)
        return True

    def _correct(self, view: View, t_ms: int) -> None:
        """File a linked correction of each settled day, not final yet, that newer evidence or a decision changed."""
        p = self._platform
        with p.database.reading() as connection:
            today = day_at(t_ms)
            for day in queries.days(connection, before=today.number, limit=p.settings.correction_days + 1):
                last = queries.versions(connection, day)[-1]
                if not self._open(connection, day, t_ms):
                    continue
                if self._decided_since(connection, last):
                    break
                if last.log_epoch >= view.epoch:
                    continue
                seen = evidence.view_at(connection, last.log_epoch)
                if evidence.newer_evidence(connection, day, seen=seen, view=view):
                    break
            else:
                return
            standing, judged = queries.whole(connection, day), queries.judged_lines(connection, day)
            recomputed = self._settled(connection, day, view)
        changed = (standing.lines, standing.quantities) != (recomputed.lines, recomputed.quantities)
        if not changed:
            self._seen(last, view)
            return
        if any(identity in judged for identity in _differing(standing, recomputed)):
            _LOG.error("settlement.court_differs", day=str(day))  # people must look: no correction undoes a decision
            return
        correction = correct(standing, recomputed, previous_root=last.root)
        with p.database.writing() as connection:
            self._file(connection, correction, whole=recomputed, view=view, t_ms=t_ms)
        _LOG.info("settlement.corrected", day=str(day), version=correction.heading.version)

    def _open(self, connection: Connection, day: Day, t_ms: int) -> bool:
        """Whether a day may still be corrected: posted, its window not over, nothing of what it rests on erased."""
        final_at_s = statements.final_at_s(connection, day)
        in_time = final_at_s is not None and t_ms < final_at_s * 1000
        return in_time and not erasure.touches(connection, day)

    def _decided_since(self, connection: Connection, last: Version) -> bool:
        """Whether the court moved cents that no correction has followed: what it left in a pool is to be handed out."""
        decided = bool(statements.decisions_of(connection, last.day))
        return decided and queries.whole(connection, last.day).balance(POOL) != 0

    def _seen(self, version: Version, view: View) -> None:
        """Remember that evidence up to a view changed nothing, so that it is not computed again."""
        with self._platform.database.writing() as connection:
            repository.seen(connection, day=version.day.number, version=version.version, log_epoch=view.epoch)

    def _file(self, connection: Connection, made: Statement, *, whole: Statement, view: View, t_ms: int) -> None:
        heading = made.heading
        name = queries.statement_name(heading.day, heading.version)
        content = statement_document.to_plain(made)
        row = documents.queue(self._platform, connection, kind=EntryType.STATEMENT, name=name, content=content)
        repository.add(
            connection,
            {
                "day": heading.day.number, "version": heading.version, "document": row.document.digest,
                "root": settlement_tree(made).root, "leaf_count": made.leaf_count,
                "provisional": int(bool(whole.provisional_slots)), "log_epoch": view.epoch, "made_ms": t_ms,
            },
        )  # fmt: skip

    def _post(self, t_ms: int) -> None:
        """Archive and submit every version that the chain does not have, in order."""
        p = self._platform
        with p.database.reading() as connection:
            waiting = [
                (version, queries.statement(connection, version), queries.document(connection, version))
                for day in queries.days(connection, limit=p.settings.correction_days + 1)[::-1]
                for version in queries.versions(connection, day)[len(statements.posted(connection, day)) :]
                if p.settler.status(statement_key(day, version.version)) is None
            ]
        for version, made, row in waiting:
            p.archive.put(row.document.block)
            call = Posting(
                day=version.day, version=version.version, members=tuple(map(MemberId, made.heading.roster)),
                balances_cents=made.balances, root=version.root, leaf_count=version.leaf_count,
                statement=version.document,
            )  # fmt: skip
            to = p.deployment["SettlementLedger"].address
            p.settler.submit(statement_key(version.day, version.version), to=to, data=post(call), now_ms=t_ms)
            _LOG.info("settlement.posting", day=str(version.day), version=version.version, root=to_hex(version.root))


def _differing(standing: Statement, recomputed: Statement) -> set[queries.Identity]:
    """The lines of which two statements say other cents."""
    before = {line.identity: line.amount_cents for line in standing.lines}
    return {line.identity for line in recomputed.lines if before.get(line.identity) != line.amount_cents}


def _measured_loads(connection: Connection, day: Day) -> dict[StationId, tuple[int, ...]]:
    """Each station's net load of a day by its own meters; a station with a gap in either meter is left out."""
    loads: dict[StationId, tuple[int, ...]] = {}
    for station in stations.all_stations(connection):
        course = curves.course(connection, station.number, day)
        values = [m.battery_wh - m.net_wh for m in course if m.battery_wh is not None and m.net_wh is not None]
        if len(values) == len(course):
            loads[station.number] = tuple(values)
    return loads
