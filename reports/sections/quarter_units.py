"""The curve of each unit's cost over two quarters against its target and what customers pay, and what is left of every one delivered."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from meterbook.reports.change_text import capital
from meterbook.reports.charts import ACCENT, MUTED, OVER, Chart, Read, figure, spread, text_at
from meterbook.reports.figures import ZERO, Row
from meterbook.reports.numbers import NONE, count, head, percent, plural, price, ratio
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.quarter_units import LEVEL, Unit, by_period, one_of, total_margin
from meterbook.reports.section import Section
from meterbook.reports.svg import sparkline

DRAWN, NAMED = 4, 3
"""Units that have a figure, and a sentence of each kind: the others are in the table."""
HEADROOM = Decimal("1.15")
CLEAR = 14
"""Days from the left end on which no month is named."""
PRICED = "book.unit_price"
_PRICES = "select * from book.unit_price order by unit, starts_on"
_NOTE = "Cost of a whole week over its deliveries, failures included; a week without any has no point."


def _build(frame: QuarterFrame) -> Mapping[str, Any] | None:
    units = frame.valued
    if not units:
        return None
    weeks, months, prices = by_period(frame, "week"), by_period(frame, "month"), frame.rows(_PRICES)
    drawn = sorted((one for one in units if len(one.points) > 1), key=lambda one: (one.paid is None, one.target is None))[:DRAWN]
    return {
        "charts": [_chart(place, one, (weeks, months, prices)) for place, one in enumerate(drawn)],
        "rows": [_row(one) for one in units],
        "sentences": sentences(units),
        "basis": frame.basis,
    }


def sentences(units: Sequence[Unit]) -> list[str]:
    """What customers paid against what it cost; who loses money; what is cheaper and no improvement; what has no price."""
    found, priced = [], [one for one in units if one.paid]
    if priced:
        revenue, cost = total_margin(units)
        share = ratio(revenue - cost, revenue)
        left = f"a gross margin of {percent(share)}" if share is not None else "no revenue"
        found.append(f"Customers paid {head(revenue)} for units with a price, which cost {head(cost)} to deliver: {left}.")
    losing, refused = [one for one in priced if one.margin_usd is not None and one.margin_usd < 0], list(filter(_is_refused, units))
    found += [_loss(one) for one in losing[:NAMED]]
    if more := losing[NAMED:]:
        found.append(f"{plural(len(more), 'more unit')} {'loses' if len(more) == 1 else 'lose'} money too.")
    found += [f"{_capital(one)} is below its target, and that is not an improvement: {one.track.why}." for one in refused[:NAMED]]
    without = len(units) - len(priced)
    if not priced:
        found.append("No unit has a price: price_usd in units.yaml says what customers pay, and this page then shows the margin.")
    elif without:
        told = "1 unit has" if without == 1 else f"{without} units have"
        found.append(f"{told} no price_usd in units.yaml: what {'it leaves' if without == 1 else 'they leave'} is not known.")
    return found


def _capital(unit: Unit) -> str:
    return capital(one_of(unit.label))


def _loss(unit: Unit) -> str:
    paid = unit.paid.price_usd if unit.paid else None
    return f"{_capital(unit)} loses {price(abs(unit.margin_usd or ZERO))} at its price of {price(paid)}."


def _is_refused(unit: Unit) -> bool:
    return unit.track.standing == "not an improvement"


def _row(unit: Unit) -> Mapping[str, Any]:
    paid = unit.paid
    return {
        "label": unit.label,
        "feature": unit.row["feature"],
        "cost": price(unit.cost),
        "change": percent(unit.moved, plus=True),
        "mood": _mood(unit.moved),
        "target": price(unit.target),
        "off": "" if unit.off is None else _off(unit.off),
        "off_mood": "" if unit.off is None else _mood(unit.off),
        "price": price(paid.price_usd) if paid else NONE,
        "margin": price(paid.margin_usd) if paid else NONE,
        "margin_share": percent(paid.margin_ratio) if paid and paid.margin_ratio is not None else "",
        "margin_mood": "over" if paid and paid.margin_usd is not None and paid.margin_usd < 0 else "",
        "quality": percent(unit.quality),
        "quality_was": f"was {percent(unit.quality_was)}" if unit.quality_was is not None else "",
        "count": count(unit.row["successes"]),
        "spark": sparkline([value for _, value in unit.points], f"{unit.label} by week", show=price) if len(unit.points) > 1 else "",
    }


def _off(off: Decimal) -> str:
    return "on target" if abs(off) < LEVEL else f"{percent(abs(off))} {'over' if off > 0 else 'under'}"


def _mood(moved: Decimal | None) -> str:
    if moved is None or abs(moved) < LEVEL:
        return ""
    return "over" if moved > 0 else "under"


def _chart(place: int, unit: Unit, read: tuple[Sequence[Row], Sequence[Row], Sequence[Row]]) -> Chart:
    weeks, months, prices = read
    name = unit.row["unit"]
    own = [row for row in months if row["unit"] == name]
    steps = [row for row in prices if row["unit"] == name]
    paid = " and what do customers pay for one" if steps else ""
    rows = [_month(row, steps) for row in own]
    label = f"{unit.label}: " + ", ".join(f"{row[0]} {row[1]}" for row in rows)
    reads = [Read("marts.unit_cost", weeks)] + ([Read(PRICED, prices)] if steps else [])
    return Chart(
        name=f"quarter_unit_{place}",
        question=f"What does {one_of(unit.label)} cost{',' if steps else ''}{paid}?",
        label=label,
        figure=_drawn(unit, steps),
        header=("Month", "Cost of one", "Delivered", "Target", "Price at its end"),
        rows=[(*row, price(unit.target), last) for *row, last in rows],
        read=reads,
        note=_NOTE,
    )


def _month(row: Row, steps: Sequence[Row]) -> tuple[str, str, str, str]:
    """A month: its name, the cost of one, how many were delivered, and the price that held last in it."""
    first = row["starts_on"]
    end = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    held = [step["price_usd"] for step in steps if step["starts_on"] < end and step["ends_on"] > first]
    return f"{first:%B %Y}", price(ratio(row["cost_usd"], row["successes"])), f"{row['successes']:,}", price(held[-1]) if held else NONE


def _drawn(unit: Unit, steps: Sequence[Row]) -> Mapping[str, Any]:
    """The cost by week, its target dashed, its price as steps; each line with its name at its end."""
    x = [str(day) for day, _ in unit.points]
    first, last = unit.points[0][0], unit.points[-1][0]
    traces = [_line(x, [float(value) for _, value in unit.points], ACCENT, "solid", 3)]
    ends: list[tuple[str, Decimal]] = [("cost", unit.points[-1][1])]
    if unit.target is not None:
        traces.append(_line([x[0], x[-1]], [float(unit.target)] * 2, MUTED, "dash"))
        ends.append(("target", unit.target))
    held = [step for step in steps if step["starts_on"] <= last and step["ends_on"] > first]
    if held:
        traces.append(_steps(held, first, last))
        ends.append(("price", held[-1]["price_usd"]))
    values = [value for _, value in (*unit.points, *ends)] + [step["price_usd"] for step in held]
    top = float(max(values) * HEADROOM) or 1.0
    lifts = spread([float(value) for _, value in ends], top)
    labels = [text_at(x[-1], float(value), f"{name} {price(value)}", shift=lift) for (name, value), lift in zip(ends, lifts, strict=True)]
    days = {"type": "date", "tickformat": "%b", "tickvals": _ticks(first, last), "range": [x[0], x[-1]]}
    return figure(traces, right=104, annotations=labels, xaxis=days, yaxis={"range": [0, top], "tickformat": ".3~f"})


def _ticks(first: date, last: date) -> list[str]:
    """First days of months, none so near the left end that its name would meet that of the other axis."""
    days = (first + timedelta(days=number) for number in range(CLEAR, (last - first).days + 1))
    return [str(day) for day in days if day.day == 1]


def _steps(held: Sequence[Row], first: date, last: date) -> dict[str, Any]:
    x = [str(max(step["starts_on"], first)) for step in held] + [str(last)]
    y = [float(step["price_usd"]) for step in held] + [float(held[-1]["price_usd"])]
    trace = _line(x, y, OVER, "dot")
    return {**trace, "line": {**trace["line"], "shape": "hv"}}


def _line(x: Sequence[str], y: Sequence[float], color: str, dash: str, width: int = 2) -> dict[str, Any]:
    line = {"color": color, "width": width, "dash": dash}
    return {"type": "scatter", "mode": "lines", "x": list(x), "y": list(y), "line": line, "hoverinfo": "skip", "cliponaxis": False}


SECTION = Section(
    "quarter_units",
    _build,
    "No outcomes arrived for this quarter; cost per unit of value needs them.",
    "What does a unit of value cost, and what is left of it?",
)
