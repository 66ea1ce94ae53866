"""Concentration: what share of the cost hangs on one provider, one model, one team, and what a price rise of the largest provider costs."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from meterbook.reports.change_text import VISIBLE
from meterbook.reports.charts import ACCENT, MUTED, Chart, Read, bars
from meterbook.reports.concentration import Concentration
from meterbook.reports.figures import ZERO, Row
from meterbook.reports.numbers import MINUS, NONE, dollars, head, percent, points
from meterbook.reports.quality import brief
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.section import Section

YEAR, RISE = Decimal(365), Decimal("0.1")
DRAWN, LISTED, NAME = 4, 25, 20
"""Names of a figure before all others, those of its table, and letters of one."""
NOBODY = "(none)"
STEADY = Decimal("0.005")
"""A share that moved less than half a point held."""
_COSTS = """
    select provider, model, line, sum(cost_usd) as cost_usd from marts.vendor_cost where day >= ? and day < ?
    group by provider, model, line order by provider, model, line
"""
_TEAMS = "select team, sum(cost_usd) as cost_usd from marts.cost where day >= ? and day < ? group by team order by team"
_NOTE = (
    "Shares are of what cost more than its credits. The index is the Herfindahl-Hirschman index, the sum of the squared shares in percent."
    " For orientation: US merger guidelines (2023) call a market above 1,800 highly concentrated, from 1,000 on moderately."
)


@dataclass(frozen=True)
class Side:
    """What the cost is looked at by.

    Args:
        name: provider, model or team.
        question: of its figure.
        now: of the quarter.
        before: of what it is compared with.
        read: what it is computed from.
    """

    name: str
    question: str
    now: Concentration
    before: Concentration
    read: Sequence[Read]


def _build(frame: QuarterFrame) -> Mapping[str, Any] | None:
    costs, teams = ((frame.rows(query, *frame.span), frame.rows(query, *frame.earlier)) for query in (_COSTS, _TEAMS))
    sides = [one for one in _sides(costs, teams) if one.now.top]
    if not sides:
        return None
    return {
        "lead": [*lead(sides), *exposure(frame, costs[0])],
        "charts": [_chart(frame, one) for one in sides],
        "rows": [_row(one) for one in sides],
        "basis": frame.basis,
        "notes": [*_credits(sides), *_without_model(costs[0])],
    }


def _sides(costs: tuple[list[Row], list[Row]], teams: tuple[list[Row], list[Row]]) -> Iterator[Side]:
    models = ([row for row in costs[0] if row["model"] != NOBODY], [row for row in costs[1] if row["model"] != NOBODY])
    yield _side("provider", "Which provider does the cost hang on?", costs, "marts.vendor_cost")
    yield _side("model", "Which model does it hang on?", models, "marts.vendor_cost")
    yield _side("team", "Which team has the cost?", teams, "marts.cost")


def _side(name: str, question: str, rows: tuple[list[Row], list[Row]], model: str) -> Side:
    now, before = (Concentration(_by(name, one)) for one in rows)
    return Side(name, question, now, before, [Read(model, rows[0])])


def _by(column: str, rows: Sequence[Row]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        found[row[column]] += row["cost_usd"]
    return dict(found)


def lead(sides: Sequence[Side]) -> Iterator[str]:
    """The largest name of each side with its share, and how that moved."""
    for one in sides:
        share, was = one.now.share(one.now.top), one.before.share(one.now.top)
        where = {"provider": "of what providers of models cost", "model": "of what calls cost", "team": "of all cost"}[one.name]
        if len(one.now.positive) == 1:
            yield f"{one.now.top} is the only {one.name}{' with cost' if one.name == 'team' else ''}: all {where} hangs on it."
            continue
        yield f"{one.now.top} has {percent(share)} {where}{_moved(share, was)}."


def _moved(share: Decimal | None, was: Decimal | None) -> str:
    if share is None or was is None:
        return ""
    if abs(share - was) < STEADY:
        return f", as before ({percent(was)})"
    return f", {'up' if share > was else 'down'} from {percent(was)}" if was else ", from nothing"


def exposure(frame: QuarterFrame, costs: Sequence[Row]) -> Iterator[str]:
    """What a price rise of the largest provider costs a year: of what it bills by use, for a commitment keeps its price."""
    top = Concentration(_by("provider", costs)).top
    if top is None:
        return
    rows = [row for row in costs if row["provider"] == top]
    fixed = sum((row["cost_usd"] for row in rows if row["line"].startswith("Commitment")), ZERO)
    used = sum((row["cost_usd"] for row in rows), ZERO) - fixed
    held = f"; {head(fixed)} of commitments in these days keep their price to their end" if fixed > VISIBLE else ""
    if used > 0:
        rise = used * RISE * YEAR / frame.known_days
        yield f"If {top} raised its prices by {RISE * 100:.0f} %, today's use would cost {head(rise)} a year more{held}."
    elif held:
        yield f"A price rise of {top} would cost nothing before its commitments end."


def _credits(sides: Sequence[Side]) -> Iterator[str]:
    for one in sides:
        credited = one.now.credited
        if credited:
            names = ", ".join(f"{name} ({dollars(usd)})" for name, usd in list(credited.items())[:DRAWN])
            more = f" and {len(credited) - DRAWN:,} more" if len(credited) > DRAWN else ""
            yield f"Credits outweigh the cost of {one.name} {names}{more}: no share."


def _without_model(costs: Sequence[Row]) -> Iterator[str]:
    rest = sum((row["cost_usd"] for row in costs if row["model"] == NOBODY and row["line"] != "Model usage"), ZERO)
    if abs(rest) >= VISIBLE:
        yield f"Commitments, allowances and what bills say beyond prices, {dollars(rest)}, are of their provider and of no model."
    yield "GPU hours have no provider of models: they are in the cost of teams only."


def _row(one: Side) -> Mapping[str, str]:
    index, before = one.now.index, one.before.index
    moved = "" if index is None or before is None else _signed(index - before)
    return {
        "side": one.name.capitalize(),
        "top": one.now.top or NONE,
        "share": percent(one.now.share(one.now.top)),
        "change": _change(one, one.now.top),
        "index": _whole(index),
        "moved": moved or NONE,
        "number": NONE if one.now.effective_number is None else f"{one.now.effective_number:,.1f}",
        "of": f"{len(one.now.positive):,}",
        "level": one.now.level,
    }


def _whole(value: Decimal | None) -> str:
    return NONE if value is None else f"{value:,.0f}"


def _signed(value: Decimal) -> str:
    """A change of the index; what rounds to nothing has no sign."""
    return f"{value:+,.0f}".replace("-", MINUS) if round(value) else "0"


def _change(one: Side, name: str | None) -> str:
    """How a share moved, in points; a dash where nothing cost anything before."""
    share, was = one.now.share(name), one.before.share(name)
    return points(None if share is None or was is None else share - was)


def _chart(frame: QuarterFrame, one: Side) -> Chart:
    names = list(one.now.positive)
    shown = [(name, one.now.positive[name]) for name in names[:DRAWN]]
    if rest := names[DRAWN:]:
        shown.append((f"{len(rest):,} more", sum((one.now.positive[name] for name in rest), ZERO)))
    texts = [(brief(name, NAME), f"{percent(usd / one.now.whole)}") for name, usd in shown]
    colours = [ACCENT if name in one.now.positive else MUTED for name, _ in shown]
    return Chart(
        name=f"quarter_concentration_{one.name}",
        question=one.question,
        label=f"{frame.title} by {one.name}: " + ", ".join(f"{name} {text}" for name, text in texts),
        figure=bars(texts, [float(usd) for _, usd in shown], colours),
        header=(one.name.capitalize(), "Dollars", "Share", "Share before", "Change"),
        rows=list(_values(one, names)),
        read=one.read,
        note=_NOTE,
    )


def _values(one: Side, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for name in names[:LISTED]:
        yield name, dollars(one.now.positive[name]), percent(one.now.share(name)), percent(one.before.share(name)), _change(one, name)
    if rest := names[LISTED:]:
        usd = sum((one.now.positive[name] for name in rest), ZERO)
        yield f"{len(rest):,} more", dollars(usd), percent(usd / one.now.whole), NONE, NONE
    yield "All that have a share", dollars(one.now.whole), percent(Decimal(1)), NONE, NONE


SECTION = Section(
    "quarter_concentration",
    _build,
    "No cost in this quarter: nothing can be concentrated.",
    "How much hangs on one provider, one model, one team?",
)
