"""`alliance-edge table export` and `alliance-edge probe`: what a station reads as a document, and what answers where."""

import asyncio
import csv
import io
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edge.devices.document import as_csv, as_markdown, decimal
from edge.devices.link import ModbusLink
from edge.devices.open import PartSettings, device_of
from edge.devices.probe import DeviceUnknown, SunSpecFound, TableFound, probe
from edge.devices.station import DeviceUnreachable
from edge.devices.tables import PointCellWrong
from edge.devices.vocabulary import COLUMNS
from edge.main import _host_port, app
from edge.tables import shipped

Benches = Callable[..., Any]
TABLES = list(shipped().values())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_point_of_every_device_is_a_row_of_the_document(language: str) -> None:
    devices = [device_of(PartSettings(table=Path(name))) for name in ("bms", "pcs")]
    rows = list(csv.reader(io.StringIO(as_csv(devices, language=language).removeprefix("\ufeff"))))
    points = [point for device in devices for key, point in device.points.items() if key != "identity"]
    assert rows[0][:2] == {"zh": ["设备", "标识"], "en": ["Device", "Key"]}[language]
    assert len(rows[0]) == len(COLUMNS) + 1
    assert [row[1] for row in rows[1:]] == [point.key for point in points]
    cell = next(row for row in rows if row[1] == "cluster.2.pack.4.cell.16.voltage")
    assert cell[2] == "2簇4包16号单体电压"
    assert cell[5:9] == ["3", "4", "1127", "UINT16"]
    markdown = as_markdown(devices, language=language).splitlines()
    assert len(markdown) == len(points) + 2
    assert {line.replace("\\|", "").count("|") for line in markdown} == {len(COLUMNS) + 2}


def test_numbers_are_written_as_people_write_them() -> None:
    written = [decimal(Fraction(text)) for text in ("0.01", "-2.5", "100", "1/3", "-0.001", "40000000")]
    assert written == ["0.01", "-2.5", "100", "1/3", "-0.001", "40000000"]


def test_the_command_writes_the_document_and_names_a_wrong_row(tmp_path: Path) -> None:
    out = tmp_path / "points.md"
    done = CliRunner().invoke(app, ["table", "export", "--table", "fire", "--format", "md", "--out", str(out)])
    assert done.exit_code == 0
    assert "| fire.smoke.3 | 3区烟感 |" in out.read_text(encoding="utf-8")
    bad = tmp_path / "bad.csv"
    bad.write_text(shipped()["fire"].read_text(encoding="utf-8").replace(",UINT16,", ",WORD,", 1), encoding="utf-8")
    failed = CliRunner().invoke(app, ["table", "export", "--table", str(bad)])
    assert isinstance(failed.exception, PointCellWrong)
    assert (failed.exception.file, failed.exception.line, failed.exception.column) == ("bad.csv", 2, "type")
    assert failed.exception.value == "WORD"


async def asked(port: int, unit_id: int = 0) -> tuple[Any, ...]:
    link = ModbusLink(host="127.0.0.1", port=port, timeout_s=0.3)
    try:
        return await probe(link, unit_id=unit_id, tables=TABLES)
    finally:
        link.close()


@pytest.mark.parametrize(
    ("kind", "generation", "models"),
    [
        ("sunspec", "newer", (1, 203, 701, 702, 704, 713, 715)),
        ("older", "older", (1, 103, 120, 121, 122, 123, 124, 203, 203)),
    ],
)
def test_a_sunspec_device_tells_who_it_is(bench: Benches, kind: str, generation: str, models: tuple[int, ...]) -> None:
    async def play() -> None:
        async with bench(kind) as b:
            (found,) = await asked(b.port)
            assert found == SunSpecFound(
                unit_id=1, maker="Alliance Simulation", model="bench", version="1", serial="1", models=models,
                generation=generation,
            )  # fmt: skip

    asyncio.run(play())


def test_each_shipped_device_is_told_by_its_identity_and_by_no_other(bench: Benches) -> None:
    async def play() -> None:
        async with bench("parts") as b:
            seen = [(part.table.name, await asked(part.port)) for part in b.device.settings]
            assert [name for name, _ in seen] == ["meter", "pcs", "bms", "hvac", "fire"]
            for name, found in seen:
                assert [device.table for device in found] == [name]
                assert isinstance(found[0], TableFound)

    asyncio.run(play())


def test_an_unknown_device_is_told_with_every_try_and_nobody_listening_by_name(bench: Benches, free_port: int) -> None:
    async def play() -> None:
        with pytest.raises(DeviceUnreachable):
            await asked(free_port)
        async with bench("table") as b:
            with pytest.raises(DeviceUnknown) as unknown:
                await asked(b.port)
            assert len(unknown.value.tried) == 6
            assert unknown.value.tried[0] == "SunSpec, unit 1: no SunSpec mark"
            assert all("device_refused" in line or "device_silent" in line for line in unknown.value.tried[1:])

    asyncio.run(play())


@pytest.mark.parametrize(
    ("where", "want"),
    [
        ("10.0.0.9", ("10.0.0.9", 502)), ("box:1502", ("box", 1502)), ("[::1]:1502", ("::1", 1502)), ("[::1]", ("::1", 502)),
        ("/dev/ttyS1", ("/dev/ttyS1", 0)),
    ],
)  # fmt: skip
def test_host_and_port_are_read_as_people_write_them(where: str, want: tuple[str, int]) -> None:
    assert _host_port(where) == want


def test_the_command_tells_what_answers_as_json(bench: Benches) -> None:
    async def play() -> None:
        async with bench("sunspec") as b:
            done = await asyncio.to_thread(CliRunner().invoke, app, ["probe", f"127.0.0.1:{b.port}"])
            assert json.loads(done.stdout)[0]["kind"] == "sunspec"
            assert json.loads(done.stdout)[0]["models"][0] == 1

    asyncio.run(play())
