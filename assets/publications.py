"""What can be published: the pages of weeks and months, the statements, the quality page; and which tables each is read from."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from meterbook.reports.frame import WEEKS
from meterbook.reports.periods import days_of

WEEKLY, QUALITY, SAVINGS, TEAM, INDEX = "weekly", "quality", "savings", "team", "index"
MONTH_REVIEW = "monthly"
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
}
"""Tables cut by month that a publication is read from."""
BOOK_TABLES = ("book.owner", "book.unit", "book.unit_baseline", "book.budget", "book.gpu_pool", "book.pool")
WHOLE = {
    TEAM: ("book.saving",),
    SAVINGS: ("book.saving",),
    MONTH_REVIEW: ("book.saving", "book.correction", "marts.closed_month", "marts.alarm_quality"),
}
"""Tables that are not cut by time, beside those of `BOOK_TABLES`, that a publication is read from."""
OF_SAVINGS = frozenset({
    *("marts.lever", "marts.routing", "marts.savings", "marts.saving_quality", "marts.response_cache", "marts.prompt_cache"),
    *("marts.output_use", "marts.prompt_growth", "marts.batch_use", "marts.micro_batch", "marts.retry_waste", "marts.experiment"),
    *("marts.semantic_cache", "marts.cascade", "marts.routing_reason"),
})  # fmt: skip
"""Marts that only the pages of a month are read from: nothing else is made anew for them."""

WEEKS_OF_MONTH = 4
QUARTERS = timedelta(days=276)
"""Three quarters: a quota of one is held against what was used of it in the last three."""


@dataclass(frozen=True)
class Publication:
    """One thing to publish: a page of a week (`2026-W43`), statements or savings of a month (`2026-10`), the one quality page (`index`)."""

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


def bounds_of(item: Publication) -> tuple[date, date]:
    """Half-open range of days of a publication's period."""
    if item.kind in {"chargeback", SAVINGS, MONTH_REVIEW}:
        return days_of(item.period)
    year, week = item.period.split("-W")
    monday = date.fromisocalendar(int(year), int(week), 1)
    return monday, monday + timedelta(days=7)


def read_from(item: Publication) -> date:
    """The first day of daily marts that a publication is made from: pages also show what was before."""
    first = bounds_of(item)[0]
    before = {kind: first - timedelta(weeks=WEEKS) for kind in (WEEKLY, TEAM)}
    before |= {SAVINGS: (first - timedelta(days=1)).replace(day=1), MONTH_REVIEW: (first - QUARTERS).replace(day=1)}
    return before.get(item.kind, first)


def beside(folder: Path, item: Publication) -> dict[str, str]:
    """Pages that have the evidence of a monthly one and are there, by kind, as it links to them: its savings page and its last week's."""
    if item.kind != MONTH_REVIEW:
        return {}
    last = bounds_of(item)[1] - timedelta(days=1)
    weeks = (week_of(last - timedelta(weeks=back)) for back in range(WEEKS_OF_MONTH))
    pages = [(SAVINGS, f"{SAVINGS}/{item.period}.html"), *((WEEKLY, f"{WEEKLY}/{week}.html") for week in weeks)]
    found: dict[str, str] = {}
    for kind, path in pages:
        if kind not in found and (folder / "reports" / path).is_file():
            found[kind] = f"../{path}"
    return found
