"""journal.yaml and the codes that go into a journal are refused at the door where they would break it."""

from datetime import date
from pathlib import Path

import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.journals import SHIPPED, load_journal
from meterbook.reports.journal import COLUMNS
from meterbook.reports.ledger import AccountRule, ColumnMap

SETTINGS = """\
clearing_account: '1450'
accounts:
  - {line: 'GPU *', account: '6120', team: research}
  - {line: '*', account: '6110'}
entity: Acme US
department_prefix: D-
journal_prefix: AI
export: [netsuite, quickbooks, maps/own.yaml]
"""
MAP = """\
source: https://example.com/format
checked_on: 2026-11-28
date_format: "%d.%m.%Y"
columns: {Belegdatum: posting_date, Konto: account, Soll: debit_usd, Haben: credit_usd}
constants: {Text: AI}
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    (tmp_path / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "own.yaml").write_text(MAP, "utf-8")
    return tmp_path


def _say(book: Path, text: str, name: str = "journal.yaml") -> Book:
    (book / name).write_text(text, "utf-8")
    return Book(book)


def test_a_book_without_the_file_or_with_remarks_only_has_no_journal(book: Path) -> None:
    assert Book(book).journal is None
    assert _say(book, "# clearing_account: '1450'\n").journal is None


def test_everything_it_says_is_read(book: Path) -> None:
    found = _say(book, SETTINGS).journal
    assert found is not None
    assert (found.clearing_account, found.entity, found.department_prefix, found.id_prefix) == ("1450", "Acme US", "D-", "AI")
    assert found.rules == [AccountRule("GPU *", "6120", "research"), AccountRule("*", "6110")]
    assert [form.name for form in found.maps] == ["netsuite", "quickbooks", "own"]
    own = {"Belegdatum": "posting_date", "Konto": "account", "Soll": "debit_usd", "Haben": "credit_usd"}
    assert found.maps[-1] == ColumnMap("own", own, {"Text": "AI"}, "%d.%m.%Y")


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_map_carries_account_both_sides_date_and_number(path: Path, book: Path) -> None:
    settings = _say(book, f"clearing_account: '1'\nexport: [{path.stem}]\n").journal
    assert settings is not None
    [form] = settings.maps
    assert {"journal_id", "posting_date", "account", "debit_usd", "credit_usd", "description"} <= set(form.columns.values())
    assert date(2026, 10, 31).strftime(form.date_format) == "10/31/2026"
    assert "# " in path.read_text("utf-8")
    assert set(form.columns.values()) <= {*COLUMNS, "entity", "department", "currency"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accounts: []\n", "clearing_account: Field required"),
        ("clearing_account: 1450\n", "clearing_account: 1450 is no text: write a code in quotes, '1450'"),
        ("clearing_account: '=1450'\n", "begins like a formula"),
        ("clearing_account: '@1450'\n", "begins like a formula"),
        ('clearing_account: "14\\n50"\n', "control character"),
        ("clearing_account: 'say \"1\"'\n", "double quote"),
        ("clearing_account: ' 1450'\n", "has a space at an end"),
        (f"clearing_account: '{'1' * 101}'\n", "has 101 characters, more than 100"),
        ("clearing_account: '1'\naccounts: [{line: '*', account: '-6'}]\n", "accounts.0.account"),
        ("clearing_account: '1'\nacounts: []\n", "unknown key; did you mean accounts?"),
        ("clearing_account: '1'\njournal_prefix: 'a b'\n", "journal_prefix"),
        ("clearing_account: '1'\nexport: [sap]\n", "there is no map 'sap'; shipped are netsuite, quickbooks"),
        ("clearing_account: '1'\nexport: [maps/none.yaml]\n", "there is no map 'maps/none.yaml'"),
        ("clearing_account: '1'\nexport: [netsuite, netsuite]\n", "two maps have one name"),
        ("clearing_account: '1'\nclearing_account: '2'\n", "is given twice"),
    ],
)
def test_what_would_break_a_journal_is_told_with_its_file(text: str, said: str, book: Path) -> None:
    with pytest.raises(BookError, match=r"journal\.yaml") as told:
        _say(book, text)
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("Konto: account", "Konto: konto", "Konto: the journal has no 'konto'; it has journal_id, period"),
        ("Text: AI", "'=Text': AI", "begins like a formula"),
        ("Text: AI", "Text: '+AI'", "begins like a formula"),
        ("source: https://example.com/format\n", "", "source: Field required"),
        ("constants: {", "constant: {", "did you mean constants?"),
    ],
)
def test_a_map_that_is_wrong_is_told_with_its_file(before: str, after: str, said: str, book: Path) -> None:
    assert before in MAP
    (book / "maps" / "own.yaml").write_text(MAP.replace(before, after), "utf-8")
    with pytest.raises(BookError, match=r"own\.yaml:\d+") as told:
        _say(book, SETTINGS)
    assert said in str(told.value)


@pytest.mark.parametrize("code", ['CC "7"', "C" * 101])
def test_an_owner_s_code_that_breaks_a_journal_is_refused_with_its_line_once_there_is_a_journal(code: str, book: Path) -> None:
    quoted = '"' + code.replace('"', '""') + '"'
    owners = f"field,pattern,team,cost_centre\nkey_id,a,x,CC-1\nkey_id,b,y,{quoted}\n"
    _say(book, owners, "owners.csv")
    with pytest.raises(BookError, match=r"owners\.csv:3: .* is no code for a journal"):
        _say(book, SETTINGS)


def test_the_codes_of_a_book_without_a_journal_are_its_own_affair(book: Path) -> None:
    assert load_journal(book, [("owners.csv:2", '"')]) is None
