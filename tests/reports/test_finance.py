import csv
import hashlib
import io
import json
import os
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from meterbook.reports.finance import write_chargeback

Con = duckdb.DuckDBPyConnection
COLUMNS = ["period", "team", "cost_centre", "line", "basis", "cost_usd", "posted_usd"]


def _rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8"), newline=""), strict=True))


def test_a_statement_holds_what_the_mart_holds_to_the_last_digit(lake: Con, tmp_path: Path) -> None:
    path, _, _ = write_chargeback(tmp_path, "2026-10", lake)
    head, *rows = _rows(path)
    assert head == COLUMNS
    query = f"select {', '.join(COLUMNS)} from marts.chargeback where period = '2026-10' order by team, line, basis, cost_centre"
    kept = lake.execute(query).fetchall()
    assert [(*row[:5], Decimal(row[5]), Decimal(row[6])) for row in rows] == kept
    assert all(len(row[5].split(".")[1]) == 12 and len(row[6].split(".")[1]) == 2 for row in rows)


def test_a_statement_is_plain_rfc_4180(lake: Con, tmp_path: Path) -> None:
    for path in write_chargeback(tmp_path, "2026-10", lake)[:2]:
        content = path.read_bytes()
        assert not content.startswith(b"\xef\xbb\xbf")
        assert content.endswith(b"\r\n")
        assert content.count(b"\n") == content.count(b"\r\n") == len(_rows(path))
    assert b'"by requests, ""as logged"""' in (tmp_path / "2026-10" / "chargeback.csv").read_bytes()


def test_the_manifest_describes_its_files_and_controls_them(lake: Con, tmp_path: Path) -> None:
    paths = write_chargeback(tmp_path, "2026-10", lake)
    assert [path.name for path in paths] == ["chargeback.csv", "chargeback_tenant.csv", "manifest.json"]
    manifest = json.loads(paths[2].read_text("utf-8"))
    files = manifest.pop("files")
    assert manifest == {"period": "2026-10", "state": "open", "version": 1, "supersedes": None, "currency": "USD"}
    for path, file in zip(paths[:2], files, strict=True):
        rows = _rows(path)[1:]
        assert file["file"] == path.name
        assert (file["bytes"], file["rows"]) == (path.stat().st_size, len(rows))
        assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert isinstance(file["cost_usd"], str)
        assert Decimal(file["cost_usd"]) == sum(Decimal(row[-2]) for row in rows)
        assert Decimal(file["posted_usd"]) == sum(Decimal(row[-1]) for row in rows)
        assert Decimal(file["residue_usd"]) == Decimal(file["posted_usd"]) - Decimal(file["cost_usd"])


def test_teams_and_tenants_come_to_the_same_cost(lake: Con, tmp_path: Path) -> None:
    by_team, by_tenant = json.loads(write_chargeback(tmp_path, "2026-10", lake)[2].read_text("utf-8"))["files"]
    assert by_team["cost_usd"] == by_tenant["cost_usd"]


def test_control_totals_keep_digits_beyond_python_s_usual_twenty_eight(empty: Con, tmp_path: Path) -> None:
    huge = Decimal("99999999999999999999999999.123456789012")
    for team in ("a", "b"):
        empty.execute("insert into marts.chargeback values ('2026-10', ?, 'Model usage', '', '', ?, 0)", [team, huge])
    manifest = json.loads(write_chargeback(tmp_path, "2026-10", empty)[2].read_text("utf-8"))
    assert manifest["files"][0]["cost_usd"] == "199999999999999999999999998.246913578024"


def test_what_did_not_change_is_not_written_again(lake: Con, tmp_path: Path) -> None:
    paths = write_chargeback(tmp_path, "2026-10", lake)
    for path in paths:
        os.utime(path, (0, 0))
    write_chargeback(tmp_path, "2026-10", lake)
    assert {path.stat().st_mtime for path in paths} == {0}
    lake.execute("update marts.chargeback set cost_usd = cost_usd + 1 where team = 'sales'")
    write_chargeback(tmp_path, "2026-10", lake)
    assert [path.stat().st_mtime == 0 for path in paths] == [False, True, False]
    assert sorted(path.name for path in paths[0].parent.iterdir()) == ["chargeback.csv", "chargeback_tenant.csv", "manifest.json"]


@pytest.mark.parametrize("code", ["=1+1", "+1", "-2", "@sum", "a\tb", "a\nb", "a\x7fb", "a\x85b"])
def test_a_code_that_a_spreadsheet_would_run_is_refused_and_nothing_is_written(code: str, lake: Con, tmp_path: Path) -> None:
    lake.execute("update marts.chargeback_tenant set tenant = ? where tenant = 'acme'", [code])
    with pytest.raises(ValueError, match="begins like a formula or holds a control character"):
        write_chargeback(tmp_path, "2026-10", lake)
    assert list(tmp_path.iterdir()) == []


def test_a_negative_amount_is_a_number_and_passes(lake: Con, tmp_path: Path) -> None:
    rows = _rows(write_chargeback(tmp_path, "2026-10", lake)[0])
    assert [row[5] for row in rows if row[3] == "Billed minus priced"] == ["-12.500000000000"]


@pytest.mark.parametrize("period", ["../2026", "2026-13", "2026-1", "2026-W43"])
def test_what_is_no_month_is_refused(period: str, lake: Con, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a month"):
        write_chargeback(tmp_path, period, lake)


def test_a_month_without_cost_has_a_head_and_zero_totals(empty: Con, tmp_path: Path) -> None:
    paths = write_chargeback(tmp_path, "2026-10", empty)
    assert _rows(paths[0]) == [COLUMNS]
    assert json.loads(paths[2].read_text("utf-8"))["files"][0]["rows"] == 0
