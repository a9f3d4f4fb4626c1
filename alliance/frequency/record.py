"""The primary reserve that a fleet must hold to bear its largest loss: terms, requirement, record, check (9.18).

The requirement is an ordinary reserve up of the fleet's problem, so its plan is made and certified as any other (9.7).
The record says how it came about; with a plan's certificate in hand the check simulates what that plan really holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from alliance.errors import Refused
from alliance.fleetplan import MILLION, MOST_PRICE, Direction, FleetProblem, Reserve, require_within
from alliance.fleetproof import ClaimWrong, FleetCertificate, check, digest
from alliance.frequency.least import is_least, least_w, require_damped, require_gentle
from alliance.frequency.swing import (
    MOST_DEPTH_MHZ,
    MOST_POWER_W,
    Held,
    Loss,
    Response,
    Swing,
    swing,
    validate_response,
)
from alliance.money import largest_remainder
from alliance.schedule import from_plain, to_plain, unwrap

_HOUR_S = 3600
_MOST_OTHERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherResponse:
    """Primary response of the area outside the fleet, W: one entry a period, or one for all."""

    response: Response
    held_w: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityTerms:
    """A synchronous area and its limits; each series has one entry a period, or one for all."""

    nominal_mhz: int
    nadir_limit_mhz: int
    rocof_limit_mhz_per_s: int | None
    """Steepest fall at the start that is allowed; null: any."""
    base_w: int
    damping_ppm_per_hz: int
    inertia_ms: tuple[int, ...]
    """H after the loss, on `base_w`."""
    load_w: tuple[int, ...]
    loss_w: tuple[int, ...]
    """The largest loss that must be borne."""
    own: Response
    """How the fleet's reserve answers."""
    others: tuple[OtherResponse, ...]
    duration_s: int
    """How long a call must be borne."""
    activation_ppm: int
    price: tuple[int, ...]
    """Paid for each MW and hour held, cents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityRecord:
    """What a fleet must hold, and the problem that says so."""

    terms: SecurityTerms
    problem_digest: str
    """Of the fleet's problem with the requirement in it."""
    reserve: int
    """The requirement's place among the problem's reserves."""
    needed_w: tuple[int, ...]
    """The least in each period."""
    needed: tuple[Swing, ...]
    """What the frequency does with just that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityProof:
    """What a checked plan's reserve does in each period."""

    needed_w: tuple[int, ...]
    held_w: tuple[int, ...]
    swings: tuple[Swing, ...]


@dataclass(kw_only=True, eq=False)
class NadirTooLow(Refused):
    """With what a plan holds, the frequency falls below its limit after the largest loss."""

    period: int
    held_w: int
    nadir_mhz: int
    steady_mhz: int
    limit_mhz: int


def secured(problem: FleetProblem, terms: SecurityTerms) -> tuple[FleetProblem, SecurityRecord]:
    """The problem with the least requirement as its last reserve, and the record of it.

    Raises FieldWrong, RocofTooSteep, LossTooLarge or ResponseUnstable.
    """
    losses = losses_of(terms, problem.periods)
    found: dict[Loss, int] = {}
    for t, loss in enumerate(losses):
        if loss not in found:
            found[loss] = least_w(
                loss, terms.own, limit_mhz=terms.nadir_limit_mhz,
                rocof_limit_mhz_per_s=terms.rocof_limit_mhz_per_s, period=t,
            )  # fmt: skip
    needed = tuple(found[loss] for loss in losses)
    added = replace(problem, reserves=(*problem.reserves, _reserve(problem, terms, needed)))
    return added, SecurityRecord(
        terms=terms, problem_digest=digest(added), reserve=len(problem.reserves), needed_w=needed,
        needed=_swings(losses, terms.own, needed),
    )  # fmt: skip


def check_security(record: SecurityRecord, certificate: FleetCertificate) -> SecurityProof:
    """Recompute the record, then follow the frequency with what the plan holds in each period.

    Raises what `fleetproof.check` raises, FieldWrong, ClaimWrong, NadirTooLow, RocofTooSteep or ResponseUnstable.
    """
    problem = certificate.problem
    _same("problemDigest", check(certificate).problem_digest, record.problem_digest)
    require_within("reserve", record.reserve, 0, len(problem.reserves) - 1)
    _same("neededW (its length)", problem.periods, len(record.needed_w))
    losses = losses_of(record.terms, problem.periods)
    for case in {(loss, held): t for t, (loss, held) in enumerate(zip(losses, record.needed_w, strict=True))}.items():
        _check_needed(record, *case)
    _same("needed", _swings(losses, record.terms.own, record.needed_w), record.needed)
    bare = replace(problem, reserves=problem.reserves[: record.reserve])
    _same("reserves", _reserve(bare, record.terms, record.needed_w), problem.reserves[record.reserve])
    held = held_w(certificate, record.reserve)
    proof = SecurityProof(needed_w=record.needed_w, held_w=held, swings=_swings(losses, record.terms.own, held))
    _require_borne(proof, record.terms)
    return proof


