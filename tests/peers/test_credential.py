"""Protocol 6.1: a credential that a device's key signed verifies for the world's DID tools exactly while the key is the device's.

The credential is a plain JWT (ES256K) as any W3C tool would make it: what is tested is that npm's did-jwt-vc, through
npm's ethr-did-resolver, trusts the keys that our registry lets sign, and no others.
"""

import base64
import json
from typing import Any

from alliance.identity import to_hex
from chain import devices
from oracle.hashing import sha256
from oracle.signature import SecpSigner, expand
from simulation.anvil import CHAIN_ID
from tests.peers.node import ask
from tests.peers.test_device_did import BOX, SPARE, World, world

__all__ = ["world"]


def credential(world: World, key: SecpSigner, **changes: Any) -> str:
    """A calibration certificate about a meter, issued by the device's DID, signed by a key."""
    claims = {
        "iss": world.did, "sub": world.did, "nbf": world.anvil.rpc.block(0).timestamp_s,
        "vc": {
            "@context": ["https://www.w3.org/2018/credentials/v1"], "type": ["VerifiableCredential"],
            "credentialSubject": {"id": world.did, "calibrated": "class 0.5S"},
        },
    } | changes  # fmt: skip
    signed = f"{_part({'alg': 'ES256K', 'typ': 'JWT'})}.{_part(claims)}"
    signature = expand(key.sign(sha256(signed.encode())))[:64]
    return f"{signed}.{_encoded(signature)}"


def asked(world: World, *credentials: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(
        "credential.mjs",
        {
            "rpcUrl": world.anvil.url, "registry": to_hex(world.deployment["DeviceRegistry"].address), "chainId": CHAIN_ID,
            "credentials": credentials,
        },
        needs=("did-jwt-vc", "ethr-did-resolver", "did-resolver"),
    )  # fmt: skip
    return found


def test_credential_verifies_while_its_key_is_the_devices(world: World) -> None:
    good, stranger = credential(world, BOX), credential(world, SPARE)
    answers = asked(world, good, stranger, good[:-8] + "AAAAAAAA")
    assert answers[0] == {"issuer": world.did, "subject": {"id": world.did, "calibrated": "class 0.5S"}}
    assert all("refused" in answer for answer in answers[1:])
    world.send(world.keyring.member(1), devices.revoke_delegate(BOX.address, BOX.address))
    assert "refused" in asked(world, good)[0]


def _part(value: dict[str, Any]) -> str:
    return _encoded(json.dumps(value).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
