"""Document blocks (protocol 4.5, 4.8): a schedule, rule pack or statement, and the salt that its entry commits to.

The entry's commitment is over salt and document in clear: it says the same of an encrypted block as of a plain one.
"""

from dataclasses import dataclass, field

from alliance.errors import Refused
from alliance.identity import Digest
from oracle import cbor, encryption
from oracle.block import ENCRYPTED, PLAIN, BlockVersionUnknown
from oracle.encryption import KeyMissing
from oracle.hashing import sha256
from oracle.log import Entry, EntryType, document_entry
from oracle.plain import Fields

VERSION = 1


@dataclass(kw_only=True, eq=False)
class CommitmentWrong(Refused):
    """A document block does not hold what its log entry committed to."""

    block: Digest
    want: Digest
    got: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A sealed document: the block for the archive and the entry for the log."""

    kind: EntryType
    block: bytes
    entry: Entry
    info: bytes = field(default=b"", compare=False)
    """What the content key is derived for; empty when the block is plain."""

    @property
    def digest(self) -> Digest:
        """SHA-256 of the block: how the document is named everywhere."""
        return self.entry.document


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a document block holds: the plain value, its bytes, and the 32 bytes of salt."""

    salt: bytes
    raw: bytes

    @property
    def content(self) -> object:
        """The plain value. Raises NotCanonical."""
        return cbor.decode(self.raw)


def seal(kind: EntryType, content: object, *, salt: bytes, subject_key: bytes | None = None) -> Document:
    """Seal a plain value (DAG-CBOR) with 32 bytes of salt; encrypted (alg 1) when a subject's key is given."""
    raw = cbor.encode(content)
    if subject_key is None:
        block, info = cbor.encode({"v": VERSION, "alg": PLAIN, "salt": salt, "document": raw}), b""
    else:
        plaintext = cbor.encode({"salt": salt, "document": raw})
        info = encryption.document_info(plaintext)
        sealed = encryption.seal(plaintext, encryption.content_key(subject_key, info))
        block = cbor.encode({"v": VERSION, "alg": ENCRYPTED, "sealed": sealed})
    entry = document_entry(kind, block=sha256(block), commitment=sha256(salt, raw))
    return Document(kind=kind, block=block, entry=entry, info=info)


def open_salted(block: bytes, *, commitment: Digest | None = None, content_key: bytes | None = None) -> Opened:
    """What a block holds, checked against its entry's commitment when given.

    Raises NotCanonical, PlainMalformed, BlockVersionUnknown, KeyMissing, ContentKeyWrong or CommitmentWrong.
    """
    fields = Fields(cbor.decode(block), where="document")
    version, alg = fields.int("v"), fields.int("alg")
    if version != VERSION or alg not in (PLAIN, ENCRYPTED):
        raise BlockVersionUnknown(what="document", version=version, alg=alg)
    if alg == ENCRYPTED:
        sealed = fields.bytes("sealed")
        fields.finish()
        if content_key is None:
            raise KeyMissing(what="document block")
        plaintext = encryption.unseal(sealed, content_key, what="document block")
        fields = Fields(cbor.decode(plaintext), where="document.sealed")
    opened = Opened(salt=fields.bytes("salt", size=32), raw=fields.bytes("document"))
    fields.finish()
    if commitment is not None:
        check_commitment(opened, commitment, block=sha256(block))
    return opened


def check_commitment(opened: Opened, commitment: Digest, *, block: Digest) -> None:
    """Refuse what an entry did not commit to. Raises CommitmentWrong."""
    got = sha256(opened.salt, opened.raw)
    if got != commitment:
        raise CommitmentWrong(block=block, want=commitment, got=got)


def open_block(block: bytes, *, commitment: Digest | None = None, content_key: bytes | None = None) -> object:
    """The plain value inside a block. Raises as `open_salted`."""
    return open_salted(block, commitment=commitment, content_key=content_key).content
