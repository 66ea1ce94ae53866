"""What must always hold when money is split, whatever the amounts."""

from decimal import ROUND_HALF_UP, Decimal

from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from rows import insert

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
            insert(con, name, columns()[name], rows.get(name, []))
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
@given(st.decimals(min_value=0, max_value=10_000_000, places=6, allow_nan=False, allow_infinity=False))
def test_the_days_of_a_month_sum_to_the_amount_of_a_pool(monthly: Decimal) -> None:
    days = [{"day": f"2026-10-{day:02d}", "days_in_month": 31, "day_of_month": day} for day in range(1, 32)]
    pool = {"place": 1, "pool": "p", "starts_on": "2026-01-01", "ends_on": "9999-12-31", "monthly_usd": monthly}
    parts = _run("core.pool_cost", {"book.day": days, "book.pool": [pool]})
    assert sum((cost for (cost,) in parts), Decimal(0)) == monthly
    assert max(parts)[0] - min(parts)[0] <= Decimal("0.000000000001")
