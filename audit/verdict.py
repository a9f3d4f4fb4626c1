"""The verdict of an audit and how it is told (protocol 11.3): pass, fail at one named place, or not read."""

from dataclasses import dataclass
from enum import StrEnum
from unicodedata import east_asian_width

from alliance.calendar import Day
from alliance.errors import AllianceError
from alliance.identity import Digest, StationId, to_hex
from alliance.statement import LineKind
from audit.finding import Divergence, Unread
from oracle.deployment import Deployment


class Outcome(StrEnum):
    """What came of an audit."""

    PASS = "pass"
    FAIL = "fail"
    UNREAD = "unread"

    @property
    def exit_code(self) -> int:
        """0, 1 or 2."""
        return list(Outcome).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much was checked."""

    epochs: int = 0
    """Of the whole log."""
    segments: int = 0
    readings: int = 0
    lines: int = 0
    blocks: int = 0
    block_bytes: int = 0
    statements: int = 0
    gaps: int = 0
    """Signed gap records."""
    outside: int = 0
    """Readings whose own time lies outside their bracket."""
    unread_blocks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyRow:
    """The lines of one kind between the asked party and one counterparty over a day."""

    kind: LineKind
    counterparty: str
    subject: int
    """Station or lease, as in the lines."""
    lines: int
    quantity_wh: int
    amount_cents: int
    """What the asked party received; negative: paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResult:
    """What became of one day."""

    day: Day
    outcome: Outcome
    versions: int = 0
    lines: int = 0
    unmetered: int = 0
    """Slots of a station that are not metered."""
    recomputed: bool = False
    """Whether every line was computed again; otherwise the statement was checked against itself alone."""
    taken: tuple[StationId, ...] = ()
    """Stations whose quantities were taken as stated, because their meters are not the reader's to see."""
    balances: tuple[tuple[str, int], ...] = ()
    """Each account's cents."""
    money: tuple[MoneyRow, ...] = ()
    """Of the asked member or lease."""
    why: str = ""
    """What was not read."""

    def to_plain(self) -> dict[str, object]:
        """The result as JSON values; cents as numbers of at most 2^53."""
        return {
            "day": str(self.day), "verdict": self.outcome.value, "versions": self.versions, "lines": self.lines,
            "unmetered": self.unmetered, "recomputed": self.recomputed, "taken": list(self.taken),
            "balances": dict(self.balances), "why": self.why,
            "money": [
                {"kind": m.kind.label, "counterparty": m.counterparty, "subject": m.subject, "lines": m.lines,
                 "quantityWh": m.quantity_wh, "amountCents": m.amount_cents}
                for m in self.money
            ],
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What an audit of some days says, whole: a verdict, what was checked against which block, and what was found."""

    outcome: Outcome
    days: tuple[Day, ...]
    focus: str
    """`member 3`, `lease 2`, or empty for everything."""
    deployment: Deployment
    head_block: int | None
    head_hash: Digest | None
    head_s: int | None
    """Time of that block, unix seconds."""
    proved: bool
    """Whether the state was proved to that block's header."""
    second: str
    """The second node that was compared, empty without one."""
    counts: Counts
    found: tuple[tuple[Day | None, Divergence], ...]
    unread: tuple[Unread, ...]
    results: tuple[DayResult, ...]
    notes: tuple[str, ...]
    """What is worth knowing and breaks no rule."""

    def verdict(self) -> "Verdict":
        """The verdict on the first day, in short."""
        return Verdict(
            outcome=self.outcome,
            day=self.days[0],
            chain_id=self.deployment.chain_id,
            head_block=self.head_block,
            head_hash=self.head_hash,
            counts=self.counts,
            divergence=self.found[0][1] if self.found else None,
            unread=self.unread[0] if self.unread and not self.found else None,
        )

    @property
    def span(self) -> str:
        """The days in one text."""
        first, last = self.days[0], self.days[-1]
        return str(first) if first == last else f"{first} … {last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an audit of a day says."""

    outcome: Outcome
    day: Day
    chain_id: int | None
    """None when the audit could not begin."""
    head_block: int | None
    """The block up to which the chain was read."""
    head_hash: Digest | None
    counts: Counts
    divergence: Divergence | None = None
    unread: Unread | None = None

    def to_plain(self) -> dict[str, object]:
        """The verdict as JSON values."""
        c = self.counts
        return {
            "verdict": self.outcome.value,
            "day": str(self.day),
            "chainId": self.chain_id,
            "block": self.head_block,
            "blockHash": None if self.head_hash is None else to_hex(self.head_hash),
            "divergence": None if self.divergence is None else self.divergence.to_plain(),
            "unread": None if self.unread is None else {"what": self.unread.what, "why": self.unread.why},
            "counts": {
                "epochs": c.epochs, "segments": c.segments, "readings": c.readings, "lines": c.lines,
                "blocks": c.blocks, "bytes": c.block_bytes,
            },
        }  # fmt: skip

    @staticmethod
    def not_begun(error: AllianceError, day: Day) -> "Verdict":
        """The verdict when there is no node or deployment to begin from."""
        unread = Unread(what=error.code, why=str(error))
        return Verdict(
            outcome=Outcome.UNREAD, day=day, chain_id=None, head_block=None, head_hash=None, counts=Counts(),
            unread=unread,
        )  # fmt: skip

    @property
    def table(self) -> list[str]:
        """What was checked, a line each, English with Chinese beside it."""
        c = self.counts
        rows = (
            ("chain 链", self.chain_id), ("up to block 截至区块", self.head_block), ("epochs 时段批次", c.epochs),
            ("segments 数据段", c.segments), ("readings 读数", c.readings), ("statement lines 结算行", c.lines),
            ("blocks read 读取块数", c.blocks), ("bytes read 读取字节", c.block_bytes),
        )  # fmt: skip
        return [f"{_padded(name)} {'–' if value is None else value}" for name, value in rows]

    @property
    def line(self) -> str:
        """The verdict in one line, English with Chinese beside it."""
        match self.outcome:
            case Outcome.PASS:
                c = self.counts
                checked = f"{c.epochs} epochs, {c.segments} segments, {c.readings} readings, {c.lines} lines"
                return f"PASS 通过  {self.day}: {checked}"
            case Outcome.FAIL:
                assert self.divergence is not None
                return f"FAIL 不符  {self.day}: {told(self.divergence)}"
            case Outcome.UNREAD:
                assert self.unread is not None
                return f"NOT READ 未能读取  {self.day}: {self.unread.what}: {self.unread.why}"


_NAME_COLUMNS = 28


def _padded(name: str) -> str:
    """A name filled up to the same number of terminal columns; Chinese characters take two."""
    columns = sum(2 if east_asian_width(letter) in "WF" else 1 for letter in name)
    return name + " " * (_NAME_COLUMNS - columns)


def told(divergence: Divergence) -> str:
    """A divergence in one line."""
    w = divergence.where
    named = (
        ("station 站", w.station), ("device 设备", None if w.device is None else to_hex(w.device)),
        ("channel", w.channel), ("epoch", w.epoch), ("slot 时段", w.slot), ("seq", w.seq),
    )  # fmt: skip
    place = ", ".join(f"{name} {value}" for name, value in named if value is not None)
    sides = f"expected 应为 {divergence.expected}, got 实为 {divergence.got}"
    return "; ".join(part for part in (place, divergence.rule, sides) if part)
