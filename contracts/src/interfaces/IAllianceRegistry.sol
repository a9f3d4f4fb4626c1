// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {MemberStatus, StationSpec} from "../types/Station.sol";

/// @title The alliance's members, stations, roles and contracts (protocol 7)
/// @notice Members are numbered 1, 2, … in order of admission and keep their number for good. The roster of a day is frozen at
/// its 00:00 (Asia/Shanghai): a change on day D counts from D + 1. No personal data, only a salted commitment.
interface IAllianceRegistry {
    event MembershipApplied(address indexed applicant, bytes32 commitment);
    event ApplicationWithdrawn(address indexed applicant);
    event ApplicationRejected(address indexed applicant, bytes32 reasonHash);
    event MemberAdmitted(address indexed member, uint32 indexed memberId);
    event MemberSuspended(address indexed member, uint32 indexed memberId);
    event MemberReinstated(address indexed member, uint32 indexed memberId);
    /// @notice Off the roster after `lastDay`; its obligations of that day and earlier ones remain.
    event MemberLeaving(address indexed member, uint32 indexed memberId, uint32 lastDay);
    event MemberLeft(address indexed member, uint32 indexed memberId);
    /// @notice A member goes by another account from now on: number, stations and balances stay.
    event MemberMoved(uint32 indexed memberId, address indexed before, address indexed now_);
    /// @notice Every day before `toDay` on which the member was on the roster is final, and paid or zero.
    event DaysCleared(uint32 indexed memberId, uint32 toDay);
    /// @notice The roster from local day `fromDay` on; a later change of the same day replaces it.
    event RosterChanged(uint32 indexed fromDay, uint32[] memberIds);
    event StationRegistered(uint32 indexed stationId, address indexed owner, StationSpec spec);
    event StationChangeProposed(uint32 indexed stationId, StationSpec spec, bytes32 agreement);
    /// @notice A station has another rating from local day `fromDay` on.
    event StationChanged(uint32 indexed stationId, uint32 indexed fromDay, StationSpec spec);
    /// @notice The owner signed the station's agreement on who answers for what in matters of safety.
    event SafetyAgreed(uint32 indexed stationId, address indexed owner, bytes32 agreement);
    event ContractAdded(bytes32 indexed role, uint16 version, address deployed);
    event Paused(address indexed by, uint48 until, uint48 nextFrom);
    event Unpaused(address indexed by, uint48 nextFrom);

    error MemberInWrongStatus(address account, MemberStatus status);
    error MemberUnknown(uint32 memberId);
    error MemberHasLease(uint32 memberId, uint32 leaseId);
    error MemberDayNotFinal(uint32 memberId, uint32 day, uint256 from);
    error MemberDayNotPaid(uint32 memberId, uint32 day, int64 balanceCents);
    error MemberDaysNotCleared(uint32 memberId, uint32 clearedTo, uint32 lastDay);
    error AccountTaken(address account);
    error ReasonMissing(address applicant);
    error CommitmentMissing(address applicant);
    error RosterFull(uint256 limit);
    error RosterNotYetKnown(uint32 day, uint32 today);
    error StationUnknown(uint32 stationId);
    error StationNotOwner(uint32 stationId, address owner, address account);
    error StationConfirmedByOwner(uint32 stationId, address owner);
    error StationChangeDiffers(uint32 stationId, bytes32 want, bytes32 got);
    error SafetyAgreementMissing(uint32 stationId);
    error StationTypeUnknown(uint8 stationType);
    error StationRegionMissing();
    error StationRatingInconsistent(uint64 chargePowerW, uint64 dischargePowerW, uint64 capacityWh);
    error StationPowerTooHigh(uint64 powerW, uint64 limitW);
    error ContractVersionUnknown(bytes32 role, uint16 version);
    error ContractMissing(bytes32 role);
    error RolesNotSeparate(address account, bytes32 held, bytes32 asked);
    error RoleHolderMissing(bytes32 role);
    error LastAdministrator(address account);
    error PauseTooSoon(uint48 nextFrom, uint48 time);
    error PauseNotRunning(uint48 until, uint48 time);

    /// @notice Apply for membership. @param commitment Salted hash of the applicant's papers, kept off chain.
    function applyForMembership(bytes32 commitment) external;

    /// @notice Take back an application that was not decided yet.
    function withdrawApplication() external;

    /// @notice Admit an applicant. ADMITTER or charter. The roster counts it from the next local day.
    function admit(address applicant) external;

    /// @notice Refuse an applicant. ADMITTER or charter. @param reasonHash SHA-256 of the written reason.
    function reject(address applicant, bytes32 reasonHash) external;

    /// @notice Suspend an admitted member from the next local day. Charter only; refused while it has a live lease.
    function suspend(address member) external;

    /// @notice End a member's suspension from the next local day. Charter only.
    function reinstate(address member) external;

