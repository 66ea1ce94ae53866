"""The month so far against its plan as an inline picture: no script, so that a page of one team stays small."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from meterbook.reports.charts import LINE_HEIGHT
from meterbook.reports.numbers import head

WIDTH, HEIGHT = 420, 250
_TOP, _BOTTOM, _RIGHT = 16, 24, 118
_TALL, _WIDE = HEIGHT - _TOP - _BOTTOM, WIDTH - _RIGHT
ZERO = Decimal(0)
Point = tuple[Decimal, Decimal]
"""A share of the month, and dollars."""


@dataclass(frozen=True)
class Course:
    """What is drawn of a month.

    Args:
        label: what a reader without eyes is told.
        first: its first day, in words; last: its last.
        used: share of the month gone and dollars used by then, day by day.
        plan: its budget.
        low: of the landing; point; high. All None where there is none.
    """

    label: str
    first: str
    last: str
    used: Sequence[Point]
    plan: Decimal | None = None
    low: Decimal | None = None
    point: Decimal | None = None
    high: Decimal | None = None


def drawn(course: Course) -> Markup:
    """Dollars to date from zero, the plan dashed, the landing dotted with its band; each line has its name at its end."""
    now = course.used[-1]
    amounts = [value for _, value in course.used] + [value for value in (course.plan, course.point, course.high) if value is not None]
    top, floor = max([*amounts, Decimal(1)]) * Decimal("1.05"), min([*amounts, ZERO, *([course.low] if course.low is not None else [])])
    scale = _TALL / (top - floor)

    def at(share: Decimal, value: Decimal) -> str:
        return f"{share * _WIDE:.1f},{_TOP + (top - value) * scale:.1f}"

    end, start = Decimal(1), at(*now)
    parts = []
    if course.point is not None and course.low is not None and course.high is not None:
        parts.append(Markup('<polygon class="band" points="{}"/>').format(" ".join((start, at(end, course.high), at(end, course.low)))))
        parts.append(Markup('<polyline class="forecast" points="{}"/>').format(f"{start} {at(end, course.point)}"))
    if course.plan is not None:
        parts.append(Markup('<polyline class="plan" points="{}"/>').format(f"{at(ZERO, ZERO)} {at(end, course.plan)}"))
    line = " ".join(at(*point) for point in course.used)
    x, y = start.split(",")
    parts.append(Markup('<polyline class="used" points="{}"/><circle cx="{}" cy="{}" r="3"/>').format(line, x, y))
    zero = _TOP + top * scale
    return Markup(
        '<svg class="course" role="img" aria-label="{label}" viewBox="0 0 {w} {h}">'
        '<line class="zero" x1="0" x2="{x}" y1="{zero:.1f}" y2="{zero:.1f}"/>{parts}{names}'
        '<text class="day" x="0" y="{below}">{first}</text><text class="day" x="{x}" y="{below}" text-anchor="end">{last}</text></svg>'
    ).format(
        label=course.label, w=WIDTH, h=HEIGHT, x=_WIDE, zero=zero, below=HEIGHT - 6, first=course.first, last=course.last,
        parts=Markup("").join(parts), names=_names(course, scale, top),
    )  # fmt: skip


def _names(course: Course, scale: Decimal, top: Decimal) -> Markup:
    """Labels to the right, the lowest first, each lifted so that none touches another."""
    ends = [("so far", course.used[-1][1]), ("budget", course.plan), ("forecast", course.point)]
    found = sorted(((name, value) for name, value in ends if value is not None), key=lambda pair: pair[1])
    texts, lowest = [], Decimal(HEIGHT - _BOTTOM)
    for name, value in found:
        lowest = min(_TOP + (top - value) * scale + 4, lowest)
        texts.append(Markup('<text x="{}" y="{:.1f}">{}</text>').format(_WIDE + 8, lowest, f"{name} {head(value)}"))
        lowest -= LINE_HEIGHT
    return Markup("").join(texts)
