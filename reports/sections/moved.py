"""What moved the cost since the week before: parts that add up to the change exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Any

from meterbook.reports.charts import ACCENT, MUTED, OVER, UNDER, Chart, bars
from meterbook.reports.frame import ZERO, Frame
from meterbook.reports.numbers import dollars, head
from meterbook.reports.section import Section

MODEL_LINE = "Model usage"
PICO = Decimal("0.000000000001")
VISIBLE = Decimal("0.5")
NAMED = 3
Parts = Sequence[tuple[str, Decimal]]


@dataclass(frozen=True)
class Effect:
    """Why model usage of a feature changed, in dollars: other numbers of requests, other cost per request."""

    feature: str
    volume: Decimal
    rate: Decimal

    @property
    def total(self) -> Decimal:
        """The whole change."""
        return self.volume + self.rate


def _build(frame: Frame) -> Mapping[str, Any] | None:
    if not frame.before and not frame.now:
        return None
    parts = [(name, value) for name, value in bridge(frame) if abs(value) >= VISIBLE]
    start = "Last week" if frame.week.is_whole else "Same days last week"
    ends = ((start, head(frame.before)), ("This week", head(frame.now)))
    rows = [ends[0], *((name, dollars(value, plus=True)) for name, value in parts), ends[1]]
    largest = sorted(effects(frame), key=lambda effect: (-abs(effect.total), effect.feature))[:NAMED]
    told = [(_feature(effect), dollars(effect.total, plus=True), *_halves(effect)) for effect in largest if abs(effect.total) >= VISIBLE]
    of_which = [(f"of which {name}: {half}", text) for name, _, *halves in told for half, text in zip(HALVES, halves, strict=True)]
    label = f"From {head(frame.before)} to {head(frame.now)}: " + ", ".join(f"{name} {dollars(value, plus=True)}" for name, value in parts)
    return {"chart": Chart("moved", label, _drawn(frame, parts, rows), ("Part", "Dollars"), [*rows, *of_which]), "features": told}


HALVES = ("requests", "cost per request")


def _halves(effect: Effect) -> tuple[str, str]:
    return dollars(effect.volume, plus=True), dollars(effect.rate, plus=True)


def _feature(effect: Effect) -> str:
    return "no feature" if effect.feature == "(none)" else effect.feature


def _drawn(frame: Frame, parts: Parts, rows: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    """A waterfall of plain bars from zero: the basic bundle has no waterfall of its own."""
    levels = list(accumulate((value for _, value in parts), initial=frame.before))
    bases = [ZERO, *(min(level, level + value) for level, (_, value) in zip(levels[:-1], parts, strict=True)), ZERO]
    sizes = [frame.before, *(abs(value) for _, value in parts), frame.now]
    colours = [MUTED, *(OVER if value > 0 else UNDER for _, value in parts), ACCENT]
    return bars(rows, [float(size) for size in sizes], colours, [float(base) for base in bases])


def effects(frame: Frame) -> list[Effect]:
    """The change of model usage by feature, exactly: volume plus rate is the change, and the features sum to the line.

    Volume is the change of requests at last week's cost per request, rate the rest; a feature that is new or gone is all volume.
    """
    spans = frame.span, frame.week.before
    now, before = (frame.by("feature", span, line=MODEL_LINE) for span in spans)
    asked, was = (frame.requests(span) for span in spans)
    found = []
    for name in sorted(now.keys() | before.keys()):
        old, new = before.get(name, ZERO), now.get(name, ZERO)
        known = bool(asked.get(name) and was.get(name))
        volume = (old * (asked[name] - was[name]) / was[name]).quantize(PICO) if known else new - old
        found.append(Effect(name, volume, new - old - volume))
    return found


def bridge(frame: Frame) -> list[tuple[str, Decimal]]:
    """The change of cost in parts that sum to it exactly: requests, cost per request, and every other line; shared pools together."""
    found = effects(frame)
    now, before = frame.by("line", frame.span), frame.by("line", frame.week.before)
    moved = {name: now.get(name, ZERO) - before.get(name, ZERO) for name in sorted((now.keys() | before.keys()) - {MODEL_LINE})}
    shared = sum((value for name, value in moved.items() if name.startswith("Shared")), ZERO)
    return [
        ("More or fewer requests", sum((effect.volume for effect in found), ZERO)),
        ("Cost per request", sum((effect.rate for effect in found), ZERO)),
        *((name, value) for name, value in moved.items() if not name.startswith("Shared")),
        ("Shared costs", shared),
    ]


def movers(frame: Frame) -> list[tuple[str, Decimal]]:
    """Features, and lines beside model usage, by how much they moved."""
    models = [(_feature(effect), effect.total) for effect in effects(frame)]
    moved = [*models, *bridge(frame)[2:]]
    return sorted(((name, value) for name, value in moved if abs(value) >= 1), key=lambda item: (-abs(item[1]), item[0]))


SECTION = Section("moved", _build, "No cost to compare.", "What moved")
