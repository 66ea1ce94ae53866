"""Shared pools from allocation.yaml to the statement: what is wrong is said, what is right conserves every dollar."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from small import built, limited, make_small

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.workspace import Workspace

SETTINGS = """\
name: Acme
sources:
  - name: log
    path: "calls.jsonl"
    format: mapped
    mapping:
      kind: request
      columns: {started_at: at, model: model, provider: provider, input_tokens: input, output_tokens: output, team: team}
  - name: bill
    path: "bill.jsonl"
    format: mapped
    mapping:
      kind: charge
      columns: {starts_at: at, provider: provider, billed_cost: usd, charge_category: category, line_item: item}
"""
CARD = """\
provider: {provider}
models:
  m:
    rates: [{{starts_on: 2026-01-01, input: 1, output: 4, source: x, checked_on: 2026-01-01}}]
"""
POOLS = """\
pools:
- {pool: staff, monthly_usd: 310, key: {weights: headcount}, passes: {gateway: 0.2}}
- {pool: gateway, monthly_usd: 31, key: requests, cap_share: 0.5}
- {pool: taxes, lines: [Tax], basis: bill of acme, key: cost, scope: {provider: acme}}
- {pool: credits, lines: [Cred*], basis: bill of acme, corrects: taxes}
"""
WEIGHTS = "weights,team,weight,starts_on,ends_on\nheadcount,red,3,,\nheadcount,blue,1,,2026-10-02\nheadcount,blue,2,2026-10-02,\n"
CALLS = [
    ("2026-10-01T03:00:00Z", "red", "acme", 1_000_000),
    ("2026-10-01T04:00:00Z", "red", "other", 5_000_000),
    ("2026-10-01T05:00:00Z", "red", "acme", 2_000_000),
    ("2026-10-01T05:00:00Z", "blue", "acme", 1_000_000),
    ("2026-10-02T05:00:00Z", None, "acme", 1_000_000),
]
BILL = [("Usage", "tokens", "4.00"), ("Tax", "Sales tax", "0.80"), ("Credit", "Promotion", "-2.00")]


def _write(folder: Path, pools: str = POOLS, weights: str = WEIGHTS) -> Path:
    (folder / "inbox").mkdir(parents=True)
    (folder / "rate_cards").mkdir()
    (folder / "meterbook.yaml").write_text(SETTINGS, "utf-8")
    (folder / "allocation.yaml").write_text(pools, "utf-8")
    (folder / "weights.csv").write_text(weights, "utf-8")
    for provider in ("acme", "other"):
        (folder / f"rate_cards/{provider}.yaml").write_text(CARD.format(provider=provider), "utf-8")
    calls = [
        {"at": at, "team": team, "provider": provider, "model": "m", "input": tokens, "output": 0} for at, team, provider, tokens in CALLS
    ]
    bill = [{"at": "2026-10-01", "provider": "acme", "usd": usd, "category": kind, "item": item} for kind, item, usd in BILL]
    for name, rows in (("calls", calls), ("bill", bill)):
        (folder / f"inbox/{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        asked = limited(Workspace(_write(tmp_path_factory.mktemp("shared") / "book")), "core.allocation", "marts.conservation")
        with built(asked).catalog.connect() as found:
            yield found


def _lines(con: duckdb.DuckDBPyConnection, day: str, like: str) -> list[tuple[str, str, str, str]]:
    query = "select line, basis, team, cost_usd from core.allocation where day = ? and line like ? order by all"
    return [(line, basis, team, f"{usd.normalize():f}") for line, basis, team, usd in con.execute(query, [day, like]).fetchall()]


def test_every_shared_line_names_its_key_and_the_pool_it_came_through(con: duckdb.DuckDBPyConnection) -> None:
    assert _lines(con, "2026-10-01", "Shared: %") == [
        ("Shared: credits", "Credit by cost of model usage (provider acme)", "blue", "-0.5"),
        ("Shared: credits", "Credit by cost of model usage (provider acme)", "red", "-1.5"),
        ("Shared: gateway", "by requests", "blue", "0.5"),
        ("Shared: gateway", "by requests", "red", "0.5"),
        ("Shared: gateway", "by requests, through staff", "blue", "1"),
        ("Shared: gateway", "by requests, through staff", "red", "1"),
        ("Shared: staff", "by headcount", "blue", "2"),
        ("Shared: staff", "by headcount", "red", "6"),
        ("Shared: taxes", "Tax by cost of model usage (provider acme)", "blue", "0.2"),
        ("Shared: taxes", "Tax by cost of model usage (provider acme)", "red", "0.6"),
    ]


def test_a_measure_of_the_book_holds_from_its_day_on_and_a_day_without_use_stays_unallocated(con: duckdb.DuckDBPyConnection) -> None:
    assert _lines(con, "2026-10-02", "Shared: %") == [
        ("Shared: gateway", "by requests", "unallocated", "1"),
        ("Shared: gateway", "by requests, through staff", "unallocated", "2"),
        ("Shared: staff", "by headcount", "blue", "3.2"),
        ("Shared: staff", "by headcount", "red", "4.8"),
    ]


def test_what_pools_took_is_on_no_other_line_and_every_day_conserves(con: duckdb.DuckDBPyConnection) -> None:
    assert _lines(con, "2026-10-01", "Tax") == _lines(con, "2026-10-01", "Credit") == []
    days = con.execute(
        "select day, shared_usd, taken_usd, split_usd, allocated_usd, difference_usd from marts.conservation order by 1"
    ).fetchall()
    assert [tuple(map(Decimal, row[1:])) for row in days] == [
        (Decimal(11), Decimal("-1.2"), Decimal("9.8"), Decimal("18.8"), Decimal(0)),
        (Decimal(11), Decimal(0), Decimal(11), Decimal(12), Decimal(0)),
    ]


def test_the_tables_of_a_book_have_the_declared_columns_and_patterns(tmp_path: Path) -> None:
    tables = tables_of(Book(_write(tmp_path / "book")))
    pools = tables["book.pool"].to_dicts()
    assert [(row["place"], row["pool"], row["allocation_key"], row["weights"]) for row in pools] == [
        (1, "staff", "weights", "headcount"),
        (2, "gateway", "requests", None),
        (3, "taxes", "cost", None),
        (4, "credits", "cost", None),
    ]
    assert [(row["provider"], row["is_scoped"]) for row in pools] == [("%", False), ("%", False), ("acme", True), ("acme", True)]
    assert tables["book.pool_line"].rows() == [(3, "Tax"), (4, "Cred%")]


@pytest.mark.parametrize(
    ("pools", "says"),
    [
        ("- {pool: a, key: even}", "either `monthly_usd:` or `lines:`"),
        ("- {pool: a, monthly_usd: 1, lines: [Tax], key: even}", "either `monthly_usd:` or `lines:`"),
        ("- {pool: a, monthly_usd: 1, basis: x, key: even}", "`basis:` belongs to `lines:`"),
        ("- {pool: a, monthly_usd: 1}", "either `key:` or `corrects:`"),
        ("- {pool: a, monthly_usd: 1, key: seats}", "no such key"),
        ("- {pool: a, monthly_usd: 1, key: {weights: seats}}", "no weights 'seats'; there are headcount"),
        ("- {pool: a, monthly_usd: 1, key: even, shares: {red: 1}}", "belong to `key: fixed`"),
        ("- {pool: a, monthly_usd: 1, key: even, scope: {model: m}}", "nothing that `key: even` can be measured within"),
        ("- {pool: a, monthly_usd: 1, key: gpu_hours, scope: {model: m}}", "nothing that `key: gpu_hours` can be measured within"),
        ("- {pool: a, monthly_usd: 1, key: even, passes: {b: 0.5}}", "passes to 'b', which does not come after it"),
        (
            "- {pool: a, monthly_usd: 1, key: even, passes: {b: 0.5}}\n- {pool: b, monthly_usd: 1, key: even, passes: {a: 0.5}}",
            "'b' passes to 'a', which does not come after it",
        ),
        ("- {pool: a, monthly_usd: 1, key: even, passes: {b: 0.7, c: 0.7}}", "sum to more than 1"),
        ("- {pool: a, lines: [Credit], corrects: b}\n- {pool: b, monthly_usd: 1, key: even}", "corrects 'b', which is no pool before it"),
        ("- {pool: a, monthly_usd: 1, key: even}\n- {pool: a, monthly_usd: 2, key: even, starts_on: 2026-10-01}", "overlaps the one until"),
        ("- {pool: a, monthly_usd: 0.1234567, key: even}", "monthly_usd"),
        ("- {pool: =a, monthly_usd: 1, key: even}", "pool"),
        ("- {pool: a, monthly_usd: 1, key: even, cap: 1}", "cap"),
    ],
)
def test_a_wrong_pool_is_an_error_of_the_book_that_says_what_to_do(tmp_path: Path, pools: str, says: str) -> None:
    with pytest.raises(BookError, match=r"allocation\.yaml") as error:
        Book(_write(tmp_path / "book", f"pools:\n{pools}\n"))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_credit_of_a_pool_whose_key_changed_needs_an_entry_for_each(tmp_path: Path) -> None:
    pools = """pools:
