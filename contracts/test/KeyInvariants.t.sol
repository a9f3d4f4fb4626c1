// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorLog} from "../src/interfaces/IAnchorLog.sol";
import {IDeviceRegistry} from "../src/interfaces/IDeviceRegistry.sol";
import {Segments} from "../src/libraries/Segments.sol";
import {ReadingProof, SegmentData, SignedSegment} from "../src/types/Segment.sol";
import {Alliance} from "./Alliance.sol";
import {Tree} from "./Tree.sol";

/// @title A device whose keys are confirmed, rotated, revoked, compromised and frozen while its segments are logged
contract KeyHandler is Alliance {
    uint256 private constant KEYS = 4; // the device's own and three others
    uint256 private constant ENTRIES_MOST = 12;
    bytes32 private constant VERI_KEY = "veriKey";
    bytes32 private constant ENROL_TYPE =
        keccak256("Enrol(address device,address owner,uint32 station,uint256 nonce,uint64 deadline)");
    bytes32 private constant ROTATE_TYPE = keccak256("Rotate(address device,address newKey,uint64 validity,uint256 nonce)");

    /// @dev A key by the definition.
    struct Key {
        uint256 validTo; // exclusive; 0: never confirmed
        bool compromised;
        bool frozen;
        uint256 frozenAt; // entries in the log by then
    }

    address public device;
    Key[KEYS] private _keys;
    bytes32[] private _leaves;
    uint256[] private _signers; // of each entry
    uint32 public confirmed;
    uint32 public rotated;
    uint32 public revoked;
    uint32 public compromised;
    uint32 public froze;
    uint32 public proved;
    uint32 public refused;

    constructor() {
        deploy();
        admitMembers(1);
        uint32 station = registerStation(member(1));
        device = vm.addr(_secret(0));
        bytes32 consent =
            digestOf(keccak256(abi.encode(ENROL_TYPE, device, member(1), station, uint256(0), uint64(START))));
        vm.prank(member(1));
        devices.enrol(device, station, uint64(START), signed64(_secret(0), consent));
        vm.prank(attestor);
        devices.attest(device, 30 days);
        _keys[0].validTo = START + 30 days;
    }

    // ---- what happens ----

    /// @dev The attestor confirms a key, also one that lapsed; never one that was compromised.
    function confirm(uint256 seed) external {
        uint256 k = bound(seed, 0, KEYS - 1);
        uint64 validity = uint64(bound(seed >> 16, 1, 10 days));
        bool done = _try(attestor, address(devices), abi.encodeCall(devices.confirmDelegate, (device, _key(k), validity)));
        vm.assertTrue(done == !_keys[k].compromised, "who may be confirmed");
        if (!done) return;
        _keys[k].validTo = block.timestamp + validity;
        ++confirmed;
    }

    /// @dev A key hands over to another, by its own signature, whoever sends it.
    function rotate(uint256 seed) external {
        (uint256 from, uint256 to) = (bound(seed, 0, KEYS - 1), bound(seed >> 16, 0, KEYS - 1));
        uint64 validity = uint64(bound(seed >> 32, 1, 10 days));
        bytes32 asked = keccak256(abi.encode(ROTATE_TYPE, device, _key(to), validity, devices.nonce(device)));
        bytes memory signature = signed64(_secret(from), digestOf(asked));
        bool may = _valid(from) && _keys[to].validTo == 0;
        bytes memory data = abi.encodeCall(devices.rotate, (device, _key(to), validity, signature));
        vm.assertTrue(_try(address(0xbeef), address(devices), data) == may, "which key may hand over");
        if (!may) return;
        _keys[from].validTo = block.timestamp - 1;
        _keys[to].validTo = block.timestamp + validity;
        ++rotated;
    }

    function revoke(uint256 seed) external {
        uint256 k = bound(seed, 0, KEYS - 1);
        if (seed >> 16 & 1 == 0) return;
        vm.prank(member(1));
        devices.revokeDelegate(device, VERI_KEY, _key(k));
        if (_valid(k)) _keys[k].validTo = block.timestamp - 1;
        ++revoked;
    }

    function compromise(uint256 seed) external {
        uint256 k = bound(seed, 0, KEYS - 1);
        if (seed >> 16 & 7 != 0 || _keys[k].compromised) return;
        uint48 epoch = uint48(block.timestamp / EPOCH_SECONDS);
        bytes memory data = abi.encodeCall(devices.compromisedSince, (device, _key(k), epoch));
        bool done = _try(seed >> 24 & 1 == 0 ? member(1) : attestor, address(devices), data);
        vm.assertTrue(done == (_keys[k].validTo != 0), "which key may be named");
        if (!done) return;
        if (_keys[k].validTo > block.timestamp) _keys[k].validTo = block.timestamp - 1;
        _keys[k].compromised = true;
        ++compromised;
    }

    /// @dev Two segments of one key that exclude each other freeze it, valid or not, once it was ever confirmed.
    function equivocate(uint256 seed) external {
        uint256 k = bound(seed, 0, KEYS - 1);
        if (seed >> 16 & 3 != 0) return;
        SignedSegment memory first = _signed(k, 1, "a");
        SignedSegment memory second = _signed(k, 1, "b");
        bool may = _keys[k].validTo != 0 && !_keys[k].frozen;
        bool done = _try(address(0xbeef), address(anchor), abi.encodeCall(anchor.equivocate, (first, second)));
        vm.assertTrue(done == may, "which key may be frozen");
        if (!may) return;
        (_keys[k].frozen, _keys[k].frozenAt) = (true, _leaves.length);
        ++froze;
    }

    /// @dev A segment of any of the keys comes into the log: whether it counts is asked when it is shown.
    function log(uint256 seed) external {
        if (_leaves.length == ENTRIES_MOST) return;
        uint256 k = bound(seed, 0, KEYS - 1);
        uint256 size = _leaves.length;
        SignedSegment memory made = _signed(k, size, "p");
        _leaves.push(Tree.leaf(abi.encodePacked(bytes6(0x534145310101), _digest(made.segment), made.signature)));
        _signers.push(k);
        bytes32[] memory proof = size == 0 ? new bytes32[](0) : Tree.consistency(_leaves, size, size + 1);
        bytes32 root = Tree.root(_leaves, 0, size + 1);
        (,,, uint48 epoch) = anchor.state();
        uint256 over = (uint256(epoch) + 2) * EPOCH_SECONDS;
        if (block.timestamp < over) vm.warp(over);
        vm.prank(writer);
        anchor.advance(epoch + 1, uint48(size), uint48(size + 1), root, proof, 0);
    }

    function pass(uint256 seed) external {
        vm.warp(block.timestamp + bound(seed, 1, 2 days));
    }

    /// @dev Others, the device among them, at each door of its keys.
    function intrude(uint256 seed) external {
        address[5] memory others = [address(0xbeef), device, guardian, settler, writer];
        address who = others[seed % 5];
        address next = _key(bound(seed >> 8, 0, KEYS - 1));
        bool done = _try(who, address(devices), abi.encodeCall(devices.confirmDelegate, (device, next, 1 days)));
        done = _try(who, address(devices), abi.encodeCall(devices.attest, (device, 1 days))) || done;
        done = _try(who, address(devices), abi.encodeCall(devices.compromisedSince, (device, next, uint48(1)))) || done;
        done = _try(who, address(devices), abi.encodeCall(devices.revokeDelegate, (device, VERI_KEY, next))) || done;
        vm.assertFalse(done, "who may not, did");
        done = _try(member(1), address(devices), abi.encodeCall(devices.attest, (device, 1 days)));
        done = _try(member(1), address(devices), abi.encodeCall(devices.confirmDelegate, (device, next, 1 days))) || done;
        vm.assertFalse(done, "an owner attests");
    }

    // ---- the definition ----

    /// @dev Each entry proves a reading exactly while its key is valid, and, frozen, if it was there before.
    function requireProofs() external {
        for (uint256 index = 0; index < _leaves.length; ++index) {
            Key storage key = _keys[_signers[index]];
            bool may = _valid(_signers[index]) && (!key.frozen || index < key.frozenAt);
            (bool done,) = address(anchor).staticcall(abi.encodeCall(anchor.prove, (_proof(index))));
            vm.assertTrue(done == may, "what is proved");
            if (done) ++proved;
            else ++refused;
        }
        for (uint256 k = 0; k < KEYS; ++k) vm.assertTrue(devices.isSigner(device, _key(k)) == _valid(k), "signer");
        vm.assertFalse(devices.isSigner(device, member(1)), "an owner signs");
    }

    function _proof(uint256 index) private view returns (ReadingProof memory proof) {
        proof.reading = _reading(index);
        proof.signed = _signed(_signers[index], index, "p");
        proof.entryIndex = uint48(index);
        proof.entryProof = Tree.path(_leaves, index, 0, _leaves.length);
    }

    /// @dev A segment of one reading.
    function _signed(uint256 k, uint256 seq, bytes32 prev) private view returns (SignedSegment memory made) {
        SegmentData memory data = made.segment;
        (data.device, data.channel, data.firstSeq, data.count) = (device, 2, uint64(seq), 1);
        (data.tFirst, data.tLast, data.root, data.prev) = (1e12, 1e12, Tree.leaf(_reading(seq)), prev);
        made.signature = signed64(_secret(k), _digest(data));
    }

    function _reading(uint256 seq) private pure returns (bytes memory) {
        bytes memory head = abi.encodePacked(bytes4("SAR1"), uint8(1), uint8(0), uint16(2), uint64(seq), uint64(1e12));
        return abi.encodePacked(head, int32(5), int32(7), uint64(1000), uint64(9), bytes16("salt"));
    }

    function _digest(SegmentData memory data) private view returns (bytes32) {
        return digestOf(keccak256(abi.encode(Segments.TYPE, data)));
    }

    function _valid(uint256 k) private view returns (bool) {
        return _keys[k].validTo > block.timestamp;
    }

    function _secret(uint256 k) private pure returns (uint256) {
        return 0xD1D1 + k;
    }

    function _key(uint256 k) private pure returns (address) {
        return vm.addr(_secret(k));
    }

    function _try(address who, address target, bytes memory data) private returns (bool done) {
        vm.prank(who);
        (done,) = target.call(data);
        if (!done) ++refused;
    }
}

