// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Proposal, ProposalState} from "../types/Proposal.sol";

/// @title Approval by two members, until the Charter exists (protocol 7)
/// @notice Administrator of every role. An admitted member proposes a call, another endorses it, and after a delay in which
/// members may object or leave anyone executes it. It holds no money and no shortcut.
interface IInterimCharter {
    event ProposalMade(uint256 indexed id, uint32 indexed proposer, address indexed target, bytes data);
    event ProposalEndorsed(uint256 indexed id, uint32 indexed endorser, uint48 executableFrom);
    event ProposalObjected(uint256 indexed id, uint32 indexed objector);
    event ProposalCancelled(uint256 indexed id, uint32 indexed by);
    event ProposalExecuted(uint256 indexed id, bytes result);

    error CharterNotAdmitted(address account);
    error CharterNeedsAnother(uint256 id, uint32 member);
    error CharterWrongState(uint256 id, ProposalState state);
    error CharterTooEarly(uint256 id, uint48 executableFrom, uint48 time);
    error CharterSupporterGone(uint256 id, uint32 member);
    error CharterDataDiffers(uint256 id, bytes32 want, bytes32 got);
    error CharterCallFailed(uint256 id, bytes result);
    error CharterDelayOutOfRange(uint48 delaySeconds, uint48 limitSeconds);

    /// @notice Propose a call. Admitted members only; the proposer counts as the first of the two. @return id 1, 2, …
    function propose(address target, bytes calldata data) external returns (uint256 id);

    /// @notice Support another member's proposal; the delay begins. Admitted members only.
    function endorse(uint256 id) external;

    /// @notice End a proposal: proposer or endorser at once; of the other admitted members two must call.
    function cancel(uint256 id) external;

    /// @notice Make the call once the delay has passed, within 14 days of it, while both supporters are still admitted.
    /// @param data The call's data as proposed (only its hash is kept).
    function execute(uint256 id, bytes calldata data) external returns (bytes memory result);

    function proposal(uint256 id) external view returns (Proposal memory made);

    function stateOf(uint256 id) external view returns (ProposalState state);

    function proposalCount() external view returns (uint256 count);

    /// @notice Seconds between endorsement and execution.
    function delaySeconds() external view returns (uint48 delay);
}
