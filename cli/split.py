"""`alliance split`: who gets what of the gain of planning together, and whether anyone does better by leaving (9.11).

FILE is a certificate as `alliance plan solve` writes it, or a problem, which is planned first. With `--check` a record
that this command wrote is held against FILE without a solver. Ends with 0, 1 (no such plan, or the record does not
hold) or 2 (a file or option that cannot be read).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from alliance.certificate import MICRO, Certificate, certificate_from_plain
from alliance.errors import AllianceError, Malformed, Missing
from alliance.gain import (
    MOST_MEMBERS,
    Coalition,
    Costs,
    Gain,
    GainProof,
    Rule,
    all_coalitions,
    check,
    gain_from_plain,
    gain_to_plain,
    met_coalitions,
    orders_within,
    record,
)
from alliance.identity import MemberId
from alliance.plain_json import to_json
from cli.plain_json import read_plain
from cli.tables import empty_table
from optimizer.coalitions import coalition_costs
from optimizer.nucleolus import nucleolus
from optimizer.planning import plan_day
from optimizer.problem import problem_from_plain
from optimizer.solver import SolverSettings

_NAMES = {
    Rule.PRICES: "按对偶价 prices",
    Rule.KW: "按功率 kW",
    Rule.SHAPLEY: "Shapley 值",
    Rule.NUCLEOLUS: "核仁 nucleolus",
    Rule.SETTLED: "实际结算 as paid",
}
_ALWAYS = (Rule.PRICES, Rule.SETTLED)
_SAMPLED = 500
"""Coalitions of an alliance of more than `MOST_MEMBERS`, unless it is said how many."""
_MOST_NAMED = 8

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def split(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    rule: Annotated[
        list[str] | None, typer.Option(help="prices, kw, shapley, nucleolus or all; may be repeated.")
    ] = None,
    coalitions: Annotated[
        str | None, typer.Option(help=f"all (up to {MOST_MEMBERS} members), or how many, met in seeded orders.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of the orders in which members join.")] = 0,
    time_limit_s: Annotated[float, typer.Option("--time-limit", min=0.1, help="Of one solver run, seconds.")] = 60.0,
    out: Annotated[Path | None, typer.Option(help="Where the record goes (JSON).")] = None,
    checked: Annotated[
        Path | None, typer.Option("--check", exists=True, dir_okay=False, help="A record to recompute from FILE.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of the tables.")] = False,
) -> None:
    """Split the gain of FILE's plan by several rules and name the coalition that each would make leave."""
    settings = SolverSettings(time_limit_s=time_limit_s)
    try:
        certificate = _certificate(file, settings)
        if checked is None:
            gain = _solved(certificate, _rules(rule), _orders(certificate, coalitions, seed), seed, settings)
        else:
            gain = gain_from_plain(read_plain(checked))
        proof = check(gain, certificate)
        if out is not None:
            out.write_text(json.dumps(to_json(gain_to_plain(gain))) + "\n", encoding="utf-8")
    except (AllianceError, OSError) as error:
        _refuse(error)
    if as_json:
        typer.echo(json.dumps(to_json(gain_to_plain(gain))))
        return
    _show(gain, certificate, proof)


def _certificate(file: Path, settings: SolverSettings) -> Certificate:
    plain = read_plain(file)
    if isinstance(plain, dict) and "problem" in plain:
        return plan_day(problem_from_plain(plain), settings=settings).certificate
    return certificate_from_plain(plain)


def _rules(chosen: Sequence[str] | None) -> list[Rule]:
    named = {Rule.KW, Rule.SHAPLEY} if not chosen else set()
    for name in chosen or ():
        if name == "all":
            named |= set(Rule)
        elif name in set(Rule) - {Rule.SETTLED}:
            named.add(Rule(name))
        else:
            raise typer.BadParameter(f"--rule {name}: choose from prices, kw, shapley, nucleolus, all")
    return [rule for rule in Rule if rule in named or rule in _ALWAYS]


def _orders(certificate: Certificate, coalitions: str | None, seed: int) -> int:
    """How many seeded orders of joining meet no more coalitions than asked for, one at least; 0: all coalitions."""
    members = certificate.problem.members
    few = len(members) <= MOST_MEMBERS
    if coalitions == "all" or (coalitions is None and few):
        all_coalitions(members)
        return 0
    if coalitions is not None and not coalitions.isdecimal():
        raise typer.BadParameter(f"--coalitions {coalitions}: all, or a number")
    most = int(coalitions or _SAMPLED)
    if few and most >= 2 ** len(members) - 1:
        return 0
    return orders_within(members, most, seed=seed)


