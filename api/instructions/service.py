"""Making an instruction (protocol 9.8.8): who is asked, with what each station can give by its last measured state.

Nothing older than the limit is used: such a station stands in the record with 0 W and `stale`; one that sent no live
values since the service began, or whose owner has no profile for it, with `unavailable`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pydantic.alias_generators import to_camel
from sqlalchemy import Connection

from alliance.available import StationState, Terms, no_offer, offer_of
from alliance.errors import Malformed, Missing
from alliance.fleet import Station
from alliance.identity import Digest, StationId
from alliance.instruction import (
    EXCLUDED,
    MOST_WEIGHT,
    Bound,
    Instruction,
    InstructionRecord,
    Method,
    decompose_by,
    record_to_plain,
)
from api.documents import queries as documents
from api.instructions import queries, repository
from api.instructions.queries import InstructionRow
from api.live.board import LiveValues
from api.platform import Platform
from api.profiles import queries as profiles
from api.profiles.queries import StationProfile
from api.stations import queries as stations
from api.stations.queries import StationUnknown
from optimizer.splitting import split
from oracle.log import EntryType

_MS = 1000
_W_A_WEIGHT = 1000


@dataclass(kw_only=True, eq=False)
class NobodyToInstruct(Missing):
    """No station lies in the region."""

    region: int


@dataclass(kw_only=True, eq=False)
class ParentUnknown(Missing):
    """An instruction names a plan or instruction that this service did not make."""

    parent: Digest


@dataclass(kw_only=True, eq=False)
class TermsOfStranger(Malformed):
    """Weight or price of a station that is not asked, or that is named twice."""

    station: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An instruction as it is asked for; `region` and `stations` narrow each other, None is all."""

    target_w: int
    method: Method
    duration_s: int
    region: int | None
    stations: Sequence[int] | None
    terms: Sequence[tuple[int, int | None, int | None]]
    """Station, weight, price in cents per MWh; None: as rated, as in the owner's profile."""
    parent: Digest | None


def instruct(platform: Platform, connection: Connection, wanted: Wanted, *, by: str) -> InstructionRow:
    """Split a target, keep the record and return it.

    Raises StationUnknown, NobodyToInstruct, ParentUnknown, TermsOfStranger or InstructionWrong.
    """
    _check_parent(connection, wanted.parent)
    asked = _asked(connection, wanted)
    held = _terms(connection, wanted, asked)
    now_ms, stale_ms = platform.clock.now_ms(), platform.settings.stale_after_seconds * _MS
    states = _states(platform, connection, asked)
    offers = [
        offer_of(
            states[s.number], issued_ms=now_ms, duration_s=wanted.duration_s, stale_after_ms=stale_ms,
            terms=held[s.number],
        )
        if s.number in states
        else no_offer(s.number, Bound.UNAVAILABLE, held[s.number])
        for s in asked
    ]  # fmt: skip
    call = repository.last_call(connection) + 1
    order = Instruction(
        id=f"instruction/{call}", call=call, issued_ms=now_ms, duration_s=wanted.duration_s, stale_after_ms=stale_ms,
        target_w=wanted.target_w, method=wanted.method, parent=wanted.parent, offers=tuple(offers),
    )  # fmt: skip
    _keep(connection, decompose_by(order, split), states, region=wanted.region, by=by)
    return queries.one(connection, call)


def _check_parent(connection: Connection, parent: Digest | None) -> None:
    if parent is None or queries.is_known(connection, parent):
        return
    row = documents.by_digest(connection, parent)
    if row is None or row.document.kind is not EntryType.SCHEDULE:
        raise ParentUnknown(parent=parent)


def _asked(connection: Connection, wanted: Wanted) -> list[Station]:
    """The stations that are asked, by number."""
    every = {station.number: station for station in stations.all_stations(connection)}
    for number in wanted.stations or ():
        if number not in every:
            raise StationUnknown(station=number)
    named = set(every if wanted.stations is None else wanted.stations)
    asked = [s for number, s in sorted(every.items()) if number in named and _lies_in(s.region, wanted.region)]
    if not asked:
        raise NobodyToInstruct(region=wanted.region or 0)
    return asked


