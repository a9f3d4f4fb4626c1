"""Ports: what the rules' callers need from the outside world. Protocols only; adapters stand in `oracle.adapters`."""

from collections.abc import Iterable
from typing import Protocol

from alliance.identity import Address, Digest


class Clock(Protocol):
    """What time it is."""

    def now_ms(self) -> int:
        """UTC milliseconds."""
        ...


class Pacer(Protocol):
    """When a program does its next round of work; calling `next_tick` again reports the last round as done."""

    async def next_tick(self) -> int:
        """Wait for the next round; return its UTC milliseconds."""
        ...

    async def close(self) -> None:
        """Leave the rounds; nobody waits for this participant any more."""
        ...


class Randomness(Protocol):
    """Where unpredictable bytes come from."""

    def token(self, size: int) -> bytes:
        """`size` fresh random bytes."""
        ...


class Signer(Protocol):
    """A private key that signs 32-byte digests; the key itself never leaves it."""

    @property
    def address(self) -> Address:
        """The Ethereum address of the key."""
        ...

    @property
    def alg(self) -> int:
        """Signature algorithm (protocol 3.6)."""
        ...

    def sign(self, digest: Digest) -> bytes:
        """Sign a digest deterministically; 64 bytes for algorithm 1 (EIP-2098)."""
        ...


class Archive(Protocol):
    """Content-addressed blocks; a block's address is the SHA-256 of its bytes."""

    def put(self, block: bytes) -> Digest:
        """Store a block durably before returning; storing it again does nothing. Returns its SHA-256."""
        ...

    def get(self, digest: Digest) -> bytes:
        """The block of that SHA-256. Raises `oracle.archive.BlockMissing` or `BlockAltered`."""
        ...

    def has(self, digest: Digest) -> bool:
        """Whether the block is there."""
        ...

    def digests(self) -> Iterable[Digest]:
        """All blocks' digests, in ascending order."""
        ...
