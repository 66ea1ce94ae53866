"""Plotly figures as plain JSON: drawn by the vendored script, described in words, and with their values in a table."""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ACCENT, OVER, UNDER, MUTED = "#3b7dd8", "#d9622b", "#1a9086", "#8a96a3"
"""Mid-tones that stand on light and on dark ground."""
HEIGHT, TOP, BOTTOM = 300, 18, 8
TICKS = 22
"""Room the labels under an axis take, in pixels."""
LINE_HEIGHT = 16
"""Two labels nearer than this touch, in pixels."""


@dataclass(frozen=True)
class Chart:
    """A figure with the words and the table that say the same."""

    name: str
    label: str
    figure: Mapping[str, Any]
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def json(self) -> str:
        """The figure for a script element: no `<` can end it."""
        return json.dumps(self.figure, separators=(",", ":")).replace("<", "\\u003c")


def figure(
    traces: Sequence[Mapping[str, Any]],
    *,
    height: int = HEIGHT,
    right: int = 8,
    annotations: Sequence[Mapping[str, Any]] = (),
    **axes: Mapping[str, Any],
) -> dict[str, Any]:
    """Traces with the house's layout: transparent, no legend, bars and lines from zero, direct labels.

    Args:
        traces: what is drawn.
        height: of the whole figure, in pixels.
        right: margin for direct labels, in pixels, so that they fit at any width.
        annotations: direct labels.
        axes: what differs in `xaxis` and `yaxis`.
    """
    quiet = {"zeroline": False, "showgrid": False, "fixedrange": True, "automargin": True}
    layout = {
        "height": height,
        "margin": {"l": 8, "r": right, "t": TOP, "b": BOTTOM},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "Inter, sans-serif", "size": 12},
        "showlegend": False,
        "hovermode": "closest",
        "xaxis": {**quiet, **axes.get("xaxis", {})},
        "yaxis": {
            **quiet,
            "showgrid": True,
            "rangemode": "tozero",
            "tickprefix": "$",
            "tickformat": "~s",
            "nticks": 5,
            **axes.get("yaxis", {}),
        },
        "annotations": list(annotations),
    }
    return {"data": list(traces), "layout": layout}


def text_at(x: object, y: float, text: str, *, shift: float = 0) -> dict[str, Any]:
    """A direct label to the right of a point; the text is escaped, for plotly reads tags in it."""
    return {"x": x, "y": y, "text": html.escape(text), "showarrow": False, "xanchor": "left", "xshift": 6, "yshift": round(shift, 1)}


def spread(values: Sequence[float], top: float) -> list[float]:
    """How far to lift labels of a common x so that none touches another, in pixels, in the order given.

    Args:
        values: where the labels belong on the y axis.
        top: the largest value of the axis, which begins at zero.
    """
    scale = (HEIGHT - TOP - BOTTOM - TICKS) / (top or 1)
    lifts, floor = [0.0] * len(values), -LINE_HEIGHT / 2
    for index in sorted(range(len(values)), key=lambda index: values[index]):
        height = max(values[index] * scale, floor)
        lifts[index], floor = height - values[index] * scale, height + LINE_HEIGHT
    return lifts
