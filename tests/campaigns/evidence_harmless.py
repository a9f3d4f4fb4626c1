"""What must not be mistaken for a lie: other orders, retries, late and lapsed segments, reorganisations, more of everything."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import coincurve

from alliance.identity import ZERO_DIGEST, Digest, to_hex
from alliance.reading import battery_word
from alliance.segment import START, Head
from chain import abi
from oracle import reading as reading_bytes
from oracle import segment
from oracle.document import seal
from oracle.hashing import keccak256
from oracle.log import EntryType
from oracle.merkle import HashTree
from oracle.segment import SealedSegment
from oracle.signature import SecpSigner
from tests.audit.world import BATTERY, BOXES, DAY, FIRST_EPOCH, LAST_EPOCH, METER
from tests.campaigns.evidence_cases import Kind, Teller, Told
from tests.campaigns.evidence_chain import STATE_BLOCKS, ChainView, Json, rehash
from tests.campaigns.evidence_log_lies import a_spot, an_epoch, key_of, signed_by, with_segments
from tests.campaigns.evidence_node_lies import retimed
from tests.campaigns.evidence_story import Posted, Segments, Story, Stream, Tale, encoded, posting
from tests.campaigns.evidence_story import Told as Epoch
from tests.campaigns.evidence_world import SPARE_STREAM

KINDS: list[Kind] = []


def kind(name: str, weight: int = 1) -> Callable[[Teller], Teller]:
    """Registers a class of harmless variations."""

    def register(tell: Teller) -> Teller:
        KINDS.append(Kind(name=name, tell=tell, weight=weight, consistent=True))
        return tell

    return register


# ---- what a node does ----


def answering(view: ChainView, change: Callable[[str, Any], Any]) -> ChainView:
    """The view behind a node that puts its answers otherwise."""

    class Answering(ChainView):
        def answer(self, method: str, params: Sequence[Any]) -> object:
            return change(method, super().answer(method, params))

    fields = {name: getattr(view, name) for name in ("chain_id", "blocks", "logs", "state", "calls")}
    return Answering(**fields)


@kind("node.log-order", 4)
def _(story: Story, rng: Random) -> Told:
    """A node answers with the logs of a range in any order."""
    seed = rng.getrandbits(64)

    def shuffled(method: str, told: Any) -> Any:
        if method == "eth_getLogs":
            told = list(told)
            Random(seed).shuffle(told)
        return told

    return Tale(view=answering(story.view, shuffled)), ()


@kind("node.other-spelling", 2)
def _(story: Story, rng: Random) -> Told:
    """A node writes hexadecimal digits large, or tells more than is asked."""
    large = rng.random() < 0.5

    def spelled(told: Any) -> Any:
        if isinstance(told, str) and told.startswith("0x"):
            return "0x" + (told[2:].upper() if large else told[2:])
        if isinstance(told, list):
            return [spelled(one) for one in told]
        if isinstance(told, dict):
            return {name: spelled(one) for name, one in told.items()} | ({} if large else {"extra": None})
        return told

    return Tale(view=answering(story.view, lambda method, told: spelled(told))), ()


@kind("node.foreign-logs", 3)
def _(story: Story, rng: Random) -> Told:
    """Other contracts emit the same events, ours emit unknown ones, and other logs stand beside them."""
    logs = list(story.view.logs)
    for _ in range(rng.randint(1, 40)):
        raw = rng.choice(logs)
        strange = rng.random() < 0.5
        more = {
            **raw, "logIndex": hex(1000 + rng.getrandbits(20)),
            "topics": [to_hex(rng.randbytes(32)), *raw["topics"][1:]] if strange else raw["topics"],
            "address": raw["address"] if strange else to_hex(rng.randbytes(20)),
        }  # fmt: skip
        logs.insert(rng.randint(0, len(logs)), more)
    order = sorted(logs, key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
    return Tale(view=replace(story.view, logs=tuple(order))), ()


_DIGESTS = "DigestClaimed(bytes32,address,uint48)"
_OVERDUE = "EpochOverdue(uint48,address)"
_APPLIED = "MembershipApplied(address,bytes32)"
_PAID = "PaymentRecorded(uint32,uint32,bytes32,address)"


@kind("node.later-events", 3)
def _(story: Story, rng: Random) -> Told:
    """Things that happen later or concern others: applications, payments, garbage claims, overdue flags."""
    logs = list(story.view.logs)
    number = len(story.view.blocks) - STATE_BLOCKS - 1
    for index in range(rng.randint(1, 6)):
        logs.append(_more(story, rng, number, 500 + index))
    return Tale(view=replace(story.view, logs=tuple(logs))), ()


def _more(story: Story, rng: Random, number: int, index: int) -> Json:
    who, word = rng.randbytes(20), rng.randbytes(32)
    name, signature, hot, cold = rng.choice(
        [
            ("AnchorLog", _DIGESTS, [("bytes32", word), ("address", who)], [("uint48", LAST_EPOCH)]),
            ("AnchorLog", _OVERDUE, [("uint48", rng.randint(FIRST_EPOCH, LAST_EPOCH)), ("address", who)], []),
            ("AllianceRegistry", _APPLIED, [("address", who)], [("bytes32", word)]),
            ("SettlementLedger", _PAID, [("uint32", DAY.number), ("uint32", 1)], [("bytes32", word), ("address", who)]),
        ]
    )
    topics = [keccak256(signature.encode()), *(abi.encode(f"({t})", [v]) for t, v in hot)]
    data = abi.encode("(" + ",".join(t for t, _ in cold) + ")", [v for _, v in cold])
    return {
        **story.view.logs[-1], "address": to_hex(story.deployment[name].address), "topics": [to_hex(t) for t in topics],
        "data": to_hex(data), "blockNumber": hex(number), "blockHash": story.view.blocks[number]["hash"],
        "logIndex": hex(index), "transactionHash": to_hex(rng.randbytes(32)),
    }  # fmt: skip


# ---- reorganisations ----


@kind("chain.reorganised-end", 5)
def _(story: Story, rng: Random) -> Told:
    """The newest blocks were reorganised: other hashes and times, the same content, nothing that names them."""
    named = max(told.as_of_block for told in story.told.values())
    used = max(
        one.signed.segment.beacon_block for t in story.told.values() for listed in t.segments.values() for one in listed
    )
    first = rng.randint(max(named, used) + 1, len(story.view.blocks) - STATE_BLOCKS)
    salt = rng.randbytes(8)
    blocks = rehash(story.view.blocks, first=first, change=lambda b: {**b, "extraData": to_hex(salt)})
    return Tale(view=_with_blocks(story.view, blocks, first)), ()


def _with_blocks(view: ChainView, blocks: tuple[Json, ...], first: int) -> ChainView:
    logs = tuple(
        {**raw, "blockHash": blocks[at]["hash"]} if (at := int(raw["blockNumber"], 16)) >= first else raw
        for raw in view.logs
    )
    return replace(view, blocks=blocks, logs=logs)


@kind("chain.other-anchor-time", 3)
def _(story: Story, rng: Random) -> Told:
    """The last epochs were mined some seconds later or earlier."""
    event = story.checkpoints[-1]
    end = (event.epoch + 1) * story.deployment.epoch_seconds
    number = event.at.block_number
    before = int(story.view.blocks[number - 1]["timestamp"], 16)
    after = int(story.view.blocks[number + 1]["timestamp"], 16)
    return Tale(view=retimed(story.view, number, rng.randint(max(end, before + 1), after - 1))), ()


@kind("chain.longer", 3)
def _(story: Story, rng: Random) -> Told:
    """More empty blocks stand at the end."""
    blocks = list(story.view.blocks)
    for _ in range(rng.randint(1, 40)):
        last = blocks[-1]
        blocks.append(
            {**last, "number": hex(len(blocks)), "timestamp": hex(int(last["timestamp"], 16) + rng.randint(1, 90))}
        )
    told = rehash(blocks, first=len(story.view.blocks), change=lambda b: b)
    return Tale(view=replace(story.view, blocks=told)), ()


@kind("chain.other-history", 3)
def _(story: Story, rng: Random) -> Told:
    """The same day on a chain whose blocks all have other hashes: every beacon, asOf, signature and root is another."""
    salt = rng.randbytes(8)
    first = min(told.as_of_block for told in story.told.values())
    blocks = rehash(
        story.view.blocks, first=first,
        change=lambda b: {**b, "extraData": to_hex(salt)} if int(b["number"], 16) == first else b,
    )  # fmt: skip
    chain = _with_blocks(story.view, blocks, first)

    def hash_of(number: int) -> Digest:
        return Digest(bytes.fromhex(blocks[number]["hash"][2:]))

    def beacon(one: SealedSegment) -> dict[str, object]:
        number = one.signed.segment.beacon_block
        return {"beacon_hash": hash_of(number)} if number < len(blocks) else {}

    changes = signed_again(story, lambda epoch, stream, one: [signed_by(story, one, key_of(story, one), **beacon(one))])
    whole = {
        epoch: (lambda told, c=changes[epoch]: replace(c(told), as_of_hash=hash_of(told.as_of_block)))
        for epoch in story.told
    }
    tale = story.retell(whole)
    logs = tuple(
        {**ours, "blockHash": theirs["blockHash"]} for ours, theirs in zip(tale.view.logs, chain.logs, strict=True)
    )
    view = replace(tale.view, logs=logs, blocks=blocks)
    return replace(tale, view=view.with_state(tale.view.state)), ()


# ---- how a day is signed ----

Again = Callable[[int, Stream, SealedSegment], list[SealedSegment]]


def signed_again(story: Story, change: Again, *, first: int | None = None) -> dict[int, Callable[[Epoch], Epoch]]:
    """Every segment from an epoch on made anew by `change`, each going on from the one before."""
    heads: dict[Stream, Head] = dict(story.heads[first]) if first else {}
    made: dict[int, dict[Stream, tuple[SealedSegment, ...]]] = {}
    for epoch, told in story.told.items():
        if first and epoch < first:
            continue
        made[epoch] = {
            stream: tuple(_chained(story, epoch, stream, listed, change, heads))
            for stream, listed in told.segments.items()
        }
    return {epoch: (lambda told, s=segments: replace(told, segments=s)) for epoch, segments in made.items()}


def _chained(
    story: Story, epoch: int, stream: Stream, listed: Sequence[SealedSegment], change: Again, heads: dict[Stream, Head]
) -> list[SealedSegment]:
    found = []
    for one in listed:
        for again in change(epoch, stream, one):
            head = heads.get(stream, START)
            placed = signed_by(story, again, key_of(story, one), first_seq=head.next_seq, prev=head.digest)
            heads[stream] = Head(next_seq=placed.signed.segment.next_seq, digest=placed.signed.digest)
            found.append(placed)
    return found


@kind("signed.again", 5)
def _(story: Story, rng: Random) -> Told:
    """A second signature over the same digest takes the place of the first: a retry."""
    changes: dict[int, Callable[[Epoch], Epoch]] = {}
    for _ in range(rng.randint(1, 12)):
        epoch, stream = a_spot(story, rng, last=LAST_EPOCH)
        one = story.told[epoch].segments[stream][0]
        if epoch not in changes:
            changes[epoch] = with_segments(stream, (retried(story, one, rng),))
    return story.retell(changes), ()


def retried(story: Story, one: SealedSegment, rng: Random) -> SealedSegment:
    """The segment under another valid signature of the same key."""
    signer = key_of(story, one)
    signature = other_signature(signer, one.signed.digest, rng)
    return replace(one, signed=replace(one.signed, signature=signature))


def other_signature(signer: SecpSigner, digest: Digest, rng: Random) -> bytes:
    """A signature that is not the deterministic one: another nonce, low s, EIP-2098."""
    extra = coincurve._libsecp256k1.ffi.new("unsigned char[32]", rng.randbytes(32))
    nonce = (coincurve._libsecp256k1.lib.secp256k1_nonce_function_default, extra)
    raw = signer._key.sign_recoverable(digest, hasher=None, custom_nonce=nonce)
    tail = int.from_bytes(raw[32:64], "big") | raw[64] << 255
    return raw[:32] + tail.to_bytes(32, "big")


@kind("signed.other-secrets", 3)
def _(story: Story, rng: Random) -> Told:
    """From an epoch on the boxes drew other secrets: other salts, roots and digests, the same readings."""
    first = rng.randint(FIRST_EPOCH + 2, LAST_EPOCH)

    def change(epoch: int, stream: Stream, one: SealedSegment) -> list[SealedSegment]:
        if not one.readings:
            return [one]
        secret = Digest(rng.randbytes(32))
        return [over(story, one, [segment.salted(r, secret) for r in one.decoded()], secret)]

    return story.retell(signed_again(story, change, first=first)), ()


def over(story: Story, one: SealedSegment, readings: Sequence, secret: Digest) -> SealedSegment:
    """The segment over other readings."""
    raw = b"".join(map(reading_bytes.encode, readings))
    signed = signed_by(
        story, one, key_of(story, one), root=segment.readings_root(raw), count=len(readings),
        t_first_ms=readings[0].t_ms, t_last_ms=readings[-1].t_ms,
    )  # fmt: skip
    return replace(signed, readings=raw, secret=secret)


@kind("signed.other-cuts", 3)
def _(story: Story, rng: Random) -> Told:
    """From an epoch on the boxes close their segments elsewhere: one, two or three in an epoch."""
    first = rng.randint(FIRST_EPOCH + 2, LAST_EPOCH)

    def change(epoch: int, stream: Stream, one: SealedSegment) -> list[SealedSegment]:
        readings = one.decoded()
        if len(readings) < 2 or rng.random() < 0.5:
            return [one]
        cut = rng.randrange(1, len(readings))
        parts = [readings[:cut], readings[cut:]]
        return [over(story, one, part, one.secret) for part in parts]

    changes = signed_again(story, change, first=first)
    return story.retell(changes, postings=seeing(story, changes)), ()


def seeing(story: Story, changes: Mapping[int, Callable[[Epoch], Epoch]]) -> dict[int, Posted]:
    """The statements as they are when the log has more entries: they name the size that they saw."""
    more = {epoch: _count(change(story.told[epoch])) - _count(story.told[epoch]) for epoch, change in changes.items()}
    found = {}
    for posted in story.postings:
        size = posted.statement.heading.log_size
        seen = next(c.epoch for c in story.checkpoints if c.size == size)
        longer = size + sum(count for epoch, count in more.items() if epoch <= seen)
        heading = replace(posted.statement.heading, log_size=longer)
        found[posted.event.version] = posting(replace(posted.statement, heading=heading), posted.event)
    return found


def _count(told: Epoch) -> int:
    return sum(map(len, told.segments.values())) + len(told.others)


@kind("signed.other-beacons", 3)
def _(story: Story, rng: Random) -> Told:
    """From an epoch on the boxes knew no beacon, a foreign one, or an older one."""
    first = rng.randint(FIRST_EPOCH + 2, LAST_EPOCH)
    mode = rng.randrange(3)

    def change(epoch: int, stream: Stream, one: SealedSegment) -> list[SealedSegment]:
        number = rng.randint(1, max(1, one.signed.segment.beacon_block))
        beacon = [
            (0, ZERO_DIGEST), (number, Digest(rng.randbytes(32))),
            (number, Digest(bytes.fromhex(story.view.blocks[number]["hash"][2:]))),
        ][mode]  # fmt: skip
        return [signed_by(story, one, key_of(story, one), beacon_block=beacon[0], beacon_hash=beacon[1])]

    return story.retell(signed_again(story, change, first=first)), ()


@kind("signed.other-batteries", 2)
def _(story: Story, rng: Random) -> Told:
    """The batteries' readings are others: they settle nothing on such a day."""
    first = rng.randint(FIRST_EPOCH + 2, LAST_EPOCH)
    shift, word = rng.randint(1, 10**6), battery_word(soc_bp=rng.randint(0, 9_999), soh_bp=9_000)

    def change(epoch: int, stream: Stream, one: SealedSegment) -> list[SealedSegment]:
        if stream[1] != BATTERY or stream == SPARE_STREAM or not one.readings:
            return [one]
        told = [replace(r, b=word, c=r.c + shift, d=r.d + shift) for r in one.decoded()]
        return [over(story, one, told, one.secret)]

    return story.retell(signed_again(story, change, first=first)), ()


