"""Bodies about the charter: how it decides, what was proposed, and what members agreed for a day."""

from api.projection import ChainStatus
from api.wire import BigInt, Hex20, Hex32, HexBytes, Wire


class VotingAnswer(Wire):
    """How the charter decides: times in seconds, shares in basis points."""

    voting_seconds: int
    delay_seconds: int
    grace_seconds: int
    quorum_bp: int
    majority_bp: int


class MechanismAnswer(Wire):
    """What offers of one type of station must keep to; metering is `connection` or `battery`."""

    station_type: str
    priority: int
    metering: str
    price_rule: str
    offerable_bp: int
    max_rent_cents_per_kw_year: BigInt
    min_sla_bp: int
    max_term_slots: int


class SuccessorAnswer(Wire):
    """Who takes over from a contract; `contract` is its name, or its role's hash."""

    contract: str
    successor: Hex20


class RevocationAnswer(Wire):
    """A role that a guardian asked to revoke at once; `member` agreed to it, null while nobody has."""

    role: str
    account: Hex20
    guardian: Hex20
    member: int | None
    until: int | None
    """UTC milliseconds up to which a member may agree."""
    chain_status: ChainStatus


class RulingAnswer(Wire):
    """One decision of the rulebook, past or to come: a value (decimal text), a pack (hash) or a type's mechanism."""

    kind: str
    """`value`, `pack` or `mechanism`."""
    name: str
    """fee_bp, loss_ppm, tariff, groups, or a type of station."""
    from_day: str
    value: str | None
    """Null for a mechanism."""
    block: int


class CharterAnswer(Wire):
    """How members decide and what they agreed for a day; null where they agreed on nothing."""

    day: str
    voting: VotingAnswer
    fee_bp: int | None
    loss_ppm: int | None
    tariff_pack: Hex32 | None
    groups_pack: Hex32 | None
    mechanisms: tuple[MechanismAnswer, ...]
    successors: tuple[SuccessorAnswer, ...]
    revocations: tuple[RevocationAnswer, ...]
    rulings: tuple[RulingAnswer, ...]
    """Every decision on values, packs and mechanisms, in the order of the chain."""


class BallotAnswer(Wire):
    """What a member did last about a proposal: `for`, `against` or `objected`."""

    member: int
    ballot: str


class ProposalAnswer(Wire):
    """A call that a member proposed, and where it stands at the newest block; times in UTC milliseconds."""

    proposal: BigInt
    proposer: int
    target: Hex20
    contract: str | None
    """Name of the target if it is a contract of the alliance."""
    call: str | None
    """Signature of the function that it calls, if it is one of ours."""
    data: HexBytes
    description: Hex32
    state: str
    electorate: int
    votes_for: int
    votes_against: int
    made_at: int
    voting_ends_at: int
    executable_from: int | None
    executable_until: int | None
    ballots: tuple[BallotAnswer, ...]
    chain_status: ChainStatus
