"""A receipt verified with an RPC address and the pinned deployment (protocol 4.7): nobody else is asked.

Reading → segment root → signature → entry → log root → Checkpoint event at the pinned address → key and binding.
"""

from dataclasses import dataclass

from alliance.calendar import iso_utc
from alliance.errors import AllianceError
from alliance.fleet import Channel
from alliance.identity import StationId, to_hex
from alliance.reading import ChannelKind
from audit import identity, state
from audit.auditor import silent
from audit.facts import Facts, Progress, gather, reading_chain
from audit.finding import Diverged, Unread, Where, diverged, expect, judged
from audit.keys import Keyring, Standing, check_walk
from audit.verdict import Outcome
from chain.events import Checkpoint
from chain.rpc import Rpc
from oracle import receipt as receipts
from oracle.deployment import Deployment
from oracle.receipt import CheckpointClaim, ProvenReading, ReceiptForeign
from oracle.signature import PublicKeys, no_keys

FINALITY_BLOCKS = 2
"""How many blocks stand above a checkpoint before a receipt counts, unless the caller says otherwise."""

_PLACE = "protocol 4.7.1: a receipt for the pinned contract"
_PROOF = "protocol 4.7.2: the receipt proves the reading up to the log's root"
_CHECKPOINT = "protocol 4.7.3: the pinned log recorded the checkpoint"
_KEY = "protocol 4.7.4: a confirmed key of the device signed before its first checkpoint"
_BINDING = "protocol 4.7.4: the channel is bound to a station"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedReading:
    """A reading that a receipt proves, and to what on the chain it is tied."""

    proven: ProvenReading
    station: StationId
    kind: ChannelKind
    checkpoint: Checkpoint
    first: Checkpoint
    """The first checkpoint that contains the segment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptVerdict:
    """What became of a receipt."""

    outcome: Outcome
    reading: VerifiedReading | None = None
    error: Diverged | Unread | None = None

    @staticmethod
    def unread(error: AllianceError) -> "ReceiptVerdict":
        """The verdict when there is no node or deployment to verify against."""
        return ReceiptVerdict(outcome=Outcome.UNREAD, error=Unread(what=error.code, why=str(error)))

    def to_plain(self) -> dict[str, object]:
        """The verdict as JSON values."""
        found, error = self.reading, self.error
        return {
            "verdict": self.outcome.value,
            "reading": None if found is None else _reading_plain(found),
            "divergence": error.found.to_plain() if isinstance(error, Diverged) else None,
            "unread": {"what": error.what, "why": error.why} if isinstance(error, Unread) else None,
        }

    @property
    def line(self) -> str:
        """The verdict in one line, English with Chinese beside it."""
        if self.reading is not None:
            return f"PASS 通过  {_reading_line(self.reading)}"
        return f"{'REFUSED 拒绝' if self.outcome is Outcome.FAIL else 'NOT READ 未能读取'}  {self.error}"


def verify_receipt(
    plain: object, rpc: Rpc, deployment: Deployment, *, depth: int = FINALITY_BLOCKS, progress: Progress = silent
) -> ReceiptVerdict:
    """Verify a receipt (decoded JSON); whatever is found, or cannot be read, is in the verdict.

    `depth` is how many blocks must stand above the checkpoint's.
    """
    try:
        return ReceiptVerdict(outcome=Outcome.PASS, reading=_verified(plain, rpc, deployment, depth, progress))
    except Diverged as error:
        return ReceiptVerdict(outcome=Outcome.FAIL, error=error)
    except Unread as error:
        return ReceiptVerdict(outcome=Outcome.UNREAD, error=error)


def _verified(plain: object, rpc: Rpc, deployment: Deployment, depth: int, progress: Progress) -> VerifiedReading:
    with judged(_PROOF, where=Where()):
        receipt = receipts.from_plain(plain)
    _proven(receipt, deployment, no_keys)
    with reading_chain():
        identity.check(rpc, deployment)
        facts = gather(rpc, deployment, [], depth=0, progress=progress, prove=False)
    check_walk(facts)
    state.check(facts.events, facts.slots, ())
    keyring = Keyring(facts)
    proven = _proven(receipt, deployment, keyring.public_keys)
    checkpoint = _checkpoint(facts, proven, depth)
    first = next(c for c in facts.of(Checkpoint) if c.size > receipt.entry_index)
    channel = _binding(keyring, proven)
    where = Where(station=channel.station, device=channel.device, channel=channel.channel, seq=proven.reading.seq)
    standing = keyring.standing(channel.device, proven.signed.signer, first.at)
    if standing is not Standing.VALID:
        got = f"{to_hex(proven.signed.signer)} ({standing.value})"
        raise diverged(_KEY, "a key valid there", got, where=where)
    return VerifiedReading(
        proven=proven, station=channel.station, kind=channel.kind, checkpoint=checkpoint, first=first
    )


def _proven(receipt: receipts.Receipt, deployment: Deployment, keys: PublicKeys) -> ProvenReading:
    """The reading as far as it is proved without the chain, and by which of the chain's keys."""
    segment = receipt.segment
    with judged(_PROOF, where=Where(device=segment.device, channel=segment.channel, seq=segment.first_seq)):
        try:
            return receipts.verify(receipt, deployment=deployment, keys=keys)
        except ReceiptForeign as foreign:
            raise diverged(f"{_PLACE} ({foreign.field})", foreign.want, foreign.got, where=Where()) from foreign


