"""owners.csv and owners.yaml: what a rule may say, and what is refused at the door."""

import time
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.dated import FIRST_DAY, OPEN
from meterbook.assets.owner_tables import owner_tables, weights
from meterbook.assets.owners import FIELDS, Rule, load_owners

HEADER = "starts_on,ends_on,field,pattern,team,cost_centre,gl_account,feature,tenant,environment,priority\n"


def rules(folder: Path, csv: str = "", yaml: str = "") -> tuple[Rule, ...]:
    """The rules of a book with these lines, held against each other as a run does."""
    (folder / "meterbook.yaml").write_text("name: test\n", "utf-8")
    (folder / "owners.csv").write_text(HEADER + csv, "utf-8")
    (folder / "owners.yaml").write_text(yaml, "utf-8")
    return Book(folder).owners


def refusal(folder: Path, csv: str = "", yaml: str = "") -> str:
    with pytest.raises(BookError) as caught:
        rules(folder, csv, yaml)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


def test_a_line_is_a_rule_and_empty_cells_are_open_and_silent(tmp_path: Path) -> None:
    (rule,) = rules(tmp_path, ",,key_alias,bot-*,support,CC-1,6100,,,,\n")
    owner = rule.owner
    assert (rule.rule_id, rule.place) == ("owners.csv:000002", f"{tmp_path}/owners.csv:2")
    assert (owner.starts_on, owner.ends_on, owner.priority) == (FIRST_DAY, OPEN, 0)
    assert (owner.team_name, owner.cost_centre, owner.gl_account, owner.feature) == ("support", "CC-1", "6100", None)


def test_rules_of_both_files_count(tmp_path: Path) -> None:
    found = rules(
        tmp_path,
        "2026-10-01,2026-11-01,key_id,k1,support,,,,,,\n",
        "owners:\n  - match: {project_id: p, model: 'gpt-5*'}\n    team: sales\n    starts_on: 2026-10-15\n    priority: 3\n"
        "  - {match: {tags.unit: x}, feature: chat}\n",
    )
    assert [(rule.place.rpartition("/")[2], rule.words) for rule in found] == [
        ("owners.csv:2", "key_id=k1"),
        ("owners.yaml:2", "project_id=p and model=gpt-5*"),
        ("owners.yaml:6", "tags.unit=x"),
    ]
    assert len({rule.rule_id for rule in found}) == 3
    assert found[1].owner.starts_on == date(2026, 10, 15)


def test_sql_sees_rules_conditions_shares_and_centres(tmp_path: Path) -> None:
    rules(tmp_path, ",,key_id,k_1,support=0.6;sales=0.4,CC-9,6100,,,,\n", "owners: [{match: {project_id: p, model: 'g*_'}, team: lab}]\n")
    tables = tables_of(Book(tmp_path))
    joint = "sales 40 % + support 60 %"
    assert tables["book.owner"].select("conditions", "team", "cost_centre", "gl_account").rows() == [
        (1, joint, "CC-9", "6100"),
        (2, "lab", None, None),
    ]
    assert tables["book.owner_condition"].select("field", "pattern", "is_exact", "is_first").rows() == [
        ("key_id", "k_1", True, True),
        ("project_id", "p", True, True),
        ("model", "g%!_", False, False),
    ]
    assert tables["book.owner_share"].rows() == [(joint, "sales", 4), (joint, "support", 6)]
    assert tables["book.centre"].rows() == [
        ("lab", "(none)", None, True, FIRST_DAY, OPEN),
        ("sales", "CC-9", "6100", False, FIRST_DAY, OPEN),
        (joint, "CC-9", "6100", True, FIRST_DAY, OPEN),
        ("support", "CC-9", "6100", False, FIRST_DAY, OPEN),
    ]


def test_a_book_without_owners_has_the_same_tables_empty() -> None:
    assert {name: table.height for name, table in owner_tables([]).items()} == {
        "book.owner": 0,
        "book.owner_condition": 0,
        "book.owner_share": 0,
        "book.centre": 0,
    }


