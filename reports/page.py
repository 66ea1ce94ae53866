"""One page = one self-contained HTML file: figures, fonts and script inside, nothing loaded from anywhere."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from meterbook.reports.additions import NOTHING, Additions, Asked, branded
from meterbook.reports.figures import PageFacts
from meterbook.reports.kinds import KINDS, SaidOf, sections_of
from meterbook.reports.quality import QualityFacts
from meterbook.reports.section import Section, charts_in

__all__ = ["Made", "PageFacts", "QualityFacts", "make", "render", "templates"]

HERE = Path(__file__).parent
_JOINTS = frozenset("_/.")
_TURNS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Unicode's controls of writing direction (UAX #9): embeddings, overrides, isolates."""
FONTS = {
    "inter400": "inter-latin-400-normal.woff2",
    "inter600": "inter-latin-600-normal.woff2",
    "serif600": "source-serif-4-latin-600-normal.woff2",
}


def render(kind: str, period: str, con: duckdb.DuckDBPyConnection, facts: SaidOf) -> str:
    """Render one page.

    Args:
        kind: of `KINDS`: weekly, monthly, quarterly, savings, quality, team, index, statement or ratecard.
        period: its period, `2026-W43`, a month, `2026-10`, or a quarter, `2026-Q4`, where a kind has one each; there is only one quality
            page, however called.
        con: a connection in which the marts are views.
        facts: what else a page of this kind says.

    Raises:
        KeyError: an unknown kind.
        ValueError: a period that is none.
    """
    return make(kind, period, con, facts).html


@dataclass(frozen=True)
class Made:
    """A page, which sections that a book adds could not be made, with why, and its headline."""

    html: str
    unmade: Sequence[str] = ()
    verdict: str = ""


def make(
    kind: str,
    period: str,
    con: duckdb.DuckDBPyConnection,
    facts: SaidOf,
    added: Additions = NOTHING,
) -> Made:
    """Render one page, as `render`, with what a book adds to it."""
    one = KINDS[kind]
    figures = one.figures(con, period, facts)
    built = {name: (section, section.build(figures)) for name, section in zip(one.sections, sections_of(kind), strict=True)}
    charts = [chart for _, found in built.values() if found for chart in charts_in(found)]
    own = added.made(kind, Asked(period, figures, con), _templates_of, [chart.name for chart in charts])
    shown = {name: _shown(*pair) for name, pair in built.items()} | own
    html = (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=one.title.format(company=facts.company, period=getattr(facts, "title", period)),
            company=facts.company,
            draft=getattr(facts, "draft", ""),
            brand=added.brand,
            sections=[shown[key] for key in added.order(kind, one.sections)],
            charts=branded([*charts, *(chart for one in own.values() for chart in one.charts)], added.brand),
            script=_script(),
            fonts=_fonts(),
        )
    )
    verdict = next((str(found["headline"]) for _, found in built.values() if found and "headline" in found), "")
    return Made(html, [one.unmade for one in own.values() if one.unmade], verdict)


def _shown(section: Section[Any], found: Mapping[str, Any] | None) -> Mapping[str, Any]:
    template = f"{section.template or section.name}.html.j2"
    return {"name": section.name, "title": section.title, "empty": section.empty, "template": template, "found": found}


def _templates_of(folder: Path | None) -> Environment:
    return _environment() if folder is None else templates(folder)


@cache
def templates(folder: Path) -> Environment:
    """The house's templates, with those of a book's folder before them."""
    return _environment().overlay(loader=FileSystemLoader([folder, HERE / "templates"]))


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_in_order,
    )
    found.filters["breakable"] = _breakable
    return found


def _in_order(value: object) -> object:
    """Text without the characters that turn the direction of what follows: a name must not turn round the amount beside it."""
    return value.translate(_TURNS) if type(value) is str else value


def _breakable(name: str) -> Markup:
    """A long name that may be broken where its words end."""
    return Markup("").join(
        escape(part) + Markup("<wbr>") if part in _JOINTS else escape(part) for part in re.split(r"([_/.])", name.translate(_TURNS))
    )


@cache
def _script() -> str:
    return (HERE / "static" / "plotly-basic.min.js").read_text("utf-8")


@cache
def _fonts() -> Mapping[str, str]:
    return {name: base64.b64encode((HERE / "static" / file).read_bytes()).decode() for name, file in FONTS.items()}
