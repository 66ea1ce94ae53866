"""One page = one self-contained HTML file: figures, fonts and script inside, nothing loaded from anywhere."""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from meterbook.reports import periods
from meterbook.reports.frame import Frame, PageFacts
from meterbook.reports.section import Section, charts_in

__all__ = ["KINDS", "Kind", "PageFacts", "render"]

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Kind:
    """A kind of page.

    Args:
        period: reads the name of a period, given the last day with data.
        sections: modules of `reports/sections`, in the order of the page.
    """

    period: Callable[[str, date], periods.Week]
    sections: Sequence[str]


KINDS: Mapping[str, Kind] = {
    "weekly": Kind(
        periods.week, ("opening", "kpis", "month", "moved", "teams", "anomalies", "decisions", "units", "gpus", "tokens", "closing")
    ),
}
FONTS = {
    "inter400": "inter-latin-400-normal.woff2",
    "inter600": "inter-latin-600-normal.woff2",
    "serif600": "source-serif-4-latin-600-normal.woff2",
}


def render(kind: str, period: str, con: duckdb.DuckDBPyConnection, facts: PageFacts) -> str:
    """Render one page.

    Args:
        kind: weekly.
        period: its period, `2026-W43`.
        con: a connection in which the marts are views.
        facts: what else the page says.

    Raises:
        KeyError: an unknown kind.
        ValueError: a period that is none.
    """
    frame = Frame(con, KINDS[kind].period(period, facts.data_through), facts)
    built = [(section, section.build(frame)) for section in map(_section, KINDS[kind].sections)]
    shown = [_shown(section, found) for section, found in built]
    charts = [chart for _, found in built if found for chart in charts_in(found)]
    title = f"{facts.company}: {kind} review {period}"
    return _environment().get_template("page.html.j2").render(title=title, sections=shown, charts=charts, script=_script(), fonts=_fonts())


def _section(name: str) -> Section:
    section: Section = import_module(f"meterbook.reports.sections.{name}").SECTION
    return section


def _shown(section: Section, found: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return {"name": section.name, "title": section.title, "empty": section.empty, "template": f"{section.name}.html.j2", "found": found}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


@cache
def _script() -> str:
    return (HERE / "static" / "plotly-basic.min.js").read_text("utf-8")


@cache
def _fonts() -> Mapping[str, str]:
    return {name: base64.b64encode((HERE / "static" / file).read_bytes()).decode() for name, file in FONTS.items()}
