from datetime import date
from decimal import Decimal
from itertools import pairwise

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.reports.charts import LINE_HEIGHT, spread
from meterbook.reports.frame import Frame
from meterbook.reports.page import PageFacts
from meterbook.reports.periods import week
from meterbook.reports.sections.moved import UNKNOWN, bridge, movers, sentences, shown, unpriced

Con = duckdb.DuckDBPyConnection


def _frame(con: Con, facts: PageFacts, name: str = "2026-W43", through: date | None = None) -> Frame:
    return Frame(con, week(name, through or facts.data_through), facts)


@pytest.mark.parametrize(
    ("name", "through"), [("2026-W31", None), ("2026-W36", None), ("2026-W43", None), ("2026-W43", date(2026, 10, 20))]
)
def test_the_parts_of_a_bridge_add_up_to_the_change_exactly(name: str, through: date | None, lake: Con, facts: PageFacts) -> None:
    frame = _frame(lake, facts, name, through)
    assert sum(value for _, value in bridge(frame)) == frame.now - frame.before


def _explained(con: Con, *rows: tuple[str, str, str, str, str], ends_on: date = date(2026, 10, 25)) -> None:
    """Rows of marts.cost_change of the week: team, feature, model, effect and dollars."""
    columns = "period, kind, starts_on, ends_on, team, feature, model, effect, change_usd"
    for row in rows:
        con.execute(
            f"insert into marts.cost_change ({columns}) values ('2026-10', 'week', '2026-10-19', ?, ?, ?, ?, ?, ?)", [ends_on, *row]
        )


def test_effects_are_told_in_the_order_of_a_request_and_what_they_leave_is_said(lake: Con, facts: PageFacts) -> None:
    _explained(lake, ("sales", "drafts", "gpt-5", "price", "5"), ("sales", "drafts", "gpt-5", "volume", "3"))
    _explained(lake, ("sales", "(none)", "(none)", "Shared: gateway", "1"), ("support", "(none)", "(none)", "Shared: staff", "-0.25"))
    frame = _frame(lake, facts)
    parts = bridge(frame)
    assert parts[:3] == [("Requests", Decimal(3)), ("Prices", Decimal(5)), ("Shared costs", Decimal("0.75"))]
    assert parts[3:] == [("Not explained", frame.now - frame.before - Decimal("8.75"))]


def test_a_week_that_goes_on_in_the_next_month_is_explained_as_far_as_the_page_goes(lake: Con, facts: PageFacts) -> None:
    _explained(lake, ("sales", "drafts", "gpt-5", "price", "5"), ends_on=date(2026, 10, 20))
    assert "Prices" not in dict(bridge(_frame(lake, facts)))
    assert dict(bridge(_frame(lake, facts, through=date(2026, 10, 20))))["Prices"] == 5


def test_without_effects_the_change_is_told_by_cost_line(lake: Con, facts: PageFacts) -> None:
    assert {"Model usage", "Shared costs"} & dict(bridge(_frame(lake, facts))).keys() == {"Model usage"}


def test_sentences_say_who_used_more_and_whose_price_moved(lake: Con, facts: PageFacts) -> None:
    _explained(lake, ("sales", "drafts", "gpt-5", "volume", "300"), ("sales", "drafts", "gpt-5", "mix", "100"))
    _explained(lake, ("sales", "drafts", "gpt-5", "price", "250"), ("support", "chat", "gpt-5", "price", "50"))
    _explained(lake, ("support", "chat", "gpt-5", "cache", "-20"), ("support", "chat", "gpt-5", "retries", "0.25"))
    assert sentences(_frame(lake, facts)) == [
        "drafts (sales) served more requests: +$400.",
        "gpt-5 cost more per token: +$300.",
        "chat (support) had more of its input tokens from a cache: \N{MINUS SIGN}$20.",
    ]


def test_what_has_no_price_any_more_is_told_as_no_saving_and_stands_for_itself(lake: Con, facts: PageFacts) -> None:
    _explained(lake, ("sales", "drafts", "gpt-5", "unpriced", "-40"))
    frame = _frame(lake, facts)
    assert sentences(frame) == ["drafts (sales) used what has no price any more, which is no saving: \N{MINUS SIGN}$40."]
    larger = [(f"effect {number}", Decimal(100 + number)) for number in range(20)]
    assert (UNKNOWN, Decimal(-40)) in shown([*larger, *bridge(frame)])


def test_models_without_a_price_are_told_with_how_many_calls_and_since_when(lake: Con, facts: PageFacts) -> None:
    lake.execute("update marts.spend set unpriced_requests = 0")
    assert unpriced(_frame(lake, facts)) == ""
    for day, team, model, calls in (
        ("2026-10-15", "sales", "old", 7), ("2026-10-22", "sales", "old", 3), ("2026-10-23", "sales", "new", 1200),
        ("2026-10-21", "support", "new", 34), ("2026-10-01", "sales", "earlier", 9),
    ):  # fmt: skip
        lake.execute(
            "insert into marts.spend (day, team, model, requests, unpriced_requests) values (?, ?, ?, ?, ?)",
            [day, team, model, calls, calls],
        )
    assert unpriced(_frame(lake, facts)) == (
        "Without a price, so that what they cost is unknown: 1,234 calls of new since 21 October, none before; 3 calls of old, 7 before."
    )


@given(st.lists(st.decimals(min_value=-1000, max_value=1000, places=2), max_size=30))
def test_what_is_shown_adds_up_but_for_half_a_dollar_and_fits_a_page(values: list[Decimal]) -> None:
    parts = [(f"effect {number}", value) for number, value in enumerate(values)]
    told = shown(parts)
    assert abs(sum((value for _, value in told), Decimal(0)) - sum(values, Decimal(0))) < Decimal("0.5")
    assert len(told) <= 11


def test_the_largest_mover_comes_first(lake: Con, facts: PageFacts) -> None:
    lake.execute("insert into marts.cost values ('2026-10-20', 'Model usage', 'sales', 'bolt', 'drafts', 9000)")
    name, value = movers(_frame(lake, facts))[0]
    assert name == "drafts"
    assert value > 8000


@given(st.lists(st.floats(min_value=0, max_value=1000), min_size=1, max_size=3))
def test_labels_at_the_end_of_lines_never_touch_and_keep_their_order(values: list[float]) -> None:
    pixels_per_unit = 252 / 1000
    places = [value * pixels_per_unit + lift for value, lift in zip(values, spread(values, 1000), strict=True)]
    ordered = sorted(places)
    assert all(high - low >= LINE_HEIGHT - 1e-6 for low, high in pairwise(ordered))
    for one, value in zip(places, values, strict=True):
        assert all(one < other for other, bigger in zip(places, values, strict=True) if bigger > value)
