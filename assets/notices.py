"""What there is to say: levels of budgets that were reached, anomalies, requests for quota, the digest; read from the lake."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from meterbook.assets.book import Book, BookError
from meterbook.assets.notice import Notice
from meterbook.assets.notify import WEEKDAYS, NotifyFile
from meterbook.assets.publications import WEEKLY, Publication, bounds_of, week_of
from meterbook.assets.publishing import Publisher
from meterbook.assets.quota_requests import QuotaError, QuotaRequest, load_requests
from meterbook.assets.workspace import Workspace
from meterbook.reports.anomaly_cards import AFFECTED
from meterbook.reports.frame import Frame, PageFacts, Row, rows_of
from meterbook.reports.numbers import NBSP, NONE, count, head
from meterbook.reports.periods import Week
from meterbook.reports.sections import kpis, moved
from meterbook.reports.sections.opening import causes, headline

EVENTS, CARDS = "marts.budget_event", "marts.anomaly_card"
_UNITS = {"tokens": " tokens", "requests": " requests", "gpu_hours": " GPU hours"}
SECTIONS = {"anomaly": "#anomalies", "budget": "#budgets"}
"""Where on the page of its week a kind of notice is told in full."""


def notices_of(workspace: Workspace, today: date) -> list[Notice]:
    """All that notify.yaml wants told, whether it was or not, in an order that follows from it alone.

    Args:
        workspace: the opened book.
        today: the day in the book's time zone; a digest waits for it.

    Raises:
        BookError: a request for quota is wrong.
    """
    book, known = workspace.book, workspace.project.models
    wanted = book.notify.send
    found: list[Notice] = []
    with workspace.catalog.reading([name for name in (EVENTS, CARDS) if name in known]) as con:
        if wanted.budgets and EVENTS in known:
            found += budget_notices(con, wanted.budgets)
        if wanted.anomalies and CARDS in known:
            found += anomaly_notices(con, wanted.anomalies.min_usd)
    if wanted.quotas:
        try:
            found += quota_notices(load_requests(workspace.folder), {one.budget: one.told for one in book.budgets})
        except QuotaError as error:
            raise BookError(str(error)) from error
    if wanted.digest:
        found += _digest(workspace, today)
    paged = [_with_page(workspace.folder, notice) for notice in found]
    return sorted(paged, key=lambda one: (one.day, one.notice_id))


def budget_notices(con: duckdb.DuckDBPyConnection, kinds: Sequence[str]) -> Iterator[Notice]:
    """Each level of a budget that was reached, or will be, once for its period."""
    query = f"""
        select budget, period_start, level_percent, kind, day, period, period_end, measure, owner, scope, amount, used, share_percent,
            reached_low, reached_point, reached_high, at_limit
        from {EVENTS} order by budget, period_start, level_percent, kind
    """
    for row in rows_of(con, query):
        if row["kind"] not in kinds:
            continue
        key = f"{row['budget']} {row['period_start']} {row['level_percent']}% {row['kind']}"
        amount, used = (_amount(row[name], row["measure"]) for name in ("amount", "used"))
        share = "" if row["share_percent"] is None else f" ({Decimal(row['share_percent']):.1f}{NBSP}%)"
        facts = [
            ("Owner", row["owner"] or ""),
            ("Scope", row["scope"] or ""),
            ("Period", f"{row['period']}, {_day(row['period_start'])} to {_day(row['period_end'] - timedelta(days=1))}"),
            ("Used", f"{used} of {amount}{share}, by {_day(row['day'])}"),
            ("At the limit", row["at_limit"] or ""),
        ]
        worth = Decimal(row["used"] or 0) if row["measure"] == "dollars" else Decimal(0)
        title = f"Budget {row['budget']}: {_reached(row, amount)}"
        yield Notice("budget", key, row["owner"] or "", row["day"], worth, title, (), facts)


def _reached(row: Row, amount: str) -> str:
    level = f"{row['level_percent']}{NBSP}% of {amount}"
    if row["kind"] == "actual":
        return f"{level} is used"
    if row["reached_point"] is None:
        return f"{level} may be reached{_between(row)}"
    return f"{level} will be reached on {_day(row['reached_point'])}{_between(row)}"


def _between(row: Row) -> str:
    low, high = row["reached_low"], row["reached_high"]
    if low is None or low == high:
        return ""
    return f" ({_day(low)} to {_day(high)}, P10 to P90)" if high else f" ({_day(low)} at the earliest, or not in this period)"


def anomaly_notices(con: duckdb.DuckDBPyConnection, min_usd: int) -> Iterator[Notice]:
    """Each open card of so many dollars; what was acknowledged, muted or judged false is not told."""
    query = f"""
        select card_id, first_day, last_day, kind, dimension, scope, measure, owner, excess_usd, cause, culprit, event from {CARDS}
        where status = 'open' and coalesce(verdict, '') <> 'false' and abs(excess_usd) >= ? order by card_id
    """
    for row in rows_of(con, query, min_usd):
        days = _day(row["first_day"]) + (f" to {_day(row['last_day'])}" if row["last_day"] > row["first_day"] else "")
        where = "everything" if row["dimension"] == "total" else f"{row['dimension']} {row['scope']}"
        excess = row["excess_usd"]
        facts = [
            ("Owner", row["owner"] or ""),
            ("Days", days),
            ("Dollars", f"{head(abs(excess))} {_said(row)}"),
            ("Cause", row["cause"] or ""),
            ("Comes from", row["culprit"] or ""),
            ("Event", row["event"] or ""),
        ]
        more = f"{head(excess)} affected" if row["measure"] in AFFECTED else f"{'+' if excess > 0 else ''}{head(excess)}"
        title = f"{row['kind'].capitalize()} of {row['measure']}, {where}: {more} ({days})"
        yield Notice("anomaly", row["card_id"], row["owner"] or "", row["last_day"], excess, title, (), facts)


def _said(card: Mapping[str, object]) -> str:
    if card["measure"] in AFFECTED:
        return "of use was affected"
    return f"{'more' if Decimal(str(card['excess_usd'])) >= 0 else 'less'} than expected"


def quota_notices(requests: Iterable[QuotaRequest], owners: Mapping[str, str]) -> Iterator[Notice]:
    """Each request that waits for an answer, to who decides (the default channels), and each answer, to the owner of the budget."""
    for one in requests:
        amounts = (f"{_amount(value, one.measure)} a {one.period}" for value in (one.amount, one.wanted))
        facts = [("Budget", one.budget), ("Asked by", one.who), ("From, to", " to ".join(amounts)), ("Why", one.why)]
        if one.until:
            facts.append(("Until before", _day(one.until)))
        worth = abs(one.wanted - one.amount) if one.measure == "dollars" else Decimal(0)
        if one.decision is None:
            title = f"Quota request {one.request} waits for an answer"
            answer = [f"meterbook quota approve {one.request}, or reject, each with a reason."]
            yield Notice("quota", f"{one.request} asked", "", one.asked_on, worth, title, answer, facts)
        else:
            told = [*facts, ("Answer", one.decision.why)]
            title = f"Quota request {one.request} is {one.decision.outcome}"
            yield Notice("quota", f"{one.request} decided", owners.get(one.budget, ""), one.decision.decided_on, worth, title, (), told)


def _digest(workspace: Workspace, today: date) -> Iterator[Notice]:
    """The digest of the last whole week or day that is due, unless its page is held back."""
    days = [date.fromisoformat(day) for day in workspace.days_of(["marts.conservation"])]
    span = last_due(workspace.book.notify, days, today)
    if span is None or Publisher(workspace).short([Publication(WEEKLY, week_of(span[0]))]):
        return
    marts = [name for name, model in workspace.project.models.items() if model.layer == "marts"]
    with workspace.catalog.reading(marts) as con:
        yield digest_notice(Frame(con, Week(week_of(span[0]), *span), _facts(workspace.book, days[-1])), span)


def last_due(settings: NotifyFile, days: Sequence[date], today: date) -> tuple[date, date] | None:
    """The half-open days of the last digest that is due; None where there is none.

    Args:
        settings: notify.yaml.
        days: days with data, in order.
        today: a week is due from the settings' weekday after it, a day from the day after it.
    """
    digest = settings.send.digest
    if digest is None or not days:
        return None
    if digest.every == "day":
        last = min(days[-1], today - timedelta(days=1))
        return (last, last + timedelta(days=1)) if last >= days[0] else None
    wait = timedelta(days=WEEKDAYS.index(digest.weekday))
    ends = (bounds_of(Publication(WEEKLY, week_of(day)))[1] for day in reversed(days))
    end = next((end for end in ends if end <= days[-1] + timedelta(days=1) and end + wait <= today), None)
    return (end - timedelta(days=7), end) if end else None


def digest_notice(frame: Frame, span: tuple[date, date]) -> Notice:
    """What the weekly page says first, of a week or of a day."""
    is_week = (span[1] - span[0]).days > 1
    name = frame.week.name if is_week else str(span[0])
    title = (
        f"{frame.facts.company}: week {frame.week.name[-2:]}, {frame.week.title}" if is_week else f"{frame.facts.company}: {_day(span[0])}"
    )
    figures = (kpis.SECTION.build(frame) or {}).get("kpis", ()) if is_week else ()
    # The first one is what the headline says.
    shown = [one for one in figures[1:] if one.value != NONE]
    facts = [(one.name, " ".join(part for part in (one.value, one.delta, f"({one.basis})") if part)) for one in shown]
    lines = [headline(frame), *causes(frame), *moved.sentences(frame)]
    return Notice("digest", name, "", span[1], frame.now, title, lines, facts, _page(span[0]))


def _facts(book: Book, through: date) -> PageFacts:
    settings = book.settings
    return PageFacts(settings.name, settings.mode, (), 0, 0, through, "", is_closed=False, owner_target=settings.owner_target)


def _with_page(folder: Path, notice: Notice) -> Notice:
    """A notice with the page of its week, where there is that page."""
    page = notice.page or _page(notice.day)
    return replace(notice, page=f"{page}{SECTIONS.get(notice.kind, '')}" if (folder / "reports" / page).is_file() else None)


def _page(day: date) -> str:
    return f"{WEEKLY}/{week_of(day)}.html"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _amount(value: Decimal | None, measure: str) -> str:
    return head(value) if measure == "dollars" else f"{count(value)}{_UNITS[measure]}"
