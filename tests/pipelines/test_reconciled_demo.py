"""The sample company's bills explained: every planted cause is found, where it was planted and with its amount to the picodollar."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from running import Said, typed

from meterbook.reports.causes import ACTIONS, BILLED, REPORTED, UNEXPLAINED

pytestmark = pytest.mark.long

Ask = Callable[..., list[tuple[Any, ...]]]
PLACE = ("comparison", "cause", "day", "provider", "key", "model")


def _planted(truth: dict[str, Any]) -> dict[tuple[str, ...], Decimal]:
    return {tuple(one[name] for name in PLACE): Decimal(one["usd"]) for one in truth["reconciliation"]}


def _reconcile(demo: Path, *words: str) -> Said:
    return typed(demo, "reconcile", *words)


def test_every_planted_cause_is_found_in_its_place_with_its_amount_and_nothing_else(ask: Ask, truth: dict[str, Any]) -> None:
    rows = ask(f"select {', '.join(PLACE)}, amount_usd from marts.reconciliation_cause")
    found = {(comparison, cause, str(day), *place): amount for comparison, cause, day, *place, amount in rows}
    assert found == _planted(truth)


@pytest.mark.parametrize("cause", sorted({*ACTIONS} - {UNEXPLAINED}))
def test_each_cause_is_planted_and_found_with_its_sum(cause: str, ask: Ask, truth: dict[str, Any]) -> None:
    said = [amount for place, amount in _planted(truth).items() if place[:2] == (BILLED, cause)]
    query = "select sum(amount_usd), count(*) from marts.reconciliation_cause where comparison = ? and cause = ?"
    assert ask(query, BILLED, cause) == [(sum(said), len(said))]
    assert any(said)


def test_causes_carry_their_tokens(ask: Ask, truth: dict[str, Any]) -> None:
    said = {tuple(one[name] for name in PLACE): one["tokens"] for one in truth["reconciliation"] if one["tokens"] is not None}
    rows = ask(f"select {', '.join(PLACE)}, tokens from marts.reconciliation_cause")
    found = {(comparison, cause, str(day), *place): tokens for comparison, cause, day, *place, tokens in rows}
    assert {place: found[place] for place in said} == said
    assert {place[1] for place in said} >= {"not logged", "logged, not billed", "batch", "tier", "cache convention", "time zone"}


def test_nothing_is_left_unexplained_and_every_cell_adds_up(ask: Ask) -> None:
    query = """
        select count(*), sum(unexplained_usd), count(*) filter (where coalesce(billed_minus_computed_usd, 0) <> billed_causes_usd
            or coalesce(reported_minus_computed_usd, 0) <> reported_causes_usd) from marts.reconciliation_cell
    """
    [(cells, unexplained, off)] = ask(query)
    assert (unexplained, off) == (0, 0)
    assert cells > 600


def test_cells_are_the_lakes_own_totals_and_differ_by_what_the_allocation_carries(ask: Ask) -> None:
    cells = "select sum(billed_usd), sum(reported_usd), sum(computed_usd) from marts.reconciliation_cell"
    billed = ask("select sum(cost_usd) from core.charge where scope = 'model'")[0]
    requests = ask("select sum(reported_cost_usd), sum(effective_cost_usd) from core.request_cost")[0]
    assert ask(cells) == [billed + requests]
    query = "select provider, day, sum(amount_usd) from marts.reconciliation_cause where comparison = ? group by all order by all"
    differences = "select provider, day, difference_usd from marts.reconciliation where difference_usd <> 0 order by provider, day"
    assert [row for row in ask(query, BILLED) if row[2]] == ask(differences)


def test_the_month_is_told_with_causes_that_add_up(demo: Path, truth: dict[str, Any]) -> None:
    done = _reconcile(demo, "2026-10", "--format", "json")
    assert done.code == 0, done.err
    told = json.loads(done.out, parse_float=Decimal)
    planted: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for (comparison, cause, day, *_), amount in _planted(truth).items():
        planted[comparison, cause] += amount if day >= "2026-10-01" else 0
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for one in told["causes"]:
        assert one["do"] == ACTIONS[one["cause"]]
        found[one["comparison"], one["cause"]] += Decimal(one["amount_usd"])
    assert found == planted
    for comparison, difference in ((BILLED, "billed_minus_computed_usd"), (REPORTED, "reported_minus_computed_usd")):
        assert sum(amount for (name, _), amount in found.items() if name == comparison) == Decimal(told["total"][difference])
    assert (Decimal(told["unexplained_usd"]), told["is_within_tolerance"]) == (0, True)


def test_a_table_names_each_cause_with_what_to_do_and_ends_with_the_residual(demo: Path) -> None:
    done = _reconcile(demo, "2026-W43")
    assert done.code == 0, done.err
    for cause in ("failed calls", "batch", "tier", "FX", "duplicates", "rounding", UNEXPLAINED):
        assert f" {cause} " in done.out
    assert "unexplained 0.00 of " in done.out.splitlines()[-1]


def test_a_day_by_key_shows_the_shadow_project_in_csv(demo: Path, truth: dict[str, Any]) -> None:
    done = _reconcile(demo, "2026-10-09", "--provider", "openai", "--by", "key", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    [shadow] = [row for row in rows if (row["key"], row["figure"]) == ("proj_shadow", "not logged")]
    [said] = [Decimal(one["usd"]) for one in truth["reconciliation"] if (one["cause"], one["day"]) == ("not logged", "2026-10-09")]
    assert Decimal(shadow["amount_usd"]) == said
    assert "openai/costs_2026-10.json" in shadow["detail"]
