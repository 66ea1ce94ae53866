"""Questions to the lake: only the tables one names are opened, and it is answered as if all were."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from running import typed
from small import make_small
from small_book import DAYS, SmallBook

from meterbook.sql.catalog import Catalog

NAMED = (
    "from core.model_spend",
    "select 1",
    "with spent as (select day from core.model_spend) select count(*) from spent join staging.request as request using (day)",
    "select (select count(*) from raw.mapped_request), getvariable('from_day')",
)
WHOLE = ("show all tables", "describe core.model_spend", "select count(*) from duckdb_views()", "from query_table('core.model_spend')")
WRONG = ("from model_spend", "from core.model_spent", "select nothing from core.model_spend", "selec 1", "from core.model_spend; select 1")


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_small(monkeypatch)
    made = SmallBook(tmp_path / "book")
    made.log(*DAYS)
    made.run()
    return made.folder


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
