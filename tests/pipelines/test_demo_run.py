"""The sample company through the whole pipeline, compared with what was planted in it."""

import csv
import hashlib
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from company import run_company
from running import typed

from meterbook.pipelines import demo_plants as plants
from meterbook.pipelines.demo_levers import CAPPED, ROUTED, SCENARIO
from meterbook.pipelines.demo_training import SECONDS
from meterbook.pipelines.demo_units import SERVED_TENANT, TEXT

pytestmark = pytest.mark.long

Ask = Callable[..., list[tuple[Any, ...]]]


def _plant(truth: dict[str, Any], name: str) -> Any:
    return truth["plants"][name]


def test_every_request_arrives_and_costs_what_it_cost(ask: Ask, truth: dict[str, Any]) -> None:
    [(requests, cost, unpriced)] = ask("select count(*), sum(cost_usd), count(unpriced_reason) from core.request_cost")
    totals = truth["totals"]
    assert (requests, cost, unpriced) == (totals["requests"], Decimal(totals["cost_usd"]), totals["unpriced_requests"])
    days = {str(day): (count, cost) for day, count, cost in ask("select day, count(*), sum(cost_usd) from core.request_cost group by day")}
    assert days == {day: (one["requests"], Decimal(one["cost_usd"])) for day, one in truth["days"].items()}


def test_every_row_of_every_file_is_accounted_for(ask: Ask, truth: dict[str, Any]) -> None:
    rows = ask("select file, rows_in, rows_out, quarantined, duplicates, filtered from marts.input_file")
    assert all(rows_in == out + aside + twice + filtered for _, rows_in, out, aside, twice, filtered in rows)
    assert {file: (rows_in, aside) for file, rows_in, _, aside, _, _ in rows} == {
        file: (one["rows_in"], one["quarantined"]) for file, one in truth["files"].items()
    }


def test_malformed_lines_are_set_aside_with_file_line_reason_and_text(ask: Ask, truth: dict[str, Any]) -> None:
    rows = ask("select file, line, reason, raw_text from raw.quarantine")
    assert len(rows) == truth["totals"]["malformed_lines"] > 100
    assert all(file and line > 0 and reason and text for file, line, reason, text in rows)
    by_file: dict[str, int] = {}
    for file, *_ in rows:
        by_file[file] = by_file.get(file, 0) + 1
    assert by_file == _plant(truth, "malformed_lines")


def test_a_file_delivered_twice_counts_once_and_is_told(demo: Path, ask: Ask, truth: dict[str, Any]) -> None:
    assert "1 delivered twice" in (demo / "said.txt").read_text()
    plant = _plant(truth, "file_twice")
    assert ask("select rows_out from marts.input_file where file = ?", plant["file"]) == [(plant["rows"],)]
    assert ask("select count(*) from marts.input_file where file = ?", plant["copy"]) == [(0,)]


def test_late_rows_fall_on_the_day_they_happened(ask: Ask, truth: dict[str, Any]) -> None:
    plant = _plant(truth, "late_data")
    query = """
        select sum(kept.rows_kept) from core.file_day as kept inner join marts.input_file as file on file.file_id = kept.file_id
        where file.file = ? and kept.day = ?
    """
    assert ask(query, plant["arrived_in"], plant["day"]) == [(plant["rows"],)]


def test_every_day_is_conserved_to_the_last_decimal(ask: Ask, truth: dict[str, Any]) -> None:
    [(days, off)] = ask("select count(*), count(*) filter (where difference_usd <> 0 or cost_usd <> allocated_usd) from marts.conservation")
    assert (days, off) == (len(truth["days"]), 0)
    named = """
        select sum(request_usd + usage_usd + gpu_usd + shared_usd + billed_minus_priced_usd) from marts.conservation
    """
    assert ask(named) == ask("select sum(cost_usd) from marts.chargeback") == ask("select sum(cost_usd) from marts.cost")


