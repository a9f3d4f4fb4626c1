"""When devices are asked for what: slow and fast points, five tries and then less often, and what failed is named."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.devices.link import COILS, DISCRETE, HOLDING, ModbusLink
from edge.devices.open import DeviceKind, DeviceSettings, PartSettings, ReachWrong, open_devices
from edge.devices.points import Raw
from edge.devices.polling import LONGEST_PAUSE_MS, TRIES, UNTRIED, failed, may_ask, periods_due
from edge.devices.source import ModbusSource, PatientSource, Reach, blocks_of
from edge.devices.station import DeviceRefused, DeviceSilent, DeviceSlow, DeviceUnreachable, Quality
from edge.devices.tables import read_points
from edge.devices.vocabulary import COLUMNS
from edge.tables import shipped
from simulation.devices.registers import Registers
from tests.edge.devices.conftest import DAY, Benches

TABLE = (
    *(f"io.fan.{n},{n}号风机,Fan {n},modbus,9,1,{7 + n},BIT,ABCD,1,0,1,,0,1,RW,YK,0,0,0," for n in (1, 2, 3)),
    "io.door.[1-20],{}号门,Door {},modbus,9,2,40,BIT,ABCD,1,0,1,,0,1,R,YX,0,0,2,",
    "io.fast,快,Fast,modbus,9,3,0,INT16,ABCD,1,0,1,,-999,999,R,YC,1000,0,0,",
    "io.slow,慢,Slow,modbus,9,3,1,INT16,ABCD,1,0,1,,-999,999,R,YC,60000,0,0,",
    "io.apart,远,Apart,modbus,9,3,10,INT16,ABCD,1,0,1,,-999,999,R,YC,1000,0,0,",
)


def table(tmp_path: Path) -> Path:
    path = tmp_path / "io.csv"
    path.write_text("\n".join([",".join(COLUMNS), *TABLE]) + "\n", encoding="utf-8")
    return path


@dataclass
class Hand:
    """A clock moved by hand."""

    t_ms: int = DAY.start_ms

    def now_ms(self) -> int:
        return self.t_ms


@given(st.integers(1, 10**7), st.lists(st.integers(1, 5_000), max_size=60))
def test_no_point_is_read_twice_in_a_period_nor_left_out_of_one_that_has_a_round(
    period_ms: int, waits_ms: list[int]
) -> None:
    t_ms, last_ms, read = 10**12, {}, []
    rounds = []
    for wait_ms in [0, *waits_ms]:
        t_ms += wait_ms
        rounds.append(t_ms)
        if due := periods_due(last_ms, [period_ms], t_ms=t_ms):
            last_ms.update(dict.fromkeys(due, t_ms))
            read.append(t_ms)
    assert len({t // period_ms for t in read}) == len(read)
    assert {t // period_ms for t in read} == {t // period_ms for t in rounds}


def test_a_point_is_due_when_its_period_is_none_or_time_ran_back() -> None:
    assert periods_due({0: 5, 1_000: 5_000}, [0, 1_000], t_ms=5_999) == {0}
    assert periods_due({1_000: 5_000}, [1_000], t_ms=4_999) == {1_000}


def test_pauses_begin_after_five_failures_double_and_end_at_half_a_minute() -> None:
    tries, pauses = UNTRIED, []
    for _ in range(12):
        tries = failed(tries, t_ms=1_000)
        pauses.append(tries.again_ms - 1_000)
    assert pauses == [0, 0, 0, 0, 2_000, 4_000, 8_000, 16_000, *[30_000] * 4]
    assert (tries.failures, may_ask(tries, t_ms=30_999), may_ask(tries, t_ms=31_000)) == (12, False, True)
    assert may_ask(tries, t_ms=1_000 - LONGEST_PAUSE_MS)  # a clock set back holds no device off for long


@dataclass
class Flaky:
    """A source that fails while `failing`, and counts how often it is asked."""

    points: dict[str, object] = field(default_factory=dict)
    failing: bool = True
    asked: int = 0
    asking: bool = True
    quality: Quality = field(default_factory=lambda: Quality(0))
    troubles: dict[str, str] = field(default_factory=dict)

    async def read(self) -> dict[str, Raw | None]:
        self.asked += 1
        if self.failing:
            raise DeviceUnreachable(host="h", port=1)
        return {"io.fast": 1}

    async def write(self, values: Mapping[str, int]) -> None:
        raise DeviceUnreachable(host="h", port=1)

    async def close(self) -> None:
        """Nothing to let go."""


def test_device_that_fails_is_left_alone_after_five_tries_and_asked_each_round_once_it_answers() -> None:
    async def play() -> None:
        clock, flaky = Hand(), Flaky(points=dict(read_points(shipped()["fire"])))
        source = PatientSource(flaky, now_ms=clock.now_ms)  # type: ignore[arg-type]
        for _ in range(60):
            with pytest.raises(DeviceUnreachable):
                await source.read()
            clock.t_ms += 1_000
        assert flaky.asked == TRIES + 4  # 2, 4, 8, 16 s of pauses end within the minute, the fifth does not
        assert source.troubles["fire.state"].startswith("device_unreachable")
        assert "asked less often after 9 tries" in source.troubles["fire.state"]
        flaky.failing = False
        clock.t_ms += LONGEST_PAUSE_MS
        assert (await source.read(), source.troubles) == ({"io.fast": 1}, {})
        flaky.failing = True
        for _ in range(TRIES):
            with pytest.raises(DeviceUnreachable):
                await source.read()
        assert flaky.asked == TRIES + 4 + 1 + TRIES

    asyncio.run(play())


@pytest.mark.parametrize(("asking", "told"), [(True, "device_slow"), (False, "")])
def test_round_that_ends_first_counts_against_the_device_only_if_it_was_being_asked(asking: bool, told: str) -> None:
    class Hanging(Flaky):
        async def read(self) -> dict[str, Raw | None]:
            self.asked += 1
            await asyncio.Event().wait()
            return {}

    async def play() -> None:
        clock, hanging = Hand(), Hanging(points=dict(read_points(shipped()["fire"])), asking=asking)
        source = PatientSource(hanging, now_ms=clock.now_ms)  # type: ignore[arg-type]
        for _ in range(TRIES + 1):
            with pytest.raises(DeviceSlow if asking and hanging.asked == TRIES else TimeoutError):
                async with asyncio.timeout(0.01):
                    await source.read()
        assert hanging.asked == (TRIES if asking else TRIES + 1)
        assert source.troubles.get("fire.state", "").startswith(told)

    asyncio.run(play())


def test_coils_and_discrete_inputs_are_read_switched_and_alarmed(tmp_path: Path, free_port: int) -> None:
    async def play() -> None:
        points, obeyed = read_points(table(tmp_path)), []
        registers = Registers(points, obey=lambda values, hit: obeyed.append((dict(values), hit)))
        server = registers.server(host="127.0.0.1", port=free_port)
        await server.start()
        link = ModbusLink(host="127.0.0.1", port=free_port, timeout_s=0.5)
        source = ModbusSource(points=points, link=link, now_ms=Hand().now_ms)
        registers.put({"io.door.1": 1, "io.door.9": 1, "io.door.20": 1, "io.fan.2": 1})
        raw = await source.read()
        assert {key for key, value in raw.items() if value == 1} == {"io.door.1", "io.door.9", "io.door.20", "io.fan.2"}
        assert points["io.door.9"].alarms_of(1) == ("9号门",)
        assert await link.read(unit_id=9, function=DISCRETE, address=48, count=1) == [1]
        assert await link.read(unit_id=9, function=COILS, address=8, count=3) == [0, 1, 0]
        await source.write({"io.fan.3": 1, "io.fan.2": 0})
        assert [hit for _, hit in obeyed] == [{"io.fan.3"}, {"io.fan.2"}]
        assert await link.read(unit_id=9, function=COILS, address=8, count=3) == [0, 0, 1]
        with pytest.raises(DeviceRefused):
            await link.write_coil(unit_id=9, address=200, value=1)
        link.close()
        await server.stop()

    asyncio.run(play())


def test_slow_points_keep_their_value_while_fast_ones_are_read_again(tmp_path: Path, free_port: int) -> None:
    async def play() -> None:
        points, clock = read_points(table(tmp_path)), Hand()
        registers = Registers(points, obey=lambda *_: None)
        server = registers.server(host="127.0.0.1", port=free_port)
        await server.start()
        link = ModbusLink(host="127.0.0.1", port=free_port, timeout_s=0.5)
        source = ModbusSource(points=points, link=link, now_ms=clock.now_ms)
        seen = []
        for second in range(61):
            registers.put({"io.fast": second, "io.slow": second, "io.fan.1": second % 2})
            raw = await source.read()
            seen.append((raw["io.fast"], raw["io.slow"], raw["io.fan.1"]))
            clock.t_ms += 1_000
        assert seen == [(s, s // 60 * 60, s % 2) for s in range(61)]
        await server.stop()
        with pytest.raises((DeviceSilent, DeviceUnreachable)):
            await source.read()
        await server.start()
        registers.put({"io.slow": 77})
        assert (await source.read())["io.slow"] == 77  # after a failure nothing old is passed on
        link.close()
        await server.stop()

    asyncio.run(play())


def test_requests_keep_to_what_a_device_answers_and_read_along_only_what_it_allows(tmp_path: Path) -> None:
    points = list(read_points(table(tmp_path)).values())
    assert [(b.function, b.address, b.count) for b in blocks_of(points)] == [
        (1, 8, 3), (2, 40, 20), (3, 0, 2), (3, 10, 1),
    ]  # fmt: skip
    tight = [(b.function, b.address, b.count) for b in blocks_of(points, reach=Reach(registers=4, bits=8, gap=120))]
    assert tight == [(1, 8, 3), (2, 40, 8), (2, 48, 8), (2, 56, 4), (3, 0, 2), (3, 10, 1)]
    assert (3, 0, 11) in [(b.function, b.address, b.count) for b in blocks_of(points, reach=Reach(gap=8))]
    with pytest.raises(ReachWrong) as wrong:
        part = PartSettings(table=Path("chinese_ems"), most_registers=3)
        open_devices(DeviceSettings(kind=DeviceKind.TABLE, parts=(part,)))
    assert (wrong.value.setting, wrong.value.low, wrong.value.got) == ("most_registers", 4, 3)


def test_refused_point_is_absent_with_its_error_and_returns_when_the_device_has_it(
    tmp_path: Path, free_port: int
) -> None:
    async def play() -> None:
        points, clock = read_points(table(tmp_path)), Hand()
        lacking = {key: point for key, point in points.items() if key != "io.apart"}
        link = ModbusLink(host="127.0.0.1", port=free_port, timeout_s=0.5)
        source = ModbusSource(points=points, link=link, now_ms=clock.now_ms)
        server = Registers(lacking, obey=lambda *_: None).server(host="127.0.0.1", port=free_port)
        await server.start()
        raw = await source.read()
        assert (raw["io.apart"], raw["io.fast"]) == (None, 0)
        assert list(source.troubles) == ["io.apart"]
        assert f"function={HOLDING}, address=10, exception=2" in source.troubles["io.apart"]
        await server.stop()
        link.close()
        server = Registers(points, obey=lambda *_: None).server(host="127.0.0.1", port=free_port)
        await server.start()
        clock.t_ms += 1_000
        assert ((await source.read())["io.apart"], source.troubles) == (0, {})
        link.close()
        await server.stop()

    asyncio.run(play())


def test_station_is_read_on_while_its_fire_panel_is_silent_and_the_silence_is_told(bench: Benches) -> None:
    async def play() -> None:
        async with bench("parts") as b:
            assert "fire.state" in (await b.driver.read()).points
            fire = b.device.servers[-1]
            await fire.stop()
            seen = await b.driver.read()
            assert "fire.state" not in seen.points
            assert seen.quality == Quality.PART_SILENT
            assert {"fire.state", "fire.smoke.1"} <= set(b.driver.troubles)
            assert "meter_power" not in b.driver.troubles
            await fire.start()
            seen = await b.driver.read()
            assert (seen.points["fire.state"], seen.quality, b.driver.troubles) == (0, Quality(0), {})
            await b.device.servers[0].stop()
            with pytest.raises((DeviceUnreachable, DeviceSilent)):
                await b.driver.read()
            assert "meter_import" in b.driver.troubles

    asyncio.run(play())
