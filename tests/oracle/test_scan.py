"""Protocol 1.4: what is read by pattern is what the strict readers read; what they refuse is never read by pattern."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance.calendar import SLOTS_A_DAY, day_of
from alliance.errors import AllianceError
from alliance.identity import Address, Digest
from alliance.quantity import Bracket, Stream, boundary_places, station_quantities, timed
from alliance.reading import Flag, Reading, check_follows
from alliance.segment import START
from oracle import block, contents, log, manifest, scan, segment
from oracle import reading as reading_bytes
from oracle.eip712 import Domain
from oracle.hashing import sha256
from oracle.log import EntryType
from oracle.manifest import Manifest, Row, RowStatus
from oracle.merkle import Frontier, HashTree, leaf_hash
from oracle.segment import SealedSegment, check_contents
from oracle.signature import SecpSigner, no_keys

DOMAIN = Domain(31337, Address(b"\x11" * 20))
BOX = SecpSigner(sha256(b"scan"))


def sealed(count: int, *, first_seq: int = 0, flags: int = 0) -> SealedSegment:
    secret = sha256(b"secret") if count else Digest(bytes(32))
    readings = [
        segment.salted(
            Reading(flags=flags, channel=1, seq=first_seq + n, t_ms=1_000 + n, a=-5, b=7, c=10 * n, d=3, salt=b""),
            secret,
        )
        for n in range(count)
    ]
    head = replace(START, next_seq=first_seq)
    closed = segment.close(readings, device=BOX.address, channel=1, head=head, closed_at_ms=900)
    signed = segment.sign(closed, domain=DOMAIN, signer=BOX)
    return SealedSegment(signed=signed, secret=secret, readings=b"".join(map(reading_bytes.encode, readings)))


@cache
def blocks() -> dict[str, bytes]:
    one = sealed(3)
    rows = tuple(
        Row(device=Address(bytes([n]) * 20), channel=n * 90, first_seq=None if n % 2 else 1 << 2 * n, last_seq=None if n % 2 else 1 << 2 * n,
            head=sha256(bytes([n])), evidence=None if n % 2 else sha256(b"e"), status=list(RowStatus)[n % 5])
        for n in range(30)
    )  # fmt: skip
    made = Manifest(log=sha256(b"log"), epoch=1_981_790, prev=sha256(b"prev"), size=70_000, root=sha256(b"root"),
                    as_of_block=300, as_of_hash=sha256(b"as of"), entries=sha256(b"entries"), rows=rows)  # fmt: skip
    papers = [log.document_entry(kind, block=sha256(bytes([kind])), commitment=sha256(b"c"))
              for kind in (EntryType.SCHEDULE, EntryType.RULE_PACK, EntryType.ROWS, EntryType.STATEMENT)]  # fmt: skip
    papers.append(log.acceptance_entry(alg=1, digest=sha256(b"a"), signature=bytes(64)))
    signed = [sealed(n, first_seq=n).signed for n in range(30)]
    return {
        "evidence": block.encode([one, sealed(60, first_seq=3), sealed(0, first_seq=63)]),
        "evidence of one reading": block.encode([sealed(1, first_seq=70_000)]),
        "manifest": manifest.encode(made),
        "first manifest": manifest.encode(replace(made, prev=Digest(bytes(32)), rows=())),
        "entries": log.encode_entries(log.arrange(5, signed, papers)),
    }


READERS: dict[str, tuple[Callable[[bytes], object], Callable[[bytes], object]]] = {
    "evidence": (lambda raw: scan.evidence(raw, DOMAIN, keys=no_keys), lambda raw: block.read(raw, DOMAIN)),
    "evidence of one reading": (
        lambda raw: scan.evidence(raw, DOMAIN, keys=no_keys),
        lambda raw: block.read(raw, DOMAIN),
    ),
    "manifest": (scan.manifest, manifest.decode),
    "first manifest": (scan.manifest, manifest.decode),
    "entries": (scan.entries, log.decode_entries),
}


@pytest.mark.parametrize("name", READERS)
def test_block_is_read_by_pattern_as_strictly_when_it_is_canonical(name: str) -> None:
    fast, strict = READERS[name]
    found = fast(blocks()[name])
    assert found is not None
    assert found == strict(blocks()[name])


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
@settings(max_examples=400)
def test_block_that_is_read_by_pattern_is_never_one_that_the_strict_reader_refuses(name: str, data) -> None:
    raw = bytearray(blocks()[name])
    for _ in range(data.draw(st.integers(1, 3))):
        if not raw:
            break
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["flip", "drop", "add", "cut"])):
            case "flip":
                raw[at] ^= 1 << data.draw(st.integers(0, 7))
            case "drop":
                del raw[at]
            case "add":
                raw.insert(at, data.draw(st.integers(0, 255)))
            case "cut":
                del raw[at + 1 :]
    fast, strict = READERS[name]
    try:
        found = fast(bytes(raw))
    except AllianceError as refused:
        with pytest.raises(type(refused)):
            strict(bytes(raw))
        return
    if found is not None:
        assert found == strict(bytes(raw))


@pytest.mark.parametrize("name", ["evidence", "evidence of one reading"])
def test_payload_is_read_by_pattern_as_it_is_unlocked(name: str) -> None:
    clear = block.read(blocks()[name], DOMAIN)
    assert scan.payload(clear.payload) == [(one.secret, one.readings) for one in block.unlock(clear)]


@given(st.data())
@settings(max_examples=300)
def test_first_reading_of_a_segment_surely_follows_only_where_the_rule_lets_it(data) -> None:
    def one(seq: int) -> Reading:
        few = st.integers(0, 3)
        flags = data.draw(st.sampled_from([0, 0, Flag.REGISTER_RESET, Flag.CLOCK_UNSYNCHRONISED]))
        return Reading(flags=flags, channel=1, seq=seq, t_ms=1, a=0, b=0, c=data.draw(few), d=data.draw(few), salt=b"")

    before, after = one(data.draw(st.integers(0, 3))), one(data.draw(st.integers(0, 3)))
    segments = [contents.Contents((_row(r),), (r.t_ms,), plain=not r.flags) for r in (before, after)]
    try:
        check_follows(before, after)
    except AllianceError:
        assert not segments[0].precedes(segments[1])
        return
    assert segments[0].precedes(segments[1]) or after.flags & Flag.REGISTER_RESET


def _row(r: Reading) -> tuple:
    return (b"SAR1", 1, r.flags, r.channel, r.seq, r.t_ms, r.a, r.b, r.c, r.d, r.salt)


def test_segment_digest_is_the_same_in_one_piece() -> None:
    for one in (sealed(0), sealed(60, first_seq=2**40)):
        assert scan.segment_digest(one.signed.segment, DOMAIN) == segment.digest(one.signed.segment, DOMAIN)


# ---- contents ----


@pytest.mark.parametrize(
    ("count", "flags"), [(0, 0), (1, 0), (60, 0), (5, Flag.CLOCK_UNSYNCHRONISED), (5, Flag.REGISTER_RESET)]
)
def test_contents_hold_when_the_segment_covers_them(count: int, flags: int) -> None:
    one = sealed(count, flags=flags)
    found = contents.checked(one)
    assert found.readings(range(count)) == check_contents(one)
    assert found.plain is not bool(flags and count)


@given(
    st.integers(0, 60 * 64 - 1),
    st.integers(0, 7),
    st.sampled_from(["readings", "secret", "count", "channel", "t_first_ms", "t_last_ms", "first_seq"]),
    st.sampled_from([1, 2, 60]),
)
@settings(max_examples=600)
def test_contents_are_refused_alike_when_anything_is_altered(at: int, bit: int, what: str, count: int) -> None:
    good = sealed(count)
    if what in ("readings", "secret"):
        raw = bytearray(getattr(good, what))
        raw[at % len(raw)] ^= 1 << bit
        bent = replace(good, **{what: bytes(raw)})
    else:
        part = replace(good.signed.segment, **{what: getattr(good.signed.segment, what) ^ (1 << bit)})
        bent = replace(good, signed=replace(good.signed, segment=part))
    with pytest.raises(AllianceError) as slow:
        check_contents(bent)
    with pytest.raises(type(slow.value)):
        contents.checked(bent)


# ---- the tree's frontier, and readings that may be edges ----


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_frontier_has_the_root_of_the_whole_tree_at_every_size(leaves: list[bytes]) -> None:
    tree, frontier = HashTree(), Frontier()
    for leaf in leaves:
        tree.append(leaf_hash(leaf))
        frontier.append(leaf_hash(leaf))
        assert frontier.root() == tree.root()
    again = Frontier(frontier.size, frontier.peaks)
    assert again.root() == frontier.root()


DAY = day_of("2026-07-10")


@given(
    st.lists(st.tuples(st.integers(1, 120_000), st.integers(0, 500), st.integers(-3, 3)), min_size=5, max_size=80),
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(-400_000, 0), st.integers(0, 400_000)), min_size=1, max_size=20),
)
@settings(max_examples=300)
def test_quantities_are_the_same_when_only_readings_that_may_be_edges_are_kept(steps, size: int, slack) -> None:
    """Any times, falling ones too, in segments with any brackets."""
    readings, t, c = [], DAY.start_ms - 200_000, 0
    for seq, (gap, energy, jump) in enumerate(steps):
        t, c = t + (gap if jump > -3 else -gap), c + energy
        readings.append(Reading(channel=1, seq=seq, t_ms=t, a=0, b=0, c=c, d=2 * c, salt=b""))
    whole, thin, since = [], [], 0
    for at in range(0, len(readings), size):
        part = readings[at : at + size]
        below, above = slack[at // size % len(slack)]
        limits = Bracket(part[0].t_ms + below // 2, part[-1].t_ms + above)
        times = [r.t_ms for r in part]
        kept = boundary_places(times, limits=limits, since_ms=since)
        since = max(since, min(max(max(times), limits.earliest_ms), limits.latest_ms))
        whole += [(r, limits) for r in part]
        thin += [(part[n], limits) for n in kept]

    def energy_of(found: list) -> tuple:
        stream = Stream(device=BOX.address, channel=1, readings=timed(found))
        return station_quantities(1, day=DAY, streams=[stream], planned_net_wh=(0,) * SLOTS_A_DAY)

    assert energy_of(thin) == energy_of(whole)
