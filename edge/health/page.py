"""The health page's server (protocol 10.21): loopback alone, reads only, and never in the way of a round.

HTTP/1.1, one request a connection, `GET` and `HEAD`. A request whose `Host` is not loopback is refused, so that no web
page elsewhere can reach the box through a visitor's browser under a name of its own (DNS rebinding). At most
`MOST_CLIENTS` at once, each with `CLIENT_S` from connecting to the last byte; who is slower is cut off.
"""

import asyncio
import ipaddress
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from urllib.parse import parse_qs, urlsplit

import structlog

from alliance.errors import Refused
from edge.health import metrics, page_html
from edge.health.sight import Document, Sight
from edge.health.texts import Language

MOST_CLIENTS = 8
CLIENT_S = 5.0
_LONGEST_HEAD = 8_192
_HEADERS = (
    "Cache-Control: no-store\r\nConnection: close\r\nX-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'\r\n"
)
_REASONS = {
    200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 421: "Misdirected Request",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


@dataclass(kw_only=True, eq=False)
class PageNotLoopback(Refused):
    """The health page is shown on loopback alone."""

    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer, whole."""

    status: int
    kind: str
    body: bytes


Server = asyncio.Server


async def serve(host: str, port: int, sight: Sight) -> Server | None:
    """Listen; None where no port is wanted. Raises PageNotLoopback or OSError."""
    if not port:
        return None
    if not _loopback(host):
        raise PageNotLoopback(host=host)
    open_now: set[asyncio.Task[None]] = set()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        try:
            async with asyncio.timeout(CLIENT_S):
                busy = len(open_now) > MOST_CLIENTS
                await _answer(
                    reader, writer, _busy if busy else lambda line, host: answered(line, host, sight.document)
                )
        except (OSError, ValueError, asyncio.IncompleteReadError):  # TimeoutError is an OSError
            pass
        finally:
            open_now.discard(task)
            writer.transport.abort()

    return await asyncio.start_server(met, host, port, limit=_LONGEST_HEAD, backlog=MOST_CLIENTS)


async def close(server: Server | None) -> None:
    """Listen no more."""
    if server is not None:
        server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await server.wait_closed()


def answered(line: str, host: str, document: Callable[[], Document]) -> Response:
    """What a request line and its host get."""
    method, _, rest = line.partition(" ")
    target = urlsplit(rest.partition(" ")[0])
    if not _loopback_name(host):
        return _plain(421, "本页只在本机（127.0.0.1）显示 this page is shown on loopback alone")
    if method not in ("GET", "HEAD"):
        return _plain(405, "本页只读 this page only reads")
    language: Language = "en" if parse_qs(target.query).get("lang") == ["en"] else "zh"
    match target.path:
        case "/":
            return Response(status=200, kind="text/html", body=page_html.page(document(), language=language).encode())
        case "/page.css":
            return Response(status=200, kind="text/css", body=_style())
        case "/status.json":
            told = json.dumps(document(), ensure_ascii=False, indent=1).encode()
            return Response(status=200, kind="application/json", body=told)
        case "/metrics":
            return Response(status=200, kind=metrics.CONTENT_TYPE, body=metrics.text(document()).encode())
        case _:
            return _plain(404, "没有此页 no such page: /  /status.json  /metrics")


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Callable[[str, str], Response]
) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError:
        await _send(writer, _plain(431, "请求过长 request too long"), body=True)
        return
    line, *fields = head.split("\r\n")
    named = dict(field.partition(":")[::2] for field in fields)
    hosts = [value.strip() for name, value in named.items() if name.lower() == "host"]
    try:
        response = answer(line, hosts[0] if len(hosts) == 1 else "")
    except Exception as error:  # a page that cannot be made must not end the box
        structlog.get_logger().warning("page.failed", reason=f"{type(error).__name__}: {error}")
        response = _plain(500, "此页无法生成 the page could not be made")
    await _send(writer, response, body=not line.startswith("HEAD "))


async def _send(writer: asyncio.StreamWriter, response: Response, *, body: bool) -> None:
    charset = "" if ";" in response.kind else "; charset=utf-8"
    head = (
        f"HTTP/1.1 {response.status} {_REASONS[response.status]}\r\nContent-Type: {response.kind}{charset}\r\n"
        f"Content-Length: {len(response.body)}\r\n{_HEADERS}\r\n"
    )
    writer.write(head.encode() + (response.body if body else b""))
    await writer.drain()
    writer.write_eof()
    while writer.transport.get_write_buffer_size():
        await asyncio.sleep(0.01)


def _busy(line: str, host: str) -> Response:
    del line, host
    return _plain(503, "访问过多，请稍后再试 too many visitors, try again")


def _plain(status: int, text: str) -> Response:
    return Response(status=status, kind="text/plain", body=(text + "\n").encode())


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _loopback_name(host: str) -> bool:
    """`localhost` or a loopback address, with any port: a tunnel may end at another one."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _loopback(name)


@cache
def _style() -> bytes:
    return resources.files("edge.health").joinpath("page.css").read_bytes()
