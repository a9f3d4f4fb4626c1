"""Recording (protocol 2 and 3): each sample becomes one reading a channel, each epoch one signed segment a channel.

One transaction a sample holds all that it changes. What could not be stored did not happen: the streams in memory move
on only after the commit, and closing again signs the same bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from alliance.identity import Address, Digest
from alliance.ports import Randomness, Signer
from edge import stream as streams
from edge.alarms import Alarms
from edge.devices.station import StationSample
from edge.outbox import Outbox
from edge.sampling import CHANNELS, Moment, reading_of
from edge.store import StorageFailed, Store
from edge.stream import NO_BEACON, Beacon, Stream
from oracle.eip712 import Domain
from oracle.reading import ReadingMalformed
from oracle.segment import SealedSegment

Chance = Callable[[str], Randomness]
"""Fresh randomness for a named purpose."""


@dataclass(slots=True, kw_only=True)
class Recording:
    """What signs a box's streams now. Without a signer, segments are closed and held until a key comes."""

    domain: Domain
    device: Address
    signer: Signer | None
    epoch_seconds: int
    chance: Chance


class Recorder:
    """Keeps the channels' streams."""

    def __init__(self, *, recording: Recording, store: Store, outbox: Outbox, alarms: Alarms) -> None:
        self._recording, self._store, self._outbox, self._alarms = recording, store, outbox, alarms
        self._streams = outbox.streams(CHANNELS)

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
            try:
                return self._stored(accepted, moment, beacon)
            except StorageFailed:
                self._store.relieve()
                return self._stored(accepted, moment, beacon)
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

    def _stored(self, sample: StationSample | None, moment: Moment, beacon: Beacon) -> int:
        sealed: list[SealedSegment] = []
        moved = [self._moved(stream, sample, moment, beacon, sealed) for stream in self._streams.values()]
        self._outbox.save(moved, sealed)
        self._streams = {stream.channel: stream for stream in moved}
        self._alarms.cleared("outbox.failed", at_ms=moment.t_ms)
        if sealed:
            self._outbox.mark()
        return len(sealed)

    def _moved(
        self, stream: Stream, sample: StationSample | None, moment: Moment, beacon: Beacon, sealed: list[SealedSegment]
    ) -> Stream:
        seconds = self._recording.epoch_seconds
        if streams.overdue(stream, moment.t_ms, epoch_seconds=seconds):
            stream = self._closed(stream, sealed)
        if stream.opened is None:
            secret = self._secret(stream, moment)
            stream = streams.opened_at(stream, moment.t_ms, secret=secret, beacon=beacon, epoch_seconds=seconds)
        if sample is not None:
            stream = self._appended(stream, sample, moment)
        if streams.complete(stream, moment.t_ms, epoch_seconds=seconds):
            stream = self._closed(stream, sealed)
        return stream

    def _appended(self, stream: Stream, sample: StationSample, moment: Moment) -> Stream:
        reading = reading_of(sample, channel=stream.channel, seq=stream.next_seq, moment=moment, previous=stream.last)
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
