"""Point tables: raw registers become our units and signs, and a bad row is named by file, line and column."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.devices.points import COLUMNS, Point, PointCellWrong, PointsIncomplete, read_table
from edge.devices.station import PcsState, PointOutOfRange, Quality
from edge.devices.table import blocks_of, sample_of
from edge.tables import CHINESE_EMS

POINTS = read_table(CHINESE_EMS)


def raws(**changed: int) -> dict[str, int]:
    return {**dict.fromkeys(POINTS, 0), "frequency": 50_000, **changed}


def test_registers_of_the_shipped_table_mean_what_its_maker_says() -> None:
    """Words low first: 0xFFFF_63C0 = −40,000 hundredths of a kW, charge-positive: 400 kW discharging."""
    power = POINTS["battery_power"]
    assert power.value_of(power.raw_of([0x63C0, 0xFFFF])) == 400_000
    energy = POINTS["meter_import"]
    assert energy.value_of(energy.raw_of([0x0001, 0x0001])) == 655_370  # 6553.70 kWh
    assert POINTS["battery_soc"].value_of(POINTS["battery_soc"].raw_of([805])) == 8_050
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
        ("meter_power", "function", "2"),
        ("meter_power", "address", "65535"),
        ("meter_power", "address", "4x0001"),
        ("meter_power", "type", "FLOAT32"),
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
