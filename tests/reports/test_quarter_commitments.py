"""Commitments on the quarterly page: use, coverage, what they spared against list, when they end and what to do."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from meterbook.reports.commitments import Commitments
from meterbook.reports.figures import PageFacts
from meterbook.reports.numbers import NBSP, NONE
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.sections.quarter_commitments import SECTION

Con = duckdb.DuckDBPyConnection
FIRST, DAYS = date(2026, 10, 1), 25
OPEN = date(9999, 12, 31)
HOSTILE = "<script>alert(1)</script>" + "n" * 140


def _put(con: Con, table: str, **row: Any) -> None:
    con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _order(con: Con, name: str = "ptu", *, ends: date = OPEN, kind: str = "provisioned_throughput", **more: Any) -> None:
    row = {"commitment": name, "kind": kind, "provider": "azure", "owner": "platform", "is_billed": True, "capacity": Decimal(100)}
    _put(con, "book.commitment", **{**row, "starts_on": date(2026, 1, 1), "ends_on": ends, **more})


def _used(con: Con, name: str = "ptu", *, used: int = 80, cost: int = 10, at_list: int = 20, **more: Any) -> None:
    for number in range(DAYS):
        kind = {"commitment": name, "kind": "provisioned_throughput", "provider": "azure", "owner": "platform", "hours": 24}
        capacity = {"capacity_unit": "weighted tokens", "capacity": Decimal(100), "used": Decimal(used), "overflow": Decimal(0)}
        rest = Decimal(cost) * (100 - used) / 100
        money = {"cost_usd": Decimal(cost), "used_cost_usd": cost - rest, "unused_cost_usd": rest, "list_usd": Decimal(at_list)}
        row = {**kind, **capacity, **money, "open_list_usd": Decimal(0), "unlisted": 0, "least_unused": Decimal(0)}
        _put(con, "marts.commitment", **{**row, "day": FIRST + timedelta(days=number), **more})


def _build(con: Con, facts: PageFacts) -> Any:
    return SECTION.build(QuarterFrame(con, "2026-Q4", facts))


def _lead(con: Con, facts: PageFacts) -> str:
    return " ".join(_build(con, facts)["lead"]).replace(NBSP, " ")


def _row(con: Con, facts: PageFacts) -> dict[str, str]:
    [row] = _build(con, facts)["rows"]
    return {name: value.replace(NBSP, " ") for name, value in row.items()}


def test_a_book_without_commitments_says_so(empty: Con, facts: PageFacts) -> None:
    assert _build(empty, facts) is None
    _order(empty, ends=date(2026, 7, 1))
    assert _build(empty, facts) is None, "what ended before the quarter is no commitment of it"


def test_what_a_commitment_cost_spared_and_left_unused_is_told_in_dollars(empty: Con, facts: PageFacts) -> None:
    _order(empty)
    _used(empty)
    assert _lead(empty, facts) == (
        "1 commitment cost $250 in Q4 2026 so far, of which $50 (20.0 %) was not used."
        " What it served costs $500 at list: it cost $250 less. No commitment ends by 30 June 2027."
    )
    row = _row(empty, facts)
    assert (row["used"], row["used_months"], row["covered"]) == ("80.0 %", "Oct 80.0 %", "100.0 %")
    assert (row["cost"], row["unused"], row["against"], row["ends"]) == ("$250", "$50", "50.0 % under", "no end")
    assert _build(empty, facts)["chart"] is None


def test_what_could_have_been_served_and_was_not_lowers_coverage(empty: Con, facts: PageFacts) -> None:
    _order(empty)
    _used(empty, at_list=15, open_list_usd=Decimal(10))
    assert (_row(empty, facts)["covered"], _row(empty, facts)["advice"]) == (
        "60.0 %",
        "renew, and see whether more pays: it covers 60.0 %",
    )


def test_coverage_of_gpus_is_of_their_time_and_needs_no_price(empty: Con, facts: PageFacts) -> None:
    _order(empty, kind="reserved_gpu", provider="gpu")
    _used(empty, kind="reserved_gpu", used=75, overflow=Decimal(25), unlisted=3)
    row = _row(empty, facts)
    assert (row["used"], row["covered"], row["against"]) == ("75.0 %", "75.0 %", "unknown")
    assert row["about"] == "reserved GPUs, platform"
    assert "What it spared is unknown: it served nothing, or what has no price at list." in _lead(empty, facts)


@pytest.mark.parametrize(
    ("used", "at_list", "least", "advice"),
    [
        (80, 20, 0, "renew as it is"),
        # Ten dollars a day for what costs four at list: six a day, 365 days.
        (30, 4, 0, "let it lapse, or fill it: list is $2,190 a year cheaper"),
        # A fifth of each hour's hundred 24ths was idle in every one: a fifth of ten dollars a day.
        (60, 20, 100 / 24 / 5, "renew smaller: 20.0 % was idle in every hour, $730 a year"),
        (0, 0, 100 / 24, "let it lapse: nothing used it"),
    ],
)
def test_what_to_do_follows_from_how_it_was_used(
    empty: Con, facts: PageFacts, *, used: int, at_list: int, least: float, advice: str
) -> None:
    _order(empty)
    _used(empty, used=used, at_list=at_list, least_unused=Decimal(str(round(least, 6))))
    assert _row(empty, facts)["advice"] == advice


def test_an_end_within_two_quarters_is_drawn_with_what_its_use_costs_at_list_then(empty: Con, facts: PageFacts) -> None:
    _order(empty, ends=date(2026, 11, 1))
    _used(empty)
    # Six days are left after 25 October; a month has 365 / 12 days.
    assert _lead(empty, facts).endswith(
        "ptu ends next, on 31 October 2026, 6 days from the last with data;"
        " a month of today's use costs $608 at list then, in place of $304."
    )
    assert _row(empty, facts)["ends"] == "31 October 2026 (6 days)"
    chart = _build(empty, facts)["chart"]
    assert chart.question == "Which commitments end by 30 June 2027?"
    assert chart.rows == [("ptu", "2026-10-31", "6", "$304", "$608")]
    assert chart.figure["layout"]["annotations"][0]["text"] == "31 Oct, 6 days"


def test_what_is_renewed_does_not_end_and_what_ends_in_part_costs_in_proportion(empty: Con, facts: PageFacts) -> None:
    _order(empty, ends=date(2026, 12, 1))
    _order(empty, starts_on=date(2026, 12, 1), ends=date(2028, 1, 1), capacity=Decimal(75))
    _used(empty)
    [row] = _build(empty, facts)["chart"].rows
    assert row == (f"ptu, 25.0{NBSP}% of it", "2026-11-30", "36", "$76", "$152")
    empty.execute("update book.commitment set capacity = 100")
    assert _build(empty, facts)["chart"] is None
    assert _row(empty, facts)["ends"] == "31 December 2027 (432 days)"


def test_an_end_on_the_last_day_with_data_is_the_next_one_and_one_before_it_is_past(empty: Con, facts: PageFacts) -> None:
    _order(empty, ends=date(2026, 10, 26))
    _used(empty)
    assert "on 25 October 2026, the last day with data;" in _lead(empty, facts)
    empty.execute("update book.commitment set ends_on = '2026-10-20'")
    assert _row(empty, facts)["ends"] == "ended 19 October 2026"
    assert "No commitment ends" in _lead(empty, facts)


def test_machines_of_ones_own_are_written_off_and_not_renewed(empty: Con, facts: PageFacts) -> None:
    _order(empty, kind="owned_gpu", provider="gpu")
    _put(empty, "book.commitment_price", commitment="ptu", starts_on=date(2026, 1, 1), ends_on=date(2027, 1, 1), hour_usd=Decimal(2))
    _put(empty, "book.commitment_price", commitment="ptu", starts_on=date(2026, 1, 1), ends_on=date(2026, 2, 1), hour_usd=Decimal(1))
    _used(empty, kind="owned_gpu")
    assert "on 31 December 2026, 67 days from the last with data: the purchase is written off then" in _lead(empty, facts)
    [row] = _build(empty, facts)["chart"].rows
    assert row[-2:] == (NONE, NONE)
    assert _row(empty, facts)["advice"] == "keep"


def test_a_commitment_that_begins_later_has_no_use_and_no_dollars(empty: Con, facts: PageFacts) -> None:
    _order(empty, starts_on=date(2026, 11, 1))
    row = _row(empty, facts)
    assert (row["used"], row["cost"], row["against"], row["advice"]) == (NONE, NONE, "unknown", "begins on 1 November 2026")
    assert _lead(empty, facts) == "No commitment ends by 30 June 2027."


def test_one_without_a_price_at_list_leaves_the_others_known(empty: Con, facts: PageFacts) -> None:
    _order(empty)
    _order(empty, "silent")
    _used(empty)
    _used(empty, "silent", unlisted=1)
    said = "What one of them served costs $500 at list, $250 more than was paid. The others served nothing, or what has no price at list"
    assert said in _lead(empty, facts)


def test_a_minimum_spend_is_reached_or_short_by_its_months(empty: Con, facts: PageFacts) -> None:
    _put(
        empty,
        "book.minimum_spend",
        minimum="enterprise",
        provider="openai",
        starts_on=FIRST,
        ends_on=date(2027, 1, 1),
        monthly_usd=Decimal(9),
    )
    least = {"minimum": "enterprise", "provider": "openai", "due_usd": Decimal(5000), "spent_usd": Decimal(4000)}
    _put(empty, "marts.minimum_spend", day=date(2026, 10, 25), shortfall_usd=Decimal(1000), **least)
    _put(empty, "marts.minimum_spend", day=date(2026, 10, 24), shortfall_usd=Decimal(4000), **least)
    assert _lead(empty, facts) == (
        "The minimum spend enterprise fell $1,000 short."
        " The minimum spend enterprise ends on 31 December 2026, 67 days from the last with data."
    )
    [row] = _build(empty, facts)["minimums"]
    assert (row["used"], row["due"], row["short"], row["months"]) == (f"80.0{NBSP}%", "$5,000", "$1,000", "Oct $1,000 of $5,000")
    empty.execute("update marts.minimum_spend set shortfall_usd = 0")
    assert "The minimum spend enterprise was reached." in _lead(empty, facts)


def test_dollars_are_those_of_the_mart_within_the_quarter(empty: Con, facts: PageFacts) -> None:
    _order(empty)
    _used(empty)
    _used(empty, day=date(2026, 9, 30), cost=10**6)
    held = Commitments(QuarterFrame(empty, "2026-Q4", facts).rows, (FIRST, date(2026, 10, 26)))
    [(cost,)] = empty.execute("select sum(cost_usd) from marts.commitment where day >= '2026-10-01'").fetchall()
    assert held.all[0].use.sum("cost_usd") == cost == 250
    assert "marts.commitment, 25 rows; book.commitment, 1 row" in _build(empty, facts)["how"]


@pytest.mark.parametrize("times", [1, 10**9])
def test_hostile_names_and_huge_amounts_stand_as_text(empty: Con, facts: PageFacts, times: int) -> None:
    _order(empty, HOSTILE, ends=date(2026, 12, 1))
    _used(empty, HOSTILE, cost=times)
    chart = _build(empty, facts)["chart"]
    assert "<" not in chart.json
    assert all(len(text) < 40 for text in chart.figure["layout"]["yaxis"]["ticktext"])
