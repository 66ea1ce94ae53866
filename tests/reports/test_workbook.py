"""chargeback.xlsx: what people read is what chargeback.csv holds."""

import csv
import hashlib
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from examples import examples
from finance_set import write_chargeback
from hypothesis import given
from hypothesis import strategies as st
from sheets import formulas_and_links, sheets_of

from meterbook.reports.charges import SHOWBACK, Month
from meterbook.reports.codes import FinanceError
from meterbook.reports.frame import PageFacts
from meterbook.reports.workbook import TOP, priced_per, str_of, workbook
from meterbook.sql.models import Columns
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

Con = duckdb.DuckDBPyConnection
HEADS = {
    "Summary": ["Team", "Mode", "Exact cost", "Posted", "September", "Change", "Change %"],
    "Lines": ["Team", "Mode", "Cost centre", "GL account", "Line", "Basis", "Exact cost", "Posted"],
    "Rate card": ["Provider", "Model", "Tier", "Region", "Meter", "Per", "List", "Effective", "From", "Card and version"],
    "Control": ["What", "Figure"],
}


@pytest.fixture
def folder(lake: Con, facts: PageFacts, tmp_path: Path) -> Path:
    write_chargeback(tmp_path, "2026-10", lake, facts)
    return tmp_path / "2026-10"


def test_its_totals_are_those_of_the_csv_and_of_the_manifest(folder: Path) -> None:
    sheets = sheets_of((folder / "chargeback.xlsx").read_bytes())
    with (folder / "chargeback.csv").open(newline="") as handle:
        lines = list(csv.DictReader(handle))
    described = {file["file"]: file for file in json.loads((folder / "manifest.json").read_text())["files"]}
    for total in (described["chargeback.csv"], described["chargeback.xlsx"]):
        assert sheets["Lines"][-1] == ["Total", "", "", "", "", "", total["cost_usd"], float(total["posted_usd"])]
        assert sheets["Summary"][-1][:4] == ["Total", "", total["cost_usd"], float(total["posted_usd"])]
    shown = [row for row in sheets["Lines"][TOP:-1] if not str(row[0]).endswith(", total")]
    names = ("team", "mode", "cost_centre", "gl_account", "line", "basis", "cost_usd")
    assert shown == [[*(line[name] for name in names), float(line["posted_usd"])] for line in lines]
    control = dict(sheets["Control"][TOP:])
    assert control["sha256 of chargeback.csv"] == hashlib.sha256((folder / "chargeback.csv").read_bytes()).hexdigest()
    assert (control["Exact cost"], control["Posted"]) == (
        described["chargeback.csv"]["cost_usd"],
        described["chargeback.csv"]["posted_usd"],
    )
    assert control["Posted minus exact (rounding)"] == described["chargeback.csv"]["residue_usd"]
    assert (control["Lines"], control["State"], control["Checks"]) == (str(len(lines)), "open", "24 of 24 pass")


def test_every_sheet_says_what_it_is_and_who_is_not_charged(folder: Path) -> None:
    sheets = sheets_of((folder / "chargeback.xlsx").read_bytes())
    assert list(sheets) == list(HEADS)
    for name, rows in sheets.items():
        assert rows[0] == ["Acme AI: chargeback October 2026"]
        assert rows[2] == ["Teams in showback are shown for information, nothing is charged to them: research, sales"]
        assert rows[TOP - 1] == HEADS[name]


def test_a_month_in_showback_says_so_on_every_sheet_and_in_print(lake: Con, facts: PageFacts, tmp_path: Path) -> None:
    lake.execute("update marts.chargeback set mode = 'showback'")
    path = write_chargeback(tmp_path, "2026-10", lake, facts)[2]
    assert {rows[2][0] for rows in sheets_of(path.read_bytes()).values()} == {SHOWBACK}
    with zipfile.ZipFile(path) as packed:
        for place in range(1, 5):
            assert SHOWBACK in packed.read(f"xl/worksheets/sheet{place}.xml").decode().split("<oddHeader>")[1]


def test_the_month_before_stands_beside_and_a_team_that_is_gone_too(lake: Con) -> None:
    lake.execute("update marts.chargeback set team = 'gone' where team = 'sales' and period = '2026-09'")
    rows = {row[0]: row for row in sheets_of(workbook(Month(lake, "2026-10"), "Acme AI", []))["Summary"][TOP:]}
    before = lake.execute("select team, sum(posted_usd) from marts.chargeback where period = '2026-09' group by 1").fetchall()
    assert {team: rows[team][4] for team, _ in before} == {team: float(posted) for team, posted in before}
    assert rows["gone"][3] == 0
    assert rows["sales"][4] == 0
    assert rows["Total"][4] == pytest.approx(sum(float(posted) for _, posted in before))
    assert rows["support"][5] == pytest.approx(rows["support"][3] - rows["support"][4])


