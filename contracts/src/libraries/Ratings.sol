// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {IAllianceRegistry} from "../interfaces/IAllianceRegistry.sol";
import {StationSpec} from "../types/Station.sol";

/// @title What a station's rating must satisfy and what of it can be shared (protocol 7)
library Ratings {
    uint64 internal constant POWER_LIMIT_W = 1e12;
    uint64 internal constant ENERGY_LIMIT_WH = 1e15;
    uint8 private constant LAST_TYPE = 4;

    /// @notice Refuse an unknown type, no region, a battery with one of its three numbers missing, or numbers beyond any plant.
    function requireSound(StationSpec calldata spec) internal pure {
        if (spec.stationType == 0 || spec.stationType > LAST_TYPE) {
            revert IAllianceRegistry.StationTypeUnknown(spec.stationType);
        }
        if (spec.region == 0) revert IAllianceRegistry.StationRegionMissing();
        bool stores = spec.capacityWh > 0;
        if ((spec.chargePowerW > 0) != stores || (spec.dischargePowerW > 0) != stores || spec.capacityWh > ENERGY_LIMIT_WH) {
            revert IAllianceRegistry.StationRatingInconsistent(
                spec.chargePowerW, spec.dischargePowerW, spec.capacityWh
            );
        }
        _requireWithinLimit(spec.chargePowerW);
        _requireWithinLimit(spec.dischargePowerW);
        _requireWithinLimit(spec.pccImportW);
        _requireWithinLimit(spec.pccExportW);
    }

    /// @notice Power that can be carved out in both directions: a lease takes as much connection right as power (protocol 8.2.4).
    function leasablePowerW(StationSpec memory spec) internal pure returns (uint64) {
        return _min(_min(spec.chargePowerW, spec.dischargePowerW), _min(spec.pccImportW, spec.pccExportW));
    }

    function _requireWithinLimit(uint64 powerW) private pure {
        if (powerW > POWER_LIMIT_W) revert IAllianceRegistry.StationPowerTooHigh(powerW, POWER_LIMIT_W);
    }

    function _min(uint64 a, uint64 b) private pure returns (uint64) {
        return a < b ? a : b;
    }
}