def _checkpoint(facts: Facts, proven: ProvenReading, depth: int) -> Checkpoint:
    """The event that the receipt names: same place, same content, deep enough."""
    claim, where = proven.checkpoint, Where(epoch=proven.checkpoint.epoch)
    found = [c for c in facts.of(Checkpoint) if (c.at.block_number, c.at.log_index) == _claimed_place(claim)]
    if not found:
        got = f"no checkpoint at block {claim.block_number}, log {claim.log_index}"
        raise diverged(_CHECKPOINT, f"epoch {claim.epoch}", got, where=where)
    event = found[0]
    for name, want, got_value in (
        ("block hash", event.at.block_hash, claim.block_hash),
        ("epoch", event.epoch, claim.epoch),
        ("size", event.size, proven.tree_size),
        ("root", event.root, claim.root),
        ("manifest", event.manifest, claim.manifest),
    ):
        expect(f"{_CHECKPOINT} ({name})", want, got_value, where=where)
    above = facts.head.number - event.at.block_number
    if above < depth:
        raise Unread(what="checkpoint", why=f"{above} blocks stand above block {event.at.block_number}, want {depth}")
    return event


def _claimed_place(claim: CheckpointClaim) -> tuple[int, int]:
    return (claim.block_number, claim.log_index)


def _binding(keyring: Keyring, proven: ProvenReading) -> Channel:
    segment, t_ms = proven.signed.segment, proven.reading.t_ms
    bound = [
        c
        for c in keyring.channels
        if (c.device, c.channel) == (segment.device, segment.channel)
        and c.from_ms <= t_ms
        and (not c.to_ms or t_ms <= c.to_ms)
    ]
    if not bound:
        where = Where(device=segment.device, channel=segment.channel, seq=proven.reading.seq)
        raise diverged(_BINDING, "a binding at the reading's time", "none", where=where)
    return bound[-1]


def _reading_plain(found: VerifiedReading) -> dict[str, object]:
    r, signed = found.proven.reading, found.proven.signed
    return {
        "station": found.station, "device": to_hex(signed.segment.device), "channel": r.channel,
        "kind": found.kind.name.lower(), "seq": r.seq, "tMs": r.t_ms, "flags": r.flags,
        "a": r.a, "b": r.b, "c": str(r.c), "d": str(r.d), "signer": to_hex(signed.signer),
        "epoch": found.first.epoch, "block": found.checkpoint.at.block_number,
        "blockTimeS": found.checkpoint.at.timestamp_s, "root": to_hex(found.checkpoint.root),
    }  # fmt: skip


def _reading_line(found: VerifiedReading) -> str:
    r = found.proven.reading
    when = iso_utc(r.t_ms)
    kind = {ChannelKind.METER: "meter 电表", ChannelKind.BATTERY: "battery 电池"}[found.kind]
    registers = f"{r.power_w} W, in 入 {r.import_wh} Wh, out 出 {r.export_wh} Wh"
    place = f"epoch {found.first.epoch}, block {found.checkpoint.at.block_number}"
    return f"station 站 {found.station} {kind} seq {r.seq} {when}: {registers}; {place}"
