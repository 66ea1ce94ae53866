"""What a book adds to pages: sections of its own, and its brand.

A section that cannot be made never takes the page down: the page says which and why in its place, and whoever publishes is told.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from traceback import extract_tb
from typing import Any

import duckdb
from jinja2 import Environment, TemplateError, TemplateSyntaxError
from markupsafe import Markup

from meterbook.reports.brand import Brand
from meterbook.reports.charts import Chart, Read
from meterbook.reports.own_chart import Show, refuse_columns, shown_of
from meterbook.reports.own_html import refuse_unfit
from meterbook.reports.own_query import asked
from meterbook.reports.quality import brief
from meterbook.reports.section import charts_in

FOLDER = "sections"
TEMPLATES = Path(__file__).parent / "templates"
LONGEST = 240
"""Characters of a reason on a page."""
DAYS = timedelta(days=28)
"""What a page without a period of its own shows."""
_ROOTED = re.compile(r"(?<![\w.])/(?:[^\s/'\"]+/)+")
"""Folders of this machine, which are nobody's business on a page."""
_CHART_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")
Values = Mapping[str, object]
Templates = Callable[[Path | None], Environment]
Build = Callable[[Any, duckdb.DuckDBPyConnection, Values], Mapping[str, Any] | None]


class OwnSectionError(ValueError):
    """A section of a book is wrong; the message begins with its file and line (`sections/spend.sql:3: ...`)."""


@dataclass(frozen=True)
class OwnSection:
    """A section of a book.

    Args:
        name: of its files.
        file: that is named where it cannot be made, from the book's folder on.
        pages: kinds of pages it stands on.
        build: gives what the template shows, of the page's figures, the lake and the page's days; None where there is nothing to show.
        title: its heading.
        empty: the line shown instead where there is nothing.
        after: section it follows; before the last one where empty, or where a page has none of that name.
        template: file that shows it.
        folder: where that lies, beside the house's; None is the house's only.
        reads: tables beyond those that pages are made from.
        token: hash of its files.
        wrong: why it cannot be made at all.
    """

    name: str
    file: str
    pages: Sequence[str]
    build: Build
    title: str = ""
    empty: str = ""
    after: str = ""
    template: str = "own_query.html.j2"
    folder: Path | None = None
    reads: Sequence[str] = ()
    token: str = ""
    wrong: str = ""

    @property
    def id(self) -> str:
        """Of its element: never that of a section of the house."""
        return f"own-{self.name}"


@dataclass(frozen=True)
class Shown:
    """A section as the page has it: HTML and figures, or why there is none."""

    name: str
    title: str
    html: Markup
    charts: Sequence[Chart] = ()
    unmade: str = ""


@dataclass(frozen=True)
class Additions:
    """What a book adds to pages.

    Args:
        sections: in the order of their names.
        brand: None where the book has none.
    """

    sections: Sequence[OwnSection] = ()
    brand: Brand | None = None

    def on(self, kind: str) -> list[OwnSection]:
        """The sections of a kind of page."""
        return [one for one in self.sections if kind in one.pages]

    def token(self, kind: str) -> str:
        """Changes with what is added to a kind of page."""
        return json.dumps([repr(self.brand), [[one.token, one.after, one.wrong] for one in self.on(kind)]])

    def order(self, kind: str, names: Sequence[str]) -> list[str]:
        """The sections of a page in order: the house's by name, a book's own by `id`, each behind the one it follows.

        Args:
            kind: of the page.
            names: of the house's sections, in order; what follows none of the page stands before the last.
        """
        followers: dict[str, list[str]] = {}
        for one in self.on(kind):
            followers.setdefault(one.after if one.after in names else f"own-{one.after}", []).append(one.id)

        def behind(key: str) -> Iterator[str]:
            yield key
            for follower in followers.get(key, ()):
                yield from behind(follower)

        order = [key for name in names for key in behind(name)]
        # Also sections that follow each other in a ring: nothing is lost.
        rest = [one.id for one in self.on(kind) if one.id not in order]
        place = order.index(names[-1])
        return [*order[:place], *rest, *order[place:]]

    def made(self, kind: str, page: "Asked", templates: Templates, taken: Iterable[str]) -> dict[str, Shown]:
        """The book's sections of a page, by `id`.

        Args:
            kind: of the page.
            page: what it is made of.
            templates: gives the templates of a folder and the house's, or only those.
            taken: names of figures that the page has already.
        """
        names = set(taken)
        return {one.id: _made(one, page, templates, names) for one in self.on(kind)}


