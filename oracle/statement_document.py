"""A statement as plain data and back, so that an auditor reads every leaf (protocol 8.9.1, 4.5).

A leaf is a list of its fields in the order of its value type; an edge is [device, channel, seq, boundary] or null.
Reading is strict in types, lengths and ranges; whether the leaves follow from each other is
`alliance.statement.check_consistent`'s question.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum
from typing import TypeVar

from alliance.calendar import DAY_SLOT, SLOTS_A_DAY, Day
from alliance.errors import Malformed
from alliance.fleet import BillingGroup
from alliance.identity import Address, Digest, GroupId, MemberId, StationId
from alliance.money import INT64_MAX, INT64_MIN
from alliance.statement import (
    POOL,
    AccountId,
    Edge,
    Entry,
    Heading,
    Line,
    LineKind,
    Quantity,
    QuantityStatus,
    SlotTotal,
    Statement,
    Weights,
)
from oracle import cbor
from oracle.cbor import NotCanonical
from oracle.plain import Fields, PlainMalformed

VERSION = 1
KIND = "statement"

_DIGEST = b"\x58\x20"
"""What 32 bytes begin with."""
_U16, _U32 = (1 << 16) - 1, (1 << 32) - 1
_MEMBER_MAX = POOL - 3
_DAY_MAX = date.max.toordinal() - date(1970, 1, 1).toordinal()


@dataclass(kw_only=True, eq=False)
class NumberBeyondField(Malformed):
    """A number of a statement does not fit in its field."""

    value: int
    low: int
    high: int


T = TypeVar("T")
E = TypeVar("E", bound=IntEnum)


def to_plain(statement: Statement) -> dict[str, object]:
    """The statement as maps, lists, integers, bytes, booleans and texts: what a document block seals."""
    h = statement.heading
    return {
        "v": VERSION,
        "kind": KIND,
        "alliance": h.alliance,
        "day": h.day.number,
        "version": h.version,
        "previous": h.previous,
        "deltas": h.deltas,
        "roster": list(h.roster),
        "groups": [[g.number, list(g.stations)] for g in h.groups],
        "schedules": list(h.schedules),
        "packs": list(h.packs),
        "logSize": h.log_size,
        "quantities": [_quantity_out(q) for q in statement.quantities],
        "slotTotals": [
            [t.slot, t.group, t.position, t.count, t.station, t.imports_wh, t.exports_wh] for t in statement.slot_totals
        ],
        "lines": [_line_out(line) for line in statement.lines],
        "entries": [[e.account, e.group, e.index, e.line, e.amount_cents, e.balance_cents] for e in statement.entries],
        "weights": [[w.group, [[m, wh] for m, wh in w.weights_wh]] for w in statement.weights],
        "balances": list(statement.balances),
    }


def encode(statement: Statement) -> bytes:
    """The bytes of `to_plain`, as `oracle.cbor` writes them, without making the plain values first.

    Raises NumberBeyondField for a number that `from_plain` would refuse for its width.
    """
    small, signed = _Heads(0, _U32), _Heads(INT64_MIN, INT64_MAX)
    lists = {
        "quantities": [_quantity_bytes(q, small, signed) for q in statement.quantities],
        "slotTotals": [_slot_total_bytes(t, small, signed) for t in statement.slot_totals],
        "lines": [_line_bytes(x, small, signed) for x in statement.lines],
        "entries": [_entry_bytes(e, small, signed) for e in statement.entries],
        "weights": [cbor.encode([w.group, [[m, wh] for m, wh in w.weights_wh]]) for w in statement.weights],
    }
    bare = replace(statement, quantities=(), slot_totals=(), lines=(), entries=(), weights=())
    return cbor.encode({**to_plain(bare), **{name: cbor.Encoded(_list_bytes(rows)) for name, rows in lists.items()}})


def log_size_in(raw: bytes) -> int | None:
    """The number behind the last `logSize` in a statement's bytes, unchecked: a guess of what it says that it saw."""
    at = raw.rfind(b"\x67logSize")
    if at < 0:
        return None
    try:
        return cbor.read_int(raw, at + 8)
    except NotCanonical:
        return None


def from_plain(plain: object) -> Statement:
    """Read a statement strictly. Raises PlainMalformed, naming the leaf and field."""
    fields = Fields(plain, where=KIND)
    fields.int("v", low=VERSION, high=VERSION)
    fields.choice("kind", [KIND])
    heading = _heading(fields)
    statement = Statement(
        heading=heading,
        quantities=_rows(fields, "quantities", _quantity_in),
        slot_totals=_rows(fields, "slotTotals", _slot_total_in),
        lines=_rows(fields, "lines", _line_in),
        entries=_rows(fields, "entries", _entry_in),
        weights=_rows(fields, "weights", _weights_in),
        balances=_balances(fields, len(heading.roster) + 3),
    )
    fields.finish()
    return statement


