"""A pool shared by a column, as it is typed: checked, run, drawn in the graph, changed and taken away again."""

from pathlib import Path

import dagster as dg
import pytest
from running import run, typed
from small_book import SmallBook

from meterbook.assets.models import asset_key
from meterbook.assets.resources import BookResource
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.definitions import build_definitions
from meterbook.pipelines.forgetful import forgetful_instance
from meterbook.pipelines.jobs import range_tags

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("all_small"), pytest.mark.early]
POOL = "pools:\n- {{pool: guard, monthly_usd: 31, key: {{column: {column}}}}}\n"
WEIGHED = asset_key("core.column_weight")
UP_TO_LINES = ("core.pool_weight", "core.shared_cost", "core.shared_line", "core.owned_line", "core.allocation")


@pytest.fixture
def book(tmp_path: Path) -> SmallBook:
    made = SmallBook(tmp_path / "book")
    _share_by(made, "marts.token_use.output_tokens")
    made.take("2026.jsonl", {"at": "2026-10-01T12:00:00Z", "model": "small", "input": 1000, "output": 300, "team": "search"})
    made.take("2026.jsonl", {"at": "2026-10-01T12:00:00Z", "model": "small", "input": 9000, "output": 100, "team": "ads"})
    return made


def _share_by(book: SmallBook, column: str) -> None:
    (book.folder / "allocation.yaml").write_text(POOL.format(column=column), "utf-8")


def _shared(book: SmallBook) -> list[tuple[str, str, str]]:
    query = "select basis, team, cost_usd from core.allocation where line = 'Shared: guard' order by all"
    with Workspace(book.folder).catalog.connect() as con:
        return [(basis, team, f"{usd.normalize():f}") for basis, team, usd in con.execute(query).fetchall()]


def _weighed(book: SmallBook) -> list[str]:
    return [path.name for path in sorted((book.folder / "lake/core/column_weight").glob("*.parquet"))]


@pytest.mark.nightly
def test_a_run_shares_by_the_column_of_the_day_and_follows_the_book_when_it_changes(book: SmallBook) -> None:
    assert run(book.folder)[0] == 0
    key = "by output_tokens of marts.token_use"
    assert _shared(book) == [(key, "ads", "0.25"), (key, "search", "0.75")]
    loaded = build_definitions(BookResource(folder=str(book.folder)))
    _share_by(book, "marts.token_use.input_tokens")
    _compute(loaded, book)
    key = "by input_tokens of marts.token_use"
    assert _shared(book) == [(key, "ads", "0.9"), (key, "search", "0.1")]
    assert _weighed(book) == ["day=2026-10-01.parquet"]
    (book.folder / "allocation.yaml").write_text("pools: []\n", "utf-8")
    assert run(book.folder)[0] == 0
    assert _shared(book) == []
    assert _weighed(book) == []
    assert "up to date" in run(book.folder)[1]


def _compute(loaded: dg.Definitions, book: SmallBook) -> None:
    """Compute with a graph that was loaded before the key of the book changed, as a Dagster that keeps running does."""
    Workspace(book.folder).ingest()
    chosen = frozenset(map(asset_key, ("core.column_weight", *UP_TO_LINES)))
    with forgetful_instance() as instance:
        job = loaded.resolve_job_def("models").get_subset(asset_selection=chosen)
        assert job.execute_in_process(instance=instance, tags=range_tags("2026-10-01", "2026-10-01")).success


def test_the_graph_of_a_book_has_what_its_keys_read_and_that_of_a_wrong_one_can_be_looked_at(book: SmallBook) -> None:
    resource = BookResource(folder=str(book.folder))
    graph = build_definitions(resource).resolve_asset_graph()
    assert graph.get(WEIGHED).parent_keys == {asset_key("marts.token_use")}
    assert WEIGHED in graph.get(asset_key("core.pool_weight")).parent_keys
    _share_by(book, "marts.cost.cost_usd")
    assert build_definitions(resource).resolve_asset_graph().get(WEIGHED).parent_keys == set()


def test_the_models_of_a_book_are_listed_as_its_keys_have_them(book: SmallBook, tmp_path: Path) -> None:
    listed = {where: typed(folder, "models") for where, folder in (("book", book.folder), ("none", tmp_path / "none"))}
    assert {where: said.code for where, said in listed.items()} == {"book": 0, "none": 0}
    assert listed["book"].out.count("marts.token_use") == listed["none"].out.count("marts.token_use") + 1


def test_a_wrong_column_is_told_in_one_line_by_every_command_and_nothing_is_made(book: SmallBook) -> None:
    _share_by(book, "marts.token_use.output_token")
    for words in (["check"], ["run"], ["models"]):
        said = typed(book.folder, *words)
        assert said.code == 2
        [line] = said.err.strip().splitlines()
        assert (
            "allocation.yaml:2: pools.0.key: pool 'guard': marts.token_use has no column 'output_token'; did you mean output_tokens?"
            in line
        )
    assert not (book.folder / "lake").exists()
