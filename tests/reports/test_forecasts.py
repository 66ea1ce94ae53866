"""The words beside a forecast: how sure it is, and what is known of the rest of its month."""

from datetime import date
from decimal import Decimal
from typing import Any

from meterbook.reports.forecasts import ahead, told, tried

DAY = date(2026, 10, 10)
BAND = {"low_usd": Decimal(280), "high_usd": Decimal(340), "days_left": 21}


def test_what_changes_later_in_the_month_is_a_sentence_each_prices_first() -> None:
    price = {"on_day": date(2026, 10, 12), "provider": "openai", "model": "gpt", "recent_usd": Decimal(80), "change_usd": Decimal(-20)}
    fixed = {"on_day": date(2026, 10, 31), "kind": "pool", "name": "platform", "change_usd": Decimal(30)}

    def ask(query: str, day: date) -> list[dict[str, Any]]:
        assert day == DAY
        return [price] if "core.price_ahead" in query else [fixed]

    assert [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in ahead(ask, DAY)] == [
        "From 12 October the same use of gpt (openai) costs 25.0 % less.",
        "From 31 October the pool platform costs $30 more in the month than it runs at now.",
    ]


def test_a_forecast_without_a_back_test_claims_none() -> None:
    row = {**BAND, "error": None, "tests": 0, "covered": 0}
    assert told(row) == "80 % between $280 and $340"
    assert tried(row) == ("\N{EN DASH}", "\N{EN DASH}")


def test_a_back_test_of_points_alone_says_what_they_were_off_by_and_no_coverage() -> None:
    row = {**BAND, "error": 0.021, "tests": 0, "covered": 0}
    assert told(row).endswith("; with 21 days left landings were off by 2.1\N{NO-BREAK SPACE}% before, in the median")
    assert tried(row)[1] == "\N{EN DASH}"
