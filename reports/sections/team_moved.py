"""What moved a team's cost since last week: the effects of marts.cost_change that are the team's, which add up to its change exactly."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import accumulate
from typing import Any

from markupsafe import Markup

from meterbook.reports.charts import how
from meterbook.reports.figures import ZERO
from meterbook.reports.numbers import dollars, head
from meterbook.reports.section import Section
from meterbook.reports.sections.moved import NOTE, UNKNOWN, bridge, question, read, sentences, shown, unpriced
from meterbook.reports.team_frame import TeamFrame

WIDTH, TALL = 160, 14


def _build(frame: TeamFrame) -> Mapping[str, Any] | None:
    if not frame.before and not frame.now:
        return None
    parts = shown(bridge(frame))
    start, end = frame.names
    return {
        "question": question(frame),
        "rows": list(_rows([(start, frame.before), *parts, (end, frame.now)])),
        "sentences": sentences(frame),
        "unpriced": unpriced(frame),
        "how": how(read(frame), f"{NOTE} docs/explain.md says how."),
    }


def _rows(parts: list[tuple[str, Decimal]]) -> Iterator[Mapping[str, Any]]:
    """Each with the stretch of the way from the week before to this one that it makes."""
    steps = [value for _, value in parts[1:-1]]
    levels = list(accumulate(steps, initial=parts[0][1]))
    ends = {0: (ZERO, parts[0][1]), len(parts) - 1: (ZERO, parts[-1][1])}
    stretches = [ends.get(place) or (levels[place - 1], levels[place]) for place in range(len(parts))]
    low, high = (chosen(edge for stretch in stretches for edge in stretch) for chosen in (min, max))
    for place, ((name, value), stretch) in enumerate(zip(parts, stretches, strict=True)):
        is_end = place in ends
        mood = "whole" if is_end or name == UNKNOWN else "over" if value > 0 else "under"
        yield {
            "name": name,
            "value": head(value) if is_end else dollars(value, plus=True),
            "bar": _bar(stretch, (low, high), mood),
            "mood": "" if mood == "whole" else mood,
            "is_end": is_end,
        }


def _bar(stretch: tuple[Decimal, Decimal], bounds: tuple[Decimal, Decimal], mood: str) -> Markup:
    """Drawn for the eye only: name and value stand beside it."""
    scale = WIDTH / ((bounds[1] - bounds[0]) or Decimal(1))
    left, right = ((edge - bounds[0]) * scale for edge in sorted(stretch))
    return Markup(
        '<svg class="step" aria-hidden="true" viewBox="0 0 {w} {h}" preserveAspectRatio="none">'
        '<rect class="{mood}" x="{x:.2f}" y="2" width="{wide:.2f}" height="10"/></svg>'
    ).format(w=WIDTH, h=TALL, mood=mood, x=left, wide=max(right - left, Decimal(1)))


SECTION = Section("team_moved", _build, "No cost to compare.")
