"""The sample company's slices, queue, own machines and own model through the whole pipeline: what was planted is what is found."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from meterbook.pipelines import demo_notebooks as notebooks
from meterbook.pipelines import demo_training as training
from meterbook.pipelines.demo_company import SERVED_MODEL
from meterbook.pipelines.demo_gpus import IDLE_FROM, IDLE_TO
from meterbook.pipelines.demo_slurm import LOST, TARGET_PERCENTILE, TARGET_SECONDS

pytestmark = pytest.mark.long

Ask = Callable[..., list[tuple[Any, ...]]]


def test_sevenths_of_a_gpu_are_held_and_used_as_they_were_sampled(ask: Ask, truth: dict[str, Any]) -> None:
    said = truth["gpu_slices"]
    found = ask("select team, state, cast(sum(seconds) as bigint) from core.gpu_state where pool = ? group by team, state", said["pool"])
    assert {f"{team} {state}": seconds for team, state, seconds in found} == said["seventh_seconds"]
    whole = said["days"] * said["gpus"] * 86_400
    assert sum(said["seventh_seconds"].values()) == whole * notebooks.SEVENTHS
    assert ask("select sum(capacity_seconds) from core.gpu_hour where pool = ?", said["pool"]) == [(whole,)]


def test_a_seventh_that_changes_hands_in_mid_hour_has_two_holders(ask: Ask) -> None:
    query = """
        select team, cast(sum(seconds) as bigint) from core.gpu_state
        where day = ? and device_id = ? and team in ('engineering', 'documents')
            and hour_second = epoch(cast(? as timestamp)) group by team order by team
    """
    day, gpu = notebooks.MOVED_DAY, f"GPU-note-{notebooks.MOVED_GPU:02d}"
    # Documents has its own two sevenths as well.
    assert ask(query, day, gpu, f"{day} 10:00:00") == [("documents", 2 * 3600 + 1800), ("engineering", 1800)]


def test_waits_are_those_of_the_log(ask: Ask, truth: dict[str, Any]) -> None:
    said = truth["jobs"]
    found = {state: (runs, seconds) for state, runs, seconds in ask(
        "select wait_state, count(*), cast(sum(wait_seconds) as bigint) from core.job_wait group by wait_state"
    )}  # fmt: skip
    assert {state: runs for state, (runs, _) in found.items()} == {state: said[state] for state in ("started", "cancelled", "waiting")}
    assert found["started"][1] == said["wait_seconds"]
    query = "select count(*), count(unknown_reason) from core.job_wait where wait_state = 'started' and is_within_target"
    assert ask(query) == [(said["in_time"], 0)]
    assert ask("select distinct queue, pool, target_seconds, target_percentile from core.job_wait") == [
        ("training", "training", TARGET_SECONDS, TARGET_PERCENTILE)
    ]


def test_days_of_the_queue_add_up_to_its_waits_and_what_they_cost(ask: Ask, truth: dict[str, Any]) -> None:
    query = """
        select cast(sum(wait_seconds) as bigint), cast(sum(started_runs) as bigint), cast(sum(cancelled_runs) as bigint),
            cast(sum(waiting_runs) as bigint), sum(wait_cost_usd) from marts.queue_wait where span = 'day' and parted_by = 'total'
    """
    [(seconds, started, cancelled, waiting, cost)] = ask(query)
    said = truth["jobs"]
    assert (seconds, started, cancelled, waiting) == tuple(said[name] for name in ("wait_seconds", "started", "cancelled", "waiting"))
    assert Decimal(25) * seconds / 3600 < cost < Decimal(40) * seconds / 3600


def test_gpu_hours_of_lost_runs_are_found_with_a_price(ask: Ask, truth: dict[str, Any]) -> None:
    query = """
        select cast(sum(runs) as bigint), cast(sum(lost_gpu_seconds) as bigint), cast(sum(unpriced_gpu_seconds) as bigint),
            count(distinct loss), sum(cost_usd) > 0 from marts.queue_loss
    """
    # A lost node is a failure.
    assert ask(query) == [(truth["jobs"]["lost"], truth["jobs"]["lost_gpu_seconds"], 0, len(LOST) - 1, True)]


def test_samples_and_the_log_of_the_queue_name_the_same_jobs(ask: Ask) -> None:
    query = """
        select count(distinct job.job_id), count(distinct hour.job_id) from (
            select job_id, substr(job_id, length(cluster) + 2) as number from core.job where started_at is not null
        ) as job full join (select distinct job_id from core.gpu_hour where pool = 'training' and job_id <> '(none)') as hour
            on hour.job_id = job.number
        having count(*) filter (where job.job_id is null or hour.job_id is null) = 0
    """
    [(logged, sampled)] = ask(query)
    assert logged == sampled > 400


def test_the_training_gpus_cost_what_the_company_paid_for_them(ask: Ask, truth: dict[str, Any]) -> None:
    query = """
        select sum(covered_cost_usd), sum(cost_usd - coalesce(power_cost_usd, 0)), count(*) filter (where covered_seconds < seconds)
        from core.gpu_price where device_id like 'GPU-trai-%'
    """
    [(owned, paid, uncovered)] = ask(query)
    days = ", ".join(f"date '{day}'" for day in truth["days"])
    [(amortised,)] = ask(f"select sum(cost_usd) from core.commitment_cost where cast(started_at as date) in ({days})")
    assert (owned, uncovered) == (paid, 0)
    assert owned == amortised > 0


def test_power_is_what_the_counters_say(ask: Ask, truth: dict[str, Any]) -> None:
    hours = len(truth["days"]) * 24 * training.GPUS
    found: dict[str, int] = dict(ask("select power_basis, count(*) from core.gpu_power group by power_basis"))
    silent = truth["plants"]["silent_host"]["gpu_hours"]
    # Of its first hour a counter has one step less; in silent hours, and in the one after them, it has a gap.
    assert found["measured"] > hours - 2 * silent - 2 * training.GPUS
    assert sum(found.values()) == hours
    watts = "select min(energy_mj), max(energy_mj) from core.gpu_load where pool = 'training' and not is_energy_partial"
    assert ask(watts) == [(training.FREE_WATTS * 3_600_000, training.USED_WATTS * 3_600_000)]


def test_calls_of_its_own_model_are_counted_and_paid_once(ask: Ask, truth: dict[str, Any]) -> None:
    query = """
        select cast(sum(requests) as bigint), cast(sum(input_tokens + cache_read_tokens + cache_write_tokens) as bigint),
            cast(sum(cache_read_tokens) as bigint), cast(sum(output_tokens) as bigint), sum(uncounted_requests), sum(unpriced_requests)
        from core.self_hosted_hour
    """
    said = truth["self_hosted"]
    counted = tuple(said[name] for name in ("requests", "prompt_tokens", "cache_read_tokens", "output_tokens"))
    assert ask(query) == [(*counted, 0, 0)]
    priced = "select sum(cost_usd), count(*) filter (where cost_usd is null), min(matched_rule) from core.request_cost where model = ?"
    assert ask(priced, SERVED_MODEL) == [(0, 0, "pattern: served by pool inference")]


def test_the_pool_that_serves_it_costs_its_hours_and_operations(ask: Ask) -> None:
    [(hours, used)] = ask("select sum(cost_usd), sum(used_cost_usd) from core.gpu_hour where pool = 'inference'")
    [(allocation, usage, beside)] = ask(
        "select sum(allocation_cost_usd), sum(usage_cost_usd), sum(api_cost_usd) from core.self_hosted_hour"
    )
    assert (allocation, usage) == (hours * Decimal("1.15"), used)
    assert 0 < beside < usage < allocation
    idle = """
        select count(*) filter (where model <> '(none)'), sum(allocation_cost_usd) > 0 from core.self_hosted_hour where day >= ? and day < ?
    """
    assert ask(idle, IDLE_FROM, IDLE_TO) == [(0, True)]


def test_a_summarised_call_costs_what_its_gpus_cost(ask: Ask) -> None:
    query = """
        select (select sum(cost_usd) from core.gpu_hour where feature = 'call-summaries'),
            sum(cost_usd) filter (where line like 'GPU %') from core.allocation where feature = 'call-summaries'
    """
    [(hours, allocated)] = ask(query)
    assert hours == allocated > 0
