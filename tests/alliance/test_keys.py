"""Protocol 6.3 and 6.4: what a key is worth at a place on the chain, with no hole in one block or one second."""

from hypothesis import given
from hypothesis import strategies as st

from alliance.keys import KeyHistory, Moment, Report, Standing, Term, counted, disputed_since, standing

HOUR = 3_600


def judged(history: KeyHistory, at: Moment, *, time_s: int = HOUR, is_owner: bool = False) -> Standing:
    return standing(history, at=at, time_s=time_s, is_owner=is_owner)


def test_key_is_a_stranger_until_the_log_after_its_confirmation_in_the_same_block() -> None:
    history = KeyHistory(terms=[Term(Moment(7, 3), 2 * HOUR)])
    assert judged(history, Moment(7, 2)) is Standing.STRANGER
    assert judged(history, Moment(7, 4)) is Standing.VALID
    assert judged(KeyHistory(), Moment(7, 4)) is Standing.STRANGER


def test_key_is_lapsed_from_the_log_after_its_revocation_in_the_same_block() -> None:
    history = KeyHistory(terms=[Term(Moment(1, 0), 2 * HOUR)], revoked=[Moment(9, 5)])
    assert judged(history, Moment(9, 4)) is Standing.VALID
    assert judged(history, Moment(9, 6)) is Standing.LAPSED


def test_key_expires_with_the_second_that_its_term_names() -> None:
    history = KeyHistory(terms=[Term(Moment(1, 0), HOUR)])
    assert judged(history, Moment(2, 0), time_s=HOUR - 1) is Standing.VALID
    assert judged(history, Moment(2, 0), time_s=HOUR) is Standing.LAPSED


def test_key_stands_again_when_it_is_confirmed_after_a_revocation_and_not_after_a_freeze() -> None:
    terms = [Term(Moment(1, 0), 2 * HOUR), Term(Moment(5, 1), 2 * HOUR)]
    assert judged(KeyHistory(terms=terms, revoked=[Moment(5, 0)]), Moment(5, 2)) is Standing.VALID
    assert judged(KeyHistory(terms=terms, revoked=[Moment(5, 0)]), Moment(5, 1)) is Standing.LAPSED
    assert judged(KeyHistory(terms=terms, frozen=Moment(4, 0)), Moment(6, 0)) is Standing.LAPSED


def test_owner_never_signs_for_its_own_meter() -> None:
    history = KeyHistory(terms=[Term(Moment(1, 0), 2 * HOUR)])
    assert judged(history, Moment(2, 0), is_owner=True) is Standing.OWNER


def test_segments_count_up_to_the_last_that_a_valid_key_signed() -> None:
    valid, lapsed = Standing.VALID, Standing.LAPSED
    assert counted([]) == counted([lapsed, lapsed]) == 0
    assert counted([valid, lapsed, lapsed]) == 1
    assert counted([valid, lapsed, lapsed, valid, lapsed]) == 4


def test_dispute_reaches_as_far_back_as_was_reported_up_to_the_block() -> None:
    history = KeyHistory(reports=[Report(Moment(5, 0), 100), Report(Moment(9, 0), 90)])
    assert disputed_since(history, up_to_block=4) is None
    assert disputed_since(history, up_to_block=8) == 100
    assert disputed_since(history, up_to_block=9) == 90


places = st.builds(Moment, st.integers(0, 3), st.integers(0, 3))
PLACE = st.lists(places, unique=True, min_size=1, max_size=8)


@given(PLACE, st.data())
def test_standing_is_what_the_last_change_before_the_place_says_whatever_shares_its_block(
    marks: list[Moment], data: st.DataObject
) -> None:
    """Confirmations and revocations at different places, many in one block: the last one before decides, alone."""
    marks = sorted(marks)
    confirms = data.draw(st.lists(st.booleans(), min_size=len(marks), max_size=len(marks)))
    history = KeyHistory(
        terms=[Term(at, 2 * HOUR) for at, yes in zip(marks, confirms, strict=True) if yes],
        revoked=[at for at, yes in zip(marks, confirms, strict=True) if not yes],
    )
    here = data.draw(places)
    before = [yes for at, yes in zip(marks, confirms, strict=True) if at < here]
    if not any(before):
        assert judged(history, here) is Standing.STRANGER
    else:
        assert judged(history, here) is (Standing.VALID if before[-1] else Standing.LAPSED)