- {pool: plan, monthly_usd: 1, key: even, ends_on: 2026-10-01}
- {pool: plan, monthly_usd: 1, key: requests, starts_on: 2026-10-01}
- {pool: credit, lines: [Credit], corrects: plan, starts_on: 2026-09-01}
"""
    with pytest.raises(BookError, match="whose key changes in those days"):
        Book(_write(tmp_path / "book", pools))
    split = pools.replace("corrects: plan, starts_on: 2026-09-01", "corrects: plan, starts_on: 2026-10-01")
    assert Book(_write(tmp_path / "split", split)).pools[-1].key == "requests"


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ("weights,team,weight\nheadcount,red,-1\n", "weights.csv:2: weight"),
        ("weights,team,weight\nheadcount,red,many\n", "weights.csv:2: weight"),
        ("weights,team,weight\nheadcount,=red,1\n", "weights.csv:2: team"),
        ("weights,team,count\nheadcount,red,1\n", "weights.csv:1: the columns are starts_on,ends_on,weights,team,weight"),
        ("weights,team,weight\nheadcount,red,1\nheadcount,red,2\n", "weights.csv:3: headcount of red"),
    ],
)
def test_wrong_weights_are_an_error_that_names_the_line(tmp_path: Path, weights: str, says: str) -> None:
    with pytest.raises(BookError) as error:
        Book(_write(tmp_path / "book", weights=weights))
    assert says in str(error.value)
