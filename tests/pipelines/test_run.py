"""What a run promises whatever happens: the same bytes, one clear line, the right exit code, nothing lost."""

import gc
import gzip
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from running import Said, typed
from small import built, limited, make_few
from small_book import SmallBook

from meterbook.assets.rerating import needed
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.bench_idle import state_of
from meterbook.pipelines.demo import write_demo
from meterbook.pipelines.runner import DONE, run_book

pytestmark = [pytest.mark.long, pytest.mark.early]

METERBOOK = str(Path(sys.executable).parent / "meterbook")
DAYS = 3


def _run(folder: Path, *words: str) -> Said:
    return typed(folder, *(words or ("run",)))


def _bytes(folder: Path) -> dict[str, bytes]:
    """Everything a run publishes; not the records of when files were written."""
    kept = [path for part in ("lake", "reports", "chargeback") for path in (folder / part).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept if "_state" not in path.parts}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory, slim: Callable[[Path], Path]) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "book"
    write_demo(folder, DAYS)
    return slim(folder)


@pytest.fixture(scope="module")
def done_book(book: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = _copy(book, tmp_path_factory.mktemp("undisturbed") / "book")
    # In a process of its own, as a user has it; what follows in this one has to give the same.
    done = subprocess.run([METERBOOK, "--book", str(folder), "run"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def undisturbed(done_book: Path) -> dict[str, bytes]:
    found = _bytes(done_book)
    assert any(name.endswith("chargeback.csv") for name in found)
    assert any(name.endswith(".html") for name in found)
    return found


def _copy(book: Path, folder: Path) -> Path:
    shutil.copytree(book, folder)
    return folder


@pytest.mark.nightly
def test_files_in_another_order_and_one_given_twice_give_the_same_bytes(book: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    folder = _copy(book, tmp_path / "book")
    inbox = folder / "inbox"
    files = sorted(path for path in inbox.rglob("*") if path.is_file())
    random.Random(7).shuffle(files)  # noqa: S311 -- an order, not a secret
    shutil.move(inbox, tmp_path / "all")
    for part in (files[: len(files) // 2], files[len(files) // 2 :]):
        for path in part:
            target = inbox / path.relative_to(inbox)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(tmp_path / "all" / path.relative_to(inbox), target)
        if part[-1] == files[-1]:
            # The copy comes later in the alphabet than every original: the path that is kept does not change.
            shutil.copy(next(iter((inbox / "gateway").iterdir())), inbox / "zz-again.jsonl.gz")
        assert _run(folder).code == 0
    found = _bytes(folder)
    assert sorted(found) == sorted(undisturbed)
    assert [name for name in found if found[name] != undisturbed[name]] == []


@pytest.mark.nightly
@pytest.mark.parametrize("share", [0.3, 0.45, 0.6, 0.75, 0.9])
def test_a_run_killed_at_any_moment_ends_in_the_same_bytes(book: Path, undisturbed: dict[str, bytes], tmp_path: Path, share: float) -> None:
    folder = _copy(book, tmp_path / "book")
    whole = len(undisturbed) * share
    process = subprocess.Popen(
        [METERBOOK, "--book", str(folder), "run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    # Killed by what has been written, not by the clock: the machine's speed does not choose the moment.
    while process.poll() is None and len(_names(folder)) < whole:
        time.sleep(0.01)
    was_running = process.poll() is None
    if was_running:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert was_running, "the run was over before it could be killed"
    done = _run(folder)
    assert done.code == 0, done.out + done.err
    found = _bytes(folder)
    assert sorted(found) == sorted(undisturbed)
    assert [name for name in found if found[name] != undisturbed[name]] == []
    assert not list(folder.rglob(".*.part"))


def _names(folder: Path) -> list[str]:
    """What is published so far; os.walk does not mind folders that go while it looks."""
    parts = (os.walk(folder / part) for part in ("lake", "reports", "chargeback"))
    return [name for walk in parts for _, _, names in walk for name in names if name.endswith((".parquet", ".html", ".csv"))]


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "book"
    assert _run(folder, "init", str(folder)).code == 0
    return folder


def test_a_new_book_with_an_empty_inbox_runs_and_says_so(empty: Path) -> None:
    done = _run(empty)
    assert done.code == 0, done.err
    assert "the inbox is empty" in done.out


def test_a_missing_book_is_one_line_that_says_how_to_make_one(tmp_path: Path) -> None:
    done = _run(tmp_path / "nowhere")
    assert done.code == 2
    assert done.err.splitlines() == [
        f"meterbook: {tmp_path}/nowhere is not a book: it has no meterbook.yaml; `meterbook init {tmp_path}/nowhere` writes one"
    ]


def test_an_unknown_key_is_one_line_with_file_line_and_the_nearest_key(empty: Path) -> None:
    (empty / "meterbook.yaml").write_text("name: x\nmoed: showback\n")
    done = _run(empty)
    assert done.code == 2
    assert done.err.splitlines() == [f"meterbook: {empty}/meterbook.yaml:2: moed: unknown key; did you mean mode?"]


def test_a_key_given_twice_is_refused(empty: Path) -> None:
    (empty / "meterbook.yaml").write_text("name: x\nname: y\n")
    done = _run(empty)
    assert (done.code, done.err.splitlines()) == (2, [f"meterbook: {empty}/meterbook.yaml:2: key 'name' is given twice"])


def test_an_unknown_argument_is_exit_code_two(empty: Path) -> None:
    done = _run(empty, "runn")
    assert done.code == 2
    assert "Traceback" not in done.err


Spoil = Callable[[Path], None]


def _unknown_format(inbox: Path) -> None:
    (inbox / "strange.csv").write_text("colour,shape\nred,round\n")


def _truncated(inbox: Path) -> None:
    (inbox / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"request_id":"a"}\n' * 5000)[:-20])


def _binary(inbox: Path) -> None:
    (inbox / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + bytes(range(256)) * 20)


SPOILT = {"strange.csv": (_unknown_format, "format"), "cut.jsonl.gz": (_truncated, "cut short"), "picture.png": (_binary, "text")}


def test_files_that_cannot_be_read_are_refused_with_one_line_each_and_stay(small_book: SmallBook, monkeypatch: pytest.MonkeyPatch) -> None:
    make_few(monkeypatch)
    folder = small_book.folder
    for spoil, _ in SPOILT.values():
        spoil(folder / "inbox")
    before = {name: (folder / "inbox" / name).read_bytes() for name in SPOILT}
    done = _run(folder)
    assert done.code == 1
    assert "Traceback" not in done.out + done.err
    for name, (_, words) in SPOILT.items():
        [line] = [line for line in done.out.splitlines() if name in line]
        assert line.startswith("refused")
        assert words in line
        assert (folder / "inbox" / name).read_bytes() == before[name]
    # The rest went on.
    assert (folder / "chargeback" / "2026-10" / "chargeback.csv").is_file()


def test_a_run_with_nothing_to_do_says_so_writes_nothing_and_loads_no_dagster(done_book: Path) -> None:
    code = "import sys\nfrom meterbook.pipelines.cli import main\ntry: main()\nfinally: print('dagster' in sys.modules)"
    before = state_of(done_book)
    done = subprocess.run([sys.executable, "-c", code, "--book", str(done_book), "run"], check=True, capture_output=True, text=True)
    told = done.stdout.splitlines()
    assert {"nothing to compute: every day is up to date", "nothing new to publish"} <= {*told}
    assert told[-1] == "False"
    assert state_of(done_book) == before


def test_a_query_answers_in_three_forms_and_a_wrong_one_is_one_line(done_book: Path) -> None:
    sql = "select team, sum(requests) as requests from marts.spend group by team order by team"
    assert _run(done_book, "query", sql, "--format", "csv").out.splitlines()[0] == "team,requests"
    assert '"team": "documents"' in _run(done_book, "query", sql, "--format", "json").out
    assert "documents" in _run(done_book, "query", sql).out
    wrong = _run(done_book, "query", "select nothing from nowhere")
    assert (wrong.code, "Traceback" in wrong.err) == (2, False)


def test_a_page_and_a_statement_are_published_by_name(done_book: Path) -> None:
    [page] = _run(done_book, "report", "weekly", "--period", "2026-W44").out.split()
    assert Path(page).read_text().startswith("<!doctype html>")
    lists = ["chargeback.csv", "chargeback_tenant.csv", "chargeback.xlsx", "journal.csv", "journal.netsuite.csv", "journal.quickbooks.csv"]
    names = [Path(line).name for line in _run(done_book, "chargeback", "2026-10").out.split()]
    assert names[: len(lists)] == lists
    assert {"support.csv", "support.html"} < {*names}
    assert names[-1] == "manifest.json"
    assert _run(done_book, "chargeback", "2031-01").code == 2


def test_a_changed_owner_moves_cost(done_book: Path, tmp_path: Path) -> None:
    folder = _copy(done_book, tmp_path / "book")
    owners = folder / "owners.csv"
    owners.write_text(owners.read_text().replace(",sales,", ",growth,"))
    built(limited(Workspace(folder), "marts.spend"))
    teams = _run(folder, "query", "select distinct team from marts.spend order by 1", "--format", "csv").out.split()
    assert "growth" in teams
    assert "sales" not in teams


def test_a_late_file_changes_only_its_days(small_book: SmallBook, tmp_path: Path) -> None:
    files = sorted((small_book.folder / "inbox").iterdir())
    late, held = files[-2], tmp_path / files[-2].name
    shutil.move(late, held)
    before = _priced(small_book.folder)
    assert len(before) == len(files) - 1
    shutil.move(held, late)
    after = _priced(small_book.folder)
    assert {name for name in after if after[name] != before.get(name)} == {f"day={late.name[:10]}.parquet"}


def _priced(folder: Path) -> dict[str, int]:
    """Take in what is there and compute what requests cost: when each day was written."""
    workspace = Workspace(folder)
    workspace.ingest()
    for name in needed(workspace.project):
        workspace.build(workspace.project.models[name])
    return {path.name: path.stat().st_mtime_ns for path in (folder / "lake" / "core" / "request_cost").iterdir()}


def test_a_run_leaves_python_as_it_found_it(tmp_path: Path) -> None:
    (tmp_path / "meterbook.yaml").write_text("name: A company\n", "utf-8")
    before = gc.get_threshold()
    assert run_book(tmp_path, Console(file=io.StringIO())) == DONE
    assert gc.get_threshold() == before