def _solved(certificate: Certificate, rules: Sequence[Rule], orders: int, seed: int, settings: SolverSettings) -> Gain:
    members = certificate.problem.members
    wanted = met_coalitions(members, seed=seed, orders=orders) if orders else all_coalitions(members)
    if orders and Rule.NUCLEOLUS in rules:
        raise typer.BadParameter("the nucleolus wants --coalitions all")
    costs = _costs(certificate, wanted, settings)
    found = nucleolus(costs, members, settings=settings) if Rule.NUCLEOLUS in rules else None
    return record(certificate, costs, rules=rules, seed=seed, orders=orders, nucleolus=found)


def _costs(certificate: Certificate, wanted: Sequence[Coalition], settings: SolverSettings) -> Costs:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("联盟组合 coalitions")
        return coalition_costs(
            certificate, wanted, settings=settings,
            told=lambda done, of: progress.update(task, completed=done, total=of),
        )  # fmt: skip


def _refuse(error: Exception) -> NoReturn:
    typer.echo(f"alliance split: {error}", err=True)
    raise typer.Exit(2 if isinstance(error, Malformed | Missing | OSError) else 1) from None


# ---- what is shown ----


def _show(gain: Gain, certificate: Certificate, proof: GainProof) -> None:
    console = Console(width=None if Console().is_terminal else 130)
    console.print(_members(gain, certificate))
    console.print(_rules_table(gain, proof))
    solved = f"{len(gain.costs)} coalitions solved 已求解联盟组合"
    sampled = f", met in {gain.orders} orders of seed {gain.seed} 抽样次序" if gain.orders else ", all of them 全部"
    most = _cents(max(0, dict(proof.most_excess_microcents).get(Rule.PRICES, 0)))
    gap = _cents(proof.gap_microcents)
    plan_costs = (
        f"the plan in whole Wh costs at most {gap} cents more than the linear optimum that is split",
        f"整瓦时计划比所分配的线性最优至多多出 {gap} 分",
    )
    if not proof.linear:
        plan_costs = (
            f"batteries may not charge and discharge at once, or need room for netting: the plan costs up to {gap} "
            "cents more than its prices bound, and what is split is the plan's own gain",
            f"电池不得同时充放，或须为对冲留出余量：计划比对偶价下界至多多出 {gap} 分，所分配的是计划本身的增益",
        )
    for line in (
        f"gain 总增益 {_yuan(gain.gain_cents * MICRO)} yuan   {solved}{sampled}",
        f"proved: by prices no coalition of any size gains more than {most} cents a member by leaving",
        f"已证明：按对偶价分配，任何联盟组合退出后每名成员多得不超过 {most} 分",
        *plan_costs,
    ):
        console.print(line, highlight=False, soft_wrap=True)


def _members(gain: Gain, certificate: Certificate) -> Table:
    """What each member would pay alone, pays as planned, and gains by each rule, yuan."""
    alone = {one.members: one.cost_microcents for one in gain.costs if len(one.members) == 1}
    planned = {row.member: row.planned_cost_cents for row in certificate.schedule.gains}
    named = [f"{_NAMES[split.rule]}" for split in gain.splits]
    table = empty_table("yuan 元", ("成员 member", "单独 alone", "一起 together", *named))
    totals = [0] * (2 + len(gain.splits))
    for at, member in enumerate(gain.members):
        shares = [split.shares_cents[at] * MICRO for split in gain.splits]
        figures = [alone[(member,)], planned[member] * MICRO, *shares]
        totals = [a + b for a, b in zip(totals, figures, strict=True)]
        table.add_row(str(member), *map(_yuan, figures))
    table.add_section()
    table.add_row("Σ", *map(_yuan, totals), style="bold")
    return table


def _rules_table(gain: Gain, proof: GainProof) -> Table:
    """For each rule the solved coalition that would gain most a member by leaving, and what is proved of all."""
    headings = (
        "分配规则 rule",
        "退出最多得 most by leaving",
        "每名 each",
        "联盟组合 coalition",
        "已证上限 each, proved",
    )
    table = empty_table("cents 分", headings)
    most = dict(proof.most_excess_microcents)
    for split in gain.splits:
        each = split.worst_excess_microcents // max(1, len(split.worst_coalition))
        excess = map(_cents, (split.worst_excess_microcents, each))
        table.add_row(_NAMES[split.rule], *excess, _named(split.worst_coalition), _cents(most[split.rule]))
    return table


def _named(coalition: Sequence[MemberId]) -> str:
    more = f" +{len(coalition) - _MOST_NAMED}" if len(coalition) > _MOST_NAMED else ""
    return "{" + ", ".join(map(str, coalition[:_MOST_NAMED])) + more + "}"


def _yuan(microcents: int) -> str:
    return f"{microcents / MICRO / 100:,.2f}"


def _cents(microcents: int) -> str:
    return f"{microcents / MICRO:,.2f}"
