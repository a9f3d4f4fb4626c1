// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Leaf} from "../types/Leaf.sol";
import {ReadingProof} from "../types/Segment.sol";
import {ICourt} from "./ICourt.sol";

/// @title The court's bench for energies: quantities and slot totals (protocol 8.9.4)
interface IMeterCourt is ICourt {
    error ReadingOfAnotherEdge(address device, uint16 channel, uint64 seq);
    error SignerNotOfDevice(address device, address signer);

    /// @notice A metered or estimated quantity, by the two readings that it names.
    function disputeQuantity(
        uint32 day,
        uint256 place,
        Leaf[] calldata leaves,
        ReadingProof calldata from,
        ReadingProof calldata to
    ) external returns (int256 expected);

    /// @notice A slot total, by the one before it in its slot (none for the first) and its station's quantity.
    function disputeSlotTotal(
        uint32 day,
        uint256 place,
        Leaf[] calldata leaves,
        Leaf[] calldata before,
        Leaf[] calldata quantity
    ) external returns (int256 expected);
}
