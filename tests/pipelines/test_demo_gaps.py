"""What the sample company's bills differ from its logs by: only what was planted, and each plant once."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from meterbook.pipelines import demo_gaps as gaps
from meterbook.pipelines.demo_company import EURO_USD
from meterbook.pipelines.demo_gaps import BILLED


@pytest.fixture(scope="module")
def truth(october_truth: dict[str, Any]) -> dict[str, Any]:
    return october_truth


def _results(folder: Path, pattern: str) -> Iterator[tuple[date, dict[str, Any]]]:
    for path in sorted((folder / "inbox").glob(pattern)):
        for page in json.loads(path.read_bytes(), parse_float=Decimal):
            for bucket in page["data"]:
                day = date.fromisoformat(bucket["starting_at"][:10]) if "starting_at" in bucket else _utc(bucket["start_time"])
                yield from ((day, result) for result in bucket["results"])


def _utc(second: int) -> date:
    return date(1970, 1, 1) + timedelta(days=second // 86_400)


def test_bills_follow_from_the_requests_but_for_what_was_planted(october: Path, truth: dict[str, Any]) -> None:
    rows = [
        json.loads(line, parse_float=Decimal)
        for path in (october / "inbox" / "google").glob("*")
        for line in path.read_bytes().splitlines()
    ]
    billed = {
        "anthropic": sum((Decimal(line["amount"]) for _, line in _results(october, "anthropic/costs*")), Decimal(0)) / 100,
        "openai": sum((Decimal(line["amount"]["value"]) for _, line in _results(october, "openai/costs*")), Decimal(0)),
        "google": sum((row["cost"] for row in rows), Decimal(0)) * EURO_USD,
    }
    assert billed == {provider: Decimal(one["billed_usd"]) for provider, one in truth["bills"].items()}
    for provider, amount in billed.items():
        planted = [Decimal(one["usd"]) for one in truth["reconciliation"] if (one["comparison"], one["provider"]) == (BILLED, provider)]
        assert (
            amount - Decimal(truth["providers"][provider]["cost_usd"])
            == sum(planted)
            == Decimal(truth["bills"][provider]["difference_usd"])
        )


def test_every_cause_but_the_unexplained_one_is_planted_once_for_each_place(truth: dict[str, Any]) -> None:
    found = truth["reconciliation"]
    assert {one["cause"] for one in found if one["comparison"] == BILLED} == {
        "not logged", "logged, not billed", "price drift", "tier", "cache convention", "batch", "failed calls", "time zone", "FX",
        "credits and taxes", "duplicates", "late", "rounding",
    }  # fmt: skip
    places = [tuple(one[name] for name in ("comparison", "cause", "day", "provider", "key", "model")) for one in found]
    assert len(places) == len(set(places))
    assert all(Decimal(one["usd"]) for one in found)


def test_records_written_twice_are_those_of_calls_billed_twice(october_lines: dict[str, list[bytes]], truth: dict[str, Any]) -> None:
    twice = {day: len(lines) - len(set(lines)) for day, lines in october_lines.items()}
    [echo] = [one for one in truth["reconciliation"] if one["cause"] == "duplicates"]
    assert {day: count for day, count in twice.items() if count} == {echo["day"]: gaps.ECHOES}


def test_what_a_provider_counts_late_is_only_moved(october: Path, logged: list[dict[str, Any]], truth: dict[str, Any]) -> None:
    said = truth["plants"]["provider_counts_late"]
    counted: Counter[str] = Counter()
    for day, result in _results(october, "openai/usage*"):
        counted[str(day)] += result["num_model_requests"] if result["project_id"] != gaps.SHADOW_PROJECT else 0
    sent = Counter(
        row["startTime"][:10]
        for row in logged
        if row["custom_llm_provider"] == "openai" and row["cache_hit"] == "False" and row["total_tokens"]
    )
    given_back = sum(
        1 for row in logged if row["startTime"][:10] == str(gaps.FORGIVEN_DAY) and row["model"] == "gpt-5" and row["status"] == "failure"
        and row["total_tokens"] and row["metadata"]["user_api_key_project_id"] == "proj_support"
    )  # fmt: skip
    counted[str(gaps.FORGIVEN_DAY)] += given_back
    assert given_back > 500
    assert counted.total() == sent.total()
    moved = {day: counted[day] - sent[day] for day in sent if counted[day] != sent[day]}
    assert moved == {said["day"]: -said["requests"], said["counted_on"]: said["requests"]}
    assert said["requests"] > 10
