"""Signed segments sent over HTTP to a service of its own process, against the same segments only hashed and verified.

Eight stations' uplinks send at once, each waiting for its acknowledgements; the service commits before it answers. The
limit beside it: 50,000 readings a second on two cores, and 1 s for the 99th percentile of an acknowledgement.
"""

import json
import socket
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import coincurve
import httpx

from alliance.reading import Reading
from alliance.segment import START, Head
from cli.benches import segments as stored
from cli.benches.ground import DAY, Founded, Ground
from cli.benches.measure import Comparison, Finding, best_of
from edge.evidence.sampling import BATTERY_CHANNEL, METER_CHANNEL
from oracle import contents, segment
from oracle import reading as reading_bytes
from oracle.hashing import sha256
from oracle.segment import SealedSegment
from oracle.signature import SecpSigner
from simulation.anvil import free_port
from simulation.processes import Processes, program

READINGS = 60
"""A segment's most."""
BATCH = 16
UPLINKS = 8
LIMIT_READINGS_PER_S = 50_000
LIMIT_P99_S = 1.0


def run(ground: Ground) -> list[Finding]:
    """Five hours of six stations at a reading a second: twelve streams of 300 segments of 60 readings."""
    founded, latencies = ground.founded, list[float]()
    streams = [list(_stream(founded, box, channel)) for box in founded.boxes for channel in _CHANNELS]
    bodies = [[stored.body(one[at : at + BATCH]) for at in range(0, len(one), BATCH)] for one in streams]
    count = sum(map(len, streams))
    service, prepared = _Service(founded, ground.folder()), ground.folder() / "service"
    stored.prepare(founded, prepared)
    fresh = stored.Fresh(founded, prepared)

    def before() -> None:
        service.stop()
        fresh.copy()
        service.start(fresh.used)

    try:
        ours = best_of(lambda: latencies.extend(_sent(service.url, bodies)), before=before)
    finally:
        service.stop()
    every = [one for stream in streams for one in stream]
    signatures = [(stored.recoverable(one.signed.signature), one.signed.digest) for one in every]
    theirs = best_of(lambda: _least(every, signatures))
    ordered = sorted(latencies)
    p99_s = ordered[len(ordered) * 99 // 100]
    rate = round(count * READINGS / ours.wall_s)
    return [
        Comparison(
            name="segments sent over HTTP, verified, committed (synchronous=FULL) and acknowledged, eight at once",
            ours=ours,
            against="the same contents hashed and signatures recovered, in this process",
            theirs=theirs,
            facts={
                "segments": count, "readings": count * READINGS, "batch": BATCH, "uplinks": UPLINKS,
                "readings_per_s": rate, "limit_readings_per_s": LIMIT_READINGS_PER_S,
                "ratio_to_limit": round(rate / LIMIT_READINGS_PER_S, 3),
                "ack_median_s": round(statistics.median(ordered), 4), "ack_p99_s": round(p99_s, 4),
                "limit_p99_s": LIMIT_P99_S,
            },
        )
    ]  # fmt: skip


_CHANNELS = (METER_CHANNEL, BATTERY_CHANNEL)
_SEGMENTS = 300
"""Of each stream."""


class _Service:
    """`alliance-service` as a process whose clock stands at the day's beginning."""

    def __init__(self, founded: Founded, folder: Path) -> None:
        self._founded, self._processes = founded, Processes(folder)
        self.url = ""

    def start(self, state: Path) -> None:
        """Start it on a state folder and wait until it answers."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        clock = _standing_clock()
        environment = {
            "ALLIANCE_SERVICE_STATE": str(state), "ALLIANCE_SERVICE_PORT": str(port),
            "ALLIANCE_SERVICE_RPC_URL": self._founded.anvil.url, "ALLIANCE_SERVICE_FINALITY_BLOCKS": "2",
            "ALLIANCE_SERVICE_PACER": "lockstep", "ALLIANCE_SERVICE_PACER_ADDRESS": f"127.0.0.1:{clock}",
            "ALLIANCE_SERVICE_LOG_LEVEL": "error",
        }  # fmt: skip
        self._processes.start("service", [program("alliance-service"), "run"], environment=environment)
        while not _answers(self.url):
            self._processes.check()

    def stop(self) -> None:
        """End it, if it runs."""
        self._processes.stop_all()


def _standing_clock() -> int:
    """The port of a supervisor that grants one tick, the day's beginning, and no other."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as joined:
            joined.recv(1 << 12)
            joined.sendall(json.dumps({"tick": DAY.start_ms}).encode() + b"\n")
            while joined.recv(1 << 12):
                pass

    threading.Thread(target=serve, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def _answers(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/readyz", timeout=5).json()["now"] >= DAY.start_ms)
    except (httpx.HTTPError, KeyError, ValueError):
        time.sleep(0.05)
        return False


def _sent(url: str, streams: Sequence[Sequence[bytes]]) -> list[float]:
    """Send all streams, each in its order, some at once; how long each acknowledgement took, seconds."""
    with ThreadPoolExecutor(UPLINKS) as pool:
        return [took for one in pool.map(lambda bodies: list(_send(url, bodies)), streams) for took in one]


def _send(url: str, bodies: Sequence[bytes]) -> Iterator[float]:
    with httpx.Client(base_url=url, timeout=60) as client:
        for body in bodies:
            began = time.perf_counter()
            reply = client.post("/v1/segments", content=body, headers={"content-type": stored.MEDIA_TYPE})
            yield time.perf_counter() - began
            answer = reply.json()
            if reply.status_code != httpx.codes.OK or answer["refused"]:
                raise ConnectionError(f"the service refused a segment: {reply.text[:300]}")


def _stream(founded: Founded, box: SecpSigner, channel: int) -> Iterator[SealedSegment]:
    """A stream at a reading a second, a segment a minute."""
    head = START
    for number in range(_SEGMENTS):
        secret = sha256(b"bench secret", box.address, bytes([channel]), number.to_bytes(2, "big"))
        covered = [
            segment.salted(
                Reading(
                    channel=channel, seq=seq, t_ms=DAY.start_ms + (seq + 1) * 1_000, a=60_000, b=0, c=0, d=seq * 17,
                    salt=b"",
                ),
                secret,
            )
            for seq in range(head.next_seq, head.next_seq + READINGS)
        ]  # fmt: skip
        closed = segment.close(covered, device=box.address, channel=channel, head=head, closed_at_ms=covered[-1].t_ms)
        signed = segment.sign(closed, domain=founded.deployment.domain, signer=box)
        head = Head(next_seq=closed.next_seq, digest=signed.digest)
        yield SealedSegment(signed=signed, secret=secret, readings=b"".join(map(reading_bytes.encode, covered)))


def _least(every: Sequence[SealedSegment], signatures: Sequence[tuple[bytes, bytes]]) -> None:
    for one in every:
        contents.checked(one)
    for signature, digest in signatures:
        coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)
