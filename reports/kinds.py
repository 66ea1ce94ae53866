"""Every kind of page: what its sections are functions of, its title, and its sections in their order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import duckdb

from meterbook.reports import periods
from meterbook.reports.figures import PageFacts
from meterbook.reports.frame import Frame
from meterbook.reports.listing import Listing
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.quality import Quality, QualityFacts
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.ratecard import RateCard
from meterbook.reports.section import Section
from meterbook.reports.statements import Statement, StatementFacts
from meterbook.reports.team_frame import TeamFacts, TeamFrame

SaidOf = PageFacts | QualityFacts | StatementFacts | RateCard | TeamFacts | Listing
"""What a page says beside the marts, as its kind has it."""


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


def _quarter(con: duckdb.DuckDBPyConnection, period: str, facts: PageFacts) -> QuarterFrame:
    return QuarterFrame(con, period, facts)


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
    "quarterly": Kind(
        _quarter,
        "{company}: quarterly review {period}",
        (
            *("quarter_opening", "quarter_scorecard", "quarter_months", "quarter_moved", "quarter_units", "quarter_break_even"),
            *("quarter_commitments", "quarter_concentration", "quarter_experiments", "quarter_forecasts", "quarter_savings"),
            *("restatements", "quarter_decisions", "quarter_outlook", "closing"),
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
            "gate",
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


def sections_of(kind: str) -> list[Section[Any]]:
    """The sections of a kind of page, in its order.

    Raises:
        KeyError: an unknown kind.
    """
    return [_section(name) for name in KINDS[kind].sections]


def _section(name: str) -> Section[Any]:
    section: Section[Any] = import_module(f"meterbook.reports.sections.{name}").SECTION
    return section
