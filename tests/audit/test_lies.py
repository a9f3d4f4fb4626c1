"""Protocol 11: an operator who signs, orders, omits or settles otherwise is found, though the chain took its word."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from alliance.calendar import DAY_SLOT
from alliance.identity import Address, Digest
from alliance.statement import LineKind, Statement, assemble
from audit import auditor, evidence
from audit.verdict import Outcome, Verdict
from chain import devices
from oracle import segment
from oracle.hashing import sha256
from oracle.manifest import RowStatus
from oracle.segment import SealedSegment
from tests.audit.world import (
    BATTERY,
    BOXES,
    BRANCH_EPOCH,
    DAY,
    LAST_EPOCH,
    METER,
    OWNERS,
    ROLES,
    STRANGER,
    Lies,
    Segments,
    World,
)

EPOCH = BRANCH_EPOCH + 1
SLOT = EPOCH - DAY.first_slot
STREAM = (BOXES[0].address, METER)
Audited = Callable[..., Verdict]


def only(epoch: int, change: Callable) -> Callable:
    """A lie of one epoch."""
    return lambda at, found: change(found) if at == epoch else found


def resigned(world: World, one: SealedSegment, signer, **changes) -> SealedSegment:
    bent = replace(one.signed.segment, **changes)
    return replace(one, signed=segment.sign(bent, domain=world.deployment.domain, signer=signer))


def refused(verdict: Verdict, clause: str) -> Verdict:
    assert verdict.outcome is Outcome.FAIL, verdict.line
    assert clause in verdict.divergence.rule, verdict.line
    return verdict


def place(verdict: Verdict) -> tuple:
    where = verdict.divergence.where
    return where.station, where.channel, where.slot


# Whole days


def test_day_passes_when_everybody_keeps_to_the_rules(audited: Audited) -> None:
    verdict = audited()
    assert verdict.outcome is Outcome.PASS, verdict.line
    assert verdict.counts.epochs == LAST_EPOCH + 2 - (DAY.first_slot - 3) + 1
    assert verdict.counts.lines > 96 * 3 * 4
    assert verdict.divergence is None
    assert verdict.to_plain()["verdict"] == "pass"


def test_day_passes_when_a_box_was_silent_and_another_late(audited: Audited, world: World) -> None:
    held: Segments = {}

    def late(found: Segments) -> Segments:
        held[STREAM] = found.pop(STREAM)
        return found

    def both(found: Segments) -> Segments:
        first = held[STREAM][0]
        head = replace(world.memory.heads[STREAM], next_seq=first.signed.segment.next_seq, digest=first.signed.digest)
        second = found[STREAM][0].decoded()
        beacon = (found[STREAM][0].signed.segment.beacon_block, found[STREAM][0].signed.segment.beacon_hash)
        last, held_last = world.memory.last[STREAM], first.decoded()[-1]
        c, d = held_last.c - last.c, held_last.d - last.d
        moved = [replace(r, seq=r.seq + 3, c=r.c + c, d=r.d + d) for r in second]
        found[STREAM] = [first, world.sealed(BOXES[0], METER, moved, beacon=beacon, head=head)]
        return found

    lies = Lies(segments=lambda at, found: {EPOCH: late, EPOCH + 1: both}.get(at, lambda x: x)(found))
    assert audited(lies).outcome is Outcome.PASS


def test_missing_statement_is_a_divergence_when_the_day_is_over(audited: Audited) -> None:
    verdict = refused(audited(Lies(post=False)), "8.9")
    assert verdict.divergence.where.slot == DAY_SLOT
    assert (verdict.divergence.expected, verdict.divergence.got) == ("a posted statement", "none")


def test_nothing_is_judged_when_the_day_is_not_closed_or_no_rules_bind_it(audited: Audited) -> None:
    assert audited(day=DAY.plus(1)).outcome is Outcome.UNREAD
    before = audited(day=DAY.plus(-1))
    assert before.outcome is Outcome.UNREAD
    assert before.unread.what in ("rules", "day")


# Evidence


def test_segment_of_a_key_that_nobody_confirmed_is_named(audited: Audited, world: World) -> None:
    def forged(found: Segments) -> Segments:
        return found | {STREAM: [resigned(world, found[STREAM][0], STRANGER)]}

    verdict = refused(audited(Lies(segments=only(EPOCH, forged))), "6.3")
    assert place(verdict) == (1, METER, SLOT)
    assert STRANGER.address.hex() in verdict.divergence.got


def test_segment_signed_by_the_owner_is_named(audited: Audited, world: World) -> None:
    def forged(found: Segments) -> Segments:
        return found | {STREAM: [resigned(world, found[STREAM][0], OWNERS[0])]}

    assert place(refused(audited(Lies(segments=only(EPOCH, forged))), "6.3")) == (1, METER, SLOT)


def test_replayed_segment_is_named(audited: Audited, world: World) -> None:
    def replayed(found: Segments) -> Segments:
        old = [s for _, s, _ in world.memory.logged if (s.signed.segment.device, s.signed.segment.channel) == STREAM]
        return found | {STREAM: [old[-1]]}

    refused(audited(Lies(segments=only(EPOCH, replayed), post=False)), "4.2")


def test_skipped_segment_is_named_by_its_stream(audited: Audited, world: World) -> None:
    def skipped(found: Segments) -> Segments:
        one = found[STREAM][0]
        later = [replace(r, seq=r.seq + 3) for r in one.decoded()]
        head = replace(world.memory.heads[STREAM], next_seq=one.signed.segment.next_seq, digest=one.signed.digest)
        s = one.signed.segment
        return found | {
            STREAM: [world.sealed(BOXES[0], METER, later, beacon=(s.beacon_block, s.beacon_hash), head=head)]
        }

    verdict = refused(audited(Lies(segments=only(EPOCH, skipped))), "4.3")
    assert place(verdict)[:2] == (1, METER)


def test_register_that_falls_is_named(audited: Audited, world: World) -> None:
    def fallen(found: Segments) -> Segments:
        one, s = found[STREAM][0], found[STREAM][0].signed.segment
        readings = [replace(r, c=r.c - 10**6) for r in one.decoded()]
        return found | {STREAM: [world.sealed(BOXES[0], METER, readings, beacon=(s.beacon_block, s.beacon_hash))]}

    verdict = refused(audited(Lies(segments=only(EPOCH, fallen))), "2.4")
    assert place(verdict) == (1, METER, SLOT)


def test_changed_reading_is_named_when_its_signature_stays(audited: Audited) -> None:
    def changed(found: Segments) -> Segments:
        one = found[STREAM][0]
        raw = bytearray(one.readings)
        raw[64 + 40] ^= 1
        return found | {STREAM: [replace(one, readings=bytes(raw))]}

    verdict = refused(audited(Lies(evidence=only(EPOCH, changed))), "3.2")
    assert place(verdict) == (1, METER, SLOT)
    assert verdict.divergence.where.seq is not None


def test_wrong_secret_is_named(audited: Audited) -> None:
    def changed(found: Segments) -> Segments:
        return found | {STREAM: [replace(found[STREAM][0], secret=sha256(b"other"))]}

    assert place(refused(audited(Lies(evidence=only(EPOCH, changed))), "3.2")) == (1, METER, SLOT)


def test_segment_left_out_of_its_block_is_named(audited: Audited, world: World) -> None:
    def two(found: Segments) -> Segments:
        first = found[STREAM][0]
        s = first.signed.segment
        head = replace(world.memory.heads[STREAM], next_seq=s.next_seq, digest=first.signed.digest)
        gap = world.sealed(BOXES[0], METER, [], beacon=(s.beacon_block, s.beacon_hash), head=head)
        return found | {STREAM: [first, replace(gap, secret=Digest(bytes(32)))]}

    whole = Lies(segments=only(EPOCH, two))
    assert audited(whole).outcome is Outcome.PASS
    left_out = Lies(segments=only(EPOCH, two), evidence=only(EPOCH, lambda f: f | {STREAM: f[STREAM][:1]}))
    assert place(refused(audited(left_out), "4.3")) == (1, METER, SLOT)


# The log


def test_entries_out_of_order_are_named(audited: Audited) -> None:
    swapped = Lies(entries=only(EPOCH, lambda e: [e[0], e[2], e[1], *e[3:]]))
    assert refused(audited(swapped), "4.2").divergence.where.slot == SLOT


def test_missing_entry_is_named(audited: Audited) -> None:
    verdict = refused(audited(Lies(entries=only(EPOCH, lambda e: e[:-1]))), "4.")
    assert verdict.divergence.where.epoch == EPOCH


def test_epoch_without_its_own_entry_is_named(audited: Audited) -> None:
    assert refused(audited(Lies(entries=only(EPOCH, lambda e: e[1:]))), "4.2").divergence.where.epoch == EPOCH


@pytest.mark.parametrize(
    "bend",
    [
        lambda m: replace(m, size=m.size + 1),
        lambda m: replace(m, root=sha256(b"fork")),
        lambda m: replace(m, prev=sha256(b"other")),
        lambda m: replace(m, log=sha256(b"other")),
        lambda m: replace(m, epoch=m.epoch + 1),
        lambda m: replace(m, as_of_block=m.as_of_block - 1),
        lambda m: replace(m, as_of_hash=sha256(b"other")),
    ],
)
def test_manifest_that_says_another_thing_is_named(audited: Audited, bend: Callable) -> None:
    assert refused(audited(Lies(manifest=only(EPOCH, bend))), "4.").divergence.where.epoch == EPOCH


def test_row_left_out_is_named_by_its_channel(audited: Audited) -> None:
    def left_out(found: Segments) -> Segments:
        return {stream: s for stream, s in found.items() if stream != STREAM}

    lies = Lies(
        segments=only(EPOCH, left_out),
        manifest=only(EPOCH, lambda m: replace(m, rows=tuple(r for r in m.rows if (r.device, r.channel) != STREAM))),
    )
    assert place(refused(audited(lies), "4.3")) == (1, METER, SLOT)


@pytest.mark.parametrize(
    "changes",
    [{"status": RowStatus.LATE}, {"head": sha256(b"other")}, {"last_seq": 10**6}, {"first_seq": 0}],
)
def test_row_that_says_another_thing_is_named(audited: Audited, changes: dict) -> None:
    def bent(m):
        rows = tuple(replace(r, **changes) if (r.device, r.channel) == STREAM else r for r in m.rows)
        return replace(m, rows=rows)

    assert place(refused(audited(Lies(manifest=only(EPOCH, bent))), "4.3")) == (1, METER, SLOT)


def test_row_of_a_channel_that_nobody_registered_is_named(audited: Audited) -> None:
    def more(m):
        stray = replace(
            m.rows[-1], device=Address(b"\xff" * 20), evidence=None, first_seq=None, last_seq=None,
            head=Digest(bytes(32)), status=RowStatus.SILENT,
        )  # fmt: skip
        return replace(m, rows=(*m.rows, stray))

    assert refused(audited(Lies(manifest=only(EPOCH, more))), "4.3").divergence.where.device == b"\xff" * 20


# The statement


def moved(statement: Statement, kind: LineKind, cents: int = 1) -> tuple[Statement, int]:
    """A statement in which one line of slot 40 moves more money, and books agree with it."""
    at = next(i for i, line in enumerate(statement.lines) if (line.slot, line.kind) == (40, kind))
    line = statement.lines[at]
    lines = [*statement.lines]
    lines[at] = replace(line, amount_cents=line.amount_cents + cents)
    made = assemble(
        statement.heading, quantities=statement.quantities, slot_totals=statement.slot_totals, lines=lines,
        weights=statement.weights,
    )  # fmt: skip
    return made, line.amount_cents


@pytest.mark.parametrize(
    ("kind", "station"), [(LineKind.LEASE_RENT, 3), (LineKind.LEASE_WEAR, 3)]
)  # fmt: skip
def test_one_cent_too_much_is_named_by_line(audited: Audited, kind: LineKind, station: int) -> None:
    verdict = refused(audited(Lies(statement=lambda s: moved(s, kind)[0])), kind.label)
    where = verdict.divergence.where
    assert (where.station, where.slot) == (station, 40)
    want, got = verdict.divergence.expected, verdict.divergence.got
    assert int(got.removeprefix("amount_cents=")) - int(want.removeprefix("amount_cents=")) == 1


def test_statement_that_was_archived_differently_is_named_by_line(audited: Audited) -> None:
    lies = Lies(archived=lambda s: moved(s, LineKind.LEASE_RENT)[0])
    verdict = refused(audited(lies), "lease_rent")
    assert verdict.divergence.where.slot == 40


def test_energy_that_no_meter_showed_is_named_by_station_and_slot(audited: Audited) -> None:
    def invented(s: Statement) -> Statement:
        at = next(i for i, q in enumerate(s.quantities) if (q.station, q.slot) == (2, 30))
        quantities = [*s.quantities]
        quantities[at] = replace(quantities[at], net_wh=quantities[at].net_wh + 1)
        return replace(s, quantities=tuple(quantities))

    verdict = refused(audited(Lies(statement=invented)), "8.4.1")
    assert (verdict.divergence.where.station, verdict.divergence.where.slot) == (2, 30)


def test_posted_balance_that_is_not_the_statements_is_named_by_account(audited: Audited) -> None:
    def shifted(posting):
        first, second, *rest = posting.balances_cents
        return replace(posting, balances_cents=(first + 1, second - 1, *rest))

    verdict = refused(audited(Lies(posting=shifted)), "balance of member:1")
    assert verdict.divergence.expected.endswith(" cents")


@pytest.mark.parametrize(
    "bend", [lambda p: replace(p, root=sha256(b"other")), lambda p: replace(p, leaf_count=p.leaf_count + 1)]
)
def test_posted_root_or_count_that_is_not_the_statements_is_named(audited: Audited, bend: Callable) -> None:
    refused(audited(Lies(posting=bend)), "8.9.1")


def test_statement_that_closes_its_eyes_to_the_end_of_the_day_is_named(audited: Audited, world: World) -> None:
    early = Lies(size=lambda size: world.memory.sizes[LAST_EPOCH - 1])
    refused(audited(early), "8.9: a statement sees the log")
    unknown = Lies(size=lambda size: size - 1)
    refused(audited(unknown), "8.9: a statement sees the log")


def test_statement_that_names_no_document_is_a_divergence(audited: Audited) -> None:
    lies = Lies(posting=lambda p: replace(p, statement=sha256(b"nothing")))
    verdict = refused(audited(lies), "4.5")
    assert "withheld" in verdict.divergence.rule


# Keys


def test_readings_of_a_revoked_key_do_not_count_until_a_valid_one_continues_them(
    audited: Audited, world: World
) -> None:
    """The key is revoked before the last epoch: its last segment is logged and is no evidence, so the slot is assumed."""

    def revoke(at: int, found: Segments) -> Segments:
        if at == LAST_EPOCH:
            world.send(OWNERS[0], "DeviceRegistry", devices.revoke_delegate(BOXES[0].address, BOXES[0].address))
        return {s: f for s, f in found.items() if at <= LAST_EPOCH or s[0] != BOXES[0].address}

    verdict = refused(audited(Lies(segments=revoke)), "8.4.1")
    assert (verdict.divergence.where.station, verdict.divergence.where.slot) == (1, 95)
    assert "status=3" in verdict.divergence.expected


def without_box(number: int, at: int, *, since: int) -> Callable[[int, Segments], Segments]:
    """A box whose uplink is down from an epoch on, for one epoch if `at` is the only one."""
    return lambda epoch, found: (
        {s: f for s, f in found.items() if s[0] != BOXES[number - 1].address} if since <= epoch <= at else found
    )


def report(world: World) -> None:
    call = devices.compromised_since(BOXES[0].address, BOXES[0].address, epoch=EPOCH)
    world.send(ROLES["attestor"], "DeviceRegistry", call)


def test_day_passes_when_a_key_is_reported_after_the_last_epoch_that_was_seen(audited: Audited) -> None:
    lies = Lies(segments=without_box(1, LAST_EPOCH + 9, since=LAST_EPOCH + 1), before_posting=report)
    assert audited(lies).outcome is Outcome.PASS


def test_disputed_readings_must_be_marked_when_the_report_came_in_time(audited: Audited, world: World) -> None:
    def reported(at: int, found: Segments) -> Segments:
        if at == LAST_EPOCH:
            report(world)
        return {s: f for s, f in found.items() if at < LAST_EPOCH or s[0] != BOXES[0].address}

    verdict = refused(audited(Lies(segments=reported)), "8.4.1")
    assert (verdict.divergence.where.station, verdict.divergence.where.slot) == (1, SLOT)
    assert (verdict.divergence.expected, verdict.divergence.got) == ("disputed=True", "disputed=False")


# Corrections


def late_box(world: World) -> Callable[[int, Segments], Segments]:
    """Station 1's meter is heard of again only after the statement: its last quarter of an hour comes late."""
    held: list[SealedSegment] = []

    def lie(at: int, found: Segments) -> Segments:
        if at == LAST_EPOCH:
            held[:] = found.pop(STREAM)
        elif at == LAST_EPOCH + 1:
            found[STREAM] = list(held)
        return found

    return lie


