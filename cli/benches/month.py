"""The audit of a generated alliance: readings against hashing them, days of 100 stations, memory of 1 and 10 days.

Each figure stands beside its limit and beside what libraries alone take for the same signatures and hashes. Nothing is
read from a node: the facts of the chain are given. Each run of the memory figures is a process of its own.
"""

import json
import pickle
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from alliance.calendar import Day, day_of
from alliance.identity import Digest
from audit.auditor import audit_facts
from audit.blocks import Blocks
from audit.evidence import Evidence, EvidenceCheck, scope_of
from audit.facts import Facts
from audit.finding import Findings
from audit.keys import Keyring
from audit.manifests import LogWalk
from audit.opening import Opening
from audit.verdict import Outcome, Report
from chain.events import Checkpoint, StatementPosted
from cli.benches.auditing import NotPassed
from cli.benches.ground import Ground
from cli.benches.measure import Comparison, Figures, Finding, best_of, own_peak_kb
from oracle import block, scan
from oracle.hashing import keccak256
from oracle.segment import SealedSegment
from oracle.signature import SECP256K1, SecpSigner, recover
from oracle.signers import Signers
from simulation.span import BlockFile, Shape, Span

FIRST = day_of("2026-07-10")
STATIONS, MONTH_DAYS = 100, 31
LIMIT_MONTH_S = 30
"""Of processor time on one core, for a month of STATIONS at 15 minutes."""
AIM_READINGS_PER_S, AIM_OF_HASHING = 250_000, 0.3
"""Of one core, in segments of 60 readings; and against the speed of hashing the same bytes."""
SIGNATURES, HASHES = 1_000, 20_000
_DENSE = Shape(first=FIRST, days=1, stations=3, readings=60)
_WIDE = Shape(first=FIRST, days=2, stations=STATIONS)
_LONG = Shape(first=FIRST, days=10, stations=6, readings=15)


def run(ground: Ground) -> list[Finding]:
    """Segments of 60 readings; two days of a hundred stations at 15 minutes; one day and ten of six stations."""
    dense, wide, long = (ground.folder() / name for name in ("dense", "wide", "long"))
    return [*_readings(dense), _month(wide), _memory(long)]


def _readings(folder: Path) -> list[Finding]:
    """Log and evidence alone: every signature, salt, leaf, register and row of a day."""
    facts, blocks, day = _made(_DENSE, folder)
    kept: list[Evidence] = []
    ours = best_of(lambda: kept.append(_checked(facts, blocks, day)))
    evidence = list(_evidence(facts, blocks))
    plain = best_of(lambda: [sha256(raw).digest() for raw in evidence])
    sealed = [one for raw in evidence for one in block.decode(raw, facts.deployment.domain)]
    parts = best_of(lambda: _hashed_singly(sealed))
    blocks.close()
    name, count = "evidence of a day, 60 readings a segment", kept[-1].readings
    figures = {
        "segments": kept[-1].segments, "readings": count, "readings_per_s": round(count / ours.cpu_s),
        "aim_readings_per_s": AIM_READINGS_PER_S, "of_the_aim": round(count / ours.cpu_s / AIM_READINGS_PER_S, 2),
        "of_the_speed_of_hashing": round(plain.cpu_s / ours.cpu_s, 4),
        "of_the_speed_of_the_asked_hashes": round(parts.cpu_s / ours.cpu_s, 2), "aim_of_hashing": AIM_OF_HASHING,
    }  # fmt: skip
    return [
        Comparison(name=name, ours=ours, against="plain SHA-256 of the evidence blocks", theirs=plain, facts=figures),
        Comparison(
            name=name, ours=ours, facts=figures, theirs=parts,
            against="the hashes that the protocol asks of each reading, and each signature recovered, nothing else",
        ),
    ]  # fmt: skip


def _month(folder: Path) -> Finding:
    """Days of the month, whole: log, readings, plan and certificate, statement. A month is so many of them."""
    facts, blocks, first = _made(_WIDE, folder)
    days = [first.plus(n) for n in range(_WIDE.days)]
    reports: list[Report] = []
    once = best_of(lambda: reports.append(audit_facts(facts, lambda: blocks, days)), runs=2)
    leaves = sum(event.leaf_count for event in facts.of(StatementPosted))
    blocks.close()
    counts = _passed(reports[-1]).counts
    share = MONTH_DAYS / _WIDE.days
    month_s = once.cpu_s * share
    return Figures(
        name=f"audit of days of {STATIONS} stations at 15 minutes",
        facts={
            "days": len(days), "segments": counts.segments, "readings": counts.readings, "lines": counts.lines,
            "leaves": leaves, "cpu_s_a_day": round(once.cpu_s / len(days), 2),
            f"cpu_s_of_{MONTH_DAYS}_such_days": round(month_s), "limit_s": LIMIT_MONTH_S,
            "times_the_limit": round(month_s / LIMIT_MONTH_S, 1),
            "of_it_signatures_recovered_singly_s": round(_recovered_s(counts.segments) * share, 1),
            "of_it_hashes_of_leaves_alone_s": round(_leaves_s(leaves) * share, 1),
        },
    )  # fmt: skip


