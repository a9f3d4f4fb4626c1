"""What a case of the evidence campaign is, how a verdict on it is judged, and the archive that it is played from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

from alliance.calendar import epoch_start_ms
from alliance.identity import Digest
from audit.completeness import Held
from oracle.archive import BlockAltered, BlockMissing
from oracle.cbor import Cid
from oracle.grant import FolderGrants, Opener, load_reader
from oracle.hashing import sha256
from tests.audit.world import BOXES, DAY
from tests.campaigns.evidence_chain import ChainView
from tests.campaigns.evidence_story import Blocks, Story, Stream, Tale
from tests.campaigns.evidence_world import SPARE

Verdict = Mapping[str, object]
"""A verdict as JSON values (protocol 11.3)."""
Where = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Named:
    """A right name for a lie: the clause that its rule begins with, words in it, and the place."""

    clause: str
    says: str = ""
    where: Where = field(default_factory=dict)
    """The fields that must be equal; None must be absent."""

    def fits(self, verdict: Verdict) -> bool:
        """Whether a verdict says so."""
        found = verdict["divergence"]
        if verdict["verdict"] != "fail" or not isinstance(found, dict):
            return False
        begins = found["rule"].startswith((f"protocol {self.clause}:", f"protocol {self.clause} "))
        return begins and self.says in found["rule"] and all(found[name] == v for name, v in self.where.items())

    def __str__(self) -> str:
        return f"{self.clause} {self.says!r} {dict(self.where)}"


@dataclass(frozen=True, kw_only=True)
class NotRead:
    """A right name where the node contradicts itself: nothing is judged, and nobody accused."""

    what: str = "chain"
    why: str = ""

    def fits(self, verdict: Verdict) -> bool:
        """Whether a verdict says so."""
        found = verdict["unread"]
        if verdict["verdict"] != "unread" or not isinstance(found, dict):
            return False
        return found["what"] == self.what and self.why in found["why"]

    def __str__(self) -> str:
        return f"unread {self.what} {self.why!r}"


Right = Named | NotRead


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing to audit; without `right` names it must pass."""

    id: str
    tale: Tale
    right: tuple[Right, ...] = ()
    held: tuple[Held, ...] = ()
    """What a member kept, shown to the verifiers."""
    consistent: bool = False
    """Whether it is a lie that hashes, signs and anchors as it should."""

    @property
    def view(self) -> ChainView:
        """The chain as its node shows it."""
        return self.tale.view


Told = tuple[Tale, tuple[Right, ...]] | tuple[Tale, tuple[Right, ...], tuple[Held, ...]]
Teller = Callable[[Story, Random], Told]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A class of cases: how it is told, how often, and whether consistently."""

    name: str
    tell: Teller
    weight: int
    consistent: bool

    def case(self, story: Story, world: int, number: int) -> Case:
        """The number-th case of this class in a world; the same whenever it is asked for."""
        named = f"{self.name}/{world}/{number}"
        tale, right, *kept = self.tell(story, Random(named))
        return Case(id=named, tale=tale, right=right, held=kept[0] if kept else (), consistent=self.consistent)


class MemoryArchive:
    """A world's archive with a case's changes, held in memory; unchanged blocks were hashed when it was read."""

    def __init__(self, whole: Mapping[Digest, bytes], changed: Blocks) -> None:
        self._whole, self._changed = whole, changed

    def get(self, digest: Digest) -> bytes:
        """The block. Raises BlockMissing or BlockAltered."""
        if digest not in self._changed:
            if digest not in self._whole:
                raise BlockMissing(cid=Cid(digest), where="memory")
            return self._whole[digest]
        raw = self._changed[digest]
        if raw is None:
            raise BlockMissing(cid=Cid(digest), where="memory")
        got = sha256(raw)
        if got != digest:
            raise BlockAltered(cid=Cid(digest), got=Cid(got), where="memory")
        return raw

    def unchecked(self, digest: Digest) -> bytes | None:
        """What stands under the address."""
        return self._changed[digest] if digest in self._changed else self._whole.get(digest)


class CaseGrants:
    """A world's grants with a case's changes."""

    def __init__(self, story: Story, case: Case) -> None:
        self._world, self._changed = FolderGrants(story.scene.archive), case.tale.grants

    def get(self, reader: str, epoch: int) -> bytes | None:
        """The reader's grant of an epoch."""
        return self._changed[epoch] if epoch in self._changed else self._world.get(reader, epoch)


def opener_of(story: Story, case: Case) -> Opener | None:
    """What opens a case's blocks: the world's own opener, which remembers grants, unless the case has others."""
    if story.opener is None or not case.tale.grants:
        return story.opener
    return Opener(load_reader(story.scene.folder / "reader.key"), CaseGrants(story, case))


# ---- places ----


def station_of(stream: Stream) -> int:
    """The station that a stream of the campaign's worlds is bound to."""
    return 1 if stream[0] == SPARE.address else 1 + [box.address for box in BOXES].index(stream[0])


def at_epoch(epoch: int) -> dict[str, object]:
    """An epoch as a place."""
    slot = epoch - DAY.first_slot
    return {"epoch": epoch, "slot": slot if 0 <= slot < 96 else None}


def at_stream(epoch: int, stream: Stream, seq: int | None = None) -> dict[str, object]:
    """A channel in an epoch as a place."""
    named = {"station": station_of(stream), "device": f"0x{stream[0].hex()}", "channel": stream[1]}
    return at_epoch(epoch) | named | ({} if seq is None else {"seq": seq})


def starts_ms(epoch: int) -> int:
    """When an epoch begins."""
    return epoch_start_ms(epoch)


def pick(rng: Random, among: Iterable) -> object:
    """One of some things, whatever order they come in."""
    return rng.choice(sorted(among))
