"""Questions that both implementations of the settlement rules answer: their plain form, and this implementation's answers.

The other one stands in `frontend/verifier/src/settlement` and answers the same in `question.ts`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from alliance.calendar import Day
from alliance.certificate import certificate_from_plain
from alliance.certificate import check as check_certificate
from alliance.closing import DayUse, closing_days
from alliance.day import (
    DayFacts,
    Grouping,
    Meter,
    Place,
    day_use,
    groups_document,
    rule_document,
    settlement_inputs,
    tariff_document,
)
from alliance.errors import AllianceError
from alliance.fleet import Channel, Station
from alliance.identity import ZERO_DIGEST, Digest, LeaseId
from alliance.lease import EarlyEnd, Lease
from alliance.money import largest_remainder, mul_div
from alliance.quantity import Bracket
from alliance.reading import Reading
from alliance.rulepack import RulePack
from alliance.schedule import Schedule, from_plain, schedule_from_plain, schedule_to_plain, to_plain
from alliance.settlement import apply_correction, correct, settle
from alliance.statement import Statement, account_name
from oracle import rows, statement_document
from oracle.settlement_tree import leaves_of, settlement_tree
from tests.settlement.random_facts import Seen

Question = dict[str, Any]
Answer = dict[str, Any]


def day_question(seen: Seen, *, tree: bool) -> Question:
    """A day, and the same day seen later, as maps and lists; without `tree` leaves are compared by their digest."""
    facts = seen.facts
    rules = [
        *([*_place(place), tariff_document(pack)] for place, pack in facts.packs),
        *([*_place(place), groups_document(grouping)] for place, grouping in facts.groupings),
    ]
    return {
        "ask": "day",
        "tree": tree,
        "alliance": facts.alliance,
        "day": facts.day.number,
        "roster": list(facts.roster),
        "stations": [to_plain(station) for station in facts.stations],
        "leases": [to_plain(lease) for lease in facts.leases],
        "earlyEnds": [[n, x.end_slot, x.by or 0, x.price_cents] for n, x in facts.early_ends.items()],
        "rules": rules,
        "schedules": _schedules(facts.schedules),
        "meters": list(map(_meter, facts.meters)),
        "logSize": facts.log_size,
        "uses": [
            {"day": day.number, "schedules": _schedules(schedules), "batteries": list(map(_meter, batteries))}
            for day, schedules, batteries in seen.uses
        ],
        "later": [{"meters": list(map(_meter, later.meters)), "logSize": later.log_size} for later in seen.later],
    }


def answer(question: Question) -> Answer:
    """This implementation's answer."""
    try:
        return _ANSWERS[question["ask"]](question)
    except AllianceError as error:
        return refusal(error)


def shown(statement: Statement, root: Digest) -> Answer:
    """A statement by its root, the number of its leaves, and its balances."""
    names = map(account_name, statement.accounts)
    balances = [[name, str(cents)] for name, cents in zip(names, statement.balances, strict=True)]
    return {"root": _hex(root), "leaves": statement.leaf_count, "balances": balances}


def refusal(error: AllianceError) -> Answer:
    """An error by its code and the place that it names."""
    station, slot = error.facts.get("station"), error.facts.get("slot")
    return {"error": error.code, "station": station or None, "slot": slot}


def _root(statement: Statement) -> Digest:
    return settlement_tree(statement).root


def _leaves_digest(statement: Statement) -> Digest:
    """SHA-256 over the leaves' bodies in order: says of the leaves what the root says, without the cost of its tree."""
    return Digest(hashlib.sha256(b"".join(leaf.body for leaf in leaves_of(statement))).digest())


def _day(question: Question) -> Answer:
    """The day's statement and its correction, as far as the rules let them come."""
    first = _facts(question)
    later = (replace(first, meters=_meters_in(x["meters"]), log_size=x["logSize"]) for x in question["later"])
    digest = _root if question["tree"] else _leaves_digest
    found: list[Answer] = []
    whole: Statement | None = None
    root = ZERO_DIGEST
    try:
        for facts in (first, *later):
            settled = settle(settlement_inputs(facts))
            posted = settled if whole is None else correct(whole, settled, previous_root=root)
            root = digest(posted)
            whole = posted if whole is None else apply_correction(whole, posted)
            found.append(shown(posted, root))
    except AllianceError as error:
        found.append(refusal(error))
    return {"versions": found}


