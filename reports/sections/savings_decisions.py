"""What the levers ask to be decided: the largest potentials by feature, each with its range, its owner and what the ledger says of it."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.actions import LEVERS, Action, Standing, listed
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.review import Review
from meterbook.reports.saving_ledger import SCENARIOS
from meterbook.reports.section import Section

SHOWN = 5
ANCHORS = {
    "duplicates": "#response_cache",
    "retries": "#retry_waste",
    "caps": "#output_use",
    "routing": "#routing",
    "prompt cache": "#prompt_cache",
    "batch": "#batch_use",
}
"""Where the savings page has the evidence of each lever."""
_ROWS = """
    select lever, feature, team, sum(case when scenario = 'low' then saving_usd else 0 end) as low,
        sum(case when scenario = 'point' then saving_usd else 0 end) as point,
        sum(case when scenario = 'high' then saving_usd else 0 end) as high
    from marts.lever where day >= ? and day < ? and feature not in ('(none)', '(no lever)') group by lever, feature, team
    having sum(case when scenario = 'point' then saving_usd else 0 end) >= 1 order by point desc, lever, feature, team
"""


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    rows = listed(levers(frame, Standing(frame.rows, frame.span[1])), ANCHORS)
    return {"rows": rows, "review": ""} if rows else None


def levers(frame: Review, standing: Standing) -> list[Action]:
    """What the largest potentials would have spared of the period's days."""
    found = []
    for row in frame.rows(_ROWS, *frame.span)[:SHOWN]:
        (text, effort), idea = LEVERS[row["lever"]], standing.of_lever(row["lever"], row["feature"], row["team"])
        low, point, high = (row[name] for name in SCENARIOS)
        said = {"status": standing.told(idea), "saving": idea["saving"] if idea else ""}
        found.append(Action(text.format(row["feature"]), row["team"], (low, point, high), "", effort, row["lever"], **said))
    return found


def anchors(own: Mapping[str, str], pages: Mapping[str, str]) -> Mapping[str, str]:
    """Where the evidence of a review's actions is, by topic.

    Args:
        own: on the review itself; it comes first.
        pages: addresses of the pages beside it that are there, by kind.
    """
    found = {topic: f"{pages['savings']}{place}" for topic, place in ANCHORS.items()} if "savings" in pages else {}
    found |= own
    if "weekly" in pages:
        found |= {"gpus": f"{pages['weekly']}#gpu_fleet", "idle": f"{pages['weekly']}#gpu_idle"}
    return found


SECTION = Section(
    "savings_decisions",
    _build,
    "No lever would spare a feature a dollar.",
    "To decide, with what it would have spared of the month",
    template="decisions",
)
