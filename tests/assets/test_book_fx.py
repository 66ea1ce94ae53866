"""Rates of exchange of a book, as SQL sees them."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import fx_table
from meterbook.assets.dated import OPEN
from meterbook.pipelines.scaffold import scaffold
from meterbook.rate_cards.fx import FxRate


def _book(folder: Path, rates: str | None) -> Book:
    (folder / "meterbook.yaml").write_text("name: x\n", "utf-8")
    if rates is not None:
        (folder / "fx_rates.csv").write_text(f"date,currency,usd\n{rates}", "utf-8")
    return Book(folder)


def test_a_book_needs_no_rates(tmp_path: Path) -> None:
    assert _book(tmp_path, None).fx_rates == ()
    assert fx_table(()).is_empty()


def test_a_rate_holds_until_the_next_one_of_its_currency(tmp_path: Path) -> None:
    book = _book(tmp_path, "2026-10-03,EUR,1.25\n2026-01-01,JPY,0.0067\n2026-09-01,EUR,1.1\n")
    assert book.fx_rates[0] == FxRate("EUR", date(2026, 9, 1), Decimal("1.1"))
    assert fx_table(book.fx_rates).rows() == [
        ("EUR", date(2026, 9, 1), date(2026, 10, 3), Decimal("1.1")),
        ("EUR", date(2026, 10, 3), OPEN, Decimal("1.25")),
        ("JPY", date(2026, 1, 1), OPEN, Decimal("0.0067")),
    ]


def test_a_wrong_rate_is_an_error_of_the_book_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BookError) as refused:
        _book(tmp_path, "2026-10-03,EUR,0\n")
    assert (
        str(refused.value) == f"{tmp_path}/fx_rates.csv:2: usd 0 is not between 0 and 1,000,000; write dollars for one unit of the currency"
    )


def test_a_new_book_has_the_file_with_an_example_that_says_nothing_yet(tmp_path: Path) -> None:
    assert tmp_path / "fx_rates.csv" in list(scaffold(tmp_path))
    assert Book(tmp_path).fx_rates == ()
    text = (tmp_path / "fx_rates.csv").read_text("utf-8").replace("# 2026", "2026")
    (tmp_path / "fx_rates.csv").write_text(text, "utf-8")
    assert [(rate.currency, rate.usd > 1) for rate in Book(tmp_path).fx_rates] == [("EUR", True)]
