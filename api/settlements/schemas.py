"""Bodies about settlements; amounts in cents, positive received, energies in Wh, prices in cents per MWh."""

from api.wire import Cents, Hex32, HexBytes, Milliseconds, Wire


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
