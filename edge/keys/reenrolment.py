"""Beginning again after a lost head (protocol 3.9): a new key of the same device goes on where the log ends."""

from collections.abc import Mapping
from pathlib import Path

from alliance.errors import Refused
from alliance.identity import Address
from alliance.ports import Randomness
from alliance.segment import Head
from edge import folder as folders
from edge.evidence.outbox import HeadLost, Outbox
from edge.evidence.store import open_store
from edge.evidence.stream import Stream
from edge.evidence.watermark import Watermark
from oracle.eip712 import Domain
from oracle.keyfile import Lock
from oracle.signature import KeySigner


class HeadKept(Refused):
    """The state folder has its head: there is nothing to begin again."""


def begin_again(
    path: Path, *, device: Address, heads: Mapping[int, Head], domain: Domain, alg: int, key_lock: Lock,
    randomness: Randomness, quota_bytes: int, reserve_bytes: int,
) -> KeySigner:  # fmt: skip
    """Give a folder that lost its head a new key and the heads of the log. Raises HeadKept and what folders raise."""
    _require_lost(path, domain, key_lock, randomness, quota_bytes, reserve_bytes)
    signer = folders.begin_again(path, alg=alg, key_lock=key_lock, randomness=randomness)
    store = open_store(
        path / folders.DATABASE, alliance=domain.alliance, quota_bytes=quota_bytes, reserve_bytes=reserve_bytes
    )
    try:
        with store.change() as db:
            db.execute("INSERT INTO meta VALUES ('device', ?)", (device,))
            db.execute("INSERT INTO meta VALUES ('signer', ?)", (signer.address,))
        outbox = Outbox(store, Watermark(path / folders.MARK), signer=signer.address)
        outbox.save([Stream(channel=channel, head=head) for channel, head in sorted(heads.items())])
    finally:
        store.close()
    return signer


def _require_lost(
    path: Path, domain: Domain, key_lock: Lock, randomness: Randomness, quota_bytes: int, reserve_bytes: int
) -> None:
    try:
        folders.open_folder(
            path, domain=domain, randomness=randomness, key_lock=key_lock, quota_bytes=quota_bytes,
            reserve_bytes=reserve_bytes,
        ).close()  # fmt: skip
    except HeadLost:
        return
    raise HeadKept
