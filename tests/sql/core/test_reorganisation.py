"""A reorganisation splits a month at its day: no cost is lost or made, and every row has one rule."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.owner_tables import owner_tables
from meterbook.assets.owners import Owner, Rule

Chain = Callable[..., dict[str, list[dict[str, Any]]]]
FIRST, AFTER = date(2026, 10, 1), date(2026, 11, 1)
DAYS = [FIRST + timedelta(days=at) for at in range((AFTER - FIRST).days)]
MODELS = ["core.owner_profile", "core.owner_in_force", "core.request"]
CALLS = st.lists(
    st.tuples(st.sampled_from(DAYS), st.sampled_from(["bot-a", "bot-b", "other"]), st.integers(1, 10**9)), min_size=1, max_size=40
)


def tables(*owners: dict[str, object]) -> dict[str, pl.DataFrame]:
    return owner_tables([Rule(f"owners.csv:{at:06d}", f"owners.csv:{at}", Owner.model_validate(one)) for at, one in enumerate(owners, 2)])


def calls(drawn: list[tuple[date, str, int]]) -> list[dict[str, object]]:
    return [
        {
            "request_id": str(at),
            "day": day,
            "started_at": f"{day} 12:00:00",
            "key_alias": key,
            "reported_cost_usd": Decimal(pico).scaleb(-12),
        }
        for at, (day, key, pico) in enumerate(drawn)
    ]


@examples(8)
@given(CALLS, st.sampled_from(DAYS))
def test_a_month_split_at_any_day_keeps_its_cost_and_gives_every_row_one_rule(
    chain: Chain, drawn: list[tuple[date, str, int]], cut: date
) -> None:
    told = {"staging.request": calls(drawn), **tables(
        {"match": {"key_alias": "bot-*"}, "team": "before", "ends_on": cut},
        {"match": {"key_alias": "bot-*"}, "team": "after", "starts_on": cut},
        {"match": {"key_alias": "*"}, "team": "rest", "priority": -1},
    )}  # fmt: skip
    made = chain(told, MODELS, FIRST, AFTER)
    won = Counter((row["day"], row["key_alias"]) for row in made["core.owner_in_force"])
    assert set(won) == {(day, key) for day, key, _ in drawn}
    assert set(won.values()) == {1}
    rows = {row["request_id"]: row for row in made["core.request"]}
    assert len(rows) == len(made["core.request"]) == len(drawn)
    for at, (day, key, pico) in enumerate(drawn):
        expected = "rest" if key == "other" else "before" if day < cut else "after"
        assert (rows[str(at)]["team"], rows[str(at)]["reported_cost_usd"]) == (expected, Decimal(pico).scaleb(-12))


def test_a_key_that_was_deleted_keeps_its_past(chain: Chain) -> None:
    owners = tables({"match": {"key_alias": "bot-a"}, "team": "support", "cost_centre": "CC-1", "ends_on": date(2026, 10, 10)})
    told = {"staging.request": calls([(date(2026, 10, 9), "bot-a", 5), (date(2026, 10, 10), "bot-a", 7)]), **owners}
    found = {row["day"]: (row["team"], row["cost_centre"]) for row in chain(told, MODELS, FIRST, AFTER)["core.request"]}
    assert found == {date(2026, 10, 9): ("support", "CC-1"), date(2026, 10, 10): (None, None)}
