// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";

/// @title Public keys whose signatures do not tell who signed (protocol 3.6): 2 P-256, 3 Ed25519
/// @notice They are confirmed and published here and judged off chain; proofs on chain take secp256k1 alone.
library DeviceKeys {
    uint8 internal constant SECP256K1_ALG = 1;
    uint8 internal constant P256_ALG = 2;
    uint8 internal constant ED25519_ALG = 3;
    bytes32 internal constant P256_ATTRIBUTE = "did/pub/Secp256r1/veriKey/hex";
    bytes32 internal constant ED25519_ATTRIBUTE = "did/pub/Ed25519/veriKey/base58";
    bytes1 private constant UNCOMPRESSED = 0x04;

    error KeyAlgorithmUnknown(uint8 alg);
    error PublicKeyMalformed(uint8 alg, uint256 length);

    /// @notice The address by which a public key is known: 64 bytes x ‖ y of a point of P-256, or the 32 bytes of Ed25519.
    function signerOf(uint8 alg, bytes calldata publicKey) internal pure returns (address) {
        if (alg != P256_ALG && alg != ED25519_ALG) revert KeyAlgorithmUnknown(alg);
        bool fits = alg == P256_ALG ? _isPoint(publicKey) : publicKey.length == 32;
        if (!fits) revert PublicKeyMalformed(alg, publicKey.length);
        return address(uint160(uint256(keccak256(publicKey))));
    }

    /// @notice The attribute by which public did:ethr resolvers show the key; a point of P-256 as SEC 1 writes it.
    function attribute(uint8 alg, bytes memory publicKey) internal pure returns (bytes32 name, bytes memory value) {
        if (alg == P256_ALG) return (P256_ATTRIBUTE, bytes.concat(UNCOMPRESSED, publicKey));
        return (ED25519_ATTRIBUTE, publicKey);
    }

    function _isPoint(bytes calldata publicKey) private pure returns (bool) {
        return publicKey.length == 64 && P256.isValidPublicKey(bytes32(publicKey[:32]), bytes32(publicKey[32:]));
    }
}
