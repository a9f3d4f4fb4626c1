"""A box's own word to the service (protocol 9.15.6): a question or an answer under a key of its device.

It needs no session: what a device asks for is its station's alone, and what it says is signed.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from sqlalchemy import Connection

from alliance.errors import Malformed, Refused
from alliance.identity import Address, Digest, address
from api.devices import queries
from api.platform import Platform
from api.session.principal import NotSignedIn
from api.wire import SAFE_INTEGER
from oracle import signature
from oracle.eip712 import ask_digest

ASK = "<device>:<t>:<alg>:<hex> over Ask(device, t, keccak256(path with query))"
MOST_AGE_MS = 300_000
"""A box's question that is further from now is no question of now."""


@dataclass(kw_only=True, eq=False)
class AskMalformed(Malformed):
    """The header under which a box asks is not `<device>:<t>:<alg>:<hex>`."""

    got: str


@dataclass(kw_only=True, eq=False)
class NotByDevice(Refused):
    """A question or answer is not signed by its device's key, or a question is of another's station or another time."""

    device: Address
    signer: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as a box sent it: its header `Alliance-Ask`, empty if it sent none, and the path with its query."""

    header: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A box's question after what is its own, with its device's signature over the path."""

    device: Address
    t_ms: int
    alg: int
    signature: bytes
    path: str


def asked_of(request: Request, alliance_ask: Annotated[str, Header(description=ASK)] = "") -> Asked:
    """What a request asks, unread: a dependency that refused would be heard before a path that names no station."""
    query = f"?{request.url.query}" if request.url.query else ""
    return Asked(header=alliance_ask, path=request.url.path + query)


AskedDep = Annotated[Asked, Depends(asked_of)]


def question_of(asked: Asked) -> Question:
    """The question that a request asks. Raises NotSignedIn or AskMalformed."""
    if not asked.header:
        raise NotSignedIn(path=asked.path)
    try:
        device, t_text, alg, signed = asked.header.split(":")
        t_ms = int(t_text)
        if not 0 <= t_ms <= SAFE_INTEGER:
            raise AskMalformed(got=asked.header[:80])
        return Question(
            device=address(device, field="Alliance-Ask"), t_ms=t_ms, alg=int(alg), signature=bytes.fromhex(signed),
            path=asked.path,
        )  # fmt: skip
    except (ValueError, Malformed):
        raise AskMalformed(got=asked.header[:80]) from None


def check_asked(platform: Platform, connection: Connection, station: int, asked: Asked) -> None:
    """Whether a device that measures the station asks, now. Raises what `question_of` and `recover` do, NotByDevice."""
    by = question_of(asked)
    now_ms = platform.clock.now_ms()
    named = ask_digest(platform.deployment.domain, device=by.device, t_ms=by.t_ms, path=by.path)
    signer = signer_of(connection, by.device, named, alg=by.alg, signed=by.signature)
    timely, measured = abs(now_ms - by.t_ms) <= MOST_AGE_MS, measured_by(connection, by.device, now_ms=now_ms)
    if not timely or station not in measured or signer not in keys_of(connection, by.device, now_ms=now_ms):
        raise NotByDevice(device=by.device, signer=signer)


def signer_of(connection: Connection, device: Address, named: Digest, *, alg: int, signed: bytes) -> Address:
    """Who signed for a device; whether it may is not checked. Raises AlgorithmUnknown or SignatureMalformed."""
    known = queries.public_keys_of(connection)(device, alg)
    return signature.recover(named, alg=alg, signature=signed, public_keys=known)


def keys_of(connection: Connection, device: Address, *, now_ms: int) -> set[Address]:
    """The keys that may sign for a device now."""
    return {key.key for key in queries.keys_of(connection, device) if key.valid_at(now_ms // 1000)}


def measured_by(connection: Connection, device: Address, *, now_ms: int) -> set[int]:
    """The stations that a device measures now, by the latest binding of each of its channels."""
    bound = {channel.channel: channel for channel in queries.channels_of(connection, device)}
    return {one.station for one in bound.values() if not one.to_ms or now_ms < one.to_ms}
