"""Failed, aborted, repeated and cached calls of one day, from the log to what a run says of them."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from running import run
from small import price

from meterbook.assets.workspace import Workspace

pytestmark = pytest.mark.usefixtures("all_small", "all_few")
BOOK = """
name: Acme
sources:
- name: gateway
  path: calls.csv
  format: mapped
  mapping:
    kind: request
    columns: {request_id: id, operation_id: op, attempt: try, started_at: at, provider: by, model: model, status: status,
      error_class: error, is_cache_hit: cached, input_tokens: in, output_tokens: out}
"""
# Answers of a dollar for input and two dollars for output, and what else happens.
CALLS = """\
id,op,try,at,by,model,status,error,cached,in,out
a1,a1,1,2026-10-05T10:00:00Z,openai,openai-1,success,,,1000000,200000
a2,a2,1,2026-10-05T10:00:01Z,openai,openai-1,success,,,1000000,200000
limited,a3,1,2026-10-05T10:00:02Z,openai,openai-1,failure,429,,,
again,a3,2,2026-10-05T10:00:03Z,openai,openai-1,success,,,500000,100000
late,a4,1,2026-10-05T10:00:04Z,openai,openai-1,failure,Timeout,,,
late too,a5,1,2026-10-05T10:00:05Z,anthropic,anthropic-1,failure,Timeout,,1000000,0
blocked,a6,1,2026-10-05T10:00:06Z,openai,openai-1,failure,GuardrailRaisedException,,0,0
stream,a7,1,2026-10-05T10:00:07Z,openai,openai-1,success,,,,
cached,a8,1,2026-10-05T10:00:08Z,openai,openai-1,success,,true,1000000,200000
"""
Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    book = tmp_path_factory.mktemp("failed") / "book"
    (book / "inbox").mkdir(parents=True)
    (book / "meterbook.yaml").write_text(BOOK, "utf-8")
    (book / "inbox/calls.csv").write_text(CALLS, "utf-8")
    for provider in ("openai", "anthropic"):
        price(book, provider, f"{provider}-1")
    code, said = run(book)
    assert code == 0, said
    return book, said


@pytest.fixture(scope="module")
def ask(ran: tuple[Path, str]) -> Ask:
    def query(sql: str) -> list[tuple[Any, ...]]:
        with Workspace(ran[0]).catalog.connect() as con:
            return con.execute(sql).fetchall()

    return query


def test_what_was_declined_or_blocked_before_work_costs_nothing(ask: Ask) -> None:
    assert ask("select request_id, billing, cost_usd from core.request_cost where request_id in ('limited', 'blocked') order by 1") == [
        ("blocked", "not billed", 0),
        ("limited", "not billed", 0),
    ]


def test_a_call_that_timed_out_after_dispatch_is_a_range_where_its_provider_says_nothing(ask: Ask) -> None:
    assert ask("select billing, is_estimated, cost_usd, uncertain_cost_usd from core.request_cost where request_id = 'late'") == [
        ("unknown", True, Decimal("2.499993"), Decimal("2.499993")),
    ]
    assert ask("select billing, is_estimated, cost_usd, uncertain_cost_usd from core.request_cost where request_id = 'late too'") == [
        ("billed", False, 1, 0),
    ]


def test_a_stream_without_usage_is_estimated_and_says_from_what(ask: Ask) -> None:
    found = ask("select input_tokens, output_tokens, is_estimated, estimate_basis from core.request where request_id = 'stream'")
    # Three answers were counted: two of 1,000,000 and 200,000 tokens, one of half of each.
    assert found == [(833333, 166666, True, "mean of 3 calls of the feature that day")]
    assert ask("select request_id from core.request_cost where is_estimated order by 1") == [("late",), ("stream",)]


def test_attempts_and_operations_cost_the_same_and_the_gateways_cache_is_worth_what_it_spared(ask: Ask) -> None:
    found = ask(
        """
        select sum(operations), sum(attempts), sum(retried_operations), sum(operation_cost_usd) = sum(cost_usd),
            sum(repeated_attempt_cost_usd), sum(failed_attempts), sum(failed_attempt_cost_usd), sum(uncertain_cost_usd), sum(cache_hits),
            sum(cache_hit_value_usd)
        from marts.attempt_use
        """
    )
    assert found == [(8, 9, 1, True, Decimal("1.5"), 4, Decimal("3.499993"), Decimal("2.499993"), 1, 3)]


def test_every_step_after_the_requests_carries_what_is_uncertain(ask: Ask) -> None:
    for table in ("core.request_cost", "core.model_spend", "marts.spend"):
        assert ask(f"select sum(cost_usd), sum(uncertain_cost_usd) from {table}") == [(Decimal("13.499986"), Decimal("2.499993"))], table


def test_the_run_says_the_cost_as_a_range_and_how_much_is_estimated(ran: tuple[Path, str]) -> None:
    lines = ran[1].splitlines()
    assert "cost $11.00 to $13.50 over 1 days, 2026-10-05 to 2026-10-05: $2.50 of it is for failed calls that may not be billed" in lines
    assert any(line.startswith("estimated 2 requests whose logs count no tokens: ") for line in lines)
    assert "priced 100.00 % of 7,199,998 tokens, 100.00 % of 9 requests" in lines
