"""Every figure of every kind of page asks its question, shows its values, and says which rows of which model it was computed from."""

import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pages
import pytest

from meterbook.assets.workspace import columns
from meterbook.reports import figures
from meterbook.reports.charts import Chart, Picture, Read, how
from meterbook.reports.kinds import KINDS
from meterbook.reports.own_html import VOID
from meterbook.reports.page import PageFacts
from meterbook.reports.section import charts_in

Con = duckdb.DuckDBPyConnection
Row = dict[str, Any]
READ = re.compile(r"((?:marts|core|book)\.\w+), ([\d,]+) rows?\b")
OF_ONE = ("team", "owner", "scope", "pool", "of_team", "whose")
"""Columns by which a figure of one team or one pool has its part of what was read."""
DRAWN = {"weekly", "monthly", "quarterly", "team"}
"""Kinds of pages that have figures from the company's marts."""


@dataclass
class Told:
    """What a figure of a page says."""

    title: str = ""
    values: int = 0
    how: str = ""
    pictures: int = 0


class _Figures(HTMLParser):
    """Figures of a page, and pictures that stand neither in one nor in a table."""

    def __init__(self, made: str) -> None:
        super().__init__()
        self.found: list[Told] = []
        self.stray: list[str] = []
        self._open: list[str] = []
        self.feed(made)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inside = "figure" in self._open
        if tag == "figure":
            self.found.append(Told())
        if inside and tag == "td":
            self.found[-1].values += 1
        if ("role", "img") in attrs and "svg" not in self._open:
            if inside:
                self.found[-1].pictures += 1
            elif "table" not in self._open:
                self.stray.append(str(dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while tag in self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "figure" not in self._open:
            return
        if "figcaption" in self._open:
            self.found[-1].title += data
        elif self._open[-1] == "p" and data.startswith("How computed: "):
            self.found[-1].how = data


@dataclass
class Asked:
    """How many rows queries gave while a page was made, by the models they name."""

    counts: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def of(self, read: Callable[..., list[Row]]) -> Callable[..., list[Row]]:
        def asked(con: Con, query: str, *values: object) -> list[Row]:
            rows = read(con, query, *values)
            for model in re.findall(r"\b(?:marts|core|book)\.\w+", query):
                self.counts[model] |= {0, *_counts(rows, lambda _: 1), *_counts(rows, lambda row: row.get("rows", 0))}
            return rows

        return asked


def _counts(rows: list[Row], size: Callable[[Row], int]) -> Iterator[int]:
    """How many rows these are, or are the sums of: all of them, and those of each team or pool."""
    yield sum(map(size, rows))
    for column in OF_ONE:
        parts: Counter[object] = Counter()
        for row in rows:
            parts[row.get(column)] += size(row)
        yield from parts.values()


@pytest.fixture(scope="module")
def full(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Con]:
    with duckdb.connect(shutil.copy(filled, tmp_path_factory.mktemp("figures"))) as con:
        yield con


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_figure_asks_its_question_shows_its_values_and_says_what_it_was_computed_from(
    kind: str, full: Con, facts: PageFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked()
    monkeypatch.setattr(figures, "rows_of", asked.of(figures.rows_of))
    found = _Figures(pages.page_of(kind, full, facts))
    assert found.stray == []
    assert found.found or kind not in DRAWN
    known = columns()
    for one in found.found:
        assert one.title.strip().endswith("?")
        assert (one.pictures, one.values > 0) == (1, True), one.title
        read = [(model, int(rows.replace(",", ""))) for model, rows in READ.findall(one.how)]
        assert read, one.title
        assert [model for model, _ in read if model not in known] == []
        assert [(model, rows) for model, rows in read if rows not in asked.counts[model]] == [], one.title
        assert any(rows for _, rows in read), one.title


def test_the_rows_a_figure_says_it_read_are_those_that_are_there(lake: Con, facts: PageFacts) -> None:
    queries = {
        "marts.cost_change": "where kind = 'week' and starts_on = '2026-10-19' and ends_on = '2026-10-25'",
        "marts.cost": "where day >= '2026-07-27' and day < '2026-10-26'",
    }
    for _ in range(2):
        [moved] = [one for one in _Figures(pages.page_of("weekly", lake, facts)).found if "moved" in one.title]
        counts = {table: lake.execute(f"select count(*) from {table} {where}").fetchall()[0][0] for table, where in queries.items()}
        assert READ.findall(moved.how) == [(table, f"{count:,}") for table, count in counts.items()]
        lake.execute("insert into marts.cost_change (kind, starts_on, ends_on, team, feature, model, effect, change_usd) "
                     "values ('week', '2026-10-19', '2026-10-25', 'sales', 'f', 'm', 'volume', 1)")  # fmt: skip


SAID: Mapping[str, Any] = {
    "question": "How much?",
    "label": "one dollar",
    "header": ("What", "Dollars"),
    "rows": [("this", "$1")],
    "read": [Read("marts.cost", [1])],
}


@pytest.mark.parametrize("missing", sorted(SAID))
def test_a_figure_without_one_of_these_is_none(missing: str) -> None:
    said = {name: value for name, value in SAID.items() if name != missing}
    with pytest.raises(TypeError, match=missing):
        Chart(name="x", figure={}, **said)
    with pytest.raises(TypeError, match=missing):
        Picture(picture="", **said)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"question": "What it cost"}, "ends with a question mark"),
        ({"rows": []}, "a cell for each of 2 columns"),
        ({"rows": [("this", "$1"), ("that",)]}, "a cell for each of 2 columns"),
        ({"read": []}, "which models"),
    ],
)
def test_a_figure_that_asks_nothing_has_no_values_or_no_source_is_refused(wrong: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Chart(name="x", figure={}, **{**SAID, **wrong})


def test_how_it_was_computed_counts_the_rows() -> None:
    assert how([Read("marts.cost", range(1204)), Read("marts.forecast", [1])]) == "marts.cost, 1,204 rows; marts.forecast, 1 row."
    assert how([Read("marts.cost", [])], "They sum.") == "marts.cost, 0 rows. They sum."


def test_figures_in_a_list_are_found_too() -> None:
    one, other = (Chart(name=name, figure={}, **SAID) for name in "xy")
    assert charts_in({"chart": one, "charts": [other], "rows": [1, "2"], "picture": Picture(picture="", **SAID)}) == [one, other]
