"""What must always hold when a bill is explained: the causes of a cell sum to its difference, whatever was billed and computed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from examples import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from rows import insert

from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

pytestmark = pytest.mark.long

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
TOKENS = st.integers(0, 50) | st.integers(0, 10**12) | st.just(10**12)
MONEY = st.decimals(min_value=-1000, max_value=1_000_000, places=12)
CELL = {"day": DAY, "provider": st.just("openai"), "model": st.sampled_from(["gpt-5", "mini"]), "project_id": KEY, "served_tier": TIER}
BILLED = st.fixed_dictionaries(
    {
        **CELL,
        "meter": st.sampled_from([*METERS, "other"]),
        "kind": st.sampled_from(["use", "use", "late", "correction", "credit", "count"]),
        "days": st.integers(1, 40),
        "lines": st.integers(1, 3),
        "tokens": TOKENS | st.none(),
        "billed_usd": MONEY,
        "fx": MONEY | st.just(Decimal(0)),
        "bound_pico": st.sampled_from([0, 500_000, 5_000_000_000]),
    }
)
COMPUTED = st.fixed_dictionaries(
    {
        **CELL,
        "meter": st.sampled_from([*METERS, "other"]),
        "kind": st.sampled_from(["answered", "failed", "not billed", "free", "usage"]),
        "back": st.sampled_from([0, 0, 0, 1]),
        "tokens": TOKENS,
        "computed_usd": MONEY,
    }
)
AGAIN = st.fixed_dictionaries({**CELL, "meter": st.sampled_from(METERS), "seen": st.sampled_from(["copies", "logs"]), "tokens": TOKENS})
SAID = st.fixed_dictionaries(
    {**{name: of for name, of in CELL.items() if name != "served_tier"}, "cause": st.sampled_from(["price drift", "unexplained"]),
     "reported_usd": MONEY, "computed_usd": MONEY}
)  # fmt: skip
PRICES = st.dictionaries(
    st.tuples(st.sampled_from(["gpt-5", "mini"]), TIER, st.sampled_from(METERS)), st.integers(0, 10**9) | st.just(10**9), max_size=20
)
SIDES = st.fixed_dictionaries(
    {
        "billed": st.lists(BILLED, max_size=12),
        "computed": st.lists(COMPUTED, max_size=12),
        "again": st.lists(AGAIN, max_size=3),
        "said": st.lists(SAID, max_size=3),
    }
)


@pytest.fixture(scope="module")
def con() -> Iterator[Con]:
    with scratch() as found:
        found.execute("set variable from_day = date '2026-10-01'; set variable to_day = date '2026-11-01'")
        for name in (*GIVEN, *CHAIN):
            empty_table(found, name, columns()[name])
        yield found


def _put(con: Con, name: str, rows: Sequence[Row]) -> None:
    con.execute(f"delete from {name}")
    insert(con, name, columns()[name], rows)


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
        **kept,
        "key_id": "",
        "ends_on": ends_on,
        "until_on": ends_on,
        "lines": row["lines"],
        "token_lines": row["lines"] if has_tokens else 0,
        "tokens": row["tokens"] if has_tokens or is_count else None,
        **money,
        "bound_pico": row["bound_pico"],
    }


def _computed(row: Row) -> Row:
    kept = {name: value for name, value in row.items() if name != "back"}
    tokens = None if row["meter"] == "other" else row["tokens"]
    return {**kept, "billed_day": row["day"] - timedelta(row["back"]), "key_id": "", "error_class": "", "tokens": tokens}


@examples(15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SIDES, PRICES)
def test_the_causes_of_a_cell_sum_to_its_difference_whatever_was_billed_and_computed(
    con: Con, sides: dict[str, list[Row]], prices: dict[tuple[str, str, str], int]
) -> None:
    lines = _merged([_billed(row) for row in sides["billed"]], "lines", "token_lines", "tokens", "billed_usd", "stated_usd", "bound_pico")
    uses = _merged([_computed(row) for row in sides["computed"]], "tokens", "computed_usd")
    tables = {
        "core.billed_use": lines,
        "core.computed_use": uses,
        "core.repeated_call": _merged([{**row, "key_id": ""} for row in sides["again"]], "tokens"),
        "core.reported_use": _merged([{**row, "key_id": ""} for row in sides["said"]], "reported_usd", "computed_usd"),
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


def _place(**more: Any) -> Row:
    return {"day": FIRST, "provider": "openai", "model": "gpt-5", "served_tier": "standard", "project_id": "p", "key_id": "", **more}


def _line(meter: str, tokens: int, usd: str, **more: Any) -> Row:
    ends_on = more.pop("ends_on", FIRST + timedelta(1))
    said = {"meter": meter, "kind": "use", "ends_on": ends_on, "until_on": ends_on, "lines": 1, "token_lines": 1, "tokens": tokens}
    return _place(**said, billed_usd=Decimal(usd), stated_usd=Decimal(usd), bound_pico=0, line_item=f"gpt-5, {meter}", **more)


def _use(meter: str, tokens: int, usd: str, **more: Any) -> Row:
    said = {"billed_day": FIRST, "kind": "answered", "error_class": "", **more}
    return _place(meter=meter, tokens=tokens, computed_usd=Decimal(usd), **said)


def _card(days: int = 1) -> list[Row]:
    prices = {"input": 1_250_000, "cache_read": 125_000, "output": 10_000_000}
    named = [{name: value for name, value in _place(day=FIRST + timedelta(n)).items() if not name.endswith("_id")} for n in range(days)]
    return [{**one, "meter": meter, "pico": pico} for one in named for meter, pico in prices.items()]


def _causes(found: Mapping[str, list[Row]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in found["marts.reconciliation_cause"]:
        sums[row["cause"]] = sums.get(row["cause"], Decimal(0)) + row["amount_usd"]
    return sums


def test_the_example_of_the_documentation_comes_out_as_it_says(con: Con) -> None:
    found = explained(
        con,
        {
            "core.token_price": _card(),
            "core.billed_use": [_line("input", 11_000_000, "13.75"), _line("output", 500_000, "5.25")],
            "core.computed_use": [_use("input", 8_000_000, "10"), _use("cache_read", 2_000_000, "0.25"), _use("output", 500_000, "5")],
        },
    )
    assert _causes(found) == {"price drift": Decimal("0.25"), "cache convention": Decimal("2.25"), "not logged": Decimal("1.25")}
    [cell] = found["marts.reconciliation_cell"]
    assert (cell["billed_usd"], cell["computed_usd"], cell["billed_minus_computed_usd"]) == (19, Decimal("15.25"), Decimal("3.75"))


def test_a_bill_of_one_line_a_month_is_held_against_the_month_and_its_days_cancel(con: Con) -> None:
    days = [FIRST + timedelta(n) for n in range(3)]
    uses = [_use("input", 1_000_000, "1.25", day=day, billed_day=day) for day in days]
    lines = [_line("input", 3_000_000, "3.75", ends_on=date(2026, 11, 1))]
    found = explained(con, {"core.token_price": _card(3), "core.billed_use": lines, "core.computed_use": uses})
    assert _causes(found) == {"time zone": Decimal(0)}
    assert [row["billed_minus_computed_usd"] for row in sorted(found["marts.reconciliation_cell"], key=lambda row: row["day"])] == [
        Decimal("2.5"), Decimal("-1.25"), Decimal("-1.25"),
    ]  # fmt: skip


def test_a_bill_whose_days_end_at_another_hour_is_compared_hour_by_hour(con: Con) -> None:
    # Hours before eight are those of the day before: 400,000 tokens of each day's million.
    days = [FIRST + timedelta(n) for n in range(2)]
    early = [_use("input", 400_000, "0.5", day=day, billed_day=day - timedelta(1)) for day in days]
    rest = [_use("input", 600_000, "0.75", day=day, billed_day=day) for day in days]
    lines = [_line("input", 1_000_000, "1.25", day=days[0]), _line("input", 600_000, "0.75", day=days[1], ends_on=days[1] + timedelta(1))]
    found = explained(con, {"core.token_price": _card(2), "core.billed_use": lines, "core.computed_use": [*early, *rest]})
    assert _causes(found) == {"time zone": Decimal("-0.5")}


def test_what_only_one_side_has_is_not_logged_or_not_billed_with_its_tokens(con: Con) -> None:
    found = explained(
        con,
        {
            "core.token_price": _card(),
            "core.billed_use": [{**_line("input", 100, "0.000125"), "project_id": "shadow"}, _line("output", 1, "0.00001")],
            "core.computed_use": [_use("output", 1, "0.00001"), _use("output", 5, "0.00005", project_id="lost")],
        },
    )
    rows = {row["key"]: (row["cause"], row["tokens"], row["amount_usd"]) for row in found["marts.reconciliation_cause"]}
    assert rows == {"shadow": ("not logged", 100, Decimal("0.000125")), "lost": ("logged, not billed", -5, Decimal("-0.00005"))}
