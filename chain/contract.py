"""One deployed contract (protocol 7): where it is and how its views are asked; nothing of what they mean."""

from dataclasses import dataclass
from typing import Any

from alliance.errors import Missing
from alliance.identity import Address
from chain import reverts
from chain.abi import Function
from chain.rpc import BlockTag, Rpc, RpcRefused


@dataclass(kw_only=True, eq=False)
class ContractSilent(Missing):
    """An address answered nothing: there is no such contract on this chain, or not yet."""

    address: Address
    function: str


@dataclass(frozen=True, slots=True)
class DeployedContract:
    """A contract at an address, asked over a node's RPC; the contract modules derive their readers from it."""

    rpc: Rpc
    address: Address

    def ask(
        self, function: Function, *values: object, tag: BlockTag = "latest", sender: Address | None = None
    ) -> tuple[Any, ...]:
        """What a view answers at a block. Raises Reverted, ContractSilent, AbiMalformed or the errors of `Rpc`."""
        return self.answer(function, function.encode(*values), tag=tag, sender=sender)

    def answer(
        self, function: Function, data: bytes, *, tag: BlockTag = "latest", sender: Address | None = None
    ) -> tuple[Any, ...]:
        """What call data would be answered, without a transaction. Raises as `ask`."""
        try:
            answer = self.rpc.eth_call(self.address, data, tag=tag, sender=sender)
        except RpcRefused as refused:
            raise reverts.from_refusal(refused) or refused from refused
        if not answer and function.outputs != "()":
            raise ContractSilent(address=self.address, function=function.name)
        return function.decode(answer)
