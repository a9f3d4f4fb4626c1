"""A few cases of every class of the evidence campaign, and its controls: a check that is taken away leaves lies unseen."""

import dataclasses
import json
import os
import shutil
import time
from collections.abc import Iterator

import pytest

from audit import completeness, evidence, manifests, settlement, state
from chain.events import Checkpoint
from chain.rpc import Rpc
from simulation.anvil import AnvilMissing, binary
from tests.campaigns import evidence as campaign
from tests.campaigns import evidence_memory, evidence_node, evidence_world
from tests.campaigns.evidence_cases import Case, Kind
from tests.campaigns.evidence_story import Story, Tale, decoded
from tests.campaigns.evidence_verifiers import BrowserVerifier, PythonVerifier, essence

pytestmark = pytest.mark.xdist_group("evidence campaign")
"""One worker plays them all: the world is made once."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    try:
        binary()
    except AnvilMissing as missing:
        pytest.skip(f"no development chain: {missing}")
    folder = tmp_path_factory.mktemp("evidence")
    evidence_world.build(folder / "1", 1)
    with evidence_memory.remembering():
        yield Story(evidence_world.load(folder / "1"))


@pytest.fixture(autouse=True)
def same_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Cases set time zone and locale: both are put back."""
    for name in ("TZ", "LC_ALL", "LANG"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="module")
def browser(story: Story) -> Iterator[BrowserVerifier]:
    if shutil.which("node") is None:
        pytest.skip("no node")
    verifier = BrowserVerifier(story)
    yield verifier
    verifier.close()


def played(story: Story, kind: Kind, number: int, *, harmless: bool = False) -> campaign.Result:
    return campaign.judged(kind.case(story, 1, number), kind, [PythonVerifier(story)], harmless=harmless)


def a_lie(name: str) -> Kind:
    return campaign.kinds(False)[name]


@pytest.mark.parametrize("kind", campaign.LIES, ids=lambda kind: kind.name)
def test_lie_is_found_and_rightly_named_when_it_is_of_any_class(story: Story, kind: Kind) -> None:
    result = played(story, kind, 0)
    assert result.detected, result.told
    assert result.named, result.told


@pytest.mark.parametrize("kind", campaign.HARMLESS, ids=lambda kind: kind.name)
def test_variation_passes_when_it_is_harmless(story: Story, kind: Kind) -> None:
    result = played(story, kind, 0, harmless=True)
    assert result.detected, result.told


BOTH = [
    ("node.device-event-field", 0), ("node.device-event-field", 1), ("node.device-event-left-out", 1),
    ("node.device-event-of-another", 0), ("node.log-malformed", 4), ("archive.statement", 1), ("row.status", 0),
    ("withheld.mid-stream", 0), ("statement.one-cent", 0),
]  # fmt: skip
"""Lies on which the two verifiers once differed, and some of other kinds; `make campaign-evidence` plays all to both."""


@pytest.mark.parametrize(("name", "number"), BOTH, ids=str)
def test_both_verifiers_name_a_lie_the_same(story: Story, browser: BrowserVerifier, name: str, number: int) -> None:
    kind = a_lie(name)
    verifiers = [PythonVerifier(story), browser]
    result = campaign.judged(kind.case(story, 1, number), kind, verifiers, harmless=False)
    assert result.detected, result.told
    assert result.named, result.told
    assert not result.disagree, result.told


@pytest.mark.parametrize("name", ["honest", "arrival.late", "node.later-events"])
def test_both_verifiers_pass_when_a_variation_is_harmless(story: Story, browser: BrowserVerifier, name: str) -> None:
    kind = campaign.kinds(True)[name]
    result = campaign.judged(kind.case(story, 1, 0), kind, [PythonVerifier(story), browser], harmless=True)
    assert result.detected, result.told


