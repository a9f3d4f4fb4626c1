"""The platform as the box sees it (protocol 10.2 to 10.4): six requests over HTTP, and their failures by name.

ServiceError
 ├─ ServiceUnreachable (Missing)    no connection, or no answer in time
 ├─ ServiceRefused     (Refused)    an HTTP status of 400 or more
 └─ AnswerMalformed    (Malformed)  an answer that is not what the protocol says
"""

import json
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from alliance.calendar import Day
from alliance.errors import AllianceError, Malformed, Missing, Refused
from alliance.identity import Address, digest, to_hex
from alliance.segment import Head
from edge.evidence.outbox import Acknowledged, Refusal
from edge.evidence.stream import Beacon
from oracle import cbor
from oracle.plain import Fields

DAG_CBOR = "application/vnd.ipld.dag-cbor"
_SHOWN = 200
"""Characters of a foreign text that are kept."""


class ServiceError(AllianceError):
    """The platform did not do what was asked."""


@dataclass(kw_only=True, eq=False)
class ServiceUnreachable(ServiceError, Missing):
    """No connection to the platform, or no answer in time."""

    url: str
    reason: str


@dataclass(kw_only=True, eq=False)
class ServiceRefused(ServiceError, Refused):
    """The platform answered with an error."""

    url: str
    status: int
    code_there: str


@dataclass(kw_only=True, eq=False)
class AnswerMalformed(ServiceError, Malformed):
    """The platform's answer is not what the protocol says."""

    url: str
    problem: str


@dataclass(kw_only=True, eq=False)
class HeadNotAnchored(Missing):
    """The platform holds segments of a device that stand on no checkpoint yet: ask again after the epoch."""

    device: Address
    channel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadAnswer:
    """What the platform says to an upload. Acknowledgements are not checked yet."""

    acks: tuple[Acknowledged, ...]
    refused: tuple[Refusal, ...]


class Service:
    """A client of the platform. It opens connections when it needs them and keeps them."""

    def __init__(self, url: str, *, timeout_s: float, ca_file: Path | None = None) -> None:
        """`ca_file`: the authorities that may have signed the platform's certificate, instead of the public ones.

        Raises OSError where it cannot be read.
        """
        self.sent_bytes = 0
        """Bodies, headers and request lines sent so far; not what TLS and TCP add."""
        # No proxy or certificate settings from the environment.
        trusted = url.startswith("https:") if ca_file is None else ssl.create_default_context(cafile=str(ca_file))
        self._http = httpx.AsyncClient(
            base_url=url, timeout=timeout_s, trust_env=False, verify=trusted, follow_redirects=False
        )

    async def upload(self, payloads: Sequence[bytes]) -> UploadAnswer:
        """Send segments in order. Raises ServiceError."""
        body = cbor.encode({"v": 1, "segments": [cbor.decode(payload) for payload in payloads]})
        path = "/v1/segments"
        response = await self._asked("POST", path, content=body, headers={"content-type": DAG_CBOR})
        try:
            return _upload_answer(response.json())
        except (ValueError, AllianceError) as error:
            raise AnswerMalformed(url=path, problem=str(error)[:_SHOWN]) from error

    async def beacon(self) -> Beacon:
        """The newest final block that the platform knows. Raises ServiceError."""
        path = "/v1/beacon"
        response = await self._asked("GET", path)
        try:
            fields = Fields(response.json(), where="beacon")
            return Beacon(block=fields.int("block"), hash=digest(fields.str("hash"), field="hash"))
        except (ValueError, AllianceError) as error:
            raise AnswerMalformed(url=path, problem=str(error)[:_SHOWN]) from error

    async def schedule(self, station: int, day: Day) -> object | None:
        """The schedule in force for a station's day, as JSON values; None when there is none. Raises ServiceError."""
        path = f"/v1/stations/{station}/schedule"
        try:
            response = await self._asked("GET", path, params={"day": str(day)})
        except ServiceRefused as refused:
            if refused.status == httpx.codes.NOT_FOUND:
                return None
            raise
        try:
            value: object = response.json()
        except ValueError as error:
            raise AnswerMalformed(url=path, problem=str(error)[:_SHOWN]) from error
        return value

    async def heads(self, device: Address) -> dict[int, Head]:
        """Where a device's streams end in the log, by channel. Raises ServiceError, or HeadNotAnchored."""
        path = f"/v1/segments/heads/{to_hex(device)}"
        response = await self._asked("GET", path)
        try:
            items = [Fields(item, where="heads") for item in Fields(response.json(), where="heads").list("items")]
            found = {
                f.int("channel"): (Head(next_seq=f.int("nextSeq"), digest=digest(f.str("digest"))), f) for f in items
            }
        except (ValueError, AllianceError) as error:
            raise AnswerMalformed(url=path, problem=str(error)[:_SHOWN]) from error
        for channel, (_, fields) in found.items():
            if not fields.bool("anchored"):
                raise HeadNotAnchored(device=device, channel=channel)
        return {channel: head for channel, (head, _) in found.items()}

    async def live(self, body: bytes, *, alg: int, signature: bytes) -> None:
        """Show live values, which settle nothing. Raises ServiceError."""
        headers = {"content-type": "application/json", "alliance-signature": f"{alg}:{signature.hex()}"}
        await self._asked("POST", "/v1/live", content=body, headers=headers)

    async def directives(self, station: int, *, after: int, sign: Callable[[str], dict[str, str]]) -> list[bytes]:
        """Signed directives of a station whose number exceeds `after`, ascending; none of a platform that has none.

        `sign` makes the headers under which the box asks for a path. Raises ServiceError.
        """
        path = f"/v1/stations/{station}/directives?after={after}"
        try:
            response = await self._asked("GET", path, headers=sign(path))
        except ServiceRefused as refused:
            if refused.status == httpx.codes.NOT_FOUND:
                return []
            raise
        try:
            fields = Fields(cbor.decode(response.content), where="directives")
            fields.int("v", low=1, high=1)
            found = [item for item in fields.list("directives") if isinstance(item, bytes)]
        except AllianceError as error:
            raise AnswerMalformed(url=path, problem=str(error)[:_SHOWN]) from error
        return found

    async def answers(self, device: Address, answers: Sequence[Mapping[str, object]]) -> None:
        """Say, signed, what became of directives. Raises ServiceError."""
        body = json.dumps({"device": to_hex(device), "answers": list(answers)}, separators=(",", ":")).encode()
        headers = {"content-type": "application/json"}
        await self._asked("POST", "/v1/directives/answers", content=body, headers=headers)

    async def configuration(
        self, station: int, *, after: int, sign: Callable[[str], dict[str, str]]
    ) -> bytes | None:  # fmt: skip
        """The signed configuration of a station, if its number exceeds `after`; None of a platform that has none.

        `sign` makes the headers under which the box asks for a path. Raises ServiceError.
        """
        path = f"/v1/stations/{station}/configuration?after={after}"
        try:
            response = await self._asked("GET", path, headers=sign(path))
        except ServiceRefused as refused:
            if refused.status == httpx.codes.NOT_FOUND:
                return None
            raise
        try:
            fields = Fields(cbor.decode(response.content), where="configuration")
            fields.int("v", low=1, high=1)
            return fields.bytes("configuration") if fields.optional("configuration") else None
        except AllianceError as error:
            raise AnswerMalformed(url=path, problem=str(error)[:_SHOWN]) from error

    async def configuration_answers(self, device: Address, answers: Sequence[Mapping[str, object]]) -> None:
        """Say, signed, what became of configurations. Raises ServiceError."""
        body = json.dumps({"device": to_hex(device), "answers": list(answers)}, separators=(",", ":")).encode()
        headers = {"content-type": "application/json"}
        await self._asked("POST", "/v1/configurations/answers", content=body, headers=headers)

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    async def _asked(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
    ) -> httpx.Response:
        request = self._http.build_request(method, path, content=content, headers=headers, params=params)
        self.sent_bytes += _bytes_of(request, content)
        try:
            response = await self._http.send(request)
        except httpx.HTTPError as error:
            raise ServiceUnreachable(url=path, reason=f"{type(error).__name__}: {error}"[:_SHOWN]) from error
        if response.status_code >= httpx.codes.MULTIPLE_CHOICES:
            raise ServiceRefused(url=path, status=response.status_code, code_there=_problem_code(response))
        return response


