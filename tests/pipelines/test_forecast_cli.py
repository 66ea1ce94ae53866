"""`meterbook forecast` as it is typed: what it refuses, and what it says of a lake that has forecasts."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from running import typed
from small_book import SmallBook

from meterbook.assets.workspace import Workspace
from meterbook.sql.lake import COPY, Partition, sha256_of

DAY = "2026-10-10"
RED = {
    "day": f"date '{DAY}'", "dimension": "'team'", "scope": "'red'", "period": "'2026-10'", "period_start": "date '2026-10-01'",
    "period_end": "date '2026-11-01'", "days_left": "21", "used_usd": "100.000000000001", "low_usd": "280", "point_usd": "300",
    "high_usd": "340", "running_usd": "300", "known_usd": "4", "method": "'conformal'", "history": "71", "error": "0.021", "tests": "40",
    "covered": "31",
}  # fmt: skip
NEW = {**RED, "scope": "'new'", **dict.fromkeys(("low_usd", "point_usd", "high_usd", "error"), "null"), "method": "'none'", "tests": "0"}
FIXED = {"day": f"date '{DAY}'", "on_day": "date '2026-10-31'", "kind": "'pool'", "name": "'platform'", "change_usd": "-30"}


def put(space: Workspace, name: str, *rows: Mapping[str, str]) -> None:
    """Publish a day of a table as a run does."""
    table, shape = space.lake.table(name), space.catalog.columns[name]
    selects = (
        "select " + ", ".join(f"cast({row.get(column, 'null')} as {dtype}) as {column}" for column, dtype in shape.items()) for row in rows
    )
    with space.catalog.scratch() as con:
        con.execute(f"copy ({' union all '.join(selects)}) to '{table.beside(DAY)}' ({COPY})")
    table.publish({DAY: Partition("made", sha256_of(table.beside(DAY)), len(rows))})


@pytest.fixture
def book(tmp_path: Path) -> Path:
    folder = SmallBook(tmp_path / "book").folder
    space = Workspace(folder)
    put(space, "marts.forecast", RED, NEW)
    put(space, "core.fixed_ahead", FIXED)
    return folder


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--by", "colour"), "--by 'colour' is none of total, team, feature, provider"),
        (("--month", "2026-13"), "2026-13"),
        ((), "there is no forecast of any month in the lake of"),
    ],
)
def test_what_cannot_be_told_is_one_line(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = typed(SmallBook(tmp_path / "book").folder, "forecast", *words)
    assert (done.code, done.err.count("meterbook: ")) == (2, 1)
    assert said in done.err


def test_a_team_has_its_band_its_back_test_and_what_is_known_ahead(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = typed(book, "forecast", "--by", "team")
    said = (done.out + capsys.readouterr().out).replace("\N{NO-BREAK SPACE}", " ")
    assert done.code == 0, done.err
    assert "October 2026 as 2026-10-10 knows it, 21 days left" in said
    [red] = [line for line in said.splitlines() if line.strip().startswith("red")]
    assert [cell.strip() for cell in red.split("│")] == ["red", "$100", "$300", "$280 to $340", "four weeks", "2.1 %", "77.5 %"]
    assert "From 31 October the pool platform costs $30 less in the month than it runs at now." in said


def test_json_is_exact_and_of_the_month_that_is_asked_for(book: Path) -> None:
    done = typed(book, "forecast", "--by", "team", "--month", "2026-10", "--json")
    rows = json.loads(done.out)["forecast"]
    assert [row["scope"] for row in rows] == ["red", "new"]
    assert rows[0]["used_usd"] == "100.000000000001"
    assert rows[1]["point_usd"] is None
    assert typed(book, "forecast", "--by", "team", "--month", "2026-09").code == 2
