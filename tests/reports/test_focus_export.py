"""A month as FOCUS: typed, exact, whole, and the same bytes each time."""

import csv
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from focus_month import MONTH, Con, month

from meterbook.reports.focus import FocusError, FocusFacts, PartialError, write_focus
from meterbook.reports.focus_columns import COLUMNS, FOCUS

FACTS = FocusFacts("Acme", "open")
Row = dict[str, Any]
SPECIFIED = Path(__file__).parent / "focus_1_2_columns.tsv"
"""Columns of FOCUS 1.2 with their type and whether they may be null, from the specification."""


@pytest.fixture(scope="module")
def con() -> Iterator[Con]:
    with month() as found:
        yield found


@pytest.fixture(scope="module")
def written(con: Con, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_focus(tmp_path_factory.mktemp("focus"), "2026-10", con, FACTS)


@pytest.fixture(scope="module")
def rows(written: list[Path]) -> list[Row]:
    return [dict(row) for row in pq.read_table(written[0]).to_pylist()]


def _specified() -> list[tuple[str, str, str]]:
    return [tuple(line.split("\t")) for line in SPECIFIED.read_text("utf-8").splitlines()[1:]]  # type: ignore[misc] # three columns


def _line(rows: list[Row], name: str) -> Row:
    [found] = [row for row in rows if row["x_LineId"] == name]
    return found


def test_the_columns_are_those_of_focus_1_2_and_our_own_begin_with_x(written: list[Path]) -> None:
    names = pq.read_schema(written[0]).names
    assert sorted(name for name in names if not name.startswith("x_")) == sorted(name for name, _, _ in _specified())
    assert names == list(COLUMNS)
    assert all(name.startswith("x_") for name in COLUMNS if name not in FOCUS)


def test_each_column_has_the_type_that_is_specified(written: list[Path]) -> None:
    schema = pq.read_schema(written[0])
    for name, kind, _ in _specified():
        found = schema.field(name).type
        assert {
            "Decimal": pa.types.is_decimal(found), "Date/Time": found == pa.timestamp("us", tz="UTC"),
            "String": pa.types.is_string(found), "JSON": pa.types.is_string(found),
        }[kind], f"{name} is {found}"  # fmt: skip
    assert not [field.name for field in schema if pa.types.is_floating(field.type)]


def test_what_may_not_be_null_is_not(rows: list[Row]) -> None:
    for name, _, null in _specified():
        assert null == "yes" or all(row[name] is not None for row in rows), name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CommitmentDiscountId", "CommitmentDiscountStatus"), ("CommitmentDiscountId", "CommitmentDiscountCategory"),
        ("CommitmentDiscountId", "CommitmentDiscountType"), ("CommitmentDiscountQuantity", "CommitmentDiscountUnit"),
        ("ConsumedQuantity", "ConsumedUnit"), ("PricingQuantity", "PricingUnit"), ("ResourceId", "ResourceType"),
        ("RegionId", "RegionName"),
        ("SkuPriceId", "SkuId"), ("SkuPriceId", "ListUnitPrice"), ("SkuPriceId", "ContractedUnitPrice"), ("SkuPriceId", "PricingQuantity"),
        ("SubAccountId", "SubAccountName"), ("SubAccountId", "SubAccountType"),
    ],
)  # fmt: skip
def test_what_belongs_together_is_there_together_or_not_at_all(rows: list[Row], one: str, other: str) -> None:
    assert {row[one] is None for row in rows} == {True, False}
    assert [row["x_LineId"] for row in rows if (row[one] is None) != (row[other] is None)] == []


def test_list_cost_is_list_unit_price_times_pricing_quantity_exactly_and_contracted_cost_likewise(rows: list[Row]) -> None:
    priced = [row for row in rows if row["ListUnitPrice"] is not None]
    assert len(priced) > 15
    for row in priced:
        assert row["ListCost"] == row["ListUnitPrice"] * row["PricingQuantity"], row["x_LineId"]
        assert row["ContractedCost"] == row["ContractedUnitPrice"] * row["PricingQuantity"], row["x_LineId"]


