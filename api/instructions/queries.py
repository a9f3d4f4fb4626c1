"""What other slices may ask about instructions."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from alliance.errors import Missing
from alliance.fairness import Call
from alliance.identity import Digest, StationId
from alliance.instruction import Method
from alliance.instruction_check import ordered_w
from api.instructions.repository import instruction_rows, instructions
from api.paging import Window


@dataclass(kw_only=True, eq=False)
class InstructionUnknown(Missing):
    """There is no instruction of this number."""

    call: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionHeading:
    """What an instruction was, without its stations; powers in W, more export positive."""

    call: int
    issued_ms: int
    region: int | None
    method: Method
    target_w: int
    shortfall_w: int
    stations: int
    excluded: int
    parent: Digest | None
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionRow:
    """An instruction as it was made: `record` is the plain record that anybody can check."""

    call: int
    region: int | None
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StationOrder:
    """What an instruction asks of a station, W; `power_w` is None where the measured state was erased."""

    given_w: int
    power_w: int | None


@dataclass(kw_only=True, eq=False)
class StationNotInstructed(Missing):
    """A station has no part in an instruction."""

    call: int
    station: int


def listed(connection: Connection, *, before: int | None = None, limit: int) -> list[InstructionHeading]:
    """Instructions, the newest first, those before `before`, `limit` at most."""
    columns = [instructions.c[name] for name in InstructionHeading.__slots__]
    query = select(*columns).order_by(instructions.c.call.desc()).limit(limit)
    rows = connection.execute(query if before is None else query.where(instructions.c.call < before))
    return [
        InstructionHeading(
            call=r.call, issued_ms=r.issued_ms, region=r.region, method=Method(r.method), target_w=r.target_w,
            shortfall_w=r.shortfall_w, stations=r.stations, excluded=r.excluded,
            parent=None if r.parent is None else Digest(r.parent), digest=Digest(r.digest),
        )
        for r in rows
    ]  # fmt: skip


def one(connection: Connection, call: int) -> InstructionRow:
    """An instruction. Raises InstructionUnknown."""
    row = connection.execute(select(instructions).where(instructions.c.call == call)).one_or_none()
    if row is None:
        raise InstructionUnknown(call=call)
    return InstructionRow(call=row.call, region=row.region, record=json.loads(row.record))


def is_known(connection: Connection, digest: Digest) -> bool:
    """Whether an instruction has this digest."""
    return connection.execute(select(instructions.c.call).where(instructions.c.digest == digest)).first() is not None


def call_of(connection: Connection, digest: Digest) -> int | None:
    """The instruction of a digest, None where it is none of this service's."""
    found: int | None = connection.execute(
        select(instructions.c.call).where(instructions.c.digest == digest)
    ).scalar_one_or_none()
    return found


def order_of(connection: Connection, call: int, station: StationId) -> StationOrder:
    """What an instruction asks of a station. Raises StationNotInstructed."""
    row = next((r for r in one(connection, call).record["stations"] if r["station"] == station), None)
    if row is None:
        raise StationNotInstructed(call=call, station=station)
    state = states(connection, call).get(station)
    return StationOrder(given_w=row["givenW"], power_w=None if state is None else ordered_w(row, state))


def states(connection: Connection, call: int) -> dict[StationId, Mapping[str, Any]]:
    """The measured states that an instruction's caps follow from; those that were erased are left out."""
    mine = (instruction_rows.c.call == call, instruction_rows.c.state.is_not(None))
    rows = connection.execute(select(instruction_rows).where(*mine).order_by(instruction_rows.c.station))
    return {StationId(r.station): json.loads(r.state) for r in rows}


def last_turns(connection: Connection, stations: Collection[int]) -> dict[int, int]:
    """The call in which each station last went before an equal one; who never did is left out."""
    columns = (instruction_rows.c.station, func.max(instruction_rows.c.call).label("call"))
    query = select(*columns).where(instruction_rows.c.turn).group_by(instruction_rows.c.station)
    return {r.station: r.call for r in connection.execute(query) if r.station in stations}


def calls(connection: Connection, window: Window) -> list[Call]:
    """All stations' rows of the instructions issued in a window."""
    at = instruction_rows.c.issued_ms
    query = select(instruction_rows).where(at >= window.from_ms, at < window.to_ms)
    return [
        Call(
            station=StationId(r.station), available_w=r.available_w, given_w=r.given_w, duration_s=r.duration_s,
            turn=r.turn,
        )
        for r in connection.execute(query)
    ]  # fmt: skip
