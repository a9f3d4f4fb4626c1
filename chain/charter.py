"""`Charter` (protocol 7.5, 7.6): call data for proposals, votes and the rulebook, and what its views say.

One member, one vote; what is accepted waits out a delay in which objections count as votes against; anyone executes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from alliance.calendar import Day
from alliance.fleet import StationType
from alliance.identity import ZERO_ADDRESS, ZERO_DIGEST, Address, Digest, MemberId
from alliance.voting import Ballot, ProposalState, VotingRules
from chain.abi import Function
from chain.contract import DeployedContract
from chain.rpc import BlockTag
from oracle import cbor
from oracle.hashing import keccak256, sha256

FEE_BP = keccak256(b"fee_bp")
LOSS_PPM = keccak256(b"loss_ppm")
TARIFF_PACK = keccak256(b"tariff")
GROUPS_PACK = keccak256(b"groups")

_PROPOSAL = "(address,uint32,uint32,uint32,uint32,uint32,uint48,uint48,bool,bool,bytes32,bytes32)"
VOTING_RULES = "(uint48,uint48,uint48,uint16,uint16)"
MECHANISM = "(uint8,uint8,uint8,uint16,uint64,uint32,uint32)"

_PROPOSE = Function("propose", "(address,bytes,bytes32)")
_VOTE = Function("vote", "(uint256,bool)")
_OBJECT = Function("object", "(uint256)")
_CANCEL = Function("cancel", "(uint256)")
_EXECUTE = Function("execute", "(uint256,bytes)")
_SET_VALUE = Function("setValue", "(bytes32,uint32,uint256)")
_SET_PACK = Function("setPack", "(bytes32,uint32,bytes32)")
_SET_SUCCESSOR = Function("setSuccessor", "(bytes32,uint32,address)")
_SET_MECHANISM = Function("setMechanism", f"(uint8,uint32,{MECHANISM})")
_ASK_REVOCATION = Function("askRevocation", "(bytes32,address)")
_CONFIRM_REVOCATION = Function("confirmRevocation", "(bytes32,address)")
_PROPOSAL_OF = Function("proposal", "(uint256)", f"({_PROPOSAL})")
_STATE_OF = Function("stateOf", "(uint256)", "(uint8)")
_PROPOSAL_COUNT = Function("proposalCount", "()", "(uint256)")
_BALLOT_OF = Function("ballotOf", "(uint256,uint32)", "(uint8)")
_EXECUTABLE_FROM = Function("executableFrom", "(uint256)", "(uint48)")
_RULES = Function("rules", "()", f"({VOTING_RULES})")
_VALUE_AT = Function("valueAt", "(bytes32,uint32)", "(bool,uint256)")
_FEE_BP_AT = Function("feeBpAt", "(uint32)", "(bool,uint256)")
_PACK_AT = Function("packAt", "(bytes32,uint32)", "(bytes32)")
_SUCCESSOR_AT = Function("successorAt", "(bytes32,uint32)", "(address)")
_MECHANISM_AT = Function("mechanismAt", "(uint8,uint32)", f"({MECHANISM})")


class Metering(IntEnum):
    """Which meter a type of station is judged by."""

    CONNECTION = 1
    BATTERY = 2


class PriceRule(IntEnum):
    """What the offers of a type of station may charge."""

    RENT = 1
    RENT_AND_WEAR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A call that members want the charter to make; times are unix seconds."""

    target: Address
    proposer: MemberId
    electorate: int
    """Members admitted when it was made."""
    votes_for: int
    votes_against: int
    roster_version: int
    voting_ends_s: int
    accepted_at_s: int
    """When the votes left could not change the result any more; 0 before."""
    executed: bool
    cancelled: bool
    data_hash: Digest
    """Keccak-256 of the call's data."""
    description_hash: Digest
    """SHA-256 of the text that members read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """What offers of one type of station must keep to."""

    priority: int
    """Place in the order in which types are dispatched, 1 first."""
    metering: Metering
    price_rule: PriceRule
    offerable_bp: int
    """Highest part of what the station could lease that may be on offer."""
    max_rent_cents_per_kw_year: int
    min_sla_bp: int
    max_term_slots: int

    @property
    def words(self) -> tuple[int, ...]:
        """The fields in the order of the contract's struct."""
        return (
            self.priority, int(self.metering), int(self.price_rule), self.offerable_bp, self.max_rent_cents_per_kw_year,
            self.min_sla_bp, self.max_term_slots,
        )  # fmt: skip


def voting_rules(words: Iterable[int]) -> VotingRules:
    """The contract's struct as a value. Raises VotingRulesRefused."""
    voting, delay, grace, quorum, majority = words
    return VotingRules(
        voting_seconds=voting, delay_seconds=delay, grace_seconds=grace, quorum_bp=quorum, majority_bp=majority
    )


def voting_words(rules: VotingRules) -> tuple[int, ...]:
    """The value in the order of the contract's struct."""
    return (rules.voting_seconds, rules.delay_seconds, rules.grace_seconds, rules.quorum_bp, rules.majority_bp)


def mechanism(words: Iterable[int]) -> Mechanism:
    """The contract's struct as a value. Raises ValueError for a meter or price rule that this version does not know."""
    priority, metering, price_rule, offerable, rent, sla, term = words
    return Mechanism(
        priority=priority, metering=Metering(metering), price_rule=PriceRule(price_rule), offerable_bp=offerable,
        max_rent_cents_per_kw_year=rent, min_sla_bp=sla, max_term_slots=term,
    )  # fmt: skip


def rule_hash(content: object) -> Digest:
    """What members agree of a rule pack or grouping: SHA-256 of its document's canonical DAG-CBOR, without any salt."""
    return sha256(cbor.encode(content))


