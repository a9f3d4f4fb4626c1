"""Point tables: raw registers become our units and signs, and a bad row is named by file, line and column."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.devices.points import Point
from edge.devices.source import blocks_of
from edge.devices.station import PcsState, PointOutOfRange, Quality
from edge.devices.table import sample_of
from edge.devices.tables import PointCellWrong, PointsIncomplete, read_points, read_table
from edge.devices.vocabulary import COLUMNS
from edge.tables import CHINESE_EMS, shipped

POINTS = read_table(CHINESE_EMS)


def raws(**changed: int) -> dict[str, int]:
    return {**dict.fromkeys(POINTS, 0), "frequency": 50_000, **changed}


def test_registers_of_the_shipped_table_mean_what_its_maker_says() -> None:
    """Words low first: 0xFFFF_63C0 = −40,000 hundredths of a kW, charge-positive: 400 kW discharging."""
    power = POINTS["battery_power"]
    assert value(power, 0x63C0, 0xFFFF) == 400_000
    energy = POINTS["meter_import"]
    assert value(energy, 0x0001, 0x0001) == 655_370  # 6553.70 kWh
    assert value(POINTS["battery_soc"], 805) == 8_050
    order = POINTS["set_power"]
    assert order.registers_of(order.raw_for(-250_000)) == [0x61A8, 0x0000]


@pytest.mark.parametrize(
    ("order", "registers"),
    [
        ("ABCD", [0x0102, 0x0304]),
        ("CDAB", [0x0304, 0x0102]),
        ("BADC", [0x0201, 0x0403]),
        ("DCBA", [0x0403, 0x0201]),
    ],
)
def test_bytes_and_words_are_read_in_the_stated_order(tmp_path: Path, order: str, registers: list[int]) -> None:
    point = read_table(_table(tmp_path, "meter_power", byte_word_order=order))["meter_power"]
    assert point.raw_of(registers) == 0x01020304
    assert point.registers_of(0x01020304) == registers


def test_offset_is_added_before_the_sign(tmp_path: Path) -> None:
    point = read_table(_table(tmp_path, "meter_power", scale="0.5", offset="-10", unit="kW", sign="-1"))["meter_power"]
    assert point.value_of(30) == -5_000
    assert point.raw_for(-5_000) == 30


@given(st.sampled_from(sorted(POINTS)), st.integers(-(2**31), 2**32 - 1))
def test_raw_values_survive_their_registers(key: str, raw: int) -> None:
    point: Point = POINTS[key]
    bits = 16 * point.registers
    lowest, highest = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if point.signed else (0, (1 << bits) - 1)
    held = min(highest, max(lowest, raw))
    assert point.raw_of(point.registers_of(held)) == held


@pytest.mark.parametrize(
    ("key", "column", "value"),
    [
        ("meter_power", "key", "meter_pwoer"),
        ("meter_power", "name_zh", ""),
        ("meter_power", "protocol", "iec104"),
        ("meter_power", "unit_id", "248"),
        ("meter_power", "function", "5"),
        ("meter_power", "type", "BIT"),
        ("meter_power", "address", "65535"),
        ("meter_power", "address", "4x0001"),
        ("meter_power", "type", "FLOAT64"),
        ("meter_power", "byte_word_order", "ACBD"),
        ("meter_power", "scale", "0"),
        ("meter_power", "scale", "0,1"),
        ("meter_power", "offset", "nan"),
        ("meter_power", "sign", "0"),
        ("meter_power", "unit", "kWh"),
        ("meter_power", "max", "-50001"),
        ("meter_power", "access", "W"),
        ("meter_power", "access", "RW"),
        ("set_power", "access", "R"),
        ("meter_power", "class", "AI"),
        ("meter_power", "poll_ms", "-1"),
        ("meter_power", "deadband", ""),
        ("meter_power", "alarm_level", "10"),
        ("pcs_state", "enumeration", ""),
        ("pcs_state", "enumeration", "0:off"),
        ("pcs_state", "enumeration", "0=asleep"),
    ],
)
def test_a_wrong_cell_is_named_by_file_line_and_column(tmp_path: Path, key: str, column: str, value: str) -> None:
    path = _table(tmp_path, key, **{column: value})
    with pytest.raises(PointCellWrong) as refusal:
        read_table(path)
    line = 2 + list(POINTS).index(key)
    assert (refusal.value.file, refusal.value.line, refusal.value.column) == ("table.csv", line, column)


def test_a_row_written_twice_is_named(tmp_path: Path) -> None:
    path = _table(tmp_path, "meter_power")
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[1]]), encoding="utf-8")
    with pytest.raises(PointCellWrong) as refusal:
        read_table(path)
    assert (refusal.value.line, refusal.value.column) == (2 + len(POINTS), "key")


def test_a_row_with_too_few_cells_is_named(tmp_path: Path) -> None:
    path = _table(tmp_path, "meter_power")
    path.write_text(path.read_text(encoding="utf-8") + "heartbeat,心跳\n", encoding="utf-8")
    with pytest.raises(PointCellWrong) as refusal:
        read_table(path)
    assert refusal.value.column == "name_en"


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("key,name_zh\n")
    with pytest.raises(PointCellWrong) as refusal:
        read_table(path)
    assert (refusal.value.line, refusal.value.column) == (1, "name_en")


def test_a_table_without_a_needed_point_is_refused(tmp_path: Path) -> None:
    path = _table(tmp_path, "meter_power")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("battery_soc,")]
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(PointsIncomplete) as refusal:
        read_table(path)
    assert refusal.value.keys == ("battery_soc",)


def test_requests_never_read_between_points_nor_beyond_125_registers() -> None:
    blocks = blocks_of(POINTS.values())
    assert [(b.function, b.address, b.count) for b in blocks] == [(3, 1000, 5), (4, 100, 9), (4, 200, 12)]


def test_a_metered_energy_out_of_range_is_never_passed_on() -> None:
    with pytest.raises(PointOutOfRange) as failure:
        sample_of(POINTS, raws(meter_import=4_294_967_295))
    assert (failure.value.point, failure.value.raw) == ("meter_import", 4_294_967_295)


def test_another_value_out_of_range_is_flagged_and_charge_clipped() -> None:
    sample = sample_of(POINTS, raws(battery_soc=1_200))
    assert (sample.quality, sample.soc_bp) == (Quality.OUT_OF_RANGE, 10_000)


def test_states_and_alarms_carry_the_tables_names() -> None:
    sample = sample_of(POINTS, raws(pcs_state=5, alarm_word=0b100001))
    assert sample.pcs_state is PcsState.FAULT
    assert sample.alarms == ("故障跳闸", "关口功率受限")
    assert sample.quality == Quality.ALARM
    assert sample_of(POINTS, raws(pcs_state=4)).pcs_state is PcsState.UNKNOWN


def test_points_that_are_left_out_of_a_table_are_flagged() -> None:
    points = {key: point for key, point in POINTS.items() if key not in {"battery_soh", "pcs_state", "alarm_word"}}
    sample = sample_of(points, raws())
    assert (sample.quality, sample.soh_bp, sample.pcs_state) == (Quality.NOT_IMPLEMENTED, 0, PcsState.UNKNOWN)


def _table(folder: Path, key: str, /, **cells: str) -> Path:
    """A copy of the shipped table with some cells of one row changed."""
    lines = CHINESE_EMS.read_text(encoding="utf-8").splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(f"{key},"))
    row = dict(zip(COLUMNS, lines[at].split(","), strict=True)) | {
        column: f'"{value}"' if "," in value else value for column, value in cells.items()
    }
    lines[at] = ",".join(row[column] for column in COLUMNS)
    path = folder / "table.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


HEADER = ",".join(COLUMNS)
CELLS = "cluster.[1-2].cell.[1-3].voltage,{}簇{}号,cluster {} cell {},modbus,3,4,10,UINT16,ABCD,1,0,1,mV,0,5000,R,YC,1000,0,0,"
FLAG = "pcs.remote,远方,Remote,modbus,3,4,7,BIT3,ABCD,1,0,1,,0,1,R,YX,1000,0,2,"
WORD = "pcs.alarms,告警字,Alarms,modbus,3,4,8,BITS32,CDAB,1,0,1,,0,4294967295,R,YX,1000,0,3,0=过温;17=漏水"
REAL = "hvac.power,功率,Power,modbus,3,4,5,FLOAT32,CDAB,1,0,-1,kW,-10,10,R,YC,1000,0,0,"


def test_a_run_stands_for_its_points_in_order() -> None:
    points = read(CELLS)
    assert list(points) == [f"cluster.{k}.cell.{n}.voltage" for k in (1, 2) for n in (1, 2, 3)]
    assert [point.address for point in points.values()] == list(range(10, 16))
    assert points["cluster.2.cell.1.voltage"].name_zh == "2簇1号"


def test_bits_words_and_floats_are_read_as_the_table_says() -> None:
    flag, word, real = read(FLAG)["pcs.remote"], read(WORD)["pcs.alarms"], read(REAL)["hvac.power"]
    assert (flag.raw_of([0b1000]), flag.raw_of([0b0111]), flag.alarms_of(1)) == (1, 0, ("远方",))
    assert word.raw_of([0x0001, 0x8002]) == 0x80020001
    assert word.alarms_of(0x00020001) == ("告警字：过温", "告警字：漏水")
    assert value(real, 0x0000, 0x4020) == -2_500  # 2.5 kW in, IEEE 754, words swapped
    assert real.raw_of([0x0000, 0x7FC0]) is None
    assert real.registers_of(real.raw_for(-2_500)) == [0x0000, 0x4020]


@pytest.mark.parametrize(
    ("row", "changed", "column"),
    [
        (CELLS, {"key": "cluster.[2-1].cell.[1-3].voltage"}, "key"),
        (CELLS, {"name_zh": "{}簇"}, "name_zh"),
        (CELLS, {"address": "65531"}, "address"),
        (CELLS, {"type": "BIT3"}, "type"),
        (CELLS, {"unit": "mΩ2"}, "unit"),
        (CELLS, {"scale": "1e9"}, "scale"),
        (CELLS, {"deadband": "-1"}, "deadband"),
        (FLAG, {"scale": "2"}, "scale"),
        (FLAG, {"function": "3", "access": "RW"}, "access"),
        (FLAG, {"key": "Remote"}, "key"),
        (WORD, {"enumeration": ""}, "enumeration"),
        (WORD, {"key": "identity", "type": "UINT16"}, "max"),
        (REAL, {"protocol": "mqtt", "function": "0"}, "type"),
        (REAL, {"protocol": "mqtt", "type": "NUMBER"}, "function"),
    ],
)
def test_a_wrong_cell_of_a_devices_table_is_named(row: str, changed: dict[str, str], column: str) -> None:
    cells = dict(zip(COLUMNS, row.split(","), strict=True)) | changed
    with pytest.raises(PointCellWrong) as refusal:
        read(",".join(cells[name] for name in COLUMNS))
    assert (refusal.value.line, refusal.value.column, refusal.value.value) == (2, column, cells[column])


@pytest.mark.parametrize("name", sorted(shipped()))
def test_every_shipped_table_can_be_read_and_names_every_point_in_both_languages(name: str) -> None:
    points = read_points(shipped()[name])
    assert all(point.name_zh and point.name_en and point.name_zh != point.name_en for point in points.values())
    assert name in ("chinese_ems", "mqtt_ems") or points["identity"].lowest > 0


def read(*rows: str) -> dict[str, Point]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
        return read_points(path)


def value(point: Point, *registers: int) -> int:
    raw = point.raw_of(registers)
    assert raw is not None
    return point.value_of(raw)


@pytest.mark.parametrize(("raw", "told"), [((1, 1), True), ((1, 7), None), ((0, 7), False), ((1, None), None)])
def test_parts_say_yes_only_together_and_a_doubtful_one_keeps_it_unknown(
    raw: tuple[int, int | None], told: bool | None
) -> None:
    keys = ("cluster.1.contactor_closed", "cluster.2.contactor_closed")
    parts = {key: replace(POINTS["pcs_state"], key=key, lowest=Decimal(0), highest=Decimal(1)) for key in keys}
    seen = sample_of({**POINTS, **parts}, {**raws(), **dict(zip(keys, raw, strict=True))})
    assert seen.contactor_closed is told


def test_limits_of_zero_are_the_devices_word_where_its_table_has_them() -> None:
    without = {key: value for key, value in raws().items() if key != "battery_soh"}
    assert sample_of(POINTS, without).states_limits
    unknown = {key: value for key, value in without.items() if key not in ("charge_limit", "discharge_limit")}
    assert not sample_of(POINTS, unknown).states_limits
