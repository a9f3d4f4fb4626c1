"""Recognising who asks (protocol 10.6): the session cookie, a bearer token, or the operator's token."""

import hmac
from typing import Annotated

from fastapi import Depends, Request

from alliance.identity import MemberId
from api.members import queries as members
from api.platform import Platform, PlatformDep
from api.privacy import queries as readers
from api.session import service
from api.session.principal import NotOperator, NotSignedIn, NotYours, Principal

COOKIE = "alliance_session"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def token_of(request: Request) -> str | None:
    """The token that a request carries: the Authorization header's, else the cookie's."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" and value.strip() else request.cookies.get(COOKIE)


def anyone(request: Request, platform: PlatformDep) -> Principal | None:
    """Who asks, None for a stranger. Raises NotYours for a cookie that another site's page sent along."""
    token = token_of(request)
    if token is None:
        return None
    if _is_operator(platform.settings.admin_token, token):
        return Principal(address=None, member=None, operator=True)
    _check_origin(request, platform.settings.origin)
    with platform.database.reading() as connection:
        address = service.find(connection, token, now_ms=platform.clock.now_ms())
        if address is None:
            return None
        return Principal(
            address=address,
            member=members.number_of(connection, address),
            regulator=readers.is_regulator(connection, address),
            dispatcher=address in platform.settings.dispatcher_keys,
        )


def signed_in(request: Request, principal: Annotated[Principal | None, Depends(anyone)]) -> Principal:
    """Who asks. Raises NotSignedIn."""
    if principal is None:
        raise NotSignedIn(path=request.url.path)
    return principal


def operator(request: Request, principal: Annotated[Principal, Depends(signed_in)]) -> Principal:
    """The operator. Raises NotSignedIn or NotOperator."""
    if not principal.operator:
        raise NotOperator(what=request.url.path)
    return principal


def dispatcher(request: Request, principal: Annotated[Principal, Depends(signed_in)]) -> Principal:
    """The operator or a dispatcher. Raises NotSignedIn or NotOperator."""
    if not principal.operator and not principal.dispatcher:
        raise NotOperator(what=request.url.path)
    return principal


def may_see(platform: Platform, principal: Principal | None, owner: MemberId | None) -> bool:
    """Whether measured values of a member's station may be shown: to its owner, operator and regulators (P17)."""
    if platform.settings.public_readings:
        return True
    return principal is not None and (principal.sees_everything or (owner is not None and principal.member == owner))


def check_sees(request: Request, platform: Platform, principal: Principal | None) -> None:
    """Refuse a stranger before anything is looked up. Raises NotSignedIn."""
    if principal is None and not platform.settings.public_readings:
        raise NotSignedIn(path=request.url.path)


Anyone = Annotated[Principal | None, Depends(anyone)]
"""Whoever asks, None for a stranger."""
SignedIn = Annotated[Principal, Depends(signed_in)]
"""A signed-in wallet or the operator."""
Operator = Annotated[Principal, Depends(operator)]
"""The operator alone."""
Dispatcher = Annotated[Principal, Depends(dispatcher)]
"""The operator or a dispatcher."""


def _is_operator(secret: object, token: str) -> bool:
    want = secret.get_secret_value() if hasattr(secret, "get_secret_value") else None
    return isinstance(want, str) and want != "" and hmac.compare_digest(want.encode(), token.encode())


def _check_origin(request: Request, origin: str) -> None:
    by_cookie = "authorization" not in request.headers
    asked_from = request.headers.get("origin")
    if by_cookie and request.method not in _SAFE_METHODS and asked_from not in (None, origin):
        raise NotYours(what=f"a request from {asked_from}")
