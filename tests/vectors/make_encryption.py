"""Makes `encryption.json`: encrypted blocks and a grant on which Python and TypeScript agree. Run as a module to write it."""

import json
from pathlib import Path

from alliance.identity import to_hex
from alliance.segment import START, Head
from oracle import block, cbor, document, encryption, grant
from oracle.cbor import cid_of
from oracle.grant import ReaderKey
from oracle.hashing import sha256
from oracle.log import EntryType
from tests.vectors.make_evidence import sealed

FILE = Path(__file__).with_name("encryption.json")
SUBJECT_KEY = sha256(b"vector subject key")
ALLIANCE_KEY = sha256(b"vector alliance key")
READER = ReaderKey(sha256(b"vector reader key"))
EPOCH = 1_982_272
DOCUMENT = {"kind": "vector", "cents": [1, -1]}


class Fixed:
    """The bytes of the vector's ephemeral key."""

    def token(self, size: int) -> bytes:
        return sha256(b"vector ephemeral key")[:size]


def vectors() -> dict[str, object]:
    """All vectors as JSON values."""
    first = sealed(START, 15, channel=1)
    second = sealed(Head(next_seq=15, digest=first.signed.digest), 0, channel=1)
    evidence = block.encode_encrypted([first, second], subject_key=SUBJECT_KEY, epoch=EPOCH)
    paper = document.seal(EntryType.SCHEDULE, DOCUMENT, salt=sha256(b"salt"), subject_key=ALLIANCE_KEY)
    keys = {
        sha256(evidence.block): encryption.content_key(SUBJECT_KEY, evidence.info),
        paper.digest: encryption.content_key(ALLIANCE_KEY, paper.info),
    }
    given = grant.make(keys, reader=READER.public, epoch=EPOCH, randomness=Fixed())
    return {
        "evidence": {
            "subjectKey": to_hex(SUBJECT_KEY), "epoch": EPOCH, "info": to_hex(evidence.info),
            "plain": to_hex(block.encode([first, second])), "block": to_hex(evidence.block),
            "cid": str(cid_of(evidence.block)), "contentKey": to_hex(keys[sha256(evidence.block)]),
        },
        "document": {
            "subjectKey": to_hex(ALLIANCE_KEY), "salt": to_hex(sha256(b"salt")), "document": to_hex(cbor.encode(DOCUMENT)),
            "info": to_hex(paper.info), "block": to_hex(paper.block), "cid": str(cid_of(paper.block)),
            "contentKey": to_hex(keys[paper.digest]), "commitment": to_hex(paper.entry.commitment),
        },
        "grant": {
            "readerSecret": to_hex(sha256(b"vector reader key")), "reader": to_hex(READER.public),
            "fingerprint": READER.fingerprint, "epoch": EPOCH, "ephemeral": to_hex(given.ephemeral),
            "path": f"grants/{READER.fingerprint}/{EPOCH}", "bytes": to_hex(grant.encode(given)),
        },
    }  # fmt: skip


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n")
