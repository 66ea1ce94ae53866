"""Which version of the cards prices which days, without a lake."""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbook.rate_cards.snapshots import VersionError
from meterbook.rate_cards.versions import (
    BEGINNING,
    FILE,
    Days,
    Fill,
    Filling,
    Lock,
    Span,
    adopted,
    as_corrected,
    assigned,
    corrected,
    priced,
    read_lock,
    text_of_lock,
)

A, B, C = ("a" * 16, "b" * 16, "c" * 16)
ALL_OPEN = date(2026, 1, 1)


def nothing(span: Span) -> None:
    """No version fills what another does not know."""


def everything(version: str) -> Fill:
    return lambda _span: Filling(version=version)


def versions_of(lock: Lock) -> list[tuple[str, ...]]:
    return [(str(first), *span.versions) for span, first, _ in lock.spans()]


def first_run(until: date = date(2026, 10, 10)) -> Lock:
    return priced(adopted(None, A, ALL_OPEN, nothing), until)


def test_the_first_version_prices_all_days() -> None:
    assert versions_of(first_run()) == [("1970-01-01", A)]


def test_a_new_version_prices_the_days_after_the_last_priced_one() -> None:
    assert versions_of(adopted(first_run(), B, ALL_OPEN, nothing)) == [("1970-01-01", A), ("2026-10-11", B)]


def test_a_version_that_priced_nothing_gives_way_to_the_next_and_to_the_one_before() -> None:
    tried = adopted(first_run(), B, ALL_OPEN, nothing)
    assert versions_of(adopted(tried, C, ALL_OPEN, nothing)) == [("1970-01-01", A), ("2026-10-11", C)]
    assert adopted(tried, A, ALL_OPEN, nothing) == first_run()


def test_the_same_cards_change_nothing() -> None:
    lock = priced(adopted(first_run(), B, ALL_OPEN, nothing), date(2026, 10, 12))
    assert adopted(lock, B, ALL_OPEN, everything(B)) == lock


def test_a_new_version_fills_open_days_and_leaves_closed_ones() -> None:
    lock = adopted(first_run(), B, date(2026, 10, 1), everything(B))
    assert versions_of(lock) == [("1970-01-01", A), ("2026-10-01", A, B), ("2026-10-11", B)]


def test_a_month_closed_later_keeps_what_was_filled() -> None:
    filled = priced(adopted(first_run(), B, date(2026, 10, 1), everything(B)), date(2026, 11, 5))
    assert versions_of(adopted(filled, C, date(2026, 11, 1), nothing))[:2] == versions_of(filled)[:2]


def test_what_no_run_has_filled_is_forgotten_when_the_card_is_corrected() -> None:
    tried = adopted(first_run(), B, ALL_OPEN, everything(B))
    assert versions_of(adopted(tried, C, ALL_OPEN, everything(C))) == [("1970-01-01", A), ("2026-01-01", A, C), ("2026-10-11", C)]


def test_what_a_run_has_filled_stays() -> None:
    done = priced(adopted(first_run(), B, ALL_OPEN, everything(B)), date(2026, 10, 10))
    assert versions_of(adopted(done, C, ALL_OPEN, everything(C)))[1] == ("2026-01-01", A, B, C)


def test_days_of_a_closed_month_without_data_yet_are_not_given_to_a_new_version() -> None:
    lock = adopted(first_run(date(2026, 9, 28)), B, date(2026, 10, 1), nothing)
    assert versions_of(lock) == [("1970-01-01", A), ("2026-10-01", B)]


def test_assigning_days_leaves_the_days_around_them() -> None:
    lock = assigned(first_run(), B, Days(date(2026, 10, 3), date(2026, 10, 5)), "late")
    assert versions_of(lock) == [("1970-01-01", A), ("2026-10-03", B), ("2026-10-05", A)]
    assert assigned(lock, B, Days(date(2026, 10, 3), date(2026, 10, 5)), "again") == lock


def test_days_corrected_by_lines_are_priced_as_before_and_count_as_what_they_were_corrected_to() -> None:
    lock = corrected(first_run(), B, Days(date(2026, 9, 1), date(2026, 10, 1)))
    assert {span.versions for span in lock.prices} == {(A,)}
    assert versions_of(as_corrected(lock)) == [("1970-01-01", A), ("2026-09-01", B), ("2026-10-01", A)]
    assert lock.versions == (A, B)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["run", "edit", "edit and run", "assign", "correct"]), st.sampled_from([A, B, C]), st.integers(0, 40), st.booleans()
    ),
    max_size=12,
)


@settings(deadline=None)
@given(STEPS)
def test_whatever_is_done_each_day_is_priced_once_and_closed_days_keep_their_version(steps: list[tuple[str, str, int, bool]]) -> None:
    open_from = date(2026, 9, 1)
    lock = first_run(date(2026, 9, 20))
    closed = versions_of(lock)[0][1:]
    for what, version, days, is_filling in steps:
        day = open_from + timedelta(days=days)
        before = lock
        if "edit" in what:
            lock = adopted(lock, version, open_from, everything(version) if is_filling else nothing)
            for at in (open_from + timedelta(days=n) for n in range(40)):
                if before.priced_until and at <= before.priced_until and not before.pending:
                    assert _version_on(lock, at) == _version_on(before, at), "a priced day changed its version"
        if "run" in what:
            lock = priced(lock, day)
        if what == "assign":
            lock = assigned(lock, version, Days(day, day + timedelta(days=5)), "why")
            assert {_version_on(lock, day + timedelta(days=n)) for n in range(5)} == {version}
        if what == "correct":
            lock = corrected(lock, version, Days(date(2026, 8, 1), open_from))
        spans = list(lock.spans())
        assert spans[0][1] == BEGINNING
        assert all(first < end for _, first, end in spans)
        assert all(before[2] == after[1] for before, after in pairwise(spans))
        assert all(span.versions == closed for span, first, _ in spans if first < open_from)
        assert Lock.model_validate_json(text_of_lock(lock)) == lock


def _version_on(lock: Lock, day: date) -> str:
    return next(span.version for span, first, end in lock.spans() if first <= day < end)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<<<<<<< HEAD\n", "restore it from git"),
        ('{"prices": []}', "prices: Tuple should have at least 1 item"),
        ('{"prices": [{"from_day": "2026-10-01", "version": "aaaaaaaaaaaaaaaa"}]}', "must begin with 1970-01-01 and rise"),
        ('{"prices": [{"from_day": "1970-01-01", "version": "../../etc"}]}', "prices.0.version"),
        ('{"prices": [{"from_day": "1970-01-01", "version": "aaaaaaaaaaaaaaaa", "versoin": 1}]}', "Extra inputs are not permitted"),
    ],
)
def test_a_lock_that_is_wrong_says_where(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")
    with pytest.raises(VersionError, match=said):
        read_lock(tmp_path / FILE)
