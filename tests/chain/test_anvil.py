"""The development chain obeys our clock, repeats itself, and says in one line what is wrong."""

import socket
from pathlib import Path

import pytest

from chain.rpc import RpcUnavailable
from simulation.anvil import Anvil, AnvilFailed, AnvilMissing, PortTaken, TimeNotLater

GENESIS_S = 1_767_196_800


def _played(keys, counter_creation: bytes) -> list[bytes]:
    from chain.wallet import Wallet

    hashes = []
    with Anvil(genesis_s=GENESIS_S, funded=[b"\x11" * 20]) as anvil:
        times = iter(range(GENESIS_S + 60, GENESIS_S + 6000, 60))
        for key in keys[:3]:
            wallet = Wallet(anvil.rpc, key, chain_id=31337, between_polls=lambda: anvil.mine_at(next(times)) and None)
            wallet.broadcast(None, counter_creation)
            wallet.send(None, counter_creation)
            hashes.append(anvil.rpc.head().hash)
    return hashes


def test_block_hashes_are_equal_when_two_runs_make_the_same_calls(need_anvil, keys, counter_creation) -> None:
    first, second = _played(keys, counter_creation), _played(keys, counter_creation)
    assert first == second
    assert len(set(first)) == 3


def test_block_has_the_asked_time_when_it_is_mined(need_anvil) -> None:
    with Anvil(genesis_s=GENESIS_S) as anvil:
        assert anvil.rpc.head().timestamp_s == GENESIS_S
        assert anvil.mine_at(GENESIS_S + 77).timestamp_s == GENESIS_S + 77
        with pytest.raises(TimeNotLater):
            anvil.mine_at(GENESIS_S + 77)


def test_chain_goes_on_when_it_was_killed_after_its_state_was_written(need_anvil, keys, tmp_path: Path) -> None:
    state = tmp_path / "chain.json"
    with Anvil(genesis_s=GENESIS_S, state=state) as anvil:
        blocks = [anvil.mine_at(GENESIS_S + 60 * n) for n in range(1, 6)]
    with Anvil(genesis_s=GENESIS_S, state=state) as anvil:
        assert anvil.rpc.head() == blocks[-1]
        assert anvil.rpc.block(2) == blocks[1]
        assert anvil.rpc.balance_wei(keys[0].address) == 10**22
        anvil.kill()
    with Anvil(genesis_s=GENESIS_S, state=state) as anvil:
        assert anvil.rpc.head() == blocks[-1]


def test_one_line_names_the_fact_when_it_cannot_start(need_anvil, tmp_path: Path) -> None:
    with pytest.raises(AnvilMissing, match=r"anvil_missing: path=.*/nowhere"):
        Anvil(genesis_s=GENESIS_S, executable=tmp_path / "nowhere").start()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortTaken, match="port_taken: port="):
            Anvil(genesis_s=GENESIS_S, port=other.getsockname()[1]).start()
    with pytest.raises(AnvilFailed, match=r"anvil_failed: why=.*word"):
        Anvil(genesis_s=GENESIS_S, mnemonic="no such words").start()


def test_nothing_answers_any_more_when_it_was_stopped(need_anvil) -> None:
    anvil = Anvil(genesis_s=GENESIS_S)
    anvil.start()
    rpc = anvil.rpc
    anvil.stop()
    anvil.stop()
    with pytest.raises(AnvilFailed):
        _ = anvil.rpc
    with pytest.raises((RpcUnavailable, RuntimeError)):
        rpc.head()
