import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from meterbook.assets.branding import BrandSettings, brand_of
from meterbook.assets.own_sections import load_sections, problems
from meterbook.assets.workspace import columns
from meterbook.pipelines.scaffold import scaffold
from meterbook.reports.additions import Additions
from meterbook.reports.kinds import KINDS
from meterbook.reports.numbers import dollars
from meterbook.reports.own_html import refuse_unfit
from meterbook.reports.page import Made, PageFacts, make, render

pytestmark = pytest.mark.long

WEEK = "2026-W43"
GUIDE = Path(__file__).parents[2] / "docs" / "extending-pages.md"
HOSTILE = ("<script>alert(1)</script>", "</script><b>", "\"'><img src=x onerror=alert(1)>", "\u202egnp.exe", "x" * 200)
SPEND = "where day >= getvariable('from_day') and day < getvariable('to_day')"
TEAMS = f"select team, sum(cost_usd) as cost_usd from marts.cost {SPEND} group by team order by cost_usd desc, team"
YAML = "title: Spend\nquestion: Who spent most?\nafter: kpis\nchart: {kind: bar, x: team, y: cost_usd}\n"
MODULE = """\
from meterbook.reports.section import Section

PAGES = ("weekly",)
AFTER = "kpis"

def build(week):
    return {"cost": week.now, "names": ["<script>alert(1)</script>"]}

SECTION = Section("mine", build, "Nothing.", "My own")
"""
TEMPLATE = "<p>{{ it.cost }}</p><ul>{% for name in it.names %}<li>{{ name }}</li>{% endfor %}</ul>\n"
Con = duckdb.DuckDBPyConnection


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A weekly page of a few sections, for it is made often here."""
    shorter = replace(KINDS["weekly"], sections=("opening", "kpis", "moved", "teams", "closing"))
    monkeypatch.setitem(KINDS, "weekly", shorter)


@pytest.fixture
def lake(own_lake: Con) -> Con:
    return own_lake


def _book(folder: Path, **files: str) -> Path:
    (folder / "sections").mkdir(exist_ok=True)
    for name, text in files.items():
        stem, _, suffix = name.partition("_")
        (folder / "sections" / f"{stem}.{suffix.replace('_', '.')}").write_text(text)
    return folder


def _made(book: Path, lake: Con, facts: PageFacts, kind: str = "weekly", period: str = WEEK) -> Made:
    return make(kind, period, lake, facts, Additions(load_sections(book, columns())))


def _section(made: Made, name: str) -> str:
    return made.html.split(f'<section id="own-{name}">')[1].split("</section>")[0]


def _figure(made: Made, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made.html.split(f'id="figure-own-{name}">')[1].split("</script>")[0])
    return found


def _ids(made: Made) -> list[str]:
    return re.findall(r'<section id="([^"]*)">', made.html)


def test_a_query_becomes_bars_a_sentence_and_a_table_of_the_same_figures(tmp_path: Path, lake: Con, facts: PageFacts) -> None:
    made = _made(_book(tmp_path, spend_sql=TEAMS, spend_yaml=YAML), lake, facts)
    assert not made.unmade
    costs = lake.execute(
        TEAMS.replace("getvariable('from_day')", "'2026-10-19'").replace("getvariable('to_day')", "'2026-10-26'")
    ).fetchall()
    section = _section(made, "spend")
    assert _figure(made, "spend")["data"][0]["x"] == [float(cost) for _, cost in costs]
    assert f"{costs[0][0]} has the most of {len(costs)}: {dollars(costs[0][1])}, " in section
    assert f"of the {dollars(sum((cost for _, cost in costs), Decimal(0)))} shown." in section
    assert all(f"<td>{dollars(cost)}</td>" in section for _, cost in costs)
    assert f"sections/spend.sql, {len(costs)} rows. A query of marts.cost, on a page of 2026-10-19 to 2026-10-25." in section
    assert all(said in section for said in ("Who spent most?</h3>", "group by team"))


def test_a_section_stands_where_it_says_and_else_before_the_last(tmp_path: Path, lake: Con, facts: PageFacts) -> None:
    book = _book(tmp_path, a_sql=TEAMS, a_yaml=YAML, b_sql=TEAMS, b_yaml=YAML.replace("kpis", "a"), c_sql=TEAMS)
    _book(book, c_yaml=YAML.replace("after: kpis\n", ""), d_sql=TEAMS, d_yaml=YAML.replace("kpis", "e"), e_sql=TEAMS)
    made = _made(_book(book, e_yaml=YAML.replace("kpis", "d")), lake, facts)
    ids, house = _ids(made), list(KINDS["weekly"].sections)
    assert [name for name in ids if not name.startswith("own-")] == house
    assert ids[ids.index("kpis") :][:3] == ["kpis", "own-a", "own-b"]
    assert ids[-4:] == ["own-c", "own-d", "own-e", "closing"]


def test_a_section_of_python_has_the_page_s_figures_and_its_own_template(tmp_path: Path, lake: Con, facts: PageFacts) -> None:
    made = _made(_book(tmp_path, mine_py=MODULE, mine_html_j2=TEMPLATE), lake, facts)
    assert not made.unmade
    section = _section(made, "mine")
    [(now,)] = lake.execute("select sum(cost_usd) from marts.cost where day >= '2026-10-19' and day < '2026-10-26'").fetchall()
    assert f"<p>{now}</p>" in section
    assert "<li>&lt;script&gt;alert(1)&lt;/script&gt;</li>" in section
    assert "<h2>My own</h2>" in section
    assert not list((tmp_path / "sections").rglob("*.pyc"))


def test_a_page_without_additions_is_as_it_was(tmp_path: Path, lake: Con, facts: PageFacts) -> None:
    book = _book(tmp_path, spend_sql=TEAMS, spend_yaml=YAML.replace("title", "pages: [savings]\ntitle"))
    assert _made(book, lake, facts).html == render("weekly", WEEK, lake, facts)


WRONG = {
    "column": ({"x_sql": "select team,\n  nope from marts.cost order by 1", "x_yaml": YAML}, "sections/x.sql:2: Binder Error"),
    "file read": ({"x_sql": "select * from read_text('/etc/passwd') order by 1", "x_yaml": YAML}, "sections/x.sql:1: read_text() is not"),
    "no axis": ({"x_sql": TEAMS, "x_yaml": YAML.replace("x: team, ", "")}, "sections/x.yaml:4: chart: a bar chart needs x and y"),
    "wrong axis": ({"x_sql": TEAMS, "x_yaml": YAML.replace("x: team", "x: tema")}, "sections/x.sql:1: gives no column 'tema'"),
    "no number": ({"x_sql": TEAMS, "x_yaml": YAML.replace("x: team, y: cost_usd", "x: cost_usd, y: team")}, "in team, which is no number"),
    "key": ({"x_sql": TEAMS, "x_yaml": YAML + "titel: x\n"}, "sections/x.yaml:5: titel: unknown key; did you mean title?"),
    "unit": ({"x_sql": TEAMS, "x_yaml": YAML.replace("y: cost_usd", "y: cost_usd, unit: dolars")}, "did you mean dollars?"),
    "question": ({"x_sql": TEAMS, "x_yaml": YAML.replace("most?", "most")}, "x.yaml:2: question: is the question that the figure answers"),
    "yaml": ({"x_sql": TEAMS, "x_yaml": "title: [\n"}, "sections/x.yaml:2: "),
    "page": ({"x_sql": TEAMS, "x_yaml": YAML + "pages: [wekly]\n"}, "sections/x.yaml:5: pages: there is no page 'wekly' to add to"),
    "statement": ({"x_sql": TEAMS, "x_yaml": YAML + "pages: [statement]\n"}, "no page 'statement' to add to"),
    "place": ({"x_sql": TEAMS, "x_yaml": YAML.replace("kpis", "kpi")}, "x.yaml:3: after: its pages have no section 'kpi'; did you"),
    "alone": ({"x_sql": TEAMS}, "sections/x.sql:1: there is no sections/x.yaml beside it"),
    "without query": ({"x_yaml": YAML}, "sections/x.yaml:1: there is no sections/x.sql beside it"),
    "name": ({"<b>_sql": TEAMS, "<b>_yaml": YAML}, "the name '<b>' is not of small letters"),
    "many": ({"x_sql": "select n as team, n as cost_usd from range(501) as t(n) order by 1", "x_yaml": YAML}, "gives more than 500 rows"),
    "bars": ({"x_sql": "select n as team, n as cost_usd from range(41) as t(n) order by 1", "x_yaml": YAML}, "at most 40 bars"),
    "syntax": ({"x_py": "SECTION = (\n\n", "x_html_j2": ""}, "sections/x.py:1: SyntaxError"),
    "import": ({"x_py": "\nimport nothing_there\n", "x_html_j2": ""}, "sections/x.py:2: ModuleNotFoundError: No module named"),
    "exit": ({"x_py": "raise SystemExit(0)\n", "x_html_j2": ""}, "sections/x.py:1: SystemExit"),
    "none": ({"x_py": "SECTION = 1\n", "x_html_j2": ""}, "sections/x.py:1: has no SECTION"),
    "template": ({"x_py": MODULE}, "sections/x.py:1: there is no template sections/x.html.j2"),
    "both": ({"x_py": MODULE, "x_sql": TEAMS, "x_html_j2": TEMPLATE}, "x.sql too; a section is one of them"),
    "template's syntax": ({"x_py": MODULE, "x_html_j2": "<p>\n{% if %}"}, "sections/x.html.j2:2: "),
    "constant's page": ({"x_py": MODULE.replace('"weekly"', '"daily"'), "x_html_j2": TEMPLATE}, "x.py:3: pages: there is no page 'daily'"),
    "undefined": ({"x_py": MODULE, "x_html_j2": "<p>\n{{ it.coast }}</p>"}, "sections/x.html.j2:2: "),
    "raises": ({"x_py": MODULE.replace("week.now", "1 / 0"), "x_html_j2": TEMPLATE}, "x.py:7: ZeroDivisionError: division"),
    "exits": ({"x_py": MODULE.replace("week.now", "exit()"), "x_html_j2": TEMPLATE}, "sections/x.py:7: SystemExit"),
    "open": ({"x_py": MODULE, "x_html_j2": "<div>{{ it.cost }}"}, "its template leaves <div> open"),
    "closes": ({"x_py": MODULE, "x_html_j2": "</section>{{ it.cost }}"}, "its template closes </section>"),
    "script": ({"x_py": MODULE, "x_html_j2": "<script>1</script>"}, "<script> cannot stand in a section"),
    "unescaped": ({"x_py": MODULE, "x_html_j2": "{{ it.names[0] | safe }}"}, "<script> cannot stand in a section"),
    "surrogate": ({"x_py": MODULE.replace("week.now", r'"\ud800"'), "x_html_j2": TEMPLATE}, "surrogates not allowed"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_section_says_where_and_why_in_its_place_and_the_page_is_made_all_the_same(
    case: str, tmp_path: Path, lake: Con, facts: PageFacts
) -> None:
    files, why = WRONG[case]
    made = _made(_book(tmp_path, **files), lake, facts)
    [unmade] = made.unmade
    assert why in unmade
    assert str(tmp_path) not in made.html
    assert "could not be made: " in made.html.split('<section id="own-')[1].split("</section>")[0]
    ids = _ids(made)
    assert [name for name in ids if not name.startswith("own-")] == list(KINDS["weekly"].sections)
    assert made.html.count("<script") == made.html.count("</script>") == 2 + made.html.count('id="figure-')


def test_files_that_cannot_be_read_are_told_without_the_folders_of_the_machine(tmp_path: Path, lake: Con, facts: PageFacts) -> None:
    book = _book(tmp_path, b_yaml=YAML)
    (book / "sections/a.py").symlink_to(tmp_path / "nowhere.py")
    (book / "sections/b.sql").mkdir()
    (book / "sections/c.yaml").symlink_to("/proc/nothing/there")
    made = _made(book, lake, facts)
    assert [why.split(":")[0] for why in made.unmade] == [f"section {name} could not be made" for name in "abc"]
    assert str(tmp_path.parent) not in made.html
    assert "/proc" not in made.html


CHART = """\
from meterbook.reports.charts import Chart, Read
from meterbook.reports.section import Section

