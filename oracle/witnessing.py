"""What a log sends a witness, and the rule by which a witness cosigns (protocol 4.11; C2SP tlog-witness).

A witness keeps of each log the last head that it signed, and signs a next one only with the log's signature under it
and a proof that nothing before has changed. What it signed can therefore not be taken back or told twice differently.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Self

from alliance.errors import Conflicting, Malformed, Refused
from alliance.identity import Digest
from oracle.merkle import EMPTY_ROOT, ConsistencyFails, ProofShapeWrong, verify_consistency
from oracle.note import Checkpoint, NoteForged, NoteUnsigned, NoteVerifier, SignedNote, parse_checkpoint, parse_note

SIZE_TYPE = "text/x.tlog.size"
_PROOF_LIMIT = 63


@dataclass(kw_only=True, eq=False)
class SubmissionMalformed(Malformed):
    """A request to a witness is not `old <size>`, proof lines, an empty line and a checkpoint."""

    why: str


@dataclass(kw_only=True, eq=False)
class CheckpointUntrusted(Refused):
    """No signature under a checkpoint is one by the log's own key."""

    origin: str


@dataclass(kw_only=True, eq=False)
class OldSizeStale(Conflicting):
    """A proof does not begin at the size that the witness signed last."""

    origin: str
    want_size: int
    got_size: int


@dataclass(kw_only=True, eq=False)
class LogForked(Conflicting):
    """A log shows another root for a size that the witness has signed."""

    origin: str
    size: int
    want_root: Digest
    got_root: Digest


@dataclass(kw_only=True, eq=False)
class LogInconsistent(Refused):
    """A proof does not join the head that the witness signed to the one that it is to sign."""

    origin: str
    old_size: int
    new_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A head to be cosigned, with the proof from the size that the witness saw last."""

    old_size: int
    proof: tuple[Digest, ...]
    note: SignedNote

    @property
    def raw(self) -> bytes:
        """The request's bytes."""
        lines = [f"old {self.old_size}", *(base64.b64encode(node).decode() for node in self.proof), "", ""]
        return "\n".join(lines).encode() + self.note.raw

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a request. Raises SubmissionMalformed or NoteMalformed."""
        head, gap, note = raw.partition(b"\n\n")
        try:
            first, *rest = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise SubmissionMalformed(why="proof lines are not ASCII") from error
        word, _, size = first.partition(" ")
        if not gap or word != "old" or not size.isdigit() or (size != "0" and size.startswith("0")) or len(size) > 19:
            raise SubmissionMalformed(why="the first line is not `old <size>`")
        if len(rest) > _PROOF_LIMIT:
            raise SubmissionMalformed(why=f"{len(rest)} proof lines, the limit is {_PROOF_LIMIT}")
        return cls(old_size=int(size), proof=tuple(map(_node, rest)), note=parse_note(note))


def judge(asked: Submission, *, known: Checkpoint, log: NoteVerifier) -> Checkpoint:
    """The head that a witness may sign next, `known` being the last one that it signed (size 0: none).

    Raises CheckpointUntrusted, SubmissionMalformed, OldSizeStale, LogForked or LogInconsistent.
    """
    head = parse_checkpoint(asked.note.text)
    try:
        log.verify(asked.note)
    except (NoteUnsigned, NoteForged) as error:
        raise CheckpointUntrusted(origin=head.origin) from error
    if asked.old_size > head.size:
        raise SubmissionMalformed(why=f"old size {asked.old_size} is above the checkpoint's {head.size}")
    if asked.old_size != known.size:
        raise OldSizeStale(origin=head.origin, want_size=known.size, got_size=asked.old_size)
    if known.size == head.size and known.root != head.root:
        raise LogForked(origin=head.origin, size=head.size, want_root=known.root, got_root=head.root)
    try:
        verify_consistency(
            old_size=known.size, new_size=head.size, proof=asked.proof, old_root=known.root, new_root=head.root
        )
    except (ConsistencyFails, ProofShapeWrong) as error:
        raise LogInconsistent(origin=head.origin, old_size=known.size, new_size=head.size) from error
    return head


def nothing_seen(origin: str) -> Checkpoint:
    """The head of a log of which nothing was signed yet."""
    return Checkpoint(origin=origin, size=0, root=EMPTY_ROOT)


def _node(line: str) -> Digest:
    try:
        raw = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SubmissionMalformed(why="a proof line is not base64") from error
    if len(raw) != 32:
        raise SubmissionMalformed(why=f"a proof line has {len(raw)} bytes, want 32")
    return Digest(raw)
