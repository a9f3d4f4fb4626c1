// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AnchorLog} from "../src/AnchorLog.sol";
import {IAnchorLog} from "../src/interfaces/IAnchorLog.sol";
import {MerkleLog} from "../src/libraries/MerkleLog.sol";
import {Segments} from "../src/libraries/Segments.sol";
import {Reading, ReadingProof, SegmentData, SignedSegment} from "../src/types/Segment.sol";
import {Alliance} from "./Alliance.sol";
import {Tree} from "./Tree.sol";

/// @title A log that grows, evidence in it, and what it refuses
contract AnchorLogTest is Alliance {
    uint256 private constant DEVICE_KEY = 0xD1D1;
    uint256 private constant OTHER_KEY = 0xD3D3;
    uint256 private constant READINGS = 15;

    address private device;
    bytes32[] private leaves;

    function setUp() public {
        deploy();
        admitMembers(2);
        uint32 station = registerStation(member(1));
        device = vm.addr(DEVICE_KEY);
        bytes32 typeHash =
            keccak256("Enrol(address device,address owner,uint32 station,uint256 nonce,uint64 deadline)");
        bytes32 consent =
            digestOf(keccak256(abi.encode(typeHash, device, member(1), station, uint256(0), uint64(START))));
        vm.prank(member(1));
        devices.enrol(device, station, uint64(START), signed64(DEVICE_KEY, consent));
        vm.prank(attestor);
        devices.attest(device, 365 days);
    }

    // ---- helpers ----

    function nextEpoch() private view returns (uint48) {
        (,,, uint48 epoch) = anchor.state();
        return epoch + 1;
    }

    function closeEpoch(uint48 epoch) private {
        if (block.timestamp < (uint256(epoch) + 1) * EPOCH_SECONDS) vm.warp((uint256(epoch) + 1) * EPOCH_SECONDS);
    }

    /// @dev Append entries and advance by one epoch.
    function grow(uint256 count) private {
        bytes[] memory entries = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) entries[i] = abi.encode("entry", leaves.length + i);
        append(entries);
    }

    function append(bytes[] memory entries) private {
        uint48 oldSize = uint48(leaves.length);
        for (uint256 i = 0; i < entries.length; ++i) leaves.push(Tree.leaf(entries[i]));
        uint48 epoch = nextEpoch();
        closeEpoch(epoch);
        bytes32[] memory proof =
            oldSize == 0 ? new bytes32[](0) : Tree.consistency(leaves, oldSize, leaves.length);
        bytes32 root = rootAt(leaves.length); // before the prank: SHA-256 is a call to a precompile
        vm.prank(writer);
        anchor.advance(epoch, oldSize, uint48(leaves.length), root, proof, keccak256("manifest"));
    }

    function rootAt(uint256 size) private view returns (bytes32) {
        return Tree.root(leaves, 0, size);
    }

    function rawReading(uint64 seq) private pure returns (bytes memory) {
        bytes memory head = abi.encodePacked(bytes4("SAR1"), uint8(1), uint8(4), uint16(2), seq, uint64(1e12 + seq));
        return abi.encodePacked(head, int32(-5), int32(7), uint64(1000 + seq), uint64(9), bytes16("salt"));
    }

    function readingLeaves() private pure returns (bytes32[] memory list) {
        list = new bytes32[](READINGS);
        for (uint64 i = 0; i < READINGS; ++i) list[i] = Tree.leaf(rawReading(i));
    }

    function segment() private view returns (SegmentData memory) {
        return SegmentData({
            device: device,
            channel: 2,
            firstSeq: 0,
            count: uint32(READINGS),
            tFirst: 1e12,
            tLast: 1e12 + 14,
            root: Tree.root(readingLeaves(), 0, READINGS),
            prev: 0,
            beaconBlock: 1,
            beaconHash: keccak256("beacon")
        });
    }

    function digestOfSegment(SegmentData memory made) private view returns (bytes32) {
        return digestOf(keccak256(abi.encode(Segments.TYPE, made)));
    }

    function signedBy(uint256 key, SegmentData memory made) private view returns (SignedSegment memory) {
        return SignedSegment({segment: made, signature: signed64(key, digestOfSegment(made))});
    }

    /// @dev A log of 9 entries whose fifth is the segment's; the proof of its reading 11.
    function provenReading() private returns (ReadingProof memory proof) {
        grow(4);
        SignedSegment memory made = signedBy(DEVICE_KEY, segment());
        bytes[] memory entries = new bytes[](1);
        entries[0] = abi.encodePacked(bytes6(0x534145310101), digestOfSegment(made.segment), made.signature);
        append(entries);
        grow(4);
        proof.reading = rawReading(11);
        proof.readingProof = Tree.path(readingLeaves(), 11, 0, READINGS);
        proof.signed = made;
        proof.entryIndex = 4;
        proof.entryProof = Tree.path(leaves, 4, 0, leaves.length);
    }

    // ---- advance ----

    function test_logAdvances_whenEachEpochExtendsIt() external {
        for (uint256 i = 1; i <= 12; ++i) {
            grow(i);
            (bytes32 root, address writer_, uint48 size, uint48 epoch) = anchor.state();
            vm.assertEq(root, rootAt(leaves.length), "root");
            vm.assertEq(writer_, writer, "writer");
            vm.assertEq(size, leaves.length, "size");
            vm.assertEq(epoch, startEpoch + i, "epoch");
        }
        vm.assertEq(vm.load(address(anchor), 0), rootAt(leaves.length), "slot 0 is the root");
        (, address w, uint48 s, uint48 e) = anchor.state();
        vm.assertEq(
            uint256(vm.load(address(anchor), bytes32(uint256(1)))),
            uint256(uint160(w)) | uint256(s) << 160 | uint256(e) << 208,
            "slot 1 is writer, size, epoch"
        );
    }

    function test_advanceReverts_whenEpochSizeOrTimeIsWrong() external {
        grow(3);
        uint48 epoch = nextEpoch();
        closeEpoch(epoch);
        bytes32[] memory none = new bytes32[](0);
        vm.startPrank(writer);
        vm.expectRevert(abi.encodeWithSelector(IAnchorLog.LogEpochWrong.selector, epoch, epoch + 1));
        anchor.advance(epoch + 1, 3, 4, 0, none, 0);
        vm.expectRevert(abi.encodeWithSelector(IAnchorLog.LogSizeWrong.selector, 3, 2));
        anchor.advance(epoch, 2, 4, 0, none, 0);
        vm.expectRevert(abi.encodeWithSelector(IAnchorLog.LogNotGrowing.selector, 3, 3));
        anchor.advance(epoch, 3, 3, 0, none, 0);
        vm.warp(block.timestamp - 1);
        vm.expectPartialRevert(IAnchorLog.LogEpochNotOver.selector);
        anchor.advance(epoch, 3, 4, 0, none, 0);
        vm.stopPrank();
    }

    function test_advanceReverts_whenHistoryIsRewritten() external {
        grow(7);
        uint48 epoch = nextEpoch();
        closeEpoch(epoch);
        bytes32[] memory forked = new bytes32[](12);
        for (uint256 i = 0; i < 12; ++i) forked[i] = Tree.leaf(abi.encode("entry", i == 2 ? 99 : i));
        vm.startPrank(writer);
        bytes32[] memory proof = Tree.consistency(forked, 7, 12);
        bytes32 root = Tree.root(forked, 0, 12);
        vm.expectPartialRevert(IAnchorLog.LogInconsistent.selector);
        anchor.advance(epoch, 7, 12, root, proof, 0);
        vm.expectPartialRevert(MerkleLog.MerkleProofTooShort.selector);
        anchor.advance(epoch, 7, 12, root, new bytes32[](0), 0);
        vm.stopPrank();
    }

    function test_advanceReverts_whenFirstProofIsNotEmpty() external {
        closeEpoch(startEpoch + 1);
        vm.prank(writer);
        vm.expectRevert(abi.encodeWithSelector(IAnchorLog.LogProofWrongLength.selector, 1));
        anchor.advance(startEpoch + 1, 0, 1, 0, new bytes32[](1), 0);
    }

    function testFuzz_advanceAccepts_exactlyTheRealHistory(uint256 seed) external {
        grow(bound(seed, 1, 9));
        for (uint256 i = 0; i < 3; ++i) grow(bound(seed >> (16 * i + 16), 1, 9));
        uint48 oldSize = uint48(leaves.length);
        uint48 epoch = nextEpoch();
        closeEpoch(epoch);
        for (uint256 i = 0; i < bound(seed >> 80, 1, 9); ++i) leaves.push(keccak256(abi.encode(seed, i)));
        bytes32[] memory proof = Tree.consistency(leaves, oldSize, leaves.length);
        uint256 flip = uint256(1) << ((seed >> 96) % 256);
        bytes32 root = rootAt(leaves.length);
        vm.startPrank(writer);
        vm.expectPartialRevert(IAnchorLog.LogInconsistent.selector);
        anchor.advance(epoch, oldSize, uint48(leaves.length), root ^ bytes32(flip), proof, 0);
        anchor.advance(epoch, oldSize, uint48(leaves.length), root, proof, 0);
        vm.stopPrank();
    }

    function test_anyoneRelays_whatTheWriterSigned() external {
        grow(2);
        uint48 epoch = nextEpoch();
        closeEpoch(epoch);
        leaves.push(keccak256("x"));
        bytes32 typeHash =
            keccak256("Advance(uint48 epoch,uint48 oldSize,uint48 newSize,bytes32 root,bytes32 manifest)");
        bytes32 digest =
            digestOf(keccak256(abi.encode(typeHash, epoch, uint48(2), uint48(3), rootAt(3), bytes32("m"))));
        bytes32[] memory proof = Tree.consistency(leaves, 2, 3);
        bytes memory forged = signed64(0xBAD, digest);
        bytes memory signature = signed64(writerKey, digest);
        bytes32 root = rootAt(3);
        vm.expectPartialRevert(IAnchorLog.LogNotWriter.selector);
        anchor.advanceSigned(epoch, 2, 3, root, proof, "m", forged);
        vm.expectPartialRevert(IAnchorLog.LogNotWriter.selector);
        anchor.advanceSigned(epoch, 2, 3, root, proof, "n", signature);
        anchor.advanceSigned(epoch, 2, 3, root, proof, "m", signature);
        vm.expectPartialRevert(IAnchorLog.LogEpochWrong.selector);
        anchor.advanceSigned(epoch, 2, 3, root, proof, "m", signature);
    }

    function test_overdueEpochIsFlagged_once_afterOneEpoch() external {
        uint48 epoch = startEpoch + 1;
        vm.warp((uint256(epoch) + 2) * EPOCH_SECONDS - 1);
        vm.expectPartialRevert(IAnchorLog.EpochNotOverdue.selector);
        anchor.flagOverdue(epoch);
        vm.warp(block.timestamp + 1);
        anchor.flagOverdue(epoch);
        vm.assertTrue(anchor.flagged(epoch), "flagged");
        vm.expectRevert(abi.encodeWithSelector(IAnchorLog.EpochAlreadyFlagged.selector, epoch));
        anchor.flagOverdue(epoch);
        grow(1);
        grow(1);
        vm.expectRevert(abi.encodeWithSelector(IAnchorLog.EpochAlreadyAnchored.selector, epoch + 1, epoch + 1));
        anchor.flagOverdue(epoch + 1);
    }

    function test_memberClaimsADigest_once() external {
        vm.expectPartialRevert(IAnchorLog.ClaimantUnknown.selector);
        anchor.claim("digest");
        vm.startPrank(member(1));
        anchor.claim("digest");
        (uint64 atBlock, uint48 epoch) = anchor.claimed("digest");
        vm.assertEq(atBlock, block.number, "block");
        vm.assertEq(epoch, startEpoch, "epoch");
        vm.expectRevert(abi.encodeWithSelector(IAnchorLog.DigestAlreadyClaimed.selector, bytes32("digest"), startEpoch));
        anchor.claim("digest");
        vm.stopPrank();
    }

    // ---- prove ----

    function test_readingIsProven_whenSignedAnchoredAndUnaltered() external {
        ReadingProof memory proof = provenReading();
        (Reading memory reading, address signer) = anchor.prove(proof);
        vm.assertEq(signer, device, "signer");
        vm.assertEq(reading.seq, 11, "seq");
        vm.assertEq(reading.flags, 4, "flags");
        vm.assertEq(reading.channel, 2, "channel");
        vm.assertEq(reading.tMs, 1e12 + 11, "time");
        vm.assertEq(int256(reading.a), -5, "a");
        vm.assertEq(int256(reading.b), 7, "b");
        vm.assertEq(reading.c, 1011, "c");
        vm.assertEq(reading.d, 9, "d");
    }

    function testFuzz_proofFails_whenAnyByteOfTheReadingIsAltered(uint8 position, uint8 mask) external {
        vm.assume(mask != 0);
        ReadingProof memory proof = provenReading();
        proof.reading[position % 64] ^= bytes1(mask);
        (bool accepted,) = address(anchor).call(abi.encodeCall(IAnchorLog.prove, (proof)));
        vm.assertFalse(accepted, "altered reading proven");
    }

    function testFuzz_proofFails_whenAnyFieldIsAltered(uint256 seed) external {
        ReadingProof memory proof = provenReading();
        uint256 which = seed % 13;
        uint256 noise = 1 + (seed >> 8) % 1000;
        SegmentData memory made = proof.signed.segment;
        if (which == 0) made.device = address(uint160(made.device) ^ uint160(noise));
        else if (which == 1) made.channel ^= uint16(noise);
        else if (which == 2) made.firstSeq += uint64(noise);
        else if (which == 3) made.count += uint32(noise);
        else if (which == 4) made.tFirst += uint64(noise);
        else if (which == 5) made.tLast += uint64(noise);
        else if (which == 6) made.root ^= bytes32(noise);
        else if (which == 7) made.prev ^= bytes32(noise);
        else if (which == 8) made.beaconBlock += uint64(noise);
        else if (which == 9) made.beaconHash ^= bytes32(noise);
        else if (which == 10) proof.signed.signature[noise % 64] ^= 0x01;
        else if (which == 11) proof.entryIndex = uint48((4 + noise % 8 + 1) % 9 == 4 ? 9 : (4 + noise % 8 + 1) % 9);
        else proof.entryProof[noise % proof.entryProof.length] ^= bytes32(noise);
        (bool accepted,) = address(anchor).call(abi.encodeCall(IAnchorLog.prove, (proof)));
        vm.assertFalse(accepted, "altered proof accepted");
    }

    function test_proofReverts_whenTheKeyIsUnconfirmed() external {
        ReadingProof memory proof = provenReading();
        proof.signed = signedBy(OTHER_KEY, proof.signed.segment);
        vm.expectRevert(abi.encodeWithSelector(IAnchorLog.SignerNotValid.selector, device, vm.addr(OTHER_KEY)));
        anchor.prove(proof);
    }

    function test_proofReverts_whenTheKeyWasRevoked() external {
        ReadingProof memory proof = provenReading();
        vm.prank(member(1));
        devices.revokeDelegate(device, "veriKey", device);
        vm.expectRevert(abi.encodeWithSelector(IAnchorLog.SignerNotValid.selector, device, device));
        anchor.prove(proof);
    }

    function test_proofReverts_onAnotherChain() external {
        ReadingProof memory proof = provenReading();
        vm.chainId(1);
        vm.expectPartialRevert(IAnchorLog.SignerNotValid.selector);
        anchor.prove(proof);
    }

    // ---- equivocation ----

    function conflicting(uint64 firstSeq, uint32 count, bytes32 prev) private view returns (SegmentData memory made) {
        made = segment();
        (made.firstSeq, made.count, made.prev) = (firstSeq, count, prev);
        made.root = keccak256("another");
    }

    function test_signerAloneFreezes_whenTwoSegmentsShareAPredecessor() external {
        ReadingProof memory proof = provenReading();
        vm.prank(attestor);
        devices.confirmDelegate(device, vm.addr(OTHER_KEY), 1 days);
        SignedSegment memory first = signedBy(DEVICE_KEY, segment());
        SignedSegment memory second = signedBy(DEVICE_KEY, conflicting(100, 0, 0));
        anchor.equivocate(first, second);
        (uint64 atBlock, uint48 size) = anchor.frozen(device, device);
        vm.assertEq(atBlock, block.number, "block");
        vm.assertEq(size, leaves.length, "size");
        (atBlock,) = anchor.frozen(device, vm.addr(OTHER_KEY));
        vm.assertEq(atBlock, 0, "the other key goes on");
        proof.entryProof = Tree.path(leaves, 4, 0, leaves.length);
        anchor.prove(proof); // anchored before the freeze: still stands
        vm.expectPartialRevert(IAnchorLog.SignerAlreadyFrozen.selector);
        anchor.equivocate(first, second);
    }

    function test_frozenSignerProvesNothing_anchoredLater() external {
        SignedSegment memory made = signedBy(DEVICE_KEY, segment());
        anchor.equivocate(made, signedBy(DEVICE_KEY, conflicting(3, 2, "x")));
        ReadingProof memory proof = provenReading();
        vm.expectRevert(abi.encodeWithSelector(IAnchorLog.SignerFrozenBefore.selector, device, device, 0, 4));
        anchor.prove(proof);
    }

    function testFuzz_equivocation_isExactlyTheConflictRule(uint8 from, uint8 count, bool samePrev) external {
        SegmentData memory x = segment();
        SegmentData memory y = conflicting(from % 40, count % 40, samePrev ? x.prev : bytes32("elsewhere"));
        SignedSegment memory first = signedBy(DEVICE_KEY, x);
        SignedSegment memory second = signedBy(DEVICE_KEY, y);
        bool common = false;
        for (uint256 seq = y.firstSeq; seq < uint256(y.firstSeq) + y.count; ++seq) common = common || seq < READINGS;
        if (!common && !samePrev) vm.expectPartialRevert(IAnchorLog.SegmentsDoNotConflict.selector);
        anchor.equivocate(first, second);
    }

    function test_equivocationOfAStrangerFreezesNothing() external {
        SignedSegment memory first = signedBy(0xBAD, conflicting(0, 2, "x"));
        SignedSegment memory second = signedBy(0xBAD, conflicting(0, 2, "y"));
        vm.expectRevert(abi.encodeWithSelector(IAnchorLog.SignerNotValid.selector, device, vm.addr(0xBAD)));
        anchor.equivocate(first, second);
    }

    function test_equivocationReverts_whenSegmentsAreOneOrOfDifferentStreamsOrSigners() external {
        SignedSegment memory made = signedBy(DEVICE_KEY, segment());
        vm.expectPartialRevert(IAnchorLog.SegmentsAreOne.selector);
        anchor.equivocate(made, made);
        SignedSegment memory other = signedBy(OTHER_KEY, conflicting(0, 5, 0));
        vm.expectPartialRevert(IAnchorLog.SegmentSignersDiffer.selector);
        anchor.equivocate(made, other);
        SegmentData memory elsewhere = conflicting(0, 5, 0);
        elsewhere.channel = 3;
        other = signedBy(DEVICE_KEY, elsewhere);
        vm.expectPartialRevert(IAnchorLog.SegmentStreamsDiffer.selector);
        anchor.equivocate(made, other);
    }

    // ---- administration ----

    function test_charterRotatesTheWriter() external {
        decide(address(anchor), abi.encodeCall(IAnchorLog.rotateWriter, (address(9))));
        (, address now_,,) = anchor.state();
        vm.assertEq(now_, address(9), "writer");
        vm.prank(writer);
        vm.expectPartialRevert(IAnchorLog.LogNotWriter.selector);
        anchor.advance(startEpoch + 1, 0, 1, 0, new bytes32[](0), 0);
    }

    function test_successorContinues_whenTheLogIsClosed() external {
        grow(5);
        (bytes32 root,, uint48 size, uint48 epoch) = anchor.state();
        vm.expectPartialRevert(IAnchorLog.LogPredecessorOpen.selector);
        new AnchorLog(registry, devices, writer, EPOCH_SECONDS, epoch, anchor);
        decide(address(anchor), abi.encodeCall(IAnchorLog.close, ()));
        vm.expectPartialRevert(IAnchorLog.LogPredecessorEpochWrong.selector);
        new AnchorLog(registry, devices, writer, EPOCH_SECONDS, epoch + 1, anchor);
        AnchorLog successor = new AnchorLog(registry, devices, writer, EPOCH_SECONDS, epoch, anchor);
        (bytes32 root2,, uint48 size2, uint48 epoch2) = successor.state();
        vm.assertEq(root2, root, "root");
        vm.assertEq(size2, size, "size");
        vm.assertEq(epoch2, epoch, "epoch");
        vm.prank(writer);
        vm.expectPartialRevert(IAnchorLog.LogNotWriter.selector);
        anchor.advance(epoch + 1, size, size + 1, 0, new bytes32[](0), 0);
    }
}