def test_statements_post_to_the_cent_and_agree_with_their_manifest(demo: Path, ask: Ask, truth: dict[str, Any]) -> None:
    for month in sorted({day[:7] for day in truth["days"]}):
        folder = demo / "chargeback" / month
        content = (folder / "chargeback.csv").read_bytes()
        lines = list(csv.DictReader(content.decode().splitlines()))
        cost, posted = (sum(Decimal(line[name]) for line in lines) for name in ("cost_usd", "posted_usd"))
        [(expected,)] = ask("select sum(cost_usd) from core.allocation where strftime(day, '%Y-%m') = ?", month)
        assert cost == expected
        assert posted == expected.quantize(Decimal("0.01"))
        [described] = [one for one in json.loads((folder / "manifest.json").read_text())["files"] if one["file"] == "chargeback.csv"]
        assert described["sha256"] == hashlib.sha256(content).hexdigest()
        assert (Decimal(described["cost_usd"]), Decimal(described["posted_usd"])) == (cost, posted)


def test_what_nobody_owns_is_a_line_of_its_own(ask: Ask, truth: dict[str, Any]) -> None:
    plant = _plant(truth, "unowned_keys")
    found = ask("select sum(cost_usd) from marts.spend where team = 'unowned'")
    query = """
        select count(*), sum(cost.cost_usd) from core.request as request
        inner join core.request_cost as cost using (request_id, day) where request.key_alias = ?
    """
    [(requests, cost)] = ask(query, plant["key_alias"])
    assert (requests, cost) == (plant["requests"], Decimal(plant["cost_usd"]))
    assert found == [(cost,)]


def test_the_unpriced_model_is_unknown_and_never_free(ask: Ask, truth: dict[str, Any]) -> None:
    plant = _plant(truth, "unpriced_model")
    query = "select count(*), count(cost_usd) from core.request_cost where model = ? and unpriced_reason is not null"
    assert ask(query, plant["model"]) == [(plant["unpriced_requests"], 0)]
    assert ask("select sum(requests) from marts.coverage where reason = 'no model'") == [(plant["unpriced_requests"],)]


def test_bills_and_prices_differ_by_what_was_planted(ask: Ask, truth: dict[str, Any]) -> None:
    found = dict(ask("select provider, sum(difference_usd) from marts.reconciliation where billed_usd is not null group by provider"))
    assert found == {name: Decimal(one["difference_usd"]) for name, one in truth["bills"].items() if isinstance(one, dict)}


def _anomalies(ask: Ask, first: str, last: str, **where: str) -> list[tuple[Any, ...]]:
    tests = "".join(f" and {name} = '{value}'" for name, value in where.items())
    return ask(
        f"select day, kind, measure, excess_usd, cause from marts.anomaly where day >= ? and day <= ?{tests} order by day", first, last
    )


def test_the_spike_is_found_on_its_day_with_its_tenant(ask: Ask, truth: dict[str, Any]) -> None:
    plant = _plant(truth, "spike")
    for dimension, scope in (("tenant", plant["tenant"]), ("feature", plant["feature"])):
        [(_, kind, _, excess, _)] = _anomalies(ask, plant["day"], plant["day"], dimension=dimension, scope=scope, measure="cost")
        assert kind == "spike"
        assert abs(excess / Decimal(plant["cost_usd"]) - 1) < Decimal("0.15")


def test_the_retry_storm_is_found_in_attempts_per_operation(ask: Ask, truth: dict[str, Any]) -> None:
    plant = _plant(truth, "retry_storm")
    found = _anomalies(ask, plant["day"], plant["day"], dimension="feature", scope=plant["feature"], measure="attempts per operation")
    assert [kind for _, kind, *_ in found] == ["spike"]


def test_the_tool_call_loop_is_found_at_its_tenant(ask: Ask, truth: dict[str, Any]) -> None:
    plant = _plant(truth, "tool_call_loop")
    [(_, kind, _, excess, _)] = _anomalies(ask, plant["day"], plant["day"], dimension="tenant", scope=plant["tenant"], measure="cost")
    assert kind == "spike"
    assert abs(excess / Decimal(plant["cost_usd"]) - 1) < Decimal("0.25")


