"""What an audit finds (protocol 11.3): the first divergence, or all, by place and rule; or what it could not read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from alliance.calendar import Day
from alliance.errors import AllianceError, Conflicting, Missing
from alliance.identity import Address, StationId, to_hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where in the evidence something stands, as far as it is known."""

    station: StationId | None = None
    device: Address | None = None
    channel: int | None = None
    seq: int | None = None
    """Number of a reading, or of the first one of its segment."""
    epoch: int | None = None
    slot: int | None = None
    """Slot of the local day, 0…95; 96 is the day itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """One fact that is not what the rules make it; `rule` begins with the protocol's clause."""

    where: Where
    rule: str
    expected: str
    got: str

    def to_plain(self) -> dict[str, object]:
        """The divergence as JSON values."""
        w = self.where
        return {
            "station": w.station,
            "device": None if w.device is None else to_hex(w.device),
            "channel": w.channel,
            "seq": w.seq,
            "epoch": w.epoch,
            "slot": w.slot,
            "rule": self.rule,
            "expected": self.expected,
            "got": self.got,
        }


@dataclass(kw_only=True, eq=False)
class Diverged(Conflicting):
    """Evidence, chain and rules do not agree; the audit ends here."""

    found: Divergence

    def __str__(self) -> str:
        return f"{self.found.rule}: expected {self.found.expected}, got {self.found.got}"


@dataclass(kw_only=True, eq=False)
class Unread(Missing):
    """Something that the audit needs could not be read: neither a pass nor an accusation."""

    what: str
    why: str


MOST_FINDINGS = 10_000
"""An audit that is asked for all divergences stops at so many."""


class Findings:
    """The divergences so far; unless all are wanted, the first one ends the audit."""

    def __init__(self, *, every: bool = False) -> None:
        self._every = every
        self.found: list[tuple[Day | None, Divergence]] = []
        self.day: Day | None = None
        """The day that is being judged; None while the log is rebuilt."""

    @property
    def full(self) -> bool:
        """Whether no more are taken."""
        return len(self.found) >= MOST_FINDINGS

    def note(self, error: Diverged) -> None:
        """Take a divergence and go on, or raise it."""
        if not self._every or self.full:
            raise error
        self.found.append((self.day, error.found))

    @contextmanager
    def tried(self) -> Iterator[None]:
        """A part of the audit behind which another can go on."""
        try:
            yield
        except Diverged as error:
            self.note(error)


def expect(rule: str, expected: object, got: object, *, where: Where) -> None:
    """Raise Diverged unless both are equal."""
    if expected != got:
        raise diverged(rule, shown(expected), shown(got), where=where)


def diverged(rule: str, expected: str, got: str, *, where: Where) -> Diverged:
    """The error that ends an audit."""
    return Diverged(found=Divergence(where=where, rule=rule, expected=expected, got=got))


@contextmanager
def judged(rule: str, *, where: Where) -> Iterator[None]:
    """Turn what a rule refuses inside into the divergence at `where`; a place that the error names is taken from it."""
    try:
        yield
    except AllianceError as error:
        found = judgement(error, rule, where)
        if found is error:
            raise
        raise found from error


def judgement(error: AllianceError, rule: str, where: Where) -> AllianceError:
    """The divergence that a refusal under a rule is; one that is a finding already stays as it is."""
    if isinstance(error, Diverged | Unread):
        return error
    expected, got = _sides(error)
    return diverged(f"{rule} ({error.code})", expected, got, where=_refined(where, error))


def shown(value: object) -> str:
    """A value as it is printed: bytes as hex, nothing as `none`."""
    if isinstance(value, bytes):
        return to_hex(value)
    return "none" if value is None else str(value)


def _sides(error: AllianceError) -> tuple[str, str]:
    """What an error's facts say was wanted and got; without such facts, the whole error is what was got."""
    want = {name: fact for name, fact in error.facts.items() if name.split("_")[0] in ("want", "expected")}
    got = {name: fact for name, fact in error.facts.items() if name.split("_")[0] == "got"}
    if want and got:
        return _joined(want), _joined(got)
    return "what the rule allows", str(error)


def _joined(facts: dict[str, object]) -> str:
    if len(facts) == 1:
        return shown(next(iter(facts.values())))
    return " ".join(f"{name.partition('_')[2]}={shown(fact)}" for name, fact in facts.items())


def _refined(where: Where, error: AllianceError) -> Where:
    facts = error.facts
    seq = facts.get("seq", facts.get("first_seq"))
    station, slot = facts.get("station"), facts.get("slot")
    if isinstance(seq, int):
        where = replace(where, seq=seq)
    if isinstance(station, int) and station:
        where = replace(where, station=StationId(station))
    if isinstance(slot, int) and 0 <= slot <= 96:
        where = replace(where, slot=slot)
    return where
