"""Protocol 11.5: what a second node shows otherwise is named; two nodes that agree change nothing."""

from collections.abc import Callable

import pytest

from audit.auditor import Asked, audit_days
from audit.blocks import FolderSource
from audit.verdict import Outcome, Report
from chain import rpc
from chain.events import signatures
from chain.rpc import Rpc
from chain.transaction import rlp
from oracle.hashing import keccak256
from simulation.anvil import free_port
from tests.audit.test_state_proofs import Bent
from tests.audit.world import DAY, World

LEASED = "0x" + keccak256(signatures()["Leased"].encode()).hex()


@pytest.fixture
def compared(honest: World) -> Callable[..., Report]:
    def run(method: str, bend: Callable[[dict], object], *, lies_first: bool = False) -> Report:
        bent = Rpc(honest.anvil.url, transport=Bent(honest.anvil.url, method, bend))
        with bent as liar, Rpc(honest.anvil.url) as true:
            first, second = (liar, true) if lies_first else (true, liar)
            asked = Asked(second=second)
            return audit_days(first, lambda: FolderSource(honest.archive.folder), honest.deployment, [DAY], asked=asked)

    return run


def without_a_lease(answer: dict) -> dict:
    logs = answer["result"]
    return {**answer, "result": [log for log in logs if log["topics"][0] != LEASED]}


def other_lease(answer: dict) -> dict:
    for log in answer["result"]:
        if log["topics"][0] == LEASED:
            log["data"] = log["data"][:-2] + "01"
    return answer


def other_hash(answer: dict) -> dict:
    found = answer["result"]
    if found and int(found["number"], 16) > 100:
        found["hash"] = "0x" + "22" * 32
    return answer


def other_time(answer: dict) -> dict:
    found = answer["result"]
    if found and int(found["number"], 16) == 60:
        found["timestamp"] = hex(int(found["timestamp"], 16) + 1)
        found["hash"] = "0x" + keccak256(rlp(list(rpc._header(found).fields))).hex()
    return answer


def test_audit_passes_when_both_nodes_agree(compared) -> None:
    report = compared("eth_getLogs", lambda answer: answer)
    assert report.outcome is Outcome.PASS
    assert report.second


@pytest.mark.parametrize("lies_first", [True, False])
def test_event_that_one_node_leaves_out_is_named_by_its_place(compared, lies_first: bool) -> None:
    report = compared("eth_getLogs", without_a_lease, lies_first=lies_first)
    assert report.outcome is Outcome.FAIL
    ((_, found),) = report.found
    assert found.rule.startswith("protocol 11.5: both nodes show the same event")
    assert "no such event" in (found.expected, found.got)
    assert LEASED in found.expected + found.got


@pytest.mark.parametrize(
    ("method", "bend", "named"),
    [
        ("eth_getLogs", other_lease, "event"),
        ("eth_getBlockByNumber", other_hash, "block"),
        ("eth_getBlockByNumber", other_time, "block 60"),
    ],
)
def test_lie_of_a_second_node_is_named(compared, method: str, bend, named: str) -> None:
    report = compared(method, bend)
    assert report.outcome is Outcome.FAIL
    assert f"both nodes show the same {named}" in report.found[0][1].rule


def test_second_node_that_does_not_answer_was_not_read(honest: World) -> None:
    with Rpc(honest.anvil.url) as first, Rpc(f"http://127.0.0.1:{free_port()}") as second:
        report = audit_days(
            first, lambda: FolderSource(honest.archive.folder), honest.deployment, [DAY], asked=Asked(second=second)
        )
    assert report.outcome is Outcome.UNREAD


def test_second_node_of_another_chain_is_named(compared) -> None:
    report = compared("eth_chainId", lambda answer: {**answer, "result": "0x1"})
    assert report.outcome is Outcome.FAIL
    assert "both nodes show the same deployment" in report.found[0][1].rule
