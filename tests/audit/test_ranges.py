"""Protocol 11.6, 11.7, 8.7.4: several days in one walk, a month to its end, one member's part, and going on after a cut."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from alliance.calendar import SLOTS_A_DAY, day_of
from alliance.identity import LeaseId, MemberId
from alliance.statement import LineKind
from audit.auditor import Asked, audit_evidence, audit_facts
from audit.evidence import Evidence
from audit.facts import Facts
from audit.focus import Focus
from audit.resume import ResumeFile, question
from audit.verdict import Outcome, Report
from chain.events import StatementPosted
from oracle import cbor
from simulation.span import BlockFile, Shape, Span

FIRST = day_of("2026-07-29")
DAYS = [FIRST.plus(n) for n in range(4)]
"""The third is its month's last; the lease ends with the fourth."""
SHAPE = Shape(first=FIRST, days=4, stations=2, readings=2, lease_slots=4 * SLOTS_A_DAY)


class Made:
    """A span, its facts and its blocks."""

    def __init__(self, folder: Path) -> None:
        self.blocks = BlockFile(folder / "blocks")
        self.span = Span(SHAPE, self.blocks)
        self.facts = self.span.run()

    def audit(self, *, facts: Facts | None = None, source: object = None, **asked) -> Report:
        days = asked.pop("days", DAYS)
        return audit_facts(facts or self.facts, lambda: source or self.blocks, days, asked=Asked(**asked))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    found = Made(tmp_path_factory.mktemp("span"))
    yield found
    found.blocks.close()


@cache
def order(lines: tuple) -> dict[LineKind, list]:
    return {kind: [line for line in lines if line.kind is kind] for kind in LineKind}


def test_days_pass_in_one_walk_when_everybody_keeps_to_the_rules(made: Made) -> None:
    report = made.audit()
    assert report.outcome is Outcome.PASS, report.found or report.unread
    assert [r.outcome for r in report.results] == [Outcome.PASS] * 4
    assert report.counts.statements == 4
    assert report.counts.lines == sum(len(made.span.statements[day].lines) for day in DAYS)


@pytest.mark.parametrize("at", range(4))
def test_each_day_alone_passes_as_in_the_range(made: Made, at: int) -> None:
    verdict = audit_evidence(made.facts, lambda: made.blocks, DAYS[at])
    assert verdict.outcome is Outcome.PASS, verdict.line
    assert verdict.counts.lines == len(made.span.statements[DAYS[at]].lines)


def test_month_and_term_close_with_facts_when_their_last_day_is_settled(made: Made) -> None:
    month, term = (order(made.span.statements[day].lines) for day in DAYS[2:])
    assert [len(month[k]) for k in (LineKind.LEASE_SLA, LineKind.LEASE_HANDOVER)] == [1, 0]
    assert [len(term[k]) for k in (LineKind.LEASE_SLA, LineKind.LEASE_HANDOVER)] == [1, 1]
    assert month[LineKind.LEASE_SLA][0].amount_cents == 0
    assert term[LineKind.LEASE_HANDOVER][0].quantity_wh == 0  # its plans end each day where they began


def test_lie_in_one_day_is_told_with_its_day_and_the_others_are_judged_when_all_are_wanted(made: Made) -> None:
    posted = [e for e in made.facts.events if isinstance(e, StatementPosted)]
    bent = {id(posted[1]): replace(posted[1], balances_cents=(posted[1].balances_cents[0] + 1, *posted[1].balances_cents[1:])),
            id(posted[3]): replace(posted[3], leaf_count=1)}  # fmt: skip
    facts = replace(made.facts, events=tuple(bent.get(id(e), e) for e in made.facts.events))
    first = made.audit(facts=facts)
    assert first.outcome is Outcome.FAIL
    assert [day for day, _ in first.found] == [DAYS[1]]
    every = made.audit(facts=facts, every=True)
    assert [day for day, _ in every.found] == [DAYS[1], DAYS[3]]
    assert "member:1" in every.found[0][1].rule
    assert [r.outcome for r in every.results] == [Outcome.PASS, Outcome.FAIL, Outcome.PASS, Outcome.FAIL]


