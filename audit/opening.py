"""What a reader may see of encrypted blocks (protocol 4.8): the rest is unread, counted, and accuses nobody."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from alliance.errors import AllianceError
from alliance.identity import Digest
from audit.finding import Unread
from oracle.encryption import ContentKeyWrong, KeyMissing
from oracle.grant import Opener

T = TypeVar("T")


class Opening:
    """The reader's content keys, and how many blocks stayed unread for want of one."""

    def __init__(self, opener: Opener | None) -> None:
        self._opener = opener
        self._why = ""
        self.unread = 0

    def tried(self, open_with: Callable[[bytes | None], T], block: Digest, epochs: Iterable[int]) -> T | None:
        """What `open_with` makes of the block's content key (None if there is none); None when it stays unread.

        What it refuses for any other reason than the key is raised.
        """
        try:
            return open_with(self._key(block, epochs))
        except KeyMissing:
            self._leave("" if self._opener is None else f"no grant for reader {self._opener.fingerprint}")
        except ContentKeyWrong as wrong:
            self._leave(str(wrong))
        return None

    def unread_blocks(self) -> Unread | None:
        """What to say at the end of an audit whose public part passes; None when everything was read."""
        if not self.unread:
            return None
        return Unread(what="blocks", why=f"public part passes, {self.unread} blocks unread" + self._reason)

    @property
    def _reason(self) -> str:
        return f"; {self._why}" if self._why else ""

    def _key(self, block: Digest, epochs: Iterable[int]) -> bytes | None:
        """A granted key; whatever is wrong with a grant, nobody signed it, so that the block is unread."""
        if self._opener is None:
            return None
        try:
            return self._opener.key_in(block, epochs)
        except AllianceError as error:
            self._why = self._why or str(error)
            return None

    def _leave(self, why: str) -> None:
        self.unread += 1
        self._why = self._why or why
