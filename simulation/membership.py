"""A member at the service: signs in with its wallet, says what its station is, and files past net load."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from alliance.calendar import Day
from alliance.errors import Refused
from alliance.identity import Address
from api.session import siwe
from oracle.hashing import keccak256, sha256
from oracle.signature import SecpSigner, expand


@dataclass(kw_only=True, eq=False)
class CallRefused(Refused):
    """The service answered with an error."""

    path: str
    status: int
    said: str


class ServiceSession:
    """A client of the service, signed in with a wallet or carrying the operator's token."""

    def __init__(self, url: str, *, token: str = "") -> None:
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        if token:
            self._http.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def sign_in(self, wallet: SecpSigner) -> None:
        """Open a session (EIP-4361). Raises CallRefused."""
        given = self.get("/v1/session/nonce")
        text = siwe.compose(_message(given, wallet.address), issued_at=given["issuedAt"])
        raw = text.encode()
        named = keccak256(b"\x19Ethereum Signed Message:\n", str(len(raw)).encode(), raw)
        body = {"message": text, "signature": "0x" + expand(wallet.sign(named)).hex()}
        self._http.headers["Authorization"] = "Bearer " + self.post("/v1/session", body)["token"]

    def get(self, path: str, **params: str) -> Any:
        """The JSON of a GET. Raises CallRefused."""
        return _answer(self._http.get(path, params=params))

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """Post once, whatever is repeated: the key is the content's own hash. Raises CallRefused."""
        request = self._http.build_request("POST", path, json=dict(body))
        request.headers["Idempotency-Key"] = sha256(path.encode(), request.content).hex()
        return _answer(self._http.send(request))

    def post_bytes(self, path: str, body: bytes, *, kind: str) -> Any:
        """The JSON of a POST that names itself. Raises CallRefused."""
        return _answer(self._http.post(path, content=body, headers={"Content-Type": kind}))

    def put(self, path: str, body: Mapping[str, object]) -> Any:
        """The JSON of a PUT. Raises CallRefused."""
        return _answer(self._http.put(path, json=dict(body)))

    def file_net_load(self, station: int, day: Day, net_load_wh: tuple[int, ...]) -> None:
        """File a past day of a station."""
        self.post(f"/v1/stations/{station}/history", {"day": str(day), "netLoadWh": list(net_load_wh)})


def _answer(reply: httpx.Response) -> Any:
    if reply.is_success:
        return reply.json()
    raise CallRefused(path=reply.url.path, status=reply.status_code, said=reply.text[:300])


def _message(given: Mapping[str, Any], account: Address) -> siwe.Message:
    return siwe.Message(
        scheme=None, domain=given["domain"], address=account, statement=given["statement"], uri=given["uri"],
        version=int(given["version"]), chain_id=given["chainId"], nonce=given["nonce"], issued_at_ms=0,
    )  # fmt: skip
