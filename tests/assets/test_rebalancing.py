"""Moves between budgets: who is starved, who sits on unused quota, and that what one gets others give."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import duckdb
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.book import Book
from meterbook.assets.budgets import Budget
from meterbook.assets.quota_requests import QuotaError
from meterbook.assets.rebalancing import Move, Return, Seen, propose
from meterbook.assets.rebalancing_lake import rebalance
from meterbook.sql.scratch import scratch


def _seen(name: str, amount: int, used: Sequence[int], landing: int | None = None, change: str | None = None, **more: object) -> Seen:
    field = "amount" if "measure" in more else "amount_usd"
    budget = Budget.model_validate({"budget": name, field: amount, "team": name, **more})
    spent = [Decimal(one) for one in used]
    gained = Return("ticket", Decimal("0.42"), Decimal(change)) if change else None
    return Seen(budget, Decimal(amount), spent, [Decimal(amount)] * len(spent), None if landing is None else Decimal(landing), gained)


def _moves(*seen: Seen) -> dict[str, int]:
    return {move.seen.budget.budget: int(move.by) for move in propose(seen)}


def test_what_is_used_up_gets_its_use_and_a_tenth_more_from_what_stays_below_half() -> None:
    assert _moves(_seen("a", 1000, [900, 950, 1000]), _seen("b", 5000, [1000, 1100, 900])) == {"a": 100, "b": -100}


def test_a_forecast_above_the_amount_is_starved_too() -> None:
    assert _moves(_seen("a", 1000, [500, 500, 500], 1200), _seen("b", 5000, [1, 2, 3])) == {"a": 320, "b": -320}


def test_who_gives_keeps_twice_its_largest_use() -> None:
    assert _moves(_seen("a", 1000, [900, 950, 5000]), _seen("b", 1000, [400, 100, 100])) == {"a": 200, "b": -200}


@pytest.mark.parametrize(
    ("used", "landing"),
    [([400, 500, 100], None), ([100, 100], None), ([100, 100, 100], 600)],
    ids=["half in one period", "two periods only", "half by the forecast"],
)
def test_what_is_not_idle_for_three_periods_gives_nothing(used: Sequence[int], landing: int | None) -> None:
    assert _moves(_seen("a", 1000, [0, 0, 1000]), _seen("b", 1000, used, landing)) == {}


def test_without_anybody_starved_nothing_moves() -> None:
    assert _moves(_seen("a", 1000, [600, 600, 940]), _seen("b", 1000, [1, 1, 1])) == {}


def test_no_amount_moves_between_measures_periods_or_kinds_of_scope() -> None:
    starved = _seen("a", 1000, [0, 0, 1000])
    others = [
        _seen("b", 1000, [1, 1, 1], period="week"),
        _seen("c", 1000, [1, 1, 1], team=None, feature="chat"),
        _seen("d", 1000, [1, 1, 1], team=None),
        _seen("e", 1000, [1, 1, 1], measure="tokens"),
    ]
    assert _moves(starved, *others) == {}


def test_where_there_is_too_little_the_scope_whose_cost_per_unit_fell_comes_first() -> None:
    idle = _seen("c", 200, [10, 20, 30])
    assert _moves(_seen("a", 1000, [0, 0, 1000], change="0.10"), _seen("b", 1000, [0, 0, 1000], change="-0.10"), idle) == {
        "b": 100, "a": 40, "c": -140,
    }  # fmt: skip
    assert _moves(_seen("a", 1000, [0, 0, 1000]), _seen("b", 1000, [0, 0, 1000], change="0.10"), idle) == {"b": 100, "a": 40, "c": -140}


def test_a_budget_of_nothing_that_is_used_is_starved() -> None:
    assert _moves(_seen("a", 0, [0, 0, 10]), _seen("b", 500, [1, 1, 1])) == {"a": 11, "b": -11}


def test_the_reason_says_what_is_seen() -> None:
    [move, _] = propose([_seen("a", 1000, [500, 900, 1000], 1100, change="-0.125"), _seen("b", 1000, [1, 1, 1])])
    said = move.reason.replace("\N{NO-BREAK SPACE}", " ")
    assert (
        said == "starved: used 50.0 %, 90.0 %, 100.0 % of the last 3 months; lands at 110.0 %; 0.42 USD per ticket, 12.5 % less than before"
    )


SEEN = st.builds(
    _seen,
    st.text("abcdefgh", min_size=1, max_size=4),
    st.integers(0, 3000),
    st.lists(st.integers(0, 3000), max_size=3),
    st.none() | st.integers(0, 4000),
    st.none() | st.sampled_from(["-0.5", "0", "0.5"]),
    period=st.sampled_from(["week", "month"]),
)


@examples(60)
@given(st.lists(SEEN, max_size=7, unique_by=lambda one: one.budget.budget), st.randoms(use_true_random=False))
def test_moves_of_one_kind_sum_to_zero_take_no_more_than_is_spare_and_do_not_depend_on_the_order(seen: list[Seen], random: Random) -> None:
    moves = propose(seen)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for move in moves:
        sums[move.seen.budget.period] += move.by
        # What is lacking is rounded up to whole units.
        assert -move.seen.spare <= move.by < move.seen.lack + 1
        assert move.after >= 2 * move.seen.peak or move.by > 0
    assert not any(sums.values())
    mixed = list(seen)
    random.shuffle(mixed)
    assert _plain(propose(mixed)) == _plain(moves)


def _plain(moves: Sequence[Move]) -> list[tuple[str, Decimal]]:
    return [(move.seen.budget.budget, move.by) for move in moves]


DATED = 'starts_on: 2026-12-01, request: "rebalance 2026-12"'
BUDGETS = """\
budgets:
  - {budget: support, amount_usd: 1000, team: support} # ours
  - {budget: sales, amount_usd: 5000, team: sales}
  - {budget: chat, amount_usd: 5000, feature: chat}
