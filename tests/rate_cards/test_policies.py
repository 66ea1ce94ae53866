"""Which failed calls are billed: what the shipped policies say of errors as logs name them, and how entries are read."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from meterbook.assets.workspace import columns, project
from meterbook.rate_cards.policy import SHIPPED, PolicyError, load_policies, read_policies
from meterbook.rate_cards.strict_yaml import StrictYamlError
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

ENTRY = "{provider: openai, errors: ['429'], verdict: not billed, source: told, checked_on: 2026-11-01}"
NOWHERE = Path("nowhere/policies.yaml")
BILLED, FREE, UNKNOWN, NONE = "billed", "not billed", "unknown", None


def _write(folder: Path, *entries: str) -> Path:
    path = folder / "policies.yaml"
    path.write_text("policies:\n" + "".join(f"- {entry}\n" for entry in entries), "utf-8")
    return path


def _verdict(
    policies: pl.DataFrame, provider: str, error: str, tokens: int = 0, day: str = "2026-10-02"
) -> tuple[str | None, bool, Decimal]:
    """What core.policy_in_force says of one failed call."""
    model = project().models["core.policy_in_force"]
    with scratch() as con:
        empty_table(con, "staging.request", columns()["staging.request"])
        values = [day, provider, error, tokens]
        con.execute("insert into staging.request (day, provider, error_class, status, input_tokens) values (?, ?, ?, 'failure', ?)", values)
        con.execute("create schema rate_cards; create table rate_cards.policy as from policies")
        con.execute(f"set variable from_day = date '{day}'; set variable to_day = date '{day}' + 1")
        rows = con.execute(f"select verdict, is_dispatched, fee_usd from ({model.sql})").fetchall()
    return rows[0] if rows else (None, False, Decimal(0))


@pytest.fixture(scope="module")
def shipped() -> pl.DataFrame:
    return load_policies(NOWHERE)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google", "azure.ai.openai", "aws.bedrock", "mistral", ""])
@pytest.mark.parametrize(
    "error",
    ["429", "401", "404", "RateLimitError", "openai.RateLimitError", "ThrottlingException", "rate_limit_error", "RESOURCE_EXHAUSTED"],
)
def test_what_was_declined_is_not_billed_whatever_its_log_counts(shipped: pl.DataFrame, provider: str, error: str) -> None:
    assert _verdict(shipped, provider, error)[0] == FREE
    assert _verdict(shipped, provider, error, tokens=1000)[0] == FREE


@pytest.mark.parametrize(
    "error", ["408", "499", "Timeout", "APITimeoutError", "openai.APITimeoutError", "RequestCancelled", "ClientDisconnect"]
)
def test_whether_a_call_its_caller_gave_up_is_billed_is_known_of_few_providers(shipped: pl.DataFrame, error: str) -> None:
    assert _verdict(shipped, "openai", error)[:2] == (UNKNOWN, True)
    assert _verdict(shipped, "google", error)[:2] == (UNKNOWN, True)
    assert _verdict(shipped, "anthropic", error)[:2] == (BILLED, True)


@pytest.mark.parametrize(
    ("provider", "error", "tokens", "verdict"),
    [
        ("azure.ai.openai", "408", 0, BILLED),
        ("azure.ai.openai", "ContentPolicyViolationError", 100, BILLED),
        ("azure.ai.openai", "content_filter", 100, BILLED),
        ("azure.ai.openai", "ContextWindowExceededError", 0, BILLED),
        ("azure.ai.openai", "400", 0, UNKNOWN),
        ("openai", "ContentPolicyViolationError", 0, FREE),
        ("openai", "ContextWindowExceededError", 0, FREE),
        ("aws.bedrock", "GuardrailRaisedException", 100, BILLED),
        ("openai", "GuardrailRaisedException", 100, UNKNOWN),
        ("openai", "GuardrailRaisedException", 0, FREE),
        ("openai", "JSONSchemaValidationError", 100, BILLED),
        ("openai", "BadRequestError", 0, FREE),
        ("openai", "BudgetExceededError", 0, FREE),
        ("openai", "503", 0, FREE),
        ("anthropic", "overloaded_error", 0, FREE),
        ("anthropic", "529", 0, FREE),
        ("openai", "500", 0, FREE),
        ("openai", "InternalServerError", 100, UNKNOWN),
        ("anthropic", "InternalServerError", 100, FREE),
        ("google", "500", 100, FREE),
        ("google", "504", 100, FREE),
        ("openai", "504", 0, UNKNOWN),
        ("openai", "MidStreamFallbackError", 100, UNKNOWN),
        ("aws.bedrock", "ModelStreamErrorException", 0, UNKNOWN),
        ("openai", "APIConnectionError", 0, UNKNOWN),
        ("openrouter", "anything", 0, FREE),
        ("openrouter", "499", 0, UNKNOWN),
        ("openai", "a word nobody knows", 0, NONE),
        ("openai", "", 0, NONE),
    ],
)
def test_an_error_meets_the_policy_of_its_provider(
    shipped: pl.DataFrame, provider: str, error: str, tokens: int, verdict: str | None
) -> None:
    assert _verdict(shipped, provider, error, tokens)[0] == verdict


def test_content_that_xai_catches_before_generation_may_cost_a_fee(shipped: pl.DataFrame) -> None:
    assert _verdict(shipped, "x_ai", "403") == (UNKNOWN, False, Decimal("0.05"))
    assert _verdict(shipped, "x_ai", "content_filter", tokens=100) == (BILLED, False, Decimal(0))


def test_a_provider_is_known_by_every_name_logs_have_for_it(shipped: pl.DataFrame) -> None:
    assert _verdict(shipped, "xai", "403") == _verdict(shipped, "x_ai", "403")
    assert _verdict(shipped, "Azure", "408")[0] == BILLED


def test_a_refusal_is_never_estimated_and_a_fee_is_never_free(shipped: pl.DataFrame) -> None:
    assert shipped.filter((pl.col("verdict") == FREE) & (pl.col("is_dispatched") | (pl.col("fee_usd") > 0))).is_empty()


def test_the_books_own_entry_wins_over_the_shipped_ones(tmp_path: Path) -> None:
    own = _write(tmp_path, "{provider: '*', errors: ['*'], verdict: billed, source: our contract, checked_on: 2026-11-01}")
    found = load_policies(own)
    assert _verdict(found, "openai", "429")[0] == BILLED
    assert _verdict(found, "openai", "")[0] == BILLED
    assert found["file"].unique().sort().to_list() == ["failed_calls.yaml", "policies.yaml"]


def test_a_policy_that_changed_holds_until_the_day_of_the_new_one(tmp_path: Path) -> None:
    old = "{provider: acme, errors: [odd], verdict: billed, ends_on: 2026-10-02, source: told, checked_on: 2026-11-01}"
    new = "{provider: acme, errors: [odd], verdict: not billed, starts_on: 2026-10-02, source: told, checked_on: 2026-11-01}"
    found = load_policies(_write(tmp_path, old, new))
    assert _verdict(found, "acme", "odd", day="2026-10-01")[0] == BILLED
    assert _verdict(found, "acme", "odd", day="2026-10-02")[0] == FREE


def test_an_entry_can_be_for_errors_without_a_name(tmp_path: Path) -> None:
    entry = "{provider: acme, errors: [''], verdict: not billed, source: told, checked_on: 2026-11-01}"
    assert _verdict(load_policies(_write(tmp_path, entry)), "acme", "")[0] == FREE


def test_a_letter_that_like_would_take_for_any_is_that_letter(tmp_path: Path) -> None:
    found = load_policies(_write(tmp_path, ENTRY.replace("'429'", "a_b%c!d*")), tmp_path / "none shipped")
    assert found["error_class"].to_list() == ["a!_b!%c!!d%"]
    assert found["rule"].to_list() == ["a_b%c!d* of openai from 2020-01-01"]


def test_the_shipped_entries_say_where_they_are_from_and_when_they_were_read() -> None:
    policies = [policy for path in SHIPPED.glob("*.yaml") for policy in read_policies(path)]
    assert policies
    assert all(policy.checked_on >= date(2026, 11, 1) and len(policy.source) > 20 for policy in policies)


def test_a_book_without_policies_has_the_shipped_ones_in_the_columns_sql_knows(shipped: pl.DataFrame) -> None:
    assert shipped.columns == list(columns()["rate_cards.policy"])
    assert shipped["rank"].is_unique().all()


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([ENTRY.replace("errors", "error")], "2: policies.0.errors: Field required (and 1 more)"),
        (
            [ENTRY.replace("verdict: not billed", "verdict: free")],
            "2: policies.0.verdict: Input should be 'billed', 'not billed' or 'unknown'",
        ),
        ([ENTRY.replace("source: told, ", "")], "2: policies.0.source: Field required"),
        ([ENTRY, ENTRY.replace("['429']", "[]")], "3: policies.1.errors: Tuple should have at least 1 item after validation, not 0"),
        ([ENTRY.replace("}", ", fee: 0.05}")], "2: policies.0: what is not billed has neither `fee` nor `after_dispatch`"),
        (
            [ENTRY.replace("}", ", starts_on: 2026-02-01, ends_on: 2026-02-01}")],
            "2: policies.0: ends_on 2026-02-01 (exclusive) must lie after starts_on 2026-02-01",
        ),
        (
            [ENTRY, ENTRY.replace("openai", "OpenAI")],
            "3: '429' of OpenAI is also in line 2, for the same days; end one where the other starts",
        ),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_line(tmp_path: Path, entries: list[str], why: str) -> None:
    path = _write(tmp_path, *entries)
    with pytest.raises(PolicyError) as error:
        load_policies(path)
    assert str(error.value) == f"{path}:{why}"


def test_a_misspelt_key_is_guessed(tmp_path: Path) -> None:
    path = _write(tmp_path, ENTRY.replace("}", ", after_dispach: true}"))
    with pytest.raises(PolicyError, match=r":2: policies\.0\.after_dispach: unknown key; did you mean after_dispatch\?"):
        load_policies(path)


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, ENTRY.replace("}", ", verdict: billed}"))
    with pytest.raises(StrictYamlError, match="key 'verdict' is given twice"):
        load_policies(path)
