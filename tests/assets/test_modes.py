"""Which teams are charged from when: team_modes of meterbook.yaml."""

from datetime import date
from pathlib import Path

import pytest
from small import make_small

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.dated import FIRST_DAY, OPEN

MODES = """\
name: Acme
mode: {mode}
team_modes:
  support: {{mode: chargeback, starts_on: 2026-10-01}}
  research:
    - {{mode: showback, starts_on: 2026-08-01}}
    - {{mode: chargeback, starts_on: 2026-10-01}}
    - {{mode: showback, starts_on: 2027-01-01}}
"""


@pytest.fixture
def small_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A calendar of few years, and no shipped cards."""
    make_small(monkeypatch)


def _book(folder: Path, text: str) -> Book:
    (folder / "meterbook.yaml").write_text(text, "utf-8")
    return Book(folder)


@pytest.mark.parametrize("mode", ["showback", "chargeback"])
def test_each_mode_holds_from_its_month_to_the_next_and_the_book_s_elsewhere(mode: str, small_tables: None, tmp_path: Path) -> None:
    rows = tables_of(_book(tmp_path, MODES.format(mode=mode)))["book.team_mode"].rows()
    assert rows == [
        ("*", mode, FIRST_DAY, OPEN),
        ("support", "chargeback", date(2026, 10, 1), OPEN),
        ("research", "showback", date(2026, 8, 1), date(2026, 10, 1)),
        ("research", "chargeback", date(2026, 10, 1), date(2027, 1, 1)),
        ("research", "showback", date(2027, 1, 1), OPEN),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("support: {mode: chargeback, starts_on: 2026-10-02}", "a mode begins with a month; say 2026-10-01"),
        ("support: {mode: chargeback}", "starts_on"),
        ("support: {mode: billed, starts_on: 2026-10-01}", "showback"),
        ("support: {mode: chargeback, starts_on: 2026-10-01, until: x}", "unknown key"),
        ("support: []", "give each mode the day it starts on"),
        ("support: [{mode: showback, starts_on: 2026-10-01}, {mode: chargeback, starts_on: 2026-10-01}]", "no day twice"),
        ("support: [{mode: showback, starts_on: 2026-10-01}, {mode: chargeback, starts_on: 2026-09-01}]", "the earliest first"),
        ("unowned: {mode: chargeback, starts_on: 2026-10-01}", "'unowned' is no team"),
        ("'*': {mode: chargeback, starts_on: 2026-10-01}", "'*' is no team"),
        ("'=x': {mode: chargeback, starts_on: 2026-10-01}", "pattern"),
    ],
)
def test_a_mode_that_cannot_hold_is_told_with_file_and_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r"meterbook\.yaml:\d+: team_modes") as told:
        _book(tmp_path, f"name: Acme\nteam_modes:\n  {text}\n")
    assert said in str(told.value)


def test_what_a_team_needs_has_defaults_and_limits(tmp_path: Path) -> None:
    found = _book(tmp_path, "name: Acme\nreadiness: {coverage: 0.9}\n").settings.readiness.model_dump()
    assert {name: str(value) for name, value in found.items()} == {
        "coverage": "0.9",
        "unexplained": "0.01",
        "open_disputes": "0",
        "months": "2",
    }
    with pytest.raises(BookError, match=r"readiness\.coverage"):
        _book(tmp_path, "name: Acme\nreadiness: {coverage: 95}\n")