@pytest.mark.parametrize("team", ["sales=0.4;support=0.6", "support=0.60; sales=0.40"])
def test_joint_owners_have_one_name_however_they_are_written(tmp_path: Path, team: str) -> None:
    (line,) = rules(tmp_path, f",,key_id,k,{team},,,,,,\n")
    assert line.owner.team_name == "sales 40 % + support 60 %"
    (mapped,) = rules(tmp_path, "", "owners: [{match: {key_id: k}, team: {support: 0.6, sales: 0.40}}]\n")
    assert mapped.owner.team == line.owner.team


def test_shares_are_exact_and_their_weights_whole(tmp_path: Path) -> None:
    (rule,) = rules(tmp_path, ",,key_id,k,a=0.333;b=0.333;c=0.334,,,,,,\n")
    assert rule.owner.team is not None
    assert rule.owner.team.name == "a 33.3 % + b 33.3 % + c 33.4 %"
    assert weights(rule.owner.team) == [("a", 333), ("b", 333), ("c", 334)]
    (whole,) = rules(tmp_path, "", "owners: [{match: {key_id: k}, team: {a: 1}}]\n")
    assert whole.owner.team_name == "a"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (",,keyid,k,a,,,,,,", "owners.csv:2: field: unknown field 'keyid'; did you mean key_id?"),
        (",,colour,k,a,,,,,,", f"owners.csv:2: field: unknown field 'colour'; known are {', '.join(FIELDS)}"),
        (",,tags,k,a,,,,,,", "owners.csv:2: field: unknown field 'tags'; did you mean tags.<name>?"),
        (",,key_id,,a,,,,,,", "owners.csv:2: field: the pattern of key_id must be text; put numbers and dates in quotes"),
        (
            "2026-02-01,2026-02-01,key_id,k,a,,,,,,",
            "owners.csv:2: line: ends_on 2026-02-01 (exclusive) must lie after starts_on 2026-02-01",
        ),
        (",,key_id,k,a=0.6;b=0.5,,,,,,", "owners.csv:2: team: the shares sum to 1.1, not to 1"),
        (",,key_id,k,a=0.5;a=0.5,,,,,,", "owners.csv:2: team: names a team twice"),
        (",,key_id,k,a=1;b=0,,,,,,", "owners.csv:2: team: share 0 of b must be above 0, at most 1, with at most 9 decimals"),
        (",,key_id,k,a=NaN;b=1,,,,,,", "owners.csv:2: team: share NaN of a must be above 0, at most 1, with at most 9 decimals"),
        (
            ",,key_id,k,a;b,,,,,,",
            "owners.csv:2: team: share '' of a is no number; several teams are written support=0.6;sales=0.4",
        ),
        (
            ",,key_id,k,=cmd(),,,,,,",
            "owners.csv:2: team: '=cmd()' is no name: it is empty, begins with = + - @, or holds control characters",
        ),
        (
            ",,key_id,k,b=0.5;+a=0.5,,,,,,",
            "owners.csv:2: team: '+a' is no name: it is empty, begins with = + - @, or holds control characters",
        ),
        (
            ",,key_id,k,,,6100,,,,",
            "owners.csv:2: line: gl_account belongs to a team (several teams need a cost_centre, too): give the rule one",
        ),
        (",,key_id,k,a", "owners.csv:2: the line has another number of cells than the header"),
        (",,key_id,k,a,,,,,,1,2", "owners.csv:2: the line has another number of cells than the header"),
    ],
)
def test_a_line_that_is_wrong_is_named_with_what_to_do(tmp_path: Path, line: str, message: str) -> None:
    assert refusal(tmp_path, line + "\n") == message