def test_billed_cost_sums_to_what_was_billed_for_the_period_and_effective_cost_to_what_it_cost(rows: list[Row]) -> None:
    # Bills of the period: one, its tax, a correction of September, and five euros; not November's, nor what is no AI spend.
    assert sum(row["BilledCost"] for row in rows) == Decimal("0.002") + Decimal("0.1") - 1 + 5
    # The bill of openai, its tax and correction; groq by its own report; google's euros in dollars; GPU hours; the correction we posted.
    total = Decimal("0.002") + Decimal("0.1") - 1 + Decimal("0.01") + 6 + Decimal("4.5") - Decimal("0.25")
    assert sum(row["x_EffectiveCostUsd"] for row in rows) == total


def test_list_contracted_effective_and_billed_cost_differ_where_they_should(rows: list[Row]) -> None:
    def costs(row: Row) -> list[str]:
        return [str(row[name].normalize()) for name in ("ListCost", "ContractedCost", "EffectiveCost", "BilledCost")]

    [priced] = [row for row in rows if row["SkuMeter"] == "input" and row["x_CostBasis"] == "computed" and not row["x_ServedByCommitment"]]
    assert costs(priced) == ["0.00125", "0.001", "0.001", "0"]
    [served] = [row for row in rows if row["SkuMeter"] == "input" and row["x_ServedByCommitment"]]
    assert costs(served) == ["0.00125", "0", "0", "0"]
    [used] = [row for row in rows if row["CommitmentDiscountStatus"] == "Used" and row["CommitmentDiscountId"] == "ptu"]
    assert costs(used) == ["0", "0", "0.5", "0"]
    assert costs(_line(rows, "charge bill")) == ["0", "0", "0", "0.002"]
    assert costs(_line(rows, "charge euro")) == ["5", "5", "5", "5"]


def test_tokens_say_direction_cache_action_and_model_as_drafted_for_1_5(rows: list[Row]) -> None:
    calls = {row["SkuMeter"]: row for row in rows if row["x_CostBasis"] == "computed" and row["ServiceName"] == "openai API"}
    said = {meter: (row["x_TokenDirection"], row["x_CacheAction"]) for meter, row in calls.items() if row["x_TokenDirection"]}
    assert said == {"input": ("Input", "None"), "cache_read": ("Input", "Read"), "output": ("Output", "None")}
    details = json.loads(calls["cache_read"]["SkuPriceDetails"])
    assert details == {"x_ModelId": "gpt-5-2025-08-07", "x_ServiceTier": "standard", "x_TokenDirection": "Input", "x_CacheAction": "Read"}


def test_a_gpu_hour_says_what_the_device_did_and_which_reservation_paid_for_it(rows: list[Row]) -> None:
    gpus = [row for row in rows if row["SkuMeter"] == "gpu_hour"]
    assert {(row["ResourceId"], row["x_GpuState"], row["CommitmentDiscountId"]) for row in gpus} == {
        (device, state, commitment)
        for device, commitment in (("GPU-1", None), ("GPU-2", "gpus"))
        for state in ("used", "warm idle", "free idle")
    }
    assert {row["ServiceCategory"] for row in gpus} == {"Compute"}
    assert json.loads(gpus[0]["SkuPriceDetails"])["GpuCount"] == 1


def test_owners_are_tags_and_tags_of_a_bill_are_kept(rows: list[Row]) -> None:
    [priced] = [row for row in rows if row["SkuMeter"] == "output" and row["x_ServedByCommitment"]]
    assert json.loads(priced["Tags"]) == {
        "team": "search",
        "cost_centre": "4711",
        "tenant": "acme",
        "feature": "chat",
        "environment": "prod",
    }
    assert json.loads(_line(rows, "charge bill")["Tags"]) == {"owner": '=x, "y"'}


def test_a_correction_is_in_the_period_that_bills_it_and_speaks_of_its_own_day(rows: list[Row]) -> None:
    october, november = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    assert {(row["BillingPeriodStart"], row["BillingPeriodEnd"]) for row in rows} == {(october, november)}
    old, posted = _line(rows, "charge old"), _line(rows, "correction 1")
    assert (old["ChargeClass"], old["ChargePeriodStart"]) == ("Correction", datetime(2026, 9, 30, tzinfo=UTC))
    assert (posted["ChargeClass"], posted["ChargePeriodStart"]) == ("Correction", datetime(2026, 9, 17, tzinfo=UTC))
    assert posted["x_CorrectsPeriod"] == "2026-09"


