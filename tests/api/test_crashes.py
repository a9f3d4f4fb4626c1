"""P1, P3, P4, P25: the service killed (-9) between any two steps of ingest, archive and anchor loses and doubles nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("crash_driver.py")
T0 = 1_767_204_000_000
E0 = T0 // 900_000
DEFAULT_SAMPLE = 12
"""Kill points of the default run, spread over all; `make campaign-steps` (an hour) takes every one."""


def run(config: dict, folder: Path) -> list[dict]:
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    done = subprocess.run(
        [sys.executable, str(DRIVER), str(path)], capture_output=True, text=True, check=False, timeout=7200
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def config_of(service, tmp_path: Path, settings_of, upload_body) -> dict:
    settings_of(tmp_path / "template")
    meter, battery, other = service.box(), service.box(channel=2), service.box(2)
    uploads = [[meter.seal(T0, 8), other.seal(T0, 0)], [meter.seal(T0 + 480_000, 7), battery.seal(T0, 15)]]
    names = []
    for at, sealed in enumerate(uploads):
        path = tmp_path / f"upload-{at}"
        path.write_bytes(upload_body(*sealed))
        names.append({"path": str(path), "segments": ["0x" + one.signed.digest.hex() for one in sealed]})
    return {
        "url": service.world.anvil.url, "base": str(tmp_path), "template": str(tmp_path / "template"),
        "uploads": names, "end_s": (E0 + 2) * 900 + 240, "control": False, "kill_at": [0],
    }  # fmt: skip


def spread(steps: int, sample: int) -> list[int]:
    return sorted({1 + at * (steps - 1) // (sample - 1) for at in range(sample)})


def check(config: dict, tmp_path: Path, *, sample: int | None, capsys) -> None:
    (reference,) = run(config, tmp_path)
    assert [mark[0] for mark in reference["checkpoints"]] == [E0, E0 + 1]
    steps = reference["steps"]
    points = list(range(1, len(steps) + 1)) if sample is None else _chosen(steps, sample)
    told = run(config | {"kill_at": points}, tmp_path)
    names = ("lost", "doubled", "acks_differ", "log_differs", "missing_blocks", "unread")
    with capsys.disabled():
        counts = ", ".join(f"{name} {sum(case[name] for case in told)}" for name in names)
        print(f"\nkilled {len(told)} times at {len(steps)} steps: {counts}")
    assert all(case["died"] == -9 for case in told)
    for name in names:
        assert sum(case[name] for case in told) == 0, name
    for at, case in zip(points, told, strict=True):
        assert case["checkpoints"] == reference["checkpoints"], steps[at - 1]
        assert case["archive"] == reference["archive"], steps[at - 1]


def _chosen(steps: list[str], sample: int) -> list[int]:
    """Steps that write something, evenly, the rest of the sample among the others."""
    writing = [at for at, name in enumerate(steps, start=1) if "eth_" not in name and "evm_" not in name]
    telling = [at for at, name in enumerate(steps, start=1) if "eth_sendRawTransaction" in name]
    picked = {writing[index - 1] for index in spread(len(writing), sample - len(telling))}
    return sorted(picked | set(telling))


def test_nothing_is_lost_or_doubled_when_the_service_is_killed_between_steps(
    service, tmp_path, settings_of, upload_body, capsys
) -> None:
    check(config_of(service, tmp_path, settings_of, upload_body), tmp_path, sample=DEFAULT_SAMPLE, capsys=capsys)


@pytest.mark.campaign
def test_nothing_is_lost_or_doubled_when_the_service_is_killed_at_every_step(
    service, tmp_path, settings_of, upload_body, capsys
) -> None:
    check(config_of(service, tmp_path, settings_of, upload_body), tmp_path, sample=None, capsys=capsys)


def test_harness_finds_a_loss_when_acknowledgements_leave_before_the_commit(
    service, tmp_path, settings_of, upload_body
) -> None:
    config = config_of(service, tmp_path, settings_of, upload_body)
    (reference,) = run(config, tmp_path)
    first_commit = reference["steps"].index("before commit") + 1
    (told,) = run(config | {"control": True, "kill_at": [first_commit], "uploads": config["uploads"][:1]}, tmp_path)
    assert (told["died"], told["lost"]) == (-9, 2)
