// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AllianceRegistry} from "../src/AllianceRegistry.sol";
import {AnchorLog} from "../src/AnchorLog.sol";
import {BookCourt} from "../src/BookCourt.sol";
import {CapacityLease} from "../src/CapacityLease.sol";
import {Charter} from "../src/Charter.sol";
import {DeviceRegistry} from "../src/DeviceRegistry.sol";
import {MarketCourt} from "../src/MarketCourt.sol";
import {MeterCourt} from "../src/MeterCourt.sol";
import {PlanCourt} from "../src/PlanCourt.sol";
import {SettlementLedger} from "../src/SettlementLedger.sol";
import {IAnchorLog} from "../src/interfaces/IAnchorLog.sol";
import {Calendar} from "../src/libraries/Calendar.sol";
import {Domain} from "../src/libraries/Domain.sol";
import {
    ANCHOR_LOG,
    BOOK_COURT,
    CAPACITY_LEASE,
    CHARTER,
    ContractEntry,
    DEVICE_REGISTRY,
    MARKET_COURT,
    METER_COURT,
    PLAN_COURT,
    SETTLEMENT_LEDGER
} from "../src/types/Contracts.sol";
import {OfferTerms} from "../src/types/Lease.sol";
import {VotingRules} from "../src/types/Proposal.sol";
import {StationSpec} from "../src/types/Station.sol";
import {Vm} from "./Vm.sol";

