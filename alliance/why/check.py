"""Checks a why against its certificate, whoever made it (protocol 9.9).

The certificate is checked first, then every line from rows and duals: each within a microcent of what its run gives,
nothing counted twice, nothing left out, both sums exact.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from alliance import certificate as settled
from alliance import fleetproof
from alliance.certificate import Certificate
from alliance.errors import Refused
from alliance.fleetproof import FleetCertificate
from alliance.why import day, fleet
from alliance.why.record import Line, Place, Sums, Term, What, Why, limit_wh, why, worth_for


@dataclass(kw_only=True, eq=False)
class WhyWrong(Refused):
    """A line or sum of a why is not what the certificate gives. `line` counts from 0; −1: the record's own figures."""

    figure: str
    line: int
    expected: str
    got: str


def sums_of(certificate: Certificate | FleetCertificate) -> Sums:
    """All terms of a certificate of either kind, checked first. Raises what its check raises."""
    if isinstance(certificate, FleetCertificate):
        fleetproof.check(certificate)
        return fleet.sums_of(certificate)
    settled.check(certificate)
    return day.sums_of(certificate)


def why_of(certificate: Certificate | FleetCertificate) -> Why:
    """The why of a certificate. Raises what its check raises, and WhyWrong never."""
    return why(sums_of(certificate))


def check_why(record: Why, certificate: Certificate | FleetCertificate) -> None:
    """Check a record whole. Raises WhyWrong, or what the certificate's check raises."""
    sums = sums_of(certificate)
    _same("objective_microcents", -1, sums.objective_microcents, record.objective_microcents)
    _same("lower_bound_microcents", -1, sums.lower_bound_microcents, record.lower_bound_microcents)
    _check_sum("flows", record.flows, sums.flows, sums.objective_microcents, sums.slot_s)
    if not record.limits or record.limits[-1].what is not What.GAP:
        raise WhyWrong(figure="gap", line=len(record.limits), expected="a gap as the last line", got="none")
    gap = record.limits[-1].amount_microcents
    _same("gap", len(record.limits) - 1, sums.objective_microcents - sums.lower_bound_microcents, gap)
    _check_sum("limits", record.limits[:-1], sums.limits, sums.lower_bound_microcents, sums.slot_s)


def _check_sum(name: str, lines: Sequence[Line], terms: Sequence[Term], total: int, slot_s: int) -> None:
    by_slot: dict[tuple[Place, int], list[Term]] = defaultdict(list)
    for term in terms:
        by_slot[term.place, term.slot].append(term)
    for at, line in enumerate(lines):
        place = (line.what, line.place, line.lease)
        run = [by_slot.pop((place, slot), []) for slot in range(line.first, line.last + 1)]
        if not run or not all(run):
            raise WhyWrong(figure=f"{name} span", line=at, expected="slots that no other line has", got=str(line))
        _check_line(name, at, line, [term for here in run for term in here], slot_s)
    if by_slot:
        (what, number, lease), slot = min(by_slot)
        raise WhyWrong(figure=f"{name} left out", line=-1, expected=f"{what} {number} {lease} slot {slot}", got="none")
    _same(f"sum of {name}", -1, total, sum(line.amount_microcents for line in lines))


def _check_line(name: str, at: int, line: Line, run: list[Term], slot_s: int) -> None:
    exact = Fraction(sum(term.amount for term in run), run[0].unit)
    if abs(line.amount_microcents - exact) > 1:
        raise WhyWrong(figure=f"{name} amount", line=at, expected=str(float(exact)), got=str(line.amount_microcents))
    _same(f"{name} energy_wh", at, limit_wh(run), line.energy_wh)
    worth = Fraction(sum(Fraction(term.worth) for term in run)) / run[0].unit
    _same(f"{name} worth", at, worth_for(line.what, worth, slot_s), line.worth_microcents)


def _same(figure: str, line: int, expected: int, got: int) -> None:
    if expected != got:
        raise WhyWrong(figure=figure, line=line, expected=str(expected), got=str(got))
