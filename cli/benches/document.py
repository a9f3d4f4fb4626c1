"""The figures as docs/benchmarks.md: two tables, a row for each piece of work, each with the day it was measured.

A run of some cases replaces their rows and keeps the others, if those were measured on the same machine with the same
versions: figures of different grounds never stand in one table.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from cli.benches.measure import RUNS, Comparison, Figure, Finding

TIMES = ("case", "what", "wall s", "CPU s", "against", "wall s", "CPU s", "ratio", "CPU ratio")
FIGURES = ("case", "what", "figures")
TEXTS = ("case", "what", "against", "figures", "measured")
_SEED = re.compile(r", (seed \d+|all seeds)$")

Row = tuple[str, ...]


def document(
    found: Mapping[str, Sequence[Finding]], *, ground: str, day: date, order: Sequence[str], before: str = ""
) -> str:
    """The tables, `ground` (machine and versions) above them; rows of the document before that this run leaves alone.

    `order` holds all cases in their order.
    """
    times = [(*row, day.isoformat()) for row in time_rows(found)]
    figures = [(*row, day.isoformat()) for row in figure_rows(found)]
    if f"\n{ground}\n" in before:
        fresh = {_work(row) for row in [*times, *figures]}
        old = [row for row in map(_read, before.splitlines()) if row and row[0] in order and _work(row) not in fresh]
        times += [row for row in old if len(row) == len(TIMES) + 1]
        figures += [row for row in old if len(row) == len(FIGURES) + 1]
    place = {case: k for k, case in enumerate(order)}
    return "\n".join(
        [
            "# Benchmarks",
            "",
            "Written by `make bench`. Each ratio compares our work with the least that it could cost, both in one run",
            f"(best of {RUNS} by wall time) on one machine; times alone say little of another.",
            "",
            ground,
            "",
            *_table(TIMES, sorted(times, key=lambda row: place[row[0]])),
            "",
            *_table(FIGURES, sorted(figures, key=lambda row: place[row[0]])),
            "",
        ]
    )


def time_rows(found: Mapping[str, Sequence[Finding]]) -> list[Row]:
    """Work against the least that it could cost."""
    return [_cells(name, one) for name, one in _each(found) if isinstance(one, Comparison)]


def figure_rows(found: Mapping[str, Sequence[Finding]]) -> list[Row]:
    """Case, name and figures, once for work that is compared with several things."""
    return list(dict.fromkeys((name, one.name, _facts(one.facts)) for name, one in _each(found)))


def _work(row: Row) -> tuple[str, str]:
    """What a row is of: its case and its work, whichever the seed."""
    return row[0], _SEED.sub("", row[1])


def _read(line: str) -> Row | None:
    return tuple(line[2:-2].split(" | ")) if line.startswith("| ") and line.endswith(" |") else None


def _table(heads: Row, rows: Sequence[Row]) -> list[str]:
    heads = (*heads, "measured")
    return [
        f"| {' | '.join(heads)} |",
        f"|{'|'.join('---' if head in TEXTS else '--:' for head in heads)}|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _cells(case: str, one: Comparison) -> Row:
    ours, theirs = one.ours, one.theirs
    return (
        case, one.name, _brief(ours.wall_s, 3), _brief(ours.cpu_s, 3), one.against, _brief(theirs.wall_s, 3),
        _brief(theirs.cpu_s, 3), _brief(one.ratio, 1), _brief(one.ratio_cpu, 1),
    )  # fmt: skip


def _brief(value: float, places: int) -> str:
    """A figure with so many places, or two digits where those would say too little."""
    return f"{value:.{places}f}" if value >= 10 ** (1 - places) else f"{value:.2g}"


def _facts(facts: Mapping[str, Figure]) -> str:
    return ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in facts.items()
    )


def _each(found: Mapping[str, Sequence[Finding]]) -> Iterable[tuple[str, Finding]]:
    return ((name, one) for name, findings in found.items() for one in findings)
