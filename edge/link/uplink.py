"""The uplink (protocol 4.1 and 10.2): segments go in order and again until acknowledged; waiting doubles, in ticks.

A refused segment stays, with the reason and an alarm, and is offered again: the platform may come to know the device
later. What follows it in its channel waits, because each segment continues the one before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alliance.errors import Refused
from alliance.identity import Address, Digest
from alliance.ports import Clock
from edge.evidence.outbox import Acknowledged, Outbox, Waiting
from edge.evidence.sampling import CHANNELS
from edge.health.alarms import Alarms
from edge.keys.signing import KeyKeeper
from edge.link import cap
from edge.link.cap import Bucket
from edge.link.service import AnswerMalformed, Service, UploadAnswer
from oracle import eip712, signature
from oracle.eip712 import Domain
from oracle.signature import SECP256K1, AlgorithmUnknown, SignatureMalformed

BATCH = 64
"""Segments of one request: at most 64 × 60 readings of 64 bytes, a quarter of a megabyte."""
BATCHES_A_TICK = 8
REACH = 1_000
"""Segments of one request while those of a lapsed key wait for a later one, by a valid key, that reaches them."""
_LAPSED = "signer_lapsed"


@dataclass(kw_only=True, eq=False)
class AckForeign(Refused):
    """An acknowledgement is not signed by a pinned key; the segment stays."""

    segment: Digest
    signer: str


class Backoff:
    """Counts ticks: 1, 2, 4, … up to a limit are let pass after failures in a row."""

    def __init__(self, limit_ticks: int) -> None:
        self._limit, self._wait, self._left = limit_ticks, 0, 0

    def due(self) -> bool:
        """Whether to try in this tick; ask once a tick."""
        if self._left:
            self._left -= 1
            return False
        return True

    def failed(self) -> None:
        """Wait longer than the last time."""
        self._wait = min(max(1, 2 * self._wait), self._limit)
        self._left = self._wait

    def succeeded(self) -> None:
        """Wait no more."""
        self._wait = self._left = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledger:
    """Whose acknowledgements count, and for which deployment."""

    domain: Domain
    keys: frozenset[Address]

    def check(self, ack: Acknowledged) -> None:
        """Refuse an acknowledgement by anyone else. Raises AckForeign."""
        named = eip712.ack_digest(self.domain, segment=ack.segment, epoch=ack.epoch)
        try:
            signer = signature.recover(named, alg=SECP256K1, signature=ack.signature)
        except (AlgorithmUnknown, SignatureMalformed) as error:
            raise AckForeign(segment=ack.segment, signer=str(error)) from error
        if signer not in self.keys:
            raise AckForeign(segment=ack.segment, signer="0x" + signer.hex())


class Uplink:
    """Empties the outbox into the platform."""

    def __init__(
        self, *, outbox: Outbox, service: Service, acknowledger: Acknowledger, alarms: Alarms, clock: Clock,
        backoff_ticks: int, keeper: KeyKeeper | None = None, bytes_per_s: int = 0,
    ) -> None:  # fmt: skip
        self._bucket, self._sent_bytes = Bucket(bytes_per_s=bytes_per_s), 0
        self._keeper, self._reaching = keeper, set[int]()
        self._outbox, self._service, self._acknowledger = outbox, service, acknowledger
        self._alarms, self._clock = alarms, clock
        self._channels = {channel: Backoff(backoff_ticks) for channel in CHANNELS}

    def may_talk(self) -> bool:
        """Whether the cap lets anything leave now (protocol 10.23)."""
        sent = self._service.sent_bytes - self._sent_bytes
        self._sent_bytes += sent
        self._bucket = cap.filled(cap.spent(self._bucket, sent_bytes=sent), t_ms=self._clock.now_ms())
        return self._bucket.open

    async def send(self) -> int:
        """Send what waits, oldest first, as far as one tick allows; returns how many were acknowledged.

        Raises ServiceError, StorageFailed, OSError or AckForeign; nothing is lost by any of them.
        """
        if self._keeper is not None and self._keeper.holding:
            self._keeper.look(at_ms=self._clock.now_ms())
        channels = [channel for channel, backoff in self._channels.items() if backoff.due()]
        acknowledged = 0
        for _ in range(BATCHES_A_TICK):
            may_talk = self.may_talk()
            reach = bool(self._reaching.intersection(channels))
            batch = self._outbox.waiting(channels=channels, limit=REACH if reach else BATCH)
            if not reach:  # what reaches a lapsed key's segments goes whole, and is paid for afterwards
                batch = batch[: cap.fitting([len(waiting.payload) for waiting in batch], bucket=self._bucket)]
            if not batch or not may_talk:
                break
            self._outbox.mark()
            answer = await self._service.upload([waiting.payload for waiting in batch])
            acknowledged += self._settle(batch, answer)
            channels = self._judge(channels, batch, answer)
        return acknowledged

    def _settle(self, batch: Sequence[Waiting], answer: UploadAnswer) -> int:
        """Store what the answer says of this batch; what it says of anything else is not heard."""
        sent = {waiting.digest for waiting in batch}
        acks = [ack for ack in answer.acks if ack.segment in sent]
        for ack in acks:
            self._acknowledger.check(ack)
        refused = [refusal for refusal in answer.refused if refusal.segment in sent]
        self._outbox.settle(acks, refused, at_ms=self._clock.now_ms())
        if len({*(a.segment for a in acks), *(r.segment for r in refused)}) != len(sent):
            raise AnswerMalformed(url="/v1/segments", problem=f"{len(sent)} sent, {len(acks)} acknowledged, "
                                  f"{len(refused)} refused")  # fmt: skip
        return len(acks)

    def _judge(self, channels: Sequence[int], batch: Sequence[Waiting], answer: UploadAnswer) -> list[int]:
        """The channels that may go on; a refused one waits, under an alarm that names the first refusal."""
        at_ms, of = self._clock.now_ms(), {waiting.digest: waiting for waiting in batch}
        blocked: set[int] = set()
        for refusal in answer.refused:
            channel = of[refusal.segment].channel if refusal.segment in of else None
            if channel is None or channel in blocked:
                continue
            blocked.add(channel)
            self._channels[channel].failed()
            if refusal.code == _LAPSED:
                self._lapsed(of[refusal.segment], refusal.detail, at_ms=at_ms)
            self._alarms.count("segments_refused")
            self._alarms.raised(
                f"segment.refused.{channel}", at_ms=at_ms, segment="0x" + refusal.segment.hex(),
                first_seq=of[refusal.segment].first_seq, refusal=refusal.code, detail=refusal.detail,
            )  # fmt: skip
        for channel in {waiting.channel for waiting in batch} - blocked:
            self._channels[channel].succeeded()
            self._reaching.discard(channel)
            self._alarms.cleared(f"segment.refused.{channel}", at_ms=at_ms)
        return [channel for channel in channels if channel not in blocked]

    def _lapsed(self, refused: Waiting, why: str, *, at_ms: int) -> None:
        """The key that signed a segment has lapsed: if it is the one in use, another must take over."""
        self._reaching.add(refused.channel)
        if self._keeper is not None and refused.signer == self._outbox.signer:
            self._keeper.lapsed(at_ms=at_ms, why=why)
