"""A reading and the rule that one follows another (protocol 2): registers never fall, seq never skips."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from alliance.errors import Refused


class ChannelKind(IntEnum):
    """What the four numbers of a channel's readings mean."""

    METER = 1
    """a power_w (positive out), b reactive_var, c import_wh (register, into), d export_wh (register, out)."""
    BATTERY = 2
    """a power_w (positive discharging), b soc_bp·2¹⁶ + soh_bp, c charge_wh (register), d discharge_wh (register)."""


class Flag(IntFlag):
    """Marks of a reading; all other bits are refused."""

    CLOCK_UNSYNCHRONISED = 1
    REGISTER_RESET = 2
    SUBSTITUTED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One signed sample of one channel; `t_ms` is the device's own clock, UTC milliseconds."""

    flags: int = 0
    channel: int
    seq: int
    t_ms: int
    a: int
    b: int
    c: int
    d: int
    salt: bytes

    @property
    def power_w(self) -> int:
        """Power, positive out of the station or battery."""
        return self.a

    @property
    def import_wh(self) -> int:
        """Cumulative register into the station (a meter) or charged into the battery."""
        return self.c

    @property
    def export_wh(self) -> int:
        """Cumulative register out of the station (a meter) or discharged from the battery."""
        return self.d

    @property
    def soc_bp(self) -> int:
        """State of charge of a battery channel, basis points."""
        return (self.b & 0xFFFFFFFF) >> 16

    @property
    def soh_bp(self) -> int:
        """State of health of a battery channel, basis points."""
        return self.b & 0xFFFF


@dataclass(kw_only=True, eq=False)
class SequenceBroken(Refused):
    """The next reading's number is not the previous one plus one."""

    channel: int
    want_seq: int
    got_seq: int


@dataclass(kw_only=True, eq=False)
class RegisterWentBackwards(Refused):
    """A cumulative register fell without the reset flag."""

    channel: int
    seq: int
    register: str
    previous_wh: int
    got_wh: int


def battery_word(*, soc_bp: int, soh_bp: int) -> int:
    """Pack SOC and SOH (basis points, 0…10000) into the signed 32-bit word b of a battery reading."""
    word = (soc_bp << 16) | soh_bp
    return word - (1 << 32) if word >= 1 << 31 else word


def check_follows(previous: Reading, reading: Reading) -> None:
    """Refuse a reading that does not follow its predecessor of the same channel.

    Raises SequenceBroken, and RegisterWentBackwards unless the reading carries REGISTER_RESET (protocol 2.4).
    """
    if reading.seq != previous.seq + 1:
        raise SequenceBroken(channel=reading.channel, want_seq=previous.seq + 1, got_seq=reading.seq)
    if reading.flags & Flag.REGISTER_RESET:
        return
    for register, before, now in (("c", previous.c, reading.c), ("d", previous.d, reading.d)):
        if now < before:
            raise RegisterWentBackwards(
                channel=reading.channel, seq=reading.seq, register=register, previous_wh=before, got_wh=now
            )
