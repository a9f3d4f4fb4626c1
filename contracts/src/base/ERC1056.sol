// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IDeviceRegistry} from "../interfaces/IDeviceRegistry.sol";
import {IERC1056} from "../interfaces/IERC1056.sol";

/// @title ERC-1056 as published, with hooks for rules beyond it (protocol 6)
/// @notice Differs in three points that the interface does not show: signatures with a high s are refused; an owner that is a
/// contract signs by EIP-1271 (r ‖ s ‖ v); and `revokeDelegate` emits validTo one second before the block and `revokeAttribute`
/// validTo 0, so that a resolver refuses in the same second too.
/// As published, the signed calls name the contract but no chain: an identity's owner who uses them on two chains with the same
/// contract address should not use one nonce for two purposes.
abstract contract ERC1056 is IERC1056 {
    bytes2 private constant SIGNED_HEAD = 0x1900;

    /// @inheritdoc IERC1056
    mapping(address identity => address) public owners;
    /// @inheritdoc IERC1056
    mapping(address identity => mapping(bytes32 delegateTypeHash => mapping(address delegate => uint256))) public delegates;
    /// @inheritdoc IERC1056
    mapping(address identity => uint256) public changed;
    /// @inheritdoc IERC1056
    mapping(address signer => uint256) public nonce;

    // ---- views ----

    /// @inheritdoc IERC1056
    function identityOwner(address identity) public view returns (address) {
        address owner = owners[identity];
        return owner == address(0) ? identity : owner;
    }

    /// @inheritdoc IERC1056
    function validDelegate(address identity, bytes32 delegateType, address delegate) external view returns (bool) {
        return delegates[identity][_typeHash(delegateType)][delegate] > block.timestamp;
    }

    // ---- owner ----

    /// @inheritdoc IERC1056
    function changeOwner(address identity, address newOwner) external {
        _requireOwner(identity, msg.sender);
        _changeOwner(identity, newOwner);
    }

    /// @inheritdoc IERC1056
    function changeOwnerSigned(address identity, uint8 sigV, bytes32 sigR, bytes32 sigS, address newOwner) external {
        bytes32 hash = keccak256(abi.encodePacked(_head(identity), "changeOwner", newOwner));
        _requireOwnerSigned(identity, sigV, sigR, sigS, hash);
        _changeOwner(identity, newOwner);
    }

    // ---- delegates ----

    /// @inheritdoc IERC1056
    function addDelegate(address identity, bytes32 delegateType, address delegate, uint256 validity) external {
        _requireOwner(identity, msg.sender);
        _addDelegate(identity, delegateType, delegate, validity);
    }

    /// @inheritdoc IERC1056
    function addDelegateSigned(
        address identity,
        uint8 sigV,
        bytes32 sigR,
        bytes32 sigS,
        bytes32 delegateType,
        address delegate,
        uint256 validity
    ) external {
        bytes32 hash =
            keccak256(abi.encodePacked(_head(identity), "addDelegate", delegateType, delegate, validity));
        _requireOwnerSigned(identity, sigV, sigR, sigS, hash);
        _addDelegate(identity, delegateType, delegate, validity);
    }

    /// @inheritdoc IERC1056
    function revokeDelegate(address identity, bytes32 delegateType, address delegate) external {
        _requireOwner(identity, msg.sender);
        _revokeDelegate(identity, delegateType, delegate);
    }

    /// @inheritdoc IERC1056
    function revokeDelegateSigned(
        address identity,
        uint8 sigV,
        bytes32 sigR,
        bytes32 sigS,
        bytes32 delegateType,
        address delegate
    ) external {
        bytes32 hash = keccak256(abi.encodePacked(_head(identity), "revokeDelegate", delegateType, delegate));
        _requireOwnerSigned(identity, sigV, sigR, sigS, hash);
        _revokeDelegate(identity, delegateType, delegate);
    }

    // ---- attributes ----

    /// @inheritdoc IERC1056
    function setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validity) external {
        _requireOwner(identity, msg.sender);
        _setAttribute(identity, name, value, block.timestamp + validity);
    }

    /// @inheritdoc IERC1056
    function setAttributeSigned(
        address identity,
        uint8 sigV,
        bytes32 sigR,
        bytes32 sigS,
        bytes32 name,
        bytes calldata value,
        uint256 validity
    ) external {
        bytes32 hash = keccak256(abi.encodePacked(_head(identity), "setAttribute", name, value, validity));
        _requireOwnerSigned(identity, sigV, sigR, sigS, hash);
        _setAttribute(identity, name, value, block.timestamp + validity);
    }

    /// @inheritdoc IERC1056
    function revokeAttribute(address identity, bytes32 name, bytes calldata value) external {
        _requireOwner(identity, msg.sender);
        _setAttribute(identity, name, value, 0);
    }

    /// @inheritdoc IERC1056
    function revokeAttributeSigned(
        address identity,
        uint8 sigV,
        bytes32 sigR,
        bytes32 sigS,
        bytes32 name,
        bytes calldata value
    ) external {
        bytes32 hash = keccak256(abi.encodePacked(_head(identity), "revokeAttribute", name, value));
        _requireOwnerSigned(identity, sigV, sigR, sigS, hash);
        _setAttribute(identity, name, value, 0);
    }

    // ---- hooks: each applies a change whose author was checked ----

    function _changeOwner(address identity, address newOwner) internal virtual {
        owners[identity] = newOwner;
        emit DIDOwnerChanged(identity, newOwner, _advance(identity));
    }

    function _addDelegate(address identity, bytes32 delegateType, address delegate, uint256 validity) internal virtual {
        _setDelegate(identity, delegateType, delegate, block.timestamp + validity);
    }

    function _revokeDelegate(address identity, bytes32 delegateType, address delegate) internal virtual {
        _setDelegate(identity, delegateType, delegate, block.timestamp - 1);
    }

    function _setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validTo) internal virtual {
        emit DIDAttributeChanged(identity, name, value, validTo, _advance(identity));
    }

    /// @return previous Block of the change before this one, which this one's events carry.
    function _setDelegate(address identity, bytes32 delegateType, address delegate, uint256 validTo)
        internal
        returns (uint256 previous)
    {
        delegates[identity][_typeHash(delegateType)][delegate] = validTo;
        previous = _advance(identity);
        emit DIDDelegateChanged(identity, delegateType, delegate, validTo, previous);
    }

    function _advance(address identity) internal returns (uint256 previous) {
        previous = changed[identity];
        changed[identity] = block.number;
    }

    function _requireOwner(address identity, address account) internal view virtual {
        address owner = identityOwner(identity);
        if (account != owner) revert IDeviceRegistry.IdentityNotOwner(identity, owner, account);
    }

    function _requireOwnerSigned(address identity, uint8 v, bytes32 r, bytes32 s, bytes32 hash) private {
        address owner = identityOwner(identity);
        if (!SignatureChecker.isValidERC1271SignatureNow(owner, hash, abi.encodePacked(r, s, v))) {
            _requireOwner(identity, ECDSA.recover(hash, v, r, s));
        }
        ++nonce[owner];
    }

    function _head(address identity) private view returns (bytes memory) {
        return abi.encodePacked(SIGNED_HEAD, address(this), nonce[identityOwner(identity)], identity);
    }

    function _typeHash(bytes32 delegateType) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(delegateType));
    }
}
