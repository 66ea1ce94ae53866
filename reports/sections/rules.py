"""The checks of the models: what must hold, and what should and does not."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.numbers import plural
from meterbook.reports.quality import Quality, Rule
from meterbook.reports.section import Section


def _build(quality: Quality) -> Mapping[str, Any] | None:
    rules = quality.facts.rules
    if not rules:
        return None
    blocking, warned = sum(rule.is_blocking for rule in rules), quality.warned
    broken = f"{len(warned):,} {'does' if len(warned) == 1 else 'do'} not hold everywhere"
    return {
        "said": f"{plural(blocking, 'rule')} must hold, and nothing is published that breaks one. "
        f"Of {plural(len(rules) - blocking, 'rule')} that should hold, {broken}.",
        "warned": [_warned(rule) for rule in warned],
        "rules": [(rule.table, rule.text, "blocks" if rule.is_blocking else "warns", _result(rule)) for rule in rules],
    }


def _warned(rule: Rule) -> Mapping[str, str]:
    days = rule.partitions
    when = "" if days[0] == "all" else days[0] if len(days) == 1 else f"{len(days):,}: {days[0]} to {days[-1]}"
    return {"table": rule.table, "text": rule.text, "rows": f"{rule.rows:,}", "when": when}


def _result(rule: Rule) -> str:
    return f"not for {plural(rule.rows, 'row')}" if rule.rows else "holds"


SECTION = Section("rules", _build, "Nothing has been computed yet.", "Checks of the models")
