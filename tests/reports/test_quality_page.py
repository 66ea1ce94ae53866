"""The quality page: what became of every record, in the same figures as the lake, and in words where there is nothing to say."""

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import duckdb
import pytest

from meterbook.assets.workspace import project
from meterbook.reports.kinds import KINDS
from meterbook.reports.page import QualityFacts, render
from meterbook.reports.quality import Quality, Rule

LAST = date(2026, 10, 25)
HOSTILE = "<script>alert(1)</script>"
SAME = project().models["marts.same_money"].header.should[0]
RULES = (
    Rule("core.request", "team is not null", is_blocking=False, rows=1234, partitions=["2026-10-24", "2026-10-25"]),
    Rule("core.request", "request_id: unique, never null", is_blocking=True),
    Rule("marts.same_money", SAME, is_blocking=False),
)
Con = duckdb.DuckDBPyConnection


class _Text(HTMLParser):
    def __init__(self, made: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.said = ""
        self.feed(made)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags += [tag, *(name for name, _ in attrs)]

    def handle_data(self, data: str) -> None:
        self.said += data


@pytest.fixture
def nothing() -> QualityFacts:
    return QualityFacts(company="Acme AI", data_through=None, refused=[], rules=[])


@pytest.fixture
def facts() -> QualityFacts:
    refused = [("b/odd.csv", "is of no known format"), ("a/odd.csv", "is of no known format"), ("cut.gz", "is cut short after 12 bytes")]
    return QualityFacts(company="Acme AI", data_through=LAST, refused=refused, rules=RULES, run_hash="c0ffee")


@pytest.fixture
def door(empty: Con) -> Con:
    """Two formats, three files, five records set aside for two sorts of reasons."""
    spread = {"first_day": date(2026, 10, 1), "last_day": LAST}
    for file, form, counts in (
        ("one.jsonl", "portkey_logs", (1000, 900, 4, 90, 6, 0)),
        ("two.jsonl", "portkey_logs", (500, 499, 1, 0, 0, 0)),
        ("bill.csv", "aws_cur", (70, 40, 0, 0, 0, 30)),
    ):
        names = ("rows_in", "rows_out", "quarantined", "duplicates", "filtered", "superseded")
        _put(empty, "marts.input_file", {"file_id": file, "file": file, "format": form, **dict(zip(names, counts, strict=True)), **spread})
    reasons = (
        "tokens is negative (-5)",
        "tokens is negative (-71)",
        "at 'x' is no instant",
        "at 'y' is no instant",
        "at 'z' is no instant",
    )
    for line, reason in enumerate(reasons, 7):
        file = "two.jsonl" if line == 11 else "one.jsonl"
        row = {"file_id": file, "file": file, "format": "portkey_logs", "line": line, "reason": reason, "raw_text": "the record itself"}
        _put(empty, "raw.quarantine", row)
    for file, flag in (
        ("one.jsonl", "holds 5 rows dated after the file was written (2026-10-30 and later)"),
        ("two.jsonl", "holds 71 rows dated after the file was written (2026-11-01 and later)"),
        ("bill.csv", "is replaced for aws 1 2026-09 by later.csv"),
        ("bill.csv", "is replaced for aws 2 2026-09 by later.csv"),
    ):
        _put(empty, "raw.file_flag", {"file_id": file, "file": file, "flag": flag})
    for back in range(35):
        status = {0: "low", 3: "high", 20: "low", 30: "low"}.get(back, "usual")
        rows = {"rows_kept": {"low": 10, "high": 900}.get(status, 300), "usual_rows": 300, "status": status}
        _put(empty, "marts.volume", {"day": LAST - timedelta(days=back), "source": "gateway", "kind": "request", **rows})
    return empty


def _put(con: Con, table: str, row: dict[str, Any]) -> None:
    con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _alike(con: Con, same: int, items: int, other: int, kind: str = "request") -> None:
    row = {
        "day": LAST,
        "kind": kind,
        "source": "gateway",
        "other_source": "traces",
        "items": items,
        "other_items": other,
        "same_items": same,
    }
    _put(con, "marts.same_money", row)


def _page(con: Con, facts: QualityFacts) -> str:
    return render("quality", "index", con, facts)


def _section(made: str, name: str) -> str:
    return made.split(f'<section id="{name}">')[1].split("</section>")[0]


def _said(made: str, name: str) -> str:
    return " ".join(_Text(_section(made, name)).said.split())


def _headline(made: str) -> str:
    return _Text(made.split("<h1>")[1].split("</h1>")[0]).said


def test_headline_strip_and_table_say_what_became_of_every_record(door: Con, facts: QualityFacts) -> None:
    made = _page(door, facts)
    assert _headline(made).startswith("All 1,570 records are accounted for; 5 were set aside, 3 files were refused")
    assert re.findall(r'class="value">([^<]*)<', made) == ["1,570", "1,439", "5", "90", "36"]
    foot = re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", _section(made, "inputs").split("<tfoot>")[1])
    assert foot[:8] == ["Total", "3", "1,570", "1,439", "5", "90", "6", "30"]


def test_records_nobody_accounts_for_are_the_headline(door: Con, facts: QualityFacts) -> None:
    door.execute("update marts.input_file set rows_out = rows_out - 2 where file = 'one.jsonl'")
    assert _headline(_page(door, facts)) == "2 records of 1,570 are not accounted for."


def test_a_book_without_trouble_is_told_that_nothing_needs_a_look(door: Con, facts: QualityFacts) -> None:
    door.execute("update marts.input_file set rows_out = rows_out + quarantined, quarantined = 0")
    door.execute("delete from raw.quarantine; delete from raw.file_flag; update marts.volume set status = 'usual'")
    made = _page(door, replace(facts, refused=[]))
    assert _headline(made) == "All 1,570 records are accounted for, and nothing needs a look."
    for name, words in {
        "refused": "No file was refused.",
        "aside": "No record was set aside.",
        "notes": "Nothing is odd about any file.",
        "alike": "No two sources count the same money.",
    }.items():
        assert words in _section(made, name)


def test_an_empty_lake_says_so_quietly_in_every_section(door: Con, nothing: QualityFacts) -> None:
    for table in ("marts.input_file", "marts.volume", "raw.quarantine", "raw.file_flag"):
        door.execute(f"delete from {table}")
    made = _page(door, nothing)
    assert _headline(made) == "No record has come in yet."
    quiet = [name for name in KINDS["quality"].sections if '<p class="quiet">' in _section(made, name)]
    assert quiet == [name for name in KINDS["quality"].sections if name not in {"verdict", "basis"}]
    assert _headline(_page(door, replace(nothing, refused=[("a.csv", "is odd")]))) == "No record has come in yet; 1 file was refused."


def test_reasons_of_one_sort_are_one_row_with_its_first_record(door: Con, facts: QualityFacts) -> None:
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", _section(_page(door, facts), "aside").split("<tfoot>")[0])
    assert [" ".join(_Text(row.replace("<br>", " ").replace("</t", " </t")).said.split()) for row in rows] == [
        "at 'x' is no instant one.jsonl, line 9 portkey_logs 3 2",
        "tokens is negative (-5) one.jsonl, line 7 portkey_logs 2 1",
    ]
    assert re.findall(r"<td>(\d*)</td>", _section(_page(door, facts), "aside").split("<tfoot>")[1]) == ["", "5"]


def test_records_of_which_only_the_first_are_kept_are_told(door: Con, facts: QualityFacts) -> None:
    door.execute("update marts.input_file set rows_in = rows_in + 20000, quarantined = quarantined + 20000 where file = 'one.jsonl'")
    assert "Reasons are kept of 5 of them: 10,000 of a file." in _said(_page(door, facts), "aside")


def test_a_record_set_aside_never_reaches_the_page(door: Con, facts: QualityFacts) -> None:
    assert "the record itself" not in _page(door, facts)


def test_files_refused_for_one_reason_are_one_row_and_each_is_named(door: Con, facts: QualityFacts) -> None:
    made = _page(door, facts)
    table, named = _section(made, "refused").split("<details>")
    rows = [" ".join(_Text(row.replace("</t", " </t")).said.split()) for row in re.findall(r"<tr><th scope=\"row\".*?</tr>", table)]
    assert rows == ["it is of no known format 2 a/odd.csv", "it is cut short after 12 bytes 1 cut.gz"]
    assert re.findall(r'<tr><td class="wrap">(.*?)</td>', named.replace("<wbr>", "")) == ["a/odd.csv", "b/odd.csv", "cut.gz"]
    alone = _section(_page(door, replace(facts, refused=facts.refused[2:])), "refused")
    assert "<details>" not in alone


def test_more_refused_files_than_the_page_names_are_counted(door: Con, facts: QualityFacts) -> None:
    many = [(f"{number:05}.csv", "is of no known format") for number in range(1200)]
    said = _said(_page(door, replace(facts, refused=many)), "refused")
    assert "00999.csv" in said
    assert "01000.csv" not in said
    assert said.endswith("And 200 more.")


def test_notes_of_one_sort_are_one_row_and_what_was_replaced_is_one_sort(door: Con, facts: QualityFacts) -> None:
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", _section(_page(door, facts), "notes"))
    assert [" ".join(_Text(row.replace("</t", " </t")).said.split()) for row in rows] == [
        "it holds 5 rows dated after the file was written (2026-10-30 and later) 2 one.jsonl",
        "it is replaced for aws 1 2026-09 by later.csv 1 bill.csv",
    ]


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        ((19, 20, 20), "request"),
        ((20, 20, 20), "request"),
        ((49, 100, 100), "charge"),
        ((50, 100, 100), "charge"),
        ((50, 100, 101), "charge"),
    ],
)
def test_two_sources_are_told_exactly_where_the_model_warns(
    counts: tuple[int, int, int], kind: str, door: Con, facts: QualityFacts
) -> None:
    _alike(door, *counts, kind)
    [(warns,)] = door.execute(f"select ({SAME}) is not true from marts.same_money").fetchall()
    made = _page(door, facts)
    assert ("gateway and traces" in _said(made, "alike")) == warns
    assert ("1 pair of sources counts the same money" in _headline(made)) == warns


