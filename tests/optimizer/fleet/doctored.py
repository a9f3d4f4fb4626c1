"""Changes one thing in a certificate's plain form, as a forger or a broken disk would."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

from alliance.errors import AllianceError
from alliance.fleetproof import FleetCertificate, FleetProof, certificate_from_plain, certificate_to_plain, check


def doctored(certificate: FleetCertificate, rng: random.Random) -> tuple[str, dict[str, Any]]:
    """(where, plain form with one change)."""
    plain: Any = copy.deepcopy(json.loads(json.dumps(certificate_to_plain(certificate))))
    top = rng.choice(
        ["plan", "duals", "problem", "problemDigest", "objectiveMicrocents", "lowerBoundMicrocents", "gapPpm"]
    )
    holder, key, where = plain["fleetCertificate"], top, top
    while isinstance(holder[key], dict | list) and len(holder[key]):
        holder = holder[key]
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        where += f".{key}"
        if isinstance(holder, list) and rng.random() < 0.1:
            break
    holder[key] = _changed(holder[key], rng)
    return where, plain


def _changed(value: Any, rng: random.Random) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        return rng.choice([None, 0, [value]])
    if isinstance(value, str):
        return _changed_text(value, rng)
    choices = [value + 1, value - 1, -value - 1, value * 2 + 1, value + rng.randint(1, 10**6), float("nan"), str(value)]
    return rng.choice(choices)


def _changed_text(value: str, rng: random.Random) -> Any:
    if value.lstrip("-").isdigit():
        return str(int(value) + rng.choice([1, -1, 10**6, -(10**6)]))
    return value[:-1] + rng.choice([c for c in "0123456789abcdef" if c != value[-1:]])


def verdict(plain: dict[str, Any]) -> FleetProof | AllianceError:
    """What the checker says of a plain form."""
    try:
        return check(certificate_from_plain(plain))
    except AllianceError as error:
        return error


def still_true(proof: FleetProof, certificate: FleetCertificate) -> bool:
    """Whether an accepted certificate claims no more than the genuine one: same problem, no better cost, bound, gap."""
    return (
        proof.problem_digest == certificate.problem_digest
        and proof.objective_microcents == certificate.objective_microcents
        and proof.lower_bound_microcents == certificate.lower_bound_microcents
        and proof.gap_ppm == certificate.gap_ppm
    )
