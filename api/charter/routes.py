"""The charter: `/v1/charter` and `/v1/proposals`, public as on the chain (protocol 7.5, 7.6)."""

from functools import lru_cache

from fastapi import APIRouter

from alliance.calendar import day_at, day_of
from alliance.fleet import StationType
from alliance.identity import Digest, to_hex
from alliance.voting import VotingRules, executable_from_s, state_at
from api import projection
from api.charter import queries
from api.charter.queries import ProposalRow, RevocationRow, RulingRow
from api.charter.schemas import (
    BallotAnswer,
    CharterAnswer,
    MechanismAnswer,
    ProposalAnswer,
    RevocationAnswer,
    RulingAnswer,
    SuccessorAnswer,
    VotingAnswer,
)
from api.paging import PagingDep
from api.platform import Platform, PlatformDep
from api.projection import BlockRow
from api.wire import Page
from chain import abi, artifacts
from chain.charter import FEE_BP, GROUPS_PACK, LOSS_PPM, TARIFF_PACK, Mechanism
from chain.registry import ROLES
from oracle.hashing import keccak256

router = APIRouter(prefix="/v1", tags=["charter"])
_RULED: dict[str, dict[bytes, str]] = {
    "value": {FEE_BP: "fee_bp", LOSS_PPM: "loss_ppm"},
    "pack": {TARIFF_PACK: "tariff", GROUPS_PACK: "groups"},
    "mechanism": {bytes([kind]): kind.name.lower() for kind in StationType},
}
"""Names of what the rulebook decides, by kind; successors are listed apart."""


@router.get("/charter")
def charter(platform: PlatformDep, day: str | None = None) -> CharterAnswer:
    """How members decide, and what they agreed for a day, today by default."""
    wanted = day_of(day) if day else day_at(platform.clock.now_ms())
    with platform.database.reading() as connection:
        rules = queries.voting_rules(connection)
        agreed = queries.agreed(connection, wanted)
        revoked = queries.revoked(connection)
        ruled = queries.ruled(connection)
        head = projection.head_number(connection)
    return CharterAnswer(
        day=str(wanted),
        voting=_voting(rules),
        fee_bp=agreed.fee_bp,
        loss_ppm=agreed.loss_ppm,
        tariff_pack=agreed.tariff_pack,
        groups_pack=agreed.groups_pack,
        mechanisms=tuple(_mechanism(kind, found) for kind, found in agreed.mechanisms.items()),
        successors=tuple(
            SuccessorAnswer(contract=_role(role, platform), successor=heir) for role, heir in agreed.successors.items()
        ),
        revocations=tuple(_revocation(platform, row, head) for row in revoked),
        rulings=tuple(_ruling(row) for row in ruled if row.kind in _RULED),
    )


@router.get("/proposals")
def proposals(platform: PlatformDep, paging: PagingDep) -> Page[ProposalAnswer]:
    """Proposals by number."""
    after = paging.after(int)
    with platform.database.reading() as connection:
        rules, head = queries.voting_rules(connection), _head(platform)
        found = queries.listed(connection, rules, after=int(after[0]) if after else 0, limit=paging.limit + 1)
    page, following = paging.cut(found, lambda row: (row.proposal,))
    return Page(items=tuple(_answer(platform, row, rules, head) for row in page), next=following)


@router.get("/proposals/{proposal}")
def proposal(proposal: int, platform: PlatformDep) -> ProposalAnswer:
    """One proposal."""
    with platform.database.reading() as connection:
        rules = queries.voting_rules(connection)
        return _answer(platform, queries.one(connection, rules, proposal), rules, _head(platform))


def _head(platform: Platform) -> BlockRow:
    with platform.database.reading() as connection:
        head = projection.head(connection)
    if head is None:
        raise queries.CharterUnknown()
    return head


def _answer(platform: Platform, row: ProposalRow, rules: VotingRules, head: BlockRow) -> ProposalAnswer:
    poll = row.poll
    from_s = executable_from_s(poll, rules, head.time_s)
    return ProposalAnswer(
        proposal=row.proposal,
        proposer=row.proposer,
        target=row.target,
        contract=next((n for n, c in platform.deployment.contracts.items() if c.address == row.target), None),
        call=_calls().get(row.data[:4]),
        data=row.data,
        description=row.description,
        state=state_at(poll, rules, head.time_s).name.lower(),
        electorate=poll.electorate,
        votes_for=poll.votes_for,
        votes_against=poll.votes_against,
        made_at=row.made_at_s * 1000,
        voting_ends_at=poll.voting_ends_s * 1000,
        executable_from=None if from_s is None else from_s * 1000,
        executable_until=None if from_s is None else (from_s + rules.grace_seconds) * 1000,
        ballots=tuple(BallotAnswer(member=one.member, ballot=one.ballot) for one in row.ballots),
        chain_status=projection.status_of(
            row.block, head_block=head.number, finality_blocks=platform.settings.finality_blocks
        ),
    )


def _voting(rules: VotingRules) -> VotingAnswer:
    return VotingAnswer(
        voting_seconds=rules.voting_seconds,
        delay_seconds=rules.delay_seconds,
        grace_seconds=rules.grace_seconds,
        quorum_bp=rules.quorum_bp,
        majority_bp=rules.majority_bp,
    )


def _mechanism(kind: StationType, found: Mechanism) -> MechanismAnswer:
    return MechanismAnswer(
        station_type=kind.name.lower(),
        priority=found.priority,
        metering=found.metering.name.lower(),
        price_rule=found.price_rule.name.lower(),
        offerable_bp=found.offerable_bp,
        max_rent_cents_per_kw_year=found.max_rent_cents_per_kw_year,
        min_sla_bp=found.min_sla_bp,
        max_term_slots=found.max_term_slots,
    )


def _ruling(row: RulingRow) -> RulingAnswer:
    names = _RULED[row.kind]
    value = {"value": str(int.from_bytes(row.value, "big")), "pack": to_hex(row.value), "mechanism": None}[row.kind]
    return RulingAnswer(
        kind=row.kind, name=names.get(row.name, to_hex(row.name)), from_day=str(row.from_day), value=value,
        block=row.block,
    )  # fmt: skip


def _revocation(platform: Platform, row: RevocationRow, head: int) -> RevocationAnswer:
    return RevocationAnswer(
        role=_role(row.role, platform),
        account=row.account,
        guardian=row.guardian,
        member=row.member,
        until=None if row.until_s is None else row.until_s * 1000,
        chain_status=projection.status_of(
            row.block, head_block=head, finality_blocks=platform.settings.finality_blocks
        ),
    )


def _role(role: Digest, platform: Platform) -> str:
    """A role's or contract's name, else its hash."""
    known = {keccak256(name.encode()): name for name in platform.deployment.contracts}
    return (known | {hashed: name for name, hashed in ROLES.items()}).get(role, to_hex(role))


@lru_cache(maxsize=1)
def _calls() -> dict[bytes, str]:
    """Selector → signature of every function of ours."""
    found = (artifacts.load(name).signatures("function") for name in artifacts.names())
    return {abi.selector(name + types): name + types for functions in found for name, types in functions.items()}
