"""What `rerate` shows before anything is written, and what it writes for open and for closed days."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from meterbook.assets.applying import Applied, apply, cards_with
from meterbook.assets.audit import read_audit
from meterbook.assets.book import Book, BookError
from meterbook.assets.corrections import load_corrections
from meterbook.assets.rerating import Rerating
from meterbook.assets.workspace import Workspace
from meterbook.rate_cards.compile import Cards
from meterbook.rate_cards.versions import read_lock

pytestmark = pytest.mark.long

FIRST, LAST = date(2026, 9, 1), date(2026, 10, 31)
DEARER = """\
provider: acme
models:
  small:
    rates:
      - {starts_on: 2026-01-01, input: 1.000001, output: 4, source: x, checked_on: 2026-01-01}
"""
ONE = {"2026-09-29": "1.000407000000", "2026-09-30": "1.000407000000", "2026-10-01": "1.000407000000", "2026-10-02": "1.000407000000"}
"""1,000,003 tokens at 1 USD and 101 at 4 USD per million."""
DEAR = "1.000408000003"


@contextmanager
def compared(book: Any, cards: Cards | None = None) -> Iterator[Rerating]:
    workspace = Workspace(book.folder)
    with closing(Rerating(workspace, cards or workspace.book.current_cards, FIRST, LAST)) as rerating:
        rerating.compare()
        yield rerating


def applied(book: Any, why: str = "late list", card: Path | None = None) -> Applied:
    with compared(book, cards_with(Book(book.folder), card) if card else None) as rerating:
        return apply(rerating, why, card)


def total(costs: dict[str, str]) -> Decimal:
    return sum(map(Decimal, costs.values()), Decimal(0))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_rerate_shows_to_the_picodollar_what_apply_then_changes(small_book: Any) -> None:
    small_book.log("2026-10-02", model="large", team="ads")
    small_book.run()
    before = small_book.costs()
    small_book.price(DEARER)
    with compared(small_book) as rerating:
        shown = rerating.total()
        days = {moved.name: moved.difference_usd for moved in rerating.by("day")}
        for dimension in ("day", "model", "team", "cost_centre", "tenant", "feature", "provider"):
            assert sum(moved.difference_usd for moved in rerating.by(dimension)) == shown.difference_usd, dimension
        models = {moved.name: (moved.difference_usd, moved.newly_unpriced) for moved in rerating.by("model")}
    assert models["acme/small"] == (4 * Decimal("0.000001000003"), 0)
    assert models["acme/large"] == (Decimal("-10.004070"), 1)
    assert shown.old_usd == total(before)
    assert small_book.costs() == before
    applied(small_book)
    small_book.run()
    after = small_book.costs()
    assert {day: Decimal(after[day]) - Decimal(before[day]) for day in before} == days
    assert total(after) - total(before) == shown.difference_usd


def test_a_comparison_writes_nothing_in_the_book(priced_book: Any) -> None:
    priced_book.price(DEARER)
    before = files(priced_book.folder)
    with compared(priced_book) as rerating:
        assert rerating.total().difference_usd
    assert files(priced_book.folder) == before


def test_a_comparison_names_the_prices_in_use_that_differ(priced_book: Any) -> None:
    priced_book.price(DEARER)
    with compared(priced_book) as rerating:
        [found] = rerating.changed_rates()
    assert (found["model"], found["meter"], found["old_usd"], found["new_usd"]) == (
        "small", "input", Decimal("0.000001"), Decimal("0.000001000001"),
    )  # fmt: skip
    assert (found["from_at"], found["to_at"]) == (datetime(2026, 9, 29), datetime(2026, 10, 3))


def test_days_compared_some_at_a_time_give_the_same(priced_book: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    priced_book.price(DEARER)
    with compared(priced_book) as rerating:
        whole = [rerating.by(name) for name in ("day", "model", "team")]
    monkeypatch.setattr("meterbook.assets.rerating.MOST_DAYS", 1)
    with compared(priced_book) as rerating:
        assert [rerating.by(name) for name in ("day", "model", "team")] == whole


def test_a_closed_month_gets_correction_lines_and_keeps_its_bytes(priced_book: Any) -> None:
    priced_book.price(DEARER)
    priced_book.close("2026-09")
    closed = {name: content for name, content in priced_book.bytes().items() if "2026-09" in name}
    with compared(priced_book) as rerating:
        shown, opened = rerating.total(closed=True).difference_usd, rerating.total(closed=False).difference_usd
    done = applied(priced_book)
    priced_book.run()
    assert {name: content for name, content in priced_book.bytes().items() if "2026-09" in name} == closed
    assert total(priced_book.costs()) - total(ONE) == opened
    lines = load_corrections(priced_book.folder / "corrections.csv")
    assert [(line.corrects_day, line.team, line.model, line.amount_usd) for line in lines] == [
        (date(2026, 9, 29), "search", "small", Decimal("0.000001000003")),
        (date(2026, 9, 30), "search", "small", Decimal("0.000001000003")),
    ]
    assert {(line.posted_on, line.corrects_period, line.reason, line.audit) for line in lines} == {
        (date(2026, 10, 1), "2026-09", "late list", done.audit)
    }
    assert sum(line.amount_usd for line in lines) == shown
    with Workspace(priced_book.folder).catalog.connect() as con:
        [(rows, amount)] = con.execute("select count(*), sum(amount_usd) from book.correction where day = '2026-10-01'").fetchall()
    assert (rows, amount) == (2, shown)


def test_applying_twice_adds_nothing_twice(priced_book: Any) -> None:
    priced_book.price(DEARER)
    priced_book.close("2026-09")
    assert applied(priced_book).corrections == 2
    before = files(priced_book.folder)
    assert applied(priced_book) == Applied(applied(priced_book).version, None, 0, "")
    assert files(priced_book.folder) == before
    assert priced_book.run().prices.differing() is None


def test_a_later_correction_is_net_of_those_before_and_a_price_taken_back_cancels_them(priced_book: Any) -> None:
    priced_book.close("2026-09")
    for card in (DEARER, DEARER.replace("1.000001", "3"), DEARER, priced_book.card):
        priced_book.price(card)
        applied(priced_book)
    amounts = [
        line.amount_usd for line in load_corrections(priced_book.folder / "corrections.csv") if line.corrects_day == date(2026, 9, 30)
    ]
    assert amounts[0] == amounts[0] and amounts[1] == Decimal("2.000006") - amounts[0]  # noqa: PT018 -- one sum
    assert amounts[2] == -amounts[1]
    assert sum(amounts) == 0


def test_a_card_of_its_own_is_compared_and_kept_when_applied(priced_book: Any, tmp_path: Path) -> None:
    (priced_book.folder / "rate_cards/acme.yaml").unlink()
    given = tmp_path / "agreed.yaml"
    given.write_text(DEARER, "utf-8")
    with compared(priced_book, cards_with(Book(priced_book.folder), given)) as rerating:
        assert rerating.total().difference_usd == 4 * Decimal("0.000001000003")
    done = applied(priced_book, card=given)
    assert (priced_book.folder / "rate_cards/agreed.yaml").read_text("utf-8") == DEARER
    priced_book.log("2026-10-03")
    priced_book.run()
    assert set(priced_book.costs().values()) == {DEAR}
    lock = read_lock(priced_book.folder / "prices.lock")
    assert lock is not None
    assert lock.versions[-1] == done.version


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("acme.yaml", r"acme.yaml is another card; give .*acme.yaml another name"),
        ("agreed.yaml", r"acme.yaml prices acme/small already; change it there"),
    ],
)
def test_a_card_takes_the_place_of_no_other_card_of_the_book(priced_book: Any, tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / name).write_text(DEARER, "utf-8")
    before = files(priced_book.folder)
    with pytest.raises(BookError, match=said):
        applied(priced_book, card=tmp_path / name)
    assert files(priced_book.folder) == before


def test_what_was_applied_is_in_the_audit(priced_book: Any) -> None:
    priced_book.price(DEARER)
    done = applied(priced_book, "the list came late")
    [record] = read_audit(priced_book.folder / "audit.jsonl")
    assert (record.action, record.why, record.digest) == ("rerate", "the list came late", done.audit)
    assert record.details == {
        "from": "2026-09-29",
        "to": "2026-10-02",
        "version": done.version,
        "open_difference_usd": "0.000004000012",
        "corrected_usd": "0",
        "corrections": 0,
        "card": None,
    }


def test_gpu_hours_are_compared_too(small_book: Any) -> None:
    sample = next((Path(__file__).parents[1] / "ingest/nvml_samples").glob("sample.*"))
    rate = "{starts_on: 2026-01-01, gpu_hour: 2, source: x, checked_on: 2026-01-01}"
    card = f'provider: gpu\nmodels:\n  own:\n    aliases: ["*"]\n    rates:\n      - {rate}\n'
    (small_book.folder / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    shutil.rmtree(small_book.folder / "inbox")
    (small_book.folder / "inbox").mkdir()
    shutil.copy(sample, small_book.folder / "inbox")
    small_book.price(card, "gpu")
    workspace = small_book.run()
    with workspace.catalog.connect() as con:
        [(cost,)] = con.execute("select sum(cost_usd) from core.gpu_hour").fetchall()
    assert cost > 0
    small_book.price(card.replace("gpu_hour: 2", "gpu_hour: 6"), "gpu")
    with compared(small_book) as rerating:
        assert (rerating.total().old_usd, rerating.total().difference_usd) == (cost, 2 * cost)
        assert sum(moved.difference_usd for moved in rerating.by("team")) == 2 * cost


def test_nothing_is_compared_with_a_lake_that_is_not_up_to_date(priced_book: Any) -> None:
    priced_book.log("2026-10-02")
    Workspace(priced_book.folder).ingest()
    with pytest.raises(BookError, match=r"is not up to date on some of these days; `meterbook run` first"):
        Rerating(Workspace(priced_book.folder), Book(priced_book.folder).current_cards, FIRST, LAST)


def test_days_without_prices_are_told(priced_book: Any) -> None:
    workspace = Workspace(priced_book.folder)
    with pytest.raises(BookError, match=r"nothing from 2025-01-01 to 2025-02-01 is priced"):
        Rerating(workspace, workspace.book.current_cards, date(2025, 1, 1), date(2025, 2, 1))
