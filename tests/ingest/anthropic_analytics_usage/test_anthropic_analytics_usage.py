"""Usage of Anthropic's analytics API."""

import json
from collections.abc import Callable
from typing import Any

import pytest

TIMES = {"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-10-02T00:00:00Z"}
SHAPE = {"uncached_input_tokens": 10, "output_tokens": 1, "requests": 1}


def page(*results: dict[str, Any]) -> str:
    return json.dumps({"data": [{**TIMES, "results": [{**SHAPE, **result} for result in results]}]})


def items(*groups: dict[str, Any]) -> str:
    return json.dumps({"data": [{**TIMES, "usage": SHAPE, "group": group} for group in groups]})


def test_counters_of_both_shapes_are_exclusive_already(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"usage.json": sample("sample.json")})
    found = desk.staged("anthropic_analytics_usage").sort("input_tokens")
    columns = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "requests")
    assert found.select(columns).rows() == [(50, 0, 30, 0, 9, 2), (210, 3600, 400, 20, 88, 7)]
    assert found.select("served_tier", "user_id", "searches").rows() == [("priority", "user_1", 0), ("standard", None, 2)]


def test_fast_mode_is_a_tier_and_the_geography_a_region(desk: Any) -> None:
    desk.take({"a.json": items({"speed": "fast", "inference_geo": "us", "service_tier": "standard"})})
    assert desk.staged("anthropic_analytics_usage").select("served_tier", "region").rows() == [("fast", "us")]


def test_rows_by_user_without_a_group_around_their_dimensions_are_read(desk: Any) -> None:
    users = [{**TIMES, **SHAPE, "actor": {"type": "user_actor", "user_id": user}} for user in ("u1", "u2")]
    done = desk.take({"users.json": json.dumps({"data": users})})
    assert (done.rows_typed, done.quarantined) == (2, 0)
    assert sorted(desk.staged("anthropic_analytics_usage")["user_id"].to_list()) == ["u1", "u2"]


def test_the_same_day_by_buckets_by_dimension_and_ungrouped_counts_once(desk: Any) -> None:
    groups: list[dict[str, Any]] = [{"model": "a"}, {"model": "b"}]
    whole = page({"uncached_input_tokens": 20, "output_tokens": 2, "requests": 2})
    desk.take({"whole.json": whole, "buckets.json": page(*groups), "items.json": items(*groups)})
    found = desk.staged("anthropic_analytics_usage")
    assert sorted(found.select("model", "input_tokens").rows()) == [("a", 10), ("b", 10)]
    assert found["copies"].sum() == 5


def test_an_export_by_groups_that_share_members_is_refused(desk: Any) -> None:
    done = desk.take({"a.json": items({"rbac_group_id": "g1"})})
    assert ["rbac_group_id" in reason for _, reason in done.refused] == [True]


def test_a_bucket_of_a_hundred_groups_is_flagged_for_the_rest_is_cut_off(desk: Any) -> None:
    done = desk.take({"a.json": page(*({"model": f"m{n}"} for n in range(100)))})
    assert [flag for _, flag in done.flagged] == ["holds 1 buckets of exactly 100 groups, where the API cuts them without a remainder"]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"uncached_input_tokens": None}, "uncached_input_tokens or output_tokens is missing"),
        ({"requests": -1}, "requests is negative (-1)"),
        ({"requests": 1.5}, "not a result: requests 1.5 is not a whole number"),
        ({"cache_read_input_tokens": -4}, "cache_read_tokens is negative (-4)"),
    ],
)
def test_a_wrong_result_is_set_aside(desk: Any, result: dict[str, Any], reason: str) -> None:
    done = desk.take({"usage.json": page({}, result)})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])
