"""A witness over HTTP (protocol 4.11; C2SP tlog-witness): `POST /add-checkpoint` checks, remembers, then cosigns."""

from collections.abc import Mapping
from http import HTTPStatus
from threading import Lock

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alliance.errors import Malformed
from alliance.ports import Clock
from oracle.note import NoteSigner, NoteVerifier, parse_checkpoint
from oracle.witnessing import (
    SIZE_TYPE,
    CheckpointUntrusted,
    LogForked,
    LogInconsistent,
    OldSizeStale,
    Submission,
    judge,
)
from witness.store import Heads

_BODY_LIMIT = 1 << 17
_LOG = structlog.get_logger()


class Witness:
    """One key that cosigns the heads of the logs it was told to trust."""

    def __init__(self, signer: NoteSigner, logs: Mapping[str, NoteVerifier], heads: Heads, clock: Clock) -> None:
        self._signer, self._logs, self._heads, self._clock = signer, logs, heads, clock
        self._lock = Lock()
        """Checking the last head and remembering the next one is one step."""

    def answer(self, raw: bytes) -> Response:
        """The answer to a submission."""
        try:
            asked = Submission.parse(raw)
            origin = parse_checkpoint(asked.note.text).origin
        except Malformed as error:
            return _refused(HTTPStatus.BAD_REQUEST, error)
        log = self._logs.get(origin)
        if log is None:
            return PlainTextResponse("no such log\n", HTTPStatus.NOT_FOUND)
        with self._lock:
            return self._judged(asked, log)

    def note(self, origin: str) -> Response:
        """The last head that was cosigned of a log, for whoever watches it."""
        found = self._heads.note(origin)
        if found is None:
            return PlainTextResponse("no such log\n", HTTPStatus.NOT_FOUND)
        return Response(found, media_type="text/plain; charset=utf-8")

    def vkey(self) -> Response:
        """The key that cosigns."""
        return PlainTextResponse(f"{self._signer.verifier}\n")

    def _judged(self, asked: Submission, log: NoteVerifier) -> Response:
        known = self._heads.last(log.name)
        try:
            head = judge(asked, known=known, log=log)
        except CheckpointUntrusted as error:
            return _refused(HTTPStatus.FORBIDDEN, error)
        except OldSizeStale as error:
            return Response(f"{error.want_size}\n", HTTPStatus.CONFLICT, media_type=SIZE_TYPE)
        except LogForked as error:
            _LOG.error("witness.fork_seen", origin=log.name, size=error.size, note=asked.note.raw.decode())
            return _refused(HTTPStatus.CONFLICT, error)
        except LogInconsistent as error:
            _LOG.error("witness.inconsistent", origin=log.name, size=error.new_size, note=asked.note.raw.decode())
            return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, error)
        except Malformed as error:
            return _refused(HTTPStatus.BAD_REQUEST, error)
        line = self._signer.cosign(asked.note.text, time_s=self._clock.now_ms() // 1000)
        self._heads.keep(head, asked.note.with_signatures([line]).raw)
        _LOG.info("witness.cosigned", origin=log.name, size=head.size)
        return Response(line.line, media_type="text/plain; charset=utf-8")


def create_app(witness: Witness) -> Starlette:
    """The application."""

    async def add_checkpoint(request: Request) -> Response:
        raw = b""
        async for part in request.stream():
            raw += part
            if len(raw) > _BODY_LIMIT:
                return PlainTextResponse("too long\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return await run_in_threadpool(witness.answer, raw)

    async def head(request: Request) -> Response:
        return await run_in_threadpool(witness.note, request.path_params["origin"])

    async def vkey(_request: Request) -> Response:
        return witness.vkey()

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/head/{origin:path}", head),
            Route("/vkey", vkey),
        ]
    )


def _refused(status: HTTPStatus, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", status)
