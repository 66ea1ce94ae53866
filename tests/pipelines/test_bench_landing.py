"""The benchmark of landings: only whole months and days with a past count, and its figures are those of the series."""

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from meterbook.pipelines import bench_landing
from meterbook.pipelines.cli import app

FIRST = date(2026, 1, 20)


def steady(days: int, keys: int = 30) -> pl.DataFrame:
    week = [5.0, 5.0, 5.0, 5.0, 5.0, 1.0, 0.0]
    made = [FIRST + timedelta(days=place) for place in range(days)]
    rows = [(f"key {key:02}", day, (1.0 + key) * week[day.weekday()]) for key in range(keys) for day in made]
    return pl.DataFrame(rows, schema=["key", "day", "cost_usd"], orient="row")


def test_months_that_are_cut_off_or_have_no_past_do_not_count_and_a_steady_week_is_landed(tmp_path: Path) -> None:
    steady(120).write_parquet(tmp_path / "report.parquet")
    found = bench_landing.measure(tmp_path)["report"]
    # 20 January to 19 May: of the whole months, February has no four weeks before it; March and April have, of 30 keys.
    assert [found[f"day_{day}"]["landings"] for day in (3, 10)] == [60, 60]
    assert found["day_3"]["error"] == pytest.approx(0, abs=1e-4)
    assert found["day_3"]["run_rate_error"] > 0.02
    assert found["day_10"]["coverage"] == 1


def test_the_command_writes_its_figures_and_names_a_folder_without_them(tmp_path: Path) -> None:
    steady(120).write_parquet(tmp_path / "report.parquet")
    made = CliRunner().invoke(app, ["bench", "landing", "--data", str(tmp_path), "--json", str(tmp_path / "out.json")])
    assert made.exit_code == 0
    assert set(json.loads((tmp_path / "out.json").read_text())["report"]) == {"day_3", "day_10"}


def test_requests_of_an_event_log_are_a_series_with_its_empty_days(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    events = [("message_send", 0), ("launched", 5), ("message_send", 86_400 * 2), ("message_send", 86_400 * 2 + 9)]
    log.write_text("".join(json.dumps({"event": event, "time": time}) + "\n" for event, time in events), "utf-8")
    assert bench_landing._counted(log)["amount"].to_list() == [1, 0, 2]


def test_the_bars_hold_on_the_keys_that_were_not_tuned_on() -> None:
    data = Path(__file__).parents[3] / "shared/bench/anomalies"
    if not data.is_dir():
        pytest.skip("the labelled series are not beside the project")
    found = bench_landing.measure(data)["report"]
    assert found["day_10"]["error"] <= bench_landing.MOST_ERROR
    for day in ("day_3", "day_10"):
        assert bench_landing.LEAST_COVERED <= found[day]["coverage"] <= bench_landing.MOST_COVERED
