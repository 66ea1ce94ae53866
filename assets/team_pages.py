"""The pages of a week's teams: `reports/team/<team>/<week>.html`, made from figures that are read once for all of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path, PurePosixPath

import duckdb

from meterbook.assets.publications import TEAM, Publication, bounds_of
from meterbook.assets.published import Said
from meterbook.reports import page
from meterbook.reports.additions import Additions
from meterbook.reports.figures import PageFacts
from meterbook.reports.page import Made
from meterbook.reports.periods import week
from meterbook.reports.statements import stems
from meterbook.reports.team_frame import TeamFacts, TeamWeeks

FOLDER = PurePosixPath("reports") / TEAM
_UP = "../../.."
"""From a team's page to the book."""


@dataclass(frozen=True)
class TeamPage:
    """One page: where it lies below the book, and what is in it."""

    path: str
    made: Made
    said: Said


def path_of(team: str, period: str) -> str:
    """Where a team's page lies below the book: its folder is named as its statement is, safe on every file system."""
    return (FOLDER / PurePosixPath(stems([team])[team]).name / f"{period}.html").as_posix()


def facts_of(con: duckdb.DuckDBPyConnection, item: Publication, facts: PageFacts, statements: Sequence[str]) -> Iterator[TeamFacts]:
    """What the page of each team with cost in a week is made of, the dearest first.

    Args:
        con: a connection in which the marts are views.
        item: the pages of a week.
        facts: what they say beside the marts.
        statements: paths of the statements that are there, of the months of the week.
    """
    weeks = TeamWeeks(con, week(item.period, facts.data_through), facts)
    names = stems(weeks.teams)
    for team in weeks.teams:
        yield TeamFacts(facts, team, weeks, list(_links(item, names[team], statements)))


def team_pages(
    con: duckdb.DuckDBPyConnection, item: Publication, facts: PageFacts, statements: Sequence[str], added: Additions
) -> Iterator[TeamPage]:
    """Make them, one after the other."""
    state = "closed" if facts.is_closed else "open"
    for one in facts_of(con, item, facts, statements):
        made = page.make(TEAM, item.period, con, one, added)
        yield TeamPage(path_of(one.team, item.period), made, Said(made.verdict, state, facts.draft, one.team))


def _links(item: Publication, stem: str, statements: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The week's page and the index are made with every run; a statement is linked where it is."""
    yield "All teams in this week", f"../../weekly/{item.period}.html"
    for month in months_of(item):
        path = f"chargeback/{month}/{stem}.html"
        if path in statements:
            yield f"Statement of {month}", f"{_UP}/{path}"
    yield "All pages", "../../index.html"


def months_of(item: Publication) -> list[str]:
    """The months that a week touches."""
    first, end = bounds_of(item)
    return sorted({f"{day:%Y-%m}" for day in (first, end - timedelta(days=1))})


def former(known: Mapping[str, Said], made: Sequence[str], folder: Path) -> dict[str, Said]:
    """Pages of the week before it was made again that are still there and are no team's any more: they stay, and say what they said."""
    kept = ((path, said) for path, said in known.items() if path not in made and (folder / path).is_file())
    return {path: replace(said, is_former=True) for path, said in kept}
