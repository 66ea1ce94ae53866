"""Ways in which other tools priced calls wrongly, each with the price that is right; the card of each case stands in the case."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pricing import SAID, cards_of, cost, pricing, request, row

from meterbook.rate_cards.compile import SHIPPED, load_cards

pytestmark = pytest.mark.long

NOON = datetime(2026, 10, 2, 12)


def _card(*rates: str, more: str = "") -> str:
    listed = "".join(f"      - {{{rate}, {SAID}}}\n" for rate in rates)
    return f"provider: acme\nmodels:\n  m:\n    rates:\n{listed}{more}"


PLAIN = _card("starts_on: 2026-01-01, input: 3, cache_read: 0.3, output: 15")
LONG = _card(
    "starts_on: 2026-01-01, input: 5, cache_read: 0.5, output: 30, "
    "above_input_tokens: {threshold: 272000, input: 10, cache_read: 1, output: 45}"
)
SONNET = _card("starts_on: 2026-01-01, input: 3, output: 15, above_input_tokens: {threshold: 200000, input: 6, output: 22.5}")
BATCH = _card(
    "starts_on: 2026-01-01, input: 3, cache_read: 0.3, output: 15, search: 0.01",
    "tier: batch, starts_on: 2026-01-01, input: 1.5, cache_read: 0.3, output: 7.5, search: 0.01",
)
NIGHT = _card(
    "starts_on: 2026-01-01, input: 2",
    "starts_on: 2026-01-01, hours_utc: '16:30-00:30', input: 1",
)


def test_cached_tokens_are_charged_once_at_the_price_of_cached_tokens() -> None:
    used = {"input_tokens": 262_960 - 257_955, "cache_read_tokens": 257_955, "output_tokens": 1_744}
    for cached, total in (("0.25", "0.10316125"), ("0.625", "0.199894375")):
        assert cost(_card(f"starts_on: 2026-01-01, input: 2.5, cache_read: {cached}, output: 15"), **used) == Decimal(total)


def test_five_minute_and_one_hour_cache_writes_are_charged_at_their_own_prices() -> None:
    card = _card("starts_on: 2026-01-01, input: 5, cache_write_5m: 6.25, cache_write_1h: 10, output: 25")
    assert cost(card, cache_write_5m_tokens=600_000, cache_write_1h_tokens=400_000) == Decimal("7.75")


def test_a_cache_write_of_an_hour_without_a_price_of_its_own_is_not_charged_as_one_of_five_minutes() -> None:
    card = _card("starts_on: 2026-01-01, input: 5, cache_write_5m: 6.25, output: 25")
    assert row(card, cache_write_1h_tokens=400_000)["unpriced_reason"] == "no meter"


def test_reasoning_tokens_are_inside_the_output_and_not_charged_again() -> None:
    assert cost(PLAIN, output_tokens=1_000, reasoning_tokens=900) == cost(PLAIN, output_tokens=1_000) == Decimal("0.015")


def test_reasoning_with_a_price_of_its_own_is_charged_at_that_and_the_rest_of_the_output_at_its_own() -> None:
    card = _card("starts_on: 2026-01-01, input: 1, output: 4, reasoning: 10")
    assert cost(card, output_tokens=1_000_000, reasoning_tokens=300_000) == Decimal("5.8")


def test_reasoning_is_charged_at_the_price_of_the_tier_that_served() -> None:
    card = _card("starts_on: 2026-01-01, input: 1, output: 4", "tier: batch, starts_on: 2026-01-01, input: 0.5, output: 2")
    assert cost(card, served_tier="batch", output_tokens=1_000_000, reasoning_tokens=300_000) == 2


@pytest.mark.parametrize(
    ("input_tokens", "output_tokens", "total"), [(272_000, 1_000, "1.390"), (272_001, 1_000, "2.76501"), (271_999, 0, "1.359995")]
)
def test_the_threshold_itself_is_below_and_above_it_all_tokens_are_at_the_long_price(
    input_tokens: int, output_tokens: int, total: str
) -> None:
    assert cost(LONG, input_tokens=input_tokens, output_tokens=output_tokens) == Decimal(total)


def test_one_token_above_two_hundred_thousand_doubles_the_price_of_all_of_them() -> None:
    assert (cost(SONNET, input_tokens=200_000), cost(SONNET, input_tokens=200_001)) == (Decimal("0.60"), Decimal("1.200006"))


def test_where_a_provider_says_from_the_threshold_itself_is_above() -> None:
    card = _card("starts_on: 2026-01-01, input: 3, above_input_tokens: {threshold: 200000, operator: '>=', input: 6}")
    assert (cost(card, input_tokens=199_999), cost(card, input_tokens=200_000)) == (Decimal("0.599997"), Decimal("1.2"))


def test_the_input_decides_at_which_price_the_output_is_however_long_the_output() -> None:
    assert cost(SONNET, input_tokens=1, output_tokens=300_000) == Decimal("4.500003")


def test_cached_tokens_count_towards_the_threshold_unless_the_card_counts_only_uncached_input() -> None:
    used = {"input_tokens": 100_000, "cache_read_tokens": 172_001}
    assert cost(LONG, **used) == Decimal("1.172001")
    assert cost(LONG.replace("threshold: 272000", "threshold: 272000, counts: uncached input"), **used) == Decimal("0.5860005")


def test_the_tier_that_served_is_charged_and_one_the_card_lacks_is_unknown_not_standard() -> None:
    used = {"input_tokens": 1_000_000}
    assert [cost(BATCH, served_tier=tier, **used) for tier in (None, "standard", "batch")] == [3, 3, Decimal("1.5")]
    unknown = row(BATCH, served_tier="flex", **used)
    assert (unknown["cost_usd"], unknown["unpriced_reason"]) == (None, "no tier")


@pytest.mark.parametrize("name", ["m", "m-2026-03-05", "m-20260305", "acme/m-2026-03-05", "M-2026-03-05"])
def test_a_dated_snapshot_has_all_tiers_of_its_model(name: str) -> None:
    found = row(BATCH, name, served_tier="batch", input_tokens=1_000_000)
    assert (found["cost_usd"], found["card_model"]) == (Decimal("1.5"), "m")


def test_a_batch_halves_tokens_and_neither_searches_nor_cached_tokens() -> None:
    used = {"input_tokens": 1_000_000, "cache_read_tokens": 1_000_000, "output_tokens": 1_000_000, "searches": 3}
    assert cost(BATCH, **used) == 3 + Decimal("0.3") + 15 + Decimal("0.03")
    assert cost(BATCH, served_tier="batch", **used) == Decimal("1.5") + Decimal("0.3") + Decimal("7.5") + Decimal("0.03")


def test_a_price_holds_from_its_first_instant_until_that_of_the_next() -> None:
    card = _card("starts_on: 2026-01-01, ends_on: 2026-10-02 12:00:00, input: 10", "starts_on: 2026-10-02 12:00:00, input: 2")
    found = [cost(card, at=at, input_tokens=1_000_000) for at in (datetime(2026, 10, 2, 11, 59, 59, 999_999), NOON, datetime(2026, 12, 1))]
    assert found == [10, 2, 2]


def test_a_call_before_the_first_price_is_unknown() -> None:
    found = row(PLAIN, at=datetime(2025, 12, 31, 23, 59, 59), input_tokens=5)
    assert (found["cost_usd"], found["unpriced_reason"]) == (None, "no date")


def test_a_price_of_later_changes_no_cost_of_before() -> None:
    before = cost(PLAIN, input_tokens=7, output_tokens=11)
    later = PLAIN.replace("starts_on: 2026-01-01", "starts_on: 2026-01-01, ends_on: 2026-10-03")
    assert cost(later + f"      - {{starts_on: 2026-10-03, input: 99, {SAID}}}\n", input_tokens=7, output_tokens=11) == before


def test_o3_costs_ten_dollars_a_million_before_its_cut_and_two_after() -> None:
    pricing().use(load_cards([SHIPPED]))
    asked = [
        request(name, at, "o3-2025-04-16", "openai", input_tokens=1_000_000)
        for name, at in (("june", datetime(2025, 6, 1)), ("july", datetime(2025, 7, 1)))
    ]
    assert {name: found["cost_usd"] for name, found in pricing().costs(asked).items()} == {"june": 10, "july": 2}


@pytest.mark.parametrize(
    ("at", "total"),
    [("16:29:59", 2), ("16:30:00", 1), ("23:59:59", 1), ("00:00:00", 1), ("00:29:59", 1), ("00:30:00", 2), ("12:00:00", 2)],
)
def test_a_price_of_the_night_holds_from_its_first_minute_until_its_last_is_over_across_midnight(at: str, total: int) -> None:
    assert cost(NIGHT, at=datetime.fromisoformat(f"{date(2026, 10, 2)} {at}"), input_tokens=1_000_000) == total


def test_an_unknown_model_costs_nobody_knows_what_and_a_price_of_zero_nothing() -> None:
    unknown = row(PLAIN, "never heard of it", input_tokens=5)
    assert (unknown["cost_usd"], unknown["cost_basis"], unknown["unpriced_reason"]) == (None, None, "no model")
    free = row(_card("starts_on: 2026-01-01, input: 0, output: 0"), input_tokens=5, output_tokens=5)
    assert (free["cost_usd"], free["cost_basis"], free["unpriced_reason"]) == (0, "computed", None)


def test_tokens_of_a_kind_without_a_price_make_the_whole_call_unknown() -> None:
    assert row(SONNET, input_tokens=5, cache_read_tokens=1)["unpriced_reason"] == "no meter"
    assert cost(SONNET, input_tokens=5, cache_read_tokens=0) == Decimal("0.000015")


def _basis(**used: Any) -> tuple[object, ...]:
    found = row(PLAIN, **{"input_tokens": 1_000_000, **used})
    return found["effective_cost_usd"], found["reported_cost_usd"], found["cost_usd"], found["cost_basis"]


def test_what_a_source_reports_is_kept_beside_what_is_computed_and_counts_where_it_is_the_better_or_the_only_one() -> None:
    said = Decimal("9.99")
    assert _basis(reported_cost_usd=said) == (3, said, 3, "computed")
    assert _basis(reported_cost_usd=said, cost_basis="reported") == (3, said, said, "reported")
    assert _basis(reported_cost_usd=said, served_tier="flex") == (None, said, said, "reported")
    assert _basis(reported_cost_usd=Decimal(0), cost_basis="reported") == (3, 0, 3, "computed")


def test_what_is_kept_in_a_cache_is_charged_by_tokens_and_hours_not_by_call() -> None:
    card = _card("starts_on: 2026-01-01, input: 1.25, storage_token_hour: 4.5")
    found = row(card, quantity=Decimal("1500000.5"), quantity_unit="token_hours", input_tokens=None, output_tokens=None)
    assert (found["other_cost_usd"], found["cost_usd"]) == (Decimal("6.75000225"), Decimal("6.75000225"))


RESIDENCY = """\
    uplifts:
      - {name: US data residency, regions: [us], times: 1.1, source: test, checked_on: 2026-01-01}
      - {name: priority lane, regions: [us], times: 1.25, meters: [output], tiers: [batch], source: test, checked_on: 2026-01-01}
