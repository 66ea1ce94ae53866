"""What must always hold when money is split, whatever the amounts."""

from decimal import ROUND_HALF_UP, Decimal

from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

AMOUNT = st.decimals(min_value=-100_000, max_value=1_000_000, places=12, allow_nan=False, allow_infinity=False)
CENT = Decimal("0.01")


def _run(model: str, rows: dict[str, list[dict[str, object]]]) -> list[tuple[Decimal, ...]]:
    found = project().models[model]
    with scratch() as con:
        for name in found.inputs:
            empty_table(con, name, columns()[name])
            for row in rows.get(name, []):
                values = ", ".join(f"cast(? as {columns()[name][column]})" for column in row)
                con.execute(f"insert into {name} ({', '.join(row)}) values ({values})", [str(value) for value in row.values()])
        con.execute("set variable from_day = date '2026-10-01'; set variable to_day = date '2026-11-01'")
        wanted = "cost_usd, posted_usd" if model == "marts.chargeback" else "cost_usd"
        return con.execute(f"select {wanted} from ({found.sql})").fetchall()


@examples(15)
@given(st.lists(AMOUNT, min_size=1, max_size=12))
def test_posted_cents_sum_to_the_rounded_total_and_no_line_moves_by_a_cent(amounts: list[Decimal]) -> None:
    lines = [
        {"day": "2026-10-02", "line": "Model usage", "basis": "b", "team": f"t{n}", "cost_centre": "c", "cost_usd": amount}
        for n, amount in enumerate(amounts)
    ]
    posted = _run("marts.chargeback", {"core.allocation": lines, "book.day": [{"day": "2026-10-02", "period": "2026-10"}]})
    total = sum(amounts, Decimal(0))
    # Half a cent is rounded up, also below zero: towards the larger number.
    expected = (total + Decimal(10_000_000)).quantize(CENT, ROUND_HALF_UP) - Decimal(10_000_000)
    assert sum((cents for _, cents in posted), Decimal(0)) == expected
    assert all(abs(cents - cost) < CENT for cost, cents in posted)


@examples(15)
@given(
    st.decimals(min_value=0, max_value=10_000_000, places=6, allow_nan=False, allow_infinity=False),
    st.lists(st.decimals(min_value=0, max_value=100_000, places=12, allow_nan=False, allow_infinity=False), min_size=1, max_size=9),
    st.sampled_from(["cost", "tokens", "requests", "even"]),
)
def test_a_shared_pool_is_split_without_a_rest_whatever_the_weights(monthly: Decimal, costs: list[Decimal], key: str) -> None:
    days = [{"day": f"2026-10-{day:02d}", "days_in_month": 31, "day_of_month": day} for day in range(1, 32)]
    spent = [
        {"day": one["day"], "team": f"t{n}", "requests": n, "input_tokens": n * n, "cache_read_tokens": 0, "cache_write_tokens": 0,
         "output_tokens": 1, "cost_usd": cost}
        for one in days[:3] for n, cost in enumerate(costs)
    ]  # fmt: skip
    pool = {"pool": "p", "starts_on": "2026-01-01", "ends_on": "9999-12-31", "monthly_usd": monthly, "allocation_key": key}
    parts = _run("core.shared_cost", {"book.day": days, "book.pool": [pool], "core.model_spend": spent})
    assert sum((cost for (cost,) in parts), Decimal(0)) == monthly
    assert all(cost >= 0 for (cost,) in parts)
