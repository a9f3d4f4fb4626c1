// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Calendar} from "../src/libraries/Calendar.sol";
import {OfferTerms} from "../src/types/Lease.sol";
import {Alliance} from "./Alliance.sol";

/// @title What the alliance's everyday calls cost: whole transactions, all accounts cold, intrinsic gas and calldata included
/// @notice Recorded in gas.json (`make gas`) and compared with it. Forge optimises CapacityLease for 10,000 runs, the deployed
/// build for 200: its calls cost a little more on a chain. A test is one transaction: a slot that an earlier call of it wrote is
/// charged as already written, up to 2,800 gas below a chain's; `alliance bench --case gas` measures on one.
contract ActionGasTest is Alliance {
    event log_named_uint(string name, uint256 value);

    uint256 private constant DEVICE_KEY = 0xD1D1;
    uint256 private constant MEMBERS = 6;

    function setUp() public {
        deploy();
        admitMembers(MEMBERS);
        registerStation(member(1));
    }

    /// @dev Send it as a transaction, and say what it cost.
    function measure(string memory name, address from, address to, bytes memory data) private {
        uint256 used = 21_000;
        for (uint256 i = 0; i < data.length; ++i) used += data[i] == 0 ? 4 : 16;
        address nobody = address(0xdead);
        address[9] memory all = [
            address(registry), address(charter), address(devices), address(leases), address(anchor), address(ledger),
            address(meterCourt), address(planCourt), address(bookCourt)
        ];
        _call(from, nobody, data); // this contract's memory is as large as a call needs
        (, uint256 nothing) = _call(from, nobody, data);
        for (uint256 i = 0; i < all.length; ++i) vm.cool(all[i]);
        (bool done, uint256 cost) = _call(from, to, data);
        require(done, name);
        emit log_named_uint(name, used + cost - nothing);
    }

    function _call(address from, address to, bytes memory data) private returns (bool done, uint256 used) {
        vm.prank(from);
        used = gasleft();
        (done,) = to.call(data);
        used -= gasleft();
    }

    function posting(uint32 day, uint16 version) private view returns (bytes memory) {
        uint32[] memory ids = new uint32[](MEMBERS);
        int64[] memory cents = new int64[](MEMBERS + 3);
        for (uint32 i = 0; i < MEMBERS; ++i) {
            (ids[i], cents[i]) = (i + 1, -12_345 - int64(uint64(i)));
            cents[MEMBERS] -= cents[i];
        }
        return abi.encodeCall(ledger.post, (day, version, ids, cents, keccak256("root"), 5000, keccak256("statement")));
    }

    function test_gasOfStatements() external {
        vm.warp(Calendar.endOf(firstDay + 1));
        measure("post, first day, six members", settler, address(ledger), posting(firstDay, 1));
        measure("post, next day", settler, address(ledger), posting(firstDay + 1, 1));
        measure("post, correction", settler, address(ledger), posting(firstDay + 1, 2));
        measure("void a day", address(bookCourt), address(ledger), abi.encodeCall(ledger.voidDay, (firstDay)));
        vm.warp(block.timestamp + WINDOW);
        bytes memory paid = abi.encodeCall(ledger.recordPayment, (firstDay + 1, 1, keccak256("receipt")));
        measure("record a payment", member(1), address(ledger), paid);
    }

    function test_gasOfLeases() external {
        OfferTerms memory terms = offerTerms(1);
        (terms.endNoticeSlots, terms.endFeeBp) = (4, 1000);
        measure("offer", member(1), address(leases), abi.encodeCall(leases.offer, (terms)));
        uint32 from = uint32(Calendar.firstSlotOf(Calendar.dayAt(block.timestamp) + 1)); // all are on the roster
        for (uint256 i = 2; i <= 4; ++i) {
            bytes memory accept = abi.encodeCall(leases.accept, (1, 2e5, 4e5, from, 7 * 96));
            string memory name = i == 2 ? "accept, first lease" : i == 3 ? "accept, second lease" : "accept, third lease";
            measure(name, member(i), address(leases), accept);
        }
        bytes memory amendment = abi.encodeCall(leases.amend, (1, 1e5, 2e5, from + 96, 96));
        measure("amend, one asks", member(2), address(leases), amendment);
        measure("amend, the other agrees", member(1), address(leases), amendment);
        bytes memory end = abi.encodeCall(leases.endEarly, (2, from + 96));
        measure("end early, one asks", member(3), address(leases), end);
        measure("end early, the other agrees", member(1), address(leases), end);
        measure("end alone", member(4), address(leases), abi.encodeCall(leases.endAlone, (3, from + 96)));
        measure("withdraw an offer", member(1), address(leases), abi.encodeCall(leases.withdrawOffer, (1)));
    }

    function test_gasOfVotes() external {
        bytes memory rule = abi.encodeCall(charter.setPack, ("kind", firstDay + 60, keccak256("pack")));
        bytes memory proposal = abi.encodeCall(charter.propose, (address(charter), rule, keccak256("description")));
        measure("propose a rule", member(1), address(charter), proposal);
        bytes memory inFavour = abi.encodeCall(charter.vote, (1, true));
        measure("vote, first", member(1), address(charter), inFavour);
        measure("vote, second", member(2), address(charter), inFavour);
        measure("vote, third", member(3), address(charter), inFavour);
        measure("vote, the deciding one", member(4), address(charter), inFavour);
        measure("object", member(5), address(charter), abi.encodeCall(charter.object, (1)));
        vm.warp(block.timestamp + CHARTER_DELAY);
        measure("execute a rule", address(0xbeef), address(charter), abi.encodeCall(charter.execute, (1, rule)));
    }

    function test_gasOfMembersAndDevices() external {
        bytes memory data = abi.encodeCall(registry.applyForMembership, (keccak256("papers")));
        measure("apply", member(7), address(registry), data);
        measure("admit", admitter, address(registry), abi.encodeCall(registry.admit, (member(7))));
        data = abi.encodeCall(registry.registerStation, (specification()));
        measure("register a station", member(2), address(registry), data);
        address device = vm.addr(DEVICE_KEY);
        bytes32 typeHash = keccak256("Enrol(address device,address owner,uint32 station,uint256 nonce,uint64 deadline)");
        bytes32 consent = keccak256(abi.encode(typeHash, device, member(1), uint32(1), uint256(0), uint64(START)));
        bytes memory signature = signed64(DEVICE_KEY, digestOf(consent));
        data = abi.encodeCall(devices.enrol, (device, 1, uint64(START), signature));
        measure("enrol a device", member(1), address(devices), data);
        measure("attest a device", attestor, address(devices), abi.encodeCall(devices.attest, (device, 365 days)));
        data = abi.encodeCall(devices.bindChannel, (device, 1, 1, 1, uint64(START), 0));
        measure("bind a channel", attestor, address(devices), data);
        typeHash = keccak256("Rotate(address device,address newKey,uint64 validity,uint256 nonce)");
        bytes32 asked = keccak256(abi.encode(typeHash, device, vm.addr(0xD2D2), uint64(1 days), uint256(1)));
        signature = signed64(DEVICE_KEY, digestOf(asked));
        data = abi.encodeCall(devices.rotate, (device, vm.addr(0xD2D2), 1 days, signature));
        measure("rotate a key", address(0xbeef), address(devices), data);
    }
}
