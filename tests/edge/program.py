"""Files with which the tests start the real program `alliance-edge`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from oracle.deployment import CONTRACTS
from tests.edge.peer import WRITER

ROOT = Path(__file__).parents[2]
_CONTRACT = {"address": "0x" + "11" * 20, "block": 1, "codeHash": "0x" + "22" * 32}
DEPLOYMENT: dict[str, Any] = {
    "v": 1, "chainId": 31337, "genesisHash": "0x" + "33" * 32, "epochSeconds": 900, "startEpoch": 1,
    "contracts": dict.fromkeys(CONTRACTS, _CONTRACT),
}  # fmt: skip
"""A deployment whose domain is that of the vectors."""

TOML = f"""
state = "state"
service_url = "http://127.0.0.1:8080"
deployment = "deployment.json"
station = 4
acknowledgers = ["0x{WRITER.address.hex()}"]
tick_s = 60

[device]
kind = "sunspec"
port = 5020

[limits]
charge_power_w = 1_000_000
discharge_power_w = 1_000_000
capacity_wh = 2_000_000
soc_min_bp = 500
soc_max_bp = 9_800
pcc_import_w = 3_000_000
pcc_export_w = 1_000_000
ramp_w_per_s = 100_000
"""


def plain() -> dict[str, Any]:
    """The settings of TOML as JSON values."""
    return {
        "state": "state", "service_url": "http://127.0.0.1:8080", "deployment": "deployment.json", "station": 4,
        "acknowledgers": ["0x" + WRITER.address.hex()], "tick_s": 60,
        "device": {"kind": "sunspec", "port": 5020},
        "limits": {
            "charge_power_w": 1_000_000, "discharge_power_w": 1_000_000, "capacity_wh": 2_000_000,
            "soc_min_bp": 500, "soc_max_bp": 9_800, "pcc_import_w": 3_000_000, "pcc_export_w": 1_000_000,
            "ramp_w_per_s": 100_000,
        },
    }  # fmt: skip


def settings_at(folder: Path, **changes: Any) -> Path:
    """Write deployment and settings; returns the settings' path."""
    (folder / "deployment.json").write_text(json.dumps(DEPLOYMENT))
    path, passphrase = folder / "edge.json", folder / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text("correct horse battery staple\n")
    path.write_text(json.dumps({**plain(), "passphrase_file": "passphrase", **changes}))
    return path


def edge(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [sys.executable, "-m", "edge.main", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip


def started(config: Path) -> subprocess.Popen[str]:
    """Start `alliance-edge run`."""
    return subprocess.Popen(
        [sys.executable, "-m", "edge.main", "run", "--config", str(config)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