@kind("signed.lapsed-and-continued", 3)
def _(story: Story, rng: Random) -> Told:
    """A revoked key signed once more; a valid one went on from there, so that it counts."""
    epoch = DAY.first_slot + rng.randint(story.scene.plot.revoked, 92)
    stream = (BOXES[2].address, rng.choice([METER, BATTERY]))
    listed = story.told[epoch].segments[stream]
    tale = story.retell({epoch: with_segments(stream, tuple(signed_by(story, one, BOXES[2]) for one in listed))})
    return tale, ()


# ---- arrival ----


@kind("arrival.late", 5)
def _(story: Story, rng: Random) -> Told:
    """A stream's segments came an epoch, or several, too late; the rows say so."""
    changes: dict[int, Callable[[Epoch], Epoch]] = {}
    for _ in range(rng.randint(1, 3)):
        epoch, stream = a_spot(story, rng, last=LAST_EPOCH - 9)
        if set(range(epoch - 1, epoch + 9)) & set(changes):
            continue
        wait = rng.randint(1, 4)
        if stream == SPARE_STREAM or epoch + wait >= LAST_EPOCH:
            continue
        held = [story.told[e].segments.get(stream, ()) for e in range(epoch, epoch + wait)]
        changes |= {e: with_segments(stream, ()) for e in range(epoch, epoch + wait)}
        whole = tuple(one for listed in (*held, story.told[epoch + wait].segments.get(stream, ())) for one in listed)
        changes[epoch + wait] = with_segments(stream, whole)
    return story.retell(changes or {FIRST_EPOCH: lambda told: told}), ()


