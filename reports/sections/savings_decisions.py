"""What the levers ask to be decided: the largest potentials by feature, each with its range, its owner and what the ledger says of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from meterbook.reports.frame import Row
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import dollars
from meterbook.reports.saving_ledger import OF_LEVER, SCENARIOS
from meterbook.reports.section import Section

SHOWN = 5
_ACTIONS: Mapping[str, str] = {
    "duplicates": "Answer repeats of {} from a response cache",
    "retries": "Hold retries of {} to a limit",
    "caps": "Cap the answers of {}",
    "routing": "Ask a smaller model first for {}",
    "prompt cache": "Have the provider cache the instructions of {}",
    "batch": "Send {} by batch",
}
_UNKNOWN = "not in the ledger: add it to savings.yaml, or turn it down"
_NEXT: Mapping[str, str] = {
    "idea": "an idea in the ledger: commit to it, or turn it down",
    "committed": "committed: carry it out",
    "retired": "retired from the ledger: take it up again, or leave it",
}
_LIVE = "live already: this is what is left"
_ROWS = """
    select lever, feature, team, sum(case when scenario = 'low' then saving_usd else 0 end) as low,
        sum(case when scenario = 'point' then saving_usd else 0 end) as point,
        sum(case when scenario = 'high' then saving_usd else 0 end) as high
    from marts.lever where day >= ? and day < ? and feature not in ('(none)', '(no lever)') group by lever, feature, team
    having sum(case when scenario = 'point' then saving_usd else 0 end) >= 1 order by point desc, lever, feature, team
"""


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    rows = frame.rows(_ROWS, *frame.span)[:SHOWN]
    states = list(_states(frame))
    return {"rows": [_decision(row, states) for row in rows]} if rows else None


def _states(frame: MonthFrame) -> Iterator[tuple[Row, str]]:
    """What each idea of the ledger is about, and its state."""
    about = {row["saving"]: row for row in frame.rows("select saving, lever, feature, team from book.saving")}
    return ((about[one.saving], one.state) for one in frame.ledger.entries)


def _decision(row: Row, states: list[tuple[Row, str]]) -> Mapping[str, str]:
    found = [state for idea, state in states if _is_same(idea, row)]
    said = _NEXT.get(found[0], _LIVE) if found else _UNKNOWN
    # What levers before it leave differs by case, so that the likely one may be the least or the most.
    ends = sorted(row[name] for name in SCENARIOS)
    spread = f"{dollars(ends[0])} to {dollars(ends[-1])}"
    return {
        "amount": dollars(row["point"]),
        "action": f"{_ACTIONS[row['lever']].format(row['feature'])} ({spread}); {said}.",
        "owner": row["team"],
    }


def _is_same(idea: Row, row: Row) -> bool:
    lever = OF_LEVER.get(idea["lever"], idea["lever"])
    return lever == row["lever"] and idea["feature"] in {None, row["feature"]} and idea["team"] in {None, row["team"]}


SECTION = Section(
    "savings_decisions",
    _build,
    "No lever would spare a feature a dollar.",
    "To decide, with what it would have spared of the month",
    template="decisions",
)
