"""Live values for screens (protocol 10.4): signed by the device's key, sent beside the evidence, settling nothing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from alliance.identity import Address, to_hex
from alliance.ports import Signer
from edge.control.guard import Order
from edge.devices.station import StationSample
from oracle import eip712
from oracle.eip712 import Domain

_MOST_ALARMS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMessage:
    """A signed body, ready to post."""

    body: bytes
    alg: int
    signature: bytes


def status_of(order: Order) -> str:
    """`following`, or why not: the names of the limits that cut the order, joined by commas."""
    return ",".join(order.reasons) or "following"


def message(
    sample: StationSample | None, *, station: int, t_ms: int, order: Order, device: Address, signer: Signer,
    domain: Domain, alarms: Sequence[str] | None = None,
) -> LiveMessage:  # fmt: skip
    """What screens may show of a sample, or of its lack. Powers in watts, positive out of the station or battery.

    `alarms` stand in place of those that the devices name themselves.
    """
    named_alarms = alarms if alarms is not None else () if sample is None else sample.alarms
    body = json.dumps(
        {
            "device": to_hex(device), "t": t_ms, "stationId": station,
            "powerW": None if sample is None else sample.meter_power_w,
            "socBp": None if sample is None else sample.soc_bp,
            "batteryPowerW": None if sample is None else sample.battery_power_w, "setPowerW": order.power_w,
            "status": status_of(order), "alarms": named_alarms[:_MOST_ALARMS],
        },
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()  # fmt: skip
    named = eip712.live_digest(domain, device=device, t_ms=t_ms, body=body)
    return LiveMessage(body=body, alg=signer.alg, signature=signer.sign(named))
