"""The verdict of an audit and how it is told (protocol 11.3): pass, fail at one named place, or not read."""

from dataclasses import dataclass
from enum import StrEnum
from unicodedata import east_asian_width

from alliance.calendar import Day
from alliance.errors import AllianceError
from alliance.identity import Digest, to_hex
from audit.finding import Divergence, Unread


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
