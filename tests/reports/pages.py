"""A page of every kind, from marts that a test may have changed: what the browser looks at."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, get_type_hints

import duckdb
from quarter_rows import fill_quarter

from meterbook.reports.charges import Edition, Month
from meterbook.reports.frame import PageFacts
from meterbook.reports.gate import Verdict
from meterbook.reports.kinds import KINDS
from meterbook.reports.listing import Listing, Page
from meterbook.reports.page import render
from meterbook.reports.periods import week
from meterbook.reports.quality import QualityFacts, Rule
from meterbook.reports.ratecard import METERS, ModelClass, Price, RateCard, Service
from meterbook.reports.statements import StatementFacts
from meterbook.reports.team_frame import TeamFacts, TeamWeeks

Con = duckdb.DuckDBPyConnection
LAST = date(2026, 10, 25)
PERIODS = {"weekly": "2026-W43", "team": "2026-W43", "quarterly": "2026-Q4", "quality": "index", "index": "index"}
"""Periods of kinds that are not of a month."""
HOSTILE = "<script>alert(1)</script></script><img src=x onerror=alert(1)>\"'`\N{RIGHT-TO-LEFT OVERRIDE}evil \N{RECEIPT} " + "n" * 140
"""A name that would run, end the script it stands in, turn round what follows, or not fit."""
MONTH = "2026-10"
LARGE = Decimal("123456.5")
NAMES = (
    *("team", "tenant", "feature", "model", "owner", "source", "file", "pool", "budget", "label", "culprit", "scope"),
    *("value", "cost_centre", "series", "task", "at_limit", "experiment", "arm", "queue", "other_source", "card_id"),
    *("commitment", "minimum"),
)
"""Columns of text that people and their systems fill in."""
KEPT = frozenset({"unowned", "unallocated", "(none)", "everything", "priced", "all"})
"""Words of ours among them."""


def page_of(kind: str, con: Con, facts: PageFacts, name: str = "") -> str:
    """The HTML of a page of a kind.

    Args:
        kind: of KINDS.
        con: the marts.
        facts: of the book.
        name: the team, file and class of models in what is no mart; plain ones where not given.

    Raises:
        AssertionError: what a page of this kind says beside its marts is not known here.
    """
    said = get_type_hints(KINDS[kind].figures).get("facts")
    asked = next((hint for hint in get_type_hints(KINDS[kind].figures).values() if hint in _FACTS), said)
    assert asked in _FACTS, f"say in tests/reports/pages.py what a page of kind {kind} is made of"
    return render(kind, PERIODS.get(kind, MONTH), con, _FACTS[asked](con, facts, name))


def fill(con: Con) -> None:
    """What the savings page, the quality page and the quarterly page have sections for, added to the company's marts."""
    named = {"day": date(2026, 10, 5), "team": "customer-success", "feature": "invoice-extraction-of-scans", "model": "claude-sonnet-4-5"}
    spread = {"low_saving_usd": -LARGE, "point_saving_usd": LARGE, "high_saving_usd": 9 * LARGE}
    of_model = named | {"provider": "anthropic", "requests": 1_234_567}
    for place, lever in enumerate(("duplicates", "retries", "caps", "routing", "prompt cache", "batch"), 1):
        for scenario, usd in zip(("low", "point", "high"), spread.values(), strict=True):
            money = {"before_usd": 99 * LARGE, "after_usd": 99 * LARGE - usd, "saving_usd": usd}
            _put(con, "marts.lever", of_model | {"tenant": "x", "place": place, "lever": lever, "scenario": scenario} | money)
    repeats = dict.fromkeys(("low_repeats", "point_repeats", "high_repeats", "late_repeats", "foreign_repeats", "claimed_repeats"), 10_000)
    hits = dict.fromkeys(("cache_hits", "foreign_hits", "eligible_requests", "unpriced_repeats"), 123_456)
    money = {"cache_hit_value_usd": LARGE, "cost_usd": LARGE}
    _put(con, "marts.response_cache", of_model | spread | repeats | hits | money | {"tenant": "x"})
    tokens = dict.fromkeys(("input_tokens", "cache_read_tokens", "cache_write_tokens", "point_read_tokens"), 123_456_789_012)
    money = dict.fromkeys(("read_saving_usd", "write_premium_usd", "storage_usd", "saving_usd"), LARGE)
    _put(con, "marts.prompt_cache", of_model | spread | tokens | money | {"unpriced_requests": 5})
    _fill_quality(con)
    _fill_prices(con)
    fill_quarter(con)


def _fill_prices(con: Con) -> None:
    """What customers pay for a ticket, less than it costs from October on; and what the third day of October said of it."""
    for first, end, usd in ((date(2026, 7, 1), date(2026, 10, 1), "0.60"), (date(2026, 10, 1), date(9999, 12, 31), "0.40")):
        _put(con, "book.unit_price", {"unit": "ticket", "starts_on": first, "ends_on": end, "price_usd": Decimal(usd)})
    con.execute("""
        insert into marts.unit_margin by name
        select cost.day, cost.unit, cost.label, price.price_usd, units, successes, cost_usd, successes * price.price_usd as revenue_usd,
            successes * price.price_usd - cost_usd as margin_usd
        from marts.unit_cost as cost
        inner join book.unit_price as price on price.unit = cost.unit and cost.day >= price.starts_on and cost.day < price.ends_on
    """)
    money = {"used_usd": LARGE, "low_usd": LARGE, "point_usd": 2 * LARGE, "high_usd": 3 * LARGE, "method": "conformal"}
    place = {"dimension": "total", "scope": "all", "period": "2026-10", "period_start": date(2026, 10, 1), "days_left": 28}
    _put(con, "marts.forecast", {"day": date(2026, 10, 3), **place, **money})