def test_unusual_days_are_those_of_the_last_four_weeks_and_the_headline_speaks_of_one(door: Con, facts: QualityFacts) -> None:
    made = _page(door, facts)
    section = _section(made, "volumes")
    assert re.findall(r'class="amount">([^<]*)<', section) == ["Sun 25 Oct", "Thu 22 Oct", "Mon 5 Oct"]
    assert "10 calls, usually 300: less than half of usual" in section
    assert "900 calls, usually 300: more than twice the usual" in section
    assert _headline(made).endswith("volumes were out of the ordinary on 2 days of the last 7.")


def test_a_source_that_has_stopped_reads_zero_and_a_new_one_is_not_judged(door: Con, facts: QualityFacts) -> None:
    stopped = {"source": "old", "kind": "charge", "rows_kept": 0, "usual_rows": 12, "status": "low"}
    fresh = {"source": "young", "kind": "job", "rows_kept": 3, "usual_rows": None, "status": "new"}
    for row in (stopped, fresh):
        _put(door, "marts.volume", {"day": LAST, **row})
    said = _said(_page(door, facts).replace("</t", " </t"), "volumes")
    assert "old charges 0 12 less than half of usual 1" in said
    assert "young jobs 3 – too new to compare 0" in said  # noqa: RUF001 -- the house's dash


