"""Lies about money: plans, rule packs and statements, archived, committed to, posted and logged anew, of one piece."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from alliance import certificate
from alliance.errors import AllianceError
from alliance.identity import ZERO_DIGEST, Digest
from alliance.statement import (
    GRID,
    PLATFORM,
    POOL,
    LineKind,
    Statement,
    account_name,
    assemble,
    balances_of,
    entries_of,
)
from oracle import statement_document
from oracle.log import Entry, EntryType
from tests.audit.world import DAY, FIRST_EPOCH, LAST_EPOCH
from tests.campaigns.evidence_archive_lies import leaf_places
from tests.campaigns.evidence_cases import Kind, Named, Right, Teller, Told
from tests.campaigns.evidence_story import Posted, Story, posting, resealed, rows_of
from tests.campaigns.evidence_story import Told as Epoch

KINDS: list[Kind] = []


def kind(name: str, weight: int = 1) -> Callable[[Teller], Teller]:
    """Registers a class of consistent lies."""

    def register(tell: Teller) -> Teller:
        KINDS.append(Kind(name=name, tell=tell, weight=weight, consistent=True))
        return tell

    return register


def some(story: Story, rng: Random) -> Posted:
    """The statement, mostly; its correction, sometimes."""
    return story.postings[rng.random() < 0.2]


def posted_instead(story: Story, posted: Posted, made: Statement, *right: Right) -> Told:
    """Another statement in the place of one; without names, the first leaf in which it differs is its name."""
    tale = story.retell({}, postings={posted.event.version: posting(made, posted.event)})
    return tale, right or tuple(leaf_places(posted.statement, made))


def rebooked(statement: Statement, **changes: Any) -> Statement:
    """The statement with other leaves, its books and balances made to agree."""
    s = replace(statement, **changes)
    return assemble(s.heading, quantities=s.quantities, slot_totals=s.slot_totals, lines=s.lines, weights=s.weights)


def put(items: tuple, at: int, item: object) -> tuple:
    """A tuple with one item exchanged."""
    return (*items[:at], item, *items[at + 1 :])


# ---- lines ----


@kind("statement.one-cent", 10)
def _(story: Story, rng: Random) -> Told:
    """A line moves a cent, or more, otherwise than the rules make it; all books agree with it."""
    posted = some(story, rng)
    at = rng.randrange(len(posted.statement.lines))
    line = posted.statement.lines[at]
    bent = replace(line, amount_cents=line.amount_cents + rng.choice([-1, 1, -1, 1, 100, -5_000]))
    made = rebooked(posted.statement, lines=put(posted.statement.lines, at, bent))
    right = Named(clause="8.6", says=f"line {line.kind.label}, ", where={"slot": line.slot})
    return posted_instead(story, posted, made, right)


@kind("statement.line-field", 5)
def _(story: Story, rng: Random) -> Told:
    """A line's quantity, price or evidence is another; the amount stays."""
    posted = some(story, rng)
    at = rng.randrange(len(posted.statement.lines))
    line = posted.statement.lines[at]
    step = rng.choice([-1, 1, 1000])
    bent = rng.choice(
        [
            replace(line, quantity_wh=line.quantity_wh + step),
            replace(line, price_cents_per_mwh=line.price_cents_per_mwh + step),
            replace(line, evidence=Digest(rng.randbytes(32))),
        ]
    )
    made = replace(posted.statement, lines=put(posted.statement.lines, at, bent))
    return posted_instead(story, posted, made)


@kind("statement.wrong-account", 4)
def _(story: Story, rng: Random) -> Told:
    """A line pays another account, or the other way round: the sum stays zero."""
    posted = some(story, rng)
    lines = posted.statement.lines
    at = rng.choice([i for i, line in enumerate(lines) if line.amount_cents] or [0])
    line = lines[at]
    members = [m for m in posted.statement.heading.roster if m not in (line.account, line.counterparty)]
    bent = rng.choice(
        [
            replace(line, amount_cents=-line.amount_cents) if line.amount_cents else replace(line, amount_cents=1),
            replace(line, account=rng.choice(members)),
        ]
    )
    others = [x for i, x in enumerate(lines) if i != at and x.identity != bent.identity]
    made = rebooked(posted.statement, lines=(*others, bent))
    return posted_instead(story, posted, made)


