import csv
import gzip
import hashlib
import io
import json
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zstandard

from meterbook.assets.book import Book
from meterbook.assets.inbox import Inbox
from meterbook.pipelines.demo import write_demo
from meterbook.pipelines.demo_company import FEATURES, LAST, PRICES, REPRICED, REPRICED_ON, TENANTS, days, price_on
from meterbook.pipelines.demo_gateway import MALFORMED, MALFORMED_FILES, malformed
from meterbook.pipelines.demo_training import SECONDS, SLOTS
from meterbook.rate_cards.compile import SHIPPED, load_cards


@pytest.fixture(scope="module")
def truth(october_truth: dict[str, Any]) -> dict[str, Any]:
    return october_truth


def _bytes_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def _spend(rows: list[dict[str, Any]]) -> Decimal:
    return sum((row["spend"] for row in rows), Decimal(0))


def _records(path: Path) -> int:
    content = path.read_bytes()
    if path.suffix == ".json":
        return sum(len(bucket["results"]) for page in json.loads(content) for bucket in page["data"])
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    if path.suffix == ".zst":
        content = zstandard.ZstdDecompressor().decompress(content)
    if ".csv" in path.name:
        return sum(1 for _ in csv.DictReader(io.StringIO(content.decode())))
    # A header of sacct, the types of Prometheus text.
    beside = 1 if path.suffix == ".txt" else content.count(b"# TYPE")
    return content.count(b"\n") - beside


def test_two_generations_have_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_demo(tmp_path / name, count=3)
    assert _bytes_of(tmp_path / "one") == _bytes_of(tmp_path / "two")


def test_a_day_has_the_same_bytes_whatever_days_are_written_with_it(tmp_path: Path, october: Path) -> None:
    write_demo(tmp_path, count=2)
    gpus = (f"gpu/training/{LAST}.jsonl.zst", f"gpu/inference/{LAST}.jsonl.zst", f"gpu/notebooks/{LAST}.prom.gz")
    for name in (f"gateway/{LAST}.jsonl.gz", f"slurm/{LAST}.txt", *gpus):
        assert (tmp_path / "inbox" / name).read_bytes() == (october / "inbox" / name).read_bytes()


def test_progress_is_told_about_every_day(tmp_path: Path) -> None:
    told: list[date] = []
    write_demo(tmp_path, count=2, progress=told.append)
    assert told == days(2)


def test_the_book_can_be_read(october: Path) -> None:
    book = Book(october)
    assert (book.settings.starts_on, book.settings.ends_on) == (days(25)[0], LAST)
    assert (book.settings.mode, len(book.settings.gpu_pools)) == ("chargeback", 3)


def test_every_file_holds_as_many_records_as_the_truth_says(october: Path, truth: dict[str, Any]) -> None:
    found = {str(path.relative_to(october / "inbox")): _records(path) for path in (october / "inbox").rglob("*") if path.is_file()}
    assert found == {name: one["rows_in"] for name, one in truth["files"].items()}


def _gap(truth: dict[str, Any], comparison: str, cause: str) -> Decimal:
    return sum(
        (Decimal(one["usd"]) for one in truth["reconciliation"] if (one["comparison"], one["cause"]) == (comparison, cause)), Decimal(0)
    )


def test_requests_tokens_and_spend_are_those_of_the_truth(logged: list[dict[str, Any]], truth: dict[str, Any]) -> None:
    total = truth["totals"]
    assert len({row["request_id"] for row in logged}) == len(logged) == total["requests"]
    assert sum(row["prompt_tokens"] for row in logged) == total["prompt_tokens"]
    assert sum(row["completion_tokens"] for row in logged) == total["output_tokens"]
    assert sum(row["metadata"]["usage_object"]["cache_creation_input_tokens"] for row in logged) == total["cache_write_tokens"]
    late = Decimal(truth["plants"]["stale_gateway_price"]["underreported_usd"])
    assert late > 0
    assert _gap(truth, "reported - computed", "price drift") == -late
    assert _gap(truth, "reported - computed", "cache convention") > 0
    assert _spend(logged) == Decimal(total["cost_usd"]) - late + _gap(truth, "reported - computed", "cache convention")
    by_day = Counter(row["startTime"][:10] for row in logged)
    assert by_day == {day: one["requests"] for day, one in truth["days"].items()}


