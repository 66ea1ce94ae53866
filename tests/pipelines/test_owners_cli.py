"""`meterbook owners`: coverage of a small book with a reorganisation, joint owners and keys that nobody owns."""

import csv
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from running import typed
from small import built, limited, price, write

from meterbook.assets.owners import COLUMNS
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.owners import Unowned, header_of, rule_lines

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("all_small")]
BOOK = """\
name: Acme
time_zone: {zone}
sources:
  - name: log
    path: "*.csv"
    format: mapped
    mapping:
      kind: request
      columns: {{request_id: id, started_at: at, model: model, input_tokens: input, output_tokens: output, key_id: key,
        key_alias: alias, account_id: account, tags: tags}}
      constants: {{provider: openai}}
"""
OWNERS = """\
priority,field,pattern,team,cost_centre,starts_on,ends_on
,key_alias,bot,support,CC-1,2026-10-01,2026-10-03
,key_alias,bot,sales,CC-2,2026-10-03,
,key_alias,joint,support=0.6;sales=0.4,,,
5,key_alias,b*,nobody,,2026-11-01,
"""
YAML = """\
owners:
  - match: {account_id: acc-1, tags.unit: "x*"}
    team: tagged
  - match: {account_id: acc-1}
    team: accounts
"""
HEAD = "id,at,model,input,output,key,alias,account,tags"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _made(tmp_path_factory.mktemp("owned"), "UTC")


def _made(folder: Path, zone: str) -> Path:
    (folder / "meterbook.yaml").write_text(BOOK.format(zone=zone), "utf-8")
    (folder / "owners.csv").write_text(OWNERS, "utf-8")
    (folder / "owners.yaml").write_text(YAML, "utf-8")
    price(folder, "openai", "gpt-5")
    million = "gpt-5,1000000,0"
    calls = [
        f"a,2026-10-02T23:30:00Z,{million},sk-1,bot,,",
        f"b,2026-10-03T00:30:00Z,{million},sk-1,bot,,",
        f"c,2026-10-03T12:00:00Z,{million},sk-2,joint,,",
        f'd,2026-10-04T12:00:00Z,{million},sk-3,,acc-1,"{{""unit"": ""x7""}}"',
        f'e,2026-10-04T12:00:00Z,{million},sk-3,,acc-1,"{{""unit"": ""y""}}"',
        f'f,2026-10-02T12:00:00Z,{million},sk-9,"old, ""legacy""",,',
        f'g,2026-10-05T12:00:00Z,{million},sk-9,"old, ""legacy""",,',
        f"h,2026-10-06T12:00:00Z,{million},,,acc-7,",
    ]
    write(folder / "inbox/log.csv", [HEAD, *calls])
    workspace = built(limited(Workspace(folder), "marts.owner_coverage", "marts.cost"))
    assert workspace.engine
    return folder


def asked(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with Workspace(folder).catalog.connect() as con:
        return con.execute(sql).fetchall()


def test_every_call_has_the_owner_of_its_day_and_of_its_most_exact_rule(book: Path) -> None:
    assert asked(book, "select request_id, team, cost_centre from core.request order by 1") == [
        ("a", "support", "CC-1"),
        ("b", "sales", "CC-2"),
        ("c", "sales 40 % + support 60 %", None),
        ("d", "tagged", None),
        ("e", "accounts", None),
        ("f", None, None),
        ("g", None, None),
        ("h", None, None),
    ]


def test_days_of_a_reorganisation_are_those_of_the_book(tmp_path: Path) -> None:
    folder = _made(tmp_path, "Europe/Berlin")
    assert asked(folder, "select request_id, team from core.request where key_alias = 'bot' order by 1") == [("a", "sales"), ("b", "sales")]


def test_coverage_and_its_mart_are_one_and_the_cost_of_the_calls(book: Path) -> None:
    [(whole,)] = asked(book, "select sum(cost_usd) from core.request_cost")
    assert asked(book, "select sum(cost_usd), sum(case when is_owned then cost_usd end) from marts.owner_coverage") == [
        (whole, whole * 5 / 8)
    ]


def test_the_largest_unowned_come_first_with_lines_to_paste(book: Path) -> None:
    said = typed(book, "owners", "coverage")
    assert (said.code, said.err) == (0, "")
    assert "2026-10-01 to 2026-10-31: 62.5" in said.out
    assert "target 95.0" in said.out
    assert said.out.index("sk-9") < said.out.index("acc-7")
    head, *lines = said.out.partition("with the right TEAM:\n")[2].strip().splitlines()
    assert head == "priority,field,pattern,team,cost_centre,starts_on,ends_on"
    assert lines == [",key_id,sk-9,TEAM,,2026-10-02,", ",account_id,acc-7,TEAM,,2026-10-06,"]


def test_the_pasted_lines_give_everything_an_owner(book: Path, tmp_path: Path) -> None:
    found = json.loads(typed(book, "owners", "coverage", "--format", "json").out)
    lines = "".join(row["rule"] + "\n" for row in found["unowned"]).replace("TEAM", "platform")
    folder = tmp_path / "pasted"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("test_owners_cli.OWNERS", OWNERS + lines)
        _made(folder, "UTC")
    assert asked(folder, "select sum(cost_usd) from marts.owner_coverage where not is_owned") == [(None,)]


def test_json_and_csv_are_exact(book: Path) -> None:
    found = json.loads(typed(book, "owners", "coverage", "--from", "2026-10-01", "--to", "2026-10-05", "--format", "json").out)
    assert {name: found[name] for name in found if name not in {"unowned", "by_tag"}} == {
        "first_day": "2026-10-01",
        "last_day": "2026-10-05",
        "owned_usd": "5.000000000000",
        "cost_usd": "7.000000000000",
        "target": "0.95",
    }
    assert [(row["value"], row["cost_usd"], row["known_as"]) for row in found["unowned"]] == [("sk-9", "2.000000000000", 'old, "legacy"')]
    rows = list(csv.DictReader(typed(book, "owners", "coverage", "--format", "csv", "--top", "1").out.splitlines()))
    assert [(row["field"], row["value"], row["cost_usd"], row["first_day"]) for row in rows] == [
        ("key_id", "sk-9", "2.000000000000", "2026-10-02")
    ]


def test_what_is_cut_off_is_counted(book: Path) -> None:
    assert "and 1 more (--top)" in typed(book, "owners", "coverage", "--top", "1").out


@pytest.mark.parametrize(("least", "code"), [("0.6", 0), ("0.625", 0), ("0.63", 1), ("1", 1)])
def test_below_the_asked_share_the_exit_code_is_one(book: Path, least: str, code: int) -> None:
    assert typed(book, "owners", "coverage", "--fail-under", least).code == code


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--fail-under", "95"), "--fail-under 95 is no share"),
        (("--period", "2026-10", "--from", "2026-10-01"), "either --period, or --from and --to"),
        (("--from", "2026-10-02", "--to", "2026-10-01"), "--from and --to belong together"),
        (("--period", "october"), "is no period"),
    ],
)
def test_a_wrong_question_is_told_in_one_line(book: Path, words: tuple[str, ...], message: str) -> None:
    said = typed(book, "owners", "coverage", *words)
    assert said.code == 2
    assert message in said.err
    assert said.err.count("\n") == 1


