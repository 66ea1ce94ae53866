"""One page = one self-contained HTML file: figures, fonts and script inside, nothing loaded from anywhere."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from meterbook.reports import periods
from meterbook.reports.frame import Frame, PageFacts
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.quality import Quality, QualityFacts
from meterbook.reports.ratecard import RateCard
from meterbook.reports.section import Section, charts_in
from meterbook.reports.statements import Statement, StatementFacts

__all__ = ["KINDS", "Kind", "PageFacts", "QualityFacts", "render"]

HERE = Path(__file__).parent
_JOINTS = frozenset("_/.")


@dataclass(frozen=True)
class Kind:
    """A kind of page.

    Args:
        figures: what its sections are functions of, given a connection, the name of a period and what else the page says.
        title: of the document, with `{company}` and `{period}`.
        sections: modules of `reports/sections`, in the order of the page.
    """

    figures: Callable[[duckdb.DuckDBPyConnection, str, Any], Any]
    title: str
    sections: Sequence[str]


def _week(con: duckdb.DuckDBPyConnection, period: str, facts: PageFacts) -> Frame:
    return Frame(con, periods.week(period, facts.data_through), facts)


def _month(con: duckdb.DuckDBPyConnection, period: str, facts: PageFacts) -> MonthFrame:
    return MonthFrame(con, period, facts)


def _quality(con: duckdb.DuckDBPyConnection, _period: str, facts: QualityFacts) -> Quality:
    return Quality(con, facts)


def _ratecard(_con: duckdb.DuckDBPyConnection, _period: str, facts: RateCard) -> RateCard:
    return facts


def _statement(_con: duckdb.DuckDBPyConnection, _period: str, facts: StatementFacts) -> Statement:
    return Statement(facts)


KINDS: Mapping[str, Kind] = {
    "weekly": Kind(
        _week,
        "{company}: weekly review {period}",
        (
            *(
                "opening",
                "kpis",
                "month",
                "moved",
                "teams",
                "anomalies",
                "decisions",
                "units",
                "experiments",
                "gpus",
                "gpu_heat",
                "gpu_fleet",
                "gpu_idle",
            ),
            *("self_hosted", "queues", "tokens", "reconciliation", "closing"),
        ),
    ),
    "savings": Kind(
        _month,
        "{company}: savings of {period}",
        (
            *("savings_opening", "savings_decisions", "levers", "savings_ledger", "response_cache", "retry_waste", "output_use"),
            *("prompt_growth", "routing", "prompt_cache", "batch_use", "micro_batch", "experiments"),
        ),
    ),
    "quality": Kind(
        _quality,
        "{company}: quality of the data",
        (
            "verdict",
            "account",
            "coverage",
            "telemetry",
            "refused",
            "inputs",
            "aside",
            "notes",
            "alike",
            "gpu_oddities",
            "volumes",
            "rules",
            "basis",
        ),
    ),
    "statement": Kind(
        _statement,
        "{company}: statement of {period}",
        (
            "statement_opening",
            "statement_lines",
            "statement_corrections",
            "statement_shared",
            "statement_centres",
            "statement_rates",
            "statement_closing",
        ),
    ),
    "ratecard": Kind(
        _ratecard,
        "{company}: internal rate card of {period}",
        ("ratecard_opening", "ratecard_tokens", "ratecard_models", "ratecard_gpus", "ratecard_shared", "ratecard_closing"),
    ),
}
FONTS = {
    "inter400": "inter-latin-400-normal.woff2",
    "inter600": "inter-latin-600-normal.woff2",
    "serif600": "source-serif-4-latin-600-normal.woff2",
}


def render(kind: str, period: str, con: duckdb.DuckDBPyConnection, facts: PageFacts | QualityFacts | StatementFacts | RateCard) -> str:
    """Render one page.

    Args:
        kind: weekly, savings, quality, statement or ratecard.
        period: its period, `2026-W43`, or a month, `2026-10`, where a kind has one each; there is only one quality page, however called.
        con: a connection in which the marts are views.
        facts: what else a page of this kind says.

    Raises:
        KeyError: an unknown kind.
        ValueError: a period that is none.
    """
    one = KINDS[kind]
    figures = one.figures(con, period, facts)
    built = [(section, section.build(figures)) for section in map(_section, one.sections)]
    shown = [_shown(section, found) for section, found in built]
    charts = [chart for _, found in built if found for chart in charts_in(found)]
    title = one.title.format(company=facts.company, period=getattr(facts, "title", period))
    return _environment().get_template("page.html.j2").render(title=title, sections=shown, charts=charts, script=_script(), fonts=_fonts())


def _section(name: str) -> Section[Any]:
    section: Section[Any] = import_module(f"meterbook.reports.sections.{name}").SECTION
    return section


def _shown(section: Section[Any], found: Mapping[str, Any] | None) -> Mapping[str, Any]:
    template = f"{section.template or section.name}.html.j2"
    return {"name": section.name, "title": section.title, "empty": section.empty, "template": template, "found": found}


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.filters["breakable"] = _breakable
    return found


def _breakable(name: str) -> Markup:
    """A long name that may be broken where its words end."""
    return Markup("").join(escape(part) + Markup("<wbr>") if part in _JOINTS else escape(part) for part in re.split(r"([_/.])", name))


@cache
def _script() -> str:
    return (HERE / "static" / "plotly-basic.min.js").read_text("utf-8")


@cache
def _fonts() -> Mapping[str, str]:
    return {name: base64.b64encode((HERE / "static" / file).read_bytes()).decode() for name, file in FONTS.items()}
