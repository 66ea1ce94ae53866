"""Figures: each with the question it answers, its values in a table and how it was computed; plotly's as plain JSON."""

import html
import json
from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from meterbook.reports.numbers import plural

ACCENT, OVER, UNDER, MUTED = "#3b7dd8", "#d9622b", "#1a9086", "#8a96a3"
"""Mid-tones that stand on light and on dark ground."""
HEIGHT, TOP, BOTTOM = 300, 18, 8
TICKS = 22
"""Room the labels under an axis take, in pixels."""
LETTER = 7.2
"""Room a digit of a label takes, in pixels."""
LINE_HEIGHT = 16
"""Two labels nearer than this touch, in pixels."""


@dataclass(frozen=True)
class Read:
    """What a figure is computed from.

    Args:
        model: a table of the lake, or a book's own query.
        rows: of it, as they were read; they are counted here, so that no count is written down.
    """

    model: str
    rows: Sized

    @property
    def told(self) -> str:
        """Model and count: marts.cost, 1,204 rows."""
        return f"{self.model}, {plural(len(self.rows), 'row')}"


def how(read: Sequence[Read], note: str = "") -> str:
    """What something is computed from, in words.

    Args:
        read: the models, with their rows.
        note: what else there is to say of it, in whole sentences.
    """
    return f"{'; '.join(one.told for one in read)}.{f' {note}' if note else ''}"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What every figure of a page has: its question, the same in words and in a table, and how it was computed.

    Args:
        question: what it answers: its title.
        label: its numbers in words, for those who cannot see it.
        header: of the table of its values.
        rows: of that table.
        read: what it is computed from.
        note: what else there is to say of that, in whole sentences.

    Raises:
        ValueError: it asks nothing, has no values, a row has not a cell for each column, or nothing says what it is computed from.
    """

    question: str
    label: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    read: Sequence[Read]
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse what the class says it refuses."""
        if not self.question.endswith("?"):
            raise ValueError(f"figure {self.question[:60]!r}: its title is the question that it answers, and ends with a question mark")
        if not self.rows or any(len(row) != len(self.header) for row in self.rows):
            raise ValueError(f"figure {self.question[:60]!r}: its values are rows with a cell for each of {len(self.header)} columns")
        if not self.read:
            raise ValueError(f"figure {self.question[:60]!r}: say in `read` which models it is computed from")

    @property
    def how(self) -> str:
        """What it is computed from, in words."""
        return how(self.read, self.note)


@dataclass(frozen=True, kw_only=True)
class Chart(Figure):
    """A figure that the page's script draws.

    Args:
        name: no other figure of the page has it.
        figure: as plotly takes it.
    """

    name: str
    figure: Mapping[str, Any]

    @property
    def json(self) -> str:
        """The figure for a script element: no `<` can end it."""
        return json.dumps(self.figure, separators=(",", ":")).replace("<", "\\u003c")


@dataclass(frozen=True, kw_only=True)
class Picture(Figure):
    """A figure that is drawn without a script: an inline SVG, whose `aria-label` is the label."""

    picture: Markup


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
        right=max(66, 12 + round(LETTER * max(len(text) for _, text in rows))),
        annotations=[text_at(top, place, text) for place, top, (_, text) in zip(places, tops, rows, strict=True)],
        xaxis={
            "range": [min(0.0, *lows), max(*tops, 1.0)],
            "showticklabels": False,
            # Where bars lie on both sides, a line says where they begin.
            **({"zeroline": True, "zerolinecolor": MUTED} if min(lows) < 0 else {}),
        },
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


def spread(values: Sequence[float], top: float, low: float = 0.0) -> list[float]:
    """How far to lift labels of a common x so that none touches another, in pixels, in the order given.

    Args:
        values: where the labels belong on the y axis.
        top: the largest value of the axis.
        low: the value it begins at.
    """
    scale = (HEIGHT - TOP - BOTTOM - TICKS) / ((top - low) or 1)
    lifts, floor = [0.0] * len(values), -LINE_HEIGHT / 2
    for index in sorted(range(len(values)), key=lambda index: values[index]):
        place = (values[index] - low) * scale
        height = max(place, floor)
        lifts[index], floor = height - place, height + LINE_HEIGHT
    return lifts