@kind("statement.two-swapped", 3)
def _(story: Story, rng: Random) -> Told:
    """Two members' amounts of the same kind and slot are exchanged: all sums stay."""
    posted = story.postings[0]
    lines = posted.statement.lines
    while True:
        a = rng.randrange(len(lines))
        same = [
            b for b, line in enumerate(lines)
            if (line.slot, line.kind) == (lines[a].slot, lines[a].kind) and line.amount_cents != lines[a].amount_cents
        ]  # fmt: skip
        if same:
            break
    b = rng.choice(same)
    one, other = lines[a], lines[b]
    swapped = put(
        put(lines, a, replace(one, amount_cents=other.amount_cents)), b, replace(other, amount_cents=one.amount_cents)
    )
    return posted_instead(story, posted, rebooked(posted.statement, lines=swapped))


@kind("statement.line-missing", 4)
def _(story: Story, rng: Random) -> Told:
    """A line is left out, the books agree."""
    posted = some(story, rng)
    at = rng.randrange(len(posted.statement.lines))
    line = posted.statement.lines[at]
    made = rebooked(
        posted.statement, lines=put(posted.statement.lines, at, line)[:at] + posted.statement.lines[at + 1 :]
    )
    right = Named(clause="8.6", says=f"line {line.kind.label}, ", where={"slot": line.slot})
    return posted_instead(story, posted, made, right)


@kind("statement.line-doubled", 3)
def _(story: Story, rng: Random) -> Told:
    """A line stands twice, and is booked twice."""
    posted = some(story, rng)
    at = rng.randrange(len(posted.statement.lines))
    lines = (*posted.statement.lines[: at + 1], *posted.statement.lines[at:])
    made = replace(
        posted.statement, lines=lines, entries=entries_of(lines),
        balances=balances_of(lines, posted.statement.heading.roster),
    )  # fmt: skip
    return posted_instead(story, posted, made)


@kind("statement.line-invented", 2)
def _(story: Story, rng: Random) -> Told:
    """A line that no rule makes: a member pays another, or the platform takes a second fee."""
    posted = some(story, rng)
    line = rng.choice(posted.statement.lines)
    bent = replace(
        line, slot=rng.randrange(97), kind=rng.choice(list(LineKind)), account=rng.choice(posted.statement.heading.roster),
        counterparty=rng.choice([PLATFORM, GRID, POOL]), subject=rng.randint(50, 99), amount_cents=-rng.randint(1, 9_999),
    )  # fmt: skip
    made = rebooked(posted.statement, lines=(*posted.statement.lines, bent))
    return posted_instead(story, posted, made)


@kind("statement.line-order", 1)
def _(story: Story, rng: Random) -> Told:
    """Two lines change places."""
    posted = some(story, rng)
    lines = posted.statement.lines
    at = rng.randrange(len(lines) - 1)
    moved = put(put(lines, at, lines[at + 1]), at + 1, lines[at])
    return posted_instead(story, posted, replace(posted.statement, lines=moved))


# ---- books, quantities, weights, balances ----


@kind("statement.entry", 4)
def _(story: Story, rng: Random) -> Told:
    """An account's book: an amount, a running balance, an index or a line is another, or two entries change places."""
    posted = some(story, rng)
    entries = posted.statement.entries
    at = rng.randrange(len(entries))
    entry = entries[at]
    step = rng.choice([-1, 1, 100])
    bent = rng.choice(
        [
            replace(entry, amount_cents=entry.amount_cents + step),
            replace(entry, balance_cents=entry.balance_cents + step),
            replace(entry, index=entry.index + abs(step)),
            replace(entry, line=(entry.line + 1) % len(posted.statement.lines)),
        ]
    )
    made = put(entries, at, bent)
    if rng.random() < 0.2 and at + 1 < len(entries):
        made = put(put(entries, at, entries[at + 1]), at + 1, entry)
    if rng.random() < 0.15:
        made = entries[:at] + entries[at + 1 :]
    return posted_instead(story, posted, replace(posted.statement, entries=made))