def test_a_period_without_cost_has_no_share(book: Path) -> None:
    assert typed(book, "owners", "coverage", "--period", "2026-09").out == (
        "2026-09-01 to 2026-09-30: no call and no GPU hour has a price\n"
    )


def test_rules_are_listed_as_they_are_asked(book: Path) -> None:
    said = typed(book, "owners", "list", "--on", "2026-11-05").out
    places = [word for word in said.split() if word.startswith("owners.")]
    assert places == ["owners.csv:5", "owners.yaml:2", "owners.csv:3", "owners.csv:4", "owners.yaml:4"]
    assert "owners.csv:2 " in typed(book, "owners", "list", "--on", "2026-10-02").out


def explained(book: Path, *words: str) -> list[tuple[str, str]]:
    """Rules as they are told, and why each wins or loses."""
    lines = [line.strip() for line in typed(book, "owners", "explain", *words).out.splitlines()]
    return [(line.split()[0], line.rpartition("│")[2].strip()) for line in lines if line.startswith("owners.")]


def test_the_winning_rule_is_explained_and_the_others_say_why_they_lose(book: Path) -> None:
    everything = ("account_id=acc-1", "tags.unit=x7", "key_alias=bot")
    assert explained(book, *everything, "--on", "2026-11-05") == [
        ("owners.csv:5", "wins"),
        ("owners.yaml:2", "lower priority"),
        ("owners.csv:3", "lower priority"),
        ("owners.yaml:4", "lower priority"),
    ]
    assert explained(book, *everything, "--on", "2026-10-05") == [
        ("owners.yaml:2", "wins"),
        ("owners.csv:3", "fewer conditions"),
        ("owners.yaml:4", "fewer conditions"),
    ]
    assert explained(book, "account_id=acc-1", "key_alias=bot", "--on", "2026-10-05") == [
        ("owners.csv:3", "wins"),
        ("owners.yaml:4", "less exact fields"),
    ]


def test_what_no_rule_matches_stays_as_logged(book: Path) -> None:
    assert typed(book, "owners", "explain", "key_alias=zz", "--on", "2026-10-02").out == (
        "no rule matches on 2026-10-02: what was logged stays\n"
    )


@pytest.mark.parametrize("word", ["colour=red", "key_id", "key_id=", "tags=x"])
def test_what_is_no_field_is_refused(book: Path, word: str) -> None:
    said = typed(book, "owners", "explain", word)
    assert (said.code, "FIELD=VALUE" in said.err) == (2, True)


def test_help_has_an_example() -> None:
    for verb in ("coverage", "list", "explain"):
        assert "Example" in typed(Path(), "owners", verb, "--help").out


def test_only_a_pool_owner_answers_for_idle_gpus_and_what_nothing_names_has_no_line(tmp_path: Path) -> None:
    day = date(2026, 10, 1)
    rows = [
        Unowned("pool", "train", "", "gpu idle", 1, Decimal(1), day, day),
        Unowned("pool", "train", "", "gpu held", 1, Decimal(1), day, day),
        Unowned("source", "(none)", "", "requests", 1, Decimal(1), day, day),
        Unowned("key_id", "a,b", "", "requests", 1, Decimal(1), day, day),
        Unowned("key_id", "a,b", "", "usage", 1, Decimal(1), date(2026, 9, 1), day),
    ]
    assert header_of(tmp_path) == COLUMNS
    assert rule_lines(COLUMNS, rows) == ["2026-10-01,,pool,train,TEAM,,,,,,", '2026-09-01,,key_id,"a,b",TEAM,,,,,,']
    assert rule_lines(("field", "pattern", "team"), rows[1:2]) == ["pool,train,TEAM"]