def test_the_price_change_is_told_as_a_price_change(ask: Ask, truth: dict[str, Any]) -> None:
    plant = _plant(truth, "price_change")
    found = _anomalies(ask, plant["day"], plant["day"], dimension="model", scope=plant["model"])
    [(_, _, measure, _, cause)] = [row for row in found if row[1] == "price change"]
    assert measure == "price"
    assert cause.endswith("(+40 %)")


def test_the_slow_ramp_is_found_as_drift(ask: Ask, truth: dict[str, Any]) -> None:
    plant = _plant(truth, "slow_ramp")
    found = _anomalies(ask, plant["from"], "2026-10-31", dimension="feature", scope=plant["feature"], measure="cost")
    assert "drift" in {kind for _, kind, *_ in found}
    assert found[0][0] < date(2026, 10, 20)


def test_each_planted_trouble_has_a_card_that_names_it(ask: Ask, truth: dict[str, Any]) -> None:
    query = "select coalesce(culprit, '') || ' ' || dimension || ' ' || scope || ' ' || cause from marts.anomaly_episode where day = ?"
    told_by = {"spike": "tenant harbor", "retry_storm": "retries", "tool_call_loop": "a loop of calls", "price_change": "gpt-5"}
    for name, told in told_by.items():
        assert any(told in text for (text,) in ask(query, _plant(truth, name)["day"])), name


def test_quiet_months_are_quiet(ask: Ask) -> None:
    [(alarms,)] = ask("select count(*) from marts.anomaly where day < '2026-10-01' and measure = 'cost'")
    [(days,)] = ask("select count(*) from marts.series_score where day < '2026-10-01' and measure = 'cost' and history >= 14")
    assert alarms / days < 0.005


def test_gpu_hours_are_what_was_sampled_and_gaps_are_unknown(ask: Ask, truth: dict[str, Any]) -> None:
    states = ("used", "warm_idle", "free_idle", "unknown")
    sums = ", ".join(f"cast(sum({state}_seconds) as bigint)" for state in states)
    found = {
        pool: dict(zip(states, seconds, strict=True)) for pool, *seconds in ask(f"select pool, {sums} from marts.gpu_use group by pool")
    }
    for pool, samples in truth["gpu_samples"].items():
        assert {state: found[pool][state] for state in states[:3]} == {state: samples[state] * SECONDS for state in states[:3]}
    plant = _plant(truth, "silent_host")
    silent = {plant["pool"]: plant["gpu_hours"] * 3600}
    assert {pool: one["unknown"] for pool, one in found.items()} == {"inference": 0, "notebooks": 0, **silent}
    slices = truth["gpu_slices"]
    there = len(truth["days"]) * 16 + slices["days"] * slices["gpus"]
    assert ask("select sum(capacity_seconds) from marts.gpu_use") == [(there * 86_400,)]


def test_the_idle_pool_is_idle(ask: Ask, truth: dict[str, Any]) -> None:
    plant = _plant(truth, "idle_pool")
    query = "select sum(free_idle_seconds) = sum(capacity_seconds) from marts.gpu_use where pool = ? and day >= ? and day < ?"
    assert ask(query, plant["pool"], plant["from"], plant["to"]) == [(True,)]


def test_units_of_value_are_counted_with_their_quality(ask: Ask, truth: dict[str, Any]) -> None:
    query = """
        select unit, sum(units), sum(successes), sum(escalations) from marts.unit_cost
        where unit not in ('inference', '(no unit)') group by unit
    """
    found = {unit: (int(units), int(successes), int(escalations)) for unit, units, successes, escalations in ask(query)}
    told = {unit: (one["units"], one["successes"], one["escalations"]) for unit, one in truth["units"].items()}
    assert {unit: figures for unit, figures in found.items() if unit not in {TEXT, SERVED_TENANT}} == told