def test_a_third_of_the_lies_is_consistent_when_the_whole_campaign_is_dealt_out() -> None:
    counts = campaign.shares(10_000, campaign.LIES)
    assert sum(counts.values()) == 10_000
    consistent = sum(counts[kind.name] for kind in campaign.LIES if kind.consistent)
    assert consistent > 10_000 / 3
    assert sum(campaign.shares(10_000, campaign.HARMLESS).values()) == 10_000


CONTROLS = [
    ("row.status", evidence.EvidenceCheck, "_check_row"),
    ("row.missing", manifests.LogWalk, "_check_rows"),
    ("key.stranger", evidence.EvidenceCheck, "_standing"),
    ("statement.one-cent", settlement, "_compare"),
    ("node.device-event-field", state, "check"),
    ("withheld.tail", completeness, "check"),
]


@pytest.mark.parametrize(("name", "owner", "check"), CONTROLS, ids=lambda value: str(getattr(value, "__name__", value)))
def test_lie_is_not_rightly_named_when_its_check_is_taken_away(
    story: Story, monkeypatch: pytest.MonkeyPatch, name: str, owner: object, check: str
) -> None:
    """Control: the campaign notices an audit that does not look."""
    assert played(story, a_lie(name), 1).named
    monkeypatch.setattr(owner, check, _blind(name))
    after = played(story, a_lie(name), 1)
    assert not after.named
    assert after.told


def _blind(name: str):
    """What looks at nothing, in the shape that the caller expects."""
    if name == "key.stranger":
        return lambda *_, **__: evidence.Standing.VALID
    return lambda *_, **__: iter(()) if name == "withheld.tail" else None


def test_verdict_is_the_same_when_nothing_is_remembered(story: Story) -> None:
    case = a_lie("statement.one-cent").case(story, 1, 5)
    honest = Case(id="honest", tale=Tale(view=story.view))
    verifier = PythonVerifier(story)
    remembered = [verifier.verdict(one, None) for one in (case, honest)]
    story_again = Story(story.scene)
    plain = [PythonVerifier(story_again).verdict(one, None) for one in (case, honest)]
    assert [essence(v) for v in remembered] == [essence(v) for v in plain]
    assert remembered[1]["verdict"] == "pass"


def test_case_is_the_same_when_it_is_told_again(story: Story) -> None:
    kind = a_lie("withheld.mid-stream")
    one, other = kind.case(story, 1, 7), kind.case(Story(story.scene), 1, 7)
    assert one.tale.blocks == other.tale.blocks
    assert one.view.logs == other.view.logs
    assert one.right == other.right


def test_node_serves_a_case_when_another_process_asks(story: Story) -> None:
    case = a_lie("row.status").case(story, 1, 3)
    server = evidence_node.CaseServer(lambda named: (story, case) if named == case.id else None)
    try:
        with Rpc(f"{server.base(case.id)}/rpc") as rpc:
            assert rpc.chain_id() == story.view.chain_id
            assert rpc.head().hash.hex() == case.view.blocks[-1]["hash"][2:]
            first = rpc.proof(story.deployment["AnchorLog"].address, [0, 1], rpc.block_number())
            last = [decoded(raw, case.view) for raw in case.view.logs if decoded(raw, case.view)]
            root = [event.root for event in last if isinstance(event, Checkpoint)][-1]
            assert first.slots[0].value == int.from_bytes(root, "big")
    finally:
        server.close()


def test_tally_counts_what_is_missed_and_what_is_misnamed() -> None:
    tally = campaign.Tally()
    right = campaign.Result(id="a", name="x", consistent=True, detected=True, named=True)
    for result in (
        right,
        dataclasses.replace(right, named=False),
        dataclasses.replace(right, named=False, detected=False),
        dataclasses.replace(right, disagree=True),
    ):
        tally.add(result)
    assert (tally.detected, tally.misnamed, tally.disagreements, len(tally.wrong)) == (3, 1, 1, 3)
    assert json.dumps(tally.count) == json.dumps({"x": 4})
