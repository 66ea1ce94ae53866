"""Pages of teams and the index: where they lie, what stays of a team that was renamed, and that only what is there is linked."""

import json
from datetime import date
from pathlib import Path

import pytest

from meterbook.assets.listed import listing_of, said_of_statements
from meterbook.assets.publications import Publication
from meterbook.assets.published import Published, Said
from meterbook.assets.team_pages import former, months_of, path_of

WEEK, DAY = "2026-W43", date(2026, 10, 25)


def _write(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("page", "utf-8")


def _published(folder: Path) -> Published:
    (folder / "lake/_state").mkdir(parents=True)
    return Published(folder / "lake/_state/published.json")


@pytest.mark.parametrize("team", ["sales", "Sales", "../../etc", "con", "x" * 300, "\N{PILE OF POO}", "a/b", ".hidden"])
def test_a_team_has_a_folder_that_is_safe_everywhere_and_its_own(team: str) -> None:
    path = Path(path_of(team, WEEK))
    assert path.parts[:2] == ("reports", "team")
    assert path.name == f"{WEEK}.html"
    assert len(path.parts) == 4
    assert path.parts[2].strip("abcdefghijklmnopqrstuvwxyz0123456789-") == ""
    assert (path_of(team, WEEK) == path_of("sales", WEEK)) == (team == "sales")


def test_a_week_that_two_months_share_has_statements_of_both() -> None:
    assert months_of(Publication("team", "2026-W40")) == ["2026-09", "2026-10"]
    assert months_of(Publication("team", WEEK)) == ["2026-10"]


def test_the_page_of_a_team_that_was_renamed_stays_and_is_listed_under_its_former_name(tmp_path: Path) -> None:
    published = _published(tmp_path)
    old, new, gone = (path_of(team, WEEK) for team in ("sales", "revenue", "lost"))
    weekly = f"reports/weekly/{WEEK}.html"
    _write(tmp_path, old, new, weekly)
    known = {old: Said("sales: cost rose.", "open", team="sales"), gone: Said("lost: it fell.", "open", team="lost")}
    pages = {new: Said("revenue: cost rose.", "open", team="revenue")}
    published.put("weekly/2026-W43", "f", [weekly], {weekly: Said("AI cost rose.", "open")}, [])
    published.put("team/2026-W43", "f", [new], pages | former(known, list(pages), tmp_path), [])
    [week] = listing_of(tmp_path, "Acme", DAY, published).pages
    assert (week.name, week.address, week.verdict) == ("Week 43, 19 to 25 October", f"weekly/{WEEK}.html", "AI cost rose.")
    assert [(one.name, one.is_former, one.address) for one in week.parts] == [
        ("revenue", False, f"team/revenue/{WEEK}.html"),
        ("sales", True, f"team/sales/{WEEK}.html"),
    ]


def test_a_page_of_days_that_were_closed_after_it_was_published_is_listed_as_closed(tmp_path: Path) -> None:
    published, weekly = _published(tmp_path), f"reports/weekly/{WEEK}.html"
    _write(tmp_path, weekly)
    published.put("weekly/2026-W43", "f", [weekly], {weekly: Said("AI cost rose.", "open")}, [])
    states = [
        one.state
        for open_from in (date(2026, 10, 25), date(2026, 10, 26))
        for one in listing_of(tmp_path, "A", DAY, published, open_from).pages
    ]
    assert states == ["open", "closed"]


def test_what_somebody_removed_is_not_listed(tmp_path: Path) -> None:
    published = _published(tmp_path)
    weekly = f"reports/weekly/{WEEK}.html"
    published.put("weekly/2026-W43", "f", [weekly], {weekly: Said("AI cost rose.", "open")}, [])
    assert list(listing_of(tmp_path, "Acme", DAY, published).pages) == []
    _write(tmp_path, weekly, "reports/ratecard/2026-11.html", "reports/ratecard/draft.html")
    names = [(one.kind, one.name) for one in listing_of(tmp_path, "Acme", DAY, published).pages]
    assert names == [("weekly", "Week 43, 19 to 25 October"), ("ratecard", "November 2026")]


def test_statements_are_listed_with_whose_they_are(tmp_path: Path) -> None:
    files = [{"file": "chargeback.csv", "posted_usd": "98500.25"}, {"file": "chargeback_tenant.csv", "posted_usd": "98500.25"}]
    manifest = json.dumps({"state": "closed", "modes": {"sales": "chargeback", "R&D": "showback"}, "files": files}).encode()
    paths = ["chargeback/2026-10/manifest.json", *(f"chargeback/2026-10/statements/{name}.html" for name in ("sales", "r-d-fd2ba41f"))]
    said = said_of_statements("2026-10", {"manifest.json": manifest}, paths)
    assert said[paths[0]] == Said("$98.5k posted to 2 teams, of which 1 is charged.", "closed")
    _write(tmp_path, *said)
    published = _published(tmp_path)
    published.put("chargeback/2026-10", "f", paths, said, [])
    [month] = listing_of(tmp_path, "Acme", DAY, published).pages
    assert (month.address, month.state) == ("", "closed")
    assert [(one.name, one.address) for one in month.parts][-1] == ("sales", "../chargeback/2026-10/statements/sales.html")


def test_the_record_is_read_again_where_another_wrote_it(tmp_path: Path) -> None:
    one = _published(tmp_path)
    two = Published(tmp_path / "lake/_state/published.json")
    assert two.entries() == {}
    one.put("quality/index", "f", ["reports/quality/index.html"], {}, ["a section"])
    assert two.entries() == {"quality/index": {"fingerprint": "f", "files": ["reports/quality/index.html"], "unmade": ["a section"]}}
    assert two.pages("quality/index") == {}
