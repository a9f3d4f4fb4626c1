"""A8: exactly the first value, each move past the deadband, and one per period are reported."""

from hypothesis import given
from hypothesis import strategies as st

from edge.reporting import Cause, Report, Reported, due


def played(looks: list[tuple[int, int]], *, period_ms: int, deadband: int) -> list[Report]:
    last: dict[str, Reported] = {}
    sent: list[Report] = []
    for t_ms, value in looks:
        last, reports = due(last, {"p": value}, t_ms=t_ms, period_ms=period_ms, deadbands={"p": deadband})
        sent += reports
    return sent


def test_first_value_moves_past_the_deadband_and_one_per_period_are_reported_and_nothing_else() -> None:
    looks = [(0, 100), (1_000, 105), (2_000, 106), (3_000, 111), (4_000, 90), (10_000, 90), (11_000, 90), (20_000, 85)]
    told = [(r.t_ms, r.value, r.cause) for r in played(looks, period_ms=10_000, deadband=5)]
    assert told == [
        (0, 100, Cause.FIRST),
        (2_000, 106, Cause.CHANGE),
        (4_000, 90, Cause.CHANGE),
        (10_000, 90, Cause.PERIOD),
        (20_000, 85, Cause.PERIOD),
    ]


def test_a_creeping_value_is_reported_once_it_has_gone_past_the_deadband_in_sum() -> None:
    told = played([(n, n) for n in range(50)], period_ms=0, deadband=9)
    assert [report.value for report in told] == [0, 10, 20, 30, 40]


def test_a_point_that_is_missing_for_a_while_is_compared_with_its_last_report() -> None:
    last, _ = due({}, {"p": 5}, t_ms=0, period_ms=0, deadbands={})
    last, none = due(last, {}, t_ms=1, period_ms=0, deadbands={})
    assert none == ()
    assert due(last, {"p": 5}, t_ms=2, period_ms=0, deadbands={})[1] == ()


@given(
    st.lists(st.tuples(st.integers(1, 4_000), st.integers(-50, 50)), min_size=1, max_size=60),
    st.sampled_from([0, 1_000, 10_000]),
    st.integers(0, 30),
)
def test_the_receiver_is_never_off_by_more_than_the_deadband_nor_older_than_a_period(
    steps: list[tuple[int, int]], period_ms: int, deadband: int
) -> None:
    looks, t_ms = [], 0
    for gap_ms, value in steps:
        t_ms += gap_ms
        looks.append((t_ms, value))
    sent = {report.t_ms: report for report in played(looks, period_ms=period_ms, deadband=deadband)}
    held, grid = sent[looks[0][0]].value, set()
    for t_ms, value in looks:
        held = sent[t_ms].value if t_ms in sent else held
        assert abs(value - held) <= deadband
        if period_ms and t_ms // period_ms not in grid:
            assert t_ms in sent
            grid.add(t_ms // period_ms)
    assert all(report.cause is not Cause.PERIOD or period_ms for report in sent.values())
