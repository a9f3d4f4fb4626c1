// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {ICapacityLease} from "./interfaces/ICapacityLease.sol";
import {Calendar} from "./libraries/Calendar.sol";
import {Domain} from "./libraries/Domain.sol";
import {EmergencyPause} from "./libraries/EmergencyPause.sol";
import {Obligations} from "./libraries/Obligations.sol";
import {Ratings} from "./libraries/Ratings.sol";
import {RosterBook} from "./libraries/RosterBook.sol";
import {CAPACITY_LEASE, ContractEntry, SETTLEMENT_LEDGER} from "./types/Contracts.sol";
import {ADMIN, ADMITTER, ATTESTOR, GUARDIAN, SETTLER} from "./types/Roles.sol";
import {MemberStatus, StationSpec} from "./types/Station.sol";

/// @title Members, stations, roles and contracts of one alliance (protocol 7)
contract AllianceRegistry is IAllianceRegistry, AccessControl {
    using EmergencyPause for EmergencyPause.State;
    using Obligations for Obligations.State;
    using Ratings for StationSpec;
    using RosterBook for RosterBook.State;

    /// @notice Who holds which role from the first block on; the deployer holds none.
    struct RoleHolders {
        address admin; // the charter
        address admitter;
        address attestor;
        address settler;
        address guardian;
    }

    struct MemberRecord {
        MemberStatus status;
        uint32 number;
        bytes32 commitment;
    }

    struct StationRecord {
        StationSpec spec;
        uint32 ownerId;
        bytes32 agreement; // SHA-256 of the signed safety agreement, 0: none
        bytes32 asked; // keccak256 of the change that the owner asked for, 0: none
    }

    struct ListedContract {
        address deployed;
        uint64 fromBlock;
    }

    RosterBook.State private _roster;
    EmergencyPause.State private _pause;
    Obligations.State private _obligations;
    mapping(address account => MemberRecord) private _members;
    mapping(uint32 memberId => address) private _accounts;
    mapping(address account => uint32) private _formerMembers;
    mapping(uint32 stationId => StationRecord) private _stations;
    mapping(bytes32 role => ListedContract[]) private _contracts;
    uint32 private _memberCount;
    uint32 private _stationCount;
    uint32 private _adminCount;

    /// @param holders Role holders; admitter, attestor and settler must differ from each other.
    /// @param contracts The alliance's contracts, at addresses known before they exist.
    constructor(RoleHolders memory holders, ContractEntry[] memory contracts) {
        _giveRole(ADMIN, holders.admin);
        _giveRole(ADMITTER, holders.admitter);
        _giveRole(ATTESTOR, holders.attestor);
        _giveRole(SETTLER, holders.settler);
        _giveRole(GUARDIAN, holders.guardian);
        for (uint256 i = 0; i < contracts.length; ++i) _addContract(contracts[i].role, contracts[i].deployed);
    }

    // ---- members ----

    /// @inheritdoc IAllianceRegistry
    function applyForMembership(bytes32 commitment) external {
        MemberRecord storage member = _members[msg.sender];
        if (member.status != MemberStatus.None && member.status != MemberStatus.Left) {
            revert MemberInWrongStatus(msg.sender, member.status);
        }
        if (commitment == 0) revert CommitmentMissing(msg.sender);
        (member.status, member.commitment) = (MemberStatus.Applied, commitment);
        emit MembershipApplied(msg.sender, commitment);
    }

    /// @inheritdoc IAllianceRegistry
    function withdrawApplication() external {
        _endApplication(msg.sender);
        emit ApplicationWithdrawn(msg.sender);
    }

    /// @inheritdoc IAllianceRegistry
    function reject(address applicant, bytes32 reasonHash) external {
        _requireAdmitter();
        if (reasonHash == 0) revert ReasonMissing(applicant);
        _endApplication(applicant);
        emit ApplicationRejected(applicant, reasonHash);
    }

    /// @inheritdoc IAllianceRegistry
    function admit(address applicant) external {
        _requireAdmitter();
        MemberRecord storage member = _move(applicant, MemberStatus.Applied, MemberStatus.Admitted);
        if (member.number == 0) {
            member.number = ++_memberCount;
            _accounts[member.number] = applicant;
        }
        _obligations.clearedTo[member.number] = Calendar.dayAt(block.timestamp) + 1; // its first day on the roster
        emit MemberAdmitted(applicant, member.number);
        _roster.insert(member.number);
    }

    /// @inheritdoc IAllianceRegistry
    function suspend(address member) external onlyRole(ADMIN) {
        uint32 number = _move(member, MemberStatus.Admitted, MemberStatus.Suspended).number;
        Obligations.requireNoLease(_listed(CAPACITY_LEASE), number);
        emit MemberSuspended(member, number);
        _roster.remove(number);
    }

    /// @inheritdoc IAllianceRegistry
    function reinstate(address member) external onlyRole(ADMIN) {
        uint32 number = _move(member, MemberStatus.Suspended, MemberStatus.Admitted).number;
        emit MemberReinstated(member, number);
        _roster.insert(number);
    }

    /// @inheritdoc IAllianceRegistry
    function announceLeaving() external {
        MemberRecord storage member = _members[msg.sender];
        (MemberStatus before, uint32 number) = (member.status, member.number);
        if (before != MemberStatus.Admitted && before != MemberStatus.Suspended) {
            revert MemberInWrongStatus(msg.sender, before);
        }
        Obligations.requireNoLease(_listed(CAPACITY_LEASE), number);
        uint32 lastDay = Calendar.dayAt(block.timestamp);
        (member.status, _obligations.lastDay[number]) = (MemberStatus.Leaving, lastDay);
        emit MemberLeaving(msg.sender, number, lastDay);
        if (before == MemberStatus.Admitted) _roster.remove(number);
    }

    /// @inheritdoc IAllianceRegistry
    function clearDays(uint32 memberId, bytes32[] calldata receipts) external returns (uint32) {
        if (_accounts[memberId] == address(0)) revert MemberUnknown(memberId);
        return _obligations.clear(_listed(SETTLEMENT_LEDGER), memberId, receipts);
    }

    /// @inheritdoc IAllianceRegistry
    function completeLeaving() external {
        uint32 number = _move(msg.sender, MemberStatus.Leaving, MemberStatus.Left).number;
        _obligations.requireCleared(number);
        emit MemberLeft(msg.sender, number);
    }

    /// @inheritdoc IAllianceRegistry
    function moveMember(uint32 memberId, address account) external onlyRole(ADMIN) {
        address before = _accounts[memberId];
        if (before == address(0)) revert MemberUnknown(memberId);
        if (account == address(0) || _members[account].status != MemberStatus.None) revert AccountTaken(account);
        _members[account] = _members[before];
        _members[before] = MemberRecord({status: MemberStatus.Moved, number: 0, commitment: 0});
        (_accounts[memberId], _formerMembers[before]) = (account, memberId);
        emit MemberMoved(memberId, before, account);
    }

    // ---- stations ----

    /// @inheritdoc IAllianceRegistry
    function registerStation(StationSpec calldata spec) external returns (uint32 stationId) {
        _requireAdmitted();
        spec.requireSound();
        stationId = ++_stationCount;
        (_stations[stationId].spec, _stations[stationId].ownerId) = (spec, _members[msg.sender].number);
        emit StationRegistered(stationId, msg.sender, spec);
    }

    /// @inheritdoc IAllianceRegistry
    function signSafetyAgreement(uint32 stationId, bytes32 agreement) external {
        StationRecord storage record = _requireOwner(stationId);
        if (agreement == 0) revert SafetyAgreementMissing(stationId);
        record.agreement = agreement;
        emit SafetyAgreed(stationId, msg.sender, agreement);
    }

    /// @inheritdoc IAllianceRegistry
    function proposeStationChange(uint32 stationId, StationSpec calldata spec, bytes32 agreement) external {
        StationRecord storage record = _requireOwner(stationId);
        spec.requireSound();
        if (agreement == 0) revert SafetyAgreementMissing(stationId);
        record.asked = keccak256(abi.encode(spec, agreement));
        emit StationChangeProposed(stationId, spec, agreement);
    }

    /// @inheritdoc IAllianceRegistry
    function confirmStationChange(uint32 stationId, StationSpec calldata spec, bytes32 agreement)
        external
        onlyRole(ADMITTER)
    {
        StationRecord storage record = _requireStation(stationId);
        address owner = _accounts[record.ownerId];
        if (msg.sender == owner) revert StationConfirmedByOwner(stationId, owner);
        bytes32 got = keccak256(abi.encode(spec, agreement));
        if (got != record.asked) revert StationChangeDiffers(stationId, record.asked, got);
        (record.spec, record.agreement, record.asked) = (spec, agreement, 0);
        emit StationChanged(stationId, Calendar.dayAt(block.timestamp) + 1, spec);
        emit SafetyAgreed(stationId, owner, agreement);
        address[] memory books = _listed(CAPACITY_LEASE);
        for (uint256 i = 0; i < books.length; ++i) ICapacityLease(books[i]).requireFits(stationId, spec);
    }

    // ---- contracts and pause ----

    /// @inheritdoc IAllianceRegistry
    function addContract(bytes32 role, address deployed) external onlyRole(ADMIN) returns (uint16 version) {
        return _addContract(role, deployed);
    }

    /// @inheritdoc IAllianceRegistry
    function pause() external onlyRole(GUARDIAN) {
        _pause.start();
    }

    /// @inheritdoc IAllianceRegistry
    function unpause() external {
        if (!hasRole(ADMIN, msg.sender)) _checkRole(GUARDIAN);
        _pause.stop();
    }

    // ---- views ----

    /// @inheritdoc IAllianceRegistry
    function memberNumber(address account) external view returns (uint32) {
        return _members[account].number;
    }

    /// @inheritdoc IAllianceRegistry
    function memberAddress(uint32 memberId) external view returns (address account) {
        account = _accounts[memberId];
        if (account == address(0)) revert MemberUnknown(memberId);
    }

    /// @inheritdoc IAllianceRegistry
    function memberStatus(address account) external view returns (MemberStatus) {
        return _members[account].status;
    }

    /// @inheritdoc IAllianceRegistry
    function commitmentOf(address account) external view returns (bytes32) {
        return _members[account].commitment;
    }

    /// @inheritdoc IAllianceRegistry
    function memberCount() external view returns (uint32) {
        return _memberCount;
    }

    /// @inheritdoc IAllianceRegistry
    function formerMember(address account) external view returns (uint32) {
        return _formerMembers[account];
    }

    /// @inheritdoc IAllianceRegistry
    function movedTo(address account) external view returns (address) {
        return _accounts[_formerMembers[account]];
    }

    /// @inheritdoc IAllianceRegistry
    function clearedTo(uint32 memberId) external view returns (uint32) {
        return _obligations.clearedTo[memberId];
    }

    /// @inheritdoc IAllianceRegistry
    function rosterSize() external view returns (uint32) {
        return uint32(_roster.ids.length);
    }

    /// @inheritdoc IAllianceRegistry
    function rosterVersion() external view returns (uint32) {
        return _roster.version;
    }

    /// @inheritdoc IAllianceRegistry
    function onRosterSince(uint32 memberId) external view returns (uint32) {
        return _roster.entries[memberId].version;
    }

    /// @inheritdoc IAllianceRegistry
    function onRosterFrom(uint32 memberId) external view returns (uint32) {
        return _roster.entries[memberId].fromDay;
    }

    /// @inheritdoc IAllianceRegistry
    function roster() external view returns (uint32[] memory) {
        return _roster.ids;
    }

    /// @inheritdoc IAllianceRegistry
    function rosterHashAt(uint32 day) external view returns (bytes32) {
        return _roster.hashAt(day);
    }

    /// @inheritdoc IAllianceRegistry
    function station(uint32 stationId) external view returns (StationSpec memory spec, address owner) {
        StationRecord storage record = _requireStation(stationId);
        return (record.spec, _accounts[record.ownerId]);
    }

    /// @inheritdoc IAllianceRegistry
    function safetyAgreement(uint32 stationId) external view returns (bytes32) {
        return _stations[stationId].agreement;
    }

    /// @inheritdoc IAllianceRegistry
    function stationCount() external view returns (uint32) {
        return _stationCount;
    }

    /// @inheritdoc IAllianceRegistry
    function contractAt(bytes32 role, uint16 version) external view returns (address, uint64) {
        if (version == 0 || version > _contracts[role].length) revert ContractVersionUnknown(role, version);
        ListedContract storage listed = _contracts[role][version - 1];
        return (listed.deployed, listed.fromBlock);
    }

    /// @inheritdoc IAllianceRegistry
    function contractVersion(bytes32 role) external view returns (uint16) {
        return uint16(_contracts[role].length);
    }

    /// @inheritdoc IAllianceRegistry
    function newestContract(bytes32 role) external view returns (address) {
        ListedContract[] storage all = _contracts[role];
        if (all.length == 0) revert ContractVersionUnknown(role, 1);
        return all[all.length - 1].deployed;
    }

    /// @inheritdoc IAllianceRegistry
    function allianceId() external view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this)));
    }

    /// @inheritdoc IAllianceRegistry
    function domainSeparator() external view returns (bytes32) {
        return Domain.separator(address(this));
    }

    /// @inheritdoc IAllianceRegistry
    function pausedUntil() external view returns (uint48) {
        return _pause.until;
    }

    /// @inheritdoc IAllianceRegistry
    function hasRole(bytes32 role, address account)
        public
        view
        override(AccessControl, IAllianceRegistry)
        returns (bool)
    {
        return super.hasRole(role, account);
    }

    // ---- rules ----

    /// @dev Whoever settles, attests or admits does only one of the three.
    function _grantRole(bytes32 role, address account) internal override returns (bool) {
        if (role == SETTLER || role == ATTESTOR || role == ADMITTER) {
            _requireSeparate(SETTLER, role, account);
            _requireSeparate(ATTESTOR, role, account);
            _requireSeparate(ADMITTER, role, account);
        }
        bool granted = super._grantRole(role, account);
        if (granted && role == ADMIN) ++_adminCount;
        return granted;
    }

    /// @dev An alliance without an administrator could never be changed again: the last one only hands over.
    function _revokeRole(bytes32 role, address account) internal override returns (bool) {
        bool revoked = super._revokeRole(role, account);
        if (revoked && role == ADMIN && --_adminCount == 0) revert LastAdministrator(account);
        return revoked;
    }

    function _requireSeparate(bytes32 held, bytes32 asked, address account) private view {
        if (held != asked && hasRole(held, account)) revert RolesNotSeparate(account, held, asked);
    }

    function _giveRole(bytes32 role, address holder) private {
        if (holder == address(0)) revert RoleHolderMissing(role);
        _grantRole(role, holder);
    }

    function _addContract(bytes32 role, address deployed) private returns (uint16 version) {
        if (deployed == address(0)) revert ContractMissing(role);
        _contracts[role].push(ListedContract({deployed: deployed, fromBlock: uint64(block.number)}));
        version = uint16(_contracts[role].length);
        emit ContractAdded(role, version, deployed);
    }

    /// @dev Every version listed under a role: a book or ledger that was succeeded still binds its members.
    function _listed(bytes32 role) private view returns (address[] memory deployed) {
        ListedContract[] storage all = _contracts[role];
        deployed = new address[](all.length);
        for (uint256 i = 0; i < deployed.length; ++i) deployed[i] = all[i].deployed;
    }

    function _requireAdmitter() private view {
        if (!hasRole(ADMIN, msg.sender)) _checkRole(ADMITTER);
    }

    function _requireAdmitted() private view {
        MemberStatus status = _members[msg.sender].status;
        if (status != MemberStatus.Admitted) revert MemberInWrongStatus(msg.sender, status);
    }

    function _requireStation(uint32 stationId) private view returns (StationRecord storage record) {
        record = _stations[stationId];
        if (record.ownerId == 0) revert StationUnknown(stationId);
    }

    function _requireOwner(uint32 stationId) private view returns (StationRecord storage record) {
        record = _requireStation(stationId);
        address owner = _accounts[record.ownerId];
        if (msg.sender != owner) revert StationNotOwner(stationId, owner, msg.sender);
        _requireAdmitted();
    }

    function _endApplication(address applicant) private {
        MemberRecord storage member = _members[applicant];
        _move(applicant, MemberStatus.Applied, member.number == 0 ? MemberStatus.None : MemberStatus.Left);
    }

    function _move(address account, MemberStatus from, MemberStatus to) private returns (MemberRecord storage member) {
        member = _members[account];
        if (member.status != from) revert MemberInWrongStatus(account, member.status);
        member.status = to;
    }
}
