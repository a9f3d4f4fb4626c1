"""The box's figures for a collector (protocol 10.21.4), in the Prometheus text format 0.0.4.

Gauges unless the name ends in `_total`. A figure that is not known now is absent, not 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from edge.health.sight import Document

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "alliance_edge_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One family of samples."""

    name: str
    help: str
    samples: tuple[tuple[Mapping[str, str], int | None], ...]


def text(document: Document) -> str:
    """The document's figures as exposition text."""
    return "".join(_family(metric) for metric in _metrics(document))


def _metrics(document: Document) -> Iterator[Metric]:
    latest = document["round"]
    if latest is not None:
        yield _one("round_timestamp_ms", "Tick of the last whole round, UTC", _ms(latest["at"]))
        yield _one("round_late_ms", "How late the last round began", latest["lateMs"])
        yield _one("platform_reached", "Whether the platform answered when it was last asked", int(latest["reached"]))
        yield _one("order_power_watts", "Order in force, discharge positive", latest["powerW"])
        yield _one("wish_power_watts", "What was wanted before limits, discharge positive", latest["wishW"])
        yield _many("order_cut", "Limits that cut the order now", "reason", dict.fromkeys(latest["reasons"], 1))
        yield from _measured(latest["sample"])
    yield from _kept(document)
    clock = document["clock"]
    if clock is not None:
        yield _one("clock_synchronised", "Whether the kernel holds its clock for synchronised", clock["synchronised"])
        yield _one("clock_offset_us", "Measured distance from the time servers", clock["offsetUs"])
    yield from _punctual({name: told for name, told in document["cycles"].items() if told is not None})
    yield _many("info", "Version of the program", "version", {document["version"]: 1})


_QUANTILES = (("0.5", "medianUs"), ("0.99", "p99Us"), ("1", "maxUs"))


def _punctual(cycles: Mapping[str, Mapping[str, int]]) -> Iterator[Metric]:
    for name in ("rounds", "missed"):
        samples = tuple(({"cycle": cycle}, told[name]) for cycle, told in cycles.items())
        yield Metric(name=f"{name}_total", help=f"Of a cycle: {name}", samples=samples)
    late = tuple(
        ({"cycle": cycle, "quantile": quantile}, told[name])
        for cycle, told in cycles.items()
        for quantile, name in _QUANTILES
    )
    yield Metric(name="lateness_us", help="Lateness of the last 6,000 rounds", samples=late)


def _measured(sample: Mapping[str, int] | None) -> Iterator[Metric]:
    if sample is None:
        return
    yield _one("meter_power_watts", "At the connection, out of the station positive", sample["meterPowerW"])
    yield _one("battery_power_watts", "At the battery's AC side, discharge positive", sample["batteryPowerW"])
    yield _one("soc_basis_points", "State of charge", sample["socBp"])
    yield _one("soh_basis_points", "State of health", sample["sohBp"])
    yield _one("frequency_millihertz", "Grid frequency", sample["frequencyMhz"] or None)
    yield _one("meter_import_watthours_total", "Billing register into the station", sample["importWh"])
    yield _one("meter_export_watthours_total", "Billing register out of the station", sample["exportWh"])


def _kept(document: Document) -> Iterator[Metric]:
    """What stands in the database; nothing where it could not be read."""
    if document["storage"] is not None:
        return
    outbox, acknowledged = document["outbox"], document["lastAck"]
    yield _one("outbox_segments", "Segments that wait for an acknowledgement", outbox["segments"])
    yield _one("outbox_readings", "Readings that wait for an acknowledgement", outbox["readings"])
    if outbox["oldest"] is not None:
        yield _one("outbox_oldest_timestamp_ms", "Last instant of the oldest that waits", _ms(outbox["oldest"]))
    if acknowledged is not None:
        yield _one("acknowledged_timestamp_ms", "When the last acknowledgement came", _ms(acknowledged["received"]))
    yield _one("events", "Number of the event log's last entry", document["events"]["last"])
    yield _one("configuration_number", "Configuration in force, 0 for none", document["configuration"]["number"])
    yield _many("alarm", "Alarms that stand", "alarm", dict.fromkeys(document["alarms"], 1))
    yield _many("counted_total", "How often each thing happened", "what", document["counters"])


def _one(name: str, help: str, value: int | None) -> Metric:
    return Metric(name=name, help=help, samples=(({}, None if value is None else int(value)),))


def _many(name: str, help: str, label: str, values: Mapping[str, int]) -> Metric:
    return Metric(name=name, help=help, samples=tuple(({label: key}, value) for key, value in values.items()))


def _family(metric: Metric) -> str:
    lines = [
        f"{_PREFIX}{metric.name}{_labels(labels)} {value}\n" for labels, value in metric.samples if value is not None
    ]
    kind = "counter" if metric.name.endswith("_total") else "gauge"
    heading = f"# HELP {_PREFIX}{metric.name} {metric.help}\n# TYPE {_PREFIX}{metric.name} {kind}\n"
    return heading + "".join(lines) if lines else ""


def _labels(labels: Mapping[str, str]) -> str:
    shown = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{shown}}}" if shown else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _ms(iso: str) -> int:
    return round(datetime.fromisoformat(iso).timestamp() * 1_000)
