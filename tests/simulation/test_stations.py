"""The stations' process: six servers, one clock; state kept, resumed; the configuration's faults named."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from alliance.calendar import day_of
from alliance.errors import Malformed
from edge.devices.open import DeviceKind, DeviceSettings, open_devices
from edge.devices.station import DeviceError, PcsState
from simulation.cast import LEASES, STATIONS
from simulation.devices.server import PortTaken
from simulation.plant import PlantStateUnreadable
from simulation.profiles import DayProfile, write_profile
from simulation.stations import RunningStation, StationsConfigWrong, build, read_config, run

DAY = day_of("2026-07-15")
MINUTE_MS = 60_000


class Ended(Exception):
    """The test's clock has run out."""


class Ticks:
    """A pacer that grants listed instants, and does something after each."""

    def __init__(self, instants: list[int], after: Any = None) -> None:
        self._instants, self._after, self._last = iter(instants), after, 0
        self.closed = False

    async def next_tick(self) -> int:
        if self._last and self._after:
            await self._after(self._last)
        instant = next(self._instants, None)
        if instant is None:
            raise Ended
        self._last = instant
        return instant

    async def close(self) -> None:
        self.closed = True


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def config(folder: Path, *, pacer_port: int = 1, **changes: Any) -> tuple[Path, list[int]]:
    ports = free_ports(len(STATIONS))
    stations = []
    for station, port in zip(STATIONS, ports, strict=True):
        load_w = 500_000 if station.load else 0
        profile = folder / f"station-{station.number}.csv"
        write_profile(profile, [DayProfile(day=DAY, load_w=(load_w,) * 96, pv_w=(station.pv_peak_w // 4,) * 96)])
        stations.append(
            {
                "number": station.number,
                "kind": station.speaks,
                "port": port,
                "seed": f"demo/{station.number}",
                "profile": str(profile),
                "state": str(folder / "state" / f"station-{station.number}.json"),
            }
            | changes.get(f"station_{station.number}", {})
        )
    path = folder / "stations.json"
    document = {"v": 1, "start_ms": DAY.start_ms, "pacer": {"port": pacer_port}, "stations": stations}
    path.write_text(json.dumps(document | changes.get("top", {})))
    return path, ports


def built(path: Path, *, resume: bool = False) -> list[RunningStation]:
    return build(read_config(path), resume=resume)


def play(stations: list[RunningStation], instants: list[int], after: Any = None) -> None:
    async def all_ticks() -> None:
        pacer = Ticks(instants, after)
        with pytest.raises(Ended):
            await run(stations, pacer)
        assert pacer.closed

    asyncio.run(all_ticks())


def test_six_stations_answer_and_follow_on_one_clock(tmp_path: Path) -> None:
    path, ports = config(tmp_path)
    stations = built(path)

    async def order_then_look(t_ms: int) -> None:
        for station, port, running in zip(STATIONS, ports, stations, strict=True):
            driver = open_devices(DeviceSettings(kind=DeviceKind(station.speaks), port=port))
            if t_ms == DAY.start_ms + MINUTE_MS:
                await driver.write_power(-200_000)
            else:
                sample = await driver.read()
                assert sample.battery_power_w == pytest.approx(-200_000, abs=1_000)
                assert sample.pcs_state is PcsState.CHARGING
                assert running.plant.t_ms == t_ms
            await driver.close()

    play(stations, [DAY.start_ms + n * MINUTE_MS for n in (1, 2)], order_then_look)


def test_states_are_saved_at_midnight_and_resumed(tmp_path: Path) -> None:
    path, _ = config(tmp_path)
    first = built(path)
    play(first, [DAY.end_ms - MINUTE_MS, DAY.end_ms])
    resumed = built(path, resume=True)
    assert [s.plant.snapshot() for s in resumed] == [s.plant.snapshot() for s in first]
    afresh = built(path)
    assert afresh[0].plant.t_ms == DAY.start_ms


@pytest.mark.parametrize("content", ["{", "[]", '{"t_ms": 1}'])
def test_a_damaged_state_is_refused_when_resuming(tmp_path: Path, content: str) -> None:
    path, _ = config(tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "station-2.json").write_text(content)
    with pytest.raises(PlantStateUnreadable):
        built(path, resume=True)


def test_same_configuration_gives_the_same_states(tmp_path: Path) -> None:
    path, _ = config(tmp_path)
    saved = []
    for _ in range(2):
        stations = built(path)
        play(stations, [DAY.start_ms + 3_600_000])
        saved.append([station.plant.save() for station in stations])
    assert saved[0] == saved[1]


def test_a_configured_fault_begins_and_ends(tmp_path: Path) -> None:
    at = [DAY.start_ms + n * MINUTE_MS for n in range(5)]
    faults = [
        {"kind": "trip", "from_ms": at[1], "to_ms": at[2]},
        {"kind": "silent", "from_ms": at[3], "to_ms": at[4]},
    ]
    path, ports = config(tmp_path, station_3={"faults": faults})
    seen = {}

    async def look(t_ms: int) -> None:
        driver = open_devices(DeviceSettings(kind=DeviceKind.SUNSPEC, port=ports[2], timeout_ms=200))
        try:
            seen[t_ms] = (await driver.read()).pcs_state
        except DeviceError as failure:
            seen[t_ms] = type(failure).__name__
        await driver.close()

    play(built(path), at[1:], look)
    assert list(seen.values()) == [PcsState.FAULT, PcsState.STANDBY, "DeviceUnreachable", PcsState.STANDBY]


def test_a_configured_event_of_the_grid_begins_and_ends(tmp_path: Path) -> None:
    at = [DAY.start_ms + n * MINUTE_MS for n in range(4)]
    grid = [{"from_ms": at[2], "to_ms": at[3], "frequency_mhz": -800}]
    path, ports = config(tmp_path, station_3={"grid": grid})
    seen_mhz = []

    async def look(t_ms: int) -> None:
        driver = open_devices(DeviceSettings(kind=DeviceKind.SUNSPEC, port=ports[2], timeout_ms=500))
        seen_mhz.append((await driver.read()).frequency_mhz)
        await driver.close()

    play(built(path), at[1:], look)
    assert [mhz < 49_500 for mhz in seen_mhz] == [False, True, False]


def test_journal_tells_what_the_instruments_showed_on_a_grid_that_is_off(tmp_path: Path) -> None:
    at, journal = [DAY.start_ms + n * MINUTE_MS for n in range(1, 4)], tmp_path / "instruments.jsonl"
    grid = [{"from_ms": at[1], "to_ms": at[2], "frequency_mhz": -450}]
    path, ports = config(tmp_path, station_3={"grid": grid})
    seen = {}

    async def look(t_ms: int) -> None:
        driver = open_devices(DeviceSettings(kind=DeviceKind.SUNSPEC, port=ports[2], timeout_ms=500))
        sample = await driver.read()
        seen[t_ms] = (sample.frequency_mhz, sample.import_wh)
        await driver.close()

    with pytest.raises(Ended):
        asyncio.run(run(built(path), Ticks(at, look), journal=journal))
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    shown = {line["t"]: line["stations"]["3"] for line in lines}
    assert [abs(shown[t]["frequency_mhz"] - 50_000) > 300 for t in at] == [False, True, False]
    assert [abs(seen[t][0] - shown[t]["frequency_mhz"]) < 10 for t in at] == [True] * 3
    assert [seen[t][1] for t in at] == [shown[t]["import_wh"] for t in at]


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    path, ports = config(tmp_path)
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports[0]))
        other.listen()
        with pytest.raises(PortTaken) as failure:
            asyncio.run(run(built(path), Ticks([])))
    assert failure.value.port == ports[0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"top": {"v": 2}}, "v"),
        ({"top": {"surprise": 1}}, "surprise"),
        ({"top": {"stations": []}}, "stations"),
        ({"station_2": {"port": 0}}, "stations.1.port"),
        ({"station_2": {"kind": "iec104"}}, "stations.1.kind"),
        ({"station_2": {"number": 7}}, "stations.7"),
        ({"station_2": {"plant": {"capacity_wh": 1, "weight_kg": 2}}}, "stations.2.plant"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    path, _ = config(tmp_path, **changes)
    with pytest.raises(StationsConfigWrong) as refusal:
        built(path)
    assert refusal.value.field == field
    assert isinstance(refusal.value, Malformed)


def test_figures_of_a_plant_can_be_changed_by_name(tmp_path: Path) -> None:
    path, _ = config(tmp_path, station_2={"plant": {"capacity_wh": 3_000_000, "start_soc_bp": 5_000}})
    assert built(path)[1].plant.snapshot().stored_wh == 1_500_000


def test_the_process_serves_in_lock_step_and_saves_when_stopped(tmp_path: Path) -> None:
    asyncio.run(_process(tmp_path))


def test_the_process_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    async def play_process() -> tuple[int, bytes]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "simulation.stations",
            "--config",
            str(tmp_path / "none.json"),
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
        return process.returncode or 0, errors

    code, errors = asyncio.run(play_process())
    assert code == 2
    assert errors.count(b"\n") == 1
    assert b"stations_config_wrong" in errors


def test_the_cast_is_consistent() -> None:
    assert [s.number for s in STATIONS] == [1, 2, 3, 4, 5, 6]
    stations = {s.number: s for s in STATIONS}
    for lease in LEASES:
        rating = stations[lease.station].plant.battery
        assert lease.power_w <= lease.offered_power_w <= rating.discharge_power_w
        assert lease.energy_wh <= lease.offered_energy_wh <= rating.capacity_wh
        start_wh = rating.capacity_wh * stations[lease.station].plant.start_soc_bp // 10_000
        handover_wh = lease.offered_handover_wh * lease.energy_wh // lease.offered_energy_wh
        assert handover_wh <= lease.energy_wh
        assert 0 <= start_wh - handover_wh <= rating.capacity_wh - lease.energy_wh
        assert stations[lease.station].owner != lease.lessee


@asynccontextmanager
async def _supervisor() -> AsyncIterator[tuple[int, "asyncio.Queue[Any]"]]:
    """Accepts one participant; puts its reader and writer into the queue."""
    joined: asyncio.Queue[Any] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await joined.put((reader, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], joined
    finally:
        server.close()
        await server.wait_closed()


async def _process(folder: Path) -> None:
    async with _supervisor() as (pacer_port, joined):
        path, ports = config(folder, pacer_port=pacer_port)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-m", "simulation.stations", "--config", str(path)
        )
        reader, writer = await asyncio.wait_for(joined.get(), 30)
        assert json.loads(await reader.readline()) == {"name": "stations"}
        for minute in (1, 2):
            tick = DAY.start_ms + minute * MINUTE_MS
            writer.write(json.dumps({"tick": tick}).encode() + b"\n")
            assert json.loads(await asyncio.wait_for(reader.readline(), 10)) == {"done": tick}
        driver = open_devices(DeviceSettings(kind=DeviceKind.TABLE, port=ports[3]))
        imported_wh = (await driver.read()).import_wh
        await driver.close()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        writer.close()
        await writer.wait_closed()
        saved = built(path, resume=True)[3].plant.snapshot()
        assert saved.t_ms == DAY.start_ms + 2 * MINUTE_MS
        assert saved.import_wh == pytest.approx(imported_wh, abs=5)
