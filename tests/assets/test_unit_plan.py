"""Plans of units: dated by the month, in order, of one feature, and one to a feature."""

from datetime import date
from pathlib import Path

import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.units import unit_tables

UNIT = "units:\n  - {unit: ticket, label: ticket, feature: chat, plan: [%s]}\n"


def book_with(folder: Path, units: str) -> Book:
    (folder / "meterbook.yaml").write_text("name: A\n", "utf-8")
    (folder / "units.yaml").write_text(units, "utf-8")
    return Book(folder)


def test_an_entry_of_a_plan_holds_until_the_next_one(tmp_path: Path) -> None:
    book = book_with(tmp_path, UNIT % "{from: 2026-10-01, per_month: 50}, {from: 2026-12-01, per_month: 70}")
    rows = unit_tables(book.units, {})["book.unit_plan"].rows()
    assert rows == [
        ("ticket", "chat", date(2026, 10, 1), date(2026, 12, 1), 50),
        ("ticket", "chat", date(2026, 12, 1), date(9999, 12, 31), 70),
    ]


@pytest.mark.parametrize(
    ("units", "said"),
    [
        (UNIT % "{from: 2026-10-02, per_month: 50}", "first day of a month"),
        (UNIT % "{from: 2026-11-01, per_month: 50}, {from: 2026-10-01, per_month: 50}", "follow one another"),
        ("units: [{unit: a, label: a, scope: {team: x}, plan: [{from: 2026-10-01, per_month: 5}]}]\n", "needs `feature:`"),
        (
            UNIT % "{from: 2026-10-01, per_month: 5}" + UNIT[7:].replace("ticket", "other") % "{from: 2026-10-01, per_month: 5}",
            "follows one",
        ),
    ],
)
def test_a_plan_that_no_forecast_can_follow_is_refused_with_its_file(tmp_path: Path, units: str, said: str) -> None:
    with pytest.raises(BookError, match=said) as found:
        book_with(tmp_path, units)
    assert "units.yaml" in str(found.value)
