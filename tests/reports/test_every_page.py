"""What holds of a page of every kind without a browser: colours that can be told apart, and size with one team or five hundred."""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import duckdb
import pages
import pytest
from browsing import contrast, variables

from meterbook.reports import charts
from meterbook.reports.kinds import KINDS
from meterbook.reports.page import PageFacts

Con = duckdb.DuckDBPyConnection
STYLE = (Path(charts.__file__).parent / "templates" / "style.css.j2").read_text("utf-8")
LARGEST = 1_600_000
LONGEST = 60
"""Rows of a table, or entries of a list, that are not folded away."""


@pytest.mark.parametrize("colours", variables(STYLE), ids=["light", "dark"])
def test_text_and_figures_stand_out_from_the_ground(colours: Mapping[str, str]) -> None:
    text = {name: contrast(colours[name], colours["ground"]) for name in ("ink", "muted", "accent", "over", "under")}
    assert {name: value for name, value in text.items() if value < 4.5} == {}
    written = {"used": "on-used", "free": "ink", "unknown": "ink"}
    assert {part: 0 for part, ink in written.items() if contrast(colours[part], colours[ink]) < 4.5} == {}
    assert contrast(colours["warm"], "#17202a") >= 4.5
    drawn = {name: contrast(colour, colours["ground"]) for name, colour in vars(charts).items() if name in {"ACCENT", "OVER", "UNDER"}}
    assert {name: value for name, value in drawn.items() if value < 3} == {}


@pytest.fixture(scope="module")
def crowd(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Con]:
    """Marts of some five hundred teams."""
    with duckdb.connect(shutil.copy(filled, tmp_path_factory.mktemp("crowd"))) as con:
        pages.multiply(con, 167)
        yield con


@pytest.fixture(scope="module")
def crowded(crowd: Con, facts: PageFacts) -> Callable[[str], str]:
    """Makes a page of many teams, once."""
    return cache(lambda kind: pages.page_of(kind, crowd, facts))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_page_of_five_hundred_teams_is_small_and_folds_what_is_long(kind: str, crowded: Callable[[str], str]) -> None:
    made = crowded(kind)
    assert len(made.encode()) <= LARGEST
    unfolded = re.sub(r"<details.*?</details>", "", made, flags=re.DOTALL)
    lists = re.finditer(r"<(table|ul)\b.*?</\1>", unfolded, re.DOTALL)
    assert [found.group()[:300] for found in lists if len(re.findall(r"<(?:tr|li)\b", found.group())) > LONGEST] == []


def test_the_teams_that_are_folded_away_are_counted_and_are_in_the_page(crowd: Con, crowded: Callable[[str], str]) -> None:
    made = crowded("weekly")
    teams = made.split('<section id="teams">')[1].split("</section>")[0]
    shown, folded = teams.split("<details", 1)
    [(count,)] = crowd.execute("select count(distinct team) from marts.cost where day >= '2026-10-12' and day < '2026-10-26'").fetchall()
    assert f"And {count - 25} more" in folded
    assert shown.count('<th scope="row">') == 26
    assert folded.count('<th scope="row">') == count - 25


@pytest.fixture(scope="module")
def hostile(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Con]:
    """Marts in which every name is hostile."""
    with duckdb.connect(shutil.copy(filled, tmp_path_factory.mktemp("hostile"))) as con:
        pages.spoil(con, pages.HOSTILE)
        yield con


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_hostile_names_are_text(kind: str, hostile: Con, facts: PageFacts) -> None:
    made = pages.page_of(kind, hostile, facts, pages.HOSTILE)
    assert "&lt;script&gt;alert(1)" in made
    assert "<script>alert(1)" not in made
    assert "<img" not in made
    assert made.count("</script>") == len(re.findall(r"<script[ >]", made))
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in re.sub(r'aria-label="[^"]*"', "", made)


@pytest.fixture(scope="module")
def single(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Con]:
    """Marts of one team alone."""
    with duckdb.connect(shutil.copy(company, tmp_path_factory.mktemp("single"))) as con:
        tables = con.execute("select table_name from information_schema.columns where table_schema = 'marts' and column_name = 'team'")
        for (table,) in tables.fetchall():
            con.execute(f"delete from marts.{table} where team <> 'sales'")
        yield con


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_book_of_one_team_has_a_page_of_every_kind(kind: str, single: Con, facts: PageFacts) -> None:
    made = pages.page_of(kind, single, facts)
    assert made.count("<h1>") == 1
    assert "NaN" not in made.split("<main>")[1].split("</main>")[0]
