"""Sign-In with Ethereum messages (EIP-4361; protocol 10.6): a strict reader, a writer, and the rules of acceptance."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from alliance.errors import Malformed, Refused
from alliance.identity import Address, Digest
from oracle.hashing import keccak256
from oracle.signature import SECP256K1, SignatureMalformed, recover

_DATE = r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})"
_URI = r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*"
_FORM = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)?(?P<domain>[A-Za-z0-9\-._~!$&'()*+,;=:@%\[\]]+)"
    r" wants you to sign in with your Ethereum account:\n"
    r"(?P<address>0x[0-9a-fA-F]{40})\n\n"
    r"(?:(?P<statement>[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;= ]+)\n)?\n"
    rf"URI: (?P<uri>{_URI})\n"
    r"Version: (?P<version>[0-9]+)\n"
    r"Chain ID: (?P<chain_id>[0-9]{1,18})\n"
    r"Nonce: (?P<nonce>[A-Za-z0-9]{8,})\n"
    rf"Issued At: (?P<issued_at>{_DATE})"
    rf"(?:\nExpiration Time: (?P<expiration_time>{_DATE}))?"
    rf"(?:\nNot Before: (?P<not_before>{_DATE}))?"
    r"(?:\nRequest ID: (?P<request_id>[A-Za-z0-9\-._~!$&'()*+,;=:@%]*))?"
    rf"(?:\nResources:(?P<resources>(?:\n- {_URI})*))?",
)
_MAX_LENGTH = 4000
_CLOCK_SKEW_MS = 300_000
"""How far ahead of the service a wallet's clock may be."""


@dataclass(kw_only=True, eq=False)
class MessageMalformed(Malformed):
    """A text is not an EIP-4361 message."""

    why: str


@dataclass(kw_only=True, eq=False)
class MessageRefused(Refused):
    """A sign-in message is not for this service, chain, nonce or time."""

    field: str
    want: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An EIP-4361 message; times are UTC milliseconds, rounded down."""

    scheme: str | None
    domain: str
    address: Address
    statement: str | None
    uri: str
    version: int
    chain_id: int
    nonce: str
    issued_at_ms: int
    expiration_time_ms: int | None = None
    not_before_ms: int | None = None
    request_id: str | None = None
    resources: tuple[str, ...] = ()


def parse(text: str) -> Message:
    """Read a message; anything beyond the standard's grammar is refused. Raises MessageMalformed."""
    form = _FORM.fullmatch(text) if len(text) <= _MAX_LENGTH else None
    if form is None:
        raise MessageMalformed(why="not the form of EIP-4361")
    part = form.groupdict()
    listed = part["resources"]
    return Message(
        scheme=part["scheme"],
        domain=part["domain"],
        address=_address(part["address"]),
        statement=part["statement"],
        uri=part["uri"],
        version=int(part["version"]),
        chain_id=int(part["chain_id"]),
        nonce=part["nonce"],
        issued_at_ms=_instant(part["issued_at"]),
        expiration_time_ms=None if part["expiration_time"] is None else _instant(part["expiration_time"]),
        not_before_ms=None if part["not_before"] is None else _instant(part["not_before"]),
        request_id=part["request_id"],
        resources=tuple(line[2:] for line in listed.split("\n")[1:]) if listed else (),
    )


def check(message: Message, *, origin: str, chain_id: int, now_ms: int) -> None:
    """Refuse a message for another site, chain or time. Raises MessageRefused. The nonce is the caller's to judge."""
    scheme, _, domain = origin.partition("://")
    _same("domain", domain, message.domain)
    _same("scheme", scheme, message.scheme or scheme)
    if message.uri != origin and not message.uri.startswith(origin + "/"):
        raise MessageRefused(field="uri", want=origin, got=message.uri)
    _same("version", "1", str(message.version))
    _same("chain_id", str(chain_id), str(message.chain_id))
    if message.issued_at_ms > now_ms + _CLOCK_SKEW_MS:
        raise MessageRefused(
            field="issued_at", want=f"at most {now_ms + _CLOCK_SKEW_MS}", got=str(message.issued_at_ms)
        )
    if message.expiration_time_ms is not None and now_ms >= message.expiration_time_ms:
        raise MessageRefused(field="expiration_time", want=f"after {now_ms}", got=str(message.expiration_time_ms))
    if message.not_before_ms is not None and now_ms < message.not_before_ms:
        raise MessageRefused(field="not_before", want=f"at most {now_ms}", got=str(message.not_before_ms))


def digest_of(text: str) -> Digest:
    """What a wallet signs of a text (EIP-191)."""
    raw = text.encode()
    return keccak256(b"\x19Ethereum Signed Message:\n" + str(len(raw)).encode() + raw)


def check_signature(message: Message, text: str, signature: bytes) -> None:
    """Refuse a text that the message's account did not sign with its key. Raises SignatureMalformed or MessageRefused.

    An account that is a contract has no key: whether it stands by the signature, the chain says (EIP-1271).
    """
    digest = digest_of(text)
    signer = recover(digest, alg=SECP256K1, signature=_compact(signature))
    if signer != message.address:
        raise MessageRefused(field="signature", want=checksum(message.address), got=checksum(signer))


def checksum(account: Address) -> str:
    """An address in the mixed case of EIP-55."""
    plain = account.hex()
    marks = keccak256(plain.encode()).hex()
    return "0x" + "".join(c.upper() if int(mark, 16) >= 8 else c for c, mark in zip(plain, marks, strict=False))


def _compact(signature: bytes) -> bytes:
    """EIP-2098's 64 bytes of a wallet's 65 (r, s, v 0, 1, 27 or 28)."""
    if len(signature) != 65 or signature[64] not in (0, 1, 27, 28):
        raise SignatureMalformed(why=f"want 65 bytes ending in 27 or 28, got {len(signature)}")
    if signature[32] & 0x80:
        raise SignatureMalformed(why="s is zero or high")
    parity = signature[64] in (1, 28)
    return signature[:32] + bytes([signature[32] | parity << 7]) + signature[33:64]


def _address(text: str) -> Address:
    account = Address(bytes.fromhex(text[2:]))
    if text != checksum(account):
        raise MessageMalformed(why="address is not in the mixed case of EIP-55")
    return account


def _instant(text: str) -> int:
    try:
        moment = datetime.fromisoformat(_six_digits(text.upper()))
        return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
    except ValueError:
        raise MessageMalformed(why=f"{text} is no time") from None


def _six_digits(text: str) -> str:
    return re.sub(r"\.(\d+)", lambda m: "." + m[1][:6].ljust(6, "0"), text)


def _same(field: str, want: str, got: str) -> None:
    if want != got:
        raise MessageRefused(field=field, want=want, got=got)


def compose(message: Message, *, issued_at: str, expiration_time: str | None = None) -> str:
    """The text of a message, as a wallet shows it; times as the caller writes them."""
    head = f"{message.domain} wants you to sign in with your Ethereum account:"
    lines = [f"{message.scheme}://{head}" if message.scheme else head, checksum(message.address), ""]
    lines += [message.statement] if message.statement else []
    lines += [
        "", f"URI: {message.uri}", f"Version: {message.version}", f"Chain ID: {message.chain_id}",
        f"Nonce: {message.nonce}", f"Issued At: {issued_at}",
    ]  # fmt: skip
    lines += [f"Expiration Time: {expiration_time}"] if expiration_time else []
    lines += _resources(message.resources)
    return "\n".join(lines)


def _resources(resources: Sequence[str]) -> list[str]:
    return ["Resources:", *(f"- {uri}" for uri in resources)] if resources else []
