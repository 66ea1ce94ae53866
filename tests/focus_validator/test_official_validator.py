"""The official validator finds nothing in our FOCUS files beyond a reviewed list, and would find what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from focus_month import month
from focus_validation import LEAST_PASSED, TOOL, read_report, validate

from meterbook.pipelines.demo import write_demo
from meterbook.reports.focus import FocusFacts, write_focus

METERBOOK = str(Path(sys.executable).parent / "meterbook")
NEEDED = "METERBOOK_FOCUS" in os.environ
"""Set by `make focus-validate`, where a missing validator is an error."""
installed = pytest.mark.skipif(
    not NEEDED and not (TOOL / "bin" / "focus-validator").is_file(), reason="no Python 3.12 for the official validator: make focus-validate"
)
REPORT = """<testsuites><testsuite>
<testcase name="A-C-001-M :: Type"/>
<testcase name="A-C-002-M :: Type"><skipped message="x"/></testcase>
{}</testsuite></testsuites>"""
FAILURE = '<testcase name="{}-C :: Nullability"><failure message="x"/></testcase>'


@pytest.fixture
def exported(tmp_path: Path) -> list[Path]:
    with month() as con:
        return write_focus(tmp_path, "2026-10", con, FocusFacts("Acme", "open"))


def test_a_rule_made_of_others_is_excused_only_with_one_that_is_on_the_list() -> None:
    reviewed, composite, other = "InvoiceId-C-005", "InvoiceId-C-003", "ListCost-C-003"
    verdict = read_report(REPORT.format(FAILURE.format(reviewed) + FAILURE.format(composite)))
    assert (verdict.passed, verdict.skipped, verdict.unexpected) == (1, 1, [])
    assert not verdict.is_good
    assert read_report(REPORT.format(FAILURE.format(composite))).unexpected == [f"{composite}-C"]
    assert read_report(REPORT.format(FAILURE.format(other) + FAILURE.format(reviewed))).unexpected == [f"{other}-C"]


@pytest.mark.nightly
@installed
def test_a_month_with_every_kind_of_row_passes(exported: list[Path]) -> None:
    for path in exported[:2]:
        verdict = validate(path)
        assert verdict.unexpected == []
        assert verdict.passed >= LEAST_PASSED


@pytest.mark.nightly
@installed
def test_a_file_with_a_currency_that_is_none_and_no_provider_does_not_pass(exported: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    wrong = '\'dollars\' as "BillingCurrency", cast(null as varchar) as "ProviderName"'
    duckdb.execute(f"copy (select * replace ({wrong}) from '{exported[0]}') to '{broken}'")
    assert {"BillingCurrency-C-003-M", "ProviderName-C-003-M"} <= set(validate(broken).unexpected)


@pytest.mark.nightly
@installed
def test_october_of_the_sample_company_passes(tmp_path: Path) -> None:
    book = tmp_path / "book"
    write_demo(book, count=31)
    for words in (("run",), ("export", "focus", "--period", "2026-10")):
        subprocess.run([METERBOOK, "--book", str(book), *words], check=True, capture_output=True)
    verdict = validate(book / "exports" / "focus" / "2026-10" / "focus.parquet")
    assert verdict.unexpected == []
    assert verdict.passed >= LEAST_PASSED