def held_w(certificate: FleetCertificate, reserve: int) -> tuple[int, ...]:
    """What all stations hold of a reserve in each period, W, rounded down."""
    together = map(sum, zip(*certificate.plan.reserve_wh[reserve], strict=True))
    period_s = certificate.problem.period_s
    return tuple(wh * _HOUR_S // period_s for wh in together) or (0,) * certificate.problem.periods


def losses_of(terms: SecurityTerms, periods: int) -> tuple[Loss, ...]:
    """The largest loss of each period. Raises FieldWrong."""
    _validate(terms, periods)
    return tuple(
        Loss(
            nominal_mhz=terms.nominal_mhz, base_w=terms.base_w, damping_ppm_per_hz=terms.damping_ppm_per_hz,
            inertia_ms=_at(terms.inertia_ms, t), load_w=_at(terms.load_w, t), loss_w=_at(terms.loss_w, t),
            others=tuple(Held(response=o.response, power_w=_at(o.held_w, t)) for o in terms.others),
        )
        for t in range(periods)
    )  # fmt: skip


def terms_from_plain(plain: object) -> SecurityTerms:
    """Read {"v": 1, "security": …}, strictly. Raises PlainWrong."""
    return from_plain(SecurityTerms, unwrap(plain, name="security"), where="security")


def record_to_plain(record: SecurityRecord) -> dict[str, object]:
    """The plain form {"v": 1, "securityRecord": …}."""
    return {"v": 1, "securityRecord": to_plain(record)}


def record_from_plain(plain: object) -> SecurityRecord:
    """Read `record_to_plain`'s form, strictly. Raises PlainWrong."""
    return from_plain(SecurityRecord, unwrap(plain, name="securityRecord"), where="securityRecord")


def _reserve(problem: FleetProblem, terms: SecurityTerms, needed_w: Sequence[int]) -> Reserve:
    """Each period's requirement, in Wh rounded up, over the regions by what their stations can discharge."""
    weights = dict.fromkeys(range(len(problem.regions)), 0)
    for station in problem.stations:
        weights[station.region] += station.discharge_wh
    wanted = [-(-watts * problem.period_s // _HOUR_S) for watts in needed_w]
    split = [largest_remainder(wh, weights) for wh in wanted]
    return Reserve(
        direction=Direction.UP, duration_s=terms.duration_s, activation_ppm=terms.activation_ppm,
        price=tuple(_at(terms.price, t) for t in range(problem.periods)),
        requirement_wh=tuple(tuple(parts[r] for parts in split) for r in weights),
    )  # fmt: skip


def _swings(losses: Sequence[Loss], own: Response, power_w: Sequence[int]) -> tuple[Swing, ...]:
    followed = cache(lambda loss, watts: swing(loss, Held(response=own, power_w=watts)))
    return tuple(followed(loss, watts) for loss, watts in zip(losses, power_w, strict=True))


def _check_needed(record: SecurityRecord, case: tuple[Loss, int], t: int) -> None:
    loss, watts = case
    if not is_least(loss, record.terms.own, watts, limit_mhz=record.terms.nadir_limit_mhz):
        raise ClaimWrong(figure=f"neededW[{t}]", expected="the least that keeps the limit", got=str(watts))


def _require_borne(proof: SecurityProof, terms: SecurityTerms) -> None:
    for t, (held, found) in enumerate(zip(proof.held_w, proof.swings, strict=True)):
        require_gentle(found.rocof_mhz_per_s, terms.rocof_limit_mhz_per_s, period=t)
        if min(found.nadir_mhz, found.steady_mhz) < terms.nadir_limit_mhz:
            raise NadirTooLow(
                period=t, held_w=held, nadir_mhz=found.nadir_mhz, steady_mhz=found.steady_mhz,
                limit_mhz=terms.nadir_limit_mhz,
            )  # fmt: skip
        require_damped(found, held, limit_mhz=terms.nadir_limit_mhz, period=t)


def _at(series: Sequence[int], t: int) -> int:
    return series[t] if len(series) > 1 else series[0]


def _same(figure: str, expected: object, got: object) -> None:
    if expected != got:
        raise ClaimWrong(figure=figure, expected=str(expected)[:200], got=str(got)[:200])


def _validate(terms: SecurityTerms, periods: int) -> None:
    require_within("nominal_mhz", terms.nominal_mhz, 45_000, 65_000)
    deepest = terms.nominal_mhz - MOST_DEPTH_MHZ
    require_within("nadir_limit_mhz", terms.nadir_limit_mhz, deepest + 1, terms.nominal_mhz - 1)
    if terms.rocof_limit_mhz_per_s is not None:
        require_within("rocof_limit_mhz_per_s", terms.rocof_limit_mhz_per_s, 1, MILLION)
    require_within("base_w", terms.base_w, 1, MOST_POWER_W)
    require_within("damping_ppm_per_hz", terms.damping_ppm_per_hz, 0, MILLION)
    require_within("duration_s", terms.duration_s, 0, 7 * 86_400)
    require_within("activation_ppm", terms.activation_ppm, 0, MILLION)
    validate_response("own", terms.own)
    require_within("others", len(terms.others), 0, _MOST_OTHERS)
    for k, other in enumerate(terms.others):
        validate_response(f"others[{k}].response", other.response)
        _validate_series(f"others[{k}].held_w", other.held_w, periods, 0, MOST_POWER_W)
    _validate_series("inertia_ms", terms.inertia_ms, periods, 1, 1_000_000)
    _validate_series("load_w", terms.load_w, periods, 0, MOST_POWER_W)
    _validate_series("loss_w", terms.loss_w, periods, 1, MOST_POWER_W)
    _validate_series("price", terms.price, periods, 0, MOST_PRICE)


def _validate_series(name: str, series: Sequence[int], periods: int, low: int, high: int) -> None:
    if len(series) != 1:
        require_within(f"{name} (its length)", len(series), periods, periods)
    for t, value in enumerate(series):
        require_within(f"{name}[{t}]", value, low, high)
