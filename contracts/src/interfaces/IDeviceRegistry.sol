// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

import {ChannelBinding, Device, SignerRecord} from "../types/Device.sol";
import {IERC1056} from "./IERC1056.sol";

/// @title Devices, their keys and their channels (protocol 6)
/// @notice ERC-1056 with three additions: a device is enrolled with its own consent, confirmed by an attestor who is not its
/// owner, and signs readings only with `veriKey` delegates that an attestor or the outgoing key confirmed. A plain ERC-1056
/// delegate resolves publicly and proves no reading. Every event below advances `changed[device]` and stands beside an event
/// of ERC-1056 with the same `previousChange`, so that public resolvers walk the whole history too.
interface IDeviceRegistry is IERC1056 {
    event DeviceEnrolled(address indexed device, address indexed owner, uint32 station, uint256 previousChange);
    event DeviceAttested(address indexed device, address indexed attestor, uint256 previousChange);
    /// @notice `toTime` 0: open. Times in unix seconds. A later binding of the channel replaces the earlier from its `fromTime`.
    event ChannelBound(
        address indexed device,
        uint16 indexed channel,
        uint8 kind,
        uint32 station,
        uint64 fromTime,
        uint64 toTime,
        uint256 previousChange
    );
    /// @notice `by` is the attestor, or the outgoing key that signed the rotation.
    event DelegateConfirmed(
        address indexed device, address indexed delegate, uint256 validTo, address by, uint256 previousChange
    );
    /// @notice Beside `DelegateConfirmed`, for keys whose signatures do not tell who signed: `alg` 2 P-256 (64 bytes x ‖ y) or 3
    /// Ed25519 (32 bytes); `signer` is the last 20 bytes of keccak256(publicKey).
    event KeyConfirmed(
        address indexed device,
        address indexed signer,
        uint8 alg,
        bytes publicKey,
        uint256 validTo,
        address by,
        uint256 previousChange
    );
    /// @notice The key was revoked; its readings are disputed from the start of `epoch`.
    event Compromised(
        address indexed device, address indexed signer, uint48 epoch, address by, uint256 previousChange
    );

    error IdentityNotOwner(address identity, address owner, address account);
    error DeviceUnknown(address device);
    error DeviceAlreadyEnrolled(address device, uint32 station);
    error DeviceOwnedByAnother(address device, address owner);
    error DeviceNotAttested(address device);
    error OwnerNotAdmitted(address owner);
    error OwnerIsDevice(address device);
    error OwnerIsAttestor(address device, address owner);
    error OwnerMoved(address device, address owner, address account);
    error OwnerNotMoved(address device, address owner);
    error StationNotOwned(uint32 station, address owner, address account);
    error StationWithoutSafety(uint32 station);
    error ConsentExpired(uint64 deadline, uint64 time);
    error ConsentNotByDevice(address device, address recovered);
    error AttestorMissingRole(address account);
    error SignerIsOwner(address device, address signer);
    error SignerNotConfirmed(address device, address signer);
    error SignerAlreadyConfirmed(address device, address signer, uint64 validTo);
    error SignerCompromised(address device, address signer, uint48 epoch);
    error SignerMissing(address device);
    error SignerNeedsPublicKey(address device, address signer, uint8 alg);
    error ValidityOutOfRange(uint256 validitySeconds, uint64 limitSeconds);
    error AttributeReserved(bytes32 name);
    error EpochInFuture(uint48 epoch, uint48 current);
    error EpochNotEarlier(uint48 epoch, uint48 recorded);
    error ChannelKindUnknown(uint8 kind);
    error ChannelTermEmpty(uint64 fromTime, uint64 toTime);

    /// @notice Enrol a device that one owns at a station that one owns. Admitted members only, never an ATTESTOR.
    /// @param deadline Unix seconds until which the device's consent holds.
    /// @param deviceSignature By the device's key over Enrol(device, owner, station, nonce(device), deadline); 64 (EIP-2098) or 65 bytes.
    function enrol(address device, uint32 station, uint64 deadline, bytes calldata deviceSignature) external;

    /// @notice Confirm an enrolled device and its own key as a signer. ATTESTOR only, never the device's owner.
    function attest(address device, uint64 validitySeconds) external;

    /// @notice Let a device follow its owner to the account to which the alliance moved the member. Anyone.
    function followOwner(address device) external;

    /// @notice Bind a channel of an attested device to a station of the device's owner, whose safety agreement is signed.
    /// ATTESTOR only, never the owner.
    function bindChannel(
        address device,
        uint16 channel,
        uint8 kind,
        uint32 station,
        uint64 fromTime,
        uint64 toTime
    ) external;

    /// @notice Confirm a further key of an attested device. ATTESTOR only, never the owner.
    function confirmDelegate(address device, address newKey, uint64 validitySeconds) external;

    /// @notice Confirm a key of an attested device that signs with P-256 (`alg` 2) or Ed25519 (3). ATTESTOR only, never the owner.
    /// The attestor has seen the device sign with it: no signature of these algorithms is checked on chain.
    function confirmKey(address device, uint8 alg, bytes calldata publicKey, uint64 validitySeconds) external;

    /// @notice Replace a device's signer: the outgoing key signed for the new one and lapses in this second. Anyone may relay.
    /// @param signature By a signer still valid, over Rotate(device, newKey, validitySeconds, nonce(device)); 64 or 65 bytes.
    function rotate(address device, address newKey, uint64 validitySeconds, bytes calldata signature) external;

    /// @notice The same, to a key that signs with P-256 (`alg` 2) or Ed25519 (3).
    /// @param signature By a secp256k1 signer still valid, over RotateKey(device, alg, publicKey, validitySeconds, nonce(device)).
    function rotateKey(
        address device,
        uint8 alg,
        bytes calldata publicKey,
        uint64 validitySeconds,
        bytes calldata signature
    ) external;

    /// @notice Report a key: revoked at once, its readings disputed from `epoch` on. Owner or ATTESTOR. A later report may only
    /// reach further back.
    function compromisedSince(address device, address signer, uint48 epoch) external;

    /// @notice Seconds of an epoch, as in `AnchorLog`.
    function epochSeconds() external view returns (uint48 length);

    /// @notice Whether the key may sign the device's segments now: confirmed, unrevoked, unexpired, not the owner's.
    function isSigner(address device, address key) external view returns (bool valid);

    function signer(address device, address key) external view returns (SignerRecord memory record);

    /// @notice The public key of a confirmed key of algorithm 2 or 3; empty for others.
    function publicKey(address device, address key) external view returns (bytes memory key_);

    function device(address device_) external view returns (Device memory record);

    /// @notice The channel's latest binding.
    function channel(address device_, uint16 channel_) external view returns (ChannelBinding memory binding);

    /// @notice How many channels of a kind measure a station: bound to it, without an end.
    function metersOf(uint32 station, uint8 kind) external view returns (uint32);
}