def _bytes_of(request: httpx.Request, content: bytes | None) -> int:
    line = len(request.method) + len(request.url.raw_path) + len("  HTTP/1.1\r\n\r\n")
    return line + sum(len(name) + len(value) + 4 for name, value in request.headers.raw) + len(content or b"")


def _head(value: object) -> tuple[int, Head, bool]:
    fields = Fields(value, where="heads.items")
    head = Head(next_seq=fields.int("nextSeq"), digest=digest(fields.str("digest"), field="digest"))
    return fields.int("channel"), head, fields.bool("anchored")


def _upload_answer(value: object) -> UploadAnswer:
    fields = Fields(value, where="upload")
    return UploadAnswer(acks=tuple(_acks(fields.list("acks"))), refused=tuple(_refusals(fields.list("refused"))))


def _acks(items: Iterable[object]) -> Iterable[Acknowledged]:
    for item in items:
        fields = Fields(item, where="upload.acks")
        yield Acknowledged(
            segment=digest(fields.str("segment"), field="segment"),
            epoch=fields.int("epoch", high=(1 << 48) - 1),
            signature=bytes.fromhex(fields.str("signature").removeprefix("0x")),
        )


def _refusals(items: Iterable[object]) -> Iterable[Refusal]:
    for item in items:
        fields = Fields(item, where="upload.refused")
        if not fields.optional("segment"):
            continue  # bytes that the platform could not read as a segment: it cannot name ours
        yield Refusal(
            segment=digest(fields.str("segment"), field="segment"),
            code=fields.str("code")[:_SHOWN],
            detail=fields.str("detail")[:_SHOWN],
        )


def _problem_code(response: httpx.Response) -> str:
    """The stable code of a problem+json answer, or the beginning of whatever came."""
    try:
        value = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return response.text[:_SHOWN]
    return str(value.get("code", ""))[:_SHOWN] if isinstance(value, dict) else ""
