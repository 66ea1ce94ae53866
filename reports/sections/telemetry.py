"""What calls carry of the telemetry contract: by field, with what a gap makes impossible; and which features have gaps."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.numbers import plural, share
from meterbook.reports.quality import Quality
from meterbook.reports.section import Section
from meterbook.reports.telemetry import Carried, Feature, Telemetry

SHOWN = 15
NAMED = 6
"""Gaps of a feature that are named; of more their number is said."""


def _build(quality: Quality) -> Mapping[str, Any] | None:
    found = Telemetry(quality.con)
    if found.last_day is None or not found.features:
        return None
    wanting = [one for one in found.features if one.gaps]
    return {
        "day": f"{found.last_day:%a} {found.last_day.day} {found.last_day:%b}",
        "calls": plural(sum(one.calls for one in found.features), "call"),
        "fields": [_field(one) for one in found.total],
        "features": [_feature(one) for one in wanting[:SHOWN]],
        "more": len(wanting) - len(wanting[:SHOWN]),
    }


def _field(one: Carried) -> Mapping[str, str]:
    return {
        "name": one.field.name.capitalize(),
        "share": share(one.carried, one.calls),
        "mood": "over" if one.is_gap else "",
        "said": f"{one.field.without[:1].upper()}{one.field.without[1:]}." if one.is_gap else "",
    }


def _feature(one: Feature) -> Mapping[str, str]:
    names = [gap.field.name for gap in one.gaps]
    more = f" and {plural(len(names) - NAMED, 'other')}" if len(names) > NAMED else ""
    return {"feature": one.feature, "source": one.source, "calls": f"{one.calls:,}", "gaps": ", ".join(names[:NAMED]) + more}


SECTION = Section("telemetry", _build, "No calls yet whose fields could be counted.", "Telemetry")
