"""The job that says silence (protocol 9.15.7): a directive whose decision or end is late is marked once, and logged."""

import structlog

from api.directives import queries, repository
from api.platform import Platform

_LOG = structlog.get_logger()


class Escalate:
    """Marks directives whose next word is overdue."""

    name = "escalate"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def run(self, t_ms: int) -> None:
        """Look at all that is open; one transaction marks what is overdue."""
        answer_ms = 1_000 * self._platform.settings.directive_answer_seconds
        with self._platform.database.reading() as connection:
            late = queries.overdue(connection, now_ms=t_ms, answer_ms=answer_ms)
        if not late:
            return
        with self._platform.database.writing() as connection:
            repository.escalate(connection, [row.row for row in late], t_ms=t_ms)
        for row in late:
            word = "decision" if row.decided is None else "end"
            _LOG.warning("directive.overdue", station=row.station, number=row.number, call=row.call, missing=word)
