"""What a new user meets: help, settings that explain themselves, a check that says what is missing, one line for an error."""

import json
import stat
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alliance.identity import to_hex
from cli.configure import app as configure_app
from edge.configurable import configured
from edge.evidence.store import open_store
from edge.health.event_log import FOLDER, EventLog, files_of
from edge.main import app, main
from oracle import configuration as configurations
from oracle.keys import load
from tests.edge.peer import DOMAIN, WRITER
from tests.edge.program import DEPLOYMENT, settings_at
from tests.edge.rig import folder_at

RUN = CliRunner()


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Exit code and the one line on standard error of a command that fails."""

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["alliance-edge", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr().err
        assert said.count("\n") == 1, said
        assert isinstance(ended.value.code, int)
        return ended.value.code, said

    return run


def test_init_writes_settings_that_load_once_filled_in_and_keeps_what_stands(
    tmp_path: Path, refused: Callable[..., tuple[int, str]]
) -> None:
    path = tmp_path / "etc" / "box.toml"
    arguments = ["init", "--config", str(path), "--station", "4", "--state", str(tmp_path / "state")]
    told = RUN.invoke(app, [*arguments, "--acknowledger", to_hex(WRITER.address)])
    assert told.exit_code == 0, told.output
    assert stat.S_IMODE((path.parent / "passphrase").stat().st_mode) == 0o600
    assert len((path.parent / "passphrase").read_text().strip()) == 48
    text = path.read_text()
    assert "@" not in text
    assert sum("#" in line for line in text.splitlines()) > 25, "it explains itself"
    settings = configured(path, {})
    assert (settings.station, settings.page_port, settings.limits.charge_power_w) == (4, 8_090, 0)
    assert settings.acknowledgers == (WRITER.address,)
    commented = text.replace("# demand_w", "demand_w").replace("# uplink", "uplink").replace("# frequency", "frequency")
    assert tomllib.loads(commented)["limits"]["demand_w"] == 900_000
    (path.parent / "passphrase").write_text("mine")
    code, said = refused(*arguments)
    assert (code, "settings_exist" in said, "设置文件已存在" in said) == (3, True, True)
    assert ((path.parent / "passphrase").read_text(), path.read_text()) == ("mine", text)


def test_check_says_line_by_line_what_is_missing(tmp_path: Path) -> None:
    path = settings_at(
        tmp_path, device={"kind": "table", "port": 1, "timeout_ms": 200}, service_url="http://127.0.0.1:1"
    )
    told = RUN.invoke(app, ["check", "--config", str(path)])
    lines = told.output.splitlines()
    assert told.exit_code == 3
    assert [line[0] for line in lines] == ["✓", "✓", "✓", "✓", "✓", "✓", "✗", "✗"]
    assert "device_unreachable" in lines[6]
    assert "service_unreachable" in lines[7]
    assert not (tmp_path / "state").exists(), "nothing is written"
    (tmp_path / "deployment.json").unlink()
    assert "✗ 部署" in RUN.invoke(app, ["check", "--config", str(path)]).output
    assert RUN.invoke(app, ["check", "--config", str(tmp_path / "none.toml")]).output.startswith("✗ 设置")


def test_error_says_what_to_do_in_both_languages(tmp_path: Path, refused: Callable[..., tuple[int, str]]) -> None:
    code, said = refused("status", "--config", str(tmp_path / "none.toml"))
    assert code == 4
    assert "用 alliance-edge init 生成; `alliance-edge init` writes one" in said


def test_events_are_told_in_chinese_first_and_the_first_broken_one_is_named(tmp_path: Path) -> None:
    path = settings_at(tmp_path, plain_key_allowed=True)
    folder = folder_at(tmp_path / "state")
    log = EventLog(
        tmp_path / "state" / FOLDER, folder.store, device=folder.device, domain=DOMAIN, signer=lambda: folder.signer
    )
    log.note("started", t_ms=1_789_000_000_000, version="0.1.0", clean=True)
    log.note("alarm.raised", t_ms=1_789_000_001_000, alarm="device.unreadable", reason="x")
    log.note("control.mode", t_ms=1_789_000_002_000, before="remote", after="local")
    assert log.flush(t_ms=1_789_000_002_000)
    folder.close()

    def events(*more: str, code: int = 0) -> str:
        told = RUN.invoke(app, ["events", "--config", str(path), *more])
        assert told.exit_code == code, told.output
        return told.output

    table = events().splitlines()
    assert table[0].split() == ["编号", "时间", "事件"]
    assert table[2].endswith("告警发生  设备无应答  reason x")
    assert table[3].endswith("控制权切换  远方 → 就地")
    assert "control switched  remote → local" in events("--lang", "en")
    assert [json.loads(line)["n"] for line in events("--json", "--last", "2").splitlines()] == [2, 3]
    assert events("--verify").startswith("完整：第 1–3 条")
    head = tmp_path / "head.json"
    head.write_text(events("--head"))
    assert json.loads(events("--verify", "--json", "--against", str(head)))["signedTo"] == 3
    [file] = files_of(tmp_path / "state" / FOLDER)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[1].replace(b'"reason":"x"', b'"reason":"y"') + lines[2])
    assert events("--verify", code=3).startswith("损坏：第 2 条（日志第 2 行）内容被改动")
    file.write_bytes(lines[0] + lines[1])
    broken = json.loads(events("--verify", "--json", code=3))["broken"]
    assert (broken["number"], broken["how"]) == (3, "cut_at_end")


def test_signed_configuration_is_checked_before_it_is_brought_to_the_box(
    tmp_path: Path, refused: Callable[..., tuple[int, str]]
) -> None:
    (tmp_path / "deployment.json").write_text(json.dumps(DEPLOYMENT))
    out, key = tmp_path / "c.cbor", tmp_path / "configurer.key"

    def signed(number: int, *values: str) -> None:
        told = RUN.invoke(
            configure_app,
            ["--station", "4", "--number", str(number), "--deployment", str(tmp_path / "deployment.json"), "--key",
             str(key), "--out", str(out), *values],
        )  # fmt: skip
        assert told.exit_code == 0, told.output

    signed(1, "live_ticks=5", "log_level=error", "shave_demand=false", "limits.charge_power_w=400000")
    body = configurations.body_of(configurations.read(out.read_bytes()).configuration.body)
    assert dict(body.values) == {
        "live_ticks": 5, "log_level": "error", "shave_demand": False, "limits.charge_power_w": 400_000,
    }  # fmt: skip
    path = settings_at(tmp_path, configurers=[to_hex(load(key).address)])
    code, said = refused("configure", str(out), "--config", str(path))
    assert (code, "box_missing" in said) == (4, True)
    (tmp_path / "state").mkdir()
    open_store(
        tmp_path / "state" / "outbox.sqlite", alliance=DOMAIN.alliance, quota_bytes=64 << 20, reserve_bytes=1 << 20
    ).close()
    brought = RUN.invoke(app, ["configure", str(out), "--config", str(path)])
    assert brought.exit_code == 0, brought.output
    assert (tmp_path / "state" / "configuration.in").read_bytes() == out.read_bytes()
    signed(2, "limits.charge_power_w=1000001")
    code, said = refused("configure", str(out), "--config", str(path))
    assert (code, "limit_loosened" in said, "远程只能收紧限值" in said) == (3, True, True)
