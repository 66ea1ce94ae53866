"""What must always hold of prices, whatever the card and whatever was used: shown on the models that price."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from examples import examples
from hypothesis import assume, given
from hypothesis import strategies as st
from pricing import SAID, Row, cards_of, pricing, request

from meterbook.rate_cards.layers import Layer

pytestmark = [pytest.mark.long, pytest.mark.early]

FIRST = date(2026, 10, 1)
DAYS = 4
THRESHOLD = 200_000
METERS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
MONEY = ("list_cost_usd", "contracted_cost_usd", "effective_cost_usd", "cost_usd")
PARTS = ("input_cost_usd", "cache_read_cost_usd", "cache_write_cost_usd", "output_cost_usd", "other_cost_usd")
PRICE = st.decimals(min_value=0, max_value=1_000, places=6)
PRICES = st.fixed_dictionaries(dict.fromkeys(METERS, PRICE))
FEE = st.decimals(min_value=0, max_value=1, places=12)
few = examples(6)
some = examples(4)


def _card(*rates: Mapping[str, object], model: str = "m", uplift: str = "") -> str:
    listed = "".join(f"      - {{{', '.join(f'{key}: {_said(value)}' for key, value in rate.items())}, {SAID}}}\n" for rate in rates)
    return f"provider: acme\nmodels:\n  {model}:\n    rates:\n{listed}{uplift}"


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_said(inner)}" for key, inner in value.items()) + "}"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


@st.composite
def used(draw: st.DrawFn, most: int = THRESHOLD // 8) -> dict[str, int]:
    """Tokens of a call; no two of them together reach the threshold."""
    tokens = {f"{meter}_tokens": draw(st.integers(0, most)) for meter in METERS}
    return {**tokens, "reasoning_tokens": draw(st.integers(0, tokens["output_tokens"]))}


@st.composite
def calls(draw: st.DrawFn, most: int = 12) -> list[Row]:
    """Calls over some days: answered, failed and from the gateway's cache, of models with a price and of one without."""
    found = []
    for number in range(draw(st.integers(1, most))):
        at = datetime(FIRST.year, FIRST.month, FIRST.day) + timedelta(seconds=draw(st.integers(0, DAYS * 86_400 - 1)))
        more = {
            "model": draw(st.sampled_from(["m", "m", "other", "unheard-of"])),
            "served_tier": draw(st.sampled_from([None, "standard", "batch"])),
            "status": draw(st.sampled_from(["success", "success", "failure"])),
            "is_cache_hit": draw(st.booleans()) and draw(st.booleans()),
            "team": draw(st.sampled_from([None, "a", "b"])),
            "searches": draw(st.sampled_from([None, 0, 2])),
            "reported_cost_usd": draw(st.none() | st.decimals(min_value=0, max_value=100, places=12)),
        }
        found.append(request(f"r{number:02d}", at, **{**more, **draw(used(THRESHOLD))}))
    return found


@st.composite
def cards(draw: st.DrawFn) -> str:
    """A card whose prices change by date, by hour of the day and above a threshold, with a batch tier and another model."""
    changes = datetime(FIRST.year, FIRST.month, FIRST.day) + timedelta(seconds=draw(st.integers(1, DAYS * 86_400 - 1)))
    long = {"threshold": THRESHOLD, **draw(PRICES)}
    rates = (
        {"starts_on": FIRST - timedelta(days=1), "ends_on": changes, **draw(PRICES), "request": draw(FEE), "above_input_tokens": long},
        {"starts_on": changes, **draw(PRICES), "search": draw(FEE), "above_input_tokens": {**long, "counts": "uncached input"}},
        {"starts_on": FIRST, "hours_utc": "16:30-00:30", **draw(PRICES)},
        {"tier": "batch", "starts_on": FIRST, **draw(PRICES)},
    )
    other = _card({"starts_on": FIRST, "input": draw(PRICE), "minimum": draw(FEE)}, model="other")
    return _card(*rates) + other.partition("models:\n")[2]


def _total(rows: Sequence[Row], column: str) -> Decimal:
    return sum((row[column] for row in rows if row[column] is not None), Decimal(0))


@few
@given(PRICES, PRICE, FEE, used(), used())
def test_two_calls_cost_what_one_call_of_both_costs_and_one_fee_more(
    prices: dict[str, Decimal], reasoning: Decimal, fee: Decimal, one: dict[str, int], other: dict[str, int]
) -> None:
    long = {"threshold": THRESHOLD, "input": Decimal(999)}
    pricing().use(cards_of(_card({"starts_on": FIRST, **prices, "reasoning": reasoning, "request": fee, "above_input_tokens": long})))
    both = {meter: one[meter] + other[meter] for meter in one}
    at = datetime(2026, 10, 2, 12)
    found = pricing().costs([request(name, at, "m", **tokens) for name, tokens in (("one", one), ("other", other), ("both", both))])
    for column in (*MONEY, *PARTS):
        apart, together = found["one"][column] + found["other"][column], found["both"][column]
        assert apart - together == (fee if column in MONEY else 0), column


@some
@given(cards(), calls(), st.randoms(use_true_random=False))
def test_neither_the_order_of_the_input_nor_its_split_into_files_changes_a_cost(card: str, asked: list[Row], random: Any) -> None:
    pricing().use(cards_of(card))
    before = pricing().costs(asked)
    moved = [{**row, "file_id": random.choice(["x", "y", "z"])} for row in asked]
    random.shuffle(moved)
    assert pricing().costs(moved) == before


