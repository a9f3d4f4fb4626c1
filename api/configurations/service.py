"""Taking configurations from configurers and answers from boxes (protocol 9.20.7): stored and relayed, never made here.

The service has no configurer's key. What a box pins decides; what the service refuses here it refuses so that a
configurer hears at once what its box would say later.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from alliance.errors import Conflicting, Malformed, Refused
from alliance.identity import Address, Digest
from api.configurations import queries, repository
from api.configurations.queries import ConfigurationRow
from api.devices import voice
from api.devices.voice import NotByDevice
from api.platform import Platform
from api.stations import queries as stations
from oracle import cbor, eip712
from oracle import configuration as configuration_bytes
from oracle.configuration import SKEW_MS, Configuration, Ending
from oracle.hashing import sha256
from oracle.plain import Fields, PlainMalformed

MOST_IN_ONE = 100
MOST_BYTES = 16_384
"""The longest message that is taken."""
MOST_NUMBER = (1 << 53) - 1
"""The highest number that is taken: every JSON reader keeps it exactly."""
MOST_ANSWERS_KEPT = 32
"""So many different answers to one configuration are taken; a box has two."""
_LOG = structlog.get_logger()


@dataclass(kw_only=True, eq=False)
class ConfigurationSignerUnknown(Refused):
    """A configuration is signed by a key that is no configurer's here."""

    station: int
    signer: Address


@dataclass(kw_only=True, eq=False)
class ConfigurationNumberTaken(Conflicting):
    """A configuration's number does not exceed the highest one that was taken for its station."""

    station: int
    got: int
    highest: int


@dataclass(kw_only=True, eq=False)
class ConfigurationRefused(Refused):
    """A configuration that no box would take: `why` is the name that a box would refuse it by (protocol 9.20.4)."""

    station: int
    number: int
    why: str


@dataclass(kw_only=True, eq=False)
class TooManyConfigurations(Malformed):
    """More configurations in one request than the service takes."""

    most: int
    got: int


@dataclass(kw_only=True, eq=False)
class ConfigurationTooLong(Malformed):
    """A configuration's message is longer than the service takes."""

    most_bytes: int
    got_bytes: int


@dataclass(kw_only=True, eq=False)
class TooManyConfigurationAnswers(Refused):
    """A device says ever new things of a configuration: no box does, and the service keeps what it takes for good."""

    configuration: Digest
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A box's answer as it came."""

    configuration: Digest
    outcome: Ending
    t_ms: int
    reason: str
    alg: int
    signature: bytes


def read_messages(body: bytes) -> list[bytes]:
    """The messages of a request. Raises NotCanonical, PlainMalformed, TooMany… or ConfigurationTooLong."""
    fields = Fields(cbor.decode(body), where="configurations")
    fields.int("v", low=1, high=1)
    found = fields.list("configurations")
    fields.finish()
    if len(found) > MOST_IN_ONE:
        raise TooManyConfigurations(most=MOST_IN_ONE, got=len(found))
    return [_message(item) for item in found]


def take(platform: Platform, connection: Connection, messages: Sequence[bytes]) -> list[ConfigurationRow]:
    """Keep configurations, all or none; one that is kept already is told again to who signed it.

    Raises what `oracle.configuration.read` and `body_of` raise, ConfigurationSignerUnknown, StationUnknown,
    ConfigurationNumberTaken or ConfigurationRefused.
    """
    return [_taken(platform, connection, message) for message in messages]


def hear(platform: Platform, connection: Connection, device: Address, told: Sequence[Told]) -> list[Digest]:
    """Keep a box's answers; the digests of configurations that were never given to a station of this device.

    Raises NotByDevice or TooManyConfigurationAnswers.
    """
    unknown, now_ms = [], platform.clock.now_ms()
    keys = voice.keys_of(connection, device, now_ms=now_ms)
    measured = voice.measured_by(connection, device, now_ms=now_ms)
    for one in told:
        named = eip712.configuration_answer_digest(
            platform.deployment.domain, configuration=one.configuration, outcome=one.outcome, t_ms=one.t_ms,
            reason=sha256(one.reason.encode()),
        )  # fmt: skip
        signer = voice.signer_of(connection, device, named, alg=one.alg, signed=one.signature)
        if signer not in keys:
            raise NotByDevice(device=device, signer=signer)
        held = queries.by_digest(connection, one.configuration)
        if held is None or held.station not in measured:
            unknown.append(one.configuration)
            continue
        _keep_answer(connection, one, device=device, signer=signer, now_ms=now_ms)
    return unknown


def _keep_answer(connection: Connection, one: Told, *, device: Address, signer: Address, now_ms: int) -> None:
    new = repository.add_answer(
        connection,
        {
            "digest": one.configuration, "outcome": int(one.outcome), "t_ms": one.t_ms, "reason": one.reason,
            "device": device, "signer": signer, "alg": one.alg, "signature": one.signature, "heard_ms": now_ms,
        },
    )  # fmt: skip
    if not new:
        return
    if repository.answers_to(connection, one.configuration) > MOST_ANSWERS_KEPT:
        raise TooManyConfigurationAnswers(configuration=one.configuration, most=MOST_ANSWERS_KEPT)
    repository.settle(connection, one.configuration, outcome=one.outcome, t_ms=one.t_ms, reason=one.reason)


def _taken(platform: Platform, connection: Connection, message: bytes) -> ConfigurationRow:
    given = configuration_bytes.read(message)
    heading, named = given.configuration, configuration_bytes.digest(given.configuration, platform.deployment.domain)
    signer = configuration_bytes.signer_of(given, platform.deployment.domain)
    kept = queries.by_digest(connection, named)
    if kept is not None and signer == kept.configurer:
        return kept
    if signer not in platform.settings.configurer_keys:
        raise ConfigurationSignerUnknown(station=heading.station, signer=signer)
    if kept is not None:
        return kept
    stations.one(connection, heading.station)
    configuration_bytes.body_of(heading.body)
    now_ms = platform.clock.now_ms()
    why = _why_not(heading, now_ms=now_ms)
    if why:
        raise ConfigurationRefused(station=heading.station, number=heading.number, why=why)
    highest = repository.highest(connection, heading.station)
    if not highest < heading.number <= MOST_NUMBER:
        raise ConfigurationNumberTaken(station=heading.station, got=heading.number, highest=highest)
    row = {
        "digest": named, "station": heading.station, "number": heading.number, "issued_ms": heading.issued_ms,
        "until_ms": heading.until_ms, "configurer": signer, "message": message, "taken_ms": now_ms, "reason": "",
    }  # fmt: skip
    repository.add(connection, row)
    _LOG.info("configuration.taken", station=heading.station, number=heading.number)
    found = queries.by_digest(connection, named)
    assert found is not None
    return found


def _why_not(given: Configuration, *, now_ms: int) -> str:
    """The name by which a box would refuse a configuration whatever its state, or nothing."""
    if given.issued_ms > now_ms + SKEW_MS:
        return "issued_later"
    return "expired" if given.until_ms <= now_ms else ""


def _message(item: object) -> bytes:
    if not isinstance(item, bytes):
        shown = str(item)[:80]
        raise PlainMalformed(where="configurations", field="configurations", want="messages in bytes", got=shown)
    if len(item) > MOST_BYTES:
        raise ConfigurationTooLong(most_bytes=MOST_BYTES, got_bytes=len(item))
    return item
