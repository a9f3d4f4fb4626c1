"""Segments verified and stored, as `POST /v1/segments` does it, against their signatures verified singly."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import coincurve

from alliance.calendar import SLOT_MS, SLOTS_A_DAY
from alliance.reading import Reading, battery_word
from alliance.segment import START, Head
from api.build import platform_of_settings
from api.jobs.follow import Follow
from api.platform import Platform
from api.segments import service
from api.settings import Settings
from cli.benches.ground import DAY, Founded, Ground
from cli.benches.measure import Comparison, Finding, best_of
from edge.evidence.sampling import BATTERY_CHANNEL, METER_CHANNEL
from oracle import cbor, segment
from oracle import deployment as deployments
from oracle import reading as reading_bytes
from oracle.eip712 import ack_digest
from oracle.hashing import sha256
from oracle.segment import SealedSegment
from oracle.signature import SecpSigner, expand

BATCH = 64
MEDIA_TYPE = "application/vnd.ipld.dag-cbor"
MINUTE_MS = 60_000
READINGS = SLOT_MS // MINUTE_MS
_KEYS = ("writer", "settler", "acknowledger")


@dataclass(frozen=True, slots=True)
class _Standing:
    """A clock that shows the end of the day."""

    t_ms: int = DAY.end_ms

    def now_ms(self) -> int:
        """UTC milliseconds."""
        return self.t_ms


def run(ground: Ground) -> list[Finding]:
    """A day of the demo's streams: six stations, two channels, 96 segments of 15 readings each."""
    founded = ground.founded
    sealed = list(_day(founded))
    bodies = [body(sealed[at : at + BATCH]) for at in range(0, len(sealed), BATCH)]
    prepared = ground.folder() / "service"
    prepare(founded, prepared)
    with Fresh(founded, prepared) as fresh:
        kept: list[int] = []
        ours = best_of(lambda: kept.append(_upload(fresh.platform, bodies)), before=fresh.open)
    assert set(kept) == {len(sealed)}, f"{kept} of {len(sealed)} segments were stored"
    signatures = [(recoverable(one.signed.signature), one.signed.digest) for one in sealed]
    theirs = best_of(lambda: _recover_all(signatures))
    return [
        Comparison(
            name="segments verified, stored (SQLite, synchronous=FULL) and acknowledged",
            ours=ours,
            against="their signatures recovered singly (coincurve)",
            theirs=theirs,
            facts={
                "segments": len(sealed),
                "readings": len(sealed) * READINGS,
                "batch": BATCH,
                "segments_per_s": round(len(sealed) / ours.wall_s),
                "readings_per_s": round(len(sealed) * READINGS / ours.wall_s),
                "signatures_per_s": round(len(sealed) / theirs.wall_s),
            },
        )
    ]


def _day(founded: Founded) -> Iterator[SealedSegment]:
    """The day's segments in the order in which the stations send them."""
    heads: dict[tuple[int, int], Head] = {}
    for slot in range(SLOTS_A_DAY):
        for station, box in enumerate(founded.boxes):
            for channel in (METER_CHANNEL, BATTERY_CHANNEL):
                made = _sealed(founded, box, channel, heads.get((station, channel), START), slot)
                heads[station, channel] = Head(next_seq=made.signed.segment.next_seq, digest=made.signed.digest)
                yield made


def _sealed(founded: Founded, box: SecpSigner, channel: int, head: Head, slot: int) -> SealedSegment:
    secret = sha256(b"bench secret", box.address, bytes([channel]), slot.to_bytes(2, "big"))
    state = 0 if channel == METER_CHANNEL else battery_word(soc_bp=5_000, soh_bp=9_900)
    covered = [
        segment.salted(
            Reading(
                channel=channel, seq=seq, t_ms=DAY.start_ms + (seq + 1) * MINUTE_MS, a=60_000, b=state, c=0,
                d=seq * 1_000, salt=b"",
            ),
            secret,
        )
        for seq in range(head.next_seq, head.next_seq + READINGS)
    ]  # fmt: skip
    closed = segment.close(covered, device=box.address, channel=channel, head=head, closed_at_ms=covered[-1].t_ms)
    signed = segment.sign(closed, domain=founded.deployment.domain, signer=box)
    return SealedSegment(signed=signed, secret=secret, readings=b"".join(map(reading_bytes.encode, covered)))


def body(sealed: Sequence[SealedSegment]) -> bytes:
    """An upload of segments."""
    return cbor.encode({"v": service.VERSION, "segments": [segment.sealed_to_plain(one) for one in sealed]})


def prepare(founded: Founded, folder: Path) -> None:
    """A service's folder whose tables have followed the chain: members, stations, devices, keys, channels."""
    (folder / "keys").mkdir(parents=True)
    (folder / "deployment.json").write_text(json.dumps(deployments.to_plain(founded.deployment)))
    for role in _KEYS:
        path = folder / "keys" / role
        path.touch(mode=0o600)
        path.write_text(founded.keyring.secret(role).hex())
    for _ in range(3):
        founded.anvil.mine_at(founded.anvil.rpc.head().timestamp_s + 1)
    with _platform(founded, folder) as platform:
        Follow(platform).run(platform.clock.now_ms())


class Fresh:
    """A platform on a fresh copy of a prepared folder, as often as it is opened."""

    def __init__(self, founded: Founded, prepared: Path) -> None:
        self._founded, self._prepared = founded, prepared
        self.used = prepared.with_name("used")
        self._open = ExitStack()

    def copy(self) -> None:
        """Copy the prepared folder anew to `used`."""
        shutil.rmtree(self.used, ignore_errors=True)
        shutil.copytree(self._prepared, self.used)

    def open(self) -> None:
        """Begin afresh, with a platform in this process."""
        self._open.close()
        self.copy()
        self.platform = self._open.enter_context(_platform(self._founded, self.used))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()


@contextmanager
def _platform(founded: Founded, folder: Path) -> Iterator[Platform]:
    settings = Settings(
        state=folder, rpc_url=founded.anvil.url, finality_blocks=2, acknowledger_key=folder / "keys" / "acknowledger"
    )
    platform = replace(platform_of_settings(settings), clock=_Standing())
    try:
        yield platform
    finally:
        platform.close()


def _upload(platform: Platform, bodies: list[bytes]) -> int:
    """What the route does for each body, the connection apart; how many segments were stored."""
    stored, domain = 0, platform.deployment.domain
    for raw in bodies:
        items = service.read_upload(raw, limit=platform.settings.max_segments)
        with platform.database.reading() as connection:
            found = service.read(platform, connection, items)
        with platform.database.writing() as connection:
            outcome = service.ingest(platform, connection, found)
        for one in outcome.accepted:
            platform.acknowledger.sign(ack_digest(domain, segment=one.segment, epoch=one.epoch))
        stored += len(outcome.accepted)
    return stored


def recoverable(signature: bytes) -> bytes:
    """r ‖ s ‖ parity of y, as coincurve wants it."""
    whole = expand(signature)
    return whole[:64] + bytes([whole[64] - 27])


def _recover_all(signatures: Sequence[tuple[bytes, bytes]]) -> None:
    for signature, digest in signatures:
        coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)
