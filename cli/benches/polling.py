"""Two thousand points of twenty Modbus TCP devices, read each second in one process, against bare pymodbus."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alliance.errors import Refused
from cli.benches.ground import Ground
from cli.benches.measure import Comparison, Finding, Measured
from edge.devices.source import blocks_of
from edge.devices.tables import read_points
from edge.devices.vocabulary import COLUMNS, INTEGERS

DEVICES = 20
POINTS = 100
SECONDS = 20
LIMIT_PERCENT = 50
LIMIT_MB = 100
_PROCESS = "cli.benches.poll_process"
_HEAD = (
    ("meter_power", "INT32", "W", -10**9, "R", "YC"), ("meter_import", "UINT64", "Wh", 0, "R", "YM"),
    ("meter_export", "UINT64", "Wh", 0, "R", "YM"), ("battery_power", "INT32", "W", -10**9, "R", "YC"),
    ("battery_soc", "UINT16", "bp", 0, "R", "YC"), ("battery_charge", "UINT64", "Wh", 0, "R", "YM"),
    ("battery_discharge", "UINT64", "Wh", 0, "R", "YM"), ("set_power", "INT32", "W", -10**9, "RW", "YT"),
)  # fmt: skip
"""The points that a station must have: the first device has them in place of eight cells."""


class ProcessFailed(Refused):
    """A process of the case ended with an error."""


def run(ground: Ground, *, devices: int = DEVICES, seconds: int = SECONDS) -> list[Finding]:
    """Simulators in a process of their own; then our driver, then the bare client, each in its own process."""
    setup = devices_at(ground.folder(), devices)
    with served("serve", {"devices": setup}):
        ours = asked("poll", {"devices": setup, "seconds": seconds})
        theirs = asked("bare", {"devices": setup, "seconds": seconds})
    check(ours, points=devices * POINTS, seconds=seconds)
    requests = sum(len(one["blocks"]) for one in setup)
    percent = 100 * ours["cpu_s"] / ours["wall_s"]
    peak_mb = ours["peak_kb"] * 1.024 / 1_000
    return [
        Comparison(
            name="points polled each second, checked, scaled and reported on change, Modbus TCP",
            ours=Measured(wall_s=ours["wall_s"], cpu_s=ours["cpu_s"]),
            against="bare pymodbus, the same requests",
            theirs=Measured(wall_s=theirs["wall_s"], cpu_s=theirs["cpu_s"]),
            facts={
                "devices": devices, "points": ours["points"], "requests_a_second": requests,
                "cpu_percent": round(percent, 1), "limit_percent": LIMIT_PERCENT,
                "bare_cpu_percent": round(100 * theirs["cpu_s"] / theirs["wall_s"], 1),
                "resident_mb": round(ours["resident_kb"] * 1.024 / 1_000, 1), "peak_mb": round(peak_mb, 1),
                "limit_mb": LIMIT_MB, "seconds": seconds, "fewest_values_of_a_counter": ours["fewest_beats"],
            },
        )
    ]  # fmt: skip


def check(told: Mapping[str, Any], *, points: int, seconds: int) -> None:
    """Refuse figures of a run that did not do its work: each point told, each device's counter seen to move."""
    assert not told["failures"], told["failures"]
    assert told["points"] == points, f"{told['points']} of {points} points"
    assert told["fewest_beats"] >= seconds // 2, f"a counter moved {told['fewest_beats']} times in {seconds} s"


def devices_at(folder: Path, devices: int) -> list[dict[str, Any]]:
    """Each device's name, port, table and what one look at it asks: the first is a station's, the rest are racks."""
    head, rack = folder / "head.csv", folder / "rack.csv"
    head.write_text(_table(_HEAD), encoding="utf-8")
    rack.write_text(_table(()), encoding="utf-8")
    made = []
    for number, port in enumerate(free_ports(devices)):
        table = rack if number else head
        points = read_points(table)
        assert len(points) == POINTS, f"{len(points)} points in {table.name}"
        blocks = [(b.unit_id, b.function, b.address, b.count) for b in blocks_of(points.values())]
        made.append({"name": f"d{number}", "port": port, "table": str(table), "blocks": blocks})
    return made


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody holds, all different."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


@contextmanager
def served(role: str, setup: Mapping[str, Any]) -> Iterator[None]:
    """A process that serves until the block ends. Raises ProcessFailed."""
    process = started(role, setup)
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            raise ProcessFailed(f"{role}: ended with {process.wait()}")
        yield
    finally:
        process.communicate()


def asked(role: str, setup: Mapping[str, Any]) -> dict[str, Any]:
    """What a process says in its last line. Raises ProcessFailed."""
    return answer_of(started(role, setup), role)


def started(role: str, setup: Mapping[str, Any]) -> "subprocess.Popen[str]":
    """A process of a role."""
    return subprocess.Popen(
        [sys.executable, "-m", _PROCESS, role, json.dumps(setup)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def answer_of(process: "subprocess.Popen[str]", role: str) -> dict[str, Any]:
    """Wait for a process and read its last line. Raises ProcessFailed."""
    out, _ = process.communicate()
    if process.returncode:
        raise ProcessFailed(f"{role}: ended with {process.returncode}")
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    return told


def _table(head: tuple[tuple[str, str, str, int, str, str], ...]) -> str:
    """A table of a hundred points in three stretches of registers and one of discrete inputs."""
    rows = [
        _row("rack.beat", 4, 0, "UINT16", "", 0, 65_535),
        _row("rack.alarm.[1-3]", 4, 1, "BITS16", "", 0, 65_535, kind="YX", alarm=2, names="0=高温;1=低温;2=过流"),
        _row("rack.power.[1-4]", 4, 4, "INT32", "W", -(10**9), 10**9, order="CDAB", sign=-1),
        _row(f"rack.cell.[1-{64 - len(head)}].voltage", 4, 100, "UINT16", "mV", 0, 5_000),
        _row("rack.probe.[1-16].temperature", 4, 164, "INT16", "°C", -40, 120, scale="0.1"),
        _row("rack.energy.[1-4]", 4, 300, "UINT64", "Wh", 0, 10**15),
        _row("rack.current.[1-4]", 4, 316, "FLOAT32", "A", -5_000, 5_000),
        _row("rack.door.[1-4]", 2, 0, "BIT", "", 0, 1, kind="YX"),
    ]
    address = 0
    for key, kind_of, unit, low, access, kind in head:
        rows.append(_row(key, 3, address, kind_of, unit, low, 10**15, access=access, kind=kind))
        address += INTEGERS[kind_of][0]
    return "\n".join([",".join(COLUMNS), *rows]) + "\n"


def _row(
    key: str, function: int, address: int, type_of: str, unit: str, low: int, high: int, *, order: str = "ABCD",
    sign: int = 1, scale: str = "1", access: str = "R", kind: str = "YC", alarm: int = 0, names: str = "",
) -> str:  # fmt: skip
    runs = "{}" if "[" in key else ""
    return (
        f"{key},测点{runs},Point {runs},modbus,1,{function},{address},{type_of},{order},{scale},0,{sign},{unit},"
        f"{low},{high},{access},{kind},1000,0,{alarm},{names}"
    )
