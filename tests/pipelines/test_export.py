"""`meterbook export focus`, from files in an inbox to files for others."""

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from running import typed
from small import built, freeze, limited, make_small
from small_book import DAYS, SmallBook

from meterbook.assets.workspace import Workspace

pytestmark = pytest.mark.long

EXPORT = ("export", "focus", "--period")
DAY = Decimal("1.000003") + Decimal("0.000404")
"""A call of 1,000,003 tokens in, at a dollar the million, and 101 out at four."""
BILL = """\
name: Acme
sources:
  - name: log
    path: "20*.jsonl"
    format: mapped
    mapping:
      kind: request
      columns: {started_at: at, model: model, input_tokens: input, output_tokens: output, team: team}
      constants: {provider: acme}
  - name: bill
    path: "bill*.jsonl"
    format: mapped
    mapping:
      kind: charge
      columns: {charge_id: id, starts_at: at, billed_cost: billed, charge_category: category}
      constants: {provider: acme}
"""


def _build(book: SmallBook) -> None:
    built(limited(Workspace(book.folder), "marts.focus_total", "marts.day_profile", "marts.priced_use"))


def _billed(book: SmallBook) -> SmallBook:
    """The small book, with a bill of its first day in October."""
    (book.folder / "meterbook.yaml").write_text(BILL, "utf-8")
    book.take("bill.jsonl", {"id": "one", "at": "2026-10-01T00:00:00Z", "billed": "1.25", "category": "Usage"})
    book.take("bill.jsonl", {"id": "two", "at": "2026-10-01T00:00:00Z", "billed": "-0.5", "category": "Credit"})
    return book


@pytest.fixture
def book(small_book: SmallBook) -> SmallBook:
    return _billed(small_book)


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        book = _billed(SmallBook(tmp_path_factory.mktemp("export") / "book"))
        book.log(*DAYS)
        _build(book)
    return book.folder


@pytest.fixture
def built_book(_made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallBook:
    """The book with what an export reads."""
    make_small(monkeypatch)
    shutil.copytree(_made, tmp_path / "book")
    return SmallBook(tmp_path / "book")


def test_a_month_is_exported_with_its_costs_and_its_bills_once(built_book: SmallBook) -> None:
    said = typed(built_book.folder, *EXPORT, "2026-10")
    assert said.code == 0, said.err
    folder = built_book.folder / "exports" / "focus" / "2026-10"
    assert said.out.split() == [str(folder / name) for name in ("focus.parquet", "focus.csv", "manifest.json")]
    rows = pq.read_table(folder / "focus.parquet").to_pylist()
    # Of the first of the two days the bill says 1.25, and credits 0.50.
    assert sum(row["BilledCost"] for row in rows) == Decimal("0.75")
    assert sum(row["EffectiveCost"] for row in rows) == Decimal("0.75") + DAY
    assert sum(row["ListCost"] for row in rows if row["x_CostBasis"] == "computed") == 2 * DAY
    assert {row["BillingAccountName"] for row in rows} == {"Acme"}
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert (manifest["state"], manifest["left_out"]) == ("open", {})


def test_what_came_too_late_for_a_closed_month_is_a_correction_in_the_open_one(built_book: SmallBook) -> None:
    freeze(built_book.folder, "2026-09")
    _build(built_book)
    said = typed(built_book.folder, *EXPORT, "2026-09")
    assert said.code == 1
    assert "2026-09 is closed and would come out otherwise now" in said.err
    assert typed(built_book.folder, *EXPORT, "2026-10").code == 0
    rows = pq.read_table(built_book.folder / "exports" / "focus" / "2026-10" / "focus.parquet").to_pylist()
    late = [row for row in rows if row["ChargeClass"] == "Correction"]
    assert {row["x_CorrectsPeriod"] for row in late} == {"2026-09"}
    assert sum(row["EffectiveCost"] for row in late) == 2 * DAY
    assert sum(row["EffectiveCost"] for row in rows) == Decimal("0.75") + DAY + 2 * DAY


@pytest.mark.parametrize(("period", "why"), [("2026-08", "there is nothing of 2026-08 in the lake"), ("october", "'october' is no month")])
def test_an_empty_month_is_one_line_and_exit_code_2(built_book: SmallBook, period: str, why: str) -> None:
    said = typed(built_book.folder, *EXPORT, period)
    assert (said.code, said.out) == (2, "")
    assert why in said.err
    assert said.err.count("\n") == 1
    assert not (built_book.folder / "exports").exists()


def test_a_month_of_which_too_little_has_a_price_is_held_back(built_book: SmallBook) -> None:
    built_book.log("2026-10-02", model="nobody knows it")
    _build(built_book)
    said = typed(built_book.folder, *EXPORT, "2026-10")
    assert said.code == 1
    assert "have a price, less than coverage_target" in said.err
    assert not (built_book.folder / "exports").exists()


def test_rows_are_made_by_the_export_and_follow_the_lake(book: SmallBook) -> None:
    built(limited(Workspace(book.folder), "core.closed_correction", "marts.day_profile", "marts.priced_use"))
    assert typed(book.folder, *EXPORT, "2026-10").code == 0
    folder = book.folder / "exports" / "focus" / "2026-10"
    before = pq.read_table(folder / "focus.parquet").to_pylist()
    book.log("2026-10-03")
    book.run()
    assert typed(book.folder, *EXPORT, "2026-10").code == 0
    after = pq.read_table(folder / "focus.parquet").to_pylist()
    assert sum(row["EffectiveCost"] for row in after) - sum(row["EffectiveCost"] for row in before) == DAY
