"""Writes keys.json: signatures of every algorithm as Python, Solidity and TypeScript must judge them (protocol 3.6)."""

import json
from pathlib import Path

from alliance.identity import ZERO_ADDRESS
from oracle.hashing import sha256
from oracle.signature import _P256_ORDER, Ed25519Signer, P256Signer, SecpSigner

SIGNED = sha256(b"protocol 3.6")


def made() -> dict:
    """All cases."""
    secp, p256, ed = SecpSigner(b"\x41" * 32), P256Signer(b"\x41" * 32), Ed25519Signer(b"\x41" * 32)
    other = P256Signer(b"\x42" * 32)
    raw = p256.sign(SIGNED)
    high = raw[:32] + (_P256_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    weak = (1).to_bytes(32, "little")
    return {
        "digest": _hex(SIGNED),
        "cases": [
            _case("secp256k1", 1, secp.sign(SIGNED), [], signer=secp.address),
            _case("P-256", 2, raw, [p256], signer=p256.address),
            _case("P-256, second of two keys", 2, raw, [other, p256], signer=p256.address),
            _case("P-256, no key of the device", 2, raw, [other], signer=ZERO_ADDRESS),
            _case("P-256, high s", 2, high, [p256], error="signature_malformed"),
            _case("P-256, r zero", 2, bytes(32) + raw[32:], [p256], error="signature_malformed"),
            _case(
                "P-256, r the order", 2, _P256_ORDER.to_bytes(32, "big") + raw[32:], [p256], error="signature_malformed"
            ),
            _case("Ed25519", 3, ed.sign(SIGNED), [ed], signer=ed.address),
            _case("Ed25519, altered", 3, ed.sign(SIGNED)[:63] + b"\x00", [ed], signer=ZERO_ADDRESS),
            _case("Ed25519, point of small order", 3, weak + bytes(32), [weak], signer=ZERO_ADDRESS),
            _case("Ed25519, short", 3, ed.sign(SIGNED)[:63], [ed], error="signature_malformed"),
            _case("SM2", 4, bytes(64), [], error="algorithm_unknown"),
            _case("none", 0, bytes(64), [], error="algorithm_unknown"),
        ],
    }


def _case(name: str, alg: int, signature: bytes, keys: list, **verdict: object) -> dict:
    shown = [_hex(key if isinstance(key, bytes) else key.public_key) for key in keys]
    judged = {k: _hex(v) if isinstance(v, bytes) else v for k, v in verdict.items()}
    return {
        "name": name,
        "alg": alg,
        "digest": _hex(SIGNED),
        "signature": _hex(signature),
        "publicKeys": shown,
        **judged,
    }


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()


if __name__ == "__main__":
    Path(__file__).with_name("keys.json").write_text(json.dumps(made(), indent=1) + "\n")
