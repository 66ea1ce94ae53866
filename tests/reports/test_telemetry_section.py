"""What calls carry of the telemetry contract: the same figures on the page and in the lake, and a gap only where something is lost."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from meterbook.reports.page import render
from meterbook.reports.quality import Quality, QualityFacts
from meterbook.reports.sections.telemetry import SECTION
from meterbook.reports.telemetry import Carried, Telemetry, can_carry, remedy
from meterbook.reports.telemetry_fields import ANY, FIELDS, Field

DAY = date(2026, 10, 25)
Con = duckdb.DuckDBPyConnection
BY_NAME = {one.name: one for one in FIELDS}


def day(feature: str = "chat", source: str = "gateway", **more: Any) -> dict[str, Any]:
    """A day of a hundred calls, ninety of them answered, that carry everything but what is said."""
    full = {one.column: 90 if one.is_of_answers else 100 for one in FIELDS}
    return {
        "day": DAY,
        "source": source,
        "provider": "openai",
        "feature": feature,
        "requests": 100,
        "answered_requests": 90,
        **full,
        **more,
    }


def put(con: Con, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        con.execute(f"insert into marts.telemetry ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def telemetry(con: Con, rows: Sequence[dict[str, Any]], **more: Any) -> Telemetry:
    put(con, rows)
    return Telemetry(con, **more)


def gaps(found: Telemetry) -> list[str]:
    return [one.field.name for one in found.total if one.is_gap]


def test_what_every_call_carries_is_no_gap(empty: Con) -> None:
    found = telemetry(empty, [day()])
    assert gaps(found) == []
    assert {one.share for one in found.total} == {Decimal(1)}


def test_a_field_is_a_gap_below_nine_tenths_and_a_rare_one_only_where_it_is_never_there(empty: Con) -> None:
    found = telemetry(empty, [day(model_requests=89, latency_requests=90, deferrable_requests=1, experiment_arm_requests=0)])
    assert gaps(found) == ["model", "experiment arm"]


def test_what_only_answers_have_is_asked_of_answers(empty: Con) -> None:
    found = telemetry(empty, [day(answered_requests=0, **{one.column: 0 for one in FIELDS if one.is_of_answers})])
    assert gaps(found) == []
    assert next(one for one in found.total if one.field.name == "tokens").share is None


def test_days_before_the_last_ones_do_not_count_and_features_come_by_their_calls(empty: Con) -> None:
    old = {**day("old"), "day": DAY - timedelta(days=28)}
    found = telemetry(empty, [day("small"), day("large", requests=500), {**day("small"), "provider": "anthropic"}, old])
    assert [(one.feature, one.calls) for one in found.features] == [("large", 500), ("small", 200)]


def test_one_feature_may_be_asked_for(empty: Con) -> None:
    found = telemetry(empty, [day("chat"), day("search")], feature="search")
    assert [one.feature for one in found.features] == ["search"]


def test_sources_are_told_apart(empty: Con) -> None:
    found = telemetry(empty, [day(source="a"), day(source="b", prompt_hash_requests=0)])
    assert {source: [one.field.name for one in fields if one.is_gap] for source, fields in found.by_source().items()} == {
        "a": [],
        "b": ["prompt hash"],
    }


def test_the_section_says_what_each_gap_makes_impossible(empty: Con) -> None:
    put(empty, [day(prompt_hash_requests=12), day("search", source="proxy")])
    found = SECTION.build(Quality(empty, QualityFacts("Acme", DAY, [], [])))
    assert found is not None
    row = next(one for one in found["fields"] if one["name"] == "Prompt hash")
    assert row["share"] == "56.0\N{NO-BREAK SPACE}%"
    assert "no potential of a response cache" in row["said"]
    assert [(one["feature"], one["gaps"]) for one in found["features"]] == [("chat", "prompt hash")]
    assert [one["said"] for one in found["fields"] if one["name"] == "Model"] == [""]


def test_a_feature_with_many_gaps_names_some_and_counts_the_others(empty: Con) -> None:
    put(empty, [day(**{one.column: 0 for one in FIELDS})])
    found = SECTION.build(Quality(empty, QualityFacts("Acme", DAY, [], [])))
    assert found is not None
    assert found["features"][0]["gaps"].endswith(f"and {len(FIELDS) - 6} others")


def test_a_book_without_calls_has_a_quiet_line(empty: Con) -> None:
    assert SECTION.build(Quality(empty, QualityFacts("Acme", None, [], []))) is None
    assert SECTION.empty in render("quality", "index", empty, QualityFacts("Acme", None, [], []))


def test_the_name_of_a_feature_is_text_on_the_page(empty: Con) -> None:
    put(empty, [day("<script>alert(1)</script>", model_requests=0)])
    assert "<script>alert(1)" not in render("quality", "index", empty, QualityFacts("Acme", DAY, [], []))


def test_every_column_of_the_mart_that_counts_a_field_is_of_one_field(shapes: dict[str, dict[str, str]]) -> None:
    counted = [name for name in shapes["marts.telemetry"] if name.endswith("_requests") and name != "answered_requests"]
    assert sorted(counted) == sorted(one.column for one in FIELDS)


@pytest.mark.parametrize("field", FIELDS, ids=lambda one: one.name)
def test_a_field_says_why_it_is_there_and_what_closes_its_gap(field: Field) -> None:
    assert all((field.why.endswith("."), field.without, field.remedy))
    assert not field.without.endswith(".")
    assert field.enough in {ANY, Decimal("0.9")}


def test_a_format_carries_a_field_whose_columns_it_has_all() -> None:
    columns = {"staging.a": {"model": "", "input_tokens": "", "output_tokens": ""}, "staging.b": {"input_tokens": ""}}
    found = can_carry(columns, {"a": "request", "b": "request", "c": "charge"})
    assert {name: [one.name for one in fields] for name, fields in found.items()} == {"a": ["model", "tokens"], "b": []}


def test_what_closes_a_gap_is_said_in_the_words_of_the_format() -> None:
    field, carries = BY_NAME["prompt hash"], {"litellm_spendlogs": [BY_NAME["prompt hash"]], "cloudflare_logs": []}
    assert "store_prompts_in_spend_logs" in remedy(field, "litellm_spendlogs", carries)
    assert remedy(field, "cloudflare_logs", carries).startswith("cloudflare_logs cannot carry it: write it to OpenTelemetry spans as ")
    assert remedy(field, None, carries) == field.remedy
    assert remedy(BY_NAME["team"], "cloudflare_logs", carries) == f"cloudflare_logs cannot carry it: {BY_NAME['team'].elsewhere}"
    assert remedy(BY_NAME["quality"], "cloudflare_logs", {"cloudflare_logs": []}).endswith(BY_NAME["quality"].remedy)


def test_a_share_of_nothing_is_no_gap() -> None:
    assert not Carried(FIELDS[0], 0, 0).is_gap
    assert Carried(replace(FIELDS[0], enough=ANY), 0, 5).is_gap
