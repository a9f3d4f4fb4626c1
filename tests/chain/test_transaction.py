"""Transactions signed by hand are those that the public library signs; bids rise enough to replace."""

from dataclasses import replace

import pytest
from eth_account import Account
from eth_utils import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from alliance.identity import Address, Digest
from chain import fees, transaction
from chain.client import KeystoreRefused, PhraseWrong, from_keystore, from_phrase
from chain.fees import FeePolicy, Fees
from chain.transaction import Transaction
from oracle.signature import AlgorithmUnknown, SecpSigner
from simulation.anvil import TEST_MNEMONIC

SECRET = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")


@given(
    nonce=st.integers(0, 2**40),
    to=st.none() | st.binary(min_size=20, max_size=20),
    data=st.binary(max_size=600),
    gas=st.integers(21_000, 30_000_000),
    max_fee=st.integers(0, 10**14),
)
def test_bytes_equal_eth_accounts_when_any_transaction_is_signed(
    nonce: int, to: bytes | None, data: bytes, gas: int, max_fee: int
) -> None:
    ours = transaction.sign(
        Transaction(
            chain_id=31337, nonce=nonce, to=None if to is None else Address(to), data=data, gas=gas,
            max_fee_wei=max_fee, tip_wei=max_fee // 3,
        ),
        SecpSigner(SECRET),
    )  # fmt: skip
    theirs = Account.sign_transaction(
        {
            "type": 2, "chainId": 31337, "nonce": nonce, "to": "" if to is None else to_checksum_address(to), "value": 0,
            "data": "0x" + data.hex(), "gas": gas, "maxFeePerGas": max_fee, "maxPriorityFeePerGas": max_fee // 3,
        },
        SECRET,
    )  # fmt: skip
    assert (ours.raw, ours.hash) == (bytes(theirs.raw_transaction), bytes(theirs.hash))


def test_transaction_is_refused_when_the_key_is_not_secp256k1() -> None:
    class P256Signer(SecpSigner):
        alg = 2

    call = Transaction(chain_id=1, nonce=0, to=None, data=b"", gas=1, max_fee_wei=1, tip_wei=1)
    with pytest.raises(AlgorithmUnknown):
        transaction.sign(call, P256Signer(SECRET))


def test_created_address_is_the_known_one_when_the_first_test_account_deploys() -> None:
    creator = SecpSigner(SECRET).address
    assert transaction.created_address(creator, 0).hex() == "5fbdb2315678afecb367f032d93f642f64180aa3"


def test_key_is_the_known_one_when_a_phrase_is_read() -> None:
    assert from_phrase(TEST_MNEMONIC, 0).address == SecpSigner(SECRET).address
    with pytest.raises(PhraseWrong, match="words=3"):
        from_phrase("these are wrong", 0)


def test_key_comes_back_when_its_keystore_is_opened(tmp_path) -> None:
    import json

    path = tmp_path / "key.json"
    path.write_text(json.dumps(Account.encrypt(SECRET, "open", iterations=2)))
    assert from_keystore(path, "open").address == SecpSigner(SECRET).address
    with pytest.raises(KeystoreRefused):
        from_keystore(path, "shut")


@given(old=st.integers(0, 10**15), tip=st.integers(0, 10**12), base=st.integers(0, 10**15))
def test_replacement_bids_fifteen_percent_more_and_covers_the_base_fee_when_the_market_moves(
    old: int, tip: int, base: int
) -> None:
    bid = FeePolicy().replace(Fees(old, tip), base)
    assert bid.max_fee_wei * 100 >= old * 115
    assert bid.tip_wei * 100 >= tip * 115
    assert bid.max_fee_wei >= 2 * base + fees.GWEI
    assert FeePolicy(limit_wei=bid.max_fee_wei).allows(bid)
    assert not FeePolicy(limit_wei=bid.max_fee_wei - 1).allows(bid)


def test_signature_is_the_same_when_signed_twice() -> None:
    call = Transaction(
        chain_id=1, nonce=3, to=Address(bytes(20)), data=Digest(b"\1" * 32), gas=50_000, max_fee_wei=9, tip_wei=1
    )
    signer = SecpSigner(SECRET)
    assert transaction.sign(call, signer) == transaction.sign(call, signer)
    assert transaction.sign(replace(call, nonce=4), signer) != transaction.sign(call, signer)
