// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title secp256k1 signatures (protocol 3.6): 64 bytes by EIP-2098 where they are evidence, low s always
library Signature {
    uint256 private constant S_MASK = type(uint256).max >> 1; // above it stands the parity of y
    uint256 private constant HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    error SignatureWrongLength(uint256 length);

    /// @notice Signer of a digest by a signature of 64 bytes. Reverts on any other length, a high s, or no signer.
    function recover(bytes32 digest, bytes calldata signature) internal pure returns (address signer) {
        if (signature.length != 64) revert SignatureWrongLength(signature.length);
        uint256 tail = uint256(bytes32(signature[32:]));
        uint256 s = tail & S_MASK;
        if (s > HALF_ORDER) revert ECDSA.ECDSAInvalidSignatureS(bytes32(s));
        signer = ecrecover(digest, tail > S_MASK ? 28 : 27, bytes32(signature), bytes32(s));
        if (signer == address(0)) revert ECDSA.ECDSAInvalidSignature();
    }

    /// @notice The same, taking the 65 bytes r ‖ s ‖ v of wallets too, where the signature itself is kept nowhere.
    function recoverAny(bytes32 digest, bytes calldata signature) internal pure returns (address) {
        if (signature.length != 65) return recover(digest, signature);
        return ECDSA.recover(digest, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
    }
}
