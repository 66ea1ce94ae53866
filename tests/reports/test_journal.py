"""The journal: what is charged, as one entry that balances; and its forms."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.reports.charges import Charge
from meterbook.reports.codes import LONGEST, FinanceError
from meterbook.reports.journal import COLUMNS, LARGEST, Entry, Posting, mapped, table_of
from meterbook.reports.ledger import SOURCES, AccountRule, ColumnMap, JournalSettings

LEDGER = JournalSettings(clearing_account="1450", rules=[AccountRule("*", "6900")], entity="Acme US", department_prefix="D-")
LAST = date(2026, 10, 31)
CENTS = st.decimals(min_value=-10_000, max_value=10_000, places=2, allow_nan=False, allow_infinity=False)
CHARGE = Charge("2026-10", "support", "chargeback", "CC-1", "6100", "Model usage", "requests", Decimal("1.234"), Decimal("1.23"))


def _entries(charges: Sequence[Charge], settings: JournalSettings = LEDGER) -> list[Entry]:
    return Posting(settings, "MB-2026-10", LAST, {charge.team: f"statements/{charge.team}.csv abc" for charge in charges}).entries(charges)


@examples(40)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["showback", "chargeback"]), CENTS), max_size=12))
def test_a_journal_balances_whatever_is_posted_credits_and_nothing_too(lines: list[tuple[str, str, Decimal]]) -> None:
    modes = {team: mode for team, mode, _ in lines}
    charges = [replace(CHARGE, team=team, mode=modes[team], line=f"line {n}", posted_usd=cents) for n, (team, _, cents) in enumerate(lines)]
    entries = _entries(charges)
    for team in {charge.team for charge in charges}:
        own = [entry for entry in entries if entry.team == team]
        assert sum(entry.debit_usd for entry in own) == sum(entry.credit_usd for entry in own)
        expensed = sum(entry.debit_usd - entry.credit_usd for entry in own if entry.account == "6100")
        assert expensed == sum(charge.posted_usd for charge in charges if charge.team == team and modes[team] == "chargeback")
    assert all(min(entry.debit_usd, entry.credit_usd) == 0 < max(entry.debit_usd, entry.credit_usd) for entry in entries)
    assert [entry.line_number for entry in entries] == list(range(1, len(entries) + 1))
    assert len(entries) != 1


def test_a_line_is_a_debit_a_credit_goes_the_other_way_and_each_team_is_cleared() -> None:
    credit, dust = (replace(CHARGE, line=line, posted_usd=Decimal(cents)) for line, cents in (("Credit", "-5.00"), ("Dust", "0.00")))
    found = [(entry.account, entry.line, entry.debit_usd, entry.credit_usd) for entry in _entries([CHARGE, credit, dust])]
    nothing = Decimal("0.00")
    assert found == [
        ("6100", "Model usage", Decimal("1.23"), nothing),
        ("6100", "Credit", nothing, Decimal("5.00")),
        ("1450", "Clearing", Decimal("3.77"), nothing),
    ]


def test_a_line_says_where_it_comes_from_and_is_dated_the_last_day_of_its_month() -> None:
    row = dict(zip(COLUMNS, table_of(_entries([CHARGE]))[0], strict=True))
    assert row == {
        "journal_id": "MB-2026-10",
        "period": "2026-10",
        "posting_date": LAST,
        "line_number": 1,
        "account": "6100",
        "cost_centre": "CC-1",
        "team": "support",
        "line": "Model usage",
        "description": "AI cost 2026-10, support, CC-1: Model usage, requests",
        "debit_usd": Decimal("1.23"),
        "credit_usd": Decimal("0.00"),
        "reference": "statements/support.csv abc",
    }


def test_the_account_of_a_line_is_its_own_else_that_of_the_first_rule_that_matches() -> None:
    rules = [AccountRule("GPU *", "6120", "research"), AccountRule("GPU *", "6121"), AccountRule("Shared: *", "6130")]
    settings = replace(LEDGER, rules=rules)
    bare = replace(CHARGE, gl_account="(none)")
    charges = [
        CHARGE,
        replace(bare, line="GPU used"),
        replace(bare, line="GPU used", team="research"),
        replace(bare, line="Shared: gateway"),
    ]
    found = {(entry.team, entry.line): entry.account for entry in _entries(charges, settings) if entry.line != "Clearing"}
    assert found == {
        ("support", "Model usage"): "6100",
        ("support", "GPU used"): "6121",
        ("research", "GPU used"): "6120",
        ("support", "Shared: gateway"): "6130",
    }
    with pytest.raises(FinanceError, match=r"2026-10: line 'Tax' of team 'support' \(requests\) has no account"):
        _entries([replace(bare, line="Tax")], settings)


@pytest.mark.parametrize("code", ["=1", "+1", "-1", "@x", 'a"b', "a\nb", "a\x00", " a", "", "x" * (LONGEST + 1)])
@pytest.mark.parametrize("place", ["team", "cost_centre", "gl_account"])
def test_a_code_that_breaks_a_journal_is_refused_when_it_is_written_too(place: str, code: str) -> None:
    with pytest.raises(FinanceError):
        _entries([replace(CHARGE, **{place: code})])
    assert _entries([replace(CHARGE, mode="showback", **{place: code})]) == []


def test_a_clearing_account_that_breaks_a_journal_is_refused() -> None:
    with pytest.raises(FinanceError):
        _entries([CHARGE], replace(LEDGER, clearing_account="=1450"))


def test_an_amount_beyond_ten_digits_is_refused() -> None:
    assert _entries([replace(CHARGE, posted_usd=LARGEST)])[0].debit_usd == LARGEST
    with pytest.raises(FinanceError, match="ten digits"):
        _entries([replace(CHARGE, posted_usd=LARGEST + Decimal("0.01"))])


def test_a_map_gives_the_columns_and_dates_a_system_wants_and_leaves_the_other_side_empty() -> None:
    columns = {"Date": "posting_date", "Sub": "entity", "Dept": "department", "Cur": "currency", "D": "debit_usd", "C": "credit_usd"}
    form = ColumnMap("own", columns, {"Memo": "AI"}, "%d.%m.%Y")
    assert form.header == ["Date", "Sub", "Dept", "Cur", "D", "C", "Memo"]
    assert mapped(_entries([CHARGE]), form, LEDGER) == [
        ["31.10.2026", "Acme US", "D-CC-1", "USD", Decimal("1.23"), "", "AI"],
        ["31.10.2026", "Acme US", "", "USD", "", Decimal("1.23"), "AI"],
    ]


def test_every_column_of_the_journal_can_be_mapped() -> None:
    assert SOURCES[: len(COLUMNS)] == COLUMNS
    row: list[Any] = mapped(_entries([CHARGE]), ColumnMap("all", {name: name for name in SOURCES}, {}), LEDGER)[0]
    assert dict(zip(SOURCES, row, strict=True)) == {
        **dict(zip(COLUMNS, table_of(_entries([CHARGE]))[0], strict=True)),
        "posting_date": "2026-10-31",
        "credit_usd": "",
        "entity": "Acme US",
        "department": "D-CC-1",
        "currency": "USD",
    }
