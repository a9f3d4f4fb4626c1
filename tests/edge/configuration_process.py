"""Signed configurations for the tests, and a process that takes, confirms and rolls back until its power is cut."""

import sys
from collections.abc import Mapping
from pathlib import Path

from edge.evidence.store import Store, open_store
from edge.link.configurations import Configurations
from oracle import configuration as configurations
from oracle.configuration import Body, Configuration, Value
from oracle.signature import SecpSigner
from tests.edge.peer import CONFIGURER, DOMAIN

T_MS = 1_789_000_000_000
FINE: Mapping[str, Value] = {"live_ticks": 3}


def signed(
    number: int, values: Mapping[str, Value] = FINE, *, station: int = 4, t_ms: int = T_MS, until_ms: int | None = None,
    trial_s: int = 60, patience_s: int = 10, signer: SecpSigner = CONFIGURER,
) -> bytes:  # fmt: skip
    body = configurations.body_bytes(Body(trial_s=trial_s, patience_s=patience_s, values=values))
    given = Configuration(
        station=station, number=number, issued_ms=t_ms, until_ms=until_ms or t_ms + 3_600_000, body=body
    )  # fmt: skip
    return configurations.signed(given, domain=DOMAIN, signer=signer)


def store_at(path: Path) -> Store:
    return open_store(path, alliance=DOMAIN.alliance, quota_bytes=64 << 20, reserve_bytes=1 << 20)


def taken_up(store: Store) -> Configurations:
    return Configurations(store, station=4, domain=DOMAIN, configurers=frozenset({CONFIGURER.address}))


def anything(values: Mapping[str, Value]) -> None:
    """Every value fits."""


def main() -> None:
    """Odd numbers are confirmed, even ones rolled back."""
    told = taken_up(store_at(Path(sys.argv[1])))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        number = told.highest + 1
        told.take(signed(number, {"live_ticks": number}), t_ms=T_MS, fits=anything, answering=True)
        if number % 2:
            told.confirm(t_ms=T_MS)
        else:
            told.roll_back(t_ms=T_MS, reason="by test")


if __name__ == "__main__":
    main()