class Source:
    """The blocks, with something done to one of them, or an end after so many."""

    def __init__(self, blocks: BlockFile, *, hidden: bytes | None = None, cut: int | None = None) -> None:
        self._blocks, self._hidden, self._left, self.asked = blocks, hidden, cut, 0

    def get(self, digest: bytes) -> bytes:
        self.asked += 1
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise KeyboardInterrupt
        return self._blocks.get(cbor.Cid(digest).digest if digest != self._hidden else bytes(32))

    def unchecked(self, digest: bytes) -> bytes | None:
        return None if digest == self._hidden else self._blocks.unchecked(digest)


def test_walk_goes_on_behind_an_epoch_that_was_withheld_when_all_are_wanted(made: Made) -> None:
    gone = made.facts.events[-20]
    hidden = next(e for e in reversed(made.facts.events[:-200]) if hasattr(e, "manifest")).manifest
    assert gone
    report = made.audit(source=Source(made.blocks, hidden=hidden), every=True)
    assert report.outcome is Outcome.FAIL
    rules = [one.rule for _, one in report.found]
    assert rules[0] == "protocol 4.3: the manifest that the checkpoint names: withheld"
    assert len(report.results) == 4


def test_days_that_are_not_over_are_unread_and_the_others_are_judged(made: Made) -> None:
    report = made.audit(days=[*DAYS, DAYS[-1].plus(1)])
    assert report.outcome is Outcome.UNREAD
    assert [r.outcome for r in report.results] == [Outcome.PASS] * 4
    assert "is not closed yet" in report.unread[0].why


# ---- one member, one lease ----


def test_member_sees_its_own_lines_and_only_its_readings_are_opened(made: Made) -> None:
    whole, own = made.audit(), made.audit(focus=Focus(member=MemberId(1)))
    assert own.outcome is Outcome.PASS
    assert own.counts.readings * 4 == whole.counts.readings * 3  # its own two channels, and the battery that it leases
    assert own.counts.lines == whole.counts.lines
    for result in own.results:
        assert sum(row.amount_cents for row in result.money) == dict(result.balances)["member:1"]
        assert result.taken == (2,)
    kinds = {row.kind for result in own.results for row in result.money}
    assert {LineKind.ENERGY_PLAN, LineKind.LEASE_RENT, LineKind.PLATFORM_FEE, LineKind.LEASE_HANDOVER} <= kinds


def test_members_own_readings_are_judged_even_when_others_are_taken_as_stated(made: Made) -> None:
    posted = {e.day: e for e in made.facts.events if isinstance(e, StatementPosted)}
    statement = made.span.statements[DAYS[1]]
    mine = next(q for q in statement.quantities if q.station == 1)
    assert mine.net_wh
    bent = replace(posted[DAYS[1].number], root=bytes(32))
    facts = replace(made.facts, events=tuple(bent if e is posted[DAYS[1].number] else e for e in made.facts.events))
    assert made.audit(facts=facts, focus=Focus(member=MemberId(1))).outcome is Outcome.FAIL


def test_lease_lists_what_its_lessee_received_and_paid(made: Made) -> None:
    report = made.audit(focus=Focus(lease=LeaseId(1)))
    assert report.outcome is Outcome.PASS
    rows = [row for result in report.results for row in result.money]
    assert {row.subject for row in rows} == {1}
    rent = sum(row.amount_cents for row in rows if row.kind is LineKind.LEASE_RENT)
    assert rent == -made.span.lease.rent_cents


