"""What moved the cost since the period before: the effects of marts.cost_change, which add up to the change exactly."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Any

from meterbook.reports.change_text import VISIBLE
from meterbook.reports.charts import ACCENT, MUTED, OVER, UNDER, Chart, Read, bars
from meterbook.reports.explanations import REQUESTS, Fact, owner, sentence, unpriced_text
from meterbook.reports.figures import ZERO, Counted, Figures, Row
from meterbook.reports.numbers import dollars, head, plural
from meterbook.reports.section import Section
from meterbook.sql import lmdi
from meterbook.sql.lake import quoted

MODEL_LINE = "Model usage"
SHOWN, NAMED = 10, 4
"""Bars between the two periods, and sentences below them."""
SMALLER, UNKNOWN = "Smaller effects", "Use without a price"
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
    lmdi.UNPRICED: UNKNOWN,
    lmdi.ALLOCATION: "Allocation",
}
"""Effects as a reader calls them; the others have the name of their cost line."""
OF_PERIOD = "kind = ? and starts_on = ? and ends_on = ?"
"""Which rows of marts.cost_change are of a period: see `of_period`."""
_OF_REQUESTS, _OF_MODELS = frozenset({lmdi.VOLUME, lmdi.MIX}), frozenset({lmdi.PRICE, lmdi.TIER})
_OF_OWNERS = frozenset({lmdi.NEW, lmdi.GONE, lmdi.ROUTING, lmdi.RETRIES, lmdi.INPUT, lmdi.OUTPUT, lmdi.OTHER, lmdi.CACHE, lmdi.UNPRICED})
NOTE = "The effects of each team, feature and model sum to the change to the last digit."
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
    chart = Chart(
        name="moved",
        question=question(frame),
        label=label,
        figure=_drawn(frame, parts, rows),
        header=("Part", "Dollars"),
        rows=[*rows, change],
        read=read(frame),
        note=NOTE,
    )
    return {"chart": chart, "sentences": sentences(frame), "unpriced": unpriced(frame)}


def question(frame: Figures) -> str:
    """What the bridge answers."""
    return f"What moved the cost against {frame.rival}?"


def read(frame: Figures) -> list[Read]:
    """What the bridge is computed from."""
    return [explained(frame), Read("marts.cost", frame.cost)]


def explained(frame: Figures) -> Read:
    """The effects of the period, as many as there are in the lake."""
    return Read("marts.cost_change", Counted(sum(row["rows"] for row in _effects(frame))))


def _drawn(frame: Figures, parts: Parts, rows: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """A waterfall of plain bars from zero: the basic bundle has no waterfall of its own."""
    levels = list(accumulate((value for _, value in parts), initial=frame.before))
    bases = [ZERO, *(min(level, level + value) for level, (_, value) in zip(levels[:-1], parts, strict=True)), ZERO]
    sizes = [frame.before, *(abs(value) for _, value in parts), frame.now]
    colours = [MUTED, *(MUTED if name == UNKNOWN else OVER if value > 0 else UNDER for name, value in parts), ACCENT]
    return bars(rows, [float(size) for size in sizes], colours, [float(base) for base in bases])


def _effects(frame: Figures) -> list[Row]:
    """Sums of effects as the lake has them; of a week that two months share, what goes furthest counts."""
    return frame.sums("marts.cost_change", "change_usd", ("effect",), OF_PERIOD, *of_period(frame))


def of_period(frame: Figures) -> tuple[str, date, date]:
    """The period as `OF_PERIOD` asks for it."""
    return frame.noun, frame.span[0], frame.last


def effects(frame: Figures) -> Mapping[str, Decimal]:
    """Dollars by effect: as the lake has them, or by cost line where it has none."""
    found = {row["effect"]: row["change_usd"] for row in _effects(frame)}
    return found or {name: value for name, value in _lines(frame).items() if value}


def bridge(frame: Figures) -> list[tuple[str, Decimal]]:
    """The change of cost in parts that sum to it exactly, in the order of a request's way to its cost; shared pools together."""
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for effect, usd in effects(frame).items():
        sums["Shared costs" if effect.startswith("Shared") else effect] += usd
    order = {name: place for place, name in enumerate(lmdi.EFFECTS)}
    found = [(LABELS.get(name, name), sums[name]) for name in sorted(sums, key=lambda name: (order.get(name, len(order)), name))]
    # Pages of days that came after the lake was explained say so, and still add up.
    missing = frame.now - frame.before - sum((value for _, value in found), ZERO)
    return [*found, ("Not explained", missing)] if missing else found


