"""Why cost changed, of rollups written by hand: periods, effects, sentences and what stands out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import duckdb
import polars as pl
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.book import BookError
from meterbook.assets.explained import Explanation, explain
from meterbook.assets.explaining import READ, Asked, Span, days_of_spans, pairs_of, span_of, totals
from meterbook.assets.workspace import columns
from meterbook.sql import lmdi
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

SEPTEMBER, OCTOBER = span_of("2026-09"), span_of("2026-10")
PRICES = {"input": Decimal("0.00001"), "cache_read": Decimal("0.000001"), "output": Decimal("0.00004")}


class Days:
    """Rows of the rollups, given to the lake in one go when it is asked."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = {name: [] for name in READ}

    def put(self, table: str, row: dict[str, Any]) -> None:
        self._rows[table].append({name: str(value) for name, value in row.items()})

    @contextmanager
    def lake(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with scratch() as con:
            for name, rows in self._rows.items():
                shape = columns()[name]
                empty_table(con, name, shape)
                if rows:
                    con.register("given", pl.DataFrame(rows, infer_schema_length=None).to_arrow())
                    listed = ", ".join(f"cast({column} as {shape[column]}) as {column}" for column in rows[0])
                    con.execute(f"insert into {name} by name select {listed} from given")
            yield con

    def explained(self, asked: Asked) -> Explanation:
        with self.lake() as con:
            return explain(con, asked)


@pytest.fixture
def days() -> Days:
    return Days()


def use(
    days: Days, day: date, requests: int = 1000, *, prompt: int = 1000, cached: int = 0, answer: int = 100,
    price: Decimal | None = Decimal(1), **labels: str,
) -> None:  # fmt: skip
    """A day of one feature on one model, with its line in marts.cost; without a price where it is None."""
    tokens = {"input": requests * (prompt - cached), "cache_read": requests * cached, "output": requests * answer}
    paid = {f"{name}_cost_usd": used * PRICES[name] * (price or 0) for name, used in tokens.items()}
    owner = {"day": day, "team": "support", "tenant": "acme", "feature": "assistant", **labels}
    model = {"provider": "openai", "model": owner.pop("model", "gpt-5"), "served_tier": "standard", "meter": "", "is_counted": True}
    model["is_priced"] = price is not None
    nothing = dict.fromkeys(("cache_write_tokens", "stated_tokens", "units"), 0)
    nothing |= dict.fromkeys(("cache_write_cost_usd", "other_cost_usd", "call_cost_usd", "stated_cost_usd"), 0)
    counts = {**dict.fromkeys(("operations", "calls", "attempts"), requests), **{f"{name}_tokens": used for name, used in tokens.items()}}
    cost = sum(paid.values(), Decimal(0))
    days.put("core.cost_driver", {**owner, **model, **counts, **nothing, **paid, "cost_usd": cost})
    line(days, day, cost, team=owner["team"], tenant=owner["tenant"], feature=owner["feature"])


def line(days: Days, day: date, cost: Decimal, name: str = "Model usage", **owner: Any) -> None:
    plain = {"day": day, "line": name, "team": "support", "tenant": "(none)", "feature": "(none)", "cost_usd": cost}
    days.put("marts.cost", {**plain, **owner})


def _days(first: str, last: str) -> list[date]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [start + timedelta(n) for n in range((end - start).days + 1)]


def _effects(found: Explanation) -> dict[str, Decimal]:
    return {row["effect"]: row["usd"] for row in found.effects}


@pytest.mark.parametrize(
    ("text", "first", "end"),
    [
        ("2026-09", date(2026, 9, 1), date(2026, 10, 1)),
        ("2026-W36", date(2026, 8, 31), date(2026, 9, 7)),
        ("2026-Q3", date(2026, 7, 1), date(2026, 10, 1)),
        ("2026-Q4", date(2026, 10, 1), date(2027, 1, 1)),
        ("2026-09-05", date(2026, 9, 5), date(2026, 9, 6)),
        ("2026-09-01..2026-09-30", date(2026, 9, 1), date(2026, 10, 1)),
    ],
)
def test_a_period_is_a_month_a_week_a_quarter_a_day_or_a_range_with_both_ends(text: str, first: date, end: date) -> None:
    assert span_of(text) == Span(text, first, end)


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-W60", "2026-Q5", "September", "2026-09-30..2026-09-01", "2026-09-01..", ""])
def test_what_is_no_period_is_refused_with_examples(text: str) -> None:
    if text.endswith(".."):
        assert span_of(text).first == date(2026, 9, 1)
        return
    with pytest.raises(BookError, match=r"is no period such as|ends before it begins"):
        span_of(text)


def test_longer_prompts_are_told_with_their_feature_percent_day_and_dollars(days: Days) -> None:
    for day in _days("2026-09-01", "2026-10-30"):
        use(days, day, prompt=1180 if day >= date(2026, 10, 2) else 1000)
    found = days.explained(Asked(SEPTEMBER, OCTOBER))
    assert _effects(found) == {"input tokens": Decimal("52.200000000000")}
    assert found.change_usd == Decimal("52.2")
    assert found.sentences == ["assistant (support) sent 17.4\N{NO-BREAK SPACE}% more input tokens per request since 2 October: +$52."]


def test_a_price_is_told_of_its_model_and_a_colder_cache_with_both_shares(days: Days) -> None:
    for day in _days("2026-09-01", "2026-10-30"):
        late = day >= date(2026, 10, 12)
        use(days, day, price=Decimal("1.4") if late else Decimal(1))
        use(days, day, feature="agent", cached=200 if day >= date(2026, 10, 1) else 600, model="other")
    told = days.explained(Asked(SEPTEMBER, OCTOBER)).sentences
    shares = "had 20.0\N{NO-BREAK SPACE}% of its input tokens from a cache since 1 October, 60.0\N{NO-BREAK SPACE}% before"
    assert f"agent (support) {shares}: +$108." in told
    assert any(re.match(r"gpt-5 cost 25.3\s% more per token since 12 October: \+\$", one) for one in told)


def test_routing_names_the_models_that_calls_moved_between(days: Days) -> None:
    for day in _days("2026-09-01", "2026-10-30"):
        share = 900 if day < date(2026, 10, 1) else 100
        use(days, day, share, model="large", price=Decimal(2))
        use(days, day, 1000 - share, model="small", price=Decimal("0.1"))
    found = days.explained(Asked(SEPTEMBER, OCTOBER))
    assert found.sentences[0].startswith("assistant (support) moved calls from large to small: \N{MINUS SIGN}$")
    assert _effects(found).keys() == {"routing"}


def test_the_day_of_a_backfill_and_its_tenant_stand_out_first(days: Days) -> None:
    for day in _days("2026-09-01", "2026-10-30"):
        for tenant in ("acme", "bolt", "cove"):
            for feature in ("assistant", "triage"):
                use(days, day, 100 + day.day % 5 + len(tenant), tenant=tenant, feature=feature)
    use(days, date(2026, 10, 21), 9000, tenant="bolt", feature="triage")
    first = days.explained(Asked(SEPTEMBER, OCTOBER)).causes[0]
    assert (dict(first.where), first.day) == ({"tenant": "bolt", "feature": "triage"}, date(2026, 10, 21))
    assert first.text.endswith("most of it on 21 October.")


def test_a_span_with_more_days_is_told_apart_and_averages_leave_them_out(days: Days) -> None:
    for day in _days("2026-09-08", "2026-10-31"):
        use(days, day)
    whole = days.explained(Asked(SEPTEMBER, OCTOBER))
    assert (whole.days, _effects(whole)) == ((23, 31), {"days": Decimal("112.000000000000")})
    daily = days.explained(Asked(SEPTEMBER, OCTOBER, per_day=True))
    assert (daily.before_usd, daily.after_usd, daily.effects) == (Decimal(14), Decimal(14), [])


def test_pools_and_closed_months_are_lines_of_their_own(days: Days) -> None:
    for day in (date(2026, 9, 5), date(2026, 10, 5)):
        use(days, day)
    line(days, date(2026, 10, 5), Decimal(-4))
    line(days, date(2026, 10, 5), Decimal(4), "Shared: gateway", team="sales")
    found = days.explained(Asked(SEPTEMBER, OCTOBER, by=("team",)))
    assert found.change_usd == 0
    assert {(row["team"], row["effect"]): row["usd"] for row in found.effects} == {
        ("support", "allocation"): -4,
        ("sales", "Shared: gateway"): 4,
    }


def test_only_what_was_asked_for_is_explained_and_a_quote_in_a_name_is_a_name(days: Days) -> None:
    for day in (date(2026, 9, 5), date(2026, 10, 5)):
        use(days, day, 1000 * day.month, team="o'hara")
        use(days, day, 10)
    found = days.explained(Asked(SEPTEMBER, OCTOBER, where={"team": "o'hara"}))
    assert (found.before_usd, found.after_usd) == (Decimal(126), Decimal(140))
    assert _effects(found) == {"volume": 14}


def test_hours_of_gpus_are_told_by_work_idleness_and_rate(days: Days) -> None:
    gpu = {"team": "red", "tenant": "(none)", "feature": "(none)", "pool": "training", "gpu_model": "H100", "is_priced": True}
    hours = [("GPU used", 3600, 4, 3600, 8), ("GPU free idle", 3600, 2, 7200, 4), ("GPU unknown", 0, 0, 3600, 3)]
    for name, was, cost, now, costs in hours:
        for day, seconds, usd in ((date(2026, 9, 5), was, cost), (date(2026, 10, 5), now, costs)):
            if seconds:
                days.put("core.gpu_driver", {**gpu, "day": day, "line": name, "seconds": seconds, "cost_usd": usd})
                line(days, day, Decimal(usd), name, team="red")
    assert _effects(days.explained(Asked(SEPTEMBER, OCTOBER))) == {"GPU rate": 4, "GPU idle": 2, "GPU unobserved": 3}


def test_calls_that_move_to_a_model_without_a_price_are_told_as_unknown_and_not_as_saved(days: Days) -> None:
    for day in _days("2026-09-01", "2026-10-30"):
        moved = 300 if day >= date(2026, 10, 5) else 0
        use(days, day, 1000 - moved)
        if moved:
            use(days, day, moved, model="new", price=None)
            days.put("marts.priced_use", _unpriced("new", day, moved))
    found = days.explained(Asked(SEPTEMBER, OCTOBER))
    # 26 of 30 days, each 300 of 1,000 calls at $14.
    assert _effects(found) == {"unpriced": Decimal("-109.200000000000")}
    assert found.change_usd == Decimal("-109.2")
    assert found.sentences == ["assistant (support) used what has no price any more, which is no saving: \N{MINUS SIGN}$109."]
    assert found.causes == []
    [one] = found.unpriced
    assert (one.model, one.unit, one.before, one.after, one.since) == ("new", "call", 0, 7800, date(2026, 10, 5))
    said = "7,800 calls of new since 5 October, none before: what they cost is unknown, and in no effect. No model: a rate card for it"
    assert one.text.startswith(said)
    assert one.text.endswith("`meterbook prices seed --provider openai` writes those that are known.")
    assert days.explained(Asked(SEPTEMBER, OCTOBER, where={"team": "other"})).unpriced == []


def _unpriced(model: str, day: date, requests: int) -> dict[str, Any]:
    named = {"provider": "openai", "model": model, "served_tier": "standard", "reason": "no model"}
    return {**named, "day": day, "requests": requests, "tokens": 1}


def test_a_price_that_comes_later_is_no_rise_and_no_figure_counts_calls_without_one(days: Days) -> None:
    for day in _days("2026-09-01", "2026-10-30"):
        use(days, day, 1000, prompt=1180 if day >= date(2026, 10, 2) else 1000)
        use(days, day, 500, model="late", price=Decimal(1) if day >= date(2026, 10, 1) else None)
        use(days, day, 9000, model="never", prompt=day.day * 100, price=None)
    found = days.explained(Asked(SEPTEMBER, OCTOBER))
    assert _effects(found) == {"unpriced": 210, "input tokens": Decimal("52.200000000000")}
    assert "assistant (support) used what had no price before, which is no rise: +$210." in found.sentences
    # The figure is of calls with a price: those of `late` are part of it since they have one.
    assert any(re.match(r"assistant \(support\) sent 11.6\s% more input tokens per request", one) for one in found.sentences)
    assert [(one.model, one.before, one.after, one.since) for one in found.unpriced] == [
        ("never", 270000, 270000, None),
        ("late", 15000, 0, None),
    ]


def test_hours_of_gpus_without_a_price_are_told_of_their_pool(days: Days) -> None:
    gpu = {"team": "red", "tenant": "(none)", "feature": "(none)", "pool": "training", "gpu_model": "H100", "line": "GPU used"}
    for day, priced in ((date(2026, 9, 5), True), (date(2026, 10, 5), False)):
        days.put("core.gpu_driver", {**gpu, "day": day, "seconds": 7200, "is_priced": priced, "cost_usd": 4 if priced else 0})
        line(days, day, Decimal(4 if priced else 0), "GPU used", team="red")
    found = days.explained(Asked(SEPTEMBER, OCTOBER))
    assert _effects(found) == {"unpriced": -4}
    [one] = found.unpriced
    said = "2 GPU hours of pool training since 5 October, none before: what they cost is unknown, and in no effect."
    assert one.text == f"{said} A rate of its GPU in rate_cards/ prices them."


def test_a_lake_that_does_not_say_what_has_a_price_is_refused(days: Days) -> None:
    use(days, date(2026, 9, 5))
    with days.lake() as con:
        con.execute("alter table core.cost_driver drop column is_priced")
        with pytest.raises(BookError, match="does not say yet what has a price; `meterbook run` first"):
            pairs_of(con, Asked(SEPTEMBER, OCTOBER), (1, 1))


def test_a_span_without_any_cost_is_refused_with_what_there_is(days: Days) -> None:
    with pytest.raises(BookError, match="`meterbook run` first"):
        days.explained(Asked(SEPTEMBER, OCTOBER))
    use(days, date(2026, 9, 5))
    with pytest.raises(BookError, match="no cost of 2026-10: the lake has 2026-09-05 to 2026-09-05"):
        days.explained(Asked(SEPTEMBER, OCTOBER))


ROWS = st.lists(
    st.tuples(
        st.sampled_from(_days("2026-09-26", "2026-10-05")), st.sampled_from("abc"), st.sampled_from("xy"), st.sampled_from("mn"),
        st.integers(1, 10**6), st.integers(1, 3000), st.integers(0, 10**4),
    ),
    max_size=12,
)  # fmt: skip


@examples(4)
@given(ROWS)
def test_effects_sum_to_the_change_exactly_however_they_are_told_apart(rows: list[tuple[Any, ...]]) -> None:
    days = Days()
    for day in (date(2026, 9, 30), date(2026, 10, 1)):
        line(days, day, Decimal("0.000000000007") * day.day, "Tax")
    for day, team, feature, model, requests, prompt, price in rows:
        use(days, day, requests, prompt=prompt, cached=prompt // 3, price=Decimal(price) / 10**6, team=team, feature=feature, model=model)
    asked = Asked(SEPTEMBER, OCTOBER)
    with days.lake() as con:
        pairs = pairs_of(con, asked, days_of_spans(con, asked))
    before, after = totals(pairs)
    for by in (by for size in range(3) for by in combinations(("team", "feature", "model"), size)):
        found = lmdi.decompose(pairs, by)
        assert sum(found.get_column("usd"), Decimal(0)) == after - before
        assert {*found.get_column("effect")} <= {*lmdi.EFFECTS, "Tax"}