def _quantity_out(q: Quantity) -> list[object]:
    edges = (_edge_out(q.edge_from), _edge_out(q.edge_to))
    return [q.station, q.slot, q.net_wh, int(q.status), *edges, q.disputed, q.document]


def _edge_out(edge: Edge | None) -> list[object] | None:
    return None if edge is None else [edge.device, edge.channel, edge.seq, edge.boundary]


def _line_out(x: Line) -> list[object]:
    place = [x.slot, int(x.kind), x.account, x.counterparty, x.subject, x.group]
    return [*place, x.quantity_wh, x.price_cents_per_mwh, x.amount_cents, x.evidence]


class _Heads(dict[int, bytes]):
    """The bytes of the numbers of some fields, each made once; refuses those outside the fields' range."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__()
        self._low, self._high = low, high

    def __missing__(self, value: int) -> bytes:
        if not self._low <= value <= self._high:
            raise NumberBeyondField(value=value, low=self._low, high=self._high)
        made = self[value] = cbor.encode(int(value))
        return made


def _quantity_bytes(q: Quantity, small: _Heads, signed: _Heads) -> bytes:
    edges = _edge_bytes(q.edge_from, small, signed) + _edge_bytes(q.edge_to, small, signed)
    disputed = b"\xf5" if q.disputed else b"\xf4"
    place = (small[q.station], small[q.slot], signed[q.net_wh], small[q.status])
    return b"".join((b"\x88", *place, edges, disputed, _DIGEST, q.document))


def _edge_bytes(edge: Edge | None, small: _Heads, signed: _Heads) -> bytes:
    if edge is None:
        return b"\xf6"
    return b"\x84\x54" + edge.device + small[edge.channel] + signed[edge.seq] + small[edge.boundary]


def _slot_total_bytes(t: SlotTotal, small: _Heads, signed: _Heads) -> bytes:
    place = b"\x87" + small[t.slot] + small[t.group] + small[t.position] + small[t.count] + small[t.station]
    return place + signed[t.imports_wh] + signed[t.exports_wh]


def _line_bytes(x: Line, small: _Heads, signed: _Heads) -> bytes:
    return b"".join(
        (
            b"\x8a", small[x.slot], small[x.kind], small[x.account], small[x.counterparty], small[x.subject],
            small[x.group], signed[x.quantity_wh], signed[x.price_cents_per_mwh], signed[x.amount_cents],
            _DIGEST, x.evidence,
        )
    )  # fmt: skip


def _entry_bytes(e: Entry, small: _Heads, signed: _Heads) -> bytes:
    place = b"\x86" + small[e.account] + small[e.group] + small[e.index] + small[e.line]
    return place + signed[e.amount_cents] + signed[e.balance_cents]


def _list_bytes(rows: list[bytes]) -> bytes:
    return cbor.list_head(len(rows)) + b"".join(rows)


class _Row:
    """One leaf's list, read value by value; names the leaf and the field of what is wrong."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, list):
            raise PlainMalformed(where=where, field="", want="list", got=type(value).__name__)
        self.values: list[object] = value
        self.where = where
        self._at = 0

    def number(self, field: str, low: int = 0, high: int = _U32) -> int:
        value = self.take(field)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(field, f"integer {low}…{high}", value)
        return value

    def signed(self, field: str) -> int:
        return self.number(field, INT64_MIN, INT64_MAX)

    def flag(self, field: str) -> bool:
        value = self.take(field)
        if not isinstance(value, bool):
            raise self.wrong(field, "true or false", value)
        return value

    def digest(self, field: str) -> Digest:
        return Digest(self.raw(field, 32))

    def raw(self, field: str, size: int) -> bytes:
        value = self.take(field)
        if not isinstance(value, bytes) or len(value) != size:
            raise self.wrong(field, f"{size} bytes", value)
        return value

    def choice(self, field: str, options: type[E]) -> E:
        """One of an enumeration whose codes have no holes."""
        return options(self.number(field, min(options), max(options)))

    def row(self, field: str) -> "_Row":
        return _Row(self.take(field), f"{self.where}.{field}")

    def each(self, read: Callable[["_Row"], T]) -> tuple[T, ...]:
        """The lists in this list."""
        return tuple(_read(value, f"{self.where}[{i}]", read) for i, value in enumerate(self.values))

    def all(self, read: Callable[[str], T]) -> tuple[T, ...]:
        """The values of this list; `read` is asked by position."""
        return tuple(read(str(i)) for i in range(len(self.values)))

    def take(self, field: str) -> object:
        if self._at == len(self.values):
            raise self.wrong(field, "a value", "nothing")
        self._at += 1
        return self.values[self._at - 1]

    def finish(self) -> None:
        if self._at != len(self.values):
            raise self.wrong("", f"{self._at} values", len(self.values))

    def wrong(self, field: str, want: str, got: object) -> PlainMalformed:
        shown = got.hex() if isinstance(got, bytes) else str(got)
        return PlainMalformed(where=self.where, field=field, want=want, got=shown[:80])


