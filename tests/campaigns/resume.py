"""Days of the real command: `alliance demo --once --json`, then `--resume`: `python -m tests.campaigns.resume [--days N]`.

Each day is played by a new run of the console script on the state that the last one left, and audited by it; the last
one stays up until Ctrl-C. Then the chain comes back alone, and every day is audited again. The last line is JSON; exit code 0 when all pass.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from alliance.calendar import day_of
from simulation import readers
from simulation.anvil import Anvil
from simulation.founding import genesis_s
from simulation.processes import program
from tests.demo_day import DAY
from tests.journeys.faults import names_of_children
from tests.journeys.traces import audit, traces

_PATIENCE_S = 3_600


def play(state: Path, *, resume: bool) -> tuple[int, dict[str, Any]]:
    """Exit code and last line of a run that ends with its day."""
    done = subprocess.run(
        [*_command(state, resume=resume), "--once"], stdout=subprocess.PIPE, text=True, check=False, timeout=_PATIENCE_S
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return done.returncode, result


def play_and_stay(state: Path) -> tuple[int, dict[str, Any], int]:
    """Exit code and result of a run that stays up, ended by Ctrl-C, and the status that its service answered with."""
    child = subprocess.Popen(_command(state, resume=True), stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout is not None
    with child.stdout:
        result: dict[str, Any] = json.loads(child.stdout.readline())
        settings = tomllib.loads((state / "service" / "service.toml").read_text())
        status = httpx.get(f"http://127.0.0.1:{settings['port']}/healthz", trust_env=False).status_code
        os.killpg(child.pid, signal.SIGINT)
        return child.wait(_PATIENCE_S), result, status


def _command(state: Path, *, resume: bool) -> list[str]:
    return [program("alliance"), "demo", "--json", "--state", str(state), *(["--resume"] if resume else [])]


def audited_again(state: Path, days: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """The verdict on each day with nothing but the chain and the archive, and what stands on them."""
    with Anvil(genesis_s=genesis_s(DAY), state=state / "chain.json", state_interval_s=3_600) as anvil:
        archive, deployment = state / "service" / "archive", state / "deployment.json"
        key = readers.key_file(state, readers.AUDITOR)
        verdicts = [audit(day_of(day), rpc=anvil.url, archive=archive, deployment=deployment, key=key) for day in days]
        counts = traces(state, anvil.url).counts()
    return [str(said["divergence"] or said["verdict"]) for _, said in verdicts], counts


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the days; 0 when each ended with 0, all audits pass, and no process is left."""
    parser = argparse.ArgumentParser(prog="tests.campaigns.resume", description="Play some days one after another.")
    parser.add_argument("--days", type=int, default=2, choices=range(2, 30), metavar="N")
    chosen = parser.parse_args(arguments)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "demo"
        played = [play(state, resume=bool(number)) for number in range(chosen.days - 1)]
        code, result, status = play_and_stay(state)
        played.append((code, result))
        left = len(names_of_children(state))
        again, counts = audited_again(state, [result["day"] for _, result in played])
    told = {
        "days": [result["day"] for _, result in played],
        "exit_codes": [code for code, _ in played],
        "audits": [result["audit"] for _, result in played],
        "audits_again": again,
        "net_sum_cents": [result["net_sum_cents"] for _, result in played],
        "page_status": status,
        "processes_left": left,
        **counts,
        "wall_s": round(time.monotonic() - begun, 1),
    }
    print(json.dumps(told))
    wrong = [counts[name] for name in counts if name in ("lost", "anchored_twice", "settled_twice", "readings_twice")]
    passed = set(told["audits"]) == set(again) == {"pass"} and counts["settled"] == chosen.days and status == 200
    clean = not any(told["exit_codes"]) and not any(told["net_sum_cents"]) and left + sum(wrong) == 0
    return 0 if passed and clean else 1


if __name__ == "__main__":
    sys.exit(main())
