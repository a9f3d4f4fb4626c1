"""Protocol 6.1: a key file is encrypted at rest, its owner's alone, and never half written."""

import json
import stat
from pathlib import Path

import pytest

from oracle import keyfile
from oracle.adapters import SeededRandomness, SystemRandomness
from oracle.keyfile import KeyFileExists, KeyFilePlain, Lock, PassphraseMissing, PassphraseWrong
from oracle.keys import KeyFileExposed, KeyFileMalformed
from oracle.signature import signer_of

GOOD, CHANCE = Lock(passphrase=b"correct horse battery staple"), SystemRandomness()


@pytest.mark.parametrize("alg", [1, 2, 3])
def test_key_comes_back_when_the_passphrase_is_right(tmp_path: Path, alg: int) -> None:
    path = tmp_path / "state" / "device.key"
    made = keyfile.create(path, alg=alg, lock=GOOD, randomness=CHANCE)
    again = keyfile.load(path, GOOD)
    assert (again.alg, again.address) == (alg, made.address)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not list(path.parent.glob("*.part"))


def test_secret_is_not_in_the_file_when_it_is_encrypted(tmp_path: Path) -> None:
    path, chance = tmp_path / "device.key", SeededRandomness(b"seed", "key")
    keyfile.create(path, alg=1, lock=GOOD, randomness=chance)
    secret = SeededRandomness(b"seed", "key").token(32)
    assert secret.hex() not in path.read_text()
    assert secret not in path.read_bytes()
    assert signer_of(1, secret).address == keyfile.load(path, GOOD).address


def test_key_is_refused_by_name_when_the_passphrase_is_wrong_or_missing(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    keyfile.create(path, alg=1, lock=GOOD, randomness=CHANCE)
    with pytest.raises(PassphraseWrong):
        keyfile.load(path, Lock(passphrase=b"another"))
    with pytest.raises(PassphraseMissing):
        keyfile.load(path, Lock(plain_allowed=True))
    with pytest.raises(PassphraseMissing):
        keyfile.create(tmp_path / "second.key", alg=1, lock=Lock(), randomness=CHANCE)
    assert not (tmp_path / "second.key").exists()


def test_plain_file_is_refused_unless_it_is_allowed_by_name(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    plain = keyfile.create(path, alg=2, lock=Lock(plain_allowed=True), randomness=CHANCE)
    with pytest.raises(KeyFilePlain):
        keyfile.load(path, GOOD)
    assert keyfile.load(path, Lock(plain_allowed=True)).address == plain.address
    assert keyfile.encrypt(path, b"now", randomness=CHANCE).address == plain.address
    assert keyfile.load(path, Lock(passphrase=b"now")).address == plain.address


@pytest.mark.parametrize("field", ["alg", "address", "kdf", "cipher", "sealed", "v", "more"])
def test_file_is_refused_when_anything_in_it_was_altered(tmp_path: Path, field: str) -> None:
    path = tmp_path / "device.key"
    keyfile.create(path, alg=1, lock=GOOD, randomness=CHANCE)
    value = json.loads(path.read_text())
    match field:
        case "alg" | "v":
            value[field] = 3
        case "address":
            value[field] = "0x" + "11" * 20
        case "kdf":
            value["kdf"]["salt"] = "00" * 16
        case "cipher":
            value["cipher"]["nonce"] = "00" * 12
        case "sealed":
            value["sealed"] = "00" + value["sealed"][2:]
        case _:
            value["more"] = 1
    path.write_text(json.dumps(value))
    with pytest.raises((PassphraseWrong, KeyFileMalformed)):
        keyfile.load(path, GOOD)


@pytest.mark.parametrize("text", ["", "{", "{}", "zz", "07", '{"v": 1}', "9:" + "07" * 32])
def test_file_is_refused_when_it_holds_no_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "device.key"
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(KeyFileMalformed):
        keyfile.load(path, Lock(passphrase=b"x", plain_allowed=True))


def test_key_is_refused_when_others_may_read_it_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "device.key"
    keyfile.create(path, alg=1, lock=GOOD, randomness=CHANCE)
    before = path.read_bytes()
    with pytest.raises(KeyFileExists):
        keyfile.create(path, alg=1, lock=GOOD, randomness=CHANCE)
    assert path.read_bytes() == before
    path.chmod(0o640)
    with pytest.raises(KeyFileExposed):
        keyfile.load(path, GOOD)


def test_passphrase_stands_in_no_text_of_the_lock() -> None:
    assert "horse" not in repr(GOOD)