@pytest.mark.parametrize("column", ["team", "cost_centre", "gl_account", "tenant", "feature", "environment"])
@pytest.mark.parametrize("code", ["=1+1", "+1", "-1", "@x", "a\x07b"])
def test_a_code_that_could_be_a_formula_or_break_a_file_is_refused_at_the_door(tmp_path: Path, column: str, code: str) -> None:
    cells = {"field": "team", "pattern": "a", column: code}
    line = ",".join(cells.get(name, "") for name in HEADER.strip().split(","))
    assert refusal(tmp_path, line + "\n").startswith(f"owners.csv:2: {column}: ")


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("owners:\n  - match: {}\n    team: a\n", "owners.yaml:2: owners.0.match: says nothing; give at least one field"),
        ("owners:\n  - team: a\n", "owners.yaml:2: owners.0.match: Field required"),
        ("owners:\n  - match: {project_id: 12}\n    team: a\n", "owners.yaml:2: owners.0.match: the pattern of project_id must be text"),
        ("owners:\n  - match: {key_id: k}\n    gl_account: 0110\n    team: a\n", "owners.yaml:3: owners.0.gl_account: 72 must be text"),
        ("owners:\n  - match: {key_id: k}\n    taem: a\n", "owners.yaml:3: owners.0.taem: unknown key; did you mean team?"),
        ("owners:\n  - match: {key_id: k, key_id: l}\n", "owners.yaml:2: key 'key_id' is given twice"),
        ("owners:\n  - match: {'tags.a\"b': k}\n    team: a\n", "owners.yaml:2: owners.0.match: unknown field 'tags.a\"b'"),
        ("owners:\n  - match: {key_id: k}\n    team: {a: 0.5, b: 0.4}\n", "owners.yaml:3: owners.0.team: the shares sum to 0.9, not to 1"),
        ("rules: []\n", "owners.yaml:1: rules: unknown key"),
    ],
)
def test_yaml_that_is_wrong_is_named_with_its_line(tmp_path: Path, yaml: str, message: str) -> None:
    assert refusal(tmp_path, "", yaml).startswith(message)


@pytest.mark.parametrize(
    ("header", "message"),
    [("field,patern,team", "unknown column 'patern'; did you mean pattern?"), ("field,pattern,team,team", "column 'team' is given twice")],
)
def test_columns_that_are_unknown_or_there_twice_are_refused(tmp_path: Path, header: str, message: str) -> None:
    (tmp_path / "meterbook.yaml").write_text("name: test\n", "utf-8")
    (tmp_path / "owners.csv").write_text(header + "\n", "utf-8")
    with pytest.raises(BookError, match=r"owners\.csv:1: ") as caught:
        Book(tmp_path)
    assert str(caught.value).endswith(message)


def test_a_book_of_before_needs_no_account_column(tmp_path: Path) -> None:
    (tmp_path / "owners.csv").write_text("starts_on,field,pattern,team\n2026-01-01,key_alias,bot,support\n", "utf-8")
    assert [rule.owner.team_name for rule in load_owners(tmp_path)] == ["support"]


def test_more_exact_fields_have_a_higher_rank(tmp_path: Path) -> None:
    fields = [field.replace("tags", "tags.unit") for field in FIELDS]
    found = rules(tmp_path, "".join(f",,{field},x,team,,,,,,\n" for field in fields))
    ranks = [rule.owner.rank for rule in found]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == len(FIELDS)


def test_the_target_of_ownership_is_a_share(tmp_path: Path) -> None:
    (tmp_path / "meterbook.yaml").write_text("name: test\n", "utf-8")
    assert Book(tmp_path).settings.owner_target == Decimal("0.95")
    (tmp_path / "meterbook.yaml").write_text("name: test\nowner_target: 95\n", "utf-8")
    with pytest.raises(BookError, match="owner_target"):
        Book(tmp_path)


def test_thousands_of_rules_load_in_no_time(tmp_path: Path) -> None:
    keys = "".join(f"2026-01-01,,key_id,sk-{n:05d},t{n % 50},CC-{n % 50},61{n % 50:03d},,,,\n" for n in range(4000))
    wild = "".join(f",,key_id,ci-{n}-*,t1,CC-1,61001,,,,\n" for n in range(100))
    begun = time.process_time()
    assert len(rules(tmp_path, keys + wild)) == 4100
    assert time.process_time() - begun < 3  # a pairwise comparison would take twenty seconds
