"""What can be published: the pages of weeks and months, the statements, the quality page; and which tables each is read from."""

from dataclasses import dataclass
from datetime import date, timedelta

from meterbook.reports.frame import WEEKS
from meterbook.reports.periods import days_of

WEEKLY, QUALITY, SAVINGS = "weekly", "quality", "savings"
JUDGED = (
    "marts.input_file", "marts.volume", "marts.same_money", "marts.priced_use", "marts.attempt_use", "marts.telemetry", "raw.file_flag",
    "raw.quarantine",
)  # fmt: skip
"""What the quality page is read from, and the gate."""
MONTHLY = {
    WEEKLY: ("marts.reconciliation_cause", "marts.reconciliation_cell", "marts.cost_change"),
    "chargeback": ("marts.chargeback", "marts.chargeback_tenant", "marts.rate_used"),
    SAVINGS: (),
}
"""Tables cut by month that a publication is read from."""
BOOK_TABLES = ("book.owner", "book.unit", "book.unit_baseline", "book.budget", "book.gpu_pool", "book.pool")
OF_SAVINGS = frozenset({
    *("marts.lever", "marts.routing", "marts.savings", "marts.saving_quality", "marts.response_cache", "marts.prompt_cache"),
    *("marts.output_use", "marts.prompt_growth", "marts.batch_use", "marts.micro_batch", "marts.retry_waste", "marts.experiment"),
    *("marts.semantic_cache", "marts.cascade", "marts.routing_reason"),
})  # fmt: skip
"""Marts that only the savings page is read from: nothing else is made anew for them."""


@dataclass(frozen=True)
class Publication:
    """One thing to publish: a page of a week (`2026-W43`), statements or savings of a month (`2026-10`), the one quality page (`index`)."""

    kind: str
    period: str

    @property
    def key(self) -> str:
        """Name in the record."""
        return f"{self.kind}/{self.period}"


QUALITY_PAGE = Publication(QUALITY, "index")


def week_of(day: date) -> str:
    """ISO week of a day, `2026-W43`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def bounds_of(item: Publication) -> tuple[date, date]:
    """Half-open range of days of a publication's period."""
    if item.kind in {"chargeback", SAVINGS}:
        return days_of(item.period)
    year, week = item.period.split("-W")
    monday = date.fromisocalendar(int(year), int(week), 1)
    return monday, monday + timedelta(days=7)


def read_from(item: Publication) -> date:
    """The first day of daily marts that a publication is made from: pages also show what was before."""
    first = bounds_of(item)[0]
    before = {WEEKLY: first - timedelta(weeks=WEEKS), SAVINGS: (first - timedelta(days=1)).replace(day=1)}
    return before.get(item.kind, first)
