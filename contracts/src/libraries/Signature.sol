// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title secp256k1 signatures (protocol 3.6): 64 bytes by EIP-2098 where they are evidence, low s always
library Signature {
    error SignatureWrongLength(uint256 length);

    /// @notice Signer of a digest by a signature of 64 bytes. Reverts on any other length, a high s, or no signer.
    function recover(bytes32 digest, bytes calldata signature) internal pure returns (address) {
        if (signature.length != 64) revert SignatureWrongLength(signature.length);
        return ECDSA.recover(digest, bytes32(signature[:32]), bytes32(signature[32:]));
    }

    /// @notice The same, taking the 65 bytes r ‖ s ‖ v of wallets too, where the signature itself is kept nowhere.
    function recoverAny(bytes32 digest, bytes calldata signature) internal pure returns (address) {
        if (signature.length != 65) return recover(digest, signature);
        return ECDSA.recover(digest, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
    }
}