/// @title One alliance as it is deployed, with its keys, and the verbs that tests share
abstract contract Alliance {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 internal constant DEPLOYER_NONCE = 0;
    uint48 internal constant EPOCH_SECONDS = 900;
    uint48 internal constant CHARTER_VOTING = 7 days;
    uint48 internal constant CHARTER_DELAY = 1 days;
    uint48 internal constant CHARTER_GRACE = 14 days;
    uint48 internal constant WINDOW = 7 days;
    uint256 internal constant START = 1_784_044_800; // 2026-07-15 00:00 in Shanghai, less 8 hours: 2026-07-14 16:00 UTC

    address internal deployer = address(0xD0);
    address internal admitter = address(0xA1);
    address internal attestor = address(0xA2);
    address internal settler = address(0xA3);
    address internal guardian = address(0xA4);
    uint256 internal writerKey = 0xA5A5;
    address internal writer;
    AllianceRegistry internal registry;
    Charter internal charter;
    DeviceRegistry internal devices;
    CapacityLease internal leases;
    AnchorLog internal anchor;
    SettlementLedger internal ledger;
    MeterCourt internal meterCourt;
    PlanCourt internal planCourt;
    MarketCourt internal marketCourt;
    BookCourt internal bookCourt;
    uint48 internal startEpoch;
    uint32 internal firstDay;

    function deploy() internal {
        vm.warp(START);
        vm.roll(100);
        writer = vm.addr(writerKey);
        startEpoch = uint48(START / EPOCH_SECONDS) - 1;
        firstDay = Calendar.dayAt(START) + 1;
        vm.startPrank(deployer);
        ContractEntry[] memory listed = new ContractEntry[](9);
        listed[0] = ContractEntry(CHARTER, _next(1));
        listed[1] = ContractEntry(DEVICE_REGISTRY, _next(2));
        listed[2] = ContractEntry(CAPACITY_LEASE, _next(3));
        listed[3] = ContractEntry(ANCHOR_LOG, _next(4));
        listed[4] = ContractEntry(SETTLEMENT_LEDGER, _next(5));
        listed[5] = ContractEntry(METER_COURT, _next(6));
        listed[6] = ContractEntry(PLAN_COURT, _next(7));
        listed[7] = ContractEntry(MARKET_COURT, _next(8));
        listed[8] = ContractEntry(BOOK_COURT, _next(9));
        registry = new AllianceRegistry(
            AllianceRegistry.RoleHolders(listed[0].deployed, admitter, attestor, settler, guardian), listed
        );
        charter = new Charter(registry, votingRules());
        devices = new DeviceRegistry(registry, EPOCH_SECONDS);
        leases = new CapacityLease(registry);
        anchor = new AnchorLog(registry, devices, writer, EPOCH_SECONDS, startEpoch, IAnchorLog(address(0)));
        ledger = new SettlementLedger(registry, WINDOW, firstDay);
        meterCourt = new MeterCourt(registry);
        planCourt = new PlanCourt(registry);
        marketCourt = new MarketCourt(registry);
        bookCourt = new BookCourt(registry);
        vm.stopPrank();
    }

    /// @dev Half of the electorate must vote, and more than half of those for it.
    function votingRules() internal pure returns (VotingRules memory) {
        return VotingRules({
            votingSeconds: CHARTER_VOTING,
            delaySeconds: CHARTER_DELAY,
            graceSeconds: CHARTER_GRACE,
            quorumBp: 5000,
            majorityBp: 5000
        });
    }

    function _next(uint256 after_) private view returns (address) {
        return vm.computeCreateAddress(deployer, vm.getNonce(deployer) + after_);
    }

    function member(uint256 i) internal pure returns (address) {
        return address(uint160(0x1000 + i));
    }

    function admitMembers(uint256 count) internal {
        for (uint256 i = 1; i <= count; ++i) {
            vm.prank(member(i));
            registry.applyForMembership(keccak256(abi.encode(i)));
            vm.prank(admitter);
            registry.admit(member(i));
        }
    }

    /// @dev 1 MW / 2 MWh behind a connection of 1 MW.
    function specification() internal pure returns (StationSpec memory) {
        return StationSpec({
            stationType: 4,
            region: 320703,
            chargePowerW: 1e6,
            dischargePowerW: 1e6,
            capacityWh: 2e6,
            pccImportW: 1e6,
            pccExportW: 1e6
        });
    }

    function registerStation(address owner) internal returns (uint32 stationId) {
        vm.startPrank(owner);
        stationId = registry.registerStation(specification());
        registry.signSafetyAgreement(stationId, keccak256(abi.encode("safety", stationId)));
        vm.stopPrank();
    }

    /// @dev The whole of a station, always, for four weeks from the next slot.
    function offerTerms(uint32 stationId) internal view returns (OfferTerms memory) {
        return OfferTerms({
            stationId: stationId,
            powerW: 1e6,
            energyWh: 2e6,
            firstSlot: Calendar.slotAt(block.timestamp) + 1,
            termSlots: 28 * 96,
            etaCPpm: 950_000,
            etaDPpm: 950_000,
            rentCentsPerKwYear: 20_000,
            wearPrice: 8000,
            handoverWh: 1e6,
            handoverPrice: 40_000,
            slaBp: 9800,
            slaFactorBp: 15_000,
            priceVersion: 1,
            weekdayMask: 0x7f,
            dayFirstSlot: 0,
            daySlots: 96,
            endNoticeSlots: 0,
            endFeeBp: 0
        });
    }

    /// @dev Let members propose, accept and wait; `enough` of them vote for it.
    function accepted(address target, bytes memory data) internal returns (uint256 id) {
        vm.prank(member(1));
        id = charter.propose(target, data, keccak256("description"));
        uint256 enough = registry.rosterSize() / 2 + 1;
        for (uint256 i = 1; i <= enough; ++i) {
            vm.prank(member(i));
            charter.vote(id, true);
        }
        vm.warp(block.timestamp + CHARTER_DELAY);
    }

    function decide(address target, bytes memory data) internal returns (bytes memory) {
        return charter.execute(accepted(target, data), data);
    }

    function signed64(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(key, digest);
        return abi.encodePacked(r, vs);
    }

    function digestOf(bytes32 structHash) internal view returns (bytes32) {
        return Domain.digest(registry.domainSeparator(), structHash);
    }

    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + value % (high - low + 1);
    }
}