@kind("arrival.order", 2)
def _(story: Story, rng: Random) -> Told:
    """The service met streams, epochs' segments and documents in another order: every byte is the same."""
    epoch = an_epoch(story, rng)

    def shuffled(told: Epoch) -> Epoch:
        streams = list(told.segments)
        rng.shuffle(streams)
        others = list(told.others)
        rng.shuffle(others)
        return replace(told, segments={s: told.segments[s] for s in streams}, others=tuple(others))

    tale = story.retell({epoch: shuffled})
    assert not tale.blocks, "the order of arrival changed a byte"
    return tale, ()


# ---- more of everything ----


@kind("archive.more-blocks", 2)
def _(story: Story, rng: Random) -> Told:
    """The archive holds blocks that nothing names."""
    more = {
        Digest(keccak256(raw)): raw for raw in (rng.randbytes(rng.randint(1, 999)) for _ in range(rng.randint(1, 30)))
    }
    return Tale(view=story.view, blocks=more), ()


@kind("log.other-documents", 4)
def _(story: Story, rng: Random) -> Told:
    """Another day's instruction or statement stands in the log too; the statements see a longer log."""
    epoch = rng.randint(FIRST_EPOCH + 2, LAST_EPOCH)
    day = DAY.number + rng.choice([-30, -2, 2, 30])
    content = {"schedule": {"schedule": {"day": day}}, "certificate": None}
    paper = seal(EntryType.INSTRUCTION, content, salt=rng.randbytes(32))
    changes = {epoch: lambda told: replace(told, others=(*told.others, paper.entry))}
    tale = story.retell(changes, postings=seeing(story, changes))
    return replace(tale, blocks={**tale.blocks, paper.digest: paper.block}), ()


