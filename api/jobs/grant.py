"""Granting readers (protocol 4.8.2): each epoch's content keys, wrapped for every reader whose scope it touches.

A reader's cursor says up to which encrypted block it was served. A file is durable before the cursor moves: what dies
in between is written again. A change of scope or an erasure sends the cursor back, and files are written anew, or are
deleted where nothing is left to read. Erasures whose epoch has closed are finished first.
"""

import structlog

from api.platform import Platform
from api.privacy import erasure, queries, repository, service, subjects
from api.privacy.repository import ReaderRow
from oracle import grant

_LOG = structlog.get_logger()
_BATCH = 20_000
_BATCHES_A_ROUND = 10
"""So many blocks are looked at for a reader in a tick at most: a new reader's past is granted over several."""


class GrantReaders:
    """The job that keeps every reader's grants as its scope says."""

    name = "grant"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def run(self, t_ms: int) -> None:
        """Finish erasures, delete removed readers' grants, grant what is new."""
        p = self._platform
        self._finish_erasures(t_ms)
        with p.database.reading() as connection:
            active = repository.active_readers(connection)
        named = {reader.fingerprint for reader in active}
        for gone in sorted(set(p.grants.readers()) - named):
            service.drop_files(p, gone)
        for reader in active:
            self._serve(reader)

    def _finish_erasures(self, t_ms: int) -> None:
        p = self._platform
        with p.database.reading() as connection:
            if not repository.erasures_of(connection, open_only=True):
                return
        with p.database.writing() as connection:
            done = erasure.finish(connection, now_ms=t_ms)
        erasure.finish_files(p, done)

    def _serve(self, reader: ReaderRow) -> None:
        cursor = reader.cursor
        for _ in range(_BATCHES_A_ROUND):
            following = self._serve_batch(reader, cursor)
            if following is None:
                return
            cursor = following

    def _serve_batch(self, reader: ReaderRow, cursor: int) -> int | None:
        """Grant the epochs of the next blocks; where to go on, None when all is served or has to begin afresh."""
        p = self._platform
        with p.database.reading() as connection:
            rows = repository.sealed_after(connection, cursor, limit=_BATCH)
        if not rows:
            return None
        for epoch in sorted({epoch for _, epoch, _ in rows}):
            self._write(reader, epoch)
        with p.database.writing() as connection:
            stands = repository.granted(connection, reader, cursor=rows[-1][0])
        _LOG.debug("privacy.granted", reader=reader.fingerprint, blocks=len(rows))
        return rows[-1][0] if stands and len(rows) == _BATCH else None

    def _write(self, reader: ReaderRow, epoch: int) -> None:
        """One reader's grant of one epoch, written anew; deleted when it would hold nothing."""
        p = self._platform
        with p.database.reading() as connection:
            scope = queries.scope_of(connection, reader)
            wanted = [row for row in repository.sealed_of_epoch(connection, epoch) if row.subject in scope]
            keys = subjects.content_keys(p, connection, wanted)
        if not keys:
            p.grants.drop(reader.fingerprint, epoch)
            return
        p.grants.put(grant.make(keys, reader=reader.public_key, epoch=epoch, randomness=p.randomness))
