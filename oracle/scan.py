"""Canonical blocks read by pattern: the same values as the strict readers give, many times as fast, or nothing at all.

A manifest, an epoch's entries and an evidence block have a fixed layout: DAG-CBOR sorts keys by length, then bytes,
and writes each number in its shortest form (protocol 1.4), so that a regular expression can stand for the reader. What
a pattern does not match is left to the strict reader, which refuses it by name; nothing is accepted here that it would
not accept.
"""

import re
from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Any

from sha3 import keccak_256 as _keccak

from alliance.identity import ZERO_DIGEST, Digest
from alliance.segment import Segment, SignedSegment
from oracle import log, signature
from oracle.block import PLAIN, EvidenceBlock
from oracle.eip712 import SEGMENT, Domain
from oracle.log import Entry, EntryType
from oracle.manifest import Manifest, Row, RowStatus
from oracle.signature import LOOKED_UP, PublicKeys
from oracle.signers import Signers

_INT = rb"([\x00-\x17]|\x18[\x18-\xff]|\x19(?!\x00)..|\x1a(?!\x00\x00).{4}|\x1b(?!\x00{4}).{8})"
_OPTIONAL_INT = _INT[:-1] + rb"|\xf6)"
_LINK = rb"(?:\xd8\x2a\x58\x25\x00\x01\x71\x12\x20(.{32}))"
_OPTIONAL_LINK = rb"(?:\xf6|" + _LINK[3:-1] + rb")"
_ONE = rb"\x01"
_U16, _U32, _I63 = (1 << 16) - 1, (1 << 32) - 1, (1 << 63) - 1


def manifest(raw: bytes) -> Manifest | None:
    """A manifest's block, None if it is not read by pattern."""
    head = _MANIFEST_HEAD.match(raw)
    if head is None:
        return None
    groups: tuple[Any, ...] = head.groups()
    named, as_of_hash, as_of_block, prev, root = groups
    counted = _list_head(raw, head.end())
    rows = None if counted is None else _rows(raw, *counted)
    tail = None if rows is None else _MANIFEST_TAIL.fullmatch(raw, rows[1])
    if rows is None or tail is None:
        return None
    size, epoch, block = _number(tail[1]), _number(tail[2]), _number(as_of_block)
    if max(size, epoch, block) > _I63:
        return None
    return Manifest(
        log=named, epoch=epoch, prev=prev or ZERO_DIGEST, size=size, root=root, as_of_block=block,
        as_of_hash=as_of_hash, entries=Digest(tail[3]), rows=tuple(rows[0]),
    )  # fmt: skip


def entries(raw: bytes) -> list[Entry] | None:
    """An epoch's entries, None if they are not read by pattern."""
    counted = _list_head(raw, 0)
    if counted is None:
        return None
    at, count = counted
    found: list[Entry] = []
    for _ in range(count):
        if raw[at : at + 7] == b"\x58\x66SAE1\x01":
            found.append(Entry(EntryType.SEGMENT, raw[at + 7 : at + 104]))
            at += 104
            continue
        other = _ENTRY.match(raw, at)
        if other is None:
            return None
        found.append(log.parse(other[1] or other[2] or other[3]))
        at = other.end()
    return found if at == len(raw) else None


def evidence(raw: bytes, domain: Domain, *, keys: PublicKeys, signers: Signers | None = None) -> EvidenceBlock | None:
    """What stands in clear in an evidence block, its signers found out; None if it is not read by pattern.

    With `signers`, those of secp256k1 may be assumed, to be proved later. Raises AlgorithmUnknown or
    SignatureMalformed, and Unproved.
    """
    lone = _LONE.fullmatch(raw)
    if lone is not None:
        return _lone(lone, raw, domain, keys, signers)
    head = _EVIDENCE_HEAD.match(raw)
    sized = None if head is None else _bytes_head(raw, head.end())
    if head is None or sized is None:
        return None
    body, size = sized
    if raw[body + size : body + size + 9] != b"\x68segments":
        return None
    counted = _list_head(raw, body + size + 9)
    if counted is None:
        return None
    at, count = counted
    signed: list[SignedSegment] = []
    for _ in range(count):
        found = _SEGMENT.match(raw, at)
        one = None if found is None else _signed(found.groups(), domain, keys, signers)
        if found is None or one is None:
            return None
        signed.append(one)
        at = found.end()
    if at != len(raw):
        return None
    return EvidenceBlock(alg=_number(head[1]), signed=tuple(signed), payload=raw[body : body + size])


