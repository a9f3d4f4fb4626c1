// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// @title The one-line court (protocol 8.9.4): what its four benches say, whichever of them judges
/// @notice Anyone may call, until the day is final; a pause does not touch it. A call that finds nothing wrong reverts: the caller
/// has paid gas, nobody anything else. There are no bonds. The court judges what a leaf makes of the inputs that it names; which
/// inputs bind a day is judged by audit and vote (ADR 0009). `place` is where the leaf belongs: kind and identity, packed as
/// `Leaves.place` has it. `leaves` holds, for every standing version in order, the leaf at that place or the two neighbours
/// between which it would stand.
interface ICourt {
    /// @notice A leaf was recomputed otherwise. Of a line, `movedCents` went to its account from its counterparty, and the court
    /// moves no more unless an input is judged; of a slot total `expected` and `got` are imports, the others exports.
    event DisputeUpheld(
        uint32 indexed day,
        uint16 indexed version,
        uint32 indexed index,
        uint8 kind,
        int64 expected,
        int64 got,
        int64 expectedExports,
        int64 gotExports,
        int64 movedCents,
        address by
    );

    error LeafIndexOutside(uint32 index, uint32 leafCount);
    error LeafNotInStatement(uint16 version, uint32 index, bytes32 want, bytes32 got);
    error LeafMalformed(uint8 kind, uint256 length);
    error LeafMissing(uint32 day, uint256 place);
    error LeafOfAnotherPlace(uint256 want, uint256 got);
    error LeafIsRight(uint16 version, uint32 index, int256 expected);
    error LeafNotJudged(uint8 kind, uint8 detail);
    error LeafStray(uint16 version, uint32 index);
    error LeavesNotNeighbours(uint32 left, uint32 right);
    error LeavesWrongCount(uint256 want, uint256 got);
    error VersionNotStanding(uint32 day, uint16 version);
    error EvidenceNotNamed(bytes32 want, bytes32 got);
    error InputTooLate(uint48 entryIndex, uint48 logSize);
    error InputNotLogged(bytes32 want, bytes32 got);
    error RowMalformed(uint8 kind, uint256 length);
    error RowOfAnotherPlace(uint8 kind, bytes32 rowHash);
    error RowMissing(uint8 kind);
}
