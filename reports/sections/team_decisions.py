"""What a team has to decide: its GPU pools, its budgets that will not hold, its ideas of the ledger, its calls without a price."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.actions import Action, Standing, exactly, listed
from meterbook.reports.budget_status import amount
from meterbook.reports.numbers import plural
from meterbook.reports.section import Section
from meterbook.reports.sections.decisions import largest, of_gpus, promised
from meterbook.reports.team_frame import TeamFrame

UNPRICED = 3
_ANCHORS = {"gpus": "#team_gpus", "budgets": "#team_budgets", "prices": "#team_top"}


def _build(frame: TeamFrame) -> Mapping[str, Any] | None:
    standing = Standing(frame.rows, frame.span[1])
    gpus = largest(one for one in frame.all.advice if one.owner == frame.team)
    found = [*of_gpus(gpus, standing), *_budgets(frame), *_unpriced(frame)]
    ideas = [one for one in promised(standing, found) if one.owner == frame.team]
    rows = listed([*found, *ideas], _ANCHORS)
    return {"rows": rows, "review": ""} if rows else None


def _budgets(frame: TeamFrame) -> Iterator[Action]:
    for one in frame.statuses:
        row, measure = one.row, one.row["measure"]
        if row["period"] == "day" or not (one.is_spent or one.is_expected_to_be):
            continue
        lands = row["used"] if row["point"] is None else row["point"]
        whole = f"{amount(row['amount'], measure, named=True)} a {row['period']}"
        state = "is used up" if one.is_spent else "will be used up"
        gap = max(lands - row["amount"], Decimal(0))
        yield Action(
            f"Raise or hold budget {row['budget']}: {whole} {state}, {one.landing} expected",
            frame.team,
            exactly(gap) if measure == "dollars" else None,
            per=f" this {row['period']}",
            topic="budgets",
        )


def _unpriced(frame: TeamFrame) -> Iterator[Action]:
    query = """
        select team, model, cast(sum(unpriced_requests) as bigint) as requests from marts.spend where day >= ? and day < ?
        group by team, model having sum(unpriced_requests) > 0 order by requests desc, model
    """
    for row in frame.own("team", query, *frame.span)[:UNPRICED]:
        said = f"Have calls of {row['model']} priced: {plural(row['requests'], 'request')} of this week without a price"
        yield Action(said, frame.team, topic="prices")


SECTION = Section("team_decisions", _build, "Nothing needs a decision of this team.", "Needs a decision", "decisions")
