"""The outbox (protocol 3.4 and 4.1): what was read is kept until the platform acknowledged it, and signed only once.

Readings of the open segment, the segment's secret, the signed bytes and the stream's head change in one transaction,
synced before anything is sent. A segment leaves on an acknowledgement by a pinned key alone, which stays in its place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alliance.errors import Conflicting, Refused
from alliance.identity import Address, Digest
from alliance.ports import Signer
from alliance.segment import Head
from edge.evidence.store import Store
from edge.evidence.stream import HELD, Beacon, Opened, Stream
from edge.evidence.watermark import Mark, Watermark
from oracle import cbor
from oracle import reading as reading_bytes
from oracle.segment import SealedSegment, sealed_to_plain, split_readings


@dataclass(kw_only=True, eq=False)
class HeadLost(Refused):
    """The key has signed more than this state folder remembers; it must never sign again. Make a new key."""

    signer: Address
    marked_segments: int
    found_segments: int


@dataclass(kw_only=True, eq=False)
class KeyForeign(Conflicting):
    """The state folder belongs to another key."""

    want: Address
    got: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A signed segment that is not acknowledged yet; `payload` are the bytes that are sent, always the same."""

    digest: Digest
    channel: int
    first_seq: int
    readings: int
    t_last_ms: int
    payload: bytes
    refusals: int
    signer: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """The platform's promise that a segment will be in a manifest no later than `epoch`."""

    segment: Digest
    epoch: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the platform did not take a segment."""

    segment: Digest
    code: str
    detail: str


class Outbox:
    """The streams of one device. Keep the values it gave you; it stores what you made of them."""

    def __init__(self, store: Store, watermark: Watermark, *, signer: Address, before: Address | None = None) -> None:
        """`before`: the key that `signer` took the place of, whose mark may still stand beside the database."""
        self._store, self._watermark, self._signer, self._before = store, watermark, signer, before
        self._marked = 0
        self._adopt()

    @property
    def signer(self) -> Address:
        """The key that signs now."""
        return self._signer

    def hand_over(self, signer: Signer) -> int:
        """Sign with a new key from now on, first what is held; returns how much. Raises StorageFailed or OSError.

        What the old key signed keeps its signatures: the new key's segments reach it through `prev` (protocol 6.4).
        """
        rows = self._store.rows("SELECT number, digest, payload FROM segment WHERE signer IS NULL ORDER BY number")
        with self._store.change() as db:
            for number, named, payload in rows:
                plain = cbor.decode(_bytes(payload))
                assert isinstance(plain, dict)
                signed = {**plain, "alg": signer.alg, "signature": signer.sign(Digest(_bytes(named)))}
                db.execute(
                    "UPDATE segment SET payload = ?, signer = ? WHERE number = ?",
                    (cbor.encode(signed), signer.address, _int(number)),
                )
            db.execute("INSERT OR REPLACE INTO meta VALUES ('before', ?)", (self._signer,))
            db.execute("INSERT OR REPLACE INTO meta VALUES ('signer', ?)", (signer.address,))
        self._before, self._signer = self._signer, signer.address
        self._watermark.write(Mark(self._signer, self._marked))
        self.mark()
        return len(rows)

    def streams(self, channels: Iterable[int]) -> dict[int, Stream]:
        """The stream of each channel as it was last stored."""
        kept = {stream.channel: stream for stream in stored_streams(self._store)}
        return {channel: kept.get(channel, Stream(channel=channel)) for channel in channels}

    def save(self, streams: Iterable[Stream], sealed: Iterable[SealedSegment] = ()) -> None:
        """Store streams and newly signed segments together, or nothing. Raises StorageFailed."""
        with self._store.change() as db:
            db.executemany("INSERT OR REPLACE INTO stream VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_row, streams))
            db.executemany(
                "INSERT INTO segment (digest, channel, first_seq, readings, t_last_ms, payload, signer) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                map(_segment_row, sealed),
            )

    def mark(self) -> None:
        """Sync the number of signed segments beside the database; nothing is sent before. Raises OSError."""
        signed = sum(stream.signed for stream in stored_streams(self._store))
        if signed > self._marked:
            self._watermark.write(Mark(self._signer, signed))
            self._marked = signed

    def waiting(self, *, channels: Sequence[int], limit: int) -> list[Waiting]:
        """The oldest segments of some channels, in the order in which they were signed."""
        marks = ", ".join("?" * len(channels))
        rows = self._store.rows(
            "SELECT digest, channel, first_seq, readings, t_last_ms, payload, refusals, signer FROM segment "
            f"WHERE channel IN ({marks}) AND signer IS NOT NULL ORDER BY number LIMIT ?",
            *channels, limit,
        )  # fmt: skip
        return [
            Waiting(
                digest=Digest(_bytes(digest)), channel=_int(channel), first_seq=_int(first), readings=_int(count),
                t_last_ms=_int(t_last), payload=_bytes(payload), refusals=_int(refusals),
                signer=Address(_bytes(signer)),
            )
            for digest, channel, first, count, t_last, payload, refusals, signer in rows
        ]  # fmt: skip

    def settle(self, acks: Iterable[Acknowledged], refusals: Iterable[Refusal], *, at_ms: int) -> None:
        """Let acknowledged segments go, keep their acknowledgements, and note refusals. Raises StorageFailed.

        The caller has checked that each acknowledgement is signed by a pinned key.
        """
        with self._store.change() as db:
            for ack in acks:
                db.execute(
                    "INSERT OR IGNORE INTO ack (digest, channel, first_seq, readings, epoch, signature, received_ms) "
                    "SELECT digest, channel, first_seq, readings, ?, ?, ? FROM segment WHERE digest = ?",
                    (ack.epoch, ack.signature, at_ms, ack.segment),
                )
                db.execute("DELETE FROM segment WHERE digest = ?", (ack.segment,))
            db.executemany(
                "UPDATE segment SET refusals = refusals + 1, code = ?, detail = ? WHERE digest = ?",
                [(refusal.code, refusal.detail, refusal.segment) for refusal in refusals],
            )

    def _adopt(self) -> None:
        """Bind the database to the key, and refuse a key that signed more than the database knows."""
        known = self._store.meta("signer")
        if known is None:
            with self._store.change() as db:
                db.execute("INSERT INTO meta VALUES ('signer', ?)", (self._signer,))
        elif known != self._signer:
            raise KeyForeign(want=Address(known), got=self._signer)
        signed = sum(stream.signed for stream in stored_streams(self._store))
        mark = self._watermark.read()
        if mark is not None and mark.signer not in (self._signer, self._before):
            raise KeyForeign(want=mark.signer, got=self._signer)
        self._marked = mark.signed if mark else 0
        if self._marked > signed:
            raise HeadLost(signer=self._signer, marked_segments=self._marked, found_segments=signed)
        self.mark()


def stored_streams(store: Store) -> list[Stream]:
    """The streams in a database, by channel."""
    return [_stream(*row) for row in store.rows("SELECT * FROM stream ORDER BY channel")]


def _row(stream: Stream) -> tuple[object, ...]:
    opened = stream.opened
    last = reading_bytes.encode(stream.last) if stream.last else None
    start = (stream.channel, stream.head.next_seq, stream.head.digest, stream.signed)
    if opened is None:
        return (*start, None, None, None, None, None, last)
    readings = b"".join(map(reading_bytes.encode, opened.readings))
    return (*start, opened.epoch, opened.secret, opened.beacon.block, opened.beacon.hash, readings, last)


def _stream(*row: object) -> Stream:
    channel, next_seq, head, signed, epoch, secret, block, block_hash, readings, last = row
    opened = None
    if epoch is not None:
        opened = Opened(
            epoch=_int(epoch),
            secret=Digest(_bytes(secret)),
            beacon=Beacon(block=_int(block), hash=Digest(_bytes(block_hash))),
            readings=tuple(map(reading_bytes.decode, split_readings(_bytes(readings)))),
        )
    return Stream(
        channel=_int(channel),
        head=Head(next_seq=_int(next_seq), digest=Digest(_bytes(head))),
        signed=_int(signed),
        opened=opened,
        last=None if last is None else reading_bytes.decode(_bytes(last)),
    )


def _segment_row(sealed: SealedSegment) -> tuple[object, ...]:
    signed = sealed.signed
    segment, payload = signed.segment, cbor.encode(sealed_to_plain(sealed))
    place = (segment.channel, segment.first_seq, segment.count, segment.t_last_ms)
    return (signed.digest, *place, payload, None if signed.alg == HELD else signed.signer)


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value
