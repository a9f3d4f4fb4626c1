"""The audit of a day of the demo from chain and archive alone, against hashing the same bytes."""

from collections.abc import Sequence
from hashlib import sha256

from alliance.errors import Refused
from alliance.identity import Digest
from audit.auditor import audit_day
from audit.blocks import open_archive
from audit.verdict import Outcome, Verdict
from chain.rpc import Rpc
from cli.benches.ground import Evidence, Ground
from cli.benches.measure import Comparison, Finding, best_of
from oracle import deployment as deployments
from oracle.archive import FolderArchive
from oracle.grant import FolderGrants, Opener, load_reader
from oracle.signature import SECP256K1, SecpSigner, recover


class NotPassed(Refused):
    """The audit of the measured day did not pass: its time would mean nothing."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.line)
        self._line = verdict.line

    def __str__(self) -> str:
        return self._line


def run(ground: Ground) -> list[Finding]:
    """All steps of `alliance audit`; the plain hashing knows the bytes already."""
    place = ground.evidence()
    pinned = deployments.load(place.deployment)
    verdicts: list[Verdict] = []
    with Rpc(place.rpc_url) as node:
        ours = best_of(
            lambda: verdicts.append(
                audit_day(node, lambda: open_archive(str(place.archive)), pinned, place.day, opener=_opener(place))
            )
        )
    verdict = verdicts[-1]
    if verdict.outcome is not Outcome.PASS:
        raise NotPassed(verdict)
    archive = FolderArchive(place.archive)
    blocks = [archive.get(digest) for digest in archive.digests()]
    hashing = best_of(lambda: _hash(blocks))
    signed = _signed(verdict.counts.segments)
    both = best_of(lambda: _hash_and_recover(blocks, signed))
    name, counts = "audit of a day of six stations", verdict.counts
    facts = {
        "epochs": counts.epochs,
        "segments": counts.segments,
        "readings": counts.readings,
        "lines": counts.lines,
        "blocks": len(blocks),
        "bytes": sum(map(len, blocks)),
        "readings_per_s": round(counts.readings / ours.wall_s),
    }
    against = "plain SHA-256 of the archive's blocks"
    return [
        Comparison(name=name, ours=ours, against=against, theirs=hashing, facts=facts),
        Comparison(
            name=name, ours=ours, against=f"{against}, and as many signatures recovered", theirs=both, facts=facts
        ),
    ]


def _opener(place: Evidence) -> Opener:
    """A new one for each run: reading and unwrapping the grants is part of the audit."""
    return Opener(load_reader(place.key), FolderGrants(place.archive))


def _hash(blocks: Sequence[bytes]) -> None:
    for block in blocks:
        sha256(block).digest()


def _hash_and_recover(blocks: Sequence[bytes], signed: Sequence[tuple[Digest, bytes]]) -> None:
    _hash(blocks)
    for digest, signature in signed:
        recover(digest, alg=SECP256K1, signature=signature)


def _signed(count: int) -> list[tuple[Digest, bytes]]:
    """As many digests and signatures as a day has segments."""
    signer = SecpSigner(sha256(b"bench auditor").digest())
    digests = [Digest(sha256(at.to_bytes(4, "big")).digest()) for at in range(count)]
    return [(digest, signer.sign(digest)) for digest in digests]
