"""Events are applied once and in order; what a reorganisation replaced leaves nothing behind."""

import pytest

from chain import registry
from chain.events import MembershipApplied
from chain.follower import ChainUnsettled, Follower, ReorganisedTooDeep
from chain.rpc import Rpc

DEEPEST = 32


class Shifting(Rpc):
    """A node that mines a competing history between two of our questions."""

    trick = None

    def logs_of_block(self, addresses, block_hash):
        trick, self.trick = self.trick, None
        if trick is not None:
            trick()
        return super().logs_of_block(addresses, block_hash)


def _follower(world, store, *, depth: int = DEEPEST, rpc: Rpc | None = None, start: int = 1) -> Follower:
    contracts = [contract.address for contract in world.deployment.contracts.values()]
    return Follower(rpc or world.chain.rpc, store, contracts=contracts, start_block=start, finality_blocks=depth)


def _apply(world, count: int, *, first: int = 0) -> None:
    """One application a block, each by an account of its own."""
    from oracle.signature import SecpSigner

    for number in range(first, first + count):
        key = SecpSigner((number + 1).to_bytes(32, "big"))
        world.chain.anvil.set_balance(key.address, 10**20)
        world.chain.wallet(key).broadcast(
            world.deployment["AllianceRegistry"].address,
            registry.apply_for_membership((number + 1).to_bytes(32, "big")),
        )
        world.chain.mine()


def _applications(store) -> list[int]:
    return [int.from_bytes(e.commitment, "big") - 1 for e in store.applied if isinstance(e, MembershipApplied)]


def _fresh(world, memory_store, depth: int) -> list:
    store = memory_store()
    _follower(world, store, depth=depth).follow()
    return store.applied


def test_every_event_is_applied_once_and_in_order_when_blocks_come(world, memory_store) -> None:
    store = memory_store()
    follower = _follower(world, store, depth=2)
    first = follower.follow()
    assert first.applied == len(store.applied) >= 9  # five contracts listed, five roles given
    for number in range(6):
        _apply(world, 1, first=number)
        progress = follower.follow()
        assert (progress.applied, progress.undone_to) == (1, None)
        assert progress.final == progress.head.number - 2
        assert follower.follow().applied == 0
    assert _applications(store) == list(range(6))
    places = [(e.at.block_number, e.at.log_index) for e in store.applied]
    assert places == sorted(set(places))


def test_same_events_are_applied_when_one_follower_walks_and_another_catches_up(world, memory_store) -> None:
    walking, store = memory_store(), memory_store()
    follower = _follower(world, walking, depth=2)
    for number in range(9):
        _apply(world, 1, first=number)
        follower.follow()
    _follower(world, store, depth=2).follow()
    assert store.applied == walking.applied
    assert len(store.refs) == 4
    assert all(e.at.timestamp_s == world.chain.rpc.block(e.at.block_number).timestamp_s for e in store.applied)


@pytest.mark.parametrize("depth", [1, 2, 3, 5, 8, 13, 21, 31, 32])
def test_state_is_that_of_the_new_chain_when_a_reorganisation_is_undone(world, memory_store, depth: int) -> None:
    store = memory_store()
    follower = _follower(world, store)
    world.chain.mine()
    _apply(world, DEEPEST)
    follower.follow()
    final_before = [e for e in store.applied if e.at.block_number <= store.refs[-1].number - DEEPEST]
    world.chain.anvil.reorganise(depth)
    world.chain.now_s = world.chain.rpc.head().timestamp_s
    _apply(world, 2, first=500)
    progress = follower.follow()
    assert progress.undone_to == progress.head.number - 2 - depth
    assert store.undone == [progress.undone_to]
    assert _applications(store) == [*range(DEEPEST - depth), 500, 501]
    assert store.applied == _fresh(world, memory_store, DEEPEST)
    assert store.applied[: len(final_before)] == final_before


@pytest.mark.parametrize("depth", [1, 7, 32])
def test_state_is_that_of_the_new_chain_when_blocks_are_dropped_and_mined_anew(world, memory_store, depth: int) -> None:
    store = memory_store()
    follower = _follower(world, store)
    world.chain.mine()
    _apply(world, DEEPEST)
    follower.follow()
    world.chain.anvil.roll_back(depth)
    before = list(store.applied)
    assert follower.follow().undone_to is None  # a shorter chain alone may be a node that lags
    assert store.applied == before
    _apply(world, 1, first=700)
    follower.follow()
    assert _applications(store) == [*range(DEEPEST - depth), 700]
    assert store.applied == _fresh(world, memory_store, DEEPEST)


def test_follower_halts_and_says_so_each_time_when_a_reorganisation_is_too_deep(world, memory_store) -> None:
    store = memory_store()
    follower = _follower(world, store, depth=3)
    _apply(world, 8)
    follower.follow()
    kept = list(store.applied)
    world.chain.anvil.reorganise(4)
    for _ in range(2):
        with pytest.raises(ReorganisedTooDeep, match="finality_blocks=3"):
            follower.follow()
    assert (store.applied, store.undone) == (kept, [])


def test_deeper_reorganisations_pass_unseen_when_the_guard_is_taken_away(world, memory_store) -> None:
    """The known-bad control: with a large F the same reorganisation is undone silently, final events with it."""
    store = memory_store()
    follower = _follower(world, store, depth=9)
    _apply(world, 8)
    follower.follow()
    world.chain.anvil.reorganise(4)
    follower.follow()
    assert _applications(store) == [0, 1, 2, 3]


def test_no_history_is_mixed_when_the_chain_changes_between_two_questions(world, memory_store) -> None:
    store = memory_store()
    with Shifting(world.chain.anvil.url) as rpc:
        follower = _follower(world, store, depth=8, rpc=rpc)
        _apply(world, 3)
        follower.follow()
        _apply(world, 3, first=3)
        rpc.trick = lambda: world.chain.anvil.reorganise(4)
        with pytest.raises(ChainUnsettled):
            follower.follow()
        follower.follow()
    assert _applications(store) == [0, 1]
    assert store.applied == _fresh(world, memory_store, 8)


def test_follower_begins_anew_when_even_its_first_block_was_replaced(world, memory_store) -> None:
    _apply(world, 4)
    store = memory_store()
    follower = _follower(world, store, depth=8, start=world.chain.rpc.block_number() - 1)
    follower.follow()
    assert _applications(store) == [2, 3]
    world.chain.anvil.reorganise(3)
    assert follower.follow().undone_to == store.refs[0].number - 1
    assert _applications(store) == []
