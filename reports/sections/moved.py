"""What moved the cost since the period before: the effects of marts.cost_change, which add up to the change exactly."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import Any

from meterbook.reports.charts import ACCENT, MUTED, OVER, UNDER, Chart, bars
from meterbook.reports.explanations import REQUESTS, Fact, owner, sentence
from meterbook.reports.figures import ZERO, Figures, Row
from meterbook.reports.numbers import dollars, head
from meterbook.reports.section import Section
from meterbook.sql import lmdi

MODEL_LINE = "Model usage"
VISIBLE = Decimal("0.5")
SHOWN, NAMED = 10, 4
"""Bars between the two periods, and sentences below them."""
SMALLER = "Smaller effects"
LABELS: Mapping[str, str] = {
    lmdi.DAYS: "Days with cost",
    lmdi.VOLUME: "Requests",
    lmdi.MIX: "Mix of features",
    lmdi.NEW: "New features",
    lmdi.GONE: "Features gone",
    lmdi.ROUTING: "Models and calls",
    lmdi.RETRIES: "Retries",
    lmdi.INPUT: "Input tokens",
    lmdi.OUTPUT: "Output tokens",
    lmdi.OTHER: "Use beside tokens",
    lmdi.CACHE: "Prompt cache",
    lmdi.TIER: "Tiers",
    lmdi.PRICE: "Prices",
    lmdi.GPU_RATE: "GPU rates",
    lmdi.ALLOCATION: "Allocation",
}
"""Effects as a reader calls them; the others have the name of their cost line."""
_OF_OWNERS = frozenset({lmdi.NEW, lmdi.GONE, lmdi.ROUTING, lmdi.RETRIES, lmdi.INPUT, lmdi.OUTPUT, lmdi.OTHER, lmdi.CACHE})
Parts = Sequence[tuple[str, Decimal]]


def _build(frame: Figures) -> Mapping[str, Any] | None:
    if not frame.before and not frame.now:
        return None
    parts = shown(bridge(frame))
    start, end = frame.names
    ends = ((start, head(frame.before)), (end, head(frame.now)))
    rows = [ends[0], *((name, dollars(value, plus=True)) for name, value in parts), ends[1]]
    label = f"From {head(frame.before)} to {head(frame.now)}: " + ", ".join(f"{name} {dollars(value, plus=True)}" for name, value in parts)
    change = ("Change", dollars(frame.now - frame.before, plus=True))
    how = f"marts.cost_change, {len(changes(frame)):,} effects by team, feature and model; they sum to the change to the last digit"
    chart = Chart("moved", label, _drawn(frame, parts, rows), ("Part", "Dollars"), [*rows, change], how)
    return {"chart": chart, "sentences": sentences(frame)}


def _drawn(frame: Figures, parts: Parts, rows: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """A waterfall of plain bars from zero: the basic bundle has no waterfall of its own."""
    levels = list(accumulate((value for _, value in parts), initial=frame.before))
    bases = [ZERO, *(min(level, level + value) for level, (_, value) in zip(levels[:-1], parts, strict=True)), ZERO]
    sizes = [frame.before, *(abs(value) for _, value in parts), frame.now]
    colours = [MUTED, *(OVER if value > 0 else UNDER for _, value in parts), ACCENT]
    return bars(rows, [float(size) for size in sizes], colours, [float(base) for base in bases])


def changes(frame: Figures) -> list[Row]:
    """Effects of the period by team, feature and model: as the lake has them, or by cost line where it has none.

    Of a week that two months share, what goes furthest counts.
    """
    query = """
        select team, feature, model, effect, change_usd from marts.cost_change
        where kind = ? and starts_on = ? and ends_on = ? order by team, feature, model, effect
    """
    found = frame.own("team", query, frame.noun, frame.span[0], frame.last)
    if found:
        return found
    return [{"team": "", "feature": "", "model": "", "effect": name, "change_usd": value} for name, value in _lines(frame).items() if value]


def bridge(frame: Figures) -> list[tuple[str, Decimal]]:
    """The change of cost in parts that sum to it exactly, in the order of a request's way to its cost; shared pools together."""
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in changes(frame):
        sums["Shared costs" if row["effect"].startswith("Shared") else row["effect"]] += row["change_usd"]
    order = {name: place for place, name in enumerate(lmdi.EFFECTS)}
    found = [(LABELS.get(name, name), sums[name]) for name in sorted(sums, key=lambda name: (order.get(name, len(order)), name))]
    # Pages of days that came after the lake was explained say so, and still add up.
    missing = frame.now - frame.before - sum((value for _, value in found), ZERO)
    return [*found, ("Not explained", missing)] if missing else found


def shown(parts: Parts) -> list[tuple[str, Decimal]]:
    """The largest parts in their order, and the sum of the others: what is shown adds up too."""
    largest = sorted((part for part in parts if abs(part[1]) >= VISIBLE), key=lambda part: -abs(part[1]))[:SHOWN]
    rest = sum((value for name, value in parts if (name, value) not in largest), ZERO)
    kept = [part for part in parts if part in largest]
    return [*kept, (SMALLER, rest)] if abs(rest) >= VISIBLE else kept


def named(label: str) -> str:
    """A part of the bridge within a sentence: names that begin with a word of the language lose their capital."""
    return label if label[:2].isupper() else f"{label[:1].lower()}{label[1:]}"


def sentences(frame: Figures) -> list[str]:
    """What is behind the largest effects, each of who used more or less, or of the model whose price moved."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for row in changes(frame):
        effect = REQUESTS if row["effect"] in {lmdi.VOLUME, lmdi.MIX} else row["effect"]
        if effect == REQUESTS or effect in _OF_OWNERS:
            sums[owner(row["team"], row["feature"]), effect] += row["change_usd"]
        elif effect in {lmdi.PRICE, lmdi.TIER}:
            sums[row["model"], effect] += row["change_usd"]
    largest = sorted(sums.items(), key=lambda item: (-abs(item[1]), item[0]))[:NAMED]
    return [sentence(Fact(subject, effect, usd)) for (subject, effect), usd in largest if abs(usd) >= VISIBLE]


def _lines(frame: Figures) -> dict[str, Decimal]:
    now, before = frame.by("line", frame.span), frame.by("line", frame.earlier)
    return {name: now.get(name, ZERO) - before.get(name, ZERO) for name in sorted(now.keys() | before.keys())}


def movers(frame: Figures) -> list[tuple[str, Decimal]]:
    """Features, and lines beside model usage, by how much they moved; shared pools together."""
    now, before = (frame.by("feature", span, line=MODEL_LINE) for span in (frame.span, frame.earlier))
    moved = {
        "no feature" if name == lmdi.NONE else name: now.get(name, ZERO) - before.get(name, ZERO) for name in now.keys() | before.keys()
    }
    for name, value in _lines(frame).items():
        if name != MODEL_LINE:
            key = "Shared costs" if name.startswith("Shared") else name
            moved[key] = moved.get(key, ZERO) + value
    return sorted(((name, value) for name, value in moved.items() if abs(value) >= 1), key=lambda item: (-abs(item[1]), item[0]))


SECTION = Section("moved", _build, "No cost to compare.", "What moved")
