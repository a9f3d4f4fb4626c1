"""Bodies about readers, what they may read, and what was done when."""

from typing import Literal

from pydantic import Field

from api.wire import Hex20, Hex32, Milliseconds, Wire


class ReaderBody(Wire):
    """A reader to be registered; `account` is a regulator's wallet, which then may read over this API too."""

    public_key: Hex32
    """X25519."""
    kind: Literal["member", "auditor", "regulator"]
    name: str = Field(min_length=1, max_length=100)
    member: int | None = Field(default=None, ge=1)
    account: Hex20 | None = None


class ReaderAnswer(Wire):
    """A registered reader and what it may read; `everything` for a regulator, else `subjects` (0: the documents)."""

    fingerprint: str
    public_key: Hex32
    kind: str
    name: str
    member: int | None
    everything: bool
    subjects: tuple[int, ...]
    added_by: str
    added_at: Milliseconds
    granted_through: int
    """How many encrypted blocks were looked at for this reader: it is served when this reaches the newest."""


class SubjectBody(Wire):
    """A station's number, or 0 for the alliance's documents."""

    subject: int = Field(ge=0, le=(1 << 31) - 1)


class ErasureBody(Wire):
    """An erasure, in words: `erase the evidence of station <n>`; `force` (operator) does not wait for final days."""

    confirm: str = Field(max_length=200)
    force: bool = False


class ErasureAnswer(Wire):
    """An erasure: what is in closed epochs is gone, the rest goes when `throughEpoch` has closed."""

    subject: int
    through_epoch: int
    asked_at: Milliseconds
    done_at: Milliseconds | None


class ActAnswer(Wire):
    """One act of the trail: who did what to which reader or subject, and when."""

    number: int
    at: Milliseconds
    what: str
    by: str
    reader: str | None
    kind: str | None
    subject: int | None
