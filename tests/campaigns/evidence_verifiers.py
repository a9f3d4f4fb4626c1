"""The verifiers that the evidence campaign plays its cases to: the Python audit here, the browser's in a Node process.

Harmless cases are played from other kinds of archives too, with other paging, by nodes that fail now and then.
"""

import json
import subprocess
import threading
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import httpx

from audit import facts
from audit.auditor import audit_day
from audit.blocks import FolderSource, GatewaySource, Source
from chain.rpc import Rpc, RpcUnavailable
from oracle.cbor import Cid
from tests.audit.world import DAY
from tests.campaigns import evidence_node
from tests.campaigns.evidence_cases import Case, MemoryArchive, Verdict, opener_of
from tests.campaigns.evidence_chain import STATE_BLOCKS, ReplayRpc
from tests.campaigns.evidence_story import Story

ROOT = Path(__file__).resolve().parents[2]
GATEWAY = 0.02
"""So many of the harmless cases are read from a gateway."""


def essence(verdict: Verdict) -> tuple[object, ...]:
    """What two verifiers must agree on: the outcome, and the clause and place of a divergence."""
    found = verdict["divergence"]
    if not isinstance(found, dict):
        return (verdict["verdict"],)
    clause = str(found["rule"]).partition(":")[0].removeprefix("protocol ").split(" ")[0]
    names = ("station", "device", "channel", "seq", "epoch", "slot")
    return verdict["verdict"], clause, *(found.get(name) for name in names)


class Verifier(ABC):
    """Something that audits a case."""

    holds = False
    """Whether it takes what members kept (protocol 11.12); one that does not is not asked about such cases."""

    def __init__(self, story: Story) -> None:
        self.story = story

    @abstractmethod
    def verdict(self, case: Case, vary: Random | None) -> Verdict:
        """The verdict on a case; with chance, played in one of many equivalent ways."""


def made(name: str, story: Story) -> Verifier:
    """A verifier of a world, by name."""
    return {"python": PythonVerifier, "browser": BrowserVerifier}[name](story)


# ---- the Python audit ----


class _Failing(ReplayRpc):
    """A connection that breaks at some calls."""

    def __init__(self, case: Case, broken: frozenset[int]) -> None:
        super().__init__(case.view)
        self._broken, self._asked = broken, 0

    def call(self, method: str, params: Sequence[object] = ()) -> object:
        """As the view, or no answer at all. Raises RpcUnavailable."""
        self._asked += 1
        if self._asked in self._broken:
            raise RpcUnavailable(url=self.url, method=method, why="connection reset")
        return super().call(method, params)


class PythonVerifier(Verifier):
    """`audit.auditor.audit_day`, in this process."""

    holds = True

    def verdict(self, case: Case, vary: Random | None) -> Verdict:
        """The verdict. A failing node's audit accuses nobody, and the next one, with it back, is what counts."""
        if vary is None:
            return self._audit(case, ReplayRpc(case.view), MemoryArchive(self.story.blocks, case.tale.blocks), depth=0)
        depth = vary.choice([0, 0, *range(STATE_BLOCKS)])
        with self._paged(vary), self._source(case, vary) as source:
            if vary.random() < 0.1:
                broken = frozenset(vary.randint(1, 130) for _ in range(vary.randint(1, 4)))
                first = self._audit(case, _Failing(case, broken), source, depth=depth)
                if first["verdict"] == "fail":
                    return first
            return self._audit(case, ReplayRpc(case.view), source, depth=depth)

    def _audit(self, case: Case, rpc: Rpc, source: Source, *, depth: int) -> Verdict:
        opener = opener_of(self.story, case)
        verdict = audit_day(rpc, lambda: source, self.story.deployment, DAY, depth=depth, opener=opener, held=case.held)
        return verdict.to_plain()

    @contextmanager
    def _paged(self, vary: Random) -> Iterator[None]:
        """Logs asked for in other ranges."""
        usual = facts._RANGE_BLOCKS
        facts._RANGE_BLOCKS = vary.choice([1, 7, 50, 128, usual, usual])
        try:
            yield
        finally:
            facts._RANGE_BLOCKS = usual

    @contextmanager
    def _source(self, case: Case, vary: Random) -> Iterator[Source]:
        """The case's archive: in memory, in a folder, or behind a gateway."""
        kind = vary.random()
        if kind < 0.1 and not case.tale.blocks:
            yield FolderSource(self.story.scene.archive)
        elif kind < 0.1 + GATEWAY:

            def answered(request: httpx.Request) -> httpx.Response:
                found = evidence_node._get(self.story, case, request.url.path.split("/")[1:])
                return httpx.Response(404) if found is None else httpx.Response(200, content=found[0])

            with httpx.Client(transport=httpx.MockTransport(answered)) as client:
                yield GatewaySource("http://127.0.0.1:1", client=client)
        else:
            yield MemoryArchive(self.story.blocks, case.tale.blocks)


# ---- the browser's verifier ----

HARNESS = ROOT / "frontend" / "verifier" / "harness.mjs"
_PATIENCE_S = 120


class BrowserVerifier(Verifier):
    """`frontend/verifier` in one Node process, told of each case over HTTP on loopback."""

    def __init__(self, story: Story) -> None:
        super().__init__(story)
        self._case: Case | None = None
        self._server = evidence_node.CaseServer(lambda named: (story, self._case) if self._case else None)
        self._node = subprocess.Popen(
            ["node", str(HARNESS), "--cases", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )

    def verdict(self, case: Case, vary: Random | None) -> Verdict:
        """The verdict that the process answers; with chance, changed blocks and all grants come from a gateway."""
        self._case = case
        base = self._server.base(case.id)
        told: dict[str, object] = {
            "id": case.id, "rpc": f"{base}/rpc", "archive": base, "deployment": str(self.story.scene.folder / "deployment.json"),
            "day": str(DAY), "folder": str(self.story.scene.archive),
        }  # fmt: skip
        if vary is not None and vary.random() < GATEWAY:
            told["changed"] = evidence_node.changed(case)
        else:
            told["blocks"] = {str(Cid(digest)): _base64(raw) for digest, raw in case.tale.blocks.items()}
            told["grants"] = {str(epoch): _base64(raw) for epoch, raw in case.tale.grants.items()}
        if self.story.scene.encrypted:
            told["key"] = str(self.story.scene.folder / "reader.key")
        assert self._node.stdin is not None
        self._node.stdin.write(json.dumps(told) + "\n")
        self._node.stdin.flush()
        answer: Verdict = json.loads(self._line())
        assert answer["id"] == case.id, answer
        return answer

    def close(self) -> None:
        """End the process and the server."""
        with self._node:
            self._node.terminate()
        self._server.close()

    def _line(self) -> str:
        """The next line of the process; it is ended when it takes too long."""
        assert self._node.stdout is not None
        late = threading.Timer(_PATIENCE_S, self._node.kill)
        late.start()
        try:
            line = self._node.stdout.readline()
        finally:
            late.cancel()
        if not line:
            raise RuntimeError(f"the browser's verifier ended with {self._node.wait()}")
        return line


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()
