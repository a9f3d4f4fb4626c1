"""Accounts that are contracts (EIP-1271): whether one stands by a signature, asked of its own code."""

from alliance.identity import Address, Digest
from chain.abi import AbiMalformed, Function
from chain.contract import ContractSilent, DeployedContract
from chain.reverts import Reverted
from chain.rpc import BlockTag, Rpc, RpcRefused

_IS_VALID_SIGNATURE = Function("isValidSignature", "(bytes32,bytes)", "(bytes4)")
MAGIC = bytes.fromhex("1626ba7e")
"""What a contract answers when a signature is its own."""


def stands_by(rpc: Rpc, account: Address, digest: Digest, signature: bytes, *, tag: BlockTag = "latest") -> bool:
    """Whether an account with code accepts a signature over a digest; False where it has none, reverts or says else.

    Raises RpcUnavailable or RpcMalformed when the node does not answer.
    """
    if not rpc.code(account, tag):
        return False
    try:
        (answer,) = DeployedContract(rpc, account).ask(_IS_VALID_SIGNATURE, digest, signature, tag=tag)
    except (Reverted, RpcRefused, ContractSilent, AbiMalformed):
        return False
    return bytes(answer) == MAGIC
