"""Dated rates of exchange."""

import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.rate_cards.fx import FxError, FxRate, load_fx

EUR = FxRate("EUR", date(2026, 10, 1), Decimal("1.17"))
DAYS = st.dates(date(2015, 1, 1), date(2099, 12, 31))
AMOUNTS = st.decimals(min_value="0.000000000001", max_value=999_999, places=12)


def _load(folder: Path, text: str | bytes) -> tuple[FxRate, ...]:
    path = folder / "fx_rates.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_fx(path)


def test_a_book_without_the_file_has_no_rates(tmp_path: Path) -> None:
    assert load_fx(tmp_path / "fx_rates.csv") == ()


def test_a_file_of_a_header_alone_has_no_rates(tmp_path: Path) -> None:
    assert _load(tmp_path, "date,currency,usd\n") == ()


def test_rates_come_by_currency_and_day_in_whatever_order_they_stand(tmp_path: Path) -> None:
    text = "usd,date,currency\n1.2,2026-11-01,EUR\n0.0067,2026-01-01,JPY\n1.17,2026-10-01,EUR\n"
    assert _load(tmp_path, text) == (
        EUR,
        FxRate("EUR", date(2026, 11, 1), Decimal("1.2")),
        FxRate("JPY", date(2026, 1, 1), Decimal("0.0067")),
    )


def test_remarks_blank_lines_spaces_and_a_byte_order_mark_say_nothing(tmp_path: Path) -> None:
    assert _load(tmp_path, "\ufeff# from the central bank\ndate, currency, usd\n\n# 2026-09-01,EUR,1.1\n2026-10-01, EUR, 1.170\n") == (EUR,)


@given(st.dictionaries(st.tuples(st.sampled_from(["EUR", "JPY", "KRW"]), DAYS), AMOUNTS, max_size=8))
def test_every_rate_is_read_to_the_last_digit(rates: dict[tuple[str, date], Decimal]) -> None:
    lines = [f"{day},{currency},{usd:f}\n" for (currency, day), usd in rates.items()]
    with tempfile.TemporaryDirectory() as folder:
        found = _load(Path(folder), "date,currency,usd\n" + "".join(lines))
    assert found == tuple(FxRate(currency, day, usd) for (currency, day), usd in sorted(rates.items()))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "1: has no header; begin with date,currency,usd"),
        ("date,curency,usd\n", "1: unknown column 'curency'; did you mean currency?"),
        ("date,currency,usd,bank\n", "1: unknown column 'bank'; the columns are date, currency, usd"),
        ("date,currency\n", "1: column 'usd' is missing; the columns are date, currency, usd"),
        ("date,currency,usd,usd\n", "1: a column is given twice; the columns are date, currency, usd"),
    ],
)
def test_a_header_that_is_wrong_is_refused_with_what_to_do(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(FxError) as refused:
        _load(tmp_path, text)
    assert str(refused.value) == f"{tmp_path}/fx_rates.csv:{why}"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("2026-10-01,EUR", "has 2 fields where the header has 3; write date,currency,usd"),
        ("2026-10-01,EUR,1,2", "has 4 fields where the header has 3; write date,currency,usd"),
        ("2026-09-01,EUR,1.2", "EUR from 2026-09-01 is also in line 2; keep one"),
        ("2026-10-01,USD,1", "USD is what all rates are in; delete the line"),
        ("2026-10-01,eur,1", "currency 'eur' is no ISO 4217 code; write three capital letters, such as EUR"),
        ("2026-10-01,EURO,1", "currency 'EURO' is no ISO 4217 code; write three capital letters, such as EUR"),
        ("2026-10-01,,1", "currency '' is no ISO 4217 code; write three capital letters, such as EUR"),
        ("2026-10-01,EUR,0", "usd 0 is not between 0 and 1,000,000; write dollars for one unit of the currency"),
        ("2026-10-01,EUR,1000000", "usd 1000000 is not between 0 and 1,000,000; write dollars for one unit of the currency"),
        ("2026-10-01,EUR,-1", "usd '-1' is no positive number; write dollars for one unit of the currency, such as 1.1743"),
        ("2026-10-01,EUR,1e3", "usd '1e3' is no positive number; write dollars for one unit of the currency, such as 1.1743"),
        ("2026-10-01,EUR,NaN", "usd 'NaN' is no positive number; write dollars for one unit of the currency, such as 1.1743"),
        ('2026-10-01,EUR,"1,17"', "usd '1,17' is no positive number; write dollars for one unit of the currency, such as 1.1743"),
        ("2026-10-01,EUR,1.0000000000001", "usd 1.0000000000001 has more than 12 decimals; round it"),
        ("01.10.2026,EUR,1", "date '01.10.2026' is no day; write one as 2026-01-31"),
        ("20261001,EUR,1", "date '20261001' is no day; write one as 2026-01-31"),
        ("2026-02-30,EUR,1", "there is no day 2026-02-30; write one as 2026-01-31"),
    ],
)
def test_a_line_that_is_wrong_is_refused_by_file_and_line_with_what_to_do(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(FxError) as refused:
        _load(tmp_path, f"date,currency,usd\n2026-09-01,EUR,1.1\n{line}\n")
    assert str(refused.value) == f"{tmp_path}/fx_rates.csv:3: {why}"


@pytest.mark.parametrize("content", [b'date,currency,usd\n2026-10-01,EUR,"1\n', b"date,currency,usd\n\xff\n"])
def test_a_file_that_is_no_csv_is_one_line(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FxError, match=r"fx_rates.csv: is no CSV in UTF-8 .*; save it as one"):
        _load(tmp_path, content)
