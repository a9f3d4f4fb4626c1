// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {Domain} from "./libraries/Domain.sol";
import {EmergencyPause} from "./libraries/EmergencyPause.sol";
import {Ratings} from "./libraries/Ratings.sol";
import {RosterBook} from "./libraries/RosterBook.sol";
import {ContractEntry} from "./types/Contracts.sol";
import {ADMIN, ADMITTER, ATTESTOR, GUARDIAN, SETTLER} from "./types/Roles.sol";
import {MemberStatus, StationSpec} from "./types/Station.sol";

/// @title Members, stations, roles and contracts of one alliance (protocol 7)
contract AllianceRegistry is IAllianceRegistry, AccessControl {
    using EmergencyPause for EmergencyPause.State;
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
        address owner;
    }

    struct ListedContract {
        address deployed;
        uint64 fromBlock;
    }

    RosterBook.State private _roster;
    EmergencyPause.State private _pause;
    mapping(address account => MemberRecord) private _members;
    mapping(uint32 memberId => address) private _accounts;
    mapping(uint32 stationId => StationRecord) private _stations;
    mapping(bytes32 role => ListedContract[]) private _contracts;
    uint32 private _memberCount;
    uint32 private _stationCount;

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
    function reject(address applicant, bytes32 reasonHash) external onlyRole(ADMITTER) {
        _endApplication(applicant);
        emit ApplicationRejected(applicant, reasonHash);
    }

    /// @inheritdoc IAllianceRegistry
    function admit(address applicant) external onlyRole(ADMITTER) {
        MemberRecord storage member = _move(applicant, MemberStatus.Applied, MemberStatus.Admitted);
        if (member.number == 0) {
            member.number = ++_memberCount;
            _accounts[member.number] = applicant;
        }
        emit MemberAdmitted(applicant, member.number);
        _roster.insert(member.number);
    }

    /// @inheritdoc IAllianceRegistry
    function suspend(address member) external onlyRole(ADMITTER) {
        uint32 number = _move(member, MemberStatus.Admitted, MemberStatus.Suspended).number;
        emit MemberSuspended(member, number);
        _roster.remove(number);
    }

    /// @inheritdoc IAllianceRegistry
    function reinstate(address member) external onlyRole(ADMITTER) {
        uint32 number = _move(member, MemberStatus.Suspended, MemberStatus.Admitted).number;
        emit MemberReinstated(member, number);
        _roster.insert(number);
    }

    /// @inheritdoc IAllianceRegistry
    function leaveAlliance() external {
        MemberRecord storage member = _members[msg.sender];
        MemberStatus before = member.status;
        if (before != MemberStatus.Admitted && before != MemberStatus.Suspended) {
            revert MemberInWrongStatus(msg.sender, before);
        }
        member.status = MemberStatus.Left;
        emit MemberLeft(msg.sender, member.number);
        if (before == MemberStatus.Admitted) _roster.remove(member.number);
    }

    // ---- stations ----

    /// @inheritdoc IAllianceRegistry
    function registerStation(StationSpec calldata spec) external returns (uint32 stationId) {
        MemberStatus status = _members[msg.sender].status;
        if (status != MemberStatus.Admitted) revert MemberInWrongStatus(msg.sender, status);
        spec.requireSound();
        stationId = ++_stationCount;
        _stations[stationId] = StationRecord({spec: spec, owner: msg.sender});
        emit StationRegistered(stationId, msg.sender, spec);
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
    function roster() external view returns (uint32[] memory) {
        return _roster.ids;
    }

    /// @inheritdoc IAllianceRegistry
    function rosterHashAt(uint32 day) external view returns (bytes32) {
        return _roster.hashAt(day);
    }

    /// @inheritdoc IAllianceRegistry
    function station(uint32 stationId) external view returns (StationSpec memory spec, address owner) {
        StationRecord storage record = _stations[stationId];
        if (record.owner == address(0)) revert StationUnknown(stationId);
        return (record.spec, record.owner);
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
        return super._grantRole(role, account);
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
