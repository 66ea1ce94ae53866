"""savings.yaml: read strictly; states in order, each with its day; models that are on a card."""

from pathlib import Path

import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.saving_tables import saving_tables

IDEA = "{name: one, lever: batch, owner: search, status: idea, idea_on: 2026-10-01%s}"
ROUTE = "lever: routing, owner: search, status: idea, idea_on: 2026-10-01, was: {model: %s}, to: {model: 'small*'}"
CARD = """\
provider: acme
models:
  large:
    rates: [{starts_on: 2026-01-01, input: 10, output: 40, source: x, checked_on: 2026-01-01}]
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "meterbook.yaml").write_text("name: Acme\n")
    return tmp_path


def _read(book: Path, *entries: str) -> Book:
    (book / "savings.yaml").write_text("savings:\n" + "".join(f"  - {entry}\n" for entry in entries))
    return Book(book)


def _live(more: str) -> str:
    return IDEA.replace("idea,", "live,") % f", committed_on: 2026-10-02, live_since: 2026-10-05{more}"


def test_a_book_without_the_file_has_no_ideas(book: Path) -> None:
    assert Book(book).savings == ()
    assert saving_tables(Book(book))["book.saving"].is_empty()


def test_an_idea_becomes_a_row_with_patterns_and_the_28_days_before_it_is_live(book: Path) -> None:
    found = saving_tables(_read(book, _live(", scope: {model: 'GPT_5*'}, estimate: {low: -1, point: 2.5, high: 3}")))["book.saving"]
    [row] = found.rows(named=True)
    assert (row["place"], row["step"], row["model"]) == (1, 6, "gpt!_5%")
    assert (str(row["baseline_from"]), str(row["live_since"]), str(row["ends_on"])) == ("2026-09-07", "2026-10-05", "9999-12-31")
    assert str(row["point_usd"]) == "2.500000000000"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (IDEA % ", live_since: 2026-10-05", "`live_since` is given, but the status is 'idea': say 'live', or leave the date out"),
        (IDEA.replace("idea,", "live,") % ", live_since: 2026-10-05", "`committed_on` is missing: every state passed has its day"),
        (_live(", retired_on: 2026-10-09"), "`retired_on` is given, but the status is 'live': say 'retired', or leave the date out"),
        (
            _live("").replace("live_since: 2026-10-05", "live_since: 2026-10-01"),
            "`live_since` 2026-10-01 lies before `committed_on` 2026-10-02",
        ),
        (IDEA.replace("idea,", "retired,") % "", "`retired_on` is missing"),
        (IDEA % ", to: {model: x}", "`was.model` and `to` are of lever routing; batch keeps its model"),
        (IDEA % ", scope: {pool: training}", "`scope` of lever gpu is {pool: NAME} and nothing else"),
        (IDEA.replace("batch", "gpu") % "", "`scope` of lever gpu is {pool: NAME} and nothing else"),
        (IDEA.replace("batch", "routing") % "", "lever routing needs the models"),
        (IDEA % ", was: {gpu_hours_per_day: 5}", "`was.gpu_hours_per_day` is of lever gpu"),
        (IDEA % ", estimate: {low: 3, point: 2, high: 4}", "low 3, point 2, high 4 must not fall"),
        (IDEA % ", ownr: x", "unknown key; did you mean owner?"),
        (_live(", verified_on: 2026-10-09").replace("live,", "verified,"), "what is verified has a signal that did not fall"),
    ],
)
def test_what_contradicts_itself_is_an_error_that_names_file_line_and_what_to_do(book: Path, entry: str, said: str) -> None:
    with pytest.raises(BookError, match=r"savings\.yaml:\d+: savings\.0") as error:
        _read(book, entry)
    assert said in str(error.value)


def test_a_name_given_twice_is_refused(book: Path) -> None:
    with pytest.raises(BookError, match="saving 'one' is given twice"):
        _read(book, IDEA % "", IDEA % "")


def test_an_idea_may_be_retired_from_any_state(book: Path) -> None:
    assert _read(book, IDEA.replace("idea,", "retired,") % ", retired_on: 2026-10-09").savings[0].status == "retired"


def test_a_model_before_that_no_card_has_is_refused_with_the_nearest_name(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meterbook.rate_cards.composed.SHIPPED", Path("nothing shipped"))
    (book / "rate_cards").mkdir()
    (book / "rate_cards/acme.yaml").write_text(CARD)
    assert saving_tables(_read(book, f"{{name: a, {ROUTE % 'large'}}}"))["book.saving"]["to_model"].to_list() == ["small%"]
    wrong = _read(book, f"{{name: a, {ROUTE % 'lage'}}}")
    with pytest.raises(BookError, match=r"savings\.yaml:2: savings\.0\.was\.model: no rate card has a model 'lage'; did you mean large\?"):
        saving_tables(wrong)
