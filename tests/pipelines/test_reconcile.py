"""`meterbook reconcile` on a lake of a few cells."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from rich.console import Console
from typer.testing import CliRunner

from meterbook.assets.book import BookError
from meterbook.assets.workspace import columns
from meterbook.pipelines import cli_reconcile
from meterbook.pipelines.reconcile import _lines, _show, _told, reconciled, span_of, usd
from meterbook.reports.causes import BILLED, UNEXPLAINED
from meterbook.sql.schemas import empty_table

Con = duckdb.DuckDBPyConnection
D = Decimal


@pytest.fixture
def con() -> Iterator[Con]:
    with duckdb.connect() as found:
        for name in ("marts.reconciliation_cell", "marts.reconciliation_cause", "raw.input_file"):
            empty_table(found, name, columns()[name])
        yield found


def _put(con: Con, table: str, **row: Any) -> None:
    con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _cell(con: Con, billed: str | None, computed: str, *, day: str = "2026-10-05", provider: str = "openai", key: str = "p") -> None:
    known = (
        {"billed_usd": billed, "held_against_bill_usd": computed, "billed_minus_computed_usd": D(billed) - D(computed)} if billed else {}
    )
    _put(con, "marts.reconciliation_cell", day=day, provider=provider, model="m", key=key, computed_usd=computed, **known)


def _cause(
    con: Con, cause: str, amount: str, *, day: str = "2026-10-05", provider: str = "openai", key: str = "p", tokens: int | None = 5
) -> None:
    where = {"day": day, "provider": provider, "model": "m", "key": key, "comparison": BILLED}
    _put(con, "marts.reconciliation_cause", **where, cause=cause, amount_usd=amount, tokens=tokens, detail="m, input", file_id="f")


def _text(con: Con, period: str, tolerance: str = "1", **how: Any) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        _show(reconciled(con, period, **how), console, D(tolerance))
    return capture.get()


@pytest.mark.parametrize(
    ("period", "first", "end"),
    [
        ("2026-10", date(2026, 10, 1), date(2026, 11, 1)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("2026-10-31", date(2026, 10, 31), date(2026, 11, 1)),
        ("2026-W43", date(2026, 10, 19), date(2026, 10, 26)),
    ],
)
def test_a_period_is_a_month_a_day_or_a_week(period: str, first: date, end: date) -> None:
    assert span_of(period) == (first, end)


@pytest.mark.parametrize("period", ["2026", "2026-13", "2026-W60", "october", "2026-10-32", "20261005T00"])
def test_what_is_no_period_is_refused_in_one_line(period: str) -> None:
    with pytest.raises(BookError, match="is no period; say a month"):
        span_of(period)


def test_days_outside_the_period_and_other_providers_are_left_out(con: Con) -> None:
    _cell(con, "12", "10")
    _cause(con, "tier", "2")
    _cell(con, "99", "1", day="2026-11-01")
    _cause(con, "batch", "98", day="2026-11-01")
    _cell(con, None, "7", provider="google")
    found = reconciled(con, "2026-10")
    assert (found.billed, found.total("computed_usd"), found.total("billed_minus_computed_usd")) == (12, 17, 2)
    assert {place: {cause: one.usd for cause, one in of.items()} for (_, place), of in found.causes.items()} == {("openai",): {"tier": 2}}
    assert list(reconciled(con, "2026-10", "google").figures) == [("google",)]
    with pytest.raises(BookError, match="nothing of google 2026-11"):
        reconciled(con, "2026-11", "google")


def test_a_breakdown_sums_to_the_whole(con: Con) -> None:
    for key, billed in (("p", "12"), ("q", "20")):
        _cell(con, billed, "10", key=key)
        _cause(con, "tier", str(D(billed) - 10), key=key)
    found = reconciled(con, "2026-10", by="key")
    assert {place: figures["billed_usd"] for place, figures in found.figures.items()} == {("openai", "p"): 12, ("openai", "q"): 20}
    assert sum(one.usd for of in found.causes.values() for one in of.values()) == found.total("billed_minus_computed_usd") == 12


def test_the_residual_is_summed_without_sign_and_held_against_the_tolerance(con: Con) -> None:
    _cell(con, "100", "100")
    _cause(con, UNEXPLAINED, "0.6")
    _cause(con, UNEXPLAINED, "-0.6", key="q")
    found = reconciled(con, "2026-10-05")
    assert found.residual == D("1.2")
    assert [found.is_within(D(percent)) for percent in ("1", "1.2", "5")] == [False, True, True]
    assert "unexplained 1.20 of 100.00 billed: above the tolerance of 1 %" in _text(con, "2026-10-05")
    assert not _told(found, D(1))["is_within_tolerance"]


def test_the_table_names_causes_with_tokens_evidence_and_what_to_do_and_the_residual_last(con: Con) -> None:
    _put(con, "raw.input_file", file_id="f", file="openai/costs.json")
    _cell(con, "97", "100")
    _cause(con, "tier", "1")
    _cause(con, "failed calls", "-4", tokens=1_234_567)
    said = _text(con, "2026-10-05")
    order = [said.index(word) for word in ("failed calls", "tier ", UNEXPLAINED, "total")]
    assert order == sorted(order)
    assert all(text in said for text in ("-4.00", "1,234,567", "policies.yaml", "2026-10-05, p, m, m, input, openai/costs.json", "-3.00"))


def test_the_residual_stands_there_even_where_it_is_nothing_but_once(con: Con) -> None:
    _cell(con, "10", "10")
    assert _text(con, "2026-10").count(UNEXPLAINED) == 2
    assert _text(con, "2026-10", by="key").count(UNEXPLAINED) == 1


def test_a_bill_for_a_part_of_the_cost_says_so_and_none_is_said(con: Con) -> None:
    _cell(con, "10", "10")
    _cell(con, None, "30", day="2026-10-06")
    assert "openai: its bill is held against 10.00 of 40.00 computed" in _text(con, "2026-10")
    assert "nothing is billed for these days yet" in _text(con, "2026-10-06")


def test_csv_has_every_figure_and_cause_in_full(con: Con) -> None:
    _cell(con, "10.000000000001", "10")
    _cause(con, "rounding", "0.000000000001", tokens=None)
    lines = list(_lines(reconciled(con, "2026-10")))
    assert ["openai", "", "billed", D("10.000000000001"), None, None] in lines
    assert ["openai", BILLED, "rounding", D("0.000000000001"), None, "2026-10-05, p, m, m, input"] in lines


@pytest.mark.parametrize(
    ("amount", "text"),
    [(None, ""), (D(0), "0.00"), (D("1234.5"), "1,234.50"), (D("-0.000012223045"), "-0.000012223045"), (D("-28.6461049"), "-28.65")],
)
def test_amounts_are_to_the_cent_and_what_is_not_nothing_is_not_shown_as_nothing(amount: Decimal | None, text: str) -> None:
    assert usd(amount) == text


@pytest.mark.parametrize("tolerance", ["much", "-1", "NaN"])
def test_a_tolerance_that_is_none_is_refused(tolerance: str) -> None:
    done = CliRunner().invoke(cli_reconcile.app, ["2026-10", "--tolerance", tolerance])
    assert isinstance(done.exception, BookError)
    assert "is no percentage" in str(done.exception)
