"""How much of what was used has a price, what lacks one and what to do; what is estimated, and what of failed calls is uncertain."""

from collections.abc import Iterator, Mapping
from typing import Any

from meterbook.reports.coverage import Coverage, Measure, advice, named, shown
from meterbook.reports.numbers import dollars, plural, price
from meterbook.reports.quality import Quality
from meterbook.reports.section import Section

SHOWN = 15


def _build(quality: Quality) -> Mapping[str, Any] | None:
    found, target = Coverage(quality.con), quality.facts.coverage_target
    if not found.measures:
        return None
    lacking = found.lacking
    return {
        "target": shown(target),
        "measures": [
            {"name": one.name.capitalize(), "share": shown(one.share), "total": _whole(one), "is_short": one.misses(target)}
            for one in found.measures
        ],
        "lacking": [
            {
                "what": named(row),
                "advice": advice(row).replace("`", ""),
                "reason": row["reason"],
                "requests": f"{row['requests']:,}",
                "tokens": f"{row['tokens']:,}",
                "reported": dollars(row["reported_usd"] or None),
            }
            for row in lacking[:SHOWN]
        ],
        "more": len(lacking) - len(lacking[:SHOWN]),
        "notes": [*_estimated(found), *_failed(found)],
    }


def _whole(one: Measure) -> str:
    return dollars(one.total) if one.name == "reported dollars" else f"{one.total:,.0f}"


def _estimated(found: Coverage) -> Iterator[str]:
    """What is estimated, kept apart from what was measured."""
    if requests := int(found.total("estimated_requests")):
        tokens, cost = found.total("tokens"), found.total("cost_usd")
        shares = [f"{shown(found.total('estimated_tokens') / tokens, up=True)} of tokens"] if tokens else []
        shares += [f"{shown(found.total('estimated_usd') / cost, up=True)} of model cost"] if cost else []
        listed = f": {' and '.join(shares)}" if shares else ""
        yield f"Estimated, not measured: {plural(requests, 'request')} whose logs count no tokens{listed}."


def _failed(found: Coverage) -> Iterator[str]:
    """Failed calls as a range, and what trying again cost."""
    uncertain = found.uncertain
    high = uncertain["failed_usd"]
    if uncertain["failed"]:
        cost = f"{price(high - uncertain['uncertain_usd'])} to {price(high)}" if uncertain["uncertain_usd"] else price(high)
        why = ", for of some it is not known whether they are billed" if uncertain["uncertain_usd"] else ""
        yield f"{plural(uncertain['failed'], 'failed call')} cost {cost}{why}."
    if uncertain["retried"]:
        tried = plural(uncertain["retried"], "operation")
        yield f"{tried} took more than one attempt: {price(uncertain['repeated_usd'])} beyond the first."
    if uncertain["hits"]:
        yield f"The gateway answered {plural(uncertain['hits'], 'call')} from its own cache, worth {price(uncertain['hits_usd'])}."


SECTION = Section("coverage", _build, "Nothing that was used needs a price.", "Prices")
