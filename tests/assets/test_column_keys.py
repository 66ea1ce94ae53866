"""Pools that are shared by a column of a table: what may be named, what it weighs, and what a wrong name is told."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from small import built, limited, make_small
from small_book import BOOK, SmallBook

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.column_keys import MODEL, KeyCheck
from meterbook.assets.pools import Column
from meterbook.assets.workspace import Workspace, columns, project, project_of
from meterbook.pipelines.scaffold import scaffold
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch
from meterbook.sql.steps import make_table

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("all_small")]
ASKED = ("core.allocation", "marts.conservation")
POOLS = """\
pools:
- {pool: guard, monthly_usd: 310, key: {column: marts.token_use.output_tokens}}
- {pool: large, monthly_usd: 31, key: {column: marts.token_use.output_tokens}, scope: {model: "l*"}}
- {pool: money, monthly_usd: 62, key: {column: core.cost_line.cost_usd}, exempt: [ads]}
- {pool: refund, lines: [Nothing], corrects: large}
- {pool: hours, monthly_usd: 31, key: {column: core.gpu_hour.used_seconds}}
"""
CIRCLE = (
    "core.column_weight",
    "core.pool_weight",
    "core.shared_cost",
    "core.shared_line",
    "core.owned_line",
    "core.allocation",
    "marts.cost",
)
CALLS = (
    ("2026-10-01T12:00:00Z", "small", 200, "search"),
    ("2026-10-01T13:00:00Z", "large", 100, "search"),
    ("2026-10-01T14:00:00Z", "large", 100, "ads"),
    ("2026-10-01T15:00:00Z", "small", 900, None),
    ("2026-10-02T12:00:00Z", "small", 5, "ads"),
)


def _book(folder: Path, pools: str = POOLS) -> SmallBook:
    book = SmallBook(folder)
    (folder / "allocation.yaml").write_text(pools, "utf-8")
    for at, model, output, team in CALLS:
        book.take("2026.jsonl", {"at": at, "model": model, "input": 1000, "output": output, "team": team})
    return book


def _pool(key: str, more: str = "") -> str:
    return f"pools:\n- {{pool: a, monthly_usd: 1, key: even}}\n- {{pool: b, monthly_usd: 1, key: {key}{more}}}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        return built(limited(Workspace(_book(tmp_path_factory.mktemp("keys") / "book").folder), *ASKED))


@pytest.fixture
def con(made: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    with made.catalog.connect() as found:
        yield found


def test_a_pool_is_split_as_its_column_says_and_its_lines_name_it(con: duckdb.DuckDBPyConnection) -> None:
    query = "select line, basis, team, cost_usd from core.allocation where day = date '2026-10-01' and line like 'Shared: %' order by all"
    assert [(line, basis, team, f"{usd.normalize():f}") for line, basis, team, usd in con.execute(query).fetchall()] == [
        ("Shared: guard", "by output_tokens of marts.token_use", "ads", "2.5"),
        ("Shared: guard", "by output_tokens of marts.token_use", "search", "7.5"),
        ("Shared: hours", "by used_seconds of core.gpu_hour", "unallocated", "1"),
        ("Shared: large", "by output_tokens of marts.token_use (model l*)", "ads", "0.5"),
        ("Shared: large", "by output_tokens of marts.token_use (model l*)", "search", "0.5"),
        ("Shared: money", "by cost_usd of core.cost_line", "search", "2"),
    ]


def test_the_lines_of_each_pool_sum_to_what_it_costs_every_day(con: duckdb.DuckDBPyConnection) -> None:
    query = """
        select cost.day, cost.pool, sum(cost.cost_usd), (select sum(line.cost_usd) from core.allocation as line
            where line.day = cost.day and line.line = 'Shared: ' || cost.pool)
        from core.pool_cost as cost group by 1, 2 order by all
    """
    found = con.execute(query).fetchall()
    assert len(found) == 8
    assert [shared for *_, shared in found] == [cost for _, _, cost, _ in found]
    assert con.execute("select distinct difference_usd from marts.conservation").fetchall() == [(Decimal(0),)]


def test_columns_are_summed_once_for_each_scope_without_what_nobody_owns(con: duckdb.DuckDBPyConnection) -> None:
    query = f"select measure, team, weight from {MODEL} where day = date '2026-10-01' and measure like 'marts%' order by all"
    assert [(measure, team, f"{weight.normalize():f}") for measure, team, weight in con.execute(query).fetchall()] == [
        ("marts.token_use.output_tokens", "ads", "100"),
        ("marts.token_use.output_tokens", "search", "300"),
        ('marts.token_use.output_tokens {"model": "l*"}', "ads", "100"),
        ('marts.token_use.output_tokens {"model": "l*"}', "search", "100"),
    ]


def test_a_changed_key_makes_stale_what_follows_from_it_and_nothing_else(made: Workspace) -> None:
    assert made.plan() is None
    path = made.folder / "allocation.yaml"
    path.write_text(POOLS.replace("key: {column: core.cost_line.cost_usd}", "key: {column: core.model_spend.requests}"), "utf-8")
    changed = limited(Workspace(made.folder), *ASKED)
    stale = {name for name, model in changed.project.models.items() if changed.engine.stale(model)}
    path.write_text(POOLS, "utf-8")
    # What reads the weights is stale once they are other ones, which only making them can tell.
    assert stale == {MODEL}


def test_a_book_that_has_no_such_key_makes_no_such_table_and_one_that_had_leaves_no_rows(tmp_path: Path) -> None:
    book = _book(tmp_path / "book", _pool("{column: core.model_spend.requests}"))
    built(limited(Workspace(book.folder), *ASKED))
    assert list((book.folder / "lake/core/column_weight").glob("*.parquet"))
    (book.folder / "allocation.yaml").write_text(_pool("requests"), "utf-8")
    again = limited(Workspace(book.folder), *ASKED)
    assert not again.catalog.is_active(MODEL)
    assert again.plan() is not None
    built(again)
    assert not list((book.folder / "lake/core/column_weight").glob("*.parquet"))
    with again.catalog.connect() as con:
        assert con.execute("select distinct basis from core.allocation where line = 'Shared: b'").fetchall() == [("by requests",)]
    assert again.plan() is None


def test_a_closed_month_keeps_its_lines_and_the_open_ones_still_sum(tmp_path: Path) -> None:
    book = _book(tmp_path / "book", _pool("{column: marts.token_use.output_tokens}"))
    book.log("2026-09-30", output=7)
    book.close("2026-09")
    with built(limited(Workspace(book.folder), *ASKED, "marts.closed_month")).catalog.connect() as con:
        assert con.execute("select count(*) from core.allocation where day < date '2026-10-01'").fetchall() == [(0,)]
        assert con.execute("select distinct difference_usd from marts.conservation").fetchall() == [(Decimal(0),)]
        late = "corrects_period = '2026-09' and basis = 'Shared: b, by output_tokens of marts.token_use'"
        [(corrected,)] = con.execute(f"select sum(cost_usd) from core.allocation where {late}").fetchall()
        [(cost,)] = con.execute("select sum(cost_usd) from core.pool_cost where pool = 'b' and day < date '2026-10-01'").fetchall()
        assert corrected == cost > 0


def test_the_day_is_that_of_the_book(tmp_path: Path) -> None:
    pools = _pool("{column: core.model_spend.output_tokens}", "}\n- {pool: c, monthly_usd: 1, key: {column: marts.spend.output_tokens}")
    book = _book(tmp_path / "book", pools)
    (book.folder / "meterbook.yaml").write_text(f"{BOOK}time_zone: Asia/Tokyo\n", "utf-8")
    # Midnight in Tokyo is 15:00 UTC: on both tables the call of 15:00 is of the next day, whatever their `day` is.
    book.take("2026.jsonl", {"at": "2026-10-01T15:00:00Z", "model": "small", "input": 1, "output": 11, "team": "ops"})
    with built(limited(Workspace(book.folder), MODEL)).catalog.connect() as con:
        found = con.execute(f"select measure, cast(day as varchar), weight from {MODEL} where team = 'ops' order by all").fetchall()
    assert found == [
        ("core.model_spend.output_tokens", "2026-10-02", Decimal(11)),
        ("marts.spend.output_tokens", "2026-10-02", Decimal(11)),
    ]


@pytest.mark.parametrize(
    ("key", "more", "says"),
    [
        ("{column: token_use}", "", "`column:` names a schema, a table and a column of it, such as marts.token_use.output_tokens"),
        ("{column: marts.token_use.output_tokens}", ", scope: {gpu_pool: x}", "`scope: gpu_pool` is nothing that"),
    ],
)
def test_a_key_that_can_name_no_column_is_an_error_of_the_file(tmp_path: Path, key: str, more: str, says: str) -> None:
    book = _book(tmp_path / "book", _pool(key, more))
    with pytest.raises(BookError, match=r"allocation\.yaml:3: pools\.1") as error:
        Book(book.folder)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("column", "more", "says"),
    [
        ("marts.token_used.output_tokens", "", "no table 'marts.token_used' of core or marts; did you mean marts.token_use?"),
        ("staging.mapped_request.input_tokens", "", "no table 'staging.mapped_request' of core or marts; "),
        ("book.weight.weight", "", "no table 'book.weight' of core or marts; "),
        ("marts.token_use.output_token", "", "marts.token_use has no column 'output_token'; did you mean output_tokens?"),
        ("marts.token_use.seats", "", "marts.token_use has no column 'seats'; there are requests, input_tokens, "),
        ("marts.token_use.model", "", "model of marts.token_use is VARCHAR, no whole number and no DECIMAL; there are requests, "),
        ("core.request_cost.started_at", "", "started_at of core.request_cost is TIMESTAMP, no whole number"),
        ("marts.coverage.tokens", "", "marts.coverage has no column team, which would say who pays"),
        (
            "marts.conservation.requests",
            "",
            "marts.conservation has no column team, which would say who pays; there are core.answer_day, core.feature_spend",
        ),
        ("marts.chargeback.cost_usd", "", "marts.chargeback is not cut by day, and a key is measured each day; there are core."),
        ("marts.focus.billed_cost", "", "marts.focus is made only where an export asks for it"),
        ("core.cost_line.cost_usd", ", scope: {model: m}", "`scope: model` is no column of core.cost_line"),
        (
            "marts.cost.cost_usd",
            "",
            f"a circle: {' -> '.join(CIRCLE)} -> core.column_weight; name a table before it",
        ),
        ("core.column_weight.weight", "", "a circle: core.column_weight -> core.column_weight; "),
    ],
)
def test_a_column_that_no_pool_can_be_shared_by_is_told_before_anything_is_done(tmp_path: Path, column: str, more: str, says: str) -> None:
    book = _book(tmp_path / "book", _pool(f"{{column: {column}}}", more))
    with pytest.raises(BookError, match=r"allocation\.yaml:3: pools\.1\.key: pool 'b': ") as error:
        Workspace(book.folder)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert not (book.folder / "lake").exists()


def test_every_column_that_is_not_refused_can_be_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What else to name takes long to find, for thousands of columns.
    monkeypatch.setattr(KeyCheck, "_tables", lambda *_: [])
    check = KeyCheck(project(), columns())
    taken = [f"{table}.{column}" for table in sorted(columns()) for column in columns()[table] if _is_taken(check, table, column)]
    assert {"marts.token_use.output_tokens", "core.gpu_hour.used_seconds", "core.cost_line.cost_usd"} <= set(taken)
    pools = "".join(f"- {{pool: '{name}', monthly_usd: 1, key: {{column: {name}}}}}\n" for name in taken)
    changed = project_of(Book(_book(tmp_path / "book", f"pools:\n{pools}").folder))
    model = changed.models[MODEL]
    assert set(model.inputs) == {name.rpartition(".")[0] for name in taken}
    with scratch() as con:
        for name in model.inputs:
            empty_table(con, name, columns()[name])
        con.execute("set variable from_day = date '2026-10-01'; set variable to_day = date '2026-10-02'")
        make_table(con, model, "made")
        assert {row[0]: row[1] for row in con.execute("describe made").fetchall()} == columns()[MODEL]
    order = list(changed.models)
    assert max(order.index(name) for name in model.inputs) < order.index(MODEL) < order.index("core.pool_weight")


def _is_taken(check: KeyCheck, table: str, column: str) -> bool:
    try:
        check.refuse(Column(table, column, ()))
    except ValueError:
        return False
    return True


def test_a_lineage_made_for_a_book_leaves_the_shipped_one_as_it_is(made: Workspace) -> None:
    assert project().models[MODEL].inputs == ()
    assert made.project.models[MODEL].inputs == ("core.cost_line", "core.gpu_hour", "marts.token_use")
    assert made.project.models[MODEL].digest != project().models[MODEL].digest


def test_the_pools_that_a_new_book_suggests_are_sound(tmp_path: Path) -> None:
    list(scaffold(tmp_path / "book"))
    path = tmp_path / "book/allocation.yaml"
    suggested = "\n".join(line.removeprefix("#") for line in path.read_text("utf-8").splitlines() if line.startswith("#  - "))
    path.write_text(f"pools:\n{suggested}\n", "utf-8")
    (tmp_path / "book/weights.csv").write_text("weights,team,weight\nheadcount,red,1\n", "utf-8")
    opened = Workspace(tmp_path / "book")
    assert len(opened.book.pools) == suggested.count("{pool: ")
    assert opened.project.models[MODEL].inputs == ("marts.token_use",)


def test_the_table_of_pools_names_the_measure(made: Workspace) -> None:
    rows = tables_of(made.book)["book.pool"].to_dicts()
    assert [(row["allocation_key"], row["measure"], row["is_scoped"]) for row in rows] == [
        ("column", "marts.token_use.output_tokens", False),
        ("column", 'marts.token_use.output_tokens {"model": "l*"}', False),
        ("column", "core.cost_line.cost_usd", False),
        ("column", 'marts.token_use.output_tokens {"model": "l*"}', False),
        ("column", "core.gpu_hour.used_seconds", False),
    ]
