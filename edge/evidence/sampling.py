"""From a station's sample to integer readings (protocol 2): two channels, one instant; a bad read makes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from alliance.reading import ChannelKind, Flag, Reading, battery_word
from edge.devices.station import Quality, StationSample
from edge.evidence.screening import Seen, Verdict

METER_CHANNEL = 1
BATTERY_CHANNEL = 2
CHANNELS: Mapping[int, ChannelKind] = {METER_CHANNEL: ChannelKind.METER, BATTERY_CHANNEL: ChannelKind.BATTERY}
"""The channels of every station box and what their four numbers mean."""

LATE_MS = 2_000
"""A sample taken so soon after its tick carries the tick's time; a later one carries its own."""

BELIEVED = Verdict()
_UNSALTED = bytes(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a sample was taken, and whether the clock that said so is synchronised."""

    t_ms: int
    synchronised: bool = True


def stamp_ms(tick_ms: int, *, now_ms: int) -> int:
    """The time that a sample of this tick carries: the tick, or the clock where the device answered late."""
    return tick_ms if 0 <= now_ms - tick_ms <= LATE_MS else now_ms


def reading_of(
    sample: StationSample, *, channel: int, seq: int, moment: Moment, previous: Reading | None,
    verdict: Verdict = BELIEVED,
) -> Reading:  # fmt: skip
    """The channel's reading of a sample, not yet salted; `previous` is the channel's last one (protocol 2.3, 2.7)."""
    a, b, c, d = _numbers(sample, CHANNELS[channel])
    flags = Flag(0)
    if not moment.synchronised or (previous is not None and moment.t_ms < previous.t_ms):
        flags |= Flag.CLOCK_UNSYNCHRONISED
    if verdict.reset or (previous is not None and (c < previous.c or d < previous.d)):
        flags |= Flag.REGISTER_RESET
    if verdict.substituted or sample.quality & Quality.OUT_OF_RANGE:
        flags |= Flag.SUBSTITUTED
    return Reading(flags=int(flags), channel=channel, seq=seq, t_ms=moment.t_ms, a=a, b=b, c=c, d=d, salt=_UNSALTED)


def seen(sample: StationSample, *, channel: int, moment: Moment) -> Seen:
    """The channel's numbers that screening looks at."""
    a, _, c, d = _numbers(sample, CHANNELS[channel])
    return Seen(t_ms=moment.t_ms, power_w=a, in_wh=c, out_wh=d)


def _numbers(sample: StationSample, kind: ChannelKind) -> tuple[int, int, int, int]:
    match kind:
        case ChannelKind.METER:
            return sample.meter_power_w, sample.reactive_var, sample.import_wh, sample.export_wh
        case ChannelKind.BATTERY:
            word = battery_word(soc_bp=sample.soc_bp, soh_bp=sample.soh_bp)
            return sample.battery_power_w, word, sample.charge_wh, sample.discharge_wh
