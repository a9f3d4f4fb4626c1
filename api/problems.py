"""Errors as problem+json (RFC 9457; protocol 10.5): one place for statuses, stable codes, Chinese or English text.

A slice brings its texts as `problems.zh.json` and `problems.en.json`: code → {"title", "detail"}, where `detail` may
name the error's facts in braces.
"""

import json
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Literal

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from alliance.errors import AllianceError, Conflicting, Malformed, Missing, Refused
from alliance.identity import to_hex
from api.session.principal import NotOperator, NotSignedIn, NotYours
from api.upload import BodyTooLarge, MediaTypeWrong
from api.wire import SAFE_INTEGER

Language = Literal["zh", "en"]
MEDIA_TYPE = "application/problem+json"
_LOG = structlog.get_logger()
_PLAIN_CODES = {
    HTTPStatus.NOT_FOUND: "path_unknown",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.BAD_REQUEST: "request_malformed",
}


def status_of(error: AllianceError) -> HTTPStatus:
    """The HTTP status of an error: by its own kind where HTTP has a word for it, else by its base."""
    match error:
        case NotSignedIn():
            return HTTPStatus.UNAUTHORIZED
        case NotYours() | NotOperator():
            return HTTPStatus.FORBIDDEN
        case BodyTooLarge():
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        case MediaTypeWrong():
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        case Malformed():
            return HTTPStatus.BAD_REQUEST
        case Refused():
            return HTTPStatus.UNPROCESSABLE_ENTITY
        case Conflicting():
            return HTTPStatus.CONFLICT
        case Missing():
            return HTTPStatus.NOT_FOUND
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR


def language_of(accept_language: str | None) -> Language:
    """Which catalogue a request wants: the better of zh and en by Accept-Language (RFC 9110 12.5.4); zh by default."""
    wishes: dict[str, float] = {}
    for part in (accept_language or "").split(","):
        tag, _, weight = part.strip().partition(";q=")
        primary = tag.strip().lower().split("-")[0]
        wishes[primary] = max(wishes.get(primary, 0.0), _weight(weight))
    any_other = wishes.get("*", 0.0)
    return "en" if wishes.get("en", any_other) > wishes.get("zh", any_other) else "zh"


def explain(code: str, facts: Mapping[str, object], language: Language, *, otherwise: str = "") -> tuple[str, str]:
    """Title and detail of a code in a language; `otherwise` is the detail where a catalogue lacks the code."""
    entry = catalogue(language).get(code)
    if entry is None:
        return code.replace("_", " "), otherwise
    return entry["title"], entry["detail"].format_map({name: shown(value) for name, value in facts.items()})


@cache
def catalogue(language: Language) -> Mapping[str, Mapping[str, str]]:
    """All texts of a language, from this folder and every slice's."""
    here = Path(__file__).parent
    texts: dict[str, Mapping[str, str]] = {}
    for path in sorted([*here.glob(f"problems.{language}.json"), *here.glob(f"*/problems.{language}.json")]):
        texts.update(json.loads(path.read_text(encoding="utf-8")))
    return texts


def reply(
    status: HTTPStatus, code: str, facts: Mapping[str, object], *, request: Request, otherwise: str = ""
) -> JSONResponse:
    """A problem document."""
    language = language_of(request.headers.get("accept-language"))
    title, detail = explain(code, facts, language, otherwise=otherwise)
    body = {
        "type": f"urn:storage-alliance:problem:{code}",
        "title": title,
        "status": int(status),
        "detail": detail,
        "code": code,
        "instance": request.url.path,
        "facts": plain(facts),
    }
    headers = {"Content-Language": language, "Vary": "Accept-Language", "Cache-Control": "no-store"}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def plain(facts: Mapping[str, object]) -> dict[str, object]:
    """An error's facts as JSON values."""
    return {name: _json(value) for name, value in facts.items()}


def install(app: FastAPI) -> None:
    """Answer every error of an app with a problem document."""
    app.add_exception_handler(AllianceError, _alliance_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _internal_error)


def shown(value: object) -> str:
    """A fact as it stands inside a sentence."""
    return to_hex(value) if isinstance(value, bytes) else str(value)


def _json(value: object) -> object:
    match value:
        case bytes():
            return to_hex(value)
        case bool() | str() | None:
            return value
        case int():
            return value if abs(value) <= SAFE_INTEGER else str(value)
        case list() | tuple():
            return [_json(item) for item in value]
        case _:
            return str(value)


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0


def _alliance_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AllianceError)
    return reply(status_of(error), error.code, error.facts, request=request, otherwise=str(error))


def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    facts = {"where": ".".join(map(str, first["loc"])), "why": str(first["msg"])}
    return reply(HTTPStatus.BAD_REQUEST, "request_malformed", facts, request=request)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, AllianceError):  # FastAPI wraps what a body's reading raised
        return _alliance_error(request, error.__cause__)
    status = HTTPStatus(error.status_code)
    facts = {"where": request.url.path, "why": str(error.detail), "method": request.method}
    answer = reply(status, _PLAIN_CODES.get(status, "request_refused"), facts, request=request)
    answer.headers.update(error.headers or {})
    return answer


def _gone(request: Request, error: Exception) -> Response:
    """Whoever asked went away within the request, as on bad links: nobody hears an answer, and nothing has failed."""
    del request, error
    return Response(status_code=HTTPStatus.BAD_REQUEST)


def _internal_error(request: Request, error: Exception) -> Response:
    _LOG.error("request.failed", path=request.url.path, method=request.method, error=type(error).__name__)
    return reply(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", {}, request=request)
