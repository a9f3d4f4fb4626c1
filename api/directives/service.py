"""Taking directives from dispatchers and answers from boxes (protocol 9.15.6): stored and relayed, never made here.

The service has no dispatcher's key. What a box pins decides; what the service refuses here it refuses so that a
dispatcher hears at once what its box would say later.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from alliance.errors import Conflicting, Malformed, Refused
from alliance.fleet import Station
from alliance.identity import ZERO_DIGEST, Address, Digest, StationId
from alliance.obedience import Outcome
from api.devices import voice
from api.devices.voice import Asked, NotByDevice
from api.directives import queries, repository
from api.directives.queries import DirectiveRow, Waiting
from api.documents import queries as documents
from api.instructions import queries as instructions
from api.platform import Platform
from api.stations import queries as stations
from oracle import cbor, eip712
from oracle import directive as directive_bytes
from oracle.directive import LONGEST_MS, SKEW_MS, Body, Directive, Envelope
from oracle.hashing import sha256
from oracle.log import EntryType
from oracle.plain import Fields, PlainMalformed

MOST_IN_ONE = 1_000
MOST_NUMBER = (1 << 53) - 1
"""The highest number that is taken: every JSON reader keeps it exactly."""
MOST_ANSWERS_KEPT = 32
"""So many different answers to one directive are taken; a box has two."""
_LOG = structlog.get_logger()


@dataclass(kw_only=True, eq=False)
class DirectiveSignerUnknown(Refused):
    """A directive is signed by a key that is no dispatcher's here."""

    station: int
    signer: Address


@dataclass(kw_only=True, eq=False)
class DirectiveNumberTaken(Conflicting):
    """A directive's number does not exceed the highest one that was taken for its station."""

    station: int
    got: int
    highest: int


@dataclass(kw_only=True, eq=False)
class DirectiveRefused(Refused):
    """A directive that no box would take: `why` is the name that a box would refuse it by (protocol 9.15.4)."""

    station: int
    number: int
    why: str


@dataclass(kw_only=True, eq=False)
class DirectivePlanUnknown(Refused):
    """A directive names as its plan neither a schedule nor an instruction of this service."""

    station: int
    plan: Digest


@dataclass(kw_only=True, eq=False)
class DirectiveOffPlan(Refused):
    """A directive carries out an instruction with another power than it gives the station."""

    station: int
    call: int
    want_w: int
    got_w: int


@dataclass(kw_only=True, eq=False)
class TooManyDirectives(Malformed):
    """More directives in one request than the service takes."""

    most: int
    got: int


