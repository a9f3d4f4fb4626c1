// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1056} from "./base/ERC1056.sol";
import {IAllianceRegistry} from "./interfaces/IAllianceRegistry.sol";
import {IDeviceRegistry} from "./interfaces/IDeviceRegistry.sol";
import {DeviceKeys} from "./libraries/DeviceKeys.sol";
import {Domain} from "./libraries/Domain.sol";
import {Signature} from "./libraries/Signature.sol";
import {ChannelBinding, Device, SignerRecord} from "./types/Device.sol";
import {ATTESTOR} from "./types/Roles.sol";
import {MemberStatus} from "./types/Station.sol";

/// @title Devices, their keys and their channels (protocol 6)
contract DeviceRegistry is IDeviceRegistry, ERC1056 {
    bytes32 private constant ENROL_TYPE =
        keccak256("Enrol(address device,address owner,uint32 station,uint256 nonce,uint64 deadline)");
    bytes32 private constant ROTATE_TYPE =
        keccak256("Rotate(address device,address newKey,uint64 validity,uint256 nonce)");
    bytes32 private constant ROTATE_KEY_TYPE =
        keccak256("RotateKey(address device,uint8 alg,bytes publicKey,uint64 validity,uint256 nonce)");
    bytes32 private constant VERI_KEY = "veriKey";
    bytes32 private constant CHANNEL_ATTRIBUTE = "alliance/channel";
    uint64 private constant VALIDITY_LIMIT = 10 * 365 days;

    IAllianceRegistry public immutable registry;
    /// @inheritdoc IDeviceRegistry
    uint48 public immutable epochSeconds;
    mapping(address device => Device) private _devices;
    mapping(address device => mapping(address key => SignerRecord)) private _signers;
    mapping(address device => mapping(uint16 channel => ChannelBinding)) private _channels;
    mapping(address device => mapping(address key => bytes)) private _publicKeys;
    /// @inheritdoc IDeviceRegistry
    mapping(uint32 station => mapping(uint8 kind => uint32)) public metersOf;

    constructor(IAllianceRegistry registry_, uint48 epochSeconds_) {
        registry = registry_;
        epochSeconds = epochSeconds_;
    }

    // ---- devices ----

    /// @inheritdoc IDeviceRegistry
    function enrol(address device_, uint32 station, uint64 deadline, bytes calldata deviceSignature) external {
        if (_devices[device_].station != 0) revert DeviceAlreadyEnrolled(device_, _devices[device_].station);
        if (block.timestamp > deadline) revert ConsentExpired(deadline, uint64(block.timestamp));
        _requireMayOwn(device_, msg.sender);
        _requireStationOwner(station, msg.sender);
        address owner = identityOwner(device_);
        if (owner != device_ && owner != msg.sender) revert DeviceOwnedByAnother(device_, owner);
        _useConsent(device_, station, deadline, deviceSignature);
        _devices[device_] = Device({station: station, enrolledAt: uint64(block.timestamp), attestedAt: 0, attestor: address(0)});
        owners[device_] = msg.sender;
        uint256 previous = _advance(device_);
        emit DIDOwnerChanged(device_, msg.sender, previous);
        emit DeviceEnrolled(device_, msg.sender, station, previous);
    }

    /// @inheritdoc IDeviceRegistry
    function attest(address device_, uint64 validitySeconds) external {
        _requireAttestor(device_);
        Device storage record = _devices[device_];
        (record.attestedAt, record.attestor) = (uint64(block.timestamp), msg.sender);
        uint256 previous = changed[device_];
        emit DeviceAttested(device_, msg.sender, previous);
        _confirm(device_, device_, DeviceKeys.SECP256K1_ALG, validitySeconds, msg.sender);
    }

    /// @inheritdoc IDeviceRegistry
    function followOwner(address device_) external {
        address owner = identityOwner(device_);
        address account = registry.movedTo(owner);
        if (account == address(0)) revert OwnerNotMoved(device_, owner);
        _changeOwner(device_, account);
    }

    /// @inheritdoc IDeviceRegistry
    function bindChannel(
        address device_,
        uint16 channel_,
        uint8 kind,
        uint32 station,
        uint64 fromTime,
        uint64 toTime
    ) external {
        _requireAttestor(device_);
        _requireAttested(device_);
        _requireStationOwner(station, identityOwner(device_));
        if (registry.safetyAgreement(station) == 0) revert StationWithoutSafety(station);
        if (kind == 0) revert ChannelKindUnknown(kind);
        if (toTime != 0 && toTime <= fromTime) revert ChannelTermEmpty(fromTime, toTime);
        ChannelBinding memory before = _channels[device_][channel_];
        if (before.kind != 0 && before.toTime == 0) --metersOf[before.station][before.kind];
        if (toTime == 0) ++metersOf[station][kind];
        _channels[device_][channel_] =
            ChannelBinding({kind: kind, station: station, fromTime: fromTime, toTime: toTime});
        uint256 previous = _advance(device_);
        emit DIDAttributeChanged(
            device_,
            CHANNEL_ATTRIBUTE,
            abi.encode(channel_, kind, station, fromTime, toTime),
            toTime == 0 ? type(uint64).max : toTime,
            previous
        );
        emit ChannelBound(device_, channel_, kind, station, fromTime, toTime, previous);
    }

    // ---- keys ----

    /// @inheritdoc IDeviceRegistry
    function confirmDelegate(address device_, address newKey, uint64 validitySeconds) external {
        _requireAttestor(device_);
        _requireAttested(device_);
        uint8 alg = _signers[device_][newKey].alg;
        if (alg > DeviceKeys.SECP256K1_ALG) revert SignerNeedsPublicKey(device_, newKey, alg);
        _confirm(device_, newKey, DeviceKeys.SECP256K1_ALG, validitySeconds, msg.sender);
    }

    /// @inheritdoc IDeviceRegistry
    function confirmKey(address device_, uint8 alg, bytes calldata publicKey_, uint64 validitySeconds) external {
        _requireAttestor(device_);
        _requireAttested(device_);
        _confirmKey(device_, alg, publicKey_, validitySeconds, msg.sender);
    }

    /// @inheritdoc IDeviceRegistry
    function rotate(address device_, address newKey, uint64 validitySeconds, bytes calldata signature) external {
        bytes32 structHash = keccak256(abi.encode(ROTATE_TYPE, device_, newKey, validitySeconds, nonce[device_]++));
        address outgoing = _retire(device_, newKey, structHash, signature);
        _confirm(device_, newKey, DeviceKeys.SECP256K1_ALG, validitySeconds, outgoing);
    }

    /// @inheritdoc IDeviceRegistry
    function rotateKey(
        address device_,
        uint8 alg,
        bytes calldata publicKey_,
        uint64 validitySeconds,
        bytes calldata signature
    ) external {
        bytes32 structHash = keccak256(
            abi.encode(ROTATE_KEY_TYPE, device_, alg, keccak256(publicKey_), validitySeconds, nonce[device_]++)
        );
        address outgoing = _retire(device_, DeviceKeys.signerOf(alg, publicKey_), structHash, signature);
        _confirmKey(device_, alg, publicKey_, validitySeconds, outgoing);
    }

    /// @inheritdoc IDeviceRegistry
    function compromisedSince(address device_, address signer_, uint48 epoch) external {
        if (msg.sender == identityOwner(device_)) _requireOwner(device_, msg.sender);
        else _requireAttestor(device_);
        SignerRecord storage record = _signers[device_][signer_];
        if (record.confirmedAt == 0) revert SignerNotConfirmed(device_, signer_);
        uint48 current = uint48(block.timestamp / epochSeconds);
        if (epoch > current) revert EpochInFuture(epoch, current);
        uint48 recorded = record.compromisedSince;
        if (recorded != 0 && epoch + 1 >= recorded) revert EpochNotEarlier(epoch, recorded - 1);
        record.compromisedSince = epoch + 1;
        uint256 validTo = block.timestamp - 1 < record.validTo ? block.timestamp - 1 : record.validTo;
        record.validTo = uint64(validTo);
        uint256 previous = _lapse(device_, signer_, record.alg, validTo);
        emit Compromised(device_, signer_, epoch, msg.sender, previous);
    }

    // ---- views ----

    /// @inheritdoc IDeviceRegistry
    /// @dev An owner is never a confirmed signer: `_confirm` refuses an owner, `_changeOwner` a key that was ever confirmed.
    function isSigner(address device_, address key) public view returns (bool) {
        return _signers[device_][key].validTo > block.timestamp;
    }

    /// @inheritdoc IDeviceRegistry
    function signer(address device_, address key) external view returns (SignerRecord memory) {
        return _signers[device_][key];
    }

    /// @inheritdoc IDeviceRegistry
    function publicKey(address device_, address key) external view returns (bytes memory) {
        return _publicKeys[device_][key];
    }

    /// @inheritdoc IDeviceRegistry
    function device(address device_) external view returns (Device memory) {
        return _devices[device_];
    }

    /// @inheritdoc IDeviceRegistry
    function channel(address device_, uint16 channel_) external view returns (ChannelBinding memory) {
        return _channels[device_][channel_];
    }

    // ---- what ERC-1056's own calls may not do to an enrolled device ----

    function _changeOwner(address identity, address newOwner) internal override {
        if (_devices[identity].station != 0) _requireMayOwn(identity, newOwner);
        if (_signers[identity][newOwner].confirmedAt != 0) revert SignerIsOwner(identity, newOwner);
        super._changeOwner(identity, newOwner);
    }

    function _addDelegate(address identity, bytes32 delegateType, address delegate, uint256 validity) internal override {
        uint64 validTo = _signers[identity][delegate].validTo;
        if (delegateType == VERI_KEY && validTo > block.timestamp) {
            revert SignerAlreadyConfirmed(identity, delegate, validTo);
        }
        super._addDelegate(identity, delegateType, delegate, validity);
    }

    function _revokeDelegate(address identity, bytes32 delegateType, address delegate) internal override {
        SignerRecord storage record = _signers[identity][delegate];
        if (delegateType != VERI_KEY || record.confirmedAt == 0) {
            return super._revokeDelegate(identity, delegateType, delegate);
        }
        if (record.validTo > block.timestamp) record.validTo = uint64(block.timestamp - 1);
        _lapse(identity, delegate, record.alg, block.timestamp - 1);
    }

    function _setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validTo) internal override {
        bool ours = name == DeviceKeys.P256_ATTRIBUTE || name == DeviceKeys.ED25519_ATTRIBUTE;
        if (name == CHANNEL_ATTRIBUTE || (ours && _devices[identity].station != 0)) revert AttributeReserved(name);
        super._setAttribute(identity, name, value, validTo);
    }

    /// @dev A member's recovered account is the owner from then on: the one it was moved from, lost or stolen, may nothing more.
    function _requireOwner(address identity, address account) internal view override {
        super._requireOwner(identity, account);
        if (_devices[identity].station != 0 && registry.movedTo(account) != address(0)) {
            revert OwnerMoved(identity, account, registry.movedTo(account));
        }
    }

    // ---- rules ----

    /// @dev The outgoing key must be valid now, and the incoming one never confirmed before: what lapsed needs an attestor.
    function _retire(address device_, address incoming, bytes32 structHash, bytes calldata signature)
        private
        returns (address outgoing)
    {
        outgoing = Signature.recoverAny(_digest(structHash), signature);
        if (!isSigner(device_, outgoing)) revert SignerNotConfirmed(device_, outgoing);
        SignerRecord storage record = _signers[device_][incoming];
        if (record.confirmedAt != 0) revert SignerAlreadyConfirmed(device_, incoming, record.validTo);
        _revokeDelegate(device_, VERI_KEY, outgoing);
    }

    function _confirmKey(address device_, uint8 alg, bytes calldata publicKey_, uint64 validitySeconds, address by)
        private
    {
        address key = DeviceKeys.signerOf(alg, publicKey_);
        uint256 previous = _confirm(device_, key, alg, validitySeconds, by);
        _publicKeys[device_][key] = publicKey_;
        uint256 validTo = _signers[device_][key].validTo;
        _showKey(device_, alg, publicKey_, validTo, previous);
        emit KeyConfirmed(device_, key, alg, publicKey_, validTo, by, previous);
    }

    /// @dev A key stops: its delegate and, where it has one, its attribute end before this second.
    function _lapse(address device_, address key, uint8 alg, uint256 validTo) private returns (uint256 previous) {
        previous = _setDelegate(device_, VERI_KEY, key, validTo);
        if (alg > DeviceKeys.SECP256K1_ALG) _showKey(device_, alg, _publicKeys[device_][key], validTo, previous);
    }

    function _showKey(address device_, uint8 alg, bytes memory publicKey_, uint256 validTo, uint256 previous) private {
        (bytes32 name, bytes memory value) = DeviceKeys.attribute(alg, publicKey_);
        emit DIDAttributeChanged(device_, name, value, validTo, previous);
    }

    function _confirm(address device_, address key, uint8 alg, uint64 validitySeconds, address by)
        private
        returns (uint256 previous)
    {
        if (key == address(0)) revert SignerMissing(device_);
        if (key == identityOwner(device_)) revert SignerIsOwner(device_, key);
        if (validitySeconds == 0 || validitySeconds > VALIDITY_LIMIT) {
            revert ValidityOutOfRange(validitySeconds, VALIDITY_LIMIT);
        }
        SignerRecord storage record = _signers[device_][key];
        if (record.compromisedSince != 0) revert SignerCompromised(device_, key, record.compromisedSince - 1);
        uint64 validTo = uint64(block.timestamp) + validitySeconds;
        (record.confirmedAt, record.validTo, record.alg) = (uint64(block.timestamp), validTo, alg);
        previous = _setDelegate(device_, VERI_KEY, key, validTo);
        emit DelegateConfirmed(device_, key, validTo, by, previous);
    }

    function _useConsent(address device_, uint32 station, uint64 deadline, bytes calldata signature) private {
        bytes32 structHash =
            keccak256(abi.encode(ENROL_TYPE, device_, msg.sender, station, nonce[device_]++, deadline));
        address recovered = Signature.recoverAny(_digest(structHash), signature);
        if (recovered != device_) revert ConsentNotByDevice(device_, recovered);
    }

    function _requireMayOwn(address device_, address owner) private view {
        if (owner == device_) revert OwnerIsDevice(device_);
        if (registry.memberStatus(owner) != MemberStatus.Admitted) revert OwnerNotAdmitted(owner);
        if (registry.hasRole(ATTESTOR, owner)) revert OwnerIsAttestor(device_, owner);
    }

    function _requireStationOwner(uint32 station, address account) private view {
        (, address owner) = registry.station(station);
        if (owner != account) revert StationNotOwned(station, owner, account);
    }

    function _requireAttestor(address device_) private view {
        if (!registry.hasRole(ATTESTOR, msg.sender)) revert AttestorMissingRole(msg.sender);
        if (_devices[device_].station == 0) revert DeviceUnknown(device_);
        if (msg.sender == identityOwner(device_)) revert OwnerIsAttestor(device_, msg.sender);
    }

    function _requireAttested(address device_) private view {
        if (_devices[device_].attestedAt == 0) revert DeviceNotAttested(device_);
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return Domain.digest(Domain.separator(address(registry)), structHash);
    }
}