def build(week):
    said = {"question": "How much?", "label": "one", "header": ["a"], "rows": [["1"]], "read": [Read("marts.cost", week.cost)]}
    return {"chart": Chart(name=NAME, figure={"data": [{"y": [VALUE]}], "layout": {}}, **said)}
SECTION = Section("x", build)
"""
DRAWN = '{% with chart = it.chart %}{% include "chart.html.j2" %}{% endwith %}'


@pytest.mark.parametrize(
    ("drawn", "why"),
    [
        (("'own-one'", "float('nan')"), "Out of range float values"),
        (("'moved'", "1"), "the page has one of that name"),
        (("'a b'", "1"), "a name has letters"),
        (("'own-one'", "object()"), "not JSON serializable"),
    ],
)
def test_a_figure_that_the_page_s_script_cannot_read_is_left_out(
    drawn: tuple[str, str], why: str, tmp_path: Path, lake: Con, facts: PageFacts
) -> None:
    module = CHART.replace("NAME", drawn[0]).replace("VALUE", drawn[1])
    made = _made(_book(tmp_path, x_py=module, x_html_j2=DRAWN), lake, facts)
    assert why in made.unmade[0]
    assert made.html.count('id="figure-moved"') == 1
    sound = _made(_book(tmp_path, x_py=CHART.replace("NAME", "'own-one'").replace("VALUE", "1"), x_html_j2=DRAWN), lake, facts)
    assert 'id="figure-own-one"' in sound.html


@pytest.mark.parametrize("kind", ["bar", "line", "table"])
def test_hostile_names_stay_text(kind: str, tmp_path: Path, lake: Con, facts: PageFacts) -> None:
    lake.execute("delete from marts.cost")
    for place, name in enumerate(HOSTILE):
        lake.execute("insert into marts.cost (day, line, team, cost_usd) values ('2026-10-20', 'Model usage', ?, ?)", [name, place + 1])
    hostile = (
        YAML.replace("Spend", "'<b>{{ 7*7 }}</b>'").replace("Who spent most?", "'</p><script>?'").replace("kind: bar", f"kind: {kind}")
    )
    made = _made(_book(tmp_path, spend_sql=f"{TEAMS} -- </pre><script>", spend_yaml=hostile), lake, facts)
    assert not made.unmade
    section = _section(made, "spend")
    assert not re.search(r"<script|<img|<b>|\u202e|49", section)
    refuse_unfit(re.sub(r"^.*?</h2>", "", section, flags=re.DOTALL).removeprefix('<section id="own-spend">'))
    if kind != "table":
        assert "<" not in json.dumps(_figure(made, "spend"))


def test_what_is_not_known_is_a_gap_and_is_said(tmp_path: Path, lake: Con, facts: PageFacts) -> None:
    rows = "(date '2026-10-19', 'a', 1.0), ('2026-10-20', 'a', null), ('2026-10-21', 'a', 3.0), ('2026-10-21', 'b', null)"
    sql = f"select * from (values {rows}) as t(day, team, cost_usd) order by day, team"
    yaml = YAML.replace("kind: bar, x: team", "kind: line, series: team, x: day")
    made = _made(_book(tmp_path, x_sql=sql, x_yaml=yaml), lake, facts)
    [line] = _figure(made, "x")["data"]
    assert line["y"] == [1.0, None, 3.0]
    assert "2 values of 4 not known, and not drawn." in _section(made, "x")
    assert "a: $3 on 2026-10-21, +200.0" in _section(made, "x")
    none = _made(_book(tmp_path, x_sql=sql.replace("3.0", "null").replace("1.0", "cast(null as double)")), lake, facts)
    assert not none.unmade
    assert "figure-own-x" not in none.html
    assert "<td>\N{EN DASH}</td>" in _section(none, "x")
    nothing = _made(_book(tmp_path, x_sql=TEAMS.replace("from_day", "to_day"), x_yaml=YAML), lake, facts)
    assert '<p class="quiet">There is nothing to show of these days.</p>' in _section(nothing, "x")


def test_a_section_of_teams_has_to_ask_for_the_team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meterbook.assets.own_sections.KINDS", {**KINDS, "team": KINDS["weekly"]})
    [wrong] = load_sections(_book(tmp_path, x_sql=TEAMS, x_yaml=f"{YAML}pages: [team]\n"), columns())
    assert "each would show all teams" in wrong.wrong
    [right] = load_sections(_book(tmp_path, x_sql=TEAMS.replace("group", "and team = getvariable('team') group")), columns())
    assert not right.wrong


def test_problems_are_told_without_data_and_a_sound_book_has_none(tmp_path: Path) -> None:
    book = _book(tmp_path, good_sql=TEAMS, good_yaml=YAML, bad_sql=TEAMS.replace("team,", "tame,"), bad_yaml=YAML, mine_py=MODULE)
    found = list(problems(_book(book, mine_html_j2=TEMPLATE), columns()))
    assert [line.split(" ")[0] for line in found] == ["sections/bad.sql:1:"]


def test_what_is_added_has_a_hash_that_changes_with_any_of_its_files(tmp_path: Path) -> None:
    book = _book(tmp_path, spend_sql=TEAMS, spend_yaml=YAML, mine_py=MODULE, mine_html_j2=TEMPLATE)

    def token(kind: str = "weekly") -> str:
        return Additions(load_sections(book, columns())).token(kind)

    seen, savings = {token()}, token("savings")
    for change in (
        {"spend_sql": f"{TEAMS} limit 3"},
        {"spend_yaml": YAML + "empty: x\n"},
        {"mine_py": MODULE + "\n"},
        {"mine_html_j2": "x"},
    ):
        _book(book, **change)
        assert token() not in seen
        seen.add(token())
    assert token("savings") == savings


def test_the_example_of_a_new_book_is_off_and_works_when_it_is_switched_on(tmp_path: Path, lake: Con, facts: PageFacts) -> None:
    book = tmp_path / "book"
    assert [path for path in list(scaffold(book)) if "_tenants" in path.name]
    assert load_sections(book, columns()) == []
    for path in list((book / "sections").iterdir()):
        path.rename(path.with_name(path.name.removeprefix("_")))
    assert not list(problems(book, columns()))
    made = _made(book, lake, facts)
    assert not made.unmade
    assert "acme" in _section(made, "tenants")


def test_the_examples_of_the_guide_work(tmp_path: Path, lake: Con, facts: PageFacts) -> None:
    (tmp_path / "sections").mkdir()
    blocks = re.findall(r"```(?:sql|yaml|python|html)\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    for block in blocks:
        name = re.match(r"(?:--|#) (sections/\S+)\n", block)
        (tmp_path / (name[1] if name else "sections/features.html.j2" if block.startswith("<") else "rest.yaml")).write_text(block)
    assert not list(problems(tmp_path, columns()))
    made = make("weekly", WEEK, lake, facts, Additions(load_sections(tmp_path, columns())))
    assert not made.unmade
    assert {"own-tenants", "own-features"} <= set(re.findall(r'<section id="([^"]*)">', made.html))
    accents = dict(re.findall(r'(accent\w*): "(#\w+)"', blocks[-1]))
    assert brand_of(tmp_path, BrandSettings.model_validate(accents))
