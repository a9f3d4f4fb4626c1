"""`alliance verify-plan`: check a fleet plan's certificate without a solver (protocol 9.7).

The file is JSON of the plain form {"v":1,"fleetCertificate":…}. Only the rules in `alliance` are used, nothing of the
planner. Exit 0 what the certificate proves, 1 refused with the first thing that is wrong, 2 not read.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from alliance.errors import AllianceError, Malformed
from alliance.fleetproof import FleetProof, certificate_from_plain, check

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def verify_plan(
    certificate: Annotated[Path, typer.Argument(help="The certificate, a JSON file.", exists=True, dir_okay=False)],
    problem_digest: Annotated[
        str | None, typer.Option(help="Digest of the problem that the plan must be for, hex; else it is only told.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of the lines.")] = False,
) -> None:
    """Check CERTIFICATE in exact integers: limits kept, cost, lower bound, gap. Exit 0 pass, 1 refused, 2 not read."""
    try:
        plain: object = json.loads(certificate.read_text(encoding="utf-8"), object_pairs_hook=_without_doubles)
        proof = check(certificate_from_plain(plain))
    except (AllianceError, OSError, ValueError, RecursionError) as error:
        typer.echo(f"alliance verify-plan: {error}", err=True)
        raise typer.Exit(1 if isinstance(error, AllianceError) and not isinstance(error, Malformed) else 2) from None
    if problem_digest is not None and problem_digest.lower() != proof.problem_digest:
        typer.echo(f"alliance verify-plan: plan is for problem {proof.problem_digest}, not {problem_digest}", err=True)
        raise typer.Exit(1)
    print(json.dumps(asdict(proof)) if as_json else _told(proof))


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A name that stands twice would be read differently elsewhere."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _told(proof: FleetProof) -> str:
    return "\n".join(
        (
            f"problem      {proof.problem_digest}",
            f"limits       all kept, exactly (largest violation {proof.largest_violation_wh} Wh)",
            f"cost         {proof.objective_microcents / 1e6:,.4f} cents",
            f"lower bound  {proof.lower_bound_microcents / 1e6:,.4f} cents: no plan costs less",
            f"gap          {proof.gap_ppm} ppm at most",
        )
    )
