"""What a station gives for the frequency (protocol 9.14, D2, D3): the droop's answer as far as the battery bears it.

Inside the dead band the battery may drift back towards the middle of its charge, so that it can answer the next time.
"""

from alliance.droop import Droop, answer_w
from edge.control.guard import sustained_w
from edge.control.limits import Limits


def borne_w(droop: Droop, frequency_mhz: int, *, limits: Limits, soc_bp: int) -> int:
    """ΔP as far as rating and content bear it. W."""
    charge_w, discharge_w = sustained_w(limits, soc_bp=soc_bp, for_ms=droop.sustain_ms)
    return max(-charge_w, min(discharge_w, answer_w(droop, frequency_mhz)))


def drift_w(droop: Droop, frequency_mhz: int, *, soc_bp: int) -> int:
    """With what the battery drifts back to the middle while the grid needs no answer; positive discharging. W."""
    if abs(frequency_mhz - droop.nominal_mhz) > droop.deadband_mhz:
        return 0
    if soc_bp < droop.recover_below_bp:
        return -droop.recover_w
    return droop.recover_w if soc_bp > droop.recover_above_bp else 0
