"""Readers of a service under test, and what they can open."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from alliance.errors import AllianceError
from alliance.identity import Digest
from oracle import block, manifest
from oracle.grant import FolderGrants, Opener, ReaderKey
from oracle.hashing import sha256
from oracle.manifest import Row

T0 = 1_767_204_000_000
E0 = T0 // 900_000


@dataclass
class Desk:
    """The HTTP side of readers, asked by a member (by number), the operator, a regulator's wallet, or a stranger."""

    service: object
    admin_token: str
    count: int = 0

    def token(self, who: str) -> str:
        if who == "operator":
            return self.admin_token
        return self.service.sign_in(self.service.world.members[int(who) - 1], idempotency_key=f"in-{self._next()}")

    def ask(self, method: str, path: str, who: str, body: dict | None = None):
        headers = {"Authorization": f"Bearer {self.token(who)}", "Accept-Language": "en"}
        if method == "POST":
            headers["Idempotency-Key"] = f"key-{self._next()}"
        return self.service.client.request(method, path, headers=headers, json=body)

    def register(self, key: ReaderKey, kind: str, who: str, **more: object):
        body = {"publicKey": "0x" + key.public.hex(), "kind": kind, "name": kind, **more}
        return self.ask("POST", "/v1/readers", who, body)

    def give(self, key: ReaderKey, subject: int, who: str):
        return self.ask("POST", f"/v1/readers/{key.fingerprint}/subjects", who, {"subject": subject})

    def take_back(self, key: ReaderKey, subject: int, who: str):
        return self.ask("DELETE", f"/v1/readers/{key.fingerprint}/subjects/{subject}", who)

    def remove(self, key: ReaderKey, who: str):
        return self.ask("DELETE", f"/v1/readers/{key.fingerprint}", who)

    def _next(self) -> int:
        self.count += 1
        return self.count


@pytest.fixture
def desk(service, admin_token: str) -> Desk:
    return Desk(service, admin_token)


@pytest.fixture
def key() -> Callable[[str], ReaderKey]:
    return lambda name: ReaderKey(sha256(b"reader", name.encode()))


@pytest.fixture
def rows(service) -> Callable[[int], list[Row]]:
    """The rows with evidence of an epoch, as its archived manifest has them."""

    def found(epoch: int) -> list[Row]:
        given = service.client.get("/v1/epochs?limit=100").json()["items"]
        named = next(row["manifest"] for row in given if row["epoch"] == epoch)
        made = manifest.decode(service.platform.archive.get(Digest(bytes.fromhex(named[2:]))))
        return [row for row in made.rows if row.evidence is not None]

    return found


@pytest.fixture
def opens(service, rows) -> Callable[..., dict[tuple[int, int], bool]]:
    """(epoch, station) → whether a reader opens that station's evidence; every row of a station must agree."""

    def run(reader: ReaderKey, *epochs: int, source=None) -> dict[tuple[int, int], bool]:
        opener = Opener(reader, source or FolderGrants(service.platform.settings.archive_path))
        found: dict[tuple[int, int], bool] = {}
        stations = {key.address: at for at, key in enumerate(service.world.device_keys, start=1)}
        for epoch in epochs:
            for row in rows(epoch):
                opened = opened_by(service, opener, row, epoch)
                assert found.setdefault((epoch, stations[row.device]), opened) == opened
        return found

    return run


def opened_by(service, opener: Opener, row: Row, epoch: int) -> bool:
    raw = service.platform.archive.get(row.evidence)
    content_key = opener.key_of(row.evidence, epoch)
    try:
        sealed = block.decode(raw, service.world.deployment.domain, content_key=content_key)
    except AllianceError:
        assert content_key is None
        return False
    assert all(one.readings.count(b"SAR1") >= one.signed.segment.count for one in sealed)
    return True
