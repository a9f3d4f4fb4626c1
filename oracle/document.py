"""Document blocks (protocol 4.5): a schedule, rule pack or statement, and the salt that its entry commits to."""

from dataclasses import dataclass

from alliance.errors import Refused
from alliance.identity import Digest
from oracle import cbor
from oracle.block import PLAIN, BlockVersionUnknown
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

    @property
    def digest(self) -> Digest:
        """SHA-256 of the block: how the document is named everywhere."""
        return self.entry.document


def seal(kind: EntryType, content: object, *, salt: bytes) -> Document:
    """Seal a plain value (DAG-CBOR) with 32 bytes of salt."""
    document = cbor.encode(content)
    block = cbor.encode({"v": VERSION, "alg": PLAIN, "salt": salt, "document": document})
    entry = document_entry(kind, block=sha256(block), commitment=sha256(salt, document))
    return Document(kind=kind, block=block, entry=entry)


def open_block(block: bytes, *, commitment: Digest | None = None) -> object:
    """The plain value inside a block, checked against its entry's commitment when given.

    Raises NotCanonical, PlainMalformed, BlockVersionUnknown or CommitmentWrong.
    """
    fields = Fields(cbor.decode(block), where="document")
    version, alg = fields.int("v"), fields.int("alg")
    if (version, alg) != (VERSION, PLAIN):
        raise BlockVersionUnknown(what="document", version=version, alg=alg)
    salt, document = fields.bytes("salt", size=32), fields.bytes("document")
    fields.finish()
    got = sha256(salt, document)
    if commitment is not None and got != commitment:
        raise CommitmentWrong(block=sha256(block), want=commitment, got=got)
    return cbor.decode(document)
