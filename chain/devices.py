"""`DeviceRegistry` (protocol 6): call data for devices, keys, channels, and what its views say. Times: unix seconds."""

from dataclasses import dataclass

from alliance.identity import Address, StationId
from alliance.reading import ChannelKind
from chain.abi import Function
from chain.contract import DeployedContract
from chain.rpc import BlockTag

VERI_KEY = b"veriKey".ljust(32, b"\0")
"""ERC-1056 delegate type of a key that signs segments."""

_ENROL = Function("enrol", "(address,uint32,uint64,bytes)")
_ATTEST = Function("attest", "(address,uint64)")
_BIND_CHANNEL = Function("bindChannel", "(address,uint16,uint8,uint32,uint64,uint64)")
_CONFIRM_DELEGATE = Function("confirmDelegate", "(address,address,uint64)")
_ROTATE = Function("rotate", "(address,address,uint64,bytes)")
_CONFIRM_KEY = Function("confirmKey", "(address,uint8,bytes,uint64)")
_ROTATE_KEY = Function("rotateKey", "(address,uint8,bytes,uint64,bytes)")
_COMPROMISED_SINCE = Function("compromisedSince", "(address,address,uint48)")
_FOLLOW_OWNER = Function("followOwner", "(address)")
_CHANGE_OWNER = Function("changeOwner", "(address,address)")
_REVOKE_DELEGATE = Function("revokeDelegate", "(address,bytes32,address)")
_IS_SIGNER = Function("isSigner", "(address,address)", "(bool)")
_SIGNER = Function("signer", "(address,address)", "((uint64,uint64,uint48,uint8))")
_PUBLIC_KEY = Function("publicKey", "(address,address)", "(bytes)")
_DEVICE = Function("device", "(address)", "((uint32,uint64,uint64,address))")
_CHANNEL = Function("channel", "(address,uint16)", "((uint8,uint32,uint64,uint64))")
_CHANGED = Function("changed", "(address)", "(uint256)")
_NONCE = Function("nonce", "(address)", "(uint256)")
_IDENTITY_OWNER = Function("identityOwner", "(address)", "(address)")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledDevice:
    """A device as the registry keeps it; `attested_at_s` 0 means not yet."""

    station: StationId
    enrolled_at_s: int
    attested_at_s: int
    attestor: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerRecord:
    """A key that may sign a device's segments until `valid_to_s` (exclusive)."""

    confirmed_at_s: int
    valid_to_s: int
    compromised_since: int | None
    """Epoch from which the key's readings are disputed."""
    alg: int
    """Signature algorithm (protocol 3.6); 0 when it was never confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelBinding:
    """A channel's latest binding to a station, from `from_s` (inclusive) to `to_s` (exclusive, 0: open)."""

    kind: ChannelKind
    station: StationId
    from_s: int
    to_s: int


def enrol(device: Address, station: StationId, *, deadline_s: int, signature: bytes) -> bytes:
    """Enrol a device at a station of one's own with the device's consent (`oracle.eip712.enrol_digest`)."""
    return _ENROL.encode(device, station, deadline_s, signature)


def attest(device: Address, *, validity_s: int) -> bytes:
    """Confirm a device and its own key for so many seconds (ATTESTOR, never its owner)."""
    return _ATTEST.encode(device, validity_s)


def bind_channel(
    device: Address, channel: int, *, kind: ChannelKind, station: StationId, from_s: int, to_s: int = 0
) -> bytes:
    """Bind a device's channel to a station (ATTESTOR, never its owner)."""
    return _BIND_CHANNEL.encode(device, channel, int(kind), station, from_s, to_s)


def confirm_delegate(device: Address, key: Address, *, validity_s: int) -> bytes:
    """Confirm a further key of a device (ATTESTOR, never its owner)."""
    return _CONFIRM_DELEGATE.encode(device, key, validity_s)


def rotate(device: Address, new_key: Address, *, validity_s: int, signature: bytes) -> bytes:
    """Replace a device's key by the outgoing key's own signature (Rotate)."""
    return _ROTATE.encode(device, new_key, validity_s, signature)


