"""Jobs from the scheduler's export to the week's figures: what waited, what was lost, and what later exports change."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from small import built, limited, write

from meterbook.assets.publications import Publication
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Workspace

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("all_small")]
ASKED = ("marts.queue_wait", "marts.queue_loss", "marts.queue_shift", "core.job_wait")
BOOK = """\
name: Acme
sources:
  - name: samples
    path: "samples.csv"
    format: mapped
    mapping:
      kind: gpu_sample
      columns: {sampled_at: at, device_id: node, gpus: gpus, used_gpus: used}
      constants: {interval_seconds: 3600, pool: training}
  - name: runs
    path: "runs.csv"
    format: mapped
    mapping:
      kind: job
      columns:
        {run_id: run, job_id: job, predecessor_job_id: after, submitted_at: submitted, started_at: started, ended_at: ended, gpus: gpus}
      constants: {queue: own, team: red}
gpu_pools:
  training: {rate: gpu/own}
queues:
  - {queue: gpu, pool: training, target_seconds: 7200, waiting_usd_per_hour: {red: 10}}
"""
CARD = """\
provider: gpu
models:
  own: {rates: [{starts_on: 2020-01-01, gpu_hour: 2, source: x, checked_on: 2026-01-01}]}
"""
HEADER = "Cluster|JobIDRaw|JobID|Account|Partition|QOS|Submit|Eligible|Start|End|ElapsedRaw|ReqTRES|AllocTRES|State|NodeList"


def _run(number: int, team: str, times: Sequence[str], gpus: int, ended: tuple[str, int]) -> str:
    submit, eligible, start, end = (time if len(time) != len("05T08:00") else f"2026-10-{time}:00" for time in times)
    state, elapsed = ended
    asked = f"cpu=8,gres/gpu={gpus}" if gpus else "cpu=8"
    given = "" if start == "Unknown" else asked
    return f"c|{number}|{number}|{team}|gpu|normal|{submit}|{eligible}|{start}|{end}|{elapsed}|{asked}|{given}|{state}|n1"


LONG = (1, "red", ("05T08:00", "05T08:00", "07T08:00", "07T10:00"), 8, ("COMPLETED", 7200))
SETTLED = (
    _run(2, "red", ("05T09:00", "05T09:00", "05T09:30", "05T10:30"), 4, ("PREEMPTED", 3600)),
    _run(2, "red", ("05T10:30", "05T10:30", "05T12:30", "05T13:30"), 4, ("COMPLETED", 3600)),
    _run(3, "blue", ("06T00:00", "06T06:00", "06T06:00", "06T07:00"), 1, ("COMPLETED", 3600)),
    _run(4, "blue", ("06T10:00", "06T10:00", "Unknown", "06T11:00"), 2, ("CANCELLED by 0", 0)),
    _run(6, "blue", ("05T10:00", "05T10:00", "05T23:00", "05T23:30"), 0, ("COMPLETED", 1800)),
)
FIRST = (HEADER, *SETTLED, _run(1, "red", ("05T08:00", "05T08:00", "Unknown", "Unknown"), 8, ("PENDING", 0)))
SECOND = (HEADER, *SETTLED, _run(*LONG), _run(5, "blue", ("07T09:00", "07T09:00", "Unknown", "Unknown"), 2, ("PENDING", 0)))


def _book(folder: Path) -> Path:
    write(folder / "meterbook.yaml", [BOOK])
    write(folder / "rate_cards/gpu.yaml", [CARD])
    hours = [f"2026-10-05T{hour:02}:00:00Z,n1,16,{12 if hour in {9, 11} else 16}" for hour in range(24)]
    write(folder / "inbox/samples.csv", ["at,node,gpus,used", *hours])
    return folder


def _built(folder: Path, *names: str) -> Workspace:
    return built(limited(Workspace(folder), *(names or ASKED)))


def _rows(workspace: Workspace, query: str) -> list[tuple[Any, ...]]:
    with workspace.catalog.connect() as con:
        return con.execute(query).fetchall()


def _waits(workspace: Workspace) -> dict[str, tuple[str, int | None]]:
    query = "select job_id, strftime(runnable_at, '%dT%H:%M'), wait_state, wait_seconds from core.job_wait"
    return {f"{job} {since}": (state, wait) for job, since, state, wait in _rows(workspace, query)}


def test_waits_losses_and_what_they_cost_are_those_of_the_exports(tmp_path: Path) -> None:
    write(_book(tmp_path) / "inbox/sacct.psv", SECOND)
    workspace = _built(tmp_path)
    assert _waits(workspace) == {
        "c/1 05T08:00": ("started", 48 * 3600),
        "c/2 05T09:00": ("started", 1800),
        "c/2 05T10:30": ("started", 7200),
        "c/3 06T06:00": ("started", 0),
        "c/4 06T10:00": ("cancelled", 3600),
        "c/5 07T09:00": ("waiting", 3600),
    }
    week = """
        select started_runs, p50_seconds, longest_seconds, wait_seconds, unshared_seconds, waiting_runs, cancelled_runs, target_runs,
            within_target_runs, wait_cost_usd from marts.queue_wait where span = 'week' and parted_by = 'team' order by team
    """
    assert _rows(workspace, week) == [
        (1, 0, 0, 0, 0, 1, 1, 1, 1, None),
        (3, 7200, 172800, 181800, 172800, 0, 0, 3, 2, 505),
    ]
    assert _rows(workspace, "select team, loss, lost_gpu_seconds, cost_usd from marts.queue_loss") == [("red", "preempted", 14400, 8)]
    # Free were 4 GPUs from 9 to 10 and from 11 to 12, while 8 + 4 / 2 and 8 + 4 were waited for.
    shift = "select waited_while_free_gpu_seconds, shift_low_gpu_seconds from marts.queue_shift where pool = 'training'"
    assert _rows(workspace, shift) == [(8 * 3600, 0)]


def test_a_later_export_replaces_what_waited_however_often_the_book_was_run(tmp_path: Path) -> None:
    book = _book(tmp_path / "daily")
    write(book / "inbox/first.psv", FIRST)
    # The end of the data is the last thing that happened: a cancellation on the 6th at 11.
    assert _waits(_built(book, "core.job_wait"))["c/1 05T08:00"] == ("waiting", 27 * 3600)
    write(book / "inbox/second.psv", SECOND)
    daily = _built(book)
    once = _book(tmp_path / "once")
    write(once / "inbox/b.psv", FIRST)
    write(once / "inbox/a.psv", SECOND)
    at_once = _built(once)
    for name in ASKED:
        [table] = (daily.folder / "lake" / name.replace(".", "/")).rglob("*.parquet")
        [other] = (at_once.folder / "lake" / name.replace(".", "/")).rglob("*.parquet")
        assert table.read_bytes() == other.read_bytes()
    assert _waits(daily)["c/1 05T08:00"] == ("started", 48 * 3600)


def test_a_page_is_made_anew_where_the_waits_of_its_week_changed_and_only_there(tmp_path: Path) -> None:
    book = _book(tmp_path)
    write(book / "inbox/first.psv", FIRST)
    other = "a,lone,,2026-10-19T08:00:00Z,2026-10-19T09:00:00Z,2026-10-19T20:00:00Z,1"
    write(book / "inbox/runs.csv", ["run,job,after,submitted,started,ended,gpus", other])
    before = _fingerprints(_built(book))
    assert _fingerprints(_built(book)) == before
    # The run that waited at the end of its cluster's data started in the week after.
    write(book / "inbox/next.psv", [HEADER, _run(1, "red", ("05T08:00", "05T08:00", "12T08:00", "12T10:00"), 8, ("COMPLETED", 7200))])
    after = _fingerprints(_built(book))
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]


def _fingerprints(workspace: Workspace) -> list[str]:
    """Of the pages of three weeks from that of the 5th."""
    publisher = Publisher(workspace)
    return [publisher._fingerprint(Publication("weekly", week)) for week in ("2026-W41", "2026-W42", "2026-W43")]


def test_a_mapped_file_may_name_the_job_that_had_to_end_before(tmp_path: Path) -> None:
    rows = [
        "a,prepare,,2026-10-05T08:00:00Z,2026-10-05T08:00:00Z,2026-10-05T20:00:00Z,1",
        "b,train,prepare,2026-10-05T08:00:00Z,2026-10-05T21:00:00Z,2026-10-05T22:00:00Z,8",
    ]
    write(_book(tmp_path) / "inbox/runs.csv", ["run,job,after,submitted,started,ended,gpus", *rows])
    assert _waits(_built(tmp_path, "core.job_wait")) == {"prepare 05T08:00": ("started", 0), "train 05T20:00": ("started", 3600)}
