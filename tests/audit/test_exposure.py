"""E2, protocol 4.8.5: nothing on chain tells who somebody is or what was measured, in clear or as a hash one can guess.

Everything that a world ever sent or emitted is searched, at every byte, for texts and for hashes of guessable values:
names, licence numbers, readings, amounts, accounts, dates, small numbers. Each search is shown to find what it looks for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from alliance.identity import ZERO_ADDRESS, Digest
from chain import registry
from chain.events import StatementPosted
from chain.rpc import Rpc
from oracle import block, cbor, log, manifest, statement_document
from oracle import reading as reading_bytes
from oracle.document import open_block
from oracle.hashing import keccak256, sha256
from oracle.merkle import leaf_hash
from simulation.cast import STATIONS
from tests.audit.test_privacy import checkpoints, events
from tests.audit.world import DAY, LAST_EPOCH, OWNERS, STRANGER, Lies, World

HONEST = Lies()
LICENCES = ("91320700MA1XXXXX0X", "320706199001011234", "91320700140043210A", "13912345678")
"""A unified social credit code, an identity card's and a phone's number, as somebody might write them to the chain."""
SMALL = range(20_000)
"""Numbers that anyone tries first: members, stations, days, powers in kW …"""


def texts() -> list[str]:
    """What must not stand in clear, nor as a hash."""
    names = {name for s in STATIONS for name in (s.member_zh, s.member_en, s.name_zh, s.name_en, s.key)}
    return sorted(names | set(LICENCES))


def dates() -> list[str]:
    days = [DAY.plus(offset) for offset in range(-40, 41)]
    return [form for day in days for form in (str(day), str(day).replace("-", ""), f"{day}T00:00:00Z")]


@dataclass
class Guesses:
    """Hash → what it is the hash of."""

    known: dict[bytes, str] = field(default_factory=dict)

    def add(self, value: bytes, what: str) -> None:
        """Every hash of a value that our own tools make, or anyone else's."""
        for digest in (sha256(value), keccak256(value), leaf_hash(value), keccak256(keccak256(value))):
            self.known.setdefault(digest, what)

    def text(self, value: str, what: str) -> None:
        raw = value.encode()
        padded = raw + bytes(-len(raw) % 32)
        self.add(raw, what)
        self.add((32).to_bytes(32, "big") + len(raw).to_bytes(32, "big") + padded, f"{what}, abi-encoded")
        self.add(raw[:32].ljust(32, b"\0"), f"{what}, bytes32")

    def number(self, value: int, what: str) -> None:
        self.add(str(value).encode(), f"{what} {value} in decimal")
        for size in (1, 2, 4, 8, 32):
            if -(1 << size * 8 - 1) <= value < 1 << size * 8:
                self.add(value.to_bytes(size, "big", signed=value < 0), f"{what} {value} in {size} bytes")


def found_in(blobs: list[bytes], guesses: Guesses) -> list[str]:
    """What of the guesses stands anywhere in the blobs, at any byte, and which texts stand there in clear."""
    known, seen = guesses.known, []
    for blob in blobs:
        for at in range(len(blob) - 31):
            what = known.get(blob[at : at + 32])
            if what is not None:
                seen.append(f"hash of {what}")
    joined = b"\0".join(blobs)
    seen += [f"{text} in clear" for text in texts() if len(text) > 5 and text.encode() in joined]
    return seen


def on_chain(rpc: Rpc) -> list[bytes]:
    """All call data, and all topics and data of all events; once each."""
    blobs: set[bytes] = set()
    for number in range(rpc.block_number() + 1):
        found: Any = rpc.call("eth_getBlockByNumber", [hex(number), True])
        for sent in found["transactions"]:
            data = bytes.fromhex(sent["input"][2:])
            blobs.add(data if sent["to"] is not None else data[-4096:])  # of a creation, what its constructor was told
    logs: Any = rpc.call("eth_getLogs", [{"fromBlock": "0x0", "toBlock": "latest"}])
    for one in logs:
        blobs.add(bytes.fromhex(one["data"][2:]))
        blobs.update(bytes.fromhex(topic[2:]) for topic in one["topics"])
    return sorted(blobs)


@pytest.fixture(scope="module")
def guesses(sealed: World) -> Guesses:
    """Every guessable value of the world, its readings and amounts included."""
    sealed.play(HONEST)
    made = Guesses()
    for text in texts():
        made.text(text, f"name {text}")
    for date in dates():
        made.text(date, f"date {date}")
    for number in SMALL:
        made.number(number, "number")
    for signer in OWNERS:
        made.add(signer.address, "account")
        made.add(bytes(12) + signer.address, "account as a word")
        made.text("0x" + signer.address.hex(), "account as text")
    for value in readings_of(sealed):
        made.number(value, "reading's value")
    for raw in unsalted(sealed):
        made.add(raw, "reading without its salt")
    for amount in amounts(sealed):
        made.number(amount, "amount")
    return made


def readings_of(world: World) -> set[int]:
    return {
        value for _, sealed, _ in world.memory.logged[-120:] for r in sealed.decoded() for value in (r.a, r.b, r.c, r.d)
    }  # fmt: skip


