from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.reports import numbers

MONEY = st.decimals(min_value=-(10**12), max_value=10**12, places=12)
SCALES = {"k": 1000, "M": 1_000_000, "B": 1_000_000_000}


def _read(text: str) -> Decimal:
    """A headline figure back as a number."""
    text = text.replace("$", "").replace(",", "").replace(numbers.MINUS, "-")
    return Decimal(text[:-1]) * SCALES[text[-1]] if text[-1] in SCALES else Decimal(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("98512", "$98.5k"),
        ("1234567", "$1.23M"),
        ("742.4", "$742"),
        ("-98512", "\N{MINUS SIGN}$98.5k"),
        ("-0.2", "$0"),
        ("9999.5", "$10.0k"),
        ("999949", "$999.9k"),
        ("999950", "$1.00M"),
    ],
)
def test_headline_money_is_written_the_house_way(value: str, text: str) -> None:
    assert numbers.head(Decimal(value)) == text


@given(MONEY)
def test_a_headline_figure_is_never_further_off_than_its_last_digit(value: Decimal) -> None:
    text = numbers.head(value)
    allowed = Decimal(5000) if text.endswith("M") else Decimal(50) if text.endswith("k") else Decimal("0.5")
    assert abs(_read(text) - value) <= allowed


@given(MONEY)
def test_a_minus_is_the_typographic_one_and_zero_has_no_sign(value: Decimal) -> None:
    texts = [numbers.head(value), numbers.dollars(value, plus=True), numbers.price(value), numbers.percent(value, plus=True)]
    for text in texts:
        assert "-" not in text
        assert (numbers.MINUS in text) == (value < 0 and any(char in "123456789" for char in text))


@given(MONEY, MONEY)
def test_a_larger_amount_never_reads_smaller(one: Decimal, other: Decimal) -> None:
    low, high = sorted((one, other))
    assert _read(numbers.head(low)) <= _read(numbers.head(high))
    assert _read(numbers.dollars(low)) <= _read(numbers.dollars(high))


@given(st.integers(min_value=0, max_value=10**11))
def test_a_count_never_reads_a_thousand_of_the_unit_below(value: int) -> None:
    text = numbers.count(value)
    assert not text.startswith("1,000.0")
    assert abs(_read(text) - value) <= Decimal(SCALES.get(text[-1], 0)) / 20


@pytest.mark.parametrize(
    ("value", "text"), [(9999, "9,999"), (10_000, "10.0k"), (999_949, "999.9k"), (999_950, "1.0M"), (999_950_000, "1.0B")]
)
def test_a_count_takes_the_next_unit_where_it_would_round_to_it(value: int, text: str) -> None:
    assert numbers.count(value) == text


@pytest.mark.parametrize(("value", "text"), [("3.114", "$3.11"), ("0.4094", "$0.409"), ("0.00213", "$0.0021")])
def test_a_small_unit_cost_keeps_its_digits(value: str, text: str) -> None:
    assert numbers.price(Decimal(value)) == text


def test_what_is_unknown_is_a_dash_and_never_a_zero() -> None:
    assert {numbers.head(None), numbers.dollars(None), numbers.price(None), numbers.percent(None), numbers.count(None)} == {numbers.NONE}
    assert numbers.change(Decimal(5), Decimal(0)) is None


def test_a_figure_and_its_unit_stay_on_one_line() -> None:
    assert numbers.percent(Decimal("0.123")) == f"12.3{numbers.NBSP}%"
    assert numbers.points(Decimal("-0.1")) == f"{numbers.MINUS}10.0{numbers.NBSP}pts"


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (0, "0.0 %"),
        (1, "under 0.1 %"),
        (999, "under 0.1 %"),
        (1000, "0.1 %"),
        (999_000, "99.9 %"),
        (999_999, "over 99.9 %"),
        (1_000_000, "100.0 %"),
    ],
)
def test_a_share_that_is_not_nothing_never_reads_zero_and_one_that_is_not_all_never_a_hundred(part: int, text: str) -> None:
    assert numbers.share(part, 1_000_000).replace(numbers.NBSP, " ") == text


def test_a_share_of_nothing_is_unknown() -> None:
    assert numbers.share(0, 0) == numbers.NONE


def test_one_thing_has_no_plural() -> None:
    assert [numbers.plural(value, "file") for value in (0, 1, 1204)] == ["0 files", "1 file", "1,204 files"]
