// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {ICharter} from "./interfaces/ICharter.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {Calendar} from "./libraries/Calendar.sol";
import {Mechanisms} from "./libraries/Mechanisms.sol";
import {Rulebook} from "./libraries/Rulebook.sol";
import {Tally} from "./libraries/Tally.sol";
import {DEVICE_REGISTRY} from "./types/Contracts.sol";
import {OfferTerms} from "./types/Lease.sol";
import {Ballot, Proposal, ProposalState, VotingRules} from "./types/Proposal.sol";
import {ADMIN, GUARDIAN} from "./types/Roles.sol";
import {FEE_BP, LOSS_PPM, Mechanism} from "./types/Rule.sol";
import {MemberStatus} from "./types/Station.sol";

/// @title One member, one vote; a delay; the values that members agreed (protocol 7.5, 7.6)
contract Charter is ICharter {
    using Mechanisms for Mechanism;
    using Rulebook for Rulebook.State;
    using Tally for VotingRules;

    uint48 private constant REVOCATION_OPEN = 72 hours;

    /// @dev What a guardian asked, until when it may be confirmed.
    struct Asked {
        address guardian;
        uint48 until;
    }

    IAllianceRegistry public immutable registry;
    /// @inheritdoc ICharter
    uint256 public proposalCount;
    VotingRules private _rules;
    mapping(uint256 id => Proposal) private _proposals;
    mapping(uint256 id => mapping(uint32 memberId => Ballot)) private _ballots;
    mapping(bytes32 role => mapping(address account => Asked)) private _asked;
    mapping(bytes32 name => Rulebook.State) private _values;
    mapping(bytes32 kind => Rulebook.State) private _packs;
    mapping(bytes32 role => Rulebook.State) private _successors;
    mapping(uint8 stationType => Rulebook.State) private _mechanismNumbers;
    Mechanism[] private _mechanisms;

    /// @param registry_ The alliance whose members decide. @param rules_ How they do, for good.
    constructor(IAllianceRegistry registry_, VotingRules memory rules_) {
        rules_.requireSound();
        registry = registry_;
        _rules = rules_;
        emit CharterFounded(rules_);
    }

    // ---- deciding ----

    /// @inheritdoc ICharter
    function propose(address target, bytes calldata data, bytes32 descriptionHash) external returns (uint256 id) {
        uint32 memberId = _requireAdmitted();
        if (target == address(0)) revert CharterTargetMissing();
        id = ++proposalCount;
        Proposal storage made = _proposals[id];
        (made.target, made.proposer) = (target, memberId);
        (made.electorate, made.rosterVersion) = (registry.rosterSize(), registry.rosterVersion());
        made.votingEnds = uint48(block.timestamp) + _rules.votingSeconds;
        (made.dataHash, made.descriptionHash) = (keccak256(data), descriptionHash);
        emit ProposalMade(id, memberId, target, data, descriptionHash, made.electorate, made.votingEnds);
    }

    /// @inheritdoc ICharter
    function vote(uint256 id, bool inFavour) external {
        Proposal storage made = _requireState(id, ProposalState.Voting);
        uint32 memberId = _requireElector(id, made);
        Ballot before = _ballots[id][memberId];
        if (before != Ballot.None) revert CharterAlreadyVoted(id, memberId, before);
        _ballots[id][memberId] = inFavour ? Ballot.For : Ballot.Against;
        if (inFavour) ++made.votesFor;
        else ++made.votesAgainst;
        emit VoteCast(id, memberId, inFavour, made.votesFor, made.votesAgainst);
        if (_rules.isCertain(made)) {
            made.acceptedAt = uint48(block.timestamp);
            emit ProposalAccepted(id, executableFrom(id));
        }
    }

    /// @inheritdoc ICharter
    function object(uint256 id) external {
        ProposalState state = stateOf(id);
        if (state != ProposalState.Waiting && state != ProposalState.Executable) revert CharterWrongState(id, state);
        Proposal storage made = _proposals[id];
        uint32 memberId = _requireElector(id, made);
        Ballot before = _ballots[id][memberId];
        if (before == Ballot.Objected) revert CharterAlreadyVoted(id, memberId, before);
        if (made.acceptedAt == 0) made.acceptedAt = made.votingEnds; // from here on the tally decides of cancelling alone
        _ballots[id][memberId] = Ballot.Objected;
        if (before == Ballot.For) --made.votesFor;
        if (before != Ballot.Against) ++made.votesAgainst;
        emit ProposalObjected(id, memberId, made.votesFor, made.votesAgainst);
        if (!_rules.suffices(made)) {
            made.cancelled = true;
            emit ProposalCancelled(id, memberId);
        }
    }

    /// @inheritdoc ICharter
    function cancel(uint256 id) external {
        Proposal storage made = _requireState(id, ProposalState.Voting);
        uint32 memberId = registry.memberNumber(msg.sender);
        if (memberId != made.proposer) revert CharterNotProposer(id, made.proposer, memberId);
        made.cancelled = true;
        emit ProposalCancelled(id, memberId);
    }

    /// @inheritdoc ICharter
    function execute(uint256 id, bytes calldata data) external returns (bytes memory result) {
        if (stateOf(id) == ProposalState.Waiting) {
            revert CharterTooEarly(id, executableFrom(id), uint48(block.timestamp));
        }
        Proposal storage made = _requireState(id, ProposalState.Executable);
        bytes32 got = keccak256(data);
        if (got != made.dataHash) revert CharterDataDiffers(id, made.dataHash, got);
        made.executed = true;
        bool done;
        (done, result) = made.target.call(data);
        if (!done) revert CharterCallFailed(id, result);
        emit ProposalExecuted(id, result);
    }

    // ---- what was decided ----

    /// @inheritdoc ICharter
    function setValue(bytes32 name, uint32 fromDay, uint256 value) external {
        _requireItself();
        uint256 limit = _limitOf(name);
        if (value > limit) revert RuleTooLarge(name, value, limit);
        _values[name].set(fromDay, bytes32(value));
        emit ValueSet(name, fromDay, value);
    }

    /// @inheritdoc ICharter
    function setPack(bytes32 kind, uint32 fromDay, bytes32 packHash) external {
        _requireItself();
        _packs[kind].set(fromDay, packHash);
        emit PackSet(kind, fromDay, packHash);
    }

    /// @inheritdoc ICharter
    function setSuccessor(bytes32 role, uint32 fromDay, address successor) external {
        _requireItself();
        _successors[role].set(fromDay, bytes32(uint256(uint160(successor))));
        emit SuccessorSet(role, fromDay, successor);
    }

    /// @inheritdoc ICharter
    function setMechanism(uint8 stationType, uint32 fromDay, Mechanism calldata mechanism) external {
        _requireItself();
        mechanism.requireSound(stationType);
        _mechanisms.push(mechanism);
        _mechanismNumbers[stationType].set(fromDay, bytes32(_mechanisms.length));
        emit MechanismSet(stationType, fromDay, mechanism);
    }

    // ---- two people, at once ----

    /// @inheritdoc ICharter
    function askRevocation(bytes32 role, address account) external {
        if (!registry.hasRole(GUARDIAN, msg.sender)) revert CharterNotGuardian(msg.sender);
        if (role == ADMIN) revert RevocationForbidden(role);
        if (!registry.hasRole(role, account)) revert RevocationNotAsked(role, account);
        uint48 until = uint48(block.timestamp) + REVOCATION_OPEN;
        _asked[role][account] = Asked({guardian: msg.sender, until: until});
        emit RevocationAsked(role, account, msg.sender, until);
    }

    /// @inheritdoc ICharter
    function confirmRevocation(bytes32 role, address account) external {
        uint32 memberId = _requireAdmitted();
        Asked memory asked = _asked[role][account];
        if (block.timestamp >= asked.until) revert RevocationNotAsked(role, account);
        if (asked.guardian == msg.sender) revert RevocationNeedsAnother(msg.sender);
        if (!registry.hasRole(GUARDIAN, asked.guardian)) revert CharterNotGuardian(asked.guardian);
        delete _asked[role][account];
        emit RevokedByTwo(role, account, asked.guardian, memberId);
        IAccessControl(address(registry)).revokeRole(role, account);
    }

    // ---- views ----

    /// @inheritdoc ICharter
    function proposal(uint256 id) external view returns (Proposal memory) {
        return _proposals[id];
    }

    /// @inheritdoc ICharter
    function ballotOf(uint256 id, uint32 memberId) external view returns (Ballot) {
        return _ballots[id][memberId];
    }

    /// @inheritdoc ICharter
    function rules() external view returns (VotingRules memory) {
        return _rules;
    }

    /// @inheritdoc ICharter
    function valueAt(bytes32 name, uint32 day) public view returns (bool known, uint256 value) {
        bytes32 found;
        (known, found) = _values[name].valueAt(day);
        value = uint256(found);
    }

    /// @inheritdoc ICharter
    function feeBpAt(uint32 day) external view returns (bool, uint256) {
        return valueAt(FEE_BP, day);
    }

    /// @inheritdoc ICharter
    function packAt(bytes32 kind, uint32 day) external view returns (bytes32 packHash) {
        (, packHash) = _packs[kind].valueAt(day);
    }

    /// @inheritdoc ICharter
    function successorAt(bytes32 role, uint32 day) external view returns (address) {
        (, bytes32 found) = _successors[role].valueAt(day);
        return address(uint160(uint256(found)));
    }

    /// @inheritdoc ICharter
    function mechanismAt(uint8 stationType, uint32 day) public view returns (Mechanism memory mechanism) {
        (bool known, bytes32 number) = _mechanismNumbers[stationType].valueAt(day);
        if (known) mechanism = _mechanisms[uint256(number) - 1];
    }

    /// @inheritdoc ICharter
    function requireOffer(uint8 stationType, OfferTerms calldata terms) external view returns (uint16) {
        Mechanism memory today = mechanismAt(stationType, Calendar.dayAt(block.timestamp));
        if (today.priority != 0) {
            IDeviceRegistry devices = IDeviceRegistry(registry.newestContract(DEVICE_REGISTRY));
            today.requireMetered(stationType, devices.metersOf(terms.stationId, today.metering));
        }
        return today.requireOffer(stationType, terms);
    }

    /// @inheritdoc ICharter
    function executableFrom(uint256 id) public view returns (uint48) {
        Proposal storage made = _proposals[id];
        if (made.acceptedAt != 0) return made.acceptedAt + _rules.delaySeconds;
        if (made.proposer == 0 || block.timestamp < made.votingEnds || !_rules.suffices(made)) return 0;
        return made.votingEnds + _rules.delaySeconds;
    }

    /// @inheritdoc ICharter
    function stateOf(uint256 id) public view returns (ProposalState) {
        Proposal storage made = _proposals[id];
        if (made.proposer == 0) return ProposalState.None;
        if (made.executed) return ProposalState.Executed;
        if (made.cancelled) return ProposalState.Cancelled;
        uint48 from = executableFrom(id);
        if (from == 0) return block.timestamp < made.votingEnds ? ProposalState.Voting : ProposalState.Rejected;
        if (block.timestamp < from) return ProposalState.Waiting;
        return block.timestamp < from + _rules.graceSeconds ? ProposalState.Executable : ProposalState.Lapsed;
    }

    // ---- rules ----

    function _requireState(uint256 id, ProposalState want) private view returns (Proposal storage) {
        ProposalState got = stateOf(id);
        if (got != want) revert CharterWrongState(id, got);
        return _proposals[id];
    }

    function _requireAdmitted() private view returns (uint32) {
        if (registry.memberStatus(msg.sender) != MemberStatus.Admitted) revert CharterNotAdmitted(msg.sender);
        return registry.memberNumber(msg.sender);
    }

    /// @dev Admitted now, and on the roster without a break since before the proposal was made.
    function _requireElector(uint256 id, Proposal storage made) private view returns (uint32 memberId) {
        memberId = _requireAdmitted();
        if (registry.onRosterSince(memberId) > made.rosterVersion) revert CharterNotElector(id, memberId);
    }

    function _requireItself() private view {
        if (msg.sender != address(this)) revert CharterNotItself(msg.sender);
    }

    function _limitOf(bytes32 name) private pure returns (uint256) {
        if (name == FEE_BP) return 10_000;
        if (name == LOSS_PPM) return 1_000_000;
        revert RuleUnknown(name);
    }
}