def shown(parts: Parts) -> list[tuple[str, Decimal]]:
    """The largest parts in their order, what is unknown for itself, and the sum of the others: what is shown adds up too."""
    visible = (part for part in parts if abs(part[1]) >= VISIBLE)
    largest = sorted(visible, key=lambda part: (part[0] != UNKNOWN, -abs(part[1])))[:SHOWN]
    rest = sum((value for name, value in parts if (name, value) not in largest), ZERO)
    kept = [part for part in parts if part in largest]
    return [*kept, (SMALLER, rest)] if abs(rest) >= VISIBLE else kept


def named(label: str) -> str:
    """A part of the bridge within a sentence: names that begin with a word of the language lose their capital."""
    return label if label[:2].isupper() else f"{label[:1].lower()}{label[1:]}"


def sentences(frame: Figures) -> list[str]:
    """What is behind the largest effects, each of who used more or less, or of the model whose price moved."""
    whose = frame.owner or "''"
    query = f"""
        with part as (
            select {whose} as whose, team, feature, '' as model, sum(change_usd) as change_usd,
                case when effect in ({_listed(_OF_REQUESTS)}) then ? else effect end as effect
            from marts.cost_change where {OF_PERIOD} and effect in ({_listed(_OF_OWNERS | _OF_REQUESTS)}) group by all
            union all
            select {whose} as whose, '' as team, '' as feature, model, sum(change_usd) as change_usd, effect
            from marts.cost_change where {OF_PERIOD} and effect in ({_listed(_OF_MODELS)}) group by all
        )
        select * from part where abs(change_usd) >= ?
        qualify rank() over (partition by whose order by abs(change_usd) desc) <= ?
    """
    found = frame.own("whose", query, REQUESTS, *of_period(frame), *of_period(frame), VISIBLE, NAMED)
    facts = (Fact(_subject(row), row["effect"], row["change_usd"]) for row in found)
    return [sentence(one) for one in sorted(facts, key=lambda one: (-abs(one.usd), one.subject, one.effect))[:NAMED]]


def unpriced(frame: Figures) -> str:
    """What has no price in either period, in a sentence; empty where all has one."""
    query = """
        select team, model, cast(sum(case when day < ? then unpriced_requests else 0 end) as bigint) as before,
            cast(sum(case when day >= ? then unpriced_requests else 0 end) as bigint) as after, min(day) as since
        from marts.spend where unpriced_requests > 0 and ((day >= ? and day < ?) or (day >= ? and day < ?)) group by team, model
    """
    sums: dict[str, tuple[int, int, date]] = {}
    for row in frame.own("team", query, frame.span[0], frame.span[0], *frame.earlier, *frame.span):
        before, after, since = sums.get(row["model"], (0, 0, date.max))
        sums[row["model"]] = before + row["before"], after + row["after"], min(since, row["since"])
    found = sorted(sums.items(), key=lambda item: (-item[1][1], -item[1][0], item[0]))
    told = [unpriced_text("call", name, before, after, None if before else since) for name, (before, after, since) in found[:NAMED]]
    told += [plural(len(found) - NAMED, "more model")] if len(found) > NAMED else []
    return f"Without a price, so that what they cost is unknown: {'; '.join(told)}." if told else ""


def _subject(row: Row) -> str:
    return str(row["model"]) if row["effect"] in _OF_MODELS else owner(row["team"], row["feature"])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in sorted(names))


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


SECTION = Section("moved", _build, "No cost to compare.")