def _read(value: object, where: str, read: Callable[[_Row], T]) -> T:
    row = _Row(value, where)
    result = read(row)
    row.finish()
    return result


def _rows(fields: Fields, name: str, read: Callable[[_Row], T]) -> tuple[T, ...]:
    return _list(fields, name).each(read)


def _list(fields: Fields, name: str) -> _Row:
    return _Row(fields.list(name), f"{KIND}.{name}")


def _heading(fields: Fields) -> Heading:
    roster, schedules, packs = (_list(fields, name) for name in ("roster", "schedules", "packs"))
    return Heading(
        alliance=fields.bytes("alliance", size=32),
        day=Day(fields.int("day", high=_DAY_MAX)),
        version=fields.int("version", low=1, high=_U16),
        previous=Digest(fields.bytes("previous", size=32)),
        deltas=fields.bool("deltas"),
        roster=roster.all(lambda at: MemberId(roster.number(at, 1, _MEMBER_MAX))),
        groups=_rows(fields, "groups", _group_in),
        schedules=schedules.all(schedules.digest),
        packs=packs.all(packs.digest),
        log_size=fields.int("logSize"),
    )


def _balances(fields: Fields, accounts: int) -> tuple[int, ...]:
    row = _list(fields, "balances")
    if len(row.values) != accounts:
        raise row.wrong("", f"{accounts} balances", len(row.values))
    return row.all(row.signed)


def _group_in(row: _Row) -> BillingGroup:
    number, stations = row.number("number", 1), row.row("stations")
    found = stations.all(lambda at: StationId(stations.number(at, 1)))
    return BillingGroup(number=GroupId(number), stations=found)


def _quantity_in(row: _Row) -> Quantity:
    quantity = _quantity_fields(row)
    first, last = quantity.edge_from, quantity.edge_to
    series = {(e.device, e.channel) if e else None for e in (first, last)}
    if len(series) != 1 or (first and last and not (first.boundary < last.boundary and first.seq < last.seq)):
        raise row.wrong("edgeTo", "a later edge of the same device and channel, or none at both", last)
    return quantity


def _quantity_fields(row: _Row) -> Quantity:
    return Quantity(
        station=StationId(row.number("station", 1)),
        slot=row.number("slot", 0, SLOTS_A_DAY - 1),
        net_wh=row.signed("netWh"),
        status=row.choice("status", QuantityStatus),
        edge_from=_edge_in(row, "edgeFrom"),
        edge_to=_edge_in(row, "edgeTo"),
        disputed=row.flag("disputed"),
        document=row.digest("document"),
    )


def _edge_in(row: _Row, field: str) -> Edge | None:
    value = row.take(field)
    return None if value is None else _read(value, f"{row.where}.{field}", _edge_of)


def _edge_of(row: _Row) -> Edge:
    return Edge(
        device=Address(row.raw("device", 20)),
        channel=row.number("channel", 0, _U16),
        seq=row.number("seq", 0, INT64_MAX),
        boundary=row.number("boundary"),
    )


def _slot_total_in(row: _Row) -> SlotTotal:
    return SlotTotal(
        slot=row.number("slot", 0, SLOTS_A_DAY - 1),
        group=GroupId(row.number("group", 1)),
        position=row.number("position"),
        count=row.number("count", 1),
        station=StationId(row.number("station", 1)),
        imports_wh=row.number("importsWh", 0, INT64_MAX),
        exports_wh=row.number("exportsWh", 0, INT64_MAX),
    )


def _line_in(row: _Row) -> Line:
    return Line(
        slot=row.number("slot", 0, DAY_SLOT),
        kind=row.choice("kind", LineKind),
        account=AccountId(row.number("account", 1)),
        counterparty=AccountId(row.number("counterparty", 1)),
        subject=row.number("subject"),
        group=GroupId(row.number("group")),
        quantity_wh=row.signed("quantityWh"),
        price_cents_per_mwh=row.signed("priceCentsPerMwh"),
        amount_cents=row.signed("amountCents"),
        evidence=row.digest("evidence"),
    )


def _entry_in(row: _Row) -> Entry:
    return Entry(
        account=AccountId(row.number("account", 1)),
        group=GroupId(row.number("group")),
        index=row.number("index"),
        line=row.number("line"),
        amount_cents=row.signed("amountCents"),
        balance_cents=row.signed("balanceCents"),
    )


def _weights_in(row: _Row) -> Weights:
    group, members = GroupId(row.number("group", 1)), row.row("weightsWh")
    return Weights(group=group, weights_wh=members.each(_weight_of))


def _weight_of(row: _Row) -> tuple[MemberId, int]:
    return MemberId(row.number("member", 1, _MEMBER_MAX)), row.number("weightWh", 0, INT64_MAX)
