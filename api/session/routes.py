"""Sign-in with a wallet (protocol 10.6): `/v1/session`."""

from fastapi import APIRouter, Request, Response

from alliance.calendar import iso_utc
from api.idempotency_key import IdempotencyKey
from api.members import queries as members
from api.platform import PlatformDep
from api.session import access, service
from api.session.access import SignedIn
from api.session.schemas import NonceAnswer, SessionAnswer, SignInRequest, WhoAnswer

router = APIRouter(prefix="/v1/session", tags=["session"])
STATEMENT = "Sign in to the storage alliance."


@router.get("/nonce")
def nonce(platform: PlatformDep, response: Response) -> NonceAnswer:
    """A fresh nonce and all else that the EIP-4361 message must carry."""
    value, expires_ms = service.new_nonce(platform)
    origin = platform.settings.origin
    response.headers["Cache-Control"] = "no-store"
    return NonceAnswer(
        nonce=value,
        issued_at=iso_utc(platform.clock.now_ms()),
        expires_at=expires_ms,
        domain=origin.partition("://")[2],
        uri=origin,
        version="1",
        chain_id=platform.deployment.chain_id,
        statement=STATEMENT,
    )


@router.post("", status_code=201)
def sign_in(body: SignInRequest, key: IdempotencyKey, platform: PlatformDep, response: Response) -> SessionAnswer:
    """Open a session with a signed EIP-4361 message: a bearer token, and the same as an httpOnly cookie."""
    message = service.checked(platform, text=body.message, signature=body.signature)
    with platform.database.writing() as connection:
        token, session = service.open_session(
            platform, connection, message=message, text=body.message, signature=body.signature, idempotency_key=key
        )
        member = members.number_of(connection, session.address)
    left_s = max(0, session.expires_ms - platform.clock.now_ms()) // 1000
    secure = platform.settings.origin.startswith("https://")
    response.set_cookie(access.COOKIE, token, max_age=left_s, httponly=True, samesite="strict", secure=secure)
    response.headers["Cache-Control"] = "no-store"
    return SessionAnswer(address=session.address, member=member, expires_at=session.expires_ms, token=token)


@router.get("")
def who(principal: SignedIn) -> WhoAnswer:
    """Who is signed in."""
    return WhoAnswer(
        address=principal.address, member=principal.member, operator=principal.operator, regulator=principal.regulator,
        dispatcher=principal.dispatcher,
    )  # fmt: skip


@router.delete("", status_code=204)
def sign_out(request: Request, principal: SignedIn, platform: PlatformDep, response: Response) -> None:
    """End the session that the request carries."""
    token = access.token_of(request)
    if token is not None and not principal.operator:
        with platform.database.writing() as connection:
            service.close_session(connection, token, now_ms=platform.clock.now_ms())
    response.delete_cookie(access.COOKIE)
