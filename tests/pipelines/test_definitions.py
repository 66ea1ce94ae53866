"""The asset graph of a book: whole, loadable, blocking where a rule is broken."""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import yaml
from examples import IS_NIGHT

from meterbook.assets.models import asset_key
from meterbook.assets.resources import BookResource
from meterbook.pipelines.definitions import build_definitions
from meterbook.pipelines.demo import write_demo
from meterbook.pipelines.forgetful import forgetful_instance
from meterbook.pipelines.jobs import range_tags
from meterbook.pipelines.sensors import fingerprint_of
from meterbook.sql.lake import sha256_of

pytestmark = [pytest.mark.long, pytest.mark.early]

SOME = ("core.charge", "core.request", "marts.spend", "marts.same_money", "marts.conservation", "marts.chargeback")
"""Models that run in `make test`, with what they are made of; by night all do. The same steps take all of a minute with every model."""
ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "graph.txt"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory, slim: Callable[[Path], Path]) -> Path:
    folder = tmp_path_factory.mktemp("definitions") / "book"
    write_demo(folder, 2)
    return slim(folder)


@pytest.fixture(scope="module")
def definitions(book: Path) -> dg.Definitions:
    return build_definitions(BookResource(folder=str(book)))


def _graph(definitions: dg.Definitions) -> str:
    graph = definitions.resolve_asset_graph()
    lines = [
        f"{key.to_user_string()} <- {', '.join(sorted(parent.to_user_string() for parent in graph.get(key).parent_keys)) or '-'}"
        for key in sorted(graph.get_all_asset_keys(), key=lambda key: key.to_user_string())
    ]
    return "\n".join(lines) + "\n"


def test_the_asset_graph_is_the_one_that_was_agreed(tmp_path: Path) -> None:
    # Without a book: one may have models whose text is its own.
    assert _graph(build_definitions(BookResource(folder=str(tmp_path)))) == GOLDEN.read_text("utf-8"), (
        "if the change is meant: PYTHONPATH=tests .venv/bin/python tests/pipelines/test_definitions.py writes the graph anew"
    )


def test_every_model_has_checks_and_every_must_blocks(definitions: dg.Definitions) -> None:
    specs = definitions.resolve_asset_graph().asset_check_keys
    assert {key.asset_key.to_user_string() for key in specs} >= {"core/request_cost", "marts/conservation", "staging/litellm_spendlogs"}
    conservation = {key.name for key in specs if key.asset_key.to_user_string() == "marts/conservation"}
    assert "difference_usd_0" in conservation


def test_jobs_schedules_and_sensors_are_there(definitions: dg.Definitions) -> None:
    assert {"inbox", "models", "weekly", "chargeback", "quarterly"} <= {job.name for job in definitions.resolve_all_job_defs()}
    repository = definitions.get_repository_def()
    schedules = {"every_morning_inbox", "every_morning", "every_monday", "every_month", "every_quarter"}
    assert {one.name for one in repository.schedule_defs} == schedules
    assert {one.name for one in repository.sensor_defs} == {"inbox_files", "stale_days"}


def test_the_morning_runs_the_last_three_days_in_one_run(definitions: dg.Definitions) -> None:
    schedule = definitions.get_repository_def().get_schedule_def("every_morning")
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 10, 31, 6, tzinfo=UTC))
    [request] = schedule.evaluate_tick(context).run_requests or []
    assert {key: value for key, value in request.tags.items() if "range" in key} == range_tags("2026-10-28", "2026-10-30")


def test_the_page_of_a_quarter_is_published_after_it(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    at = datetime(2027, 1, 2, 9, tzinfo=UTC)
    context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository)
    [request] = repository.get_schedule_def("every_quarter").evaluate_tick(context).run_requests or []
    assert request.partition_key == "2026-10-01"
    job = definitions.resolve_job_def("quarterly")
    assert job.partitions_def is not None
    assert job.partitions_def.get_partition_keys(current_time=at)[:2] == ["2026-10-01", "2027-01-01"]


def test_new_files_ask_for_a_run_once(definitions: dg.Definitions, book: Path) -> None:
    sensor = definitions.get_repository_def().get_sensor_def("inbox_files")
    with dg.DagsterInstance.ephemeral() as instance:
        first = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, definitions=definitions))
        assert [request.run_key for request in first.run_requests or []] == [f"inbox-{fingerprint_of(book / 'inbox')}"]
        again = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, definitions=definitions, cursor=first.cursor))
        assert not again.run_requests


