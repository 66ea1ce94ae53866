"""AWS cost and usage reports, legacy."""

import csv
import gzip
import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

TRACE = Path(__file__).resolve().parents[3] / "../shared/traces/aws_cur_legacy.csv.gz"


def athena(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])|(?<=[A-Z])([A-Z])", r"_\1\2", name.replace("/", "_").replace(":", "_")).lower()


def test_slashes_and_athena_names_give_the_same_lines(desk: Any, tmp_path: Path, sample: Callable[[str], str]) -> None:
    header, _, body = sample("sample.csv").partition("\n")
    names = [athena(name) for name in header.split(",")]
    assert {"line_item_usage_start_date", "savings_plan_savings_plan_effective_cost", "reservation_reservation_a_r_n"} <= set(names)
    other = type(desk)(tmp_path / "athena")
    desk.take({"a.csv": sample("sample.csv")})
    other.take({"a.csv": ",".join(names) + "\n" + body})
    both = [one.staged("aws_cur_legacy").drop("file_id", "charge_id") for one in (desk, other)]
    assert both[0].height == 12
    assert both[0].drop("tags").sort(pl.all()).rows() == both[1].drop("tags").sort(pl.all()).rows()
    assert [{json.dumps(json.loads(text)) for text in one["tags"] if text and "lend" in text} for one in both] == [
        {'{"user:team": "lending"}'},
        {'{"user_team": "lending"}'},
    ]


def test_tags_are_gathered_from_their_columns_and_a_line_without_any_has_none(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.csv": sample("sample.csv")})
    found = desk.staged("aws_cur_legacy")
    assert found.filter(pl.col("scope") == "model", pl.col("tokens") > 0)["tags"].to_list() == ['{"user:team":"lending"}'] * 4
    assert found.filter(pl.col("charge_category") == "Tax")["tags"].to_list() == [None]


def test_a_bill_in_another_currency_is_kept_in_it(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"a.csv": sample("sample.csv").replace(",USD,", ",CNY,")})
    assert (done.rows_typed, done.quarantined) == (12, 0)
    assert set(desk.staged("aws_cur_legacy")["currency"]) == {"CNY"}


def test_a_report_of_the_new_kind_wins_over_a_legacy_one_of_the_same_month(desk: Any, sample: Callable[[str], str]) -> None:
    new = (Path(__file__).parents[1] / "aws_cur" / "sample.csv").read_bytes()
    desk.take({"z.csv": sample("sample.csv"), "a.csv": new})
    assert desk.staged("aws_cur").height == 12
    assert desk.inbox.file_flags()["flag"].to_list() == ["is replaced for aws 700100200300 2026-10 by a.csv"]


@pytest.mark.skipif(not TRACE.is_file(), reason="the recorded bills lie beside the repository only")
def test_a_recorded_report_adds_up_to_the_last_decimal(desk: Any) -> None:
    lines = list(csv.DictReader(io.StringIO(gzip.decompress(TRACE.read_bytes()).decode("utf-8-sig"))))
    done = desk.take({"cur.csv.gz": TRACE.read_bytes()})
    assert (done.rows_typed, done.quarantined) == (1281, 0)
    found = desk.staged("aws_cur_legacy")
    cash = sum(Decimal(line["lineItem/UnblendedCost"]) for line in lines)
    assert (found["billed_cost"].sum(), found["effective_cost"].sum()) == (cash, cash)
    assert found["list_cost"].sum() == sum(Decimal(line["pricing/publicOnDemandCost"] or 0) for line in lines)
    tax = sum(Decimal(line["lineItem/UnblendedCost"]) for line in lines if line["lineItem/LineItemType"] == "Tax")
    assert found.filter(pl.col("charge_category") == "Tax")["billed_cost"].sum() == tax
    assert set(found["scope"]) == {"other"}
