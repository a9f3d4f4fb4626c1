"""OCMF: a meter's signed values are read, checked to the bit, and doubted where their sequence is odd."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from edge.evidence.ocmf import OcmfForged, OcmfKeyUnfit, OcmfMalformed, doubts, evidence, read_key, read_records
from edge.main import app

KEY = ec.derive_private_key(4_711, ec.SECP256R1())
PUBLIC = KEY.public_key()


def body(page: str = "T1", **first: object) -> dict[str, Any]:
    return {
        "FV": "1.0", "GI": "Gateway", "GS": "G1", "PG": page, "MV": "Maker", "MM": "Model", "MS": "M-7",
        "RD": [
            {"TM": "2026-07-24T13:22:04,000+0800 S", "TX": "B", "RV": 2935.6, "RI": "1-b:1.8.0", "RU": "kWh", "ST": "G", **first},
            {"TM": "2026-07-24T13:26:04,250+0800 S", "TX": "E", "RV": 2965.1004},
            {"RV": 12, "RI": "1-b:2.8.0", "RU": "Wh"},
        ],
    }  # fmt: skip


def signed(payload: object, key: ec.EllipticCurvePrivateKey = KEY, **signature: str) -> str:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    sd = key.sign(text.encode(), ec.ECDSA(SHA256())).hex().upper()
    return f"OCMF|{text}|{json.dumps({'SD': sd, **signature})}"


def test_a_record_is_read_to_the_watt_hour_and_millisecond() -> None:
    (record,) = read_records(signed(body()) + "\n", key=PUBLIC)
    first, second, third = record.values
    assert (record.meter, record.gateway, record.page) == ("Maker Model M-7", "Gateway G1", "T1")
    assert (first.t_ms, first.synchronised, first.event) == (1_784_870_524_000, True, "B")
    assert (first.energy_wh, first.direction, second.energy_wh) == (2_935_600, "import", 2_965_100)
    assert (second.t_ms - first.t_ms, second.obis, second.status) == (240_250, "1-b:1.8.0", "G")
    assert (third.energy_wh, third.direction, third.t_ms) == (12, "export", second.t_ms)


@pytest.mark.parametrize(
    ("curve", "algorithm"),
    [
        (ec.SECP256K1(), "ECDSA-secp256k1-SHA256"), (ec.SECP384R1(), "ECDSA-secp384r1-SHA256"),
        (ec.BrainpoolP256R1(), "ECDSA-brainpool256r1-SHA256"), (ec.BrainpoolP384R1(), "ECDSA-brainpool384r1-SHA256"),
    ],
)  # fmt: skip
def test_every_curve_that_is_strong_enough_is_checked(curve: ec.EllipticCurve, algorithm: str) -> None:
    key = ec.derive_private_key(99, curve)
    (record,) = read_records(signed(body(), key, SA=algorithm), key=key.public_key())
    assert record.algorithm == algorithm
    with pytest.raises(OcmfKeyUnfit):
        read_records(signed(body(), key), key=key.public_key())


def test_a_record_of_192_bits_or_of_another_curve_is_refused() -> None:
    for algorithm in ("ECDSA-secp192r1-SHA256", "ECDSA-secp384r1-SHA256", "RSA"):
        with pytest.raises(OcmfKeyUnfit):
            read_records(signed(body(), SA=algorithm), key=PUBLIC)


@settings(max_examples=150)
@given(st.data())
def test_no_bit_of_the_payload_can_be_changed(data: st.DataObject) -> None:
    text = signed(body())
    end = text.rindex("|")
    at = data.draw(st.integers(5, end - 1))
    other = chr(ord(text[at]) ^ (1 << data.draw(st.integers(0, 6))))
    with pytest.raises((OcmfForged, OcmfMalformed)):
        read_records(text[:at] + other + text[at + 1 :].replace("\n", " "), key=PUBLIC)


def test_another_meters_signature_is_refused() -> None:
    with pytest.raises(OcmfForged):
        read_records(signed(body(), ec.derive_private_key(4_712, ec.SECP256R1())), key=PUBLIC)


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ([], "payload"), ("no json", "payload"), ({**body(), "PG": "X1"}, "PG"), ({**body(), "RD": []}, "RD"),
        (body(RV="12"), "RV"), (body(RV=True), "RV"), (body(TM="yesterday S"), "TM"), (body(TM="2026-07-24T13:22:04,000+0800 Q"), "TM"),
        (body(ST=""), "ST"),
    ],
)  # fmt: skip
def test_a_record_that_cannot_be_read_is_named_by_line_and_field(payload: object, field: str) -> None:
    with pytest.raises(OcmfMalformed) as refusal:
        read_records("\n" + signed(payload), key=PUBLIC)
    assert (refusal.value.line, refusal.value.field) == (2, field)


@pytest.mark.parametrize(
    "text",
    ["OCMF", "OCMF|{}", "XCMF|{}|{}", 'OCMF|{}|{"SD": 5}', 'OCMF|{}|{"SD": "zz"}', 'OCMF|{}|{"SD":"00","SE":"base64"}'],
)
def test_text_that_is_no_record_is_named(text: str) -> None:
    with pytest.raises(OcmfMalformed):
        read_records(text, key=PUBLIC)


def test_what_is_odd_between_records_is_told() -> None:
    def told(*payloads: dict[str, Any]) -> tuple[str, ...]:
        return doubts(read_records("\n".join(map(signed, payloads)), key=PUBLIC))

    assert told(body("T1"), body("F9"))[0] == "record 2: 1-b:1.8.0: time runs back by 240250 ms"
    later = body("T3", TM="2026-07-25T13:22:04,000+0800 S", RV=2_900, ST="S", EF="E")
    later["RD"] = later["RD"][:1]
    assert told(body("T1"), later) == (
        "record 2: page T3 after T1",
        "record 2: 1-b:1.8.0: state S, errors E",
        "record 2: 1-b:1.8.0: falls from 2965100 to 2900000 Wh",
    )
    later = {**body("T2", TM="2026-07-25T13:22:04,000+0800 S", RV=2_970)}
    later["RD"] = later["RD"][:1]
    assert told(body("T1"), later) == ()


@pytest.mark.parametrize("form", ["pem", "der", "hex"])
def test_the_command_writes_evidence_that_settles_nothing(tmp_path: Path, form: str) -> None:
    der = PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key").write_bytes({"pem": pem, "der": der, "hex": der.hex().encode() + b"\n"}[form])
    (tmp_path / "values").write_text(signed(body()))
    done = CliRunner().invoke(app, ["import-ocmf", str(tmp_path / "values"), "--key", str(tmp_path / "key")])
    document = json.loads(done.stdout)
    assert (document["settles"], document["curve"], document["doubts"]) == (False, "secp256r1", [])
    assert document["records"][0]["values"][0]["energyWh"] == 2_935_600
    assert document == json.loads(
        json.dumps(evidence(read_records(document["records"][0]["text"], key=PUBLIC), key=PUBLIC))
    )


@pytest.mark.parametrize("data", [b"", b"zz", b"-----BEGIN PUBLIC KEY-----\n", b"\x30\x82\x01"])
def test_a_key_that_is_none_is_named(data: bytes) -> None:
    with pytest.raises(OcmfMalformed):
        read_key(data)