def test_without_a_month_before_nothing_is_made_up(lake: Con) -> None:
    rows = sheets_of(workbook(Month(lake, "2026-07"), "Acme AI", []))["Summary"][TOP:]
    assert rows
    assert all(row[4:] == [None, None, None] for row in rows)


def test_the_rate_card_shows_what_was_used_by_the_million_after_contracts(lake: Con) -> None:
    lake.execute("update marts.rate_used set effective_usd = 0.00000110, meter = 'output' where team = 'support' and meter = 'output'")
    rows = sheets_of(workbook(Month(lake, "2026-10"), "Acme AI", []))["Rate card"][TOP:]
    base = ["openai", "gpt-5", "standard", ""]
    assert [row[:8] for row in rows] == [
        [*base, "input", "million tokens", "1", "1"],
        [*base, "input", "million tokens", "1.25", "1.25"],
        [*base, "output", "million tokens", "1", "1"],
        [*base, "output", "million tokens", "1.25", "1.1"],
    ]


@pytest.mark.parametrize(
    ("meter", "usd", "said"),
    [
        ("input", "0.00000125", ("1.25", "million tokens")),
        ("audio_cache_read", "0.0000004", ("0.4", "million tokens")),
        ("character", "0.000015", ("15", "million characters")),
        ("gpu_hour", "2.99", ("2.99", "gpu hour")),
        ("image", "0.04", ("0.04", "image")),
        ("search", "0.01", ("0.01", "search")),
        ("storage_token_hour", "0.0000045", ("0.0000045", "storage token hour")),
        ("input", "0", ("0", "million tokens")),
        ("input", "0.00001000", ("10", "million tokens")),
    ],
)
def test_a_price_is_said_per_million_tokens_or_per_unit(meter: str, usd: str, said: tuple[str, str]) -> None:
    per, unit = priced_per(meter)
    assert (str_of(Decimal(usd), per), unit) == said


def test_the_same_month_gives_the_same_bytes(lake: Con) -> None:
    assert workbook(Month(lake, "2026-10"), "Acme AI", []) == workbook(Month(lake, "2026-10"), "Acme AI", [])


def test_nothing_in_it_runs_or_links_whatever_things_are_called(lake: Con) -> None:
    lake.execute("update marts.chargeback set line = 'https://example.com', basis = 'mailto:a@b.c' where line = 'Model usage'")
    content = workbook(Month(lake, "2026-10"), "Acme AI", [("Note", "1 = 1")])
    assert formulas_and_links(content) == []
    lake.execute("update marts.chargeback set line = '=cmd()' where line = 'https://example.com'")
    with pytest.raises(FinanceError, match="begins like a formula"):
        workbook(Month(lake, "2026-10"), "Acme AI", [])


def test_an_amount_with_more_digits_than_a_spreadsheet_keeps_is_refused(lake: Con) -> None:
    lake.execute("update marts.chargeback set posted_usd = 12345678901234.56 where team = 'sales'")
    with pytest.raises(FinanceError, match="too many digits"):
        workbook(Month(lake, "2026-10"), "Acme AI", [])


@examples(20)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b"]), st.decimals(-(10**9), 10**9, places=12, allow_nan=False, allow_infinity=False)),
        min_size=1,
        max_size=8,
    )
)
def test_its_total_is_the_sum_of_its_lines_to_the_last_digit(shapes: dict[str, Columns], lines: list[tuple[str, Decimal]]) -> None:
    with scratch() as con:
        for name in ("marts.chargeback", "marts.cost", "marts.rate_used"):
            empty_table(con, name, shapes[name])
        for place, (team, cost) in enumerate(lines):
            cents = cost.quantize(Decimal("0.01"))
            con.execute(
                "insert into marts.chargeback values ('2026-10', ?, 'showback', '', '', ?, '', ?, ?, '(none)')",
                [team, str(place), cost, cents],
            )
        rows = sheets_of(workbook(Month(con, "2026-10"), "Acme AI", []))["Lines"][TOP:]
    sums = [row for row in rows if str(row[0]).endswith(", total")]
    assert len(sums) == len({team for team, _ in lines})
    for cells in (sums, [row for row in rows[:-1] if row not in sums]):
        assert sum((Decimal(str(row[6])) for row in cells), Decimal(0)) == Decimal(str(rows[-1][6]))
