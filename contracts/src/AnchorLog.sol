// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {IAnchorLog} from "./interfaces/IAnchorLog.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {Domain} from "./libraries/Domain.sol";
import {MerkleLog} from "./libraries/MerkleLog.sol";
import {Readings} from "./libraries/Readings.sol";
import {Segments} from "./libraries/Segments.sol";
import {Signature} from "./libraries/Signature.sol";
import {ADMIN} from "./types/Roles.sol";
import {Reading, ReadingProof, SegmentData, SignedSegment} from "./types/Segment.sol";

/// @title The alliance's log, one RFC 9162 tree that only grows (protocol 5)
contract AnchorLog is IAnchorLog {
    using Segments for SegmentData;

    bytes32 private constant ADVANCE_TYPE =
        keccak256("Advance(uint48 epoch,uint48 oldSize,uint48 newSize,bytes32 root,bytes32 manifest)");
    bytes32 private constant EMPTY_ROOT = sha256("");

    /// @dev Slots 0 and 1: nothing may be declared before it.
    struct State {
        bytes32 root;
        address writer;
        uint48 size;
        uint48 epoch;
    }

    struct Freeze {
        uint64 atBlock;
        uint48 size;
    }

    struct Claim {
        uint64 atBlock;
        uint48 epoch;
    }

    State private _state;
    mapping(address device => mapping(address signer => Freeze)) private _frozen;
    mapping(bytes32 digest => Claim) private _claims;
    mapping(uint48 epoch => bool) private _flagged;

    uint256 private immutable _chainId;
    bytes32 private immutable _homeSeparator;
    IAllianceRegistry public immutable registry;
    IDeviceRegistry public immutable devices;
    /// @inheritdoc IAnchorLog
    uint48 public immutable epochSeconds;
    /// @inheritdoc IAnchorLog
    uint48 public immutable startEpoch;
    /// @inheritdoc IAnchorLog
    address public immutable predecessor;

    /// @param startEpoch_ The last epoch before the log's first one; a predecessor's last one.
    /// @param predecessor_ A closed log to continue, or 0.
    constructor(
        IAllianceRegistry registry_,
        IDeviceRegistry devices_,
        address writer,
        uint48 epochSeconds_,
        uint48 startEpoch_,
        IAnchorLog predecessor_
    ) {
        if (writer == address(0)) revert LogWriterMissing();
        if (epochSeconds_ == 0) revert LogEpochLengthZero();
        (_chainId, _homeSeparator) = (block.chainid, Domain.separator(address(registry_)));
        registry = registry_;
        devices = devices_;
        epochSeconds = epochSeconds_;
        startEpoch = startEpoch_;
        predecessor = address(predecessor_);
        _state = State({root: EMPTY_ROOT, writer: writer, size: 0, epoch: startEpoch_});
        if (address(predecessor_) != address(0)) _continue(predecessor_);
    }

    // ---- growing ----

    /// @inheritdoc IAnchorLog
    function advance(
        uint48 epoch,
        uint48 oldSize,
        uint48 newSize,
        bytes32 root,
        bytes32[] calldata proof,
        bytes32 manifest
    ) external {
        if (msg.sender != _state.writer) revert LogNotWriter(_state.writer, msg.sender);
        _advance(epoch, oldSize, newSize, root, proof, manifest);
    }

    /// @inheritdoc IAnchorLog
    function advanceSigned(
        uint48 epoch,
        uint48 oldSize,
        uint48 newSize,
        bytes32 root,
        bytes32[] calldata proof,
        bytes32 manifest,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(abi.encode(ADVANCE_TYPE, epoch, oldSize, newSize, root, manifest));
        address signer = Signature.recover(Domain.digest(_separator(), structHash), signature);
        if (signer != _state.writer) revert LogNotWriter(_state.writer, signer);
        _advance(epoch, oldSize, newSize, root, proof, manifest);
    }

    /// @inheritdoc IAnchorLog
    function flagOverdue(uint48 epoch) external {
        if (_state.writer == address(0)) revert LogWriterMissing();
        uint48 last = _state.epoch;
        if (epoch <= last) revert EpochAlreadyAnchored(epoch, last);
        uint256 overdueFrom = (uint256(epoch) + 2) * epochSeconds;
        if (block.timestamp < overdueFrom) revert EpochNotOverdue(epoch, overdueFrom, block.timestamp);
        if (_flagged[epoch]) revert EpochAlreadyFlagged(epoch);
        _flagged[epoch] = true;
        emit EpochOverdue(epoch, msg.sender);
    }

    /// @inheritdoc IAnchorLog
    function claim(bytes32 digest) external {
        if (registry.memberNumber(msg.sender) == 0) revert ClaimantUnknown(msg.sender);
        if (_claims[digest].atBlock != 0) revert DigestAlreadyClaimed(digest, _claims[digest].epoch);
        uint48 epoch = _state.epoch;
        _claims[digest] = Claim({atBlock: uint64(block.number), epoch: epoch});
        emit DigestClaimed(digest, msg.sender, epoch);
    }

    // ---- evidence ----

    /// @inheritdoc IAnchorLog
    function equivocate(SignedSegment calldata first, SignedSegment calldata second) external {
        (bytes32 a, address signer) = _recover(first);
        (bytes32 b, address other) = _recover(second);
        if (a == b) revert SegmentsAreOne(a);
        if (signer != other) revert SegmentSignersDiffer(signer, other);
        _requireConflict(first.segment, second.segment, a, b);
        address device = first.segment.device;
        if (devices.signer(device, signer).confirmedAt == 0) revert SignerNotValid(device, signer);
        if (_frozen[device][signer].atBlock != 0) revert SignerAlreadyFrozen(device, signer);
        uint48 size = _state.size;
        _frozen[device][signer] = Freeze({atBlock: uint64(block.number), size: size});
        emit SignerFrozen(device, signer, first.segment.channel, a, b, size);
    }

    /// @inheritdoc IAnchorLog
    function prove(ReadingProof calldata proof) external view returns (Reading memory reading, address signer) {
        SegmentData calldata segment = proof.signed.segment;
        bytes32 digest = segment.digest(_separator());
        bytes calldata signature = proof.signed.signature;
        signer = Signature.recover(digest, signature);
        _requireSigner(segment.device, signer, proof.entryIndex);
        reading = Readings.provenIn(segment, proof.reading, proof.readingProof);
        _requireEntry(Segments.leaf(digest, signature), proof.entryIndex, proof.entryProof);
    }

    // ---- administration ----

    /// @inheritdoc IAnchorLog
    function rotateWriter(address writer) external {
        _requireAdmin();
        if (writer == address(0) || _state.writer == address(0)) revert LogWriterMissing();
        emit WriterRotated(_state.writer, writer);
        _state.writer = writer;
    }

    /// @inheritdoc IAnchorLog
    function close() external {
        _requireAdmin();
        if (_state.writer == address(0)) revert LogWriterMissing();
        _state.writer = address(0);
        emit LogClosed(_state.epoch, _state.size, _state.root);
    }

    // ---- views ----

    /// @inheritdoc IAnchorLog
    function state() external view returns (bytes32, address, uint48, uint48) {
        return (_state.root, _state.writer, _state.size, _state.epoch);
    }

    /// @inheritdoc IAnchorLog
    function frozen(address device, address signer) external view returns (uint64, uint48) {
        Freeze storage freeze = _frozen[device][signer];
        return (freeze.atBlock, freeze.size);
    }

    /// @inheritdoc IAnchorLog
    function claimed(bytes32 digest) external view returns (uint64, uint48) {
        Claim storage made = _claims[digest];
        return (made.atBlock, made.epoch);
    }

    /// @inheritdoc IAnchorLog
    function flagged(uint48 epoch) external view returns (bool) {
        return _flagged[epoch];
    }

    // ---- rules ----

    function _advance(
        uint48 epoch,
        uint48 oldSize,
        uint48 newSize,
        bytes32 root,
        bytes32[] calldata proof,
        bytes32 manifest
    ) private {
        State memory live = _state;
        if (epoch != live.epoch + 1) revert LogEpochWrong(live.epoch + 1, epoch);
        if (oldSize != live.size) revert LogSizeWrong(live.size, oldSize);
        if (newSize <= oldSize) revert LogNotGrowing(oldSize, newSize);
        uint256 endsAt = (uint256(epoch) + 1) * epochSeconds;
        if (block.timestamp < endsAt) revert LogEpochNotOver(epoch, endsAt, block.timestamp);
        _requireConsistent(live.root, oldSize, newSize, root, proof);
        (live.root, live.size, live.epoch) = (root, newSize, epoch);
        _state = live;
        emit Checkpoint(epoch, newSize, root, manifest);
    }

    function _requireConsistent(
        bytes32 oldRoot,
        uint48 oldSize,
        uint48 newSize,
        bytes32 newRoot,
        bytes32[] calldata proof
    ) private view {
        if (oldSize == 0) {
            if (proof.length != 0) revert LogProofWrongLength(proof.length);
            return;
        }
        (bytes32 first, bytes32 second) = MerkleLog.consistencyRoots(oldSize, newSize, oldRoot, proof);
        if (first != oldRoot || second != newRoot) revert LogInconsistent(oldRoot, first, newRoot, second);
    }

    function _continue(IAnchorLog old) private {
        (bytes32 root, address writer, uint48 size, uint48 epoch) = old.state();
        if (writer != address(0)) revert LogPredecessorOpen(address(old), writer);
        if (epoch != startEpoch) revert LogPredecessorEpochWrong(epoch, startEpoch);
        (_state.root, _state.size) = (root, size);
    }

    function _recover(SignedSegment calldata signed) private view returns (bytes32 digest, address signer) {
        digest = signed.segment.digest(_separator());
        signer = Signature.recover(digest, signed.signature);
    }

    function _requireConflict(SegmentData calldata x, SegmentData calldata y, bytes32 a, bytes32 b) private pure {
        if (x.device != y.device || x.channel != y.channel) {
            revert SegmentStreamsDiffer(x.device, x.channel, y.device, y.channel);
        }
        if (!x.exclude(y)) revert SegmentsDoNotConflict(a, b);
    }

    /// @dev A frozen key still stands for what was in the log when it froze.
    function _requireSigner(address device, address signer, uint48 entryIndex) private view {
        if (!devices.isSigner(device, signer)) revert SignerNotValid(device, signer);
        Freeze storage freeze = _frozen[device][signer];
        if (freeze.atBlock != 0 && entryIndex >= freeze.size) {
            revert SignerFrozenBefore(device, signer, freeze.size, entryIndex);
        }
    }

    function _requireEntry(bytes32 leaf, uint48 index, bytes32[] calldata proof) private view {
        uint48 size = _state.size;
        if (index >= size) revert EntryIndexOutside(index, size);
        bytes32 root = MerkleLog.inclusionRoot(leaf, index, size, proof);
        if (root != _state.root) revert EntryNotInLog(_state.root, root);
    }

    function _requireAdmin() private view {
        if (!registry.hasRole(ADMIN, msg.sender)) revert LogNotAdmin(msg.sender);
    }

    function _separator() private view returns (bytes32) {
        return block.chainid == _chainId ? _homeSeparator : Domain.separator(address(registry));
    }
}
