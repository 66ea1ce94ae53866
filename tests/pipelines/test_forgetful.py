"""Runs of the command line store no event, and lose none."""

from collections.abc import Iterator

import dagster as dg
import pytest

from meterbook.pipelines.forgetful import forgetful_instance
from meterbook.pipelines.jobs import range_tags

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
DAYS = dg.DailyPartitionsDefinition(start_date="2026-10-01", end_date="2026-10-08")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with forgetful_instance() as found:
        yield found


def _run(instance: dg.DagsterInstance, *, passes: bool) -> dg.ExecuteInProcessResult:
    many = dg.BackfillPolicy.single_run()
    spec = dg.AssetCheckSpec("holds", asset="first", blocking=True)

    @dg.asset(partitions_def=DAYS, backfill_policy=many, check_specs=[spec])
    def first() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        yield dg.MaterializeResult(metadata={"rows": 7})
        yield dg.AssetCheckResult(check_name="holds", passed=passes)

    @dg.asset(partitions_def=DAYS, backfill_policy=many, deps=[first])
    def second() -> None:
        """What follows."""

    job = dg.define_asset_job("days", [first, second])
    found = dg.Definitions(assets=[first, second], jobs=[job], executor=dg.in_process_executor).resolve_job_def("days")
    return found.execute_in_process(instance=instance, tags=range_tags("2026-10-02", "2026-10-04"), raise_on_error=False)


def test_the_result_holds_every_event_and_the_instance_none(instance: dg.DagsterInstance) -> None:
    result = _run(instance, passes=True)
    assert result.success
    made = [(event.asset_key.to_user_string(), event.partition) for event in result.get_asset_materialization_events() if event.asset_key]
    assert sorted(made) == [(name, f"2026-10-0{day}") for name in ("first", "second") for day in (2, 3, 4)]
    assert instance.all_logs(result.run_id) == []


def test_a_blocking_check_stops_what_follows_although_it_is_stored_nowhere(instance: dg.DagsterInstance) -> None:
    result = _run(instance, passes=False)
    assert not result.success
    assert {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key} == {"first"}


def test_one_instance_serves_runs_one_after_the_other(instance: dg.DagsterInstance) -> None:
    assert [_run(instance, passes=passes).success for passes in (True, False, True)] == [True, False, True]
