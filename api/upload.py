"""Bodies of requests (protocol 10.5): bounded before they are read, and of the type that the route takes."""

from dataclasses import dataclass

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alliance.errors import Refused

DAG_CBOR = "application/vnd.ipld.dag-cbor"


@dataclass(kw_only=True, eq=False)
class BodyTooLarge(Refused):
    """A request's body is longer than the service reads."""

    limit_bytes: int


@dataclass(kw_only=True, eq=False)
class MediaTypeWrong(Refused):
    """A request's Content-Type is not the route's."""

    want: str
    got: str


class BodyLimit:
    """ASGI middleware: counts a body while it comes and stops it at the limit, whatever Content-Length says."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int) -> None:
        self._app, self._limit = app, limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body bounded."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = 0

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise BodyTooLarge(limit_bytes=self._limit)
            return message

        await self._app(scope, bounded, send)


async def cbor_body(request: Request) -> bytes:
    """The body of a DAG-CBOR upload. Raises MediaTypeWrong or BodyTooLarge."""
    got = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if got != DAG_CBOR:
        raise MediaTypeWrong(want=DAG_CBOR, got=got[:80])
    return await request.body()
