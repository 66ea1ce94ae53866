"""budgets.yaml: read strictly, and as tables of SQL: scopes in words, levels, classes as patterns."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.budget_tables import budget_tables
from meterbook.assets.budgets import BudgetsFile
from meterbook.assets.dated import OPEN

CLASSES = "model_classes: [{class: premium, models: ['claude-opus*', 'O3_*']}, {class: rest, models: ['*']}]\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "meterbook.yaml").write_text("name: Acme\n")
    return tmp_path


def _read(book: Path, entry: str, more: str = "") -> BudgetsFile:
    (book / "budgets.yaml").write_text(f"{more}budgets:\n  - {{budget: b, {entry}}}\n")
    return Book(book).budgets_file


def test_a_book_without_the_file_has_tables_without_rows(book: Path) -> None:
    assert {name: frame.height for name, frame in budget_tables(Book(book).budgets_file).items()} == {
        "book.budget": 0,
        "book.budget_amount": 0,
        "book.budget_level": 0,
        "book.model_class": 0,
        "book.rate_limit": 0,
    }


def test_a_quota_becomes_a_row_with_its_scope_and_its_limit_in_words(book: Path) -> None:
    entry = (
        "measure: tokens, amount: 1.5, team: red, tenant: acme, model_class: premium, forecast_levels: [100, 80],"
        "at_limit: {do: fall back, model: small, max_output_tokens: 1200, max_input_tokens: 60000}"
    )
    made = budget_tables(_read(book, entry, CLASSES))
    [row] = made["book.budget"].to_dicts()
    assert (row["measure"], row["amount"], row["period"], row["owner"]) == ("tokens", Decimal("1.5"), "month", "red")
    assert row["scope"] == "red, acme, class premium"
    assert row["at_limit"] == "calls go to small, answers of at most 1,200 tokens, at most 60,000 tokens of context"
    levels = [tuple(level.values()) for level in made["book.budget_level"].to_dicts()]
    assert levels == [
        *(("b", "actual", level, None) for level in (50, 80, 95)),
        ("b", "forecast", 80, "b at 80 %"),
        ("b", "forecast", 100, "b"),
    ]
    classes = [tuple(one.values()) for one in made["book.model_class"].to_dicts()]
    assert classes == [(1, "premium", "claude-opus%"), (2, "premium", "o3!_%"), (3, "rest", "%")]


def test_a_budget_of_nothing_is_a_budget_and_who_is_told_is_the_team_or_finance(book: Path) -> None:
    [nothing] = budget_tables(_read(book, "amount_usd: 0"))["book.budget"].to_dicts()
    assert (nothing["amount"], nothing["scope"], nothing["owner"]) == (0, "everything", "finance")
    assert nothing["at_limit"] == "finance is told, nothing is stopped"
    [blocked] = budget_tables(_read(book, "amount_usd: 5, team: red, owner: lead, at_limit: {do: block}"))["book.budget"].to_dicts()
    assert (blocked["owner"], blocked["at_limit"]) == ("lead", "the gateway refuses further calls")


def test_a_raise_is_the_amount_in_force_on_its_days(book: Path) -> None:
    entry = "amount_usd: 5, starts_on: 2026-01-01, raises: [{amount: 8, starts_on: 2026-10-01, ends_on: 2026-11-01}]"
    rows = budget_tables(_read(book, entry))["book.budget_amount"].rows()
    assert rows == [
        ("b", date(2026, 1, 1), date(2026, 10, 1), Decimal(5)),
        ("b", date(2026, 10, 1), date(2026, 11, 1), Decimal(8)),
        ("b", date(2026, 11, 1), OPEN, Decimal(5)),
    ]


def test_a_limit_of_rate_becomes_a_row(book: Path) -> None:
    (book / "budgets.yaml").write_text("rate_limits: [{limit: chat, feature: chat, requests_per_minute: 60}]")
    [row] = budget_tables(Book(book).budgets_file)["book.rate_limit"].to_dicts()
    assert (row["limit_name"], row["scope"], row["requests_per_minute"], row["tokens_per_minute"]) == ("chat", "chat", 60, None)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("amount: 5", "measure dollars has `amount_usd`"),
        ("measure: tokens, amount_usd: 5", "measure tokens has `amount`"),
        ("measure: tokens, amount: 5, amount_usd: 5", "measure tokens has `amount`, and only that"),
        ("amount_usd: -1", "amount_usd"),
        ("amount_usd: 0.0000001", "amount_usd"),
        ("amount_usd: 1000000000000000000000", "amount_usd"),
        ("amount_usd: 5, levels: [50, 80, 50]", "levels names a level twice"),
        ("amount_usd: 5, forecast_levels: [100, 100]", "forecast_levels names a level twice"),
        ("amount_usd: 5, levels: [0]", "levels"),
        ("amount_usd: 5, model_class: premium", "model_class 'premium' is not among model_classes: there are none"),
        ("measure: gpu_hours, amount: 5, environment: prod", "GPUs have no model and no environment"),
        ("amount_usd: 5, at_limit: {do: fall back}", "`fall back` needs a model"),
        ("amount_usd: 5, at_limit: {do: block, model: small}", "`tell` and `block` have none"),
        ("amount_usd: 5, starts_on: 2026-10-01, ends_on: 2026-10-01", "must lie after"),
        ("amount_usd: 5, periode: week", "period"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_that_names_the_file(book: Path, entry: str, said: str) -> None:
    with pytest.raises(BookError, match=r"budgets\.yaml") as wrong:
        _read(book, entry)
    assert said in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_a_budget_or_a_limit_is_not_given_twice(book: Path) -> None:
    (book / "budgets.yaml").write_text("budgets: [{budget: b, amount_usd: 1}, {budget: b, amount_usd: 2}]")
    with pytest.raises(BookError, match="budget 'b' is given twice"):
        Book(book)
    (book / "budgets.yaml").write_text("rate_limits: [{limit: r, requests_per_minute: 1}, {limit: r, tokens_per_minute: 1}]")
    with pytest.raises(BookError, match="rate limit 'r' is given twice"):
        Book(book)
    (book / "budgets.yaml").write_text("rate_limits: [{limit: r}]")
    with pytest.raises(BookError, match="requests_per_minute, tokens_per_minute or both"):
        Book(book)
