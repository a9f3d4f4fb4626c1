"""Streams: when a segment closes, what it covers, and that closing again signs the same bytes."""

from alliance.reading import Flag
from alliance.segment import MAX_READINGS
from edge.clock import kernel_synchronised
from edge.evidence import stream as streams
from edge.evidence.sampling import BATTERY_CHANNEL, LATE_MS, METER_CHANNEL, Moment, reading_of, stamp_ms
from edge.evidence.stream import NO_BEACON, Stream
from oracle.segment import check_contents
from tests.edge.peer import DOMAIN, STRANGER
from tests.edge.rig import SAMPLE, START_MS

SECRET = b"\x05" * 32


def opened(t_ms: int = START_MS + 1) -> Stream:
    return streams.opened_at(Stream(channel=1), t_ms, secret=SECRET, beacon=NO_BEACON, epoch_seconds=900)  # type: ignore[arg-type]


def filled(stream: Stream, count: int, *, step_ms: int = 1_000, t_ms: int = START_MS + 1) -> Stream:
    for i in range(count):
        moment = Moment(t_ms=t_ms + i * step_ms)
        reading = reading_of(SAMPLE, channel=1, seq=stream.next_seq, moment=moment, previous=stream.last)
        stream = streams.appended(stream, reading)
    return stream


def test_instant_at_an_epochs_end_belongs_to_the_epoch_that_ends() -> None:
    epoch = START_MS // 900_000
    assert streams.epoch_of(START_MS, epoch_seconds=900) == epoch - 1
    assert streams.epoch_of(START_MS + 1, epoch_seconds=900) == epoch
    assert streams.epoch_of(START_MS + 900_000, epoch_seconds=900) == epoch
    assert streams.ends_ms(epoch, epoch_seconds=900) == START_MS + 900_000


def test_segment_closes_at_sixty_readings_before_its_epoch_ends() -> None:
    stream = filled(opened(), MAX_READINGS - 1)
    assert not streams.complete(stream, START_MS + 60_000, epoch_seconds=900)
    assert streams.complete(filled(stream, 1, t_ms=START_MS + 60_000), START_MS + 60_000, epoch_seconds=900)


def test_segment_closes_at_its_epochs_end_and_is_overdue_after_it() -> None:
    stream, end = filled(opened(), 3), START_MS + 900_000
    assert streams.complete(stream, end, epoch_seconds=900)
    assert not streams.overdue(stream, end, epoch_seconds=900)
    assert streams.overdue(stream, end + 1, epoch_seconds=900)


def test_closing_again_signs_the_same_bytes_when_the_first_was_not_stored() -> None:
    for stream in (opened(), filled(opened(), 5)):
        one, then = _closed(stream)
        other, _ = _closed(stream)
        assert one == other
        assert (then.head.next_seq, then.head.digest) == (stream.next_seq, one.signed.digest)
        assert (then.signed, then.opened) == (1, None)
        check_contents(one)


def _closed(stream: Stream):  # type: ignore[no-untyped-def]
    return streams.closed(stream, device=STRANGER.address, domain=DOMAIN, signer=STRANGER, epoch_seconds=900)


def test_sample_becomes_a_reading_a_channel_with_the_fields_of_its_kind() -> None:
    moment = Moment(t_ms=START_MS)
    meter = reading_of(SAMPLE, channel=METER_CHANNEL, seq=0, moment=moment, previous=None)
    battery = reading_of(SAMPLE, channel=BATTERY_CHANNEL, seq=0, moment=moment, previous=None)
    assert (meter.a, meter.b, meter.c, meter.d) == (-300_000, -20_000, 1_000_000, 2_000)
    assert (battery.a, battery.soc_bp, battery.soh_bp, battery.c, battery.d) == (0, 5_000, 9_900, 500_000, 450_000)
    assert meter.flags == battery.flags == 0


def test_unsynchronised_or_backward_clock_is_flagged_and_orders_nothing() -> None:
    first = reading_of(SAMPLE, channel=1, seq=0, moment=Moment(t_ms=START_MS), previous=None)
    back = reading_of(SAMPLE, channel=1, seq=1, moment=Moment(t_ms=START_MS - 86_400_000), previous=first)
    lost = reading_of(SAMPLE, channel=1, seq=1, moment=Moment(t_ms=START_MS + 1, synchronised=False), previous=first)
    assert back.flags == lost.flags == Flag.CLOCK_UNSYNCHRONISED
    assert back.t_ms == START_MS - 86_400_000


def test_clock_set_back_a_day_still_closes_segments_by_their_count() -> None:
    stream = filled(opened(), 10)
    stream = filled(stream, 50, t_ms=START_MS - 86_400_000)
    assert streams.complete(stream, START_MS - 86_400_000, epoch_seconds=900)


def test_kernel_says_whether_its_clock_is_synchronised() -> None:
    assert kernel_synchronised() in (True, False)


def test_sample_carries_its_tick_unless_the_device_answered_late() -> None:
    assert stamp_ms(START_MS, now_ms=START_MS + LATE_MS) == START_MS
    assert stamp_ms(START_MS, now_ms=START_MS + LATE_MS + 1) == START_MS + LATE_MS + 1
