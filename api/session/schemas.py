"""Bodies of sign-in requests and answers."""

from pydantic import Field

from api.wire import Hex20, HexBytes, Milliseconds, Wire


class NonceAnswer(Wire):
    """What a page needs to compose the message; `issued_at` is the service's time, which may be a simulated one."""

    nonce: str
    issued_at: str
    expires_at: Milliseconds
    domain: str
    uri: str
    version: str
    chain_id: int
    statement: str


class SignInRequest(Wire):
    """An EIP-4361 message exactly as it was signed, and the wallet's signature.

    65 bytes of a key, or whatever an account that is a contract takes (EIP-1271).
    """

    message: str = Field(max_length=4000)
    signature: HexBytes = Field(max_length=4096)


class SessionAnswer(Wire):
    """An open session; `member` is null for a wallet that is not (or not yet) a member."""

    address: Hex20
    member: int | None
    expires_at: Milliseconds
    token: str
    """Bearer token; the same is set as an httpOnly cookie."""


class WhoAnswer(Wire):
    """Who is signed in."""

    address: Hex20 | None
    member: int | None
    operator: bool
    regulator: bool
    dispatcher: bool