@dataclass(frozen=True)
class Asked:
    """What sections of a page are made of: its period, its figures, and the lake."""

    period: str
    figures: object
    con: duckdb.DuckDBPyConnection


def _made(own: OwnSection, page: Asked, templates: Templates, taken: set[str]) -> Shown:
    try:
        _refuse_wrong(own)
        found = own.build(page.figures, page.con, days_of_page(page.figures, page.period))
        if found is None:
            return Shown(own.id, own.title, Markup('<p class="quiet">{}</p>').format(own.empty))
        html = templates(own.folder).get_template(own.template).render(it=found, level=3 if own.title else 2)
        html.encode()
        refuse_unfit(html)
        return Shown(own.id, own.title, Markup(html), [_sound(chart, taken) for chart in charts_in(found)])  # noqa: S704 -- a template's
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever a book's code does, the page is made
        why = reason(own, error)
        text = Markup('<p role="note">Section {} could not be made: {}</p>').format(own.name, why)
        return Shown(own.id, own.title or own.name, text, unmade=f"section {own.name} could not be made: {why}")


NOTHING = Additions()


def query_build(sql: str, show: Show, own: str, reads: Sequence[str]) -> Build:
    """The build of a section that is a query and a chart."""

    def build(_figures: object, con: duckdb.DuckDBPyConnection, values: Values) -> Mapping[str, Any] | None:
        answer = asked(con, sql, values)
        if not answer.rows:
            refuse_columns(show, answer)
            return None
        of = f"A query of {', '.join(reads)}" if reads else "A query of no table"
        note = f"{of}, on a page of {values['from_day']} to {values['last_day']}."
        read = Read(f"{FOLDER}/{own}.sql", answer.rows)
        return {**shown_of(show, answer, f"own-{own}", read, note), "sql": sql.strip()}

    return build


def days_of_page(figures: object, period: str) -> dict[str, object]:
    """What queries are told of a page: its half-open days, its last day, its period and team."""
    span = getattr(figures, "span", None)
    if span is None:
        end = getattr(getattr(figures, "facts", None), "data_through", None)
        if end is None:
            raise OwnSectionError("the page has no days")
        span = end + timedelta(days=1) - DAYS, end + timedelta(days=1)
    first, end = span
    team = getattr(figures, "team", None)
    return {"from_day": first, "to_day": end, "last_day": end - timedelta(days=1), "period": period, "team": team}


def reason(own: OwnSection, error: BaseException) -> str:
    """Why a section could not be made, beginning with file and line."""
    said = _ROOTED.sub("\N{HORIZONTAL ELLIPSIS}/", str(error).split("\n\n")[0].replace("\n", " "))
    text = brief(said or type(error).__name__, LONGEST)
    if isinstance(error, OwnSectionError):
        return text
    if re.match(r"\d+: ", text):
        return f"{own.file}:{text}"
    kind = "" if isinstance(error, TemplateError | ValueError) else f"{type(error).__name__}: "
    return f"{_place(own, error)}: {kind}{text}"


def _place(own: OwnSection, error: BaseException) -> str:
    if isinstance(error, TemplateSyntaxError) and error.name:
        return f"{FOLDER}/{error.name}:{error.lineno}"
    if isinstance(error, SyntaxError):
        return f"{own.file}:{error.lineno or 1}"
    if own.folder is None:
        return f"{own.file}:1"
    inside = [frame for frame in extract_tb(error.__traceback__) if Path(frame.filename).parent == own.folder]
    return f"{FOLDER}/{Path(inside[-1].filename).name}:{inside[-1].lineno}" if inside else f"{own.file}:1"


def _refuse_wrong(own: OwnSection) -> None:
    if own.wrong:
        raise OwnSectionError(own.wrong)


def _sound(chart: Chart, taken: set[str]) -> Chart:
    """A chart that the page's script can read.

    Raises:
        ValueError: a name that is none or that the page has already, or a number that is none.
    """
    if not _CHART_NAME.fullmatch(chart.name):
        raise ValueError(f"chart {chart.name[:40]!r}: a name has letters, digits, - and _")
    if chart.name in taken:
        raise ValueError(f"chart {chart.name!r}: the page has one of that name")
    json.dumps(chart.figure, allow_nan=False)
    taken.add(chart.name)
    return chart


def branded(charts: Sequence[Chart], brand: Brand | None) -> list[Chart]:
    """Charts in the brand's colour."""
    return [replace(chart, figure=brand.recoloured(chart.figure)) for chart in charts] if brand else list(charts)
