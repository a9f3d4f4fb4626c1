"""A small platform for the tests of the box: real HTTP, real checks of evidence, and faults on demand."""

import json
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from alliance.identity import Address, Digest, to_hex
from alliance.reading import Reading
from alliance.segment import START, Head, StreamBroken, check_continues, conflict
from oracle import cbor, eip712, signature
from oracle.eip712 import Domain
from oracle.hashing import sha256
from oracle.segment import SealedSegment, check_contents, sealed_from_plain
from oracle.signature import SecpSigner

DOMAIN = Domain(31337, Address(b"\x11" * 20))
WRITER = SecpSigner(b"\x07" * 32)
DISPATCHER = SecpSigner(b"\x09" * 32)
CONFIGURER = SecpSigner(b"\x0a" * 32)
STRANGER = SecpSigner(b"\x08" * 32)


@dataclass
class Faults:
    """What the platform does wrong at the moment."""

    refuse: dict[int, str] = field(default_factory=dict)
    """Channel to the code with which its segments are refused."""
    swallow_answers: int = 0
    """So many uploads are taken, stored, and left without an answer."""
    acknowledge_with: SecpSigner = WRITER
    answer_uploads_with: bytes | None = None
    status: int = 0
    """Answer everything with this status."""
    directives_after_s: float = 0
    """So long a question after directives waits for its answer."""
    refuse_directives: int = 0
    """Answer questions after directives with this status."""


class _Server(ThreadingHTTPServer):
    """A server whose end is felt at once: standing connections are cut too."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A box that went away in the middle is nothing to tell."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def end(self) -> None:
        self.shutdown()
        self.server_close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class Peer:
    """The platform: stores what continues a stream, acknowledges, and remembers every byte it was sent."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.heads: dict[tuple[Address, int], Head] = {}
        self.sealed: list[SealedSegment] = []
        self.raw: dict[Digest, bytes] = {}
        self.altered: list[Digest] = []
        """Digests that came again with other bytes."""
        self.conflicts: list[Digest] = []
        self.lapsed: set[Address] = set()
        """Keys that may sign no more; their segments are taken when a later one of the upload reaches them."""
        self.keys: dict[tuple[Address, int], list[bytes]] = {}
        """Public keys of P-256 and Ed25519, as the registry would tell."""
        self.repeats = 0
        self.requests: Counter[str] = Counter()
        self.live: list[dict[str, Any]] = []
        self.beacon: dict[str, object] | None = {"block": 7, "hash": "0x" + "ab" * 32, "timestamp": 1}
        self.schedules: dict[str, object] = {}
        self.directives: dict[int, bytes] = {}
        """Signed directives by their number."""
        self.answers: list[dict[str, Any]] = []
        self.configurations: dict[int, bytes] = {}
        """Signed configurations by their number."""
        self.configuration_answers: list[dict[str, Any]] = []
        self._server: _Server | None = None
        self.port = 0
        self.one_at_a_time = threading.Lock()
        """Held by an upload: a repeated one may come on another connection at once."""

    def start(self, *, tls: ssl.SSLContext | None = None) -> "Peer":
        peer = self

        class Handler(_Handler):
            platform = peer

        self._server = _Server(self.port, Handler)
        self.port = self._server.server_address[1]
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.end()
            self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def readings(self, channel: int) -> list[Reading]:
        return [r for s in self.sealed if s.signed.segment.channel == channel for r in s.decoded()]

    def upload(self, body: bytes) -> dict[str, object]:
        message = cbor.decode(body)
        assert isinstance(message, dict)
        assert message["v"] == 1
        acks, refused = [], []
        read = [sealed_from_plain(plain, DOMAIN, lambda *of: self.keys.get(of, ())) for plain in message["segments"]]
        reached: set[Digest] = set()
        for one in reversed(read):
            if one.signed.digest in reached or one.signed.signer not in self.lapsed:
                reached.add(one.signed.segment.prev)
        for plain, sealed in zip(message["segments"], read, strict=True):
            digest, channel = sealed.signed.digest, sealed.signed.segment.channel
            if channel in self.faults.refuse:
                refused.append({"segment": to_hex(digest), "code": self.faults.refuse[channel], "detail": "by test"})
                continue
            if sealed.signed.signer in self.lapsed and digest not in {*reached, *self.raw}:
                refused.append({"segment": to_hex(digest), "code": "signer_lapsed", "detail": "revoked"})
                continue
            try:
                self._take(sealed, cbor.encode(plain))
            except StreamBroken as broken:
                refused.append({"segment": to_hex(digest), "code": broken.code, "detail": str(broken)})
                continue
            named = eip712.ack_digest(DOMAIN, segment=digest, epoch=99)
            by = self.faults.acknowledge_with
            acks.append({"segment": to_hex(digest), "epoch": 99, "signature": to_hex(by.sign(named))})
        return {"acks": acks, "refused": refused}

    def _take(self, sealed: SealedSegment, raw: bytes) -> None:
        signed = sealed.signed
        if signed.digest in self.raw:
            self.repeats += 1
            if self.raw[signed.digest] != raw:
                self.altered.append(signed.digest)
            return
        self.conflicts += [signed.digest for other in self.sealed if conflict(other.signed, signed)]
        place = (signed.segment.device, signed.segment.channel)
        check_continues(self.heads.get(place, START), signed.segment)
        check_contents(sealed)
        self.raw[signed.digest] = raw
        self.sealed.append(sealed)
        self.heads[place] = Head(next_seq=signed.segment.next_seq, digest=signed.digest)

    def take_live(self, body: bytes, header: str) -> None:
        value = json.loads(body)
        alg, _, raw = header.partition(":")
        device = Address(bytes.fromhex(value["device"][2:]))
        named = eip712.live_digest(DOMAIN, device=device, t_ms=value["t"], body=body)
        assert signature.recover(named, alg=int(alg), signature=bytes.fromhex(raw)) == device
        self.live.append(value)

    def take_configuration_answers(self, body: bytes) -> None:
        value = json.loads(body)
        for one in value["answers"]:
            named = eip712.configuration_answer_digest(
                DOMAIN, configuration=Digest(bytes.fromhex(one["configuration"][2:])), outcome=one["outcome"],
                t_ms=one["t"], reason=sha256(one["reason"].encode()),
            )  # fmt: skip
            signer = signature.recover(named, alg=one["alg"], signature=bytes.fromhex(one["signature"][2:]))
            assert to_hex(signer) == value["device"]
            self.configuration_answers.append(one)

    def take_answers(self, body: bytes) -> None:
        value = json.loads(body)
        for one in value["answers"]:
            named = eip712.answer_digest(
                DOMAIN, directive=Digest(bytes.fromhex(one["directive"][2:])), outcome=one["outcome"], t_ms=one["t"],
                reason=sha256(one["reason"].encode()),
            )  # fmt: skip
            signer = signature.recover(named, alg=one["alg"], signature=bytes.fromhex(one["signature"][2:]))
            assert to_hex(signer) == value["device"]
            self.answers.append(one)


