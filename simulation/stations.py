"""The stations' process: device servers and plants, stepped in time with everybody else (protocol 0).

`python -m simulation.stations --config FILE [--resume]`. On each tick every plant lives until that instant and shows
its registers; only then is the tick reported done. The state is saved at each local midnight and at the end.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alliance.calendar import Day, day_at
from alliance.errors import AllianceError, Malformed
from alliance.ports import Pacer
from oracle.adapters import LockstepPacer, SupervisorGone
from simulation.battery import BatteryRating
from simulation.cast import STATIONS, CastStation
from simulation.devices.ems import EmsDevice
from simulation.devices.grid import GridEvent, disturbed
from simulation.devices.server import DeviceServer
from simulation.devices.sunspec import SunSpecDevice
from simulation.plant import Plant, PlantParameters, PlantStateUnreadable, Snapshot
from simulation.profiles import DayProfile, read_profile


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


_Port = Annotated[int, Field(ge=1, le=65_535)]


class PacerConfig(_Strict):
    """Where the supervisor grants ticks, and under which name the stations join."""

    host: str = "127.0.0.1"
    port: _Port
    name: str = "stations"


class FaultConfig(_Strict):
    """A disturbance from one instant (UTC ms, inclusive) to another (exclusive).

    `trip`: the converter falls out; `contactor`: the battery is cut off; `silent`: the device answers nobody.
    """

    kind: Literal["trip", "contactor", "silent"]
    from_ms: int
    to_ms: int


class GridConfig(_Strict):
    """A disturbance of the grid at a station (`simulation.devices.grid.GridEvent`)."""

    from_ms: int
    to_ms: int
    frequency_mhz: int = 0
    voltage_ppm: int = 0
    ramp_ms: Annotated[int, Field(ge=0)] = 0

    def event(self) -> GridEvent:
        """As the simulators take it."""
        return GridEvent(
            begins_ms=self.from_ms, ends_ms=self.to_ms, frequency_mhz=self.frequency_mhz, voltage_ppm=self.voltage_ppm,
            ramp_ms=self.ramp_ms,
        )  # fmt: skip


class StationConfig(_Strict):
    """One station: a plant of the cast by its number, unless `plant` changes some of its figures."""

    number: Annotated[int, Field(ge=1)]
    kind: Literal["sunspec", "table"]
    port: _Port
    seed: str
    profile: str
    """CSV of `simulation.profiles`."""
    state: str
    """JSON file in which the plant's state is kept."""
    unit_id: Annotated[int, Field(ge=1, le=247)] = 1
    name: str = ""
    plant: dict[str, int] = Field(default_factory=dict)
    """Figures of PlantParameters (`start_soc_bp` …) or BatteryRating (`capacity_wh` …) that differ from the cast's."""
    faults: tuple[FaultConfig, ...] = ()
    grid: tuple[GridConfig, ...] = ()


class StationsConfig(_Strict):
    """The whole configuration file."""

    v: Literal[1] = 1
    host: str = "127.0.0.1"
    start_ms: int
    """UTC ms at which plants without a saved state begin."""
    pacer: PacerConfig
    stations: Annotated[tuple[StationConfig, ...], Field(min_length=1)]
    journal: str | None = None
    """File to which every tick is written as the instruments show it, a JSON line each; none: nowhere."""


@dataclass(kw_only=True, eq=False)
class StationsConfigWrong(Malformed):
    """The configuration cannot be used."""

    file: str
    field: str
    problem: str


class Device(Protocol):
    """A register map of a plant."""

    @property
    def server(self) -> DeviceServer:
        """Where it is served."""
        ...

    def publish(self, now: Snapshot) -> None:
        """Show an instant."""
        ...


