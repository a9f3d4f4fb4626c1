"""An audit that was interrupted goes on (protocol 11.7): what it had found is kept between two epochs, in one file.

The file counts only for the same question (deployment, days, focus, version), only while the chain still has the block
up to which it was read, only where its tree is the one that was anchored, and only under the seal of a key that stands
beside it, readable by its owner alone. Anything else is put aside, and the audit begins again.
"""

import hmac
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from alliance.calendar import Day, day_of
from alliance.closing import DayUse
from alliance.errors import AllianceError
from alliance.identity import Address, Digest, LeaseId, StationId
from alliance.segment import Head
from alliance.statement import LineKind
from audit.facts import Facts
from audit.focus import Focus
from audit.manifests import Course, Logged, WalkState
from audit.verdict import Counts, DayResult, MoneyRow, Outcome
from chain.events import Checkpoint
from oracle import cbor, log
from oracle import deployment as deployments
from oracle.merkle import Frontier
from oracle.plain import Fields

VERSION = 1
_SEAL = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What an interrupted audit knew: the walk, the days it judged, and the use of leased capacity that was final."""

    walk: WalkState
    results: tuple[DayResult, ...]
    uses: Mapping[Day, DayUse]
    counts: Counts


class ResumeFile:
    """The file of one question in a folder."""

    def __init__(self, folder: Path, question: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._question = question
        self.path = folder / f"audit-{question.hex()[:16]}.resume"
        self._key = _key(folder / "audit.key")

    def load(self, facts: Facts, found: Sequence[Checkpoint]) -> Kept | None:
        """What was kept, None when there is nothing or it does not count any more."""
        try:
            raw = self.path.read_bytes()
        except OSError:
            return None
        body, seal = raw[:-_SEAL], raw[-_SEAL:]
        if not hmac.compare_digest(seal, self._sealed(body)):
            return None
        try:
            return _kept(Fields(cbor.decode(body), where="resume"), facts, {c.epoch: c for c in found})
        except (AllianceError, KeyError, ValueError):
            return None

    def save(self, kept: Kept, facts: Facts) -> None:
        """Keep it, in the place of what was kept before."""
        body = cbor.encode(_plain(kept, facts))
        aside = self.path.with_suffix(".part")
        with aside.open("wb") as file:
            file.write(body + self._sealed(body))
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self.path)

    def done(self) -> None:
        """Forget it: the audit came to its end."""
        self.path.unlink(missing_ok=True)

    def _sealed(self, body: bytes) -> bytes:
        return hmac.digest(self._key, self._question + body, "sha256")


def question(
    facts_of: deployments.Deployment, days: Sequence[Day], focus: Focus, *, archive: str, reader: str, version: str
) -> bytes:
    """The digest of what is asked: nothing that was found for another question counts."""
    asked = {
        "deployment": deployments.to_plain(facts_of), "days": [day.number for day in days], "focus": focus.name,
        "archive": archive, "reader": reader, "version": version,
    }  # fmt: skip
    return sha256(json.dumps(asked, sort_keys=True).encode()).digest()


def _key(path: Path) -> bytes:
    """The folder's own key, made when there is none."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        key = os.urandom(32)
        file.write(key)
    return key


# ---- as plain values ----


def _plain(kept: Kept, facts: Facts) -> dict[str, object]:
    walk = kept.walk
    return {
        "v": VERSION, "head": facts.head.number, "headHash": facts.head.hash, "epoch": walk.epoch, "size": walk.size,
        "peaks": list(walk.peaks), "prev": walk.prev,
        "heads": [[d, c, head.next_seq, head.digest] for (d, c), head in sorted(walk.course.heads.items())],
        "latest": [[d, c, at.epoch, block] for (d, c), (at, block) in sorted(walk.course.latest.items())],
        "documents": [[item.number, item.entry.raw, item.checkpoint.epoch] for item in walk.documents],
        "watched": [[digest, epoch] for digest, epoch in sorted(walk.watched.items())],
        "results": [_result_plain(one) for one in kept.results],
        "uses": [[day.number, *_use_plain(use)] for day, use in sorted(kept.uses.items())],
        "counts": [getattr(kept.counts, name) for name in Counts.__slots__],
    }  # fmt: skip


