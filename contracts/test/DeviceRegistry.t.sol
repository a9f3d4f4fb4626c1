// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IAllianceRegistry} from "../src/interfaces/IAllianceRegistry.sol";
import {IDeviceRegistry} from "../src/interfaces/IDeviceRegistry.sol";
import {IERC1056} from "../src/interfaces/IERC1056.sol";
import {DeviceKeys} from "../src/libraries/DeviceKeys.sol";
import {Signature} from "../src/libraries/Signature.sol";
import {ChannelBinding, Device} from "../src/types/Device.sol";
import {Alliance} from "./Alliance.sol";
import {ContractWallet} from "./ContractWallet.sol";
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

    /// @dev A point of P-256 (its generator), and 32 bytes as Ed25519 has them.
    function publicKeyOf(uint8 alg) private pure returns (bytes memory) {
        if (alg == 3) return abi.encode(keccak256("an Ed25519 key"));
        return hex"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    }

    function keyRotation(uint256 key, uint8 alg, bytes memory publicKey) private view returns (bytes memory) {
        bytes32 typeHash = keccak256("RotateKey(address device,uint8 alg,bytes publicKey,uint64 validity,uint256 nonce)");
        bytes32 hash = keccak256(publicKey);
        return signed64(key, digestOf(keccak256(abi.encode(typeHash, device, alg, hash, VALIDITY, devices.nonce(device)))));
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

    /// @dev G15: without its owner's signed safety agreement a station does not go live, and signed it stays signed.
    function test_channelRefuses_untilTheSafetyAgreementIsSigned() external {
        enrolAndAttest();
        vm.prank(owner);
        uint32 unsafe = registry.registerStation(specification());
        vm.prank(attestor);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.StationWithoutSafety.selector, unsafe));
        devices.bindChannel(device, 1, 1, unsafe, 0, 0);
        vm.assertEq(devices.channel(device, 1).kind, 0, "nothing is bound");
        vm.prank(owner);
        registry.signSafetyAgreement(unsafe, "agreement");
        vm.prank(attestor);
        devices.bindChannel(device, 1, 1, unsafe, 0, 0);
        vm.assertEq(devices.channel(device, 1).station, unsafe, "live");
    }

    function test_metersOfAStationAreCounted_whileTheirBindingHasNoEnd() external {
        enrolAndAttest();
        uint32 second = registerStation(owner);
        vm.startPrank(attestor);
        devices.bindChannel(device, 1, 1, station, 0, 0);
        devices.bindChannel(device, 2, 1, station, 0, 0);
        devices.bindChannel(device, 3, 2, station, 0, 0);
        requireMeters(station, 2, 1);
        devices.bindChannel(device, 1, 1, station, 0, 0); // the same again
        requireMeters(station, 2, 1);
        devices.bindChannel(device, 1, 2, second, 0, 0); // another place and kind
        requireMeters(station, 1, 1);
        requireMeters(second, 0, 1);
        devices.bindChannel(device, 2, 1, station, 0, 9); // ended
        devices.bindChannel(device, 3, 2, station, 0, 9);
        requireMeters(station, 0, 0);
        devices.bindChannel(device, 3, 2, station, 0, 0); // and begun anew
        requireMeters(station, 0, 1);
        vm.stopPrank();
    }

    function requireMeters(uint32 at_, uint32 connections, uint32 batteries) private view {
        vm.assertEq(devices.metersOf(at_, 1), connections, "connections");
        vm.assertEq(devices.metersOf(at_, 2), batteries, "batteries");
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
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.SignerIsOwner.selector, device, member(2)));
        devices.changeOwner(device, member(2));
        devices.revokeDelegate(device, VERI_KEY, member(2));
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.SignerIsOwner.selector, device, member(2)));
        devices.changeOwner(device, member(2)); // a key that ever signed never owns
        vm.stopPrank();
    }

    function test_streamGoesOn_whenTheOwnerChanges() external {
        enrolAndAttest();
        vm.prank(owner);
        devices.changeOwner(device, member(2));
        vm.assertTrue(devices.isSigner(device, device), "the stream goes on under a new owner");
    }

    function test_deviceFollowsItsOwner_whenTheMemberIsMovedFromAStolenAccount() external {
        enrolAndAttest();
        address rescued = vm.addr(0x5AFE);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.OwnerNotMoved.selector, device, owner));
        devices.followOwner(device);
        uint32 number = registry.memberNumber(owner);
        decide(address(registry), abi.encodeCall(registry.moveMember, (number, rescued)));
        vm.startPrank(owner); // the thief
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.OwnerMoved.selector, device, owner, rescued));
        devices.changeOwner(device, member(2));
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.OwnerMoved.selector, device, owner, rescued));
        devices.revokeDelegate(device, VERI_KEY, device);
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.OwnerMoved.selector, device, owner, rescued));
        devices.compromisedSince(device, device, 1);
        vm.stopPrank();
        devices.followOwner(device);
        vm.assertEq(devices.identityOwner(device), rescued, "followed");
        vm.assertTrue(devices.isSigner(device, device), "the stream goes on");
        vm.prank(rescued);
        devices.revokeDelegate(device, VERI_KEY, device);
    }

    // ---- keys of P-256 and Ed25519 ----

    function test_keysOfOtherCurvesAreConfirmedAndShown_byTheAttestor() external {
        enrolAndAttest();
        for (uint8 alg = 2; alg <= 3; ++alg) {
            bytes memory key = publicKeyOf(alg);
            address signer = address(uint160(uint256(keccak256(key))));
            uint256 before = devices.changed(device);
            vm.recordLogs();
            vm.prank(attestor);
            devices.confirmKey(device, alg, key, VALIDITY);
            Vm.Log[] memory logs = vm.getRecordedLogs();
            vm.assertEq(logs.length, 4, "delegate, confirmation, attribute, key");
            vm.assertEq(logs[3].topics[0], IDeviceRegistry.KeyConfirmed.selector, "event");
            (uint8 named, bytes memory shown, uint256 validTo, address by, uint256 previous) =
                abi.decode(logs[3].data, (uint8, bytes, uint256, address, uint256));
            vm.assertEq(named, alg, "alg");
            vm.assertEq(keccak256(shown), keccak256(key), "public key");
            vm.assertEq(validTo, block.timestamp + VALIDITY, "validTo");
            vm.assertEq(by, attestor, "by");
            vm.assertEq(previous, before, "one change");
            vm.assertEq(_previousChange(logs[2].data), before, "of all four");
            vm.assertTrue(devices.isSigner(device, signer), "signer");
            vm.assertEq(devices.signer(device, signer).alg, alg, "recorded");
            vm.assertEq(keccak256(devices.publicKey(device, signer)), keccak256(key), "kept");
            vm.roll(block.number + 1);
        }
        vm.assertEq(devices.signer(device, device).alg, 1, "the first key");
    }

    function test_attributeEndsWithItsKey_inTheSameSecond() external {
        enrolAndAttest();
        bytes memory key = publicKeyOf(3);
        address signer = address(uint160(uint256(keccak256(key))));
        vm.prank(attestor);
        devices.confirmKey(device, 3, key, VALIDITY);
        vm.recordLogs();
        vm.prank(owner);
        devices.revokeDelegate(device, VERI_KEY, signer);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 2, "delegate and attribute");
        vm.assertEq(logs[1].topics[0], IERC1056.DIDAttributeChanged.selector, "attribute");
        (bytes32 name, bytes memory value, uint256 validTo,) = abi.decode(logs[1].data, (bytes32, bytes, uint256, uint256));
        vm.assertEq(name, "did/pub/Ed25519/veriKey/base58", "name");
        vm.assertEq(keccak256(value), keccak256(key), "value");
        vm.assertEq(validTo, block.timestamp - 1, "over before this second");
        vm.assertFalse(devices.isSigner(device, signer), "revoked");
    }

    function test_confirmKeyRefuses_whatIsNoKeyOrNoAttestorsWord() external {
        enrolAndAttest();
        bytes memory p256 = publicKeyOf(2);
        vm.prank(owner);
        vm.expectPartialRevert(IDeviceRegistry.AttestorMissingRole.selector);
        devices.confirmKey(device, 2, p256, VALIDITY);
        vm.startPrank(attestor);
        for (uint8 alg = 0; alg < 8; ++alg) {
            if (alg == 2 || alg == 3) continue;
            vm.expectRevert(abi.encodeWithSelector(DeviceKeys.KeyAlgorithmUnknown.selector, alg));
            devices.confirmKey(device, alg, p256, VALIDITY);
        }
        p256[63] ^= 0x01;
        vm.expectRevert(abi.encodeWithSelector(DeviceKeys.PublicKeyMalformed.selector, 2, 64));
        devices.confirmKey(device, 2, p256, VALIDITY);
        vm.expectRevert(abi.encodeWithSelector(DeviceKeys.PublicKeyMalformed.selector, 3, 64));
        devices.confirmKey(device, 3, p256, VALIDITY);
        devices.confirmKey(device, 3, publicKeyOf(3), VALIDITY);
        address signer = address(uint160(uint256(keccak256(publicKeyOf(3)))));
        vm.expectRevert(abi.encodeWithSelector(IDeviceRegistry.SignerNeedsPublicKey.selector, device, signer, 3));
        devices.confirmDelegate(device, signer, VALIDITY);
        vm.stopPrank();
        vm.prank(owner);
        vm.expectPartialRevert(IDeviceRegistry.AttributeReserved.selector);
        devices.revokeAttribute(device, "did/pub/Ed25519/veriKey/base58", publicKeyOf(3));
    }

    function test_outgoingKeyHandsOver_toAKeyOfAnotherCurve() external {
        enrolAndAttest();
        bytes memory key = publicKeyOf(2);
        address signer = address(uint160(uint256(keccak256(key))));
        bytes memory good = keyRotation(DEVICE_KEY, 2, key);
        vm.expectPartialRevert(IDeviceRegistry.SignerNotConfirmed.selector);
        devices.rotate(device, signer, VALIDITY, good); // the word for one call is none for the other
        devices.rotateKey(device, 2, key, VALIDITY, good);
        vm.assertTrue(devices.isSigner(device, signer), "new key");
        vm.assertFalse(devices.isSigner(device, device), "outgoing key lapsed");
        vm.expectPartialRevert(IDeviceRegistry.SignerNotConfirmed.selector);
        devices.rotateKey(device, 2, key, VALIDITY, good);
    }

    /// @dev Whatever is done to two keys in one second, in one block or over several: what signs is what the chain's order says,
    /// ERC-1056's view says the same, and no event of a revocation leaves the second open.
    function testFuzz_keysHaveNoHole_inOneBlockOrSecond(uint256 seed) external {
        enrolAndAttest();
        address[2] memory keys = [device, next];
        bool[2] memory valid = [true, false];
        bool[2] memory reported;
        for (uint256 step = 0; step < 24; ++step) {
            uint256 what = uint256(keccak256(abi.encode(seed, step)));
            uint256 i = what & 1;
            if (what >> 8 & 3 == 0) vm.roll(block.number + 1);
            if (what >> 10 & 7 == 0) vm.warp(block.timestamp + 1);
            if (what >> 16 & 3 == 0 && !reported[i]) {
                vm.prank(attestor);
                devices.confirmDelegate(device, keys[i], VALIDITY);
                valid[i] = true;
            } else if (what >> 16 & 3 == 1) {
                vm.prank(owner);
                devices.revokeDelegate(device, VERI_KEY, keys[i]);
                valid[i] = false;
            } else if (what >> 16 & 15 == 2 && !reported[i] && devices.signer(device, keys[i]).confirmedAt != 0) {
                vm.prank(owner);
                devices.compromisedSince(device, keys[i], 1);
                (valid[i], reported[i]) = (false, true);
            } else if (what >> 16 & 15 == 6 && !valid[i]) {
                vm.prank(owner);
                devices.addDelegate(device, VERI_KEY, keys[i], VALIDITY); // resolves publicly, proves nothing
                vm.assertFalse(devices.isSigner(device, keys[i]), "a plain delegate");
                vm.prank(owner);
                devices.revokeDelegate(device, VERI_KEY, keys[i]);
            }
            for (uint256 k = 0; k < 2; ++k) {
                vm.assertTrue(devices.isSigner(device, keys[k]) == valid[k], "the chain's order");
                vm.assertTrue(devices.validDelegate(device, VERI_KEY, keys[k]) == valid[k], "ERC-1056 too");
                if (!valid[k]) vm.assertTrue(devices.signer(device, keys[k]).validTo < block.timestamp, "over already");
            }
        }
    }

    // ---- owners that are contracts ----

    function test_contractOwnsByItsOwnCalls_andItsSignaturesCountByEip1271() external {
        ContractWallet wallet = new ContractWallet(vm.addr(0x5AFE));
        vm.prank(address(wallet));
        registry.applyForMembership("papers");
        vm.prank(admitter);
        registry.admit(address(wallet));
        vm.prank(address(wallet));
        uint32 at_ = registry.registerStation(specification());
        uint64 deadline = uint64(block.timestamp);
        bytes memory consent = signed64(DEVICE_KEY, consentDigest(address(wallet), at_, deadline));
        vm.prank(vm.addr(0x5AFE));
        wallet.execute(address(devices), abi.encodeCall(devices.enrol, (device, at_, deadline, consent)));
        vm.assertEq(devices.identityOwner(device), address(wallet), "the contract owns");

        bytes memory head = abi.encodePacked(bytes2(0x1900), address(devices), uint256(0), device);
        bytes32 hash = keccak256(abi.encodePacked(head, "addDelegate", bytes32("sigAuth"), address(5), uint256(100)));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0x5AFE, hash);
        devices.addDelegateSigned(device, v, r, s, "sigAuth", address(5), 100);
        vm.assertTrue(devices.validDelegate(device, "sigAuth", address(5)), "by EIP-1271");
        vm.assertEq(devices.nonce(address(wallet)), 1, "used once");
        vm.expectPartialRevert(IDeviceRegistry.IdentityNotOwner.selector);
        devices.addDelegateSigned(device, v, r, s, "sigAuth", address(5), 100);
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
