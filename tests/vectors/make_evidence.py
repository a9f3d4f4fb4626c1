"""Makes `evidence.json`: the bytes that Python, Solidity and TypeScript must agree on. Run as a module to write it."""

import json
from pathlib import Path

from alliance.identity import ZERO_DIGEST, Address, to_hex
from alliance.reading import Reading, battery_word
from alliance.segment import START, Head
from oracle import block, eip712, log, merkle, segment
from oracle import reading as reading_bytes
from oracle.cbor import cid_of
from oracle.eip712 import Domain
from oracle.hashing import sha256
from oracle.segment import SealedSegment
from oracle.signature import SecpSigner, expand

FILE = Path(__file__).with_name("evidence.json")
DOMAIN = Domain(31337, Address(b"\x11" * 20))
KEY = SecpSigner(sha256(b"vector device key"))
SECRET = sha256(b"vector segment secret")
T_MS = 1_784_044_800_000


def sealed(head: Head, count: int, *, channel: int) -> SealedSegment:
    """A segment of made-up readings that continues `head`."""
    secret = SECRET if count else ZERO_DIGEST
    covered = [
        segment.salted(
            Reading(
                flags=4 if i == 2 else 0, channel=channel, seq=head.next_seq + i, t_ms=T_MS + 60_000 * i, a=(-1) ** i * 1000 * i,
                b=battery_word(soc_bp=9500 - i, soh_bp=9900), c=10**12 + 17 * i, d=23 * i, salt=b"",
            ),
            secret,
        )
        for i in range(count)
    ]  # fmt: skip
    closed = segment.close(
        covered, device=KEY.address, channel=channel, head=head, closed_at_ms=T_MS + 900_000, beacon_block=12,
        beacon_hash=sha256(b"vector beacon"),
    )  # fmt: skip
    raw = b"".join(map(reading_bytes.encode, covered))
    return SealedSegment(signed=segment.sign(closed, domain=DOMAIN, signer=KEY), secret=secret, readings=raw)


def vectors() -> dict[str, object]:
    """All vectors as JSON values."""
    first = sealed(START, 15, channel=1)
    second = sealed(Head(next_seq=15, digest=first.signed.digest), 0, channel=1)
    third = sealed(START, 60, channel=2)
    entries = log.arrange(1_982_272, [first.signed, second.signed, third.signed], [])
    tree = merkle.HashTree(merkle.leaf_hash(e.raw) for e in entries)
    return {
        "domain": {
            "chainId": DOMAIN.chain_id, "registry": to_hex(DOMAIN.registry), "separator": to_hex(DOMAIN.separator),
            "allianceId": to_hex(DOMAIN.alliance),
        },
        "device": to_hex(KEY.address),
        "segments": [_segment(s) for s in (first, second, third)],
        "entries": [to_hex(e.raw) for e in entries],
        "logRoot": to_hex(tree.root()),
        "entriesCid": str(cid_of(log.encode_entries(entries))),
        "evidenceCid": str(cid_of(block.encode([first, second]))),
        "ack": to_hex(eip712.ack_digest(DOMAIN, segment=first.signed.digest, epoch=7)),
        "enrol": to_hex(
            eip712.enrol_digest(
                DOMAIN, device=KEY.address, owner=Address(b"\x22" * 20), station=3, nonce=0, deadline_s=1_800_000_000
            )
        ),
        "accept": to_hex(
            eip712.accept_digest(
                DOMAIN, schedule=sha256(b"schedule"), first_period=1_982_300, beacon_block=12, beacon_hash=sha256(b"b")
            )
        ),
        "trees": [_tree(size) for size in (1, 2, 3, 4, 5, 7, 8, 9, 21, 64, 100)],
    }  # fmt: skip


def _segment(sealed_segment: SealedSegment) -> dict[str, object]:
    s, signed = sealed_segment.signed.segment, sealed_segment.signed
    leaves = segment.split_readings(sealed_segment.readings)
    tree = merkle.HashTree(map(merkle.leaf_hash, leaves))
    return {
        "device": to_hex(s.device), "channel": s.channel, "firstSeq": s.first_seq, "count": s.count, "tFirst": s.t_first_ms,
        "tLast": s.t_last_ms, "root": to_hex(s.root), "prev": to_hex(s.prev), "beaconBlock": s.beacon_block,
        "beaconHash": to_hex(s.beacon_hash), "digest": to_hex(signed.digest), "alg": signed.alg,
        "signature": to_hex(signed.signature), "signature65": to_hex(expand(signed.signature)),
        "secret": to_hex(sealed_segment.secret), "readings": [to_hex(leaf) for leaf in leaves],
        "proofOfLast": [to_hex(p) for p in tree.inclusion_proof(len(leaves) - 1)] if leaves else [],
    }  # fmt: skip


def _tree(size: int) -> dict[str, object]:
    tree = merkle.HashTree(merkle.leaf_hash(i.to_bytes(2, "big")) for i in range(size))
    old = max(1, size * 2 // 3)
    return {
        "size": size, "root": to_hex(tree.root()), "old": old, "oldRoot": to_hex(tree.root(old)),
        "consistency": [to_hex(p) for p in tree.consistency_proof(old)],
        "index": size // 2, "inclusion": [to_hex(p) for p in tree.inclusion_proof(size // 2)],
    }  # fmt: skip


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=1) + "\n")
