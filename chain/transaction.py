"""Signed transactions by hand (EIP-1559, EIP-2718, RLP): any `Signer` can pay; the same inputs give the same bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

from alliance.identity import Address, Digest
from alliance.ports import Signer
from oracle.hashing import keccak256
from oracle.signature import SECP256K1, AlgorithmUnknown

_DYNAMIC_FEE = b"\x02"
_PARITY = 1 << 255

_Item = bytes | Sequence["_Item"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A call, or a creation when `to` is None, that moves no ether; prices in wei for each gas."""

    chain_id: int
    nonce: int
    to: Address | None
    data: bytes
    gas: int
    max_fee_wei: int
    tip_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTransaction:
    """The bytes to broadcast and the hash by which the chain knows them."""

    raw: bytes
    hash: Digest


def sign(transaction: Transaction, signer: Signer) -> SignedTransaction:
    """Sign with a secp256k1 key, deterministically (RFC 6979). Raises AlgorithmUnknown for any other key."""
    if signer.alg != SECP256K1:
        raise AlgorithmUnknown(alg=signer.alg)
    t = transaction
    fields: list[_Item] = [
        _number(t.chain_id), _number(t.nonce), _number(t.tip_wei), _number(t.max_fee_wei), _number(t.gas),
        t.to or b"", b"", t.data, [],
    ]  # fmt: skip
    signature = signer.sign(keccak256(_DYNAMIC_FEE, rlp(fields)))
    tail = int.from_bytes(signature[32:], "big")
    proof = [_number(tail >> 255), signature[:32].lstrip(b"\0"), _number(tail & (_PARITY - 1))]
    raw = _DYNAMIC_FEE + rlp([*fields, *proof])
    return SignedTransaction(raw=raw, hash=keccak256(raw))


def created_address(creator: Address, nonce: int) -> Address:
    """Address of the contract that an account's transaction of that nonce creates."""
    return Address(keccak256(rlp([creator, _number(nonce)]))[12:])


def rlp(item: _Item) -> bytes:
    """Recursive length prefix of bytes and lists of such."""
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _prefixed(0x80, item)
    return _prefixed(0xC0, b"".join(map(rlp, item)))


def _prefixed(base: int, body: bytes) -> bytes:
    if len(body) < 56:
        return bytes([base + len(body)]) + body
    size = _number(len(body))
    return bytes([base + 55 + len(size)]) + size + body


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
