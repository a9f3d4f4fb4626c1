"""Protocol 10.6: a wallet signs in once per nonce; the cookie is httpOnly; what is wrong is refused by name."""

from api.session import siwe
from oracle.hashing import sha256


def message_of(service, key, **changes) -> str:
    nonce = service.client.get("/v1/session/nonce").json()
    fields = {
        "scheme": None, "domain": nonce["domain"], "address": key.address, "statement": nonce["statement"],
        "uri": nonce["uri"], "version": 1, "chain_id": nonce["chainId"], "nonce": nonce["nonce"], "issued_at_ms": 0,
    } | changes  # fmt: skip
    return siwe.compose(siwe.Message(**fields), issued_at=nonce["issuedAt"])


def sign_in(service, key, text: str, personal_signature, *, idempotency_key: str | None = "one"):
    headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
    body = {"message": text, "signature": personal_signature(key, text)}
    return service.client.post("/v1/session", json=body, headers=headers)


def test_member_is_known_by_cookie_and_by_token_when_signed_in(service, personal_signature) -> None:
    key = service.world.members[1]
    reply = sign_in(service, key, message_of(service, key), personal_signature)
    assert reply.status_code == 201
    assert (reply.json()["member"], reply.json()["address"]) == (2, "0x" + key.address.hex())
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert service.client.get("/v1/session").json()["member"] == 2
    service.client.cookies.clear()
    assert service.client.get("/v1/session").status_code == 401
    bearer = {"Authorization": f"Bearer {reply.json()['token']}"}
    assert service.client.get("/v1/session", headers=bearer).json()["member"] == 2
    assert service.client.delete("/v1/session", headers=bearer).status_code == 204
    assert service.client.get("/v1/session", headers=bearer).status_code == 401


def test_token_is_the_same_when_sign_in_is_retried_and_refused_when_replayed(service, personal_signature) -> None:
    key = service.world.members[0]
    text = message_of(service, key)
    first = sign_in(service, key, text, personal_signature)
    assert sign_in(service, key, text, personal_signature).json() == first.json()
    replayed = sign_in(service, key, text, personal_signature, idempotency_key="two")
    assert (replayed.status_code, replayed.json()["code"]) == (409, "nonce_used")


def test_session_is_over_when_its_time_is(service) -> None:
    token = service.sign_in(service.world.members[0])
    service.clock.t_ms += 12 * 3_600_000 + 1
    assert service.client.get("/v1/session", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_sign_in_is_refused_when_the_nonce_is_foreign_or_old(service, personal_signature) -> None:
    key = service.world.members[0]
    foreign = message_of(service, key, nonce="00" * 40)
    assert sign_in(service, key, foreign, personal_signature).json()["code"] == "nonce_unknown"
    old = message_of(service, key)
    service.clock.t_ms += 600_001
    assert sign_in(service, key, old, personal_signature).json()["code"] == "nonce_unknown"


def test_sign_in_is_refused_when_key_header_domain_or_signature_is_wrong(service, personal_signature) -> None:
    key, other = service.world.members[:2]
    text = message_of(service, key)
    assert sign_in(service, key, text, personal_signature, idempotency_key=None).status_code == 400
    assert sign_in(service, other, text, personal_signature).json()["code"] == "message_refused"
    elsewhere = message_of(service, key, domain="evil.example")
    assert sign_in(service, key, elsewhere, personal_signature).json()["facts"]["field"] == "domain"


def test_stranger_may_sign_in_but_is_no_member(service, personal_signature) -> None:
    from oracle.signature import SecpSigner

    key = SecpSigner(sha256(b"stranger"))
    assert sign_in(service, key, message_of(service, key), personal_signature).json()["member"] is None


def test_cookie_counts_not_when_another_site_sends_the_request(service, personal_signature) -> None:
    key = service.world.members[0]
    sign_in(service, key, message_of(service, key), personal_signature)
    evil = service.client.delete("/v1/session", headers={"Origin": "http://evil.example"})
    assert (evil.status_code, evil.json()["code"]) == (403, "not_yours")
    assert service.client.delete("/v1/session", headers={"Origin": "http://testserver"}).status_code == 204
    service.client.cookies.clear()


def contract_message(service, account) -> str:
    nonce = service.client.get("/v1/session/nonce").json()
    fields = {
        "scheme": None, "domain": nonce["domain"], "address": account, "statement": nonce["statement"],
        "uri": nonce["uri"], "version": 1, "chain_id": nonce["chainId"], "nonce": nonce["nonce"], "issued_at_ms": 0,
    }  # fmt: skip
    return siwe.compose(siwe.Message(**fields), issued_at=nonce["issuedAt"])


def test_contract_wallet_signs_in_as_the_member_it_is(service, personal_signature) -> None:
    """EIP-1271 on a real chain: a wallet that is a contract is admitted, and its own code stands by the signature."""
    from chain import registry
    from chain.registry import AllianceRegistry
    from tests.contract_wallet import deployed

    world, holder = service.world, service.world.members[2]
    wallet = deployed(world.wallet(holder), holder)
    to = world.deployment["AllianceRegistry"].address
    wallet.send(to, registry.apply_for_membership(sha256(b"papers of a contract")))
    world.send(world.admitter, "AllianceRegistry", registry.admit(wallet.address))
    service.tick(world.now_s + 60)
    number = AllianceRegistry(world.rpc, to).member_number(wallet.address)

    text = contract_message(service, wallet.address)
    signed = {"message": text, "signature": personal_signature(holder, text)}
    reply = service.client.post("/v1/session", json=signed, headers={"Idempotency-Key": "contract"})
    assert reply.status_code == 201, reply.text
    assert (reply.json()["address"], reply.json()["member"]) == ("0x" + wallet.address.hex(), number)

    text = contract_message(service, wallet.address)
    for key, code in ((world.members[0], "message_refused"), (None, "signature_malformed")):
        signature = personal_signature(key, text) if key else "0x" + "ab" * 300
        refused = service.client.post(
            "/v1/session", json={"message": text, "signature": signature}, headers={"Idempotency-Key": "no"}
        )
        assert refused.json()["code"] == code


def test_contract_that_knows_no_signatures_signs_nobody_in(service, personal_signature) -> None:
    registry, key = service.world.deployment["AllianceRegistry"].address, service.world.members[0]
    text = contract_message(service, registry)
    refused = service.client.post(
        "/v1/session",
        json={"message": text, "signature": personal_signature(key, text)},
        headers={"Idempotency-Key": "no"},
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "message_refused")
