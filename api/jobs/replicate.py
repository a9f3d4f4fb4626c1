"""Copying every closed epoch to a second archive (protocol 4.12): its blocks first, its manifest last.

The copy's newest manifest says how far it is, so that nothing has to be remembered; a copy that is away is caught up
with later, a few epochs a tick, and holds nobody up.
"""

import structlog

from alliance.identity import Digest
from api.epochs import repository
from api.platform import Platform
from oracle.archive import BlockMissing
from oracle.replica import Copy, epoch_blocks

_LOG = structlog.get_logger()
_EPOCHS_A_TICK = 16


class Replicate:
    """The job that keeps the second archive as full as the first."""

    name = "replicate"

    def __init__(self, platform: Platform, copy: Copy) -> None:
        self._platform, self._copy = platform, copy
        self._done: int | None = None
        """The last epoch that the copy has, once known."""

    def run(self, t_ms: int) -> None:
        """Copy what is closed and not copied yet. Raises NodeUnreachable while the copy is away."""
        with self._platform.database.reading() as connection:
            if self._done is None:
                closed = repository.closed_after(connection, self._platform.deployment.start_epoch)
                self._done = self._last_copied([(epoch.number, epoch.manifest) for epoch in closed])
            waiting = repository.closed_after(connection, self._done, limit=_EPOCHS_A_TICK)
        for epoch in waiting:
            for block in epoch_blocks(self._platform.archive, epoch.manifest):
                self._copy.put(block)
            self._done = epoch.number
            _LOG.debug("replicate.copied", epoch=epoch.number)

    def _last_copied(self, closed: list[tuple[int, Digest]]) -> int:
        """The newest epoch whose manifest the copy holds; epochs are copied in order."""
        for number, manifest in reversed(closed):
            try:
                self._copy.get(manifest)
            except BlockMissing:
                continue
            return number
        return self._platform.deployment.start_epoch
