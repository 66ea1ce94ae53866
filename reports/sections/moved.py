"""What moved the cost since the week before: parts that add up to the change exactly."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from meterbook.reports.charts import ACCENT, MUTED, OVER, UNDER, Chart, figure, text_at
from meterbook.reports.frame import ZERO, Frame
from meterbook.reports.numbers import dollars, head
from meterbook.reports.section import Section

MODEL_LINE = "Model usage"
PICO = Decimal("0.000000000001")


def _build(frame: Frame) -> Mapping[str, Any] | None:
    parts = [(name, value) for name, value in bridge(frame) if value]
    if not frame.before and not frame.now:
        return None
    names = ["Last week", *(name for name, _ in parts), "This week"]
    if not frame.week.is_whole:
        names[0] = "Same days last week"
    tops, bases, level = [frame.before], [ZERO], frame.before
    for _, value in parts:
        bases.append(min(level, level + value))
        tops.append(abs(value))
        level += value
    tops.append(frame.now)
    bases.append(ZERO)
    colors = [MUTED, *(OVER if value > 0 else UNDER for _, value in parts), ACCENT]
    texts = [head(frame.before), *(dollars(value, plus=True) for _, value in parts), head(frame.now)]
    ends = [float(base + top) for base, top in zip(bases, tops, strict=True)]
    labels = [{**text_at(end, n, text), "xanchor": "left"} for n, (end, text) in enumerate(zip(ends, texts, strict=True))]
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": list(range(len(names))),
        "x": [float(top) for top in tops],
        "base": [float(base) for base in bases],
        "marker": {"color": colors},
        "hoverinfo": "skip",
        "width": 0.62,
    }
    drawn = figure(
        [trace],
        height=60 + 30 * len(names),
        annotations=labels,
        xaxis={"range": [0, max(ends) * 1.18], "showticklabels": False},
        yaxis={
            "tickvals": list(range(len(names))),
            "ticktext": names,
            "autorange": "reversed",
            "tickprefix": "",
            "showgrid": False,
            "nticks": 20,
        },
    )
    rows = [[name, text] for name, text in zip(names, texts, strict=True)]
    label = f"From {head(frame.before)} to {head(frame.now)}: " + ", ".join(f"{name} {dollars(value, plus=True)}" for name, value in parts)
    return {"chart": Chart("moved", label, drawn, ("Part", "Dollars"), rows), "movers": movers(frame)[:5], "basis": frame.week.basis}


def bridge(frame: Frame) -> list[tuple[str, Decimal]]:
    """The change of cost in parts that sum to it exactly.

    Model usage is parted per feature into volume (the change of requests at last week's cost per request) and the rest, the cost per
    request; a feature that is new or gone is all volume. Other lines are parts of their own.
    """
    now, before = frame.by("line", frame.span), frame.by("line", frame.week.before)
    spent, was = frame.spend(frame.span), frame.spend(frame.week.before)
    volume = sum((_volume(spent.get(name), was.get(name)) for name in spent.keys() | was.keys()), ZERO)
    models = now.get(MODEL_LINE, ZERO) - before.get(MODEL_LINE, ZERO)
    parts = [("More or fewer requests", volume), ("Cost per request", models - volume)]
    others = sorted((now.keys() | before.keys()) - {MODEL_LINE})
    shared = sum((now.get(name, ZERO) - before.get(name, ZERO) for name in others if name.startswith("Shared")), ZERO)
    parts += [(name, now.get(name, ZERO) - before.get(name, ZERO)) for name in others if not name.startswith("Shared")]
    return [*parts, ("Shared costs", shared)]


def _volume(now: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> Decimal:
    if now is None or before is None or not before["requests"]:
        return (now["cost_usd"] if now else ZERO) - (before["cost_usd"] if before else ZERO)
    more = Decimal(now["requests"] - before["requests"])
    return Decimal((before["cost_usd"] * more / before["requests"]).quantize(PICO))


def movers(frame: Frame) -> list[tuple[str, Decimal]]:
    """Features, and lines beside model usage, by how much they moved."""
    moved: dict[str, Decimal] = {}
    for row in frame.cost:
        name = (row["feature"] if row["feature"] != "(none)" else "no feature") if row["line"] == MODEL_LINE else row["line"]
        first, end = frame.week.before
        sign = 1 if frame.week.first <= row["day"] < frame.week.end else -1 if first <= row["day"] < end else 0
        moved[name] = moved.get(name, ZERO) + sign * row["cost_usd"]
    return sorted(((name, value) for name, value in moved.items() if abs(value) >= 1), key=lambda item: (-abs(item[1]), item[0]))


SECTION = Section("moved", _build, "No cost to compare.", "What moved")
