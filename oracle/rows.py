"""Rows of a document, provable one by one (protocol 4.2): their bytes, their RFC 9162 tree, and the entry that logs it.

A contract cannot read a document; it can check one row of it. Every schedule and rule pack therefore has an entry of
type `rows` beside its own, with the root over the leaves below, big-endian, amounts in two's complement:

01 schedule   allianceId 32 ‖ day u32 ‖ kind u8 ‖ revision u32 ‖ firstSlot u8 ‖ plans u32 ‖ prices u32 ‖ gains u32
02 plan       day u32 ‖ slot u8 ‖ station u32 ‖ plannedNetWh i64 ‖ n u16 ‖ n × (lease u32 ‖ plannedWh i64)
03 price      day u32 ‖ slot u8 ‖ group u32 ‖ station u32 ‖ poolPrice i64 ‖ adder i64
04 gain       day u32 ‖ member u32 ‖ apartCents i64 ‖ plannedCents i64 ‖ gainCents i64
05 pack       fromDay u32 ‖ toDay u32 (0xFFFFFFFF: no end known)
06 tariff     month u8 ‖ slot u8 ‖ buyPrice i64 ‖ sellPrice i64 ‖ networkPrice i64
07 fee        feeBp u32
08 grouping   fromDay u32 ‖ groups u32
09 station    group u32 ‖ position u32 ‖ stations u32 ‖ station u32

The leaves 01…04 end with a salt of 16 bytes, so that a proof's siblings cannot be guessed.
"""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from struct import error as struct_error

from alliance.calendar import Day
from alliance.day import Grouping, rule_document
from alliance.errors import Malformed, Missing
from alliance.identity import Digest
from alliance.rulepack import RulePack
from alliance.schedule import Schedule, ScheduleKind, schedule_from_plain
from oracle.log import Entry, EntryType
from oracle.merkle import HashTree, leaf_hash, root_of

SALT_BYTES = 16
ALLIANCE_BYTES = 32
OPEN_END = 0xFFFFFFFF
MONTHS = range(1, 13)
_KINDS = {ScheduleKind.DAY_AHEAD: 1, ScheduleKind.INTRADAY: 2, ScheduleKind.GRID_ORDER: 3}


class RowKind(IntEnum):
    """What a row's first byte says that it is."""

    SCHEDULE = 1
    PLAN = 2
    PRICE = 3
    GAIN = 4
    PACK = 5
    TARIFF = 6
    FEE = 7
    GROUPING = 8
    STATION = 9


_SCHEDULE = Struct(">B32sIBIBIII")
_PLAN = Struct(">BIBIqH")
_LESSEE = Struct(">Iq")
_PRICE = Struct(">BIBIIqq")
_GAIN = Struct(">BIIqqq")
_PACK = Struct(">BII")
_TARIFF = Struct(">BBBqqq")
_FEE = Struct(">BI")
_GROUPING = Struct(">BII")
_STATION = Struct(">BIIII")


@dataclass(kw_only=True, eq=False)
class DocumentWithoutRows(Malformed):
    """A document of this kind has no rows, or is not read as a schedule or rule pack."""

    kind: str


@dataclass(kw_only=True, eq=False)
class NoSuchRow(Missing):
    """A document has no row of that kind and place."""

    kind: str
    place: str


@dataclass(kw_only=True, eq=False)
class RowBeyondWidth(Malformed):
    """A number of a row does not fit in its field, or its allianceId does not fill it."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProof:
    """One row, its index among `size` rows, and its siblings up to the rows' root."""

    row: bytes
    index: int
    size: int
    proof: tuple[Digest, ...]


def has_rows(kind: EntryType) -> bool:
    """Whether a document's entry of this type has a rows entry beside it."""
    return kind in (EntryType.SCHEDULE, EntryType.RULE_PACK)


def rows_of(kind: EntryType, content: object, *, salt: bytes) -> tuple[bytes, ...]:
    """The rows of a document's plain content.

    Raises DocumentWithoutRows, RowBeyondWidth and what reading the document raises.
    """
    if kind is EntryType.RULE_PACK:
        rule = rule_document(content)
        return pack_rows(rule) if isinstance(rule, RulePack) else grouping_rows(rule)
    if kind is not EntryType.SCHEDULE or not isinstance(content, dict) or "schedule" not in content:
        raise DocumentWithoutRows(kind=kind.name.lower())
    return schedule_rows(schedule_from_plain(content["schedule"]), salt)


def schedule_rows(schedule: Schedule, salt: bytes) -> tuple[bytes, ...]:
    """A schedule's rows: its head, its plans, its prices by PCC, its gains, in the schedule's own order."""
    plain = (_head(schedule), *_plans(schedule), *_prices(schedule), *_gains(schedule))
    return tuple(row + _salt(salt, index) for index, row in enumerate(plain))


def pack_rows(pack: RulePack) -> tuple[bytes, ...]:
    """A rule pack's rows: its dates, the 96 tariff slots of each month, the fee."""
    until = OPEN_END if pack.effective_to is None else pack.effective_to.number
    head = _packed(_PACK, RowKind.PACK, pack.effective_from.number, until)
    return (head, *_tariffs(pack), _packed(_FEE, RowKind.FEE, pack.fee_bp.value))


