"""Documents and their mutants: certified plans, schedules, rule packs, groupings, statements, one value of each changed."""

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

from alliance.certificate import certificate_to_plain
from alliance.day import groups_document, settlement_inputs, tariff_document
from alliance.errors import AllianceError
from alliance.schedule import schedule_to_plain
from alliance.settlement import settle
from optimizer.planning import plan_day
from oracle import statement_document
from tests.optimizer.cases import random_problem
from tests.settlement.questions import Question
from tests.settlement.random_facts import random_seen

INTEGERS = (0, 1, -1, 96, 97, 2**31, 2**32 - 1, 2**32, 2**53, 2**63 - 1, -(2**63), 2**63, 2**64 - 1)
"""Limits, and what lies just beside them."""

Place = tuple[Any, Any]
"""A map or list, and a key or index in it."""


def certificates(seeds: range) -> Iterator[Question]:
    """Certified plans of random problems; those that no plan solves are left out."""
    for seed in seeds:
        try:
            certificate = plan_day(random_problem(seed)).certificate
        except AllianceError:
            continue
        if certificate is not None:
            yield {"ask": "certificate", "document": certificate_to_plain(certificate)}


def documents(rng: random.Random) -> Iterator[Question]:
    """One of each other kind of document, from a random day."""
    seen = random_seen(rng, boundaries=4)
    facts = seen.facts
    for _, schedule in facts.schedules:
        yield {"ask": "schedule", "salt": rng.randbytes(32), "document": schedule_to_plain(schedule)}
    for _, pack in facts.packs:
        yield {"ask": "rule", "document": tariff_document(pack)}
    for _, grouping in facts.groupings:
        yield {"ask": "rule", "document": groups_document(grouping)}


def statements(rng: random.Random) -> Iterator[Question]:
    """The parts of a day's statement that a reader can tell apart, few of each kind of leaf."""
    try:
        statement = settle(settlement_inputs(random_seen(rng, boundaries=4).facts))
    except AllianceError:
        return
    plain = statement_document.to_plain(statement)
    for name in ("quantities", "slotTotals", "lines", "entries"):
        leaves = plain[name]
        assert isinstance(leaves, list)
        plain[name] = rng.sample(leaves, min(3, len(leaves)))
    yield {"ask": "statement", "document": plain}


def mutant(question: Question, rng: random.Random) -> Question:
    """The same question with one value of its document changed, left out, added, or in another place."""
    changed = copy.deepcopy(question)
    places = list(_places(changed, ["document"]))
    holder, key = rng.choice(places)
    rng.choice(_CHANGES)(holder, key, rng)
    return changed


def _places(holder: Any, keys: list[Any]) -> Iterator[Place]:
    for key in keys:
        yield holder, key
        inner = holder[key]
        if isinstance(inner, dict):
            yield from _places(inner, list(inner))
        elif isinstance(inner, list):
            yield from _places(inner, list(range(len(inner))))


def _nudge(holder: Any, key: Any, rng: random.Random) -> None:
    """Another value of the same type, close by or at a limit."""
    value = holder[key]
    if isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, int):
        holder[key] = rng.choice((value + 1, value - 1, value + 1, value - 1, -value, rng.choice(INTEGERS)))
    elif isinstance(value, bytes):
        at = rng.randrange(len(value) + 1)
        holder[key] = value[:at] + rng.choice((b"", b"\0")) + value[at + 1 :]
    elif isinstance(value, str):
        at = rng.randrange(len(value) + 1)
        holder[key] = value[:at] + rng.choice(("", " ", "0", "é", "\u2003")) + value[at + rng.randrange(2) :]
    elif isinstance(value, list) and value:
        at, other = rng.randrange(len(value)), rng.randrange(len(value))
        value[at], value[other] = value[other], value[at]


def _other_type(holder: Any, key: Any, rng: random.Random) -> None:
    holder[key] = rng.choice((None, True, 0, -1, "", "x", b"", [], {}, rng.choice(INTEGERS)))


def _lose(holder: Any, key: Any, rng: random.Random) -> None:
    del holder[key]
    if isinstance(holder, dict) and "ask" in holder:
        holder["document"] = None


def _double(holder: Any, key: Any, rng: random.Random) -> None:
    if isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[f"{key}x"] = copy.deepcopy(holder[key])
        if "ask" in holder:
            del holder[f"{key}x"]


_CHANGES: tuple[Callable[[Any, Any, random.Random], None], ...] = (_nudge, _nudge, _nudge, _other_type, _lose, _double)
