"""The alarm engine as values: delays, hysteresis, latching, acknowledgement, blindness, causes (protocol 10.16)."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.health.faults import engine
from edge.health.faults.board import META, Cut, cut_of, kept, plain
from edge.health.faults.engine import (
    NOTHING,
    AlarmAbsent,
    AlarmNotLatched,
    CauseStands,
    Change,
    Key,
    Look,
    Seen,
    State,
    step,
)
from edge.health.faults.grouping import CAUSES, roots
from edge.health.faults.kinds import KindUnknown, Level, kinds
from edge.health.faults.places import Place, place_of, place_of_plain
from edge.health.faults.thresholds import Delays, Threshold, ThresholdWrong, shipped, thresholds
from edge.health.faults.words import title_en, title_zh
from tests.edge.rig import folder_at

CELL = place_of("container.5.cluster.2.pack.3.cell.7.voltage")
OVER = shipped()["cell_overvoltage"]
KEY = Key("cell_overvoltage", CELL)


def over(value: int, threshold: Threshold = OVER) -> Look:
    level = threshold.level(value)
    seen = Seen(
        level=level, held=lambda standing: threshold.held(value, standing), value=value, delays=threshold.delays
    )
    return Look(seen={KEY: seen} if threshold.interesting(value) else {})


def told(kind: str, place: Place, level: Level = Level.TRIP) -> tuple[Key, Seen]:
    return Key(kind, place), Seen(level=level, delays=Delays(raise_ms=(0, 0, 0)))


def standing(*seen: tuple[Key, Seen], t_ms: int = 0) -> State:
    return step(NOTHING, Look(seen=dict(seen)), t_ms=t_ms)[0]


def lived(*values: tuple[int, int]) -> tuple[State, list[tuple[int, Change]]]:
    """Each (second, mV) in turn; what changed when."""
    state, changes = NOTHING, []
    for second, value in values:
        state, events = step(state, over(value), t_ms=1_000 * second)
        changes += [(second, event.change) for event in events]
    return state, changes


def test_a_warning_is_raised_after_its_delay_and_a_shorter_excursion_raises_none() -> None:
    assert lived(*((second, 3_560) for second in range(6)))[1] == []
    assert lived(*((second, 3_560) for second in range(7)))[1] == [(6, Change.RAISED)]
    assert lived((0, 3_560), (5, 3_560), (6, 3_400), (7, 3_560), (12, 3_560))[1] == []


def test_a_trip_is_raised_sooner_than_a_warning_and_worsens_what_stands() -> None:
    state, changes = lived((0, 3_560), (6, 3_560), (7, 3_700), (8, 3_700), (9, 3_700))
    assert changes == [(6, Change.RAISED), (9, Change.WORSENED)]
    assert (state.standing[0].level, state.standing[0].value, state.standing[0].number) == (Level.TRIP, 3_700, 1)


def test_an_alarm_stays_inside_its_hysteresis_and_ends_after_its_clear_delay() -> None:
    rising = [(second, 3_560) for second in range(7)]
    inside = [(second, 3_531) for second in range(7, 40)]
    assert lived(*rising, *inside)[1] == [(6, Change.RAISED)]
    beyond = [(second, 3_529) for second in range(7, 18)]
    assert lived(*rising, *beyond)[1] == [(6, Change.RAISED), (17, Change.CLEARED)]
    assert lived(*rising, *beyond[:-1], (17, 3_560))[1] == [(6, Change.RAISED)], "the clear delay begins anew"


def test_a_derate_that_betters_eases_to_a_warning() -> None:
    state, changes = lived(*((s, 3_620) for s in range(7)), *((s, 3_570) for s in range(7, 18)))
    assert changes == [(6, Change.RAISED), (17, Change.EASED)]
    assert state.standing[0].level == Level.WARN


def test_a_latched_trip_stays_until_a_person_resets_it_with_its_cause_gone() -> None:
    state, _ = lived((0, 3_700), (2, 3_700))
    with pytest.raises(CauseStands):
        engine.reset(state, 1, by="李工", t_ms=3_000)
    state, changes = lived((0, 3_700), (2, 3_700), (3, 3_400), (13, 3_400), (9_999, 3_400))
    assert changes == [(2, Change.RAISED), (13, Change.CAUSE_GONE)]
    assert state.standing[0].level == Level.TRIP
    state, event = engine.reset(state, 1, by="李工", t_ms=10_000_000)
    assert (state.standing, event.change, event.alarm.acked_by) == ((), Change.RESET, "李工")


def test_what_does_not_latch_is_not_reset_and_what_does_not_stand_is_not_acknowledged() -> None:
    state, _ = lived(*((s, 3_560) for s in range(7)))
    with pytest.raises(AlarmNotLatched):
        engine.reset(state, 1, by="李工", t_ms=0)
    with pytest.raises(AlarmAbsent):
        engine.acknowledged(state, 2, by="李工", t_ms=0)
    state, _ = engine.acknowledged(state, 1, by="李工", t_ms=7_000)
    assert (state.standing[0].acked_by, state.standing[0].acked_ms) == ("李工", 7_000)
    worse, _ = step(state, over(3_700), t_ms=8_000)
    worse, _ = step(worse, over(3_700), t_ms=10_000)
    assert worse.standing[0].acked_by == "", "what has worsened must be seen anew"


def test_what_a_round_cannot_see_changes_nothing() -> None:
    state, _ = lived(*((s, 3_560) for s in range(7)))
    for second in range(7, 100):
        state, events = step(state, Look(seen={}, blind=lambda key: True), t_ms=1_000 * second)
        assert events == ()
    assert [alarm.key for alarm in state.standing] == [KEY]


def test_a_clock_that_steps_back_raises_nothing_early_and_ends_nothing_early() -> None:
    state, changes = lived((100, 3_560), (40, 3_560), (45, 3_560))
    assert (changes, state.standing) == ([], ())
    assert lived((100, 3_560), (40, 3_560), (46, 3_560))[1] == [(46, Change.RAISED)]
    assert lived((100, 3_560), (106, 3_560), (107, 3_400), (50, 3_400), (59, 3_400))[1] == [(106, Change.RAISED)]


@given(st.lists(st.tuples(st.integers(1, 15), st.integers(3_300, 3_750)), max_size=60))
def test_no_alarm_stands_without_its_delay_nor_ends_without_its_clear_delay(steps: list[tuple[int, int]]) -> None:
    """Against the definition, written apart: looking back over all that was seen."""
    state, t_ms, seen = NOTHING, 0, []
    for pause, value in steps:
        t_ms += 1_000 * pause
        seen.append((t_ms, OVER.level(value)))
        before = {a.key: a.level for a in state.standing}
        state, events = step(state, over(value), t_ms=t_ms)
        for event in events:
            if event.change in (Change.RAISED, Change.WORSENED):
                level = event.alarm.level
                since = t_ms
                for at, was in reversed(seen):
                    if was < level:
                        break
                    since = at
                assert t_ms - since >= OVER.delays.of(Level(level))
                assert level > before.get(event.alarm.key, 0)
            if event.change is Change.CLEARED:
                assert all(was < before[event.alarm.key] for at, was in seen if at > t_ms - OVER.delays.clear_ms)


def test_the_exact_part_is_named_in_both_languages() -> None:
    assert title_zh(KEY) == "5号集装箱/2簇/3包/7号电芯过压"
    assert title_en(KEY) == "container 5/cluster 2/pack 3/cell 7: over-voltage"
    assert title_zh(Key("pcs_module_hot", place_of("pcs.igbt_temperature"))) == "变流器 功率模块过温"
    assert title_zh(Key("smoke", place_of("east.fire.smoke.2"))) == "east/消防主机/2区烟感报警"
    for place in (CELL, place_of("east.fire.smoke.2"), Place()):
        assert place_of_plain(place.plain()) == place


def test_the_cell_is_the_cause_of_its_clusters_bit_and_of_the_open_contactor() -> None:
    cluster, bms = Place("bms", CELL.parts[:2]), Place("bms", CELL.parts[:1])
    state = standing(
        told("cell_overvoltage", CELL), told("cell_overvoltage", cluster), told("cell_overvoltage", bms),
        told("voltage_spread", cluster), told("contactor_open", bms, Level.DERATE), told("pcs_dc_open", Place("pcs")),
    )  # fmt: skip
    assert set(roots(state.standing).values()) == {KEY}
    assert len(roots(state.standing)) == 5


def test_a_packs_trip_holds_its_cells_over_voltage_and_no_other_packs() -> None:
    pack, other = Place("bms", CELL.parts[:3]), place_of("container.5.cluster.2.pack.4.cell.1.voltage")
    state = standing(told("pack_overvoltage", pack), told("cell_overvoltage", CELL), told("cell_overvoltage", other))
    assert roots(state.standing) == {KEY: Key("pack_overvoltage", pack)}


def test_the_main_contactor_is_the_cause_of_its_clusters_open_ones() -> None:
    bms = Place("bms", CELL.parts[:1])
    clusters = [Place("bms", (*bms.parts, ("cluster", n))) for n in (1, 2)]
    state = standing(*(told("contactor_open", place, Level.DERATE) for place in (*clusters, bms)))
    assert set(roots(state.standing).values()) == {Key("contactor_open", bms)}


def test_a_lost_battery_system_hides_its_own_alarms_and_not_the_fire_panels() -> None:
    bms = Place("bms", CELL.parts[:1])
    state = standing(
        told("comms_lost", bms), told("cell_overvoltage", CELL), told("smoke", Place("fire", (("zone", 1),)))
    )  # fmt: skip
    assert roots(state.standing) == {KEY: Key("comms_lost", bms)}


def test_no_cause_follows_from_itself_and_every_kind_that_causes_name_is_known() -> None:
    named = {name for cause in CAUSES for name in (*cause.of, *cause.follow)}
    assert named <= set(kinds())
    everything = standing(*(told(name, Place("bms")) for name in kinds()))
    follow = roots(everything.standing)
    assert not set(follow) & set(follow.values())


@pytest.mark.parametrize(
    ("kind", "level", "cut"),
    [
        ("cell_overvoltage", Level.WARN, Cut()),
        ("cell_overvoltage", Level.DERATE, Cut(charge_bp=5_000)),
        ("cell_undervoltage", Level.DERATE, Cut(discharge_bp=5_000)),
        ("cell_temperature_low", Level.TRIP, Cut(charge_bp=0)),
        ("insulation_low", Level.TRIP, Cut(charge_bp=0, discharge_bp=0, opens=True)),
        ("cell_overvoltage", Level.TRIP, Cut(charge_bp=0, discharge_bp=0, opens=True)),
        ("soc_low", Level.TRIP, Cut()),
        ("comms_lost", Level.DERATE, Cut()),
    ],
)
def test_a_derate_leaves_half_and_a_trip_nothing_in_the_kinds_directions(kind: str, level: Level, cut: Cut) -> None:
    assert cut_of(standing(told(kind, CELL, level))) == cut


def test_a_restart_remembers_what_was_raised_and_begins_delays_anew() -> None:
    state, _ = lived((0, 3_700), (2, 3_700))
    again = engine.remembered(state.standing, raised=state.raised)
    assert [(a.key, a.level, a.number) for a in again.standing] == [(KEY, Level.TRIP, 1)]
    pending, _ = lived((0, 3_700), (1, 3_700))
    assert engine.remembered(pending.alarms.values(), raised=0).alarms == {}


def test_an_alarm_of_a_kind_that_this_version_lacks_ends_no_box(tmp_path: Path) -> None:
    store = folder_at(tmp_path).store
    state = standing(told("cell_overvoltage", CELL), told("soh_low", place_of("container.5")))
    value = json.dumps(plain(state)).replace("cell_overvoltage", "kind_of_another_version")
    store.keep(META, value.encode())
    assert [a.key.kind for a in kept(store).standing] == ["soh_low"]


def test_settings_replace_single_figures_and_take_levels_away() -> None:
    held = thresholds([{"threshold": "cell_overvoltage", "warn": 3_500, "trip": "-", "raise_warn_ms": 1_000}])
    changed = held["cell_overvoltage"]
    assert changed.limits == {Level.WARN: 3_500, Level.DERATE: 3_600}
    assert (changed.delays.of(Level.WARN), changed.delays.of(Level.DERATE)) == (1_000, 6_000)
    assert held["cell_undervoltage"] == shipped()["cell_undervoltage"]


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ({"threshold": "cell_overvolt"}, KindUnknown),
        ({"threshold": "cell_overvoltage", "warn": "high"}, ThresholdWrong),
        ({"threshold": "cell_overvoltage", "warn": 3_700}, ThresholdWrong),
        ({"threshold": "cell_overvoltage", "clear_ms": -1}, ThresholdWrong),
        ({"threshold": "cell_overvoltage", "wran": 3_500}, ThresholdWrong),
    ],
)
def test_a_wrong_threshold_is_named(row: Mapping[str, object], wrong: type[Exception]) -> None:
    with pytest.raises(wrong):
        thresholds([row])


def test_low_thresholds_hold_the_other_way_round() -> None:
    low = shipped()["cell_undervoltage"]
    assert [low.level(value) for value in (3_000, 2_900, 2_800, 2_600)] == [0, 1, 2, 3]
    assert (low.held(2_629, 3), low.held(2_631, 3)) == (3, 2)
    assert replace(low, hysteresis=0).held(2_601, 3) == 2
