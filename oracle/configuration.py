"""What may be set on a box from afar (protocol 9.20): signed, numbered, expiring, on trial first.

A configuration is whole: its values stand over the box's own settings until the next one, and what it does not name is
as the settings say. Bytes are canonical DAG-CBOR.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from alliance.errors import Malformed
from alliance.identity import Address, Digest
from alliance.ports import Signer
from oracle import cbor, eip712, signature
from oracle.eip712 import Domain
from oracle.hashing import sha256
from oracle.plain import Fields
from oracle.signature import SECP256K1

Value = bool | int | str
LEAST_TRIAL_S, MOST_TRIAL_S = 5, 3_600
LEAST_PATIENCE_S = 3
MOST_VALUES = 64
SKEW_MS = 60_000
"""So far may who issued a configuration be ahead of who reads it."""


class Ending(IntEnum):
    """What became of a configuration."""

    CONFIRMED = 1
    REFUSED = 2
    ROLLED_BACK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The signed heading. Times in UTC milliseconds; it may be taken until just before `until_ms`."""

    station: int
    number: int
    """Ascending with each configuration of the station."""
    issued_ms: int
    until_ms: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What is set, by dotted key of the settings, and how long it is on trial."""

    trial_s: int
    """It is confirmed after so long."""
    patience_s: int
    """It is rolled back when the devices do not answer, or no round is made, for so long within the trial."""
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedConfiguration:
    """A configuration as it travels."""

    configuration: Configuration
    alg: int
    signature: bytes


@dataclass(kw_only=True, eq=False)
class ValueMalformed(Malformed):
    """A value that is set is no integer, text, true or false, or too many are set."""

    key: str


def digest(given: Configuration, domain: Domain) -> Digest:
    """What the configurer's key signs, and by which a configuration is known."""
    return eip712.configuration_digest(
        domain, station=given.station, number=given.number, issued_ms=given.issued_ms, until_ms=given.until_ms,
        body=sha256(given.body),
    )  # fmt: skip


def signed(given: Configuration, *, domain: Domain, signer: Signer) -> bytes:
    """The message that travels."""
    return cbor.encode(
        {
            "v": 1, "station": given.station, "number": given.number, "issued": given.issued_ms,
            "until": given.until_ms, "body": given.body, "alg": signer.alg,
            "signature": signer.sign(digest(given, domain)),
        }
    )  # fmt: skip


def read(raw: bytes) -> SignedConfiguration:
    """Read a message; who signed it is not checked. Raises NotCanonical or PlainMalformed."""
    f = Fields(cbor.decode(raw), where="configuration")
    f.int("v", low=1, high=1)
    found = SignedConfiguration(
        configuration=Configuration(
            station=f.int("station", low=1, high=(1 << 32) - 1), number=f.int("number", low=1),
            issued_ms=f.int("issued"), until_ms=f.int("until"), body=f.bytes("body"),
        ),
        alg=f.int("alg", low=SECP256K1, high=SECP256K1),
        signature=f.bytes("signature", size=64),
    )  # fmt: skip
    f.finish()
    return found


def signer_of(given: SignedConfiguration, domain: Domain) -> Address:
    """Who signed. Raises AlgorithmUnknown or SignatureMalformed."""
    return signature.recover(digest(given.configuration, domain), alg=given.alg, signature=given.signature)


def body_bytes(body: Body) -> bytes:
    """The bytes of a body."""
    return cbor.encode({"v": 1, "trialS": body.trial_s, "patienceS": body.patience_s, "set": dict(body.values)})


def body_of(raw: bytes) -> Body:
    """Read a body. Raises NotCanonical, PlainMalformed or ValueMalformed."""
    f = Fields(cbor.decode(raw), where="configuration.body")
    f.int("v", low=1, high=1)
    trial_s = f.int("trialS", low=LEAST_TRIAL_S, high=MOST_TRIAL_S)
    patience_s = f.int("patienceS", low=LEAST_PATIENCE_S, high=trial_s)
    values = f.any("set")
    f.finish()
    if not isinstance(values, dict) or len(values) > MOST_VALUES:
        raise ValueMalformed(key="set")
    for key, value in values.items():
        if not isinstance(key, str) or not isinstance(value, Value):
            raise ValueMalformed(key=str(key))
    return Body(trial_s=trial_s, patience_s=patience_s, values=values)
