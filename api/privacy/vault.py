"""Subject keys at rest (protocol 4.8.3): encrypted under the service's master key, which has a file of its own."""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from alliance.errors import Refused
from alliance.ports import Randomness
from oracle import encryption

_PURPOSE = b"storage-alliance/subject-key/1"
_NONCE_BYTES = 12


@dataclass(kw_only=True, eq=False)
class MasterKeyWrong(Refused):
    """The master key file is not the one under which a subject's key was stored."""

    subject: int
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """The master key, and whether blocks are encrypted at all (they are, unless a developer said otherwise)."""

    master: bytes = field(repr=False)
    encrypts: bool = True

    def wrap(self, key: bytes, *, subject: int, generation: int, randomness: Randomness) -> bytes:
        """A subject's key as it is stored: nonce ‖ ciphertext ‖ tag."""
        nonce = randomness.token(_NONCE_BYTES)
        return nonce + AESGCM(self._key(subject, generation)).encrypt(nonce, key, None)

    def unwrap(self, stored: bytes, *, subject: int, generation: int) -> bytes:
        """A subject's key. Raises MasterKeyWrong."""
        try:
            cipher = AESGCM(self._key(subject, generation))
            return cipher.decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], None)
        except InvalidTag:
            raise MasterKeyWrong(subject=subject, generation=generation) from None

    def _key(self, subject: int, generation: int) -> bytes:
        which = subject.to_bytes(8, "big", signed=True) + generation.to_bytes(8, "big")
        return encryption.hkdf(self.master, _PURPOSE + which)
