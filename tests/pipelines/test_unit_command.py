"""`meterbook unit` as it is typed: figures by period and cut, a baseline, the tracker."""

import csv
import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from running import typed
from small import built, limited, make_small
from small_book import SmallBook

from meterbook.assets.workspace import Workspace

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("all_small")]
UNITS = """\
units:
- {unit: answer, label: answer, source: request, scope: {team: search}, improve: 0.2, baseline_from: 2026-09-29, baseline_to: 2026-10-01}
"""
CALL = Decimal("1.000407")
"""What a request of SmallBook.log costs."""


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A call on each of four days, and another on the last."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        book = SmallBook(tmp_path_factory.mktemp("unit") / "book")
        (book.folder / "units.yaml").write_text(UNITS, "utf-8")
        book.log("2026-09-29", "2026-09-30", "2026-10-01", "2026-10-02")
        book.log("2026-10-02")
        built(limited(Workspace(book.folder), "marts.unit_cost"))
    return book.folder


@pytest.fixture
def book(computed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(computed, tmp_path / "book"))


def test_units_are_listed_with_what_counts_them(computed: Path) -> None:
    rows = json.loads(typed(computed, "unit", "list", "--format", "json").out)
    assert [row["unit"] for row in rows] == ["answer", "inference"]
    assert rows[0] | {"counted_by": "request", "scope": "team search", "days": "2026-09-29 to 2026-10-02", "baseline": ""} == rows[0]


def test_months_are_sums_of_their_days_and_divide_to_the_pico_dollar(computed: Path) -> None:
    said = typed(computed, "unit", "show", "answer", "--by", "month", "--by", "model", "--format", "csv")
    rows = list(csv.DictReader(said.out.splitlines()))
    assert [(row["month"], row["model"], row["units"], row["successes"]) for row in rows] == [
        ("2026-09", "small", "2", "2"),
        ("2026-10", "small", "3", "3"),
    ]
    assert [Decimal(row["cost_usd"]) for row in rows] == [2 * CALL, 3 * CALL]
    assert [Decimal(row["cost_per_unit_usd"]) for row in rows] == [CALL, CALL]


def test_inference_is_always_there_by_the_thousand(computed: Path) -> None:
    [row] = json.loads(typed(computed, "unit", "show", "inference", "--by", "tenant", "--format", "json").out)
    assert (row["units"], Decimal(row["cost_per_unit_usd"])) == (5, CALL * 1000)
    assert "per thousand inferences" in typed(computed, "unit", "show", "inference").out


def test_days_may_be_asked_for(computed: Path) -> None:
    said = typed(computed, "unit", "show", "answer", "--by", "day", "--from", "2026-10-01", "--to", "2026-10-01", "--format", "json")
    assert [row["day"] for row in json.loads(said.out)] == ["2026-10-01"]


def test_a_baseline_is_frozen_once_and_the_tracker_holds_units_against_it(book: Path) -> None:
    before = json.loads(typed(book, "unit", "track", "answer", "--format", "json").out)
    assert "not frozen" in before[0]["baseline"]
    assert typed(book, "unit", "baseline", "answer").out.startswith("answer: 2026-09-29 to 2026-09-30, 2 delivered for 2.000814")
    written = (book / "baselines.jsonl").read_bytes()
    again = typed(book, "unit", "baseline", "answer")
    assert (again.code, "another needs --why" in again.err) == (2, True)
    assert (book / "baselines.jsonl").read_bytes() == written
    [row] = json.loads(typed(book, "unit", "track", "answer", "--format", "json").out)
    assert "frozen on" in row["baseline"]
    assert (Decimal(row["baseline_usd"]), Decimal(row["target_usd"])) == (CALL, CALL * Decimal("0.8"))
    assert row["standing"] == "not yet"
    assert "not yet" in typed(book, "unit", "track").out
    assert typed(book, "unit", "baseline", "answer", "--why", "a test", "--from", "2026-10-01").code == 0
    assert typed(book, "unit", "list", "--format", "json").out.count("2026-10-01 to") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "nothing"), "there are answer, inference"),
        (("show", "answer", "--by", "colour"), "--by colour is none of day, week"),
        (("show", "answer", "--from", "2026-10-02", "--to", "2026-10-01"), "--to lies before --from"),
        (("track", "nothing"), "no unit 'nothing'"),
        (("baseline", "answer", "--from", "2026-12-01", "--to", "2026-12-02"), "nothing to freeze"),
    ],
)
def test_a_wrong_question_is_one_line(computed: Path, words: tuple[str, ...], said: str) -> None:
    found = typed(computed, "unit", *words)
    assert found.code == 2
    assert said in " ".join(found.err.split())
