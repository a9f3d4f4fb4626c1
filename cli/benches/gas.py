"""Gas on a real chain: an epoch's step of the log at four sizes, one reading proved, a day's statement.

Beside it what attesting or timestamping each reading by itself costs, by the contracts of the Ethereum Attestation
Service as npm carries them, in the same run.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alliance.calendar import Day, epoch_start_ms
from alliance.identity import ZERO_ADDRESS, Address, Digest, MemberId
from alliance.reading import Reading
from alliance.segment import START
from chain import abi, anchors, settlements
from chain.anchors import Advance, ReadingProof
from chain.rpc import Receipt
from chain.settlements import Posting
from chain.wallet import Wallet
from cli.benches.ground import DAY, Founded, Ground
from cli.benches.measure import Figures, Finding
from oracle import reading as reading_bytes
from oracle import segment
from oracle.hashing import keccak256, sha256
from oracle.log import segment_entry
from oracle.merkle import HashTree, leaf_hash, node_hash
from simulation.cast import STATIONS

EXPONENTS = (10, 16, 20, 27)
LIMIT_ADVANCE, LIMIT_PROVE, LIMIT_COURT = 60_000, 75_000, 300_000
_SNAPSHOT = Path(__file__).resolve().parents[2] / "contracts/gas.json"
_PEER = Path(__file__).resolve().parents[2] / "tests/peers/node_modules/@ethereum-attestation-service/eas-contracts"
STEPS = 8
PROVED_AT = 20
EPOCH_ENTRIES = 2 * len(STATIONS) + 1
"""Two channels a station, and the epoch's own entry."""
EPOCH_READINGS = 2 * len(STATIONS) * 15