def propose(target: Address, data: bytes, *, description: Digest) -> bytes:
    """Propose that the charter calls `target` with `data`; `description`: SHA-256 of the text that members read."""
    return _PROPOSE.encode(target, data, description)


def vote(proposal: int, *, in_favour: bool) -> bytes:
    """Vote once on an open proposal."""
    return _VOTE.encode(proposal, in_favour)


def object_to(proposal: int) -> bytes:
    """Object to an accepted proposal: a vote against, whatever one voted before."""
    return _OBJECT.encode(proposal)


def cancel(proposal: int) -> bytes:
    """Take one's own proposal back before it is accepted."""
    return _CANCEL.encode(proposal)


def execute(proposal: int, data: bytes) -> bytes:
    """Make the call once its delay has passed; `data` as proposed."""
    return _EXECUTE.encode(proposal, data)


def set_value(name: Digest, *, from_day: Day, value: int) -> bytes:
    """Decide FEE_BP or LOSS_PPM from a day on (the charter itself)."""
    return _SET_VALUE.encode(name, from_day.number, value)


def set_pack(kind: Digest, *, from_day: Day, pack_hash: Digest) -> bytes:
    """Agree on a rule pack from a day on, by `rule_hash` (the charter itself)."""
    return _SET_PACK.encode(kind, from_day.number, pack_hash)


def set_successor(role: Digest, *, from_day: Day, successor: Address) -> bytes:
    """Name who takes over from a contract from a day on (the charter itself)."""
    return _SET_SUCCESSOR.encode(role, from_day.number, successor)


def set_mechanism(station_type: StationType, *, from_day: Day, mechanism: Mechanism) -> bytes:
    """Decide the mechanism of a type of station from a day on (the charter itself)."""
    return _SET_MECHANISM.encode(int(station_type), from_day.number, mechanism.words)


def ask_revocation(role: Digest, account: Address) -> bytes:
    """Ask that an account lose a role at once (GUARDIAN)."""
    return _ASK_REVOCATION.encode(role, account)


def confirm_revocation(role: Digest, account: Address) -> bytes:
    """Agree with a guardian's request: the role is lost (an admitted member)."""
    return _CONFIRM_REVOCATION.encode(role, account)


class Charter(DeployedContract):
    """The charter's views, each at a block; they raise as `DeployedContract.ask`."""

    def proposal(self, number: int, *, tag: BlockTag = "latest") -> Proposal:
        """A proposal; all zero when there is none of that number."""
        (
            target, proposer, electorate, votes_for, against, version, ends, accepted, executed, cancelled, data_hash,
            description,
        ) = self.ask(_PROPOSAL_OF, number, tag=tag)[0]  # fmt: skip
        return Proposal(
            target=Address(target), proposer=MemberId(proposer), electorate=electorate, votes_for=votes_for,
            votes_against=against, roster_version=version, voting_ends_s=ends, accepted_at_s=accepted,
            executed=executed, cancelled=cancelled, data_hash=Digest(data_hash), description_hash=Digest(description),
        )  # fmt: skip

    def state_of(self, number: int, *, tag: BlockTag = "latest") -> ProposalState:
        """Where a proposal stands."""
        return ProposalState(self.ask(_STATE_OF, number, tag=tag)[0])

    def proposal_count(self, *, tag: BlockTag = "latest") -> int:
        """How many proposals were made."""
        return int(self.ask(_PROPOSAL_COUNT, tag=tag)[0])

    def ballot_of(self, number: int, member: MemberId, *, tag: BlockTag = "latest") -> Ballot:
        """What a member did about a proposal."""
        return Ballot(self.ask(_BALLOT_OF, number, member, tag=tag)[0])

    def executable_from_s(self, number: int, *, tag: BlockTag = "latest") -> int:
        """Unix seconds from which an accepted proposal may be executed; 0 if it is not accepted."""
        return int(self.ask(_EXECUTABLE_FROM, number, tag=tag)[0])

    def rules(self, *, tag: BlockTag = "latest") -> VotingRules:
        """How it decides."""
        return voting_rules(self.ask(_RULES, tag=tag)[0])

    def value_at(self, name: Digest, day: Day, *, tag: BlockTag = "latest") -> int | None:
        """A value on a day; None if none was decided for it."""
        known, value = self.ask(_VALUE_AT, name, day.number, tag=tag)
        return int(value) if known else None

    def fee_bp_at(self, day: Day, *, tag: BlockTag = "latest") -> int | None:
        """The platform's fee on a day; None if none was decided."""
        known, value = self.ask(_FEE_BP_AT, day.number, tag=tag)
        return int(value) if known else None

    def pack_at(self, kind: Digest, day: Day, *, tag: BlockTag = "latest") -> Digest | None:
        """The hash of the rule pack that members agreed for a day; None if there is none."""
        found = Digest(self.ask(_PACK_AT, kind, day.number, tag=tag)[0])
        return None if found == ZERO_DIGEST else found

    def successor_at(self, role: Digest, day: Day, *, tag: BlockTag = "latest") -> Address | None:
        """Who takes over from a contract on a day; None if nobody."""
        found = Address(self.ask(_SUCCESSOR_AT, role, day.number, tag=tag)[0])
        return None if found == ZERO_ADDRESS else found

    def mechanism_at(self, station_type: StationType, day: Day, *, tag: BlockTag = "latest") -> Mechanism | None:
        """The mechanism of a type of station on a day; None if none was decided."""
        words = self.ask(_MECHANISM_AT, int(station_type), day.number, tag=tag)[0]
        return mechanism(words) if words[0] else None
