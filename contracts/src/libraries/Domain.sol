// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title The one EIP-712 domain of everything signed (protocol 1.5): its verifying contract is `AllianceRegistry`
library Domain {
    string internal constant NAME = "StorageAlliance";
    string internal constant VERSION = "1";
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    /// @notice Domain separator on the chain that runs this code: a fork of the chain has another one.
    function separator(address registry) internal view returns (bytes32) {
        return separatorOn(block.chainid, registry);
    }

    /// @notice Domain separator on a named chain.
    function separatorOn(uint256 chainId, address registry) internal pure returns (bytes32) {
        return
            keccak256(abi.encode(DOMAIN_TYPE, keccak256(bytes(NAME)), keccak256(bytes(VERSION)), chainId, registry));
    }

    /// @notice What is signed: the digest of a struct's hash under a domain.
    function digest(bytes32 domainSeparator, bytes32 structHash) internal pure returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(domainSeparator, structHash);
    }
}
