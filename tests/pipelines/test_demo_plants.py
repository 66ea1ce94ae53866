"""What changed in the sample company's calls: each change is in the logs as the truth says, and costs what the truth says."""

import csv
import gzip
import io
import json
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from meterbook.assets.book import Book
from meterbook.pipelines import demo_plants as plants
from meterbook.pipelines.demo_company import FEATURES
from meterbook.pipelines.demo_requests import Requests, calls_of, cost_pico

Rows = list[dict[str, Any]]
[(MODEL_OF_REPEATING, _)] = next(feature.models for feature in FEATURES if feature.name == plants.REPEATING)
"""Which no other feature calls."""
NUMBERS = {feature.name: number for number, feature in enumerate(FEATURES)}


@pytest.fixture(scope="module")
def truth(october_truth: dict[str, Any]) -> dict[str, Any]:
    return october_truth


def _of(logged: Rows, feature: str) -> Rows:
    return [row for row in logged if f"feature:{feature}" in row["request_tags"]]


def _arm(row: dict[str, Any]) -> str:
    return next((tag.partition(":")[2] for tag in row["request_tags"] if tag.startswith("experiment_arm:")), "")


def _cost(made: Requests, feature: str, day: date) -> int:
    costs = cost_pico(made, day)
    return sum(pico or 0 for pico, number in zip(costs, made.feature.tolist(), strict=True) if number == NUMBERS[feature])


@pytest.mark.parametrize(
    ("plant", "day"),
    [
        ("prompt_growth", date(2026, 10, 9)),
        ("experiment", date(2026, 10, 9)),
        ("cache_fall", date(2026, 10, 15)),
    ],
)
def test_a_change_comes_to_the_difference_to_the_day_without_it(plant: str, day: date, truth: dict[str, Any]) -> None:
    feature, found = truth["plants"][plant]["feature"], plants.planted(day)
    assert found.extra_pico[feature] == _cost(found.made, feature, day) - _cost(calls_of(day), feature, day) != 0


def test_nothing_that_costs_changed_before_october() -> None:
    day = date(2026, 9, 15)
    found = plants.planted(day)
    plain = calls_of(day)
    assert not found.extra_pico.total()
    untouched = [name for name in NUMBERS if name not in {*plants.CAPS, plants.REPEATING}]
    assert all(_cost(found.made, name, day) == _cost(plain, name, day) for name in untouched)
    assert not any(found.made.arm)


def test_the_longer_system_prompt_is_sent_from_its_day_on() -> None:
    grown = {}
    for day in (plants.GROWN_FROM - timedelta(days=1), plants.GROWN_FROM):
        now, before = (made.prompt[made.feature == NUMBERS[plants.GROWN]].sum() for made in (plants.requests_of(day), calls_of(day)))
        grown[day] = float(now / before)
    # The longest prompts cannot grow as much.
    assert list(grown.values()) == pytest.approx([1, 1 + plants.GROWN_PERCENT / 100], abs=0.002)


def test_arms_are_in_the_logs_and_outcomes_as_the_truth_counts_them(logged: Rows, october: Path, truth: dict[str, Any]) -> None:
    said = truth["plants"]["experiment"]
    [path] = (october / "inbox" / "outcomes").glob("*")
    outcomes = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))
    for arm, one in said["arms"].items():
        rows = [row for row in logged if _arm(row) == f"{said['experiment']}:{arm}"]
        assert {(row["model"], row["request_tags"][0]) for row in rows} == {(said["models"][arm], f"feature:{said['feature']}")}
        units = [row for row in outcomes if row["experiment_arm"] == f"{said['experiment']}:{arm}"]
        good = sum(1 for row in units if row["is_success"] == "true")
        assert (len(rows), len(units), good) == (one["requests"], one["units"], one["successes"])
        assert one["units"] > 1500
        assert {row["litellm_call_id"] for row in rows} >= {row["operation_id"] for row in units}
    of_operation = defaultdict(set)
    for row in _of(logged, said["feature"]):
        of_operation[row["litellm_call_id"]].add(_arm(row))
    assert max(map(len, of_operation.values())) == 1


def test_repeated_prompts_follow_the_same_one_within_the_hour_in_the_same_tokens(logged: Rows, truth: dict[str, Any]) -> None:
    asked: dict[str, Rows] = defaultdict(list)
    for row in logged:
        if row["model"] == MODEL_OF_REPEATING and row["status"] == "success":
            asked[json.dumps(row["messages"])].append(row)
    said, by_tenant = truth["plants"]["repeated_prompts"], Counter[bool]()
    for rows in asked.values():
        rows.sort(key=lambda row: row["startTime"])
        assert len({(row["prompt_tokens"], row["completion_tokens"]) for row in rows}) == 1
        for before, row in pairwise(rows):
            started = [datetime.fromisoformat(one["startTime"]) for one in (before, row)]
            assert started[1] - started[0] <= timedelta(milliseconds=plants.WITHIN_MS)
            by_tenant[before["end_user"] == row["end_user"]] += 1
    assert by_tenant.total() == said["requests"]
    assert min(by_tenant.values()) > 500