def test_the_line_of_a_source_has_a_point_for_each_day_and_zero_where_none_came(door: Con, facts: QualityFacts) -> None:
    door.execute("delete from marts.volume where day = ?", [LAST - timedelta(days=1)])
    [label] = re.findall(r'class="spark" role="img" aria-label="([^"]*)"', _page(door, facts))
    values = label.split(": ")[1].split(", ")
    assert (len(values), values[-1], values[-2], values[-4]) == (28, "10", "0", "900")


def test_rules_are_counted_and_those_that_do_not_hold_are_named_with_rows_and_days(door: Con, facts: QualityFacts) -> None:
    made = _page(door, facts)
    assert "2 of 3 checks pass" in _said(made, "verdict")
    said = _said(made, "rules")
    assert "1 rule must hold" in said
    assert "Of 2 rules that should hold, 1 does not hold everywhere." in said
    assert "1,234" in said
    assert "2: 2026-10-24 to 2026-10-25" in said
    assert said.count("holds") == 2


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("marts.input_file", "format"),
        ("raw.quarantine", "reason"),
        ("raw.quarantine", "file"),
        ("raw.file_flag", "flag"),
        ("marts.volume", "source"),
    ],
)
def test_what_files_say_is_text_and_never_markup(table: str, column: str, door: Con, facts: QualityFacts) -> None:
    door.execute(f"update {table} set {column} = ?", [HOSTILE])
    page = _Text(_page(door, replace(facts, refused=[(HOSTILE, HOSTILE)], company=HOSTILE)))
    assert HOSTILE in page.said
    assert not {"script", "onerror", "src"} & set(page.tags)


def test_the_page_loads_nothing_and_has_no_script(door: Con, facts: QualityFacts) -> None:
    made = _page(door, facts)
    assert "default-src 'none'" in made
    assert "<script" not in made
    assert not re.findall(r"(?:src|href)=", made)
    assert all(url.startswith("data:") for url in re.findall(r"url\(([^)]*)\)", made))


def test_the_same_lake_gives_the_same_bytes_whatever_order_it_was_filled_in(door: Con, facts: QualityFacts) -> None:
    before = _page(door, facts)
    for table in ("marts.input_file", "marts.volume", "raw.quarantine", "raw.file_flag"):
        door.execute(f"create table turned as select * from {table} order by rowid desc")
        door.execute(f"delete from {table}; insert into {table} from turned; drop table turned")
    assert _page(door, facts) == before


def test_every_heading_of_a_table_says_what_it_heads(door: Con, facts: QualityFacts) -> None:
    _alike(door, 60, 100, 100, "request")
    assert not re.findall(r"<th(?! scope=)", _page(door, facts).replace("<thead>", ""))


def test_a_long_reason_is_cut_in_the_sentence_and_whole_in_the_table(door: Con, facts: QualityFacts) -> None:
    door.execute("update raw.quarantine set reason = ?", ["x\x1b" + "y" * 400])
    made = _page(door, facts)
    assert "x " + "y" * 117 + "… (5 records of portkey_logs)" in _said(made, "verdict")
    assert "y" * 400 in _section(made, "aside")


def test_figures_of_the_lake_are_whole_numbers(door: Con, facts: QualityFacts) -> None:
    quality = Quality(door, facts)
    assert quality.total("rows_in") == 1570
    assert isinstance(quality.total("rows_in"), int)
    assert Decimal(quality.lost) == 0
