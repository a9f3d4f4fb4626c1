"""Every intended call takes effect exactly once: kills, standbys, reorganisations, spikes, thieves, evictions."""

import os
import random
import signal
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from alliance.identity import Address
from chain.fees import GWEI, FeePolicy
from chain.intents import IntentConflicts, IntentState, IntentStore, StoreOfAnother, StoreUnsafe
from chain.rpc import Rpc, RpcRefused, RpcUnavailable
from chain.sender import Sender
from simulation.anvil import Anvil

F = 2


def topic(number: int) -> bytes:
    return number.to_bytes(32, "big")


class Desk:
    """A sender with its file; `again` reopens both, as a restart does."""

    def __init__(
        self, chain, key, counter: Address, path: Path, *, rpc: Rpc | None = None, trusting: bool = False, **options
    ):
        self.chain, self.key, self.counter, self.path, self.options = chain, key, counter, path, options
        self.rpc, self.trusting = rpc or chain.rpc, trusting
        self.open()

    def open(self, store: IntentStore | None = None) -> None:
        self.store = store or IntentStore(self.path)
        done: Callable = (lambda intent: False) if self.trusting else self.already_done
        self.sender = Sender(
            self.store,
            self.rpc,
            self.key,
            already_done=done,
            finality_blocks=F,
            **{"bump_after_ms": 180_000, **self.options},
        )

    def again(self) -> None:
        self.store.close()
        self.open()

    def already_done(self, intent) -> bool:
        return self.chain.count(self.counter, intent.data) > 0

    def submit(self, number: int) -> None:
        self.sender.submit(f"call:{number}", to=self.counter, data=topic(number), now_ms=self.chain.now_ms)

    def poll(self) -> list[str]:
        return [str(intent.state) for intent in self.sender.poll(self.chain.now_ms)]

    def state(self, number: int) -> IntentState:
        return self.store.get(f"call:{number}").state

    def run(self, blocks: int = 8) -> None:
        """Poll and mine until nothing is pending."""
        for _ in range(blocks):
            self.poll()
            if not self.sender.pending():
                return
            self.chain.mine()
        self.poll()


@pytest.fixture
def desk(chain, keys, tmp_path: Path) -> Desk:
    counter = chain.counter(keys[0])
    return Desk(chain, keys[1], counter, tmp_path / "intents.sqlite")


def test_call_goes_from_queued_to_final_when_blocks_follow(desk: Desk) -> None:
    desk.submit(1)
    assert desk.poll() == ["sent"]
    assert desk.poll() == []
    desk.chain.mine()
    assert desk.poll() == ["mined"]
    desk.chain.mine()
    assert desk.poll() == []
    desk.chain.mine()
    assert desk.poll() == ["final"]
    intent = desk.store.get("call:1")
    receipt = desk.chain.rpc.receipt(intent.tx_hash)
    assert (intent.gas_used, intent.block_number) == (receipt.gas_used, receipt.block_number)
    assert desk.store.gas_used() == receipt.gas_used
    assert desk.chain.count(desk.counter, topic(1)) == 1


def test_nothing_is_sent_again_when_the_same_call_is_submitted_again(desk: Desk) -> None:
    for _ in range(3):
        desk.submit(1)
        desk.run()
    assert desk.chain.count(desk.counter, topic(1)) == 1
    with pytest.raises(IntentConflicts, match="call:1"):
        desk.sender.submit("call:1", to=desk.counter, data=topic(2), now_ms=0)


def test_calls_take_effect_in_the_order_of_submission_when_many_wait(desk: Desk) -> None:
    for number in range(5):
        desk.submit(number)
    desk.run(12)
    logs = desk.chain.rpc.logs([desk.counter], first=0, last=desk.chain.rpc.block_number())
    assert [log.topics[0] for log in logs] == [topic(n) for n in range(5)]
    assert not desk.sender.pending()


def test_settings_are_those_asked_for_when_the_file_is_opened(tmp_path: Path, monkeypatch) -> None:
    store = IntentStore(tmp_path / "a.sqlite")
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
    store.close()
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: real(":memory:", **options))
    with pytest.raises(StoreUnsafe, match="journal_mode"):
        IntentStore(tmp_path / "b.sqlite")


def test_file_is_refused_when_it_belongs_to_another_account_or_chain(desk: Desk, keys) -> None:
    desk.poll()
    other = Desk(desk.chain, keys[2], desk.counter, desk.path)
    with pytest.raises(StoreOfAnother, match="account"):
        other.poll()
    with Anvil(genesis_s=desk.chain.now_s + 5) as strange, pytest.raises(StoreOfAnother, match="genesis"):
        Desk(desk.chain, keys[1], desk.counter, desk.path, rpc=strange.rpc).poll()


