"""A capacitor and a battery as one store (D6): the fast part of each command to the capacitor, in integers.

The battery follows the command through a first-order filter, α = dt / (τ + dt); the capacitor has the rest, up to its
rating; what that leaves over is the battery's again. At each step the two sum to the command.
"""

from dataclasses import dataclass

from alliance.money import mul_div

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hybrid:
    """The filter's time constant and the capacitor's rated power, a magnitude."""

    tau_ms: int
    capacitor_w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One step's two set points, positive discharging, and the filter's state after it."""

    battery_w: int
    capacitor_w: int
    filtered_uw: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What a store may give now in each direction, magnitudes."""

    charge_w: int
    discharge_w: int

    def within(self, power_w: int) -> int:
        """The power nearest to one that the store may give."""
        return max(-self.charge_w, min(self.discharge_w, power_w))


START = Share(battery_w=0, capacitor_w=0, filtered_uw=0)


def share(hybrid: Hybrid, before: Share, command_w: int, *, dt_ms: int) -> Share:
    """Divide a command, `dt_ms` after the step before."""
    gap_uw = command_w * _MICRO - before.filtered_uw
    filtered_uw = before.filtered_uw + mul_div(gap_uw, dt_ms, hybrid.tau_ms + dt_ms)
    fast_w = command_w - mul_div(filtered_uw, 1, _MICRO)
    capacitor_w = max(-hybrid.capacitor_w, min(hybrid.capacitor_w, fast_w))
    battery_w = command_w - capacitor_w
    return Share(
        battery_w=battery_w,
        capacitor_w=capacitor_w,
        filtered_uw=filtered_uw if capacitor_w == fast_w else battery_w * _MICRO,
    )


def share_within(
    hybrid: Hybrid, before: Share, command_w: int, *, dt_ms: int, battery: Span, capacitor: Span
) -> Share:  # fmt: skip
    """Divide a command within what each store may give now: what one may not is the other's.

    The two sum to the command wherever it lies within the sum of the spans, else to the nearest that both may give.
    """
    aim = share(hybrid, before, command_w, dt_ms=dt_ms)
    battery_w = battery.within(command_w - capacitor.within(aim.capacitor_w))
    capacitor_w = capacitor.within(command_w - battery_w)
    kept = capacitor_w == aim.capacitor_w
    return Share(
        battery_w=battery_w,
        capacitor_w=capacitor_w,
        filtered_uw=aim.filtered_uw if kept else battery_w * _MICRO,
    )
