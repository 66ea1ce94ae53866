"""Rows of Google Cloud's billing export."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/gcp_detailed_export"
ROW: dict[str, Any] = {
    "billing_account_id": "AAAAAA-BBBBBB-CCCCCC",
    "service": {"id": "C7E2-9256-1C43", "description": "Vertex AI"},
    "sku": {"id": "S-1", "description": "Gemini 2.5 Flash GA Text Input - Predictions"},
    "usage_start_time": "2026-11-03 09:00:00 UTC",
    "usage_end_time": "2026-11-03 10:00:00 UTC",
    "project": {"id": "p-1"},
    "labels": [{"key": "team", "value": "Search"}],
    "tags": [],
    "export_time": "2026-11-03 12:00:00.5 UTC",
    "cost": 1.5,
    "currency": "USD",
    "currency_conversion_rate": 1.0,
    "usage": {"amount": 1000.0, "unit": "requests"},
    "credits": [],
    "invoice": {"month": "202611"},
    "cost_type": "regular",
    "adjustment_info": None,
    "resource": {"name": None, "global_name": None},
    "cost_at_list": 1.6,
}
FLAT = {
    **{name: ROW[name] for name in ("billing_account_id", "usage_start_time", "usage_end_time", "export_time", "currency", "cost_type")},
    "cost": "1.5",
    "currency_conversion_rate": "1.0",
    "usage_amount": "1000",
    "usage_unit": "requests",
    "invoice_month": "202611",
    "service.description": "Vertex AI",
    "sku.id": "S-1",
    "sku.description": ROW["sku"]["description"],
    "project_id": "p-1",
}


def row(**given: Any) -> dict[str, Any]:
    return {**ROW, **given}


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(one) + "\n" for one in rows)


def table(*rows: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(FLAT) + sorted({name for one in rows for name in one} - set(FLAT)), restval="")
    writer.writeheader()
    writer.writerows({**FLAT, **one} for one in rows)
    return text.getvalue()


def as_text(value: Any) -> Any:
    """The row as the REST API gives it."""
    if isinstance(value, dict):
        return {name: as_text(one) for name, one in value.items()}
    if isinstance(value, list):
        return [as_text(one) for one in value]
    if isinstance(value, str) and value.endswith(" UTC"):
        moment = datetime.fromisoformat(value.removesuffix(" UTC") + "+00:00")
        return f"{int(moment.timestamp()):.9E}".replace("E+0", "E")
    return value if value is None or isinstance(value, str) else f"{value:.3E}"


def net(text: str) -> Decimal:
    """Cost plus credits of a file of rows in dollars, read without any of our own code."""
    rows = [json.loads(line, parse_float=Decimal) for line in text.splitlines()]
    return sum((Decimal(one["cost"]) + sum(Decimal(credit["amount"]) for credit in one["credits"]) for one in rows), Decimal(0))


def billed(desk: Any) -> Decimal:
    return sum(desk.staged("gcp_billing")["billed_cost"].to_list(), Decimal(0))


def only(desk: Any, **given: Any) -> dict[str, Any]:
    desk.take({"a.jsonl": lines(row(**given))})
    [found] = desk.staged("gcp_billing").to_dicts()
    return found


def test_the_file_adds_up_to_cost_plus_credits(desk: Any, sample: Callable[[str], str]) -> None:
    assert desk.take({"a.jsonl": sample("sample.jsonl")}).rows_typed == 7
    assert billed(desk) == net(sample("sample.jsonl"))


def test_token_lines_count_tokens_though_their_unit_says_requests(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.jsonl": sample("sample.jsonl")})
    found = desk.staged("gcp_billing").filter(pl.col("scope") == "model")
    assert sorted(found.select("model", "meter", "tokens", "provider").rows()) == [
        ("gemini-2.5-flash-lite", "cache_read", 52_800, "google"),
        ("gemini-2.5-flash-lite", "input", -23_000, "google"),
        ("gemini-2.5-flash-lite", "input", 123_000, "google"),
        ("gemini-2.5-flash-lite", "output", 50_000, "google"),
    ]


def test_seconds_of_gpus_are_gpu_hours_and_their_cores_are_gpu_cost(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.jsonl": sample("sample.jsonl")})
    found = desk.staged("gcp_billing").filter(pl.col("scope") == "gpu").sort("billed_cost")
    assert found.select("meter", "quantity", "quantity_unit", "billed_cost", "contracted_cost", "list_cost").rows() == [
        (None, Decimal(374_400), "seconds", Decimal("3.016"), Decimal("3.016"), Decimal("3.016")),
        ("gpu_hours", Decimal(4), "hours", Decimal("29.684"), Decimal("39.184"), Decimal("48.98")),
    ]


def test_tax_and_corrections_are_kept_signed_and_belong_to_their_invoice(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.jsonl": sample("sample.jsonl")})
    found = desk.staged("gcp_billing").filter(pl.col("charge_category") != "Usage").sort("charge_category")
    assert found.select("charge_category", "charge_class", "billed_cost", "day", "billing_period").rows() == [
        ("Adjustment", "Correction", Decimal("-0.0023"), date(2026, 11, 3), "2026-11"),
        ("Tax", None, Decimal("1.9"), date(2026, 11, 1), "2026-11"),
    ]


def test_the_invoice_month_is_not_the_month_of_use(desk: Any) -> None:
    found = only(desk, invoice={"month": "202612"}, usage_start_time="2026-11-30 23:00:00 UTC")
    assert (found["billing_period"], found["day"], found["starts_at"]) == ("2026-12", date(2026, 11, 30), datetime(2026, 11, 30, 23))


def test_promotions_are_part_of_what_is_billed_and_kept_apart_in_the_raw_rows(desk: Any) -> None:
    found = only(desk, credits=[{"amount": -0.25, "type": "PROMOTION"}, {"amount": -0.5, "type": "COMMITTED_USAGE_DISCOUNT"}])
    assert (found["billed_cost"], found["contracted_cost"]) == (Decimal("0.75"), Decimal("1.5"))
    assert desk.raw("gcp_billing").select("credited", "promotion").rows() == [(Decimal("-0.75"), Decimal("-0.25"))]


def test_another_currency_is_kept_beside_the_dollars_of_its_rate_rounded_once(desk: Any) -> None:
    found = only(
        desk, currency="EUR", currency_conversion_rate=0.9, cost=1.0, credits=[{"amount": -0.3, "type": "DISCOUNT"}], cost_at_list=0
    )
    assert (found["currency"], found["billed_cost"], found["contracted_cost"], found["list_cost"]) == ("EUR", Decimal("0.7"), 1, 0)
    assert found["billed_cost_in_usd"] == Decimal("0.777777777778")
    assert (found["contracted_cost_in_usd"], found["list_cost_in_usd"]) == (Decimal("1.111111111111"), 0)


@pytest.mark.parametrize("rate", [None, 0, -1])
def test_another_currency_without_a_rate_is_kept_and_states_no_dollars(desk: Any, rate: int | None) -> None:
    found = only(desk, currency="eur", currency_conversion_rate=rate, cost=1e13)
    assert (found["currency"], found["billed_cost"], found["billed_cost_in_usd"]) == ("EUR", 10**13, None)


def test_dollars_are_never_divided(desk: Any) -> None:
    found = only(desk, currency_conversion_rate=0.5)
    assert (found["currency"], found["billed_cost"], found["billed_cost_in_usd"]) == ("USD", Decimal("1.5"), None)


@pytest.mark.parametrize(
    ("sku", "expected"),
    [
        ("Gemini 2.5 Flash GA Thinking Text Output - Predictions", ("gemini-2.5-flash", "output", None, 1000)),
        ("Gemini 2.5 Pro GA Text Output (Thinking On) - Predictions", ("gemini-2.5-pro", "output", None, 1000)),
        ("Gemini 2.5 Pro GA Text Input (Long) - Predictions", ("gemini-2.5-pro", "input", None, 1000)),
        ("Gemini 2.5 Flash Lite GA Text Input - Batch Predictions", ("gemini-2.5-flash-lite", "input", "batch", 1000)),
        ("Gemini 3.5 Flash Global Text Input Priority", ("gemini-3.5-flash", "input", "priority", 1000)),
        (" Gemini 2.5 Flash GA Input Text Caching", ("gemini-2.5-flash", "cache_read", None, 1000)),
        ("Gemini 2.5 Flash GA Text Caching Storage", ("gemini-2.5-flash", "cache_storage", None, None)),
        ("Generate content output token count gemini 2.5 flash short input text", ("gemini-2.5-flash", "output", None, 1000)),
        ("Generate content input token count gemini 2.5 flash short input text", ("gemini-2.5-flash", "input", None, 1000)),
        ("Gemini 1.5 Flash Text Input - Predictions", ("gemini-1.5-flash", "input", None, None)),
        (
            "Gemini 2.5 Flash GA Audio Input - Predictions",
            ("gemini-2.5-flash", "Gemini 2.5 Flash GA Audio Input - Predictions", None, None),
        ),
        ("Claude Sonnet 4.5 Output Tokens", ("claude-sonnet-4-5", "output", None, 1000)),
        ("Imagen 4 Generation", (None, "Imagen 4 Generation", None, None)),
    ],
)
def test_skus_are_read_word_by_word(desk: Any, sku: str, expected: tuple[str | None, str, str | None, int | None]) -> None:
    found = only(desk, sku={"id": "S", "description": sku})
    assert found["scope"] == "model"
    assert (found["model"], found["meter"], found["served_tier"], found["tokens"]) == expected


@pytest.mark.parametrize(
    ("sku", "scope", "meter", "category"),
    [
        ("Nvidia H100 80GB GPU attached to Spot Preemptible VMs running in Americas", "gpu", "gpu_hours", "Usage"),
        ("A3 Instance Ram running in Americas", "gpu", None, "Usage"),
        ("Commitment v1: Nvidia H100 80GB GPU in Americas for 1 Year", "gpu", None, "Purchase"),
        ("Commitment v1: A3 Cpu in Americas for 1 Year", "gpu", None, "Purchase"),
        ("N2 Instance Core running in Americas", "other", None, "Usage"),
        ("T2A Arm Instance Core running in Americas", "other", None, "Usage"),
    ],
)
def test_machines_with_gpus_are_told_from_others(desk: Any, sku: str, scope: str, meter: str | None, category: str) -> None:
    compute = {"id": "6F81-5844-456A", "description": "Compute Engine"}
    found = only(desk, service=compute, sku={"id": "S", "description": sku}, usage={"amount": 9000.0, "unit": "seconds"})
    assert (found["scope"], found["meter"], found["charge_category"]) == (scope, meter, category)
    assert found["quantity"] == (Decimal("2.5") if meter else Decimal(9000))


def test_every_shape_of_one_row_is_the_same_row(desk: Any, tmp_path: Path) -> None:
    gpu = row(
        sku={"id": "S-2", "description": "x"},
        resource={"name": "vm", "global_name": "//vm/1"},
        credits=[{"amount": -0.5, "type": "DISCOUNT"}],
    )
    rows = [row(), gpu]
    typed = [{**one, "cost": Decimal(str(one["cost"])), "usage_start_time": datetime(2026, 11, 3, 9)} for one in rows]
    pq.write_table(pa.Table.from_pylist(typed), tmp_path / "a.parquet")
    done = desk.take(
        {
            "a.jsonl": lines(*rows),
            "array.json": json.dumps(rows, indent=1),
            "rest.json": json.dumps(as_text(rows)),
            "a.parquet": (tmp_path / "a.parquet").read_bytes(),
            "one.json": json.dumps(gpu, indent=1),
        }
    )
    assert (done.rows_typed, done.quarantined) == (9, 0)
    found = desk.staged("gcp_billing").sort("billed_cost")
    assert found.select("billed_cost", "copies").rows() == [(Decimal(1), 5), (Decimal("1.5"), 4)]


def test_a_table_without_lists_says_that_its_credits_are_missing(desk: Any) -> None:
    done = desk.take({"a.csv": table({})})
    [found] = desk.staged("gcp_billing").to_dicts()
    assert (found["billed_cost"], found["tokens"], found["service_name"], found["project_id"]) == (
        Decimal("1.5"),
        1000,
        "Vertex AI",
        "p-1",
    )
    assert done.flagged == [("a.csv", "holds no credits: what it says was billed is before credits")]


def test_a_table_may_hold_the_sum_of_credits(desk: Any) -> None:
    done = desk.take({"a.csv": table({"credits": "-0.5"})})
    assert (billed(desk), done.flagged) == (1, [])


def test_overlapping_and_repeated_exports_count_each_row_once(desk: Any) -> None:
    late = row(export_time="2026-11-05 01:00:00 UTC", cost=0.25)
    desk.take({"1.jsonl": lines(row(), row(cost=2)), "2.jsonl": lines(row(), row(cost=2), late), "3.jsonl": lines(late)})
    assert billed(desk) == Decimal("3.75")
    assert sum(desk.staged("gcp_billing")["copies"].to_list()) == 6


def test_equal_rows_of_one_export_are_all_billed(desk: Any) -> None:
    desk.take({"1.jsonl": lines(row(), row()), "2.jsonl": lines(row(), row(), row(cost=9))})
    assert billed(desk) == 12


def test_exports_of_parts_of_the_table_add_up(desk: Any) -> None:
    other = row(project={"id": "p-2"})
    again = row(export_time="2026-11-04 12:00:00 UTC")
    desk.take({"a.jsonl": lines(row()), "b.jsonl": lines(other), "c.jsonl": lines(again), "d.jsonl": lines(row(labels=[]))})
    assert billed(desk) == 6


def test_a_late_row_touches_only_its_day(desk: Any) -> None:
    desk.take({"1.jsonl": lines(row(), row(usage_start_time="2026-11-04 00:00:00 UTC"))})
    before = desk.staged("gcp_billing").filter(pl.col("day") == date(2026, 11, 3)).drop("file_id")
    desk.take({"2.jsonl": lines(row(usage_start_time="2026-11-04 00:00:00 UTC", export_time="2026-11-09 00:00:00 UTC"))})
    assert desk.staged("gcp_billing").filter(pl.col("day") == date(2026, 11, 3)).drop("file_id").equals(before)
    assert billed(desk) == Decimal("4.5")


def test_the_standard_and_the_detailed_table_are_the_same_money(desk: Any) -> None:
    standard = {name: value for name, value in row(cost=3.0).items() if name != "resource"}
    detailed = [row(cost=1.0, resource={"name": name, "global_name": f"//{name}"}) for name in ("a", "b", "c")]
    desk.take({"standard.jsonl": lines(standard), "detailed.jsonl": lines(*detailed)})
    found = desk.staged("gcp_billing")
    assert (billed(desk), found["resource_id"].n_unique(), sum(found["copies"].to_list())) == (3, 3, 4)


def test_of_two_tables_the_one_that_reaches_further_counts(desk: Any) -> None:
    standard = {name: value for name, value in row(cost=3.5, export_time="2026-11-03 18:00:00 UTC").items() if name != "resource"}
    desk.take({"standard.jsonl": lines(standard), "detailed.jsonl": lines(row(cost=1.0, resource={"name": "a", "global_name": "//a"}))})
    assert billed(desk) == Decimal("3.5")


def test_rows_that_leave_out_empty_fields_are_never_taken_for_the_standard_table(desk: Any) -> None:
    bare = {name: value for name, value in row(cost=2.0, labels=[{"key": "a", "value": "b"}]).items() if value and name != "resource"}
    desk.take({"bare.jsonl": lines({**bare, "usage": {"amount": 7.0}}), "full.jsonl": lines(row())})
    assert billed(desk) == Decimal("3.5")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"cost": "many"}, "cost 'many' is not an amount"),
        ({"cost": None}, "cost is missing"),
        ({"currency": None}, "currency is missing"),
        ({"currency": "Euro"}, "currency EURO is no ISO 4217 code"),
        ({"currency": "EUR", "currency_conversion_rate": 1e-13}, "cost 1.500000000000000 EUR is too large at a rate of 0.000000000000100"),
        ({"currency": "EUR", "cost": 1e15}, "cost 1000000000000000.000000000000000 EUR is too large"),
        ({"cost": 1e12}, "cost 1000000000000.000000000000000 USD is too large"),
        ({"credits": [{"amount": "x"}]}, "credits are no list of amounts"),
        ({"credits": [{"type": "PROMOTION"}]}, "credits are no list of amounts"),
        ({"credits": "NaN"}, "credits are no list of amounts"),
        ({"usage_start_time": None}, "usage_start_time is missing"),
        ({"usage_start_time": "yesterday"}, "usage_start_time 'yesterday' is not an instant"),
        ({"usage_start_time": "1E3"}, "day 1970-01-01 is outside 2015 to 2099"),
        ({"export_time": None}, "export_time is missing"),
        ({"usage": {"amount": 2e15, "unit": "seconds"}}, "usage 2000000000000000.000000000000000 is too large"),
    ],
)
def test_a_row_that_is_wrong_is_set_aside(desk: Any, given: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.jsonl": lines(row(cost=7), row(**given))})
    assert (done.rows_typed, desk.reasons(), billed(desk)) == (1, [reason], 7)


def test_a_line_that_is_no_json_is_set_aside(desk: Any) -> None:
    done = desk.take({"a.jsonl": lines(row()) + '{"cost": 1, "cut'})
    assert (done.rows_typed, done.quarantined) == (1, 1)


def test_an_absurd_row_is_data_and_an_unknown_kind_of_cost_is_kept(desk: Any) -> None:
    done = desk.take({"a.jsonl": lines(row(cost=99_999_999), row(cost=-3, cost_type="surprise"))})
    assert billed(desk) == 99_999_996
    assert done.flagged == [("a.jsonl", "holds cost types that are not documented (surprise); their rows are adjustments")]


def test_a_table_without_export_times_is_refused(desk: Any) -> None:
    text = lines({name: value for name, value in ROW.items() if name != "export_time"})
    done = desk.take({"a.jsonl": text}, [{"name": "g", "path": "*", "format": "gcp_billing"}])
    assert done.refused == [("a.jsonl", "has no column export_time")]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_examples_add_up_and_their_two_shapes_are_one(desk: Any) -> None:
    text = (EXAMPLES / "rows.jsonl").read_text("utf-8")
    done = desk.take({"rows.jsonl": text, "rest.json": (EXAMPLES / "rows_bigquery_rest_strings.json").read_bytes()})
    assert (done.rows_typed, done.quarantined, billed(desk)) == (8, 0, net(text))
    assert desk.staged("gcp_billing").height == 6
