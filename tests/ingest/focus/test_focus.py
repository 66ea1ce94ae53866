"""FOCUS."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

SHARED = Path(__file__).resolve().parents[3] / "../shared"
EXAMPLES = SHARED / "formats/examples"
TRACE = SHARED / "traces/focus_1_0_sample.csv.gz"
COSTS = ("billed_cost", "list_cost", "contracted_cost", "effective_cost")
NAMES = ("BilledCost", "ListCost", "ContractedCost", "EffectiveCost")
LINE: dict[str, Any] = {
    "BilledCost": "1.5",
    "ListCost": "2",
    "ContractedCost": "1.5",
    "EffectiveCost": "1.5",
    "BillingAccountId": "acct-1",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "ChargePeriodStart": "2026-10-07T00:00:00Z",
    "ChargePeriodEnd": "2026-10-08T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeDescription": "gpt-5-mini, input",
    "ProviderName": "OpenAI",
    "ServiceName": "OpenAI API",
    "SkuMeter": "input",
    "ConsumedQuantity": "6000000.0",
    "ConsumedUnit": "Tokens",
}


def lines(*changes: dict[str, Any]) -> str:
    return "".join(json.dumps({**LINE, **change}) + "\n" for change in changes)


def as_csv(*changes: dict[str, Any]) -> str:
    made = [{**LINE, **change} for change in changes]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for one in made for name in one)))
    writer.writeheader()
    writer.writerows(made)
    return text.getvalue()


def staged(desk: Any) -> list[dict[str, Any]]:
    return list(desk.staged("focus").iter_rows(named=True))


def one(desk: Any, **changes: Any) -> dict[str, Any]:
    desk.take({"a.jsonl": lines(changes)})
    [row] = staged(desk)
    return row


@pytest.fixture
def bill(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    assert desk.take({"bill.csv": sample("sample.csv")}).rows_typed == 10
    return {row["line_item"]: row for row in staged(desk)}


def test_the_four_costs_are_kept_apart_and_their_sums_are_those_of_the_file(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"bill.csv": sample("sample.csv")})
    wanted = [sum(Decimal(row[name]) for row in csv.DictReader(io.StringIO(sample("sample.csv")))) for name in NAMES]
    assert [desk.staged("focus")[cost].sum() for cost in COSTS] == wanted


def test_thousands_of_tokens_are_counted_one_by_one_and_cached_tokens_apart(bill: dict[str, dict[str, Any]]) -> None:
    found = {(row["meter"], row["tokens"], row["served_tier"]) for row in bill.values() if row["tokens"]}
    assert found == {("input", 375_000, None), ("cache_read", 300_000, None), ("output", 80_000, "batch"), ("input", -20_000, None)}
    assert {(row["provider"], row["model"]) for row in bill.values() if row["tokens"]} == {("aws.bedrock", "nova-pro")}


def test_a_machine_with_gpus_is_counted_in_gpu_hours_and_bears_its_amortised_cost(bill: dict[str, dict[str, Any]]) -> None:
    row = bill["$31.00 per On Demand Linux p4d.24xlarge Instance Hour"]
    assert (row["scope"], row["meter"], row["quantity"], row["quantity_unit"]) == ("gpu", "gpu_hours", 8, "GPU-Hours")
    assert (row["billed_cost"], row["effective_cost"], row["commitment_status"]) == (0, Decimal("21.5"), "Used")


def test_a_purchase_is_billed_once_and_amortised_by_what_used_it(bill: dict[str, dict[str, Any]]) -> None:
    row = bill["1 year No Upfront Compute Savings Plan"]
    assert (row["charge_category"], row["billed_cost"], row["effective_cost"]) == ("Purchase", 22, 0)
    assert sum(one["effective_cost"] for one in bill.values() if one["commitment_status"]) == row["billed_cost"]


def test_tax_credits_and_corrections_keep_their_sign_and_the_days_they_are_about(bill: dict[str, dict[str, Any]]) -> None:
    correction = bill["Late correction of input tokens"]
    assert (correction["charge_class"], correction["billed_cost"]) == ("Correction", Decimal("-0.016"))
    assert (str(correction["day"]), correction["billing_period"]) == ("2026-09-29", "2026-10")
    assert (bill["Promotional credit"]["charge_category"], bill["Promotional credit"]["billed_cost"]) == ("Credit", Decimal("-0.1"))
    assert bill["VAT"]["charge_category"] == "Tax"


def test_what_is_neither_a_model_nor_a_gpu_is_kept_and_is_no_ai_spend(bill: dict[str, dict[str, Any]]) -> None:
    assert {row["line_item"] for row in bill.values() if row["scope"] == "other"} == {
        "$0.0245 per GB-month",
        "1 year No Upfront Compute Savings Plan",
        "Unused commitment",
    }


def test_csv_json_and_parquet_give_the_same_lines(desk: Any, tmp_path: Path, sample: Callable[[str], str]) -> None:
    records = [
        {name: value or None for name, value in row.items()}
        for row in csv.DictReader(io.StringIO(sample("sample.csv").replace("NULL", "")))
    ]
    frame = pl.DataFrame(records).with_columns(
        pl.col("ChargePeriodStart", "BillingPeriodStart").str.to_datetime("%+", time_unit="ms"), pl.col(NAMES).cast(pl.Decimal(38, 12))
    )
    frame.write_parquet(tmp_path / "bill.parquet")
    shapes = [
        sample("sample.csv").encode(),
        (tmp_path / "bill.parquet").read_bytes(),
        json.dumps(records, indent=1).encode(),
        "".join(json.dumps(one) + "\n" for one in records).encode(),
    ]
    desk.take({f"{place}/bill": shape for place, shape in enumerate(shapes)}, [{"name": "f", "path": "*", "options": {"delivery": "add"}}])
    rows = desk.staged("focus").drop("charge_id", "copies")
    grouped = rows.group_by("file_id").agg(pl.struct(pl.all().exclude("file_id")).sort_by("line_item").implode().alias("all"))
    assert rows.height == 40
    assert grouped["all"].n_unique() == 1


def test_one_json_object_is_a_bill_of_one_line(desk: Any) -> None:
    desk.take({"a.json": json.dumps(LINE, indent=2)})
    assert [row["billed_cost"] for row in staged(desk)] == [Decimal("1.5")]


@pytest.mark.parametrize(
    ("names", "version"),
    [
        ({}, "1.0"),
        ({"SkuMeter": "input"}, "1.1"),
        ({"InvoiceId": "i"}, "1.2"),
        ({"PricingCurrency": "USD"}, "1.2"),
        ({"ServiceProviderName": "OpenAI"}, "1.3"),
    ],
)
def test_a_version_is_known_by_its_columns(desk: Any, names: dict[str, str], version: str) -> None:
    given = {key: value for key, value in LINE.items() if key != "SkuMeter"} | names
    desk.take({"a.jsonl": json.dumps(given) + "\n"})
    assert desk.raw("focus")["focus_version"].to_list() == [version]


def test_the_newest_version_has_no_provider_name(desk: Any) -> None:
    given = {key: value for key, value in LINE.items() if key != "ProviderName"} | {"ServiceProviderName": "Anthropic"}
    desk.take({"a.jsonl": json.dumps(given) + "\n"})
    assert (desk.raw("focus")["focus_version"].to_list(), staged(desk)[0]["provider"]) == (["1.4"], "anthropic")


def test_names_in_small_letters_as_athena_writes_them_are_read(desk: Any) -> None:
    desk.take({"a.jsonl": json.dumps({name.lower(): value for name, value in LINE.items()}) + "\n"})
    assert staged(desk)[0]["tokens"] == 6_000_000


@pytest.mark.parametrize(
    ("unit", "quantity", "tokens"),
    [
        ("Tokens", "6000000", 6_000_000),
        ("1K tokens", "820.5", 820_500),
        ("1000 Tokens", "820.5", 820_500),
        ("1000000 Tokens", "0.0964", 96_400),
        ("1M Tokens", "1E-3", 1_000),
        ("1K tokens", "0.12300000000000001", 123),
        ("1K tokens", "0.0005", None),
        ("Units", "20000000", None),
        ("Requests", "5", None),
        ("Tokens", "", None),
    ],
)
def test_tokens_are_counted_where_the_unit_says_so(desk: Any, unit: str, quantity: str, tokens: int | None) -> None:
    assert one(desk, ConsumedUnit=unit, ConsumedQuantity=quantity)["tokens"] == tokens


def test_a_block_that_becomes_a_thousand_times_as_large_changes_neither_tokens_nor_the_price_of_one(desk: Any) -> None:
    thousands = {"ConsumedUnit": "1K Tokens", "ConsumedQuantity": "820.5", "ListUnitPrice": "0.00125", "ListCost": "1.025625"}
    millions = {"ConsumedUnit": "1M Tokens", "ConsumedQuantity": "0.8205", "ListUnitPrice": "1.25", "ListCost": "1.025625"}
    desk.take({"a.jsonl": lines(thousands, millions)})
    found = staged(desk)
    assert [row["tokens"] for row in found] == [820_500, 820_500]
    for given, row in zip((thousands, millions), found, strict=True):
        assert row["list_cost"] == Decimal(given["ListUnitPrice"]) * row["quantity"]
        assert row["list_cost"] == Decimal("0.00000125") * row["tokens"]


def test_the_pricing_unit_counts_tokens_where_the_consumed_unit_does_not(desk: Any) -> None:
    row = one(desk, ConsumedUnit="Requests", ConsumedQuantity="7", PricingQuantity="1.5", PricingUnit="1000000 Tokens")
    assert (row["tokens"], row["quantity"], row["quantity_unit"]) == (1_500_000, 7, "Requests")


GOOGLE = {"ProviderName": "Google Cloud", "ServiceName": "Vertex AI", "ConsumedUnit": "requests", "SkuMeter": None}


def test_google_counts_tokens_though_its_unit_says_requests(desk: Any) -> None:
    row = one(desk, **GOOGLE, ChargeDescription=" Gemini 2.5 Flash GA Input Text Caching", ConsumedQuantity="900")
    assert (row["provider"], row["model"], row["meter"], row["tokens"]) == ("google", "gemini-2.5-flash", "cache_read", 900)


@pytest.mark.parametrize(
    ("billed", "effective", "is_flagged"),
    [("1", "0.4", True), ("0.4", "0.4", False), ("1", "1", True), ("0.4", "1", True)],
    ids=["only effective holds them", "both hold them", "neither holds them", "only billed holds them"],
)
def test_google_credits_count_once_whichever_costs_hold_them(desk: Any, billed: str, effective: str, is_flagged: bool) -> None:
    money = {"BilledCost": billed, "EffectiveCost": effective, "ContractedCost": "1", "ListCost": "1"}
    listed = [{"Name": "a", "Amount": -0.5, "Type": "PROMOTION"}, {"Name": "b", "Amount": "-0.1", "Type": "DISCOUNT"}]
    row = one(desk, **GOOGLE, **money, x_Credits=listed)
    assert tuple(row[name] for name in COSTS) == (Decimal("0.4"), 1, 1, Decimal("0.4"))
    assert bool(desk.inbox.file_flags().height) == is_flagged


def test_a_line_that_credits_pay_in_full_is_free(desk: Any) -> None:
    money = {"BilledCost": "1", "EffectiveCost": "0", "ContractedCost": "1", "ListCost": "1"}
    row = one(desk, **GOOGLE, **money, x_Credits=[{"Name": "trial", "Amount": -1, "Type": "PROMOTION"}])
    assert (row["billed_cost"], row["effective_cost"]) == (0, 0)


@pytest.mark.parametrize(
    ("costs", "kept"),
    [
        ({"EffectiveCost": "0", "ContractedCost": "0"}, (Decimal("1.5"), 2, None, None)),
        ({"BilledCost": "0", "ListCost": "0", "ContractedCost": "0"}, (0, None, None, Decimal("1.5"))),
        ({"BilledCost": "0", "ListCost": "0", "ContractedCost": "0", "EffectiveCost": "0"}, (0, 0, 0, 0)),
        ({"ChargeCategory": "Purchase", "EffectiveCost": "0"}, (Decimal("1.5"), 2, Decimal("1.5"), 0)),
        ({"EffectiveCost": None}, (Decimal("1.5"), 2, Decimal("1.5"), None)),
    ],
    ids=["invoiced usage is not free", "covered usage has a list price", "free usage is free", "a purchase is amortised later", "no view"],
)
def test_a_zero_beside_a_cost_is_unknown_and_not_free(desk: Any, costs: dict[str, Any], kept: tuple[Any, ...]) -> None:
    row = one(desk, **costs)
    assert tuple(row[name] for name in COSTS) == kept


def test_a_bill_in_another_currency_is_kept_in_it_beside_the_dollars_it_states(desk: Any) -> None:
    usd = {"x_BilledCostInUsd": "1.75", "x_EffectiveCostInUsd": "1.6"}
    done = desk.take({"a.jsonl": lines({"BillingCurrency": "EUR", **usd}, {"BillingCurrency": "sek"}, {"BillingCurrency": "usd"})})
    assert done.quarantined == 0
    rows = desk.staged("focus").sort("currency")
    assert rows.select("currency", *COSTS).rows() == [
        (currency, Decimal("1.5"), 2, Decimal("1.5"), Decimal("1.5")) for currency in ("EUR", "SEK", "USD")
    ]
    assert rows.select(f"{cost}_in_usd" for cost in COSTS).rows() == [
        (Decimal("1.75"), None, None, Decimal("1.6")),
        (None,) * 4,
        (None,) * 4,
    ]


def test_dollars_beside_a_cost_that_is_unknown_or_short_of_its_credits_are_not_taken(desk: Any) -> None:
    euros = {"BillingCurrency": "EUR", "x_BilledCostInUsd": "1.75", "x_EffectiveCostInUsd": "0"}
    row = one(desk, **euros, EffectiveCost="0")
    assert (row["effective_cost"], row["effective_cost_in_usd"], row["billed_cost_in_usd"]) == (None, None, Decimal("1.75"))
    row = one(desk, **euros, x_Credits=[{"Amount": -0.5}])
    assert (row["billed_cost"], row["billed_cost_in_usd"]) == (1, None)


@pytest.mark.parametrize(
    ("given", "tags"),
    [
        ({"Tags": '{"team":"search"}'}, {"team": "search"}),
        ({"Tags": {"team": "search"}}, {"team": "search"}),
        ({"Tags": '"team": "search","env": "prod"'}, {"team": "search", "env": "prod"}),
        ({"Tags": "team=search"}, {"Tags": "team=search"}),
        (
            {"x_Labels": [{"Key": "team", "Value": "search"}], "x_Tags": [{"Key": "team", "Value": "all", "x_Inherited": True}]},
            {"team": "search"},
        ),
        ({"Tags": '{"team":"pool"}', "AllocatedTags": '{"team":"serve"}'}, {"team": "serve"}),
        ({"x_Team": "serve"}, {"team": "serve"}),
        ({"Tags": "NULL"}, None),
    ],
)
def test_tags_are_one_object_however_a_vendor_writes_them(desk: Any, given: dict[str, Any], tags: dict[str, str] | None) -> None:
    found = one(desk, **given)["tags"]
    assert (json.loads(found) if found else None) == tags


def test_a_later_export_of_a_period_replaces_the_earlier_one_and_touches_no_other(desk: Any) -> None:
    first = {"ChargePeriodStart": "2026-10-07T00:00:00Z"}
    later = [{**first, "BilledCost": "1.2"}, {"ChargePeriodStart": "2026-10-09T00:00:00Z"}]
    september = {"BillingPeriodStart": "2026-09-01T00:00:00Z", "ChargePeriodStart": "2026-09-09T00:00:00Z"}
    desk.take({"run 1/a.jsonl": lines(first, september), "run 2/a.jsonl": lines(*later)})
    assert sorted((str(row["day"]), row["billed_cost"]) for row in staged(desk)) == [
        ("2026-09-09", Decimal("1.5")),
        ("2026-10-07", Decimal("1.2")),
        ("2026-10-09", Decimal("1.5")),
    ]
    assert desk.inbox.file_flags()["flag"].to_list() == ["is replaced for openai acct-1 2026-10 by run 2/a.jsonl"]


def test_equal_lines_of_one_export_all_count(desk: Any) -> None:
    desk.take({"a.jsonl": lines({}, {})})
    assert [row["copies"] for row in staged(desk)] == [1, 1]


def test_a_billing_month_is_that_of_its_zone(desk: Any) -> None:
    assert one(desk, BillingPeriodStart="2026-10-01 07:00:00 UTC")["billing_period"] == "2026-10"
    assert one(desk, BillingPeriodStart="2026-09-30T22:00:00Z")["billing_period"] == "2026-10"


def test_a_time_without_a_zone_is_utc(desk: Any) -> None:
    assert one(desk, ChargePeriodStart="2026-10-07 22:00:00")["starts_at"] == datetime(2026, 10, 7, 22, tzinfo=UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"BilledCost": "a lot"}, "billed_cost 'a lot' is not an amount"),
        ({"BilledCost": "NaN"}, "billed_cost 'NaN' is not an amount"),
        ({"BilledCost": "1_000"}, "billed_cost '1_000' is not an amount"),
        ({"BilledCost": None}, "billed_cost is missing"),
        ({"BilledCost": "1e13"}, "billed_cost 10000000000000.000000000000 is too large"),
        ({"BilledCost": "1e15", "BillingCurrency": "JPY"}, "billed_cost 1000000000000000.000000000000 is too large"),
        (
            {"x_BilledCostInUsd": "1e13", "BillingCurrency": "JPY"},
            "billed_in_usd 10000000000000.000000000000 is too large",
        ),
        ({"BillingCurrency": "AI credits"}, "currency AI CREDITS is no ISO 4217 code"),
        ({"BillingCurrency": None}, "currency is missing"),
        ({"ChargePeriodStart": None}, "starts_at is missing"),
        ({"ChargePeriodStart": "soon"}, "starts_at 'soon' is not an instant"),
        ({"ChargePeriodStart": "2014-12-31T00:00:00Z"}, "day 2014-12-31 is outside 2015 to 2099"),
        ({"ChargePeriodStart": "2100-01-01T00:00:00Z"}, "day 2100-01-01 is outside 2015 to 2099"),
        ({"ConsumedQuantity": "-5"}, "quantity is negative (-5.000000) and its cost is not"),
        ({"x_Credits": "a gift"}, "x_Credits is not a list of amounts"),
        ({"x_Credits": [{"Amount": "NaN"}]}, "x_Credits is not a list of amounts"),
    ],
)
def test_a_wrong_line_is_set_aside_and_its_neighbours_stay(desk: Any, change: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.jsonl": lines({"InvoiceId": "before"}, change, {"InvoiceId": "after"})})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]
    assert sorted(row["invoice_id"] for row in staged(desk)) == ["after", "before"]


def test_a_row_cut_short_is_set_aside(desk: Any) -> None:
    done = desk.take({"a.csv": as_csv({}, {}) + "1.5,2\r\n"})
    assert (done.rows_in, done.rows_typed, desk.reasons()) == (3, 2, ["the row has another number of fields than the header"])


def test_one_absurd_line_is_data(desk: Any) -> None:
    assert one(desk, BilledCost="9990.01")["billed_cost"] == Decimal("9990.01")


def test_a_file_without_a_currency_is_refused(desk: Any) -> None:
    text = json.dumps({key: value for key, value in LINE.items() if key != "BillingCurrency"})
    assert desk.take({"a.json": text}).refused == [("a.json", "has no column BillingCurrency")]


@pytest.mark.skipif(not TRACE.is_file(), reason="the recorded bills lie beside the repository only")
def test_the_public_sample_adds_up_to_the_last_decimal(desk: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(TRACE.read_bytes()).decode("utf-8-sig"))))
    wanted = [sum(Decimal(row[name]) for row in rows if row[name] not in {"NULL", ""}) for name in NAMES]
    done = desk.take({"sample.csv.gz": TRACE.read_bytes()})
    assert (done.rows_typed, done.quarantined) == (1000, 0)
    found = desk.staged("focus")
    assert [found[cost].sum() for cost in COSTS] == wanted
    assert set(found["provider"]) == {"aws", "azure", "oracle"}
    gpu = found.filter(pl.col("scope") == "gpu")
    assert (gpu.height, found.filter(pl.col("scope") == "model").height) == (10, 0)
    assert gpu["line_item"].str.contains(r" g[35]\.4xlarge ").all()
    # What is amortised nowhere counts as billed, not as free.
    spent = sum(cost if effective is None else effective for cost, effective in found.select("billed_cost", "effective_cost").rows())
    assert spent > found["effective_cost"].sum()


def totals(desk: Any) -> Sequence[Decimal]:
    return [desk.staged("focus")[cost].sum() for cost in COSTS]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
@pytest.mark.parametrize(
    ("file", "rows", "tokens", "gpu_hours"),
    [
        ("aws_focus_1_2/focus12_bedrock_gpu.csv", 3, 820_500, 8),
        ("azure_focus_1_2_preview/part_0_0001.csv", 3, 0, 0),
        ("gcp_focus_export/rows.jsonl", 2, 1_127_946, 0),
        ("focus_emitted/focus_1.0.csv", 5, 1_889_600, 0),
        ("focus_emitted/focus_1.2.csv", 5, 1_889_600, 0),
        ("focus_emitted/focus_1.2.jsonl", 5, 1_889_600, 0),
        ("focus_emitted/focus_1.3.csv", 8, 1_889_600, 8),
    ],
)
def test_a_documented_example_keeps_its_money(desk: Any, file: str, rows: int, tokens: int, gpu_hours: int) -> None:
    text = (EXAMPLES / file).read_text("utf-8-sig")
    given = (
        [json.loads(line, parse_float=str) for line in text.splitlines()] if "jsonl" in file else list(csv.DictReader(io.StringIO(text)))
    )
    done = desk.take({Path(file).name: text})
    assert (done.rows_typed, done.quarantined) == (rows, 0)
    wanted = [sum((Decimal(str(row[name])) for row in given), Decimal(0)).quantize(Decimal("1e-12")) for name in NAMES]
    credited = Decimal("0.157265") if "gcp" in file else Decimal(0)
    assert totals(desk) == [wanted[0] - credited, *wanted[1:]]
    found = desk.staged("focus")
    assert found["tokens"].sum() == tokens
    assert found.filter(pl.col("meter") == "gpu_hours")["quantity"].sum() == gpu_hours