@kind("statement.quantity", 6)
def _(story: Story, rng: Random) -> Told:
    """A slot's energy, its status, its edges or its dispute is another than the evidence shows."""
    posted = story.postings[0]
    listed = posted.statement.quantities
    at = rng.randrange(len(listed))
    q = listed[at]
    changes = [
        replace(q, net_wh=q.net_wh + rng.choice([-1, 1, 1000])),
        replace(q, status=rng.choice([s for s in type(q.status) if s is not q.status])),
        replace(q, disputed=not q.disputed),
        replace(q, document=Digest(rng.randbytes(32))),
    ]
    if q.edge_from and q.edge_to:
        changes.append(replace(q, edge_to=replace(q.edge_to, seq=q.edge_to.seq + 1)))
        changes.append(replace(q, edge_from=None, edge_to=None))
    made = replace(posted.statement, quantities=put(listed, at, rng.choice(changes)))
    return posted_instead(story, posted, made)


@kind("statement.quantity-missing", 1)
def _(story: Story, rng: Random) -> Told:
    """A slot's energy is left out, stands twice, or a slot's total does."""
    posted = story.postings[0]
    name = rng.choice(["quantities", "slot_totals"])
    listed = getattr(posted.statement, name)
    at = rng.randrange(len(listed))
    bent = rng.choice([listed[:at] + listed[at + 1 :], (*listed[: at + 1], *listed[at:])])
    return posted_instead(story, posted, replace(posted.statement, **{name: bent}))


@kind("statement.slot-total", 2)
def _(story: Story, rng: Random) -> Told:
    """A running sum of a slot is another."""
    posted = story.postings[0]
    listed = posted.statement.slot_totals
    at = rng.randrange(len(listed))
    total = listed[at]
    bent = rng.choice(
        [
            replace(total, imports_wh=total.imports_wh + rng.randint(1, 99)),
            replace(total, exports_wh=total.exports_wh + rng.randint(1, 99)),
            replace(total, position=total.position + 1),
            replace(total, count=total.count + 1),
        ]
    )
    return posted_instead(story, posted, replace(posted.statement, slot_totals=put(listed, at, bent)))


@kind("statement.weights", 1)
def _(story: Story, rng: Random) -> Told:
    """A member's weight in the pool's shares is another."""
    posted = story.postings[0]
    weights = posted.statement.weights[0]
    at = rng.randrange(len(weights.weights_wh))
    member, energy_wh = weights.weights_wh[at]
    bent = replace(weights, weights_wh=put(weights.weights_wh, at, (member, energy_wh + rng.randint(1, 99))))
    return posted_instead(story, posted, replace(posted.statement, weights=put(posted.statement.weights, 0, bent)))


@kind("statement.balances", 2)
def _(story: Story, rng: Random) -> Told:
    """Document and posting give two accounts other balances than their books; the sum stays zero."""
    posted = some(story, rng)
    balances = list(posted.statement.balances)
    one, other = rng.sample(range(len(balances)), 2)
    cents = rng.choice([1, 100, 12_345])
    balances[one] += cents
    balances[other] -= cents
    account = posted.statement.accounts[min(one, other)]
    right = Named(clause="8.9.1", says=f"balance of {account_name(account)}", where={"slot": 96})
    return posted_instead(story, posted, replace(posted.statement, balances=tuple(balances)), right)


# ---- heading, posting ----


@kind("statement.heading", 5)
def _(story: Story, rng: Random) -> Told:
    """A statement of another alliance, day, roster, grouping, set of plans or rules, or of another part of the log."""
    posted = story.postings[0]
    h = posted.statement.heading
    sizes = [c.size for c in story.checkpoints]
    name, value = rng.choice(
        [
            ("alliance", rng.randbytes(32)),
            ("day", DAY.plus(rng.choice([-1, 1, 30]))),
            ("roster", h.roster[::-1]),
            ("groups", ()),
            ("groups", (replace(h.groups[0], stations=h.groups[0].stations[:-1]),)),
            ("schedules", h.schedules[:-1]),
            ("schedules", tuple(sorted((*h.schedules, Digest(rng.randbytes(32)))))),
            ("packs", (Digest(rng.randbytes(32)),)),
            ("log_size", rng.choice(sizes[:-6])),
            ("log_size", h.log_size + rng.choice([-1, 1])),
            ("log_size", sizes[-1] + rng.randint(1, 99)),
            ("previous", Digest(rng.randbytes(32))),
            ("deltas", True),
            ("version", 2),
        ]
    )
    made = replace(posted.statement, heading=replace(h, **{name: value}))
    right: tuple[Right, ...] = (
        Named(clause="8.9", where={"slot": 96}),
        Named(clause="4.5", says="withheld", where={"slot": 96}),
    )
    return posted_instead(story, posted, made, right[0])


