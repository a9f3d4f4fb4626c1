// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {OfferTerms} from "../types/Lease.sol";
import {Ballot, Proposal, ProposalState, VotingRules} from "../types/Proposal.sol";
import {Mechanism} from "../types/Rule.sol";

/// @title The alliance's constitution: one member one vote, a delay, and the values that members agreed (protocol 7.5, 7.6)
/// @notice Administrator of every role. A member proposes a call; those admitted when it was made vote; what they accept waits
/// out a delay, in which objections count as votes against, and is then made by anyone, once. It holds no money.
interface ICharter {
    event CharterFounded(VotingRules rules);
    event ProposalMade(
        uint256 indexed id,
        uint32 indexed proposer,
        address indexed target,
        bytes data,
        bytes32 descriptionHash,
        uint32 electorate,
        uint48 votingEnds
    );
    event VoteCast(uint256 indexed id, uint32 indexed memberId, bool inFavour, uint32 votesFor, uint32 votesAgainst);
    /// @notice The votes left cannot change the result any more; the delay begins.
    event ProposalAccepted(uint256 indexed id, uint48 executableFrom);
    event ProposalObjected(uint256 indexed id, uint32 indexed memberId, uint32 votesFor, uint32 votesAgainst);
    event ProposalCancelled(uint256 indexed id, uint32 indexed by);
    event ProposalExecuted(uint256 indexed id, bytes result);
    /// @notice A value (FEE_BP, LOSS_PPM, …) holds from a local day on.
    event ValueSet(bytes32 indexed name, uint32 indexed fromDay, uint256 value);
    /// @notice The rule pack of a kind from a local day on: SHA-256 of its document's canonical DAG-CBOR; 0: none is agreed.
    event PackSet(bytes32 indexed kind, uint32 indexed fromDay, bytes32 packHash);
    /// @notice Who takes over from a contract of that role from a local day on; 0: nobody.
    event SuccessorSet(bytes32 indexed role, uint32 indexed fromDay, address successor);
    event MechanismSet(uint8 indexed stationType, uint32 indexed fromDay, Mechanism mechanism);
    event RevocationAsked(bytes32 indexed role, address indexed account, address indexed guardian, uint48 until);
    event RevokedByTwo(bytes32 indexed role, address indexed account, address guardian, uint32 memberId);

    error CharterTimeOutOfRange(bytes32 what, uint48 time, uint48 shortest, uint48 longest);
    error CharterShareOutOfRange(bytes32 what, uint16 share, uint16 least, uint16 most);
    error CharterNotAdmitted(address account);
    error CharterNotElector(uint256 id, uint32 memberId);
    error CharterAlreadyVoted(uint256 id, uint32 memberId, Ballot ballot);
    error CharterNotProposer(uint256 id, uint32 proposer, uint32 memberId);
    error CharterTargetMissing();
    error CharterWrongState(uint256 id, ProposalState state);
    error CharterTooEarly(uint256 id, uint48 executableFrom, uint48 time);
    error CharterDataDiffers(uint256 id, bytes32 want, bytes32 got);
    error CharterCallFailed(uint256 id, bytes result);
    error CharterNotItself(address account);
    error CharterNotGuardian(address account);
    error RevocationForbidden(bytes32 role);
    error RevocationNotAsked(bytes32 role, address account);
    error RevocationNeedsAnother(address account);
    error RuleNotInFuture(uint32 fromDay, uint32 today);
    error RuleUnknown(bytes32 name);
    error RuleTooLarge(bytes32 name, uint256 value, uint256 limit);
    error MechanismWrong(uint8 stationType, Mechanism mechanism);
    error OfferOutsideMechanism(uint8 stationType, bytes32 what, uint256 asked, uint256 limit);

    /// @notice Propose a call. Admitted members only. @param descriptionHash SHA-256 of the text that members read.
    /// @return id 1, 2, …
    function propose(address target, bytes calldata data, bytes32 descriptionHash) external returns (uint256 id);

    /// @notice Vote once on a proposal that is open. Members who have been admitted without a break since before it was made.
    function vote(uint256 id, bool inFavour) external;

    /// @notice Object to an accepted proposal that was not executed yet: a vote against, whatever one voted before. It is
    /// cancelled as soon as the votes so counted do not suffice.
    function object(uint256 id) external;

    /// @notice Take one's own proposal back before it is accepted.
    function cancel(uint256 id) external;

    /// @notice Make the call once the delay has passed and before the time for it ends. Anyone, once.
    /// @param data The call's data as proposed (only its hash is kept).
    function execute(uint256 id, bytes calldata data) external returns (bytes memory result);

    /// @notice Decide a value from a day on. The charter itself only, by an executed proposal; so the three that follow.
    function setValue(bytes32 name, uint32 fromDay, uint256 value) external;

    function setPack(bytes32 kind, uint32 fromDay, bytes32 packHash) external;

    function setSuccessor(bytes32 role, uint32 fromDay, address successor) external;

    function setMechanism(uint8 stationType, uint32 fromDay, Mechanism calldata mechanism) external;

    /// @notice Ask that an account lose a role at once. GUARDIAN only; it holds for 72 hours. Never the administrator's role.
    function askRevocation(bytes32 role, address account) external;

    /// @notice Agree with what a guardian asked: the role is lost at once. An admitted member, never that guardian itself.
    function confirmRevocation(bytes32 role, address account) external;

    function proposal(uint256 id) external view returns (Proposal memory made);

    function stateOf(uint256 id) external view returns (ProposalState state);

    function proposalCount() external view returns (uint256 count);

    function ballotOf(uint256 id, uint32 memberId) external view returns (Ballot ballot);

    /// @notice Unix seconds from which an accepted proposal may be executed; 0 if it is not accepted.
    function executableFrom(uint256 id) external view returns (uint48 time);

    function rules() external view returns (VotingRules memory votingRules);

    /// @notice A value on a day, and whether any was decided for it.
    function valueAt(bytes32 name, uint32 day) external view returns (bool known, uint256 value);

    /// @notice The platform's fee on a day, basis points, and whether it was decided.
    function feeBpAt(uint32 day) external view returns (bool known, uint256 feeBp);

    /// @notice SHA-256 of the rule pack's document that members agreed for a day; 0 if none.
    function packAt(bytes32 kind, uint32 day) external view returns (bytes32 packHash);

    /// @notice Who takes over from a contract of that role on a day; 0 if nobody.
    function successorAt(bytes32 role, uint32 day) external view returns (address successor);

    /// @notice The mechanism of a type of station on a day; priority 0 if none was decided.
    function mechanismAt(uint8 stationType, uint32 day) external view returns (Mechanism memory mechanism);

    /// @notice Refuse an offer outside today's mechanism for its type of station.
    /// @return offerableBp Highest part of the station that may be on offer, basis points.
    function requireOffer(uint8 stationType, OfferTerms calldata terms) external view returns (uint16 offerableBp);
}