def _kept(fields: Fields, facts: Facts, found: Mapping[int, Checkpoint]) -> Kept | None:
    """Read it; None when the chain or the anchored tree is another one now."""
    fields.int("v", low=VERSION, high=VERSION)
    number, named = fields.int("head"), fields.bytes("headHash", size=32)
    then = facts.headers(number) if number <= facts.head.number else None
    if then is None or then.hash != named:
        return None
    epoch, size = fields.int("epoch"), fields.int("size")
    tree = Frontier(size, [_bytes(peak) for peak in fields.list("peaks")])
    prev = Digest(fields.bytes("prev", size=32))
    anchored = found.get(epoch)
    if anchored is None or (anchored.size, anchored.root, anchored.manifest) != (size, tree.root(), prev):
        return None
    course = Course(
        heads={
            _stream(row): Head(next_seq=_int(row[2]), digest=Digest(_bytes(row[3]))) for row in _rows(fields, "heads")
        },
        latest={_stream(row): (found[_int(row[2])], Digest(_bytes(row[3]))) for row in _rows(fields, "latest")},
    )
    documents = tuple(
        Logged(number=_int(row[0]), entry=log.parse(_bytes(row[1])), checkpoint=found[_int(row[2])])
        for row in _rows(fields, "documents")
    )
    watched = {Digest(_bytes(row[0])): _int(row[1]) for row in _rows(fields, "watched")}
    return Kept(
        walk=WalkState(
            epoch=epoch, size=size, peaks=tuple(tree.peaks), prev=prev, course=course, documents=documents,
            watched=watched,
        ),
        results=tuple(_result(row) for row in _rows(fields, "results")),
        uses={Day(_int(row[0])): _use(row) for row in _rows(fields, "uses")},
        counts=Counts(**dict(zip(Counts.__slots__, map(_int, fields.list("counts")), strict=True))),
    )  # fmt: skip


def _result_plain(one: DayResult) -> list[object]:
    return [
        str(one.day), one.outcome.value, one.versions, one.lines, one.unmetered, one.recomputed, list(one.taken),
        [[name, cents] for name, cents in one.balances],
        [[int(m.kind), m.counterparty, m.subject, m.lines, m.quantity_wh, m.amount_cents] for m in one.money], one.why,
    ]  # fmt: skip


def _result(row: list[object]) -> DayResult:
    day, outcome, versions, lines, unmetered, recomputed, taken, balances, money, why = row
    return DayResult(
        day=day_of(str(day)), outcome=Outcome(str(outcome)), versions=_int(versions), lines=_int(lines),
        unmetered=_int(unmetered), recomputed=recomputed is True,
        taken=tuple(StationId(_int(station)) for station in _list(taken)),
        balances=tuple((str(_list(pair)[0]), _int(_list(pair)[1])) for pair in _list(balances)),
        money=tuple(_money(_list(one)) for one in _list(money)), why=str(why),
    )  # fmt: skip


def _money(row: list[object]) -> MoneyRow:
    kind, counterparty, subject, lines, quantity, amount = row
    return MoneyRow(
        kind=LineKind(_int(kind)), counterparty=str(counterparty), subject=_int(subject), lines=_int(lines),
        quantity_wh=_int(quantity), amount_cents=_int(amount),
    )  # fmt: skip


def _use_plain(use: DayUse) -> list[object]:
    return [
        [[*place, wh] for place, wh in sorted(use.scheduled_wh.items())],
        [list(place) for place in sorted(use.excused)],
        [[*place, wh] for place, wh in sorted(use.delivered_wh.items())],
        [[*place, wh] for place, wh in sorted(use.orders_wh.items())],
    ]


def _use(row: list[object]) -> DayUse:
    scheduled, excused, delivered, orders = ([list(map(_int, _list(one))) for one in _list(part)] for part in row[1:])
    return DayUse(
        scheduled_wh={(StationId(a), slot): wh for a, slot, wh in scheduled},
        excused=frozenset((StationId(a), slot) for a, slot in excused),
        delivered_wh={(StationId(a), slot): wh for a, slot, wh in delivered},
        orders_wh={(LeaseId(a), slot): wh for a, slot, wh in orders},
    )


def _rows(fields: Fields, name: str) -> list[list[object]]:
    return [_list(row) for row in fields.list(name)]


def _stream(row: list[object]) -> tuple[Address, int]:
    return Address(_bytes(row[0])), _int(row[1])


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(value)
    return value


def _int(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError(value)
    return value


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError(value)
    return value
