"""Gas on a real chain: an epoch's step of the log at three sizes, by epoch and by reading, and a day's statement."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from alliance.calendar import Day, epoch_start_ms
from alliance.identity import Digest, MemberId
from chain import anchors, settlements
from chain.anchors import Advance
from chain.rpc import Receipt
from chain.settlements import Posting
from chain.wallet import Wallet
from cli.benches.ground import DAY, Founded, Ground
from cli.benches.measure import Figures, Finding
from oracle.hashing import sha256
from oracle.merkle import HashTree
from simulation.cast import STATIONS

EXPONENTS = (10, 16, 20)
STEPS = 8
EPOCH_ENTRIES = 2 * len(STATIONS) + 1
"""Two channels a station, and the epoch's own entry."""
EPOCH_READINGS = 2 * len(STATIONS) * 15


def run(ground: Ground, *, exponents: tuple[int, ...] = EXPONENTS) -> list[Finding]:
    """Steps around each size, half of them before it and half after: a proof's length depends on where the log ends."""
    book = _Book(ground.founded)
    found: list[Finding] = []
    for exponent in exponents:
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
                },
            )
        )
    return [*found, _statements(ground.founded)]


@dataclass(slots=True)
class _Book:
    """The log as its writer keeps it, and the chain that it is anchored on."""

    founded: Founded
    tree: HashTree = field(default_factory=HashTree)
    epoch: int = 0
    anchored: int = 0

    def __post_init__(self) -> None:
        self.epoch = self.founded.deployment.start_epoch

    def grow_to(self, size: int) -> None:
        """One step up to a size: the first one needs no proof, so a log of any size may begin with it."""
        self.grow_by(size - self.anchored)

    def grow_by(self, count: int) -> Receipt:
        """One epoch's step by so many entries."""
        old = self.anchored
        for leaf in _leaves(old, count):
            self.tree.append(leaf)
        self.epoch, self.anchored = self.epoch + 1, old + count
        step = Advance(
            epoch=self.epoch, old_size=old, new_size=self.anchored, root=self.tree.root(),
            proof=tuple(self.tree.consistency_proof(old)), manifest=sha256(b"manifest", self.epoch.to_bytes(8, "big")),
        )  # fmt: skip
        _mine_after(self.founded, epoch_start_ms(self.epoch + 1) // 1000)
        to = self.founded.deployment["AnchorLog"].address
        return _wallet(self.founded, "writer").send(to, anchors.advance(step))


def _leaves(first: int, count: int) -> Iterator[Digest]:
    return (sha256(b"bench leaf", at.to_bytes(8, "big")) for at in range(first, first + count))


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
