"""Manifests (protocol 4.3): what an epoch holds, with a row for every registered channel, the silent ones included."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from alliance.errors import Refused
from alliance.identity import ZERO_DIGEST, Address, Digest
from alliance.segment import Segment, SignedSegment
from oracle import cbor
from oracle.cbor import Cid
from oracle.plain import Fields

VERSION = 1


class RowStatus(StrEnum):
    """What an epoch brought of a channel."""

    LIVE = "live"
    LATE = "late"
    GAP = "gap"
    SILENT = "silent"
    FROZEN = "frozen"


@dataclass(kw_only=True, eq=False)
class ManifestVersionUnknown(Refused):
    """A manifest of another version."""

    version: int


@dataclass(kw_only=True, eq=False)
class RowsDisordered(Refused):
    """A manifest's rows are not sorted by (device, channel), or one stands twice."""

    epoch: int
    device: Address
    channel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One channel in one epoch; `first_seq` and `last_seq` are None without readings."""

    device: Address
    channel: int
    first_seq: int | None
    last_seq: int | None
    head: Digest
    """Digest of the channel's last segment so far, zero before the first."""
    evidence: Digest | None
    """SHA-256 of the evidence block, None when no segment came."""
    status: RowStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All of one epoch; its block's SHA-256 is what the chain records."""

    log: Digest
    """Which log: keccak256(allianceId ‖ AnchorLog address as a word)."""
    epoch: int
    prev: Digest
    """SHA-256 of the previous epoch's manifest block, zero for the first."""
    size: int
    root: Digest
    as_of_block: int
    as_of_hash: Digest
    entries: Digest
    rows: tuple[Row, ...]

    def row(self, device: Address, channel: int) -> Row | None:
        """The row of a channel, or None."""
        return next((r for r in self.rows if (r.device, r.channel) == (device, channel)), None)


def row_of(
    device: Address, channel: int, *, segments: Sequence[SignedSegment], head: Digest, evidence: Digest | None,
    epoch_start_ms: int, frozen: bool,
) -> Row:  # fmt: skip
    """The row that these segments (chain order, this epoch's) make; `head` is the channel's head before them.

    `frozen` when the signer stands frozen; else `silent`, `gap`, `late` (a reading before the epoch began) or `live`.
    """
    parts = [s.segment for s in segments]
    full = [part for part in parts if part.count]
    return Row(
        device=device,
        channel=channel,
        first_seq=full[0].first_seq if full else None,
        last_seq=full[-1].next_seq - 1 if full else None,
        head=segments[-1].digest if segments else head,
        evidence=evidence,
        status=RowStatus.FROZEN if frozen else _status(parts, full, epoch_start_ms),
    )


def _status(parts: Sequence[Segment], full: Sequence[Segment], epoch_start_ms: int) -> RowStatus:
    if not parts:
        return RowStatus.SILENT
    if not full:
        return RowStatus.GAP
    return RowStatus.LATE if min(part.t_first_ms for part in full) < epoch_start_ms else RowStatus.LIVE


def check_rows(manifest: Manifest, registered: Iterable[tuple[Address, int]]) -> None:
    """Refuse rows out of order, doubled, or missing for a registered channel. Raises RowsDisordered or RowMissing."""
    keys = [(row.device, row.channel) for row in manifest.rows]
    for before, after in pairwise(keys):
        if after <= before:
            raise RowsDisordered(epoch=manifest.epoch, device=after[0], channel=after[1])
    for device, channel in sorted(set(registered) - set(keys)):
        raise RowMissing(epoch=manifest.epoch, device=device, channel=channel)


@dataclass(kw_only=True, eq=False)
class RowMissing(Refused):
    """A registered channel has no row in a manifest: it was left out, not even called silent."""

    epoch: int
    device: Address
    channel: int


def encode(manifest: Manifest) -> bytes:
    """The manifest's block."""
    m = manifest
    return cbor.encode(
        {
            "v": VERSION, "log": m.log, "epoch": m.epoch, "prev": None if m.prev == ZERO_DIGEST else Cid(m.prev),
            "size": m.size, "root": m.root, "asOf": {"block": m.as_of_block, "hash": m.as_of_hash},
            "entries": Cid(m.entries), "rows": [_row_to_plain(row) for row in m.rows],
        }
    )  # fmt: skip


def decode(block: bytes) -> Manifest:
    """Read a manifest. Raises NotCanonical, PlainMalformed or ManifestVersionUnknown."""
    fields = Fields(cbor.decode(block), where="manifest")
    version = fields.int("v")
    if version != VERSION:
        raise ManifestVersionUnknown(version=version)
    as_of = fields.map("asOf")
    manifest = Manifest(
        log=Digest(fields.bytes("log", size=32)),
        epoch=fields.int("epoch"),
        prev=fields.cid("prev").digest if fields.optional("prev") else ZERO_DIGEST,
        size=fields.int("size"),
        root=Digest(fields.bytes("root", size=32)),
        as_of_block=as_of.int("block"),
        as_of_hash=Digest(as_of.bytes("hash", size=32)),
        entries=fields.cid("entries").digest,
        rows=tuple(_row_from_plain(row) for row in fields.list("rows")),
    )
    as_of.finish()
    fields.finish()
    return manifest


def _row_to_plain(row: Row) -> dict[str, object]:
    return {
        "device": row.device, "channel": row.channel, "firstSeq": row.first_seq, "lastSeq": row.last_seq,
        "head": row.head, "evidence": None if row.evidence is None else Cid(row.evidence), "status": row.status.value,
    }  # fmt: skip


def _row_from_plain(value: object) -> Row:
    fields = Fields(value, where="manifest.row")
    row = Row(
        device=Address(fields.bytes("device", size=20)),
        channel=fields.int("channel", high=0xFFFF),
        first_seq=fields.int("firstSeq", high=(1 << 64) - 1) if fields.optional("firstSeq") else None,
        last_seq=fields.int("lastSeq", high=(1 << 64) - 1) if fields.optional("lastSeq") else None,
        head=Digest(fields.bytes("head", size=32)),
        evidence=fields.cid("evidence").digest if fields.optional("evidence") else None,
        status=RowStatus(fields.choice("status", [s.value for s in RowStatus])),
    )
    fields.finish()
    return row
