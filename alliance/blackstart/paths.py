"""Restoration paths: from the source to every bus, least weight first (protocol 9.23.2; Dijkstra 1959)."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass

from alliance.blackstart.record import BlackStartProblem, Line, Weight

Cost = Callable[[Line], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A bus that a path reaches: its cost, how many lines, the bus before and the line from there (source: none)."""

    cost: int
    lines: int
    before: str | None
    line: int | None


def path_cost(problem: BlackStartProblem) -> Cost:
    """What the problem's restoration paths have least of: seconds, or var."""
    return (lambda line: line.switch_s) if problem.weight is Weight.SWITCHING else (lambda line: line.charging_var)


def reached(problem: BlackStartProblem, cost: Cost) -> dict[str, Reached]:
    """Every bus that can be reached from the source, by least cost, then fewest lines, then lowest line numbers."""
    at: dict[str, list[tuple[int, str]]] = {bus: [] for bus in problem.buses}
    for k, line in enumerate(problem.lines):
        at[line.from_bus].append((k, line.to_bus))
        at[line.to_bus].append((k, line.from_bus))
    found: dict[str, Reached] = {}
    queue: list[tuple[int, int, int, str, str | None]] = [(0, 0, -1, problem.source.bus, None)]
    while queue:
        so_far, hops, k, bus, before = heapq.heappop(queue)
        if bus in found:
            continue
        found[bus] = Reached(cost=so_far, lines=hops, before=before, line=None if before is None else k)
        for number, other in at[bus]:
            if other not in found:
                heapq.heappush(queue, (so_far + cost(problem.lines[number]), hops + 1, number, other, bus))
    return found


def path_to(found: dict[str, Reached], bus: str) -> tuple[int, ...]:
    """Numbers of the lines from the source to a bus that was reached."""
    lines: list[int] = []
    here = found[bus]
    while here.before is not None and here.line is not None:
        lines.append(here.line)
        here = found[here.before]
    return tuple(reversed(lines))


def buses_to(found: dict[str, Reached], bus: str) -> tuple[str, ...]:
    """The buses from the source to one that was reached."""
    passed = [bus]
    while (before := found[passed[-1]].before) is not None:
        passed.append(before)
    return tuple(reversed(passed))


def live_first(problem: BlackStartProblem) -> dict[str, int]:
    """The first period in which each bus can be live, whatever path and however many crews."""
    return {bus: one.cost for bus, one in reached(problem, problem.switch_periods).items()}