def _lone(
    found: re.Match[bytes], raw: bytes, domain: Domain, keys: PublicKeys, signers: Signers | None
) -> EvidenceBlock | None:
    """A block with one segment of one reading: what a meter that reads once an epoch brings."""
    one = _signed(found.groups()[1:], domain, keys, signers)
    if one is None:
        return None
    low, high = found.span(1)
    return EvidenceBlock(alg=PLAIN, signed=(one,), payload=raw[low:high])


def _signed(groups: tuple[Any, ...], domain: Domain, keys: PublicKeys, signers: Signers | None) -> SignedSegment | None:
    """The segment in a match's groups with its signer, None for a number out of its field's range."""
    segment = _segment(groups)
    if segment is None:
        return None
    alg, named, by = _number(groups[0]), segment_digest(segment, domain), groups[9]
    if signers is not None and alg == signature.SECP256K1:
        signer = signers.of(segment.device, named, by)
    else:
        known = keys(segment.device, alg) if alg in LOOKED_UP else ()
        signer = signature.recover(named, alg=alg, signature=by, public_keys=known)
    return SignedSegment(segment=segment, digest=named, alg=alg, signature=by, signer=signer)


def payload(raw: bytes) -> list[tuple[Digest, bytes]] | None:
    """Secret and readings of each segment of a plain payload, None if it is not read by pattern."""
    lone = _LONE_PAYLOAD.fullmatch(raw)
    if lone is not None:
        return [(Digest(lone[1]), lone[2])]
    counted = _list_head(raw, 0)
    if counted is None:
        return None
    at, count = counted
    found: list[tuple[Digest, bytes]] = []
    for _ in range(count):
        secret = _SECRET.match(raw, at)
        sized = None if secret is None else _bytes_head(raw, secret.end())
        if secret is None or sized is None:
            return None
        body, size = sized
        at = body + size
        found.append((Digest(secret[1]), raw[body:at]))
    return found if at == len(raw) else None


def segment_digest(segment: Segment, domain: Domain) -> Digest:
    """The EIP-712 digest of a segment, as `oracle.segment.digest`; the struct's words in one piece."""
    s = segment
    packed = _WORDS.pack(
        SEGMENT, s.device, s.channel, s.first_seq, s.count, s.t_first_ms, s.t_last_ms, s.root, s.prev, s.beacon_block,
        s.beacon_hash,
    )  # fmt: skip
    return Digest(_keccak(b"\x19\x01" + domain.separator + _keccak(packed).digest()).digest())


_WORDS = Struct(">32s12x20s30xH24xQ28xI24xQ24xQ32s32s24xQ32s")


def _segment(groups: tuple[Any, ...]) -> Segment | None:
    """The segment in a match's groups, None for a number out of its field's range."""
    _, prev, root, count, t_last, device, t_first, channel, first_seq, _, beacon_hash, beacon_block = groups
    counted, bound = _number(count), _number(channel)
    if bound > _U16 or counted > _U32:
        return None
    return Segment(
        device=device, channel=bound, first_seq=_number(first_seq), count=counted, t_first_ms=_number(t_first),
        t_last_ms=_number(t_last), root=root, prev=prev, beacon_block=_number(beacon_block), beacon_hash=beacon_hash,
    )  # fmt: skip


def _rows(raw: bytes, at: int, count: int) -> tuple[list[Row], int] | None:
    """So many rows from an offset on, and the offset behind them."""
    found: list[Row] = []
    for _ in range(count):
        one = _ROW.match(raw, at)
        if one is None:
            return None
        groups: tuple[Any, ...] = one.groups()
        head, device, status, channel, last, evidence_block, first = groups
        number = _number(channel)
        if number > _U16:
            return None
        found.append(
            Row(
                device=device,
                channel=number,
                first_seq=None if first == b"\xf6" else _number(first),
                last_seq=None if last == b"\xf6" else _number(last),
                head=head,
                evidence=evidence_block,
                status=_STATUS[status],
            )
        )  # fmt: skip
        at = one.end()
    return found, at


