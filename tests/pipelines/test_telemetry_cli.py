"""`meterbook telemetry`, and the generated part of docs/telemetry.md."""

import csv
import io
import json
import re
from datetime import date
from pathlib import Path

import pytest
from running import Said, typed
from small import built, call, gateway_book, limited, write

from meterbook.assets.workspace import Workspace, project
from meterbook.pipelines.telemetry_contract import MARK, PATH, carries, describe
from meterbook.reports.telemetry_fields import FIELDS

pytestmark = pytest.mark.usefixtures("all_small")
DAY = date(2026, 9, 1)
BODY = {"model": "gpt-5", "max_tokens": 500, "temperature": 0, "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory, all_small: None) -> Path:
    """Ten calls of chat that store their bodies, and five of search that do not."""
    folder = gateway_book(tmp_path_factory.mktemp("told") / "book")
    chat = [call(f"c{n}", DAY, 100, proxy_server_request=BODY, request_tags=["feature:chat"]) for n in range(10)]
    write(folder / "inbox/logs.jsonl", [*chat, *(call(f"s{n}", DAY, 100, request_tags=["feature:search"]) for n in range(5))])
    built(limited(Workspace(folder), "marts.telemetry", "marts.input_file"))
    return folder


def ask(book: Path, *words: str) -> Said:
    return typed(book, "telemetry", *words)


def test_the_table_names_gaps_by_feature_and_says_what_closes_them(book: Path) -> None:
    said = ask(book)
    assert said.code == 0
    assert "repeats cannot be counted" in said.out
    assert "`prompt_hash_key:` in meterbook.yaml" in said.out
    assert "output cap (66.7 % of 15 calls)" in said.out


def test_csv_has_a_row_for_each_field_of_a_feature(book: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(book, "--format", "csv").out)))
    assert len(rows) == 2 * len(FIELDS)
    caps = {row["feature"]: (row["calls"], row["carried"], row["is_gap"]) for row in rows if row["field"] == "output cap"}
    assert caps == {"chat": ("10", "10", "false"), "search": ("5", "0", "true")}


def test_json_has_formats_coverage_and_gaps(book: Path) -> None:
    found = json.loads(ask(book, "--format", "json", "--feature", "chat").out)
    assert found["data_through"] == "2026-09-01"
    assert [one["feature"] for one in found["features"]] == ["chat"]
    assert "output cap" not in {one["field"] for one in found["gaps"]}
    hashes = next(one for one in found["gaps"] if one["field"] == "prompt hash")
    assert (hashes["carried"], hashes["calls"]) == (0, 10)
    assert "store_prompts_in_spend_logs" in hashes["remedy"]
    assert "output cap" in found["formats"]["litellm_spendlogs"]


def test_a_feature_without_calls_is_told_in_a_line(book: Path) -> None:
    said = ask(book, "--feature", "nothing")
    assert said.code == 2
    assert "there are no calls of feature nothing" in said.err


def test_the_generated_part_of_the_document_is_current() -> None:
    assert PATH.read_text("utf-8") == describe(), "python -m meterbook.pipelines.telemetry_contract"


def test_every_format_of_calls_and_every_field_is_in_the_document() -> None:
    document = describe()
    calls = {name.removeprefix("staging.") for name, model in project().models.items() if model.header.kind == "request"}
    assert carries().keys() == calls
    assert all(f"\n| {name} |" in document for name in (*calls, *(one.name for one in FIELDS)))


def test_what_closes_a_gap_is_told_of_formats_that_can_carry_the_field() -> None:
    told = carries()
    wrong = [(one.name, form) for one in FIELDS for form in one.settings if one not in told[form]]
    assert wrong == []


def test_links_of_the_document_lead_to_a_table() -> None:
    anchors = {name.replace(".", "") for name in project().models}
    assert set(re.findall(r"\]\(tables\.md#([^)]*)\)", describe().partition(MARK)[0])) <= anchors
