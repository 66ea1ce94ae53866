"""Which quotas are starved and which stand unused, by their last whole periods."""

from datetime import date, timedelta
from decimal import Decimal

import duckdb
import pytest

from meterbook.reports.figures import PageFacts, rows_of
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.quota_use import Quota, quotas
from meterbook.reports.sections import month_quotas

Con = duckdb.DuckDBPyConnection


def _use(con: Con, budget: str, month: int, used: str, *, amount: str = "100", measure: str = "dollars") -> None:
    start, end = date(2026, month, 1), date(2026, month + 1, 1)
    row = {"budget": budget, "day": end - timedelta(days=1), "period": "month", "period_start": start, "period_end": end}
    row |= {"measure": measure, "scope": budget, "owner": "finance", "amount": Decimal(amount), "used": Decimal(used)}
    con.execute(f"insert into marts.budget_use ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _quota(con: Con, end: date = date(2026, 11, 1)) -> Quota:
    [found] = quotas(lambda query, *values: rows_of(con, query, *values), end)
    return found


@pytest.mark.parametrize(
    ("used", "is_starved", "is_unused"),
    [
        (("10", "20", "30"), False, True),
        (("10", "20", "50"), False, False),
        (("10", "30"), False, False),
        (("99", "10", "94"), False, False),
        (("1", "1", "95"), True, False),
        (("1", "1", "300"), True, False),
        (("99", "10", "20", "30"), False, True),
    ],
)
def test_a_quota_is_starved_by_its_last_period_and_unused_by_three(
    empty: Con, used: tuple[str, ...], is_starved: bool, is_unused: bool
) -> None:
    for month, one in enumerate(used, 11 - len(used)):
        _use(empty, "chat", month, one)
    found = _quota(empty)
    assert (found.is_starved, found.is_unused) == (is_starved, is_unused)


def test_a_quota_of_nothing_is_starved_by_the_first_of_anything(empty: Con) -> None:
    _use(empty, "sandbox", 10, "0.01", amount="0")
    assert _quota(empty).is_starved
    assert _quota(empty).shares == [None]


def test_a_period_that_is_not_over_does_not_count(empty: Con) -> None:
    for month, used in ((9, "10"), (10, "99")):
        _use(empty, "chat", month, used)
    assert not _quota(empty, date(2026, 10, 31)).is_starved
    assert _quota(empty).is_starved


def test_the_month_names_who_is_starved_and_what_is_spare(empty: Con, facts: PageFacts) -> None:
    for month in (7, 8, 9):
        _use(empty, "idle", month, "100000", amount="1000000", measure="tokens")
        _use(empty, "chat", month, "96")
    frame = MonthFrame(empty, "2026-09", facts)
    found = month_quotas.SECTION.build(frame)
    assert found is not None
    assert [(row["budget"], row["state"], row["spare"]) for row in found["rows"]] == [
        ("chat", "starved", ""),
        ("idle", "unused", "900.0k tokens"),
    ]
    assert (found["note"], found["command"]) == ("1 quota starved and 1 quota unused.", "meterbook quota rebalance --month 2026-10")
    empty.execute("delete from marts.budget_use where budget = 'chat'")
    alone = month_quotas.SECTION.build(frame)
    assert alone is not None
    assert alone["note"] == "1 quota unused and none starved: what is spare can be given back."


def test_a_month_whose_quotas_are_neither_says_so(empty: Con, facts: PageFacts) -> None:
    _use(empty, "chat", 9, "60")
    assert month_quotas.SECTION.build(MonthFrame(empty, "2026-09", facts)) is None
