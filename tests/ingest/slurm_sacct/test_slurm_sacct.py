"""Jobs of Slurm."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/slurm_sacct"
NAME = "slurm_sacct"
HERON = "the heron waits beneath the third bridge"
JOB = {
    "JobIDRaw": "7",
    "Submit": "2026-10-05T08:00:00",
    "Eligible": "2026-10-05T08:00:00",
    "Start": "2026-10-05T09:00:00",
    "End": "2026-10-05T10:00:00",
    "ElapsedRaw": "3600",
    "AllocTRES": "cpu=4,gres/gpu=2",
    "State": "COMPLETED",
}


def source(**options: Any) -> list[dict[str, Any]]:
    return [{"name": "hpc", "path": "*", "format": NAME, "options": {"time_zone": "UTC", "cluster": "alps", **options}}]


def table(*jobs: dict[str, str], delimiter: str = "|", end: str = "") -> str:
    rows = [{**JOB, **job} for job in jobs]
    names = dict.fromkeys(name for row in rows for name in row)
    lines = [delimiter.join(names), *(delimiter.join(row[name] for name in names) for row in rows)]
    return "".join(f"{line}{end}\n" for line in lines)


def jobs(desk: Any, text: str, **options: Any) -> pl.DataFrame:
    desk.take({"a.psv": text}, source(**options))
    staged: pl.DataFrame = desk.staged(NAME)
    return staged


def job(desk: Any, text: str, **options: Any) -> dict[str, Any]:
    [found] = jobs(desk, text, **options).iter_rows(named=True)
    return dict(found)


def test_steps_are_not_counted_again(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"a.psv": sample("sample.psv")}, source())
    assert (done.rows_in, done.rows_typed, done.filtered, done.quarantined) == (8, 6, 2, 0)
    found = {row["job_id"]: row for row in desk.staged(NAME).iter_rows(named=True)}
    one = found["alps/9001"]
    assert (one["gpus"], one["elapsed_seconds"], one["gpu_model"], one["state"]) == (4, 7200, "a100", "completed")
    assert (one["submitted_at"], one["eligible_at"]) == (datetime(2026, 10, 5, 6), datetime(2026, 10, 5, 6, 10))
    assert (one["started_at"], one["ended_at"]) == (datetime(2026, 10, 5, 7), datetime(2026, 10, 5, 9))
    assert (one["cluster"], one["queue"], one["priority"], one["node"]) == ("alps", "gpu", "normal", "gn01")
    assert (one["user_id"], one["team"], one["run_id"]) == ("mira", "vision", "alps/9001/1791180000")
    assert desk.staged(NAME)["copies"].sum() == done.rows_typed


def test_what_waits_runs_or_never_ran_has_no_times_it_does_not_know(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.psv": sample("sample.psv")}, source())
    names = ("state", "gpus", "started_at", "ended_at", "elapsed_seconds", "eligible_at", "node")
    found = {row["job_id"][-4:]: tuple(row[name] for name in names) for row in desk.staged(NAME).iter_rows(named=True)}
    assert found["9002"] == ("waiting", 1, None, None, None, datetime(2026, 10, 5, 6, 5), None)
    assert found["9010"] == ("cancelled", 2, None, datetime(2026, 10, 5, 6, 30), None, None, None)
    assert found["9020"] == ("running", 2, datetime(2026, 10, 5, 7, 30), None, 5400, datetime(2026, 10, 5, 7), "gn03")
    assert found["9030"][:2] == ("failed", 0)


def test_typed_gpus_are_added_up_only_where_the_total_is_missing(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.psv": sample("sample.psv")}, source())
    assert desk.staged(NAME).filter(pl.col("job_id") == "alps/9003").select("gpus", "gpu_model").rows() == [(2, "a100, h100")]
    assert job(desk, table({"AllocTRES": "gres/gpu:a100=4,gres/gpu:h100=4,gres/gpu=8"}))["gpus"] == 8
    assert job(desk, table({"AllocTRES": "gres/gpu=0,gres/gpumem=5,gres/shard=3"}))["gpus"] == 0


def test_without_any_list_of_what_was_asked_for_the_gpus_are_unknown(desk: Any) -> None:
    found = job(desk, table({"State": "PENDING", "AllocTRES": "", "Start": "Unknown", "End": "Unknown", "ElapsedRaw": "0"}))
    assert (found["gpus"], found["gpu_model"]) == (None, None)


def test_a_job_cancelled_while_it_waited_never_started_whatever_start_says(desk: Any) -> None:
    text = table(
        {"State": "CANCELLED by 5", "AllocTRES": "", "Start": "2026-10-05T09:00:00", "End": "2026-10-05T09:00:00", "ElapsedRaw": "0"}
    )
    found = job(desk, text)
    assert (found["started_at"], found["elapsed_seconds"], found["ended_at"]) == (None, None, datetime(2026, 10, 5, 9))


def test_a_later_export_replaces_a_job_that_ran(desk: Any) -> None:
    waiting = table({"State": "PENDING", "Start": "Unknown", "End": "Unknown", "ElapsedRaw": "0", "AllocTRES": ""})
    running = table({"State": "RUNNING", "End": "Unknown", "ElapsedRaw": "60"})
    assert job(desk, waiting)["state"] == "waiting"
    desk.take({"b.psv": running}, source())
    assert desk.staged(NAME).select("state", "elapsed_seconds", "copies").rows() == [("running", 60, 2)]
    # Whatever the order in which files come.
    desk.take({"0.psv": table({})}, source())
    assert desk.staged(NAME).select("state", "elapsed_seconds", "copies").rows() == [("completed", 3600, 3)]


def test_runs_of_a_requeued_job_are_runs_of_their_own(desk: Any) -> None:
    first = {"State": "PREEMPTED", "End": "2026-10-05T09:10:00", "ElapsedRaw": "600"}
    second = {"Submit": "2026-10-06T09:10:00", "Start": "2026-10-06T09:30:00", "End": "2026-10-06T10:30:00"}
    found = jobs(desk, table(first, second))
    assert found["job_id"].unique().to_list() == ["alps/7"]
    assert found.select("state", "elapsed_seconds").rows() == [("preempted", 600), ("completed", 3600)]
    assert found["run_id"].n_unique() == 2


def test_late_rows_touch_only_the_days_of_their_jobs(desk: Any) -> None:
    desk.take({"a.psv": table({}, {"JobIDRaw": "8", "Submit": "2026-10-06T08:00:00", "State": "RUNNING", "End": "Unknown"})}, source())
    before = {file.path for file in desk.inbox.raw_files()[NAME]}
    desk.take({"b.psv": table({"JobIDRaw": "8", "Submit": "2026-10-06T08:00:00"})}, source())
    [late] = [set(file.days) for file in desk.inbox.raw_files()[NAME] if file.path not in before]
    assert late == {"2026-10-06"}


def test_the_same_number_on_two_clusters_is_two_jobs(desk: Any) -> None:
    assert jobs(desk, table({"Cluster": "alps"}, {"Cluster": "jura"}))["job_id"].to_list() == ["alps/7", "jura/7"]
    done = desk.take({"a.psv": table({})})
    assert any("names no cluster" in flag for _, flag in done.flagged)
    assert desk.staged(NAME)["job_id"].to_list() == ["slurm_sacct/7"]


def test_local_times_become_utc_and_a_missing_zone_is_said(desk: Any) -> None:
    found = job(desk, table({}), time_zone="Europe/Berlin")
    assert (found["submitted_at"], found["ended_at"]) == (datetime(2026, 10, 5, 6), datetime(2026, 10, 5, 8))
    done = desk.take({"a.psv": table({})})
    assert any("UTC was assumed" in flag for _, flag in done.flagged)


def test_in_the_hour_that_clocks_repeat_times_follow_each_other(desk: Any) -> None:
    # Submitted at 00:50, started at 01:10 and ended at 01:20 UTC: clocks showed 02:50, 02:10 and 02:20.
    times = {
        "Submit": "2026-10-25T02:50:00",
        "Eligible": "2026-10-25T02:50:00",
        "Start": "2026-10-25T02:10:00",
        "End": "2026-10-25T02:20:00",
    }
    found = job(desk, table({**times, "ElapsedRaw": "600"}), time_zone="Europe/Berlin")
    assert found["submitted_at"] == datetime(2026, 10, 25, 0, 50)
    assert (found["started_at"], found["ended_at"]) == (datetime(2026, 10, 25, 1, 10), datetime(2026, 10, 25, 1, 20))
    # Started at 00:10, ran for 70 minutes.
    times = {
        "Submit": "2026-10-25T02:00:00",
        "Eligible": "2026-10-25T02:00:00",
        "Start": "2026-10-25T02:10:00",
        "End": "2026-10-25T02:20:00",
    }
    found = job(desk, table({**times, "ElapsedRaw": "4200"}), time_zone="Europe/Berlin")
    assert (found["started_at"], found["ended_at"]) == (datetime(2026, 10, 25, 0, 10), datetime(2026, 10, 25, 1, 20))


@pytest.mark.parametrize("given", ["2026-10-05T10:00:00+0200", "2026-10-05T10:00:00+02:00", "1791187200"])
def test_times_may_say_their_zone(desk: Any, given: str) -> None:
    assert job(desk, table({"Submit": given}), time_zone="Asia/Tokyo")["submitted_at"] == datetime(2026, 10, 5, 8)


@pytest.mark.parametrize(("name", "given"), [("Planned", "00:20:00"), ("Reserved", "00:20:00"), ("Planned", "1200")])
def test_what_a_job_waited_tells_when_it_could_have_run(desk: Any, name: str, given: str) -> None:
    text = "\n".join(line.replace("Eligible|", "", 1) for line in table({name: given}).splitlines())
    text = text.replace("|2026-10-05T08:00:00|2026-10-05T08:00:00|", "|2026-10-05T08:00:00|")
    assert job(desk, text)["eligible_at"] == datetime(2026, 10, 5, 8, 40)


@pytest.mark.parametrize(("given", "seconds"), [("01:00:00", 3600), ("2-03:04:05", 183_845), ("10:05", 605), ("10:05.250", 605)])
def test_elapsed_may_be_written_as_a_clock_shows_it(desk: Any, given: str, seconds: int) -> None:
    text = table({"ElapsedRaw": given}).replace("ElapsedRaw", "Elapsed")
    assert job(desk, text)["elapsed_seconds"] == seconds


@pytest.mark.parametrize(("delimiter", "end"), [("|", "|"), (";", ""), ("\t", ""), ("@@", ""), (",", "")])
def test_other_delimiters_and_a_trailing_one_are_read(desk: Any, delimiter: str, end: str) -> None:
    tres = JOB["AllocTRES"] if delimiter != "," else "gres/gpu=2"
    found = job(desk, table({"AllocTRES": tres}, delimiter=delimiter, end=end))
    assert (found["gpus"], found["state"]) == (2, "completed")


def test_the_book_may_say_the_delimiter(desk: Any) -> None:
    assert job(desk, table({}, delimiter=";"), delimiter=";")["gpus"] == 2


def test_a_name_may_hold_the_delimiter(desk: Any) -> None:
    found = job(desk, table({"JobName": "a|b||c", "User": "mira"}))
    assert (found["gpus"], found["user_id"]) == (2, "mira")
    done = desk.take({"a.psv": table({"JobName": "x", "Comment": f"{HERON}|y"})}, source())
    assert (done.rows_typed, desk.reasons()) == (0, ["the row has another number of fields than the header"])


def test_names_and_comments_reach_neither_rows_nor_quarantine(desk: Any, sample: Callable[[str], str], tmp_path: Path) -> None:
    lost = table({"JobName": HERON, "State": "LOST"})
    files = {
        "a.psv": sample("sample.psv"),
        "b.psv": lost,
        "c.psv": table({"JobName": HERON, "Comment": f"{HERON}|x"}),
        "d.psv": lost.replace("7|2026-10-05T08:00:00|", "", 1),
    }
    assert desk.take(files, source()).quarantined == 3
    assert not [path for path in (tmp_path / "lake").rglob("*") if path.is_file() and b"heron" in path.read_bytes()]
    assert not any("heron" in text for text in desk.inbox.quarantine()["raw_text"])


def test_tables_one_after_the_other_have_headers_of_their_own(desk: Any) -> None:
    other = table({"JobIDRaw": "8", "Account": "vision"})
    assert jobs(desk, table({}) + other)["team"].to_list() == [None, "vision"]


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ("CANCELLED", "cancelled"),
        ("CANCELLED by 1021", "cancelled"),
        ("CANCELLED+", "cancelled"),
        ("OUT_OF_ME+", "failed"),
        ("NODE_FAIL", "failed"),
        ("TIMEOUT", "timeout"),
        ("DEADLINE", "timeout"),
        ("PREEMPTED", "preempted"),
        ("REQUEUED", "preempted"),
        ("SUSPENDED", "running"),
    ],
)
def test_states_are_told_in_our_words(desk: Any, given: str, state: str) -> None:
    assert job(desk, table({"State": given}))["state"] == state


def test_a_job_that_another_cluster_of_a_federation_ran_is_left_out(desk: Any) -> None:
    assert desk.take({"a.psv": table({}, {"JobIDRaw": "8", "State": "REVOKED"})}, source()).filtered == 1
    assert desk.staged(NAME).height == 1


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"State": "LOST"}, "state 'LOST' is not known"),
        ({"State": "C+"}, "state 'C+' is not known"),
        ({"State": ""}, "state '' is not known"),
        ({"JobIDRaw": ""}, "JobIDRaw is missing"),
        ({"Submit": "Unknown"}, "Submit is missing"),
        ({"Submit": "yesterday"}, "submit 'yesterday' is not an instant"),
        ({"Start": "2026-02-30T00:00:00"}, "start '2026-02-30T00:00:00' is not an instant"),
        ({"Submit": "1970-01-01T00:00:00"}, "day 1970-01-01 is outside 2015 to 2099"),
        ({"Submit": "2101-01-01T00:00:00Z"}, "day 2101-01-01 is outside 2015 to 2099"),
        ({"ElapsedRaw": "-5"}, "elapsedraw '-5' is not a time span"),
        ({"AllocTRES": "gres/gpu=many"}, "TRES 'gres/gpu=many' is not a count of GPUs"),
        ({"AllocTRES": "gres/gpu=-1"}, "TRES 'gres/gpu=-1' is not a count of GPUs"),
        ({"AllocTRES": "cpu=1|gres/gpu=1"}, "the row has another number of fields than the header"),
    ],
)
def test_a_wrong_row_is_set_aside(desk: Any, given: dict[str, str], reason: str) -> None:
    done = desk.take({"a.psv": table({"JobIDRaw": "8"}, given)}, source())
    assert (done.rows_in, done.rows_typed, desk.reasons()) == (2, 1, [reason])


def test_what_cannot_be_read_is_refused_with_the_command_that_can(desk: Any) -> None:
    people = "JobID           JobName  Partition    Account  AllocCPUS      State ExitCode\n------------ ---------- ----------\n"
    refused = desk.take(
        {"a.txt": people, "b.psv": table({}).replace("AllocTRES", "AllocCPUS"), "c.json": '{"meta": {"slurm": {}}, "jobs": []}'}
    )
    whys = [why.split(": export it with `sacct -a -X -P --noconvert -o Cluster,")[0] for _, why in refused.refused]
    assert whys == [
        "is sacct's table for people, which cuts values off",
        "has no column AllocTRES",
        "is sacct --json, whose layout differs by version",
    ]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_examples_are_read(desk: Any) -> None:
    done = desk.take({"a.psv": (EXAMPLES / "sacct_P.psv").read_bytes()}, source())
    assert (done.rows_in, done.rows_typed, done.filtered) == (6, 4, 2)
    found = desk.staged(NAME)
    assert found.select("job_id", "state", "gpus", "elapsed_seconds").rows() == [
        ("alps/4711", "completed", 8, 14_400),
        ("alps/4712", "failed", 1, 20),
        ("alps/4713", "cancelled", None, None),
        ("alps/4714", "running", 4, 1200),
    ]
    hours = (found["gpus"] * found["elapsed_seconds"]).sum()
    assert hours == 8 * 14_400 + 20 + 4 * 1200