def test_the_jobs_run_one_after_the_other_and_a_broken_rule_stops_what_follows(book: Path, definitions: dg.Definitions) -> None:
    # Half of the time would go into a database of events that nobody asks.
    with dg.DagsterInstance.ephemeral() if IS_NIGHT else forgetful_instance() as instance:
        assert definitions.resolve_job_def("inbox").execute_in_process(instance=instance).success
        later = build_definitions(BookResource(folder=str(book)))
        job = later.resolve_job_def("models")
        chosen = None if IS_NIGHT else _upstream(later, SOME)
        result = job.execute_in_process(instance=instance, tags=range_tags("2026-10-30", "2026-10-31"), asset_selection=chosen)
        assert result.success
        evaluations = result.get_asset_check_evaluations()
        assert len(evaluations) > 60
        assert all(check.passed for check in evaluations if check.severity == dg.AssetCheckSeverity.ERROR)
    _break(book)
    with forgetful_instance() as instance:
        tags = range_tags("2026-10-30", "2026-10-31")
        broken = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False, asset_selection=chosen)
    assert not broken.success
    failed = {check.asset_key.to_user_string(): check.check_name for check in broken.get_asset_check_evaluations() if not check.passed}
    assert failed["core/charge"] == "billed_cost_is_not_null"
    done = {event.asset_key.to_user_string() for event in broken.get_asset_materialization_events() if event.asset_key}
    assert "core/request" in done
    assert not done & {"core/charge", "core/allocation", "marts/chargeback"}
    # A run of the command line knows no checks, and stops as well and says why.
    checks = {key for key in definitions.resolve_asset_graph().asset_check_keys if key.asset_key.path[0] != "raw"}
    alone = build_definitions(BookResource(folder=str(book)), ["core.charge"])
    assert not alone.resolve_asset_graph().asset_check_keys & checks
    with forgetful_instance() as instance:
        stopped = alone.resolve_job_def("models").execute_in_process(
            instance=instance, tags=range_tags("2026-10-30", "2026-10-31"), raise_on_error=False
        )
    [failure] = [event for event in stopped.all_events if event.is_step_failure and event.step_key == "core__charge"]
    assert failure.step_failure_data.user_failure_data is not None
    assert "break the rule `billed_cost is not null`" in str(failure.step_failure_data.user_failure_data.description)


def _upstream(definitions: dg.Definitions, names: Sequence[str]) -> list[dg.AssetKey]:
    """Models with all they are made of."""
    graph = definitions.resolve_asset_graph()
    found: list[dg.AssetKey] = [asset_key(name) for name in names]
    for key in found:
        found += [
            parent
            for parent in sorted(graph.get(key).parent_keys)
            if parent not in found and parent.path[0] in {"staging", "core", "marts"}
        ]
    return found


def _break(book: Path) -> None:
    """A bill whose amounts are gone, as a reader gone wrong would leave it."""
    [staged] = (book / "lake" / "staging" / "openai_costs").glob("day=2026-10-30.parquet")
    with duckdb.connect() as con:
        con.execute(f"create table t as select * replace (cast(null as decimal(38,12)) as billed_cost) from '{staged}'")
        con.execute(f"copy t to '{staged}' (format parquet)")
    record = book / "lake" / "_state" / "staging.openai_costs.json"
    known = json.loads(record.read_text())
    stat = staged.stat()
    known["2026-10-30"] |= {"sha256": sha256_of(staged), "bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    record.write_text(json.dumps(known))


def test_the_workspace_file_names_definitions_that_load_without_a_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERBOOK", str(tmp_path / "no-book"))
    [place] = yaml.safe_load((ROOT / "workspace.yaml").read_text("utf-8"))["load_from"]
    found = importlib.import_module(place["python_module"]).definitions()
    dg.Definitions.validate_loadable(found)
    assert found.get_repository_def().has_job("weekly")


@pytest.mark.nightly  # servers of Dagster's own take ten seconds to come up
def test_dagster_finds_the_definitions_through_the_workspace_file(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "dagster"), "definitions", "validate", "-w", str(ROOT / "workspace.yaml")]
    environment = {**os.environ, "METERBOOK": str(tmp_path / "no-book"), "DAGSTER_HOME": str(tmp_path)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        GOLDEN.write_text(_graph(build_definitions(BookResource(folder=folder))), "utf-8")