def test_answers_end_at_the_cap_that_was_asked_for(logged: Rows, truth: dict[str, Any]) -> None:
    said, lower = truth["plants"]["cut_answers"], truth["plants"]["truncation"]
    for feature, cap in said["caps"].items():
        rows = [row for row in _of(logged, feature) if row["status"] == "success"]
        on_that_day = {row["startTime"][:10] for row in rows if row["proxy_server_request"]["max_tokens"] == lower["cap"]}
        assert on_that_day == ({lower["day"]} if feature == lower["feature"] else set())
        assert {row["proxy_server_request"]["max_tokens"] for row in rows if row["startTime"][:10] not in on_that_day} == {cap}
    ended = [row for row in logged if row.get("response") == {"choices": [{"finish_reason": "length"}]}]
    assert len(ended) == said["requests"] > 100
    assert all(row["completion_tokens"] == row["proxy_server_request"]["max_tokens"] for row in ended)
    assert all(row["completion_tokens"] <= row["proxy_server_request"]["max_tokens"] for row in logged if _cap(row))
    assert sum(1 for row in ended if _cap(row) == lower["cap"]) == lower["requests"] > 100


def _cap(row: dict[str, Any]) -> int | None:
    found: int | None = row.get("proxy_server_request", {}).get("max_tokens")
    return found


def test_another_model_answers_on_two_days_than_was_asked_for(logged: Rows, truth: dict[str, Any]) -> None:
    said = truth["plants"]["model_swap"]
    rows = [row for row in logged if row["model"] != row["model_group"]]
    assert {row["startTime"][:10] for row in rows} == set(said["days"])
    assert {(row["model_group"], row["model"]) for row in rows} == {(said["asked_for"], said["answered_by"])}
    assert len(rows) == said["requests"] > 150
    assert Decimal(said["extra_cost_usd"]) == 0


def test_a_third_of_the_documents_of_a_day_come_in_one_hour_and_cost_what_they_cost(logged: Rows, truth: dict[str, Any]) -> None:
    said = truth["plants"]["rush"]
    hours = Counter(row["startTime"][11:13] for row in _of(logged, said["feature"]) if row["startTime"][:10] == said["day"])
    assert max(hours, key=lambda hour: hours[hour]) == f"{said['hour']:02d}"
    assert hours[f"{said['hour']:02d}"] > 0.25 * hours.total()


def test_calls_that_may_wait_say_so(logged: Rows, truth: dict[str, Any]) -> None:
    rows = [row for row in logged if "deferrable:true" in row["request_tags"]]
    assert rows == _of(logged, plants.DEFERRABLE)
    assert len(rows) == truth["plants"]["deferrable"]["requests"]


def test_the_cold_cache_is_read_less_than_half_as_much(logged: Rows, truth: dict[str, Any]) -> None:
    said, read = truth["plants"]["cache_fall"], Counter[bool]()
    sent = Counter[bool]()
    for row in _of(logged, said["feature"]):
        if row["session_id"] == row["litellm_call_id"]:
            cold = said["from"] <= row["startTime"][:10] < said["to"]
            read[cold] += row["metadata"]["usage_object"]["prompt_tokens_details"]["cached_tokens"]
            sent[cold] += row["prompt_tokens"]
    assert read[True] / sent[True] < read[False] / sent[False] / 2


def test_causes_are_told_by_what_they_come_to(truth: dict[str, Any]) -> None:
    causes = truth["causes"]
    sizes = [abs(Decimal(one["usd"])) for one in causes]
    assert sizes == sorted(sizes, reverse=True)
    assert {one["effect"] for one in causes} == {"volume", "routing", "retries", "tokens in", "cache", "price"}
    said = {one["cause"]: one["usd"] for one in causes}
    assert said["a backfill"] == truth["plants"]["spike"]["cost_usd"]
    assert said["a price that rose"] == truth["plants"]["price_change"]["extra_cost_usd"]
    assert said["a cold provider cache"] == truth["plants"]["cache_fall"]["extra_cost_usd"]
    assert Decimal(said["calls moved to another model"]) < 0


def test_the_book_has_a_key_for_hashes_and_a_ledger_of_savings(october: Path) -> None:
    book = Book(october)
    assert book.settings.prompt_hash_key is not None
    assert [(one.lever, one.status) for one in book.savings] == [("routing", "live"), ("batch", "committed"), ("prompt cache", "idea")]
