"""A pool that is shared by a column is split as one whose weights.csv states the same numbers, whatever they are."""

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.book import Book
from meterbook.assets.column_keys import MODEL
from meterbook.assets.pool_tables import pool_tables
from meterbook.assets.workspace import columns, project_of
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch
from meterbook.sql.steps import make_table

pytestmark = pytest.mark.long

MADE = (MODEL, "core.pool_cost", "core.pool_weight", "core.shared_cost")
POOLS = """\
pools:
- {{pool: measured, monthly_usd: {usd}, key: {{column: {column}}}, scope: {{provider: "a*"}}}}
- {{pool: stated, monthly_usd: {usd}, key: {{weights: the same}}}}
"""
NOBODY = ("unowned", "unallocated", "unassigned", None)
Rows = list[tuple[str | None, str, Decimal | None]]
whole = st.integers(-(10**3), 10**11).map(Decimal)
exact = st.integers(-(10**6), 10**16).map(lambda number: Decimal(number).scaleb(-6))


def _rows(values: st.SearchStrategy[Decimal]) -> st.SearchStrategy[Rows]:
    """Team, provider and value: of teams and of nobody, within the scope and outside it, known and unknown."""
    team = st.sampled_from(["red", "blue", "red", "blue", "it's", *NOBODY])
    return st.lists(st.tuples(team, st.sampled_from(["acme", "acme", "other"]), st.none() | values | values), min_size=1, max_size=9)


@pytest.mark.parametrize(("column", "values"), [("core.model_spend.output_tokens", whole), ("core.commitment_use.used", exact)])
def test_the_split_is_that_of_the_same_numbers_in_weights_csv(column: str, values: st.SearchStrategy[Decimal]) -> None:
    @examples(15)
    @given(_rows(values), st.integers(0, 10**12).map(lambda micro: Decimal(micro).scaleb(-6)))
    def holds(rows: Rows, usd: Decimal) -> None:
        with TemporaryDirectory() as folder, scratch() as con:
            parts = _parts(con, Path(folder), column, rows, usd)
        assert parts["measured"] == parts["stated"]
        assert sum(parts["measured"].values()) > 0 or usd < Decimal("0.000001")

    holds()


def _parts(con: duckdb.DuckDBPyConnection, folder: Path, column: str, rows: Rows, usd: Decimal) -> dict[str, dict[str, Decimal]]:
    book = _book(folder, column, rows, usd)
    project, (schema, table, name) = project_of(book), column.split(".")
    for one in sorted({one for model in MADE for one in project.models[model].inputs} - set(MADE)):
        empty_table(con, one, columns()[one])
    con.execute("insert into book.day by name select date '2026-10-02' as day, 31 as days_in_month, 2 as day_of_month")
    for one, frame in pool_tables(book).items():
        con.register("given", frame.to_arrow())
        con.execute(f"insert into {one} by name select * from given")
    insert = f"insert into {schema}.{table} (day, book_day, team, provider, {name}) values ('2026-10-03', '2026-10-02', ?, ?, ?)"
    for row in rows:
        con.execute(insert, row)
    con.execute("set variable from_day = date '2026-10-02'; set variable to_day = date '2026-10-03'")
    for one in MADE:
        make_table(con, project.models[one], one)
    parts: dict[str, dict[str, Decimal]] = {"measured": {}, "stated": {}}
    for pool, team, cost in con.execute("select pool, team, cost_usd from core.shared_cost").fetchall():
        parts[pool][team] = cost
    return parts


def _book(folder: Path, column: str, rows: Rows, usd: Decimal) -> Book:
    sums: dict[str, Decimal] = {}
    for team, provider, value in rows:
        if team is not None and team not in NOBODY and provider == "acme" and value is not None:
            sums[team] = sums.get(team, Decimal(0)) + value
    weights = "".join(f"the same,{team},{weight:f}\n" for team, weight in sums.items() if weight >= 0)
    (folder / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    (folder / "weights.csv").write_text(f"weights,team,weight\nthe same,nobody here,0\n{weights}", "utf-8")
    (folder / "allocation.yaml").write_text(POOLS.format(usd=f"{usd:f}", column=column), "utf-8")
    return Book(folder)
