"""Idempotency-Key on every POST but uploads that name themselves (protocol 10.4): a retry gets the first answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, String, insert, select

from alliance.errors import Conflicting
from api.database import stamped
from api.idempotency_key import IdempotencyKey
from api.platform import Platform, PlatformDep
from api.session.access import SignedIn
from oracle.hashing import sha256

answers = stamped(
    "answers",
    Column("principal", String(42), primary_key=True),
    Column("route", String(300), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)


@dataclass(kw_only=True, eq=False)
class IdempotencyKeyReused(Conflicting):
    """An Idempotency-Key came with another request than before."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """Runs a signed-in caller's POST once: effects and answer are committed together, a retry gets the answer."""

    platform: Platform
    principal: str
    route: str
    key: str
    fingerprint: bytes

    def run(self, work: Callable[[Connection], BaseModel], *, status: int = 201) -> Response:
        """Answer with what `work` returns, or with what it returned before. Raises IdempotencyKeyReused."""
        with self.platform.database.writing() as connection:
            kept = self._kept(connection)
            if kept is not None:
                return kept
            body = work(connection).model_dump_json().encode()
            self._keep(connection, status=status, body=body)
        return Response(body, status_code=status, media_type="application/json")

    def _kept(self, connection: Connection) -> Response | None:
        mine = (answers.c.principal == self.principal, answers.c.route == self.route, answers.c.key == self.key)
        row = connection.execute(select(answers).where(*mine)).one_or_none()
        if row is None:
            return None
        if row.fingerprint != self.fingerprint:
            raise IdempotencyKeyReused(key=self.key)
        headers = {"Idempotency-Replayed": "true"}
        return Response(row.body, status_code=row.status, media_type="application/json", headers=headers)

    def _keep(self, connection: Connection, *, status: int, body: bytes) -> None:
        row = {
            "principal": self.principal, "route": self.route, "key": self.key, "fingerprint": self.fingerprint,
            "status": status, "body": body, "at_ms": self.platform.clock.now_ms(),
        }  # fmt: skip
        connection.execute(insert(answers), row)


async def once(request: Request, platform: PlatformDep, principal: SignedIn, key: IdempotencyKey) -> Once:
    """The guard of one POST of a signed-in caller."""
    route = f"{request.method} {request.url.path}"
    fingerprint = sha256(await request.body())
    return Once(platform=platform, principal=principal.name, route=route, key=key, fingerprint=fingerprint)


OnceDep = Annotated[Once, Depends(once)]