def test_the_csv_reads_back_as_the_parquet_file_to_the_last_digit(written: list[Path], rows: list[Row]) -> None:
    def text(value: object) -> str:
        if isinstance(value, Decimal):
            return f"{value:f}"
        if isinstance(value, bool):
            return str(value).lower()
        return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else "" if value is None else str(value)

    content = written[1].read_bytes()
    assert not content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\n") == content.count(b"\r\n") == len(rows) + 1
    with written[1].open(encoding="utf-8", newline="") as handle:
        read = list(csv.DictReader(handle, strict=True))
    assert read == [{name: text(value) for name, value in row.items()} for row in rows]


def test_the_manifest_describes_the_files_and_what_is_not_in_them(written: list[Path], rows: list[Row]) -> None:
    manifest = json.loads(written[2].read_text("utf-8"))
    assert (manifest["period"], manifest["state"], manifest["specification"], manifest["rows"]) == (
        "2026-10",
        "open",
        "FOCUS 1.2",
        len(rows),
    )
    for file, path in zip(manifest["files"], written[:2], strict=True):
        assert (file["file"], file["bytes"], file["rows"]) == (path.name, path.stat().st_size, len(rows))
        assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    for name, column in (("billed_cost", "BilledCost"), ("list_cost", "ListCost"), ("effective_cost_usd", "x_EffectiveCostUsd")):
        assert sum(Decimal(total[name]) for total in manifest["totals"]) == sum(row[column] for row in rows)
    assert manifest["left_out"] == {
        "calls without a known cost": [
            {"provider": "acme", "model": "gpt-5-2025-08-07", "reason": "no model", "requests": 1, "tokens": 1600}
        ],
        "GPU hours without a known cost": [{"pool": "training", "gpu_model": "NVIDIA H100", "gpu_seconds": 3600}],
        "charges that are no AI spend": [{"provider": "openai", "currency": "USD", "lines": 1, "billed_cost": "77.000000000000"}],
    }


def test_the_same_rows_are_the_same_bytes_and_nothing_is_written_twice(con: Con, written: list[Path], tmp_path: Path) -> None:
    again = write_focus(tmp_path, "2026-10", con, FACTS)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]
    before = [path.stat().st_mtime_ns for path in again]
    assert [path.stat().st_mtime_ns for path in write_focus(tmp_path, "2026-10", con, FACTS)] == before
    assert sorted(path.name for path in (tmp_path / "2026-10").iterdir()) == sorted(path.name for path in again)


def test_a_closed_month_says_so(con: Con, tmp_path: Path) -> None:
    *_, manifest = write_focus(tmp_path, "2026-10", con, FocusFacts("Acme", "closed"))
    assert json.loads(manifest.read_text("utf-8"))["state"] == "closed"


def test_a_closed_month_that_changed_since_is_not_written_again(con: Con, tmp_path: Path) -> None:
    paths = write_focus(tmp_path, "2026-10", con, FocusFacts("Acme", "closed"))
    before = [path.read_bytes() for path in paths]
    gap = {"period": "2026-10", "basis": "Model usage, late", "team": "search", "cost_usd": 1}
    with (
        month({**MONTH, "core.closed_gap": [gap]}) as late,
        pytest.raises(PartialError, match="2026-10 is closed and would come out otherwise"),
    ):
        write_focus(tmp_path, "2026-10", late, FocusFacts("Acme", "closed"))
    assert [path.read_bytes() for path in paths] == before


@pytest.mark.parametrize("period", ["2026-08", "2026-13", "2026-1", "October", "../2026-10"])
def test_a_month_with_nothing_in_it_is_an_error_and_no_file(con: Con, tmp_path: Path, period: str) -> None:
    with pytest.raises(FocusError, match=r"there is nothing of 2026-08|is no month"):
        write_focus(tmp_path, period, con, FACTS)
    assert not list(tmp_path.rglob("*"))


def test_a_day_whose_rows_are_missing_is_an_error_and_the_files_before_it_stay(con: Con, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in write_focus(tmp_path, "2026-10", con, FACTS)}
    later = {"day": "2026-10-03", "provider": "openai", "basis": "requests", "cost_usd": "0.4"}
    with (
        month({**MONTH, "core.model_spend": [*MONTH["core.model_spend"], later]}) as stale,
        pytest.raises(PartialError, match=r"api of 2026-10-03 costs 0\.400000000000, its FOCUS rows say 0\.0"),
    ):
        write_focus(tmp_path, "2026-10", stale, FACTS)
    assert {path: path.read_bytes() for path in (tmp_path / "2026-10").iterdir()} == before
