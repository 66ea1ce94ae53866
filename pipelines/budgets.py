"""Budgets and quotas as text: a table of how they stand, and one of them in full."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table

from meterbook.reports.budget_status import Row, Status, amount, day_of, told
from meterbook.reports.numbers import NONE, dollars, percent, plural


def listed(found: Sequence[Status], rates: Sequence[Row], console: Console, *, everything: bool) -> None:
    """Print how budgets stand, those that need a look or all, and what limits of rate saw in the last seven days."""
    shown_ones = [one for one in found if everything or one.needs_a_look]
    if shown_ones:
        table = Table("budget", "scope", "used", *(Column(name, justify="right") for name in ("share", "level")), show_edge=False)
        table.add_column("lands at (80 % band)", justify="right")
        table.add_column("used up")
        for one in shown_ones:
            level = one.row["level_percent"]
            scope = f"{one.row['scope']}, {one.row['period']}"
            table.add_row(
                one.row["budget"], scope, one.used, percent(one.share), f"{level} %" if level else NONE, one.landing, one.exhaustion
            )
        console.print(table)
    for one in shown_ones:
        if one.is_spent or one.is_expected_to_be:
            _say(console, f"{one.row['budget']} {one.sentence}; at the limit {one.row['at_limit']}")
        if one.row["unpriced_requests"]:
            _say(console, f"{one.row['budget']}: {plural(one.row['unpriced_requests'], 'call')} without a price not in it")
    if others := len(found) - len(shown_ones):
        _say(console, f"{plural(others, 'budget')} where the period is, or below: --all shows them")
    for row in rates:
        _say(console, _rate(row))


def _rate(row: Row) -> str:
    limits = [(row[f"{name}_per_minute"], row[f"busiest_{name}"], name) for name in ("requests", "tokens")]
    most = " and ".join(f"{busiest:,} {name} of {limit:,}" for limit, busiest, name in limits if limit is not None)
    over = f"{row['minutes_over']:,} of {row['minutes']:,} minutes with calls over it"
    return f"rate limit {row['limit_name']} ({row['scope']}), last seven days: {over}, at most {most} in a minute"


def shown(one: Status, drivers: tuple[str, Sequence[Row]], periods: Sequence[Row], events: Sequence[Row], console: Console) -> None:
    """Print one budget in full."""
    row, measure = one.row, one.row["measure"]
    _say(console, f"{row['budget']}: {row['scope']}, by {row['period']}, owner {row['owner']}")
    _say(console, f"{day_of(row['day'])}, day {row['day_of_period']} of {row['days_in_period']}: {one.used}, {percent(one.share)} used")
    lands = f"; lands at {one.landing}" if row["point"] is not None else ""
    _say(console, f"it {one.sentence}{lands}{_tested(row)}")
    _say(console, f"at the limit {row['at_limit']}")
    name, found = drivers
    table = Table(
        name, *(Column(text, justify="right") for text in ("used", "share", "change to the period before", "cost")), show_edge=False
    )
    for driver in found:
        share = percent(driver["used"] / row["used"]) if row["used"] else NONE
        table.add_row(driver["driver"], amount(driver["used"], measure), share, _change(driver, measure), dollars(driver["cost_usd"]))
    if found:
        console.print(table)
    table = Table("period from", *(Column(text, justify="right") for text in ("used", "of", "share", "level")), show_edge=False)
    for period in periods:
        level = f"{period['level_percent']} %" if period["level_percent"] else NONE
        share = percent(period["used"] / period["amount"]) if period["amount"] else NONE
        table.add_row(str(period["period_start"]), amount(period["used"], measure), amount(period["amount"], measure), share, level)
    console.print(table)
    for event in events:
        _say(console, f"{event['day']}  {event['kind']}: {told(event)}")


def _tested(row: Row) -> str:
    if not row["tests"]:
        return ""
    error = "" if row["error"] is None else f", median error {row['error'] * 100:.1f} %"
    return f" ({row['covered']} of {row['tests']} such forecasts of the past within their band{error})"


def _change(driver: Row, measure: str) -> str:
    if driver["used_before"] is None:
        return "new"
    gap = driver["used"] - driver["used_before"]
    text = amount(gap, measure)
    return f"+{text}" if gap > 0 else text


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, markup=False)