@dataclass(slots=True, kw_only=True)
class RunningStation:
    """A plant, its register map, and what disturbs it."""

    config: StationConfig
    plant: Plant
    device: Device
    listening: bool = False

    async def tick(self, t_ms: int) -> None:
        """Live until an instant and show it."""
        self.plant.step(max(t_ms, self.plant.t_ms))
        await self.disturb(t_ms)
        self.device.publish(self.shown())

    def shown(self) -> Snapshot:
        """What the instruments show now, on a grid that may be disturbed."""
        return disturbed(self.plant.snapshot(), (one.event() for one in self.config.grid))

    async def disturb(self, t_ms: int) -> None:
        """Begin and end the faults of an instant."""
        for kind in {fault.kind for fault in self.config.faults}:
            on = any(f.kind == kind and f.from_ms <= t_ms < f.to_ms for f in self.config.faults)
            match kind:
                case "trip":
                    self.plant.trip() if on else self.plant.reset()
                case "contactor":
                    self.plant.set_contactor(closed=not on)
                case "silent":
                    await self.listen(on=not on)

    async def listen(self, *, on: bool) -> None:
        """Answer clients, or none."""
        if on and not self.listening:
            await self.device.server.start()
        elif not on and self.listening:
            await self.device.server.stop()
        self.listening = on

    def save(self) -> None:
        """Keep the plant's state, whole or not at all."""
        path = Path(self.config.state)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        beside.write_text(json.dumps(self.plant.save(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
        beside.replace(path)


def read_config(path: Path) -> StationsConfig:
    """Read the configuration. Raises StationsConfigWrong."""
    try:
        return StationsConfig.model_validate_json(path.read_bytes())
    except OSError as failure:
        raise StationsConfigWrong(file=str(path), field="", problem=failure.strerror or "unreadable") from None
    except ValidationError as failure:
        first = failure.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise StationsConfigWrong(file=str(path), field=field, problem=first["msg"]) from None


def build(config: StationsConfig, *, resume: bool) -> list[RunningStation]:
    """Make plants and register maps. Raises StationsConfigWrong, profile errors, PlantStateUnreadable."""
    cast = {int(station.number): station for station in STATIONS}
    return [_build_one(config, station, cast.get(station.number), resume=resume) for station in config.stations]


async def run(stations: Sequence[RunningStation], pacer: Pacer, *, journal: Path | None = None) -> None:
    """Serve until the pacer ends or the task is cancelled; then save every state and stop listening."""
    try:
        for station in stations:
            await station.listen(on=True)
        day: Day | None = None
        while True:
            t_ms = await pacer.next_tick()
            for station in stations:
                await station.tick(t_ms)
            if journal is not None:
                _note(journal, t_ms, stations)
            if day is not None and day_at(t_ms) != day:
                _save_all(stations)
            day = day_at(t_ms)
    finally:
        _save_all(stations)
        for station in stations:
            await station.listen(on=False)
        await pacer.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the supervisor ends or SIGINT or SIGTERM comes; 0, or 2 with one line on standard error."""
    parser = argparse.ArgumentParser(prog="simulation.stations", description="Simulated stations behind Modbus TCP.")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--resume", action="store_true", help="continue from the saved states")
    chosen = parser.parse_args(arguments)
    try:
        config = read_config(chosen.config)
        asyncio.run(_serve(config, build(config, resume=chosen.resume)))
    except (AllianceError, OSError) as failure:
        sys.stderr.write(f"simulation.stations: {failure}\n")
        return 2
    return 0


async def _serve(config: StationsConfig, stations: Sequence[RunningStation]) -> None:
    pacer = LockstepPacer(config.pacer.host, config.pacer.port, config.pacer.name)
    work = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if work is not None:
            loop.add_signal_handler(number, work.cancel)
    try:
        await run(stations, pacer, journal=None if config.journal is None else Path(config.journal))
    except (asyncio.CancelledError, SupervisorGone, ConnectionResetError, BrokenPipeError):
        return  # asked to stop, or the supervisor has ended: either way the states are saved


def _note(journal: Path, t_ms: int, stations: Sequence[RunningStation]) -> None:
    """Append an instant; what was ordered is what the plant was told since the one before."""
    line = {"t": t_ms, "stations": {s.config.number: asdict(s.shown()) for s in stations}}
    with journal.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _save_all(stations: Sequence[RunningStation]) -> None:
    for station in stations:
        station.save()


def _build_one(
    config: StationsConfig, station: StationConfig, cast: CastStation | None, *, resume: bool
) -> RunningStation:
    place = f"stations.{station.number}"
    if cast is None:
        raise StationsConfigWrong(file="", field=place, problem=f"the cast has no station {station.number}")
    parameters = _parameters(cast.plant, station.plant, place=place)
    days: Mapping[Day, DayProfile] = read_profile(Path(station.profile))
    plant = Plant(parameters=parameters, days=days, seed=station.seed, start_ms=config.start_ms)
    if resume and (saved := Path(station.state)).is_file():
        plant.restore(_saved(saved))
    return RunningStation(config=station, plant=plant, device=_device(config, station, cast, plant))


def _saved(path: Path) -> dict[str, object]:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise PlantStateUnreadable(problem=f"{path.name} is not JSON") from None
    if not isinstance(state, dict):
        raise PlantStateUnreadable(problem=f"{path.name} is not an object")
    return state


def _device(config: StationsConfig, station: StationConfig, cast: CastStation, plant: Plant) -> Device:
    if station.kind == "table":
        return EmsDevice(plant=plant, host=config.host, port=station.port)
    return SunSpecDevice(
        plant=plant,
        name=station.name or cast.key,
        serial=f"SIM-{station.number:04d}",
        host=config.host,
        port=station.port,
        unit_id=station.unit_id,
    )


def _parameters(parameters: PlantParameters, changes: Mapping[str, int], *, place: str) -> PlantParameters:
    """The cast's figures with some changed by name."""
    site = {name: changes[name] for name in PlantParameters.__slots__ if name in changes and name != "battery"}
    battery = {name: changes[name] for name in BatteryRating.__slots__ if name in changes and name != "efficiency"}
    if unknown := set(changes) - set(site) - set(battery):
        raise StationsConfigWrong(file="", field=f"{place}.plant", problem=f"unknown: {', '.join(sorted(unknown))}")
    return replace(parameters, battery=replace(parameters.battery, **battery), **site)  # type: ignore[arg-type]  # names checked above


if __name__ == "__main__":
    sys.exit(main())
