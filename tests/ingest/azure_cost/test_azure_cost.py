"""Azure exports of actual and amortised cost."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples"
LINE: dict[str, str] = {
    "BillingAccountId": "acct",
    "BillingPeriodStartDate": "11/01/2026",
    "BillingPeriodEndDate": "11/30/2026",
    "SubscriptionId": "sub-1",
    "Date": "11/03/2026",
    "MeterCategory": "Foundry Models",
    "MeterSubCategory": "Azure OpenAI",
    "MeterName": "gpt 5 mini Inp glbl Tokens",
    "Quantity": "2",
    "UnitOfMeasure": "1K",
    "Cost": "1.5",
    "BillingCurrency": "USD",
    "Tags": "",
    "AdditionalInfo": "",
    "ChargeType": "Usage",
    "PricingModel": "OnDemand",
}
VM = {"MeterCategory": "Virtual Machines", "MeterSubCategory": "", "MeterName": "ND96isr H100 v5", "UnitOfMeasure": "1 Hour"}
RESERVED = {**VM, "PricingModel": "Reservation"}
PURCHASE = {**RESERVED, "ChargeType": "Purchase", "Quantity": "1", "Cost": "720"}
COVERED = {**RESERVED, "Quantity": "20", "Cost": "0"}
SHARE = {**RESERVED, "Quantity": "20", "Cost": "20"}
UNUSED = {**RESERVED, "ChargeType": "UnusedReservation", "Quantity": "4", "Cost": "4"}
SUMS = ("billed_cost", "effective_cost", "copies")


def export(*lines: dict[str, str], without: frozenset[str] = frozenset()) -> str:
    names = [name for name in dict.fromkeys(name for line in ({}, *lines) for name in {**LINE, **line}) if name not in without]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({**LINE, **line} for line in lines)
    return text.getvalue()


def total(file: bytes, column: str) -> Decimal:
    """What a column of a CSV adds up to, line by line at twelve places, read without any of our own code."""
    rows = csv.DictReader(io.StringIO(file.decode("utf-8-sig")))
    return sum((Decimal(row[column]).quantize(Decimal("1E-12")) for row in rows), Decimal(0))


def sums(desk: Any) -> dict[str, Any]:
    found = desk.staged("azure_cost")
    return {name: sum(value for value in found[name].to_list() if value is not None) for name in SUMS}


@pytest.fixture
def staged(desk: Any, sample: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    assert desk.take({"part_0_0001.csv": sample("sample.csv")}).rows_typed == 7
    return {
        f"{row['meter'] or row['scope']} {row['charge_category']} {row['quantity']}": row for row in desk.staged("azure_cost").to_dicts()
    }


def test_quantities_of_thousands_and_millions_are_tokens(staged: dict[str, dict[str, Any]]) -> None:
    tokens = {(row["model"], row["meter"]): row["tokens"] for row in staged.values() if row["scope"] == "model"}
    assert tokens == {
        ("gpt-4o-mini-0718", "input"): 1_200_500,
        ("gpt-4o-mini-0718", "cache_read"): 400_000,
        ("gpt-5-mini", "output"): 250_000,
    }
    assert {row["tokens"] for row in staged.values() if row["scope"] != "model"} == {None}


def test_lines_say_what_was_bought_for_whom_and_when(staged: dict[str, dict[str, Any]]) -> None:
    assert sorted(row["scope"] for row in staged.values()) == ["gpu", "gpu", "gpu", "model", "model", "model", "other"]
    row = next(row for row in staged.values() if row["meter"] == "input")
    assert (row["starts_at"], row["ends_at"], row["day"]) == (datetime(2026, 11, 3), datetime(2026, 11, 4), date(2026, 11, 3))
    assert (row["billing_period"], row["project_id"], row["provider"]) == ("2026-11", "sub-ml", "azure.ai.openai")
    assert json.loads(row["tags"]) == {"env": "prod", "team": "Search"}


def test_the_file_adds_up_to_the_picodollar(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.csv": sample("sample.csv")})
    assert sum(desk.staged("azure_cost")["billed_cost"].to_list()) == total(sample("sample.csv").encode(), "Cost")


@pytest.mark.parametrize(
    ("meter", "expected"),
    [
        ("gpt-4o-mini-0718-Outp-regnl Tokens", ("gpt-4o-mini-0718", "output", None)),
        ("gpt 4o mini 0718 cached Inp glbl Tokens", ("gpt-4o-mini-0718", "cache_read", None)),
        ("gpt-4o-mini-0718-Batch-Inp-glbl Tokens", ("gpt-4o-mini-0718", "input", "batch")),
        ("gpt 4o 0513 Input Data Zone Tokens", ("gpt-4o-0513", "input", None)),
        ("GPT 5.2 cd inp Gl", ("gpt-5.2", "cache_read", None)),
        ("GPT 5.2 Cd Wr Gl", ("gpt-5.2", "cache_write_5m", None)),
        ("GPT 5.2 pp Opt DZone", ("gpt-5.2", "output", "priority")),
        ("5.4 nano Inp Gl 1M Tokens", ("gpt-5.4-nano", "input", None)),
    ],
)
def test_meters_are_read_word_by_word(desk: Any, meter: str, expected: tuple[str, str, str | None]) -> None:
    desk.take({"a.csv": export({"MeterName": meter, "UnitOfMeasure": "1M", "Quantity": "0.5"})})
    [row] = desk.staged("azure_cost").to_dicts()
    assert (row["model"], row["meter"], row["served_tier"]) == expected
    assert row["tokens"] == 500_000


@pytest.mark.parametrize(
    "line",
    [
        {"MeterName": "Provisioned Managed Global", "UnitOfMeasure": "1 Hour"},
        {"MeterName": "gpt 4o aud Inp glbl Tokens"},
        {"UnitOfMeasure": "1"},
        {"UnitOfMeasure": "1 Million"},
        {"Quantity": "0.0005"},
    ],
    ids=["hours", "audio", "a unit that does not say", "a block of one of what may be a million", "no whole token"],
)
def test_a_line_that_counts_no_tokens_keeps_its_cost(desk: Any, line: dict[str, str]) -> None:
    desk.take({"a.csv": export(line)})
    assert desk.staged("azure_cost").select("scope", "tokens", "billed_cost").rows() == [("model", None, Decimal("1.5"))]


def test_days_are_read_alike_in_every_layout(desk: Any) -> None:
    layouts = {"us": ("11/03/2026", "11/01/2026", "11/30/2026"), "eu": ("03/11/2026", "01/11/2026", "30/11/2026")}
    layouts["iso"] = ("2026-11-03", "2026-11-01T00:00:00Z", "2026-11-30")
    for name, (day, first, last) in layouts.items():
        line = {"Date": day, "BillingPeriodStartDate": first, "BillingPeriodEndDate": last, "SubscriptionId": name}
        desk.take({f"{name}.csv": export(line)})
    found = desk.staged("azure_cost").select("day", "billing_period").unique().rows()
    assert (found, desk.inbox.file_flags().height) == ([(date(2026, 11, 3), "2026-11")], 0)


@pytest.mark.parametrize("column", ["Date", "BillingPeriodEndDate"])
def test_a_file_that_mixes_ways_to_write_days_is_refused(desk: Any, column: str) -> None:
    done = desk.take({"a.csv": export({}, {column: "30/11/2026"})})
    assert done.refused == [("a.csv", "holds days as MM/DD/YYYY and as DD/MM/YYYY: no day of it can be trusted")]


def test_days_that_say_nothing_are_months_first(desk: Any) -> None:
    without = frozenset({"BillingPeriodStartDate", "BillingPeriodEndDate"})
    desk.take({"a.csv": export({"Date": "10/05/2026"}, without=without)})
    assert desk.staged("azure_cost").select("day", "billing_period").rows() == [(date(2026, 10, 5), "2026-10")]


def test_a_day_that_is_written_otherwise_than_its_file_is_set_aside(desk: Any) -> None:
    done = desk.take({"a.csv": export({}, {"Date": "2026-11-03"})})
    assert (done.rows_typed, desk.reasons()) == (1, ["date '2026-11-03' is not MM/DD/YYYY, as in the rest of the file"])


def test_headers_are_known_in_any_case_with_or_without_a_byte_order_mark_packed_or_not(desk: Any) -> None:
    header, _, body = export({"Tags": '{"team": "Search"}'}).partition("\n")
    desk.take({"a.csv.gz": gzip.compress(f"\ufeff{header.lower()}\n{body}".encode(), mtime=0)})
    [row] = desk.staged("azure_cost").to_dicts()
    assert (row["billed_cost"], row["tokens"], row["tags"]) == (Decimal("1.5"), 2_000, '{"team": "Search"}')


STATED = ("currency", "billed_cost", "billed_cost_in_usd", "effective_cost", "effective_cost_in_usd")


def test_a_customer_agreement_export_is_kept_in_its_currency_beside_the_dollars_it_states(desk: Any) -> None:
    own = {"billingProfileId": "profile", "costInBillingCurrency": "0.8", "costInUsd": "0.92", "paygCostInUsd": "1.1", "invoiceId": "G1"}
    own |= {"paygCostInBillingCurrency": "0.95"}
    text = export({**own, "BillingCurrency": "eur", "Date": "11/03/2026"}, without=frozenset({"Cost"}))
    desk.take({"a.csv": text})
    [row] = desk.staged("azure_cost").to_dicts()
    assert [row[name] for name in STATED] == ["EUR", Decimal("0.8"), Decimal("0.92"), None, None]
    assert (row["list_cost"], row["list_cost_in_usd"]) == (Decimal("0.95"), Decimal("1.1"))
    assert (row["billing_account_id"], row["invoice_id"]) == ("profile", "G1")


def test_a_line_in_another_currency_without_dollars_beside_it_is_kept(desk: Any) -> None:
    assert desk.take({"a.csv": export({"BillingCurrency": "JPY", "Cost": "12345678901234.5"})}).quarantined == 0
    assert desk.staged("azure_cost").select(STATED).rows() == [("JPY", Decimal("12345678901234.5"), None, None, None)]


def test_both_views_keep_what_a_commitment_covers_in_the_currency_and_in_the_dollars_stated(desk: Any) -> None:
    euros = {"BillingCurrency": "EUR"}
    files = {
        "x/a.csv": export({**PURCHASE, **euros, "CostInUsd": "800"}, {**COVERED, **euros, "CostInUsd": "0"}),
        "y/a.csv": export({**SHARE, **euros, "CostInUsd": "22"}),
    }
    desk.take(files, BOTH)
    assert desk.staged("azure_cost").select(STATED).sort("billed_cost").rows() == [
        ("EUR", 0, 0, 20, 22),
        ("EUR", 720, 800, 0, 0),
    ]


def test_parquet_gives_the_same_lines_as_csv(desk: Any, tmp_path: Path, sample: Callable[[str], str]) -> None:
    text = sample("sample.csv").removeprefix("\ufeff")
    frame = pl.read_csv(io.StringIO(text), infer_schema=False).with_columns(
        pl.col("Date", "BillingPeriodStartDate", "BillingPeriodEndDate").str.to_date("%m/%d/%Y"),
        pl.col("Cost", "Quantity").str.to_decimal(scale=15),
    )
    frame.write_parquet(tmp_path / "a.snappy.parquet", compression="snappy")
    desk.take({"a.snappy.parquet": (tmp_path / "a.snappy.parquet").read_bytes()})
    columns = ("day", "billed_cost", "tokens", "scope", "meter", "tags", "quantity", "billing_period")
    parquet = desk.staged("azure_cost").select(columns).sort(columns).rows()
    (desk.folder / "inbox" / "a.snappy.parquet").unlink()
    other = type(desk)(tmp_path / "csv")
    other.take({"a.csv": sample("sample.csv")})
    assert parquet == other.staged("azure_cost").select(columns).sort(columns).rows()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"Cost": "twelve"}, "cost 'twelve' is not an amount"),
        ({"Cost": "NaN"}, "cost 'NaN' is not an amount"),
        ({"Cost": ""}, "cost is missing"),
        ({"BillingCurrency": "Euro"}, "currency EURO is no ISO 4217 code"),
        ({"Cost": "1e12"}, "cost 1000000000000.000000000000 is too large"),
        ({"BillingCurrency": "KRW", "Cost": "1e15"}, "cost 1000000000000000.000000000000 is too large"),
        ({"BillingCurrency": ""}, "currency is missing"),
        ({"Quantity": "2e15"}, "quantity 2000000000000000.000000000000 is too large"),
        ({"Date": ""}, "date is missing"),
        ({"Date": "02/30/2026"}, "date '02/30/2026' is not MM/DD/YYYY, as in the rest of the file"),
        ({"Date": "11/03/2014"}, "day 2014-11-03 is outside 2015 to 2099"),
        ({"ChargeType": ""}, "charge_type is missing"),
    ],
)
def test_a_line_that_is_wrong_is_set_aside(desk: Any, line: dict[str, str], reason: str) -> None:
    done = desk.take({"a.csv": export({}, line)})
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


def test_tags_that_were_cut_off_leave_the_money(desk: Any) -> None:
    done = desk.take({"a.csv": export({"Tags": '"team": "Sea'})})
    assert desk.staged("azure_cost").select("billed_cost", "tags").rows() == [(Decimal("1.5"), None)]
    assert done.flagged == [("a.csv", "holds 1 lines whose tags are not JSON; the lines are kept without tags")]


def test_a_refund_is_kept_signed_and_an_absurd_line_is_data(desk: Any) -> None:
    desk.take(
        {
            "a.csv": export(
                {"ChargeType": "Refund", "Cost": "-4"}, {"Cost": "99999999"}, {"ChargeType": "RoundingAdjustment", "Cost": "0.01"}
            )
        }
    )
    found = desk.staged("azure_cost").sort("billed_cost")
    assert found.select("billed_cost", "charge_category", "charge_class").rows() == [
        (Decimal(-4), "Purchase", "Correction"),
        (Decimal("0.01"), "Adjustment", None),
        (Decimal(99_999_999), "Usage", None),
    ]


def test_equal_lines_of_one_export_are_all_billed_also_in_two_parts(desk: Any) -> None:
    desk.take({"run/part_0_0001.csv": export({}, {}), "run/part_1_0001.csv": export({}, {"Date": "11/04/2026"})})
    assert sums(desk)["billed_cost"] == 6
    assert desk.staged("azure_cost")["charge_id"].is_unique().all()


def test_a_later_export_of_the_month_replaces_the_one_before(desk: Any) -> None:
    first = export({}, {"SubscriptionId": "sub-2"})
    done = desk.take({"1/part_0_0001.csv": first, "2/part_0_0001.csv": export({"Cost": "2"}, {"Date": "11/04/2026"})})
    found = desk.staged("azure_cost").sort("day", "project_id")
    assert found.select("project_id", "billed_cost").rows() == [
        ("sub-1", Decimal(2)),
        ("sub-2", Decimal("1.5")),  # an export of one subscription says nothing of the others
        ("sub-1", Decimal("1.5")),
    ]
    assert done.superseded == 1


def test_a_late_line_touches_only_its_day(desk: Any) -> None:
    two = (LINE, {**LINE, "Date": "11/04/2026"})
    desk.take({"1/a.csv": export(*two)})
    before = {row["day"]: row["charge_id"] for row in desk.staged("azure_cost").to_dicts()}
    desk.take({"2/a.csv": export(*two, {**LINE, "Date": "11/04/2026", "Cost": "9"})})
    after = desk.staged("azure_cost").to_dicts()
    assert [row["charge_id"] for row in after if row["day"] == date(2026, 11, 3)] == [before[date(2026, 11, 3)]]
    assert before[date(2026, 11, 4)] in {row["charge_id"] for row in after}


def test_what_a_commitment_covers_was_billed_nothing(desk: Any) -> None:
    desk.take({"a.csv": export(PURCHASE, COVERED, {})})
    found = desk.staged("azure_cost").sort("billed_cost")
    assert found.select("billed_cost", "effective_cost", "commitment_status").rows() == [
        (Decimal(0), None, "Used"),
        (Decimal("1.5"), None, None),
        (Decimal(720), None, None),
    ]


def test_an_amortised_export_alone_bills_no_share_of_a_commitment(desk: Any) -> None:
    done = desk.take({"a.csv": export(SHARE, UNUSED, {})})
    assert sums(desk) == {"billed_cost": Decimal("1.5"), "effective_cost": 24, "copies": 3}
    assert done.flagged == [("a.csv", "holds amortised costs: what it says was billed leaves out purchases of commitments")]


def test_of_two_views_that_nobody_told_apart_the_actual_one_counts(desk: Any) -> None:
    done = desk.take({"x/part_0_0001.csv": export(PURCHASE, COVERED, {}), "y/part_0_0001.csv": export(SHARE, UNUSED, {})})
    assert sums(desk) == {"billed_cost": Decimal("721.5"), "effective_cost": 0, "copies": 3}
    assert done.superseded == 3


def views(folder: str, view: str) -> dict[str, Any]:
    return {"name": f"azure {view}", "path": f"{folder}/*", "format": "azure_cost", "options": {"view": view}}


BOTH = [views("x", "actual"), views("y", "amortised")]


def test_with_both_views_named_what_was_billed_is_actual_and_what_it_cost_is_amortised(desk: Any) -> None:
    files = {"x/part_0_0001.csv": export(PURCHASE, COVERED, {}), "y/part_0_0001.csv": export(SHARE, UNUSED, {})}
    done = desk.take(files, BOTH)
    assert (done.superseded, sums(desk)) == (0, {"billed_cost": Decimal("721.5"), "effective_cost": Decimal("25.5"), "copies": 6})
    found = desk.staged("azure_cost")
    assert sum(value or 0 for value in found["tokens"].to_list()) == 2_000
    hours = found.filter(pl.col("scope") == "gpu").select("quantity").to_series().to_list()
    assert sum(value or 0 for value in hours) == 20


def test_a_day_that_only_one_view_has_yet_keeps_what_that_view_says(desk: Any) -> None:
    files = {"x/a.csv": export({}, {"Date": "11/04/2026"}), "y/a.csv": export({})}
    desk.take(files, BOTH)
    assert sums(desk) == {"billed_cost": 3, "effective_cost": Decimal("1.5"), "copies": 3}


@pytest.mark.parametrize(
    ("view", "lines", "reason"),
    [
        ("actual", [SHARE], "holds amortised costs, where its source says `view: actual`"),
        ("amortised", [PURCHASE], "holds purchases of commitments, as actual costs do, where its source says `view: amortised`"),
    ],
)
def test_a_file_of_the_other_view_is_refused(desk: Any, view: str, lines: list[dict[str, str]], reason: str) -> None:
    assert desk.take({"x/a.csv": export(*lines)}, [views("x", view)]).refused == [("x/a.csv", reason)]


def test_a_manifest_that_counts_more_rows_than_a_part_holds_stops_it(desk: Any) -> None:
    part = "exports/acme/20261101-20261130/202611040211/3f/part_0_0001.csv"
    manifest = {"dataRowCount": 2, "exportConfig": {"type": "ActualCost"}, "blobs": [{"blobName": part, "dataRowCount": 2}]}
    folder = part.rpartition("/")[0]
    done = desk.take({part: export({}), f"{folder}/manifest.json": json.dumps(manifest)})
    assert [reason.partition(" where")[0] for _, reason in done.refused] == ["holds 1 rows"]
    assert desk.take({part: export({}, {})}).refused == []


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_examples_add_up_in_both_views(desk: Any) -> None:
    actual = sorted((EXAMPLES / "azure_actual_cost").glob("*.csv"))
    amortised = (EXAMPLES / "azure_amortized_cost/part_0_0001.csv").read_bytes()
    files = {f"x/part_{number}_0001.csv": path.read_bytes() for number, path in enumerate(actual)}
    done = desk.take({**files, "y/part_0_0001.csv": amortised}, BOTH)
    assert (done.rows_typed, done.quarantined, done.superseded) == (8, 0, 0)
    found = desk.staged("azure_cost")
    assert sum(found["billed_cost"].to_list()) == sum(total(file, "Cost") for file in files.values())
    gpu = found.filter((pl.col("scope") == "gpu") & (pl.col("commitment_status").is_not_null()))
    assert sum(gpu["effective_cost"].to_list()) == total(amortised, "Cost")
    assert sorted(value for value in found["tokens"].to_list() if value) == [5_000_000, 12_500_000, 20_000_000]


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository")
def test_the_manifest_of_the_example_counts_the_rows_of_its_part(desk: Any) -> None:
    manifest = (EXAMPLES / "azure_export_layout/manifest.json").read_bytes()
    part = (EXAMPLES / "azure_actual_cost/part_0_0001.csv").read_bytes()
    assert desk.take({"b/manifest.json": manifest, "b/part_0_0001.csv": part}).refused == []
    cut = part.rstrip(b"\n").rpartition(b"\n")[0] + b"\n"
    assert len(desk.take({"b/part_0_0001.csv": cut}).refused) == 1
