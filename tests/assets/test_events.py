"""events.csv: what is planned, read strictly."""

from datetime import date
from pathlib import Path

import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.events import EventError, event_table, load_events
from meterbook.pipelines.scaffold import scaffold

HEADER = "name,starts_on,ends_on,kind,team,tenant,feature,model,note\n"


def test_events_are_read_with_remarks_and_an_empty_end_is_one_day(tmp_path: Path) -> None:
    lines = "# a remark, with commas\nlaunch of v2,2026-10-20,2026-10-23,launch,,harbor,,,big\nbank holiday,2026-12-25,,holiday,,,,,\n"
    (tmp_path / "events.csv").write_text(HEADER + lines)
    launch, holiday = load_events(tmp_path)
    assert (launch.tenant, launch.team, launch.ends_on) == ("harbor", None, date(2026, 10, 23))
    assert (holiday.starts_on, holiday.ends_on, holiday.note) == (date(2026, 12, 25), date(2026, 12, 26), None)
    [row, _] = event_table((launch, holiday))["book.event"].to_dicts()
    assert row["kind"] == "launch"


def test_the_scope_and_the_note_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("name,starts_on,ends_on,kind\nmove,2026-10-20,,migration\n")
    [event] = load_events(tmp_path)
    assert event.model is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x,2026-10-20,2026-10-20,launch,,,,,", "events.csv:3: line: Value error, ends_on 2026-10-20 (exclusive) must lie after"),
        ("x,2026-10-20,,party,,,,,", "events.csv:3: kind: "),
        ("x,soon,,launch,,,,,", "events.csv:3: starts_on: "),
        ("x,2026-10-20,,launch,,,,", "events.csv:3: has not 9 fields"),
        ("first,2026-10-01,,launch,,,,,", "events.csv:3: 'first' of 2026-10-01 is also in line 2"),
    ],
)
def test_a_wrong_line_is_an_error_with_its_number(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(f"{HEADER}first,2026-10-01,,other,,,,,\n{line}\n")
    with pytest.raises(EventError) as error:
        load_events(tmp_path)
    assert said in str(error.value)


def test_a_new_book_has_a_file_of_events_that_is_read_and_a_wrong_one_is_told(tmp_path: Path) -> None:
    list(scaffold(tmp_path / "book"))
    assert Book(tmp_path / "book").events == ()
    (tmp_path / "book" / "events.csv").write_text("name,when\n")
    with pytest.raises(BookError, match=r"events\.csv:1: the columns are name,starts_on"):
        Book(tmp_path / "book")
