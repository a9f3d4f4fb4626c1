"""Debian's mosquitto on a free port: TLS, an account for each device, and access lists by device."""

import datetime
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import aiomqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.devices.open import PartSettings

STALE_MS = 1_000
ACCOUNTS = ("box", "ems-1", "ems-2")
_PATH = "/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Broker:
    """A running broker, and who may come."""

    port: int
    folder: Path

    def client(self, account: str, *, password: str | None = None) -> aiomqtt.Client:
        """A client of an account's own."""
        tls = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        return aiomqtt.Client(
            "127.0.0.1", self.port, username=account, password=password or f"secret of {account}", tls_context=tls,
            timeout=5,
        )  # fmt: skip

    def part(self, device: str, *, account: str = "box", ca: str = "ca.pem") -> PartSettings:
        """The box's settings for a device behind this broker."""
        secret = self.folder / f"{account}.secret"
        secret.write_text(f"secret of {account}\n")
        return PartSettings(
            table=Path("mqtt_ems"), host="127.0.0.1", port=self.port, name=device, username=account,
            password_file=secret, ca_file=self.folder / ca, stale_ms=STALE_MS,
        )  # fmt: skip


@contextmanager
def running_broker(folder: Path) -> Iterator[Broker]:
    """Start mosquitto, or skip the test where it is not installed."""
    program, tool = shutil.which("mosquitto", path=_PATH), shutil.which("mosquitto_passwd", path=_PATH)
    if program is None or tool is None:
        pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    certificates(folder)
    passwords = folder / "passwords"
    passwords.touch(mode=0o600)
    for account in ACCOUNTS:
        subprocess.run([tool, "-b", str(passwords), account, f"secret of {account}"], check=True, capture_output=True)
    (folder / "access").write_text(
        "user box\ntopic read ess/ems-1/data\ntopic read ess/ems-1/reply\ntopic write ess/ems-1/set\n"
        + "".join(
            f"user {d}\ntopic write ess/{d}/data\ntopic write ess/{d}/reply\ntopic read ess/{d}/set\n"
            for d in ACCOUNTS[1:]
        )
    )
    (folder / "access").chmod(0o600)
    (folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\ncafile {folder}/ca.pem\ncertfile {folder}/broker.pem\nkeyfile {folder}/broker.key\n"
        f"allow_anonymous false\npassword_file {passwords}\nacl_file {folder}/access\npersistence false\nuser root\n"
    )
    process = subprocess.Popen(
        [program, "-c", str(folder / "mosquitto.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _wait(process, port)
        yield Broker(port=port, folder=folder)
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _wait(process: "subprocess.Popen[str]", port: int) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(f"mosquitto ended: {process.communicate()[1]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("mosquitto does not listen")


def certificates(folder: Path) -> None:
    """An authority with the broker's certificate, and another authority that signed nothing here."""
    for name, signs in (("ca", True), ("other", False)):
        key = ec.generate_private_key(ec.SECP256R1())
        authority = _certificate(name, key.public_key(), name, key, authority=True)
        (folder / f"{name}.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        if signs:
            own = ec.generate_private_key(ec.SECP256R1())
            signed = _certificate("broker", own.public_key(), name, key, authority=False)
            (folder / "broker.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
            (folder / "broker.key").write_bytes(
                own.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )


def _certificate(
    subject: str, key: ec.EllipticCurvePublicKey, issuer: str, signer: ec.EllipticCurvePrivateKey, *, authority: bool
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(
        digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
