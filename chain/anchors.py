"""`AnchorLog` (protocol 5): call data that grows the log or accuses, and what its views say."""

from dataclasses import dataclass

from alliance.identity import Address, Digest
from alliance.segment import SignedSegment
from chain.abi import Function
from chain.contract import DeployedContract
from chain.rpc import BlockTag
from oracle.eip712 import Domain
from oracle.hashing import keccak256

SEGMENT = "(address,uint16,uint64,uint32,uint64,uint64,bytes32,bytes32,uint64,bytes32)"
SIGNED_SEGMENT = f"({SEGMENT},bytes)"
READING = "(uint8,uint16,uint64,uint64,int32,int32,uint64,uint64)"

_ADVANCE_TYPE = keccak256(b"Advance(uint48 epoch,uint48 oldSize,uint48 newSize,bytes32 root,bytes32 manifest)")

_ADVANCE = Function("advance", "(uint48,uint48,uint48,bytes32,bytes32[],bytes32)")
_ADVANCE_SIGNED = Function("advanceSigned", "(uint48,uint48,uint48,bytes32,bytes32[],bytes32,bytes)")
_FLAG_OVERDUE = Function("flagOverdue", "(uint48)")
_CLAIM = Function("claim", "(bytes32)")
_EQUIVOCATE = Function("equivocate", f"({SIGNED_SEGMENT},{SIGNED_SEGMENT})")
_ROTATE_WRITER = Function("rotateWriter", "(address)")
_CLOSE = Function("close")
_PROVE = Function("prove", f"((bytes,bytes32[],{SIGNED_SEGMENT},uint48,bytes32[]))", f"({READING},address)")
_STATE = Function("state", "()", "(bytes32,address,uint48,uint48)")
_EPOCH_SECONDS = Function("epochSeconds", "()", "(uint48)")
_START_EPOCH = Function("startEpoch", "()", "(uint48)")
_PREDECESSOR = Function("predecessor", "()", "(address)")
_FROZEN = Function("frozen", "(address,address)", "(uint64,uint48)")
_CLAIMED = Function("claimed", "(bytes32)", "(uint64,uint48)")
_FLAGGED = Function("flagged", "(uint48)", "(bool)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """One epoch's step of the log: from `old_size` entries to `new_size`, whose root is `root`."""

    epoch: int
    old_size: int
    new_size: int
    root: Digest
    proof: tuple[Digest, ...]
    """RFC 9162 consistency proof; empty when `old_size` is 0."""
    manifest: Digest
    """SHA-256 of the epoch's manifest block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """The log as the contract keeps it."""

    root: Digest
    writer: Address
    """All zero when the log is closed."""
    size: int
    epoch: int
    """The last epoch anchored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingProof:
    """What `prove` needs of one reading (protocol 5): the reading, its segment, and the segment's place in the log."""

    reading: bytes
    reading_proof: tuple[Digest, ...]
    signed: SignedSegment
    entry_index: int
    entry_proof: tuple[Digest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenReading:
    """A reading's numbers as the contract decoded them (protocol 2), and the key that signed for it."""

    flags: int
    channel: int
    seq: int
    t_ms: int
    a: int
    b: int
    c: int
    d: int
    signer: Address


def advance(step: Advance) -> bytes:
    """Advance the log by one epoch (WRITER)."""
    return _ADVANCE.encode(step.epoch, step.old_size, step.new_size, step.root, step.proof, step.manifest)


def advance_digest(domain: Domain, step: Advance) -> Digest:
    """What the writer signs so that anyone may relay the step (protocol 5); the proof is not signed."""
    return domain.digest(_ADVANCE_TYPE, step.epoch, step.old_size, step.new_size, step.root, step.manifest)


def advance_signed(step: Advance, signature: bytes) -> bytes:
    """Advance the log with the writer's signature of 64 bytes (anyone)."""
    return _ADVANCE_SIGNED.encode(
        step.epoch, step.old_size, step.new_size, step.root, step.proof, step.manifest, signature
    )


def flag_overdue(epoch: int) -> bytes:
    """Record, once, that an epoch was not anchored in time (anyone)."""
    return _FLAG_OVERDUE.encode(epoch)


def claim(segment: Digest) -> bytes:
    """Publish the digest of a segment that the service did not acknowledge (any member ever admitted)."""
    return _CLAIM.encode(segment)


def equivocate(first: SignedSegment, second: SignedSegment) -> bytes:
    """Show two conflicting segments of one key; that key is frozen (anyone)."""
    return _EQUIVOCATE.encode(_signed(first), _signed(second))


def rotate_writer(writer: Address) -> bytes:
    """Replace the writer (charter)."""
    return _ROTATE_WRITER.encode(writer)


def close() -> bytes:
    """Close the log for good (charter)."""
    return _CLOSE.encode()


class AnchorLog(DeployedContract):
    """The log's views, each at a block; they raise as `DeployedContract.ask`."""

    def state(self, *, tag: BlockTag = "latest") -> LogState:
        """Root, writer, size and last epoch."""
        root, writer, size, epoch = self.ask(_STATE, tag=tag)
        return LogState(root=Digest(root), writer=Address(writer), size=size, epoch=epoch)

    def prove(self, proof: ReadingProof, *, tag: BlockTag = "latest") -> ProvenReading:
        """Let the contract check a reading against its live root. Raises Reverted with the reason."""
        asked = (proof.reading, proof.reading_proof, _signed(proof.signed), proof.entry_index, proof.entry_proof)
        (flags, channel, seq, t_ms, a, b, c, d), signer = self.ask(_PROVE, asked, tag=tag)
        return ProvenReading(
            flags=flags, channel=channel, seq=seq, t_ms=t_ms, a=a, b=b, c=c, d=d, signer=Address(signer)
        )

    def epoch_seconds(self, *, tag: BlockTag = "latest") -> int:
        """Length of an epoch, seconds."""
        return int(self.ask(_EPOCH_SECONDS, tag=tag)[0])

    def start_epoch(self, *, tag: BlockTag = "latest") -> int:
        """The last epoch before the log's first."""
        return int(self.ask(_START_EPOCH, tag=tag)[0])

    def predecessor(self, *, tag: BlockTag = "latest") -> Address:
        """The log that this one continues, all zero for none."""
        return Address(self.ask(_PREDECESSOR, tag=tag)[0])

    def frozen(self, device: Address, signer: Address, *, tag: BlockTag = "latest") -> tuple[int, int] | None:
        """Block of a key's freeze and the log's size then; None when it is not frozen."""
        block, size = self.ask(_FROZEN, device, signer, tag=tag)
        return (block, size) if block else None

    def claimed(self, segment: Digest, *, tag: BlockTag = "latest") -> tuple[int, int] | None:
        """Block of a digest's claim and the last epoch anchored then; None when nobody claimed it."""
        block, epoch = self.ask(_CLAIMED, segment, tag=tag)
        return (block, epoch) if block else None

    def flagged(self, epoch: int, *, tag: BlockTag = "latest") -> bool:
        """Whether an epoch was flagged as overdue."""
        return bool(self.ask(_FLAGGED, epoch, tag=tag)[0])


def prove_call(proof: ReadingProof) -> bytes:
    """Call data of `prove`, for gas estimates and for verifiers that call the chain themselves."""
    asked = (proof.reading, proof.reading_proof, _signed(proof.signed), proof.entry_index, proof.entry_proof)
    return _PROVE.encode(asked)


def _signed(signed: SignedSegment) -> tuple[object, ...]:
    s = signed.segment
    fields = (
        s.device, s.channel, s.first_seq, s.count, s.t_first_ms, s.t_last_ms, s.root, s.prev, s.beacon_block,
        s.beacon_hash,
    )  # fmt: skip
    return fields, signed.signature