@some
@given(cards(), calls(), st.sets(st.integers(1, DAYS - 1)))
def test_the_parts_of_any_cut_by_days_are_the_whole(card: str, asked: list[Row], cuts: set[int]) -> None:
    pricing().use(cards_of(card))
    edges = [FIRST + timedelta(days=n) for n in (0, *sorted(cuts), DAYS)]
    windows = list(pairwise(edges))
    for table in ("core.request_cost", "core.model_spend"):
        assert sorted(pricing().table(table, asked, windows), key=str) == sorted(pricing().table(table, asked), key=str)


@some
@given(cards(), calls(), st.integers(2, 4))
def test_costs_of_any_split_of_the_calls_sum_to_the_whole_and_the_roll_up_holds_neither_more_nor_less(
    card: str, asked: list[Row], parts: int
) -> None:
    pricing().use(cards_of(card))
    rows = list(pricing().costs(asked).values())
    split = [row for part in range(parts) if (some_calls := asked[part::parts]) for row in pricing().costs(some_calls).values()]
    rolled = pricing().table("core.model_spend", asked)
    for column in ("list_cost_usd", "contracted_cost_usd", "cost_usd", "reported_cost_usd"):
        assert _total(split, column) == _total(rows, column) == _total(rolled, column), column
    for column in ("input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens"):
        assert sum(row[column] for row in rolled) == sum(row[column] for row in asked), column
    assert sum(row["requests"] for row in rolled) == len(asked)
    assert sum(row["unpriced_requests"] for row in rolled) == sum(row["unpriced_reason"] is not None for row in rows)


@few
@given(PRICES, used(), st.integers(2, 1_000))
def test_a_million_tokens_cost_the_price_on_the_card_and_so_many_times_the_tokens_so_many_times_that(
    prices: dict[str, Decimal], tokens: dict[str, int], times: int
) -> None:
    pricing().use(cards_of(_card({"starts_on": FIRST, **prices})))
    at = datetime(2026, 10, 2, 12)
    million = [request(meter, at, "m", **{f"{meter}_tokens": 1_000_000}) for meter in METERS]
    scaled = {meter: count * times for meter, count in tokens.items()}
    found = pricing().costs([*million, request("once", at, "m", **tokens), request("times", at, "m", **scaled)])
    assert {meter: found[meter]["cost_usd"] for meter in METERS} == prices
    assert found["times"]["cost_usd"] == found["once"]["cost_usd"] * times


@few
@given(st.fixed_dictionaries(dict.fromkeys(METERS, st.sampled_from([None, Decimal(0), Decimal("2.5")]))), used())
def test_a_price_of_zero_costs_nothing_and_a_missing_one_leaves_the_cost_unknown_with_a_reason(
    prices: dict[str, Decimal | None], tokens: dict[str, int]
) -> None:
    known = {meter: price for meter, price in prices.items() if price is not None}
    assume(known)
    pricing().use(cards_of(_card({"starts_on": FIRST, **known})))
    [row] = pricing().costs([request("r", datetime(2026, 10, 2, 12), "m", **tokens)]).values()
    if any(tokens[f"{meter}_tokens"] and price is None for meter, price in prices.items()):
        assert (row["cost_usd"], row["unpriced_reason"]) == (None, "no meter")
    else:
        assert row["cost_usd"] == sum(tokens[f"{meter}_tokens"] * price / 1_000_000 for meter, price in known.items())
        assert row["unpriced_reason"] is None


@some
@given(PRICES, PRICES, calls(), st.integers(1, DAYS * 86_400 - 1))
def test_a_price_that_starts_later_changes_no_cost_from_before(
    now: dict[str, Decimal], then: dict[str, Decimal], asked: list[Row], second: int
) -> None:
    starts = datetime(FIRST.year, FIRST.month, FIRST.day) + timedelta(seconds=second)
    pricing().use(cards_of(_card({"starts_on": FIRST, **now})))
    before = pricing().costs(asked)
    pricing().use(cards_of(_card({"starts_on": FIRST, "ends_on": starts, **now}, {"starts_on": starts, **then})))
    after = pricing().costs(asked)
    for name, row in before.items():
        if row["started_at"] < starts:
            assert {**after[name], "card_version": None} == {**row, "card_version": None}
        elif row["effective_cost_usd"] and not row["other_cost_usd"]:
            assert after[name]["rate_id"] != row["rate_id"]


@st.composite
def layers(draw: st.DrawFn, kinds: Sequence[str]) -> list[Layer]:
    """Clauses of a contract, each for some meters."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        kind, most = draw(st.sampled_from(kinds)), 100
        percent = draw(st.decimals(min_value=0, max_value=most, places=3))
        meters = tuple(draw(st.sets(st.sampled_from(METERS))))
        found.append(Layer(name=f"clause {number}", kind=kind, percent=percent, provider="acme", meters=meters))  # type: ignore[arg-type] # one of them
    return found


@few
@given(PRICES, used(), layers(["discount"]), layers(["margin"]))
def test_a_discount_makes_nothing_dearer_a_margin_nothing_cheaper_and_all_three_prices_are_kept(
    prices: dict[str, Decimal], tokens: dict[str, int], discounts: list[Layer], margins: list[Layer]
) -> None:
    card, asked = _card({"starts_on": FIRST, **prices}), [request("r", datetime(2026, 10, 2, 12), "m", **tokens)]

    def row(*clauses: Layer) -> tuple[Decimal, Decimal, Decimal]:
        pricing().use(cards_of(card, layers=clauses))
        [found] = pricing().costs(asked).values()
        assert found["cost_usd"] == found["effective_cost_usd"]
        return found["list_cost_usd"], found["contracted_cost_usd"], found["effective_cost_usd"]

    [bare] = set(row())
    listed, contracted, effective = row(*discounts, *margins)
    assert listed == bare >= contracted <= effective
    assert row(*discounts) == (bare, contracted, contracted)
    assert row(*margins)[:2] == (bare, bare)
    assert row(*reversed(margins), *discounts)[1] == contracted
