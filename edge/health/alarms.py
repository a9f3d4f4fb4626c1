"""Alarms and counters of the box (protocol 10.2): raised once, told once, cleared once; counted for good."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog

from edge.evidence.store import StorageFailed, Store

Log = Any  # structlog's bound loggers have no common type


Heard = Callable[[str, int, dict[str, object]], object]
"""Hears of each alarm that begins (`alarm.raised`) or ends (`alarm.cleared`), when, and its facts."""


def _nobody(kind: str, at_ms: int, facts: dict[str, object]) -> None:
    """Nobody hears."""


class Alarms:
    """What is wrong now and what went wrong how often; a full disk does not silence it."""

    def __init__(self, store: Store, *, heard: Heard = _nobody) -> None:
        self._store, self._heard = store, heard
        self._log: Log = structlog.get_logger()
        self._standing = dict(standing(store))
        self._uncounted: Counter[str] = Counter()

    @property
    def names(self) -> frozenset[str]:
        """The alarms that stand."""
        return frozenset(self._standing)

    def raised(self, name: str, *, at_ms: int, **facts: object) -> None:
        """An alarm stands from now on; while it stands, raising it again says nothing new."""
        if name in self._standing:
            return
        detail = json.dumps(facts, ensure_ascii=False, default=str)
        self._standing[name] = detail
        self._heard("alarm.raised", at_ms, {"alarm": name, **facts})
        self._log.warning(name, t_ms=at_ms, **{key: str(value) for key, value in facts.items()})
        with suppress(StorageFailed), self._store.change() as db:
            db.execute("INSERT OR REPLACE INTO alarm VALUES (?, ?, ?)", (name, at_ms, detail))

    def cleared(self, name: str, *, at_ms: int) -> None:
        """An alarm stands no more."""
        if self._standing.pop(name, None) is None:
            return
        self._heard("alarm.cleared", at_ms, {"alarm": name})
        self._log.info("alarm.cleared", alarm=name, t_ms=at_ms)
        with suppress(StorageFailed), self._store.change() as db:
            db.execute("DELETE FROM alarm WHERE name = ?", (name,))

    def count(self, name: str, by: int = 1) -> None:
        """Something happened; how often is kept over restarts, and added later where a full disk takes nothing."""
        self._uncounted[name] += by
        with suppress(StorageFailed):
            with self._store.change() as db:
                db.executemany(
                    "INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET count = count + excluded.count",
                    self._uncounted.items(),
                )
            self._uncounted.clear()


def standing(store: Store) -> list[tuple[str, str]]:
    """The alarms that stand in a database, with their facts as JSON."""
    return [(str(name), str(detail)) for name, detail in store.rows("SELECT name, detail FROM alarm ORDER BY name")]


def counted(store: Store) -> dict[str, int]:
    """How often each thing happened."""
    return {str(name): int(str(count)) for name, count in store.rows("SELECT name, count FROM counter ORDER BY name")}
