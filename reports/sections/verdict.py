"""The opening of the quality page: whether every record is accounted for, and what needs a look."""

from collections.abc import Iterator, Mapping
from typing import Any

from meterbook.reports.numbers import plural
from meterbook.reports.quality import RECENT, Quality, brief
from meterbook.reports.section import Section


def _build(quality: Quality) -> Mapping[str, Any]:
    facts = quality.facts
    day = facts.data_through
    return {
        "company": facts.company,
        "checks": f"{len(facts.rules) - len(quality.warned)} of {len(facts.rules)} checks pass",
        "through": f"data through {day.day} {day:%B %Y}" if day else "no data yet",
        "headline": headline(quality),
        "causes": list(_causes(quality)),
    }


def headline(quality: Quality) -> str:
    """The verdict, from the same figures as the tables below it."""
    worries = list(_worries(quality))
    listed = f"{', '.join(worries[:-1])} and {worries[-1]}" if len(worries) > 1 else "".join(worries)
    rows = quality.total("rows_in")
    if quality.lost:
        return f"{plural(abs(quality.lost), 'record')} of {rows:,} {'is' if abs(quality.lost) == 1 else 'are'} not accounted for."
    if not rows:
        return f"No record has come in yet; {listed}." if worries else "No record has come in yet."
    first = f"All {plural(rows, 'record')} are accounted for" if rows > 1 else "The one record is accounted for"
    return f"{first}; {listed}." if worries else f"{first}, and nothing needs a look."


def _worries(quality: Quality) -> Iterator[str]:
    if failed := sum(bool(one.failed) for one in quality.facts.verdicts if one.severity == "critical"):
        yield f"{plural(failed, 'critical expectation')} of the gate {'fails' if failed == 1 else 'fail'}"
    if aside := quality.total("quarantined"):
        yield f"{aside:,} {'was' if aside == 1 else 'were'} set aside"
    if refused := len(quality.facts.refused):
        yield f"{plural(refused, 'file')} {'was' if refused == 1 else 'were'} refused"
    if alike := len(quality.alike):
        yield f"{plural(alike, 'pair')} of sources {'counts' if alike == 1 else 'count'} the same money"
    if days := len({row["day"] for row in quality.unusual(RECENT)}):
        yield f"volumes were out of the ordinary on {plural(days, 'day')} of the last {RECENT}"


def _causes(quality: Quality) -> Iterator[str]:
    if quality.reasons:
        most = quality.reasons[0]
        yield f"Set aside most often: {brief(most['reason'])} ({plural(most['records'], 'record')} of {most['format']})."
    if quality.alike:
        yield "Where two sources count the same, the cost is there twice: say counts: false of one of them in meterbook.yaml."


SECTION = Section("verdict", _build)
