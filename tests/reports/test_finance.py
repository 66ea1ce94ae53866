import csv
import hashlib
import io
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from finance_set import write_chargeback

from meterbook.reports import finance
from meterbook.reports.charges import Edition
from meterbook.reports.codes import FinanceError
from meterbook.reports.finance import not_made
from meterbook.reports.frame import PageFacts
from meterbook.reports.ledger import AccountRule, ColumnMap, JournalSettings

Con = duckdb.DuckDBPyConnection
COLUMNS = ["period", "team", "mode", "cost_centre", "gl_account", "line", "basis", "cost_usd", "posted_usd", "rate_card"]
LEDGER = JournalSettings(
    clearing_account="1450",
    rules=[AccountRule("*", "6900")],
    maps=[ColumnMap("own", {"Number": "journal_id", "Day": "posting_date", "Debit": "debit_usd", "Credit": "credit_usd"}, {"Kind": "AI"})],
)
OF_TEAMS = [f"statements/{team}.{kind}" for team in ("research", "sales", "support", "unallocated", "unowned") for kind in ("csv", "html")]


def _rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8"), newline=""), strict=True))


def _manifest(paths: list[Path]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(paths[-1].read_text("utf-8"))
    return found


def _names(paths: list[Path], folder: Path) -> list[str]:
    return [path.relative_to(folder / "2026-10").as_posix() for path in paths]


def test_a_statement_holds_what_the_mart_holds_to_the_last_digit(lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    head, *rows = _rows(write_chargeback(tmp_path, "2026-10", lake, facts)[0])
    assert head == COLUMNS
    query = f"select {', '.join(COLUMNS)} from marts.chargeback where period = '2026-10' order by team, line, basis, cost_centre"
    kept = lake.execute(query).fetchall()
    assert [(*row[:7], Decimal(row[7]), Decimal(row[8]), row[9]) for row in rows] == kept
    assert all(len(row[7].split(".")[1]) == 12 and len(row[8].split(".")[1]) == 2 for row in rows)


def test_every_csv_is_plain_rfc_4180(lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    tables = [path for path in write_chargeback(tmp_path, "2026-10", lake, facts, settings=LEDGER) if path.suffix == ".csv"]
    assert len(tables) == 9
    for path in tables:
        content = path.read_bytes()
        assert not content.startswith(b"\xef\xbb\xbf")
        assert content.endswith(b"\r\n")
        assert content.count(b"\n") == content.count(b"\r\n") == len(_rows(path))
    assert b'"by requests, ""as logged"""' in (tmp_path / "2026-10" / "chargeback.csv").read_bytes()


def test_the_manifest_describes_its_files_and_controls_them(lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    paths = write_chargeback(tmp_path, "2026-10", lake, facts, settings=LEDGER)
    lists = ["chargeback.csv", "chargeback_tenant.csv", "chargeback.xlsx", "journal.csv", "journal.own.csv"]
    assert _names(paths, tmp_path) == [*lists, *OF_TEAMS, "manifest.json"]
    manifest = _manifest(paths)
    files = manifest.pop("files")
    modes = dict.fromkeys(("research", "sales", "unallocated", "unowned"), "showback") | {"support": "chargeback"}
    state = {"period": "2026-10", "state": "open", "version": 1, "supersedes": None, "currency": "USD", "modes": modes, "without": {}}
    assert manifest == state
    assert sorted(path for path in (tmp_path / "2026-10").rglob("*") if path.is_file()) == sorted(paths)
    for path, file in zip(paths[:-1], files, strict=True):
        assert (file["bytes"], file["sha256"]) == (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
        if path.suffix == ".csv":
            head, *rows = _rows(path)
            assert file["rows"] == len(rows)
            for place, column in enumerate(head):
                if column in {"cost_usd", "posted_usd", "debit_usd", "credit_usd"}:
                    assert file[column] == f"{sum((Decimal(row[place]) for row in rows), Decimal(0)):f}"
        if "cost_usd" in file:
            assert Decimal(file["residue_usd"]) == Decimal(file["posted_usd"]) - Decimal(file["cost_usd"])


def test_statements_of_all_teams_are_the_lines_of_the_month(lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    paths = write_chargeback(tmp_path, "2026-10", lake, facts)
    own = [row for path in paths if path.parent.name == "statements" and path.suffix == ".csv" for row in _rows(path)[1:]]
    assert own == _rows(paths[0])[1:]


def test_teams_and_tenants_come_to_the_same_cost(lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    by_team, by_tenant = _manifest(write_chargeback(tmp_path, "2026-10", lake, facts))["files"][:2]
    assert by_team["cost_usd"] == by_tenant["cost_usd"]


def test_control_totals_keep_digits_beyond_python_s_usual_twenty_eight(empty: Con, facts: PageFacts, tmp_path: Path) -> None:
    huge = Decimal("99999999999999999999999999.123456789012")
    for team in ("a", "b"):
        empty.execute(
            "insert into marts.chargeback values ('2026-10', ?, 'showback', '', '', 'Model usage', '', ?, 0, '(none)')", [team, huge]
        )
    manifest = _manifest(write_chargeback(tmp_path, "2026-10", empty, facts))
    assert manifest["files"][0]["cost_usd"] == "199999999999999999999999998.246913578024"


def test_what_did_not_change_is_not_written_again(lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    paths = write_chargeback(tmp_path, "2026-10", lake, facts, settings=LEDGER)
    for path in paths:
        os.utime(path, (0, 0))
    assert write_chargeback(tmp_path, "2026-10", lake, facts, settings=LEDGER) == paths
    assert {path.stat().st_mtime for path in paths} == {0}
    lake.execute("update marts.chargeback set cost_usd = cost_usd + 1 where team = 'sales'")
    write_chargeback(tmp_path, "2026-10", lake, facts, settings=LEDGER)
    changed = {"chargeback.csv", "chargeback.xlsx", "statements/sales.csv", "statements/sales.html", "manifest.json"}
    assert {name for name, path in zip(_names(paths, tmp_path), paths, strict=True) if path.stat().st_mtime} == changed
    assert [path.name for path in tmp_path.iterdir()] == ["2026-10"]


def test_a_team_that_is_gone_takes_its_statement_with_it_and_the_manifest_names_what_lies_there(
    lake: Con, facts: PageFacts, tmp_path: Path
) -> None:
    write_chargeback(tmp_path, "2026-10", lake, facts, settings=LEDGER)
    (tmp_path / "2026-10" / "approved.txt").write_text("by hand")
    lake.execute("update marts.chargeback set team = 'growth' where team = 'sales'")
    paths = write_chargeback(tmp_path, "2026-10", lake, facts)
    names = {path.relative_to(tmp_path / "2026-10").as_posix() for path in (tmp_path / "2026-10").rglob("*") if path.is_file()}
    assert names == {*_names(paths, tmp_path), "approved.txt"}
    assert {"statements/growth.csv", "statements/growth.html"} <= names
    assert not names & {"statements/sales.csv", "statements/sales.html", "journal.csv", "journal.own.csv"}
    assert {file["file"] for file in _manifest(paths)["files"]} == names - {"manifest.json", "approved.txt"}


@pytest.mark.parametrize("code", ["=1+1", "+1", "-2", "@sum", "a\tb", "a\nb", "a\x7fb", "a\x85b", "\uff1d1"])
@pytest.mark.parametrize("place", ["chargeback_tenant.tenant", "chargeback.cost_centre", "chargeback.line"])
def test_a_code_that_a_spreadsheet_would_run_is_refused_and_nothing_is_written(
    place: str, code: str, lake: Con, facts: PageFacts, tmp_path: Path
) -> None:
    table, column = place.split(".")
    lake.execute(f"update marts.{table} set {column} = ? where line = 'Model usage'", [code])
    with pytest.raises(FinanceError, match="begins like a formula or holds a control character"):
        write_chargeback(tmp_path, "2026-10", lake, facts)
    assert list(tmp_path.iterdir()) == []


def test_a_negative_amount_is_a_number_and_passes(lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    rows = _rows(write_chargeback(tmp_path, "2026-10", lake, facts)[0])
    assert [row[7] for row in rows if row[5] == "Billed minus priced"] == ["-12.500000000000"]


@pytest.mark.parametrize("period", ["../2026", "2026-13", "2026-1", "2026-W43"])
def test_what_is_no_month_is_refused(period: str, lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a month"):
        write_chargeback(tmp_path, period, lake, facts)


def test_a_month_without_cost_has_heads_zero_totals_and_no_statement(empty: Con, facts: PageFacts, tmp_path: Path) -> None:
    paths = write_chargeback(tmp_path, "2026-10", empty, facts, settings=LEDGER)
    assert _names(paths, tmp_path) == ["chargeback.csv", "chargeback_tenant.csv", "chargeback.xlsx", "manifest.json"]
    assert _rows(paths[0]) == [COLUMNS]
    assert _manifest(paths)["files"][0]["rows"] == 0
    assert not_made(paths) == {"journal.csv": "no team is charged in this month"}


def test_without_settings_there_is_no_journal_and_the_manifest_says_why(lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    paths = write_chargeback(tmp_path, "2026-10", lake, facts)
    assert not [path for path in paths if path.name.startswith("journal")]
    assert not_made(paths) == {"journal.csv": "the book has no journal.yaml"}


def test_an_account_that_is_missing_names_the_line_and_leaves_the_set_before_it_whole(lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in write_chargeback(tmp_path, "2026-10", lake, facts, settings=LEDGER)}
    lake.execute("update marts.chargeback set cost_usd = cost_usd + 1")
    bare = JournalSettings(clearing_account="1450")
    with pytest.raises(FinanceError, match=r"line 'Shared: gateway' of team 'support' .* has no account"):
        write_chargeback(tmp_path, "2026-10", lake, facts, settings=bare)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_set_whose_statements_lost_a_line_is_a_failure_and_no_file(
    lake: Con, facts: PageFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = finance.Month.of
    monkeypatch.setattr(finance.Month, "of", lambda month, team: whole(month, team)[:1])
    with pytest.raises(FinanceError, match="statements come to"):
        write_chargeback(tmp_path, "2026-10", lake, facts)
    assert list(tmp_path.iterdir()) == []


def test_a_later_edition_says_so_everywhere(lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    paths = write_chargeback(tmp_path, "2026-10", lake, facts, settings=LEDGER, edition=Edition("closed", 2, "ab" * 32))
    manifest = _manifest(paths)
    assert (manifest["state"], manifest["version"], manifest["supersedes"]) == ("closed", 2, "ab" * 32)
    assert {row[0] for row in _rows(tmp_path / "2026-10" / "journal.csv")[1:]} == {"MB-2026-10-2"}
    assert "closed \N{MIDDLE DOT} version 2" in (tmp_path / "2026-10" / "statements" / "support.html").read_text("utf-8")
