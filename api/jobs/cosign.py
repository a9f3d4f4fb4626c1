"""Asking witnesses to cosign the newest head of the log (protocol 4.11; C2SP tlog-witness).

A witness that is away is asked again at the next tick; nothing else waits for it. One that answers with the size that
it saw last is sent the proof from there.
"""

from dataclasses import dataclass
from typing import Self

import httpx
import structlog

from alliance.errors import AllianceError, Malformed, Refused
from api.platform import Platform
from api.tlog import queries, repository
from oracle.merkle import HashTree
from oracle.note import NoteMalformed, NoteVerifier, SignedNote, parse_checkpoint, parse_signatures
from oracle.witnessing import SIZE_TYPE, Submission

_LOG = structlog.get_logger()


@dataclass(kw_only=True, eq=False)
class WitnessSettingMalformed(Malformed):
    """A setting does not name a witness as `<verifier key> <address>`."""

    got: str


@dataclass(kw_only=True, eq=False)
class WitnessRefused(Refused):
    """A witness did not cosign a head of the log."""

    witness: str
    status: int
    said: str


@dataclass(kw_only=True, eq=False)
class WitnessAhead(Refused):
    """A witness has cosigned a larger log than this service knows to be anchored: there is a second one."""

    witness: str
    size: int
    anchored_size: int


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: the key that it signs with, and where it listens."""

    verifier: NoteVerifier
    url: str

    @classmethod
    def parse(cls, setting: str) -> Self:
        """Read a setting. Raises WitnessSettingMalformed."""
        vkey, _, url = setting.strip().partition(" ")
        try:
            verifier = NoteVerifier.parse(vkey)
        except NoteMalformed as error:
            raise WitnessSettingMalformed(got=setting[:120]) from error
        if not url.strip().startswith(("http://", "https://")):
            raise WitnessSettingMalformed(got=setting[:120])
        return cls(verifier, url.strip().rstrip("/"))


class Cosign:
    """The job that has every witness sign the newest checkpoint on chain."""

    name = "cosign"

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._witnesses = tuple(Witness.parse(setting) for setting in platform.settings.witnesses)
        self._client = httpx.Client(timeout=5)
        platform.resources.callback(self._client.close)

    def run(self, t_ms: int) -> None:
        """Bring every witness to the newest head; the first that refuses is told after all were asked."""
        if not self._witnesses:
            return
        with self._platform.database.reading() as connection:
            try:
                row = queries.anchored(connection, self._platform)
            except queries.NothingAnchored:
                return
            note = queries.note_of(connection, self._platform, row)
        errors = [error for witness in self._witnesses if (error := self._brought(witness, note))]
        if errors:
            raise errors[0]

    def _brought(self, witness: Witness, note: SignedNote) -> AllianceError | None:
        head = parse_checkpoint(note.text)
        with self._platform.database.reading() as connection:
            seen = repository.last_size(connection, witness=str(witness.verifier))
        if seen == head.size:
            return None
        try:
            line = self._asked(witness, note, seen, tree=self._platform.log.tree)
        except httpx.HTTPError as error:
            _LOG.warning("cosign.witness_away", witness=witness.verifier.name, error=type(error).__name__)
            return None
        except AllianceError as error:
            return error
        with self._platform.database.writing() as connection:
            repository.keep(connection, witness=str(witness.verifier), size=head.size, root=head.root, line=line)
        return None

    def _asked(self, witness: Witness, note: SignedNote, seen: int, *, tree: HashTree) -> str:
        """The witness's line under a head, checked; from the size that it says it saw if it is not ours."""
        size = parse_checkpoint(note.text).size
        reply = self._posted(witness, note, seen, tree)
        if reply.status_code == httpx.codes.CONFLICT and reply.headers.get("content-type", "").startswith(SIZE_TYPE):
            theirs = int(reply.text) if reply.text.strip().isdecimal() else -1
            if theirs > size:
                raise WitnessAhead(witness=witness.verifier.name, size=theirs, anchored_size=size)
            if 0 <= theirs != seen:
                reply = self._posted(witness, note, theirs, tree)
        if reply.status_code != httpx.codes.OK:
            raise WitnessRefused(witness=witness.verifier.name, status=reply.status_code, said=reply.text[:200])
        lines = parse_signatures(reply.text)
        witness.verifier.verify(SignedNote(note.text, lines))
        mine = (witness.verifier.name, witness.verifier.key_id)
        return next(line.line for line in lines if (line.name, line.key_id) == mine)

    def _posted(self, witness: Witness, note: SignedNote, old_size: int, tree: HashTree) -> httpx.Response:
        size = parse_checkpoint(note.text).size
        own = SignedNote(note.text, note.signatures[:1])
        asked = Submission(old_size=old_size, proof=tuple(tree.consistency_proof(old_size, size)), note=own)
        return self._client.post(f"{witness.url}/add-checkpoint", content=asked.raw)
