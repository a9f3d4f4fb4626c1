"""Lies of an archive: bytes altered, cut, exchanged or withheld under addresses that the log names."""

from collections.abc import Callable, Iterator
from random import Random

from alliance.errors import AllianceError
from alliance.identity import Digest
from alliance.statement import Statement
from oracle import statement_document
from oracle.document import open_block
from oracle.log import EntryType
from tests.campaigns.evidence_cases import Kind, Named, Right, Teller, Told, at_epoch, at_stream
from tests.campaigns.evidence_log_lies import an_epoch
from tests.campaigns.evidence_story import Story, Stream, Tale

KINDS: list[Kind] = []
_LEASE_STATION = 3
"""The station of the worlds' lease."""


def kind(name: str, weight: int = 1) -> Callable[[Teller], Teller]:
    """Registers a class of lies that do not hash."""

    def register(tell: Teller) -> Teller:
        KINDS.append(Kind(name=name, tell=tell, weight=weight, consistent=False))
        return tell

    return register


# ---- how bytes are bent ----


def flipped(raw: bytes, rng: Random) -> bytes:
    """One bit is another."""
    at = rng.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << rng.randrange(8)]) + raw[at + 1 :]


def _bent(story: Story, digest: Digest, rng: Random) -> tuple[bytes | None, str]:
    """Other bytes for a block, or none; and the word by which the audit calls that."""
    raw = story.blocks[digest]
    match rng.randrange(8):
        case 0 | 1:
            return None, "withheld"
        case 2:
            return raw[: rng.randrange(len(raw))], "altered"
        case 3:
            return raw + rng.randbytes(rng.randint(1, 40)), "altered"
        case 4:
            others = sorted(set(story.blocks) - {digest})
            return story.blocks[rng.choice(others)], "altered"
        case _:
            return flipped(raw, rng), "altered"


def _tale(story: Story, digest: Digest, raw: bytes | None) -> Tale:
    return Tale(view=story.view, blocks={digest: raw})


# ---- the kinds of blocks ----


@kind("archive.manifest", 5)
def _(story: Story, rng: Random) -> Told:
    """An epoch's manifest."""
    epoch = rng.choice(sorted(story.manifests))
    digest = story.checkpoint(epoch).manifest
    raw, says = _bent(story, digest, rng)
    return _tale(story, digest, raw), (Named(clause="4.3", says=says, where=at_epoch(epoch)),)


@kind("archive.entries", 4)
def _(story: Story, rng: Random) -> Told:
    """The list of an epoch's entries."""
    epoch = rng.choice(sorted(story.manifests))
    digest = story.manifests[epoch].entries
    raw, says = _bent(story, digest, rng)
    return _tale(story, digest, raw), (Named(clause="4.2", says=says, where=at_epoch(epoch)),)


@kind("archive.evidence", 10)
def _(story: Story, rng: Random) -> Told:
    """A channel's evidence of an epoch."""
    epoch = an_epoch(story, rng)
    stream: Stream = rng.choice(sorted(s for s, listed in story.told[epoch].segments.items() if listed))
    row = story.manifests[epoch].row(*stream)
    raw, says = _bent(story, row.evidence, rng)
    listed = story.told[epoch].segments[stream]
    right = [
        Named(clause="4.4", says=says, where=at_stream(epoch, stream, one.signed.segment.first_seq)) for one in listed
    ]
    return _tale(story, row.evidence, raw), tuple(right if says == "altered" else right[:1])


@kind("archive.document", 3)
def _(story: Story, rng: Random) -> Told:
    """A rule pack, a grouping, a schedule."""
    wanted = [
        (epoch, other)
        for epoch, told in story.told.items()
        for other in told.others
        if other.type in (EntryType.SCHEDULE, EntryType.RULE_PACK)
    ]
    epoch, entry = wanted[rng.randrange(len(wanted))]
    raw, says = _bent(story, entry.document, rng)
    named = f"({entry.type.name.lower()}): {says}"
    return _tale(story, entry.document, raw), (Named(clause="4.5", says=named, where={"epoch": epoch}),)


@kind("archive.statement", 5)
def _(story: Story, rng: Random) -> Told:
    """The document of a statement: a leaf that reads otherwise is named, else the document."""
    posted = rng.choice(story.postings)
    raw, says = _bent(story, posted.event.statement, rng)
    tale = _tale(story, posted.event.statement, raw)
    right: list[Right] = []
    if raw is not None:
        right = list(differing(posted.statement, raw))
    return tale, tuple(right) or (Named(clause="4.5", says=says, where={"slot": 96}),)


def differing(honest: Statement, raw: bytes) -> Iterator[Right]:
    """The places at which altered bytes read as another statement; none if they do not read as one."""
    try:
        bent = statement_document.from_plain(open_block(raw))
    except AllianceError:
        return
    yield from leaf_places(honest, bent)


def leaf_places(want: Statement, got: Statement) -> Iterator[Right]:
    """The first place at which two statements differ, in the order in which they are compared."""
    if want.heading != got.heading:
        yield Named(clause="8.9", where={"slot": 96})
        return
    for name, clause in (("quantities", "8.4.1"), ("slot_totals", "8.4.6"), ("lines", "8.6"), ("entries", "8.9.1")):
        listed = zip(getattr(want, name), getattr(got, name), strict=False)
        found = next(((a, b) for a, b in listed if a != b), None)
        if found is None and len(getattr(want, name)) != len(getattr(got, name)):
            a, b = getattr(want, name), getattr(got, name)
            found = (list(a)[len(b) :] or [None])[0], (list(b)[len(a) :] or [None])[0]
        if found is not None:
            yield Named(clause=clause, where=_leaf_place(name, found[0] or found[1], want))
            return
    if want.weights != got.weights:
        yield Named(clause="8.6.3", where={"slot": 96})
    elif want.balances != got.balances:
        yield Named(clause="8.9.1", says="balance", where={"slot": 96})
    else:
        yield Named(clause="4.5", where={"slot": 96})


def _leaf_place(name: str, leaf: object, statement: Statement) -> dict[str, object]:
    if name in ("quantities", "slot_totals"):
        return {"slot": leaf.slot, "station": leaf.station}
    line = leaf if name == "lines" else statement.lines[min(leaf.line, len(statement.lines) - 1)]
    return {"slot": line.slot}


@kind("archive.many", 1)
def _(story: Story, rng: Random) -> Told:
    """Several blocks at once: the first that is read is named."""
    epoch = an_epoch(story, rng)
    streams = sorted(s for s, listed in story.told[epoch].segments.items() if listed)
    rows = [story.manifests[epoch].row(*s) for s in streams]
    blocks = {row.evidence: None for row in rows}
    where = at_stream(epoch, streams[0])
    return Tale(view=story.view, blocks=blocks), (Named(clause="4.4", says="withheld", where=where),)


@kind("archive.whole-epochs", 1)
def _(story: Story, rng: Random) -> Told:
    """Everything of some consecutive epochs is gone."""
    epoch = an_epoch(story, rng)
    last = min(epoch + rng.randint(0, 9), max(story.manifests))
    gone: dict[Digest, bytes | None] = {}
    for e in range(epoch, last + 1):
        gone |= {story.checkpoint(e).manifest: None, story.manifests[e].entries: None}
        gone |= {row.evidence: None for row in story.manifests[e].rows if row.evidence}
    return Tale(view=story.view, blocks=gone), (Named(clause="4.3", says="withheld", where=at_epoch(epoch)),)
