"""EIP-4361 (protocol 10.6): our reader and writer agree with the npm package `siwe`, and are stricter where it is loose."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from alliance.errors import AllianceError
from api.session import siwe
from api.session.siwe import Message, MessageMalformed, MessageRefused
from oracle.signature import SecpSigner, SignatureMalformed

ROOT = Path(__file__).parents[2]
KEY = SecpSigner(b"\x31" * 32)
ISSUED = "2026-01-01T02:00:00.000Z"
ISSUED_MS = 1_767_232_800_000
ORIGIN = "http://127.0.0.1:8080"
MESSAGE = Message(
    scheme=None, domain="127.0.0.1:8080", address=KEY.address, statement="Sign in to the storage alliance.", uri=ORIGIN,
    version=1, chain_id=31337, nonce="abcdef1234567890", issued_at_ms=ISSUED_MS,
)  # fmt: skip
VARIANTS = {
    "plain": {},
    "no statement": {"statement": None},
    "scheme": {"scheme": "https"},
    "resources": {"resources": ("ipfs://bafyfoo", "https://example.com/a.json")},
}


def text_of(message: Message = MESSAGE, *, expiration_time: str | None = None) -> str:
    return siwe.compose(message, issued_at=ISSUED, expiration_time=expiration_time)


def sign(text: str, key: SecpSigner = KEY) -> bytes:
    from oracle.hashing import keccak256
    from oracle.signature import expand

    raw = text.encode()
    return expand(key.sign(keccak256(b"\x19Ethereum Signed Message:\n" + str(len(raw)).encode() + raw)))


def npm_siwe(*asked: dict) -> list[dict]:
    if shutil.which("node") is None or not (ROOT / "tests" / "peers" / "node_modules" / "siwe").exists():
        pytest.skip("npm packages are not installed")
    lines = "\n".join(json.dumps(one) for one in asked)
    done = subprocess.run(
        ["node", "tests/peers/siwe.mjs"], input=lines, capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def composed_by_npm(message: Message) -> dict:
    fields = {
        "domain": message.domain, "address": siwe.checksum(message.address), "uri": message.uri, "version": "1",
        "chainId": message.chain_id, "nonce": message.nonce, "issuedAt": ISSUED,
    }  # fmt: skip
    extra = {"scheme": message.scheme, "statement": message.statement, "resources": list(message.resources) or None}
    return {"compose": fields | {name: value for name, value in extra.items() if value is not None}}


def test_texts_are_the_same_when_npm_siwe_and_we_write_one_message() -> None:
    messages = [replace(MESSAGE, **changes) for changes in VARIANTS.values()]
    theirs = npm_siwe(*map(composed_by_npm, messages))
    assert [answer.get("text") for answer in theirs] == [text_of(message) for message in messages]


def test_fields_are_the_same_when_npm_siwe_and_we_read_one_text() -> None:
    texts = [text_of(replace(MESSAGE, **changes)) for changes in VARIANTS.values()]
    texts.append(text_of(expiration_time="2026-01-01T03:00:00.000Z"))
    for text, theirs in zip(texts, npm_siwe(*({"parse": text} for text in texts)), strict=True):
        ours, fields = siwe.parse(text), theirs["fields"]
        assert theirs["again"] == text
        assert (ours.domain, ours.uri, ours.chain_id, ours.nonce) == (
            fields["domain"], fields["uri"], fields["chainId"], fields["nonce"],
        )  # fmt: skip
        assert ours.statement == fields.get("statement")
        assert siwe.checksum(ours.address) == fields["address"]
        assert list(ours.resources) == (fields.get("resources") or [])
        assert ours.issued_at_ms == ISSUED_MS


WRONG = {
    "empty": "",
    "trailing newline": text_of() + "\n",
    "trailing space": text_of() + " ",
    "leading space": " " + text_of(),
    "carriage returns": text_of().replace("\n", "\r\n"),
    "lower-case address": text_of().replace(siwe.checksum(KEY.address), "0x" + KEY.address.hex()),
    "short nonce": text_of(replace(MESSAGE, nonce="abc")),
    "nonce with dash": text_of(replace(MESSAGE, nonce="abcdef-1234567890")),
    "chinese statement": text_of(replace(MESSAGE, statement="登录")),
    "two-line statement": text_of(replace(MESSAGE, statement="a\nb")),
    "no version": text_of().replace("Version: 1\n", ""),
    "fields swapped": text_of().replace("Version: 1\nChain ID: 31337", "Chain ID: 31337\nVersion: 1"),
    "no such day": text_of().replace("2026-01-01T02", "2026-02-30T02"),
    "no zone": text_of().replace("00.000Z", "00.000"),
    "unknown field": text_of() + "\nExtra: 1",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_text_is_refused_when_it_is_not_of_the_standard(text: str) -> None:
    with pytest.raises(MessageMalformed):
        siwe.parse(text)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"domain": "evil.example"}, "domain"),
        ({"scheme": "https"}, "scheme"),
        ({"uri": "http://127.0.0.1:80801"}, "uri"),
        ({"uri": "http://127.0.0.1:8080.evil.example/"}, "uri"),
        ({"version": 2}, "version"),
        ({"chain_id": 1}, "chain_id"),
        ({"issued_at_ms": ISSUED_MS + 3_600_000}, "issued_at"),
        ({"expiration_time_ms": ISSUED_MS}, "expiration_time"),
        ({"not_before_ms": ISSUED_MS + 1}, "not_before"),
    ],
)
def test_message_is_refused_when_it_is_for_another_site_chain_or_time(changes: dict, field: str) -> None:
    siwe.check(MESSAGE, origin=ORIGIN, chain_id=31337, now_ms=ISSUED_MS)
    with pytest.raises(MessageRefused) as caught:
        siwe.check(replace(MESSAGE, **changes), origin=ORIGIN, chain_id=31337, now_ms=ISSUED_MS)
    assert caught.value.field == field


def test_signature_is_accepted_when_the_account_signed_the_text() -> None:
    text = text_of()
    siwe.check_signature(siwe.parse(text), text, sign(text))
    low = sign(text)
    siwe.check_signature(siwe.parse(text), text, low[:64] + bytes([low[64] - 27]))


@pytest.mark.parametrize("change", ["other key", "other text", "short", "bad v", "high s"])
def test_signature_is_refused_when_it_is_not_the_accounts_own(change: str) -> None:
    text = text_of()
    good = sign(text)
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = good[:32] + (order - int.from_bytes(good[32:64], "big")).to_bytes(32, "big") + bytes([55 - good[64]])
    signature = {
        "other key": sign(text, SecpSigner(b"\x32" * 32)), "other text": sign(text + "x"), "short": good[:64],
        "bad v": good[:64] + b"\x05", "high s": high,
    }[change]  # fmt: skip
    with pytest.raises((MessageRefused, SignatureMalformed)):
        siwe.check_signature(siwe.parse(text), text, signature)


def test_address_has_the_case_of_eip_55_when_it_is_shown() -> None:
    for shown in ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"):
        from alliance.identity import address

        assert siwe.checksum(address(shown)) == shown


def test_every_error_is_one_of_ours_when_a_text_is_cut_anywhere() -> None:
    text = text_of(replace(MESSAGE, resources=("ipfs://x",)))
    for length in range(len(text)):
        try:
            siwe.parse(text[:length])
        except AllianceError:
            continue