class _Handler(BaseHTTPRequestHandler):
    platform: Peer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.platform.requests[path] += 1
        if path == "/v1/beacon":
            self._answer(self.platform.beacon)
        elif path.endswith("/directives"):
            time.sleep(self.platform.faults.directives_after_s)
            if self.platform.faults.refuse_directives:
                self._send(self.platform.faults.refuse_directives, b"{}")
                return
            after = int(query.removeprefix("after="))
            found = [raw for number, raw in sorted(self.platform.directives.items()) if number > after]
            self._send(self.platform.faults.status or 200, cbor.encode({"v": 1, "directives": found}))
        elif path.endswith("/configuration"):
            after = int(query.removeprefix("after="))
            newest = max(self.platform.configurations, default=0)
            raw = self.platform.configurations[newest] if newest > after else None
            self._send(self.platform.faults.status or 200, cbor.encode({"v": 1, "configuration": raw}))
        else:
            self._answer(self.platform.schedules.get(query.removeprefix("day=")))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if len(body) < int(self.headers["content-length"]):
            self.close_connection = True  # the sender died in the middle
            return
        self.platform.requests[self.path] += 1
        faults = self.platform.faults
        if self.path == "/v1/live":
            self.platform.take_live(body, self.headers["alliance-signature"])
            self._answer({})
            return
        if self.path == "/v1/directives/answers":
            if not faults.status:
                self.platform.take_answers(body)
            self._answer({})
            return
        if self.path == "/v1/configurations/answers":
            if not faults.status:
                self.platform.take_configuration_answers(body)
            self._answer({})
            return
        assert self.headers["content-type"] == "application/vnd.ipld.dag-cbor"
        if faults.status:
            self._answer({})
            return
        with self.platform.one_at_a_time:
            answer = self.platform.upload(body)
        if faults.swallow_answers:
            faults.swallow_answers -= 1
            self.close_connection = True
        elif faults.answer_uploads_with is not None:
            self._send(200, faults.answer_uploads_with)
        else:
            self._answer(answer)

    def _answer(self, value: object | None) -> None:
        status = self.platform.faults.status or (404 if value is None else 200)
        self._send(status, json.dumps(value if status == 200 else {"code": "by_test"}).encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""
