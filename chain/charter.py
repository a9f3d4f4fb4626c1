"""`InterimCharter` (protocol 7): two members of different numbers agree, a delay passes, anyone executes."""

from dataclasses import dataclass
from enum import IntEnum

from alliance.identity import Address, Digest, MemberId
from chain.abi import Function
from chain.contract import DeployedContract
from chain.rpc import BlockTag

_PROPOSAL = "(address,uint32,uint32,uint32,uint48,uint48,bool,bool,bytes32)"

_PROPOSE = Function("propose", "(address,bytes)")
_ENDORSE = Function("endorse", "(uint256)")
_CANCEL = Function("cancel", "(uint256)")
_EXECUTE = Function("execute", "(uint256,bytes)")
_PROPOSAL_OF = Function("proposal", "(uint256)", f"({_PROPOSAL})")
_STATE_OF = Function("stateOf", "(uint256)", "(uint8)")
_PROPOSAL_COUNT = Function("proposalCount", "()", "(uint256)")
_DELAY_SECONDS = Function("delaySeconds", "()", "(uint48)")


class ProposalState(IntEnum):
    """Where a proposal stands."""

    NONE = 0
    PROPOSED = 1
    WAITING = 2
    EXECUTABLE = 3
    EXECUTED = 4
    CANCELLED = 5
    LAPSED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A call that two members want the charter to make; a member number 0 means nobody yet, times are unix seconds."""

    target: Address
    proposer: MemberId
    endorser: MemberId
    objector: MemberId
    proposed_at_s: int
    executable_from_s: int
    executed: bool
    cancelled: bool
    data_hash: Digest
    """Keccak-256 of the call's data."""


def propose(target: Address, data: bytes) -> bytes:
    """Propose that the charter calls `target` with `data`; the proposer is the first of the two."""
    return _PROPOSE.encode(target, data)


def endorse(proposal: int) -> bytes:
    """Support another member's proposal; its delay begins."""
    return _ENDORSE.encode(proposal)


def cancel(proposal: int) -> bytes:
    """End a proposal (a supporter at once, of the others two)."""
    return _CANCEL.encode(proposal)


def execute(proposal: int, data: bytes) -> bytes:
    """Make the call once its delay has passed; `data` as proposed."""
    return _EXECUTE.encode(proposal, data)


class InterimCharter(DeployedContract):
    """The charter's views, each at a block; they raise as `DeployedContract.ask`."""

    def proposal(self, number: int, *, tag: BlockTag = "latest") -> Proposal:
        """A proposal; all zero when there is none of that number."""
        target, proposer, endorser, objector, proposed, from_s, executed, cancelled, data_hash = self.ask(
            _PROPOSAL_OF, number, tag=tag
        )[0]
        return Proposal(
            target=Address(target), proposer=MemberId(proposer), endorser=MemberId(endorser),
            objector=MemberId(objector), proposed_at_s=proposed, executable_from_s=from_s, executed=executed,
            cancelled=cancelled, data_hash=Digest(data_hash),
        )  # fmt: skip

    def state_of(self, number: int, *, tag: BlockTag = "latest") -> ProposalState:
        """Where a proposal stands."""
        return ProposalState(self.ask(_STATE_OF, number, tag=tag)[0])

    def proposal_count(self, *, tag: BlockTag = "latest") -> int:
        """How many proposals were made."""
        return int(self.ask(_PROPOSAL_COUNT, tag=tag)[0])

    def delay_seconds(self, *, tag: BlockTag = "latest") -> int:
        """Seconds between endorsement and execution."""
        return int(self.ask(_DELAY_SECONDS, tag=tag)[0])
