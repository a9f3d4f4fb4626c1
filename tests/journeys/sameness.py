"""What two demos of one seed must have in common, byte for byte."""

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from alliance.identity import Digest
from oracle.archive import FolderArchive
from tests.journeys.traces import traces


@dataclass(frozen=True, kw_only=True)
class Bytes:
    """The names of all blocks, the checkpoints and the statements of a demo, in order."""

    blocks: list[str]
    checkpoints: list[tuple[int, int, str, str]]
    """(epoch, size, root, manifest)."""
    statements: list[tuple[int, int, str, str, tuple[int, ...]]]
    """(day, version, root, document, balances in cents)."""

    def counts(self) -> dict[str, int]:
        """How much there is to compare."""
        return {"blocks": len(self.blocks), "checkpoints": len(self.checkpoints), "statements": len(self.statements)}


def bytes_of(state: Path, rpc_url: str) -> Bytes:
    """What a demo left. Every block is hashed again: a name stands for its bytes."""
    found, archive = traces(state, rpc_url), FolderArchive(state / "service" / "archive")
    digests = list(archive.digests())
    for digest in digests:
        archive.get(digest)
    return Bytes(
        blocks=[digest.hex() for digest in digests],
        checkpoints=[(c.epoch, c.size, c.root.hex(), c.manifest.hex()) for c in found.checkpoints],
        statements=[
            (s.day, s.version, s.root.hex(), Digest(s.statement).hex(), s.balances_cents) for s in found.statements
        ],
    )  # fmt: skip


def differences(one: Bytes, other: Bytes) -> list[str]:
    """Every block, checkpoint and statement that only one of them has, the first differing checkpoint first."""
    found = [
        f"{kind} {index}: {a} against {b}"
        for kind in ("checkpoints", "statements")
        for index, (a, b) in enumerate(zip_longest(getattr(one, kind), getattr(other, kind)))
        if a != b
    ]
    return found + [f"block {name}" for name in sorted(set(one.blocks) ^ set(other.blocks))]
