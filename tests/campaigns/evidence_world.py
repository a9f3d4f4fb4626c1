"""The day that the evidence campaign tells lies about: made by the real code on a real chain, then recorded whole.

Beside what tests/audit/world.py does: a channel that never says anything, gap records, two segments in an epoch, late
segments, a rotated and a revoked key, a frozen one, an intraday schedule, and a correction of the statement.
A world folder: `archive/` (grants inside), `deployment.json`, `chain.json`, `reader.key`, `notes.json`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from alliance.calendar import epoch_start_ms
from alliance.identity import StationId
from alliance.reading import ChannelKind
from alliance.schedule import ScheduleKind, schedule_to_plain
from alliance.segment import Head
from audit.auditor import audit_day
from audit.blocks import FolderSource
from audit.verdict import Outcome
from chain import anchors, devices
from oracle import deployment as deployments
from oracle import segment
from oracle.deployment import Deployment
from oracle.document import Document
from oracle.eip712 import enrol_digest
from oracle.grant import Opener, load_reader, open_grants
from oracle.hashing import sha256
from oracle.log import EntryType
from oracle.segment import SealedSegment
from tests.audit.world import (
    BATTERY,
    BOXES,
    DAY,
    LAST_EPOCH,
    METER,
    OWNERS,
    ROLES,
    STRANGER,
    VALIDITY_S,
    Lies,
    Segments,
    Stream,
    World,
    key,
)
from tests.campaigns import evidence_chain
from tests.campaigns.evidence_chain import ChainView, Recorder

SILENT: Stream = (BOXES[0].address, 7)
"""Bound, and never heard of."""
SPARE = key("spare device")
"""A second battery box of station 1, whose key signs two histories and is frozen."""
SPARE_STREAM: Stream = (SPARE.address, BATTERY)
SECOND_KEY = key("device 3, second key")
"""The key that station 3's box rotates to."""
FROZEN_STREAM_LAST_EPOCH = DAY.first_slot + 29
READER = "regulator"
"""The reader whose key file a world holds: everything is granted to it."""
CORRECTED: Stream = (BOXES[0].address, METER)
"""Whose last quarter of an hour comes only after the statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """When things happen in a world, slots of the day; drawn from its seed."""

    gaps: frozenset[int]
    """Station 3's battery signs gap records."""
    doubles: frozenset[int]
    """Station 2's battery closes two segments."""
    late: int
    """Station 2's meter is heard of an epoch later."""
    rotated: int
    revoked: int
    intraday: int

    @staticmethod
    def of(seed: int) -> "Plot":
        """The plot of a seed."""
        return Plot(
            gaps=frozenset(range(4 + seed % 5, 94, 12)), doubles=frozenset(range(6 + seed % 3, 94, 16)),
            late=20 + 7 * seed % 31, rotated=38 + seed % 6, revoked=46 + seed % 9, intraday=58 + 5 * (seed % 4),
        )  # fmt: skip


def is_encrypted(seed: int) -> bool:
    """Whether a seed's world archives evidence and documents encrypted; every other one does."""
    return seed % 2 == 1


