"""AWS cost and usage reports, 2.0."""

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/aws_cur2"
LINE: dict[str, Any] = {
    "bill_payer_account_id": "111122223333",
    "bill_billing_period_start_date": "2026-10-01T00:00:00.000Z",
    "line_item_usage_account_id": "444455556666",
    "line_item_line_item_type": "Usage",
    "line_item_usage_start_date": "2026-10-05T13:00:00.000Z",
    "line_item_product_code": "AmazonBedrock",
    "line_item_usage_type": "USE1-NovaLite-input-tokens",
    "line_item_usage_amount": "820.5",
    "line_item_currency_code": "USD",
    "line_item_unblended_rate": "0.00006",
    "line_item_unblended_cost": "0.04923",
    "pricing_unit": "1K tokens",
    "product": '{"product_name":"Amazon Bedrock"}',
    "resource_tags": "{}",
}
PLAN = "savings_plan_savings_plan_effective_cost"
COMMITTED, USED = "savings_plan_total_commitment_to_date", "savings_plan_used_commitment"
BOX = {"line_item_product_code": "AmazonEC2", "line_item_usage_type": "BoxUsage:p5.48xlarge", "pricing_unit": "Hrs"}
BOX |= {"line_item_unblended_rate": "55.04", "line_item_usage_amount": "1", "product": '{"gpu":"8"}', "line_item_resource_id": "i-1"}


def bill(*changes: dict[str, Any]) -> str:
    made = [{**LINE, **change} for change in changes]
    names = list(dict.fromkeys(name for one in made for name in one))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(made)
    return text.getvalue()


def rows(desk: Any, *changes: dict[str, Any]) -> list[dict[str, Any]]:
    desk.take({"a.csv": bill(*changes)})
    found = desk.staged("aws_cur").with_columns(line=pl.col("charge_id").str.split("-").list.last().cast(pl.Int64)).sort("line")
    return list(found.iter_rows(named=True))


def one(desk: Any, **change: Any) -> dict[str, Any]:
    [row] = rows(desk, change)
    return row


def typed(kind: str, cost: str, **more: Any) -> dict[str, Any]:
    return {**BOX, "line_item_line_item_type": kind, "line_item_unblended_cost": cost, **more}


@pytest.mark.parametrize("name", ["aws_cur", "aws_cur_legacy"])
def test_a_bill_is_the_same_in_cash_and_amortised_once_a_commitment_is_told_in_full(desk: Any, name: str) -> None:
    desk.take({"a.csv": (Path(__file__).parents[1] / name / "sample.csv").read_bytes()})
    found = desk.staged(name)
    assert found["billed_cost"].sum() == found["effective_cost"].sum() == Decimal("24.128")
    assert found["copies"].to_list() == [1] * 12