def run(ground: Ground, *, exponents: tuple[int, ...] = EXPONENTS) -> list[Finding]:
    """Steps around each size, half of them before it and half after: a proof's length depends on where the log ends."""
    book = _Book(ground.founded)
    found: list[Finding] = []
    shown = _Shown(ground.founded)
    for exponent in exponents:
        if exponent == PROVED_AT:  # in the log's midst, where a path to the root is longest
            book.grow_to(1 << (exponent - 1))
            book.grow_by(1, leaves=[shown.leaf])
        book.grow_to((1 << exponent) - STEPS // 2 * EPOCH_ENTRIES)
        costs = [book.grow_by(EPOCH_ENTRIES).gas_used for _ in range(STEPS)]
        mean = sum(costs) / STEPS
        found.append(
            Figures(
                name=f"advance of the log around 2^{exponent} entries",
                facts={
                    "gas_per_epoch_mean": round(mean),
                    "gas_per_epoch_least": min(costs),
                    "gas_per_epoch_most": max(costs),
                    "gas_per_reading": round(mean / EPOCH_READINGS, 1),
                    "entries_per_epoch": EPOCH_ENTRIES,
                    "readings_per_epoch": EPOCH_READINGS,
                    "limit_to_2^20": LIMIT_ADVANCE,
                    "ratio_to_limit": round(mean / LIMIT_ADVANCE, 3),
                },
            )
        )
        if exponent == PROVED_AT:
            found.append(_proof(ground.founded, book, shown, index=1 << (exponent - 1)))
    found.append(_growth(found))
    return [*found, _statements(ground.founded), *_court(), *_one_by_one(ground.founded)]


@dataclass(slots=True)
class _Book:
    """The log as its writer keeps it, and the chain that it is anchored on."""

    founded: Founded
    tree: "_PaddedTree" = field(default_factory=lambda: _PaddedTree())
    epoch: int = 0
    anchored: int = 0

    def __post_init__(self) -> None:
        self.epoch = self.founded.deployment.start_epoch

    def grow_to(self, size: int) -> None:
        """One step up to a size: the first one needs no proof, so a log of any size may begin with it."""
        self.grow_by(size - self.anchored)

    def grow_by(self, count: int, *, leaves: Sequence[Digest] = ()) -> Receipt:
        """One epoch's step by so many entries, the last of them given."""
        old = self.anchored
        self.tree.pad(count - len(leaves))
        for leaf in leaves:
            self.tree.append(leaf)
        self.epoch, self.anchored = self.epoch + 1, old + count
        step = Advance(
            epoch=self.epoch, old_size=old, new_size=self.anchored, root=self.tree.root(),
            proof=tuple(self.tree.consistency_proof(old)), manifest=sha256(b"manifest", self.epoch.to_bytes(8, "big")),
        )  # fmt: skip
        _mine_after(self.founded, epoch_start_ms(self.epoch + 1) // 1000)
        to = self.founded.deployment["AnchorLog"].address
        return _wallet(self.founded, "writer").send(to, anchors.advance(step))


class _PaddedTree(HashTree):
    """A hash tree most of whose leaves are the same, so that 2^27 of them need no memory; its proofs are real ones."""

    def __init__(self) -> None:
        super().__init__()
        self._size = 0
        self._own: dict[int, Digest] = {}
        """Leaves that are not the common one."""
        self._common = [sha256(b"bench leaf")]

    @property
    def size(self) -> int:
        """How many leaves stand in the tree."""
        return self._size

    def pad(self, count: int) -> None:
        """Add common leaves."""
        self._size += count

    def append(self, leaf: bytes) -> None:
        """Add a leaf of its own."""
        self._own[self._size] = Digest(leaf)
        self._size += 1

    def _node(self, height: int, index: int) -> Digest:
        first, end = index << height, (index + 1) << height
        if not any(first <= at < end for at in self._own):
            while len(self._common) <= height:
                self._common.append(node_hash(self._common[-1], self._common[-1]))
            return self._common[height]
        if height == 0:
            return self._own[index]
        return node_hash(self._node(height - 1, 2 * index), self._node(height - 1, 2 * index + 1))


def _growth(found: Sequence[Finding]) -> Figures:
    """What a doubling of the log adds to a step, by the means of the smallest and the largest log."""
    means = [one.facts["gas_per_epoch_mean"] for one in found if "gas_per_epoch_mean" in one.facts]
    first, last = float(means[0]), float(means[-1])
    doublings = EXPONENTS[-1] - EXPONENTS[0]
    return Figures(
        name=f"growth of a step per doubling, 2^{EXPONENTS[0]} to 2^{EXPONENTS[-1]}",
        facts={"gas_per_doubling": round((last - first) / doublings)},
    )


class _Shown:
    """A signed segment of 60 readings, one of which is proved."""

    def __init__(self, founded: Founded) -> None:
        box, secret = founded.boxes[0], sha256(b"bench proof")
        covered = [
            segment.salted(
                Reading(channel=1, seq=seq, t_ms=DAY.start_ms + 60_000 * seq, a=1, b=0, c=0, d=seq, salt=b""), secret
            )
            for seq in range(60)
        ]
        closed = segment.close(covered, device=box.address, channel=1, head=START, closed_at_ms=covered[-1].t_ms)
        self.signed = segment.sign(closed, domain=founded.deployment.domain, signer=box)
        self.raw = [reading_bytes.encode(one) for one in covered]
        self.leaf = leaf_hash(segment_entry(self.signed).raw)


def _proof(founded: Founded, book: _Book, shown: _Shown, *, index: int) -> Figures:
    """One reading with its device's signature, proved against the live root; sent as a transaction."""
    path = HashTree(map(leaf_hash, shown.raw)).inclusion_proof(30)
    proof = ReadingProof(
        reading=shown.raw[30], reading_proof=tuple(path), signed=shown.signed, entry_index=index,
        entry_proof=tuple(book.tree.inclusion_proof(index)),
    )  # fmt: skip
    used = _wallet(founded, "writer").send(founded.deployment["AnchorLog"].address, anchors.prove_call(proof)).gas_used
    return Figures(
        name=f"one reading of 60 proved with its signature, log of 2^{PROVED_AT} entries",
        facts={"gas": used, "limit": LIMIT_PROVE, "ratio_to_limit": round(used / LIMIT_PROVE, 3)},
    )


def _court() -> list[Figures]:
    """The most that each kind of dispute used in tests on a real chain, as contracts/gas.json records it."""
    if not _SNAPSHOT.is_file():
        return []
    most: dict[str, int] = json.loads(_SNAPSHOT.read_text())["court"]
    return [
        Figures(
            name=f"the court's {call}, worst (as recorded, rows kept)",
            facts={"gas": used, "limit": LIMIT_COURT, "ratio_to_limit": round(used / LIMIT_COURT, 3)},
        )
        for call, used in sorted(most.items(), key=lambda one: -one[1])
    ]


def _one_by_one(founded: Founded) -> list[Figures]:
    """One attestation and one timestamp a reading, by npm's eas-contracts; nothing where they are not installed."""
    if not _PEER.is_dir():
        return []
    wallet = _wallet(founded, "writer")
    schemas = _created(wallet, "SchemaRegistry", b"")
    service = _created(wallet, "EAS", abi.encode("(address)", (schemas,)))
    schema = b"bytes reading"
    wallet.send(schemas, _REGISTER + abi.encode("(bytes,address,bool)", (schema, ZERO_ADDRESS, True)))
    named = keccak256(schema + ZERO_ADDRESS + b"\x01")
    reading = b"SAR1" + bytes(60)
    data = abi.encode("(bytes)", (reading,))
    attested = wallet.send(service, _ATTEST.encode((named, (founded.boxes[0].address, 0, False, bytes(32), data, 0))))
    stamped = wallet.send(service, _TIMESTAMP.encode(sha256(reading)))
    return [
        Figures(name="one attestation of one reading (EAS, npm)", facts={"gas_per_reading": attested.gas_used}),
        Figures(name="one timestamp of one reading (EAS, npm)", facts={"gas_per_reading": stamped.gas_used}),
    ]


_REGISTER = abi.selector("register(string,address,bool)")
_ATTEST = abi.Function("attest", "((bytes32,(address,uint64,bool,bytes32,bytes,uint256)))")
_TIMESTAMP = abi.Function("timestamp", "(bytes32)")


def _created(wallet: Wallet, name: str, arguments: bytes) -> Address:
    """A contract of the peer, created from its npm artifact."""
    plain = json.loads((_PEER / "artifacts" / "contracts" / f"{name}.sol" / f"{name}.json").read_text())
    made = wallet.send(None, bytes.fromhex(plain["bytecode"].removeprefix("0x")) + arguments).contract
    assert made is not None, "a creation has an address"
    return made


def _statements(founded: Founded) -> Figures:
    """A day's first statement, the next day's, and a correction of it; six members, platform, grid and pool."""
    first, next_day = (_post(founded, DAY.plus(at), version=1).gas_used for at in (0, 1))
    return Figures(
        name="statement of a day, six members",
        facts={
            "gas_first_day": first,
            "gas_next_day": next_day,
            "gas_correction": _post(founded, DAY.plus(1), version=2).gas_used,
        },
    )


def _post(founded: Founded, day: Day, *, version: int) -> Receipt:
    members = tuple(MemberId(at) for at in range(1, len(STATIONS) + 1))
    paid = tuple(-12_345 - at for at in members)
    posting = Posting(
        day=day, version=version, members=members, balances_cents=(*paid, 2_345, -sum(paid) - 2_345, 0),
        root=sha256(b"root", bytes([version])), leaf_count=5_000, statement=sha256(b"statement", bytes([version])),
    )  # fmt: skip
    _mine_after(founded, day.end_ms // 1000)
    to = founded.deployment["SettlementLedger"].address
    return _wallet(founded, "settler").send(to, settlements.post(posting))


def _wallet(founded: Founded, role: str) -> Wallet:
    rpc = founded.anvil.rpc

    def mine() -> None:
        founded.anvil.mine_at(rpc.head().timestamp_s + 1)

    return Wallet(rpc, founded.keyring.signer(role), chain_id=rpc.chain_id(), between_polls=mine)


def _mine_after(founded: Founded, time_s: int) -> None:
    """Let the chain's clock reach an instant."""
    if founded.anvil.rpc.head().timestamp_s < time_s:
        founded.anvil.mine_at(time_s)
