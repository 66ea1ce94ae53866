"""`output_caps`, `retries`, `batch` and `micro_batch` of levers.yaml: what they may say, and the tables SQL sees of them."""

from decimal import Decimal
from pathlib import Path

import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.lever_tokens import FINAL_ERRORS, token_lever_tables
from meterbook.assets.levers import Levers
from meterbook.sql.models import read_inputs
from meterbook.sql.scratch import scratch

TABLES = ("book.output_cap", "book.retry_policy", "book.final_error", "book.batch_lane", "book.micro_batch")


def _book(folder: Path, levers: str = "") -> Book:
    (folder / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    if levers:
        (folder / "levers.yaml").write_text(levers, "utf-8")
    return Book(folder)


@pytest.mark.parametrize(
    ("levers", "why"),
    [
        ("output_caps: [{feature: chat, cap_tokens: 0}]", "greater than or equal to 1"),
        ("output_caps: [{cap_tokens: 9}]", "feature"),
        ("retries: {max_attempts: 0}", "greater than or equal to 1"),
        ("retries: {tries: 2}", "tries"),
        ("batch: [{feature: a, tolerance_hours: 24}, {feature: a, tolerance_hours: 1}]", "feature 'a' is given twice"),
        ("batch: [{feature: a, tolerance_hours: 24, feasible_percent: 101}]", "less than or equal to 100"),
        ("micro_batch: {gain_per_doubling: -0.1}", "greater than or equal to 0"),
    ],
)
def test_a_wrong_entry_is_one_line_that_names_the_file_and_why(levers: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(BookError) as wrong:
        _book(tmp_path, levers)
    said = str(wrong.value)
    assert said.count("\n") == 0
    assert "levers.yaml" in said
    assert why in said


def test_sql_sees_what_the_book_says(tmp_path: Path) -> None:
    levers = """
output_caps: [{feature: chat, model: 'GPT_*', cap_tokens: 900}, {feature: chat, cap_tokens: 400}]
retries: {max_attempts: 2, not_retryable: ['*Refused*', '400']}
batch: [{feature: digest, tolerance_hours: 24}, {feature: mail, tolerance_hours: 48, feasible_percent: 50}]
micro_batch: {gain_per_doubling: 0.35}
"""
    tables = tables_of(_book(tmp_path, levers))
    assert tables["book.output_cap"].rows() == [(1, "chat", "gpt!_%", 900), (2, "chat", "%", 400)]
    assert tables["book.retry_policy"].rows() == [(2,)]
    assert tables["book.final_error"].rows() == [("%refused%",), ("400",)]
    assert tables["book.batch_lane"].rows() == [("digest", 24, 800_000), ("mail", 48, 500_000)]
    assert tables["book.micro_batch"].rows() == [(Decimal("0.35"),)]
    assert all(tables[name].columns == list(read_inputs()[name]) for name in TABLES)


def test_without_the_file_three_attempts_are_the_limit_and_nothing_else_is_assumed(tmp_path: Path) -> None:
    tables = token_lever_tables(_book(tmp_path).levers)
    assert tables["book.retry_policy"].rows() == [(3,)]
    assert tables["book.final_error"].height == len(FINAL_ERRORS)
    assert tables["book.output_cap"].is_empty()
    assert tables["book.batch_lane"].is_empty()
    assert tables["book.micro_batch"].rows() == [(None,)]


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        ("BadRequestError", True), ("ContextWindowExceededError", True), ("ContentPolicyViolationError", True),
        ("AuthenticationError", True), ("invalid_request_error", True), ("not_found_error", True), ("422", True),
        ("insufficient_quota", True),
        ("Timeout", False), ("RateLimitError", False), ("overloaded_error", False), ("InternalServerError", False), ("503", False),
        ("429", False), ("APIConnectionError", False), ("ServiceUnavailableError", False), ("", False),
    ],
)  # fmt: skip
def test_errors_of_gateways_and_providers_are_told_apart_by_whether_a_repeat_can_mend_them(error: str, is_final: bool) -> None:
    patterns = token_lever_tables(Levers())["book.final_error"]["pattern"].to_list()
    with scratch() as con:
        found = con.execute("select count(*) from (select unnest(?) as pattern) where lower(?) like pattern escape '!'", [patterns, error])
        assert (found.fetchall()[0][0] > 0) is is_final
