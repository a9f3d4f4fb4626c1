"""A question that the platform answers to this box alone (protocol 9.15.6): signed by its key, over path and time."""

from alliance.identity import Address, to_hex
from alliance.ports import Signer
from oracle import eip712
from oracle.eip712 import Domain

HEADER = "alliance-ask"


def asked(path: str, *, device: Address, t_ms: int, signer: Signer, domain: Domain) -> dict[str, str]:
    """The header `<device>:<t>:<alg>:<signature>` for a path with its query."""
    named = eip712.ask_digest(domain, device=device, t_ms=t_ms, path=path)
    return {HEADER: f"{to_hex(device)}:{t_ms}:{signer.alg}:{signer.sign(named).hex()}"}
