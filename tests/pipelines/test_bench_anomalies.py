"""How alarms are scored, the generated ratios, and the measurement itself."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from meterbook.pipelines import bench_peers, bench_ratios
from meterbook.pipelines.bench_anomalies import NOT_ASKED, NOT_INSTALLED, alarms, ratios
from meterbook.pipelines.bench_figures import AT_LEAST, AT_MOST, CPU_SECONDS_AT_MOST, RATIOS_AT_LEAST
from meterbook.pipelines.bench_scoring import FIRST_DAY, Event, read, report
from meterbook.pipelines.cli import app
from meterbook.sql.detector import COST

DATA = Path(__file__).parents[3] / "shared" / "bench" / "anomalies"
DAYS = 100
SPIKE = Event(0, "spike", 50, 51, is_persistent=False, peak_usd=40.0)
LEVEL = Event(1, "level", 60, 99, is_persistent=True, peak_usd=40.0)
RAMP = Event(2, "ramp", 50, 63, is_persistent=False, peak_usd=40.0)


def _said(*days: tuple[int, int]) -> NDArray[np.bool_]:
    found = np.zeros((4, DAYS), dtype=bool)
    for row, day in days:
        found[row, day] = True
    return found


def _figures(*days: tuple[int, int], events: tuple[Event, ...] = (SPIKE, LEVEL, RAMP)) -> dict[str, object]:
    return report(_said(*days), events)


def test_an_event_is_hit_within_its_first_fourteen_days() -> None:
    assert _figures((0, 51), (1, 73), (2, 63))["recall_by_kind"] == {"level": 1.0, "ramp": 1.0, "spike": 1.0}
    assert _figures((0, 52), (1, 74), (2, 64))["recall_by_kind"] == {"level": 0.0, "ramp": 0.0, "spike": 0.0}


def test_an_alarm_within_the_grace_of_an_event_is_not_false() -> None:
    assert _figures((0, 53), (1, 87), (2, 70))["precision"] == 1.0
    assert _figures((0, 54), (1, 88), (2, 71))["precision"] == 0.0


def test_alarms_on_days_that_follow_one_another_are_one_episode() -> None:
    found = _figures((3, 60), (3, 61), (3, 63), (0, 50))
    assert (found["episodes"], found["precision"]) == (3, 0.3333)
    quiet = 4 * (DAYS - FIRST_DAY) - 4 - 28 - 21
    assert found["false_alarms_per_1000"] == round(2000 / quiet, 3)


def test_an_alarm_before_the_first_day_counts_for_nothing() -> None:
    assert _figures((3, FIRST_DAY - 1))["episodes"] == 0


def test_a_small_event_is_neither_missed_nor_false() -> None:
    small = Event(3, "burst", 70, 72, is_persistent=False, peak_usd=4.99)
    found = _figures((3, 70), (0, 50), events=(SPIKE, small))
    assert (found["events"], found["precision"], found["recall"]) == (1, 1.0, 1.0)


def test_without_any_alarm_f1_is_nothing() -> None:
    assert (_figures()["f1"], _figures()["precision"], _figures(events=())["recall"]) == (0.0, 0.0, 0.0)


def test_the_generated_ratios_are_the_same_each_time_and_hold_what_they_say() -> None:
    made, again = bench_ratios.make(40), bench_ratios.make(40)
    np.testing.assert_array_equal(made.cost, again.cost)
    for event in made.events:
        per_request, per_attempt = made.attempts[event.row] / made.requests[event.row], made.cost[event.row] / made.tokens[event.row]
        before, after = slice(event.first - 14, event.first), slice(event.first, min(event.last, event.first + 13) + 1)
        moved = {
            name: np.median(ratio[after]) / np.median(ratio[before]) for name, ratio in (("retry", per_request), ("price", per_attempt))
        }
        other = {"retry": "price", "price": "retry"}[event.kind]
        assert moved[event.kind] > 1.05
        assert moved[other] == pytest.approx(1, abs=0.1)


def test_ratios_find_what_cost_alone_does_not() -> None:
    found = ratios()
    for kind, bar in RATIOS_AT_LEAST.items():
        assert found[kind]["f1"] >= bar  # type: ignore[index]


def test_the_peer_compares_with_the_same_weekday_of_six_weeks() -> None:
    values = np.where(np.arange(DAYS) % 7 >= 5, 40.0, 100.0)[None, :].copy()
    values[0, -1] = 300.0
    z, expected = bench_peers.same_weekday(values)
    assert (np.isnan(z[0, :42]).all(), expected[0, -1], np.abs(z[0, 42:-1]).max()) == (True, pytest.approx(100), 0)
    assert z[0, -1] == pytest.approx(np.log(303 / 103) / bench_peers.FLOOR)


def _write(folder: Path, name: str) -> None:
    first = date(2026, 3, 2)
    costs = np.random.default_rng(1).normal(100, 3, (4, DAYS))
    costs[0, 50] *= 4
    rows = [{"key": f"k{row}", "day": first + timedelta(days=day), "cost_usd": costs[row, day]} for row in range(4) for day in range(DAYS)]
    pl.DataFrame(rows).write_parquet(folder / f"{name}.parquet")
    with (folder / f"{name}_events.csv").open("w", newline="") as file:
        spiked = first + timedelta(days=50)
        csv.writer(file).writerows([
            ["key", "kind", "first_day", "last_day", "is_persistent", "peak_excess_usd"],
            ["k0", "spike", spiked, spiked, "false", 300.0],
        ])  # fmt: skip


def test_the_command_shows_the_figures_and_writes_them(tmp_path: Path) -> None:
    for name in ("tune", "report"):
        _write(tmp_path, name)
    said = ["bench", "anomalies", "--data", str(tmp_path), "--no-mstl", "--json", str(tmp_path / "out.json")]
    done = CliRunner().invoke(app, said)
    assert done.exit_code == 0, done.output
    assert NOT_INSTALLED in done.output or NOT_ASKED in done.output
    found = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert (found["report"]["f1"], found["report"]["recall_by_kind"]) == (1.0, {"spike": 1.0})
    assert found["peers"]["same weekday"]["recall"] == 1.0
    assert {"price", "retry"} == found["ratios"].keys()
    assert found["scoring"]["keys"] == 10_000
    assert found["scoring"]["cpu_seconds"] < CPU_SECONDS_AT_MOST


def test_a_folder_without_the_series_is_said_in_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["bench", "anomalies", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "tune.parquet" in str(done.exception)


@pytest.mark.skipif(not DATA.is_dir(), reason="the labelled series are not here")
def test_the_detector_holds_its_bars_on_the_reporting_keys() -> None:
    reported = read(DATA, "report")
    found = report(alarms(reported.values, COST), reported.events)
    figures = {**found, **found["recall_by_kind"]}  # type: ignore[dict-item]
    assert {name: figures[name] for name, bar in AT_LEAST.items() if figures[name] < bar} == {}
    assert {name: figures[name] for name, bar in AT_MOST.items() if figures[name] > bar} == {}
