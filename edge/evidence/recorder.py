"""Recording (protocol 2 and 3): each sample becomes one reading a channel, each epoch one signed segment a channel.

One transaction a sample holds all that it changes. What could not be stored did not happen: the streams in memory move
on only after the commit, and closing again signs the same bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from alliance.identity import Address, Digest
from alliance.ports import Randomness
from alliance.reading import Reading
from edge.devices.station import StationSample
from edge.evidence import stream as streams
from edge.evidence.outbox import Outbox
from edge.evidence.sampling import BELIEVED, CHANNELS, Moment, reading_of, seen
from edge.evidence.screening import Bounds, Doubt, Seen, Verdict, Watched, screened
from edge.evidence.store import StorageFailed, Store
from edge.evidence.stream import NO_BEACON, Beacon, Stream
from edge.health.alarms import Alarms
from oracle.eip712 import Domain
from oracle.reading import ReadingMalformed
from oracle.segment import SealedSegment
from oracle.signature import KeySigner

Judged = Mapping[int, tuple[Watched, Verdict]]
"""What screening says of each channel; empty where there is no sample."""

Chance = Callable[[str], Randomness]
"""Fresh randomness for a named purpose."""


@dataclass(slots=True, kw_only=True)
class Recording:
    """What signs a box's streams now. Without a signer, segments are closed and held until a key comes."""

    domain: Domain
    device: Address
    signer: KeySigner | None
    epoch_seconds: int
    chance: Chance


