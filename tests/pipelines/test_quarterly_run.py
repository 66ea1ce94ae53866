"""The page of a quarter from files to page: published by each run and by command, linked to its months, and left as it is once closed."""

from datetime import date
from typing import Any

import pytest
from running import run, typed

from meterbook.assets.publications import QUARTERLY, Publication, beside, bounds_of, of_days, read_from
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Workspace

pytestmark = pytest.mark.long

UNITS = "units:\n  - {unit: answer, label: answer, source: request, scope: {team: search}, price_usd: 2.5}\n"


def test_what_is_published_of_days_is_in_the_order_of_its_links() -> None:
    found = of_days(["2026-10-01", "2026-09-30"])
    assert [item.key for item in found] == [
        *("chargeback/2026-09", "chargeback/2026-10", "savings/2026-09", "savings/2026-10", "team/2026-W40", "weekly/2026-W40"),
        *("monthly/2026-09", "monthly/2026-10", "quarterly/2026-Q3", "quarterly/2026-Q4"),
    ]


def test_a_quarter_is_read_from_three_quarters_before_it() -> None:
    item = Publication(QUARTERLY, "2026-Q4")
    assert bounds_of(item) == (date(2026, 10, 1), date(2027, 1, 1))
    assert read_from(item) == date(2025, 12, 1)


def test_a_run_publishes_both_quarters_it_has_days_of_and_the_closed_one_stays(published_book: Any) -> None:
    folder = published_book.folder
    pages = {name: folder / f"reports/quarterly/{name}.html" for name in ("2026-Q3", "2026-Q4")}
    assert "<h1>Q4 2026 has cost $2 in 2 days" in pages["2026-Q4"].read_text()
    (folder / "units.yaml").write_text(UNITS, "utf-8")
    published_book.log("2026-10-03")
    code, said = run(folder)
    assert code == 0, said
    assert "2 quarterly pages" in said
    assert "Customers paid $5 for units with a price, which cost $2 to deliver: a gross margin of 60.0" in pages["2026-Q3"].read_text()
    assert "<h1>Q3 2026 cost $2" in pages["2026-Q3"].read_text()
    assert "<h1>Q4 2026 has cost $3 in 3 days" in pages["2026-Q4"].read_text()
    assert beside(folder, Publication(QUARTERLY, "2026-Q4")) == {
        "savings": "../savings/2026-10.html",
        "weekly": "../weekly/2026-W40.html",
        "2026-10": "../monthly/2026-10.html",
    }
    assert '<a href="../monthly/2026-10.html">October</a>' in pages["2026-Q4"].read_text()
    assert "quarterly/2026-Q4.html" in (folder / "reports/index.html").read_text()
    assert QUARTERLY not in {item.kind for item in Publisher(Workspace(folder)).stale()}


def test_a_quarter_is_published_by_command_and_one_that_is_not_there_says_so(published_book: Any) -> None:
    done = typed(published_book.folder, "report", "quarterly", "--period", "2026-Q3", "--email", str(published_book.folder / "quarter.eml"))
    assert done.code == 0, done.err
    assert done.out.splitlines()[0].endswith("reports/quarterly/2026-Q3.html")
    assert b"Subject: Acme: Q3 2026 cost $2" in (published_book.folder / "quarter.eml").read_bytes()
    missing = typed(published_book.folder, "report", "quarterly", "--period", "2026-Q1")
    assert (missing.code, "there is nothing of 2026-Q1 in the lake" in missing.err) == (2, True)
