"""Bodies about settlements; amounts in cents, positive received, energies in Wh, prices in cents per MWh."""

from api.wire import BigInt, Cents, Hex20, Hex32, HexBytes, Milliseconds, Wire


class PartyAnswer(Wire):
    """An account's balance over all versions of a day."""

    account: str
    kind: str
    net_cents: Cents


class VersionAnswer(Wire):
    """One statement of a day, and where it stands on chain."""

    version: int
    root: Hex32
    statement: Hex32
    leaf_count: int
    log_epoch: int
    made: Milliseconds
    posted_at_s: int | None
    posted_block: int | None


class DecisionAnswer(Wire):
    """A leaf that the court set right: what was posted, what it is, and the cents that a line's account got by it."""

    version: int
    leaf: int
    expected: BigInt
    got: BigInt
    moved_cents: Cents
    by: Hex20


class SettlementAnswer(Wire):
    """A settled day: how firmly it stands, who receives and pays what; the nets of all parties sum to 0."""

    day: str
    version: int
    standing: str
    provisional_slots: int
    final_at_s: int | None
    root: Hex32
    parties: tuple[PartyAnswer, ...]
    versions: tuple[VersionAnswer, ...]
    voided_up_to: int
    """Versions up to this one are void: the court found that their books do not add up; 0 if none is."""
    decisions: tuple[DecisionAnswer, ...]


class PostedLineAnswer(Wire):
    """A line as one version posted it; in a correction the amount is the difference."""

    version: int
    leaf: int
    """Index of its leaf in that statement, as a dispute names it."""
    amount_cents: Cents


class LineAnswer(Wire):
    """One transfer of the whole day as it stands: `account` receives the amount from `counterparty`."""

    index: int
    slot: int
    kind: str
    account: str
    counterparty: str
    subject: int
    group: int
    quantity_wh: int
    price_cents_per_mwh: int
    amount_cents: Cents
    evidence: Hex32
    disputed: bool
    """Its energy rests on a reading of a key that was reported as compromised."""
    judged_cents: Cents
    """What the court moved on it."""
    posted: tuple[PostedLineAnswer, ...]
    """The versions that stand and hold it, the first one first."""


class FiguresAnswer(Wire):
    """What is shown beside a member's balance; the savings are estimates from the certified plan, never paid."""

    member: int
    saving_alone_cents: Cents
    saving_together_cents: Cents
    lease_cents: Cents
    fee_cents: Cents
    net_cents: Cents
    charged_wh: int
    discharged_wh: int
    estimate: bool = True


class LeafProofAnswer(Wire):
    """A leaf of a posted statement and its path to the root that stands on chain."""

    day: str
    version: int
    index: int
    leaf: HexBytes
    leaf_hash: Hex32
    proof: tuple[Hex32, ...]
    root: Hex32