def _lies_in(region: int, wanted: int | None) -> bool:
    """Whether a county lies in a county, city (…00) or province (…0000)."""
    if wanted is None:
        return True
    width = 10_000 if wanted % 10_000 == 0 else 100 if wanted % 100 == 0 else 1
    return region // width == wanted // width


def _terms(connection: Connection, wanted: Wanted, asked: Sequence[Station]) -> dict[StationId, Terms]:
    """Weight by rating (1 a kW, so that equal levels are equal shares of it) and wear price, unless said otherwise."""
    numbers = {s.number for s in asked}
    turns = queries.last_turns(connection, numbers)
    wear = {profile.station: profile.wear_price for profile in profiles.stations(connection)}
    said: dict[int, tuple[int | None, int | None]] = {}
    for station, weight, price in wanted.terms:
        if station in said or station not in numbers:
            raise TermsOfStranger(station=station)
        said[station] = (weight, price)
    found = {}
    for s in asked:
        weight, price = said.get(s.number, (None, None))
        rated = -(-max(s.charge_power_w, s.discharge_power_w) // _W_A_WEIGHT)
        found[s.number] = Terms(
            weight=min(MOST_WEIGHT, max(1, rated)) if weight is None else weight,
            price=wear.get(s.number, 0) if price is None else price,
            last_turn=turns.get(s.number, 0),
        )
    return found


def _states(platform: Platform, connection: Connection, asked: Sequence[Station]) -> dict[StationId, StationState]:
    """The last measured states of those stations that have one and may be used."""
    live = {values.station: values for values in platform.live.all()}
    held = {profile.station: profile for profile in profiles.stations(connection)}
    return {
        s.number: state
        for s in asked
        if s.number in live and s.number in held
        if (state := _state(s, live[s.number], held[s.number])) is not None
    }


def _state(station: Station, live: LiveValues, profile: StationProfile) -> StationState | None:
    if live.soc_bp is None or live.battery_power_w is None or live.power_w is None:
        return None
    return StationState(
        station=station.number,
        charge_power_w=station.charge_power_w,
        discharge_power_w=station.discharge_power_w,
        capacity_wh=station.capacity_wh,
        soc_min_bp=max(profile.soc_min_bp, profile.own_need_bp),
        soc_max_bp=profile.soc_max_bp,
        eta_c_ppm=profile.eta_c_ppm,
        eta_d_ppm=profile.eta_d_ppm,
        pcc_import_w=station.pcc_import_w,
        pcc_export_w=station.pcc_export_w,
        t_ms=live.t_ms,
        soc_bp=live.soc_bp,
        battery_power_w=live.battery_power_w,
        power_w=live.power_w,
    )


def _keep(
    connection: Connection, record: InstructionRecord, states: dict[StationId, StationState], *, region: int | None,
    by: str,
) -> None:  # fmt: skip
    order, done = record.instruction, record.split
    row = {
        "call": order.call, "issued_ms": order.issued_ms, "issued_by": by, "region": region,
        "method": str(order.method), "target_w": order.target_w, "shortfall_w": done.shortfall_w,
        "stations": len(order.offers), "excluded": sum(offer.cap_up_by in EXCLUDED for offer in order.offers),
        "parent": order.parent, "digest": record.digest, "record": json.dumps(record_to_plain(record)),
    }  # fmt: skip
    rows = [
        {
            "call": order.call, "station": offer.station, "issued_ms": order.issued_ms,
            "available_w": offer.cap_w(order.target_w), "given_w": abs(given), "duration_s": order.duration_s,
            "turn": turn, "state": _plain(states.get(offer.station)),
        }
        for offer, given, turn in zip(order.offers, done.given_w, done.turn, strict=True)
    ]  # fmt: skip
    repository.add(connection, row, rows)


def _plain(state: StationState | None) -> str | None:
    """A state under the names of `alliance.instruction_check.check_state`."""
    if state is None:
        return None
    return json.dumps({to_camel(name): value for name, value in asdict(state).items()})
