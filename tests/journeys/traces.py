"""What a demo left behind, read from the outside: the boxes' acknowledgements, the archive, the chain's events."""

import json
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from alliance.calendar import Day
from alliance.identity import Address, Digest
from alliance.statement import Statement
from chain import events
from chain.events import Checkpoint, StatementPosted
from chain.rpc import Rpc
from edge.evidence.store import open_to_look
from oracle import block, log, manifest, statement_document
from oracle import deployment as deployments
from oracle.archive import FolderArchive
from oracle.document import open_block
from oracle.grant import FolderGrants, Opener, load_reader
from oracle.log import EntryType
from oracle.manifest import Manifest
from oracle.segment import SealedSegment
from simulation import readers
from simulation.processes import program

E = TypeVar("E")
Stream = tuple[Address, int]


@dataclass(kw_only=True)
class Traces:
    """The archive and chain of a demo, and what its boxes were promised."""

    checkpoints: list[Checkpoint]
    statements: list[StatementPosted]
    manifests: dict[int, Manifest] = field(default_factory=dict)
    """By epoch, those that are on chain."""
    segments: list[tuple[int, SealedSegment]] = field(default_factory=list)
    """(epoch, segment) in the order of the log."""
    logged: list[Digest] = field(default_factory=list)
    """Digests of the segment entries of the log."""
    acks: dict[Digest, int] = field(default_factory=dict)
    """Segment → the epoch by which the service promised to log it."""

    def counts(self) -> dict[str, int]:
        """What was acknowledged, and how much of it is lost or doubled; an ack whose epoch is not closed yet waits."""
        last = self.checkpoints[-1].epoch if self.checkpoints else 0
        due = {digest for digest, epoch in self.acks.items() if epoch <= last}
        archived = {sealed.signed.digest: epoch for epoch, sealed in self.segments}
        numbers = Counter(
            (s.signed.segment.device, s.signed.segment.channel, reading.seq)
            for _, s in self.segments for reading in s.decoded()
        )  # fmt: skip
        return {
            "acknowledged": len(due),
            "lost": sum(digest not in archived or archived[digest] > self.acks[digest] for digest in due),
            "logged_twice": len(self.logged) - len(set(self.logged)),
            "readings": len(numbers),
            "readings_twice": sum(numbers.values()) - len(numbers),
            "readings_missing": _missing(numbers),
            "epochs": len(self.checkpoints),
            "anchored_twice": _repeated(c.epoch for c in self.checkpoints),
            "settled": len(self.statements),
            "settled_twice": _repeated((s.day, s.version) for s in self.statements),
        }

    def readings_at(self, device: Address, channel: int, *, from_ms: int, to_ms: int) -> dict[int, int]:
        """Time → epoch of the log, of a channel's readings in a half-open window."""
        return {
            reading.t_ms: epoch
            for epoch, sealed in self.segments
            if (sealed.signed.segment.device, sealed.signed.segment.channel) == (device, channel)
            for reading in sealed.decoded()
            if from_ms <= reading.t_ms < to_ms
        }


def traces(state: Path, rpc_url: str, *, boxes: int = 6) -> Traces:
    """Everything that stands on the chain and in the archive, and the acknowledgements of the boxes."""
    deployment = deployments.load(state / "deployment.json")
    archive = FolderArchive(state / "service" / "archive")
    opener = opener_of(state)
    with Rpc(rpc_url) as rpc:
        addresses = [contract.address for contract in deployment.contracts.values()]
        found = [events.decode(one, timestamp_s=0) for one in rpc.logs(addresses, first=0, last=rpc.block_number())]
    made = Traces(checkpoints=_of(found, Checkpoint), statements=_of(found, StatementPosted))
    for checkpoint in made.checkpoints:
        one = manifest.decode(archive.get(checkpoint.manifest))
        made.manifests[checkpoint.epoch] = one
        entries = log.decode_entries(archive.get(one.entries))
        made.logged += [entry.segment_digest for entry in entries if entry.type is EntryType.SEGMENT]
        for row in one.rows:
            if row.evidence is not None:
                key = opener.key_of(row.evidence, checkpoint.epoch)
                sealed = block.decode(archive.get(row.evidence), deployment.domain, content_key=key)
                made.segments += [(checkpoint.epoch, each) for each in sealed]
    for number in range(1, boxes + 1):
        made.acks |= acknowledged(state / f"edge-{number}")
    return made


def opener_of(state: Path) -> Opener:
    """What the demo's regulator opens the archive with."""
    key = load_reader(readers.key_file(state, readers.REGULATOR))
    return Opener(key, FolderGrants(state / "service" / "archive"))


def statement_of(state: Path, posted: StatementPosted, archive: FolderArchive | None = None) -> Statement:
    """A posted statement as it is archived; the regulator finds its key in the grants of the days after."""
    kept = archive or FolderArchive(state / "service" / "archive")
    return statement_document.from_plain(open_block(kept.get(posted.statement), content_key=key_of(state, posted)))


def key_of(state: Path, posted: StatementPosted) -> bytes:
    """The content key of a posted statement's document."""
    key = load_reader(readers.key_file(state, readers.REGULATOR))
    grants = FolderGrants(state / "service" / "archive")
    found = Opener(key, grants).key_in(posted.statement, grants.epochs(key.fingerprint)[::-1])
    assert found is not None
    return found


def acknowledged(box: Path) -> dict[Digest, int]:
    """The acknowledgements that a box holds."""
    store = open_to_look(box / "state" / "outbox.sqlite")
    try:
        return {Digest(bytes(digest)): int(str(epoch)) for digest, epoch in store.rows("SELECT digest, epoch FROM ack")}  # type: ignore[call-overload]  # a BLOB
    finally:
        store.close()


def waiting(box: Path) -> int:
    """How many signed segments of a box are not acknowledged."""
    store = open_to_look(box / "state" / "outbox.sqlite")
    try:
        return int(str(store.rows("SELECT count(*) FROM segment")[0][0]))
    finally:
        store.close()


def device_of(state: Path, station: int) -> Address:
    """The address of a station's device."""
    store = open_to_look(state / f"edge-{station}" / "state" / "outbox.sqlite")
    try:
        found = store.meta("signer")
        assert found is not None
        return Address(found)
    finally:
        store.close()


def audit(
    day: Day, *, rpc: str, archive: Path, deployment: Path, key: Path | None
) -> tuple[int, dict[str, Any]]:  # fmt: skip
    """Exit code and JSON of `alliance audit`, with a reader's key or none."""
    given = [] if key is None else ["--key", str(key)]
    return _alliance(
        "audit", "--rpc", rpc, "--archive", str(archive), "--day", str(day), "--deployment", str(deployment), *given
    )


def verify(receipt: Path, *, rpc: str, deployment: Path) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of `alliance verify`."""
    return _alliance("verify", str(receipt), "--rpc", rpc, "--deployment", str(deployment))


def _alliance(*arguments: str) -> tuple[int, dict[str, Any]]:
    command = [program("alliance"), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout.strip(), done.stderr[-2000:]
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return done.returncode, said


def _of(found: list[Any], kind: type[E]) -> list[E]:
    return [one for one in found if isinstance(one, kind)]


def _repeated(names: Any) -> int:
    return sum(times - 1 for times in Counter(names).values())


def _missing(numbers: Counter[tuple[Address, int, int]]) -> int:
    """Numbers that a stream left out below its last one; every stream begins with 0."""
    last: dict[Stream, int] = {}
    for device, channel, seq in numbers:
        last[(device, channel)] = max(last.get((device, channel), 0), seq)
    return sum(seq + 1 for seq in last.values()) - len(numbers)
