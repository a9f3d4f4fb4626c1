"""What a device is: a SunSpec chain by its marks and models, or a shipped table by its identity register."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alliance.errors import AllianceError, Missing
from edge.devices.link import ModbusLink
from edge.devices.source import blocks_of
from edge.devices.station import DeviceError, DeviceUnreachable, FrameDamaged
from edge.devices.sunspec_chain import ModelReader, NotSunSpec, text_of
from edge.devices.sunspec_models import layout_of
from edge.devices.sunspec_profiles import is_older
from edge.devices.tables import Table, read_points
from edge.devices.vocabulary import IDENTITY


@dataclass(kw_only=True, eq=False)
class DeviceUnknown(DeviceError, Missing):
    """Something answers or not, but it is neither SunSpec nor a device of a table that we ship."""

    host: str
    port: int
    tried: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SunSpecFound:
    """A SunSpec device: what its common model says, and its models in their order."""

    unit_id: int
    maker: str
    model: str
    version: str
    serial: str
    models: tuple[int, ...]
    generation: str
    """`newer` (701 …), `older` (101–103 …), or `other`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFound:
    """A device whose identity register is that of a table."""

    table: str
    unit_id: int
    identity: int


Found = SunSpecFound | TableFound


async def probe(link: ModbusLink, *, unit_id: int, tables: Sequence[Path]) -> tuple[Found, ...]:
    """Every kind of device that answers. `unit_id` 0: SunSpec at unit 1, each table at its own unit.

    Raises DeviceUnreachable, and DeviceUnknown, which tells each try.
    """
    found: list[Found] = []
    tried: list[str] = []
    async with link:
        try:
            found.append(await _sunspec(link, unit_id or 1))
        except DeviceUnreachable:
            raise
        except DeviceError as failure:
            tried.append(f"SunSpec, unit {unit_id or 1}: {_told(failure)}")
        for path in tables:
            if IDENTITY not in (points := read_points(path)):
                continue
            try:
                found.append(await _table(link, path.stem, points, unit_id))
            except DeviceUnreachable:
                raise
            except AllianceError as failure:
                tried.append(f"{path.stem}, unit {unit_id or points[IDENTITY].unit_id}: {_told(failure)}")
    if not found:
        raise DeviceUnknown(host=link.host, port=link.port, tried=tuple(tried))
    return tuple(found)


@dataclass(kw_only=True, eq=False)
class _OtherIdentity(Missing):
    want: int
    got: int


async def _sunspec(link: ModbusLink, unit_id: int) -> SunSpecFound:
    reader = ModelReader(link=link, unit_id=unit_id)
    chain = await reader.chain()
    models = tuple(place.model for place in chain)
    texts = dict.fromkeys(("Mn", "Md", "Vr", "SN"), "")
    if chain and chain[0].model == 1:
        registers = await reader.whole(chain[0])
        texts = {name: text_of(registers, layout_of(1)[name]) for name in texts}
    generation = "newer" if 701 in models else "older" if is_older(set(models)) else "other"
    return SunSpecFound(
        unit_id=unit_id, maker=texts["Mn"], model=texts["Md"], version=texts["Vr"], serial=texts["SN"],
        models=models, generation=generation,
    )  # fmt: skip


async def _table(link: ModbusLink, name: str, points: Table, unit_id: int) -> TableFound:
    identity = points[IDENTITY]
    (block,) = blocks_of([identity])
    registers = await link.read(
        unit_id=unit_id or block.unit_id, function=block.function, address=block.address, count=block.count
    )
    got, want = int(identity.raw_of(registers) or 0), int(identity.lowest)
    if got != want:
        raise _OtherIdentity(want=want, got=got)
    return TableFound(table=name, unit_id=unit_id or block.unit_id, identity=got)


def _told(failure: AllianceError) -> str:
    if isinstance(failure, FrameDamaged):
        return f"{failure} (other framing? try --transport rtu_over_tcp, or tcp)"
    return "no SunSpec mark" if isinstance(failure, NotSunSpec) else str(failure)
