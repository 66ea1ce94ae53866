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
from meterbook.reports.additions import NOTHING, Additions, Asked, branded
from meterbook.reports.frame import Frame, PageFacts
from meterbook.reports.listing import Listing
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.quality import Quality, QualityFacts
from meterbook.reports.ratecard import RateCard
from meterbook.reports.section import Section, charts_in
from meterbook.reports.statements import Statement, StatementFacts
from meterbook.reports.team_frame import TeamFacts, TeamFrame

__all__ = ["KINDS", "Kind", "Made", "PageFacts", "QualityFacts", "make", "render", "sections_of", "templates"]

SaidOf = PageFacts | QualityFacts | StatementFacts | RateCard | TeamFacts | Listing
"""What a page says beside the marts, as its kind has it."""
HERE = Path(__file__).parent
_JOINTS = frozenset("_/.")
_TURNS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
"""Unicode's controls of writing direction (UAX #9): embeddings, overrides, isolates."""


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


def _team(_con: duckdb.DuckDBPyConnection, _period: str, facts: TeamFacts) -> TeamFrame:
    return TeamFrame(facts)


def _index(_con: duckdb.DuckDBPyConnection, _period: str, facts: Listing) -> Listing:
    return facts


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
                "budgets",
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
    "monthly": Kind(
        _month,
        "{company}: monthly review {period}",
        (
            *("month_opening", "month_kpis", "month_plan", "moved", "month_budgets", "month_quotas", "routing", "units", "promotions"),
            *("reconciliation", "savings_ledger", "restatements", "month_anomalies", "month_decisions", "closing"),
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
            "alarms",
            "rules",
            "basis",
        ),
    ),
    "team": Kind(
        _team,
        "{company}: {period}",
        (
            *("team_opening", "team_kpis", "team_month", "team_moved", "team_top", "team_budgets", "anomalies", "team_units", "team_gpus"),
            *("team_decisions", "team_closing"),
        ),
    ),
    "index": Kind(_index, "{company}: all pages", ("index_opening", "index_pages")),
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
FIXED = frozenset({"statement", "ratecard", "index"})
"""Kinds of pages that a book adds no sections to: accounts as they were closed or published, and the list of all pages."""
FONTS = {
    "inter400": "inter-latin-400-normal.woff2",
    "inter600": "inter-latin-600-normal.woff2",
    "serif600": "source-serif-4-latin-600-normal.woff2",
}


def render(kind: str, period: str, con: duckdb.DuckDBPyConnection, facts: SaidOf) -> str:
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


def sections_of(kind: str) -> list[Section[Any]]:
    """The sections of a kind of page, in its order.

    Raises:
        KeyError: an unknown kind.
    """
    return [_section(name) for name in KINDS[kind].sections]


def _section(name: str) -> Section[Any]:
    section: Section[Any] = import_module(f"meterbook.reports.sections.{name}").SECTION
    return section


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
