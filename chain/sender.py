"""One sender for one key (protocol 5.5): every intended call takes effect exactly once, whatever dies in between.

queued → signed → sent → mined → final. A transaction is stored before it is broadcast; a replacement keeps its nonce; a
new nonce is taken only when the old one is used up for good. Nothing happens but in `poll`, which the caller drives.
"""

from collections.abc import Callable
from dataclasses import dataclass

from alliance.identity import Address
from alliance.ports import Signer
from chain import reverts, transaction
from chain.fees import FeePolicy, gas_limit
from chain.intents import Attempt, Intent, IntentStale, IntentState, IntentStore
from chain.rpc import Block, Receipt, Rpc, RpcMalformed, RpcRefused
from chain.transaction import Transaction

_PRICED_OUT = ("underpriced", "fee too low", "feetoolow", "below current base fee", "less than block base fee")


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """What one poll sees: the newest block, the newest final one's number, and the caller's time."""

    head: Block
    final: int
    now_ms: int


class Sender:
    """Sends what is submitted, in order: the next is signed only when the one before is mined.

    `already_done(intent)` asks the chain whether a call took effect, whoever sent it. A mined call is final
    `finality_blocks` deep; a transaction not mined within `bump_after_ms` is replaced by one that bids more.
    """

    def __init__(
        self,
        store: IntentStore,
        rpc: Rpc,
        signer: Signer,
        *,
        already_done: Callable[[Intent], bool],
        finality_blocks: int,
        fees: FeePolicy | None = None,
        bump_after_ms: int = 180_000,
        failures_allowed: int = 3,
    ) -> None:
        self._store, self._rpc, self._signer, self._already_done = store, rpc, signer, already_done
        self._finality_blocks, self._fees = finality_blocks, fees or FeePolicy()
        self._bump_after_ms, self._failures_allowed = bump_after_ms, failures_allowed
        self._chain_id: int | None = None

    @property
    def address(self) -> Address:
        """The account that pays."""
        return self._signer.address

    def submit(self, key: str, *, to: Address, data: bytes, now_ms: int) -> Intent:
        """Mean to call `to` with `data` once; durable on return. The same call again changes nothing.

        Raises IntentConflicts when the key stands for another call.
        """
        return self._store.add(key, to=to, data=data, now_ms=now_ms)

    def status(self, key: str) -> Intent | None:
        """What became of an intent; None when nothing was submitted under the key."""
        return self._store.find(key)

    def pending(self) -> list[Intent]:
        """Intents that are neither final nor given up, in order; a `note` says what holds one up."""
        return self._store.live()

    def withdraw(self, key: str) -> bool:
        """Forget an intent of which nothing was signed yet; whether it could be. Raises IntentUnknown."""
        return self._store.withdraw(self._store.get(key))

    def poll(self, now_ms: int) -> list[Intent]:
        """Move every intent as far as the chain allows; return those that changed.

        Raises RpcUnavailable when the node is away, StoreOfAnother when it serves another chain; nothing is lost then.
        """
        chain_id = self._bind()
        head = self._rpc.head()
        view = _View(head=head, final=head.number - self._finality_blocks, now_ms=now_ms)
        changed, held_up = [], False
        for intent in self._store.live():
            if held_up and intent.state is IntentState.QUEUED:
                continue
            try:
                after = self._drive(intent, view, chain_id)
            except IntentStale:
                break
            if after.version != intent.version:
                changed.append(after)
            held_up = held_up or not after.settled
        return changed

    def _bind(self) -> int:
        if self._chain_id is None:
            chain_id, genesis = self._rpc.chain_id(), self._rpc.block(0)
            if genesis is None:
                raise RpcMalformed(what="block", field="0", value="null")
            self._store.bind(chain_id=chain_id, genesis=genesis.hash, account=self.address)
            self._chain_id = chain_id
        return self._chain_id

    def _drive(self, intent: Intent, view: _View, chain_id: int) -> Intent:
        while True:
            after = self._step(intent, view, chain_id)
            if after.state is intent.state:
                return after
            intent = after

    def _step(self, intent: Intent, view: _View, chain_id: int) -> Intent:
        match intent.state:
            case IntentState.QUEUED:
                return self._begin(intent, view, chain_id)
            case IntentState.SIGNED:
                return self._broadcast(intent, view, chain_id)
            case IntentState.SENT:
                return self._await(intent, view, chain_id)
            case IntentState.MINED:
                return self._deepen(intent, view)
            case IntentState.ELSEWHERE:
                return self._confirm_elsewhere(intent, view)
            case IntentState.FINAL | IntentState.REFUSED:
                return intent

    def _begin(self, intent: Intent, view: _View, chain_id: int) -> Intent:
        """Sign under a nonce that nothing else of ours has, unless the effect is there already."""
        mined = self._mined(intent)
        if mined is not None:
            return mined
        if self._already_done(intent):
            return self._store.mark_elsewhere(intent, block_number=view.head.number)
        try:
            gas = gas_limit(self._rpc.estimate_gas(self.address, intent.to, intent.data))
        except RpcRefused as refused:
            return self._store.annotate(intent, _why(refused))
        nonce = max(self._rpc.nonce(self.address), self._store.next_nonce())
        return self._sign(intent, view, chain_id, nonce=nonce, gas=gas)

    def _sign(self, intent: Intent, view: _View, chain_id: int, *, nonce: int, gas: int) -> Intent:
        old, base = self._store.highest_bid(nonce), view.head.base_fee_wei
        fees = self._fees.price(base) if old is None else self._fees.replace(old, base)
        if not self._fees.allows(fees):
            return self._store.annotate(intent, f"fee limit: {fees.max_fee_wei} wei a gas would be needed")
        signed = transaction.sign(
            Transaction(
                chain_id=chain_id, nonce=nonce, to=intent.to, data=intent.data, gas=gas,
                max_fee_wei=fees.max_fee_wei, tip_wei=fees.tip_wei,
            ),
            self._signer,
        )  # fmt: skip
        attempt = Attempt(hash=signed.hash, nonce=nonce, raw=signed.raw, gas=gas, fees=fees, signed_ms=view.now_ms)
        return self._store.store_signed(intent, attempt)

    def _broadcast(self, intent: Intent, view: _View, chain_id: int) -> Intent:
        """Give the newest transaction to the node, again if it was given before a crash."""
        newest = self._store.attempts(intent)[0]
        try:
            self._rpc.send_raw(newest.raw)
        except RpcRefused as refused:
            if self._rpc.knows(newest.hash) or self._rpc.nonce(self.address) > newest.nonce:
                return self._store.mark_sent(intent)
            if any(words in refused.message.lower() for words in _PRICED_OUT):
                return self._sign(intent, view, chain_id, nonce=newest.nonce, gas=newest.gas)
            return self._store.annotate(intent, _why(refused))
        return self._store.mark_sent(intent)

    def _await(self, intent: Intent, view: _View, chain_id: int) -> Intent:
        """Look for the transaction in a block; keep it in the node's pool; outbid what is stuck."""
        mined = self._mined(intent)
        if mined is not None:
            return mined
        newest = self._store.attempts(intent)[0]
        if self._rpc.nonce(self.address) > newest.nonce:
            return self._without_nonce(intent, view, newest)
        stuck = view.now_ms - newest.signed_ms >= self._bump_after_ms
        if stuck or view.head.base_fee_wei > newest.fees.max_fee_wei:
            return self._sign(intent, view, chain_id, nonce=newest.nonce, gas=newest.gas)
        if not self._rpc.knows(newest.hash):
            return self._rebroadcast(intent, newest)
        return intent

    def _rebroadcast(self, intent: Intent, newest: Attempt) -> Intent:
        try:
            self._rpc.send_raw(newest.raw)
        except RpcRefused as refused:
            return self._store.annotate(intent, _why(refused))
        return self._store.annotate(intent, "")

    def _without_nonce(self, intent: Intent, view: _View, newest: Attempt) -> Intent:
        """Another transaction took the nonce: wait until that is final, or until the effect shows."""
        if self._already_done(intent):
            return self._store.mark_elsewhere(intent, block_number=view.head.number)
        if view.final >= 0 and self._rpc.nonce(self.address, view.final) > newest.nonce:
            mined = self._mined(intent)
            return mined or self._store.requeue(intent, note=f"nonce {newest.nonce} was used by another transaction")
        return self._store.annotate(intent, f"nonce {newest.nonce} was used by another transaction, not final yet")

    def _deepen(self, intent: Intent, view: _View) -> Intent:
        """Follow a mined transaction down to finality, or back into the pool when its block was replaced."""
        assert intent.block_number is not None
        if intent.block_number > view.head.number:
            return intent
        block = self._rpc.block(intent.block_number)
        if block is None or block.hash != intent.block_hash:
            return self._mined(intent) or self._store.mark_sent(intent)
        if intent.block_number > view.final:
            return intent
        return self._store.mark_final(intent) if intent.succeeded else self._after_failure(intent, view)

    def _after_failure(self, intent: Intent, view: _View) -> Intent:
        if self._already_done(intent):
            return self._store.mark_elsewhere(intent, block_number=view.head.number)
        if intent.failures + 1 >= self._failures_allowed:
            return self._store.refuse(intent, note=intent.note)
        return self._store.requeue(intent, note=intent.note, failed=True)

    def _confirm_elsewhere(self, intent: Intent, view: _View) -> Intent:
        assert intent.block_number is not None
        mined = self._mined(intent, only_success=True)
        if mined is not None:
            return mined
        if not self._already_done(intent):
            return self._store.requeue(intent, note="its effect was undone")
        return self._store.mark_final(intent) if intent.block_number <= view.final else intent

    def _mined(self, intent: Intent, *, only_success: bool = False) -> Intent | None:
        """The intent marked as mined when any transaction that was ever signed for it is in a block."""
        for attempt in self._store.attempts(intent):
            receipt = self._rpc.receipt(attempt.hash)
            if receipt is not None and (receipt.succeeded or not (only_success or self._counted(intent, attempt))):
                note = "" if receipt.succeeded else self._failure(intent, receipt)
                return self._store.mark_mined(intent, attempt, receipt, note=note)
        return None

    def _counted(self, intent: Intent, attempt: Attempt) -> bool:
        """Whether a failure of this attempt was judged before: the intent went on to another nonce since."""
        return intent.failures > 0 and attempt.nonce != intent.nonce

    def _failure(self, intent: Intent, receipt: Receipt) -> str:
        try:
            self._rpc.eth_call(intent.to, intent.data, tag=receipt.block_number, sender=self.address)
        except RpcRefused as refused:
            return _why(refused)
        return "failed on chain"


def _why(refused: RpcRefused) -> str:
    reverted = reverts.from_refusal(refused)
    return refused.message if reverted is None else reverts.described(reverted)
