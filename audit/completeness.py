"""Was anything withheld that somebody can show (protocol 4.1, 5.3, 3.5): what members kept, held against the log.

A box keeps what it signed and the acknowledgements of it. A silent row accuses nobody by itself; a kept acknowledgement
of a segment that the log lacks does, and so does a segment that was claimed on chain, two manifests later. A claim
without its segment is a digest that anybody could have drawn: it accuses nobody.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alliance.errors import Malformed
from alliance.identity import ZERO_DIGEST, Address, Digest
from alliance.segment import SignedSegment, conflict
from audit.facts import Facts
from audit.finding import Diverged, Where, diverged
from audit.keys import Keyring, Standing
from chain.events import DigestClaimed, WriterRotated
from oracle import cbor, signature
from oracle.eip712 import Domain, ack_digest
from oracle.plain import Fields
from oracle.segment import signed_from_fields, signed_to_plain
from oracle.signature import PublicKeys, no_keys

VERSION = 1
MANIFESTS_AFTER_CLAIM = 2
"""So many manifests after a claim the segment stands in one of them."""

_PROMISED = "protocol 4.1: an acknowledged segment is in a manifest no later than promised"
_CLAIMED = "protocol 5.3: a claimed segment stands in the log two manifests later"
_ONE_HISTORY = "protocol 3.5: a key signs one history"

Stream = tuple[Address, int]
PlaceOf = Callable[[SignedSegment, int], Where]
"""The place of a segment in an epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """An acknowledgement (protocol 4.1): the segment will be in a manifest no later than `epoch`'s."""

    epoch: int
    signature: bytes
    """64 bytes of EIP-2098 by the log's writer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A signed segment that somebody kept, with its acknowledgement if there is one."""

    signed: SignedSegment
    ack: Ack | None = None

    @property
    def stream(self) -> Stream:
        """The channel that it belongs to."""
        return self.signed.segment.device, self.signed.segment.channel


@dataclass(kw_only=True, eq=False)
class HeldMalformed(Malformed):
    """A file of held segments is of another version."""

    version: int


def encode(held: Iterable[Held]) -> bytes:
    """A file of held segments, canonical DAG-CBOR."""
    return cbor.encode({"v": VERSION, "held": [_to_plain(one) for one in held]})


def decode(raw: bytes, domain: Domain, *, keys: PublicKeys = no_keys) -> tuple[Held, ...]:
    """Read such a file; signers are recovered. Raises NotCanonical, PlainMalformed, HeldMalformed, as segments do."""
    fields = Fields(cbor.decode(raw), where="held")
    version = fields.int("v")
    if version != VERSION:
        raise HeldMalformed(version=version)
    found = tuple(_from_plain(value, domain, keys) for value in fields.list("held"))
    fields.finish()
    return found


def load(path: Path, domain: Domain, *, keys: PublicKeys = no_keys) -> tuple[Held, ...]:
    """Read a file of held segments. Raises OSError and as `decode`."""
    return decode(path.read_bytes(), domain, keys=keys)


def digests(held: Iterable[Held]) -> frozenset[Digest]:
    """The segments whose epochs `check` must be told."""
    return frozenset(one.signed.digest for one in held)


def streams(held: Iterable[Held]) -> frozenset[Stream]:
    """The streams whose logged segments `check` must be told."""
    return frozenset(one.stream for one in held)


def check(
    facts: Facts,
    keyring: Keyring,
    held: Iterable[Held],
    *,
    seen: Mapping[Digest, int],
    history: Mapping[Stream, Sequence[tuple[int, SignedSegment]]],
    place: PlaceOf,
) -> Iterator[Diverged]:
    """Everything that the log withholds or contradicts of what is held; in the order in which it is held.

    `seen`: digest → the epoch whose manifest first names it. `history`: the logged segments of the held
    streams, each with its epoch.
    """
    writers = _writers(facts)
    claims = {event.segment: event for event in reversed(facts.of(DigestClaimed))}
    for one in held:
        logged = history.get(one.stream, ())
        epoch, other = next(((at, two) for at, two in logged if conflict(one.signed, two)), (0, None))
        if other is not None:
            where = place(one.signed, epoch)
            yield diverged(_ONE_HISTORY, f"0x{other.digest.hex()}", f"0x{one.signed.digest.hex()}", where=where)
            continue
        found = _broken_promise(facts, one, seen, writers, place)
        claim = claims.get(one.signed.digest)
        if found is None and claim is not None:
            found = _ignored_claim(facts, keyring, one, claim, seen=seen, logged=logged, place=place)
        if found is not None:
            yield found


def _broken_promise(
    facts: Facts, one: Held, seen: Mapping[Digest, int], writers: frozenset[Address], place: PlaceOf
) -> Diverged | None:
    """An acknowledgement by a key that wrote the log, whose epoch is anchored without the segment."""
    ack = one.ack
    if ack is None or ack.epoch > facts.log.epoch or seen.get(one.signed.digest, ack.epoch + 1) <= ack.epoch:
        return None
    named = ack_digest(facts.deployment.domain, segment=one.signed.digest, epoch=ack.epoch)
    try:
        signer = signature.recover(named, alg=signature.SECP256K1, signature=ack.signature)
    except Malformed:
        return None
    if signer not in writers:
        return None
    return diverged(_PROMISED, f"by epoch {ack.epoch}", _when(one, seen), where=place(one.signed, ack.epoch))


def _ignored_claim(
    facts: Facts, keyring: Keyring, one: Held, claim: DigestClaimed, *, seen: Mapping[Digest, int],
    logged: Sequence[tuple[int, SignedSegment]], place: PlaceOf,
) -> Diverged | None:  # fmt: skip
    """A segment that was claimed, could have been logged, and was not in time."""
    due = claim.epoch + MANIFESTS_AFTER_CLAIM
    segment = one.signed.segment
    if due > facts.log.epoch or seen.get(one.signed.digest, due + 1) <= due:
        return None
    valid = keyring.standing(segment.device, one.signed.signer, claim.at) is Standing.VALID
    follows = segment.prev == ZERO_DIGEST or any(two.digest == segment.prev for _, two in logged)
    if not valid or not follows:
        return None
    return diverged(_CLAIMED, f"by epoch {due}", _when(one, seen), where=place(one.signed, due))


def _when(one: Held, seen: Mapping[Digest, int]) -> str:
    epoch = seen.get(one.signed.digest)
    return "not in the log" if epoch is None else f"epoch {epoch}"


def _writers(facts: Facts) -> frozenset[Address]:
    """Every key that was ever the log's writer."""
    rotated = facts.of(WriterRotated)
    return frozenset([facts.log.writer, *(e.before for e in rotated), *(e.after for e in rotated)])


def _to_plain(one: Held) -> dict[str, object]:
    ack = None if one.ack is None else {"epoch": one.ack.epoch, "signature": one.ack.signature}
    return {"segment": signed_to_plain(one.signed), "ack": ack}


def _from_plain(value: object, domain: Domain, keys: PublicKeys) -> Held:
    fields = Fields(value, where="held")
    inside = fields.map("segment")
    signed = signed_from_fields(inside, domain, keys=keys)
    inside.finish()
    ack = _ack(fields.map("ack")) if fields.optional("ack") else None
    fields.finish()
    return Held(signed=signed, ack=ack)


def _ack(fields: Fields) -> Ack:
    made = Ack(epoch=fields.int("epoch"), signature=fields.bytes("signature", size=64))
    fields.finish()
    return made