def test_reason_is_named_when_the_call_would_revert(world, tmp_path: Path) -> None:
    from chain import anchors
    from chain.anchors import Advance

    log = world.deployment["AnchorLog"].address
    start = world.deployment.start_epoch
    step = Advance(epoch=start + 5, old_size=0, new_size=1, root=topic(1), proof=(), manifest=topic(2))
    store = IntentStore(tmp_path / "intents.sqlite")
    sender = Sender(store, world.chain.rpc, world.writer, already_done=lambda _: False, finality_blocks=F)
    sender.submit("advance:5", to=log, data=anchors.advance(step), now_ms=0)
    assert [i.note for i in sender.poll(0)] == [f"LogEpochWrong({start + 1}, {start + 5})"]
    assert sender.poll(1) == []
    assert sender.withdraw("advance:5")
    assert sender.pending() == []


# Reverts in odd blocks, so that a call may pass the estimate on one block and fail in the next.
FICKLE_CREATION = bytes.fromhex("6b43600116600857005b5f5ffd5f52600c6014f3")


def test_call_is_given_up_when_it_failed_on_chain_as_often_as_is_allowed(chain, keys, tmp_path: Path) -> None:
    fickle = chain.wallet(keys[0]).send(None, FICKLE_CREATION).contract
    desk = Desk(chain, keys[1], fickle, tmp_path / "i.sqlite", trusting=True, failures_allowed=2)
    desk.submit(1)
    for _ in range(30):
        if chain.rpc.block_number() % 2 == 0 or desk.store.get("call:1").nonce is not None:
            desk.poll()
        chain.mine()
    intent = desk.store.get("call:1")
    assert (intent.state, intent.failures, intent.succeeded) == (IntentState.REFUSED, 2, False)
    assert chain.rpc.nonce(keys[1].address) == 2
    desk.counter = chain.counter(keys[0])
    desk.submit(2)
    desk.run()
    assert desk.state(2) is IntentState.FINAL


def test_effect_counts_once_when_a_relay_was_faster_in_the_same_block(world, tmp_path: Path) -> None:
    from chain import anchors
    from chain.anchors import Advance, AnchorLog

    chain, log = world.chain, AnchorLog(world.chain.rpc, world.deployment["AnchorLog"].address)
    epoch = world.deployment.start_epoch + 1
    step = Advance(epoch=epoch, old_size=0, new_size=1, root=topic(1), proof=(), manifest=topic(2))
    chain.mine_until((epoch + 1) * 900)
    store = IntentStore(tmp_path / "intents.sqlite")
    sender = Sender(
        store, chain.rpc, world.writer, already_done=lambda _: log.state().epoch >= epoch, finality_blocks=F
    )
    sender.submit("advance", to=log.address, data=anchors.advance(step), now_ms=0)
    sender.poll(0)
    chain.anvil.drop_transactions()
    signature = world.writer.sign(anchors.advance_digest(world.deployment.domain, step))
    chain.wallet(world.members[0]).broadcast(log.address, anchors.advance_signed(step, signature))
    sender.poll(0)
    chain.mine()
    states = []
    for _ in range(6):
        states += [intent.state for intent in sender.poll(0)]
        chain.mine()
    assert states == [IntentState.MINED, IntentState.ELSEWHERE, IntentState.FINAL]
    assert store.get("advance").tx_hash is None
    assert len(chain.rpc.logs([log.address], first=1, last=chain.rpc.block_number())) == 1


def test_call_is_sent_again_when_its_block_is_replaced(desk: Desk) -> None:
    desk.submit(1)
    desk.submit(2)
    desk.poll()
    desk.chain.mine()
    desk.poll()
    desk.chain.mine()
    assert desk.state(1) is IntentState.MINED
    desk.chain.anvil.reorganise(2)
    assert desk.chain.count(desk.counter, topic(1)) == 0
    desk.run(10)
    assert [desk.chain.count(desk.counter, topic(n)) for n in (1, 2)] == [1, 1]
    assert [desk.state(n) for n in (1, 2)] == [IntentState.FINAL] * 2


def test_call_is_not_final_when_its_block_is_replaced_each_time_before_depth(desk: Desk) -> None:
    desk.submit(1)
    for _ in range(4):
        desk.poll()
        desk.chain.mine()
        assert "final" not in desk.poll()
        desk.chain.anvil.reorganise(1)
    desk.run()
    assert desk.chain.count(desk.counter, topic(1)) == 1


def test_transaction_is_given_again_when_the_node_dropped_it(desk: Desk) -> None:
    desk.submit(1)
    desk.poll()
    desk.chain.anvil.drop_transactions()
    desk.chain.mine()
    assert desk.chain.count(desk.counter, topic(1)) == 0
    desk.run()
    assert desk.chain.count(desk.counter, topic(1)) == 1