class RichWorld(World):
    """The world in which everything happens once."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.plot, self.encrypted = Plot.of(seed), is_encrypted(seed)
        self._held: list[SealedSegment] = []
        self._frozen_from: int | None = None
        super().__init__(folder)

    @property
    def streams(self) -> set[Stream]:
        """Every registered channel."""
        return {*super().streams, SILENT, SPARE_STREAM}

    def station_of(self, stream: Stream) -> int:
        """The station that a channel is bound to."""
        return 1 if stream == SPARE_STREAM else super().station_of(stream)

    def frozen(self, stream: Stream, segments: Sequence[SealedSegment], as_of_block: int) -> bool:
        """The spare box's rows, once its freeze stands before the epoch."""
        return stream == SPARE_STREAM and self._frozen_from is not None and self._frozen_from <= as_of_block

    def _enrol(self) -> None:
        super()._enrol()
        to, deadline = "DeviceRegistry", self.memory.now_s + 7200
        named = enrol_digest(
            self.deployment.domain, device=SPARE.address, owner=OWNERS[0].address, station=1, nonce=0,
            deadline_s=deadline,
        )  # fmt: skip
        call = devices.enrol(SPARE.address, StationId(1), deadline_s=deadline, signature=SPARE.sign(named))
        self.send(OWNERS[0], to, call)
        self.send(ROLES["attestor"], to, devices.attest(SPARE.address, validity_s=VALIDITY_S))
        for device, channel in (SILENT, SPARE_STREAM):
            call = devices.bind_channel(
                device, channel, kind=ChannelKind.BATTERY, station=StationId(1), from_s=self.memory.now_s
            )
            self.send(ROLES["attestor"], to, call)

    def _documents_of(self, epoch: int) -> list[tuple[Document, object]]:
        if epoch != DAY.first_slot + self.plot.intraday:
            return super()._documents_of(epoch)
        first, whole = self.plot.intraday + 2, self.planned.schedule
        rows = tuple(row for row in whole.rows if row.slot >= first)
        revised = replace(
            whole, kind=ScheduleKind.INTRADAY, revision=2, first_slot=first, rows=rows, prices=(), gains=(),
            certified_gap_ppm=0,
        )  # fmt: skip
        content = {"schedule": schedule_to_plain(revised), "certificate": None}
        return [(self.paper(EntryType.SCHEDULE, content), revised)]

    def close(self, epoch: int, lies: Lies, documents: Sequence[tuple[Document, object]] = ()) -> None:
        """Close an epoch after what happens on the chain during it."""
        slot = epoch - DAY.first_slot
        if slot == self.plot.rotated:
            call = devices.confirm_delegate(BOXES[2].address, SECOND_KEY.address, validity_s=VALIDITY_S)
            self.send(ROLES["attestor"], "DeviceRegistry", call)
        if slot == self.plot.revoked:
            call = devices.revoke_delegate(BOXES[2].address, BOXES[2].address)
            self.send(OWNERS[2], "DeviceRegistry", call)
        if epoch == FROZEN_STREAM_LAST_EPOCH + 1:
            self._freeze(epoch)
        super().close(epoch, lies, documents)

    def _freeze(self, epoch: int) -> None:
        """The spare box signs two gap records for one place, and somebody shows both."""
        two = [self._gap(SPARE, BATTERY, closed_at_ms=epoch_start_ms(epoch) + n) for n in (1, 2)]
        self.send(STRANGER, "AnchorLog", anchors.equivocate(two[0].signed, two[1].signed))
        self._frozen_from = self.rpc.block_number()

    def _gap(self, signer, channel: int, *, closed_at_ms: int, head: Head | None = None) -> SealedSegment:
        beacon = self._beacon()
        head = head or self.memory.heads[signer.address, channel]
        closed = segment.close(
            [], device=signer.address, channel=channel, head=head, closed_at_ms=closed_at_ms, beacon_block=beacon[0],
            beacon_hash=beacon[1],
        )  # fmt: skip
        signed = segment.sign(closed, domain=self.deployment.domain, signer=signer)
        return SealedSegment(signed=signed, secret=type(signed.digest)(bytes(32)), readings=b"")

    def metered(self, epoch: int) -> Segments:
        """What the boxes sign, with the plot's turns."""
        found, slot = super().metered(epoch), epoch - DAY.first_slot
        self._rotate(found, slot)
        if slot in self.plot.gaps:
            signer = SECOND_KEY if slot >= self.plot.rotated else BOXES[2]
            stream = (BOXES[2].address, BATTERY)
            made = self._gap(BOXES[2], BATTERY, closed_at_ms=epoch_start_ms(epoch + 1))
            found[stream] = [self._signed_again(made, signer)]
        if slot in self.plot.doubles:
            self._split(found, (BOXES[1].address, BATTERY))
        if slot == self.plot.late:
            self._held = found.pop((BOXES[1].address, METER))
        if slot == self.plot.late + 1:
            self._catch_up(found, (BOXES[1].address, METER))
        if epoch <= FROZEN_STREAM_LAST_EPOCH:
            found[SPARE_STREAM] = [
                self.sealed(SPARE, BATTERY, self._readings(1, SPARE_STREAM, epoch)[:1], beacon=self._beacon())
                if SPARE_STREAM not in self.memory.heads
                else self._gap(SPARE, BATTERY, closed_at_ms=epoch_start_ms(epoch + 1))
            ]
        return found

    def _rotate(self, found: Segments, slot: int) -> None:
        if slot < self.plot.rotated:
            return
        for channel in (METER, BATTERY):
            stream = (BOXES[2].address, channel)
            found[stream] = [self._signed_again(one, SECOND_KEY) for one in found[stream]]

    def _signed_again(self, one: SealedSegment, signer) -> SealedSegment:
        return replace(one, signed=segment.sign(one.signed.segment, domain=self.deployment.domain, signer=signer))

    def _split(self, found: Segments, stream: Stream) -> None:
        """Two readings, then the third in a segment of its own."""
        readings, beacon = found[stream][0].decoded(), self._beacon()
        first = self.sealed(BOXES[1], stream[1], readings[:2], beacon=beacon)
        head = Head(next_seq=first.signed.segment.next_seq, digest=first.signed.digest)
        found[stream] = [first, self.sealed(BOXES[1], stream[1], readings[2:], beacon=beacon, head=head)]

    def _catch_up(self, found: Segments, stream: Stream) -> None:
        """The segment that was held back, and this epoch's behind it."""
        before, held = self.memory.last[stream], self._held[0].decoded()[-1]
        head = Head(next_seq=self._held[0].signed.segment.next_seq, digest=self._held[0].signed.digest)
        moved = [
            replace(r, seq=r.seq + 3, c=r.c + held.c - before.c, d=r.d + held.d - before.d)
            for r in found[stream][0].decoded()
        ]
        found[stream] = [*self._held, self.sealed(BOXES[1], METER, moved, beacon=self._beacon(), head=head)]


