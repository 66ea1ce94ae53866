"""Small inline pictures: sparklines, budget bullets and stacked bars, readable without colour and without script."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import groupby

from markupsafe import Markup

from meterbook.reports.numbers import dollars, percent, share_used


def sparkline(
    values: Sequence[Decimal | None], label: str, width: int = 96, height: int = 24, show: Callable[[Decimal], str] = dollars
) -> Markup:
    """A line from zero, or from the largest credit, over some weeks or days, its last point marked; what is unknown is a gap in it.

    `show` writes a value for those who cannot see the line.
    """
    known = [value for value in values if value is not None]
    top, floor = max([*known, Decimal(1)]), min([*known, Decimal(0)])
    step = Decimal(width - 6) / max(1, len(values) - 1)

    def place(number: int, value: Decimal) -> str:
        return f"{3 + step * number:.1f},{Decimal(height - 3) - (value - floor) / (top - floor) * (height - 6):.1f}"

    points = [None if value is None else place(number, value) for number, value in enumerate(values)]
    found = (list(filter(None, piece)) for _, piece in groupby(points, bool))
    # A point alone is a line from itself to itself, which its round end makes a dot.
    pieces = [" ".join(piece if piece[1:] else piece * 2) for piece in found if piece]
    x, y = next((point for point in reversed(points) if point), f"3.0,{height - 3:.1f}").split(",")
    text = f"{label}: {', '.join('no data' if value is None else show(value) for value in values)}"
    return Markup(
        '<svg class="spark" role="img" aria-label="{text}" viewBox="0 0 {w} {h}" width="{w}" height="{h}">'
        '{lines}<circle cx="{x}" cy="{y}" r="2.2"/></svg>'
    ).format(text=text, w=width, h=height, lines=Markup("").join(map(Markup('<polyline points="{}"/>').format, pieces)), x=x, y=y)


def bullet(used: Decimal, elapsed: Decimal, label: str, width: int = 110) -> Markup:
    """A bar of the share of a budget that is used, with a tick where the period stands; full and marked above 100 %, empty below 0."""
    inner = max(min(used, Decimal(1)), Decimal(0)) * width
    over = "over" if used > 1 else "under" if used <= elapsed else "ahead"
    text = f"{label}: {share_used(used)} used, {percent(elapsed)} of the period gone"
    return Markup(
        '<svg class="bullet {over}" role="img" aria-label="{text}" viewBox="0 0 {w} 14" width="{w}" height="14">'
        '<rect class="track" x="0" y="3" width="{w}" height="8"/><rect class="used" x="0" y="3" width="{inner}" height="8"/>'
        '<line x1="{tick}" x2="{tick}" y1="0" y2="14"/></svg>'
    ).format(text=text, over=over, w=width, inner=f"{inner:.1f}", tick=f"{min(elapsed, Decimal(1)) * width:.1f}")


def stacked(parts: Sequence[tuple[str, Decimal]], label: str) -> Markup:
    """One bar of a whole and its named parts, each with its share written where there is room."""
    whole = sum((value for _, value in parts), Decimal(0)) or Decimal(1)
    text = f"{label}: " + ", ".join(f"{name} {percent(value / whole)}" for name, value in parts)
    pieces = Markup("").join(
        Markup('<span class="part {name}" style="width:{share}%"><span>{text}</span></span>').format(
            name=name.replace(" ", "-"),
            share=f"{value / whole * 100:.2f}",
            text=percent(value / whole),
        )
        for name, value in parts
        if value
    )
    return Markup('<div class="stacked" role="img" aria-label="{text}">{pieces}</div>').format(text=text, pieces=pieces)
