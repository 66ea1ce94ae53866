"""A company of five hundred teams: its pages are summed where its rows lie, exactly, and what they list sums to what they cost."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import Any

import duckdb
import pytest
from pages import page_of

from meterbook.reports import figures
from meterbook.reports.figures import Figures
from meterbook.reports.frame import Frame, PageFacts
from meterbook.reports.kinds import sections_of
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.periods import week
from meterbook.reports.sections.moved import bridge, effects
from meterbook.reports.team_frame import TeamFacts, TeamFrame, TeamWeeks
from meterbook.sql.models import Columns
from meterbook.sql.scratch import make_empty, scratch

Con = duckdb.DuckDBPyConnection
TEAMS, DAYS, LAST = 500, 91, date(2026, 10, 25)
FETCHED = 20_000
"""Rows that Python may see of a page: some for each team, none for each of its features and days."""


Row = dict[str, Any]


@pytest.fixture(scope="module")
def large(shapes: dict[str, Columns]) -> Iterator[Con]:
    """Thirteen weeks of 500 teams with four features each, as marts.cost and marts.cost_change have them; nothing here changes them."""
    with scratch() as con:
        make_empty(con, shapes)
        _fill(con)
        yield con


def _fill(con: Con) -> None:
    con.execute(f"""
        insert into marts.cost by name
        select date '{LAST}' - cast(d as integer) as day, case f when 0 then 'Shared: gateway' else 'Model usage' end as line,
            printf('team-%03d', t) as team, '(none)' as tenant, printf('feature-%03d', (t * 7 + f) % 300) as feature,
            cast((t + 1) * (f + 1) * (d % 7 + 3) as decimal(38,12)) / 1000 + 0.000000000001 as cost_usd
        from range({DAYS}) as days(d), range({TEAMS}) as teams(t), range(4) as features(f)
    """)
    con.execute("""
        insert into marts.cost_change by name
        select '2026-10' as period, kind, starts_on, date '2026-10-25' as ends_on, printf('team-%03d', t) as team,
            printf('feature-%03d', (t * 7 + f) % 300) as feature, 'gpt-5' as model, effect,
            cast(t * (f - 1) as decimal(38,12)) / 7 as change_usd
        from (values ('week', date '2026-10-19'), ('month', date '2026-10-01')) as spans(kind, starts_on), range(500) as teams(t),
            range(4) as features(f), (values ('volume'), ('mix'), ('price'), ('cache'), ('input tokens'), ('new')) as effects(effect)
    """)


@pytest.fixture(scope="module")
def costs(large: Con) -> dict[date, list[Row]]:
    """The rows of marts.cost of each day."""
    days: dict[date, list[Row]] = defaultdict(list)
    for row in figures.rows_of(large, "select day, line, team, feature, cost_usd from marts.cost"):
        days[row["day"]].append(row)
    return days


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each query of the figures gave to Python."""
    counts: list[int] = []
    asked = figures.rows_of

    def counting(con: Con, query: str, *values: object) -> list[Row]:
        rows = asked(con, query, *values)
        counts.append(len(rows))
        return rows

    monkeypatch.setattr(figures, "rows_of", counting)
    return counts


@pytest.mark.parametrize("kind", ["weekly", "monthly", "quarterly", "savings"])
def test_a_page_takes_few_rows_into_python_however_many_a_company_has(kind: str, large: Con, facts: PageFacts, fetched: list[int]) -> None:
    assert len(page_of(kind, large, facts)) < 1_600_000
    [(rows,)] = large.execute("select count(*) from marts.cost").fetchall()
    assert rows == TEAMS * DAYS * 4
    assert 0 < sum(fetched) < FETCHED


def _weekly(con: Con, facts: PageFacts) -> Frame:
    return Frame(con, week("2026-W43", facts.data_through), facts)


def _monthly(con: Con, facts: PageFacts) -> MonthFrame:
    return MonthFrame(con, "2026-10", facts)