@kind("correction.not-linked", 3)
def _(story: Story, rng: Random) -> Told:
    """The correction names another statement before it, is told as a whole day, or of the wrong version."""
    posted = story.postings[1]
    h = posted.statement.heading
    name, value = rng.choice(
        [
            ("previous", Digest(rng.randbytes(32))), ("previous", ZERO_DIGEST), ("deltas", False),
            ("version", 1), ("version", 3), ("log_size", story.postings[0].statement.heading.log_size),
        ]
    )  # fmt: skip
    made = replace(posted.statement, heading=replace(h, **{name: value}))
    if name == "log_size":
        return posted_instead(story, posted, made, Named(clause="8", says="nothing_to_correct", where={"slot": 96}))
    return posted_instead(story, posted, made, Named(clause="8.9", where={"slot": 96}))


@kind("correction.of-nothing", 2)
def _(story: Story, rng: Random) -> Told:
    """A correction that corrects less or more than it should: a delta left out, or one made up."""
    posted = story.postings[1]
    lines = posted.statement.lines
    if rng.random() < 0.5:
        at = rng.randrange(len(lines))
        return posted_instead(story, posted, rebooked(posted.statement, lines=lines[:at] + lines[at + 1 :]))
    line = rng.choice([x for x in story.postings[0].statement.lines if x.slot < 90])
    made = rebooked(posted.statement, lines=(*lines, replace(line, amount_cents=rng.choice([-1, 1]))))
    return posted_instead(story, posted, made)


@kind("posting.other-than-document", 5)
def _(story: Story, rng: Random) -> Told:
    """What is posted is not what the document says: its root, count, balances; or the document is another one."""
    posted = some(story, rng)
    statement = posted.statement
    at = rng.randrange(len(statement.lines))
    line = statement.lines[at]
    bent = rebooked(statement, lines=put(statement.lines, at, replace(line, amount_cents=line.amount_cents + 1)))
    made = posting(bent, posted.event)
    honest = posting(statement, posted.event)
    match rng.randrange(4):
        case 0:
            event = replace(honest.event, root=made.event.root)
            right: Right = Named(clause="8.9.1", says="posted root", where={"slot": 96})
        case 1:
            event = replace(honest.event, leaf_count=statement.leaf_count + rng.choice([-1, 1]))
            right = Named(clause="8.9.1", says="number of leaves", where={"slot": 96})
        case 2:
            event = replace(honest.event, balances_cents=made.event.balances_cents)
            right = Named(clause="8.9.1", says="posted balance", where={"slot": 96})
        case _:
            honest = replace(made, event=replace(honest.event, statement=made.event.statement))
            event = honest.event
            right = Named(clause="8.6", says=line.kind.label, where={"slot": line.slot})
    tale = story.retell({}, postings={posted.event.version: replace(honest, event=event)})
    return tale, (right,)


@kind("posting.document-form", 2)
def _(story: Story, rng: Random) -> Told:
    """The document is none: another version or kind, a leaf with a value too many, a number out of range."""
    posted = some(story, rng)
    plain: Any = statement_document.to_plain(posted.statement)
    match rng.randrange(7):
        case 0:
            plain["v"] = 2
        case 1:
            plain["kind"] = "invoice"
        case 2:
            plain["note"] = "x"
        case 3:
            del plain[rng.choice(sorted(plain))]
        case 4:
            rng.choice(plain["lines"]).append(0)
        case 5:
            rng.choice(plain["lines"])[8] = rng.choice([1 << 63, "12", None, True])
        case _:
            plain["balances"] = plain["balances"][:-1]
    named = posted.event.statement
    paper = resealed(EntryType.STATEMENT, plain, story.opened(named, story.epoch_of_entry(named)))
    made = replace(posted, document=paper, event=replace(posted.event, statement=paper.digest))
    tale = story.retell({}, postings={posted.event.version: made})
    return tale, (Named(clause="4.5", where={"slot": 96}),)


# ---- plans and rules ----


def _schedule(story: Story) -> tuple[Digest, Any]:
    """The day-ahead plan's document and its plain content."""
    entry = next(o for o in story.told[FIRST_EPOCH + 1].others if o.type is EntryType.SCHEDULE)
    return entry.document, story.content(entry.document, FIRST_EPOCH + 1)


def _logged_instead(story: Story, named: Digest, kind_of: EntryType, content: object, *right: Right) -> Told:
    before = story.opened(named, story.epoch_of_entry(named))
    made = resealed(kind_of, content, before)
    return story.retell({}, documents={named: made}), right


