"""What other slices may ask about the charter: proposals and where they stand, and what members agreed for a day."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from alliance.calendar import Day
from alliance.errors import Missing
from alliance.fleet import StationType
from alliance.identity import Address, Digest, MemberId
from alliance.voting import Poll, VotingRules
from api.charter.repository import ballots, charters, outcomes, proposals, revocations, rulings
from chain import abi
from chain.charter import FEE_BP, GROUPS_PACK, LOSS_PPM, MECHANISM, TARIFF_PACK, Mechanism, mechanism


@dataclass(kw_only=True, eq=False)
class ProposalUnknown(Missing):
    """No proposal has this number."""

    proposal: int


@dataclass(kw_only=True, eq=False)
class CharterUnknown(Missing):
    """The charter's founding was not followed yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BallotRow:
    """What a member did last about a proposal: `for`, `against` or `objected`."""

    member: MemberId
    ballot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRow:
    """A proposal, its votes, and what each member did; times in unix seconds."""

    proposal: int
    proposer: MemberId
    target: Address
    data: bytes
    description: Digest
    made_at_s: int
    poll: Poll
    ballots: tuple[BallotRow, ...]
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What members agreed for a day; None where they agreed on nothing."""

    fee_bp: int | None
    loss_ppm: int | None
    tariff_pack: Digest | None
    groups_pack: Digest | None
    mechanisms: dict[StationType, Mechanism]
    successors: dict[Digest, Address]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingRow:
    """A decision as the chain told it: what kind of thing, its name, the first local day, the raw value."""

    kind: str
    name: bytes
    from_day: Day
    value: bytes
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationRow:
    """A guardian's request that an account lose a role; `member` agreed to it, None while nobody has."""

    role: Digest
    account: Address
    guardian: Address
    member: MemberId | None
    until_s: int | None
    block: int


def voting_rules(connection: Connection) -> VotingRules:
    """How the charter decides. Raises CharterUnknown."""
    row = connection.execute(select(charters).order_by(charters.c.block).limit(1)).one_or_none()
    if row is None:
        raise CharterUnknown()
    return VotingRules(
        voting_seconds=row.voting_seconds, delay_seconds=row.delay_seconds, grace_seconds=row.grace_seconds,
        quorum_bp=row.quorum_bp, majority_bp=row.majority_bp,
    )  # fmt: skip


def listed(
    connection: Connection, rules: VotingRules, *, after: int = 0, limit: int | None = None
) -> list[ProposalRow]:
    """Proposals by number, those behind `after`, `limit` at most."""
    query = select(proposals).where(proposals.c.proposal > after).order_by(proposals.c.proposal).limit(limit)
    return [_proposal(connection, row, rules) for row in connection.execute(query)]


def one(connection: Connection, rules: VotingRules, proposal: int) -> ProposalRow:
    """A proposal. Raises ProposalUnknown."""
    row = connection.execute(select(proposals).where(proposals.c.proposal == proposal)).one_or_none()
    if row is None:
        raise ProposalUnknown(proposal=proposal)
    return _proposal(connection, row, rules)


def agreed(connection: Connection, day: Day) -> Agreed:
    """What holds on a day: of the decisions for it or an earlier day, the newest of each name."""
    order = (rulings.c.block, rulings.c.log_index)
    query = select(rulings).where(rulings.c.from_day <= day.number).order_by(*order)
    holds = {(row.kind, bytes(row.name)): bytes(row.value) for row in connection.execute(query)}
    values = {name: int.from_bytes(holds[kind, name], "big") for kind, name in holds if kind == "value"}
    packs = {name: Digest(holds[kind, name]) for kind, name in holds if kind == "pack" and any(holds[kind, name])}
    heirs = {name: Address(holds[kind, name]) for kind, name in holds if kind == "successor" and any(holds[kind, name])}
    return Agreed(
        fee_bp=values.get(FEE_BP),
        loss_ppm=values.get(LOSS_PPM),
        tariff_pack=packs.get(TARIFF_PACK),
        groups_pack=packs.get(GROUPS_PACK),
        mechanisms={
            StationType(name[0]): _mechanism(value)
            for (kind, name), value in sorted(holds.items())
            if kind == "mechanism"
        },
        successors={Digest(name): heir for name, heir in sorted(heirs.items())},
    )


def ruled(connection: Connection) -> list[RulingRow]:
    """Every decision of the rulebook, in the order of the chain."""
    return [
        RulingRow(
            kind=row.kind, name=bytes(row.name), from_day=Day(row.from_day), value=bytes(row.value), block=row.block
        )
        for row in connection.execute(select(rulings).order_by(rulings.c.block, rulings.c.log_index))
    ]


def revoked(connection: Connection) -> list[RevocationRow]:
    """What guardians asked, each role and account once, and who agreed to it."""
    found: dict[tuple[bytes, bytes], RevocationRow] = {}
    for row in connection.execute(select(revocations).order_by(revocations.c.block, revocations.c.log_index)):
        asked = found.get((row.role, row.account))
        found[row.role, row.account] = RevocationRow(
            role=Digest(row.role),
            account=Address(row.account),
            guardian=Address(row.guardian),
            member=None if row.member is None else MemberId(row.member),
            until_s=asked.until_s if asked is not None and row.until_s is None else row.until_s,
            block=row.block,
        )
    return list(found.values())


def _proposal(connection: Connection, row: Row[Any], rules: VotingRules) -> ProposalRow:
    cast = _of(connection, ballots, row.proposal)
    ends = {one.what: one for one in _of(connection, outcomes, row.proposal)}
    accepted = ends.get("accepted")
    poll = Poll(
        electorate=row.electorate,
        voting_ends_s=row.voting_ends_s,
        votes_for=cast[-1].votes_for if cast else 0,
        votes_against=cast[-1].votes_against if cast else 0,
        accepted_at_s=None if accepted is None else accepted.executable_from_s - rules.delay_seconds,
        executed="executed" in ends,
        cancelled="cancelled" in ends,
    )
    last = {one.member: one.ballot for one in cast}
    return ProposalRow(
        proposal=row.proposal,
        proposer=MemberId(row.proposer),
        target=Address(row.target),
        data=bytes(row.data),
        description=Digest(row.description),
        made_at_s=row.time_s,
        poll=poll,
        ballots=tuple(BallotRow(member=MemberId(n), ballot=what) for n, what in sorted(last.items())),
        block=row.block,
    )


def _mechanism(raw: bytes) -> Mechanism:
    return mechanism(abi.decode(MECHANISM, raw))


def _of(connection: Connection, table: Table, proposal: int) -> list[Row[Any]]:
    """A proposal's rows in the order of the chain."""
    query = select(table).where(table.c.proposal == proposal).order_by(table.c.block, table.c.log_index)
    return list(connection.execute(query))
