"""What the box does when its key lapses (protocol 6.3, 6.4): it hands over to the next key, or holds what it reads.

The platform says that a key was revoked, frozen or has expired. A box with a key in waiting signs with that one from
then on and the streams go on; one without keeps reading, closes segments unsigned, and says so until a key comes.
"""

from edge.evidence.recorder import Recording
from edge.folder import StateFolder
from edge.health.alarms import Alarms

LAPSED = "key.lapsed"


class KeyKeeper:
    """Watches over the key that a box signs with."""

    def __init__(self, folder: StateFolder, recording: Recording, alarms: Alarms) -> None:
        self._folder, self._recording, self._alarms = folder, recording, alarms

    def lapsed(self, *, at_ms: int, why: str) -> None:
        """The platform refused the key: hand over, or stop signing with it."""
        if self.look(at_ms=at_ms) or self._recording.signer is None:
            return
        self._recording.signer = None
        self._alarms.raised(LAPSED, at_ms=at_ms, key="0x" + self._folder.signer.address.hex(), why=why)
        self._alarms.count("keys_lapsed")

    def look(self, *, at_ms: int) -> bool:
        """Take a key that waits into use; whether there was one. Raises what key files and the store raise."""
        signer = self._folder.hand_over()
        if signer is None:
            return False
        self._recording.signer = signer
        self._alarms.cleared(LAPSED, at_ms=at_ms)
        self._alarms.count("keys_taken")
        return True

    @property
    def holding(self) -> bool:
        """Whether the box holds what it reads, because it has no key to sign with."""
        return self._recording.signer is None
