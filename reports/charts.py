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
    how: str = ""
    """The model and the rows it is computed from."""

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


def bars(rows: Sequence[tuple[str, str]], sizes: Sequence[float], colours: Sequence[str], bases: Sequence[float] = ()) -> dict[str, Any]:
    """Named bars that lie below each other, each with its label.

    Args:
        rows: name and label of each.
        sizes: how long each is, to the left where negative.
        colours: of each.
        bases: where each begins; zero where not given.
    """
    places = list(range(len(rows)))
    starts = bases or [0.0] * len(rows)
    tops = [start + max(size, 0.0) for start, size in zip(starts, sizes, strict=True)]
    lows = [start + min(size, 0.0) for start, size in zip(starts, sizes, strict=True)]
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": places,
        "x": list(sizes),
        **({"base": list(bases)} if bases else {}),
        "marker": {"color": list(colours)},
        "hoverinfo": "skip",
        "width": 0.62,
    }
    return figure(
        [trace],
        height=60 + 30 * len(rows),
        right=66,
        annotations=[text_at(top, place, text) for place, top, (_, text) in zip(places, tops, rows, strict=True)],
        xaxis={"range": [min(0.0, *lows), max(*tops, 1.0)], "showticklabels": False},
        yaxis={
            "tickvals": places,
            "ticktext": [html.escape(name) for name, _ in rows],
            "autorange": "reversed",
            "tickprefix": "",
            "ticks": "outside",
            "ticklen": 6,
            "tickcolor": "rgba(0,0,0,0)",
            "showgrid": False,
        },
    )


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
