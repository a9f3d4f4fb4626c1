"""Lies that only what a member kept gives away: acknowledged and never logged, claimed and withheld, two histories.

A stream that ends early is called silent, and nothing in the log contradicts it. The box has its segments and the
service's acknowledgements; with these the audit names the place within one epoch of the promise.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from alliance.identity import Digest
from audit.completeness import Ack, Held
from chain import abi
from oracle.eip712 import ack_digest
from oracle.hashing import keccak256
from tests.audit.world import BATTERY, BOXES, DAY, LAST_EPOCH, ROLES, STRANGER
from tests.campaigns.evidence_cases import Kind, Named, Teller, Told, at_stream
from tests.campaigns.evidence_chain import ChainView, Json
from tests.campaigns.evidence_harmless import seeing
from tests.campaigns.evidence_log_lies import a_spot, key_of, signed_by, with_segments
from tests.campaigns.evidence_story import Story, Stream, Tale

KINDS: list[Kind] = []
HARMLESS: list[Kind] = []
_PROMISED = Named(clause="4.1", says="acknowledged")
_CLAIMED = Named(clause="5.3", says="claimed")


def kind(name: str, weight: int = 1) -> Callable[[Teller], Teller]:
    """Registers a class of consistent lies, or, named so, of harmless variations."""

    def register(tell: Teller) -> Teller:
        made = Kind(name=name, tell=tell, weight=weight, consistent=True)
        (HARMLESS if name.startswith("kept.") else KINDS).append(made)
        return tell

    return register


def acked(story: Story, digest: Digest, epoch: int, *, signer=None) -> Ack:
    """The service's acknowledgement of a segment, or another key's."""
    named = ack_digest(story.deployment.domain, segment=digest, epoch=epoch)
    return Ack(epoch=epoch, signature=(signer or ROLES["writer"]).sign(named))


def a_battery(rng: Random) -> Stream:
    """A channel that settles nothing: what is missing of it contradicts no statement."""
    return (BOXES[rng.choice([0, 2])].address, BATTERY)


def ended(story: Story, stream: Stream, last: int) -> Tale:
    """The log in which a stream brings nothing any more after an epoch, every row silent."""
    changes = {
        epoch: with_segments(stream, ())
        for epoch, told in story.told.items()
        if epoch > last and told.segments.get(stream)
    }
    return story.retell(changes, postings=seeing(story, changes))


def kept(story: Story, stream: Stream, epoch: int, promised: int | None) -> tuple[Held, ...]:
    """What the box kept of an epoch, acknowledged for another or not at all."""
    listed = [one.signed for one in story.told[epoch].segments[stream]]
    return tuple(
        Held(signed=signed, ack=None if promised is None else acked(story, signed.digest, promised))
        for signed in listed
    )


def claimed(story: Story, view: ChainView, digest: Digest, epoch: int) -> ChainView:
    """The view in which a member claimed a digest on chain when `epoch` was the last anchored."""
    after = next(e for e in story.checkpoints if e.epoch == epoch)
    number = after.at.block_number
    raw = next(r for r, e in zip(view.logs, story.events, strict=True) if e is after)
    topic = keccak256(b"DigestClaimed(bytes32,address,uint48)")
    told: Json = {
        **raw, "topics": ["0x" + t.hex() for t in (topic, digest, abi.encode("(address)", [STRANGER.address]))],
        "data": "0x" + abi.encode("(uint48)", [epoch]).hex(), "logIndex": "0x50",
    }  # fmt: skip
    at = 1 + max(i for i, r in enumerate(view.logs) if int(r["blockNumber"], 16) <= number)
    return replace(view, logs=(*view.logs[:at], told, *view.logs[at:]))


@kind("withheld.tail", 5)
def _(story: Story, rng: Random) -> Told:
    """A stream is silent from an epoch on; its box has the acknowledgement of the first segment that is missing."""
    stream, last = a_battery(rng), DAY.first_slot + rng.randint(2, 90)
    first = next(e for e in range(last + 1, LAST_EPOCH) if story.told[e].segments.get(stream))
    promised = first + rng.randint(0, 1)
    held = kept(story, stream, first, promised)
    where = at_stream(promised, stream, held[0].signed.segment.first_seq)
    return ended(story, stream, last), (replace(_PROMISED, where=where),), held


@kind("withheld.tail-of-some", 2)
def _(story: Story, rng: Random) -> Told:
    """Of many acknowledgements that the box shows one is broken: the others say nothing against anybody."""
    stream, last = a_battery(rng), DAY.first_slot + rng.randint(30, 90)
    first = next(e for e in range(last + 1, LAST_EPOCH) if story.told[e].segments.get(stream))
    good = [
        one
        for e in range(last - 20, last + 1)
        if story.told[e].segments.get(stream)
        for one in kept(story, stream, e, e)
    ]
    held = [*good, *kept(story, stream, first, first)]
    rng.shuffle(held)
    where = at_stream(first, stream)
    return ended(story, stream, last), (replace(_PROMISED, where=where),), tuple(held)


@kind("ack.broken", 3)
def _(story: Story, rng: Random) -> Told:
    """An acknowledged segment is logged later than was promised; its row says late."""
    while True:
        epoch, stream = a_spot(story, rng, last=LAST_EPOCH - 9)
        if story.told[epoch + 1].segments.get(stream) and stream[1] == BATTERY:
            break
    both = (*story.told[epoch].segments[stream], *story.told[epoch + 1].segments[stream])
    tale = story.retell({epoch: with_segments(stream, ()), epoch + 1: with_segments(stream, both)})
    held = kept(story, stream, epoch, epoch)
    where = at_stream(epoch, stream, held[0].signed.segment.first_seq)
    return tale, (replace(_PROMISED, where=where),), held


@kind("claimed-but-withheld", 3)
def _(story: Story, rng: Random) -> Told:
    """A segment without acknowledgement is claimed on chain; two manifests later the log still lacks it."""
    stream, last = a_battery(rng), DAY.first_slot + rng.randint(50, 85)
    first = next(e for e in range(last + 1, LAST_EPOCH) if story.told[e].segments.get(stream))
    held = kept(story, stream, first, None)[:1]
    tale = ended(story, stream, last)
    view = claimed(story, tale.view, held[0].signed.digest, first)
    where = at_stream(first + 2, stream, held[0].signed.segment.first_seq)
    return replace(tale, view=view), (replace(_CLAIMED, where=where),), held


@kind("equivocated", 3)
def _(story: Story, rng: Random) -> Told:
    """The box signed two segments for one place; the log has one, a member the other."""
    epoch, stream = a_spot(story, rng)
    one = story.told[epoch].segments[stream][0]
    changes = rng.choice([{"root": Digest(rng.randbytes(32))}, {"beacon_block": 0}, {"t_last_ms": 7}])
    other = signed_by(story, one, key_of(story, one), **changes)
    where = at_stream(epoch, stream, one.signed.segment.first_seq)
    right = Named(clause="3.5", where=where)
    return Tale(view=story.view), (right,), (Held(signed=other.signed),)


# ---- what accuses nobody ----


@kind("kept.acks-held", 3)
def _(story: Story, rng: Random) -> Told:
    """Every acknowledgement that a member shows was kept."""
    held: list[Held] = []
    for _ in range(rng.randint(1, 20)):
        epoch, stream = a_spot(story, rng)
        held += kept(story, stream, epoch, epoch + rng.choice([0, 0, 1, 5, 10_000]))
    return Tale(view=story.view), (), tuple(held)


@kind("kept.foreign-ack", 3)
def _(story: Story, rng: Random) -> Told:
    """A segment that was never sent comes with an acknowledgement by nobody who wrote the log, or with a garbled one."""
    stream, last = a_battery(rng), DAY.first_slot + rng.randint(2, 90)
    first = next(e for e in range(last + 1, LAST_EPOCH) if story.told[e].segments.get(stream))
    signed = story.told[first].segments[stream][0].signed
    garbled = Ack(epoch=first, signature=rng.randbytes(64))
    ack = rng.choice([acked(story, signed.digest, first, signer=STRANGER), garbled, None])
    return ended(story, stream, last), (), (Held(signed=signed, ack=ack),)


@kind("kept.garbage-claim", 3)
def _(story: Story, rng: Random) -> Told:
    """A member claims a digest of nothing, or of a segment that no key of the device signed, or that goes on from none."""
    epoch, stream = a_spot(story, rng)
    one = story.told[epoch].segments[stream][0]
    seq = one.signed.segment.first_seq + 1_000
    bent = rng.choice(
        [
            signed_by(story, one, STRANGER, first_seq=seq, prev=Digest(rng.randbytes(32))),
            signed_by(story, one, key_of(story, one), first_seq=seq, prev=Digest(rng.randbytes(32))),
        ]
    )
    view = claimed(story, story.view, rng.choice([bent.signed.digest, Digest(rng.randbytes(32))]), epoch)
    return Tale(view=view), (), (Held(signed=bent.signed),)


@kind("kept.claim-answered", 2)
def _(story: Story, rng: Random) -> Told:
    """A claimed segment is in the log in time."""
    epoch, stream = a_spot(story, rng)
    signed = story.told[epoch].segments[stream][0].signed
    view = claimed(story, story.view, signed.digest, max(story.first_epoch, epoch - rng.randint(1, 2)))
    return Tale(view=view), (), (Held(signed=signed),)