class Recorder:
    """Keeps the channels' streams."""

    def __init__(
        self, *, recording: Recording, store: Store, outbox: Outbox, alarms: Alarms, bounds: Mapping[int, Bounds]
    ) -> None:
        self._recording, self._store, self._outbox, self._alarms = recording, store, outbox, alarms
        self._streams = outbox.streams(CHANNELS)
        self._bounds = bounds
        self._watched = {c: _remembered(stream.last) for c, stream in self._streams.items()}
        self._doubts: dict[int, tuple[Doubt, ...]] = {}

    @property
    def doubts(self) -> Mapping[int, tuple[Doubt, ...]]:
        """What screening doubted of each channel's newest reading (protocol 2.7)."""
        return self._doubts

    @property
    def between_segments(self) -> bool:
        """Whether no segment is open: the next one will be opened with the beacon known then."""
        return all(stream.opened is None for stream in self._streams.values())

    @property
    def last_beacon(self) -> Beacon:
        """The beacon of the open segments; the zero beacon when none is open."""
        beacons = [stream.opened.beacon for stream in self._streams.values() if stream.opened is not None]
        return max(beacons, key=lambda beacon: beacon.block, default=NO_BEACON)

    def record(self, sample: StationSample | None, *, moment: Moment, beacon: Beacon) -> int:
        """Store a sample, or the lack of one, and sign what closes now; returns how many segments were signed."""
        try:
            accepted = self._accepted(sample, moment)
            judged = self._judged(accepted, moment)
            try:
                signed = self._stored(accepted, judged, moment, beacon)
            except StorageFailed:
                self._store.relieve()
                signed = self._stored(accepted, judged, moment, beacon)
            self._tell(judged, at_ms=moment.t_ms)
            return signed
        except (StorageFailed, OSError) as failure:
            self._alarms.raised("outbox.failed", at_ms=moment.t_ms, reason=str(failure))
            if sample is not None:
                self._alarms.count("telemetry_refused")
            return 0

    def _accepted(self, sample: StationSample | None, moment: Moment) -> StationSample | None:
        """The sample, or None where it would take the room that signatures and acknowledgements need."""
        if sample is None:
            return None
        if self._store.has_room():
            self._alarms.cleared("outbox.full", at_ms=moment.t_ms)
            return sample
        self._alarms.raised("outbox.full", at_ms=moment.t_ms)
        self._alarms.count("telemetry_refused")
        return None

    def _judged(self, sample: StationSample | None, moment: Moment) -> Judged:
        """Screen each channel (protocol 2.7)."""
        if sample is None:
            return {}
        return {
            channel: screened(
                self._watched[channel], seen(sample, channel=channel, moment=moment), bounds=self._bounds[channel]
            )
            for channel in self._streams
        }

    def _tell(self, judged: Judged, *, at_ms: int) -> None:
        """Count what is doubted, and raise or clear each channel's alarm."""
        for channel, (watched, verdict) in judged.items():
            self._watched[channel], self._doubts[channel] = watched, verdict.doubts
            for doubt in verdict.doubts:
                self._alarms.count(doubt, verdict.missing if doubt is Doubt.GAP else 1)
            alarm, told = f"reading.doubtful.{channel}", [d for d in verdict.doubts if d is not Doubt.GAP]
            if told:
                self._alarms.raised(alarm, at_ms=at_ms, doubts=", ".join(told))
            else:
                self._alarms.cleared(alarm, at_ms=at_ms)

    def _stored(self, sample: StationSample | None, judged: Judged, moment: Moment, beacon: Beacon) -> int:
        sealed: list[SealedSegment] = []
        moved = [
            self._moved(stream, sample, judged[channel][1] if judged else BELIEVED, moment, beacon, sealed)
            for channel, stream in self._streams.items()
        ]
        self._outbox.save(moved, sealed)
        self._streams = {stream.channel: stream for stream in moved}
        self._alarms.cleared("outbox.failed", at_ms=moment.t_ms)
        if sealed:
            self._outbox.mark()
        return len(sealed)

    def _moved(
        self, stream: Stream, sample: StationSample | None, verdict: Verdict, moment: Moment, beacon: Beacon,
        sealed: list[SealedSegment],
    ) -> Stream:  # fmt: skip
        seconds = self._recording.epoch_seconds
        if streams.overdue(stream, moment.t_ms, epoch_seconds=seconds):
            stream = self._closed(stream, sealed)
        if stream.opened is None:
            secret = self._secret(stream, moment)
            stream = streams.opened_at(stream, moment.t_ms, secret=secret, beacon=beacon, epoch_seconds=seconds)
        if sample is not None and verdict.recorded:
            stream = self._appended(stream, sample, verdict, moment)
        if streams.complete(stream, moment.t_ms, epoch_seconds=seconds):
            stream = self._closed(stream, sealed)
        return stream

    def _appended(self, stream: Stream, sample: StationSample, verdict: Verdict, moment: Moment) -> Stream:
        reading = reading_of(
            sample, channel=stream.channel, seq=stream.next_seq, moment=moment, previous=stream.last, verdict=verdict
        )
        try:
            return streams.appended(stream, reading)
        except ReadingMalformed as failure:
            self._alarms.raised(f"reading.malformed.{stream.channel}", at_ms=moment.t_ms, reason=failure.got)
            self._alarms.count("reading_malformed")
            return stream

    def _closed(self, stream: Stream, sealed: list[SealedSegment]) -> Stream:
        r = self._recording
        segment, stream = streams.closed(
            stream, device=r.device, domain=r.domain, signer=r.signer, epoch_seconds=r.epoch_seconds
        )
        sealed.append(segment)
        return stream

    def _secret(self, stream: Stream, moment: Moment) -> Digest:
        """32 bytes for the segment that opens now; named by its place, so that a seeded run repeats after a restart."""
        epoch = streams.epoch_of(moment.t_ms, epoch_seconds=self._recording.epoch_seconds)
        return Digest(self._recording.chance(f"secret-{stream.channel}-{stream.next_seq}-{epoch}").token(32))


def _remembered(last: Reading | None) -> Watched | None:
    """What a restart remembers of a channel: its last reading."""
    if last is None:
        return None
    return Watched(last=Seen(t_ms=last.t_ms, power_w=last.a, in_wh=last.c, out_wh=last.d))
