"""A word of the outgoing key for the incoming one (protocol 6.3), to be relayed to `DeviceRegistry` by anyone."""

from alliance.identity import Address, Digest, to_hex
from oracle import eip712
from oracle.eip712 import Domain
from oracle.signature import SECP256K1, KeySigner


def request(
    outgoing: KeySigner, incoming: KeySigner, *, device: Address, domain: Domain, validity_s: int, nonce: int
) -> dict[str, object]:  # fmt: skip
    """What to hand over, as JSON values; the nonce as a text, because it may exceed 2^53.

    `call` is the function to call: `rotate` or `rotateKey` with the outgoing key's signature, or, where that key's
    algorithm is not checked on chain, `confirmDelegate` or `confirmKey` by an attestor. An attestor may always confirm.
    """
    plain = incoming.alg == SECP256K1
    signed = outgoing.alg == SECP256K1
    call = ("rotate" if plain else "rotateKey") if signed else ("confirmDelegate" if plain else "confirmKey")
    return {
        "call": call, "device": to_hex(device), "outgoing": to_hex(outgoing.address),
        **shown(incoming),
        "validity": validity_s, "nonce": str(nonce),
        "signature": to_hex(outgoing.sign(_digest(incoming, device, domain, validity_s, nonce))) if signed else None,
    }  # fmt: skip


def shown(signer: KeySigner) -> dict[str, object]:
    """A key as an attestor must see it."""
    return {"newKey": to_hex(signer.address), "alg": signer.alg, "publicKey": to_hex(signer.public_key)}


def _digest(incoming: KeySigner, device: Address, domain: Domain, validity_s: int, nonce: int) -> Digest:
    if incoming.alg == SECP256K1:
        return eip712.rotate_digest(
            domain, device=device, new_key=incoming.address, validity_s=validity_s, nonce=nonce
        )  # fmt: skip
    return eip712.rotate_key_digest(
        domain, device=device, alg=incoming.alg, public_key=incoming.public_key, validity_s=validity_s, nonce=nonce
    )
