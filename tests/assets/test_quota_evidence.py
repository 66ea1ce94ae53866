"""The evidence of a request: the last 30 days of the budget's scope, where it lands, and what used most."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from meterbook.assets.budgets import Budget, BudgetsFile, ModelClass
from meterbook.assets.quota_evidence import class_of, evidence_of
from meterbook.assets.quota_requests import Driver, Evidence, Landing
from meterbook.sql.scratch import scratch

TABLES = """
create schema marts; create schema core;
create table marts.budget_day (budget varchar, day date, used decimal(38,12));
create table marts.budget_outlook (series varchar, day date, low double, point double, high double);
create table marts.spend (day date, team varchar, tenant varchar, feature varchar, environment varchar, model varchar, requests bigint,
    input_tokens bigint, cache_read_tokens bigint, cache_write_tokens bigint, output_tokens bigint, cost_usd decimal(38,12));
create table core.gpu_hour (book_day date, team varchar, tenant varchar, feature varchar, pool varchar, used_seconds bigint,
    warm_idle_seconds bigint);
insert into marts.spend values
    ('2026-10-30', 'support', 'harbor', 'chat', 'prod', 'gpt-5', 10, 100, 20, 3, 7, 4.5),
    ('2026-10-31', 'support', 'harbor', 'chat', 'prod', 'gpt-5-mini', 5, 1000, 0, 0, 0, 1.25),
    ('2026-10-31', 'support', 'quay', 'chat', 'prod', 'gpt-5', 1, 10, 0, 0, 5, 2),
    ('2026-10-31', 'sales', 'harbor', 'mail', 'prod', 'gpt-5', 9, 9, 9, 9, 9, 99),
    ('2026-10-01', 'support', 'harbor', 'chat', 'prod', 'gpt-5', 10, 100, 20, 3, 7, 1000);
insert into marts.budget_day values
    ('support', '2026-10-01', 1000), ('support', '2026-10-30', 4.501), ('support', '2026-10-31', 3.25), ('other', '2026-10-31', 7);
insert into marts.budget_outlook values ('support', '2026-10-31', 1007.1, 1007.75, 1008), ('other', '2026-10-31', null, null, null);
insert into core.gpu_hour values ('2026-10-31', 'support', 'harbor', 'chat', 'h100', 3600, 1800),
    ('2026-10-31', 'unassigned', '', '', 'h100', 99, 99), ('2026-10-31', 'sales', '', 'mail', 'h100', 99, 99);
"""
SUPPORT = Budget(budget="support", amount_usd=Decimal(2000), team="support")
FILE = BudgetsFile(budgets=(SUPPORT,))


@pytest.fixture(scope="module")
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    with scratch() as con:
        con.execute(TABLES)
        yield con


def _drivers(lake: duckdb.DuckDBPyConnection, file: BudgetsFile, **budget: object) -> list[tuple[str, str]]:
    found = evidence_of(lake, file, Budget.model_validate({"budget": "support", **budget}))
    return [(one.by, f"{one.used:f}") for one in found.drivers]


def test_it_is_of_the_last_thirty_days_and_of_the_present_period(lake: duckdb.DuckDBPyConnection) -> None:
    found = evidence_of(lake, FILE, SUPPORT)
    assert (found.first_day, found.last_day, len(found.used_per_day)) == (date(2026, 10, 2), date(2026, 10, 31), 30)
    assert [f"{one.used:f}" for one in found.used_per_day[-3:]] == ["0.00", "4.50", "3.25"]
    assert (f"{found.used:f}", f"{found.period_used:f}", f"{found.period_share_percent:f}") == ("7.75", "1007.75", "50.4")
    assert found.landing == Landing(low=Decimal("1007.10"), point=Decimal("1007.75"), high=Decimal("1008.00"))
    assert found.drivers[0] == Driver(by="harbor, chat, gpt-5", used=Decimal("4.50"))


def test_drivers_are_what_the_scope_leaves_open_in_the_measure_of_the_budget(lake: duckdb.DuckDBPyConnection) -> None:
    tokens = {"measure": "tokens", "amount": 1}
    assert _drivers(lake, FILE, team="support", **tokens) == [
        ("harbor, chat, gpt-5-mini", "1000.00"), ("harbor, chat, gpt-5", "130.00"), ("quay, chat, gpt-5", "15.00"),
    ]  # fmt: skip
    assert _drivers(lake, FILE, team="support", tenant="quay", measure="requests", amount=1) == [("chat, gpt-5", "1.00")]
    assert _drivers(lake, FILE, team="support", measure="gpu_hours", amount=1) == [("harbor, chat, h100", "1.50")]


def test_of_classes_the_first_that_fits_a_model_counts(lake: duckdb.DuckDBPyConnection) -> None:
    small, large = (
        ModelClass.model_validate({"class": name, "models": models}) for name, models in (("small", ["*-MINI"]), ("large", ["gpt*"]))
    )
    file = BudgetsFile(model_classes=(small, large))
    assert _drivers(lake, file, tenant="harbor", model_class="small", amount_usd=1) == [("support, chat, gpt-5-mini", "1.25")]
    assert [by for by, _ in _drivers(lake, file, team="support", model_class="large", amount_usd=1)] == [
        "harbor, chat, gpt-5",
        "quay, chat, gpt-5",
    ]
    assert [class_of(file, model) for model in ("gpt-5-mini", "GPT-5", "claude", "[x]")] == ["small", "large", None, None]


def test_what_is_not_known_is_left_out_and_a_budget_of_nothing_has_no_share(lake: duckdb.DuckDBPyConnection) -> None:
    found = evidence_of(lake, FILE, Budget(budget="other", amount_usd=Decimal(0), team="nobody"))
    assert (found.landing, found.period_share_percent, found.drivers) == (None, None, ())


def test_an_empty_lake_gives_no_days() -> None:
    with scratch() as con:
        con.execute(TABLES.partition("insert into")[0])
        assert evidence_of(con, FILE, SUPPORT) == Evidence()
