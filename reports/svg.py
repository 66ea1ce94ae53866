"""Small inline pictures: sparklines, budget bullets and stacked bars, readable without colour and without script."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from markupsafe import Markup

from meterbook.reports.numbers import dollars, percent


def sparkline(values: Sequence[Decimal], label: str, width: int = 96, height: int = 24, show: Callable[[Decimal], str] = dollars) -> Markup:
    """A line from zero over some weeks or days, its last point marked; `show` writes a value for those who cannot see the line."""
    top = max([*values, Decimal(1)])
    step = Decimal(width - 6) / max(1, len(values) - 1)
    points = [(3 + step * n, Decimal(height - 3) - value / top * (height - 6)) for n, value in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1] if points else (Decimal(3), Decimal(height - 3))
    text = f"{label}: {', '.join(show(value) for value in values)}"
    return Markup(
        '<svg class="spark" role="img" aria-label="{text}" viewBox="0 0 {w} {h}" width="{w}" height="{h}">'
        '<polyline points="{line}"/><circle cx="{x}" cy="{y}" r="2.2"/></svg>'
    ).format(text=text, w=width, h=height, line=line, x=f"{x:.1f}", y=f"{y:.1f}")


def bullet(used: Decimal, elapsed: Decimal, label: str, width: int = 110) -> Markup:
    """A bar of the share of a budget that is used, with a tick where the period stands; above 100 % the bar is full and marked."""
    inner = min(used, Decimal(1)) * width
    over = "over" if used > 1 else "under" if used <= elapsed else "ahead"
    text = f"{label}: {percent(used)} used, {percent(elapsed)} of the period gone"
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
