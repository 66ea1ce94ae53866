"""Plotly figures as plain JSON: drawn by the vendored script, described in words, and with their values in a table."""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ACCENT, OVER, UNDER, MUTED = "#3b7dd8", "#d9622b", "#1a9086", "#8a96a3"
"""Mid-tones that stand on light and on dark ground."""


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
    traces: Sequence[Mapping[str, Any]], *, height: int = 300, annotations: Sequence[Mapping[str, Any]] = (), **axes: Mapping[str, Any]
) -> dict[str, Any]:
    """Traces with the house's layout: transparent, no legend, bars and lines from zero, direct labels."""
    quiet = {"zeroline": False, "showgrid": False, "fixedrange": True, "automargin": True}
    layout = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 18, "b": 8},
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


def text_at(x: object, y: float, text: str, *, right: bool = False, shift: int = 0) -> dict[str, Any]:
    """A direct label beside a point; the text is escaped, for plotly reads tags in it."""
    anchor = "right" if right else "left"
    return {"x": x, "y": y, "text": html.escape(text), "showarrow": False, "xanchor": anchor, "xshift": -6 if right else 6, "yshift": shift}
