"""`alliance reader`: a key is made once, its public half told, and a file that others may read is refused."""

import json
import subprocess
from pathlib import Path

from oracle.grant import load_reader
from simulation.processes import program


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program("alliance"), "reader", *arguments], capture_output=True, text=True, check=False)


def test_key_is_made_once_and_told_the_same_when_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "reader.key"
    first = run(str(path), "--json")
    assert first.returncode == 0, first.stderr
    assert run(str(path), "--json").stdout == first.stdout
    told, key = json.loads(first.stdout), load_reader(path)
    assert (told["publicKey"], told["fingerprint"]) == ("0x" + key.public.hex(), key.fingerprint)
    assert path.stat().st_mode & 0o777 == 0o600
    assert key.public.hex() not in path.read_text()
    assert told["fingerprint"] in run(str(path)).stdout


def test_key_is_refused_in_one_line_when_others_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "reader.key"
    path.write_text("5a" * 32)
    path.chmod(0o644)
    done = run(str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [f"alliance reader: key_file_exposed: path={path}, mode=0o644"]
