"""Keys as wallets keep them (phrases, keystore files): the one file that touches web3's libraries, and only when asked.

Everything else on the chain goes through `chain.rpc`, `chain.abi` and `chain.transaction`.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alliance.errors import Malformed, Refused
from oracle.signature import SecpSigner


@dataclass(kw_only=True, eq=False)
class PhraseWrong(Malformed):
    """Words are not a BIP-39 phrase; they are never shown."""

    words: int


@dataclass(kw_only=True, eq=False)
class KeystoreRefused(Refused):
    """A keystore file cannot be opened: not a keystore, or another password."""

    path: str


def from_phrase(phrase: str, index: int) -> SecpSigner:
    """The key number `index` of a phrase, at m/44'/60'/0'/0/index. Raises PhraseWrong."""
    Account = _account()  # noqa: N806
    Account.enable_unaudited_hdwallet_features()
    try:
        found = Account.from_mnemonic(phrase, account_path=f"m/44'/60'/0'/0/{index}")
    except Exception as error:  # eth-account passes on whatever its word list raises
        raise PhraseWrong(words=len(phrase.split())) from error
    return SecpSigner(bytes(found.key))


def from_keystore(path: Path, password: str) -> SecpSigner:
    """The key in an encrypted keystore file (about 0.7 s). Raises FileNotFoundError or KeystoreRefused."""
    Account = _account()  # noqa: N806
    text = path.read_text()
    try:
        return SecpSigner(bytes(Account.decrypt(json.loads(text), password)))
    except (ValueError, TypeError, KeyError) as error:
        raise KeystoreRefused(path=str(path)) from error


def _account() -> Any:
    """eth-account's class; its import lifts the recursion limit so far that deep input would crash the interpreter."""
    limit = sys.getrecursionlimit()
    try:
        from eth_account import Account
    finally:
        sys.setrecursionlimit(limit)
    return Account
