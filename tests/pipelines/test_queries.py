"""Questions to the lake: only the tables one names are opened, and it is answered as if all were."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from running import typed
from small_book import SmallBook

from meterbook.sql.catalog import Catalog

pytestmark = pytest.mark.long

NAMED = (
    "from core.model_spend",
    "select 1",
    "with spent as (select day from core.model_spend) select count(*) from spent join staging.request as request using (day)",
    "select (select count(*) from raw.mapped_request), getvariable('from_day')",
)
WHOLE = ("show all tables", "describe core.model_spend", "select count(*) from duckdb_views()", "from query_table('core.model_spend')")
WRONG = ("from model_spend", "from core.model_spent", "select nothing from core.model_spend", "selec 1", "from core.model_spend; select 1")


@pytest.fixture
def book(priced_book: SmallBook) -> Path:
    return priced_book.folder


def test_the_tables_a_question_names_are_opened_and_no_others(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    connect, reading = Catalog.connect, Catalog.reading

    def all_of(catalog: Catalog) -> AbstractContextManager[object]:
        opened.append("all")
        return connect(catalog)

    def some_of(catalog: Catalog, names: list[str]) -> AbstractContextManager[object]:
        opened.extend(names)
        return reading(catalog, names)

    monkeypatch.setattr(Catalog, "connect", all_of)
    monkeypatch.setattr(Catalog, "reading", some_of)
    told = [typed(book, "query", sql, "--format", "csv") for sql in NAMED]
    assert [one.code for one in told] == [0] * len(NAMED)
    assert opened == ["core.model_spend", "core.model_spend", "staging.request", "raw.mapped_request"]
    for sql in (*WHOLE, *WRONG):
        opened.clear()
        assert typed(book, "query", sql, "--format", "csv").code == (2 if sql in WRONG[:4] else 0)
        assert opened[-1] == "all", sql


def test_an_answer_and_an_error_are_those_of_a_lake_opened_whole(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = [typed(book, "query", sql, "--format", "json") for sql in (*NAMED, *WRONG)]
    monkeypatch.setattr("meterbook.pipelines.queries._named", lambda *_: None)
    assert first == [typed(book, "query", sql, "--format", "json") for sql in (*NAMED, *WRONG)]
    assert 'Did you mean "core.model_spend' in " ".join(first[len(NAMED)].err.split())


def test_a_table_is_asked_as_it_lies_and_the_rest_of_the_book_is_not(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meterbook.assets.workspace.Workspace", _never)
    (book / "owners.csv").write_text("what is this\n", "utf-8")
    assert typed(book, "query", "select count(*) as days from core.model_spend", "--format", "csv").out.split() == ["days", "4"]
    # Of a kind of rows all that was made is asked, and a table that nothing was made of has no rows.
    for name, rows in (("staging.request", "4"), ("staging.charge", "0"), ("raw.input_file", "4"), ("raw.quarantine", "0")):
        said = typed(book, "query", f"select count(*) as rows from {name}", "--format", "csv")
        assert said.out.split() == ["rows", rows], said.err


def _never(*_: object) -> None:
    raise AssertionError("the whole book was opened")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("memory_limit: 1KB", "1KB is too little to work with"),
        ("threads: [1]", "threads"),
        ("threads: 1\nthreads: 2", "key 'threads' is given twice"),
        ("temp_directory: nowhere", "is no folder"),
    ],
)
def test_what_a_book_says_of_the_machine_holds_for_a_question_too(book: Path, settings: str, said: str) -> None:
    path = book / "meterbook.yaml"
    path.write_text(f"{path.read_text('utf-8')}threads: 1\nmemory_limit: 200MB\n", "utf-8")
    sql = "select current_setting('threads') as threads, current_setting('memory_limit') as memory"
    assert typed(book, "query", sql, "--format", "csv").out.split() == ["threads,memory", "1,190.7", "MiB"]
    path.write_text(path.read_text("utf-8").replace("threads: 1\nmemory_limit: 200MB\n", f"{settings}\n"), "utf-8")
    wrong = typed(book, "query", "select 1")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)
    assert said in wrong.err


def test_a_folder_that_is_no_book_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    assert typed(tmp_path, "query", "select 1").err.startswith(f"meterbook: {tmp_path} is not a book: it has no meterbook.yaml")