def test_each_kind_of_token_is_a_line_with_its_own_meter_and_tier(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.csv": sample("sample.csv")})
    found = desk.staged("aws_cur").filter(pl.col("tokens").is_not_null())
    assert sorted(found.select("model", "meter", "tokens").rows()) == [
        ("claude-haiku-4-5", "input", 1_200_000),
        ("nova-pro", "cache_read", 300_000),
        ("nova-pro", "input", 375_000),
        ("nova-pro", "output", 80_000),
    ]
    assert found.filter(pl.col("meter") == "output")["served_tier"].to_list() == ["batch"]
    assert set(found["provider"]) == {"aws.bedrock"}


MARKET = {"line_item_usage_type": "USE1-MP:USE1_InputTokenCount-Units", "pricing_unit": "Units", "line_item_usage_amount": "2.4"}


@pytest.mark.parametrize(
    ("change", "tokens"),
    [
        ({}, 820_500),
        ({"line_item_unblended_rate": ""}, 820_500),
        ({"pricing_unit": "1M tokens", "line_item_unblended_rate": "3", "line_item_usage_amount": "0.8205"}, 820_500),
        ({**MARKET, "line_item_unblended_rate": "3.3"}, 2_400_000),
        ({**MARKET, "line_item_usage_type": "USW2-MP:USW2_input_tokens_global_standard-Units", "line_item_unblended_rate": "3"}, 2_400_000),
        ({**MARKET, "line_item_unblended_rate": "0.0033"}, None),
        ({"line_item_unblended_rate": "3"}, None),
        ({"pricing_unit": "Units"}, None),
        ({"pricing_unit": ""}, None),
        ({"line_item_line_item_type": "Tax"}, None),
        ({"line_item_usage_type": "USE1-NovaCanvas-T2I-1024-Standard", "pricing_unit": "Images"}, None),
    ],
    ids=[
        "thousands", "no rate", "millions", "marketplace", "newer marketplace", "marketplace at a rate for thousands",
        "thousands at a rate for millions", "units of nothing", "no unit", "tax", "images",
    ],
)  # fmt: skip
def test_a_unit_of_tokens_is_held_against_its_rate_and_the_cost_stays(desk: Any, change: dict[str, Any], tokens: int | None) -> None:
    row = one(desk, **change)
    assert (row["tokens"], row["billed_cost"]) == (tokens, Decimal("0.04923"))


@pytest.mark.parametrize(
    ("usage_type", "meter", "tier"),
    [
        ("USE1-NovaLite-cache-write-input-token-count", "cache_write_5m", None),
        ("USE1-MP:USE1_CacheWriteInputTokenCount-Units_Global", "cache_write_5m", None),
        ("USE1-MP:USE1_CacheWrite1hInputTokenCount-Units", "cache_write_1h", None),
        ("USE1-nvidia.nemotron-super-3-120b-mantle-output-tokens-flex", "output", "flex"),
        ("USE1-NovaLite-input-tokens-priority", "input", "priority"),
        ("USE1-NovaLite-cache-read-input-token-count-batch", "cache_read", "batch"),
    ],
)
def test_usage_types_name_meters_and_tiers(desk: Any, usage_type: str, meter: str, tier: str | None) -> None:
    row = one(desk, line_item_usage_type=usage_type)
    assert (row["meter"], row["served_tier"], row["scope"]) == (meter, tier, "model")


def test_a_gpu_instance_is_counted_in_gpu_hours_and_a_plain_one_is_no_ai_spend(desk: Any) -> None:
    gpu, spot, plain, trainium, disk = rows(
        desk,
        typed("Usage", "55.04"),
        typed("Usage", "6", line_item_usage_type="EUC1-SpotUsage:g6e.12xlarge", product='{"gpu":"4"}', line_item_usage_amount="0.5"),
        typed("Usage", "0.1", line_item_usage_type="BoxUsage:m6g.xlarge", product="{}"),
        typed("Usage", "21", line_item_usage_type="BoxUsage:trn1.32xlarge", product="{}"),
        typed("Usage", "0.1", line_item_usage_type="EBS:VolumeUsage.gp3", product="{}"),
    )
    assert (gpu["scope"], gpu["meter"], gpu["quantity"], gpu["quantity_unit"]) == ("gpu", "gpu_hours", 8, "GPU-Hours")
    assert (spot["meter"], spot["quantity"]) == ("gpu_hours", 2)
    assert (plain["scope"], disk["scope"]) == ("other", "other")
    assert (trainium["scope"], trainium["quantity"], trainium["quantity_unit"]) == ("gpu", 1, "Hrs")


ARN = {"reservation_reservation_a_r_n": "arn:aws:ec2:us-east-1:1:reserved-instances/r"}
UNUSED = "reservation_unused_amortized_upfront_fee_for_billing_period"


@pytest.mark.parametrize(
    ("line", "effective", "category", "status"),
    [
        (typed("Usage", "5"), "5", "Usage", None),
        (typed("SavingsPlanCoveredUsage", "5", **{PLAN: "3"}), "3", "Usage", "Used"),
        (typed("SavingsPlanNegation", "-5"), "0", "Usage", None),
        (typed("SavingsPlanRecurringFee", "4", **{COMMITTED: "4", USED: "3"}), "1", "Purchase", "Unused"),
        (typed("SavingsPlanRecurringFee", "4", **{COMMITTED: "4", USED: "4"}), "0", "Purchase", None),
        (typed("SavingsPlanUpfrontFee", "900"), "0", "Purchase", None),
        (typed("DiscountedUsage", "0", reservation_effective_cost="2.5"), "2.5", "Usage", "Used"),
        (typed("RIFee", "70", **{UNUSED: "1", "reservation_unused_recurring_fee": "0.25"}), "1.25", "Purchase", "Unused"),
        (typed("Fee", "800", **ARN), "0", "Purchase", None),
        (typed("Fee", "800"), "800", "Purchase", None),
        (typed("Tax", "0.5"), "0.5", "Tax", None),
        (typed("Credit", "-0.5"), "-0.5", "Credit", None),
        (typed("Refund", "-0.5"), "-0.5", "Credit", None),
        (typed("EdpDiscount", "-0.5"), "-0.5", "Credit", None),
        (typed("SomethingNew", "0.7"), "0.7", "Adjustment", None),
    ],
)
def test_amortised_cost_follows_the_type_of_a_line(
    desk: Any, line: dict[str, Any], effective: str, category: str, status: str | None
) -> None:
    views = {name: line.get(name, "") for name in (PLAN, "reservation_effective_cost")}
    row = one(desk, **(views | line))
    assert row["billed_cost"] == Decimal(line["line_item_unblended_cost"])
    assert (row["effective_cost"], row["charge_category"], row["commitment_status"]) == (Decimal(effective), category, status)


def test_a_refund_corrects(desk: Any) -> None:
    assert [row["charge_class"] for row in rows(desk, typed("Refund", "-1"), typed("Usage", "1"))] == ["Correction", None]


def test_without_the_columns_of_the_amortised_view_commitments_count_as_in_cash(desk: Any) -> None:
    kinds = {
        "SavingsPlanCoveredUsage": "5",
        "SavingsPlanNegation": "-5",
        "SavingsPlanRecurringFee": "4",
        "DiscountedUsage": "0",
        "RIFee": "70",
    }
    found = rows(desk, *(typed(kind, cost) for kind, cost in kinds.items()))
    assert [row["effective_cost"] for row in found] == [None] * 5
    assert sum(row["billed_cost"] for row in found) == 74


def test_a_fee_that_does_not_say_what_was_unused_is_flagged(desk: Any) -> None:
    assert one(desk, **typed("SavingsPlanRecurringFee", "4", **{PLAN: ""}))["effective_cost"] == 0
    assert desk.inbox.file_flags()["flag"].to_list() == ["holds 1 savings plan fees that do not say what was left unused"]


def test_net_amounts_win_and_a_discount_inside_them_does_not_count_again(desk: Any) -> None:
    found = rows(
        desk,
        typed("Usage", "10", line_item_net_unblended_cost="9", savings_plan_net_savings_plan_effective_cost=""),
        typed("SavingsPlanCoveredUsage", "5", **{PLAN: "3", "savings_plan_net_savings_plan_effective_cost": "2.7"}),
        typed("EdpDiscount", "-1"),
        typed("Credit", "-1"),
    )
    assert [(row["billed_cost"], row["effective_cost"]) for row in found] == [(9, 9), (5, Decimal("2.7")), (0, 0), (-1, -1)]


def pod(name: str, split: str, unused: str, **more: Any) -> dict[str, Any]:
    return {
        "line_item_product_code": "AmazonEKS",
        "line_item_operation": "EKSPod-EC2",
        "line_item_usage_type": "USE1-EKS-EC2-vCPU-Hours",
        "line_item_unblended_cost": "0",
        "line_item_resource_id": f"arn:aws:eks:us-east-1:4:pod/ml/{name}",
        "resource_tags": json.dumps({"aws_eks_workload_name": name}),
        "product": "{}",
        "split_line_item_parent_resource_id": "i-1",
        "split_line_item_split_cost": split,
        "split_line_item_unused_cost": unused,
        **more,
    }


def test_pods_bear_their_share_of_an_instance_and_the_bill_stays_the_same(desk: Any) -> None:
    covered = typed("SavingsPlanCoveredUsage", "55.04", **{PLAN: "33.024"})
    instance, first, second = rows(desk, covered, pod("ft", "1.6512", "0.5504"), pod("vllm", "0.8256", "0.2752"))
    assert (first["effective_cost"], second["effective_cost"]) == (Decimal("2.2016"), Decimal("1.1008"))
    assert instance["effective_cost"] == Decimal("29.7216")
    assert (instance["billed_cost"], first["billed_cost"]) == (Decimal("55.04"), 0)
    assert [row["scope"] for row in (instance, first, second)] == ["gpu"] * 3
    assert json.loads(first["tags"]) == {"aws_eks_workload_name": "ft"}


def test_an_instance_on_several_lines_gives_way_once(desk: Any) -> None:
    found = rows(desk, typed("Usage", "2"), typed("Usage", "3"), typed("Usage", "4"), pod("ft", "4", "0.5"), pod("vllm", "1", "0"))
    assert [row["effective_cost"] for row in found] == [0, 0, Decimal("3.5"), Decimal("4.5"), 1]


def test_shares_that_miss_by_the_noise_of_doubles_still_conserve_the_bill(desk: Any) -> None:
    found = rows(desk, typed("Usage", "9"), pod("ft", "6.0000000000003", "0"), pod("vllm", "3.0000000000003", "0"))
    assert sum(row["effective_cost"] for row in found) == 9


@pytest.mark.parametrize(
    ("instance", "moved"),
    [
        (typed("Usage", "9", line_item_resource_id="i-2"), 0),
        (typed("Usage", "9", line_item_usage_start_date="2026-10-06T13:00:00.000Z"), 0),
        (typed("Usage", "4"), 0),
        (typed("SavingsPlanCoveredUsage", "9"), 0),
        (typed("Usage", "9"), 6),
    ],
    ids=["another instance", "another day", "shares of more than it costs", "no amortised cost", "its own"],
)
def test_a_share_counts_only_where_the_instance_gives_way(desk: Any, instance: dict[str, Any], moved: int) -> None:
    found = rows(desk, instance, pod("ft", "6", "0"))
    assert found[-1]["effective_cost"] == moved
    assert sum(row["effective_cost"] or row["billed_cost"] for row in found) == Decimal(instance["line_item_unblended_cost"])


def test_maps_in_parquet_are_read_as_in_csv(desk: Any, tmp_path: Path, sample: Callable[[str], str]) -> None:
    given = list(csv.DictReader(io.StringIO(sample("sample.csv"))))
    text = pa.map_(pa.string(), pa.string())
    columns: dict[str, pa.Array] = {}
    for name in given[0]:
        values = [row[name] for row in given]
        if name in {"product", "resource_tags"}:
            columns[name] = pa.array([list(json.loads(value).items()) for value in values], type=text)
        elif name.endswith(("_cost", "_rate", "_amount")):
            columns[name] = pa.array([float(value) if value else None for value in values], type=pa.float64())
        else:
            columns[name] = pa.array([value or None for value in values], type=pa.string())
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    desk.take({"b.csv": sample("sample.csv")})
    wanted = desk.staged("aws_cur").drop("file_id", "charge_id", "source").sort("resource_id", "line_item", "meter", "billed_cost")
    other = type(desk)(tmp_path / "book")
    other.take({"a.parquet": (tmp_path / "a.parquet").read_bytes()})
    found = other.staged("aws_cur").drop("file_id", "charge_id", "source").sort("resource_id", "line_item", "meter", "billed_cost")
    assert found.rows() == wanted.rows()


def test_a_later_delivery_replaces_the_month_whatever_its_line_ids(desk: Any) -> None:
    first = bill({"identity_line_item_id": "a"}, {"identity_line_item_id": "b"})
    later = {"line_item_usage_start_date": "2026-10-06T01:00:00.000Z", "line_item_unblended_cost": "1"}
    desk.take({"run1/x-00001.csv": first, "run2/x-00001.csv": bill({"identity_line_item_id": "c"}), "run2/x-00002.csv": bill(later)})
    assert sorted(desk.staged("aws_cur")["billed_cost"].to_list()) == [Decimal("0.04923"), 1]
    other = {"bill_billing_period_start_date": "2026-09-01T00:00:00.000Z", "line_item_usage_start_date": "2026-09-05T01:00:00.000Z"}
    desk.take({"late/x-00001.csv": bill(other)})
    assert desk.staged("aws_cur").height == 3


def test_the_same_month_as_focus_and_as_a_report_counts_once(desk: Any) -> None:
    focus = {
        "BilledCost": "0.04923", "BillingAccountId": "111122223333", "BillingCurrency": "USD", "BillingPeriodStart": "2026-10-01T00:00:00Z",
        "ChargePeriodStart": "2026-10-05T13:00:00Z", "ChargeCategory": "Usage", "ProviderName": "AWS",
    }  # fmt: skip
    desk.take({"z.jsonl": json.dumps(focus) + "\n", "a.csv": bill({})})
    assert desk.staged("aws_cur").height == 1
    assert desk.inbox.file_flags()["flag"].to_list() == ["is replaced for aws 111122223333 2026-10 by a.csv"]


def test_a_report_of_few_columns_is_read(desk: Any) -> None:
    few = ("line_item_usage_start_date", "line_item_unblended_cost")
    desk.take({"a.csv": ",".join(few) + "\n" + ",".join(LINE[name] for name in few) + "\n"})
    [row] = desk.staged("aws_cur").iter_rows(named=True)
    assert (row["billed_cost"], row["effective_cost"], row["scope"], row["billing_period"]) == (
        Decimal("0.04923"), Decimal("0.04923"), "other", "2026-10",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"line_item_unblended_cost": "free"}, "unblended_cost 'free' is not an amount"),
        ({"line_item_unblended_cost": ""}, "unblended_cost is missing"),
        ({"line_item_unblended_cost": "-2E12"}, "billed_cost -2000000000000.000000000000 is too large"),
        ({"line_item_currency_code": "yuan"}, "currency yuan is no ISO 4217 code"),
        ({"line_item_usage_start_date": ""}, "starts_at is missing"),
        ({"line_item_usage_start_date": "2010-10-05T13:00:00Z"}, "day 2010-10-05 is outside 2015 to 2099"),
        ({"line_item_usage_amount": "-3"}, "usage_amount is negative (-3.000000000000) and its cost is not"),
    ],
)
def test_a_wrong_line_is_set_aside_and_its_neighbours_stay(desk: Any, change: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.csv": bill({}, change, {})})
    assert (done.rows_in, done.rows_typed, done.quarantined) == (3, 2, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(3, reason)]


def test_a_bill_in_another_currency_is_kept_in_it_with_its_amortised_view(desk: Any) -> None:
    yuan = {"line_item_currency_code": "CNY", PLAN: "0"}
    found = rows(desk, yuan, {**typed("SavingsPlanCoveredUsage", "2", **{PLAN: "1.5"}), "line_item_currency_code": "CNY"})
    assert [(row["currency"], row["billed_cost"], row["effective_cost"]) for row in found] == [
        ("CNY", Decimal("0.04923"), Decimal("0.04923")),
        ("CNY", 2, Decimal("1.5")),
    ]


def test_a_report_without_a_currency_column_is_in_dollars(desk: Any) -> None:
    text = bill({}).replace("line_item_currency_code", "line_item_tax_type")
    desk.take({"a.csv": text})
    assert desk.staged("aws_cur")["currency"].to_list() == [None]


def test_amounts_in_scientific_notation_are_exact(desk: Any) -> None:
    assert one(desk, line_item_unblended_cost="6.71E-8")["billed_cost"] == Decimal("0.0000000671")


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_documented_example_gives_its_figures(desk: Any) -> None:
    text = (EXAMPLES / "cur2_bedrock_gpu_split.csv").read_text("utf-8-sig")
    packed = (EXAMPLES / "data__BILLING_PERIOD=2026-10__acme-cur2-00001.csv.gz").read_bytes()
    cash = sum(Decimal(row["line_item_unblended_cost"]) for row in csv.DictReader(io.StringIO(text)))
    assert desk.take({"a.csv": text, "b.csv.gz": packed}).quarantined == 0
    found = desk.staged("aws_cur")
    assert (found.height, found["billed_cost"].sum(), found["effective_cost"].sum()) == (12, cash, cash)
    assert found["tokens"].sum() == 820_500 + 143_250 + 2_400_000 + 18_050_000 + 510_000
    assert found.filter(pl.col("meter") == "gpu_hours")["quantity"].sum() == 8