    /// @notice Leave the roster from the next local day. Refused while the member has a live lease; a pause does not touch it.
    function announceLeaving() external;

    /// @notice Clear the member's next days in order, each as soon as it is final and its balance is zero or has a recorded
    /// payment. A day without a statement counts as cleared 90 days after its end: nobody is held by an operator's silence.
    /// @param receipts For each day the hash of a recorded payment, or 0 where none is needed. @return clearedTo First day not cleared.
    function clearDays(uint32 memberId, bytes32[] calldata receipts) external returns (uint32 clearedTo);

    /// @notice Be out, once every day on the roster is cleared.
    function completeLeaving() external;

    /// @notice Let a member go by another account, its key being stolen or lost. Charter only.
    function moveMember(uint32 memberId, address account) external;

    /// @notice Register a station behind one connection point. Admitted members only. @return stationId 1, 2, …
    function registerStation(StationSpec calldata spec) external returns (uint32 stationId);

    /// @notice Sign a station's safety agreement: without one it neither offers nor measures. Its owner only.
    /// @param agreement SHA-256 of the agreement, kept off chain.
    function signSafetyAgreement(uint32 stationId, bytes32 agreement) external;

    /// @notice Ask for another rating of one's station, under a new safety agreement; a later request replaces it.
    function proposeStationChange(uint32 stationId, StationSpec calldata spec, bytes32 agreement) external;

    /// @notice Confirm exactly what the owner asked for. ADMITTER only, never the owner; refused while live offers need more.
    function confirmStationChange(uint32 stationId, StationSpec calldata spec, bytes32 agreement) external;

    /// @notice List a contract under the next version of its role. Charter only; nothing listed ever changes.
    /// @return version 1 for a role's first contract, then one more each.
    function addContract(bytes32 role, address deployed) external returns (uint16 version);

    /// @notice Pause new offers, leases and statements for at most 72 hours; 72 hours after its end, not again. GUARDIAN only.
    function pause() external;

    /// @notice End a running pause early. GUARDIAN or charter.
    function unpause() external;

    /// @notice 0 if the account was never admitted.
    function memberNumber(address account) external view returns (uint32 memberId);

    function memberAddress(uint32 memberId) external view returns (address account);

    function memberStatus(address account) external view returns (MemberStatus status);

    function commitmentOf(address account) external view returns (bytes32 commitment);

    /// @notice How many members were ever admitted.
    function memberCount() external view returns (uint32 count);

    /// @notice Number of the member that had this account before it was moved to another; 0 if none.
    function formerMember(address account) external view returns (uint32 memberId);

    /// @notice The account by which a member goes now that went by this one before; 0 if none did.
    function movedTo(address account) external view returns (address now_);

    /// @notice First day on the roster that is not cleared yet; 0 if the member was never admitted.
    function clearedTo(uint32 memberId) external view returns (uint32 day);

    /// @notice How many members are admitted now.
    function rosterSize() external view returns (uint32 size);

    /// @notice How often somebody was put on the roster.
    function rosterVersion() external view returns (uint32 version);

    /// @notice The roster's version with which a member last came on it.
    function onRosterSince(uint32 memberId) external view returns (uint32 version);

    /// @notice The first local day of a member's latest stay on the roster: the day after it was admitted or reinstated.
    function onRosterFrom(uint32 memberId) external view returns (uint32 day);

    /// @notice Numbers of the members admitted now, ascending.
    function roster() external view returns (uint32[] memory memberIds);

    /// @notice keccak256(abi.encode(uint32[] memberIds)) as the roster stood at 00:00 of a local day that has begun.
    function rosterHashAt(uint32 day) external view returns (bytes32 hash);

    /// @notice A station's rating and its owner's account.
    function station(uint32 stationId) external view returns (StationSpec memory spec, address owner);

    /// @notice SHA-256 of the safety agreement that a station's owner signed; 0 if none.
    function safetyAgreement(uint32 stationId) external view returns (bytes32 agreement);

    function stationCount() external view returns (uint32 count);

    /// @notice The contract listed under a role and version, and the block that listed it.
    function contractAt(bytes32 role, uint16 version) external view returns (address deployed, uint64 fromBlock);

    /// @notice The role's latest version, 0 if it has none.
    function contractVersion(bytes32 role) external view returns (uint16 version);

    /// @notice The newest contract of a role. Reverts if there is none.
    function newestContract(bytes32 role) external view returns (address deployed);

    /// @notice keccak256(abi.encode(chainId, address of this registry)).
    function allianceId() external view returns (bytes32 id);

    /// @notice Domain separator of everything that the alliance signs (EIP-712).
    function domainSeparator() external view returns (bytes32 separator);

    /// @notice Unix seconds until which new offers, leases and statements are paused; in the past if they are not.
    function pausedUntil() external view returns (uint48 until);

    /// @notice Whether an account holds a role; ADMIN (0) is the charter.
    function hasRole(bytes32 role, address account) external view returns (bool held);
}