@dataclass(kw_only=True, eq=False)
class TooManyAnswers(Refused):
    """A device says ever new things of a directive: no box does, and the service keeps what it takes for good."""

    directive: Digest
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A box's answer as it came."""

    directive: Digest
    outcome: Outcome
    t_ms: int
    reason: str
    alg: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What a directive carries out of an instruction."""

    call: int | None
    given_w: int | None


def read_messages(body: bytes) -> list[bytes]:
    """The messages of a request. Raises NotCanonical, PlainMalformed or TooManyDirectives."""
    fields = Fields(cbor.decode(body), where="directives")
    fields.int("v", low=1, high=1)
    found = fields.list("directives")
    fields.finish()
    if len(found) > MOST_IN_ONE:
        raise TooManyDirectives(most=MOST_IN_ONE, got=len(found))
    return [_message(item) for item in found]


def take(platform: Platform, connection: Connection, messages: Sequence[bytes]) -> list[DirectiveRow]:
    """Keep directives, all or none; one that is kept already is told again to who signed it.

    Raises what `oracle.directive.read` and `body_of` raise, DirectiveSignerUnknown, StationUnknown,
    DirectiveNumberTaken, DirectiveRefused, DirectivePlanUnknown or DirectiveOffPlan.
    """
    return [_taken(platform, connection, message) for message in messages]


def for_box(platform: Platform, connection: Connection, station: int, *, after: int, asked: Asked) -> list[Waiting]:
    """What a box has to decide on. Raises what `voice.check_asked` raises."""
    voice.check_asked(platform, connection, station, asked)
    return queries.for_box(connection, station, after=after, now_ms=platform.clock.now_ms())


def hear(platform: Platform, connection: Connection, device: Address, said: Sequence[Said]) -> list[Digest]:
    """Keep a box's answers; the digests of directives that were never given to a station of this device.

    It hears the same of another's directive as of none, so that nobody finds out by guessing (P17). Raises
    NotByDevice or TooManyAnswers.
    """
    unknown, now_ms = [], platform.clock.now_ms()
    keys = voice.keys_of(connection, device, now_ms=now_ms)
    measured = voice.measured_by(connection, device, now_ms=now_ms)
    for one in said:
        named = eip712.answer_digest(
            platform.deployment.domain, directive=one.directive, outcome=one.outcome, t_ms=one.t_ms,
            reason=Digest(sha256(one.reason.encode())),
        )  # fmt: skip
        signer = voice.signer_of(connection, device, named, alg=one.alg, signed=one.signature)
        if signer not in keys:
            raise NotByDevice(device=device, signer=signer)
        held = queries.by_digest(connection, one.directive)
        if held is None or held.station not in measured:
            unknown.append(one.directive)
            continue
        _keep_answer(connection, one, device=device, signer=signer, now_ms=now_ms)
    return unknown


def _keep_answer(connection: Connection, one: Said, *, device: Address, signer: Address, now_ms: int) -> None:
    new = repository.add_answer(
        connection,
        {
            "digest": one.directive, "outcome": int(one.outcome), "t_ms": one.t_ms, "reason": one.reason,
            "device": device, "signer": signer, "alg": one.alg, "signature": one.signature, "heard_ms": now_ms,
        },
    )  # fmt: skip
    if not new:
        return
    if repository.answers_to(connection, one.directive) > MOST_ANSWERS_KEPT:
        raise TooManyAnswers(directive=one.directive, most=MOST_ANSWERS_KEPT)
    if one.outcome is Outcome.DONE:
        repository.end(connection, one.directive, t_ms=one.t_ms, reason=one.reason)
    else:
        repository.decide(connection, one.directive, outcome=one.outcome, t_ms=one.t_ms, reason=one.reason)


def _taken(platform: Platform, connection: Connection, message: bytes) -> DirectiveRow:
    given = directive_bytes.read(message)
    directive, named = given.directive, directive_bytes.digest(given.directive, platform.deployment.domain)
    signer = directive_bytes.signer_of(given, platform.deployment.domain)
    kept = queries.by_digest(connection, named)
    if kept is not None and signer == kept.dispatcher:
        return kept
    if signer not in platform.settings.dispatcher_keys:
        raise DirectiveSignerUnknown(station=directive.station, signer=signer)
    if kept is not None:
        return kept
    station = stations.one(connection, directive.station).station
    body, now_ms = directive_bytes.body_of(directive.body), platform.clock.now_ms()
    why = _why_not(directive, body, station, now_ms=now_ms)
    if why:
        raise DirectiveRefused(station=directive.station, number=directive.number, why=why)
    highest = repository.highest(connection, directive.station)
    if not highest < directive.number <= MOST_NUMBER:
        raise DirectiveNumberTaken(station=directive.station, got=directive.number, highest=highest)
    part = _part(connection, directive, body)
    repository.add(
        connection,
        {
            "digest": named, "station": directive.station, "number": directive.number,
            "issued_ms": directive.issued_ms, "from_ms": directive.from_ms, "until_ms": directive.until_ms,
            "plan": directive.plan, "call": part.call, "given_w": part.given_w, "dispatcher": signer,
            "message": message, "taken_ms": now_ms, "reason": "",
        },
    )  # fmt: skip
    _LOG.info("directive.taken", station=directive.station, number=directive.number, call=part.call)
    return queries.one(connection, named)


def _why_not(given: Directive, body: Body, station: Station, *, now_ms: int) -> str:
    """The name by which a box would refuse a directive whatever its state, or nothing."""
    for reason, holds in (
        ("plan_missing", given.plan == ZERO_DIGEST),
        ("span_empty", given.until_ms <= given.from_ms),
        ("span_too_long", given.until_ms - min(given.from_ms, given.issued_ms) > LONGEST_MS[type(body)]),
        ("issued_later", given.issued_ms > now_ms + SKEW_MS),
        ("expired", given.until_ms <= now_ms),
        ("over_rating", _exceeds(body, station)),
    ):
        if holds:
            return reason
    return ""


def _exceeds(body: Body, station: Station) -> bool:
    if isinstance(body, Envelope):
        return body.reserve_up_w > station.discharge_power_w or body.reserve_down_w > station.charge_power_w
    return not -station.charge_power_w <= body.power_w <= station.discharge_power_w


def _part(connection: Connection, given: Directive, body: Body) -> _Part:
    """The part of an instruction; none of a schedule. Raises DirectivePlanUnknown or DirectiveOffPlan."""
    call = instructions.call_of(connection, given.plan)
    if call is None:
        row = documents.by_digest(connection, given.plan)
        if row is None or row.document.kind is not EntryType.SCHEDULE:
            raise DirectivePlanUnknown(station=given.station, plan=given.plan)
        return _Part(call=None, given_w=None)
    if isinstance(body, Envelope) or body.service != "dispatch":
        return _Part(call=call, given_w=None)
    order = instructions.order_of(connection, call, StationId(given.station))
    if order.power_w is not None and order.power_w != body.power_w:
        raise DirectiveOffPlan(station=given.station, call=call, want_w=order.power_w, got_w=body.power_w)
    return _Part(call=call, given_w=order.given_w)


def _message(item: object) -> bytes:
    if not isinstance(item, bytes):
        raise PlainMalformed(where="directives", field="directives", want="messages in bytes", got=str(item)[:80])
    return item
