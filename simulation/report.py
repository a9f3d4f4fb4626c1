"""What a played day came to: energy, savings, leases, fee and nets of each party, proof of the plan, gas, verdict."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alliance.identity import Address, MemberId, address
from chain.rpc import Rpc
from oracle import deployment as deployments
from simulation.cast import STATIONS
from simulation.demo import Played
from simulation.membership import ServiceSession
from simulation.processes import program


@dataclass(frozen=True, slots=True, kw_only=True)
class Gas:
    """Gas of all transactions, and of those that advanced the log."""

    total: int
    anchoring: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What `alliance audit` said: its exit code and its JSON."""

    exit_code: int
    said: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """Whether everything was recomputed without a difference."""
        return self.exit_code == 0

    @property
    def counts(self) -> Mapping[str, int]:
        """How many epochs, segments, readings and lines were recomputed."""
        return dict(self.said.get("counts") or {})


def audited(played: Played) -> Verdict:
    """Let the auditor recompute the day from the chain and the archive alone."""
    command = [
        program("alliance"), "audit", "--rpc", played.rpc_url, "--archive", str(played.archive),
        "--day", str(played.day), "--deployment", str(played.deployment), "--key", str(played.key), "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    said: Mapping[str, Any] = json.loads(lines[-1]) if lines else {"error": done.stderr.strip()[-500:]}
    return Verdict(exit_code=done.returncode, said=said)


def gas_spent(played: Played) -> Gas:
    """Gas of the chain so far, out of its receipts."""
    log = deployments.load(played.deployment)["AnchorLog"].address
    total = anchoring = 0
    with Rpc(played.rpc_url) as rpc:
        for number in range(rpc.head().number + 1):
            for receipt in _receipts(rpc, number):
                used = int(str(receipt["gasUsed"]), 16)
                total += used
                anchoring += used if _recipient(receipt) == log else 0
    return Gas(total=total, anchoring=anchoring)


def result(played: Played, *, token: str, verdict: Verdict, gas: Gas) -> dict[str, Any]:
    """The demo's result as one JSON object; amounts in cents, energies in Wh."""
    with ServiceSession(played.service_url, token=token) as operator:
        settled = operator.get(f"/v1/settlements/{played.day}")
        figures = operator.get(f"/v1/settlements/{played.day}/figures")
        schedules = operator.get("/v1/schedules", day=str(played.day))
    names = {s.owner: s.member_zh for s in STATIONS}
    parties = [{"id": p["account"], "kind": p["kind"], "net_cents": int(p["netCents"])} for p in settled["parties"]]
    readings = verdict.counts.get("readings", 0)
    return {
        "day": str(played.day),
        "members": [_member(f, names) for f in figures],
        "parties": parties,
        "net_sum_cents": sum(p["net_cents"] for p in parties),
        "readings": readings,
        "segments": verdict.counts.get("segments", 0),
        "epochs": verdict.counts.get("epochs", 0),
        "certified_gap": schedules[0]["certifiedGapPpm"] / 1_000_000 if schedules else None,
        "gas_total": gas.total,
        "gas_per_reading": round(gas.anchoring / readings, 1) if readings else None,
        "statement_root": settled["root"],
        "audit": "pass" if verdict.passed else verdict.said.get("divergence") or dict(verdict.said),
        "wall_s": round(played.wall_s, 1),
    }


def _member(figures: Mapping[str, Any], names: Mapping[MemberId, str]) -> dict[str, Any]:
    return {
        "name": names.get(MemberId(figures["member"]), str(figures["member"])),
        "charged_wh": figures["chargedWh"],
        "discharged_wh": figures["dischargedWh"],
        "saving_alone_cents": int(figures["savingAloneCents"]),
        "saving_together_cents": int(figures["savingTogetherCents"]),
        "lease_cents": int(figures["leaseCents"]),
        "fee_cents": int(figures["feeCents"]),
        "net_cents": int(figures["netCents"]),
    }


def _receipts(rpc: Rpc, number: int) -> list[dict[str, object]]:
    found = rpc.call("eth_getBlockReceipts", [hex(number)])
    return found if isinstance(found, list) else []


def _recipient(receipt: Mapping[str, object]) -> Address | None:
    to = receipt.get("to")
    return address(to) if isinstance(to, str) else None
