"""Units of value of a book: how units.yaml is read, what counts them, and the baselines that are frozen."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from small import built, limited, make_small
from small_book import SmallBook

from meterbook.assets.audit import read_audit
from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.unit_baselines import FILE, BaselineError, freeze_baseline, load_baselines
from meterbook.assets.workspace import Workspace
from meterbook.reports.unit_figures import UnitDay, cut, daily

pytestmark = pytest.mark.usefixtures("all_small")
SPAN = (date(2026, 9, 1), date(2026, 9, 15))
DAYS = [
    UnitDay(date(2026, 9, 1), 10, 8, Decimal("1.234567890123"), Decimal("7.5"), 10),
    UnitDay(date(2026, 9, 3), 5, 4, Decimal("0.75"), Decimal(4), 5),
]
UNITS = """\
units:
- {unit: answer, label: answer, source: request, scope: {team: search}, success: {not_escalated: true}}
- unit: batch
  label: batch
  feature: nightly
  success: [not_escalated, {min_quality: 0.5}]
  sql: |
    select book_day as day, count(*) as quantity, min(case when status = 'success' then 0.9 end) as quality_score
    from core.request where team = 'search' group by book_day -- one a day
"""


def _units(folder: Path, text: str) -> Path:
    book = SmallBook(folder / "book")
    (book.folder / "units.yaml").write_text(text, "utf-8")
    return book.folder


def _unit(folder: Path, more: str) -> Path:
    return _units(folder, f"units:\n- {{unit: ticket, label: ticket, {more}}}\n")


def test_the_keys_of_before_mean_what_they_meant(tmp_path: Path) -> None:
    more = "feature: chat, target_usd: 0.05, baseline_from: 2026-09-01, baseline_to: 2026-09-15"
    tables = tables_of(Book(_unit(tmp_path, more)))
    [row] = tables["book.unit"].rows(named=True)
    assert (row["unit"], row["feature"], row["target_usd"], row["is_part"]) == ("ticket", "chat", Decimal("0.05"), True)
    assert (row["baseline_from"], row["baseline_to"]) == SPAN
    assert (row["asks_success"], row["asks_no_escalation"], row["min_quality"]) == (True, False, None)
    assert tables["book.unit_scope"].rows() == [("ticket", "feature", "chat")]


def test_a_scope_is_patterns_by_field_and_a_rule_may_be_a_word(tmp_path: Path) -> None:
    scope = 'scope: {feature: [chat, "mail_*"], tenant: acme}, success: not_escalated, quality: rating, improve: 0.2'
    tables = tables_of(Book(_unit(tmp_path, scope)))
    [row] = tables["book.unit"].rows(named=True)
    assert (row["feature"], row["quality_signal"], row["quality_margin"], row["improve_ratio"]) == (
        None,
        "rating",
        Decimal("0.01"),
        Decimal("0.2"),
    )
    assert (row["asks_success"], row["asks_no_escalation"]) == (True, True)
    assert set(tables["book.unit_scope"].rows()) == {
        ("ticket", "feature", "chat"), ("ticket", "feature", "mail!_%"), ("ticket", "tenant", "acme")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("feature: chat, scope: {feature: mail}", "give one of them"),
        ("source: request", "needs a scope"),
        ("source: request, feature: a, sql: select 1", "not by both"),
        ("target_usd: 1, improve: 0.2", "either `target_usd:` or `improve:`"),
        ("improve: 20", "less than 1"),
        ("baseline_from: 2026-09-01", "both `baseline_from:` and `baseline_to:`"),
        ("baseline_from: 2026-09-01, baseline_to: 2026-09-01", "the day after"),
        ("success: happy", "happy"),
        ("quality: {signal: mood}", "rating"),
    ],
)
def test_a_wrong_unit_is_one_line_with_its_place(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(BookError) as wrong:
        Book(_unit(tmp_path, more))
    assert said in str(wrong.value)
    assert str(wrong.value).startswith(f"{tmp_path / 'book' / 'units.yaml'}:2: ")
    assert "\n" not in str(wrong.value)


def test_a_unit_that_is_always_there_is_no_name_for_another(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="always there"):
        Book(_units(tmp_path, "units:\n- {unit: inference, label: call}\n"))


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select day from core.requests", "did you mean core.request?"),
        ("select day from marts.cost", "daily tables of core, not marts.cost"),
        ("select day, quantity_ from core.outcome", "quantity_"),
        ("select book_day as day, 1 as quantit from core.outcome", "did you mean quantity?"),
        ("select 1 as quantity from core.outcome", "no `day`"),
        ("delete from core.outcome", "SELECT"),
        ("select dayy from core.outcome", "dayy"),
        ("select day, unit as is_success from core.unit_count", "circle"),
    ],
)
def test_a_wrong_query_is_one_line_with_its_place(tmp_path: Path, sql: str, said: str) -> None:
    folder = _units(tmp_path, f"units:\n- {{unit: page, label: page}}\n- unit: ticket\n  label: ticket\n  sql: {sql}\n")
    with pytest.raises(BookError) as wrong:
        Workspace(folder)
    assert said in str(wrong.value)
    assert str(wrong.value).startswith(f"{folder / 'units.yaml'}:5: unit 'ticket': ")
    assert "\n" not in str(wrong.value)


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Two days of calls, one of them of nobody."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        book = SmallBook(tmp_path_factory.mktemp("units") / "book")
        (book.folder / "units.yaml").write_text(UNITS, "utf-8")
        book.log("2026-10-01", "2026-10-02")
        book.take("2026.jsonl", {"at": "2026-10-02T13:00:00Z", "model": "small", "input": 10, "output": 1})
        return built(limited(Workspace(book.folder), "marts.unit_cost", "marts.cost"))


def test_requests_and_queries_count_units_and_carry_the_cost_of_their_scope(computed: Workspace) -> None:
    with computed.catalog.connect() as con:
        every = (date.min, date.max)
        answers, batches = cut(con, "answer", every, ["day"]), daily(con, "batch", every)
        whole = con.execute("select sum(cost_usd) from marts.cost where team = 'search'").fetchall()
        [(parts, cost)] = con.execute(
            "select (select sum(cost_usd) from marts.unit_cost where is_part), (select sum(cost_usd) from marts.cost)"
        ).fetchall()
    assert [(row["units"], row["successes"]) for row in answers] == [(1, 1), (1, 1)]
    # Without a feature in its scope its cost may be others', too.
    assert sum(row["cost_usd"] for row in answers) == whole[0][0]
    assert parts == cost
    assert [(day.day, day.units, day.successes, day.quality_sum) for day in batches] == [
        (date(2026, 10, 1), 1, 1, Decimal("0.9")),
        (date(2026, 10, 2), 1, 1, Decimal("0.9")),
    ]


def test_a_baseline_is_frozen_once_byte_for_byte_and_told_in_the_audit(tmp_path: Path) -> None:
    book = _unit(tmp_path, "feature: chat, improve: 0.25")
    made = freeze_baseline(book, "ticket", DAYS, SPAN, "")
    written = (book / FILE).read_bytes()
    assert load_baselines(book) == {"ticket": made}
    assert load_baselines(book)["ticket"].figures == DAYS
    [record] = read_audit(book / "audit.jsonl")
    assert (record.action, record.details["baseline"], record.details["cost_usd"]) == ("baseline", made.digest, "1.984567890123")
    with pytest.raises(BaselineError, match="another needs --why"):
        freeze_baseline(book, "ticket", DAYS[:1], SPAN, "")
    assert (book / FILE).read_bytes() == written
    tables = tables_of(Book(book))
    assert tables["book.unit"]["target_usd"].to_list() == [Decimal("0.124035493133")]
    assert tables["book.unit_baseline"]["cost_usd"].sum() == made.cost_usd


def test_another_baseline_with_a_reason_stands_after_the_first_and_holds(tmp_path: Path) -> None:
    book = _unit(tmp_path, "feature: chat")
    freeze_baseline(book, "ticket", DAYS, SPAN, "")
    written = (book / FILE).read_bytes()
    freeze_baseline(book, "ticket", DAYS[:1], SPAN, "the second day was a holiday")
    assert (book / FILE).read_bytes().startswith(written)
    assert load_baselines(book)["ticket"].successes == 8
    assert [record.why for record in read_audit(book / "audit.jsonl")] == ["", "the second day was a holiday"]


def test_a_baseline_of_nothing_is_not_frozen(tmp_path: Path) -> None:
    book = _unit(tmp_path, "feature: chat")
    with pytest.raises(BaselineError, match="nothing to freeze"):
        freeze_baseline(book, "ticket", [], SPAN, "")
    assert not (book / FILE).exists()
    assert not (book / "audit.jsonl").exists()


@pytest.mark.parametrize("edit", [("successes", 99), ("cost_usd", "1"), ("extra", 1)])
def test_an_edited_baseline_is_refused_with_its_line(tmp_path: Path, edit: tuple[str, object]) -> None:
    book = _unit(tmp_path, "feature: chat")
    freeze_baseline(book, "ticket", DAYS, SPAN, "")
    line = json.loads((book / FILE).read_text("utf-8"))
    (book / FILE).write_text(json.dumps(line | dict([edit])) + "\n", "utf-8")
    with pytest.raises(BookError, match=rf"{FILE}:1: "):
        Book(book)


def test_the_example_of_the_docs_is_read(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "units.md").read_text("utf-8")
    book = Workspace(_units(tmp_path, docs.split("```yaml\n")[1].split("```")[0])).book
    assert [(unit.unit, unit.source, unit.sql is None) for unit in book.units] == [
        ("ticket_resolved", "outcomes", True),
        ("answer", "request", True),
        ("good_session", "outcomes", False),
    ]
