"""Protocol 11.10: the second verifier (TypeScript, frontend/verifier) says what the first one says, verdict and place."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audit.auditor import audit_day
from audit.blocks import FolderSource
from audit.receipt import verify_receipt
from audit.verdict import Verdict
from oracle import deployment as deployments
from oracle import receipt as receipts
from oracle.grant import FolderGrants, Opener
from tests.audit.conftest import HONEST
from tests.audit.test_altered import altered, flipped
from tests.audit.test_lies import EPOCH, late_box, only
from tests.audit.test_receipt import receipt_of
from tests.audit.world import BOXES, DAY, METER, Lies, World, reader

HARNESS = Path(__file__).resolve().parents[2] / "frontend" / "verifier" / "harness.mjs"
NOON = DAY.first_slot + 48


class Second:
    """The second verifier in Node, a line of JSON a case."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen([node, HARNESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, world: World, **case: object) -> dict:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        pinned = deployments.to_plain(world.deployment)
        asked = {"id": "one", "rpc": world.rpc.url, "deployment": pinned, "day": str(DAY), **case}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert answer.pop("id") == "one"
        answer.pop("ms")
        return answer

    def stop(self) -> None:
        with self._process:
            self._process.terminate()


@pytest.fixture(scope="module")
def second() -> Iterator[Second]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node")
    made = Second(node)
    yield made
    made.stop()


@pytest.fixture
def agreed(world: World, second: Second) -> Callable[..., Verdict]:
    """Both verdicts on what an operator does: the same, but for the words of the two sides."""

    def run(lies: Lies = HONEST) -> Verdict:
        world.play(lies)
        return both(world, second)

    return run


def both(world: World, second: Second, *, key: str | None = None) -> Verdict:
    folder = world.archive.folder
    opener = None if key is None else Opener(reader(key), FolderGrants(folder))
    first = audit_day(world.rpc, lambda: FolderSource(folder), world.deployment, DAY, opener=opener)
    secret = {} if key is None else {"key": reader(key)._key.private_bytes_raw().hex()}
    got, want = second.ask(world, archive=str(folder), **secret), first.to_plain()
    assert without_words(got) == without_words(want), (got, want)
    return first


def without_words(verdict: dict) -> dict:
    found = verdict["divergence"]
    spoken = None if found is None else {k: v for k, v in found.items() if k not in ("expected", "got")}
    return verdict | {"divergence": spoken}


def test_both_pass_when_everybody_keeps_to_the_rules(agreed) -> None:
    assert agreed().outcome == "pass"


def test_both_pass_when_late_evidence_is_corrected(agreed, world: World) -> None:
    assert agreed(Lies(segments=late_box(world), correction=True)).outcome == "pass"


@pytest.mark.parametrize("part", ["manifest", "readings", "signature"])
def test_both_name_the_same_place_when_a_byte_is_flipped(honest: World, second: Second, part: str) -> None:
    sealed = next(s for e, s, _ in honest.memory.logged if (e, s.signed.segment.device) == (NOON, BOXES[1].address))
    pattern = {"manifest": b"asOf", "readings": sealed.readings, "signature": sealed.signed.signature}[part]
    path = next(p for p in sorted(honest.archive.folder.glob("*/*.block")) if pattern in p.read_bytes())
    with altered(path, flipped(path.read_bytes().index(pattern) + 40)):
        assert both(honest, second).outcome == "fail"
    with altered(path, lambda raw: None):
        assert "withheld" in both(honest, second).divergence.rule
    assert both(honest, second).outcome == "pass"


def test_both_name_the_same_breach_when_a_segment_is_left_out(agreed) -> None:
    def skipped(found):
        stream = (BOXES[0].address, METER)
        return found | {stream: []}

    verdict = agreed(Lies(evidence=only(EPOCH, skipped), entries=only(EPOCH, lambda entries: entries[:-1])))
    assert verdict.outcome == "fail"


def test_both_name_the_same_line_when_a_cent_is_moved(agreed) -> None:
    def one_cent(statement):
        line = statement.lines[100]
        lines = (*statement.lines[:100], replace(line, amount_cents=line.amount_cents + 1), *statement.lines[101:])
        return replace(statement, lines=lines)

    assert "8.6" in agreed(Lies(archived=one_cent)).divergence.rule


@pytest.mark.parametrize("key", ["regulator", "member 1", "meterless", None])
def test_both_read_the_same_part_of_an_encrypted_archive(sealed: World, second: Second, key: str | None) -> None:
    sealed.play(HONEST)
    verdict = both(sealed, second, key=key)
    assert verdict.outcome == ("pass" if key == "regulator" else "unread")


def test_both_prove_the_same_reading_when_a_receipt_is_given(honest: World, second: Second) -> None:
    good = receipts.to_plain(receipt_of(honest))
    bent = good | {"reading": good["reading"][:-1] + ("0" if good["reading"][-1] != "0" else "1")}
    foreign = good | {"chainId": 1}
    for plain in (good, bent, foreign, good | {"more": 1}):
        want = verify_receipt(plain, honest.rpc, honest.deployment).to_plain()
        got = second.ask(honest, receipt=plain)
        assert without_words(got) == without_words(want)
    assert second.ask(honest, receipt=good)["reading"]["station"] == 2