def _number(raw: bytes) -> int:
    """The integer of a canonical head."""
    return raw[0] if len(raw) == 1 else int.from_bytes(raw[1:], "big")


def _list_head(raw: bytes, at: int) -> tuple[int, int] | None:
    return _head(raw, at, 0x80)


def _bytes_head(raw: bytes, at: int) -> tuple[int, int] | None:
    found = _head(raw, at, 0x40)
    return None if found is None or found[0] + found[1] > len(raw) else found


def _head(raw: bytes, at: int, major: int) -> tuple[int, int] | None:
    """Where a list's or byte string's body begins and its count; None for another type or a longer form than needed."""
    code = raw[at] - major if at < len(raw) else -1
    if 0 <= code < 24:
        return at + 1, code
    if not 24 <= code <= 26:
        return None
    width = 1 << (code - 24)
    count = int.from_bytes(raw[at + 1 : at + 1 + width], "big")
    return None if count < (24, 1 << 8, 1 << 16)[code - 24] else (at + 1 + width, count)


def _map(fields: Mapping[str, bytes], *, opened: bool = False) -> bytes:
    """The pattern of a map; `opened` leaves out its head."""
    ordered = sorted(fields.items(), key=lambda item: (len(item[0]), item[0]))
    head = b"" if opened else re.escape(bytes([0xA0 + len(fields)]))
    return head + b"".join(re.escape(bytes([0x60 + len(key)]) + key.encode()) + value for key, value in ordered)


def _bytes(size: int) -> bytes:
    head = bytes([0x40 + size]) if size < 24 else bytes([0x58, size])
    return re.escape(head) + rb"(.{%d})" % size


def _texts(values: Iterator[str]) -> bytes:
    return b"(" + b"|".join(re.escape(bytes([0x60 + len(v)]) + v.encode()) for v in values) + b")"


_STATUS = {bytes([0x60 + len(s.value)]) + s.value.encode(): s for s in RowStatus}
_ROW = re.compile(
    _map(
        {
            "device": _bytes(20), "channel": _INT, "firstSeq": _OPTIONAL_INT, "lastSeq": _OPTIONAL_INT,
            "head": _bytes(32), "evidence": _OPTIONAL_LINK, "status": _texts(s.value for s in RowStatus),
        }
    ),
    re.DOTALL,
)  # fmt: skip
_SEGMENT = re.compile(
    _map(
        {
            "device": _bytes(20), "channel": _INT, "firstSeq": _INT, "count": _INT, "tFirst": _INT, "tLast": _INT,
            "root": _bytes(32), "prev": _bytes(32), "beaconBlock": _INT, "beaconHash": _bytes(32),
            "alg": _INT, "signature": _bytes(64),
        }
    ),
    re.DOTALL,
)  # fmt: skip
_SECRET = re.compile(rb"\xa2\x66secret\x58\x20(.{32})\x68readings", re.DOTALL)
_ENTRY = re.compile(
    rb"(?:\x4d(?=SAE1\x00)(.{13})|\x58\x45(?=SAE1[\x02-\x05\x07])(.{69})|\x58\x66(?=SAE1\x06)(.{102}))", re.DOTALL
)
"""An epoch, a document or its rows, an acceptance."""
_EVIDENCE_HEAD = re.compile(rb"\xa4\x61v\x01\x63alg([\x00\x01])\x67payload")
_LONE_PAYLOAD = re.compile(rb"\x81\xa2\x66secret\x58\x20(.{32})\x68readings\x58\x40(.{64})", re.DOTALL)
_LONE = re.compile(
    rb"\xa4\x61v\x01\x63alg\x00\x67payload\x58\x76(.{118})\x68segments\x81" + _SEGMENT.pattern, re.DOTALL
)
_AS_OF = {"block": _INT, "hash": _bytes(32)}
_MANIFEST_HEAD = re.compile(
    b"\xa9"
    + _map(
        {"v": _ONE, "log": _bytes(32), "asOf": _map(_AS_OF), "prev": _OPTIONAL_LINK, "root": _bytes(32)}, opened=True
    )
    + rb"\x64rows",
    re.DOTALL,
)
_MANIFEST_TAIL = re.compile(_map({"size": _INT, "epoch": _INT, "entries": _LINK}, opened=True), re.DOTALL)
