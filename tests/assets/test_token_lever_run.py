"""A book whose log says how long answers might be, what failed and what may wait: from its file to what the levers of tokens say."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from small import built, limited

from meterbook.assets.workspace import Workspace

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("all_small")]
ASKED = ("marts.output_use", "marts.prompt_growth", "marts.retry_waste", "marts.batch_use", "marts.micro_batch")
NAMES = (
    *("operation_id", "attempt", "status", "error_class", "finish_reason", "max_output_tokens", "is_streaming", "has_tools"),
    *("is_deferrable", "feature", "request_id"),
)
COLUMNS = ", ".join(f"{name}: {name}" for name in NAMES)
BOOK = f"""\
name: Acme
sources:
  - name: log
    path: "*.jsonl"
    format: mapped
    mapping:
      kind: request
      columns: {{started_at: at, model: model, input_tokens: input, output_tokens: output, {COLUMNS}}}
      constants: {{provider: acme}}
"""
CARD = """\
provider: acme
models:
  large:
    rates:
      - {starts_on: 2026-01-01, input: 10, output: 40, source: x, checked_on: 2026-01-01}
      - {tier: batch, starts_on: 2026-01-01, input: 5, output: 20, source: x, checked_on: 2026-01-01}
"""
CALL = {
    "model": "large", "input": 1000, "output": 100, "attempt": 1, "status": "success", "finish_reason": "stop", "max_output_tokens": 4096,
    "is_streaming": True, "has_tools": False, "feature": "chat",
}  # fmt: skip


def _call(at: str, name: str, **more: object) -> dict[str, object]:
    return {**CALL, "at": at, "request_id": name, "operation_id": f"op {name}", **more}


def _calls() -> Iterator[dict[str, object]]:
    """A day of 250 answers from which a cap is found, and the next one."""
    for number in range(250):
        yield _call(f"2026-10-01T{number // 60:02d}:{number % 60:02d}:00Z", f"old {number}", output=900 if number < 3 else 100)
    next_day = "2026-10-02T10:00:0"
    yield _call(f"{next_day}0Z", "long", output=1900)
    yield _call(f"{next_day}1Z", "cut", output=4096, finish_reason="length", operation_id="op cut")
    yield _call(f"{next_day}2Z", "again", attempt=2, operation_id="op cut")
    yield _call(f"{next_day}3Z", "digest", feature="digest", is_streaming=False, is_deferrable=True)
    for attempt in (1, 2, 3, 4):
        yield _call(
            f"{next_day}{attempt + 3}Z", f"bad {attempt}", attempt=attempt, operation_id="op bad", status="failure", error_class="Timeout"
        )


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("levers") / "book"
    for name in ("inbox", "rate_cards"):
        (folder / name).mkdir(parents=True)
    (folder / "meterbook.yaml").write_text(BOOK, "utf-8")
    (folder / "rate_cards" / "acme.yaml").write_text(CARD, "utf-8")
    (folder / "inbox" / "log.jsonl").write_text("".join(json.dumps(call) + "\n" for call in _calls()), "utf-8")
    workspace = built(limited(Workspace(folder), *ASKED))
    with workspace.catalog.connect() as con:
        yield con


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = con.execute(query).fetchall()
    return found


def test_a_cap_is_found_from_the_days_before_and_priced_against_what_it_would_cut_off(lake: duckdb.DuckDBPyConnection) -> None:
    query = """select cap_tokens, asked_cap_tokens, truncated_requests, asked_again_requests, truncated_cost_usd, over_cap_tokens,
        low_saving_usd, high_saving_usd from marts.output_use where day = '2026-10-02' and feature = 'chat'"""
    # 995 in a thousand of 250 are 249: the two longest but one decide, in a bin that ends at 904. Beyond it: 996 and 3192 tokens at 40
    # dollars a million; asked again, each costs its input and what the cap lets through, 0.01 + 0.03616.
    spared = Decimal(40) * (996 + 3192) / 1_000_000
    again = 2 * Decimal("0.04616")
    assert _rows(lake, query) == [(904, 4096, 1, 1, Decimal("0.17384"), 4188, spared - again, spared)]
    assert _rows(lake, "select distinct unknown_reason from marts.output_use where day = '2026-10-01'") == [
        ("fewer than 200 accepted answers in the 28 days before",)
    ]


def test_the_fourth_attempt_is_beyond_the_limit_and_a_call_that_may_wait_costs_half_by_batch(lake: duckdb.DuckDBPyConnection) -> None:
    query = "select failed_attempts, paid_attempts, beyond_attempts, low_saving_usd, high_saving_usd from marts.retry_waste"
    assert _rows(lake, query) == [(4, 4, 1, Decimal("0.014"), Decimal("0.056"))]
    query = "select eligible_requests, eligible_cost_usd, low_saving_usd, high_saving_usd from marts.batch_use where feature = 'digest'"
    assert _rows(lake, query) == [(1, Decimal("0.014"), Decimal("0.0056"), Decimal("0.007"))]
