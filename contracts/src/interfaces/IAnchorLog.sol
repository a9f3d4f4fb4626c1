// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Reading, ReadingProof, SignedSegment} from "../types/Segment.sol";

/// @title The alliance's log, one RFC 9162 tree that only grows (protocol 5)
/// @notice The contract verifies each advance's consistency proof: a rewind or a fork reverts. Storage slot 0 is the root; slot 1
/// holds, from its low bits, writer (160), size (48), epoch (48). Both may be proved with eth_getProof.
interface IAnchorLog {
    event Checkpoint(uint48 indexed epoch, uint48 size, bytes32 root, bytes32 manifest);
    event EpochOverdue(uint48 indexed epoch, address indexed by);
    event DigestClaimed(bytes32 indexed digest, address indexed by, uint48 epoch);
    event SignerFrozen(
        address indexed device, address indexed signer, uint16 channel, bytes32 first, bytes32 second, uint48 size
    );
    event WriterRotated(address indexed from, address indexed to);
    event LogClosed(uint48 epoch, uint48 size, bytes32 root);

    error LogNotWriter(address writer, address account);
    error LogNotAdmin(address account);
    error LogWriterMissing();
    error LogEpochWrong(uint48 want, uint48 got);
    error LogEpochNotOver(uint48 epoch, uint256 endsAt, uint256 time);
    error LogSizeWrong(uint48 want, uint48 got);
    error LogNotGrowing(uint48 oldSize, uint48 newSize);
    error LogInconsistent(bytes32 wantOld, bytes32 gotOld, bytes32 wantNew, bytes32 gotNew);
    error LogProofWrongLength(uint256 length);
    error LogEpochLengthZero();
    error LogPredecessorOpen(address predecessor, address writer);
    error LogPredecessorEpochWrong(uint48 want, uint48 got);
    error EpochAlreadyAnchored(uint48 epoch, uint48 last);
    error EpochNotOverdue(uint48 epoch, uint256 overdueFrom, uint256 time);
    error EpochAlreadyFlagged(uint48 epoch);
    error ClaimantUnknown(address account);
    error DigestAlreadyClaimed(bytes32 digest, uint48 epoch);
    error SegmentsDoNotConflict(bytes32 first, bytes32 second);
    error SegmentSignersDiffer(address first, address second);
    error SegmentStreamsDiffer(address firstDevice, uint16 firstChannel, address secondDevice, uint16 secondChannel);
    error SegmentsAreOne(bytes32 digest);
    error SignerAlreadyFrozen(address device, address signer);
    error SignerFrozenBefore(address device, address signer, uint48 frozenSize, uint48 entryIndex);
    error SignerNotValid(address device, address signer);
    error ReadingMalformed(uint256 length, bytes4 magic, uint8 version, uint8 flags);
    error ReadingOfAnotherChannel(uint16 segmentChannel, uint16 readingChannel);
    error ReadingOutsideSegment(uint64 firstSeq, uint32 count, uint64 seq);
    error ReadingNotInSegment(bytes32 want, bytes32 got);
    error EntryNotInLog(bytes32 want, bytes32 got);
    error EntryIndexOutside(uint48 index, uint48 size);

    /// @notice Advance the log by one epoch. WRITER only. Costs 48,000 gas in the mean up to 2^10 entries, 51,000 up to 2^16,
    /// 55,000 up to 2^20 and 59,000 up to 2^27 (40,000 to 64,000 at 2^20, by the bits of the size): 660 more for each doubling.
    /// @param epoch The last epoch plus one, whose end has passed.
    /// @param oldSize The live size. @param newSize Larger. @param root The tree's head at `newSize`.
    /// @param proof RFC 9162 consistency proof from `oldSize` to `newSize`; empty when `oldSize` is 0.
    /// @param manifest SHA-256 of the epoch's archived manifest.
    function advance(
        uint48 epoch,
        uint48 oldSize,
        uint48 newSize,
        bytes32 root,
        bytes32[] calldata proof,
        bytes32 manifest
    ) external;

    /// @notice The same, relayed by anyone with the writer's signature over Advance(epoch, oldSize, newSize, root, manifest).
    /// @param signature 64 bytes (EIP-2098).
    function advanceSigned(
        uint48 epoch,
        uint48 oldSize,
        uint48 newSize,
        bytes32 root,
        bytes32[] calldata proof,
        bytes32 manifest,
        bytes calldata signature
    ) external;

    /// @notice Record, once, that an epoch was not anchored within one epoch of its end. Anyone, while the log is open.
    function flagOverdue(uint48 epoch) external;

    /// @notice Publish, once, the digest of a segment that the service did not acknowledge. Any account ever admitted.
    function claim(bytes32 digest) external;

    /// @notice Show two conflicting segments of one signer, device and channel; that signer alone is frozen from now on. Anyone, of
    /// any key that was ever confirmed for the device: a stranger's key freezes nothing. secp256k1 alone (protocol 3.6).
    function equivocate(SignedSegment calldata first, SignedSegment calldata second) external;

    /// @notice Replace the writer. Charter only.
    function rotateWriter(address writer) external;

    /// @notice Close the log for good, so that a successor may continue it. Charter only.
    function close() external;

    /// @notice Prove a reading against the live root; reverts unless it is what a confirmed signer of its device signed. The key
    /// must be valid now: a reading by a key that has since lapsed is judged off chain, by its segment's first checkpoint.
    /// secp256k1 alone (protocol 3.6). Costs 74,900 gas for one of 60 readings in a log of 2^20 entries, 900 for each doubling.
    function prove(ReadingProof calldata proof) external view returns (Reading memory reading, address signer);

    /// @return root Of the log. @return writer 0 when closed. @return size Entries. @return epoch The last one anchored.
    function state() external view returns (bytes32 root, address writer, uint48 size, uint48 epoch);

    function epochSeconds() external view returns (uint48 length);

    /// @notice The last epoch before the log's first one.
    function startEpoch() external view returns (uint48 epoch);

    /// @notice The log that this one continues; 0 for none.
    function predecessor() external view returns (address log);

    /// @notice Block of the freeze and the log's size then (entries below it still count); 0, 0 if not frozen.
    function frozen(address device, address signer) external view returns (uint64 atBlock, uint48 size);

    /// @notice Block of the claim and the last epoch anchored then; 0, 0 if not claimed.
    function claimed(bytes32 digest) external view returns (uint64 atBlock, uint48 epoch);

    function flagged(uint48 epoch) external view returns (bool overdue);
}
