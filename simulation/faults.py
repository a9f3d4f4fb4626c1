"""Faults of a simulated station, by name and part (protocol 10.16.8): put in and taken out while its servers run.

`bms.cell_overvoltage:container=5,cluster=2,pack=3,cell=7,level=3` makes the battery system measure a cell above the
shipped limit of a trip; `value` says another figure, in our unit. Devices act as they would: extremes, alarm words and
permissions follow what they measure.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from alliance.errors import Malformed, Missing
from simulation.devices.bms import CELLS, CLUSTERS, PACKS, PROBES
from simulation.devices.fire import ZONES
from simulation.devices.parts import StationParts
from simulation.devices.server import DeviceServer
from simulation.plant import Plant, Snapshot

_RANGES = {
    "cluster": range(1, CLUSTERS + 1), "pack": range(1, PACKS + 1), "cell": range(1, CELLS + 1),
    "probe": range(1, PROBES + 1), "zone": ZONES, "level": (1, 2, 3), "bit": range(32),
}  # fmt: skip
_NUMBERS = ("level", "value", "bit", "around")


@dataclass(kw_only=True, eq=False)
class FaultUnknown(Missing):
    """No fault has this name."""

    name: str
    known: tuple[str, ...]


@dataclass(kw_only=True, eq=False)
class FaultMalformed(Malformed):
    """A fault is not written `name:figure=number,figure=number`, or names a part that is not there."""

    spec: str
    field: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """One fault at one part."""

    name: str
    figures: tuple[tuple[str, int], ...] = ()

    @property
    def of(self) -> dict[str, int]:
        """The figures by name."""
        return dict(self.figures)

    def __str__(self) -> str:
        told = ",".join(f"{name}={value}" for name, value in self.figures)
        return f"{self.name}:{told}" if told else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a fault needs to be told, and what it does."""

    name: str
    zh: str
    needs: tuple[str, ...] = ()
    """Figures of the part; any that is not given is 1."""
    values: tuple[int, int, int] = (0, 0, 0)
    """What stands for the levels warn, derate, trip."""
    apply: "Act | None" = None
    """Done before each publication."""
    after: "Act | None" = None
    """Done after each publication, on the registers."""
    begin: "Serve | None" = None
    """Done once, on plant or server."""
    end: "Serve | None" = None

    def value(self, injected: Injected) -> int:
        """The value asked for, else the one of its level."""
        figures = injected.of
        return figures.get("value", self.values[figures.get("level", 3) - 1])


Act = Callable[["FaultySite", Injected], None]
Serve = Callable[["FaultySite", Injected], Awaitable[None]]


class FaultySite:
    """A station of five devices whose faults come and go."""

    def __init__(
        self, *, plant: Plant, parts: StationParts, servers: Mapping[str, DeviceServer], faults: Mapping[str, Fault],
        container: int = 1,
    ) -> None:  # fmt: skip
        self.plant, self.parts, self.servers, self.container = plant, parts, servers, container
        self._faults = faults
        self.held: dict[tuple[Injected, str], int] = {}
        """What a fault remembers: registers at its beginning."""
        self._active: dict[Injected, Fault] = {}

    @property
    def active(self) -> tuple[Injected, ...]:
        """The faults that are in."""
        return tuple(self._active)

    def parse(self, spec: str) -> Injected:
        """Read a fault. Raises FaultUnknown or FaultMalformed."""
        return parsed(spec, faults=self._faults, container=self.container)

    async def inject(self, injected: Injected) -> None:
        """Put a fault in, and show it."""
        fault = self._faults[injected.name]
        self._active[injected] = fault
        if fault.begin is not None:
            await fault.begin(self, injected)
        self.publish(self.plant.snapshot())

    async def clear(self, injected: Injected | None = None) -> None:
        """Take a fault out, or all of them."""
        for one in [injected] if injected is not None else list(self._active):
            fault = self._active.pop(one, None)
            if fault is not None and fault.end is not None:
                await fault.end(self, one)
        self.held = {key: value for key, value in self.held.items() if key[0] in self._active}
        self.publish(self.plant.snapshot())

    def value(self, injected: Injected) -> int:
        """The value that a fault was given, or the one of its level."""
        return self._faults[injected.name].value(injected)

    def publish(self, now: Snapshot) -> None:
        """Show an instant on every device, faults included."""
        self._heal()
        for injected, fault in self._active.items():
            if fault.apply is not None:
                fault.apply(self, injected)
        self.parts.publish(now)
        for injected, fault in self._active.items():
            if fault.after is not None:
                fault.after(self, injected)

    def live(self, seconds: int) -> None:
        """Let the plant live so long, and show it."""
        self.plant.step(self.plant.t_ms + seconds * 1_000)
        self.publish(self.plant.snapshot())

    def put(self, device: str, values: Mapping[str, int]) -> None:
        """Show values of ours on a device."""
        self.parts.by_table[device].registers.put(values)

    def _heal(self) -> None:
        """Devices as they are without faults; what is active comes on top."""
        p = self.parts
        p.bms.release()
        p.bms.beating, p.bms.welded = True, False
        p.pcs.faults, p.pcs.emergency_stop, p.pcs.grid_present = 0, False, True
        p.hvac.faults = p.fire.faults = p.meter.faults = 0
        p.fire.emergency_stop = False
        for zone in p.fire.zones.values():
            zone.smoke, zone.heat_dc, zone.hydrogen_ppm, zone.carbon_monoxide_ppm = False, 0, 0, 2


def parsed(spec: str, *, faults: Mapping[str, Fault], container: int) -> Injected:
    """Read `name:figure=number,…`. Raises FaultUnknown or FaultMalformed."""
    name, _, rest = spec.partition(":")
    fault = faults.get(name)
    if fault is None:
        raise FaultUnknown(name=name, known=tuple(faults))
    figures: dict[str, int] = {}
    for part in filter(None, rest.split(",")):
        key, _, text = part.partition("=")
        try:
            figures[key] = int(text)
        except ValueError:
            raise FaultMalformed(spec=spec, field=key, problem=f"{text!r} is no integer") from None
        if key not in (*fault.needs, *_NUMBERS, "container"):
            raise FaultMalformed(spec=spec, field=key, problem=f"not one of {', '.join((*fault.needs, *_NUMBERS))}")
        if key in _RANGES and figures[key] not in _RANGES[key]:
            raise FaultMalformed(spec=spec, field=key, problem=f"{figures[key]} is not there")
    if figures.pop("container", container) != container:
        raise FaultMalformed(spec=spec, field="container", problem=f"the station's container is {container}")
    for need in fault.needs:
        figures.setdefault(need, 1)
    return Injected(name=name, figures=tuple(sorted(figures.items())))
