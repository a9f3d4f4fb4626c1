"""Texts whose SHA-256 stands on chain: a proposal's description, the reason of a refusal (protocol 7.1.1, 7.5).

The chain keeps hashes alone. Whoever reads one here checks it against the hash; the service cannot pass off another.
"""

from fastapi import APIRouter, Response
from sqlalchemy import Connection

from alliance.identity import digest
from api.idempotency import OnceDep
from api.platform import PlatformDep
from api.session.access import SignedIn
from api.texts import repository
from api.texts.schemas import TextAnswer, TextBody
from oracle.hashing import sha256

router = APIRouter(prefix="/v1/texts", tags=["charter"])


@router.post("", status_code=201, response_model=TextAnswer)
def file(body: TextBody, platform: PlatformDep, principal: SignedIn, once: OnceDep) -> Response:
    """File a text, so that all who know its hash can read it; any signed-in wallet."""
    hashed = sha256(body.text.encode())

    def work(connection: Connection) -> TextAnswer:
        repository.put(
            connection, hashed=hashed, text=body.text, by=principal.name, filed_ms=platform.clock.now_ms()
        )  # fmt: skip
        return TextAnswer(hash=hashed, text=body.text)

    return once.run(work)


@router.get("/{hashed}")
def read(hashed: str, platform: PlatformDep) -> TextAnswer:
    """The text of a hash; null when nobody filed it here."""
    wanted = digest(hashed)
    with platform.database.reading() as connection:
        return TextAnswer(hash=wanted, text=repository.by_hash(connection, wanted))