def confirm_key(device: Address, *, alg: int, public_key: bytes, validity_s: int) -> bytes:
    """Confirm a key that signs with P-256 (2) or Ed25519 (3) (ATTESTOR, never the device's owner)."""
    return _CONFIRM_KEY.encode(device, alg, public_key, validity_s)


def rotate_key(device: Address, *, alg: int, public_key: bytes, validity_s: int, signature: bytes) -> bytes:
    """Replace a device's key by one of P-256 or Ed25519, by the outgoing key's own signature (RotateKey)."""
    return _ROTATE_KEY.encode(device, alg, public_key, validity_s, signature)


def compromised_since(device: Address, signer: Address, *, epoch: int) -> bytes:
    """Report a key: revoked now, its readings disputed from an epoch on (owner or ATTESTOR)."""
    return _COMPROMISED_SINCE.encode(device, signer, epoch)


def follow_owner(device: Address) -> bytes:
    """Let a device follow its owner to the account that the alliance moved the member to (anyone)."""
    return _FOLLOW_OWNER.encode(device)


def change_owner(device: Address, owner: Address) -> bytes:
    """Hand a device to another owner (its owner)."""
    return _CHANGE_OWNER.encode(device, owner)


def revoke_delegate(device: Address, key: Address) -> bytes:
    """Revoke one of a device's keys (its owner)."""
    return _REVOKE_DELEGATE.encode(device, VERI_KEY, key)


class DeviceRegistry(DeployedContract):
    """The device registry's views, each at a block; they raise as `DeployedContract.ask`."""

    def is_signer(self, device: Address, key: Address, *, tag: BlockTag = "latest") -> bool:
        """Whether a key may sign the device's segments at that block."""
        return bool(self.ask(_IS_SIGNER, device, key, tag=tag)[0])

    def signer(self, device: Address, key: Address, *, tag: BlockTag = "latest") -> SignerRecord:
        """What is recorded of a key; zeros when nothing is."""
        confirmed, valid_to, since, alg = self.ask(_SIGNER, device, key, tag=tag)[0]
        return SignerRecord(
            confirmed_at_s=confirmed,
            valid_to_s=valid_to,
            compromised_since=since - 1 if since else None,
            alg=alg,
        )

    def public_key(self, device: Address, key: Address, *, tag: BlockTag = "latest") -> bytes:
        """The public key of a confirmed key of P-256 or Ed25519; empty for others."""
        return bytes(self.ask(_PUBLIC_KEY, device, key, tag=tag)[0])

    def device(self, device: Address, *, tag: BlockTag = "latest") -> EnrolledDevice | None:
        """A device as enrolled; None when it is not."""
        station, enrolled, attested, attestor = self.ask(_DEVICE, device, tag=tag)[0]
        if not station:
            return None
        return EnrolledDevice(
            station=StationId(station), enrolled_at_s=enrolled, attested_at_s=attested, attestor=Address(attestor)
        )

    def channel(self, device: Address, channel: int, *, tag: BlockTag = "latest") -> ChannelBinding | None:
        """A channel's latest binding; None when it was never bound."""
        kind, station, from_s, to_s = self.ask(_CHANNEL, device, channel, tag=tag)[0]
        if not kind:
            return None
        return ChannelBinding(kind=ChannelKind(kind), station=StationId(station), from_s=from_s, to_s=to_s)

    def changed(self, device: Address, *, tag: BlockTag = "latest") -> int:
        """Block of the device's latest change, 0 if there was none."""
        return int(self.ask(_CHANGED, device, tag=tag)[0])

    def nonce(self, account: Address, *, tag: BlockTag = "latest") -> int:
        """The nonce that the next consent, rotation or signed ERC-1056 call of a key must carry."""
        return int(self.ask(_NONCE, account, tag=tag)[0])

    def identity_owner(self, device: Address, *, tag: BlockTag = "latest") -> Address:
        """Who owns a device; itself until it is enrolled."""
        return Address(self.ask(_IDENTITY_OWNER, device, tag=tag)[0])