@pytest.mark.parametrize(("plant", "team_model"), [("spike", "gpt-5"), ("tool_call_loop", "claude-sonnet-4-5")])
def test_a_planted_session_is_one_tenants_on_one_day(
    logged: list[dict[str, Any]], truth: dict[str, Any], plant: str, team_model: str
) -> None:
    said = truth["plants"][plant]
    session = {"spike": "sess-backfill-harbor", "tool_call_loop": "sess-loop-dune"}[plant]
    rows = [row for row in logged if row["session_id"] == session]
    assert {(row["startTime"][:10], row["end_user"], row["model"]) for row in rows} == {(said["day"], said["tenant"], team_model)}
    assert {row["metadata"]["user_api_key_alias"] for row in rows} == {f"{said['feature']}-prod"}
    assert (len(rows), _spend(rows)) == (said["requests"], Decimal(said["cost_usd"]))


def test_the_retry_storm_repeats_operations_that_end_well(logged: list[dict[str, Any]], truth: dict[str, Any]) -> None:
    said = truth["plants"]["retry_storm"]
    rows = [
        row for row in logged if row["startTime"][:10] == said["day"] and row["metadata"]["user_api_key_alias"].startswith(said["feature"])
    ]
    failed = [row for row in rows if row["status"] == "failure"]
    assert (len(failed), _spend(failed)) == (said["requests"], Decimal(said["cost_usd"]))
    operations = {row["litellm_call_id"] for row in failed if row["prompt_tokens"]}
    assert len(failed) > 2.5 * len(operations)
    assert operations <= {row["litellm_call_id"] for row in rows if row["status"] == "success"}


def test_unowned_keys_and_the_unpriced_model_are_counted(logged: list[dict[str, Any]], truth: dict[str, Any]) -> None:
    unowned, unpriced = truth["plants"]["unowned_keys"], truth["plants"]["unpriced_model"]
    rows = [row for row in logged if row["metadata"]["user_api_key_alias"] == unowned["key_alias"]]
    assert len(rows) == unowned["requests"]
    assert all(not row["request_tags"] for row in rows)
    rows = [row for row in logged if row["model"] == unpriced["model"]]
    assert (len(rows), _spend(rows)) == (unpriced["requests"], 0)
    assert sum(1 for row in rows if row["total_tokens"]) == unpriced["unpriced_requests"] == truth["totals"]["unpriced_requests"]


def test_late_rows_lie_in_the_file_of_a_later_day(logged: list[dict[str, Any]], truth: dict[str, Any]) -> None:
    said = truth["plants"]["late_data"]
    late = Counter((row["startTime"][:10], row["file"]) for row in logged if row["startTime"][:10] != row["file"])
    assert late == {(said["day"], said["arrived_in"][8:18]): said["rows"]}
    assert said["rows"] > 1000


def test_the_price_change_is_a_plant_of_one_model(logged: list[dict[str, Any]], truth: dict[str, Any]) -> None:
    said = truth["plants"]["price_change"]
    rows = [row for row in logged if row["model"] == said["model"] and row["startTime"][:10] >= said["day"] and not _tier(row)]
    assert len(rows) == said["requests"]
    cost = Decimal(said["cost_usd"])
    assert cost - Decimal(said["extra_cost_usd"]) == cost / Decimal(said["factor"])
    assert cost == _spend(rows) + Decimal(truth["plants"]["stale_gateway_price"]["underreported_usd"])


def test_the_ramp_climbs(truth: dict[str, Any]) -> None:
    weeks = list(truth["plants"]["slow_ramp"]["days"].values())
    sums = [sum(one["requests"] for one in weeks[n : n + 7]) for n in range(0, 21, 7)]
    assert sums == sorted(sums)
    assert sums[2] > 1.3 * sums[0]


def _tier(row: dict[str, Any]) -> str | None:
    found: str | None = row["metadata"]["usage_object"].get("service_tier")
    return found


