"""What can be published: the pages of weeks, months and quarters, the statements, the quality page; and which tables each is read from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from meterbook.reports.frame import WEEKS
from meterbook.reports.periods import days_of, days_of_quarter, months_of_quarter, quarter_of

WEEKLY, QUALITY, SAVINGS, TEAM, INDEX = "weekly", "quality", "savings", "team", "index"
MONTH_REVIEW, QUARTERLY = "monthly", "quarterly"
STAYS = frozenset({WEEKLY, TEAM, SAVINGS, MONTH_REVIEW, QUARTERLY})
"""Kinds of pages that stay as they are once their days are closed."""
JUDGED = (
    "marts.input_file", "marts.volume", "marts.same_money", "marts.priced_use", "marts.attempt_use", "marts.telemetry", "raw.file_flag",
    "raw.quarantine", "marts.alarm_quality",
)  # fmt: skip
"""What the quality page is read from, and the gate."""
MONTHLY = {
    WEEKLY: ("marts.reconciliation_cause", "marts.reconciliation_cell", "marts.cost_change"),
    TEAM: ("marts.cost_change",),
    "chargeback": ("marts.chargeback", "marts.chargeback_tenant", "marts.rate_used"),
    SAVINGS: (),
    MONTH_REVIEW: ("marts.reconciliation_cause", "marts.reconciliation_cell", "marts.cost_change"),
    QUARTERLY: (),
}
"""Tables cut by month that a publication is read from."""
BOOK_TABLES = ("book.owner", "book.unit", "book.unit_baseline", "book.budget", "book.gpu_pool", "book.pool")
WHOLE = {
    TEAM: ("book.saving",),
    SAVINGS: ("book.saving",),
    MONTH_REVIEW: ("book.saving", "book.correction", "marts.closed_month", "marts.alarm_quality"),
    QUARTERLY: (
        *("book.saving", "book.correction", "book.unit_price", "book.commitment", "book.commitment_price", "book.minimum_spend"),
        *("book.unit_plan", "book.budget_amount", "marts.closed_month", "marts.alarm_quality", "marts.landing_error"),
    ),
}
"""Tables that are not cut by time, beside those of `BOOK_TABLES`, that a publication is read from."""
OF_SAVINGS = frozenset({
    *("marts.lever", "marts.routing", "marts.savings", "marts.saving_quality", "marts.response_cache", "marts.prompt_cache"),
    *("marts.output_use", "marts.prompt_growth", "marts.batch_use", "marts.micro_batch", "marts.retry_waste", "marts.experiment"),
    *("marts.semantic_cache", "marts.cascade", "marts.routing_reason", "marts.unit_margin"),
})  # fmt: skip
"""Marts that only the pages of a month and of a quarter are read from: nothing else is made anew for them."""

WEEKS_OF_MONTH, WEEKS_OF_QUARTER = 4, 14
QUARTERS = timedelta(days=276)
"""Three quarters: a quota of one is held against what was used of it in the last three."""


@dataclass(frozen=True)
class Publication:
    """One thing to publish: a page of a week (`2026-W43`), a month (`2026-10`) or a quarter (`2026-Q4`), the one quality page (`index`)."""

    kind: str
    period: str

    @property
    def key(self) -> str:
        """Name in the record."""
        return f"{self.kind}/{self.period}"


QUALITY_PAGE, INDEX_PAGE = Publication(QUALITY, "index"), Publication(INDEX, "index")


def week_of(day: date) -> str:
    """ISO week of a day, `2026-W43`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def of_days(days: Iterable[str]) -> list[Publication]:
    """What is published of some days, by ISO date: of their weeks, months and quarters, what is linked to before what links to it."""
    found = [date.fromisoformat(day) for day in sorted(days)]
    weeks, months, quarters = (list(dict.fromkeys(map(name, found))) for name in (week_of, "{:%Y-%m}".format, quarter_of))
    kinds = ((("chargeback", SAVINGS), months), ((TEAM, WEEKLY), weeks), ((MONTH_REVIEW,), months), ((QUARTERLY,), quarters))
    return [Publication(kind, period) for group, periods in kinds for kind in group for period in periods]


def bounds_of(item: Publication) -> tuple[date, date]:
    """Half-open range of days of a publication's period."""
    if item.kind in {"chargeback", SAVINGS, MONTH_REVIEW}:
        return days_of(item.period)
    if item.kind == QUARTERLY:
        return days_of_quarter(item.period)
    year, week = item.period.split("-W")
    monday = date.fromisocalendar(int(year), int(week), 1)
    return monday, monday + timedelta(days=7)


def read_from(item: Publication) -> date:
    """The first day of daily marts that a publication is made from: pages also show what was before."""
    first = bounds_of(item)[0]
    before = {kind: first - timedelta(weeks=WEEKS) for kind in (WEEKLY, TEAM)}
    before |= dict.fromkeys((MONTH_REVIEW, QUARTERLY), (first - QUARTERS).replace(day=1))
    before[SAVINGS] = (first - timedelta(days=1)).replace(day=1)
    return before.get(item.kind, first)


def beside(folder: Path, item: Publication) -> dict[str, str]:
    """Pages that have the evidence of one of a month or a quarter and are there, as it links to them.

    Its last savings page and its last week's by kind; a quarter's months by their name.
    """
    if item.kind not in {MONTH_REVIEW, QUARTERLY}:
        return {}
    months = [item.period] if item.kind == MONTH_REVIEW else months_of_quarter(item.period)
    last = bounds_of(item)[1] - timedelta(days=1)
    lately = WEEKS_OF_MONTH if item.kind == MONTH_REVIEW else WEEKS_OF_QUARTER
    weeks = (week_of(last - timedelta(weeks=back)) for back in range(lately))
    pages = [*((SAVINGS, f"{SAVINGS}/{month}.html") for month in reversed(months)), *((WEEKLY, f"{WEEKLY}/{week}.html") for week in weeks)]
    pages += [(month, f"{MONTH_REVIEW}/{month}.html") for month in months if item.kind == QUARTERLY]
    found: dict[str, str] = {}
    for kind, path in pages:
        if kind not in found and (folder / "reports" / path).is_file():
            found[kind] = f"../{path}"
    return found
