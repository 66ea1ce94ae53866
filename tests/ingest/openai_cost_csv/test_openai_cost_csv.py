"""The cost CSV of OpenAI's dashboard."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/openai_dashboard_csv"
OLD = "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,organization_id,organization_name"
DAY = "1790812800,1790899200,2026-10-01T00:00:00,2026-10-02T00:00:00"


def table(*rows: str) -> str:
    return "\n".join((OLD, *rows)) + "\n"


def line(amount: str, item: str = '"gpt-5, input"', project: str = "", currency: str = "usd") -> str:
    return f"{DAY},{amount},{currency},{item},{project},org-1,Example Ltd"


def test_dollars_tokens_and_meters_are_read_and_days_without_costs_left_out(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"cost.csv": sample("sample.csv")})
    assert (done.rows_in, done.rows_typed, done.filtered, done.quarantined) == (4, 3, 1, 0)
    found = desk.staged("openai_cost_csv").sort("billed_cost")
    assert found.select("billed_cost", "charge_category", "meter", "tokens").rows() == [
        (Decimal("-0.05"), "Credit", None, None),
        (Decimal("0.01422"), "Usage", "cache_read", None),
        (Decimal("0.18432"), "Usage", "input", 737_280),
    ]
    assert found["model"].to_list() == [None, "gpt-5-mini-2025-08-07", "gpt-5-mini-2025-08-07"]


def test_names_of_people_and_organisations_do_not_reach_the_lake(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"cost.csv": sample("sample.csv").replace("Example Ltd,,", "Example Ltd,dev@example.com,")})
    raw = desk.raw("openai_cost_csv").write_csv()
    assert "dev@example.com" not in raw
    assert "Example Ltd" not in raw


def test_the_same_line_on_two_rows_adds_up_and_downloaded_again_does_not(desk: Any) -> None:
    one, two = line("1"), line("2.5")
    desk.take({"first.csv": table(one, two), "later.csv": table(two, line("1.25"))})
    assert sum(desk.staged("openai_cost_csv")["billed_cost"].to_list()) == Decimal("3.75")


def test_a_credit_that_was_downloaded_before_its_charge_counts_once(desk: Any) -> None:
    credit = line("-1", "Usage")
    desk.take({"early.csv": table(credit), "late.csv": table(line("3", "Usage"), credit)})
    assert sorted(desk.staged("openai_cost_csv")["billed_cost"].to_list()) == [-1, 3]


def test_a_day_downloaded_with_and_without_line_items_is_billed_once(desk: Any) -> None:
    apart = table(line("1"), line("2", '"gpt-5, output"'))
    desk.take({"all.csv": table(line("3", "")), "lines.csv": apart})
    found = desk.staged("openai_cost_csv")
    assert (sum(found["billed_cost"].to_list()), found.height, found["copies"].sum()) == (3, 2, 3)


def test_a_row_in_another_currency_is_kept_in_it(desk: Any) -> None:
    done = desk.take({"a.csv": table(line("1"), line("2.5", currency="eur"))})
    assert done.quarantined == 0
    found = desk.staged("openai_cost_csv").sort("currency")
    assert found.select("currency", "billed_cost").rows() == [("EUR", Decimal("2.5")), ("USD", Decimal(1))]


def test_projects_downloaded_apart_are_all_billed(desk: Any) -> None:
    desk.take({"a.csv": table(line("1", project="proj_a")), "b.csv": table(line("2", project="proj_b"))})
    assert sum(desk.staged("openai_cost_csv")["billed_cost"].to_list()) == 3


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (line("1", currency="credits"), "currency CREDITS is no ISO 4217 code"),
        (line("much"), "not a result: amount much is not an amount"),
        (line(""), "not a result: amount  is not an amount"),
        (line("NaN"), "not a result: amount NaN is not a number"),
    ],
)
def test_an_amount_that_is_none_is_set_aside(desk: Any, row: str, reason: str) -> None:
    done = desk.take({"a.csv": table(line("1"), row)})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_both_generations_of_headers_are_read(desk: Any) -> None:
    done = desk.take({name: (EXAMPLES / name).read_bytes() for name in ("cost_2025-10_header.csv", "cost_2026-09_header.csv")})
    assert (done.rows_in, done.rows_typed, done.filtered) == (5, 3, 2)
    found = desk.staged("openai_cost_csv").sort("day", "billed_cost")
    assert found.select("billed_cost", "model", "meter", "tokens").rows() == [
        (Decimal("0.01422"), "gpt-4o-2024-08-06", "input", None),
        (Decimal("0.18432"), "gpt-5-mini-2025-08-07", "input", 737_280),
        (Decimal("0.1928"), "gpt-5-mini-2025-08-07", "output", 96_400),
    ]