@kind("log.later-epochs", 4)
def _(story: Story, rng: Random) -> Told:
    """The log went on after the day was audited: more epochs, more blocks, more segments."""
    return grown(story, rng, rng.randint(1, 6)), ()


def grown(story: Story, rng: Random, epochs: int) -> Tale:
    """The story with more epochs anchored after its last one, in blocks of their own."""
    view, blocks = story.view, dict[Digest, bytes | None]()
    last = story.checkpoints[-1]
    tree = HashTree(leaf for epoch in story.told for leaf in story.leaves[epoch])
    heads, prev = dict(story.heads[last.epoch + 1]), last.manifest
    raw = next(raw for raw, e in zip(view.logs, story.events, strict=True) if e is last)
    chain = list(view.blocks)
    told: dict[int, tuple[int, Digest, Digest]] = {}
    logs = list(view.logs)
    for epoch in range(last.epoch + 1, last.epoch + 1 + epochs):
        as_of = _last_before(chain, epoch * 900)
        it = Epoch(
            epoch=epoch, as_of_block=int(as_of["number"], 16), as_of_hash=Digest(bytes.fromhex(as_of["hash"][2:])),
            segments=_spoken(story, rng, heads, epoch), others=(), frozen=story.told[last.epoch].frozen,
            streams=story.told[last.epoch].streams,
        )  # fmt: skip
        prev = story._anchor(it, tree, prev, heads, blocks, told)
        time_s = max((epoch + 1) * 900 + 60, int(chain[-1]["timestamp"], 16) + 1)
        chain.append({**chain[-1], "number": hex(len(chain)), "timestamp": hex(time_s)})
        chain = list(rehash(chain, first=len(chain) - 1, change=lambda b: b))
        event = replace(last, epoch=epoch, size=told[epoch][0], root=told[epoch][1], manifest=told[epoch][2])
        logs.append(
            encoded(event, raw)
            | {"blockNumber": chain[-1]["number"], "blockHash": chain[-1]["hash"], "logIndex": "0x0"}
        )
    for _ in range(STATE_BLOCKS):
        chain.append({**chain[-1], "number": hex(len(chain)), "timestamp": hex(int(chain[-1]["timestamp"], 16) + 60)})
    chain = list(rehash(chain, first=len(chain) - STATE_BLOCKS, change=lambda b: b))
    size, root, _named = told[max(told)]
    grown_view = replace(view, blocks=tuple(chain), logs=tuple(logs))
    state = view.state.stored(
        story.deployment["AnchorLog"].address, story.log_slots(root=root, size=size, epoch=max(told))
    )
    return Tale(
        view=grown_view.with_state(state, story._state_calls(root=root, size=size, epoch=max(told))), blocks=blocks
    )


def _last_before(chain: Sequence[Json], time_s: int) -> Json:
    return next(b for b in reversed(chain) if int(b["timestamp"], 16) < time_s)


def _spoken(story: Story, rng: Random, heads: Mapping[Stream, Head], epoch: int) -> Segments:
    """Gap records of some boxes."""
    found = {}
    for stream in sorted(heads):
        if stream != SPARE_STREAM and rng.random() < 0.6:
            last = next(t.segments[stream][-1] for t in reversed(story.told.values()) if t.segments.get(stream))
            head = heads[stream]
            time_ms = (epoch + 1) * 900_000
            gap = signed_by(
                story, replace(last, readings=b"", secret=ZERO_DIGEST), key_of(story, last), first_seq=head.next_seq,
                prev=head.digest, count=0, root=segment.readings_root(b""), t_first_ms=time_ms, t_last_ms=time_ms,
            )  # fmt: skip
            found[stream] = (gap,)
    return found


@kind("honest", 3)
def _(story: Story, rng: Random) -> Told:
    """The day as it is, under whatever time zone, locale, hash seed, paging and kind of archive this case is played."""
    return Tale(view=story.view), ()
