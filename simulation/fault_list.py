"""Every fault that a simulated station can be given (protocol 10.16.8), and what it does to which device."""

import asyncio
from collections.abc import Mapping

from edge.devices.vocabulary import IDENTITY
from simulation.devices.bms import CELLS
from simulation.faults import Act, Fault, FaultySite, Injected, Serve


def _cell(i: Injected, cell: int | None = None) -> str:
    f = i.of
    return f"cluster.{f['cluster']}.pack.{f['pack']}.cell.{cell or f['cell']}.voltage"


def _probe(i: Injected, probe: int | None = None) -> str:
    f = i.of
    return f"cluster.{f['cluster']}.pack.{f['pack']}.probe.{probe or f['probe']}.temperature"


def _force_cell(site: FaultySite, i: Injected) -> None:
    site.parts.bms.force(_cell(i), site.value(i))


def _force_pack(site: FaultySite, i: Injected) -> None:
    for cell in range(1, CELLS + 1):
        site.parts.bms.force(_cell(i, cell), site.value(i))


def _force_probe(site: FaultySite, i: Injected) -> None:
    """One probe; `around` is what all others show, tenths of °C, else what they would."""
    if (around := i.of.get("around")) is not None:
        for key in site.parts.bms.registers.points:
            if ".probe." in key:
                site.parts.bms.force(key, around)
    site.parts.bms.force(_probe(i), site.value(i))


def _spread_cells(site: FaultySite, i: Injected) -> None:
    """One cell half the spread above the others, one half below."""
    mean_mv, half_mv = site.parts.bms.registers.seen("cell_voltage_min"), site.value(i) // 2
    mean_mv = site.held.setdefault((i, "mean"), mean_mv)
    site.parts.bms.force(_cell(i, 1), mean_mv + half_mv + 10)
    site.parts.bms.force(_cell(i, 2), mean_mv - half_mv)


def _spread_probes(site: FaultySite, i: Injected) -> None:
    coldest = site.held.setdefault((i, "coldest"), site.parts.bms.registers.seen("cell_temperature_min"))
    site.parts.bms.force(_probe(i, 1), coldest + site.value(i))


def _force(key: str) -> Act:
    def apply(site: FaultySite, i: Injected) -> None:
        site.parts.bms.force(key, site.value(i))

    return apply