def test_bid_rises_at_once_when_the_base_fee_spikes(desk: Desk) -> None:
    desk.submit(1)
    desk.poll()
    low = desk.store.attempts(desk.store.get("call:1"))[0]
    desk.chain.rpc.call("anvil_setNextBlockBaseFeePerGas", [hex(500 * GWEI)])
    desk.chain.mine()
    desk.run()
    high = desk.store.attempts(desk.store.get("call:1"))[0]
    assert high.nonce == low.nonce
    assert high.fees.max_fee_wei > 500 * GWEI
    assert desk.chain.count(desk.counter, topic(1)) == 1


def test_bid_rises_by_fifteen_percent_when_the_transaction_is_stuck(desk: Desk) -> None:
    desk.submit(1)
    desk.poll()
    desk.chain.now_s += 179
    assert desk.poll() == []
    desk.chain.now_s += 1
    desk.poll()
    new, old = desk.store.attempts(desk.store.get("call:1"))
    assert (new.nonce, new.fees.max_fee_wei * 100 >= old.fees.max_fee_wei * 115) == (old.nonce, True)
    desk.run()
    assert desk.chain.count(desk.counter, topic(1)) == 1


def test_nothing_is_sent_when_the_price_is_above_the_limit(chain, keys, tmp_path: Path) -> None:
    desk = Desk(chain, keys[1], chain.counter(keys[0]), tmp_path / "i.sqlite", fees=FeePolicy(limit_wei=GWEI))
    desk.submit(1)
    desk.poll()
    assert desk.state(1) is IntentState.QUEUED
    assert desk.store.get("call:1").note.startswith("fee limit")
    assert chain.rpc.nonce(keys[1].address, "pending") == 0


def test_new_nonce_is_taken_when_another_transaction_stole_the_old_one_for_good(desk: Desk) -> None:
    desk.submit(1)
    desk.poll()
    desk.chain.anvil.drop_transactions()
    desk.chain.wallet(desk.key).send(desk.counter, topic(99))
    assert desk.poll() == ["sent"]
    assert "not final yet" in desk.store.get("call:1").note
    desk.run(10)
    intent = desk.store.get("call:1")
    assert (intent.state, intent.nonce) == (IntentState.FINAL, 1)
    assert desk.chain.count(desk.counter, topic(1)) == 1


def test_nothing_is_sent_when_the_effect_came_by_another_transaction(desk: Desk, keys) -> None:
    desk.submit(1)
    desk.submit(2)
    desk.chain.wallet(keys[3]).send(desk.counter, topic(1))
    desk.run(10)
    intent = desk.store.get("call:1")
    assert (intent.state, intent.tx_hash) == (IntentState.FINAL, None)
    assert [desk.chain.count(desk.counter, topic(n)) for n in (1, 2)] == [1, 1]


def test_call_is_sent_after_all_when_the_others_transaction_is_undone(desk: Desk, keys) -> None:
    desk.chain.wallet(keys[3]).send(desk.counter, topic(1))
    desk.submit(1)
    assert desk.poll() == ["elsewhere"]
    desk.chain.anvil.reorganise(1)
    desk.run()
    assert desk.store.get("call:1").tx_hash is not None
    assert desk.chain.count(desk.counter, topic(1)) == 1


def test_own_nonce_is_used_again_when_the_effect_came_elsewhere_before_it_was_mined(desk: Desk, keys) -> None:
    desk.submit(1)
    desk.poll()
    desk.chain.anvil.drop_transactions()
    desk.chain.wallet(keys[3]).send(desk.counter, topic(1))
    desk.submit(2)
    desk.run(14)
    assert desk.state(2) is IntentState.FINAL
    assert desk.chain.count(desk.counter, topic(2)) == 1


def test_nothing_is_lost_when_the_node_is_away(desk: Desk) -> None:
    desk.submit(1)
    down = httpx.MockTransport(lambda _: httpx.Response(503))
    dark = Desk(desk.chain, desk.key, desk.counter, desk.path, rpc=Rpc("http://127.0.0.1:1", transport=down))
    with pytest.raises(RpcUnavailable):
        dark.poll()
    desk.run()
    assert desk.chain.count(desk.counter, topic(1)) == 1


def test_one_effect_comes_of_it_when_two_senders_share_one_file(desk: Desk) -> None:
    twin = Desk(desk.chain, desk.key, desk.counter, desk.path)
    for number in range(4):
        desk.submit(number)
        twin.submit(number)
        for _ in range(5):
            desk.poll()
            twin.poll()
            desk.chain.mine()
    assert [desk.chain.count(desk.counter, topic(n)) for n in range(4)] == [1] * 4


