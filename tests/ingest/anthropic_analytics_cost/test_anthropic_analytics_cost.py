"""Costs of Anthropic's analytics API."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/anthropic_analytics_cost"
TIMES = {"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-10-02T00:00:00Z"}
SHAPE = {"amount": "100", "list_amount": "120", "currency": "USD"}


def page(*results: dict[str, Any]) -> str:
    return json.dumps({"data": [{**TIMES, "results": [{**SHAPE, **result} for result in results]}]})


def items(*groups: dict[str, Any], **figures: Any) -> str:
    return json.dumps({"data": [{**TIMES, "cost": {**SHAPE, **figures}, "group": group} for group in groups]})


def billed(desk: Any) -> list[Decimal]:
    return sorted(desk.staged("anthropic_analytics_cost")["billed_cost"].to_list())


def test_cents_of_both_shapes_become_dollars_beside_their_list_price(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"costs.json": sample("sample.json")})
    assert (done.rows_in, done.rows_typed) == (3, 3)
    found = desk.staged("anthropic_analytics_cost").sort("billed_cost")
    assert found.select("billed_cost", "list_cost", "meter", "service_name", "served_tier").rows() == [
        (Decimal("0.0025"), Decimal("0.0025"), "web_search", "api", None),
        (Decimal("0.5"), Decimal("0.6"), "input", "api", "flex"),
        (Decimal("1.053"), Decimal("1.17"), "output", "claude_code", None),
    ]


@pytest.mark.parametrize("make", [page, items])
def test_a_report_fetched_again_is_billed_once_at_its_larger_amount(desk: Any, make: Callable[..., str]) -> None:
    once, again = make({"model": "a"}), make({"model": "a"}).replace('"100"', '"250"')
    desk.take({"a.json": once, "b.json": again})
    assert desk.staged("anthropic_analytics_cost").select("billed_cost", "copies").rows() == [(Decimal("2.5"), 2)]


def test_a_day_grouped_in_two_ways_is_billed_once(desk: Any) -> None:
    whole, parts = page({"amount": "300"}), page({"model": "a"}, {"model": "b", "amount": "200"})
    desk.take({"whole.json": whole, "parts.json": parts})
    assert billed(desk) == [1, 2]
    assert desk.staged("anthropic_analytics_cost")["copies"].sum() == 3


def test_the_same_day_by_buckets_and_by_dimension_is_billed_once(desk: Any) -> None:
    desk.take({"buckets.json": page({"model": "a"}, {"model": "b"}), "items.json": items({"model": "a"}, {"model": "b"})})
    assert billed(desk) == [1, 1]


def test_an_export_by_groups_that_share_members_is_refused(desk: Any) -> None:
    done = desk.take({"a.json": page({"rbac_group_id": "g1"}, {"rbac_group_id": "g2"})})
    assert done.rows_typed == 0
    assert ["rbac_group_id" in reason for _, reason in done.refused] == [True]


@pytest.mark.parametrize("make", [page, items])
@pytest.mark.parametrize(("groups", "flags"), [(99, 0), (100, 1), (101, 0)])
def test_a_bucket_of_a_hundred_groups_is_flagged_for_the_rest_is_cut_off(
    desk: Any, make: Callable[..., str], groups: int, flags: int
) -> None:
    done = desk.take({"a.json": make(*({"model": f"m{n}"} for n in range(groups)))})
    assert [flag for _, flag in done.flagged] == [
        "holds 1 buckets of exactly 100 groups, where the API cuts them without a remainder"
    ] * flags


@pytest.mark.parametrize("make", [page, items])
def test_a_row_in_another_currency_is_kept_in_it(desk: Any, make: Callable[..., str]) -> None:
    text = make({}).replace('"USD"', '"JPY"')
    assert desk.take({"a.json": text}).quarantined == 0
    assert desk.staged("anthropic_analytics_cost").select("currency", "billed_cost", "list_cost").rows() == [("JPY", 100, 120)]


def test_a_row_over_more_than_a_day_is_set_aside(desk: Any) -> None:
    month = {**TIMES, "ending_at": "2026-11-01T00:00:00Z", "cost": SHAPE, "group": {}}
    desk.take({"a.json": json.dumps({"data": [month]})})
    assert desk.reasons() == [
        "not a result: the bucket is longer than a day (2026-10-01 00:00:00 to 2026-11-01 00:00:00); export days",
    ]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"currency": None}, "currency NONE is no ISO 4217 code"),
        ({"amount": "much"}, "not a result: amount much is not an amount"),
        ({"list_amount": []}, "not a result: list_amount [] is not an amount"),
        ({"model": 4}, "not a result: model 4 is not text"),
    ],
)
def test_a_wrong_result_is_set_aside(desk: Any, result: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.json": page({}, result)})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_recorded_page_is_read_whole(desk: Any) -> None:
    desk.take({"page.json": (EXAMPLES / "page.json").read_bytes()})
    found = desk.staged("anthropic_analytics_cost")
    assert found.select("billed_cost", "list_cost", "meter").rows() == [(Decimal("1.053"), Decimal("1.17"), "output")]
