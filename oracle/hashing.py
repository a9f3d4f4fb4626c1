"""The two hashes of the platform (protocol 1.1): SHA-256 for evidence, Keccak-256 for what a contract recomputes."""

import hashlib

import sha3

from alliance.identity import Digest


def sha256(*parts: bytes) -> Digest:
    """SHA-256 of the parts joined."""
    return Digest(hashlib.sha256(b"".join(parts)).digest())


def keccak256(*parts: bytes) -> Digest:
    """Keccak-256 (the Ethereum hash, not SHA3-256) of the parts joined."""
    return Digest(sha3.keccak_256(b"".join(parts)).digest())
