"""A person's account (protocol 7): sign a call, send it, wait until it is mined; for members and administrators.

The service's own transactions go through `chain.sender`, which survives a restart; this does not.
"""

from collections.abc import Callable
from dataclasses import dataclass

from alliance.errors import Missing
from alliance.identity import Address, Digest
from alliance.ports import Signer
from chain import reverts, transaction
from chain.fees import FeePolicy, gas_limit
from chain.reverts import Reverted
from chain.rpc import Receipt, Rpc, RpcRefused
from chain.transaction import Transaction


@dataclass(kw_only=True, eq=False)
class NotMined(Missing):
    """A transaction was not mined within the polls that were allowed."""

    tx_hash: Digest
    polls: int


class Wallet:
    """An account on one chain.

    `between_polls` runs between looks for a receipt: it mines a block on a development chain and sleeps elsewhere.
    """

    def __init__(
        self,
        rpc: Rpc,
        signer: Signer,
        *,
        chain_id: int,
        between_polls: Callable[[], None],
        polls: int = 60,
        fees: FeePolicy | None = None,
    ) -> None:
        self._rpc, self._signer, self._chain_id = rpc, signer, chain_id
        self._between_polls, self._polls = between_polls, polls
        self._fees = fees or FeePolicy()

    @property
    def address(self) -> Address:
        """The account's address."""
        return self._signer.address

    def send(self, to: Address | None, data: bytes) -> Receipt:
        """Call a contract, or create one when `to` is None, and wait. Raises Reverted or NotMined."""
        return self.wait(self.broadcast(to, data))

    def broadcast(self, to: Address | None, data: bytes) -> Digest:
        """Send without waiting, after the account's own waiting transactions. Raises Reverted if it would fail now."""
        gas = gas_limit(self._estimate(to, data))
        fees = self._fees.price(self._rpc.head().base_fee_wei)
        signed = transaction.sign(
            Transaction(
                chain_id=self._chain_id, nonce=self._rpc.nonce(self.address, "pending"), to=to, data=data, gas=gas,
                max_fee_wei=fees.max_fee_wei, tip_wei=fees.tip_wei,
            ),
            self._signer,
        )  # fmt: skip
        return self._rpc.send_raw(signed.raw)

    def wait(self, tx_hash: Digest) -> Receipt:
        """The receipt of a transaction that was sent. Raises Reverted when it failed, NotMined when it is not mined."""
        for _ in range(self._polls):
            receipt = self._rpc.receipt(tx_hash)
            if receipt is None:
                self._between_polls()
            elif receipt.succeeded:
                return receipt
            else:
                raise Reverted(error="Failed", values=(tx_hash, receipt.block_number), data=b"")
        raise NotMined(tx_hash=tx_hash, polls=self._polls)

    def _estimate(self, to: Address | None, data: bytes) -> int:
        try:
            return self._rpc.estimate_gas(self.address, to, data)
        except RpcRefused as refused:
            raise reverts.from_refusal(refused) or refused from refused
