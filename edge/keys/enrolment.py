"""A device's consent to belong to an owner and a station (protocol 6.2), signed by the key that was born on the box."""

from dataclasses import dataclass

from alliance.identity import Address, to_hex
from alliance.ports import Signer
from oracle import eip712
from oracle.eip712 import Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the owner hands to `DeviceRegistry.enrol`; `deadline_s` in unix seconds, signature 64 bytes (EIP-2098)."""

    device: Address
    station: int
    owner: Address
    nonce: int
    deadline_s: int
    signature: bytes


def consent(
    signer: Signer, *, domain: Domain, owner: Address, station: int, nonce: int, deadline_s: int
) -> Consent:  # fmt: skip
    """Sign the consent; `nonce` is what `DeviceRegistry.nonce(device)` says, 0 for a device never seen."""
    named = eip712.enrol_digest(
        domain, device=signer.address, owner=owner, station=station, nonce=nonce, deadline_s=deadline_s
    )
    return Consent(
        device=signer.address, station=station, owner=owner, nonce=nonce, deadline_s=deadline_s,
        signature=signer.sign(named),
    )  # fmt: skip


def to_plain(given: Consent) -> dict[str, object]:
    """The consent as JSON values; the nonce as a text, because it may exceed 2^53."""
    return {
        "device": to_hex(given.device), "station": given.station, "owner": to_hex(given.owner),
        "nonce": str(given.nonce), "deadline": given.deadline_s, "signature": to_hex(given.signature),
    }  # fmt: skip
