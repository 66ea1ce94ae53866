"""Operations and attempts are two grains of the same money, whatever was retried, fell back, failed or has no price."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

MODEL = project().models["marts.attempt_use"]
COST = st.none() | st.decimals(min_value=0, max_value=1000, places=12, allow_nan=False, allow_infinity=False)
ATTEMPT = st.fixed_dictionaries(
    {
        "day": st.sampled_from(["2026-10-02", "2026-10-03"]),
        "operation_id": st.sampled_from(["a", "b", "c", "d"]),
        "attempt": st.integers(1, 4),
        "provider": st.sampled_from([None, "openai", "anthropic"]),
        "model": st.sampled_from(["m", "n"]),
        "feature": st.sampled_from([None, "chat"]),
        "status": st.sampled_from(["success", "failure"]),
        "is_cache_hit": st.booleans(),
        "cost_usd": COST,
    }
)
FIGURES = (
    "day, operations, attempts, operation_cost_usd, cost_usd, first_attempt_cost_usd, repeated_attempt_cost_usd, failed_attempt_cost_usd"
)


def _used(attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with scratch() as con:
        for name in MODEL.inputs:
            empty_table(con, name, columns()[name])
        for number, row in enumerate(attempts):
            told = {**row, "request_id": f"r{number}", "book_day": row["day"], "started_at": f"{row['day']} 10:00:{number:02d}"}
            con.execute(f"insert into core.request_cost ({', '.join(told)}) values ({', '.join('?' * len(told))})", list(told.values()))
        con.execute("set variable from_day = date '2026-10-02'; set variable to_day = date '2026-10-04'")
        rows = con.execute(f"select {FIGURES} from ({MODEL.sql})").fetchall()
        return [dict(zip(FIGURES.split(", "), row, strict=True)) for row in rows]


@examples(20)
@given(st.lists(ATTEMPT, max_size=14))
def test_a_days_operations_cost_what_its_attempts_cost_to_the_last_digit(attempts: list[dict[str, Any]]) -> None:
    found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in _used(attempts):
        for name, value in row.items():
            if name != "day":
                found[str(row["day"])][name] += value or 0
    for day in {row["day"] for row in attempts}:
        made = [row for row in attempts if row["day"] == day]
        costs = [row["cost_usd"] or Decimal(0) for row in made]
        repeated = sum((cost for cost, row in zip(costs, made, strict=True) if row["attempt"] > 1), Decimal(0))
        assert found[day] == {
            "operations": len({row["operation_id"] for row in made}),
            "attempts": len(made),
            "operation_cost_usd": sum(costs),
            "cost_usd": sum(costs),
            "first_attempt_cost_usd": sum(costs) - repeated,
            "repeated_attempt_cost_usd": repeated,
            "failed_attempt_cost_usd": sum(cost for cost, row in zip(costs, made, strict=True) if row["status"] == "failure"),
        }