def _facts(question: Question) -> DayFacts:
    day = Day(question["day"])
    leases = tuple(from_plain(Lease, plain, where="lease") for plain in question["leases"])
    early_ends = {
        LeaseId(number): EarlyEnd(end_slot=slot, by=by or None, price_cents=price)
        for number, slot, by, price in question["earlyEnds"]
    }
    rules = [(_place_in(row), rule_document(row[3])) for row in question["rules"]]
    return DayFacts(
        alliance=question["alliance"],
        day=day,
        roster=tuple(question["roster"]),
        stations=tuple(from_plain(Station, plain, where="station") for plain in question["stations"]),
        leases=leases,
        early_ends=early_ends,
        schedules=_schedules_in(question["schedules"]),
        packs=tuple((place, rule) for place, rule in rules if isinstance(rule, RulePack)),
        groupings=tuple((place, rule) for place, rule in rules if isinstance(rule, Grouping)),
        meters=_meters_in(question["meters"]),
        log_size=question["logSize"],
        uses=_uses(question["uses"], leases, closing_days(leases, early_ends, day)),
    )


def _uses(uses: list[Any], leases: tuple[Lease, ...], needed: dict[Day, bool]) -> dict[Day, DayUse]:
    """The use of each closing day that the question gives."""
    return {
        day: day_use(
            day,
            schedules=_schedules_in(use["schedules"]),
            leases=leases,
            batteries=_meters_in(use["batteries"]),
            deliveries=needed[day],
        )
        for use in uses
        for day in (Day(use["day"]),)
        if day in needed
    }


def _place_in(row: list[Any]) -> Place:
    return Place(digest=row[0], entry=row[1], anchored_ms=row[2])


def _schedules_in(rows: list[Any]) -> tuple[tuple[Place, Schedule], ...]:
    return tuple((_place_in(row), schedule_from_plain(row[3])) for row in rows)


def _meters_in(meters: list[Any]) -> tuple[Meter, ...]:
    return tuple(
        Meter(
            channel=from_plain(Channel, meter["channel"], where="channel"),
            readings=tuple(_reading_in(row) for row in meter["readings"]),
            disputed=frozenset(meter["disputed"]),
        )
        for meter in meters
    )


def _reading_in(row: list[int]) -> tuple[Reading, Bracket]:
    flags, seq, t_ms, c, d, earliest_ms, latest_ms = row
    reading = Reading(flags=flags, channel=1, seq=seq, t_ms=t_ms, a=0, b=0, c=c, d=d, salt=bytes(16))
    return reading, Bracket(earliest_ms, latest_ms)


def _place(place: Place) -> list[Any]:
    return [place.digest, place.entry, place.anchored_ms]


def _schedules(schedules: tuple[tuple[Place, Schedule], ...]) -> list[Any]:
    return [[*_place(place), schedule_to_plain(schedule)] for place, schedule in schedules]


def _meter(meter: Meter) -> dict[str, Any]:
    return {
        "channel": to_plain(meter.channel),
        "disputed": sorted(meter.disputed),
        "readings": [
            [r.flags, r.seq, r.t_ms, r.c, r.d, limits.earliest_ms, limits.latest_ms] for r, limits in meter.readings
        ],
    }


def _certificate(question: Question) -> Answer:
    check_certificate(certificate_from_plain(question["document"]))
    return {"proved": True}


def _schedule(question: Question) -> Answer:
    return _rows(rows.schedule_rows(schedule_from_plain(question["document"]), question["salt"]))


def _rule(question: Question) -> Answer:
    rule = rule_document(question["document"])
    return _rows(rows.pack_rows(rule) if isinstance(rule, RulePack) else rows.grouping_rows(rule))


def _rows(found: tuple[bytes, ...]) -> Answer:
    return {"rows": len(found), "root": _hex(rows.rows_root(found))}


def _statement(question: Question) -> Answer:
    statement = statement_document.from_plain(question["document"])
    return shown(statement, _root(statement))


def _mul_div(question: Question) -> Answer:
    return {"cents": str(mul_div(question["a"], question["b"], question["c"]))}


def _split(question: Question) -> Answer:
    parts = largest_remainder(question["total"], dict(question["weights"]))
    return {"parts": [[key, str(part)] for key, part in parts.items()]}


_ANSWERS: dict[str, Callable[[Question], Answer]] = {
    "day": _day,
    "certificate": _certificate,
    "schedule": _schedule,
    "rule": _rule,
    "statement": _statement,
    "mulDiv": _mul_div,
    "split": _split,
}


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()
