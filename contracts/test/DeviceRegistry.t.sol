// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IAllianceRegistry} from "../src/interfaces/IAllianceRegistry.sol";
import {IDeviceRegistry} from "../src/interfaces/IDeviceRegistry.sol";
import {IERC1056} from "../src/interfaces/IERC1056.sol";
import {Signature} from "../src/libraries/Signature.sol";
import {ChannelBinding, Device} from "../src/types/Device.sol";
import {Alliance} from "./Alliance.sol";
import {Vm} from "./Vm.sol";

contract DeviceRegistryTest is Alliance {
    uint256 private constant DEVICE_KEY = 0xD1D1;
    uint256 private constant NEXT_KEY = 0xD2D2;
    uint64 private constant VALIDITY = 365 days;
    bytes32 private constant VERI_KEY = "veriKey";
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    address private device;
    address private next;
    address private owner;
    uint32 private station;

    function setUp() public {
        deploy();
        admitMembers(2);
        owner = member(1);
        station = registerStation(owner);
        device = vm.addr(DEVICE_KEY);
        next = vm.addr(NEXT_KEY);
    }

    function consentDigest(address by, uint32 at_, uint64 deadline) private view returns (bytes32) {
        bytes32 typeHash =
            keccak256("Enrol(address device,address owner,uint32 station,uint256 nonce,uint64 deadline)");
        return digestOf(keccak256(abi.encode(typeHash, device, by, at_, devices.nonce(device), deadline)));
    }

    function enrol() private {
        uint64 deadline = uint64(block.timestamp + 1 hours);
        bytes memory consent = signed64(DEVICE_KEY, consentDigest(owner, station, deadline));
        vm.prank(owner);
        devices.enrol(device, station, deadline, consent);
    }

    function enrolAndAttest() private {
        enrol();
        vm.roll(block.number + 1);
        vm.prank(attestor);
        devices.attest(device, VALIDITY);
        vm.roll(block.number + 1);
    }

    function rotation(uint256 key, address newKey) private view returns (bytes memory) {
        bytes32 typeHash = keccak256("Rotate(address device,address newKey,uint64 validity,uint256 nonce)");
        return signed64(key, digestOf(keccak256(abi.encode(typeHash, device, newKey, VALIDITY, devices.nonce(device)))));
    }

    // ---- enrolment ----

    function test_deviceSigns_whenEnrolledAndAttested() external {
        enrol();
        vm.assertEq(devices.identityOwner(device), owner, "owner");
        vm.assertFalse(devices.isSigner(device, device), "not before attestation");
        vm.prank(attestor);
        devices.attest(device, VALIDITY);
        vm.assertTrue(devices.isSigner(device, device), "signer");
        vm.assertTrue(devices.validDelegate(device, VERI_KEY, device), "public delegate");
        Device memory record = devices.device(device);
        vm.assertEq(record.station, station, "station");
        vm.assertEq(record.attestor, attestor, "attestor");
        vm.warp(block.timestamp + VALIDITY);
        vm.assertFalse(devices.isSigner(device, device), "validTo is exclusive");
        vm.assertFalse(devices.validDelegate(device, VERI_KEY, device), "public too");
    }

    function test_enrolTakesTheWalletsForm_of65Bytes() external {
        uint64 deadline = uint64(block.timestamp);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(DEVICE_KEY, consentDigest(owner, station, deadline));
        vm.prank(owner);
        devices.enrol(device, station, deadline, abi.encodePacked(r, s, v));
    }

    function test_enrolReverts_whenConsentIsForAnother() external {
        uint64 deadline = uint64(block.timestamp);
        bytes memory consent = signed64(DEVICE_KEY, consentDigest(member(2), station, deadline));
        vm.prank(owner);
        vm.expectPartialRevert(IDeviceRegistry.ConsentNotByDevice.selector);
        devices.enrol(device, station, deadline, consent);
        consent = signed64(NEXT_KEY, consentDigest(owner, station, deadline));
        vm.prank(owner);
        vm.expectPartialRevert(IDeviceRegistry.ConsentNotByDevice.selector);
        devices.enrol(device, station, deadline, consent);
    }

    function test_enrolReverts_whenConsentIsOfAnotherChain() external {
        uint64 deadline = uint64(block.timestamp);
        bytes memory consent = signed64(DEVICE_KEY, consentDigest(owner, station, deadline));
        vm.chainId(1);
        vm.prank(owner);
        vm.expectPartialRevert(IDeviceRegistry.ConsentNotByDevice.selector);
        devices.enrol(device, station, deadline, consent);
    }

    function test_enrolReverts_whenExpiredOrRepeated() external {
        uint64 deadline = uint64(block.timestamp - 1);
        bytes memory consent = signed64(DEVICE_KEY, consentDigest(owner, station, deadline));
        vm.prank(owner);
        vm.expectPartialRevert(IDeviceRegistry.ConsentExpired.selector);
        devices.enrol(device, station, deadline, consent);
        enrol();
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.DeviceAlreadyEnrolled.selector, device, station));
        devices.enrol(device, station, deadline, consent);
    }

    function test_enrolReverts_whenSignatureHasHighSOrWrongLength() external {
        uint64 deadline = uint64(block.timestamp);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(DEVICE_KEY, consentDigest(owner, station, deadline));
        vm.assertLe(uint256(s), HALF_ORDER, "low s");
        bytes32 high = bytes32(ORDER - uint256(s));
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, high));
        devices.enrol(device, station, deadline, abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27)));
        vm.expectRevert(abi.encodeWithSelector(Signature.SignatureWrongLength.selector, 63));
        devices.enrol(device, station, deadline, new bytes(63));
        vm.stopPrank();
    }

    function test_enrolReverts_whenCallerIsNoMemberOrOwnsNoSuchStation() external {
        vm.prank(address(7));
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.OwnerNotAdmitted.selector, address(7)));
        devices.enrol(device, station, uint64(block.timestamp), "");
        vm.prank(member(2));
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.StationNotOwned.selector, station, owner, member(2)));
        devices.enrol(device, station, uint64(block.timestamp), "");
        vm.prank(owner);
        vm.expectPartialRevert(IAllianceRegistry.StationUnknown.selector);
        devices.enrol(device, 99, uint64(block.timestamp), "");
    }

    function test_attestReverts_whenCallerIsOwnerOrNoAttestor() external {
        enrol();
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.AttestorMissingRole.selector, owner));
        devices.attest(device, VALIDITY);
        decide(address(registry), abi.encodeWithSignature("grantRole(bytes32,address)", keccak256("ATTESTOR"), owner));
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.OwnerIsAttestor.selector, device, owner));
        devices.attest(device, VALIDITY);
    }

    function test_attestReverts_whenDeviceIsUnknownOrValidityOutOfRange() external {
        vm.startPrank(attestor);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.DeviceUnknown.selector, device));
        devices.attest(device, VALIDITY);
        vm.stopPrank();
        enrol();
        vm.startPrank(attestor);
        vm.expectPartialRevert(IDeviceRegistry.ValidityOutOfRange.selector);
        devices.attest(device, 0);
        vm.expectPartialRevert(IDeviceRegistry.ValidityOutOfRange.selector);
        devices.attest(device, type(uint64).max);
        vm.stopPrank();
    }

    // ---- channels ----

    function test_channelIsBound_byTheAttestorAlone() external {
        enrolAndAttest();
        vm.prank(owner);
        vm.expectPartialRevert(IDeviceRegistry.AttestorMissingRole.selector);
        devices.bindChannel(device, 1, 1, station, 0, 0);
        vm.prank(attestor);
        devices.bindChannel(device, 1, 1, station, uint64(block.timestamp), 0);
        ChannelBinding memory binding = devices.channel(device, 1);
        vm.assertEq(binding.kind, 1, "kind");
        vm.assertEq(binding.station, station, "station");
    }

    function test_channelRefuses_whenUnattestedForeignOrEmpty() external {
        enrol();
        vm.prank(attestor);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.DeviceNotAttested.selector, device));
        devices.bindChannel(device, 1, 1, station, 0, 0);
        uint32 foreign = registerStation(member(2));
        vm.startPrank(attestor);
        devices.attest(device, VALIDITY);
        vm.expectPartialRevert(IDeviceRegistry.StationNotOwned.selector);
        devices.bindChannel(device, 1, 1, foreign, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.ChannelKindUnknown.selector, 0));
        devices.bindChannel(device, 1, 0, station, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.ChannelTermEmpty.selector, 5, 5));
        devices.bindChannel(device, 1, 1, station, 5, 5);
        vm.stopPrank();
    }

    // ---- keys ----

    function test_rotationReplacesTheSigner_whenTheOutgoingKeySigned() external {
        enrolAndAttest();
        devices.rotate(device, next, VALIDITY, rotation(DEVICE_KEY, next));
        vm.assertTrue(devices.isSigner(device, next), "new key");
        vm.assertFalse(devices.isSigner(device, device), "outgoing key lapsed");
        vm.assertEq(devices.delegates(device, keccak256(abi.encode(VERI_KEY)), device), block.timestamp - 1, "validTo");
    }

    function test_rotationReverts_whenReplayedOrBySomeoneElse() external {
        enrolAndAttest();
        bytes memory byOwner = rotation(0x1001, next);
        vm.expectPartialRevert(IDeviceRegistry.SignerNotConfirmed.selector);
        devices.rotate(device, next, VALIDITY, byOwner);
        bytes memory good = rotation(DEVICE_KEY, next);
        devices.rotate(device, next, VALIDITY, good);
        vm.expectPartialRevert(IDeviceRegistry.SignerNotConfirmed.selector);
        devices.rotate(device, next, VALIDITY, good);
        bytes memory back = rotation(NEXT_KEY, device);
        vm.expectPartialRevert(IDeviceRegistry.SignerAlreadyConfirmed.selector);
        devices.rotate(device, device, VALIDITY, back); // a key that once lapsed needs an attestor
    }

    function test_ownerIsNeverASigner() external {
        enrolAndAttest();
        vm.prank(attestor);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.SignerIsOwner.selector, device, owner));
        devices.confirmDelegate(device, owner, VALIDITY);
        bytes memory toOwner = rotation(DEVICE_KEY, owner);
        vm.expectPartialRevert(IDeviceRegistry.SignerIsOwner.selector);
        devices.rotate(device, owner, VALIDITY, toOwner);
        vm.prank(attestor);
        devices.confirmDelegate(device, member(2), VALIDITY);
        vm.prank(owner);
        devices.changeOwner(device, member(2));
        vm.assertFalse(devices.isSigner(device, member(2)), "a signer that becomes the owner is none");
        vm.assertTrue(devices.isSigner(device, device), "the stream goes on under a new owner");
    }

    function test_ownerRevokesAndNeverAdds() external {
        enrolAndAttest();
        vm.startPrank(owner);
        devices.addDelegate(device, VERI_KEY, next, VALIDITY);
        vm.assertTrue(devices.validDelegate(device, VERI_KEY, next), "resolves publicly");
        vm.assertFalse(devices.isSigner(device, next), "proves no reading");
        vm.expectPartialRevert(IDeviceRegistry.SignerAlreadyConfirmed.selector);
        devices.addDelegate(device, VERI_KEY, device, 2 * VALIDITY);
        devices.revokeDelegate(device, VERI_KEY, device);
        vm.assertFalse(devices.isSigner(device, device), "revoked in the same second");
        vm.assertFalse(devices.validDelegate(device, VERI_KEY, device), "publicly too");
        devices.addDelegate(device, VERI_KEY, device, VALIDITY);
        vm.assertFalse(devices.isSigner(device, device), "not revived");
        vm.stopPrank();
    }

    function test_compromiseRevokesAtOnce_andOnlyReachesFurtherBack() external {
        enrolAndAttest();
        uint48 current = uint48(block.timestamp / EPOCH_SECONDS);
        vm.startPrank(owner);
        vm.expectPartialRevert(IDeviceRegistry.EpochInFuture.selector);
        devices.compromisedSince(device, device, current + 1);
        devices.compromisedSince(device, device, current - 4);
        vm.assertFalse(devices.isSigner(device, device), "revoked");
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.EpochNotEarlier.selector, current - 4, current - 4));
        devices.compromisedSince(device, device, current - 4);
        vm.stopPrank();
        vm.startPrank(attestor);
        devices.compromisedSince(device, device, current - 5);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.SignerCompromised.selector, device, device, current - 5));
        devices.confirmDelegate(device, device, VALIDITY);
        vm.stopPrank();
        vm.prank(member(2));
        vm.expectPartialRevert(IDeviceRegistry.AttestorMissingRole.selector);
        devices.compromisedSince(device, device, 1);
    }

    function test_ownerChangesOnlyToAnAdmittedMember() external {
        enrolAndAttest();
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.OwnerNotAdmitted.selector, address(7)));
        devices.changeOwner(device, address(7));
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.OwnerIsDevice.selector, device));
        devices.changeOwner(device, device);
        devices.changeOwner(device, member(2));
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.IdentityNotOwner.selector, device, member(2), owner));
        devices.revokeDelegate(device, VERI_KEY, device);
        vm.stopPrank();
    }

    // ---- ERC-1056 ----

    function test_plainIdentityActsAsErc1056Says() external {
        address identity = vm.addr(0x77);
        vm.startPrank(identity);
        devices.addDelegate(identity, "sigAuth", address(5), 100);
        vm.assertTrue(devices.validDelegate(identity, "sigAuth", address(5)), "delegate");
        devices.setAttribute(identity, "did/svc/Hub", "https://alliance.example", 100);
        devices.revokeAttribute(identity, "did/svc/Hub", "https://alliance.example");
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.AttributeReserved.selector, bytes32("alliance/channel")));
        devices.setAttribute(identity, "alliance/channel", "", 100);
        devices.changeOwner(identity, address(6));
        vm.stopPrank();
        vm.assertEq(devices.identityOwner(identity), address(6), "owner");
        vm.assertEq(devices.changed(identity), block.number, "changed");
    }

    function test_signedCallsTakeErc1056sHash_once() external {
        address identity = vm.addr(0x77);
        bytes memory head = abi.encodePacked(bytes2(0x1900), address(devices), uint256(0), identity);
        (uint8 v, bytes32 r, bytes32 s) =
            vm.sign(0x77, keccak256(abi.encodePacked(head, "addDelegate", bytes32("sigAuth"), address(5), uint256(100))));
        devices.addDelegateSigned(identity, v, r, s, "sigAuth", address(5), 100);
        vm.assertTrue(devices.validDelegate(identity, "sigAuth", address(5)), "delegate");
        vm.expectPartialRevert(IDeviceRegistry.IdentityNotOwner.selector);
        devices.addDelegateSigned(identity, v, r, s, "sigAuth", address(5), 100);

        head = abi.encodePacked(bytes2(0x1900), address(devices), uint256(1), identity);
        (v, r, s) = vm.sign(0x77, keccak256(abi.encodePacked(head, "revokeDelegate", bytes32("sigAuth"), address(5))));
        devices.revokeDelegateSigned(identity, v, r, s, "sigAuth", address(5));
        vm.assertFalse(devices.validDelegate(identity, "sigAuth", address(5)), "revoked");

        head = abi.encodePacked(bytes2(0x1900), address(devices), uint256(2), identity);
        (v, r, s) =
            vm.sign(0x77, keccak256(abi.encodePacked(head, "setAttribute", bytes32("name"), bytes("x"), uint256(9))));
        devices.setAttributeSigned(identity, v, r, s, "name", "x", 9);

        head = abi.encodePacked(bytes2(0x1900), address(devices), uint256(3), identity);
        (v, r, s) = vm.sign(0x77, keccak256(abi.encodePacked(head, "revokeAttribute", bytes32("name"), bytes("x"))));
        devices.revokeAttributeSigned(identity, v, r, s, "name", "x");

        head = abi.encodePacked(bytes2(0x1900), address(devices), uint256(4), identity);
        (v, r, s) = vm.sign(0x77, keccak256(abi.encodePacked(head, "changeOwner", address(6))));
        devices.changeOwnerSigned(identity, v, r, s, address(6));
        vm.assertEq(devices.identityOwner(identity), address(6), "owner");
        vm.assertEq(devices.nonce(identity), 5, "nonce");
    }

    /// @dev A resolver finds the history from `changed` and ERC-1056's own events alone, whichever of ours came between.
    function test_historyIsWalkedByErc1056sEvents() external {
        vm.recordLogs();
        enrolAndAttest();
        vm.prank(attestor);
        devices.bindChannel(device, 1, 1, station, 0, 0);
        vm.roll(block.number + 1);
        devices.rotate(device, next, VALIDITY, rotation(DEVICE_KEY, next));
        vm.roll(block.number + 1);
        vm.prank(owner);
        devices.compromisedSince(device, next, 1);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 at_ = devices.changed(device);
        vm.assertEq(at_, block.number, "the latest change");
        uint256 walked = 0;
        for (uint256 i = logs.length; i > 0; --i) {
            if (!_ofErc1056(logs[i - 1].topics[0])) continue;
            ++walked;
            (uint256 before) = _previousChange(logs[i - 1].data);
            vm.assertTrue(before <= at_, "earlier");
            at_ = before;
        }
        vm.assertEq(at_, 0, "back to the beginning");
        vm.assertEq(walked, 6, "enrol, attest, bind, rotate (two), compromise");
    }

    function _ofErc1056(bytes32 topic) private pure returns (bool) {
        return topic == IERC1056.DIDOwnerChanged.selector || topic == IERC1056.DIDDelegateChanged.selector
            || topic == IERC1056.DIDAttributeChanged.selector;
    }

    /// @dev previousChange is the last word of the head in each of the three.
    function _previousChange(bytes memory data) private pure returns (uint256) {
        if (data.length == 64) {
            (, uint256 previous) = abi.decode(data, (address, uint256));
            return previous;
        }
        (,,, uint256 last) = abi.decode(data, (bytes32, bytes32, uint256, uint256));
        return last;
    }
}
