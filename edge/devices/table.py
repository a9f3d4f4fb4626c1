"""The table-driven driver: a station behind one Modbus register map, as its point table describes it (protocol 2.1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge.devices.link import MAX_REGISTERS, ModbusLink
from edge.devices.points import Point
from edge.devices.station import (
    PcsState,
    PointOutOfRange,
    Quality,
    SetPointOutOfRange,
    StationSample,
)

_FULL_BP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Adjacent registers that one request reads."""

    unit_id: int
    function: int
    address: int
    count: int
    points: tuple[Point, ...]


class TableStation:
    """Drives a station by a point table. Nothing between two points is read: a device may refuse holes."""

    def __init__(self, *, points: Mapping[str, Point], link: ModbusLink, revert_s: int) -> None:
        self._points = points
        self._link = link
        self._revert_s = revert_s
        self._blocks = blocks_of(points.values())
        self._beats = 0

    async def read(self) -> StationSample:
        """Take one sample. Raises DeviceError."""
        raw: dict[str, int] = {}
        async with self._link as link:
            for block in self._blocks:
                registers = await link.read(
                    unit_id=block.unit_id, function=block.function, address=block.address, count=block.count
                )
                for point in block.points:
                    start = point.address - block.address
                    raw[point.key] = point.raw_of(registers[start : start + point.registers])
        return sample_of(self._points, raw)

    async def write_power(self, power_w: int) -> None:
        """Order a power, positive discharging: time-out and heartbeat first, then the power, then remote mode."""
        self._check_range(power_w)
        self._beats = (self._beats + 1) % 0x10000
        async with self._link as link:
            for key, value in (
                ("command_timeout", self._revert_s),
                ("heartbeat", self._beats),
                ("set_power", power_w),
                ("remote_enable", 1),
            ):
                if point := self._points.get(key):
                    registers = point.registers_of(point.raw_for(value))
                    await link.write(unit_id=point.unit_id, address=point.address, registers=registers)

    async def close(self) -> None:
        """Let the connection go."""
        self._link.close()

    def _check_range(self, power_w: int) -> None:
        point = self._points["set_power"]
        if not point.in_range(point.raw_for(power_w)):
            bounds = sorted(int(limit * point.factor) * point.sign for limit in (point.lowest, point.highest))
            raise SetPointOutOfRange(point="set_power", power_w=power_w, lowest_w=bounds[0], highest_w=bounds[1])


def blocks_of(points: Iterable[Point]) -> tuple[Block, ...]:
    """Gather points into requests: adjacent or overlapping registers of one unit and function, at most 125."""
    blocks: list[Block] = []
    for point in sorted(points, key=lambda p: (p.unit_id, p.function, p.address)):
        last = blocks[-1] if blocks else None
        if last is not None and _extends(last, point):
            end = max(last.address + last.count, point.address + point.registers)
            count, held = end - last.address, (*last.points, point)
            blocks[-1] = Block(
                unit_id=last.unit_id, function=last.function, address=last.address, count=count, points=held
            )
        else:
            blocks.append(
                Block(
                    unit_id=point.unit_id,
                    function=point.function,
                    address=point.address,
                    count=point.registers,
                    points=(point,),
                )
            )
    return tuple(blocks)


def sample_of(points: Mapping[str, Point], raw: Mapping[str, int]) -> StationSample:
    """Make a sample of raw values by key. Raises PointOutOfRange for a metered energy outside its range."""
    quality = _quality(points, raw)

    def value(key: str) -> int:
        return points[key].value_of(raw[key]) if key in points else 0

    alarms = _alarms(points, raw)
    return StationSample(
        meter_power_w=value("meter_power"),
        reactive_var=value("meter_reactive"),
        import_wh=value("meter_import"),
        export_wh=value("meter_export"),
        battery_power_w=value("battery_power"),
        soc_bp=min(_FULL_BP, max(0, value("battery_soc"))),
        soh_bp=min(_FULL_BP, max(0, value("battery_soh"))),
        charge_wh=value("battery_charge"),
        discharge_wh=value("battery_discharge"),
        pcs_state=_state(points, raw),
        charge_limit_w=value("charge_limit"),
        discharge_limit_w=value("discharge_limit"),
        set_power_w=value("set_power"),
        frequency_mhz=value("frequency"),
        alarms=alarms,
        quality=quality | Quality.ALARM if alarms else quality,
    )


def _extends(block: Block, point: Point) -> bool:
    same = (block.unit_id, block.function) == (point.unit_id, point.function)
    end = point.address + point.registers
    return same and point.address <= block.address + block.count and end - block.address <= MAX_REGISTERS


def _quality(points: Mapping[str, Point], raw: Mapping[str, int]) -> Quality:
    quality = Quality(0)
    if any(key not in points for key in ("battery_soh", "charge_limit", "discharge_limit", "pcs_state")):
        quality |= Quality.NOT_IMPLEMENTED
    for key, point in points.items():
        if point.in_range(raw[key]):
            continue
        if point.kind == "YM":
            raise PointOutOfRange(
                point=key, raw=raw[key], lowest=f"{point.lowest} {point.unit}", highest=f"{point.highest} {point.unit}"
            )
        quality |= Quality.OUT_OF_RANGE
    return quality


def _state(points: Mapping[str, Point], raw: Mapping[str, int]) -> PcsState:
    name = points["pcs_state"].name_of(raw["pcs_state"]) if "pcs_state" in points else ""
    return PcsState(name) if name else PcsState.UNKNOWN


def _alarms(points: Mapping[str, Point], raw: Mapping[str, int]) -> tuple[str, ...]:
    if "alarm_word" not in points:
        return ()
    word, names = raw["alarm_word"], dict(points["alarm_word"].enumeration)
    return tuple(names.get(bit, f"bit {bit}") for bit in range(word.bit_length()) if word >> bit & 1)
