"""`alliance verify-plan`: check a plan's certificate or a re-plan's record without a solver (protocol 9.3, 9.7, 9.12).

The file is JSON; its one name beside "v" tells what it is: `fleetCertificate`, `replan`, `certificate` (a settled
day's) or `blackStartPlan` (9.23). Only the rules in `alliance` are used, nothing of the planner. Exit 0 what is proved,
1 refused with the first thing that is wrong, 2 not read.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from alliance.blackstart.check import check as check_black_start
from alliance.blackstart.record import plan_from_plain as black_start_from_plain
from alliance.certificate import MICRO, Proof
from alliance.certificate import certificate_from_plain as day_from_plain
from alliance.certificate import check as check_day
from alliance.errors import AllianceError, Malformed
from alliance.fleetproof import FleetProof, certificate_from_plain, check
from alliance.plain_json import JsonWrong, parsed, plain_of
from alliance.replan.check import ReplanProof, check_replan
from alliance.replan.record import replan_from_plain

Found = tuple[str | None, dict[str, object], list[str]]
"""Digest of the problem where there is one, figures for JSON, lines for people."""

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def verify_plan(
    certificate: Annotated[Path, typer.Argument(help="The certificate, a JSON file.", exists=True, dir_okay=False)],
    problem_digest: Annotated[
        str | None,
        typer.Option(help="Digest of the problem that a fleet's plan must be for, hex; else told."),
    ] = None,
    base: Annotated[
        Path | None, typer.Option(help="A re-plan: the day-ahead certificate, to make it again from the states.")
    ] = None,
    after: Annotated[Path | None, typer.Option(help="A re-plan: the record of the cycle before.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of the lines.")] = False,
) -> None:
    """Check CERTIFICATE in exact integers: limits kept, cost, lower bound, gap. Exit 0 pass, 1 refused, 2 not read."""
    try:
        plain = _read(certificate)
        if isinstance(plain, dict) and "replan" in plain:
            digest, figures, lines = _replan(plain, base, after)
        else:
            digest, figures, lines = _checker(plain)(plain)
    except (AllianceError, OSError, ValueError, RecursionError) as error:
        typer.echo(f"alliance verify-plan: {error}", err=True)
        raise typer.Exit(1 if isinstance(error, AllianceError) and not isinstance(error, Malformed) else 2) from None
    if problem_digest is not None and problem_digest.lower() != digest:
        typer.echo(f"alliance verify-plan: plan is for problem {digest}, not {problem_digest}", err=True)
        raise typer.Exit(1)
    print(json.dumps(figures) if as_json else "\n".join(lines))


def _read(path: Path) -> object:
    return parsed(path.read_bytes(), source=path.name)


def _checker(plain: object) -> Callable[[object], Found]:
    """By the name that stands in the file."""
    known: dict[str, Callable[[object], Found]] = {
        "fleetCertificate": _fleet,
        "certificate": _day,
        "blackStartPlan": _black_start,
    }
    names = [name for name in known if isinstance(plain, dict) and name in plain]
    if len(names) != 1:
        got = ", ".join(map(str, plain))[:80] if isinstance(plain, dict) else type(plain).__name__
        raise JsonWrong(file="", where="$", got=got, want="fleetCertificate, replan, certificate or blackStartPlan")
    return known[names[0]]


def _fleet(plain: object) -> Found:
    proof = check(certificate_from_plain(plain))
    return proof.problem_digest, asdict(proof), _told(proof)


def _day(plain: object) -> Found:
    proof = check_day(day_from_plain(plain_of(plain, source="certificate")))
    return None, asdict(proof), _told_day(proof)


def _black_start(plain: object) -> Found:
    proof = check_black_start(black_start_from_plain(plain))
    least_wh = proof.least_content_wh.numerator // proof.least_content_wh.denominator
    figures: dict[str, object] = {
        "net_ws": proof.net_ws, "proved_most_ws": proof.proved_most_ws, "claimed_most_ws": proof.claimed_most_ws,
        "least_content_wh": least_wh,
    }  # fmt: skip
    return None, figures, [
        "limits       all kept, exactly",
        f"net energy   {proof.net_ws / 3.6e9:,.6f} MWh",
        f"upper bound  {proof.proved_most_ws / 3.6e9:,.6f} MWh: no plan gives more",
        f"claim        {proof.claimed_most_ws / 3.6e9:,.6f} MWh at most with these switchings, by the solver's word",
        f"source       {least_wh} Wh at least, never below its reserve",
    ]  # fmt: skip


def _replan(plain: object, base: Path | None, after: Path | None) -> Found:
    record = replan_from_plain(plain)
    old = None if base is None else certificate_from_plain(_read(base))
    before = None if after is None else replan_from_plain(_read(after))
    proof = check_replan(record, base=old, after=before)
    return proof.proof.problem_digest, asdict(proof), [*_told(proof.proof), *_told_replan(proof, record.kept_breaks)]


def _told(proof: FleetProof) -> list[str]:
    return [
        f"problem      {proof.problem_digest}",
        f"limits       all kept, exactly (largest violation {proof.largest_violation_wh} Wh)",
        f"cost         {proof.objective_microcents / MICRO:,.4f} cents",
        f"lower bound  {proof.lower_bound_microcents / MICRO:,.4f} cents: no plan costs less",
        f"gap          {proof.gap_ppm} ppm at most",
    ]


def _told_day(proof: Proof) -> list[str]:
    return [
        f"cost         {proof.objective_microcents / MICRO:,.4f} cents",
        f"lower bound  {proof.lower_bound_microcents / MICRO:,.4f} cents: no plan costs less",
        f"gap          {proof.gap_ppm} ppm at most",
    ]


def _told_replan(proof: ReplanProof, breaks: str) -> list[str]:
    if proof.kept_cost_microcents is None or proof.saved_microcents is None:
        kept = [f"old plan     cannot be kept: {breaks}"]
    else:
        kept = [
            f"old plan     {proof.kept_cost_microcents / MICRO:,.4f} cents if kept",
            f"saved        {proof.saved_microcents / MICRO:,.4f} cents",
        ]
    made = "made again from the old plan and the states" if proof.remade else "not made again: give --base"
    return [
        *kept,
        f"shortage     {proof.unserved_wh} Wh not served, {proof.spilled_wh} Wh spilled, "
        f"{proof.taken_more_wh} Wh more from the grid than planned, {proof.unheld_wh} Wh of reserves not held",
        f"states       {proof.not_measured} stations held or at zero; problem {made}",
    ]
