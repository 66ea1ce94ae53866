"""The measurements of whole runs: what they generate, that both ways of a run give the same, and that an idle run is seen to write."""

import collections
import json
import os
import subprocess
from datetime import date
from pathlib import Path

import pytest
from small import gateway_book

from meterbook.assets.workspace import Workspace
from meterbook.pipelines import bench, bench_history, bench_idle, bench_orchestration, bench_year
from meterbook.pipelines.bench_book import LAST_DAY, bytes_of, linked, write_book, write_day

pytestmark = pytest.mark.long

TABLES = ("marts.spend",)
DAY = date(2026, 10, 19)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of logs, not run."""
    return write_book(tmp_path_factory.mktemp("year") / "book", 2, 400)


def _records(book: Path, day: date = LAST_DAY) -> list[dict[str, object]]:
    text = subprocess.run(["zstd", "-dc", book / f"inbox/{day}.jsonl.zst"], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def test_the_logs_of_a_day_are_the_same_each_time_and_made_once(book: Path, tmp_path: Path) -> None:
    again = write_book(tmp_path / "again", 2, 400)
    made = {path.name: path.read_bytes() for path in (book / "inbox").iterdir()}
    assert {path.name: path.read_bytes() for path in (again / "inbox").iterdir()} == made
    before = {path: path.stat().st_mtime_ns for path in (again / "inbox").iterdir()}
    write_book(again, 2, 400)
    assert {path: path.stat().st_mtime_ns for path in (again / "inbox").iterdir()} == before


def test_the_door_takes_every_line_and_few_tenants_make_most_calls(book: Path, tmp_path: Path) -> None:
    workspace = Workspace(linked(book, tmp_path / "book"))
    found = workspace.ingest()
    assert (found.rows_in, found.quarantined, found.new_files, found.refused) == (800, 0, 2, [])
    [file] = [file for file in workspace.inbox.raw_files()["litellm_spendlogs"] if str(LAST_DAY) in file.days]
    with workspace.catalog.scratch() as con:
        rows = con.execute(f"select tenant, count(*) from read_parquet('{file.path}') group by 1 order by 2 desc").fetchall()
        [(prompt,)] = con.execute(f"select median(prompt_tokens) from read_parquet('{file.path}') where status = 'success'").fetchall()
    assert rows[0][0] == "tenant-0"
    assert sum(count for _, count in rows[:10]) > 0.4 * sum(count for _, count in rows)
    assert 800 < prompt < 1500


def test_a_linked_copy_leaves_the_book_as_it_was(book: Path, tmp_path: Path) -> None:
    before = bench_idle.state_of(book)
    copy = linked(book, tmp_path / "book")
    write_day(copy, DAY.replace(day=21), 100)
    Workspace(copy).ingest()
    assert bench_idle.state_of(book) == before
    assert bytes_of(copy / "inbox") > bytes_of(book / "inbox")


@pytest.mark.parametrize("change", ["touched", "made", "removed", "replaced"])
def test_a_file_that_an_idle_run_wrote_is_named(tmp_path: Path, change: str) -> None:
    (tmp_path / "kept.txt").write_text("same", "utf-8")
    (tmp_path / "file.txt").write_text("same", "utf-8")
    before = bench_idle.state_of(tmp_path)
    bench_idle.refuse_writes(before, bench_idle.state_of(tmp_path))
    if change == "touched":
        os.utime(tmp_path / "file.txt", ns=(1, 1))
    elif change == "removed":
        (tmp_path / "file.txt").unlink()
    elif change == "made":
        (tmp_path / "more.txt").write_text("more", "utf-8")
    else:
        (tmp_path / "beside").write_text("same", "utf-8")
        (tmp_path / "beside").replace(tmp_path / "file.txt")
    with pytest.raises(RuntimeError, match=r"a run wrote 1 files: (file|more).txt"):
        bench_idle.refuse_writes(before, bench_idle.state_of(tmp_path))


@pytest.mark.usefixtures("all_few")
def test_plain_functions_and_dagster_make_the_same_files_and_the_book_is_opened_once(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, dagster = (linked(book, tmp_path / name) for name in ("plain", "dagster"))
    bench_orchestration.plainly(plain)
    opened, opens = list[Path](), Workspace.__init__

    def counted(workspace: Workspace, folder: Path) -> None:
        opened.append(folder)
        opens(workspace, folder)

    monkeypatch.setattr(Workspace, "__init__", counted)
    bench_history.run(dagster)
    # To open it looks at every file of the lake.
    assert opened == [dagster]
    made = [{str(path.relative_to(at)): path.read_bytes() for path in _published(at)} for at in (plain, dagster)]
    assert made[0].keys() == made[1].keys()
    assert [name for name in made[0] if made[0][name] != made[1][name]] == []
    assert collections.Counter(name.split("/")[0] for name in made[0])["chargeback"] > 0


def _published(book: Path) -> list[Path]:
    """What a run publishes; not the records of when files were written."""
    files = (path for part in ("lake", "reports", "chargeback") for path in (book / part).rglob("*"))
    return [path for path in files if path.is_file() and "_state" not in path.parts]


def test_a_run_that_does_not_end_well_is_no_measurement(tmp_path: Path) -> None:
    book = gateway_book(tmp_path / "book")
    (book / "inbox" / "notes.txt").write_text("not a log\n", "utf-8")
    with pytest.raises(RuntimeError, match=r"notes\.txt"):
        bench_history.run(book)


@pytest.mark.nightly
def test_a_day_is_measured_after_each_length_of_history_and_an_idle_run_of_it_writes_nothing(tmp_path: Path) -> None:
    cases = bench_history.cases(tmp_path, rows=50, days=(2, 4))
    assert [bench.run(case).rows for case in cases] == [50, 50]
    [idle] = bench_idle.cases(tmp_path, rows=50, days=4)
    assert float(bench.run(idle).more["files"]) > 100


@pytest.mark.nightly
def test_a_year_says_what_it_takes_on_disk(tmp_path: Path) -> None:
    part, whole = map(bench.run, bench_year.cases(tmp_path, rows=50, days=(2, 4)))
    assert (part.rows, whole.rows) == (100, 200)
    assert 0 < float(part.more["inbox_bytes"]) < float(whole.more["inbox_bytes"])
    assert float(whole.more["lake_bytes"]) > 0


@pytest.mark.nightly
def test_a_day_and_a_backfill_are_measured_as_plain_functions_and_by_dagster(tmp_path: Path) -> None:
    cases = bench_orchestration.cases(tmp_path, rows=60, days=3)
    plain = [name for name in ("one day, plain functions", "3 days, plain functions") for _ in range(2)]
    assert [(case.against, bench.run(case).rows) for case in cases] == [(name, 60) for name in plain]
