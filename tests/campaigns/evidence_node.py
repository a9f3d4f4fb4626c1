"""The node and gateway of the evidence campaign's cases over HTTP, for verifiers in other processes.

`python -m tests.campaigns.evidence_node --world DIR` prints `{"port"}` and serves, for a case `honest` or
`<class>/<world>/<n>` (url-quoted as one path part): `POST /case/<id>/rpc`, `GET /case/<id>/ipfs/<cid>?format=raw`,
`GET /case/<id>/grants/<fingerprint>/<epoch>`, `GET /case/<id>/changed`, `GET /case/<id>/deployment.json`.
"""

import argparse
import json
import sys
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from oracle.cbor import BadCid, Cid, parse_cid
from tests.campaigns import evidence_world
from tests.campaigns.evidence_cases import Case, CaseGrants
from tests.campaigns.evidence_chain import reply
from tests.campaigns.evidence_story import Story

Served = tuple[Story, Case]


class CaseServer:
    """Serves cases on loopback until it is closed; `find` gives a case by its id, None if there is none."""

    def __init__(self, find: Callable[[str], Served | None], *, port: int = 0) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(find))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def base(self, case_id: str) -> str:
        """Where a case is served."""
        return f"http://127.0.0.1:{self.port}/case/{quote(case_id, safe='')}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(find: Callable[[str], Served | None]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            served, rest = self._case()
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if served is None or rest != ["rpc"]:
                self._say(404, b"")
                return
            self._say(200, json.dumps(reply(served[1].view, json.loads(body))).encode(), "application/json")

        def do_GET(self) -> None:
            served, rest = self._case()
            answer = None if served is None else _get(*served, rest)
            if answer is None:
                self._say(404, b"")
            else:
                self._say(200, *answer)

        def do_OPTIONS(self) -> None:
            self._say(204, b"")

        def _case(self) -> tuple[Served | None, list[str]]:
            parts = [unquote(part) for part in urlsplit(self.path).path.split("/")[1:]]
            return (find(parts[1]), parts[2:]) if len(parts) > 2 and parts[0] == "case" else (None, [])

        def _say(self, status: int, body: bytes, kind: str = "application/octet-stream") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Allow-Headers", "*")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    return Handler


def _get(story: Story, case: Case, rest: list[str]) -> tuple[bytes, str] | None:
    match rest:
        case ["ipfs", named]:
            raw = _block(story, case, named)
            return None if raw is None else (raw, "application/vnd.ipld.raw")
        case ["grants", fingerprint, epoch]:
            raw = CaseGrants(story, case).get(fingerprint, int(epoch)) if epoch.isdecimal() else None
            return None if raw is None else (raw, "application/octet-stream")
        case ["changed"]:
            return json.dumps(changed(case)).encode(), "application/json"
        case ["deployment.json"]:
            return (story.scene.folder / "deployment.json").read_bytes(), "application/json"
    return None


def changed(case: Case) -> list[str]:
    """The addresses under which a case's archive differs from its world's."""
    return [str(Cid(digest)) for digest in case.tale.blocks]


def _block(story: Story, case: Case, named: str) -> bytes | None:
    try:
        digest = parse_cid(named).digest
    except BadCid:
        return None
    return case.tale.blocks[digest] if digest in case.tale.blocks else story.blocks.get(digest)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one world's cases until standard input ends."""
    from tests.campaigns.evidence import case_of

    parser = argparse.ArgumentParser(prog="tests.campaigns.evidence_node", description="Serve the campaign's cases.")
    parser.add_argument("--world", type=Path, required=True, help="a world's folder; made if it is not there")
    parser.add_argument("--seed", type=int, default=0, help="of a world that is made")
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args(arguments)
    if not (chosen.world / "chain.json").exists():
        evidence_world.build(chosen.world, chosen.seed)
    story = Story(evidence_world.load(chosen.world))
    known: dict[str, Case] = {}

    def find(case_id: str) -> Served | None:
        if case_id not in known:
            known.clear()
            known[case_id] = case_of(story, case_id)
        return story, known[case_id]

    server = CaseServer(find, port=chosen.port)
    print(json.dumps({"port": server.port, "honest": server.base("honest")}), flush=True)
    sys.stdin.read()
    server.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
