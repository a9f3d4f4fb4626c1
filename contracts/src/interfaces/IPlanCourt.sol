// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Leaf, RowProof} from "../types/Leaf.sol";
import {ICourt} from "./ICourt.sol";

/// @title The court's bench for what was planned and leased, and for lines that join nobody (protocol 8.9.4)
interface IPlanCourt is ICourt {
    /// @notice `energy_plan`, `network_plan`, `lease_energy` or `lease_network` at the planned price.
    function disputePlan(
        uint32 day,
        uint256 place,
        Leaf[] calldata leaves,
        RowProof calldata row,
        RowProof calldata price
    ) external returns (int256 expected);

    /// @notice `lease_rent`, by the lease on chain.
    function disputeRent(uint32 day, uint256 place, Leaf[] calldata leaves) external returns (int256 expected);

    /// @notice `lease_wear`, by the lease on chain and the schedule row.
    function disputeWear(uint32 day, uint256 place, Leaf[] calldata leaves, RowProof calldata row)
        external
        returns (int256 expected);

    /// @notice `lease_end`, by the price that the lease's contract recorded when a party ended it alone.
    function disputeEnd(uint32 day, uint256 place, Leaf[] calldata leaves) external returns (int256 expected);

    /// @notice `platform_fee`, by the member's certified gain and the fee.
    function disputeFee(
        uint32 day,
        uint256 place,
        Leaf[] calldata leaves,
        RowProof calldata gain,
        RowProof calldata fee
    ) external returns (int256 expected);

    /// @notice A line between accounts that its kind does not join, or of a lease that does not run: it should be 0.
    function disputeStray(uint32 day, uint256 place, Leaf[] calldata leaves) external returns (int256 expected);
}
