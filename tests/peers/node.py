"""Running the scripts of this folder with node and the repository's npm packages."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = Path(__file__).parent / "node_modules"


def ask(script: str, asked: dict[str, Any], *, needs: tuple[str, ...]) -> Any:
    """What a script prints for a JSON request; skips where node or a package is not installed."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    missing = [name for name in needs if not (PACKAGES / name).is_dir()]
    if missing:
        pytest.skip(f"npm packages are not installed: {', '.join(missing)}")
    done = subprocess.run(
        ["node", str(Path(__file__).with_name(script))],
        input=json.dumps(asked), capture_output=True, text=True, cwd=ROOT, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
