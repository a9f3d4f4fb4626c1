"""P12: two implementations of the settlement rules, asked the same: `python -m tests.campaigns.settlement [--days N] [--seed S]`.

This one and the one in TypeScript, which shares no code with it, behind a pipe to Node: sums, documents and their mutants,
certificates, random days from meter to statement and correction. With `--minutes` it ends when they are over, however many
days are left. The last line is JSON: {"answers", "days", "refusals", "differences", …}; exit code 0 without a difference.
"""

import argparse
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from tests.settlement import agreement
from tests.settlement.questions import Answer, Question, answer
from tests.settlement.second import Second

SHOWN = 5


@dataclass(slots=True)
class Found:
    """What a comparison has seen so far."""

    asked: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    differences: list[tuple[Question, Answer, Answer]] = field(default_factory=list)

    def add(self, question: Question, ours: Answer, theirs: Answer) -> None:
        """Count one question's answers."""
        self.asked[question["ask"]] += 1
        for part in ours.get("versions", [ours]):
            self.outcomes[part.get("error", "passed")] += 1
        if ours != theirs:
            self.differences.append((question, ours, theirs))


def compare(second: Second, questions: Iterable[Question], *, until: float = math.inf) -> Found:
    """Ask both until a reading of the monotonic clock. What is no rule's refusal is a fault and ends it."""
    found = Found()
    for question in questions:
        found.add(question, answer(question), second.ask(question))
        if time.monotonic() > until:
            break
    return found


def questions(chosen: argparse.Namespace) -> Iterable[Question]:
    """All that a campaign asks."""
    first = chosen.seed * 1_000_000
    return chain(
        agreement.sums(random.Random(chosen.seed), chosen.sums),
        agreement.papers(range(first, first + chosen.papers)),
        agreement.plans(range(first, first + chosen.plans)),
        agreement.days(range(first, first + chosen.days)),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare; 0 when every answer is the same."""
    parser = argparse.ArgumentParser(prog="tests.campaigns.settlement", description="Compare two implementations.")
    for name, count in (("days", 10_000), ("papers", 300), ("plans", 100), ("sums", 10_000), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--minutes", type=float, default=math.inf)
    chosen = parser.parse_args(arguments)
    begun = time.monotonic()
    with Second() as second:
        found = compare(second, questions(chosen), until=begun + 60 * chosen.minutes)
    for question, ours, theirs in found.differences[:SHOWN]:
        print(question["ask"], "python", ours, "typescript", theirs)
    told = {
        "answers": found.asked.total(), "days": found.asked["day"], "certificates": found.asked["certificate"],
        "passed": found.outcomes["passed"], "refusals": found.outcomes.total() - found.outcomes["passed"],
        "kinds_of_refusal": len(found.outcomes) - 1, "differences": len(found.differences), "seed": chosen.seed,
        "wall_s": round(time.monotonic() - begun, 1),
    }  # fmt: skip
    print(json.dumps(told))
    return 1 if found.differences else 0


if __name__ == "__main__":
    sys.exit(main())
