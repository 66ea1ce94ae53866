"""What a book lets a run take of the machine, and that no figure hangs on it."""

from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from running import typed
from small import make_small
from small_book import BOOK, DAYS, SmallBook

from meterbook.assets.book import BookError
from meterbook.assets.rerating import needed
from meterbook.assets.workspace import Workspace
from meterbook.sql.catalog import Catalog, Settings
from meterbook.sql.engine import Engine
from meterbook.sql.lake import MEMORY_SPILL, Lake
from meterbook.sql.limits import LimitError

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)
    for name in ("MEMORY_LIMIT", "THREADS", "TEMP_DIRECTORY", "MAX_TEMP_DIRECTORY_SIZE"):
        monkeypatch.delenv(f"METERBOOK_{name}", raising=False)


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    book = SmallBook(tmp_path_factory.mktemp("limits") / "book")
    for model in ("small", "large"):
        book.log(*DAYS, model=model)
    return book.run()


def _with(folder: Path, more: str) -> Path:
    book = SmallBook(folder)
    (book.folder / "meterbook.yaml").write_text(BOOK + more, "utf-8")
    return book.folder


def test_a_book_says_in_the_words_of_duckdb_what_a_run_may_take(tmp_path: Path) -> None:
    (tmp_path / "spilled").mkdir()
    more = "memory_limit: 300MB\nthreads: 1\ntemp_directory: ../spilled\nmax_temp_directory_size: 2GB\n"
    workspace = Workspace(_with(tmp_path / "book", more))
    found = workspace.settings
    folder = tmp_path / "book" / ".." / "spilled"
    assert (found.memory_limit, found.threads, found.temp_directory, found.max_temp_directory_size) == ("300MB", 1, str(folder), "2GB")
    with workspace.catalog.scratch() as con:
        names = ("memory_limit", "threads", "temp_directory", "max_temp_directory_size")
        [shown] = con.execute(f"select {', '.join(f'current_setting({name!r})' for name in names)}").fetchall()
    assert shown == ("286.1 MiB", 1, str(folder), "1.8 GiB")


def test_without_a_word_what_memory_does_not_hold_lies_in_the_lake_of_the_book(tmp_path: Path) -> None:
    workspace = Workspace(SmallBook(tmp_path / "book").folder)
    assert workspace.settings.temp_directory == str(tmp_path / "book" / "lake" / MEMORY_SPILL)
    assert not (tmp_path / "book" / "lake").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("memory_limit: 10 potatoes", "memory_limit: '10 potatoes' is no amount such as 512MB, 1.5GB or 2GiB"),
        ("memory_limit: 3MB", "memory_limit: 3MB is too little to work with: at least 64MB"),
        ("threads: 0", "threads: Input should be greater than or equal to 1"),
        ("max_temp_directory_size: much", "max_temp_directory_size: 'much' is no amount such as 512MB"),
        ("memory_limits: 1GB", "memory_limits: unknown key; did you mean memory_limit?"),
    ],
)
def test_a_wrong_limit_is_told_with_its_line(line: str, said: str, tmp_path: Path) -> None:
    folder = _with(tmp_path / "book", f"{line}\n")
    with pytest.raises(BookError) as wrong:
        Workspace(folder)
    assert str(wrong.value).startswith(f"{folder / 'meterbook.yaml'}:{BOOK.count(chr(10)) + 1}: {said}")


def test_a_folder_that_is_not_there_is_told_by_every_command_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _with(tmp_path / "book", "temp_directory: nowhere\n")
    with pytest.raises(LimitError, match=r"meterbook\.yaml: temp_directory .*nowhere is no folder"):
        Workspace(folder)
    monkeypatch.setenv("METERBOOK_TEMP_DIRECTORY", str(tmp_path))
    assert Workspace(folder).settings.temp_directory == str(tmp_path)
    monkeypatch.setenv("METERBOOK_MEMORY_LIMIT", "10 potatoes")
    said = typed(folder, "query", "select 1")
    assert said.code == 2
    assert "METERBOOK_MEMORY_LIMIT: '10 potatoes' is no amount" in " ".join(said.err.split())


def test_check_says_what_is_in_force(tmp_path: Path) -> None:
    said = " ".join(typed(_with(tmp_path / "book", "memory_limit: 300MB\nthreads: 1\n"), "check").out.split())
    assert "DuckDB may take 300MB of memory and 1 thread (there are" in said
    assert f"and spills into {tmp_path / 'book' / 'lake' / MEMORY_SPILL}" in said


@examples(4)
@given(memory=st.sampled_from(["64MB", "100MB", "1GB"]), threads=st.sampled_from([1, 2, 4]), chunk=st.sampled_from([1, 64_000_000]))
def test_tables_are_the_same_bytes_whatever_memory_and_threads_they_are_made_with(
    taken: Workspace, memory: str, threads: int, chunk: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("other")
    given_tables = [name for name in taken.project.inputs if taken.lake.table(name).partitions]
    lake = _Read(taken.lake, root, given_tables)
    settings = Settings(memory, threads, chunk, temp_directory=str(root / MEMORY_SPILL))
    engine = Engine(Catalog(lake, taken.project, taken.catalog.raw, settings, taken.catalog.columns))
    for name in needed(taken.project):
        engine.build(taken.project.models[name])

    def files(folder: Path) -> dict[str, bytes]:
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for schema in ("staging", "core")
            for path in (folder / schema).rglob("*.parquet")
        }

    assert files(root) == files(taken.lake.root) != {}


class _Read(Lake):
    """A lake beside another, whose given tables it reads."""

    def __init__(self, published: Lake, root: Path, names: list[str]) -> None:
        super().__init__(root)
        for name in names:
            self._tables[name] = published.table(name)
