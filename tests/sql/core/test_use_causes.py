"""What must always hold when a bill is explained: the causes of a cell sum to its difference, whatever was billed and computed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import define_macros, empty_table

FIRST = date(2026, 10, 1)
PICO = Decimal("1E-12")
GIVEN = (
    "core.billed_use", "core.computed_use", "core.token_price", "core.repeated_call", "core.reported_use", "core.adjustment", "book.day",
)  # fmt: skip
CHAIN = (
    "core.use_key", "core.use_side", "core.use_gap", "core.use_evidence", "core.use_claim", "core.use_move", "core.use_cause",
    "marts.reconciliation_cause", "marts.reconciliation_cell",
)  # fmt: skip
METERS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
Row = dict[str, Any]
Con = duckdb.DuckDBPyConnection

DAY = st.integers(0, 3).map(lambda days: FIRST + timedelta(days))
KEY = st.sampled_from(["", "alpha", "beta"])
TIER = st.sampled_from(["standard", "batch", "flex"])
TOKENS = st.integers(0, 50) | st.integers(0, 10**12)
MONEY = st.decimals(min_value=-1000, max_value=1_000_000, places=12)
CELL = {"day": DAY, "provider": st.just("openai"), "model": st.sampled_from(["gpt-5", "mini"]), "project_id": KEY, "served_tier": TIER}
BILLED = st.fixed_dictionaries(
    {
        **CELL, "meter": st.sampled_from([*METERS, "other"]), "kind": st.sampled_from(["use", "use", "late", "correction", "credit", "count"]),
        "days": st.integers(1, 40), "lines": st.integers(1, 3), "tokens": TOKENS | st.none(), "billed_usd": MONEY, "fx": MONEY | st.just(Decimal(0)),
        "bound_pico": st.sampled_from([0, 500_000, 5_000_000_000]),
    }
)  # fmt: skip
COMPUTED = st.fixed_dictionaries(
    {
        **CELL, "meter": st.sampled_from([*METERS, "other"]), "kind": st.sampled_from(["answered", "failed", "not billed", "free", "usage"]),
        "back": st.sampled_from([0, 0, 0, 1]), "tokens": TOKENS, "computed_usd": MONEY,
    }
)  # fmt: skip
AGAIN = st.fixed_dictionaries({**CELL, "meter": st.sampled_from(METERS), "seen": st.sampled_from(["copies", "logs"]), "tokens": TOKENS})
SAID = st.fixed_dictionaries(
    {**{name: of for name, of in CELL.items() if name != "served_tier"}, "cause": st.sampled_from(["price drift", "unexplained"]),
     "reported_usd": MONEY, "computed_usd": MONEY}
)  # fmt: skip
PRICES = st.dictionaries(st.tuples(st.sampled_from(["gpt-5", "mini"]), TIER, st.sampled_from(METERS)), st.integers(0, 10**9), max_size=20)


@pytest.fixture(scope="module")
def con() -> Iterator[Con]:
    with duckdb.connect() as found:
        define_macros(found)
        found.execute("set variable from_day = date '2026-10-01'; set variable to_day = date '2026-11-01'")
        for name in (*GIVEN, *CHAIN):
            empty_table(found, name, columns()[name])
        yield found


def _put(con: Con, name: str, rows: Sequence[Row]) -> None:
    con.execute(f"delete from {name}")
    for row in rows:
        values = ", ".join(f"cast(? as {columns()[name][column]})" for column in row)
        texts = [None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value) for value in row.values()]
        con.execute(f"insert into {name} ({', '.join(row)}) values ({values})", texts)


def explained(con: Con, rows: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
    """Every table of the chain that follows from some rows, each checked by its own rules."""
    for name in GIVEN:
        _put(con, name, rows.get(name, []))
    days = [{"day": FIRST + timedelta(n), "period": "2026-10"} for n in range(31)]
    _put(con, "book.day", [{"day": FIRST - timedelta(1), "period": "2026-09"}, *days])
    found = {}
    for name in CHAIN:
        model = project().models[name]
        con.execute(f"delete from {name}; insert into {name} by name {model.sql}")
        for rule in model.header.must:
            assert con.execute(f"select * from {name} where ({rule}) is not true").fetchall() == [], (name, rule)
        keys = ", ".join(model.header.key)
        assert con.execute(f"select {keys} from {name} group by {keys} having count(*) > 1").fetchall() == [], name
        found[name] = con.sql(f"select * from {name}").pl().to_dicts()
    return found


def _merged(rows: Sequence[Row], *sums: str) -> list[Row]:
    """Rows with one for each key, as the models give them."""
    found: dict[tuple[object, ...], Row] = {}
    for row in rows:
        key = tuple(value for name, value in row.items() if name not in sums)
        known = found.setdefault(key, {**row, **dict.fromkeys(sums, None)})
        for name in sums:
            if row[name] is not None:
                known[name] = (known[name] or 0) + row[name]
    return list(found.values())


def _billed(row: Row) -> Row:
    has_tokens = row["tokens"] is not None and row["meter"] != "other"
    is_count = row["kind"] == "count"
    ends_on = row["day"] + timedelta(1 if row["days"] < 35 else 3)
    money = {"billed_usd": None if is_count else row["billed_usd"], "stated_usd": None if is_count else row["billed_usd"] - row["fx"]}
    kept = {name: row[name] for name in ("day", "provider", "model", "project_id", "served_tier", "meter", "kind")}
    return {
        **kept, "key_id": "", "ends_on": ends_on, "until_on": ends_on, "lines": row["lines"], "token_lines": row["lines"] if has_tokens else 0,
        "tokens": row["tokens"] if has_tokens or is_count else None, **money, "bound_pico": row["bound_pico"],
    }  # fmt: skip


def _computed(row: Row) -> Row:
    kept = {name: value for name, value in row.items() if name != "back"}
    tokens = None if row["meter"] == "other" else row["tokens"]
    return {**kept, "billed_day": row["day"] - timedelta(row["back"]), "key_id": "", "error_class": "", "tokens": tokens}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(BILLED, max_size=12), st.lists(COMPUTED, max_size=12), st.lists(AGAIN, max_size=3), st.lists(SAID, max_size=3), PRICES)
def test_the_causes_of_a_cell_sum_to_its_difference_whatever_was_billed_and_computed(
    con: Con, billed: list[Row], computed: list[Row], again: list[Row], said: list[Row], prices: dict[tuple[str, str, str], int]
) -> None:
    lines = _merged([_billed(row) for row in billed], "lines", "token_lines", "tokens", "billed_usd", "stated_usd", "bound_pico")
    uses = _merged([_computed(row) for row in computed], "tokens", "computed_usd")
    tables = {
        "core.billed_use": lines,
        "core.computed_use": uses,
        "core.repeated_call": _merged([{**row, "key_id": ""} for row in again], "tokens"),
        "core.reported_use": _merged([{**row, "key_id": ""} for row in said], "reported_usd", "computed_usd"),
        "core.token_price": [
            {"day": FIRST + timedelta(n), "provider": "openai", "model": model, "served_tier": tier, "meter": meter, "pico": pico}
            for n in range(4)
            for (model, tier, meter), pico in prices.items()
        ],
    }
    found = explained(con, tables)
    causes, cells = found["marts.reconciliation_cause"], found["marts.reconciliation_cell"]
    # All that was billed stands in some cell, whatever became of it.
    assert sum((row["billed_usd"] or 0 for row in cells), Decimal(0)) == sum((row["billed_usd"] or 0 for row in lines), Decimal(0))
    covered = {
        row["day"] + timedelta(n) for row in lines if row["kind"] in {"use", "late"} for n in range((row["ends_on"] - row["day"]).days)
    }
    held = sum(
        (row["computed_usd"] for row in uses if row["day"] in covered and row["kind"] in {"answered", "failed", "usage"}), Decimal(0)
    )
    assert sum((row["held_against_bill_usd"] or 0 for row in cells), Decimal(0)) == held
    for comparison, difference in (
        ("billed - computed", "billed_minus_computed_usd"),
        ("reported - computed", "reported_minus_computed_usd"),
    ):
        named = sum((row["amount_usd"] for row in causes if row["comparison"] == comparison), Decimal(0))
        assert named == sum((row[difference] or 0 for row in cells), Decimal(0))
