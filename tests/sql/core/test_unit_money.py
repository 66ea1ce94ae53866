"""What must always hold for the cost that units of value bear: no dollar is lost or told twice, failures and retries stay in it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.long

Rows = list[dict[str, object]]
Chain = Callable[..., dict[str, Rows]]
FIRST, AFTER = date(2026, 10, 1), date(2026, 10, 4)
DAYS = [FIRST + timedelta(days) for days in range(3)]
SPREAD = ("core.feature_cost", "core.feature_share", "core.loaded_cost")
LOADED = (*SPREAD, "core.unit_bearer", "core.unit_share", "core.unit_spend", "marts.unit_cost")
PICO = Decimal("0.000000000001")
MONEY = st.integers(-(10**15), 10**15).map(lambda pico: pico * PICO)
POSITIVE = st.integers(0, 10**15).map(lambda pico: pico * PICO)
NAMES = st.sampled_from(["(none)", "a", "b"])
LINE = st.tuples(st.sampled_from(["Model usage", "GPU used", "GPU free idle", "Shared: x", "Tax"]), NAMES, NAMES, NAMES)
OWNERS = st.sampled_from(["a", "b", "c", "a 1 + b 2"])
CELL = st.tuples(st.sampled_from(DAYS), OWNERS, NAMES, NAMES, NAMES, NAMES)
SPEND = st.dictionaries(CELL, st.tuples(POSITIVE, st.integers(1, 9)), max_size=9)
COUNT = st.dictionaries(
    st.tuples(st.sampled_from(DAYS), st.sampled_from(["one", "two", "new", "all"]), NAMES), st.integers(1, 9), max_size=6
)
UNITS: Rows = [{"unit": "one", "is_part": True}, {"unit": "two", "is_part": True}, {"unit": "all", "is_part": False}]
SHARES: Rows = [{"owner": "a 1 + b 2", "team": "a", "weight": 1}, {"owner": "a 1 + b 2", "team": "b", "weight": 2}]
SCOPES: Rows = [
    {"unit": "one", "field": "feature", "pattern": "a"},
    {"unit": "two", "field": "feature", "pattern": "%"},
    {"unit": "two", "field": "tenant", "pattern": "b"},
]


def _by_day(rows: Iterable[Mapping[str, object]], column: str = "cost_usd") -> dict[object, Decimal]:
    sums: dict[object, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["day"]] += Decimal(str(row[column]))
    return {day: cost for day, cost in sums.items() if cost}


@examples(5)
@given(st.dictionaries(st.tuples(st.sampled_from(DAYS), LINE), MONEY, max_size=12), SPEND, COUNT)
def test_units_and_what_no_unit_bears_cost_exactly_what_the_day_costs(
    chain: Chain,
    lines: dict[tuple[date, tuple[str, str, str, str]], Decimal],
    spend: dict[tuple[date, str, str, str, str, str], tuple[Decimal, int]],
    counts: dict[tuple[date, str, str], int],
) -> None:
    allocation: Rows = [
        # Work costs something or nothing; what is shared may be a credit.
        {"day": day, "line": line, "team": team, "tenant": tenant, "feature": feature, "cost_usd": abs(cost) if line in _WORK else cost}
        for (day, (line, team, tenant, feature)), cost in lines.items()
    ]
    keys = ("team", "tenant", "feature", "model", "experiment_arm")
    given_tables = {
        "core.allocation": allocation,
        "core.feature_spend": [
            {"day": day, "book_day": day, "environment": "e", **dict(zip(keys, rest, strict=True)), "cost_usd": cost, "requests": requests}
            | {"successes": 0}
            for (day, *rest), (cost, requests) in spend.items()
        ],
        "core.unit_count": [
            {
                "day": day,
                "unit": unit,
                "feature": feature,
                "tenant": "a",
                "model": "a",
                "experiment_arm": "a",
                "units": units,
                "successes": 0,
            }
            for (day, unit, feature), units in counts.items()
        ],
        "book.unit": UNITS,
        "book.unit_scope": SCOPES,
        "book.owner_share": SHARES,
    }
    made = chain(given_tables, LOADED, FIRST, AFTER)
    whole = _by_day(allocation)
    assert _by_day(made["core.feature_cost"]) == whole
    assert _by_day(made["core.loaded_cost"]) == whole
    assert _by_day(row for row in made["core.unit_spend"] if row["is_part"]) == whole
    assert _by_day(row for row in made["marts.unit_cost"] if row["is_part"]) == whole
    assert _by_day(row for row in made["core.unit_spend"] if row["unit"] == "all") == whole
    alone = chain(given_tables, LOADED, DAYS[1], DAYS[2])["marts.unit_cost"]
    assert _sorted(alone) == _sorted([row for row in made["marts.unit_cost"] if row["day"] == DAYS[1]])


_WORK = ("Model usage", "GPU used")
CALLS = st.lists(st.tuples(st.sampled_from(DAYS), st.sampled_from("xyz"), st.sampled_from("st"), st.booleans(), POSITIVE), max_size=12)
OUTCOMES = st.lists(
    st.tuples(st.sampled_from(DAYS), st.sampled_from(["one", "two", "all"]), st.sampled_from("xyw"), st.sampled_from("stu")), max_size=6
)


@examples(5)
@given(CALLS, OUTCOMES)
def test_an_attempt_is_of_outcomes_once_and_costs_them_what_it_cost_failed_or_not(
    chain: Chain, calls: list[tuple[date, str, str, bool, Decimal]], outcomes: list[tuple[date, str, str, str]]
) -> None:
    requests: Rows = [
        {"request_id": f"r{number}", "day": day, "operation_id": operation, "session_id": session}
        for number, (day, operation, session, _, _) in enumerate(calls)
    ]
    costs: Rows = [
        {"request_id": f"r{number}", "day": day, "book_day": day, "status": "success" if works else "failure", "cost_usd": cost}
        for number, (day, _, _, works, cost) in enumerate(calls)
    ]
    given_tables = {
        "core.request": requests,
        "core.request_cost": costs,
        "core.unit_outcome": [
            {
                "outcome_id": f"o{number}",
                "day": day,
                "book_day": day,
                "unit": unit,
                "quantity": 1,
                "is_success": True,
                "is_escalated": False,
            }
            | {"is_request": False, "operation_id": operation, "session_id": session}
            for number, (day, unit, operation, session) in enumerate(outcomes)
        ],
        "book.unit": UNITS,
    }
    made = chain(given_tables, ["core.outcome_request", "core.outcome_cost"], FIRST, AFTER)
    linked = made["core.outcome_request"]
    for units in (("one", "two"), ("all",)):
        parts = [row for row in linked if row["unit"] in units]
        attempts = {row["request_id"] for row in parts}
        asked = sum((Decimal(str(row["cost_usd"])) for row in costs if row["request_id"] in attempts), Decimal(0))
        told = [row for row in made["core.outcome_cost"] if row["unit"] in units]
        assert sum((Decimal(str(row["cost_usd"])) for row in told), Decimal(0)) == asked
        assert len({row["day"] for row in parts if row["request_id"] == "r0"}) <= 1
    by_days = [
        row for day in DAYS for row in chain(given_tables, ["core.outcome_request"], day, day + timedelta(1))["core.outcome_request"]
    ]
    assert _sorted(by_days) == _sorted(linked)


def _sorted(rows: Rows) -> list[list[str]]:
    return sorted([str(value) for value in row.values()] for row in rows)