def test_day_passes_when_late_evidence_is_corrected(audited: Audited, world: World) -> None:
    verdict = audited(Lies(segments=late_box(world), correction=True))
    assert verdict.outcome is Outcome.PASS, verdict.line
    first, second = world.memory.statements
    assert not first.heading.deltas
    assert second.heading.deltas
    assert verdict.counts.lines == len(first.lines) + len(second.lines)


def test_correction_that_moves_another_cent_is_named_by_line(audited: Audited, world: World) -> None:
    def bent(s: Statement) -> Statement:
        if not s.heading.deltas:
            return s
        lines = [replace(s.lines[0], amount_cents=s.lines[0].amount_cents + 1), *s.lines[1:]]
        return assemble(s.heading, quantities=s.quantities, slot_totals=s.slot_totals, lines=lines, weights=s.weights)

    lies = Lies(segments=late_box(world), correction=True, archived=bent)
    assert refused(audited(lies), "8.6").divergence.where.slot == 95


def test_battery_evidence_is_checked_too(audited: Audited, world: World) -> None:
    stream = (BOXES[1].address, BATTERY)

    def forged(found: Segments) -> Segments:
        return found | {stream: [resigned(world, found[stream][0], STRANGER)]}

    assert place(refused(audited(Lies(segments=only(EPOCH, forged))), "6.3")) == (2, BATTERY, SLOT)


# How much is read


def test_day_passes_when_the_day_before_is_known_by_its_last_segments_alone(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.evidence.EPOCHS_BESIDE", 0)
    verdict = audited()
    assert verdict.outcome is Outcome.PASS, verdict.line
    assert verdict.counts.segments == 96 * 6


def test_only_meters_are_read_behind_the_whole_part(
    audited: Audited, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def narrow(*arguments, **named):
        return replace(scope_of(*arguments, **named), last_whole=EPOCH - 1)

    scope_of = evidence.scope_of
    monkeypatch.setattr(auditor.evidence, "scope_of", narrow)

    def forged(stream) -> Lies:
        return Lies(segments=only(EPOCH, lambda f: f | {stream: [resigned(world, f[stream][0], STRANGER)]}))

    whole, battery = audited(), (BOXES[1].address, BATTERY)
    assert whole.outcome is Outcome.PASS
    assert audited(forged(battery)).outcome is Outcome.PASS, "a later correction never rests on a battery"
    assert place(refused(audited(forged(STREAM)), "6.3")) == (1, METER, SLOT)