class Doomed:
    """Counts the steps of a sender and kills its process, hard, at one of them."""

    def __init__(self, die_at: int) -> None:
        self.left = die_at

    def step(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


class DoomedStore(IntentStore):
    doom: Doomed

    def store_signed(self, *args, **options):
        return self._around(super().store_signed, *args, **options)

    def _changed(self, *args, **options):
        return self._around(super()._changed, *args, **options)

    def add(self, *args, **options):
        return self._around(super().add, *args, **options)

    def _around(self, call, *args, **options):
        self.doom.step()
        answer = call(*args, **options)
        self.doom.step()
        return answer


class DoomedRpc(Rpc):
    doom: Doomed

    def call(self, method, params=()):
        self.doom.step()
        answer = super().call(method, params)
        self.doom.step()
        return answer


def _life(chain, key, counter: Address, path: Path, number: int, die_at: int) -> bool:
    """A sender's whole life in a process of its own, killed at a step; whether it lived to the end."""
    child = os.fork()
    if child == 0:
        try:
            doom = Doomed(die_at)
            rpc = DoomedRpc(chain.anvil.url)
            rpc.doom = doom
            chain.anvil._rpc = Rpc(chain.anvil.url)
            desk = Desk(chain, key, counter, path, rpc=rpc)
            store = DoomedStore(path)
            store.doom = doom
            desk.open(store)
            desk.submit(number)
            desk.run()
            os._exit(0)
        finally:
            os._exit(9)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), status
    return status == 0


def test_nothing_is_lost_or_doubled_when_the_sender_is_killed_at_every_step(chain, keys, tmp_path: Path) -> None:
    counter, path = chain.counter(keys[0]), tmp_path / "intents.sqlite"
    standby = Desk(chain, keys[1], counter, tmp_path / "standby.sqlite")
    number = 0
    while not _life(chain, keys[1], counter, path, number, die_at=number):
        chain.now_s = chain.rpc.head().timestamp_s
        if number % 3 == 0:
            chain.mine()
        standby.submit(number)
        survivor = Desk(chain, keys[1], counter, path)
        survivor.submit(number)
        if number % 2:
            standby.poll()
        survivor.run(10)
        standby.run(10)
        survivor.store.close()
        number += 1
    counts = [chain.count(counter, topic(n)) for n in range(number + 1)]
    lost, doubled = sum(c == 0 for c in counts), sum(c > 1 for c in counts)
    print(f"killed at {number} steps: lost {lost}, doubled {doubled}")
    assert number >= 40
    assert (lost, doubled) == (0, 0)


def test_effects_are_doubled_when_the_guards_are_taken_away(chain, keys, tmp_path: Path) -> None:
    """The known-bad control: a sender that forgets what it signed, and does not look, sends twice."""
    counter = chain.counter(keys[0])
    for life in range(2):
        forgetful = Desk(chain, keys[1], counter, tmp_path / f"{life}.sqlite", trusting=True)
        forgetful.submit(1)
        forgetful.poll()
        chain.mine()
    assert chain.count(counter, topic(1)) == 2


@pytest.mark.parametrize("seed", range(6))
def test_every_call_takes_effect_once_when_faults_come_at_random(chain, keys, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    counter = chain.counter(keys[0])
    desk = Desk(chain, keys[1], counter, tmp_path / "a.sqlite")
    standby = Desk(chain, keys[1], counter, tmp_path / "b.sqlite")
    calls, noise = 6, 1000
    for number in range(calls):
        desk.submit(number)
        standby.submit(number)
    chain.mine(F + 1)
    for _ in range(40):
        match rng.randrange(9):
            case 0:
                chain.anvil.drop_transactions()
            case 1:
                chain.anvil.reorganise(rng.randint(1, F))
            case 2:
                chain.rpc.call("anvil_setNextBlockBaseFeePerGas", [hex(rng.randint(1, 900) * GWEI)])
            case 3:
                noise += 1
                with suppress(RpcRefused):  # the thief's bid may be too low just then
                    chain.wallet(keys[1]).broadcast(counter, topic(noise))
            case 4:
                desk.again()
            case 5:
                standby.poll()
            case _:
                pass
        desk.poll()
        if rng.random() < 0.8:
            chain.now_s = max(chain.now_s, chain.rpc.head().timestamp_s)
            chain.mine()
    chain.now_s = max(chain.now_s, chain.rpc.head().timestamp_s)
    for _ in range(3):
        desk.run(20)
        standby.run(20)
    counts = [chain.count(counter, topic(n)) for n in range(calls)]
    assert counts == [1] * calls
    assert not desk.sender.pending()
    assert not standby.sender.pending()
