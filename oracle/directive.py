"""What the platform tells a box to do (protocol 9.15): signed, numbered, expiring, and naming the plan it carries out.

Two bodies: an envelope says what the station does by itself, platform or no platform: its droop, its reserve and the
schedule that is safe; an instruction is a power for a while. Bytes are canonical DAG-CBOR.
"""

from dataclasses import dataclass, fields

from alliance.calendar import SLOTS_A_DAY
from alliance.droop import Droop
from alliance.errors import Malformed
from alliance.identity import Address, Digest
from alliance.ports import Signer
from oracle import cbor, eip712, signature
from oracle.eip712 import Domain
from oracle.hashing import sha256
from oracle.plain import Fields
from oracle.signature import SECP256K1

MOST = 10**12
SERVICES = ("dispatch", "agc")
SKEW_MS = 60_000
"""So far may who issued a directive be ahead of who reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    """The signed heading. Times in UTC milliseconds; it counts from `from_ms` until just before `until_ms`."""

    station: int
    number: int
    """Ascending with each directive to the station, whatever its kind."""
    issued_ms: int
    from_ms: int
    until_ms: int
    plan: Digest
    """The schedule's document block or the instruction record that it carries out."""
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a station does by itself. Powers are magnitudes, energies of the safe schedule positive discharging."""

    droop: Droop | None
    reserve_up_w: int
    """Discharging power that schedule and instructions leave free."""
    reserve_down_w: int
    reserve_ms: int
    """For how long the content must bear the reserve."""
    safe_wh: tuple[int, ...]
    """By slot of the local day, 96 of them; or none, which is 0 W throughout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """A power at the battery's AC side, positive discharging."""

    service: str
    """One of SERVICES."""
    power_w: int


Body = Envelope | Instruction
LONGEST_MS = {Envelope: 14 * 86_400_000, Instruction: 86_400_000}
"""So long may a directive count, from its beginning or its issue, whichever is sooner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDirective:
    """A directive as it travels."""

    directive: Directive
    alg: int
    signature: bytes


@dataclass(kw_only=True, eq=False)
class SafeScheduleMalformed(Malformed):
    """A safe schedule has neither 96 slots nor none, or an energy outside its limits."""

    slots: int


def digest(directive: Directive, domain: Domain) -> Digest:
    """What the dispatcher's key signs, and by which a directive is known."""
    d = directive
    return eip712.directive_digest(
        domain, station=d.station, number=d.number, issued_ms=d.issued_ms, from_ms=d.from_ms, until_ms=d.until_ms,
        plan=d.plan, body=Digest(sha256(d.body)),
    )  # fmt: skip


def signed(directive: Directive, *, domain: Domain, signer: Signer) -> bytes:
    """The message that travels."""
    return message(
        SignedDirective(directive=directive, alg=signer.alg, signature=signer.sign(digest(directive, domain)))
    )


def message(given: SignedDirective) -> bytes:
    """The bytes of a signed directive."""
    d = given.directive
    return cbor.encode(
        {
            "v": 1, "station": d.station, "number": d.number, "issued": d.issued_ms, "from": d.from_ms,
            "until": d.until_ms, "plan": d.plan, "body": d.body, "alg": given.alg, "signature": given.signature,
        }
    )  # fmt: skip


def read(raw: bytes) -> SignedDirective:
    """Read a message; who signed it is not checked. Raises NotCanonical or PlainMalformed."""
    f = Fields(cbor.decode(raw), where="directive")
    f.int("v", low=1, high=1)
    directive = Directive(
        station=f.int("station", low=1, high=(1 << 32) - 1), number=f.int("number", low=1), issued_ms=f.int("issued"),
        from_ms=f.int("from"), until_ms=f.int("until"), plan=Digest(f.bytes("plan", size=32)), body=f.bytes("body"),
    )  # fmt: skip
    found = SignedDirective(
        directive=directive, alg=f.int("alg", low=SECP256K1, high=SECP256K1), signature=f.bytes("signature", size=64)
    )
    f.finish()
    return found


def signer_of(given: SignedDirective, domain: Domain) -> Address:
    """Who signed. Raises AlgorithmUnknown or SignatureMalformed."""
    return signature.recover(digest(given.directive, domain), alg=given.alg, signature=given.signature)


def body_bytes(body: Body) -> bytes:
    """The bytes of a body."""
    match body:
        case Envelope():
            droop = None if body.droop is None else {_camel(f.name): getattr(body.droop, f.name) for f in fields(Droop)}
            return cbor.encode(
                {
                    "v": 1, "kind": "envelope", "droop": droop, "reserveUpW": body.reserve_up_w,
                    "reserveDownW": body.reserve_down_w, "reserveMs": body.reserve_ms, "safeWh": list(body.safe_wh),
                }
            )  # fmt: skip
        case Instruction():
            return cbor.encode({"v": 1, "kind": "instruction", "service": body.service, "powerW": body.power_w})


def body_of(raw: bytes) -> Body:
    """Read a body. Raises NotCanonical, PlainMalformed, DroopMalformed or SafeScheduleMalformed."""
    f = Fields(cbor.decode(raw), where="directive.body")
    f.int("v", low=1, high=1)
    found = _envelope(f) if f.choice("kind", ("envelope", "instruction")) == "envelope" else _instruction(f)
    f.finish()
    return found


def _envelope(f: Fields) -> Envelope:
    droop = None
    if f.optional("droop"):
        inner = f.map("droop")
        droop = Droop(**{one.name: inner.int(_camel(one.name)) for one in fields(Droop)})
        inner.finish()
    safe = f.list("safeWh")
    if len(safe) not in (0, SLOTS_A_DAY):
        raise SafeScheduleMalformed(slots=len(safe))
    wholes = [wh for wh in safe if isinstance(wh, int) and not isinstance(wh, bool) and abs(wh) <= MOST]
    if len(wholes) != len(safe):
        raise SafeScheduleMalformed(slots=len(wholes))
    return Envelope(
        droop=droop, reserve_up_w=f.int("reserveUpW", high=MOST), reserve_down_w=f.int("reserveDownW", high=MOST),
        reserve_ms=f.int("reserveMs", high=86_400_000), safe_wh=tuple(wholes),
    )  # fmt: skip


def _instruction(f: Fields) -> Instruction:
    return Instruction(service=f.choice("service", SERVICES), power_w=f.int("powerW", low=-MOST, high=MOST))


def _camel(name: str) -> str:
    """`droop_bp` → `droopBp`, as in all JSON of ours."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