def test_the_idle_pool_and_the_samples_of_each_state_are_as_said(october: Path, truth: dict[str, Any]) -> None:
    said, found = truth["plants"]["idle_pool"], Counter[str]()
    for path in sorted((october / "inbox" / "gpu" / said["pool"]).glob("*")):
        samples = [json.loads(line) for line in zstandard.ZstdDecompressor().decompress(path.read_bytes()).splitlines()]
        states = Counter("used" if one["utilization_gpu"] else "warm_idle" if one["memory_used_bytes"] else "free_idle" for one in samples)
        if said["from"] <= path.name[:10] < said["to"]:
            assert states == {"free_idle": len(samples)}
            assert {one["team"] for one in samples} == {None}
        else:
            assert states["used"] > 200
        found += states
    assert {"samples": found.total(), **found} == truth["gpu_samples"][said["pool"]]


def test_outcomes_add_up_to_the_units_of_the_truth(october: Path, truth: dict[str, Any]) -> None:
    [path] = (october / "inbox" / "outcomes").glob("*")
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))
    assert Counter(row["unit"] for row in rows) == {unit: one["units"] for unit, one in truth["units"].items()}
    assert {row["unit"] for row in rows} == {feature.unit for feature in FEATURES}
    assert all(0 <= Decimal(row["quality_score"]) <= 1 for row in rows)
    assert not any(row["is_success"] == row["is_escalated"] == "true" for row in rows)


def test_the_cards_hold_the_prices_that_gateway_and_bills_use(october: Path) -> None:
    rates = load_cards([SHIPPED, october / "rate_cards"]).rates.rows(named=True)
    for model in PRICES:
        for day in (date(2026, 8, 1), REPRICED_ON - timedelta(days=1), REPRICED_ON, LAST):
            price = price_on(model, day)
            assert price is not None
            [rate] = [
                one
                for one in rates
                if (one["provider"], one["model"], one["served_tier"], one["input_above"]) == (price.provider, model, "standard", -1)
                and one["starts_at"].date() <= day < one["ends_at"].date()
            ]
            meters = (rate["input_usd"], rate["cache_read_usd"], rate["cache_write_5m_usd"] or 0, rate["output_usd"])
            assert tuple(int(usd * 10**12) for usd in meters) == price.meters, (model, day)
    assert price_on(REPRICED, LAST) != price_on(REPRICED, days()[0])


def test_every_malformed_line_is_set_aside(october: Path, tmp_path: Path, truth: dict[str, Any]) -> None:
    name = max(truth["plants"]["malformed_lines"])
    (tmp_path / "inbox" / "gateway").mkdir(parents=True)
    (tmp_path / "inbox" / name).write_bytes((october / "inbox" / name).read_bytes())
    done = Inbox(tmp_path, ()).ingest()
    said = truth["files"][name]
    assert (done.rows_in, done.quarantined, done.refused) == (said["rows_in"], said["quarantined"], [])
    assert done.quarantined == len(MALFORMED)


def test_two_hundred_malformed_lines_lie_in_twenty_files() -> None:
    found = [len(malformed(day)) for day in days() if malformed(day)]
    assert (sum(found), len(found)) == (200, MALFORMED_FILES)


@pytest.mark.nightly
def test_the_whole_company_has_its_size_and_every_plant(tmp_path: Path) -> None:
    write_demo(tmp_path)
    truth = json.loads((tmp_path / "truth.json").read_text("utf-8"))
    files = [path for path in (tmp_path / "inbox").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 60_000_000
    assert {str(path.relative_to(tmp_path / "inbox")): _records(path) for path in files if "_copy" not in path.name} == {
        name: one["rows_in"] for name, one in truth["files"].items()
    }
    twice = truth["plants"]["file_twice"]
    one, two = ((tmp_path / "inbox" / twice[name]).read_bytes() for name in ("file", "copy"))
    assert one == two
    assert truth["totals"]["malformed_lines"] == 200
    assert truth["totals"]["gpu_samples"] == 92 * SLOTS * 16 - 3600 // SECONDS * truth["plants"]["silent_host"]["gpu_hours"]
    assert 305_000 < truth["totals"]["requests"] < 335_000
    assert (len(truth["days"]), len(TENANTS), len(FEATURES), len({one.team for one in FEATURES})) == (92, 12, 9, 5)
    assert 0.01 < truth["totals"]["cache_hits"] / truth["totals"]["requests"] < 0.02
    assert all(one.get("rows", one.get("requests", 1)) for one in truth["plants"].values())
