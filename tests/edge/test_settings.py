"""Settings: strict in every key, one line for everything that is wrong, and no seed outside the development chain."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge.devices.link import Transport
from edge.settings import SeedRefused, Settings, SettingsMalformed, SettingsMissing, check_fits, load
from oracle import deployment
from tests.edge.program import DEPLOYMENT, TOML, plain


def written(tmp_path: Path, **changes: Any) -> Path:
    value = {**plain(), **changes}
    path = tmp_path / "edge.json"
    path.write_text(json.dumps({key: item for key, item in value.items() if item is not ...}))
    return path


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text(TOML)
    assert load(tmp_path / "edge.toml") == load(written(tmp_path))


def test_curves_and_what_may_be_missing_are_read(tmp_path: Path) -> None:
    curve = [[3_500, 10_000], [3_650, 0]]
    limits = {**plain()["limits"], "charge_by_cell_mv": curve, "may_miss": ["heartbeat"], "heartbeat_ms": 120_000}
    read = load(written(tmp_path, limits=limits)).limits
    assert read.charge_by_cell_mv == ((3_500, 10_000), (3_650, 0))
    assert read.may_miss == ("heartbeat",)


def test_paths_start_at_the_settings_folder(tmp_path: Path) -> None:
    settings = load(written(tmp_path, state="state"))
    assert settings.state == tmp_path / "state"


def test_parts_are_read_and_their_files_start_at_the_settings_folder(tmp_path: Path) -> None:
    parts = [
        {"table": "meter", "host": "10.0.0.7"},
        {"table": "own/pcs.csv", "transport": "rtu", "host": "/dev/ttyS1", "parity": "E"},
        {"table": "mqtt_ems", "host": "broker", "port": 8883, "name": "ems-1", "ca_file": "ca.pem"},
    ]
    meter, pcs, ems = load(written(tmp_path, device={"kind": "table", "parts": parts})).device.parts
    assert (meter.table, meter.port, meter.transport) == (Path("meter"), 502, Transport.TCP)
    assert (pcs.table, pcs.transport, pcs.parity) == (tmp_path / "own/pcs.csv", Transport.RTU, "E")
    assert (ems.table, ems.ca_file, ems.password_file) == (Path("mqtt_ems"), tmp_path / "ca.pem", None)


def test_environment_overrides_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLIANCE_EDGE_LOG_LEVEL", "error")
    assert load(written(tmp_path)).log_level == "error"


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"station": ...}, "station: Field required"),
        ({"station": 0}, "station: Input should be greater"),
        ({"colour": "red"}, "colour: Extra inputs"),
        ({"device": {"kind": "sunspec", "colour": 1}}, "device: Value error, unknown keys: colour"),
        ({"device": {"kind": "morse"}}, "device.kind"),
        ({"device": {"kind": "table", "parts": [{"table": "bms", "baut": 9_600}]}}, "unknown keys: baut"),
        ({"device": {"kind": "table", "parts": [{"table": "bms", "parity": "X"}]}}, "parity"),
        ({"device": {"kind": "table", "parts": [{"host": "box"}]}}, "table"),
        ({"limits": {**plain()["limits"], "soc_min_bp": 9_999}}, "limits_contradictory"),
        ({"limits": {**plain()["limits"], "charge_by_cell_mv": [[3650, 0], [3500, 10000]]}}, "curve_malformed"),
        ({"limits": {**plain()["limits"], "may_miss": ["luck"]}}, "limits.may_miss"),
        ({"limits": {**plain()["limits"], "may_miss": [], "heartbeat_ms": 9_000}}, "less than two ticks"),
        ({"shave_demand": True}, "shave_demand wants limits.demand_w"),
        ({"acknowledgers": []}, "acknowledgers"),
        ({"acknowledgers": ["0x12"]}, "bad_hex"),
        ({"service_url": "http://example.org"}, "plain http is taken on loopback alone"),
        ({"service_url": "ftp://127.0.0.1"}, "want http"),
        ({"tick_s": 7}, "not a multiple of tick_s"),
        ({"pacer": "lockstep"}, "pacer_address must name"),
        ({"quota_bytes": 1 << 20}, "quota_bytes must exceed"),
        ({"seed": "xyz"}, "seed"),
    ],
)
def test_wrong_key_is_named_in_one_line(tmp_path: Path, changes: dict[str, Any], shown: str) -> None:
    with pytest.raises(SettingsMalformed) as wrong:
        load(written(tmp_path, **changes))
    assert shown in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_file_that_is_not_there_or_no_settings_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsMissing):
        load(tmp_path / "none.toml")
    for name, text in (("a.toml", "= 1"), ("a.json", "{"), ("b.json", "[]")):
        (tmp_path / name).write_text(text)
        with pytest.raises(SettingsMalformed):
            load(tmp_path / name)


def test_seed_is_refused_unless_the_chain_is_the_development_one(tmp_path: Path) -> None:
    settings = load(written(tmp_path, seed="00ff"))
    check_fits(settings, deployment.from_plain(DEPLOYMENT))
    with pytest.raises(SeedRefused) as refused:
        check_fits(settings, deployment.from_plain({**DEPLOYMENT, "chainId": 1}))
    assert (refused.value.want_chain_id, refused.value.got_chain_id) == (31337, 1)
    assert "00ff" not in repr(settings)


def test_sampling_that_is_no_part_of_the_epoch_is_refused(tmp_path: Path) -> None:
    settings: Settings = load(written(tmp_path, sample_s=70, tick_s=10))
    with pytest.raises(SettingsMalformed):
        check_fits(settings, deployment.from_plain(DEPLOYMENT))