/// @title A revoked, lapsed, compromised or frozen key never proves, and nobody but who may gives or takes one
contract KeyInvariants {
    KeyHandler private handler;

    function setUp() external {
        handler = new KeyHandler();
    }

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](8);
        selectors[0] = KeyHandler.confirm.selector;
        selectors[1] = KeyHandler.rotate.selector;
        selectors[2] = KeyHandler.revoke.selector;
        selectors[3] = KeyHandler.compromise.selector;
        selectors[4] = KeyHandler.equivocate.selector;
        selectors[5] = KeyHandler.log.selector;
        selectors[6] = KeyHandler.pass.selector;
        selectors[7] = KeyHandler.intrude.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), selectors);
    }

    function invariant_onlyValidKeysProve() external {
        handler.requireProofs();
    }

    function test_itDoesHappen() external {
        uint256 proved = 0;
        for (uint256 i = 0; i < 90; ++i) {
            uint256 seed = uint256(keccak256(abi.encode(i)));
            if (i % 3 == 0 || i < 12) handler.rotate(seed);
            if (i % 4 == 0 && i > 12) handler.confirm(seed >> 1);
            if (i % 6 == 5) handler.revoke(seed >> 2);
            if (i > 40) handler.compromise(seed >> 3);
            if (i > 30) handler.equivocate(seed >> 4);
            handler.log(seed >> 5);
            if (i % 5 == 0) handler.pass(seed);
            handler.intrude(seed);
            handler.requireProofs();
            if (i == 20) proved = handler.proved();
        }
        require(proved > 20 && handler.confirmed() > 5 && handler.rotated() > 0 && handler.revoked() > 3, "no keys");
        require(handler.compromised() > 2 && handler.froze() > 2 && handler.refused() > 99, "nothing was refused");
    }
}