def _overcurrent(sign: int) -> Act:
    """`value` is per mille of the current at rated power."""

    def apply(site: FaultySite, i: Injected) -> None:
        battery = site.plant.parameters.battery
        rated_w = battery.discharge_power_w if sign > 0 else battery.charge_power_w
        volts = max(1, site.parts.bms.registers.seen("bms.voltage") // 1_000)
        site.parts.bms.force("bms.current", sign * rated_w * site.value(i) // volts)

    return apply


def _bms_bit(site: FaultySite, i: Injected) -> None:
    f = i.of
    site.parts.bms.force(f"cluster.{f['cluster']}.alarm_word", 1 << f.get("bit", 0))


def _stack_bit(site: FaultySite, i: Injected) -> None:
    site.parts.bms.force("bms.alarm_word", 1 << i.of.get("bit", 0))


def _put(device: str, key: str) -> Act:
    def after(site: FaultySite, i: Injected) -> None:
        site.put(device, {key: site.value(i)})

    return after


def _bit(device: str) -> Act:
    def apply(site: FaultySite, i: Injected) -> None:
        part = getattr(site.parts, device)
        part.faults |= 1 << i.of.get("bit", 0)

    return apply


def _zone(name: str) -> Act:
    def apply(site: FaultySite, i: Injected) -> None:
        setattr(site.parts.fire.zones[i.of["zone"]], name, site.value(i))

    return apply


def _heat(site: FaultySite, i: Injected) -> None:
    """`value` is the zone's temperature, tenths of °C."""
    zone = site.parts.fire.zones[i.of["zone"]]
    zone.heat_dc = site.value(i) - site.plant.snapshot().cell_temperature_dc


def _smoke(site: FaultySite, i: Injected) -> None:
    site.parts.fire.zones[i.of["zone"]].smoke = True


def _detector(site: FaultySite, i: Injected) -> None:
    site.put("fire", {f"fire.smoke.{i.of['zone']}": 2})


def _flag(device: str, name: str, *, to: bool) -> Act:
    def apply(site: FaultySite, i: Injected) -> None:
        del i
        setattr(getattr(site.parts, device), name, to)

    return apply


def _freeze(site: FaultySite, i: Injected) -> None:
    for key in ("meter_import", "meter_export"):
        held = site.held.setdefault((i, key), site.parts.meter.registers.seen(key))
        site.put("meter", {key: held})


def _regress(site: FaultySite, i: Injected) -> None:
    """`value` is by how much the register fell, Wh."""
    site.put("meter", {"meter_import": site.parts.meter.registers.seen("meter_import") - site.value(i)})


def _beyond_cell(site: FaultySite, i: Injected) -> None:
    site.parts.bms.registers.spoil(_cell(i), [0xFFFF])


def _beyond_register(site: FaultySite, i: Injected) -> None:
    del i
    site.parts.meter.registers.spoil("meter_import", [0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF])


def _welded(site: FaultySite, i: Injected) -> None:
    del i
    site.parts.bms.welded = True
    site.put("bms", {"bms.contactor_order": 0})


async def _close_again(site: FaultySite, i: Injected) -> None:
    del i
    site.put("bms", {"bms.contactor_order": 1})
    site.plant.set_contactor(closed=True)


async def _contactor(site: FaultySite, i: Injected) -> None:
    del i
    site.plant.set_contactor(closed=False)


async def _trip(site: FaultySite, i: Injected) -> None:
    del i
    site.plant.trip()


async def _untrip(site: FaultySite, i: Injected) -> None:
    del i
    site.plant.reset()


def _server(device: str, name: str) -> tuple[Serve, Serve]:
    async def begin(site: FaultySite, i: Injected) -> None:
        del i
        setattr(site.servers[device], name, True)

    async def end(site: FaultySite, i: Injected) -> None:
        del i
        setattr(site.servers[device], name, False)

    return begin, end


def _silence(device: str) -> tuple[Serve, Serve]:
    async def begin(site: FaultySite, i: Injected) -> None:
        del i
        await site.servers[device].stop()

    async def end(site: FaultySite, i: Injected) -> None:
        del i
        await site.servers[device].start()

    return begin, end


def _swap(device: str) -> tuple[Serve, Serve]:
    """Another device answers at the place: its identity differs, on a new connection."""

    async def show(site: FaultySite, identity: int) -> None:
        registers = site.parts.by_table[device].registers
        registers.put({IDENTITY: identity})
        await site.servers[device].stop()
        await asyncio.sleep(0)
        await site.servers[device].start()

    async def begin(site: FaultySite, i: Injected) -> None:
        site.held[(i, IDENTITY)] = site.parts.by_table[device].registers.seen(IDENTITY)
        await show(site, 4_711)

    async def end(site: FaultySite, i: Injected) -> None:
        await show(site, site.held[(i, IDENTITY)])

    return begin, end


_CELL, _PACK, _PROBE = ("cluster", "pack", "cell"), ("cluster", "pack"), ("cluster", "pack", "probe")
DEVICES = ("meter", "pcs", "bms", "hvac", "fire")


def _fault(
    name: str, zh: str, *, needs: tuple[str, ...] = (), values: tuple[int, int, int] = (0, 0, 0),
    apply: Act | None = None, after: Act | None = None, begin: Serve | None = None, end: Serve | None = None,
) -> Fault:  # fmt: skip
    """A fault; `values` stand for the levels warn, derate, trip."""
    return Fault(name=name, zh=zh, needs=needs, values=values, apply=apply, after=after, begin=begin, end=end)


def _of_servers(device: str) -> list[Fault]:
    """What can go wrong between any device and the box."""
    (silent, speaks), (noisy, quiet) = _silence(device), _server(device, "noisy")
    (busy, free), (deaf, hears), (foreign, own) = _server(device, "refusing"), _server(device, "deaf"), _swap(device)
    return [
        _fault(f"{device}.silent", "通信中断", begin=silent, end=speaks),
        _fault(f"{device}.noisy", "报文错误", begin=noisy, end=quiet),
        _fault(f"{device}.busy", "拒绝读取", begin=busy, end=free),
        _fault(f"{device}.deaf", "拒绝指令", begin=deaf, end=hears),
        _fault(f"{device}.foreign", "设备不符", begin=foreign, end=own),
    ]


FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        _fault("bms.cell_overvoltage", "单体过压", needs=_CELL, values=(3_560, 3_610, 3_700), apply=_force_cell),
        _fault("bms.cell_undervoltage", "单体欠压", needs=_CELL, values=(2_890, 2_790, 2_590), apply=_force_cell),
        _fault("bms.pack_overvoltage", "电池包过压", needs=_PACK, values=(3_560, 3_610, 3_700), apply=_force_pack),
        _fault("bms.pack_undervoltage", "电池包欠压", needs=_PACK, values=(2_890, 2_790, 2_590), apply=_force_pack),
        _fault("bms.voltage_spread", "压差过大", needs=_PACK, values=(160, 320, 510), apply=_spread_cells),
        _fault("bms.cell_hot", "单体过温", needs=_PROBE, values=(460, 510, 560), apply=_force_probe),
        _fault("bms.cell_cold", "单体低温", needs=_PROBE, values=(40, 10, -20), apply=_force_probe),
        _fault("bms.temperature_spread", "温差过大", needs=_PACK, values=(85, 110, 160), apply=_spread_probes),
        _fault(
            "bms.insulation_low",
            "绝缘过低",
            values=(1_200_000_000, 600_000_000, 100_000_000),
            apply=_force("bms.insulation"),
        ),
        _fault("bms.discharge_overcurrent", "放电过流", values=(1_070, 1_120, 1_250), apply=_overcurrent(1)),
        _fault("bms.charge_overcurrent", "充电过流", values=(1_070, 1_120, 1_250), apply=_overcurrent(-1)),
        _fault("bms.soc_low", "荷电过低", values=(1_400, 900, 400), apply=_force("battery_soc")),
        _fault("bms.soc_high", "荷电过高", values=(9_100, 9_600, 10_000), apply=_force("battery_soc")),
        _fault("bms.soh_low", "健康度过低", values=(7_900, 7_400, 6_900), apply=_force("battery_soh")),
        _fault("bms.supply_low", "控制电源欠压", values=(21_500, 19_500, 17_500), apply=_force("bms.supply_voltage")),
        _fault("bms.supply_high", "控制电源过压", values=(27_500, 28_500, 30_500), apply=_force("bms.supply_voltage")),
        _fault("bms.contactor_open", "接触器断开", begin=_contactor, end=_close_again),
        _fault("bms.contactor_welded", "接触器粘连", apply=_welded, end=_close_again),
        _fault("bms.heartbeat_stopped", "心跳停止", apply=_flag("bms", "beating", to=False)),
        _fault("bms.cluster_bit", "簇告警位", needs=("cluster",), apply=_bms_bit),
        _fault("bms.stack_bit", "堆告警位", apply=_stack_bit),
        _fault("bms.value_beyond", "数值越界", needs=_CELL, after=_beyond_cell),
        _fault("pcs.trip", "变流器跳闸", begin=_trip, end=_untrip),
        _fault("pcs.alarm_bit", "变流器告警位", apply=_bit("pcs")),
        _fault("pcs.module_hot", "功率模块过温", values=(870, 970, 1_080), after=_put("pcs", "pcs.igbt_temperature")),
        _fault("pcs.cabinet_hot", "柜内过温", values=(510, 560, 620), after=_put("pcs", "pcs.cabinet_temperature")),
        _fault("pcs.grid_lost", "电网失压", apply=_flag("pcs", "grid_present", to=False)),
        _fault("pcs.emergency_stop", "急停", apply=_flag("pcs", "emergency_stop", to=True)),
        _fault("hvac.alarm_bit", "空调告警位", apply=_bit("hvac")),
        _fault("fire.smoke", "烟感", needs=("zone",), apply=_smoke),
        _fault("fire.heat", "温感", needs=("zone",), values=(560, 620, 720), apply=_heat),
        _fault("fire.hydrogen", "氢气", needs=("zone",), values=(150, 450, 1_100), apply=_zone("hydrogen_ppm")),
        _fault(
            "fire.carbon_monoxide",
            "一氧化碳",
            needs=("zone",),
            values=(60, 120, 250),
            apply=_zone("carbon_monoxide_ppm"),
        ),
        _fault("fire.alarm_bit", "消防告警位", apply=_bit("fire")),
        _fault("fire.detector", "探测器故障", needs=("zone",), after=_detector),
        _fault("fire.panel", "消防主机故障", values=(4, 4, 4), after=_put("fire", "fire.state")),
        _fault("fire.emergency_stop", "急停", apply=_flag("fire", "emergency_stop", to=True)),
        _fault("meter.status_bit", "电表状态位", apply=_bit("meter")),
        _fault("meter.frozen", "电量冻结", after=_freeze),
        _fault(
            "meter.spike", "功率突变", values=(90_000_000, 90_000_000, 90_000_000), after=_put("meter", "meter_power")
        ),
        _fault("meter.regress", "电量倒退", values=(50_000, 50_000, 50_000), after=_regress),
        _fault("meter.value_beyond", "电量越界", after=_beyond_register),
        *(fault for device in DEVICES for fault in _of_servers(device)),
    )
}
"""Every fault by name."""