@pytest.mark.parametrize("make", [_weekly, _monthly], ids=["week", "month"])
@pytest.mark.parametrize(
    "where", [{}, {"line": "Model usage"}, {"team": "team-007"}, {"feature": "feature-001", "line": "Shared: gateway"}, {"team": "nobody"}]
)
def test_sums_are_those_of_the_rows_to_the_last_digit(
    make: Callable[[Con, PageFacts], Figures], where: dict[str, str], large: Con, costs: dict[date, list[Row]], facts: PageFacts
) -> None:
    frame = make(large, facts)
    for span in (frame.span, frame.earlier):
        rows = chain.from_iterable(of_day for day, of_day in costs.items() if span[0] <= day < span[1])
        found = [row for row in rows if row.items() >= where.items()]
        assert frame.total(span, **where) == sum((row["cost_usd"] for row in found), Decimal(0))
        for column in ("line", "team", "feature"):
            assert frame.by(column, span, **where) == _by(column, found)


def _by(column: str, rows: Sequence[Row]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row[column]] += row["cost_usd"]
    return dict(sums)


def test_weeks_of_teams_sum_to_the_days_they_are_made_of(large: Con, facts: PageFacts) -> None:
    frame = _weekly(large, facts)
    assert len(frame.weekly) == TEAMS
    assert len(frame.days) == DAYS
    assert sum(map(sum, frame.weekly.values())) == sum(frame.days.values())
    assert [sum(costs) for costs in zip(*frame.weekly.values(), strict=True)][-1] == frame.now
    assert len(frame.cost) == TEAMS * DAYS * 4


def test_what_the_table_of_teams_lists_sums_to_the_week(large: Con, facts: PageFacts) -> None:
    [teams] = [section for section in sections_of("weekly") if section.name == "teams"]
    found = teams.build(_weekly(large, facts))
    assert found is not None
    cents = sum(int(row["cost"].replace("$", "").replace(",", "")) for row in found["rows"])
    whole = int(found["total"].replace("$", "").replace(",", ""))
    assert len(found["rows"]) == TEAMS
    # Each row is rounded to the dollar.
    assert abs(cents - whole) <= TEAMS / 2


def test_effects_are_summed_by_team_as_they_are_for_all(large: Con, facts: PageFacts) -> None:
    weeks = TeamWeeks(large, week("2026-W43", facts.data_through), facts)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for team in weeks.teams:
        frame = TeamFrame(TeamFacts(facts, team, weeks))
        assert sum(value for _, value in bridge(frame)) == frame.now - frame.before
        for name, value in effects(frame).items():
            sums[name] += value
    assert dict(sums) == effects(_weekly(large, facts))


def test_pages_of_teams_ask_once_for_all_of_them(large: Con, facts: PageFacts, fetched: list[int]) -> None:
    weeks = TeamWeeks(large, week("2026-W43", facts.data_through), facts)
    make = partial(_sections, weeks=weeks, facts=facts)
    make("team-499")
    asked = len(fetched)
    make("team-007")
    assert len(fetched) == asked


def _sections(team: str, weeks: TeamWeeks, facts: PageFacts) -> None:
    frame = TeamFrame(TeamFacts(facts, team, weeks))
    for section in sections_of("team"):
        section.build(frame)


def test_a_unit_is_of_the_team_that_has_most_of_its_features_cost_the_first_by_name_of_equals(empty: Con, facts: PageFacts) -> None:
    day = LAST - timedelta(days=1)
    costs = ("b chat 5", "a chat 5", "c chat 4", "c mail 1", "c mail -9", "a mail -8")
    for team, feature, usd in map(str.split, costs):
        empty.execute("insert into marts.cost values (?, 'Model usage', ?, '(none)', ?, ?)", [day, team, feature, Decimal(usd)])
    assert _weekly(empty, facts).team_of_feature == {"chat": "a", "mail": "a"}
