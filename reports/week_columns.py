"""What AI cost in each of the last weeks, as one picture for a mail: drawn here as SVG, made a PNG without a browser."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from markupsafe import Markup

from meterbook.reports.frame import WEEKS, Frame
from meterbook.reports.numbers import head
from meterbook.reports.periods import WEEK

FONTS = tuple(Path(__file__).parent / "static" / f"inter-ascii-{weight}-normal.ttf" for weight in (400, 600))
WIDTH, HEIGHT, SCALE = 640, 200, 2
_LEFT, _TOP, _TALL, _STEP, _THICK, _EVERY = 4, 32, 130, 49, 33, 4
_INK, _MUTED, _RULE, _PAST, _NOW = "#17202a", "#5a6673", "#dde2e8", "#9db7de", "#1f5fbf"
ZERO = Decimal(0)


@dataclass(frozen=True)
class Column:
    """A week: its Monday, what it cost in dollars, None where there is nothing of it; `note` says where it is not seven days."""

    name: str
    cost: Decimal | None
    note: str = ""


def columns_of(frame: Frame) -> list[Column]:
    """The thirteen weeks up to the page's own, from the rows its figures are made of."""
    days, sums = [0] * WEEKS, [ZERO] * WEEKS
    for day, cost in frame.days.items():
        number = (day - frame.week.first) // WEEK + WEEKS - 1
        days[number] += 1
        sums[number] += cost
    found = []
    for number, cost in enumerate(sums):
        day = frame.week.first + (number - WEEKS + 1) * WEEK
        note = "" if days[number] in {0, WEEK.days} else f"{days[number]} of {WEEK.days} days"
        found.append(Column(f"{day.day} {day:%b}", cost if days[number] else None, note))
    return found


def words(columns: Sequence[Column]) -> str:
    """The figures of the picture."""
    listed = (
        f"{one.name} {'nothing recorded' if one.cost is None else head(one.cost)}{f' ({one.note})' if one.note else ''}" for one in columns
    )
    return f"The last {len(columns)} weeks, each by its Monday: {', '.join(listed)}."


def drawn(columns: Sequence[Column]) -> str:
    """The picture as SVG: columns from zero, every fourth labelled; without rows there is none, of fewer than seven days it is hollow."""
    costs = [one.cost for one in columns if one.cost is not None]
    top, low = max([ZERO, *costs]), min([ZERO, *costs])
    scale = _TALL / ((top - low) or Decimal(1))
    zero = _TOP + top * scale
    parts = [_column(number, one, zero, scale, len(columns) - 1) for number, one in enumerate(columns)]
    line = Markup('<line x1="0" x2="{}" y1="{y}" y2="{y}" stroke="{}"/>').format(WIDTH, _RULE, y=f"{zero:.1f}")
    frame = Markup('<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}" font-family="Inter">{}</svg>')
    return str(frame.format(Markup("").join([line, *parts]), w=WIDTH, h=HEIGHT))


def _column(number: int, one: Column, zero: Decimal, scale: Decimal, last: int) -> Markup:
    x, cost = _LEFT + number * _STEP, one.cost or ZERO
    top, tall = min(zero, zero - cost * scale), abs(cost * scale)
    color = _NOW if number == last else _PAST
    shape = Markup('<rect x="{}" y="{:.1f}" width="{}" height="{:.1f}" fill="{}" stroke="{}" stroke-width="2"/>')
    bar = shape.format(x, top, _THICK, tall, "#ffffff" if one.note else color, color) if one.cost is not None else Markup("")
    return bar if (last - number) % _EVERY else bar + _labels(one, x, is_first=number == 0, is_last=number == last)


def _labels(one: Column, x: int, *, is_first: bool, is_last: bool) -> Markup:
    """Its amount above all columns, where no taller one covers it, its Monday below: large, for a telephone shows it at half its width."""
    anchor, at = ("start", x) if is_first else ("end", x + _THICK) if is_last else ("middle", x + _THICK // 2)
    text = Markup('<text x="{}" y="{}" font-size="18" text-anchor="{}" font-weight="{}" fill="{}">{}</text>')
    weight, ink = (600, _INK) if is_last else (400, _MUTED)
    amount = "\N{EN DASH}" if one.cost is None else head(one.cost)
    return text.format(at, 18, anchor, weight, ink, amount) + text.format(at, HEIGHT - 8, anchor, weight, ink, one.name)


def rasterised(svg: str) -> bytes | None:
    """A picture as PNG, the same bytes for the same picture on every machine: no font but the two that come with this is read.

    Returns:
        None where resvg-py, the extra `email`, is not installed.
    """
    try:
        import resvg_py  # noqa: PLC0415 -- an extra
    except ImportError:
        return None
    fonts = [str(font) for font in FONTS]
    drawn_from: dict[str, Any] = {"skip_system_fonts": True, "font_files": fonts, "font_family": "Inter"}
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, background="#ffffff", zoom=SCALE, **drawn_from))