def test_the_scenario_beside_the_book_saves_where_it_changes_something(demo: Path) -> None:
    done = typed(demo, "whatif", str(demo / SCENARIO), "--from", "2026-10-25", "--format", "json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert [(one["change"], one["feature"]) for one in said["changes"]] == [
        ("caps", CAPPED),
        ("prompt cache", plants.INSTRUCTED),
        ("batch", plants.DEFERRABLE),
        ("routing", ROUTED),
        ("response cache", plants.REPEATING),
    ]
    saving, after = said["total"]["saving_usd"], said["total"]["after_usd"]
    assert Decimal(saving["low"]) < Decimal(saving["point"]) < Decimal(saving["high"])
    assert Decimal(said["total"]["cost_usd"]) == Decimal(after["point"]) + Decimal(saving["point"])
    ahead = said["total"]["saving_30_days_usd"]
    assert Decimal(ahead["low"]) < Decimal(ahead["point"]) < Decimal(ahead["high"])


def test_units_that_requests_and_a_query_count_are_counted_by_them(ask: Ask) -> None:
    tenants = "status = 'success' and environment = 'prod' and tenant is not null"
    [(days,)] = ask(f"select count(*) from (select distinct book_day, tenant from core.request where {tenants}) as served")
    texts = "team = 'sales' and environment = 'prod'"
    [(asked,)] = ask(f"select count(distinct operation_id) from core.request_cost where {texts}")
    found = dict(ask("select unit, cast(sum(units) as bigint) from marts.unit_cost where unit in (?, ?) group by 1", TEXT, SERVED_TENANT))
    assert found[SERVED_TENANT] == days > 0
    assert found[TEXT] == asked > 0


def test_the_arms_of_the_experiment_have_their_dollars_and_the_better_one_graduates(demo: Path, truth: dict[str, Any]) -> None:
    plant = _plant(truth, "experiment")
    [found] = json.loads(typed(demo, "experiments", "--format", "json").out)["experiments"]
    assert (found["experiment"], found["feature"], found["from"]) == (plant["experiment"], plant["feature"], plant["from"])
    arms = {arm["arm"]: arm for arm in found["arms"]}
    for name, said in plant["arms"].items():
        told = tuple(arms[name][column] for column in ("requests", "units", "successes"))
        assert told == (said["requests"], said["units"], said["successes"])
        assert Decimal(arms[name]["cost_usd"]) == Decimal(said["cost_usd"])
    assert arms["candidate"]["advice"] == "graduate"
    assert "graduate" in (demo / "reports" / "weekly" / "2026-W43.html").read_text("utf-8").split('<section id="experiments">')[1]


def test_what_the_gateway_keeps_of_requests_arrives_as_hashes_and_parameters(ask: Ask, truth: dict[str, Any]) -> None:
    query = """
        select count(prompt_hash) - count(distinct prompt_hash), count(distinct prefix_hash), count(distinct max_output_tokens)
        from core.request where model = 'gemini-2.5-flash' and status = 'success'
    """
    plant = _plant(truth, "repeated_prompts")
    assert ask(query) == [(plant["requests"], 1, 1)]
    cut = "select count(*) from core.request where finish_reason = 'length'"
    assert ask(cut) == [(_plant(truth, "cut_answers")["requests"],)]
    assert ask("select count(*) from core.request where is_deferrable") == [(_plant(truth, "deferrable")["requests"],)]


def test_a_second_run_writes_nothing(demo: Path) -> None:
    def times() -> dict[str, int]:
        parts = ("lake", "reports", "chargeback")
        return {str(path): path.stat().st_mtime_ns for part in parts for path in (demo / part).rglob("*") if path.is_file()}

    before = times()
    assert {"nothing to compute: every day is up to date", "nothing new to publish"} <= {*run_company(demo).splitlines()}
    assert times() == before


def test_no_column_of_money_or_counts_is_inexact(demo: Path) -> None:
    for path in (demo / "lake").glob("*/*/*.parquet"):
        if path.parent.name in {"budget_outlook", "landing", "series_score", "anomaly", "anomaly_episode", "anomaly_card"}:
            continue
        # Parquet has no HUGEINT: DuckDB would have written it as a DOUBLE.
        assert not [field for field in pq.read_schema(path) if pa.types.is_floating(field.type)], path
