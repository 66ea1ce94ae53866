"""`meterbook explain` as it is typed: what it refuses, and what it says of the sample company."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from examples import IS_NIGHT
from running import typed
from small_book import SmallBook

from meterbook.pipelines import bench, bench_explain
from meterbook.pipelines.demo_company import UNPRICED_FROM, UNPRICED_MODEL

pytestmark = pytest.mark.long

Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2026-09", "--to", "2026-13"), "'2026-13' is no period such as 2026-09"),
        (("--from", "2026-09", "--to", "2026-10", "--by", "colour"), "--by 'colour' is none of team, tenant, feature, provider, model"),
        (("--from", "2026-09", "--to", "2026-10", "--where", "model=x"), "--where 'model=x' is not team=NAME, tenant=NAME or feature=NAME"),
        (("--from", "2026-09", "--to", "2026-10"), "there is no cost of 2026-09: the lake has no days; `meterbook run` first"),
    ],
)
def test_what_cannot_be_explained_is_one_line_that_says_what_to_do(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = typed(SmallBook(tmp_path / "book").folder, "explain", *words)
    assert (done.code, done.err.count("meterbook: ")) == (2, 1)
    assert said in done.err


def _asked(book: Path, *words: str) -> dict[str, Any]:
    done = typed(book, "explain", "--from", "2026-09", "--to", "2026-10", "--format", "json", *words)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out, parse_float=Decimal, parse_int=Decimal)
    return found


def test_the_sample_company_is_explained_exactly_in_every_form(demo: Path) -> None:
    found = _asked(demo)
    assert found["to_usd"] - found["from_usd"] == found["change_usd"] == sum(one["usd"] for one in found["effects"])
    rows = list(
        csv.DictReader(io.StringIO(typed(demo, "explain", "--from", "2026-09", "--to", "2026-10", "--by", "team", "--format", "csv").out))
    )
    assert sum(Decimal(row["usd"]) for row in rows) == found["change_usd"]
    table = typed(demo, "explain", "--from", "2026-09", "--to", "2026-10", "--per-day").out
    assert "2026-10 (31 days)" in table
    [unknown] = found["unpriced"]
    assert (unknown["model"], unknown["before"], unknown["since"]) == (UNPRICED_MODEL, 0, str(UNPRICED_FROM))
    assert f"Without a price: {unknown['text']}" in table
    assert "Stands out: " in table


EFFECTS = {"tokens in": ("input tokens",), "volume": ("volume", "mix")}
SHARED_MODEL = "claude-sonnet-4-5"
"""The model of email-drafts, and of the coding agent that lost its cache."""


def test_what_was_planted_in_the_sample_company_is_the_largest_of_its_kind(demo: Path, truth: dict[str, Any]) -> None:
    by = {name: _asked(demo, "--by", name)["effects"] for name in ("feature", "model")}
    planted = [one for one in truth["causes"] if "tenant" not in one]
    assert {one["effect"] for one in planted} == {"price", "cache", "volume", "routing", "tokens in", "retries"}
    for one in planted:
        name = "model" if "model" in one else "feature"
        effects, sums = EFFECTS.get(one["effect"], (one["effect"],)), Counter[str]()
        for row in by[name]:
            if row["effect"] in effects:
                sums[row[name]] += row["usd"]
        assert max(sums, key=lambda value: abs(sums[value])) == one[name], one["cause"]
        assert Decimal("0.6") < sums[one[name]] / Decimal(str(one["usd"])) < Decimal("1.4"), one["cause"]


def test_the_dearest_planted_causes_are_told_and_the_backfill_stands_out_first(demo: Path, truth: dict[str, Any]) -> None:
    found = _asked(demo)
    told = " ".join(found["sentences"])
    assert "gpt-5 cost " in told
    assert "more per token since 12 October" in told
    assert "coding-agent (engineering) had " in told
    assert "email-drafts (sales) served " in told
    spike = truth["plants"]["spike"]
    first = found["causes"][0]
    assert (first["where"], first["day"]) == ({"tenant": spike["tenant"], "feature": spike["feature"]}, spike["day"])
    # Beside a whole September, what the feature and the coding agent cost more stands out together: as their model.
    shared = {"model": SHARED_MODEL} if IS_NIGHT else {"feature": "email-drafts"}
    assert shared in [one["where"] for one in found["causes"]]
    assert "gpt-5" in {one["where"].get("model") for one in found["causes"]}


def test_weeks_and_months_of_the_lake_sum_to_the_change_of_what_pages_show(ask: Ask) -> None:
    rows = ask("select kind, starts_on, ends_on, sum(change_usd) from marts.cost_change group by kind, starts_on, ends_on")
    costs = dict(ask("select day, sum(cost_usd) from marts.cost group by day"))
    assert {kind for kind, *_ in rows} == {"week", "month"}
    for kind, first, last, change in rows:
        if kind == "week":
            now = sum((cost for day, cost in costs.items() if first <= day <= last), Decimal(0))
            before = sum((cost for day, cost in costs.items() if first <= day + timedelta(days=7) <= last), Decimal(0))
            assert change == now - before
    [month] = [change for kind, first, _, change in rows if (kind, str(first)) == ("month", "2026-10-01")]
    assert month == sum((cost if day.month == 10 else -cost for day, cost in costs.items() if day.month in {9, 10}), Decimal(0))


@pytest.mark.nightly
def test_a_bench_explains_what_it_generated(tmp_path: Path) -> None:
    read, explain = bench_explain.cases(tmp_path, 30_000)
    assert (read.at_most_seconds, explain.at_most_seconds) == (None, 5.0)
    assert bench.run(explain).rows > 10