def _fill_quality(con: Con) -> None:
    stream = {"day": LAST, "source": "gateway", "kind": "gpu_sample", "rows_kept": 1_234_567, "usual_rows": 12_345_678, "status": "low"}
    _put(con, "marts.volume", stream)
    same = dict.fromkeys(("items", "other_items", "same_items"), 123_456_789)
    _put(con, "marts.same_money", {"day": LAST, "kind": "charge", "source": "gateway", "other_source": "bill"} | same)
    refused = ["f", "gateway/log.jsonl", "anthropic_analytics_usage", 1_234_567, "input_tokens is negative (-5)", ""]
    con.execute("insert into raw.quarantine values (?, ?, ?, ?, ?, ?)", refused)
    con.execute("insert into raw.file_flag values ('f', 'gateway/log.jsonl', 'holds a day that is not over')")


def spoil(con: Con, name: str) -> None:
    """Every name of the marts becomes this one, each with what it was before behind it: keys stay keys."""
    listed = con.execute(
        "select table_schema, table_name, column_name from information_schema.columns where data_type = 'VARCHAR' order by all"
    ).fetchall()
    for schema, table, column in listed:
        if column in NAMES and schema in {"marts", "raw", "book"}:
            place, kept = f'"{schema}"."{table}"', ", ".join(f"'{word}'" for word in sorted(KEPT))
            con.execute(f'update {place} set "{column}" = ? || "{column}" where "{column}" not in ({kept})', [name])


def multiply(con: Con, times: int) -> None:
    """Every row of the marts that names a team, a unit or a pool is there so many times, each time with another name."""
    listed = con.execute("""
        select table_schema, table_name, list(column_name order by column_name) from information_schema.columns
        where table_schema = 'marts' and column_name in ('team', 'tenant', 'budget', 'series') group by all order by all
    """).fetchall()
    for schema, table, columns in listed:
        named = ", ".join(f"{name} || '-' || n as {name}" for name in columns)
        con.execute(
            f"insert into {schema}.{table} select old.* replace ({named}) from {schema}.{table} as old, range(2, {times + 1}) as t(n)"
        )


def _put(con: Con, table: str, row: Mapping[str, Any]) -> None:
    con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _quality(_con: Con, facts: PageFacts, name: str) -> QualityFacts:
    quoted = (name or "gateway").replace("'", "''")
    rule = f"same_items < 0 and source <> '{quoted}'"
    rules = [Rule("marts.same_money", rule, is_blocking=False, rows=123_456_789, partitions=["2026-10-01", "2026-10-25"])]
    refused = [(f"{name}gateway/{number}.jsonl", f"no {name or 'format'} is known") for number in range(2)]
    days = [f"2026-10-{day:02}" for day in range(1, 26)]
    place = "gate.largest_call_usd.critical $1,000,000 of meterbook.yaml"
    told = {"severity": "critical", "expected": "at most $1,000,000", "place": place, "worst": days[0], "observed": "$123,456,789.01"}
    failing = Verdict(
        "largest_call_usd", "Dearest call", "day", "the dearest call cost {}", **told, judged=92, failed=days, todo=f"{name}look"
    )
    unknown = replace(failing, worst="", observed="", judged=0, failed=(), severity="warning")
    broken = replace(failing, error=f"{name}no such column")
    return QualityFacts(facts.company, LAST, refused, rules, run_hash="c0ffee", verdicts=[failing, unknown, broken])


def _ratecard(_con: Con, facts: PageFacts, name: str) -> RateCard:
    prices = [Price(f"{name}large", meter, Decimal("2.5"), is_stated=False, quantity=10**9, cost_usd=LARGE) for meter in METERS]
    prices.append(Price(f"{name}training", "gpu_hour", Decimal("2.10"), is_stated=True, quantity=10**6, cost_usd=LARGE))
    one = ModelClass(f"{name}large", (f"{name}gpt-5*",), (f"{name}gpt-5",))
    services = [Service(f"{name}gateway", Decimal(4200), ("Shared: gateway",), "requests")]
    said = {"margin_percent": Decimal(5), "difference_to": f"{name}platform", "why": "a price was wrong", "table_sha256": "0" * 64}
    return RateCard(facts.company, MONTH, 2, "2026-09", 28, classes=[one], prices=prices, services=services, **said)


def _statement(con: Con, facts: PageFacts, name: str) -> StatementFacts:
    return StatementFacts(facts, f"{name}sales", Edition(), Month(con, MONTH))


def _team(con: Con, facts: PageFacts, name: str) -> TeamFacts:
    weeks = TeamWeeks(con, week(PERIODS["team"], facts.data_through), facts)
    return TeamFacts(facts, f"{name}sales", weeks, [("The week's page", "../../weekly/2026-W43.html")])


def _listing(_con: Con, facts: PageFacts, name: str) -> Listing:
    teams = [
        Page("team", f"{name}{team}", f"team/{team}/2026-W43.html", LAST, f"{name}{team}: cost held.", "open") for team in ("hr", "sales")
    ]
    week = Page(
        "weekly", "Week 43", "weekly/2026-W43.html", LAST, "AI cost held at $9,741.", "open", "coverage is 91 %", parts=tuple(teams)
    )
    return Listing(facts.company, LAST, [week, Page("quality", "Quality of the data", "quality/index.html", LAST)])


_FACTS: Mapping[Any, Callable[[Con, PageFacts, str], Any]] = {
    PageFacts: lambda _con, facts, _name: facts,
    Listing: _listing,
    QualityFacts: _quality,
    RateCard: _ratecard,
    StatementFacts: _statement,
    TeamFacts: _team,
}
