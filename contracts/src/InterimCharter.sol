// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {IInterimCharter} from "./interfaces/IInterimCharter.sol";
import {Proposal, ProposalState} from "./types/Proposal.sol";
import {MemberStatus} from "./types/Station.sol";

/// @title Approval by two members, until the Charter exists (protocol 7)
contract InterimCharter is IInterimCharter {
    uint48 private constant DELAY_LIMIT = 30 days;
    uint48 private constant GRACE = 14 days;

    IAllianceRegistry public immutable registry;
    /// @inheritdoc IInterimCharter
    uint48 public immutable delaySeconds;
    /// @inheritdoc IInterimCharter
    uint256 public proposalCount;
    mapping(uint256 id => Proposal) private _proposals;

    /// @param registry_ The alliance whose members decide. @param delaySeconds_ From endorsement to execution, 1 s … 30 days.
    constructor(IAllianceRegistry registry_, uint48 delaySeconds_) {
        if (delaySeconds_ == 0 || delaySeconds_ > DELAY_LIMIT) {
            revert CharterDelayOutOfRange(delaySeconds_, DELAY_LIMIT);
        }
        registry = registry_;
        delaySeconds = delaySeconds_;
    }

    /// @inheritdoc IInterimCharter
    function propose(address target, bytes calldata data) external returns (uint256 id) {
        uint32 member = _requireAdmitted();
        id = ++proposalCount;
        Proposal storage made = _proposals[id];
        made.target = target;
        made.proposer = member;
        made.proposedAt = uint48(block.timestamp);
        made.dataHash = keccak256(data);
        emit ProposalMade(id, member, target, data);
    }

    /// @inheritdoc IInterimCharter
    function endorse(uint256 id) external {
        uint32 member = _requireAdmitted();
        Proposal storage made = _requireState(id, ProposalState.Proposed);
        if (member == made.proposer) revert CharterNeedsAnother(id, member);
        made.endorser = member;
        made.executableFrom = uint48(block.timestamp) + delaySeconds;
        emit ProposalEndorsed(id, member, made.executableFrom);
    }

    /// @inheritdoc IInterimCharter
    function cancel(uint256 id) external {
        uint32 member = _requireAdmitted();
        ProposalState state = stateOf(id);
        if (state == ProposalState.None || state > ProposalState.Executable) revert CharterWrongState(id, state);
        Proposal storage made = _proposals[id];
        bool supporter = member == made.proposer || member == made.endorser;
        if (!supporter && member == made.objector) revert CharterNeedsAnother(id, member);
        if (supporter || made.objector != 0) {
            made.cancelled = true;
            emit ProposalCancelled(id, member);
        } else {
            made.objector = member;
            emit ProposalObjected(id, member);
        }
    }

    /// @inheritdoc IInterimCharter
    function execute(uint256 id, bytes calldata data) external returns (bytes memory result) {
        if (stateOf(id) == ProposalState.Waiting) {
            revert CharterTooEarly(id, _proposals[id].executableFrom, uint48(block.timestamp));
        }
        Proposal storage made = _requireState(id, ProposalState.Executable);
        bytes32 got = keccak256(data);
        if (got != made.dataHash) revert CharterDataDiffers(id, made.dataHash, got);
        _requireStillAdmitted(id, made.proposer);
        _requireStillAdmitted(id, made.endorser);
        made.executed = true;
        bool done;
        (done, result) = made.target.call(data);
        if (!done) revert CharterCallFailed(id, result);
        emit ProposalExecuted(id, result);
    }

    /// @inheritdoc IInterimCharter
    function proposal(uint256 id) external view returns (Proposal memory) {
        return _proposals[id];
    }

    /// @inheritdoc IInterimCharter
    function stateOf(uint256 id) public view returns (ProposalState) {
        Proposal storage made = _proposals[id];
        if (made.proposer == 0) return ProposalState.None;
        if (made.executed) return ProposalState.Executed;
        if (made.cancelled) return ProposalState.Cancelled;
        uint256 since = made.endorser == 0 ? made.proposedAt : made.executableFrom;
        if (block.timestamp >= since + GRACE) return ProposalState.Lapsed;
        if (made.endorser == 0) return ProposalState.Proposed;
        return block.timestamp < since ? ProposalState.Waiting : ProposalState.Executable;
    }

    function _requireState(uint256 id, ProposalState want) private view returns (Proposal storage) {
        ProposalState got = stateOf(id);
        if (got != want) revert CharterWrongState(id, got);
        return _proposals[id];
    }

    function _requireAdmitted() private view returns (uint32) {
        if (registry.memberStatus(msg.sender) != MemberStatus.Admitted) revert CharterNotAdmitted(msg.sender);
        return registry.memberNumber(msg.sender);
    }

    function _requireStillAdmitted(uint256 id, uint32 member) private view {
        if (registry.memberStatus(registry.memberAddress(member)) != MemberStatus.Admitted) {
            revert CharterSupporterGone(id, member);
        }
    }
}
