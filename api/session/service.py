"""Signing in with a wallet (protocol 10.6): nonces that prove themselves, sessions kept by their token's hash."""

import base64
import hmac
from dataclasses import dataclass

from sqlalchemy import Connection

from alliance.errors import Conflicting, Refused
from alliance.identity import Address
from api.platform import Platform
from api.session import repository, siwe
from api.session.repository import Session
from api.session.siwe import Message, MessageRefused
from chain.account import stands_by
from oracle.hashing import sha256
from oracle.signature import SignatureMalformed

NONCE_LIFE_MS = 600_000


@dataclass(kw_only=True, eq=False)
class NonceUnknown(Refused):
    """A sign-in message carries a nonce that this service did not give, or gave too long ago."""

    nonce: str


@dataclass(kw_only=True, eq=False)
class NonceUsed(Conflicting):
    """A nonce has already opened a session."""

    nonce: str


def new_nonce(platform: Platform) -> tuple[str, int]:
    """A nonce and its expiry, UTC ms. It carries its own proof, so that nothing is stored until it is used."""
    expires_ms = platform.clock.now_ms() + NONCE_LIFE_MS
    head = expires_ms.to_bytes(8, "big") + platform.randomness.token(16)
    return (head + _mac(platform, b"nonce", head)).hex(), expires_ms


def checked(platform: Platform, *, text: str, signature: bytes) -> Message:
    """Read a message and check that its account signed it, as a key does or as a contract does (EIP-1271).

    Asks the chain, so never inside a transaction. Raises MessageMalformed, MessageRefused, SignatureMalformed,
    NonceUnknown, and the errors of `Rpc` when a contract cannot be asked.
    """
    message, now_ms = siwe.parse(text), platform.clock.now_ms()
    siwe.check(message, origin=platform.settings.origin, chain_id=platform.deployment.chain_id, now_ms=now_ms)
    _check_given(platform, message.nonce)
    try:
        siwe.check_signature(message, text, signature)
    except (MessageRefused, SignatureMalformed):
        if not stands_by(platform.rpc, message.address, siwe.digest_of(text), signature):
            raise
    return message


def open_session(
    platform: Platform, connection: Connection, *, message: Message, text: str, signature: bytes, idempotency_key: str
) -> tuple[str, Session]:
    """Open the session of a checked message; a retry with the same key gets the same token.

    Raises NonceUnknown or NonceUsed.
    """
    now_ms = platform.clock.now_ms()
    session = Session(
        token_hash=b"",
        nonce=message.nonce,
        idempotency_key=idempotency_key,
        fingerprint=sha256(text.encode(), signature),
        address=message.address,
        expires_ms=now_ms + platform.settings.session_hours * 3_600_000,
    )
    token = _token(platform, session)
    used = repository.by_nonce(connection, message.nonce)
    if used is not None:
        return token, _retried(used, session, sha256(token.encode()))
    _check_fresh(message.nonce, now_ms)
    opened = Session(**{n: getattr(session, n) for n in Session.__slots__} | {"token_hash": sha256(token.encode())})
    repository.forget_before(connection, now_ms - 2 * NONCE_LIFE_MS)
    repository.add(connection, opened)
    return token, opened


def find(connection: Connection, token: str, *, now_ms: int) -> Address | None:
    """The wallet that a token speaks for, None when it does not or not any more."""
    session = repository.by_token(connection, sha256(token.encode()))
    return session.address if session is not None and now_ms < session.expires_ms else None


def close_session(connection: Connection, token: str, *, now_ms: int) -> None:
    """Sign out."""
    repository.end(connection, sha256(token.encode()), now_ms=now_ms)


def _retried(used: Session, asked: Session, token_hash: bytes) -> Session:
    same = (used.idempotency_key, used.fingerprint, used.token_hash)
    if same != (asked.idempotency_key, asked.fingerprint, token_hash):
        raise NonceUsed(nonce=used.nonce)
    return used


def _check_given(platform: Platform, nonce: str) -> None:
    """Refuse a nonce that this service did not give."""
    raw = _raw(nonce)
    head, mac = raw[:24], raw[24:]
    if len(raw) != 40 or not hmac.compare_digest(mac, _mac(platform, b"nonce", head)):
        raise NonceUnknown(nonce=nonce[:80])


def _check_fresh(nonce: str, now_ms: int) -> None:
    """Refuse a nonce that was given too long ago."""
    if now_ms >= int.from_bytes(_raw(nonce)[:8], "big"):
        raise NonceUnknown(nonce=nonce[:80])


def _raw(nonce: str) -> bytes:
    try:
        return bytes.fromhex(nonce)
    except ValueError:
        return b""


def _token(platform: Platform, session: Session) -> str:
    parts = session.nonce.encode() + session.fingerprint + session.idempotency_key.encode()
    raw = hmac.digest(platform.session_secret, b"token" + parts, "sha256")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _mac(platform: Platform, purpose: bytes, data: bytes) -> bytes:
    return hmac.digest(platform.session_secret, purpose + data, "sha256")[:16]
