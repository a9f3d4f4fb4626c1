"""What the box shows of itself to who stands before it (protocol 10.21): one document of JSON values, read-only.

It is gathered when somebody asks, at most once a second, from the last round and the database: no round waits for it.
"""

import time
from collections.abc import Callable, Mapping
from importlib import metadata
from platform import python_version
from typing import Any

from alliance.calendar import iso_utc
from edge.clock import ClockState, kernel_clock
from edge.configurable import SCOPES, value_of
from edge.devices.open import DeviceKind, PartSettings
from edge.evidence.store import StorageFailed, Store
from edge.health import status as box_status
from edge.health.event_log import EventLog, kept_head
from edge.health.round import Round, mode_of
from edge.settings import Settings

PACKAGE = "storage-alliance"
_KEPT_S = 1.0

Document = dict[str, Any]


class Sight:
    """Gathers the document."""

    def __init__(
        self, settings: Settings, *, store: Store, events: EventLog,
        clock: Callable[[], ClockState | None] = kernel_clock,
    ) -> None:  # fmt: skip
        self.settings = settings
        self._store, self._events, self._clock = store, events, clock
        self._last: Round | None = None
        self._cycles: Mapping[str, Mapping[str, int] | None] = {}
        self._answered_ms: int | None = None
        self._errors: dict[str, dict[str, object]] = {}
        self._made: Document | None = None
        self._made_s = float("-inf")

    def see(self, now: Round, cycles: Mapping[str, Mapping[str, int] | None]) -> None:
        """A whole round."""
        self._last, self._cycles = now, cycles
        if now.failure is None:
            self._answered_ms = now.t_ms
        else:
            self._errors[now.failure.place] = {"at": iso_utc(now.t_ms), "error": now.failure.reason}

    def document(self) -> Document:
        """What is known now, no more than a second old."""
        now_s = time.monotonic()
        if self._made is None or now_s - self._made_s >= _KEPT_S:
            self._made, self._made_s = self._gathered(), now_s
        return self._made

    def _gathered(self) -> Document:
        document: Document = {
            "v": 1, "station": self.settings.station, "service": self.settings.service_url,
            "round": None if self._last is None else _round(self._last), "devices": self._devices(),
            "cycles": dict(self._cycles), "clock": self._kernel(), "version": version(), "python": python_version(),
            "lastAnswer": None if self._answered_ms is None else iso_utc(self._answered_ms),
            "limits": {key: value_of(self.settings, key) for key in sorted(SCOPES)},
        }  # fmt: skip
        try:
            told = box_status.gathered(self._store, station=self.settings.station)
            head = kept_head(self._store)
            document |= told | {
                "events": {"last": self._events.number, "signedTo": 0 if head is None else head.number},
                "storage": None,
            }  # fmt: skip
        except StorageFailed as failed:
            document["storage"] = str(failed)
        return document

    def _devices(self) -> list[Document]:
        settings = self.settings.device
        alone = PartSettings(table=settings.table, host=settings.host, port=settings.port, transport=settings.transport)
        parts = settings.parts or (alone,)
        return [
            {
                "name": part.name, "kind": "sunspec" if settings.kind is DeviceKind.SUNSPEC else part.table.stem,
                "host": part.host, "port": part.port, "transport": part.transport.value,
                "lastError": self._errors.get(f"{part.host}:{part.port}")
                or (self._errors.get("") if part is parts[0] else None),
            }
            for part in parts
        ]  # fmt: skip

    def _kernel(self) -> Document | None:
        told = self._clock()
        if told is None:
            return None
        return {"synchronised": told.synchronised, "offsetUs": told.offset_us, "mostUs": told.most_us}


def version() -> str:
    """The installed program's version; empty where it runs without being installed."""
    try:
        return metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return ""


def in_a_line(now: Round) -> str:
    """A round for the service manager's status line: what is ordered, why, and whether the platform answers."""
    order = "不下令 no order" if now.order.silent else f"{now.order.power_w} W"
    cut = f" ({','.join(now.order.reasons)})" if now.order.reasons else ""
    link = "平台在线 platform reached" if now.reached else "平台未应答 platform silent"
    return f"指令 order {order}{cut}; {link}"


def _round(now: Round) -> Document:
    sample = now.sample
    told: Document = {
        "at": iso_utc(now.t_ms), "lateMs": now.late_ms, "reached": now.reached, "failure": None,
        "source": now.wish.source.value, "wishW": now.wish.power_w, "frequencyW": now.wish.answer_w,
        "powerW": None if now.order.silent else now.order.power_w, "silent": now.order.silent,
        "reasons": [reason.value for reason in now.order.reasons],
        "unasked": [need.value for need in now.order.unasked],
        "envelope": now.envelope, "instruction": now.instruction, "sample": None,
    }  # fmt: skip
    if now.failure is not None:
        told["failure"] = {"place": now.failure.place, "reason": now.failure.reason}
    if sample is not None:
        told["sample"] = {
            "meterPowerW": sample.meter_power_w, "batteryPowerW": sample.battery_power_w, "socBp": sample.soc_bp,
            "sohBp": sample.soh_bp, "setPowerW": sample.set_power_w, "pcsState": sample.pcs_state.value,
            "frequencyMhz": sample.frequency_mhz, "importWh": sample.import_wh, "exportWh": sample.export_wh,
            "chargeWh": sample.charge_wh, "dischargeWh": sample.discharge_wh,
            "quality": [flag.name.lower() for flag in sample.quality if flag.name], "alarms": list(sample.alarms),
            "mode": mode_of(sample), "doubtful": sorted(sample.doubtful),
        }  # fmt: skip
    return told
