// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {Leaf, Metered, PoolEdge, RowProof} from "../types/Leaf.sol";
import {ICourt} from "./ICourt.sol";

/// @title The court's bench for what the meters made of the market: deviations, the grid, the pool (protocol 8.9.4)
interface IMarketCourt is ICourt {
    /// @notice `energy_deviation` or `network_deviation`; and the four above where no planned price stands.
    function disputeMetered(uint32 day, uint256 place, Leaf[] calldata leaves, Metered calldata inputs)
        external
        returns (int256 expected);

    /// @notice `grid_energy` or `grid_network`, by the group's last slot total and the tariff.
    function disputeGrid(
        uint32 day,
        uint256 place,
        Leaf[] calldata leaves,
        Leaf[] calldata total,
        RowProof calldata tariff
    ) external returns (int256 expected);

    /// @notice `pool_share`, by the weights and what the pool held before the shares in each standing version.
    function disputeShare(
        uint32 day,
        uint256 place,
        Leaf[] calldata leaves,
        Leaf[] calldata weights,
        PoolEdge[] calldata pool
    ) external returns (int256 expected);
}