_PLAN = Named(clause="9")
_FORM = Named(clause="8.3.2")


_ANOTHER_PLAN = Named(clause="8.9", says="the statement's schedules", where={"slot": 96})
"""The plan is as good a proof as the first one, but the statement rests on the first one."""


def _still_proves(content: Any) -> bool:
    """Whether an altered certificate holds: a dual of the wrong sign counts as 0, whatever its size (9.2)."""
    try:
        certificate.check(certificate.certificate_from_plain(content["certificate"]))
    except AllianceError:
        return False
    return True


def _no_rows(epoch: int) -> Named:
    """A document that cannot be read has no rows that its rows entry could tell."""
    return Named(clause="4.2", says="rows entry of a document (", where={"epoch": epoch})


def _rows(content: Any) -> list[Any]:
    return content["schedule"]["schedule"]["rows"]


@kind("plan.row", 4)
def _(story: Story, rng: Random) -> Told:
    """A row of the plan is another, in the schedule alone or in the certificate's too."""
    named, content = _schedule(story)
    row = rng.choice(_rows(content))
    at = _number_in(row, rng)
    row[at] += rng.choice([-1, 1, 1000])
    if rng.random() < 0.5:
        content["certificate"]["certificate"]["schedule"] = content["schedule"]["schedule"]
    return _logged_instead(story, named, EntryType.SCHEDULE, content, _PLAN, _FORM, _no_rows(FIRST_EPOCH + 1))


def _number_in(row: Any, rng: Random) -> Any:
    names = row if isinstance(row, dict) else range(len(row))
    return rng.choice([n for n in names if isinstance(row[n], int) and not isinstance(row[n], bool)])


@kind("plan.price", 3)
def _(story: Story, rng: Random) -> Told:
    """A price or a gain of the plan is another."""
    named, content = _schedule(story)
    rows = content["schedule"]["schedule"][rng.choice(["prices", "gains"])]
    row = rng.choice(rows)
    at = _number_in(row, rng)
    row[at] += rng.choice([-1, 1, 1000])
    if rng.random() < 0.5:
        content["certificate"]["certificate"]["schedule"] = content["schedule"]["schedule"]
    return _logged_instead(story, named, EntryType.SCHEDULE, content, _PLAN, _FORM, _no_rows(FIRST_EPOCH + 1))


@kind("plan.certificate", 3)
def _(story: Story, rng: Random) -> Told:
    """A dual, the objective, the bound or the gap of the certificate is another; or there is no certificate."""
    named, content = _schedule(story)
    proof = content["certificate"]["certificate"]
    match rng.randrange(5):
        case 0:
            at = rng.randrange(len(proof["duals"]))
            proof["duals"][at] += rng.choice([-1, 1]) * 10**9
            if _still_proves(content):
                return _logged_instead(story, named, EntryType.SCHEDULE, content, _ANOTHER_PLAN)
        case 1:
            proof["objectiveMicrocents"] += rng.choice([-1, 1])
        case 2:
            proof["lowerBoundMicrocents"] += rng.choice([-1, 1])
        case 3:
            proof["gapPpm"] += 1
        case _:
            content["certificate"] = None
    return _logged_instead(story, named, EntryType.SCHEDULE, content, _PLAN, _FORM, _no_rows(FIRST_EPOCH + 1))


@kind("plan.form", 2)
def _(story: Story, rng: Random) -> Told:
    """The plan's document is none."""
    named, content = _schedule(story)
    match rng.randrange(4):
        case 0:
            content["note"] = "x"
        case 1:
            del content["certificate"]
        case 2:
            content["schedule"]["v"] = 9
        case _:
            content["schedule"]["schedule"]["rows"] = content["schedule"]["schedule"]["rows"][:-1]
    return _logged_instead(story, named, EntryType.SCHEDULE, content, _FORM, _PLAN, _no_rows(FIRST_EPOCH + 1))


@kind("plan.alliance", 1)
def _(story: Story, rng: Random) -> Told:
    """A plan of another alliance."""
    named, content = _schedule(story)
    content["schedule"]["schedule"]["alliance"] = rng.randbytes(32)
    if rng.random() < 0.5:
        content["certificate"]["certificate"]["schedule"] = content["schedule"]["schedule"]
    return _logged_instead(story, named, EntryType.SCHEDULE, content, Named(clause="8.3.2", says="alliance"), _PLAN)