def grouping_rows(grouping: Grouping) -> tuple[bytes, ...]:
    """A grouping's rows: its first day, then each group's stations in order."""
    head = _packed(_GROUPING, RowKind.GROUPING, grouping.from_day.number, len(grouping.groups))
    stations = (
        _packed(_STATION, RowKind.STATION, group.number, position, len(group.stations), station)
        for group in grouping.groups
        for position, station in enumerate(group.stations)
    )
    return (head, *stations)


def rows_root(rows: Iterable[bytes]) -> Digest:
    """The root over rows."""
    return root_of(list(map(leaf_hash, rows)))


def rows_entry(document: Digest, root: Digest) -> Entry:
    """The log's entry for a document's rows."""
    return Entry(EntryType.ROWS, document + root)


def entry_of(kind: EntryType, document: Digest, content: object, *, salt: bytes) -> Entry | None:
    """The entry that a document's own entry must have beside it, None of a kind without rows. Raises as `rows_of`."""
    return rows_entry(document, rows_root(rows_of(kind, content, salt=salt))) if has_rows(kind) else None


def prove(rows: Sequence[bytes], index: int) -> RowProof:
    """One row with its siblings."""
    tree = HashTree(map(leaf_hash, rows))
    return RowProof(row=rows[index], index=index, size=len(rows), proof=tuple(tree.inclusion_proof(index)))


def find_plan(rows: Sequence[bytes], *, slot: int, station: int) -> int:
    """Index of a station's row in a slot. Raises NoSuchRow."""
    return _find(rows, RowKind.PLAN, slice(5, 10), slot.to_bytes(1, "big") + station.to_bytes(4, "big"))


def find_price(rows: Sequence[bytes], *, slot: int, group: int, station: int) -> int:
    """Index of a PCC's price row in a slot. Raises NoSuchRow."""
    place = slot.to_bytes(1, "big") + group.to_bytes(4, "big") + station.to_bytes(4, "big")
    return _find(rows, RowKind.PRICE, slice(5, 14), place)


def find_gain(rows: Sequence[bytes], *, member: int) -> int:
    """Index of a member's gain row. Raises NoSuchRow."""
    return _find(rows, RowKind.GAIN, slice(5, 9), member.to_bytes(4, "big"))


def find_tariff(rows: Sequence[bytes], *, month: int, slot: int) -> int:
    """Index of a month's tariff slot. Raises NoSuchRow."""
    return _find(rows, RowKind.TARIFF, slice(1, 3), bytes([month, slot]))


def find_fee(rows: Sequence[bytes]) -> int:
    """Index of a pack's fee. Raises NoSuchRow."""
    return _find(rows, RowKind.FEE, slice(0, 0), b"")


def _head(schedule: Schedule) -> bytes:
    if len(schedule.alliance) != ALLIANCE_BYTES:
        raise RowBeyondWidth(kind=RowKind.SCHEDULE.name.lower())
    return _packed(
        _SCHEDULE, RowKind.SCHEDULE, schedule.alliance, schedule.day.number, _KINDS[schedule.kind], schedule.revision,
        schedule.first_slot, len(schedule.rows), sum(len(price.adders) for price in schedule.prices),
        len(schedule.gains),
    )  # fmt: skip


def _plans(schedule: Schedule) -> Iterator[bytes]:
    for row in schedule.rows:
        head = _packed(
            _PLAN, RowKind.PLAN, schedule.day.number, row.slot, row.station, row.planned_net_wh, len(row.lessees)
        )
        yield head + b"".join(_packed(_LESSEE, part.lease, part.planned_wh) for part in row.lessees)


def _prices(schedule: Schedule) -> Iterator[bytes]:
    for price in schedule.prices:
        for station, adder in price.adders:
            place = (schedule.day.number, price.slot, price.group, station)
            yield _packed(_PRICE, RowKind.PRICE, *place, price.pool_price, adder)


def _gains(schedule: Schedule) -> Iterator[bytes]:
    for gain in schedule.gains:
        costs = (gain.apart_cost_cents, gain.planned_cost_cents, gain.gain_cents)
        yield _packed(_GAIN, RowKind.GAIN, schedule.day.number, gain.member, *costs)


def _tariffs(pack: RulePack) -> Iterator[bytes]:
    """Each month's slots; the pack's season of a month does not hang on the year."""
    for month in MONTHS:
        for slot, tariff in enumerate(pack.month_slots(month)):
            prices = (tariff.buy_price, tariff.sell_price, tariff.network_price)
            yield _packed(_TARIFF, RowKind.TARIFF, month, slot, *prices)


def _packed(layout: Struct, *values: object) -> bytes:
    try:
        return layout.pack(*values)
    except struct_error:
        kind = values[0].name.lower() if isinstance(values[0], RowKind) else "plan"
        raise RowBeyondWidth(kind=kind) from None


def _salt(salt: bytes, index: int) -> bytes:
    """First 16 bytes of HMAC-SHA-256(document salt, leaf index u32)."""
    return hmac.digest(salt, index.to_bytes(4, "big"), "sha256")[:SALT_BYTES]


def _find(rows: Sequence[bytes], kind: RowKind, where: slice, place: bytes) -> int:
    for index, row in enumerate(rows):
        if row[0] == kind and row[where] == place:
            return index
    raise NoSuchRow(kind=kind.name.lower(), place=place.hex())


def month_of(day: Day) -> int:
    """The month whose tariff rows a day is paid by."""
    return day.date.month
