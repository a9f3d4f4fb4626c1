"""Power cuts of the service's real stores (P1, P4): database, archive and senders' intents, as one state folder.

The real service runs under strace against a real chain. At sampled points the disk is rebuilt from what was synced, and
everything that somebody was told by then must be there: acknowledged segments, and all of each anchored epoch.
"""

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from alliance.errors import AllianceError
from alliance.identity import Digest
from alliance.reading import Reading, battery_word
from alliance.segment import START, Head
from edge.evidence.sampling import BATTERY_CHANNEL
from edge.keys import enrolment
from oracle import block, cbor, log, manifest, segment
from oracle import deployment as deployments
from oracle import reading as reading_bytes
from oracle.archive import FolderArchive
from oracle.deployment import Deployment
from oracle.hashing import sha256
from oracle.segment import SealedSegment
from oracle.signature import SecpSigner
from simulation.anvil import Anvil
from simulation.cast import STATIONS
from simulation.founding import DeviceConsent, Founder, Keyring, first_tick_ms, funded, genesis_s
from tests.demo_day import DAY
from tests.edge import disk_trace
from tests.edge.disk_trace import SYSCALLS, Disk, Event

ROOT = Path(__file__).parents[2]
CAST = STATIONS[:2]
MINUTE_MS = 60_000
EPOCH_MS = 15 * MINUTE_MS
_KEYRING = Keyring(b"power cut")


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A chain with two stations registered, and the uploads of their boxes, to be brought to a fresh service."""

    anvil: Anvil
    deployment: Deployment
    folder: Path
    epochs: int

    @property
    def begin_ms(self) -> int:
        return first_tick_ms(DAY)

    def uploads(self) -> dict[str, list[str]]:
        """Tick → files of request bodies: every channel's segment at each epoch's end, one file a box."""
        streams = {(s.number, channel): _Stream(s.number, channel, self.deployment) for s in CAST for channel in (1, 2)}
        found: dict[str, list[str]] = {}
        first_epoch = self.begin_ms // EPOCH_MS
        for epoch in range(first_epoch, first_epoch + self.epochs):
            for station in CAST:
                sealed = [streams[(station.number, channel)].seal(epoch) for channel in (1, 2)]
                path = self.folder / f"upload-{epoch}-{station.number}"
                path.write_bytes(cbor.encode({"v": 1, "segments": [segment.sealed_to_plain(one) for one in sealed]}))
                found.setdefault(str((epoch + 1) * EPOCH_MS), []).append(str(path))
        return found


@dataclass
class _Stream:
    """One channel of one box: a reading a minute, signed at the end of each epoch."""

    station: int
    channel: int
    deployment: Deployment
    head: Head = START
    energy_wh: int = 0

    def seal(self, epoch: int) -> SealedSegment:
        secret = sha256(f"{self.station}/{self.channel}/{epoch}".encode())
        covered = []
        for minute in range(1, 16):
            self.energy_wh += 10
            b = battery_word(soc_bp=5_000, soh_bp=9_900) if self.channel == BATTERY_CHANNEL else 0
            made = Reading(
                channel=self.channel, seq=self.head.next_seq + minute - 1, t_ms=epoch * EPOCH_MS + minute * MINUTE_MS,
                a=600, b=b, c=0, d=self.energy_wh, salt=b"",
            )  # fmt: skip
            covered.append(segment.salted(made, secret))
        device = device_key(self.station)
        closed = segment.close(
            covered, device=device.address, channel=self.channel, head=self.head, closed_at_ms=covered[-1].t_ms
        )
        signed = segment.sign(closed, domain=self.deployment.domain, signer=device)
        self.head = Head(next_seq=closed.next_seq, digest=signed.digest)
        raw = b"".join(map(reading_bytes.encode, covered))
        return SealedSegment(signed=signed, secret=secret, readings=raw)


def device_key(station: int) -> SecpSigner:
    return _KEYRING.signer(f"device {station}")


def founded(anvil: Anvil, folder: Path, *, epochs: int) -> Ground:
    """Deploy, admit and enrol on a fresh chain."""
    founder = Founder(anvil, _KEYRING)
    deployment = founder.deploy(first_day=DAY, first_tick_ms=first_tick_ms(DAY), window_s=86_400)
    founder.admit(deployment, CAST)
    deadline_s = first_tick_ms(DAY) // 1000
    consents = {}
    for station in CAST:
        given = enrolment.consent(
            device_key(station.number), domain=deployment.domain, owner=_KEYRING.member(station.owner).address,
            station=station.number, nonce=0, deadline_s=deadline_s,
        )  # fmt: skip
        consents[station.number] = DeviceConsent(
            station=station.number, device=given.device, deadline_s=deadline_s, signature=given.signature
        )
    founder.enrol(deployment, CAST, consents)
    (folder / "deployment.json").write_text(json.dumps(deployments.to_plain(deployment)))
    for role in ("writer", "settler"):
        (folder / role).touch(mode=0o600)
        (folder / role).write_text(_KEYRING.secret(role).hex())
    return Ground(anvil=anvil, deployment=deployment, folder=folder, epochs=epochs)


def chain() -> Anvil:
    """A fresh chain for `founded`."""
    return Anvil(genesis_s=genesis_s(DAY), funded=funded(_KEYRING, CAST))


def traced(ground: Ground, name: str, mode: str) -> list[Event]:
    """Everything that one life of the service did to its state folder, and what it told; the chain is put back after."""
    state, told, trace = (ground.folder / f"{name}-{part}" for part in ("state", "told", "trace"))
    state.mkdir()
    config = {
        "state": str(state), "told": str(told), "mode": mode, "rpc_url": ground.anvil.url,
        "deployment": str(ground.folder / "deployment.json"), "uploads": ground.uploads(),
        "keys": {role: str(ground.folder / role) for role in ("writer", "settler")},
        "begin_ms": ground.begin_ms, "end_ms": ground.begin_ms + ground.epochs * EPOCH_MS + 3 * MINUTE_MS,
    }  # fmt: skip
    path = ground.folder / f"{name}.json"
    path.write_text(json.dumps(config))
    snapshot = ground.anvil.rpc.call("evm_snapshot")
    strace = ["strace", "-f", "-qq", "-y", "-xx", "-s", "4000000", "-o", str(trace), "-e", f"trace={SYSCALLS}"]
    process = [sys.executable, "-m", "tests.campaigns.store_process", str(path)]
    done = subprocess.run([*strace, *process], cwd=ROOT, check=False, timeout=600, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    ground.anvil.rpc.call("evm_revert", [snapshot])
    return list(_events(trace, state, told))


class FolderDisk(Disk):
    """A disk with folders: a name is sure once its folder was synced, and its folder's name once that one's was."""

    def __init__(self) -> None:
        super().__init__()
        self._folders: list[str] = []
        self._sure_folders = {"."}

    def apply(self, event: Event) -> None:
        if event.call == "mkdir":
            self._folders.append(event.path)
        else:
            super().apply(event)

    def image(self, folder: Path, chance: random.Random | None) -> None:
        """Write what a power cut leaves; with chance, folders whose names were not synced may be there too."""
        there = {"."}
        for name in self._folders:
            parent = str(PurePosixPath(name).parent)
            kept = name in self._sure_folders or (chance is not None and chance.random() < 0.5)
            if parent in there and kept:
                there.add(name)
                (folder / name).mkdir()
        whole, self._sure = self._sure, {n: f for n, f in self._sure.items() if str(PurePosixPath(n).parent) in there}
        names, self._names = (
            self._names,
            [change for change in self._names if all(str(PurePosixPath(n).parent) in there for n in change[:2] if n)],
        )
        try:
            super().image(folder, chance)
        finally:
            self._sure, self._names = whole, names

    def _sync(self, path: str) -> None:
        if path in self._now:
            super()._sync(path)
            return
        self._sure_folders |= {name for name in self._folders if str(PurePosixPath(name).parent) == path}
        left = []
        for old, new, file in self._names:
            if str(PurePosixPath(new or old).parent) != path:
                left.append((old, new, file))
                continue
            self._sure.pop(old, None)
            if new:
                self._sure[new] = file
        self._names = left


@dataclass
class Told:
    """What somebody relies on."""

    acked: set[str] = field(default_factory=set)
    anchored: dict[int, str] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        for line in event.data.splitlines():
            fact = json.loads(line)
            self.acked |= set(fact.get("acked", ()))
            if "anchored" in fact:
                epoch, name = fact["anchored"]
                self.anchored[epoch] = name


def survey(history: list[Event], ground: Ground, *, cuts: int, seed: int) -> Counter[str]:
    """Cut the power at sampled points, without and with a random part of what was not synced, and count."""
    chance, counts, told, disk = random.Random(seed), Counter[str](), Told(), FolderDisk()
    first = next(at for at, event in enumerate(history) if event.call == "told")
    points = set(chance.sample(range(first, len(history)), min(cuts // 2, len(history) - first)))
    image = ground.folder / "image"
    for number, event in enumerate(history):
        if event.call == "told":
            told.hear(event)
        else:
            disk.apply(event)
        for mode in (None, chance) if number in points else ():
            shutil.rmtree(image, ignore_errors=True)
            image.mkdir()
            disk.image(image, mode)
            counts["cuts"] += 1
            counts["acknowledged"] += len(told.acked)
            counts["anchored"] += len(told.anchored)
            counts.update(losses(image, told, ground.deployment))
    return counts


def losses(image: Path, told: Told, deployment: Deployment) -> Counter[str]:
    """How much of what was told is not there after the cut."""
    counts: Counter[str] = Counter()
    kept = _column(image / "service.sqlite", "SELECT digest FROM segments")
    counts["lost"] += len(told.acked - {bytes(digest).hex() for digest in kept})
    intents = set(_column(image / "writer.sqlite", "SELECT key FROM intents"))
    counts["lost"] += sum(f"advance:{epoch}" not in intents for epoch in told.anchored)
    (image / "archive").mkdir(exist_ok=True)
    archive = FolderArchive(image / "archive")
    counts["lost"] += sum(not _whole(archive, name, deployment) for name in told.anchored.values())
    return counts


def _column(path: Path, query: str) -> list[object]:
    """One column of a database after the cut; nothing when the file is not there or is broken."""
    if not path.exists():
        return []
    db = sqlite3.connect(path)
    try:
        assert db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        return [row[0] for row in db.execute(query)]
    except (sqlite3.DatabaseError, AssertionError):
        return []
    finally:
        db.close()


def _whole(archive: FolderArchive, name: str, deployment: Deployment) -> bool:
    """Whether all of an anchored epoch is in the archive, every block hashing to its address."""
    try:
        made = manifest.decode(archive.get(Digest(bytes.fromhex(name))))
        log.decode_entries(archive.get(made.entries))
        for row in made.rows:
            if row.evidence is not None:
                block.read(archive.get(row.evidence), deployment.domain)
    except AllianceError:
        return False
    return True


def _events(trace: Path, folder: Path, told: Path) -> Iterator[Event]:
    """The events of a trace as `disk_trace.events` reads them, and the folders that were made."""
    for line in trace.read_text().splitlines():
        match = disk_trace._CALL.match(line)
        if match is None or int(match[3]) < 0:
            continue
        call = "rename" if match[1].startswith("rename") else match[1]
        if call == "mkdir":
            text = disk_trace._TEXT.search(match[2])
            assert text is not None
            event: Event | None = Event("mkdir", disk_trace._path(text[1]))
        else:
            event = disk_trace._event(call, match[2], match[4])
        if event is None:
            continue
        if Path(event.path) == told:
            if event.call == "write":
                yield Event("told", "TOLD", data=event.data)
        elif Path(event.path) == folder or folder in Path(event.path).parents:
            to = str(Path(event.to).relative_to(folder)) if event.to else ""
            yield replace(event, path=str(Path(event.path).relative_to(folder)), to=to)