"""


def test_uplifts_multiply_the_price_of_the_tier_in_the_order_in_which_they_stand_and_say_so() -> None:
    card = BATCH + RESIDENCY
    used = {"input_tokens": 1_000_000, "output_tokens": 1_000_000, "searches": 1}
    there = row(card, region="us", served_tier="batch", **used)
    assert there["input_cost_usd"] == Decimal("1.65")
    assert there["output_cost_usd"] == Decimal("7.5") * Decimal("1.1") * Decimal("1.25")
    assert there["other_cost_usd"] == Decimal("0.01")
    assert there["matched_rule"] == "name: batch, US data residency x 1.1, priority lane x 1.25"


def test_an_uplift_leaves_other_regions_and_tiers_alone() -> None:
    card = BATCH + RESIDENCY
    elsewhere = [row(card, region=region, input_tokens=1_000_000)["cost_usd"] for region in (None, "eu", "us")]
    assert elsewhere == [3, 3, Decimal("3.3")]
    assert cost(card, region="us", output_tokens=1_000_000) == Decimal("16.5")


def test_the_same_use_costs_the_same_whichever_of_two_cards_in_other_order_prices_it() -> None:
    other = "provider: other\nmodels:\n  m:\n    rates:\n" + f"      - {{starts_on: 2026-01-01, input: 99, {SAID}}}\n"
    asked = [request("mine", NOON, "m", input_tokens=5), request("theirs", NOON, "m", "other", input_tokens=5)]
    found = []
    for texts in ((PLAIN, other), (other, PLAIN)):
        pricing().use(cards_of(*texts))
        found.append({name: one["cost_usd"] for name, one in pricing().costs(asked).items()})
    assert found[0] == found[1] == {"mine": Decimal("0.000015"), "theirs": Decimal("0.000495")}