@pytest.mark.parametrize("focus", [Focus(member=MemberId(9)), Focus(lease=LeaseId(9))])
def test_focus_that_nobody_has_is_unread(made: Made, focus: Focus) -> None:
    report = made.audit(focus=focus)
    assert report.outcome is Outcome.UNREAD
    assert "focus_unknown" in report.unread[0].why


# ---- going on ----


@pytest.fixture
def resumed(made: Made, tmp_path: Path) -> Callable[[], ResumeFile]:
    named = question(made.facts.deployment, DAYS, Focus(), archive="x", reader="", version="1")
    return lambda: ResumeFile(tmp_path / "cache", named)


def cut(made: Made, resume: ResumeFile, after: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        made.audit(source=Source(made.blocks, cut=after), resume=resume)


def asked_of(made: Made, resume: ResumeFile) -> tuple[int, Report]:
    source = Source(made.blocks)
    report = made.audit(source=source, resume=resume)
    return source.asked, report


def test_audit_goes_on_where_it_was_cut_and_tells_the_same(made: Made, resumed) -> None:
    whole, clean = asked_of(made, resumed())
    assert not resumed().path.exists()
    for after in (whole * 2 // 3, whole * 9 // 10):
        cut(made, resumed(), after)
        assert resumed().path.exists()
        fewer, report = asked_of(made, resumed())
        assert fewer < whole
        assert (report.outcome, report.results) == (clean.outcome, clean.results)
        assert replace(report.counts, blocks=0, block_bytes=0) == replace(clean.counts, blocks=0, block_bytes=0)
        assert not resumed().path.exists()


def test_resume_file_counts_for_nothing_when_it_was_altered(made: Made, resumed) -> None:
    whole, _ = asked_of(made, resumed())
    cut(made, resumed(), whole * 9 // 10)
    good = resumed().path.read_bytes()
    for at in (0, len(good) // 2, len(good) - 1):
        resumed().path.write_bytes(bytes([*good[:at], good[at] ^ 1, *good[at + 1 :]]))
        assert resumed().load(made.facts, [e for e in made.facts.events if hasattr(e, "manifest")]) is None
    resumed().path.write_bytes(good[: len(good) // 2])
    assert asked_of(made, resumed())[0] == whole


def test_resume_file_counts_for_nothing_when_the_question_or_the_chain_is_another(
    made: Made, resumed, tmp_path: Path
) -> None:
    checkpoints = [e for e in made.facts.events if hasattr(e, "manifest")]
    whole, _ = asked_of(made, resumed())
    cut(made, resumed(), whole * 9 // 10)
    assert resumed().load(made.facts, checkpoints) is not None
    for other in (
        question(made.facts.deployment, DAYS[:3], Focus(), archive="x", reader="", version="1"),
        question(made.facts.deployment, DAYS, Focus(member=MemberId(1)), archive="x", reader="", version="1"),
        question(replace(made.facts.deployment, chain_id=1), DAYS, Focus(), archive="x", reader="", version="1"),
        question(made.facts.deployment, DAYS, Focus(), archive="x", reader="", version="2"),
    ):
        renamed = ResumeFile(tmp_path / "cache", other)
        renamed.path.write_bytes(resumed().path.read_bytes())
        assert renamed.load(made.facts, checkpoints) is None
    reorganised = replace(made.facts, headers=lambda number: None)
    assert resumed().load(reorganised, checkpoints) is None
    bent = [replace(c, root=bytes(32)) for c in checkpoints]
    assert resumed().load(made.facts, bent) is None


def test_evidence_of_past_days_is_forgotten_on_the_way(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    forget = Evidence.forget

    def counted(self: Evidence, before_epoch: int) -> None:
        forget(self, before_epoch)
        kept.append(max(map(len, self.streams.values()), default=0))

    monkeypatch.setattr(Evidence, "forget", counted)
    assert made.audit().outcome is Outcome.PASS
    assert max(kept) <= 3 * SLOTS_A_DAY + 5 < 4 * SLOTS_A_DAY