"""
LAKE = """
create schema marts;
create table marts.spend (day date);
create table marts.budget_day (budget varchar, day date, used decimal(38,12));
create table marts.budget_outlook (series varchar, day date, low double, point double, high double);
create table marts.cost (day date, team varchar, feature varchar, cost_usd decimal(38,12));
create table marts.unit_cost (day date, unit varchar, label varchar, feature varchar, tenant varchar, is_part boolean, successes bigint,
    cost_usd decimal(38,12));
insert into marts.spend values ('2026-08-01'), ('2026-11-10');
insert into marts.budget_day values ('support', '2026-08-31', 900), ('support', '2026-09-01', 950), ('support', '2026-10-31', 1000),
    ('support', '2026-11-10', 400), ('sales', '2026-08-03', 100);
insert into marts.budget_outlook values ('support', '2026-11-10', 1100, 1200, 1300);
insert into marts.cost values ('2026-08-01', 'support', 'chat', 5), ('2026-08-01', 'sales', 'mail', 9), ('2026-08-02', 'sales', 'chat', 1);
insert into marts.unit_cost values ('2026-08-02', 'ticket', 'ticket', 'chat', 'harbor', true, 10, 20),
    ('2026-10-30', 'ticket', 'ticket', 'chat', 'harbor', true, 20, 20), ('2026-10-30', 'letter', 'letter', 'mail', 'harbor', true, 1, 90),
    ('2026-10-30', 'inference', 'inference', 'chat', 'harbor', false, 1, 900);
"""


@pytest.fixture(scope="module")
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch() as con:
        con.execute(LAKE)
        yield con


@pytest.fixture
def book(tmp_path: Path) -> Book:
    (tmp_path / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    (tmp_path / "budgets.yaml").write_text(BUDGETS, "utf-8")
    return Book(tmp_path)


def test_what_the_lake_has_becomes_a_patch_that_dates_the_amounts_and_keeps_the_rest(lake: duckdb.DuckDBPyConnection, book: Book) -> None:
    found = rebalance(lake, book)
    assert found.month == date(2026, 12, 1)
    assert {move.seen.budget.budget: int(move.by) for move in found.moves} == {"sales": -320, "support": 320}
    assert [line for line in found.patch.splitlines() if line.startswith(("+ ", "- "))] == [
        "-  - {budget: support, amount_usd: 1000, team: support} # ours",
        "-  - {budget: sales, amount_usd: 5000, team: sales}",
        f"+  - {{budget: support, amount_usd: 1000, team: support, raises: [{{amount: 1320, {DATED}}}]}} # ours",
        f"+  - {{budget: sales, amount_usd: 5000, team: sales, raises: [{{amount: 4680, {DATED}}}]}}",
    ]
    assert (book.folder / "budgets.yaml").read_text("utf-8") == BUDGETS


def test_the_return_of_a_team_is_that_of_the_features_it_bears_most_of(lake: duckdb.DuckDBPyConnection, book: Book) -> None:
    gained = {move.seen.budget.budget: move.seen.gained for move in rebalance(lake, book).moves}
    assert gained["support"] == Return("ticket", Decimal(40) / 30, Decimal("-0.5"))
    assert gained["sales"] == Return("letter", Decimal(90), None)


def test_a_month_before_the_data_is_refused_and_an_earlier_one_sees_only_what_was_known(
    lake: duckdb.DuckDBPyConnection, book: Book
) -> None:
    with pytest.raises(QuotaError, match="no data before 2026-08"):
        rebalance(lake, book, date(2026, 8, 1))
    assert not rebalance(lake, book, date(2026, 9, 1)).moves
