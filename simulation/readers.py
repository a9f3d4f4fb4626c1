"""Readers of the demo's encrypted evidence (protocol 4.8.3): members, an auditor with all their grants, a regulator."""

from pathlib import Path

from oracle import keys
from oracle.adapters import SeededRandomness
from oracle.grant import ReaderKey
from simulation.cast import STATIONS
from simulation.founding import Keyring
from simulation.membership import ServiceSession

AUDITOR = "auditor"
REGULATOR = "regulator"
_DOCUMENTS = 0


def key_file(state: Path, name: str) -> Path:
    """Where a reader of the demo keeps its key: `auditor`, `regulator`, `member-1` …"""
    return state / "readers" / f"{name}.key"


def register(url: str, state: Path, keyring: Keyring, *, token: str) -> None:
    """Make each reader's key and register it; every owner gives the auditor its station, the operator the documents."""
    auditor = _key(state, keyring, AUDITOR)
    with ServiceSession(url, token=token) as operator:
        _register(operator, _key(state, keyring, REGULATOR), kind="regulator", name="能源监管 energy regulator")
        _register(operator, auditor, kind="auditor", name="审计事务所 audit firm")
        _give(operator, auditor, _DOCUMENTS)
    for station in STATIONS:
        with ServiceSession(url) as member:
            member.sign_in(keyring.member(station.owner))
            mine = _key(state, keyring, f"member-{station.owner}")
            _register(member, mine, kind="member", name=station.member_zh, member=station.owner)
            _give(member, auditor, station.number)


def _key(state: Path, keyring: Keyring, name: str) -> ReaderKey:
    chance = SeededRandomness(keyring.secret("readers"), name)
    return ReaderKey(keys.secret_of(key_file(state, name), randomness=chance))


def _register(session: ServiceSession, key: ReaderKey, *, kind: str, name: str, **more: object) -> None:
    session.post("/v1/readers", {"publicKey": f"0x{key.public.hex()}", "kind": kind, "name": name, **more})


def _give(session: ServiceSession, key: ReaderKey, subject: int) -> None:
    session.post(f"/v1/readers/{key.fingerprint}/subjects", {"subject": subject})