def unsalted(world: World) -> Iterator[bytes]:
    for _, sealed, _ in world.memory.logged[-120:]:
        for at in range(0, len(sealed.readings), reading_bytes.SIZE):
            raw = sealed.readings[at : at + reading_bytes.SIZE]
            yield raw[:-16]
            yield raw[:-16] + bytes(16)


def amounts(world: World) -> set[int]:
    (statement,) = world.memory.statements[:1]
    return {line.amount_cents for line in statement.lines} | {
        line.quantity_wh for line in statement.lines if line.quantity_wh
    }


def test_nothing_guessable_stands_on_chain_when_a_whole_day_was_lived(sealed: World, guesses: Guesses) -> None:
    blobs = on_chain(sealed.rpc)
    print(f"searched {sum(map(len, blobs))} bytes of chain for {len(guesses.known)} hashes and {len(texts())} texts")
    assert len(guesses.known) > 300_000
    assert sum(map(len, blobs)) > 50_000
    assert found_in(blobs, guesses) == []


def application(content: bytes) -> Callable[[World], None]:
    """Somebody who applies with the hash of something that can be guessed."""
    return lambda world: world.send(STRANGER, "AllianceRegistry", registry.apply_for_membership(Digest(content)))


def note(content: bytes) -> Callable[[World], None]:
    """Somebody who writes something into a transaction's data."""

    def send(world: World) -> None:
        wallet = world.wallet(STRANGER)
        sent = wallet.broadcast(ZERO_ADDRESS, content)
        world.mine()
        wallet.wait(sent)

    return send


@pytest.mark.parametrize(
    ("bad", "want"),
    [
        (application(sha256(STATIONS[0].member_zh.encode())), "hash of name"),
        (application(keccak256(LICENCES[0].encode())), "hash of name 91320700MA1XXXXX0X"),
        (application(keccak256((4711).to_bytes(32, "big"))), "hash of number 4711 in 32 bytes"),
        (application(sha256(str(DAY).encode())), "hash of date"),
        (application(keccak256(bytes(12) + OWNERS[1].address)), "hash of account as a word"),
        (note(b"\x01\x02\x03" + sha256(b"320706199001011234") + b"\x09"), "hash of name 320706199001011234"),
        (note("业主 连云港港口储能公司".encode()), "连云港港口储能公司 in clear"),
    ],
)  # fmt: skip
def test_leak_is_found_when_somebody_writes_it_to_the_chain(
    sealed: World, guesses: Guesses, bad: Callable[[World], None], want: str
) -> None:
    """The known-bad controls."""
    sealed.play(HONEST)
    snapshot, now_s = sealed.rpc.call("evm_snapshot"), sealed.memory.now_s
    try:
        bad(sealed)
        seen = found_in(on_chain(sealed.rpc), guesses)
    finally:
        sealed.rpc.call("evm_revert", [snapshot])
        sealed.memory.now_s = now_s
    assert seen
    assert all(want in one for one in seen), seen


def test_unsalted_reading_and_amount_are_found_when_their_hashes_are_searched(sealed: World, guesses: Guesses) -> None:
    reading, amount = next(unsalted(sealed)), max(amounts(sealed))
    for leak in (leaf_hash(reading), sha256(reading), keccak256(keccak256(amount.to_bytes(32, "big")))):
        assert found_in([b"\xff" * 7 + leak + b"\xff"], guesses)
    salted = sealed.memory.logged[-1][1].readings[: reading_bytes.SIZE]
    assert found_in([leaf_hash(salted)], guesses) == []


def test_archive_shows_no_reading_secret_or_line_when_it_is_searched_without_a_key(sealed: World) -> None:
    sealed.play(HONEST)
    blocks = [sealed.archive.get(digest) for digest in sealed.archive.digests()]
    secrets = {one.secret for _, one, _ in sealed.memory.logged}
    assert len(secrets) > 500
    for raw in blocks:
        assert b"SAR1" not in raw
        assert not [word for word in (b"certificate", b"gain_cents", b"member:") if word in raw]
    joined = b"".join(blocks)
    assert not [secret for secret in secrets if secret in joined]
    assert not [text for text in texts() if len(text) > 5 and text.encode() in joined]


def test_searches_of_the_archive_find_something_when_a_reader_opens_it(sealed: World) -> None:
    """The control of the search above: what the view key opens is full of it."""
    sealed.play(HONEST)
    opener = sealed.opener("regulator")
    checkpoint = checkpoints(sealed)[LAST_EPOCH]
    made = manifest.decode(sealed.archive.get(checkpoint.manifest))
    row = next(row for row in made.rows if row.evidence)
    raw, key = sealed.archive.get(row.evidence), opener.key_of(row.evidence, LAST_EPOCH)
    opened = block.decode(raw, sealed.deployment.domain, content_key=key)
    assert b"SAR1" in opened[0].readings
    (posted,) = [event for event in events(sealed) if isinstance(event, StatementPosted)]
    key = opener.key_in(posted.statement, range(LAST_EPOCH + 2, LAST_EPOCH, -1))
    plain = open_block(sealed.archive.get(posted.statement), content_key=key)
    assert statement_document.from_plain(plain).lines
    assert b"lines" in cbor.encode(plain) or b"line" in cbor.encode(plain)
    entries = log.decode_entries(sealed.archive.get(made.entries))
    assert entries
