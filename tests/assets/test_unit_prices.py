"""Prices of units: one that always held, or dated ones that follow one another."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.units import unit_tables

UNIT = "units:\n  - {unit: ticket, label: ticket, feature: chat, price_usd: %s}\n  - {unit: page, label: page, feature: docs}\n"


def book_with(folder: Path, units: str) -> Book:
    (folder / "meterbook.yaml").write_text("name: A\n", "utf-8")
    (folder / "units.yaml").write_text(units, "utf-8")
    return Book(folder)


def test_a_price_alone_always_held_and_a_unit_without_one_has_no_row(tmp_path: Path) -> None:
    rows = unit_tables(book_with(tmp_path, UNIT % "0.15").units, {})["book.unit_price"].rows()
    assert rows == [("ticket", date(2015, 1, 1), date(9999, 12, 31), Decimal("0.15"))]


def test_a_price_holds_until_the_next_one(tmp_path: Path) -> None:
    rows = unit_tables(book_with(tmp_path, UNIT % "[{from: 2026-09-01, usd: 0.12}, {from: 2026-10-15, usd: 0}]").units, {})[
        "book.unit_price"
    ].rows()
    assert rows == [
        ("ticket", date(2026, 9, 1), date(2026, 10, 15), Decimal("0.12")),
        ("ticket", date(2026, 10, 15), date(9999, 12, 31), Decimal(0)),
    ]


@pytest.mark.parametrize(
    ("prices", "said"),
    [
        ("-0.1", "greater than or equal to 0"),
        ("[{from: 2026-11-01, usd: 1}, {from: 2026-10-01, usd: 2}]", "follow one another in time"),
        ("[{from: 2026-11-01}]", "usd: Field required"),
        ("free", "decimal"),
    ],
)
def test_a_wrong_price_is_an_error_that_names_the_file(prices: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BookError, match=rf"units\.yaml.*{said}"):
        _ = book_with(tmp_path, UNIT % prices).units
