"""A wallet that is a contract (contracts/test/ContractWallet.sol), compiled and deployed for a test: EIP-1271 for real."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from alliance.identity import Address
from chain.abi import Function, encode
from chain.rpc import Receipt
from chain.wallet import Wallet
from oracle.signature import SecpSigner

CONTRACTS = Path(__file__).parents[1] / "contracts"
_EXECUTE = Function("execute", "(address,bytes)")
_COMPILE = """
import { readFileSync } from "node:fs";
import { SETTINGS, loadCompiler, readImport } from "./compiler.mjs";
const content = readFileSync("test/ContractWallet.sol", "utf8");
const settings = { ...SETTINGS, outputSelection: { "*": { "*": ["evm.bytecode.object"] } } };
const input = { language: "Solidity", sources: { "test/ContractWallet.sol": { content } }, settings };
const output = JSON.parse(loadCompiler().compile(JSON.stringify(input), { import: readImport }));
process.stdout.write(JSON.stringify(output.contracts["test/ContractWallet.sol"].ContractWallet.evm.bytecode.object));
"""


@dataclass(frozen=True)
class ContractWallet:
    """A deployed wallet and the key that acts through it."""

    address: Address
    holder: SecpSigner
    wallet: Wallet

    def send(self, to: Address, data: bytes) -> Receipt:
        """Let the contract make a call."""
        return self.wallet.send(self.address, _EXECUTE.encode(to, data))


def deployed(wallet: Wallet, holder: SecpSigner) -> ContractWallet:
    """Deploy a wallet whose holder's key `wallet` sends with."""
    made = wallet.send(None, creation_code() + encode("(address)", [holder.address])).contract
    assert made is not None
    return ContractWallet(address=made, holder=holder, wallet=wallet)


@cache
def creation_code() -> bytes:
    """The contract's creation code, by the one compiler."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    done = subprocess.run(
        [node, "--input-type=module", "-e", _COMPILE], cwd=CONTRACTS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return bytes.fromhex(json.loads(done.stdout))