def late_correction() -> Lies:
    """The honest day whose last quarter of an hour at one meter is only heard of after the statement."""
    held: list[SealedSegment] = []

    def told(at: int, found: Segments) -> Segments:
        if at == LAST_EPOCH:
            held[:] = found.pop(CORRECTED)
        elif at == LAST_EPOCH + 1:
            found[CORRECTED] = list(held)
        return found

    return Lies(segments=told, correction=True)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A recorded world."""

    folder: Path
    deployment: Deployment
    view: ChainView
    plot: Plot
    encrypted: bool

    def opener(self) -> Opener | None:
        """What opens the world's encrypted blocks; None when it has none."""
        if not self.encrypted:
            return None
        return Opener(load_reader(self.folder / "reader.key"), open_grants(str(self.archive)))

    @property
    def archive(self) -> Path:
        """The archive's folder."""
        return self.folder / "archive"


def build(folder: Path, seed: int) -> None:
    """Play a world and record it; it must pass its audit."""
    folder.mkdir(parents=True, exist_ok=True)
    world = RichWorld(folder, seed)
    recorder = Recorder(world.anvil.url)
    try:
        world.play(late_correction())
        for _ in range(evidence_chain.STATE_BLOCKS):
            world.mine(60)
        key_file = folder / "reader.key"
        key_file.touch(mode=0o600)
        key_file.write_text(sha256(b"audit world reader", READER.encode()).hex() + "\n")
        opener = world.opener(READER) if world.encrypted else None
        verdict = audit_day(recorder, lambda: FolderSource(world.archive.folder), world.deployment, DAY, opener=opener)
        assert verdict.outcome is Outcome.PASS, verdict.line
        anchors.AnchorLog(recorder, world.deployment["AnchorLog"].address).state()
        evidence_chain.save(evidence_chain.record(world.rpc, recorder.calls), folder / "chain.json")
    finally:
        recorder.close()
        world.stop()
    (folder / "notes.json").write_text(json.dumps({"seed": seed, "day": str(DAY)}))


def load(folder: Path) -> Scene:
    """A recorded world."""
    notes = json.loads((folder / "notes.json").read_text())
    return Scene(
        folder=folder, deployment=deployments.load(folder / "deployment.json"),
        view=evidence_chain.load(folder / "chain.json"), plot=Plot.of(notes["seed"]),
        encrypted=is_encrypted(notes["seed"]),
    )  # fmt: skip
