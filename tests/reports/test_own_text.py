"""What stands between a book's own sections and the page: values as text, and HTML that may stand there."""

from decimal import Decimal

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.reports.own_html import MarkupError, refuse_unfit
from meterbook.reports.own_values import shown, words


@pytest.mark.parametrize(
    "made",
    [
        "<p onclick=x>a</p>", "<a href='javascript:x'>a</a>", "<a href='java\nscript:x'>a</a>", "<img src='//evil.example/x'>", "<p>",
        "<p></div></p>", "</p>", "<!-- x -->", "<p style='background:url(x)'></p>", "<svg><script>x</script></svg>", "<base href=x>",
        "<iframe></iframe>", "<a href=https://evil.example>a</a>", "<SCRIPT>x</SCRIPT>",
    ],
)  # fmt: skip
def test_html_that_cannot_stand_on_a_page_is_refused(made: str) -> None:
    with pytest.raises(MarkupError):
        refuse_unfit(made)


def test_html_that_only_shows_is_taken() -> None:
    refuse_unfit(
        '<p>a<br>b <a href="../weekly/2026-W43.html">week</a></p><svg><path d="M0 0"/></svg><img src="data:image/png;base64,AA" alt="">'
    )


@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(), st.text(), st.dates(), st.datetimes()))
@examples(80)
def test_any_value_is_one_short_line(value: object) -> None:
    for unit in ("", "dollars", "price", "percent", "count", "hours"):
        text = shown(value, unit)
        assert text == "" or all(char.isprintable() or char == "\N{NO-BREAK SPACE}" for char in text)
        assert isinstance(value, int | float | Decimal) or len(text) <= 200


def test_names_of_columns_are_words() -> None:
    assert [words(name) for name in ("cost_usd", "gpu_hours", "_usd")] == ["cost", "gpu hours", "_usd"]
    assert shown(Decimal("1234.5")) == "1,234.5"
    assert shown(Decimal(-3), "hours") == "\N{MINUS SIGN}3 hours"
    assert shown(float("nan")) == shown(None) == "\N{EN DASH}"