@kind("plan.too-late", 1)
def _(story: Story, rng: Random) -> Told:
    """The plan is logged only when the day has begun; the statement settles by it as if it had been before."""
    entry = next(o for o in story.told[FIRST_EPOCH + 1].others if o.type is EntryType.SCHEDULE)
    later = rng.randint(DAY.first_slot, DAY.first_slot + 40)
    kept = [o for o in story.told[FIRST_EPOCH + 1].others if not _of(o, entry)]
    opened = story.opened(entry.document, FIRST_EPOCH + 1)
    made = resealed(EntryType.SCHEDULE, opened.content, opened)
    companions = [
        made.entry,
        *(rows_of(made, o) for o in story.told[FIRST_EPOCH + 1].others if o.type is EntryType.ROWS),
    ]

    def without(told: Epoch) -> Epoch:
        return replace(told, others=tuple(kept))

    def later_on(told: Epoch) -> Epoch:
        return replace(told, others=(*told.others, *companions))

    tale = story.retell({FIRST_EPOCH + 1: without, later: later_on})
    tale = replace(tale, blocks={**tale.blocks, made.digest: made.block})
    return tale, (Named(clause="8.9"), Named(clause="8.4"), Named(clause="8.6"), Named(clause="8.4.1"))


def _of(entry: Entry, document: Entry) -> bool:
    """Whether an entry is a document's, or tells its rows."""
    return entry.body[:32] == document.body[:32]


@kind("rules.pack", 3)
def _(story: Story, rng: Random) -> Told:
    """A rule pack with another price or fee, or a grouping with other groups: plan and statement do not follow from it."""
    entries = [o for o in story.told[FIRST_EPOCH].others if o.type is EntryType.RULE_PACK]
    entry = rng.choice(entries)
    content: Any = story.content(entry.document, FIRST_EPOCH)
    _bend_numbers(content["pack"] if content["kind"] == "tariff" else content["grouping"]["groups"], rng)
    right = [Named(clause=c) for c in ("8.3", "8", "8.9", "8.6", "8.2.3", "7", "8.4.1", "8.4.6", "8.6.3", "7.6")]
    right.append(_no_rows(FIRST_EPOCH))
    return _logged_instead(story, entry.document, EntryType.RULE_PACK, content, *right)


def _bend_numbers(plain: Any, rng: Random) -> None:
    """Another value for one of the numbers inside."""
    found: list[tuple[Any, Any]] = []

    def walk(at: Any) -> None:
        for name in at if isinstance(at, dict) else range(len(at)):
            if isinstance(at[name], dict | list):
                walk(at[name])
            elif isinstance(at[name], int) and not isinstance(at[name], bool):
                found.append((at, name))

    walk(plain)
    where, name = found[rng.randrange(len(found))]
    where[name] += rng.choice([-1, 1, 1000])


@kind("rules.form", 1)
def _(story: Story, rng: Random) -> Told:
    """A rule pack's document is none."""
    entries = [o for o in story.told[FIRST_EPOCH].others if o.type is EntryType.RULE_PACK]
    entry = rng.choice(entries)
    content: Any = story.content(entry.document, FIRST_EPOCH)
    match rng.randrange(3):
        case 0:
            content["kind"] = "advice"
        case 1:
            content["note"] = 1
        case _:
            content = [content]
    right = (Named(clause="8.3", where={"epoch": FIRST_EPOCH}), _no_rows(FIRST_EPOCH))
    return _logged_instead(story, entry.document, EntryType.RULE_PACK, content, *right)


@kind("rules.missing", 1)
def _(story: Story, rng: Random) -> Told:
    """A day that was settled without a rule pack or grouping in the log before it."""
    entries = [o for o in story.told[FIRST_EPOCH].others if o.type is EntryType.RULE_PACK]
    gone = rng.choice(entries)
    later = rng.randint(DAY.first_slot + 1, LAST_EPOCH)
    companions = tuple(o for o in story.told[FIRST_EPOCH].others if _of(o, gone))
    changes = {FIRST_EPOCH: lambda told: replace(told, others=tuple(o for o in told.others if not _of(o, gone)))}
    if rng.random() < 0.5:
        changes[later] = lambda told: replace(told, others=(*told.others, *companions))
    return story.retell(changes), (Named(clause="8.3"),)
