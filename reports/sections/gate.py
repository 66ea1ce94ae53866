"""The publication gate: what is expected of days and periods before anything is published, what was observed, and where it fails."""

from collections.abc import Mapping, Sequence
from typing import Any

from meterbook.reports.gate import Verdict
from meterbook.reports.numbers import NONE, plural
from meterbook.reports.quality import Quality, brief
from meterbook.reports.section import Section

SHOWN = 62
"""Days or periods named of an expectation at most, the latest."""
NOTHING = frozenset({"0", "$0", "0 seconds", "0.00 %"})
"""Values that most days have; which of them has it says nothing."""


def _build(quality: Quality) -> Mapping[str, Any] | None:
    found = quality.facts.verdicts
    if not found:
        return None
    critical = sum(bool(one.failed) for one in found if one.severity == "critical")
    return {
        "said": f"{_passed(found)} Of a period that fails a critical one the pages are drafts, and finance files are not published; "
        "a warning stops nothing.",
        "mood": "over" if critical else "",
        "rows": [_row(one) for one in found],
        "failed": [_failed(one) for one in found if one.failed],
    }


def _passed(found: Sequence[Verdict]) -> str:
    known, failed = [one for one in found if one.judged], sum(bool(one.failed) for one in found)
    unknown = len(found) - len(known)
    said = f"{len(known) - failed} of {plural(len(known), 'expectation')} hold everywhere."
    return f"{said} {plural(unknown, 'expectation')} had nothing to judge." if unknown else said


def _row(one: Verdict) -> Mapping[str, str]:
    where = "" if one.observed in NOTHING else f" {one.preposition} {one.worst}"
    return {
        "title": one.title,
        "measure": one.measure,
        "severity": one.severity,
        "expected": one.expected,
        "observed": brief(f"{one.observed}{where}") if one.worst else NONE,
        "verdict": _verdict(one),
        "mood": "over" if one.failed and one.severity == "critical" else "",
    }


def _verdict(one: Verdict) -> str:
    if one.error:
        return "could not be judged"
    if not one.judged:
        return "nothing to judge"
    judged = plural(one.judged, one.of)
    return f"fails {len(one.failed):,} of {judged}" if one.failed else f"holds for {judged}"


def _failed(one: Verdict) -> Mapping[str, Any]:
    earlier = len(one.failed) - SHOWN
    return {
        "line": brief(f"could not be judged: {one.error}", 300) if one.error else f"at worst, {one.said.format(one.observed)}",
        "name": f"{one.title}, {one.severity}",
        "spans": ", ".join(one.failed[-SHOWN:]) + (f" and {plural(earlier, 'earlier one')}" if earlier > 0 else ""),
        "place": one.place,
        # Commands are plain text here.
        "todo": one.todo.replace("`", ""),
    }


SECTION = Section("gate", _build, "Nothing was judged yet.", "Publication gate")