def _recovered_s(count: int) -> float:
    """What the library takes to recover so many signers one by one: the audit proves them in batches."""
    signer = SecpSigner(sha256(b"bench month").digest())
    digests = [Digest(sha256(at.to_bytes(4, "big")).digest()) for at in range(SIGNATURES)]
    signed = [(digest, signer.sign(digest)) for digest in digests]
    found = best_of(lambda: [recover(digest, alg=SECP256K1, signature=raw) for digest, raw in signed])
    return found.cpu_s * count / SIGNATURES


def _leaves_s(count: int) -> float:
    """What so many leaves' hashes take: an entry's ten words, the hash again, and a node."""
    entry, node = bytes(320), bytes(64)
    found = best_of(lambda: [(keccak256(keccak256(entry)), keccak256(node)) for _ in range(HASHES)])
    return found.cpu_s * count / HASHES


def _memory(folder: Path) -> Finding:
    """Peak memory of processes that audit one day and ten of the same alliance."""
    _, blocks, _ = _made(_LONG, folder)
    blocks.close()
    peaks = {days: _peak_mb(folder, days) for days in (1, _LONG.days)}
    return Figures(
        name="peak memory of the audit of six stations",
        facts={f"mb_{days}_days": peak for days, peak in peaks.items()},
    )


def _made(shape: Shape, folder: Path) -> tuple[Facts, BlockFile, Day]:
    folder.mkdir(exist_ok=True)
    blocks = BlockFile(folder / "blocks")
    facts = Span(shape, blocks).run()
    (folder / "facts").write_bytes(pickle.dumps(facts))
    return facts, blocks, shape.first


def _checked(facts: Facts, blocks: BlockFile, day: Day) -> Evidence:
    """Steps 3 and 4 of an audit."""
    keyring, findings, read = Keyring(facts), Findings(), Blocks(blocks)
    signers = Signers(keyring.has_one_key)
    scope = scope_of(keyring, [day], last_seen=0, leased=frozenset(), battery_from=None)
    walk = LogWalk(facts, keyring, read, findings, days=[day])
    check = EvidenceCheck(
        facts, keyring, read, scope=scope, course=walk.course(), findings=findings, opening=Opening(None),
        signers=signers,
    )  # fmt: skip
    for checkpoint in facts.of(Checkpoint):
        made, entries = walk.add(checkpoint)
        check.add(checkpoint, made, entries)
    signers.prove()
    return check.found


def _evidence(facts: Facts, blocks: BlockFile) -> Sequence[bytes]:
    """The evidence blocks that the manifests name."""
    found = []
    for checkpoint in facts.of(Checkpoint):
        made = scan.manifest(blocks.get(checkpoint.manifest))
        assert made is not None
        found += [blocks.get(row.evidence) for row in made.rows if row.evidence is not None]
    return found


def _hashed_singly(sealed: Sequence[SealedSegment]) -> None:
    """A leaf and two hashes of HMAC a reading, a node for each but one, and one recovery a segment."""
    for one in sealed:
        raw = one.readings
        for at in range(0, len(raw), 64):
            piece = raw[at : at + 64]
            leaf = sha256(b"\0" + piece).digest()
            sha256(one.secret + leaf).digest()
            sha256(b"\1" + leaf + leaf).digest()
            sha256(one.secret + one.secret + piece[6:16]).digest()
        recover(one.signed.digest, alg=one.signed.alg, signature=one.signed.signature)


def _passed(report: Report) -> Report:
    if report.outcome is not Outcome.PASS:
        raise NotPassed(report.verdict())
    return report


def _peak_mb(folder: Path, days: int) -> int:
    command = [sys.executable, "-m", __name__, str(folder), str(days)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    peak: int = json.loads(done.stdout)["peak_kb"]
    return round(peak / 1000)


def _alone(folder: Path, days: int) -> None:
    """Audit the first days of what stands in a folder and tell this process's peak memory."""
    facts, blocks = pickle.loads((folder / "facts").read_bytes()), BlockFile(folder / "blocks")
    _passed(audit_facts(facts, lambda: blocks, [FIRST.plus(n) for n in range(days)]))
    blocks.close()
    print(json.dumps({"peak_kb": own_peak_kb()}))


if __name__ == "__main__":
    _alone(Path(sys.argv[1]), int(sys.argv[2]))
