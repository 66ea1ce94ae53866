"""What must always hold for free allowances, minimum spends and negative lines, in whatever order and windows days are computed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.clock import calendar

Rows = list[dict[str, object]]
Chain = Callable[..., dict[str, Rows]]
FIRST, AFTER = date(2026, 10, 1), date(2026, 11, 1)
DAYS = [FIRST + timedelta(days) for days in range(31)]
CUTS = st.sets(st.sampled_from(DAYS[1:]), max_size=3)
USE = st.dictionaries(st.tuples(st.sampled_from(DAYS), st.sampled_from("abc")), st.integers(1, 10**6), max_size=15)
RATE = st.decimals(min_value="0.000000000001", max_value="0.01", places=12)
ALLOWANCE = {"provider": "google", "model": "flash", "meter": "input", "starts_on": "2020-01-01", "ends_on": "9999-12-31"}
CHAIN = [
    f"core.{name}"
    for name in [
        "owner_profile",
        "owner_in_force",
        "usage",
        "model_seen",
        "rate_in_force",
        "usage_meter",
        "usage_cost",
        "model_spend",
        "cost_line",
        "shared_line",
        "owned_line",
        "allocation",
    ]
]
"""Computed from what is given, in this order."""


def _by_windows(cuts: Iterable[date], make: Callable[[date, date], Rows]) -> Rows:
    """Rows of the month, computed window by window, the last window first."""
    edges = [FIRST, *sorted(cuts), AFTER]
    return [row for first, last in reversed(list(pairwise(edges))) for row in make(first, last)]


def _sum(rows: Iterable[Mapping[str, object]], column: str) -> Decimal:
    return sum((Decimal(str(row[column])) for row in rows), Decimal(0))


def _sorted(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: [str(value) for value in row.values()])


@examples(6)
@given(USE, st.tuples(st.integers(1, 10**7), RATE, st.sampled_from(["month", "day"])), CUTS)
def test_a_free_allowance_credits_what_was_used_of_it_at_the_rate_however_the_days_are_cut(
    chain: Chain, use: dict[tuple[date, str], int], allowance: tuple[int, Decimal, str], cuts: set[date]
) -> None:
    free, rate, per = allowance
    owner = {"provider": "google", "card_provider": "google", "card_model": "flash", "meter": "input", "cost_centre": "c", "tenant": "t"}
    rows = [
        {**owner, "day": day, "team": team, "feature": "f", "quantity": units, "effective_cost_usd": f"{units * rate:f}"}
        for (day, team), units in use.items()
    ]

    def make(first: date, last: date) -> Rows:
        tables = {
            "core.meter_day": [row for row in rows if first - timedelta(31) <= row["day"] < last],  # type: ignore[operator]
            "book.day": calendar(date(2026, 8, 1), AFTER),
            "rate_cards.allowance": [{**ALLOWANCE, "free_units": free, "per": per}],
        }
        return chain(tables, ["core.allowance_use"], first, last)["core.allowance_use"]

    found = _by_windows(cuts, make)
    by_day = {day: sum(units for (of, _), units in use.items() if of == day) for day in DAYS}
    used = min(free, sum(by_day.values())) if per == "month" else sum(min(free, units) for units in by_day.values())
    assert _sum(found, "credit_usd") == used * rate
    assert _sorted(found) == _sorted(make(FIRST, AFTER))
    assert all(0 <= row["credit_usd"] <= row["effective_cost_usd"] for row in found)  # type: ignore[operator]


@examples(6)
@given(
    st.lists(st.tuples(st.sampled_from(DAYS), st.decimals(min_value=0, max_value=1000, places=12)), max_size=12),
    st.decimals(min_value=0, max_value=5000, places=6),
    CUTS,
)
def test_a_month_is_short_by_its_minimum_less_its_cost_and_never_by_less_than_nothing(
    chain: Chain, spent: list[tuple[date, Decimal]], minimum: Decimal, cuts: set[date]
) -> None:
    def make(first: date, last: date) -> Rows:
        spending = [{"day": "2026-09-20", "provider": "other", "cost_usd": 1}]
        spending += [{"day": day, "provider": "openai", "cost_usd": usd} for day, usd in spent if first - timedelta(62) <= day < last]
        book = {"minimum": "m", "provider": "openai", "starts_on": "2026-01-01", "ends_on": "9999-12-31", "monthly_usd": minimum}
        tables = {"core.model_spend": spending, "book.minimum_spend": [book], "book.day": calendar(date(2026, 7, 1), AFTER)}
        return chain(tables, ["core.minimum_spend"], first, last)["core.minimum_spend"]

    found = _by_windows(cuts, make)
    cost = sum((usd for _, usd in spent), Decimal(0))
    assert _sum(found, "accrued_usd") == max(Decimal(0), minimum - cost)
    assert _sorted(found) == _sorted(make(FIRST, AFTER))


def _posted(chain: Chain, tables: Mapping[str, Sequence[Mapping[str, object]]]) -> dict[tuple[object, object], object]:
    models = ["core.bill_line", "core.cost_line", "core.shared_line", "core.owned_line", "core.allocation", "marts.chargeback"]
    made = chain({"book.day": calendar(FIRST, AFTER), **tables}, models, FIRST, AFTER)
    return {(row["line"], row["team"]): row["posted_usd"] for row in made["marts.chargeback"]}


def test_credits_and_corrections_keep_their_sign_and_go_to_whose_charge_they_correct(chain: Chain) -> None:
    owner = {"day": "2026-10-02", "book_day": "2026-10-02", "cost_centre": "CC1", "tenant": "(none)", "feature": "(none)"}
    adjusted = {**owner, "provider": "google", "billed_as": "google"}
    posted = _posted(
        chain,
        {
            "core.model_spend": [
                {**owner, "basis": "requests", "team": "red", "provider": "google", "cost_usd": 10},
                {**owner, "basis": "requests", "team": "blue", "provider": "google", "cost_usd": 30},
            ],
            "core.adjustment": [
                {**adjusted, "line": "Free allowance", "basis": "b", "team": "red", "cost_usd": "-1.25"},
                {**adjusted, "line": "Free allowance", "basis": "b", "team": "blue", "cost_usd": "-3.75"},
                {**adjusted, "line": "Correction of 2026-09", "basis": "late", "team": "red", "billed_as": None, "cost_usd": -2},
            ],
            "core.charge": [
                {
                    "charge_id": "a",
                    "day": "2026-10-02",
                    "billed_as": "google",
                    "billed_cost": 40,
                    "cost_usd": 40,
                    "charge_category": "Usage",
                },
                {
                    "charge_id": "b",
                    "day": "2026-10-02",
                    "billed_as": "google",
                    "billed_cost": -7,
                    "cost_usd": -7,
                    "charge_category": "Credit",
                },
            ],
        },
    )
    assert {key: str(usd) for key, usd in posted.items()} == {
        ("Model usage", "red"): "10.00",
        ("Model usage", "blue"): "30.00",
        ("Free allowance", "red"): "-1.25",
        ("Free allowance", "blue"): "-3.75",
        ("Correction of 2026-09", "red"): "-2.00",
        ("Billed minus priced", "unallocated"): "5.00",
        ("Credit", "unallocated"): "-7.00",
    }


def test_cache_storage_is_priced_by_the_token_hour_to_who_owns_the_cache_not_by_the_request(chain: Chain) -> None:
    bucket = {"day": "2026-10-02", "starts_at": "2026-10-02", "ends_at": "2026-10-03", "provider": "google", "model": "flash"}
    unit = {"rate_id": "google/flash", "priced_from": "1970-01-01", "priced_to": "9999-12-31"}
    rate = {**unit, "layer": "list"}
    made = chain(
        {
            "staging.usage": [
                {**bucket, "usage_id": "cache", "project_id": "caches", "quantity": 24_000_000, "quantity_unit": "token_hours"},
                {**bucket, "usage_id": "calls", "project_id": "calls", "requests": 1000, "input_tokens": 1_000_000, "output_tokens": 0},
            ],
            "book.owner": [
                {"rule_id": name, "starts_on": "2020-01-01", "ends_on": "9999-12-31", "conditions": 1, "rank": 1, "team": team,
                 "priority": 0}
                for name, team in (("caches", "cache owner"), ("calls", "caller"))
            ],
            "book.owner_condition": [
                {"rule_id": name, "field": "project_id", "pattern": name, "is_exact": True, "is_first": True}
                    for name in ("caches", "calls")
            ],
            "book.day": calendar(FIRST, AFTER),
            "rate_cards.alias": [
                {"provider": "google", "name": "flash", "card_provider": "google", "model": "flash", "rank": 0,
                 "priced_from": "1970-01-01", "priced_to": "9999-12-31"}
            ],
            "rate_cards.rate": [
                {**rate, "provider": "google", "model": "flash", "served_tier": "standard", "region": "", "rule": "standard",
                 "starts_at": "2020-01-01", "ends_at": "9999-12-31", "weekdays": "1234567", "input_above": -1, "input_up_to": 2**63 - 1,
                 "counted_input": "whole input"}
            ],
            "rate_cards.unit_rate": [
                {**unit, "meter": "storage_token_hour", "list_usd": "0.000001", "contracted_usd": "0.000001", "effective_usd": "0.000001"},
                {**unit, "meter": "input", "list_usd": "0.0000003", "contracted_usd": "0.0000003", "effective_usd": "0.0000003"},
                {**unit, "meter": "output", "list_usd": "0.0000025", "contracted_usd": "0.0000025", "effective_usd": "0.0000025"},
            ],
        },
        CHAIN,
        FIRST,
        AFTER,
    )  # fmt: skip
    found = {row["team"]: str(row["cost_usd"]) for row in made["core.allocation"]}
    assert found == {"cache owner": "24.000000000000", "caller": "0.300000000000"}
